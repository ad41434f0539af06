"""Base64url without padding, in exactly one spelling for every byte string. RFC 7515 §2, RFC 4648 §3.5 and §5."""

from collections.abc import Iterable, Sequence

import pybase64

from kernel.errors import MalformedError

# How the last character must end so that the unused bits are zero, by length modulo 4.
_LAST_CHARACTERS = {2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}
_LAST_TWO = "-_"
_PADDING = ("", "", "==", "=")
# From here on it pays to encode at once.
_MANY = 8


def encode(data: bytes) -> str:
    """Return the base64url text of the bytes, without padding."""
    return pybase64.b64encode_as_string(data, _LAST_TWO).rstrip("=")


def encode_each(strings: Iterable[bytes]) -> list[str]:
    """Return the text of each of these byte strings."""
    return [pybase64.b64encode_as_string(string, _LAST_TWO).rstrip("=") for string in strings]


def encode_all(strings: Sequence[bytes]) -> list[str]:
    """Return the text of each of these byte strings; many of them at once, for they are of one size, as digests are."""
    if len(strings) < _MANY:
        return encode_each(strings)
    # Filled up with zeros, each takes whole groups of characters, of which the first are those of the string alone.
    size = len(strings[0])
    fill = bytes(-size % 3)
    text = encode(fill.join([*strings, b""]))
    characters, step = (size * 8 + 5) // 6, (size + len(fill)) // 3 * 4
    return [text[begin : begin + characters] for begin in range(0, len(text), step)]


def decode(text: str) -> bytes:
    """Return the bytes of a base64url text; only what `encode` would have written is accepted.

    Padding, the characters `+` and `/`, white space and non-zero trailing bits are refused, so that
    nobody can write the same signed object in two ways.
    """
    remainder = len(text) % 4
    if remainder == 1:
        raise MalformedError("base64url text of impossible length")
    if remainder and text[-1] not in _LAST_CHARACTERS[remainder]:
        raise MalformedError("base64url text that ends in unused bits, padding or a foreign character")
    if "+" in text or "/" in text or "=" in text:
        raise MalformedError("padded or standard base64 where base64url belongs")
    try:
        # By position, since a named argument would take a third of the call.
        return pybase64.b64decode(text + _PADDING[remainder], _LAST_TWO, True)
    except ValueError as exc:
        raise MalformedError("text outside the base64url alphabet") from exc
