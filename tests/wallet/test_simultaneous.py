"""The same person, or the same name, several times at the same moment: one outcome, and no answer that is our fault."""

import asyncio
from base64 import b64encode
from datetime import timedelta

from sqlalchemy import select

from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC
from tests.support.simulated_verifier import SimulatedVerifier
from tests.wallet.conftest import PASSPHRASE
from tests.wallet.test_importing import BAKED
from wallet.models import Account, Credential, HistoryEntry, PresentationRequest

NEW_PASSPHRASE = "andere vier losse woorden"
CALLERS = 8


def statuses(answers):
    return sorted(answer.status_code for answer in answers)


async def can_sign_in(holder, passphrase):
    answer = await holder.http.post("/api/sessions", json={"name": holder.name, "passphrase": passphrase})
    return answer.status_code == 201


async def test_W30_recovery_code_used_at_the_same_moment_opens_the_vault_once(house_twice):
    """Each caller sets a passphrase of its own; the one who won can sign in, and the code in her hand works."""
    holder = await house_twice.new_holder("Sanne")
    await holder.receive(house_twice.issuer.offer_link(configurations=[DC]))
    bodies = [
        {"name": "Sanne", "recovery_code": holder.recovery_code, "passphrase": f"{number} {NEW_PASSPHRASE}"}
        for number in range(CALLERS)
    ]
    answers = await asyncio.gather(*(holder.call("POST", "/recovery", body) for body in bodies))
    assert statuses(answers).count(201) == 1
    [(won, body)] = [(a, b) for a, b in zip(answers, bodies, strict=True) if a.status_code == 201]
    assert {a.json()["code"] for a in answers if a is not won} <= {"recovery_code", "secret_replaced"}
    holder.token = won.json()["token"]
    assert len(await holder.badges()) == 1
    assert await can_sign_in(holder, body["passphrase"])
    assert not await can_sign_in(holder, PASSPHRASE)
    again = {**body, "recovery_code": won.json()["recovery_code"]}
    assert (await holder.call("POST", "/recovery", again)).status_code == 201


async def test_W30_passphrase_changed_twice_at_the_same_moment_is_one_of_the_two(house_twice):
    """Whoever hears that it worked, signs in with it: a change that was overtaken is refused."""
    holder = await house_twice.new_holder("Sanne")
    bodies = [{"old": PASSPHRASE, "new": f"{number} {NEW_PASSPHRASE}"} for number in range(CALLERS)]
    answers = await asyncio.gather(*(holder.call("PUT", "/passphrase", body) for body in bodies))
    assert statuses(answers).count(204) == 1
    assert {a.json()["code"] for a in answers if a.status_code != 204} <= {"sign_in", "signed_out", "secret_replaced"}
    [won] = [body for answer, body in zip(answers, bodies, strict=True) if answer.status_code == 204]
    assert await can_sign_in(holder, won["new"])
    assert not await can_sign_in(holder, PASSPHRASE)


async def test_W30_no_session_that_an_old_passphrase_opened_outlives_its_change(house_twice):
    """Whoever changes it because somebody else knows it, must get that somebody out, however good their timing."""
    holder = await house_twice.new_holder("Sanne")
    old = {"name": "Sanne", "passphrase": PASSPHRASE}
    changed, *signed_in = await asyncio.gather(
        holder.call("PUT", "/passphrase", {"old": PASSPHRASE, "new": NEW_PASSPHRASE}),
        *(holder.http.post("/api/sessions", json=old) for _ in range(CALLERS)),
    )
    assert changed.status_code == 204
    for answer in signed_in:
        if answer.status_code == 201:
            holder.token = answer.json()["token"]
            assert (await holder.call("GET", "/credentials")).status_code == 401


