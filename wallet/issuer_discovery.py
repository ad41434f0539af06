"""What an offer says, and what its issuer and its authorization server say about themselves. OpenID4VCI 1.0 §4.1, §12.

All of it is read before consent, once, and each is checked against the one before. What is used afterwards is what was
read here: an issuer that changes its metadata between two steps changes nothing for an issuance on its way.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from kernel.errors import CredentialError, MalformedError, UndecidedError, UntrustedIssuerError
from kernel.jwt import UnverifiedJwt, parse_jwt
from kernel.keys import PublicKey
from kernel.members import get_text
from kernel.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    AUTHORIZATION_SERVER,
    CREDENTIAL_ISSUER,
    PRE_AUTHORIZED_CODE_GRANT,
    AuthorizationServerMetadata,
    ByReference,
    ByValue,
    IssuerMetadata,
    appended_well_known_url,
    parse_authorization_server_metadata,
    verify_signed_metadata,
    well_known_url,
)
from kernel.strict_json import MAX_BYTES
from kernel.x5c import verify_x5c
from runtime.fetch import AnsweredError, FetchedResponse, FetchKind, UnreadableAnswerError
from runtime.logging import get_logger
from wallet.errors import SERVER_STEP, ForeignServerError
from wallet.recognition import resolve_party_recognition, signers_of
from wallet.settings import Wallet

log = get_logger(__name__)

_S256 = "S256"
_JSON, _SIGNED = "application/json", "application/jwt"
_SIGNED_OR_NOT = f"{_SIGNED}, {_JSON};q=0.9"
_ALGORITHMS = frozenset({"ES256"})
# More servers than this are asked of nobody, however many an issuer lists.
_MOST_SERVERS = 4


async def resolve_offer_json(wallet: Wallet, link: ByReference | ByValue) -> dict[str, Any]:
    """§4.1.2, §4.1.3: the offer itself, or where it can be fetched, once (W-03)."""
    if isinstance(link, ByValue):
        return link.offer.as_json()
    response = await wallet.fetch.get(link.uri, accept="application/json", kind=FetchKind.CREDENTIAL_OFFER)
    return _json_object(response)


async def resolve_issuer_metadata(wallet: Wallet, credential_issuer: str) -> dict[str, Any]:
    """§12.2.2: at the inserted URL; for older issuers, when that does not exist, at the appended one (W-04).

    Of a member of a federation whose anchor is pinned, its trust chain says it and nothing else does (DIIP v5 appendix
    B; T-07). Of others, signed metadata is taken where its signer is recognised for issuing and speaks for this issuer.
    Anybody else's is passed over, and the issuer asked for what it says without a signature (§12.2.3; W-06). So is one
    that does not come: some refuse to be asked for it, and a signature makes a third more of what is read of neither.
    """
    federated = await wallet.resolver.trust.find_federated_issuer(credential_issuer, now=wallet.clock())
    if federated is not None:
        return dict(federated)
    limit = wallet.settings.issuer_metadata_bytes
    get = partial(_get_well_known, wallet, credential_issuer, CREDENTIAL_ISSUER, max_bytes=limit)
    try:
        response = await get(accept=_SIGNED_OR_NOT)
    except (AnsweredError, UnreadableAnswerError) as exc:
        log.info("signed metadata did not come", error_class=type(exc).__name__)
        response = await get(accept=_JSON)
    if response.media_type == _SIGNED:
        signed = await _find_signed_metadata(wallet, response, credential_issuer, wallet.clock())
        if signed is not None:
            return signed
        response = await get(accept=_JSON)
    return await asyncio.to_thread(_json_object, response, max_bytes=limit)


async def _find_signed_metadata(
    wallet: Wallet, response: FetchedResponse, credential_issuer: str, now: datetime
) -> dict[str, Any] | None:
    """The metadata, when all of it holds: a trusted signer, who may sign for this issuer, signed it for this issuer."""
    try:
        limit = wallet.settings.issuer_metadata_bytes
        token = await asyncio.to_thread(parse_jwt, response.text(), max_bytes=limit)
        key = await _resolve_metadata_signer(wallet, token, credential_issuer, now)
        found = await resolve_party_recognition(
            wallet.resolver,
            identifiers=signers_of(credential_issuer),
            key=key,
            x5c=token.header.get("x5c", ()),
            service="issuance",
            now=now,
        )
        if not found.is_recognised:
            raise UntrustedIssuerError("signed by nobody whom the list knows")
        signed = verify_signed_metadata(
            token, key=key, algorithms=_ALGORITHMS, credential_issuer=credential_issuer, now=now
        )
    except CredentialError as exc:
        log.info("signed metadata passed over", error_class=type(exc).__name__)
        return None
    return dict(signed)


async def _resolve_metadata_signer(
    wallet: Wallet, token: UnverifiedJwt, credential_issuer: str, now: datetime
) -> PublicKey:
    """The key of the issuer's own DID, or of a certificate for its host under an anchor that we know."""
    if "x5c" in token.header:
        anchors = await wallet.resolver.resolve_anchors(now=now)
        host = urlsplit(credential_issuer).hostname
        return verify_x5c(token.header["x5c"], anchors=anchors, now=now, dns_name=host).leaf_key
    key_id = get_text(token.header, "kid")
    did = key_id.partition("#")[0]
    if did not in signers_of(credential_issuer):
        raise UntrustedIssuerError("signed by another party than the issuer")
    return await wallet.resolver.resolve_did_key(did, key_id, now=now)


