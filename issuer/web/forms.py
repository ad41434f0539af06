"""What people fill in, read from a form; every field keeps what was typed, right or wrong."""

import base64
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from issuer.achievements import AchievementDescription, description_of, image_data_url, input_problems, parse_image
from issuer.award_details import find_detail_problems
from issuer.awards import Recipient
from issuer.errors import N_, InputError
from issuer.images import MAX_BYTES
from issuer.recipients import GoodLine, RecipientList, parse_recipients
from issuer.store import AchievementRow
from issuer.web.award_form import ABOUT_FIELDS, field_of_problem, read_award_form
from issuer.web.measured_form import (
    GRADE_FIELDS,
    PARTS,
    Block,
    Kept,
    as_grading_scheme,
    as_outcomes,
    as_result_descriptions,
    blocks_of,
    level_skill,
    level_skills_of,
    measured_values,
)
from kernel.strict_json import parse_json
from runtime.spreadsheets import decode_list
from runtime.tokens import create_numeric_code
from runtime.web.language import written_number
from skills.search import SkillIndex

_MAX_LIST = 512 * 1024

ONE_PERSON: tuple[str, ...] = ("given_name", "family_name", "email")
ONE_PERSON += ("evidence_name", "evidence_description", "evidence_url", "grade", *ABOUT_FIELDS)
TEXT_FIELDS = (
    "name",
    "name_en",
    "description",
    "description_en",
    "criteria",
    "criteria_en",
    "assessment",
    "assessment_en",
    "achievement_type",
    "validity_days",
    "ects",
    "sbu",
    "eqf_level",
    "nlqf_level",
    "assessment_type",
    "participation_type",
    "prerequisites",
    "prerequisites_en",
    "supervision",
    "identity_checked",
    "stackability",
    "approval",
    "status_messages",
    "quality_name",
    "quality_url",
    "skill_query",
    "own_uri",
    "own_name",
    "outcomes",
    *GRADE_FIELDS,
    "hours",
    "tags",
    "field_of_study",
    "isced_f",
    "programmes",
    "creator_name",
    "creator_url",
)


_NUMBERS = ("validity_days", "ects", "sbu", "eqf_level", "hours")
_TEXTS = ("field_of_study", "isced_f")
_LISTS = ("tags", "programmes")
# What the page does not ask, and so leaves as it is.
_KEPT: tuple[str, ...] = (
    "part_of",
    "prerequisites_url",
    "level_verified",
    "specialization",
    "human_code",
    "teaching_languages",
)
_KEPT += ("recheck_months", "other_identifiers", "related", "language")
_CHOICES = ("nlqf_level", "assessment_type", "participation_type", "supervision", "stackability", "approval")


@dataclass(slots=True)
class AchievementForm:
    """The form of an achievement between two page views."""

    values: dict[str, str] = field(default_factory=lambda: dict.fromkeys(TEXT_FIELDS, ""))
    skills: list[dict[str, str]] = field(default_factory=list)
    results: list[Block] = field(default_factory=list)
    level_skills: set[str] = field(default_factory=set)
    """Which skills each level of a result shows, as `level_skill` writes it."""
    image: str = ""
    from_version: str = ""
    found: Sequence[Mapping[str, str]] = ()
    searched: bool = False
    errors: dict[str, str] = field(default_factory=dict)


def form_of(description: AchievementDescription, language: str) -> AchievementForm:
    """The form filled in with what an achievement says now, its numbers as people of this language write them."""
    form = AchievementForm()
    texts = {"name": description.name, "description": description.description, "criteria": description.criteria}
    optional = {"assessment": description.assessment, "prerequisites": description.prerequisites}
    for name, text in {**texts, **optional}.items():
        form.values[name] = "" if text is None else text.nl
        form.values[f"{name}_en"] = "" if text is None else text.en or ""
    numbers = {name: getattr(description, name) for name in _NUMBERS}
    form.values |= {
        name: "" if number is None else written_number(str(number).removesuffix(".0"), language)
        for name, number in numbers.items()
    }
    form.values["achievement_type"] = description.achievement_type
    form.values |= {name: _only(getattr(description, name)) for name in _CHOICES}
    form.values |= {name: getattr(description, name) or "" for name in _TEXTS}
    form.values |= {name: ", ".join(getattr(description, name)) for name in _LISTS}
    form.values |= measured_values(description, language)
    form.results = blocks_of(description, language)
    form.level_skills = level_skills_of(description)
    if description.creator is not None:
        form.values["creator_name"] = description.creator.name
        form.values["creator_url"] = description.creator.url or ""
    checked = description.identity_checked
    form.values["identity_checked"] = "" if checked is None else "true" if checked else "false"
    form.values["status_messages"] = "on" if description.status_messages else ""
    if description.quality_assurance is not None:
        form.values["quality_name"] = description.quality_assurance.name
        form.values["quality_url"] = description.quality_assurance.url
    form.skills = [skill.model_dump() for skill in description.skills]
    return form


