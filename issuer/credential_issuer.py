"""An organisation as wallets and verifiers know it: a Credential Issuer with its own identifier and DID. I-81."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

from issuer import store
from issuer.errors import N_, NotFoundError
from issuer.models import Organisation
from issuer.settings import IssuerSettings
from issuer.store import OrganisationRow, Session
from kernel.did import did_web


@dataclass(frozen=True, slots=True)
class CredentialIssuer:
    """One Credential Issuer of this deployment."""

    organisation_id: UUID
    slug: str
    name: str
    url: str | None
    country: str
    registration_number: str | None
    offer_lifetime: timedelta | None
    claims_retention: timedelta | None
    identifier: str
    did: str
    is_federated: bool
    certificate_chain: tuple[str, ...] = ()
    """Of the key that signs ES256 now, leaf first and without the anchor; empty: known by its DID alone. I-76."""

    @property
    def federation_entity(self) -> str | None:
        """The name under which a federation knows it, where it is a member of one. T-07."""
        return self.identifier if self.is_federated else None

    def endpoint(self, name: str) -> str:
        """The URL of one of this issuer's endpoints."""
        return f"{self.identifier}/{name}"

    def verification_method(self, fragment: str) -> str:
        """The DID URL of one of this issuer's keys: the `kid` of what it signs. I-75."""
        return f"{self.did}#{fragment}"


def credential_issuer(organisation: Organisation | OrganisationRow, settings: IssuerSettings) -> CredentialIssuer:
    """The Credential Issuer that an organisation is at this deployment."""
    if isinstance(organisation, OrganisationRow):
        return _issuer_of_row(organisation, settings.public_url)
    return _create_issuer(organisation, settings.public_url)


def _create_issuer(organisation: Organisation | OrganisationRow, public_url: str) -> CredentialIssuer:
    identifier = f"{public_url}/{organisation.slug}"
    seconds, days = organisation.offer_lifetime_seconds, organisation.claims_retention_days
    return CredentialIssuer(
        organisation_id=organisation.id,
        slug=organisation.slug,
        name=organisation.name,
        url=organisation.url,
        country=organisation.country,
        registration_number=organisation.registration_number,
        offer_lifetime=None if seconds is None else timedelta(seconds=seconds),
        claims_retention=None if days is None else timedelta(days=days),
        identifier=identifier,
        did=did_web(identifier),
        is_federated=organisation.is_federated,
        certificate_chain=tuple((organisation.certificate_chain or "").split()),
    )


@lru_cache(maxsize=1024)
def _issuer_of_row(organisation: OrganisationRow, public_url: str) -> CredentialIssuer:
    """Once for all requests while the row says the same."""
    return _create_issuer(organisation, public_url)


async def get_issuer(session: Session, settings: IssuerSettings, slug: str) -> CredentialIssuer:
    """The Credential Issuer with this slug, or NotFoundError."""
    organisation = await store.find_organisation(session, slug)
    if organisation is None:
        raise NotFoundError(N_("Deze organisatie kennen we hier niet."))
    return credential_issuer(organisation, settings)


async def list_issuers(session: Session, settings: IssuerSettings) -> Sequence[CredentialIssuer]:
    """All organisations of this deployment, by name."""
    return [credential_issuer(organisation, settings) for organisation in await store.list_organisations(session)]
