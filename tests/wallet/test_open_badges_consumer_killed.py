"""The wallet's process dies at some moment of a visit to a platform. Whoever comes back goes on, or begins anew.

No code is sent twice, nothing that was read is lost, nothing is there twice, and no badge leaves without a trace.
"""

import asyncio
import re
from datetime import timedelta
from html import unescape
from urllib.parse import quote

import pytest

from tests.kernel.test_importing import badge, sign
from tests.support.simulated_badge_platform import SimulatedBadgePlatform
from tests.support.simulated_issuer import WHOLE
from wallet import store

pytestmark = pytest.mark.usefixtures("cheap_passphrases")

HOST = "platform.example:443"
LEASE = timedelta(minutes=6)
GO = re.compile(r'href="(https://platform[^"]+)"')
CHOICE = re.compile(r'name="badge" value="([^"]+)"')
# Every request of a first visit, in order.
STEPS = ["/discovery", "/register", "/token", "/credentials"]


class KilledError(BaseException):
    """Nothing in the process comes after this."""


@pytest.fixture
async def house(house_twice):
    """On both databases: what a process left half done must be the same in each."""
    return house_twice


@pytest.fixture
def platform(house):
    badges = [sign(badge(id=f"urn:uuid:{number}", name=f"Badge {number}")) for number in range(4)]
    platform = SimulatedBadgePlatform(house.clock, badges=badges, page_size=2)
    house.transport.apps[HOST] = platform.app()
    return platform


@pytest.fixture
async def browser(house, platform):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


@pytest.fixture
def dying(monkeypatch):
    """What is patched while a process dies; `undo` starts the next one."""
    with monkeypatch.context() as patched:
        yield patched


def die(dying) -> None:
    """A process that dies tidies nothing up: what it held stays held until its time is over."""

    async def leave(*args, **named):
        return None

    dying.setattr(store, "release_platform_connection", leave)
    raise KilledError


def die_at(dying, name: str, number: int) -> None:
    """Die when something is written by this function of the store, after so many that went well."""
    honest, left = getattr(store, name), [number]

    async def write(*args, **named):
        if left[0] == 0:
            die(dying)
        left[0] -= 1
        return await honest(*args, **named)

    dying.setattr(store, name, write)


def kill_at(house, dying, path: str, *, when: str, after: int = 0) -> None:
    """Die once, when a request to this path leaves, or when its answer arrives, after so many that went well."""
    inner, left = house.transport.apps[HOST], [after]

    async def app(scope, receive, send):
        if not scope["path"].endswith(path) or left[0]:
            left[0] -= scope["path"].endswith(path)
            await inner(scope, receive, send)
            return
        house.transport.apps[HOST] = inner
        if when == "after":
            await inner(scope, receive, send)
        die(dying)

    house.transport.apps[HOST] = app


async def connect(house, browser, **fields):
    await browser.get("/platforms")
    page = await browser.post("/platforms", address="platform.example", **fields)
    answer = await browser.get(await house.visit(unescape(GO.search(page.text)[1])))
    return await browser.follow(answer)


async def come_back(house, browser):
    house.clock.advance(LEASE)
    await browser.get("/platforms")


async def find_path(browser) -> str:
    [path] = set(re.findall(r'href="(/platforms/[^"/]+)"', (await browser.get("/platforms")).text))
    return path


async def count_all(house, browser, path) -> int:
    """Fetch until the list is at its end, check all of it, keep it, and count what is in the wallet."""
    page = await browser.get(path)
    while "gaat nog verder" in page.text or not CHOICE.findall(page.text):
        page = await browser.follow(await browser.post(f"{path}/fetch"))
    while "nog niet nagekeken" in page.text:
        page = await browser.follow(await browser.post(f"{path}/check"))
    page = await browser.follow(await browser.post(f"{path}/keep", badge=CHOICE.findall(page.text)))
    return len(set(re.findall(r'href="(/imported/[^"]+)"', (await browser.get("/badges")).text)))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("path", STEPS)
async def test_W20_wallet_that_dies_while_somebody_connects_goes_on_or_begins_anew(
    house, browser, platform, dying, path, when
):
    kill_at(house, dying, path, when=when)
    with pytest.raises(KilledError):
        await connect(house, browser)
    dying.undo()
    await come_back(house, browser)
    if path != "/credentials":
        await connect(house, browser)
    assert await count_all(house, browser, await find_path(browser)) == 4
    codes = [form["code"] for form in platform.token_forms if "code" in form]
    assert len(codes) == len(set(codes))
    assert len(platform.registrations) == (2 if (path, when) == ("/register", "after") else 1)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_B40_wallet_that_dies_between_two_pages_goes_on_with_the_second(house, browser, platform, dying, when):
    kill_at(house, dying, "/credentials", when=when, after=1)
    with pytest.raises(KilledError):
        await connect(house, browser)
    dying.undo()
    await come_back(house, browser)
    path = await find_path(browser)
    assert "2 badges zijn opgehaald en nog niet nagekeken" in (await browser.get(path)).text
    platform.queries.clear()
    await browser.post(f"{path}/fetch")
    assert [query["offset"] for query in platform.queries] == ["2"]
    assert await count_all(house, browser, path) == 4


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("set_platform_connection", 0),
        ("set_platform_connection", 1),
        ("set_platform_connection", 2),
        ("replace_fetched_badges", 0),
        ("replace_fetched_badges", 1),
        ("replace_imported_findings", 0),
        ("replace_imported_findings", 2),
    ],
)
async def test_W20_wallet_that_dies_while_it_writes_goes_on_from_what_it_had_written(
    house, browser, platform, dying, name, number
):
    die_at(dying, name, number)
    with pytest.raises(KilledError):
        await connect(house, browser)
    dying.undo()
    await come_back(house, browser)
    if "/platforms/" not in (await browser.get("/platforms")).text:
        await connect(house, browser)
    assert await count_all(house, browser, await find_path(browser)) == 4
    codes = [form["code"] for form in platform.token_forms if "code" in form]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("number", range(4))
