"""Multibase, multicodec and varint: a public key written in one word. Controlled Identifiers 1.0 §2.2.2 and §2.4."""

from typing import Final

from kernel.errors import MalformedError

ED25519_PUBLIC_KEY: Final = 0xED
P256_PUBLIC_KEY: Final = 0x1200
P384_PUBLIC_KEY: Final = 0x1201

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}
_PAIRS: Final = [high + low for high in _ALPHABET for low in _ALPHABET]
# Base58 takes quadratic time; the longest text we read is a signature on P-384, which needs 132 characters.
_MAX_CHARACTERS: Final = 132
_VARINT_MAX_BYTES: Final = 9


def encode_base58btc(data: bytes) -> str:
    """Return the base58btc text of the bytes, without the multibase prefix."""
    number = int.from_bytes(data)
    pairs = []
    while number:
        # Ten digits at a time: one long division in place of ten.
        number, digits = divmod(number, 58**10)
        for _ in range(5):
            digits, pair = divmod(digits, 58**2)
            pairs.append(_PAIRS[pair])
    leading_zeros = len(data) - len(data.lstrip(b"\0"))
    return _ALPHABET[0] * leading_zeros + "".join(reversed(pairs)).lstrip(_ALPHABET[0])


def decode_base58btc(text: str) -> bytes:
    """Return the bytes of a base58btc text without multibase prefix."""
    if len(text) > _MAX_CHARACTERS:
        raise MalformedError("base58 text longer than any key or signature")
    number = 0
    for character in text:
        if character not in _VALUES:
            raise MalformedError("text outside the base58btc alphabet")
        number = number * 58 + _VALUES[character]
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
