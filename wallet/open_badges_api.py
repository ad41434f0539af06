"""The Open Badges API as Host: connected services read a person's badges, bring new ones, and see the profile.

Open Badges 3.0 §6; PROFILE.md B-40 to B-43. The vault stays locked: everything here is done with the keys that the
access token carries (`wallet.connections`). A badge that is brought is judged by the engine that judges what a person
brings themselves (`wallet.importing`), and what is not shown to be its issuer's is kept as such and given to nobody.
"""

import asyncio
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from kernel.errors import CredentialError
from kernel.importing import Imported
from kernel.open_badges import verify_profile
from kernel.open_badges.vocabulary import OPEN_BADGES_3_0_3
from kernel.open_badges_api import (
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    PROFILE_READONLY,
    PROFILE_UPDATE,
    PageRequest,
    parse_credentials_page,
)
from kernel.strict_json import encode_json, parse_json, parse_json_object
from runtime.at_once import Turns
from runtime.importing import read_badge
from runtime.tokens import create_token
from wallet import store
from wallet.accounts import get_account_name
from wallet.connections import Access
from wallet.delivery_notes import DeliveryNote, create_note, digest_identity, open_note, seal_note
from wallet.errors import (
    BadgeNotReplacedError,
    NoRoomError,
    ProfileNameError,
    TooOftenError,
    UnknownProfileError,
    UnknownTokenError,
    UnreadableBadgeError,
    UnreadableProfileError,
)
from wallet.history import HistoryRecord, seal_history_record
from wallet.importing import judge_badge
from wallet.models import ApiProfile, ImportedBadge
from wallet.settings import Wallet
from wallet.shelf import ShelfBadge, describe_imported, is_authentic, open_shelf, seal_shelved
from wallet.vault import Vault

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
BADGES_AN_HOUR: Final = 300
"""By one connection."""
BADGES_AN_HOUR_FOR_ACCOUNT: Final = 600
"""By all services together that one person connected."""
BADGES_AN_HOUR_BY_CLIENT: Final = 6_000
"""By one service, to all who connected it."""
BADGES_AT_MOST: Final = 1_000
BYTES_AT_MOST: Final = 32 * 1024 * 1024
"""Of one account, of all badges that services brought, as they are kept."""
UNPROVEN_AT_MOST: Final = 20
MAX_PROFILE_BYTES: Final = 64 * 1024
# In this process: each may ask thirty-two addresses, and a slow one holds the turn of nobody but who connected it.
# People who bring a badge themselves have turns of their own.
_TURNS: Final = Turns(4, each=1)
# Each has a whole shelf in memory.
_READING_TURNS: Final = Turns(4, each=1)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of badges as bytes, each badge as it was signed, and how many there are on all pages."""

    body: bytes
    total: int


# --- reading


async def get_credentials(wallet: Wallet, access: Access, asked: PageRequest, now: datetime) -> Page:
    """The badges of this page, in the order in which they came. §6.2.2; B-40, B-43

    `since` leaves out what was issued before. That it was read stands in the history, once a day for each service.
    """
    access.require(CREDENTIAL_READONLY)
    with _READING_TURNS.take(TooOftenError(), holder=access.keys.account_id):
        async with wallet.database.reading() as session:
            rows = await store.find_shelf(session, access.keys.account_id)
        found = await asyncio.to_thread(open_shelf, access.keys.letterbox("shelf"), rows)
        await _tell_history(wallet, access, found, now)
        fitting = [badge for badge in found if asked.since is None or _is_since(badge, asked.since)]
        return Page(_write_page(fitting[asked.offset : asked.offset + asked.limit]), len(fitting))


def _is_since(badge: ShelfBadge, since: datetime) -> bool:
    return badge.valid_from is not None and badge.valid_from > since


def _write_page(badges: list[ShelfBadge]) -> bytes:
    """The `GetOpenBadgeCredentialsResponse` with the badges' own bytes in it, which are never written anew."""
    documents = b",".join(badge.text.encode() for badge in badges if badge.format == "json")
    texts = encode_json([badge.text for badge in badges if badge.format == "jws"])
    return b'{"credential":[' + documents + b'],"compactJwsString":' + texts + b"}"


async def _tell_history(wallet: Wallet, access: Access, badges: list[ShelfBadge], now: datetime) -> None:
    """Before anything leaves (W-31); a connection that was ended meanwhile gets nothing any more."""
    service = access.keys.service
    record = HistoryRecord(
        kind="read",
        party_name=service.host,
        party_id=service.address,
        party_own_name=service.name,
        recognition="",
        happened_at=now,
        badges=tuple(badge.name for badge in badges if badge.name),
    )
    async with wallet.database.transaction() as session:
        await _require_connection(session, access)
        if badges and await store.take_telling(session, access.connection_id, now, told_before=now - _DAY):
            await store.add_history_entry(session, seal_history_record(access.keys.slot("history"), record))


async def _require_connection(session: store.Session, access: Access) -> None:
    """Raise UnknownTokenError for a connection that was ended since its token was opened."""
    if await store.find_connection(session, access.connection_id) is None:
        raise UnknownTokenError


# --- bringing


