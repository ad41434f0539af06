"""Imported badges against a small web: what is fetched, what is not, and that no file or host holds us up. Issue 3."""

import asyncio
import copy
import io
import json
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
import segno
from PIL import Image

from kernel import importing
from kernel.baking import bake
from kernel.errors import CredentialError, MalformedError
from kernel.importing import Answer, AnswerKind, Container, ImportReport, Kind, Securing, Verdict, judge, recognise
from kernel.microcredential import ELEMENTS
from kernel.microcredential.vocabulary import ASSESSMENT_TYPES, PARTICIPATION_TYPES
from kernel.report import Outcome
from kernel.trust_list import Outcome as Recognised
from kernel.trust_list import Recognition
from runtime import import_texts as texts
from runtime.badge_facts import LEARNING_ELEMENTS, shown_line, shown_text
from runtime.fetch import Fetcher
from runtime.import_view import create_view
from runtime.importing import read_badge, resolve_report
from runtime.pictures import read_qr_code
from tests.kernel.test_importing import PNG, SIGNED_BADGE, SVG, clr, message_badge, sign, small_badge
from tests.kernel.test_importing import endorsement as create_signed_endorsement
from tests.support.badge_host import redirect, serve
from tests.support.badges import create_test_achievement, create_test_dataset, issue_badge
from tests.support.clock import NOW
from tests.support.effort import HANGS
from tests.support.full_badge import DESCRIPTIONS, RESULTS
from tests.support.hosts import HostTransport
from tests.support.imports import ASSERTION, BADGE_CLASS, EMAIL, PAGES

HOST = "badges.example:443"


async def report_of(
    content: bytes | str, transport: HostTransport | None = None, *, email: str | None = None
) -> ImportReport:
    fetch = Fetcher(transport=transport or HostTransport())
    return await resolve_report(fetch, await read_badge(content), now=NOW, email=email)


@pytest.mark.parametrize("baked", [bake(PNG, json.dumps(SIGNED_BADGE)), bake(SVG, json.dumps(SIGNED_BADGE))])
async def test_B21_a_baked_badge_is_proven_without_asking_anybody(baked: bytes) -> None:
    transport = HostTransport()
    report = await report_of(baked, transport)
    assert report.verdict is Verdict.PROVEN
    assert report.imported.container is Container.PICTURE
    assert transport.requests == []


async def test_B22_a_hosted_badge_is_proven_by_its_issuers_host() -> None:
    transport = HostTransport({HOST: serve(PAGES)})
    for content in (json.dumps(ASSERTION), ASSERTION["id"]):
        report = await report_of(content, transport, email=EMAIL)
        assert report.verdict is Verdict.PROVEN
        assert report.check("recipient").outcome is Outcome.PASSED
    assert {request.headers["accept"].partition(",")[0] for request in transport.requests} == {"application/ld+json"}


@pytest.mark.parametrize(
    ("kind", "verdict", "reason"),
    [
        (AnswerKind.GONE, Verdict.REFUTED, "revoked"),
        (AnswerKind.NOT_FOUND, Verdict.REFUTED, "not_hosted"),
        (AnswerKind.UNAVAILABLE, Verdict.UNPROVEN, "undecided"),
    ],
)
async def test_K74_what_a_host_answers_is_told_apart(kind: AnswerKind, verdict: Verdict, reason: str) -> None:
    pages = {**PAGES, ASSERTION["id"]: Answer(kind)}
    report = await report_of(json.dumps(ASSERTION), HostTransport({HOST: serve(pages)}))
    assert report.verdict is verdict
    assert reason in {check.reason for check in report.checks}


async def test_K74_a_dead_host_leaves_it_open() -> None:
    report = await report_of(json.dumps(ASSERTION))
    assert report.verdict is Verdict.UNPROVEN
    assert create_view(report, "nl").title.startswith("We konden nu niet nakijken")


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/badge",
        "https://2130706433/badge",
        "http://localhost:8000/badge",
        "https://printer.local/badge",
        "https://badges.example:8443/badge",
        "http://badges.example/badge",
    ],
)
async def test_K81_an_address_that_may_not_be_called_is_not_called(url: str) -> None:
    transport = HostTransport({HOST: serve(PAGES)})
    try:
        report = await report_of(url, transport)
    except MalformedError:
        report = None
    assert report is None or report.verdict is Verdict.UNPROVEN
    assert transport.requests == []