async def test_W30_recovery_code_replaced_twice_at_the_same_moment_leaves_one_that_works(house_twice):
    holder = await house_twice.new_holder("Sanne")
    body = {"passphrase": PASSPHRASE}
    answers = await asyncio.gather(*(holder.call("POST", "/recovery-code", body) for _ in range(CALLERS)))
    assert 201 in statuses(answers)
    assert set(statuses(answers)) <= {201, 409}
    codes = [answer.json()["recovery_code"] for answer in answers if answer.status_code == 201]
    recovery = [{"name": "Sanne", "recovery_code": code, "passphrase": NEW_PASSPHRASE} for code in codes]
    opened = [await holder.call("POST", "/recovery", body) for body in recovery]
    assert statuses(opened).count(201) == 1


async def test_W30_passphrase_changed_while_the_code_recovers_leaves_a_vault_that_opens(house_twice):
    holder = await house_twice.new_holder("Sanne")
    changed, recovered = await asyncio.gather(
        holder.call("PUT", "/passphrase", {"old": PASSPHRASE, "new": f"1 {NEW_PASSPHRASE}"}),
        holder.call(
            "POST",
            "/recovery",
            {"name": "Sanne", "recovery_code": holder.recovery_code, "passphrase": f"2 {NEW_PASSPHRASE}"},
        ),
    )
    assert recovered.status_code == 201
    assert changed.status_code in (204, 401, 409)
    assert await can_sign_in(holder, f"2 {NEW_PASSPHRASE}") != await can_sign_in(holder, f"1 {NEW_PASSPHRASE}")
    assert not await can_sign_in(holder, PASSPHRASE)


async def test_W31_badge_deleted_twice_at_the_same_moment_is_deleted_once(house_twice):
    holder = await house_twice.new_holder("Sanne")
    badge = await holder.receive(house_twice.issuer.offer_link(configurations=[DC]))
    answers = await asyncio.gather(*(holder.call("DELETE", f"/credentials/{badge['id']}") for _ in range(CALLERS)))
    assert statuses(answers) == [204] + [404] * (CALLERS - 1)
    assert [entry["kind"] for entry in await holder.history()].count("deleted") == 1


async def test_W31_history_line_deleted_twice_at_the_same_moment_is_gone(house_twice):
    holder = await house_twice.new_holder("Sanne")
    await holder.receive(house_twice.issuer.offer_link(configurations=[DC]))
    [entry] = await holder.history()
    answers = await asyncio.gather(*(holder.call("DELETE", f"/history/{entry['id']}") for _ in range(CALLERS)))
    assert statuses(answers) == [204] + [404] * (CALLERS - 1)


async def test_W31_account_erased_twice_at_the_same_moment_is_gone(house_twice):
    holder = await house_twice.new_holder("Sanne")
    await holder.receive(house_twice.issuer.offer_link(configurations=[DC]))
    body = {"passphrase": PASSPHRASE}
    answers = await asyncio.gather(*(holder.call("DELETE", "/account", body) for _ in range(CALLERS)))
    assert 204 in statuses(answers)
    assert set(statuses(answers)) <= {204, 401}
    assert not await can_sign_in(holder, PASSPHRASE)
    await holder.sign_up()


async def test_W31_erasing_beside_everything_else_leaves_nothing_and_breaks_nothing(house_twice):
    holder = await house_twice.new_holder("Sanne")
    badge = await holder.receive(house_twice.issuer.offer_link(configurations=[DC]))
    offer = await holder.open_offer(house_twice.issuer.offer_link(configurations=[DC]))
    answers = await asyncio.gather(
        holder.call("DELETE", "/account", {"passphrase": PASSPHRASE}),
        holder.accept(offer["id"]),
        holder.call("DELETE", f"/credentials/{badge['id']}"),
        holder.call("PUT", "/passphrase", {"old": PASSPHRASE, "new": NEW_PASSPHRASE}),
        holder.call("POST", "/recovery-code", {"passphrase": PASSPHRASE}),
        holder.call("GET", "/export"),
        holder.call("GET", "/credentials"),
        holder.call("POST", "/sessions", {"name": "Sanne", "passphrase": PASSPHRASE}),
    )
    assert [answer.status_code for answer in answers if answer.status_code >= 500] == []


