"""Asking through the browser: OpenID4VP over the Digital Credentials API. OpenID4VP 1.0 Appendix A; HAIP §5.2; V-08.

What a verifier hands to `navigator.credentials.get`, what a wallet makes of it, and what comes back. The browser says
who asks, as an origin; an answer is made for that origin, also where the request was signed (W-49, W-55).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from cryptography import x509

from kernel.errors import AudienceError, CredentialError, MalformedError, RejectedError
from kernel.jwe import encrypt_jwe
from kernel.jwt import parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer
from kernel.members import as_array, as_object, find_text, find_texts, get_text
from kernel.openid4vp.client_identifier import ClientIdentifier, ClientIdPrefix, parse_client_identifier
from kernel.openid4vp.client_metadata import find_client_name
from kernel.openid4vp.request import (
    ALGORITHMS,
    ANY_WALLET,
    TYP,
    AuthorizationRequest,
    RequestSender,
    ResponseMode,
    UnverifiedRequest,
    create_question,
    find_signing_key,
    parse_parameters,
    read_request_key,
    with_federation_metadata,
)
from kernel.openid4vp.response import EncryptedResponse, ErrorResponse, VpTokenResponse, vp_token_json
from kernel.openid4vp.transaction_data import TransactionData
from kernel.openid4vp.verifier_info import create_verifier_info
from kernel.strict_json import encode_json
from kernel.web_urls import parse_web_url

MAX_SIGNATURES: Final = 8
# Said in the header of its own signature where several sign, and nowhere else. §A.3.2.2.
_OF_EACH_CLIENT: Final = ("client_id", "verifier_info")


class DcApiProtocol(StrEnum):
    """The names of this protocol in the API. §A.1."""

    UNSIGNED = "openid4vp-v1-unsigned"
    SIGNED = "openid4vp-v1-signed"
    MULTISIGNED = "openid4vp-v1-multisigned"


@dataclass(frozen=True, slots=True)
class RequestSigner:
    """A client identifier with its key; `key_reference` as for `create_request_object`."""

    client_id: str
    signer: Signer
    key_reference: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UnverifiedDcApiRequest:
    """A request from a page, read and not believed.

    Signed: one candidate for each client identifier that is known here; it is enough that one of them holds. Unsigned:
    `parameters`, and no candidates.
    """

    protocol: DcApiProtocol
    candidates: tuple[UnverifiedRequest, ...] = ()
    parameters: Mapping[str, Any] | None = None


# --- a verifier asks


def create_dc_api_request(
    *,
    signers: Sequence[RequestSigner] = (),
    expected_origins: Sequence[str] = (),
    response_mode: ResponseMode,
    nonce: str,
    dcql_query: Mapping[str, Any],
    client_metadata: Mapping[str, Any],
    issued_at: datetime,
    expires_at: datetime,
    purpose: Mapping[str, str] | None = None,
    comparison_code: str = "",
    transaction_data: Sequence[TransactionData] = (),
) -> dict[str, Any]:
    """Create `{"protocol": …, "data": …}` for `navigator.credentials.get`. §A.1 to §A.3.

    Unsigned without `signers`, and then without a client identifier; signed by one; by several, each for whoever
    trusts that one. `expected_origins`, the pages from which it may come, belong to every request that is signed.
    """
    question = {
        **create_question(nonce, dcql_query, client_metadata, transaction_data),
        "response_mode": response_mode,
    }
    info = create_verifier_info(purpose, comparison_code)
    if not signers:
        return {"protocol": DcApiProtocol.UNSIGNED.value, "data": {**question, **info}}
    signed = {
        **question,
        "aud": ANY_WALLET,
        "iat": int(issued_at.timestamp()),
        "exp": int(expires_at.timestamp()),
        "expected_origins": [origin_of(each) for each in expected_origins],
    }
    if len(signers) == 1:
        (only,) = signers
        payload = {**signed, **info, "client_id": only.client_id}
        token = sign_jwt(payload, signer=only.signer, typ=TYP, header=only.key_reference)
        return {"protocol": DcApiProtocol.SIGNED.value, "data": {"request": token}}
    tokens = [
        sign_jwt(
            signed, signer=each.signer, typ=TYP, header={**each.key_reference, "client_id": each.client_id, **info}
        )
        for each in signers
    ]
    parts = [token.split(".") for token in tokens]
    signatures = [{"protected": protected, "signature": signature} for protected, _, signature in parts]
    request = {"payload": parts[0][1], "signatures": signatures}
    return {"protocol": DcApiProtocol.MULTISIGNED.value, "data": {"request": request}}


def origin_of(url: str) -> str:
    """Return the origin of an address as browsers write it: without a path, and without a slash at its end. W-49."""
    parts = parse_web_url(url, "the origin")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def parse_dc_api_response(value: object) -> VpTokenResponse | EncryptedResponse | ErrorResponse:
    """Read the `data` that a page got back: exactly one of `vp_token`, `response` and `error`. §A.4."""
    members = as_object(value, "the response")
    kinds = [name for name in ("vp_token", "response", "error") if name in members]
    if len(kinds) != 1:
        raise MalformedError("a response has exactly one of 'vp_token', 'response' and 'error'")
    if kinds == ["response"]:
        return EncryptedResponse(get_text_of_any_length(members["response"]))
    if kinds == ["error"]:
        return ErrorResponse(get_text(members, "error"), None, None)
    return VpTokenResponse(as_object(members["vp_token"], "'vp_token'"), None)


def get_text_of_any_length(value: object) -> str:
    """Return a text as long as whoever reads the whole message allows."""
    if not isinstance(value, str) or not value:
        raise MalformedError("'response' is not a text")
    return value


# --- a wallet is asked


def parse_dc_api_request(protocol: str, data: object) -> UnverifiedDcApiRequest:
    """Read what a page asks, and see by which keys it would have to be signed. §A.1, §A.3."""
    members = as_object(data, "the request")
    if protocol not in list(DcApiProtocol):
        raise RejectedError("a protocol that is not supported")
    kind = DcApiProtocol(protocol)
    if kind is DcApiProtocol.UNSIGNED:
        return UnverifiedDcApiRequest(kind, parameters=members)
    if kind is DcApiProtocol.MULTISIGNED:
        return UnverifiedDcApiRequest(kind, _parse_signatures(as_object(members.get("request"), "'request'")))
    token = parse_jwt(members.get("request"))
    client = parse_client_identifier(token.payload.get("client_id"))
    return UnverifiedDcApiRequest(kind, (read_request_key(client, token),))


def verify_signed_dc_api_request(
    request: UnverifiedRequest,
    *,
    origin: str,
    key: PublicKey | None = None,
    anchors: Sequence[x509.Certificate] = (),
    attestation_key: PublicKey | None = None,
    federation_metadata: Mapping[str, Any] | None = None,
    now: datetime,
    transaction_data_types: Collection[str] = frozenset(),
) -> AuthorizationRequest:
    """Check one candidate of a signed request from the page at `origin`, and return what it asks. §A.2, §A.3; W-55.

    The keys are found as for `verify_request_object`. Whoever signed must have expected this origin: else somebody
    replays the request of another on a page of their own.
    """
    proven = find_signing_key(request, key=key, anchors=anchors, attestation_key=attestation_key, now=now)
    members = _verify_made_for_page(request, proven.key, origin, now)
    return parse_parameters(
        with_federation_metadata(members, request.client_id, federation_metadata),
        request.client_id,
        now,
        key=proven.key,
        transaction_data_types=transaction_data_types,
        origin=origin,
    )


def verify_signed_dc_api_sender(
    request: UnverifiedRequest,
    *,
    origin: str,
    key: PublicKey | None = None,
    anchors: Sequence[x509.Certificate] = (),
    attestation_key: PublicKey | None = None,
    federation_metadata: Mapping[str, Any] | None = None,
    now: datetime,
) -> RequestSender:
    """Check who signed a request that `verify_signed_dc_api_request` refused, so that the page may hear it. §A.4; W-53.

    Raises like it where the request is not its signer's own, or was made for another page.
    """
    proven = find_signing_key(request, key=key, anchors=anchors, attestation_key=attestation_key, now=now)
    members = _verify_made_for_page(request, proven.key, origin, now)
    described = with_federation_metadata(members, request.client_id, federation_metadata)
    name = find_client_name(described.get("client_metadata"))
    return RequestSender(request.client_id.text, "", None, name, origin)


def read_unsigned_dc_api_sender(request: UnverifiedDcApiRequest, *, origin: str) -> RequestSender:
    """Return who sent a request that nobody signed: the page itself. §A.2, §A.4."""
    name = find_client_name((request.parameters or {}).get("client_metadata"))
    return RequestSender(_caller(origin).text, "", None, name, origin)


def verify_unsigned_dc_api_request(
    request: UnverifiedDcApiRequest,
    *,
    origin: str,
    now: datetime,
    transaction_data_types: Collection[str] = frozenset(),
) -> AuthorizationRequest:
    """Read an unsigned request; all that is known of who asks is the origin, whatever it says itself. §A.2, §A.3.1."""
    if request.parameters is None:
        raise RejectedError("a signed request was offered as one that is not")
    return parse_parameters(
        request.parameters, _caller(origin), now, key=None, transaction_data_types=transaction_data_types, origin=origin
    )


def create_dc_api_response(request: AuthorizationRequest, vp_token: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the `data` of an answer, encrypted where the request wants that. §A.4, §8.3."""
    answer = {"vp_token": vp_token_json(vp_token)}
    if request.response_mode != "dc_api.jwt":
        return answer
    recipient, enc = request.client_metadata.select_encryption()
    return {"response": encrypt_jwe(encode_json(answer), recipient=recipient, enc=enc)}


