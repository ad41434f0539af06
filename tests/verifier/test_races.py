"""Whatever counts once, from eight sides at the same moment, on both databases. V-01, V-20, V-22, A-37, A-53."""

import asyncio
from urllib.parse import urlsplit

from tests.verifier.conftest import Stage

PARTY = "/api/relying-parties/bakker"
EIGHT = range(8)


async def test_V22_A53_of_eight_who_bring_one_response_code_one_gets_the_result(any_stage: Stage) -> None:
    started = await any_stage.ask(flow="same_device", return_uri="https://werk.bakker.example/terug")
    reply = await any_stage.holding().answer(started["link"])
    code = urlsplit(reply.json()["redirect_uri"]).fragment.removeprefix("response_code=")
    path = f"{PARTY}/presentations/{started['id']}/result"
    answers = await asyncio.gather(*(any_stage.api.post(path, json={"response_code": code}) for _ in EIGHT))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 7


async def test_V02_A53_eight_wallets_at_once_get_one_request_each_with_its_own_nonce_back(any_stage: Stage) -> None:
    """Mirrors RequestUriFetchedTwice: it is served while it waits, and nothing changes but that it was opened."""
    started = await any_stage.ask()
    wallets = [any_stage.wallet() for _ in EIGHT]
    requests = await asyncio.gather(*(wallet.read_request(started["link"]) for wallet in wallets))
    assert len({(request.nonce, request.state, request.response_uri) for request in requests}) == 1
    assert (await any_stage.result(started))["state"] == "fetched"


async def test_V20_A53_answers_and_refusals_at_once_settle_one_transaction_once(any_stage: Stage) -> None:
    started = await any_stage.ask()
    wallet = any_stage.holding()
    request = await wallet.read_request(started["link"])
    refusal = {"error": "access_denied", "state": str(request.state)}
    forms = [refusal if number % 2 else wallet.create_form(request) for number in EIGHT]
    replies = await asyncio.gather(*(wallet.post(request, form) for form in forms))
    assert sorted(reply.status_code for reply in replies) == [200] + [400] * 7
    assert (await any_stage.result(started))["state"] in ("settled", "refused")
    assert (await wallet.client.get(started["request_uri"])).status_code == 404
