"""May we call this URL? The only place from which a request leaves.

    fetch = Fetcher(local_hosts=settings.local_hosts)
    answer = await fetch.get(url, accept="application/json", kind=FetchKind.METADATA)
    metadata = answer.json()

What is kept here (profile K-81 to K-86): https on port 443 only, no credentials in the URL, no bare IP addresses; the
name is resolved once, every address it has must be public, and the connection goes to exactly that address while TLS
still checks the name; no redirects, except three for status lists, each checked anew; 3 seconds to connect, 10 in all,
1 MiB of answer (more for a status list and what grows with an issuer), the expected content type, no cookies, no
referrer, no decompression.

`RejectedError`: the URL may not be called, or the other side answered that it has no such thing. `MalformedError`: the
answer is too big or of another type. `UndecidedError`: it could not be reached now. Details go to the log only (K-85).
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import Enum
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlencode

import httpx

from kernel.errors import MalformedError, RejectedError, UndecidedError
from kernel.strict_json import MAX_BYTES, parse_json
from kernel.web_urls import MAX_URL

_CONNECT_SECONDS: Final = 3.0
_TOTAL_SECONDS: Final = 10.0
_MEBIBYTE: Final = 1024 * 1024
_MAX_ADDRESSES: Final = 4
_USER_AGENT: Final = "Skillswallet"

_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_UNSAFE_IN_URL: Final = re.compile(r"[\x00-\x20\x7f\\]|[^\x00-\x7f]")

_JSON: Final = ("application/json",)
_JWT_OR_JSON: Final = ("application/json", "application/jwt")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
Transport = httpx.AsyncBaseTransport
"""What `create_app` may be given instead of the network."""


class AnsweredError(RejectedError):
    """The other side answered, with a status that is no yes: W-04 asks whether it was a 404."""

    def __init__(self, status: int) -> None:
        super().__init__(f"answered {status}")
        self.status = status


class UnreadableAnswerError(MalformedError):
    """The other side answered with something that is not read: of another type, compressed or too large.

    What was sent has arrived, and `status` says how it was taken.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class TooLargeAnswerError(UnreadableAnswerError):
    """The other side answered with more than is read of what it was asked for."""


class FetchKind(Enum):
    """What is fetched decides what may come back: media types, size, redirects."""

    METADATA = "metadata"
    KEY_SET = "key_set"
    CREDENTIAL_OFFER = "credential_offer"
    DID_DOCUMENT = "did_document"
    REQUEST_OBJECT = "request_object"
    STATUS_LIST = "status_list"
    STATUS_LIST_CREDENTIAL = "status_list_credential"
    TRUST_LIST = "trust_list"
    ENTITY_STATEMENT = "entity_statement"
    IMAGE = "image"
    BADGE_DOCUMENT = "badge_document"
    """What an imported badge names: the assertion, its badge class and issuer, keys, revocations. B-22."""
    SHOWN_BADGE = "shown_badge"
    """Whatever stands at an address that somebody pasted; what it is, is seen from its content (K-68)."""
    WEBHOOK = "webhook"
    """A system of an employer's own that is told something; what it answers is not read."""
    PROTOCOL = "protocol"
    """An endpoint of OpenID4VCI or OpenID4VP that is posted to; its errors are answers too."""
    BADGES = "badges"
    """The Open Badges API of a platform: a page of somebody's badges, or one badge that was sent there. B-40"""


@dataclass(frozen=True, slots=True)
class _Rule:
    media_types: tuple[str, ...]
    max_bytes: int = _MEBIBYTE
    max_redirects: int = 0
    is_read: bool = True


