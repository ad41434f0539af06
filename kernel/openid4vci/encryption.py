"""Encrypted credential requests and responses. OpenID4VCI 1.0 §8.2, §10, §12.2.4; PROFILE.md I-12, I-67, W-15, A-32.

Compression is never offered nor used (K-09). Errors are never encrypted (§8.3.1.2), so they are not made here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import CredentialError, MalformedError, RejectedError
from kernel.jwe import ENC_VALUES, KEY_AGREEMENT, decrypt_jwe, encrypt_jwe, parse_recipient
from kernel.keys import Jwk
from kernel.members import as_array, as_object, as_texts, find_object, find_text, get_text
from kernel.strict_json import encode_json, parse_json_object

MEDIA_TYPE: Final = "application/jwt"
_MAX_KEYS: Final = 20
_PREFERRED: Final = ("A256GCM", "A128GCM")


@dataclass(frozen=True, slots=True)
class ResponseEncryption:
    """To which key, and how, a response is to be encrypted. §8.2."""

    jwk: Jwk
    enc: str

    def as_json(self) -> dict[str, Any]:
        """Return the member `credential_response_encryption` of a request."""
        return {"jwk": dict(self.jwk), "enc": self.enc}


@dataclass(frozen=True, slots=True)
class RequestEncryptionMetadata:
    """To which keys requests may, or must, be encrypted. §12.2.4."""

    keys: tuple[Jwk, ...]
    enc_values: frozenset[str]
    is_required: bool

    def select(self) -> ResponseEncryption | None:
        """Return the first key and the strongest way that can be used here, None when there is no such."""
        enc = _select_enc(self.enc_values)
        key = next((key for key in self.keys if _is_usable(key)), None)
        return None if key is None or enc is None else ResponseEncryption(key, enc)


@dataclass(frozen=True, slots=True)
class ResponseEncryptionMetadata:
    """How responses can, or must, be encrypted. §12.2.4."""

    alg_values: frozenset[str]
    enc_values: frozenset[str]
    is_required: bool

    def select(self) -> str | None:
        """Return the strongest `enc` that can be used here, None when there is none."""
        return _select_enc(self.enc_values) if KEY_AGREEMENT in self.alg_values else None


def create_encryption_metadata(keys: Sequence[Jwk], *, is_required: bool) -> dict[str, Any]:
    """Return the two metadata members for these public keys, each of which has a `kid`. §12.2.4; I-12."""
    enc_values = sorted(ENC_VALUES)
    return {
        "credential_request_encryption": {
            "jwks": {"keys": [{**key, "use": "enc", "alg": KEY_AGREEMENT} for key in keys]},
            "enc_values_supported": enc_values,
            "encryption_required": is_required,
        },
        "credential_response_encryption": {
            "alg_values_supported": [KEY_AGREEMENT],
            "enc_values_supported": enc_values,
            "encryption_required": is_required,
        },
    }


def parse_request_encryption_metadata(value: object) -> RequestEncryptionMetadata:
    """Read `credential_request_encryption`: every key has a `kid` of its own. §12.2.4."""
    members = as_object(value, "'credential_request_encryption'")
    listed = as_array((find_object(members, "jwks") or {}).get("keys"), "'jwks'", limit=_MAX_KEYS)
    keys = tuple(as_object(key, "a key") for key in listed)
    if len({get_text(key, "kid") for key in keys}) != len(keys):
        raise MalformedError("two keys with one 'kid'")
    return RequestEncryptionMetadata(keys, _texts(members, "enc_values_supported"), _is_required(members))


def parse_response_encryption_metadata(value: object) -> ResponseEncryptionMetadata:
    """Read `credential_response_encryption` of the metadata. §12.2.4."""
    members = as_object(value, "'credential_response_encryption'")
    alg_values, enc_values = (_texts(members, f"{name}_values_supported") for name in ("alg", "enc"))
    return ResponseEncryptionMetadata(alg_values, enc_values, _is_required(members))


def parse_response_encryption(value: object) -> ResponseEncryption:
    """Read `credential_response_encryption` of a request: something that can be encrypted to, or raise. §8.2, §10.

    The key has to say by `alg` what it is for; compression that somebody asks for is refused, since none is offered.
    """
    members = as_object(value, "'credential_response_encryption'")
    jwk, enc = as_object(members.get("jwk"), "'jwk'"), get_text(members, "enc")
    if "zip" in members:
        raise RejectedError("compression is not offered")
    if jwk.get("alg") != KEY_AGREEMENT or enc not in ENC_VALUES or jwk.get("use", "enc") != "enc":
        raise RejectedError("an algorithm that is not offered")
    parse_recipient(jwk)
    if "kid" in jwk:
        get_text(jwk, "kid")
    return ResponseEncryption(jwk, enc)


def encrypt_message(members: Mapping[str, Any], *, recipient: Jwk, enc: str) -> str:
    """Encrypt a request or response, to be sent as `application/jwt`. §10."""
    return encrypt_jwe(encode_json(members), recipient=recipient, enc=enc)


def decrypt_message(
    raw: str, *, private_jwk: Jwk, enc_values: frozenset[str] = ENC_VALUES, max_bytes: int | None = None
) -> dict[str, Any]:
    """Return the members of an encrypted request or response, or raise. §10."""
    limit = {} if max_bytes is None else {"max_bytes": max_bytes}
    return parse_json_object(decrypt_jwe(raw, private_jwk=private_jwk, enc_values=enc_values, **limit), **limit)


def _is_usable(key: Jwk) -> bool:
    """Whether a key of somebody else can be encrypted to here; others may be meant for others."""
    try:
        parse_recipient(key)
    except CredentialError:
        return False
    return find_text(key, "alg") == KEY_AGREEMENT and key.get("use", "enc") == "enc"


def _select_enc(values: frozenset[str]) -> str | None:
    return next((enc for enc in _PREFERRED if enc in values), None)


def _texts(members: Mapping[str, Any], name: str) -> frozenset[str]:
    return frozenset(as_texts(members.get(name), repr(name)))


def _is_required(members: Mapping[str, Any]) -> bool:
    value = members.get("encryption_required")
    if not isinstance(value, bool):
        raise MalformedError("'encryption_required' is not true or false")
    return value
