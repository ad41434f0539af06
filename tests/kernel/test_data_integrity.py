"""Embedded proofs: start from a good credential or presentation, break one thing, expect one code."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from kernel.data_integrity import (
    SIGNING_CRYPTOSUITES,
    add_base_proof,
    add_proof,
    parse_proofs,
    verify_credential,
    verify_holder,
    verify_presentation,
    without_proof,
)
from kernel.data_integrity.cryptosuite import encode_signature
from kernel.data_integrity.proof import MAX_PROOFS
from kernel.did import Relation, create_did_web_document, did_jwk, did_key, parse_did_document, resolve_static_did
from kernel.errors import (
    AlgorithmNotAllowedError,
    AudienceError,
    CredentialError,
    ExpiredError,
    HolderBindingError,
    InvalidSignatureError,
    MalformedError,
    NonceError,
    NotYetValidError,
    UndecidedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.json_ld import ContextStore, pinned_contexts
from kernel.keys import PublicKey, SoftwareSigner
from kernel.multikey import decode_base58btc
from tests.support.clock import NOW
from tests.support.random_badges import CONTEXT

ISSUER = "did:web:issuer.example"
ED25519, ES256 = SoftwareSigner.generate("Ed25519"), SoftwareSigner.generate("ES256")
HOLDER = SoftwareSigner.generate("Ed25519")
HOLDER_DID = did_jwk(HOLDER.public_key.jwk)
SIGNERS = {
    "eddsa-rdfc-2022": ED25519,
    "eddsa-jcs-2022": ED25519,
    "ecdsa-rdfc-2019": ES256,
    "ecdsa-jcs-2019": ES256,
}
METHODS = {"Ed25519": f"{ISSUER}#ed25519", "ES256": f"{ISSUER}#es256"}
SUITES = frozenset(SIGNERS)
DOCUMENT = parse_did_document(
    create_did_web_document(ISSUER, [("ed25519", ED25519.public_key), ("es256", ES256.public_key)]), did=ISSUER
)
CREDENTIAL: dict[str, Any] = {
    "@context": list(CONTEXT),
    "id": "urn:uuid:7f0c2a1e-6d0b-4c1f-9a53-2f6f2d1b8e10",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "name": "Problemen oplossen",
    "issuer": {"id": ISSUER, "type": ["Profile"], "name": "Hogeschool Voorbeeld"},
    "validFrom": "2026-05-28T12:00:00Z",
    "credentialSubject": {"id": HOLDER_DID, "type": ["AchievementSubject"], "role": "maker"},
}
CHALLENGE, DOMAIN = "05qs59_3aPcGLRPgSOPWaQ", "decentralized_identifier:did:web:verifier.example"


def find_key(verification_method: str, relation: Relation) -> PublicKey:
    if verification_method.startswith("did:jwk:"):
        return resolve_static_did(verification_method.partition("#")[0]).find_key(
            verification_method, relation=relation
        )
    if verification_method.startswith("did:web:elsewhere"):
        raise UndecidedError("the document could not be fetched")
    return DOCUMENT.find_key(verification_method, relation=relation)


def sign(document: Mapping[str, Any] = CREDENTIAL, suite: str = "eddsa-rdfc-2022", **changes: Any) -> dict[str, Any]:
    signer = changes.pop("signer", SIGNERS[suite])
    values: dict[str, Any] = {
        "verification_method": METHODS[signer.algorithm],
        "proof_purpose": "assertionMethod",
        "created_at": NOW,
    }
    return add_proof(document, cryptosuite=suite, signer=signer, **{**values, **changes})


def verify(document: Mapping[str, Any], **changes: Any) -> Any:
    values: dict[str, Any] = {"find_key": find_key, "cryptosuites": SUITES, "now": NOW}
    return verify_credential(document, **{**values, **changes})


def proof_with(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the document with its last proof changed; None leaves a member out."""
    *others, proof = document["proof"]
    changed = {name: value for name, value in {**proof, **changes}.items() if value is not None}
    return {**document, "proof": [*others, changed]}


