"""The JSON Canonicalization Scheme: one text for one JSON value. RFC 8785."""

import math
from decimal import Decimal
from json.encoder import encode_basestring
from typing import Any, Final

from kernel.errors import MalformedError

# Beyond this, readers that hold numbers as doubles no longer agree on an integer. RFC 7493 §2.2.
_MAX_INTEGER: Final = 2**53 - 1


def canonicalize_json(value: object) -> str:
    """Return the canonical text of a value that `parse_json` read or our own code made.

    Members are sorted by UTF-16 code units (§3.2.3), numbers written as ECMAScript writes them (§3.2.2.3). What has
    no such text, as a number beyond a double or a lone surrogate, is MalformedError.
    """
    try:
        text = _serialize(value)
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise MalformedError("a text with a lone surrogate") from exc
    return text


def _serialize(value: Any) -> str:
    if isinstance(value, str):
        return encode_basestring(value)
    if isinstance(value, dict):
        members = sorted(value.items(), key=_sort_key)
        return "{" + ",".join(f"{encode_basestring(name)}:{_serialize(member)}" for name, member in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_serialize, value)) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return _serialize_number(value)


def _sort_key(member: tuple[str, object]) -> bytes:
    return member[0].encode("utf-16-be")


def _serialize_number(value: object) -> str:
    if isinstance(value, int) and abs(value) <= _MAX_INTEGER:
        return str(value)
    if not isinstance(value, float) or not math.isfinite(value):
        raise MalformedError("not a JSON value that every reader understands alike")
    if value.is_integer() and abs(value) < 1e21:
        return format(Decimal(repr(value)).to_integral_value() + 0, "f")
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa
    if -7 < int(exponent) < 0:
        sign, digits = mantissa[: mantissa.startswith("-")], mantissa.lstrip("-").replace(".", "")
        return f"{sign}0.{'0' * (-int(exponent) - 1)}{digits}"
    return f"{mantissa}e{int(exponent):+d}"
