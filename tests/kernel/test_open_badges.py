"""The Open Badges model: what may be issued, how it is written for each format, how any badge is read."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyld import jsonld

import schemas
from kernel.errors import CredentialError
from kernel.formats import FORMATS, parse_credential
from kernel.open_badges import (
    CONTEXTS,
    CREDENTIALS_V2,
    OPEN_BADGES_3_0_3,
    BadgeView,
    Evidence,
    Profile,
    Skill,
    VerifiedIdentity,
    badge_view,
    create_achievement,
    create_alignment,
    create_evidence,
    create_identity_object,
    create_open_badge,
    create_sd_jwt_vc_claims,
    format_date_time,
    parse_date_time,
    verify_achievement,
    verify_dataset,
    verify_identity_object,
)
from tests.support.badges import (
    ES256,
    HOLDER_SIGNER,
    ISSUER,
    ISSUER_SIGNER,
    NOW,
    SKILLS,
    create_test_achievement,
    create_test_dataset,
    issue_badge,
)

BOTH = pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt"])
LEVELS = [
    {"id": f"urn:uuid:level-{number}", "type": ["RubricCriterionLevel"], "name": name, "level": str(number)}
    for number, name in enumerate(["Onvoldoende", "Voldoende", "Goed"], 1)
]
DESCRIPTION = {
    "id": "urn:uuid:description",
    "type": ["ResultDescription"],
    "name": "Eindbeoordeling",
    "resultType": "RubricCriterionLevel",
    "requiredLevel": "urn:uuid:level-2",
    "rubricCriterionLevel": LEVELS,
}
RESULT = {
    "type": ["Result"],
    "resultDescription": "urn:uuid:description",
    "achievedLevel": "urn:uuid:level-3",
    "status": "Completed",
}
JUDGED = create_test_achievement(resultDescription=[DESCRIPTION])


# Describing


def test_B06_S01_alignment_has_the_uri_exactly_as_published() -> None:
    uri = "http://data.europa.eu/esco/skill/03b9b491-fc9b-4868-914a-bf7cd47b5041"
    alignment = create_alignment(
        target_url=uri, target_name="x", target_framework="ESCO", target_type="ext:ESCOAlignment"
    )
    assert alignment == {
        "type": ["Alignment"],
        "targetType": "ext:ESCOAlignment",
        "targetFramework": "ESCO",
        "targetName": "x",
        "targetUrl": uri,
    }


@pytest.mark.parametrize("changes", [{"target_url": "esco"}, {"target_name": ""}, {"target_type": "ESCO"}])
def test_B06_alignment_that_is_none_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(CredentialError) as refusal:
        create_alignment(**{"target_url": "http://x.example/1", "target_name": "x", **changes})
    assert refusal.value.code == "malformed"


def test_B04_B10_achievement_has_no_null_and_nothing_empty() -> None:
    achievement = create_achievement(
        achievement_id="https://x.example/1", name="x", description="y", criteria_url="https://x.example/criteria"
    )
    assert achievement == {
        "id": "https://x.example/1",
        "type": ["Achievement"],
        "name": "x",
        "description": "y",
        "criteria": {"id": "https://x.example/criteria"},
    }


def test_B04_achievement_with_everything_is_accepted() -> None:
    achievement = create_achievement(
        achievement_id="https://x.example/1",
        name="x",
        description="y",
        criteria_narrative="z",
        achievement_type="ext:Werkplekleren",
        alignments=[create_alignment(target_url="http://x.example/1", target_name="x")],
        image="data:image/png;base64,AAAA",
        image_caption="Badge",
        language="nl",
        version="2",
        tags=["regio"],
        result_descriptions=[DESCRIPTION],
    )
    verify_achievement(achievement)
    assert achievement["image"] == {"id": "data:image/png;base64,AAAA", "type": "Image", "caption": "Badge"}


def test_B09_evidence_carries_the_digest_of_its_bytes() -> None:
    assert create_evidence(name="Rapport", url="https://x.example/r.pdf", digest="sha256-AAAA") == {
        "id": "https://x.example/r.pdf",
        "type": ["Evidence"],
        "name": "Rapport",
        "digestSRI": "sha256-AAAA",
    }


KOSHER = "sha256$b5809d8a92f8858436d7e6b87c12ebc0ae1eac4baecc2c0b913aee2c922ef399"


def test_B08_identity_hash_is_the_published_one() -> None:
    identity = create_identity_object("a@example.com", identity_type="emailAddress", salt="Kosher")
    assert identity["identityHash"] == KOSHER
    assert verify_identity_object(identity, identifier="a@example.com") == VerifiedIdentity("emailAddress", False)


@pytest.mark.parametrize(
    ("identity", "is_weak"),
    [
        ({"hashed": True, "identityHash": KOSHER, "salt": "Kosher"}, False),
        ({"hashed": True, "identityHash": KOSHER.upper().replace("SHA256", "sha256"), "salt": "Kosher"}, False),
        ({"hashed": True, "identityHash": f"sha256${hashlib.sha256(b'a@example.com').hexdigest()}"}, True),
        ({"hashed": True, "identityHash": "md5$b418773a2c51fb9777a1648346fa7394", "salt": ""}, True),
        ({"hashed": False, "identityHash": "a@example.com"}, False),
    ],
)
def test_B08_A51_identity_is_found_in_any_case_and_a_weak_hash_is_flagged(
    identity: dict[str, Any], is_weak: bool
) -> None:
    for identifier in ("a@example.com", "A@Example.com"):
        assert verify_identity_object(identity, identifier=identifier).is_weak == is_weak


@pytest.mark.parametrize(
    ("identity", "code"),
    [
        ({"hashed": True, "identityHash": KOSHER, "salt": "other"}, "rejected"),
        ({"hashed": True, "identityHash": KOSHER}, "rejected"),
        ({"hashed": True, "identityHash": "a@example.com"}, "malformed"),
        ({"hashed": True, "identityHash": "sha1$00", "salt": "Kosher"}, "malformed"),
        ({"hashed": True}, "malformed"),
        ({"hashed": False, "identityHash": "b@example.com"}, "rejected"),
        ({"hashed": False}, "rejected"),
    ],
)
def test_B08_identity_of_somebody_else_is_refused(identity: dict[str, Any], code: str) -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_identity_object(identity, identifier="a@example.com")
    assert refusal.value.code == code


# Checking


def test_B07_results_that_refer_into_the_badge_are_accepted() -> None:
    verify_dataset(create_test_dataset(achievement=JUDGED, result=[RESULT, {"type": ["Result"], "value": "8"}]))


@pytest.mark.parametrize(
    "description",
    [
        {**DESCRIPTION, "requiredLevel": "urn:uuid:another"},
        {name: value for name, value in DESCRIPTION.items() if name != "rubricCriterionLevel"},
    ],
)
def test_B07_required_level_that_is_not_in_the_badge_is_refused(description: dict[str, Any]) -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_achievement(create_test_achievement(resultDescription=[description]))
    assert refusal.value.code == "malformed"


@pytest.mark.parametrize(
    "changes",
    [
        {"result": [{**RESULT, "resultDescription": "urn:uuid:another"}]},
        {"result": [{**RESULT, "achievedLevel": "urn:uuid:another"}]},
        {"result": [{**RESULT, "status": "Done"}]},
        {"result": [{**RESULT, "value": None}]},
        {"result": [{"status": "Completed"}]},
        {"result": ["Completed"]},
        {"evidence": [{"name": "x"}]},
        {"evidence": [{"type": ["Evidence"], "digestSRI": "abcdef"}]},
        {"evidence": [{"type": ["Evidence"], "id": "no url"}]},
        {"evidence": [{"type": ["Evidence"], "name": "\ud800"}]},
        {"person": {"bsn": "123456782"}},
        {"person": {"given_name": ""}},
        {"person": {"birthdate": "4 mei 2001"}},
        {"person": {"email": 1}},
        {"issuer_profile": {"type": ["Profile"]}},
        {"issuer_profile": {"name": "x"}},
        {"issuer_profile": {"type": ["Profile"], "name": "x", "otherIdentifier": []}},
        {"issuing_authority": " "},
        {"issuing_country": "Nederland"},
        {"issuing_country": "nl"},
        {"credential_id": "1"},
    ],
)
def test_B02_B03_B07_B09_dataset_with_one_thing_broken_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_dataset(create_test_dataset(achievement=JUDGED, **changes))
    assert refusal.value.code == "malformed"


def test_a_refusal_does_not_repeat_what_was_said_about_a_person() -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_dataset(create_test_dataset(evidence=[{"type": ["Evidence"], "geheim": "van Sanne"}]))
    assert "Sanne" not in str(refusal.value)
    assert "Sanne" not in refusal.value.detail


# Writing


def test_B01_B02_B03_B04_open_badge_has_what_the_specification_requires() -> None:
    badge, _ = create_open_badge(create_test_dataset(), issuer_id="did:web:issuer.example", subject_id="did:jwk:x")
    assert badge["@context"] == [CREDENTIALS_V2, OPEN_BADGES_3_0_3]
    assert badge["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert badge["name"] == badge["credentialSubject"]["achievement"]["name"]
    assert badge["issuer"] == {
        "id": "did:web:issuer.example",
        "type": ["Profile"],
        "name": "Stichting Stimulering Techniek Maas en Waal",
        "url": "https://stmw.example",
    }
    assert badge["credentialSubject"]["id"] == "did:jwk:x"
    assert badge["credentialSubject"]["type"] == ["AchievementSubject", "Profile"]
    assert badge["id"].startswith("urn:uuid:")


def test_B03_subject_of_whom_nothing_is_said_is_no_profile() -> None:
    badge, paths = create_open_badge(
        create_test_dataset(person={}, evidence=()), issuer_id="did:web:issuer.example", subject_id="did:jwk:x"
    )
    assert badge["credentialSubject"]["type"] == ["AchievementSubject"]
    assert paths == [("credentialSubject", "achievement", "alignment", None)]


def test_B14_badge_uses_neither_of_the_terms_that_changed_in_place() -> None:
    badge, _ = create_open_badge(create_test_dataset(), issuer_id="did:web:x.example", subject_id="did:jwk:x")
    assert not {"endorsementJwt", "jti"} & set(json.dumps(badge).split('"'))


def test_B10_multi_valued_members_are_arrays() -> None:
    badge, _ = create_open_badge(
        create_test_dataset(achievement=JUDGED, result=[RESULT]), issuer_id="did:web:x.example", subject_id="did:jwk:x"
    )
    subject = badge["credentialSubject"]
    for value in (badge["evidence"], subject["result"], subject["achievement"]["alignment"]):
        assert isinstance(value, list)
        assert value


def test_K64_every_term_of_an_open_badge_is_defined_by_its_contexts() -> None:
    """Nothing drops out at expansion; PyLD is the judge."""
    dataset = create_test_dataset(achievement=JUDGED, result=[RESULT])
    badge, _ = create_open_badge(dataset, issuer_id="did:web:x.example", subject_id="did:jwk:x")
    badge = {**badge, "validFrom": "2026-05-28T00:00:00Z", "validUntil": "2027-05-28T00:00:00Z"}
    expanded = json.dumps(jsonld.expand(badge, {"documentLoader": _load_pinned}))
    assert _count_leaves({**badge, "@context": []}) == _count_leaves(json.loads(expanded))


def _load_pinned(url: str, options: object) -> dict[str, Any]:
    document = schemas.load(CONTEXTS[url])
    return {"contextUrl": None, "documentUrl": url, "document": document, "contentType": "application/ld+json"}


def _count_leaves(value: Any) -> int:
    """Count values, without the datatypes that expansion writes beside them."""
    if isinstance(value, dict):
        return sum(
            _count_leaves(member) for name, member in value.items() if not ("@value" in value and name == "@type")
        )
    return sum(map(_count_leaves, value)) if isinstance(value, list) else 1


def test_S09_claims_of_an_sd_jwt_vc_and_what_may_be_hidden_of_them() -> None:
    dataset = create_test_dataset(achievement=JUDGED, result=[RESULT])
    claims, paths = create_sd_jwt_vc_claims(dataset)
    assert claims["achievement"]["creator"]["name"] == "Stichting Stimulering Techniek Maas en Waal"
    assert claims["result"] == [RESULT]
    assert set(paths) == {
        ("id",),
        ("given_name",),
        ("family_name",),
        ("email",),
        ("evidence",),
        ("result",),
        ("achievement", "alignment", None),
    }


def test_I61_day_of_the_award_is_counted_in_utc() -> None:
    amsterdam = timezone(timedelta(hours=2))
    claims, _ = create_sd_jwt_vc_claims(create_test_dataset(awarded_at=datetime(2026, 5, 29, 0, 30, tzinfo=amsterdam)))
    assert claims["awarded_at"] == "2026-05-28T00:00:00Z"


# Dates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-28T12:00:00Z", datetime(2026, 5, 28, 12, tzinfo=UTC)),
        ("2026-05-28T14:00:00+02:00", datetime(2026, 5, 28, 12, tzinfo=UTC)),
        ("2026-05-28T12:00:00.250Z", datetime(2026, 5, 28, 12, 0, 0, 250000, tzinfo=UTC)),
        ("2026-05-28T12:00:00.123456789Z", datetime(2026, 5, 28, 12, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_K55_date_with_its_zone_is_read(text: str, expected: datetime) -> None:
    assert parse_date_time(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-05-28",
        "2026-05-28T12:00:00",
        "2026-13-28T12:00:00Z",
        "2026-05-28T25:00:00Z",
        "0001-01-01T00:00:00+01:00",
        1795262400,
        None,
        ["2026-05-28T12:00:00Z"],
        "2026-05-28T12:00:00Z\n",
        " 2026-05-28T12:00:00Z",
        "2026-05-28t12:00:00z",
    ],
)
def test_K55_what_is_no_date_with_a_zone_is_refused(text: object) -> None:
    with pytest.raises(CredentialError) as refusal:
        parse_date_time(text)
    assert refusal.value.code == "malformed"


@given(st.text(max_size=30) | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", fullmatch=True))
def test_K55_no_text_makes_the_date_parser_raise_anything_but_a_credential_error(text: str) -> None:
    try:
        parsed = parse_date_time(text)
    except CredentialError:
        return
    assert parse_date_time(format_date_time(int(parsed.timestamp()))) == parsed.replace(microsecond=0)


# Reading


def view(format_id: str, raw: str) -> BadgeView:
    verified = FORMATS[format_id].verify(parse_credential(raw), key=ISSUER_SIGNER.public_key, algorithms=ES256, now=NOW)
    return badge_view(verified.claims, format_id)


@BOTH
def test_both_formats_are_read_alike(format_id: str) -> None:
    assert view(format_id, issue_badge(format_id)) == BadgeView(
        name="Adviseur Lerende Regio Maas en Waal",
        description="Deed onderzoek naar HRM-processen bij bedrijven in de regio en adviseerde daarover.",
        criteria="Een adviesrapport en een gesprek, beoordeeld door twee mensen.",
        criteria_url=None,
        image="https://issuer.example/stmw/achievements/adviseur-lerende-regio/image",
        issuer_name="Stichting Stimulering Techniek Maas en Waal",
        issuer_url="https://stmw.example",
        achievement_id="https://issuer.example/stmw/achievements/adviseur-lerende-regio",
        achievement_type="Badge",
        is_known_type=True,
        language="nl",
        skills=tuple(
            Skill(uri, name, "ESCO", uri.rpartition("/")[2], "ext:ESCOAlignment") for uri, name in SKILLS.items()
        ),
        evidence=(
            Evidence(
                "Adviesrapport",
                "Onderzoek en advies",
                "https://portfolio.example/rapport.pdf",
                "sha256-Cm0zRQVfVsuAW3kcQ4IFATejYPVM4ANEHwPG2WaaSqo=",
            ),
        ),
        person={"given_name": "Sanne", "family_name": "de Vries", "email": "sanne@student.example"},
        awarded_at=datetime(2026, 5, 28, tzinfo=UTC),
        issuer_profile=Profile(
            id=ISSUER.id,
            name="Stichting Stimulering Techniek Maas en Waal",
            url="https://stmw.example",
            description=None,
            image=None,
            email=None,
            phone=None,
            country_code=None,
            locality=None,
            identifiers=(),
            parent_name=None,
        ),
    )


@BOTH
def test_what_was_not_shown_is_absent_from_the_view(format_id: str) -> None:
    raw = issue_badge(format_id).split("~")[0] + "~"
    shown = view(format_id, raw)
    assert (shown.skills, shown.evidence, shown.person) == ((), (), {})
    assert shown.name == "Adviseur Lerende Regio Maas en Waal"


@BOTH
def test_the_name_of_a_holder_stays_out_of_a_representation_for_logs(format_id: str) -> None:
    assert "Sanne" not in repr(view(format_id, issue_badge(format_id)))


def test_B10_compacted_single_values_of_others_are_read() -> None:
    claims = {
        "issuer": {"id": "did:web:x.example", "name": "School"},
        "awardedDate": "2026-05-28T12:00:00Z",
        "credentialSubject": {
            "achievement": {
                "name": "x",
                "achievementType": "ext:Anders",
                "criteria": {"id": "https://x.example/criteria"},
                "image": "https://x.example/image.png",
                "alignment": {"targetUrl": "http://x.example/1"},
            }
        },
        "evidence": {"narrative": "gedaan"},
    }
    shown = badge_view(claims, "vc+sd-jwt")
    assert shown.skills == (Skill("http://x.example/1", "http://x.example/1", None),)
    assert shown.evidence == (Evidence("", "gedaan", None, None, "gedaan"),)
    assert (shown.image, shown.criteria_url) == ("https://x.example/image.png", "https://x.example/criteria")
    assert (shown.achievement_type, shown.is_known_type) == ("ext:Anders", False)


@pytest.mark.parametrize("alignment", [["http://x.example/1"], [{"targetName": "x"}], [{"targetUrl": 1}], [None], "x"])
def test_B10_alignment_without_a_readable_concept_is_left_out(alignment: Any) -> None:
    assert badge_view({"achievement": {"alignment": alignment}}, "dc+sd-jwt").skills == ()


@pytest.mark.parametrize(
    "image",
    [
        "javascript:alert(1)",
        "http://x.example/i.png",
        "data:text/html;base64,AAAA",
        {"id": "file:///etc/passwd"},
        {"id": ["https://x.example"]},
        1,
    ],
)
def test_A41_image_that_no_page_may_show_is_left_out(image: Any) -> None:
    assert badge_view({"achievement": {"image": image}}, "dc+sd-jwt").image is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["achievement", "alignment", "targetUrl", "image", "id", "criteria", "name", "evidence"]),
            inner,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["achievement", "credentialSubject", "issuer", "evidence", "awarded_at", "awardedDate", "email"]
        ),
        anything,
    ),
    st.sampled_from(sorted(FORMATS)),
)
def test_B10_any_claims_whatever_can_be_read(claims: dict[str, Any], format_id: str) -> None:
    assert isinstance(badge_view(claims, format_id).name, str)


def test_issuing_does_not_change_the_dataset() -> None:
    dataset = create_test_dataset()
    before = json.dumps([dict(dataset.achievement), dict(dataset.person), list(dataset.evidence)])
    issue_badge("dc+sd-jwt", dataset=dataset, holder=HOLDER_SIGNER)
    issue_badge("vc+sd-jwt", dataset=dataset, holder=HOLDER_SIGNER)
    assert json.dumps([dict(dataset.achievement), dict(dataset.person), list(dataset.evidence)]) == before
