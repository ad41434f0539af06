"""Which URLs exist: the protocol's endpoints for wallets, and the management API for relying parties.

Protocol endpoints answer OAuth errors with fixed sentences and never FastAPI's 422. The management API asks for a
bearer key and answers problem details (RFC 9457).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.routing import Route

from kernel.errors import CredentialError, MalformedError
from kernel.federation import MEDIA_TYPE as ENTITY_STATEMENT_TYPE
from kernel.open_badges import HIGHEST_LEVEL
from kernel.openid4vp import MAX_AGREEMENT, MAX_TITLE, MEDIA_TYPE, parse_request_uri_form
from runtime.api_document import operation_id
from runtime.archives import MAX_ARCHIVE_UPLOAD
from runtime.dependencies import DatabaseDep, NowDep, SessionDep, get_service
from runtime.errors import OAuthError, Problem, log_refusal, oauth_route
from runtime.management import Gate, ManagementRoute
from runtime.middleware import source_of
from runtime.route_document import Answer, Operation, described, oauth_refusal, responses
from runtime.service import Service
from runtime.visible_text import hides_something, is_blank
from runtime.web.badge_form import read_content, read_file, read_text
from verifier import client_identifiers, federation, operators, questions, relying_parties, results, store, webhooks
from verifier.checking import Checks
from verifier.client_identifiers import MAX_PEM
from verifier.errors import RESPONSE_ANSWERS, BrowserAnswerError, InputError, NoMemberError, UnknownError, VerifierError
from verifier.exports import ExportFormat, Language, export_answer, export_answers
from verifier.models import ClientCertificate, PresentationRequest, Question, RelyingParty, WebhookDelivery
from verifier.policies import FormatName, PolicyName, Prefix, RequestBy
from verifier.presentation_request import (
    Asking,
    Flow,
    create_browser_requests,
    create_link,
    create_wallet_link,
    get_request_object,
    open_exchange,
    request_uri,
    start_presentation,
)
from verifier.presentation_response import receive_browser_response, receive_response
from verifier.relying_parties import Caller
from verifier.settings import VerifierSettings
from verifier.trusted_authorities import resolve_trusted_authorities

MAX_FORM_FIELDS = 20

ServiceDep = Annotated[Service[VerifierSettings], Depends(get_service)]

# --- what wallets call ---


def _form(*names: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
    return {"application/x-www-form-urlencoded": schema}


def _form_of(*names: str) -> dict[str, Any]:
    """How the OpenAPI document describes a form of these fields; the kernel reads it, not FastAPI."""
    content = {media_type: {"schema": schema} for media_type, schema in _form(*names).items()}
    return {"requestBody": {"content": content, "required": True}}


_JWT: Final = {"type": "string", "description": "A signed JWT in compact form."}
_UNKNOWN: Final = oauth_refusal("not_found")
_REQUEST_OBJECT: Final = responses(
    {
        200: Answer("The signed request object.", {MEDIA_TYPE: _JWT}),
        400: oauth_refusal("invalid_request"),
        404: oauth_refusal("not_found", "invalid_request_uri"),
    }
)
_REPLY: Final = {"type": "object", "properties": {"redirect_uri": {"type": "string", "format": "uri"}}}

protocol = APIRouter(
    route_class=oauth_route(malformed="invalid_request"), tags=["protocol"], generate_unique_id_function=operation_id
)


@protocol.get(
    "/{slug}/did.json",
    name="did_document",
    response_class=Response,
    responses=responses(
        {
            200: Answer("The document.", {"application/did+json": {"type": "object", "required": ["id"]}}),
            404: _UNKNOWN,
        }
    ),
)
async def did_document(slug: str, session: SessionDep, service: ServiceDep) -> Response:
    """The relying party's DID document. did:web; PROFILE.md K-21."""
    relying_party = await _find_party(session, slug)
    document = relying_parties.create_did_document(service.settings, relying_party)
    return JSONResponse(document, media_type="application/did+json", headers={"Cache-Control": "max-age=300"})


@protocol.get(
    "/{slug}/.well-known/openid-federation",
    name="entity_configuration",
    response_class=Response,
    responses=responses({200: Answer("The statement, signed now.", {ENTITY_STATEMENT_TYPE: _JWT}), 404: _UNKNOWN}),
)
async def entity_configuration(slug: str, session: SessionDep, service: ServiceDep, now: NowDep) -> Response:
    """The Entity Configuration of a member of a federation. OpenID Federation 1.0 §9; PROFILE.md T-07."""
    relying_party = await _find_party(session, slug)
    try:
        raw = await federation.create_party_statement(session, service.settings, relying_party, now=now)
    except NoMemberError as exc:
        raise OAuthError(404, "not_found", "There is nothing at this address.") from exc
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
    return Response(raw, media_type=ENTITY_STATEMENT_TYPE, headers=headers)