_RULES: Final = {
    # Signed metadata is application/jwt (OpenID4VCI 1.0 §12.2.2).
    FetchKind.METADATA: _Rule(_JWT_OR_JSON),
    FetchKind.KEY_SET: _Rule(("application/json", "application/jwk-set+json")),
    FetchKind.CREDENTIAL_OFFER: _Rule(_JSON),
    FetchKind.DID_DOCUMENT: _Rule(
        ("application/json", "application/did+json", "application/did+ld+json", "application/did")
    ),
    FetchKind.REQUEST_OBJECT: _Rule(("application/oauth-authz-req+jwt",)),
    FetchKind.STATUS_LIST: _Rule(("application/statuslist+jwt",), max_bytes=5 * _MEBIBYTE, max_redirects=3),
    # Bitstring Status List §4: any media type that a credential has, and the less specific ones.
    FetchKind.STATUS_LIST_CREDENTIAL: _Rule(
        (
            "application/vc",
            "application/vc+jwt",
            "application/vc+ld+json",
            "application/ld+json",
            "application/json",
            "application/jwt",
        ),
        max_bytes=5 * _MEBIBYTE,
        max_redirects=3,
    ),
    FetchKind.TRUST_LIST: _Rule(("application/jwt", "application/trustlist+jwt", "application/jose")),
    # An issuer's has all its metadata inside, which grows with each badge that it describes (decision 0062).
    FetchKind.ENTITY_STATEMENT: _Rule(("application/entity-statement+jwt",), max_bytes=4 * _MEBIBYTE),
    FetchKind.IMAGE: _Rule(("image/png", "image/jpeg", "image/svg+xml", "image/webp"), max_bytes=2 * _MEBIBYTE),
    # No redirects for either: the open redirect of an issuer would let anybody publish in his name.
    FetchKind.BADGE_DOCUMENT: _Rule(
        (
            "application/ld+json",
            "application/json",
            "application/jwk+json",
            "application/jwk-set+json",
            "application/did+json",
            "application/did+ld+json",
        )
    ),
    FetchKind.SHOWN_BADGE: _Rule(
        (
            "application/ld+json",
            "application/json",
            "application/vc",
            "application/vc+ld+json",
            "application/vc+jwt",
            "application/vc+sd-jwt",
            "application/dc+sd-jwt",
            "application/jwt",
            "application/jose",
            "image/png",
            "image/svg+xml",
            "text/plain",
        ),
        max_bytes=3 * _MEBIBYTE,
    ),
    FetchKind.WEBHOOK: _Rule((), is_read=False),
    FetchKind.PROTOCOL: _Rule(_JWT_OR_JSON),
    # A page holds several badges, each of which may hold its picture.
    FetchKind.BADGES: _Rule(
        ("application/json", "application/ld+json", "application/vc+ld+json", "application/vc", "text/plain"),
        max_bytes=3 * _MEBIBYTE,
    ),
}


