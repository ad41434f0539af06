"""kernel.status.segments: one stream of many parts, and streams of strangers read within bounds. K-79, A-43."""

import gzip
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import MalformedError
from kernel.status.segments import (
    MAX_LIST_BYTES,
    SEGMENT_BYTES,
    SegmentedBytes,
    join_gzip,
    join_zlib,
    pack_segment,
    unpack_gzip,
    unpack_zlib,
)
from tests.support.effort import count_bytes

PACKERS = [(join_zlib, unpack_zlib, zlib.compress), (join_gzip, unpack_gzip, gzip.compress)]


@st.composite
def sparse_lists(draw: st.DrawFn) -> bytearray:
    """Mostly zeros, of any length around the borders of segments, with something here and there."""
    borders = st.sampled_from([1, SEGMENT_BYTES, 2 * SEGMENT_BYTES, 5 * SEGMENT_BYTES])
    data = bytearray(max(1, draw(borders) + draw(st.integers(-3, 3))))
    for position, byte in draw(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=40)):
        data[position % len(data)] = byte
    return data


@given(sparse_lists())
def test_K71_K80_2_the_segments_are_one_ordinary_stream_in_either_container(data):
    packed = SegmentedBytes(data).pack()
    assert zlib.decompress(join_zlib(packed)) == data
    assert gzip.decompress(join_gzip(packed)) == data
    assert unpack_zlib(join_zlib(packed)) == unpack_gzip(join_gzip(packed)) == data


@given(st.lists(st.binary(max_size=300), max_size=6))
def test_checksums_are_put_together_from_segments_of_any_length(parts):
    packed = [pack_segment(part) for part in parts]
    assert zlib.decompress(join_zlib(packed)) == b"".join(parts)
    assert gzip.decompress(join_gzip(packed)) == b"".join(parts)


@given(sparse_lists(), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8))
def test_what_is_written_later_is_packed_too(data, changes):
    written = SegmentedBytes(data)
    written.pack()
    for position, byte in changes:
        written.write(position % len(data), bytes([byte]))
        data[position % len(data)] = byte
    assert unpack_gzip(join_gzip(written.pack())) == data == written.octets


def test_only_the_segment_that_changed_is_packed_again():
    written = SegmentedBytes(bytes(10 * SEGMENT_BYTES))
    before = written.pack()
    written.write(3 * SEGMENT_BYTES, b"\1")
    after = written.pack()
    assert [number for number in range(10) if after[number] is not before[number]] == [3]
    written.write(6 * SEGMENT_BYTES - 1, b"\1\1")
    assert [number for number, segment in enumerate(written.pack()) if segment is not after[number]] == [5, 6]


def test_the_same_list_gives_the_same_bytes():
    data = bytes(range(256)) * 64
    assert join_gzip(SegmentedBytes(data).pack()) == join_gzip(SegmentedBytes(data).pack())


@pytest.mark.parametrize(("join", "unpack", "compress"), PACKERS)
def test_K79_streams_that_others_made_are_read(join, unpack, compress):
    data = bytes(range(256)) * 1024
    assert unpack(compress(data)) == data
    assert unpack(compress(bytes(MAX_LIST_BYTES))) == bytes(MAX_LIST_BYTES)


@pytest.mark.parametrize(("join", "unpack", "compress"), PACKERS)
def test_K79_A43_a_bomb_is_refused_before_it_is_unpacked(join, unpack, compress):
    bomb = join([pack_segment(bytes(MAX_LIST_BYTES))] * 500)

    def unpack_it():
        with pytest.raises(MalformedError, match="larger"):
            unpack(bomb)

    assert count_bytes(unpack_it) < 4 * MAX_LIST_BYTES
    with pytest.raises(MalformedError, match="larger"):
        unpack(compress(bytes(MAX_LIST_BYTES + 1)))


@pytest.mark.parametrize(("join", "unpack", "compress"), PACKERS)
def test_K79_A46_a_stream_that_is_cut_or_goes_on_or_is_another_is_refused(join, unpack, compress):
    good = compress(bytes(64))
    others = [packer[2](bytes(64)) for packer in PACKERS if packer[1] is not unpack]
    broken = [b"", good[:-1], good + b"\0", good + good, compress(b""), b"\0" + good, good[:-4] + b"\1\2\3\4", *others]
    for data in broken:
        with pytest.raises(MalformedError):
            unpack(data)


@given(st.binary(max_size=200))
def test_A43_bytes_of_any_kind_are_unpacked_or_refused(data):
    for unpack in (unpack_zlib, unpack_gzip):
        with suppress(MalformedError):
            assert len(unpack(data)) <= MAX_LIST_BYTES
