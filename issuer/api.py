"""Every URL of the issuer but the pages': the protocol's, and the management API's.

Protocol endpoints are plain Starlette routes, which carry them at a lower cost, and never answer 422: their errors
are those of OpenID4VCI. The management API is behind API keys with scopes and answers problem details.
"""

import gzip
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, wraps
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

from cryptography.x509 import Certificate
from fastapi import APIRouter, Depends, Header, Query, Request, Response, Security
from pydantic import AwareDatetime, BaseModel, Field
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.responses import JSONResponse
from starlette.routing import Route

from issuer import (
    achievements,
    api_keys,
    awards,
    badge_files,
    certificates,
    did_documents,
    elm_export,
    endorsements,
    federation,
    identity_providers,
    metadata,
    signing_keys,
    status,
    status_lists,
    status_messages,
)
from issuer import message_schemas as messages
from issuer.access_token import exchange_pre_authorized_code
from issuer.achievements import (
    AchievementDescription,
    LocalisedText,
    OtherIdentifier,
    OutcomeDescription,
    QualityAssurance,
    RelatedAchievement,
    SkillReference,
)
from issuer.api_keys import Caller, verify_api_key
from issuer.archive import ARCHIVE_TYPE, archive_headers, create_archive
from issuer.authorization_code import exchange_authorization_code
from issuer.awards import AwardRequest, AwardView
from issuer.badge_files import FileForm
from issuer.clients import Client, verify_client
from issuer.credential import issue_credential
from issuer.credential_issuer import CredentialIssuer, get_issuer
from issuer.credential_offer import OfferPolicy, resolve_offer
from issuer.deferred import issue_deferred_credential
from issuer.endorsements import EndorsementDescription
from issuer.errors import (
    DPOP_NONCE_HEADER,
    N_,
    AccessTokenError,
    AccessTokenMissingError,
    AttestationChallengeError,
    ChangedMeanwhileError,
    ClientAuthenticationError,
    ClientSecretError,
    DpopNonceError,
    EncryptionParametersError,
    GrantError,
    InputError,
    InsufficientScopeError,
    IssuanceDeniedError,
    KeyProofError,
    NotFoundError,
    Place,
    RedirectUriError,
    ResourceError,
    TransactionCodeUsageError,
    UnauthorizedClientError,
    UnknownConfigurationError,
    UnknownIdentifierError,
    UnknownNotificationError,
    UnknownScopeError,
    UnknownTransactionError,
    VersionMissingError,
    wire_error,
)
from issuer.identity_providers import IdentityProviderDescription, OpenIdProvider
from issuer.input import LARGEST_NUMBER, MANY_SECONDS, Input, Organisation
from issuer.models import GivenEndorsement
from issuer.nonce import create_challenge, create_nonce
from issuer.notification import receive_notification
from issuer.operators import OperatorDescription, create_operator
from issuer.organisations import RESERVED_SLUGS, OrganisationDescription, create_organisation
from issuer.pushed_authorization import push_authorization_request, require_own_resource
from issuer.refresh_token import exchange_refresh_token
from issuer.request_encryption import ENCRYPTED, PLAIN, Message
from issuer.results import GradingScheme, ResultDescription
from issuer.sender_constraint import PresentedToken, dpop_nonce, parse_presented_token, www_authenticate
from issuer.settings import IssuerSettings
from issuer.status import Change
from issuer.store import AchievementRow
from kernel.errors import CredentialError, MalformedError, NonceError, UndecidedError
from kernel.federation import MEDIA_TYPE as ENTITY_STATEMENT_TYPE
from kernel.openid4vci import (
    ATTESTATION_HEADER,
    CHALLENGE_HEADER,
    POP_HEADER,
    AuthorizationCodeTokenRequest,
    AuthorizationDetailsError,
    ClientAttestationError,
    DpopProofError,
    PreAuthorizedTokenRequest,
    RefreshTokenRequest,
    StaleClientAttestationError,
    UnsupportedGrantError,
    UnsupportedResponseTypeError,
    parse_pushed_authorization_request,
    parse_token_request,
)
from kernel.status.bitstring_status_list import JWT_MEDIA_TYPE as STATUS_LIST_JWT_TYPE
from kernel.status.bitstring_status_list import MEDIA_TYPE as STATUS_LIST_PROOF_TYPE
from kernel.status.messages import StatusMessage
from kernel.strict_json import parse_json_object
from kernel.type_metadata import create_skill_badge_type
from runtime.api_document import operation_id
from runtime.cross_origin import OpenToScripts
from runtime.dependencies import NowDep, SessionDep, get_service
from runtime.errors import RETRY_SECONDS, OAuthError, Problem, log_refusal, unexpected_oauth_error
from runtime.logging import get_logger
from runtime.management import Gate, ManagementRoute
from runtime.middleware import source_of
from runtime.route_document import Answer, Operation, described, header, oauth_refusal, problem_refusal, query
from runtime.service import Service
from runtime.web.language import request_language

log = get_logger(__name__)

IssuerService = Service[IssuerSettings]
IssuerServiceDep = Annotated[IssuerService, Depends(get_service)]
Handler = Callable[[Request], Awaitable[Response]]

_NO_STORE = {"Cache-Control": "no-store"}
_MAX_TOKEN_REQUEST = 64 * 1024
SIGNED_METADATA = "application/jwt"

# What the document says of endpoints that have much in common.
_WHY_401: Final = "The token or its proof is not good here. A request without any token gets the challenge and no body."
_DPOP: Final = header("DPoP", "A proof of the key that tokens are, or will be, bound to (RFC 9449).")
_CLIENT_HEADERS: Final = (
    _DPOP,
    header(ATTESTATION_HEADER, "What the wallet's provider attests (Attestation-Based Client Authentication)."),
    header(POP_HEADER, "That the attested wallet sends this request; a DPoP proof of its key serves too."),
)
_TOKEN_SCHEMES: Final = {
    "access_token": {"type": "http", "scheme": "bearer", "description": "Of the token endpoint (RFC 6750)."},
    "dpop_access_token": {"type": "http", "scheme": "dpop", "description": "The same, bound to a key (RFC 9449)."},
}
_CLIENT_ERRORS: Final = (
    MalformedError,
    DpopProofError,
    DpopNonceError,
    ClientAttestationError,
    StaleClientAttestationError,
    AttestationChallengeError,
    ClientAuthenticationError,
    ClientSecretError,
    UnauthorizedClientError,
    UndecidedError,
)
_TOKEN_USE_ERRORS: Final = (
    MalformedError,
    AccessTokenMissingError,
    AccessTokenError,
    DpopProofError,
    DpopNonceError,
    UndecidedError,
)
_UNKNOWN_ORGANISATION: Final = {404: problem_refusal("not_found")}
_MESSAGES: Final = "Encrypted exactly when the request asks for that."
_RESOURCE: Final = "resource"
_ANY_ORIGIN: Final = {"Access-Control-Allow-Origin": "Any page's script may read it."}


def _publishes(
    description: str,
    content: Mapping[str, Mapping[str, Any]],
    *,
    parameters: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] = _ANY_ORIGIN,
    **more: Any,
) -> Operation:
    """An endpoint that shows everybody a document of an organisation."""
    answers = {200: Answer(description, content, headers), **_PUBLISHED_REFUSALS, **more.pop("refusals", {})}
    return Operation(answers=answers, parameters=parameters, **more)


_PUBLISHED_REFUSALS: Final = {404: problem_refusal("not_found"), 503: problem_refusal("busy")}


