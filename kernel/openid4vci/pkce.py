"""Proof Key for Code Exchange with S256: only whoever asked for a code can redeem it. RFC 7636; I-22, A-28."""

import hashlib
import hmac
import re
import secrets
from typing import Final

from kernel import base64url
from kernel.errors import MalformedError, RejectedError

S256: Final = "S256"

_CODE_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_DIGEST_BYTES: Final = 32


def create_code_verifier() -> str:
    """Make a fresh verifier of 256 random bits. §4.1, §7.1."""
    return base64url.encode(secrets.token_bytes(_DIGEST_BYTES))


def code_challenge(code_verifier: str) -> str:
    """Return the S256 challenge of a verifier. §4.2."""
    return base64url.encode(hashlib.sha256(code_verifier.encode("ascii")).digest())


def parse_code_challenge(value: str) -> str:
    """Return a challenge that a verifier could have been hashed to, or raise MalformedError. §4.2."""
    if len(base64url.decode(value)) != _DIGEST_BYTES:
        raise MalformedError("'code_challenge' is no SHA-256 digest")
    return value


def verify_code_verifier(code_verifier: str, *, code_challenge: str) -> None:
    """Check that a verifier has the shape of one and hashes to the challenge, or raise. §4.1, §4.6."""
    if not _CODE_VERIFIER.fullmatch(code_verifier):
        raise MalformedError("'code_verifier' is not 43 to 128 unreserved characters")
    expected = base64url.decode(code_challenge)
    if not hmac.compare_digest(hashlib.sha256(code_verifier.encode("ascii")).digest(), expected):
        raise RejectedError("'code_verifier' does not belong to the challenge")
