"""Ask: start a transaction, hand its link out, and serve the signed request object. ARCHITECTURE, step 11.

Per transaction, all of it single use (PROFILE.md V-01): a nonce, a state, an internal id, an ephemeral key that the
wallet encrypts to (a member of a federation publishes one for all), and two secrets that make the request_uri and
response_uri unguessable. They lie sealed in the row and are gone as soon as there is an answer.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from kernel.dcql import parse_dcql_query
from kernel.errors import MalformedError
from kernel.jwe import create_encryption_key
from kernel.keys import public_part
from kernel.openid4vp import (
    AGREEMENT,
    UNDETERMINED,
    ClientIdPrefix,
    RequestSigner,
    ResponseMode,
    TransactionData,
    create_agreement,
    create_client_metadata,
    create_dc_api_request,
    create_request_link,
    create_request_link_by_value,
    create_request_object,
    create_unsigned_parameters,
    create_unsigned_request_link,
    origin_of,
    parse_transaction_data,
)
from kernel.web_urls import parse_web_url
from runtime.encryption import SealingKey
from runtime.service import Service
from runtime.tokens import create_token, hash_token
from verifier import store
from verifier.client_identifiers import ClientIdentity, open_identity
from verifier.errors import InputError, UnknownError
from verifier.models import PresentationRequest, Question, RelyingParty
from verifier.policies import OPENID4VP, POLICIES, FormatName, PolicyName, Prefix, RequestBy, prefix_of
from verifier.questions import Agreement, AskedSkill, create_dcql_query, create_requirements, read_skills
from verifier.relying_parties import identifier_url
from verifier.settings import VerifierSettings
from verifier.store import AskedRequest, Session

Flow = Literal["cross_device", "same_device"]

_CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Exchange:
    """The secrets of one transaction."""

    request_secret: str
    response_secret: str
    nonce: str
    state: str
    encryption_jwk: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asking:
    """What to ask, and how the answer comes back."""

    title: str
    purpose: str
    skills: tuple[AskedSkill, ...]
    retention_hours: int
    minimum_level: int | None = None
    question_id: str | None = None
    flow: Flow = "cross_device"
    response_mode: ResponseMode = "direct_post.jwt"
    return_uri: str | None = None
    browser_session_id: str | None = None
    policy: PolicyName = "diip"
    client_id_prefix: Prefix | None = None
    request_by: RequestBy = "post"
    agreement: Agreement | None = None
    trusted_authorities: bool = False
    """Only badges under authorities that we believe are asked for."""
    formats: tuple[FormatName, ...] | None = None
    """In which formats the badge may be; none named: those of the policy."""
    origin: str | None = None
    """A page of the relying party's own that asks through the browser; none: ours."""

    @classmethod
    def of_question(cls, question: Question, **how: Any) -> "Asking":
        """A saved question, asked now."""
        return cls(
            title=question.title,
            purpose=question.purpose,
            skills=read_skills(question),
            minimum_level=question.minimum_level,
            retention_hours=question.retention_hours,
            question_id=question.id,
            agreement=Agreement.from_json(question.agreement),
            trusted_authorities=question.trusted_authorities,
            **{"policy": question.policy, **how},
        )


