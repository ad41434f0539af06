"""What a verifier says it can read, and what a wallet says it can do. OpenID4VP 1.0 §5.1, §10, §11; PROFILE.md V-05."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.errors import AlgorithmNotAllowedError, CredentialError, MalformedError
from kernel.formats import FORMATS, vp_formats_supported
from kernel.jwe import ENC_VALUES, KEY_AGREEMENT, parse_recipient
from kernel.keys import Jwk
from kernel.members import as_array, as_object, as_texts, find_object, find_text
from kernel.openid4vp.client_identifier import ClientIdPrefix

# What is used when a verifier names nothing. §8.3.
DEFAULT_ENC: Final = "A128GCM"
# Of a longer list the first are looked at.
MAX_KEYS: Final = 32

VP_FORMATS: Final[Mapping[str, Mapping[str, Any]]] = vp_formats_supported(FORMATS)

# One text for everybody, so that it tells nobody apart (W-42, W-56).
WALLET_METADATA: Final[Mapping[str, Any]] = {
    "authorization_endpoint": "openid4vp:",
    "response_types_supported": ["vp_token"],
    "response_modes_supported": ["direct_post.jwt", "direct_post"],
    "vp_formats_supported": VP_FORMATS,
    "client_id_prefixes_supported": [prefix.value for prefix in ClientIdPrefix if prefix is not ClientIdPrefix.ORIGIN],
    "request_object_signing_alg_values_supported": ["ES256"],
}


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    """What a verifier says about itself; its name is a claim of its own until a trust list confirms it. §5.1."""

    vp_formats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    encryption_keys: tuple[Jwk, ...] = ()
    enc_values: tuple[str, ...] = (DEFAULT_ENC,)
    client_name: str | None = None

    def select_encryption(self) -> tuple[Jwk, str]:
        """Return the key and content encryption for a response, or raise AlgorithmNotAllowedError. §8.3; W-51.

        The first key for ECDH-ES that is a public point on P-256 and not for something else; A256GCM where offered.
        """
        key = next((key for key in self.encryption_keys if _is_usable(key)), None)
        enc = next(
            (value for value in ("A256GCM", "A128GCM") if value in self.enc_values and value in ENC_VALUES), None
        )
        if key is None or enc is None:
            raise AlgorithmNotAllowedError("the verifier names no way of encrypting that is supported here")
        return key, enc


def parse_client_metadata(value: object) -> ClientMetadata:
    """Read `client_metadata`. §5.1, §11.1. Unknown members and formats are kept out of the way, not refused.

    So are keys that cannot be used here: they may be meant for others.
    """
    members = as_object(value, "'client_metadata'")
    formats = find_object(members, "vp_formats_supported") or {}
    jwks = find_object(members, "jwks")
    keys = () if jwks is None else as_array(jwks.get("keys"), "'keys'")[:MAX_KEYS]
    enc_values = members.get("encrypted_response_enc_values_supported", [DEFAULT_ENC])
    return ClientMetadata(
        vp_formats={name: as_object(entry, "a format") for name, entry in formats.items()},
        encryption_keys=tuple(key for key in keys if isinstance(key, Mapping)),
        enc_values=as_texts(enc_values, "'encrypted_response_enc_values_supported'"),
        client_name=find_text(members, "client_name"),
    )


def find_client_name(value: object) -> str | None:
    """Return what a verifier calls itself, also where the rest of its `client_metadata` cannot be read."""
    try:
        return find_text(as_object(value, "'client_metadata'"), "client_name")
    except MalformedError:
        return None


def create_client_metadata(
    *, encryption_key: Jwk | None, client_name: str | None = None, formats: Collection[str] = frozenset(VP_FORMATS)
) -> dict[str, Any]:
    """Build `client_metadata`; `encryption_key` is this transaction's public JWK, None for a peer that cannot. V-05."""
    accepted = {name: dict(entry) for name, entry in VP_FORMATS.items() if name in formats}
    members: dict[str, Any] = {"vp_formats_supported": accepted}
    if client_name is not None:
        members["client_name"] = client_name
    if encryption_key is not None:
        members["jwks"] = {"keys": [{**encryption_key, "use": "enc", "alg": KEY_AGREEMENT}]}
        members["encrypted_response_enc_values_supported"] = ["A128GCM", "A256GCM"]
    return members


def _is_usable(key: Jwk) -> bool:
    """Whether a key can be encrypted to here, and be named to whoever sent it by its `kid`, where it has one."""
    try:
        parse_recipient(key)
        find_text(key, "kid")
    except CredentialError:
        return False
    return key.get("alg") == KEY_AGREEMENT and key.get("use", "enc") == "enc"
