"""Badges from elsewhere: judged when they are brought, kept only if their owner says so, and never presented.

Such a badge is a file. It has no holder key here, so that no verifier can be shown it by OpenID4VP; its owner can take
it out again, byte for byte. What was found about it is kept in words, as it was shown, with the moment of the check:
looking at it asks nobody anything. Issue 3, item 6; W-19, W-30, W-31.
"""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from kernel.errors import MalformedError
from kernel.importing import Imported, ImportReport, Kind, Verdict
from kernel.open_badges import find_refresh_service
from kernel.report import Outcome
from kernel.trust_list import Recognition
from kernel.web_urls import host_of
from runtime.at_once import Turns
from runtime.endorsements import JudgedEndorsement, resolve_endorsers
from runtime.import_view import create_view
from runtime.importing import (
    read_badge,
    resolve_address,
    resolve_recognition,
    resolve_recognitions,
    resolve_report,
    unread_code,
)
from runtime.tokens import create_token
from wallet import store
from wallet.badge_files import BadgeFile
from wallet.delivery_notes import create_note, identity_key, open_note, seal_note
from wallet.errors import UNREAD, NoBadgeError, NotFoundError, TooManyChecksError
from wallet.history import HistoryKind, HistoryRecord, add_history_record
from wallet.models import ImportedBadge
from wallet.settings import Wallet
from wallet.shelf import describe_imported, fill_shelf, is_authentic, is_shareable, recall_authentic
from wallet.vault import Vault

# As long as somebody may take to decide whether to keep it.
_DECISION_TIME: Final = timedelta(hours=1)
# For one account; nobody decides about more at a time.
_WAITING_AT_MOST: Final = 10
# In this process: each may ask thirty-two addresses and decode a photo.
_TURNS: Final = Turns(8)
_LANGUAGES: Final = ("nl", "en")


class RefreshOutcome(StrEnum):
    """What became of asking an issuer for the newest form of a badge; only `REPLACED` changed it."""

    REPLACED = "replaced"
    NO_NEWER = "no_newer"
    ANOTHER = "another"
    NOT_PROVEN = "not_proven"
    NO_BADGE = "no_badge"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class BadgeFromElsewhere:
    """What its owner sees of it; without an `id` where it may not be kept.

    `view` is a `runtime.import_view.ImportView` as it was when it was checked. `refresh_host` is where its issuer says
    that its newest form can be had, and `refresh` what became of asking there since.
    """

    id: str
    view: dict[str, Any]
    checked_at: datetime
    is_kept: bool
    refresh_host: str = ""
    refresh: RefreshOutcome | None = None
    brought_by: str = ""
    """The host of the connected service that brought it; "" where its owner did."""


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """The file of a badge that was kept. `is_authentic`: when it was checked last, its issuer had signed it."""

    id: str
    file: bytes
    is_authentic: bool


def take_turn() -> AbstractContextManager[None]:
    """Wait for nobody: TooManyChecksError while so many badges are being checked as one process can."""
    return _TURNS.take(TooManyChecksError())


async def check_badge(
    wallet: Wallet, vault: Vault, content: bytes | str, *, language: str, now: datetime
) -> BadgeFromElsewhere:
    """Judge a badge, or raise NoBadgeError. One that may be kept waits, sealed, for a word of its owner."""
    with take_turn():
        file, imported = await read_content(wallet, content)
        report, sealed = await judge_badge(wallet, imported, file, now)
    if report.verdict is Verdict.REFUTED or report.imported.kind is Kind.ADDRESS:
        return BadgeFromElsewhere("", sealed["views"][language], now, is_kept=False)
    badge_id = create_token(16)
    async with wallet.database.transaction() as session:
        row = _seal(vault, badge_id, sealed, file, now)
        await store.add_imported_badge(session, row, waiting_at_most=_WAITING_AT_MOST)
    return BadgeFromElsewhere(
        badge_id, sealed["views"][language], now, is_kept=False, refresh_host=sealed["refresh_host"]
    )


async def find_imported_badges(wallet: Wallet, vault: Vault, language: str) -> list[BadgeFromElsewhere]:
    """Those that were kept, newest first."""
    async with wallet.database.reading() as session:
        rows = await store.find_imported_badges(session, vault.account_id)
    return [_open(vault, row, language) for row in rows]


