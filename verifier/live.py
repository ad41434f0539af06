"""Tell an open page how its question stands: server-sent events, read from the database by any process.

Nothing about the answer travels here, only the state; the page fetches the rest when there is something to fetch.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from runtime.service import Service
from verifier.models import PresentationRequest
from verifier.presentation_request import current_state, time_left
from verifier.settings import VerifierSettings

FINAL_STATES = frozenset({"settled", "refused", "expired", "discarded"})
MAX_POLLS = 60
"""One connection does not stay open for ever; the browser comes back by itself."""

Look = Callable[[], Awaitable[PresentationRequest | None]]


async def stream_states(service: Service[VerifierSettings], look: Look) -> AsyncIterator[str]:
    """An event for the state now and for each change of it; ends with a final state, or after a while."""
    yield "retry: 2000\n\n"
    last = ""
    for _ in range(MAX_POLLS):
        request = await look()
        if request is None:
            return
        state = current_state(request, service.clock())
        if state != last:
            yield _event(request, state, service)
            last = state
        if state in FINAL_STATES:
            return
        await asyncio.sleep(service.settings.live_poll_interval.total_seconds())


def _event(request: PresentationRequest, state: str, service: Service[VerifierSettings]) -> str:
    seconds = int(time_left(request, service.clock()).total_seconds())
    data = json.dumps({"state": state, "is_final": state in FINAL_STATES, "seconds_left": seconds})
    return f"event: state\ndata: {data}\n\n"
