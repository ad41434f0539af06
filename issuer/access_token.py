"""The Token Endpoint: a pre-authorized code, with its `tx_code`, for an access token. OpenID4VCI 1.0 §6.

Order of a try: count it, compare, spend. The counter is committed before the code is compared, so neither a
raised error nor eight parallel guesses give back a try (I-28, A-25). Access tokens are opaque, kept as
hashes, and good only at the organisation that gave them out.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from issuer import store
from issuer.clients import Client, require_policies
from issuer.configurations import configuration_ids, configuration_securing
from issuer.credential_issuer import CredentialIssuer
from issuer.credential_offer import open_secrets, seal_tx_code
from issuer.errors import GrantError, TransactionCodeUsageError, UnauthorizedClientError
from issuer.models import AccessToken, Offer
from issuer.settings import IssuerSettings
from issuer.store import AwardRow
from kernel.openid4vci import AuthorizationDetailsError, PreAuthorizedTokenRequest
from runtime.database import Database
from runtime.tokens import create_token, hash_token

_HOUR = timedelta(hours=1)


async def exchange_pre_authorized_code(
    database: Database,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    request: PreAuthorizedTokenRequest,
    client: Client,
    *,
    source: str,
    now: datetime,
) -> Mapping[str, Any]:
    """Exchange a code for an access token. OpenID4VCI 1.0 §6.1 to §6.3; I-07, I-27 to I-31.

    A code that comes back after it was spent, or from two at the same moment, was copied by somebody: the tokens bought
    with it are revoked. Where the offer has a `tx_code`, only for somebody who knows that too: whoever has nothing but
    the link spoils nothing.
    """
    offer, award = await _find_offer(database, issuer, request, now)
    if offer.has_tx_code:
        await _verify_tx_code(database, settings, offer, request.tx_code or "", source=source, now=now)
    if offer.spent_at is not None:
        await _stop_second_redemption(database, issuer, offer, now)
        raise GrantError("spent before; its tokens are revoked")
    asked = [detail.credential_configuration_id for detail in request.authorization_details]
    configurations = _authorized(settings, award.achievement.slug, asked)
    if not configurations:
        raise UnauthorizedClientError("nothing here is given by a pre-authorized code")
    thumbprint = client.dpop_thumbprint
    require_policies(configurations, client, is_code_grant=False, is_sender_constrained=thumbprint is not None)
    token, lifetime = create_token(32), _lifetime(settings, award, is_bound=thumbprint is not None)
    identifiers = {f"badge-{secrets.token_urlsafe(12)}": configuration for configuration in configurations}
    row = AccessToken(
        token_hash=hash_token(token),
        organisation_id=issuer.organisation_id,
        offer_id=offer.id,
        award_id=offer.award_id,
        credential_identifiers=identifiers if asked else {},
        configuration_ids=list(configurations),
        dpop_thumbprint=thumbprint,
        client_id=request.client_id if client.instance is None else client.instance.client_id,
        created_at=now,
        expires_at=now + lifetime,
    )
    if not await _buy(database, settings, offer, row, now):
        offer, _ = await _find_offer(database, issuer, request, now)
        if offer.spent_at is not None:
            await _stop_second_redemption(database, issuer, offer, now)
        raise GrantError("somebody else was first")
    return _response(token, lifetime, row.credential_identifiers, is_bound=thumbprint is not None)


async def _buy(database: Database, settings: IssuerSettings, offer: Offer, row: AccessToken, now: datetime) -> bool:
    """Spend the code with the token that it buys; False for whoever was not the first."""
    async with database.transaction() as session:
        kept = seal_tx_code(settings, offer)
        if not await store.spend_pre_authorized_code(session, offer.id, now, sealed_tx_code=kept):
            return False
        await store.add_row(session, row)
    return True


async def _find_offer(
    database: Database, issuer: CredentialIssuer, request: PreAuthorizedTokenRequest, now: datetime
) -> tuple[Offer, AwardRow]:
    async with database.reading() as session:
        offer = await store.find_offer_by_code(session, issuer.organisation_id, hash_token(request.pre_authorized_code))
        award = None if offer is None else await store.find_award(session, issuer.organisation_id, offer.award_id)
    if offer is None or award is None:
        raise GrantError("unknown code")
    if offer.voided_at is not None or (offer.expires_at <= now and offer.spent_at is None):
        raise GrantError("void or expired")
    if offer.has_tx_code != (request.tx_code is not None):
        raise TransactionCodeUsageError("expected" if offer.has_tx_code else "not expected")
    return offer, award


async def _stop_second_redemption(database: Database, issuer: CredentialIssuer, offer: Offer, now: datetime) -> None:
    """Revoke what was bought with a code that two parties hold, in a transaction that the refusal cannot undo."""
    async with database.transaction() as session:
        revoked = await store.revoke_access_tokens(session, offer.id, now)
        reason = f"code used twice; access tokens revoked: {revoked}"
        await store.add_audit(
            session, issuer.organisation_id, "wallet", "offer.redeemed_twice", str(offer.award_id), reason, now
        )


async def _verify_tx_code(
    database: Database, settings: IssuerSettings, offer: Offer, tx_code: str, *, source: str, now: datetime
) -> None:
    """Take one try, then compare in constant time. The fifth wrong one ends the offer. I-28, A-25, A-54."""
    source_hash = hmac.digest(settings.source_key, source.encode(), "sha256")
    async with database.transaction() as session:
        limit = settings.tx_code_tries_per_source
        if not await store.count_source_try(session, source_hash, limit=limit, since=now - _HOUR, now=now):
            raise GrantError("too many wrong codes from this source")
        counted = await store.count_tx_code_try(session, offer.id, limit=settings.tx_code_tries, now=now)
    if counted is None or counted.sealed_secrets is None:
        raise GrantError("no tries left")
    expected = open_secrets(settings, offer.award_id, counted.sealed_secrets)["tx_code"] or ""
    is_right = hmac.compare_digest(expected.encode(), tx_code.encode())
    async with database.transaction() as session:
        if is_right:
            return await store.give_back_source_try(session, source_hash)
        if counted.tx_code_tries >= settings.tx_code_tries and counted.spent_at is None:
            await store.void_offer(session, offer.id, now)
            await store.add_audit(
                session, offer.organisation_id, "wallet", "offer.void", str(offer.award_id), "too many wrong codes", now
            )
    raise GrantError("wrong tx_code")


def _authorized(settings: IssuerSettings, achievement_slug: str, asked: Sequence[str]) -> Sequence[str]:
    """The configurations that the token is for: those offered, or the narrower set that was asked for. I-29."""
    offered = configuration_ids(settings, achievement_slug)
    if not asked:
        return [name for name in offered if not configuration_securing(name).policy.needs_code_grant]
    if not set(asked) <= set(offered):
        raise AuthorizationDetailsError("not in the offer")
    return list(dict.fromkeys(asked))


def _lifetime(settings: IssuerSettings, award: AwardRow, *, is_bound: bool) -> timedelta:
    """How long the token is good. One that nobody else could use is longer: this grant gives no refresh token. I-31."""
    if not is_bound:
        return settings.access_token_lifetime
    return settings.waiting_token_lifetime if award.award.status == "waiting" else settings.bound_token_lifetime


def _response(token: str, lifetime: timedelta, identifiers: Mapping[str, str], *, is_bound: bool) -> Mapping[str, Any]:
    """The Token Response. OpenID4VCI 1.0 §6.2; I-29."""
    response: dict[str, Any] = {
        "access_token": token,
        "token_type": "DPoP" if is_bound else "Bearer",
        "expires_in": int(lifetime.total_seconds()),
    }
    if identifiers:
        response["authorization_details"] = [
            {
                "type": "openid_credential",
                "credential_configuration_id": configuration,
                "credential_identifiers": [identifier],
            }
            for identifier, configuration in identifiers.items()
        ]
    return response
