"""API keys of the management API: shown once, kept as hashes, with scopes, for one organisation or for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from issuer import store
from issuer.errors import N_, ApiKeyError, InputError, NotFoundError, ScopeError
from issuer.models import ApiKey
from issuer.settings import IssuerSettings
from issuer.store import Session
from runtime.database import Database
from runtime.tokens import create_token, hash_token

Scope = Literal["organisations:write", "achievements:write", "awards:write", "awards:read", "status:write"]
ALL_SCOPES: frozenset[str] = frozenset(get_args(Scope))
_PREFIX = "swi_"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the management API, and what they may do."""

    name: str
    scopes: frozenset[str]
    organisation_slug: str | None

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
    session: Session, *, name: str, scopes: Sequence[str], organisation_id: UUID | None, actor: str, now: datetime
) -> CreatedKey:
    """Make a key; without organisation it is good for all of them."""
    if not name.strip() or not scopes or not set(scopes) <= ALL_SCOPES:
        raise InputError(fields={"scopes": N_("Geef een naam, en rechten die er zijn.")})
    key = _PREFIX + create_token(32)
    row = ApiKey(
        id=store.new_id(),
        organisation_id=organisation_id,
        name=name.strip()[:100],
        key_hash=hash_token(key),
        scopes=sorted(set(scopes)),
        created_at=now,
    )
    await store.add_row(session, row)
    await store.add_audit(session, organisation_id, actor, "api_key.create", str(row.id), row.name, now)
    return CreatedKey(row.id, key)


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


async def verify_api_key(session: Session, authorization: str | None) -> Caller:
    """Who is behind an Authorization header, or ApiKeyError: the same answer for absent, unknown and withdrawn."""
    scheme, _, key = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise ApiKeyError
    found = await store.find_api_key(session, hash_token(key.strip()))
    if found is None:
        raise ApiKeyError
    row, slug = found
    return Caller(f"api key {row.name}", frozenset(row.scopes), slug)