async def resolve_server(
    wallet: Wallet, metadata: IssuerMetadata, *, grant: str, named: str | None
) -> dict[str, Any] | None:
    """The metadata of the authorization server for this grant, or None when none of the issuer's takes it. W-05.

    The one that the offer names, which must be one of the issuer's; else the first of the issuer's that takes the
    grant; else the issuer itself.
    """
    failure: CredentialError | None = None
    for server in _candidates(metadata, named):
        try:
            content = await _resolve_server_metadata(wallet, server)
        except (UntrustedIssuerError, MalformedError, AnsweredError, UndecidedError) as exc:
            failure = failure or exc
            continue
        if takes_grant(parse_authorization_server_metadata(content, issuer=server), grant):
            return content
    if failure is not None:
        raise failure
    return None


def takes_grant(server: AuthorizationServerMetadata, grant: str) -> bool:
    """Whether a server can do this grant in the way that we can: the code with S256 and nothing weaker (A-28).

    A server that lists no grant types may still take a pre-authorized code: many do not list what only the offer says.
    """
    if grant == PRE_AUTHORIZED_CODE_GRANT:
        return not server.grant_types or grant in server.grant_types
    listed = server.grant_types or {AUTHORIZATION_CODE_GRANT}
    challenge = server.code_challenge_methods or {_S256}
    return server.authorization_endpoint is not None and grant in listed and _S256 in challenge


def _candidates(metadata: IssuerMetadata, named: str | None) -> Sequence[str]:
    listed = metadata.authorization_servers
    if named is None:
        return listed[:_MOST_SERVERS] or (metadata.credential_issuer,)
    if named not in listed:
        raise ForeignServerError(
            "the offer names an authorization server that the issuer does not have", step=SERVER_STEP
        )
    return (named,)


async def _resolve_server_metadata(wallet: Wallet, server: str) -> dict[str, Any]:
    """RFC 8414 §3; its `issuer` must be the server that was asked for (W-05)."""
    content = _json_object(await _get_well_known(wallet, server, AUTHORIZATION_SERVER, accept=_JSON))
    parse_authorization_server_metadata(content, issuer=server)
    return content


async def _get_well_known(
    wallet: Wallet, identifier: str, name: str, *, accept: str, max_bytes: int | None = None
) -> FetchedResponse:
    inserted, appended = well_known_url(identifier, name), appended_well_known_url(identifier, name)
    get = partial(wallet.fetch.get, accept=accept, kind=FetchKind.METADATA, max_bytes=max_bytes)
    try:
        return await get(inserted)
    except AnsweredError as exc:
        if exc.status != 404 or inserted == appended:
            raise
        return await get(appended)


def _json_object(response: FetchedResponse, *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    content = response.json(max_bytes=max_bytes)
    if not isinstance(content, dict):
        raise MalformedError("not a JSON object")
    return content