@protocol.get("/{slug}/requests/{secret}", name="request_object", response_class=Response, responses=_REQUEST_OBJECT)
async def request_object(slug: str, secret: str, session: SessionDep, service: ServiceDep, now: NowDep) -> Response:
    """The signed request object, by GET. OpenID4VP 1.0 §5; RFC 9101 §5.2.3."""
    return await _serve_request_object(session, service, slug, secret, wallet_nonce=None, now=now)


@protocol.post(
    "/{slug}/requests/{secret}",
    name="request_object_post",
    response_class=Response,
    responses=_REQUEST_OBJECT,
    openapi_extra=_form_of("wallet_nonce", "wallet_metadata"),
)
async def request_object_post(
    request: Request, slug: str, secret: str, session: SessionDep, service: ServiceDep, now: NowDep
) -> Response:
    """The signed request object, by POST with `wallet_nonce`. OpenID4VP 1.0 §5.10."""
    wallet_nonce = parse_request_uri_form(await _read_form(request))
    return await _serve_request_object(session, service, slug, secret, wallet_nonce=wallet_nonce, now=now)


@described(
    Operation(
        answers={
            200: Answer("The answer was taken in; where the browser goes on.", {"application/json": _REPLY}),
            400: oauth_refusal("invalid_request"),
            404: _UNKNOWN,
        },
        body=_form("response", "vp_token", "state", "error", "error_description"),
    )
)
async def response(request: Request) -> Response:
    """The response endpoint. OpenID4VP 1.0 §8.2, §8.3."""
    service: Service[VerifierSettings] = get_service(request)
    slug, secret = request.path_params["slug"], request.path_params["secret"]
    try:
        reply = await receive_response(service, slug, secret, await _read_form(request))
    except UnknownError as exc:
        raise _no_such_address() from exc
    except CredentialError as exc:
        answer = RESPONSE_ANSWERS.get(type(exc), RESPONSE_ANSWERS[CredentialError])
        status = answer.status if answer.error is not None else 400
        log_refusal(exc, status, "invalid_request")
        raise OAuthError(status, "invalid_request", "The response could not be accepted.") from exc
    return JSONResponse(reply.body(), status_code=reply.answer.status, headers={"Cache-Control": "no-store"})


class _RelyingPartyConvertor(StringConvertor):
    """A first segment that may be a relying party's: none of the service's own."""

    regex = rf"(?!(?:{'|'.join(map(re.escape, sorted(relying_parties.RESERVED_SLUGS)))})/)[^/]+"


register_url_convertor("relying_party", _RelyingPartyConvertor())

# What is asked most: where answers come to.
protocol_routes = [Route("/{slug:relying_party}/responses/{secret}", response, methods=["POST"])]


async def _find_party(session: Any, slug: str) -> RelyingParty:
    relying_party = await store.find_relying_party(session, slug)
    if relying_party is None:
        raise _no_such_address()
    return relying_party


def _no_such_address() -> OAuthError:
    return OAuthError(404, "not_found", "There is nothing at this address.")


async def _serve_request_object(
    session: Any, service: Service[VerifierSettings], slug: str, secret: str, *, wallet_nonce: str | None, now: datetime
) -> Response:
    relying_party = await _find_party(session, slug)
    try:
        raw = await get_request_object(session, service, relying_party, secret, wallet_nonce=wallet_nonce, now=now)
    except UnknownError as exc:
        raise OAuthError(404, "invalid_request_uri", "This request is not waiting for an answer.") from exc
    return Response(raw, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})


async def _read_form(request: Request) -> list[tuple[str, str]]:
    """The form's fields as they came; that none is there twice, the kernel's parsers see to (RFC 6749 §3.1)."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise MalformedError("not a form")
    try:
        return parse_qsl(
            (await request.body()).decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_FORM_FIELDS,
        )
    except ValueError as exc:
        raise MalformedError("a form that cannot be read") from exc


# --- what relying parties call ---

management = APIRouter(
    prefix="/api", tags=["management"], route_class=ManagementRoute, generate_unique_id_function=operation_id
)


def _require_visible(name: str) -> str:
    if is_blank(name):
        raise ValueError("has nothing that can be seen")
    return name


Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_require_visible)
]
WebAddress = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"]+$", max_length=500)]


class Body(BaseModel):
    """A body of the management API: unknown members are refused (PROFILE.md A-52)."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _is_writable(cls, value: object) -> object:
        """What nobody can see stands in no text: holders read it, and PostgreSQL keeps no NUL (A-08, A-41)."""
        if isinstance(value, str) and hides_something(value):
            raise ValueError("has a character that cannot be seen")
        return value


