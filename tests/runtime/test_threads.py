"""Threads that take work from the event loop: each piece is done once, and its outcome reaches who waits."""

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from runtime.threads import Threads

SAID: ContextVar[str] = ContextVar("said", default="nothing")


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads(2, name="test")
    yield threads
    threads.close()


async def test_the_outcome_comes_back_to_the_loop(threads: Threads):
    assert await threads.run(lambda: 1 + 1) == 2
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)


async def test_work_runs_in_another_thread_with_its_callers_context(threads: Threads):
    SAID.set("something")
    thread, said = await threads.run(lambda: (threading.get_ident(), SAID.get()))
    assert (thread != threading.get_ident(), said) == (True, "something")


async def test_what_work_sets_stays_in_its_own_context(threads: Threads):
    await threads.run(lambda: SAID.set("elsewhere"))
    assert SAID.get() == "nothing"


async def test_as_many_run_at_once_as_there_are_threads(threads: Threads):
    both = threading.Barrier(2, timeout=5)
    assert sorted(await asyncio.gather(threads.run(both.wait), threads.run(both.wait))) == [0, 1]


async def test_who_stops_waiting_does_not_stop_the_work(threads: Threads):
    may_go, done = threading.Event(), threading.Event()

    def work() -> None:
        may_go.wait(5)
        done.set()

    future = threads.run(work)
    future.cancel()
    may_go.set()
    assert await asyncio.to_thread(done.wait, 5)
    assert await threads.run(lambda: "still here") == "still here"


def test_a_loop_that_ended_meanwhile_breaks_nothing(threads: Threads):
    may_go = threading.Event()

    async def leave() -> None:
        threads.run(lambda: may_go.wait(5))

    asyncio.run(leave())
    may_go.set()

    async def ask() -> str:
        return await threads.run(lambda: "still here")

    assert asyncio.run(ask()) == "still here"


async def test_after_the_end_no_work_is_taken():
    threads = Threads(1, name="test")
    assert await threads.run(lambda: 1) == 1
    threads.close()
    with pytest.raises(RuntimeError):
        threads.run(lambda: 2)
