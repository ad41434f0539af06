"""Somebody with five hundred badges and a long history: every page and the export stay within bounds."""

import asyncio
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC
from tests.wallet.conftest import PASSPHRASE
from wallet.accounts import find_signed_in
from wallet.credentials import Receipt, find_forms, seal_badge, seal_form
from wallet.history import HistoryRecord, ShownClaim, history_json
from wallet.holder_keys import create_holder_key, seal_holder_key
from wallet.models import HistoryEntry

FIRST = next(iter(SKILLS))
BADGES, LINES = 500, 1000


async def fill(house, token: str, *, badges: int, lines: int) -> None:
    """Copy the one badge that is there, and write a history as long as years of use."""
    service, now = house.app.state.service, house.clock()
    signed_in = await find_signed_in(service.database, service.settings, token=token, now=now)
    vault, key = signed_in.vault, create_holder_key()
    async with service.database.reading() as session:
        [form] = await find_forms(session, vault)
    async with service.database.transaction() as session:
        for number in range(badges - 1):
            copy = replace(form, id=f"form-{number}", credential_id=f"badge-{number}")
            row = seal_badge(
                vault,
                copy.credential_id,
                credential_issuer=house.issuer.identifier,
                image=None,
                receipt=Receipt(),
                now=now,
            )
            session.add_all([row, seal_form(vault, copy), seal_holder_key(vault, copy.id, key)])
        for number in range(lines):
            record = HistoryRecord(
                kind="shared",
                party_name=f"Bakker {number}",
                party_id="did:web:verifier.example",
                recognition="recognised",
                happened_at=now - timedelta(hours=number),
                badges=("Adviseur",),
                claims=(ShownClaim("Adviseur", "Skill", "metselen"),),
            )
            content = vault.seal("history", record.id, history_json(record))
            session.add(
                HistoryEntry(id=record.id, account_id=vault.account_id, sealed=content, happened_at=record.happened_at)
            )


@pytest.fixture
async def browser(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get("/scan")
    link = house.issuer.offer_link(configurations=[DC])
    await browser.follow(await browser.post("/scan", link=link))
    await browser.post(f"{browser.answer.url.path}/accept")
    token = browser.http.cookies["__Host-wallet-session"]
    await fill(house, token, badges=BADGES, lines=LINES)
    return browser


async def test_W32_five_hundred_badges_cost_bounded_work(house, browser):
    """One status list serves all that it covers, and no page asks the database for each badge."""
    await browser.get("/badges")
    house.transport.requests.clear()
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    page = await browser.get("/badges")
    assert page.status_code == 200
    assert len(set(re.findall(r'href="/badges/([\w-]+)"', page.text))) == BADGES
    assert house.transport.requests == []
    await browser.get("/scan")
    question = house.verifier.ask(house.verifier.skill_query(FIRST))
    asked = await browser.follow(await browser.post("/scan", link=question))
    assert asked.status_code == 200
    assert asked.text.count('type="radio"') <= 50
    for path in ("/skills", "/shared"):
        assert (await browser.get(path)).status_code == 200
    assert len(browser.page) < 2_000_000
    event.remove(Engine, "before_cursor_execute", note)
    assert 0 < len(statements) < BADGES / 5


async def test_W30_export_of_a_full_wallet_is_whole(house, browser):
    await browser.get("/me")
    answer = await browser.post("/me/export", export_passphrase=PASSPHRASE)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        names = archive.namelist()
        document = json.loads(archive.read("wallet.json"))
    assert len(document["credentials"]) == BADGES
    assert len(document["history"]) == LINES + 1
    assert sum(name.startswith("badges/") for name in names) == BADGES
    assert all(name == name.strip("/") and ".." not in name and name.isascii() for name in names)


async def test_W31_export_while_badges_are_deleted_holds_each_badge_whole_or_not_at_all(house, browser):
    token = browser.http.cookies["__Host-wallet-session"]
    headers = {"Authorization": f"Bearer {token}"}
    deleted, exported = await asyncio.gather(
        asyncio.gather(
            *(browser.http.delete(f"/api/credentials/badge-{number}", headers=headers) for number in range(20))
        ),
        browser.http.post("/api/export", json={"passphrase": PASSPHRASE}, headers=headers),
    )
    # Twenty writers wait for one lock: on a machine that is busy elsewhere the last may be told to come back.
    assert {answer.status_code for answer in deleted} <= {204, 503}
    assert all(answer.headers.get("retry-after") for answer in deleted if answer.status_code == 503)
    assert exported.status_code == 200
    assert all(credential["forms"] for credential in exported.json()["credentials"])
