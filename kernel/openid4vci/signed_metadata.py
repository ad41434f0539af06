"""Credential Issuer Metadata as a signed JWT. OpenID4VCI 1.0 §12.2.3; PROFILE.md I-18, W-04."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from kernel.errors import UntrustedIssuerError
from kernel.jwt import UnverifiedJwt, get_numeric_date, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer
from kernel.members import get_text

TYP: Final = "openidvci-issuer-metadata+jwt"
_CLAIMS: Final = frozenset({"iss", "sub", "iat", "exp", "nbf"})


def create_signed_metadata(
    metadata: Mapping[str, Any],
    *,
    signer: Signer,
    header: Mapping[str, Any],
    issued_at: datetime,
    expires_at: datetime,
    attester: str | None = None,
) -> str:
    """Sign an issuer's metadata, every parameter as a claim of its own; `header` has `kid` or `x5c`. §12.2.3."""
    claims: dict[str, Any] = {} if attester is None else {"iss": attester}
    claims |= {"sub": metadata["credential_issuer"], "iat": int(issued_at.timestamp())}
    claims |= {"exp": int(expires_at.timestamp())}
    return sign_jwt({**metadata, **claims}, signer=signer, typ=TYP, header=header)


def verify_signed_metadata(
    token: UnverifiedJwt, *, key: PublicKey, algorithms: frozenset[str], credential_issuer: str, now: datetime
) -> Mapping[str, Any]:
    """Check signed metadata and return the metadata in it, for `parse_issuer_metadata`. §12.2.3.

    `key` is that of a signer whom the caller trusts to speak for this issuer.
    """
    payload = verify_jwt(token, key=key, typ=TYP, algorithms=algorithms).payload
    if get_text(payload, "sub") != credential_issuer:
        raise UntrustedIssuerError("the signed metadata is about another issuer")
    get_numeric_date(payload, "iat")
    verify_times(payload, now=now)
    return {name: value for name, value in payload.items() if name not in _CLAIMS}