class NewRelyingParty(Body):
    """An organisation that will ask questions."""

    slug: str = Field(max_length=63)
    name: Name
    url: WebAddress | None = None
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    registration_number: Annotated[str, StringConstraints(max_length=100)] | None = None


class NewKey(Body):
    """A further API key, with no more rights than it needs."""

    name: Annotated[Name, StringConstraints(max_length=100)]
    scopes: list[str] = Field(min_length=1, max_length=20)


class NewOperator(Body):
    """Somebody who may sign in."""

    email: Annotated[str, StringConstraints(min_length=3, max_length=254)]
    name: Name
    passphrase: str = Field(max_length=1000)


class SkillChoice(Body):
    """A skill to ask for; names are looked up where the index knows the skill."""

    uri: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    name: Annotated[str, StringConstraints(min_length=1, max_length=300)] | None = None
    required: bool = True


MinimumLevel = Annotated[
    int | None,
    Field(
        ge=1,
        le=HIGHEST_LEVEL,
        description="At this level of the EQF or NLQF, or higher, the badge of each skill has to stand.",
    ),
]


class AgreementText(Body):
    """What the holder agrees to by answering, shown to them in full (OpenID4VP 1.0 §8.4)."""

    title: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE)]
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_AGREEMENT)]


class NewQuestion(Body):
    """A question to save."""

    title: Name
    purpose: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    skills: list[SkillChoice] = Field(min_length=1, max_length=questions.MAX_SKILLS)
    minimum_level: MinimumLevel = None
    retention_hours: int | None = Field(default=None, ge=0, le=720)
    policy: PolicyName = "diip"
    agreement: AgreementText | None = None
    same_device_only: bool = False
    trusted_authorities: bool = False
    """Ask only for badges under authorities that we believe: `aki` or `openid_federation`, as the policy has it."""


class NewPresentation(Body):
    """A question to ask now: a saved one, or skills and a purpose."""

    question_id: Annotated[str, StringConstraints(max_length=43)] | None = None
    title: Name | None = None
    purpose: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = None
    skills: list[SkillChoice] | None = Field(default=None, min_length=1, max_length=questions.MAX_SKILLS)
    minimum_level: MinimumLevel = None
    retention_hours: int | None = Field(default=None, ge=0, le=720)
    response_mode: Literal["direct_post.jwt", "direct_post"] = "direct_post.jwt"
    flow: Flow = "cross_device"
    return_uri: Annotated[str, StringConstraints(max_length=2000)] | None = None
    policy: PolicyName | None = None
    client_id_prefix: Prefix | None = None
    request_by: RequestBy = "post"
    agreement: AgreementText | None = None
    trusted_authorities: bool = False
    """As with a saved question, which has its own word on this."""
    formats: list[FormatName] | None = Field(default=None, min_length=1, max_length=len(questions.QUERY_SUFFIXES))
    """Ask for badges in these formats alone. Left out: every format of the policy that OpenID4VP 1.0 or DIIP has a name
    for; `vc+jwt` is asked for only where it is named here, since there are wallets that read no such question."""
    origin: Annotated[str, StringConstraints(max_length=500)] | None = None
    """The origin of a page of your own that asks through the browser (OpenID4VP 1.0 Appendix A)."""


class BrowserAnswer(Body):
    """What `navigator.credentials.get` gave your page: the `data` of the credential, as it came."""

    data: dict[str, Any]


class NewCertificate(Body):
    """A certificate chain, leaf first and without the anchor, and the private key of the leaf; both as PEM."""

    chain: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PEM)]
    key: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PEM)]


class NewWebhook(Body):
    """Where messages go: an https address on the public internet."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class NewAttestation(Body):
    """A verifier attestation about this relying party's own key (OpenID4VP 1.0 §12)."""

    attestation: Annotated[str, StringConstraints(min_length=1, max_length=MAX_PEM)]


class NewMembership(Body):
    """Who stands above this relying party in OpenID Federations, by their entity identifiers."""

    authority_hints: list[Annotated[str, StringConstraints(min_length=1, max_length=2048)]] = Field(
        min_length=1, max_length=32
    )


class Rollover(Body):
    """A step in replacing the key of a member's statements. OpenID Federation 1.0 §11."""

    step: federation.RolloverStep


