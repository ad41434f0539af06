"""Badges at another platform: access given, fetched, chosen, kept, sent, ended. W-20; B-40 to B-42 as a consumer."""

import asyncio
import io
import json
import re
import zipfile
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from sqlalchemy import select

from kernel.formats import parse_credential
from kernel.open_badges_api import BASE_PATH, CREDENTIAL_READONLY, CREDENTIAL_UPSERT, OFFLINE_ACCESS
from kernel.openid4vci import code_challenge
from tests.kernel.test_importing import SIGNED_BADGE, badge, sign
from tests.support.simulated_badge_platform import SimulatedBadgePlatform
from tests.support.simulated_consumer import SimulatedConsumer
from tests.support.simulated_issuer import OPEN_BADGE_JWT, SELECTIVE, WHOLE
from tests.wallet.conftest import PASSPHRASE
from wallet.models import ImportedBadge
from wallet.platform_discovery import platform_callback_uri

pytestmark = pytest.mark.over_http

NAME = "Problemen oplossen in de praktijk"
LATER = {"validFrom": "2026-02-01T00:00:00Z"}
GO = re.compile(r'href="(https://platform[^"]+)"')
CHOICE = re.compile(r'name="badge" value="([^"]+)"')


def another(number: int, **changes) -> dict:
    return sign(badge(id=f"urn:uuid:00000000-0000-4000-8000-{number:012}", **changes))


@pytest.fixture
def platform(house):
    platform = SimulatedBadgePlatform(house.clock, badges=[SIGNED_BADGE])
    house.transport.apps["platform.example:443"] = platform.app()
    return platform


@pytest.fixture
async def browser(house, platform):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


async def begin(browser, address="platform.example", **fields) -> str:
    await browser.get("/platforms")
    page = await browser.post("/platforms", address=address, **fields)
    assert page.status_code == 200, unescape(page.text)
    return unescape(GO.search(page.text)[1])


async def connect(house, browser, **fields):
    """Give access, come back, and look at the list; returns the page."""
    answer = await browser.get(await house.visit(await begin(browser, **fields)))
    assert answer.status_code == 303, unescape(answer.text)
    return await browser.follow(answer)


async def keep_all(browser, page):
    return await browser.follow(await browser.post(f"{page.url.path}/keep", badge=CHOICE.findall(page.text)))


async def test_W20_badges_are_fetched_from_a_platform_chosen_and_kept(house, browser, platform):
    platform.badges.append(another(2, name="Samenwerken"))
    page = await connect(house, browser)
    assert page.text.count('name="badge"') == 2
    assert NAME in page.text
    assert NAME not in (await browser.get("/badges")).text
    page = await browser.get(page.url.path)
    page = await keep_all(browser, page)
    assert "2 badges bewaard" in page.text
    assert (await browser.get("/badges")).text.count(NAME) == 2
    assert (await browser.get("/shared")).text.count("Gekregen van Hogeschool Voorbeeld") == 2


async def test_B42_the_wallet_registers_once_for_everybody_and_all_on_its_own_host(house, browser, platform):
    await connect(house, browser)
    other = house.new_browser()
    await other.sign_up("Mohammed")
    await connect(house, other)
    [asked] = platform.registrations
    assert asked["redirect_uris"] == [platform_callback_uri(house.settings, "https://platform.example")]
    assert {urlsplit(asked[f"{name}_uri"]).netloc for name in ("client", "logo", "tos", "policy")} == {"wallet.example"}
    assert asked["token_endpoint_auth_method"] == "client_secret_basic"
    assert set(asked["scope"].split()) == {CREDENTIAL_READONLY, CREDENTIAL_UPSERT, OFFLINE_ACCESS}
    assert "Sanne" not in json.dumps(platform.registrations)


@pytest.mark.parametrize("name", ["client_uri", "logo_uri", "tos_uri", "policy_uri"])
async def test_B42_what_the_registration_points_at_is_there(house, browser, platform, name):
    await connect(house, browser)
    answer = await browser.http.get(platform.registrations[0][name])
    assert answer.status_code in (200, 303)


async def test_B42_the_code_is_asked_for_with_S256_and_a_state_and_exchanged_with_its_verifier(
    house, browser, platform
):
    await connect(house, browser)
    [asked] = platform.asked
    assert len(asked.state or "") >= 43
    [form] = platform.token_forms
    assert code_challenge(form["code_verifier"]) == asked.code_challenge
    assert form["redirect_uri"] == asked.redirect_uri


