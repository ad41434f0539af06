"""All queries of the verifier. What is used up or moved on is moved in one statement; one caller wins."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from verifier.models import (
    ApiKey,
    ClientCertificate,
    FederationMembership,
    Operator,
    PresentationRequest,
    Question,
    RelyingParty,
    Webhook,
    WebhookDelivery,
)

Session = AsyncSession

WAITING = ("waiting", "fetched")


async def add_row_unless_taken(session: Session, row: Any) -> bool:
    """Insert, or say False where a unique value is taken; the transaction goes on either way."""
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError:
        return False
    return True


async def add_row(session: Session, row: Any) -> None:
    session.add(row)
    await session.flush()


async def find_relying_party(session: Session, slug: str) -> RelyingParty | None:
    return await session.scalar(select(RelyingParty).where(RelyingParty.slug == slug))


async def get_relying_party(session: Session, relying_party_id: str) -> RelyingParty:
    return (await session.scalars(select(RelyingParty).where(RelyingParty.id == relying_party_id))).one()


async def find_certificate(session: Session, relying_party_id: str) -> ClientCertificate | None:
    return await session.scalar(select(ClientCertificate).where(ClientCertificate.relying_party_id == relying_party_id))


async def replace_certificate(session: Session, row: ClientCertificate) -> None:
    """One certificate a relying party: the newest."""
    await session.merge(row)
    await session.flush()


async def delete_certificate(session: Session, relying_party_id: str) -> bool:
    statement = (
        delete(ClientCertificate)
        .where(ClientCertificate.relying_party_id == relying_party_id)
        .returning(ClientCertificate.relying_party_id)
    )
    return await session.scalar(statement) is not None


async def lock_relying_party(session: Session, relying_party_id: str) -> None:
    """Let nobody else change the keys of this relying party until this transaction ends; asking goes on."""
    statement = select(RelyingParty.id).where(RelyingParty.id == relying_party_id)
    await session.execute(statement.with_for_update(key_share=True))


async def find_federation_membership(session: Session, relying_party_id: str) -> FederationMembership | None:
    """What a relying party is in federations, or was."""
    statement = select(FederationMembership).where(FederationMembership.relying_party_id == relying_party_id)
    membership: FederationMembership | None = await session.scalar(statement)
    return membership


async def set_authority_hints(session: Session, relying_party_id: str, hints: list[str] | None) -> None:
    """Name the superiors of a relying party; None: it is a member no more."""
    condition = FederationMembership.relying_party_id == relying_party_id
    await session.execute(update(FederationMembership).where(condition).values(authority_hints=hints))


async def find_api_key(session: Session, key_hash: bytes) -> ApiKey | None:
    return await session.scalar(select(ApiKey).where(ApiKey.key_hash == key_hash, ApiKey.revoked_at.is_(None)))


async def list_api_keys(session: Session, relying_party_id: str) -> Sequence[ApiKey]:
    query = select(ApiKey).where(ApiKey.relying_party_id == relying_party_id, ApiKey.revoked_at.is_(None))
    return (await session.scalars(query.order_by(ApiKey.created_at))).all()


async def revoke_api_key(session: Session, relying_party_id: str, key_id: str, now: datetime) -> bool:
    """True for the one call that revoked it."""
    statement = (
        update(ApiKey)
        .where(ApiKey.id == key_id, ApiKey.relying_party_id == relying_party_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(ApiKey.id)
    )
    return await session.scalar(statement) is not None


async def get_operator(session: Session, operator_id: Any) -> Operator:
    return (await session.scalars(select(Operator).where(Operator.id == operator_id))).one()


async def list_questions(session: Session, relying_party_id: str) -> Sequence[Question]:
    query = select(Question).where(Question.relying_party_id == relying_party_id, Question.archived_at.is_(None))
    return (await session.scalars(query.order_by(Question.created_at.desc(), Question.id))).all()


async def find_question(session: Session, relying_party_id: str, question_id: str) -> Question | None:
    return await session.scalar(
        select(Question).where(
            Question.id == question_id,
            Question.relying_party_id == relying_party_id,
            Question.archived_at.is_(None),
        )
    )


async def archive_question(session: Session, relying_party_id: str, question_id: str, now: datetime) -> bool:
    statement = (
        update(Question)
        .where(
            Question.id == question_id,
            Question.relying_party_id == relying_party_id,
            Question.archived_at.is_(None),
        )
        .values(archived_at=now)
        .returning(Question.id)
    )
    return await session.scalar(statement) is not None


async def find_presentation_request(
    session: Session, relying_party_id: str, request_id: str
) -> PresentationRequest | None:
    """A request of this relying party; another's is as absent as one that never was (PROFILE.md A-52)."""
    return await session.scalar(
        select(PresentationRequest).where(
            PresentationRequest.id == request_id, PresentationRequest.relying_party_id == relying_party_id
        )
    )