async def find_shareable_names(wallet: Wallet, vault: Vault) -> list[str]:
    """The names of those that connected services may read: Open Badges 3.0 that are shown to be their issuers'."""
    async with wallet.database.reading() as session:
        rows = await store.find_imported_badges(session, vault.account_id)
    found = [vault.open("imported_badge", row.id, row.sealed) for row in rows]
    return [each["views"]["nl"]["name"] for each in found if is_shareable(each)]


async def get_imported_badge(
    wallet: Wallet, vault: Vault, badge_id: str, *, language: str, now: datetime
) -> BadgeFromElsewhere:
    """One that was kept, or that waits for its owner's word; else NotFoundError."""
    async with wallet.database.reading() as session:
        row = await _get_judged(session, vault, badge_id, now)
    return _open(vault, row, language)


async def get_imported_file(wallet: Wallet, vault: Vault, badge_id: str, now: datetime) -> BadgeFile:
    """Its file, byte for byte as it came."""
    async with wallet.database.reading() as session:
        row = await _get_judged(session, vault, badge_id, now)
    return _open_file(vault, row)


async def check_imported_badge(wallet: Wallet, vault: Vault, badge_id: str, now: datetime) -> None:
    """Judge a badge anew that was brought before: it may have been withdrawn since, or can be checked only now.

    It stays whatever is found, since it is its owner's, and its page says what that is.
    """
    async with wallet.database.reading() as session:
        row = await _get_judged(session, vault, badge_id, now)
    file = _open_file(vault, row).content
    with take_turn():
        imported = await read_badge(file)
        report, found = await judge_badge(wallet, imported, file, now)
    found |= _kept_findings(vault, row) | recall_authentic(vault.open("imported_badge", row.id, row.sealed), found)
    note = _renew_note(vault, row, report.imported, found, file)
    async with wallet.database.transaction() as session:
        await store.replace_imported_findings(
            session,
            vault.account_id,
            badge_id,
            vault.seal("imported_badge", badge_id, found),
            sealed_note=note,
            judged_file=row.sealed_file,
        )
    await fill_shelf(wallet, vault, now)


async def replace_imported_badge(
    wallet: Wallet, vault: Vault, badge_id: str, imported: Imported, found: dict[str, Any], file: bytes, now: datetime
) -> None:
    """Put a newer form of a badge, and what was found about it, in the place of the one that was brought."""
    async with wallet.database.transaction() as session:
        row = await store.get_imported_badge(session, vault.account_id, badge_id, now)
        found |= _kept_findings(vault, row)
        await store.replace_imported_findings(
            session,
            vault.account_id,
            badge_id,
            vault.seal("imported_badge", badge_id, found),
            vault.seal_bytes("imported_file", badge_id, file),
            _renew_note(vault, row, imported, found, file),
        )
    await fill_shelf(wallet, vault, now)


def _kept_findings(vault: Vault, row: ImportedBadge) -> dict[str, Any]:
    """Of what was found before, what no other check finds again: who brought it."""
    before = vault.open("imported_badge", row.id, row.sealed)
    return {"brought_by": before["brought_by"]} if "brought_by" in before else {}


def _renew_note(
    vault: Vault, row: ImportedBadge, imported: Imported, found: dict[str, Any], file: bytes
) -> bytes | None:
    """What the next delivery is compared with, where a connected service brought this badge; else None."""
    badge = None if row.identity is None else describe_imported(imported, file, name="")
    if row.identity is None or badge is None:
        return None
    key = identity_key(vault)
    note = create_note(key, badge, found, file)
    if row.sealed_note is not None:
        before = open_note(key, row.identity, row.sealed_note)
        if before.digest == note.digest:
            note = before.renewed_by(note, is_refuted=found["report"]["verdict"] == Verdict.REFUTED.value)
    return seal_note(key, row.identity, note)


