"""The format `ldp_vc`: what it issues in both flavours, what its holder shows, and what it refuses."""

import base64
import copy
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from kernel import base64url
from kernel.data_integrity import add_base_proof, add_proof, parse_proofs, without_proof
from kernel.data_integrity.ecdsa_sd_2023 import encode_base_proof, parse_base_proof
from kernel.did import did_jwk, did_key, parse_did_document
from kernel.errors import CredentialError
from kernel.formats import (
    FORMATS,
    StatusKind,
    StatusReference,
    VerifiedCredential,
    VerifiedPresentation,
    from_wire,
    parse_credential,
    to_wire,
)
from kernel.formats.ldp_vc import LdpVc
from kernel.json_ld import PINNED, JsonLdError, Reason
from kernel.jwt import LEEWAY
from kernel.keys import SoftwareSigner
from kernel.open_badges import badge_view
from kernel.sd_jwt import ClaimsPath
from kernel.strict_json import encode_json
from tests.support.badges import (
    AUDIENCE,
    HOLDER_SIGNER,
    ISSUER,
    ISSUER_SIGNER,
    NONCE,
    NOW,
    SKILLS,
    VCT,
    create_test_achievement,
    create_test_dataset,
)
from tests.support.full_badge import DESCRIPTIONS, LEARNING_OUTCOME
from tests.support.hideable import sign_hideable
from tests.support.json_values import json_values, nearly

ALGORITHMS = frozenset({"ES256", "Ed25519"})
ED25519_SIGNER = SoftwareSigner.generate("Ed25519")
OTHER = SoftwareSigner.generate()
HOLDER_DID = did_jwk(HOLDER_SIGNER.public_key.jwk)
LDP_VC = FORMATS["ldp_vc"]
REVOCATION = StatusReference("https://issuer.example/bsl/1", 7301, StatusKind.BITSTRING_STATUS_LIST, "revocation")
SUSPENSION = StatusReference("https://issuer.example/bsl/2", 19, StatusKind.BITSTRING_STATUS_LIST, "suspension")
ALIGNMENT: ClaimsPath = ("credentialSubject", "achievement", "alignment")
RESULT = {"type": ["Result"], "status": "Completed"}

FLAVOURS: dict[str, tuple[LdpVc, SoftwareSigner]] = {
    "eddsa-rdfc-2022": (LdpVc(), ED25519_SIGNER),
    "ecdsa-rdfc-2019": (LdpVc(), ISSUER_SIGNER),
    "ecdsa-sd-2023": (LdpVc(is_selective=True), ISSUER_SIGNER),
}
EACH = pytest.mark.parametrize("suite", sorted(FLAVOURS))
WHOLE = pytest.mark.parametrize("suite", ["ecdsa-rdfc-2019", "eddsa-rdfc-2022"])

SUBJECT_PART = ("credentialSubject", "achievement", "image")
STATUS_PARTS = [("credentialStatus", name) for name in ("statusPurpose", "statusListIndex", "statusListCredential")]


def issue(suite: str, **changes: Any) -> str:
    form, signer = FLAVOURS[suite]
    dataset = create_test_dataset(result=[RESULT])
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "signer": signer,
        "holder_key": HOLDER_SIGNER.public_key,
        "type_id": VCT,
        "status": REVOCATION,
        "issued_at": NOW,
        "valid_from": NOW,
        "expires_at": NOW + timedelta(days=365),
    }
    return form.issue(changes.pop("dataset", dataset), **{**values, **changes})


def verify(raw: str, suite: str, **changes: Any) -> VerifiedCredential:
    values: dict[str, Any] = {"key": FLAVOURS[suite][1].public_key, "algorithms": ALGORITHMS, "now": NOW}
    return LDP_VC.verify(parse_credential(raw), **{**values, **changes})


def present(raw: str, *disclose: ClaimsPath, **changes: Any) -> str:
    values = {"holder_signer": HOLDER_SIGNER, "audience": AUDIENCE, "nonce": NONCE, "now": NOW}
    return LDP_VC.present(raw, disclose=disclose, **{**values, **changes})


def verify_presentation(raw: str, suite: str, **changes: Any) -> VerifiedPresentation:
    values: dict[str, Any] = {
        "key": FLAVOURS[suite][1].public_key,
        "algorithms": ALGORITHMS,
        "audience": AUDIENCE,
        "nonce": NONCE,
        "now": NOW,
    }
    return LDP_VC.verify_presentation(raw, **{**values, **changes})


def resign(raw: str, change: Callable[[dict[str, Any]], object] = lambda document: None, **proof: Any) -> str:
    """Return the same credential, properly signed by its issuer, with one thing changed."""
    document = without_proof(json.loads(raw))
    change(document)
    values: dict[str, Any] = {
        "cryptosuite": "ecdsa-rdfc-2019",
        "signer": ISSUER_SIGNER,
        "verification_method": ISSUER.kid,
        "proof_purpose": "assertionMethod",
        "created_at": NOW,
    }
    return json.dumps(add_proof(document, **{**values, **proof}))