def _messages(schema: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """A message in the open or encrypted. OpenID4VCI 1.0 §10."""
    return {PLAIN: schema, ENCRYPTED: messages.ENCRYPTED_MESSAGE}


# Protocol


def _protocol(
    place: Place, operation: Operation, *, refuses: Sequence[type[CredentialError]] = ()
) -> Callable[[Handler], Handler]:
    """An endpoint whose every failure is an error of its own specification. I-64.

    `refuses` names what is wrong with requests that are refused here: the document has the words for it.
    """

    def wrap(answer: Handler) -> Handler:
        @described(replace(operation, answers=_readable({**operation.answers, **_refusals(place, refuses)})))
        @wraps(answer)
        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except CredentialError as exc:
                code, word = wire_error(exc, place)
                log_refusal(exc, code, word)
                headers: Mapping[str, str] = getattr(exc, "headers", {})
                if code in (401, 403):
                    challenge = www_authenticate(request.headers.get("authorization", ""), word)
                    headers = {"WWW-Authenticate": challenge, **headers}
                if code == 503:
                    headers = {**headers, "Retry-After": RETRY_SECONDS}
                return OAuthError(code, word, exc.sentence, headers=headers).response()
            except (NotFoundError, Problem):
                raise
            except Exception as exc:
                log.error("unexpected", exc_info=exc)
                return unexpected_oauth_error(exc).response()

        return guarded

    return wrap


def _readable(answers: Mapping[int, Answer]) -> Mapping[int, Answer]:
    """The same, which every page's script may read."""
    return {code: replace(answer, headers={**answer.headers, **_ANY_ORIGIN}) for code, answer in answers.items()}


def _refusals(place: Place, kinds: Sequence[type[CredentialError]]) -> Mapping[int, Answer]:
    """The refusals of an endpoint by status, each with the words that its place has for what is wrong."""
    words: dict[int, set[str]] = {503: {"temporarily_unavailable"}}
    for kind in kinds:
        code, word = wire_error(kind(), place)
        words.setdefault(code, set()).update([word] if word is not None else [])
    return {code: _refusal(code, found) for code, found in words.items()}


def _refusal(code: int, words: set[str]) -> Answer:
    if code == 401 and words == {"invalid_client"}:
        answer = oauth_refusal(*words, description="Clients have no secret here.")
        return replace(answer, headers={"WWW-Authenticate": "The scheme that was tried (RFC 6749 §5.2)."})
    answer = oauth_refusal(*words, description=_WHY_401 if code == 401 else "")
    headers: dict[str, str] = {}
    if code in (401, 403):
        headers["WWW-Authenticate"] = "Both ways to use a token, and what was wrong with the one that was tried."
    if "use_dpop_nonce" in words:
        headers |= messages.DPOP_NONCE
    if "use_attestation_challenge" in words:
        headers |= messages.CHALLENGE
    return replace(answer, headers=headers)


def _presented_token(request: Request) -> PresentedToken:
    service: IssuerService = get_service(request)
    headers = request.headers
    return parse_presented_token(
        headers.getlist("authorization"),
        headers.getlist("dpop"),
        method=request.method,
        url=f"{service.settings.public_url}{request.scope['path']}",
    )


def _dpop_nonce(request: Request, presented: PresentedToken, organisation_id: UUID) -> dict[str, str]:
    """A fresh nonce for the next proof of whoever makes proofs. RFC 9449 §8.2."""
    if not presented.is_dpop:
        return {}
    service: IssuerService = get_service(request)
    return {DPOP_NONCE_HEADER: create_challenge(service.settings, organisation_id, now=service.clock())}


async def _message(request: Request) -> Message:
    """The body of a request that may be encrypted. OpenID4VCI 1.0 §8.2, §10."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in (PLAIN, ENCRYPTED):
        raise MalformedError("neither application/json nor application/jwt")
    return Message(await request.body(), content_type == ENCRYPTED)


async def _issuer(request: Request) -> CredentialIssuer:
    service: IssuerService = get_service(request)
    async with service.database.reading() as session:
        return await get_issuer(session, service.settings, request.path_params["org"])


@_protocol(
    Place.TOKEN,
    Operation(
        parameters=_CLIENT_HEADERS,
        body={messages.FORM: messages.PUSHED_AUTHORIZATION_REQUEST},
        answers={
            201: Answer(
                "The request waits for one browser.",
                {PLAIN: messages.PUSHED_AUTHORIZATION_RESPONSE},
                messages.DPOP_NONCE,
            ),
            **_UNKNOWN_ORGANISATION,
        },
    ),
    refuses=(
        *_CLIENT_ERRORS,
        UnsupportedResponseTypeError,
        RedirectUriError,
        ResourceError,
        UnknownScopeError,
        AuthorizationDetailsError,
    ),
)
async def pushed_authorization_request(request: Request) -> Response:
    """Pushed Authorization Request Endpoint. RFC 9126 §2."""
    service: IssuerService = get_service(request)
    issuer, form = await _issuer(request), await _form(request)
    parameters = parse_pushed_authorization_request(form.parameters, resource=form.resources)
    client = await _client(request, issuer, parameters.client_id)
    answer = await push_authorization_request(
        service.database, service.settings, issuer, parameters, client, now=service.clock()
    )
    return JSONResponse(answer, status_code=201, headers=_NO_STORE | _next_nonce(request, issuer, client))


async def _client(request: Request, issuer: CredentialIssuer, client_id: str | None) -> Client:
    """Whoever sent a request to the authorization server, by the headers that it came with."""
    service: IssuerService = get_service(request)
    return await verify_client(
        service.database,
        service.settings,
        service.resolver,
        issuer,
        request.headers,
        client_id=client_id,
        url=f"{service.settings.public_url}{request.url.path}",
        now=service.clock(),
    )


def _next_nonce(request: Request, issuer: CredentialIssuer, client: Client) -> dict[str, str]:
    """A fresh nonce for the next proof of whoever makes proofs. RFC 9449 §8.2."""
    if client.dpop_thumbprint is None:
        return {}
    service: IssuerService = get_service(request)
    return {DPOP_NONCE_HEADER: dpop_nonce(service.settings, issuer, service.clock())}


@_protocol(
    Place.TOKEN,
    Operation(
        parameters=_CLIENT_HEADERS,
        body={messages.FORM: messages.TOKEN_REQUEST},
        answers={
            200: Answer("An access token.", {PLAIN: messages.TOKEN_RESPONSE}, messages.DPOP_NONCE),
            **_UNKNOWN_ORGANISATION,
        },
    ),
    refuses=(
        *_CLIENT_ERRORS,
        UnsupportedGrantError,
        GrantError,
        ResourceError,
        TransactionCodeUsageError,
        UnknownScopeError,
        AuthorizationDetailsError,
    ),
)
async def token(request: Request) -> Response:
    """Token Endpoint. OpenID4VCI 1.0 §6."""
    service: IssuerService = get_service(request)
    issuer, form = await _issuer(request), await _form(request)
    token_request = parse_token_request(form.parameters)
    require_own_resource(issuer, form.resources)
    client = await _client(request, issuer, token_request.client_id)
    database, settings, now = service.database, service.settings, service.clock()
    match token_request:
        case PreAuthorizedTokenRequest():
            source = source_of(request.scope)
            answer = await exchange_pre_authorized_code(
                database, settings, issuer, token_request, client, source=source, now=now
            )
        case AuthorizationCodeTokenRequest():
            answer = await exchange_authorization_code(database, settings, issuer, token_request, client, now=now)
        case RefreshTokenRequest():
            answer = await exchange_refresh_token(database, settings, issuer, token_request, client, now=now)
    return JSONResponse(answer, headers=_NO_STORE | _next_nonce(request, issuer, client))


class _Form(NamedTuple):
    """A form of the authorization server."""

    parameters: Mapping[str, str]
    resources: Sequence[str]


async def _form(request: Request) -> _Form:
    """A form. A parameter that is there twice is refused; unknown ones, and those without a value, are ignored.

    RFC 6749 §3.1, §3.2. `resource` alone may be there more than once (RFC 8707 §2).
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if content_type != "application/x-www-form-urlencoded" or len(body) > _MAX_TOKEN_REQUEST:
        raise MalformedError("not a form, or a huge one")
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
    except ValueError as exc:
        raise MalformedError("a form that cannot be read") from exc
    others = [(name, value) for name, value in pairs if name != _RESOURCE]
    form = dict(others)
    if len(form) != len(others):
        raise MalformedError("a parameter is there twice")
    resources = [value for name, value in pairs if name == _RESOURCE and value]
    return _Form({name: value for name, value in form.items() if value}, resources)


@_protocol(
    Place.TOKEN,
    Operation(
        answers={
            200: Answer("A fresh nonce.", {PLAIN: messages.NONCE_RESPONSE}, messages.DPOP_NONCE),
            **_UNKNOWN_ORGANISATION,
        }
    ),
)
async def nonce(request: Request) -> Response:
    """Nonce Endpoint. OpenID4VCI 1.0 §7; open to everybody (I-55)."""
    service: IssuerService = get_service(request)
    issuer = await _issuer(request)
    now = service.clock()
    c_nonce = create_nonce(service.settings, issuer.organisation_id, now=now)
    # The proof for the request that this nonce is for can be made at once. §7.2, RFC 9449 §8.2.
    headers = {**_NO_STORE, DPOP_NONCE_HEADER: dpop_nonce(service.settings, issuer, now)}
    return JSONResponse({"c_nonce": c_nonce}, headers=headers)


@_protocol(
    Place.TOKEN,
    Operation(
        answers={
            200: Answer("A fresh challenge.", {PLAIN: messages.CHALLENGE_RESPONSE}),
            **_UNKNOWN_ORGANISATION,
        }
    ),
)
async def challenge(request: Request) -> Response:
    """Challenge Endpoint. Attestation-Based Client Authentication §6.1; I-46."""
    service: IssuerService = get_service(request)
    issuer = await _issuer(request)
    fresh = create_challenge(service.settings, issuer.organisation_id, now=service.clock())
    return JSONResponse({"attestation_challenge": fresh}, headers=_NO_STORE)


@_protocol(
    Place.CREDENTIAL,
    Operation(
        parameters=(_DPOP,),
        body=_messages(messages.CREDENTIAL_REQUEST),
        answers={
            200: Answer(
                f"One copy for each proven key. {_MESSAGES}",
                _messages(messages.CREDENTIAL_RESPONSE),
                messages.DPOP_NONCE,
            ),
            202: Answer(
                f"Somebody has to agree first. {_MESSAGES}", _messages(messages.DEFERRED_RESPONSE), messages.DPOP_NONCE
            ),
        },
        security=_TOKEN_SCHEMES,
    ),
    refuses=(
        *_TOKEN_USE_ERRORS,
        InsufficientScopeError,
        UnknownConfigurationError,
        UnknownIdentifierError,
        KeyProofError,
        NonceError,
        EncryptionParametersError,
        IssuanceDeniedError,
    ),
)
async def credential(request: Request) -> Response:
    """Credential Endpoint. OpenID4VCI 1.0 §8."""
    service: IssuerService = get_service(request)
    presented = _presented_token(request)
    answer = await issue_credential(
        service.database,
        service.settings,
        service.resolver,
        request.path_params["org"],
        presented,
        await _message(request),
        now=service.clock(),
    )
    headers = _NO_STORE | _dpop_nonce(request, presented, answer.organisation_id)
    return Response(answer.body, answer.status, media_type=answer.media_type, headers=headers)


@_protocol(
    Place.CREDENTIAL,
    Operation(
        parameters=(_DPOP,),
        body=_messages(messages.DEFERRED_REQUEST),
        answers={
            200: Answer(
                f"The copies that waited. {_MESSAGES}", _messages(messages.CREDENTIAL_RESPONSE), messages.DPOP_NONCE
            ),
            202: Answer(f"Not yet. {_MESSAGES}", _messages(messages.DEFERRED_RESPONSE), messages.DPOP_NONCE),
        },
        security=_TOKEN_SCHEMES,
    ),
    refuses=(*_TOKEN_USE_ERRORS, UnknownTransactionError, EncryptionParametersError, IssuanceDeniedError),
)
async def deferred(request: Request) -> Response:
    """Deferred Credential Endpoint. OpenID4VCI 1.0 §9."""
    service: IssuerService = get_service(request)
    presented = _presented_token(request)
    answer = await issue_deferred_credential(
        service.database,
        service.settings,
        request.path_params["org"],
        presented,
        await _message(request),
        now=service.clock(),
    )
    headers = _NO_STORE | _dpop_nonce(request, presented, answer.organisation_id)
    return Response(answer.body, answer.status, media_type=answer.media_type, headers=headers)


@_protocol(
    Place.NOTIFICATION,
    Operation(
        parameters=(_DPOP,),
        body={PLAIN: messages.NOTIFICATION_REQUEST},
        answers={204: Answer("Noted.", headers=messages.DPOP_NONCE)},
        security=_TOKEN_SCHEMES,
    ),
    refuses=(*_TOKEN_USE_ERRORS, UnknownNotificationError),
)
async def notification(request: Request) -> Response:
    """Notification Endpoint. OpenID4VCI 1.0 §11."""
    service: IssuerService = get_service(request)
    presented = _presented_token(request)
    message = await _message(request)
    if message.is_encrypted:
        raise MalformedError("notifications are not encrypted")
    organisation_id = await receive_notification(
        service.database, service.settings, request.path_params["org"], presented, message.body, now=service.clock()
    )
    return Response(status_code=204, headers=_NO_STORE | _dpop_nonce(request, presented, organisation_id))


@described(_publishes("What is offered.", {PLAIN: messages.CREDENTIAL_OFFER}))
async def offer(request: Request) -> Response:
    """A Credential Offer by reference. OpenID4VCI 1.0 §4.1.3; never signed, 404 once used or expired (I-04)."""
    service: IssuerService = get_service(request)
    issuer = await _issuer(request)
    # HEAD comes from whoever previews a link; only a wallet that takes the offer has opened it.
    answer = await resolve_offer(
        service.database,
        service.settings,
        issuer,
        request.path_params["secret"],
        now=service.clock(),
        is_opening=request.method == "GET",
    )
    return JSONResponse(answer, headers=_NO_STORE)


@described(
    _publishes(
        "What is issued here; signed where that is asked for.",
        {PLAIN: messages.ISSUER_METADATA, SIGNED_METADATA: messages.JWT},
        parameters=(header("Accept-Language", "Which language stands first."),),
        headers={
            "Content-Language": "The language that stands first.",
            "Vary": "Accept and Accept-Language.",
            **_ANY_ORIGIN,
        },
    )
)
async def issuer_metadata(request: Request) -> Response:
    """Credential Issuer Metadata, at the inserted and at the appended address. OpenID4VCI 1.0 §12.2.2; I-10, I-17."""
    service: IssuerService = get_service(request)
    language = request_language(request)
    headers = {
        "Content-Language": language,
        "Vary": "Accept, Accept-Language",
        "Access-Control-Allow-Origin": "*",
    }
    is_signed = _prefers(SIGNED_METADATA, PLAIN, request.headers.get("accept", ""))
    async with service.database.reading() as session:
        issuer = await get_issuer(session, service.settings, request.path_params["org"])
        given = (session, service.settings, issuer)
        if is_signed:
            signed = await metadata.create_signed_issuer_metadata(*given, language=language, now=service.clock())
            return Response(signed, media_type=SIGNED_METADATA, headers=headers)
        answer = await metadata.create_issuer_metadata(*given, language=language, now=service.clock())
    return JSONResponse(answer, headers=headers)


@described(_publishes("How tokens are given out here.", {PLAIN: messages.AUTHORIZATION_SERVER_METADATA}))
async def authorization_server_metadata(request: Request) -> Response:
    """Authorization Server Metadata. RFC 8414 §3; I-20."""
    service: IssuerService = get_service(request)

    async def create(session: SessionDep, issuer: CredentialIssuer) -> Mapping[str, Any]:
        return await metadata.create_authorization_server_metadata(session, service.settings, issuer)

    return await _published(request, create)


@described(
    _publishes(
        "The document.",
        {"application/did+json": messages.DID_DOCUMENT},
        parameters=(query("versionTime", "As it stood then, such as 2026-05-28T15:00:00Z."),),
        refusals={400: problem_refusal("version_time")},
    )
)
async def did_document(request: Request) -> Response:
    """The organisation's did:web document, as it is or as it was. K-21; DID Core 1.0 §3.2.1 (`versionTime`)."""
    if "versionTime" not in request.query_params:
        return await _published(request, did_documents.create_did_document, media_type="application/did+json")
    service: IssuerService = get_service(request)
    moment = _version_time(request.query_params["versionTime"])
    async with service.database.reading() as session:
        issuer = await get_issuer(session, service.settings, request.path_params["org"])
        answer = await did_documents.get_did_document(session, issuer, moment)
    return Response(answer, media_type="application/did+json", headers={"Access-Control-Allow-Origin": "*"})


def _version_time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as exc:
        raise Problem(400, "version_time", "The versionTime is not a time such as 2026-05-28T15:00:00Z.") from exc


@described(_publishes("The keys for ES256.", {PLAIN: messages.JWT_VC_ISSUER_METADATA}))
async def jwt_vc_issuer_metadata(request: Request) -> Response:
    """JWT VC Issuer Metadata. SD-JWT VC §4."""
    return await _published(request, metadata.create_jwt_vc_issuer_metadata)


async def _published(
    request: Request, create: Callable[..., Awaitable[Mapping[str, Any]]], *, media_type: str = "application/json"
) -> Response:
    service: IssuerService = get_service(request)
    async with service.database.reading() as session:
        issuer = await get_issuer(session, service.settings, request.path_params["org"])
        answer = await create(session, issuer)
    return JSONResponse(answer, headers={"Access-Control-Allow-Origin": "*"}, media_type=media_type)


@described(_publishes("The statement, signed now.", {ENTITY_STATEMENT_TYPE: messages.JWT}))
async def entity_configuration(request: Request) -> Response:
    """The Entity Configuration of an organisation that is a member of a federation. OpenID Federation 1.0 §9; T-07."""
    service: IssuerService = get_service(request)
    async with service.database.reading() as session:
        issuer = await get_issuer(session, service.settings, request.path_params["org"])
        answer = await federation.create_organisation_statement(session, service.settings, issuer, now=service.clock())
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
    return Response(answer, media_type=ENTITY_STATEMENT_TYPE, headers=headers)


@described(Operation(answers={200: Answer("The type metadata.", {PLAIN: messages.TYPE_METADATA}, _ANY_ORIGIN)}))
async def type_metadata(request: Request) -> Response:
    """Type metadata at the `vct` of this deployment's badges: the bytes behind `vct#integrity`. SD-JWT VC §5; K-49."""
    service: IssuerService = get_service(request)
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}
    return Response(create_skill_badge_type(service.settings.badge_vct), media_type="application/json", headers=headers)


