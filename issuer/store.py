"""All queries of the issuer. One-time values are spent in one statement; one caller wins.

Nothing here commits: whoever opens the transaction does. Queries on the way of a credential request take a
`BlockingConnection`, since that request is answered in one thread (`Database.run`), and their statements are put
together once; whoever needs one of them in a `Session` calls it by `run_blocking`. There is one form of each.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import Update, and_, bindparam, column, delete, func, insert, or_, select, table, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from issuer.models import (
    AccessToken,
    Achievement,
    AchievementVersion,
    ApiKey,
    AuditEntry,
    Authorization,
    Award,
    AwardBatch,
    BadgeFile,
    BulkChunk,
    BulkRun,
    Credential,
    DeferredIssuance,
    DidDocument,
    FederationMembership,
    GivenEndorsement,
    GuessingSource,
    IdentityProvider,
    Offer,
    Operator,
    Organisation,
    RefreshToken,
    SigningKey,
    SignInLink,
    SpentNonce,
    StatusEntry,
    StatusList,
    StatusPublication,
    StatusSegment,
)
from kernel.formats import StatusKind
from runtime.database import BlockingConnection, UtcDateTime, run_blocking
from runtime.guessing import give_back_try, take_try
from runtime.prepared import Prepared

Session = AsyncSession


def new_id() -> UUID:
    """An identifier for a row that must be known before it is written."""
    return uuid4()


def new_ids(count: int, now: datetime) -> list[UUID]:
    """Identifiers of rows that are written together, in an order that keeps them together. RFC 9562 §5.7, §6.2."""
    if count > 4096:
        raise ValueError("more than can be counted in twelve bits")
    milliseconds, random = int(now.timestamp() * 1000) << 80, os.urandom(8 * count)
    return [
        UUID(
            int=milliseconds
            | 0x7 << 76
            | number << 64
            | 0x2 << 62
            | int.from_bytes(random[8 * number : 8 * number + 8]) >> 2
        )
        for number in range(count)
    ]


async def add_row(session: Session, row: Any) -> None:
    """Write one new row now, so that a broken rule shows here."""
    session.add(row)
    await session.flush()


def _insert(session: Session | BlockingConnection, table: Any) -> Any:
    """INSERT … ON CONFLICT, which both databases have and SQLAlchemy spells per database."""
    dialect = session.dialect if isinstance(session, BlockingConnection) else session.get_bind().dialect
    return _INSERTS[dialect.name](table)


_INSERTS: Mapping[str, Callable[[Any], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def _insert_unless_taken(model: Any, returning: Any) -> Mapping[str, Any]:
    """The same, put together once for each database."""
    return {
        name: insert(model.__table__).on_conflict_do_nothing().returning(returning) for name, insert in _INSERTS.items()
    }


def _values(row: Any) -> dict[str, Any]:
    """The columns of a new object that have a value, with the defaults of the others left to the database layer."""
    return {column.key: value for column in row.__table__.columns if (value := getattr(row, column.key)) is not None}


def _add_unless_taken(connection: BlockingConnection, row: Any) -> bool:
    model = type(row)
    statement = _insert(connection, model).values(_values(row)).on_conflict_do_nothing().returning(model.id)
    added = connection.execute(statement).scalar_one_or_none()
    row.id = added or row.id
    return added is not None


# Organisations, keys


async def add_organisation(session: Session, organisation: Organisation) -> bool:
    """Whether the organisation was added; False when its slug is taken."""
    return await run_blocking(session, _add_unless_taken, organisation)


async def find_organisation(session: Session, slug: str) -> Organisation | None:
    """The organisation with this slug."""
    return (await session.execute(select(Organisation).where(Organisation.slug == slug))).scalar_one_or_none()


async def list_organisations(session: Session) -> Sequence[Organisation]:
    """All organisations, by name."""
    return (await session.execute(select(Organisation).order_by(Organisation.name))).scalars().all()


async def lock_organisation(session: Session, organisation_id: UUID) -> None:
    """Let nobody else change the keys of this organisation until this transaction ends; issuing goes on."""
    statement = select(Organisation.id).where(Organisation.id == organisation_id)
    await session.execute(statement.with_for_update(key_share=True))


async def find_federation_membership(session: Session, organisation_id: UUID) -> FederationMembership | None:
    """What an organisation is in federations, or was."""
    statement = select(FederationMembership).where(FederationMembership.organisation_id == organisation_id)
    membership: FederationMembership | None = await session.scalar(statement)
    return membership


async def set_authority_hints(session: Session, organisation_id: UUID, hints: list[str] | None) -> None:
    """Name the superiors of an organisation; None: it is a member no more."""
    condition = FederationMembership.organisation_id == organisation_id
    await session.execute(update(FederationMembership).where(condition).values(authority_hints=hints))
    organisation = update(Organisation).where(Organisation.id == organisation_id)
    await session.execute(organisation.values(is_federated=hints is not None))


async def list_signing_keys(session: Session, organisation_id: UUID) -> Sequence[SigningKey]:
    """Every key that an organisation ever had, newest first."""
    statement = select(SigningKey).where(SigningKey.organisation_id == organisation_id)
    newest_first = statement.order_by(SigningKey.created_at.desc(), SigningKey.fragment.desc())
    return (await session.execute(newest_first)).scalars().all()


class ActiveKeyRow(NamedTuple):
    """A key that signs now."""

    fragment: str
    sealed_private_jwk: bytes


_signing_keys = SigningKey.__table__
_ACTIVE_KEY = Prepared(
    select(*(_signing_keys.c[name] for name in ActiveKeyRow._fields)).where(
        _signing_keys.c.organisation_id == bindparam("organisation_id"),
        _signing_keys.c.algorithm == bindparam("algorithm"),
        _signing_keys.c.retired_at.is_(None),
    )
)


def find_active_key(connection: BlockingConnection, organisation_id: UUID, algorithm: str) -> ActiveKeyRow | None:
    """The key that signs with this algorithm now."""
    row = _ACTIVE_KEY.row(connection, organisation_id=organisation_id, algorithm=algorithm)
    return None if row is None else ActiveKeyRow._make(row)


def count_signing_keys(connection: BlockingConnection, organisation_id: UUID, algorithm: str) -> int:
    """How many keys for this algorithm an organisation ever had."""
    condition = and_(SigningKey.organisation_id == organisation_id, SigningKey.algorithm == algorithm)
    return connection.execute(select(func.count()).select_from(SigningKey).where(condition)).scalar_one()


def add_signing_key(connection: BlockingConnection, key: SigningKey) -> bool:
    """Whether this key signs from now on; False when another does already."""
    return _add_unless_taken(connection, key)


async def retire_signing_key(session: Session, organisation_id: UUID, algorithm: str, now: datetime) -> None:
    """End signing with the key of this algorithm, and forget its private part; it still verifies."""
    condition = and_(
        SigningKey.organisation_id == organisation_id,
        SigningKey.algorithm == algorithm,
        SigningKey.retired_at.is_(None),
    )
    await session.execute(update(SigningKey).where(condition).values(retired_at=now, sealed_private_jwk=None))


async def withdraw_signing_key(session: Session, key_id: UUID, now: datetime) -> bool:
    """Whether a retired key was taken out of the DID document."""
    condition = and_(SigningKey.id == key_id, SigningKey.retired_at.is_not(None), SigningKey.withdrawn_at.is_(None))
    statement = update(SigningKey).where(condition).values(withdrawn_at=now).returning(SigningKey.id)
    return (await session.execute(statement)).one_or_none() is not None


async def set_certificate_chain(session: Session, organisation_id: UUID, chain: str | None) -> None:
    """Replace the certificates of an organisation's key."""
    statement = update(Organisation).where(Organisation.id == organisation_id)
    await session.execute(statement.values(certificate_chain=chain))


async def list_did_documents(session: Session, organisation_id: UUID) -> Sequence[DidDocument]:
    """What was written down of an organisation's DID document, oldest first."""
    statement = select(DidDocument).where(DidDocument.organisation_id == organisation_id)
    return (await session.execute(statement.order_by(DidDocument.version))).scalars().all()


async def add_api_key(session: Session, key: ApiKey) -> bool:
    """Whether the key was added; False when it is there already."""
    return await run_blocking(session, _add_unless_taken, key)


