"""Status: random places in lists, published as Token Status Lists, and the three changes an award can undergo.

The rows are the truth; the list is made from them. A changed list is signed again at most once per `ttl`
step, and in any case before half its lifetime is over (I-77, I-79), so many revocations cost one signature.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from issuer import signing_keys, store
from issuer.credential_issuer import CredentialIssuer, credential_issuer
from issuer.errors import N_, ConflictError, InputError, NotFoundError
from issuer.input import LARGEST_NUMBER
from issuer.models import StatusList
from issuer.settings import IssuerSettings
from issuer.store import OpenStatusList, Session
from kernel.status.token_status_list import Status, create_status_list_token
from kernel.status.token_status_list import StatusList as StatusBits
from runtime.database import BlockingConnection, Database, run_blocking
from runtime.tokens import hash_token

# Two bits: VALID, INVALID and SUSPENDED fit. TSL §7.1.
_BITS = 2
# One entry in 128 is given to nobody and set from the start, so that a list does not tell how many badges were
# withdrawn. TSL §13.4, K-77.
_DECOYS_IN = 128
# When this many draws in a row are all taken, the list is about 90 % full: open the next one.
_DRAWS = 12

_random = random.SystemRandom()

Change = Literal["revoke", "suspend", "reinstate"]

# The state that an award may come from, the state it goes to, and what its copies say from then on. I-78: revoked
# stays revoked.
_CHANGES: dict[Change, tuple[frozenset[str], str, Status]] = {
    "revoke": (frozenset({"valid", "suspended"}), "revoked", Status.INVALID),
    "suspend": (frozenset({"valid"}), "suspended", Status.SUSPENDED),
    "reinstate": (frozenset({"suspended"}), "valid", Status.VALID),
}


@dataclass(frozen=True, slots=True)
class StatusPlace:
    """The place of one copy: in which list, and where."""

    status_list_id: UUID
    uri: str
    index: int


@dataclass(frozen=True, slots=True)
class ServedStatusList:
    """A Status List Token as it goes out, and until when nothing newer will."""

    token: str
    etag: str
    fresh_for: timedelta


def open_status_list(
    connection: BlockingConnection, settings: IssuerSettings, organisation_id: UUID, *, number: int, now: datetime
) -> bool:
    """Open a list with its decoys; False when another process opened it first. K-77, TSL §13.4."""
    size = settings.status_list_size
    row = StatusList(organisation_id=organisation_id, number=number, size=size, created_at=now)
    if not store.add_status_list(connection, row):
        return False
    decoys = _random.sample(range(size), size // _DECOYS_IN)
    values = _random.choices(
        [Status.INVALID.value_in_list, Status.SUSPENDED.value_in_list], weights=[4, 1], k=len(decoys)
    )
    store.add_decoys(connection, row.id, decoys, values)
    return True


def allocate_status_places(
    connection: BlockingConnection,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    *,
    award_id: UUID,
    offer_id: UUID,
    count: int,
    now: datetime,
) -> Sequence[StatusPlace]:
    """A random place of its own for each of `count` copies, never given before or again. K-77, A-45, A-53."""
    places: list[StatusPlace] = []
    while len(places) < count:
        status_list = _get_open_list(connection, settings, issuer.organisation_id, now)
        uri = status_list_uri(issuer, status_list.number)
        draws = 0
        while len(places) < count and draws < _DRAWS:
            index = _random.randrange(status_list.size)
            if store.take_status_index(connection, status_list.id, index, award_id=award_id, offer_id=offer_id):
                places.append(StatusPlace(status_list.id, uri, index))
                draws = 0
            else:
                draws += 1
        if draws == _DRAWS:
            store.close_status_list(connection, status_list.id, now)
    return places


def _get_open_list(
    connection: BlockingConnection, settings: IssuerSettings, organisation_id: UUID, now: datetime
) -> OpenStatusList:
    found = store.find_open_status_list(connection, organisation_id)
    while found is None:
        numbers = store.list_status_lists(connection, organisation_id)
        open_status_list(connection, settings, organisation_id, number=max(numbers, default=0) + 1, now=now)
        found = store.find_open_status_list(connection, organisation_id)
    return found


def status_list_uri(issuer: CredentialIssuer, number: int) -> str:
    """The address of a list, the same for all who are in it."""
    return issuer.endpoint(f"status/{number}")


async def change_status(
    session: Session, organisation_id: UUID, award_id: UUID, change: Change, *, reason: str, actor: str, now: datetime
) -> None:
    """Revoke, suspend or reinstate an award: every copy of it, in this one transaction. I-77, I-78."""
    reason = reason.strip()
    if not 1 <= len(reason) <= 500:
        raise InputError(fields={"reason": N_("Schrijf in het kort waarom (hooguit 500 tekens).")})
    if await store.find_award(session, organisation_id, award_id) is None:
        raise NotFoundError(N_("Deze uitreiking kennen we niet."))
    allowed_from, to, value = _CHANGES[change]
    if not await store.change_award_status(session, award_id, allowed_from=allowed_from, to=to, reason=reason, now=now):
        raise ConflictError(_IMPOSSIBLE[change])
    await run_blocking(session, store.set_status_of_copies, award_id, value.value_in_list)
    if change == "revoke":
        await store.void_offers(session, award_id, now)
    await store.add_audit(session, organisation_id, actor, f"award.{change}", str(award_id), reason, now)


_IMPOSSIBLE: dict[Change, str] = {
    "revoke": N_("Deze badge is al ingetrokken. Dat blijft zo."),
    "suspend": N_("Alleen een geldige badge kunt u opschorten."),
    "reinstate": N_("Alleen een opgeschorte badge kunt u herstellen. Ingetrokken blijft ingetrokken."),
}


async def get_status_list(
    database: Database, settings: IssuerSettings, slug: str, number: int, *, now: datetime
) -> ServedStatusList:
    """The list as it is published now, signed again only when its step is over. TSL §8; I-77, I-79."""
    if number > LARGEST_NUMBER:
        raise NotFoundError
    async with database.reading() as session:
        served = await store.find_status_list(session, slug, number)
    if served is None:
        raise NotFoundError
    if not _is_due(served.status_list, settings, now):
        return _served(served.status_list, settings, now)
    async with database.transaction() as session:
        issuer = credential_issuer(served.organisation, settings)
        await _sign_again(session, settings, issuer, served.status_list, now)
        published = await store.find_status_list(session, slug, number)
    if published is None:  # pragma: no cover - lists are never removed
        raise NotFoundError
    return _served(published.status_list, settings, now)


def _is_due(row: StatusList, settings: IssuerSettings, now: datetime) -> bool:
    """Whether the list must be signed: never yet, changed and a step old, or half its life gone (I-79)."""
    if row.token is None or row.signed_at is None:
        return True
    age = now - row.signed_at
    changed = row.revision != row.signed_revision and age >= settings.status_list_ttl
    return changed or age >= settings.status_list_lifetime / 2


async def _sign_again(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, row: StatusList, now: datetime
) -> None:
    key = await run_blocking(session, signing_keys.get_signer, settings, issuer.organisation_id, "ES256", now=now)
    bits = StatusBits(_BITS, row.size)
    for index, value in await store.list_set_entries(session, row.id):
        bits.set(index, value)
    token = create_status_list_token(
        bits,
        uri=status_list_uri(issuer, row.number),
        signer=key.signer,
        key_reference={"kid": issuer.verification_method(key.fragment)},
        issued_at=now,
        expires_at=now + settings.status_list_lifetime,
        ttl=settings.status_list_ttl,
        aggregation_uri=issuer.endpoint("status"),
    )
    await store.publish_status_list(session, row.id, token, revision=row.revision, signed_before=row.signed_at, now=now)


def _served(row: StatusList, settings: IssuerSettings, now: datetime) -> ServedStatusList:
    if row.token is None or row.signed_at is None:  # pragma: no cover - it was signed just before
        raise NotFoundError
    age = now - row.signed_at
    step = settings.status_list_ttl
    return ServedStatusList(row.token, hash_token(row.token).hex()[:32], step - age % step)


async def list_status_list_uris(session: Session, issuer: CredentialIssuer) -> Sequence[str]:
    """The addresses of all lists of this issuer. TSL §9, K-78."""
    return [
        status_list_uri(issuer, number)
        for number in await run_blocking(session, store.list_status_lists, issuer.organisation_id)
    ]
