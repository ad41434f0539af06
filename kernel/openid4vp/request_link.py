"""Links by which a verifier's request reaches a wallet. OpenID4VP 1.0 §5, §9; PROFILE.md W-40, V-04."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote, urlencode

from kernel.errors import MalformedError
from kernel.openid4vp.client_identifier import ClientIdentifier, parse_client_identifier
from kernel.web_urls import parse_link, web_url

REQUEST_SCHEME: Final = "openid4vp://"
HAIP_REQUEST_SCHEME: Final = "haip-vp://"

RequestUriMethod = Literal["get", "post"]
UNKNOWN_METHOD: Final = "unknown"


@dataclass(frozen=True, slots=True)
class RequestByReference:
    """A link that says where the signed request object is to be fetched. §5.10."""

    client_id: ClientIdentifier
    request_uri: str
    request_uri_method: RequestUriMethod | Literal["unknown"]
    """`unknown`: one is named, and it is neither. Whoever asks can be told so, once their request object says who."""


@dataclass(frozen=True, slots=True)
class RequestByValue:
    """A link that carries its signed request object. RFC 9101 §5."""

    client_id: ClientIdentifier
    request: str


@dataclass(frozen=True, slots=True)
class UnsignedRequest:
    """A link whose parameters are the request; nobody signed it. §5.9.3, prefix `redirect_uri`."""

    client_id: ClientIdentifier
    parameters: Mapping[str, str]


def parse_authorization_request_link(text: str) -> RequestByReference | RequestByValue | UnsignedRequest:
    """Read a link, scanned or pasted, by which a request reaches the wallet. §5; W-40.

    `openid4vp://`, `haip-vp://` and https links. Of a request that is signed only `client_id` counts outside the
    signature; parameters beside it are not even returned.
    """
    parameters = parse_link(text.strip(), schemes=(REQUEST_SCHEME, HAIP_REQUEST_SCHEME))
    client_id = parse_client_identifier(parameters.get("client_id"))
    if "request" in parameters and "request_uri" in parameters:
        raise MalformedError("a link has either 'request' or 'request_uri'")
    if "request_uri_method" in parameters and "request_uri" not in parameters:
        raise MalformedError("'request_uri_method' without 'request_uri'")
    if "request_uri" in parameters:
        method = _parse_method(parameters.get("request_uri_method", "get"))
        return RequestByReference(client_id, web_url(parameters["request_uri"], "'request_uri'"), method)
    if "request" in parameters:
        return RequestByValue(client_id, parameters["request"])
    return UnsignedRequest(client_id, parameters)


def create_request_link(
    *,
    client_id: str,
    request_uri: str,
    request_uri_method: RequestUriMethod = "post",
    scheme: str = REQUEST_SCHEME,
) -> str:
    """Return the link to a request object; `scheme` may also be the https address of a wallet. §5.10; V-04."""
    link = f"{scheme}?client_id={quote(client_id, safe='')}&request_uri={quote(request_uri, safe='')}"
    return link if request_uri_method == "get" else f"{link}&request_uri_method=post"


def create_request_link_by_value(*, client_id: str, request: str, scheme: str = REQUEST_SCHEME) -> str:
    """Return a link that carries its signed request object: long, and for one device only. RFC 9101 §5; §5.4."""
    return f"{scheme}?client_id={quote(client_id, safe='')}&request={request}"


def create_unsigned_request_link(parameters: Mapping[str, str], *, scheme: str = REQUEST_SCHEME) -> str:
    """Return the link that is an unsigned request. §5.4, §5.9.3."""
    return f"{scheme}?{urlencode(parameters, quote_via=quote)}"


def _parse_method(text: str) -> RequestUriMethod | Literal["unknown"]:
    """Read `request_uri_method`, which is case-sensitive. §8.5."""
    match text:
        case "get" | "post":
            return text
    return UNKNOWN_METHOD
