"""What comes in by the Open Badges API and what goes out: judged, replaced by rule, sealed, and each without the vault.

B-23, B-40, B-43, W-30, W-31; decision 0080.
"""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from kernel.formats import FORMATS
from kernel.formats.credential import LDP_VC
from kernel.jwt import sign_jwt
from kernel.open_badges_api import CREDENTIAL_READONLY, CREDENTIAL_UPSERT, OFFLINE_ACCESS, parse_status_info
from tests.kernel.test_importing import ED25519, METHOD, SIGNED_BADGE, badge, did_document, sign
from tests.support.badge_host import serve
from tests.support.documented import documented
from tests.support.simulated_consumer import SimulatedConsumer
from tests.support.simulated_issuer import DC, OPEN_BADGE_JWT, SELECTIVE, VC, WHOLE
from wallet import open_badges_api, store
from wallet.connections import open_access
from wallet.models import ConnectionToken, HistoryEntry, ImportedBadge, ShelvedBadge

BADGE = json.dumps(SIGNED_BADGE)
NAME = "Problemen oplossen in de praktijk"
FORGED = json.dumps({**SIGNED_BADGE, "name": "Iets heel anders"})
CALLERS = 8


async def connect(house, *chosen, name="Sanne"):
    consumer = SimulatedConsumer(house.client(event_hooks={"response": [documented("wallet")]}))
    await consumer.register()
    browser = house.new_browser()
    await browser.sign_up(name)
    await consumer.connect(browser, chosen or (CREDENTIAL_READONLY, CREDENTIAL_UPSERT, OFFLINE_ACCESS))
    return consumer, browser


@pytest.fixture
async def connected(house):
    return await connect(house)


@pytest.fixture
def consumer(connected):
    return connected[0]


@pytest.fixture
def browser(connected):
    return connected[1]


def jws(**changes):
    return sign_jwt(badge(**{"id": "urn:uuid:1", **changes}), signer=ED25519, typ="vc+jwt", header={"kid": METHOD})


def minor(answer):
    return parse_status_info(answer.json()).code_minor[0][1]


async def count(house, model):
    async with house.app.state.service.database.reading() as session:
        return await session.scalar(select(func.count()).select_from(model))


# --- bringing


@pytest.mark.parametrize("media_type", ["application/vc+ld+json", "application/json; charset=utf-8"])
async def test_B40_a_badge_comes_as_json_of_either_media_type(consumer, media_type):
    answer = await consumer.bring(BADGE, media_type)
    assert answer.status_code == 201
    assert answer.headers["content-type"].startswith(media_type.partition(";")[0])


async def test_B40_a_badge_comes_as_a_jws(consumer):
    text = jws()
    answer = await consumer.bring(text, "text/plain")
    assert (answer.status_code, answer.text) == (201, text)
    assert (await consumer.read()).json() == {"credential": [], "compactJwsString": [text]}


@pytest.mark.parametrize("media_type", ["", "application/xml", "image/png", "application/jwt"])
async def test_B43_a_badge_of_another_media_type_is_refused(consumer, media_type):
    answer = await consumer.bring(BADGE, media_type)
    assert (answer.status_code, minor(answer)) == (415, "invalid_data")


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        ("", "application/json"),
        ("[]", "application/json"),
        ("{}", "application/json"),
        ('{"id": "a", "id": "b"}', "application/json"),
        ("https://badges.example/assertions/1", "text/plain"),
        ("https://badges.example/assertions/1", "application/json"),
        ('"https://badges.example/assertions/1"', "application/json"),
        (BADGE, "text/plain"),
        ("a.b.c", "text/plain"),
        ("é.b.c", "text/plain"),
        (jws(), "application/json"),
        (json.dumps({**SIGNED_BADGE, "type": ["VerifiableCredential"]}), "application/json"),
        (json.dumps({k: v for k, v in SIGNED_BADGE.items() if k != "proof"}), "application/json"),
        (json.dumps({k: v for k, v in SIGNED_BADGE.items() if k != "id"}), "application/json"),
        (json.dumps({**SIGNED_BADGE, "description": "a" * 600_000}), "application/json"),
    ],
)
async def test_B43_what_is_no_open_badge_is_refused_and_nobody_is_asked_for_it(house, consumer, body, media_type):
    """An address above all: a connected service must not make us fetch what it likes (A-42)."""
    answer = await consumer.bring(body, media_type)
    assert (answer.status_code, minor(answer)) == (400, "invalid_data")
    assert house.transport.requests == []
    assert await count(house, ImportedBadge) == 0


