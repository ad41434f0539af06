"""`openvc-core` as the other party for embedded proofs, in both directions and for each cryptosuite.

It canonicalizes by PyLD, whose N-Quads do not escape control characters as RDFC-1.0 demands (PERFORMANCE.md 9): the
badges here have none. Its opinion counts where it accepts.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.proof.di_ecdsa_rdfc import EcdsaRdfcProofSuite
from openvc.proof.di_jcs import EcdsaJcsProofSuite, EddsaJcsProofSuite
from openvc.proof.ecdsa_sd import EcdsaSdProofSuite

from kernel.data_integrity import (
    add_base_proof,
    add_proof,
    derive_credential,
    verify_credential,
    verify_presentation,
)
from kernel.did import Relation, did_key, resolve_static_did
from kernel.errors import CredentialError
from kernel.json_ld import pinned_contexts
from kernel.keys import PublicKey, SoftwareSigner
from tests.support.clock import NOW
from tests.support.random_badges import CONTEXT

ED25519, ES256 = SoftwareSigner.generate("EdDSA"), SoftwareSigner.generate("ES256")
PEERS: dict[str, tuple[Any, SoftwareSigner]] = {
    "eddsa-rdfc-2022": (DataIntegrityProofSuite(), ED25519),
    "eddsa-jcs-2022": (EddsaJcsProofSuite(), ED25519),
    "ecdsa-rdfc-2019": (EcdsaRdfcProofSuite(), ES256),
    "ecdsa-jcs-2019": (EcdsaJcsProofSuite(), ES256),
}
SUITES = frozenset(PEERS) | {"ecdsa-sd-2023"}
BADGE: dict[str, Any] = {
    "@context": list(CONTEXT),
    "id": "urn:uuid:7f0c2a1e-6d0b-4c1f-9a53-2f6f2d1b8e10",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "name": "Problemen oplossen",
    "validFrom": "2026-05-28T12:00:00Z",
    "validUntil": "2031-05-28T12:00:00Z",
    "credentialSubject": {
        "type": ["AchievementSubject"],
        "achievement": {
            "id": "https://issuer.example/a",
            "type": ["Achievement"],
            "name": "Problemen oplossen",
            "criteria": {"narrative": "Een gesprek, beoordeeld door twee mensen."},
            "creditsAvailable": 2.5,
            "alignment": [
                {"type": ["Alignment"], "targetName": name, "targetUrl": f"https://skills.example/{name}"}
                for name in ("een", "twee", "drie")
            ],
        },
    },
}


class PeerKey:
    """One of our keys, in the shape in which the peer signs with it."""

    kid = "key"

    def __init__(self, signer: SoftwareSigner) -> None:
        self._signer = signer
        self.alg = signer.algorithm

    def sign(self, data: bytes) -> bytes:
        return self._signer.sign(data)


def contexts() -> dict[str, Any]:
    """The pinned contexts that the peer does not carry itself."""
    return {url: dict(document) for url, document in pinned_contexts().contexts.items() if url != CONTEXT[0]}


def method(signer: SoftwareSigner) -> str:
    did = did_key(signer.public_key.jwk)
    return f"{did}#{did.removeprefix('did:key:')}"


def badge(signer: SoftwareSigner) -> dict[str, Any]:
    issuer = {"id": did_key(signer.public_key.jwk), "type": ["Profile"], "name": "Hogeschool Voorbeeld"}
    return {**BADGE, "issuer": issuer}


def find_key(verification_method: str, relation: Relation) -> PublicKey:
    document = resolve_static_did(verification_method.partition("#")[0])
    return document.find_key(verification_method, relation=relation)


def verify_ours(document: Mapping[str, Any]) -> Any:
    return verify_credential(document, find_key=find_key, cryptosuites=SUITES, now=NOW)


def peer_options(suite: str) -> dict[str, Any]:
    return {} if "jcs" in suite else {"extra_contexts": contexts()}


def for_peer(signed: dict[str, Any]) -> dict[str, Any]:
    """The peer reads a single proof only, not an array of one."""
    [proof] = signed["proof"]
    return {**signed, "proof": proof}


@pytest.mark.parametrize("suite", sorted(PEERS))
def test_K60_K61_what_we_sign_the_peer_verifies(suite: str) -> None:
    peer, signer = PEERS[suite]
    signed = add_proof(
        badge(signer),
        cryptosuite=suite,
        signer=signer,
        verification_method=method(signer),
        proof_purpose="assertionMethod",
        created_at=NOW,
    )
    verified = peer.verify(for_peer(signed), now=NOW, **peer_options(suite))
    assert verified.issuer == did_key(signer.public_key.jwk)


@pytest.mark.parametrize("suite", sorted(PEERS))
def test_K60_K61_what_the_peer_signs_we_verify_and_nothing_else(suite: str) -> None:
    peer, signer = PEERS[suite]
    signed = peer.add_proof(
        badge(signer),
        signing_key=PeerKey(signer),
        verification_method=method(signer),
        created=NOW,
        **peer_options(suite),
    )
    if "jcs" in suite:
        # The peer signs the contexts with the options and leaves them out of the proof; EDDSA §3.3.1 puts them in.
        with pytest.raises(CredentialError):
            verify_ours(signed)
        signed = {**signed, "proof": {**signed["proof"], "@context": signed["@context"]}}
    assert verify_ours(signed).issuer == did_key(signer.public_key.jwk)
    for changed in (
        {**signed, "name": "x"},
        {**signed, "validUntil": "2032-05-28T12:00:00Z"},
        {**signed, "proof": {**signed["proof"], "created": "2026-05-28T12:00:01Z"}},
        {**signed, "proof": {**signed["proof"], "proofValue": signed["proof"]["proofValue"][:-1]}},
    ):
        with pytest.raises(CredentialError):
            verify_ours(changed)


def test_K57_presentations_of_either_side_verify_at_the_other() -> None:
    peer, signer = PEERS["eddsa-rdfc-2022"]
    holder = did_key(signer.public_key.jwk)
    presentation = {"@context": CONTEXT[:1], "type": ["VerifiablePresentation"], "holder": holder}
    bound = {"challenge": "abc", "domain": "verifier.example"}
    ours = add_proof(
        presentation,
        cryptosuite="eddsa-rdfc-2022",
        signer=signer,
        verification_method=method(signer),
        proof_purpose="authentication",
        created_at=NOW,
        **bound,
    )
    expected = {f"expected_{name}": value for name, value in bound.items()}
    peer.verify(for_peer(ours), expected_proof_purpose="authentication", now=NOW, **expected)
    theirs = peer.add_proof(
        presentation,
        signing_key=PeerKey(signer),
        verification_method=method(signer),
        proof_purpose="authentication",
        created=NOW,
        **bound,
    )
    held = verify_presentation(
        theirs, find_key=find_key, cryptosuites=SUITES, now=NOW, challenge="abc", domain="verifier.example"
    )
    assert held.holder == holder


POINTERS = ["/name", "/credentialSubject/achievement/alignment/1"]
# The peer cannot point into arrays, and as a holder mixes up nodes without identifier; what it can derive is little.
PEER_POINTERS = ["/name"]


def issued_by_us() -> dict[str, Any]:
    return add_base_proof(
        badge(ES256), signer=ES256, verification_method=method(ES256), created_at=NOW, mandatory_pointers=[]
    )


def issued_by_peer() -> dict[str, Any]:
    signed: dict[str, Any] = EcdsaSdProofSuite().add_base_proof(
        badge(ES256),
        signing_key=PeerKey(ES256),
        verification_method=method(ES256),
        mandatory_pointers=["/issuer", "/validFrom", "/validUntil", "/type"],
        created=NOW,
        extra_contexts=contexts(),
    )
    return {**signed, "proof": [signed["proof"]]}


def derived_by_peer(document: dict[str, Any]) -> dict[str, Any]:
    derived: dict[str, Any] = EcdsaSdProofSuite().derive_proof(
        for_peer(document), selective_pointers=PEER_POINTERS, extra_contexts=contexts()
    )
    return {**derived, "proof": [derived["proof"]]}


@pytest.mark.parametrize("issue", [issued_by_us, issued_by_peer])
@pytest.mark.parametrize("derive", [lambda document: derive_credential(document, pointers=POINTERS), derived_by_peer])
def test_K61_issuer_holder_and_verifier_may_each_be_the_peer(issue: Any, derive: Any) -> None:
    derived = derive(issue())
    assert "credentialSubject" not in derived or len(derived["credentialSubject"]["achievement"]["alignment"]) == 1
    assert verify_ours(derived).issuer == did_key(ES256.public_key.jwk)
    EcdsaSdProofSuite().verify(for_peer(derived), now=NOW, extra_contexts=contexts())
    with pytest.raises(CredentialError):
        verify_ours({**derived, "name": "x"})


def test_K38_base_proof_of_the_peer_is_checked_on_receipt() -> None:
    verify_credential(issued_by_peer(), find_key=find_key, cryptosuites=SUITES, now=NOW, on_receipt=True)
