"""The published vectors of the EdDSA and ECDSA cryptosuites, with every intermediate value, and our worked examples."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from kernel.data_integrity import (
    SIGNING_CRYPTOSUITES,
    parse_proofs,
    verify_credential,
    verify_presentation,
    verify_proofs,
    without_proof,
)
from kernel.data_integrity.cryptosuite import JcsCryptosuite, RdfcCryptosuite, Transformed, hash_data
from kernel.did import Relation, resolve_static_did
from kernel.errors import InvalidSignatureError, MalformedError
from kernel.json_ld import ContextStore, JsonLdError, Reason, pinned_contexts
from kernel.keys import PublicKey, public_key_from
from kernel.multikey import decode_base58btc, decode_multikey
from tests.support.vector_contexts import vector_contexts

SHARED = Path(__file__).parents[3] / "shared" / "vectors"
EDDSA = SHARED / "vc-di-eddsa" / "TestVectors"
ECDSA = SHARED / "vc-di-ecdsa" / "TestVectors"
NOW = datetime(2027, 1, 1, tzinfo=UTC)
CONTEXTS = vector_contexts()

pytestmark = pytest.mark.skipif(not (EDDSA.exists() and ECDSA.exists()), reason="../shared/vectors is not there")


class VectorSigner:
    """Signs as the vectors were made: deterministic ECDSA (RFC 6979), on P-384 too."""

    def __init__(self, secret: str) -> None:
        codec, data = decode_multikey(secret)
        self._key: Any
        if codec == 0x1300:
            self._key = ed25519.Ed25519PrivateKey.from_private_bytes(data)
            self.algorithm = "Ed25519"
        else:
            curve = ec.SECP256R1() if codec == 0x1306 else ec.SECP384R1()
            self._key = ec.derive_private_key(int.from_bytes(data), curve)
            self.algorithm = "ES256" if codec == 0x1306 else "ES384"
        self.public_key: PublicKey = public_key_from(self._key.public_key())

    def sign(self, data: bytes) -> bytes:
        if self.algorithm == "Ed25519":
            return bytes(self._key.sign(data))
        hash_, size = (SHA256(), 32) if self.algorithm == "ES256" else (SHA384(), 48)
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(hash_, deterministic_signing=True)))
        return r.to_bytes(size) + s.to_bytes(size)


@dataclass(frozen=True)
class Vector:
    """One folder of vectors; its files end alike."""

    suite: str
    algorithm: str
    folder: Path
    ending: str
    keys: Path

    def text(self, name: str) -> str:
        return (self.folder / f"{name}{self.ending}.txt").read_text()

    def value(self, name: str) -> Any:
        return json.loads((self.folder / f"{name}{self.ending}.json").read_bytes())

    def signer(self) -> VectorSigner:
        keys = json.loads(self.keys.read_bytes())
        return VectorSigner(keys.get("privateKeyMultibase") or keys["secretKeyMultibase"])


def vectors() -> list[Any]:
    found = [
        Vector("eddsa-rdfc-2022", "Ed25519", EDDSA / "eddsa-rdfc-2022", "DataInt", EDDSA / "keyPair.json"),
        Vector("eddsa-rdfc-2022", "Ed25519", EDDSA / "eddsa-rdfc-2022/employ", "DataInt", EDDSA / "keyPair.json"),
        Vector("eddsa-jcs-2022", "Ed25519", EDDSA / "eddsa-jcs-2022", "JCS", EDDSA / "keyPair.json"),
    ]
    for curve, algorithm in (("256", "ES256"), ("384", "ES384")):
        keys, rdfc = ECDSA / f"p{curve}KeyPair.json", ECDSA / f"ecdsa-rdfc-2019-p{curve}"
        found += [
            Vector("ecdsa-rdfc-2019", algorithm, rdfc, f"ECDSAP{curve}", keys),
            Vector("ecdsa-rdfc-2019", algorithm, rdfc / "employ", f"ECDSAP{curve}", keys),
            Vector("ecdsa-jcs-2019", algorithm, ECDSA / f"ecdsa-jcs-2019-p{curve}", f"JCSECDSAP{curve}", keys),
        ]
    return [pytest.param(vector, id=f"{vector.folder.parent.name}-{vector.folder.name}") for vector in found]


def find_key(verification_method: str, relation: Relation) -> PublicKey:
    document = resolve_static_did(verification_method.partition("#")[0])
    return document.find_key(verification_method, relation=relation)


def transform(vector: Vector) -> Transformed:
    suite, options, document = (
        SIGNING_CRYPTOSUITES[vector.suite],
        vector.value("proofConfig"),
        without_proof(vector.value("signed")),
    )
    if isinstance(suite, JcsCryptosuite):
        return suite.transform(document, options)
    assert isinstance(suite, RdfcCryptosuite)
    return suite.transform(document, options, algorithm=vector.algorithm, contexts=CONTEXTS)


@pytest.mark.parametrize("vector", vectors())
def test_K60_K61_every_intermediate_value_is_the_published_one(vector: Vector) -> None:
    transformed = transform(vector)
    assert transformed.document.decode() == vector.text("canonDoc")
    assert transformed.options.decode() == vector.text("proofCanon")
    hash_name = "sha384" if vector.algorithm == "ES384" else "sha256"
    assert hashlib.new(hash_name, transformed.document).hexdigest() == vector.text("docHash").strip()
    assert hashlib.new(hash_name, transformed.options).hexdigest() == vector.text("proofHash").strip()
    assert hash_data(transformed, vector.algorithm).hex() == vector.text("combinedHash").strip()


@pytest.mark.parametrize("vector", vectors())
def test_K60_K61_signature_is_the_published_one(vector: Vector) -> None:
    signed = vector.value("signed")
    [proof] = parse_proofs(signed)
    value = SIGNING_CRYPTOSUITES[vector.suite].sign(
        without_proof(signed), proof.options, signer=vector.signer(), contexts=CONTEXTS
    )
    assert value == proof.value == vector.text("sigBTC58").strip()
    assert decode_base58btc(value[1:]).hex() == vector.text("sigHex").strip()


@pytest.mark.parametrize("vector", vectors())
def test_K60_K61_published_document_verifies_and_no_changed_one_does(vector: Vector) -> None:
    signed = vector.value("signed")

    def verify(document: dict[str, Any]) -> None:
        [proof] = parse_proofs(document)
        verify_proofs(
            document,
            controller=proof.controller,
            find_key=find_key,
            cryptosuites=frozenset({vector.suite}),
            proof_purpose="assertionMethod",
            now=NOW,
            contexts=CONTEXTS,
        )

    verify(signed)
    for name, value in (("description", "changed"), ("validFrom", "2023-01-01T00:00:01Z"), ("name", [])):
        with pytest.raises(InvalidSignatureError):
            verify({**signed, name: value})
    with pytest.raises(InvalidSignatureError):
        verify({**signed, "proof": {**signed["proof"], "created": "2023-02-24T23:36:39Z"}})


PROOF_SETS = EDDSA / "proof-set-chain"


def verify_set(document: dict[str, Any], controller: str) -> int:
    return len(
        verify_proofs(
            document,
            controller=controller,
            find_key=find_key,
            cryptosuites=frozenset({"eddsa-rdfc-2022"}),
            proof_purpose="assertionMethod",
            now=NOW,
            contexts=CONTEXTS,
        )
    )


@pytest.mark.parametrize(("name", "count"), [("Set1", 1), ("Set2", 2), ("Chain1", 3), ("Chain2", 4)])
def test_K62_published_proof_sets_and_chains_verify(name: str, count: int) -> None:
    document = json.loads((PROOF_SETS / f"signedProof{name}.json").read_bytes())
    for proof in parse_proofs(document):
        assert verify_set(document, proof.controller) == count


@pytest.mark.parametrize("name", ["Chain1", "Chain2"])
def test_K62_A19_proof_taken_out_of_a_published_chain_is_missed(name: str) -> None:
    document = json.loads((PROOF_SETS / f"signedProof{name}.json").read_bytes())
    proofs = document["proof"]
    last = parse_proofs(document)[-1].controller
    for position in range(len(proofs) - 1):
        shorter = {**document, "proof": proofs[:position] + proofs[position + 1 :]}
        with pytest.raises(InvalidSignatureError):
            verify_set(shorter, last)


# The worked examples of the engineering profile


def profile_contexts() -> ContextStore:
    """The worked example was signed by an implementation that resolved the one type it had no term for.

    Under the base IRI that this implementation has by default, the type became `http://example.org/base/…`.
    """
    url = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
    name = "1EdTechJsonSchemaValidator2019"
    terms = {**pinned_contexts().contexts[url]["@context"], name: f"http://example.org/base/{name}"}
    return ContextStore({**pinned_contexts().contexts, url: {"@context": terms}})


def ed25519_key(multibase: str) -> PublicKey:
    return resolve_static_did(f"did:key:{multibase}").find_key(
        f"did:key:{multibase}#{multibase}", relation="authentication"
    )


def test_K60_worked_badge_has_the_canonical_form_hashes_and_signature_of_the_profile(
    profile_vectors: dict[str, Any],
) -> None:
    vector = profile_vectors["ob3_ldp"]
    [proof] = parse_proofs(vector["signed"])
    suite = SIGNING_CRYPTOSUITES["eddsa-rdfc-2022"]
    assert isinstance(suite, RdfcCryptosuite)
    transformed = suite.transform(
        without_proof(vector["signed"]), proof.options, algorithm="Ed25519", contexts=profile_contexts()
    )
    assert transformed.document.decode() == vector["canonicalDocument"]
    assert transformed.options.decode() == vector["canonicalProofConfig"]
    hashes = hash_data(transformed, "Ed25519")
    assert hashes.hex() == vector["proofConfigHash"] + vector["documentHash"]
    ed25519_key(vector["issuer_ed25519_multibase"]).verify("Ed25519", hashes, decode_base58btc(proof.value[1:]))


def test_K64_worked_badge_names_a_type_that_none_of_its_contexts_defines(profile_vectors: dict[str, Any]) -> None:
    with pytest.raises(JsonLdError) as refusal:
        verify_credential(
            profile_vectors["ob3_ldp"]["signed"],
            find_key=lambda *_: ed25519_key(profile_vectors["ob3_ldp"]["issuer_ed25519_multibase"]),
            cryptosuites=frozenset({"eddsa-rdfc-2022"}),
            now=NOW,
        )
    assert refusal.value.reason is Reason.UNDEFINED_TERM


def test_K57_worked_presentation_verifies_for_its_request(profile_vectors: dict[str, Any]) -> None:
    [[presentation]] = profile_vectors["ldp_vp"]["vp_token"].values()
    [proof] = parse_proofs(presentation)
    held = verify_presentation(
        presentation,
        find_key=lambda *_: ed25519_key(profile_vectors["ldp_vp"]["holder_ed25519_multibase"]),
        cryptosuites=frozenset({"eddsa-rdfc-2022"}),
        challenge=str(proof.challenge),
        domain=proof.domains[0],
        now=NOW,
        contexts=profile_contexts(),
    )
    assert held.holder == presentation["holder"]
    [credential] = held.unverified_credentials
    assert credential["credentialSubject"]["id"] == held.holder


def test_K62_worked_status_list_verifies(profile_vectors: dict[str, Any]) -> None:
    signed = profile_vectors["bsl"]["signed"]
    key = ed25519_key(profile_vectors["ob3_ldp"]["issuer_ed25519_multibase"])
    suites = frozenset({"eddsa-rdfc-2022"})
    secured = verify_credential(signed, find_key=lambda *_: key, cryptosuites=suites, now=NOW)
    assert secured.issuer == signed["issuer"]
    with pytest.raises((InvalidSignatureError, MalformedError)):
        verify_credential({**signed, "id": "urn:other"}, find_key=lambda *_: key, cryptosuites=suites, now=NOW)