async def upsert_credential(wallet: Wallet, access: Access, body: bytes, *, is_jws: bool, now: datetime) -> bool:
    """Keep a badge that a service brings, or raise; True when there was none of this issuer and `id`. §6.2.3; B-43

    (1) It is an Open Badge in the form that it is said to be; an address is none. What is fetched to judge it, its
    issuer's keys and status, goes through the guard against inner addresses (A-42).
    (2) It is judged in full. (3) Whatever was found is kept with it, for its owner to read; only what is shown to be
    its issuer's is given out again. (4) What is held under its name is replaced by nothing older, and what is shown to
    be its issuer's by nothing that is not: a forgery never takes a true badge's place (B-23).
    """
    access.require(CREDENTIAL_UPSERT)
    await _count_delivery(wallet, access, now)
    imported = await _read(body, is_jws=is_jws)
    # Which badge it is, is known before anything is asked of anybody.
    if describe_imported(imported, body, name="") is None:
        raise UnreadableBadgeError
    with _TURNS.take(TooOftenError(), holder=access.keys.account_id):
        report, found = await judge_badge(wallet, imported, body, now)
    badge = describe_imported(report.imported, body, name=found["views"]["nl"]["name"])
    if badge is None:
        raise UnreadableBadgeError
    found["brought_by"] = {"host": access.keys.service.host, "name": access.keys.service.name}
    return await _keep(wallet, access, badge, found, body, now)


async def _count_delivery(wallet: Wallet, access: Access, now: datetime) -> None:
    """Count this delivery for its connection, its account and its service, or raise TooOftenError and count none."""
    key = wallet.sealing_key.derive("wallet/api-counter")
    limits = {
        f"upsert {access.connection_id}": BADGES_AN_HOUR,
        f"upsert into {access.keys.account_id}": BADGES_AN_HOUR_FOR_ACCOUNT,
        f"upsert by {access.keys.service.client_id}": BADGES_AN_HOUR_BY_CLIENT,
    }
    async with wallet.database.transaction() as session:
        for counted, limit in limits.items():
            counter = hmac.digest(key, counted.encode(), "sha256")
            if not await store.count_api_use(session, counter, limit=limit, since=now - _HOUR, now=now):
                raise TooOftenError


async def _read(body: bytes, *, is_jws: bool) -> Imported:
    """A badge as JSON or as a JWS and in no other form: neither a picture, nor an address, nor an SD-JWT."""
    try:
        if is_jws:
            parse_credentials_page({"compactJwsString": [body.decode("ascii").strip()]})
        else:
            parse_json_object(body)
        return await read_badge(body)
    except (CredentialError, UnicodeDecodeError) as exc:
        raise UnreadableBadgeError from exc


async def _keep(
    wallet: Wallet, access: Access, badge: ShelfBadge, found: dict[str, Any], file: bytes, now: datetime
) -> bool:
    keys = access.keys
    account_id, identity = keys.account_id, digest_identity(keys.identity_key, badge)
    note = create_note(keys.identity_key, badge, found, file)
    async with wallet.database.transaction() as session:
        await store.lock_deliveries(session, account_id)
        await _require_connection(session, access)
        held = await store.find_delivery(session, account_id, identity)
        before = _open_note(keys.identity_key, held)
        if before is not None and not before.is_changed_by(note):
            return False
        if held is not None and before is not None:
            _require_replaceable(before, note, held.received_at, now)
        badge_id = create_token(16) if held is None else held.id
        sealed = keys.slot("imported_badge").seal(badge_id, found)
        sealed_file = keys.slot("imported_file").seal_bytes(badge_id, file)
        await _require_room(session, access, None if held is None else badge_id, note, len(sealed) + len(sealed_file))
        sealed_note = seal_note(keys.identity_key, identity, note)
        place = now
        if held is None:
            row = ImportedBadge(
                id=badge_id,
                account_id=account_id,
                sealed=sealed,
                sealed_file=sealed_file,
                received_at=now,
                identity=identity,
                sealed_note=sealed_note,
            )
            await store.add_delivery(session, row)
        else:
            place = await store.replace_delivery(
                session, badge_id, sealed=sealed, sealed_file=sealed_file, sealed_note=sealed_note, now=now
            )
        if note.is_authentic:
            await store.shelve(session, [seal_shelved(keys.slot("shelf"), badge, place, imported_id=badge_id)])
        record = _received(access, badge, found, now)
        await store.add_history_entry(session, seal_history_record(keys.slot("history"), record))
    return held is None


def _open_note(key: bytes, held: ImportedBadge | None) -> DeliveryNote | None:
    if held is None or held.identity is None or held.sealed_note is None:
        return None
    return open_note(key, held.identity, held.sealed_note)


def _require_replaceable(held: DeliveryNote, brought: DeliveryNote, held_since: datetime, now: datetime) -> None:
    """Raise BadgeNotReplacedError unless one may take the place of the other. B-23

    Of two that prove nothing the second waits a day: each leaves a line in the history, and nobody may flood that.
    """
    is_junk_for_junk = not held.is_authentic and not brought.is_authentic
    if not held.may_be_replaced_by(brought) or (is_junk_for_junk and now - held_since < _DAY):
        raise BadgeNotReplacedError


