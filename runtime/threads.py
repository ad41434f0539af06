"""A few threads that take work from the event loop and give back what became of it.

What `run_in_executor` does, without the second future, its locks and its callbacks, which cost more than handing the
work over and waking the loop.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context, copy_context
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeVar

T = TypeVar("T")
_Settle = Callable[["asyncio.Future[Any]", Any], None]
_Task = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Context, Callable[[], Any], Callable[[], None] | None]


class Threads:
    """So many threads of one name, started when there is work for the first time."""

    def __init__(self, count: int, *, name: str) -> None:
        self._count = count
        self._name = name
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._threads: list[Thread] = []
        self._starting = Lock()
        self._is_closed = False

    def run(self, work: Callable[[], T], *, afterwards: Callable[[], None] | None = None) -> "asyncio.Future[T]":
        """Do the work in one of the threads; the future returns or raises what it does. Who cancels only stops waiting.

        The work sees the context variables of its caller. `afterwards` is called on the event loop when the work is
        done, whether or not somebody still waits. Raises RuntimeError after `close`.
        """
        if not self._threads:
            self._start()
        if self._is_closed:
            raise RuntimeError("these threads have ended")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._tasks.put((loop, future, copy_context(), work, afterwards))
        return future

    def close(self) -> None:
        """Finish what was handed over, and end the threads. It blocks until then."""
        self._is_closed = True
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        with self._starting:
            while len(self._threads) < self._count:
                thread = Thread(target=self._serve, name=f"{self._name}-{len(self._threads)}", daemon=True)
                thread.start()
                self._threads.append(thread)

    def _serve(self) -> None:
        while (task := self._tasks.get()) is not None:
            loop, future, context, work, afterwards = task
            settle, outcome = _do(context, work)
            # A loop that ended meanwhile has nobody left who waits.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_finish, settle, future, outcome, afterwards)
            del task, loop, future, context, work, outcome, afterwards


def _finish(
    settle: _Settle, future: "asyncio.Future[Any]", outcome: Any, afterwards: Callable[[], None] | None
) -> None:
    settle(future, outcome)
    if afterwards is not None:
        afterwards()


def _do(context: Context, work: Callable[[], Any]) -> tuple[_Settle, Any]:
    try:
        return _return, context.run(work)
    except BaseException as exc:
        return _raise, exc


def _return(future: "asyncio.Future[Any]", value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _raise(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
