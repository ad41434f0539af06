"""Check a badge with the archive of its issuer, and nothing else: no network, and no issuer that still exists.

What the archive cannot know is said: whether the badge was withdrawn after the archive was made.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from kernel.archive import VerifiedArchive
from kernel.data_integrity import SIGNING_CRYPTOSUITES
from kernel.errors import MalformedError, RevokedError, SuspendedError, UndecidedError, UntrustedIssuerError
from kernel.formats import FORMATS, StatusKind, StatusReference, VerifiedCredential, parse_credential
from kernel.formats.credential import verify_validity
from kernel.keys import PublicKey
from kernel.status.bitstring_status_list import parse_status_list_credential, verify_status_list_credential
from kernel.status.token_status_list import Status, parse_status_list_token, verify_status_list_token

MAX_BADGE_BYTES: Final = 1024 * 1024
ALGORITHMS: Final = frozenset({"ES256", "Ed25519", "EdDSA"})


def read_file(path: Path, limit: int) -> bytes:
    """The content of a file of at most this size, or MalformedError before more of it is read."""
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise MalformedError("a file that is larger than any of its kind")
    return content


@dataclass(frozen=True, slots=True)
class ArchivedBadge:
    """A badge that the archive vouches for, and until when: its status was good when the archive was made."""

    credential: VerifiedCredential
    judged_at: datetime
    has_status: bool


def verify_with_archive(raw: str, archive: VerifiedArchive, *, now: datetime) -> ArchivedBadge:
    """Check issuer, signature, the key's time, validity and status of a badge, or raise a CredentialError."""
    unverified = parse_credential(raw)
    candidate = next((key for key in archive.keys if key.kid == unverified.key_id), None)
    if candidate is None:
        raise UntrustedIssuerError("the archive has no such key")
    verified = FORMATS[unverified.format].verify_signature(unverified, key=candidate.key, algorithms=ALGORITHMS)
    if verified.issuer != archive.did:
        raise UntrustedIssuerError("the badge is another issuer's than the archive")
    archive.find_key(verified.key_id, signed_at=verified.issued_at or verified.valid_from or archive.created_at)
    verify_validity(verified, now=now)
    for reference in verified.statuses:
        _require_valid(_find_status(archive, reference))
    return ArchivedBadge(verified, archive.created_at, bool(verified.statuses))


def _require_valid(status: Status) -> None:
    if status is Status.INVALID:
        raise RevokedError("withdrawn before the archive was made")
    if status is Status.SUSPENDED:
        raise SuspendedError("on hold when the archive was made")
    if status is not Status.VALID:
        raise UndecidedError("a status that is not known here")


def _find_status(archive: VerifiedArchive, reference: StatusReference) -> Status:
    """What the archived list says, judged at the moment at which it was archived."""
    content = archive.find_file("status_list", reference.uri)
    if content is None:
        raise UndecidedError("the archive lacks the status list")
    if reference.kind is StatusKind.TOKEN_STATUS_LIST:
        token = parse_status_list_token(content.decode())
        key = _list_key(archive, token.header.get("kid"))
        listed = verify_status_list_token(
            token, uri=reference.uri, key=key, algorithms=ALGORITHMS, now=archive.created_at
        )
        return listed.get(reference.index)
    return _find_bitstring_status(archive, reference, content.decode())


def _find_bitstring_status(archive: VerifiedArchive, reference: StatusReference, document: str) -> Status:
    verified = verify_status_list_credential(
        parse_status_list_credential(document),
        uri=reference.uri,
        issuer=archive.did,
        find_key=lambda url, _relation: _list_key(archive, url),
        cryptosuites=frozenset(SIGNING_CRYPTOSUITES),
        algorithms=ALGORITHMS,
        now=archive.created_at,
    )
    return verified.get(reference.index, purpose=reference.purpose, size=reference.size).status


def _list_key(archive: VerifiedArchive, kid: object) -> PublicKey:
    """The lists are the issuer's own, put there by the signed archive: any key that was not withdrawn will do."""
    found = next((key for key in archive.keys if key.kid == kid and key.withdrawn_at is None), None)
    if found is None:
        raise UntrustedIssuerError("the archive has no such key for its status list")
    return found.key