def sign_presentation(document: Mapping[str, Any], **changes: Any) -> str:
    """Return a presentation that its holder signed, with one thing changed."""
    values: dict[str, Any] = {
        "signer": HOLDER_SIGNER,
        "cryptosuite": "ecdsa-rdfc-2019",
        "verification_method": f"{HOLDER_DID}#0",
        "proof_purpose": "authentication",
        "created_at": NOW,
        "challenge": NONCE,
        "domain": AUDIENCE,
    }
    return json.dumps(add_proof(document, **{**values, **changes}))


def presentation_of(raw: str, **changes: Any) -> dict[str, Any]:
    members = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiablePresentation"],
        "holder": HOLDER_DID,
        "verifiableCredential": [json.loads(raw)],
    }
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def put(**members: Any) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.update(members)


def name_subject(identifier: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["credentialSubject"].update(id=identifier)


def drop(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.pop(name)


def assert_refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(CredentialError) as refusal:
        call()
    assert refusal.value.code == code


# Issuing


@EACH
def test_K60_what_is_issued_verifies_and_says_what_it_was_given(suite: str) -> None:
    verified = verify(issue(suite), suite)
    assert verified.format == "ldp_vc"
    assert (verified.issuer, verified.key_id) == (ISSUER.id, ISSUER.kid)
    assert verified.key == FLAVOURS[suite][1].public_key
    assert verified.holder_key == HOLDER_SIGNER.public_key
    assert verified.statuses == (REVOCATION,)
    assert verified.expires_at == NOW + timedelta(days=365)
    assert verified.valid_from == verified.issued_at == datetime.fromisoformat("2026-05-28T00:00:00Z")
    assert "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential" in verified.types
    assert "proof" not in verified.claims


@EACH
def test_B01_B10_B20_an_open_badge_with_one_proof_in_an_array(suite: str) -> None:
    credential = parse_credential(issue(suite))
    assert credential.algorithm == suite
    assert credential.header["proofPurpose"] == "assertionMethod"
    assert credential.payload["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert credential.payload["credentialSubject"]["id"] == HOLDER_DID
    [proof] = credential.payload["proof"]
    assert proof["verificationMethod"] == ISSUER.kid
    assert badge_view(credential.payload, "ldp_vc").name == "Adviseur Lerende Regio Maas en Waal"


@EACH
def test_I61_no_time_is_finer_than_a_day(suite: str) -> None:
    proofs = [parse_proofs(json.loads(issue(suite, issued_at=NOW + timedelta(hours=hour))))[0] for hour in (0, 3)]
    assert {proof.created_at for proof in proofs} == {datetime.fromisoformat("2026-05-28T00:00:00Z")}


@EACH
def test_K80_1_B12_each_purpose_has_an_entry_of_its_own(suite: str) -> None:
    raw = issue(suite, status=[REVOCATION, SUSPENSION])
    assert verify(raw, suite).statuses == (REVOCATION, SUSPENSION)
    assert verify_presentation(present(raw), suite).credential.statuses == (REVOCATION, SUSPENSION)


@EACH
def test_a_token_status_list_has_no_place_in_an_embedded_proof(suite: str) -> None:
    with pytest.raises(ValueError, match="kind"):
        issue(suite, status=StatusReference("https://issuer.example/tsl/1", 7))


@EACH
def test_a_bare_badge_is_issued_all_the_same(suite: str) -> None:
    bare = create_test_dataset(
        achievement=create_test_achievement(alignment=None), person={}, evidence=(), awarded_at=None
    )
    raw = issue(suite, dataset=bare, status=None, expires_at=None)
    verified = verify(raw, suite)
    assert (verified.statuses, verified.expires_at) == ((), None)
    assert LDP_VC.disclosable_paths(raw) == {}
    assert verify_presentation(present(raw), suite).credential.claims == verified.claims


def test_B02_what_no_badge_may_say_is_not_signed() -> None:
    wrong = create_test_dataset(achievement=create_test_achievement(name=""))
    assert_refused("malformed", lambda: issue("eddsa-rdfc-2022", dataset=wrong))


# Reading


def test_K68_content_decides_the_format() -> None:
    raw = issue("eddsa-rdfc-2022")
    assert parse_credential(raw).format == LDP_VC.parse(raw).format == "ldp_vc"
    assert_refused("malformed", lambda: FORMATS["vc+sd-jwt"].parse(raw))


@pytest.mark.parametrize("raw", ["", "{", "[]", "{}", '{"a": 1, "a": 2}', '{"proof": {}}', "null", "x.y.z"])
def test_A08_A49_what_is_no_credential_is_refused(raw: str) -> None:
    for parse in (parse_credential, LDP_VC.parse):
        assert_refused("malformed", lambda parse=parse: parse(raw))  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put(**{"@context": ["https://www.w3.org/2018/credentials/v1"]}), id="VCDM 1.1"),
        pytest.param(put(**{"@context": []}), id="no context"),
        pytest.param(put(type=["OpenBadgeCredential"]), id="not a VerifiableCredential"),
        pytest.param(drop("credentialSubject"), id="no subject"),
        pytest.param(drop("issuer"), id="no issuer"),
        pytest.param(put(issuer={"type": "Profile"}), id="issuer without id"),
        pytest.param(put(validFrom="2026-11-21"), id="a date without time"),
        pytest.param(put(validUntil="2020-01-01T00:00:00Z"), id="ends before it begins"),
        pytest.param(put(credentialStatus={"type": "BitstringStatusListEntry"}), id="status that cannot be read"),
        pytest.param(put(credentialSchema={"id": "https://x.example"}), id="schema without type"),
        pytest.param(put(id=["urn:x:1"]), id="two ids"),
    ],
)
def test_K55_a_credential_with_one_thing_broken_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    """Signed by a suite that lets everything pass, so that it is the shape which is refused."""
    raw = issue("eddsa-rdfc-2022")
    assert verify(resign(raw), "ecdsa-rdfc-2019").issuer == ISSUER.id
    broken = resign(raw, change, cryptosuite="ecdsa-jcs-2019")
    assert_refused("malformed", lambda: verify(broken, "ecdsa-rdfc-2019"))


