"""Award an achievement to many thousands at once, as files: decision 0050. I-77, B-20.

Everything is checked before anything is signed. The run and its chunks are written down; worker processes sign, and
this one process writes, a transaction a chunk: the awards, their places, their files, and that the chunk is done. So a
run may end anywhere and is taken up by the same call with the same list: a chunk is written once, whoever writes it.
"""

import asyncio
import gc
import hmac
import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

from issuer import signing_keys, store
from issuer.achievements import description_of, get_achievement
from issuer.award_details import create_award_claims
from issuer.awards import Recipient, check_times, default_expiry, person_of
from issuer.badge_files import file_link
from issuer.bulk_signing import ChunkSigner, ChunkTask, Person, SignedChunk, SigningOrder
from issuer.configurations import securing_of
from issuer.credential_issuer import CredentialIssuer, get_issuer
from issuer.errors import N_, ConflictError, InputError
from issuer.models import AwardBatch, BulkRun
from issuer.recipients import TOO_MANY_IN_BULK, BadLine, parse_recipients
from issuer.settings import IssuerSettings
from issuer.status import Deck, status_kind
from issuer.status_messages import takes_messages
from issuer.store import AchievementRow, ChunkRow, Session
from kernel.errors import MalformedError
from kernel.formats.credential import DC_SD_JWT, LDP_VC
from kernel.keys import SoftwareSigner
from kernel.open_badges import verify_result
from kernel.strict_json import encode_json
from runtime.database import BlockingDatabase, Database, blocking_database, run_blocking
from runtime.workers import Workers

# By what they are known to those who choose one: how a file is secured.
FILE_SECURINGS: Final = {"eddsa-rdfc-2022": LDP_VC, "sd-jwt": DC_SD_JWT, "ecdsa-sd-2023": "ldp_vc_sd"}
# Short enough that nobody waits for a transaction, long enough that its end costs little a row.
CHUNK: Final = 100


# More is no list of people any more.
_MAX_PEOPLE: Final = 1_000_000


class BadLinesError(InputError):
    """Lines of the list that cannot be used, each with why. Nobody was awarded anything."""

    code = "bad_lines"

    def __init__(self, lines: Sequence[BadLine]) -> None:
        super().__init__(N_("Niet alle regels van de lijst kunnen mee. Verbeter ze en begin opnieuw."))
        self.lines = lines


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """What to award to whom. The same request again is the same run."""

    organisation: str
    achievement: str
    securing: str
    people: Sequence[Person]
    awarded_at: datetime | None = None
    expires_at: datetime | None = None


class FileLink(NamedTuple):
    """What to pass on to somebody of the list."""

    person: Person
    reference: str
    link: str


@dataclass(frozen=True, slots=True)
class _Run:
    order: SigningOrder
    row: BulkRun
    people: Sequence[Person]
    waiting: Sequence[ChunkRow]
    processes: int


class _PlaceTakenError(Exception):
    """Somebody was given a place in the list after it was drawn here."""


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector, which would look through all people again and again and find nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def read_people(text: str, achievement: AchievementRow | None = None) -> list[Person]:
    """The people in a list, as the back office reads one, or BadLinesError about every line that cannot be used."""
    found = read_usable_people(text, achievement)
    if found.bad:
        raise BadLinesError(found.bad)
    return list(found.people)


@dataclass(frozen=True, slots=True)
class PeopleList:
    """The people of a list, the lines that cannot be used, and the columns with which nothing is done."""

    people: Sequence[Person]
    bad: Sequence[BadLine]
    unused: Sequence[str]


@_uncollected()
def read_usable_people(text: str, achievement: AchievementRow | None = None) -> PeopleList:
    """The people in a list with what they reached of this achievement, and what of the list cannot be used."""
    found = parse_recipients(text, achievement, limit=_MAX_PEOPLE, too_many=TOO_MANY_IN_BULK)
    return PeopleList([_person(line.recipient, achievement) for line in found.good], found.bad, found.unused)