async def note_refresh(wallet: Wallet, vault: Vault, badge_id: str, outcome: RefreshOutcome, now: datetime) -> None:
    """Write down, with what was found about a badge, what became of asking for its newest form."""
    async with wallet.database.transaction() as session:
        row = await _get_judged(session, vault, badge_id, now)
        found = {**vault.open("imported_badge", badge_id, row.sealed), "refresh": outcome.value}
        sealed = vault.seal("imported_badge", badge_id, found)
        await store.replace_imported_findings(session, vault.account_id, badge_id, sealed, judged_file=row.sealed_file)
    await fill_shelf(wallet, vault, now)


def find_refresh_address(report: ImportReport) -> str | None:
    """The address of a badge whose signature holds, whatever became of it since; None of any other. B-13, A-42"""
    if report.imported.kind is not Kind.OPEN_BADGE_3:
        return None
    is_signed = all(report.check(code).outcome is Outcome.PASSED for code in ("proof", "issuer_key"))
    return find_refresh_service(report.imported.document) if is_signed else None


async def keep_imported_badge(wallet: Wallet, vault: Vault, badge_id: str, now: datetime) -> None:
    """Keep it for good, and write that down once (W-31)."""
    async with wallet.database.transaction() as session:
        row = await _get_judged(session, vault, badge_id, now)
        if await store.keep_imported_badge(session, vault.account_id, badge_id, now):
            await add_history_record(session, vault, _record("received", vault, row, now))
    await fill_shelf(wallet, vault, now)


async def delete_imported_badge(wallet: Wallet, vault: Vault, badge_id: str, now: datetime) -> None:
    """Remove it with its file (W-30); of one that was kept the history keeps that it was there."""
    async with wallet.database.transaction() as session:
        row = await _get_judged(session, vault, badge_id, now)
        await store.remove_imported_badge(session, vault.account_id, badge_id)
        if row.expires_at is None:
            await add_history_record(session, vault, _record("deleted", vault, row, now))
    await wallet.database.forget_erased()


async def find_imported_files(wallet: Wallet, vault: Vault) -> list[ImportedFile]:
    """The files of those that were kept, newest first."""
    async with wallet.database.reading() as session:
        rows = await store.find_imported_badges(session, vault.account_id)
    return await asyncio.to_thread(lambda: [_open_imported(vault, row) for row in rows])


async def export_imported_badges(wallet: Wallet, vault: Vault) -> list[dict[str, Any]]:
    """All that were kept, with what was found about them and their files in base64."""
    async with wallet.database.reading() as session:
        rows = await store.find_imported_badges(session, vault.account_id)
    return [_export(vault, row) for row in rows]


async def read_content(wallet: Wallet, content: bytes | str) -> tuple[bytes, Imported]:
    """The badge and the bytes to keep of it: for an address, what stands there."""
    try:
        imported = await read_badge(content)
        found = await resolve_address(wallet.fetch, imported) if imported.kind is Kind.ADDRESS else None
        if found is None:
            return content.encode() if isinstance(content, str) else content, imported
        there = await read_badge(found)
    except MalformedError as exc:
        raise UNREAD[unread_code(exc)] from exc
    if there.kind is Kind.ADDRESS:
        raise NoBadgeError("an address that leads to another")
    return found, there


async def judge_badge(
    wallet: Wallet, imported: Imported, file: bytes, now: datetime
) -> tuple[ImportReport, dict[str, Any]]:
    """What its issuer and others stand for, and all of that in words, to be sealed."""
    anchors = await wallet.resolver.resolve_anchors(now=now)
    report = await resolve_report(wallet.fetch, imported, now=now, anchors=anchors)
    recognition, endorsements, parts = await asyncio.gather(
        resolve_recognition(wallet.resolver, report, now=now),
        resolve_endorsers(wallet.resolver, report.endorsements, now=now),
        resolve_recognitions(wallet.resolver, report, now=now),
    )
    return report, _describe(report, recognition, endorsements, parts, file, now)


def _describe(
    report: ImportReport,
    recognition: Recognition | None,
    endorsements: Sequence[JudgedEndorsement],
    parts: Sequence[Recognition | None],
    file: bytes,
    now: datetime,
) -> dict[str, Any]:
    name, media_type = _find_type(file)
    return {
        "views": {
            language: asdict(create_view(report, language, recognition, endorsements, parts=parts))
            for language in _LANGUAGES
        },
        "report": report.as_json(),
        "issuer": report.imported.unverified_issuer or "",
        "recognition": recognition.outcome.value if recognition is not None else "",
        "refresh_host": host_of(find_refresh_address(report) or ""),
        "checked_at": now.isoformat(),
        "file_name": name,
        "media_type": media_type,
    }


