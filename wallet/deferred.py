"""Badges that the issuer is still preparing, and word to it that did not arrive. OpenID4VCI 1.0 §9, §11; W-14, W-16.

Asking needs the access token and the keys, which lie sealed under the vault. So it is done while the vault is open:
with the page that its owner looks at, as often as the issuer allows, and at once when a vault is opened whose time has
come. Nothing is asked while the vault is locked; decision 0033 says why. What is asked for is in the row, so that any
process can ask, and a process that dies takes nothing with it. Not an answer either, that an issuer gave and nobody
heard: decision 0060.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from kernel.errors import CredentialError, UndecidedError
from kernel.keys import SoftwareSigner
from kernel.openid4vci import (
    CREDENTIAL_REQUEST_DENIED,
    INVALID_TOKEN,
    INVALID_TRANSACTION_ID,
    DeferredIssuance,
    parse_credential_response,
)
from runtime.fetch import FetchedResponse
from runtime.logging import get_logger
from wallet import store
from wallet.access_token import has_ended
from wallet.configurations import configuration_name
from wallet.credential_request import (
    due_after,
    next_due,
    read_answer,
    refresh_and_save,
    request_credential,
    save_received,
    wanted_of,
)
from wallet.errors import DEFERRED_STEP, IssuerFailedError, WalletError
from wallet.history import LossReason
from wallet.issuer_envelope import create_envelope
from wallet.issuer_requests import error_of
from wallet.lost_badges import issuer_name, note_lost, settle_ended_offers
from wallet.models import Offer
from wallet.offer_record import OfferRecord, Progress, open_record
from wallet.receipt import ReceivedBadge, state_after, tell_outcome, verify_and_keep
from wallet.settings import Wallet
from wallet.vault import Vault

log = get_logger(__name__)

# Drafts before the final one answered so for "not yet" (DIIP v4 peers, PROFILE.md section 6).
_ISSUANCE_PENDING = "issuance_pending"
# An issuer that does not answer is asked again after this, and not at every look at the page.
_ASK_AGAIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class AwaitedBadge:
    """A badge that the issuer promised and is still preparing."""

    offer_id: str
    name: str
    issuer_name: str
    due_at: datetime
    expires_at: datetime


async def find_awaited_badges(wallet: Wallet, vault: Vault, now: datetime, *, language: str) -> list[AwaitedBadge]:
    """What its owner waits for, newest first."""
    async with wallet.database.reading() as session:
        rows = await store.find_offers_in(session, vault.account_id, ("deferred",), now)
    return [awaited for row in rows for awaited in _awaited(row, open_record(vault, row), language)]


def awaited_json(awaited: AwaitedBadge) -> dict[str, Any]:
    """For the API."""
    return asdict(awaited) | {"due_at": awaited.due_at.isoformat(), "expires_at": awaited.expires_at.isoformat()}


async def resolve_due_offers(wallet: Wallet, vault: Vault, now: datetime) -> list[ReceivedBadge]:
    """Ask and tell whatever is due in this account, and return the badges that came. It never raises for an issuer."""
    await settle_ended_offers(wallet, vault, now)
    async with wallet.database.reading() as session:
        rows = await store.find_due_offers(session, vault.account_id, now)
    badges: list[ReceivedBadge] = []
    for row in rows:
        try:
            badges += await _resolve(wallet, vault, row.id, now)
        except WalletError as exc:
            log.info("deferred issuance", code=exc.code, detail=exc.detail)
    return badges


async def _resolve(wallet: Wallet, vault: Vault, offer_id: str, now: datetime) -> list[ReceivedBadge]:
    async with wallet.database.transaction() as session:
        if not await store.take_due_offer(session, vault.account_id, offer_id, now):
            return []
        row = await store.get_offer(session, vault.account_id, offer_id)
    progress = Progress(wallet, vault, offer_id, open_record(vault, row), now)
    if row.state == "deferred":
        await request_deferred(progress)
        if progress.record.received:
            return await verify_and_keep(progress)
    await tell_outcome(progress, state_after(progress) if row.state == "deferred" else row.state)
    return []


def _awaited(row: Offer, record: OfferRecord, language: str) -> list[AwaitedBadge]:
    """One for each badge, however many forms of it are on their way."""
    metadata = record.issuer_metadata()
    configurations = [metadata.get_configuration(item["configuration_id"]) for item in record.deferred]
    names = dict.fromkeys(configuration_name(configuration, language) for configuration in configurations)
    due_at = row.due_at or row.expires_at
    return [AwaitedBadge(row.id, name, issuer_name(record), due_at, row.expires_at) for name in names]


async def request_deferred(progress: Progress) -> None:
    """Ask for everything that is due. What came is to be checked; what never will come is no longer asked for. §9."""
    record, ended = progress.record, []
    due = [item for item in record.deferred if datetime.fromisoformat(item["due_at"]) <= progress.now]
    unheard = [bool(item.get("is_unheard")) for item in due]
    await _note_asking(progress, due)
    for item, is_again in zip(due, unheard, strict=True):
        try:
            answer = await _ask(progress, item, is_again=is_again)
        except UndecidedError as exc:
            log.info("deferred credential not received", error_class=type(exc).__name__)
            item["due_at"] = due_after(progress, _ASK_AGAIN).isoformat()
        except (CredentialError, WalletError) as exc:
            log.info("deferred credential refused", error_class=type(exc).__name__, detail=exc.detail)
            ended.append((item, _loss_of(exc)))
        else:
            item["is_unheard"] = False
            if answer is not None:
                record.deferred.remove(item)
                (record.deferred if "transaction_id" in answer else record.received).append(answer)
    await _save_asked(progress, ended)


async def _note_asking(progress: Progress, due: Sequence[dict[str, Any]]) -> None:
    """Write down that an answer may be under way, before the question leaves."""
    for item in due:
        item["is_unheard"] = True
    await progress.save("deferred", is_done=False, due_at=next_due(progress))


async def _save_asked(progress: Progress, ended: Sequence[tuple[dict[str, Any], LossReason]]) -> None:
    """Note what came and what never will. Who has nothing left to wait for has time to see what was lost."""
    record = progress.record
    said = [line for item, reason in ended for line in note_lost(progress, [item], reason)]
    more: dict[str, Any] = {"history": said}
    if said and not record.deferred:
        more["expires_at"] = progress.remembered_until
    if record.received or record.deferred:
        await save_received(progress, **more)
    else:
        await progress.save(state_after(progress), is_done=False, **more)


def _loss_of(failure: CredentialError | WalletError) -> LossReason:
    """Whether the issuer itself said no, or nobody could make anything of its answer. §9.3"""
    answered = failure.answered if isinstance(failure, WalletError) else ""
    return "withheld" if answered in (CREDENTIAL_REQUEST_DENIED, INVALID_TRANSACTION_ID) else "unfetched"


async def _ask(progress: Progress, item: dict[str, Any], *, is_again: bool) -> dict[str, Any] | None:
    """The credentials, or None when they are to be asked for later. §9.2, §9.3.

    A transaction that is over after a question whose answer nobody heard was answered then. The badge is asked for as
    at first, with the same keys, so that an issuer that remembers gives what it gave.
    """
    if has_ended(progress.record.token or {}, progress.now):
        await refresh_and_save(progress, "deferred")
    response = await _post(progress, item)
    if response.status == 401 and error_of(response) == INVALID_TOKEN:
        await refresh_and_save(progress, "deferred")
        response = await _post(progress, item)
    if is_again and response.status == 400 and error_of(response) == INVALID_TRANSACTION_ID:
        return await _ask_anew(progress, item)
    wait = _find_wait(response, item)
    if wait is not None:
        item["due_at"] = due_after(progress, wait).isoformat()
        return None
    keys = [SoftwareSigner.from_jwk(key) for key in item["holder_keys"]]
    return read_answer(response, wanted_of(item), keys, progress, DEFERRED_STEP)


async def _ask_anew(progress: Progress, item: Mapping[str, Any]) -> dict[str, Any]:
    wanted = wanted_of(item)
    progress.record.asked.append(asdict(wanted) | {"holder_keys": item["holder_keys"]})
    return await request_credential(progress, wanted, "deferred")


def _find_wait(response: FetchedResponse, item: dict[str, Any]) -> timedelta | None:
    """After how long to ask again, or None when the answer is another one than "not yet".

    Another `transaction_id` than ours is no answer to our question (§9.2).
    """
    if response.status == 400 and error_of(response) == _ISSUANCE_PENDING:
        seconds = response.json().get("interval")
        is_count = isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds <= 30 * 86400
        return timedelta(seconds=seconds) if is_count else _ASK_AGAIN
    if response.status != 202:
        return None
    answer = parse_credential_response(response.json())
    if not isinstance(answer, DeferredIssuance) or answer.transaction_id != item["transaction_id"]:
        raise IssuerFailedError("another transaction than ours", step=DEFERRED_STEP)
    return answer.interval


async def _post(progress: Progress, item: dict[str, Any]) -> FetchedResponse:
    endpoint = progress.metadata.deferred_credential_endpoint
    if endpoint is None:
        raise IssuerFailedError("no deferred credential endpoint", step=DEFERRED_STEP)
    envelope = create_envelope(progress.metadata)
    body: dict[str, Any] = {"transaction_id": item["transaction_id"]}
    if envelope.response_encryption is not None:
        body["credential_response_encryption"] = envelope.response_encryption
    return await envelope.post(progress, endpoint, body, copies=len(item["holder_keys"]))
