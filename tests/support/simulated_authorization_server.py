"""The authorization server of the simulated issuer: honest, and able to misbehave in one way.

It asks for as much as a test wants: `binds` (DPoP), `wants_nonces`, `wants_attestation`. What it was sent stays in
`pushed` and `token_forms`; whoever comes to `/authorize` is somebody who says yes at once.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal
from urllib.parse import parse_qsl

from cryptography import x509
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kernel.errors import CredentialError
from kernel.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    PRE_AUTHORIZED_CODE_GRANT,
    AuthorizationCodeTokenRequest,
    AuthorizationRequestParameters,
    PreAuthorizedTokenRequest,
    RefreshTokenRequest,
    create_authorization_response_url,
    parse_client_attestation,
    parse_pushed_authorization_request,
    parse_token_request,
    verify_client_attestation,
    verify_code_verifier,
    verify_dpop_proof,
)
from runtime.tokens import create_token
from tests.support.clock import FixedClock

ES256 = frozenset({"ES256"})

ServerMisbehaviour = Literal[
    "token_breaks",
    "token_bound_to_a_key",
    "bearer_instead",
    "server_metadata_of_another_server",
    "par_refused",
    "par_breaks",
    "par_forgets",
    "access_denied",
    "another_iss",
    "missing_iss",
    "another_state",
    "code_and_error",
    "code_refused",
    "token_nonce_loop",
    "challenge_loop",
    "challenge_breaks",
    "wallet_refused",
    "another_token_endpoint",
    "refresh_refused",
]


@dataclass
class Granted:
    """One access token: what it is good for, and which key it is bound to."""

    configuration_ids: frozenset[str] | None
    key: str | None
    ends_at: Any
    client_id: str | None = None


@dataclass
class SimulatedAuthorizationServer:
    """The endpoints of RFC 6749, 9126 and 9449 that a wallet needs."""

    clock: FixedClock
    binds: bool = False
    """Tokens are bound to the key of a DPoP proof."""
    wants_nonces: bool = False
    """A proof needs a nonce of ours: for the authorization server and for the issuer another one each time."""
    wants_attestation: bool = False
    """A wallet must be one that `anchors` vouch for."""
    attestation_ways: tuple[str, ...] = ("attest_jwt_client_auth",)
    anchors: list[x509.Certificate] = field(default_factory=list)
    refreshes: bool = False
    token_lifetime: timedelta = timedelta(minutes=5)
    server_members: dict[str, Any] = field(default_factory=dict)
    """More of its metadata, or other."""
    pushed: list[AuthorizationRequestParameters] = field(default_factory=list)
    token_forms: list[dict[str, str]] = field(default_factory=list)
    client_headers: list[dict[str, str]] = field(default_factory=list)
    """What came with each request to the authorization server."""
    sent_codes: list[str] = field(default_factory=list)
    _codes: dict[str, str | None] = field(default_factory=dict)
    _waiting: dict[str, AuthorizationRequestParameters] = field(default_factory=dict)
    _given: dict[str, AuthorizationRequestParameters] = field(default_factory=dict)
    _tokens: dict[str, Granted] = field(default_factory=dict)
    _refreshing: dict[str, Granted] = field(default_factory=dict)
    _nonce_of: dict[str, str] = field(default_factory=dict)
    _challenges: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)

    identifier = ""
    misbehave: Any = ""

    def server_routes(self, prefix: str) -> list[Route]:
        return [
            Route(f"/.well-known/oauth-authorization-server{prefix}", self._server_metadata),
            Route(f"{prefix}/.well-known/oauth-authorization-server", self._server_metadata),
            Route(f"{prefix}/par", self._par, methods=["POST"]),
            Route(f"{prefix}/authorize", self._authorize),
            Route(f"{prefix}/challenge", self._challenge, methods=["POST"]),
            Route(f"{prefix}/token", self._token, methods=["POST"]),
            Route(f"{prefix}/other-token", self._token, methods=["POST"]),
        ]

    def _note(self, request: Request) -> None:
        raise NotImplementedError

    async def _server_metadata(self, request: Request) -> Response:
        self._note(request)
        another = self.misbehave == "server_metadata_of_another_server"
        token = "other-token" if self.misbehave == "another_token_endpoint" else "token"
        members = {
            "issuer": "https://elsewhere.example" if another else self.identifier,
            "token_endpoint": f"{self.identifier}/{token}",
            "authorization_endpoint": f"{self.identifier}/authorize",
            "pushed_authorization_request_endpoint": f"{self.identifier}/par",
            "require_pushed_authorization_requests": True,
            "grant_types_supported": [AUTHORIZATION_CODE_GRANT, PRE_AUTHORIZED_CODE_GRANT],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "authorization_details_types_supported": ["openid_credential"],
            "pre-authorized_grant_anonymous_access_supported": True,
            "token_endpoint_auth_methods_supported": ["none"],
        }
        if self.binds:
            members["dpop_signing_alg_values_supported"] = ["ES256"]
        if self.wants_attestation:
            members["token_endpoint_auth_methods_supported"] = list(self.attestation_ways)
            members["challenge_endpoint"] = f"{self.identifier}/challenge"
        merged = {**members, **self.server_members}
        return JSONResponse({name: value for name, value in merged.items() if value is not None})

    async def _challenge(self, request: Request) -> Response:
        self._note(request)
        if self.misbehave == "challenge_breaks":
            return Response(status_code=500)
        return JSONResponse({"attestation_challenge": self._new_challenge()})

    async def _par(self, request: Request) -> Response:
        self._note(request)
        form = await self._form(request)
        if self.misbehave == "par_breaks":
            return Response(status_code=500)
        refusal = self._refuse_client(request)
        if refusal is not None:
            return refusal
        if self.misbehave == "par_refused":
            return self._answer({"error": "invalid_scope", "error_description": "<b>no</b>"}, 400)
        asked = parse_pushed_authorization_request(form)
        self.pushed.append(asked)
        if self.misbehave == "par_forgets":
            return self._answer({"expires_in": 60}, 201)
        request_uri = f"urn:ietf:params:oauth:request_uri:{create_token(16)}"
        self._waiting[request_uri] = asked
        return self._answer({"request_uri": request_uri, "expires_in": 60}, 201)

    async def _authorize(self, request: Request) -> Response:
        self._note(request)
        query = dict(parse_qsl(request.url.query))
        if "request_uri" in query:
            asked = self._waiting.pop(query["request_uri"])
            assert asked.client_id == query["client_id"]
        else:
            asked = parse_pushed_authorization_request(query)
            self.pushed.append(asked)
        code = create_token()
        self._given[code] = asked
        answer = {"code": code}
        if self.misbehave == "access_denied":
            answer = {"error": "access_denied", "error_description": "<script>"}
        if self.misbehave == "code_and_error":
            answer["error"] = "server_error"
        url = create_authorization_response_url(
            asked.redirect_uri,
            issuer="https://elsewhere.example" if self.misbehave == "another_iss" else self.identifier,
            state="another" if self.misbehave == "another_state" else asked.state,
            answer=answer,
        )
        return RedirectResponse(url.partition("&iss=")[0] if self.misbehave == "missing_iss" else url, 303)

    async def _token(self, request: Request) -> Response:
        self._note(request)
        form = await self._form(request)
        self.token_forms.append(form)
        if self.misbehave == "token_breaks":
            return Response(status_code=500)
        refusal = self._refuse_client(request)
        if refusal is not None:
            return refusal
        asked = parse_token_request(form)
        match asked:
            case PreAuthorizedTokenRequest():
                granted = self._redeem_pre_authorized(asked)
            case AuthorizationCodeTokenRequest():
                granted = self._redeem_code(asked)
            case RefreshTokenRequest():
                granted = self._refreshing.pop(asked.refresh_token, None)
                granted = None if self.misbehave == "refresh_refused" else granted
        if granted is None or self.misbehave == "code_refused":
            return self._answer({"error": "invalid_grant"}, 400)
        key = self._key_of(request)
        if isinstance(asked, RefreshTokenRequest) and granted.key != key:
            return self._answer({"error": "invalid_grant"}, 400)
        return self._answer(self._give(granted.configuration_ids, key, asked.client_id))

    def _give(self, configuration_ids: frozenset[str] | None, key: str | None, client_id: str | None) -> dict[str, Any]:
        token = create_token()
        bound = (key is not None) if self.misbehave != "bearer_instead" else False
        ends_at = self.clock() + self.token_lifetime
        granted = Granted(configuration_ids, key if bound else None, ends_at, client_id)
        self._tokens[token] = granted
        is_dpop = bound or self.misbehave == "token_bound_to_a_key"
        seconds = int(self.token_lifetime.total_seconds())
        members: dict[str, Any] = {
            "access_token": token, "token_type": "DPoP" if is_dpop else "Bearer", "expires_in": seconds
        }  # fmt: skip
        if self.refreshes:
            members["refresh_token"] = create_token()
            self._refreshing[members["refresh_token"]] = granted
        if configuration_ids is not None:
            members["authorization_details"] = [
                {
                    "type": "openid_credential",
                    "credential_configuration_id": name,
                    "credential_identifiers": [f"{name}#1"],
                }
                for name in sorted(configuration_ids)
            ]
        return members

    def _redeem_pre_authorized(self, asked: PreAuthorizedTokenRequest) -> Granted | None:
        self.sent_codes.append(asked.pre_authorized_code)
        if self._codes.get(asked.pre_authorized_code, "unknown") != asked.tx_code:
            return None
        del self._codes[asked.pre_authorized_code]
        return Granted(None, None, None)

    def _redeem_code(self, asked: AuthorizationCodeTokenRequest) -> Granted | None:
        self.sent_codes.append(asked.code)
        given = self._given.pop(asked.code, None)
        if given is None or given.redirect_uri != asked.redirect_uri or given.client_id != asked.client_id:
            return None
        verify_code_verifier(asked.code_verifier, code_challenge=given.code_challenge)
        details = frozenset(detail.credential_configuration_id for detail in given.authorization_details)
        return Granted(details or None, given.dpop_jkt, None)

    def _refuse_client(self, request: Request) -> Response | None:
        """None when the request proves what this server wants to know of its sender."""
        self.client_headers.append(dict(request.headers))
        if self.misbehave == "wallet_refused":
            return self._answer({"error": "invalid_client_attestation"}, 401)
        refusal = self._refuse_proof(request, "server", access_token=None) if self.binds else None
        if refusal is not None or not self.wants_attestation:
            return refusal
        return self._refuse_attestation(request)

    def _refuse_attestation(self, request: Request) -> Response | None:
        attestation = request.headers.get("oauth-client-attestation")
        pop = request.headers.get("oauth-client-attestation-pop")
        if attestation is None:
            return self._answer({"error": "invalid_client"}, 401)
        proof: Any = pop
        if pop is None:
            proof = verify_dpop_proof(
                request.headers["dpop"], method="POST", url=self._url(request), now=self.clock(), access_token=None,
                algorithms=ES256,
            )  # fmt: skip
        try:
            verified = verify_client_attestation(
                parse_client_attestation(attestation), proof, anchors=self.anchors, audience=self.identifier,
                now=self.clock(), algorithms=ES256, client_id=None,
            )  # fmt: skip
        except CredentialError:
            return self._answer({"error": "invalid_client_attestation"}, 401)
        assert pop is None or verified.jti not in self._seen
        self._seen.add(verified.jti)
        if not self.wants_nonces and (verified.challenge not in self._challenges or self.misbehave == "challenge_loop"):
            headers = {"OAuth-Client-Attestation-Challenge": self._new_challenge()}
            return self._answer({"error": "use_attestation_challenge"}, 400, headers)
        self._challenges.discard(str(verified.challenge))
        return None

    def _refuse_proof(self, request: Request, party: str, *, access_token: str | None) -> Response | None:
        proof = request.headers.get("dpop")
        if proof is None:
            return self._answer({"error": "invalid_dpop_proof"}, 400)
        verified = verify_dpop_proof(
            proof, method="POST", url=self._url(request), now=self.clock(), access_token=access_token, algorithms=ES256
        )
        assert verified.jti not in self._seen
        self._seen.add(verified.jti)
        wanted = self._nonce_of.get(party)
        is_loop = self.misbehave == ("token_nonce_loop" if party == "server" else "credential_nonce_loop")
        if self.wants_nonces and (verified.nonce is None or verified.nonce != wanted or is_loop):
            self._nonce_of[party] = create_token(16)
            headers = {"DPoP-Nonce": self._nonce_of[party]}
            if party == "server":
                return self._answer({"error": "use_dpop_nonce"}, 400, headers)
            return Response(status_code=401, headers={**headers, "WWW-Authenticate": 'DPoP error="use_dpop_nonce"'})
        return None

    def _find_token(self, request: Request) -> Granted | None:
        """The live token of a request to the issuer, used as it must be."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        granted = self._tokens.get(token)
        if granted is None or granted.ends_at <= self.clock():
            return None
        if kind != ("DPoP" if granted.key else "Bearer"):
            return None
        return granted if granted.key is None or granted.key == self._key_of(request, token) else None

    def _key_of(self, request: Request, access_token: str | None = None) -> str | None:
        proof = request.headers.get("dpop")
        if not self.binds or proof is None:
            return None
        return verify_dpop_proof(
            proof, method="POST", url=self._url(request), now=self.clock(), access_token=access_token, algorithms=ES256
        ).thumbprint

    def _url(self, request: Request) -> str:
        return f"{self.identifier}/{request.url.path.rpartition('/')[2]}"

    def _new_challenge(self) -> str:
        challenge = create_token(16)
        self._challenges.add(challenge)
        return challenge

    @staticmethod
    def _answer(members: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return JSONResponse(members, status_code=status, headers={"Cache-Control": "no-store", **(headers or {})})

    @staticmethod
    async def _form(request: Request) -> dict[str, str]:
        return {key: str(value) for key, value in (await request.form()).items()}