async def start_presentation(
    session: Session,
    service: Service[VerifierSettings],
    relying_party: RelyingParty,
    asking: Asking,
    *,
    now: datetime,
    trusted_authorities: Sequence[Mapping[str, Any]] = (),
) -> PresentationRequest:
    """Open a transaction that waits for one answer; `trusted_authorities` as they were looked up for it before."""
    settings = service.settings
    _require_usable_return(asking, settings)
    policy = POLICIES[asking.policy]
    prefix = policy.require(
        prefix=asking.client_id_prefix, response_mode=asking.response_mode, request_by=asking.request_by
    )
    exchange = _create_exchange()
    identity = await open_identity(
        session,
        settings,
        relying_party,
        ClientIdPrefix(prefix),
        response_uri=response_uri(settings, relying_party.slug, exchange),
        now=now,
    )
    if identity.encryption_jwk is not None:
        exchange = replace(exchange, encryption_jwk=dict(identity.encryption_jwk))
    requirements = create_requirements(asking.skills, index=service.skills, minimum_level=asking.minimum_level)
    dcql_query = create_dcql_query(
        requirements,
        vct_values=sorted(settings.badge_vct_values),
        type_values=sorted(settings.badge_type_values),
        formats=policy.choose_formats(asking.formats),
        is_agreement=asking.agreement is not None,
        trusted_authorities=trusted_authorities,
    )
    request_id = create_token(16)
    request = PresentationRequest(
        id=request_id,
        relying_party_id=relying_party.id,
        question_id=asking.question_id,
        browser_session_id=asking.browser_session_id,
        title=asking.title,
        purpose=asking.purpose,
        requirements=[requirement.as_json() for requirement in requirements],
        dcql_query=dcql_query,
        policy=policy.name,
        client_id=identity.client_id,
        # Nobody signs for an address, so there is no request object either: the link is the request.
        request_by=asking.request_by if identity.signer is not None else "value",
        origin=_read_origin(asking.origin, settings),
        transaction_data=_create_transaction_data(asking.agreement, dcql_query),
        flow=asking.flow,
        response_mode=asking.response_mode,
        return_uri=asking.return_uri,
        comparison_code=_create_comparison_code(),
        retention_hours=asking.retention_hours,
        request_secret_hash=hash_token(exchange.request_secret),
        response_secret_hash=hash_token(exchange.response_secret),
        state_hash=hash_token(exchange.state),
        sealed_exchange=_seal_exchange(service.sealing_key, request_id, exchange),
        state="waiting",
        created_at=now,
        expires_at=now + settings.transaction_lifetime,
    )
    await store.add_row(session, request)
    return request


def open_exchange(sealing_key: SealingKey, request: AskedRequest | PresentationRequest) -> Exchange:
    """The secrets of a transaction that still waits; afterwards there are none."""
    if request.sealed_exchange is None:
        raise UnknownError
    return Exchange(**json.loads(sealing_key.open(request.sealed_exchange, context=_context(request.id))))


def request_uri(settings: VerifierSettings, slug: str, exchange: Exchange) -> str:
    return f"{identifier_url(settings, slug)}/requests/{exchange.request_secret}"


def response_uri(settings: VerifierSettings, slug: str, exchange: Exchange) -> str:
    return f"{identifier_url(settings, slug)}/responses/{exchange.response_secret}"


async def create_link(
    session: Session,
    service: Service[VerifierSettings],
    relying_party: RelyingParty,
    request: PresentationRequest,
    *,
    now: datetime,
) -> str:
    """The link that a QR code holds and a button opens (OpenID4VP 1.0 §5, §5.10; PROFILE.md Example 12)."""
    settings, slug = service.settings, relying_party.slug
    exchange = open_exchange(service.sealing_key, request)
    scheme = POLICIES[request.policy].link_scheme
    if request.request_by in ("post", "get"):
        return create_request_link(
            client_id=request.client_id,
            request_uri=request_uri(settings, slug, exchange),
            request_uri_method="post" if request.request_by == "post" else "get",
            scheme=scheme,
        )
    identity = await _open_identity_of(session, settings, relying_party, request, exchange, now)
    if identity.signer is None:
        parameters = create_unsigned_parameters(**_posted(settings, relying_party, request, exchange))
        return create_unsigned_request_link(parameters, scheme=scheme)
    raw = _sign_request(identity, settings, relying_party, request, exchange, wallet_nonce=None, now=now)
    return create_request_link_by_value(client_id=request.client_id, request=raw, scheme=scheme)


def create_wallet_link(settings: VerifierSettings, link: str) -> str | None:
    """The same link through a web wallet, where the deployment names one."""
    return None if settings.wallet_url is None else f"{settings.wallet_url}/open?link={quote(link, safe='')}"


