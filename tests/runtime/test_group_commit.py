"""Works that are committed together: on the disk before anybody hears of one, and each undone by itself."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from runtime.database import BlockingDatabase, Database
from runtime.group_commit import GroupingConnection

LOST = "the transactions of this group were rolled back"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "test.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("PRAGMA journal_mode=WAL; CREATE TABLE kept (id INTEGER PRIMARY KEY)")
    return path


def connect(path: Path) -> GroupingConnection:
    return sqlite3.connect(path, isolation_level=None, factory=GroupingConnection)


def write(connection: sqlite3.Connection, number: int) -> None:
    connection.execute("INSERT INTO kept VALUES (?)", (number,))


def kept(path: Path) -> list[int]:
    """What is there for anybody else."""
    with closing(sqlite3.connect(path)) as connection:
        return [number for (number,) in connection.execute("SELECT id FROM kept ORDER BY id")]


# The connection


def test_without_a_group_a_commit_is_one_at_once(path: Path):
    with closing(connect(path)) as connection:
        connection.begin()
        write(connection, 1)
        connection.commit()
        assert kept(path) == [1]
        connection.begin()
        write(connection, 2)
        connection.rollback()
    assert kept(path) == [1]


def test_what_a_group_commits_is_there_at_its_end_and_not_before(path: Path):
    with closing(connect(path)) as connection:
        connection.begin_group()
        for number in (1, 2, 3):
            connection.begin()
            write(connection, number)
            connection.commit()
        assert kept(path) == []
        connection.end_group()
        assert (kept(path), connection.in_transaction) == ([1, 2, 3], False)


@pytest.mark.parametrize("undone", [1, 2, 3])
def test_who_rolls_back_takes_nothing_of_the_others_with_it(path: Path, undone: int):
    with closing(connect(path)) as connection:
        connection.begin_group()
        for number in (1, 2, 3):
            connection.begin()
            write(connection, number)
            connection.rollback() if number == undone else connection.commit()
        connection.end_group()
    assert kept(path) == [number for number in (1, 2, 3) if number != undone]


def test_who_begins_twice_or_ends_what_it_did_not_begin_changes_nothing(path: Path):
    """SQLAlchemy rolls back whatever connection it takes back."""
    with closing(connect(path)) as connection:
        connection.begin_group()
        for number in (1, 2):
            connection.begin()
            connection.begin()
            write(connection, number)
            connection.commit()
            connection.commit()
            connection.rollback()
        connection.end_group()
    assert kept(path) == [1, 2]


def test_a_group_in_which_nobody_wrote_ends_without_a_commit(path: Path):
    with closing(connect(path)) as connection:
        said: list[str] = []
        connection.set_trace_callback(said.append)
        connection.begin_group()
        connection.execute("SELECT * FROM kept")
        connection.end_group()
    assert said == ["SELECT * FROM kept"]


def test_what_the_database_undid_by_itself_is_nobodys_success(path: Path):
    """As it does on a full disk, in the midst of any statement."""
    with closing(connect(path)) as connection:
        connection.begin_group()
        connection.begin()
        write(connection, 1)
        connection.commit()
        connection.begin()
        connection.execute("ROLLBACK")
        with pytest.raises(sqlite3.OperationalError):
            connection.commit()
        connection.rollback()
        with pytest.raises(sqlite3.OperationalError, match=LOST):
            connection.begin()
        with pytest.raises(sqlite3.OperationalError, match=LOST):
            connection.end_group()
        assert kept(path) == []
        connection.begin()
        write(connection, 2)
        connection.commit()
    assert kept(path) == [2]


# Works of a service's database


def add(number: int, then: Callable[[], object] = lambda: None) -> Callable[[BlockingDatabase], int]:
    def work(database: BlockingDatabase) -> int:
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO kept VALUES (:number)"), {"number": number})
            then()
        return number

    return work


def fail() -> None:
    raise ZeroDivisionError


async def all_at_once(database: Database, *works: Callable[[BlockingDatabase], int]) -> list[int | BaseException]:
    """Let works wait behind one, so that they are done together, and return what became of them."""
    may_go = threading.Event()

    def wait(_database: BlockingDatabase) -> int:
        may_go.wait(10)
        return 0

    waiting = [asyncio.ensure_future(database.run(work)) for work in (wait, *works)]
    await asyncio.sleep(0)
    may_go.set()
    _first, *rest = await asyncio.gather(*waiting, return_exceptions=True)
    return rest


@pytest.fixture
async def database(path: Path):
    database = Database(f"sqlite:///{path}")
    yield database
    await database.close()


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each commit that reaches a disk."""
    made: list[str] = []

    class Watched(GroupingConnection):
        def __init__(self, *args, **options) -> None:
            super().__init__(*args, **options)
            self.set_trace_callback(lambda statement: made.append(statement) if statement == "COMMIT" else None)

    monkeypatch.setattr("runtime.database.GroupingConnection", Watched)
    return made


async def test_works_that_wait_are_committed_together(path: Path, commits: list[str]):
    database = Database(f"sqlite:///{path}")
    assert await all_at_once(database, *map(add, range(1, 9))) == list(range(1, 9))
    assert (kept(path), len(commits) < 8) == (list(range(1, 9)), True)
    await database.close()


async def test_what_a_work_answers_is_on_the_disk(database: Database, path: Path):
    async def add_and_look(number: int) -> bool:
        return await database.run(add(number)) in kept(path)

    assert all(await asyncio.gather(*map(add_and_look, range(100))))


async def test_a_work_that_fails_among_others_leaves_nothing_and_takes_nothing(database: Database, path: Path):
    first, second, third = await all_at_once(database, add(1), add(2, then=fail), add(3))
    assert (first, type(second), third) == (1, ZeroDivisionError, 3)
    assert kept(path) == [1, 3]


async def test_a_work_sees_what_was_spent_before_it_in_the_same_group(database: Database, path: Path):
    found = await all_at_once(database, add(1), add(1), add(1))
    assert (found[0], [type(error).__name__ for error in found[1:]]) == (1, ["IntegrityError"] * 2)
    assert kept(path) == [1]


async def test_when_the_group_cannot_be_committed_every_work_in_it_failed(
    database: Database, path: Path, monkeypatch: pytest.MonkeyPatch
):
    def lose(connection: GroupingConnection) -> None:
        connection._is_grouping = connection._is_pending = False
        connection.execute("ROLLBACK")
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(GroupingConnection, "end_group", lose)
        found = await all_at_once(database, add(1), add(2, then=fail), add(3))
    assert [type(error) for error in found] == [OperationalError] * 3
    assert (kept(path), await database.run(add(4)), kept(path)) == ([], 4, [4])


def test_a_process_that_ends_within_a_group_has_answered_nobody_and_kept_nothing(path: Path):
    script = """
import asyncio, os, sys, threading
from sqlalchemy import text
from runtime.database import Database

def add(database):
    with database.transaction() as connection:
        connection.execute(text("INSERT INTO kept VALUES (1)"))
    return "committed"

async def main():
    database, may_go = Database("sqlite:///" + sys.argv[1]), threading.Event()
    works = [lambda _: may_go.wait(10), add, lambda _: os._exit(9)]
    waiting = [asyncio.ensure_future(database.run(work)) for work in works]
    waiting[1].add_done_callback(lambda future: print(future.result(), flush=True))
    await asyncio.sleep(0)
    may_go.set()
    await asyncio.gather(*waiting)

asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (9, "", "")
    assert kept(path) == []
