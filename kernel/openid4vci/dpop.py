"""Proofs that whoever uses an access token holds the key it was given to. RFC 9449; PROFILE.md I-30, W-08, A-31.

Whether a `jti` was seen before, and whether a `nonce` was handed out, only the server's store knows: both are
returned and not judged.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from kernel import base64url
from kernel.errors import CredentialError, ExpiredError, MalformedError, RejectedError
from kernel.jwt import LEEWAY, get_numeric_date, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer, parse_public_jwk
from kernel.members import find_text, get_text, is_same_text
from kernel.web_urls import normalise_web_url

TYP: Final = "dpop+jwt"
# A proof is made for one request; replays are known for as long as one could be accepted at all (§11.1).
MAX_AGE: Final = timedelta(minutes=5)
REMEMBERED: Final = MAX_AGE + 2 * LEEWAY

_MAX_BYTES: Final = 16 * 1024
_MAX_JTI: Final = 1024


class DpopProofError(RejectedError):
    """A DPoP proof is missing, broken, or made for another request, token, key or moment."""

    code = "dpop_proof"
    sentence = "The DPoP proof is missing or not valid for this request."


@dataclass(frozen=True, slots=True)
class DpopProof:
    """Which key was proven to be held, for one request. `thumbprint` is what a token is bound to (`jkt`, §6.1)."""

    thumbprint: str
    jti: str
    nonce: str | None
    issued_at: datetime
    key: PublicKey


def create_dpop_proof(
    *,
    signer: Signer,
    method: str,
    url: str,
    now: datetime,
    access_token: str | None = None,
    nonce: str | None = None,
) -> str:
    """Create a proof for one request; with the access token when there is one, and the server's nonce. §4.2."""
    payload: dict[str, Any] = {
        "jti": base64url.encode(secrets.token_bytes(16)),
        "htm": method,
        "htu": normalise_web_url(url),
        "iat": int(now.timestamp()),
    }
    if access_token is not None:
        payload["ath"] = _access_token_hash(access_token)
    if nonce is not None:
        payload["nonce"] = nonce
    return sign_jwt(payload, signer=signer, typ=TYP, header={"jwk": signer.public_key.jwk})


def verify_dpop_proof(
    proof: str, *, method: str, url: str, now: datetime, access_token: str | None, algorithms: frozenset[str]
) -> DpopProof:
    """Check a proof against the request that it came with, or raise DpopProofError. §4.3, §7.

    `url` is how this endpoint is reached from outside, and `access_token` the token of the request, None at endpoints
    that take none. That there was exactly one `DPoP` header is the caller's to see to.
    """
    try:
        return _verify(proof, method, url, now, access_token, algorithms)
    except CredentialError as exc:
        raise DpopProofError(f"{exc.code}: {exc.detail}") from exc


def _verify(
    proof: str, method: str, url: str, now: datetime, access_token: str | None, algorithms: frozenset[str]
) -> DpopProof:
    # (2), (5) to (7) One well-formed JWT, asymmetric, signed by the public key in it.
    token = parse_jwt(proof, max_bytes=_MAX_BYTES)
    key = parse_public_jwk(token.header.get("jwk"))
    # (4) Of the type that only this is.
    payload = verify_jwt(token, key=key, typ=TYP, algorithms=algorithms).payload
    # (3), (8), (9) Made for this method and this address, however the latter is spelled.
    jti = get_text(payload, "jti")
    if len(jti) > _MAX_JTI:
        raise MalformedError("'jti' is longer than any identifier")
    if get_text(payload, "htm") != method:
        raise RejectedError("made for another method")
    if normalise_web_url(get_text(payload, "htu")) != normalise_web_url(url):
        raise RejectedError("made for another address")
    # (11) Made just now.
    issued_at = get_numeric_date(payload, "iat")
    if now - issued_at > MAX_AGE + LEEWAY:
        raise ExpiredError("made too long ago")
    verify_times(payload, now=now)
    # (12) Made for this access token.
    if access_token is not None and not is_same_text(payload.get("ath"), _access_token_hash(access_token)):
        raise RejectedError("made for another access token")
    return DpopProof(key.thumbprint, jti, find_text(payload, "nonce"), issued_at, key)


def _access_token_hash(access_token: str) -> str:
    """Return `ath`: of a token with other characters than ASCII too, which nobody gave out. §4.2."""
    return base64url.encode(hashlib.sha256(access_token.encode("utf-8")).digest())