def _publishes_list(content: Mapping[str, Mapping[str, Any]], past: str, **more: Any) -> Operation:
    return _publishes(
        "The list, compressed where gzip is accepted.",
        content,
        parameters=(
            query(past, "A moment of the past, which is refused."),
            header("If-None-Match", "The ETag of the list at hand."),
        ),
        headers={
            "ETag": "Names these bytes.",
            "Cache-Control": "Until when nothing newer is published.",
            **_ANY_ORIGIN,
        },
        refusals={
            304: Answer("The list at hand is the newest."),
            501: problem_refusal("historical_status"),
            **more.pop("refusals", {}),
        },
        **more,
    )


@described(
    _publishes_list(
        {status_lists.TOKEN.media_type: messages.JWT}, "time", refusals={406: problem_refusal("not_acceptable")}
    )
)
async def token_status_list(request: Request) -> Response:
    """A Status List Token: cached, compressed, and open to every page's script. Token Status List §8; K-78."""
    if "time" in request.query_params:
        raise Problem(501, "historical_status", "Status lists of the past are not offered.")
    if not _accepts(status_lists.TOKEN.media_type, request.headers.get("accept", "")):
        raise Problem(406, "not_acceptable", "Status lists are here as JWTs.", headers={"Vary": "Accept"})
    return await _status_list(request, status_lists.TOKEN, vary="Accept, Accept-Encoding")