@dataclass(frozen=True, slots=True)
class FetchedResponse:
    """An answer within the limits. What it says is not believed yet."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str
    """Where it came from, after redirects."""

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self, *, max_bytes: int = MAX_BYTES) -> Any:
        """The body by the strict JSON parser (K-86), or `MalformedError`."""
        return parse_json(self.body, max_bytes=max_bytes)

    def text(self) -> str:
        """The body as ASCII text: a compact JWS or the like."""
        try:
            return self.body.decode("ascii").strip()
        except UnicodeDecodeError as exc:
            raise MalformedError("the answer is not ASCII") from exc


class Fetcher:
    """Outbound requests within the limits; one a process, closed at the end.

    `local_hosts`: `host:port` that may be reached over http and on private addresses, for development (K-84).
    `transport`: replaces resolution and network, for tests that wire services together in one process; the rules about
    URLs, sizes, types and redirects hold there too.
    """

    def __init__(
        self, local_hosts: Collection[str] = frozenset(), transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._local_hosts = frozenset(local_hosts)
        self._client = httpx.AsyncClient(
            transport=transport or GuardedTransport(self._local_hosts),
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(_TOTAL_SECONDS, connect=_CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=False,
            # Answers may set cookies; none is kept, not even for a moment in which another request leaves.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def get(self, url: str, *, accept: str, kind: FetchKind, max_bytes: int | None = None) -> FetchedResponse:
        """GET, answered with 200 and a body of the expected kind; anything else raises.

        `max_bytes` is for a caller whose policy reads more of this kind than is read otherwise.
        """
        rule = _RULES[kind] if max_bytes is None else replace(_RULES[kind], max_bytes=max_bytes)
        target = url
        for _ in range(rule.max_redirects + 1):
            response = await self._send("GET", target, headers={"Accept": accept}, content=b"", rule=rule)
            if not response.is_redirect or rule.max_redirects == 0:
                return _accepted(response.fetched, rule)
            target = _redirected(target, response.fetched.headers["location"])
        raise RejectedError(f"more than {rule.max_redirects} redirects")

    async def get_answer(
        self, url: str, *, accept: str, kind: FetchKind, headers: Mapping[str, str]
    ) -> FetchedResponse:
        """GET with headers of the caller's, such as a token, and so without redirects. Answers as `post_form`."""
        rule = _RULES[kind]
        response = await self._send("GET", url, headers={"Accept": accept, **headers}, content=b"", rule=rule)
        return _answered("GET", response, rule)

    async def post_form(
        self,
        url: str,
        form: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
        kind: FetchKind = FetchKind.PROTOCOL,
    ) -> FetchedResponse:
        """POST a form. The answer may be any 2xx or 4xx: the protocol's errors are for the caller to read."""
        content = urlencode(form).encode()
        return await self._post(url, content, "application/x-www-form-urlencoded", headers, kind)

    async def post_json(
        self,
        url: str,
        content: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        kind: FetchKind = FetchKind.PROTOCOL,
        max_bytes: int | None = None,
    ) -> FetchedResponse:
        """POST serialised JSON (or, with a Content-Type in `headers`, anything else). Answers as `post_form`.

        `max_bytes` is for a caller that asked for more than such an answer holds otherwise.
        """
        return await self._post(url, content, "application/json", headers, kind, max_bytes)

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    async def _post(
        self,
        url: str,
        content: bytes,
        content_type: str,
        headers: Mapping[str, str] | None,
        kind: FetchKind,
        max_bytes: int | None = None,
    ) -> FetchedResponse:
        rule = _RULES[kind] if max_bytes is None else replace(_RULES[kind], max_bytes=max_bytes)
        default = {"Content-Type": content_type, "Accept": "application/json"}
        response = await self._send("POST", url, headers=default | dict(headers or {}), content=content, rule=rule)
        return _answered("POST", response, rule)

    async def _send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes, rule: _Rule
    ) -> "_Response":
        target = check_url(url, self._local_hosts)
        try:
            async with (
                asyncio.timeout(_TOTAL_SECONDS),
                self._client.stream(method, target, headers=dict(headers), content=content) as response,
            ):
                body = await _read_body(response, rule.max_bytes) if rule.is_read else b""
        except (UnicodeEncodeError, httpx.LocalProtocolError) as exc:
            raise MalformedError("a header that no request can carry") from exc
        except (httpx.TransportError, TimeoutError) as exc:
            raise UndecidedError(f"{method} {target.host}: {type(exc).__name__}") from exc
        except httpx.InvalidURL as exc:
            # The client reads a `Location` even though it follows none.
            raise MalformedError("a redirect to something that is no URL") from exc
        names = {name.lower(): value for name, value in response.headers.items()}
        return _Response(FetchedResponse(response.status_code, names, body, url), response.has_redirect_location)


@dataclass(frozen=True, slots=True)
class _Response:
    fetched: FetchedResponse
    is_redirect: bool


def check_url(url: str, local_hosts: Collection[str] = frozenset()) -> httpx.URL:
    """The URL to call, or `RejectedError` when policy forbids it, whatever its name resolves to (K-81).

    A URL whose `host:port` is a local host is called over http, whichever of the two schemes it names: identifiers
    such as `did:web:localhost%3A8101:school` mean https by their own rules.
    """
    if len(url) > MAX_URL or _UNSAFE_IN_URL.search(url):
        raise RejectedError("the URL is too long, or has characters that belong in no URL")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as exc:
        raise RejectedError("not a URL") from exc
    if parsed.scheme not in {"https", "http"} or not parsed.host or parsed.userinfo:
        raise RejectedError("not an https URL, or one with credentials")
    port = parsed.port or (443 if parsed.scheme == "https" else 80)
    if f"{parsed.host}:{port}" in local_hosts:
        return parsed.copy_with(scheme="http", port=port)
    if parsed.scheme != "https" or port != 443:
        raise RejectedError("only https on port 443 is called")
    if not is_public_name(parsed.host):
        raise RejectedError("the host is no public name")
    return parsed


def is_public_name(host: str) -> bool:
    """Whether this is a DNS name with at least two labels and no number in disguise.

    IPv4 in any spelling (`127.1`, `0x7f000001`, `2130706433`) ends in a label that begins with a digit, and IPv6 has
    colons; no top-level domain does (WHATWG URL §3.5, "ends in a number").
    """
    labels = host.lower().split(".")
    if len(host) > 253 or len(labels) < 2 or labels[-1][:1].isdigit():
        return False
    return all(_LABEL.fullmatch(label) for label in labels) and labels[-1] not in {"localhost", "local", "internal"}


