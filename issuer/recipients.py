"""Read a pasted or uploaded list of people, and say of each line that cannot be used why."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from issuer.awards import Recipient
from issuer.errors import N_, InputError

MAX_LINES = 1000
TOO_MANY = N_(
    "Dit zijn meer dan 1000 regels. Verdeel de lijst. Of laat de beheerder van deze dienst alles ineens uitreiken, "
    "als bestanden zonder wallet, met de opdracht: skillswallet issuer award-in-bulk."
)
NOBODY = N_("Zet hier ten minste een persoon neer.")
_HIDDEN_CHARACTER = N_("Er staat een teken in dat niemand kan zien.")
_LONG_NAME = N_("De naam is te lang.")
_SEPARATORS = "\t;,"
_HEADINGS = {
    "voornaam": "given_name",
    "given_name": "given_name",
    "given name": "given_name",
    "first name": "given_name",
    "achternaam": "family_name",
    "family_name": "family_name",
    "family name": "family_name",
    "last name": "family_name",
    "e-mail": "email",
    "email": "email",
    "e-mailadres": "email",
    "kenmerk": "reference",
    "reference": "reference",
    "studentnummer": "reference",
}
_DEFAULT_COLUMNS = ("given_name", "family_name", "email", "reference")
_PROBLEMS = {
    "given_name": N_("De voornaam ontbreekt."),
    "family_name": N_("De achternaam ontbreekt."),
    "email": N_("Het e-mailadres klopt niet."),
    "reference": N_("Het kenmerk is te lang."),
}


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


@dataclass(frozen=True, slots=True)
class RecipientList:
    """What a list turned out to hold."""

    good: Sequence[GoodLine]
    bad: Sequence[BadLine]


def parse_recipients(text: str, *, limit: int = MAX_LINES) -> RecipientList:
    """Read lines of given name, family name, e-mail address and (if wanted) a reference of the organisation.

    Separated by tab, semicolon or comma, as a spreadsheet gives them; a first line with headings sets the order.
    """
    lines = [(number, line) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1) if line.strip()]
    if not lines:
        raise InputError(fields={"people": NOBODY})
    if len(lines) > limit:
        raise InputError(fields={"people": TOO_MANY})
    columns = _find_headings(lines[0][1])
    people = lines if columns is None else lines[1:]
    if not people:
        raise InputError(fields={"people": NOBODY})
    good: list[GoodLine] = []
    bad: list[BadLine] = []
    seen: set[str] = set()
    for number, line in people:
        found = _parse_line(number, line, columns or _DEFAULT_COLUMNS, seen)
        (good if isinstance(found, GoodLine) else bad).append(found)  # type: ignore[arg-type]
    return RecipientList(good, bad)


def _find_headings(line: str) -> Sequence[str] | None:
    cells = [_HEADINGS.get(cell.strip().lower(), "") for cell in _split(line)]
    return cells if "email" in cells else None


def _split(line: str) -> list[str]:
    separator = next((mark for mark in _SEPARATORS if mark in line), ",")
    if '"' not in line and "\r" not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:  # a cell longer than any name
        return []


def _parse_line(number: int, line: str, columns: Sequence[str], seen: set[str]) -> GoodLine | BadLine:
    cells = map(str.strip, _split(line))
    values = {name: cell for name, cell in zip(columns, cells, strict=False) if name and cell}
    try:
        recipient = Recipient.model_validate(values)
    except ValidationError as exc:
        return BadLine(number, line.strip()[:200], _find_reason(exc))
    key = recipient.email.lower()
    if key in seen:
        return BadLine(number, line.strip()[:200], N_("Dit e-mailadres staat al eerder in de lijst."))
    seen.add(key)
    return GoodLine(number, recipient)


def _find_reason(error: ValidationError) -> str:
    first = error.errors()[0]
    field = str(first["loc"][0])
    if first["type"] == "invisible_character":
        return _HIDDEN_CHARACTER
    return _LONG_NAME if first["type"] == "string_too_long" and field.endswith("_name") else _PROBLEMS[field]
