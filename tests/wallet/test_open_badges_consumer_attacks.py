"""A platform that misbehaves in one way at a time: nothing of it is believed, sent on or waited for without bounds.

Each failure names its step and its side, and after each the person can go on, or start over, with an honest platform.
"""

import asyncio
import json
import re
from contextlib import suppress
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest

from kernel.open_badges_api import BASE_PATH
from runtime.at_once import Turns
from tests.kernel.test_importing import SIGNED_BADGE, badge, sign
from tests.support.simulated_badge_platform import SimulatedBadgePlatform
from tests.support.simulated_issuer import WHOLE
from wallet import importing, platform_badges
from wallet.vault import Vault

pytestmark = pytest.mark.over_http

GO = re.compile(r'href="(https://[^"]+/authorize[^"]+)"')
CHOICE = re.compile(r'name="badge" value="([^"]+)"')
STEP = re.compile(r"<dt>Stap</dt><dd>([^<]+)</dd>")
SIDE = re.compile(r"<dt>Aan welke kant</dt><dd>([^<]+)</dd>")

FIRST, REGISTERING = "Vragen wat dit platform kan", "Deze wallet daar bekendmaken"
BACK, TOKEN = "Terugkomen na het inloggen", "De toegang ophalen die je gaf"
FETCHING, SENDING = "Je badges ophalen", "Je badge daarheen sturen"
THEIRS, ON_THE_WAY = "Het platform", "Onderweg, of hun computer antwoordt niet"


@pytest.fixture
def platform(house):
    platform = SimulatedBadgePlatform(house.clock, badges=[SIGNED_BADGE])
    house.transport.apps["platform.example:443"] = platform.app()
    # Whoever is named by a platform that lies: nobody may ever come here.
    house.transport.apps["elsewhere.example:443"] = SimulatedBadgePlatform(house.clock, "elsewhere.example").app()
    return platform


@pytest.fixture
async def browser(house, platform):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


async def begin(browser, address="platform.example", **fields):
    await browser.get("/platforms")
    return await browser.post("/platforms", address=address, **fields)


async def sign_in(house, browser, **fields):
    page = await begin(browser, **fields)
    assert page.status_code == 200, unescape(page.text)
    return await browser.get(await house.visit(unescape(GO.search(page.text)[1])))


async def connect(house, browser, **fields):
    return await browser.follow(await sign_in(house, browser, **fields))


def failed(answer) -> tuple[int, str, str]:
    """The status, the step and the side of a page that tells of a failure."""
    text = unescape(answer.text)
    return answer.status_code, STEP.search(text)[1], SIDE.search(text)[1]


def hosts_asked(house) -> set[str]:
    return {request.url.host for request in house.transport.requests}


@pytest.mark.parametrize(
    "way",
    [
        "discovery_redirects",
        "discovery_is_a_page",
        "discovery_is_huge",
        "discovery_without_sign_in",
    ],
)
async def test_K82_what_is_no_description_of_a_platform_is_said_beside_the_field(house, browser, platform, way):
    platform.misbehave = way
    answer = await begin(browser)
    assert answer.status_code == 400
    assert "vonden we geen platform" in answer.text
    assert 'id="address-error"' in answer.text
    assert not platform.registrations
    platform.misbehave = ""
    assert CHOICE.findall((await connect(house, browser)).text)


@pytest.mark.parametrize(
    ("way", "status", "step", "side"),
    [
        ("discovery_breaks", 503, FIRST, ON_THE_WAY),
        ("discovery_without_reading", 502, FIRST, THEIRS),
        ("registration_refused", 502, REGISTERING, THEIRS),
        ("registration_breaks", 503, REGISTERING, ON_THE_WAY),
        ("registration_without_secret", 502, REGISTERING, THEIRS),
        ("registration_sends_elsewhere", 502, REGISTERING, THEIRS),
        ("registration_for_all_to_read", 502, REGISTERING, THEIRS),
    ],
)
async def test_B42_nobody_is_sent_to_sign_in_where_that_cannot_end_well(
    house, browser, platform, way, status, step, side
):
    platform.misbehave = way
    assert failed(await begin(browser)) == (status, step, side)
    assert "platform.example" not in (await browser.get("/platforms")).text
    platform.misbehave = ""
    assert CHOICE.findall((await connect(house, browser)).text)


