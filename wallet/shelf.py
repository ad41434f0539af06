"""The shelf: a person's badges as connected services may read them while the vault is locked. Decision 0080; B-40.

Only what Open Badges 3.0 can express is put there, as its issuer signed it: JSON with an embedded proof, or a JWS. Of a
badge of which parts can be hidden it is the form with everything shown; the secrets that hide parts, and the holder's
keys, never come near it. It is filled while the vault is open, and only when somebody may read it; what connected
services bring puts itself there. A badge that goes, goes from the shelf with it.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from kernel.errors import CredentialError
from kernel.formats.credential import LDP_VC
from kernel.importing import Imported, Kind, Securing
from kernel.open_badges import describe_subjects, parse_date_time
from kernel.report import Outcome
from kernel.strict_json import encode_json, parse_json_object
from kernel.trust_list import Outcome as Recognised
from runtime.importing import read_badge
from runtime.tokens import create_token
from wallet import store
from wallet.badge_files import find_open_badge, open_text
from wallet.credentials import HeldForm, create_view, open_form
from wallet.letterbox import Letterbox, Slot
from wallet.model_check import find_document
from wallet.models import ImportedBadge, ShelvedBadge
from wallet.settings import Wallet
from wallet.vault import Vault

ShelfFormat = Literal["json", "jws"]

# Without these nobody can say that the badge is what its issuer signed; whether it is in force, its reader asks anew.
_AUTHENTIC: Final = ("format", "issuer_key", "proof")
# Identifiers that are nothing but a key: whoever likes makes a thousand.
_MERE_KEYS: Final = ("did:key:", "did:jwk:")
_GIVEN_OUT: Final = frozenset({Securing.JWT.value, Securing.DATA_INTEGRITY.value, Securing.OTHER_PROOF.value})


@dataclass(frozen=True, slots=True)
class ShelfBadge:
    """One badge as it is given out: its text as it was signed, and which badge it is. B-23

    `subjects` says who received it and what for, so that two can be compared.
    """

    format: ShelfFormat
    text: str
    name: str
    issuer: str
    identifier: str
    valid_from: datetime | None
    subjects: str

    def as_json(self) -> dict[str, Any]:
        return {
            "format": self.format,
            "text": self.text,
            "name": self.name,
            "issuer": self.issuer,
            "identifier": self.identifier,
            "valid_from": self.valid_from.isoformat() if self.valid_from else None,
            "subjects": self.subjects,
        }


def is_authentic(found: Mapping[str, Any]) -> bool:
    """Whether what was found of a badge from elsewhere says that its issuer signed it, whatever became of it since."""
    outcomes = _proving_outcomes(found)
    was_authentic: bool = found.get("was_authentic", False)
    return was_authentic or all(outcomes.get(code) == Outcome.PASSED.value for code in _AUTHENTIC)


def recall_authentic(before: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Of a file that is checked again, what was shown before and is not refuted now: its issuer may just be away."""
    is_refuted = Outcome.FAILED.value in _proving_outcomes(found).values()
    return {"was_authentic": True} if is_authentic(before) and not is_refuted else {}


def is_by_somebody(badge: ShelfBadge, found: Mapping[str, Any]) -> bool:
    """Whether a badge is shown to be of an issuer who is more than a key, or whose key a trust list recognises."""
    is_mere_key = badge.issuer.startswith(_MERE_KEYS) and found["recognition"] != Recognised.RECOGNISED.value
    return is_authentic(found) and not is_mere_key


def is_shareable(found: Mapping[str, Any]) -> bool:
    """Whether what was found of a badge from elsewhere says that it can be given out: an Open Badge 3.0, and real."""
    report = found["report"]
    is_kind = report["kind"] == Kind.OPEN_BADGE_3.value and report["securing"] in _GIVEN_OUT
    return is_kind and is_authentic(found)


def _proving_outcomes(found: Mapping[str, Any]) -> dict[str, str]:
    return {each["code"]: each["outcome"] for each in found["report"]["checks"] if each["code"] in _AUTHENTIC}


def describe_imported(imported: Imported, file: bytes, *, name: str) -> ShelfBadge | None:
    """A badge from elsewhere as it is given out, byte for byte where it came as text; None for no Open Badge 3.0.

    One that does not say which badge it is, is none either: nobody could tell it from another (B-23).
    """
    issuer, identifier = imported.unverified_issuer, _find_identifier(imported.document)
    if imported.kind is not Kind.OPEN_BADGE_3 or not issuer or not identifier:
        return None
    valid_from, subjects = _find_valid_from(imported.document), _find_subjects(imported.document)
    match imported.securing:
        case Securing.JWT if imported.token is not None:
            return ShelfBadge("jws", imported.token, name, issuer, identifier, valid_from, subjects)
        case Securing.DATA_INTEGRITY | Securing.OTHER_PROOF:
            text = _json_text(imported.document, file)
            return ShelfBadge("json", text, name, issuer, identifier, valid_from, subjects)
    return None


