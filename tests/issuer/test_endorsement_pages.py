"""Staff endorse somebody else's badge on one page, and put what they received into their own on another."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.conftest import NewDatabase
from tests.issuer.conftest import BASE, IDENTIFIER, ORG, SLUG, Browser, Issuer, add_operator, create_issuer
from tests.support.clock import FixedClock
from tests.support.hosts import HostTransport

SUBJECT = f"{IDENTIFIER}/achievements/{SLUG}"
RECEIVED = f"{BASE}/achievements/{SLUG}/endorsements"


@pytest.fixture
async def issuer(new_sqlite_database: NewDatabase, clock: FixedClock) -> AsyncIterator[Issuer]:
    transport = HostTransport()
    made = await create_issuer(new_sqlite_database("issuer"), clock, transport=transport)
    transport.apps["issuer.example:443"] = made.app
    await made.add_organisation("han", name="HAN")
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


async def endorse(issuer: Issuer) -> str:
    body = {"subject": SUBJECT, "name": "Aanbeveling", "comment": "Wij nemen wie dit heeft graag aan."}
    given = (await issuer.api("POST", "/organisations/han/endorsements", json=body)).json()
    await add_operator(issuer, "han", f"staf@han{given['id'][:8]}.example")
    han = Browser(issuer, "192.0.2.77")
    await han.get("/sign-in")
    await han.post(
        "/sign-in", email=f"staf@han{given['id'][:8]}.example", passphrase="een lange wachtzin", next="/back-office/han"
    )
    file = await han.client.get(f"/back-office/han/endorsements/{given['id']}/file")
    assert file.headers["content-type"] == "application/vc+ld+json"
    await han.client.aclose()
    return file.text


async def test_B09_an_endorsement_that_was_received_is_checked_shown_and_taken_away(
    browser: Browser, issuer: Issuer
) -> None:
    document = await endorse(issuer)
    await browser.get(RECEIVED)
    assert SUBJECT in browser.page
    added = await browser.post(RECEIVED, files={"file": ("aanbeveling.json", document.encode())})
    assert added.status_code == 200
    assert "Wij nemen wie dit heeft graag aan." in browser.page
    await browser.get(f"{BASE}/achievements/{SLUG}/change")
    assert "Deze badge heeft aanbevelingen." in browser.page
    identifier = json.loads(document)["id"]
    await browser.get(RECEIVED)
    await browser.post(f"{RECEIVED}/remove", id=identifier)
    assert "Nog geen aanbevelingen." in browser.page


async def test_A50_what_does_not_hold_is_refused_beside_its_field_and_kept_there(
    browser: Browser, issuer: Issuer
) -> None:
    document = (await endorse(issuer)).replace("graag", "niet")
    await browser.get(RECEIVED)
    refused = await browser.post(RECEIVED, endorsement=document)
    assert refused.status_code == 400
    assert "Deze aanbeveling klopt niet" in browser.page
    assert 'href="#endorsement"' in browser.page


async def test_B09_staff_endorse_another_badge_and_take_it_back(browser: Browser, issuer: Issuer) -> None:
    await browser.get(f"{BASE}/endorsements")
    wrong = await browser.post(f"{BASE}/endorsements", subject="geen adres", name="", comment="Goed.")
    assert wrong.status_code == 400
    assert 'href="#subject"' in browser.page
    assert "Goed." in browser.page
    await browser.post(f"{BASE}/endorsements", subject="https://x.example/b", name="Lassen", comment="Goed.")
    assert "Bestand voor de uitgever" in browser.page
    [given] = (await issuer.api("GET", f"/organisations/{ORG}/endorsements")).json()["endorsements"]
    for _ in range(2):
        assert (await browser.post(f"{BASE}/endorsements/{given['id']}/withdraw")).status_code == 200
    assert "ingetrokken op" in browser.page


async def test_A52_the_pages_of_endorsements_are_for_staff(browser: Browser, issuer: Issuer) -> None:
    for path in ("/back-office/han/endorsements", f"/back-office/han/achievements/{SLUG}/endorsements"):
        assert (await browser.get(path)).status_code == 404
        assert (await issuer.client.get(path)).status_code == 303