class ResponseCode(Body):
    """The code that came back in the fragment of the return address."""

    response_code: Annotated[str, StringConstraints(min_length=1, max_length=200)]


def _holder_of(scope: str | None) -> Any:
    """Lets in whoever has a key, with this scope where there is one. Whose relying party it is, is looked up later.

    Read apart from what is done, so that whoever goes out on the network has no transaction open.
    """

    async def admit(request: Request) -> Caller:
        service: Service[VerifierSettings] = get_service(request)
        async with service.database.reading() as session:
            caller = await relying_parties.authenticate(session, request.headers.get("authorization"))
        if scope is not None:
            caller.require(scope)
        return caller

    return Security(Gate(admit), scopes=[] if scope is None else [scope])


CallerDep = Annotated[Caller, _holder_of(None)]
KeysWriter = Annotated[Caller, _holder_of("keys:write")]
OperatorsWriter = Annotated[Caller, _holder_of("operators:write")]
PresentationsReader = Annotated[Caller, _holder_of("presentations:read")]
PresentationsWriter = Annotated[Caller, _holder_of("presentations:write")]
QuestionsReader = Annotated[Caller, _holder_of("questions:read")]
QuestionsWriter = Annotated[Caller, _holder_of("questions:write")]
RelyingPartiesWriter = Annotated[Caller, _holder_of("relying-parties:write")]


_CHECK_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "The badge, as a file."},
                        "text": {"type": "string", "description": "Or its text or address."},
                        "email": {"type": "string", "description": "To whom it should have been given."},
                        "archive": {"type": "string", "format": "binary", "description": "What its issuer left."},
                    },
                }
            }
        },
    }
}


@management.post("/check", name="check_any_badge", openapi_extra=_CHECK_FORM)
async def check_any_badge(request: Request, _: CallerDep, service: ServiceDep, now: NowDep) -> dict[str, Any]:
    """Check any badge, as the page does it: a form with `file` or `text`, and maybe `email` and `archive`.

    Nothing of it is kept. `verdict` says whether its issuer said this and stands by it; `recognition` who that is.
    """
    async with request.form(max_fields=MAX_FORM_FIELDS) as form:
        content, email = await read_content(form), read_text(form, "email")
        archive = await read_file(form, "archive", MAX_ARCHIVE_UPLOAD)
    if not content:
        raise InputError(fields={"file": "missing"})
    checks: Checks = request.app.state.checks
    checked = await checks.check_badge(
        service, content, email=email or None, archive=archive, source=source_of(request.scope), now=now
    )
    return checked.as_json()


@management.post("/relying-parties", status_code=201, name="create_relying_party")
async def create_relying_party(
    body: NewRelyingParty, _: RelyingPartiesWriter, session: SessionDep, service: ServiceDep, now: NowDep
) -> dict[str, Any]:
    """Make a relying party with its own key; its API key is shown only in this answer."""
    relying_party, key = await relying_parties.create_relying_party(
        session, service.settings, **body.model_dump(), now=now
    )
    return {**_party_json(relying_party, None, service.settings), "api_key": key}


@management.get("/relying-parties/{slug}", name="get_relying_party")
async def get_relying_party(slug: str, caller: CallerDep, session: SessionDep, service: ServiceDep) -> dict[str, Any]:
    """A relying party as wallets know it."""
    relying_party = await relying_parties.get_relying_party(session, slug)
    if not caller.may_see(relying_party.id):
        raise UnknownError
    certificate = await store.find_certificate(session, relying_party.id)
    return _party_json(relying_party, certificate, service.settings)


@management.put("/relying-parties/{slug}/certificate", name="keep_certificate")
async def keep_certificate(
    slug: str, body: NewCertificate, caller: KeysWriter, session: SessionDep, service: ServiceDep, now: NowDep
) -> dict[str, Any]:
    """Keep the certificate by which EUDI wallets know this relying party; it replaces the one that is there."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    certificate = await client_identifiers.keep_certificate(
        session, service.settings, relying_party, chain_pem=body.chain, key_pem=body.key, now=now
    )
    return _party_json(relying_party, certificate, service.settings)


@management.delete("/relying-parties/{slug}/certificate", status_code=204, name="delete_certificate")
async def delete_certificate(slug: str, caller: KeysWriter, session: SessionDep) -> Response:
    """Forget the certificate and its key; what waits for an answer under it is no longer answered."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    if not await store.delete_certificate(session, relying_party.id):
        raise UnknownError
    return Response(status_code=204)


