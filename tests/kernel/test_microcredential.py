"""The sixteen elements of a microcredential: what is missing, and each format there and back. E-20 to E-22, E-11."""

import gzip
import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.elm import create_elm_credential, read_elm_credential
from kernel.json_ld import to_rdf
from kernel.microcredential import (
    ELEMENTS,
    MANDATORY_ELEMENTS,
    AwardingBody,
    FurtherInformation,
    Grade,
    GradingScheme,
    Learner,
    LearningOutcome,
    Level,
    Microcredential,
    Organisation,
    QualityAssurance,
    Skill,
    Supervision,
    Title,
    Workload,
    create_microcredential_achievement,
    create_microcredential_badge,
    find_warnings,
    missing_elements,
    read_microcredential,
    read_microcredential_badge,
    read_microcredential_claims,
)
from kernel.open_badges import CredentialDataset, create_sd_jwt_vc_claims, verify_achievement
from kernel.sd_jwt import conceal, parse_disclosure, reveal
from tests.kernel.conftest import SHARED
from tests.support.json_values import json_values
from tests.support.microcredentials import EMPTY, FULL, MICROCREDENTIALS, claims_of_another_issuer

ESCO = "http://data.europa.eu/esco/skill/03b9b491-fc9b-4868-914a-bf7cd47b5041"
ESCO_OCCUPATION = "http://data.europa.eu/esco/occupation/f2b15a0e-e65a-438a-affb-29b9d50b77d1"
Turn = Callable[[Microcredential], Microcredential]


def by_open_badge(microcredential: Microcredential) -> Microcredential:
    return read_microcredential_badge(_as_sent(create_microcredential_badge(microcredential)))


def by_claims_of_others(microcredential: Microcredential) -> Microcredential:
    claims, hidden = claims_of_another_issuer(microcredential)
    payload, disclosures = conceal(claims, disclosable=hidden)
    return read_microcredential_claims(
        reveal(_as_sent(payload), [parse_disclosure(each) for each in disclosures], protected=frozenset())
    )


def by_elm(microcredential: Microcredential) -> Microcredential:
    return read_elm_credential(_as_sent(create_elm_credential(microcredential)))


def by_elm_and_back(microcredential: Microcredential) -> Microcredential:
    return by_open_badge(by_elm(by_open_badge(microcredential)))


ALL_WAYS = pytest.mark.parametrize("turn", [by_open_badge, by_claims_of_others, by_elm, by_elm_and_back])


def _as_sent(document: dict[str, Any]) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(json.dumps(document))
    return sent


# What is missing


def test_E20_a_full_microcredential_misses_nothing() -> None:
    assert missing_elements(FULL) == ()


def test_E20_an_empty_one_misses_the_eleven_mandatory_elements_in_their_order() -> None:
    assert missing_elements(EMPTY) == MANDATORY_ELEMENTS
    assert len(MANDATORY_ELEMENTS) == 11


@pytest.mark.parametrize("element", MANDATORY_ELEMENTS)
def test_E20_each_mandatory_element_is_named_when_it_is_missing(element: str) -> None:
    assert missing_elements(replace(FULL, **{element: getattr(EMPTY, element)})) == (element,)


@pytest.mark.parametrize("element", [element for element in ELEMENTS if element not in MANDATORY_ELEMENTS])
def test_E21_optional_elements_may_be_missing(element: str) -> None:
    assert missing_elements(replace(FULL, **{element: getattr(EMPTY, element)})) == ()


def test_E20_a_verified_flag_is_no_level_and_earned_credits_are_no_workload() -> None:
    hollow = replace(FULL, level=Level(is_verified=True), workload=Workload(ects_earned=3))
    assert missing_elements(hollow) == ("workload", "level")


