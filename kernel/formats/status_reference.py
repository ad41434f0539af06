"""Where the status of a credential is kept: which kind of list, where it is, and the place in it.

Token Status List §6 (the claim `status`); Bitstring Status List 1.0 §2.1 (`credentialStatus`); PROFILE.md K-70, K-80.1.
The lists themselves are read in `kernel.status`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from kernel.errors import MalformedError
from kernel.members import as_array, as_count, as_object, find_text, get_text

MAX_ENTRIES: Final = 8
# As in a Token Status List; the specification of the other kind has no limit of its own.
MAX_STATUS_SIZE: Final = 8

_ENTRY_TYPE: Final = "BitstringStatusListEntry"
_OLDER_TYPE: Final = "1EdTechRevocationList"
_INDEX: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_STATUS_VALUE: Final = re.compile(r"0x[0-9a-fA-F]{1,2}", re.ASCII)
# Nobody opens it; what stands in it must not pass for two lines, or for two addresses.
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x20\x7f-\x9f]+")


class StatusKind(StrEnum):
    """Which kind of list has the status. What is unknown cannot be checked, and never counts as good.

    A `REVOCATION_LIST` names the credentials that were withdrawn: older, read only of imported badges (B-12).
    """

    TOKEN_STATUS_LIST = "token_status_list"
    BITSTRING_STATUS_LIST = "bitstring_status_list"
    REVOCATION_LIST = "revocation_list"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class StatusReference:
    """One place in one status list. A credential may have several, and all of them have to be good (K-80.1).

    `purpose` (revocation, suspension, message, …), `size` (bits an entry), `messages` (a word for each value) and
    `references` (where these are explained) are those of a Bitstring Status List; a Token Status List says such things
    itself.
    """

    uri: str
    index: int
    kind: StatusKind = StatusKind.TOKEN_STATUS_LIST
    purpose: str | None = None
    size: int = 1
    messages: tuple[tuple[int, str], ...] = ()
    references: tuple[str, ...] = ()


# What an issuer gives a credential: no status, one, or several.
Statuses = StatusReference | Sequence[StatusReference] | None


def find_statuses(claims: Mapping[str, Any]) -> tuple[StatusReference, ...]:
    """Return every place that a VCDM credential names, of both kinds: it must be good in all of them. PROFILE.md §6."""
    return (*find_status_claim(claims), *find_credential_status(claims))


def find_status_claim(claims: Mapping[str, Any]) -> tuple[StatusReference, ...]:
    """Return what the claim `status` names, nothing when there is none. Token Status List §6.1, §6.2.

    A status that cannot be read is refused, since ignoring it would turn a withdrawn credential valid.
    """
    if "status" not in claims:
        return ()
    status = claims["status"]
    reference = status.get("status_list") if isinstance(status, dict) else None
    if not isinstance(reference, dict):
        raise MalformedError("a status claim without a status list")
    uri, index = reference.get("uri"), reference.get("idx")
    if not isinstance(uri, str) or not uri or type(index) is not int or index < 0:
        raise MalformedError("a status list reference without `uri` or `idx`")
    return (StatusReference(uri, index),)


def find_credential_status(claims: Mapping[str, Any]) -> tuple[StatusReference, ...]:
    """Return what `credentialStatus` names, in its order. An entry of another type is of unknown kind. VCDM §4.10"""
    if "credentialStatus" not in claims:
        return ()
    value = claims["credentialStatus"]
    entries = as_array(value if isinstance(value, list) else [value], "`credentialStatus`", limit=MAX_ENTRIES)
    return tuple(_parse_entry(as_object(entry, "`credentialStatus`")) for entry in entries)


def create_status_claim(statuses: Statuses) -> dict[str, Any]:
    """Return the member `status` that points into a Token Status List, or nothing. Token Status List §6.2."""
    listed = _of_kind(statuses, StatusKind.TOKEN_STATUS_LIST)
    if not listed:
        return {}
    (status,) = listed
    return {"status": {"status_list": {"idx": status.index, "uri": status.uri}}}


def create_credential_status(statuses: Statuses) -> dict[str, Any]:
    """Return the member `credentialStatus` with an entry for each Bitstring Status List, or nothing. BSL §2.1, B-12."""
    entries = [_create_entry(status) for status in _of_kind(statuses, StatusKind.BITSTRING_STATUS_LIST)]
    if not entries:
        return {}
    return {"credentialStatus": entries[0] if len(entries) == 1 else entries}


def require_kinds(statuses: Statuses, *kinds: StatusKind) -> None:
    """Raise ValueError when a credential is to name a list of a kind that its format has no place for."""
    if any(status.kind not in kinds for status in as_sequence(statuses)):
        raise ValueError("a status list of a kind that this format cannot name")


def _of_kind(statuses: Statuses, kind: StatusKind) -> list[StatusReference]:
    return [status for status in as_sequence(statuses) if status.kind is kind]


def as_sequence(statuses: Statuses) -> Sequence[StatusReference]:
    """Return them one by one."""
    if statuses is None:
        return ()
    return (statuses,) if isinstance(statuses, StatusReference) else statuses


def entry_texts(status: StatusReference) -> tuple[str, str, str]:
    """Return what of an entry belongs to one copy: its `id`, `statusListIndex` and `statusListCredential`."""
    return f"{status.uri}#{status.index}", str(status.index), status.uri


def _create_entry(status: StatusReference) -> dict[str, Any]:
    identifier, index, uri = entry_texts(status)
    entry: dict[str, Any] = {
        "id": identifier,
        "type": _ENTRY_TYPE,
        "statusPurpose": status.purpose,
        "statusListIndex": index,
        "statusListCredential": uri,
    }
    if status.size > 1:
        entry["statusSize"] = status.size
    if status.messages:
        entry["statusMessage"] = [{"status": hex(value), "message": text} for value, text in status.messages]
    if status.references:
        entry["statusReference"] = status.references[0] if len(status.references) == 1 else list(status.references)
    return entry


def _parse_entry(entry: Mapping[str, Any]) -> StatusReference:
    types = entry.get("type")
    types = types if isinstance(types, list) else [types]
    if _ENTRY_TYPE not in types:
        kind = StatusKind.REVOCATION_LIST if _OLDER_TYPE in types else StatusKind.UNKNOWN
        return StatusReference(find_text(entry, "id") or "", 0, kind)
    uri = get_text(entry, "statusListCredential")
    if entry.get("id") == uri:
        raise MalformedError("a status entry that is called as its list is")
    size = as_count(entry.get("statusSize", 1), "`statusSize`", minimum=1)
    if size > MAX_STATUS_SIZE:
        raise MalformedError("a status entry of too many bits")
    index = get_text(entry, "statusListIndex")
    if not _INDEX.fullmatch(index):
        raise MalformedError("a `statusListIndex` that is no number in decimal digits")
    return StatusReference(
        uri,
        int(index),
        StatusKind.BITSTRING_STATUS_LIST,
        purpose=get_text(entry, "statusPurpose"),
        size=size,
        messages=_parse_messages(entry, size),
        references=_parse_references(entry),
    )


def _parse_messages(entry: Mapping[str, Any], size: int) -> tuple[tuple[int, str], ...]:
    """Return the meaning of each value: of all, in whatever order, or of none where one bit says yes or no."""
    if "statusMessage" not in entry and size == 1:
        return ()
    listed = as_array(entry.get("statusMessage"), "`statusMessage`", limit=2**MAX_STATUS_SIZE)
    messages = tuple(_parse_message(as_object(message, "a status message")) for message in listed)
    if sorted(value for value, _ in messages) != list(range(2**size)):
        raise MalformedError("not exactly one message for each value of a status")
    return messages


def _parse_references(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the URLs at which the status is explained; they are never fetched. §2.1, statusReference."""
    if "statusReference" not in entry:
        return ()
    value = entry["statusReference"]
    listed = as_array(value if isinstance(value, list) else [value], "`statusReference`", limit=MAX_ENTRIES)
    for url in listed:
        if not isinstance(url, str) or not _URL.fullmatch(url):
            raise MalformedError("a `statusReference` that is no URL")
    return tuple(listed)


def _parse_message(message: Mapping[str, Any]) -> tuple[int, str]:
    value = get_text(message, "status")
    if not _STATUS_VALUE.fullmatch(value):
        raise MalformedError("a status value that is not hexadecimal")
    return int(value, 16), get_text(message, "message")