@pytest.mark.parametrize(
    "way", ["registration_elsewhere", "authorization_elsewhere", "token_elsewhere", "refresh_elsewhere"]
)
async def test_A27_a_platform_that_names_an_address_of_another_host_gets_nothing(house, browser, platform, way):
    """With the sign-in page or the token endpoint of another it would get what the person has there."""
    platform.misbehave = way
    answer = await begin(browser)
    assert failed(answer) == (502, FIRST, THEIRS)
    assert "adressen die niet van hem zijn" in answer.text
    assert "elsewhere.example" not in hosts_asked(house)
    assert not platform.registrations


async def test_A27_addresses_below_the_platforms_own_host_are_its_own(house, browser, platform):
    below = SimulatedBadgePlatform(house.clock, "auth.platform.example")
    house.transport.apps["auth.platform.example:443"] = below.app()
    honest = platform._describe

    def describe():
        return type(honest())(
            **{
                **{name: getattr(honest(), name) for name in honest().__dataclass_fields__},
                "registration_url": "https://auth.platform.example/register",
                "authorization_url": "https://auth.platform.example/authorize",
                "token_url": "https://auth.platform.example/token",
                "refresh_url": "https://auth.platform.example/token",
            }
        )

    platform._describe = describe
    platform._tokens = below._tokens
    assert CHOICE.findall((await connect(house, browser)).text)


@pytest.mark.parametrize("host", ["notplatform.example", "platform.example.hostile.example"])
async def test_A27_a_host_that_only_looks_like_one_below_is_another(house, browser, platform, host):
    platform.misbehave = "token_elsewhere"
    honest = platform._describe
    platform._describe = lambda: type(honest())(
        **{
            **{name: getattr(honest(), name) for name in honest().__dataclass_fields__},
            "token_url": f"https://{host}/token",
        }
    )
    assert failed(await begin(browser)) == (502, FIRST, THEIRS)


@pytest.mark.parametrize(
    ("way", "status", "step"),
    [
        ("access_denied", 409, BACK),
        ("another_state", 400, BACK),
        ("another_iss", 400, BACK),
        ("code_and_error", 400, BACK),
    ],
)
async def test_A27_A28_an_answer_that_does_not_fit_brings_no_token(house, browser, platform, way, status, step):
    platform.misbehave = way
    answer = await sign_in(house, browser)
    assert failed(answer)[:2] == (status, step)
    assert "<script>" not in answer.text
    assert not platform.token_forms
    platform.misbehave = ""
    assert CHOICE.findall((await connect(house, browser)).text)


async def test_A27_a_platform_may_say_who_it_is(house, browser, platform):
    platform.names_itself = True
    assert CHOICE.findall((await connect(house, browser)).text)


@pytest.mark.parametrize(
    ("way", "status", "side"),
    [
        ("code_refused", 502, THEIRS),
        ("token_breaks", 503, ON_THE_WAY),
        ("token_redirects", 502, THEIRS),
        ("token_of_another_type", 502, THEIRS),
        ("token_for_nothing", 409, THEIRS),
        ("client_forgotten", 502, THEIRS),
    ],
)
async def test_B42_a_code_is_sent_once_whatever_becomes_of_it(house, browser, platform, way, status, side):
    platform.misbehave = way
    answer = await sign_in(house, browser)
    assert failed(answer) == (status, TOKEN, side)
    [form] = platform.token_forms
    assert "elsewhere.example" not in hosts_asked(house)
    again = await browser.get(str(answer.url))
    assert again.status_code == 400
    assert len(platform.token_forms) == 1
    platform.misbehave = ""
    assert CHOICE.findall((await connect(house, browser)).text)
    assert platform.token_forms[1]["code"] != form["code"]
    assert len(platform.registrations) == 1


@pytest.mark.parametrize("way", ["client_forgotten", "token_unauthorized"])
async def test_A43_nobody_takes_the_registration_from_everybody_with_a_code_of_their_own_invention(
    house, browser, platform, way
):
    """At a platform that says of a bad code that it does not know the client."""
    other = house.new_browser()
    await other.sign_up("Mohammed")
    kept = await connect(house, other)
    platform.misbehave = way
    for _ in range(2):
        page = await begin(browser)
        back = await house.visit(unescape(GO.search(page.text)[1]))
        answer = await browser.get(re.sub(r"code=[^&]+", "code=bogus", back))
        assert failed(answer) == (502, TOKEN, THEIRS)
    platform.misbehave = ""
    platform.end_tokens()
    assert (await other.post(f"{kept.url.path}/fetch")).status_code == 303
    assert len(platform.registrations) == 1


