"""An organisation as a member of OpenID Federations: its Entity Configuration, and who stands above it. T-07.

DIIP v5, appendix B. The Credential Issuer Identifier is the Entity Identifier. The key that signs statements is no key
of credentials (OpenID Federation 1.0 §3.1.1): its public part goes to the superiors, who name it in what they say.

That key is replaced in three steps, so that the chain never breaks (§11): the next key is published beside it; when the
superiors name it too, it signs; when nothing is left that the one before signed, that one goes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from issuer import did_documents, metadata, store
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import N_, ConflictError, InputError, NotFoundError
from issuer.models import FederationMembership
from issuer.settings import IssuerSettings
from issuer.store import Session
from kernel.errors import MalformedError, RejectedError
from kernel.federation import (
    CREDENTIAL_ISSUER,
    FEDERATION_ENTITY,
    VC_ISSUER,
    create_entity_configuration,
    create_federation_entity,
    entity_configuration_url,
    federation_key,
    parse_authority_hints,
)
from kernel.keys import SoftwareSigner, parse_public_jwk

# Short, so that a key that left is gone by the next day; verifiers ask again each hour anyhow.
_LIFETIME: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Membership:
    """What the superiors of an organisation must know, and who they are."""

    entity: str
    entity_configuration: str
    authority_hints: Sequence[str]
    public_jwks: Sequence[Mapping[str, Any]]
    """Every key that is published, and that the superiors should name: the one that signs first."""

    @property
    def public_jwk(self) -> Mapping[str, Any]:
        """The key that signs now."""
        return self.public_jwks[0]


RolloverStep = Literal["announce", "use", "retire"]


async def join_federation(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    authority_hints: Sequence[str],
    *,
    actor: str,
    now: datetime,
) -> Membership:
    """Name the superiors of an organisation, the first time with a new key; credentials name it from now on."""
    hints = _parse_hints(authority_hints, issuer)
    await store.lock_organisation(session, issuer.organisation_id)
    row = await store.find_federation_membership(session, issuer.organisation_id)
    if row is None:
        signer = SoftwareSigner.generate()
        sealed = settings.seal.seal(json.dumps(signer.private_jwk()).encode(), context=_context(issuer))
        row = FederationMembership(
            organisation_id=issuer.organisation_id,
            authority_hints=hints,
            public_jwk=signer.public_key.jwk,
            sealed_private_jwk=sealed,
            created_at=now,
        )
        await store.add_row(session, row)
    await store.set_authority_hints(session, issuer.organisation_id, hints)
    await store.add_audit(session, issuer.organisation_id, actor, "federation.join", issuer.slug, ", ".join(hints), now)
    row.authority_hints = hints
    return _membership(issuer, row)


async def roll_key(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    step: RolloverStep,
    *,
    actor: str,
    now: datetime,
) -> Membership:
    """Take one step in replacing the key of statements. OpenID Federation 1.0 §11.

    `announce` publishes a next key, once. `use` lets it sign, which breaks the chain until every superior names it; the
    one before stays published. `retire` takes that away.
    """
    await store.lock_organisation(session, issuer.organisation_id)
    row = await _get_row(session, issuer)
    if step == "announce" and row.next_public_jwk is None:
        signer = SoftwareSigner.generate()
        sealed = settings.seal.seal(json.dumps(signer.private_jwk()).encode(), context=_context(issuer, "next-"))
        row.next_public_jwk, row.sealed_next_private_jwk = signer.public_key.jwk, sealed
    if step == "use":
        if row.sealed_next_private_jwk is None or row.next_public_jwk is None:
            raise ConflictError(N_("Kondig eerst een nieuwe sleutel aan."))
        private = settings.seal.open(row.sealed_next_private_jwk, context=_context(issuer, "next-"))
        row.previous_public_jwk, row.public_jwk = row.public_jwk, row.next_public_jwk
        row.sealed_private_jwk = settings.seal.seal(private, context=_context(issuer))
        row.next_public_jwk = row.sealed_next_private_jwk = None
    if step == "retire":
        row.previous_public_jwk = None
    await session.flush()
    await store.add_audit(
        session, issuer.organisation_id, actor, f"federation.key.{step}", issuer.slug, _key_id(row.public_jwk), now
    )
    return _membership(issuer, row)


async def leave_federation(session: Session, issuer: CredentialIssuer, *, actor: str, now: datetime) -> None:
    """Publish no Entity Configuration any more. What was issued meanwhile goes on naming it. The key stays."""
    await store.lock_organisation(session, issuer.organisation_id)
    await _get_row(session, issuer)
    await store.set_authority_hints(session, issuer.organisation_id, None)
    await store.add_audit(session, issuer.organisation_id, actor, "federation.leave", issuer.slug, None, now)


async def get_membership(session: Session, issuer: CredentialIssuer) -> Membership:
    """The membership of an organisation, or NotFoundError where it has none."""
    return _membership(issuer, await _get_row(session, issuer))


async def _get_row(session: Session, issuer: CredentialIssuer) -> FederationMembership:
    row = await store.find_federation_membership(session, issuer.organisation_id)
    if row is None or row.authority_hints is None:
        raise NotFoundError(N_("Deze organisatie is van geen federatie lid."))
    return row


async def create_organisation_statement(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, *, now: datetime
) -> str:
    """The Entity Configuration, signed now. OpenID Federation 1.0 §9; DIIP v5 appendix B."""
    row = await _get_row(session, issuer)
    signer = SoftwareSigner.from_jwk(json.loads(settings.seal.open(row.sealed_private_jwk, context=_context(issuer))))
    membership = _membership(issuer, row)
    return create_entity_configuration(
        signer=signer,
        key_id=membership.public_jwk["kid"],
        entity=issuer.identifier,
        keys=membership.public_jwks,
        metadata=await _metadata(session, settings, issuer, now),
        authority_hints=membership.authority_hints,
        issued_at=now,
        expires_at=now + _LIFETIME,
    )


async def _metadata(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, now: datetime
) -> dict[str, Mapping[str, Any]]:
    keys = await did_documents.list_published_keys(session, issuer.organisation_id)
    jwks = [
        {**key.key.jwk, "kid": kid, "alg": key.algorithm, "use": "sig"}
        for key in keys
        for kid in did_documents.key_ids(issuer, key)
    ]
    return {
        FEDERATION_ENTITY: create_federation_entity(issuer.name, issuer.url),
        CREDENTIAL_ISSUER: await metadata.create_issuer_metadata(session, settings, issuer, language="nl", now=now),
        VC_ISSUER: {"jwks": {"keys": jwks}},
    }


def _membership(issuer: CredentialIssuer, row: FederationMembership) -> Membership:
    published = [row.public_jwk, row.next_public_jwk, row.previous_public_jwk]
    keys = [federation_key(parse_public_jwk(jwk)) for jwk in published if jwk is not None]
    return Membership(
        entity=issuer.identifier,
        entity_configuration=entity_configuration_url(issuer.identifier),
        authority_hints=row.authority_hints or (),
        public_jwks=keys,
    )


def _key_id(jwk: Mapping[str, Any]) -> str:
    return parse_public_jwk(jwk).thumbprint


def _parse_hints(hints: Sequence[str], issuer: CredentialIssuer) -> list[str]:
    try:
        return parse_authority_hints(hints, entity=issuer.identifier)
    except MalformedError as exc:
        raise InputError(fields={"authority_hints": N_("Geef webadressen die met https beginnen.")}) from exc
    except RejectedError as exc:
        raise InputError(fields={"authority_hints": N_("Een organisatie staat niet boven zichzelf.")}) from exc


def _context(issuer: CredentialIssuer, which: Literal["", "next-"] = "") -> str:
    return f"issuer/federation-{which}key/{issuer.organisation_id}"
