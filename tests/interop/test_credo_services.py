"""An issuer and a verifier on Credo (OpenWallet Foundation) meet our wallet; the verifier, a badge of our issuer in it.

They run in Node at hosts of their own. They judge by the machine's clock, so ours live by that clock here.
"""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.trust_files import Entry
from tests.support.clock import FixedClock
from tests.support.house import HRM, SANNE, VCT, open_house
from tests.support.house import House as WholeHouse
from tests.support.node_peers import Call, NodePeers
from tests.wallet.conftest import House

pytestmark = pytest.mark.loopback
ISSUER, HOST = "credo_issuer", "credo-issuer.example"
VERIFIER, VERIFIER_HOST = "credo_verifier", "credo-verifier.example"
OFFERED = {
    "host": HOST,
    "vct": f"https://{HOST}/vct/adviseur",
    "claims": {"given_name": "Sanne", "family_name": "de Vries", "skills": ["adviseren", "rapporteren"]},
    "hidden": {"_sd": ["given_name", "family_name"], "skills": {"_sd": [0, 1]}},
}


@pytest.fixture
def house(wallet_house: House, node_peers: NodePeers) -> House:
    wallet_house.transport.apps[f"{HOST}:443"] = node_peers.app
    return wallet_house


async def test_W01_W07_W10_W11_W15_our_wallet_takes_a_badge_of_credo(house: House, call: Call) -> None:
    """Metadata, pre-authorized code with transaction code, DPoP, nonce, `jwt` proofs, a batch."""
    offered = await call(ISSUER, "offer", **OFFERED)
    badge = await (await house.new_holder()).receive(offered["link"], tx_code=offered["tx_code"])
    assert await call(ISSUER, "outcome") == {"state": "Completed", "error": None}
    assert (badge["issuer"], badge["state"]) == (offered["did"], "valid")
    assert badge["person"] == {"given_name": "Sanne", "family_name": "de Vries"}


async def test_W10_credo_gives_nothing_for_another_transaction_code(house: House, call: Call) -> None:
    """The control."""
    offered = await call(ISSUER, "offer", **OFFERED)
    holder = await house.new_holder()
    opened = await holder.open_offer(offered["link"])
    wrong = "".join(str((int(digit) + 1) % 10) for digit in offered["tx_code"])
    assert (await holder.accept(opened["id"], tx_code=wrong)).status_code >= 400
    assert await holder.badges() == []
    assert (await call(ISSUER, "outcome"))["state"] != "Completed"


@pytest.fixture
async def whole_house(
    new_sqlite_database: Callable[[str | None], str], tmp_path: Path, node_peers: NodePeers
) -> AsyncIterator[WholeHouse]:
    """Our three services, whose list knows the verifier on Credo too."""
    async with open_house(new_sqlite_database, tmp_path, clock=FixedClock(datetime.now(UTC))) as opened:
        opened.transport.apps[f"{VERIFIER_HOST}:443"] = node_peers.app
        since = opened.clock().replace(year=2020)
        opened.sign_trust_list(
            *opened.entries(), Entry("Credo", (f"did:web:{VERIFIER_HOST}:desk",), "verification", since)
        )
        yield opened


@pytest.fixture
async def meet(node_peers: NodePeers, whole_house: WholeHouse) -> AsyncIterator[Call]:
    async with node_peers.meeting(whole_house.transport) as call:
        yield call


async def answer(house: WholeHouse, meet: Call) -> Any:
    """What Credo makes of a skill and a name from our wallet, by a badge of our issuer."""
    claims = [{"path": ["achievement", "alignment", None, "targetUrl"], "values": [HRM]}, {"path": ["given_name"]}]
    query = {"id": "skill", "format": "dc+sd-jwt", "meta": {"vct_values": [VCT]}, "claims": claims}
    wallet, award = await house.new_wallet(), await house.award()
    await house.receive(wallet, award)
    asked = await meet(VERIFIER, "ask", host=VERIFIER_HOST, query={"credentials": [query]})
    request = await wallet.open_request(asked["link"])
    await wallet.accept_request(request["id"])
    return await meet(VERIFIER, "outcome")


async def test_W41_W42_W43_W50_W51_K22_credo_believes_our_badge_as_our_wallet_shows_it(
    whole_house: WholeHouse, meet: Call
) -> None:
    """Signed request (`decentralized_identifier`), encrypted answer, key binding, and nothing that was not asked."""
    outcome = await answer(whole_house, meet)
    assert outcome["state"] == "ResponseVerified", outcome
    [claims] = outcome["claims"]
    assert claims["given_name"] == SANNE["given_name"]
    assert "family_name" not in claims
    assert [entry["targetUrl"] for entry in claims["achievement"]["alignment"]] == [HRM]
