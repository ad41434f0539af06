"""What a verifier says it can read, and what a wallet says it can do. OpenID4VP 1.0 §5.1, §10, §11; PROFILE.md V-05."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import AlgorithmNotAllowedError, CredentialError, MalformedError
from kernel.formats import FORMATS, UnverifiedCredential, secured_by, vp_formats_supported
from kernel.jwe import ENC_VALUES, KEY_AGREEMENT, parse_recipient
from kernel.keys import Jwk, PublicKey
from kernel.members import as_array, as_object, as_texts, find_object, find_text, find_texts
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
    """What a verifier says about itself; its name is a claim of its own until a trust list confirms it. §5.1.

    `vp_formats` is None where it says nothing of formats. §5.1 requires that only of a verifier whose formats are not
    known in another way, and its query names them too: such a question is answered in any format that it asks for.
    """

    vp_formats: Mapping[str, Mapping[str, Any]] | None = None
    encryption_keys: tuple[Jwk, ...] = ()
    enc_values: tuple[str, ...] = (DEFAULT_ENC,)
    client_name: str | None = None

    def find_common_formats(self, asked: Collection[str]) -> frozenset[str]:
        """Return those of the formats asked for in which a wallet of this kind can answer and be read. §8.5, §11.1."""
        return frozenset(name for name in asked if name in VP_FORMATS and self._reads(name, VP_FORMATS[name].items()))

    def can_read(self, credential: UnverifiedCredential, holder_key: PublicKey | None) -> bool:
        """Whether it says that it reads a presentation of this credential; without a `holder_key`, unbound. §11.1, B.

        What is named has to match; of what is not named anything will do. B.1.3.1.3, B.1.3.2.3, B.3.4.
        """
        return self._reads(credential.format, secured_by(credential, holder_key))

    def _reads(self, format_id: str, secured: Iterable[tuple[str, Collection[str]]]) -> bool:
        """Whether it names the format, and for each member that it gives one of these values."""
        if self.vp_formats is None:
            return True
        said = self.vp_formats.get(format_id)
        return said is not None and all(
            name not in said or not frozenset(values).isdisjoint(said[name]) for name, values in secured
        )

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
    formats = find_object(members, "vp_formats_supported")
    jwks = find_object(members, "jwks")
    keys = () if jwks is None else as_array(jwks.get("keys"), "'keys'")[:MAX_KEYS]
    enc_values = members.get("encrypted_response_enc_values_supported", [DEFAULT_ENC])
    return ClientMetadata(
        vp_formats=None if formats is None else {name: _parse_format(name, entry) for name, entry in formats.items()},
        encryption_keys=tuple(key for key in keys if isinstance(key, Mapping)),
        enc_values=as_texts(enc_values, "'encrypted_response_enc_values_supported'"),
        client_name=find_text(members, "client_name"),
    )


def _parse_format(format_id: str, value: object) -> Mapping[str, Any]:
    """Read what is said of one format: of those known here each member that matters is a list of texts."""
    entry = as_object(value, "a format")
    for name in VP_FORMATS.get(format_id, ()):
        find_texts(entry, name)
    return entry


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