async def test_B42_whose_client_is_unknown_when_the_code_is_sent_registers_anew_beside_the_one_before(
    house, browser, platform
):
    platform.misbehave = "client_forgotten"
    assert failed(await sign_in(house, browser)) == (502, TOKEN, THEIRS)
    platform.misbehave = ""
    house.clock.advance(timedelta(minutes=11))
    assert CHOICE.findall((await connect(house, browser)).text)
    assert len(platform.registrations) == 2
    await connect(house, browser)
    assert len(platform.registrations) == 2


async def test_B42_a_refresh_token_refused_with_401_ends_that_access_and_no_registration(house, browser, platform):
    page = await connect(house, browser)
    platform.end_tokens()
    platform.misbehave = "token_unauthorized"
    assert (await browser.post(f"{page.url.path}/fetch")).status_code == 409
    platform.misbehave = ""
    assert CHOICE.findall((await connect(house, browser)).text)
    assert len(platform.registrations) == 1


@pytest.mark.parametrize(
    ("way", "status", "side"),
    [
        ("badges_break", 503, ON_THE_WAY),
        ("badges_forbidden", 502, THEIRS),
        ("badges_redirect", 502, THEIRS),
        ("badges_are_a_page", 502, THEIRS),
        ("badges_are_no_object", 502, THEIRS),
        ("badges_are_huge", 502, THEIRS),
        ("next_to_itself", 502, THEIRS),
        ("next_elsewhere", 502, THEIRS),
        ("empty_for_ever", 502, THEIRS),
        ("links_for_ever", 502, THEIRS),
    ],
)
async def test_K83_a_list_that_is_none_says_so_and_the_access_stays(house, browser, platform, way, status, side):
    platform.misbehave = way
    assert failed(await sign_in(house, browser)) == (status, FETCHING, side)
    assert "elsewhere.example" not in hosts_asked(house)
    assert len(platform.queries) <= 2
    platform.misbehave = ""
    [path] = set(re.findall(r'href="(/platforms/[^"/]+)"', (await browser.get("/platforms")).text))
    await browser.post(f"{path}/fetch", everything="1")
    assert CHOICE.findall((await browser.get(path)).text)


async def test_K83_a_list_without_end_is_read_in_pieces_and_no_faster_than_a_person_presses(
    house, browser, platform, monkeypatch
):
    monkeypatch.setattr(platform_badges, "_PAGES_A_VISIT", 3)
    platform.misbehave = "next_for_ever"
    page = await connect(house, browser)
    assert len(platform.queries) == 3
    assert "gaat nog verder" in page.text
    assert "3 kunnen we niet bewaren" in page.text
    page = await browser.follow(await browser.post(f"{page.url.path}/fetch"))
    assert [query["offset"] for query in platform.queries[3:]] == ["3", "4", "5"]
    monkeypatch.setattr(platform_badges, "_WAITING_AT_MOST", 7)
    answer = await browser.post(f"{page.url.path}/fetch")
    assert answer.status_code == 409
    assert "Er wachten al veel badges op jouw keuze" in answer.text


@pytest.mark.parametrize("bound", ["_BADGES_A_VISIT", "_BYTES_A_VISIT"])
async def test_K83_a_visit_is_bounded_in_badges_and_in_bytes(house, browser, platform, monkeypatch, bound):
    monkeypatch.setattr(platform_badges, bound, 2)
    platform.page_size = 1
    platform.badges = [sign(badge(id=f"urn:uuid:{number}")) for number in range(4)]
    page = await connect(house, browser)
    read = len(platform.queries)
    assert read == (2 if bound == "_BADGES_A_VISIT" else 1)
    while "gaat nog verder" in page.text:
        page = await browser.follow(await browser.post(f"{page.url.path}/fetch"))
    assert len(CHOICE.findall(page.text)) == 4


async def test_K83_what_waits_is_bounded_in_bytes_and_goes_on_once_its_owner_chose(
    house, browser, platform, monkeypatch
):
    monkeypatch.setattr(platform_badges, "_WAITING_BYTES", int(2.5 * len(json.dumps(SIGNED_BADGE))))
    platform.page_size = 1
    platform.badges = [sign(badge(id=f"urn:uuid:{number}")) for number in range(3)]
    refused = await sign_in(house, browser)
    assert refused.status_code == 409
    assert "Er wachten al veel badges op jouw keuze" in refused.text
    [path] = set(re.findall(r'href="(/platforms/[^"/]+)"', (await browser.get("/platforms")).text))
    await browser.get(path)
    page = await browser.follow(await browser.post(f"{path}/check"))
    chosen = CHOICE.findall(page.text)
    assert len(chosen) == 2
    page = await browser.follow(await browser.post(f"{path}/keep", badge=chosen))
    page = await browser.follow(await browser.post(f"{path}/fetch"))
    assert len(CHOICE.findall(page.text)) == 1