@pytest.mark.parametrize(
    ("workload", "warnings"),
    [
        (Workload(ects=3), ()),
        (Workload(ects=30), ()),
        (Workload(sbu=240), ()),
        (Workload(hours=20), ()),
        (Workload(ects=2.5), ("workload_unusual",)),
        (Workload(ects=30.5), ("workload_unusual",)),
        (Workload(ects=3.25), ("workload_unusual",)),
        (Workload(sbu=239), ("workload_unusual",)),
        (Workload(ects=3, sbu=240), ("workload_twice",)),
    ],
)
def test_E22_an_unusual_workload_is_a_warning_and_no_error(workload: Workload, warnings: tuple[str, ...]) -> None:
    microcredential = replace(FULL, workload=workload)
    assert find_warnings(microcredential) == warnings
    assert missing_elements(microcredential) == ()


def test_S06_a_level_that_only_its_issuer_states_is_pointed_out() -> None:
    assert find_warnings(replace(FULL, workload=Workload(ects=3), level=Level(eqf=5))) == ("level_not_verified",)
    assert find_warnings(replace(FULL, workload=Workload(ects=3), level=Level())) == ()


# There and back


def test_E20_the_sixteen_elements_are_the_fields() -> None:
    assert tuple(field.name for field in fields(Microcredential)) == ("id", "achievement_id", *ELEMENTS)


@ALL_WAYS
@pytest.mark.parametrize("element", ELEMENTS)
def test_E20_each_element_comes_back_as_it_went(turn: Turn, element: str) -> None:
    assert getattr(turn(FULL), element) == getattr(FULL, element)


@ALL_WAYS
@pytest.mark.parametrize("element", ELEMENTS)
def test_E20_each_element_travels_alone(turn: Turn, element: str) -> None:
    alone = replace(EMPTY, **{element: getattr(FULL, element)})
    assert turn(alone) == alone


@ALL_WAYS
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(microcredential=MICROCREDENTIALS)
def test_E20_any_microcredential_comes_back_as_it_went(turn: Turn, microcredential: Microcredential) -> None:
    assert turn(microcredential) == microcredential


# As an Open Badge


def test_B15_every_word_of_the_badge_is_in_the_published_contexts() -> None:
    badge = create_microcredential_badge(FULL)
    words = " ".join(str(quad) for quad in to_rdf(badge))
    for word in ("zelfstandig", "portfolio_assessment", "AV-4223", "Niveau 4", "8.5", "99XX", "hbo-1", "36", "Kosher"):
        assert word in words


def test_B04_the_achievement_is_one_that_we_would_issue() -> None:
    verify_achievement(create_microcredential_achievement(FULL))


def test_S01_levels_and_credits_stand_as_alignments_with_their_published_uris() -> None:
    urls = {each["targetType"]: each["targetUrl"] for each in create_microcredential_achievement(FULL)["alignment"]}
    assert urls["ext:EQFAlignment"] == "http://data.europa.eu/snb/eqf/5"
    assert urls["ext:NLQFAlignment"] == "http://data.europa.eu/snb/qdr/c_c2700f4e"
    assert urls["ext:ECTSAlignment"] == "http://data.europa.eu/snb/education-credit/6fcec5c5af"
    assert urls["ext:ESCOAlignment"].startswith("http://data.europa.eu/esco/skill/")


def test_S03_a_badge_with_the_extension_of_edubadges_is_read() -> None:
    """The shape of educredentials/obv3-examples: its own members, `ext:EQF` and `ext:QualityAssurance`."""
    read = read_microcredential_badge(EDUBADGE)
    assert missing_elements(read) == ()
    assert read.workload == Workload(ects=3.0, sbu=500, hours=84.0)
    assert read.level == Level(eqf=4)
    assert read.assessment == ("written_exam", "portfolio_assessment")
    assert read.participation == ("onsite or blended",)
    assert read.quality_assurance == QualityAssurance("NVAO", "https://data.example/AV-1", None, "AV-1")
    assert read.supervision == Supervision(is_supervised=True, place="onsite", identity_checked=True)
    assert read.learning_outcomes == (LearningOutcome("Meditate.", (Skill(ESCO, "meditate", None),)),)
    assert read.grade is not None
    assert (read.grade.value, read.grade.scheme and read.grade.scheme.required) == ("8.5", "6")
    assert read.further_information.programmes == ("34601", "crebo-1")
    assert read.further_information.brin == "42NB"


