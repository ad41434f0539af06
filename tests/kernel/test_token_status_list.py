"""kernel.status.token_status_list. draft-ietf-oauth-status-list; PROFILE.md K-71 to K-79, A-43, A-46."""

import json
import re
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url
from kernel.errors import (
    AlgorithmNotAllowedError,
    CredentialError,
    ExpiredError,
    InvalidSignatureError,
    MalformedError,
    NotYetValidError,
    RejectedError,
    WrongTypeError,
)
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner, parse_public_jwk
from kernel.status.segments import MAX_LIST_BYTES
from kernel.status.token_status_list import (
    MINIMUM_SIZE,
    TYP,
    Status,
    StatusList,
    VerifiedStatusList,
    create_status_list_token,
    parse_status_list_token,
    status_of,
    verify_status_list_token,
)
from tests.support.json_values import json_values, nearly

URI = "https://status.skills.example/tsl/7"
ISSUED_AT = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)
SIGNER = SoftwareSigner.generate()
ES256 = frozenset({"ES256"})
EXAMPLES = Path(__file__).parents[3] / "shared" / "vectors" / "token-status-list" / "examples"

# The lists behind the published encodings: draft-ietf-oauth-status-list, section 4.1 and Appendix C.
SHORT = {
    "status_list_encoding_json.md": (1, [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]),
    "status_list_encoding2_json.md": (2, [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]),
}
LONG_1 = {0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345}
LONG_2 = {0: 1, 1993: 2, 25460: 1, 159495: 3, 495669: 1, 554353: 1, 645645: 2, 723232: 1}
LONG_2 |= {854545: 1, 934534: 2, 1000345: 3}
LONG_4 = {0: 1, 1993: 2, 35460: 3, 459495: 4, 595669: 5, 754353: 6, 845645: 7, 923232: 8}
LONG_4 |= {924445: 9, 934534: 10, 1004534: 11, 1000345: 12, 1030203: 13, 1030204: 14, 1030205: 15}


def payload(**changes: Any) -> dict[str, Any]:
    members = {
        "sub": URI,
        "iat": int(ISSUED_AT.timestamp()),
        "exp": int(ISSUED_AT.timestamp()) + 86400,
        "ttl": 3600,
        "status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ"},
        **changes,
    }
    return {name: value for name, value in members.items() if value is not ...}


def token(*, typ: str = TYP, signer: SoftwareSigner = SIGNER, **changes: Any) -> str:
    return sign_jwt(payload(**changes), signer=signer, typ=typ, header={"kid": "did:web:issuer.example#key-1"})


def verify(raw: str, **changes: Any) -> VerifiedStatusList:
    expected: dict[str, Any] = {"uri": URI, "key": SIGNER.public_key, "algorithms": ES256, "now": ISSUED_AT}
    return verify_status_list_token(raw, **{**expected, **changes})


def published(name: str) -> dict[str, Any]:
    path = EXAMPLES / name
    if not path.exists():
        pytest.skip("../shared/vectors/token-status-list is not there")
    text = re.sub(r"\n\s+(?=[A-Za-z0-9_-]+(\n|\"))", "", path.read_text())
    found: dict[str, Any] = json.loads(text[text.index("{") :])
    return found


def entries_of(status_list: StatusList) -> dict[int, int]:
    """Every entry that is not zero, by its index; looks only where a byte is not zero."""
    per_byte = 8 // status_list.bits
    touched = (
        number * per_byte + at for number, byte in enumerate(bytes(status_list)) if byte for at in range(per_byte)
    )
    return {index: status_list.get(index) for index in touched if status_list.get(index)}


# Bits and bytes


@pytest.mark.parametrize("name", SHORT)
def test_K72_published_short_lists_are_read_and_written_to_the_same_bits(name):
    bits, entries = SHORT[name]
    example = published(name)
    read = StatusList.decode(example["bits"], example["lst"])
    assert (read.bits, [read.get(index) for index in range(len(read))]) == (bits, entries)
    written = StatusList(bits, len(entries))
    for index, value in enumerate(entries):
        written.set(index, value)
    assert bytes(written) == bytes(read)
    # How small a list is packed is its writer's choice; what comes out is not.
    assert zlib.decompress(base64url.decode(written.encode())) == zlib.decompress(base64url.decode(example["lst"]))


