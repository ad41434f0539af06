"""The newest trust list that a service has believed, kept in its own database: no restart lets an older one in (T-03).

    class TrustListCopy(TrustListCopyMixin, Base):
        __tablename__ = "trust_list_copies"

    memory = DatabaseTrustListMemory(database, TrustListCopy)      # as create_service makes it

All processes of a service share it; the sequence only ever goes up, whoever writes first or last.
"""

from collections.abc import Callable

from sqlalchemy import BigInteger, String, Text, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from runtime.database import Database
from runtime.trust import KeptTrustList


class TrustListCopyMixin:
    """One row for each place and pinned signer that this service was ever configured with."""

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger)
    raw: Mapped[str] = mapped_column(Text)


class DatabaseTrustListMemory:
    """`runtime.trust.TrustListMemory` in a table of the service."""

    def __init__(self, database: Database, model: type[TrustListCopyMixin]) -> None:
        self._database = database
        self._model = model

    async def find(self, source: str) -> KeptTrustList | None:
        async with self._database.reading() as session:
            row = await session.scalar(select(self._model).where(self._model.source == source))
            return None if row is None else KeptTrustList(row.sequence, row.raw)

    async def keep(self, source: str, kept: KeptTrustList) -> None:
        """Move the row up, or make it; where two make it at once, the one that came second looks again."""
        async with self._database.transaction() as session:
            if await self._move_up(session, source, kept):
                return
            try:
                async with session.begin_nested():
                    create: Callable[..., TrustListCopyMixin] = self._model
                    session.add(create(source=source, sequence=kept.sequence, raw=kept.raw))
                    await session.flush()
            except IntegrityError:
                await self._move_up(session, source, kept)

    async def _move_up(self, session: AsyncSession, source: str, kept: KeptTrustList) -> bool:
        statement = (
            update(self._model)
            .where(self._model.source == source, self._model.sequence < kept.sequence)
            .values(sequence=kept.sequence, raw=kept.raw)
            .returning(self._model.source)
        )
        return await session.scalar(statement) is not None