async def list_presentation_requests(
    session: Session, relying_party_id: str, now: datetime, *, limit: int = 100
) -> Sequence[PresentationRequest]:
    """The newest first, without those that nobody answered in time: anybody can begin one from a public link."""
    query = (
        select(PresentationRequest)
        .where(
            PresentationRequest.relying_party_id == relying_party_id,
            or_(PresentationRequest.state.not_in(WAITING), PresentationRequest.expires_at > now),
        )
        .order_by(PresentationRequest.created_at.desc(), PresentationRequest.id)
        .limit(limit)
    )
    return (await session.scalars(query)).all()


async def fetch_presentation_request(
    session: Session, relying_party_id: str, request_secret_hash: bytes, now: datetime
) -> PresentationRequest | None:
    """The request behind a `request_uri`, marked as fetched; only while it waits (OpenID4VP 1.0 §5.10)."""
    statement = (
        update(PresentationRequest)
        .where(
            PresentationRequest.request_secret_hash == request_secret_hash,
            PresentationRequest.relying_party_id == relying_party_id,
            PresentationRequest.state.in_(WAITING),
            PresentationRequest.expires_at > now,
        )
        .values(state="fetched")
        .returning(PresentationRequest)
    )
    return await session.scalar(statement)


async def find_waiting_by_response_secret(
    session: Session, relying_party_id: str, response_secret_hash: bytes, now: datetime
) -> PresentationRequest | None:
    return await session.scalar(
        select(PresentationRequest).where(
            PresentationRequest.response_secret_hash == response_secret_hash,
            PresentationRequest.relying_party_id == relying_party_id,
            PresentationRequest.state.in_(WAITING),
            PresentationRequest.expires_at > now,
        )
    )


async def spend_state(
    session: Session,
    request_id: str,
    state_hash: bytes,
    now: datetime,
    *,
    next_state: str,
    sealed_received: bytes | None = None,
    erase_at: datetime | None = None,
    wallet_error: str | None = None,
    response_code_hash: bytes | None = None,
) -> bool:
    """Use up the `state` of a request, with the answer that it buys. Eight callers at once: one gets True.

    OpenID4VP 1.0 §14.3.2; PROFILE.md V-20, A-37. The secrets of the exchange, with the key that opens responses, go
    at the same moment.
    """
    statement = (
        update(PresentationRequest)
        .where(
            PresentationRequest.id == request_id,
            PresentationRequest.state_hash == state_hash,
            PresentationRequest.state.in_(WAITING),
            PresentationRequest.expires_at > now,
        )
        .values(
            state=next_state,
            received_at=now,
            leased_at=now,
            sealed_exchange=None,
            sealed_received=sealed_received,
            erase_at=erase_at,
            wallet_error=wallet_error,
            response_code_hash=response_code_hash,
        )
        .returning(PresentationRequest.id)
    )
    return await session.scalar(statement) is not None


async def settle(
    session: Session,
    request_id: str,
    now: datetime,
    *,
    report: dict[str, Any],
    sealed_received: bytes | None,
    erase_at: datetime | None,
    released_at: datetime | None,
    response_code_hash: bytes | None,
) -> bool:
    """Write down what was found, once: `received` becomes `settled`, and the state change is the lock."""
    statement = (
        update(PresentationRequest)
        .where(PresentationRequest.id == request_id, PresentationRequest.state == "received")
        .values(
            state="settled",
            settled_at=now,
            report=report,
            sealed_received=sealed_received,
            erase_at=erase_at,
            erased_at=None if sealed_received is not None else now,
            released_at=released_at,
            response_code_hash=response_code_hash,
        )
        .returning(PresentationRequest.id)
    )
    return await session.scalar(statement) is not None


async def spend_response_code(
    session: Session, response_code_hash: bytes, browser_session_id: str | None, request_id: str | None, now: datetime
) -> PresentationRequest | None:
    """Let a same-device result go to whoever holds the session (or, by API, the request) and shows the code. Once.

    PROFILE.md V-22: one of the two without the other gets nothing.
    """
    owner = (
        PresentationRequest.id == request_id
        if request_id is not None
        else PresentationRequest.browser_session_id == browser_session_id
    )
    statement = (
        update(PresentationRequest)
        .where(
            PresentationRequest.response_code_hash == response_code_hash,
            owner,
            PresentationRequest.state.in_(("settled", "refused")),
            PresentationRequest.released_at.is_(None),
        )
        .values(released_at=now)
        .returning(PresentationRequest)
    )
    return await session.scalar(statement)


async def find_released_to_session(
    session: Session, browser_session_id: str, request_id: str
) -> PresentationRequest | None:
    return await session.scalar(
        select(PresentationRequest).where(
            PresentationRequest.id == request_id,
            PresentationRequest.browser_session_id == browser_session_id,
            PresentationRequest.released_at.is_not(None),
        )
    )


async def find_by_session(session: Session, browser_session_id: str, request_id: str) -> PresentationRequest | None:
    return await session.scalar(
        select(PresentationRequest).where(
            PresentationRequest.id == request_id, PresentationRequest.browser_session_id == browser_session_id
        )
    )


