"""An award as a European Digital Credential of the European Learning Model, unsigned. E-11.

For the sealing service of the organisation itself: Europass takes only what a qualified seal stands on, and that is not
ours to give. The learner is named in it, since the document becomes theirs.
"""

from typing import Final
from uuid import UUID

from issuer import store
from issuer.awards import open_claims
from issuer.badge_files import Download, file_name, get_claims_for_file
from issuer.credential_issuer import CredentialIssuer
from issuer.datasets import create_dataset
from issuer.errors import N_, NotFoundError
from issuer.settings import IssuerSettings
from issuer.store import AwardRow, Session
from kernel.elm import create_elm_credential
from kernel.microcredential import read_microcredential_badge
from kernel.open_badges import create_open_badge, format_date_time
from kernel.strict_json import encode_json

MEDIA_TYPE: Final = "application/ld+json"


async def create_elm_document(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, award_id: UUID
) -> Download:
    """The document of one valid award, the same each time; or ConflictError when there is nothing to say any more."""
    row = await store.find_award(session, issuer.organisation_id, award_id)
    if row is None:
        raise NotFoundError(N_("Deze uitreiking kennen we niet."))
    claims = get_claims_for_file(row)
    document = create_elm_credential(read_microcredential_badge(_badge(settings, issuer, row, claims)))
    return Download(encode_json(document), MEDIA_TYPE, f"{file_name(row)}.jsonld")


def _badge(
    settings: IssuerSettings, issuer: CredentialIssuer, row: AwardRow, sealed_claims: bytes
) -> dict[str, object]:
    """What the badge says, with its learner by name: never signed, only read."""
    award = row.award
    claims = open_claims(settings, award.id, sealed_claims)
    address = {
        "type": "IdentityObject",
        "hashed": False,
        "identityHash": claims["person"]["email"],
        "identityType": "emailAddress",
    }
    dataset = create_dataset(
        issuer,
        row.version.achievement,
        claims,
        person={name: value for name, value in claims["person"].items() if name != "email"},
        identifiers=[address],
        awarded_at=award.awarded_at,
        credential_id=f"urn:uuid:{award.id}",
    )
    badge, _ = create_open_badge(dataset, issuer_id=issuer.did, subject_id=None)
    end = None if award.expires_at is None else format_date_time(int(award.expires_at.timestamp()))
    return {**badge, "validFrom": badge["awardedDate"], **({} if end is None else {"validUntil": end})}