async def test_K83_no_file_that_waits_is_opened_where_everybody_else_waits_for_it(
    house, browser, platform, monkeypatch
):
    """Each page of a list opened every file that waited, on the event loop."""
    opened, honest = [], Vault.open_bytes

    def watch(vault, kind, identifier, sealed):
        if kind == "imported_file":
            with suppress(RuntimeError):
                opened.append(asyncio.get_running_loop())
        return honest(vault, kind, identifier, sealed)

    monkeypatch.setattr(Vault, "open_bytes", watch)
    platform.page_size = 1
    platform.badges = [sign(badge(id=f"urn:uuid:{number}")) for number in range(3)]
    page = await connect(house, browser)
    assert len(CHOICE.findall(page.text)) == 3
    assert opened == []


async def test_K86_a_badge_that_is_too_large_is_named_and_the_others_come(house, browser, platform):
    platform.badges = [SIGNED_BADGE, {**SIGNED_BADGE, "id": "urn:uuid:9", "description": "x" * (600 * 1024)}]
    page = await connect(house, browser)
    assert len(CHOICE.findall(page.text)) == 1
    assert "te groot voor een badge" in page.text


@pytest.mark.parametrize("element", ["text", 7, None, ["x"]])
async def test_B40_an_element_of_another_type_is_named_and_the_others_come(house, browser, platform, element):
    """Wrong where a document has to be: the platform's own answer, of which one element is no badge."""
    honest = platform._list

    def lie(page):
        answer = honest(page)
        members = json.loads(answer.body)
        members["credential"].append(element)
        return type(answer)(members)

    platform._list = lie
    page = await connect(house, browser)
    assert len(CHOICE.findall(page.text)) == 1
    assert "1 kunnen we niet bewaren" in page.text


async def test_A42_where_too_many_are_checked_at_once_the_rest_waits_for_a_press(house, browser, platform, monkeypatch):
    with monkeypatch.context() as crowded:
        crowded.setattr(importing, "_TURNS", Turns(0))
        page = await connect(house, browser)
        assert "1 badge is opgehaald en nog niet nagekeken" in page.text
        refused = await browser.post(f"{page.url.path}/check")
        assert refused.status_code == 400
        assert "Het is nu te druk" in refused.text
    page = await browser.follow(await browser.post(f"{page.url.path}/check"))
    assert len(CHOICE.findall(page.text)) == 1


async def test_K83_what_is_left_to_check_is_checked_press_by_press(house, browser, platform, monkeypatch):
    monkeypatch.setattr(platform_badges, "_JUDGING_SECONDS", 0.000001)
    monkeypatch.setattr(platform_badges, "_JUDGED_AT_ONCE", 1)
    platform.badges = [sign(badge(id=f"urn:uuid:{number}")) for number in range(3)]
    page = await connect(house, browser)
    for left in (2, 1, 0):
        assert len(CHOICE.findall(page.text)) == 3 - left
        page = await browser.follow(await browser.post(f"{page.url.path}/check"))


@pytest.mark.parametrize(
    ("way", "status", "step", "side", "keeps"),
    [
        ("refresh_refused", 409, TOKEN, THEIRS, False),
        ("refresh_breaks", 503, TOKEN, ON_THE_WAY, True),
        ("token_never_taken", 502, FETCHING, THEIRS, True),
    ],
)
async def test_B42_a_token_that_ends_is_asked_for_anew_once(house, browser, platform, way, status, step, side, keeps):
    page = await connect(house, browser)
    platform.end_tokens()
    platform.misbehave = way
    assert failed(await browser.post(f"{page.url.path}/fetch")) == (status, step, side)
    assert len([form for form in platform.token_forms if form["grant_type"] == "refresh_token"]) == 1
    page = await browser.get(page.url.path)
    assert ("Daar opnieuw inloggen" not in page.text) is keeps


async def test_B42_a_platform_that_gives_no_refresh_token_is_signed_in_at_again(house, browser, platform):
    platform.scopes = platform.scopes[:2]
    page = await connect(house, browser)
    house.clock.advance(timedelta(minutes=59, seconds=58))
    await browser.get("/sign-in")
    await browser.post("/sign-in", name="Sanne", passphrase="paard batterij nietje juist")
    await browser.get(page.url.path)
    assert (await browser.post(f"{page.url.path}/fetch")).status_code == 409
    assert len(platform.token_forms) == 1