def test_K55_a_credential_of_others_may_be_plainer_than_ours() -> None:
    document = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": "VerifiableCredential",
        "issuer": ISSUER.id,
        "credentialSubject": [{"id": "https://somebody.example/"}, {"id": "https://other.example/"}],
    }
    verified = verify(resign(json.dumps(document)), "ecdsa-rdfc-2019")
    assert (verified.holder_key, verified.valid_from, verified.expires_at, verified.statuses) == (None, None, None, ())


@pytest.mark.parametrize("key_in", [did_jwk, did_key])
def test_K24_the_subject_may_be_any_identifier_that_contains_its_key(key_in: Callable[[object], str]) -> None:
    subject = key_in(HOLDER_SIGNER.public_key.jwk)
    raw = resign(issue("ecdsa-rdfc-2019"), name_subject(subject))
    assert verify(raw, "ecdsa-rdfc-2019").holder_key == HOLDER_SIGNER.public_key
    presented = present(raw)
    assert json.loads(presented)["holder"] == subject
    assert verify_presentation(presented, "ecdsa-rdfc-2019")


@pytest.mark.parametrize(
    ("confirmation", "code"),
    [
        pytest.param({"jwk": OTHER.public_key.jwk}, "holder_binding", id="another key"),
        pytest.param({"kid": f"{did_jwk(OTHER.public_key.jwk)}#0"}, "holder_binding", id="another DID"),
        pytest.param({}, "holder_binding", id="nothing"),
    ],
)
def test_A17_a_credential_with_two_holders_is_refused(confirmation: dict[str, Any], code: str) -> None:
    raw = resign(issue("ecdsa-rdfc-2019"), put(cnf=confirmation))
    assert_refused(code, lambda: verify(raw, "ecdsa-rdfc-2019"))


def test_K47_a_credential_may_name_its_holder_by_key_alone() -> None:
    def bind(document: dict[str, Any]) -> None:
        document["cnf"] = {"jwk": HOLDER_SIGNER.public_key.jwk}
        document["credentialSubject"].pop("id")

    raw = resign(issue("ecdsa-rdfc-2019"), bind)
    assert verify_presentation(present(raw), "ecdsa-rdfc-2019").holder_key == HOLDER_SIGNER.public_key
    assert json.loads(present(raw))["holder"] == HOLDER_DID


def test_A55_personal_data_stays_out_of_representations_for_logs() -> None:
    raw = issue("eddsa-rdfc-2022")
    for text in map(repr, (verify(raw, "eddsa-rdfc-2022"), parse_credential(raw), parse_credential(present(raw)))):
        assert not any(secret in text for secret in ("Sanne", "de Vries", "Adviesrapport"))


# Keys, algorithms, proofs


@EACH
def test_K02_key_and_algorithm_of_the_caller_decide(suite: str) -> None:
    raw = issue(suite)
    same_kind = SoftwareSigner.generate(FLAVOURS[suite][1].algorithm)
    assert_refused("signature", lambda: verify(raw, suite, key=same_kind.public_key))
    assert_refused("algorithm", lambda: verify(raw, suite, algorithms=frozenset({"RS256"})))
    other_kind = ISSUER_SIGNER if suite == "eddsa-rdfc-2022" else ED25519_SIGNER
    assert_refused("algorithm", lambda: verify(raw, suite, key=other_kind.public_key))


@EACH
@pytest.mark.parametrize("member", ["id", "name", "issuer", "credentialSubject", "credentialStatus", "validUntil"])
def test_A19_what_is_changed_or_taken_out_is_refused(suite: str, member: str) -> None:
    document = json.loads(issue(suite))
    changed = json.loads(json.dumps(document).replace("Maas en Waal", "Waal en Maas"))
    for value in (changed, {name: value for name, value in document.items() if name != member}):
        with pytest.raises(CredentialError):
            verify(json.dumps(value), suite)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"proofPurpose": "authentication"}, "type", id="purpose"),
        pytest.param({"cryptosuite": "bbs-2023"}, "algorithm", id="unknown suite"),
        pytest.param({"verificationMethod": f"{HOLDER_DID}#0"}, "issuer", id="method of another controller"),
        pytest.param({"verificationMethod": f"{ISSUER.id}#other"}, "signature", id="another method"),
        pytest.param({"created": "2026-05-27T00:00:00Z"}, "signature", id="created"),
        pytest.param({"proofValue": "z" + "1" * 64}, "signature", id="zeros"),
        pytest.param({"proofValue": "u" + "1" * 64}, "malformed", id="another encoding"),
        pytest.param({"type": "Ed25519Signature2020"}, "malformed", id="another type"),
    ],
)
@WHOLE
def test_A19_K62_a_proof_with_one_thing_changed_is_refused(suite: str, change: dict[str, Any], code: str) -> None:
    document = json.loads(issue(suite))
    document["proof"][0].update(change)
    assert_refused(code, lambda: verify(json.dumps(document), suite))


