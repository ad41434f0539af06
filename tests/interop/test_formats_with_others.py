"""`openvc-core` as issuer, wallet and verifier of the W3C formats, in both directions, through OpenID4VP.

It knows `ldp_vc` and `jwt_vc_json`; `vc+jwt` it does not. Its opinion counts where it accepts.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openvc.openid4vp import verify_vp_token
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.proof.di_ecdsa_rdfc import EcdsaRdfcProofSuite
from openvc.proof.vc_jwt import VcJwtProofSuite
from openvc.proof.vp_jwt import VpJwtProofSuite
from openvc.verify import default_resolver

from kernel.did import did_jwk, did_key
from kernel.errors import CredentialError
from kernel.formats import (
    ALGORITHMS,
    FORMATS,
    ISSUABLE,
    IssuerIdentity,
    VerifiedPresentation,
    from_wire,
    parse_credential,
    to_wire,
)
from kernel.json_ld import CREDENTIALS_V2, pinned_contexts
from kernel.keys import SoftwareSigner
from tests.support.badges import AUDIENCE, HOLDER_SIGNER, NONCE, NOW, VCT, create_test_dataset

HOLDER_DID = did_jwk(HOLDER_SIGNER.public_key.jwk)
ED25519, P256 = SoftwareSigner.generate("EdDSA"), SoftwareSigner.generate()
OPEN_BADGE = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential"
# The peer judges JWTs by the machine's clock.
TODAY = datetime.now(UTC)


class PeerKey:
    """One of our keys, in the shape in which the peer signs with it."""

    def __init__(self, signer: SoftwareSigner, kid: str) -> None:
        self._signer = signer
        self.alg, self.kid = signer.algorithm, kid

    def sign(self, data: bytes) -> bytes:
        return self._signer.sign(data)


HOLDER_KEY = PeerKey(HOLDER_SIGNER, f"{HOLDER_DID}#0")
FLAVOURS = {
    "eddsa-rdfc-2022": ("ldp_vc", ED25519),
    "ecdsa-rdfc-2019": ("ldp_vc", P256),
    "ecdsa-sd-2023": ("ldp_vc_sd", P256),
}


def identity(signer: SoftwareSigner) -> IssuerIdentity:
    did = did_key(signer.public_key.jwk)
    return IssuerIdentity(did, f"{did}#{did.removeprefix('did:key:')}")


def contexts() -> dict[str, Any]:
    """The pinned contexts that the peer does not carry itself."""
    return {url: dict(document) for url, document in pinned_contexts().contexts.items() if url != CREDENTIALS_V2}


def single_proof(document: Mapping[str, Any]) -> dict[str, Any]:
    """The peer reads a single proof only; an array of one states the same."""
    (proof,) = document["proof"]
    return {**document, "proof": proof}


def issue(suite: str) -> str:
    name, signer = FLAVOURS[suite]
    return ISSUABLE[name].issue(
        create_test_dataset(),
        issuer=identity(signer),
        signer=signer,
        holder_key=HOLDER_SIGNER.public_key,
        type_id=VCT,
        status=None,
        issued_at=NOW,
        valid_from=NOW,
        expires_at=NOW + timedelta(days=365),
    )


def ask_peer(format_id: str, presentation: Any, **changes: Any) -> Any:
    # It would expand the types of VCDM 1.1 by a context that it does not carry.
    meta = {"type_values": [[OPEN_BADGE]]} if format_id == "ldp_vc" else {}
    query = {"id": "badge", "format": format_id, "meta": meta}
    values = {"dcql_query": {"credentials": [query]}, "nonce": NONCE, "client_id": AUDIENCE, **changes}
    return verify_vp_token(
        {"badge": [presentation]}, require_holder_binding=True, resolver=default_resolver(), **values
    )


def verify_ours(raw: str, signer: SoftwareSigner, *, now: datetime = NOW, nonce: str = NONCE) -> VerifiedPresentation:
    presented = parse_credential(raw)
    return FORMATS[presented.format].verify_presentation(
        presented,
        key=signer.public_key,
        algorithms=ALGORITHMS[presented.format],
        audience=AUDIENCE,
        nonce=nonce,
        now=now,
    )


@pytest.mark.parametrize("suite", sorted(FLAVOURS))
def test_W50_what_we_issue_and_show_the_peer_believes(suite: str) -> None:
    raw = issue(suite)
    alignment = ("credentialSubject", "achievement", "alignment", 0)
    presented = FORMATS["ldp_vc"].present(
        raw, disclose=[alignment], holder_signer=HOLDER_SIGNER, audience=AUDIENCE, nonce=NONCE, now=NOW
    )
    wire: Any = to_wire(presented)
    wire["verifiableCredential"] = [single_proof(credential) for credential in wire["verifiableCredential"]]
    answer = ask_peer("ldp_vc", wire, now=NOW, extra_contexts=contexts())
    assert answer.presentations[0].holder == HOLDER_DID
    with pytest.raises(Exception, match=r"."):
        ask_peer("ldp_vc", wire, now=NOW, extra_contexts=contexts(), nonce="another")


@pytest.mark.parametrize("suite", ["ecdsa-rdfc-2019", "eddsa-rdfc-2022"])
def test_V27_what_the_peer_issues_and_shows_we_believe_and_nothing_else(suite: str) -> None:
    peer = {"ecdsa-rdfc-2019": EcdsaRdfcProofSuite(), "eddsa-rdfc-2022": DataIntegrityProofSuite()}[suite]
    _, signer = FLAVOURS[suite]
    badge = json.loads(issue(suite))
    badge.pop("proof")
    method = identity(signer).kid
    signed = peer.add_proof(
        badge,
        signing_key=PeerKey(signer, method),
        verification_method=method,
        created=NOW,
        extra_contexts=contexts(),
    )
    presentation = {
        "@context": [CREDENTIALS_V2],
        "type": ["VerifiablePresentation"],
        "holder": HOLDER_DID,
        "verifiableCredential": [signed],
    }
    shown = EcdsaRdfcProofSuite().add_proof(
        presentation,
        signing_key=HOLDER_KEY,
        verification_method=HOLDER_KEY.kid,
        proof_purpose="authentication",
        created=NOW,
        challenge=NONCE,
        domain=AUDIENCE,
        extra_contexts=contexts(),
    )
    assert verify_ours(from_wire(shown), signer).credential.issuer == identity(signer).id
    with pytest.raises(CredentialError):
        verify_ours(from_wire(shown), signer, nonce="another")
    shown["verifiableCredential"][0]["name"] = "x"
    with pytest.raises(CredentialError):
        verify_ours(from_wire(shown), signer)


def older_badge() -> dict[str, Any]:
    return {
        "@context": ["https://www.w3.org/2018/credentials/v1"],
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential"],
        "issuer": identity(P256).id,
        "issuanceDate": TODAY.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "credentialSubject": {"id": HOLDER_DID, "name": "Sanne"},
    }


def issued_by_peer() -> str:
    token: str = VcJwtProofSuite().sign(older_badge(), signing_key=PeerKey(P256, identity(P256).kid))
    return token


def test_K69_a_jwt_vc_json_of_the_peer_is_read_and_shown_by_us_and_believed_by_the_peer() -> None:
    raw = issued_by_peer()
    form = FORMATS["jwt_vc_json"]
    verified = form.verify(
        parse_credential(raw), key=P256.public_key, algorithms=ALGORITHMS["jwt_vc_json"], now=datetime.now(UTC)
    )
    assert verified.holder_key == HOLDER_SIGNER.public_key
    shown = form.present(
        raw, disclose=(), holder_signer=HOLDER_SIGNER, audience=AUDIENCE, nonce=NONCE, now=datetime.now(UTC)
    )
    assert ask_peer("jwt_vc_json", shown).presentations[0].holder == HOLDER_DID
    assert verify_ours(shown, P256, now=datetime.now(UTC)).credential.claims == verified.claims


def test_W50_a_jwt_presentation_of_the_peer_is_believed_by_us_and_no_other() -> None:
    shown = VpJwtProofSuite().sign(
        [issued_by_peer()], holder_key=HOLDER_KEY, audience=AUDIENCE, nonce=NONCE, expires_in_s=60
    )
    now = datetime.now(UTC)
    assert verify_ours(shown, P256, now=now).holder_key == HOLDER_SIGNER.public_key
    with pytest.raises(CredentialError):
        verify_ours(shown, P256, now=now, nonce="another")
    with pytest.raises(CredentialError):
        verify_ours(shown, P256, now=now + timedelta(hours=1))
