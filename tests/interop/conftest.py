"""Other parties that several files meet. They judge by the machine's clock, so ours live by that clock beside them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import NewDatabase
from tests.support.clock import FixedClock
from tests.support.digital_bazaar import DigitalBazaar
from tests.support.house import House, open_house
from tests.support.node_peers import Call, NodePeers
from tests.wallet.conftest import House as WalletHouse
from tests.wallet.conftest import create_house


@pytest.fixture(scope="module")
def digital_bazaar(node_peers: NodePeers) -> DigitalBazaar:
    return DigitalBazaar(node_peers)


# The time is taken for each test, since those before it in this process may have taken half an hour.


@pytest.fixture
async def house(new_sqlite_database: NewDatabase, tmp_path: Path) -> AsyncIterator[House]:
    """Our three services."""
    async with open_house(new_sqlite_database, tmp_path, clock=FixedClock(datetime.now(UTC))) as opened:
        yield opened


@pytest.fixture
async def wallet_house(new_sqlite_database: NewDatabase, tmp_path: Path) -> AsyncIterator[WalletHouse]:
    """Our wallet alone."""
    opened = create_house(new_sqlite_database("wallet"), tmp_path, now=datetime.now(UTC).replace(microsecond=0))
    yield opened
    await opened.close()


@pytest.fixture
async def call(node_peers: NodePeers, house: Any) -> AsyncIterator[Call]:
    """Asks something of a party in Node, to whom every host of the house is open."""
    async with node_peers.meeting(house.transport) as call:
        yield call
