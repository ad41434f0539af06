"""Whether an imported thing was withdrawn: every list that it names, of either kind. K-70 to K-74, K-80.1, B-12."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from kernel.archive import VerifiedArchive
from kernel.data_integrity import CRYPTOSUITES
from kernel.errors import CredentialError, MalformedError, RevokedError, SuspendedError, UndecidedError
from kernel.formats.status_reference import StatusKind, StatusReference
from kernel.importing.keys import Keys
from kernel.importing.lookups import Library, LookupKind
from kernel.microcredential.members import read_object, read_text
from kernel.open_badges import read_many
from kernel.status.bitstring_status_list import MESSAGE, EntryStatus, verify_status_list_credential
from kernel.status.token_status_list import Status, parse_status_list_token, verify_status_list_token
from kernel.strict_json import parse_json_object

# The specification's word and that of the validator which everybody tests with.
_REVOKED: Final = ("revokedCredential", "revokedCredentials")
SIGNATURE_ALGORITHMS: Final = frozenset({"ES256", "ES384", "Ed25519", "EdDSA", "RS256"})
_STATUS_LISTS: Final[Mapping[StatusKind, LookupKind]] = {
    StatusKind.TOKEN_STATUS_LIST: LookupKind.STATUS_LIST,
    StatusKind.BITSTRING_STATUS_LIST: LookupKind.STATUS_LIST_CREDENTIAL,
    StatusKind.REVOCATION_LIST: LookupKind.REVOCATION_LIST,
}


class Statuses:
    """The status lists of one judgement, each with the keys of the issuer whose it is.

    `is_archived` tells whether any came from the archive: then it says what was so when the archive was made.
    `messages` are those that lists have beside the credential, by their words, empty where nobody gives one;
    `has_unread_messages` tells whether a list of them could not be read.
    """

    def __init__(self, library: Library, keys: Keys, *, now: datetime, archive: VerifiedArchive | None = None) -> None:
        self._library = library
        self._keys = keys
        self._now = now
        self._archive = archive
        self.is_archived = False
        self.messages: list[str] = []
        self.has_unread_messages = False

    def require_good(self, references: tuple[StatusReference, ...], issuer: str, identifier: str | None) -> None:
        """Look each place up, and raise for the first that has it withdrawn, on hold, or not known. K-74, K-80.1

        `identifier` is the credential's own, by which lists of the older kind name it.
        """
        # All lists at once: one after another, a file with many of them would take as many rounds.
        for kind, lookup in _STATUS_LISTS.items():
            self._library.expect([each.uri for each in references if each.kind is kind], lookup)
        for reference in references:
            if reference.purpose == MESSAGE:
                self._read_message(reference, issuer)
            else:
                _require_valid(self._read(reference, issuer, identifier))

    def _read_message(self, reference: StatusReference, issuer: str) -> None:
        """Note what a list tells of it. Nothing hangs on a message, so nothing hangs on having its list either."""
        try:
            content, now = self._get(reference, issuer)
            entry = self._read_entry(reference, issuer, _decode(content), now)
        except CredentialError:
            self.has_unread_messages = True
            return
        if entry.value:
            self.messages.append(entry.message or "")

    def _read(self, reference: StatusReference, issuer: str, identifier: str | None) -> Status:
        if reference.kind is StatusKind.UNKNOWN:
            raise UndecidedError("a status of a kind that is not read here")
        content, now = self._get(reference, issuer)
        raw = _decode(content)
        if reference.kind is StatusKind.REVOCATION_LIST:
            return _read_revocation_list(raw, issuer, identifier)
        if reference.kind is StatusKind.TOKEN_STATUS_LIST:
            token = parse_status_list_token(raw)
            key = self._keys.find_for_token(token, issuer)
            listed = verify_status_list_token(
                token, uri=reference.uri, key=key, algorithms=SIGNATURE_ALGORITHMS, now=now
            )
            return listed.get(reference.index)
        return self._read_entry(reference, issuer, raw, now).status

    def _read_entry(self, reference: StatusReference, issuer: str, raw: str, now: datetime) -> EntryStatus:
        listing = verify_status_list_credential(
            raw,
            uri=reference.uri,
            issuer=issuer,
            find_key=self._keys.find,
            cryptosuites=frozenset(CRYPTOSUITES),
            algorithms=SIGNATURE_ALGORITHMS,
            now=now,
        )
        return listing.get(reference.index, purpose=reference.purpose, size=reference.size, messages=reference.messages)

    def _get(self, reference: StatusReference, issuer: str) -> tuple[bytes, datetime]:
        """Return the list and the moment to judge it at; the archived one only where the issuer's cannot be had."""
        try:
            return self._library.get(reference.uri, _STATUS_LISTS[reference.kind]), self._now
        except UndecidedError:
            if self._archive is None or issuer != self._archive.did:
                raise
            content = self._archive.find_file("status_list", reference.uri)
            if content is None:
                raise
            self.is_archived = True
            return content, self._archive.created_at


def _require_valid(status: Status) -> None:
    if status is Status.SUSPENDED:
        raise SuspendedError("the status list has it on hold")
    if status is Status.APPLICATION_SPECIFIC:
        raise UndecidedError("a status whose meaning only its issuer knows")
    if status is not Status.VALID:
        raise RevokedError("the status list has it withdrawn")


def _read_revocation_list(raw: str, issuer: str, identifier: str | None) -> Status:
    """Read a `1EdTechRevocationList`, which nobody signs: it speaks for the issuer whose badge names it. B-12

    A credential is withdrawn that is in it, unless `revoked` stands beside it and is false.
    """
    listed = parse_json_object(raw)
    named = read_text(listed, "issuer") or read_text(read_object(listed, "issuer"), "id")
    if identifier is None or named not in (None, issuer):
        raise UndecidedError("a revocation list that cannot be about this credential")
    if not any(name in listed for name in _REVOKED):
        raise MalformedError("a revocation list without a list")
    withdrawn = [_find_withdrawn(entry) for name in _REVOKED for entry in read_many(listed, name)]
    return Status.INVALID if identifier in withdrawn else Status.VALID


def _find_withdrawn(entry: object) -> str | None:
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, dict):
        raise MalformedError("a revocation list with something in it that is no entry")
    return None if entry.get("revoked") is False else read_text(entry, "id")


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise MalformedError("a status list that is no text") from exc
