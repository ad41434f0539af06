"""Who gets the result: the browser that began, with its code; the relying party; nobody else. V-22, V-23, A-36."""

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.simulated_wallet import Misbehaviour, SimulatedWallet
from tests.verifier.browser import Browser, post_form, sign_in
from tests.verifier.conftest import SKILL_URIS, Stage
from verifier.errors import TooManyStreamsError
from verifier.live import OpenStreams


@pytest.fixture
async def question(stage: Stage) -> dict[str, Any]:
    created = await stage.api.post(
        "/api/relying-parties/bakker/questions",
        json={"title": "Adviseur", "purpose": "Vacature adviseur", "skills": [{"uri": SKILL_URIS[0]}]},
    )
    assert created.status_code == 201, created.text
    found: dict[str, Any] = created.json()
    return found


async def begin(stage: Stage, question: dict[str, Any], flow: str) -> tuple[Browser, str, str]:
    """A candidate's browser begins; the address of its page and the link for the wallet."""
    browser = Browser(stage)
    page = await browser.get(urlsplit(question["ask_url"]).path)
    assert "Bakker Bouw" in page.text
    begun = await post_form(browser, page, {"flow": flow})
    assert begun.status_code == 303
    asked = await browser.get(begun.headers["location"])
    return browser, begun.headers["location"], browser.wallet_link(asked)


async def answer(wallet: SimulatedWallet, link: str) -> str:
    reply = await wallet.answer(link)
    assert reply.status_code == 200
    location: str = reply.json()["redirect_uri"]
    return location


def code_of(location: str) -> str:
    parts = urlsplit(location)
    assert (parts.path, parts.query) == ("/result", "")
    return parts.fragment.removeprefix("response_code=")


async def submit_code(browser: Browser, code: str) -> httpx.Response:
    page = await browser.get("/result")
    return await post_form(browser, page, {"response_code": code})


async def test_V21_V22_the_result_goes_to_the_browser_that_began_and_shows_the_code(
    stage: Stage, question: dict[str, Any]
) -> None:
    browser, page_url, link = await begin(stage, question, "same_device")
    code = code_of(await answer(stage.holding(), link))
    assert len(code) >= 43
    waiting = await browser.get(page_url)
    assert "Voldoet aan" not in waiting.text
    shown = await submit_code(browser, code)
    assert shown.status_code == 303
    assert "Voldoet aan de eis" in (await browser.get(shown.headers["location"])).text


async def test_V22_the_whole_address_may_be_pasted_where_no_script_runs(stage: Stage, question: dict[str, Any]) -> None:
    browser, _, link = await begin(stage, question, "same_device")
    shown = await submit_code(browser, await answer(stage.holding(), link))
    assert shown.status_code == 303


async def test_A36_in_a_foreign_browser_the_code_shows_nothing_and_the_presentation_is_thrown_away(
    stage: Stage, question: dict[str, Any]
) -> None:
    attacker, page_url, link = await begin(stage, question, "same_device")
    code = code_of(await answer(stage.holding(), link))
    victim = Browser(stage)
    refused = await submit_code(victim, code)
    assert refused.status_code == 403
    assert "Voldoet aan" not in refused.text
    again = await submit_code(attacker, code)
    assert again.status_code == 403
    assert "weggegooid" in (await attacker.get(page_url)).text
    listed = (await stage.api.get("/api/relying-parties/bakker/presentations")).json()["presentations"]
    assert listed[0]["state"] == "discarded"


async def test_A36_without_the_code_the_attackers_own_session_gets_nothing(
    stage: Stage, question: dict[str, Any]
) -> None:
    attacker, page_url, link = await begin(stage, question, "same_device")
    await answer(stage.holding(), link)
    assert "Voldoet aan" not in (await attacker.get(page_url)).text
    assert (await submit_code(attacker, "a-guessed-code-of-some-length")).status_code == 403
    listed = (await stage.api.get("/api/relying-parties/bakker/presentations")).json()["presentations"]
    assert listed[0]["state"] == "received"
    found = (await stage.api.get(f"/api/relying-parties/bakker/presentations/{listed[0]['id']}")).json()
    assert "report" not in found
    assert "shown" not in found


async def test_V22_a_code_works_once(stage: Stage, question: dict[str, Any]) -> None:
    browser, _, link = await begin(stage, question, "same_device")
    code = code_of(await answer(stage.holding(), link))
    assert (await submit_code(browser, code)).status_code == 303
    assert (await submit_code(browser, code)).status_code == 403
    assert "Voldoet aan" in (await browser.get(await last_result(stage))).text


async def last_result(stage: Stage) -> str:
    listed = (await stage.api.get("/api/relying-parties/bakker/presentations")).json()["presentations"]
    assert listed[0]["state"] == "settled"
    return f"/result/{listed[0]['id']}"


async def test_V22_a_result_that_nobody_fetches_in_time_is_thrown_away(stage: Stage, question: dict[str, Any]) -> None:
    from verifier.retention import erase_what_has_passed

    browser, _, link = await begin(stage, question, "same_device")
    code = code_of(await answer(stage.holding(), link))
    stage.clock.advance(timedelta(minutes=6))
    erased = await erase_what_has_passed(stage.service)
    assert erased.uncollected == 1
    assert (await submit_code(browser, code)).status_code == 403