async def prepare_to_send(house, browser):
    await connect(house, browser, may_send="1")
    await browser.get(f"/open?link={quote(house.issuer.offer_link(configurations=[WHOLE]))}")
    await browser.follow(browser.answer)
    held = await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))
    [path] = set(re.findall(r'href="(/badges/[^"]+/send/[^"]+)"', held.text))
    await browser.get(path)
    return path


@pytest.mark.parametrize(
    ("way", "status", "side", "history"),
    [
        ("upsert_refused", 502, THEIRS, "Verstuurd, maar niet aangenomen"),
        ("upsert_breaks", 503, ON_THE_WAY, "Verstuurd, maar niet bevestigd"),
        ("upsert_redirects", 502, THEIRS, "Verstuurd, maar niet aangenomen"),
    ],
)
async def test_B40_a_badge_that_is_not_taken_is_told_with_its_step(
    house, browser, platform, way, status, side, history
):
    path = await prepare_to_send(house, browser)
    platform.misbehave = way
    answer = await browser.post(path)
    assert failed(answer) == (status, SENDING, side)
    assert "<b>no</b>" not in answer.text
    assert ("invalid_data" in answer.text) is (way == "upsert_refused")
    assert history in (await browser.get("/shared")).text
    assert "elsewhere.example" not in hosts_asked(house)
    platform.misbehave = ""
    await browser.get(path)
    assert "staat er nu" in (await browser.post(path)).text


async def test_B40_an_answer_to_a_badge_that_cannot_be_read_says_by_its_status_that_it_came(house, browser, platform):
    path = await prepare_to_send(house, browser)
    platform.misbehave = "upsert_answers_a_page"
    assert "staat er nu" in (await browser.post(path)).text
    assert "hun bericht terug konden we niet lezen" in (await browser.get("/shared")).text


@pytest.mark.parametrize("way", ["revocation_breaks", "revocation_elsewhere", "revocation_unknown", "down"])
async def test_B42_the_access_ends_here_whatever_the_platform_answers(house, browser, platform, way):
    page = await connect(house, browser)
    if way == "down":
        house.transport.down.add("platform.example:443")
    else:
        platform.misbehave = way
    await browser.get(f"{page.url.path}/disconnect")
    told = await browser.post(f"{page.url.path}/disconnect")
    assert "bevestigde dat niet" in told.text
    assert not platform.revoked
    assert "elsewhere.example" not in hosts_asked(house)
    assert (await browser.get(page.url.path)).status_code == 404


async def test_K81_a_platform_that_does_not_answer_or_is_private_is_told(house, browser, platform):
    house.transport.down.add("platform.example:443")
    assert failed(await begin(browser)) == (503, FIRST, ON_THE_WAY)
    house.transport.down.clear()
    house.transport.private.add("platform.example:443")
    assert (await begin(browser)).status_code == 400
    house.transport.private.clear()
    page = await connect(house, browser)
    house.transport.down.add("platform.example:443")
    assert failed(await browser.post(f"{page.url.path}/fetch")) == (503, FETCHING, ON_THE_WAY)


@pytest.mark.parametrize(
    "address",
    ["", "  ", "http://platform.example", "ftp://platform.example", "https://127.0.0.1", "https://user@platform.example",
     "platform.example?x=1", "platform.example:8443", "x" * 3000, "<script>", f"{BASE_PATH}/discovery"],
)  # fmt: skip
async def test_K81_what_is_no_address_of_a_platform_is_called_by_nobody(house, browser, platform, address):
    before = len(house.transport.requests)
    answer = await begin(browser, address=address)
    assert answer.status_code == 400
    assert len(house.transport.requests) == before


async def test_A43_one_person_has_so_many_platforms_and_no_more(house, browser, platform):
    for number in range(20):
        host = f"p{number}.example"
        house.transport.apps[f"{host}:443"] = SimulatedBadgePlatform(house.clock, host).app()
        assert (await begin(browser, address=host)).status_code == 200
    answer = await begin(browser)
    assert answer.status_code == 409
    assert "toegang tot veel platforms" in answer.text
    # Those at which nobody signed in are forgotten within the hour, when somebody comes in.
    house.clock.advance(timedelta(hours=2))
    await browser.get("/sign-in")
    await browser.post("/sign-in", name="Sanne", passphrase="paard batterij nietje juist")
    assert (await begin(browser)).status_code == 200
