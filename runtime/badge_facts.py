"""What a badge says of the learning, element by element and in words: the same on every page and in the terminal.

Nothing here judges. Strangers wrote a badge: each text is cut to a length that a page can bear and freed of control
characters; pages escape it.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.microcredential import FurtherInformation, Grade, Microcredential, QualityAssurance
from kernel.microcredential.vocabulary import SURF_SPELLINGS
from kernel.open_badges import Result
from runtime import import_texts as texts
from runtime.import_texts import Text
from runtime.isced_f import find_field_name
from runtime.web.language import country, day, decimal, language_name, written_number

_MAX_LINE: Final = 300
_MAX_TEXT: Final = 2000
_MAX_VALUES: Final = 20
_MAX_OUTCOMES: Final = 50

# What stands on a page of its own beside skills, results, dates and who issued it.
LEARNING_ELEMENTS: Final = (
    *("level", "workload", "assessment", "participation", "supervision", "quality_assurance"),
    *("prerequisites", "stackability", "teaching_languages", "field", "programmes", "recheck", "other_titles"),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One element of what the badge says."""

    element: str
    label: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What somebody can do now, in the words of the badge: on which level, and which of its skills show it."""

    text: str
    language: str
    level: str | None
    skills: tuple[str, ...]


def create_outcomes(content: Microcredential) -> tuple[Outcome, ...]:
    """Return the learning outcomes that a badge describes; a skill by itself is none, since skills have their list."""
    described = [
        outcome
        for outcome in content.learning_outcomes
        if not outcome.skills or any(skill.name != outcome.text for skill in outcome.skills)
    ]
    return tuple(
        Outcome(
            shown_text(outcome.text),
            shown_line(content.further_information.language),
            outcome.level and shown_line(outcome.level),
            tuple(shown_line(skill.name) for skill in outcome.skills[:_MAX_VALUES]),
        )
        for outcome in described[:_MAX_OUTCOMES]
    )


def create_facts(
    content: Microcredential, language: str, elements: Collection[str] = (), *, results: Sequence[Result] = ()
) -> tuple[Fact, ...]:
    """Return what a badge says, each element with its name and its lines; all of them, or `elements` in their order.

    `results` are everything that it says of what somebody reached, where there is more than a grade.
    """
    read = _read_elements(content, language) | _read_results(content, results, language)
    return tuple(_choose_facts(read, language, elements or tuple(read)))


def shown_line(text: str) -> str:
    """Text of strangers in one line, without what a terminal or a page could take for a command."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 2 * _MAX_LINE]).split())
    return line if len(line) <= _MAX_LINE else f"{line[:_MAX_LINE]}…"


def shown_text(text: str) -> str:
    """The same where it may have several lines."""
    lines = text[:_MAX_TEXT].splitlines()
    cleaned = "\n".join("".join(letter for letter in line if letter.isprintable()) for line in lines)
    return cleaned if len(text) <= _MAX_TEXT else f"{cleaned}…"


def _choose_facts(read: dict[str, list[str]], language: str, elements: Collection[str]) -> Iterator[Fact]:
    for element in elements:
        # Outcomes and the skills that they are aligned with often have the same words.
        lines = tuple(dict.fromkeys(shown_text(line) for line in read[element] if line))[:_MAX_VALUES]
        if lines:
            yield Fact(element, texts.ELEMENTS[element].say(language), lines)


def _read_elements(content: Microcredential, language: str) -> dict[str, list[str]]:
    """What each element says, in lines; the title is the page's own."""
    further = content.further_information
    return {
        "learner": _read_learner(content),
        "other_titles": _read_other_titles(content, language),
        "country": [country(content.country, language) if content.country else ""],
        "awarding_body": _read_awarding_body(content),
        "dates": _read_dates(content, language),
        "learning_outcomes": [
            *(outcome.text for outcome in content.learning_outcomes),
            *(skill.name for outcome in content.learning_outcomes for skill in outcome.skills),
        ],
        "workload": _read_workload(content, language),
        "level": _read_level(content, language),
        "assessment": [_say_code(code, language) for code in content.assessment],
        "participation": [_say_code(code, language) for code in content.participation],
        "quality_assurance": _read_quality(content.quality_assurance),
        "prerequisites": [content.prerequisites.text or "", content.prerequisites.url or ""],
        "supervision": _read_supervision(content, language),
        "grade": [],
        "results": [],
        "stackability": _read_stackability(content, language),
        "teaching_languages": [language_name(code, language) for code in further.teaching_languages],
        "field": [further.sector or "", _say_field(further.isced_f, language)],
        "programmes": list(further.programmes),
        "recheck": _read_recheck(further, language),
        "further_information": [
            further.description or "",
            further.criteria or "",
            *(f"{item.name} {item.url or ''}".strip() for item in further.evidence),
        ],
    }


def _read_results(content: Microcredential, results: Sequence[Result], language: str) -> dict[str, list[str]]:
    """Every result, of which the grade is one; else the grade by itself."""
    if results:
        return {"results": [_say_result(result, language) for result in results]}
    return {"grade": _read_grade(content.grade, language)}