async def get_request_object(
    session: Session,
    service: Service[VerifierSettings],
    relying_party: RelyingParty,
    request_secret: str,
    *,
    wallet_nonce: str | None,
    now: datetime,
) -> str:
    """The signed request object, as long as the transaction waits. OpenID4VP 1.0 §5, §5.10; PROFILE.md V-02 to V-05."""
    request = await store.fetch_presentation_request(session, relying_party.id, hash_token(request_secret), now)
    if request is None or request.request_by == "value":
        raise UnknownError
    exchange = open_exchange(service.sealing_key, request)
    identity = await _open_identity_of(session, service.settings, relying_party, request, exchange, now)
    return _sign_request(
        identity, service.settings, relying_party, request, exchange, wallet_nonce=wallet_nonce, now=now
    )


async def create_browser_requests(
    session: Session,
    service: Service[VerifierSettings],
    relying_party: RelyingParty,
    request: PresentationRequest,
    *,
    now: datetime,
) -> list[dict[str, Any]]:
    """What a page hands to `navigator.credentials.get`: the best proof of who asks first. VP Appendix A; V-08.

    Where this party has both, an identifier and a certificate sign one request together, for whoever trusts either.
    """
    exchange = open_exchange(service.sealing_key, request)
    own = await _open_identity_of(session, service.settings, relying_party, request, exchange, now)
    policy = POLICIES[request.policy]
    ways: list[list[ClientIdentity]] = [] if own.signer is None else [[own]]
    if ways and policy is OPENID4VP:
        others = await _find_other_identities(session, service.settings, relying_party, own, now)
        ways = [[own, *others], [own]] if others else ways
    if policy.is_unsigned_allowed:
        ways.append([])
    question = {**_question(relying_party, request, exchange), "response_mode": _returned_mode(request)}
    return [
        create_dc_api_request(
            signers=[_as_signer(each) for each in signers],
            expected_origins=[request.origin],
            issued_at=now,
            expires_at=request.expires_at,
            **question,
        )
        for signers in ways
    ]


def read_transaction_data(request: AskedRequest | PresentationRequest) -> tuple[TransactionData, ...]:
    """What the holder was to agree to."""
    if not request.transaction_data:
        return ()
    query = parse_dcql_query(request.dcql_query)
    return parse_transaction_data(request.transaction_data, known_types=frozenset({AGREEMENT}), query=query)


async def _open_identity_of(
    session: Session,
    settings: VerifierSettings,
    relying_party: RelyingParty,
    request: PresentationRequest,
    exchange: Exchange,
    now: datetime,
) -> ClientIdentity:
    """As whom this request was begun; its proof may be gone or replaced since, and then it is no longer asked."""
    address = response_uri(settings, relying_party.slug, exchange)
    prefix = prefix_of(request.client_id)
    try:
        identity = await open_identity(session, settings, relying_party, prefix, response_uri=address, now=now)
    except InputError as exc:
        raise UnknownError from exc
    if identity.client_id != request.client_id:
        raise UnknownError
    return identity


async def _find_other_identities(
    session: Session, settings: VerifierSettings, relying_party: RelyingParty, own: ClientIdentity, now: datetime
) -> list[ClientIdentity]:
    others = []
    for prefix in (ClientIdPrefix.DECENTRALIZED_IDENTIFIER, ClientIdPrefix.X509_HASH):
        with suppress(InputError):
            others.append(await open_identity(session, settings, relying_party, prefix, response_uri="", now=now))
    return [each for each in others if each.client_id != own.client_id]


def _as_signer(identity: ClientIdentity) -> RequestSigner:
    if identity.signer is None:
        raise TypeError("nobody signs as this client")
    return RequestSigner(identity.client_id, identity.signer, identity.key_reference)


def _sign_request(
    identity: ClientIdentity,
    settings: VerifierSettings,
    relying_party: RelyingParty,
    request: PresentationRequest,
    exchange: Exchange,
    *,
    wallet_nonce: str | None,
    now: datetime,
) -> str:
    signer = _as_signer(identity)
    return create_request_object(
        signer=signer.signer,
        key_reference=signer.key_reference,
        client_id=signer.client_id,
        issued_at=now,
        expires_at=request.expires_at,
        wallet_nonce=wallet_nonce,
        **_posted(settings, relying_party, request, exchange),
    )


def _posted(
    settings: VerifierSettings, relying_party: RelyingParty, request: PresentationRequest, exchange: Exchange
) -> dict[str, Any]:
    """What is asked where the answer is posted."""
    return {
        **_question(relying_party, request, exchange),
        "response_mode": "direct_post.jwt" if is_encrypted(request) else "direct_post",
        "response_uri": response_uri(settings, relying_party.slug, exchange),
        "state": exchange.state,
    }