def is_public_address(text: str) -> bool:
    """Whether an address belongs to the public internet and does not merely wrap an IPv4 address in IPv6."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    is_special = address.is_multicast or address.is_reserved or any(address in network for network in _NOT_PUBLIC)
    return address.is_global and not is_special


# RFC 4291 §2.4: everything else, IPv4-mapped, IPv4-compatible and NAT64 addresses included, is not for strangers.
_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
# Said here, since what the standard library calls global differs from one Python to the next
# (IANA's special-purpose address registries).
_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # IETF protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarking
        "168.63.129.16/32",  # Azure's metadata and DNS service; the other clouds' are link-local or unique-local
        "2001::/23",  # IETF protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: wraps an IPv4 address
        "3fff::/20",  # documentation
    )
)


# The system's resolver blocks its thread for as long as a name server is silent, whatever we wait for. Its threads are
# its own, so that names of strangers hold up neither files nor passphrases, which have the event loop's.
_RESOLVER_THREADS: Final = ThreadPoolExecutor(max_workers=32, thread_name_prefix="resolve")


async def resolve_host(host: str, port: int) -> Sequence[str]:
    """Every address of a host, by the system's resolver."""
    look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    found = await asyncio.get_running_loop().run_in_executor(_RESOLVER_THREADS, look_up)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedTransport(httpx.AsyncBaseTransport):
    """Resolves once, checks every address, and connects to a checked address and nowhere else.

    Since the connection is made to the address and not to the name, a second answer from DNS (rebinding) is never
    asked for. TLS still verifies the certificate against the name. Connections are not kept: one opened for a name
    would otherwise be used for another name on the same address, and reuse would let the other side link requests.
    """

    def __init__(
        self,
        local_hosts: Collection[str] = frozenset(),
        *,
        resolve: Resolve = resolve_host,
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._local_hosts = frozenset(local_hosts)
        self._resolve = resolve
        self._inner = inner or httpx.AsyncHTTPTransport(
            trust_env=False, limits=httpx.Limits(max_connections=100, max_keepalive_connections=0)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host, port = request.url.host, request.url.port or (443 if request.url.scheme == "https" else 80)
        addresses = await self._addresses(host, port)
        failure: httpx.TransportError = httpx.ConnectError("no address")
        for address in addresses[:_MAX_ADDRESSES]:
            pinned = httpx.Request(
                request.method,
                request.url.copy_with(host=address),
                headers=request.headers,
                content=request.content,
                extensions=request.extensions | {"sni_hostname": host},
            )
            try:
                return await self._inner.handle_async_request(pinned)
            except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
                failure = exc
        raise failure

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as exc:
            raise httpx.ConnectError(f"the name does not resolve: {type(exc).__name__}") from exc
        if f"{host}:{port}" in self._local_hosts:
            return addresses
        if not all(is_public_address(address) for address in addresses):
            raise RejectedError("the host has an address that is not public")
        return addresses


def _redirected(url: str, location: str) -> str:
    try:
        return str(httpx.URL(url).join(location))
    except (httpx.InvalidURL, ValueError) as exc:
        raise RejectedError("a redirect to something that is no URL") from exc


async def _read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """The body as sent. A content coding is refused instead of undone, so that nothing can inflate."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnreadableAnswerError(response.status_code, "the answer is compressed, which was not asked for")
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > max_bytes:
            raise TooLargeAnswerError(response.status_code, f"the answer is larger than {max_bytes} bytes")
    return bytes(body)


def _answered(method: str, response: _Response, rule: _Rule) -> FetchedResponse:
    if response.is_redirect:
        raise AnsweredError(response.fetched.status)
    answer = response.fetched
    if answer.status >= 500 or answer.status == 429:
        raise UndecidedError(f"{method} answered {answer.status}")
    if answer.status < 300 and answer.body:
        _require_media_type(answer, rule)
    return answer


def _accepted(response: FetchedResponse, rule: _Rule) -> FetchedResponse:
    if response.status != 200:
        if 300 <= response.status < 500 and response.status not in {408, 425, 429}:
            raise AnsweredError(response.status)
        raise UndecidedError(f"answered {response.status}")
    _require_media_type(response, rule)
    return response


def _require_media_type(response: FetchedResponse, rule: _Rule) -> None:
    if response.media_type not in rule.media_types:
        raise UnreadableAnswerError(response.status, f"the answer is of type {response.media_type[:60]!r}")
