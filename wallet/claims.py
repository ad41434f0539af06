"""Claims in words: what stands at a path, as the person who reads a consent page would say it.

Labels are source texts of the catalogue; values are the badge's own text, shown as text and nothing else.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kernel.dcql import ConcretePath

_MAX_VALUE = 300


def _(text: str) -> str:
    """Marks a text for the catalogue; the page translates it."""
    return text


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that stands in a badge."""

    path: ConcretePath
    label: str
    value: str


SKILL = _("Skill")
LABELS: Mapping[str, str] = {
    "given_name": _("Je voornaam"),
    "givenName": _("Je voornaam"),
    "family_name": _("Je achternaam"),
    "familyName": _("Je achternaam"),
    "name": _("Je naam"),
    "birthdate": _("Je geboortedatum"),
    "email": _("Je e-mailadres"),
    "address": _("Je adres"),
    "phone_number": _("Je telefoonnummer"),
    "id": _("Een kenmerk van jou"),
    "identifier": _("Een kenmerk van jou"),
    "evidence": _("Het bewijs bij de badge"),
    "result": _("Je resultaat"),
    "alignment": SKILL,
}
# Where a person stands in a badge. What stands there in the open cannot be kept back, and is told.
_PERSON: Collection[ConcretePath] = tuple(
    (*parent, name)
    for parent in ((), ("credentialSubject",))
    for name in LABELS
    if name not in ("alignment", "id", "name") or (parent and name == "name")
)


def find_shown_facts(
    claims: Mapping[str, Any], *, disclosable: Collection[ConcretePath], opened: Collection[ConcretePath]
) -> tuple[Fact, ...]:
    """What the verifier sees beyond the badge itself: what is opened, and of the person what cannot be hidden."""
    always = [path for path in _PERSON if path not in disclosable and _find(claims, path) is not None]
    return _facts(claims, [*_outermost(opened), *always])


def find_hidden_facts(
    claims: Mapping[str, Any], *, disclosable: Collection[ConcretePath], opened: Collection[ConcretePath]
) -> tuple[Fact, ...]:
    """What stands in the badge and stays hidden."""
    return _facts(claims, _outermost([path for path in disclosable if path not in opened]))


def _outermost(paths: Collection[ConcretePath]) -> list[ConcretePath]:
    """Only the paths that lie in no other one: what is inside goes with it."""
    inside = [path for path in paths if any(path[:length] in paths for length in range(1, len(path)))]
    return sorted((path for path in paths if path not in inside), key=_position)


def _position(path: ConcretePath) -> tuple[int, list[tuple[bool, Any]]]:
    is_skill = "alignment" in path
    return (0 if is_skill else 1, [(isinstance(step, int), step) for step in path])


def _facts(claims: Mapping[str, Any], paths: Collection[ConcretePath]) -> tuple[Fact, ...]:
    return tuple(Fact(path, _label(path), _value(_find(claims, path))) for path in paths)


def _label(path: ConcretePath) -> str:
    names = [step for step in path if isinstance(step, str)]
    return next((LABELS[name] for name in reversed(names) if name in LABELS), names[-1] if names else "")


def _value(value: object) -> str:
    """A claim's value in one line: its own name where it has one."""
    match value:
        case str():
            text = value
        case Mapping():
            named = (value.get(name) for name in ("targetName", "name", "value"))
            text = next((name for name in named if isinstance(name, str)), json.dumps(value, ensure_ascii=False))
        case list():
            text = ", ".join(_value(element) for element in value[:10])
        case _:
            text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"


def _find(claims: Any, path: ConcretePath) -> Any:
    value = claims
    for step in path:
        if isinstance(value, Mapping) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