def _person(recipient: Recipient, achievement: AchievementRow | None) -> Person:
    named = (recipient.given_name, recipient.family_name, recipient.email, recipient.reference)
    said = create_award_claims(recipient, achievement.version.achievement) if achievement is not None else {}
    return Person(*named, said or None, person_of(recipient).get("birthdate"))


def find_achievement(settings: IssuerSettings, organisation: str, slug: str) -> AchievementRow:
    """What a list is about, as it is now, or NotFoundError."""
    return asyncio.run(_find_achievement(settings, organisation, slug))


async def _find_achievement(settings: IssuerSettings, organisation: str, slug: str) -> AchievementRow:
    database = Database(settings.database_url.get_secret_value())
    try:
        async with database.reading() as session:
            return await get_achievement(session, await get_issuer(session, settings, organisation), slug)
    finally:
        await database.close()


@_uncollected()
def award_in_bulk(
    settings: IssuerSettings,
    request: BulkRequest,
    *,
    actor: str,
    processes: int,
    now: Callable[[], datetime],
    report: Callable[[int, int], None],
) -> Sequence[FileLink]:
    """Award to everybody in the list who was not yet, and return the link of each. Raises as `awards` does.

    `report` is told how many are done, of how many. With a key in a hardware security module this process signs alone:
    a session with it cannot be shared.
    """
    run = asyncio.run(_begin(settings, request, actor=actor, processes=processes, now=now()))
    url = settings.database_url.get_secret_value()
    # The processes first: none of them is to have a copy of an open database.
    with Workers(partial(ChunkSigner, run.order), count=run.processes) as workers, blocking_database(url) as database:
        _carry_out(run, workers, database, now, report)
        with database.connection() as connection:
            files = store.list_files_of_batch(connection, run.row.batch_id)
    issuer = run.order.issuer
    return [
        FileLink(run.people[file.position], file.reference, file_link(settings, issuer, file.file_id)) for file in files
    ]


async def _begin(settings: IssuerSettings, request: BulkRequest, *, actor: str, processes: int, now: datetime) -> _Run:
    database = Database(settings.database_url.get_secret_value())
    try:
        async with database.transaction() as session:
            issuer = await get_issuer(session, settings, request.organisation)
            request_hash = _hash(settings, request)
            batch = AwardBatch(
                organisation_id=issuer.organisation_id,
                idempotency_key=f"bulk-{request_hash.hex()}",
                request_hash=request_hash,
                created_at=now,
            )
            earlier = await store.claim_idempotency_key(session, batch)
            if earlier is None:
                await _add_run(session, issuer, request, batch, actor=actor, now=now)
            row = await store.get_bulk_run(session, (earlier or batch).id)
            achievement = await store.get_achievement_version(session, row.achievement_version_id)
            return await _open_run(session, settings, issuer, row, achievement, request.people, processes, now)
    finally:
        await database.close()


async def _add_run(
    session: Session, issuer: CredentialIssuer, request: BulkRequest, batch: AwardBatch, *, actor: str, now: datetime
) -> None:
    achievement = await get_achievement(session, issuer, request.achievement)
    check_times(request.awarded_at, request.expires_at, now=now)
    description = description_of(achievement)
    if description.needs_approval:
        raise ConflictError(N_("Deze badge moet per persoon worden goedgekeurd. Dat kan niet in bulk."))
    awarded_at = request.awarded_at or now
    run = BulkRun(
        batch_id=batch.id,
        achievement_version_id=achievement.version.id,
        securing=FILE_SECURINGS[request.securing],
        actor=actor,
        awarded_at=awarded_at,
        expires_at=request.expires_at or default_expiry(description, awarded_at),
        created_at=now,
    )
    count = len(request.people)
    chunks = [ChunkRow(number, first, min(CHUNK, count - first)) for number, first in enumerate(range(0, count, CHUNK))]
    await store.add_bulk_run(session, run, chunks)
    people = f"{count} awarded as files"
    await store.add_audit(session, issuer.organisation_id, actor, "award.bulk", request.achievement, people, now)