@described(
    _publishes_list(
        {STATUS_LIST_PROOF_TYPE: messages.STATUS_LIST_CREDENTIAL, STATUS_LIST_JWT_TYPE: messages.JWT},
        "timestamp",
        path={"purpose": {"enum": list(status_lists.PURPOSES)}},
    )
)
async def bitstring_status_list(request: Request) -> Response:
    """A status list credential, for one purpose, in the form that is asked for. Bitstring Status List §3.2, §4."""
    if "timestamp" in request.query_params:
        raise Problem(501, "historical_status", "Status lists of the past are not offered.")
    as_jwt = _prefers(STATUS_LIST_JWT_TYPE, STATUS_LIST_PROOF_TYPE, request.headers.get("accept", ""))
    form = status_lists.bitstring_form(request.path_params["purpose"], as_jwt=as_jwt)
    return await _status_list(request, form, vary="Accept, Accept-Encoding")


async def _status_list(request: Request, form: status_lists.ListForm, *, vary: str) -> Response:
    service: IssuerService = get_service(request)
    org, number = request.path_params["org"], request.path_params["number"]
    served = await status_lists.get_status_list(
        service.database, service.settings, org, number, form, now=service.clock()
    )
    is_compressed = _accepts_gzip(request.headers.get("accept-encoding", ""))
    etag = f'"{served.etag}{"-gzip" if is_compressed else ""}"'
    headers = {
        "ETag": etag,
        "Cache-Control": f"public, max-age={int(served.fresh_for.total_seconds())}",
        "Vary": vary,
        "Access-Control-Allow-Origin": "*",
    }
    if etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    if is_compressed:
        headers["Content-Encoding"] = "gzip"
        return Response(_gzip(served.document), media_type=form.media_type, headers=headers)
    return Response(served.document, media_type=form.media_type, headers=headers)


# Token Status List §8.1; not made here.
_OTHER_FORM: Final = "application/statuslist+cwt"


def _prefers(wanted: str, other: str, accept: str) -> bool:
    """Whether one media type is asked for by name, and more than the other, which all others get. RFC 9110 §12.5.1."""
    ranges = (part.partition(";") for part in accept.lower().replace(" ", "").split(","))
    weights = {name: re.search(r"\bq=([01](?:\.\d{1,3})?)", parameters) for name, _, parameters in ranges}
    weight_of_wanted, weight_of_other = (
        0.0 if name not in weights else float(weight[1]) if (weight := weights[name]) else 1.0
        for name in (wanted, other)
    )
    return weight_of_wanted > weight_of_other


def _accepts(media_type: str, accept: str) -> bool:
    """Whether a media type may be the answer; the most exact range that covers it counts. RFC 9110 §12.5.1.

    Who names neither form of a list gets what there is: what cannot be had leaves badges unchecked.
    """
    ranges = (part.partition(";") for part in accept.lower().replace(" ", "").split(","))
    is_refused = {name: bool(re.search(r"\bq=0(?:\.0*)?(?:;|$)", parameters)) for name, _, parameters in ranges}
    if not is_refused.keys() & {media_type, _OTHER_FORM}:
        return True
    covering = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
    return not next((is_refused[name] for name in covering if name in is_refused), True)


def _accepts_gzip(accept_encoding: str) -> bool:
    """Whether gzip is named, and not with the weight of a no. RFC 9110 §12.5.3."""
    codings = (coding.lower().replace(" ", "").partition(";") for coding in accept_encoding.split(","))
    return any(name == "gzip" and not re.fullmatch(r"q=0(?:\.0*)?", weight) for name, _, weight in codings)


@lru_cache(maxsize=64)
def _gzip(token: str) -> bytes:
    return gzip.compress(token.encode(), 6)


@described(_publishes("The addresses.", {PLAIN: messages.STATUS_LISTS}))
async def status_list_aggregation(request: Request) -> Response:
    """The addresses of all status lists of an organisation. Token Status List §9; K-78."""
    service: IssuerService = get_service(request)
    async with service.database.reading() as session:
        issuer = await get_issuer(session, service.settings, request.path_params["org"])
        uris = await status_lists.list_status_list_uris(session, issuer)
    return JSONResponse({"status_lists": uris}, headers={"Access-Control-Allow-Origin": "*"})


@described(_publishes("Each value of a list, its word, and what that means.", {PLAIN: messages.STATUS_MESSAGES}))
async def describe_status_messages(request: Request) -> Response:
    """What `statusReference` of a badge leads to: its messages, explained. Bitstring Status List §2.1."""
    await _issuer(request)
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=86400"}
    return JSONResponse({"messages": status_messages.describe_messages()}, headers=headers)


class _OrganisationConvertor(StringConvertor):
    """A first segment that may be an organisation's: none of the service's own."""

    regex = rf"(?!(?:{'|'.join(sorted(RESERVED_SLUGS))})/)[^/]+"


register_url_convertor("organisation", _OrganisationConvertor())

# In the order in which they are tried, for which the busiest come first.
protocol_routes: list[Route] = [
    Route("/{org:organisation}/credential", credential, methods=["POST"]),
    Route("/{org:organisation}/nonce", nonce, methods=["POST"]),
    Route("/{org:organisation}/challenge", challenge, methods=["POST"]),
    Route("/{org:organisation}/token", token, methods=["POST"]),
    Route("/{org:organisation}/par", pushed_authorization_request, methods=["POST"]),
    Route("/{org:organisation}/deferred", deferred, methods=["POST"]),
    Route("/{org:organisation}/notification", notification, methods=["POST"]),
    Route("/.well-known/openid-credential-issuer/{org}", issuer_metadata),
    Route("/{org:organisation}/.well-known/openid-credential-issuer", issuer_metadata),
    Route("/.well-known/oauth-authorization-server/{org}", authorization_server_metadata),
    Route("/{org:organisation}/.well-known/oauth-authorization-server", authorization_server_metadata),
    Route("/.well-known/jwt-vc-issuer/{org}", jwt_vc_issuer_metadata),
    Route("/{org:organisation}/.well-known/jwt-vc-issuer", jwt_vc_issuer_metadata),
    Route("/{org:organisation}/.well-known/openid-federation", entity_configuration),
    Route("/vct/skill-badge/1", type_metadata),
    Route("/{org:organisation}/did.json", did_document),
    Route("/{org:organisation}/offers/{secret}", offer),
    Route("/{org:organisation}/status", status_list_aggregation),
    Route("/{org:organisation}/status/messages", describe_status_messages),
    Route("/{org:organisation}/status/{number:int}", token_status_list),
    Route("/{org:organisation}/status/{number:int}/{purpose}", bitstring_status_list),
]

