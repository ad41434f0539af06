"""What a connected service tries that means no good: to lose, swap or hide badges, to fill a wallet, to hold it up.

B-23, B-42, B-43, W-30; decision 0080.
"""

import asyncio
import json
from base64 import b64encode
from datetime import timedelta

import pytest
from sqlalchemy import select

from kernel.open_badges_api import OFFLINE_ACCESS, PROFILE_READONLY, PROFILE_UPDATE
from tests.kernel.test_importing import SIGNED_BADGE, badge, did_document, sign
from tests.support.badge_host import serve
from tests.support.simulated_consumer import SimulatedConsumer
from tests.wallet.test_open_badges_host_badges import BADGE, FORGED, all_bytes, connect, jws, minor
from wallet import open_badges_api
from wallet.connections import open_access
from wallet.errors import TooOftenError, UnknownTokenError
from wallet.models import ConnectionToken

SCHOOL = "did:web:school.example"
LATER = "2026-02-01T00:00:00Z"
SUBJECT = SIGNED_BADGE["credentialSubject"]


@pytest.fixture
async def connected(house):
    return await connect(house)


@pytest.fixture
def consumer(connected):
    return connected[0]


@pytest.fixture
def browser(connected):
    return connected[1]


def open_school(house, did=SCHOOL, *signers):
    house.transport.apps["school.example:443"] = serve(
        {"https://school.example/.well-known/did.json": did_document(did, *signers)}, media_type="application/json"
    )


def of_school(**changes):
    return sign(badge(issuer={**badge()["issuer"], "id": SCHOOL}, **changes), method=f"{SCHOOL}#key-1")


async def find_imported(browser):
    home = (await browser.get("/badges")).text
    return "/imported/" + home.partition('href="/imported/')[2].partition('"')[0]


# --- what is held


async def test_B23_a_form_with_parts_left_out_does_not_take_the_whole_ones_place(consumer):
    """Whoever holds a derived proof has the same issuer, `id` and `validFrom`, and fewer parts."""
    achievement = {name: value for name, value in SUBJECT["achievement"].items() if name != "tag"}
    redacted = sign(badge(credentialSubject={**SUBJECT, "achievement": achievement}))
    assert redacted != SIGNED_BADGE
    await consumer.bring(BADGE)
    answer = await consumer.bring(json.dumps(redacted))
    assert (answer.status_code, minor(answer)) == (409, "invalid_data")
    assert (await consumer.read()).json()["credential"] == [SIGNED_BADGE]


async def test_B23_what_could_not_be_checked_whole_takes_no_proven_ones_place(consumer):
    entry = {
        "id": "https://away.example/status/1#5",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "5",
        "statusListCredential": "https://away.example/status/1",
    }
    unknown = json.dumps(sign(badge(validFrom=LATER, credentialStatus=entry)))
    await consumer.bring(BADGE)
    assert (await consumer.bring(unknown)).status_code == 409
    assert (await consumer.read()).json()["credential"] == [SIGNED_BADGE]


@pytest.mark.parametrize(
    "subject",
    [
        {**SUBJECT, "id": "did:example:somebody-else"},
        {**SUBJECT, "achievement": {**SUBJECT["achievement"], "id": "https://school.example/another"}},
    ],
    ids=["recipient", "achievement"],
)
async def test_B23_a_newer_one_of_another_recipient_or_achievement_takes_no_place(consumer, browser, subject):
    other = json.dumps(sign(badge(validFrom=LATER, credentialSubject=subject)))
    await consumer.bring(BADGE)
    assert (await consumer.bring(other)).status_code == 409
    assert (await consumer.read()).json()["credential"] == [SIGNED_BADGE]


async def test_B23_nor_on_the_shelf_that_of_one_which_its_owner_brought(house, consumer, browser):
    await browser.get("/import")
    page = await browser.follow(await browser.post("/import", text=BADGE))
    await browser.post(f"{page.url.path}/keep")
    house.clock.advance(timedelta(seconds=1))
    other = json.dumps(sign(badge(validFrom=LATER, credentialSubject={**SUBJECT, "id": "did:example:somebody-else"})))
    assert (await consumer.bring(other)).status_code == 201
    assert (await consumer.read()).json()["credential"] == [SIGNED_BADGE]


