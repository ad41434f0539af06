"""Signing in at the organisation's own OpenID Provider, as its client. OpenID Connect Core 1.0 §3.1.

The browser leaves with a `state`, a `nonce` and a PKCE challenge that belong to its one authorization; what it brings
back is spent there in one statement before anything is asked of the provider. No transaction is open during a request.
"""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote_plus, urlencode, urlsplit

from issuer import authorization, store
from issuer.authorization import PendingAuthorization
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import SignInFailedError
from issuer.holders import Subject
from issuer.identity_providers import EMAIL_CLAIM, OpenIdProvider, callback_url, find_identity_provider
from issuer.settings import IssuerSettings
from kernel.errors import CredentialError
from kernel.members import find_text, get_text, is_same_text
from kernel.openid4vci import code_challenge, create_code_verifier
from kernel.openid_connect import (
    ProviderMetadata,
    VerifiedIdToken,
    discovery_url,
    parse_provider_metadata,
    verify_id_token,
)
from runtime.database import Database
from runtime.fetch import Fetcher, FetchKind
from runtime.tokens import create_token


async def start_sign_in(
    database: Database,
    settings: IssuerSettings,
    fetch: Fetcher,
    issuer: CredentialIssuer,
    pending: PendingAuthorization,
    provider: OpenIdProvider,
    *,
    now: datetime,
) -> str:
    """Where the browser goes to sign in; what it must bring back is noted. Core §3.1.2.1, RFC 7636."""
    metadata = await _resolve_metadata(fetch, provider)
    kept = {
        "issuer": provider.issuer,
        "state": create_token(32),
        "nonce": create_token(32),
        "code_verifier": create_code_verifier(),
    }
    sealed = settings.seal.seal(json.dumps(kept).encode(), context=_context(pending))
    async with database.transaction() as session:
        if not await store.keep_sign_in(session, pending.id, sealed, now):
            raise SignInFailedError("the authorization is over")
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": callback_url(issuer),
        "scope": "openid email profile",
        "state": kept["state"],
        "nonce": kept["nonce"],
        "code_challenge": code_challenge(kept["code_verifier"]),
        "code_challenge_method": "S256",
    }
    separator = "&" if urlsplit(metadata.authorization_endpoint).query else "?"
    return f"{metadata.authorization_endpoint}{separator}{urlencode(query)}"


async def finish_sign_in(
    database: Database,
    settings: IssuerSettings,
    fetch: Fetcher,
    issuer: CredentialIssuer,
    pending: PendingAuthorization,
    query: Mapping[str, str],
    *,
    now: datetime,
) -> str:
    """Sign in whoever the provider names; the browser's new secret, or SignInFailedError. Core §3.1.2.5 to §3.1.3.7.

    One caller spends what was noted, whether the answer is good or not: an answer is never tried twice.
    """
    async with database.transaction() as session:
        sealed = await store.spend_sign_in(session, pending.id, now)
        provider = await find_identity_provider(session, settings, issuer)
    if sealed is None or provider is None:
        raise SignInFailedError("nothing was asked, or it was answered before")
    kept = json.loads(settings.seal.open(sealed, context=_context(pending)))
    if kept["issuer"] != provider.issuer:
        raise SignInFailedError("another provider was set meanwhile")
    try:
        subject = await _resolve_subject(fetch, issuer, provider, kept, query, now)
    except CredentialError as exc:
        raise SignInFailedError(f"{exc.code}: {exc.detail}") from exc
    async with database.transaction() as session:
        return await authorization.sign_in(session, settings, pending.id, subject, now=now)


async def _resolve_subject(
    fetch: Fetcher,
    issuer: CredentialIssuer,
    provider: OpenIdProvider,
    kept: Mapping[str, str],
    query: Mapping[str, str],
    now: datetime,
) -> Subject:
    if not is_same_text(query.get("state"), kept["state"]):
        raise SignInFailedError("another sign-in's answer")
    metadata = await _resolve_metadata(fetch, provider)
    if ("iss" in query or metadata.is_iss_in_response) and query.get("iss") != provider.issuer:
        raise SignInFailedError("another provider's answer")  # RFC 9207 §2.4; A-27
    if "error" in query:
        raise SignInFailedError("the provider answered with an error")
    raw = await _resolve_id_token(fetch, issuer, provider, metadata, get_text(query, "code"), kept["code_verifier"])
    keys = await fetch.get(metadata.jwks_uri, accept="application/json", kind=FetchKind.KEY_SET)
    token = verify_id_token(
        raw,
        key_set=keys.json(),
        issuer=provider.issuer,
        client_id=provider.client_id,
        nonce=kept["nonce"],
        now=now,
    )
    return _subject_of(token, provider)


def _subject_of(token: VerifiedIdToken, provider: OpenIdProvider) -> Subject:
    """By what the person's awards are found. An address that nobody verified is nobody's (Core §5.7)."""
    if provider.subject_claim == EMAIL_CLAIM:
        if token.verified_email is None:
            raise SignInFailedError("no verified e-mail address in the ID Token")
        return Subject.of_email(token.verified_email)
    value = find_text(token.claims, provider.subject_claim)
    if value is None:
        raise SignInFailedError("the ID Token lacks the configured claim")
    return Subject("reference", value)


async def _resolve_metadata(fetch: Fetcher, provider: OpenIdProvider) -> ProviderMetadata:
    url = discovery_url(provider.issuer)
    answer = await fetch.get(url, accept="application/json", kind=FetchKind.METADATA)
    return parse_provider_metadata(answer.json(), issuer=provider.issuer)


async def _resolve_id_token(
    fetch: Fetcher,
    issuer: CredentialIssuer,
    provider: OpenIdProvider,
    metadata: ProviderMetadata,
    code: str,
    code_verifier: str,
) -> str:
    """Redeem the provider's code. The secret goes into the header unless the provider wants it elsewhere. Core §9."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": callback_url(issuer),
        "code_verifier": code_verifier,
    }
    headers: dict[str, str] = {}
    if provider.client_secret is None:
        form["client_id"] = provider.client_id
    elif "client_secret_basic" in metadata.token_endpoint_auth_methods:
        # RFC 6749 §2.3.1: both are form-encoded first.
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": provider.client_id, "client_secret": provider.client_secret}
    answer = await fetch.post_form(metadata.token_endpoint, form, headers=headers)
    if answer.status != 200:
        raise SignInFailedError(f"the provider's token endpoint answered {answer.status}")
    return get_text(answer.json(), "id_token")


def _context(pending: PendingAuthorization) -> str:
    return f"issuer/authorization-sign-in/{pending.id}"
