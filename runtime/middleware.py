"""What happens around every request, in one ASGI layer: trace id, log line, limits, security headers, last catch."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.cross_origin import OpenToScripts
from runtime.errors import OAuthError, Problem, create_trace_id, problem_of
from runtime.logging import get_logger, log_request, trace_id

log = get_logger(__name__)

_MAX_CLIENTS: Final = 20_000
_QUIET: Final = ("/health", "/ready", "/static/")

# Pages load nothing from elsewhere and run no inline code. Images may be data: URLs, which <img> treats as inert.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class RateLimit:
    """So many requests a minute for one client address on paths that begin with one of these, in this process.

    Coarse, against floods. Several processes each count for themselves; what guards a secret (`tx_code`, sign-in)
    is counted by its service in the database.
    """

    prefixes: tuple[str, ...]
    per_minute: int


class Shell:
    """The outermost layer of a service."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        is_https: bool = True,
        max_body_bytes: int = 1024 * 1024,
        large_bodies: Mapping[str, int] | None = None,
        rate_limits: Sequence[RateLimit] = (),
        open_to_scripts: OpenToScripts | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        headers = _HEADERS | ({"Strict-Transport-Security": "max-age=63072000"} if is_https else {})
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self._max_body_bytes = max_body_bytes
        self._large_bodies = [(re.compile(path), size) for path, size in (large_bodies or {}).items()]
        self._limiter = _Limiter(rate_limits, monotonic) if rate_limits else None
        self._open_to_scripts = open_to_scripts
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        current = trace_id.set(create_trace_id())
        try:
            await self._answer(scope, receive, _Sender(send, self._headers))
        finally:
            trace_id.reset(current)

    async def _answer(self, scope: Scope, receive: Receive, send: "_Sender") -> None:
        began = self._monotonic()
        path: str = scope["path"]
        preflight = self._open(scope, send)
        try:
            if "\x00" in path:
                # No address of ours has one, and PostgreSQL would not even look it up.
                raise Problem(404, "not_found", "Not Found")
            limited = _LimitedBody(scope, receive, self._max_body(path))
            if self._limiter is not None and not self._limiter.admits(source_of(scope), path):
                raise Problem(
                    429, "too_many_requests", "Too many requests; wait a minute.", headers={"Retry-After": "60"}
                )
            await (preflight or self._app)(scope, limited, send)
        except Exception as exc:
            await _answer_failure(exc, scope, receive, send)
        finally:
            if not path.startswith(_QUIET):
                milliseconds = (self._monotonic() - began) * 1000
                log_request(method=scope["method"], route=_route(scope), status=send.status, milliseconds=milliseconds)

    def _open(self, scope: Scope, send: "_Sender") -> Response | None:
        """Let scripts of any page read this answer, whatever it is, where they may; or answer their preflight."""
        opened = self._open_to_scripts
        methods = None if opened is None else opened.find_methods(scope["path"])
        if opened is None or methods is None:
            return None
        send.add(opened.headers)
        return opened.answer_preflight(scope, methods)

    def _max_body(self, path: str) -> int:
        return next((size for pattern, size in self._large_bodies if pattern.fullmatch(path)), self._max_body_bytes)


async def _answer_failure(error: Exception, scope: Scope, receive: Receive, send: "_Sender") -> None:
    """The last catch: a page where the service has pages, problem details elsewhere; 500 in either, never a 400."""
    problem = problem_of(error)
    if problem.status >= 500:
        log.error("unexpected", exc_info=error)
    if send.status is not None:
        raise error
    request = Request(scope, receive)
    if isinstance(error, OAuthError):
        response = error.response()
    else:
        show = getattr(scope["app"].state, "show_problem", None) if "app" in scope else None
        response = problem.response() if show is None else show(request, problem)
    await response(scope, receive, send)


class _Sender:
    """Adds our headers where the route set none, and remembers the status."""

    def __init__(self, send: Send, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self._send = send
        self._headers = headers
        self.status: int | None = None

    def add(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """These too, where the route sets none."""
        self._headers = [*self._headers, *headers]

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own: list[tuple[bytes, bytes]] = list(message["headers"])
            present = {name for name, _ in own}
            own += [header for header in self._headers if header[0] not in present]
            message["headers"] = [*own, (b"trace-id", (trace_id.get() or "").encode())]
        await self._send(message)


class _LimitedBody:
    """Reads a request's body and refuses to read more than allowed."""

    def __init__(self, scope: Scope, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or int(declared) > limit:
            raise _too_large()

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise _too_large()
        return message


def _too_large() -> Problem:
    return Problem(413, "too_large", "This is more than we read at once.")


class _Limiter:
    """One token bucket for each client address and group of paths; it starts full and holds one minute's worth."""

    def __init__(self, limits: Sequence[RateLimit], monotonic: Callable[[], float]) -> None:
        self._limits = tuple(limits)
        self._monotonic = monotonic
        self._buckets: OrderedDict[tuple[str, int], tuple[float, float]] = OrderedDict()

    def admits(self, client: str, path: str) -> bool:
        for number, limit in enumerate(self._limits):
            if path.startswith(limit.prefixes):
                return self._take((client, number), limit.per_minute)
        return True

    def _take(self, key: tuple[str, int], per_minute: int) -> bool:
        now = self._monotonic()
        tokens, seen = self._buckets.pop(key, (float(per_minute), now))
        tokens = min(float(per_minute), tokens + (now - seen) * per_minute / 60)
        admitted = tokens >= 1
        self._buckets[key] = (tokens - 1 if admitted else tokens, now)
        if len(self._buckets) > _MAX_CLIENTS:
            self._buckets.popitem(last=False)
        return admitted


def source_of(scope: Scope) -> str:
    """Who a request counts for, where somebody may only try so often: an address, or the /64 network of an IPv6 one.

    One subscriber has such a network whole (RFC 6177 §2). The address is the one that uvicorn names; behind a proxy it
    is the forwarded one (`--forwarded-allow-ips`).
    """
    client: Any = scope.get("client")
    host = str(client[0]) if client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{IPv6Address(int(address) >> 64 << 64)}/64"


def _route(scope: Scope) -> str:
    """The route's pattern or function, since a path may carry a secret; unknown paths are not written down at all."""
    pattern = getattr(scope.get("route"), "path", None)
    return str(pattern or getattr(scope.get("endpoint"), "__name__", "-"))
