"""An honest verifier at its own host, built on the kernel, that can be told to misbehave in one way.

verifier = SimulatedVerifier(clock)
link = verifier.ask(verifier.skill_query(uri))
verifier.misbehave = "another_wallet_nonce"
verifier.received     # every form that was posted to it, decrypted
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from kernel import base64url
from kernel.did import create_did_web_document, did_jwk
from kernel.formats import ALGORITHMS, FORMATS, VerifiedPresentation, from_wire
from kernel.jwt import sign_jwt
from kernel.keys import PublicKey, SoftwareSigner
from kernel.openid4vp import (
    EncryptedResponse,
    ErrorResponse,
    TransactionData,
    VpTokenResponse,
    create_agreement,
    create_client_metadata,
    create_request_link,
    create_request_object,
    decrypt_response,
    parse_request_uri_form,
    parse_response_form,
)
from kernel.strict_json import encode_json, parse_json_object
from runtime.tokens import create_token
from tests.support.clock import FixedClock
from tests.support.forgeries import Forge
from tests.support.simulated_issuer import VCT

FRAGMENT = "es256-1"

Misbehaviour = Literal[
    "",
    "another_wallet_nonce",
    "no_wallet_nonce",
    "another_client_id_inside",
    "signed_by_another_key",
    "another_typ",
    "expired",
    "another_audience",
    "answer_to_another_party",
    "answer_over_http",
    "with_redirect_uri",
    "asks_by_scope",
    "with_transaction_data",
    "transaction_data_of_an_unknown_type",
    "transaction_data_for_no_query",
    "transaction_data_without_words",
    "transaction_data_with_more_than_is_shown",
    "transaction_data_that_reads_otherwise",
    "without_nonce",
    "same_query_id_twice",
    "path_of_another_type",
    "unusable_encryption_key",
    "encryption_key_off_the_curve",
    "unusable_encryption_keys_first",
    "refuses_answers",
    "redirects_answers",
    "breaks_on_answers",
    "answers_with_nonsense",
    "answers_with_a_page",
    "answers_with_a_list",
    "answers_at_length",
    "answers_accepted",
    "answers_with_nothing",
    "refuses_with_a_page",
    "request_of_another_type",
]


@dataclass
class SimulatedVerifier:
    """One relying party that asks."""

    clock: FixedClock
    host: str = "verifier.example"
    slug: str = "bakker"
    name: str = "Bakker Bouw"
    signer: SoftwareSigner = field(default_factory=SoftwareSigner.generate)
    misbehave: Misbehaviour = ""
    response_mode: Literal["direct_post", "direct_post.jwt"] = "direct_post.jwt"
    did_method: Literal["web", "jwk"] = "web"
    redirect_uri: str | None = None
    purpose: Mapping[str, str] = field(default_factory=lambda: {"nl": "Voor de vacature metselaar."})
    comparison_code: str = ""
    requests: list[str] = field(default_factory=list)
    received: list[VpTokenResponse | ErrorResponse] = field(default_factory=list)
    raw_forms: list[dict[str, str]] = field(default_factory=list)
    wallet_forms: list[dict[str, str]] = field(default_factory=list)
    agreements: list[TransactionData] = field(default_factory=list)
    forge: Forge | None = None
    """How its request object is forged before it leaves."""
    change_did_document: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    more: dict[str, Any] = field(default_factory=dict)
    """Members that the request object has besides, or instead."""
    header: dict[str, Any] | None = None
    """The header by which the signer is known, where that is not the key of the DID."""
    prefix: str = "decentralized_identifier"
    name_after_prefix: str = ""
    entity_configuration: Callable[[], str] | None = None
    """What it says of itself as a member of a federation."""
    nonce: str = ""
    state: str = ""
    _query: Mapping[str, Any] = field(default_factory=dict)
    _encryption_key: SoftwareSigner = field(default_factory=SoftwareSigner.generate)

    @property
    def did(self) -> str:
        if self.did_method == "jwk":
            return did_jwk(self.signer.public_key.jwk)
        return f"did:web:{self.host}:{self.slug}"

    @property
    def client_id(self) -> str:
        return f"{self.prefix}:{self.name_after_prefix or self.did}"

    @property
    def base(self) -> str:
        return f"https://{self.host}/{self.slug}"

    def skill_query(self, *uris: str, query_format: str = "dc+sd-jwt", more: Mapping[str, Any] | None = None) -> dict:
        """One credential query a skill, as our own verifier asks it."""
        path = ["achievement", "alignment", None, "targetUrl"]
        meta: dict[str, Any] = {"vct_values": [VCT]}
        if query_format != "dc+sd-jwt":
            path, meta = ["credentialSubject", *path], {}
        return {
            "credentials": [
                {
                    "id": f"skill_{number}",
                    "format": query_format,
                    "meta": meta,
                    "claims": [{"path": path, "values": [uri]}],
                    **(more or {}),
                }
                for number, uri in enumerate(uris, 1)
            ]
        }

    def agree(self, title: str = "Gegevens bewaren", text: str = "Bakker Bouw mag dit een jaar bewaren.") -> str:
        """Ask the holder to agree to a text with the badge of the first query; as it is sent."""
        made = create_agreement(title=title, text=text, credential_ids=["skill_1"])
        self.agreements.append(made)
        return made.raw

    def ask(
        self, query: Mapping[str, Any], *, method: Literal["get", "post"] = "post", scheme: str = "openid4vp://"
    ) -> str:
        """A new transaction, and the link that leads to it."""
        self._query, self.nonce, self.state = query, create_token(16), create_token(16)
        return create_request_link(
            client_id=self.client_id,
            request_uri=f"{self.base}/requests/{create_token(16)}",
            request_uri_method=method,
            scheme=scheme,
        )

    def ask_by_value(self, query: Mapping[str, Any]) -> str:
        """The same with the signed request in the link."""
        self._query, self.nonce, self.state = query, create_token(16), create_token(16)
        return f"openid4vp://?client_id={self.client_id}&request={self.request_object(None)}"

    def request_object(self, wallet_nonce: str | None) -> str:
        now = self.clock()
        encryption_key: Mapping[str, Any] | None = None
        if self.response_mode == "direct_post.jwt":
            encryption_key = {**self._encryption_key.public_key.jwk, "kid": "enc-1"}
        metadata = create_client_metadata(encryption_key=encryption_key, client_name=self.name)
        kid = f"{self.did}#0" if self.did_method == "jwk" else f"{self.did}#{FRAGMENT}"
        if self.misbehave == "unusable_encryption_key":
            metadata["jwks"] = {"keys": [{"kty": "OKP", "crv": "X25519", "x": "AAAA", "alg": "ECDH-ES", "use": "enc"}]}
        if self.misbehave == "encryption_key_off_the_curve":
            metadata["jwks"]["keys"] = self._unusable_keys(metadata["jwks"]["keys"][0])
        if self.misbehave == "unusable_encryption_keys_first":
            metadata["jwks"]["keys"] = self._unusable_keys(metadata["jwks"]["keys"][0]) + metadata["jwks"]["keys"]
        made = create_request_object(
            signer=self.signer,
            key_reference={"kid": kid},
            client_id=self.client_id,
            response_mode=self.response_mode,
            response_uri=f"{self.base}/responses/1",
            nonce=self.nonce,
            state=self.state,
            dcql_query={"credentials": [{"id": "a", "format": "dc+sd-jwt", "meta": {}}]},
            transaction_data=self.agreements,
            client_metadata=metadata,
            issued_at=now,
            expires_at=now + timedelta(minutes=5),
            wallet_nonce=wallet_nonce,
            purpose=self.purpose,
            comparison_code=self.comparison_code,
        )
        return self._spoil(made, kid)

    def _unusable_keys(self, key: Mapping[str, Any]) -> list[Any]:
        """Off the curve, too short, with its private part, with a name that is no text; and no key at all."""
        return [{**key, "y": key["x"]}, {**key, "x": key["x"][:20]}, {**key, "d": key["x"]}, {**key, "kid": 7}, "no"]

    def _spoil(self, made: str, kid: str) -> str:
        from kernel.jwt import parse_jwt

        payload = dict(parse_jwt(made).payload) | {"dcql_query": self._query} | self.more
        signer, typ = self.signer, "oauth-authz-req+jwt"
        match self.misbehave:
            case "another_wallet_nonce":
                payload["wallet_nonce"] = create_token(16)
            case "no_wallet_nonce":
                payload.pop("wallet_nonce", None)
            case "another_client_id_inside":
                payload["client_id"] = "decentralized_identifier:did:web:elsewhere.example"
            case "signed_by_another_key":
                signer = SoftwareSigner.generate()
            case "another_typ":
                typ = "jwt"
            case "expired":
                payload |= {"iat": payload["iat"] - 900, "exp": payload["exp"] - 900}
            case "another_audience":
                payload["aud"] = "https://another-wallet.example"
            case "answer_to_another_party":
                payload["response_uri"] = "https://elsewhere.example/responses/1"
            case "answer_over_http":
                payload["response_uri"] = f"http://{self.host}/{self.slug}/responses/1"
            case "with_redirect_uri":
                payload["redirect_uri"] = f"{self.base}/back"
            case "asks_by_scope":
                del payload["dcql_query"]
                payload["scope"] = "com.example.diploma"
            case "with_transaction_data":
                payload["transaction_data"] = ["e30"]
            case "transaction_data_of_an_unknown_type":
                payload["transaction_data"] = [_encode({**_decode(self.agree()), "type": "urn:example:payment"})]
            case "transaction_data_for_no_query":
                payload["transaction_data"] = [_encode({**_decode(self.agree()), "credential_ids": ["nothing"]})]
            case "transaction_data_without_words":
                payload["transaction_data"] = [_encode({**_decode(self.agree()), "text": ""})]
            case "transaction_data_with_more_than_is_shown":
                payload["transaction_data"] = [_encode({**_decode(self.agree()), "amount": "10000.00"})]
            case "transaction_data_that_reads_otherwise":
                payload["transaction_data"] = [_encode({**_decode(self.agree()), "text": "\u202e0001 laateb kI"})]
            case "without_nonce":
                del payload["nonce"]
            case "same_query_id_twice":
                payload["dcql_query"] = {"credentials": [self._query["credentials"][0]] * 2}
            case "path_of_another_type":
                payload["dcql_query"] = {
                    "credentials": [{**self._query["credentials"][0], "claims": [{"path": ["achievement", True]}]}]
                }
        header = {"kid": kid} if self.header is None else self.header
        signed = sign_jwt(payload, signer=signer, typ=typ, header=header)
        return signed if self.forge is None else self.forge(signed, self.signer)

    def verify(self, query_id: str, issuer_key: PublicKey, query_format: str = "dc+sd-jwt") -> VerifiedPresentation:
        """The last presentation for a query, fully verified."""
        answer = self.received[-1]
        assert isinstance(answer, VpTokenResponse)
        return FORMATS[query_format].verify_presentation(
            from_wire(answer.vp_token[query_id][0]),
            key=issuer_key,
            algorithms=ALGORITHMS[query_format],
            audience=self.client_id,
            nonce=self.nonce,
            now=self.clock(),
        )

    def app(self) -> Starlette:
        slug = self.slug
        return Starlette(
            routes=[
                Route(f"/{slug}/did.json", self._did_document),
                Route(f"/{slug}/.well-known/openid-federation", self._entity_configuration),
                Route(f"/{slug}/requests/{{secret}}", self._request, methods=["GET", "POST"]),
                Route(f"/{slug}/responses/1", self._response, methods=["POST"]),
            ]
        )

    async def _did_document(self, request: Request) -> Response:
        self.requests.append("GET /did.json")
        document = create_did_web_document(self.did, [(FRAGMENT, self.signer.public_key)])
        return JSONResponse(document if self.change_did_document is None else self.change_did_document(document))

    async def _entity_configuration(self, request: Request) -> Response:
        if self.entity_configuration is None:
            return Response(status_code=404)
        return Response(self.entity_configuration(), media_type="application/entity-statement+jwt")

    async def _request(self, request: Request) -> Response:
        self.requests.append(f"{request.method} /requests")
        wallet_nonce = None
        if request.method == "POST":
            form = {key: str(value) for key, value in (await request.form()).items()}
            self.wallet_forms.append(form)
            wallet_nonce = parse_request_uri_form(form)
        media_type = "text/plain" if self.misbehave == "request_of_another_type" else "application/oauth-authz-req+jwt"
        return Response(self.request_object(wallet_nonce), media_type=media_type)

    async def _response(self, request: Request) -> Response:
        self.requests.append("POST /responses")
        form = {key: str(value) for key, value in (await request.form()).items()}
        self.raw_forms.append(form)
        answer = parse_response_form(form)
        if isinstance(answer, EncryptedResponse):
            private = {**self._encryption_key.private_jwk(), "alg": "ECDH-ES", "kid": "enc-1"}
            answer = decrypt_response(answer, private_jwk=private)
        self.received.append(answer)
        match self.misbehave:
            case "refuses_answers":
                return JSONResponse({"error": "invalid_request"}, status_code=400)
            case "redirects_answers":
                return RedirectResponse("https://elsewhere.example/", status_code=307)
            case "breaks_on_answers":
                return Response(status_code=500)
            case "answers_with_nonsense":
                return Response("Thank you", media_type="application/json")
            case "answers_with_a_page":
                return Response("<h1>Thank you</h1>", media_type="text/html")
            case "answers_with_a_list":
                return JSONResponse([])
            case "answers_at_length":
                return Response(b" " * 2_000_000, media_type="application/json")
            case "answers_accepted":
                return Response("<h1>Accepted</h1>", status_code=202, media_type="text/html")
            case "answers_with_nothing":
                return Response(status_code=200)
            case "refuses_with_a_page":
                return Response("<h1>No</h1>", status_code=403, media_type="text/html")
        return JSONResponse({} if self.redirect_uri is None else {"redirect_uri": self.redirect_uri})


def _decode(raw: str) -> dict[str, Any]:
    return parse_json_object(base64url.decode(raw))


def _encode(members: Mapping[str, Any]) -> str:
    return base64url.encode(encode_json(members))
