"""Credential Offers. OpenID4VCI 1.0 §4.1.

An offer carries no personal data: who it is for stands in the database, behind the code (I-06). Its secrets
lie sealed while it is open, so that staff can show the link and the code again, and are gone when it ends.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from urllib.parse import quote
from uuid import UUID

from issuer import store
from issuer.configurations import HAIP_SECURING, configuration_id, configuration_ids, list_code_securings
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import N_, InputError, NotFoundError
from issuer.models import Offer
from issuer.settings import IssuerSettings
from issuer.store import AchievementRow, Session
from kernel.openid4vci import (
    HAIP_OFFER_SCHEME,
    AuthorizationCodeGrant,
    CredentialOffer,
    PreAuthorizedCodeGrant,
    TxCode,
    create_offer_link,
)
from runtime.database import Database
from runtime.tokens import create_numeric_code, create_token, hash_token

_TX_CODE_LENGTH = 6
# An offer has no language of its own, so that of the badge speaks. OpenID4VCI 1.0 §4.1.1: at most 300 characters.
_TX_CODE_DESCRIPTIONS = {
    "nl": "De code krijg je apart, van je opleiding of organisatie.",
    "en": "You receive the code separately, from your school or organisation.",
}


@dataclass(frozen=True, slots=True)
class OfferPolicy:
    """How offers of one batch are made."""

    has_tx_code: bool = True
    lifetime: timedelta | None = None
    revokes_earlier_copies: bool = False

    @classmethod
    def of(cls, *, has_tx_code: bool, seconds: int | None, revokes_earlier_copies: bool = False) -> Self:
        """The policy that a request asks for."""
        return cls(has_tx_code, None if seconds is None else timedelta(seconds=seconds), revokes_earlier_copies)


@dataclass(frozen=True, slots=True)
class OpenOffer:
    """An open offer as staff hand it over: the link one way, the code another.

    `haip_link` is the same offer to a wallet under HAIP, whose owner signs in and needs no code; None where that form
    is not issued.
    """

    link: str
    haip_link: str | None
    by_value_link: str
    credential_offer_uri: str
    wallet_link: str | None
    tx_code: str | None
    expires_at: datetime


async def create_offer(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    *,
    award_id: UUID,
    achievement: AchievementRow,
    policy: OfferPolicy,
    now: datetime,
) -> OpenOffer:
    """Make a new offer of an award; only hashes of its secrets can be searched for. I-01 to I-07, I-28."""
    secrets = {
        "reference": create_token(32),
        "pre-authorized_code": create_token(32),
        "tx_code": create_numeric_code(_TX_CODE_LENGTH) if policy.has_tx_code else None,
        "issuer_state": create_token(32),
    }
    offer = Offer(
        award_id=award_id,
        number=await store.next_offer_number(session, award_id),
        organisation_id=issuer.organisation_id,
        reference_hash=hash_token(str(secrets["reference"])),
        code_hash=hash_token(str(secrets["pre-authorized_code"])),
        issuer_state_hash=hash_token(str(secrets["issuer_state"])),
        sealed_secrets=settings.seal.seal(json.dumps(secrets).encode(), context=_context(award_id)),
        has_tx_code=policy.has_tx_code,
        revokes_earlier_copies=policy.revokes_earlier_copies,
        created_at=now,
        expires_at=now + _lifetime(settings, issuer, policy),
    )
    await store.add_row(session, offer)
    return _as_open(settings, issuer, achievement, secrets, offer.expires_at)


def _lifetime(settings: IssuerSettings, issuer: CredentialIssuer, policy: OfferPolicy) -> timedelta:
    """How long an offer stands open: ten minutes, or longer when a `tx_code` guards it (settings say why)."""
    if not policy.has_tx_code:
        lifetime = policy.lifetime or settings.offer_lifetime
        if lifetime > settings.offer_lifetime:
            raise InputError(
                fields={"offer_valid_seconds": N_("Zonder code kan een aanbod hooguit 10 minuten open staan.")}
            )
        return lifetime
    lifetime = policy.lifetime or issuer.offer_lifetime or settings.protected_offer_lifetime
    if not timedelta(minutes=1) <= lifetime <= settings.longest_offer_lifetime:
        raise InputError(fields={"offer_valid_seconds": N_("Zo lang of kort kan een aanbod niet open staan.")})
    return lifetime


def find_open_offer(
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    offer: Offer | None,
    achievement: AchievementRow,
    *,
    now: datetime,
) -> OpenOffer | None:
    """The link and code of an offer, for as long as it is open; staff may show them again."""
    if offer is None or offer.sealed_secrets is None or offer.spent_at is not None or offer.expires_at <= now:
        return None
    secrets = open_secrets(settings, offer.award_id, offer.sealed_secrets)
    return _as_open(settings, issuer, achievement, secrets, offer.expires_at)


def open_secrets(settings: IssuerSettings, award_id: UUID, sealed: bytes) -> dict[str, str | None]:
    """The reference, code and `tx_code` of an open offer."""
    secrets: dict[str, str | None] = json.loads(settings.seal.open(sealed, context=_context(award_id)))
    return secrets


def seal_tx_code(settings: IssuerSettings, offer: Offer) -> bytes | None:
    """What stays of the secrets of a spent offer until it expires: who returns with its code must know this too."""
    if not offer.has_tx_code or offer.sealed_secrets is None:
        return None
    kept = {"tx_code": open_secrets(settings, offer.award_id, offer.sealed_secrets)["tx_code"]}
    return settings.seal.seal(json.dumps(kept).encode(), context=_context(offer.award_id))


async def resolve_offer(
    database: Database,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    reference: str,
    *,
    now: datetime,
    is_opening: bool,
) -> Mapping[str, Any]:
    """The offer behind a `credential_offer_uri`, or NotFoundError once it was used or has expired. I-04."""
    find = store.open_offer if is_opening else store.find_open_offer
    async with database.transaction() as session:
        offer = await find(session, issuer.organisation_id, hash_token(reference), now)
        row = None if offer is None else await store.find_award(session, issuer.organisation_id, offer.award_id)
    if offer is None or offer.sealed_secrets is None or row is None:
        raise NotFoundError(N_("Dit aanbod is al gebruikt of verlopen. Vraag een nieuw aan bij wie het u stuurde."))
    secrets = open_secrets(settings, offer.award_id, offer.sealed_secrets)
    return _offer(settings, issuer, AchievementRow(row.achievement, row.version), secrets).as_json()


def _as_open(
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    achievement: AchievementRow,
    secrets: Mapping[str, str | None],
    expires_at: datetime,
) -> OpenOffer:
    uri = issuer.endpoint(f"offers/{secrets['reference']}")
    link = create_offer_link(uri)
    return OpenOffer(
        link=link,
        haip_link=_haip_link(settings, issuer, achievement, secrets),
        by_value_link=create_offer_link(_offer(settings, issuer, achievement, secrets)),
        credential_offer_uri=uri,
        wallet_link=None if settings.wallet_url is None else f"{settings.wallet_url}/open?link={quote(link, safe='')}",
        tx_code=secrets["tx_code"],
        expires_at=expires_at,
    )


def _offer(
    settings: IssuerSettings, issuer: CredentialIssuer, achievement: AchievementRow, secrets: Mapping[str, str | None]
) -> CredentialOffer:
    configurations = configuration_ids(settings, achievement.achievement.slug)
    said = _TX_CODE_DESCRIPTIONS[achievement.version.description["language"]]
    tx_code = TxCode("numeric", _TX_CODE_LENGTH, said) if secrets["tx_code"] is not None else None
    grant = PreAuthorizedCodeGrant(str(secrets["pre-authorized_code"]), tx_code)
    by_code = AuthorizationCodeGrant(secrets.get("issuer_state"))
    return CredentialOffer(
        issuer.identifier, tuple(configurations), authorization_code=by_code, pre_authorized_code=grant
    )


def _haip_link(
    settings: IssuerSettings, issuer: CredentialIssuer, achievement: AchievementRow, secrets: Mapping[str, str | None]
) -> str | None:
    """By value, since it carries no secret but the award's `issuer_state`. HAIP 1.0 §4.2; I-01, I-05, I-33."""
    if HAIP_SECURING not in list_code_securings(settings, issuer.certificate_chain):
        return None
    wanted = configuration_id(achievement.achievement.slug, HAIP_SECURING)
    grant = AuthorizationCodeGrant(secrets.get("issuer_state"))
    return create_offer_link(
        CredentialOffer(issuer.identifier, (wanted,), authorization_code=grant), scheme=HAIP_OFFER_SCHEME
    )


def _context(award_id: UUID) -> str:
    return f"issuer/offer/{award_id}"
