"""The public page that checks a badge: no sign-in, nothing kept, the same engine for every form. Issue 3, item 6."""

import asyncio
import copy
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from html import unescape
from typing import Any

import httpx
import pytest

from kernel.baking import bake
from kernel.importing import Answer, AnswerKind, Verdict
from kernel.jwt import sign_jwt
from kernel.status.token_status_list import Status
from runtime.at_once import Turns
from runtime.status_texts import message_text
from tests.kernel.test_importing import (
    ED25519,
    MESSAGE_LIST,
    METHOD,
    PNG,
    SIGNED_BADGE,
    SVG,
    badge,
    clr,
    measured_badge,
    message_badge,
    message_list,
    sign,
    small_badge,
)
from tests.runtime.test_importing import HOSTILE
from tests.support.badge_host import redirect, serve
from tests.support.imports import ASSERTION, EMAIL, PAGES
from tests.verifier.browser import Browser
from tests.verifier.conftest import Stage
from verifier.checking import Checks
from verifier.errors import TooManyChecksError
from verifier.models import Base

TEXT = json.dumps(SIGNED_BADGE)


async def check(stage: Stage, *, language: str = "nl", file: bytes | None = None, **fields: str) -> httpx.Response:
    browser = Browser(stage, language)
    page = await browser.get("/check")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    files = {"file": ("badge", file)} if file is not None else {"file": ("", b"")}
    return await browser.client.post("/check", data={"csrf_token": token[1], **fields}, files=files)


def title(response: httpx.Response) -> str:
    found = re.search(r"<h1>(.*?)</h1>", response.text, re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "given",
    [{"file": bake(PNG, TEXT)}, {"file": bake(SVG, TEXT)}, {"file": TEXT.encode()}, {"text": TEXT}],
    ids=["png", "svg", "json", "text"],
)
async def test_B21_a_badge_is_checked_without_signing_in(stage: Stage, given: dict[str, Any]) -> None:
    for language, says in (("nl", "Deze badge is echt en geldig"), ("en", "This badge is authentic and valid")):
        response = await check(stage, language=language, **given)
        assert response.status_code == 200
        assert says in title(response)
        assert "Problemen oplossen in de praktijk" in response.text


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize(("value", "word"), [(1, "under_review"), (2, "X-17")])
async def test_K80_1_what_the_issuer_tells_is_said_beside_a_verdict_that_stays(
    stage: Stage, language: str, value: int, word: str
) -> None:
    stage.transport.apps["issuer.example:443"] = serve({MESSAGE_LIST: message_list(value)}, media_type="application/vc")
    response = await check(stage, language=language, text=message_badge())
    assert {"nl": "Deze badge is echt en geldig", "en": "This badge is authentic and valid"}[language] in title(
        response
    )
    assert message_text(word).say(language) in unescape(response.text)


def what_now(response: httpx.Response) -> str:
    """The part of the page that says what to do with the outcome."""
    return unescape(response.text.partition('<aside class="next">')[2].partition("</aside>")[0])


@pytest.mark.parametrize("form", ["png", "svg", "json", "jws"])
@pytest.mark.parametrize(
    ("is_bearer", "language", "says"),
    [
        (True, "nl", "Wie dit bestand heeft, kan het laten zien. Vraag dus ook wie het is."),
        (True, "en", "Whoever has this file can show it. So ask who they are, too."),
        (False, "nl", "Een bestand bewijst niet dat die persoon het liet zien."),
        (False, "en", "A file does not prove that this person showed it."),
    ],
)
async def test_V42_an_uploaded_badge_is_marked_as_one_without_proof_of_its_holder(
    stage: Stage, form: str, is_bearer: bool, language: str, says: str
) -> None:
    document = badge()
    if is_bearer:
        document["credentialSubject"].pop("id")
    text = json.dumps(sign(document))
    jws = sign_jwt(document, signer=ED25519, typ="vc+jwt", header={"kid": METHOD})
    uploads = {"png": bake(PNG, text), "svg": bake(SVG, text), "json": text.encode(), "jws": jws.encode()}
    response = await check(stage, language=language, file=uploads[form])
    assert ("echt en geldig" in title(response)) or ("authentic and valid" in title(response))
    assert says in what_now(response)


