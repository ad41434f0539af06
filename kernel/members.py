"""Read the members of a JSON object that somebody else wrote: the right type, or MalformedError.

Every protocol message is read with these few functions, so that "absent", "null", "empty" and "of another
type" mean the same everywhere. Members that nobody asks for are ignored, as OpenID4VCI and OpenID4VP want it.
"""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final

from kernel.errors import MalformedError

MAX_TEXT: Final = 64 * 1024


def is_same_text(given: object, expected: str) -> bool:
    """Whether a value that somebody sent is the secret text that was expected; it takes the same time in any case."""
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8"), expected.encode("utf-8"))


def as_object(value: object, what: str) -> Mapping[str, Any]:
    """Return a value that must be a JSON object."""
    if not isinstance(value, Mapping):
        raise MalformedError(f"{what} is not an object")
    return value


def as_array(value: object, what: str, *, limit: int = 10_000) -> Sequence[Any]:
    """Return a value that must be a JSON array with at least one element and at most `limit`."""
    if not isinstance(value, list | tuple):
        raise MalformedError(f"{what} is not an array")
    if not 0 < len(value) <= limit:
        raise MalformedError(f"{what} is empty or has too many elements")
    return value


def as_text(value: object, what: str, *, limit: int = MAX_TEXT) -> str:
    """Return a value that must be a non-empty string that every reader can encode."""
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise MalformedError(f"{what} is not a text of sensible length")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise MalformedError(f"{what} is not Unicode text") from exc
    return value


def as_texts(value: object, what: str) -> tuple[str, ...]:
    """Return a value that must be a non-empty array of non-empty strings."""
    return tuple(as_text(element, what) for element in as_array(value, what))


def as_unique_texts(value: object, what: str) -> tuple[str, ...]:
    """Return a value that must be a non-empty array of different non-empty strings."""
    texts = as_texts(value, what)
    if len(set(texts)) != len(texts):
        raise MalformedError(f"{what} names something twice")
    return texts


def as_count(value: object, what: str, *, minimum: int = 0) -> int:
    """Return a value that must be an integer, which true, false and 1.0 are not, of at least `minimum`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise MalformedError(f"{what} is not an integer of at least {minimum}")
    return value


def get_text(members: Mapping[str, Any], name: str, *, limit: int = MAX_TEXT) -> str:
    """Return a string member that must be there."""
    return as_text(members.get(name), repr(name), limit=limit)


def find_text(members: Mapping[str, Any], name: str) -> str | None:
    """Return a string member, None when absent; null is not absence."""
    return get_text(members, name) if name in members else None


def find_texts(members: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a member that is an array of strings, empty when absent."""
    return as_texts(members[name], repr(name)) if name in members else ()


def find_object(members: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Return an object member, None when absent."""
    return as_object(members[name], repr(name)) if name in members else None


def find_objects(members: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    """Return a member that is a non-empty array of objects, empty when absent."""
    if name not in members:
        return ()
    return tuple(as_object(element, repr(name)) for element in as_array(members[name], repr(name)))


def find_count(members: Mapping[str, Any], name: str, *, minimum: int = 0) -> int | None:
    """Return an integer member of at least `minimum`, None when absent."""
    return as_count(members[name], repr(name), minimum=minimum) if name in members else None


def find_flag(members: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """Return a boolean member; the default stands in for an absent one only."""
    value = members.get(name, default)
    if not isinstance(value, bool):
        raise MalformedError(f"{name!r} is not true or false")
    return value