async def test_B43_a_forged_badge_is_kept_as_not_verified_and_given_to_nobody(consumer, browser):
    assert (await consumer.bring(FORGED)).status_code == 201
    assert (await consumer.read()).json() == {"credential": [], "compactJwsString": []}
    home = (await browser.get("/badges")).text
    path = home.partition('href="/imported/')[2].partition('"')[0]
    assert "Deze badge klopt niet" in (await browser.get(f"/imported/{path}")).text
    assert "Niet nagekeken of niet echt" in (await browser.get("/shared")).text
    assert (await consumer.read()).json()["credential"] == []


async def test_B43_a_forged_badge_never_takes_a_true_ones_place(consumer):
    await consumer.bring(BADGE)
    answer = await consumer.bring(FORGED)
    assert (answer.status_code, minor(answer)) == (409, "invalid_data")
    assert (await consumer.read()).json()["credential"] == [SIGNED_BADGE]


async def test_B43_a_true_badge_takes_a_forged_ones_place(consumer):
    assert (await consumer.bring(FORGED)).status_code == 201
    assert (await consumer.bring(BADGE)).status_code == 200
    assert (await consumer.read()).json()["credential"] == [SIGNED_BADGE]


async def test_B23_a_newer_form_takes_the_place_of_an_older_one_and_not_the_other_way_round(consumer):
    newer = sign(badge(validFrom="2026-02-01T00:00:00Z"))
    assert (await consumer.bring(BADGE)).status_code == 201
    assert (await consumer.bring(json.dumps(newer))).status_code == 200
    assert (await consumer.bring(BADGE)).status_code == 409
    assert (await consumer.read()).json()["credential"] == [newer]


async def test_B23_the_same_id_of_another_issuer_is_another_badge(house, consumer):
    house.transport.apps["school.example:443"] = serve(
        {"https://school.example/.well-known/did.json": did_document("did:web:school.example")},
        media_type="application/json",
    )
    await consumer.bring(BADGE)
    other = badge(issuer={**badge()["issuer"], "id": "did:web:school.example"})
    assert (await consumer.bring(json.dumps(sign(other, method="did:web:school.example#key-1")))).status_code == 201
    assert (await consumer.read()).headers["X-Total-Count"] == "2"


async def test_B40_bringing_the_same_again_changes_nothing(house, consumer, browser):
    assert (await consumer.bring(BADGE)).status_code == 201
    assert (await consumer.bring(BADGE)).status_code == 200
    assert await count(house, ImportedBadge) == 1
    assert (await browser.get("/shared")).text.count("Gebracht door") == 1


async def test_B43_a_badge_that_could_not_be_checked_counts_once_it_was(house, consumer, browser):
    """Its issuer was away when it came; its owner has it checked again, and from then on it is given out and kept."""
    did = "did:web:school.example"
    document = sign(badge(issuer={**badge()["issuer"], "id": did}), method=f"{did}#key-1")
    assert (await consumer.bring(json.dumps(document))).status_code == 201
    assert (await consumer.read()).json()["credential"] == []
    house.transport.apps["school.example:443"] = serve(
        {"https://school.example/.well-known/did.json": did_document("did:web:school.example")},
        media_type="application/json",
    )
    home = (await browser.get("/badges")).text
    path = "/imported/" + home.partition('href="/imported/')[2].partition('"')[0]
    await browser.get(path)
    await browser.post(f"{path}/check")
    assert (await consumer.read()).json()["credential"] == [document]
    forged = json.dumps({**document, "name": "Anders"})
    assert (await consumer.bring(forged)).status_code == 409
    assert "portfolio.example" in (await browser.get(path)).text