# What a wallet that runs in a browser calls: with tokens and codes, and with no cookie.
open_to_scripts: Final = OpenToScripts(
    [
        route
        for route in protocol_routes
        if route.endpoint
        in (credential, nonce, challenge, token, pushed_authorization_request, deferred, notification, offer)
    ],
    takes=("Authorization", "Content-Type", "DPoP", ATTESTATION_HEADER, POP_HEADER),
    shows=(DPOP_NONCE_HEADER, CHALLENGE_HEADER, "WWW-Authenticate", "Retry-After", "Trace-Id"),
)


# Management


router = APIRouter(
    prefix="/api", tags=["management"], route_class=ManagementRoute, generate_unique_id_function=operation_id
)


def _holder_of(scope: api_keys.Scope | None) -> Any:
    """Lets in whoever has a key, with this scope for the organisation of the path where there is one."""

    async def admit(request: Request) -> Caller:
        service: IssuerService = get_service(request)
        caller = await verify_api_key(service.database, request.headers.get("authorization"), now=service.clock())
        if scope is not None:
            caller.require(scope, request.path_params.get("org"))
        return caller

    return Security(Gate(admit), scopes=[] if scope is None else [scope])


CallerDep = Annotated[Caller, _holder_of(None)]
AchievementsWriter = Annotated[Caller, _holder_of("achievements:write")]
AwardsReader = Annotated[Caller, _holder_of("awards:read")]
AwardsWriter = Annotated[Caller, _holder_of("awards:write")]
OrganisationsWriter = Annotated[Caller, _holder_of("organisations:write")]
StatusWriter = Annotated[Caller, _holder_of("status:write")]


class OrganisationAnswer(BaseModel):
    """An organisation as a Credential Issuer."""

    slug: str
    name: str
    url: str | None
    country: str
    registration_number: str | None
    credential_issuer: str
    did: str
    kid: str
    public_jwk: dict[str, Any]


class EndorsementAnswer(BaseModel):
    """What somebody else says of an achievement; verified when it was added, and again by whoever checks a badge."""

    id: str
    endorser: str
    endorser_name: str
    comment: str
    valid_from: str
    valid_until: str | None


class GivenEndorsementAnswer(BaseModel):
    """What this organisation says of somebody else's badge; `document` is what they add to theirs."""

    id: UUID
    subject: str
    name: str
    comment: str
    document: dict[str, Any]
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    withdrawn_at: AwareDatetime | None


class GivenEndorsementsAnswer(BaseModel):
    """Everything that this organisation endorsed."""

    endorsements: list[GivenEndorsementAnswer]


class AchievementAnswer(BaseModel):
    """An achievement in one version."""

    slug: str
    version: int
    name: LocalisedText
    description: LocalisedText
    criteria: LocalisedText
    assessment: LocalisedText | None
    achievement_type: str
    skills: list[SkillReference]
    validity_days: int | None
    ects: float | None
    sbu: int | None
    eqf_level: int | None
    nlqf_level: str | None
    assessment_type: str | list[str] | None
    participation_type: str | list[str] | None
    quality_assurance: QualityAssurance | None
    prerequisites: LocalisedText | None
    supervision: str | None
    identity_checked: bool | None
    stackability: str | None
    part_of: list[str]
    prerequisites_url: str | None
    level_verified: bool
    hours: float | None
    learning_outcomes: list[OutcomeDescription]
    grading_scheme: GradingScheme | None
    result_descriptions: list[ResultDescription]
    creator: Organisation | None
    tags: list[str]
    field_of_study: str | None
    specialization: str | None
    human_code: str | None
    isced_f: str | None
    programmes: list[str]
    teaching_languages: list[str]
    recheck_months: int | None
    other_identifiers: list[OtherIdentifier]
    related: list[RelatedAchievement]
    status_messages: bool
    language: str
    url: str
    image_url: str
    credential_configuration_ids: list[str]
    warnings: list[str]
    endorsements: list[EndorsementAnswer]


class AchievementsAnswer(BaseModel):
    """All achievements of an organisation."""

    achievements: list[AchievementAnswer]


class OfferAnswer(BaseModel):
    """An open offer. The link and the code travel by different ways; `haip_link` needs no code, but signing in."""

    link: str
    haip_link: str | None
    by_value_link: str
    credential_offer_uri: str
    wallet_link: str | None
    tx_code: str | None
    expires_at: AwareDatetime


class AwardAnswer(BaseModel):
    """An award, its state, and its offer for as long as that is open."""

    id: UUID
    achievement: str
    version: int
    reference: str
    person: dict[str, str] | None
    claims: dict[str, Any]
    """Evidence, results and the like, in the words of Open Badges; empty when the personal data were dropped."""
    state: str
    reason: str | None
    message: StatusMessage
    awarded_at: AwareDatetime
    expires_at: AwareDatetime | None
    created_at: AwareDatetime
    changed_at: AwareDatetime
    offer: OfferAnswer | None


class AwardsAnswer(BaseModel):
    """A list of awards."""

    awards: list[AwardAnswer]


class BadgeFileAnswer(BaseModel):
    """The badge of an award as a file; for each form where it can be had, and the page for its recipient."""

    created_at: AwareDatetime
    link: str
    files: dict[str, str]


class IdentityProviderAnswer(BaseModel):
    """Where people sign in, and the address to register there; the secret is never shown."""

    issuer: str
    name: str
    client_id: str
    has_client_secret: bool
    subject_claim: str
    redirect_uri: str


class ReasonBody(Input):
    """Why a status changes; the reason is kept in the audit trail."""

    reason: str = Field(min_length=1, max_length=500)


class MessageBody(Input):
    """What is told of an award beside its status; `no_message` takes it back."""

    message: StatusMessage


class OfferBody(Input):
    """How a new offer is made."""

    tx_code: bool = True
    offer_valid_seconds: int | None = Field(default=None, ge=60, le=MANY_SECONDS)
    revoke_earlier_copies: bool = False


class OperatorAnswer(BaseModel):
    """A new member of staff."""

    id: str
    email: str


class ApiKeyBody(Input):
    """A new API key of an organisation; `operator` is the member of staff on whose name it stands."""

    name: str = Field(min_length=1, max_length=100)
    scopes: list[api_keys.Scope] = Field(min_length=1)
    operator: UUID | None = None


class ApiKeyAnswer(BaseModel):
    """A new API key; it is shown in this answer only."""

    id: UUID
    api_key: str


class RotationBody(Input):
    """Which key is replaced."""

    algorithm: did_documents.Algorithm = "ES256"


class SigningKeyAnswer(BaseModel):
    """A key of an organisation; one that was retired verifies, one that was withdrawn does not."""

    kid: str
    algorithm: str
    public_jwk: dict[str, Any]
    thumbprint: str
    created_at: AwareDatetime
    retired_at: AwareDatetime | None
    withdrawn_at: AwareDatetime | None


class CertificatesBody(Input):
    """A certificate chain: the leaf first, and without the authority's own certificate."""

    pem: str = Field(min_length=1, max_length=64_000)


class CertificateAnswer(BaseModel):
    """One certificate of a chain."""

    subject: str
    issuer: str
    valid_until: AwareDatetime


class CertificatesAnswer(BaseModel):
    """The certificate chain of an organisation's key."""

    certificates: list[CertificateAnswer]


class SigningKeysAnswer(BaseModel):
    """Every key that an organisation ever had."""

    signing_keys: list[SigningKeyAnswer]


class KeyAnswer(BaseModel):
    """The key that signs from now on."""

    kid: str


class FederationBody(Input):
    """The Entity Identifiers of the superiors of an organisation."""

    authority_hints: list[Annotated[str, Field(min_length=1, max_length=2048)]] = Field(min_length=1, max_length=32)


class FederationAnswer(BaseModel):
    """A member of OpenID Federations: by what name and key its superiors vouch for it."""

    entity: str
    entity_configuration: str
    authority_hints: list[str]
    public_jwk: dict[str, Any]
    public_jwks: list[dict[str, Any]]
    """Every key that is published now, and that superiors should name: the one that signs first."""


class RolloverBody(Input):
    """A step in replacing the key of a member's statements. OpenID Federation 1.0 §11."""

    step: federation.RolloverStep


class DroppedAnswer(BaseModel):
    """How many awards lost their personal data."""

    dropped: int


class SkillAnswer(BaseModel):
    """A skill of ESCO."""

    uri: str
    name: str
    language: str
    description: str
    framework: str


class SkillsAnswer(BaseModel):
    """Skills that fit a search."""

    skills: list[SkillAnswer]
    available: bool


