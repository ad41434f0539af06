"""Reading a verifier's question: its link, its request object, and who proves to have sent it. OpenID4VP 1.0 §5.

Everything that goes over the network happens once, here (`resolve_content`); what came is kept, and every check that
needs no network is made again whenever the question is opened. Nothing of a question is shown before it holds (W-41).
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificates

from kernel import base64url
from kernel.errors import CredentialError, MalformedError, UndecidedError
from kernel.jwt_vc_issuer import read_jwk_set
from kernel.keys import parse_public_jwk, public_key_from
from kernel.openid4vp import (
    AGREEMENT,
    ANY_WALLET,
    INVALID_REQUEST_URI_METHOD,
    MEDIA_TYPE,
    REGISTRATION_FORMAT,
    UNKNOWN_METHOD,
    AuthorizationRequest,
    ClientIdPrefix,
    Registration,
    RequestByReference,
    RequestByValue,
    RequestSender,
    UnsignedRequest,
    UnsupportedRequestError,
    UnverifiedRequest,
    create_request_uri_form,
    organization_identifiers,
    parse_authorization_request_link,
    parse_client_identifier,
    parse_dc_api_request,
    parse_request_object,
    read_unsigned_dc_api_sender,
    verify_registration_certificate,
    verify_request_object,
    verify_request_sender,
    verify_signed_dc_api_request,
    verify_signed_dc_api_sender,
    verify_unsigned_dc_api_request,
    verify_unsigned_request,
)
from kernel.x5c import parse_x5c
from runtime.fetch import AnsweredError, FetchedResponse, FetchKind
from runtime.logging import get_logger
from runtime.tokens import create_token
from wallet.claims import shown_name
from wallet.errors import LinkError, RequestRefusedError, UnreachableError
from wallet.failures import (
    FAILURES,
    Failure,
    dc_api_failure,
    fetch_failure,
    link_failure,
    question_failure,
    sender_failure,
    unsigned_failure,
)
from wallet.settings import Wallet

log = get_logger(__name__)

# What a person can agree to here, since the page can say it in plain words; anything else is refused (W-54).
TRANSACTION_DATA_TYPES = frozenset({AGREEMENT})


def parse_link(text: str) -> RequestByReference | RequestByValue | UnsignedRequest:
    try:
        return parse_authorization_request_link(text.strip())
    except MalformedError as exc:
        raise LinkError(exc.detail) from exc
    except CredentialError as exc:
        raise RequestRefusedError(exc, failure=link_failure(exc).code) from exc


async def resolve_content(
    wallet: Wallet, link: RequestByReference | RequestByValue | UnsignedRequest, now: datetime
) -> dict[str, Any]:
    """Everything needed to read the question again: its bytes, and the key its client identifier leads to."""
    match link:
        case UnsignedRequest():
            content: dict[str, Any] = {"parameters": dict(link.parameters)}
            _verify_unsigned(link, now)
        case RequestByValue():
            content = {"raw": link.request, "wallet_nonce": None}
        case RequestByReference():
            content = await _fetch_request_object(wallet, link)
            content["is_method_unknown"] = link.request_uri_method == UNKNOWN_METHOD
            content["request_uri"] = link.request_uri
    content["client_id"] = link.client_id.text
    content["received_at"] = now.isoformat()
    if "raw" not in content:
        return content
    try:
        unverified = parse_request_object(content["raw"], client_id=content["client_id"])
        return content | await resolve_key(wallet, unverified, now)
    except CredentialError as exc:
        failure = sender_failure(exc, content["raw"], content["client_id"]).code
        if isinstance(exc, UndecidedError):
            raise UnreachableError(exc.detail, failure=failure) from exc
        raise RequestRefusedError(exc, failure=failure) from exc


def _verify_unsigned(link: UnsignedRequest, now: datetime) -> None:
    try:
        verify_unsigned_request(link, now=now, transaction_data_types=TRANSACTION_DATA_TYPES)
    except CredentialError as exc:
        is_allowed = link.client_id.prefix is ClientIdPrefix.REDIRECT_URI
        failure = unsigned_failure(exc, link.parameters) if is_allowed else FAILURES["unsigned"]
        raise RequestRefusedError(exc, failure=failure.code) from exc


async def _fetch_request_object(wallet: Wallet, link: RequestByReference) -> dict[str, Any]:
    """§5.10: by GET, or by POST with a nonce of ours that the object must carry (W-42).

    Where another method is named by GET too: not to answer what it asks, but to know who may be told of it (§8.5).
    """
    wallet_nonce = create_token(16) if link.request_uri_method == "post" else None
    try:
        response = await _request_request_object(wallet, link.request_uri, wallet_nonce)
        if response.status != 200:
            raise AnsweredError(response.status)
        if response.media_type != MEDIA_TYPE:
            raise MalformedError(f"request_uri answered with {response.media_type[:50]!r}")
        return {"raw": response.text(), "wallet_nonce": wallet_nonce}
    except AnsweredError as exc:
        raise RequestRefusedError(detail=f"request_uri answered {exc.status}", failure="fetch_gone") from exc
    except UndecidedError as exc:
        raise UnreachableError(exc.detail, failure="fetch_silent") from exc
    except CredentialError as exc:
        raise RequestRefusedError(exc, failure=fetch_failure(exc).code) from exc


async def _request_request_object(wallet: Wallet, uri: str, wallet_nonce: str | None) -> FetchedResponse:
    if wallet_nonce is None:
        return await wallet.fetch.get(uri, accept=MEDIA_TYPE, kind=FetchKind.REQUEST_OBJECT)
    return await wallet.fetch.post_form(
        uri, create_request_uri_form(wallet_nonce), headers={"Accept": MEDIA_TYPE}, kind=FetchKind.REQUEST_OBJECT
    )


async def resolve_key(wallet: Wallet, request: UnverifiedRequest, now: datetime) -> dict[str, Any]:
    """The key that the client identifier calls for: of its DID document, its trust chain, or the list's anchors (W-43).

    Of a verifier that somebody attests, the attester's key: one that is pinned in the settings, or none.
    """
    if request.attestation is not None:
        keys = wallet.settings.verifier_attester_keys().get(request.attestation.unverified_issuer)
        return {} if keys is None else {"attestation_key": keys.find_key(request.attestation.key_id).jwk}
    if request.did is not None and request.key_id is not None:
        key = await wallet.resolver.resolve_did_key(request.did, request.key_id, now=now)
        return {"key": key.jwk}
    if request.client_id.prefix is ClientIdPrefix.OPENID_FEDERATION:
        metadata = await wallet.resolver.trust.resolve_federated_verifier(request.client_id.value, now=now)
        key = read_jwk_set(metadata.get("jwks")).find_key(request.key_id)
        return {"key": key.jwk, "federation_metadata": dict(metadata)}
    anchors = await wallet.resolver.trust.resolve_verifier_anchors(now=now)
    return {"anchors": [base64url.encode(anchor.public_bytes(Encoding.DER)) for anchor in anchors]}


def read_request(content: Mapping[str, Any], now: datetime) -> AuthorizationRequest:
    """The question, with every check of §5 that needs no network made again. `now` decides whether it is too old."""
    if "parameters" in content:
        unsigned = UnsignedRequest(parse_client_identifier(content["client_id"]), content["parameters"])
        return verify_unsigned_request(unsigned, now=now, transaction_data_types=TRANSACTION_DATA_TYPES)
    if "dc_api" in content:
        return _read_dc_api_request(content, now)
    if content.get("is_method_unknown"):
        read_sender(content, now)
        raise UnsupportedRequestError(INVALID_REQUEST_URI_METHOD, "a request_uri_method that is neither get nor post")
    return verify_request_object(
        content["raw"],
        **proof_of(content),
        client_id=content["client_id"],
        wallet_nonce=content["wallet_nonce"],
        audiences=_audiences(content),
        federation_metadata=content.get("federation_metadata"),
        now=now,
        transaction_data_types=TRANSACTION_DATA_TYPES,
    )


def _audiences(content: Mapping[str, Any]) -> frozenset[str]:
    """For whom a request may be made: any wallet, as §5.8 has it, or whoever fetches it where this one was fetched.

    Verifiers on Credo write the latter. Decision 0054.
    """
    return frozenset({ANY_WALLET, content.get("request_uri", ANY_WALLET)})


def _read_dc_api_request(content: Mapping[str, Any], now: datetime) -> AuthorizationRequest:
    """The same for a question that came from a page, through the browser. Appendix A."""
    asked = content["dc_api"]
    request = parse_dc_api_request(asked["protocol"], asked["data"])
    origin = asked["origin"]
    if not request.candidates:
        return verify_unsigned_dc_api_request(
            request, origin=origin, now=now, transaction_data_types=TRANSACTION_DATA_TYPES
        )
    return verify_signed_dc_api_request(
        request.candidates[asked["number"]],
        origin=origin,
        **proof_of(content),
        federation_metadata=content.get("federation_metadata"),
        now=now,
        transaction_data_types=TRANSACTION_DATA_TYPES,
    )


def find_failure(content: Mapping[str, Any], error: CredentialError, *, is_sender_certain: bool) -> Failure:
    """Which check of a question failed: who sent it, or what it asks."""
    if is_sender_certain:
        return question_failure(error, _members_of(content).get("dcql_query"))
    return dc_api_failure(error) if "dc_api" in content else sender_failure(error, content["raw"], content["client_id"])


def _members_of(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a question from somebody who is certain says, signed or not."""
    signed = _find_signed(content)
    members: Mapping[str, Any] = content["dc_api"]["data"] if signed is None else signed.token.payload
    return members


