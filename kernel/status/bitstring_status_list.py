"""Bitstring Status List: the status of many credentials in one credential. W3C Recommendation of 15 May 2025.

The list is itself a credential of VCDM 2.0, secured by an embedded proof (`application/vc`) or as a JWT
(`application/vc+jwt`). What is read from others is bounded before it is unpacked, and a status is only ever taken from
a list that its issuer signed, whose time has come, and which was made for the purpose that the entry names.
PROFILE.md K-80.1 to K-80.4, A-43, A-45, A-46.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Self

from kernel import base64url
from kernel.data_integrity import FindKey, add_proof, parse_proofs, verify_credential
from kernel.data_integrity.verification import identifier_of
from kernel.errors import ExpiredError, MalformedError, NotYetValidError, RejectedError, WrongTypeError
from kernel.json_ld import CREDENTIALS_V2
from kernel.jwt import LEEWAY, UnverifiedJwt, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer
from kernel.members import as_array, as_object, as_texts, find_count, find_objects, find_text, get_text
from kernel.open_badges import format_date_time, parse_date_time
from kernel.status.problems import StatusIndexError, StatusListLengthError
from kernel.status.segments import PackedSegment, SegmentedBytes, join_gzip, unpack_gzip
from kernel.status.token_status_list import DEFAULT_TTL, MAX_TOKEN_BYTES, MINIMUM_SIZE, Status
from kernel.strict_json import encode_json, parse_json_object

MEDIA_TYPE: Final = "application/vc"
JWT_MEDIA_TYPE: Final = "application/vc+jwt"
TYP: Final = "vc+jwt"
CREDENTIAL_TYPE: Final = "BitstringStatusListCredential"
SUBJECT_TYPE: Final = "BitstringStatusList"
REVOCATION: Final = "revocation"
SUSPENSION: Final = "suspension"
MESSAGE: Final = "message"
REFRESH: Final = "refresh"
# The suite that fits the key of an issuer; both sign the same canonical form.
_CRYPTOSUITES: Final = {"Ed25519": "eddsa-rdfc-2022", "EdDSA": "eddsa-rdfc-2022", "ES256": "ecdsa-rdfc-2019"}

# As in a Token Status List: 256 messages are more than anybody has.
_MAX_ENTRY_SIZE: Final = 8
_STATUS_VALUE: Final = re.compile(r"0x[0-9a-fA-F]{1,2}", re.ASCII)
# A year, in milliseconds.
_MAX_TTL: Final = 366 * 24 * 3600 * 1000

# What a set entry means for its credential; §2.2. Neither a newer credential to fetch nor a message makes this one
# invalid: what takes validity away has purposes of its own.
_MEANINGS: Final[Mapping[str, Status]] = {
    REVOCATION: Status.INVALID,
    SUSPENSION: Status.SUSPENDED,
    MESSAGE: Status.VALID,
    REFRESH: Status.VALID,
}


class Bitstring:
    """Entries of one or more bits, the first of them left-most: in the most significant bits of byte 0. §2.2, §3.3."""

    __slots__ = ("_data",)

    def __init__(self, length: int = MINIMUM_SIZE) -> None:
        """So many bits, all zero."""
        if length <= 0 or length % 8:
            raise ValueError("a bitstring has whole bytes, and at least one")
        self._data = SegmentedBytes(bytes(length // 8))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the bitstring that these uncompressed bytes are."""
        bitstring = cls(8 * len(data))
        bitstring._data = SegmentedBytes(data)
        return bitstring

    @classmethod
    def decode(cls, encoded_list: str) -> Self:
        """Read an `encodedList`: `u`, base64url without padding, of one gzip member, unpacked within bounds. §3.4."""
        if not encoded_list.startswith("u"):
            raise MalformedError("an `encodedList` that is not multibase base64url")
        return cls.from_bytes(unpack_gzip(base64url.decode(encoded_list[1:])))

    def __len__(self) -> int:
        return 8 * len(self._data.octets)

    def __bytes__(self) -> bytes:
        return bytes(self._data.octets)

    def get(self, index: int, size: int = 1) -> int:
        """Return the number in an entry of `size` bits; one beyond the list raises StatusIndexError. §3.2, step 10."""
        self._require_entry(index, size)
        first, end = _around(index, size)
        return int.from_bytes(self._data.octets[first:end]) >> _behind(index, size) & (1 << size) - 1

    def set(self, index: int, value: int, size: int = 1) -> None:
        """Write a number that fits an entry of `size` bits."""
        if not 0 <= value < 1 << size:
            raise ValueError("the status does not fit the entry size")
        self._require_entry(index, size)
        first, end = _around(index, size)
        mask, shift = (1 << size) - 1, _behind(index, size)
        written = int.from_bytes(self._data.octets[first:end]) & ~(mask << shift) | value << shift
        self._data.write(first, written.to_bytes(end - first))

    def encode(self) -> str:
        """Return the `encodedList`; only what changed since is packed again. §3.3."""
        return encode_segments(self._data.pack())

    def _require_entry(self, index: int, size: int) -> None:
        if index < 0 or (index + 1) * size > len(self):
            raise StatusIndexError("the status index lies outside the list")


