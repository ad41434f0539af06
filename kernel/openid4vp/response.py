"""Authorization responses: what a wallet posts, and how a verifier reads it. OpenID4VP 1.0 §8; V-20 to V-26."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.dcql import DcqlQuery
from kernel.errors import MalformedError, QueryNotSatisfiedError
from kernel.formats import from_wire, to_wire
from kernel.jwe import ENC_VALUES, decrypt_jwe, encrypt_jwe
from kernel.keys import Jwk
from kernel.members import as_array, as_object, find_text, get_text
from kernel.openid4vp.client_metadata import WALLET_METADATA
from kernel.openid4vp.request import AuthorizationRequest, RequestSender
from kernel.strict_json import encode_json, parse_json_object
from kernel.web_urls import web_url

# One credential is at most 512 KiB (K-86); a response may carry some of them.
MAX_RESPONSE_BYTES: Final = 4 * 1024 * 1024
MAX_PRESENTATIONS: Final = 100
MAX_WALLET_NONCE: Final = 512


@dataclass(frozen=True, slots=True)
class VpTokenResponse:
    """A response with a `vp_token`, its shape not judged yet: `parse_vp_token` needs the query for that."""

    vp_token: Mapping[str, Any] = field(repr=False)
    state: str | None


@dataclass(frozen=True, slots=True)
class EncryptedResponse:
    """A response that only the key of its transaction opens. §8.3."""

    response: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A wallet's refusal. §8.5. The description is the wallet's text: for logs, never interpreted."""

    error: str
    error_description: str | None
    state: str | None


