"""Whose turn it is to write, for a database that takes one writer at a time.

SQLite's writers ask for its lock again and again until they are lucky, and give up after a while: under heavy load some
never are. Here they wait in order of asking, and nobody gives up while the queue moves. Transactions take the turn
alone; works that one thread does after another anyway (`Database.run`) may hold it together, so that the thread need
not be woken for each.
"""

import asyncio
from collections import deque
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util.concurrency import await_

_Waiting = tuple["asyncio.Future[None]", bool]


class Turns:
    """First come, first served; who asks to share waits behind whoever asked before to be alone."""

    def __init__(self, *, patience: float) -> None:
        self._patience = patience
        self._is_alone = False
        self._sharing = 0
        self._waiting: deque[_Waiting] = deque()
        self._ended = 0

    async def take(self, *, shared: bool) -> None:
        """Wait for the turn. Raises `PoolTimeoutError` when for so many seconds no turn ended that was waited for."""
        if not self._waiting and self._is_free(shared):
            self._give(shared)
            return
        entry = (asyncio.get_running_loop().create_future(), shared)
        self._waiting.append(entry)
        try:
            await self._wait(entry[0])
        except BaseException:
            self._step_out(entry)
            raise

    def end(self, *, shared: bool) -> None:
        """The turn is over; the next in the queue have theirs."""
        if shared:
            self._sharing -= 1
        else:
            self._is_alone = False
        self._ended += 1
        self._call_next()

    async def _wait(self, called: "asyncio.Future[None]") -> None:
        while True:
            ended = self._ended
            await asyncio.wait([called], timeout=self._patience)
            if called.done():
                return
            if ended == self._ended:
                raise PoolTimeoutError("whoever writes now does not come to an end")

    def _step_out(self, entry: _Waiting) -> None:
        called, shared = entry
        if called.done():
            self.end(shared=shared)
        else:
            self._waiting.remove(entry)
            self._call_next()

    def _call_next(self) -> None:
        while self._waiting and self._is_free(self._waiting[0][1]):
            called, shared = self._waiting.popleft()
            self._give(shared)
            called.set_result(None)

    def _is_free(self, shared: bool) -> bool:
        return not self._is_alone and (shared or self._sharing == 0)

    def _give(self, shared: bool) -> None:
        if shared:
            self._sharing += 1
        else:
            self._is_alone = True


class OneWriterPool(AsyncAdaptedQueuePool):
    """A pool of the one connection that transactions write with, which is lent in turns."""

    def __init__(self, creator: Any, **options: Any) -> None:
        super().__init__(creator, **options)
        self.turns = Turns(patience=self.timeout())

    def _do_get(self) -> ConnectionPoolEntry:
        await_(self.turns.take(shared=False))
        try:
            return super()._do_get()
        except BaseException:
            self.turns.end(shared=False)
            raise

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        super()._do_return_conn(record)
        self.turns.end(shared=False)
