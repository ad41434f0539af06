"""Check a badge that somebody sent as a file, a text or a link: for everybody, without signing in. Issue 3, item 6.

Nothing of it is kept: no file, no report, no line that says whose badge it was. A file is no presentation, so the
report says what its issuer stands for, and never that it belongs to whoever brought it.
"""

from dataclasses import dataclass
from datetime import datetime

from kernel.errors import MalformedError
from kernel.importing import ImportReport
from kernel.trust_list import Recognition
from runtime.at_once import Turns
from runtime.endorsements import JudgedEndorsement, resolve_endorsers
from runtime.importing import read_badge, resolve_recognition, resolve_report
from runtime.service import Service
from verifier.errors import NoBadgeError, TooManyChecksError
from verifier.settings import VerifierSettings


@dataclass(frozen=True, slots=True)
class CheckedBadge:
    """What was found, and whether its issuer is one that we recognise: two answers (T-01)."""

    report: ImportReport
    recognition: Recognition | None
    endorsements: tuple[JudgedEndorsement, ...]


class Checks:
    """How many badges are being checked in this process at this moment: each may ask thirty-two addresses."""

    def __init__(self, *, at_once: int = 8) -> None:
        self._turns = Turns(at_once)

    async def check_badge(
        self, service: Service[VerifierSettings], content: bytes | str, *, email: str | None, now: datetime
    ) -> CheckedBadge:
        """Judge a badge, or raise NoBadgeError; TooManyChecksError while too many others are under way."""
        with self._turns.take(TooManyChecksError()):
            return await _check_badge(service, content, email=email, now=now)


async def _check_badge(
    service: Service[VerifierSettings], content: bytes | str, *, email: str | None, now: datetime
) -> CheckedBadge:
    try:
        imported = await read_badge(content)
    except MalformedError as exc:
        raise NoBadgeError from exc
    anchors = await service.resolver.resolve_anchors(now=now)
    report = await resolve_report(service.fetch, imported, now=now, email=email, anchors=anchors)
    return CheckedBadge(
        report,
        await resolve_recognition(service.resolver, report, now=now),
        await resolve_endorsers(service.resolver, report.endorsements, now=now),
    )
