"""Encrypted credential requests and responses: the issuer's keys, and what a message must be. OpenID4VCI 1.0 §8.2, §10.

PROFILE.md I-12, I-67; A-32. A key is derived, for each organisation and thirty days, from the key that everything here
is sealed under: no row, the same in every process, and replaced by the calendar. Wallets read it from metadata each
time; the one before still opens what was encrypted around the change. It protects messages on their way inside this
deployment, beyond TLS, and is no protection against whoever has the sealing key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec

from issuer.credential_issuer import CredentialIssuer
from issuer.errors import EncryptionParametersError
from issuer.settings import IssuerSettings
from kernel import base64url
from kernel.errors import CredentialError
from kernel.jwe import KEY_AGREEMENT, find_key_id
from kernel.keys import public_key_from
from kernel.openid4vci import (
    ResponseEncryption,
    create_encryption_metadata,
    decrypt_message,
    encrypt_message,
    parse_response_encryption,
)
from kernel.strict_json import encode_json, parse_json_object
from runtime.encryption import SealingKey

ENCRYPTED: Final = "application/jwt"
PLAIN: Final = "application/json"
_PERIOD: Final = timedelta(days=30)
# The order of P-256, from whose numbers private keys are taken. FIPS 186-5, SP 800-186 §3.2.1.3.
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass(frozen=True, slots=True)
class Message:
    """A request body as it came."""

    body: bytes = field(repr=False)
    is_encrypted: bool


def create_metadata(settings: IssuerSettings, issuer: CredentialIssuer, *, now: datetime) -> Mapping[str, Any]:
    """The two members of the Credential Issuer Metadata, with the key of now. I-12."""
    private = _keys(settings, issuer.organisation_id, now)[0]
    public = {name: private[name] for name in ("kty", "crv", "x", "y", "kid")}
    return create_encryption_metadata([public], is_required=settings.encryption_required)


def open_message(
    settings: IssuerSettings, organisation_id: UUID, message: Message, *, max_bytes: int, now: datetime
) -> Mapping[str, Any]:
    """The members of a request, decrypted where it was encrypted; or EncryptionParametersError. §10."""
    if not message.is_encrypted:
        if settings.encryption_required:
            raise EncryptionParametersError("requests have to be encrypted here")
        return parse_json_object(message.body, max_bytes=max_bytes)
    try:
        raw = message.body.decode("ascii")
        keys = {key["kid"]: key for key in _keys(settings, organisation_id, now)}
        return decrypt_message(raw, private_jwk=keys[find_key_id(raw) or ""], max_bytes=2 * max_bytes)
    except (CredentialError, UnicodeDecodeError, KeyError) as exc:
        raise EncryptionParametersError(f"not encrypted to a key of now: {type(exc).__name__}") from exc


def find_response_encryption(
    settings: IssuerSettings, message: Message, wanted: Mapping[str, Any] | None
) -> ResponseEncryption | None:
    """How the response is to be encrypted; None: not at all. What came in the open could be anybody's key. A-32."""
    if wanted is None:
        if settings.encryption_required:
            raise EncryptionParametersError("responses have to be encrypted here")
        return None
    if not message.is_encrypted:
        raise EncryptionParametersError("a key for the response in a request that anybody could have changed")
    try:
        return parse_response_encryption(wanted)
    except CredentialError as exc:
        raise EncryptionParametersError(f"{exc.code}: {exc.detail}") from exc


def encode_response(members: Mapping[str, Any], encryption: ResponseEncryption | None) -> tuple[bytes, str]:
    """The body of a response and its media type: exactly as it was asked for. §8.3."""
    if encryption is None:
        return encode_json(members), PLAIN
    return encrypt_message(members, recipient=encryption.jwk, enc=encryption.enc).encode("ascii"), ENCRYPTED


def _keys(settings: IssuerSettings, organisation_id: UUID, now: datetime) -> Sequence[Mapping[str, Any]]:
    """The private keys that open a message now, the one that is published first."""
    period = int(now.timestamp() // _PERIOD.total_seconds())
    return [_derive_key(settings.seal, organisation_id, number) for number in (period, period - 1)]


@lru_cache(maxsize=256)
def _derive_key(seal: SealingKey, organisation_id: UUID, period: int) -> Mapping[str, Any]:
    labels = [f"issuer/request-encryption/{organisation_id}/{period}/{part}" for part in ("high", "low")]
    # Twice as many bits as the order has, so that no key is likelier than another. FIPS 186-5 §A.2.1.
    secret = int.from_bytes(b"".join(map(seal.derive, labels))) % (_ORDER - 1) + 1
    public = public_key_from(ec.derive_private_key(secret, ec.SECP256R1()).public_key())
    return {
        **public.jwk,
        "alg": KEY_AGREEMENT,
        "use": "enc",
        "kid": f"{period}-{public.thumbprint[:12]}",
        "d": base64url.encode(secret.to_bytes(32)),
    }