@WHOLE
def test_A19_contexts_that_were_swapped_or_added_are_refused(suite: str) -> None:
    document = json.loads(issue(suite))
    first, second = document["@context"]
    evil = {"@context": {"issuer": "https://evil.example/issuer"}}
    for contexts in ([second, first], [first], [first, second, evil], [first, second, "https://evil.example/c"]):
        changed = json.dumps({**document, "@context": contexts})
        assert_refused("malformed", lambda changed=changed: verify(changed, suite))  # type: ignore[misc]


def test_K62_without_a_proof_by_the_issuer_there_is_no_key_to_look_for() -> None:
    raw = resign(issue("ecdsa-rdfc-2019"), signer=HOLDER_SIGNER, verification_method=f"{HOLDER_DID}#0")
    credential = parse_credential(raw)
    assert (credential.key_id, credential.header, credential.algorithm) == (None, {}, "None")
    assert_refused("issuer", lambda: verify(raw, "ecdsa-rdfc-2019"))


def test_K62_a_second_proof_of_the_issuer_by_a_key_that_is_not_at_hand_leaves_it_undecided() -> None:
    first = json.loads(resign(issue("ecdsa-rdfc-2019")))
    twice = add_proof(
        first,
        cryptosuite="eddsa-rdfc-2022",
        signer=ED25519_SIGNER,
        verification_method=f"{ISSUER.id}#ed25519-1",
        proof_purpose="assertionMethod",
        created_at=NOW,
    )
    assert_refused("undecided", lambda: verify(json.dumps(twice), "ecdsa-rdfc-2019"))


@pytest.mark.parametrize(
    ("moment", "code"), [(LEEWAY - timedelta(seconds=1), None), (LEEWAY, "expired"), (timedelta(days=9), "expired")]
)
def test_K62_the_end_of_a_proof_is_the_end_of_the_credential(moment: timedelta, code: str | None) -> None:
    raw = resign(issue("ecdsa-rdfc-2019"), expires_at=NOW)
    if code is None:
        verify(raw, "ecdsa-rdfc-2019", now=NOW + moment)
    else:
        assert_refused(code, lambda: verify(raw, "ecdsa-rdfc-2019", now=NOW + moment))
    assert verify(raw, "ecdsa-rdfc-2019", now=NOW + moment, check_validity=False).expires_at == NOW


@EACH
def test_K56_the_end_of_validity_counts_to_the_second(suite: str) -> None:
    raw = issue(suite, expires_at=NOW)
    assert verify(raw, suite, now=NOW + LEEWAY - timedelta(seconds=1)).expires_at == NOW
    assert_refused("expired", lambda: verify(raw, suite, now=NOW + LEEWAY))
    assert_refused("expired", lambda: verify_presentation(present(raw), suite, now=NOW + LEEWAY))
    assert verify_presentation(present(raw), suite, now=NOW + LEEWAY, check_validity=False)


def test_A19_a_proof_from_the_future_is_not_valid_yet() -> None:
    raw = resign(issue("ecdsa-rdfc-2019"), created_at=NOW + timedelta(hours=1))
    assert_refused("not_yet_valid", lambda: verify(raw, "ecdsa-rdfc-2019"))
    assert verify(raw, "ecdsa-rdfc-2019", check_validity=False).issued_at == NOW + timedelta(hours=1)


def test_K64_a_term_that_no_context_defines_is_neither_signed_nor_believed() -> None:
    with pytest.raises(CredentialError):
        resign(issue("ecdsa-rdfc-2019"), put(undefinedTerm="x"))
    document = {**json.loads(issue("ecdsa-rdfc-2019")), "undefinedTerm": "x"}
    assert_refused("malformed", lambda: verify(json.dumps(document), "ecdsa-rdfc-2019"))


CONTEXT = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
DIGEST = f"sha256-{base64.b64encode(bytes.fromhex(PINNED[CONTEXT][1])).decode()}"


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        pytest.param({"id": CONTEXT, "digestSRI": DIGEST}, None, id="our file"),
        pytest.param({"id": CONTEXT, "digestSRI": "sha256-" + "A" * 43 + "="}, "rejected", id="another file"),
        pytest.param({"id": CONTEXT}, "malformed", id="no digest"),
        pytest.param({"id": "https://x.example/a", "digestSRI": DIGEST}, None, id="something never looked at"),
        pytest.param(["text", {"id": ["x"]}], None, id="neither"),
    ],
)
def test_K58_A20_a_context_named_with_its_digest_is_the_one_that_is_used(resource: Any, code: str | None) -> None:
    raw = resign(issue("ecdsa-rdfc-2019"), put(relatedResource=resource), cryptosuite="ecdsa-jcs-2019")
    if code is None:
        assert verify(raw, "ecdsa-rdfc-2019").issuer == ISSUER.id
    else:
        assert_refused(code, lambda: verify(raw, "ecdsa-rdfc-2019"))


