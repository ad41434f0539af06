"""A status list packed in segments, so that one changed entry costs one segment and not the whole list.

Each segment is a run of whole deflate blocks that refers to nothing before it and ends on a byte (RFC 1951 §2), so
any number of them in a row, with a head and the checksum of the whole, is one ordinary zlib stream (RFC 1950) or gzip
member (RFC 1952). The checksum of the whole is put together from those of the segments.

Here too is how such a stream is read when it comes from strangers: within bounds. PROFILE.md K-79, A-43.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from kernel.errors import MalformedError

SEGMENT_BYTES: Final = 4096
# What a list may grow to when it is unpacked, however small it came (K-79).
MAX_LIST_BYTES: Final = 4 * 1024 * 1024

_ADLER: Final = 65_521
_ZLIB_HEAD: Final = b"\x78\xda"
# No file name, no time, best compression, no particular system. RFC 1952 §2.3.
_GZIP_HEAD: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
# An empty last block. RFC 1951 §3.2.6.
_END: Final = b"\x03\x00"


@dataclass(frozen=True, slots=True)
class PackedSegment:
    """A segment that is packed: its length before, its deflate blocks, and its checksums for either container."""

    length: int
    deflated: bytes
    adler32: int
    crc32: int


def pack_segment(data: bytes) -> PackedSegment:
    """Pack a segment.

    A status list is runs of zeros with something at random in between: run-length matching packs it about as small as
    the best search does, in a fiftieth of the time.
    """
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    deflated = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    return PackedSegment(len(data), deflated, zlib.adler32(data), zlib.crc32(data))


def join_zlib(segments: Sequence[PackedSegment]) -> bytes:
    """Return the one zlib stream of these segments. RFC 1950 §2.2."""
    return _join(_ZLIB_HEAD, segments, struct.pack(">I", _adler32(segments)))


def join_gzip(segments: Sequence[PackedSegment]) -> bytes:
    """Return the one gzip member of these segments; the same list gives the same bytes. RFC 1952 §2.3."""
    length = sum(segment.length for segment in segments)
    return _join(_GZIP_HEAD, segments, struct.pack("<II", _crc32(segments), length & 0xFFFFFFFF))


def unpack_zlib(data: bytes) -> bytes:
    """Unpack one whole zlib stream and nothing after it, never beyond `MAX_LIST_BYTES`; else MalformedError."""
    return _unpack(data, zlib.MAX_WBITS)


def unpack_gzip(data: bytes) -> bytes:
    """Unpack one whole gzip member and nothing after it, never beyond `MAX_LIST_BYTES`; else MalformedError."""
    return _unpack(data, 16 + zlib.MAX_WBITS)


class SegmentedBytes:
    """Bytes that are read as `octets`, written by `write`, and packed again where they were written to."""

    __slots__ = ("_changed", "_packed", "octets")

    def __init__(self, data: bytes | bytearray) -> None:
        self.octets: Final = bytearray(data)
        self._packed: dict[int, PackedSegment] = {}
        self._changed = set(range(0, len(data), SEGMENT_BYTES))

    def write(self, position: int, data: bytes) -> None:
        """Put these bytes, of which there are no more than a segment has, in the place of those that are there."""
        last = position + len(data) - 1
        self.octets[position : last + 1] = data
        self._changed |= {position - position % SEGMENT_BYTES, last - last % SEGMENT_BYTES}

    def pack(self) -> Sequence[PackedSegment]:
        """Return all segments; those that were not written to since the last time are not packed again."""
        for start in self._changed:
            self._packed[start] = pack_segment(bytes(self.octets[start : start + SEGMENT_BYTES]))
        self._changed.clear()
        return [self._packed[start] for start in range(0, len(self.octets), SEGMENT_BYTES)]


def _join(head: bytes, segments: Iterable[PackedSegment], checks: bytes) -> bytes:
    return b"".join([head, *(segment.deflated for segment in segments), _END, checks])


def _adler32(segments: Iterable[PackedSegment]) -> int:
    """Put two sums together: of all bytes, and of that sum after each byte. RFC 1950 §8.2."""
    low, high = 1, 0
    for segment in segments:
        high = (high + segment.length * (low - 1) + (segment.adler32 >> 16)) % _ADLER
        low = (low + (segment.adler32 & 0xFFFF) - 1) % _ADLER
    return high << 16 | low


def _crc32(segments: Iterable[PackedSegment]) -> int:
    """Carry the sum so far past each segment, and add the segment's own. RFC 1952 §8."""
    crc = 0
    for segment in segments:
        carry = _carry_past(segment.length)
        crc = (
            carry[crc & 0xFF]
            ^ carry[0x100 | crc >> 8 & 0xFF]
            ^ carry[0x200 | crc >> 16 & 0xFF]
            ^ carry[0x300 | crc >> 24]
            ^ segment.crc32
        )
    return crc


@lru_cache(maxsize=8)
def _carry_past(length: int) -> Sequence[int]:
    """Return what each value of each byte of a sum becomes when so many zero bytes follow.

    That is linear in the bits of the sum, so it is enough to know it of every bit.
    """
    zeros = bytes(length)
    nothing = zlib.crc32(zeros)
    carry = [0] * 1024
    for place in range(4):
        for bit in range(8):
            value = zlib.crc32(zeros, 1 << (8 * place + bit)) ^ nothing
            for lower in range(1 << bit):
                carry[place << 8 | 1 << bit | lower] = carry[place << 8 | lower] ^ value
    return carry


def _unpack(data: bytes, wbits: int) -> bytes:
    decompressor = zlib.decompressobj(wbits)
    try:
        unpacked = decompressor.decompress(data, MAX_LIST_BYTES + 1)
    except zlib.error as exc:
        raise MalformedError("a status list that is not compressed as it should be") from exc
    if len(unpacked) > MAX_LIST_BYTES:
        raise MalformedError("the status list is larger than allowed")
    if not decompressor.eof or decompressor.unused_data or not unpacked:
        raise MalformedError("a status list that is cut short, goes on after its end, or is empty")
    return unpacked