@management.put("/relying-parties/{slug}/attestation", name="keep_attestation")
async def keep_attestation(
    slug: str, body: NewAttestation, caller: KeysWriter, session: SessionDep, service: ServiceDep, now: NowDep
) -> dict[str, Any]:
    """Keep what an attester says about this relying party's key; it replaces the one that is there."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    client_identifiers.keep_attestation(relying_party, body.attestation, now=now)
    certificate = await store.find_certificate(session, relying_party.id)
    return _party_json(relying_party, certificate, service.settings)


@management.get("/relying-parties/{slug}/federation", name="get_federation_membership")
async def get_federation_membership(
    slug: str, caller: KeysWriter, session: SessionDep, service: ServiceDep
) -> dict[str, Any]:
    """What the superiors of this relying party in a federation must know, and who they are."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    return _membership_json(await federation.get_membership(session, service.settings, relying_party))


@management.put("/relying-parties/{slug}/federation", name="join_federation")
async def join_federation(
    slug: str, body: NewMembership, caller: KeysWriter, session: SessionDep, service: ServiceDep, now: NowDep
) -> dict[str, Any]:
    """Name the superiors of this relying party in OpenID Federations; from now on it can ask as their member."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    membership = await federation.join_federation(
        session, service.settings, relying_party, body.authority_hints, now=now
    )
    return _membership_json(membership)


@management.post("/relying-parties/{slug}/federation/key-rollover", name="roll_federation_key")
async def roll_federation_key(
    slug: str, body: Rollover, caller: KeysWriter, session: SessionDep, service: ServiceDep
) -> dict[str, Any]:
    """Replace the key of the statements: `announce` the next one, `use` it when the superiors name it, `retire` the one
    before."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    return _membership_json(await federation.roll_key(session, service.settings, relying_party, body.step))


@management.delete("/relying-parties/{slug}/federation", status_code=204, name="leave_federation")
async def leave_federation(slug: str, caller: KeysWriter, session: SessionDep) -> Response:
    """Leave every federation; what waits for an answer as a member is no longer answered."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    await federation.leave_federation(session, relying_party)
    return Response(status_code=204)


@management.put("/relying-parties/{slug}/webhook", name="keep_webhook")
async def keep_webhook(
    slug: str, body: NewWebhook, caller: KeysWriter, session: SessionDep, service: ServiceDep, now: NowDep
) -> dict[str, Any]:
    """Be told what happens to presentations; the secret that signs each message is shown only in this answer. V-43."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    secret = await webhooks.keep_webhook(session, service.settings, relying_party, url=body.url, now=now)
    return {"url": body.url, "secret": secret}


@management.get("/relying-parties/{slug}/webhook", name="get_webhook")
async def get_webhook(slug: str, caller: KeysWriter, session: SessionDep) -> dict[str, Any]:
    """Where messages go, and what became of those of the last week, the newest first; never the secret."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    webhook = await store.find_webhook(session, relying_party.id)
    if webhook is None:
        raise UnknownError
    deliveries = await store.list_deliveries(session, relying_party.id, limit=webhooks.DELIVERIES_SHOWN)
    return {
        "url": webhook.url,
        "created_at": webhook.created_at.isoformat(),
        "deliveries": [_delivery_json(each) for each in deliveries],
    }


@management.post("/relying-parties/{slug}/webhook/test", name="send_test_message")
async def send_test_message(slug: str, caller: KeysWriter, service: ServiceDep) -> dict[str, Any]:
    """Send a message of type `webhook.test` once, now; what became of it."""
    async with service.database.reading() as session:
        relying_party = await relying_parties.find_own(session, caller, slug)
    tried = await webhooks.send_test_message(service, relying_party)
    return {"outcome": tried.outcome, "status": tried.status}


def _delivery_json(delivery: WebhookDelivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "type": delivery.kind,
        "created_at": delivery.created_at.isoformat(),
        "attempts": delivery.attempts,
        "outcome": delivery.outcome,
        "status": delivery.status,
        "next_try_at": delivery.due_at.isoformat() if delivery.ended_at is None else None,
    }


@management.delete("/relying-parties/{slug}/webhook", status_code=204, name="delete_webhook")
async def delete_webhook(slug: str, caller: KeysWriter, session: SessionDep) -> Response:
    """Be told nothing more."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    if not await store.delete_webhook(session, relying_party.id):
        raise UnknownError
    return Response(status_code=204)


