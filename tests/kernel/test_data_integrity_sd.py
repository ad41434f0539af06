"""`ecdsa-sd-2023`: the published vectors with every intermediate value, and each thing that must not verify."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url
from kernel.data_integrity import (
    ALWAYS_SHOWN,
    add_base_proof,
    add_proof,
    derive_credential,
    ecdsa_sd_2023,
    parse_proofs,
    verify_credential,
    without_proof,
)
from kernel.data_integrity.canonical_form import canonical_text
from kernel.data_integrity.ecdsa_sd_2023 import (
    BaseProof,
    create_base_proof,
    derive_proof,
    encode_base_proof,
    encode_derived_proof,
    parse_base_proof,
    parse_derived_proof,
    verify_base_proof,
    verify_derived_proof,
)
from kernel.data_integrity.json_pointers import MAX_POINTERS, parse_pointer, select
from kernel.data_integrity.statements import group_document
from kernel.did import Relation, did_key, resolve_static_did
from kernel.errors import (
    AlgorithmNotAllowedError,
    CredentialError,
    InvalidSignatureError,
    MalformedError,
    TooLargeError,
)
from kernel.json_ld import JsonLdError, Reason, deskolemize, pinned_contexts, skolemize, to_rdf
from kernel.keys import PublicKey, SoftwareSigner
from kernel.members import MAX_TEXT
from kernel.rdf_canon import canonicalize
from kernel.strict_json import MAX_BYTES, encode_json, parse_json_object
from tests.kernel.test_vectors_data_integrity import VectorSigner
from tests.support.clock import NOW
from tests.support.random_badges import CONTEXT, random_badge
from tests.support.vector_contexts import vector_contexts

ECDSA = Path(__file__).parents[3] / "shared" / "vectors" / "vc-di-ecdsa" / "TestVectors"
CONTEXTS = vector_contexts()
SUITES = frozenset({"ecdsa-sd-2023"})

needs_vectors = pytest.mark.skipif(not ECDSA.exists(), reason="../shared/vectors is not there")


class Vector:
    """One of the two published credentials and its steps."""

    def __init__(self, folder: str, mandatory: str, selective: str) -> None:
        self._folder = ECDSA / "ecdsa-sd-2023" / folder
        keys = json.loads((ECDSA / "ecdsa-sd-2023" / "SDKeyMaterial.json").read_bytes())
        self.signer = VectorSigner(keys["baseKeyPair"]["secretKeyMultibase"])
        self.proof_signer = VectorSigner(keys["proofKeyPair"]["secretKeyMultibase"])
        self.hmac_key = bytes.fromhex(keys["hmacKeyString"])
        self.mandatory = json.loads((ECDSA / f"{mandatory}.json").read_bytes())
        self.selective = json.loads((ECDSA / f"{selective}.json").read_bytes())
        self.signed = self.value("addSignedSDBase")
        self.document = without_proof(self.signed)
        [self.proof] = parse_proofs(self.signed)

    def value(self, name: str) -> Any:
        return json.loads((self._folder / f"{name}.json").read_bytes())

    def text(self, name: str) -> str:
        return (self._folder / f"{name}.txt").read_text()


@pytest.fixture(
    params=[
        pytest.param(("employ", "employMandatory", "employSelective"), id="employ"),
        pytest.param(("prc", "prCredMandatory", "prCredSelective"), id="prc"),
    ]
)
def vector(request: pytest.FixtureRequest) -> Vector:
    return Vector(*request.param)


def positions(published: Mapping[str, Any]) -> list[int]:
    return [position for position, _ in published["value"]]


@needs_vectors
def test_K61_statements_and_their_groups_are_the_published_ones(vector: Vector) -> None:
    grouped = group_document(vector.document, vector.hmac_key, CONTEXTS)
    transformed = vector.value("addBaseTransform")
    assert canonical_text(vector.document, CONTEXTS).decode() == "".join(vector.value("addBaseDocCanon"))
    assert list(grouped.lines) == vector.value("addBaseDocHMACCanon")
    assert sorted(grouped.indexes(vector.mandatory)) == positions(transformed["mandatory"])
    for entry in vector.value("addPointerValues"):
        value: Any = vector.document
        for step in parse_pointer(entry["pointer"]):
            value = value[step]
        assert value == entry["value"]


@needs_vectors
def test_K61_base_proof_is_the_published_one(vector: Vector) -> None:
    raw, hashes = vector.value("addRawBaseSignatureInfo"), vector.value("addHashData")
    options = {**vector.proof.options, "@context": vector.document["@context"]}
    assert options == vector.value("addProofConfig")
    assert canonical_text(options, CONTEXTS).decode() == vector.text("addProofConfigCanon")
    assert hashlib.sha256(vector.text("addProofConfigCanon").encode()).hexdigest() == hashes["proofHash"]
    value = create_base_proof(
        vector.document,
        vector.proof.options,
        signer=vector.signer,
        mandatory_pointers=vector.mandatory,
        contexts=CONTEXTS,
        proof_signer=vector.proof_signer,
        hmac_key=vector.hmac_key,
    )
    assert value == vector.proof.value
    base = parse_base_proof(value)
    assert base.signature.hex() == raw["baseSignature"]
    assert [signature.hex() for signature in base.signatures] == raw["signatures"]
    recovered = vector.value("derivedRecoveredBaseData")
    assert base.hmac_key.hex() == recovered["hmacKey"]
    assert list(base.mandatory_pointers) == recovered["mandatoryPointers"] == vector.mandatory
    signed = ecdsa_sd_2023.signed_data(
        vector.document,
        vector.proof.options,
        base.public_key,
        [line for _, line in vector.value("addBaseTransform")["mandatory"]["value"]],
        CONTEXTS,
    )
    assert (signed[:32].hex(), signed[-32:].hex()) == (hashes["proofHash"], hashes["mandatoryHash"])


@needs_vectors
def test_K61_derived_proof_is_the_published_one(vector: Vector) -> None:
    base = parse_base_proof(vector.proof.value)
    grouped = group_document(vector.document, base.hmac_key, CONTEXTS)
    published = vector.value("derivedGroupIndexes")
    assert sorted(grouped.indexes(vector.selective)) == published["selectiveIndexes"]
    assert sorted(grouped.indexes([*vector.mandatory, *vector.selective])) == published["combinedIndexes"]
    shown, value = derive_proof(vector.document, base, pointers=vector.selective, contexts=CONTEXTS)
    assert shown == vector.value("derivedUnsignedReveal")
    derived, disclosed = parse_derived_proof(value), vector.value("derivedDisclosureData")
    assert list(derived.mandatory_indexes) == disclosed["mandatoryIndexes"]
    assert list(derived.mandatory_indexes) == vector.value("derivedAdjMandatoryIndexes")["adjMandatoryIndexes"]
    filtered = vector.value("derivedAdjSignatures")["filteredSignatures"]
    assert [signature.hex() for signature in derived.signatures] == disclosed["signatures"] == filtered
    labels = [[f"c14n{number}", f"u{base64url.encode(label)}"] for number, label in derived.labels.items()]
    assert labels == disclosed["labelMap"]["value"]
    published_document = vector.value("derivedRevealDocument")
    [published_proof] = parse_proofs(published_document)
    assert (shown, value) == (without_proof(published_document), published_proof.value)


@needs_vectors
def test_K61_published_derived_proof_verifies_over_the_published_statements(vector: Vector) -> None:
    document = vector.value("derivedRevealDocument")
    [proof] = parse_proofs(document)
    derived, published = parse_derived_proof(proof.value), vector.value("verifyCreateVerifyData")
    assert derived.signature.hex() == published["baseSignature"]
    assert [signature.hex() for signature in derived.signatures] == published["signatures"]
    verify_derived_proof(
        without_proof(document), proof.options, derived, key=vector.signer.public_key, contexts=CONTEXTS
    )
    verify_base_proof(
        vector.document,
        vector.proof.options,
        parse_base_proof(vector.proof.value),
        key=vector.signer.public_key,
        contexts=CONTEXTS,
    )


# Our own credentials

SIGNER = SoftwareSigner.generate("ES256")
DID = "did:web:issuer.example"
BADGE: dict[str, Any] = {
    "@context": list(CONTEXT),
    "id": "urn:uuid:7f0c2a1e-6d0b-4c1f-9a53-2f6f2d1b8e10",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": {"id": DID, "type": ["Profile"], "name": "Hogeschool Voorbeeld"},
    "validFrom": "2026-05-28T12:00:00Z",
    "name": "Problemen oplossen",
    "credentialStatus": {
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7301",
        "statusListCredential": "https://status.example/1",
    },
    "credentialSubject": {
        "type": ["AchievementSubject"],
        "role": "maker",
        "achievement": {
            "id": "https://issuer.example/a",
            "type": ["Achievement"],
            "name": "Problemen oplossen",
            "alignment": [
                {"type": ["Alignment"], "targetName": name, "targetUrl": f"https://skills.example/{name}"}
                for name in ("een", "twee", "drie")
            ],
            "resultDescription": [
                {"id": "urn:r", "type": ["ResultDescription"], "name": "Cijfer", "allowedValue": ["1", "2", "3"]}
            ],
        },
    },
}
ALIGNMENT = "/credentialSubject/achievement/alignment"


def issue(document: Mapping[str, Any] = BADGE, *mandatory: str) -> dict[str, Any]:
    return add_base_proof(
        document,
        signer=SIGNER,
        verification_method=f"{DID}#1",
        created_at=NOW,
        mandatory_pointers=mandatory,
    )


def verify(document: Mapping[str, Any], **changes: Any) -> Any:
    values: dict[str, Any] = {"find_key": lambda *_: SIGNER.public_key, "cryptosuites": SUITES, "now": NOW}
    return verify_credential(document, **{**values, **changes})


ISSUED = issue()
SHOWN = derive_credential(ISSUED, pointers=[f"{ALIGNMENT}/1", "/name"])


def test_K61_holder_shows_one_skill_of_three() -> None:
    assert verify(SHOWN).issuer == DID
    [alignment] = SHOWN["credentialSubject"]["achievement"]["alignment"]
    assert alignment["targetName"] == "twee"
    text = json.dumps(SHOWN)
    assert "een" not in text
    assert "maker" not in text


@pytest.mark.parametrize("member", ALWAYS_SHOWN)
def test_K67_what_a_verifier_must_see_is_always_shown(member: str) -> None:
    nothing = derive_credential(ISSUED, pointers=[])
    assert nothing.get(member) == BADGE.get(member)
    assert verify(nothing).issuer == DID


def test_K61_whole_lists_can_be_shown_and_pieces_of_them_not() -> None:
    values = "/credentialSubject/achievement/resultDescription/0/allowedValue"
    assert verify(derive_credential(ISSUED, pointers=[values])).issuer == DID
    with pytest.raises(MalformedError):
        derive_credential(ISSUED, pointers=[f"{values}/1"])


def test_K61_everything_can_be_shown() -> None:
    everything = derive_credential(ISSUED, pointers=[""])
    assert without_proof(everything) == BADGE
    assert verify(everything).issuer == DID
    verify(derive_credential(issue(BADGE, "/credentialSubject"), pointers=["", "/name", ""]))


def with_evidence(count: int) -> dict[str, Any]:
    return {**BADGE, "evidence": [{"type": ["Evidence"], "name": f"stuk {number}"} for number in range(count)]}


def test_K61_K86_a_long_base_proof_is_read_by_whoever_signed_it() -> None:
    issued = issue(with_evidence(300))
    assert len(issued["proof"][0]["proofValue"]) > MAX_TEXT
    verify(derive_credential(parse_json_object(encode_json(issued)), pointers=["/evidence"]))


def test_K61_K86_what_its_base_proof_makes_too_large_to_be_read_is_not_signed() -> None:
    with pytest.raises(TooLargeError):
        issue({**with_evidence(300), "description": "x" * (MAX_BYTES - 64 * 1024)})


def test_K61_two_derivations_of_one_credential_verify_each() -> None:
    for pointers in ([f"{ALIGNMENT}/0", f"{ALIGNMENT}/2"], [f"{ALIGNMENT}/0/targetName"], ["/credentialSubject"]):
        assert verify(derive_credential(ISSUED, pointers=pointers)).issuer == DID


def test_K38_holder_checks_the_base_proof_that_verifiers_refuse() -> None:
    assert verify(ISSUED, on_receipt=True).issuer == DID
    assert verify(SHOWN, on_receipt=True).issuer == DID
    with pytest.raises(MalformedError):
        verify(ISSUED)


def test_K38_base_proof_must_cover_every_statement() -> None:
    for changed in ({**ISSUED, "name": "x"}, {**ISSUED, "description": "x"}):
        with pytest.raises(InvalidSignatureError):
            verify(changed, on_receipt=True)
    base = parse_base_proof(ISSUED["proof"][0]["proofValue"])
    for signatures in (base.signatures[1:], base.signatures[::-1]):
        value = encode_base_proof(
            BaseProof(base.signature, base.public_key, base.hmac_key, signatures, base.mandatory_pointers)
        )
        with pytest.raises(InvalidSignatureError):
            verify({**ISSUED, "proof": {**ISSUED["proof"][0], "proofValue": value}}, on_receipt=True)
    with pytest.raises(MalformedError):
        derive_credential({**ISSUED, "description": "x"}, pointers=[])


@pytest.mark.parametrize("seed", range(12))
def test_K61_generated_badges_are_shown_in_part_and_verify(seed: int) -> None:
    random = Random(seed)
    badge = {**random_badge(random), "issuer": DID}
    issued = issue(badge)
    assert verify(issued, on_receipt=True).issuer == DID
    chosen = [f"/{name}" for name in badge if name != "@context" and random.random() < 0.5]
    assert verify(derive_credential(issued, pointers=chosen)).issuer == DID


def changed_shown() -> dict[str, Any]:
    achievement = SHOWN["credentialSubject"]["achievement"]
    alignment = {**achievement["alignment"][0], "targetName": "drie"}
    subject = {**SHOWN["credentialSubject"], "achievement": {**achievement, "alignment": [alignment]}}
    return {
        "mandatory value": {**SHOWN, "validFrom": "2026-05-29T12:00:00Z"},
        "shown value": {**SHOWN, "name": "x"},
        "shown skill": {**SHOWN, "credentialSubject": subject},
        "statement more": {**SHOWN, "description": "x"},
        "statement less": {name: value for name, value in SHOWN.items() if name != "name"},
        "status less": {name: value for name, value in SHOWN.items() if name != "credentialStatus"},
        "node more": {**SHOWN, "evidence": {"type": "Evidence"}},
        "created": {**SHOWN, "proof": {**SHOWN["proof"][0], "created": "2026-05-28T12:00:01Z"}},
    }


@pytest.mark.parametrize("name", sorted(changed_shown()))
def test_A19_derived_credential_with_one_thing_changed_is_refused(name: str) -> None:
    with pytest.raises(InvalidSignatureError):
        verify(changed_shown()[name])


def components(value: str) -> tuple[bytes, list[Any]]:
    data = base64url.decode(value[1:])
    return data[:3], cbor2.loads(data[3:])


def with_component(document: dict[str, Any], position: int, component: Any) -> dict[str, Any]:
    header, parts = components(document["proof"][0]["proofValue"])
    parts[position] = component
    value = "u" + base64url.encode(header + cbor2.dumps(parts))
    return {**document, "proof": {**document["proof"][0], "proofValue": value}}


DERIVED = components(SHOWN["proof"][0]["proofValue"])[1]
OTHER_KEY = ecdsa_sd_2023.encode_public_key(SoftwareSigner.generate("ES256").public_key)
BAD_DERIVED: dict[str, tuple[int, Any, type[CredentialError]]] = {
    "base signature": (0, bytes(64), InvalidSignatureError),
    "short base signature": (0, bytes(63), MalformedError),
    "another key": (1, OTHER_KEY, InvalidSignatureError),
    "short key": (1, OTHER_KEY[:-1], MalformedError),
    "signature of another": (2, DERIVED[2][::-1], InvalidSignatureError),
    "signature less": (2, DERIVED[2][1:], InvalidSignatureError),
    "short signature": (2, [b"x"], MalformedError),
    "signatures as map": (2, {}, MalformedError),
    "labels exchanged": (3, dict(zip(DERIVED[3], reversed(DERIVED[3].values()), strict=True)), InvalidSignatureError),
    "label less": (3, dict(list(DERIVED[3].items())[1:]), InvalidSignatureError),
    "label more": (3, {**DERIVED[3], 99: bytes(32)}, InvalidSignatureError),
    "label twice": (3, dict.fromkeys(DERIVED[3], bytes(32)), MalformedError),
    "short label": (3, {0: b"x"}, MalformedError),
    "label by name": (3, {"c14n0": bytes(32)}, MalformedError),
    "label by truth": (3, {True: bytes(32)}, MalformedError),
    "labels as list": (3, [], MalformedError),
    "index less": (4, DERIVED[4][1:], InvalidSignatureError),
    "index beyond": (4, [*DERIVED[4], 999], InvalidSignatureError),
    "index twice": (4, [0, *DERIVED[4]], MalformedError),
    "negative index": (4, [-1, *DERIVED[4]], MalformedError),
    "indexes as text": (4, "0", MalformedError),
}


@pytest.mark.parametrize("name", sorted(BAD_DERIVED))
def test_K61_derived_proof_with_one_component_wrong_is_refused(name: str) -> None:
    position, component, error = BAD_DERIVED[name]
    with pytest.raises(error):
        verify(with_component(SHOWN, position, component))


@pytest.mark.parametrize(
    ("position", "component"),
    [(2, b"short"), (3, [b"x"]), (4, "x"), (4, [1]), (1, b"\x81\x24" + bytes(33)), (1, b"\x80\x24" + bytes(33))],
)
def test_K61_base_proof_with_one_component_wrong_is_refused(position: int, component: Any) -> None:
    with pytest.raises(CredentialError):
        verify(with_component(ISSUED, position, component), on_receipt=True)


def test_K61_proof_key_on_another_curve_or_no_point_is_refused() -> None:
    for data in (b"\x81\x24" + bytes(33), b"\x80\x24" + b"\x02" + b"\xff" * 32):
        with pytest.raises(MalformedError):
            ecdsa_sd_2023.decode_public_key(data)


@pytest.mark.parametrize(
    "value",
    [
        "z" + "1" * 10,
        "uAAAA",
        "u" + base64url.encode(b"\xd9\x5d\x01"),
        "u" + base64url.encode(b"\xd9\x5d\x01" + cbor2.dumps([1, 2, 3, 4])),
        "u" + base64url.encode(b"\xd9\x5d\x01" + cbor2.dumps({1: 2})),
        "u" + base64url.encode(b"\xd9\x5d\x01" + cbor2.dumps([b"", b"", [], {}, []]) + b"\0"),
        "u" + base64url.encode(b"\xd9\x5d\x01\x9f" + cbor2.dumps(1) * 5 + b"\xff"),
        "u" + base64url.encode(b"\xd9\x5d\x01" + b"\x81" * 5000 + b"\x00"),
        "u" + base64url.encode(b"\xd9\x5d\x01\xd8\x23\x61\x28"),
        "u" + base64url.encode(b"\xd9\x5d\x01\x1b" + b"\xff" * 8),
        "u" + base64url.encode(b"\xd9\x5d\x01\x9b" + b"\xff" * 8),
    ],
)
def test_K61_value_that_is_no_proof_is_refused(value: str) -> None:
    for parse in (parse_base_proof, parse_derived_proof):
        with pytest.raises(MalformedError):
            parse(value)
    for on_receipt in (False, True):
        with pytest.raises(MalformedError):
            verify({**SHOWN, "proof": {**SHOWN["proof"][0], "proofValue": value}}, on_receipt=on_receipt)


@given(st.binary(max_size=80))
def test_K61_no_bytes_raise_anything_but_malformed(data: bytes) -> None:
    for header, parse in ((b"\xd9\x5d\x00", parse_base_proof), (b"\xd9\x5d\x01", parse_derived_proof)):
        with pytest.raises(MalformedError):
            parse("u" + base64url.encode(header + data))


def test_K61_parsed_proofs_are_written_as_they_were() -> None:
    for document, parse, encode in (
        (ISSUED, parse_base_proof, encode_base_proof),
        (SHOWN, parse_derived_proof, encode_derived_proof),
    ):
        value = document["proof"][0]["proofValue"]
        assert encode(parse(value)) == value  # type: ignore[operator]


def test_K02_only_keys_on_p256_fit() -> None:
    ed25519 = SoftwareSigner.generate("Ed25519")
    with pytest.raises(AlgorithmNotAllowedError):
        verify(SHOWN, find_key=lambda *_: ed25519.public_key)
    with pytest.raises(AlgorithmNotAllowedError):
        create_base_proof(BADGE, {}, signer=ed25519, mandatory_pointers=[])


def test_K61_there_must_be_one_proof_to_derive_from() -> None:
    plain = add_proof(
        BADGE,
        cryptosuite="ecdsa-rdfc-2019",
        signer=SIGNER,
        verification_method=f"{DID}#1",
        proof_purpose="assertionMethod",
        created_at=NOW,
    )
    with pytest.raises(MalformedError):
        derive_credential(plain, pointers=["/name"])


def test_K61_nothing_at_all_cannot_be_shown() -> None:
    options = ISSUED["proof"][0]
    value = create_base_proof(BADGE, without_proof(options), signer=SIGNER, mandatory_pointers=[])
    with pytest.raises(MalformedError):
        derive_proof(BADGE, parse_base_proof(value), pointers=[])


# Pointers and names


@pytest.mark.parametrize("pointer", ["name", "/a~", "/a~2", 1, None])
def test_K61_text_that_is_no_pointer_is_refused(pointer: Any) -> None:
    with pytest.raises(MalformedError):
        parse_pointer(pointer)


def test_K61_pointers_are_read_as_rfc_6901_says() -> None:
    assert parse_pointer("") == ()
    assert parse_pointer("/") == ("",)
    assert parse_pointer("/a~1b/c~0d/~01") == ("a/b", "c~d", "~1")


@pytest.mark.parametrize("pointer", ["/x", "/name/x", "/type/2", "/type/-", "/type/01", "/type/x"])
def test_K61_pointer_to_nothing_is_refused(pointer: str) -> None:
    with pytest.raises(MalformedError):
        select(BADGE, [pointer])


def test_K61_selection_keeps_what_names_things_and_closes_gaps() -> None:
    document = {"id": "_:b", "type": "A", "x": {"@context": "c", "id": "urn:x", "y": [1, 2, 3], "z": 4}}
    assert select(document, ["/x/y/2", "/x/y/0"]) == {
        "type": "A",
        "x": {"@context": "c", "id": "urn:x", "y": [1, 3]},
    }
    assert select(document, ["/x", "/x/z"]) == select(document, ["/x/z", "/x"]) == {"type": "A", "x": document["x"]}
    assert select(document, []) is None
    with pytest.raises(MalformedError):
        select(document, ["/x"] * (MAX_POINTERS + 1))


def test_K61_names_given_and_taken_leave_the_statements_as_they_were() -> None:
    for seed in range(10):
        badge = random_badge(Random(seed))
        skolemized, quads = skolemize(badge, pinned_contexts())
        assert sorted(quads) == sorted(to_rdf(skolemized))
        assert canonicalize(deskolemize(to_rdf(skolemized))).lines == canonicalize(to_rdf(badge)).lines


def test_K61_one_object_in_two_places_is_two_nodes() -> None:
    alignment = {"type": "Alignment", "targetName": "x", "targetUrl": "y"}
    achievement = {"type": "Achievement", "alignment": [alignment, alignment]}
    document = {**BADGE, "credentialSubject": {"type": "AchievementSubject", "achievement": achievement}}
    assert len(canonicalize(deskolemize(skolemize(document, pinned_contexts())[1])).labels) == 5


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": {"id": "_:x", "type": "Profile"}}, Reason.REGROUPED),
        ({"issuer": {"id": "urn:bnid:0", "type": "Profile"}}, Reason.REGROUPED),
        ({"proof": {"type": "DataIntegrityProof", "created": "2026-05-28T12:00:00Z"}}, Reason.UNSUPPORTED),
    ],
)
def test_K61_documents_that_cannot_be_cut_are_refused(changes: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(JsonLdError) as refusal:
        skolemize({**BADGE, **changes}, pinned_contexts())
    assert refusal.value.reason is reason


def test_K61_part_that_says_something_else_than_the_whole_is_refused() -> None:
    grouped = group_document(BADGE, bytes(32), None)
    with pytest.raises(MalformedError):
        grouped.indexes(["/@context/0"])


def test_K23_keys_of_vectors_resolve_without_network() -> None:
    def find_key(verification_method: str, relation: Relation) -> PublicKey:
        document = resolve_static_did(verification_method.partition("#")[0])
        return document.find_key(verification_method, relation=relation)

    did = did_key(SIGNER.public_key.jwk)
    method = f"{did}#{did.removeprefix('did:key:')}"
    issued = add_base_proof(
        {**BADGE, "issuer": did}, signer=SIGNER, verification_method=method, created_at=NOW, mandatory_pointers=[]
    )
    assert verify(derive_credential(issued, pointers=["/name"]), find_key=find_key).issuer == did
