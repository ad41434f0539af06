"""A badge whose issuer is gone, and the archive that it left behind: on the page, and for programs. Decision 0009."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from kernel.archive import ArchivedFile, ArchivedKey, create_archive
from kernel.keys import SoftwareSigner
from kernel.status.token_status_list import Status
from kernel.trust_list import ServiceState
from runtime.web.language import day
from tests.support.clock import NOW
from tests.verifier.browser import Browser
from tests.verifier.conftest import Stage
from tests.verifier.issuer_host import ED25519_FRAGMENT, FRAGMENT, LISTS, IssuerHost

DAY = timedelta(days=1)
ENDED = (ServiceState("withdrawn", NOW - DAY), ServiceState("granted", NOW - 365 * DAY))
ACTIVE = (ServiceState("granted", NOW - 365 * DAY),)


@dataclass
class Left:
    """What an issuer leaves: it makes its archive, and then answers no more."""

    stage: Stage
    issuer: IssuerHost

    async def archive(self, **changes: Any) -> bytes:
        issuer = self.issuer
        values: dict[str, Any] = {
            "did": issuer.did,
            "organisation": {"name": "Techniek"},
            "keys": [self._key(FRAGMENT, issuer.signer), self._key(ED25519_FRAGMENT, issuer.ed25519_signer)],
            "files": [await self._list(number) for number in (1, *LISTS.values())],
            "signer": issuer.ed25519_signer,
            "kid": f"{issuer.did}#{ED25519_FRAGMENT}",
            "created_at": self.stage.clock(),
        }
        return create_archive(**{**values, **changes})

    def _key(self, fragment: str, signer: SoftwareSigner, withdrawn_at: datetime | None = None) -> ArchivedKey:
        return ArchivedKey(f"{self.issuer.did}#{fragment}", signer.public_key, NOW - 365 * DAY, None, withdrawn_at)

    async def _list(self, number: int) -> ArchivedFile:
        url = f"https://{self.issuer.host}/{self.issuer.slug}/status/{number}"
        async with httpx.AsyncClient(transport=self.stage.transport) as client:
            answer = await client.get(url)
        return ArchivedFile("status_list", url, answer.headers["content-type"], answer.content)

    def end(self, *, states: tuple[ServiceState, ...] = ENDED, keys: frozenset[str] | None = None) -> None:
        """It is gone, and the list says by which key its archive is known. Its last word is a while ago."""
        self.stage.transport.down.add(f"{self.issuer.host}:443")
        self.stage.clock.advance(400 * DAY)
        named = frozenset({self.issuer.ed25519_signer.public_key.thumbprint}) if keys is None else keys
        next_update = self.stage.clock() + DAY
        self.stage.write_trust_list(self.issuer, sequence=2, states=states, archive_keys=named, next_update=next_update)


@pytest.fixture
def left(stage: Stage) -> Left:
    return Left(stage, stage.issuer)


async def check(stage: Stage, badge: str, archive: bytes, *, language: str = "nl") -> httpx.Response:
    browser = Browser(stage, language)
    page = await browser.get("/check")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    files = {"file": ("badge", badge.encode()), "archive": ("school.archive", archive)}
    return await browser.client.post("/check", data={"csrf_token": token[1]}, files=files)


async def ask(stage: Stage, badge: str, archive: bytes) -> dict[str, Any]:
    files = {"file": ("badge", badge.encode()), "archive": ("school.archive", archive)}
    answer = await stage.api.post("/api/check", files=files)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def reason_of(found: dict[str, Any], code: str) -> tuple[str, str | None]:
    made = next(each for each in found["checks"] if each["code"] == code)
    return made["outcome"], made["reason"]


def forever(stage: Stage, format_id: str, **badge: Any) -> tuple[str, int]:
    return stage.issuer.issue(format_id, holder=stage.holder, expires_at=None, **badge)


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt", "vc+jwt", "ldp_vc"])
async def test_K23_a_badge_of_an_issuer_that_is_gone_is_proven_by_its_archive(left: Left, format_id: str) -> None:
    raw, _ = forever(left.stage, format_id)
    archive = await left.archive()
    left.end()
    found = await ask(left.stage, raw, archive)
    assert (found["verdict"], found["archive"]) == ("proven", "believed")
    assert found["archived_at"] == NOW.isoformat()
    assert reason_of(found, "issuer_key") == ("passed", "archived")
    assert reason_of(found, "status") == ("passed", "archived")
    assert found["recognition"]["outcome"] == "recognised"


@pytest.mark.parametrize(
    ("language", "title", "meaning"),
    [
        (
            "nl",
            "Deze badge is echt, van een bekende uitgever die er niet meer is",
            "met het archief dat hij naliet, van {day}. Volgens de lijst van erkende uitgevers is dat archief echt.",
        ),
        (
            "en",
            "This badge is authentic, from a known issuer that is no longer there",
            "with the archive that it left behind, of {day}. By the list of recognised issuers that archive",
        ),
    ],
)
async def test_the_page_says_that_it_came_from_the_archive_of_which_day_and_what_that_means(
    left: Left, language: str, title: str, meaning: str
) -> None:
    raw, _ = forever(left.stage, "dc+sd-jwt")
    archive = await left.archive()
    left.end()
    page = unescape((await check(left.stage, raw, archive, language=language)).text)
    assert f"<h1>{title}</h1>" in page
    assert meaning.format(day=day(NOW, language)) in page


@pytest.mark.parametrize(("status", "reason"), [(Status.INVALID, "revoked"), (Status.SUSPENDED, "suspended")])
async def test_A10_what_was_withdrawn_before_the_archive_was_made_stays_so(
    left: Left, status: Status, reason: str
) -> None:
    raw, index = forever(left.stage, "dc+sd-jwt")
    left.issuer.set_status(index, status)
    archive = await left.archive()
    left.end()
    found = await ask(left.stage, raw, archive)
    assert (found["verdict"], reason_of(found, "status")) == ("refuted", ("failed", reason))


async def test_A46_while_its_issuer_exists_an_archive_cannot_tell_that_nothing_was_withdrawn_since(left: Left) -> None:
    raw, index = forever(left.stage, "dc+sd-jwt")
    archive = await left.archive()
    left.issuer.set_status(index, Status.INVALID)
    left.end(states=ACTIVE)
    found = await ask(left.stage, raw, archive)
    assert (found["verdict"], found["archive"]) == ("unproven", "still_active")
    assert reason_of(found, "status") == ("unknown", "archive_not_last")
    page = await check(left.stage, raw, archive)
    assert "Deze badge is echt, maar of hij nog geldt, konden we niet nakijken" in unescape(page.text)
    assert "Volgens de lijst van erkende uitgevers bestaat hij nog" in unescape(page.text)


async def test_A46_an_issuer_that_answers_is_believed_before_its_archive(left: Left) -> None:
    raw, index = forever(left.stage, "dc+sd-jwt")
    archive = await left.archive()
    left.end()
    left.issuer.set_status(index, Status.INVALID)
    left.stage.transport.down.clear()
    found = await ask(left.stage, raw, archive)
    assert (found["verdict"], found["archived_at"]) == ("refuted", None)
    assert "Uit het archief is niets gebruikt" in unescape((await check(left.stage, raw, archive)).text)


@pytest.mark.parametrize("named", [frozenset[str](), frozenset({"A" * 43})])
async def test_A01_an_archive_whose_key_is_not_on_the_list_proves_nothing(left: Left, named: frozenset[str]) -> None:
    raw, _ = forever(left.stage, "dc+sd-jwt")
    archive = await left.archive()
    left.end(keys=named)
    found = await ask(left.stage, raw, archive)
    assert (found["verdict"], found["archive"], found["archived_at"]) == ("unproven", "not_listed", None)
    page = unescape((await check(left.stage, raw, archive)).text)
    assert "We konden nu niet nakijken of deze badge echt is" in page
    assert "Het archief telt niet mee. Iedereen kan er een maken" in page


async def test_A01_an_archive_of_somebody_who_calls_himself_the_issuer_proves_nothing(left: Left) -> None:
    """A forger has keys of his own, and writes them into an archive under the name of the school."""
    forger = IssuerHost(left.stage.clock)
    raw, _ = forger.issue("dc+sd-jwt", holder=left.stage.holder, expires_at=None)
    archive = await Left(left.stage, forger).archive()
    left.end()
    found = await ask(left.stage, raw, archive)
    assert (found["verdict"], found["archive"]) == ("unproven", "not_listed")


async def test_A01_a_listed_archive_says_nothing_about_badges_of_others(left: Left) -> None:
    other = IssuerHost(left.stage.clock, host="other.example")
    raw, _ = other.issue("dc+sd-jwt", holder=left.stage.holder, expires_at=None)
    archive = await left.archive()
    left.end()
    found = await ask(left.stage, raw, archive)
    assert (found["verdict"], found["archive"], found["archived_at"]) == ("unproven", "believed", None)


async def test_A10_a_withdrawn_key_in_the_archive_proves_nothing(left: Left) -> None:
    raw, _ = forever(left.stage, "dc+sd-jwt")
    keys = [
        left._key(FRAGMENT, left.issuer.signer, withdrawn_at=NOW),
        left._key(ED25519_FRAGMENT, left.issuer.ed25519_signer),
    ]
    archive = await left.archive(keys=keys)
    left.end()
    found = await ask(left.stage, raw, archive)
    assert (found["verdict"], reason_of(found, "issuer_key")) == ("refuted", ("failed", "issuer"))


async def test_K23_a_badge_of_a_day_after_the_archive_is_not_decided(left: Left) -> None:
    archive = await left.archive()
    raw, _ = forever(left.stage, "dc+sd-jwt", issued_at=NOW + 3 * DAY)
    left.end()
    found = await ask(left.stage, raw, archive)
    assert (found["verdict"], reason_of(found, "issuer_key")) == ("unproven", ("unknown", "undecided"))


async def test_K74_without_the_list_no_archive_is_believed(left: Left) -> None:
    raw, _ = forever(left.stage, "dc+sd-jwt")
    archive = await left.archive()
    left.end()
    left.stage.clock.advance(30 * DAY)
    found = await ask(left.stage, raw, archive)
    assert (found["verdict"], found["archive"]) == ("unproven", "list_unavailable")


async def test_A19_an_archive_with_one_thing_changed_is_broken(left: Left) -> None:
    raw, _ = forever(left.stage, "dc+sd-jwt")
    first, second, *rest = (await left.archive()).decode().split("\n")
    left.end()
    for changed in ([f"{first[:-4]}AAAA", second, *rest], [first, f"{second[:-4]}AAAA", *rest]):
        found = await ask(left.stage, raw, "\n".join(changed).encode())
        assert (found["verdict"], found["archive"]) == ("unproven", "broken")


@pytest.mark.parametrize(
    "archive",
    [
        b"PK\x03\x04" + bytes(1000),
        b"\x1f\x8b" + bytes(100),
        b"no archive",
        b"\n" * 200_000,
        b"a.b.c\n",
        b"eyJhbGciOiJub25lIn0.e30.\n",
        bytes(17 * 1024 * 1024),
    ],
    ids=["zip", "gzip", "text", "lines", "dots", "none", "large"],
)
async def test_A43_what_is_no_archive_is_refused_at_its_field(left: Left, archive: bytes) -> None:
    raw, _ = forever(left.stage, "dc+sd-jwt")
    page = await check(left.stage, raw, archive)
    assert page.status_code == 400
    assert "Dit is geen archief van een uitgever" in page.text
    assert '<details class="spaced" open>' in page.text
    files = {"file": ("badge", raw.encode()), "archive": ("x", archive)}
    assert (await left.stage.api.post("/api/check", files=files)).json()["code"] == "no_archive"


async def test_the_interface_wants_a_key_and_a_badge(stage: Stage) -> None:
    files = {"file": ("badge", b"x")}
    assert (await stage.client().post("/api/check", files=files)).status_code == 401
    empty = await stage.api.post("/api/check", data={"email": "a@b.example"})
    assert (empty.status_code, empty.json()["code"]) == (400, "input")
    assert (await stage.api.post("/api/check", files=files)).json()["code"] == "no_badge"
    by_text = await stage.api.post("/api/check", data={"text": forever(stage, "dc+sd-jwt")[0]})
    assert (by_text.json()["verdict"], by_text.json()["archive"]) == ("proven", None)
