"""The process ends at any step of verifying: an answer is settled once, or still waited for. V-20, V-41, A-53."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from runtime.database import Database
from runtime.jitter import no_jitter
from runtime.service import Service
from tests.support.hosts import HostTransport
from tests.support.steps import Steps
from tests.verifier.conftest import VERIFIER, Stage
from tests.verifier.test_browser_answers import hand_in
from tests.verifier.test_retention import every_byte, sealed_received
from tests.verifier.test_webhooks import URL, Receiver
from verifier import presentation_response
from verifier.app import create_app
from verifier.presentation_response import finish_interrupted
from verifier.retention import erase_what_has_passed
from verifier.settings import VerifierSettings
from verifier.webhooks import deliver_webhooks

PARTY = "/api/relying-parties/bakker"


# A process that ended has closed nothing.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

Restart = Callable[[Stage], Awaitable[None]]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Each request that the verifier sends is a step too; what is sent to the verifier is not."""
    steps = Steps.watch(monkeypatch)
    send = HostTransport.handle_async_request
    counted = steps.around(send)

    async def sent(transport: HostTransport, request: httpx.Request) -> httpx.Response:
        is_own = request.url.host == urlsplit(VERIFIER).hostname
        answer: httpx.Response = await (send if is_own else counted)(transport, request)
        return answer

    monkeypatch.setattr(HostTransport, "handle_async_request", sent)
    return steps


@pytest.fixture
async def restart() -> AsyncIterator[Restart]:
    """Another process takes over, with the same settings on the same database."""
    made: list[Service[VerifierSettings]] = []

    async def take_over(stage: Stage) -> None:
        old = stage.service
        await old.close()
        stage.app = create_app(
            old.settings, transport=stage.transport, clock=stage.clock, jitter=no_jitter, skills=old.skills
        )
        stage.transport.apps["verifier.example:443"] = stage.app
        made[:] = [stage.service]

    yield take_over
    for service in made:
        await service.close()
    gc.collect()


async def state_of(stage: Stage, started: dict[str, Any]) -> str:
    return str((await stage.result(started))["state"])


async def test_V20_A53_process_that_ends_at_any_step_of_an_answer_settles_it_once_or_still_waits(
    any_stage: Stage, steps: Steps, restart: Restart
) -> None:
    stage, number, ended, ways = any_stage, 0, True, set()
    while ended:
        number += 1
        started, wallet = await stage.ask(), stage.holding()
        request = await wallet.read_request(started["link"])
        form = wallet.create_form(request)
        ended = await steps.ends_at(
            number, lambda wallet=wallet, request=request, form=form: wallet.post(request, form)
        )
        await restart(stage)
        state = await state_of(stage, started)
        # The wallet cannot know how far it came, and sends the same once more.
        again = await wallet.post(request, form)
        ways.add((state, again.status_code))
        assert (again.status_code == 200) == (state == "fetched")
        # What was taken in is checked by whoever comes next, after a while.
        stage.clock.advance(timedelta(minutes=2))
        assert await finish_interrupted(stage.service) == (state == "received")
        result = await stage.result(started)
        assert (result["state"], result["report"]["accepted"]) == ("settled", True)
        assert await finish_interrupted(stage.service) == 0
    assert ways == {("fetched", 200), ("received", 400), ("settled", 400)}
    assert number > 6


