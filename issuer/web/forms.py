"""What people fill in, read from a form; every field keeps what was typed, right or wrong."""

import base64
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import FormData, UploadFile

from issuer.achievements import AchievementDescription, image_data_url, parse_image
from issuer.errors import N_, InputError
from issuer.images import MAX_BYTES
from skills.search import SkillIndex

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
    "eqf_level",
    "participation_type",
    "quality_name",
    "quality_url",
    "skill_query",
    "own_uri",
    "own_name",
)


@dataclass(slots=True)
class AchievementForm:
    """The form of an achievement between two page views."""

    values: dict[str, str] = field(default_factory=lambda: dict.fromkeys(TEXT_FIELDS, ""))
    skills: list[dict[str, str]] = field(default_factory=list)
    image: str = ""
    found: Sequence[Mapping[str, str]] = ()
    searched: bool = False
    errors: dict[str, str] = field(default_factory=dict)


def form_of(description: AchievementDescription) -> AchievementForm:
    """The form filled in with what an achievement says now."""
    form = AchievementForm()
    texts = {"name": description.name, "description": description.description, "criteria": description.criteria}
    for name, text in {**texts, "assessment": description.assessment}.items():
        form.values[name] = "" if text is None else text.nl
        form.values[f"{name}_en"] = "" if text is None else text.en or ""
    numbers = {"ects": description.ects, "validity_days": description.validity_days, "eqf_level": description.eqf_level}
    form.values |= {name: "" if number is None else f"{number:g}" for name, number in numbers.items()}
    form.values["achievement_type"] = description.achievement_type
    form.values["participation_type"] = description.participation_type or ""
    if description.quality_assurance is not None:
        form.values["quality_name"] = description.quality_assurance.name
        form.values["quality_url"] = description.quality_assurance.url
    form.skills = [skill.model_dump() for skill in description.skills]
    return form


async def read_achievement_form(form: FormData, skills: SkillIndex, language: str) -> AchievementForm:
    """The form as it was sent, after adding, removing or searching a skill if one of those buttons was pressed."""
    read = AchievementForm()
    read.values = {name: text(form, name) for name in TEXT_FIELDS}
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
    quality = {"name": values["quality_name"], "url": values["quality_url"]}
    description: dict[str, Any] = {
        "slug": slug,
        **{name: _localised(values, name) for name in ("name", "description", "criteria", "assessment")},
        "achievement_type": values["achievement_type"] or "Badge",
        "skills": read.skills,
        "image": read.image,
        **{name: values[name] for name in ("validity_days", "ects", "eqf_level", "participation_type")},
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
    """A web address from a name: `Adviseur Lerende Regio` becomes `adviseur-lerende-regio`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")


async def read_people(form: FormData) -> str:
    """The list of people: one person's fields, an uploaded file, or what was pasted."""
    upload = form.get("file")
    if isinstance(upload, UploadFile) and upload.filename:
        content = await upload.read(512 * 1024)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise InputError(fields={"people": N_("Bewaar de lijst als CSV in UTF-8, of plak hem hieronder.")}) from exc
    single = [text(form, name).replace(";", " ") for name in ("given_name", "family_name", "email")]
    if any(single):
        return ";".join(single)
    return text(form, "people")


def text(form: FormData, name: str) -> str:
    """One field of a form, trimmed; empty when it is absent or a file."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def texts(form: FormData, name: str) -> list[str]:
    """Every value of a field that may be there more than once."""
    return [value.strip() for value in form.getlist(name) if isinstance(value, str)]
