"""The archive of an issuer: what it proves when the issuer is gone, and everything that makes it prove nothing."""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import archive as archives
from kernel import base64url
from kernel.archive import (
    MAX_BYTES,
    TYP,
    ArchivedFile,
    ArchivedKey,
    create_archive,
    parse_archive,
    verify_archive,
)
from kernel.errors import (
    AlgorithmNotAllowedError,
    CredentialError,
    InvalidSignatureError,
    MalformedError,
    UndecidedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner

DID = "did:web:issuer.example:stmw"
MADE_AT = datetime(2028, 6, 1, 12, tzinfo=UTC)
NEW, OLD, LEAKED, STRANGER = (SoftwareSigner.generate("Ed25519") for _ in range(4))
THUMBPRINT = NEW.public_key.thumbprint
LIST = ArchivedFile("status_list", "https://issuer.example/stmw/status/1", "application/statuslist+jwt", b"ey.ey.ey")
PICTURE = ArchivedFile("image", "https://issuer.example/stmw/badge.png", "image/png", b"")


def day(year: int, month: int = 1, number: int = 1, hour: int = 12) -> datetime:
    return datetime(year, month, number, hour, tzinfo=UTC)


KEYS = (
    ArchivedKey(f"{DID}#new", NEW.public_key, day(2027), None, None),
    ArchivedKey(f"{DID}#old", OLD.public_key, day(2026), day(2027), None),
    ArchivedKey(f"{DID}#leaked", LEAKED.public_key, day(2026), day(2027), day(2027, 2)),
)


def write(**changes: Any) -> bytes:
    values: dict[str, Any] = {
        "did": DID,
        "organisation": {"name": "Techniek"},
        "keys": KEYS,
        "files": (LIST, PICTURE),
        "signer": NEW,
        "kid": f"{DID}#new",
        "created_at": MADE_AT,
    }
    return create_archive(**{**values, **changes})


def verify(raw: bytes) -> archives.VerifiedArchive:
    return verify_archive(parse_archive(raw), signer_thumbprints={THUMBPRINT})


def with_manifest(change: Callable[[dict[str, Any]], object], *, typ: str = TYP, kid: object = f"{DID}#new") -> bytes:
    """The archive with its manifest changed and signed again."""
    first, _, rest = write().decode().partition("\n")
    payload = dict(parse_jwt(first).payload)
    change(payload)
    return f"{sign_jwt(payload, signer=NEW, typ=typ, header={'kid': kid})}\n{rest}".encode()


def test_an_archive_gives_back_what_went_in() -> None:
    verified = verify(write())
    assert (verified.did, verified.created_at, verified.organisation) == (DID, MADE_AT, {"name": "Techniek"})
    assert verified.keys == list(KEYS)
    assert verified.files == [LIST, PICTURE]
    assert verified.find_file("status_list", LIST.name) == LIST.content
    assert verified.find_file("image", LIST.name) is None


def test_an_archive_says_whose_it_is_before_anybody_checked_it() -> None:
    assert parse_archive(write()).unverified_did == DID
    with pytest.raises(MalformedError):
        _ = parse_archive(with_manifest(lambda manifest: manifest.update(iss=7))).unverified_did


def test_the_same_archive_has_the_same_bytes() -> None:
    assert write() == write()


def test_an_archive_without_files_is_one() -> None:
    assert verify(write(files=())).files == []


def test_an_archive_may_be_signed_with_ES256() -> None:
    signer = SoftwareSigner.generate("ES256")
    key = ArchivedKey(f"{DID}#es256", signer.public_key, day(2026), None, None)
    raw = write(keys=(key,), signer=signer, kid=key.kid)
    assert verify_archive(parse_archive(raw), signer_thumbprints={signer.public_key.thumbprint}).keys == [key]


# Keys


@pytest.mark.parametrize(
    ("kid", "signed_at"),
    [
        ("new", day(2027)),
        ("new", day(2027, hour=0)),
        ("new", MADE_AT + timedelta(hours=11)),
        ("old", day(2026, 7)),
        ("old", day(2027, hour=23)),
    ],
)
def test_K23_a_key_is_found_for_every_day_on_which_it_signed(kid: str, signed_at: datetime) -> None:
    key = {"new": NEW, "old": OLD}[kid].public_key
    assert verify(write()).find_key(f"{DID}#{kid}", signed_at=signed_at) == key


@pytest.mark.parametrize(
    ("kid", "signed_at"),
    [
        (f"{DID}#new", day(2026, 12, 31)),
        (f"{DID}#old", day(2027, 1, 2)),
        (f"{DID}#old", day(2025, 12, 31)),
        (f"{DID}#leaked", day(2026, 7)),
        (f"{DID}#unknown", day(2027)),
        ("#new", day(2027, 2)),
        (None, day(2027, 2)),
    ],
)
def test_A10_a_withdrawn_key_and_one_out_of_its_time_are_no_keys(kid: object, signed_at: datetime) -> None:
    with pytest.raises(UntrustedIssuerError):
        verify(write()).find_key(kid, signed_at=signed_at)


def test_a_badge_younger_than_the_archive_cannot_be_judged_by_it() -> None:
    with pytest.raises(UndecidedError):
        verify(write()).find_key(f"{DID}#new", signed_at=MADE_AT + timedelta(days=1))


# Refusals


@pytest.mark.parametrize(
    "change",
    [
        {"signer": STRANGER},
        {"keys": (replace(KEYS[0], key=STRANGER.public_key),), "signer": STRANGER},
        {"kid": f"{DID}#old", "signer": OLD},
        {"kid": f"{DID}#leaked", "signer": LEAKED},
        {"kid": "#new"},
    ],
    ids=["signature", "thumbprint", "retired", "withdrawn", "kid"],
)
def test_A02_an_archive_that_the_expected_key_did_not_sign_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises((UntrustedIssuerError, InvalidSignatureError)):
        verify(write(**change))


def test_A46_a_file_that_was_exchanged_is_refused() -> None:
    manifest, line, other = write().decode().splitlines()
    assert line == base64url.encode(LIST.content)
    for lines in ((manifest, base64url.encode(b"other"), other), (manifest, other, line)):
        with pytest.raises(InvalidSignatureError):
            verify("\n".join((*lines, "")).encode())


@pytest.mark.parametrize("broken", ["!", "A", "ey==", "ey ey"])
def test_K06_a_file_in_no_or_a_second_spelling_is_refused(broken: str) -> None:
    manifest, _, other = write().decode().splitlines()
    with pytest.raises(MalformedError):
        verify("\n".join((manifest, broken, other)).encode())


def test_A03_a_token_of_another_type_is_no_archive() -> None:
    with pytest.raises(WrongTypeError):
        verify(with_manifest(lambda _: None, typ="statuslist+jwt"))


@pytest.mark.parametrize("member", ["version", "iss", "iat", "organisation", "keys", "files"])
def test_a_manifest_without_a_member_is_refused(member: str) -> None:
    with pytest.raises((MalformedError, UntrustedIssuerError)):
        verify(with_manifest(lambda payload: payload.pop(member)))


@pytest.mark.parametrize(
    ("part", "member"),
    [("keys", member) for member in ("kid", "publicKeyJwk", "created_at")]
    + [("files", member) for member in ("kind", "name", "media_type", "sha256")],
)
def test_an_entry_without_a_member_is_refused(part: str, member: str) -> None:
    with pytest.raises(MalformedError):
        verify(with_manifest(lambda changed: changed[part][-1].pop(member)))


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: payload.update(version=2),
        lambda payload: payload["keys"].append(payload["keys"][0]),
        lambda payload: payload["keys"][-1].update(kid="did:web:evil.example#new"),
        lambda payload: payload["keys"][0].update(retired_at="2027"),
        lambda payload: payload["files"].pop(),
        lambda payload: payload["files"].append(payload["files"][0]),
        lambda payload: payload.update(files={}),
        lambda payload: payload.update(files=["x", "y"]),
    ],
)
def test_a_manifest_of_another_shape_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(MalformedError):
        verify(with_manifest(change))