async def test_V41_A53_process_that_ends_while_it_finishes_anothers_check_leaves_it_to_the_next(
    any_stage: Stage, steps: Steps, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, number, ended = any_stage, 0, True
    while ended:
        number += 1
        started = await stage.ask()
        with monkeypatch.context() as patch:
            patch.setattr(presentation_response, "verify_response", die)
            assert (await stage.holding().answer(started["link"])).status_code == 500
        await restart(stage)
        stage.clock.advance(timedelta(minutes=2))
        ended = await steps.ends_at(number, lambda: finish_interrupted(stage.service))
        await restart(stage)
        stage.clock.advance(timedelta(minutes=2))
        assert await finish_interrupted(stage.service) <= 1
        result = await stage.result(started)
        assert (result["state"], result["report"]["accepted"]) == ("settled", True)
    assert number > 6


async def test_V21_A53_process_that_ends_while_a_wallet_says_no_hears_it_or_still_waits(
    any_stage: Stage, steps: Steps, restart: Restart
) -> None:
    stage, number, ended = any_stage, 0, True
    while ended:
        number += 1
        started, wallet = await stage.ask(), stage.wallet()
        ended = await steps.ends_at(number, lambda wallet=wallet, link=started["link"]: wallet.refuse(link))
        await restart(stage)
        state = await state_of(stage, started)
        if state in ("waiting", "fetched"):
            assert (await wallet.refuse(started["link"])).status_code == 200
        assert await state_of(stage, started) == "refused"
    assert number > 3


async def test_V22_A53_process_that_ends_while_a_result_is_fetched_gives_it_to_nobody_twice(
    any_stage: Stage, steps: Steps, restart: Restart
) -> None:
    stage, number, ended = any_stage, 0, True
    while ended:
        number += 1
        started = await stage.ask(flow="same_device", return_uri="https://werk.bakker.example/terug")
        reply = await stage.holding().answer(started["link"])
        code = urlsplit(reply.json()["redirect_uri"]).fragment.removeprefix("response_code=")
        path = f"{PARTY}/presentations/{started['id']}/result"
        ended = await steps.ends_at(
            number, lambda path=path, code=code: stage.api.post(path, json={"response_code": code})
        )
        await restart(stage)
        again = await stage.api.post(path, json={"response_code": code})
        # The code counts once. Whose it was reads the same by its own key: nothing is lost.
        assert again.status_code in (200, 403)
        assert (await stage.result(started))["report"]["accepted"]
    assert number > 3


async def test_V08_V20_A53_process_that_ends_at_any_step_of_an_answer_through_the_browser_settles_it_once(
    any_stage: Stage, steps: Steps, restart: Restart
) -> None:
    stage, number, ended, ways = any_stage, 0, True, set()
    while ended:
        number += 1
        started, wallet = await stage.ask(), stage.holding()
        data = wallet.answer_browser(await wallet.read_browser_request(started["digital"]["requests"], VERIFIER))
        ended = await steps.ends_at(number, lambda started=started, data=data: hand_in(stage, started, data))
        await restart(stage)
        state = await state_of(stage, started)
        # The page cannot know how far it came, and hands in the same once more.
        again = await hand_in(stage, started, data)
        ways.add((state, again.status_code))
        stage.clock.advance(timedelta(minutes=2))
        assert await finish_interrupted(stage.service) == (state == "received")
        result = await stage.result(started)
        assert (result["state"], result["report"]["accepted"]) == ("settled", True)
    assert ways == {("waiting", 200), ("received", 400), ("settled", 400)}
    assert number > 6


async def test_V43_A53_process_that_ends_at_any_step_of_an_answer_or_of_telling_of_it_tells_it_under_one_id(
    any_stage: Stage, steps: Steps, restart: Restart
) -> None:
    """It may arrive twice, never not at all; by its id the receiver knows it for the same."""
    stage, number, ended, receiver = any_stage, 0, True, Receiver()
    stage.transport.apps["hooks.bakker.example:443"] = receiver.app()
    assert (await stage.api.put(f"{PARTY}/webhook", json={"url": URL})).status_code == 200
    while ended:
        number += 1
        receiver.got.clear()
        started, wallet = await stage.ask(), stage.holding()
        request = await wallet.read_request(started["link"])
        form = wallet.create_form(request)

        async def answer_and_tell(wallet: Any = wallet, request: Any = request, form: Any = form) -> None:
            await wallet.post(request, form)
            await deliver_webhooks(stage.service)

        ended = await steps.ends_at(number, answer_and_tell)
        await restart(stage)
        if await state_of(stage, started) == "fetched":
            assert (await wallet.post(request, form)).status_code == 200
        stage.clock.advance(timedelta(minutes=2))
        await finish_interrupted(stage.service)
        await deliver_webhooks(stage.service)
        assert {(event["type"], event["data"]["id"]) for event in receiver.events()} == {
            ("presentation.settled", started["id"])
        }
        assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
        assert len(receiver.got) <= 2
        assert await deliver_webhooks(stage.service) == 0
    assert number > 10


async def die(*_args: object, **_named: object) -> None:
    raise RuntimeError("the process ends here")


async def test_V41_A53_an_answer_that_cannot_be_finished_holds_up_no_other_and_is_erased(
    any_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await any_stage.ask(), await any_stage.ask()
    with monkeypatch.context() as patch:
        patch.setattr(presentation_response, "verify_response", die)
        for started in (first, second):
            assert (await any_stage.holding().answer(started["link"])).status_code == 500
        any_stage.clock.advance(timedelta(minutes=2))
        # Both are tried, although the first one fails.
        assert await finish_interrupted(any_stage.service) == 0
    any_stage.clock.advance(timedelta(hours=25))
    assert (await erase_what_has_passed(any_stage.service)).received == 2
    assert await finish_interrupted(any_stage.service) == 2
    assert {(await any_stage.result(started))["state"] for started in (first, second)} == {"discarded"}


async def test_V41_A53_process_that_ends_at_any_step_of_forgetting_leaves_the_rest_to_the_next_round(
    any_stage: Stage, steps: Steps, restart: Restart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing outlives its time by it, in a row or in a file, and nothing else goes."""
    stage, number, ended, erased = any_stage, 0, True, set()
    monkeypatch.setattr(Database, "forget_erased", steps.around(Database.forget_erased))
    stage.write_trust_list(stage.issuer, sequence=2, next_update=stage.clock() + timedelta(days=365))
    while ended:
        number += 1
        over, unanswered = await stage.ask(), await stage.ask()
        uncollected = await stage.ask(flow="same_device", return_uri="https://werk.bakker.example/terug")
        for started in (over, uncollected):
            assert (await stage.holding().answer(started["link"])).status_code == 200
        report = (await stage.result(over))["report"]
        sealed = await sealed_received(stage, over["id"])
        assert sealed is not None
        stage.clock.advance(stage.service.settings.unanswered_retention + timedelta(hours=1))
        fresh, waiting = await stage.ask(), await stage.ask()
        assert (await stage.holding().answer(fresh["link"])).status_code == 200

        async def forget() -> None:
            await erase_what_has_passed(stage.service)

        ended = await steps.ends_at(number, forget)
        await restart(stage)
        # It is shown to nobody any more, erased or not.
        assert (await stage.result(over))["shown"] is None
        erased.add(await sealed_received(stage, over["id"]) is None)
        await forget()
        assert await sealed_received(stage, over["id"]) is None
        if stage.service.database.is_sqlite:
            assert sealed[40:80] not in every_byte(Path(str(stage.service.database.url.database)))
        assert (await stage.result(over))["report"] == report
        assert (await stage.result(uncollected))["state"] == "discarded"
        gone = await stage.api.get(f"{PARTY}/presentations/{unanswered['id']}")
        assert gone.status_code == 404
        # Whose time has not passed loses nothing.
        assert (await stage.result(fresh))["shown"] is not None
        assert (await stage.holding().answer(waiting["link"])).status_code == 200
        assert (await stage.result(waiting))["report"]["accepted"]
    assert erased == {False, True}
    assert number > 4