# Presenting


@EACH
def test_W50_V27_a_presentation_is_bound_to_holder_nonce_and_audience(suite: str) -> None:
    presented = json.loads(present(issue(suite)))
    assert presented["type"] == ["VerifiablePresentation"]
    assert presented["holder"] == HOLDER_DID
    proof = presented["proof"]
    assert (proof["proofPurpose"], proof["challenge"], proof["domain"]) == ("authentication", NONCE, AUDIENCE)
    assert (proof["cryptosuite"], proof["verificationMethod"]) == ("ecdsa-rdfc-2019", f"{HOLDER_DID}#0")
    shown = verify_presentation(json.dumps(presented), suite)
    assert shown.holder_key == shown.credential.holder_key == HOLDER_SIGNER.public_key
    assert shown.credential.statuses == (REVOCATION,)


def test_W50_a_holder_with_an_ed25519_key_presents_with_that() -> None:
    holder = SoftwareSigner.generate("Ed25519")
    raw = issue("eddsa-rdfc-2022", holder_key=holder.public_key)
    presented = present(raw, holder_signer=holder)
    assert json.loads(presented)["proof"]["cryptosuite"] == "eddsa-rdfc-2022"
    assert verify_presentation(presented, "eddsa-rdfc-2022").holder_key == holder.public_key
    only_es256 = frozenset({"ES256"})
    raw = issue("ecdsa-rdfc-2019", holder_key=holder.public_key)
    presented = present(raw, holder_signer=holder)
    assert_refused("algorithm", lambda: verify_presentation(presented, "ecdsa-rdfc-2019", algorithms=only_es256))


def test_A17_nobody_presents_the_credential_of_another_key() -> None:
    assert_refused("holder_binding", lambda: present(issue("eddsa-rdfc-2022"), holder_signer=OTHER))


@WHOLE
def test_a_credential_signed_whole_is_shown_whole(suite: str) -> None:
    raw = issue(suite)
    assert LDP_VC.disclosable_paths(raw) == {}
    assert verify_presentation(present(raw, (*ALIGNMENT, 2)), suite).credential.claims == verify(raw, suite).claims


def test_S09_each_skill_person_field_evidence_and_result_can_be_withheld() -> None:
    raw = issue("ecdsa-sd-2023")
    names = [("credentialSubject", name) for name in ("givenName", "familyName", "email")]
    others: list[ClaimsPath] = [("evidence", 0), ("credentialSubject", "result", 0), *names]
    paths = LDP_VC.disclosable_paths(raw)
    assert set(paths) == {*((*ALIGNMENT, index) for index in range(len(SKILLS))), *others}
    assert [paths[(*ALIGNMENT, index)]["targetUrl"] for index in range(len(SKILLS))] == list(SKILLS)
    assert paths[("credentialSubject", "givenName")] == "Sanne"


def test_S09_a_learning_outcome_can_be_withheld_and_how_a_result_is_measured_cannot() -> None:
    achievement = create_test_achievement(resultDescription=[LEARNING_OUTCOME, DESCRIPTIONS[2]])
    raw = issue("ecdsa-sd-2023", dataset=create_test_dataset(achievement=achievement))
    place = (*ALIGNMENT[:-1], "resultDescription", 0)
    assert [path for path in LDP_VC.disclosable_paths(raw) if "resultDescription" in path] == [place]
    one_skill = present(raw, (*ALIGNMENT, 2))
    assert "TIG" not in one_skill
    assert DESCRIPTIONS[2]["name"] in one_skill
    shown = verify_presentation(present(raw, place), "ecdsa-sd-2023").credential.claims
    assert LEARNING_OUTCOME in shown["credentialSubject"]["achievement"]["resultDescription"]


def test_K67_issuer_type_dates_status_and_achievement_are_always_shown() -> None:
    presented = present(issue("ecdsa-sd-2023"))
    shown = verify_presentation(presented, "ecdsa-sd-2023").credential
    assert shown.claims.keys() >= {"id", "type", "issuer", "validFrom", "validUntil", "credentialStatus", "name"}
    achievement = shown.claims["credentialSubject"]["achievement"]
    assert achievement == create_test_achievement(alignment=None)
    for secret in ("Sanne", "de Vries", "sanne@student.example", "Adviesrapport", "Completed", *SKILLS):
        assert secret not in presented


def test_K98_one_skill_is_shown_and_nothing_else() -> None:
    raw = issue("ecdsa-sd-2023")
    part = present(raw, (*ALIGNMENT, 2, "targetUrl"))
    for presented in (part, present(raw, (*ALIGNMENT, 2))):
        shown = verify_presentation(presented, "ecdsa-sd-2023").credential.claims
        [skill] = shown["credentialSubject"]["achievement"]["alignment"]
        assert skill == verify(raw, "ecdsa-sd-2023").claims["credentialSubject"]["achievement"]["alignment"][2]
        assert not any(uri in presented for index, uri in enumerate(SKILLS) if index != 2)


