"""Threads that take work from the event loop: each piece is done once, and its outcome reaches who waits."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial

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


async def test_what_is_asked_at_the_same_moment_is_begun_when_all_have_asked(threads: Threads):
    """So that what can be finished together is; and whoever asks next needs the interpreter first."""
    begun = threading.Event()
    first = threads.run(begun.set)
    assert not begun.wait(0.05)
    await asyncio.gather(first, threads.run(begun.wait))
    assert begun.is_set()


async def test_what_was_asked_before_the_end_is_done(threads: Threads):
    future = threads.run(lambda: "done")
    threads.close()
    assert await future == "done"


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


async def test_an_outcome_does_not_wait_for_long_work_behind_it():
    """Without waking the loop for each while more waits, and yet in time."""
    threads, may_go = Threads(1, name="test"), threading.Event()
    short = threads.run(lambda: "short")
    long, last = threads.run(lambda: may_go.wait(5)), threads.run(lambda: "last")
    assert await asyncio.wait_for(short, 2) == "short"
    assert not long.done()
    assert not last.done()
    may_go.set()
    assert await asyncio.gather(long, last) == [True, "last"]
    await asyncio.to_thread(threads.close)


async def test_every_one_of_many_outcomes_reaches_who_waits(threads: Threads):
    ended: list[int] = []
    futures = [threads.run(partial(pow, number, 2), afterwards=partial(ended.append, number)) for number in range(500)]
    assert await asyncio.wait_for(asyncio.gather(*futures), 10) == [number**2 for number in range(500)]
    assert sorted(ended) == list(range(500))


def test_loops_that_ask_in_turn_all_get_their_outcomes(threads: Threads):
    async def ask() -> list[int]:
        return await asyncio.wait_for(asyncio.gather(*(threads.run(partial(pow, n, 2)) for n in range(50))), 10)

    with ThreadPoolExecutor(4) as loops:
        answers = [loops.submit(asyncio.run, ask()) for _ in range(20)]
        assert all(answer.result() == [n**2 for n in range(50)] for answer in answers)


async def test_after_the_end_no_work_is_taken():
    threads = Threads(1, name="test")
    assert await threads.run(lambda: 1) == 1
    threads.close()
    with pytest.raises(RuntimeError):
        threads.run(lambda: 2)
