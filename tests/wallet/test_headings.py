"""Who asks or offers is called by the name on the list or by their host, and not as they please (W-02, W-47)."""

import re
from html import unescape

import pytest

from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC

FIRST = next(iter(SKILLS))
PRETENDED = "Belastingdienst"


@pytest.fixture
async def browser(house):
    house.issuer.name = house.verifier.name = PRETENDED
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


def heading(page: str) -> str:
    return unescape(re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)[1])


async def open_link(browser, link):
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=link))
    return heading(browser.page)


async def test_W02_stranger_who_offers_is_called_by_its_host(house, browser):
    house.sign_trust_list(house.verification())
    assert await open_link(browser, house.issuer.offer_link(configurations=[DC])) == (
        "issuer.example biedt je een badge aan"
    )
    assert f"<dt>Noemt zich</dt><dd>{PRETENDED}</dd>" in browser.page


async def test_W47_stranger_who_asks_is_called_by_its_host_everywhere(house, browser):
    house.sign_trust_list(house.issuance())
    await open_link(browser, house.issuer.offer_link(configurations=[DC]))
    await browser.post(f"{browser.answer.url.path}/accept")
    question = house.verifier.ask(house.verifier.skill_query(FIRST))
    assert await open_link(browser, question) == "verifier.example vraagt om 1 skill"
    assert f"<dt>Noemt zich</dt><dd>{PRETENDED}</dd>" in browser.page
    house.verifier.redirect_uri = "https://verifier.example/done"
    answered = await browser.post(f"{browser.answer.url.path}/decline")
    assert heading(answered.text) == "Terug naar verifier.example"
    history = unescape((await browser.get("/shared")).text)
    assert "Niet gedeeld met verifier.example" in history
    assert f"<dt>Noemde zich</dt><dd>{PRETENDED}</dd>" in history


async def test_T10_party_on_the_list_is_called_as_the_list_calls_it(house, browser):
    assert (await open_link(browser, house.issuer.offer_link(configurations=[DC]))).startswith("Partij uitgifte ")
    await browser.post(f"{browser.answer.url.path}/accept")
    question = house.verifier.ask(house.verifier.skill_query(FIRST))
    assert (await open_link(browser, question)).startswith("Partij werkgever ")