def create_dc_api_error(error: str) -> dict[str, str]:
    """Return the `data` of a refusal: a code and nothing else. §A.4."""
    return {"error": error}


def _parse_signatures(request: Mapping[str, Any]) -> tuple[UnverifiedRequest, ...]:
    """Read a JWS with several signatures; those of clients that are not known here are for others. §A.3.2.2."""
    payload = get_text_of_any_length(request.get("payload"))
    candidates: list[UnverifiedRequest] = []
    problem: CredentialError = MalformedError("no signature")
    for listed in as_array(request.get("signatures"), "'signatures'", limit=MAX_SIGNATURES):
        try:
            candidates.append(_parse_signature(payload, as_object(listed, "a signature")))
        except CredentialError as exc:
            problem = exc
    if not candidates:
        raise RejectedError("no signature of a client that is known here") from problem
    return tuple(candidates)


def _parse_signature(payload: str, members: Mapping[str, Any]) -> UnverifiedRequest:
    protected, signature = get_text_of_any_length(members.get("protected")), get_text(members, "signature")
    token = parse_jwt(f"{protected}.{payload}.{signature}")
    if any(name in token.payload for name in _OF_EACH_CLIENT):
        raise MalformedError("a client said in what all of them sign")
    client = parse_client_identifier(find_text(token.header, "client_id"))
    return read_request_key(client, token)


def _verify_made_for_page(request: UnverifiedRequest, key: PublicKey, origin: str, now: datetime) -> dict[str, Any]:
    """Return what was signed, by this key and for now, by whoever expected it to come from this page. §A.2."""
    verified = verify_jwt(request.token, key=key, typ=TYP, algorithms=ALGORITHMS)
    verify_times(verified.payload, now=now)
    if verified.payload.get("aud", ANY_WALLET) != ANY_WALLET:
        raise AudienceError("the request was made for another wallet")
    if origin not in find_texts(verified.payload, "expected_origins"):
        raise RejectedError("the request was made for another page")
    return {**_said_by_client(verified.header), **verified.payload}


def _caller(origin: str) -> ClientIdentifier:
    return ClientIdentifier(f"{ClientIdPrefix.ORIGIN}:{origin}", ClientIdPrefix.ORIGIN, origin)


def _said_by_client(header: Mapping[str, Any]) -> dict[str, Any]:
    return {name: header[name] for name in _OF_EACH_CLIENT if name in header and "client_id" in header}
