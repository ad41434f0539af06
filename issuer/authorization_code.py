"""The Token Endpoint for an authorization code. RFC 6749 §4.1.3, RFC 7636; OpenID4VCI 1.0 §6; I-26, I-29.

Order of a try: client, redirect URI and PKCE verifier first, so that a stranger who found a code spends nothing; then
the code is used up in the transaction that stores what it buys. A code that comes back with all of that right was
copied: every token that hangs on it is revoked.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self
from uuid import UUID

from issuer import store
from issuer.clients import Client, require_policies, verify_same_client
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import GrantError
from issuer.models import AccessToken, Authorization, Offer, RefreshToken
from issuer.settings import IssuerSettings
from issuer.store import Session
from kernel.errors import CredentialError
from kernel.openid4vci import (
    AuthorizationCodeTokenRequest,
    AuthorizationDetail,
    AuthorizationDetailsError,
    TokenResponse,
    verify_code_verifier,
)
from runtime.database import Database
from runtime.tokens import create_token, hash_token

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class GrantedAward:
    """What somebody agreed to of one award, and under which offer it is issued."""

    award_id: UUID
    offer_id: UUID
    configuration_ids: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the authorization."""
        return {
            "award": str(self.award_id),
            "offer": str(self.offer_id),
            "configurations": list(self.configuration_ids),
        }

    @classmethod
    def of_json(cls, entry: Mapping[str, Any]) -> Self:
        """What was kept."""
        return cls(UUID(entry["award"]), UUID(entry["offer"]), entry["configurations"])


async def exchange_authorization_code(
    database: Database,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    request: AuthorizationCodeTokenRequest,
    client: Client,
    *,
    now: datetime,
) -> Mapping[str, Any]:
    """Exchange a code for an access token that covers the awards that were agreed to, or fewer. I-23, I-26, I-29."""
    async with database.reading() as session:
        found = await store.find_authorization_by_code(session, issuer.organisation_id, hash_token(request.code))
    authorization = _verify_request(found, request, client)
    verify_same_client(authorization, client)
    if authorization.code_spent_at is not None:
        await stop_authorization(database, issuer, authorization, "offer.redeemed_twice", "code", now)
        raise GrantError("spent before; its tokens are revoked")
    asked = [detail.credential_configuration_id for detail in request.authorization_details]
    granted = _narrow(authorization, asked)
    thumbprint = client.dpop_thumbprint
    configurations = [identifier for identifiers in granted.values() for identifier in identifiers]
    require_policies(configurations, client, is_code_grant=True, is_sender_constrained=thumbprint is not None)
    async with database.transaction() as session:
        ends_at = now + settings.access_token_lifetime
        spent = await store.spend_authorization_code(
            session, authorization.id, now, dpop_thumbprint=thumbprint, expires_at=ends_at
        )
        if spent is not None:
            awards = [await _take_offer(session, settings, issuer, each, ids, now) for each, ids in granted.items()]
            await store.keep_offers(session, authorization.id, [award.as_json() for award in awards])
            return await create_access_token(
                session,
                settings,
                issuer,
                spent,
                awards,
                names_identifiers=authorization.uses_details or bool(asked),
                now=now,
            )
    await _stop_if_overtaken(database, issuer, request, now)
    raise GrantError("expired, revoked, or somebody else was first")


async def _stop_if_overtaken(
    database: Database, issuer: CredentialIssuer, request: AuthorizationCodeTokenRequest, now: datetime
) -> None:
    """A code that two bring at the same moment came twice as well, whichever of them was served. RFC 6749 §4.1.2."""
    async with database.reading() as session:
        found = await store.find_authorization_by_code(session, issuer.organisation_id, hash_token(request.code))
    if found is not None and found.code_spent_at is not None:
        await stop_authorization(database, issuer, found, "offer.redeemed_twice", "code", now)


def _verify_request(
    authorization: Authorization | None, request: AuthorizationCodeTokenRequest, client: Client
) -> Authorization:
    """Whether the code comes from whoever it was given to; the same error for every reason. RFC 6749 §4.1.3.

    `client_id` is required of a client that does not authenticate; one that does is known by that.
    """
    if authorization is None:
        raise GrantError("unknown code")
    client_id = request.client_id if client.instance is None else client.instance.client_id
    if client_id is None or client_id != authorization.client_id:
        raise GrantError("another client's code")
    if request.redirect_uri != authorization.redirect_uri:
        raise GrantError("another redirect_uri")
    try:
        verify_code_verifier(request.code_verifier, code_challenge=authorization.code_challenge)
    except CredentialError as exc:
        raise GrantError(f"{exc.code}: {exc.detail}") from exc
    return authorization


