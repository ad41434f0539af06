"""Accounts and the vault, through HTTP: who gets in, who does not, and what a copy of the database is worth."""

import asyncio
import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.support.gates import JSON, UNREADABLE, guarded_operations
from tests.support.simulated_issuer import DC
from tests.wallet.conftest import CSRF, PASSPHRASE
from wallet import vault
from wallet.models import Base

NEW_PASSPHRASE = "andere vier losse woorden"
WRONG_CODE = "-".join(["0000"] * 8)
PERSON = ("Sanne", "de Vries", "sanne@student.example")


def stored_bytes(url: str) -> bytes:
    """Everything that the database left on the disk: the file and what is beside it."""
    path = Path(url.removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


async def test_sign_up_gives_a_recovery_code_and_sign_in_a_token(house):
    holder = await house.new_holder("Sanne de Vries")
    assert len(holder.recovery_code.split("-")) == 8
    assert await holder.badges() == []
    assert (await holder.call("DELETE", "/sessions")).status_code == 204
    refused = await holder.call("GET", "/credentials")
    assert (refused.status_code, refused.json()["code"]) == (401, "signed_out")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x", "passphrase": PASSPHRASE}, "name"),
        ({"name": " " * 9, "passphrase": PASSPHRASE}, "name"),
        ({"name": "n" * 101, "passphrase": PASSPHRASE}, "name"),
        ({"name": "Sanne\n\x00", "passphrase": PASSPHRASE}, "malformed"),
        ({"name": "Sanne\n\x07", "passphrase": PASSPHRASE}, "name"),
        ({"name": "Sanne", "passphrase": "kort"}, "passphrase"),
        ({"name": "Sanne", "passphrase": "aaaaaaaaaaaaaaaa"}, "passphrase"),
        ({"name": "Sanne", "passphrase": "x" * 257}, "passphrase"),
        ({"name": "Sanne"}, "malformed"),
        ({"name": "Sanne", "passphrase": PASSPHRASE, "is_admin": True}, "malformed"),
    ],
)
async def test_A52_sign_up_refuses_what_it_should(house, body, code):
    async with house.client() as http:
        answer = await http.post("/api/accounts", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_name_belongs_to_one_account_however_it_is_written(house_twice):
    async with house_twice.client() as http:
        names = ["Sanne", "sanne", " SANNE ", "Sanne"]
        bodies = [{"name": name, "passphrase": PASSPHRASE} for name in names * 2]
        answers = await asyncio.gather(*(http.post("/api/accounts", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_A54_wrong_passphrase_and_unknown_name_get_the_same_answer(house, holder):
    bodies = ({"name": "Sanne", "passphrase": NEW_PASSPHRASE}, {"name": "Niemand", "passphrase": NEW_PASSPHRASE})
    answers = [await holder.http.post("/api/sessions", json=body) for body in bodies]
    shown = [{key: value for key, value in answer.json().items() if key != "trace_id"} for answer in answers]
    assert shown[0] == shown[1]
    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.mark.parametrize("typed", ["", "\u0958" * 1024], ids=["empty", "longer once composed"])
async def test_A52_passphrase_that_cannot_be_one_is_a_wrong_one(house, holder, typed):
    """Found by schemathesis: it was a failure of ours."""
    body = {"name": holder.name, "passphrase": typed}
    refused = await holder.call("POST", "/sessions", body)
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in")
    refused = await holder.call("POST", "/recovery-code", {"passphrase": typed})
    assert (refused.status_code, refused.json()["code"]) == (401, "sign_in")
    refused = await house.client().post("/api/accounts", json={**body, "name": "Iemand anders"})
    assert (refused.status_code, refused.json()["code"]) == (400, "passphrase")


async def test_A54_unknown_name_costs_the_same_work_as_a_wrong_passphrase(house, holder, monkeypatch):
    derived = []

    async def counted(passphrase, salt):
        derived.append((passphrase, len(salt)))
        return bytes(32)

    monkeypatch.setattr("wallet.vault.derive_passphrase_key", counted)
    for name in ("Sanne", "Niemand"):
        await holder.http.post("/api/sessions", json={"name": name, "passphrase": NEW_PASSPHRASE})
    assert derived == [(NEW_PASSPHRASE, 16)] * 2


async def test_A52_guessing_locks_the_guesser_out_for_a_while_whether_the_name_exists_or_not(house, holder):
    for name in ("Sanne", "Niemand"):
        body = {"name": name, "passphrase": NEW_PASSPHRASE}
        codes = [(await holder.http.post("/api/sessions", json=body)).json()["code"] for _ in range(10)]
        assert codes == ["sign_in"] * 8 + ["locked_out"] * 2
    right = {"name": "Sanne", "passphrase": PASSPHRASE}
    locked = await holder.http.post("/api/sessions", json=right)
    assert (locked.status_code, locked.json()["code"]) == (429, "locked_out")
    assert 0 < int(locked.headers["retry-after"]) <= 900
    house.clock.advance(timedelta(minutes=15, seconds=1))
    assert (await holder.http.post("/api/sessions", json=right)).status_code == 201


@pytest.fixture
def quick(monkeypatch):
    """Wrong passphrases cost nothing here; the right one opens as ever."""
    derive = vault.derive_passphrase_key

    async def derived(passphrase, salt):
        return await derive(passphrase, salt) if passphrase == PASSPHRASE else bytes(32)

    monkeypatch.setattr(vault, "derive_passphrase_key", derived)


async def tell(http, path="/api/sessions", **changes):
    """What somebody hears who tries a passphrase, or a recovery code."""
    body = {"name": "Sanne", "passphrase": NEW_PASSPHRASE, **changes}
    answer = await http.post(path, json=body)
    return answer.json().get("code", "let in")


@pytest.mark.parametrize(
    ("path", "more"),
    [("/api/sessions", {}), ("/api/recovery", {"recovery_code": "0000-0000-0000-0000-0000-0000-0000-0000"})],
)
async def test_A52_a_stranger_who_guesses_locks_nobody_else_out(house, holder, quick, path, more):
    stranger = house.client(source="192.0.2.66")
    heard = [await tell(stranger, path, **more) for _ in range(9)]
    assert heard[-1] == "locked_out"
    assert await tell(stranger, path, **{**more, "name": " SANNE "}) == "locked_out"
    right = {"recovery_code": holder.recovery_code} if more else {"passphrase": PASSPHRASE}
    assert await tell(holder.http, path, **right) == "let in"


def altered(cookies):
    """The cookie by which a browser is known again, made up for the most part."""
    [(name, value)] = [(name, value) for name, value in cookies.items() if name.endswith("-known")]
    return {name: f"x{value[1:]}" if value[0] != "x" else f"y{value[1:]}"}


async def test_A52_guessing_from_everywhere_comes_in_turn_and_not_the_browser_that_was_in_before(house, quick):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get("/me")
    await browser.post("/sign-out")
    heard = [await tell(house.client(source=f"198.51.100.{number}")) for number in range(60)]
    assert heard == ["sign_in"] * 50 + ["in_turn"] * 10
    newcomer = house.client(source="203.0.113.1")
    refused = await newcomer.post("/api/sessions", json={"name": "Sanne", "passphrase": PASSPHRASE})
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "20")
    await browser.get("/sign-in")
    forger = house.client(source="203.0.113.2", cookies=altered(browser.http.cookies))
    page = CSRF.search((await forger.get("/sign-in")).text)
    form = {"csrf_token": page[1], "name": "Sanne", "passphrase": PASSPHRASE, "next": "/badges"}
    assert (await forger.post("/sign-in", data=form)).status_code == 429
    assert (await browser.post("/sign-in", name="sanne", passphrase=PASSPHRASE, next="/badges")).status_code == 303
    house.clock.advance(timedelta(seconds=21))
    assert await tell(newcomer, passphrase=PASSPHRASE) == "let in"


async def test_A52_a_browser_is_known_under_the_name_that_it_was_in_with_and_under_no_other(house, quick):
    browser = house.new_browser()
    await browser.sign_up("Mallory")
    await house.new_holder("Sanne")
    for number in range(50):
        await tell(house.client(source=f"198.51.100.{number}"))
    await browser.get("/sign-in")
    waiting = await browser.post("/sign-in", name="Sanne", passphrase=PASSPHRASE, next="/badges")
    assert waiting.status_code == 429


async def test_A52_who_guesses_at_the_door_locks_nobody_up_who_is_inside(house, holder):
    guess = {"name": "Sanne", "passphrase": NEW_PASSPHRASE}
    for _ in range(9):
        await holder.http.post("/api/sessions", json=guess)
    code = await holder.call("POST", "/recovery-code", {"passphrase": PASSPHRASE})
    assert code.status_code == 201, code.text
    wrong = [await holder.call("POST", "/recovery-code", {"passphrase": NEW_PASSPHRASE}) for _ in range(9)]
    assert wrong[-1].json()["code"] == "locked_out"


async def test_A52_who_recovers_after_being_locked_out_can_sign_in_at_once(house, holder):
    guess = {"name": "Sanne", "passphrase": NEW_PASSPHRASE}
    for _ in range(9):
        await holder.http.post("/api/sessions", json=guess)
    code = (await holder.call("POST", "/recovery-code", {"passphrase": PASSPHRASE})).json()["recovery_code"]
    recovered = await holder.http.post("/api/recovery", json={**guess, "recovery_code": code})
    assert recovered.status_code == 201, recovered.text
    assert (await holder.http.post("/api/sessions", json=guess)).status_code == 201


async def test_A52_guesses_at_the_same_moment_all_count(house_twice):
    holder = await house_twice.new_holder("Sanne")
    body = {"name": "Sanne", "passphrase": NEW_PASSPHRASE}
    answers = await asyncio.gather(*(holder.http.post("/api/sessions", json=body) for _ in range(20)))
    assert sum(answer.json()["code"] == "sign_in" for answer in answers) <= 8


async def test_good_sign_in_clears_the_count(house, holder):
    for _ in range(3):
        for _ in range(5):
            await holder.http.post("/api/sessions", json={"name": "Sanne", "passphrase": NEW_PASSPHRASE})
        await holder.sign_in()


async def test_A52_whoever_is_not_signed_in_is_told_so_before_their_body_is_read(house):
    """Every operation of the document that needs a token."""
    stranger = house.client()
    operations = list(guarded_operations(house.app.openapi()))
    assert len(operations) > 30
    for method, path, _ in operations:
        refused = await stranger.request(method, path, content=UNREADABLE, headers=JSON)
        assert (refused.status_code, refused.json()["code"]) == (401, "signed_out"), (method, path)


async def test_session_ends_after_idling_and_after_its_lifetime(house, holder):
    house.clock.advance(timedelta(minutes=50))
    assert (await holder.call("GET", "/credentials")).status_code == 200
    house.clock.advance(timedelta(minutes=50))
    assert (await holder.call("GET", "/credentials")).status_code == 200
    house.clock.advance(timedelta(minutes=61))
    assert (await holder.call("GET", "/credentials")).status_code == 401
    await holder.sign_in()
    for _ in range(15):
        house.clock.advance(timedelta(minutes=50))
        last = await holder.call("GET", "/credentials")
    assert last.status_code == 401


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer x", "Basic x", "Bearer " + "x" * 5000])
async def test_A52_api_needs_a_live_token_and_ignores_cookies(house, holder, header):
    headers = {} if header is None else {"Authorization": header}
    holder.http.cookies.set("__Host-wallet-session", holder.token)
    for method, path in (("GET", "credentials"), ("GET", "history"), ("GET", "export"), ("POST", "offers")):
        answer = await holder.http.request(method, f"/api/{path}", json={"offer": "x"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "signed_out")


async def test_recovery_code_opens_the_vault_once_and_sets_a_new_passphrase(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    old_token, code = holder.token, holder.recovery_code
    typed = code.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    body = {"name": "sanne", "recovery_code": typed, "passphrase": NEW_PASSPHRASE}
    answer = await holder.call("POST", "/recovery", body)
    assert answer.status_code == 201
    holder.token = answer.json()["token"]
    assert len(await holder.badges()) == 1
    assert answer.json()["recovery_code"] != code
    again = await holder.call("POST", "/recovery", body)
    assert (again.status_code, again.json()["code"]) == (401, "recovery_code")
    for passphrase, status in ((PASSPHRASE, 401), (NEW_PASSPHRASE, 201)):
        signed_in = await holder.http.post("/api/sessions", json={"name": "Sanne", "passphrase": passphrase})
        assert signed_in.status_code == status
    holder.token = old_token
    assert (await holder.call("GET", "/credentials")).status_code == 401


async def test_A54_recovery_does_not_tell_whether_a_name_exists(house, holder):
    shown = []
    for name in ("Sanne", "Niemand"):
        body = {"name": name, "recovery_code": "0000-0000", "passphrase": NEW_PASSPHRASE}
        answer = await holder.call("POST", "/recovery", body)
        shown.append((answer.status_code, answer.json()["code"], answer.json()["title"]))
    assert shown[0] == shown[1]


async def test_lock_out_by_passphrase_does_not_stop_recovery(house, holder):
    for _ in range(9):
        await holder.http.post("/api/sessions", json={"name": "Sanne", "passphrase": NEW_PASSPHRASE})
    body = {"name": "Sanne", "recovery_code": holder.recovery_code, "passphrase": NEW_PASSPHRASE}
    assert (await holder.call("POST", "/recovery", body)).status_code == 201


async def test_changed_passphrase_keeps_the_badges_and_ends_other_sessions(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    first = holder.token
    await holder.sign_in()
    wrong = await holder.call("PUT", "/passphrase", {"old": NEW_PASSPHRASE, "new": NEW_PASSPHRASE})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "sign_in")
    assert (await holder.call("PUT", "/passphrase", {"old": PASSPHRASE, "new": NEW_PASSPHRASE})).status_code == 204
    assert len(await holder.badges()) == 1
    holder.token = first
    assert (await holder.call("GET", "/credentials")).status_code == 401
    holder.passphrase = NEW_PASSPHRASE
    await holder.sign_in()
    assert len(await holder.badges()) == 1


async def test_new_recovery_code_replaces_the_old_one(house, holder):
    answer = await holder.call("POST", "/recovery-code", {"passphrase": PASSPHRASE})
    body = {"name": "Sanne", "passphrase": NEW_PASSPHRASE}
    old = await holder.call("POST", "/recovery", {**body, "recovery_code": holder.recovery_code})
    assert old.status_code == 401
    new = await holder.call("POST", "/recovery", {**body, "recovery_code": answer.json()["recovery_code"]})
    assert new.status_code == 201


async def test_W30_copy_of_the_database_shows_no_personal_byte_and_opens_nothing(house, holder):
    """Decision 5: with everything in use and somebody signed in, the files hold neither claims nor keys nor names."""
    badge = await holder.receive(house.issuer.offer_link(tx_code="493536"), "493536")
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(badge["skills"][0]["uri"])))
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    await holder.open_offer(house.issuer.offer_link(tx_code="112233"))
    export = (await holder.call("GET", "/export")).json()
    raw = export["credentials"][0]["forms"][0]["raw"]
    stored = stored_bytes(house.database_url)
    assert b"accounts" in stored  # it is the right file
    secrets = [
        *PERSON,
        badge["name"],
        badge["skills"][0]["name"],
        badge["skills"][0]["uri"],
        house.issuer.host,
        house.issuer.did,
        house.verifier.host,
        house.verifier.name,
        house.verifier.nonce,
        holder.token,
        holder.passphrase,
        holder.recovery_code,
        holder.recovery_code.replace("-", ""),
        raw[:60],
        raw[-60:],
        "493536",
        house.issuer.sent_codes[0],
        *house.issuer.holder_keys,
    ]
    found = [secret for secret in secrets if secret.casefold().encode() in stored.lower()]
    assert found == []


async def test_W30_vault_key_is_nowhere_in_the_database(house, holder):
    signed_in_key = []
    from wallet import accounts

    service = house.app.state.service
    found = await accounts.find_signed_in(service.database, service.settings, token=holder.token, now=house.clock())
    signed_in_key.append(found.vault.key)
    assert found.vault.key not in stored_bytes(house.database_url)
    assert found.vault.key.hex().encode() not in stored_bytes(house.database_url)
    with sqlite3.connect(house.database_url.removeprefix("sqlite:///")) as copy:
        [(sealed,)] = copy.execute("SELECT sealed_vault_key FROM vault_sessions")
    copy.close()
    assert found.vault.key not in sealed
    assert repr(found.vault.key) not in repr(found)


async def test_row_of_one_account_cannot_be_planted_in_another(house, holder):
    """Every sealed value is bound to its account and row: a database that was tampered with opens wrong for nobody."""
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    other = await house.new_holder("Ander")
    async with house.app.state.service.database.transaction() as session:
        await session.execute(
            text("UPDATE credentials SET account_id = (SELECT id FROM accounts WHERE id <> credentials.account_id)")
        )
        await session.execute(
            text("UPDATE credential_forms SET account_id = (SELECT account_id FROM credentials LIMIT 1)")
        )
    answer = await other.call("GET", "/credentials")
    assert answer.status_code == 500
    assert "Sanne" not in answer.text


async def test_W31_erased_account_leaves_nothing_behind(house, holder):
    badge = await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(badge["skills"][0]["uri"])))
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    other = await house.new_holder("Ander")
    database = Path(house.database_url.removeprefix("sqlite:///"))
    with sqlite3.connect(database) as before:
        [(account_id, name_digest, sealed)] = before.execute(
            "SELECT id, name_digest, sealed FROM accounts WHERE id IN (SELECT account_id FROM credentials)"
        )
        traces = [account_id.encode(), name_digest, sealed]
        for table, column in (
            ("vault_wraps", "wrapped_key"),
            ("vault_sessions", "sealed_vault_key"),
            ("credential_forms", "sealed"),
            ("holder_keys", "sealed"),
            ("history_entries", "sealed"),
            ("credentials", "id"),
        ):
            rows = before.execute(f"SELECT {column} FROM {table} WHERE account_id = ?", (account_id,)).fetchall()
            traces += [row[0] if isinstance(row[0], bytes) else row[0].encode() for row in rows]
    before.close()
    assert len(traces) > 10

    refused = await holder.call("DELETE", "/account", {"passphrase": NEW_PASSPHRASE})
    assert refused.status_code == 401
    assert (await holder.call("DELETE", "/account", {"passphrase": PASSPHRASE})).status_code == 204
    assert (await holder.call("GET", "/credentials")).status_code == 401
    async with house.app.state.service.database.reading() as session:
        for table in Base.metadata.tables.values():
            column = "id" if table.name == "accounts" else "account_id"
            if column in table.columns:
                rows = await session.execute(
                    text(f"SELECT 1 FROM {table.name} WHERE {column} = :id"), {"id": account_id}
                )
                assert rows.all() == [], table.name
    stored = stored_bytes(house.database_url)
    assert [trace for trace in traces if trace in stored] == []
    assert (await other.call("GET", "/credentials")).status_code == 200


async def test_A55_log_holds_no_secret_and_nothing_personal(house, capfd, caplog):
    caplog.set_level("DEBUG")
    holder = await house.new_holder("Sanne de Vries")
    badge = await holder.receive(house.issuer.offer_link(tx_code="493536"), "493536")
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(badge["skills"][0]["uri"])))
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    await holder.call("POST", "/sessions", {"name": "Sanne de Vries", "passphrase": NEW_PASSPHRASE})
    house.issuer.misbehave = "changed_disclosure"
    await holder.call("POST", "/offers", {"offer": "openid-credential-offer://?credential_offer=Sanne"})
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    await holder.accept(offer["id"])
    logged = "".join([*capfd.readouterr(), caplog.text])
    assert "refused" in logged
    secrets = [
        *PERSON,
        PASSPHRASE,
        NEW_PASSPHRASE,
        holder.token,
        holder.recovery_code,
        "493536",
        badge["name"],
        badge["id"],
        *house.issuer.sent_codes,
        house.verifier.nonce,
        house.verifier.state,
    ]
    assert [secret for secret in secrets if secret in logged] == []
    assert json.dumps(badge["skills"][0]["uri"]) not in logged
