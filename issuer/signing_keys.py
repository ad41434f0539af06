"""The keys of an organisation: made here, sealed at rest, opened once a process.

One key signs; keys that were retired stay in the DID document, since what they signed still circulates.
A key that leaked is withdrawn: it leaves the document, and everything that it signed stops verifying.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from issuer import store
from issuer.errors import N_, ConflictError, NotFoundError
from issuer.models import SigningKey
from issuer.settings import IssuerSettings
from issuer.store import Session
from kernel.keys import PublicKey, Signer, SoftwareSigner, parse_public_jwk
from runtime.encryption import SealingKey


@dataclass(frozen=True, slots=True)
class PublishedKey:
    """A public key as the DID document and the issuer metadata show it."""

    fragment: str
    key: PublicKey
    retired_at: datetime | None


async def create_signing_key(
    session: Session, settings: IssuerSettings, organisation_id: UUID, *, actor: str, now: datetime
) -> str:
    """Make a new key that signs from now on, retire the one before it, and return its fragment."""
    earlier = await store.list_signing_keys(session, organisation_id)
    fragment = f"es256-{now:%Y}-{len(earlier) + 1}"
    signer = SoftwareSigner.generate("ES256")
    await store.retire_signing_keys(session, organisation_id, now)
    private_jwk = json.dumps(signer.private_jwk()).encode()
    await store.add_row(
        session,
        SigningKey(
            organisation_id=organisation_id,
            fragment=fragment,
            public_jwk=dict(signer.public_key.jwk),
            sealed_private_jwk=settings.seal.seal(private_jwk, context=_context(organisation_id)),
            created_at=now,
        ),
    )
    await store.add_audit(session, organisation_id, actor, "key.create", fragment, None, now)
    return fragment


async def withdraw_signing_key(
    session: Session, organisation_id: UUID, fragment: str, *, actor: str, now: datetime
) -> None:
    """Take a leaked key out of the DID document. The key that signs now must be replaced first."""
    keys = {key.fragment: key for key in await store.list_signing_keys(session, organisation_id)}
    if fragment not in keys:
        raise NotFoundError(N_("Deze sleutel kennen we niet."))
    if keys[fragment].retired_at is None:
        raise ConflictError(N_("Met deze sleutel wordt nu getekend. Maak eerst een nieuwe."))
    await store.withdraw_signing_key(session, keys[fragment].id)
    await store.add_audit(session, organisation_id, actor, "key.withdraw", fragment, None, now)


async def list_published_keys(session: Session, organisation_id: UUID) -> Sequence[PublishedKey]:
    """Every key that credentials of this organisation may be signed with, newest first."""
    return [
        PublishedKey(row.fragment, parse_public_jwk(row.public_jwk), row.retired_at)
        for row in await store.list_signing_keys(session, organisation_id)
    ]


def open_signer(settings: IssuerSettings, organisation_id: UUID, sealed_private_jwk: bytes) -> Signer:
    """The signer inside a sealed key. Opened keys stay in memory: parsing costs more than signing."""
    return _open_signer(settings.seal, sealed_private_jwk, _context(organisation_id))


@lru_cache(maxsize=256)
def _open_signer(seal: SealingKey, sealed_private_jwk: bytes, context: str) -> Signer:
    return SoftwareSigner.from_jwk(json.loads(seal.open(sealed_private_jwk, context=context)))


def _context(organisation_id: UUID) -> str:
    return f"issuer/signing-key/{organisation_id}"