def _find_type(file: bytes) -> tuple[str, str]:
    if file.startswith(b"\x89PNG"):
        return "badge.png", "image/png"
    if file.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "badge.svg", "image/svg+xml"
    if file.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return "badge.json", "application/json"
    return "badge.txt", "application/octet-stream"


def _seal(vault: Vault, badge_id: str, content: dict[str, Any], file: bytes, now: datetime) -> ImportedBadge:
    return ImportedBadge(
        id=badge_id,
        account_id=vault.account_id,
        sealed=vault.seal("imported_badge", badge_id, content),
        sealed_file=vault.seal_bytes("imported_file", badge_id, file),
        received_at=now,
        expires_at=now + _DECISION_TIME,
    )


async def _get_judged(session: store.Session, vault: Vault, badge_id: str, now: datetime) -> ImportedBadge:
    """A badge, or NotFoundError also for one that was fetched and not judged yet, or refused: it may not be kept."""
    row = await store.get_imported_badge(session, vault.account_id, badge_id, now)
    content = vault.open("imported_badge", badge_id, row.sealed)
    if "views" not in content or "refusal" in content:
        raise NotFoundError("imported badge")
    return row


def _open(vault: Vault, row: ImportedBadge, language: str) -> BadgeFromElsewhere:
    content = vault.open("imported_badge", row.id, row.sealed)
    checked_at = datetime.fromisoformat(content["checked_at"])
    return BadgeFromElsewhere(
        row.id,
        content["views"][language],
        checked_at,
        is_kept=row.expires_at is None,
        # What was brought before there was such a thing has neither; checking it again finds the first.
        refresh_host=content.get("refresh_host", ""),
        refresh=RefreshOutcome(content["refresh"]) if "refresh" in content else None,
        brought_by=content.get("brought_by", {}).get("host", ""),
    )


def _open_imported(vault: Vault, row: ImportedBadge) -> ImportedFile:
    found = vault.open("imported_badge", row.id, row.sealed)
    file = vault.open_bytes("imported_file", row.id, row.sealed_file)
    return ImportedFile(row.id, file, is_authentic(found))


def _open_file(vault: Vault, row: ImportedBadge) -> BadgeFile:
    content = vault.open("imported_badge", row.id, row.sealed)
    return BadgeFile(
        content["file_name"], content["media_type"], vault.open_bytes("imported_file", row.id, row.sealed_file)
    )


def imported_json(badge: BadgeFromElsewhere) -> dict[str, Any]:
    """For the API: what was found, in words and in codes. An empty `id`: it may not be kept."""
    return {
        "id": badge.id,
        "is_kept": badge.is_kept,
        "checked_at": badge.checked_at.isoformat(),
        "verdict": badge.view["verdict"],
        "name": badge.view["name"],
        "issuer": badge.view["issuer"],
        "refresh_host": badge.refresh_host or None,
        "refresh": badge.refresh,
        "brought_by": badge.brought_by or None,
        "found": badge.view,
    }


def _record(kind: HistoryKind, vault: Vault, row: ImportedBadge, now: datetime) -> HistoryRecord:
    content = vault.open("imported_badge", row.id, row.sealed)
    view = content["views"]["nl"]
    return HistoryRecord(
        kind=kind,
        party_name=view["issuer"] or content["issuer"],
        party_id=content["issuer"],
        recognition=content["recognition"],
        happened_at=now,
        badges=(view["name"],) if view["name"] else (),
    )


def _export(vault: Vault, row: ImportedBadge) -> dict[str, Any]:
    content = vault.open("imported_badge", row.id, row.sealed)
    return {
        "id": row.id,
        "received_at": row.received_at.isoformat(),
        "checked_at": content["checked_at"],
        "issuer": content["issuer"],
        "report": content["report"],
        "file_name": content["file_name"],
        "file": b64encode(_open_file(vault, row).content).decode(),
    }