@pytest.mark.parametrize(
    "path", [("credentialSubject", "givenName"), ("evidence", 0), ("evidence",), ("credentialSubject", "result", 0)]
)
def test_each_part_is_shown_by_its_path(path: ClaimsPath) -> None:
    raw = issue("ecdsa-sd-2023")
    shown: Any = verify_presentation(present(raw, path), "ecdsa-sd-2023").credential.claims
    whole: Any = verify(raw, "ecdsa-sd-2023").claims
    for step in path:
        shown, whole = shown[step], whole[step]
    assert shown == whole


def test_what_is_shown_anyway_may_be_asked_for_by_name() -> None:
    raw = issue("ecdsa-sd-2023")
    asked: Sequence[ClaimsPath] = [("name",), ("type",), ("credentialSubject", "id"), (*ALIGNMENT[:2], "name")]
    assert verify_presentation(present(raw, *asked), "ecdsa-sd-2023").credential.claims["name"]


def test_a_selective_credential_of_others_has_parts_of_its_own() -> None:
    """Here next to nothing is mandatory, something inside an array is, and one object has nothing but a name."""
    document = without_proof(json.loads(issue("ecdsa-sd-2023")))
    signed = add_base_proof(
        document,
        signer=ISSUER_SIGNER,
        verification_method=ISSUER.kid,
        created_at=NOW,
        mandatory_pointers=["/credentialSubject/achievement/alignment/1/targetUrl"],
    )
    raw = json.dumps(signed)
    paths = LDP_VC.disclosable_paths(raw)
    achievement = ("credentialSubject", "achievement")
    assert {("name",), (*achievement, "criteria", "narrative"), (*achievement, "image")} <= paths.keys()
    assert (*ALIGNMENT, 0) in paths
    assert (*ALIGNMENT, 1) not in paths
    assert (*ALIGNMENT, 1, "targetUrl") not in paths
    assert (*ALIGNMENT, 1, "targetName") in paths
    shown = verify_presentation(present(raw, (*achievement, "image")), "ecdsa-sd-2023").credential.claims
    assert shown["credentialSubject"]["achievement"]["image"] == document["credentialSubject"]["achievement"]["image"]
    assert "name" not in shown


def test_a_pointer_into_a_text_makes_no_parts_of_it() -> None:
    document = json.loads(issue("ecdsa-sd-2023"))
    base = parse_base_proof(document["proof"][0]["proofValue"])
    hostile = replace(base, mandatory_pointers=("/name/first", "/evidence/0/name/0"))
    document["proof"][0]["proofValue"] = encode_base_proof(hostile)
    paths = LDP_VC.disclosable_paths(json.dumps(document))
    assert paths[("name",)] == "Adviseur Lerende Regio Maas en Waal"
    assert paths[("evidence", 0, "name")] == "Adviesrapport"
    assert_refused("malformed", lambda: verify(json.dumps(document), "ecdsa-sd-2023"))


def test_K61_only_the_holder_accepts_a_base_proof() -> None:
    """It would let whoever receives it show any part of the credential."""
    raw = issue("ecdsa-sd-2023")
    assert verify(raw, "ecdsa-sd-2023").raw == raw
    whole = sign_presentation(presentation_of(raw))
    assert_refused("malformed", lambda: verify_presentation(whole, "ecdsa-sd-2023"))
    key = ISSUER_SIGNER.public_key
    bare = parse_credential(raw)
    assert_refused("malformed", lambda: LDP_VC.verify_signature(bare, key=key, algorithms=ALGORITHMS))


def test_K61_a_derived_credential_is_held_and_shown_as_it_is() -> None:
    """An issuer, or an earlier wallet, hands it over so: it must not stand in the way of the holder's other badges."""
    derived = json.dumps(json.loads(present(issue("ecdsa-sd-2023")))["verifiableCredential"][0])
    assert verify(derived, "ecdsa-sd-2023").issuer == ISSUER.id
    assert LDP_VC.disclosable_paths(derived) == {}
    assert verify_presentation(present(derived, ("evidence", 0)), "ecdsa-sd-2023").credential.issuer == ISSUER.id


@pytest.mark.parametrize("hideable", ["/credentialStatus", "/validUntil", "/validFrom"])
def test_A13_K38_what_decides_may_not_be_hideable(hideable: str) -> None:
    """Nobody could believe what is shown of it, so its holder does not take it."""
    raw = sign_hideable(issue("ecdsa-sd-2023"), ISSUER_SIGNER, hideable=[hideable])
    assert_refused("hideable", lambda: verify(raw, "ecdsa-sd-2023"))
    document = json.loads(raw)
    del document["id"]
    nameless = sign_hideable(json.dumps(document), ISSUER_SIGNER, hideable=[hideable])
    assert_refused("hideable", lambda: verify(nameless, "ecdsa-sd-2023"))


def test_A13_K73_what_leaves_out_its_status_says_so() -> None:
    """None was shown, or one that need not have been: then another may have been left out."""
    hideable = sign_hideable(issue("ecdsa-sd-2023"), ISSUER_SIGNER)

    def shown(raw: str, *disclose: ClaimsPath) -> VerifiedCredential:
        return verify_presentation(present(raw, *disclose), "ecdsa-sd-2023").credential

    assert shown(hideable, SUBJECT_PART).may_hide_status
    assert shown(hideable, SUBJECT_PART, *STATUS_PARTS).may_hide_status
    assert shown(issue("ecdsa-sd-2023", status=None)).may_hide_status
    assert not shown(issue("ecdsa-sd-2023")).may_hide_status
    assert not verify(issue("ecdsa-sd-2023", status=None), "ecdsa-sd-2023").may_hide_status


