"""API keys of the management API: shown once, kept as hashes, with scopes, for one organisation or for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, get_args
from uuid import UUID

from issuer import store
from issuer.errors import N_, ApiKeyError, InputError, NotFoundError, ScopeError
from issuer.models import ApiKey
from issuer.operators import operator_actor
from issuer.settings import IssuerSettings
from issuer.store import Session
from runtime.database import Database
from runtime.tokens import create_token, hash_token
from runtime.visible_text import hides_something, is_blank

Scope = Literal["organisations:write", "achievements:write", "awards:write", "awards:read", "status:write"]
ALL_SCOPES: frozenset[str] = frozenset(get_args(Scope))
# What whoever is signed in may do as well, so that no key of theirs can do more than they (I-63).
STAFF_SCOPES: Final[tuple[Scope, ...]] = ("awards:read", "awards:write", "status:write", "achievements:write")
_PREFIX = "swi_"
_NOTED_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the management API, and what they may do; `person` is on whose name the key stands, if anybody's."""

    name: str
    scopes: frozenset[str]
    organisation_slug: str | None
    person: str | None = None

    def require(self, scope: Scope, organisation_slug: str | None = None) -> None:
        """Raise unless the key has the scope, for this organisation. A foreign organisation does not exist (A-52)."""
        if scope not in self.scopes:
            raise ScopeError
        if self.organisation_slug is not None and self.organisation_slug != organisation_slug:
            raise NotFoundError(N_("Deze organisatie kennen we hier niet."))


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key, in the only moment in which it can be read."""

    id: UUID
    key: str


async def create_api_key(
    session: Session,
    *,
    name: str,
    scopes: Sequence[str],
    organisation_id: UUID | None,
    operator_id: str | None = None,
    actor: str,
    now: datetime,
) -> CreatedKey:
    """Make a key; without organisation it is good for all of them.

    One on the name of a member of staff does what that person would, where it matters who did: awarding what a second
    person approves, and approving it. So it makes no accounts and no keys, by which one person could become two. I-63.
    """
    if operator_id is not None:
        await _verify_person(session, operator_id, scopes, organisation_id)
    if is_blank(name) or hides_something(name) or not scopes or not set(scopes) <= ALL_SCOPES:
        raise InputError(fields={"scopes": N_("Geef een naam, en rechten die er zijn.")})
    key = _PREFIX + create_token(32)
    row = ApiKey(
        id=store.new_id(),
        organisation_id=organisation_id,
        name=name.strip()[:100],
        key_hash=hash_token(key),
        scopes=sorted(set(scopes)),
        operator_id=operator_id,
        created_at=now,
    )
    await store.add_row(session, row)
    await store.add_audit(session, organisation_id, actor, "api_key.create", str(row.id), row.name, now)
    return CreatedKey(row.id, key)


async def _verify_person(
    session: Session, operator_id: str, scopes: Sequence[str], organisation_id: UUID | None
) -> None:
    found = await store.find_operator(session, operator_id)
    if found is None or found[1].id != organisation_id:
        raise InputError(fields={"operator": N_("Deze medewerker kennen we hier niet.")})
    if "organisations:write" in scopes:
        raise InputError(fields={"scopes": N_("Een sleutel op naam kan geen accounts of sleutels maken.")})


async def create_admin_key(database: Database, *, name: str = "admin", now: datetime) -> str:
    """The first key of a deployment: every scope, every organisation. For the command line, never for a URL."""
    async with database.transaction() as session:
        created = await create_api_key(
            session, name=name, scopes=sorted(ALL_SCOPES), organisation_id=None, actor="command line", now=now
        )
    return created.key


async def keep_admin_key(database: Database, settings: IssuerSettings, *, now: datetime) -> None:
    """Put the key of the settings in place; it is there already after the first start."""
    if settings.admin_key is None:
        return
    row = ApiKey(
        id=store.new_id(),
        name="admin",
        key_hash=hash_token(settings.admin_key.get_secret_value()),
        scopes=sorted(ALL_SCOPES),
        created_at=now,
    )
    async with database.transaction() as session:
        await store.add_api_key(session, row)


async def revoke_api_key(session: Session, organisation_id: UUID, key_id: UUID, *, actor: str, now: datetime) -> None:
    """Withdraw a key of this organisation, or raise NotFoundError."""
    if not await store.revoke_api_key(session, organisation_id, key_id, now):
        raise NotFoundError(N_("Deze sleutel kennen we niet."))
    await store.add_audit(session, organisation_id, actor, "api_key.revoke", str(key_id), None, now)


async def verify_api_key(database: Database, authorization: str | None, *, now: datetime) -> Caller:
    """Who is behind an Authorization header, or ApiKeyError: the same answer for absent, unknown and withdrawn.

    Once an hour it is written down that the key is in use, in a transaction of its own.
    """
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise ApiKeyError
    async with database.reading() as session:
        found = await store.find_api_key(session, hash_token(key.strip()))
    if found is None:
        raise ApiKeyError
    row, slug = found
    if row.used_at is None or now - row.used_at >= _NOTED_EVERY:
        async with database.transaction() as session:
            await store.note_api_key_use(session, row.id, now)
    person = None if row.operator_id is None else operator_actor(row.operator_id)
    return Caller(f"api key {row.name}", frozenset(row.scopes), slug, person)


@dataclass(frozen=True, slots=True)
class KeyLine:
    """What staff see of a key: never the key."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    person: str | None
    """On whose name it stands."""
    created_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


async def list_api_keys(session: Session, organisation_id: UUID) -> list[KeyLine]:
    """Every key that this organisation has or had, those that work first."""
    found = [
        KeyLine(row.id, row.name, tuple(row.scopes), person, row.created_at, row.used_at, row.revoked_at)
        for row, person in await store.list_api_keys(session, organisation_id)
    ]
    return sorted(found, key=lambda line: line.revoked_at is not None)
