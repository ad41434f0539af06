"""The columns of a list of people: who they are, what they reached, and what else the badge says of them alone.

A result has a column of its own, headed by its name or by `resultaat:` and its name. In its cells stands what a
teacher would write: the name of a level, a value, or `gehaald`. Which skills of the badge somebody showed by it may
stand in another column, headed by `skills:` and the name of the result: names or addresses, with `|` or `;` between.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from issuer.achievements import SkillReference
from issuer.errors import N_, InputError
from issuer.results import GradingScheme, ResultDescription

SAME_COLUMN: Final = N_("Twee kolommen zeggen hetzelfde. Haal er een weg, en kijk naar de eerste regel.")
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
    "uitgereikt namens": "on_behalf_of_name",
    "on_behalf_of": "on_behalf_of_name",
    "on behalf of": "on_behalf_of_name",
    "webadres uitgereikt namens": "on_behalf_of_url",
    "on_behalf_of_url": "on_behalf_of_url",
    "beoordeeld door": "source_name",
    "source": "source_name",
    "assessed by": "source_name",
    "webadres beoordeeld door": "source_url",
    "source_url": "source_url",
}
# Of another organisation two columns speak: what it is called, and where it is on the web.
_ORGANISATIONS: Final = {
    f"{field}_{part}": (field, part) for field in ("on_behalf_of", "source") for part in ("name", "url")
}
_RESULT_SKILLS: Final = re.compile(r"skills?\s*:\s*(.+)", re.IGNORECASE)
_BETWEEN_SKILLS: Final = re.compile(r"[;|\n]")
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
class ResultSkills:
    """A column with the skills that somebody showed by one result; those of the badge by each of their names."""

    result_description: str
    skills: Mapping[str, str]

    def read(self, cell: str) -> list[str]:
        """The addresses of the skills; what names none of the badge stays, and is refused where it is checked."""
        named = [name.strip() for name in _BETWEEN_SKILLS.split(cell)]
        return [self.skills.get(name.casefold(), name) for name in dict.fromkeys(named) if name]


_Column = str | ResultDescription | ResultSkills


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands in each column of a list: the name of a field, a result, its skills, or nothing that we use."""

    fields: Sequence[_Column]
    headings: Sequence[str]

    @property
    def unused(self) -> Sequence[str]:
        """The headings of columns that nothing is done with."""
        return [heading for heading, name in zip(self.headings, self.fields, strict=True) if not name and heading]


DEFAULT: Final = Columns(("given_name", "family_name", "email", "reference"), ("",) * 4)


def find_columns(
    cells: Iterable[str],
    described: Sequence[ResultDescription],
    scheme: GradingScheme | None,
    skills: Sequence[SkillReference] = (),
) -> Columns | None:
    """The columns that a first line names, None when it is no line of headings. Raise InputError for a wrong result."""
    headings = [cell.strip() for cell in cells]
    if not any(_HEADINGS.get(heading.casefold()) == "email" for heading in headings):
        return None
    fields = [_field(heading, described, scheme, skills) for heading in headings]
    used = [field for field in fields if field]
    if any(field in used[:number] for number, field in enumerate(used)):
        raise InputError(fields={"people": SAME_COLUMN})
    return Columns(fields, headings)


def _field(
    heading: str,
    described: Sequence[ResultDescription],
    scheme: GradingScheme | None,
    skills: Sequence[SkillReference],
) -> _Column:
    folded = heading.casefold()
    if folded in _HEADINGS:
        return _HEADINGS[folded]
    if scheme is not None and folded in _names(scheme.name.nl, scheme.name.en):
        return "grade"
    about_skills = _RESULT_SKILLS.fullmatch(heading)
    marked = about_skills or _RESULT.fullmatch(heading)
    name = marked[1].casefold() if marked else folded
    found = next((one for one in described if name in _names(one.id, one.name.nl, one.name.en)), None)
    if found is None and marked:
        raise InputError(fields={"people": UNKNOWN_COLUMN})
    if found is not None and about_skills:
        return ResultSkills(found.id, {skill.name.casefold(): skill.uri for skill in skills})
    return found or ""


def _names(*names: str | None) -> set[str]:
    return {name.casefold() for name in names if name}


def read_line(cells: Sequence[str], columns: Columns) -> tuple[dict[str, Any], Sequence[str]]:
    """What a line says, as a recipient takes it, and over which column each of its results stands."""
    values: dict[str, Any] = {}
    results: dict[str, dict[str, Any]] = {}
    headings: dict[str, str] = {}
    for name, heading, cell in zip(columns.fields, columns.headings, cells, strict=False):
        if not name or not cell:
            continue
        if isinstance(name, str):
            _set(values, name, _READERS.get(name, str)(cell))
            continue
        identifier = name.id if isinstance(name, ResultDescription) else name.result_description
        read = read_result(cell, name) if isinstance(name, ResultDescription) else {"skills": name.read(cell)}
        results[identifier] = {"result_description": identifier, **results.get(identifier, {}), **read}
        headings.setdefault(identifier, heading)
    return {**values, "results": list(results.values())} if results else values, list(headings.values())


def _set(values: dict[str, Any], name: str, value: str) -> None:
    if name not in _ORGANISATIONS:
        values[name] = value
        return
    field, part = _ORGANISATIONS[name]
    values.setdefault(field, {})[part] = value


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