async def _open_run(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    row: BulkRun,
    achievement: AchievementRow,
    people: Sequence[Person],
    processes: int,
    now: datetime,
) -> _Run:
    securing = securing_of(row.securing)
    _require_described(people, achievement.version.achievement)
    key = await run_blocking(
        session, signing_keys.get_signer, settings, issuer.organisation_id, securing.algorithm, now=now
    )
    sealed = await run_blocking(session, store.find_active_key, issuer.organisation_id, securing.algorithm)
    assert sealed is not None  # noqa: S101 - it was just there, in this transaction
    order = SigningOrder(
        settings=settings,
        issuer=issuer,
        securing=row.securing,
        achievement=securing.carried(achievement.version.achievement),
        has_messages=takes_messages(achievement.version.description),
        key=sealed,
        awarded_at=row.awarded_at,
        valid_from=row.created_at,
        expires_at=row.expires_at,
    )
    waiting = await store.list_waiting_chunks(session, row.batch_id)
    return _Run(order, row, people, waiting, processes if isinstance(key.signer, SoftwareSigner) else 0)


def _require_described(people: Sequence[Person], achievement: Mapping[str, Any]) -> None:
    """Nobody gets a result that this version does not describe: the list may have been read over an earlier one."""
    results = {encode_json(result) for person in people if person.claims for result in person.claims.get("result", ())}
    try:
        for result in results:
            verify_result(json.loads(result), achievement)
    except MalformedError as exc:
        raise ConflictError(N_("De badge is intussen veranderd. Lees de lijst opnieuw.")) from exc


def _hash(settings: IssuerSettings, request: BulkRequest) -> bytes:
    """What tells two runs apart: under a key, since it is made of people's names."""
    times = [None if moment is None else moment.isoformat() for moment in (request.awarded_at, request.expires_at)]
    # Without what is said of nobody, so that a run from before there was such a thing is the same run still.
    people = [_without_absent(person) for person in request.people]
    told = [request.achievement, request.securing, times, people]
    return hmac.digest(settings.request_key, b"bulk\n" + json.dumps(told).encode(), "sha256")


def _without_absent(person: Person) -> Sequence[object]:
    if person.birth_date is not None:
        return person
    return person[:4] if person.claims is None else person[:5]


def _carry_out(
    run: _Run,
    workers: Workers[ChunkTask, SignedChunk],
    database: BlockingDatabase,
    now: Callable[[], datetime],
    report: Callable[[int, int], None],
) -> None:
    waiting, total = deque(run.waiting), len(run.people)
    left = sum(chunk.size for chunk in waiting)
    deck = Deck(run.order.settings, run.order.issuer, status_kind(run.order.securing), needed=left)
    done = total - left
    report(done, total)
    while waiting:
        for signed in workers.run(_deal(run, deck, database, waiting, now)):
            try:
                _write(run, signed, database, now())
            except _PlaceTakenError:
                deck.shuffle()
                waiting.append(signed.chunk)
            else:
                done += signed.chunk.size
                report(done, total)


def _deal(
    run: _Run, deck: Deck, database: BlockingDatabase, waiting: deque[ChunkRow], now: Callable[[], datetime]
) -> Iterator[ChunkTask]:
    while waiting:
        chunk, moment = waiting.popleft(), now()
        status_list, places = deck.deal(database, chunk.size, moment)
        people = run.people[chunk.first : chunk.first + chunk.size]
        yield ChunkTask(chunk, people, status_list, places, moment)


def _write(run: _Run, signed: SignedChunk, database: BlockingDatabase, now: datetime) -> None:
    """Write one chunk, unless somebody did; all of it or nothing."""
    issuer, row = run.order.issuer, run.row
    with database.transaction() as connection:
        if not store.claim_chunk(connection, row.batch_id, signed.chunk.number, now):
            return
        active = store.find_active_key(connection, issuer.organisation_id, securing_of(row.securing).algorithm)
        if active is None or active.fragment != run.order.key.fragment:
            raise ConflictError(N_("De sleutel is intussen vervangen. Start opnieuw: wat klaar is, blijft."))
        store.add_bulk_awards(connection, row, issuer.organisation_id, signed.awards, now)
        if not store.add_bulk_files(connection, row, signed.status_list_id, signed.files, now):
            raise _PlaceTakenError
