"""How often somebody guessed: one row a counter, held in parallel too.

class GuessingSource(GuessingSourceMixin, Base):
    __tablename__ = "guessing_sources"

if not await take_try(session, GuessingSource, counter, limit=5, since=now - window, now=now):
    raise TooManyError
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, SmallInteger, case, delete, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from runtime.database import UtcDateTime

_INSERTS: Mapping[str, Callable[[Any], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class GuessingSourceMixin:
    """How many tries there were under one counter since it began; what it stands for is kept as a keyed hash."""

    source_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    tries: Mapped[int] = mapped_column(SmallInteger)
    counted_since: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


async def take_try(
    session: AsyncSession,
    model: type[GuessingSourceMixin],
    counter: bytes,
    *,
    limit: int,
    since: datetime,
    now: datetime,
) -> bool:
    """Take one of `limit` tries; False when none is left. A counter that began before `since` begins anew."""
    is_over = model.counted_since <= since
    statement = _INSERTS[session.get_bind().dialect.name](model).values(source_hash=counter, tries=1, counted_since=now)
    statement = statement.on_conflict_do_update(
        index_elements=[model.source_hash],
        set_={
            "tries": case((is_over, 1), else_=model.tries + 1),
            "counted_since": case((is_over, now), else_=model.counted_since),
        },
        where=or_(is_over, model.tries < limit),
    ).returning(model.tries)
    return (await session.execute(statement)).one_or_none() is not None


async def give_back_try(session: AsyncSession, model: type[GuessingSourceMixin], counter: bytes) -> None:
    """What was right is no guess."""
    statement = update(model).where(model.source_hash == counter, model.tries > 0)
    await session.execute(statement.values(tries=model.tries - 1))


async def forget_tries(
    session: AsyncSession, model: type[GuessingSourceMixin], counter: bytes, *, before: datetime
) -> None:
    """Begin this counter anew, and sweep out all that began before then."""
    await session.execute(delete(model).where(or_(model.source_hash == counter, model.counted_since <= before)))