def _say_result(result: Result, language: str) -> str:
    """What somebody reached of what is measured, and what that means: the scale, what was needed, what it shows."""
    level = ": ".join(part for part in (result.level, result.level_description) if part)
    known = texts.RESULT_STATUSES.get(result.status or "")
    status = result.status if known is None else known.say(language)
    reached = [level, written_number(result.value or "", language), status]
    skills = ", ".join(skill.name for skill in result.skills)
    more = [
        *_say_scale(result.lowest, result.highest, result.required, language),
        texts.SHOWS.say(language).format(skills=skills) if skills else "",
    ]
    explained = ", ".join(part for part in more if part)
    said = f"{result.name or texts.RESULT.say(language)}: {' · '.join(part for part in reached if part)}"
    return f"{said} ({explained})" if explained else said


def _say_scale(lowest: str | None, highest: str | None, required: str | None, language: str) -> list[str]:
    ends = {"lowest": written_number(lowest or "", language), "highest": written_number(highest or "", language)}
    needed = written_number(required or "", language)
    return [
        texts.SCALE.say(language).format(**ends) if all(ends.values()) else "",
        texts.NEEDED.say(language).format(required=needed) if needed else "",
    ]


def _read_grade(grade: Grade | None, language: str) -> list[str]:
    """The grade, what it is called, and what it means: the ends of its scale and what was needed."""
    if grade is None:
        return []
    value, scheme = written_number(grade.value, language), grade.scheme
    if scheme is None:
        return [value]
    return [value, scheme.name, *_say_scale(scheme.minimum, scheme.maximum, scheme.required, language)]


def _say_code(code: str, language: str) -> str:
    """A code in words, one that we have none for with spaces; what an issuer wrote in its own words stays as it is."""
    known = texts.CODES.get(SURF_SPELLINGS.get(code, code))
    return code.replace("_", " ") if known is None else known.say(language)


def _read_learner(content: Microcredential) -> list[str]:
    learner = content.learner
    name = " ".join(part for part in (learner.given_name, learner.family_name) if part)
    return [name, *(each.value for each in learner.identifiers if not each.is_hashed)]


def _read_other_titles(content: Microcredential, language: str) -> list[str]:
    title = content.title
    translations = title.translations if title is not None else ()
    return [f"{each.text} ({language_name(each.language, language)})" for each in translations]


def _read_awarding_body(content: Microcredential) -> list[str]:
    body = content.awarding_body
    if body is None:
        return []
    organisations = (body.issuer, body.creator, body.on_behalf_of)
    found = [each for each in organisations if each is not None]
    return list(dict.fromkeys(line for each in found for line in (each.name, each.url or "")))


def _read_dates(content: Microcredential, language: str) -> list[str]:
    if content.dates is None:
        return []
    named: Iterable[tuple[Text, datetime | None]] = (
        (texts.ISSUED, content.dates.issued),
        (texts.ACHIEVED, content.dates.achieved),
        (texts.VALID_UNTIL, content.dates.valid_until),
    )
    return [f"{text.say(language)} {day(moment, language)}" for text, moment in named if moment is not None]


def _read_workload(content: Microcredential, language: str) -> list[str]:
    workload = content.workload
    named = ((texts.ECTS, workload.ects), (texts.SBU, workload.sbu), (texts.HOURS, workload.hours))
    return [f"{decimal(number, language)} {text.say(language)}" for text, number in named if number is not None]


def _read_level(content: Microcredential, language: str) -> list[str]:
    """The level, and whether somebody else than the issuer has confirmed it: said of a level alone."""
    level = content.level
    found = [("EQF", level.eqf), ("NLQF", level.nlqf)]
    named = [f"{framework} {number}" for framework, number in found if number is not None]
    return [*named, texts.LEVEL_VERIFIED.say(language)] if named and level.is_verified else named


def _read_quality(quality: QualityAssurance | None) -> list[str]:
    if quality is None:
        return []
    return [f"{quality.name} ({quality.code})" if quality.code else quality.name, quality.description or ""]


def _read_supervision(content: Microcredential, language: str) -> list[str]:
    supervision = content.supervision
    named = (
        (texts.SUPERVISED, supervision.is_supervised),
        (texts.IDENTITY_CHECKED, supervision.identity_checked),
    )
    said = [text[is_so].say(language) for text, is_so in named if is_so is not None]
    return [*said[:1], _say_code(supervision.place, language), *said[1:]] if supervision.place else said


def _read_stackability(content: Microcredential, language: str) -> list[str]:
    stackability = content.stackability
    return [_say_code(stackability.kind or "", language), *stackability.part_of]


def _say_field(code: str | None, language: str) -> str:
    """A field by its name and its code; a code that has no name is at least said to be one."""
    if code is None:
        return ""
    name = find_field_name(code, language)
    return f"ISCED-F {code}" if name is None else f"{name} (ISCED-F {code})"


def _read_recheck(further: FurtherInformation, language: str) -> list[str]:
    months = further.recheck_months
    return [] if months is None else [texts.RECHECK[months == 1].say(language).format(months=months)]
