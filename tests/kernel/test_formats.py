"""The two SD-JWT formats: what they issue, and what they refuse. SD-JWT VC; VCDM 2.0 with VC-JOSE-COSE."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url
from kernel.did import did_jwk, did_key
from kernel.errors import CredentialError
from kernel.formats import (
    FORMATS,
    IssuerIdentity,
    StatusKind,
    StatusReference,
    UnverifiedCredential,
    VerifiedCredential,
    VerifiedPresentation,
    judged_at,
    parse_credential,
    verify_validity,
)
from kernel.formats.credential import absolute_key_id
from kernel.jwt import LEEWAY, sign_jwt, verify_jwt
from kernel.keys import SoftwareSigner
from kernel.sd_jwt import ClaimsPath, conceal, create_disclosure, parse_disclosure
from kernel.strict_json import encode_json
from tests.support.badges import (
    AUDIENCE,
    ES256,
    HOLDER_SIGNER,
    ISSUER,
    ISSUER_SIGNER,
    NONCE,
    NOW,
    SKILLS,
    STATUS,
    VCT,
    create_test_achievement,
    create_test_dataset,
    issue_badge,
    present_badge,
)
from tests.support.full_badge import DESCRIPTIONS, LEARNING_OUTCOME

SD_JWT_FORMATS = ["dc+sd-jwt", "vc+sd-jwt"]
BOTH = pytest.mark.parametrize("format_id", SD_JWT_FORMATS)
HOLDER_JWK = HOLDER_SIGNER.public_key.jwk
OTHER_JWK = SoftwareSigner.generate().public_key.jwk
CREDENTIALS_V2 = "https://www.w3.org/ns/credentials/v2"
ALIGNMENTS: dict[str, ClaimsPath] = {
    "dc+sd-jwt": ("achievement", "alignment"),
    "vc+sd-jwt": ("credentialSubject", "achievement", "alignment"),
}
NAMES: dict[str, ClaimsPath] = {"dc+sd-jwt": ("given_name",), "vc+sd-jwt": ("credentialSubject", "givenName")}


def verify(raw: str, *, key: SoftwareSigner = ISSUER_SIGNER, **changes: Any) -> VerifiedCredential:
    credential = parse_credential(raw)
    values: dict[str, Any] = {"algorithms": ES256, "now": NOW}
    return FORMATS[credential.format].verify(credential, key=key.public_key, **{**values, **changes})


def verify_presentation(raw: str, **changes: Any) -> VerifiedPresentation:
    values: dict[str, Any] = {
        "key": ISSUER_SIGNER.public_key,
        "algorithms": ES256,
        "audience": AUDIENCE,
        "nonce": NONCE,
        "now": NOW,
    }
    return FORMATS[parse_credential(raw).format].verify_presentation(raw, **{**values, **changes})


def payload_of(raw: str) -> dict[str, Any]:
    return dict(parse_credential(raw).payload)


def resign(
    raw: str,
    change: Callable[[dict[str, Any]], object] = lambda payload: None,
    *,
    typ: str | None = None,
    header: dict[str, Any] | None = None,
    signer: SoftwareSigner = ISSUER_SIGNER,
) -> str:
    """Return the same credential, properly signed by its issuer, with one thing changed."""
    credential = parse_credential(raw)
    payload = json.loads(json.dumps(credential.payload))
    change(payload)
    members = {name: value for name, value in credential.header.items() if name not in {"alg", "typ"}}
    members = {name: value for name, value in {**members, **(header or {})}.items() if value is not None}
    token = sign_jwt(payload, signer=signer, typ=typ or credential.header["typ"], header=members)
    return "~".join([token, *raw.split("~")[1:]])


def assert_refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(CredentialError) as refusal:
        call()
    assert refusal.value.code == code


# Issuing


@BOTH
def test_K45_K66_what_is_issued_verifies_and_says_what_it_was_given(format_id: str) -> None:
    verified = verify(issue_badge(format_id))
    assert verified.format == format_id
    assert verified.issuer == ISSUER.id
    assert verified.key_id == ISSUER.kid
    assert verified.holder_key == HOLDER_SIGNER.public_key
    assert verified.key == ISSUER_SIGNER.public_key
    assert verified.statuses == (STATUS,)
    assert verified.expires_at == NOW + timedelta(days=365)
    assert not verified.is_legacy


def test_K45_header_and_open_claims_of_an_sd_jwt_vc() -> None:
    credential = parse_credential(issue_badge("dc+sd-jwt", type_integrity="sha256-AAAA"))
    assert credential.header == {"typ": "dc+sd-jwt", "alg": "ES256", "kid": ISSUER.kid}
    payload = credential.payload
    assert payload["vct"] == VCT
    assert payload["vct#integrity"] == "sha256-AAAA"
    assert payload["exp"] == int((NOW + timedelta(days=365)).timestamp())
    assert payload["achievement"]["name"] == "Adviseur Lerende Regio Maas en Waal"
    assert payload["awarded_at"] == "2026-05-28T00:00:00Z"


def test_T07_badge_of_a_federations_member_names_it() -> None:
    member = replace(ISSUER, federation_entity="https://issuer.example/stmw")
    sd_jwt_vc = parse_credential(issue_badge("dc+sd-jwt", issuer=member)).payload
    assert sd_jwt_vc["fed"] == "https://issuer.example/stmw"
    terms = parse_credential(issue_badge("vc+sd-jwt", issuer=member)).payload["termsOfUse"]
    assert terms == [{"type": "OpenIDFederation", "policyId": "https://issuer.example/stmw"}]


def test_K66_header_and_open_claims_of_a_vcdm_credential() -> None:
    credential = parse_credential(issue_badge("vc+sd-jwt"))
    assert credential.header == {"typ": "vc+sd-jwt", "cty": "vc", "alg": "ES256", "kid": ISSUER.kid}
    payload = credential.payload
    assert payload["@context"][0] == CREDENTIALS_V2
    assert payload["validFrom"] == "2026-05-28T00:00:00Z"
    assert payload["validUntil"] == "2027-05-28T12:00:00Z"
    assert payload["issuer"]["id"] == payload["iss"] == ISSUER.id
    assert payload["credentialSubject"]["id"] == did_jwk(HOLDER_JWK)
    assert payload["awardedDate"] == "2026-05-28T00:00:00Z"


def test_T11_category_authority_and_country_are_in_the_open() -> None:
    payload = payload_of(issue_badge("dc+sd-jwt"))
    assert payload["category"] == "eaa:eu:non-qualified"
    assert payload["issuing_authority"] == "Stichting Stimulering Techniek Maas en Waal"
    assert payload["issuing_country"] == "NL"


@BOTH
def test_K47_cnf_names_the_same_key_as_jwk_and_as_did_url(format_id: str) -> None:
    confirmation = payload_of(issue_badge(format_id))["cnf"]
    assert confirmation == {"kid": f"{did_jwk(HOLDER_JWK)}#0", "jwk": HOLDER_JWK}


@BOTH
def test_I75_the_header_names_the_key_by_did_url_or_by_certificates_but_never_both(format_id: str) -> None:
    by_did = parse_credential(issue_badge(format_id))
    assert (by_did.key_id, by_did.x5c) == (ISSUER.kid, ())
    certified = IssuerIdentity("https://issuer.example/stmw", ISSUER.kid, x5c=("MIIB", "MIIC"))
    by_chain = parse_credential(issue_badge(format_id, issuer=certified))
    assert (by_chain.key_id, by_chain.x5c) == (None, ("MIIB", "MIIC"))
    assert verify(by_chain.raw).issuer == "https://issuer.example/stmw"


@BOTH
def test_I61_copies_share_no_salt_no_digest_and_no_time_finer_than_a_day(format_id: str) -> None:
    holders = [SoftwareSigner.generate() for _ in range(2)]
    moments = [NOW, NOW + timedelta(hours=3, seconds=7)]
    copies = [
        parse_credential(
            issue_badge(
                format_id,
                holder=holder,
                issued_at=moment,
                valid_from=moment,
                dataset=create_test_dataset(credential_id=f"urn:uuid:{index}", awarded_at=moment),
                status=StatusReference(STATUS.uri, index),
            )
        )
        for index, (holder, moment) in enumerate(zip(holders, moments, strict=True))
    ]
    salts, digests = (
        [{getattr(disclosure, name) for disclosure in copy.sd_jwt.disclosures} for copy in copies]
        for name in ("salt", "digest")
    )
    assert salts[0].isdisjoint(salts[1])
    assert digests[0].isdisjoint(digests[1])
    for name in {"iat", "nbf", "validFrom", "awarded_at", "awardedDate"} & copies[0].payload.keys():
        assert copies[0].payload[name] == copies[1].payload[name]
    assert copies[0].payload["iat"] % 86_400 == 0
    assert not {"jti"} & copies[0].payload.keys()


DAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)


@BOTH
@pytest.mark.parametrize(
    ("asked_after", "judged_after"),
    [
        (timedelta(hours=9), timedelta(hours=9)),
        (timedelta(days=1), timedelta(days=1, microseconds=-1)),
        (timedelta(days=300), timedelta(days=1, microseconds=-1)),
        (timedelta(0), timedelta(0)),
    ],
)
def test_I61_T04_a_day_stands_for_its_last_moment_and_never_for_one_to_come(
    format_id: str, asked_after: timedelta, judged_after: timedelta
) -> None:
    """An issuer listed this morning is recognised for what it signed this afternoon."""
    credential = verify(issue_badge(format_id), now=NOW)
    assert judged_at(credential, DAY + asked_after) == DAY + judged_after


@BOTH
def test_T04_a_time_finer_than_a_day_counts_as_it_stands(format_id: str) -> None:
    credential = replace(verify(issue_badge(format_id)), issued_at=NOW.replace(hour=9, minute=30))
    assert judged_at(credential, NOW + timedelta(days=9)) == NOW.replace(hour=9, minute=30)
    unknown = replace(credential, issued_at=None, valid_from=None)
    assert judged_at(unknown, NOW.replace(hour=9, minute=31)) == NOW.replace(hour=9, minute=31)


@BOTH
def test_S09_each_skill_is_a_disclosure_of_its_own(format_id: str) -> None:
    paths = FORMATS[format_id].disclosable_paths(issue_badge(format_id))
    skills = {path: value for path, value in paths.items() if path[:-1] == ALIGNMENTS[format_id]}
    assert {value["targetUrl"] for value in skills.values()} == set(SKILLS)


@BOTH
def test_S09_person_and_evidence_are_hidden_and_the_achievement_is_not(format_id: str) -> None:
    raw = issue_badge(format_id)
    payload = str(payload_of(raw))
    for secret in ("Sanne", "de Vries", "sanne@student.example", "Adviesrapport", *SKILLS, *SKILLS.values()):
        assert secret not in payload
    for name in ("Adviseur Lerende Regio", "Een adviesrapport", "/image", "beoordeeld door twee mensen"):
        assert name in payload


@BOTH
def test_S09_a_learning_outcome_is_hidden_by_itself_and_how_a_result_is_measured_is_not(format_id: str) -> None:
    """What it says in words would tell the skills that stay hidden; without its measure no result can be read."""
    achievement = create_test_achievement(resultDescription=[LEARNING_OUTCOME, DESCRIPTIONS[2]])
    raw = issue_badge(format_id, dataset=create_test_dataset(achievement=achievement))
    assert "TIG" not in str(payload_of(raw))
    assert DESCRIPTIONS[2]["name"] in str(payload_of(raw))
    place = (*ALIGNMENTS[format_id][:-1], "resultDescription", 0)
    paths = FORMATS[format_id].disclosable_paths(raw)
    assert {path for path in paths if path[: len(place)] == place} == {place, (*place, "alignment", 0)}
    shown: Any = FORMATS[format_id].parse(present_badge(format_id, raw, disclose=[place]))
    outcome: Any = FORMATS[format_id].verify_signature(shown, key=ISSUER_SIGNER.public_key, algorithms=ES256).claims
    for step in place:
        outcome = outcome[step]
    assert outcome == {**LEARNING_OUTCOME, "alignment": []}


@BOTH
@pytest.mark.parametrize("count", [1, 4, 8, 9])
def test_K33_the_number_of_skills_cannot_be_counted(format_id: str, count: int) -> None:
    alignment = create_test_achievement()["alignment"][0]
    alignments = [{**alignment, "targetUrl": f"http://data.europa.eu/esco/skill/{number}"} for number in range(count)]
    dataset = create_test_dataset(achievement=create_test_achievement(alignment=alignments))
    value: Any = payload_of(issue_badge(format_id, dataset=dataset))
    for step in ALIGNMENTS[format_id]:
        value = value[step]
    assert len(value) == (8 if count <= 8 else 16)


@BOTH
def test_K33_the_presence_of_evidence_cannot_be_counted(format_id: str) -> None:
    without = create_test_dataset(evidence=(), person={})
    digests = [len(payload_of(issue_badge(format_id, dataset=dataset))["_sd"]) for dataset in (without, None)]
    assert digests == [8, 8]


@BOTH
def test_a_badge_without_skills_result_end_or_status_is_issued_all_the_same(format_id: str) -> None:
    bare = create_test_dataset(
        achievement=create_test_achievement(alignment=None), person={}, evidence=(), awarded_at=None
    )
    verified = verify(issue_badge(format_id, dataset=bare, status=None, expires_at=None))
    assert (verified.statuses, verified.expires_at) == ((), None)


@BOTH
def test_B02_what_no_badge_may_say_is_not_signed(format_id: str) -> None:
    wrong = create_test_dataset(achievement=create_test_achievement(name=""))
    assert_refused("malformed", lambda: issue_badge(format_id, dataset=wrong))


# Dispatch


@BOTH
def test_K68_content_decides_the_format(format_id: str) -> None:
    raw = issue_badge(format_id)
    assert parse_credential(raw).format == format_id
    assert FORMATS[format_id].parse(raw).format == format_id
    [other] = set(SD_JWT_FORMATS) - {format_id}
    assert_refused("malformed", lambda: FORMATS[other].parse(raw))


@pytest.mark.parametrize(
    "payload",
    [
        {"iss": "x"},
        {"@context": [CREDENTIALS_V2]},
        {"type": ["VerifiableCredential"]},
        {"vct": VCT, "iss": "x", "@context": [CREDENTIALS_V2]},
        {"vct": VCT, "iss": "x", "@context": [CREDENTIALS_V2], "type": ["VerifiableCredential"]},
    ],
)
def test_A49_content_of_no_kind_or_of_two_kinds_is_refused(payload: dict[str, Any]) -> None:
    raw = sign_jwt(payload, signer=ISSUER_SIGNER, typ="dc+sd-jwt", header={"kid": ISSUER.kid}) + "~"
    assert_refused("malformed", lambda: parse_credential(raw))


@BOTH
@pytest.mark.parametrize("header", [{"kid": 1}, {"kid": ["x"]}, {"x5c": "MIIB"}, {"x5c": [1]}, {"x5c": {"a": 1}}])
def test_K04_key_reference_of_another_shape_is_refused(format_id: str, header: dict[str, Any]) -> None:
    assert_refused("malformed", lambda: parse_credential(resign(issue_badge(format_id), header=header)))


# Refusing


@BOTH
def test_a_changed_disclosure_is_refused(format_id: str) -> None:
    raw = issue_badge(format_id)
    [disclosure] = [d for d in parse_credential(raw).sd_jwt.disclosures if d.value == "Sanne"]
    changed = create_disclosure(disclosure.name, "Mallory", salt=disclosure.salt)
    assert_refused("disclosure", lambda: verify(raw.replace(disclosure.raw, changed)))


@BOTH
def test_a_changed_payload_is_refused(format_id: str) -> None:
    raw = issue_badge(format_id)
    header, payload, signature = raw.split("~")[0].split(".")
    changed = json.loads(base64url.decode(payload))
    changed["iat"] += 1
    forged = ".".join([header, base64url.encode(encode_json(changed)), signature])
    assert_refused("signature", lambda: verify("~".join([forged, *raw.split("~")[1:]])))


@BOTH
def test_K02_key_and_algorithm_of_the_caller_decide(format_id: str) -> None:
    raw = issue_badge(format_id)
    assert_refused("signature", lambda: verify(raw, key=SoftwareSigner.generate()))
    assert_refused("algorithm", lambda: verify(raw, algorithms=frozenset({"Ed25519"})))
    assert_refused("algorithm", lambda: verify(raw, key=SoftwareSigner.generate("Ed25519")))


@BOTH
@pytest.mark.parametrize("typ", ["JWT", "vc+jwt", "kb+jwt", "statuslist+jwt", "dc+sd-jwt ", "DC+SD-JWT"])
def test_K03_A03_another_type_is_refused(format_id: str, typ: str) -> None:
    assert_refused("type", lambda: verify(resign(issue_badge(format_id), typ=typ)))


def test_K45_sd_jwt_vc_under_its_old_media_type_is_read_and_marked() -> None:
    verified = verify(resign(issue_badge("dc+sd-jwt"), typ="vc+sd-jwt"))
    assert verified.format == "dc+sd-jwt"
    assert verified.is_legacy


def test_K45_vcdm_content_is_never_believed_under_the_type_of_an_sd_jwt_vc() -> None:
    assert_refused("type", lambda: verify(resign(issue_badge("vc+sd-jwt"), typ="dc+sd-jwt")))


@pytest.mark.parametrize("name", ["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"])
def test_K39_claims_that_decide_about_validity_may_not_be_disclosed(name: str) -> None:
    planted = create_disclosure(name, "planted", salt="salt")
    raw = issue_badge("dc+sd-jwt")
    if name == "vct":
        assert_refused("malformed", lambda: parse_credential(resign(raw, lambda payload: payload.pop("vct"))))

    def hide(payload: dict[str, Any]) -> None:
        if name not in {"vct", "iss"}:
            payload.pop(name, None)
        payload["_sd"].append(parse_disclosure(planted).digest)

    assert_refused("disclosure", lambda: verify(resign(raw, hide) + planted + "~"))


@pytest.mark.parametrize(
    "name",
    [
        "@context",
        "type",
        "issuer",
        "credentialStatus",
        "credentialSchema",
        "relatedResource",
        "validFrom",
        "validUntil",
    ],
)
def test_K67_A13_members_that_vcdm_needs_in_the_open_may_not_be_disclosed(name: str) -> None:
    planted = create_disclosure(name, "planted", salt="salt")

    def hide(payload: dict[str, Any]) -> None:
        if name not in {"@context", "type", "issuer"}:
            payload.pop(name, None)
        payload["_sd"].append(parse_disclosure(planted).digest)

    assert_refused("disclosure", lambda: verify(resign(issue_badge("vc+sd-jwt"), hide) + planted + "~"))


@pytest.mark.parametrize("vct", [None, "", 1, ["x"]])
def test_K45_sd_jwt_vc_without_a_type_is_refused(vct: Any) -> None:
    raw = resign(issue_badge("dc+sd-jwt"), lambda payload: payload.update(vct=vct))
    assert_refused("malformed", lambda: verify(raw))


@pytest.mark.parametrize("issuer", ["absent", None, "", 1, ["x"]])
def test_K46_sd_jwt_vc_that_does_not_name_its_issuer_is_refused(issuer: Any) -> None:
    def change(payload: dict[str, Any]) -> None:
        payload.pop("iss") if issuer == "absent" else payload.update(iss=issuer)

    assert_refused("malformed", lambda: parse_credential(resign(issue_badge("dc+sd-jwt"), change)))


def test_K46_iss_may_be_absent_when_certificates_name_the_issuer() -> None:
    raw = resign(issue_badge("dc+sd-jwt"), lambda payload: payload.pop("iss"), header={"kid": None, "x5c": ["MIIB"]})
    assert parse_credential(raw).unverified_issuer == ""
    assert verify(raw).issuer == ""
    empty = resign(raw, lambda payload: payload.update(iss=""))
    assert_refused("malformed", lambda: parse_credential(empty))


@BOTH
def test_A55_personal_data_stays_out_of_representations_for_logs(format_id: str) -> None:
    dataset = create_test_dataset()
    verified = verify(issue_badge(format_id, dataset=dataset))
    credential = parse_credential(verified.raw)
    disclosed = [disclosure.raw for disclosure in credential.sd_jwt.disclosures]
    sd_jwt = credential.sd_jwt
    token = verify_jwt(sd_jwt.issuer_jwt, key=verified.key, typ=format_id, algorithms=frozenset({"ES256"}))
    for shown in (dataset, verified, credential, sd_jwt, sd_jwt.disclosures, sd_jwt.issuer_jwt, token):
        assert not any(secret in repr(shown) for secret in ["Sanne", "de Vries", "Adviesrapport", *disclosed])


# Dates


@BOTH
@pytest.mark.parametrize(
    ("moment", "code"),
    [
        (timedelta(0), None),
        (LEEWAY - timedelta(seconds=1), None),
        (LEEWAY, "expired"),
        (timedelta(days=400), "expired"),
    ],
)
def test_K46_K56_A09_end_of_validity_counts_to_the_second(format_id: str, moment: timedelta, code: str | None) -> None:
    raw = issue_badge(format_id, expires_at=NOW)
    if code is None:
        verify(raw, now=NOW + moment)
    else:
        assert_refused(code, lambda: verify(raw, now=NOW + moment))
    assert verify(raw, now=NOW + moment, check_validity=False).expires_at == NOW


@BOTH
@pytest.mark.parametrize("name", ["issued_at", "valid_from"])
def test_K46_K56_validity_that_lies_ahead_is_refused(format_id: str, name: str) -> None:
    midnight = datetime(2026, 5, 30, tzinfo=UTC)
    raw = issue_badge(format_id, **{name: midnight})
    verify(raw, now=midnight - LEEWAY)
    early = midnight - LEEWAY - timedelta(seconds=1)
    assert_refused("not_yet_valid", lambda: verify(raw, now=early))
    verified = verify(raw, now=early, check_validity=False)
    assert_refused("not_yet_valid", lambda: verify_validity(verified, now=early))
    verify_validity(verified, now=midnight)


@BOTH
@pytest.mark.parametrize("name", ["iat", "nbf", "exp"])
@pytest.mark.parametrize("value", ["1795262400", True, -1, 10**18, [1], 253402300800])
def test_A09_dates_of_another_type_are_refused(format_id: str, name: str, value: Any) -> None:
    raw = resign(issue_badge(format_id), lambda payload: payload.update({name: value}))
    assert_refused("malformed", lambda: verify(raw, check_validity=False))


@BOTH
def test_A09_last_second_of_the_year_9999_is_a_date(format_id: str) -> None:
    raw = issue_badge(format_id, expires_at=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert verify(raw).expires_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("validFrom", "2026-11-21T12:00:00"),
        ("validFrom", "2026-11-21"),
        ("validFrom", 1795262400),
        ("validFrom", ["2026-11-21T12:00:00Z"]),
        ("validUntil", "2027-02-30T12:00:00Z"),
        ("validUntil", "0001-01-01T00:00:00+14:00"),
        ("validUntil", "2026-05-20T12:00:00Z"),
        ("validUntil", "२०२७-11-21T12:00:00Z"),
    ],
)
def test_K55_dates_that_are_none_or_end_before_they_begin_are_refused(name: str, value: Any) -> None:
    raw = resign(issue_badge("vc+sd-jwt"), lambda payload: payload.update({name: value}))
    assert_refused("malformed", lambda: verify(raw, check_validity=False))


def test_K56_the_narrowest_of_vcdm_and_jwt_dates_counts() -> None:
    end = NOW - timedelta(hours=2)

    def change(payload: dict[str, Any]) -> None:
        payload.update(exp=int(end.timestamp()), nbf=int((NOW - timedelta(hours=3)).timestamp()))

    raw = resign(issue_badge("vc+sd-jwt"), change)
    assert_refused("expired", lambda: verify(raw))
    verified = verify(raw, check_validity=False)
    assert (verified.valid_from, verified.expires_at) == (NOW - timedelta(hours=3), end)


def test_K46_sd_jwt_vc_without_any_date_does_not_expire() -> None:
    raw = resign(issue_badge("dc+sd-jwt"), lambda payload: [payload.pop(name) for name in ("iat", "nbf", "exp")])
    verified = verify(raw)
    assert (verified.issued_at, verified.valid_from, verified.expires_at) == (None, None, None)


# VCDM


def drop(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda payload: payload.pop(name)


def put(**members: Any) -> Callable[[dict[str, Any]], object]:
    return lambda payload: payload.update(members)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put(**{"@context": CREDENTIALS_V2}), id="context is no array"),
        pytest.param(put(**{"@context": []}), id="no context"),
        pytest.param(put(**{"@context": ["https://www.w3.org/2018/credentials/v1"]}), id="VCDM 1.1"),
        pytest.param(put(**{"@context": ["https://x.example", CREDENTIALS_V2]}), id="wrong order"),
        pytest.param(put(type=["OpenBadgeCredential"]), id="not a VerifiableCredential"),
        pytest.param(put(type=[]), id="no type"),
        pytest.param(put(type=None), id="null type"),
        pytest.param(drop("issuer"), id="no issuer"),
        pytest.param(put(issuer={}), id="issuer without id"),
        pytest.param(put(issuer="no url"), id="issuer is no URL"),
        pytest.param(put(issuer=["did:web:a.example"]), id="two issuers"),
        pytest.param(drop("credentialSubject"), id="no subject"),
        pytest.param(put(credentialSubject={}), id="empty subject"),
        pytest.param(put(credentialSubject=[]), id="no subjects"),
        pytest.param(put(credentialSubject=["did:jwk:x"]), id="subject is text"),
        pytest.param(put(credentialSubject={"id": "no url"}), id="subject id is no URL"),
        pytest.param(put(id=["urn:uuid:1"]), id="two ids"),
        pytest.param(put(id="no url"), id="id is no URL"),
        pytest.param(put(id=None), id="id is null"),
        pytest.param(put(credentialSchema={"id": "https://x.example"}), id="schema without type"),
        pytest.param(put(credentialSchema=["https://x.example"]), id="schema is text"),
        pytest.param(put(credentialSchema={"type": "X", "id": "no url"}), id="schema id is no URL"),
        pytest.param(put(termsOfUse={"id": "https://x.example"}), id="terms without type"),
        pytest.param(put(refreshService=[{"type": "X"}, {}]), id="refresh service without type"),
        pytest.param(put(credentialStatus={"id": "https://x.example"}), id="status without type"),
        pytest.param(put(vc={}), id="vc claim"),
        pytest.param(put(vp={}), id="vp claim"),
        pytest.param(put(iss="did:web:mallory.example"), id="iss disagrees"),
        pytest.param(put(jti="urn:uuid:another"), id="jti disagrees"),
        pytest.param(put(sub="did:web:mallory.example"), id="sub disagrees"),
    ],
)
def test_K55_K66_vcdm_credential_with_one_thing_broken_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with_nothing_shown = issue_badge("vc+sd-jwt").split("~")[0] + "~"
    verify(resign(with_nothing_shown))
    assert_refused("malformed", lambda: verify(resign(with_nothing_shown, change)))


@pytest.mark.parametrize("header", [{"cty": "jwt"}, {"cty": "vp"}, {"kid": None}])
def test_K66_vcdm_header_with_one_thing_broken_is_refused(header: dict[str, Any]) -> None:
    assert_refused("malformed", lambda: verify(resign(issue_badge("vc+sd-jwt"), header=header)))


def test_K55_vcdm_credential_of_others_may_be_plainer_than_ours() -> None:
    payload = {
        "@context": [CREDENTIALS_V2],
        "type": "VerifiableCredential",
        "issuer": "did:web:other.example",
        "credentialSubject": [{"name": "x"}, {"id": "urn:x:1"}],
        "evidence": {"type": "Evidence", "id": "https://x.example/e"},
    }
    raw = sign_jwt(payload, signer=ISSUER_SIGNER, typ="vc+sd-jwt", header={"kid": "did:web:other.example#1"}) + "~"
    verified = verify(raw)
    assert verified.issuer == "did:web:other.example"
    assert (verified.holder_key, verified.valid_from, verified.expires_at) == (None, None, None)
    assert verified.types == {"VerifiableCredential", "https://www.w3.org/2018/credentials#VerifiableCredential"}


def test_K55_a_status_that_cannot_be_checked_here_is_never_taken_for_none() -> None:
    status = {"id": "https://x.example/1#1", "type": "StatusOfTomorrow2030"}
    verified = verify(resign(issue_badge("vc+sd-jwt"), put(credentialStatus=status)))
    assert verified.statuses == (STATUS, StatusReference("https://x.example/1#1", 0, StatusKind.UNKNOWN))


def test_K80_1_a_vcdm_credential_may_have_a_place_in_both_kinds_of_list() -> None:
    entry = StatusReference("https://issuer.example/lists/2", 7, StatusKind.BITSTRING_STATUS_LIST, "revocation")
    assert verify(issue_badge("vc+sd-jwt", status=[STATUS, entry])).statuses == (STATUS, entry)


def test_K70_an_sd_jwt_vc_has_no_place_for_a_bitstring_status_list() -> None:
    entry = StatusReference("https://issuer.example/lists/2", 7, StatusKind.BITSTRING_STATUS_LIST, "revocation")
    with pytest.raises(ValueError, match="kind"):
        issue_badge("dc+sd-jwt", status=entry)


def test_K93_types_are_known_by_short_name_and_by_the_iri_of_their_own_contexts() -> None:
    verified = verify(issue_badge("vc+sd-jwt"))
    assert verified.types == {
        "VerifiableCredential",
        "OpenBadgeCredential",
        "https://www.w3.org/2018/credentials#VerifiableCredential",
        "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential",
    }
    assert verify(issue_badge("dc+sd-jwt")).types == {VCT}


@pytest.mark.parametrize("context", ["https://evil.example/ctx", {"OpenBadgeCredential": "urn:evil"}, ["x"], None])
def test_A49_a_type_without_its_context_gets_no_iri(context: Any) -> None:
    raw = resign(issue_badge("vc+sd-jwt"), put(**{"@context": [CREDENTIALS_V2, context]}))
    assert "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential" not in verify(raw).types


# Holder key and status


@BOTH
@pytest.mark.parametrize(
    ("confirmation", "code"),
    [
        ({"jwk": OTHER_JWK, "kid": f"{did_jwk(HOLDER_JWK)}#0"}, "holder_binding"),
        ({"kid": "did:web:holder.example#1"}, "holder_binding"),
        ({"jwk": HOLDER_JWK, "kid": "did:web:holder.example#1"}, "holder_binding"),
        ({"jku": "https://holder.example/jwks"}, "holder_binding"),
        ({"kid": "plain"}, "holder_binding"),
        ({}, "holder_binding"),
        (None, "malformed"),
        ("text", "malformed"),
        ([], "malformed"),
        ({"jwk": HOLDER_SIGNER.private_jwk()}, "malformed"),
        ({"jwk": {"kty": "oct"}}, "malformed"),
        ({"kid": f"{did_jwk(HOLDER_JWK)}#1"}, "holder_binding"),
    ],
)
def test_K47_K48_A17_holder_binding_that_is_unclear_is_refused(format_id: str, confirmation: Any, code: str) -> None:
    assert_refused(code, lambda: verify(resign(issue_badge(format_id), put(cnf=confirmation))))


@BOTH
@pytest.mark.parametrize(
    "confirmation",
    [
        {"jwk": HOLDER_JWK},
        {"jwk": HOLDER_JWK, "kid": "plain"},
        {"kid": f"{did_jwk(HOLDER_JWK)}#0"},
        {"kid": f"{did_key(HOLDER_JWK)}#{did_key(HOLDER_JWK).removeprefix('did:key:')}", "jwk": HOLDER_JWK},
    ],
)
def test_K47_each_way_to_name_the_holder_key_is_read(format_id: str, confirmation: Any) -> None:
    verified = verify(resign(issue_badge(format_id), put(cnf=confirmation)))
    assert verified.holder_key == HOLDER_SIGNER.public_key


@BOTH
@pytest.mark.parametrize(
    "status",
    [
        None,
        "text",
        {},
        {"other_mechanism": {}},
        {"status_list": []},
        {"status_list": {"idx": 1}},
        {"status_list": {"uri": "https://x.example"}},
        {"status_list": {"idx": "1", "uri": "https://x.example"}},
        {"status_list": {"idx": True, "uri": "https://x.example"}},
        {"status_list": {"idx": -1, "uri": "https://x.example"}},
        {"status_list": {"idx": 1, "uri": ""}},
        {"status_list": {"idx": 1, "uri": 1}},
    ],
)
def test_status_claim_that_cannot_be_read_is_refused_and_never_ignored(format_id: str, status: Any) -> None:
    assert_refused("malformed", lambda: verify(resign(issue_badge(format_id), put(status=status))))


# Presenting


@BOTH
def test_K98_one_skill_is_shown_and_nothing_else(format_id: str) -> None:
    raw = issue_badge(format_id)
    path = (*ALIGNMENTS[format_id], 2)
    presented = present_badge(format_id, raw, disclose=[path])
    shown = verify_presentation(presented)
    assert isinstance(shown.credential, VerifiedCredential)
    assert shown.holder_key == HOLDER_SIGNER.public_key
    assert len(parse_credential(presented).sd_jwt.disclosures) == 1
    text = str(shown.credential.claims)
    assert list(SKILLS)[2] in text
    for secret in ("Sanne", "de Vries", "sanne@student.example", *(uri for i, uri in enumerate(SKILLS) if i != 2)):
        assert secret not in text
    decoded = "".join(d.raw for d in parse_credential(presented).sd_jwt.disclosures)
    assert base64url.encode(b"Sanne")[:6] not in presented + decoded


@BOTH
def test_K38_a_presentation_is_not_received_as_a_credential(format_id: str) -> None:
    assert_refused("holder_binding", lambda: verify(present_badge(format_id, issue_badge(format_id))))


@BOTH
def test_K37_A15_a_stripped_presentation_is_refused(format_id: str) -> None:
    presented = present_badge(format_id, issue_badge(format_id))
    assert_refused("holder_binding", lambda: verify_presentation(presented.rpartition("~")[0] + "~"))


@BOTH
def test_A15_a_credential_bound_to_nobody_is_not_proven_by_a_signature(format_id: str) -> None:
    presented = present_badge(format_id, resign(issue_badge(format_id), drop("cnf")))
    assert_refused("holder_binding", lambda: verify_presentation(presented))


@BOTH
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"audience": AUDIENCE.removeprefix("decentralized_identifier:")}, "audience"),
        ({"nonce": "another"}, "nonce"),
        ({"now": NOW - timedelta(minutes=10)}, "holder_binding"),
    ],
)
def test_A16_a_replayed_presentation_is_refused(format_id: str, changes: dict[str, Any], code: str) -> None:
    presented = present_badge(format_id, issue_badge(format_id), **changes)
    assert_refused(code, lambda: verify_presentation(presented))


@BOTH
def test_A17_a_presentation_by_another_than_the_holder_is_refused(format_id: str) -> None:
    presented = present_badge(format_id, issue_badge(format_id), holder=SoftwareSigner.generate())
    assert_refused("holder_binding", lambda: verify_presentation(presented))


@BOTH
def test_A16_the_binding_of_one_credential_does_not_carry_another(format_id: str) -> None:
    first, second = (present_badge(format_id, issue_badge(format_id)) for _ in range(2))
    mixed = first.rpartition("~")[0] + "~" + second.rpartition("~")[2]
    assert_refused("holder_binding", lambda: verify_presentation(mixed))
    implementation = FORMATS[format_id]
    verified = implementation.verify_signature(parse_credential(first), key=ISSUER_SIGNER.public_key, algorithms=ES256)
    assert_refused(
        "holder_binding",
        lambda: implementation.verify_holder_binding(
            parse_credential(second), verified, algorithms=ES256, audience=AUDIENCE, nonce=NONCE, now=NOW
        ),
    )


@BOTH
def test_an_expired_presentation_is_refused_unless_validity_is_judged_elsewhere(format_id: str) -> None:
    old = {"valid_from": NOW - timedelta(days=9), "expires_at": NOW - timedelta(days=2)}
    presented = present_badge(format_id, issue_badge(format_id, **old))
    assert_refused("expired", lambda: verify_presentation(presented))
    shown = verify_presentation(presented, check_validity=False)
    assert_refused("expired", lambda: verify_validity(shown.credential, now=NOW))


@BOTH
def test_a_parsed_presentation_is_not_read_again(format_id: str) -> None:
    presented = parse_credential(present_badge(format_id, issue_badge(format_id)))
    assert isinstance(presented, UnverifiedCredential)
    shown = FORMATS[format_id].verify_presentation(
        presented, key=ISSUER_SIGNER.public_key, algorithms=ES256, audience=AUDIENCE, nonce=NONCE, now=NOW
    )
    assert shown.credential.raw == presented.raw


@BOTH
def test_A18_what_was_not_shown_is_not_in_the_result(format_id: str) -> None:
    shown = verify_presentation(present_badge(format_id, issue_badge(format_id), disclose=[NAMES[format_id]]))
    text = str(shown.credential.claims)
    assert "Sanne" in text
    assert not any(uri in text for uri in SKILLS)
    assert "_sd" not in text
    assert "'...'" not in text


def test_recursive_disclosures_of_other_issuers_are_presented_with_their_parents() -> None:
    claims = {"iss": "did:web:other.example", "vct": VCT, "cnf": {"jwk": HOLDER_JWK}, "a": {"b": {"c": 1, "d": 2}}}
    payload, disclosures = conceal(claims, disclosable=[("a",), ("a", "b"), ("a", "b", "c")])
    token = sign_jwt(payload, signer=ISSUER_SIGNER, typ="dc+sd-jwt", header={"kid": "did:web:other.example#1"})
    raw = "~".join([token, *disclosures, ""])
    shown = verify_presentation(present_badge("dc+sd-jwt", raw, disclose=[("a", "b", "d")]))
    assert shown.credential.claims["a"] == {"b": {"d": 2}}


# Properties

scalars = st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=5) | st.just([]) | st.just({})
members = st.sampled_from(
    ["iss", "iat", "nbf", "exp", "vct", "cnf", "status", "@context", "type", "issuer", "credentialSubject", "_sd", "id"]
)


@given(
    st.dictionaries(members, scalars | st.dictionaries(members, scalars, max_size=3)), st.sampled_from(SD_JWT_FORMATS)
)
def test_no_payload_makes_anything_but_a_credential_error(payload: dict[str, Any], typ: str) -> None:
    payload = json.loads(json.dumps(payload).replace("\\u0000", ""))
    raw = sign_jwt(payload, signer=ISSUER_SIGNER, typ=typ, header={"kid": "did:web:x.example#1"}) + "~"
    try:
        verify(raw)
    except CredentialError:
        return


@given(st.sets(st.integers(0, 3)), st.sampled_from(SD_JWT_FORMATS))
def test_any_choice_of_skills_is_what_the_verifier_sees(choice: set[int], format_id: str) -> None:
    presented = present_badge(
        format_id, issue_badge(format_id), disclose=[(*ALIGNMENTS[format_id], index) for index in choice]
    )
    value: Any = verify_presentation(presented).credential.claims
    for step in ALIGNMENTS[format_id]:
        value = value[step]
    assert [alignment["targetUrl"] for alignment in value] == [list(SKILLS)[index] for index in sorted(choice)]


@pytest.mark.parametrize(
    ("key_id", "issuer", "named"),
    [
        ("#key-1", "did:web:issuer.example", "did:web:issuer.example#key-1"),
        ("did:web:elsewhere.example#key-1", "did:web:issuer.example", "did:web:elsewhere.example#key-1"),
        ("key-1", "did:web:issuer.example", "key-1"),
        ("#key-1", "https://issuer.example", "#key-1"),
        (None, "did:web:issuer.example", None),
    ],
)
def test_K23_a_kid_that_is_a_fragment_alone_is_of_the_issuers_own_did(
    key_id: str | None, issuer: str, named: str | None
) -> None:
    """DID Core 1.0 §3.2.2. Issuers on Credo write it so; no other DID is read out of it."""
    assert absolute_key_id(key_id, issuer) == named


def test_K23_an_sd_jwt_with_such_a_kid_is_read_with_the_key_that_it_means() -> None:
    payload = {"iss": "did:web:issuer.example", "vct": VCT}
    token = sign_jwt(payload, signer=HOLDER_SIGNER, typ="dc+sd-jwt", header={"kid": "#key-1"})
    assert parse_credential(f"{token}~").key_id == "did:web:issuer.example#key-1"
