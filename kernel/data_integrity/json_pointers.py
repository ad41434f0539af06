"""Cut a document down to what JSON pointers name, and what keeps that readable. RFC 6901; ECDSA §3.4.11 to §3.4.13."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kernel.errors import MalformedError

MAX_POINTERS: Final = 1_000

_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}")
# What an object keeps when only something inside it is named: who it is, what it is, and how its names are read.
_KEPT: Final = ("@context", "id", "@id", "type", "@type")


def parse_pointer(pointer: object) -> tuple[str, ...]:
    """Return the steps of a JSON pointer. RFC 6901 §3 and §4."""
    if not isinstance(pointer, str) or not _POINTER.fullmatch(pointer):
        raise MalformedError("not a JSON pointer")
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])


def select(document: Mapping[str, Any], pointers: Sequence[str]) -> dict[str, Any] | None:
    """Return the part of a document that the pointers name; None for no pointers. Arrays close their gaps."""
    if len(pointers) > MAX_POINTERS:
        raise MalformedError("too many JSON pointers")
    if not pointers:
        return None
    wanted: dict[str, Any] = {}
    for pointer in pointers:
        _mark(wanted, parse_pointer(pointer))
    selected: dict[str, Any] = _cut(document, wanted)
    return selected


def _mark(wanted: dict[str, Any], steps: Sequence[str]) -> None:
    """Add a path to the tree of paths; an empty tree below a step means all of it."""
    for step in steps:
        if "" in wanted and wanted[""] is True:
            return
        wanted = wanted.setdefault(f"/{step}", {})
    wanted.clear()
    wanted[""] = True


def _cut(value: Any, wanted: Mapping[str, Any]) -> Any:
    if wanted.get("") is True:
        return value
    steps = {step[1:]: below for step, below in wanted.items()}
    if isinstance(value, Mapping):
        missing = steps.keys() - value.keys()
        if missing:
            raise MalformedError("a JSON pointer to nothing")
        return {
            name: _cut(member, steps[name]) if name in steps else member
            for name, member in value.items()
            if name in steps or (name in _KEPT and not _is_blank(name, member))
        }
    if isinstance(value, list):
        positions = sorted(_position(step, value) for step in steps)
        return [_cut(value[position], steps[str(position)]) for position in positions]
    raise MalformedError("a JSON pointer into a value")


def _is_blank(name: str, member: Any) -> bool:
    return name in ("id", "@id") and isinstance(member, str) and member.startswith("_:")


def _position(step: str, value: Sequence[Any]) -> int:
    if not _INDEX.fullmatch(step) or int(step) >= len(value):
        raise MalformedError("a JSON pointer to nothing")
    return int(step)
