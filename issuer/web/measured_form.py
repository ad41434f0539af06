"""What a form says of learning outcomes, a grade and results: lines and a few fields, as a teacher would write them.

What the API can say beyond that (the skills of an outcome, a text in English, the points of a level) is kept where
the form still has what it belongs to, so that changing a badge on the page loses nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from issuer.achievements import AchievementDescription
from issuer.list_columns import number
from issuer.results import ResultDescription
from runtime.web.language import written_number

GRADE_FIELDS: Final = ("grade_name", "grade_minimum", "grade_maximum", "grade_required")
PARTS: Final = ("id", "name", "kind", "choices", "minimum", "maximum", "required")
# For each kind of result on the page, as what it is described.
KINDS: Final = {"levels": "RubricCriterionLevel", "number": "RawScore", "values": "Result", "status": "Status"}

Block = dict[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the description says now, of which the form asks only a part."""

    members: Mapping[str, Any]

    @classmethod
    def of(cls, description: AchievementDescription | None) -> "Kept":
        return cls({} if description is None else description.model_dump(mode="json", exclude_none=True))

    def texts(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        """The elements of a list that have a text in Dutch, by that text."""
        return {_dutch(one): one for one in self.members.get(name, ())}


def _dutch(member: Mapping[str, Any]) -> str:
    return str(member.get("text", member.get("name"))["nl"])


def measured_values(description: AchievementDescription, language: str) -> dict[str, str]:
    """The fields of outcomes and grade, filled in with what a description says."""
    scheme = description.grading_scheme
    grades = (
        ("", None, None, None) if scheme is None else (scheme.name.nl, scheme.minimum, scheme.maximum, scheme.required)
    )
    return {
        "outcomes": "\n".join(outcome.text.nl for outcome in description.learning_outcomes),
        **{name: written_number(value or "", language) for name, value in zip(GRADE_FIELDS, grades, strict=True)},
    }


def level_skill(place: int, skill: str, level: str) -> str:
    """What the box stands for that says that a level of the block at this place shows a skill."""
    return f"{place}|{skill}|{level}"


def level_skills_of(description: AchievementDescription) -> set[str]:
    """The boxes that are ticked for what a description says now."""
    return {
        level_skill(place, skill, level.name.nl)
        for place, one in enumerate(description.result_descriptions)
        for level in one.rubric_criterion_levels
        for skill in level.skills
    }


def blocks_of(description: AchievementDescription, language: str) -> list[Block]:
    """One block of fields for each result that a description has."""
    return [_block(one, language) for one in description.result_descriptions]


def _block(one: ResultDescription, language: str) -> Block:
    names = {level.id: level.name.nl for level in one.rubric_criterion_levels}
    required = one.required_value or ""
    return {
        "id": one.id,
        "name": one.name.nl,
        "kind": _kind(one),
        "choices": "\n".join(names.values() or one.allowed_values),
        "minimum": written_number(one.value_min or "", language),
        "maximum": written_number(one.value_max or "", language),
        "required": names.get(
            one.required_level or "", required if required in one.allowed_values else written_number(required, language)
        ),
    }


def _kind(one: ResultDescription) -> str:
    if one.rubric_criterion_levels:
        return "levels"
    if one.result_type == "Status":
        return "status"
    return "values" if one.allowed_values else "number"


def as_outcomes(text: str, kept: Kept, skills: Sequence[str]) -> Sequence[Mapping[str, Any]]:
    """One learning outcome a line; a line that was there keeps its skills and level."""
    earlier = kept.texts("learning_outcomes")
    found = [earlier.get(line, {"text": {"nl": line}}) for line in _lines(text)]
    return [_with_skills(outcome, skills) for outcome in found]


def as_grading_scheme(values: Mapping[str, str], kept: Kept) -> Mapping[str, Any] | None:
    """What a grade means; nothing where it has no name and no limits."""
    name, minimum, maximum, required = (values[field] for field in GRADE_FIELDS)
    if not any((name, minimum, maximum, required)):
        return None
    earlier = kept.members.get("grading_scheme", {})
    said = {"minimum": number(minimum), "maximum": number(maximum), "required": number(required)}
    return {
        **{member: value for member, value in earlier.items() if member == "url"},
        "name": {**earlier.get("name", {}), "nl": name},
        **{member: value for member, value in said.items() if value},
    }


def as_result_descriptions(
    blocks: Sequence[Block], kept: Kept, skills: Sequence[str], ticked: Collection[str]
) -> list[Mapping[str, Any]]:
    """The results that the blocks describe, each with what else was known of it; `ticked` says what levels show."""
    earlier = {one["id"]: one for one in kept.members.get("result_descriptions", ())}
    taken = [block["id"] for block in blocks if block["id"]]
    found: list[Mapping[str, Any]] = []
    for place, block in enumerate(blocks):
        identifier = block["id"] or _free(f"r{place + 1}", taken)
        taken.append(identifier)
        described = _with_skills(_describe(block, identifier, earlier.get(identifier, {})), skills)
        for level in described.get("rubric_criterion_levels", ()):
            level["skills"] = [skill for skill in skills if level_skill(place, skill, level["name"]["nl"]) in ticked]
        found.append(described)
    return found


def _describe(block: Block, identifier: str, earlier: Mapping[str, Any]) -> dict[str, Any]:
    is_same = bool(earlier) and _kind(ResultDescription.model_validate(earlier)) == block["kind"]
    described: dict[str, Any] = {
        **({"skills": earlier["skills"]} if "skills" in earlier else {}),
        "id": identifier,
        "name": {**earlier.get("name", {}), "nl": block["name"]},
        "result_type": earlier["result_type"] if is_same else KINDS.get(block["kind"], "Result"),
    }
    lines = _lines(block["choices"])
    if block["kind"] == "levels":
        return described | _levels(lines, block["required"], earlier)
    if block["kind"] == "values":
        described["allowed_values"] = lines
    if block["kind"] == "number":
        limits = {"value_min": number(block["minimum"]), "value_max": number(block["maximum"])}
        described |= {name: value for name, value in limits.items() if value}
    if block["kind"] != "status" and block["required"]:
        described["required_value"] = block["required"] if block["required"] in lines else number(block["required"])
    return described


def _levels(lines: Sequence[str], required: str, earlier: Mapping[str, Any]) -> dict[str, Any]:
    known = {level["name"]["nl"]: level for level in earlier.get("rubric_criterion_levels", ())}
    taken = [known[line]["id"] for line in lines if line in known]
    levels: list[dict[str, Any]] = []
    for place, line in enumerate(lines, 1):
        identifier = known[line]["id"] if line in known else _free(f"n{place}", taken)
        taken.append(identifier)
        levels.append(dict(known.get(line, {"id": identifier, "name": {"nl": line}})))
    reached = next((level["id"] for level in levels if level["name"]["nl"].casefold() == required.casefold()), None)
    # A level that is not there is refused beside its field, as any other wrong word is.
    return {"rubric_criterion_levels": levels, **({"required_level": reached or "onbekend"} if required else {})}


def _free(wanted: str, taken: Sequence[str]) -> str:
    """A name that no other part has."""
    return wanted if wanted not in taken else _free(f"{wanted}x", taken)


def _with_skills(member: Mapping[str, Any], skills: Sequence[str]) -> dict[str, Any]:
    """Without the skills that the badge has no more."""
    kept = [skill for skill in member.get("skills", ()) if skill in skills]
    return {**{name: value for name, value in member.items() if name != "skills"}, **({"skills": kept} if kept else {})}


def _lines(text: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