@management.post("/relying-parties/{slug}/keys", status_code=201, name="create_key")
async def create_key(slug: str, body: NewKey, caller: KeysWriter, session: SessionDep, now: NowDep) -> dict[str, Any]:
    """Make a further API key, with no more than the caller's own scopes; it is shown only in this answer."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    caller.require_all(body.scopes)
    key = await relying_parties.create_api_key(
        session, relying_party_id=relying_party.id, name=body.name, scopes=body.scopes, now=now
    )
    return {"name": body.name, "scopes": sorted(body.scopes), "api_key": key}


@management.get("/relying-parties/{slug}/keys", name="list_keys")
async def list_keys(slug: str, caller: KeysWriter, session: SessionDep) -> dict[str, Any]:
    """The API keys that work now, without the keys themselves."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    keys = await store.list_api_keys(session, relying_party.id)
    return {
        "keys": [
            {"id": key.id, "name": key.name, "scopes": key.scopes, "created_at": key.created_at.isoformat()}
            for key in keys
        ]
    }


@management.delete("/relying-parties/{slug}/keys/{key_id}", status_code=204, name="revoke_key")
async def revoke_key(slug: str, key_id: str, caller: KeysWriter, session: SessionDep, now: NowDep) -> Response:
    """End an API key."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    if not await store.revoke_api_key(session, relying_party.id, key_id, now):
        raise UnknownError
    return Response(status_code=204)


@management.post("/relying-parties/{slug}/operators", status_code=201, name="create_operator")
async def create_operator(
    slug: str, body: NewOperator, caller: OperatorsWriter, database: DatabaseDep
) -> dict[str, Any]:
    """Let somebody sign in for this relying party."""
    async with database.reading() as session:
        relying_party = await relying_parties.find_own(session, caller, slug)
    operator_id = await operators.create_operator(
        database, relying_party.id, email=body.email, name=body.name, passphrase=body.passphrase
    )
    return {"id": operator_id, "email": body.email, "name": body.name}


@management.post("/relying-parties/{slug}/questions", status_code=201, name="create_question")
async def create_question(
    slug: str, body: NewQuestion, caller: QuestionsWriter, session: SessionDep, service: ServiceDep, now: NowDep
) -> dict[str, Any]:
    """Save a question."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    question = await questions.create_question(
        session,
        relying_party,
        title=body.title,
        purpose=body.purpose,
        skills=_asked_skills(body.skills, service),
        minimum_level=body.minimum_level,
        retention_hours=_retention(body.retention_hours, service.settings),
        policy=body.policy,
        agreement=_agreement(body.agreement),
        same_device_only=body.same_device_only,
        trusted_authorities=body.trusted_authorities,
        now=now,
    )
    return _question_json(question, slug, service.settings)


@management.get("/relying-parties/{slug}/questions", name="list_questions")
async def list_questions(
    slug: str, caller: QuestionsReader, session: SessionDep, service: ServiceDep
) -> dict[str, Any]:
    """The saved questions, newest first."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    rows = await store.list_questions(session, relying_party.id)
    return {"questions": [_question_json(row, slug, service.settings) for row in rows]}


@management.get("/relying-parties/{slug}/questions/{question_id}", name="get_question")
async def get_question(
    slug: str, question_id: str, caller: QuestionsReader, session: SessionDep, service: ServiceDep
) -> dict[str, Any]:
    """One saved question."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    question = await questions.get_question(session, relying_party, question_id)
    return _question_json(question, slug, service.settings)


@management.delete("/relying-parties/{slug}/questions/{question_id}", status_code=204, name="archive_question")
async def archive_question(
    slug: str, question_id: str, caller: QuestionsWriter, session: SessionDep, now: NowDep
) -> Response:
    """Put a question away; answers to it stay."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    if not await store.archive_question(session, relying_party.id, question_id, now):
        raise UnknownError
    return Response(status_code=204)


@management.post("/relying-parties/{slug}/presentations", status_code=201, name="start_presentation")
async def start(
    slug: str,
    body: NewPresentation,
    caller: PresentationsWriter,
    database: DatabaseDep,
    service: ServiceDep,
    now: NowDep,
) -> dict[str, Any]:
    """Ask: open a transaction and return the link for the wallet."""
    async with database.reading() as session:
        relying_party = await relying_parties.find_own(session, caller, slug)
        asking = await _read_asking(session, relying_party, body, service)
    trusted = await resolve_trusted_authorities(service, asking.policy, now=now) if asking.trusted_authorities else ()
    async with database.transaction() as session:
        request = await start_presentation(
            session, service, relying_party, asking, now=now, trusted_authorities=trusted
        )
        link = await create_link(session, service, relying_party, request, now=now)
        browser_requests = await create_browser_requests(session, service, relying_party, request, now=now)
    exchange = open_exchange(service.sealing_key, request)
    return {
        **results.summary_json(request, now),
        "policy": request.policy,
        "client_id": request.client_id,
        "link": link,
        "wallet_link": create_wallet_link(service.settings, link),
        "request_uri": None if request.request_by == "value" else request_uri(service.settings, slug, exchange),
        "digital": {
            "requests": browser_requests,
            "origin": request.origin,
        },
    }


@management.get("/relying-parties/{slug}/presentations", name="list_presentations")
async def list_presentations(
    slug: str, caller: PresentationsReader, session: SessionDep, now: NowDep
) -> dict[str, Any]:
    """The newest hundred, without their reports."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    rows = await store.list_presentation_requests(session, relying_party.id, now)
    return {"presentations": [results.summary_json(row, now) for row in rows]}


