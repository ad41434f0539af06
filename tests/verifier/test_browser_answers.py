"""Asking through the browser: the Digital Credentials API. OpenID4VP 1.0 Appendix A; HAIP §5.2; V-08, W-49, A-36."""

import asyncio
import html
import json
import re
from typing import Any

import httpx
import pytest

from kernel.openid4vp import create_dc_api_error
from tests.support.simulated_wallet import Misbehaviour
from tests.verifier.browser import Browser, post_form, sign_in
from tests.verifier.conftest import VERIFIER, Stage
from tests.verifier.test_pages import make_question
from tests.verifier.test_policies import AUTHORITY, certify

pytestmark = pytest.mark.over_http

PARTY = "/api/relying-parties/bakker"


async def hand_in(stage: Stage, started: dict[str, Any], data: Any) -> httpx.Response:
    path = f"{PARTY}/presentations/{started['id']}/browser-answer"
    return await stage.api.post(path, json={"data": data})


async def begin(stage: Stage, candidate: Browser, *, flow: str = "same_device") -> tuple[str, httpx.Response]:
    """A candidate's page about a question, with what it would hand to the browser."""
    operator = await sign_in(stage)
    question = await make_question(operator)
    path = question.replace("/back-office/", "/ask/").replace("/questions", "")
    begun = await post_form(candidate, await candidate.get(path), {"flow": flow})
    here = begun.headers["location"]
    return here, await candidate.get(here)


def requests_of(page: httpx.Response) -> list[dict[str, Any]]:
    found = re.search(r'data-digital="([^"]+)"', page.text)
    assert found, page.text
    read: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    return read


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "ldp_vc"])
async def test_V08_W49_an_answer_through_the_browser_is_bound_to_the_page(any_stage: Stage, format_id: str) -> None:
    started = await any_stage.ask()
    assert started["digital"]["origin"] == VERIFIER
    listed = started["digital"]["requests"]
    assert [each["protocol"] for each in listed] == ["openid4vp-v1-signed", "openid4vp-v1-unsigned"]
    wallet = any_stage.holding(format_id)
    request = await wallet.read_browser_request(listed, VERIFIER)
    assert (request.response_mode, request.is_signed, request.expected_origins) == ("dc_api.jwt", True, (VERIFIER,))
    found = await hand_in(any_stage, started, wallet.answer_browser(request))
    assert found.status_code == 200
    report = found.json()["report"]
    assert report["accepted"]
    binding = next(check for check in report["checks"] if check["code"] == "holder_binding")
    assert binding["evidence"]["audience"] == f"origin:{VERIFIER}"


async def test_V08_an_unsigned_request_is_answered_too_and_in_the_clear_where_so_asked(stage: Stage) -> None:
    started = await stage.ask(response_mode="direct_post")
    wallet = stage.holding()
    request = await wallet.read_browser_request(started["digital"]["requests"][-1:], VERIFIER)
    assert (request.response_mode, request.is_signed) == ("dc_api", False)
    assert (await hand_in(stage, started, wallet.answer_browser(request))).json()["report"]["accepted"]


async def test_V08_V04_haip_asks_signed_by_its_certificate_and_never_unsigned(stage: Stage) -> None:
    await certify(stage)
    started = await stage.ask(policy="haip")
    listed = started["digital"]["requests"]
    assert [each["protocol"] for each in listed] == ["openid4vp-v1-signed"]
    wallet = stage.holding()
    wallet.anchors = [AUTHORITY.certificate]
    request = await wallet.read_browser_request(listed, VERIFIER)
    assert (await hand_in(stage, started, wallet.answer_browser(request))).json()["report"]["accepted"]