async def test_B43_junk_has_little_room(house, monkeypatch, consumer):
    monkeypatch.setattr(open_badges_api, "UNPROVEN_AT_MOST", 2)
    forged = [json.dumps({**SIGNED_BADGE, "id": f"urn:uuid:{number}"}) for number in range(3)]
    assert [(await consumer.bring(each)).status_code for each in forged] == [201, 201, 403]
    house.transport.apps["school.example:443"] = serve(
        {"https://school.example/.well-known/did.json": did_document("did:web:school.example")},
        media_type="application/json",
    )
    named = badge(issuer={**badge()["issuer"], "id": "did:web:school.example"})
    assert (await consumer.bring(json.dumps(sign(named, method="did:web:school.example#key-1")))).status_code == 201


async def test_B43_a_wallet_takes_so_many_badges_by_this_way(monkeypatch, consumer):
    monkeypatch.setattr(open_badges_api, "BADGES_AT_MOST", 1)
    assert (await consumer.bring(BADGE)).status_code == 201
    answer = await consumer.bring(jws(), "text/plain")
    assert (answer.status_code, minor(answer)) == (403, "forbidden")
    assert (await consumer.bring(BADGE)).status_code == 200


async def test_B43_a_connection_brings_so_many_badges_an_hour(house, monkeypatch, consumer):
    monkeypatch.setattr(open_badges_api, "BADGES_AN_HOUR", 2)
    answers = [await consumer.bring(BADGE) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 200, 429]
    assert minor(answers[2]) == "server_busy"
    assert answers[2].headers["Retry-After"]
    house.clock.advance(timedelta(hours=1, seconds=1))
    consumer.tokens = (await consumer.refresh()).json()
    assert (await consumer.bring(BADGE)).status_code == 200


async def test_B43_only_so_many_are_judged_at_once(monkeypatch, consumer):
    class Full:
        def take(self, refusal, *, holder):
            raise refusal

    monkeypatch.setattr(open_badges_api, "_TURNS", Full())
    answer = await consumer.bring(BADGE)
    assert (answer.status_code, minor(answer)) == (429, "server_busy")


# --- what goes out


async def receive(house, browser, *configurations):
    await browser.get("/scan")
    offered = await browser.follow(
        await browser.post("/scan", link=house.issuer.offer_link(configurations=configurations))
    )
    assert (await browser.post(f"{offered.url.path}/accept")).status_code in (200, 303)


@pytest.mark.parametrize("configuration", [WHOLE, SELECTIVE, OPEN_BADGE_JWT])
async def test_B40_a_badge_of_ones_own_goes_out_whole_and_without_anything_secret(
    house, consumer, browser, configuration
):
    """Of one of which parts can be hidden, what goes out proves itself, and hides nothing any more."""
    await receive(house, browser, configuration)
    page = (await consumer.read()).json()
    if configuration == OPEN_BADGE_JWT:
        [text] = page["compactJwsString"]
        assert text.count(".") == 2
        return
    [document] = page["credential"]
    handler = FORMATS[LDP_VC]
    assert handler.disclosable_paths(json.dumps(document)) == {}
    [proof] = document["proof"] if isinstance(document["proof"], list) else [document["proof"]]
    assert proof["type"] == "DataIntegrityProof"


@pytest.mark.parametrize("configuration", [DC, VC])
async def test_B40_a_badge_that_open_badges_cannot_express_stays(house, consumer, browser, configuration):
    await receive(house, browser, configuration)
    assert (await consumer.read()).json() == {"credential": [], "compactJwsString": []}
    page = (await browser.get(consumer.ask())).text
    assert "Niet:" in page


async def test_B40_a_badge_in_several_forms_goes_out_once(house, consumer, browser):
    await receive(house, browser, DC, WHOLE, OPEN_BADGE_JWT)
    assert (await consumer.read()).headers["X-Total-Count"] == "1"


async def test_B40_a_badge_that_was_there_before_goes_out_too_and_goes_when_it_goes(house):
    consumer = SimulatedConsumer(house.client())
    await consumer.register()
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await receive(house, browser, WHOLE)
    assert await count(house, ShelvedBadge) == 0
    await consumer.connect(browser)
    assert (await consumer.read()).headers["X-Total-Count"] == "1"
    home = (await browser.get("/badges")).text
    path = "/badges/" + home.partition('href="/badges/')[2].partition('"')[0]
    await browser.get(f"{path}/delete")
    await browser.post(f"{path}/delete")
    assert (await consumer.read()).headers["X-Total-Count"] == "0"