async def _organisation_answer(session: SessionDep, issuer: CredentialIssuer) -> OrganisationAnswer:
    key = next(
        key
        for key in await did_documents.list_published_keys(session, issuer.organisation_id)
        if key.algorithm == "ES256" and key.signs
    )
    return OrganisationAnswer(
        slug=issuer.slug,
        name=issuer.name,
        url=issuer.url,
        country=issuer.country,
        registration_number=issuer.registration_number,
        credential_issuer=issuer.identifier,
        did=issuer.did,
        kid=issuer.verification_method(key.fragment),
        public_jwk=key.key.jwk,
    )


# What an answer tells as it was described; a picture has an address of its own.
_SHOWN = AchievementDescription.model_fields.keys() & AchievementAnswer.model_fields.keys()


def _achievement_answer(settings: IssuerSettings, issuer: CredentialIssuer, row: AchievementRow) -> AchievementAnswer:
    description = achievements.description_of(row)
    return AchievementAnswer(
        **{name: getattr(description, name) for name in _SHOWN},
        version=row.version.version,
        url=achievements.achievement_uri(issuer, description.slug),
        image_url=achievements.achievement_image_uri(issuer, row),
        credential_configuration_ids=list(achievements.configuration_ids(settings, description.slug)),
        warnings=list(achievements.warnings_about(description)),
        endorsements=[
            EndorsementAnswer.model_validate(each, from_attributes=True)
            for each in endorsements.received_endorsements(row)
        ],
    )


def _given_answer(given: GivenEndorsement) -> GivenEndorsementAnswer:
    return GivenEndorsementAnswer(
        id=given.id,
        subject=given.subject,
        name=given.name,
        comment=given.comment,
        document=parse_json_object(given.document),
        created_at=given.created_at,
        expires_at=given.expires_at,
        withdrawn_at=given.withdrawn_at,
    )


def _tagged(response: Response, answer: AchievementAnswer) -> AchievementAnswer:
    """The answer with its version as ETag, which a change names in If-Match."""
    response.headers["ETag"] = f'"{answer.version}"'
    return answer


def _version_of(if_match: str | None) -> int:
    """The one version that a change was made from, or an IssuerError: `*` and several would each undo another's work.

    RFC 9110 §13.1.1, RFC 6585 §3.
    """
    if if_match is None or if_match == "*" or "," in if_match:
        raise VersionMissingError
    if not re.fullmatch(r'"[1-9][0-9]{0,9}"', if_match):
        raise ChangedMeanwhileError
    return int(if_match.strip('"'))


def _award_answer(view: AwardView) -> AwardAnswer:
    offer_answer = None
    if view.offer is not None:
        offer_answer = OfferAnswer(
            link=view.offer.link,
            haip_link=view.offer.haip_link,
            by_value_link=view.offer.by_value_link,
            credential_offer_uri=view.offer.credential_offer_uri,
            wallet_link=view.offer.wallet_link,
            tx_code=view.offer.tx_code,
            expires_at=view.offer.expires_at,
        )
    return AwardAnswer(
        id=view.id,
        achievement=view.achievement_slug,
        version=view.achievement_version,
        reference=view.reference,
        person=None if view.person is None else dict(view.person),
        claims=dict(view.claims),
        state=view.state,
        reason=view.reason,
        message=view.message,
        awarded_at=view.awarded_at,
        expires_at=view.expires_at,
        created_at=view.created_at,
        changed_at=view.changed_at,
        offer=offer_answer,
    )


def _federation_answer(membership: federation.Membership) -> FederationAnswer:
    return FederationAnswer(
        entity=membership.entity,
        entity_configuration=membership.entity_configuration,
        authority_hints=list(membership.authority_hints),
        public_jwk=dict(membership.public_jwk),
        public_jwks=[dict(jwk) for jwk in membership.public_jwks],
    )


@router.post("/organisations", status_code=201)
async def add_organisation(
    body: OrganisationDescription,
    caller: OrganisationsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
) -> OrganisationAnswer:
    """Add an organisation, with its keys and its first status list."""
    issuer = await create_organisation(session, service.settings, body, actor=caller.name, now=now)
    return await _organisation_answer(session, issuer)


@router.get("/organisations/{org}")
async def get_organisation(
    org: str, _: AwardsReader, service: IssuerServiceDep, session: SessionDep
) -> OrganisationAnswer:
    """An organisation, with the DID and key that a trust list needs."""
    return await _organisation_answer(session, await get_issuer(session, service.settings, org))


@router.post("/organisations/{org}/operators", status_code=201)
async def add_operator(
    org: str, body: OperatorDescription, caller: OrganisationsWriter, service: IssuerServiceDep, now: NowDep
) -> OperatorAnswer:
    """Let a colleague sign in to the back office."""
    operator_id = await create_operator(service.database, service.settings, org, body, actor=caller.name, now=now)
    return OperatorAnswer(id=operator_id, email=body.email)


@router.post("/organisations/{org}/api-keys", status_code=201)
async def add_api_key(
    org: str, body: ApiKeyBody, caller: OrganisationsWriter, service: IssuerServiceDep, session: SessionDep, now: NowDep
) -> ApiKeyAnswer:
    """Make an API key for this organisation alone, with no more than the caller's own scopes.

    What a second person approves is awarded and approved by keys that stand on somebody's name alone.
    """
    for scope in body.scopes:
        caller.require(scope, org)
    issuer = await get_issuer(session, service.settings, org)
    created = await api_keys.create_api_key(
        session,
        name=body.name,
        scopes=body.scopes,
        organisation_id=issuer.organisation_id,
        operator_id=None if body.operator is None else str(body.operator),
        actor=caller.name,
        now=now,
    )
    return ApiKeyAnswer(id=created.id, api_key=created.key)


@router.delete("/organisations/{org}/api-keys/{key_id}", status_code=204)
async def remove_api_key(
    org: str, key_id: UUID, caller: OrganisationsWriter, service: IssuerServiceDep, session: SessionDep, now: NowDep
) -> None:
    """Withdraw an API key of this organisation."""
    issuer = await get_issuer(session, service.settings, org)
    await api_keys.revoke_api_key(session, issuer.organisation_id, key_id, actor=caller.name, now=now)


def _provider_answer(issuer: CredentialIssuer, provider: OpenIdProvider) -> IdentityProviderAnswer:
    return IdentityProviderAnswer(
        issuer=provider.issuer,
        name=provider.name,
        client_id=provider.client_id,
        has_client_secret=provider.client_secret is not None,
        subject_claim=provider.subject_claim,
        redirect_uri=identity_providers.callback_url(issuer),
    )


@router.get("/organisations/{org}/identity-provider")
async def get_identity_provider(
    org: str, _: OrganisationsWriter, service: IssuerServiceDep, session: SessionDep
) -> IdentityProviderAnswer:
    """Where this organisation's people sign in to fetch their badges; 404 where they get a one-time link."""
    issuer = await get_issuer(session, service.settings, org)
    provider = await identity_providers.find_identity_provider(session, service.settings, issuer)
    if provider is None:
        raise NotFoundError(N_("Er is geen inlogdienst ingesteld."))
    return _provider_answer(issuer, provider)


@router.put("/organisations/{org}/identity-provider")
async def set_identity_provider(
    org: str,
    body: IdentityProviderDescription,
    caller: OrganisationsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
) -> IdentityProviderAnswer:
    """Let people sign in at this OpenID Provider. A secret that is left out stays what it was."""
    issuer = await get_issuer(session, service.settings, org)
    provider = await identity_providers.set_identity_provider(
        session, service.settings, issuer, body, actor=caller.name, now=now
    )
    return _provider_answer(issuer, provider)


@router.delete("/organisations/{org}/identity-provider", status_code=204)
async def remove_identity_provider(
    org: str, caller: OrganisationsWriter, service: IssuerServiceDep, session: SessionDep, now: NowDep
) -> None:
    """Let people sign in by one-time link again."""
    issuer = await get_issuer(session, service.settings, org)
    await identity_providers.remove_identity_provider(session, issuer, actor=caller.name, now=now)


@router.get("/organisations/{org}/federation")
async def get_federation_membership(
    org: str, _: AwardsReader, service: IssuerServiceDep, session: SessionDep
) -> FederationAnswer:
    """What the superiors of the organisation in a federation must know, and who they are."""
    issuer = await get_issuer(session, service.settings, org)
    return _federation_answer(await federation.get_membership(session, issuer))


@router.put("/organisations/{org}/federation")
async def set_federation_membership(
    org: str,
    body: FederationBody,
    caller: OrganisationsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
) -> FederationAnswer:
    """Name the organisation's superiors in OpenID Federations; its badges name its membership from now on."""
    issuer = await get_issuer(session, service.settings, org)
    membership = await federation.join_federation(
        session, service.settings, issuer, body.authority_hints, actor=caller.name, now=now
    )
    return _federation_answer(membership)