async def test_V08_a_party_with_two_proofs_signs_one_request_with_both(stage: Stage) -> None:
    await certify(stage)
    started = await stage.ask(policy="openid4vp")
    protocols = [each["protocol"] for each in started["digital"]["requests"]]
    assert protocols == ["openid4vp-v1-multisigned", "openid4vp-v1-signed", "openid4vp-v1-unsigned"]
    wallet = stage.holding()
    request = await wallet.read_browser_request(started["digital"]["requests"], VERIFIER)
    assert request.client_id.startswith("decentralized_identifier:")
    assert (await hand_in(stage, started, wallet.answer_browser(request))).json()["report"]["accepted"]


async def test_V08_who_asks_unsigned_by_link_asks_unsigned_through_the_browser(stage: Stage) -> None:
    started = await stage.ask(policy="openid4vp", client_id_prefix="redirect_uri")
    assert [each["protocol"] for each in started["digital"]["requests"]] == ["openid4vp-v1-unsigned"]


async def test_V08_a_page_of_the_partys_own_asks_under_its_own_origin(stage: Stage) -> None:
    started = await stage.ask(origin="https://werk.bakker.example")
    wallet = stage.holding()
    request = await wallet.read_browser_request(started["digital"]["requests"], "https://werk.bakker.example")
    assert request.audience == "origin:https://werk.bakker.example"
    assert (await hand_in(stage, started, wallet.answer_browser(request))).json()["report"]["accepted"]


@pytest.mark.parametrize(
    "origin",
    ["https://werk.example/", "https://werk.example/a", "http://werk.example", "werk.example", "https://10.0.0.1"],
)
async def test_W49_A42_an_origin_that_no_browser_would_write_is_refused(stage: Stage, origin: str) -> None:
    body = {"purpose": "Vacature", "skills": [{"uri": "https://skills.example/1"}], "origin": origin}
    refused = await stage.api.post(f"{PARTY}/presentations", json=body)
    assert (refused.status_code, refused.json()["fields"]) == (400, {"origin": "not_allowed"})


@pytest.mark.parametrize(
    ("misbehaviour", "code"),
    [
        (Misbehaviour(audience=VERIFIER), "audience"),
        (Misbehaviour(audience=f"origin:{VERIFIER}/"), "audience"),
        (Misbehaviour(audience="origin:https://elsewhere.example"), "audience"),
        (Misbehaviour(audience="decentralized_identifier:did:web:verifier.example:bakker"), "audience"),
        (Misbehaviour(nonce="another"), "nonce"),
    ],
    ids=["no_prefix", "slash", "other_page", "client_id", "other_nonce"],
)
async def test_V08_W49_A16_an_answer_for_another_page_or_request_is_not_believed(
    stage: Stage, misbehaviour: Misbehaviour, code: str
) -> None:
    started = await stage.ask()
    wallet = stage.holding()
    request = await wallet.read_browser_request(started["digital"]["requests"], VERIFIER)
    report = (await hand_in(stage, started, wallet.answer_browser(request, misbehaviour))).json()["report"]
    assert not report["accepted"]
    assert code in {check["error_code"] for each in report["presentations"] for check in each["checks"]}


async def test_W49_A16_what_was_posted_cannot_be_replayed_through_the_browser_nor_the_other_way(stage: Stage) -> None:
    started = await stage.ask()
    wallet = stage.holding()
    posted = await wallet.read_request(started["link"])
    report = (await hand_in(stage, started, {"response": wallet.create_form(posted)["response"]})).json()["report"]
    assert not report["accepted"]
    again = await stage.ask()
    through_browser = await wallet.read_browser_request(again["digital"]["requests"], VERIFIER)
    to_post = await wallet.read_request(again["link"])
    assert (await wallet.post(to_post, wallet.answer_browser(through_browser))).status_code == 400


@pytest.mark.parametrize(
    "data",
    [{}, {"vp_token": {}}, {"response": "x"}, {"response": "a.b.c.d.e"}, {"vp_token": {}, "error": "x"}, {"error": 1}],
)
async def test_V20_V08_A40_what_is_no_answer_changes_nothing(stage: Stage, data: dict[str, Any]) -> None:
    started = await stage.ask()
    refused = await hand_in(stage, started, data)
    assert (refused.status_code, refused.json()["code"]) == (400, "browser_answer")
    assert (await stage.result(started))["state"] == "waiting"


