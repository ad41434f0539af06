"""What people fill in, read from a form; every field keeps what was typed, right or wrong."""

import base64
import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from issuer.achievements import AchievementDescription, image_data_url, input_problems, parse_image
from issuer.awards import Recipient
from issuer.errors import N_, InputError
from issuer.images import MAX_BYTES
from issuer.recipients import GoodLine, RecipientList, parse_recipients
from kernel.strict_json import parse_json
from runtime.tokens import create_numeric_code
from skills.search import SkillIndex

_MAX_LIST = 512 * 1024

ONE_PERSON = ("given_name", "family_name", "email", "evidence_name", "evidence_description", "evidence_url")
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
    "quality_name",
    "quality_url",
    "skill_query",
    "own_uri",
    "own_name",
)


_NUMBERS = ("validity_days", "ects", "sbu", "eqf_level")
_CHOICES = ("nlqf_level", "assessment_type", "participation_type", "supervision", "stackability", "approval")


@dataclass(slots=True)
class AchievementForm:
    """The form of an achievement between two page views."""

    values: dict[str, str] = field(default_factory=lambda: dict.fromkeys(TEXT_FIELDS, ""))
    skills: list[dict[str, str]] = field(default_factory=list)
    image: str = ""
    from_version: str = ""
    found: Sequence[Mapping[str, str]] = ()
    searched: bool = False
    errors: dict[str, str] = field(default_factory=dict)


def form_of(description: AchievementDescription) -> AchievementForm:
    """The form filled in with what an achievement says now."""
    form = AchievementForm()
    texts = {"name": description.name, "description": description.description, "criteria": description.criteria}
    optional = {"assessment": description.assessment, "prerequisites": description.prerequisites}
    for name, text in {**texts, **optional}.items():
        form.values[name] = "" if text is None else text.nl
        form.values[f"{name}_en"] = "" if text is None else text.en or ""
    numbers = {name: getattr(description, name) for name in _NUMBERS}
    form.values |= {name: "" if number is None else f"{number:g}" for name, number in numbers.items()}
    form.values["achievement_type"] = description.achievement_type
    form.values |= {name: getattr(description, name) or "" for name in _CHOICES}
    checked = description.identity_checked
    form.values["identity_checked"] = "" if checked is None else "true" if checked else "false"
    if description.quality_assurance is not None:
        form.values["quality_name"] = description.quality_assurance.name
        form.values["quality_url"] = description.quality_assurance.url
    form.skills = [skill.model_dump() for skill in description.skills]
    return form


async def read_achievement_form(form: FormData, skills: SkillIndex, language: str) -> AchievementForm:
    """The form as it was sent, after adding, removing or searching a skill if one of those buttons was pressed."""
    read = AchievementForm()
    read.values = {name: text(form, name) for name in TEXT_FIELDS}
    read.from_version = text(form, "from_version")
    uris, names, frameworks = (texts(form, f"skill_{part}") for part in ("uri", "name", "framework"))
    for uri, name, framework in zip(uris, names, frameworks, strict=False):
        _add(read, uri, name, framework)
    await _read_image(form, read)
    _press_button(form, read, skills, language)
    return read


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


def as_description(read: AchievementForm, slug: str) -> dict[str, Any]:
    """What the form says, as the use case takes it; empty fields are absent."""
    values = read.values
    values["ects"] = values["ects"].replace(",", ".")
    quality = {"name": values["quality_name"], "url": values["quality_url"]}
    description: dict[str, Any] = {
        "slug": slug,
        **{
            name: _localised(values, name)
            for name in ("name", "description", "criteria", "assessment", "prerequisites")
        },
        "achievement_type": values["achievement_type"] or "Badge",
        "skills": read.skills,
        "image": read.image,
        **{name: values[name] for name in (*_NUMBERS, *_CHOICES, "identity_checked")},
        "quality_assurance": quality if any(quality.values()) else None,
    }
    return {name: value for name, value in description.items() if value not in (None, "")}


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
}


def errors_by_field(fields: Mapping[str, str]) -> dict[str, str]:
    """The sentences of a refusal, by the field of the form that each belongs beside."""
    return {_field(name): sentence for name, sentence in fields.items()}


def _field(name: str) -> str:
    return "skill_query" if name.startswith("skills") else _FIELDS.get(name, name)


def slug_of(name: str) -> str:
    """A web address from a name: `Adviseur Lerende Regio` becomes `adviseur-lerende-regio`.

    A name without a Latin letter or a digit gets an address of its own making.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
    return slug or f"badge-{create_numeric_code(8)}"


async def read_recipients(form: FormData) -> tuple[RecipientList, str]:
    """Who is to get the badge: one person with evidence, an uploaded file, or what was pasted; a list as it came."""
    if any(text(form, name) for name in ("given_name", "family_name", "email")):
        return RecipientList([GoodLine(1, await _read_one_person(form))], []), ""
    people = await _read_list(form)
    return parse_recipients(people), people


async def _read_one_person(form: FormData) -> Recipient:
    values: dict[str, Any] = {name: text(form, name) for name in ("given_name", "family_name", "email")}
    try:
        return Recipient.model_validate({**values, "evidence": await _read_evidence(form)})
    except ValidationError as exc:
        fields = {name.replace("evidence.0.", "evidence_"): problem for name, problem in input_problems(exc).items()}
        raise InputError(fields=fields) from exc


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
        return content.decode("utf-8-sig")
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
