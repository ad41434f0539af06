"""Ask: start a transaction, hand its link out, and serve the signed request object. ARCHITECTURE, step 11.

Per transaction, all of it single use (PROFILE.md V-01): a nonce, a state, an internal id, an ephemeral key that the
wallet encrypts to, and two secrets that make the request_uri and response_uri unguessable. They lie sealed in the row
and are gone as soon as there is an answer.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from kernel.errors import MalformedError
from kernel.keys import SoftwareSigner
from kernel.openid4vp import (
    ResponseMode,
    create_client_metadata,
    create_request_link,
    create_request_object,
)
from kernel.web_urls import parse_web_url
from runtime.encryption import SealingKey
from runtime.service import Service
from runtime.tokens import create_token, hash_token
from verifier import store
from verifier.errors import InputError, UnknownError
from verifier.models import PresentationRequest, Question, RelyingParty
from verifier.questions import AskedSkill, create_dcql_query, create_requirements, read_skills
from verifier.relying_parties import client_id, identifier_url, key_id, open_signer
from verifier.settings import VerifierSettings
from verifier.store import Session

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
    question_id: str | None = None
    flow: Flow = "cross_device"
    response_mode: ResponseMode = "direct_post.jwt"
    return_uri: str | None = None
    browser_session_id: str | None = None

    @classmethod
    def of_question(cls, question: Question, **how: Any) -> "Asking":
        """A saved question, asked now."""
        return cls(
            title=question.title,
            purpose=question.purpose,
            skills=read_skills(question),
            retention_hours=question.retention_hours,
            question_id=question.id,
            **how,
        )


async def start_presentation(
    session: Session, service: Service[VerifierSettings], relying_party: RelyingParty, asking: Asking, *, now: datetime
) -> PresentationRequest:
    """Open a transaction that waits for one answer."""
    _require_usable_return(asking, service.settings)
    exchange = _create_exchange()
    request_id = create_token(16)
    requirements = create_requirements(asking.skills, index=service.skills)
    request = PresentationRequest(
        id=request_id,
        relying_party_id=relying_party.id,
        question_id=asking.question_id,
        browser_session_id=asking.browser_session_id,
        title=asking.title,
        purpose=asking.purpose,
        requirements=[requirement.as_json() for requirement in requirements],
        dcql_query=create_dcql_query(
            requirements,
            vct_values=sorted(service.settings.badge_vct_values),
            type_values=sorted(service.settings.badge_type_values),
        ),
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
        expires_at=now + service.settings.transaction_lifetime,
    )
    await store.add_row(session, request)
    return request


def open_exchange(sealing_key: SealingKey, request: PresentationRequest) -> Exchange:
    """The secrets of a transaction that still waits; afterwards there are none."""
    if request.sealed_exchange is None:
        raise UnknownError
    return Exchange(**json.loads(sealing_key.open(request.sealed_exchange, context=_context(request.id))))


def request_uri(settings: VerifierSettings, slug: str, exchange: Exchange) -> str:
    return f"{identifier_url(settings, slug)}/requests/{exchange.request_secret}"


def response_uri(settings: VerifierSettings, slug: str, exchange: Exchange) -> str:
    return f"{identifier_url(settings, slug)}/responses/{exchange.response_secret}"


def create_link(settings: VerifierSettings, slug: str, exchange: Exchange) -> str:
    """The link that a QR code holds and a button opens (OpenID4VP 1.0 §5.10; PROFILE.md Example 12)."""
    return create_request_link(
        client_id=client_id(settings, slug),
        request_uri=request_uri(settings, slug, exchange),
        request_uri_method="post",
    )


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
    if request is None:
        raise UnknownError
    settings = service.settings
    exchange = open_exchange(service.sealing_key, request)
    return create_request_object(
        signer=open_signer(settings, relying_party),
        key_reference={"kid": key_id(settings, relying_party)},
        client_id=client_id(settings, relying_party.slug),
        response_mode=_response_mode(request),
        response_uri=response_uri(settings, relying_party.slug, exchange),
        nonce=exchange.nonce,
        state=exchange.state,
        dcql_query=request.dcql_query,
        client_metadata=create_client_metadata(
            encryption_key=_public_part(exchange.encryption_jwk) if is_encrypted(request) else None,
            client_name=relying_party.name,
        ),
        issued_at=now,
        expires_at=request.expires_at,
        wallet_nonce=wallet_nonce,
        purpose=_purpose(request),
    )


def is_encrypted(request: PresentationRequest) -> bool:
    """Whether the answer must come encrypted to this transaction's own key (PROFILE.md V-06)."""
    return request.response_mode == "direct_post.jwt"


def _response_mode(request: PresentationRequest) -> ResponseMode:
    return "direct_post.jwt" if is_encrypted(request) else "direct_post"


def _purpose(request: PresentationRequest) -> dict[str, str]:
    """Why we ask, in the words of whoever asks; and across devices, in the wallet's language, the code that the holder
    can compare with the screen (PROFILE.md V-07, V-23)."""
    if request.flow == "same_device":
        return {"nl": request.purpose}
    code = request.comparison_code
    return {
        "nl": f"{request.purpose} (code op het scherm: {code})",
        "en": f"{request.purpose} (code on the screen: {code})",
    }


def _public_part(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name != "d"}


def _create_exchange() -> Exchange:
    key = SoftwareSigner.generate("ES256")
    members = {name: value for name, value in key.private_jwk().items() if name in ("kty", "crv", "x", "y", "d")}
    encryption_jwk = {**members, "kid": key.public_key.thumbprint, "use": "enc", "alg": "ECDH-ES"}
    return Exchange(
        request_secret=create_token(),
        response_secret=create_token(),
        nonce=create_token(16),
        state=create_token(16),
        encryption_jwk=encryption_jwk,
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
