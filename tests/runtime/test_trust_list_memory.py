"""The newest trust list outlives the process, and only ever goes up, on both databases. T-03, A-47."""

import asyncio

from runtime.database import Database, declarative_base
from runtime.trust import KeptTrustList
from runtime.trust_list_memory import DatabaseTrustListMemory, TrustListCopyMixin
from tests.conftest import NewDatabase

Base = declarative_base()


class Copy(TrustListCopyMixin, Base):
    __tablename__ = "copies"


async def test_T03_A47_the_newest_list_is_kept_whoever_writes_last(new_database: NewDatabase) -> None:
    database = Database(new_database(None))
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    memory = DatabaseTrustListMemory(database, Copy)
    assert await memory.find("here") is None
    await asyncio.gather(*(memory.keep("here", KeptTrustList(number, f"list {number}")) for number in (3, 8, 1, 5)))
    await memory.keep("here", KeptTrustList(7, "list 7"))
    await memory.keep("there", KeptTrustList(2, "list 2"))
    assert await DatabaseTrustListMemory(database, Copy).find("here") == KeptTrustList(8, "list 8")
    assert await memory.find("there") == KeptTrustList(2, "list 2")
    await database.close()
