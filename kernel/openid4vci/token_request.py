"""What a wallet sends to the Token Endpoint, and what it gets. OpenID4VCI 1.0 §6; RFC 6749 §4.1.3, §5, §6; I-27, I-29.

Which client sent a request, and with which key it will use the token, stands in headers and not in the form:
`client_attestation` and `dpop` read those.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal

from kernel.errors import MalformedError, RejectedError
from kernel.members import as_object, find_text, get_text
from kernel.openid4vci.credential_offer import AUTHORIZATION_CODE_GRANT, PRE_AUTHORIZED_CODE_GRANT
from kernel.openid4vci.messages import (
    AuthorizationDetail,
    find_seconds,
    parse_authorization_details,
    parse_requested_details,
)
from kernel.openid4vci.scopes import parse_scopes
from kernel.strict_json import encode_json

REFRESH_TOKEN_GRANT: Final = "refresh_token"


class UnsupportedGrantError(RejectedError):
    """The token request is of a grant type that is not known here."""

    code = "grant_type"
    sentence = "This grant type is not supported here."


@dataclass(frozen=True, slots=True)
class PreAuthorizedTokenRequest:
    """A token request with a pre-authorized code. §6.1."""

    pre_authorized_code: str = field(repr=False)
    tx_code: str | None = field(default=None, repr=False)
    client_id: str | None = None
    authorization_details: tuple[AuthorizationDetail, ...] = ()

    def as_form(self) -> dict[str, str]:
        """Return the form to post."""
        members = {
            "grant_type": PRE_AUTHORIZED_CODE_GRANT,
            "pre-authorized_code": self.pre_authorized_code,
            "tx_code": self.tx_code,
            "client_id": self.client_id,
        }
        return _form(members, self.authorization_details)


@dataclass(frozen=True, slots=True)
class AuthorizationCodeTokenRequest:
    """A token request with the code of an authorization response, and the verifier of its PKCE challenge. §6.1."""

    code: str = field(repr=False)
    redirect_uri: str
    code_verifier: str = field(repr=False)
    client_id: str | None = None
    authorization_details: tuple[AuthorizationDetail, ...] = ()

    def as_form(self) -> dict[str, str]:
        """Return the form to post."""
        members = {
            "grant_type": AUTHORIZATION_CODE_GRANT,
            "code": self.code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.code_verifier,
            "client_id": self.client_id,
        }
        return _form(members, self.authorization_details)


@dataclass(frozen=True, slots=True)
class RefreshTokenRequest:
    """A token request with a refresh token; no scopes asks for as much as before. RFC 6749 §6."""

    refresh_token: str = field(repr=False)
    client_id: str | None = None
    scopes: tuple[str, ...] = ()

    def as_form(self) -> dict[str, str]:
        """Return the form to post."""
        members = {
            "grant_type": REFRESH_TOKEN_GRANT,
            "refresh_token": self.refresh_token,
            "client_id": self.client_id,
            "scope": " ".join(self.scopes) or None,
        }
        return _form(members, ())


TokenRequest = PreAuthorizedTokenRequest | AuthorizationCodeTokenRequest | RefreshTokenRequest


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """An access token, and for which credentials it is good. §6.2.

    Without details it is good for the configurations of the offer, or for those of the scopes that were asked for, or
    of `scopes` where the server granted others.
    """

    access_token: str = field(repr=False)
    token_type: Literal["Bearer", "DPoP"]
    expires_in: timedelta | None = None
    authorization_details: tuple[AuthorizationDetail, ...] = ()
    refresh_token: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the response's members."""
        members: dict[str, Any] = {"access_token": self.access_token, "token_type": self.token_type}
        if self.expires_in is not None:
            members["expires_in"] = int(self.expires_in.total_seconds())
        if self.refresh_token is not None:
            members["refresh_token"] = self.refresh_token
        if self.scopes:
            members["scope"] = " ".join(self.scopes)
        if self.authorization_details:
            members["authorization_details"] = [detail.as_json() for detail in self.authorization_details]
        return members


def parse_token_request(form: Mapping[str, str]) -> TokenRequest:
    """Read the form of a token request, or raise MalformedError, or UnsupportedGrantError for any other grant.

    Whether a `tx_code` was due is for whoever knows the offer: due and missing, or given and not due, is
    `invalid_request`; a wrong one is `invalid_grant` (§6.3). PKCE is not optional (I-22).
    """
    client_id = find_text(form, "client_id")
    match get_text(form, "grant_type"):
        case grant if grant == PRE_AUTHORIZED_CODE_GRANT:
            return PreAuthorizedTokenRequest(
                pre_authorized_code=get_text(form, "pre-authorized_code"),
                tx_code=find_text(form, "tx_code"),
                client_id=client_id,
                authorization_details=_find_details(form),
            )
        case grant if grant == AUTHORIZATION_CODE_GRANT:
            return AuthorizationCodeTokenRequest(
                code=get_text(form, "code"),
                redirect_uri=get_text(form, "redirect_uri"),
                code_verifier=get_text(form, "code_verifier"),
                client_id=client_id,
                authorization_details=_find_details(form),
            )
        case grant if grant == REFRESH_TOKEN_GRANT:
            return RefreshTokenRequest(get_text(form, "refresh_token"), client_id, parse_scopes(form))
    raise UnsupportedGrantError("another grant type")


def parse_token_response(value: object) -> TokenResponse:
    """Read a token response. §6.2. Where details were granted, each names its credential identifiers."""
    members = as_object(value, "the token response")
    token_type = get_text(members, "token_type").lower()
    if token_type not in ("bearer", "dpop"):
        raise MalformedError("a token type that is not known here")
    details = members.get("authorization_details")
    granted = () if details is None else parse_authorization_details(details)
    if any(not detail.credential_identifiers for detail in granted):
        raise MalformedError("a granted authorization detail without credential identifiers")
    return TokenResponse(
        access_token=get_text(members, "access_token"),
        token_type="DPoP" if token_type == "dpop" else "Bearer",
        expires_in=find_seconds(members, "expires_in"),
        authorization_details=granted,
        refresh_token=find_text(members, "refresh_token"),
        scopes=parse_scopes(members),
    )


def _find_details(form: Mapping[str, str]) -> tuple[AuthorizationDetail, ...]:
    details = find_text(form, "authorization_details")
    return () if details is None else parse_requested_details(details)


def _form(members: Mapping[str, str | None], details: tuple[AuthorizationDetail, ...]) -> dict[str, str]:
    form = {name: value for name, value in members.items() if value is not None}
    if details:
        form["authorization_details"] = encode_json([detail.as_json() for detail in details]).decode()
    return form