@pytest.mark.parametrize(("fields", "wanted"), [({}, False), ({"may_send": "1"}, True)])
async def test_B41_no_more_is_asked_for_than_the_person_wants(house, browser, platform, fields, wanted):
    await connect(house, browser, **fields)
    [asked] = platform.asked
    assert CREDENTIAL_READONLY in asked.scopes
    assert (CREDENTIAL_UPSERT in asked.scopes) is wanted


@pytest.mark.parametrize(
    "address",
    ["platform.example", "https://platform.example/", "PLATFORM.example", f" https://platform.example{BASE_PATH} ",
     f"platform.example{BASE_PATH}/discovery"],
)  # fmt: skip
async def test_B40_the_address_may_be_typed_as_people_have_it(house, browser, platform, address):
    page = await connect(house, browser, address=address)
    assert NAME in page.text
    page = await connect(house, browser)
    assert (await browser.get("/platforms")).text.count("small-heading") == 1


async def test_B40_a_platform_may_have_its_api_below_a_path(house, browser, platform):
    platform.tenant = "/school"
    house.transport.apps["platform.example:443"] = platform.app()
    assert NAME in (await connect(house, browser, address="platform.example/school")).text


async def test_B40_every_page_of_the_list_is_read_in_its_order(house, browser, platform):
    platform.page_size = 2
    platform.badges = [another(number, name=f"Badge {number}") for number in range(5)]
    page = await connect(house, browser)
    assert [query.get("offset") for query in platform.queries] == ["0", "2", "4"]
    assert len(CHOICE.findall(page.text)) == 5


async def test_B40_the_next_time_only_what_came_since_is_asked_for_and_everything_on_request(house, browser, platform):
    page = await connect(house, browser)
    page = await keep_all(browser, page)
    house.clock.advance(timedelta(minutes=30))
    platform.badges.append(another(2, name="Samenwerken", validFrom=f"{house.clock():%Y-%m-%dT%H:%M:%SZ}"))
    page = await browser.follow(await browser.post(f"{page.url.path}/fetch"))
    assert "since" not in platform.queries[0]
    assert "since" in platform.queries[1]
    assert len(CHOICE.findall(page.text)) == 1
    page = await browser.follow(await browser.post(f"{page.url.path}/fetch", everything="1"))
    assert "since" not in platform.queries[2]
    assert "staat al in je wallet" in page.text


async def test_B23_a_newer_form_takes_the_place_of_the_one_that_is_here(house, browser, platform):
    page = await keep_all(browser, await connect(house, browser))
    platform.badges = [sign(badge(**LATER))]
    page = await browser.follow(await browser.post(f"{page.url.path}/fetch", everything="1"))
    assert "Veranderd" in page.text
    page = await keep_all(browser, page)
    assert "1 badge vervangen" in page.text
    [path] = set(re.findall(r'href="(/imported/[^"]+)"', (await browser.get("/badges")).text))
    assert (await browser.get(f"{path}/file")).json()["validFrom"] == LATER["validFrom"]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"credentialSubject": {**badge()["credentialSubject"], "id": "did:example:another"}}, "voor een ander"),
        ({"unsigned": True}, "niet nakijken of hij echt is"),
    ],
)
async def test_B23_what_only_says_that_it_is_newer_takes_no_place(house, browser, platform, changes, why):
    page = await keep_all(browser, await connect(house, browser))
    newer = badge(**{**LATER, **{name: value for name, value in changes.items() if name != "unsigned"}})
    platform.badges = [newer if "unsigned" in changes else sign(newer)]
    page = await browser.follow(await browser.post(f"{page.url.path}/fetch", everything="1"))
    assert why in page.text
    assert CHOICE.findall(page.text) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"validFrom": "2099-01-01T00:00:00Z"},
        {
            "validFrom": "2020-01-01T00:00:00Z",
            "credentialSubject": {"type": "AchievementSubject", "id": "did:example:1"},
        },
    ],
)
async def test_B23_a_forgery_that_a_service_brought_keeps_no_true_badge_out(house, browser, platform, changes):
    """A service puts in whatever it likes, without a click: what is not proven is compared with nothing."""
    service = SimulatedConsumer(house.client())
    await service.register()
    await service.connect(browser, (CREDENTIAL_UPSERT, OFFLINE_ACCESS))
    assert (await service.bring(json.dumps({**SIGNED_BADGE, **changes}))).status_code == 201
    page = await connect(house, browser)
    assert page.text.count(" checked") == 1
    page = await keep_all(browser, page)
    assert "1 badge bewaard" in page.text
    page = await browser.follow(await browser.post(f"{page.url.path}/fetch", everything="1"))
    assert "1 staat al in je wallet" in page.text