async def find_api_key(session: Session, key_hash: bytes) -> tuple[ApiKey, str | None] | None:
    """A live API key, with the slug of its organisation (None: the whole deployment)."""
    statement = (
        select(ApiKey, Organisation.slug)
        .outerjoin(Organisation, Organisation.id == ApiKey.organisation_id)
        .where(ApiKey.key_hash == key_hash, ApiKey.revoked_at.is_(None))
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def list_api_keys(session: Session, organisation_id: UUID) -> Sequence[tuple[ApiKey, str | None]]:
    """An organisation's API keys, newest first, each with the name of whoever it stands on, if anybody's."""
    statement = (
        select(ApiKey, Operator.name)
        .outerjoin(Operator, Operator.id == ApiKey.operator_id)
        .where(ApiKey.organisation_id == organisation_id)
        .order_by(ApiKey.created_at.desc(), ApiKey.id)
    )
    return [(row[0], row[1]) for row in await session.execute(statement)]


async def note_api_key_use(session: Session, key_id: UUID, now: datetime) -> None:
    """Write down that a key was used."""
    await session.execute(update(ApiKey).where(ApiKey.id == key_id).values(used_at=now))


async def revoke_api_key(session: Session, organisation_id: UUID, key_id: UUID, now: datetime) -> bool:
    """Whether a live key of this organisation was withdrawn."""
    condition = and_(ApiKey.id == key_id, ApiKey.organisation_id == organisation_id, ApiKey.revoked_at.is_(None))
    statement = update(ApiKey).where(condition).values(revoked_at=now).returning(ApiKey.id)
    return (await session.execute(statement)).one_or_none() is not None


# Achievements


class AchievementRow(NamedTuple):
    """An achievement with one of its versions."""

    achievement: Achievement
    version: AchievementVersion


async def add_achievement(session: Session, achievement: Achievement) -> bool:
    """Whether the achievement was added; False when the slug is taken."""
    return await run_blocking(session, _add_unless_taken, achievement)


async def find_achievement(
    session: Session, organisation_id: UUID, slug: str, version: int | None = None
) -> AchievementRow | None:
    """An achievement in its newest version, or in the one that is asked for."""
    wanted = Achievement.current_version if version is None else version
    statement = (
        select(Achievement, AchievementVersion)
        .join(AchievementVersion, AchievementVersion.achievement_id == Achievement.id)
        .where(Achievement.organisation_id == organisation_id, Achievement.slug == slug)
        .where(AchievementVersion.version == wanted)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else AchievementRow(row[0], row[1])


async def list_achievements(session: Session, organisation_id: UUID) -> Sequence[AchievementRow]:
    """Every achievement of an organisation in its newest version."""
    statement = (
        select(Achievement, AchievementVersion)
        .join(AchievementVersion, AchievementVersion.achievement_id == Achievement.id)
        .where(Achievement.organisation_id == organisation_id)
        .where(AchievementVersion.version == Achievement.current_version)
        .order_by(Achievement.created_at, Achievement.slug)
    )
    return [AchievementRow(row[0], row[1]) for row in await session.execute(statement)]


async def list_achievement_versions(session: Session, organisation_id: UUID) -> Sequence[AchievementRow]:
    """Every version of every achievement of an organisation."""
    statement = (
        select(Achievement, AchievementVersion)
        .join(AchievementVersion, AchievementVersion.achievement_id == Achievement.id)
        .where(Achievement.organisation_id == organisation_id)
        .order_by(Achievement.slug, AchievementVersion.version)
    )
    return [AchievementRow(row[0], row[1]) for row in await session.execute(statement)]


async def advance_achievement(session: Session, achievement_id: UUID, from_version: int) -> bool:
    """Whether the next version number was taken; one of two editors at the same moment wins."""
    condition = and_(Achievement.id == achievement_id, Achievement.current_version == from_version)
    statement = update(Achievement).where(condition).values(current_version=from_version + 1).returning(Achievement.id)
    return (await session.execute(statement)).one_or_none() is not None


# Awards and offers


class AwardRow(NamedTuple):
    """An award with what it was awarded for."""

    award: Award
    version: AchievementVersion
    achievement: Achievement


async def claim_idempotency_key(session: Session, batch: AwardBatch) -> AwardBatch | None:
    """Take the key for this batch; None when it is ours, the earlier batch when it was used before."""
    if await run_blocking(session, _add_unless_taken, batch):
        return None
    statement = select(AwardBatch).where(
        AwardBatch.organisation_id == batch.organisation_id, AwardBatch.idempotency_key == batch.idempotency_key
    )
    return (await session.execute(statement)).scalar_one()


def _award_rows() -> Any:
    return (
        select(Award, AchievementVersion, Achievement)
        .join(AchievementVersion, AchievementVersion.id == Award.achievement_version_id)
        .join(Achievement, Achievement.id == AchievementVersion.achievement_id)
    )


async def find_award(session: Session, organisation_id: UUID, award_id: UUID) -> AwardRow | None:
    """An award of this organisation."""
    statement = _award_rows().where(Award.id == award_id, Award.organisation_id == organisation_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else AwardRow(*row)


async def list_awards(
    session: Session, organisation_id: UUID, *, achievement_id: UUID | None = None, limit: int = 500, offset: int = 0
) -> Sequence[AwardRow]:
    """Awards of an organisation, or of one of its achievements, newest first."""
    statement = _award_rows().where(Award.organisation_id == organisation_id)
    if achievement_id is not None:
        statement = statement.where(Achievement.id == achievement_id)
    statement = statement.order_by(Award.created_at.desc(), Award.batch_id, Award.position).limit(limit).offset(offset)
    return [AwardRow(*row) for row in await session.execute(statement)]


async def list_awards_of_batch(session: Session, batch_id: UUID) -> Sequence[AwardRow]:
    """The awards of one request, in the order of its list."""
    statement = _award_rows().where(Award.batch_id == batch_id).order_by(Award.position)
    return [AwardRow(*row) for row in await session.execute(statement)]


async def get_achievement_version(session: Session, version_id: UUID) -> AchievementRow:
    """One version of an achievement, the newest or an older one."""
    statement = (
        select(Achievement, AchievementVersion)
        .join(Achievement, Achievement.id == AchievementVersion.achievement_id)
        .where(AchievementVersion.id == version_id)
    )
    return AchievementRow(*(await session.execute(statement)).one())


class ChunkRow(NamedTuple):
    """Consecutive people of a run, by their places in its list."""

    number: int
    first: int
    size: int


_bulk_chunks = BulkChunk.__table__


async def add_bulk_run(session: Session, run: BulkRun, chunks: Sequence[ChunkRow]) -> None:
    """Write down a run before anything of it is done."""
    await add_row(session, run)
    rows = [{**row._asdict(), "batch_id": run.batch_id, "changed_at": run.created_at} for row in chunks]
    await session.execute(insert(BulkChunk), rows)


async def get_bulk_run(session: Session, batch_id: UUID) -> BulkRun:
    """A run that was written down."""
    return (await session.execute(select(BulkRun).where(BulkRun.batch_id == batch_id))).scalar_one()


async def list_waiting_chunks(session: Session, batch_id: UUID) -> Sequence[ChunkRow]:
    """What of a run is not awarded yet, in order."""
    statement = select(BulkChunk.number, BulkChunk.first, BulkChunk.size)
    of_run = statement.where(BulkChunk.batch_id == batch_id, BulkChunk.state == "waiting")
    return [ChunkRow._make(row) for row in await session.execute(of_run.order_by(BulkChunk.number))]


_CLAIM_CHUNK = Prepared(
    update(_bulk_chunks)
    .where(_bulk_chunks.c.batch_id == bindparam("batch"), _bulk_chunks.c.number == bindparam("chunk"))
    .where(_bulk_chunks.c.state == "waiting")
    .values(state="written", changed_at=bindparam("now"))
)


def claim_chunk(connection: BlockingConnection, batch_id: UUID, number: int, now: datetime) -> bool:
    """Whether a chunk was still waiting and is now this transaction's: one caller wins."""
    return _CLAIM_CHUNK.change(connection, batch=batch_id, chunk=number, now=now) == 1


def _insert_into(model: Any, *names: str) -> Any:
    """INSERT of these columns alone."""
    columns = model.__table__.c
    return insert(table(model.__tablename__, *(column(name, columns[name].type) for name in names)))


class BulkAward(NamedTuple):
    """What differs between the awards of a chunk."""

    id: UUID
    position: int
    reference: str
    email_hash: bytes
    sealed_claims: bytes


class BulkFile(NamedTuple):
    """What differs between their files."""

    id: UUID
    award_id: UUID
    status_index: int
    sealed: bytes


_ADD_AWARD = Prepared(
    _insert_into(
        Award,
        *BulkAward._fields,
        *("organisation_id", "achievement_version_id", "batch_id", "awarded_at", "awarded_by", "expires_at"),
        *("status", "created_at"),
    )
)
_FILE_COLUMNS = ("award_id", "number", "status_list_id", "status_index", "securing", "created_at")
_ADD_FILE = {
    name: Prepared(_insert_into(BadgeFile, "id", *_FILE_COLUMNS, name)) for name in ("sealed_json", "sealed_sd_jwt")
}
_TAKE_PLACE = Prepared(
    {name: insert(StatusEntry.__table__).on_conflict_do_nothing() for name, insert in _INSERTS.items()}
)
_ADD_AUDIT_ENTRY = Prepared(_insert_into(AuditEntry, "organisation_id", "at", "actor", "action", "subject", "reason"))


def add_bulk_awards(
    connection: BlockingConnection, run: BulkRun, organisation_id: UUID, rows: Sequence[BulkAward], now: datetime
) -> None:
    """Write the awards of one chunk, and who made them."""
    _ADD_AWARD.change_many(
        connection,
        BulkAward._fields,
        rows,
        organisation_id=organisation_id,
        achievement_version_id=run.achievement_version_id,
        batch_id=run.batch_id,
        awarded_at=run.awarded_at,
        # No person who is known made it, as `awarded_by` would say: a command did.
        awarded_by=None,
        expires_at=run.expires_at,
        status="valid",
        created_at=now,
    )
    _ADD_AUDIT_ENTRY.change_many(
        connection,
        ("subject",),
        [(str(row.id),) for row in rows],
        organisation_id=organisation_id,
        at=now,
        actor=run.actor,
        action="award.bulk",
        reason=None,
    )


def add_bulk_files(
    connection: BlockingConnection, run: BulkRun, status_list_id: UUID, rows: Sequence[BulkFile], now: datetime
) -> bool:
    """Write their files; False, with the transaction to be rolled back, when somebody has one of their places."""
    places = [(row.status_index, row.award_id) for row in rows]
    same = {"status_list_id": status_list_id, "value": 0, "message": 0, "offer_id": None}
    if _TAKE_PLACE.change_many(connection, ("status_index", "award_id"), places, **same) < len(rows):
        return False
    sealed = "sealed_sd_jwt" if run.securing == "dc+sd-jwt" else "sealed_json"
    _ADD_FILE[sealed].change_many(
        connection,
        ("id", "award_id", "status_index", sealed),
        rows,
        number=1,
        status_list_id=status_list_id,
        securing=run.securing,
        created_at=now,
    )
    return True


class BatchFile(NamedTuple):
    """The file of an award of a batch, and how to find the person in its list."""

    position: int
    reference: str
    file_id: UUID


def list_files_of_batch(connection: BlockingConnection, batch_id: UUID) -> Sequence[BatchFile]:
    """The first file of each award of a batch, in the order of its list."""
    statement = (
        select(Award.position, Award.reference, BadgeFile.id)
        .join(BadgeFile, and_(BadgeFile.award_id == Award.id, BadgeFile.number == 1))
        .where(Award.batch_id == batch_id)
        .order_by(Award.position)
    )
    return [BatchFile._make(row) for row in connection.execute(statement)]


class AwardCount(NamedTuple):
    """How many awards an achievement has, and how many are in a wallet."""

    awarded: int
    issued: int


async def count_awards(session: Session, organisation_id: UUID) -> dict[UUID, AwardCount]:
    """For each achievement of an organisation, how often it was awarded and fetched."""
    statement = (
        select(AchievementVersion.achievement_id, func.count(Award.id), func.count(Award.issued_at))
        .join(Award, Award.achievement_version_id == AchievementVersion.id)
        .where(Award.organisation_id == organisation_id)
        .group_by(AchievementVersion.achievement_id)
    )
    return {row[0]: AwardCount(row[1], row[2]) for row in await session.execute(statement)}


async def change_award_status(
    session: Session, award_id: UUID, *, allowed_from: Iterable[str], to: str, reason: str, now: datetime
) -> bool:
    """Whether the award went from one of these states to the other; the change is the lock."""
    condition = and_(Award.id == award_id, Award.status.in_(list(allowed_from)))
    values = {"status": to, "status_reason": reason, "status_changed_at": now}
    statement = update(Award).where(condition).values(**values).returning(Award.id)
    return (await session.execute(statement)).one_or_none() is not None


async def set_award_message(
    session: Session, organisation_id: UUID, award_id: UUID, *, allowed_in: Iterable[str], value: int
) -> bool:
    """Whether the message of an award in one of these states was set; the change is the lock."""
    is_meant = and_(Award.id == award_id, Award.organisation_id == organisation_id)
    condition = and_(is_meant, Award.status.in_(list(allowed_in)))
    statement = update(Award).where(condition).values(message=value).returning(Award.id)
    return (await session.execute(statement)).one_or_none() is not None


async def find_latest_offers(session: Session, award_ids: Sequence[UUID]) -> dict[UUID, Offer]:
    """The newest offer of each award."""
    statement = select(Offer).where(Offer.award_id.in_(award_ids)).order_by(Offer.number)
    return {offer.award_id: offer for offer in (await session.execute(statement)).scalars()}


async def lock_award(session: Session, award_id: UUID) -> None:
    """Let nobody else change the offers of this award until this transaction ends."""
    await session.execute(select(Award.id).where(Award.id == award_id).with_for_update())


async def next_offer_number(session: Session, award_id: UUID) -> int:
    """The number of the next offer of an award."""
    newest = select(func.coalesce(func.max(Offer.number), 0)).where(Offer.award_id == award_id)
    return (await session.execute(newest)).scalar_one() + 1


async def void_offers(session: Session, award_id: UUID, now: datetime, *, with_tokens: bool = True) -> None:
    """End every open offer of an award, and the tokens that were bought with one."""
    condition = and_(Offer.award_id == award_id, Offer.spent_at.is_(None), Offer.voided_at.is_(None))
    await session.execute(update(Offer).where(condition).values(voided_at=now, sealed_secrets=None))
    if not with_tokens:
        return
    tokens = and_(AccessToken.award_id == award_id, AccessToken.revoked_at.is_(None))
    await session.execute(update(AccessToken).where(tokens).values(revoked_at=now))


def _is_open(now: datetime) -> Any:
    return and_(Offer.spent_at.is_(None), Offer.voided_at.is_(None), Offer.expires_at > now)


async def open_offer(session: Session, organisation_id: UUID, reference_hash: bytes, now: datetime) -> Offer | None:
    """The open offer with this reference, noted as opened."""
    condition = _is_open_offer(organisation_id, reference_hash, now)
    statement = update(Offer).where(condition).values(opened_at=func.coalesce(Offer.opened_at, now)).returning(Offer)
    return (await session.execute(statement)).scalar_one_or_none()


async def find_open_offer(
    session: Session, organisation_id: UUID, reference_hash: bytes, now: datetime
) -> Offer | None:
    """The same, for somebody who only asks whether it is there."""
    condition = _is_open_offer(organisation_id, reference_hash, now)
    return (await session.execute(select(Offer).where(condition))).scalar_one_or_none()


def _is_open_offer(organisation_id: UUID, reference_hash: bytes, now: datetime) -> Any:
    return and_(Offer.reference_hash == reference_hash, Offer.organisation_id == organisation_id, _is_open(now))


async def find_offer_by_code(session: Session, organisation_id: UUID, code_hash: bytes) -> Offer | None:
    """The offer with this pre-authorized code, in whatever state."""
    statement = select(Offer).where(Offer.code_hash == code_hash, Offer.organisation_id == organisation_id)
    return (await session.execute(statement)).scalar_one_or_none()


async def count_tx_code_try(session: Session, offer_id: UUID, *, limit: int, now: datetime) -> Offer | None:
    """Take one of the tries of an offer, spent or not; None when none is left. Parallel guesses too. I-28, A-25."""
    is_live = and_(Offer.voided_at.is_(None), Offer.expires_at > now)
    condition = and_(Offer.id == offer_id, is_live, Offer.tx_code_tries < limit)
    statement = update(Offer).where(condition).values(tx_code_tries=Offer.tx_code_tries + 1).returning(Offer)
    return (await session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()


async def void_offer(session: Session, offer_id: UUID, now: datetime) -> None:
    """End one offer and forget its secrets."""
    condition = and_(Offer.id == offer_id, Offer.spent_at.is_(None))
    await session.execute(update(Offer).where(condition).values(voided_at=now, sealed_secrets=None))


async def spend_pre_authorized_code(
    session: Session, offer_id: UUID, now: datetime, *, sealed_tx_code: bytes | None
) -> bool:
    """Use up the code of an open offer; True for exactly one caller. Only its `tx_code` is kept. I-07, A-24."""
    condition = and_(Offer.id == offer_id, _is_open(now))
    statement = update(Offer).where(condition).values(spent_at=now, sealed_secrets=sealed_tx_code).returning(Offer.id)
    return (await session.execute(statement)).one_or_none() is not None


async def revoke_access_tokens(session: Session, offer_id: UUID, now: datetime) -> int:
    """Revoke every live token that was bought with this offer, and say how many."""
    condition = and_(AccessToken.offer_id == offer_id, AccessToken.revoked_at.is_(None))
    statement = update(AccessToken).where(condition).values(revoked_at=now).returning(AccessToken.id)
    return len((await session.execute(statement)).all())


async def count_source_try(session: Session, source_hash: bytes, *, limit: int, since: datetime, now: datetime) -> bool:
    """Take one of the tries that a source has in an hour; False when none is left. Holds in parallel as well."""
    return await take_try(session, GuessingSource, source_hash, limit=limit, since=since, now=now)


async def give_back_source_try(session: Session, source_hash: bytes) -> None:
    """A right code is no guess."""
    await give_back_try(session, GuessingSource, source_hash)


# Authorizations by code


async def list_achievement_slugs(session: Session, organisation_id: UUID) -> Sequence[str]:
    """What an organisation's achievements are called in addresses and configurations."""
    statement = select(Achievement.slug).where(Achievement.organisation_id == organisation_id)
    return (await session.execute(statement.order_by(Achievement.created_at, Achievement.slug))).scalars().all()


async def list_own_awards(
    session: Session,
    organisation_id: UUID,
    *,
    email_hash: bytes | None,
    reference: str | None,
    slugs: Sequence[str] | None,
) -> Sequence[AwardRow]:
    """Valid awards whose claims are still here, of the person with this address or reference, newest first."""
    is_own = Award.email_hash == email_hash if email_hash is not None else Award.reference == reference
    statement = _award_rows().where(Award.organisation_id == organisation_id, is_own)
    statement = statement.where(Award.status.in_(["valid", "waiting"]), Award.sealed_claims.is_not(None))
    if slugs is not None:
        statement = statement.where(Achievement.slug.in_(list(slugs)))
    statement = statement.order_by(Award.created_at.desc(), Award.batch_id, Award.position).limit(100)
    return [AwardRow(*row) for row in await session.execute(statement)]


async def find_offer_by_issuer_state(
    session: Session, organisation_id: UUID, issuer_state_hash: bytes, now: datetime
) -> Offer | None:
    """The open offer with this `issuer_state`."""
    is_meant = and_(Offer.issuer_state_hash == issuer_state_hash, Offer.organisation_id == organisation_id)
    return (await session.execute(select(Offer).where(is_meant, _is_open(now)))).scalar_one_or_none()


async def open_authorization(
    session: Session,
    organisation_id: UUID,
    request_uri_hash: bytes,
    client_id: str,
    *,
    browser_hash: bytes,
    expires_at: datetime,
    now: datetime,
) -> UUID | None:
    """Use up a `request_uri` of this client for one browser; its authorization for exactly one caller. I-21, A-28."""
    is_waiting = and_(Authorization.opened_at.is_(None), Authorization.expires_at > now)
    condition = and_(
        Authorization.request_uri_hash == request_uri_hash,
        Authorization.organisation_id == organisation_id,
        Authorization.client_id == client_id,
        is_waiting,
    )
    values = {"opened_at": now, "browser_hash": browser_hash, "expires_at": expires_at}
    statement = update(Authorization).where(condition).values(values).returning(Authorization.id)
    return (await session.execute(statement)).scalar_one_or_none()


def _is_undecided(now: datetime) -> Any:
    return and_(
        Authorization.opened_at.is_not(None), Authorization.decided_at.is_(None), Authorization.expires_at > now
    )


async def find_authorization(
    session: Session, organisation_id: UUID, browser_hash: bytes, now: datetime
) -> Authorization | None:
    """The undecided authorization of a browser."""
    condition = and_(Authorization.browser_hash == browser_hash, Authorization.organisation_id == organisation_id)
    return (await session.execute(select(Authorization).where(condition, _is_undecided(now)))).scalar_one_or_none()


async def sign_in_authorization(
    session: Session, authorization_id: UUID, browser_hash: bytes, sealed_subject: bytes, now: datetime
) -> bool:
    """Whether somebody signed in for an undecided authorization, whose browser has another secret from now on."""
    values = {"browser_hash": browser_hash, "sealed_subject": sealed_subject, "signed_in_at": now}
    condition = and_(Authorization.id == authorization_id, _is_undecided(now))
    statement = update(Authorization).where(condition).values(values).returning(Authorization.id)
    return (await session.execute(statement)).one_or_none() is not None


async def decide_authorization(
    session: Session,
    authorization_id: UUID,
    *,
    granted: Sequence[Mapping[str, Any]],
    code_hash: bytes | None,
    code_expires_at: datetime | None,
    now: datetime,
) -> tuple[str | None] | None:
    """The `state` of an authorization for the one caller who decides it; its browser is done with it."""
    values = {
        "decided_at": now,
        "granted": list(granted),
        "code_hash": code_hash,
        "code_expires_at": code_expires_at,
        "browser_hash": None,
    }
    condition = and_(Authorization.id == authorization_id, _is_undecided(now))
    statement = update(Authorization).where(condition).values(values).returning(Authorization.state)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0],)


async def find_authorization_by_code(session: Session, organisation_id: UUID, code_hash: bytes) -> Authorization | None:
    """The authorization with this code, in whatever state."""
    condition = and_(Authorization.code_hash == code_hash, Authorization.organisation_id == organisation_id)
    return (await session.execute(select(Authorization).where(condition))).scalar_one_or_none()


async def spend_authorization_code(
    session: Session, authorization_id: UUID, now: datetime, *, dpop_thumbprint: str | None, expires_at: datetime
) -> Authorization | None:
    """Use up an authorization code, for exactly one caller, to whose key all that follows is bound. I-26, A-28."""
    is_live = and_(
        Authorization.code_spent_at.is_(None), Authorization.code_expires_at > now, Authorization.revoked_at.is_(None)
    )
    statement = update(Authorization).where(Authorization.id == authorization_id, is_live)
    values = {"code_spent_at": now, "dpop_thumbprint": dpop_thumbprint, "expires_at": expires_at}
    spent = statement.values(values).returning(Authorization).execution_options(populate_existing=True)
    return (await session.execute(spent)).scalar_one_or_none()


async def keep_authorization(session: Session, authorization_id: UUID, expires_at: datetime) -> None:
    """Keep an authorization for as long as a token that hangs on it."""
    statement = update(Authorization).where(Authorization.id == authorization_id)
    await session.execute(statement.values(expires_at=expires_at))


async def find_refresh_token(
    session: Session, organisation_id: UUID, token_hash: bytes
) -> tuple[RefreshToken, Authorization] | None:
    """A refresh token in whatever state, with its authorization."""
    statement = (
        select(RefreshToken, Authorization)
        .join(Authorization, Authorization.id == RefreshToken.authorization_id)
        .where(RefreshToken.token_hash == token_hash, Authorization.organisation_id == organisation_id)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])


async def spend_refresh_token(session: Session, token_id: UUID, now: datetime) -> bool:
    """Use up a live refresh token of a live authorization; True for exactly one caller. I-32."""
    is_live = and_(RefreshToken.spent_at.is_(None), RefreshToken.expires_at > now)
    unrevoked = select(Authorization.id).where(
        Authorization.id == RefreshToken.authorization_id, Authorization.revoked_at.is_(None)
    )
    statement = update(RefreshToken).where(RefreshToken.id == token_id, is_live, unrevoked.exists())
    return (await session.execute(statement.values(spent_at=now).returning(RefreshToken.id))).one_or_none() is not None


async def has_copies(session: Session, offer_id: UUID) -> bool:
    """Whether copies were fetched under an offer."""
    return (await session.execute(select(Offer.copies).where(Offer.id == offer_id))).scalar_one() > 0


async def spend_open_offer(session: Session, award_id: UUID, now: datetime) -> UUID | None:
    """Use up the open offer of an award, if there is one, since its holder came by another way."""
    condition = and_(Offer.award_id == award_id, _is_open(now))
    statement = (
        update(Offer).where(condition).values(spent_at=now, sealed_secrets=None).returning(Offer.id, Offer.number)
    )
    spent = sorted((await session.execute(statement)).all(), key=lambda row: row[1])
    return spent[-1][0] if spent else None


async def count_offers(session: Session, award_id: UUID, *, since: datetime) -> int:
    """How many offers of an award were made since."""
    made = and_(Offer.award_id == award_id, Offer.created_at > since)
    return (await session.execute(select(func.count()).select_from(Offer).where(made))).scalar_one()


async def keep_offers(session: Session, authorization_id: UUID, granted: Sequence[Mapping[str, Any]]) -> None:
    """Note under which offers an authorization is issued."""
    statement = update(Authorization).where(Authorization.id == authorization_id)
    await session.execute(statement.values(granted=list(granted)))


async def revoke_authorization(session: Session, authorization_id: UUID, now: datetime) -> int:
    """End an authorization with every token that hangs on it, and say how many access tokens those were."""
    statement = update(Authorization).where(Authorization.id == authorization_id, Authorization.revoked_at.is_(None))
    await session.execute(statement.values(revoked_at=now))
    tokens = and_(AccessToken.authorization_id == authorization_id, AccessToken.revoked_at.is_(None))
    revoked = update(AccessToken).where(tokens).values(revoked_at=now).returning(AccessToken.id)
    return len((await session.execute(revoked)).all())


async def find_identity_provider(session: Session, organisation_id: UUID) -> IdentityProvider | None:
    """The OpenID Provider of an organisation."""
    return await session.get(IdentityProvider, organisation_id, populate_existing=True)


async def delete_identity_provider(session: Session, organisation_id: UUID) -> bool:
    """Whether an organisation had an OpenID Provider, and has none any more."""
    statement = delete(IdentityProvider).where(IdentityProvider.organisation_id == organisation_id)
    return (await session.execute(statement.returning(IdentityProvider.id))).one_or_none() is not None


async def keep_sign_in(session: Session, authorization_id: UUID, sealed: bytes, now: datetime) -> bool:
    """Whether an undecided authorization now waits for this answer of a provider, and for no earlier one."""
    condition = and_(Authorization.id == authorization_id, _is_undecided(now))
    statement = update(Authorization).where(condition).values(sealed_sign_in=sealed).returning(Authorization.id)
    return (await session.execute(statement)).one_or_none() is not None


async def spend_sign_in(session: Session, authorization_id: UUID, now: datetime) -> bytes | None:
    """What a provider's answer is held against; for exactly one caller, who takes it away."""
    condition = and_(Authorization.id == authorization_id, _is_undecided(now))
    waiting = await session.execute(select(Authorization.sealed_sign_in).where(condition))
    sealed: bytes | None = waiting.scalar_one_or_none()
    if sealed is None:
        return None
    statement = update(Authorization).where(condition, Authorization.sealed_sign_in == sealed)
    spent = await session.execute(statement.values(sealed_sign_in=None).returning(Authorization.id))
    return None if spent.one_or_none() is None else sealed


async def has_sign_in_link(session: Session, authorization_id: UUID, now: datetime) -> bool:
    """Whether a one-time link of this authorization may still be used."""
    statement = select(SignInLink.id).where(_is_open_link(authorization_id, now)).limit(1)
    return (await session.execute(statement)).one_or_none() is not None


def _is_open_link(authorization_id: UUID, now: datetime) -> Any:
    return and_(
        SignInLink.authorization_id == authorization_id, SignInLink.spent_at.is_(None), SignInLink.expires_at > now
    )


async def spend_sign_in_link(
    session: Session, token_hash: bytes, authorization_id: UUID, now: datetime
) -> SignInLink | None:
    """Use up a one-time link of this authorization; the link for exactly one caller."""
    condition = and_(SignInLink.token_hash == token_hash, _is_open_link(authorization_id, now))
    statement = update(SignInLink).where(condition).values(spent_at=now, sealed_secrets=None).returning(SignInLink)
    return (await session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()


async def count_sign_in_tries(
    session: Session, authorization_id: UUID, *, limit: int, now: datetime
) -> Sequence[SignInLink]:
    """Take one try of each open link of an authorization; those that had one left. Parallel guesses too. A-25."""
    condition = and_(_is_open_link(authorization_id, now), SignInLink.tries < limit)
    statement = update(SignInLink).where(condition).values(tries=SignInLink.tries + 1).returning(SignInLink)
    return (await session.execute(statement.execution_options(populate_existing=True))).scalars().all()


async def list_waiting_sign_in_links(session: Session, organisation_id: UUID, now: datetime) -> Sequence[SignInLink]:
    """Open links whose secrets nobody saw yet, oldest first."""
    is_waiting = and_(
        SignInLink.organisation_id == organisation_id,
        SignInLink.sealed_secrets.is_not(None),
        SignInLink.expires_at > now,
    )
    statement = select(SignInLink).where(is_waiting).order_by(SignInLink.created_at).limit(200)
    return (await session.execute(statement)).scalars().all()


async def take_sign_in_secrets(
    session: Session, organisation_id: UUID, link_id: UUID, now: datetime
) -> tuple[SignInLink, bytes] | None:
    """The sealed secrets of an open link, for exactly one caller; they are gone then."""
    condition = and_(
        SignInLink.id == link_id, SignInLink.organisation_id == organisation_id, SignInLink.expires_at > now
    )
    link = (await session.execute(select(SignInLink).where(condition))).scalar_one_or_none()
    sealed = None if link is None else link.sealed_secrets
    if link is None or sealed is None:
        return None
    taken = update(SignInLink).where(SignInLink.id == link_id, SignInLink.sealed_secrets == sealed)
    row = (await session.execute(taken.values(sealed_secrets=None).returning(SignInLink.id))).one_or_none()
    return None if row is None else (link, sealed)


# Issuing: the tight path


class OrganisationRow(NamedTuple):
    """What a Credential Issuer is made of."""

    id: UUID
    slug: str
    name: str
    url: str | None
    country: str
    registration_number: str | None
    offer_lifetime_seconds: int | None
    claims_retention_days: int | None
    is_federated: bool
    certificate_chain: str | None


class Grant(NamedTuple):
    """All that one access token opens of one award, in one read."""

    token_id: UUID
    offer_id: UUID
    award_id: UUID
    credential_identifiers: Mapping[str, str]
    configuration_ids: Sequence[str] | None
    dpop_thumbprint: str | None
    client_id: str | None
    revokes_earlier_copies: bool
    copies: int
    award_status: str
    sealed_claims: bytes | None
    awarded_at: datetime
    expires_at: datetime | None
    achievement_slug: str
    achievement_version_id: UUID
    key_fragment: str
    sealed_private_jwk: bytes
    organisation: OrganisationRow


# Statements over tables pass the object mapper by, and those put together once are compiled once.
_tokens, _offers, _awards, _versions, _organisations = (
    model.__table__ for model in (AccessToken, Offer, Award, AchievementVersion, Organisation)
)
_status_lists, _status_entries, _credentials = (model.__table__ for model in (StatusList, StatusEntry, Credential))
_status_segments, _status_publications = (model.__table__ for model in (StatusSegment, StatusPublication))
_deferred = DeferredIssuance.__table__
_ORGANISATION_COLUMNS = [_organisations.c[name] for name in OrganisationRow._fields]

_GRANT = Prepared(
    select(
        _tokens.c.id,
        _tokens.c.offer_id,
        _tokens.c.award_id,
        _tokens.c.credential_identifiers,
        _tokens.c.configuration_ids,
        _tokens.c.dpop_thumbprint,
        _tokens.c.client_id,
        _offers.c.revokes_earlier_copies,
        _offers.c.copies,
        _awards.c.status,
        _awards.c.sealed_claims,
        _awards.c.awarded_at,
        _awards.c.expires_at,
        Achievement.__table__.c.slug,
        _awards.c.achievement_version_id,
        SigningKey.__table__.c.fragment,
        SigningKey.__table__.c.sealed_private_jwk,
        *_ORGANISATION_COLUMNS,
    )
    .join_from(_tokens, _awards, _awards.c.id == _tokens.c.award_id)
    .join(_offers, _offers.c.id == _tokens.c.offer_id)
    .join(_versions, _versions.c.id == _awards.c.achievement_version_id)
    .join(Achievement.__table__, Achievement.__table__.c.id == _versions.c.achievement_id)
    .join(_organisations, _organisations.c.id == _tokens.c.organisation_id)
    .join(
        SigningKey.__table__,
        and_(
            SigningKey.__table__.c.organisation_id == _organisations.c.id,
            SigningKey.__table__.c.algorithm == "ES256",
            SigningKey.__table__.c.retired_at.is_(None),
        ),
    )
    .where(_tokens.c.token_hash == bindparam("token_hash"), _organisations.c.slug == bindparam("slug"))
    .where(_tokens.c.revoked_at.is_(None), _tokens.c.expires_at > bindparam("now", type_=UtcDateTime))
    .order_by(_tokens.c.created_at, _tokens.c.award_id)
)


def list_grants(
    connection: BlockingConnection, token_hash: bytes, organisation_slug: str, now: datetime
) -> Sequence[Grant]:
    """What a live access token of this organisation opens, award by award; none when it opens nothing. I-34, A-30."""
    rows = _GRANT.rows(connection, token_hash=token_hash, slug=organisation_slug, now=now)
    own = len(Grant._fields) - 1
    return [Grant._make((*row[:own], OrganisationRow._make(row[own:]))) for row in rows]


class AchievementTexts(NamedTuple):
    """One version of an achievement: as badges carry it, and as staff wrote it."""

    achievement: Mapping[str, Any]
    description: Mapping[str, Any]


_ACHIEVEMENT = Prepared(
    select(_versions.c.achievement, _versions.c.description).where(_versions.c.id == bindparam("version_id"))
)


def get_achievement(connection: BlockingConnection, version_id: UUID) -> AchievementTexts:
    """What one version says, which never changes."""
    ((achievement, description),) = _ACHIEVEMENT.rows(connection, version_id=version_id)
    return AchievementTexts(dict(achievement), dict(description))


def is_achievement(connection: BlockingConnection, organisation_id: UUID, slug: str) -> bool:
    """Whether an organisation describes an achievement under this name."""
    named = select(Achievement.id).where(Achievement.organisation_id == organisation_id, Achievement.slug == slug)
    return connection.execute(named).first() is not None


_SPEND_NONCE = Prepared(_insert_unless_taken(SpentNonce, SpentNonce.__table__.c.nonce_hash))


def spend_nonce(connection: BlockingConnection, nonce_hash: bytes, expires_at: datetime) -> bool:
    """Use up a `c_nonce`; True for exactly one caller. OpenID4VCI 1.0 §13.8."""
    return _SPEND_NONCE.row(connection, nonce_hash=nonce_hash, expires_at=expires_at) is not None


_CLAIM_AWARD = Prepared(
    update(_awards)
    .where(_awards.c.id == bindparam("award_id"), _awards.c.status == "valid")
    .values(issued_at=func.coalesce(_awards.c.issued_at, bindparam("now", type_=UtcDateTime)))
)
_CLAIM_COPIES = Prepared(
    update(_offers)
    .where(_offers.c.id == bindparam("offer_id"), _offers.c.copies + bindparam("more") <= bindparam("limit"))
    .where(_offers.c.copies == bindparam("seen"))
    .where(select(_tokens.c.id).where(_tokens.c.id == bindparam("token_id"), _tokens.c.revoked_at.is_(None)).exists())
    .values(copies=_offers.c.copies + bindparam("more"))
)


def claim_copies(
    connection: BlockingConnection, grant: Grant, copies: int, *, seen: int, limit: int, now: datetime
) -> bool:
    """Reserve copies of a valid award under a live token, or none; a simultaneous revocation waits for it.

    None either where the offer has another number of copies by now than was `seen`: somebody else was served under it.
    """
    if _CLAIM_AWARD.change(connection, award_id=grant.award_id, now=now) != 1:
        return False
    wanted = {"offer_id": grant.offer_id, "token_id": grant.token_id, "more": copies, "limit": limit, "seen": seen}
    return _CLAIM_COPIES.change(connection, **wanted) == 1


_AWARD_MESSAGE = Prepared(select(_awards.c.message).where(_awards.c.id == bindparam("award_id")))


def get_award_message(connection: BlockingConnection, award_id: UUID) -> int:
    """What is told of an award now, by its value in a list; for whoever holds the award, so that it stays so."""
    ((message,),) = _AWARD_MESSAGE.rows(connection, award_id=award_id)
    return int(message)


def count_copies(connection: BlockingConnection, offer_id: UUID) -> int:
    """How many copies were given out under an offer."""
    return int(connection.execute(select(_offers.c.copies).where(_offers.c.id == offer_id)).scalar_one())


class DeferredRow(NamedTuple):
    """Something that was asked for before it could be issued."""

    id: UUID
    offer_id: UUID
    award_id: UUID
    configuration_id: str
    holder_keys: Sequence[Mapping[str, str]]
    spent_at: datetime | None


def add_deferred_issuance(connection: BlockingConnection, row: Mapping[str, Any], *, limit: int) -> bool:
    """Keep what was asked for, unless `limit` others under the same offer are waiting."""
    waiting = select(func.count()).where(_deferred.c.offer_id == row["offer_id"], _deferred.c.spent_at.is_(None))
    if connection.execute(waiting).scalar_one() >= limit:
        return False
    connection.execute(insert(_deferred).values(**row))
    return True


def find_deferred_issuance(connection: BlockingConnection, transaction_hash: bytes) -> DeferredRow | None:
    """What is kept under a `transaction_id`."""
    columns = [_deferred.c[name] for name in DeferredRow._fields]
    row = connection.execute(select(*columns).where(_deferred.c.transaction_hash == transaction_hash)).one_or_none()
    return None if row is None else DeferredRow._make(row)


def list_deferred_issuances(connection: BlockingConnection, offer_id: UUID) -> list[DeferredRow]:
    """Everything that was asked for under an offer before it could be issued."""
    columns = [_deferred.c[name] for name in DeferredRow._fields]
    rows = connection.execute(select(*columns).where(_deferred.c.offer_id == offer_id))
    return [DeferredRow._make(row) for row in rows]


def spend_deferred_issuance(connection: BlockingConnection, deferred_id: UUID, now: datetime) -> None:
    """Note when a transaction was answered first; answering it again changes nothing. OpenID4VCI 1.0 §9.1."""
    condition = and_(_deferred.c.id == deferred_id, _deferred.c.spent_at.is_(None))
    connection.execute(update(_deferred).where(condition).values(spent_at=now))


class OpenStatusList(NamedTuple):
    """A list in which places are still given."""

    id: UUID
    number: int
    size: int


_OPEN_STATUS_LIST = Prepared(
    select(_status_lists.c.id, _status_lists.c.number, _status_lists.c.size)
    .where(_status_lists.c.organisation_id == bindparam("organisation_id"), _status_lists.c.closed_at.is_(None))
    .where(_status_lists.c.kind == bindparam("kind"))
    .order_by(_status_lists.c.number)
    .limit(1)
)


def find_open_status_list(connection: BlockingConnection, organisation_id: UUID, kind: str) -> OpenStatusList | None:
    """The list that new copies whose status is kept in this kind of list get their place in."""
    row = _OPEN_STATUS_LIST.row(connection, organisation_id=organisation_id, kind=kind)
    return None if row is None else OpenStatusList._make(row)


def add_status_list(connection: BlockingConnection, status_list: StatusList) -> bool:
    """Whether the list was opened; False when another process just did."""
    return _add_unless_taken(connection, status_list)


def close_status_list(connection: BlockingConnection, status_list_id: UUID, now: datetime) -> None:
    """Give no more places in this list; it is served for as long as it is referred to. I-79."""
    connection.execute(update(_status_lists).where(_status_lists.c.id == status_list_id).values(closed_at=now))


_TAKE_STATUS_INDEX = Prepared(_insert_unless_taken(StatusEntry, _status_entries.c.status_index))


def take_status_index(
    connection: BlockingConnection,
    status_list_id: UUID,
    index: int,
    *,
    award_id: UUID | None,
    offer_id: UUID | None,
    message: int = 0,
) -> bool:
    """Whether a place was still free and is now this copy's: it is given once, ever. K-77, A-53."""
    row = {"status_list_id": status_list_id, "status_index": index, "value": 0, "message": message}
    return _TAKE_STATUS_INDEX.row(connection, **row, award_id=award_id, offer_id=offer_id) is not None


def list_taken_places(connection: BlockingConnection, status_list_id: UUID) -> set[int]:
    """The places in a list that were given away."""
    statement = select(_status_entries.c.status_index).where(_status_entries.c.status_list_id == status_list_id)
    return set(connection.execute(statement).scalars())


def add_decoys(
    connection: BlockingConnection,
    status_list_id: UUID,
    indexes: Sequence[int],
    values: Sequence[int],
    messages: Sequence[int],
) -> None:
    """Take places in a new list for nobody, with a status and a message from the start. K-77, TSL §13.4, BSL §6.5."""
    nobody = {"status_list_id": status_list_id, "award_id": None, "offer_id": None}
    rows = [
        {**nobody, "status_index": index, "value": value, "message": message}
        for index, value, message in zip(indexes, values, messages, strict=True)
    ]
    connection.execute(insert(_status_entries), rows)


_ADD_CREDENTIAL = Prepared(insert(_credentials))


def add_credential(connection: BlockingConnection, row: Mapping[str, Any]) -> None:
    """Record one signed copy."""
    _ADD_CREDENTIAL.change(connection, **row)


class IssuedCopy(NamedTuple):
    """A copy that was signed before; its bytes are gone when the claims of its award were dropped."""

    id: UUID
    holder_thumbprint: str
    sealed_credential: bytes | None
    notification_event: str | None


def find_issued_copies(
    connection: BlockingConnection, offer_id: UUID, configuration_id: str, thumbprints: Sequence[str]
) -> dict[str, IssuedCopy]:
    """The copies already signed under this offer for these holder keys."""
    statement = select(*(_credentials.c[name] for name in IssuedCopy._fields)).where(
        _credentials.c.offer_id == offer_id,
        _credentials.c.configuration_id == configuration_id,
        _credentials.c.holder_thumbprint.in_(list(thumbprints)),
    )
    rows = [IssuedCopy._make(row) for row in connection.execute(statement)]
    return {row.holder_thumbprint: row for row in rows}


def name_issued_copies(connection: BlockingConnection, copy_ids: Sequence[UUID], notification_hash: bytes) -> None:
    """Let copies that go out once more be known by the `notification_id` of this answer."""
    named = update(_credentials).where(_credentials.c.id.in_(list(copy_ids)))
    connection.execute(named.values(notification_hash=notification_hash))


async def find_badge_file(session: Session, award_id: UUID) -> BadgeFile | None:
    """The newest file of an award, unless it was revoked on its own, by an invitation that replaced earlier copies."""
    newest = select(func.max(BadgeFile.number)).where(BadgeFile.award_id == award_id).scalar_subquery()
    place = and_(
        StatusEntry.status_list_id == BadgeFile.status_list_id, StatusEntry.status_index == BadgeFile.status_index
    )
    statement = (
        select(BadgeFile)
        .join(StatusEntry, place)
        .join(Award, Award.id == BadgeFile.award_id)
        .where(BadgeFile.award_id == award_id, BadgeFile.number == newest)
        .where(or_(StatusEntry.value != _REVOKED, Award.status == "revoked"))
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def find_award_of_file(session: Session, organisation_id: UUID, file_id: UUID) -> UUID | None:
    """The award of this organisation that a file is of."""
    statement = (
        select(BadgeFile.award_id)
        .join(Award, Award.id == BadgeFile.award_id)
        .where(BadgeFile.id == file_id, Award.organisation_id == organisation_id)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def next_file_number(session: Session, award_id: UUID) -> int:
    """The number of the next file of an award."""
    statement = select(func.coalesce(func.max(BadgeFile.number), 0) + 1).where(BadgeFile.award_id == award_id)
    number: int = (await session.execute(statement)).scalar_one()
    return number


async def list_issued_configurations(session: Session, award_id: UUID) -> Sequence[str]:
    """In which configurations copies of an award were issued, whether they still lie here or not."""
    statement = select(Credential.configuration_id).where(Credential.award_id == award_id).distinct()
    return (await session.execute(statement)).scalars().all()


async def keep_notification(
    session: Session, notification_hash: bytes, award_ids: Sequence[UUID], event: str, now: datetime
) -> bool:
    """Whether copies with this `notification_id` were issued under one of these awards; notes what became of them."""
    copies = and_(Credential.notification_hash == notification_hash, Credential.award_id.in_(award_ids))
    statement = update(Credential).where(copies).values(notification_event=event).returning(Credential.award_id)
    noted = set((await session.execute(statement)).scalars())
    if event == "credential_accepted" and noted:
        received = func.coalesce(Award.received_at, now)
        await session.execute(update(Award).where(Award.id.in_(noted)).values(received_at=received))
    return bool(noted)


# Status


# What the entry of a revoked copy says, in lists of both kinds; it never says anything else again.
_REVOKED: Final = 1
# Entries in a packed segment: 4 KiB of a Token Status List's, 2 KiB of a Bitstring Status List's.
SEGMENT_ENTRIES: Final = 16_384


def set_status_of_copies(
    connection: BlockingConnection, award_id: UUID, value: int, *, except_offer: UUID | None = None
) -> int:
    """Set the status of every copy of an award that is not revoked yet, in all lists, and say how many. I-77, I-78."""
    condition = and_(StatusEntry.award_id == award_id, StatusEntry.value != _REVOKED)
    if except_offer is not None:
        condition = and_(condition, or_(StatusEntry.offer_id.is_(None), StatusEntry.offer_id != except_offer))
    return _change_entries(connection, update(StatusEntry).where(condition).values(value=value))


def set_message_of_copies(connection: BlockingConnection, award_id: UUID, value: int) -> int:
    """Set the message of every copy of an award in lists that have messages, and say how many. K-80.1"""
    lists = select(StatusList.id).where(StatusList.kind == StatusKind.BITSTRING_STATUS_LIST)
    condition = and_(StatusEntry.award_id == award_id, StatusEntry.status_list_id.in_(lists))
    return _change_entries(connection, update(StatusEntry).where(condition).values(message=value))


def note_changes(connection: BlockingConnection, places: Iterable[tuple[UUID, int]]) -> None:
    """Note that entries changed, in whichever lists they are: these parts of the lists are packed again."""
    segments: dict[UUID, set[int]] = {}
    for status_list_id, index in places:
        segments.setdefault(status_list_id, set()).add(index // SEGMENT_ENTRIES)
    # Always in the same order, so that nobody waits for somebody who waits for him.
    for status_list_id in sorted(segments):
        _unpack_segments(connection, status_list_id, segments[status_list_id])


def _change_entries(connection: BlockingConnection, statement: Update) -> int:
    """Change entries, in whichever lists they are, and have these parts of the lists packed again."""
    places = statement.returning(StatusEntry.status_list_id, StatusEntry.status_index)
    changed = [(row[0], row[1]) for row in connection.execute(places)]
    note_changes(connection, changed)
    return len(changed)


def revoke_place(connection: BlockingConnection, status_list_id: UUID, index: int) -> None:
    """Revoke what is no copy of an award, by its one place."""
    place = and_(StatusEntry.status_list_id == status_list_id, StatusEntry.status_index == index)
    connection.execute(update(StatusEntry).where(place).values(value=_REVOKED))
    _unpack_segments(connection, status_list_id, [index // SEGMENT_ENTRIES])


def _unpack_segments(connection: BlockingConnection, status_list_id: UUID, numbers: Iterable[int]) -> None:
    """Note that a list changed, and where. Whoever packs it meanwhile is waited for, and packs these parts again."""
    statement = update(_status_lists).where(_status_lists.c.id == status_list_id)
    connection.execute(statement.values(revision=_status_lists.c.revision + 1))
    condition = and_(_status_segments.c.status_list_id == status_list_id, _status_segments.c.number.in_(list(numbers)))
    connection.execute(delete(_status_segments).where(condition))


class ServedList(NamedTuple):
    """A status list in one of its forms, with the organisation that serves it; not yet signed where times are None."""

    id: UUID
    number: int
    kind: str
    size: int
    revision: int
    document: str | None
    signed_at: datetime | None
    signed_revision: int | None
    organisation: OrganisationRow


def find_status_list(
    connection: BlockingConnection, organisation_slug: str, number: int, purpose: str, media_type: str
) -> ServedList | None:
    """A status list by its URL, for this purpose and in this media type."""
    publications = _status_publications
    is_form = and_(
        publications.c.status_list_id == _status_lists.c.id,
        publications.c.purpose == purpose,
        publications.c.media_type == media_type,
    )
    lists = [_status_lists.c[name] for name in ("id", "number", "kind", "size", "revision")]
    form = [publications.c[name] for name in ("document", "signed_at", "signed_revision")]
    statement = (
        select(*lists, *form, *_ORGANISATION_COLUMNS)
        .join_from(_status_lists, _organisations, _organisations.c.id == _status_lists.c.organisation_id)
        .outerjoin(publications, is_form)
        .where(_organisations.c.slug == organisation_slug, _status_lists.c.number == number)
    )
    row = connection.execute(statement).one_or_none()
    if row is None:
        return None
    own = len(ServedList._fields) - 1
    return ServedList._make((*row[:own], OrganisationRow._make(row[own:])))


def lock_status_list(connection: BlockingConnection, status_list_id: UUID) -> None:
    """Let nobody else pack, publish or change this list until this transaction ends; issuing goes on."""
    statement = select(_status_lists.c.id).where(_status_lists.c.id == status_list_id)
    connection.execute(statement.with_for_update(key_share=True))


def list_status_lists(connection: BlockingConnection, organisation_id: UUID) -> Sequence[tuple[int, str]]:
    """The number and kind of each of an organisation's status lists."""
    statement = select(StatusList.number, StatusList.kind).where(StatusList.organisation_id == organisation_id)
    return [(row[0], row[1]) for row in connection.execute(statement.order_by(StatusList.number))]


def list_set_entries(
    connection: BlockingConnection, status_list_id: UUID, first: int, end: int
) -> Sequence[tuple[int, int]]:
    """Index and value of every entry that is not VALID, of those from `first` and before `end`."""
    entries = _status_entries.c
    is_meant = and_(entries.status_list_id == status_list_id, entries.status_index >= first, entries.status_index < end)
    statement = select(entries.status_index, entries.value).where(is_meant, entries.value != 0)
    return [(row[0], row[1]) for row in connection.execute(statement)]


def list_messages(
    connection: BlockingConnection, status_list_id: UUID, first: int, end: int
) -> Sequence[tuple[int, int]]:
    """Index and message of every entry that has one, of those from `first` and before `end`."""
    entries = _status_entries.c
    is_meant = and_(entries.status_list_id == status_list_id, entries.status_index >= first, entries.status_index < end)
    statement = select(entries.status_index, entries.message).where(is_meant, entries.message != 0)
    return [(row[0], row[1]) for row in connection.execute(statement)]


def list_segments(
    connection: BlockingConnection, status_list_id: UUID, purpose: str
) -> Mapping[int, tuple[int, bytes, int, int]]:
    """The segments that are packed and did not change since: length, deflated, Adler-32, CRC-32, by their number."""
    columns = [_status_segments.c[name] for name in ("number", "length", "deflated", "adler32", "crc32")]
    condition = and_(_status_segments.c.status_list_id == status_list_id, _status_segments.c.purpose == purpose)
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in connection.execute(select(*columns).where(condition))}


def add_segments(connection: BlockingConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep packed segments; whoever packs has locked the list."""
    connection.execute(insert(_status_segments), list(rows))


def publish_status_list(connection: BlockingConnection, row: Mapping[str, Any]) -> None:
    """Put a freshly signed form of a list in the place of the one signed before."""
    key = ("status_list_id", "purpose", "media_type")
    statement = _insert(connection, _status_publications).values(row)
    changed = {name: value for name, value in row.items() if name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))


def unpublish_status_lists(connection: BlockingConnection, organisation_id: UUID) -> None:
    """Let every list of an organisation be signed anew when it is asked for; whoever is signing one is waited for."""
    lists = select(_status_lists.c.id).where(_status_lists.c.organisation_id == organisation_id)
    locked = lists.order_by(_status_lists.c.id).with_for_update(key_share=True)
    ids = connection.execute(locked).scalars().all()
    connection.execute(delete(_status_publications).where(_status_publications.c.status_list_id.in_(ids)))


# Endorsements


async def list_given_endorsements(session: Session, organisation_id: UUID) -> Sequence[GivenEndorsement]:
    """What an organisation said of others' badges, newest first."""
    statement = select(GivenEndorsement).where(GivenEndorsement.organisation_id == organisation_id)
    newest_first = statement.order_by(GivenEndorsement.created_at.desc(), GivenEndorsement.id)
    return (await session.execute(newest_first)).scalars().all()


async def find_given_endorsement(
    session: Session, organisation_id: UUID, endorsement_id: UUID
) -> GivenEndorsement | None:
    """One of them."""
    statement = select(GivenEndorsement).where(
        GivenEndorsement.id == endorsement_id, GivenEndorsement.organisation_id == organisation_id
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def withdraw_endorsement(session: Session, endorsement_id: UUID, now: datetime) -> bool:
    """Whether it was withdrawn now; False when it was before."""
    statement = update(GivenEndorsement).where(
        GivenEndorsement.id == endorsement_id, GivenEndorsement.withdrawn_at.is_(None)
    )
    changed = await session.execute(statement.values(withdrawn_at=now).returning(GivenEndorsement.id))
    return changed.scalar_one_or_none() is not None


# Audit, housekeeping


async def add_audit(
    session: Session,
    organisation_id: UUID | None,
    actor: str,
    action: str,
    subject: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Write down who did what. The database refuses to change or delete it afterwards."""
    entry = AuditEntry(
        organisation_id=organisation_id, at=now, actor=actor, action=action, subject=subject, reason=reason
    )
    await add_row(session, entry)


async def list_audit(session: Session, organisation_id: UUID, subject: str) -> Sequence[AuditEntry]:
    """What happened to one thing, in order."""
    statement = select(AuditEntry).where(AuditEntry.organisation_id == organisation_id, AuditEntry.subject == subject)
    return (await session.execute(statement.order_by(AuditEntry.id))).scalars().all()


async def drop_claims(
    session: Session, organisation_id: UUID, award_ids: Sequence[UUID], now: datetime
) -> Sequence[UUID]:
    """Forget names, evidence and signed copies of these awards; what must stay for revocation stays. I-80."""
    condition = and_(
        Award.id.in_(list(award_ids)), Award.organisation_id == organisation_id, Award.claims_dropped_at.is_(None)
    )
    statement = (
        update(Award)
        .where(condition)
        .values(sealed_claims=None, email_hash=None, claims_dropped_at=now)
        .returning(Award.id)
    )
    dropped = (await session.execute(statement)).scalars().all()
    await session.execute(update(Credential).where(Credential.award_id.in_(dropped)).values(sealed_credential=None))
    files = update(BadgeFile).where(BadgeFile.award_id.in_(dropped))
    await session.execute(files.values(sealed_json=None, sealed_jws=None, sealed_sd_jwt=None))
    return dropped


async def list_awards_issued_before(session: Session, organisation_id: UUID, before: datetime) -> Sequence[UUID]:
    """Awards whose claims are still here though they were issued, to a wallet or as a file, before this moment."""
    as_file = select(BadgeFile.award_id).where(BadgeFile.created_at <= before)
    is_old = or_(Award.issued_at <= before, and_(Award.issued_at.is_(None), Award.id.in_(as_file)))
    condition = and_(is_old, Award.claims_dropped_at.is_(None))
    statement = select(Award.id).where(Award.organisation_id == organisation_id, condition).limit(1000)
    return (await session.execute(statement)).scalars().all()


async def delete_expired(
    session: Session, now: datetime, *, guesses_before: datetime, deferred_before: datetime
) -> None:
    """Remove what has run out: nonces, tokens, authorizations, transactions, counters, and the secrets of offers."""
    await session.execute(delete(DeferredIssuance).where(DeferredIssuance.created_at <= deferred_before))
    await session.execute(delete(SpentNonce).where(SpentNonce.expires_at <= now))
    await session.execute(delete(AccessToken).where(AccessToken.expires_at <= now))
    # With an authorization go its links and its refresh tokens.
    await session.execute(delete(Authorization).where(Authorization.expires_at <= now))
    await session.execute(delete(SignInLink).where(SignInLink.expires_at <= now))
    await session.execute(delete(GuessingSource).where(GuessingSource.counted_since <= guesses_before))
    over = and_(Offer.expires_at <= now, Offer.sealed_secrets.is_not(None))
    await session.execute(update(Offer).where(over).values(sealed_secrets=None))


# What is sealed


class SealedColumn(NamedTuple):
    """A column of sealed values, and the column of the identifier that stands in their context."""

    values: Any
    context_id: Any


SEALED: Mapping[str, SealedColumn] = {
    "federation-key": SealedColumn(FederationMembership.sealed_private_jwk, FederationMembership.organisation_id),
    "federation-next-key": SealedColumn(
        FederationMembership.sealed_next_private_jwk, FederationMembership.organisation_id
    ),
    "signing-key": SealedColumn(SigningKey.sealed_private_jwk, SigningKey.organisation_id),
    "award": SealedColumn(Award.sealed_claims, Award.id),
    "offer": SealedColumn(Offer.sealed_secrets, Offer.award_id),
    "credential": SealedColumn(Credential.sealed_credential, Credential.id),
    "identity-provider": SealedColumn(IdentityProvider.sealed_client_secret, IdentityProvider.id),
    "authorization-subject": SealedColumn(Authorization.sealed_subject, Authorization.id),
    "authorization-sign-in": SealedColumn(Authorization.sealed_sign_in, Authorization.id),
    "sign-in-link-subject": SealedColumn(SignInLink.sealed_subject, SignInLink.id),
    "sign-in-link-secrets": SealedColumn(SignInLink.sealed_secrets, SignInLink.id),
    "badge-file-json": SealedColumn(BadgeFile.sealed_json, BadgeFile.id),
    "badge-file-jws": SealedColumn(BadgeFile.sealed_jws, BadgeFile.id),
    "badge-file-sd-jwt": SealedColumn(BadgeFile.sealed_sd_jwt, BadgeFile.id),
}


class SealedValue(NamedTuple):
    """One sealed value: its row, the identifier in its context, and the bytes."""

    row_id: UUID
    context_id: UUID
    sealed: bytes


def list_sealed(connection: BlockingConnection, kind: str, *, after: UUID | None, limit: int) -> Sequence[SealedValue]:
    """The next sealed values of one kind, in the order of their rows."""
    column = SEALED[kind]
    row_id = column.values.class_.id
    statement = select(row_id, column.context_id, column.values).where(column.values.is_not(None))
    if after is not None:
        statement = statement.where(row_id > after)
    return [SealedValue._make(row) for row in connection.execute(statement.order_by(row_id).limit(limit))]


def replace_sealed(connection: BlockingConnection, kind: str, value: SealedValue, sealed: bytes) -> None:
    """Put the same, sealed anew, in the place of a value, unless that changed meanwhile."""
    column = SEALED[kind].values
    condition = and_(column.class_.id == value.row_id, column == value.sealed)
    connection.execute(update(column.class_).where(condition).values({column.key: sealed}))


def set_email_hash(connection: BlockingConnection, award_id: UUID, email_hash: bytes) -> None:
    """Let an award be found by this hash, unless its claims were dropped meanwhile."""
    condition = and_(Award.id == award_id, Award.sealed_claims.is_not(None))
    connection.execute(update(Award).where(condition).values(email_hash=email_hash))


def list_unhashed_awards(connection: BlockingConnection, limit: int) -> Sequence[tuple[UUID, bytes]]:
    """Awards from before there were hashes of addresses, with their sealed claims."""
    condition = and_(Award.email_hash.is_(None), Award.sealed_claims.is_not(None))
    statement = select(Award.id, Award.sealed_claims).where(condition).order_by(Award.id).limit(limit)
    return [(row[0], row[1] or b"") for row in connection.execute(statement)]


# Operators


async def add_operator(session: Session, operator: Operator) -> bool:
    """Whether the operator was added; False when the address is taken."""
    return await run_blocking(session, _add_unless_taken, operator)


async def find_operator(session: Session, operator_id: str) -> tuple[Operator, Organisation] | None:
    """An operator with the organisation that they work for."""
    statement = (
        select(Operator, Organisation)
        .join(Organisation, Organisation.id == Operator.organisation_id)
        .where(Operator.id == operator_id)
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])
