"""Awards: an achievement given to one person or to a list of people, each with an offer to fetch it. I-77, I-80.

A repeated request with the same Idempotency-Key gets the answer of the first and awards nothing more. Names,
addresses and evidence lie sealed, and are dropped some time after issuance.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationError

from issuer import credential_offer, store
from issuer.achievements import AchievementDescription, description_of, get_achievement, input_problems
from issuer.award_details import AwardDetails, create_award_claims, find_detail_problems
from issuer.credential_issuer import CredentialIssuer
from issuer.credential_offer import OfferPolicy, OpenOffer
from issuer.errors import N_, ConflictError, InputError, NotFoundError, PersonUnknownError
from issuer.holders import hash_email
from issuer.input import MANY_SECONDS, Input, Moment, ShortText
from issuer.models import Award, AwardBatch, Offer
from issuer.settings import IssuerSettings
from issuer.store import AchievementRow, AwardRow, Session
from kernel.status.messages import StatusMessage, message_of
from kernel.strict_json import encode_json
from runtime.tokens import create_token

State = Literal[
    "offered",
    "opened",
    "issued",
    "received",
    "as_file",
    "offer_expired",
    "offer_void",
    "suspended",
    "revoked",
    "waiting",
]

_Email = Annotated[str, StringConstraints(pattern=r"^[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+$", max_length=254)]


class Recipient(AwardDetails):
    """Somebody to award to. `reference` is the organisation's own, kept when the personal data are dropped."""

    given_name: ShortText
    family_name: ShortText
    birth_date: date | None = None
    email: _Email
    reference: str | None = Field(default=None, min_length=1, max_length=100)


class AwardRequest(Input):
    """Award an achievement to people."""

    recipients: list[Recipient] = Field(min_length=1, max_length=1000)
    awarded_at: Moment | None = None
    expires_at: Moment | None = None
    tx_code: bool = True
    offer_valid_seconds: int | None = Field(default=None, ge=60, le=MANY_SECONDS)


@dataclass(frozen=True, slots=True)
class AwardView:
    """An award as staff see it."""

    id: UUID
    achievement_slug: str
    achievement_version: int
    reference: str
    person: Mapping[str, str] | None
    claims: Mapping[str, Any]
    """Evidence, results and the like, in the words of Open Badges."""
    state: State
    status: str
    reason: str | None
    awarded_by: str | None
    awarded_at: datetime
    expires_at: datetime | None
    created_at: datetime
    changed_at: datetime
    offer: OpenOffer | None
    message: StatusMessage = StatusMessage.NONE


def parse_award_request(value: Mapping[str, Any]) -> AwardRequest:
    """Read a request to award, or raise InputError that names each field."""
    try:
        return AwardRequest.model_validate(value)
    except ValidationError as exc:
        raise InputError(fields=input_problems(exc)) from exc


async def award_achievement(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    slug: str,
    request: AwardRequest,
    *,
    idempotency_key: str | None,
    actor: str,
    person: str | None,
    now: datetime,
) -> Sequence[AwardView]:
    """Award the newest version of an achievement to everybody in the request, or to nobody. I-77.

    With an Idempotency-Key that was used before, the awards of that time are returned, with the links and
    codes they had then; another request under the same key is a conflict. What a second person approves is awarded
    by somebody who is known (`person`), or by nobody: else it could not be told who the second one is (I-63).
    """
    achievement = await get_achievement(session, issuer, slug)
    description = description_of(achievement)
    if description.needs_approval and person is None:
        raise PersonUnknownError
    check_times(request.awarded_at, request.expires_at, now=now)
    _check_details(request, achievement)
    batch = AwardBatch(
        organisation_id=issuer.organisation_id,
        idempotency_key=idempotency_key,
        request_hash=_request_hash(settings, slug, request),
        created_at=now,
    )
    earlier = await store.claim_idempotency_key(session, batch)
    if earlier is not None:
        return await _repeat(session, settings, issuer, earlier, batch.request_hash, now=now)
    for position, recipient in enumerate(request.recipients):
        await _award_one(
            session,
            settings,
            issuer,
            achievement,
            description,
            request,
            recipient,
            batch.id,
            position,
            person=person,
            now=now,
        )
    people = f"{len(request.recipients)} awarded"
    await store.add_audit(session, issuer.organisation_id, actor, "award.create", slug, people, now)
    rows = await store.list_awards_of_batch(session, batch.id)
    for row in rows:
        await store.add_audit(session, issuer.organisation_id, actor, "award.create", str(row.award.id), None, now)
    return await view_awards(session, settings, issuer, rows, now=now)