@router.post("/organisations/{org}/federation/key-rollover")
async def roll_federation_key(
    org: str,
    body: RolloverBody,
    caller: OrganisationsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
) -> FederationAnswer:
    """Replace the key of the statements: `announce` the next one, `use` it when the superiors name it, `retire` the one
    before."""
    issuer = await get_issuer(session, service.settings, org)
    membership = await federation.roll_key(session, service.settings, issuer, body.step, actor=caller.name, now=now)
    return _federation_answer(membership)


@router.delete("/organisations/{org}/federation", status_code=204)
async def end_federation_membership(
    org: str, caller: OrganisationsWriter, service: IssuerServiceDep, session: SessionDep, now: NowDep
) -> None:
    """Leave every federation: the Entity Configuration is published no more."""
    issuer = await get_issuer(session, service.settings, org)
    await federation.leave_federation(session, issuer, actor=caller.name, now=now)


@router.get("/organisations/{org}/signing-keys")
async def list_signing_keys(
    org: str, _: AwardsReader, service: IssuerServiceDep, session: SessionDep
) -> SigningKeysAnswer:
    """Every key that the organisation ever had: by algorithm, newest first."""
    issuer = await get_issuer(session, service.settings, org)
    keys = [
        SigningKeyAnswer(
            kid=issuer.verification_method(key.fragment),
            algorithm=key.algorithm,
            public_jwk=key.key.jwk,
            thumbprint=key.key.thumbprint,
            created_at=key.created_at,
            retired_at=key.retired_at,
            withdrawn_at=key.withdrawn_at,
        )
        for key in await did_documents.list_keys(session, issuer.organisation_id)
    ]
    return SigningKeysAnswer(signing_keys=keys)


@router.get(
    "/organisations/{org}/archive",
    response_class=Response,
    responses={200: {"content": {ARCHIVE_TYPE: {}}, "description": "The signed archive."}},
)
async def get_archive(org: str, _: AwardsReader, service: IssuerServiceDep, now: NowDep) -> Response:
    """All that badges need to stay checkable when this issuer is gone, in one signed file."""
    archive = await create_archive(service.database, service.settings, org, now=now)
    return Response(archive.content, media_type=ARCHIVE_TYPE, headers=archive_headers(archive))


@router.post("/organisations/{org}/signing-keys", status_code=201)
async def rotate_signing_key(
    org: str,
    caller: OrganisationsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
    body: RotationBody | None = None,
) -> KeyAnswer:
    """Sign with a new key from now on; the one before it stays in the DID document."""
    issuer = await get_issuer(session, service.settings, org)
    algorithm = (body or RotationBody()).algorithm
    fragment = await signing_keys.rotate_signing_key(
        session, service.settings, issuer, algorithm, actor=caller.name, now=now
    )
    return KeyAnswer(kid=issuer.verification_method(fragment))


@router.delete("/organisations/{org}/signing-keys/{fragment}", status_code=204)
async def withdraw_signing_key(
    org: str, fragment: str, caller: OrganisationsWriter, service: IssuerServiceDep, session: SessionDep, now: NowDep
) -> None:
    """Take a leaked key out of the DID document: what it signed stops verifying."""
    issuer = await get_issuer(session, service.settings, org)
    await signing_keys.withdraw_signing_key(session, issuer, fragment, actor=caller.name, now=now)


@router.get("/organisations/{org}/certificates")
async def get_certificates(
    org: str, _: AwardsReader, service: IssuerServiceDep, session: SessionDep
) -> CertificatesAnswer:
    """The certificate chain of the key that signs wallet badges, leaf first; empty when there is none."""
    issuer = await get_issuer(session, service.settings, org)
    return _certificates_answer(certificates.read_certificate_chain(issuer))


@router.put("/organisations/{org}/certificates")
async def set_certificates(
    org: str,
    body: CertificatesBody,
    caller: OrganisationsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
) -> CertificatesAnswer:
    """Be known by certificates too, as HAIP asks: the chain of the key that signs now, without the authority's own."""
    issuer = await get_issuer(session, service.settings, org)
    chain = await certificates.set_certificate_chain(session, issuer, body.pem, actor=caller.name, now=now)
    return _certificates_answer(chain)


@router.delete("/organisations/{org}/certificates", status_code=204)
async def remove_certificates(
    org: str, caller: OrganisationsWriter, service: IssuerServiceDep, session: SessionDep, now: NowDep
) -> None:
    """Be known by DID alone from now on."""
    issuer = await get_issuer(session, service.settings, org)
    await certificates.remove_certificate_chain(session, issuer, actor=caller.name, now=now)


def _certificates_answer(chain: Sequence[Certificate]) -> CertificatesAnswer:
    return CertificatesAnswer(
        certificates=[
            CertificateAnswer(
                subject=each.subject.rfc4514_string(),
                issuer=each.issuer.rfc4514_string(),
                valid_until=each.not_valid_after_utc,
            )
            for each in chain
        ]
    )


@router.post("/organisations/{org}/achievements", status_code=201)
async def add_achievement(
    org: str,
    body: AchievementDescription,
    caller: AchievementsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
    response: Response,
) -> AchievementAnswer:
    """Describe an achievement."""
    issuer = await get_issuer(session, service.settings, org)
    row = await achievements.create_achievement(
        session, issuer, body, skills=service.skills, actor=caller.name, now=now
    )
    return _tagged(response, _achievement_answer(service.settings, issuer, row))


@router.get("/organisations/{org}/achievements")
async def list_achievements(
    org: str, _: AwardsReader, service: IssuerServiceDep, session: SessionDep
) -> AchievementsAnswer:
    """Every achievement in its newest version."""
    issuer = await get_issuer(session, service.settings, org)
    rows = await achievements.list_achievements(session, issuer)
    return AchievementsAnswer(achievements=[_achievement_answer(service.settings, issuer, row) for row in rows])


@router.get("/organisations/{org}/achievements/{slug}")
async def get_achievement(
    org: str,
    slug: str,
    _: AwardsReader,
    service: IssuerServiceDep,
    session: SessionDep,
    response: Response,
    version: Annotated[int | None, Query(ge=1, le=LARGEST_NUMBER)] = None,
) -> AchievementAnswer:
    """An achievement, in its newest or in a named version; the ETag is what a change names in If-Match."""
    issuer = await get_issuer(session, service.settings, org)
    row = await achievements.get_achievement(session, issuer, slug, version)
    return _tagged(response, _achievement_answer(service.settings, issuer, row))


@router.put("/organisations/{org}/achievements/{slug}", responses={412: {}, 428: {}})
async def change_achievement(
    org: str,
    slug: str,
    body: AchievementDescription,
    caller: AchievementsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
    response: Response,
    if_match: Annotated[str | None, Header(max_length=200)] = None,
) -> AchievementAnswer:
    """Make the version after the one that If-Match names; 412 when that is not the newest. Awards keep theirs."""
    if body.slug != slug:
        raise InputError(fields={"slug": N_("Het webadres van een badge blijft wat het was.")})
    issuer = await get_issuer(session, service.settings, org)
    row = await achievements.change_achievement(
        session,
        issuer,
        body,
        from_version=_version_of(if_match),
        skills=service.skills,
        actor=caller.name,
        now=now,
    )
    return _tagged(response, _achievement_answer(service.settings, issuer, row))


@router.post(
    "/organisations/{org}/achievements/{slug}/endorsements",
    status_code=201,
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}},
)
async def add_endorsement(
    org: str,
    slug: str,
    request: Request,
    caller: AchievementsWriter,
    service: IssuerServiceDep,
    now: NowDep,
    response: Response,
) -> AchievementAnswer:
    """Let badges carry somebody else's endorsement of this achievement, once it was verified: a new version."""
    content = await request.body()
    async with service.database.reading() as session:
        issuer = await get_issuer(session, service.settings, org)
    row = await endorsements.add_endorsement(
        service.database, service.fetch, issuer, slug, content, actor=caller.name, now=now
    )
    return _tagged(response, _achievement_answer(service.settings, issuer, row))


@router.delete("/organisations/{org}/achievements/{slug}/endorsements")
async def remove_endorsement(
    org: str,
    slug: str,
    id: Annotated[str, Query(max_length=500)],
    caller: AchievementsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
    response: Response,
) -> AchievementAnswer:
    """Leave an endorsement out of badges that are awarded from now on. A new version."""
    issuer = await get_issuer(session, service.settings, org)
    row = await endorsements.remove_endorsement(session, issuer, slug, id, actor=caller.name, now=now)
    return _tagged(response, _achievement_answer(service.settings, issuer, row))


