"""The wallet's process dies at some moment of receiving a badge. Whoever comes back goes on, or begins anew.

Nothing is there twice, nothing that was received is lost, and no code is ever sent a second time.
"""

from datetime import timedelta

import httpx
import pytest

from kernel.jwt import parse_jwt
from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC
from tests.support.simulated_verifier import SimulatedVerifier
from wallet import store

pytestmark = pytest.mark.usefixtures("cheap_passphrases")

FIRST = next(iter(SKILLS))
CODE = ("authorization_code",)
LEASE = timedelta(minutes=6)
# Every request that the wallet sends after the person said yes, in order.
STEPS = ["/token", "/nonce", "/credential", "/did.json", "/status/1", "/notification"]


@pytest.fixture
async def house(house_twice):
    """On both databases: what a process left half done must be the same in each."""
    return house_twice


class KilledError(BaseException):
    """Nothing in the process comes after this."""


def kill_at(house, path: str, *, when: str) -> None:
    """Die once, when a request to this path leaves, or when its answer arrives."""
    inner = house.transport.apps["issuer.example:443"]

    async def app(scope, receive, send):
        if not scope["path"].endswith(path):
            await inner(scope, receive, send)
            return
        house.transport.apps["issuer.example:443"] = inner
        if when == "after":
            await inner(scope, receive, send)
        raise KilledError

    house.transport.apps["issuer.example:443"] = app


async def sign_in_again(house, holder, offer_id: str):
    begun = await holder.call("POST", f"/offers/{offer_id}/authorization", {})
    return await holder.come_back(await house.visit(begun.raise_for_status().json()["authorization_url"]))


async def go_on(house, holder, offer_id: str) -> None:
    """What a person does who comes back later: look at home, and press the button that is there."""
    house.clock.advance(LEASE)
    await holder.sign_in()
    await holder.call("POST", "/awaited")
    offer = (await holder.call("GET", f"/offers/{offer_id}")).raise_for_status().json()
    if offer["state"] == "received":
        return
    if offer["state"] in ("redeemed", "unchecked"):
        answer = await holder.accept(offer_id)
        if answer.status_code == 201:
            return
    assert (await sign_in_again(house, holder, offer_id)).status_code == 201


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("path", ["/par", *STEPS])
async def test_W08_wallet_that_dies_while_somebody_signs_in_loses_and_doubles_nothing(house, holder, path, when):
    house.issuer.token_lifetime = timedelta(hours=1)
    offer = await holder.open_offer(house.issuer.offer_link(grants=CODE, configurations=[DC]))
    kill_at(house, path, when=when)
    with pytest.raises(KilledError):
        await sign_in_again(house, holder, offer["id"])
    await go_on(house, holder, offer["id"])
    assert len(await holder.badges()) == 1
    if path == "/credential":
        # Asked for again with the same key, so that an issuer that remembers issues nothing twice.
        assert len(set(house.issuer.holder_keys)) == 1
        assert len(house.issuer.holder_keys) == (2 if when == "after" else 1)
    codes = [form["code"] for form in house.issuer.token_forms]
    assert len(codes) == len(set(codes))
    assert "credential_accepted" in {event for _, event in house.issuer.notifications}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("path", STEPS)
async def test_W07_wallet_that_dies_after_a_code_was_sent_never_sends_it_again(house, holder, path, when):
    house.issuer.token_lifetime = timedelta(hours=1)
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC], tx_code="493536"))
    kill_at(house, path, when=when)
    with pytest.raises(KilledError):
        await holder.accept(offer["id"], tx_code="493536")
    house.clock.advance(LEASE)
    await holder.sign_in()
    answer = await holder.accept(offer["id"], tx_code="493536")
    if path == "/token":
        # Nobody knows whether it was spent: a new offer is needed, and the old one says so.
        assert (answer.status_code, answer.json()["code"]) == (409, "offer_spent")
        await holder.receive(house.issuer.offer_link(configurations=[DC], tx_code="493536"), "493536")
    elif path == "/notification":
        assert answer.json()["code"] == "offer_spent"
        await holder.call("POST", "/awaited")
    else:
        assert answer.status_code == 201
    assert len(await holder.badges()) == 1
    assert len(house.issuer.sent_codes) == len(set(house.issuer.sent_codes))
    assert "credential_accepted" in {event for _, event in house.issuer.notifications}


@pytest.mark.parametrize("write", range(1, 8))
async def test_wallet_that_dies_while_it_writes_down_a_step_goes_on_from_the_one_before(
    house, holder, monkeypatch, write
):
    house.issuer.token_lifetime = timedelta(hours=1)
    offer = await holder.open_offer(house.issuer.offer_link(grants=CODE, configurations=[DC]))
    writes, honest = [], store.set_offer

    async def die(*args, **named):
        writes.append(named["state"])
        if len(writes) == write:
            raise KilledError
        await honest(*args, **named)

    with monkeypatch.context() as patched:
        patched.setattr(store, "set_offer", die)
        with pytest.raises(KilledError):
            await sign_in_again(house, holder, offer["id"])
    await go_on(house, holder, offer["id"])
    assert len(await holder.badges()) == 1
    codes = [form["code"] for form in house.issuer.token_forms]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("path", ["/deferred", "/did.json", "/status/1", "/notification"])
