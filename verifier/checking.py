"""Check a badge that somebody sent as a file, a text or a link: for everybody, without signing in. Issue 3, item 6.

Nothing of it is kept: no file, no report, no line that says whose badge it was. A file is no presentation, so the
report says what its issuer stands for, and never that it belongs to whoever brought it.
"""

from dataclasses import replace
from datetime import datetime

from kernel.errors import CredentialError, MalformedError
from runtime.archives import ArchiveFinding, resolve_archive
from runtime.at_once import Turns
from runtime.checked_badge import CheckedBadge, resolve_checked_badge
from runtime.importing import read_badge, unread_code
from runtime.service import Service
from verifier.errors import UNREAD, NoArchiveError, TooManyChecksError
from verifier.settings import VerifierSettings


class Checks:
    """How many badges are being checked in this process at this moment: each may ask thirty-two addresses.

    Whoever sends badges whose issuers never answer has a share of the turns, and leaves others theirs.
    """

    def __init__(self, *, at_once: int = 12, each: int = 3) -> None:
        self._turns = Turns(at_once, each=each)

    async def check_badge(
        self,
        service: Service[VerifierSettings],
        content: bytes | str,
        *,
        email: str | None,
        archive: bytes = b"",
        source: str,
        now: datetime,
    ) -> CheckedBadge:
        """Judge a badge, or raise NoBadgeError; TooManyChecksError while too many are under way, in all or of a source.

        `archive` is what the issuer left behind, where somebody has it; NoArchiveError when it is none.
        """
        with self._turns.take(TooManyChecksError(), holder=source):
            return await _check_badge(service, content, email=email, archive=archive, now=now)


async def _check_badge(
    service: Service[VerifierSettings], content: bytes | str, *, email: str | None, archive: bytes, now: datetime
) -> CheckedBadge:
    try:
        imported = await read_badge(content)
    except MalformedError as exc:
        raise UNREAD[unread_code(exc)] from exc
    found = await _resolve_archive(service, archive, now) if archive else None
    left_behind = None if found is None else found.left_behind
    checked = await resolve_checked_badge(
        service.fetch, service.resolver, imported, email=email, left_behind=left_behind, now=now
    )
    return replace(checked, archive=None if found is None else found.outcome)


async def _resolve_archive(service: Service[VerifierSettings], content: bytes, now: datetime) -> ArchiveFinding:
    try:
        return await resolve_archive(service.resolver.trust, content, now=now)
    except CredentialError as exc:
        raise NoArchiveError from exc