async def test_B23_checked_again_while_its_issuer_is_away_a_badge_stays_true(house, consumer, browser):
    open_school(house)
    document = of_school()
    assert (await consumer.bring(json.dumps(document))).status_code == 201
    del house.transport.apps["school.example:443"]
    house.clock.advance(timedelta(minutes=20))
    path = await find_imported(browser)
    await browser.get(path)
    assert (await browser.post(f"{path}/check")).status_code == 303
    assert "Deze badge is echt en geldig" not in (await browser.get(path)).text
    assert (await consumer.read()).json()["credential"] == [document]
    forged = json.dumps({**document, "name": "Anders"})
    assert (await consumer.bring(forged)).status_code == 409
    assert (await consumer.bring(json.dumps(of_school(validFrom=LATER)))).status_code == 409


# --- room, turns and counts


async def test_B43_what_services_bring_has_so_many_bytes(monkeypatch, consumer):
    text = jws()
    monkeypatch.setattr(open_badges_api, "BYTES_AT_MOST", 1_000)
    answer = await consumer.bring(text, "text/plain")
    assert (answer.status_code, minor(answer)) == (403, "forbidden")
    monkeypatch.setattr(open_badges_api, "BYTES_AT_MOST", 60_000)
    statuses = [(await consumer.bring(jws(id=f"urn:uuid:{n}"), "text/plain")).status_code for n in range(10)]
    assert statuses[0] == 201
    assert statuses[-1] == 403
    newer = jws(id="urn:uuid:0", validFrom=LATER)
    assert (await consumer.bring(newer, "text/plain")).status_code == 200


async def test_B43_badges_of_mere_keys_have_little_room(house, monkeypatch, consumer):
    monkeypatch.setattr(open_badges_api, "UNPROVEN_AT_MOST", 2)
    signed = [json.dumps(sign(badge(id=f"urn:uuid:{number}"))) for number in range(3)]
    assert [(await consumer.bring(each)).status_code for each in signed] == [201, 201, 403]
    open_school(house)
    assert (await consumer.bring(json.dumps(of_school()))).status_code == 201


async def test_B43_one_account_has_one_turn_and_leaves_the_others_theirs(house, consumer):
    other, _ = await connect(house, name="Kim")
    access = await open_access(house.app.state.service, consumer.tokens["access_token"], house.clock())
    with open_badges_api._TURNS.take(TooOftenError(), holder=access.keys.account_id):
        assert (await consumer.bring(BADGE)).status_code == 429
        assert (await other.bring(BADGE)).status_code == 201
    assert (await consumer.bring(BADGE)).status_code == 201
    with open_badges_api._READING_TURNS.take(TooOftenError(), holder=access.keys.account_id):
        assert (await consumer.read()).status_code == 429
        assert (await other.read()).status_code == 200
    assert (await consumer.read()).status_code == 200


async def test_B43_all_services_of_one_account_bring_so_many_an_hour(house, monkeypatch, consumer, browser):
    monkeypatch.setattr(open_badges_api, "BADGES_AN_HOUR_FOR_ACCOUNT", 2)
    second = SimulatedConsumer(house.client(), "school-tool.example")
    await second.register()
    await second.connect(browser)
    answers = [await consumer.bring(BADGE), await second.bring(BADGE), await second.bring(BADGE)]
    assert [answer.status_code for answer in answers] == [201, 200, 429]


async def test_B43_one_service_brings_so_many_an_hour_to_all(house, monkeypatch, consumer):
    monkeypatch.setattr(open_badges_api, "BADGES_AN_HOUR_BY_CLIENT", 2)
    first = dict(consumer.tokens)
    kim = house.new_browser()
    await kim.sign_up("Kim")
    statuses = [(await consumer.bring(BADGE)).status_code]
    await consumer.connect(kim)
    statuses += [(await consumer.bring(BADGE)).status_code, (await consumer.bring(BADGE)).status_code]
    consumer.tokens = first
    statuses.append((await consumer.bring(BADGE)).status_code)
    assert statuses == [201, 201, 429, 429]


async def test_W31_junk_for_junk_waits_a_day_and_does_not_flood_the_history(house, consumer, browser):
    forms = [json.dumps({**SIGNED_BADGE, "name": f"Vervalst {number}"}) for number in range(3)]
    assert [(await consumer.bring(each)).status_code for each in forms] == [201, 409, 409]
    assert (await browser.get("/shared")).text.count("Gebracht door") == 1
    house.clock.advance(timedelta(days=1, seconds=1))
    consumer.tokens = (await consumer.refresh()).json()
    assert (await consumer.bring(forms[1])).status_code == 200
    assert (await consumer.bring(BADGE)).status_code == 200


