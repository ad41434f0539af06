"""A credential in a PNG: one `iTXt` chunk before the end. Open Badges 3.0 §5.3.1; PNG (Third Edition) §5.3, §11.3.3.

Only chunks are walked and their checksums compared; nothing is ever inflated, so no picture can be a bomb here (A-43).
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from kernel.baking.content import (
    MAX_PICTURE_BYTES,
    BakedCredential,
    OpenBadgesVersion,
    decode_utf8,
    parse_text,
)
from kernel.errors import MalformedError, TooLargeError

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_KEYWORD: Final = b"openbadgecredential"
_PREFIXES: Final[dict[OpenBadgesVersion, bytes]] = {"3.0": _KEYWORD + b"\0", "2.0": b"openbadges\0"}
# Badges of before 2.0 may have only an address, in the older kind of text chunk.
_KINDS: Final[dict[OpenBadgesVersion, tuple[bytes, ...]]] = {"3.0": (b"iTXt",), "2.0": (b"iTXt", b"tEXt")}
# A chunk is its length, type, data and checksum; no honest picture of this size has more of them.
_OVERHEAD: Final = 12
_MAX_CHUNKS: Final = 10_000
_MAX_LENGTH: Final = 2**31 - 1
_HEADER_LENGTH: Final = 13


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    data: memoryview
    start: int
    end: int


def bake(art: bytes, credential: str) -> bytes:
    """Return the PNG with the credential in its one chunk before IEND; all other chunks stay byte for byte. B-30."""
    *chunks, end = _read_chunks(art)
    kept = b"".join(art[chunk.start : chunk.end] for chunk in chunks if not _carries(chunk, "3.0", "2.0"))
    return SIGNATURE + kept + _create_chunk(credential) + art[end.start : end.end]


def parse(picture: bytes) -> BakedCredential:
    """Return the credential in a PNG; two of them, or a compressed one, is an error. B-30, B-22."""
    chunks = list(_read_chunks(picture))
    version: OpenBadgesVersion = "3.0" if any(_carries(chunk, "3.0") for chunk in chunks) else "2.0"
    found = [chunk for chunk in chunks if _carries(chunk, version)]
    if len(found) != 1:
        raise MalformedError("a PNG with two badges in it" if found else "a PNG without a badge in it")
    return parse_text(_read_text(found[0]), version=version)


def _carries(chunk: _Chunk, *versions: OpenBadgesVersion) -> bool:
    beginning = bytes(chunk.data[: len(_PREFIXES["3.0"])])
    return any(chunk.kind in _KINDS[version] and beginning.startswith(_PREFIXES[version]) for version in versions)


def _read_chunks(picture: bytes) -> Iterator[_Chunk]:
    """Walk from IHDR to IEND; what follows after that is no part of the picture."""
    if len(picture) > MAX_PICTURE_BYTES:
        raise TooLargeError("a picture that is too large to be a badge")
    view, start = memoryview(picture), len(SIGNATURE)
    for number in range(_MAX_CHUNKS):
        chunk = _read_chunk(view, start)
        if (number == 0) is not (chunk.kind == b"IHDR" and len(chunk.data) == _HEADER_LENGTH):
            raise MalformedError("a PNG that does not begin with its one header")
        yield chunk
        if chunk.kind == b"IEND":
            return
        start = chunk.end
    raise TooLargeError("a PNG with too many chunks")


def _read_chunk(view: memoryview, start: int) -> _Chunk:
    length = int.from_bytes(view[start : start + 4])
    end = start + _OVERHEAD + length
    if length > _MAX_LENGTH or end > len(view):
        raise MalformedError("a PNG that ends too early")
    kind, data = bytes(view[start + 4 : start + 8]), view[start + 8 : end - 4]
    if zlib.crc32(view[start + 4 : end - 4]) != int.from_bytes(view[end - 4 : end]):
        raise MalformedError("a PNG chunk with another checksum")
    return _Chunk(kind, data, start, end)


def _read_text(chunk: _Chunk) -> str:
    _keyword, _, content = bytes(chunk.data).partition(b"\0")
    if chunk.kind == b"tEXt":
        return content.decode("latin-1")
    # Language and translated keyword mean nothing here; a compressed text is not allowed.
    _language, *rest = content[2:].split(b"\0", 2)
    if content[:2] != b"\0\0" or len(rest) != 2:
        raise MalformedError("a badge chunk that is compressed or incomplete")
    return decode_utf8(rest[1])


def _create_chunk(credential: str) -> bytes:
    """Keyword, no compression, no language, no translated keyword, text."""
    body = b"iTXt" + _KEYWORD + b"\0\0\0\0\0" + credential.encode()
    return (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
