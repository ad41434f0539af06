"""The process ends at any step of presenting: afterwards either side goes on or starts over. A-53; W-31, W-58.

The steps are found by running: before and after each transaction, before and after each request to the verifier. What
comes after is another process on the same database.
"""

from base64 import b64encode
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from runtime.jitter import no_jitter
from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC
from tests.support.steps import Steps
from tests.wallet.test_dc_api import accept, hand_over, question, signer_of
from tests.wallet.test_importing import BAKED
from wallet.app import create_app
from wallet.models import Credential

pytestmark = pytest.mark.usefixtures("cheap_passphrases")

FIRST = next(iter(SKILLS))


@pytest.fixture
def steps(house_twice: Any, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """Each request is a step too."""
    steps, kind = Steps.watch(monkeypatch), type(house_twice.transport)
    monkeypatch.setattr(kind, "handle_async_request", steps.around(kind.handle_async_request))
    return steps


async def restart(house: Any, holder: Any) -> None:
    """Another process takes over, and the holder signs in again."""
    await house.app.state.service.close()
    house.app = create_app(house.settings, transport=house.transport, clock=house.clock, jitter=no_jitter)
    holder.http = house.client()
    await holder.sign_in()


async def test_A53_W31_W58_process_that_ends_at_any_step_of_answering_leaves_nothing_sent_twice_and_nothing_hidden(
    house_twice: Any, steps: Steps
) -> None:
    house, holder = house_twice, await house_twice.new_holder()
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    number = 0
    while True:
        number += 1
        link = house.verifier.ask(house.verifier.skill_query(FIRST))
        asked = await holder.open_request(link)
        house.verifier.received.clear()

        async def answer(request_id: str = asked["id"]) -> None:
            (await holder.call("POST", f"/requests/{request_id}/accept", {})).raise_for_status()

        if not await steps.ends_at(number, answer):
            break
        was_sent = len(house.verifier.received)
        await restart(house, holder)
        again = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
        told = [entry for entry in await holder.history() if entry["kind"] == "shared"]
        # Whatever the verifier got to see, the holder can read back; and it got it once.
        assert len(house.verifier.received) <= 1
        assert len(told) >= len(house.verifier.received)
        if again.status_code == 200:
            # Nothing had left: it went on.
            assert (was_sent, len(house.verifier.received)) == (0, 1)
        else:
            # It may have left: nothing is sent again, the holder reads so, and starts over with a new question.
            assert again.json()["code"] == "request_answered"
            assert told[0]["outcome"] in ("sending", "confirmed")
            assert len(house.verifier.received) == was_sent
            over = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
            assert (await holder.call("POST", f"/requests/{over['id']}/accept", {})).status_code == 200
        for entry in await holder.history():
            await holder.call("DELETE", f"/history/{entry['id']}")
    assert number > 8


async def test_A53_process_that_ends_while_a_question_is_opened_lets_it_be_opened_again(
    house_twice: Any, steps: Steps
) -> None:
    house, holder = house_twice, await house_twice.new_holder()
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    number = 0
    while True:
        number += 1
        link = house.verifier.ask(house.verifier.skill_query(FIRST))

        async def open_it(link: str = link) -> None:
            await holder.open_request(link)

        if not await steps.ends_at(number, open_it):
            break
        await restart(house, holder)
        asked = await holder.open_request(link)
        assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
        house.verifier.verify("skill_1", house.issuer.signer.public_key)
    assert number > 4


async def test_A53_W53_process_that_ends_while_saying_no_shows_nothing(house_twice: Any, steps: Steps) -> None:
    house, holder = house_twice, await house_twice.new_holder()
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    number = 0
    while True:
        number += 1
        asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
        house.verifier.received.clear()

        async def decline(request_id: str = asked["id"]) -> None:
            (await holder.call("POST", f"/requests/{request_id}/decline", {})).raise_for_status()

        if not await steps.ends_at(number, decline):
            break
        await restart(house, holder)
        again = await holder.call("POST", f"/requests/{asked['id']}/decline", {})
        assert again.status_code == 200 or again.json()["code"] == "request_answered"
        assert len(house.verifier.received) <= 1
        assert all(getattr(answer, "error", "") == "access_denied" for answer in house.verifier.received)
    assert number > 5


async def test_A53_W55_W31_process_that_ends_at_any_step_of_an_answer_for_a_page_hides_nothing_from_its_holder(
    house_twice: Any, steps: Steps
) -> None:
    house, holder = house_twice, await house_twice.new_holder()
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    number, outcomes = 0, set()
    while True:
        number += 1
        opened = await hand_over(holder, question(house, signer_of(house)))
        path = f"/requests/{opened.json()['id']}/accept"
        given: list[httpx.Response] = []

        async def answer(path: str = path, given: list[httpx.Response] = given) -> None:
            given.append(await holder.call("POST", path, {}))

        if not await steps.ends_at(number, answer):
            break
        assert given == []
        await restart(house, holder)
        again = await holder.call("POST", path, {})
        outcomes.add(again.status_code)
        shared = [entry for entry in await holder.history() if entry["kind"] == "shared"]
        # It went out now, or may have before: either way it stands in the history, once.
        assert again.status_code == 200 or again.json()["code"] == "request_answered"
        assert len(shared) == 1
        over = await hand_over(holder, question(house, signer_of(house)))
        assert (await accept(holder, over)).status_code == 200
        for entry in await holder.history():
            await holder.call("DELETE", f"/history/{entry['id']}")
    assert outcomes == {200, 409}
    assert number > 3


async def test_A53_W30_process_that_ends_at_any_step_of_a_badge_from_elsewhere_keeps_and_removes_it_once(
    house_twice: Any, steps: Steps
) -> None:
    house, holder = house_twice, await house_twice.new_holder()
    body = {"file": b64encode(BAKED).decode()}

    async def kept() -> list[str]:
        found = (await holder.call("GET", "/imported-badges")).json()["imported_badges"]
        return [badge["id"] for badge in found]

    number = 0
    while True:
        number += 1
        known: list[str] = []

        async def bring_and_keep(known: list[str] = known) -> None:
            known.append((await holder.call("POST", "/imported-badges", body)).json()["id"])
            (await holder.call("POST", f"/imported-badges/{known[0]}/keep")).raise_for_status()

        ended = await steps.ends_at(number, bring_and_keep)
        await restart(house, holder)
        if not known:
            # Nobody has said yes to it: it is brought again, and what was there goes by itself.
            assert await kept() == []
            await bring_and_keep()
        assert (await holder.call("POST", f"/imported-badges/{known[0]}/keep")).status_code == 200
        assert await kept() == known
        assert [entry["kind"] for entry in await holder.history()] == ["received"]
        await remove(house, holder, steps, known[0], number)
        assert await kept() == []
        assert sorted(entry["kind"] for entry in await holder.history()) == ["deleted", "received"]
        for entry in await holder.history():
            await holder.call("DELETE", f"/history/{entry['id']}")
        if not ended:
            break
    assert number > 6


async def remove(house: Any, holder: Any, steps: Steps, badge_id: str, number: int) -> None:
    """Remove a badge from elsewhere; the process ends at this step of it, if it has so many."""

    async def delete() -> None:
        await holder.call("DELETE", f"/imported-badges/{badge_id}")

    if await steps.ends_at(number, delete):
        await restart(house, holder)
        assert (await holder.call("DELETE", f"/imported-badges/{badge_id}")).status_code in (204, 404)


async def test_A53_W30_process_that_ends_at_any_step_of_recovering_leaves_a_way_into_the_vault(
    house_twice: Any, steps: Steps
) -> None:
    """The next recovery code may be lost with the answer; then the passphrase that was set gives another one."""
    house, holder = house_twice, await house_twice.new_holder()
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    number, ended, ways = 0, True, set()
    while ended:
        number += 1
        wanted = f"vier nieuwe losse woorden {number}"
        body = {"name": holder.name, "recovery_code": holder.recovery_code, "passphrase": wanted}
        ended = await steps.ends_at(number, lambda body=body: holder.call("POST", "/recovery", body))
        await reopen(house, holder)
        again = await holder.call("POST", "/recovery", body)
        ways.add(again.status_code)
        assert again.status_code == 201 or again.json()["code"] == "recovery_code"
        holder.passphrase = wanted
        await holder.sign_in()
        assert len(await holder.badges()) == 1
        made = await holder.call("POST", "/recovery-code", {"passphrase": wanted})
        holder.recovery_code = made.json()["recovery_code"]
    assert ways == {201, 401}
    assert number > 6


async def test_A53_W30_process_that_ends_at_any_step_of_a_new_passphrase_leaves_one_of_the_two(
    house_twice: Any, steps: Steps
) -> None:
    house, holder = house_twice, await house_twice.new_holder()
    number, ended, opened = 0, True, set()
    while ended:
        number += 1
        body = {"old": holder.passphrase, "new": f"vier nieuwe losse woorden {number}"}
        ended = await steps.ends_at(number, lambda body=body: holder.call("PUT", "/passphrase", body))
        await reopen(house, holder)
        works = "new" if await opens(holder, body["new"]) else "old"
        assert await opens(holder, body["old"]) == (works == "old")
        opened.add(works)
        holder.passphrase = body[works]
        await holder.sign_in()
    assert opened == {"old", "new"}
    assert number > 3


async def test_A53_W31_process_that_ends_at_any_step_of_erasing_leaves_all_or_nothing(
    house_twice: Any, steps: Steps
) -> None:
    house, number, ended, left = house_twice, 0, True, set()
    while ended:
        number += 1
        holder = await house.new_holder()
        await holder.receive(house.issuer.offer_link(configurations=[DC]))
        body = {"passphrase": holder.passphrase}
        ended = await steps.ends_at(number, lambda holder=holder, body=body: holder.call("DELETE", "/account", body))
        await reopen(house, holder)
        signed_in = await holder.call("POST", "/sessions", {"name": holder.name, "passphrase": holder.passphrase})
        left.add(signed_in.status_code)
        if signed_in.status_code == 201:
            holder.token = signed_in.json()["token"]
            assert len(await holder.badges()) == 1
            assert (await holder.call("DELETE", "/account", body)).status_code == 204
        async with house.app.state.service.database.reading() as session:
            assert (await session.scalars(select(Credential))).all() == []
    assert left == {201, 401}
    assert number > 3


async def opens(holder: Any, passphrase: str) -> bool:
    answer = await holder.call("POST", "/sessions", {"name": holder.name, "passphrase": passphrase})
    return bool(answer.status_code == 201)


async def reopen(house: Any, holder: Any) -> None:
    """Another process takes over; nobody is signed in there yet."""
    await house.app.state.service.close()
    house.app = create_app(house.settings, transport=house.transport, clock=house.clock, jitter=no_jitter)
    holder.http = house.client()
    # Wrong tries are forgotten by then.
    house.clock.advance(timedelta(hours=1))
