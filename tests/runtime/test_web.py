"""Pages, languages, forms, sessions and operators."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from jinja2 import UndefinedError
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from runtime.database import Database, declarative_base
from runtime.errors import Problem
from runtime.guessing import GuessingSourceMixin
from runtime.web import operators
from runtime.web.browser_session import (
    IDLE_LIFETIME,
    SESSION_LIFETIME,
    BrowserSessionMixin,
    end_session,
    find_session,
    renew_session,
    start_session,
)
from runtime.web.cookies import delete_session_cookie, session_token, set_session_cookie
from runtime.web.forms import CsrfDep, FormDep
from runtime.web.language import day, moment
from runtime.web.operators import OperatorMixin, SignInError, hash_new_passphrase, normalise_email, verify_operator
from runtime.web.pages import Pages, local_path
from runtime.web.qr import draw_qr
from runtime.web.visitors import Visitor
from tests.runtime.conftest import browse
from tests.support.clock import NOW

PAGES = Pages("runtime")


def site() -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def home(request: Request) -> HTMLResponse:
        return PAGES.problem(request, Problem(404, "not_found", "x"))

    @router.post("/submit")
    async def submit(form: FormDep) -> dict[str, str]:
        return {"typed": str(form["typed"])}

    @router.post("/press")
    async def press(_: CsrfDep) -> dict[str, bool]:
        return {"pressed": True}

    @router.post("/sign-in")
    async def sign_in(request: Request, form: FormDep) -> HTMLResponse:
        response = HTMLResponse("in")
        set_session_cookie(response, request, str(form["token"]))
        return response

    @router.post("/sign-out")
    async def sign_out(request: Request, form: FormDep) -> HTMLResponse:
        response = HTMLResponse(session_token(request) or "")
        delete_session_cookie(response, request)
        return response

    @router.post("/leave")
    async def leave(request: Request, form: FormDep) -> HTMLResponse:
        return PAGES.leave(request, str(form["to"]), name="<b>Bakker</b>")

    return router


def field_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


async def opened(client) -> str:
    return field_of((await client.get("/")).text)


async def test_A52_a_form_from_our_own_page_is_accepted(make_app):
    async with browse(make_app(routers=[site()])) as client:
        token = await opened(client)
        assert (await client.post("/submit", data={"typed": "é <b>", "csrf_token": token})).json() == {"typed": "é <b>"}
        assert (await client.post("/press", headers={"x-csrf-token": token})).json() == {"pressed": True}


async def test_A52_a_form_without_its_token_or_cookie_is_refused(make_app):
    async with browse(make_app(routers=[site()])) as client:
        token = await opened(client)
        wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
        for data in ({}, {"csrf_token": ""}, {"csrf_token": wrong}, {"csrf_token": "é"}):
            response = await client.post("/submit", data={"typed": "x"} | data)
            assert (response.status_code, response.json()["code"]) == (403, "form_expired")
        client.cookies.clear()
        assert (await client.post("/submit", data={"typed": "x", "csrf_token": token})).status_code == 403


@pytest.mark.parametrize("site_of_origin", ["cross-site", "same-site"])
async def test_A52_a_form_that_another_site_submits_is_refused_whatever_it_carries(make_app, site_of_origin: str):
    async with browse(make_app(routers=[site()])) as client:
        data = {"typed": "x", "csrf_token": await opened(client)}
        response = await client.post("/submit", data=data, headers={"sec-fetch-site": site_of_origin})
        assert response.status_code == 403
        assert (await client.post("/submit", data=data, headers={"sec-fetch-site": "same-origin"})).status_code == 200


async def test_A52_a_token_of_another_browser_or_session_does_not_fit(make_app):
    app = make_app(routers=[site()])
    async with browse(app) as client:
        foreign = await opened(client)
        client.cookies.clear()
        mine = await opened(client)
        assert (await client.post("/submit", data={"typed": "x", "csrf_token": foreign})).status_code == 403
        await client.post("/sign-in", data={"token": "session-1", "csrf_token": mine})
        assert (await client.post("/submit", data={"typed": "x", "csrf_token": mine})).status_code == 403
        assert (
            await client.post("/submit", data={"typed": "x", "csrf_token": await opened(client)})
        ).status_code == 200


@pytest.mark.parametrize(
    ("public_url", "name", "secure"),
    [("https://sample.example", "__Host-sample-session", True), ("http://localhost:8101", "sample-session", False)],
)
async def test_A52_cookies_are_for_this_service_and_unreadable(make_app, public_url: str, name: str, secure: bool):
    async with browse(make_app(routers=[site()], public_url=public_url)) as client:
        response = await client.post("/sign-in", data={"token": "t", "csrf_token": await opened(client)})
        cookie = response.headers["set-cookie"]
        assert cookie.startswith(f"{name}=t;")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        assert ("Secure" in cookie) is secure
        response = await client.post("/sign-out", data={"csrf_token": await opened(client)})
        assert response.text == "t"
        assert "Max-Age=0" in response.headers["set-cookie"]
        assert name not in client.cookies


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "nl"),
        ({"accept-language": "en"}, "en"),
        ({"accept-language": "en-GB,en;q=0.9,nl;q=0.8"}, "en"),
        ({"accept-language": "de, nl;q=0.5, en;q=0.7"}, "en"),
        ({"accept-language": "de"}, "nl"),
        ({"accept-language": "en;q=x, ;;, nl"}, "nl"),
        ({"accept-language": "en", "cookie": "language=nl"}, "nl"),
        ({"accept-language": "nl", "cookie": "language=en"}, "en"),
        ({"cookie": "language=xx"}, "nl"),
    ],
)
async def test_the_language_is_the_chosen_one_then_the_browsers_then_dutch(make_app, headers, language: str):
    async with browse(make_app(routers=[site()])) as client:
        page = (await client.get("/", headers=headers)).text
    assert f'<html lang="{language}">' in page
    assert ("Naar de inhoud" if language == "nl" else "Skip to content") in page


async def test_the_switch_remembers_the_language_and_goes_back(make_app):
    async with browse(make_app(routers=[site()])) as client:
        token = await opened(client)
        response = await client.post("/language", data={"language": "en", "next": "/?a=b", "csrf_token": token})
        assert (response.status_code, response.headers["location"]) == (303, "/?a=b")
        assert '<html lang="en">' in (await client.get("/")).text
        assert (await client.post("/language", data={"language": "xx", "csrf_token": token})).status_code == 400
        assert (await client.post("/language", data={"language": "en"})).status_code == 403


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/a\r\nb", "/\t/evil.example"]
)
def test_A52_a_redirect_stays_on_this_site(target: str):
    assert local_path(target) == "/"


@pytest.mark.parametrize("target", ["/", "/badges?x=y#z", "/a//b"])
def test_a_path_of_this_site_is_kept(target: str):
    assert local_path(target) == target


async def test_leaving_to_another_site_shows_where_to_and_escapes_it(make_app):
    async with browse(make_app(routers=[site()])) as client:
        token = await opened(client)
        page = (await client.post("/leave", data={"to": 'https://v.example/?a="b"&c', "csrf_token": token})).text
        assert 'content="0;url=https://v.example/?a=&#34;b&#34;&amp;c"' in page
        assert "<b>Bakker" not in page
        assert "&lt;b&gt;Bakker" in page


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "openid4vp://x"])
async def test_only_web_addresses_are_left_to(url: str):
    with pytest.raises(ValueError, match="web addresses"):
        PAGES.leave(Request({"type": "http"}), url, name="x")


async def test_A41_text_in_pages_is_escaped_and_scripts_never_stand_in_them(make_app):
    async with browse(make_app(routers=[site()]), accept="text/html") as client:
        page = (await client.get("/?<script>alert(1)</script>")).text
    assert "<script" not in page
    assert "style=" not in page


async def test_a_missing_value_in_a_template_is_an_error_and_not_a_gap(make_app):
    router = APIRouter()

    @router.get("/gap")
    async def gap(request: Request) -> HTMLResponse:
        with pytest.raises(UndefinedError):
            PAGES.render(request, "leave.html", url="https://v.example")
        return HTMLResponse("")

    async with browse(make_app(routers=[router])) as client:
        assert (await client.get("/gap")).status_code == 200


def test_times_are_said_as_people_in_the_netherlands_say_them():
    late = datetime(2026, 5, 28, 22, 6, tzinfo=UTC)
    assert day(late, "nl") == "29 mei 2026"
    assert day(late, "en") == "29 May 2026"
    assert day(late.date(), "nl") == "28 mei 2026"
    assert moment(late, "nl") == "29 mei 2026 om 00:06"
    assert moment(late, "en") == "29 May 2026 at 00:06"


def test_a_qr_code_is_one_svg_that_carries_its_text():
    import io

    import segno
    import zxingcpp
    from PIL import Image

    text = "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fissuer.example%2Fo%2Fx"
    svg = draw_qr(text)
    assert svg.startswith("<svg")
    assert "<script" not in svg
    buffer = io.BytesIO()
    segno.make_qr(text, error="m").save(buffer, kind="png", scale=4, border=4)
    assert zxingcpp.read_barcodes(Image.open(buffer))[0].text == text


Base = declarative_base()


class Session(BrowserSessionMixin, Base):
    __tablename__ = "session"
    operator_id: Mapped[str]


class Operator(OperatorMixin, Base):
    __tablename__ = "operator"
    organisation: Mapped[str] = mapped_column(default="school")


@pytest.fixture
async def database(new_database) -> AsyncIterator[Database]:
    database = Database(new_database(None))
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield database
    await database.close()


async def found(database: Database, token: str | None, now: datetime = NOW) -> str | None:
    async with database.transaction() as session:
        row = await find_session(session, Session, token, now=now)
        return None if row is None else row.operator_id


async def started(database: Database, now: datetime = NOW) -> str:
    async with database.transaction() as session:
        return await start_session(session, Session, now=now, operator_id="o1")


async def test_a_session_is_found_by_its_token_and_only_its_hash_is_stored(database: Database):
    token = await started(database)
    assert await found(database, token) == "o1"
    async with database.reading() as session:
        stored = (await session.scalars(select(Session.token_hash))).one()
    assert len(stored) == 32
    assert token.encode() not in stored


@pytest.mark.parametrize("token", [None, "", "x", "é", "a" * 10_000])
async def test_no_other_token_opens_a_session(database: Database, token: str | None):
    await started(database)
    assert await found(database, token) is None


async def test_a_session_ends_when_idle_and_lives_on_while_used(database: Database):
    token = await started(database)
    now = NOW
    for _ in range(4):
        now += IDLE_LIFETIME - timedelta(minutes=1)
        assert await found(database, token, now) == "o1"
    assert await found(database, token, now + IDLE_LIFETIME) is None


async def test_a_session_ends_after_a_working_day_however_busy(database: Database):
    token = await started(database)
    now = NOW
    while now < NOW + SESSION_LIFETIME:
        assert await found(database, token, now) == "o1"
        now += timedelta(minutes=20)
    assert await found(database, token, NOW + SESSION_LIFETIME) is None


async def test_a_renewed_session_has_another_token_and_the_old_one_opens_nothing(database: Database):
    token = await started(database)
    async with database.transaction() as session:
        row = await find_session(session, Session, token, now=NOW)
        assert row is not None
        renewed = await renew_session(session, row, now=NOW)
    assert await found(database, token) is None
    assert await found(database, renewed) == "o1"


async def test_signing_out_ends_one_session_and_no_other(database: Database):
    first, second = await started(database), await started(database)
    async with database.transaction() as session:
        await end_session(session, Session, first)
        await end_session(session, Session, None)
    assert await found(database, first) is None
    assert await found(database, second) == "o1"


async def test_ended_sessions_are_swept_out(database: Database):
    await started(database)
    await started(database, NOW + SESSION_LIFETIME)
    async with database.reading() as session:
        assert len((await session.scalars(select(Session))).all()) == 1


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" J.Bakker@School.Example ", "j.bakker@school.example"),
        ("ÉLISE@school.example", "élise@school.example"),
        ("\u212aees@school.example", "\u212aees@school.example"),
    ],
)
def test_no_address_becomes_that_of_somebody_else(given: str, kept: str):
    assert normalise_email(given) == kept


PASSPHRASE = "correct horse battery"


class GuessingSource(GuessingSourceMixin, Base):
    __tablename__ = "guessing_sources"


SOMEBODY = Visitor(b"a" * 32, is_known=False)


def strangers(count: int) -> Iterator[Visitor]:
    """Each from an address of its own."""
    return (Visitor(number.to_bytes(32, "big"), is_known=False) for number in range(count))


@pytest.fixture
async def operator(database: Database) -> str:
    passphrase_hash = await hash_new_passphrase(PASSPHRASE)
    async with database.transaction() as session:
        row = Operator(email=normalise_email(" J.Bakker@School.example "), name="J", passphrase_hash=passphrase_hash)
        session.add(row)
        await session.flush()
        return row.id


async def sign_in(
    database: Database,
    passphrase: str,
    now: datetime = NOW,
    email: str = "j.bakker@school.example",
    visitor: Visitor = SOMEBODY,
) -> str:
    return await verify_operator(database, Operator, GuessingSource, email, passphrase, visitor=visitor, now=now)


async def guess(database: Database, visitor: Visitor, times: int, now: datetime = NOW) -> None:
    for _ in range(times):
        with pytest.raises(SignInError):
            await sign_in(database, "wrong", now, visitor=visitor)


async def test_an_operator_signs_in_with_the_passphrase(database: Database, operator: str):
    assert await sign_in(database, PASSPHRASE, email=" J.BAKKER@school.example") == operator


@pytest.mark.parametrize(
    ("email", "passphrase"),
    [
        ("j.bakker@school.example", "wrong"),
        ("j.bakker@school.example", ""),
        ("j.bakker@school.example", PASSPHRASE.upper()),
        ("somebody@school.example", PASSPHRASE),
        ("", PASSPHRASE),
        ("%", PASSPHRASE),
    ],
)
async def test_A54_everything_else_is_refused_alike(database: Database, operator: str, email: str, passphrase: str):
    with pytest.raises(SignInError) as caught:
        await sign_in(database, passphrase, email=email)
    assert caught.value.args == ()


async def test_A52_five_wrong_tries_rest_the_visitor_for_a_quarter_of_an_hour(database: Database, operator: str):
    await guess(database, SOMEBODY, operators.MAX_TRIES)
    for now in (NOW, NOW + operators.LOCK_TIME - timedelta(seconds=1)):
        with pytest.raises(SignInError):
            await sign_in(database, PASSPHRASE, now)
    assert await sign_in(database, PASSPHRASE, NOW + operators.LOCK_TIME) == operator


async def test_A52_after_the_rest_five_tries_are_there_again(database: Database, operator: str):
    for now in (NOW, NOW + operators.LOCK_TIME):
        await guess(database, SOMEBODY, operators.MAX_TRIES, now)
        with pytest.raises(SignInError):
            await sign_in(database, PASSPHRASE, now)


async def test_a_good_sign_in_forgets_the_wrong_tries(database: Database, operator: str):
    for _ in range(2):
        await guess(database, SOMEBODY, operators.MAX_TRIES - 1)
        assert await sign_in(database, PASSPHRASE) == operator


async def test_A52_a_stranger_who_guesses_locks_nobody_else_out(database: Database, operator: str):
    await guess(database, SOMEBODY, operators.MAX_TRIES + 3)
    assert await sign_in(database, PASSPHRASE, visitor=Visitor(b"b" * 32, is_known=False)) == operator


@pytest.fixture
def quick_guesses(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """What each try was held against; comparing costs nothing here."""
    looked_at: list[str | None] = []

    async def verify(stored: str | None, passphrase: str) -> bool:
        looked_at.append(stored)
        return stored is not None and passphrase == PASSPHRASE

    monkeypatch.setattr(operators, "verify_passphrase", verify)
    return looked_at


async def test_A52_guessing_from_everywhere_is_let_in_one_at_a_time_and_not_the_browser_that_was_in_before(
    database: Database, operator: str, quick_guesses: list[str | None]
):
    for visitor in strangers(operators.TRIES_OF_NAME + 20):
        await guess(database, visitor, 1)
    assert sum(stored is not None for stored in quick_guesses) == operators.TRIES_OF_NAME
    with pytest.raises(SignInError):
        await sign_in(database, PASSPHRASE)
    assert await sign_in(database, PASSPHRASE, visitor=Visitor(b"c" * 32, is_known=True)) == operator


async def test_A52_strangers_come_in_turn_and_nobody_is_locked_out_for_good(
    database: Database, operator: str, quick_guesses: list[str | None]
):
    for visitor in strangers(operators.TRIES_OF_NAME):
        await guess(database, visitor, 1)
    later = NOW + operators.TURN
    tries = (sign_in(database, "wrong", later, visitor=visitor) for visitor in strangers(8))
    quick_guesses.clear()
    await asyncio.gather(*tries, return_exceptions=True)
    assert sum(stored is not None for stored in quick_guesses) == 1
    assert await sign_in(database, PASSPHRASE, later + operators.TURN) == operator
    assert await sign_in(database, PASSPHRASE, later + operators.TURN) == operator


async def test_A52_a_browser_that_was_in_before_has_five_tries_too(
    database: Database, operator: str, quick_guesses: list[str | None]
):
    known = Visitor(b"c" * 32, is_known=True)
    await guess(database, known, operators.MAX_TRIES + 5)
    assert sum(stored is not None for stored in quick_guesses) == operators.MAX_TRIES


async def test_A52_eight_simultaneous_guesses_are_eight_tries(
    database: Database, operator: str, quick_guesses: list[str | None]
):
    await asyncio.gather(*(sign_in(database, "wrong") for _ in range(8)), return_exceptions=True)
    assert sum(stored is not None for stored in quick_guesses) == operators.MAX_TRIES


async def test_what_was_counted_long_ago_is_swept_out(database: Database, operator: str):
    await guess(database, Visitor(b"d" * 32, is_known=False), 1)
    assert await sign_in(database, PASSPHRASE, NOW + timedelta(days=1)) == operator
    async with database.reading() as session:
        assert (await session.scalars(select(GuessingSource))).all() == []


@pytest.mark.parametrize("passphrase", ["", "x" * 11, "x" * 257])
async def test_a_passphrase_that_is_chosen_has_12_to_256_characters(passphrase: str):
    with pytest.raises(Problem) as caught:
        await hash_new_passphrase(passphrase)
    assert caught.value.code == "passphrase_length"


def test_A41_the_last_moment_there_is_has_words_too():
    """Some issuers write it for "never": it must not end in a failure of ours."""
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert [day(last, language) for language in ("nl", "en")] == ["31 december 9999", "31 December 9999"]
    assert moment(last, "nl") == "31 december 9999 om 23:59"
