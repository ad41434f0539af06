"""The OpenID Provider at which an organisation's own people sign in: set, shown without its secret, taken away."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from issuer import store
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import N_, InputError, NotFoundError
from issuer.input import Input
from issuer.models import IdentityProvider
from issuer.settings import IssuerSettings
from issuer.store import Session
from kernel.errors import CredentialError
from runtime.fetch import check_url

EMAIL_CLAIM = "email"


class IdentityProviderDescription(Input):
    """An OpenID Provider, where this deployment is registered as a client with the callback address that is shown.

    `subject_claim` says by what a person's awards are found: `email`, which the provider must have verified, or any
    other claim of its ID Tokens, which is then compared with the award's own reference.
    """

    issuer: str = Field(min_length=1, max_length=500)
    name: str = Field(min_length=1, max_length=200)
    client_id: str = Field(min_length=1, max_length=500)
    client_secret: str | None = Field(default=None, min_length=1, max_length=1000, repr=False)
    subject_claim: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:/-]{1,100}$")] = EMAIL_CLAIM


@dataclass(frozen=True, slots=True)
class OpenIdProvider:
    """A provider as it is used to sign people in."""

    issuer: str
    name: str
    client_id: str
    client_secret: str | None = field(repr=False)
    subject_claim: str


_FIELD_PROBLEMS = {
    "issuer": N_("Vul het adres van de inlogdienst in. Zoek het op bij de beheerder ervan."),
    "name": N_("Vul in hoe mensen de inlogdienst noemen. De naam komt op de knop."),
    "client_id": N_("Vul de client_id in. U krijgt die van de beheerder van de inlogdienst."),
    "client_secret": N_("Het geheim is te lang. Plak het opnieuw, zonder meer."),
    "subject_claim": N_("Dit is geen naam van een gegeven. Laat email staan als u het niet weet."),
}


def parse_identity_provider(values: Mapping[str, str]) -> IdentityProviderDescription:
    """Read what was filled in, or raise InputError that names each field."""
    try:
        return IdentityProviderDescription.model_validate(values)
    except ValidationError as exc:
        names = {str(problem["loc"][0]) for problem in exc.errors()}
        raise InputError(fields={name: _FIELD_PROBLEMS[name] for name in _FIELD_PROBLEMS if name in names}) from exc


async def set_identity_provider(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    description: IdentityProviderDescription,
    *,
    actor: str,
    now: datetime,
) -> OpenIdProvider:
    """Let people sign in at this provider from now on. Without a secret in it, the one that was set before stays."""
    try:
        check_url(description.issuer, settings.local_hosts)
    except CredentialError as exc:
        raise InputError(fields={"issuer": N_("Dit is geen https-adres dat wij kunnen bereiken.")}) from exc
    await store.lock_organisation(session, issuer.organisation_id)
    row = await store.find_identity_provider(session, issuer.organisation_id)
    if row is None:
        row = IdentityProvider(organisation_id=issuer.organisation_id, id=store.new_id())
    elif row.issuer != description.issuer and description.client_secret is None:
        # A secret that was made for one provider is never sent to another.
        row.sealed_client_secret = None
    row.issuer, row.name = description.issuer, description.name
    row.client_id, row.subject_claim, row.changed_at = description.client_id, description.subject_claim, now
    if description.client_secret is not None:
        secret = description.client_secret.encode()
        row.sealed_client_secret = settings.seal.seal(secret, context=_context(row))
    await store.add_row(session, row)
    await store.add_audit(
        session, issuer.organisation_id, actor, "identity_provider.set", description.issuer[:80], None, now
    )
    return _open(settings, row)


async def find_identity_provider(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer
) -> OpenIdProvider | None:
    """Where people of this organisation sign in; None where they get a one-time link."""
    row = await store.find_identity_provider(session, issuer.organisation_id)
    return None if row is None else _open(settings, row)


async def remove_identity_provider(session: Session, issuer: CredentialIssuer, *, actor: str, now: datetime) -> None:
    """Let people sign in by one-time link again, or NotFoundError."""
    await store.lock_organisation(session, issuer.organisation_id)
    if not await store.delete_identity_provider(session, issuer.organisation_id):
        raise NotFoundError(N_("Er is geen inlogdienst ingesteld."))
    await store.add_audit(session, issuer.organisation_id, actor, "identity_provider.remove", issuer.slug, None, now)


def callback_url(issuer: CredentialIssuer) -> str:
    """Where a provider sends browsers back to: what this deployment is registered with there."""
    return issuer.endpoint("sign-in/callback")


def _open(settings: IssuerSettings, row: IdentityProvider) -> OpenIdProvider:
    secret = row.sealed_client_secret
    opened = None if secret is None else settings.seal.open(secret, context=_context(row)).decode()
    return OpenIdProvider(row.issuer, row.name, row.client_id, opened, row.subject_claim)


def _context(row: IdentityProvider) -> str:
    return f"issuer/identity-provider/{row.id}"