def find_sender(content: Mapping[str, Any], now: datetime) -> RequestSender | None:
    """Who sent the question, None where that is not certain: then nobody is told anything."""
    try:
        return read_sender(content, now)
    except CredentialError:
        return None


def read_sender(content: Mapping[str, Any], now: datetime) -> RequestSender:
    """Who sent the question, as certain as for one that can be answered. An unsigned link proves nobody."""
    if "dc_api" in content:
        return _read_dc_api_sender(content, now)
    if "raw" not in content:
        raise MalformedError("nobody signed it")
    return verify_request_sender(
        content["raw"],
        **proof_of(content),
        client_id=content["client_id"],
        wallet_nonce=content["wallet_nonce"],
        audiences=_audiences(content),
        federation_metadata=content.get("federation_metadata"),
        now=now,
    )


def _read_dc_api_sender(content: Mapping[str, Any], now: datetime) -> RequestSender:
    """The same for a question from a page: who signed it for that page, else the page itself. Appendix A."""
    asked = content["dc_api"]
    request = parse_dc_api_request(asked["protocol"], asked["data"])
    if not request.candidates:
        return read_unsigned_dc_api_sender(request, origin=asked["origin"])
    return verify_signed_dc_api_sender(
        request.candidates[asked["number"]],
        origin=asked["origin"],
        **proof_of(content),
        federation_metadata=content.get("federation_metadata"),
        now=now,
    )