async def test_K83_redirects_are_not_followed_not_even_by_the_issuers_own_host() -> None:
    """An open redirect of an issuer would let anybody publish badges at its address."""
    forged = {**ASSERTION, "id": "https://badges.example/go"}
    transport = HostTransport({HOST: redirect("https://evil.example/1"), "evil.example:443": serve({}, media_type="")})
    for content in ("https://badges.example/go", json.dumps(forged)):
        assert (await report_of(content, transport)).verdict is Verdict.UNPROVEN
    loop = HostTransport({HOST: redirect("https://badges.example/go")})
    assert (await report_of("https://badges.example/go", loop)).verdict is Verdict.UNPROVEN
    assert len(loop.requests) == 1


async def test_A42_one_file_has_so_much_time_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.Event().wait()

    # No single answer has an end of its own, so that nothing else ends the waiting.
    monkeypatch.setattr("runtime.fetch._TOTAL_SECONDS", HANGS * 10)
    fetch = Fetcher(transport=HostTransport({HOST: silent}))
    async with asyncio.timeout(HANGS):
        report = await resolve_report(fetch, await read_badge(json.dumps(ASSERTION)), now=NOW, seconds=0.05)
    assert report.verdict is Verdict.UNPROVEN


async def test_A42_answers_beyond_the_size_for_one_file_are_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.importing._MAX_TOTAL_BYTES", 10)
    transport = HostTransport({HOST: serve(PAGES)})
    assert (await report_of(json.dumps(ASSERTION), transport)).verdict is Verdict.UNPROVEN
    assert len(transport.requests) == 1


# Hostile files


def _png_bomb() -> bytes:
    text = b"openbadgecredential\0\x01\0\0\0" + zlib.compress(bytes(200_000_000), 9)
    chunk = len(text).to_bytes(4, "big") + b"iTXt" + text + zlib.crc32(b"iTXt" + text).to_bytes(4, "big")
    return PNG[:33] + chunk + PNG[33:]


LAUGHS = b'<!DOCTYPE svg [<!ENTITY a "ha">' + b"".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">'.encode() for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE: dict[str, Callable[[], bytes | str]] = {
    "bomb": _png_bomb,
    "laughs": lambda: LAUGHS + b']><svg xmlns="http://www.w3.org/2000/svg">&i;</svg>',
    "deep": lambda: '{"a":' * 100_000,
    "zeros": lambda: bytes(20_000_000),
    "sentence": lambda: "Ik kan heel goed timmeren.",
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_A43_a_hostile_file_is_refused_soon(name: str) -> None:
    content = HOSTILE[name]()
    began = time.process_time()
    with pytest.raises(MalformedError):
        await read_badge(content)
    assert time.process_time() - began < 2


async def test_B22_the_picture_of_a_qr_code_leads_to_the_badge() -> None:
    picture = io.BytesIO()
    segno.make(ASSERTION["id"], error="m").save(picture, kind="png", scale=6)
    imported = await read_badge(picture.getvalue())
    assert imported.kind is Kind.ADDRESS
    assert imported.document["id"] == ASSERTION["id"]


# Words


PROTOCOLS = (
    "kernel.openid4vci",
    "kernel.openid4vp",
    "kernel.open_badges_api",
    "kernel.dpop",
    "kernel.client_attestation",
)


def _codes(error: type[CredentialError] = CredentialError) -> set[str]:
    return {error.code} | {code for each in error.__subclasses__() if _is_ours(each) for code in _codes(each)}


def _is_ours(error: type[CredentialError]) -> bool:
    """Errors of the protocols between wallet and services never reach a report about a badge."""
    return error.__module__.startswith("kernel.") and not error.__module__.startswith(PROTOCOLS)


def test_every_code_that_a_report_can_have_has_words() -> None:
    assert set(texts.KINDS) == set(Kind)
    assert set(texts.CONTAINERS) == set(Container)
    assert set(texts.SECURINGS) == set(Securing)
    assert set(texts.CHECK_TITLES) == set(texts.PASSED) == set(importing.IMPORT_CHECK_CODES)
    assert set(texts.OUTCOMES) == set(Outcome)
    assert set(texts.ENDORSEMENTS) == set(Outcome) - {Outcome.NOT_APPLICABLE}
    assert set(texts.ELEMENTS) == {*ELEMENTS, *LEARNING_ELEMENTS, "results"}
    assert set(texts.PROVEN) == {None, *Recognised}
    assert set(texts.ENDORSERS) == set(Recognised)
    assert set(texts.CODES) >= {*ASSESSMENT_TYPES, *PARTICIPATION_TYPES}
    assert set(texts.REASON_TEXTS) >= _codes() | importing.REASONS


