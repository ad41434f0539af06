"""Results: what an achievement measures, and what somebody reached of it. Open Badges 3.0 Appendix B; B-07, E-21.

An achievement describes each result once: a number with its range, one of some values, a status, or a criterion of a
rubric with its levels. A result of somebody names that description, and is refused where it does not fit it.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from issuer.errors import N_
from issuer.input import Input, Localised, PartName, ShortText, WebAddress
from kernel.errors import MalformedError
from kernel.microcredential import GRADE
from kernel.open_badges import SKILL, find_alignment_kind, verify_result, without_absent

ResultType = Literal[
    "GradePointAverage",
    "LetterGrade",
    "Percent",
    "PerformanceLevel",
    "PredictedScore",
    "RawScore",
    "Result",
    "RubricCriterion",
    "RubricCriterionLevel",
    "RubricScore",
    "ScaledScore",
    "Status",
]
ResultStatus = Literal["Completed", "Enrolled", "Failed", "InProgress", "OnHold", "Provisional", "Withdrew"]

_Number = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,9}(?:\.[0-9]{1,6})?$")]
_Value = Annotated[str, StringConstraints(min_length=1, max_length=100)]

UNKNOWN_RESULT: Final = N_("Dit resultaat hoort niet bij deze badge.")
UNKNOWN_LEVEL: Final = N_("Dit niveau hoort niet bij dit resultaat.")
IMPOSSIBLE_VALUE: Final = N_("Deze waarde past niet bij dit resultaat: zij valt buiten de grenzen of de keuzes.")
_TWICE: Final = N_("Dit staat er twee keer.")
_NO_STATUS: Final = N_("Zeg van dit resultaat of het gehaald is.")
_SAYS_NOTHING: Final = N_("Geef een waarde, een niveau of een stand.")
_NO_RANGE: Final = N_("Het laagste getal is hoger dan het hoogste.")
UNKNOWN_SKILL: Final = N_("Deze skill staat niet bij de badge.")
NO_GRADES: Final = N_("Deze badge kent geen cijfer. Beschrijf eerst bij de badge wat een cijfer betekent.")


class RubricCriterionLevel(Input):
    """A level of a rubric's criterion. B-07."""

    id: PartName
    name: Localised
    level: ShortText | None = None
    points: _Number | None = None
    description: Localised | None = None
    skills: list[WebAddress] = Field(default_factory=list, max_length=50)
    """Of those of the badge, which somebody on this level shows."""


class ResultDescription(Input):
    """What is measured, and what somebody can reach of it. B-07."""

    id: PartName
    name: Localised
    result_type: ResultType
    allowed_values: list[_Value] = Field(default_factory=list, max_length=50)
    """From low to high."""
    value_min: _Number | None = None
    value_max: _Number | None = None
    required_value: _Value | None = None
    required_level: PartName | None = None
    rubric_criterion_levels: list[RubricCriterionLevel] = Field(default_factory=list, max_length=20)
    """From low to high."""
    skills: list[WebAddress] = Field(default_factory=list, max_length=50)
    """Of those of the badge, which it shows."""


class GradingScheme(Input):
    """What a grade of this achievement means. E-21."""

    name: Localised
    minimum: _Number | None = None
    maximum: _Number | None = None
    required: _Value | None = None
    url: WebAddress | None = None


class Result(Input):
    """What somebody reached: of which description, and the value, the level or the status."""

    result_description: PartName
    value: _Value | None = None
    achieved_level: PartName | None = None
    status: ResultStatus | None = None
    skills: list[WebAddress] = Field(default_factory=list, max_length=50)
    """Of those of the badge, which this person showed by it, beside those of the description and the level."""


# Inside a badge


def result_uri(uri: str, description: str, level: str | None = None) -> str:
    """The identifier of a result description of an achievement, or of one of its levels."""
    return f"{uri}#result-{description}" if level is None else f"{uri}#result-{description}.{level}"