async def test_B23_an_unproven_badge_that_was_kept_is_known_by_its_file(house, browser, platform):
    platform.badges = [badge()]
    page = await keep_all(browser, await connect(house, browser))
    page = await browser.follow(await browser.post(f"{page.url.path}/fetch", everything="1"))
    assert "1 staat al in je wallet" in page.text
    assert CHOICE.findall(page.text) == []


async def test_B23_a_badge_that_its_issuer_gave_the_wallet_is_known_again(house, browser, platform):
    await browser.get(f"/open?link={quote(house.issuer.offer_link(configurations=[WHOLE]))}")
    await browser.follow(browser.answer)
    held = await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))
    platform.badges = [(await browser.get(f"{held.url.path}/file/original")).json()]
    page = await connect(house, browser)
    assert "1 staat al in je wallet" in page.text
    assert CHOICE.findall(page.text) == []


async def test_K74_each_badge_is_judged_and_those_that_do_not_hold_say_why(house, browser, platform):
    changed = {**SIGNED_BADGE, "id": "urn:uuid:0", "name": "Anders"}
    platform.badges = [SIGNED_BADGE, changed, {"type": "Lunch"}, "e30.e30.e30", badge(id="urn:uuid:1")]
    page = unescape((await connect(house, browser)).text)
    assert "Deze badge klopt niet: hij is veranderd" in page
    assert page.count("Dit is geen badge, of een soort die we niet kennen.") == 2
    assert "3 kunnen we niet bewaren" in page
    # One that nothing proves may be kept, and is not chosen beforehand.
    assert page.count('name="badge"') == 2
    assert page.count(" checked") == 1


async def test_K74_what_does_not_hold_is_kept_by_nobody_who_knows_where_it_waits(house, browser, platform):
    platform.badges = [{**SIGNED_BADGE, "name": "Anders"}]
    page = await connect(house, browser)
    async with house.app.state.service.database.reading() as session:
        [badge_id] = (await session.scalars(select(ImportedBadge.id))).all()
    for path in (f"/imported/{badge_id}", f"/imported/{badge_id}/file"):
        assert (await browser.get(path)).status_code == 404
    await browser.get(page.url.path)
    assert (await browser.post(f"/imported/{badge_id}/keep")).status_code == 404
    assert (await browser.post(f"{page.url.path}/keep", badge=badge_id)).status_code == 400
    assert "Anders" not in (await browser.get("/badges")).text


async def test_W20_choosing_nothing_keeps_nothing_and_the_list_can_be_dropped(house, browser, platform):
    page = await connect(house, browser)
    refused = await browser.post(f"{page.url.path}/keep")
    assert refused.status_code == 400
    assert 'id="error-summary"' in refused.text
    page = await browser.follow(await browser.post(f"{page.url.path}/drop"))
    assert CHOICE.findall(page.text) == []
    assert NAME not in (await browser.get("/badges")).text


@pytest.mark.parametrize("configuration", [WHOLE, SELECTIVE, OPEN_BADGE_JWT])
async def test_B40_a_badge_is_sent_as_its_issuer_signed_it(house, browser, platform, configuration):
    platform.badges = []
    page = await connect(house, browser, may_send="1")
    await browser.get(f"/open?link={quote(house.issuer.offer_link(configurations=[configuration]))}")
    await browser.follow(browser.answer)
    held = await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))
    [path] = set(re.findall(r'href="(/badges/[^"]+/send/[^"]+)"', held.text))
    assert not platform.sent
    assert "Het platform krijgt alles te zien" in (await browser.get(path)).text
    told = await browser.post(path)
    assert "staat er nu" in told.text
    [(media_type, content)] = platform.sent
    assert media_type == ("text/plain" if configuration == OPEN_BADGE_JWT else "application/json")
    assert parse_credential(content.decode()).unverified_issuer == house.issuer.did
    history = (await browser.get("/shared")).text
    assert "Gedeeld met platform.example" in history
    await browser.get(path)
    assert "stond er al" in (await browser.post(path)).text
    # And back again: it is known.
    page = await browser.follow(await browser.post(f"{page.url.path}/fetch", everything="1"))
    assert "1 staat al in je wallet" in page.text