async def test_a_report_is_put_into_words_in_both_languages() -> None:
    record = json.dumps(sign(clr(sign(small_badge("urn:uuid:good")), small_badge("urn:uuid:part"))))
    about = SIGNED_BADGE["credentialSubject"]["achievement"]["id"]
    unsigned = {name: value for name, value in SIGNED_BADGE.items() if name != "proof"}
    endorsed = json.dumps(sign({**unsigned, "endorsement": [create_signed_endorsement(about)]}))
    for language, title in (("nl", "Deze badge is echt en geldig"), ("en", "This badge is authentic and valid")):
        view = create_view(await report_of(json.dumps(SIGNED_BADGE)), language)
        assert view.title == title
        assert view.issuer == "Hogeschool Voorbeeld"
        assert {fact.element for fact in view.facts} >= {"learner", "level", "workload"}
        assert create_view(await report_of(record), language).parts[0].title == title
        assert "Brancheraad" in create_view(await report_of(endorsed), language).endorsements[0].text


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "Niemand heeft deze badge ondertekend"),
        ({"validUntil": "2026-01-02T00:00:00Z"}, "Deze badge is verlopen"),
        ({"validFrom": "2099-01-01T00:00:00Z", "validUntil": None}, "Deze badge is nog niet geldig"),
    ],
)
async def test_the_first_line_says_what_matters(changes: dict[str, Any], title: str) -> None:
    document = {name: value for name, value in {**SIGNED_BADGE, **changes}.items() if value is not None}
    del document["proof"]
    content = json.dumps(sign(document) if changes else document)
    assert create_view(await report_of(content), "nl").title == title


async def test_T01_valid_and_recognised_are_two_answers() -> None:
    report = await report_of(json.dumps(SIGNED_BADGE))
    for outcome, kind in (
        (Recognised.RECOGNISED, "good"),
        (Recognised.NOT_LISTED, "warn"),
        (Recognised.WITHDRAWN, "bad"),
    ):
        view = create_view(report, "nl", Recognition(outcome, "Lijst"))
        assert view.verdict == "proven"
        assert view.kind == kind


def test_A41_text_of_strangers_commands_nothing() -> None:
    assert shown_line("a\x1b[31m\nb\u202e") == "a [31m b"
    assert shown_text("a\x1b\nb") == "a\nb"
    assert shown_line("x" * 999).endswith("…")
    assert shown_text("x" * 9999).endswith("…")


async def test_an_older_badge_without_recipient_or_dates_is_put_into_words() -> None:
    bare = {name: value for name, value in ASSERTION.items() if name in ("@context", "type", "id", "badge")}
    view = create_view(judge(recognise(json.dumps({**bare, "badge": BADGE_CLASS})), {}, now=NOW), "nl")
    assert "oudere vorm" in view.remarks[-1]


async def test_A50_the_name_that_an_unlisted_issuer_gives_itself_is_told_as_that() -> None:
    report = await report_of(json.dumps(SIGNED_BADGE))
    for recognition in (None, Recognition(Recognised.NOT_LISTED, "Lijst")):
        for language, named in (("nl", "noemt zich Hogeschool"), ("en", "calls itself Hogeschool")):
            assert named in create_view(report, language, recognition).why
    listed = create_view(report, "nl", Recognition(Recognised.RECOGNISED, "Lijst", "Echte School"))
    assert listed.why == "Echte School wordt erkend door Lijst."


async def test_A50_an_issuer_without_a_name_is_not_called_by_its_did() -> None:
    report = await report_of(json.dumps(sign(small_badge("urn:uuid:small"))))
    assert (report.imported.unverified_issuer or "").startswith("did:key:")
    view = create_view(report, "nl")
    assert view.why == "Er is niets aan veranderd. Op de badge staat niet hoe de uitgever heet."
    assert view.issuer == ""
    assert ("issuer", report.imported.unverified_issuer) in view.technical


async def test_T01_a_report_never_says_that_all_checks_passed_beside_one_that_was_not_made() -> None:
    report = await report_of(json.dumps(SIGNED_BADGE))
    for recognition in (None, *(Recognition(outcome, "Lijst", "School") for outcome in Recognised)):
        for language, not_made, every in (
            ("nl", "niet nagekeken", "alle controles"),
            ("en", "not checked", "all checks"),
        ):
            view = create_view(report, language, recognition)
            assert not_made in [check.outcome for check in view.checks]
            assert every not in f"{view.title} {view.why} {view.advice}".lower()


