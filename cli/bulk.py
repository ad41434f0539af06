"""Award to the people of a long list on the issuer's own machine, and hand staff the links to pass on."""

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.language import language, say
from cli.recipients import UnreadableInputError, read_text
from cli.terminal import err, out
from issuer.bulk_awards import (
    BadLinesError,
    BulkRequest,
    FileLink,
    award_in_bulk,
    find_achievement,
    read_usable_people,
)
from issuer.errors import IssuerError
from issuer.recipients import BadLine
from issuer.settings import IssuerSettings
from runtime.badge_facts import shown_line
from runtime.clock import utc_now
from runtime.spreadsheets import safe_cell
from runtime.web.language import load_catalogue

_SHOWN_AT_MOST = 200


def award_list(
    organisation: str,
    achievement: str,
    file: Path,
    links: Path,
    *,
    securing: str,
    awarded_at: datetime | None,
    expires_at: datetime | None,
    processes: int,
    skips_bad_lines: bool = False,
) -> None:
    """Read the list, award to everybody in it who was not yet, and write the links; or say what is in the way."""
    settings = IssuerSettings.from_environment()
    _require_place(links, file)
    try:
        read = read_usable_people(read_text(file), find_achievement(settings, organisation, achievement))
        if read.bad and not (read.people and skips_bad_lines):
            raise BadLinesError(read.bad)
        _tell_unused(read.unused)
        times = _in_utc(awarded_at), _in_utc(expires_at)
        request = BulkRequest(organisation, achievement, securing, read.people, *times)
        with _shown() as report:
            found = award_in_bulk(
                settings, request, actor="command-line", processes=processes, now=utc_now, report=report
            )
    except BadLinesError as exc:
        raise UnreadableInputError(_said(exc.sentence), hint=_list_problems(exc.lines)) from exc
    except IssuerError as exc:
        raise UnreadableInputError(_said(exc.sentence), hint="\n".join(map(_said, exc.fields.values()))) from exc
    _write_links(links, found)
    if bad := read.bad:
        err.print(say(f"{len(bad)} regels zijn overgeslagen:", f"{len(bad)} lines were left out:"), markup=False)
        err.print(_list_problems(bad), markup=False, highlight=False)
    out.print(
        say(
            f"{len(found)} badges zijn uitgereikt. In {links} staat van ieder de link naar het bestand.",
            f"{len(found)} badges are awarded. {links} has the link to each file.",
        )
    )
    out.print(
        say(
            "Stuur ieder de eigen link. Wie een link heeft, heeft het bestand: bewaar de lijst niet langer dan nodig.",
            "Send each their own link. Who has a link has the file: keep the list no longer than it is needed.",
        )
    )


def _require_place(links: Path, file: Path) -> None:
    """Nobody is awarded anything before it is sure that their link has a place, which is not that of the list."""
    if links.resolve() == file.resolve():
        raise UnreadableInputError(
            say(f"{links} is de lijst zelf.", f"{links} is the list itself."),
            hint=say("Geef een ander bestand voor de links.", "Give another file for the links."),
        )
    if links.is_dir() or not os.access(links.parent, os.W_OK):
        raise UnreadableInputError(
            say(f"{links} kan hier niet worden gemaakt.", f"{links} cannot be made here."),
            hint=say("Geef een bestand in een map waar u mag schrijven.", "Give a file in a folder you may write to."),
        )


def _tell_unused(headings: Sequence[str]) -> None:
    """What the list says and no badge will: before anybody is awarded anything, while it can still be stopped."""
    if headings:
        named = ", ".join(map(shown_line, headings))
        err.print(
            say(f"Met deze kolommen doen we niets: {named}", f"Nothing is done with these columns: {named}"),
            markup=False,
            highlight=False,
        )


def _in_utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)


def _list_problems(bad: Sequence[BadLine]) -> str:
    """Every line with its reason; of very many the first, since whoever mends those sees what the others have."""
    lines = [
        say(
            f"Regel {line.number}{_column(line)}: {_said(line.reason)} {shown_line(line.text)}",
            f"Line {line.number}{_column(line)}: {_said(line.reason)} {shown_line(line.text)}",
        )
        for line in bad[:_SHOWN_AT_MOST]
    ]
    more = len(bad) - len(lines)
    return "\n".join(lines + ([say(f"En nog {more} regels.", f"And {more} more lines.")] if more else []))


def _column(line: BadLine) -> str:
    return f", {shown_line(line.column)}" if line.column else ""


def _said(sentence: str) -> str:
    """A sentence of the issuer's in the language of this terminal."""
    return load_catalogue(("issuer",), language()).gettext(sentence)


def _write_links(path: Path, found: Iterable[FileLink]) -> None:
    """For nobody else on this machine: whoever has a link has the file."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("given_name", "family_name", "email", "reference", "link"))
        for one in found:
            person = one.person
            cells = (person.given_name, person.family_name, person.email, one.reference)
            writer.writerow((*map(safe_cell, cells), one.link))


@contextmanager
def _shown() -> Iterator[Callable[[int, int], None]]:
    """How far it is, as a bar on a terminal; in a log a line at each tenth."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn(say("badges", "badges")), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        task = progress.add_task("")
        told = [-1]

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)
            tenth = 10 * done // total
            if not err.is_terminal and tenth > told[0]:
                told[0] = tenth
                err.print(say(f"{done} van {total}", f"{done} of {total}"))

        yield report