async def test_W30_wallet_that_dies_while_it_keeps_has_each_badge_once(house, browser, platform, dying, number):
    page = await connect(house, browser)
    die_at(dying, "keep_imported_badge", number)
    with pytest.raises(KilledError):
        await browser.post(f"{page.url.path}/keep", badge=CHOICE.findall(page.text))
    dying.undo()
    page = await browser.get(page.url.path)
    assert len(CHOICE.findall(page.text)) == 4 - number
    assert await count_all(house, browser, page.url.path) == 4
    assert (await browser.get("/shared")).text.count("Gekregen van") == 4


@pytest.mark.parametrize("when", ["before", "after"])
async def test_B42_wallet_that_dies_while_it_refreshes_asks_again_or_for_a_new_sign_in(
    house, browser, platform, dying, when
):
    page = await connect(house, browser)
    platform.end_tokens()
    kill_at(house, dying, "/token", when=when)
    with pytest.raises(KilledError):
        await browser.post(f"{page.url.path}/fetch")
    dying.undo()
    await come_back(house, browser)
    answer = await browser.post(f"{page.url.path}/fetch")
    if when == "after":
        # The token that came in its place was lost, and the old one is void there.
        assert answer.status_code == 409
        await connect(house, browser)
    assert await count_all(house, browser, page.url.path) == 4


@pytest.mark.parametrize("when", ["before", "after"])
async def test_B40_wallet_that_dies_while_it_sends_says_that_a_badge_left(house, browser, platform, dying, when):
    await connect(house, browser, may_send="1")
    await browser.get(f"/open?link={quote(house.issuer.offer_link(configurations=[WHOLE]))}")
    await browser.follow(browser.answer)
    held = await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))
    [path] = set(re.findall(r'href="(/badges/[^"]+/send/[^"]+)"', held.text))
    await browser.get(path)
    kill_at(house, dying, "/credentials", when=when)
    with pytest.raises(KilledError):
        await browser.post(path)
    dying.undo()
    await come_back(house, browser)
    assert "Verstuurd, maar niet bevestigd" in (await browser.get("/shared")).text
    await browser.get(path)
    told = (await browser.post(path)).text
    assert ("stond er al" if when == "after" else "staat er nu") in told
    assert len(platform.badges) == 5


async def test_B42_a_visit_that_another_one_makes_now_waits_its_turn(house, browser, platform, dying):
    page = await connect(house, browser)
    kill_at(house, dying, "/credentials", when="before")
    with pytest.raises(KilledError):
        await browser.post(f"{page.url.path}/fetch")
    dying.undo()
    assert (await browser.post(f"{page.url.path}/fetch")).status_code == 409
    await browser.get("/platforms")
    assert (await browser.post("/platforms", address="platform.example")).status_code == 409
    house.clock.advance(LEASE)
    await browser.get("/platforms")
    assert (await browser.post(f"{page.url.path}/fetch")).status_code == 303


async def test_B42_an_answer_that_comes_during_a_visit_does_not_undo_its_refreshed_token(house, browser, platform):
    page = await connect(house, browser)
    await browser.get("/platforms")
    going = await browser.post("/platforms", address="platform.example")
    back = await house.visit(unescape(GO.search(going.text)[1]))
    answers, honest = [], platform._token

    async def refresh_slowly(request):
        answer = await honest(request)
        if platform.token_forms[-1]["grant_type"] == "refresh_token":
            answers.append(await browser.get(back))
        return answer

    platform._token = refresh_slowly
    house.transport.apps["platform.example:443"] = platform.app()
    platform.end_tokens()
    await browser.get(page.url.path)
    assert (await browser.post(f"{page.url.path}/fetch")).status_code == 303
    assert [answer.status_code for answer in answers] == [409]
    await browser.get(page.url.path)
    assert (await browser.post(f"{page.url.path}/fetch")).status_code == 303
    assert len(answers) == 1
    # Its state is there still, for when the visit is done.
    assert (await browser.get(back)).status_code == 303


async def test_A28_an_answer_that_comes_eight_times_at_once_sends_its_code_once(house, browser, platform):
    await browser.get("/platforms")
    going = await browser.post("/platforms", address="platform.example")
    back = await house.visit(unescape(GO.search(going.text)[1]))
    answers = await asyncio.gather(*(browser.http.get(back) for _ in range(8)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(303) == 1
    assert set(statuses) <= {303, 400, 409}
    assert len(platform.token_forms) == 1
