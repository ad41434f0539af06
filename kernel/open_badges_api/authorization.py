"""How a consumer asks, says who it is, and gives tokens back. Open Badges 3.0 §7.1.2, §7.3; RFC 7009; B-42.

Codes and tokens are asked for and given with the messages of `kernel.openid4vci`, which are RFC 6749's own.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from kernel.errors import MalformedError
from kernel.members import find_text, get_text
from kernel.openid4vci.authorization import AuthorizationRequestParameters, parse_pushed_authorization_request
from kernel.web_urls import web_url

_MAX_CREDENTIALS: Final = 2_048
_MAX_STATE: Final = 1_024


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """As whom a consumer comes, and the secret that shows it. RFC 6749 §2.3.1"""

    client_id: str
    client_secret: str = field(repr=False)

    def as_header(self) -> str:
        """Return the value of the `Authorization` header."""
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.client_secret)}"
        return f"Basic {b64encode(pair.encode()).decode()}"


@dataclass(frozen=True, slots=True)
class RevocationRequest:
    """A token that is given back. The hint is no more than that: whatever kind it is, it ends. RFC 7009 §2.1"""

    token: str = field(repr=False)
    token_type_hint: str | None = None

    def as_form(self) -> dict[str, str]:
        """Return the form to post."""
        hint = {} if self.token_type_hint is None else {"token_type_hint": self.token_type_hint}
        return {"token": self.token, **hint}


def parse_authorization_request(query: Mapping[str, str]) -> AuthorizationRequestParameters:
    """Read what a consumer sends a person's browser with, or raise MalformedError or UnsupportedResponseTypeError.

    PKCE with S256 and `state` are not optional here, and the redirect URI is a web address (§7.1.2.1; B-42). That it is
    one of this client's, whoever knows the client compares.
    """
    parameters = parse_pushed_authorization_request(query)
    web_url(parameters.redirect_uri, "'redirect_uri'")
    if parameters.state is None or len(parameters.state) > _MAX_STATE:
        raise MalformedError("'state' is missing, or longer than any")
    return parameters


def parse_client_credentials(header: str) -> ClientCredentials:
    """Read an `Authorization` header with the scheme Basic, or raise MalformedError. RFC 6749 §2.3.1, RFC 7617 §2"""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or len(encoded) > _MAX_CREDENTIALS:
        raise MalformedError("no credentials of the scheme Basic")
    try:
        client_id, separator, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
        credentials = ClientCredentials(*(unquote_plus(text, errors="strict") for text in (client_id, secret)))
    except ValueError as exc:
        raise MalformedError("credentials that cannot be decoded") from exc
    if not separator or not credentials.client_id or not credentials.client_secret:
        raise MalformedError("credentials without an identifier or a secret")
    return credentials


def parse_revocation_request(form: Mapping[str, str]) -> RevocationRequest:
    """Read the form by which a token is given back. RFC 7009 §2.1"""
    return RevocationRequest(get_text(form, "token"), find_text(form, "token_type_hint"))
