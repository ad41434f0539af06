"""kernel.open_badges: the whole model, written and read; what no badge may say; recipients and replacements."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from kernel.errors import CredentialError
from kernel.json_ld import JsonLdError, to_rdf
from kernel.open_badges import (
    CREDENTIALS_V2,
    OPEN_BADGES_3_0_3,
    OPEN_BADGES_EXTENSIONS,
    Evidence,
    Identifier,
    Profile,
    Related,
    Result,
    Skill,
    VerifiedIdentity,
    badge_view,
    create_achievement,
    create_identity_object,
    create_open_badge,
    create_sd_jwt_vc_claims,
    find_refresh_service,
    parse_open_badge,
    verify_achievement,
    verify_dataset,
    verify_open_badge,
    verify_recipient,
    verify_replacement,
    with_credential_schema,
    with_refresh_service,
)
from tests.support.badges import ISSUER, create_test_achievement, create_test_dataset
from tests.support.full_badge import (
    DESCRIPTIONS,
    PERSON,
    PROFILE,
    RESULTS,
    SUBJECT,
    create_full_dataset,
    create_test_endorsement,
    sign_test_endorsement,
)
from tests.support.json_values import json_values, nearly

FULL = create_full_dataset()
BADGE: dict[str, Any] = {
    **create_open_badge(FULL, issuer_id=ISSUER.id, subject_id="did:jwk:x")[0],
    "validFrom": "2026-05-28T00:00:00Z",
}
OFFICE = Profile(
    id=ISSUER.id,
    name="Stichting Stimulering Techniek Maas en Waal",
    url="https://stmw.example",
    description="Brengt techniek en onderwijs bij elkaar.",
    image="https://stmw.example/logo.png",
    email="info@stmw.example",
    phone="+31 24 000 00 00",
    country_code="NL",
    locality="Druten",
    identifiers=(Identifier("ext:BRIN", "99XX"),),
    parent_name="Regio Maas en Waal",
)


def changed(value: Any, path: str, new: Any) -> Any:
    """Return JSON with something else at a path of members; None takes it out."""
    copy = json.loads(json.dumps(value))
    *steps, last = path.split(".")
    parent = copy
    for step in steps:
        parent = parent[int(step) if step.isdigit() else step]
    if new is None:
        del parent[last]
    else:
        parent[last] = new
    return copy


def refused(work: Any, *arguments: Any) -> str:
    with pytest.raises(CredentialError) as refusal:
        work(*arguments)
    return refusal.value.code


# Written


def test_B02_B03_B04_badge_with_everything_that_can_be_said_is_issued_and_read_by_others() -> None:
    verify_dataset(FULL)
    verify_open_badge(BADGE)
    assert parse_open_badge(json.dumps(BADGE)) == BADGE


def test_K64_every_term_of_a_full_badge_is_defined() -> None:
    document = with_refresh_service(with_credential_schema(BADGE), "https://issuer.example/refresh/1")
    assert to_rdf(document)


def test_B10_full_badge_has_no_null_and_nothing_empty() -> None:
    def values(value: Any) -> list[Any]:
        children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return [value, *(below for child in children for below in values(child))]

    assert not [value for value in values(BADGE) if value in (None, "", [], {})]


def test_S09_everything_about_the_person_may_be_hidden_in_both_forms() -> None:
    _, paths = create_open_badge(FULL, issuer_id=ISSUER.id, subject_id="did:jwk:x")
    assert {("credentialSubject", name) for name in SUBJECT} < set(paths)
    claims, paths = create_sd_jwt_vc_claims(FULL)
    assert {(name,) for name in SUBJECT} < set(paths)
    assert claims["role"] == "Adviseur"
    assert len(claims["endorsement"]) == 1


def test_B04_further_members_of_an_achievement_go_by_their_own_names() -> None:
    details = {"humanCode": "ALR-1", "creditsAvailable": 3.5, "fieldOfStudy": "", "related": []}
    achievement = create_achievement(
        achievement_id="https://x.example/1", name="x", description="y", criteria_narrative="z", details=details
    )
    assert (achievement["humanCode"], achievement["creditsAvailable"]) == ("ALR-1", 3.5)
    assert not {"fieldOfStudy", "related"} & achievement.keys()
    with pytest.raises(CredentialError):
        create_achievement(
            achievement_id="https://x.example/1",
            name="x",
            description="y",
            criteria_narrative="z",
            details={"unknown": "x"},
        )


@pytest.mark.parametrize(
    ("path", "new"),
    [
        ("related.0.id", None),
        ("related.0.type", "Related"),
        ("related.0.inLanguage", "Engels!"),
        ("otherIdentifier.0.identifierType", "brin"),
        ("otherIdentifier.0.identifier", None),
        ("creator.parentOrg", {"type": ["Profile"], "name": "x"}),
        ("creator.dateOfBirth", "29-02-1980"),
        ("creator.address", {"type": ["Address"]}),
        ("creator.address", {"type": ["Address"], "addressCountryCode": "nl"}),
        ("creator.address", {"type": ["Address"], "geo": {"type": "GeoCoordinates", "latitude": 91, "longitude": 0}}),
        ("tag", ["x", ""]),
        ("creditsAvailable", -1),
        ("endorsement.0.proof", None),
        ("endorsement.0.name", None),
        ("endorsement.0.type", ["VerifiableCredential"]),
        ("endorsement.0.issuer", {"name": "x"}),
        ("endorsement.0.credentialSubject.id", "urn:uuid:another"),
        ("endorsement.0.credentialSubject.type", ["Achievement"]),
        ("resultDescription.0.id", "urn:uuid:letter"),
        ("resultDescription.0.requiredLevel", "urn:uuid:none"),
        ("resultDescription.1.requiredValue", "F"),
        ("resultDescription.2.requiredValue", "11"),
        ("resultDescription.2.requiredValue", "0.5"),
        ("resultDescription.2.requiredValue", "goed"),
        ("resultDescription.2.requiredValue", "NaN"),
    ],
)
def test_B04_B07_B10_full_achievement_with_one_thing_broken_is_refused(path: str, new: Any) -> None:
    achievement = changed(FULL.achievement, path, new)
    assert refused(verify_achievement, achievement) == "malformed"


@pytest.mark.parametrize(
    ("member", "path", "new"),
    [
        ("subject", "creditsEarned", "3"),
        ("subject", "activityStartDate", "2026-02-01"),
        ("subject", "activityEndDate", "2026-02-30T00:00:00Z"),
        ("subject", "activityEndDate", "2026-01-31T23:59:59Z"),
        ("subject", "identifier", []),
        ("subject", "identifier.0.salt", None),
        ("subject", "identifier.0.identityHash", "sanne@student.example"),
        ("subject", "identifier.0.identityType", "mail"),
        ("subject", "identifier.0.hashed", "true"),
        ("subject", "source.id", None),
        ("subject", "role", " "),
        ("subject", "bsn", "123456782"),
        ("subject", "achievement", {}),
        ("issuer_profile", "endorsement.0.credentialSubject.id", "urn:uuid:another"),
        ("issuer_profile", "address.geo.latitude", "51"),
        ("issuer_profile", "id", "https://another.example"),
        ("result", "1.value", "E"),
        ("result", "2.value", "10.1"),
        ("result", "2.value", "voldoende"),
        ("result", "3.status", None),
        ("result", "0.achievedLevel", "urn:uuid:none"),
        ("evidence", "1.digestMultibase", "not multibase"),
        ("endorsement", "0.credentialSubject.id", FULL.credential_id),
        ("endorsement", "0.proof", []),
    ],
)
def test_B02_B03_B07_B09_full_dataset_with_one_thing_broken_is_refused(member: str, path: str, new: Any) -> None:
    broken = changed(getattr(FULL, member), path, new)
    assert refused(verify_dataset, create_full_dataset(**{member: broken})) == "malformed"


def test_B08_plain_identifier_needs_no_salt() -> None:
    plain = {"type": "IdentityObject", "hashed": False, "identityHash": "1", "identityType": "ext:leerling"}
    verify_dataset(create_test_dataset(subject={"identifier": [plain]}))


@pytest.mark.parametrize(
    ("description", "value"),
    [
        ({"resultType": "Result"}, "anything"),
        ({"resultType": "RawScore", "valueMin": "1"}, "1"),
        ({"resultType": "RawScore", "valueMax": "10"}, "-3"),
        ({"resultType": "LetterGrade", "valueMin": "A", "valueMax": "F"}, "C"),
        ({"resultType": "LetterGrade", "allowedValue": ["A"], "valueMin": "A"}, "A"),
    ],
)
def test_B07_value_within_what_the_badge_allows_is_accepted(description: dict[str, Any], value: str) -> None:
    described = {"id": "urn:uuid:d", "type": ["ResultDescription"], "name": "x", **description}
    result = {"type": ["Result"], "resultDescription": "urn:uuid:d", "value": value}
    achievement = create_test_achievement(resultDescription=[described])
    verify_dataset(create_test_dataset(achievement=achievement, result=[result]))


# Extensions


def test_B01_B11_schema_of_1edtech_comes_with_its_context_last() -> None:
    badge = with_credential_schema(BADGE)
    assert badge["@context"] == [CREDENTIALS_V2, OPEN_BADGES_3_0_3, OPEN_BADGES_EXTENSIONS]
    name = "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json"
    assert badge["credentialSchema"] == [{"id": name, "type": "1EdTechJsonSchemaValidator2019"}]
    endorsement = with_credential_schema(create_test_endorsement())
    assert endorsement["credentialSchema"][0]["id"] == name.replace("achievementcredential", "endorsementcredential")
    assert "credentialSchema" not in BADGE


def test_B13_refresh_service_is_written_and_found() -> None:
    badge = with_refresh_service(with_credential_schema(BADGE), "https://issuer.example/refresh/1")
    assert badge["@context"].count(OPEN_BADGES_EXTENSIONS) == 1
    assert badge["refreshService"] == {"id": "https://issuer.example/refresh/1", "type": "1EdTechCredentialRefresh"}
    assert find_refresh_service(badge) == "https://issuer.example/refresh/1"
    assert refused(with_refresh_service, BADGE, "no url") == "malformed"


@pytest.mark.parametrize(
    "service",
    [
        None,
        [],
        "https://x.example",
        {"type": "1EdTechCredentialRefresh"},
        {"id": "https://x.example"},
        {"id": "https://x.example", "type": "Another"},
        {"id": "http://x.example", "type": "1EdTechCredentialRefresh"},
        {"id": "https://10.0.0.1/", "type": ["1EdTechCredentialRefresh"]},
        {"id": 1, "type": ["1EdTechCredentialRefresh"]},
    ],
)
def test_B13_A42_refresh_service_that_nobody_may_call_is_none(service: Any) -> None:
    assert find_refresh_service({"refreshService": service}) is None


def test_B11_K64_example_18_lacks_the_context_of_its_schema(profile_vectors: dict[str, Any]) -> None:
    """As printed, the type of its `credentialSchema` means nothing, and strict JSON-LD refuses it."""
    example = {name: value for name, value in profile_vectors["ob3_ldp"]["signed"].items() if name != "proof"}
    verify_open_badge(example)
    with pytest.raises(JsonLdError):
        to_rdf(example)
    assert to_rdf(with_credential_schema(example))


def test_B10_examples_18_and_19_are_shown_alike(profile_vectors: dict[str, Any]) -> None:
    linked = badge_view(profile_vectors["ob3_ldp"]["signed"], "ldp_vc")
    assert (linked.name, linked.credits_earned) == ("Problemen oplossen in de praktijk", 3)
    assert linked.results == (Result("Eindbeoordeling", None, "Goed", "Completed", "Voldoende"),)
    assert [skill.framework for skill in linked.skills] == ["ESCO", "CompetentNL"]
    assert [stated.framework for stated in linked.statements] == ["EQF", "NLQF", "ECTS"]
    hidden = badge_view(profile_vectors["sdjwtvc"]["payload"], "dc+sd-jwt")
    assert (hidden.name, hidden.criteria, hidden.issuer_name) == (linked.name, linked.criteria, linked.issuer_name)
    assert hidden.credits_available == linked.credits_available


# Which badge takes the place of which

SUBJECT_OF_HELD = {
    "id": "did:jwk:x",
    "identifier": [{"identityHash": "sha256$1"}],
    "achievement": {"id": "urn:uuid:8", "name": "Lassen"},
}
HELD: dict[str, Any] = {
    "id": "urn:uuid:1",
    "issuer": {"id": "did:web:x.example"},
    "validFrom": "2026-05-28T00:00:00Z",
    "credentialSubject": SUBJECT_OF_HELD,
}
LATER = {"validFrom": "2027-01-01T00:00:00Z"}


@pytest.mark.parametrize("held", [HELD, {**HELD, "issuer": "did:web:x.example"}])
def test_B23_newer_form_of_the_same_badge_replaces_it(held: dict[str, Any]) -> None:
    verify_replacement(held, {**HELD, "validFrom": "2026-05-28T00:00:01Z"})
    old = {**{name: HELD[name] for name in HELD if name != "validFrom"}, "issuanceDate": "2020-01-01T00:00:00Z"}
    verify_replacement(old, HELD)
    renamed = {**SUBJECT_OF_HELD, "achievement": {"id": "urn:uuid:8", "name": "Lassen en solderen"}}
    verify_replacement(held, {**HELD, **LATER, "credentialSubject": [renamed]})


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, "rejected"),
        ({"validFrom": "2026-05-27T23:59:59Z"}, "rejected"),
        ({"id": "urn:uuid:2", "validFrom": "2027-01-01T00:00:00Z"}, "rejected"),
        ({"issuer": "did:web:y.example", "validFrom": "2027-01-01T00:00:00Z"}, "rejected"),
        ({"credentialSubject": {**SUBJECT_OF_HELD, "id": "did:jwk:y"}, **LATER}, "rejected"),
        ({"credentialSubject": {**SUBJECT_OF_HELD, "identifier": [{"identityHash": "sha256$2"}]}, **LATER}, "rejected"),
        ({"credentialSubject": {**SUBJECT_OF_HELD, "achievement": {"id": "urn:uuid:9"}}, **LATER}, "rejected"),
        ({"credentialSubject": [SUBJECT_OF_HELD, SUBJECT_OF_HELD], **LATER}, "rejected"),
        ({"credentialSubject": None, **LATER}, "rejected"),
        ({"id": None, "validFrom": "2027-01-01T00:00:00Z"}, "malformed"),
        ({"issuer": {}, "validFrom": "2027-01-01T00:00:00Z"}, "malformed"),
        ({"validFrom": "2027"}, "malformed"),
        ({"validFrom": None}, "malformed"),
    ],
)
def test_B13_B23_anything_else_does_not_replace_a_badge(changes: dict[str, Any], code: str) -> None:
    assert refused(verify_replacement, HELD, {**HELD, **changes}) == code


# Who received it


def identity(identifier: str, **changes: Any) -> dict[str, Any]:
    return {**create_identity_object(identifier, identity_type="emailAddress", salt="7hT2"), **changes}


def received(*identities: Any) -> dict[str, Any]:
    return {"credentialSubject": {"identifier": list(identities)}}


def test_B08_B21_recipient_is_found_among_several_identifiers_and_the_strongest_counts() -> None:
    weak = {"hashed": True, "identityHash": "md5$b418773a2c51fb9777a1648346fa7394", "identityType": "emailAddress"}
    broken = {"hashed": True, "identityHash": "sha1$00"}
    badge = received(broken, "x", identity("b@example.com"), weak, identity("a@example.com"))
    assert verify_recipient(badge, identifier="A@example.com") == VerifiedIdentity("emailAddress", False)
    assert verify_recipient(received(weak), identifier="a@example.com").is_weak
    single = {"credentialSubject": [{"identifier": identity("a@example.com")}]}
    assert verify_recipient(single, identifier="a@example.com")


@pytest.mark.parametrize(
    "badge",
    [
        {},
        received(),
        received(identity("b@example.com")),
        received(*[identity("b@example.com")] * 32, identity("a@example.com")),
    ],
    ids=range(4),
)
def test_B08_B21_A51_badge_for_somebody_else_is_refused(badge: dict[str, Any]) -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_recipient(badge, identifier="a@example.com")
    assert refusal.value.code == "rejected"


# Read


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt", "ldp_vc"])
def test_B02_to_B09_full_badge_is_shown_in_full_whatever_its_format(format_id: str) -> None:
    claims: Mapping[str, Any] = BADGE
    if format_id == "dc+sd-jwt":
        claims, _ = create_sd_jwt_vc_claims(create_full_dataset())
        claims = {**claims, "issuing_authority": "Stichting Stimulering Techniek Maas en Waal"}
    shown = badge_view(claims, format_id)
    assert (shown.version, shown.human_code, shown.field_of_study, shown.specialization, shown.tags) == (
        *("2", "ALR-1", "Bedrijfskunde", "HRM"),
        ("regio", "advies"),
    )
    assert (shown.credits_available, shown.credits_earned) == (3.5, 3)
    assert shown.identifiers == (Identifier("identifier", "1"),)
    assert shown.related == (Related("https://issuer.example/en", "en", "1"),)
    assert shown.results == (
        Result(
            "Eindbeoordeling",
            None,
            "Goed",
            None,
            "Voldoende",
            "Niveau 3",
            skills=(Skill("https://rubric.example/3", "Goed", None),),
        ),
        Result("Verslag", "B", None, None, "C"),
        Result("Cijfer", "7.5", None, None, "5.5", None, "1", "10"),
        Result("Stand", None, None, "Completed", None),
    )
    assert (shown.role, shown.term, shown.license_number) == ("Adviseur", "Voorjaar 2026", "A-9320041")
    assert shown.narrative == "Deed drie opdrachten."
    assert shown.activity_started_at == datetime(2026, 2, 1, tzinfo=UTC)
    assert shown.activity_ended_at == datetime(2026, 5, 28, tzinfo=UTC)
    assert (shown.issuer_profile, shown.issuer_name, shown.issuer_url) == (OFFICE, OFFICE.name, OFFICE.url)
    assert shown.creator is not None
    assert shown.creator.name == PERSON["name"]
    assert shown.person["birthdate"] == "2001-05-04"
    assert shown.source is not None
    assert shown.source.name == PERSON["name"]
    assert shown.evidence[0] == Evidence(
        name="Adviesrapport",
        description="Onderzoek en advies",
        url="https://portfolio.example/rapport.pdf",
        digest="sha256-Cm0zRQVfVsuAW3kcQ4IFATejYPVM4ANEHwPG2WaaSqo=",
        narrative="Geschreven in het voorjaar.",
        genre="Rapport",
        audience="Bedrijven",
    )
    assert shown.evidence[1].digest == FULL.evidence[1]["digestMultibase"]
    assert shown.endorsements == ()


def test_B04_creator_is_shown_where_another_made_the_achievement() -> None:
    shown = badge_view(BADGE, "ldp_vc").creator
    assert shown is not None
    assert (shown.id, shown.name) == (PERSON["id"], PERSON["name"])


def test_K69_credential_of_vcdm_1_1_is_read_from_its_claim() -> None:
    assert badge_view({"vc": BADGE, "iss": ISSUER.id}, "jwt_vc_json") == badge_view(BADGE, "ldp_vc")


NAMES = [{"@value": "Advising", "@language": "en-GB"}, {"@value": "Adviseren", "@language": "nl"}]


@pytest.mark.parametrize(
    ("name", "languages", "expected"),
    [
        ("Adviseren", ("en",), "Adviseren"),
        (NAMES, ("nl", "en"), "Adviseren"),
        (NAMES, ("en", "nl"), "Advising"),
        (NAMES, ("fr",), "Advising"),
        (NAMES, (), "Advising"),
        (NAMES[1], ("en",), "Adviseren"),
        ([{"@value": 1, "@language": "nl"}, {"@value": "x", "@language": 1}, {}, "y"], ("nl",), "x"),
        ([{"@value": ""}], ("nl",), ""),
        (["Adviseren"], ("nl",), ""),
    ],
)
def test_B10_text_in_several_languages_is_shown_in_the_one_that_is_wanted(
    name: Any, languages: tuple[str, ...], expected: str
) -> None:
    badge = changed(BADGE, "credentialSubject.achievement.name", name)
    assert badge_view(badge, "ldp_vc", languages=languages).name == expected


def test_B08_address_that_is_there_unhashed_is_the_persons() -> None:
    plain = {"type": "IdentityObject", "hashed": False, "identityHash": "s@x.example", "identityType": "emailAddress"}
    hashed = identity("b@example.com")
    empty = {**plain, "identityHash": 1}
    assert badge_view(received(hashed, plain), "ldp_vc").person == {"email": "s@x.example"}
    assert badge_view(received(hashed, empty), "ldp_vc").person == {}
    named = {"credentialSubject": {"email": "a@x.example", "identifier": plain}}
    assert badge_view(named, "ldp_vc").person == {"email": "a@x.example"}


@pytest.mark.parametrize("credits", [True, "3", None, [3], float("inf"), float("nan")])
def test_B10_number_that_is_none_is_absent(credits: Any) -> None:
    assert badge_view({"credentialSubject": {"creditsEarned": credits}}, "ldp_vc").credits_earned is None


# By others


@pytest.mark.parametrize(
    "change",
    [
        ("type", ["VerifiableCredential", "AchievementCredential"]),
        ("issuer", "https://x.example/issuers/1"),
        ("credentialSubject.id", None),
        ("credentialSubject.achievement.achievementType", "Unheard-of"),
        ("credentialSubject.achievement.name", NAMES),
        ("credentialSubject.achievement.alignment", {"type": "Alignment", "targetName": "x", "targetUrl": "urn:x"}),
        ("credentialSubject.achievement.tag", "regio"),
        ("credentialSubject.achievement.image", "https://x.example/i.png"),
        ("credentialSubject.achievement.ECTS", 3.5),
        ("credentialSubject.result", {"type": "Result", "status": "Done"}),
        ("credentialSubject.type", "AchievementSubject"),
        ("evidence", {"type": "Evidence"}),
        ("name", None),
        ("endorsementJwt", "a.b.c"),
        ("credentialStatus", {"id": "https://x.example/1", "type": "1EdTechRevocationList"}),
    ],
)
def test_B02_B05_B10_other_spellings_of_others_are_read(change: tuple[str, Any]) -> None:
    verify_open_badge(changed(BADGE, *change))


def test_B22_dates_of_vcdm_1_1_are_read() -> None:
    badge = {**BADGE, "issuanceDate": BADGE["validFrom"]}
    verify_open_badge(changed(badge, "validFrom", None))


def test_B03_only_subject_in_an_array_is_read() -> None:
    verify_open_badge({**BADGE, "credentialSubject": [BADGE["credentialSubject"]]})


MISSING = [
    *("@context", "id", "type", "issuer", "validFrom", "credentialSubject"),
    *("issuer.id", "issuer.type", "issuer.otherIdentifier.0.identifier"),
    *("credentialSubject.type", "credentialSubject.achievement", "credentialSubject.identifier.0.identityHash"),
    *(f"credentialSubject.achievement.{name}" for name in ("id", "type", "name", "description", "criteria")),
    *(f"credentialSubject.achievement.alignment.0.{name}" for name in ("type", "targetName", "targetUrl")),
    *(f"credentialSubject.achievement.resultDescription.0.{name}" for name in ("id", "type", "name", "resultType")),
    *(f"credentialSubject.achievement.resultDescription.0.rubricCriterionLevel.0.{name}" for name in ("id", "name")),
    *("credentialSubject.achievement.related.0.id", "credentialSubject.achievement.image.id", "evidence.0.type"),
]


@pytest.mark.parametrize("path", MISSING)
def test_B02_B03_B04_B11_badge_without_something_that_it_must_have_is_refused(path: str) -> None:
    assert refused(verify_open_badge, changed(BADGE, path, None)) == "malformed"


@pytest.mark.parametrize(
    "change",
    [
        ("@context", "https://www.w3.org/ns/credentials/v2"),
        ("type", "OpenBadgeCredential"),
        ("type", ["OpenBadgeCredential"]),
        ("type", ["VerifiableCredential"]),
        ("validFrom", "2026-05-28"),
        ("issuer", "Stichting"),
        ("credentialSubject", [BADGE["credentialSubject"]] * 2),
        ("credentialSubject", []),
        ("credentialSubject.creditsEarned", "3"),
        ("credentialSubject.achievement.criteria", "text"),
        ("credentialSubject.achievement.name", 1),
        ("credentialStatus", {"id": "https://x.example/1"}),
        ("endorsementJwt", ["a.b.c~"]),
        ("evidence", ["https://x.example"]),
    ],
)
def test_B01_B02_B11_badge_of_another_shape_is_refused(change: tuple[str, Any]) -> None:
    assert refused(verify_open_badge, changed(BADGE, *change)) == "malformed"


def test_B03_subject_without_id_and_identifier_is_nobody() -> None:
    badge = changed(changed(BADGE, "credentialSubject.id", None), "credentialSubject.identifier", None)
    assert refused(verify_open_badge, badge) == "malformed"


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"a":1,"a":1}', b"\xff"], ids=range(5))
def test_A08_what_is_no_json_object_is_refused(raw: bytes) -> None:
    assert refused(parse_open_badge, raw) == "malformed"


def test_A08_what_is_deeper_than_any_badge_is_too_large() -> None:
    assert refused(parse_open_badge, b"[" * 100_000) == "too_large"


def test_B04_schema_of_foreign_badges_is_published_with_the_others() -> None:
    assert schemas.load("open-badge.schema.json")["$defs"].keys() >= {"AchievementCredential", "EndorsementCredential"}


# The example of a file's contents, Open Badges 3.0 §5, document version 1.4.1, as published.
SPECIFICATION = {
    "@context": [
        "https://www.w3.org/ns/credentials/v2",
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
        "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json",
    ],
    "id": "http://example.edu/credentials/3732",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": {"id": "https://example.edu/issuers/565049", "type": ["Profile"], "name": "Example University"},
    "validFrom": "2010-01-01T00:00:00Z",
    "name": "Example University Degree",
    "credentialSubject": {
        "id": "did:example:ebfeb1f712ebc6f1c276e12ec21",
        "type": ["AchievementSubject"],
        "achievement": {
            "id": "https://example.com/achievements/21st-century-skills/teamwork",
            "type": ["Achievement"],
            "criteria": {
                "narrative": "Team members are nominated for this badge by their peers and recognized upon review by "
                "Example Corp management."
            },
            "description": "This badge recognizes the development of the capacity to collaborate within a group "
            "environment.",
            "name": "Teamwork",
        },
    },
    "credentialSchema": [
        {
            "id": "https://purl.imsglobal.org/spec/ob/v3p0/schema/json/ob_v3p0_achievementcredential_schema.json",
            "type": "1EdTechJsonSchemaValidator2019",
        }
    ],
}


def test_B01_B02_B11_example_of_the_specification_is_read_and_its_schema_is_the_one_we_name() -> None:
    assert parse_open_badge(json.dumps(SPECIFICATION)) == SPECIFICATION
    assert to_rdf(SPECIFICATION)
    assert with_credential_schema(SPECIFICATION) == SPECIFICATION
    shown = badge_view(SPECIFICATION, "ldp_vc")
    assert (shown.name, shown.issuer_name, shown.skills) == ("Teamwork", "Example University", ())


# Anything at all


@given(json_values() | nearly(BADGE))
def test_B10_no_badge_makes_the_readers_raise_anything_but_a_credential_error(value: Any) -> None:
    badge = value if isinstance(value, dict) else {"credentialSubject": value}
    for format_id in ("dc+sd-jwt", "vc+sd-jwt", "jwt_vc_json"):
        assert isinstance(badge_view(badge, format_id, languages=("nl",)).name, str)
    find_refresh_service(badge)
    for read in (verify_open_badge, lambda b: verify_recipient(b, identifier="x"), lambda b: verify_replacement(b, b)):
        try:
            read(badge)
        except CredentialError:
            continue


@given(st.binary(max_size=60) | json_values().map(lambda value: json.dumps(value).encode()))
def test_A08_no_bytes_make_the_parser_raise_anything_but_a_credential_error(raw: bytes) -> None:
    assert refused(parse_open_badge, raw) == "malformed"


def test_the_pieces_of_the_full_badge_are_the_ones_that_are_shown() -> None:
    """Guards the tests above: what they compare is really in the badge."""
    assert BADGE["issuer"]["otherIdentifier"] == PROFILE["otherIdentifier"]
    assert BADGE["credentialSubject"]["achievement"]["resultDescription"] == DESCRIPTIONS
    assert BADGE["credentialSubject"]["result"] == RESULTS
    assert sign_test_endorsement(create_test_endorsement())["proof"]
