"""Organisations: each is a Credential Issuer of its own, with its identifier, keys and status lists. I-81."""

import re
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from issuer import signing_keys, status, store
from issuer.credential_issuer import CredentialIssuer, credential_issuer
from issuer.errors import N_, ConflictError, InputError
from issuer.input import MANY_SECONDS, Input, WebAddress
from issuer.models import Organisation
from issuer.settings import IssuerSettings
from issuer.store import Session
from runtime.database import run_blocking

# First path segments that are the service's own.
RESERVED_SLUGS = frozenset({"api", "static", "health", "ready", "vct", "back-office", "sign-in", "sign-out"})
RESERVED_SLUGS |= {"language", "docs", "images"}
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

Slug = Annotated[str, StringConstraints(pattern=rf"^{SLUG.pattern}$")]


class OrganisationDescription(Input):
    """What a new organisation tells about itself, and its policy."""

    slug: Slug
    name: str = Field(min_length=1, max_length=200)
    url: WebAddress | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "NL"
    registration_number: str | None = Field(default=None, min_length=1, max_length=50)
    offer_lifetime_seconds: int | None = Field(default=None, ge=60, le=MANY_SECONDS)
    claims_retention_days: int | None = Field(default=None, ge=0, le=36500)
    claims_retention_ground: str | None = Field(default=None, max_length=2000)


async def create_organisation(
    session: Session, settings: IssuerSettings, description: OrganisationDescription, *, actor: str, now: datetime
) -> CredentialIssuer:
    """Add an organisation with its first signing keys and status list, or raise ConflictError."""
    if description.slug in RESERVED_SLUGS:
        raise InputError(fields={"slug": N_("Deze naam is van de dienst zelf. Kies een andere.")})
    _check_policy(description, settings)
    organisation = Organisation(**description.model_dump(), is_federated=False, created_at=now)
    if not await store.add_organisation(session, organisation):
        raise ConflictError(N_("Er is al een organisatie met deze naam in het webadres."))
    issuer = credential_issuer(organisation, settings)
    await signing_keys.create_signing_keys(session, settings, issuer, actor=actor, now=now)
    await run_blocking(session, status.open_status_list, settings, organisation.id, number=1, now=now)
    await store.add_audit(session, organisation.id, actor, "organisation.create", issuer.slug, None, now)
    return issuer


def _check_policy(description: OrganisationDescription, settings: IssuerSettings) -> None:
    if timedelta(seconds=description.offer_lifetime_seconds or 0) > settings.longest_offer_lifetime:
        raise InputError(fields={"offer_lifetime_seconds": N_("Zo lang mag een aanbod niet open staan.")})
    longer = timedelta(days=description.claims_retention_days or 0) > settings.claims_retention
    if longer and not description.claims_retention_ground:
        raise InputError(fields={"claims_retention_ground": N_("Noem de grond om gegevens langer te bewaren.")})
