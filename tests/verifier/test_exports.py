"""What an employer takes along: JSON, CSV and PDF of answers, safe to open. V-43, A-44, A-52, V-41."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest

from runtime.spreadsheets import safe_cell
from runtime.status_texts import message_text
from tests.support.badges import create_test_achievement
from tests.support.effort import not_hanging
from tests.verifier.browser import sign_in
from tests.verifier.conftest import SKILL_URIS, FewSkills, Stage
from tests.verifier.issuer_host import MESSAGES
from tests.verifier.test_formats import ASKED
from verifier.answers import read_answer
from verifier.exports import create_pdf

PARTY = "/api/relying-parties/bakker"
HOSTILE = '=HYPERLINK("https://attacker.example";"klik")'
ONE_SKILL = [{"uri": SKILL_URIS[0]}]


async def answered(stage: Stage, **badge: Any) -> dict[str, Any]:
    started = await stage.ask(skills=ONE_SKILL, agreement={"title": "Regels", "text": "Ik kom (altijd) \\ op tijd."})
    assert (await stage.holding(**badge).answer(started["link"])).status_code == 200
    return started


async def export(stage: Stage, started: dict[str, Any], export_format: str, language: str = "nl") -> Any:
    path = f"{PARTY}/presentations/{started['id']}/export?format={export_format}&language={language}"
    return await stage.api.get(path)


@pytest.mark.parametrize(
    ("export_format", "media_type"),
    [("json", "application/json"), ("csv", "text/csv; charset=utf-8"), ("pdf", "application/pdf")],
)
async def test_V43_an_answer_is_handed_out_as_a_file_that_no_browser_shows_as_a_page(
    any_stage: Stage, export_format: str, media_type: str
) -> None:
    exported = await export(any_stage, await answered(any_stage), export_format)
    assert (exported.status_code, exported.headers["content-type"]) == (200, media_type)
    assert exported.headers["content-disposition"].startswith("attachment; ")
    assert exported.headers["x-content-type-options"] == "nosniff"
    assert exported.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("language", "word"), [("nl", "voldoet"), ("en", "meets it")])
async def test_V43_a_csv_has_one_line_for_each_skill(stage: Stage, language: str, word: str) -> None:
    exported = await export(stage, await answered(stage), "csv", language)
    heading, line = csv.reader(io.StringIO(exported.content.decode("utf-8-sig")))
    assert len(heading) == len(line) == 13
    assert (line[5], line[7], line[12]) == (SKILL_URIS[0], word, "")


async def test_S05_a_file_says_which_skill_was_shown_for_another(stage: Stage) -> None:
    started = await stage.ask(skills=[{"uri": FewSkills.EXACT, "name": "Onderzoek"}])
    await stage.holding().answer(started["link"])
    told = "dezelfde skill in een andere lijst."
    assert told in (await export(stage, started, "csv")).content.decode("utf-8-sig")
    pdf = (await export(stage, started, "pdf")).content
    lines = [bytes.fromhex(each.decode()).decode("cp1252") for each in re.findall(rb"<([0-9a-f]*)> Tj", pdf)]
    assert told in " ".join(line.strip() for line in lines)


async def test_A44_a_badge_that_is_a_formula_is_text_in_the_csv(stage: Stage) -> None:
    started = await answered(stage, achievement=create_test_achievement(name=HOSTILE))
    exported = await export(stage, started, "csv")
    _, line = csv.reader(io.StringIO(exported.content.decode("utf-8-sig")))
    assert line[9] == f"'{HOSTILE}"
    everything = await stage.api.get(f"{PARTY}/export")
    assert f"'{HOSTILE}".replace('"', '""') in everything.text
    assert not re.search(r'(^|,)"?[=+@-]', everything.content.decode("utf-8-sig"), re.M)


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", " =1", "  @x", "|calc", "%x", "＝1", '"=1', "\xa0=1"]
)
def test_A44_whatever_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a;=cmd|'/c calc'!A0;b", "a;'=cmd|'/c calc'!A0;b"),
        ("a\t @x\n-1", "a\t' @x\n'-1"),
        ('a";"=1', 'a";\'"=1'),
        ("\t=1", "'\t'=1"),
    ],
)
def test_A44_no_separator_begins_a_formula_in_the_middle_of_a_text(text: str, safe: str) -> None:
    """A Dutch spreadsheet takes the semicolon for the separator, and our quotes for letters."""
    assert safe_cell(text) == safe


def test_A43_a_text_of_nothing_but_spaces_and_separators_is_made_safe_soon() -> None:
    with not_hanging():
        for text in ("\t" * 1_000_000, " " * 1_000_000, "; " * 500_000, '"' * 1_000_000):
            safe_cell(text)


@pytest.mark.parametrize("text", ["", "Adviseur", "1-2", "a=b", "'=1", "é", "a; b", "a, -b", "a\nb"])
def test_A44_other_text_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


def test_A44_no_text_ends_its_string_in_a_pdf() -> None:
    hostile = ") Tj ET endstream endobj << /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >> (\\"
    file = create_pdf([(hostile, False), ("<script>", True), ("✓ €", False)])
    assert b"JavaScript" not in file
    assert b"script" not in file
    assert hostile[:20].encode("cp1252").hex().encode() in file
    assert b"<3f2080>" in file


def test_V43_a_pdf_has_as_many_pages_as_its_text_needs_and_tells_where_each_object_is() -> None:
    file = create_pdf([(f"regel {number}", False) for number in range(130)])
    assert file.count(b"/Type /Page ") == 3
    start = int(file.rpartition(b"startxref\n")[2].partition(b"\n")[0])
    assert file[start:].startswith(b"xref\n")
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", file), start=1):
        assert file[int(place) :].startswith(f"{number} 0 obj\n".encode())


async def test_V43_a_pdf_tells_the_answer_the_skills_the_agreement_and_the_checks(stage: Stage) -> None:
    file = (await export(stage, await answered(stage), "pdf")).content
    told = b"".join(bytes.fromhex(each.decode()) for each in re.findall(rb"<([0-9a-f]*)> Tj", file)).decode("cp1252")
    for words in (
        "Voldoet aan de eis",
        "Bakker Bouw",
        "oplossingen voor problemen",
        "Regels: ondertekend",
        "Controles",
    ):
        assert words in told


async def test_V41_what_was_erased_is_in_no_export(stage: Stage) -> None:
    started = await answered(stage)
    stage.clock.advance(timedelta(hours=25))
    exported = await export(stage, started, "json")
    assert exported.json()["shown"] is None
    assert "Adviseur Lerende Regio" not in (await export(stage, started, "csv")).text


async def test_V43_before_there_is_an_answer_there_is_nothing_to_take_along(stage: Stage) -> None:
    started = await stage.ask()
    for export_format in ("json", "csv", "pdf"):
        assert (await export(stage, started, export_format)).status_code == 404
    assert len((await stage.api.get(f"{PARTY}/export?language=en")).text.splitlines()) == 1


async def test_A52_nobody_else_takes_it_along(stage: Stage) -> None:
    started = await answered(stage)
    created = await stage.admin.post("/api/relying-parties", json={"slug": "ander", "name": "Ander"})
    other = stage.client({"authorization": f"Bearer {created.json()['api_key']}"})
    assert (await other.get(f"{PARTY}/presentations/{started['id']}/export")).status_code == 404
    assert (await other.get(f"{PARTY}/export")).status_code == 404
    assert (await export(stage, started, "exe")).status_code in (400, 422)


async def test_V43_an_operator_saves_an_answer_from_its_page(stage: Stage) -> None:
    started = await answered(stage)
    operator = await sign_in(stage)
    page = await operator.get(f"/back-office/bakker/answers/{started['id']}")
    links = re.findall(r'href="([^"]+/export/\w+)"', page.text)
    assert [link.rpartition("/")[2] for link in links] == ["pdf", "csv", "json"]
    for link in links:
        assert (await operator.get(link)).status_code == 200
    assert "Alle antwoorden als CSV" in (await operator.get("/back-office/bakker/answers")).text
    assert (await operator.get("/back-office/bakker/answers.csv")).status_code == 200


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_K80_1_V43_what_an_issuer_tells_beside_a_badge_is_in_the_files_too(stage: Stage, language: str) -> None:
    wallet = stage.holding("ldp_vc")
    stage.issuer.bitstrings["message"].set(stage.badge_index, 1)
    _, result = await stage.ask_and_answer(wallet, **ASKED)
    assert result["report"]["accepted"]
    said = message_text(MESSAGES[1][1]).say(language)
    heading, line = csv.reader(io.StringIO((await export(stage, result, "csv", language)).content.decode("utf-8-sig")))
    assert line[heading.index({"nl": "melding van de uitgever", "en": "message from the issuer"}[language])] == said
    pdf = (await export(stage, result, "pdf", language)).content
    assert pdf.count(said[:40].encode("cp1252").hex().encode()) == 1


async def test_K80_1_what_several_lists_and_badges_tell_is_said_once(stage: Stage) -> None:
    wallet = stage.holding("ldp_vc")
    stage.issuer.bitstrings["message"].set(stage.badge_index, 1)
    _, result = await stage.ask_and_answer(wallet, **ASKED)
    report = result["report"]
    word = MESSAGES[1][1]
    [status] = [check for check in report["presentations"][0]["checks"] if check["code"] == "status"]
    # Words that others made up: their meaning, that it is unknown, is said once.
    status["evidence"]["messages"] = [word, "X-17", word, "Y-18"]
    report["presentations"].append({**report["presentations"][0], "position": 1})
    report["requirements"][0]["presentations"].append(report["requirements"][0]["presentations"][0].replace("/0", "/1"))
    answer = read_answer(report, None)
    sentences = [message_text(each).say("nl") for each in (word, "X-17")]
    assert answer.presentations[0].messages == (word, "X-17", "Y-18")
    assert answer.presentations[0].message_lines("nl") == sentences
    assert answer.requirements[0].message_lines("nl") == sentences
    assert answer.message_lines("nl") == sentences
