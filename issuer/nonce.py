"""The Nonce Endpoint. OpenID4VCI 1.0 §7.

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
    expires = int((now + settings.nonce_lifetime).timestamp())
    random = secrets.token_bytes(16)
    return base64url.encode(_LAYOUT.pack(expires, random, _mac(settings, organisation_id, expires, random)))


def spend_nonce(connection: BlockingConnection, nonce: str, expires_at: datetime) -> None:
    """Use up a `c_nonce` that `verify_nonce` let pass, or raise NonceError; one caller wins. I-56, A-22.

    `expires_at` is what `verify_nonce` returned. OpenID4VCI 1.0 §7, §13.8.
    """
    if not store.spend_nonce(connection, hash_token(nonce), expires_at):
        raise NonceError("spent before")


def verify_nonce(settings: IssuerSettings, organisation_id: UUID, nonce: str, *, now: datetime) -> datetime:
    """Check that this organisation handed the nonce out and that it has not expired; return its expiry."""
    try:
        expires, random, mac = _LAYOUT.unpack(base64url.decode(nonce))
    except (MalformedError, struct.error) as exc:
        raise NonceError("not a nonce of ours") from exc
    if not hmac.compare_digest(mac, _mac(settings, organisation_id, expires, random)):
        raise NonceError("not handed out by this organisation")
    expires_at = datetime.fromtimestamp(expires, UTC)
    if expires_at <= now:
        raise NonceError("expired")
    return expires_at


def _mac(settings: IssuerSettings, organisation_id: UUID, expires: int, random: bytes) -> bytes:
    message = organisation_id.bytes + struct.pack(">Q", expires) + random
    return hmac.digest(settings.nonce_key, message, "sha256")[:16]