def _around(index: int, size: int) -> tuple[int, int]:
    """Return the bytes in which an entry lies: the first of them, and the one after the last."""
    return index * size // 8, ((index + 1) * size + 7) // 8


def _behind(index: int, size: int) -> int:
    """Return how many bits of the last of these bytes come after the entry."""
    return -(index + 1) * size % 8


def encode_segments(segments: Sequence[PackedSegment]) -> str:
    """Return the `encodedList` of a bitstring whose segments were packed before. §3.3."""
    return "u" + base64url.encode(join_gzip(segments))


def create_status_list_credential(
    encoded_list: str,
    *,
    uri: str,
    issuer: str,
    purpose: str,
    valid_from: datetime,
    valid_until: datetime,
    ttl: timedelta,
    size: int = 1,
    messages: Sequence[tuple[int, str]] = (),
) -> dict[str, Any]:
    """Create a status list credential that is not secured yet. §2.2.

    A `message` list says how many bits an entry has and what each value means. It can be secured as a JWT only: the
    context of VCDM 2.0 has no terms for either in a list, so an embedded proof would not sign them, and is refused.
    """
    meanings = [{"status": hex(value), "message": text} for value, text in messages]
    return {
        "@context": [CREDENTIALS_V2],
        "id": uri,
        "type": ["VerifiableCredential", CREDENTIAL_TYPE],
        "issuer": issuer,
        "validFrom": format_date_time(int(valid_from.timestamp())),
        "validUntil": format_date_time(int(valid_until.timestamp())),
        "credentialSubject": {
            "id": f"{uri}#list",
            "type": SUBJECT_TYPE,
            "statusPurpose": purpose,
            "encodedList": encoded_list,
            "ttl": ttl // timedelta(milliseconds=1),
            **({"statusSize": size, "statusMessages": meanings} if messages else {}),
        },
    }


def sign_with_proof(
    document: Mapping[str, Any], *, signer: Signer, verification_method: str, created_at: datetime
) -> str:
    """Return the JSON text of a status list credential with an embedded proof, for `application/vc`.

    The proof stands there as an object, which all readers know, and not as the array that Open Badges ask for.
    """
    secured = add_proof(
        document,
        cryptosuite=_CRYPTOSUITES[signer.algorithm],
        signer=signer,
        verification_method=verification_method,
        proof_purpose="assertionMethod",
        created_at=created_at,
    )
    [proof] = secured["proof"]
    return encode_json({**secured, "proof": proof}).decode()


def sign_as_jwt(document: Mapping[str, Any], *, signer: Signer, verification_method: str) -> str:
    """Return a status list credential as a JWT, for `application/vc+jwt`. VC-JOSE-COSE §3.1.1; K-66."""
    return sign_jwt(document, signer=signer, typ=TYP, header={"cty": "vc", "kid": verification_method})


@dataclass(frozen=True, slots=True)
class UnverifiedStatusListCredential:
    """A status list credential that was read; nobody has checked who signed it. `jwt` is None for an embedded proof."""

    document: Mapping[str, Any]
    jwt: UnverifiedJwt | None

    @property
    def verification_methods(self) -> frozenset[str]:
        """The keys that it says it was signed with, as URLs: what `find_key` will be asked for."""
        if self.jwt is not None:
            return frozenset({get_text(self.jwt.header, "kid")})
        return frozenset(proof.verification_method for proof in parse_proofs(self.document))


