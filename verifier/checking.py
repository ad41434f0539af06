"""Check a badge that somebody sent as a file, a text or a link: for everybody, without signing in. Issue 3, item 6.

Nothing of it is kept: no file, no report, no line that says whose badge it was. A file is no presentation, so the
report says what its issuer stands for, and never that it belongs to whoever brought it.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kernel.errors import CredentialError, MalformedError
from kernel.importing import ImportReport
from kernel.trust_list import Recognition
from runtime.archives import ArchiveFinding, ArchiveOutcome, resolve_archive
from runtime.at_once import Turns
from runtime.endorsements import JudgedEndorsement, resolve_endorsers
from runtime.importing import read_badge, resolve_recognition, resolve_recognitions, resolve_report
from runtime.service import Service
from verifier.errors import NoArchiveError, NoBadgeError, TooManyChecksError
from verifier.settings import VerifierSettings


@dataclass(frozen=True, slots=True)
class CheckedBadge:
    """What was found, and whether its issuer is one that we recognise: two answers (T-01)."""

    report: ImportReport
    recognition: Recognition | None
    endorsements: tuple[JudgedEndorsement, ...]
    archive: ArchiveOutcome | None = None
    parts: tuple[Recognition | None, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return it for programs: the report, and beside it what is known of who signed and of a given archive."""
        found = self.report.as_json()
        inside = zip(found["parts"], self.parts, strict=True)
        return {
            **found,
            "parts": [{**part, "recognition": _recognition_json(known)} for part, known in inside],
            "recognition": _recognition_json(self.recognition),
            "endorsements": [endorsement.as_json() for endorsement in self.endorsements],
            "archive": None if self.archive is None else self.archive.value,
        }


class Checks:
    """How many badges are being checked in this process at this moment: each may ask thirty-two addresses."""

    def __init__(self, *, at_once: int = 8) -> None:
        self._turns = Turns(at_once)

    async def check_badge(
        self,
        service: Service[VerifierSettings],
        content: bytes | str,
        *,
        email: str | None,
        archive: bytes = b"",
        now: datetime,
    ) -> CheckedBadge:
        """Judge a badge, or raise NoBadgeError; TooManyChecksError while too many others are under way.

        `archive` is what the issuer left behind, where somebody has it; NoArchiveError when it is none.
        """
        with self._turns.take(TooManyChecksError()):
            return await _check_badge(service, content, email=email, archive=archive, now=now)


async def _check_badge(
    service: Service[VerifierSettings], content: bytes | str, *, email: str | None, archive: bytes, now: datetime
) -> CheckedBadge:
    try:
        imported = await read_badge(content)
    except MalformedError as exc:
        raise NoBadgeError from exc
    found = await _resolve_archive(service, archive, now) if archive else None
    anchors = await service.resolver.resolve_anchors(now=now)
    report = await resolve_report(
        service.fetch,
        imported,
        now=now,
        email=email,
        anchors=anchors,
        left_behind=None if found is None else found.left_behind,
    )
    recognition, endorsements, parts = await asyncio.gather(
        resolve_recognition(service.resolver, report, now=now),
        resolve_endorsers(service.resolver, report.endorsements, now=now),
        resolve_recognitions(service.resolver, report, now=now),
    )
    return CheckedBadge(report, recognition, endorsements, None if found is None else found.outcome, parts)


def _recognition_json(recognition: Recognition | None) -> dict[str, Any] | None:
    if recognition is None:
        return None
    return {
        "outcome": recognition.outcome.value,
        "list_name": recognition.list_name,
        "entity_name": recognition.entity_name,
    }


async def _resolve_archive(service: Service[VerifierSettings], content: bytes, now: datetime) -> ArchiveFinding:
    try:
        return await resolve_archive(service.resolver.trust, content, now=now)
    except CredentialError as exc:
        raise NoArchiveError from exc
