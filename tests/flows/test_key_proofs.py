"""Our wallet gets badges from our issuer where that takes only some kinds of key proofs. VCI 1.0 Appendix F; I-59."""

import httpx
import pytest

from issuer.configurations import SECURINGS
from tests.support.house import ISSUER, ORGANISATION, SANNE, open_house


@pytest.fixture
async def presentations_only(new_sqlite_database, tmp_path):
    async with open_house(
        new_sqlite_database, tmp_path, issuer_settings={"proof_types": frozenset({"di_vp"})}
    ) as opened:
        yield opened


async def test_W11_I59_every_securing_comes_for_a_presentation_and_is_shown_and_believed(presentations_only):
    house = presentations_only
    metadata = (await house.http.get(f"{ISSUER}/.well-known/openid-credential-issuer/{ORGANISATION}")).json()
    for described in metadata["credential_configurations_supported"].values():
        assert list(described["proof_types_supported"]) == ["di_vp"]
    wallet = await house.new_wallet()
    [badge] = await house.receive(wallet, await house.award())
    assert (badge["state"], len(badge["formats"])) == ("valid", len(SECURINGS))
    started = await house.ask()
    request = await wallet.open_request(started["link"])
    await wallet.accept_request(request["id"])
    assert (await house.result(started))["report"]["accepted"] is True
    await wallet.close()


async def test_I58_I59_wallet_that_proves_by_token_alone_gets_nothing_there(presentations_only):
    house = presentations_only
    offer = (await house.award(SANNE))["offer"]
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await house.stranger.receive(offer["link"], offer["tx_code"])
    assert refused.value.response.json()["error"] == "invalid_proof"
