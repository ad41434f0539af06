"""kernel.strict_json: one meaning, bounded size, or nothing. PROFILE.md K-06, K-86, A-08."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url
from kernel.errors import MalformedError
from kernel.strict_json import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_STRING,
    encode_json,
    encode_json_each,
    encode_once,
    names_any,
    parse_encoded_json,
    parse_json,
    parse_json_object,
)

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    lambda children: (
        st.lists(children, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), children, max_size=4
        )
    ),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_A08_every_honest_value_is_read_as_it_was_written(value: object):
    assert parse_json(encode_json(value)) == value
    assert parse_json(json.dumps(value)) == value


@given(st.binary(max_size=60) | st.text(max_size=60) | st.text(alphabet='{}[]":,\\u0d81 eE+-.truefalsn', max_size=40))
def test_A08_no_input_raises_anything_but_malformed(raw: bytes | str):
    try:
        value = parse_json(raw)
    except MalformedError:
        return
    assert value == json.loads(raw)


@given(
    JSON_VALUES.map(encode_json)
    | st.text(alphabet='{}[]":,\\u0d81 eE+-.truefalsn', max_size=40).map(str.encode)
    | st.from_regex(rb"\\A-?[0-9]{1,22}(\\.[0-9]{1,20})?([eE][-+]?[0-9]{1,3})?\\Z")
)
def test_A08_the_fast_way_and_the_careful_way_read_the_same(text: bytes):
    """White space around it changes no value, but no writer of ours makes it, so that text is read the careful way."""
    assert repr(_read_or_refuse(text)) == repr(_read_or_refuse(b" " + text))


def _read_or_refuse(raw: Any, read: Callable[[Any], object] = parse_json) -> object:
    try:
        return read(raw)
    except MalformedError:
        return MalformedError


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"a":1,"a":1}', id="name twice"),
        pytest.param('{"a":1,"\\u0061":1}', id="name twice, once escaped"),
        pytest.param('[{"b":{"a":1,"a":2}}]', id="name twice inside"),
        pytest.param("NaN", id="NaN"),
        pytest.param("[Infinity]", id="Infinity"),
        pytest.param("-Infinity", id="minus Infinity"),
        pytest.param('"\\ud800"', id="lone high surrogate"),
        pytest.param('"\\udc00\\ud800"', id="surrogates in the wrong order"),
        pytest.param('{"\\uDFFF":1}', id="lone surrogate in a name"),
        pytest.param('["a",{"b":["\\ud83d"]}]', id="lone surrogate inside"),
        pytest.param('"\ud800"', id="unencodable text"),
        pytest.param('"\\u0000"', id="escaped null character"),
        pytest.param('"\0"', id="raw null character"),
        pytest.param('"\n"', id="raw line feed in a string"),
        pytest.param(str(2**63), id="integer beyond 64 bits"),
        pytest.param(str(-(2**63)), id="negative integer beyond 64 bits"),
        pytest.param("1" * 5000, id="integer of 5000 digits"),
        pytest.param("1e400", id="number beyond a double"),
        pytest.param("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), id="arrays one too deep"),
        pytest.param('{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1), id="objects one too deep"),
        pytest.param("[" * 200_000, id="depth bomb"),
        pytest.param('{"a":' * 80_000, id="depth bomb of objects"),
        pytest.param("[" + "0," * MAX_ELEMENTS + "0]", id="one element too many"),
        pytest.param("", id="nothing"),
        pytest.param("{} {}", id="two values"),
        pytest.param("{'a':1}", id="single quotes"),
        pytest.param("[1,]", id="trailing comma"),
        pytest.param("01", id="leading zero"),
        pytest.param("// no\n1", id="comment"),
        pytest.param("\ufeff{}", id="byte order mark"),
        pytest.param("\u00a01", id="foreign white space"),
    ],
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_A08_a_text_with_two_readings_or_beyond_the_limits_is_refused(text: str, as_bytes: bool):
    with pytest.raises(MalformedError):
        parse_json(text.encode("utf-8", "surrogatepass") if as_bytes else text)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("\\u0000", id="backslash-u0000 as plain text"),
        pytest.param("\U0001f600 and é", id="beyond the basic plane"),
        pytest.param([0] * MAX_ELEMENTS, id="as many elements as allowed"),
        pytest.param({"a": [[], {"b": []}] * 40, "c": ["\U0001f600"]}, id="wide but not deep"),
    ],
)
def test_K86_what_only_looks_like_an_attack_is_read(value: object):
    assert parse_json(json.dumps(value)) == value
    assert parse_json(encode_json(value)) == value


def test_K86_the_deepest_allowed_value_is_read():
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH)


@pytest.mark.parametrize("text", ["1", '"\\ud83d\\ude00"', " true ", "null"])
def test_K86_a_scalar_is_a_json_text(text: str):
    assert parse_json(text) == json.loads(text)


def test_K86_a_string_over_one_mebibyte_is_refused_even_where_larger_texts_are_allowed():
    text = json.dumps("a" * (MAX_STRING + 1))
    with pytest.raises(MalformedError):
        parse_json(text, max_bytes=2 * MAX_STRING)
    assert len(parse_json(json.dumps("a" * MAX_STRING), max_bytes=2 * MAX_STRING)) == MAX_STRING


@pytest.mark.parametrize("raw", [b'"' + b"a" * (MAX_BYTES - 2) + b'"', '"' + "é" * (MAX_BYTES // 2 - 1) + '"'])
def test_K86_size_is_counted_in_bytes(raw: bytes | str):
    parse_json(raw)
    with pytest.raises(MalformedError):
        parse_json(raw, max_bytes=MAX_BYTES - 1)


def test_K86_other_encodings_of_unicode_are_refused():
    for encoding in ("utf-16", "utf-32", "latin-1"):
        with pytest.raises(MalformedError):
            parse_json('{"naam":"é"}'.encode(encoding))


@pytest.mark.parametrize("text", ["[]", "1", '"{}"', "null"])
def test_A08_a_text_that_is_no_object_is_refused_where_an_object_belongs(text: str):
    with pytest.raises(MalformedError):
        parse_json_object(text)
    assert parse_json_object(b'{"a":[1.5,-2]}') == {"a": [1.5, -2]}


def test_A08_we_never_write_what_we_would_not_read():
    with pytest.raises(ValueError, match="JSON"):
        encode_json(float("nan"))
    assert encode_json({"é": [1, None]}) == '{"é":[1,null]}'.encode()


@given(st.lists(st.one_of(JSON_VALUES, st.just(2**70), st.just(float("inf")), st.just("\ud800")), max_size=6))
def test_A08_many_values_are_written_as_one_by_one(values: list[object]):
    """With the same texts, or refused alike: numbers that no text has, and texts that are no Unicode."""
    assert outcome(encode_json_each, values) == outcome(lambda those: [encode_json(one) for one in those], values)


def outcome(write: Callable[[list[object]], list[bytes]], values: list[object]) -> list[bytes] | str:
    try:
        return write(values)
    except ValueError as exc:
        return str(exc)


def test_A08_members_are_found_by_name_and_not_by_what_texts_say():
    assert names_any(encode_json([{"a": {"jti": 1}}]), {"jti"})
    assert not names_any(encode_json({"a": '"jti":', "jti ": ["jti"], "x-jti": {}}), {"jti"})


def _one_by_one(texts: Sequence[str]) -> list[Any]:
    return [parse_json(base64url.decode(text)) for text in texts]


@given(st.lists(JSON_VALUES, max_size=6))
def test_A08_encoded_texts_are_read_as_they_were_written(values: list[object]):
    assert parse_encoded_json([base64url.encode(encode_json(value)) for value in values]) == values


@given(
    st.lists(
        JSON_VALUES.map(encode_json).map(base64url.encode)
        | st.text(alphabet='{}[]":,\\u0d8a1\n ', max_size=12).map(str.encode).map(base64url.encode)
        | st.text(alphabet="AKJogQW1swIiXSx~=+", max_size=9),
        max_size=8,
    )
)
def test_A08_encoded_texts_are_read_at_once_as_one_by_one(texts: list[str]):
    assert repr(_read_or_refuse(texts, parse_encoded_json)) == repr(_read_or_refuse(texts, _one_by_one))


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param([base64url.encode(b'["a",["b"'), base64url.encode(b'["c"]],["d"]')], id="one leans on the next"),
        pytest.param([base64url.encode(b'["a"]\n["b"'), base64url.encode(b"]")], id="another line"),
        pytest.param([base64url.encode(b'["a"]\n["bc'), base64url.encode(b'd"]')], id="as many lines as texts"),
        pytest.param(
            [base64url.encode(b'["a"]\n["ab')[:-1] + "j", base64url.encode(b'd"]')],
            id="four bits left over for a line feed",
        ),
        pytest.param(
            [base64url.encode(b'["a"]\n["bcd')[:-1] + "R", base64url.encode(b'd"]')],
            id="two bits left over for a line feed",
        ),
        pytest.param([base64url.encode(b'["a"]')[:-1] + "1"], id="bits left over"),
        pytest.param([base64url.encode(b'["a"]'), ""], id="nothing"),
        pytest.param([base64url.encode(b'["a"]\n["b"]'), ""], id="two lines and nothing"),
        pytest.param([base64url.encode(b'["ab"]') + "A"], id="impossible length"),
        pytest.param(
            [base64url.encode(b'["\xc3\xbf\xc3\xbf~~"]').replace("-", "+").replace("_", "/")], id="standard base64"
        ),
        pytest.param([base64url.encode(b'["a"]') + "="], id="padding"),
        pytest.param([base64url.encode(b'[1,{"a":1,"a":2}]')], id="member twice"),
        pytest.param([base64url.encode(b"[" * 33 + b"]" * 33)], id="too deep"),
        pytest.param([base64url.encode(b'["\\u0000"]')], id="null character"),
        pytest.param([base64url.encode(b"[9223372036854775808]")], id="number beyond 63 bits"),
    ],
)
def test_A08_what_is_refused_of_one_encoded_text_is_refused_of_many(texts: list[str]):
    honest = base64url.encode(b'["honest"]')
    for among in (texts, [honest] * 4 + texts, texts + [honest] * 4):
        with pytest.raises(MalformedError):
            parse_encoded_json(among)


def test_K86_encoded_texts_may_each_be_as_deep_as_one_alone():
    deepest = b"[" * 32 + b"]" * 32
    assert parse_encoded_json([base64url.encode(deepest)] * 4) == [parse_json(deepest)] * 4


def test_what_was_encoded_once_is_written_as_it_was() -> None:
    value = {"a": ["é", None, {"b": 1.5}]}
    assert encode_json({"x": encode_once(value), "y": [encode_once(value)]}) == encode_json({"x": value, "y": [value]})
    with pytest.raises(ValueError, match="no text"):
        encode_once([float("nan")])