async def test_A43_a_small_code_in_a_large_photo_is_still_found() -> None:
    """Read small first, since that is quick, and as large as it came when nothing is seen so."""
    written = io.BytesIO()
    segno.make_qr("https://badges.example/1").save(written, kind="png", scale=4, border=4)
    photo = Image.new("L", (6000, 4000), 255)
    photo.paste(Image.open(written).convert("L"), (5000, 3000))
    taken = io.BytesIO()
    photo.save(taken, "PNG")
    assert await read_qr_code(taken.getvalue()) == "https://badges.example/1"


def recognised(outcome: Recognised | None) -> Recognition | None:
    return None if outcome is None else Recognition(outcome)


@pytest.mark.parametrize(
    ("parts", "known", "title", "kind"),
    [
        (
            (),
            (Recognised.RECOGNISED, Recognised.RECOGNISED),
            "All badges in this file are authentic, valid and",
            "good",
        ),
        (
            (),
            (Recognised.RECOGNISED, Recognised.NOT_LISTED),
            "All badges in this file are authentic and valid, b",
            "warn",
        ),
        ((), (Recognised.RECOGNISED, None), "All badges in this file are authentic and valid, but", "warn"),
        ((), (), "All badges in this file are authentic and valid", "good"),
        (("forged",), (), "Not all badges in this file hold: 1 of 3 do not", "bad"),
        (("unsigned",), (), "Not all badges in this file could be checked: 1 of 3 could not", "warn"),
        (("forged", "unsigned"), (), "Not all badges in this file hold: 1 of 4 do not", "bad"),
    ],
)
def test_E02_a_record_is_as_good_as_the_least_of_what_is_in_it(
    parts: tuple[str, ...], known: tuple[Recognised | None, ...], title: str, kind: str
) -> None:
    good = sign(small_badge("urn:uuid:good"))
    others = {
        "forged": {**sign(small_badge("urn:uuid:forged")), "name": "Doctor"},
        "unsigned": small_badge("urn:uuid:part"),
    }
    record = sign(clr(good, sign(small_badge("urn:uuid:second")), *(others[part] for part in parts)))
    report = judge(recognise(json.dumps(record)), {}, now=NOW)
    view = create_view(report, "en", parts=[recognised(each) for each in known])
    assert view.title.startswith(title)
    assert view.kind == kind
    assert view.why


def facts_of(language: str, **changes: Any) -> dict[str, tuple[str, ...]]:
    report = judge(recognise(json.dumps({**SIGNED_BADGE, **changes})), {}, now=NOW)
    return {fact.element: fact.lines for fact in create_view(report, language).facts}


@pytest.mark.parametrize(("language", "country", "credits"), [("nl", "Nederland", "3,5"), ("en", "Netherlands", "3.5")])
def test_numbers_and_countries_are_written_as_people_write_them(language: str, country: str, credits: str) -> None:
    facts = facts_of(language)
    assert facts["country"] == (country,)
    assert any(line.startswith(f"{credits} ") for line in facts["workload"])


def test_an_outcome_and_the_skill_with_the_same_words_are_said_once() -> None:
    document = copy.deepcopy(SIGNED_BADGE)
    alignment = document["credentialSubject"]["achievement"]["alignment"]
    alignment += [copy.deepcopy(each) for each in alignment]
    lines = facts_of("nl", **document)["learning_outcomes"]
    assert len(lines) == len(set(lines)) > 0


def test_E02_the_report_of_a_record_names_the_badge_that_does_not_hold() -> None:
    forged = {**sign(small_badge("urn:uuid:forged")), "name": "Doctor"}
    report = judge(recognise(json.dumps(sign(clr(sign(small_badge("urn:uuid:good")), forged)))), {}, now=NOW)
    view = create_view(report, "en")
    assert view.why == f"{view.parts[1].name}: Something is wrong with this badge."


def test_B07_results_in_an_sd_jwt_are_told_too() -> None:
    raw = issue_badge(
        "dc+sd-jwt",
        dataset=create_test_dataset(
            achievement=create_test_achievement(resultDescription=DESCRIPTIONS), result=RESULTS
        ),
    )
    view = create_view(judge(recognise(raw), {}, now=NOW), "nl")
    [results] = [fact for fact in view.facts if fact.element == "results"]
    assert results.lines[2:] == ("Cijfer: 7,5 (op een schaal van 1 tot 10, nodig: 5,5)", "Stand: gehaald")


async def test_K80_1_a_message_that_could_not_be_fetched_is_named() -> None:
    report = await report_of(message_badge())
    assert "kan iets over deze badge melden" in create_view(report, "nl").messages[0]
    assert "may have a message" in create_view(report, "en").messages[0]
