"""Two Skillswallets, each a platform to the other: badges are fetched from one, and sent there. W-20, B-40 to B-42.

Both services are real, over HTTP on this machine; the same person has an account in each.
"""

import json
import re
import secrets
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

from kernel import base64url
from tests.support.hosts import HostTransport
from tests.support.house import WALLET, House, NewDatabase, open_house
from tests.wallet.conftest import PASSPHRASE, Browser
from wallet.app import create_app
from wallet.settings import WalletSettings

pytestmark = pytest.mark.over_http

SECOND = "https://second.skills.example"
NAME = "Adviseur Lerende Regio"
LEAVE = re.compile(r'http-equiv="refresh" content="0;url=([^"]+)"')
CHOICE = re.compile(r'name="badge" value="([^"]+)"')
ASKED = re.compile(r'name="request" value="([^"]+)"')
TICKED = re.compile(r'name="scope" value="([^"]+)"')


@pytest.fixture
async def house(new_sqlite_database: NewDatabase, tmp_path: Path, wire: HostTransport) -> AsyncIterator[House]:
    """The three services, and a second wallet that trusts the same list."""
    async with open_house(new_sqlite_database, tmp_path, wire=wire) as opened:
        settings = WalletSettings(
            public_url=SECOND,
            database_url=new_sqlite_database("wallet"),
            encryption_key=base64url.encode(secrets.token_bytes(32)),
            trust_list=str(tmp_path / "trust-list.jwt"),
            trust_list_signer=json.dumps(dict(opened.signer.public_key.jwk)),
        )
        app = create_app(settings, transport=wire, clock=opened.clock)
        wire.apps["second.skills.example:443"] = app
        async with app.router.lifespan_context(app):
            yield opened


class Person:
    """Somebody with one browser and an account in each wallet."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.at = {base: self._browser(base) for base in (WALLET, SECOND)}

    def _browser(self, base: str) -> Browser:
        headers = {"Accept": "text/html", "Accept-Language": "nl"}
        return Browser(httpx.AsyncClient(transport=self.house.transport, base_url=base, headers=headers))

    async def sign_up(self) -> None:
        for browser in self.at.values():
            await browser.sign_up("Sanne")

    async def receive(self, base: str) -> str:
        """Take an award into one of the wallets; the path of the badge there."""
        award = await self.house.award()
        browser = self.at[base]
        await browser.get(f"/open?link={quote(award['offer']['link'])}")
        assert browser.answer is not None
        await browser.follow(browser.answer)
        path = browser.answer.url.path
        answer = await browser.post(f"{path}/accept", tx_code=award["offer"]["tx_code"])
        return (await browser.follow(answer)).url.path

    async def connect(self, consumer: str, host: str) -> str:
        """Let one wallet reach what is in the other; the path of the connection."""
        mine, there = self.at[consumer], self.at[host]
        await mine.get("/platforms")
        page = await mine.post("/platforms", address=host, may_send="1")
        await there.get(_path(_leave(page.text)))
        asked, scopes = unescape(ASKED.findall(there.page)[0]), TICKED.findall(there.page)
        form = {"csrf_token": _token(there), "request": asked, "scope": scopes, "decision": "yes"}
        left = await there.http.post("/oauth/authorize", data=form)
        answer = await mine.get(_path(_leave(left.text)))
        assert answer.status_code == 303, unescape(answer.text)
        return answer.headers["location"]

    async def close(self) -> None:
        for browser in self.at.values():
            await browser.http.aclose()


def _leave(text: str) -> str:
    return unescape(LEAVE.findall(text)[0])


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _token(browser: Browser) -> str:
    return re.findall(r'name="csrf_token" value="([0-9a-f]+)"', browser.page)[0]


@pytest.fixture
async def sanne(house: House) -> AsyncIterator[Person]:
    person = Person(house)
    await person.sign_up()
    yield person
    await person.close()


async def test_W20_B40_a_badge_goes_from_one_wallet_to_the_other_and_is_known_there(house: House, sanne: Person):
    await sanne.receive(WALLET)
    connection = await sanne.connect(SECOND, WALLET)
    second = sanne.at[SECOND]
    page = await second.get(connection)
    assert NAME in page.text
    page = await second.follow(await second.post(f"{connection}/keep", badge=CHOICE.findall(page.text)))
    assert "1 badge bewaard" in page.text
    assert NAME in (await second.get("/badges")).text
    await second.get(connection)
    page = await second.follow(await second.post(f"{connection}/fetch", everything="1"))
    assert "1 staat al in je wallet" in page.text
    history = (await sanne.at[WALLET].get("/shared")).text
    assert "second.skills.example" in history


async def test_B40_a_badge_is_sent_from_one_wallet_into_the_other_while_that_one_is_locked(house: House, sanne: Person):
    connection = await sanne.connect(SECOND, WALLET)
    badge = await sanne.receive(SECOND)
    first, second = sanne.at[WALLET], sanne.at[SECOND]
    await first.get("/me")
    await first.post("/sign-out")
    page = await second.get(badge)
    [send] = set(re.findall(r'href="(/badges/[^"]+/send/[^"]+)"', page.text))
    await second.get(send)
    assert "staat er nu" in (await second.post(send)).text
    await second.get(send)
    assert "stond er al" in (await second.post(send)).text
    await first.get("/sign-in")
    await first.post("/sign-in", name="Sanne", passphrase=PASSPHRASE)
    assert NAME in (await first.get("/badges")).text
    await second.get(connection)


async def test_B42_what_the_one_wallet_gives_back_the_other_takes_no_more(house: House, sanne: Person):
    await sanne.receive(WALLET)
    connection = await sanne.connect(SECOND, WALLET)
    second = sanne.at[SECOND]
    await second.get(f"{connection}/disconnect")
    assert "heeft de toegang ingetrokken" in (await second.post(f"{connection}/disconnect")).text
    assert "second.skills.example" not in (await sanne.at[WALLET].get("/connections")).text


async def test_B42_access_that_is_ended_where_the_badges_lie_is_told_where_they_were_fetched(
    house: House, sanne: Person
):
    await sanne.receive(WALLET)
    connection = await sanne.connect(SECOND, WALLET)
    first, second = sanne.at[WALLET], sanne.at[SECOND]
    await first.get("/connections")
    [path] = set(re.findall(r'action="(/connections/[^"/]+/end)"', first.page))
    await first.post(path)
    await second.get(connection)
    answer = await second.post(f"{connection}/fetch")
    assert answer.status_code == 409
    assert "geen toegang meer" in answer.text
    # One may sign in there again.
    again = await sanne.connect(SECOND, WALLET)
    assert again == connection