async def discard_by_response_code(session: Session, response_code_hash: bytes, now: datetime) -> bool:
    """Throw away a same-device result whose code turned up in another browser (PROFILE.md V-22, A-36)."""
    statement = (
        update(PresentationRequest)
        .where(
            PresentationRequest.response_code_hash == response_code_hash,
            PresentationRequest.released_at.is_(None),
            PresentationRequest.state == "settled",
        )
        .values(state="discarded", report=None, sealed_received=None, erased_at=now)
        .returning(PresentationRequest.id)
    )
    return await session.scalar(statement) is not None


async def discard_uncollected(session: Session, now: datetime, *, lifetime: timedelta) -> int:
    """Throw away same-device results that nobody came for in time."""
    statement = (
        update(PresentationRequest)
        .where(
            PresentationRequest.state == "settled",
            PresentationRequest.released_at.is_(None),
            PresentationRequest.settled_at <= now - lifetime,
        )
        .values(state="discarded", report=None, sealed_received=None, erased_at=now)
        .returning(PresentationRequest.id)
    )
    return len((await session.scalars(statement)).all())


async def erase_received(session: Session, now: datetime) -> int:
    """Erase what holders sent, where its time has passed; the report stays. One statement, safe to run anywhere."""
    statement = (
        update(PresentationRequest)
        .where(PresentationRequest.erase_at <= now, PresentationRequest.sealed_received.is_not(None))
        .values(sealed_received=None, erased_at=now)
        .returning(PresentationRequest.id)
    )
    return len((await session.scalars(statement)).all())


async def erase_exchanges(session: Session, now: datetime) -> int:
    """Erase the keys and secrets of requests that nobody answered in time."""
    statement = (
        update(PresentationRequest)
        .where(
            PresentationRequest.sealed_exchange.is_not(None),
            PresentationRequest.state.in_(WAITING),
            PresentationRequest.expires_at <= now,
        )
        .values(sealed_exchange=None)
        .returning(PresentationRequest.id)
    )
    return len((await session.scalars(statement)).all())


async def lease_interrupted(session: Session, now: datetime, *, lease: timedelta) -> Sequence[PresentationRequest]:
    """Answers that were received but never settled, taken over by the caller until the lease ends again."""
    statement = (
        update(PresentationRequest)
        .where(PresentationRequest.state == "received", PresentationRequest.leased_at <= now - lease)
        .values(leased_at=now)
        .returning(PresentationRequest)
    )
    return (await session.scalars(statement)).all()


async def discard_unfinished(session: Session, request_id: str) -> None:
    """Give up an answer whose content was erased before it could be checked."""
    await session.execute(
        update(PresentationRequest)
        .where(PresentationRequest.id == request_id, PresentationRequest.state == "received")
        .values(state="discarded")
    )


async def delete_unanswered(session: Session, now: datetime, *, after: timedelta) -> int:
    """Forget requests that nobody answered; without this a public link could fill the table."""
    statement = (
        delete(PresentationRequest)
        .where(PresentationRequest.state.in_(WAITING), PresentationRequest.expires_at <= now - after)
        .returning(PresentationRequest.id)
    )
    return len((await session.scalars(statement)).all())


async def find_webhook(session: Session, relying_party_id: str) -> Webhook | None:
    return await session.scalar(select(Webhook).where(Webhook.relying_party_id == relying_party_id))


async def replace_webhook(session: Session, row: Webhook) -> None:
    """One address a relying party: the newest."""
    await session.merge(row)
    await session.flush()


async def delete_webhook(session: Session, relying_party_id: str) -> bool:
    """Tell nothing more, and forget what was still to be told."""
    await session.execute(delete(WebhookDelivery).where(WebhookDelivery.relying_party_id == relying_party_id))
    statement = delete(Webhook).where(Webhook.relying_party_id == relying_party_id).returning(Webhook.relying_party_id)
    return await session.scalar(statement) is not None


async def lease_deliveries(
    session: Session, now: datetime, *, until: datetime, limit: int = 20
) -> Sequence[WebhookDelivery]:
    """Messages that are due, the caller's own until then; of two callers one gets each."""
    due = select(WebhookDelivery.id).where(WebhookDelivery.due_at <= now).order_by(WebhookDelivery.due_at).limit(limit)
    statement = (
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(due.scalar_subquery()), WebhookDelivery.due_at <= now)
        .values(due_at=until, attempts=WebhookDelivery.attempts + 1)
        .returning(WebhookDelivery)
    )
    return (await session.scalars(statement)).all()


async def delete_delivery(session: Session, delivery_id: str) -> None:
    await session.execute(delete(WebhookDelivery).where(WebhookDelivery.id == delivery_id))


async def postpone_delivery(session: Session, delivery_id: str, due_at: datetime) -> None:
    statement = update(WebhookDelivery).where(WebhookDelivery.id == delivery_id).values(due_at=due_at)
    await session.execute(statement)
