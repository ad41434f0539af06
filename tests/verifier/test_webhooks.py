"""Telling a relying party's own system: signed, https, guarded, tried again, nothing of a holder. V-43, A-42."""

import asyncio
import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.verifier.conftest import MakeStage, Stage
from verifier import store
from verifier.retention import erase_what_has_passed
from verifier.webhooks import RETRIES, deliver_webhooks, sign_message

PARTY = "/api/relying-parties/bakker"
URL = "https://hooks.bakker.example/skillswallet"


@dataclass
class Receiver:
    """An employer's system; what it answers, a test says."""

    status: int = 200
    redirect: str | None = None
    answer: Response | None = None
    answers_together: asyncio.Barrier | None = None
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/skillswallet", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> Response:
        self.got.append((dict(request.headers), await request.body()))
        if self.answers_together is not None:
            await self.answers_together.wait()
        if self.redirect is not None:
            return RedirectResponse(self.redirect)
        return self.answer or PlainTextResponse("ok", self.status)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@dataclass
class Told:
    """A verifier with an employer's system behind its host."""

    stage: Stage
    receiver: Receiver
    secret: str = ""

    async def subscribe(self, url: str = URL) -> Any:
        answer = await self.stage.api.put(f"{PARTY}/webhook", json={"url": url})
        self.secret = answer.json().get("secret", "")
        return answer

    async def deliver(self) -> int:
        return await deliver_webhooks(self.stage.service)


@pytest.fixture
async def told(make_stage: MakeStage, new_database: Any) -> Told:
    stage: Stage = await make_stage(new_database("verifier"))
    receiver = Receiver()
    stage.transport.apps["hooks.bakker.example:443"] = receiver.app()
    return Told(stage, receiver)


async def test_V43_a_settled_presentation_is_told_signed_and_without_anything_of_the_holder(told: Told) -> None:
    assert (await told.subscribe()).status_code == 200
    _, found = await told.stage.ask_and_answer(told.stage.holding())
    assert await told.deliver() == 1
    ((headers, body),) = told.receiver.got
    assert json.loads(body) == {
        "type": "presentation.settled",
        "timestamp": told.stage.clock().isoformat(),
        "data": {"id": found["id"], "state": "settled", "question_id": None},
    }
    secret = base64.b64decode(told.secret.removeprefix("whsec_"))
    expected = sign_message(secret, headers["webhook-id"], told.stage.clock(), body.decode())
    assert headers["webhook-signature"] == expected
    assert headers["webhook-timestamp"] == str(int(told.stage.clock().timestamp()))
    assert headers["content-type"] == "application/json"
    assert await told.deliver() == 0


