"""What an alignment is about: a skill, or something else that it says of the learning. PROFILE.md S-01, S-03.

Open Badges has one member for both. Whoever asks, asks `find_alignment_kind`, so that no page knows a skill that
another one lacks.
"""

from collections.abc import Mapping
from typing import Any, Final

from kernel.open_badges.reading import read_many, read_text

_SNB: Final = "http://data.europa.eu/snb"

ECTS: Final = f"{_SNB}/education-credit/6fcec5c5af"
EQF: Final = f"{_SNB}/eqf/"
HIGHEST_LEVEL: Final = 8
ISCED_F: Final = f"{_SNB}/isced-f/"
NLQF_LEVELS: Final[Mapping[str, str]] = {
    "Instroom": f"{_SNB}/qdr/c_b42dd23b",
    "1": f"{_SNB}/qdr/c_3e11a3fd",
    "2": f"{_SNB}/qdr/c_c749fa23",
    "3": f"{_SNB}/qdr/c_f97cdbb5",
    "4": f"{_SNB}/qdr/c_ff656b33",
    "4+": f"{_SNB}/qdr/c_c2700f4e",
    "5": f"{_SNB}/qdr/c_18c9e9fe",
    "6": f"{_SNB}/qdr/c_1711a061",
    "7": f"{_SNB}/qdr/c_478359fc",
    "8": f"{_SNB}/qdr/c_2835a50f",
}

SKILL: Final = "Skill"

# What only `ext:…Alignment` can say: how the achievement is related to whatever stands at the address.
_RELATIONS: Final = frozenset(
    {"LevelVerification", "SBU", "TimeInvestment", "QualityAssurance", "Prerequisites", "Supervision"}
    | {"AssessmentPlace", "IdentityCheck", "Stackability", "PartOf", "Translation", "EducationProgramme"}
    | {"LanguageOfInstruction", "Recheck", "GradingTable"}
)
# What the address of a published concept says as well.
_FRAMEWORKS: Final = frozenset({"EQF", "NLQF", "ECTS", "AssessmentType", "ParticipationType", "ISCEDF"})
STATED_KINDS: Final = _RELATIONS | _FRAMEWORKS

# By how the addresses of a framework begin; http and https are one, since both are met.
_BY_URL: Final[tuple[tuple[str, str], ...]] = tuple(
    (url.partition("://")[2], kind)
    for url, kind in (
        (EQF, "EQF"),
        *((url, "NLQF") for url in NLQF_LEVELS.values()),
        (ECTS, "ECTS"),
        (f"{_SNB}/assessment/", "AssessmentType"),
        (f"{_SNB}/learning-assessment/", "ParticipationType"),
        (ISCED_F, "ISCEDF"),
        ("http://data.europa.eu/esco/", SKILL),
        ("https://linkeddata.competentnl.nl/", SKILL),
        ("https://www.onetonline.org/", SKILL),
    )
)
_BY_NAME: Final[Mapping[str, str]] = {
    "eqf": "EQF",
    "european qualifications framework": "EQF",
    "nlqf": "NLQF",
    "ects": "ECTS",
    "european credit transfer system": "ECTS",
    "european credit transfer and accumulation system": "ECTS",
    "isced-f": "ISCEDF",
}
_FRAMEWORK_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def find_level_urls(at_least: int) -> tuple[str, ...]:
    """Return the published address of every EQF level from this one up, and of every NLQF level as high. S-01."""
    eqf = (f"{EQF}{level}" for level in range(at_least, HIGHEST_LEVEL + 1))
    nlqf = (url for level, url in NLQF_LEVELS.items() if level[0].isdecimal() and int(level[0]) >= at_least)
    return (*eqf, *nlqf)


def find_alignment_kind(alignment: Mapping[str, Any]) -> str:
    """Return one of STATED_KINDS, or SKILL for every other alignment: what nobody knows is a skill that somebody named.

    The framework is recognised by the beginning of its addresses first, by `targetType` second, by its name last
    (S-03). A type that says how the badge is related to what stands at the address says no framework, and comes
    before all three: a skill that one has to have before is none that the badge shows.
    """
    types = [_read_type(found) for found in read_many(alignment, "targetType") if isinstance(found, str)]
    relation = next((kind for kind, _ in types if kind in _RELATIONS), None)
    return relation or _by_url(alignment) or _by_type(types) or _by_name(alignment) or SKILL


def skill_target_type(framework: str | None) -> str:
    """Return the `targetType` of a skill of this framework, which nothing that is stated has too. S-01."""
    is_plain = framework and framework not in STATED_KINDS and set(framework) <= _FRAMEWORK_CHARACTERS
    return f"ext:{framework if is_plain else SKILL}Alignment"


def _read_type(target_type: str) -> tuple[str, bool]:
    """What `ext:EQFAlignment` names, or `ext:EQF` as edubadges has it; and whether a framework can be meant at all.

    The types of Open Badges itself, such as `CFItem`, are those of any framework.
    """
    return target_type.removeprefix("ext:").removesuffix("Alignment"), target_type.startswith("ext:")


def _by_url(alignment: Mapping[str, Any]) -> str | None:
    address = (read_text(alignment, "targetUrl") or "").partition("://")[2]
    return next((kind for beginning, kind in _BY_URL if address.startswith(beginning)), None)


def _by_type(types: list[tuple[str, bool]]) -> str | None:
    stated = next((kind for kind, _ in types if kind in _FRAMEWORKS), None)
    return stated or (SKILL if any(names_framework for _, names_framework in types) else None)


def _by_name(alignment: Mapping[str, Any]) -> str | None:
    return _BY_NAME.get((read_text(alignment, "targetFramework") or "").casefold())
