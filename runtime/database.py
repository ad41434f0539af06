"""One database a service, by one URL: SQLite for a laptop, PostgreSQL to scale.

    database = Database("sqlite:///var/issuer.sqlite3")      # or postgresql://user:pass@host/issuer
    migrate("sqlite:///var/issuer.sqlite3", "issuer")        # runs issuer/migrations; sync, before the start

    async with database.transaction() as session: ...        # writes; commits at the end, rolls back on an exception
    async with database.reading() as session: ...            # a snapshot for reading; never commits

Each statement of these costs two hops between threads. Where many statements make one request and requests are many,
`database.run` does the whole in one hop: `work` is an ordinary function, in a thread of the database's own, and opens
its transactions there:

    def work(database: BlockingDatabase) -> Answer:
        with database.transaction() as connection: ...
    answer = await database.run(work)

Queries there are written for a `BlockingConnection`, without the object mapper: it would cost more than the database.
Those on the way of many requests are `Prepared` (runtime.prepared).
Whoever needs one of them in a `Session` calls it by `run_blocking`, so that there is one form of each.

In routes use `SessionDep` of runtime.dependencies: the same transaction, committed before the response leaves.

Use cases that call out take `database` and open short transactions around the call, never one across it. What must
survive an error, such as a counter of failed tries, gets a `transaction()` of its own that ends *before* the main one
begins: opening one inside another would, on SQLite, wait for itself, so it raises `NestedTransactionError` on both.

    Base = declarative_base()
    class Nonce(Base):
        __tablename__ = "nonce"
        nonce_hash: Mapped[bytes] = mapped_column(primary_key=True)
        expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import orjson
from sqlalchemy import DateTime, MetaData, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL, Connection, Dialect, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from runtime.group_commit import GroupingConnection
from runtime.logging import get_logger
from runtime.prepared import translated
from runtime.revisions import head_revision
from runtime.threads import Threads
from runtime.turns import OneWriterPool

log = get_logger(__name__)

# A writer waits this long for any of those before it to end. Transactions are short (no network, no Argon2 inside), so
# only a stuck one, or another process that keeps writing, makes it run out.
_BUSY_SECONDS: Final = 10
_CUT_SECONDS: Final = 1
_CACHE_KIB: Final = 64 * 1024
_READ_ONLY: Final = "skillswallet_read_only"

# Alembic needs stable names to alter constraints later, on both databases.
_NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Session = AsyncSession
"""The name for it in use cases, which take one and ask nothing of SQLAlchemy themselves."""

BlockingConnection = Connection
"""What the functions that `Database.run` calls ask their queries of."""

T = TypeVar("T")
P = ParamSpec("P")


class _Open:
    """Stands for a transaction that `BlockingDatabase.writing` began."""

    def in_transaction(self) -> bool:
        return True


_OPEN: Final = _Open()
_open_session: ContextVar[AsyncSession | _Open | None] = ContextVar("open_session", default=None)


class NestedTransactionError(RuntimeError):
    """A transaction of its own was opened inside one that had begun; it would wait for its own caller."""


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes in, aware UTC datetimes out, on both databases; naive ones are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any] | None:
        """For SQLite the same text as SQLAlchemy's, at a tenth of its cost."""
        return _sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        return _of_sqlite_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


@lru_cache(maxsize=64)
def _sqlite_text(value: datetime | None) -> str | None:
    """Kept for a while, since one moment goes into several rows of a request."""
    if value is None:
        return None
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        value = value.astimezone(UTC)
    return value.isoformat(" ", "microseconds")[:-6]


def _of_sqlite_text(stored: str | None) -> datetime | None:
    return None if stored is None else datetime.fromisoformat(stored).replace(tzinfo=UTC)


def declarative_base() -> type[DeclarativeBase]:
    """A service's own base class for its models, with its own metadata and stable constraint names."""

    class Base(DeclarativeBase):
        metadata = MetaData(naming_convention=_NAMING)
        type_annotation_map = {datetime: UtcDateTime}  # noqa: RUF012  (SQLAlchemy's own way of saying it)

    return Base


