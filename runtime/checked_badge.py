"""A badge that somebody has at hand, judged whole: does it hold, and is whoever signed it recognised? T-01.

    checked = await resolve_checked_badge(fetch, resolver, imported, email=email, left_behind=None, now=now)

Two answers, side by side, for the page where anybody can check a badge and for the command line alike.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kernel.importing import Imported, ImportReport, IssuerArchive
from kernel.trust_list import Outcome, Recognition
from runtime.archives import ArchiveOutcome
from runtime.endorsements import JudgedEndorsement, resolve_endorsers
from runtime.fetch import Fetcher
from runtime.importing import resolve_recognition, resolve_recognitions, resolve_report
from runtime.resolve import Resolver


@dataclass(frozen=True, slots=True)
class CheckedBadge:
    """What was found, and whether its issuer is one that we recognise.

    `recognition` is None where nobody was shown to have signed it, and where no source of trust was asked.
    """

    report: ImportReport
    recognition: Recognition | None
    endorsements: tuple[JudgedEndorsement, ...]
    archive: ArchiveOutcome | None = None
    parts: tuple[Recognition | None, ...] = ()

    @property
    def recognitions(self) -> tuple[Recognition | None, ...]:
        """What is known of each issuer that counts: of a record, those of what is inside, whoever put it together."""
        return self.parts or (self.recognition,)

    def has_only(self, outcome: Outcome) -> bool:
        """Whether this is what the sources of trust say of every issuer that counts."""
        return all(known is not None and known.outcome is outcome for known in self.recognitions)

    def has_any(self, outcome: Outcome) -> bool:
        """Whether the sources of trust say this of one of the issuers that count."""
        return any(known is not None and known.outcome is outcome for known in self.recognitions)

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


async def resolve_checked_badge(
    fetch: Fetcher,
    resolver: Resolver | None,
    imported: Imported,
    *,
    email: str | None,
    left_behind: IssuerArchive | None,
    now: datetime,
) -> CheckedBadge:
    """Judge a badge with all that can be fetched for it, and ask the sources of trust about everybody in it.

    Without a `resolver` nobody is asked, and the second answer stays open.
    """
    anchors = () if resolver is None else await resolver.resolve_anchors(now=now)
    report = await resolve_report(fetch, imported, now=now, email=email, anchors=anchors, left_behind=left_behind)
    if resolver is None:
        endorsements = tuple(JudgedEndorsement(said, None) for said in report.endorsements)
        return CheckedBadge(report, None, endorsements, None, tuple(None for _ in report.parts))
    recognition, judged, parts = await asyncio.gather(
        resolve_recognition(resolver, report, now=now),
        resolve_endorsers(resolver, report.endorsements, now=now),
        resolve_recognitions(resolver, report, now=now),
    )
    return CheckedBadge(report, recognition, judged, None, parts)


def _recognition_json(recognition: Recognition | None) -> dict[str, Any] | None:
    if recognition is None:
        return None
    return {
        "outcome": recognition.outcome.value,
        "list_name": recognition.list_name,
        "entity_name": recognition.entity_name,
    }
