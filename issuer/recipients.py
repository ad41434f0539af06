"""Read a pasted or uploaded list of people, and say of each line that cannot be used why."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from issuer.achievements import description_of
from issuer.award_details import find_detail_problems
from issuer.awards import Recipient
from issuer.errors import N_, InputError
from issuer.list_columns import DEFAULT, Columns, find_columns, read_line
from issuer.results import IMPOSSIBLE_VALUE, UNKNOWN_LEVEL, UNKNOWN_SKILL
from issuer.store import AchievementRow
from runtime.spreadsheets import find_separator

MAX_LINES = 1000
TOO_MANY = N_(
    "Dit zijn meer dan 1000 regels. Verdeel de lijst. Of laat de beheerder van deze dienst alles ineens uitreiken, "
    "als bestanden zonder wallet, met de opdracht: skillswallet issuer award-in-bulk."
)
TOO_MANY_IN_BULK = N_("Dit zijn meer dan een miljoen regels. Verdeel de lijst.")
NOBODY = N_("Zet hier ten minste een persoon neer.")
_HIDDEN_CHARACTER = N_("Er staat een teken in dat niemand kan zien.")
_LONG_NAME = N_("De naam is te lang.")
_MORE_CELLS = N_(
    "Deze regel heeft meer kolommen dan de eerste regel. Zet een tekst met een scheidingsteken tussen aanhalingstekens."
)
_ORGANISATION = N_("Geef van deze organisatie de naam en het webadres, dat begint met https://.")
_SEPARATORS = "\t;,"
_NO_DAY = N_("Dit is geen dag. Schrijf bijvoorbeeld 28-5-2026.")
_PROBLEMS = {
    "given_name": N_("De voornaam ontbreekt."),
    "family_name": N_("De achternaam ontbreekt."),
    "email": N_("Het e-mailadres klopt niet."),
    "reference": N_("Het kenmerk is te lang."),
    "birth_date": _NO_DAY,
    "activity_start_date": _NO_DAY,
    "activity_end_date": _NO_DAY,
    "credits_earned": N_("Het aantal studiepunten is geen getal."),
    "on_behalf_of": _ORGANISATION,
    "source": _ORGANISATION,
}
_RESULT_PROBLEMS = {
    "achieved_level": UNKNOWN_LEVEL,
    "status": N_("Deze stand kennen we niet. Schrijf bijvoorbeeld: gehaald, of niet gehaald."),
    "value": IMPOSSIBLE_VALUE,
    "skills": UNKNOWN_SKILL,
}
_TOO_LONG = N_("Deze tekst is te lang.")


@dataclass(frozen=True, slots=True)
class GoodLine:
    """A line that names somebody."""

    number: int
    recipient: Recipient


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be used, as it was given, and why."""

    number: int
    text: str
    reason: str
    column: str = ""
    """The heading over the cell with a result that is wrong."""


@dataclass(frozen=True, slots=True)
class RecipientList:
    """What a list turned out to hold."""

    good: Sequence[GoodLine]
    bad: Sequence[BadLine]
    unused: Sequence[str] = ()
    """Headings of columns with which nothing is done."""


def parse_recipients(
    text: str, achievement: AchievementRow | None = None, *, limit: int = MAX_LINES, too_many: str = TOO_MANY
) -> RecipientList:
    """Read lines of given name, family name, e-mail address and (if wanted) a reference of the organisation.

    Separated by tab, semicolon or comma, as a spreadsheet gives them; a first line with headings sets the order, and
    may name what the `achievement` measures and what else an award says (`issuer.list_columns`). `too_many` is said of
    more lines than the `limit`.
    """
    lines = [(number, line) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1) if line.strip()]
    separator = find_separator(lines[0][1]) if lines else None
    if separator is not None:
        lines = lines[1:]
    if not lines:
        raise InputError(fields={"people": NOBODY})
    if len(lines) > limit:
        raise InputError(fields={"people": too_many})
    columns = _find_columns(_split(lines[0][1], separator), achievement)
    people = lines if columns is None else lines[1:]
    if not people:
        raise InputError(fields={"people": NOBODY})
    good: list[GoodLine] = []
    bad: list[BadLine] = []
    seen: set[str] = set()
    measured = None if achievement is None else achievement.version.achievement
    for number, line in people:
        found = _parse_line(number, line, _split(line, separator), columns or DEFAULT, measured, seen)
        (good if isinstance(found, GoodLine) else bad).append(found)  # type: ignore[arg-type]
    return RecipientList(good, bad, () if columns is None else columns.unused)


def _find_columns(cells: list[str], achievement: AchievementRow | None) -> Columns | None:
    if achievement is None:
        return find_columns(cells, (), None)
    description = description_of(achievement)
    return find_columns(cells, description.result_descriptions, description.grading_scheme, description.skills)


def _split(line: str, separator: str | None) -> list[str]:
    separator = separator or next((mark for mark in _SEPARATORS if mark in line), ",")
    if '"' not in line and "\r" not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a cell longer than any name
        return []


def _parse_line(
    number: int, line: str, given: Sequence[str], columns: Columns, measured: Mapping[str, Any] | None, seen: set[str]
) -> GoodLine | BadLine:
    cells = [cell.strip() for cell in given]
    text = line.strip()[:200]
    if any(cells[len(columns.fields) :]):
        return BadLine(number, text, _MORE_CELLS)
    values, headings = read_line(cells, columns)
    try:
        recipient = Recipient.model_validate(values)
    except ValidationError as exc:
        return BadLine(number, text, *_find_reason(exc, headings))
    problems = {} if measured is None else find_detail_problems(recipient, measured)
    if problems:
        path, reason = next(iter(problems.items()))
        return BadLine(number, text, reason, _find_column(path.split("."), headings))
    key = recipient.email.lower()
    if key in seen:
        return BadLine(number, text, N_("Dit e-mailadres staat al eerder in de lijst."))
    seen.add(key)
    return GoodLine(number, recipient)


def _find_column(path: Sequence[int | str], headings: Sequence[str]) -> str:
    return headings[int(path[1])] if path[0] == "results" and len(path) > 1 else ""


def _find_reason(error: ValidationError, headings: Sequence[str]) -> tuple[str, str]:
    first = error.errors()[0]
    field = str(first["loc"][0])
    if first["type"] == "invisible_character":
        return _HIDDEN_CHARACTER, ""
    if field == "results":
        return _RESULT_PROBLEMS[str(first["loc"][2])], _find_column(first["loc"], headings)
    if first["type"] == "string_too_long":
        return (_LONG_NAME if field.endswith("_name") else _PROBLEMS.get(field, _TOO_LONG)), ""
    return _PROBLEMS[field], ""