def driver_url(url: str) -> URL:
    """The URL with the driver that we ship: aiosqlite or psycopg."""
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            return parsed.set(drivername="sqlite+aiosqlite")
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise ValueError(f"no such database: {other}")


def blocking_url(url: URL) -> URL:
    """The same database by a driver without an event loop; psycopg is both."""
    return url.set(drivername="sqlite+pysqlite") if url.get_backend_name() == "sqlite" else url


class BlockingDatabase:
    """Connections and transactions for functions that `Database.run` calls in a thread."""

    def __init__(self, engine: Engine) -> None:
        self._writers = engine
        # Connections to an SQLite file cannot break, and are kept as they are: the pool's care for them costs as much
        # as a few statements.
        self._idle: list[BlockingConnection] = []
        self._keeps = engine.dialect.name == "sqlite"
        self._is_grouping = False
        self._grouped: dict[BlockingConnection, Any] = {}

    def close(self) -> None:
        """Close the connections that were kept."""
        while self._idle:
            self._idle.pop().close()

    @contextmanager
    def transaction(self) -> Iterator[BlockingConnection]:
        """A transaction that commits when the block ends and rolls back when it raises, as `Database.transaction`."""
        with self.connection() as connection, self.writing(connection):
            yield connection

    def connection(self) -> "_Borrowed":
        """A connection that may read before it writes, and writes inside `with database.writing(connection):`.

        What is read first is as old as the moment it was read, so whatever must still hold is asked again by the
        statements that write. On SQLite those who only read this way wait for no writer.
        """
        return _Borrowed(self)

    def writing(self, connection: BlockingConnection) -> "_Writing":
        """A transaction on this connection, begun and ended past SQLAlchemy's own, which costs more than SQLite's."""
        return _Writing(connection)

    def begin(self) -> None:
        """Transactions of several works follow that SQLite may bring to the disk together (`runtime.group_commit`)."""
        self._is_grouping = True

    def end(self) -> None:
        """Bring them there; what it raises is the outcome of all of them."""
        self._is_grouping = False
        while self._grouped:
            connection, driver = self._grouped.popitem()
            try:
                driver.end_group()
            except connection.dialect.loaded_dbapi.Error as exc:
                raise translated(connection, exc) from exc

    def lend(self) -> BlockingConnection:
        """A connection that is nobody's."""
        connection = self._idle.pop() if self._idle else self._writers.connect()
        if self._is_grouping and connection not in self._grouped:
            driver: Any = connection.connection.dbapi_connection
            driver.begin_group()
            self._grouped[connection] = driver
        return connection

    def take_back(self, connection: BlockingConnection) -> None:
        """End what is open on the connection, and keep it or close it."""
        if connection.in_transaction():
            connection.rollback()
        if self._keeps and not connection.invalidated:
            self._idle.append(connection)
        else:
            connection.close()


# Written out, since `contextmanager` costs as much here as the statements that begin and end a transaction.


class _Borrowed:
    __slots__ = ("_connection", "_database")

    def __init__(self, database: BlockingDatabase) -> None:
        self._database = database

    def __enter__(self) -> BlockingConnection:
        _refuse_nesting()
        self._connection = self._database.lend()
        return self._connection

    def __exit__(self, *_raised: object) -> None:
        self._database.take_back(self._connection)


