"""Read members of a stranger's document: what is not of the right kind is absent, nothing raises. PROFILE.md B-10."""

import math
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from kernel.errors import MalformedError
from kernel.open_badges import parse_date_time, read_many
from kernel.open_badges.reading import read_object as read_object
from kernel.open_badges.reading import read_objects as read_objects

JsonObject = Mapping[str, Any]


def read_text(value: JsonObject, name: str) -> str | None:
    """Return a member that is text and not empty."""
    found = value.get(name)
    return found if isinstance(found, str) and found else None


def read_texts(value: JsonObject, name: str) -> tuple[str, ...]:
    """Return the texts below a member, whether there is one or an array."""
    return tuple(found for found in read_many(value, name) if isinstance(found, str) and found)


def read_number(value: JsonObject, name: str) -> float | None:
    """Return a member that is a number, or text that spells one."""
    found = value.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        number = float(found)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def read_count(value: JsonObject, name: str) -> int | None:
    """Return a member that is a whole number, or text that spells one."""
    number = read_number(value, name)
    return int(number) if number is not None and number.is_integer() else None


def read_flag(value: JsonObject, name: str) -> bool | None:
    """Return a member that is true or false."""
    found = value.get(name)
    return found if isinstance(found, bool) else None


def read_moment(value: JsonObject, name: str) -> datetime | None:
    """Return a member that is a date and time with its zone."""
    try:
        return parse_date_time(value.get(name))
    except MalformedError:
        return None


def read_day(value: JsonObject, name: str) -> date | None:
    """Return a member that is a date, or begins with one."""
    try:
        return date.fromisoformat((read_text(value, name) or "")[:10])
    except ValueError:
        return None


def write_present(members: JsonObject) -> dict[str, Any]:
    """Leave out what is not there: nothing is null or empty in what we write (B-10)."""
    return {name: value for name, value in members.items() if value not in (None, "", [], {}, ())}


def write_number(number: float | None) -> str | None:
    """Spell a number as people write it: 3 and 7.5, not 3.0."""
    return None if number is None else repr(int(number) if float(number).is_integer() else float(number))