@management.get("/relying-parties/{slug}/presentations/{request_id}", name="get_presentation")
async def get_presentation(
    slug: str, request_id: str, caller: PresentationsReader, session: SessionDep, service: ServiceDep, now: NowDep
) -> dict[str, Any]:
    """Where it stands, and the report once there is one that was released."""
    request = await _find_request(session, caller, slug, request_id)
    return results.result_json(service.sealing_key, request, now)


@management.get(
    "/relying-parties/{slug}/presentations/{request_id}/export",
    name="export_presentation",
    response_class=Response,
    responses={
        200: {"content": {"application/json": {}, "text/csv": {}, "application/pdf": {}}, "description": "The file."}
    },
)
async def export_presentation(
    slug: str,
    request_id: str,
    caller: PresentationsReader,
    session: SessionDep,
    service: ServiceDep,
    now: NowDep,
    format: ExportFormat = "json",
    language: Language = "nl",
) -> Response:
    """One answer as a file: JSON, CSV or PDF, safe to open. PROFILE.md V-43, A-44."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    row = await _find_request(session, caller, slug, request_id)
    exported = export_answer(
        row,
        results.read_result(service.sealing_key, row, now),
        results.result_json(service.sealing_key, row, now),
        relying_party,
        export_format=format,
        language=language,
    )
    return Response(exported.content, media_type=exported.media_type, headers=exported.headers())


@management.get(
    "/relying-parties/{slug}/export",
    name="export_presentations",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}, "description": "The table."}},
)
async def export_presentations(
    slug: str,
    caller: PresentationsReader,
    session: SessionDep,
    service: ServiceDep,
    now: NowDep,
    language: Language = "nl",
) -> Response:
    """The newest hundred answers as CSV, one line for each skill that was asked for. PROFILE.md V-43, A-44."""
    relying_party = await relying_parties.find_own(session, caller, slug)
    rows = await store.list_presentation_requests(session, relying_party.id, now)
    answers = [(row, results.read_result(service.sealing_key, row, now)) for row in rows]
    exported = export_answers(answers, language=language)
    return Response(exported.content, media_type=exported.media_type, headers=exported.headers())


@management.post("/relying-parties/{slug}/presentations/{request_id}/browser-answer", name="browser_answer")
async def browser_answer(
    slug: str,
    request_id: str,
    body: BrowserAnswer,
    caller: PresentationsWriter,
    database: DatabaseDep,
    service: ServiceDep,
) -> dict[str, Any]:
    """Hand in what your own page got from the Digital Credentials API; the report, as far as it can be seen. V-08."""
    async with database.reading() as session:
        row = await _find_request(session, caller, slug, request_id)
    try:
        await receive_browser_response(service, row, body.data)
    except CredentialError as exc:
        raise BrowserAnswerError from exc
    async with database.reading() as session:
        row = await _find_request(session, caller, slug, request_id)
    return results.result_json(service.sealing_key, row, service.clock())


@management.post("/relying-parties/{slug}/presentations/{request_id}/result", name="collect_result")
async def collect_result(
    slug: str,
    request_id: str,
    body: ResponseCode,
    caller: PresentationsReader,
    session: SessionDep,
    service: ServiceDep,
    now: NowDep,
) -> dict[str, Any]:
    """Collect a same-device result for a `return_uri` of one's own, with the response code. PROFILE.md V-22."""
    request = await _find_request(session, caller, slug, request_id)
    released = await results.release_to_relying_party(session, request, body.response_code, now=now)
    return results.result_json(service.sealing_key, released, now)


@management.get("/skills", name="search_skills")
async def search_skills(service: ServiceDep, q: str = "", language: str = "nl", limit: int = 10) -> dict[str, Any]:
    """Look up skills by word, in Dutch or English. Open to all: the taxonomy is public."""
    if language not in ("nl", "en") or not 1 <= limit <= 50 or len(q) > 200:
        raise InputError(fields={"q": "range"})
    return {
        "available": service.skills.available,
        "skills": [
            {
                "uri": skill.uri,
                "name": skill.label(language),
                "language": skill.label_language(language),
                "description": skill.description,
            }
            for skill in (service.skills.search(q, language=_language(language), limit=limit) if q.strip() else [])
        ],
    }


