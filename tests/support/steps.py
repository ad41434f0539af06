"""Ends the process at a step of its work, as a power cut would; what comes after is another process on the same data.

    steps = Steps.watch(monkeypatch)
    number = 0
    while await steps.ends_at(number := number + 1, work): ...      # one way to look at it for every step there is

The steps are found by running: before each transaction, before it commits, after it did, and wherever `around` is put.
Those of the work are counted and of whatever it begins, not of what a service does meanwhile by itself: an end there
would reach nobody here, and come out of whatever waits for that task much later.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any

import pytest

from runtime import database
from runtime.database import Database

_is_of_the_work: ContextVar[bool] = ContextVar("is_of_the_work", default=False)


class EndOfProcess(BaseException):
    """Nothing of ours catches this, as nothing catches a power cut."""


class Steps:
    """Counts the steps and ends the process at one of them; at none until `ends_at` is called."""

    def __init__(self) -> None:
        self._number, self._end_at = 0, -1

    @classmethod
    def watch(cls, monkeypatch: pytest.MonkeyPatch) -> "Steps":
        """Count the transactions of every database in this process, of both kinds."""
        steps = cls()
        transaction, writing = Database.transaction, database._Writing

        @asynccontextmanager
        async def counted(opened: Database) -> AsyncIterator[Any]:
            steps.take()
            async with transaction(opened) as session:
                yield session
                steps.take()
            steps.take()

        class Counted(writing):
            __slots__ = ()

            def __enter__(self) -> None:
                steps.take()
                super().__enter__()

            def __exit__(
                self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
            ) -> None:
                try:
                    if kind is None:
                        steps.take()
                except EndOfProcess:
                    super().__exit__(EndOfProcess, None, None)
                    raise
                super().__exit__(kind, error, trace)
                if kind is None:
                    steps.take()

        monkeypatch.setattr(Database, "transaction", counted)
        monkeypatch.setattr(database, "_Writing", Counted)
        return steps

    def take(self) -> None:
        """One step further, if it is the work that takes it."""
        if not _is_of_the_work.get():
            return
        self._number += 1
        if self._number == self._end_at:
            raise EndOfProcess

    def around(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """The same call with a step before it and one after it."""

        async def counted(*args: Any, **named: Any) -> Any:
            self.take()
            answer = await call(*args, **named)
            self.take()
            return answer

        return counted

    async def ends_at(self, number: int, work: Callable[[], Awaitable[Any]]) -> bool:
        """Whether the process ended at this step; there may be fewer."""
        self._number, self._end_at = 0, number
        before, token = asyncio.all_tasks(), _is_of_the_work.set(True)
        try:
            await work()
        except EndOfProcess:
            # Whatever ran beside it ends with it.
            beside = asyncio.all_tasks() - before
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            return True
        finally:
            _is_of_the_work.reset(token)
            self._end_at = -1
        return False
