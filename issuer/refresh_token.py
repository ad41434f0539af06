"""Refresh tokens: new copies of a badge later, without signing in again. RFC 6749 §6; OpenID4VCI 1.0 §14.5; I-32.

Only for whoever is bound to a key, by DPoP or by its attestation. Each works once and is followed by the next; one that
comes back was copied, and ends them all with every access token that hangs on them (RFC 9700 §4.14.2).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from issuer import deferred, store
from issuer.authorization_code import GrantedAward, create_access_token, create_spent_offer, stop_authorization
from issuer.clients import Client, require_policies, verify_same_client
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import GrantError, UnknownScopeError
from issuer.models import Authorization
from issuer.settings import IssuerSettings
from issuer.store import Session
from kernel.openid4vci import RefreshTokenRequest
from runtime.database import Database, run_blocking
from runtime.tokens import hash_token


async def exchange_refresh_token(
    database: Database,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    request: RefreshTokenRequest,
    client: Client,
    *,
    now: datetime,
) -> Mapping[str, Any]:
    """Exchange a refresh token for an access token to the same awards and for the next refresh token. I-32."""
    token_hash = hash_token(request.refresh_token)
    async with database.reading() as session:
        found = await store.find_refresh_token(session, issuer.organisation_id, token_hash)
    if found is None:
        raise GrantError("unknown refresh token")
    token, authorization = found
    if request.client_id is not None and request.client_id != authorization.client_id:
        raise GrantError("another client's refresh token")
    verify_same_client(authorization, client)
    if token.spent_at is not None:
        await stop_authorization(database, issuer, authorization, "refresh.used_twice", "refresh token", now)
        raise GrantError("used before; all that hangs on it is revoked")
    granted = _narrow(authorization, request.scopes)
    is_constrained = authorization.dpop_thumbprint is not None
    configurations = [identifier for award in granted for identifier in award.configuration_ids]
    require_policies(configurations, client, is_code_grant=True, is_sender_constrained=is_constrained)
    async with database.transaction() as session:
        if await store.spend_refresh_token(session, token.id, now):
            awards = [await _renew(session, settings, issuer, award, now) for award in granted]
            await _keep_offers(session, authorization, awards)
            return await create_access_token(
                session,
                settings,
                issuer,
                authorization,
                awards,
                names_identifiers=authorization.uses_details,
                now=now,
            )
    await _stop_if_overtaken(database, issuer, token_hash, now)
    raise GrantError("expired, revoked, or somebody else was first")


async def _stop_if_overtaken(database: Database, issuer: CredentialIssuer, token_hash: bytes, now: datetime) -> None:
    """One that two bring at the same moment came back as well: which of them is the thief, nobody can tell."""
    async with database.reading() as session:
        found = await store.find_refresh_token(session, issuer.organisation_id, token_hash)
    if found is not None and found[0].spent_at is not None:
        await stop_authorization(database, issuer, found[1], "refresh.used_twice", "refresh token", now)


def _narrow(authorization: Authorization, scopes: Sequence[str]) -> Sequence[GrantedAward]:
    """What was granted, or less of it: never more than before. RFC 6749 §6."""
    granted = [GrantedAward.of_json(entry) for entry in authorization.granted]
    if not scopes:
        return granted
    if not set(scopes) <= {identifier for award in granted for identifier in award.configuration_ids}:
        raise UnknownScopeError("more than was granted")
    narrowed = [
        GrantedAward(
            award.award_id,
            award.offer_id,
            [identifier for identifier in award.configuration_ids if identifier in scopes],
        )
        for award in granted
    ]
    return [award for award in narrowed if award.configuration_ids]


async def _renew(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, award: GrantedAward, now: datetime
) -> GrantedAward:
    """The same award under a new offer once copies were fetched under the one before, which counts no more.

    What was asked for under that one and is still on its way would be lost with it, so then it goes on. §9
    """
    await store.lock_award(session, award.award_id)
    if not await store.has_copies(session, award.offer_id):
        return award
    if await run_blocking(session, deferred.is_unfinished, award.offer_id, now):
        return award
    offer_id = await create_spent_offer(session, settings, issuer, award.award_id, now)
    return GrantedAward(award.award_id, offer_id, award.configuration_ids)


async def _keep_offers(session: Session, authorization: Authorization, awards: Sequence[GrantedAward]) -> None:
    renewed: dict[UUID, UUID] = {award.award_id: award.offer_id for award in awards}
    granted = [GrantedAward.of_json(entry) for entry in authorization.granted]
    kept = [
        GrantedAward(award.award_id, renewed.get(award.award_id, award.offer_id), award.configuration_ids)
        for award in granted
    ]
    await store.keep_offers(session, authorization.id, [award.as_json() for award in kept])