# --- clients and ends


@pytest.mark.parametrize("client_id", ["\0", "a\0b", "a" * 65, "é", ""])
async def test_B42_an_identifier_that_is_none_of_ours_is_unknown(house_twice, client_id):
    consumer = SimulatedConsumer(house_twice.client())
    browser = house_twice.new_browser()
    await browser.sign_up("Sanne")
    await consumer.register()
    unknown = await browser.get(consumer.ask(client_id="nobody"))
    assert (await browser.get(consumer.ask(client_id=client_id))).status_code == unknown.status_code < 500
    basic = "Basic " + b64encode(f"{client_id}:c".encode()).decode()
    for path, form in (
        ("/oauth/token", {"grant_type": "refresh_token", "refresh_token": "a"}),
        ("/oauth/revoke", {"token": "a"}),
    ):
        answer = await consumer.post_form(path, form, authorization=basic)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_B42_a_product_that_only_shows_its_secret_is_forgotten(house):
    consumer = SimulatedConsumer(house.client())
    await consumer.register()
    assert (await consumer.revoke("unknown")).status_code == 200
    house.clock.advance(timedelta(days=1, seconds=1))
    await SimulatedConsumer(house.client(), "other.example").register()
    assert (await consumer.revoke("unknown")).status_code == 401


async def test_B42_a_product_that_exchanges_tokens_is_remembered(house, consumer):
    step = house.app.state.service.settings.connection_lifetime - timedelta(days=1)
    for _ in range(3):
        house.clock.advance(step)
        consumer.tokens = (await consumer.refresh()).json()
        await SimulatedConsumer(house.client(), "other.example").register()
    assert (await consumer.read()).status_code == 200
    assert (await consumer.refresh()).status_code == 200


async def test_B42_a_profile_is_neither_read_nor_changed_once_the_connection_ended(house):
    """The token was opened before its owner ended the connection."""
    consumer, browser = await connect(house, PROFILE_READONLY, PROFILE_UPDATE, OFFLINE_ACCESS)
    wallet = house.app.state.service
    access = await open_access(wallet, consumer.tokens["access_token"], house.clock())
    assert (await open_badges_api.get_profile(wallet, access))["name"] == "Sanne"
    await consumer.revoke(consumer.tokens["refresh_token"])
    with pytest.raises(UnknownTokenError):
        await open_badges_api.get_profile(wallet, access)
    with pytest.raises(UnknownTokenError):
        await open_badges_api.put_profile(wallet, access, b'{"type": ["Profile"], "name": "Mallory"}', house.clock())
    await consumer.connect(browser)
    assert (await consumer.call("GET", "/profile")).json()["name"] == "Sanne"


@pytest.mark.parametrize("end", ["owner", "revoke", "copied"])
async def test_W30_what_a_token_opened_leaves_the_files_when_its_connection_ends(house, consumer, browser, end):
    async with house.app.state.service.database.reading() as session:
        sealed = list(await session.scalars(select(ConnectionToken.sealed).where(ConnectionToken.sealed != b"")))
    assert len(sealed) == 2
    assert all(each[:64] in all_bytes(house) for each in sealed)
    match end:
        case "owner":
            page = (await browser.get("/connections")).text
            path = "/connections/" + page.partition('action="/connections/')[2].partition('"')[0]
            assert (await browser.post(path)).status_code == 303
        case "revoke":
            assert (await consumer.revoke(consumer.tokens["refresh_token"])).status_code == 200
        case "copied":
            await consumer.refresh()
            assert (await consumer.refresh()).status_code == 400
    assert not any(each[:64] in all_bytes(house) for each in sealed)


async def test_B43_services_that_come_at_once_are_told_to_come_back(house_twice):
    """One turn for one account: of eight at once at least one is judged, and the others come again."""
    consumer, _ = await connect(house_twice)
    answers = await asyncio.gather(*(consumer.bring(jws(id=f"urn:uuid:{n}"), "text/plain") for n in range(8)))
    assert {answer.status_code for answer in answers} <= {201, 429}
    assert 201 in {answer.status_code for answer in answers}
    assert (await consumer.bring(FORGED)).status_code == 201
