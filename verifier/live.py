"""Tell an open page how its question stands: server-sent events, read from the database by any process.

Nothing about the answer travels here, only the state; the page fetches the rest when there is something to fetch.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from weakref import WeakSet

from runtime.service import Service
from verifier.errors import TooManyStreamsError
from verifier.models import PresentationRequest
from verifier.presentation_request import current_state, time_left
from verifier.settings import VerifierSettings

FINAL_STATES = frozenset({"settled", "refused", "expired", "discarded"})
MAX_POLLS = 60
"""One connection does not stay open for ever; the browser comes back by itself."""

Look = Callable[[], Awaitable[PresentationRequest | None]]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Seat:
    """The right to one open stream, until it is left or nobody holds it any more."""

    request_id: str
    _taken: "WeakSet[Seat]"

    def leave(self) -> None:
        self._taken.discard(self)


class OpenStreams:
    """How many streams are open in this process: every one of them asks the database each second.

    A few for one question (the same page in several tabs), and not so many in all that the rest of the service waits
    for them. A stream leaves its seat however it ends; the seat of one that never began is free when it is forgotten.
    """

    def __init__(self, *, in_all: int = 100, for_one_request: int = 4) -> None:
        self._in_all = in_all
        self._for_one_request = for_one_request
        self._seats: WeakSet[Seat] = WeakSet()

    def take_seat(self, request_id: str) -> Seat:
        """A seat, or `TooManyStreamsError`."""
        taken = list(self._seats)
        if len(taken) >= self._in_all or [seat.request_id for seat in taken].count(request_id) >= self._for_one_request:
            raise TooManyStreamsError
        seat = Seat(request_id, self._seats)
        self._seats.add(seat)
        return seat


async def stream_states(service: Service[VerifierSettings], seat: Seat, look: Look) -> AsyncIterator[str]:
    """An event for the state now and for each change of it; ends with a final state, or after a while.

    Leaves its `seat` then, or when the browser went away.
    """
    try:
        async for event in _events(service, look):
            yield event
    finally:
        seat.leave()


async def _events(service: Service[VerifierSettings], look: Look) -> AsyncIterator[str]:
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
