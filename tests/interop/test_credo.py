"""An agent on Credo (OpenWallet Foundation) as wallet: takes our badge, judges it, keeps it, and answers our verifier.

It runs in Node and talks HTTP. It judges by the machine's clock, so the three services live by that clock here.
"""

from typing import Any

import pytest

from tests.support.house import HRM, ORGANISATION, REPORTING, STATUS_TTL, House
from tests.support.node_peers import Call, PeerError

pytestmark = pytest.mark.loopback
WALLET = "credo_wallet"


@pytest.fixture
async def call(call: Call) -> Call:
    await call(WALLET, "open")
    return call


async def receive(house: House, call: Call, kind: str, *, copies: int = 1) -> tuple[dict[str, Any], dict[str, Any]]:
    """An award, and what the other wallet says it keeps of it in this securing."""
    award = await house.award()
    offer = {"offer": award["offer"]["link"], "tx_code": award["offer"]["tx_code"]}
    [kept] = await call(WALLET, "receive", **offer, configurations=[f"adviseur.{kind}"], copies=copies)
    return award, kept


async def test_I02_I27_I57_I60_I66_K22_credo_believes_a_batch_and_says_so(house: House, call: Call) -> None:
    """Offer, DPoP, transaction code, nonce, proofs, signature by the key in our DID document, type metadata, thanks."""
    award, kept = await receive(house, call, "dc-sd-jwt", copies=3)
    assert (kept["kind"], kept["copies"]) == ("SdJwtVcRecord", 3)
    [listed] = (await house.issuer.awards(ORGANISATION))["awards"]
    assert (listed["id"], listed["state"]) == (award["id"], "received")


async def test_I27_credo_is_refused_with_another_transaction_code(house: House, call: Call) -> None:
    """The control."""
    offer = (await house.award())["offer"]
    wrong = "".join(str((int(digit) + 1) % 10) for digit in offer["tx_code"])
    with pytest.raises(PeerError, match="invalid_grant"):
        await call(WALLET, "receive", offer=offer["link"], tx_code=wrong, configurations=["adviseur.dc-sd-jwt"])


async def test_V02_V03_V05_V20_V24_credo_answers_our_question(house: House, call: Call) -> None:
    """Request by POST, signed by the key in our verifier's DID document; a skill alone a query; encrypted answer."""
    await receive(house, call, "dc-sd-jwt")
    started = await house.ask()
    answered = await call(WALLET, "answer", request=started["link"])
    assert (answered["prefix"], answered["status"]) == ("decentralized_identifier", 200)
    presentation = await house.result(started)
    assert presentation["report"]["accepted"] is True
    skills = [skill["uri"] for shown in presentation["shown"].values() for skill in shown["skills"]]
    assert sorted(skills) == sorted([HRM, REPORTING])
    assert [shown["person"] for shown in presentation["shown"].values()] == [{}, {}]


async def test_W54_credo_signs_what_our_verifier_wants_agreed_to(house: House, call: Call) -> None:
    await receive(house, call, "dc-sd-jwt")
    started = await house.ask_to_agree()
    assert (await call(WALLET, "answer", request=started["link"]))["status"] == 200
    report = (await house.result(started))["report"]
    assert (report["accepted"], len(report["agreements"])) == (True, 1)


async def test_V24_our_verifier_refuses_a_badge_in_credo_that_was_revoked(house: House, call: Call) -> None:
    """The control."""
    award, _ = await receive(house, call, "dc-sd-jwt")
    await house.issuer.change_status(ORGANISATION, award["id"], "revoke", "Vergissing")
    # Credo asked for the status list on receipt, and for that long it stands.
    house.clock.advance(STATUS_TTL)
    started = await house.ask()
    await call(WALLET, "answer", request=started["link"])
    assert (await house.result(started))["report"]["accepted"] is False


async def test_K92_V24_of_an_array_credo_alone_shows_nothing_and_our_verifier_says_so(house: House, call: Call) -> None:
    """It frames an array as one thing, so that elements that are hidden one by one stay hidden."""
    await receive(house, call, "dc-sd-jwt")
    started = await house.ask()
    await call(WALLET, "answer", request=started["link"], helped=False)
    report = (await house.result(started))["report"]
    assert (report["valid"], report["accepted"]) == (True, False)
    assert {requirement["reason"] for requirement in report["requirements"]} == {"query"}


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        # VC-JOSE-COSE §4.3 has no other type than this, and Credo has every other.
        ("vc-sd-jwt", "'JsonWebKey'"),
        # It takes the algorithms of key proofs for the types of proofs of before Data Integrity.
        ("ldp-vc", "one of '' was expected"),
        ("ldp-vc-sd", "one of '' was expected"),
        # It knows no format `vc+jwt`.
        ("vc-jwt", "is not present in offered credentials"),
        ("open-badge-jwt", "is not present in offered credentials"),
    ],
)
async def test_what_credo_cannot_take(house: House, call: Call, kind: str, why: str) -> None:
    """What our page about others says of it. When one of these is mended there, this fails, and the page changes."""
    with pytest.raises(PeerError, match=why):
        await receive(house, call, kind)