async def _require_room(
    session: store.Session, access: Access, replaced_id: str | None, note: DeliveryNote, size: int
) -> None:
    """Raise NoRoomError unless a badge of this size fits beside the others; `replaced_id` is the one that it replaces.

    Of badges that prove nothing, or that a key signed which belongs to nobody that can be named, there is room for few:
    whoever may bring badges may not fill a wallet with junk.
    """
    account_id, key = access.keys.account_id, access.keys.identity_key
    if await store.sum_delivery_bytes(session, account_id, without=replaced_id) + size > BYTES_AT_MOST:
        raise NoRoomError
    if replaced_id is not None:
        return
    notes = await store.find_delivery_notes(session, account_id)
    if len(notes) >= BADGES_AT_MOST:
        raise NoRoomError
    if not note.is_by_somebody:
        junk = [each for each in notes if not open_note(key, *each).is_by_somebody]
        if len(junk) >= UNPROVEN_AT_MOST:
            raise NoRoomError


def _received(access: Access, badge: ShelfBadge, found: Mapping[str, Any], now: datetime) -> HistoryRecord:
    service = access.keys.service
    return HistoryRecord(
        kind="brought",
        party_name=service.host,
        party_id=service.address,
        party_own_name=service.name,
        recognition=found["recognition"],
        happened_at=now,
        badges=(badge.name,) if badge.name else (),
        outcome="" if is_authentic(found) else "unchecked",
    )


# --- the profile


def find_profile_id(vault: Vault) -> str:
    """By which identifier connected services know this person: random to everybody, and always the same."""
    return UUID(bytes=vault.derive("profile-id")[:16], version=4).urn


async def get_profile(wallet: Wallet, access: Access) -> dict[str, Any]:
    """The person's profile, or UnknownProfileError. §6.2.4"""
    access.require(PROFILE_READONLY)
    async with wallet.database.reading() as session:
        await _require_connection(session, access)
        row = await store.find_api_profile(session, access.keys.account_id)
    if row is None:
        raise UnknownProfileError
    profile: dict[str, Any] = access.keys.letterbox("profile").open(access.keys.account_id, row.sealed)
    return profile


async def put_profile(wallet: Wallet, access: Access, body: bytes, now: datetime) -> dict[str, Any]:
    """Replace the profile by what a service knows better, or raise. §6.2.5

    It stays the profile of the same person: another `id` is UnknownProfileError, and one that is left out is filled in.
    """
    access.require(PROFILE_UPDATE)
    keys = access.keys
    try:
        value = parse_json(body, max_bytes=MAX_PROFILE_BYTES)
        if not isinstance(value, dict):
            raise UnreadableProfileError
        profile = {"@context": [OPEN_BADGES_3_0_3], **value, "id": value.get("id", keys.profile_id)}
        verify_profile(profile)
    except CredentialError as exc:
        raise UnreadableProfileError from exc
    if profile["id"] != keys.profile_id:
        raise UnknownProfileError
    sealed = keys.slot("profile").seal(keys.account_id, profile)
    async with wallet.database.transaction() as session:
        await store.lock_deliveries(session, keys.account_id)
        await _require_connection(session, access)
        await store.set_api_profile(session, ApiProfile(account_id=keys.account_id, sealed=sealed, changed_at=now))
    return profile


async def find_own_profile(wallet: Wallet, vault: Vault) -> dict[str, Any]:
    """The profile as its owner sees it; before it was ever changed it has the name of the wallet and nothing else."""
    async with wallet.database.reading() as session:
        row = await store.find_api_profile(session, vault.account_id)
    if row is not None:
        profile: dict[str, Any] = vault.open("profile", vault.account_id, row.sealed)
        return profile
    return _create_profile(vault, await get_account_name(wallet.database, vault))


async def keep_profile(wallet: Wallet, vault: Vault, now: datetime) -> None:
    """Put the profile where connected services can read it, if it is not there yet."""
    await _set_own_profile(wallet, vault, await find_own_profile(wallet, vault), now, is_first=True)


async def replace_profile(wallet: Wallet, vault: Vault, name: str, now: datetime) -> None:
    """Begin the profile anew with this name and nothing else, or raise ProfileNameError."""
    shown = " ".join(name.split())
    if not 1 <= len(shown) <= 100 or not shown.isprintable():
        raise ProfileNameError
    await _set_own_profile(wallet, vault, _create_profile(vault, shown), now)


def _create_profile(vault: Vault, name: str) -> dict[str, Any]:
    return {"@context": [OPEN_BADGES_3_0_3], "id": find_profile_id(vault), "type": ["Profile"], "name": name}


async def _set_own_profile(
    wallet: Wallet, vault: Vault, profile: Mapping[str, Any], now: datetime, *, is_first: bool = False
) -> None:
    sealed = vault.letterbox("profile").slot.seal(vault.account_id, profile)
    row = ApiProfile(account_id=vault.account_id, sealed=sealed, changed_at=now)
    async with wallet.database.transaction() as session:
        await store.set_api_profile(session, row, is_first=is_first)
