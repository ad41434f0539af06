"""JSON as the rest of the kernel wants to read it: one meaning, bounded size, or nothing. RFC 8259, RFC 7493.

Refused are member names given twice, NaN and Infinity, numbers beyond what others can read, lone surrogates and
U+0000, and values deeper, longer or wider than any honest credential (PROFILE.md K-06, K-86). The standard
library's scanner can be told of each of these. Most texts need no telling: a fast library reads them, and when it
writes their value with the very same bytes, nothing was named twice, rounded or cut off.
"""

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import orjson
import pybase64

from kernel import base64url
from kernel.errors import MalformedError, TooLargeError

MAX_BYTES: Final = 512 * 1024
MAX_DEPTH: Final = 32
MAX_ELEMENTS: Final = 10_000
MAX_STRING: Final = 1024 * 1024
# What a signed 64-bit integer holds: readers in other languages agree on it.
_MAX_INTEGER: Final = 2**63 - 1
_MAX_INTEGER_CHARACTERS: Final = 20
_CONTAINERS: Final = (list, dict)
# From here on it pays to read at once.
_MANY: Final = 4
# What follows a base64url text, by its length modulo 4, so that its last group is complete and line feeds come after
# it, of which at least one is in characters of its own. No text has the second length, and a tilde is never decoded.
_LINE_FEEDS: Final = ("CgoK", "~", "oK", "KCgoK")
# RFC 8259 §2; other white space is no JSON.
_WHITE_SPACE: Final = " \t\n\r"
# Escapes of U+0000 and of surrogates; a pair of surrogates is innocent, so the strings themselves are judged then.
_SUSPECT_ESCAPE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


def parse_json(raw: bytes | str, *, max_bytes: int = MAX_BYTES) -> Any:
    """Return the value of a JSON text, or raise MalformedError for two readings, TooLargeError for too much."""
    try:
        data = raw.encode("utf-8") if isinstance(raw, str) else raw
    except UnicodeError as exc:
        raise MalformedError("the JSON text is not UTF-8") from exc
    if len(data) > max_bytes:
        raise TooLargeError("the JSON text is larger than allowed here")
    try:
        value = orjson.loads(data)
        # What our own writer spells the same has no second reading; for all else there is the careful way.
        if orjson.dumps(value, option=_SMALL_INTEGERS) != data:
            value = _read_carefully(data)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        value = _read_carefully(data)
    _require_modest(value, data)
    return value


def parse_encoded_json(texts: Sequence[str]) -> list[Any]:
    """Return what `parse_json` makes of each of these texts in base64url, or raise MalformedError.

    Nearly always many can be read at once, which costs half as much.
    """
    if len(texts) < _MANY:
        return _read_one_by_one(texts)
    try:
        values, data = _read_at_once(texts)
        _require_modest(values, data)
    except (ValueError, TypeError, MalformedError):
        return _read_one_by_one(texts)
    return values


def _read_one_by_one(texts: Sequence[str]) -> list[Any]:
    return [parse_json(base64url.decode(text)) for text in texts]


def _read_at_once(texts: Sequence[str]) -> tuple[list[Any], bytes]:
    """Decode the texts as the lines of one, and write their values anew, which shows that no line has another reading.

    What is left over in the last character of a text would have changed the line feed after it into a character with
    which no JSON text ends. And no text has a line feed of its own, since each line is as long as its text says.
    """
    lengths = list(map(len, texts))
    joined = "".join([text + _LINE_FEEDS[length & 3] for text, length in zip(texts, lengths, strict=True)])
    if "+" in joined or "/" in joined:
        raise ValueError("standard base64 where base64url belongs")
    lines = list(filter(None, pybase64.b64decode(joined, "-_", True).split(b"\n")))
    values = list(map(orjson.loads, lines))
    written = orjson.dumps(values, option=_SMALL_INTEGERS)
    if list(map(len, lines)) != [length * 3 // 4 for length in lengths] or written[1:-1] != b",".join(lines):
        raise ValueError("one of them can be read in two ways")
    return values, written


def _require_modest(value: object, data: bytes) -> None:
    # Most texts are too small for any limit, and save the walk. A text may be wide, or deep, or long, or escaped; a
    # backslash alone is found by the C library, two characters would be searched for one by one.
    if len(data) > MAX_ELEMENTS or len(data) - len(data.replace(b"{", b"").replace(b"[", b"")) > MAX_DEPTH:
        _inspect_containers(value)
    if len(data) > MAX_STRING or (b"\\" in data and _SUSPECT_ESCAPE.search(data)):
        for string in _strings(value):
            _inspect_string(string)


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


def encode_json_each(values: Sequence[object]) -> list[bytes]:
    """Return what `encode_json` makes of each of these values, or raise what it raises; nearly always faster."""
    try:
        texts = [orjson.dumps(value, option=_AS_THEY_ARE) for value in values]
    except orjson.JSONEncodeError:
        return [encode_json(value) for value in values]
    return [encode_json(value) for value in values] if b"null" in b" ".join(texts) else texts


def encode_once(value: object) -> object:
    """Return something of which `encode_json` makes the same text as of the value, without looking into it again.

    Raises what `encode_json` raises. Beside integers beyond 64 bits there is no text for it (TypeError).
    """
    return orjson.Fragment(encode_json(value))


def names_any(text: bytes, names: Iterable[str]) -> bool:
    """Tell whether a member of one of these names stands anywhere in a text that `encode_json` made.

    Within a string the quotation marks are escaped, so only the name of a member reads like this, or its end after one.
    """
    return any(f'"{name}":'.encode() in text for name in names)


def _fractions(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _fractions(element)
    elif isinstance(value, dict):
        yield from _fractions(list(value.values()))


def _read_carefully(data: bytes) -> Any:
    try:
        text = data.decode("utf-8").strip(_WHITE_SPACE)
        value, end = _DECODER.raw_decode(text)
    except RecursionError as exc:
        raise TooLargeError("JSON nested too deeply") from exc
    except ValueError as exc:
        raise MalformedError(f"not JSON: {type(exc).__name__}") from exc
    if end != len(text):
        raise MalformedError("something after the JSON value")
    return value


def _inspect_containers(value: object) -> None:
    """Walk down level by level, so that depth costs no stack."""
    containers = [value] if isinstance(value, list | dict) else []
    for _ in range(MAX_DEPTH):
        if any(len(container) > MAX_ELEMENTS for container in containers):
            raise TooLargeError("a JSON array or object with too many elements")
        containers = [
            child
            for container in containers
            for child in (container.values() if isinstance(container, dict) else container)
            if isinstance(child, _CONTAINERS)
        ]
    if containers:
        raise TooLargeError("JSON nested too deeply")


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
# Larger ones than a double holds exactly are left to the careful way.
_SMALL_INTEGERS: Final = orjson.OPT_STRICT_INTEGER
# Neither dates nor dataclasses turn into JSON by themselves.
_AS_THEY_ARE: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
