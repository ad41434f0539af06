"""All queries of the verifier. What is used up or moved on is moved in one statement; one caller wins.

Those on the way of an answer, of which there are many, are `Prepared` and asked in one hop (runtime.database).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from sqlalchemy import and_, bindparam, delete, insert, null, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from runtime.database import BlockingConnection, UtcDateTime
from runtime.prepared import Prepared
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
    await lock_relying_party(session, row.relying_party_id)
    await session.merge(row)
    await session.flush()


async def delete_certificate(session: Session, relying_party_id: str) -> bool:
    await lock_relying_party(session, relying_party_id)
    statement = (
        delete(ClientCertificate)
        .where(ClientCertificate.relying_party_id == relying_party_id)
        .returning(ClientCertificate.relying_party_id)
    )
    return await session.scalar(statement) is not None


async def lock_relying_party(session: Session, relying_party_id: str) -> None:
    """Let nobody else change how this party is known, or what it is told, until this transaction ends."""
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


class AskedRequest(NamedTuple):
    """What answering a request needs to know of it, read past the object mapper."""

    id: str
    relying_party_id: str
    question_id: str | None
    requirements: Sequence[Mapping[str, Any]]
    dcql_query: Mapping[str, Any]
    client_id: str
    transaction_data: Sequence[str]
    flow: str
    response_mode: str
    return_uri: str | None
    retention_hours: int
    sealed_exchange: bytes | None

    @classmethod
    def of(cls, request: PresentationRequest) -> Self:
        """The same of a request that was read by the object mapper."""
        return cls(*(getattr(request, name) for name in cls._fields))


_parties, _requests, _webhooks = (model.__table__ for model in (RelyingParty, PresentationRequest, Webhook))
_waits = or_(*(_requests.c.state == state for state in WAITING)) & (
    _requests.c.expires_at > bindparam("now", type_=UtcDateTime)
)

_WAITING_REQUEST = Prepared(
    select(*(_requests.c[name] for name in AskedRequest._fields))
    .join(_parties, _parties.c.id == _requests.c.relying_party_id)
    .where(_requests.c.response_secret_hash == bindparam("secret_hash"), _parties.c.slug == bindparam("slug"), _waits)
)


def find_waiting_request(
    connection: BlockingConnection, slug: str, response_secret_hash: bytes, now: datetime
) -> AskedRequest | None:
    """The request whose answer comes to this address, while it waits for one."""
    row = _WAITING_REQUEST.row(connection, slug=slug, secret_hash=response_secret_hash, now=now)
    return None if row is None else AskedRequest._make(row)


def has_relying_party(connection: BlockingConnection, slug: str) -> bool:
    return connection.scalar(select(_parties.c.id).where(_parties.c.slug == slug)) is not None


_SPEND_STATE = Prepared(
    update(PresentationRequest)
    .where(_requests.c.id == bindparam("request_id"), _requests.c.state_hash == bindparam("spent_hash"), _waits)
    .values(
        state=bindparam("next_state"),
        received_at=bindparam("now", type_=UtcDateTime),
        leased_at=bindparam("now", type_=UtcDateTime),
        sealed_exchange=null(),
        sealed_received=bindparam("sealed"),
        erase_at=bindparam("erasing_at"),
        wallet_error=bindparam("said"),
        response_code_hash=bindparam("code_hash"),
    )
)


def spend_state(
    connection: BlockingConnection,
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
    changed = _SPEND_STATE.change(
        connection,
        request_id=request_id,
        spent_hash=state_hash,
        now=now,
        next_state=next_state,
        sealed=sealed_received,
        erasing_at=erase_at,
        said=wallet_error,
        code_hash=response_code_hash,
    )
    return changed == 1


_SETTLE = Prepared(
    update(PresentationRequest)
    .where(_requests.c.id == bindparam("request_id"), _requests.c.state == "received")
    .values(
        state="settled",
        settled_at=bindparam("now"),
        report=bindparam("found"),
        sealed_received=bindparam("sealed"),
        erase_at=bindparam("erasing_at"),
        erased_at=bindparam("gone_at"),
        released_at=bindparam("let_go_at"),
        response_code_hash=bindparam("code_hash"),
    )
)


def settle(
    connection: BlockingConnection,
    request_id: str,
    now: datetime,
    *,
    report: Mapping[str, Any],
    sealed_received: bytes | None,
    erase_at: datetime | None,
    released_at: datetime | None,
    response_code_hash: bytes | None,
) -> bool:
    """Write down what was found, once: `received` becomes `settled`, and the state change is the lock."""
    changed = _SETTLE.change(
        connection,
        request_id=request_id,
        now=now,
        found=report,
        sealed=sealed_received,
        erasing_at=erase_at,
        gone_at=None if sealed_received is not None else now,
        let_go_at=released_at,
        code_hash=response_code_hash,
    )
    return changed == 1


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


_HAS_WEBHOOK = Prepared(
    select(_webhooks.c.relying_party_id).where(_webhooks.c.relying_party_id == bindparam("party_id"))
)


def has_webhook(connection: BlockingConnection, relying_party_id: str) -> bool:
    """Whether a relying party wants to be told."""
    return _HAS_WEBHOOK.row(connection, party_id=relying_party_id) is not None


def add_delivery(connection: BlockingConnection, row: Mapping[str, Any]) -> None:
    """Write down a message that is to go out."""
    connection.execute(insert(WebhookDelivery).values(**row))


async def replace_webhook(session: Session, row: Webhook) -> None:
    """One address a relying party: the newest."""
    await lock_relying_party(session, row.relying_party_id)
    await session.merge(row)
    await session.flush()


async def delete_webhook(session: Session, relying_party_id: str) -> bool:
    """Tell nothing more, and forget what was still to be told."""
    await lock_relying_party(session, relying_party_id)
    await session.execute(delete(WebhookDelivery).where(WebhookDelivery.relying_party_id == relying_party_id))
    statement = delete(Webhook).where(Webhook.relying_party_id == relying_party_id).returning(Webhook.relying_party_id)
    return await session.scalar(statement) is not None


async def lease_deliveries(
    session: Session, now: datetime, *, until: datetime, limit: int = 20
) -> Sequence[WebhookDelivery]:
    """Messages that are due, the caller's own until then; of two callers one gets each."""
    is_due = and_(WebhookDelivery.ended_at.is_(None), WebhookDelivery.due_at <= now)
    due = select(WebhookDelivery.id).where(is_due).order_by(WebhookDelivery.due_at).limit(limit)
    statement = (
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(due.scalar_subquery()), is_due)
        .values(due_at=until, attempts=WebhookDelivery.attempts + 1)
        .returning(WebhookDelivery)
    )
    return (await session.scalars(statement)).all()


async def keep_outcome(session: Session, delivery_id: str, values: Mapping[str, Any]) -> None:
    """Note what became of a try; nothing where the webhook was removed meanwhile."""
    await session.execute(update(WebhookDelivery).where(WebhookDelivery.id == delivery_id).values(**values))


async def list_deliveries(session: Session, relying_party_id: str, *, limit: int) -> Sequence[WebhookDelivery]:
    """The newest messages to a relying party, whether they arrived or not."""
    statement = select(WebhookDelivery).where(WebhookDelivery.relying_party_id == relying_party_id)
    newest = statement.order_by(WebhookDelivery.created_at.desc(), WebhookDelivery.id).limit(limit)
    return (await session.scalars(newest)).all()


async def delete_ended_deliveries(session: Session, before: datetime) -> int:
    """Forget what became of messages that ended before then."""
    statement = delete(WebhookDelivery).where(WebhookDelivery.ended_at <= before).returning(WebhookDelivery.id)
    return len((await session.scalars(statement)).all())