def test_S03_what_was_learned_stands_in_the_description_of_an_edubadge() -> None:
    """As in all microcredentials of educredentials/obv3-examples."""
    subject = EDUBADGE["credentialSubject"]
    achievement = {name: value for name, value in subject["achievement"].items() if name != "learningOutcome"}
    read = read_microcredential_badge({**EDUBADGE, "credentialSubject": {**subject, "achievement": achievement}})
    assert missing_elements(read) == ()
    assert read.learning_outcomes[0].text == "Mind control."


def test_S03_the_skills_of_a_badge_that_describes_no_outcomes_are_its_outcomes() -> None:
    read = read_alignments({"targetUrl": ESCO, "targetName": "meditate"}, {"targetUrl": "https://x.example"})
    assert read.learning_outcomes == (
        LearningOutcome("meditate", (Skill(ESCO, "meditate"),)),
        LearningOutcome("https://x.example", (Skill("https://x.example", "https://x.example"),)),
    )


ONET = "https://www.onetonline.org/find/descriptor/result/2.B.3.g"
SOLVING = {"targetUrl": ONET, "targetName": "Solving"}


@ALL_WAYS
@pytest.mark.parametrize(
    "alignment",
    [
        {**SOLVING, "targetType": "ext:ONETAlignment", "targetFramework": "ONET"},
        {**SOLVING, "targetType": "CFItem"},
        SOLVING,
        {**SOLVING, "targetUrl": "https://school.example/skills/1", "targetType": "ext:SchoolAlignment"},
        {**SOLVING, "targetUrl": "https://school.example/skills/1", "targetType": "ext:ESCOAlignment"},
        {**SOLVING, "targetUrl": "https://school.example/skills/1", "targetType": "ext:CompetentNLAlignment"},
        {**SOLVING, "targetUrl": "https://school.example/skills/1", "targetFramework": "ESCO"},
        {**SOLVING, "targetUrl": ESCO_OCCUPATION, "targetFramework": "ESCO"},
    ],
)
def test_S03_a_skill_of_any_framework_is_an_outcome_and_stays_one_in_every_format(
    turn: Turn, alignment: dict[str, Any]
) -> None:
    read = read_alignments(alignment)
    skill = Skill(alignment["targetUrl"], "Solving", alignment.get("targetFramework"))
    assert read.learning_outcomes == (LearningOutcome("Solving", (skill,)),)
    assert turn(read).learning_outcomes == read.learning_outcomes
    assert "learning_outcomes" not in missing_elements(turn(read))


@ALL_WAYS
def test_S03_a_skill_that_no_outcome_names_stands_beside_the_outcomes_in_every_format(turn: Turn) -> None:
    badge = create_microcredential_badge(FULL)
    badge["credentialSubject"]["achievement"]["alignment"].insert(0, SOLVING)
    read = read_microcredential_badge(badge)
    added = LearningOutcome("Solving", (Skill(ONET, "Solving"),))
    assert read.learning_outcomes == (*FULL.learning_outcomes, added)
    assert turn(read) == read


def test_S03_a_level_among_the_alignments_of_an_outcome_is_no_skill() -> None:
    badge = create_microcredential_badge(FULL)
    outcome = badge["credentialSubject"]["achievement"]["resultDescription"][0]
    outcome["alignment"].append({"targetUrl": "http://data.europa.eu/snb/eqf/5", "targetName": "EQF 5"})
    assert read_microcredential_badge(badge) == FULL