def test_a_status_beside_the_proof_of_the_whole_is_not_hidden() -> None:
    """An issuer that signs it whole too says that there is no more to it."""
    derived = json.loads(present(issue("ecdsa-sd-2023", status=None)))["verifiableCredential"][0]
    both = add_proof(
        derived,
        cryptosuite="ecdsa-rdfc-2019",
        signer=ISSUER_SIGNER,
        verification_method=ISSUER.kid,
        proof_purpose="assertionMethod",
        created_at=NOW,
    )
    assert not verify(json.dumps(both), "ecdsa-sd-2023").may_hide_status


@pytest.mark.parametrize("value", ["zNoBaseProof", "u2V0A", "foreign"])
@EACH
def test_K61_A19_a_strangers_proof_does_not_decide_what_is_shown(suite: str, value: str) -> None:
    """It counts for nothing at receipt, so it may say anything: also that it is one to derive from."""
    document = json.loads(issue(suite))
    method = f"{did_jwk(OTHER.public_key.jwk)}#0"
    foreign = add_base_proof(
        without_proof(document),
        signer=OTHER,
        verification_method=method,
        created_at=NOW,
        mandatory_pointers=["/issuer"],
    )["proof"][0]
    stranger = foreign if value == "foreign" else foreign | {"proofValue": value}
    raw = json.dumps(document | {"proof": [stranger, *document["proof"]]})
    assert LDP_VC.disclosable_paths(verify(raw, suite).raw) == LDP_VC.disclosable_paths(json.dumps(document))
    assert verify_presentation(present(raw), suite).credential.issuer == ISSUER.id


# Refusing presentations


@EACH
def test_K38_a_presentation_is_not_received_as_a_credential(suite: str) -> None:
    assert_refused("holder_binding", lambda: verify(present(issue(suite)), suite))


@WHOLE
def test_K37_A15_a_credential_without_its_presentation_is_refused(suite: str) -> None:
    assert_refused("holder_binding", lambda: verify_presentation(issue(suite), suite))


@EACH
def test_A16_V25_a_presentation_for_another_request_or_verifier_is_refused(suite: str) -> None:
    presented = present(issue(suite))
    assert_refused("nonce", lambda: verify_presentation(presented, suite, nonce="another"))
    assert_refused("audience", lambda: verify_presentation(presented, suite, audience=AUDIENCE.partition(":")[2]))


MALLORY = SoftwareSigner.generate()
MALLORY_DID = did_jwk(MALLORY.public_key.jwk)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"proof_purpose": "assertionMethod"}, "type", id="another purpose"),
        pytest.param({"challenge": None}, "nonce", id="no challenge"),
        pytest.param({"domain": None}, "audience", id="no domain"),
        pytest.param({"signer": MALLORY}, "signature", id="another key"),
        pytest.param(
            {"verification_method": f"{MALLORY_DID}#0", "signer": MALLORY}, "holder_binding", id="not by the holder"
        ),
        pytest.param({"verification_method": f"{HOLDER_DID}#1"}, "holder_binding", id="a method that is not there"),
        pytest.param({"created_at": NOW + timedelta(hours=1)}, "not_yet_valid", id="from the future"),
        pytest.param({"expires_at": NOW - timedelta(hours=1)}, "expired", id="expired"),
    ],
)
def test_V27_A15_A19_a_presentation_whose_proof_has_one_thing_broken_is_refused(
    changes: dict[str, Any], code: str
) -> None:
    document = presentation_of(issue("ecdsa-rdfc-2019"))
    assert verify_presentation(sign_presentation(document), "ecdsa-rdfc-2019")
    assert_refused(code, lambda: verify_presentation(sign_presentation(document, **changes), "ecdsa-rdfc-2019"))


def test_A17_the_credential_of_alice_shown_by_mallory_is_refused() -> None:
    stolen = presentation_of(issue("ecdsa-rdfc-2019"), holder=MALLORY_DID)
    presented = sign_presentation(stolen, signer=MALLORY, verification_method=f"{MALLORY_DID}#0")
    assert_refused("holder_binding", lambda: verify_presentation(presented, "ecdsa-rdfc-2019"))


@pytest.mark.parametrize("subject", ["https://somebody.example/", "did:web:holder.example", "urn:uuid:1"])
def test_A15_a_credential_bound_to_nobody_is_not_proven_by_a_signature(subject: str) -> None:
    raw = resign(issue("ecdsa-rdfc-2019"), name_subject(subject))
    assert_refused("holder_binding", lambda: present(raw))
    presented = sign_presentation(presentation_of(raw))
    assert_refused("holder_binding", lambda: verify_presentation(presented, "ecdsa-rdfc-2019"))


