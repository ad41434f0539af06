"""Requests of a verifier as tests of the kernel need them: good ones, of which one thing is then broken."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid4vp import AuthorizationRequest, create_client_metadata, verify_request_object
from kernel.x5c import x509_hash
from tests.support.certificates import create_authority, create_leaf

NOW = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
VERIFIER = SoftwareSigner.generate()
OTHER = SoftwareSigner.generate()
DID = "did:web:verifier.skills.example:werkgever"
KID = f"{DID}#key-1"
CLIENT_ID = f"decentralized_identifier:{DID}"
ORIGIN = "https://verifier.skills.example"
RESPONSE_URI = f"{ORIGIN}/werkgever/responses/mpel7V1-3FtIklF5"
ENCRYPTION = SoftwareSigner.generate()
ENCRYPTION_JWK = {**ENCRYPTION.public_key.jwk, "kid": "e-1"}
PRIVATE_JWK = {**ENCRYPTION.private_jwk(), "kid": "e-1", "alg": "ECDH-ES"}
AUTHORITY = create_authority(NOW)
ANCHORS = [AUTHORITY.certificate]
LEAF = create_leaf(AUTHORITY, NOW, dns_names=["verifier.skills.example"])
X509_HASH = f"x509_hash:{x509_hash(LEAF.certificate)}"
QUERY = {
    "credentials": [
        {"id": "badge", "format": "dc+sd-jwt", "meta": {}, "claims": [{"path": ["achievement"]}]},
        {"id": "w3", "format": "vc+sd-jwt", "meta": {}},
        {"id": "whole", "format": "ldp_vc", "meta": {}},
    ]
}


def parameters(**changes: Any) -> dict[str, Any]:
    """The payload of a request object; `...` takes a member out."""
    members = {
        "client_id": CLIENT_ID,
        "aud": "https://self-issued.me/v2",
        "response_type": "vp_token",
        "response_mode": "direct_post.jwt",
        "response_uri": RESPONSE_URI,
        "nonce": "05qs59_3aPcGLRPgSOPWaQ",
        "state": "zmgZNeOC1kYzqZ4tnu4LRg",
        "iat": AT,
        "exp": AT + 300,
        "dcql_query": QUERY,
        "client_metadata": create_client_metadata(encryption_key=ENCRYPTION_JWK, client_name="Werkgever"),
        **changes,
    }
    return {name: value for name, value in members.items() if value is not ...}


def signed(
    *,
    typ: str = "oauth-authz-req+jwt",
    signer: SoftwareSigner = VERIFIER,
    header: Mapping[str, Any] | None = None,
    **changes: Any,
) -> str:
    return sign_jwt(parameters(**changes), signer=signer, typ=typ, header={"kid": KID} if header is None else header)


def verify(raw: str, **changes: Any) -> AuthorizationRequest:
    expected = {"client_id": CLIENT_ID, "key": VERIFIER.public_key, "now": NOW, "wallet_nonce": None}
    return verify_request_object(raw, **{**expected, **changes})
