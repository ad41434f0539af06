"""Transactions on both databases: committed on purpose, undone on failure, spent by one caller."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Mapped, mapped_column

from runtime.database import (
    BlockingConnection,
    BlockingDatabase,
    Database,
    NestedTransactionError,
    declarative_base,
    driver_url,
    run_blocking,
)
from tests.support.clock import NOW

Base = declarative_base()


class Nonce(Base):
    __tablename__ = "nonce"
    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(unique=True)
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]


@pytest.fixture
async def database(new_database) -> AsyncIterator[Database]:
    database = Database(new_database(None))
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield database
    await database.close()


async def add(database: Database, number: int = 1) -> None:
    async with database.transaction() as session:
        session.add(Nonce(id=number, person=f"p{number}", expires_at=NOW))


async def count(database: Database) -> int:
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(Nonce)) or 0


async def test_a_transaction_commits_at_its_end(database: Database):
    await add(database)
    assert await count(database) == 1


async def test_a_transaction_that_raises_leaves_nothing(database: Database):
    async def fail() -> None:
        async with database.transaction() as session:
            session.add(Nonce(id=1, person="p", expires_at=NOW))
            await session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await count(database) == 0


async def test_what_is_written_while_reading_is_not_kept(database: Database):
    async with database.reading() as session:
        session.add(Nonce(id=1, person="p", expires_at=NOW))
    assert await count(database) == 0


async def test_eight_simultaneous_callers_spend_a_one_time_value_once(database: Database):
    await add(database)

    async def spend() -> int:
        async with database.transaction() as session:
            statement = update(Nonce).where(Nonce.id == 1, Nonce.spent_at.is_(None)).values(spent_at=NOW)
            return len((await session.execute(statement.returning(Nonce.id))).all())

    assert sorted(await asyncio.gather(*(spend() for _ in range(8)))) == [0] * 7 + [1]


async def test_eight_simultaneous_writers_that_read_first_all_succeed(database: Database):
    """SQLite's deferred transactions would fail here: a reader cannot become a writer after somebody else wrote."""
    await add(database)

    async def read_then_write(number: int) -> None:
        async with database.transaction() as session:
            await session.scalar(select(Nonce.person).where(Nonce.id == 1))
            await asyncio.sleep(0)
            session.add(Nonce(id=number, person=f"p{number}", expires_at=NOW))

    await asyncio.gather(*(read_then_write(number) for number in range(2, 10)))
    assert await count(database) == 9


async def test_a_reader_waits_for_no_writer_and_sees_no_half_work(database: Database):
    async with database.transaction() as session:
        session.add(Nonce(id=1, person="p", expires_at=NOW))
        await session.flush()
        assert await asyncio.wait_for(count(database), 2) == 0
    assert await count(database) == 1


async def test_a_transaction_inside_an_open_one_is_refused_at_once(database: Database):
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(NestedTransactionError):
            await add(database)


async def test_a_transaction_of_its_own_before_the_main_one_begins_survives_its_failure(database: Database):
    async def fail() -> None:
        async with database.transaction() as session:
            await add(database)
            await session.execute(delete(Nonce))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await count(database) == 1


async def test_times_come_back_aware_and_in_utc(database: Database):
    local = NOW.astimezone(timezone(timedelta(hours=2)))
    async with database.transaction() as session:
        session.add(Nonce(id=1, person="p", expires_at=local))
    async with database.reading() as session:
        found = await session.scalar(select(Nonce.expires_at).where(Nonce.expires_at <= NOW))
    assert found == NOW
    assert found is not None
    assert found.tzinfo is UTC


async def test_a_time_without_a_zone_is_refused(database: Database):
    with pytest.raises(StatementError):
        async with database.transaction() as session:
            session.add(Nonce(id=1, person="p", expires_at=NOW.replace(tzinfo=None)))


async def test_A55_a_database_error_does_not_quote_what_was_written(database: Database):
    await add(database)
    with pytest.raises(IntegrityError) as caught:
        async with database.transaction() as session:
            session.add(Nonce(id=1, person="sanne@student.example", expires_at=NOW))
    statement_and_parameters = str(caught.value).replace(str(caught.value.orig), "")
    assert "sanne" not in statement_and_parameters


async def test_the_database_says_whether_it_answers(database: Database):
    assert await database.is_ready()


async def test_sqlite_keeps_a_commit_through_a_power_cut(new_sqlite_database):
    """`synchronous=FULL` (2): a spent value stays spent."""
    database = Database(new_sqlite_database(None))
    async with database.reading() as session:
        pragmas = {
            name: await session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout")
        }
    await database.close()
    assert pragmas == {
        "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 10_000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:///x", "sqlite+aiosqlite"),
        ("sqlite+pysqlite:///x", "sqlite+aiosqlite"),
        ("postgresql://h/x", "postgresql+psycopg"),
        ("postgresql+psycopg2://h/x", "postgresql+psycopg"),
    ],
)
def test_a_url_gets_the_driver_that_we_ship(url: str, driver: str):
    assert driver_url(url).drivername == driver


