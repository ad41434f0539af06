"""Badges that were on their way and did not come: what became of them, told until their owner has seen it. W-14, W-31.

A badge that its owner waits for never just disappears. However its way ends, the offer keeps why, the history has a
line of it, and both are written in one transaction.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from wallet import store
from wallet.configurations import configuration_name, host_of
from wallet.history import HistoryRecord, LossReason
from wallet.models import Offer
from wallet.offer_record import OfferRecord, Progress, open_record, seal_record
from wallet.settings import Wallet
from wallet.vault import Vault

_MAY_HAVE_LOST = ("failed", "received", "deferred")


@dataclass(frozen=True, slots=True)
class LostBadge:
    """A badge that was on its way and did not come, and why."""

    offer_id: str
    name: str
    issuer_name: str
    reason: LossReason


def note_lost(progress: Progress, items: Sequence[Mapping[str, Any]], reason: LossReason) -> list[HistoryRecord]:
    """Write down in the offer what will not come. Returned is what the history says of it, to be saved with it.

    A badge is lost when no form of it came and none is on its way any more.
    """
    record = progress.record
    before = _names(record, "nl")
    record.received = [item for item in record.received if not any(item is lost for lost in items)]
    record.deferred = [item for item in record.deferred if not any(item is lost for lost in items)]
    record.lost += [
        {"configuration_id": item["configuration_id"], "identifier": item["identifier"], "reason": reason}
        for item in items
    ]
    names = tuple(name for name in _names(record, "nl") if name not in before)
    if not names:
        return []
    return [
        HistoryRecord(
            kind="not_received",
            party_name=issuer_name(record),
            party_id=record.metadata["credential_issuer"],
            recognition=record.recognition["outcome"],
            happened_at=progress.now,
            badges=names,
            outcome=reason,
        )
    ]


async def settle_ended_offers(wallet: Wallet, vault: Vault, now: datetime) -> None:
    """What is past its time will not come any more: say so where it can be seen, for as long as one waits for a badge.

    Nobody but the owner can open an offer, so this is done when they look, and nothing is forgotten before.
    """
    async with wallet.database.reading() as session:
        rows = await store.find_ended_offers(session, vault.account_id, now)
    for row in rows:
        async with wallet.database.transaction() as session:
            if not await store.take_ended_offer(session, vault.account_id, row, now):
                continue
        progress = Progress(wallet, vault, row.id, open_record(vault, row), now)
        ended = list(_ended(progress.record, row.state))
        said = [line for items, reason in ended for line in note_lost(progress, items, reason)]
        progress.record.token = None
        state = "received" if progress.record.is_kept else "failed"
        await progress.save(state, history=said, expires_at=progress.remembered_until)


async def find_lost_badges(wallet: Wallet, vault: Vault, now: datetime, *, language: str) -> list[LostBadge]:
    """What did not come, newest first, until its owner has seen it."""
    async with wallet.database.reading() as session:
        rows = await store.find_offers_in(session, vault.account_id, _MAY_HAVE_LOST, now)
    return [lost for row in rows for lost in list_lost(row, open_record(vault, row), language)]


def list_lost(row: Offer, record: OfferRecord, language: str) -> list[LostBadge]:
    """What of one offer did not come: each badge once, however many forms of it were on their way."""
    issuer = issuer_name(record)
    return [LostBadge(row.id, name, issuer, reason) for name, reason in _names(record, language).items()]


def lost_json(lost: LostBadge) -> dict[str, Any]:
    """For the API."""
    return asdict(lost)


async def forget_lost_badges(wallet: Wallet, vault: Vault, offer_id: str, now: datetime) -> None:
    """The owner has seen it. What else there is of the offer goes on; the history stays."""
    async with wallet.database.transaction() as session:
        state = await store.take_settled_offer(session, vault.account_id, offer_id, now)
        if state == "failed":
            await store.remove_offer(session, vault.account_id, offer_id)
            return
        row = await store.get_offer(session, vault.account_id, offer_id)
        record = open_record(vault, row)
        record.lost = []
        sealed = seal_record(vault, offer_id, record)
        await store.set_offer(session, vault.account_id, offer_id, state=state, sealed=sealed, due_at=row.due_at)


def _ended(record: OfferRecord, state: str) -> Iterator[tuple[Sequence[Mapping[str, Any]], LossReason]]:
    yield record.received, "unchecked"
    yield record.deferred, "late"
    if state == "redeemed":
        yield [{"configuration_id": chosen, "identifier": None} for chosen in record.chosen], "unfetched"


def _names(record: OfferRecord, language: str) -> dict[str, LossReason]:
    """By its name, why each badge was lost: not those that came or may still come in another form."""
    if not record.lost:
        return {}
    metadata = record.issuer_metadata()

    def name_of(configuration_id: str) -> str:
        return configuration_name(metadata.get_configuration(configuration_id), language)

    lost = {item["configuration_id"] for item in record.lost}
    pending = {item["configuration_id"] for item in (*record.deferred, *record.received)}
    came = {chosen for chosen in record.chosen if record.is_kept and chosen not in lost}
    others = {name_of(configuration_id) for configuration_id in pending | came}
    found: dict[str, LossReason] = {}
    for item in record.lost:
        found.setdefault(name_of(item["configuration_id"]), item["reason"])
    return {name: reason for name, reason in found.items() if name not in others}


def issuer_name(record: OfferRecord) -> str:
    """What whoever made an offer is called: by those who recognise it, else by its host."""
    return record.recognition.get("entity_name") or host_of(record.metadata["credential_issuer"])
