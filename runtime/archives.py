"""An archive that somebody brings with a badge: believed when a list of who is recognised names its key. Decision 0009.

    found = await resolve_archive(resolver.trust, content, now=now)       # CredentialError: no archive
    report = await resolve_report(fetch, imported, now=now, left_behind=found.left_behind)

Anybody can make an archive, and the visitor's word for its key is not enough. Whether an issuer has ended is what the
list says of it today: until then an archive cannot tell that a badge was not withdrawn since.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from kernel.archive import UnverifiedArchive, VerifiedArchive, parse_archive, verify_archive
from kernel.errors import CredentialError, MalformedError, UndecidedError, UntrustedIssuerError
from kernel.importing import IssuerArchive
from kernel.trust_list import Outcome
from runtime.trust import TrustSources

# Keys, documents and pictures of a school take a few of these; who runs a larger one has the command line.
MAX_ARCHIVE_UPLOAD: Final = 16 * 1024 * 1024


class ArchiveOutcome(StrEnum):
    """What became of an archive. Only `BELIEVED` and `STILL_ACTIVE` are used for anything."""

    BELIEVED = "believed"
    STILL_ACTIVE = "still_active"
    NOT_LISTED = "not_listed"
    LIST_UNAVAILABLE = "list_unavailable"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class ArchiveFinding:
    """What became of an archive, and the archive itself where it counts."""

    outcome: ArchiveOutcome
    left_behind: IssuerArchive | None = None


async def resolve_archive(trust: TrustSources, content: bytes, *, now: datetime) -> ArchiveFinding:
    """Say whether this archive is its issuer's, by the sources of trust; CredentialError when it is none at all."""
    archive, issuer = await asyncio.to_thread(_read, content)
    try:
        thumbprints = await trust.find_archive_keys(issuer, now=now)
    except UndecidedError:
        return ArchiveFinding(ArchiveOutcome.LIST_UNAVAILABLE)
    try:
        verified: VerifiedArchive = await asyncio.to_thread(verify_archive, archive, signer_thumbprints=thumbprints)
    except UntrustedIssuerError:
        return ArchiveFinding(ArchiveOutcome.NOT_LISTED)
    except CredentialError:
        return ArchiveFinding(ArchiveOutcome.BROKEN)
    listed = await trust.recognise_party(identifiers={issuer}, service="issuance", now=now)
    has_ended = listed.outcome is Outcome.WITHDRAWN
    outcome = ArchiveOutcome.BELIEVED if has_ended else ArchiveOutcome.STILL_ACTIVE
    return ArchiveFinding(outcome, IssuerArchive(verified, is_last_word=has_ended))


def _read(content: bytes) -> tuple[UnverifiedArchive, str]:
    if len(content) > MAX_ARCHIVE_UPLOAD:
        raise MalformedError("an archive larger than is taken here")
    archive = parse_archive(content)
    return archive, archive.unverified_did