@pytest.mark.parametrize(
    ("name", "bits", "entries"),
    [
        ("status_list_encoding1_long_json.md", 1, dict.fromkeys(LONG_1, 1)),
        ("status_list_encoding2_long_json.md", 2, LONG_2),
        ("status_list_encoding4_json.md", 4, LONG_4),
    ],
)
def test_K72_published_long_lists_of_each_entry_size_have_the_entries_of_the_draft(name, bits, entries):
    example = published(name)
    read = StatusList.decode(example["bits"], example["lst"])
    assert (read.bits, len(read)) == (bits, 2**20)
    assert entries_of(read) == entries
    written = StatusList(bits, len(read))
    for index, value in entries.items():
        written.set(index, value)
    assert bytes(StatusList.decode(bits, written.encode())) == bytes(read)


def test_K72_the_published_list_of_eight_bits_has_every_value_once():
    example = published("status_list_encoding8_json.md")
    read = StatusList.decode(example["bits"], example["lst"])
    assert (read.bits, len(read)) == (8, 2**20)
    assert sorted(entries_of(read).values()) == list(range(1, 256))


def test_K72_the_zlib_stream_of_the_draft_is_read():
    assert bytes(StatusList.decode(1, base64url.encode(bytes.fromhex("78dadbb918000217015d")))) == bytes([0xB9, 0xA3])


def test_K72_the_first_entry_is_in_the_least_significant_bits():
    status_list = StatusList(2, 4)
    status_list.set(1, 3)
    assert bytes(status_list) == bytes([0b00001100])


@given(st.sampled_from([1, 2, 4, 8]), st.data())
def test_K72_what_was_written_is_read_and_neighbours_stay(bits, data):
    values = data.draw(st.lists(st.integers(0, 2**bits - 1), min_size=8, max_size=64).filter(lambda v: len(v) % 8 == 0))
    status_list = StatusList(bits, len(values))
    for index, value in enumerate(values):
        status_list.set(index, 2**bits - 1)
        status_list.set(index, value)
    assert [status_list.get(index) for index in range(len(values))] == values
    assert bytes(StatusList.decode(bits, status_list.encode())) == bytes(status_list)


@pytest.mark.parametrize(
    ("value", "status"),
    [(0, "valid"), (1, "invalid"), (2, "suspended"), (4, "unassigned"), (0x0B, "unassigned"), (0x10, "unassigned")]
    + [(value, "application_specific") for value in (3, 0x0C, 0x0D, 0x0E, 0x0F)],
)
def test_K72_values_have_the_meaning_of_the_registry(value, status):
    assert status_of(value) is Status(status)


def test_K72_a_status_is_written_as_its_value():
    status_list = StatusList(2, 8)
    status_list.set(3, Status.SUSPENDED)
    status_list.set(4, Status.INVALID)
    status_list.set(4, Status.VALID)
    assert [status_list.get(3), status_list.get(4)] == [2, 0]


def test_K77_a_list_has_at_least_131072_entries_unless_told_otherwise():
    assert len(StatusList(1)) == MINIMUM_SIZE == 131_072


@pytest.mark.parametrize("arguments", [(3, 8), (0, 8), (16, 8), (1, 0), (1, -8), (1, 7), (2, 3)])
def test_K72_a_list_of_no_or_broken_bytes_is_our_own_mistake(arguments):
    with pytest.raises(ValueError, match=r"entry|whole bytes"):
        StatusList(*arguments)


def test_K72_a_status_that_does_not_fit_the_entries_is_our_own_mistake():
    with pytest.raises(ValueError, match="does not fit"):
        StatusList(1, 8).set(0, Status.SUSPENDED)


@pytest.mark.parametrize("index", [-1, 8, 10**30])
def test_K73_A46_an_index_outside_the_list_is_no_status(index):
    status_list = StatusList(1, 8)
    with pytest.raises(RejectedError):
        status_list.get(index)
    with pytest.raises(RejectedError):
        status_list.set(index, 1)


# Tokens