async def stop_authorization(
    database: Database, issuer: CredentialIssuer, authorization: Authorization, action: str, what: str, now: datetime
) -> None:
    """Revoke all that hangs on an authorization of which a secret came twice, past the refusal that follows."""
    async with database.transaction() as session:
        revoked = await store.revoke_authorization(session, authorization.id, now)
        reason = f"{what} used twice; access tokens revoked: {revoked}"
        for entry in authorization.granted:
            await store.add_audit(session, issuer.organisation_id, "wallet", action, entry["award"], reason, now)


def _narrow(authorization: Authorization, asked: Sequence[str]) -> Mapping[UUID, Sequence[str]]:
    """The configurations of each award: all that were agreed to, or those of them that are asked for now. I-23."""
    granted = {UUID(entry["award"]): entry["configurations"] for entry in authorization.granted}
    if not asked:
        return granted
    if not set(asked) <= {identifier for identifiers in granted.values() for identifier in identifiers}:
        raise AuthorizationDetailsError("not agreed to")
    narrowed = {
        award_id: [identifier for identifier in identifiers if identifier in asked]
        for award_id, identifiers in granted.items()
    }
    return {award_id: identifiers for award_id, identifiers in narrowed.items() if identifiers}


async def _take_offer(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    award_id: UUID,
    configurations: Sequence[str],
    now: datetime,
) -> GrantedAward:
    """The award's open offer, used up; or a new one that is used up from the start, when there is none."""
    await store.lock_award(session, award_id)
    offer_id = await store.spend_open_offer(session, award_id, now)
    if offer_id is None:
        offer_id = await create_spent_offer(session, settings, issuer, award_id, now)
    return GrantedAward(award_id, offer_id, configurations)


async def create_spent_offer(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, award_id: UUID, now: datetime
) -> UUID:
    """An offer that nobody can open: under it copies are counted that a holder fetched without being offered any.

    So many a day and no more: each stands for copies, and every copy takes places in the status lists.
    """
    if await store.count_offers(session, award_id, since=now - _DAY) >= settings.reissues_per_day:
        raise GrantError("too many of one award today")
    offer = Offer(
        id=store.new_id(),
        award_id=award_id,
        number=await store.next_offer_number(session, award_id),
        organisation_id=issuer.organisation_id,
        reference_hash=hash_token(create_token(32)),
        code_hash=hash_token(create_token(32)),
        has_tx_code=False,
        created_at=now,
        expires_at=now,
        opened_at=now,
        spent_at=now,
    )
    await store.add_row(session, offer)
    return offer.id


async def create_access_token(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    authorization: Authorization,
    awards: Sequence[GrantedAward],
    *,
    names_identifiers: bool,
    now: datetime,
) -> Mapping[str, Any]:
    """A token with a row for each award, and the response that hands it over. OpenID4VCI 1.0 §6.2; I-29, I-31.

    Identifiers are named when details were asked for, and when a configuration alone would not say of which award.
    """
    token = create_token(32)
    all_ids = [identifier for award in awards for identifier in award.configuration_ids]
    names_identifiers = names_identifiers or len(set(all_ids)) != len(all_ids)
    identifiers: dict[str, list[str]] = {}
    for award in awards:
        named = {f"badge-{secrets.token_urlsafe(12)}": identifier for identifier in award.configuration_ids}
        for name, configuration in named.items():
            identifiers.setdefault(configuration, []).append(name)
        row = AccessToken(
            token_hash=hash_token(token),
            organisation_id=issuer.organisation_id,
            offer_id=award.offer_id,
            award_id=award.award_id,
            credential_identifiers=named if names_identifiers else {},
            configuration_ids=list(award.configuration_ids),
            authorization_id=authorization.id,
            client_id=authorization.client_id,
            dpop_thumbprint=authorization.dpop_thumbprint,
            created_at=now,
            expires_at=now + settings.access_token_lifetime,
        )
        await store.add_row(session, row)
    refresh_token = await _create_refresh_token(session, settings, authorization, now)
    details = [AuthorizationDetail(configuration, tuple(names)) for configuration, names in identifiers.items()]
    return TokenResponse(
        access_token=token,
        token_type="Bearer" if authorization.dpop_thumbprint is None else "DPoP",
        expires_in=settings.access_token_lifetime,
        authorization_details=tuple(details) if names_identifiers else (),
        refresh_token=refresh_token,
    ).as_json()


async def _create_refresh_token(
    session: Session, settings: IssuerSettings, authorization: Authorization, now: datetime
) -> str | None:
    """A refresh token for whoever is bound to a key; none for others, whose token anybody could use. I-32."""
    if authorization.dpop_thumbprint is None and authorization.client_thumbprint is None:
        return None
    token = create_token(32)
    expires_at = now + settings.refresh_token_lifetime
    row = RefreshToken(
        token_hash=hash_token(token), authorization_id=authorization.id, created_at=now, expires_at=expires_at
    )
    await store.add_row(session, row)
    await store.keep_authorization(session, authorization.id, expires_at)
    return token