@pytest.mark.parametrize("kind", [{}, {"targetType": "CFItem"}, {"targetType": "ext:ESCOAlignment"}])
def test_S03_levels_credits_and_kinds_are_known_by_their_addresses(kind: dict[str, Any]) -> None:
    addresses = (
        "http://data.europa.eu/snb/eqf/5",
        "http://data.europa.eu/snb/qdr/c_c2700f4e",
        "http://data.europa.eu/snb/assessment/b1b68f6735",
        "http://data.europa.eu/snb/learning-assessment/e92d221e4d",
        "http://data.europa.eu/snb/isced-f/0413",
    )
    ects = {"targetUrl": "http://data.europa.eu/snb/education-credit/6fcec5c5af", "targetCode": "3.5"}
    read = read_alignments(*({"targetName": "x", "targetUrl": url, **kind} for url in addresses), {**ects, **kind})
    assert read.level == Level(eqf=5, nlqf="4+")
    assert read.workload == Workload(ects=3.5)
    assert (read.assessment, read.participation) == (("quiz",), ("blended",))
    assert read.further_information.isced_f == "0413"
    assert read.learning_outcomes == ()


def test_S01_the_level_at_the_address_counts_and_not_the_words_beside_it() -> None:
    eqf = {"targetUrl": "http://data.europa.eu/snb/eqf/5", "targetCode": "level five", "targetType": "ext:EQF"}
    nlqf = {"targetUrl": "http://data.europa.eu/snb/qdr/c_18c9e9fe", "targetCode": "NLQF 5"}
    assert read_alignments(eqf, nlqf).level == Level(eqf=5, nlqf="5")


def test_S07_credits_are_ects_where_an_alignment_says_so() -> None:
    ects = {"targetUrl": "http://data.europa.eu/snb/education-credit/6fcec5c5af", "targetName": "ECTS"}
    said = {"achievement": {"creditsAvailable": 3.5, "alignment": [ects]}}
    assert read_microcredential_badge({"credentialSubject": said}).workload == Workload(ects=3.5)
    unsaid = {"achievement": {"creditsAvailable": 3.5}}
    assert read_microcredential_badge({"credentialSubject": unsaid}).workload == Workload()


def read_alignments(*alignments: dict[str, Any]) -> Microcredential:
    return read_microcredential_badge({"credentialSubject": {"achievement": {"alignment": list(alignments)}}})


@pytest.mark.parametrize("code", ["9", "0", "4.5", "vier", "nan", "inf", None, True, 10**400])
def test_S01_a_level_that_is_none_is_not_read(code: object) -> None:
    alignment = {"targetType": "ext:EQF", "targetCode": code}
    read = read_microcredential_badge({"credentialSubject": {"achievement": {"alignment": alignment}}})
    assert read.level == Level()


EDUBADGE: dict[str, Any] = {
    "id": "http://example.com/credentials/1",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": {
        "id": "https://example.com/issuers/1",
        "name": "Theed",
        "otherIdentifier": [
            {"identifier": "theed", "identifierType": "name"},
            {"identifier": "42NB", "identifierType": "ext:BRIN"},
        ],
        "address": {"addressCountryCode": "XX"},
    },
    "validFrom": "2024-08-30T00:00:00Z",
    "credentialSubject": {
        "id": "https://example.com/students/1",
        "achievement": {
            "id": "https://example.com/achievements/1",
            "type": ["Achievement", "EducredentialAchievement"],
            "name": "Minor",
            "description": "Mind control.",
            "image": "https://example.com/mind.jpg",
            "criteria": {"narrative": "A test."},
            "inLanguage": "en-EN",
            "learningOutcome": "Meditate.",
            "educationProgramIdentifier": [34601, "crebo-1", True],
            "alignment": [
                {
                    "targetType": "ext:QualityAssurance",
                    "targetName": "NVAO",
                    "targetCode": "AV-1",
                    "targetUrl": "https://data.example/AV-1",
                },
                {"targetType": "ext:EQF", "targetCode": "4", "targetUrl": "https://content.example/eqf"},
                {"targetType": "ext:ESCO", "targetName": "meditate", "targetUrl": ESCO},
            ],
            "participationType": "onsite or blended",
            "assessmentType": "written_exam, portfolio_assessment",
            "identityChecked": True,
            "supervisionType": "onsite with identity verification",
            "resultDescription": [
                {
                    "id": "https://example.com/r",
                    "name": "Grade",
                    "requiredValue": "6",
                    "resultType": "ext:ECTSGradeScore",
                }
            ],
            "ECTS": 3.0,
            "SBU": 500,
            "timeInvestment": 84,
        },
        "result": [{"achievedLevel": "x"}, {"resultDescription": "https://example.com/r", "value": "8.5"}],
    },
}