def test_K71_a_created_token_is_verified_and_says_what_was_put_in():
    status_list = StatusList(2)
    status_list.set(48213, Status.INVALID)
    status_list.set(7, Status.SUSPENDED)
    raw = create_status_list_token(
        status_list,
        uri=URI,
        signer=SIGNER,
        key_reference={"kid": "did:web:issuer.example#key-1"},
        issued_at=ISSUED_AT,
        expires_at=ISSUED_AT + timedelta(days=1),
        ttl=timedelta(hours=1),
        aggregation_uri="https://status.skills.example/aggregation",
    )
    unverified = parse_status_list_token(raw)
    assert unverified.header == {"alg": "ES256", "typ": "statuslist+jwt", "kid": "did:web:issuer.example#key-1"}
    assert unverified.payload["status_list"]["aggregation_uri"] == "https://status.skills.example/aggregation"
    verified = verify(raw)
    assert [verified.get(index) for index in (0, 7, 48213)] == [Status.VALID, Status.SUSPENDED, Status.INVALID]
    assert (verified.uri, verified.issued_at, verified.ttl) == (URI, ISSUED_AT, timedelta(hours=1))
    assert verified.expires_at == ISSUED_AT + timedelta(days=1)
    assert verified.byte_length == MINIMUM_SIZE * 2 // 8


def test_K76_a_list_in_the_haip_profile_names_its_certificates():
    raw = create_status_list_token(
        StatusList(1, 8),
        uri=URI,
        signer=SIGNER,
        key_reference={"x5c": ["MII…"]},
        issued_at=ISSUED_AT,
        expires_at=ISSUED_AT,
        ttl=timedelta(hours=1),
    )
    parsed = parse_status_list_token(raw)
    assert parsed.header["x5c"] == ["MII…"]
    assert "aggregation_uri" not in parsed.payload["status_list"]


def test_K71_the_published_token_has_its_entries():
    path = EXAMPLES / "status_list_jwt_raw.md"
    if not path.exists():
        pytest.skip("../shared/vectors/token-status-list is not there")
    parsed = parse_status_list_token(re.sub(r"\s", "", path.read_text()))
    again = token(**parsed.payload)
    uri = "https://example.com/statuslists/1"
    verified = verify(again, uri=uri, now=datetime.fromtimestamp(1686920170, UTC))
    assert [verified.statuses.get(index) for index in range(16)] == SHORT["status_list_encoding_json.md"][1]
    assert verified.ttl == timedelta(seconds=43200)


def test_K73_the_worked_example_of_the_profile_is_verified(profile_vectors):
    example = profile_vectors["tsl"]
    verified = verify(
        example["jwt"],
        uri=example["payload"]["sub"],
        key=parse_public_jwk(profile_vectors["sdjwtvc"]["issuer_jwk"]),
        now=datetime.fromtimestamp(example["payload"]["iat"], UTC),
    )
    assert len(verified.statuses) == MINIMUM_SIZE
    assert entries_of(verified.statuses) == dict.fromkeys(example["set_indices"], 1)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_K71_a_list_without_exp_and_ttl_is_read(bits):
    status_list = StatusList(bits, 8)
    verified = verify(token(exp=..., ttl=..., status_list={"bits": bits, "lst": status_list.encode()}))
    assert (verified.expires_at, verified.ttl, len(verified.statuses)) == (None, None, 8)


def changed_signature(raw: str) -> str:
    return raw[:-4] + ("AAAA" if raw[-4:] != "AAAA" else "BBBA")


@pytest.mark.parametrize(
    ("raw", "changes", "error"),
    [
        (token(typ="JWT"), {}, WrongTypeError),
        (token(typ="dc+sd-jwt"), {}, WrongTypeError),
        (token(sub="https://status.skills.example/tsl/8"), {}, WrongTypeError),
        (token(), {"uri": URI + "?time=1"}, WrongTypeError),
        (token(signer=SoftwareSigner.generate()), {}, InvalidSignatureError),
        (changed_signature(token()), {}, InvalidSignatureError),
        (token(), {"algorithms": frozenset({"Ed25519"})}, AlgorithmNotAllowedError),
        (token(exp=int(ISSUED_AT.timestamp()) - 61), {}, ExpiredError),
        (token(iat=int(ISSUED_AT.timestamp()) + 61), {}, NotYetValidError),
        (token(nbf=int(ISSUED_AT.timestamp()) + 61), {}, NotYetValidError),
        (token(), {"previously_issued_at": ISSUED_AT + timedelta(seconds=1)}, RejectedError),
    ],
)
def test_K73_A46_a_list_of_the_wrong_kind_signer_subject_or_time_is_refused(raw, changes, error):
    with pytest.raises(error):
        verify(raw, **changes)


def test_A46_the_list_seen_before_may_come_again():
    assert verify(token(), previously_issued_at=ISSUED_AT).get(0) is Status.INVALID