async def test_T01_a_valid_badge_of_an_issuer_that_nobody_listed_says_both(stage: Stage) -> None:
    assert "kennen de uitgever niet" in title(await check(stage, text=TEXT))


async def test_B22_a_hosted_badge_is_asked_of_its_issuer(stage: Stage) -> None:
    stage.transport.apps["badges.example:443"] = serve(PAGES)
    response = await check(stage, text=ASSERTION["id"], email=EMAIL)
    assert "echt en geldig" in title(response)
    assert "oudere vorm" in response.text
    assert "De badge is gegeven aan dit e-mailadres" in response.text
    assert "niet aan dit e-mailadres" in title(await check(stage, text=ASSERTION["id"], email="x@y.example"))


async def test_K74_a_dead_host_is_neither_yes_nor_no(stage: Stage) -> None:
    assert "konden nu niet nakijken" in title(await check(stage, text=json.dumps(ASSERTION)))


async def test_A19_a_changed_badge_is_refuted(stage: Stage) -> None:
    response = await check(stage, text=json.dumps({**SIGNED_BADGE, "name": "Anders"}))
    assert title(response) == "Deze badge klopt niet"


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        (json.dumps({**SIGNED_BADGE, "image": "x" * 600_000}), "badge_too_large", "te groot of te ingewikkeld"),
        ("https://192.168.1.1/x", "address_refused", "mag van hier niet worden geopend"),
    ],
)
async def test_K74_what_was_not_looked_at_is_not_called_no_badge(stage: Stage, text: str, code: str, says: str) -> None:
    response = await check(stage, text=text)
    assert response.status_code == 400
    assert says in response.text
    answer = await stage.api.post("/api/check", files={"text": (None, text)})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_K74_what_is_too_large_at_an_address_is_called_that(stage: Stage) -> None:
    large = Answer(AnswerKind.FOUND, json.dumps({**SIGNED_BADGE, "image": "x" * 600_000}).encode())
    stage.transport.apps["badges.example:443"] = serve({"https://badges.example/1": large})
    assert "te groot" in title(await check(stage, text="https://badges.example/1"))


async def test_E01_what_is_inside_a_record_is_told_one_by_one(stage: Stage) -> None:
    record = sign(clr(sign(small_badge("urn:uuid:good")), small_badge("urn:uuid:part")))
    response = await check(stage, text=json.dumps(record))
    assert "Niemand heeft deze badge ondertekend" in response.text


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "zeros"])
async def test_A43_a_hostile_file_is_no_badge(stage: Stage, name: str) -> None:
    content = HOSTILE[name]()
    given: dict[str, Any] = {"text": content} if isinstance(content, str) else {"file": content}
    response = await check(stage, **given)
    assert response.status_code == 400
    assert "error-summary" in response.text


async def test_A43_an_upload_that_is_too_large_is_not_received(stage: Stage) -> None:
    """One of the size of an archive is received, and is no badge."""
    zeros = HOSTILE["zeros"]()
    assert isinstance(zeros, bytes)
    assert (await check(stage, file=zeros)).status_code == 400
    assert (await check(stage, file=zeros * 3)).status_code == 413


async def test_K81_a_pasted_address_of_our_own_network_is_not_asked(stage: Stage) -> None:
    before = len(stage.transport.requests)
    response = await check(stage, text="https://127.0.0.1/badge")
    assert response.status_code in {200, 400}
    stage.transport.apps["badges.example:443"] = redirect("https://127.0.0.1/")
    assert "niet openen" in title(await check(stage, text="https://badges.example/1"))
    hosts = {request.url.host for request in stage.transport.requests[before:]}
    assert "127.0.0.1" not in hosts


async def test_A52_a_form_of_another_site_is_refused(stage: Stage) -> None:
    browser = Browser(stage)
    assert (await browser.client.post("/check", data={"text": TEXT})).status_code == 403


async def test_A41_what_strangers_wrote_is_shown_as_text(stage: Stage) -> None:
    document = {name: value for name, value in copy.deepcopy(SIGNED_BADGE).items() if name != "proof"}
    document["credentialSubject"]["achievement"]["name"] = "<script>alert(1)</script>\u202e"
    response = await check(stage, text=json.dumps(document))
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;" in response.text
    assert "\u202e" not in response.text