@dataclass(frozen=True, slots=True)
class EntryStatus:
    """What a list says in one entry: its number, what that means, and for a `message` list the word for it.

    The words are for programs and those who look into them, not for the people concerned (§2.1, statusMessage).
    """

    status: Status
    value: int
    message: str | None = None


@dataclass(frozen=True, slots=True)
class VerifiedBitstringStatusList:
    """A status list credential that its issuer signed and whose time has come and not passed.

    `size` and `messages` are what the list itself says of its entries, which most lists do not.
    """

    uri: str
    issued_at: datetime
    expires_at: datetime | None
    ttl: timedelta | None
    key: PublicKey
    purposes: frozenset[str]
    entries: Bitstring
    size: int | None = None
    messages: Mapping[int, str] = field(default_factory=dict)

    def get(
        self, index: int, *, purpose: str | None, size: int = 1, messages: Sequence[tuple[int, str]] = ()
    ) -> EntryStatus:
        """Return the status at an index, read as the credential's entry says. §3.2, steps 5 to 14.

        A list made for another purpose, one too short to hide anybody in, and an index beyond it are refused.
        """
        # (5) The list was made for this.
        if purpose not in self.purposes:
            raise WrongTypeError("the status list is for another purpose")
        if not 1 <= size <= _MAX_ENTRY_SIZE or self.size not in (None, size):
            raise MalformedError("a status entry of another size than its list's, or of one that is not read here")
        # (9) It is long enough.
        if len(self.entries) // size < MINIMUM_SIZE:
            raise StatusListLengthError("the status list has too few entries")
        # (10) to (14) What it says, and what that means.
        number = self.entries.get(index, size)
        status = _MEANINGS.get(purpose, Status.UNASSIGNED) if number else Status.VALID
        meanings = {**self.messages, **dict(messages)}
        return EntryStatus(status, number, meanings.get(number) if purpose == MESSAGE else None)

    @property
    def byte_length(self) -> int:
        """How much memory a kept copy costs."""
        return len(self.entries) // 8

    def fresh_until(self, fetched_at: datetime) -> datetime:
        """Return until when a copy may be used: for `ttl` after it was fetched, never past `validUntil`. §2.2, K-75."""
        until = fetched_at + (DEFAULT_TTL if self.ttl is None else self.ttl)
        return until if self.expires_at is None else min(until, self.expires_at)


def parse_status_list_credential(raw: bytes | str) -> UnverifiedStatusListCredential:
    """Read a status list credential: JSON with an embedded proof, or a JWT whose payload is the credential."""
    raw = raw.encode() if isinstance(raw, str) else raw
    if raw.lstrip(b" \t\r\n").startswith(b"{"):
        return UnverifiedStatusListCredential(parse_json_object(raw, max_bytes=MAX_TOKEN_BYTES), None)
    token = parse_jwt(raw.decode("ascii", "replace").strip(), max_bytes=MAX_TOKEN_BYTES)
    if "vc" in token.payload or "vp" in token.payload:
        raise MalformedError("a credential in a claim of its own, as version 1.1 had it")
    return UnverifiedStatusListCredential(token.payload, token)


def verify_status_list_credential(
    credential: UnverifiedStatusListCredential | str,
    *,
    uri: str,
    issuer: str,
    find_key: FindKey,
    cryptosuites: frozenset[str],
    algorithms: frozenset[str],
    now: datetime,
    previously_issued_at: datetime | None = None,
) -> VerifiedBitstringStatusList:
    """Check a status list credential that was fetched from `uri`, and return its entries. §3.2, K-80.3.

    The credential's own signature and validity come before this. Its issuer and nobody else may have signed the list:
    the specification allows another one, whom nothing in the credential would name (K-76). With `previously_issued_at`,
    an older list than one seen before is refused, and so is a list that does not say from when it is (A-46).
    """
    if isinstance(credential, str):
        credential = parse_status_list_credential(credential)
    document = credential.document
    # (4) The issuer of the credential signed it, with a key for such things.
    if identifier_of(document.get("issuer"), "issuer") != issuer:
        raise WrongTypeError("the status list is another issuer's")
    if credential.jwt is None:
        key = _verify_proof(document, find_key, cryptosuites, now)
    else:
        key = _verify_jwt(credential.jwt, issuer, find_key, algorithms, now)
    # It is the list that was asked for, from now and no older than one seen before.
    _require_list(document, uri)
    issued_at, expires_at = _verify_validity(document, now)
    if previously_issued_at is not None and issued_at < previously_issued_at:
        raise RejectedError("an older status list than the one seen before")
    subject = as_object(document.get("credentialSubject"), "`credentialSubject`")
    if subject.get("type") not in (SUBJECT_TYPE, [SUBJECT_TYPE]):
        raise WrongTypeError("a subject that is no BitstringStatusList")
    return VerifiedBitstringStatusList(
        uri=uri,
        issued_at=issued_at,
        expires_at=expires_at,
        ttl=_find_ttl(subject),
        key=key,
        purposes=_parse_purposes(subject.get("statusPurpose")),
        entries=Bitstring.decode(_get_encoded_list(subject)),
        size=find_count(subject, "statusSize", minimum=1),
        messages=dict(map(_parse_message, find_objects(subject, "statusMessages"))),
    )


