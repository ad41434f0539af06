"""The endpoints by which other products are connected: the Open Badges API as Host, and its authorization server.

Open Badges 3.0 §6, §7; PROFILE.md B-40 to B-43. The resources answer `Imsx_StatusInfo` when they refuse, the OAuth
endpoints as RFC 6749, RFC 7009 and RFC 7591 say. Cookies are ignored here: only the page where a person consents
(`wallet.web.connection_pages`) knows who that is.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from kernel.errors import CredentialError
from kernel.open_badges_api import (
    API_VERSION,
    BASE_PATH,
    CLIENT_SECRET_BASIC,
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    OFFLINE_ACCESS,
    PROFILE_READONLY,
    PROFILE_UPDATE,
    SCOPES,
    TOTAL_COUNT_HEADER,
    CodeMinor,
    ServiceDescription,
    create_failure,
    create_link_header,
    create_service_description,
    parse_page_request,
)
from kernel.openid4vci import AUTHORIZATION_CODE_GRANT, INVALID_REQUEST
from kernel.openid4vci.pkce import S256
from kernel.openid4vci.token_request import REFRESH_TOKEN_GRANT
from runtime.dependencies import get_service
from runtime.errors import (
    RETRY_SECONDS,
    OAuthError,
    Problem,
    is_database_away,
    log_refusal,
    refuses_as,
    unexpected_oauth_error,
)
from runtime.logging import get_logger
from runtime.middleware import source_of
from runtime.route_document import Answer, Operation, described, oauth_refusal, query
from wallet import api_clients, connections, open_badges_api
from wallet.connections import ABOUT_PATH, AUTHORIZE_PATH, Access
from wallet.errors import (
    BadgeTypeError,
    HostError,
    NoTokenError,
    OAuthRefusal,
    QueryError,
    UnknownTokenError,
    UnreadableProfileError,
)
from wallet.settings import Wallet

log = get_logger(__name__)

Handler = Callable[[Request], Awaitable[Response]]

_REGISTER_PATH: Final = "/oauth/register"
_TOKEN_PATH: Final = "/oauth/token"
_REVOKE_PATH: Final = "/oauth/revoke"

_SYSTEM: Final = "skillswallet"
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_JSON: Final = "application/json"
_JSON_LD: Final = "application/vc+ld+json"
_TEXT: Final = "text/plain"
_FORM: Final = "application/x-www-form-urlencoded"
_MAX_FORM: Final = 16 * 1024
_REALM: Final = 'Basic realm="Skillswallet", charset="UTF-8"'

_SENTENCES: Final = {
    CREDENTIAL_READONLY: "Read the person's badges.",
    CREDENTIAL_UPSERT: "Add badges to the person's wallet, and replace those by newer ones.",
    PROFILE_READONLY: "Read the person's profile.",
    PROFILE_UPDATE: "Change the person's profile.",
    OFFLINE_ACCESS: "Stay connected without asking again.",
}

# --- what the document says of these endpoints

_ANYTHING: Final = {"type": "object", "additionalProperties": True}
_STATUS_INFO: Final = {
    "title": "Imsx_StatusInfo",
    "description": "A refusal of the Open Badges API (Open Badges 3.0, Imsx_StatusInfo).",
    "type": "object",
    "required": ["imsx_codeMajor", "imsx_severity", "imsx_description", "imsx_codeMinor"],
    "properties": {
        "imsx_codeMajor": {"type": "string", "enum": ["failure"]},
        "imsx_severity": {"type": "string", "enum": ["error", "status"]},
        "imsx_description": {"type": "string"},
        "imsx_codeMinor": {
            "type": "object",
            "required": ["imsx_codeMinorField"],
            "properties": {
                "imsx_codeMinorField": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["imsx_codeMinorFieldName", "imsx_codeMinorFieldValue"],
                        "properties": {
                            "imsx_codeMinorFieldName": {"type": "string"},
                            "imsx_codeMinorFieldValue": {"type": "string", "enum": [each.value for each in CodeMinor]},
                        },
                    },
                }
            },
        },
    },
}
_BADGE: Final = {"title": "OpenBadgeCredential", "description": "A badge as its issuer signed it.", **_ANYTHING}
_JWS: Final = {"title": "CompactJws", "description": "A badge that is a JWS.", "type": "string"}
_PAGE: Final = {
    "title": "GetOpenBadgeCredentialsResponse",
    "type": "object",
    "required": ["credential", "compactJwsString"],
    "properties": {
        "credential": {"type": "array", "maxItems": 100, "items": _BADGE},
        "compactJwsString": {"type": "array", "maxItems": 100, "items": _JWS},
    },
}
_PROFILE: Final = {
    "title": "OpenBadgesProfile",
    "type": "object",
    "required": ["id", "type"],
    "properties": {"id": {"type": "string"}},
    "additionalProperties": True,
}
_DISCOVERY: Final = {
    "title": "ServiceDescriptionDocument",
    "type": "object",
    "required": ["openapi", "info", "components", "paths"],
    "additionalProperties": True,
}
_REGISTRATION: Final = {
    "title": "ClientRegistration",
    "description": "RFC 7591 §2; every address on one host (Open Badges 3.0 §7.1.1.2).",
    "type": "object",
    "required": ["client_name", "client_uri", "redirect_uris", "scope"],
    "properties": {
        "client_name": {"type": "string"},
        "client_uri": {"type": "string"},
        "redirect_uris": {"type": "array", "minItems": 1, "maxItems": 10, "items": {"type": "string"}},
        "scope": {"type": "string"},
        "logo_uri": {"type": "string"},
        "tos_uri": {"type": "string"},
        "policy_uri": {"type": "string"},
        "software_id": {"type": "string"},
        "software_version": {"type": "string"},
        "token_endpoint_auth_method": {"type": "string", "enum": [CLIENT_SECRET_BASIC]},
        "grant_types": {"type": "array", "items": {"type": "string"}},
        "response_types": {"type": "array", "items": {"type": "string"}},
    },
}
_REGISTERED: Final = {
    "title": "RegisteredClient",
    "description": "RFC 7591 §3.2.1. The secret is told this once and does not expire.",
    "type": "object",
    "required": ["client_id", "client_secret", "client_id_issued_at", "client_secret_expires_at", "redirect_uris"],
    "properties": {
        "client_id": {"type": "string"},
        "client_secret": {"type": "string"},
        "client_id_issued_at": {"type": "integer"},
        "client_secret_expires_at": {"type": "integer", "enum": [0]},
        "redirect_uris": {"type": "array", "items": {"type": "string"}},
    },
    "additionalProperties": True,
}
_TOKEN_REQUEST: Final = {
    "title": "ConnectionTokenRequest",
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": [AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT]},
        "code": {"type": "string"},
        "redirect_uri": {"type": "string"},
        "code_verifier": {"type": "string"},
        "refresh_token": {"type": "string"},
        "scope": {"type": "string"},
    },
}
_TOKENS: Final = {
    "title": "ConnectionTokens",
    "type": "object",
    "required": ["access_token", "token_type", "expires_in", "scope"],
    "properties": {
        "access_token": {"type": "string"},
        "token_type": {"type": "string", "enum": ["Bearer"]},
        "expires_in": {"type": "integer", "enum": [3600]},
        "refresh_token": {"type": "string"},
        "scope": {"type": "string"},
    },
}
_REVOCATION: Final = {
    "title": "RevocationRequest",
    "type": "object",
    "required": ["token"],
    "properties": {"token": {"type": "string"}, "token_type_hint": {"type": "string"}},
}
_METADATA: Final = {
    "title": "AuthorizationServerMetadata",
    "description": "RFC 8414 §2.",
    "type": "object",
    "required": ["issuer", "authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"],
    "additionalProperties": True,
}
_ACCESS: Final = {
    "connection_token": {"type": "http", "scheme": "bearer", "description": "Of /oauth/token (RFC 6750)."}
}
_CLIENT: Final = {"connection_client": {"type": "http", "scheme": "basic", "description": "RFC 6749 §2.3.1."}}
_CHALLENGE: Final = {"WWW-Authenticate": "What is needed (RFC 9110 §11.6.1)."}
_LATER: Final = {"Retry-After": "After how many seconds to try again."}


def _refused(description: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(description, {_JSON: _STATUS_INFO}, headers or {})


_RESOURCE_REFUSALS: Final = {
    401: _refused("No access token, or none that is good any more.", _CHALLENGE),
    403: _refused("The token does not cover this, or there is no room.", _CHALLENGE),
    429: _refused("Too many requests, or too many badges."),
    503: _refused("This cannot be done right now."),
}
_WRONG: Final = {400: _refused("The request cannot be read.")}


# --- how the endpoints refuse


def _resource(operation: Operation) -> Callable[[Handler], Handler]:
    """A resource of the Open Badges API, whose every failure is an `Imsx_StatusInfo`."""

    def wrap(answer: Handler) -> Handler:
        @refuses_as(refuse_before)
        @described(replace(operation, answers={**_RESOURCE_REFUSALS, **operation.answers}))
        @wraps(answer)
        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except HostError as exc:
                log_refusal(exc, exc.status, exc.code_minor.value)
                return _refuse(exc.status, exc.code_minor, exc.sentence, _headers_of(exc))
            except Problem:
                raise
            except Exception as exc:
                return _fail(exc)

        return guarded

    return wrap


def _headers_of(error: HostError) -> dict[str, str]:
    """The challenge of RFC 6750 §3, bare for a request that carries no token at all."""
    match error:
        case UnknownTokenError():
            return {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        case NoTokenError():
            return {"WWW-Authenticate": "Bearer"}
    match error.status:
        case 403:
            return {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}
        case 429:
            return {"Retry-After": RETRY_SECONDS}
    return {}


def _fail(error: Exception) -> Response:
    log.error("unexpected", exc_info=error)
    if is_database_away(error):
        retry = {"Retry-After": RETRY_SECONDS}
        return _refuse(503, CodeMinor.SERVER_BUSY, "This cannot be done right now. Try again soon.", retry)
    return _refuse(500, CodeMinor.INTERNAL_SERVER_ERROR, "Something went wrong on our side.")


_BEFORE: Final = {
    405: (CodeMinor.NOT_ALLOWED, "This endpoint does not know this method."),
    413: (CodeMinor.INVALID_DATA, "The request is larger than this endpoint reads."),
    429: (CodeMinor.SERVER_BUSY, "Too many requests; wait a minute."),
}


def refuse_before(problem: Problem) -> Response | None:
    """What a refusal is at a resource that the request did not come to: wrong method, too large, too many."""
    if problem.status not in _BEFORE:
        return None
    return _refuse(problem.status, *_BEFORE[problem.status], problem.headers)


def _refuse(status: int, code_minor: CodeMinor, sentence: str, headers: Mapping[str, str] | None = None) -> Response:
    content = create_failure(code_minor, sentence, system=_SYSTEM).as_json()
    return JSONResponse(content, status_code=status, headers={**_NO_STORE, **(headers or {})})


def _oauth(operation: Operation, *words: str) -> Callable[[Handler], Handler]:
    """An endpoint of the authorization server, whose every failure is an OAuth error; `words` are those of a 400."""

    def wrap(answer: Handler) -> Handler:
        refusals = {400: oauth_refusal(*words), 503: oauth_refusal("temporarily_unavailable")}

        @described(replace(operation, answers={**refusals, **operation.answers}))
        @wraps(answer)
        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except OAuthRefusal as exc:
                log_refusal(exc, exc.status, exc.error)
                headers = {**_NO_STORE}
                if exc.status == 401:
                    headers["WWW-Authenticate"] = _REALM
                if exc.status == 429:
                    headers["Retry-After"] = RETRY_SECONDS
                return OAuthError(exc.status, exc.error, exc.sentence, headers=headers).response()
            except Problem:
                raise
            except Exception as exc:
                log.error("unexpected", exc_info=exc)
                return unexpected_oauth_error(exc).response()

        return guarded

    return wrap


def _wallet(request: Request) -> Wallet:
    wallet: Wallet = get_service(request)
    return wallet


async def _access(request: Request) -> Access:
    """The opened access token of a request; one header, and never in the address or the form. RFC 6750 §2.1"""
    given = request.headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise NoTokenError
    wallet = _wallet(request)
    return await connections.open_access(wallet, token.strip(), wallet.clock())


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _form(request: Request) -> Mapping[str, str]:
    """A form whose parameters are each there once. RFC 6749 §3.2"""
    body = await request.body()
    if _media_type(request) != _FORM or len(body) > _MAX_FORM:
        raise OAuthRefusal(INVALID_REQUEST, "Not a form, or a huge one.")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError as exc:
        raise OAuthRefusal(INVALID_REQUEST, "The form cannot be read.") from exc
    if len(dict(pairs)) != len(pairs) or any("\x00" in value for _, value in pairs):
        raise OAuthRefusal(INVALID_REQUEST, "A parameter is there twice, or cannot be kept.")
    return dict(pairs)


# --- the endpoints


def _service_description(wallet: Wallet) -> ServiceDescription:
    base, settings = wallet.settings.public_url, wallet.settings
    about = f"{base}{ABOUT_PATH}"
    return ServiceDescription(
        title="Skillswallet",
        version=API_VERSION,
        terms_of_service=settings.terms_of_service_url or about,
        privacy_policy_url=settings.privacy_policy_url or about,
        registration_url=f"{base}{_REGISTER_PATH}",
        authorization_url=f"{base}{AUTHORIZE_PATH}",
        token_url=f"{base}{_TOKEN_PATH}",
        refresh_url=f"{base}{_TOKEN_PATH}",
        scopes={scope: _SENTENCES[scope] for scope in SCOPES},
        image=f"{base}/static/wallet-512.png",
    )


@_resource(Operation(answers={200: Answer("Where what is, and what may be asked for.", {_JSON: _DISCOVERY})}))
async def service_description(request: Request) -> Response:
    """What a product has to know before it registers. Open Badges 3.0 §6.3.1"""
    wallet = _wallet(request)
    document = create_service_description(
        _service_description(wallet), api_url=f"{wallet.settings.public_url}{BASE_PATH}"
    )
    return JSONResponse(document, headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "max-age=3600"})


@_resource(
    Operation(
        answers={
            200: Answer(
                "Badges, in the order in which they came.",
                {_JSON: _PAGE},
                {TOTAL_COUNT_HEADER: "How many there are on all pages.", "Link": "The other pages (RFC 8288)."},
            ),
            **_WRONG,
        },
        parameters=(
            query("limit", "At most so many, 100 at the most."),
            query("offset", "Leave out so many."),
            query("since", "Only those issued after this moment."),
        ),
        security=_ACCESS,
    )
)
async def get_credentials(request: Request) -> Response:
    """The badges of whoever gave the token. Open Badges 3.0 §6.2.2"""
    access = await _access(request)
    wallet = _wallet(request)
    try:
        asked = parse_page_request(_query(request))
    except CredentialError as exc:
        raise QueryError from exc
    page = await open_badges_api.get_credentials(wallet, access, asked, wallet.clock())
    url = f"{wallet.settings.public_url}{BASE_PATH}/credentials"
    headers = {
        **_NO_STORE,
        TOTAL_COUNT_HEADER: str(page.total),
        "Link": create_link_header(url, asked, page.total),
    }
    return Response(page.body, media_type=_JSON, headers=headers)


def _query(request: Request) -> Mapping[str, str]:
    pairs = request.query_params.multi_items()
    if len(dict(pairs)) != len(pairs):
        raise QueryError
    return dict(pairs)


@_resource(
    Operation(
        answers={
            200: Answer("It was there before.", {_JSON_LD: _BADGE, _JSON: _BADGE, _TEXT: _JWS}),
            201: Answer("It is new.", {_JSON_LD: _BADGE, _JSON: _BADGE, _TEXT: _JWS}),
            **_WRONG,
            409: _refused("What is held under its issuer and id is not replaced by it."),
            413: _refused("Larger than any badge."),
            415: _refused("Of a media type in which no badge comes."),
        },
        body={_JSON_LD: _BADGE, _JSON: _BADGE, _TEXT: _JWS},
        security=_ACCESS,
    )
)
async def upsert_credential(request: Request) -> Response:
    """Add a badge, or put a newer form in its place. It is judged in full. Open Badges 3.0 §6.2.3"""
    access = await _access(request)
    media_type = _media_type(request)
    if media_type not in (_JSON_LD, _JSON, _TEXT):
        raise BadgeTypeError
    wallet, body = _wallet(request), await request.body()
    is_new = await open_badges_api.upsert_credential(
        wallet, access, body, is_jws=media_type == _TEXT, now=wallet.clock()
    )
    return Response(body, 201 if is_new else 200, media_type=media_type, headers=_NO_STORE)


_PROFILE_REFUSALS: Final = {404: _refused("There is no profile, or it is another one.")}


@_resource(Operation(answers={200: Answer("The profile.", {_JSON: _PROFILE}), **_PROFILE_REFUSALS}, security=_ACCESS))
async def get_profile(request: Request) -> Response:
    """The profile of whoever gave the token. Open Badges 3.0 §6.2.4"""
    access = await _access(request)
    return JSONResponse(await open_badges_api.get_profile(_wallet(request), access), headers=_NO_STORE)


@_resource(
    Operation(
        answers={
            200: Answer("The profile as it is now.", {_JSON: _PROFILE}),
            **_WRONG,
            **_PROFILE_REFUSALS,
            413: _refused("Larger than any profile."),
        },
        body={_JSON: _PROFILE},
        security=_ACCESS,
    )
)
async def put_profile(request: Request) -> Response:
    """Put another profile in the place of the one that is there; its `id` stays. Open Badges 3.0 §6.2.5"""
    access = await _access(request)
    if _media_type(request) not in (_JSON, _JSON_LD, "application/ld+json"):
        raise UnreadableProfileError
    wallet, body = _wallet(request), await request.body()
    return JSONResponse(await open_badges_api.put_profile(wallet, access, body, wallet.clock()), headers=_NO_STORE)


@_oauth(
    Operation(
        answers={201: Answer("Registered.", {_JSON: _REGISTERED}), 429: oauth_refusal("temporarily_unavailable")},
        body={_JSON: _REGISTRATION},
    ),
    "invalid_redirect_uri",
    "invalid_client_metadata",
)
async def register_client(request: Request) -> Response:
    """Client Registration Endpoint, open to any product. RFC 7591 §3; Open Badges 3.0 §7.1.1.2"""
    wallet = _wallet(request)
    if _media_type(request) != _JSON:
        raise OAuthRefusal("invalid_client_metadata", "The registration is not application/json.")
    registered = await api_clients.register_client(
        wallet, await request.body(), source=source_of(request.scope), now=wallet.clock()
    )
    return JSONResponse(registered.as_json(), status_code=201, headers=_NO_STORE)


_CLIENT_REFUSED: Final = {401: replace(oauth_refusal("invalid_client"), headers=_CHALLENGE)}


@_oauth(
    Operation(
        answers={200: Answer("Tokens.", {_JSON: _TOKENS}), **_CLIENT_REFUSED},
        body={_FORM: _TOKEN_REQUEST},
        security=_CLIENT,
    ),
    "invalid_request",
    "invalid_grant",
    "invalid_scope",
    "unsupported_grant_type",
)
async def exchange_token(request: Request) -> Response:
    """Token Endpoint: a code or a refresh token for new tokens. RFC 6749 §3.2"""
    wallet = _wallet(request)
    form, client_id = await _form(request), await _client(request)
    return JSONResponse(await connections.exchange_token(wallet, client_id, form, wallet.clock()), headers=_NO_STORE)


@_oauth(
    Operation(
        answers={200: Answer("It opens nothing any more, if it ever did."), **_CLIENT_REFUSED},
        body={_FORM: _REVOCATION},
        security=_CLIENT,
    ),
    "invalid_request",
)
async def revoke_token(request: Request) -> Response:
    """Revocation Endpoint. RFC 7009 §2"""
    form, client_id = await _form(request), await _client(request)
    await connections.revoke_token(_wallet(request), client_id, form)
    return Response(status_code=200, headers=_NO_STORE)


async def _client(request: Request) -> str:
    wallet, given = _wallet(request), request.headers.getlist("authorization")
    return await api_clients.verify_client(wallet, given[0] if len(given) == 1 else None)


@_oauth(Operation(answers={200: Answer("RFC 8414 §3.2.", {_JSON: _METADATA})}), INVALID_REQUEST)
async def authorization_server_metadata(request: Request) -> Response:
    """What the authorization server for connected services can do, and where. RFC 8414 §3"""
    base = _wallet(request).settings.public_url
    content: dict[str, Any] = {
        "issuer": base,
        "authorization_endpoint": f"{base}{AUTHORIZE_PATH}",
        "token_endpoint": f"{base}{_TOKEN_PATH}",
        "registration_endpoint": f"{base}{_REGISTER_PATH}",
        "revocation_endpoint": f"{base}{_REVOKE_PATH}",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [AUTHORIZATION_CODE_GRANT, REFRESH_TOKEN_GRANT],
        "token_endpoint_auth_methods_supported": [CLIENT_SECRET_BASIC],
        "revocation_endpoint_auth_methods_supported": [CLIENT_SECRET_BASIC],
        "code_challenge_methods_supported": [S256],
        "authorization_response_iss_parameter_supported": True,
    }
    return JSONResponse(content, headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "max-age=3600"})


host_routes: Sequence[Route] = (
    Route(f"{BASE_PATH}/discovery", service_description, methods=["GET"]),
    Route(f"{BASE_PATH}/credentials", get_credentials, methods=["GET"]),
    Route(f"{BASE_PATH}/credentials", upsert_credential, methods=["POST"]),
    Route(f"{BASE_PATH}/profile", get_profile, methods=["GET"]),
    Route(f"{BASE_PATH}/profile", put_profile, methods=["PUT"]),
    Route(_REGISTER_PATH, register_client, methods=["POST"]),
    Route(_TOKEN_PATH, exchange_token, methods=["POST"]),
    Route(_REVOKE_PATH, revoke_token, methods=["POST"]),
    Route("/.well-known/oauth-authorization-server", authorization_server_metadata, methods=["GET"]),
)
