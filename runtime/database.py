"""One database a service, by one URL: SQLite for a laptop, PostgreSQL to scale.

    database = Database("sqlite:///var/issuer.sqlite3")      # or postgresql://user:pass@host/issuer
    migrate("sqlite:///var/issuer.sqlite3", "issuer")        # runs issuer/migrations; sync, before the start

    async with database.transaction() as session: ...        # writes; commits at the end, rolls back on an exception
    async with database.reading() as session: ...            # a snapshot for reading; never commits

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

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import DateTime, MetaData, event, make_url, text
from sqlalchemy.engine import URL, Connection, Dialect, Engine
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

# A writer waits this long for the one before it. Transactions are short (no network, no Argon2 inside), so only a
# stuck process makes it run out.
_BUSY_SECONDS: Final = 10
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

_open_session: ContextVar[AsyncSession | None] = ContextVar("open_session", default=None)


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


class Database:
    """The engine of one service, and the only ways to open a transaction."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = driver_url(url)
        self.engine: AsyncEngine = create_async_engine(self.url, **_engine_options(self.url, pool_size))
        if self.is_sqlite:
            listen_for_sqlite(self.engine.sync_engine)
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._readers = async_sessionmaker(
            self.engine.execution_options(**{_READ_ONLY: True}), expire_on_commit=False, autoflush=False
        )

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction that commits when the block ends and rolls back when it raises.

        On SQLite it takes the write lock at its first statement (BEGIN IMMEDIATE), so that it cannot fail half-way
        because somebody else wrote in between.
        """
        outer = _open_session.get()
        if outer is not None and outer.in_transaction():
            raise NestedTransactionError("end the transaction that is open here before beginning another")
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

    async def is_ready(self) -> bool:
        """Whether the database answers."""
        async with self.reading() as session:
            return bool(await session.scalar(text("SELECT 1")) == 1)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


def _engine_options(url: URL, pool_size: int) -> dict[str, Any]:
    # hide_parameters: exceptions of SQLAlchemy would otherwise carry personal data into the log.
    shared: dict[str, Any] = {"hide_parameters": True, "pool_size": pool_size, "max_overflow": 0}
    if url.get_backend_name() == "sqlite":
        # isolation_level None: we say BEGIN ourselves, and how.
        return shared | {"connect_args": {"timeout": _BUSY_SECONDS, "isolation_level": None}}
    return shared | {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}


def listen_for_sqlite(engine: Engine) -> None:
    """Give every new SQLite connection our pragmas and every transaction our BEGIN."""

    def on_connect(connection: Any, _record: object) -> None:
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

    def on_begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get(_READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def migrate(url: str, package: str) -> None:
    """Bring the database at `url` to the newest revision of `<package>/migrations`. Safe to run twice, or at once."""
    from runtime.migrations import upgrade  # that module needs this one

    upgrade(url, package)
