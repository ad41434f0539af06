"""What others say of a badge, each checked in its own right, and whether we know who says it. B-09, A-50.

    endorsements = await resolve_endorsements(fetch, resolver, credential.claims, credential.format, now=now)

An endorsement counts only where its own signature holds *and* its endorser is recognised: anybody can endorse anything
under a name of their own choosing. What could not be checked in time stays unknown, and never counts.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kernel.endorsement import has_endorsements
from kernel.importing import judge_endorsements
from kernel.open_badges import Endorsement
from kernel.report import Outcome
from kernel.trust_list import Outcome as Recognised
from kernel.trust_list import Recognition
from runtime.fetch import Fetcher
from runtime.importing import judge_with_lookups
from runtime.resolve import Resolver

# Those of one badge together: a person waits for it.
_SECONDS: Final = 8.0


@dataclass(frozen=True, slots=True)
class JudgedEndorsement:
    """What somebody said of a badge. `recognition` is there where it is sure who said it."""

    endorsement: Endorsement
    recognition: Recognition | None

    @property
    def counts(self) -> bool:
        """Whether it is sure who said it, and that is somebody whom the ecosystem's list knows."""
        return self.recognition is not None and self.recognition.outcome is Recognised.RECOGNISED

    def as_json(self) -> dict[str, Any]:
        """What is kept of it; the words of one that was not verified are nobody's, and are left out."""
        said, is_sure = self.endorsement, self.endorsement.outcome is Outcome.PASSED
        return {
            "endorser": said.endorser_id,
            "endorser_name": said.endorser_name,
            "endorsed": said.endorsed,
            "comment": said.comment if is_sure else None,
            "issued_at": None if said.issued_at is None else said.issued_at.isoformat(),
            "outcome": said.outcome.value,
            "reason": said.error_code,
            "recognition": None if self.recognition is None else self.recognition.outcome.value,
            "list": None if self.recognition is None else self.recognition.list_name,
            "entity": None if self.recognition is None else self.recognition.entity_name,
            "counts": self.counts,
        }


async def resolve_endorsements(
    fetch: Fetcher,
    resolver: Resolver,
    claims: Mapping[str, Any],
    format: str,
    *,
    now: datetime,
    seconds: float = _SECONDS,
) -> tuple[JudgedEndorsement, ...]:
    """Judge what others say of a badge that was verified itself, with all that can be fetched for it in this time."""
    if not has_endorsements(claims, format):
        return ()
    found = await judge_with_lookups(
        fetch, lambda material: judge_endorsements(claims, format, material, now=now), seconds=seconds
    )
    return await resolve_endorsers(resolver, found.endorsements, now=now)


async def resolve_endorsers(
    resolver: Resolver, endorsements: Iterable[Endorsement], *, now: datetime
) -> tuple[JudgedEndorsement, ...]:
    """Say of each whose signature holds whether its endorser was known when it was made. T-04.

    Side by side, since each of them may name a party whose superiors are slow.
    """
    return tuple(await asyncio.gather(*(_resolve_endorser(resolver, said, now) for said in endorsements)))


async def _resolve_endorser(resolver: Resolver, said: Endorsement, now: datetime) -> JudgedEndorsement:
    if said.outcome is not Outcome.PASSED or said.endorser_id is None:
        return JudgedEndorsement(said, None)
    recognition = await resolver.trust.recognise_party(
        identifiers={said.endorser_id}, key=said.endorser_key, service="issuance", at=said.issued_at, now=now
    )
    return JudgedEndorsement(said, recognition)
