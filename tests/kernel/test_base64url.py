"""kernel.base64url: one spelling for every byte string. PROFILE.md K-06."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url
from kernel.errors import MalformedError


@given(st.binary(max_size=200))
def test_K06_what_was_encoded_is_decoded_to_the_same_bytes(data: bytes):
    assert base64url.decode(base64url.encode(data)) == data


@given(st.text(max_size=40) | st.text(alphabet="AQgwEzZ09-_+/=\n", max_size=12))
def test_K06_a_text_is_refused_or_is_the_only_spelling_of_its_bytes(text: str):
    try:
        data = base64url.decode(text)
    except MalformedError:
        return
    assert base64url.encode(data) == text


def test_K06_the_url_alphabet_is_used():
    """RFC 4648 §5: the two characters in which it differs."""
    assert base64url.encode(b"\xfb\xff\xbf") == "-_-_"
    assert base64url.decode("-_-_") == b"\xfb\xff\xbf"


def test_K06_rfc_7515_example_is_decoded():
    """RFC 7515, Appendix C."""
    assert base64url.encode(bytes([3, 236, 255, 224, 193])) == "A-z_4ME"
    assert base64url.decode("A-z_4ME") == bytes([3, 236, 255, 224, 193])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("QQ==", id="padding"),
        pytest.param("QUE=", id="padding of one"),
        pytest.param("-_+_", id="plus"),
        pytest.param("-_/_", id="slash"),
        pytest.param("A", id="impossible length"),
        pytest.param("QR", id="four trailing bits"),
        pytest.param("QUF", id="two trailing bits"),
        pytest.param("QUFB\n", id="line feed at the end"),
        pytest.param("QU FB", id="space"),
        pytest.param("QUF\xc2", id="character beyond ASCII"),
        pytest.param("QUF\ud800", id="lone surrogate"),
        pytest.param("QUF\0", id="null character"),
    ],
)
def test_K06_a_second_spelling_is_refused(text: str):
    with pytest.raises(MalformedError):
        base64url.decode(text)


@given(st.integers(1, 70).flatmap(lambda size: st.lists(st.binary(min_size=size, max_size=size), max_size=12)))
def test_K06_byte_strings_of_one_size_are_encoded_at_once_as_one_by_one(strings: list[bytes]):
    assert base64url.encode_all(strings) == [base64url.encode(string) for string in strings]