@pytest.mark.parametrize("suite", sorted(SIGNERS))
def test_K60_K61_what_we_sign_we_verify(suite: str) -> None:
    secured = verify(sign(suite=suite))
    assert secured.issuer == ISSUER
    assert [held.proof.cryptosuite for held in secured.proofs] == [suite]
    assert secured.proofs[0].key == SIGNERS[suite].public_key
    assert secured.proofs[0].proof.created_at == NOW


def test_B10_proof_is_always_an_array_and_a_single_one_is_read() -> None:
    signed = sign()
    assert isinstance(signed["proof"], list)
    verify({**signed, "proof": signed["proof"][0]})


@pytest.mark.parametrize("suite", sorted(SIGNERS))
@pytest.mark.parametrize("member", sorted(CREDENTIAL.keys() - {"@context", "type", "issuer"}))
def test_A19_every_member_is_signed(suite: str, member: str) -> None:
    signed = sign(suite=suite)
    del signed[member]
    with pytest.raises(InvalidSignatureError):
        verify(signed)


def texts(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [found for name, child in value.items() for found in texts(child, (*path, name))]
    if isinstance(value, list):
        return [found for position, child in enumerate(value) for found in texts(child, (*path, position))]
    return [path]


def with_changed_text(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return value[:-1] + ("x" if value[-1] != "x" else "y")
    if isinstance(value, list):
        return [with_changed_text(child, path[1:]) if i == path[0] else child for i, child in enumerate(value)]
    return {name: with_changed_text(child, path[1:]) if name == path[0] else child for name, child in value.items()}


@pytest.mark.parametrize("suite", sorted(SIGNERS))
def test_A19_one_changed_character_anywhere_is_refused(suite: str) -> None:
    signed = sign(suite=suite, expires_at=NOW + timedelta(days=1))
    paths = texts(signed)
    assert len(paths) > 15
    for path in paths:
        with pytest.raises(CredentialError):
            verify(with_changed_text(signed, path))


@pytest.mark.parametrize("suite", sorted(SIGNERS))
def test_A19_one_added_member_anywhere_is_refused(suite: str) -> None:
    signed = sign(suite=suite)
    [proof] = signed["proof"]
    issuer, subject = signed["issuer"], signed["credentialSubject"]
    for changed in (
        {**signed, "description": "x"},
        {**signed, "colour": "x"},
        {**signed, "validUntil": "2030-01-01T00:00:00Z"},
        {**signed, "issuer": {**issuer, "url": "https://a.example"}},
        {**signed, "credentialSubject": {**subject, "licenseNumber": "1"}},
        {**signed, "proof": [{**proof, "nonce": "x"}]},
        {**signed, "proof": [{**proof, "colour": "x"}]},
        {**signed, "validUntil": None},
    ):
        with pytest.raises(CredentialError):
            verify(changed)


STATUS = {
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "7301",
    "statusListCredential": "https://status.example/1",
}


@pytest.mark.parametrize("suite", sorted(SIGNERS))
def test_A19_status_cannot_be_hidden_where_nobody_looks_for_it(suite: str) -> None:
    """Each of these makes the very statements that were signed, or would by the letter of JSON-LD."""
    signed = sign({**CREDENTIAL, "credentialStatus": STATUS}, suite)
    bare = {name: value for name, value in signed.items() if name != "credentialStatus"}
    own, term = signed["id"], "https://www.w3.org/2018/credentials#credentialStatus"
    for hidden in (
        {**bare, term: STATUS},
        {**bare, "@included": [{"id": own, "credentialStatus": STATUS}]},
        {**bare, "@nest": {"credentialStatus": STATUS}},
        {**bare, "@graph": [{"id": own, "type": "VerifiableCredential", "credentialStatus": STATUS}]},
        {**bare, "issuer": {**bare["issuer"], "@reverse": {"issuer": {"id": own, "credentialStatus": STATUS}}}},
        {**{name: value for name, value in signed.items() if name != "id"}, "@id": own},
    ):
        with pytest.raises(CredentialError):
            verify(hidden)
    assert verify(signed).document["credentialStatus"] == STATUS


PROOF_CHANGES: dict[str, tuple[dict[str, Any], type[CredentialError]]] = {
    "another type": ({"type": "Ed25519Signature2020"}, MalformedError),
    "no type": ({"type": None}, MalformedError),
    "no cryptosuite": ({"cryptosuite": None}, MalformedError),
    "unknown cryptosuite": ({"cryptosuite": "bbs-2023"}, AlgorithmNotAllowedError),
    "another cryptosuite": ({"cryptosuite": "eddsa-jcs-2022"}, InvalidSignatureError),
    "cryptosuite of another key": ({"cryptosuite": "ecdsa-rdfc-2019"}, AlgorithmNotAllowedError),
    "no purpose": ({"proofPurpose": None}, MalformedError),
    "another purpose": ({"proofPurpose": "authentication"}, WrongTypeError),
    "unknown purpose": ({"proofPurpose": "keyAgreement"}, WrongTypeError),
    "no method": ({"verificationMethod": None}, MalformedError),
    "method of another controller": ({"verificationMethod": f"{HOLDER_DID}#0"}, InvalidSignatureError),
    "unknown method": ({"verificationMethod": f"{ISSUER}#other"}, UntrustedIssuerError),
    "another key of the issuer": ({"verificationMethod": METHODS["ES256"]}, AlgorithmNotAllowedError),
    "no value": ({"proofValue": None}, MalformedError),
    "value of another kind": ({"proofValue": 1}, MalformedError),
    "base64url value": ({"proofValue": "uAAAA"}, MalformedError),
    "not base58": ({"proofValue": "z0OIl"}, MalformedError),
    "short value": ({"proofValue": encode_signature(bytes(63))}, InvalidSignatureError),
    "long value": ({"proofValue": encode_signature(b"\1" * 65)}, InvalidSignatureError),
    "huge value": ({"proofValue": "z" + "1" * 70_000}, MalformedError),
    "date that is none": ({"created": "2026-05-28"}, MalformedError),
    "end that is none": ({"expires": 1}, MalformedError),
    "another date": ({"created": "2026-05-28T12:00:01Z"}, InvalidSignatureError),
    "no date": ({"created": None}, InvalidSignatureError),
    "previous that is missing": ({"previousProof": "urn:x"}, InvalidSignatureError),
    "previous of another kind": ({"previousProof": [1]}, MalformedError),
    "no previous": ({"previousProof": []}, MalformedError),
    "itself": ({"id": "urn:x", "previousProof": "urn:x"}, MalformedError),
    "domain": ({"domain": "x"}, InvalidSignatureError),
}


@pytest.mark.parametrize("name", sorted(PROOF_CHANGES))
def test_K62_proof_with_one_thing_changed_is_refused(name: str) -> None:
    changes, error = PROOF_CHANGES[name]
    with pytest.raises(error):
        verify(proof_with(sign(), **changes))


CREDENTIAL_CHANGES: dict[str, tuple[dict[str, Any], type[CredentialError]]] = {
    "no proof": ({"proof": None}, MalformedError),
    "empty proof": ({"proof": []}, MalformedError),
    "proof that is text": ({"proof": "x"}, MalformedError),
    "contexts in another order": ({"@context": CONTEXT[::-1]}, MalformedError),
    "no context": ({"@context": None}, MalformedError),
    "one context missing": ({"@context": CONTEXT[:1]}, MalformedError),
    "another context": ({"@context": [CONTEXT[0], "https://evil.example/v1"]}, MalformedError),
    "context as text": ({"@context": CONTEXT[0]}, MalformedError),
    "inline context": ({"@context": [*CONTEXT, {"issuer": "urn:x"}]}, MalformedError),
    "another type": ({"type": ["OpenBadgeCredential"]}, WrongTypeError),
    "no issuer": ({"issuer": None}, MalformedError),
    "issuer without id": ({"issuer": {"type": "Profile"}}, MalformedError),
    "another issuer": ({"issuer": "did:web:other.example"}, InvalidSignatureError),
}


@pytest.mark.parametrize("name", sorted(CREDENTIAL_CHANGES))
def test_K55_A19_credential_with_one_thing_changed_is_refused(name: str) -> None:
    changes, error = CREDENTIAL_CHANGES[name]
    with pytest.raises(error):
        verify({member: value for member, value in {**sign(), **changes}.items() if value is not None})


def test_K55_type_may_stand_alone() -> None:
    plain = {**CREDENTIAL, "@context": CONTEXT[:1], "type": "VerifiableCredential", "issuer": ISSUER}
    plain["credentialSubject"] = {"id": HOLDER_DID}
    assert verify(sign(plain)).issuer == ISSUER


@pytest.mark.parametrize("suite", ["eddsa-rdfc-2022", "ecdsa-rdfc-2019"])
def test_A19_swapped_context_is_refused_unless_every_name_keeps_its_meaning(suite: str) -> None:
    """RDF suites sign statements, not contexts (DI §4.6): another pinned one may only say the very same."""
    older, clr = (
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json",
        "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json",
    )
    signed = sign(suite=suite)
    assert verify({**signed, "@context": [CONTEXT[0], older]}).issuer == ISSUER
    for contexts in ([CONTEXT[0], clr], [CONTEXT[0], "https://w3id.org/security/data-integrity/v2"]):
        with pytest.raises(CredentialError):
            verify({**signed, "@context": contexts})
    located = {
        **CREDENTIAL["credentialSubject"],
        "achievement": {"id": "urn:a", "type": "Achievement", "inLanguage": "nl"},
    }
    used = sign({**CREDENTIAL, "credentialSubject": located}, suite)
    with pytest.raises(CredentialError):
        verify({**used, "@context": [CONTEXT[0], "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json"]})


@pytest.mark.parametrize("suite", ["eddsa-jcs-2022", "ecdsa-jcs-2019"])
def test_A19_jcs_contexts_may_be_added_but_not_changed(suite: str) -> None:
    """EDDSA §3.3.2: the signed contexts come first, in their order."""
    signed = sign(suite=suite)
    verify({**signed, "@context": [*CONTEXT, "https://example.org/more"]})
    for contexts in (CONTEXT[:1], [CONTEXT[0], "https://example.org/other"]):
        with pytest.raises(InvalidSignatureError):
            verify({**signed, "@context": contexts})
    with pytest.raises(InvalidSignatureError):
        verify(proof_with(signed, **{"@context": CONTEXT[:1]}))
    verify(proof_with_new_signature(signed, suite))


def proof_with_new_signature(signed: dict[str, Any], suite: str) -> dict[str, Any]:
    """The same proof made without contexts in its options, as others may write it."""
    [proof] = parse_proofs(signed)
    options = {name: value for name, value in proof.options.items() if name != "@context"}
    value = SIGNING_CRYPTOSUITES[suite].sign(without_proof(signed), options, signer=SIGNERS[suite], contexts=None)
    return {**signed, "proof": {**options, "proofValue": value}}


@pytest.mark.parametrize(
    ("made", "ends", "seen", "error"),
    [
        (timedelta(0), timedelta(days=1), timedelta(0), None),
        (timedelta(seconds=60), timedelta(days=1), timedelta(0), None),
        (timedelta(seconds=61), timedelta(days=1), timedelta(0), NotYetValidError),
        (timedelta(0), timedelta(seconds=10), timedelta(seconds=70), None),
        (timedelta(0), timedelta(seconds=10), timedelta(seconds=71), ExpiredError),
    ],
)
def test_K10_A19_proof_counts_from_its_date_to_its_end(
    made: timedelta, ends: timedelta, seen: timedelta, error: type[CredentialError] | None
) -> None:
    signed = sign(created_at=NOW + made, expires_at=NOW + ends)
    if error is None:
        verify(signed, now=NOW + seen)
    else:
        with pytest.raises(error):
            verify(signed, now=NOW + seen)


def test_K02_only_allowed_cryptosuites_count_and_no_key_is_asked_for_others() -> None:
    def refuse(*_: object) -> PublicKey:
        raise AssertionError("a key was asked for")

    with pytest.raises(AlgorithmNotAllowedError):
        verify(sign(), cryptosuites=frozenset({"ecdsa-rdfc-2019"}), find_key=refuse)
    with pytest.raises(AlgorithmNotAllowedError):
        verify(proof_with(sign(), cryptosuite="none"), cryptosuites=SUITES | {"none"}, find_key=refuse)


def test_A04_key_of_the_issuer_in_the_wrong_relation_is_refused() -> None:
    document = {**create_did_web_document(ISSUER, [("ed25519", ED25519.public_key)]), "assertionMethod": []}
    parsed = parse_did_document(document, did=ISSUER)
    with pytest.raises(UntrustedIssuerError):
        verify(sign(), find_key=lambda method, relation: parsed.find_key(method, relation=relation))


def test_K02_signer_of_another_kind_signs_nothing() -> None:
    with pytest.raises(AlgorithmNotAllowedError):
        sign(suite="ecdsa-rdfc-2019", signer=ED25519)


# Sets and chains


def witness(document: Mapping[str, Any], signer: SoftwareSigner = HOLDER, **changes: Any) -> dict[str, Any]:
    """Add the proof of somebody else."""
    return sign(document, signer=signer, verification_method=f"{did_jwk(signer.public_key.jwk)}#0", **changes)


def test_K62_every_proof_of_a_set_is_checked() -> None:
    both = sign(sign(), suite="ecdsa-rdfc-2019")
    assert len(verify(both).proofs) == 2
    assert len(verify(witness(both)).proofs) == 3
    for position in range(2):
        proofs = list(both["proof"])
        proofs[position] = {**proofs[position], "created": "2026-05-28T12:00:01Z"}
        with pytest.raises(InvalidSignatureError):
            verify({**both, "proof": proofs})


def test_K62_proof_of_another_is_no_proof_of_the_issuer() -> None:
    with pytest.raises(UntrustedIssuerError):
        verify(witness(CREDENTIAL))


def test_K62_bad_proof_of_a_known_party_refuses_the_document() -> None:
    with pytest.raises(InvalidSignatureError):
        verify(proof_with(witness(sign()), created="2026-05-28T12:00:01Z"))


@pytest.mark.parametrize(
    "changes",
    [
        {"verificationMethod": "did:web:elsewhere.example#1"},
        {"verificationMethod": "did:web:stranger.example#1"},
        {"cryptosuite": "bbs-2023"},
        {"proofPurpose": "authentication"},
    ],
)
def test_K62_proof_of_a_stranger_counts_for_nothing(changes: dict[str, str]) -> None:
    assert len(verify(proof_with(witness(sign()), **changes)).proofs) == 1


def test_K62_issuer_whose_key_cannot_be_had_is_not_decided() -> None:
    elsewhere = "did:web:elsewhere.example"
    signed = sign({**CREDENTIAL, "issuer": elsewhere}, verification_method=f"{elsewhere}#1")
    with pytest.raises(UndecidedError):
        verify(signed)


def chain() -> dict[str, Any]:
    """A witness signs first, and the issuer signs both: the witness' proof is part of what it says."""
    return sign(witness(CREDENTIAL, identifier="urn:first"), identifier="urn:second", previous=["urn:first"])


def test_K62_chain_holds_with_all_its_proofs_only() -> None:
    signed = chain()
    assert [held.proof.identifier for held in verify(signed).proofs] == ["urn:first", "urn:second"]
    assert verify({**signed, "proof": signed["proof"][::-1]}).issuer == ISSUER
    with pytest.raises(InvalidSignatureError):
        verify({**signed, "proof": signed["proof"][1:]})


def test_K62_chain_on_the_proof_of_a_stranger_is_refused() -> None:
    signed = chain()
    first = {**signed["proof"][0], "verificationMethod": "did:web:stranger.example#1"}
    with pytest.raises(UntrustedIssuerError):
        verify({**signed, "proof": [first, signed["proof"][1]]})


def test_K62_other_proof_under_the_same_identifier_is_noticed() -> None:
    signed = chain()
    other = witness(CREDENTIAL, identifier="urn:first", created_at=NOW - timedelta(days=1))
    with pytest.raises(InvalidSignatureError):
        verify({**signed, "proof": [other["proof"][0], signed["proof"][1]]})


def test_K62_chain_may_stand_on_several_proofs() -> None:
    first = witness(CREDENTIAL, identifier="urn:first")
    second = witness(first, ES256, suite="ecdsa-rdfc-2019", identifier="urn:second")
    assert len(verify(sign(second, previous=["urn:first", "urn:second"])).proofs) == 3


def test_K62_proofs_that_stand_on_each_other_are_no_chain() -> None:
    signed = chain()
    first = {**signed["proof"][0], "previousProof": "urn:second"}
    with pytest.raises(MalformedError):
        verify({**signed, "proof": [first, signed["proof"][1]]})


def test_K62_two_proofs_with_one_identifier_are_refused() -> None:
    first = sign(identifier="urn:first")
    with pytest.raises(MalformedError):
        verify({**first, "proof": first["proof"] * 2})


def test_A21_too_many_proofs_are_refused_before_any_is_checked() -> None:
    signed = sign()
    with pytest.raises(MalformedError):
        verify({**signed, "proof": signed["proof"] * (MAX_PROOFS + 1)})


# Presentations


def present(credentials: Any = None, **changes: Any) -> dict[str, Any]:
    presentation = {
        "@context": CONTEXT[:1],
        "type": ["VerifiablePresentation"],
        "holder": changes.pop("holder", HOLDER_DID),
        "verifiableCredential": [sign()] if credentials is None else credentials,
    }
    values: dict[str, Any] = {
        "verification_method": f"{HOLDER_DID}#0",
        "proof_purpose": "authentication",
        "challenge": CHALLENGE,
        "domain": DOMAIN,
    }
    return sign(presentation, signer=HOLDER, **{**values, **changes})


def verify_shown(document: Mapping[str, Any], **changes: Any) -> Any:
    values: dict[str, Any] = {
        "find_key": find_key,
        "cryptosuites": SUITES,
        "challenge": CHALLENGE,
        "domain": DOMAIN,
        "now": NOW,
    }
    return verify_presentation(document, **{**values, **changes})


def test_K57_presentation_is_bound_to_holder_and_request() -> None:
    held = verify_shown(present())
    assert (held.holder, held.holder_key) == (HOLDER_DID, HOLDER.public_key)
    [credential] = held.unverified_credentials
    assert verify(credential).issuer == ISSUER


def test_K57_presentation_of_a_single_credential_or_none_is_read() -> None:
    assert len(verify_shown(present(sign())).unverified_credentials) == 1
    assert verify_shown(present([])).unverified_credentials == ()


PRESENTATIONS: dict[str, tuple[Callable[[], dict[str, Any]], dict[str, Any], type[CredentialError]]] = {
    "another challenge": (present, {"challenge": "x"}, NonceError),
    "no challenge": (lambda: present(challenge=None), {}, NonceError),
    "another domain": (present, {"domain": "x"}, AudienceError),
    "no domain": (lambda: present(domain=None), {}, AudienceError),
    "assertion": (lambda: present(proof_purpose="assertionMethod"), {}, WrongTypeError),
    "another holder": (lambda: present(holder="did:example:mallory"), {}, HolderBindingError),
    "two proofs": (lambda: sign(present()), {}, HolderBindingError),
    "credential": (sign, {}, WrongTypeError),
    "stale": (lambda: present(expires_at=NOW), {"now": NOW + timedelta(minutes=2)}, ExpiredError),
    "challenge changed": (lambda: proof_with(present(), challenge="x"), {"challenge": "x"}, InvalidSignatureError),
    "credential changed": (
        lambda: {**present(), "verifiableCredential": [{**sign(), "name": "x"}]},
        {},
        InvalidSignatureError,
    ),
    "credential that is text": (lambda: present(["https://credential.example/1"]), {}, MalformedError),
}


@pytest.mark.parametrize("name", sorted(PRESENTATIONS))
def test_A16_presentation_with_one_thing_wrong_is_refused(name: str) -> None:
    make, changes, error = PRESENTATIONS[name]
    with pytest.raises(error):
        verify_shown(make(), **changes)


def test_K57_jcs_presentation_of_something_else_is_refused() -> None:
    """Without JSON-LD nothing else looks at what kind of thing a presentation contains."""
    with pytest.raises(MalformedError):
        verify_shown(present(["text"], suite="eddsa-jcs-2022"))


def shown_with(subject: Any) -> tuple[Any, Any]:
    credential = sign({**CREDENTIAL, "credentialSubject": subject})
    return verify_shown(present([credential])), verify(credential)


SUBJECT = CREDENTIAL["credentialSubject"]


@pytest.mark.parametrize(
    "subject",
    [
        SUBJECT,
        [SUBJECT],
        [SUBJECT, {"type": ["AchievementSubject"], "role": "x"}],
        {**SUBJECT, "id": did_key(HOLDER.public_key.jwk)},
    ],
)
def test_V27_holder_is_whom_the_credential_is_about(subject: Any) -> None:
    verify_holder(*shown_with(subject))


@pytest.mark.parametrize(
    "subject",
    [
        {**SUBJECT, "id": "did:example:alice"},
        {**SUBJECT, "id": did_jwk(ED25519.public_key.jwk)},
        {"type": ["AchievementSubject"], "role": "maker"},
        [SUBJECT, {**SUBJECT, "id": "did:example:alice"}],
    ],
)
def test_V27_A17_credential_about_somebody_else_is_refused(subject: Any) -> None:
    with pytest.raises(HolderBindingError):
        verify_holder(*shown_with(subject))


def test_V27_subject_that_is_no_object_is_nobody() -> None:
    shown, secured = shown_with(SUBJECT)
    for subject in ("x", [{"id": 1}]):
        with pytest.raises(HolderBindingError):
            verify_holder(shown, replace(secured, document={**secured.document, "credentialSubject": subject}))


@pytest.mark.parametrize("suite", sorted(SIGNERS))
@pytest.mark.parametrize("member", ["jti", "endorsementJwt"])
def test_B14_terms_that_copies_of_the_context_dispute_are_not_signed(suite: str, member: str) -> None:
    for document in (
        {**CREDENTIAL, member: ["urn:x"]},
        {**CREDENTIAL, "evidence": [{"type": "Evidence", member: "urn:x"}]},
    ):
        with pytest.raises(MalformedError):
            sign(document, suite)
        with pytest.raises(MalformedError):
            add_base_proof(
                document, signer=ES256, verification_method=METHODS["ES256"], created_at=NOW, mandatory_pointers=[]
            )


def test_K63_contexts_of_the_caller_are_used_throughout() -> None:
    url = "https://example.org/colours/v1"
    contexts = ContextStore({**pinned_contexts().contexts, url: {"@context": {"colour": "urn:colour"}}})
    document = {**CREDENTIAL, "@context": [*CONTEXT, url], "colour": "red"}
    signed = sign(document, contexts=contexts)
    assert verify(signed, contexts=contexts).issuer == ISSUER
    with pytest.raises(MalformedError):
        verify(signed)


def test_K60_signature_is_sixty_four_bytes_in_base58btc(now: datetime) -> None:
    [proof] = sign(created_at=now)["proof"]
    assert proof["proofValue"][0] == "z"
    assert len(decode_base58btc(proof["proofValue"][1:])) == 64
    assert proof["created"] == "2026-05-28T12:00:00Z"
