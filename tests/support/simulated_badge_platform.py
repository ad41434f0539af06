"""A platform where people have badges (an Open Badges 3.0 Host): honest, and able to misbehave in one way.

Whoever comes to `/authorize` is somebody who says yes at once. What the platform was told stays in `registrations`,
`asked`, `token_forms`, `queries`, `sent` and `revoked`; every request with a token must have one that lives.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from kernel.open_badges_api import (
    BASE_PATH,
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    OFFLINE_ACCESS,
    CodeMinor,
    CredentialsPage,
    PageRequest,
    RegisteredClient,
    ServiceDescription,
    create_failure,
    create_link_header,
    create_service_description,
    parse_authorization_request,
    parse_client_credentials,
    parse_client_registration,
    parse_page_request,
)
from kernel.openid4vci import (
    AuthorizationCodeTokenRequest,
    AuthorizationRequestParameters,
    parse_token_request,
    verify_code_verifier,
)
from kernel.strict_json import parse_json
from runtime.clock import Clock
from runtime.tokens import create_token
from tests.support.hosts import App

ELSEWHERE = "https://elsewhere.example"

PlatformMisbehaviour = Literal[
    "",
    "discovery_breaks",
    "discovery_redirects",
    "discovery_is_a_page",
    "discovery_is_huge",
    "discovery_without_sign_in",
    "discovery_without_reading",
    "registration_elsewhere",
    "authorization_elsewhere",
    "token_elsewhere",
    "refresh_elsewhere",
    "registration_refused",
    "registration_breaks",
    "registration_without_secret",
    "registration_sends_elsewhere",
    "registration_for_all_to_read",
    "access_denied",
    "another_state",
    "another_iss",
    "code_and_error",
    "code_refused",
    "token_breaks",
    "token_redirects",
    "token_of_another_type",
    "token_for_nothing",
    "client_forgotten",
    "token_unauthorized",
    "refresh_refused",
    "refresh_breaks",
    "token_never_taken",
    "badges_break",
    "badges_forbidden",
    "badges_redirect",
    "badges_are_a_page",
    "badges_are_no_object",
    "badges_are_huge",
    "next_to_itself",
    "next_elsewhere",
    "next_for_ever",
    "empty_for_ever",
    "links_for_ever",
    "upsert_refused",
    "upsert_breaks",
    "upsert_redirects",
    "upsert_answers_a_page",
    "revocation_breaks",
    "revocation_elsewhere",
    "revocation_unknown",
]


@dataclass
class SimulatedBadgePlatform:
    """Its badges are `badges`, in order: documents with a proof, and compact JWS."""

    clock: Clock
    host: str = "platform.example"
    scheme: str = "https"
    tenant: str = ""
    badges: list[Any] = field(default_factory=list)
    misbehave: PlatformMisbehaviour = ""
    scopes: tuple[str, ...] = (CREDENTIAL_READONLY, CREDENTIAL_UPSERT, OFFLINE_ACCESS)
    token_lifetime: timedelta = timedelta(hours=1)
    secret_lifetime: timedelta | None = None
    page_size: int = 100
    names_itself: bool = False
    """It says who it is when it sends people back (RFC 9207)."""
    registrations: list[dict[str, Any]] = field(default_factory=list)
    asked: list[AuthorizationRequestParameters] = field(default_factory=list)
    token_forms: list[dict[str, str]] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    revoked: list[str] = field(default_factory=list)
    _clients: dict[str, RegisteredClient] = field(default_factory=dict)
    _codes: dict[str, AuthorizationRequestParameters] = field(default_factory=dict)
    _tokens: dict[str, tuple[tuple[str, ...], Any]] = field(default_factory=dict)
    _refreshing: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"{self.scheme}://{self.host}{self.tenant}"

    @property
    def api(self) -> str:
        return f"{self.base}{BASE_PATH}"

    def app(self) -> App:
        prefix = f"{self.tenant}{BASE_PATH}"
        return Starlette(
            routes=[
                Route(f"{prefix}/discovery", self._discovery),
                Route(f"{prefix}/credentials", self._credentials, methods=["GET"]),
                Route(f"{prefix}/credentials", self._upsert, methods=["POST"]),
                Route(f"{self.tenant}/register", self._register, methods=["POST"]),
                Route(f"{self.tenant}/authorize", self._authorize),
                Route(f"{self.tenant}/token", self._token, methods=["POST"]),
                Route(f"{self.tenant}/revoke", self._revoke, methods=["POST"]),
                Route("/.well-known/oauth-authorization-server", self._metadata),
            ]
        )

    def forget_clients(self) -> None:
        """Know no wallet any more, as after a reinstallation."""
        self._clients.clear()

    def end_tokens(self) -> None:
        """Take no access token any more that was given before now."""
        self._tokens.clear()

    async def _discovery(self, request: Request) -> Response:
        match self.misbehave:
            case "discovery_breaks":
                return Response(status_code=500)
            case "discovery_redirects":
                return RedirectResponse(f"{self.api}/discovery")
            case "discovery_is_a_page":
                return Response("<h1>Badges</h1>", media_type="text/html")
            case "discovery_is_huge":
                return JSONResponse({"info": {"title": "x" * (1024 * 1024)}})
        document = create_service_description(self._describe(), api_url=self.api)
        if self.misbehave == "discovery_without_sign_in":
            del document["components"]["securitySchemes"]
        return JSONResponse(document)

    def _describe(self) -> ServiceDescription:
        def at(path: str) -> str:
            return f"{ELSEWHERE if self.misbehave == f'{path}_elsewhere' else self.base}"

        known = () if self.misbehave == "discovery_without_reading" else self.scopes
        return ServiceDescription(
            title="Badgeplein",
            version="1",
            terms_of_service=f"{self.base}/terms",
            privacy_policy_url=f"{self.base}/privacy",
            registration_url=f"{at('registration')}/register",
            authorization_url=f"{at('authorization')}/authorize",
            token_url=f"{at('token')}/token",
            refresh_url=f"{at('refresh')}/token",
            scopes=dict.fromkeys(known, "x"),
        )

    async def _register(self, request: Request) -> Response:
        if self.misbehave == "registration_breaks":
            return Response(status_code=500)
        if self.misbehave == "registration_refused":
            return JSONResponse({"error": "invalid_client_metadata"}, status_code=400)
        asked = parse_json(await request.body())
        self.registrations.append(asked)
        registration = parse_client_registration(asked)
        ends_at = None if self.secret_lifetime is None else self.clock() + self.secret_lifetime
        client = RegisteredClient(create_token(16), create_token(), registration, self.clock(), ends_at)
        self._clients[client.client_id] = client
        members = client.as_json()
        if self.misbehave == "registration_without_secret":
            del members["client_secret"]
        if self.misbehave == "registration_sends_elsewhere":
            members["redirect_uris"] = [f"{ELSEWHERE}/callback"]
        if self.misbehave == "registration_for_all_to_read":
            members["token_endpoint_auth_method"] = "none"
        return JSONResponse(members, status_code=201)

    async def _authorize(self, request: Request) -> Response:
        asked = parse_authorization_request(dict(request.query_params))
        if asked.client_id not in self._clients:
            return Response("<h1>?</h1>", status_code=400, media_type="text/html")
        assert asked.redirect_uri in self._clients[asked.client_id].registration.redirect_uris
        self.asked.append(asked)
        code = create_token()
        self._codes[code] = asked
        answer = {"code": code, "scope": " ".join(asked.scopes)}
        if self.misbehave == "access_denied":
            answer = {"error": "access_denied", "error_description": "<script>"}
        if self.misbehave == "code_and_error":
            answer["error"] = "server_error"
        answer["state"] = "another" if self.misbehave == "another_state" else str(asked.state)
        if self.names_itself or self.misbehave == "another_iss":
            answer["iss"] = ELSEWHERE if self.misbehave == "another_iss" else self.base
        return RedirectResponse(f"{asked.redirect_uri}?{urlencode(answer)}", 303)

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        self.token_forms.append(form)
        is_refresh = form["grant_type"] == "refresh_token"
        if self.misbehave == ("refresh_breaks" if is_refresh else "token_breaks"):
            return Response(status_code=500)
        if self.misbehave == "token_redirects":
            return RedirectResponse(f"{ELSEWHERE}/token", 307)
        if self._find_client(request) is None or self.misbehave == "client_forgotten":
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        if self.misbehave == "token_unauthorized":
            return JSONResponse({"error": "invalid_grant"}, status_code=401)
        granted = self._redeem(form)
        refused = "refresh_refused" if is_refresh else "code_refused"
        if granted is None or self.misbehave == refused:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        return JSONResponse(self._give(granted), headers={"Cache-Control": "no-store"})

    def _find_client(self, request: Request) -> RegisteredClient | None:
        given = parse_client_credentials(request.headers["authorization"])
        client = self._clients.get(given.client_id)
        return client if client is not None and client.client_secret == given.client_secret else None

    def _redeem(self, form: dict[str, str]) -> tuple[str, ...] | None:
        asked = parse_token_request(form)
        if isinstance(asked, AuthorizationCodeTokenRequest):
            given = self._codes.pop(asked.code, None)
            if given is None or given.redirect_uri != asked.redirect_uri:
                return None
            verify_code_verifier(asked.code_verifier, code_challenge=given.code_challenge)
            return given.scopes
        return self._refreshing.pop(form["refresh_token"], None)

    def _give(self, scopes: tuple[str, ...]) -> dict[str, Any]:
        token, refresh_token = create_token(), create_token()
        self._tokens[token] = (scopes, self.clock() + self.token_lifetime)
        members = {
            "access_token": token,
            "token_type": "DPoP" if self.misbehave == "token_of_another_type" else "Bearer",
            "expires_in": int(self.token_lifetime.total_seconds()),
            "scope": "openid" if self.misbehave == "token_for_nothing" else " ".join(scopes),
        }
        if OFFLINE_ACCESS in scopes and OFFLINE_ACCESS in self.scopes:
            self._refreshing[refresh_token] = scopes
            members["refresh_token"] = refresh_token
        return members

    def _refuse(self, request: Request, scope: str) -> Response | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        scopes, ends_at = self._tokens.get(token, ((), self.clock()))
        if kind != "Bearer" or ends_at <= self.clock() or self.misbehave == "token_never_taken":
            return self._failure(CodeMinor.UNAUTHORIZED_REQUEST, 401)
        return None if scope in scopes else self._failure(CodeMinor.FORBIDDEN, 403)

    async def _credentials(self, request: Request) -> Response:
        refused = self._refuse(request, CREDENTIAL_READONLY)
        if refused is not None:
            return refused
        query = dict(request.query_params)
        self.queries.append(query)
        match self.misbehave:
            case "badges_break":
                return Response(status_code=500)
            case "badges_forbidden":
                return self._failure(CodeMinor.FORBIDDEN, 403)
            case "badges_redirect":
                return RedirectResponse(f"{ELSEWHERE}{BASE_PATH}/credentials")
            case "badges_are_a_page":
                return Response("<h1>Badges</h1>", media_type="text/html")
            case "badges_are_no_object":
                return JSONResponse(["badge"])
            case "badges_are_huge":
                return JSONResponse({"credential": ["x" * (4 * 1024 * 1024)]})
        page = parse_page_request({name: query[name] for name in ("limit", "offset", "since") if name in query})
        return self._list(page)

    def _list(self, page: PageRequest) -> Response:
        asked = PageRequest(min(page.limit, self.page_size), page.offset, page.since)
        url = f"{self.api}/credentials"
        found = [badge for badge in self.badges if asked.since is None or self._is_since(badge, asked)]
        shown = found[asked.offset : asked.offset + asked.limit]
        following = {
            "next_to_itself": f"{url}?{urlencode(page.as_query())}",
            "next_elsewhere": f"{ELSEWHERE}{BASE_PATH}/credentials?offset=1",
            "next_for_ever": f"{url}?limit=1&offset={page.offset + 1}",
            "empty_for_ever": f"{url}?limit=1&offset={page.offset + 1}",
        }
        headers = {"X-Total-Count": str(len(found)), "Link": create_link_header(url, asked, len(found))}
        if self.misbehave in following:
            headers["Link"] = f'<{following[self.misbehave]}>; rel="next"'
        if self.misbehave == "links_for_ever":
            headers["Link"] = ", ".join(f'<{url}?offset={number}>; rel="next"' for number in range(400))
        if self.misbehave == "next_for_ever":
            shown = [{"number": page.offset}]
        if self.misbehave == "empty_for_ever":
            shown = []
        return JSONResponse(_as_page(shown), headers=headers)

    @staticmethod
    def _is_since(badge: Any, page: PageRequest) -> bool:
        return isinstance(badge, Mapping) and str(badge.get("validFrom", "")) > page.as_query()["since"]

    async def _upsert(self, request: Request) -> Response:
        refused = self._refuse(request, CREDENTIAL_UPSERT)
        if refused is not None:
            return refused
        content, media_type = await request.body(), request.headers["content-type"]
        self.sent.append((media_type, content))
        if self.misbehave == "upsert_breaks":
            return Response(status_code=500)
        if self.misbehave == "upsert_redirects":
            return RedirectResponse(f"{ELSEWHERE}{BASE_PATH}/credentials", 307)
        if self.misbehave == "upsert_refused":
            return self._failure(CodeMinor.INVALID_DATA, 400)
        badge = content.decode() if media_type == "text/plain" else json.loads(content)
        is_known = badge in self.badges
        if not is_known:
            self.badges.append(badge)
        status = 200 if is_known else 201
        if self.misbehave == "upsert_answers_a_page":
            return Response("<h1>Ok</h1>", media_type="text/html", status_code=status)
        if media_type == "text/plain":
            return PlainTextResponse(badge, status_code=status)
        return JSONResponse(badge, status_code=status)

    async def _metadata(self, request: Request) -> Response:
        if self.misbehave == "revocation_unknown":
            return Response(status_code=404)
        base = ELSEWHERE if self.misbehave == "revocation_elsewhere" else self.base
        return JSONResponse({"issuer": self.base, "revocation_endpoint": f"{base}/revoke"})

    async def _revoke(self, request: Request) -> Response:
        if self.misbehave == "revocation_breaks":
            return Response(status_code=500)
        assert self._find_client(request) is not None
        form = await request.form()
        self.revoked.append(str(form["token_type_hint"]))
        self._refreshing.pop(str(form["token"]), None)
        self._tokens.pop(str(form["token"]), None)
        return Response(status_code=200)

    def _failure(self, minor: CodeMinor, status: int) -> Response:
        return JSONResponse(create_failure(minor, "<b>no</b>", system=self.host).as_json(), status_code=status)


def _as_page(badges: list[Any]) -> dict[str, Any]:
    """The members of a page; what is neither a document nor a text is written as it is."""
    page = CredentialsPage().as_json()
    for badge in badges:
        page["compactJwsString" if isinstance(badge, str) else "credential"].append(badge)
    return page