def _verify_proof(
    document: Mapping[str, Any], find_key: FindKey, cryptosuites: frozenset[str], now: datetime
) -> PublicKey:
    return verify_credential(document, find_key=find_key, cryptosuites=cryptosuites, now=now).proofs[0].key


def _verify_jwt(
    token: UnverifiedJwt, issuer: str, find_key: FindKey, algorithms: frozenset[str], now: datetime
) -> PublicKey:
    """VC-JOSE-COSE §3.1.1 and §4.1: the key is named by `kid`; `iss`, if it is there, is the issuer."""
    if token.payload.get("iss", issuer) != issuer:
        raise WrongTypeError("a status list by somebody else than its issuer")
    key = find_key(get_text(token.header, "kid"), "assertionMethod")
    verify_jwt(token, key=key, typ=TYP, algorithms=algorithms)
    verify_times(token.payload, now=now)
    return key


def _require_list(document: Mapping[str, Any], uri: str) -> None:
    """§2.2: the types must be there; the `id` may be missing, but cannot be another list's."""
    if as_array(document.get("@context"), "`@context`")[0] != CREDENTIALS_V2:
        raise MalformedError("the first context is not that of VCDM 2.0")
    if not {"VerifiableCredential", CREDENTIAL_TYPE} <= set(as_texts(document.get("type"), "`type`")):
        raise WrongTypeError("not a status list credential")
    if find_text(document, "id") not in (None, uri):
        raise WrongTypeError("the status list is about another URI")


def _verify_validity(document: Mapping[str, Any], now: datetime) -> tuple[datetime, datetime | None]:
    """VCDM 2.0 §4.9. A list without `validFrom` could be replayed for ever, so it is no list for us (A-46)."""
    issued_at = parse_date_time(document.get("validFrom"))
    expires_at = parse_date_time(document["validUntil"]) if "validUntil" in document else None
    if now + LEEWAY < issued_at:
        raise NotYetValidError("the status list is from the future")
    if expires_at is not None and now - LEEWAY >= expires_at:
        raise ExpiredError("the status list has expired")
    return issued_at, expires_at


def _parse_purposes(value: object) -> frozenset[str]:
    return frozenset(as_texts(value if isinstance(value, list) else [value], "`statusPurpose`"))


def _parse_message(message: Mapping[str, Any]) -> tuple[int, str]:
    """§2.1, statusMessage: the value is written in hexadecimal."""
    value = get_text(message, "status")
    if not _STATUS_VALUE.fullmatch(value):
        raise MalformedError("a status value that is not hexadecimal")
    return int(value, 16), get_text(message, "message")


def _get_encoded_list(subject: Mapping[str, Any]) -> str:
    """Longer than other texts may be; what it may become is bounded where it is unpacked."""
    value = subject.get("encodedList")
    if not isinstance(value, str):
        raise MalformedError("`encodedList` is not a text")
    return value


def _find_ttl(subject: Mapping[str, Any]) -> timedelta | None:
    """Return the time to live, which counts milliseconds here; more than a year is a year."""
    milliseconds = find_count(subject, "ttl", minimum=1)
    return None if milliseconds is None else timedelta(milliseconds=min(milliseconds, _MAX_TTL))