def _question(relying_party: RelyingParty, request: PresentationRequest, exchange: Exchange) -> dict[str, Any]:
    return {
        "nonce": exchange.nonce,
        "dcql_query": request.dcql_query,
        "client_metadata": create_client_metadata(
            encryption_key=public_part(exchange.encryption_jwk) if is_encrypted(request) else None,
            client_name=relying_party.name,
            formats={wanted["format"] for wanted in request.dcql_query["credentials"]},
        ),
        # Whoever wrote it did not say in which language.
        "purpose": {UNDETERMINED: request.purpose},
        # Across devices the holder can compare it with the screen (PROFILE.md V-23).
        "comparison_code": request.comparison_code if request.flow != "same_device" else "",
        "transaction_data": read_transaction_data(request),
    }


def _create_transaction_data(agreement: Agreement | None, dcql_query: Mapping[str, Any]) -> list[str]:
    if agreement is None:
        return []
    credential_ids = [wanted["id"] for wanted in dcql_query["credentials"]]
    return [create_agreement(title=agreement.title, text=agreement.text, credential_ids=credential_ids).raw]


def _read_origin(origin: str | None, settings: VerifierSettings) -> str:
    """Our own origin, or that of a page of the relying party's; as browsers write it, and https. W-49."""
    if origin is None:
        return origin_of(settings.public_url)
    is_https = origin.startswith("https://") or settings.allow_http_for_local_development
    try:
        is_origin = origin_of(origin) == origin
    except MalformedError:
        is_origin = False
    if not (is_https and is_origin):
        raise InputError(fields={"origin": "not_allowed"})
    return origin


def is_encrypted(request: AskedRequest | PresentationRequest) -> bool:
    """Whether the answer must come encrypted to this transaction's key (PROFILE.md V-06)."""
    return request.response_mode == "direct_post.jwt"


def _returned_mode(request: PresentationRequest) -> ResponseMode:
    return "dc_api.jwt" if is_encrypted(request) else "dc_api"


def _create_exchange() -> Exchange:
    return Exchange(
        request_secret=create_token(),
        response_secret=create_token(),
        nonce=create_token(16),
        state=create_token(16),
        encryption_jwk=create_encryption_key(),
    )


def _create_comparison_code() -> str:
    """Four characters that a person compares between two screens; no two of them look alike (PROFILE.md V-23)."""
    return "".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_LENGTH))


def _require_usable_return(asking: Asking, settings: VerifierSettings) -> None:
    """A page of the relying party's own may receive the holder back; https, and without a fragment of its own."""
    if asking.return_uri is None:
        return
    try:
        parts = parse_web_url(asking.return_uri, "the return address")
    except MalformedError as exc:
        raise InputError(fields={"return_uri": "not_allowed"}) from exc
    is_local = settings.allow_http_for_local_development and parts.hostname in ("localhost", "127.0.0.1")
    # An empty fragment is one too: the response code would come after a second "#".
    is_usable = (parts.scheme == "https" or is_local) and "#" not in asking.return_uri
    if asking.flow != "same_device" or not is_usable:
        raise InputError(fields={"return_uri": "not_allowed"})


def _seal_exchange(sealing_key: SealingKey, request_id: str, exchange: Exchange) -> bytes:
    return sealing_key.seal(json.dumps(asdict(exchange)).encode(), context=_context(request_id))


def _context(request_id: str) -> str:
    return f"verifier/exchange/{request_id}"


def is_expired(request: PresentationRequest, now: datetime) -> bool:
    return request.state in store.WAITING and request.expires_at <= now


def current_state(request: PresentationRequest, now: datetime) -> str:
    """The state as others see it: a result that its own browser has not come for is only `received`."""
    if is_expired(request, now):
        return "expired"
    if request.state == "settled" and request.released_at is None:
        return "received"
    return request.state


def time_left(request: PresentationRequest, now: datetime) -> timedelta:
    return max(request.expires_at - now, timedelta(0))
