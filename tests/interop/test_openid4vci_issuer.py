"""An issuer on the OpenWallet Foundation's `@openid4vc` libraries, which Credo uses inside, issues to our wallet.

It runs in Node at a host of its own and makes its badges by `@sd-jwt/sd-jwt-vc`. It judges by the machine's clock, so
the wallet lives by that clock here.
"""

from typing import Any

import pytest

from tests.support.node_peers import Call, NodePeers
from tests.wallet.conftest import House

pytestmark = pytest.mark.loopback
ISSUER, HOST = "openid4vci_issuer", "peer-issuer.example"
VCT = f"https://{HOST}/vct/adviseur"
CLAIMS = {"given_name": "Sanne", "family_name": "de Vries", "skills": ["adviseren", "rapporteren"]}
HIDDEN = {"_sd": ["given_name", "family_name"], "skills": {"_sd": [0, 1]}}


@pytest.fixture
def house(wallet_house: House, node_peers: NodePeers) -> House:
    wallet_house.transport.apps[f"{HOST}:443"] = node_peers.app
    return wallet_house


def offered(**more: Any) -> dict[str, Any]:
    return {"host": HOST, "vct": VCT, "claims": CLAIMS, "hidden": HIDDEN, "grant": "pre-authorized", **more}


@pytest.mark.parametrize("by", ["reference", "value"])
async def test_W01_W07_W10_W11_W15_W16_our_wallet_takes_a_badge_of_others(house: House, call: Call, by: str) -> None:
    """Metadata, pre-authorized code with transaction code, nonce, `jwt` proof, thanks; by reference and by value."""
    link = await call(ISSUER, "offer", **offered(by=by, tx_code="493536"))
    holder = await house.new_holder()
    badge = await holder.receive(link, tx_code="493536")
    outcome = await call(ISSUER, "outcome")
    assert outcome["told"] == [{"event": "credential_accepted", "known": True}]
    assert len({key["x"] for key in outcome["keys"]}) == len(outcome["keys"]) >= 1
    assert (badge["issuer"], badge["state"]) == (f"did:web:{HOST}", "valid")
    assert badge["person"] == {"given_name": "Sanne", "family_name": "de Vries"}


async def test_W08_W09_our_wallet_signs_its_holder_in_with_an_issuer_of_others(house: House, call: Call) -> None:
    """Pushed request with PKCE, the answer with its `iss`, a token and a request bound to a key."""
    link = await call(ISSUER, "offer", **offered(grant="code"))
    holder = await house.new_holder()
    _, url = await holder.begin(link)
    answer = await holder.come_back(await house.visit(url))
    assert answer.status_code == 201, answer.text
    outcome = await call(ISSUER, "outcome")
    assert outcome["bound"]
    assert outcome["pushed"]["code_challenge_method"] == "S256"
    assert outcome["told"] == [{"event": "credential_accepted", "known": True}]


async def test_W15_W16_our_wallet_keeps_nothing_that_others_bound_to_another_key(house: House, call: Call) -> None:
    """The control."""
    link = await call(ISSUER, "offer", **offered(astray=True))
    holder = await house.new_holder()
    opened = await holder.open_offer(link)
    assert (await holder.accept(opened["id"])).status_code >= 400
    assert await holder.badges() == []
    assert (await call(ISSUER, "outcome"))["told"] == [{"event": "credential_failure", "known": True}]