class _Writing:
    __slots__ = ("_connection", "_outer")

    def __init__(self, connection: BlockingConnection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._outer = _refuse_nesting()
        try:
            _begin(self._connection)
        except self._connection.dialect.loaded_dbapi.Error as exc:
            raise translated(self._connection, exc) from exc
        _open_session.set(_OPEN)

    def __exit__(self, kind: type[BaseException] | None, *_raised: object) -> None:
        _open_session.set(self._outer)
        driver: Any = self._connection.connection
        if kind is None:
            try:
                driver.commit()
            except self._connection.dialect.loaded_dbapi.Error as exc:
                self._roll_back()
                raise translated(self._connection, exc) from exc
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        driver: Any = self._connection.connection
        with suppress(self._connection.dialect.loaded_dbapi.Error):
            driver.rollback()


@contextmanager
def blocking_database(url: str) -> Iterator[BlockingDatabase]:
    """The same without an event loop, for a command that has the process to itself and writes much."""
    engine = _create_blocking_engine(driver_url(url), pool_size=1)
    database = BlockingDatabase(engine)
    try:
        if engine.dialect.name == "sqlite":
            # Rows in random order touch every page of an index again and again; those of a long run fit in here.
            # The log stays as short as ever: a longer one is cheaper for the run, and is copied to its place by the
            # first request beside it that commits (measured: a 99th percentile of 440 ms instead of 200).
            with database.connection() as connection:
                connection.exec_driver_sql(f"PRAGMA cache_size=-{_CACHE_KIB}")
        yield database
    finally:
        database.close()
        engine.dispose()


def _create_blocking_engine(url: URL, pool_size: int) -> Engine:
    options = _engine_options(url, pool_size)
    if url.get_backend_name() != "sqlite":
        return create_engine(blocking_url(url), **options)
    options["connect_args"] |= {"factory": GroupingConnection}
    engine = create_engine(blocking_url(url), **options)
    event.listen(engine, "connect", lambda connection, _record: set_sqlite_pragmas(connection))
    event.listen(engine, "begin", _begin)
    return engine


async def run_blocking(
    session: Session, query: Callable[Concatenate[BlockingConnection, P], T], *args: P.args, **named: P.kwargs
) -> T:
    """Ask a query that is written for a `BlockingConnection` inside the transaction of a `Session`."""
    connection = await session.connection()
    return await connection.run_sync(query, *args, **named)


def _begin(connection: Connection) -> None:
    """On SQLite take the write lock now; PostgreSQL's driver begins by itself."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.dbapi_connection
        driver.begin()


def _refuse_nesting() -> AsyncSession | _Open | None:
    """Return the session around the new one, if any; it must not have begun a transaction."""
    outer = _open_session.get()
    if outer is not None and outer.in_transaction():
        raise NestedTransactionError("end the transaction that is open here before beginning another")
    return outer


class Database:
    """The engine of one service, and the only ways to open a transaction."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = driver_url(url)
        self.engine: AsyncEngine = create_async_engine(self.url, **_engine_options(self.url, pool_size))
        if self.is_sqlite:
            listen_for_sqlite(self.engine.sync_engine)
        self._writing_engine = self._engine_for_writers()
        pool = self._writing_engine.sync_engine.pool
        self._turns = pool.turns if isinstance(pool, OneWriterPool) else None
        self.sessions = async_sessionmaker(self._writing_engine, expire_on_commit=False)
        self._readers = async_sessionmaker(
            self.engine.execution_options(**{_READ_ONLY: True}), expire_on_commit=False, autoflush=False
        )
        self._blocking_engine = _create_blocking_engine(self.url, pool_size)
        self._blocking = BlockingDatabase(self._blocking_engine)
        # Work goes to a thread even for SQLite, though it may cost a tenth of a millisecond more than doing it on the
        # event loop: a commit waits for the disk, milliseconds where others use it too, and the loop must not.
        self._threads = (
            Threads(1, name="database", group=self._blocking) if self.is_sqlite else Threads(pool_size, name="database")
        )

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    def _engine_for_writers(self) -> AsyncEngine:
        """SQLite has one writer at a time: they wait in a queue of our own (runtime.turns), and readers for none."""
        if not self.is_sqlite:
            return self.engine
        options = _engine_options(self.url, pool_size=1) | {"pool_timeout": _BUSY_SECONDS, "poolclass": OneWriterPool}
        engine = create_async_engine(self.url, **options)
        listen_for_sqlite(engine.sync_engine)
        return engine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction that commits when the block ends and rolls back when it raises.

        On SQLite it takes the write lock at its first statement (BEGIN IMMEDIATE), so that it cannot fail half-way
        because somebody else wrote in between.
        """
        outer = _refuse_nesting()
        async with self.sessions() as session:
            _open_session.set(session)
            try:
                yield session
                await session.commit()
            finally:
                _open_session.set(outer)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A snapshot for reading that waits for no writer; what is written in it is lost or refused."""
        async with self._readers() as session:
            yield session

    async def run(self, work: Callable[[BlockingDatabase], T]) -> T:
        """Do `work` in one hop to a thread, where it opens what transactions it needs; return or raise what it does.

        Who stops waiting for it does not stop it: it commits or rolls back as if somebody still waited. On SQLite
        works that wait may be committed together (`runtime.group_commit`), each before its outcome is told.
        """
        _refuse_nesting()
        if self._turns is None:
            return await self._threads.run(partial(work, self._blocking))
        await self._turns.take(shared=True)
        end = partial(self._turns.end, shared=True)
        return await self._threads.run(partial(work, self._blocking), afterwards=end)

    async def is_ready(self) -> bool:
        """Whether the database answers."""
        async with self.reading() as session:
            return bool(await session.scalar(text("SELECT 1")) == 1)

    async def find_revision(self) -> str | None:
        """The revision of the schema; None where no migration ever ran."""
        async with self.engine.connect() as connection:
            return await connection.run_sync(_find_revision)

    async def forget_erased(self) -> None:
        """Let what was erased leave the files too; called after the transaction that erased it.

        SQLite overwrites erased content in the database (`secure_delete`), but its older versions stay in the
        write-ahead log until that is cut. PostgreSQL's log is its administrator's (see SECURITY.md).
        """
        path = self.url.database if self.is_sqlite else None
        if path and path != ":memory:" and not await asyncio.to_thread(_cut_log, path):
            log.warning("erased_content_may_still_be_in_the_log")

    async def close(self) -> None:
        """Finish what runs, and close all connections."""
        await asyncio.to_thread(self._threads.close)
        self._blocking.close()
        self._blocking_engine.dispose()
        await self._writing_engine.dispose()
        await self.engine.dispose()


def _engine_options(url: URL, pool_size: int) -> dict[str, Any]:
    # hide_parameters: exceptions of SQLAlchemy would otherwise carry personal data into the log.
    shared: dict[str, Any] = {"hide_parameters": True, "pool_size": pool_size, "max_overflow": 0}
    # What we wrote ourselves, at a seventh of the standard library's cost.
    shared["json_deserializer"] = orjson.loads
    if url.get_backend_name() == "sqlite":
        # isolation_level None: we say BEGIN ourselves, and how.
        return shared | {"connect_args": {"timeout": _BUSY_SECONDS, "isolation_level": None}}
    return shared | {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}


def _cut_log(path: str) -> bool:
    """Whether it could be done now: somebody who reads for longer than a second keeps the log, until the next time."""
    with closing(sqlite3.connect(path, timeout=_CUT_SECONDS, isolation_level=None)) as connection:
        is_busy, *_rest = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return bool(is_busy == 0)


def listen_for_sqlite(engine: Engine) -> None:
    """Give every new SQLite connection our pragmas and every transaction our BEGIN."""

    def on_connect(connection: Any, _record: object) -> None:
        set_sqlite_pragmas(connection)

    def on_begin(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            read_only = connection.get_execution_options().get(_READ_ONLY, False)
            connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def set_sqlite_pragmas(connection: Any) -> None:
    """What every SQLite connection of ours is told once."""
    cursor = connection.cursor()
    # WAL: readers and the writer do not block each other.
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL, not NORMAL. In WAL mode NORMAL may lose the last commits in a power cut, and a commit that is lost
    # after its response left is a one-time value that can be spent again: a code redeemed twice, a nonce
    # replayed. It costs a disk flush a transaction (measured: 1,460 against 2,580 writes a second); whoever needs
    # more takes PostgreSQL.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # Deleted credentials are overwritten, not just unlinked.
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def migrate(url: str, package: str) -> None:
    """Bring the database at `url` to the newest revision of `<package>/migrations`. Safe to run twice, or at once."""
    if _is_newest(url, package):
        return
    from runtime.migrations import upgrade  # that module needs this one, and Alembic

    upgrade(url, package)


def _is_newest(url: str, package: str) -> bool:
    engine = create_engine(blocking_url(driver_url(url)), hide_parameters=True)
    try:
        with engine.connect() as connection:
            return _find_revision(connection) == head_revision(package)
    finally:
        engine.dispose()


def _find_revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision
