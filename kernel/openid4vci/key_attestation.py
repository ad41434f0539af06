"""Key attestations: what a wallet's provider says of how well keys are kept. OpenID4VCI 1.0 Appendix D; I-50, A-33.

Whether the `nonce` was handed out, and whether the attestation was withdrawn (`status`), is for the issuer to find out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cryptography import x509

from kernel.errors import HolderBindingError, MalformedError, UntrustedIssuerError
from kernel.formats.status_reference import StatusReference, find_status_claim
from kernel.jwt import UnverifiedJwt, find_numeric_date, get_numeric_date, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import Jwk, PublicKey, Signer, parse_public_jwk
from kernel.members import as_array, as_object, find_text, find_texts
from kernel.web_urls import web_url
from kernel.x5c import verify_x5c

TYP: Final = "key-attestation+jwt"
MAX_KEYS: Final = 100

ISO_18045_HIGH: Final = "iso_18045_high"
ISO_18045_MODERATE: Final = "iso_18045_moderate"
ISO_18045_ENHANCED_BASIC: Final = "iso_18045_enhanced-basic"
ISO_18045_BASIC: Final = "iso_18045_basic"


@dataclass(frozen=True, slots=True)
class KeyAttesters:
    """Whose key attestations are believed: those under these authorities, and those of keys known by their `kid`."""

    anchors: Sequence[x509.Certificate] = ()
    keys: Mapping[str, PublicKey] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VerifiedKeyAttestation:
    """Keys of one key storage, and what a trusted attester says of it. Appendix D.1."""

    keys: tuple[PublicKey, ...]
    key_ids: tuple[str | None, ...]
    attester_key: PublicKey
    nonce: str | None
    expires_at: datetime | None
    key_storage: tuple[str, ...] = ()
    user_authentication: tuple[str, ...] = ()
    certification: str | None = None
    status: tuple[StatusReference, ...] = ()
    attester_anchor: x509.Certificate | None = None

    def find_key(self, key_id: str) -> PublicKey:
        """Return the attested key that a proof calls `kid`: by its own `kid`, or else by its place in the list."""
        if key_id in self.key_ids:
            return self.keys[self.key_ids.index(key_id)]
        if key_id.isdecimal() and len(key_id) <= len(str(MAX_KEYS)) and int(key_id) < len(self.keys):
            return self.keys[int(key_id)]
        raise HolderBindingError("a key that the attestation does not have")


def create_key_attestation(
    *,
    signer: Signer,
    keys: Sequence[Jwk],
    issued_at: datetime,
    expires_at: datetime | None,
    nonce: str | None,
    header: Mapping[str, Any],
    key_storage: Sequence[str] = (),
    user_authentication: Sequence[str] = (),
    certification: str | None = None,
    status: Mapping[str, Any] | None = None,
) -> str:
    """Create an attestation of keys of one key storage; `header` has `x5c` or `kid`. Appendix D.1."""
    members = {
        "iat": int(issued_at.timestamp()),
        "exp": None if expires_at is None else int(expires_at.timestamp()),
        "attested_keys": [parse_public_jwk(key).jwk for key in keys],
        "key_storage": list(key_storage) or None,
        "user_authentication": list(user_authentication) or None,
        "certification": certification,
        "nonce": nonce,
        "status": status,
    }
    payload = {name: value for name, value in members.items() if value is not None}
    return sign_jwt(payload, signer=signer, typ=TYP, header=header)


def verify_key_attestation(
    attestation: str, *, attesters: KeyAttesters, algorithms: frozenset[str], now: datetime, is_expiry_required: bool
) -> VerifiedKeyAttestation:
    """Check an attestation and return the keys it is about, or raise. Appendix D.1.

    `exp` must be there when it goes with the `jwt` proof type.
    """
    token = parse_jwt(attestation)
    # (1) Signed by an attester that policy knows, as this type.
    key, anchor = _find_attester(token, attesters, now)
    payload = verify_jwt(token, key=key, typ=TYP, algorithms=algorithms).payload
    # (2) In force.
    get_numeric_date(payload, "iat")
    if is_expiry_required:
        get_numeric_date(payload, "exp")
    verify_times(payload, now=now)
    # (3) About public keys, each once.
    listed = [as_object(key, "an attested key") for key in as_array(payload.get("attested_keys"), "'attested_keys'")]
    keys = tuple(parse_public_jwk(key) for key in listed)
    if len(keys) > MAX_KEYS or len(set(keys)) != len(keys):
        raise MalformedError("too many attested keys, or one twice")
    certification = payload.get("certification")
    return VerifiedKeyAttestation(
        keys=keys,
        key_ids=tuple(find_text(key, "kid") for key in listed),
        attester_key=key,
        nonce=find_text(payload, "nonce"),
        expires_at=find_numeric_date(payload, "exp"),
        key_storage=find_texts(payload, "key_storage"),
        user_authentication=find_texts(payload, "user_authentication"),
        certification=None if certification is None else web_url(certification, "'certification'", fragment=True),
        status=find_status_claim(payload),
        attester_anchor=anchor,
    )


def require_key_properties(attestation: VerifiedKeyAttestation, required: Mapping[str, Any]) -> None:
    """Raise unless storage and user authentication are among those that metadata asks for. §12.2.4 (I-13)."""
    for name, given in (
        ("key_storage", attestation.key_storage),
        ("user_authentication", attestation.user_authentication),
    ):
        wanted = find_texts(required, name)
        if wanted and set(wanted).isdisjoint(given):
            raise HolderBindingError(f"the attested {name} is not one that is asked for")


def _find_attester(
    token: UnverifiedJwt, attesters: KeyAttesters, now: datetime
) -> tuple[PublicKey, x509.Certificate | None]:
    """The attester's key, and where its chain ended if it has one."""
    if "x5c" in token.header:
        chain = verify_x5c(token.header["x5c"], anchors=attesters.anchors, now=now)
        return chain.leaf_key, chain.anchor
    key = attesters.keys.get(find_text(token.header, "kid") or "")
    if key is None:
        raise UntrustedIssuerError("an attester that is not known here")
    return key, None
