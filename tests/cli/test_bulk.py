"""Awarding to a long list on the command line: what a hostile or careless list, or no place for the links, comes to."""

import re
import secrets
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli import bulk
from cli.language import choose_language
from cli.main import app
from issuer.bulk_awards import BulkRequest, FileLink, Person

HEADINGS = "voornaam;achternaam;e-mail\n"


@pytest.fixture
def awarded(monkeypatch: pytest.MonkeyPatch) -> list[BulkRequest]:
    """What was asked of the issuer, which has no database here."""
    asked: list[BulkRequest] = []

    def award(settings: object, request: BulkRequest, **_: object) -> Sequence[FileLink]:
        asked.append(request)
        return [FileLink(person, "=1+1", "https://issuer.example/files/1") for person in request.people]

    monkeypatch.setattr(bulk, "award_in_bulk", award)
    monkeypatch.setattr(bulk, "find_achievement", lambda *_: None)
    return asked


def run(people: Path, links: Path) -> tuple[int, str]:
    choose_language("en")
    settings = {
        "ISSUER_PUBLIC_URL": "https://issuer.example",
        "ISSUER_DATABASE_URL": "sqlite:///nowhere.sqlite3",
        "ISSUER_ENCRYPTION_KEY": secrets.token_urlsafe(32),
        "ISSUER_BADGE_VCT": "https://issuer.example/vct/1",
        "ISSUER_ADMIN_KEY": secrets.token_urlsafe(32),
    }
    command = ["issuer", "award-in-bulk", "-o", "school", "-a", "badge", str(people), str(links)]
    result = CliRunner().invoke(app, command, env=settings)
    # However wide the terminal is that it takes this for.
    return result.exit_code, re.sub(r" *│?\n│? *| +", " ", result.output)


def write(folder: Path, lines: str) -> Path:
    path = folder / "people.csv"
    path.write_text(HEADINGS + lines, "utf-8")
    return path


def test_A44_the_links_are_for_their_maker_alone_and_run_in_no_spreadsheet(
    tmp_path: Path, awarded: list[BulkRequest]
) -> None:
    people = write(tmp_path, "=cmd|'/c calc'!A0;@SUM(A1);a@b.nl\n")
    links = tmp_path / "links.csv"
    assert run(people, links)[0] == 0
    assert "\n'=cmd|'/c calc'!A0,'@SUM(A1),a@b.nl,'=1+1,https" in links.read_text("utf-8-sig")
    assert stat.S_IMODE(links.stat().st_mode) == 0o600
    assert [request.people for request in awarded] == [[Person("=cmd|'/c calc'!A0", "@SUM(A1)", "a@b.nl", None)]]


def test_A41_what_stands_in_a_wrong_line_commands_no_terminal(tmp_path: Path, awarded: list[BulkRequest]) -> None:
    code, said = run(write(tmp_path, "\x1b[31mA\x1b]0;x\x07\u202e;B;[/red]no address\n"), tmp_path / "links.csv")
    assert code == 1
    assert "[/red]no address" in said
    assert said.isprintable()
    assert not awarded


def test_a_long_list_says_at_each_tenth_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a log, that is: ten lines and the first, whatever the number of badges; a terminal has a bar."""

    def award(
        settings: object, request: BulkRequest, *, report: Callable[[int, int], None], **_: object
    ) -> list[FileLink]:
        for done in range(0, 2001, 7):
            report(done, 2000)
        report(2000, 2000)
        return []

    monkeypatch.setattr(bulk, "award_in_bulk", award)
    monkeypatch.setattr(bulk, "find_achievement", lambda *_: None)
    _, said = run(write(tmp_path, "A;B;a@b.nl\n"), tmp_path / "links.csv")
    told = [int(done) for done in re.findall(r"(\d+) of 2000", said)]
    assert (told[0], told[-1], len(told)) == (0, 2000, 11)
    assert told == sorted(told)


@pytest.mark.parametrize("lines", ["", "\n \n"])
def test_I77_a_list_with_nobody_in_it_awards_nobody(tmp_path: Path, awarded: list[BulkRequest], lines: str) -> None:
    code, said = run(write(tmp_path, lines), tmp_path / "links.csv")
    assert (code, awarded) == (1, [])
    assert "at least one person" in said


@pytest.mark.parametrize("place", ["people.csv", ".", "no/such/folder/links.csv"])
def test_I77_nobody_is_awarded_anything_before_their_link_has_a_place(
    tmp_path: Path, awarded: list[BulkRequest], place: str
) -> None:
    people = write(tmp_path, "A;B;a@b.nl\n")
    assert run(people, tmp_path / place)[0] == 1
    assert not awarded
    assert people.read_text("utf-8").startswith(HEADINGS)


def test_I77_columns_with_which_nothing_is_done_are_told(tmp_path: Path, awarded: list[BulkRequest]) -> None:
    people, links = tmp_path / "people.csv", tmp_path / "links.csv"
    people.write_text("voornaam;achternaam;e-mail;Klas;\x1b[2JMentor\nSanne;de Vries;s@x.example;3B;Jansen\n", "utf-8")
    status, said = run(people, links)
    assert status == 0, said
    assert "Nothing is done with these columns: Klas, [2JMentor" in said
    assert len(awarded) == 1
    assert "Nothing is done" not in run(write(tmp_path, "Sanne;de Vries;s@x.example\n"), links)[1]
