"""What the form for one person asks of what a badge measures, and how its answers are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from issuer.achievements import AchievementDescription
from issuer.errors import N_
from issuer.list_columns import number
from issuer.results import ResultDescription

# What one award says beside its results, by the field that asks it.
ABOUT_FIELDS: Final = (
    *("narrative", "activity_start_date", "activity_end_date", "credits_earned", "role", "term", "license_number"),
    *("birth_date", "on_behalf_of_name", "on_behalf_of_url"),
)
_STATUSES: Final = (
    ("Completed", N_("gehaald")),
    ("Failed", N_("niet gehaald")),
    ("InProgress", N_("nog bezig")),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One result that the form asks: from a list of choices, or as a number."""

    id: str
    name: str
    choices: Sequence[tuple[str, str]]
    lowest: str | None
    highest: str | None
    skills: Sequence[tuple[str, str]]
    """The skills of the badge that a person may show by it, by address and name; not those that it always shows."""


@dataclass(frozen=True, slots=True)
class Grading:
    """The grade that the form asks."""

    name: str
    minimum: str | None
    maximum: str | None


@dataclass(frozen=True, slots=True)
class Measured:
    """What a badge measures, for a form in one language; `headings` are for the first line of a list."""

    grading: Grading | None
    results: Sequence[Asked]
    headings: str


def create_measured(description: AchievementDescription, language: str, translate: Callable[[str], str]) -> Measured:
    """What is asked of one person. A result of several ways to say it is asked by its levels."""
    scheme = description.grading_scheme
    grading = None if scheme is None else Grading(scheme.name.best(language), scheme.minimum, scheme.maximum)
    skills = [(skill.uri, skill.name) for skill in description.skills]
    results = [_ask(one, skills, language, translate) for one in description.result_descriptions]
    names = [*([] if grading is None else [grading.name]), *(one.name for one in results)]
    people = [translate(name) for name in (N_("Voornaam"), N_("Achternaam"), N_("E-mail"))]
    return Measured(grading, results, "; ".join([*people, *names]) if names else "")


def _ask(
    one: ResultDescription, skills: Sequence[tuple[str, str]], language: str, translate: Callable[[str], str]
) -> Asked:
    levels = [(level.id, level.name.best(language)) for level in one.rubric_criterion_levels]
    values = [(value, value) for value in one.allowed_values]
    states = [(code, translate(words)) for code, words in _STATUSES] if one.result_type == "Status" else []
    choices = levels or values or states
    return Asked(
        one.id,
        one.name.best(language),
        [("", translate(N_("niet ingevuld"))), *choices] if choices else [],
        one.value_min,
        one.value_max,
        [(uri, name) for uri, name in skills if uri not in one.skills],
    )


def read_award_form(
    values: Mapping[str, str], described: Sequence[ResultDescription], shown: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """What the form says of an award, as a recipient takes it; empty fields are absent.

    `shown`: which skills were ticked at each result. Skills without a result stay, and are refused where it is judged.
    """
    results = [
        _read_result(one, values.get(f"result-{one.id}", "")) | ({"skills": skills} if skills else {})
        for one in described
        if (skills := list(shown.get(one.id, ()))) or values.get(f"result-{one.id}")
    ]
    behalf = {name: values.get(f"on_behalf_of_{name}", "") for name in ("name", "url")}
    about = {name: values.get(name, "") for name in ABOUT_FIELDS if not name.startswith("on_behalf_of")}
    said = {
        **about,
        "credits_earned": number(about["credits_earned"]),
        "grade": number(values.get("grade", "")),
        "results": results,
        "on_behalf_of": {name: value for name, value in behalf.items() if value},
    }
    return {name: value for name, value in said.items() if value}


def _read_result(one: ResultDescription, value: str) -> dict[str, Any]:
    if not value:
        return {"result_description": one.id}
    otherwise = "status" if one.result_type == "Status" else "value"
    member = "achieved_level" if one.rubric_criterion_levels else otherwise
    return {"result_description": one.id, member: value if one.allowed_values else number(value)}


def field_of_problem(path: str, results: Sequence[Mapping[str, str]]) -> str:
    """The field of the form beside which a problem belongs."""
    parts = path.split(".")
    if parts[0] == "results" and len(parts) > 1:
        return f"result-{results[int(parts[1])]['result_description']}"
    if parts[0] == "on_behalf_of":
        return "on_behalf_of_name" if parts[-1] == "name" else "on_behalf_of_url"
    return path