def _only(choice: str | Sequence[str] | None) -> str:
    """A choice for a list that takes one; of several none, and they are left as they are."""
    if choice is None or isinstance(choice, str):
        return choice or ""
    return choice[0] if len(choice) == 1 else ""


async def read_achievement_form(form: FormData, skills: SkillIndex, language: str) -> AchievementForm:
    """The form as it was sent, after adding, removing or searching a skill if one of those buttons was pressed."""
    read = AchievementForm()
    read.values = {name: text(form, name) for name in TEXT_FIELDS}
    read.from_version = text(form, "from_version")
    uris, names, frameworks = (texts(form, f"skill_{part}") for part in ("uri", "name", "framework"))
    for uri, name, framework in zip(uris, names, frameworks, strict=False):
        _add(read, uri, name, framework)
    _read_blocks(form, read)
    await _read_image(form, read)
    _press_button(form, read, skills, language)
    return read


def _read_blocks(form: FormData, read: AchievementForm) -> None:
    """The results that the form describes: those with a name, and one more where that was asked for."""
    columns = [texts(form, f"result_{part}") for part in PARTS]
    blocks = [dict(zip(PARTS, values, strict=True)) for values in zip(*columns, strict=False)]
    kept = [place for place, block in enumerate(blocks) if block["name"]]
    read.results = [blocks[place] for place in kept]
    # Blocks without a name go, and those after them move up.
    moved = {str(place): new for new, place in enumerate(kept)}
    ticked = [found for value in texts(form, "level_skill") if len(found := value.split("|", 2)) == 3]
    read.level_skills = {level_skill(moved[place], *what) for place, *what in ticked if place in moved}
    if text(form, "action") == "add_result":
        read.results.append(dict.fromkeys(PARTS, ""))


def _press_button(form: FormData, read: AchievementForm, skills: SkillIndex, language: str) -> None:
    if removed := text(form, "remove"):
        read.skills = [skill for skill in read.skills if skill["uri"] != removed]
    if added := text(form, "add"):
        known = skills.get(added)
        if known is not None:
            _add(read, known.uri, known.label(language), "ESCO")
    if text(form, "action") == "add_own" and read.values["own_uri"] and read.values["own_name"]:
        _add(read, read.values["own_uri"], read.values["own_name"], framework_of(read.values["own_uri"]))
        read.values["own_uri"] = read.values["own_name"] = ""
    if text(form, "action") == "search" or text(form, "add"):
        read.searched = bool(read.values["skill_query"])
        read.found = find_skills(skills, read.values["skill_query"], language)


def framework_of(uri: str) -> str:
    """The framework of a concept, by the prefix of its address. S-03."""
    if uri.startswith("http://data.europa.eu/esco/"):
        return "ESCO"
    return "CompetentNL" if "competentnl" in uri else "Other"


def find_skills(skills: SkillIndex, query: str, language: str, limit: int = 12) -> Sequence[Mapping[str, str]]:
    """Skills for a list to choose from."""
    found = skills.search(query, language="en" if language == "en" else "nl", limit=limit)
    return [
        {
            "uri": skill.uri,
            "name": skill.label(language),
            "language": skill.label_language(language),
            "description": skill.description[:200],
        }
        for skill in found
    ]


def _add(read: AchievementForm, uri: str, name: str, framework: str) -> None:
    if uri not in {skill["uri"] for skill in read.skills} and len(read.skills) < 50:
        read.skills.append({"uri": uri, "name": name, "framework": framework})


