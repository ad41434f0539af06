"""A verifier on the OpenWallet Foundation's `@openid4vc/openid4vp` and `dcql`, which Credo uses, asks our wallet.

It runs in Node at a host of its own, talks HTTP, and judges what it is shown by `@sd-jwt/sd-jwt-vc`. It judges by the
machine's clock, so the wallet lives by that clock here.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from kernel.openid4vp import AGREEMENT
from tests.support.badges import SKILLS
from tests.support.certificates import create_authority, create_leaf
from tests.support.node_peers import Call, NodePeers
from tests.support.simulated_issuer import DC
from tests.wallet.conftest import Holder, House

pytestmark = pytest.mark.loopback
VERIFIER, HOST = "openid4vp_verifier", "peer-verifier.example"
ORIGIN = f"https://{HOST}"
TODAY = datetime.now(UTC).replace(microsecond=0)
AUTHORITY = create_authority(TODAY)
LEAF = create_leaf(AUTHORITY, TODAY, dns_names=[HOST])
CERTIFICATE = {"key": LEAF.signer.private_jwk(), "x5c": [LEAF.x5c]}
FIRST = next(iter(SKILLS))
SIGNED_BY = {
    "decentralized_identifier": {},
    "x509_hash": {"certificate": CERTIFICATE},
    "x509_san_dns": {"certificate": CERTIFICATE},
}


@pytest.fixture
def house(wallet_house: House, node_peers: NodePeers) -> House:
    wallet_house.transport.apps[f"{HOST}:443"] = node_peers.app
    known = {"identifiers": frozenset({f"did:web:{HOST}"}), "certificates": (AUTHORITY.certificate,)}
    wallet_house.sign_trust_list(wallet_house.issuance(), wallet_house.verification(**known))
    return wallet_house


@pytest.fixture
async def holder(house: House) -> Holder:
    made = await house.new_holder()
    await made.receive(house.issuer.offer_link(configurations=[DC]))
    return made


def question(house: House, **more: Any) -> dict[str, Any]:
    """One skill, and a name."""
    query: dict[str, Any] = house.verifier.skill_query(FIRST)
    query["credentials"][0]["claims"].append({"path": ["given_name"]})
    return {"host": HOST, "query": query, **more}


async def agree(holder: Holder, link: str) -> dict[str, Any]:
    asked = await holder.open_request(link)
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert answer.status_code == 200, answer.text
    return asked


@pytest.mark.parametrize("sent", ["value", "get", "post"])
@pytest.mark.parametrize("by", SIGNED_BY)
async def test_W41_W42_W43_W44_W50_W51_a_verifier_of_others_accepts_what_our_wallet_shows(
    house: House, call: Call, holder: Holder, by: str, sent: str
) -> None:
    asked = await call(VERIFIER, "ask", **question(house, by=by, sent=sent), **SIGNED_BY[by])
    await agree(holder, asked["link"])
    outcome = await call(VERIFIER, "outcome", id=asked["id"])
    [verdict] = outcome["verdicts"]
    [claims] = verdict["claims"]
    assert claims["given_name"] == "Sanne"
    assert "family_name" not in claims
    assert [entry["targetUrl"] for entry in claims["achievement"]["alignment"]] == [FIRST]
    assert outcome.get("fetched", {}).get("by") == {"value": None, "get": "get", "post": "post"}[sent]


async def test_W43_a_verifier_of_others_that_signs_nothing_is_answered_at_the_address_that_it_names(
    house: House, call: Call, holder: Holder
) -> None:
    asked = await call(VERIFIER, "ask", **question(house, by="redirect_uri", mode="direct_post"))
    await agree(holder, asked["link"])
    [verdict] = (await call(VERIFIER, "outcome", id=asked["id"]))["verdicts"]
    assert verdict["claims"][0]["given_name"] == "Sanne"


async def test_W54_a_verifier_of_others_finds_what_our_wallet_agreed_to(
    house: House, call: Call, holder: Holder
) -> None:
    entry = {"type": AGREEMENT, "credential_ids": ["skill_1"], "title": "Bewaren", "text": "Een jaar lang."}
    asked = await call(VERIFIER, "ask", **question(house, by="decentralized_identifier", agreements=[entry]))
    opened = await agree(holder, asked["link"])
    assert opened["agreements"] == [{"title": "Bewaren", "text": "Een jaar lang."}]
    [verdict] = (await call(VERIFIER, "outcome", id=asked["id"]))["verdicts"]
    assert verdict["claims"][0]["given_name"] == "Sanne"


async def test_W53_a_verifier_of_others_hears_that_the_holder_says_no(house: House, call: Call, holder: Holder) -> None:
    asked = await call(VERIFIER, "ask", **question(house, by="decentralized_identifier"))
    opened = await holder.open_request(asked["link"])
    await holder.call("POST", f"/requests/{opened['id']}/decline", {})
    [verdict] = (await call(VERIFIER, "outcome", id=asked["id"]))["verdicts"]
    assert verdict["error"] == "access_denied"


async def test_a_verifier_of_others_refuses_a_badge_that_another_key_signed(
    house: House, call: Call, holder: Holder
) -> None:
    """The control: it does look."""
    asked = await call(VERIFIER, "ask", **question(house, by="decentralized_identifier"))
    opened = await holder.open_request(asked["link"])
    house.issuer.signer = type(house.issuer.signer).generate()
    answer = await holder.call("POST", f"/requests/{opened['id']}/accept", {})
    assert (answer.status_code, answer.json()["failure"]) == (502, "delivery_refused")
    [verdict] = (await call(VERIFIER, "outcome", id=asked["id"]))["verdicts"]
    assert "refused" in verdict


@pytest.mark.parametrize("by", ["redirect_uri", "x509_hash"])
async def test_W55_a_page_of_others_is_answered_through_the_browser(
    house: House, call: Call, holder: Holder, by: str
) -> None:
    """Unsigned and signed; encrypted to the key in the question, for the origin of the page."""
    more = {"by": by, "mode": "dc_api.jwt", "sent": "value", "origin": ORIGIN, **SIGNED_BY.get(by, {})}
    asked = await call(VERIFIER, "ask", **question(house, **more))
    protocol = "openid4vp-v1-signed" if by == "x509_hash" else "openid4vp-v1-unsigned"
    opened = await holder.call("POST", "/dc-requests", {"origin": ORIGIN, "protocol": protocol, "data": asked["data"]})
    assert opened.status_code == 201, opened.text
    answer = await holder.call("POST", f"/requests/{opened.json()['id']}/accept", {})
    assert answer.status_code == 200, answer.text
    verdict = await call(VERIFIER, "receive", id=asked["id"], data=answer.json()["data"])
    assert verdict["claims"][0]["given_name"] == "Sanne"
