"""Each flow runs on the real applications and, unless it says otherwise, on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.hosts import HostTransport
from tests.support.house import House, NewDatabase, open_house


@pytest.fixture
async def house(new_database: NewDatabase, tmp_path: Path, wire: HostTransport) -> AsyncIterator[House]:
    async with open_house(new_database, tmp_path, wire=wire) as opened:
        yield opened


@pytest.fixture
async def small_house(new_sqlite_database: NewDatabase, tmp_path: Path, wire: HostTransport) -> AsyncIterator[House]:
    """On SQLite alone: for refusals that the kind of database cannot change."""
    async with open_house(new_sqlite_database, tmp_path, wire=wire) as opened:
        yield opened