@router.post("/organisations/{org}/endorsements", status_code=201)
async def give_endorsement(
    org: str,
    body: EndorsementDescription,
    caller: AchievementsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
) -> GivenEndorsementAnswer:
    """Sign an endorsement of somebody else's badge or organisation."""
    issuer = await get_issuer(session, service.settings, org)
    given = await endorsements.give_endorsement(session, service.settings, issuer, body, actor=caller.name, now=now)
    return _given_answer(given)


@router.get("/organisations/{org}/endorsements")
async def list_endorsements(
    org: str, _: AwardsReader, service: IssuerServiceDep, session: SessionDep
) -> GivenEndorsementsAnswer:
    """What this organisation endorsed, newest first."""
    issuer = await get_issuer(session, service.settings, org)
    given = await endorsements.list_given_endorsements(session, issuer)
    return GivenEndorsementsAnswer(endorsements=[_given_answer(each) for each in given])


@router.post("/organisations/{org}/endorsements/{endorsement_id}/withdraw")
async def withdraw_endorsement(
    org: str,
    endorsement_id: UUID,
    caller: AchievementsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
) -> GivenEndorsementAnswer:
    """Take an endorsement back, for good."""
    issuer = await get_issuer(session, service.settings, org)
    await endorsements.withdraw_endorsement(session, issuer, endorsement_id, actor=caller.name, now=now)
    return _given_answer(await endorsements.get_given_endorsement(session, issuer, endorsement_id))


@router.post("/organisations/{org}/achievements/{slug}/awards", status_code=201)
async def award_achievement(
    org: str,
    slug: str,
    body: AwardRequest,
    caller: AwardsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> AwardsAnswer:
    """Award an achievement to everybody in the list, or to nobody. The same Idempotency-Key awards once."""
    issuer = await get_issuer(session, service.settings, org)
    views = await awards.award_achievement(
        session,
        service.settings,
        issuer,
        slug,
        body,
        idempotency_key=idempotency_key,
        actor=caller.name,
        person=caller.person,
        now=now,
    )
    return AwardsAnswer(awards=[_award_answer(view) for view in views])


@router.get("/organisations/{org}/awards")
async def list_awards(
    org: str,
    caller: AwardsReader,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST_NUMBER)] = 0,
) -> AwardsAnswer:
    """Awards, newest first."""
    issuer = await get_issuer(session, service.settings, org)
    views = await awards.list_awards(session, service.settings, issuer, limit=limit, offset=offset, now=now)
    return AwardsAnswer(awards=[_award_answer(_without_codes(caller, view)) for view in views])


@router.get("/organisations/{org}/awards/{award_id}")
async def get_award(
    org: str, award_id: UUID, caller: AwardsReader, service: IssuerServiceDep, session: SessionDep, now: NowDep
) -> AwardAnswer:
    """One award."""
    issuer = await get_issuer(session, service.settings, org)
    view = await awards.get_award(session, service.settings, issuer, award_id, now=now)
    return _award_answer(_without_codes(caller, view))


def _without_codes(caller: Caller, view: AwardView) -> AwardView:
    """Who may only read sees no link and no code: with both, anybody could fetch the badge."""
    return view if "awards:write" in caller.scopes else awards.without_offer(view)


@router.post("/organisations/{org}/awards/{award_id}/offer", status_code=201)
async def renew_offer(
    org: str,
    award_id: UUID,
    caller: AwardsWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
    body: OfferBody | None = None,
) -> AwardAnswer:
    """Make a new offer; the one before it ends."""
    body = body or OfferBody()
    issuer = await get_issuer(session, service.settings, org)
    policy = OfferPolicy.of(
        has_tx_code=body.tx_code,
        seconds=body.offer_valid_seconds,
        revokes_earlier_copies=body.revoke_earlier_copies,
    )
    view = await awards.renew_offer(session, service.settings, issuer, award_id, policy, actor=caller.name, now=now)
    return _award_answer(view)


@router.post("/organisations/{org}/awards/{award_id}/drop-claims")
async def drop_claims(
    org: str, award_id: UUID, caller: AwardsWriter, service: IssuerServiceDep, session: SessionDep, now: NowDep
) -> DroppedAnswer:
    """Forget what an award says about a person; revoking stays possible."""
    issuer = await get_issuer(session, service.settings, org)
    await awards.get_award(session, service.settings, issuer, award_id, now=now)
    return DroppedAnswer(dropped=await awards.drop_claims(session, issuer, [award_id], actor=caller.name, now=now))


@router.post("/organisations/{org}/awards/{award_id}/file", status_code=201)
async def make_badge_file(
    org: str, award_id: UUID, caller: AwardsWriter, service: IssuerServiceDep, session: SessionDep, now: NowDep
) -> BadgeFileAnswer:
    """Sign the badge as a file for somebody without a wallet; asked again, it stays the file that it was."""
    issuer = await get_issuer(session, service.settings, org)
    view = await badge_files.make_badge_file(session, service.settings, issuer, award_id, actor=caller.name, now=now)
    base = f"{service.settings.public_url}/api/organisations/{org}/awards/{award_id}/file"
    return BadgeFileAnswer(
        created_at=view.created_at, link=view.link, files={form: f"{base}/{form}" for form in view.forms}
    )


@router.get(
    "/organisations/{org}/awards/{award_id}/file/{form}",
    response_class=Response,
    responses={
        200: {
            "content": {
                media_type: {} for media_type in ("application/vc+ld+json", "text/plain", "image/png", "image/svg+xml")
            },
            "description": "The signed badge, or a picture that carries it.",
        }
    },
)
async def get_badge_file(
    org: str, award_id: UUID, form: FileForm, _: AwardsWriter, service: IssuerServiceDep, session: SessionDep
) -> Response:
    """The file that was made of an award: JSON with its proof, JWS, or baked into the art of the badge."""
    issuer = await get_issuer(session, service.settings, org)
    file = await badge_files.get_badge_file(session, service.settings, issuer, award_id, form)
    return Response(file.content, media_type=file.media_type, headers=file.headers)


@router.get(
    "/organisations/{org}/awards/{award_id}/elm",
    response_class=Response,
    responses={200: {"content": {elm_export.MEDIA_TYPE: {}}, "description": "The unsigned document."}, 409: {}},
)
async def get_elm_document(
    org: str, award_id: UUID, _: AwardsReader, service: IssuerServiceDep, session: SessionDep
) -> Response:
    """An award as a European Digital Credential, for the organisation's own sealing service; it proves nothing yet."""
    issuer = await get_issuer(session, service.settings, org)
    file = await elm_export.create_elm_document(session, service.settings, issuer, award_id)
    return Response(file.content, media_type=file.media_type, headers=file.headers)


@router.put("/organisations/{org}/awards/{award_id}/message")
async def set_status_message(
    org: str,
    award_id: UUID,
    body: MessageBody,
    caller: StatusWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
) -> AwardAnswer:
    """Tell something of an award, with every copy that names a list of messages. It never makes a badge invalid."""
    issuer = await get_issuer(session, service.settings, org)
    await status_messages.set_status_message(
        session, issuer.organisation_id, award_id, body.message, actor=caller.name, now=now
    )
    view = await awards.get_award(session, service.settings, issuer, award_id, now=now)
    return _award_answer(_without_codes(caller, view))


@router.post("/organisations/{org}/awards/{award_id}/{change}")
async def change_status(
    org: str,
    award_id: UUID,
    change: Change,
    body: ReasonBody,
    caller: StatusWriter,
    service: IssuerServiceDep,
    session: SessionDep,
    now: NowDep,
) -> AwardAnswer:
    """Approve, revoke, suspend or reinstate an award, with every copy of it.

    Who approves is another person than who awarded: the key stands on the name of somebody who did not.
    """
    issuer = await get_issuer(session, service.settings, org)
    await status.change_status(
        session,
        issuer.organisation_id,
        award_id,
        change,
        reason=body.reason,
        actor=caller.name,
        person=caller.person,
        now=now,
    )
    view = await awards.get_award(session, service.settings, issuer, award_id, now=now)
    return _award_answer(_without_codes(caller, view))


@router.get("/skills")
async def search_skills(
    service: IssuerServiceDep,
    _: CallerDep,
    q: Annotated[str, Query(max_length=200)],
    language: Literal["nl", "en"] = "nl",
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> SkillsAnswer:
    """Skills of ESCO whose name fits."""
    found = service.skills.search(q, language=language, limit=limit)
    skills = [
        SkillAnswer(
            uri=skill.uri,
            name=skill.label(language),
            language=skill.label_language(language),
            description=skill.description,
            framework="ESCO",
        )
        for skill in found
    ]
    return SkillsAnswer(skills=skills, available=service.skills.available)
