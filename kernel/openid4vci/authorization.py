"""Asking for a code, by a pushed request, and getting it back. RFC 6749 §4.1, RFC 9126, RFC 9207; OpenID4VCI 1.0 §5.

PROFILE.md I-21 to I-26, W-06; A-27, A-28. Who the client is, and whether it may have what it asks for, is for the
authorization server: here only what a request is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from kernel import base64url
from kernel.errors import MalformedError, RejectedError, UntrustedIssuerError
from kernel.members import as_object, as_text, find_text, get_text, is_same_text
from kernel.openid4vci.messages import AuthorizationDetail, find_seconds, parse_requested_details
from kernel.openid4vci.pkce import S256, parse_code_challenge
from kernel.openid4vci.scopes import parse_scopes
from kernel.strict_json import encode_json
from kernel.web_urls import MAX_URL, parse_web_url

CODE: Final = "code"
_QUERY: Final = "query"

# Schemes that run or read something where the redirect ends; an app may have its own scheme (RFC 8252 §7).
_NO_REDIRECT: Final = frozenset(
    {"javascript", "data", "vbscript", "file", "blob", "about", "view-source", "filesystem"}
)
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):[\x21-\x7e]*")
_THUMBPRINT_BYTES: Final = 32


class AuthorizationDeniedError(RejectedError):
    """The authorization server answered with an error instead of a code; both texts are its own."""

    code = "authorization_denied"
    sentence = "The authorization server refused the request."

    def __init__(self, error: str, error_description: str | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.error_description = error_description


class UnsupportedResponseTypeError(RejectedError):
    """The request asks for something else than a code."""

    code = "response_type"
    sentence = "Only the response type code is supported here."


@dataclass(frozen=True, slots=True)
class AuthorizationRequestParameters:
    """What a client asks authorization for. RFC 6749 §4.1.1, OpenID4VCI 1.0 §5.1.

    `issuer_state` is whatever an offer said, and anybody can write one (I-25). `dpop_jkt` is the key that the token
    will be bound to (RFC 9449 §10).
    """

    client_id: str
    redirect_uri: str
    code_challenge: str
    state: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ()
    authorization_details: tuple[AuthorizationDetail, ...] = ()
    issuer_state: str | None = field(default=None, repr=False)
    resource: tuple[str, ...] = ()
    dpop_jkt: str | None = None

    def as_form(self) -> dict[str, str]:
        """Return the form to push, or the query of a request to a server that takes none pushed.

        `resource` may be there more than once on the wire; whoever asks for one issuer's credentials names one.
        """
        members = {
            "response_type": CODE,
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code_challenge": self.code_challenge,
            "code_challenge_method": S256,
            "state": self.state,
            "scope": " ".join(self.scopes) or None,
            "issuer_state": self.issuer_state,
            "resource": next(iter(self.resource), None),
            "dpop_jkt": self.dpop_jkt,
        }
        form = {name: value for name, value in members.items() if value is not None}
        if self.authorization_details:
            details = [detail.as_json() for detail in self.authorization_details]
            form["authorization_details"] = encode_json(details).decode()
        return form


@dataclass(frozen=True, slots=True)
class PushedAuthorizationResponse:
    """Under which name a pushed request waits, and for how long. RFC 9126 §2.2."""

    request_uri: str = field(repr=False)
    expires_in: timedelta

    def as_json(self) -> dict[str, Any]:
        """Return the response's members."""
        return {"request_uri": self.request_uri, "expires_in": int(self.expires_in.total_seconds())}


def parse_pushed_authorization_request(
    form: Mapping[str, str], *, resource: Sequence[str] = ()
) -> AuthorizationRequestParameters:
    """Read a pushed authorization request; unknown parameters are ignored. RFC 9126 §2.1; I-21 to I-24.

    PKCE with S256 is not optional; a request inside a request is refused, and so is one for an answer in any way but
    the query, which would never come to whoever waits for it (Multiple Response Type Encoding Practices §2.1).
    `resource` stands apart, as the one parameter that may be there more than once; what it names is not judged here,
    its form no more than the rest (RFC 8707 §2).
    """
    if "request_uri" in form or "request" in form:
        raise MalformedError("a pushed request that refers to another")
    if get_text(form, "response_type") != CODE:
        raise UnsupportedResponseTypeError("another response type")
    if form.get("response_mode", _QUERY) != _QUERY:
        raise MalformedError("another response mode")
    if form.get("code_challenge_method") != S256:
        raise MalformedError("'code_challenge_method' is not S256")
    details = find_text(form, "authorization_details")
    return AuthorizationRequestParameters(
        client_id=get_text(form, "client_id"),
        redirect_uri=parse_redirect_uri(form.get("redirect_uri")),
        code_challenge=parse_code_challenge(get_text(form, "code_challenge")),
        state=find_text(form, "state"),
        scopes=parse_scopes(form),
        authorization_details=() if details is None else parse_requested_details(details),
        issuer_state=find_text(form, "issuer_state"),
        resource=tuple(resource),
        dpop_jkt=_find_thumbprint(form),
    )