def test_A15_a_holder_whose_key_is_not_for_signatures_is_refused() -> None:
    jwk = {**HOLDER_SIGNER.public_key.jwk, "use": "enc"}
    raw = resign(issue("ecdsa-rdfc-2019"), name_subject(f"did:jwk:{base64url.encode(encode_json(jwk))}"))
    assert_refused("holder_binding", lambda: verify(raw, "ecdsa-rdfc-2019"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"holder": None}, "malformed", id="no holder"),
        pytest.param({"holder": MALLORY_DID}, "holder_binding", id="another holder"),
        pytest.param({"verifiableCredential": None}, "malformed", id="no credential"),
        pytest.param({"verifiableCredential": []}, "malformed", id="an empty array"),
    ],
)
def test_V27_a_presentation_with_one_thing_broken_is_refused(changes: dict[str, Any], code: str) -> None:
    document = {**presentation_of(issue("ecdsa-rdfc-2019")), **changes}
    presented = sign_presentation({name: value for name, value in document.items() if value not in (None, [])})
    assert_refused(code, lambda: verify_presentation(presented, "ecdsa-rdfc-2019"))


def test_V27_a_presentation_has_exactly_one_credential() -> None:
    credential = json.loads(issue("ecdsa-rdfc-2019"))
    one = sign_presentation({**presentation_of(json.dumps(credential)), "verifiableCredential": credential})
    assert verify_presentation(one, "ecdsa-rdfc-2019")
    two = presentation_of(json.dumps(credential), verifiableCredential=[credential, credential])
    for document in (two, {**two, "verifiableCredential": ["text"]}, {**two, "verifiableCredential": []}):
        assert_refused("malformed", lambda document=document: parse_credential(json.dumps(document)))  # type: ignore[misc]


def test_K57_an_enveloped_credential_is_not_what_this_format_embeds() -> None:
    enveloped = {
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": "data:application/vc+sd-jwt,eyJ",
        "type": "EnvelopedVerifiableCredential",
    }
    document = {**presentation_of("{}"), "verifiableCredential": [enveloped]}
    assert_refused("malformed", lambda: parse_credential(json.dumps(document)))


def test_A50_the_binding_of_one_credential_does_not_count_for_another() -> None:
    raw = issue("ecdsa-rdfc-2019")
    mine, theirs = parse_credential(present(raw)), parse_credential(present(raw, nonce="another"))
    credential = LDP_VC.verify_signature(theirs, key=ISSUER_SIGNER.public_key, algorithms=ALGORITHMS)
    assert_refused(
        "holder_binding",
        lambda: LDP_VC.verify_holder_binding(
            mine, credential, algorithms=ALGORITHMS, audience=AUDIENCE, nonce=NONCE, now=NOW
        ),
    )


# On the wire


@EACH
def test_I62_W50_an_embedded_proof_travels_as_an_object_and_a_compact_one_as_text(suite: str) -> None:
    raw = issue(suite)
    assert to_wire(raw) == json.loads(raw)
    assert verify(from_wire(to_wire(raw)), suite).claims == verify(raw, suite).claims
    assert to_wire("a.b.c~") == from_wire("a.b.c~") == "a.b.c~"


@pytest.mark.parametrize("value", [None, 1, [], True, {"a": float("nan")}, {"a": "\ud800"}, {"a": {1, 2}}], ids=str)
def test_I62_what_is_no_credential_on_the_wire_is_refused(value: Any) -> None:
    assert_refused("malformed", lambda: from_wire(value))


def test_I62_a_value_nested_without_end_is_refused() -> None:
    value: Any = {}
    for _ in range(100_000):
        value = {"a": value}
    assert_refused("malformed", lambda: from_wire(value))


# Published examples


def test_examples_15_and_18_of_the_profile_are_read_and_their_undefined_type_is_refused(
    profile_vectors: dict[str, Any],
) -> None:
    [[presentation]] = profile_vectors["ldp_vp"]["vp_token"].values()
    document = parse_did_document(profile_vectors["did_document"], did=profile_vectors["did_document"]["id"])
    for example in (presentation, profile_vectors["ob3_ldp"]["signed"]):
        credential = parse_credential(from_wire(example))
        assert (credential.format, credential.algorithm) == ("ldp_vc", "eddsa-rdfc-2022")
        assert credential.unverified_issuer == document.did
        key = document.find_key(credential.key_id, relation="assertionMethod")
        with pytest.raises(JsonLdError) as refusal:
            LDP_VC.verify_signature(credential, key=key, algorithms=ALGORITHMS)
        assert refusal.value.reason is Reason.UNDEFINED_TERM


# Properties

CREDENTIAL = json.loads(issue("ecdsa-rdfc-2019"))
SELECTIVE = json.loads(present(issue("ecdsa-sd-2023"), (*ALIGNMENT, 0)))
SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


@SLOW
@given(nearly(CREDENTIAL) | nearly(SELECTIVE) | json_values())
def test_nothing_makes_anything_but_a_credential_error(value: Any) -> None:
    with suppress(CredentialError):
        raw = from_wire(copy.deepcopy(value))
        for suite in FLAVOURS:
            with suppress(CredentialError):
                verify(raw, suite)
            with suppress(CredentialError):
                verify_presentation(raw, suite)
        for path in LDP_VC.disclosable_paths(raw):
            present(raw, path)


def test_a_credential_of_one_format_is_not_taken_for_one_of_another() -> None:
    with pytest.raises(TypeError, match="ldp_vc"):
        _ = parse_credential(json.dumps(CREDENTIAL)).sd_jwt