# --- shapes ---


async def _find_request(session: Any, caller: Caller, slug: str, request_id: str) -> PresentationRequest:
    relying_party = await relying_parties.find_own(session, caller, slug)
    request = await store.find_presentation_request(session, relying_party.id, request_id)
    if request is None:
        raise UnknownError
    return request


async def _read_asking(
    session: Any, relying_party: RelyingParty, body: NewPresentation, service: Service[VerifierSettings]
) -> Asking:
    common: dict[str, Any] = {
        "flow": body.flow,
        "response_mode": body.response_mode,
        "return_uri": body.return_uri,
        "client_id_prefix": body.client_id_prefix,
        "request_by": body.request_by,
        "origin": body.origin,
        "formats": None if body.formats is None else tuple(body.formats),
    }
    if body.policy is not None:
        common["policy"] = body.policy
    if body.question_id is not None:
        own_words = (body.skills, body.purpose, body.agreement, body.minimum_level)
        if any(each is not None for each in own_words):
            raise InputError(fields={"question_id": "not_with_skills"})
        question = await questions.get_question(session, relying_party, body.question_id)
        if question.same_device_only and body.flow != "same_device":
            raise InputError(fields={"flow": "same_device_only"})
        return Asking.of_question(question, **common)
    if body.skills is None or body.purpose is None:
        raise InputError(fields={"skills": "missing"})
    skills = _asked_skills(body.skills, service)
    questions.require_askable(skills)
    return Asking(
        title=body.title or body.purpose[:200],
        purpose=body.purpose,
        skills=skills,
        minimum_level=body.minimum_level,
        retention_hours=_retention(body.retention_hours, service.settings),
        agreement=_agreement(body.agreement),
        trusted_authorities=body.trusted_authorities,
        **common,
    )


def _agreement(body: AgreementText | None) -> questions.Agreement | None:
    agreement = None if body is None else questions.Agreement(body.title, body.text)
    questions.require_readable(agreement)
    return agreement


def _asked_skills(choices: list[SkillChoice], service: Service[VerifierSettings]) -> tuple[questions.AskedSkill, ...]:
    return tuple(
        questions.find_asked_skill(service.skills, choice.uri, name=choice.name, required=choice.required)
        for choice in choices
    )


def _retention(hours: int | None, settings: VerifierSettings) -> int:
    return settings.retention_hours if hours is None else hours


def _party_json(
    relying_party: RelyingParty, certificate: ClientCertificate | None, settings: VerifierSettings
) -> dict[str, Any]:
    return {
        "slug": relying_party.slug,
        "name": relying_party.name,
        "url": relying_party.url,
        "country": relying_party.country,
        "registration_number": relying_party.registration_number,
        "did": relying_parties.relying_party_did(settings, relying_party.slug),
        "client_id": relying_parties.client_id(settings, relying_party.slug),
        "key_id": relying_parties.key_id(settings, relying_party),
        "public_jwk": relying_party.public_jwk,
        "certificate": client_identifiers.describe_certificate(settings, certificate),
        "attestation": client_identifiers.describe_attestation(relying_party),
    }


def _membership_json(membership: federation.Membership) -> dict[str, Any]:
    return {
        "entity": membership.entity,
        "entity_configuration": membership.entity_configuration,
        "client_id": membership.client_id,
        "authority_hints": list(membership.authority_hints),
        "public_jwk": dict(membership.public_jwk),
        "public_jwks": [dict(jwk) for jwk in membership.public_jwks],
    }


def _question_json(question: Question, slug: str, settings: VerifierSettings) -> dict[str, Any]:
    return {
        "id": question.id,
        "title": question.title,
        "purpose": question.purpose,
        "skills": question.skills,
        "minimum_level": question.minimum_level,
        "retention_hours": question.retention_hours,
        "policy": question.policy,
        "agreement": question.agreement,
        "same_device_only": question.same_device_only,
        "trusted_authorities": question.trusted_authorities,
        "ask_url": f"{settings.public_url}/ask/{slug}/{question.id}",
        "created_at": question.created_at.isoformat(),
    }


def _language(language: str) -> Any:
    return language


def problem_of(error: VerifierError) -> Problem:
    """A refusal of the management API as problem details."""
    fields: Mapping[str, str] = error.fields
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    return Problem(error.status, error.code, error.title, hint=error.hint, fields=fields, headers=headers)