async def fill_shelf(wallet: Wallet, vault: Vault, now: datetime) -> None:
    """Put on the shelf whatever is held and not there yet, if somebody may read it. Doing it twice changes nothing."""
    async with wallet.database.reading() as session:
        if not await store.has_reader(session, vault.account_id, now):
            return
        forms = await store.find_unshelved_forms(session, vault.account_id)
        imported = await store.find_unshelved_imported(session, vault.account_id)
    slot = vault.letterbox("shelf").slot
    held = await asyncio.to_thread(_describe_held, [open_form(vault, row) for row in forms])
    rows = [seal_shelved(slot, badge, now, credential_id=credential_id) for credential_id, badge in held]
    for row in imported:
        badge = await _describe_row(vault, row)
        if badge is not None:
            rows.append(seal_shelved(slot, badge, now, imported_id=row.id))
    if rows:
        async with wallet.database.transaction() as session:
            await store.shelve(session, rows)


def seal_shelved(
    slot: Slot, badge: ShelfBadge, now: datetime, *, credential_id: str | None = None, imported_id: str | None = None
) -> ShelvedBadge:
    """The row of a badge on the shelf; it goes with the badge that it belongs to."""
    shelf_id = create_token(16)
    return ShelvedBadge(
        id=shelf_id,
        account_id=slot.account_id,
        credential_id=credential_id,
        imported_id=imported_id,
        sealed=slot.seal(shelf_id, badge.as_json()),
        shelved_at=now,
    )


def open_shelf(letterbox: Letterbox, rows: Sequence[ShelvedBadge]) -> list[ShelfBadge]:
    """What lies on the shelf, in its order; of two that are the same badge the newer one (B-23).

    The same issuer and `id` for another recipient or achievement takes no place: what was there first is given out.
    """
    newest: dict[tuple[str, str], ShelfBadge] = {}
    for row in rows:
        badge = _read(letterbox.open(row.id, row.sealed))
        held = newest.get((badge.issuer, badge.identifier))
        if held is None or _is_newer_form(held, badge):
            newest[badge.issuer, badge.identifier] = badge
    return list(newest.values())


def _is_newer_form(held: ShelfBadge, other: ShelfBadge) -> bool:
    if other.subjects != held.subjects:
        return False
    return other.valid_from is not None and (held.valid_from is None or other.valid_from > held.valid_from)


def _read(content: Mapping[str, Any]) -> ShelfBadge:
    valid_from = content["valid_from"]
    moment = None if valid_from is None else datetime.fromisoformat(valid_from)
    return ShelfBadge(**{**content, "valid_from": moment})


def _describe_held(forms: Sequence[HeldForm]) -> list[tuple[str, ShelfBadge]]:
    by_badge: dict[str, list[HeldForm]] = {}
    for form in forms:
        by_badge.setdefault(form.credential_id, []).append(form)
    found = []
    for credential_id, held in by_badge.items():
        shared = find_open_badge(held)
        badge = None if shared is None else _describe_form(shared)
        if badge is not None:
            found.append((credential_id, badge))
    return found


def _describe_form(form: HeldForm) -> ShelfBadge | None:
    credential, document = form.credential, find_document(form.credential)
    identifier = _find_identifier(document) or _find_identifier(credential.claims)
    if not identifier:
        return None
    return ShelfBadge(
        "json" if credential.format == LDP_VC else "jws",
        open_text(form),
        create_view(credential).name,
        credential.issuer,
        identifier,
        credential.valid_from or _find_valid_from(document),
        _find_subjects(document),
    )


async def _describe_row(vault: Vault, row: ImportedBadge) -> ShelfBadge | None:
    """A badge from elsewhere that was kept. One that is not shown to be its issuer's is not given out as if it were."""
    found = vault.open("imported_badge", row.id, row.sealed)
    if not is_authentic(found):
        return None
    file = vault.open_bytes("imported_file", row.id, row.sealed_file)
    try:
        imported = await read_badge(file)
    except CredentialError:
        return None
    return describe_imported(imported, file, name=found["views"]["nl"]["name"])


def _json_text(document: Mapping[str, Any], file: bytes) -> str:
    """The text of the badge as it came; where it came inside something else, the same badge written anew."""
    try:
        text = file.removeprefix(b"\xef\xbb\xbf").decode().strip()
        if parse_json_object(text) == document:
            return text
    except (UnicodeDecodeError, CredentialError):
        pass
    return encode_json(document).decode()


def _find_identifier(document: Mapping[str, Any]) -> str | None:
    """Which badge it is: `id`, or in a JWT `jti`. Open Badges 3.0 §8.2.4.1"""
    found = document.get("id", document.get("jti"))
    return found if isinstance(found, str) and found else None


def _find_valid_from(document: Mapping[str, Any]) -> datetime | None:
    try:
        return parse_date_time(document.get("validFrom", document.get("issuanceDate")))
    except CredentialError:
        return None


def _find_subjects(document: Mapping[str, Any]) -> str:
    return json.dumps(describe_subjects(document), sort_keys=True)
