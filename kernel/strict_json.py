"""JSON as the rest of the kernel wants to read it: one meaning, bounded size, or nothing. RFC 8259, RFC 7493.

The standard library's C scanner does the reading; what it lets through is refused here: member names given
twice, NaN and Infinity, numbers beyond what others can read, lone surrogates and U+0000, and values deeper,
longer or wider than any honest credential (PROFILE.md K-06, K-86).
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from kernel.errors import MalformedError

MAX_BYTES: Final = 512 * 1024
MAX_DEPTH: Final = 32
MAX_ELEMENTS: Final = 10_000
MAX_STRING: Final = 1024 * 1024
# What a signed 64-bit integer holds: readers in other languages agree on it.
_MAX_INTEGER: Final = 2**63 - 1
_MAX_INTEGER_CHARACTERS: Final = 20
_CONTAINERS: Final = (list, dict)
# RFC 8259 §2; other white space is no JSON.
_WHITE_SPACE: Final = " \t\n\r"
# Escapes of U+0000 and of surrogates; a pair of surrogates is innocent, so the strings themselves are judged then.
_SUSPECT_ESCAPE: Final = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def parse_json(raw: bytes | str, *, max_bytes: int = MAX_BYTES) -> Any:
    """Return the value of a JSON text, or raise MalformedError for anything that has two readings or is too large."""
    text = _decode_text(raw, max_bytes).strip(_WHITE_SPACE)
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as exc:
        raise MalformedError(f"not JSON: {type(exc).__name__}") from exc
    if end != len(text):
        raise MalformedError("something after the JSON value")
    _inspect(value, text)
    return value


def parse_json_object(raw: bytes | str, *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Return the members of a JSON text that must be an object; otherwise as `parse_json`."""
    value = parse_json(raw, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise MalformedError("the JSON text is not an object")
    return value


def encode_json(value: object) -> bytes:
    """Return the compact UTF-8 JSON text of a value of our own making.

    Raises ValueError for NaN, the infinities and texts that are no Unicode, TypeError for whatever else has no JSON
    text, such as a date.
    """
    try:
        text = orjson.dumps(value, option=_AS_THEY_ARE)
    except orjson.JSONEncodeError:
        # Integers beyond 64 bits, which the library does not write; or the standard library says what is wrong.
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")
    # The library writes null for what is no number; few texts have one, so few are looked through for its reason.
    if b"null" in text and not all(math.isfinite(number) for number in _fractions(value)):
        raise ValueError("a number that JSON has no text for")
    return text


def _fractions(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _fractions(element)
    elif isinstance(value, dict):
        yield from _fractions(list(value.values()))


def _decode_text(raw: bytes | str, max_bytes: int) -> str:
    try:
        data, text = (raw.encode("utf-8"), raw) if isinstance(raw, str) else (raw, raw.decode("utf-8"))
    except UnicodeError as exc:
        raise MalformedError("the JSON text is not UTF-8") from exc
    if len(data) > max_bytes:
        raise MalformedError("the JSON text is larger than allowed here")
    return text


def _inspect(value: object, text: str) -> None:
    """Check the limits that this text could exceed at all; most texts are too small for any, and save the walk."""
    if (len(text) > MAX_ELEMENTS and text.count(",") >= MAX_ELEMENTS) or text.count("{") + text.count("[") > MAX_DEPTH:
        _inspect_containers(value)
    # A backslash alone is found by the C library; two characters would be searched for one by one.
    if len(text) > MAX_STRING or ("\\" in text and _SUSPECT_ESCAPE.search(text)):
        for string in _strings(value):
            _inspect_string(string)


def _inspect_containers(value: object) -> None:
    """Walk down level by level, so that depth costs no stack."""
    containers = [value] if isinstance(value, list | dict) else []
    for _ in range(MAX_DEPTH):
        if any(len(container) > MAX_ELEMENTS for container in containers):
            raise MalformedError("a JSON array or object with too many elements")
        containers = [
            child
            for container in containers
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, _CONTAINERS)
        ]
    if containers:
        raise MalformedError("JSON nested too deeply")


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from _strings(element)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _strings(member)


def _inspect_string(text: str) -> None:
    if len(text) > MAX_STRING:
        raise MalformedError("a JSON string that is too long")
    if "\0" in text:
        raise MalformedError("a JSON string with U+0000")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise MalformedError("a JSON string with a lone surrogate") from exc


def _read_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(members)
    if len(result) != len(members):
        raise MalformedError("a JSON object that names a member twice")
    return result


def _read_integer(text: str) -> int:
    if len(text) > _MAX_INTEGER_CHARACTERS or abs(number := int(text)) > _MAX_INTEGER:
        raise MalformedError("a JSON number that is too large")
    return number


def _read_fraction(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise MalformedError("a JSON number that is too large")
    return number


def _refuse_constant(text: str) -> None:
    raise MalformedError(f"{text} is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_read_object,
    parse_int=_read_integer,
    parse_float=_read_fraction,
    parse_constant=_refuse_constant,
)
# Neither dates nor dataclasses turn into JSON by themselves.
_AS_THEY_ARE: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
