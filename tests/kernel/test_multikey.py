"""kernel.multikey: multibase, multicodec and varint. PROFILE.md K-22."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import multikey
from kernel.errors import MalformedError


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (
            b"The quick brown fox jumps over the lazy dog.",
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z",
        ),
        (bytes.fromhex("0000287fb4cd"), "11233QC4"),
        (b"", ""),
    ],
)
def test_K22_base58btc_examples_of_the_internet_draft(data: bytes, text: str):
    """draft-msporny-base58-03 §5."""
    assert multikey.encode_base58btc(data) == text
    assert multikey.decode_base58btc(text) == data


@given(st.binary(max_size=80))
def test_K22_base58btc_keeps_every_byte(data: bytes):
    assert multikey.decode_base58btc(multikey.encode_base58btc(data)) == data


@given(st.integers(0, 2**63 - 1), st.binary(max_size=4))
def test_K22_varint_keeps_every_number(number: int, rest: bytes):
    assert multikey.decode_varint(multikey.encode_varint(number) + rest) == (number, rest)


def test_K22_codec_of_p256_is_written_as_the_registry_says():
    """Controlled Identifiers 1.0 §2.2.2: the two bytes 0x80 0x24."""
    assert multikey.encode_varint(multikey.P256_PUBLIC_KEY) == b"\x80\x24"
    assert multikey.encode_varint(multikey.ED25519_PUBLIC_KEY) == b"\xed\x01"


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 12, b"\x80\x00", b"\xed\x80\x00"])
def test_K22_varint_without_end_or_longer_than_needed_is_refused(data: bytes):
    with pytest.raises(MalformedError):
        multikey.decode_varint(data)


@pytest.mark.parametrize("text", ["", "u7QE", "z0", "zO", "zI", "zl", "z ", "z\xe9", "z" + "2" * 133])
def test_K22_text_that_is_no_multikey_is_refused(text: str):
    with pytest.raises(MalformedError):
        multikey.decode_multikey(text)


@given(st.text(max_size=30).map("z".__add__) | st.text(alphabet="z123abcXYZ0OIl", max_size=140))
def test_K22_no_multikey_raises_anything_but_malformed(text: str):
    try:
        codec, data = multikey.decode_multikey(text)
    except MalformedError:
        return
    assert multikey.encode_multikey(codec, data) == text