def test_A43_of_a_strangers_archive_no_more_than_its_signer_is_read() -> None:
    """Thousands of keys that nobody signed cost nobody anything: the shape of the others is not even looked at."""
    changed = with_manifest(lambda payload: payload["keys"][-1].update(publicKeyJwk="none"))
    with pytest.raises(UntrustedIssuerError):
        verify_archive(parse_archive(changed), signer_thumbprints={"another"})
    with pytest.raises(MalformedError):
        verify(changed)


def test_a_name_that_stands_for_two_files_is_refused() -> None:
    with pytest.raises(MalformedError):
        verify(write(files=(LIST, replace(LIST, content=b"other"))))


@pytest.mark.parametrize("raw", [b"", b"\n", b"\xff", b"no.token", b"a.b.c\n"])
def test_what_is_no_archive_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedError):
        parse_archive(raw)


def test_A01_an_archive_without_signature_is_refused() -> None:
    header, payload = base64url.encode(b'{"alg":"none"}'), base64url.encode(b'{"files":[]}')
    with pytest.raises(AlgorithmNotAllowedError):
        parse_archive(f"{header}.{payload}.".encode())


def test_A43_an_archive_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(MalformedError):
        parse_archive(bytes(MAX_BYTES + 1))


def test_A43_an_archive_of_line_ends_is_refused_before_it_grows() -> None:
    raw = ARCHIVE + b"\n" * (4 * 1024 * 1024)
    tracemalloc.start()
    try:
        with pytest.raises(MalformedError):
            parse_archive(raw)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(raw)
    finally:
        tracemalloc.stop()


@given(st.data())
def test_whatever_is_changed_an_archive_is_refused_in_our_own_words_or_says_the_same(data: st.DataObject) -> None:
    raw = bytearray(ARCHIVE)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        verified = verify(bytes(raw))
    except CredentialError:
        return
    assert verified == EXPECTED


@given(st.binary(max_size=300) | st.text(alphabet="ey.A\n-_", max_size=300).map(str.encode))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    with suppress(CredentialError):
        verify_archive(parse_archive(raw), signer_thumbprint="")


ARCHIVE = write()
EXPECTED = verify(ARCHIVE)