def test_V43_the_signature_is_that_of_standard_webhooks() -> None:
    """The test vector of the specification's reference libraries (`msg_p5jXN8AQM9LWM0D4loKWxJek`)."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    sent_at = datetime.fromtimestamp(1614265330, UTC)
    signature = sign_message(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", sent_at, '{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_V43_A49_a_system_that_answers_slowly_holds_up_no_other_message(told: Told) -> None:
    """One after another they would outlast the lease, and a second process would send the rest once more."""
    await told.subscribe()
    for _ in range(3):
        started = await told.stage.ask()
        await told.stage.wallet().refuse(started["link"])
    told.receiver.answers_together = asyncio.Barrier(3)
    assert await told.deliver() == 3
    assert await told.deliver() == 0


async def test_V43_a_refusal_is_told_once_on_either_device(told: Told) -> None:
    await told.subscribe()
    for flow in ("cross_device", "same_device"):
        started = await told.stage.ask(flow=flow)
        reply = await told.stage.wallet().refuse(started["link"])
        code = urlsplit(reply.json().get("redirect_uri", "")).fragment.removeprefix("response_code=")
        await told.stage.api.post(f"{PARTY}/presentations/{started['id']}/result", json={"response_code": code or "x"})
        await told.deliver()
    assert [event["type"] for event in told.receiver.events()] == ["presentation.refused"] * 2


async def test_V43_V22_a_result_on_the_same_device_is_told_when_it_is_let_go(told: Told) -> None:
    await told.subscribe()
    started = await told.stage.ask(flow="same_device")
    reply = await told.stage.holding().answer(started["link"])
    assert await told.deliver() == 0
    code = urlsplit(reply.json()["redirect_uri"]).fragment.removeprefix("response_code=")
    await told.stage.api.post(f"{PARTY}/presentations/{started['id']}/result", json={"response_code": code})
    assert await told.deliver() == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.bakker.example/x",
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://2130706433/x",
        "https://user:secret@hooks.bakker.example/x",
        "https://hooks.bakker.example:8443/x",
        "file:///etc/passwd",
        "nothing",
    ],
)
async def test_A42_an_address_that_may_not_be_called_is_not_kept(stage: Stage, url: str) -> None:
    refused = await stage.api.put(f"{PARTY}/webhook", json={"url": url})
    assert (refused.status_code, refused.json()["fields"]) == (400, {"url": "not_allowed"})


async def test_V43_what_does_not_arrive_is_tried_again_ever_later_and_then_no_more(told: Told) -> None:
    await told.subscribe()
    told.receiver.status = 500
    await told.stage.ask_and_answer(told.stage.holding())
    assert await told.deliver() == 0
    for wait in RETRIES:
        assert await told.deliver() == 0
        told.stage.clock.advance(wait)
        await told.deliver()
    told.stage.clock.advance(timedelta(days=2))
    await told.deliver()
    assert len(told.receiver.got) == len(RETRIES) + 1
    assert len({headers["webhook-id"] for headers, _ in told.receiver.got}) == 1


@pytest.mark.parametrize("way", ["down", "refuses", "redirects"])
async def test_V43_A42_a_system_that_is_down_refuses_or_sends_elsewhere_gets_it_later(told: Told, way: str) -> None:
    await told.subscribe()
    await told.stage.ask_and_answer(told.stage.holding())
    told.receiver.status = 403 if way == "refuses" else 200
    told.receiver.redirect = "https://attacker.example/" if way == "redirects" else None
    told.stage.transport.down = {"hooks.bakker.example:443"} if way == "down" else set()
    assert await told.deliver() == 0
    assert not [each for each in told.stage.transport.requests if each.url.host == "attacker.example"]
    told.receiver.status, told.receiver.redirect, told.stage.transport.down = 200, None, set()
    told.stage.clock.advance(RETRIES[0])
    assert await told.deliver() == 1


@pytest.mark.parametrize(
    "answer",
    [
        Response("<ok/>", media_type="application/xml"),
        Response(b"ok"),
        Response(b"x" * 200_000, media_type="text/plain"),
        Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
    ],
    ids=["another-type", "no-type", "large", "compressed"],
)
async def test_V43_whatever_a_system_says_beside_its_yes_the_message_arrived_and_is_sent_once(
    told: Told, answer: Response
) -> None:
    """What it answers is not read, so that it cannot make us send a message that it has."""
    await told.subscribe()
    told.receiver.answer = answer
    tested = (await told.stage.api.post(f"{PARTY}/webhook/test")).json()
    assert tested == {"outcome": "arrived", "status": 200}
    await told.stage.ask_and_answer(told.stage.holding())
    assert await told.deliver() == 1
    told.stage.clock.advance(timedelta(days=2))
    await told.deliver()
    assert len(told.receiver.got) == 2


async def test_V43_A53_of_eight_processes_at_once_one_sends_a_message(told: Told) -> None:
    await told.subscribe()
    await told.stage.ask_and_answer(told.stage.holding())
    assert sum(await asyncio.gather(*(told.deliver() for _ in range(8)))) == 1
    assert len(told.receiver.got) == 1


async def test_V43_A53_those_who_change_and_remove_a_webhook_at_once_wait_for_one_another(told: Told) -> None:
    path = f"{PARTY}/webhook"
    api = told.stage.api
    calls = [call for _ in range(8) for call in (told.subscribe(), api.delete(path), api.post(f"{path}/test"))]
    assert {answer.status_code for answer in await asyncio.gather(*calls)} <= {200, 204, 404}


async def test_V43_after_a_webhook_is_taken_away_nothing_is_told(told: Told) -> None:
    await told.subscribe()
    await told.stage.ask_and_answer(told.stage.holding())
    assert (await told.stage.api.delete(f"{PARTY}/webhook")).status_code == 204
    assert (await told.stage.api.delete(f"{PARTY}/webhook")).status_code == 404
    assert await told.deliver() == 0
    assert told.receiver.got == []


async def test_V43_the_secret_lies_sealed_and_a_new_one_replaces_it(told: Told) -> None:
    await told.subscribe()
    first = told.secret
    await told.subscribe()
    assert first != told.secret
    async with told.stage.service.database.reading() as session:
        party = await store.find_relying_party(session, "bakker")
        assert party is not None
        kept = await store.find_webhook(session, party.id)
    assert kept is not None
    assert base64.b64decode(told.secret.removeprefix("whsec_")) not in kept.sealed_secret


async def find_deliveries(told: Told) -> list[tuple[Any, ...]]:
    found = (await told.stage.api.get(f"{PARTY}/webhook")).json()
    assert found["url"] == URL
    assert "secret" not in found
    members = ("type", "attempts", "outcome", "status")
    return [(*(each[name] for name in members), each["next_try_at"] is not None) for each in found["deliveries"]]


async def test_V43_what_became_of_a_message_can_be_read_for_a_week(told: Told) -> None:
    assert (await told.stage.api.get(f"{PARTY}/webhook")).status_code == 404
    await told.subscribe()
    assert await find_deliveries(told) == []
    await told.stage.ask_and_answer(told.stage.holding())
    assert await find_deliveries(told) == [("presentation.settled", 0, None, None, True)]
    told.receiver.status = 403
    await told.deliver()
    assert await find_deliveries(told) == [("presentation.settled", 1, "refused", 403, True)]
    told.stage.transport.down = {"hooks.bakker.example:443"}
    told.stage.clock.advance(RETRIES[0])
    await told.deliver()
    assert await find_deliveries(told) == [("presentation.settled", 2, "unreachable", None, True)]
    told.stage.transport.down, told.receiver.status = set(), 200
    told.stage.clock.advance(RETRIES[1])
    assert await told.deliver() == 1
    assert await find_deliveries(told) == [("presentation.settled", 3, "arrived", 200, False)]
    await erase_what_has_passed(told.stage.service)
    assert len(await find_deliveries(told)) == 1
    told.stage.clock.advance(timedelta(days=7))
    await erase_what_has_passed(told.stage.service)
    assert await find_deliveries(told) == []


async def test_V43_a_test_message_goes_out_at_once_signed_once_and_tells_of_nothing(told: Told) -> None:
    assert (await told.stage.api.post(f"{PARTY}/webhook/test")).status_code == 404
    await told.subscribe()
    tried = await told.stage.api.post(f"{PARTY}/webhook/test")
    assert tried.json() == {"outcome": "arrived", "status": 200}
    ((headers, body),) = told.receiver.got
    message = json.loads(body)
    assert (message["type"], message["data"]) == ("webhook.test", {})
    secret = base64.b64decode(told.secret.removeprefix("whsec_"))
    signature = sign_message(secret, headers["webhook-id"], told.stage.clock(), body.decode())
    assert headers["webhook-signature"] == signature
    told.receiver.redirect = "https://attacker.example/"
    assert (await told.stage.api.post(f"{PARTY}/webhook/test")).json() == {"outcome": "not_allowed", "status": None}
    told.stage.clock.advance(timedelta(days=1))
    assert await told.deliver() == 0
    assert len(told.receiver.got) == 2


async def test_A52_nobody_else_is_told(told: Told) -> None:
    created = await told.stage.admin.post("/api/relying-parties", json={"slug": "ander", "name": "Ander"})
    other = told.stage.client({"authorization": f"Bearer {created.json()['api_key']}"})
    assert (await other.put(f"{PARTY}/webhook", json={"url": URL})).status_code == 404
    assert (await other.delete(f"{PARTY}/webhook")).status_code == 404
    assert (await other.get(f"{PARTY}/webhook")).status_code == 404
    assert (await other.post(f"{PARTY}/webhook/test")).status_code == 404
