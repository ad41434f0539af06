"""The columns of a list of people: who they are, what they reached, and what else the badge says of them alone.

A result has a column of its own, headed by its name or by `resultaat:` and its name. In its cells stands what a
teacher would write: the name of a level, a value, or `gehaald`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from issuer.errors import N_, InputError
from issuer.results import GradingScheme, ResultDescription

UNKNOWN_COLUMN: Final = N_("Een kolom met een resultaat hoort niet bij deze badge. Kijk naar de eerste regel.")

_HEADINGS: Final = {
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
    "geboortedatum": "birth_date",
    "birth_date": "birth_date",
    "date of birth": "birth_date",
    "cijfer": "grade",
    "grade": "grade",
    "toelichting": "narrative",
    "narrative": "narrative",
    "begonnen op": "activity_start_date",
    "activity_start_date": "activity_start_date",
    "start date": "activity_start_date",
    "klaar op": "activity_end_date",
    "activity_end_date": "activity_end_date",
    "end date": "activity_end_date",
    "behaalde studiepunten": "credits_earned",
    "credits_earned": "credits_earned",
    "credits earned": "credits_earned",
    "rol": "role",
    "role": "role",
    "periode": "term",
    "term": "term",
    "licentienummer": "license_number",
    "license_number": "license_number",
    "licence number": "license_number",
}
_RESULT: Final = re.compile(r"(?:resultaat|result)\s*:\s*(.+)", re.IGNORECASE)
_STATUSES: Final = {
    "gehaald": "Completed",
    "completed": "Completed",
    "passed": "Completed",
    "niet gehaald": "Failed",
    "failed": "Failed",
    "ingeschreven": "Enrolled",
    "enrolled": "Enrolled",
    "bezig": "InProgress",
    "in progress": "InProgress",
    "uitgesteld": "OnHold",
    "on hold": "OnHold",
    "voorlopig": "Provisional",
    "provisional": "Provisional",
    "gestopt": "Withdrew",
    "withdrew": "Withdrew",
}
_DUTCH_DAY: Final = re.compile(r"(\d{1,2})[-/](\d{1,2})[-/](\d{4})")
_NUMBER: Final = re.compile(r"-?\d+(?:[.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands in each column of a list: the name of a field, a result, or nothing that we use."""

    fields: Sequence[str | ResultDescription]
    headings: Sequence[str]

    @property
    def unused(self) -> Sequence[str]:
        """The headings of columns that nothing is done with."""
        return [heading for heading, name in zip(self.headings, self.fields, strict=True) if not name and heading]


DEFAULT: Final = Columns(("given_name", "family_name", "email", "reference"), ("",) * 4)


def find_columns(
    cells: Iterable[str], described: Sequence[ResultDescription], scheme: GradingScheme | None
) -> Columns | None:
    """The columns that a first line names, None when it is no line of headings. Raise InputError for a wrong result."""
    headings = [cell.strip() for cell in cells]
    if not any(_HEADINGS.get(heading.casefold()) == "email" for heading in headings):
        return None
    return Columns([_field(heading, described, scheme) for heading in headings], headings)


def _field(
    heading: str, described: Sequence[ResultDescription], scheme: GradingScheme | None
) -> str | ResultDescription:
    folded = heading.casefold()
    if folded in _HEADINGS:
        return _HEADINGS[folded]
    if scheme is not None and folded in _names(scheme.name.nl, scheme.name.en):
        return "grade"
    marked = _RESULT.fullmatch(heading)
    name = marked[1].casefold() if marked else folded
    found = next((one for one in described if name in _names(one.id, one.name.nl, one.name.en)), None)
    if found is None and marked:
        raise InputError(fields={"people": UNKNOWN_COLUMN})
    return found or ""


def _names(*names: str | None) -> set[str]:
    return {name.casefold() for name in names if name}


def read_line(cells: Sequence[str], columns: Columns) -> tuple[dict[str, Any], Sequence[str]]:
    """What a line says, as a recipient takes it, and over which column each of its results stands."""
    values: dict[str, Any] = {}
    results: list[dict[str, str]] = []
    headings: list[str] = []
    for name, heading, cell in zip(columns.fields, columns.headings, cells, strict=False):
        if isinstance(name, ResultDescription):
            if cell:
                results.append({"result_description": name.id, **read_result(cell, name)})
                headings.append(heading)
        elif name and cell:
            values[name] = _READERS.get(name, str)(cell)
    return {**values, "results": results} if results else values, headings


def read_result(text: str, described: ResultDescription) -> Mapping[str, str]:
    """What somebody wrote of a result: the level, the state or the value. Whether it fits, the badge decides."""
    folded = text.casefold()
    if described.rubric_criterion_levels:
        level = next(
            (
                one.id
                for one in described.rubric_criterion_levels
                if folded in _names(one.id, one.name.nl, one.name.en, one.level)
            ),
            None,
        )
        is_level = level is not None or not _is_measured(described)
        return {"achieved_level": level or text} if is_level else {"value": number(text)}
    if described.result_type == "Status":
        return {"status": _STATUSES.get(folded, text)}
    return {"value": text if text in described.allowed_values else number(text)}


def _is_measured(described: ResultDescription) -> bool:
    return bool(described.allowed_values) or described.value_min is not None or described.value_max is not None


def number(text: str) -> str:
    """A number as programs write it, where it is one: 7,5 becomes 7.5."""
    return text.replace(",", ".") if _NUMBER.fullmatch(text) else text


def day(text: str) -> str:
    """A day as programs write it: 1-2-2026 becomes 2026-02-01."""
    found = _DUTCH_DAY.fullmatch(text)
    try:
        return date(int(found[3]), int(found[2]), int(found[1])).isoformat() if found else text
    except ValueError:
        return text


_READERS: Final[Mapping[str, Callable[[str], str]]] = {
    "grade": number,
    "credits_earned": number,
    "birth_date": day,
    "activity_start_date": day,
    "activity_end_date": day,
}