# As claims


def test_E20_claims_with_the_names_of_the_table_are_what_is_read_here() -> None:
    claims, hidden = claims_of_another_issuer(FULL)
    assert claims["issuing_country"] == "NL"
    assert claims["issuing_authority"] == "Hogeschool Voorbeeld"
    assert claims["date_of_issuance"] == "2026-11-21T12:00:00Z"
    assert claims["assessment_type"][0] == "portfolio_assessment"
    assert claims["participation_type"] == ["blended", "volunteering"]
    assert claims["quality_assurance"]["code"] == "AV-4223"
    assert {("given_name",), ("family_name",), ("birthdate",), ("achievement", "alignment", 0)} <= set(hidden)


def test_S09_a_skill_that_is_hidden_is_hidden_in_its_outcome_too() -> None:
    claims, hidden = claims_of_another_issuer(FULL)
    payload, _ = conceal(claims, disclosable=hidden)
    assert "03b9b491" not in json.dumps(payload)
    assert read_microcredential_claims(reveal(payload, (), protected=frozenset())).learner.given_name is None


@pytest.mark.parametrize(
    ("element", "words"),
    [
        ("assessment", "portfolio_assessment"),
        ("participation", "volunteering"),
        ("quality_assurance", "AV-4223"),
        ("level", "http://data.europa.eu/snb/eqf/5"),
    ],
)
def test_E20_S09_each_element_of_our_sd_jwt_is_shown_by_itself_and_told_nowhere_else(element: str, words: str) -> None:
    """Decision 0083: in the alignments, each of which is a disclosure of its own."""
    dataset = CredentialDataset(
        achievement=create_microcredential_achievement(FULL),
        issuer_profile={"id": "did:web:issuer.example", "type": ["Profile"], "name": "Hogeschool Voorbeeld"},
        person={"birthdate": "2001-02-03"},
        issuing_authority="Hogeschool Voorbeeld",
        credential_id=FULL.id,
    )
    claims, hidden = create_sd_jwt_vc_claims(dataset)
    payload, encoded = conceal(claims, disclosable=hidden)
    assert ("birthdate",) in hidden
    assert words not in json.dumps(payload)
    disclosures = [parse_disclosure(each) for each in encoded]
    shown = [each for each in disclosures if words in json.dumps(each.value)]
    read = read_microcredential_claims(reveal(payload, shown, protected=frozenset()))
    told = getattr(read, element)
    if element in ("assessment", "participation"):
        assert told == (words,)
    else:
        assert told == (Level(eqf=5) if element == "level" else FULL.quality_assurance)
    assert "De deelnemer" not in json.dumps(payload)
    assert read.learning_outcomes == ()
    assert len(shown) == 1


def test_E20_the_claims_that_our_issuer_writes_today_are_read() -> None:
    claims = {
        "iss": "did:web:issuer.example",
        "issuing_authority": "Hogeschool",
        "issuing_country": "NL",
        "awarded_at": "2026-11-21T00:00:00Z",
        "achievement": {"id": "https://issuer.example/1", "name": "PO", "creator": {"name": "Lectoraat"}},
    }
    read = read_microcredential_claims(claims)
    assert read.title == Title("PO")
    assert read.country == "NL"
    assert read.awarding_body == AwardingBody(
        Organisation("Hogeschool", "did:web:issuer.example"), Organisation("Lectoraat")
    )
    assert read.dates is not None
    assert read.dates.issued == datetime(2026, 11, 21, tzinfo=UTC)


# As an ELM document

ELM = SHARED / "data" / "credentials" / "elm"
needs_elm = pytest.mark.skipif(not ELM.exists(), reason="../shared/data/credentials/elm is not there")


