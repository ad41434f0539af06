"""Read what strangers wrote without believing or refusing it: what is not readable is absent. B-10."""

import math
from collections.abc import Mapping, Sequence
from typing import Any


def read_many(value: Mapping[str, Any], name: str) -> list[Any]:
    """Return the values of a member that may be one value or an array of them. B-10."""
    found = value.get(name)
    return list(found) if isinstance(found, list) else [] if found is None else [found]


def read_objects(value: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects among the values of a member."""
    return [found for found in read_many(value, name) if isinstance(found, Mapping)]


def read_object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object below a member, the first one if there are several, an empty one if there is none."""
    return next(iter(read_objects(value, name)), {})


def read_text(value: Mapping[str, Any], name: str, languages: Sequence[str] = ()) -> str | None:
    """Return a text; of one that is there in several languages the first that is wanted, or else the first.

    VCDM 2.0 §11.1: such a text is an object with `@value` and `@language`, or an array of them.
    """
    found = value.get(name)
    if found is None or isinstance(found, str):
        return found or None
    texts = [(_tag(element), element.get("@value")) for element in read_objects(value, name)]
    wanted = [text for language in languages for tag, text in texts if tag == language]
    return next((text for text in (*wanted, *(text for _, text in texts)) if isinstance(text, str) and text), None)


def _tag(element: Mapping[str, Any]) -> str:
    """The language of a text without its region: `nl` of `nl-NL`."""
    tag = element.get("@language")
    return tag.partition("-")[0].lower() if isinstance(tag, str) else ""


def read_number(value: Mapping[str, Any], name: str) -> float | None:
    """Return a finite number, which true and false are not."""
    found = value.get(name)
    if not isinstance(found, int | float) or isinstance(found, bool) or not math.isfinite(found):
        return None
    return found
