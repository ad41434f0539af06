"""Each securing of one award, alone, from the real issuer through the real wallet to the real verifier."""

import pytest

from issuer.configurations import SECURINGS

HIDES = {"dc+sd-jwt", "vc+sd-jwt", "ldp_vc_sd"}


@pytest.mark.parametrize("name", [securing.name for securing in SECURINGS])
async def test_W50_V24_a_badge_in_each_securing_is_received_shown_and_believed(small_house, name):
    house = small_house
    wallet = await house.new_wallet()
    award = await house.award()
    offer = await wallet.open_offer(award["offer"]["link"])
    suffix = next(securing.suffix for securing in SECURINGS if securing.name == name)
    chosen = [each["configuration_id"] for each in offer["credentials"]]
    chosen = [each for each in chosen if each.endswith(f".{suffix}")]
    await wallet.accept_offer(offer["id"], tx_code=award["offer"]["tx_code"], configurations=chosen)
    # `vc+jwt` is none of OpenID4VP's own, and asked for only where it is named.
    named = {"formats": ["vc+jwt"]} if suffix in ("vc-jwt", "open-badge-jwt") else {}
    started = await house.ask(policy="openid4vp", **named)
    request = await wallet.open_request(started["link"])
    assert {part["is_whole"] for part in request["share"]} == {name not in HIDES}
    await wallet.accept_request(request["id"])
    report = (await house.result(started))["report"]
    assert report["accepted"] is True
    assert {shown["is_whole"] for shown in report["presentations"]} == {name not in HIDES}
    await wallet.close()
