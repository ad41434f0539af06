"""Prepared statements: the same values in and out as SQLAlchemy's own, the same errors, on both databases."""

import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import Any

import psycopg
import pytest
from sqlalchemy import JSON, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Mapped, mapped_column

from runtime.database import BlockingConnection, BlockingDatabase, Database, declarative_base, run_blocking
from runtime.prepared import Prepared
from tests.support.clock import NOW

Base = declarative_base()


class Thing(Base):
    __tablename__ = "things"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    image: Mapped[bytes | None]
    state: Mapped[str]
    seen_at: Mapped[datetime | None]


_things: Any = Thing.__table__
ADD = Prepared(insert(_things))
FIND = Prepared(select(_things.c.content, _things.c.seen_at, _things.c.id).where(_things.c.id == bindparam("thing_id")))
LIST = Prepared(select(_things.c.id).where(_things.c.state == "new"))
FINISH = Prepared(
    update(_things).where(_things.c.state == "new", _things.c.id == bindparam("thing_id")).values(state="old")
)
KEEP = Prepared(
    {
        name: spelling(_things).on_conflict_do_nothing().returning(_things.c.id)
        for name, spelling in {"sqlite": sqlite.insert, "postgresql": postgresql.insert}.items()
    }
)
MANY = Prepared(
    {
        name: spelling(_things).on_conflict_do_nothing()
        for name, spelling in {"sqlite": sqlite.insert, "postgresql": postgresql.insert}.items()
    }
)
ID = uuid.UUID("7d5f0f9a-5a43-4d06-9a04-3c6a8b9d1f10")
ROW = {"id": ID, "content": {"é": [1, None]}, "image": b"\0\xff", "state": "new", "seen_at": NOW}


@pytest.fixture
async def database(new_database) -> AsyncIterator[Database]:
    database = Database(new_database(None))
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield database
    await database.close()


async def test_many_rows_are_written_as_one_by_one(database: Database):
    """What differs in rows, what does not once; and how many of them were written."""
    ids = [uuid.UUID(int=number) for number in range(3)]
    same = {"content": {"a": 1}, "image": None, "seen_at": NOW}

    def work(blocking: BlockingDatabase) -> tuple[int, list[tuple[Any, ...]]]:
        with blocking.transaction() as connection:
            added = MANY.change_many(connection, ("id", "state"), [(each, "new") for each in ids], **same)
            added += MANY.change_many(connection, ("state", "id"), [("old", ids[0]), ("new", uuid.UUID(int=9))], **same)
        with blocking.connection() as connection:
            return added, FIND.rows(connection, thing_id=ids[2])

    added, [found] = await database.run(work)
    assert added == 4
    assert found == ({"a": 1}, NOW, ids[2])

    def break_rule(blocking: BlockingDatabase) -> None:
        with blocking.transaction() as connection:
            ADD.change_many(connection, ("id",), [(ids[0],)], **same, state="new")

    with pytest.raises(IntegrityError):
        await database.run(break_rule)


async def test_values_come_out_as_they_went_in(database: Database):
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2)))

    def work(blocking: BlockingDatabase) -> Any:
        with blocking.transaction() as connection:
            assert ADD.change(connection, **ROW | {"seen_at": elsewhere}) == 1
        with blocking.connection() as connection:
            return FIND.row(connection, thing_id=ID), FIND.row(connection, thing_id=uuid.uuid4())

    assert await database.run(work) == ((ROW["content"], NOW, ID), None)


async def test_a_change_says_how_many_rows_it_changed_and_fixed_values_count(database: Database):
    def work(blocking: BlockingDatabase) -> list[int]:
        with blocking.transaction() as connection:
            ADD.change(connection, **ROW)
            return [FINISH.change(connection, thing_id=ID) for _ in range(2)]

    assert await database.run(work) == [1, 0]


async def test_each_database_gets_its_own_spelling(database: Database):
    def work(blocking: BlockingDatabase) -> list[Any]:
        with blocking.transaction() as connection:
            return [KEEP.row(connection, **ROW) for _ in range(2)]

    assert await database.run(work) == [(ID,), None]


async def test_it_serves_a_session_too(database: Database):
    async with database.transaction() as session:
        await run_blocking(session, ADD.change, **ROW)
        await run_blocking(session, ADD.change, **ROW | {"id": uuid.uuid4()})
    async with database.reading() as session:
        assert len(await run_blocking(session, LIST.rows)) == 2


async def test_two_rows_where_one_was_expected_are_our_mistake(database: Database):
    def work(blocking: BlockingDatabase) -> None:
        with blocking.transaction() as connection:
            for number in range(2):
                ADD.change(connection, **ROW | {"id": uuid.UUID(int=number)})
            LIST.row(connection)

    with pytest.raises(ValueError, match="two rows"):
        await database.run(work)


async def test_a_parameter_that_was_forgotten_is_our_mistake(database: Database):
    def work(blocking: BlockingDatabase) -> None:
        with blocking.transaction() as connection:
            ADD.change(connection, id=ID)

    with pytest.raises(KeyError):
        await database.run(work)


async def test_a_broken_rule_is_the_usual_exception_and_names_no_value(database: Database):
    def work(blocking: BlockingDatabase) -> None:
        with blocking.transaction() as connection:
            for _ in range(2):
                ADD.change(connection, **ROW | {"state": "secret-value"})

    with pytest.raises(IntegrityError) as caught:
        await database.run(work)
    assert "secret-value" not in str(caught.value)


async def test_a_broken_connection_is_told_to_be_broken_and_is_not_used_again(database: Database):
    if database.is_sqlite:
        pytest.skip("SQLite has no connection that could break")

    def break_it(connection: BlockingConnection) -> None:
        with suppress(psycopg.OperationalError):
            connection.connection.cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")
        LIST.rows(connection)

    def work(blocking: BlockingDatabase) -> None:
        with blocking.connection() as connection:
            break_it(connection)

    with pytest.raises(OperationalError) as caught:
        await database.run(work)
    assert caught.value.connection_invalidated

    def again(blocking: BlockingDatabase) -> list[Any]:
        with blocking.connection() as connection:
            return LIST.rows(connection)

    assert await database.run(again) == []