async def test_B41_without_its_permission_nothing_is_sent(house, browser, platform):
    page = await connect(house, browser)
    await browser.get(f"/open?link={quote(house.issuer.offer_link(configurations=[WHOLE]))}")
    await browser.follow(browser.answer)
    held = await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))
    assert "/send/" not in held.text
    connection = page.url.path.rpartition("/")[2]
    answer = await browser.post(f"{held.url.path}/send/{connection}")
    assert answer.status_code == 409
    assert not platform.sent


async def test_B42_an_ended_token_is_refreshed_and_the_new_refresh_token_kept(house, browser, platform):
    page = await connect(house, browser)
    for _ in range(2):
        house.clock.advance(timedelta(minutes=50))
        await browser.get("/platforms")
        platform.end_tokens()
        page = await browser.follow(await browser.post(f"{page.url.path}/fetch"))
        assert page.status_code == 200
    given = [form["refresh_token"] for form in platform.token_forms if "refresh_token" in form]
    assert len(given) == len(set(given)) == 2


async def test_B42_where_no_token_can_be_had_any_more_one_signs_in_again(house, browser, platform):
    page = await connect(house, browser)
    platform.end_tokens()
    platform.misbehave = "refresh_refused"
    answer = await browser.post(f"{page.url.path}/fetch")
    assert answer.status_code == 409
    assert "geen toegang meer" in answer.text
    platform.misbehave = ""
    page = await browser.get(page.url.path)
    assert "Daar opnieuw inloggen" in page.text
    assert "Toegang verlopen" in (await browser.get("/platforms")).text
    await connect(house, browser, address="https://platform.example")
    assert len(platform.registrations) == 1


@pytest.mark.parametrize("when", ["forgotten", "ended"])
async def test_B42_the_wallet_registers_anew_where_its_registration_is_gone(house, browser, platform, when):
    platform.secret_lifetime = timedelta(minutes=30)
    page = await connect(house, browser)
    if when == "forgotten":
        platform.forget_clients()
        platform.end_tokens()
        assert (await browser.post(f"{page.url.path}/fetch")).status_code == 409
    else:
        house.clock.advance(timedelta(minutes=40))
    await connect(house, browser)
    assert len(platform.registrations) == 2


async def test_B42_a_platform_that_says_on_its_own_page_that_it_knows_no_such_client_gets_another_registration(
    house, browser, platform
):
    other = house.new_browser()
    await other.sign_up("Mohammed")
    kept = await connect(house, other)
    before = dict(platform._clients)
    platform.forget_clients()
    async with httpx.AsyncClient(transport=house.transport) as http:
        assert (await http.get(await begin(browser))).status_code == 400
        # At once it is not tried: who goes back and forth is no sign of anything.
        assert (await http.get(await begin(browser))).status_code == 400
    assert len(platform.registrations) == 1
    house.clock.advance(timedelta(minutes=11))
    assert NAME in (await connect(house, browser)).text
    assert len(platform.registrations) == 2
    # Whoever signed in with the one before keeps it.
    platform._clients |= before
    platform.end_tokens()
    await other.get("/platforms")
    assert (await other.post(f"{kept.url.path}/fetch")).status_code == 303


async def test_B42_ending_the_access_gives_the_tokens_back_and_leaves_what_was_kept(house, browser, platform):
    page = await connect(house, browser)
    page = await keep_all(browser, page)
    await browser.get(f"{page.url.path}/disconnect")
    told = await browser.post(f"{page.url.path}/disconnect")
    assert "heeft de toegang ingetrokken" in told.text
    assert platform.revoked == ["refresh_token", "access_token"]
    assert (await browser.get(page.url.path)).status_code == 404
    assert NAME in (await browser.get("/badges")).text


async def test_B42_where_there_is_no_access_any_more_there_is_nothing_to_give_back(house, browser, platform):
    page = await connect(house, browser)
    platform.end_tokens()
    platform.misbehave = "refresh_refused"
    await browser.post(f"{page.url.path}/fetch")
    await browser.get(f"{page.url.path}/disconnect")
    assert "geen toegang meer om in te trekken" in (await browser.post(f"{page.url.path}/disconnect")).text
    assert not platform.revoked


async def test_W20_what_is_on_a_badge_can_be_seen_before_it_is_kept(house, browser, platform):
    page = await connect(house, browser)
    [path] = re.findall(r'href="(/imported/[^"]+)"', page.text)
    shown = await browser.get(path)
    assert "Deze badge bewaren?" in shown.text
    await browser.post(f"{path}/keep")
    assert NAME in (await browser.get("/badges")).text
    assert CHOICE.findall((await browser.get(page.url.path)).text) == []


