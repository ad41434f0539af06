"""What was received or shown, with whom and when; kept for the person alone (W-31).

An entry stays when the badge it tells of is deleted, goes when its owner deletes it, and is never sent
anywhere. It is written *before* an answer leaves, so that a crash cannot hide that something was shown.
"""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from runtime.database import Database
from runtime.tokens import create_token
from wallet import store
from wallet.letterbox import Slot
from wallet.models import HistoryEntry
from wallet.vault import Vault

LossReason = Literal["withheld", "late", "unfetched", "unsound", "unchecked"]
"""Why a badge did not come: its issuer said no, had it ready too late, or could not be understood; the badge itself
did not hold, or could not be checked in time."""
HistoryKind = Literal["received", "not_received", "shared", "declined", "deleted", "read", "brought"]
"""`read` and `brought`: what a connected service did while its permission lasted, the person being away or not."""
HistoryOutcome = Literal["", "sending", "confirmed", "delivered", "unconfirmed", "refused", "unsent"] | LossReason
"""How it ended. `delivered`: they took it, and what they said to it could not be read."""


@dataclass(frozen=True, slots=True)
class ShownClaim:
    """One thing that a verifier got to see."""

    badge: str
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class AgreedText:
    """Something to which the person agreed, as it stood on the page."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One line of the history, as its owner reads it."""

    kind: HistoryKind
    party_name: str
    party_id: str
    recognition: str
    happened_at: datetime
    badges: tuple[str, ...] = ()
    claims: tuple[ShownClaim, ...] = ()
    purpose: str = ""
    purpose_language: str = ""
    """In which language they said so; "" where that is not known."""
    agreements: tuple[AgreedText, ...] = ()
    party_own_name: str = ""
    """What the party called itself, which nobody checked."""
    outcome: HistoryOutcome = ""
    id: str = field(default_factory=lambda: create_token(16))


async def add_history_record(session: store.Session, vault: Vault, record: HistoryRecord) -> None:
    await store.add_history_entry(
        session,
        HistoryEntry(
            id=record.id,
            account_id=vault.account_id,
            sealed=_seal(vault, record),
            happened_at=record.happened_at,
        ),
    )


def seal_history_record(slot: Slot, record: HistoryRecord) -> HistoryEntry:
    """The row of something that happened while the vault was locked; its owner reads it like any other."""
    return HistoryEntry(
        id=record.id,
        account_id=slot.account_id,
        sealed=slot.seal(record.id, history_json(record)),
        happened_at=record.happened_at,
    )


async def set_history_outcome(session: store.Session, vault: Vault, entry_id: str, outcome: HistoryOutcome) -> None:
    """Note how it ended. An entry that its owner deleted meanwhile stays deleted."""
    entry = await store.find_history_entry(session, vault.account_id, entry_id)
    if entry is None:
        return
    record = replace(_open(vault, entry), outcome=outcome)
    await store.set_history_entry(session, vault.account_id, entry_id, _seal(vault, record))


async def find_history(database: Database, vault: Vault) -> list[HistoryRecord]:
    """Everything, newest first."""
    async with database.reading() as session:
        entries = await store.find_history_entries(session, vault.account_id)
    return [_open(vault, entry) for entry in entries]


async def delete_history_record(database: Database, vault: Vault, entry_id: str) -> None:
    async with database.transaction() as session:
        await store.remove_history_entry(session, vault.account_id, entry_id)


def history_json(record: HistoryRecord) -> dict[str, Any]:
    """The record as JSON, for the API and the export."""
    return asdict(record) | {"happened_at": record.happened_at.isoformat()}


def _seal(vault: Vault, record: HistoryRecord) -> bytes:
    return vault.seal("history", record.id, history_json(record))


def _open(vault: Vault, entry: HistoryEntry) -> HistoryRecord:
    content = vault.open("history", entry.id, entry.sealed)
    return HistoryRecord(
        **content
        | {
            "happened_at": datetime.fromisoformat(content["happened_at"]),
            "badges": tuple(content["badges"]),
            "claims": tuple(ShownClaim(**claim) for claim in content["claims"]),
            "agreements": tuple(AgreedText(**agreed) for agreed in content.get("agreements", ())),
        }
    )
