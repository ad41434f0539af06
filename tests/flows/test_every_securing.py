"""Each securing of one award, alone, from the real issuer through the real wallet to the real verifier."""

import pytest

from issuer.configurations import SECURINGS
from tests.support.house import HRM, ORGANISATION, RECRUITER, SANNE, describe

HIDES = {"dc+sd-jwt", "vc+sd-jwt", "ldp_vc_sd"}
EVERY_SECURING = pytest.mark.parametrize("name", [securing.name for securing in SECURINGS])


async def receive(wallet, award, name):
    """Take one securing alone; how to ask for it."""
    offer = await wallet.open_offer(award["offer"]["link"])
    suffix = next(securing.suffix for securing in SECURINGS if securing.name == name)
    chosen = [each["configuration_id"] for each in offer["credentials"]]
    chosen = [each for each in chosen if each.endswith(f".{suffix}")]
    await wallet.accept_offer(offer["id"], tx_code=award["offer"]["tx_code"], configurations=chosen)
    # `vc+jwt` is none of OpenID4VP's own, and asked for only where it is named.
    return {"policy": "openid4vp"} | ({"formats": ["vc+jwt"]} if suffix in ("vc-jwt", "open-badge-jwt") else {})


@EVERY_SECURING
async def test_W50_V24_a_badge_in_each_securing_is_received_shown_and_believed(small_house, name):
    house = small_house
    wallet = await house.new_wallet()
    started = await house.ask(**await receive(wallet, await house.award(), name))
    request = await wallet.open_request(started["link"])
    assert {part["is_whole"] for part in request["share"]} == {name not in HIDES}
    await wallet.accept_request(request["id"])
    report = (await house.result(started))["report"]
    assert report["accepted"] is True
    assert {shown["is_whole"] for shown in report["presentations"]} == {name not in HIDES}
    await wallet.close()


@EVERY_SECURING
async def test_S10_a_badge_in_each_securing_answers_for_its_level_and_for_none_above(small_house, name):
    house = small_house
    wallet = await house.new_wallet()
    await house.issuer.create_achievement(ORGANISATION, describe("adviseur-5", eqf_level=5, nlqf_level="5"))
    [award] = await house.issuer.award(ORGANISATION, "adviseur-5", [SANNE])
    question = {"purpose": "Voor de vacature.", "skills": [{"uri": HRM}], **await receive(wallet, award, name)}
    too_high = await house.verifier.start_presentation(RECRUITER, {**question, "minimum_level": 6})
    assert (await wallet.open_request(too_high["link"]))["answerable"] is False
    started = await house.verifier.start_presentation(RECRUITER, {**question, "minimum_level": 5})
    await wallet.accept_request((await wallet.open_request(started["link"]))["id"])
    report = (await house.result(started))["report"]
    assert report["accepted"] is True
    await wallet.close()
