"""Multibase, multicodec and varint: a public key written in one word. Controlled Identifiers 1.0 §2.2.2 and §2.4."""

from typing import Final

from kernel.errors import MalformedError

ED25519_PUBLIC_KEY: Final = 0xED
P256_PUBLIC_KEY: Final = 0x1200
P384_PUBLIC_KEY: Final = 0x1201

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_NO_DIGIT: Final = 0xFF
# What each character counts, to be found by its code.
_VALUES: Final = bytes([_ALPHABET.index(chr(i)) if chr(i) in _ALPHABET else _NO_DIGIT for i in range(256)])
_PAIRS: Final = [high + low for high in _ALPHABET for low in _ALPHABET]
# Base58 takes quadratic time; the longest text we read is a signature on P-384, which needs 132 characters.
_MAX_CHARACTERS: Final = 132
_VARINT_MAX_BYTES: Final = 9


def encode_base58btc(data: bytes) -> str:
    """Return the base58btc text of the bytes, without the multibase prefix."""
    number = int.from_bytes(data)
    pairs: list[str] = []
    while number:
        # Four digits at a time: one long division in place of four.
        number, digits = divmod(number, 58**4)
        pairs += _PAIRS[digits % 58**2], _PAIRS[digits // 58**2]
    leading_zeros = len(data) - len(data.lstrip(b"\0"))
    return _ALPHABET[0] * leading_zeros + "".join(reversed(pairs)).lstrip(_ALPHABET[0])


def decode_base58btc(text: str) -> bytes:
    """Return the bytes of a base58btc text without multibase prefix."""
    if len(text) > _MAX_CHARACTERS:
        raise MalformedError("base58 text longer than any key or signature")
    digits = text.encode("ascii", "replace").translate(_VALUES)
    if _NO_DIGIT in digits:
        raise MalformedError("text outside the base58btc alphabet")
    number = 0
    # Four digits at a time, as they are written.
    fours = [iter(bytes(-len(digits) % 4) + digits)] * 4
    for a, b, c, d in zip(*fours, strict=True):
        number = number * 58**4 + ((a * 58 + b) * 58 + c) * 58 + d
    leading_zeros = len(text) - len(text.lstrip(_ALPHABET[0]))
    return bytes(leading_zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def encode_varint(number: int) -> bytes:
    """Return an unsigned number as multiformats varint."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def decode_varint(data: bytes) -> tuple[int, bytes]:
    """Return the number at the front and the bytes after it; only the shortest spelling is accepted."""
    number = 0
    for position, byte in enumerate(data[:_VARINT_MAX_BYTES]):
        number |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:
            if byte == 0 and position > 0:
                raise MalformedError("a varint that is longer than needed")
            return number, data[position + 1 :]
    raise MalformedError("a varint without end")


def encode_multikey(codec: int, key: bytes) -> str:
    """Return `z…`: base58btc of the codec number and the key bytes."""
    return "z" + encode_base58btc(encode_varint(codec) + key)


def decode_multikey(text: str) -> tuple[int, bytes]:
    """Return the codec number and key bytes of a `z…` text; which codecs are keys is the caller's to say."""
    if not text.startswith("z"):
        raise MalformedError("a multibase text that is not base58btc")
    return decode_varint(decode_base58btc(text[1:]))