def create_direct_post(request: AuthorizationRequest, vp_token: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the form of a response in the clear. §8.2."""
    return {"vp_token": encode_json(vp_token_json(vp_token)).decode("utf-8"), **_state_of(request)}


def create_direct_post_jwt(request: AuthorizationRequest, vp_token: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the form of a response that only the verifier can read. §8.3.1; W-51.

    Raises AlgorithmNotAllowedError where the verifier names no usable key: then an error is answered, never the
    data in the clear.
    """
    recipient, enc = request.client_metadata.select_encryption()
    plaintext = encode_json({"vp_token": vp_token_json(vp_token), **_state_of(request)})
    return {"response": encrypt_jwe(plaintext, recipient=recipient, enc=enc)}


def create_response_form(request: AuthorizationRequest, vp_token: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the form of a response in the mode that the request asks for. §8.2, §8.3.1."""
    if request.origin is not None:
        raise ValueError("an answer over the Digital Credentials API is no form")
    if request.response_mode == "direct_post.jwt":
        return create_direct_post_jwt(request, vp_token)
    return create_direct_post(request, vp_token)


def create_error_form(request: AuthorizationRequest | RequestSender, error: str) -> dict[str, str]:
    """Return the form of a refusal: a code and the state, nothing about what is held. §8.5; A-39."""
    return {"error": error, **_state_of(request)}


def create_request_uri_form(wallet_nonce: str) -> dict[str, str]:
    """Return the form with which a wallet fetches a request object by POST. §5.10; W-42."""
    return {"wallet_metadata": encode_json(WALLET_METADATA).decode("utf-8"), "wallet_nonce": wallet_nonce}


def parse_request_uri_form(form: Mapping[str, str] | Iterable[tuple[str, str]]) -> str | None:
    """Return the `wallet_nonce` of a wallet that fetches a request object by POST, None when it sent none. §5.10.

    One without a value counts as left out (RFC 6749 §3.1).
    """
    wallet_nonce = _parse_form(form).get("wallet_nonce") or None
    if wallet_nonce is not None and len(wallet_nonce) > MAX_WALLET_NONCE:
        raise MalformedError("'wallet_nonce' is too long")
    return wallet_nonce


def parse_response_form(
    form: Mapping[str, str] | Iterable[tuple[str, str]],
) -> VpTokenResponse | EncryptedResponse | ErrorResponse:
    """Read what was posted to the response URI: exactly one of `vp_token`, `response` and `error`. §8.2; V-20.

    Pairs show when a parameter is given twice, which is refused.
    """
    members = _parse_form(form)
    kinds = [name for name in ("vp_token", "response", "error") if name in members]
    if len(kinds) != 1:
        raise MalformedError("a response has exactly one of 'vp_token', 'response' and 'error'")
    if kinds == ["response"]:
        return EncryptedResponse(members["response"])
    if kinds == ["error"]:
        return _parse_error(members)
    vp_token = parse_json_object(members["vp_token"], max_bytes=MAX_RESPONSE_BYTES)
    return VpTokenResponse(vp_token, find_text(members, "state"))


def decrypt_response(
    encrypted: EncryptedResponse, *, private_jwk: Jwk, enc_values: frozenset[str] = frozenset(ENC_VALUES)
) -> VpTokenResponse | ErrorResponse:
    """Open a response with its transaction's key, and read it: an answer or an error, never both. §8.3; V-20, V-24."""
    plaintext = decrypt_jwe(
        encrypted.response, private_jwk=private_jwk, enc_values=enc_values, max_bytes=MAX_RESPONSE_BYTES
    )
    members = parse_json_object(plaintext, max_bytes=MAX_RESPONSE_BYTES)
    if "error" in members:
        if "vp_token" in members:
            raise MalformedError("a response with both 'vp_token' and 'error'")
        return _parse_error(members)
    return VpTokenResponse(as_object(members.get("vp_token"), "'vp_token'"), find_text(members, "state"))


def parse_vp_token(value: object, query: DcqlQuery) -> dict[str, list[str]]:
    """Read a `vp_token` against the query it answers: the presentations, by credential query. §8.1; V-24 step 2.

    Ids that were not asked for, and several presentations where one was, are refused. A presentation that is an object
    (`ldp_vc`, B.1.3.2.5) is returned as its text, like the others; what it is, its content decides (K-68).
    """
    members = as_object(value, "'vp_token'")
    presentations = {query_id: _parse_presentations(query_id, listed, query) for query_id, listed in members.items()}
    if sum(map(len, presentations.values())) > MAX_PRESENTATIONS:
        raise MalformedError("more presentations than anybody asks for")
    return presentations


def parse_response_reply(value: object) -> str | None:
    """Return where the verifier wants the holder's browser to go on, None when nowhere. §8.2; W-52."""
    members = as_object(value, "the verifier's reply")
    if "redirect_uri" not in members:
        return None
    return web_url(members["redirect_uri"], "'redirect_uri'", fragment=True)


def _parse_presentations(query_id: str, listed: object, query: DcqlQuery) -> list[str]:
    wanted = query.find(query_id)
    if wanted is None:
        raise QueryNotSatisfiedError("an answer to a question that was not asked")
    presentations = [from_wire(each) for each in as_array(listed, "the presentations", limit=MAX_PRESENTATIONS)]
    if not all(presentations):
        raise MalformedError("a presentation without a character")
    if len(presentations) > 1 and not wanted.multiple:
        raise QueryNotSatisfiedError("several presentations where one was asked for")
    return presentations


def vp_token_json(vp_token: Mapping[str, Sequence[str]]) -> dict[str, list[str | dict[str, Any]]]:
    """Return a `vp_token` as it travels: what is JSON in its format is an object there. §8.1."""
    return {query_id: [to_wire(raw) for raw in listed] for query_id, listed in vp_token.items()}


def _parse_error(members: Mapping[str, Any]) -> ErrorResponse:
    return ErrorResponse(
        get_text(members, "error"), find_text(members, "error_description"), find_text(members, "state")
    )


def _parse_form(form: Mapping[str, str] | Iterable[tuple[str, str]]) -> dict[str, str]:
    pairs = list(form.items() if isinstance(form, Mapping) else form)
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedError("a form that gives a parameter twice")
    if not all(isinstance(value, str) for value in members.values()):
        raise MalformedError("a form with something else than text")
    return members


def _state_of(request: AuthorizationRequest | RequestSender) -> dict[str, str]:
    return {} if request.state is None else {"state": request.state}
