"""Pushed Authorization Requests: a wallet says what it wants before a browser comes. RFC 9126; OpenID4VCI 1.0 §5.

Wallets need no registration. Whatever they push is bound to the request: its exact redirect URI, its PKCE challenge,
its DPoP key, its attested key. Nobody is sent to that URI before a person was shown its host and decided (decision
0040), so a pushed URI makes no open redirector.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from issuer import store
from issuer.client_authentication import ClientInstance
from issuer.clients import Client, require_policies
from issuer.configurations import code_configuration_ids
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import RedirectUriError, ResourceError, UnknownScopeError
from issuer.models import Authorization
from issuer.settings import IssuerSettings
from issuer.store import Session
from kernel.errors import MalformedError
from kernel.openid4vci import AuthorizationDetailsError, AuthorizationRequestParameters, DpopProofError
from runtime.database import Database
from runtime.tokens import create_token, hash_token

REQUEST_URI: Final = "urn:ietf:params:oauth:request_uri:"
_MAX_CLIENT_ID: Final = 2048
_MAX_STATE: Final = 4096


def require_own_resource(issuer: CredentialIssuer, resources: Sequence[str]) -> None:
    """Refuse to give a token for anything but this issuer's credentials, however often it is named. RFC 8707 §2."""
    if any(resource != issuer.identifier for resource in resources):
        raise ResourceError("another resource")


async def push_authorization_request(
    database: Database,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    parameters: AuthorizationRequestParameters,
    client: Client,
    *,
    now: datetime,
) -> Mapping[str, Any]:
    """Keep a request for a minute under a name that one browser may use once. RFC 9126 §2.1, §2.2; I-21 to I-25."""
    _verify_sizes(parameters)
    _verify_redirect_uri(settings, parameters.redirect_uri)
    require_own_resource(issuer, parameters.resource)
    thumbprint = client.dpop_thumbprint
    if parameters.dpop_jkt is not None and thumbprint not in (None, parameters.dpop_jkt):
        raise DpopProofError("another key than dpop_jkt")  # RFC 9449 §10.1
    secret = create_token(32)
    async with database.transaction() as session:
        requested = await _find_configurations(session, settings, issuer, parameters)
        # Whether tokens will be bound is seen when they are asked for.
        require_policies(requested, client, is_code_grant=True, is_sender_constrained=True)
        authorization = Authorization(
            organisation_id=issuer.organisation_id,
            request_uri_hash=hash_token(secret),
            client_id=parameters.client_id,
            client_name=None if client.instance is None else _client_name(client.instance),
            client_thumbprint=None if client.instance is None else client.instance.thumbprint,
            dpop_thumbprint=parameters.dpop_jkt or thumbprint,
            redirect_uri=parameters.redirect_uri,
            state=parameters.state,
            code_challenge=parameters.code_challenge,
            issuer_state_hash=None if parameters.issuer_state is None else hash_token(parameters.issuer_state),
            requested=list(requested),
            uses_details=bool(parameters.authorization_details),
            created_at=now,
            expires_at=now + settings.request_uri_lifetime,
        )
        await store.add_row(session, authorization)
    return {
        "request_uri": f"{REQUEST_URI}{secret}",
        "expires_in": int(settings.request_uri_lifetime.total_seconds()),
    }


def _client_name(instance: ClientInstance) -> str:
    """What the wallet's provider calls it, else by what name it is known here."""
    return (instance.wallet_name or instance.client_id)[:200]


def _verify_sizes(parameters: AuthorizationRequestParameters) -> None:
    if len(parameters.client_id) > _MAX_CLIENT_ID or len(parameters.state or "") > _MAX_STATE:
        raise MalformedError("a client_id or state larger than allowed here")
    if "\x00" in parameters.client_id + (parameters.state or "") + (parameters.issuer_state or ""):
        raise MalformedError("a NUL, which no database keeps")


def _verify_redirect_uri(settings: IssuerSettings, redirect_uri: str) -> None:
    """Whether browsers may be sent there at all. The text itself was read before; decision 0040."""
    if settings.redirect_uris:
        if redirect_uri not in settings.redirect_uris:
            raise RedirectUriError("not on this deployment's list")
        return
    scheme = redirect_uri.partition(":")[0].lower()
    is_own_scheme = "." in scheme or scheme in settings.redirect_schemes
    is_local = scheme == "http" and settings.allow_http_for_local_development
    if scheme != "https" and not is_local and not is_own_scheme:
        raise RedirectUriError("neither https nor an app's own scheme")


async def _find_configurations(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, parameters: AuthorizationRequestParameters
) -> Sequence[str]:
    """The configurations that are asked for: every detail must be known, of the scopes unknown ones are ignored.

    OpenID4VCI 1.0 §5.1.1, §5.1.2; I-23, I-24. The scope of a configuration is its identifier.
    """
    slugs = await store.list_achievement_slugs(session, issuer.organisation_id)
    chain = issuer.certificate_chain
    known = {identifier for slug in slugs for identifier in code_configuration_ids(settings, chain, slug)}
    for detail in parameters.authorization_details:
        if detail.credential_configuration_id not in known:
            raise AuthorizationDetailsError("an unknown configuration")
        if detail.locations and issuer.identifier not in detail.locations:
            raise AuthorizationDetailsError("for another issuer")
    asked = [detail.credential_configuration_id for detail in parameters.authorization_details]
    asked += [scope for scope in parameters.scopes if scope in known]
    if not asked:
        raise UnknownScopeError("nothing that is issued here")
    return list(dict.fromkeys(asked))
