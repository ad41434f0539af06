"""What stands at a place of a badge, in one line and whole: nothing that an answer shows is left untold. W-47.

Words of ours where we have them; what an issuer added of its own stands beside them by its own name.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kernel.microcredential import create_microcredential_achievement, read_microcredential_badge
from runtime import import_texts as texts
from runtime.badge_facts import LEARNING_ELEMENTS, create_facts

_MAX_VALUE: Final = 1000

_STRUCTURE: Final = frozenset({"type", "digestSRI"})
# Of what an alignment points at its name is told; the rest says where the same thing is found.
_ALIGNMENT_MEMBERS: Final = frozenset(
    {"type", "targetType", "targetFramework", "targetCode", "targetUrl", "targetDescription"}
)
_SPOKEN: Final = frozenset({"targetName", "targetDescription"})
# What only ties the parts of a described result together.
_PART_MEMBERS: Final = frozenset({"id", "type", "resultType"})


def say_claim(value: object, language: str) -> str:
    """Any claim: its own name first where it has one, and all that stands beside it."""
    return _cut(_value(value, _STRUCTURE, language))


def say_alignment(value: object, language: str) -> str:
    """What an alignment names, and what its issuer added to it."""
    return _cut(_value(value, _ALIGNMENT_MEMBERS, language))


def say_described(value: object, language: str) -> str:
    """A learning outcome, or how a result is measured: its name, its scale and levels, what was needed, its skills."""
    if not isinstance(value, Mapping):
        return say_claim(value, language)
    left = dict(value)
    said = list(_say_measure(left, language))
    return _cut(" · ".join(part for part in [*said, _value(left, _PART_MEMBERS, language)] if part))


def say_learning(alignment: Mapping[str, Any], achievement: Mapping[str, Any], language: str) -> tuple[str | None, str]:
    """What an alignment says of level, workload and the like: which element that is, and its words. S-03, E-20.

    The element is None, and the words are the issuer's, where nobody has words for it. What the issuer wrote in the
    place of the name or the description that belong there is told beside our words.
    """
    alone = {name: achievement.get(name) for name in ("id", "name")} | {"alignment": [alignment]}
    content = read_microcredential_badge({"credentialSubject": {"achievement": alone}})
    found = next(iter(create_facts(content, language, LEARNING_ELEMENTS)), None)
    # That a level is confirmed stands in an alignment of its own, and says so only beside one.
    confirmed = ("level", (texts.LEVEL_VERIFIED.say(language),)) if content.level.is_verified else (None, ())
    element, lines = confirmed if found is None else (found.element, found.lines)
    if element is None:
        return None, say_alignment(alignment, language)
    written = create_microcredential_achievement(content).get("alignment", ())
    known = [*lines, *(text for each in written for text in each.values())]
    own = [
        _value(value, _STRUCTURE, language) if name in _SPOKEN else f"{name}: {_value(value, _STRUCTURE, language)}"
        for name, value in alignment.items()
        if value not in known and (name in _SPOKEN or name not in _ALIGNMENT_MEMBERS)
    ]
    return element, _cut(" · ".join([", ".join(lines), *own]))


def _say_measure(left: dict[str, Any], language: str) -> Iterable[str]:
    """What we have words for, taken out of what is `left`."""
    required = _find_level_name(left)

    def take(name: str, left_out: frozenset[str] = _STRUCTURE) -> str:
        return _value(left.pop(name, ""), left_out, language)

    yield take("name")
    lowest, highest = take("valueMin"), take("valueMax")
    if lowest or highest:
        yield texts.SCALE.say(language).format(lowest=lowest or "–", highest=highest or "–")
    yield take("allowedValue")
    yield _say_levels(left.pop("rubricCriterionLevel", []), language)
    if required is not None:
        left["requiredLevel"] = required
    for needed in (take("requiredLevel"), take("requiredValue")):
        if needed:
            yield texts.NEEDED.say(language).format(required=needed)
    yield take("alignment", _ALIGNMENT_MEMBERS)


def _say_levels(levels: object, language: str) -> str:
    """Each level by its name, and in brackets what it means, how high it is and how many points it gives."""
    if not (isinstance(levels, list) and all(isinstance(level, Mapping) for level in levels)):
        return _value(levels, _PART_MEMBERS, language) if levels else ""
    return ", ".join(_say_level(dict(level), language) for level in levels)


def _say_level(left: dict[str, Any], language: str) -> str:
    name, meaning = (_value(left.pop(member, ""), _STRUCTURE, language) for member in ("name", "description"))
    level, points = (_value(left.pop(member, ""), _STRUCTURE, language) for member in ("level", "points"))
    skills = _value(left.pop("alignment", []), _ALIGNMENT_MEMBERS, language)
    about = [
        meaning,
        texts.LEVEL.say(language).format(level=level) if level else "",
        texts.POINTS.say(language).format(points=points) if points else "",
        skills,
        _value(left, _PART_MEMBERS, language),
    ]
    told = "; ".join(text for text in about if text)
    return f"{name} ({told})" if told else name


def _find_level_name(described: Mapping[str, Any]) -> str | None:
    """The name of the level that is needed, which is named by its identifier."""
    levels = described.get("rubricCriterionLevel")
    found = [
        level.get("name")
        for level in (levels if isinstance(levels, list) else ())
        if isinstance(level, Mapping) and level.get("id") == described.get("requiredLevel")
    ]
    return next((name for name in found if isinstance(name, str)), None)


def _value(value: object, left_out: frozenset[str], language: str) -> str:
    match value:
        case str():
            return value
        case Mapping():
            return _say_members(value, left_out, language)
        case list():
            return ", ".join(_value(element, left_out, language) for element in value)
        case float():
            # Exactly what stands there: a rounded number would be another one.
            number = json.dumps(value).removesuffix(".0")
            return number if language == "en" else number.replace(".", ",")
        case _:
            return json.dumps(value, ensure_ascii=False)


def _say_members(value: Mapping[str, Any], left_out: frozenset[str], language: str) -> str:
    name = next((key for key in ("targetName", "name", "value") if isinstance(value.get(key), str)), None)
    more = [
        f"{key}: {_value(element, _STRUCTURE, language)}"
        for key, element in value.items()
        if key != name and element not in ([], {}) and not (key in left_out and isinstance(element, str | list))
    ]
    return " · ".join([*([] if name is None else [str(value[name])]), *more])


def _cut(text: str) -> str:
    """A text of a length that a page can bear, and how much of it is not there."""
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}… (+{len(text) - _MAX_VALUE})"