async def test_B40_a_badge_that_its_owner_brought_goes_out_once_she_keeps_it(consumer, browser):
    await browser.get("/import")
    page = await browser.follow(await browser.post("/import", text=BADGE))
    assert (await consumer.read()).json()["credential"] == []
    await browser.post(f"{page.url.path}/keep")
    assert (await consumer.read()).json()["credential"] == [SIGNED_BADGE]
    await consumer.bring(BADGE)
    assert (await consumer.read()).headers["X-Total-Count"] == "1"


async def test_W31_that_badges_were_read_stands_in_the_history_once_a_day(house, consumer, browser):
    await consumer.read()
    assert "Gelezen door" not in (await browser.get("/shared")).text
    await consumer.bring(BADGE)
    await consumer.read()
    await consumer.read()
    page = (await browser.get("/shared")).text
    assert page.count("Gelezen door") == 1
    assert NAME in page
    house.clock.advance(timedelta(days=1, seconds=1))
    consumer.tokens = (await consumer.refresh()).json()
    await consumer.read()
    await browser.get("/sign-in")
    await browser.post("/sign-in", name="Sanne", passphrase="paard batterij nietje juist")
    assert (await browser.get("/shared")).text.count("Gelezen door") == 2


async def test_B42_nobody_reads_what_is_anothers(house, consumer):
    await consumer.bring(BADGE)
    other, _ = await connect(house, name="Kim")
    assert (await other.read()).json()["credential"] == []
    assert (await other.bring(BADGE)).status_code == 201


# --- while the vault is locked


async def test_B40_everything_works_while_its_owner_is_away(house, consumer, browser):
    await browser.get("/me")
    assert (await browser.post("/sign-out")).status_code == 303
    house.clock.advance(timedelta(days=2))
    consumer.tokens = (await consumer.refresh()).json()
    assert (await consumer.bring(BADGE)).status_code == 201
    assert (await consumer.read()).json()["credential"] == [SIGNED_BADGE]
    await browser.get("/sign-in")
    await browser.post("/sign-in", name="Sanne", passphrase="paard batterij nietje juist")
    assert NAME in (await browser.get("/badges")).text


def all_bytes(house):
    path = Path(house.database_url.removeprefix("sqlite:///"))
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


async def test_W30_the_database_says_neither_who_is_connected_nor_what_was_brought_or_read(house, consumer):
    await consumer.bring(BADGE)
    await consumer.bring(FORGED.replace('"id": "', '"id": "urn:x:', 1))
    await consumer.read()
    found = all_bytes(house)
    client_id = consumer.client_id.encode()
    # The product's own registration is there, once for the row and once for its index, and for nobody's account.
    assert b"portfolio.example" in found
    async with house.app.state.service.database.reading() as session:
        for model in (ConnectionToken, ImportedBadge, ShelvedBadge, HistoryEntry):
            for row in (await session.scalars(select(model))).all():
                content = repr({key: value for key, value in vars(row).items() if key != "_sa_instance_state"}).encode()
                for word in (b"portfolio", client_id, NAME.encode(), SIGNED_BADGE["id"].encode()):
                    assert word not in content
    assert NAME.encode() not in found
    assert SIGNED_BADGE["id"].encode() not in found
    for name in ("access_token", "refresh_token"):
        assert consumer.tokens[name].encode() not in found


async def test_B43_a_spent_token_opens_nothing_even_to_who_has_the_database(house, consumer):
    await consumer.refresh()
    async with house.app.state.service.database.reading() as session:
        spent = (await session.scalars(select(ConnectionToken).where(ConnectionToken.spent_at.is_not(None)))).all()
    assert {row.kind for row in spent} == {"code", "refresh"}
    assert {row.sealed for row in spent} == {b""}


async def test_B43_a_token_carries_no_key_that_its_permissions_do_not_need(house):
    for chosen, slots, letterboxes in (
        ((CREDENTIAL_READONLY,), {"history"}, {"shelf"}),
        ((CREDENTIAL_UPSERT,), {"imported_badge", "imported_file", "shelf", "history"}, set()),
    ):
        consumer, _ = await connect(house, *chosen, name=f"Sanne {len(slots)}")
        access = await open_access(house.app.state.service, consumer.tokens["access_token"], house.clock())
        assert (set(access.keys.slots), set(access.keys.letterboxes)) == (slots, letterboxes)
        assert bool(access.keys.identity_key) is (CREDENTIAL_UPSERT in chosen)
        assert access.keys.profile_id == ""