async def test_V41_nothing_of_a_check_is_kept(stage: Stage) -> None:
    response = await check(stage, text=TEXT)
    assert "bewaren niets" in response.text
    assert response.headers["cache-control"] == "no-store"
    assert not [name for name in Base.metadata.tables if "check" in name or "import" in name]


async def test_A42_so_many_checks_at_once_and_no_more(stage: Stage) -> None:
    with pytest.raises(TooManyChecksError):
        await Checks(at_once=0).check_badge(stage.service, TEXT, email=None, source="somebody", now=stage.clock())


async def test_A43_who_keeps_their_share_of_checks_waiting_keeps_nobody_else_out(stage: Stage) -> None:
    asked, answered = asyncio.Semaphore(0), asyncio.Event()

    async def silent(*_: Any) -> None:
        asked.release()
        await answered.wait()

    stage.transport.apps["issuer.example:443"] = silent
    checks = Checks(at_once=3, each=2)

    async def judge(text: str, source: str) -> Verdict:
        found = await checks.check_badge(stage.service, text, email=None, source=source, now=stage.clock())
        return found.report.verdict

    waiting = [asyncio.create_task(judge(message_badge(), "one")) for _ in range(2)]
    for _ in waiting:
        await asked.acquire()
    try:
        with pytest.raises(TooManyChecksError):
            await judge(TEXT, "one")
        assert await judge(TEXT, "two") is Verdict.PROVEN
    finally:
        answered.set()
        await asyncio.gather(*waiting, return_exceptions=True)


async def test_A43_the_page_gives_each_address_its_share_of_checks(stage: Stage, monkeypatch: Any) -> None:
    seen = list[str]()

    @contextmanager
    def refuse(turns: Turns, refusal: Exception, *, holder: str = "") -> Iterator[None]:
        seen.append(holder)
        raise refusal
        yield

    monkeypatch.setattr(Turns, "take", refuse)
    response = await check(stage, text=TEXT)
    assert seen == ["127.0.0.1"]
    assert response.status_code == 503
    assert "Er worden te veel badges tegelijk nagekeken. Deze badge is niet nagekeken." in response.text
    assert "It is busy right now" in (await check(stage, language="en", text=TEXT)).text


async def test_an_empty_form_says_what_to_do(stage: Stage) -> None:
    response = await check(stage)
    assert response.status_code == 400
    assert "Er is nog niets gekozen" in response.text


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt"])
async def test_T01_a_badge_of_a_listed_issuer_is_recognised_until_it_is_withdrawn(stage: Stage, format_id: str) -> None:
    raw, index = stage.issuer.issue(format_id, holder=stage.holder)
    given = {"text": raw}
    assert "van een bekende uitgever" in title(await check(stage, **given))
    stage.issuer.set_status(index, Status.INVALID)
    assert title(await check(stage, **given)) == "Deze badge is ingetrokken"


async def test_A42_one_address_checks_so_many_badges_a_minute(stage: Stage) -> None:
    browser = Browser(stage)
    statuses = [(await browser.get("/check")).status_code for _ in range(60)]
    assert statuses[:30] == [200] * 30
    assert 429 in statuses


async def test_A41_a_badge_that_ends_with_the_year_9999_is_checked_like_any_other(stage: Stage) -> None:
    raw, _ = stage.issuer.issue(
        "vc+jwt", holder=stage.holder, expires_at=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    )
    response = await check(stage, text=raw)
    assert "van een bekende uitgever" in title(response)
    assert "31 december 9999" in response.text


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "nl",
            (
                "Eindbeoordeling: Goed: Niveau 3 (nodig: Voldoende, laat zien: Goed)",
                "Verslag: B (nodig: C)",
                "Cijfer: 7,5 (op een schaal van 1 tot 10, nodig: 5,5)",
                "Stand: gehaald",
            ),
        ),
        ("en", ("Cijfer: 7.5 (on a scale from 1 to 10, needed: 5.5)", "Stand: passed")),
    ],
)
async def test_B07_every_result_of_a_badge_is_told_in_words(
    stage: Stage, language: str, lines: tuple[str, ...]
) -> None:
    page = unescape((await check(stage, language=language, text=json.dumps(measured_badge()))).text)
    for line in lines:
        assert f">{line}<" in page
    assert "urn:uuid:" not in page[page.index(lines[0]) : page.index(lines[-1])]
