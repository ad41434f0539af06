"""Forget in time: what holders sent goes when its time has passed; what was checked stays (PROFILE.md V-41).

Runs in every process, every few minutes; each erasing is one statement, so many processes do no harm to one another.
Before the interval comes round, nothing past its time is shown either: pages and API look at the clock, not at this.
"""

from dataclasses import dataclass
from datetime import datetime

from runtime.service import Service
from verifier import store
from verifier.models import PresentationRequest
from verifier.settings import VerifierSettings
from verifier.webhooks import DELIVERIES_KEPT


@dataclass(frozen=True, slots=True)
class Erased:
    """How much was forgotten, for the log; never what."""

    received: int
    uncollected: int
    exchanges: int
    unanswered: int
    deliveries: int


async def erase_what_has_passed(service: Service[VerifierSettings]) -> Erased:
    """Erase received claims after their retention, results nobody came for, and secrets of unanswered requests."""
    now = service.clock()
    async with service.database.transaction() as session:
        erased = Erased(
            received=await store.erase_received(session, now),
            uncollected=await store.discard_uncollected(session, now, lifetime=service.settings.response_code_lifetime),
            exchanges=await store.erase_exchanges(session, now),
            unanswered=await store.delete_unanswered(session, now, after=service.settings.unanswered_retention),
            deliveries=await store.delete_ended_deliveries(session, now - DELIVERIES_KEPT),
        )
    # Every round: keys of answered requests and discarded results were erased since the last one.
    await service.database.forget_erased()
    return erased


def is_kept(request: PresentationRequest, now: datetime) -> bool:
    """Whether what the holder sent may still be read."""
    return request.sealed_received is not None and request.erase_at is not None and now < request.erase_at