def create_result_descriptions(
    described: Sequence[ResultDescription], alignments: Mapping[str, Mapping[str, Any]], *, uri: str, language: str
) -> list[dict[str, Any]]:
    """The result descriptions of an achievement, with the alignments of its skills by their address. B-07."""
    return [
        without_absent(
            {
                "id": result_uri(uri, one.id),
                "type": ["ResultDescription"],
                "name": one.name.best(language),
                "resultType": one.result_type,
                "allowedValue": one.allowed_values,
                "requiredLevel": one.required_level and result_uri(uri, one.id, one.required_level),
                "requiredValue": one.required_value,
                "valueMin": one.value_min,
                "valueMax": one.value_max,
                "rubricCriterionLevel": [
                    _create_level(uri, one, level, alignments, language) for level in one.rubric_criterion_levels
                ],
                "alignment": _choose(alignments, one.skills),
            }
        )
        for one in described
    ]


def _choose(alignments: Mapping[str, Mapping[str, Any]], skills: Sequence[str]) -> list[dict[str, Any]]:
    return [dict(alignments[skill]) for skill in skills]


def _create_level(
    uri: str,
    described: ResultDescription,
    level: RubricCriterionLevel,
    alignments: Mapping[str, Mapping[str, Any]],
    language: str,
) -> dict[str, Any]:
    return without_absent(
        {
            "id": result_uri(uri, described.id, level.id),
            "type": ["RubricCriterionLevel"],
            "name": level.name.best(language),
            "level": level.level,
            "points": level.points,
            "description": level.description and level.description.best(language),
            "alignment": _choose(alignments, level.skills),
        }
    )