def parse_redirect_uri(value: object) -> str:
    """Read where a browser may be sent back to: https, loopback, or an app's own scheme; never with a fragment.

    RFC 6749 §3.1.2, RFC 8252 §7. Compared later as the exact text that it is (I-26).
    """
    text = as_text(value, "'redirect_uri'")
    matched = _SCHEME.fullmatch(text)
    if matched is None or len(text) > MAX_URL or "#" in text or "\\" in text:
        raise MalformedError("'redirect_uri' is not an absolute URI without fragment")
    scheme = matched[1].lower()
    if scheme in _NO_REDIRECT:
        raise MalformedError("'redirect_uri' has a scheme that nobody is sent to")
    if scheme in ("http", "https"):
        parse_web_url(text, "'redirect_uri'")
    return text


def parse_pushed_authorization_response(value: object) -> PushedAuthorizationResponse:
    """Read the answer to a pushed authorization request. RFC 9126 §2.2."""
    members = as_object(value, "the pushed authorization response")
    expires_in = find_seconds(members, "expires_in")
    if expires_in is None:
        raise MalformedError("'expires_in' is missing")
    return PushedAuthorizationResponse(get_text(members, "request_uri"), expires_in)


def create_authorization_url(endpoint: str, *, client_id: str, request_uri: str) -> str:
    """Return where the browser goes with a pushed request. RFC 9126 §4."""
    return _with_query(endpoint, {"client_id": client_id, "request_uri": request_uri})


def create_direct_authorization_url(endpoint: str, parameters: AuthorizationRequestParameters) -> str:
    """Return where the browser goes when the server takes no pushed requests. RFC 6749 §4.1.1."""
    return _with_query(endpoint, parameters.as_form())


def create_authorization_response_url(
    redirect_uri: str, *, issuer: str, state: str | None, answer: Mapping[str, str]
) -> str:
    """Return where the browser goes back to: with `code`, or with `error` and its description, always with `iss`.

    RFC 6749 §4.1.2, RFC 9207 §2; I-26.
    """
    return _with_query(redirect_uri, {**answer, **({} if state is None else {"state": state}), "iss": issuer})


def parse_authorization_response(query: Mapping[str, str], *, issuer: str, is_iss_expected: bool, state: str) -> str:
    """Return the code that an authorization response brings to whoever began with this state at this server.

    (1) `state` is ours (RFC 6749 §10.12). (2) `iss`, which must be there when the server's metadata promises it, is
    the server that was asked, for errors too (RFC 9207 §2.4; A-27). (3) An error raises AuthorizationDeniedError.
    """
    if not is_same_text(query.get("state"), state):
        raise RejectedError("the response belongs to another request")
    if ("iss" in query or is_iss_expected) and query.get("iss") != issuer:
        raise UntrustedIssuerError("the response comes from another authorization server")
    if (CODE in query) is ("error" in query):
        raise MalformedError("a response has either a code or an error")
    if "error" in query:
        raise AuthorizationDeniedError(get_text(query, "error"), find_text(query, "error_description"))
    return get_text(query, CODE)


def _find_thumbprint(form: Mapping[str, str]) -> str | None:
    thumbprint = find_text(form, "dpop_jkt")
    if thumbprint is not None and len(base64url.decode(thumbprint)) != _THUMBPRINT_BYTES:
        raise MalformedError("'dpop_jkt' is no SHA-256 thumbprint")
    return thumbprint


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    separator = "" if url.endswith(("?", "&")) else "&" if urlsplit(url).query else "?"
    return f"{url}{separator}{urlencode(parameters)}"
