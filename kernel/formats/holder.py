"""Whom a W3C credential is about, as far as somebody can prove to be that one. PROFILE.md K-47, V-27, A-17.

Identifiers that contain their own key (did:jwk, did:key) need nothing looked up; all others bind a credential to nobody
here, and who shows it cannot prove that it is theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.did import did_jwk, resolve_static_did
from kernel.errors import HolderBindingError, UntrustedIssuerError
from kernel.formats.credential import find_holder_key
from kernel.formats.vcdm import find_subject_id
from kernel.keys import PublicKey


@dataclass(frozen=True, slots=True)
class HolderDid:
    """An identifier that contains its key; `key_id` is the DID URL of that key."""

    id: str
    key_id: str
    key: PublicKey


def find_holder_did(identifier: object) -> HolderDid | None:
    """Return the holder that an identifier names, None when it does not contain a key."""
    if not isinstance(identifier, str) or not identifier.startswith(("did:jwk:", "did:key:")):
        return None
    document = resolve_static_did(identifier)
    (method,) = document.raw["verificationMethod"]
    try:
        return HolderDid(identifier, method["id"], document.find_key(method["id"], relation="authentication"))
    except UntrustedIssuerError as exc:
        raise HolderBindingError("a holder whose key does not sign") from exc


def find_bound_key(claims: Mapping[str, Any]) -> PublicKey | None:
    """Return the key of a credential's holder: that of `cnf`, or of its one subject; None when it is bound to nobody.

    VCDM 2.0 §4.8; VC-JOSE-COSE §4.1.3. If both name a key, it has to be the same.
    """
    confirmed, subject = find_holder_key(claims), find_holder_did(find_subject_id(claims))
    if confirmed is not None and subject is not None and confirmed != subject.key:
        raise HolderBindingError("`cnf` names another key than the subject")
    return confirmed or (None if subject is None else subject.key)


def get_presenter(claims: Mapping[str, Any], key: PublicKey) -> HolderDid:
    """Return how the owner of this key is called in a credential: as its subject, or by the did:jwk of the key."""
    if find_bound_key(claims) != key:
        raise HolderBindingError("the credential is bound to another key")
    subject = find_holder_did(find_subject_id(claims))
    return subject or HolderDid(did_jwk(key.jwk), f"{did_jwk(key.jwk)}#0", key)


def require_same_holder(identifier: object, key: PublicKey) -> None:
    """Raise HolderBindingError unless an identifier names the owner of a key."""
    named = find_holder_did(identifier)
    if named is None or named.key != key:
        raise HolderBindingError("the presentation is somebody else's than the credential")
