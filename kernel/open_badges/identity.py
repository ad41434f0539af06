"""Who received a badge, when that is said by an identifier that may be hashed. Open Badges 3.0 B, IdentityObject."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import CredentialError, MalformedError, RejectedError
from kernel.open_badges.reading import read_object, read_objects, read_text

_IDENTITY_HASHES: Final = frozenset({"sha256", "md5"})
# Each costs a few hashes; nobody has more addresses than this.
_MAX_IDENTITIES: Final = 32


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """Somebody is the one that a badge names; weakly so when the hash is MD5 or has no salt."""

    identity_type: str | None
    is_weak: bool


def create_identity_object(identifier: str, *, identity_type: str, salt: str) -> dict[str, Any]:
    """Return an IdentityObject that names somebody without saying the name. B-08.

    For formats that cannot hide an e-mail address. Who can guess the identifier can check the guess, salt or not.
    """
    return {
        "type": "IdentityObject",
        "hashed": True,
        "identityHash": f"sha256${_hash_identity('sha256', identifier, salt)}",
        "identityType": identity_type,
        "salt": salt,
    }


def verify_identity_object(identity: Mapping[str, Any], *, identifier: str) -> VerifiedIdentity:
    """Check that an identifier is the one that an IdentityObject names. B-08, A-51.

    An e-mail address is also tried in lower case, as edubadges hashes it.
    """
    named, salt = read_text(identity, "identityHash") or "", read_text(identity, "salt") or ""
    algorithm, _, digest = named.partition("$")
    spellings = {identifier, identifier.lower()}
    if not identity.get("hashed"):
        is_same, is_weak = named in spellings, False
    elif algorithm in _IDENTITY_HASHES:
        hashes = {_hash_identity(algorithm, spelling, salt) for spelling in spellings}
        is_same, is_weak = digest.lower() in hashes, algorithm == "md5" or not salt
    else:
        raise MalformedError("an identity hash of an unknown kind")
    if not is_same:
        raise RejectedError("the badge names somebody else")
    return VerifiedIdentity(read_text(identity, "identityType"), is_weak)


def verify_recipient(badge: Mapping[str, Any], *, identifier: str) -> VerifiedIdentity:
    """Check that a badge was given to who has this identifier, or raise RejectedError. B-21, B-08, A-51.

    For badges that name their recipient by address and not by key. One of the identifiers in the badge has to fit; a
    strong fit counts before a weak one.
    """
    found = []
    for identity in read_objects(read_object(badge, "credentialSubject"), "identifier")[:_MAX_IDENTITIES]:
        try:
            found.append(verify_identity_object(identity, identifier=identifier))
        except CredentialError:
            continue
    if not found:
        raise RejectedError("the badge names somebody else, or nobody")
    return min(found, key=lambda identity: identity.is_weak)


def _hash_identity(algorithm: str, identifier: str, salt: str) -> str:
    return hashlib.new(algorithm, f"{identifier}{salt}".encode(errors="replace"), usedforsecurity=False).hexdigest()
