"""Token Status List: one small number per credential, compressed and signed. draft-ietf-oauth-status-list-21.

A list is one run of bytes, whatever its length, and packed in segments. What is read from others is bounded before it
is unpacked, and a status is only ever taken from a list whose signature, type, subject and time held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Protocol, Self

from kernel import base64url
from kernel.errors import MalformedError, RejectedError, WrongTypeError
from kernel.jwt import UnverifiedJwt, find_numeric_date, get_numeric_date, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer
from kernel.members import as_count, as_object, as_text, find_count, get_text
from kernel.status.segments import PackedSegment, SegmentedBytes, join_zlib, unpack_zlib

MEDIA_TYPE: Final = "application/statuslist+jwt"
TYP: Final = "statuslist+jwt"
# With fewer entries a list says too much about whom it is fetched for (K-77).
MINIMUM_SIZE: Final = 131_072
# What a list may measure on the way, with its signature; the fetcher's limit for status lists (K-83).
MAX_TOKEN_BYTES: Final = 5 * 1024 * 1024
# How long a list without `ttl` may be used before it is asked for again.
DEFAULT_TTL: Final = timedelta(minutes=15)

_ENTRY_SIZES: Final = (1, 2, 4, 8)
_APPLICATION_SPECIFIC: Final = frozenset({0x03, 0x0C, 0x0D, 0x0E, 0x0F})


class Status(StrEnum):
    """What an entry says of a credential. §7.1: everything but VALID is not valid."""

    VALID = "valid"
    INVALID = "invalid"
    SUSPENDED = "suspended"
    APPLICATION_SPECIFIC = "application_specific"
    UNASSIGNED = "unassigned"

    @property
    def value_in_list(self) -> int:
        """The number that a list of ours holds for it."""
        return {Status.VALID: 0, Status.INVALID: 1, Status.SUSPENDED: 2}[self]


def status_of(value: int) -> Status:
    """Return the meaning of an entry. §7.1."""
    if value in _APPLICATION_SPECIFIC:
        return Status.APPLICATION_SPECIFIC
    return {0: Status.VALID, 1: Status.INVALID, 2: Status.SUSPENDED}.get(value, Status.UNASSIGNED)


class StatusList:
    """Entries of 1, 2, 4 or 8 bits, the first in the least significant bits of the first byte. §4.1."""

    __slots__ = ("_data", "bits")

    def __init__(self, bits: int, size: int = MINIMUM_SIZE) -> None:
        _require_entry_size(bits)
        if size <= 0 or size * bits % 8:
            raise ValueError("a list has whole bytes, and at least one")
        self.bits = bits
        self._data = SegmentedBytes(bytes(size * bits // 8))

    @classmethod
    def from_bytes(cls, bits: int, data: bytes) -> Self:
        """Return the list that these uncompressed bytes are."""
        status_list = cls(bits, len(data) * 8 // bits)
        status_list._data = SegmentedBytes(data)
        return status_list

    @classmethod
    def decode(cls, bits: int, lst: str) -> Self:
        """Read the `lst` member of a list: base64url of a zlib stream, unpacked within bounds (K-79)."""
        return cls.from_bytes(bits, unpack_zlib(base64url.decode(lst)))

    def __len__(self) -> int:
        return len(self._data.octets) * 8 // self.bits

    def __bytes__(self) -> bytes:
        return bytes(self._data.octets)

    def get(self, index: int) -> int:
        """Return the number at an index; one beyond the list raises RejectedError, for it is no status. §8.3."""
        self._require_index(index)
        byte, shift = self._place(index)
        return self._data.octets[byte] >> shift & self._mask

    def set(self, index: int, status: Status | int) -> None:
        """Write a status, or a number that fits the entry size."""
        value = status.value_in_list if isinstance(status, Status) else status
        if not 0 <= value <= self._mask:
            raise ValueError("the status does not fit the entry size")
        self._require_index(index)
        byte, shift = self._place(index)
        self._data.write(byte, bytes([self._data.octets[byte] & ~(self._mask << shift) | value << shift]))

    def encode(self) -> str:
        """Return the `lst` member: base64url of the zlib stream; only what changed since is packed again. §4.2."""
        return PackedStatusList(self.bits, self._data.pack()).encode()

    @property
    def _mask(self) -> int:
        return (1 << self.bits) - 1

    def _place(self, index: int) -> tuple[int, int]:
        return index * self.bits // 8, index * self.bits % 8

    def _require_index(self, index: int) -> None:
        if not 0 <= index < len(self):
            raise RejectedError("the status index lies outside the list")


@dataclass(frozen=True, slots=True)
class PackedStatusList:
    """A list whose segments were packed elsewhere, such as those that an issuer keeps in its database."""

    bits: int
    segments: Sequence[PackedSegment]

    def encode(self) -> str:
        """Return the `lst` member: base64url of the zlib stream. §4.2."""
        return base64url.encode(join_zlib(self.segments))


class EncodableStatusList(Protocol):
    """What a token is made of: entries of a size, and their encoding."""

    @property
    def bits(self) -> int: ...

    def encode(self) -> str: ...


@dataclass(frozen=True, slots=True)
class VerifiedStatusList:
    """A status list whose signature, type, subject and time held."""

    uri: str
    issued_at: datetime
    expires_at: datetime | None
    ttl: timedelta | None
    key: PublicKey
    statuses: StatusList

    def get(self, index: int) -> Status:
        """Return the status at an index; RejectedError beyond the list."""
        return status_of(self.statuses.get(index))

    @property
    def byte_length(self) -> int:
        """How much memory a kept copy costs."""
        return len(self.statuses) * self.statuses.bits // 8

    def fresh_until(self, fetched_at: datetime) -> datetime:
        """Return until when a copy may be used: for `ttl` after it was fetched, never past `exp`. §13.7 (K-75)."""
        until = fetched_at + (DEFAULT_TTL if self.ttl is None else self.ttl)
        return until if self.expires_at is None else min(until, self.expires_at)


def create_status_list_token(
    status_list: EncodableStatusList,
    *,
    uri: str,
    signer: Signer,
    key_reference: Mapping[str, Any],
    issued_at: datetime,
    expires_at: datetime,
    ttl: timedelta,
    aggregation_uri: str | None = None,
) -> str:
    """Create a signed status list. §5.1.

    `key_reference` is the header member by which verifiers find the key: `{"kid": …}` of the issuer's DID, or
    `{"x5c": […]}` in the HAIP profile (K-76).
    """
    members: dict[str, Any] = {"bits": status_list.bits, "lst": status_list.encode()}
    if aggregation_uri is not None:
        members["aggregation_uri"] = aggregation_uri
    payload = {
        "sub": uri,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "ttl": int(ttl.total_seconds()),
        "status_list": members,
    }
    return sign_jwt(payload, signer=signer, typ=TYP, header=key_reference)


def parse_status_list_token(raw: str) -> UnverifiedJwt:
    """Read a status list token far enough to see by which key it says it was signed (`kid` or `x5c`)."""
    return parse_jwt(raw, max_bytes=MAX_TOKEN_BYTES)


def verify_status_list_token(
    token: UnverifiedJwt | str,
    *,
    uri: str,
    key: PublicKey,
    algorithms: frozenset[str],
    now: datetime,
    previously_issued_at: datetime | None = None,
) -> VerifiedStatusList:
    """Check a status list token that was fetched from `uri`, and return its entries. §8.3, steps 3 to 5.

    The credential's own signature and validity come before this, and that `key` may speak for its issuer is
    the caller's policy (§11.3). With `previously_issued_at`, an older list than one seen before is refused (A-46).
    """
    token = parse_status_list_token(token) if isinstance(token, str) else token
    # (1) Type, algorithm and signature.
    verified = verify_jwt(token, key=key, typ=TYP, algorithms=algorithms)
    payload = verified.payload
    # (2) The list is the one that was asked for.
    if get_text(payload, "sub") != uri:
        raise WrongTypeError("the status list is about another URI")
    # (3) It was issued, it has not expired, and it is no older than one seen before.
    issued_at = get_numeric_date(payload, "iat")
    verify_times(payload, now=now)
    if previously_issued_at is not None and issued_at < previously_issued_at:
        raise RejectedError("an older status list than the one seen before")
    # (4) The entries.
    members = as_object(payload.get("status_list"), "'status_list'")
    ttl = find_count(payload, "ttl", minimum=1)
    return VerifiedStatusList(
        uri=uri,
        issued_at=issued_at,
        expires_at=find_numeric_date(payload, "exp"),
        ttl=None if ttl is None else _parse_ttl(ttl),
        key=key,
        statuses=_parse_entries(members),
    )


def _parse_entries(members: Mapping[str, Any]) -> StatusList:
    bits = as_count(members.get("bits"), "'bits'")
    if bits not in _ENTRY_SIZES:
        raise MalformedError("'bits' is not 1, 2, 4 or 8")
    lst = members.get("lst")
    if not isinstance(lst, str):
        raise MalformedError("'lst' is not a text")
    if "aggregation_uri" in members:
        as_text(members["aggregation_uri"], "'aggregation_uri'")
    return StatusList.decode(bits, lst)


def _parse_ttl(seconds: int) -> timedelta:
    """Return the time to live; more than a year is a year."""
    return timedelta(seconds=min(seconds, 366 * 24 * 3600))


def _require_entry_size(bits: int) -> None:
    if bits not in _ENTRY_SIZES:
        raise ValueError("an entry has 1, 2, 4 or 8 bits")