@pytest.mark.parametrize(
    "broken",
    [
        {"sub": ...},
        {"sub": 1},
        {"iat": ...},
        {"iat": "1"},
        {"exp": "never"},
        {"exp": None},
        {"ttl": 0},
        {"ttl": -1},
        {"ttl": "3600"},
        {"ttl": 1.5},
        {"ttl": True},
        {"status_list": ...},
        {"status_list": []},
        {"status_list": {"bits": 1}},
        {"status_list": {"lst": "eNrbuRgAAhcBXQ"}},
        {"status_list": {"bits": 3, "lst": "eNrbuRgAAhcBXQ"}},
        {"status_list": {"bits": True, "lst": "eNrbuRgAAhcBXQ"}},
        {"status_list": {"bits": "1", "lst": "eNrbuRgAAhcBXQ"}},
        {"status_list": {"bits": 1, "lst": 1}},
        {"status_list": {"bits": 1, "lst": ""}},
        {"status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ=="}},
        {"status_list": {"bits": 1, "lst": "eNrb/RgAAhcBXQ"}},
        {"status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ", "aggregation_uri": 1}},
    ],
)
def test_K71_a_token_without_one_of_its_claims_or_of_another_type_is_malformed(broken):
    with pytest.raises(MalformedError):
        verify(token(**broken))


def lst(data: bytes) -> dict[str, Any]:
    return {"bits": 1, "lst": base64url.encode(data)}


WHOLE = zlib.compress(b"\x01\x02\x03")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(WHOLE[:-1], id="truncated"),
        pytest.param(WHOLE + b"\0", id="trailing byte"),
        pytest.param(WHOLE + WHOLE, id="two streams"),
        pytest.param(WHOLE[:-1] + bytes([WHOLE[-1] ^ 1]), id="checksum"),
        pytest.param(zlib.compress(b""), id="empty list"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x01\x02\x03", id="not compressed"),
        pytest.param(zlib.compress(b"x" * 99, wbits=-15), id="raw deflate"),
        pytest.param(zlib.compress(b"x" * 99, wbits=31), id="gzip"),
    ],
)
def test_K79_A46_a_list_that_is_cut_short_or_goes_on_or_is_no_zlib_stream_is_malformed(data):
    with pytest.raises(MalformedError):
        verify(token(status_list=lst(data)))


def test_K79_A43_a_list_is_unpacked_up_to_four_mebibytes_whatever_its_ratio():
    verified = verify(token(status_list=lst(zlib.compress(bytes(MAX_LIST_BYTES), 9))))
    assert len(verified.statuses) == MAX_LIST_BYTES * 8


@pytest.mark.parametrize("size", [MAX_LIST_BYTES + 1, 64 * MAX_LIST_BYTES])
def test_K79_A43_a_bomb_is_refused_before_it_is_unpacked(size):
    compressor = zlib.compressobj(9)
    chunk = bytes(MAX_LIST_BYTES)
    parts = [compressor.compress(chunk) for _ in range(size // len(chunk))]
    parts += [compressor.compress(chunk[: size % len(chunk)]), compressor.flush()]
    with pytest.raises(MalformedError):
        verify(token(status_list=lst(b"".join(parts))))


@pytest.mark.parametrize(
    ("changes", "fresh_for"),
    [
        ({}, 3600),
        ({"ttl": 100_000}, 86400),
        ({"ttl": 10**15}, 86400),
        ({"ttl": ...}, 900),
        ({"ttl": ..., "exp": ...}, 900),
        ({"exp": ...}, 3600),
        ({"exp": int(ISSUED_AT.timestamp()) + 5}, 5),
    ],
)
def test_K75_a_copy_is_used_for_ttl_and_never_beyond_exp(changes, fresh_for):
    assert verify(token(**changes)).fresh_until(ISSUED_AT) == ISSUED_AT + timedelta(seconds=fresh_for)


@given(json_values() | nearly(payload()))
def test_A43_no_payload_makes_reading_fail_otherwise_than_said(value):
    try:
        raw = sign_jwt(value if isinstance(value, dict) else {"status_list": value}, signer=SIGNER, typ=TYP)
    except UnicodeEncodeError:
        return
    try:
        verified = verify(raw)
    except CredentialError:
        return
    assert verified.get(0) in Status


@given(st.binary(max_size=200))
def test_A43_no_bytes_make_unpacking_fail_otherwise_than_said(data):
    try:
        status_list = StatusList.decode(4, base64url.encode(data))
    except CredentialError:
        return
    assert len(status_list) > 0