async def test_V08_a_wallets_refusal_comes_through_the_browser_too(stage: Stage) -> None:
    started = await stage.ask()
    found = (await hand_in(stage, started, create_dc_api_error("access_denied"))).json()
    assert (found["state"], found["wallet_error"]["code"]) == ("refused", "access_denied")


async def test_V20_A37_of_eight_answers_at_once_on_both_channels_one_is_taken_in(any_stage: Stage) -> None:
    started = await any_stage.ask()
    wallet = any_stage.holding()
    through_browser = await wallet.read_browser_request(started["digital"]["requests"], VERIFIER)
    posted = await wallet.read_request(started["link"])
    answers = await asyncio.gather(
        *(hand_in(any_stage, started, wallet.answer_browser(through_browser)) for _ in range(4)),
        *(wallet.post(posted, wallet.create_form(posted)) for _ in range(4)),
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert (await hand_in(any_stage, started, wallet.answer_browser(through_browser))).status_code == 400


async def test_V08_after_its_time_a_request_takes_no_answer(stage: Stage) -> None:
    started = await stage.ask()
    wallet = stage.holding()
    request = await wallet.read_browser_request(started["digital"]["requests"], VERIFIER)
    stage.clock.now = stage.clock.now + stage.service.settings.transaction_lifetime
    assert (await hand_in(stage, started, wallet.answer_browser(request))).status_code == 400


async def test_A52_the_request_of_another_party_takes_no_answer(stage: Stage) -> None:
    created = await stage.admin.post("/api/relying-parties", json={"slug": "ander", "name": "Ander"})
    other = stage.client({"authorization": f"Bearer {created.json()['api_key']}"})
    started = await stage.ask()
    path = f"{PARTY}/presentations/{started['id']}/browser-answer"
    assert (await other.post(path, json={"data": {"error": "access_denied"}})).status_code == 404


# The page of a candidate


@pytest.mark.parametrize("flow", ["same_device", "cross_device"])
async def test_V08_V22_a_candidate_answers_from_the_page_and_sees_the_result_there(any_stage: Stage, flow: str) -> None:
    candidate = Browser(any_stage)
    here, page = await begin(any_stage, candidate, flow=flow)
    wallet = any_stage.holding()
    request = await wallet.read_browser_request(requests_of(page), VERIFIER)
    data = json.dumps(wallet.answer_browser(request))
    answered = await post_form(candidate, page, {"data": data}, action=f"{here}/browser-answer")
    assert (answered.status_code, answered.headers["location"]) == (303, here)
    assert "Voldoet aan de eis" in (await candidate.get(here)).text


async def test_A36_V22_in_another_browser_the_page_takes_no_answer(stage: Stage) -> None:
    candidate, thief = Browser(stage), Browser(stage)
    here, page = await begin(stage, candidate)
    wallet = stage.holding()
    request = await wallet.read_browser_request(requests_of(page), VERIFIER)
    data = json.dumps(wallet.answer_browser(request))
    elsewhere = await thief.get("/sign-in")
    stolen = await post_form(thief, elsewhere, {"data": data}, action=f"{here}/browser-answer")
    assert stolen.status_code == 404
    without_form = await candidate.client.post(f"{here}/browser-answer", data={"data": data})
    assert without_form.status_code == 403
    assert "data-digital" in (await candidate.get(here)).text


async def test_V08_what_the_page_cannot_read_is_refused_and_the_question_stays_open(stage: Stage) -> None:
    candidate = Browser(stage)
    here, page = await begin(stage, candidate)
    for data in ("", "{", '{"vp_token": 1}'):
        assert (await post_form(candidate, page, {"data": data}, action=f"{here}/browser-answer")).status_code == 400
    assert "data-digital" in (await candidate.get(here)).text