def create_results(
    results: Sequence[Result], grade: str | None, achievement: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The results of somebody in this badge, the grade first. B-07, E-21."""
    uri, alignments = achievement["id"], _skill_alignments(achievement)
    grades = [] if grade is None else [{"type": ["Result"], "resultDescription": _grading(achievement), "value": grade}]
    return [
        *grades,
        *(
            without_absent(
                {
                    "type": ["Result"],
                    "resultDescription": result_uri(uri, result.result_description),
                    "achievedLevel": result.achieved_level
                    and result_uri(uri, result.result_description, result.achieved_level),
                    "value": result.value,
                    "status": result.status,
                    "alignment": _choose(alignments, result.skills),
                }
            )
            for result in results
        ),
    ]


def _skill_alignments(achievement: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The alignments of an achievement with skills, by their address; those that say how much work it is are none."""
    alignments = achievement.get("alignment", ())
    return {one["targetUrl"]: one for one in alignments if find_alignment_kind(one) == SKILL}


def _grading(achievement: Mapping[str, Any]) -> str | None:
    described = achievement.get("resultDescription", ())
    return next((one["id"] for one in described if one["resultType"] == GRADE), None)


# What is wrong, by the path of the field


def find_description_problems(described: Sequence[ResultDescription], skills: Sequence[str]) -> dict[str, str]:
    """What of the result descriptions does not fit together, by field."""
    return {
        f"result_descriptions.{number}.{name}": sentence
        for number, one in enumerate(described)
        for name, sentence in _description_problems(one, {other.id for other in described[:number]}, skills)
    }


def _description_problems(
    one: ResultDescription, earlier: set[str], skills: Sequence[str]
) -> Iterator[tuple[str, str]]:
    levels = [level.id for level in one.rubric_criterion_levels]
    if one.id in earlier:
        yield "id", _TWICE
    yield from (
        (f"rubric_criterion_levels.{number}.id", _TWICE)
        for number, level in enumerate(levels)
        if level in levels[:number]
    )
    if one.required_level is not None and one.required_level not in levels:
        yield "required_level", UNKNOWN_LEVEL
    if one.value_min is not None and one.value_max is not None and Decimal(one.value_min) > Decimal(one.value_max):
        yield "value_max", _NO_RANGE
    elif one.required_value is not None and not _can_be(one.required_value, _example(one)):
        yield "required_value", IMPOSSIBLE_VALUE
    yield from _unknown_skills("skills", one.skills, skills)
    for number, described in enumerate(one.rubric_criterion_levels):
        yield from _unknown_skills(f"rubric_criterion_levels.{number}.skills", described.skills, skills)


def _unknown_skills(name: str, named: Sequence[str], skills: Container[str]) -> Iterator[tuple[str, str]]:
    yield from ((f"{name}.{number}", UNKNOWN_SKILL) for number, skill in enumerate(named) if skill not in skills)


def find_grading_problems(scheme: GradingScheme | None) -> dict[str, str]:
    """What of a grading scheme does not fit together, by field."""
    if scheme is None:
        return {}
    described = ResultDescription(
        id="grade",
        name=scheme.name,
        result_type="Result",
        value_min=scheme.minimum,
        value_max=scheme.maximum,
        required_value=scheme.required,
    )
    fields = {"value_max": "maximum", "required_value": "required"}
    problems = _description_problems(described, set(), ())
    return {f"grading_scheme.{fields[name]}": sentence for name, sentence in problems}


_EXAMPLE: Final = "urn:example"


def _example(one: ResultDescription) -> dict[str, Any]:
    """As it would stand in a badge, but for its skills, which say nothing of a value."""
    levels = [level.model_copy(update={"skills": []}) for level in one.rubric_criterion_levels]
    bare = one.model_copy(update={"skills": [], "rubric_criterion_levels": levels})
    [described] = create_result_descriptions([bare], {}, uri=_EXAMPLE, language="nl")
    return described


def find_result_problems(
    results: Sequence[Result], grade: str | None, achievement: Mapping[str, Any]
) -> dict[str, str]:
    """What of somebody's results this achievement does not describe, by field."""
    described = {one["id"]: one for one in achievement.get("resultDescription", ())}
    skills = _skill_alignments(achievement)
    problems = {
        f"results.{number}.{name}": sentence
        for number, result in enumerate(results)
        for name, sentence in _result_problems(
            result, {other.result_description for other in results[:number]}, achievement["id"], described, skills
        )
    }
    if grade is not None:
        grading = described.get(_grading(achievement) or "")
        if grading is None:
            problems["grade"] = NO_GRADES
        elif not _can_be(grade, grading):
            problems["grade"] = IMPOSSIBLE_VALUE
    return problems


def _result_problems(
    result: Result,
    earlier: set[str],
    uri: str,
    described: Mapping[str, Mapping[str, Any]],
    skills: Container[str],
) -> Iterator[tuple[str, str]]:
    one = described.get(result_uri(uri, result.result_description))
    if one is None:
        yield "result_description", UNKNOWN_RESULT
        return
    if result.result_description in earlier:
        yield "result_description", _TWICE
    if result.achieved_level is not None:
        level = result_uri(uri, result.result_description, result.achieved_level)
        if level not in [each["id"] for each in one.get("rubricCriterionLevel", ())]:
            yield "achieved_level", UNKNOWN_LEVEL
    if result.value is not None and not _can_be(result.value, one):
        yield "value", IMPOSSIBLE_VALUE
    if one["resultType"] == "Status" and result.status is None:
        yield "status", _NO_STATUS
    elif result.value is result.achieved_level is result.status is None:
        yield "value", _SAYS_NOTHING
    yield from _unknown_skills("skills", result.skills, skills)


def _can_be(value: str, described: Mapping[str, Any]) -> bool:
    """Whether the kernel would sign this value as such a result."""
    described = {**described, "resultType": "Result"}
    result = {"type": ["Result"], "resultDescription": described["id"], "value": value}
    try:
        verify_result(result, {"resultDescription": [described]})
    except MalformedError:
        return False
    return True
