"""Other parties that several files meet."""

import pytest

from tests.support.digital_bazaar import DigitalBazaar
from tests.support.node_peers import NodePeers


@pytest.fixture(scope="module")
def digital_bazaar(node_peers: NodePeers) -> DigitalBazaar:
    return DigitalBazaar(node_peers)
