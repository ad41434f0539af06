"""A wallet on the OpenWallet Foundation's `@openid4vc` libraries and `dcql` takes our badge and answers our verifier.

It runs in Node and talks HTTP. It judges by the machine's clock, so the three services live by that clock here.
"""

import pytest

from tests.support.house import HRM, ORGANISATION, RECRUITER, REPORTING, House
from tests.support.node_peers import Call, PeerError

pytestmark = pytest.mark.loopback
WALLET = "openid4vp_wallet"


async def badge(house: House, call: Call) -> str:
    """Our badge in the other wallet."""
    award = await house.award()
    opened = await call("openid4vci_wallet", "open", offer=award["offer"]["link"])
    await call("openid4vci_wallet", "redeem", journey=opened["journey"], tx_code=award["offer"]["tx_code"])
    [configuration] = [name for name in opened["configurations"] if name.endswith(".dc-sd-jwt")]
    answer = await call("openid4vci_wallet", "ask", journey=opened["journey"], configuration=configuration)
    return str(answer["credentials"][0]["credential"])


async def test_V02_V03_V05_V20_V24_a_wallet_of_others_answers_our_question(house: House, call: Call) -> None:
    """Signed request by POST, one query a skill, encrypted answer."""
    held = await badge(house, call)
    started = await house.ask()
    answered = await call(WALLET, "answer", request=started["link"], credentials=[held])
    assert (answered["status"], answered["version"]) == (200, 100)
    assert len(answered["shown"]) == 2
    presentation = await house.result(started)
    assert presentation["report"]["accepted"] is True
    skills = [skill["uri"] for shown in presentation["shown"].values() for skill in shown["skills"]]
    assert sorted(skills) == sorted([HRM, REPORTING])


async def test_V02_V06_a_wallet_of_others_fetches_by_get_and_answers_in_the_clear(house: House, call: Call) -> None:
    held = await badge(house, call)
    started = await house.ask(request_by="get", response_mode="direct_post")
    answered = await call(WALLET, "answer", request=started["link"], credentials=[held])
    assert answered["status"] == 200
    assert (await house.result(started))["report"]["accepted"] is True


async def test_W54_a_wallet_of_others_signs_what_our_verifier_wants_agreed_to(house: House, call: Call) -> None:
    held = await badge(house, call)
    started = await house.ask_to_agree()
    answered = await call(WALLET, "answer", request=started["link"], credentials=[held])
    assert answered["status"] == 200
    assert (await house.result(started))["report"]["accepted"] is True


@pytest.mark.parametrize("protocol", ["openid4vp-v1-signed", "openid4vp-v1-unsigned"])
async def test_V08_W49_a_wallet_of_others_answers_our_page_through_the_browser(
    house: House, call: Call, protocol: str
) -> None:
    held = await badge(house, call)
    started = await house.ask()
    [asked] = [each for each in started["digital"]["requests"] if each["protocol"] == protocol]
    origin = started["digital"]["origin"]
    given = {"request": asked["data"], "credentials": [held], "origin": origin, "send": False}
    answered = await call(WALLET, "answer", **given)
    path = f"/api/relying-parties/{RECRUITER}/presentations/{started['id']}/browser-answer"
    await house.verifier.call("POST", path, {"data": answered["data"]})
    assert (await house.result(started))["report"]["accepted"] is True


async def test_V24_our_verifier_refuses_a_badge_of_others_that_was_revoked(house: House, call: Call) -> None:
    """The control."""
    held = await badge(house, call)
    [award] = (await house.issuer.awards(ORGANISATION))["awards"]
    await house.issuer.change_status(ORGANISATION, award["id"], "revoke", "Vergissing")
    started = await house.ask()
    await call(WALLET, "answer", request=started["link"], credentials=[held])
    assert (await house.result(started))["report"]["accepted"] is False


async def test_V04_the_wallet_of_others_answers_under_the_widest_policy_too(house: House, call: Call) -> None:
    """`dcql` refuses a whole question for one format that it does not know, so `vc+jwt` is asked for by name alone."""
    held = await badge(house, call)
    started = await house.ask(policy="openid4vp")
    await call(WALLET, "answer", request=started["link"], credentials=[held])
    assert (await house.result(started))["report"]["accepted"] is True


async def test_V04_vc_jwt_is_asked_of_whom_a_relying_party_knows_to_read_it(house: House, call: Call) -> None:
    """The control: this wallet does not."""
    started = await house.ask(policy="openid4vp", formats=["dc+sd-jwt", "vc+jwt"])
    with pytest.raises(PeerError, match=r"vc\+jwt"):
        await call(WALLET, "answer", request=started["link"], credentials=[])