async def test_A52_nobody_else_sees_a_connection_or_what_waits(house, browser, platform):
    page = await connect(house, browser)
    other = house.new_browser()
    await other.sign_up("Mohammed")
    await other.get("/platforms")
    assert "platform.example" not in other.page
    for path in (page.url.path, f"{page.url.path}/disconnect"):
        assert (await other.get(path)).status_code == 404
    await other.get("/platforms")
    for path in ("fetch", "check", "keep", "drop", "disconnect"):
        assert (await other.post(f"{page.url.path}/{path}", badge="x")).status_code == 404
    assert len(platform.queries) == 1


async def test_A28_an_answer_counts_in_the_session_that_began_alone(house, browser, platform):
    back = await house.visit(await begin(browser))
    stranger = house.new_browser()
    await stranger.sign_up("Mohammed")
    assert (await stranger.get(back)).status_code == 400
    again = house.new_browser()
    await again.get("/sign-in")
    await again.post("/sign-in", name="Sanne", passphrase=PASSPHRASE)
    assert (await again.get(back)).status_code == 400
    assert not platform.token_forms
    assert (await browser.get(back)).status_code == 303


async def test_A28_an_answer_counts_once_and_within_the_hour(house, browser, platform):
    back = await house.visit(await begin(browser))
    answers = await asyncio.gather(*(browser.http.get(back) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers).count(303) == 1
    assert len(platform.token_forms) == 1
    late = await house.visit(await begin(browser))
    house.clock.advance(timedelta(minutes=59, seconds=30))
    await browser.get("/platforms")
    house.clock.advance(timedelta(seconds=31))
    assert (await browser.get(late)).status_code == 400
    assert len(platform.token_forms) == 1


async def test_A27_an_answer_at_the_address_of_another_platform_is_not_used(house, browser, platform):
    back = await house.visit(await begin(browser))
    other = platform_callback_uri(house.settings, "https://hostile.example")
    answer = await browser.get(f"{other}?{urlsplit(back).query}")
    assert answer.status_code == 400
    assert not platform.token_forms


async def test_A28_while_the_vault_is_locked_nothing_is_asked(house, browser, platform):
    back = await house.visit(await begin(browser))
    await browser.get("/platforms")
    await browser.post("/sign-out")
    answer = await browser.get(back)
    assert answer.status_code == 400
    assert "Je wallet is op slot" in answer.text
    assert not platform.token_forms


async def test_A28_a_parameter_that_is_there_twice_is_not_read(house, browser, platform):
    back = await house.visit(await begin(browser))
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert (await browser.get(f"{back}&state={state}")).status_code == 400
    assert not platform.token_forms


async def test_A56_the_database_tells_neither_tokens_nor_platforms(house, browser, platform):
    await connect(house, browser)
    content = b"".join(
        file.read_bytes() for file in Path(house.database_url.partition("///")[2]).parent.glob("*") if file.is_file()
    )
    secrets = [*platform._tokens, *platform._refreshing, *(c.client_secret for c in platform._clients.values())]
    assert len(secrets) == 3
    for secret in (*secrets, "platform.example", "Badgeplein", NAME):
        assert secret.encode() not in content


async def test_W30_the_export_names_the_platforms_and_no_token(house, browser, platform):
    await connect(house, browser)
    await browser.get("/me")
    answer = await browser.post("/me/export", export_passphrase="")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        exported = archive.read("wallet.json").decode()
    [named] = json.loads(exported)["platforms"]
    assert (named["platform"], named["may_read"], named["may_send"]) == ("https://platform.example", True, False)
    assert not any(token in exported for token in (*platform._tokens, *platform._refreshing))


async def test_W30_a_new_passphrase_leads_to_what_is_still_connected(house, browser, platform):
    await browser.get("/me")
    changed = await browser.post("/me/passphrase", old=PASSPHRASE, new="andere vier losse woorden")
    assert 'href="/platforms"' in changed.text
    assert changed.text.count('href="/connections"') == 2
    await browser.get("/me")
    replaced = await browser.post("/me/recovery-code", code_passphrase="andere vier losse woorden")
    assert 'href="/connections"' not in replaced.text
    code = re.search(r'class="recovery-code"[^>]*>(.*?)</p>', replaced.text)[1]
    other = house.new_browser()
    await other.get("/recover")
    recovered = await other.post(
        "/recover", name="Sanne", recovery_code=re.sub("<[^>]+>", "", code), passphrase=PASSPHRASE
    )
    for path in ("/platforms", "/connections"):
        assert f'href="{path}"' in recovered.text
        assert (await other.get(path)).status_code == 200