async def _read_image(form: FormData, read: AchievementForm) -> None:
    """The picture just chosen, or the one kept from before; a browser cannot fill in a file again."""
    upload = form.get("image")
    try:
        if isinstance(upload, UploadFile) and upload.filename:
            content = await upload.read(MAX_BYTES + 1)
            kind = "image/png" if content.startswith(b"\x89PNG") else "image/svg+xml"
            read.image = image_data_url(parse_image(f"data:{kind};base64,{base64.b64encode(content).decode()}"))
        elif kept := text(form, "image_kept"):
            read.image = image_data_url(parse_image(kept))
    except InputError as exc:
        read.errors |= exc.fields


def as_description(read: AchievementForm, slug: str, current: AchievementDescription | None = None) -> dict[str, Any]:
    """What the form says, as the use case takes it; empty fields are absent. What it does not ask stays as it is."""
    kept, skills = Kept.of(current), [skill["uri"] for skill in read.skills]
    values = read.values
    for name in ("ects", "hours"):
        values[name] = values[name].replace(",", ".")
    quality = {"name": values["quality_name"], "url": values["quality_url"]}
    description: dict[str, Any] = {
        **{name: kept.members[name] for name in _KEPT if name in kept.members},
        "slug": slug,
        **{
            name: _localised(values, name)
            for name in ("name", "description", "criteria", "assessment", "prerequisites")
        },
        "achievement_type": values["achievement_type"] or "Badge",
        "skills": read.skills,
        "image": read.image,
        **{name: values[name] for name in (*_NUMBERS, *_TEXTS, "identity_checked")},
        **{name: values[name] or _several(kept.members.get(name)) for name in _CHOICES},
        **{name: [part.strip() for part in values[name].split(",") if part.strip()] for name in _LISTS},
        "status_messages": bool(values["status_messages"]),
        "quality_assurance": _merged(quality, kept, "quality_assurance"),
        "creator": _merged({"name": values["creator_name"], "url": values["creator_url"]}, kept, "creator"),
        "learning_outcomes": as_outcomes(values["outcomes"], kept, skills),
        "grading_scheme": as_grading_scheme(values, kept),
        "result_descriptions": as_result_descriptions(read.results, kept, skills, read.level_skills),
    }
    return {name: value for name, value in description.items() if value not in (None, "")}


def _several(choice: object) -> object:
    """Several choices, of which the page can show none and so takes none away."""
    return choice if isinstance(choice, list) and len(choice) > 1 else None


def _merged(asked: Mapping[str, str], kept: Kept, name: str) -> dict[str, Any] | None:
    """Members of which the page asks a part; nothing where it asks and gets no answer."""
    if not any(asked.values()):
        return None
    return {**kept.members.get(name, {}), **{member: value for member, value in asked.items() if value}}


def _localised(values: Mapping[str, str], name: str) -> dict[str, str] | None:
    dutch, english = values[name], values[f"{name}_en"]
    if not dutch and not english:
        return None
    return {"nl": dutch} | ({"en": english} if english else {})


# The names that pydantic gives a wrong field, and the field of the form that it comes from.
_FIELDS = {
    "name.nl": "name",
    "name.en": "name_en",
    "description.nl": "description",
    "description.en": "description_en",
    "criteria.nl": "criteria",
    "criteria.en": "criteria_en",
    "assessment.nl": "assessment",
    "assessment.en": "assessment_en",
    "prerequisites.nl": "prerequisites",
    "prerequisites.en": "prerequisites_en",
    "quality_assurance": "quality_name",
    "quality_assurance.name": "quality_name",
    "quality_assurance.url": "quality_url",
    "slug": "name",
    "creator": "creator_url",
    "creator.name": "creator_name",
    "creator.url": "creator_url",
    "grading_scheme.name.nl": "grade_name",
    "grading_scheme.minimum": "grade_minimum",
    "grading_scheme.maximum": "grade_maximum",
    "grading_scheme.required": "grade_required",
}


# Whatever is wrong in one of these stands beside the one field that it comes from.
_WHOLE_FIELDS = {
    "skills": "skill_query",
    "learning_outcomes": "outcomes",
    "tags": "tags",
    "programmes": "programmes",
}


def errors_by_field(fields: Mapping[str, str]) -> dict[str, str]:
    """The sentences of a refusal, by the field of the form that each belongs beside."""
    return {_field(name): sentence for name, sentence in fields.items()}