async def test_W14_wallet_that_dies_while_it_asks_for_what_was_prepared_asks_again(house, holder, path, when):
    offer = await begin_waiting(house, holder)
    kill_at(house, path, when=when)
    with pytest.raises(KilledError):
        await holder.call("POST", "/awaited")
    house.clock.advance(LEASE)
    await holder.sign_in()
    state = (await holder.call("GET", f"/offers/{offer['id']}")).json()["state"]
    if state == "unchecked":
        assert (await holder.accept(offer["id"])).status_code == 201
    else:
        await holder.call("POST", "/awaited")
    assert len(await holder.badges()) == 1
    # What was answered and not heard is asked for as at first, for the same key: nobody has to issue it twice.
    assert len(set(house.issuer.holder_keys)) == 1
    assert len(house.issuer.holder_keys) == (2 if (path, when) == ("/deferred", "after") else 1)


async def test_W14_answer_that_was_not_heard_and_is_prepared_anew_is_waited_for(house, holder):
    """An issuer that remembers nothing of it prepares it once more, under another id."""
    await unheard(house, holder)
    house.issuer.prepares = 1
    assert (await holder.call("POST", "/awaited")).json()["credentials"] == []
    assert len((await holder.call("GET", "/awaited")).json()["awaited"]) == 1
    house.clock.advance(timedelta(minutes=1))
    assert len((await holder.call("POST", "/awaited")).json()["credentials"]) == 1
    assert len(house.issuer.transactions) == 0


async def test_W14_answer_that_was_not_heard_and_is_refused_anew_is_told_as_lost(house, holder):
    offer = await unheard(house, holder)
    house.issuer.misbehave = "denied"
    assert (await holder.call("POST", "/awaited")).json()["credentials"] == []
    assert (await holder.call("GET", f"/offers/{offer['id']}")).json()["state"] == "failed"
    assert "not_received" in {entry["kind"] for entry in await holder.history()}


async def test_W14_answer_that_broke_off_on_its_way_is_asked_for_again(house, holder):
    """No process died: the line did, after the issuer had answered."""
    offer = await begin_waiting(house, holder)
    break_off_at(house, "/deferred")
    assert (await holder.call("POST", "/awaited")).json()["credentials"] == []
    house.clock.advance(timedelta(minutes=1))
    assert len((await holder.call("POST", "/awaited")).json()["credentials"]) == 1
    assert len(await holder.badges()) == 1
    assert (await holder.call("GET", f"/offers/{offer['id']}")).json()["state"] == "received"


async def begin_waiting(house, holder):
    house.issuer.token_lifetime, house.issuer.prepares = timedelta(hours=1), 1
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    assert (await holder.accept(offer["id"])).json()["is_awaiting"]
    house.clock.advance(timedelta(minutes=1))
    return offer


async def unheard(house, holder):
    """The issuer answered, and the process died before it could read."""
    offer = await begin_waiting(house, holder)
    kill_at(house, "/deferred", when="after")
    with pytest.raises(KilledError):
        await holder.call("POST", "/awaited")
    house.clock.advance(LEASE)
    await holder.sign_in()
    return offer


def break_off_at(house, path: str) -> None:
    """The issuer answers a request to this path, and the line breaks before the answer is there."""
    inner = house.transport.apps["issuer.example:443"]

    async def app(scope, receive, send):
        if not scope["path"].endswith(path):
            await inner(scope, receive, send)
            return
        house.transport.apps["issuer.example:443"] = inner

        async def unheard(message):
            pass

        await inner(scope, receive, unheard)
        raise httpx.ReadError("the line broke")

    house.transport.apps["issuer.example:443"] = app


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("path", ["/token", "/nonce", "/credential"])
async def test_W13_wallet_that_dies_while_it_gets_new_copies_loses_and_doubles_none(house, holder, path, when):
    house.issuer.batch_size, house.issuer.refreshes, house.issuer.binds = 2, True, True
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    first = [await show(house, holder, slug) for slug in ("a", "b")]
    house.clock.advance(timedelta(minutes=10))
    kill_at(house, path, when=when)
    with pytest.raises(KilledError):
        await holder.call("POST", "/awaited")
    asked = house.issuer.holder_keys[2:]
    house.clock.advance(timedelta(hours=2))
    await holder.sign_in()
    await holder.call("POST", "/awaited")
    again = [await show(house, holder, slug) for slug in ("c", "d")]
    if (path, when) == ("/token", "after"):
        # The token that came in its place was lost: the badge is shown with the copies that there are.
        assert set(again) == set(first)
    else:
        assert len({*first, *again}) == 4
        # Asked for with the keys that were proven before.
        assert len(set(house.issuer.holder_keys)) == 4
        assert asked == house.issuer.holder_keys[2 : 2 + len(asked)]
    assert len(await holder.badges()) == 1


async def show(house, holder, slug: str) -> str:
    """Show the badge to a verifier of this name, and return the key that the copy was bound to."""
    verifier = SimulatedVerifier(house.clock, slug=slug)
    house.transport.apps["verifier.example:443"] = verifier.app()
    house.clock.advance(timedelta(seconds=1))
    asked = await holder.open_request(verifier.ask(verifier.skill_query(FIRST)))
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    [presented] = verifier.received[-1].vp_token["skill_1"]
    return str(parse_jwt(presented.partition("~")[0]).payload["cnf"]["jwk"]["x"])
