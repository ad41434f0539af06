"""Turns to write: in order of asking, shared where that saves a hop, and given up only when nothing moves."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from runtime.database import BlockingDatabase, Database
from runtime.errors import is_database_away
from runtime.turns import Turns


async def started(*waiting: "asyncio.Task[None]") -> None:
    """Let tasks run until each of them waits."""
    for _ in waiting:
        await asyncio.sleep(0)


def ask(turns: Turns, *, shared: bool) -> "asyncio.Task[None]":
    return asyncio.create_task(turns.take(shared=shared))


async def test_who_asked_first_writes_first():
    turns, order = Turns(patience=5), list[int]()

    async def write(number: int) -> None:
        await turns.take(shared=False)
        order.append(number)
        await asyncio.sleep(0)
        turns.end(shared=False)

    await asyncio.gather(*(write(number) for number in range(50)))
    assert order == list(range(50))


async def test_those_who_share_do_not_wait_for_one_another_but_for_who_came_before():
    turns = Turns(patience=5)
    await asyncio.gather(*(turns.take(shared=True) for _ in range(3)))
    alone = ask(turns, shared=False)
    late = ask(turns, shared=True)
    await started(alone, late)
    assert not alone.done()
    assert not late.done()
    for _ in range(3):
        turns.end(shared=True)
    await asyncio.wait_for(alone, 5)
    assert not late.done()
    turns.end(shared=False)
    await asyncio.wait_for(late, 5)


async def test_who_stops_waiting_stops_nobody_behind():
    turns = Turns(patience=5)
    await turns.take(shared=True)
    alone, behind = ask(turns, shared=False), ask(turns, shared=True)
    await started(alone, behind)
    alone.cancel()
    await asyncio.wait_for(behind, 5)


async def test_who_is_called_and_no_longer_there_passes_the_turn_on():
    turns = Turns(patience=5)
    await turns.take(shared=False)
    first, second = ask(turns, shared=False), ask(turns, shared=False)
    await started(first, second)
    turns.end(shared=False)
    first.cancel()
    await asyncio.wait_for(second, 5)
    assert first.cancelled()


async def test_nobody_gives_up_while_the_queue_moves():
    """Fifty writers, of whom the last waits ten times as long as anybody would for one."""
    turns = Turns(patience=0.1)

    async def write() -> None:
        await turns.take(shared=False)
        await asyncio.sleep(0.02)
        turns.end(shared=False)

    await asyncio.gather(*(write() for _ in range(50)))


async def test_a_writer_that_never_ends_is_given_up_on():
    turns = Turns(patience=0.05)
    await turns.take(shared=False)
    with pytest.raises(PoolTimeoutError) as caught:
        await turns.take(shared=True)
    assert is_database_away(caught.value)
    turns.end(shared=False)
    await turns.take(shared=True)


async def test_a_hundred_writers_of_both_kinds_all_write_though_each_waits_only_briefly(
    new_database, monkeypatch: pytest.MonkeyPatch
):
    """Without a queue they would poll the lock, and the unlucky would give up."""
    monkeypatch.setattr("runtime.database._BUSY_SECONDS", 0.5)
    database = Database(new_database(None))
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE written (number INTEGER)"))

    def work(blocking: BlockingDatabase) -> None:
        with blocking.transaction() as connection:
            connection.execute(text("INSERT INTO written VALUES (1)"))

    async def transact() -> None:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO written VALUES (1)"))
            await asyncio.sleep(0.02)

    await asyncio.gather(*(transact() for _ in range(50)), *(database.run(work) for _ in range(50)))
    async with database.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM written")) == 100
    await database.close()


async def test_who_reads_waits_for_no_queue_of_writers(new_sqlite_database):
    database = Database(new_sqlite_database(None))
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE written (number INTEGER)"))
    may_end = asyncio.Event()

    async def transact() -> None:
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO written VALUES (1)"))
            await may_end.wait()

    # As many as would take every connection of a pool, were they to wait with one in their hands.
    writers = [asyncio.create_task(transact()) for _ in range(20)]
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5), database.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM written")) == 0
    may_end.set()
    await asyncio.gather(*writers)
    await database.close()