# --- at the same moment, and cut off


async def test_B43_brought_by_eight_at_once_it_is_there_once(house_twice, monkeypatch):
    monkeypatch.setattr(open_badges_api, "_TURNS", open_badges_api.Turns(CALLERS))
    consumer, browser = await connect(house_twice)
    answers = await asyncio.gather(*(consumer.bring(BADGE) for _ in range(CALLERS)))
    assert sorted(answer.status_code for answer in answers) == [200] * (CALLERS - 1) + [201]
    assert await count(house_twice, ImportedBadge) == await count(house_twice, ShelvedBadge) == 1
    assert (await browser.get("/shared")).text.count("Gebracht door") == 1


async def test_B23_forms_brought_at_once_leave_the_newest(house_twice, monkeypatch):
    monkeypatch.setattr(open_badges_api, "_TURNS", open_badges_api.Turns(CALLERS))
    consumer, _ = await connect(house_twice)
    forms = [sign(badge(validFrom=f"2026-01-0{number}T00:00:00Z")) for number in range(1, CALLERS)]
    answers = await asyncio.gather(*(consumer.bring(json.dumps(form)) for form in forms), consumer.bring(FORGED))
    assert [answer.status_code for answer in answers].count(201) == 1
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert (await consumer.read()).json()["credential"] == [forms[-1]]


async def test_B42_a_code_redeemed_by_eight_at_once_gives_one_and_then_none(house_twice):
    """Of two who hold a code one is a thief, and nobody can tell which."""
    consumer, browser = await connect(house_twice)
    code = (await consumer.be_let_in(browser, [CREDENTIAL_READONLY]))["code"]
    answers = await asyncio.gather(*(consumer.redeem(code) for _ in range(CALLERS)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) <= 1
    assert {answer.json()["error"] for answer in answers if answer not in won} == {"invalid_grant"}
    for answer in won:
        assert (await consumer.call("GET", "/credentials", token=answer.json()["access_token"])).status_code == 401


async def test_B42_a_refresh_token_used_by_eight_at_once_ends_the_connection(house_twice):
    consumer, _ = await connect(house_twice)
    answers = await asyncio.gather(*(consumer.refresh() for _ in range(CALLERS)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) <= 1
    for answer in won:
        assert (await consumer.refresh(answer.json()["refresh_token"])).json()["error"] == "invalid_grant"


async def test_B43_ended_while_badges_come_nothing_comes_after(house_twice):
    consumer, browser = await connect(house_twice)
    page = (await browser.get("/connections")).text
    path = "/connections/" + page.partition('action="/connections/')[2].partition('"')[0]
    ended, *answers = await asyncio.gather(
        browser.post(path), *(consumer.bring(jws(id=f"urn:uuid:{number}"), "text/plain") for number in range(CALLERS))
    )
    assert ended.status_code == 303
    assert {answer.status_code for answer in answers} <= {201, 401, 429}
    assert (await consumer.bring(BADGE)).status_code == 401


class KilledError(BaseException):
    """Nothing in the process comes after this."""


@pytest.mark.parametrize("when", ["judging", "keeping", "telling"])
async def test_B43_killed_while_a_badge_comes_it_is_there_once_or_comes_again(house_twice, monkeypatch, when):
    consumer, browser = await connect(house_twice)
    names = {"judging": "judge_badge", "keeping": "_keep", "telling": "seal_history_record"}

    def die(*given, **more):
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(open_badges_api, names[when], die)
        with pytest.raises(KilledError):
            await consumer.bring(BADGE)
    assert await count(house_twice, ImportedBadge) == await count(house_twice, ShelvedBadge) == 0
    assert (await consumer.bring(BADGE)).status_code == 201
    assert (await browser.get("/shared")).text.count("Gebracht door") == 1


async def test_B42_killed_while_tokens_are_given_the_old_one_still_works(house_twice, monkeypatch):
    consumer, _ = await connect(house_twice)

    async def die(*given, **more):
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(store, "add_connection_tokens", die)
        with pytest.raises(KilledError):
            await consumer.refresh()
    assert (await consumer.refresh()).status_code == 200
