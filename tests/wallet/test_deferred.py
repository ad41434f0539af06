"""Badges that are still being prepared: asked for in time, by whoever is there, until they come or never will."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.support.simulated_issuer import DC, VC
from tests.wallet.conftest import PASSPHRASE

pytestmark = pytest.mark.over_http


async def begin(house, holder, *, prepares: int = 2, **more):
    """Take an offer whose badge is not ready."""
    house.issuer.prepares = prepares
    offer = await holder.open_offer(house.issuer.offer_link(**{"configurations": [DC], **more}))
    answer = await holder.accept(offer["id"])
    assert (answer.status_code, answer.json()) == (201, {"credentials": [], "is_awaiting": True})
    return offer


async def ask(holder):
    return (await holder.call("POST", "/awaited")).raise_for_status().json()["credentials"]


async def awaited(holder):
    return (await holder.call("GET", "/awaited")).raise_for_status().json()["awaited"]


async def test_W14_badge_that_is_not_ready_is_asked_for_until_it_is(house, holder):
    offer = await begin(house, holder)
    assert await holder.badges() == []
    [waiting] = await awaited(holder)
    assert (waiting["offer_id"], waiting["name"]) == (offer["id"], "Adviseur Lerende Regio")
    house.clock.advance(timedelta(seconds=60))
    assert await ask(holder) == []
    house.clock.advance(timedelta(seconds=60))
    [badge] = await ask(holder)
    assert [held["id"] for held in await holder.badges()] == [badge["id"]]
    assert await awaited(holder) == []
    assert [event for _, event in house.issuer.notifications] == ["credential_accepted"]


async def test_W14_issuer_is_never_asked_before_its_interval_is_over(house, holder):
    await begin(house, holder)
    for _ in range(10):
        house.clock.advance(timedelta(seconds=20))
        await ask(holder)
    moments = house.issuer.asked_at
    assert len(moments) == 2
    assert all(later - earlier >= timedelta(seconds=60) for earlier, later in pairwise(moments))


@pytest.mark.parametrize(("interval", "later"), [(60, 6), (900, 60)])
async def test_W32_W14_each_asks_a_little_later_than_the_interval(house, holder, interval, later):
    """A tenth of the interval at most, and a minute at most: an issuer says the same interval to a whole class."""
    house.app.state.service = replace(house.app.state.service, jitter=lambda most: most)
    house.issuer.interval = interval
    await begin(house, holder)
    [waiting] = await awaited(holder)
    assert datetime.fromisoformat(waiting["due_at"]) - house.clock() == timedelta(seconds=interval + later)


async def test_W32_W14_each_asks_again_a_little_later_than_the_interval(house, holder):
    house.app.state.service = replace(house.app.state.service, jitter=lambda most: most)
    await begin(house, holder)
    for seconds, asked in ((65, 0), (1, 1), (65, 1), (1, 2)):
        house.clock.advance(timedelta(seconds=seconds))
        await ask(holder)
        assert len(house.issuer.asked_at) == asked


async def test_W14_eight_at_once_ask_once(house_twice):
    holder = await house_twice.new_holder()
    await begin(house_twice, holder, prepares=1)
    house_twice.clock.advance(timedelta(seconds=60))
    came = await asyncio.gather(*(ask(holder) for _ in range(8)))
    assert sum(len(badges) for badges in came) == 1
    assert len(house_twice.issuer.asked_at) == 1
    assert len(await holder.badges()) == 1


@pytest.mark.parametrize("misbehaviour", ["deferred_denied", "transaction_unknown", "another_transaction_id"])
async def test_W14_what_never_will_come_is_asked_for_no_more(house, holder, misbehaviour):
    offer = await begin(house, holder)
    house.issuer.misbehave = misbehaviour
    for _ in range(3):
        house.clock.advance(timedelta(seconds=60))
        assert await ask(holder) == []
    assert len(house.issuer.asked_at) == 1
    assert await awaited(holder) == []
    assert (await holder.call("GET", f"/offers/{offer['id']}")).json()["state"] == "failed"


async def test_W14_issuer_that_never_is_ready_is_waited_for_no_longer_than_the_wallet_waits(house, holder):
    await begin(house, holder)
    house.issuer.misbehave, house.issuer.refreshes = "never_ready", True
    house.clock.advance(timedelta(days=61))
    await holder.sign_in()
    assert await awaited(holder) == []
    assert house.issuer.asked_at == []


async def test_W14_issuer_that_says_not_yet_again_does_not_lengthen_the_wait(house, holder):
    house.issuer.refreshes = True
    await begin(house, holder, prepares=99)
    for _ in range(3):
        house.clock.advance(timedelta(days=19))
        await holder.sign_in()
        await ask(holder)
    assert len(house.issuer.asked_at) == 3
    house.clock.advance(timedelta(days=4))
    await holder.sign_in()
    assert await ask(holder) == []
    assert await awaited(holder) == []
    assert len(house.issuer.asked_at) == 3


async def test_W14_issuer_that_does_not_answer_is_asked_again_later(house, holder):
    await begin(house, holder, prepares=1)
    house.issuer.misbehave = "deferred_breaks"
    house.clock.advance(timedelta(seconds=60))
    assert await ask(holder) == []
    assert await ask(holder) == []
    assert len(house.issuer.asked_at) == 1
    house.issuer.misbehave = ""
    house.clock.advance(timedelta(seconds=60))
    assert len(await ask(holder)) == 1


async def test_W14_word_of_earlier_drafts_for_not_yet_is_understood(house, holder):
    await begin(house, holder, prepares=1)
    house.issuer.misbehave = "pending_as_in_drafts"
    house.clock.advance(timedelta(seconds=60))
    assert await ask(holder) == []
    house.issuer.misbehave = ""
    house.clock.advance(timedelta(seconds=5))
    assert len(await ask(holder)) == 1


async def test_I32_W14_token_that_ended_meanwhile_is_refreshed_and_stays_bound(house, holder):
    house.issuer.refreshes, house.issuer.binds = True, True
    await begin(house, holder, prepares=2)
    for _ in range(2):
        house.clock.advance(timedelta(minutes=10))
        came = await ask(holder)
    assert len(came) == 1
    grants = [form["grant_type"] for form in house.issuer.token_forms]
    assert grants[1:] == ["refresh_token", "refresh_token"]
    tokens = [form["refresh_token"] for form in house.issuer.token_forms[1:]]
    assert len(set(tokens)) == 2


async def test_W14_token_that_ended_and_cannot_be_refreshed_ends_the_wait(house, holder):
    offer = await begin(house, holder, prepares=1)
    house.clock.advance(timedelta(minutes=10))
    assert await ask(holder) == []
    assert await awaited(holder) == []
    assert (await holder.call("GET", f"/offers/{offer['id']}")).json()["state"] == "failed"


async def test_W14_what_is_ready_of_two_forms_is_there_at_once(house, holder):
    house.issuer.prepares = 1
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC, VC]))
    answer = (await holder.accept(offer["id"])).json()
    assert answer["is_awaiting"]
    house.clock.advance(timedelta(seconds=60))
    came = await ask(holder)
    assert len(answer["credentials"]) + len(came) >= 1
    assert await awaited(holder) == []


async def test_W16_word_that_did_not_arrive_is_said_again(house, holder):
    house.issuer.misbehave = "notification_breaks"
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    assert house.issuer.notifications == []
    house.issuer.misbehave = ""
    await ask(holder)
    assert house.issuer.notifications == []
    house.issuer.token_lifetime = timedelta(hours=1)
    await holder.receive(house.issuer.offer_link(configurations=[VC]))
    house.clock.advance(timedelta(minutes=10))
    await ask(holder)
    assert "credential_accepted" in {event for _, event in house.issuer.notifications}


async def test_W16_word_is_said_again_five_times_and_no_more(house, holder):
    house.issuer.misbehave = "notification_breaks"
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    for _ in range(10):
        house.clock.advance(timedelta(minutes=10))
        await ask(holder)
    assert house.issuer.requests.count("POST /notification") == 5


async def test_W14_person_may_stop_waiting(house, holder):
    offer = await begin(house, holder)
    assert (await holder.call("DELETE", f"/offers/{offer['id']}")).status_code == 204
    house.clock.advance(timedelta(minutes=5))
    assert await ask(holder) == []
    assert house.issuer.asked_at == []


async def test_A30_nobody_asks_for_the_badge_of_somebody_else(house, holder):
    await begin(house, holder, prepares=1)
    other = await house.new_holder("Ander")
    house.clock.advance(timedelta(minutes=1))
    assert await ask(other) == []
    assert await awaited(other) == []
    assert house.issuer.asked_at == []


async def test_W14_open_page_hears_when_a_badge_came(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    house.issuer.prepares = 2
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link(configurations=[DC])))
    await browser.follow(await browser.post(f"{browser.answer.request.url.path}/accept"))
    assert "awaited.js" in browser.page
    heard = []
    for _ in range(3):
        heard.append((await browser.post("/awaited")).json()["changed"])
        house.clock.advance(timedelta(minutes=1))
    assert heard == [False, False, True]


async def test_W14_person_is_told_of_a_badge_that_will_not_come(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    house.issuer.prepares = 1
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link(configurations=[DC])))
    offer = str(browser.answer.request.url.path)
    await browser.post(f"{offer}/accept")
    house.issuer.misbehave = "deferred_denied"
    house.clock.advance(timedelta(minutes=1))
    await browser.get("/badges")
    assert "toch niet" in browser.page
    await browser.follow(await browser.post(f"{offer}/forget"))
    assert "toch niet" not in browser.page


async def test_W14_nothing_is_asked_while_the_vault_is_locked_and_at_once_when_it_opens(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    house.issuer.prepares = 1
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link(configurations=[DC])))
    offer = str(browser.answer.request.url.path)
    await browser.follow(await browser.post(f"{offer}/accept"))
    assert "Wordt nog klaargemaakt" in browser.page
    await browser.follow(await browser.get(offer)) if browser.answer.is_redirect else await browser.get(offer)
    assert "Je badge wordt nog klaargemaakt" in browser.page
    assert "<strong>Adviseur Lerende Regio</strong>" in browser.page
    await browser.get("/me")
    await browser.post("/sign-out")
    house.clock.advance(timedelta(minutes=4))
    assert house.issuer.asked_at == []
    await browser.get("/sign-in")
    await browser.follow(await browser.post("/sign-in", name="Sanne", passphrase=PASSPHRASE, next="/"))
    assert len(house.issuer.asked_at) == 1
    assert "Wordt nog klaargemaakt" not in browser.page
    assert "Adviseur Lerende Regio Maas en Waal" in browser.page