@needs_elm
def test_E11_the_elm_document_is_valid_against_the_published_schema() -> None:
    """EBSI's JSON schema of EDC on VCDM 2.0, ELM 3.2."""
    schema = _read_gzip(ELM / "schema_ebsi_elm3.2" / "vcdm2.0-europass-edc-schema.json.gz")
    schema = {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": "#/$defs/EuropeanDigitalCredentialType"}
    validator = jsonschema_rs.validator_for(schema)
    problems = [
        (error.instance_path, error.message[:200]) for error in validator.iter_errors(create_elm_credential(FULL))
    ]
    assert problems == []


@needs_elm
def test_E11_every_member_of_the_elm_document_is_in_the_published_context() -> None:
    terms = json.loads((ELM / "edc-ap-context-elm3.1.jsonld").read_bytes())["@context"].keys()
    credential = {"@context", "credentialSubject", "credentialSchema", "issued", "issuer", "evidence", "proof"}
    names = set(_names(create_elm_credential(FULL)))
    assert names - terms - credential - {"validFrom", "validUntil", "id", "type"} - {"en", "nl"} == set()


@needs_elm
@pytest.mark.parametrize(
    "name", ["Sample-MC-Annex1-unsigned.jsonld.gz", "Microcredential_Data_and_software_business.json.gz"]
)
def test_E10_published_samples_are_read(name: str) -> None:
    read = read_elm_credential(_read_gzip(ELM / name))
    assert read.title is not None
    assert read.awarding_body is not None
    assert read.country is not None
    assert read.dates is not None
    assert read.grade is not None
    assert read.learning_outcomes


@needs_elm
def test_E10_the_microcredential_sample_of_annex_1_is_read_element_by_element() -> None:
    read = read_elm_credential(_read_gzip(ELM / "Sample-MC-Annex1-unsigned.jsonld.gz"))
    assert missing_elements(read) == ("quality_assurance",)
    assert read.title == Title("Digital micro-credential creation")
    assert read.learner.family_name == "Andromeda"
    assert read.country == "IE"
    assert read.awarding_body is not None
    assert read.awarding_body.issuer.name == "University of Zed"
    assert read.workload == Workload(ects=2.0, hours=60.0)
    assert read.level == Level(eqf=6)
    assert read.assessment == ("artefact assessment",)
    assert read.participation == ("blended",)
    assert read.prerequisites.text is not None
    assert read.supervision == Supervision(is_supervised=False, place=None, identity_checked=False)
    assert [len(outcome.skills) for outcome in read.learning_outcomes] == [3, 3]
    assert read.further_information.language == "en"
    assert read.further_information.isced_f == "003"


def test_E10_texts_without_language_and_claims_without_type_are_read() -> None:
    document = {
        "displayParameter": {
            "primaryLanguage": {"id": "http://publications.europa.eu/resource/authority/language/FRA"}
        },
        "credentialSubject": {"hasClaim": {"title": "Titre", "specifiedBy": {"volumeOfLearning": "P1M"}}},
    }
    read = read_elm_credential(document)
    assert read.title == Title("Titre")
    assert read.workload == Workload()
    assert read.further_information == FurtherInformation(language="fr")


def test_E10_a_title_in_other_languages_only_is_the_first_of_them() -> None:
    claim = {"type": "LearningAchievement", "title": {"es": ["uno"], "it": "due"}}
    read = read_elm_credential({"credentialSubject": {"hasClaim": [{"type": "LearningActivity"}, claim]}})
    assert read.title is not None
    assert read.title.text == "uno"
    assert [(each.language, each.text) for each in read.title.translations] == [("it", "due")]


def test_E10_an_outcome_without_words_and_a_note_without_a_subject_are_left_out() -> None:
    qualification = {"learningOutcome": {"type": "LearningOutcome"}, "additionalNote": {"noteLiteral": {"nl": "Los."}}}
    read = read_elm_credential({"credentialSubject": {"hasClaim": {"specifiedBy": qualification}}})
    assert read.learning_outcomes == ()
    assert read.further_information == FurtherInformation()


# Whatever comes

_MEMBERS = [
    *("credentialSubject", "achievement", "issuer", "alignment", "targetType", "targetCode", "targetUrl", "targetName"),
    *("resultDescription", "result", "resultType", "value", "identifier", "identityHash", "evidence", "hasClaim"),
    *("specifiedBy", "provenBy", "additionalNote", "subject", "notation", "noteLiteral", "title", "awardedBy"),
    *("awardingBody", "learningOutcome", "relatedSkill", "learningOutcome", "educationProgramIdentifier", "mode"),
    *("displayParameter", "primaryLanguage", "id", "dcType", "accreditation", "grade", "image", "validFrom"),
]
_LEAVES = st.sampled_from(["ext:EQF", "ext:LearningOutcome", "5", "titleLanguage", "nl", "", "2024-08-30T00:00:00Z"])
_DOCUMENTS = st.recursive(
    json_values(4) | _LEAVES,
    lambda inner: st.dictionaries(st.sampled_from(_MEMBERS), inner, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=30,
).filter(lambda value: isinstance(value, dict))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(document=_DOCUMENTS)
def test_A41_no_document_makes_the_readers_raise(document: dict[str, Any]) -> None:
    for read in (read_microcredential_badge, read_microcredential_claims, read_elm_credential):
        assert isinstance(read(document).learner, Learner)


def _read_gzip(path: Any) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return value


def _names(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [name for key, member in value.items() for name in (key, *_names(member))]
    return [name for element in value for name in _names(element)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    ("dates", "issued", "until"),
    [
        ({"nbf": 86_400, "iat": 0, "exp": 172_800}, datetime(1970, 1, 2, tzinfo=UTC), datetime(1970, 1, 3, tzinfo=UTC)),
        ({"iat": 86_400}, datetime(1970, 1, 2, tzinfo=UTC), None),
        ({"nbf": 86_400, "exp": 10**18}, datetime(1970, 1, 2, tzinfo=UTC), None),
    ],
)
def test_E20_the_dates_of_a_token_are_those_of_the_microcredential(
    dates: dict[str, int], issued: datetime, until: datetime | None
) -> None:
    read = read_microcredential_claims({"iss": "did:web:x", "issuing_authority": "X", **dates})
    assert read.dates is not None
    assert (read.dates.issued, read.dates.valid_until) == (issued, until)


def test_E20_the_issuers_profile_stands_for_the_creator_only_where_it_is_the_issuers() -> None:
    profile = {"type": ["Profile"], "id": "did:web:x", "name": "X", "url": "https://x.example"}
    claims = {"iss": "did:web:x", "issuing_authority": "X", "achievement": {"name": "A", "creator": profile}}
    own = read_microcredential_claims(claims).awarding_body
    assert own is not None
    assert (own.issuer.url, own.creator) == ("https://x.example", None)
    other = read_microcredential_claims({**claims, "iss": "did:web:y"}).awarding_body
    assert other is not None
    assert (other.issuer.url, other.creator and other.creator.name) == (None, "X")


def test_E21_what_is_called_a_grade_is_the_grade_wherever_it_stands() -> None:
    badge = create_microcredential_badge(FULL)
    subject = badge["credentialSubject"]
    described = subject["achievement"]["resultDescription"]
    described.append({"id": "urn:test", "type": ["ResultDescription"], "name": "Toets", "resultType": "Percent"})
    subject["result"].insert(0, {"type": ["Result"], "resultDescription": "urn:test", "value": "82"})
    assert read_microcredential_badge(badge).grade == FULL.grade
    del subject["result"][1]
    assert read_microcredential_badge(badge).grade == Grade("82", GradingScheme("Toets"))


def test_K69_E20_a_badge_is_read_in_the_way_of_its_format() -> None:
    badge, (claims, _) = create_microcredential_badge(FULL), claims_of_another_issuer(FULL)
    assert read_microcredential(badge, "ldp_vc") == read_microcredential_badge(badge)
    assert read_microcredential({"iss": "did:example:1", "vc": badge}, "jwt_vc_json") == read_microcredential_badge(
        badge
    )
    assert read_microcredential(claims, "dc+sd-jwt") == read_microcredential_claims(claims)