def _field(name: str) -> str:
    first, _, rest = name.partition(".")
    if first in _WHOLE_FIELDS:
        return _WHOLE_FIELDS[first]
    if first == "result_descriptions":
        return f"result_{rest.partition('.')[0]}"
    return _FIELDS.get(name, name)


def slug_of(name: str) -> str:
    """A web address from a name: `Adviseur Lerende Regio` becomes `adviseur-lerende-regio`.

    A name without a Latin letter or a digit gets an address of its own making.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    return slug or f"badge-{create_numeric_code(8)}"


async def read_recipients(form: FormData, achievement: AchievementRow) -> tuple[RecipientList, str]:
    """Who is to get the badge: one person with evidence, an uploaded file, or what was pasted; a list as it came."""
    if any(text(form, name) for name in ("given_name", "family_name", "email")):
        return RecipientList([GoodLine(1, await _read_one_person(form, achievement))], []), ""
    people = await _read_list(form)
    return parse_recipients(people, achievement), people


async def _read_one_person(form: FormData, achievement: AchievementRow) -> Recipient:
    values: dict[str, Any] = {name: text(form, name) for name in ("given_name", "family_name", "email")}
    filled_in = {name: text(form, name) for name in form}
    described = description_of(achievement).result_descriptions
    said = read_award_form(filled_in, described, read_shown_skills(form, [one.id for one in described]))
    results = said.get("results", [])
    try:
        recipient = Recipient.model_validate({**values, **said, "evidence": await _read_evidence(form)})
    except ValidationError as exc:
        problems = {name.replace("evidence.0.", "evidence_"): problem for name, problem in input_problems(exc).items()}
        fields = {field_of_problem(name, results): problem for name, problem in problems.items()}
        raise InputError(fields=fields) from exc
    if misfits := find_detail_problems(recipient, achievement.version.achievement):
        raise InputError(fields={field_of_problem(name, results): problem for name, problem in misfits.items()})
    return recipient


def read_shown_skills(form: FormData, results: Iterable[str]) -> dict[str, list[str]]:
    """Which skills were ticked at each of these results."""
    return {name: texts(form, f"skills-{name}") for name in results}


async def _read_evidence(form: FormData) -> list[dict[str, str]]:
    """A piece of evidence, if there is one. Of a file only the digest is kept, over exactly its bytes. B-09."""
    parts = {name: text(form, f"evidence_{name}") for name in ("name", "description", "url")}
    file = form.get("evidence_file")
    if isinstance(file, UploadFile) and file.filename:
        parts["digest"] = await _digest(file)
        parts["name"] = parts["name"] or file.filename[:200]
    if not any(parts.values()):
        return []
    if "digest" not in parts and not parts["url"]:
        raise InputError(fields={"evidence_file": N_("Kies een bestand, of geef een webadres.")})
    return [{name: value for name, value in parts.items() if value or name == "name"}]


async def _digest(file: UploadFile) -> str:
    """The Subresource Integrity value of a file, read piece by piece."""
    digest = hashlib.sha256()
    while piece := await file.read(1024 * 1024):
        digest.update(piece)
    return f"sha256-{base64.b64encode(digest.digest()).decode()}"


async def _read_list(form: FormData) -> str:
    upload = form.get("file")
    if not (isinstance(upload, UploadFile) and upload.filename):
        return text(form, "people")
    content = await upload.read(_MAX_LIST + 1)
    if len(content) > _MAX_LIST:
        raise InputError(fields={"file": N_("Dit bestand is te groot voor een lijst. Verdeel het.")})
    try:
        return decode_list(content)
    except UnicodeDecodeError as exc:
        raise InputError(fields={"file": N_("Bewaar de lijst als CSV in UTF-8, of plak hem.")}) from exc


def recipients_as_json(found: RecipientList) -> str:
    """The good lines as they were understood, for the form that awards: what was shown is what is awarded."""
    return json.dumps([line.recipient.model_dump(mode="json", exclude_none=True) for line in found.good])


def recipients_from_json(value: str) -> list[Any]:
    """The people of the preview, to be checked once more, or MalformedError."""
    people = parse_json(value)
    return people if isinstance(people, list) else []


def text(form: FormData, name: str) -> str:
    """One field of a form, trimmed; empty when it is absent or a file."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def texts(form: FormData, name: str) -> list[str]:
    """Every value of a field that may be there more than once."""
    return [value.strip() for value in form.getlist(name) if isinstance(value, str)]
