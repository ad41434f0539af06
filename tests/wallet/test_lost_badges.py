"""A badge that was on its way and does not come never just disappears: its owner sees what became of it. W-14, W-31."""

import asyncio
from datetime import timedelta

import pytest

from tests.support.simulated_issuer import DC, VC
from tests.wallet.conftest import PASSPHRASE

pytestmark = pytest.mark.over_http

NAME = "Adviseur Lerende Regio"
ISSUER_NAME = "Partij uitgifte"


async def wait_for_badge(house, holder, *configurations):
    """Take an offer whose badge is not ready, and return the offer with the link that it came by."""
    house.issuer.prepares = 1
    link = house.issuer.offer_link(configurations=configurations or [DC])
    offer = await holder.open_offer(link)
    answer = await holder.accept(offer["id"])
    assert answer.json()["is_awaiting"], answer.text
    return offer, link


async def ways(holder):
    """What is awaited, and what was lost and why."""
    found = (await holder.call("GET", "/awaited")).raise_for_status().json()
    return len(found["awaited"]), [(lost["name"], lost["issuer_name"], lost["reason"]) for lost in found["lost"]]


async def told(holder):
    """What the history says of badges that did not come."""
    lines = [line for line in await holder.history() if line["kind"] == "not_received"]
    return [(line["badges"], line["party_name"], line["outcome"]) for line in lines]


async def test_W14_badge_that_takes_too_long_is_told_of_until_its_owner_has_seen_it(house, holder):
    offer, _ = await wait_for_badge(house, holder)
    house.clock.advance(timedelta(days=61))
    somebody = await house.new_holder("Ander")
    await somebody.sign_in()
    await holder.sign_in()
    assert await ways(holder) == (0, [(NAME, ISSUER_NAME, "late")])
    assert await told(holder) == [([NAME], ISSUER_NAME, "late")]
    assert (await ways(somebody), await told(somebody)) == ((0, []), [])
    assert house.issuer.asked_at == []
    assert (await holder.call("POST", f"/offers/{offer['id']}/forget")).status_code == 204
    assert await ways(holder) == (0, [])
    assert len(await told(holder)) == 1


@pytest.mark.parametrize(
    ("misbehaviour", "reason"),
    [
        ("deferred_denied", "withheld"),
        ("transaction_unknown", "withheld"),
        ("another_transaction_id", "unfetched"),
        ("changed_disclosure", "unsound"),
        ("revoked", "unsound"),
    ],
)
async def test_W14_W15_owner_reads_why_an_awaited_badge_did_not_come(house, holder, misbehaviour, reason):
    await wait_for_badge(house, holder)
    house.issuer.misbehave = misbehaviour
    house.clock.advance(timedelta(minutes=1))
    await holder.call("POST", "/awaited")
    assert await ways(holder) == (0, [(NAME, ISSUER_NAME, reason)])
    assert await told(holder) == [([NAME], ISSUER_NAME, reason)]
    assert await holder.badges() == []


async def test_W15_badge_that_came_and_could_not_be_checked_in_time_is_told_of(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    routes = house.transport.apps["issuer.example:443"].router.routes
    routes.remove(next(route for route in routes if route.path.endswith("/status/1")))
    assert (await holder.accept(offer["id"])).status_code == 503
    house.clock.advance(timedelta(hours=25))
    await holder.sign_in()
    assert await ways(holder) == (0, [(NAME, ISSUER_NAME, "unchecked")])
    assert await told(holder) == [([NAME], ISSUER_NAME, "unchecked")]


async def test_W14_badge_that_was_promised_and_never_answered_for_is_told_of(house, holder):
    house.issuer.misbehave = "credential_breaks"
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC, VC]))
    assert (await holder.accept(offer["id"])).status_code == 503
    house.clock.advance(timedelta(hours=25))
    await holder.sign_in()
    assert await ways(holder) == (0, [(NAME, ISSUER_NAME, "unfetched")])
    assert await told(holder) == [([NAME], ISSUER_NAME, "unfetched")]


async def test_W14_form_that_did_not_come_of_a_badge_that_did_is_no_loss(house, holder):
    await wait_for_badge(house, holder, DC, VC)
    [lost] = [name for name, (configuration, _) in house.issuer.transactions.items() if configuration == VC]
    del house.issuer.transactions[lost]
    house.clock.advance(timedelta(minutes=1))
    await holder.call("POST", "/awaited")
    assert len(await holder.badges()) == 1
    assert (await ways(holder), await told(holder)) == ((0, []), [])


async def test_W14_server_that_is_away_when_the_token_ends_costs_no_badge(house, holder):
    house.issuer.refreshes = True
    await wait_for_badge(house, holder)
    house.clock.advance(timedelta(minutes=10))
    house.transport.down.add("issuer.example:443")
    await holder.call("POST", "/awaited")
    assert await ways(holder) == (1, [])
    house.transport.down.clear()
    house.clock.advance(timedelta(minutes=1))
    await holder.call("POST", "/awaited")
    assert len(await holder.badges()) == 1


async def test_W31_eight_at_once_write_one_line(house_twice):
    holder = await house_twice.new_holder()
    await wait_for_badge(house_twice, holder)
    house_twice.clock.advance(timedelta(days=61))
    await holder.sign_in()
    await asyncio.gather(*(ways(holder) for _ in range(8)))
    assert len(await told(holder)) == 1


async def test_W14_link_of_an_offer_that_ended_says_what_became_of_it(house, holder):
    offer, link = await wait_for_badge(house, holder)
    house.clock.advance(timedelta(days=61))
    await holder.sign_in()
    again = await holder.open_offer(link)
    assert (again["id"], again["state"]) == (offer["id"], "failed")


@pytest.mark.parametrize(
    ("language", "told", "line"),
    [
        ("nl", "De badge Adviseur Lerende Regio is niet op tijd gekomen.", "Niet op tijd gekomen"),
        ("en", "The badge Adviser did not come in time.", "Did not come in time"),
    ],
)
async def test_W14_W31_page_list_and_history_say_it_in_words(house, language, told, line):
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    house.issuer.prepares = 1
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link(configurations=[DC])))
    offer = str(browser.answer.request.url.path)
    await browser.post(f"{offer}/accept")
    house.clock.advance(timedelta(days=61))
    await browser.get("/sign-in")
    await browser.follow(await browser.post("/sign-in", name="Sanne", passphrase=PASSPHRASE, next="/badges"))

    def said():
        return browser.page.replace("\u2068", "").replace("\u2069", "")

    assert told in said()
    await browser.get(offer)
    assert told in said()
    await browser.get("/shared")
    assert line in said()
    await browser.get(offer)
    await browser.follow(await browser.post(f"{offer}/forget"))
    assert told not in said()