def check_times(awarded_at: datetime | None, expires_at: datetime | None, *, now: datetime) -> None:
    """Raise InputError for a day of awarding that lies ahead, or an end that lies behind."""
    if awarded_at is not None and awarded_at > now + timedelta(days=1):
        raise InputError(fields={"awarded_at": N_("De dag van uitreiken ligt in de toekomst.")})
    if expires_at is not None and expires_at <= max(now, awarded_at or now):
        raise InputError(fields={"expires_at": N_("De einddatum ligt in het verleden, of voor de dag van uitreiken.")})


def _check_details(request: AwardRequest, achievement: AchievementRow) -> None:
    problems = {
        f"recipients.{number}.{name}": sentence
        for number, recipient in enumerate(request.recipients)
        for name, sentence in find_detail_problems(recipient, achievement.version.achievement).items()
    }
    if problems:
        raise InputError(fields=problems)


def _request_hash(settings: IssuerSettings, slug: str, request: AwardRequest) -> bytes:
    """What tells two requests apart."""
    return hmac.digest(settings.request_key, f"{slug}\n{request.model_dump_json()}".encode(), "sha256")


async def _repeat(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    earlier: AwardBatch,
    request_hash: bytes,
    *,
    now: datetime,
) -> Sequence[AwardView]:
    if earlier.request_hash != request_hash:
        raise ConflictError(N_("Deze Idempotency-Key hoort bij een ander verzoek."))
    return await view_awards(session, settings, issuer, await store.list_awards_of_batch(session, earlier.id), now=now)


async def _award_one(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    achievement: AchievementRow,
    description: AchievementDescription,
    request: AwardRequest,
    recipient: Recipient,
    batch_id: UUID,
    position: int,
    *,
    person: str | None,
    now: datetime,
) -> None:
    awarded_at = request.awarded_at or now
    award = Award(
        id=store.new_id(),
        organisation_id=issuer.organisation_id,
        achievement_version_id=achievement.version.id,
        batch_id=batch_id,
        position=position,
        reference=recipient.reference or create_reference(),
        status="waiting" if description.needs_approval else "valid",
        awarded_at=awarded_at,
        awarded_by=person,
        expires_at=request.expires_at or default_expiry(description, awarded_at),
        created_at=now,
    )
    named = person_of(recipient)
    said = create_award_claims(recipient, achievement.version.achievement)
    award.sealed_claims = seal_claims(settings, award.id, named, said)
    award.email_hash = hash_email(settings, recipient.email)
    await store.add_row(session, award)
    policy = OfferPolicy.of(has_tx_code=request.tx_code, seconds=request.offer_valid_seconds)
    await credential_offer.create_offer(
        session,
        settings,
        issuer,
        award_id=award.id,
        achievement=achievement,
        policy=policy,
        now=now,
    )


def person_of(recipient: Recipient) -> dict[str, str]:
    """Who it is, in the words of the claims. E-20."""
    born = {} if recipient.birth_date is None else {"birthdate": recipient.birth_date.isoformat()}
    return {
        "given_name": recipient.given_name,
        "family_name": recipient.family_name,
        "email": recipient.email,
        **born,
    }


def create_reference() -> str:
    """What an award is called between people where the organisation has no reference of its own."""
    return create_token(16)[:8].upper().replace("_", "X").replace("-", "Y")


def default_expiry(description: AchievementDescription, awarded_at: datetime) -> datetime | None:
    """The end of the day that the achievement's term ends: the same for everybody of one day (I-61)."""
    if description.validity_days is None:
        return None
    midnight = awarded_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=description.validity_days + 1)


def seal_claims(settings: IssuerSettings, award_id: UUID, person: Mapping[str, str], said: Mapping[str, Any]) -> bytes:
    """What an award says of a person, as it is kept: `said` is what `create_award_claims` gave."""
    claims = {"evidence": [], **said, "person": person}
    return settings.seal.seal(encode_json(claims), context=_context(award_id))


def open_claims(settings: IssuerSettings, award_id: UUID, sealed: bytes) -> dict[str, Any]:
    """Person, evidence, results and the like of an award whose claims were not dropped."""
    claims: dict[str, Any] = json.loads(settings.seal.open(sealed, context=_context(award_id)))
    return claims


def _context(award_id: UUID) -> str:
    return f"issuer/award/{award_id}"


async def renew_offer(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    award_id: UUID,
    policy: OfferPolicy,
    *,
    actor: str,
    now: datetime,
) -> AwardView:
    """Make a new offer of an award; the one before it ends, and so do its access tokens."""
    await store.lock_award(session, award_id)
    row = await _get_row(session, issuer, award_id)
    if row.award.status not in ("valid", "waiting"):
        raise ConflictError(N_("Deze badge is opgeschort of ingetrokken. Er kan geen nieuw aanbod bij."))
    if row.award.sealed_claims is None:
        raise ConflictError(N_("De gegevens van deze persoon zijn verwijderd. Reik de badge opnieuw uit."))
    await store.void_offers(session, award_id, now)
    await credential_offer.create_offer(
        session,
        settings,
        issuer,
        award_id=award_id,
        achievement=AchievementRow(row.achievement, row.version),
        policy=policy,
        now=now,
    )
    await store.add_audit(session, issuer.organisation_id, actor, "award.offer", str(award_id), None, now)
    return (await view_awards(session, settings, issuer, [row], now=now))[0]


