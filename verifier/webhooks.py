"""Tell a relying party's own system that something happened to a presentation: webhooks. PROFILE.md V-43.

A message names the transaction and its state, and nothing that a holder showed: whoever receives it fetches the report
with an API key. It is signed as Standard Webhooks 1.0 describe (`webhook-id`, `webhook-timestamp`, `webhook-signature`
with HMAC-SHA256). It is written down in the transaction of what it tells, so that no process can lose it; it goes out
through the guarded fetcher (https, public hosts, no redirects: A-42), and is tried again, ever later, six times.
What became of it stays to be seen for a week.
"""

import asyncio
import base64
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, Literal

from kernel.errors import CredentialError, RejectedError, UndecidedError
from runtime.database import BlockingConnection
from runtime.encryption import SealingKey
from runtime.fetch import FetchKind, check_url
from runtime.logging import get_logger
from runtime.service import Service
from runtime.tokens import create_token
from verifier import store
from verifier.errors import InputError, UnknownError
from verifier.models import PresentationRequest, RelyingParty, Webhook, WebhookDelivery
from verifier.settings import VerifierSettings
from verifier.store import AskedRequest, Session

log = get_logger(__name__)

RETRIES: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
)
# Longer than the fetcher waits for an answer, so that no two processes send one message at once.
_LEASE: Final = timedelta(seconds=30)
_SECRET_PREFIX: Final = "whsec_"
DELIVERIES_KEPT: Final = timedelta(days=7)
DELIVERIES_SHOWN: Final = 20
TEST: Final = "webhook.test"

# What became of a try: it arrived; the system answered something else than 2xx; nobody answered; the address may not
# be called; or the webhook was gone.
Outcome = Literal["arrived", "refused", "unreachable", "not_allowed", "removed"]


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one try, and the HTTP status where there was an answer."""

    outcome: Outcome
    status: int | None = None


async def keep_webhook(
    session: Session, settings: VerifierSettings, relying_party: RelyingParty, *, url: str, now: datetime
) -> str:
    """Send messages to this address from now on, and return the secret that signs them; it is shown only now."""
    try:
        check_url(url, settings.local_hosts)
    except RejectedError as exc:
        raise InputError(fields={"url": "not_allowed"}) from exc
    secret = secrets.token_bytes(32)
    sealed = settings.sealing_key().seal(secret, context=_context(relying_party.id))
    await store.replace_webhook(
        session, Webhook(relying_party_id=relying_party.id, url=url, sealed_secret=sealed, created_at=now)
    )
    return _SECRET_PREFIX + base64.b64encode(secret).decode("ascii")


def note_event(
    connection: BlockingConnection, request: AskedRequest | PresentationRequest, state: str, *, now: datetime
) -> None:
    """Write down that a relying party is to be told; nothing where it has no webhook."""
    if not store.has_webhook(connection, request.relying_party_id):
        return
    data = {"id": request.id, "state": state, "question_id": request.question_id}
    delivery = _delivery(request.relying_party_id, f"presentation.{state}", data, now)
    store.add_delivery(connection, {**delivery, "attempts": 0, "due_at": now})


async def send_test_message(service: Service[VerifierSettings], relying_party: RelyingParty) -> Tried:
    """Send a message that tells of nothing, once and now; UnknownError where there is no webhook."""
    now = service.clock()
    # Nobody else sends it: it ends before the lease does.
    delivery = WebhookDelivery(**_delivery(relying_party.id, TEST, {}, now), attempts=1, due_at=now + _LEASE)
    async with service.database.transaction() as session:
        webhook = await store.find_webhook(session, relying_party.id)
        if webhook is None:
            raise UnknownError
        await store.add_row(session, delivery)
    tried = await _send(service, webhook, delivery, now)
    async with service.database.transaction() as session:
        await store.keep_outcome(session, delivery.id, _outcome(tried, ended_at=now))
    return tried


async def deliver_webhooks(service: Service[VerifierSettings]) -> int:
    """Send what is due, in whichever process comes first; how many arrived. No transaction is open meanwhile."""
    now = service.clock()
    async with service.database.transaction() as session:
        leased = await store.lease_deliveries(session, now, until=now + _LEASE)
        webhooks = {each.id: await store.find_webhook(session, each.relying_party_id) for each in leased}
    outcomes = await asyncio.gather(*(_deliver(service, webhooks[each.id], each, now) for each in leased))
    return sum(outcomes)


def sign_message(secret: bytes, message_id: str, sent_at: datetime, body: str) -> str:
    """The signature of one message. Standard Webhooks 1.0, "Signature scheme"."""
    signed = f"{message_id}.{int(sent_at.timestamp())}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(secret, signed, sha256).digest()).decode("ascii")


async def _deliver(
    service: Service[VerifierSettings], webhook: Webhook | None, delivery: WebhookDelivery, now: datetime
) -> bool:
    """Send one message, at the same time as the others: all of them end within the lease, however slow one is."""
    tried = Tried("removed") if webhook is None else await _send(service, webhook, delivery, now)
    due_at = None if tried.outcome in ("arrived", "removed") else _next_try(delivery, now)
    values = _outcome(tried, ended_at=now if due_at is None else None)
    async with service.database.transaction() as session:
        await store.keep_outcome(session, delivery.id, values | ({} if due_at is None else {"due_at": due_at}))
    return tried.outcome == "arrived"


def _delivery(relying_party_id: str, kind: str, data: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A message as it is written down, but for when it goes out."""
    return {
        "id": create_token(16),
        "relying_party_id": relying_party_id,
        "body": json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data}),
        "created_at": now,
    }


def _outcome(tried: Tried, *, ended_at: datetime | None) -> dict[str, Any]:
    return {"outcome": tried.outcome, "status": tried.status, "ended_at": ended_at}


async def _send(
    service: Service[VerifierSettings], webhook: Webhook, delivery: WebhookDelivery, now: datetime
) -> Tried:
    secret = _open_secret(service.sealing_key, webhook)
    headers = {
        "webhook-id": delivery.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": sign_message(secret, delivery.id, now, delivery.body),
    }
    try:
        answer = await service.fetch.post_json(
            webhook.url, delivery.body.encode(), headers=headers, kind=FetchKind.WEBHOOK
        )
    except CredentialError as exc:
        log.info("webhook_not_delivered", code=exc.code, attempts=delivery.attempts + 1)
        return Tried("unreachable" if isinstance(exc, UndecidedError) else "not_allowed")
    if answer.status >= 300:
        log.info("webhook_refused", status=answer.status, attempts=delivery.attempts + 1)
        return Tried("refused", answer.status)
    return Tried("arrived", answer.status)


def _next_try(delivery: WebhookDelivery, now: datetime) -> datetime | None:
    """When to try again; None when it has been tried often enough."""
    return now + RETRIES[delivery.attempts - 1] if delivery.attempts <= len(RETRIES) else None


def _open_secret(sealing_key: SealingKey, webhook: Webhook) -> bytes:
    return sealing_key.open(webhook.sealed_secret, context=_context(webhook.relying_party_id))


def _context(relying_party_id: str) -> str:
    return f"verifier/webhook/{relying_party_id}"
