"""What is handed out for others to prove freshness with: `c_nonce`s, and challenges. OpenID4VCI 1.0 §7; I-46, I-55.

A `c_nonce` is a sealed value: expiry, 128 random bits and a MAC over both and the organisation. Handing one
out costs no row, so strangers cannot fill the database; using one up is a row that only one caller can add.
"""

import hmac
import secrets
import struct
from datetime import UTC, datetime
from uuid import UUID

from issuer import store
from issuer.settings import IssuerSettings
from kernel import base64url
from kernel.errors import MalformedError, NonceError
from runtime.database import BlockingConnection
from runtime.tokens import hash_token

_LAYOUT = struct.Struct(">Q16s16s")


def create_nonce(settings: IssuerSettings, organisation_id: UUID, *, now: datetime) -> str:
    """A fresh `c_nonce` for wallets of this organisation. I-55, I-56."""
    return _create(settings.nonce_key, organisation_id, now + settings.nonce_lifetime)


def create_challenge(settings: IssuerSettings, organisation_id: UUID, *, now: datetime) -> str:
    """A fresh value for DPoP proofs and proofs of possession. RFC 9449 §8; Attestation-Based Client Authentication §6.

    One kind for both, since one DPoP proof may be both. Unlike a `c_nonce` it is good for several proofs, each of which
    counts once by its `jti`.
    """
    return _create(settings.challenge_key, organisation_id, now + settings.nonce_lifetime)


def spend_nonce(connection: BlockingConnection, nonce: str, expires_at: datetime) -> None:
    """Use up a `c_nonce` that `verify_nonce` let pass, or raise NonceError; one caller wins. I-56, A-22.

    `expires_at` is what `verify_nonce` returned. OpenID4VCI 1.0 §7, §13.8.
    """
    if not store.spend_nonce(connection, hash_token(nonce), expires_at):
        raise NonceError("spent before")


def verify_nonce(settings: IssuerSettings, organisation_id: UUID, nonce: str, *, now: datetime) -> datetime:
    """Check that this organisation handed the nonce out and that it has not expired; return its expiry."""
    return _verify(settings.nonce_key, organisation_id, nonce, now)


def verify_challenge(settings: IssuerSettings, organisation_id: UUID, challenge: str | None, *, now: datetime) -> None:
    """Check the same of a challenge; none at all is NonceError too."""
    if challenge is None:
        raise NonceError("no challenge")
    _verify(settings.challenge_key, organisation_id, challenge, now)


def _create(key: bytes, organisation_id: UUID, expires_at: datetime) -> str:
    expires, random = int(expires_at.timestamp()), secrets.token_bytes(16)
    return base64url.encode(_LAYOUT.pack(expires, random, _mac(key, organisation_id, expires, random)))


def _verify(key: bytes, organisation_id: UUID, nonce: str, now: datetime) -> datetime:
    try:
        expires, random, mac = _LAYOUT.unpack(base64url.decode(nonce))
    except (MalformedError, struct.error) as exc:
        raise NonceError("not a nonce of ours") from exc
    if not hmac.compare_digest(mac, _mac(key, organisation_id, expires, random)):
        raise NonceError("not handed out by this organisation")
    expires_at = datetime.fromtimestamp(expires, UTC)
    if expires_at <= now:
        raise NonceError("expired")
    return expires_at


def _mac(key: bytes, organisation_id: UUID, expires: int, random: bytes) -> bytes:
    message = organisation_id.bytes + struct.pack(">Q", expires) + random
    return hmac.digest(key, message, "sha256")[:16]