def test_another_database_is_refused():
    with pytest.raises(ValueError, match="mysql"):
        driver_url("mysql://h/x")


def test_constraints_have_stable_names(tmp_path):
    engine: Engine = create_engine(f"sqlite:///{tmp_path}/x")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        ddl = connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'nonce'"))
    engine.dispose()
    assert "uq_nonce_person" in ddl
    assert "pk_nonce" in ddl


async def test_V41_what_was_erased_leaves_the_log_too_while_the_service_runs(new_sqlite_database):
    """No connection is closed and nothing is checkpointed by hand: both would cut the log by themselves."""
    url = new_sqlite_database(None)
    path = Path(url.removeprefix("sqlite:///"))
    database = Database(url)
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE kept (content TEXT)"))
        await session.execute(text("INSERT INTO kept VALUES ('a-secret-of-somebody')"))
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM kept"))

    def every_byte() -> bytes:
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))

    assert b"a-secret-of-somebody" in every_byte()
    await database.forget_erased()
    assert b"a-secret-of-somebody" not in every_byte()
    await database.close()


async def test_V41_a_reader_that_keeps_the_log_is_no_failure(new_sqlite_database, capfd):
    database = Database(new_sqlite_database(None))
    async with database.transaction() as session:
        await session.execute(text("CREATE TABLE kept (content TEXT)"))
    async with database.reading() as reader:
        await reader.execute(text("SELECT * FROM kept"))
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO kept VALUES ('later')"))
        await database.forget_erased()
    await database.forget_erased()
    await database.close()


def add_blocking(number: int) -> Callable[[BlockingDatabase], int]:
    def work(database: BlockingDatabase) -> int:
        with database.transaction() as connection:
            connection.execute(insert(Nonce).values(id=number, person=f"p{number}", expires_at=NOW))
        return threading.get_ident()

    return work


async def test_work_of_many_statements_runs_in_one_thread_of_the_database_and_commits(database: Database):
    assert await database.run(add_blocking(1)) != threading.get_ident()
    assert await count(database) == 1


async def test_work_that_raises_in_its_transaction_leaves_nothing(database: Database):
    def fail(blocking: BlockingDatabase) -> None:
        with blocking.transaction() as connection:
            connection.execute(insert(Nonce).values(id=1, person="p", expires_at=NOW))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.run(fail)
    assert await count(database) == 0


async def test_work_may_read_before_it_writes_on_one_connection(database: Database):
    def spend(blocking: BlockingDatabase) -> int:
        with blocking.connection() as connection:
            before = connection.execute(select(func.count()).select_from(Nonce)).scalar_one()
            with blocking.writing(connection):
                connection.execute(insert(Nonce).values(id=1, person="p", expires_at=NOW))
            return before

    assert await database.run(spend) == 0
    assert await count(database) == 1


async def test_work_that_writes_without_a_transaction_keeps_nothing(database: Database):
    def write(blocking: BlockingDatabase) -> None:
        with blocking.connection() as connection:
            connection.execute(insert(Nonce).values(id=1, person="p", expires_at=NOW))

    await database.run(write)
    assert await count(database) == 0


async def test_eight_works_beside_eight_transactions_all_succeed(database: Database):
    works = [database.run(add_blocking(number)) for number in range(8)]
    await asyncio.gather(*works, *(add(database, number) for number in range(8, 16)))
    assert await count(database) == 16


async def test_eight_works_spend_a_one_time_value_once(database: Database):
    await add(database)

    def spend(blocking: BlockingDatabase) -> int:
        with blocking.transaction() as connection:
            statement = update(Nonce).where(Nonce.id == 1, Nonce.spent_at.is_(None)).values(spent_at=NOW)
            return connection.execute(statement).rowcount

    assert sorted(await asyncio.gather(*(database.run(spend) for _ in range(8)))) == [0] * 7 + [1]


async def test_work_inside_an_open_transaction_is_refused_at_once(database: Database):
    async with database.transaction() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(NestedTransactionError):
            await database.run(add_blocking(1))


async def test_a_transaction_inside_one_of_the_same_work_is_refused_at_once(database: Database):
    def nest(blocking: BlockingDatabase) -> None:
        with blocking.transaction() as connection:
            connection.execute(text("SELECT 1"))
            add_blocking(2)(blocking)

    with pytest.raises(NestedTransactionError):
        await database.run(nest)
    await database.run(add_blocking(1))


async def test_a_query_for_threads_takes_part_in_the_transaction_of_a_session(database: Database):
    def write(connection: BlockingConnection, number: int) -> None:
        connection.execute(insert(Nonce).values(id=number, person="p", expires_at=NOW))

    async def fail() -> None:
        async with database.transaction() as session:
            await run_blocking(session, write, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await count(database) == 0