async def test_W15_badge_that_comes_in_while_its_owner_signs_out_is_kept(house_twice):
    """She said yes before she left: what she asked for waits for her, and nothing is half done."""
    holder = await house_twice.new_holder("Sanne")
    offer = await holder.open_offer(house_twice.issuer.offer_link(configurations=[DC]))
    inner = house_twice.transport.apps["issuer.example:443"]
    left = []

    async def sign_out_first(scope, receive, send):
        if scope["path"].endswith("/credential"):
            left.append((await holder.call("DELETE", "/sessions")).status_code)
        await inner(scope, receive, send)

    house_twice.transport.apps["issuer.example:443"] = sign_out_first
    assert (await holder.accept(offer["id"])).status_code == 201
    assert left == [204]
    assert (await holder.call("GET", "/credentials")).status_code == 401
    await holder.sign_in()
    assert len(await holder.badges()) == 1


async def test_W31_W58_account_erased_while_a_badge_is_shown_leaves_nothing_behind(house_twice):
    """Whatever the verifier got, it got before: after the erasure nobody answers, and no row is left."""
    house, holder = house_twice, await house_twice.new_holder("Sanne")
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    query = house.verifier.skill_query(next(iter(SKILLS)))
    asked = [await holder.open_request(house.verifier.ask(query)) for _ in range(CALLERS)]
    erased, *shown = await asyncio.gather(
        holder.call("DELETE", "/account", {"passphrase": PASSPHRASE}),
        *(holder.call("POST", f"/requests/{request['id']}/accept", {}) for request in asked),
    )
    assert erased.status_code == 204
    assert {answer.status_code for answer in shown} <= {200, 401, 404}
    assert len(house.verifier.received) <= CALLERS
    late = await holder.call("POST", f"/requests/{asked[0]['id']}/accept", {})
    assert late.status_code == 401
    async with house.app.state.service.database.reading() as session:
        for model in (Account, Credential, HistoryEntry, PresentationRequest):
            assert (await session.scalars(select(model))).all() == []


async def test_W13_copies_refilled_by_eight_at_the_same_moment_are_asked_for_once(house_twice):
    house, holder = house_twice, await house_twice.new_holder("Sanne")
    house.issuer.batch_size, house.issuer.refreshes = 2, True
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    query = house.verifier.skill_query(next(iter(SKILLS)))
    for slug in ("a", "b"):
        verifier = SimulatedVerifier(house.clock, slug=slug)
        house.transport.apps["verifier.example:443"] = verifier.app()
        asked = await holder.open_request(verifier.ask(query))
        assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    house.clock.advance(timedelta(minutes=10))
    await asyncio.gather(*(holder.call("POST", "/awaited") for _ in range(CALLERS)))
    assert len(house.issuer.holder_keys) == 4
    refreshed = [form for form in house.issuer.token_forms if form["grant_type"] == "refresh_token"]
    assert len(refreshed) == 1


async def test_W31_badge_from_elsewhere_kept_and_deleted_by_eight_at_once_is_written_down_once_each(house_twice):
    holder = await house_twice.new_holder("Sanne")
    brought = await holder.call("POST", "/imported-badges", {"file": b64encode(BAKED).decode()})
    path = f"/imported-badges/{brought.json()['id']}"
    kept = await asyncio.gather(*(holder.call("POST", f"{path}/keep") for _ in range(CALLERS)))
    assert statuses(kept) == [200] * CALLERS
    gone = await asyncio.gather(*(holder.call("DELETE", path) for _ in range(CALLERS)))
    assert statuses(gone) == [204] + [404] * (CALLERS - 1)
    assert sorted(entry["kind"] for entry in await holder.history()) == ["deleted", "received"]
