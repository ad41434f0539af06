"""Base64url without padding, in exactly one spelling for every byte string. RFC 7515 §2, RFC 4648 §3.5 and §5."""

import binascii

from kernel.errors import MalformedError

# How the last character must end so that the unused bits are zero, by length modulo 4.
_LAST_CHARACTERS = {2: frozenset("AQgw"), 3: frozenset("AEIMQUYcgkosw048")}
_PADDING = {0: "", 2: "==", 3: "="}


def encode(data: bytes) -> str:
    """Return the base64url text of the bytes, without padding."""
    text = binascii.b2a_base64(data, newline=False).decode("ascii")
    return text.rstrip("=").replace("+", "-").replace("/", "_")


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
        standard = text.replace("-", "+").replace("_", "/") + _PADDING[remainder]
        return binascii.a2b_base64(standard, strict_mode=True)
    except ValueError as exc:
        raise MalformedError("text outside the base64url alphabet") from exc
