"""JSON as the rest of the kernel wants to read it: one meaning, bounded size, or nothing. RFC 8259, RFC 7493.

The standard library's C scanner does the work; what it lets through is refused here: member names given
twice, NaN and Infinity, numbers beyond what others can read, lone surrogates and U+0000, and values deeper,
longer or wider than any honest credential (PROFILE.md K-06, K-86).
"""

import json
import math
from typing import Any, Final

from kernel.errors import MalformedError

MAX_BYTES: Final = 512 * 1024
MAX_DEPTH: Final = 32
MAX_ELEMENTS: Final = 10_000
MAX_STRING: Final = 1024 * 1024
# What a signed 64-bit integer holds: readers in other languages agree on it.
_MAX_INTEGER: Final = 2**63 - 1
_MAX_INTEGER_CHARACTERS: Final = 20


def parse_json(raw: bytes | str, *, max_bytes: int = MAX_BYTES) -> Any:
    """Return the value of a JSON text, or raise MalformedError for anything that has two readings or is too large."""
    text = _decode_text(raw, max_bytes)
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as exc:
        raise MalformedError(f"not JSON: {type(exc).__name__}") from exc
    if _needs_inspection(text):
        _inspect(value, depth=0)
    return value


def parse_json_object(raw: bytes | str, *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Return the members of a JSON text that must be an object; otherwise as `parse_json`."""
    value = parse_json(raw, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise MalformedError("the JSON text is not an object")
    return value


def encode_json(value: object) -> bytes:
    """Return the compact UTF-8 JSON text of a value of our own making."""
    return _ENCODER.encode(value).encode("utf-8")


def _decode_text(raw: bytes | str, max_bytes: int) -> str:
    try:
        data, text = (raw.encode("utf-8"), raw) if isinstance(raw, str) else (raw, raw.decode("utf-8"))
    except UnicodeError as exc:
        raise MalformedError("the JSON text is not UTF-8") from exc
    if len(data) > max_bytes:
        raise MalformedError("the JSON text is larger than allowed here")
    return text


def _needs_inspection(text: str) -> bool:
    """Tell whether a limit could be exceeded at all; most texts are too small for that and save the walk."""
    return (
        text.count("{") + text.count("[") > MAX_DEPTH
        or text.count(",") >= MAX_ELEMENTS
        or len(text) > MAX_STRING
        or "\\u" in text
    )


def _inspect(value: object, *, depth: int) -> None:
    if isinstance(value, str):
        _inspect_string(value)
    elif isinstance(value, list | dict):
        if depth == MAX_DEPTH:
            raise MalformedError("JSON nested too deeply")
        if len(value) > MAX_ELEMENTS:
            raise MalformedError("a JSON array or object with too many elements")
        if isinstance(value, dict):
            for name in value:
                _inspect_string(name)
        for element in value.values() if isinstance(value, dict) else value:
            _inspect(element, depth=depth + 1)


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
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