def proof_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """By what a kept request is checked: the key or anchors that go with its client identifier."""
    return {
        "key": parse_public_jwk(content["key"]) if "key" in content else None,
        "anchors": [load_der_x509_certificate(base64url.decode(anchor)) for anchor in content.get("anchors", ())],
        "attestation_key": parse_public_jwk(content["attestation_key"]) if "attestation_key" in content else None,
    }


def signer_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """The key that signed a question which was read, and its chain: by these too the list knows its party."""
    request = _find_signed(content)
    if request is None:
        return {}
    if "key" in content:
        return {"key": parse_public_jwk(content["key"])}
    if request.attestation is not None:
        return {"key": parse_public_jwk(request.attestation.token.payload["cnf"]["jwk"])}
    return {"key": public_key_from(parse_x5c(request.x5c)[0].public_key()), "x5c": request.x5c}


def attester_of(content: Mapping[str, Any]) -> str:
    """Who declares which party asks, where somebody does."""
    request = _find_signed(content)
    if request is None or request.attestation is None:
        return ""
    return shown_name(request.attestation.unverified_issuer)


def _find_signed(content: Mapping[str, Any]) -> UnverifiedRequest | None:
    """The signed form of a question, None where nobody signed it."""
    if "dc_api" in content:
        asked = content["dc_api"]
        candidates = parse_dc_api_request(asked["protocol"], asked["data"]).candidates
        return candidates[asked["number"]] if candidates else None
    return parse_request_object(content["raw"], client_id=content["client_id"]) if "raw" in content else None


async def resolve_registration(
    wallet: Wallet, content: Mapping[str, Any], request: AuthorizationRequest, now: datetime
) -> Registration | None:
    """What a registrar certifies of whoever asks; None where nobody does, or not for this party (W-57).

    Registrars have anchors of their own, pinned in the settings. What else stands in `verifier_info` is passed over,
    and so is a certificate that does not hold: it proves nothing, and spoils nothing.
    """
    offered = [entry.data for entry in request.verifier_info if entry.format == REGISTRATION_FORMAT]
    path = wallet.settings.registrar_anchors
    if not offered or not request.is_signed or path is None:
        return None
    anchors = load_pem_x509_certificates(await asyncio.to_thread(path.read_bytes))
    subjects = {*identifiers_of(request), *_registration_numbers(content)}
    for raw in offered:
        try:
            return verify_registration_certificate(raw, anchors=anchors, subjects=subjects, now=now)
        except CredentialError as exc:
            log.info("registration certificate passed over", code=exc.code, reason=exc.detail)
    return None


def _registration_numbers(content: Mapping[str, Any]) -> frozenset[str]:
    """Under which numbers the certificate that signed a question names its holder; none where no certificate did."""
    signer = signer_of(content)
    return organization_identifiers(parse_x5c(signer["x5c"])[0]) if "x5c" in signer else frozenset()


def host_of_sender(sender: RequestSender) -> str:
    """The host to which a refusal goes."""
    return urlsplit(sender.origin or sender.response_uri).netloc


def identifiers_of(request: AuthorizationRequest) -> tuple[str, ...]:
    value = request.client_id.partition(":")[2]
    return (request.client_id, value)


def host_of(request: AuthorizationRequest) -> str:
    """The host that the client identifier proves, else the one the answer goes to."""
    value = request.client_id.partition(":")[2]
    if request.prefix in (ClientIdPrefix.OPENID_FEDERATION, ClientIdPrefix.ORIGIN):
        return urlsplit(value).netloc
    if request.prefix is ClientIdPrefix.DECENTRALIZED_IDENTIFIER and value.startswith("did:web:"):
        return unquote(value.removeprefix("did:web:").partition(":")[0])
    if request.prefix is ClientIdPrefix.X509_SAN_DNS:
        return value
    return urlsplit(request.origin or request.response_uri).netloc