async def _get_row(session: Session, issuer: CredentialIssuer, award_id: UUID) -> AwardRow:
    row = await store.find_award(session, issuer.organisation_id, award_id)
    if row is None:
        raise NotFoundError(N_("Deze uitreiking kennen we niet."))
    return row


async def get_award(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, award_id: UUID, *, now: datetime
) -> AwardView:
    """One award of this organisation, or NotFoundError: the same for unknown and foreign ones (A-52)."""
    row = await _get_row(session, issuer, award_id)
    return (await view_awards(session, settings, issuer, [row], now=now))[0]


async def list_awards(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    *,
    achievement_id: UUID | None = None,
    limit: int = 500,
    offset: int = 0,
    now: datetime,
) -> Sequence[AwardView]:
    """Awards of an organisation or of one achievement, newest first."""
    rows = await store.list_awards(
        session, issuer.organisation_id, achievement_id=achievement_id, limit=limit, offset=offset
    )
    return await view_awards(session, settings, issuer, rows, now=now)


async def view_awards(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, rows: Sequence[AwardRow], *, now: datetime
) -> Sequence[AwardView]:
    """What staff see of these awards."""
    offers = await store.find_latest_offers(session, [row.award.id for row in rows])
    return [_view(settings, issuer, row, offers.get(row.award.id), now) for row in rows]


def _view(
    settings: IssuerSettings, issuer: CredentialIssuer, row: AwardRow, offer: Offer | None, now: datetime
) -> AwardView:
    award = row.award
    claims = None if award.sealed_claims is None else open_claims(settings, award.id, award.sealed_claims)
    moments = [award.created_at, award.issued_at, award.received_at, award.status_changed_at]
    moments += [] if offer is None else [offer.opened_at, offer.created_at]
    return AwardView(
        id=award.id,
        achievement_slug=row.achievement.slug,
        achievement_version=row.version.version,
        reference=award.reference,
        person=None if claims is None else claims["person"],
        claims={} if claims is None else {name: value for name, value in claims.items() if name != "person"},
        state=_state(award, offer, now),
        status=award.status,
        reason=award.status_reason,
        awarded_by=award.awarded_by,
        awarded_at=award.awarded_at,
        expires_at=award.expires_at,
        created_at=award.created_at,
        changed_at=max(moment for moment in moments if moment is not None),
        offer=_find_open_offer(settings, issuer, row, offer, now),
        message=message_of(award.message),
    )


def _find_open_offer(
    settings: IssuerSettings, issuer: CredentialIssuer, row: AwardRow, offer: Offer | None, now: datetime
) -> OpenOffer | None:
    """What can be handed over now; nothing while the award is withdrawn, since nothing would be issued."""
    if row.award.status not in ("valid", "waiting"):
        return None
    achievement = AchievementRow(row.achievement, row.version)
    return credential_offer.find_open_offer(settings, issuer, offer, achievement, now=now)


def without_offer(view: AwardView) -> AwardView:
    """The same award for somebody who may not hand it over."""
    return replace(view, offer=None)


def _state(award: Award, offer: Offer | None, now: datetime) -> State:
    if award.status == "revoked":
        return "revoked"
    if award.status == "suspended":
        return "suspended"
    if award.status == "waiting":
        return "waiting"
    if award.received_at is not None:
        return "received"
    if award.issued_at is not None:
        return "issued"
    if offer is None:
        return "as_file"
    if offer.voided_at is not None:
        return "offer_void"
    if offer.spent_at is None and offer.expires_at <= now:
        return "offer_expired"
    return "offered" if offer.opened_at is None and offer.spent_at is None else "opened"


async def drop_claims(
    session: Session, issuer: CredentialIssuer, award_ids: Sequence[UUID], *, actor: str, now: datetime
) -> int:
    """Forget what these awards say about people. What is needed to revoke them stays. I-80."""
    dropped = await store.drop_claims(session, issuer.organisation_id, award_ids, now)
    for award_id in dropped:
        await store.add_audit(session, issuer.organisation_id, actor, "award.drop_claims", str(award_id), None, now)
    return len(dropped)


async def drop_expired_claims(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, *, now: datetime
) -> int:
    """Forget the claims of awards issued longer ago than this organisation keeps them. I-80."""
    retention = settings.claims_retention if issuer.claims_retention is None else issuer.claims_retention
    old = await store.list_awards_issued_before(session, issuer.organisation_id, now - retention)
    return await drop_claims(session, issuer, old, actor="retention", now=now)