async def test_V22_a_relying_partys_own_page_collects_with_key_and_code_together(stage: Stage) -> None:
    started = await stage.ask(flow="same_device", return_uri="https://bakkerbouw.example/terug")
    reply = await stage.holding().answer(started["link"])
    location = reply.json()["redirect_uri"]
    assert location.startswith("https://bakkerbouw.example/terug#response_code=")
    url = f"/api/relying-parties/bakker/presentations/{started['id']}/result"
    assert (await stage.result(started))["state"] == "received"
    wrong = await stage.api.post(url, json={"response_code": "another"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "not_released")
    right = await stage.api.post(url, json={"response_code": location.partition("=")[2]})
    assert right.json()["report"]["accepted"] is True
    assert (await stage.result(started))["report"]["accepted"] is True


@pytest.mark.parametrize(
    ("flow", "return_uri"),
    [
        ("cross_device", "https://bakkerbouw.example/terug"),
        ("same_device", "http://bakkerbouw.example/terug"),
        ("same_device", "https://bakkerbouw.example/terug#part"),
        ("same_device", "https://user@bakkerbouw.example/"),
        ("same_device", "javascript:alert(1)"),
    ],
)
async def test_A35_a_return_address_that_is_not_safe_is_refused(stage: Stage, flow: str, return_uri: str) -> None:
    body = {"purpose": "x", "skills": [{"uri": SKILL_URIS[0]}], "flow": flow, "return_uri": return_uri}
    refused = await stage.api.post("/api/relying-parties/bakker/presentations", json=body)
    assert (refused.status_code, refused.json()["code"]) == (400, "input")


async def test_V21_a_refusal_on_the_same_device_brings_the_browser_back_too(
    stage: Stage, question: dict[str, Any]
) -> None:
    browser, _, link = await begin(stage, question, "same_device")
    reply = await stage.holding().refuse(link)
    shown = await submit_code(browser, code_of(reply.json()["redirect_uri"]))
    assert "U hebt niets gedeeld" in (await browser.get(shown.headers["location"])).text


async def test_V23_across_devices_only_the_initiating_browser_and_the_relying_party_see_the_result(
    stage: Stage, question: dict[str, Any]
) -> None:
    browser, page_url, link = await begin(stage, question, "cross_device")
    reply = await stage.holding().answer(link)
    assert reply.json() == {}
    assert "Voldoet aan de eis" in (await browser.get(page_url)).text
    stranger = Browser(stage)
    assert (await stranger.get(page_url)).status_code == 404
    assert (await stranger.get(f"{page_url}/events")).status_code == 404
    operator = await sign_in(stage)
    request_id = page_url.rsplit("/", 1)[1]
    assert "Voldoet aan de eis" in (await operator.get(f"/back-office/bakker/answers/{request_id}")).text


async def test_V23_the_live_state_tells_the_state_and_nothing_of_the_answer(
    stage: Stage, question: dict[str, Any]
) -> None:
    browser, page_url, link = await begin(stage, question, "cross_device")
    await stage.holding().answer(link)
    events = await browser.get(f"{page_url}/events")
    assert events.headers["content-type"].startswith("text/event-stream")
    assert '"state": "settled"' in events.text
    assert "Sanne" not in events.text
    assert SKILL_URIS[0] not in events.text


async def test_V22_a_forged_answer_on_the_same_device_is_reported_without_what_was_sent(
    stage: Stage, question: dict[str, Any]
) -> None:
    """Its sender is refused and not sent back, so there is no code to wait for."""
    browser, page_url, link = await begin(stage, question, "same_device")
    reply = await stage.holding().answer(link, Misbehaviour(nonce="another-nonce-aaaaaaaa"))
    assert reply.status_code == 400
    assert "redirect_uri" not in reply.json()
    assert "Dit antwoord hoort bij een andere vraag." in (await browser.get(page_url)).text
    url = f"/api/relying-parties/bakker/presentations/{page_url.rsplit('/', 1)[1]}"
    result = (await stage.api.get(url)).json()
    assert (result["state"], result["report"]["accepted"], result["shown"]) == ("settled", False, None)


async def test_A52_a_browser_cannot_hold_the_service_with_open_streams(stage: Stage, question: dict[str, Any]) -> None:
    """Every stream asks the database each second; a seat is free again however its stream ended."""
    browser, page_url, _ = await begin(stage, question, "cross_device")
    opened = [asyncio.create_task(browser.get(f"{page_url}/events")) for _ in range(4)]
    await asyncio.sleep(0.3)
    refused = await browser.get(f"{page_url}/events")
    assert (refused.status_code, [task.done() for task in opened]) == (429, [False] * 4)
    for task in opened:
        task.cancel()
    await asyncio.gather(*opened, return_exceptions=True)
    again = asyncio.create_task(browser.get(f"{page_url}/events"))
    await asyncio.sleep(0.3)
    assert not again.done()
    again.cancel()
    await asyncio.gather(again, return_exceptions=True)


def test_A52_all_open_streams_of_a_process_together_are_bounded_too() -> None:
    streams = OpenStreams(in_all=3, for_one_request=2)
    held = [streams.take_seat("a"), streams.take_seat("a")]
    with pytest.raises(TooManyStreamsError):
        streams.take_seat("a")
    held.append(streams.take_seat("b"))
    with pytest.raises(TooManyStreamsError):
        streams.take_seat("c")
    held.clear()
    held.append(streams.take_seat("c"))
