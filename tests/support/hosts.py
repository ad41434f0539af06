"""Several applications, one process, no ports: an httpx transport that finds the application by host and port."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from kernel.errors import RejectedError

App = Callable[..., Any]


class HostTransport(httpx.AsyncBaseTransport):
    """`HostTransport({"localhost:8101": issuer_app})`, handed to `create_app(…, transport=…)`.

    The mapping is read at each request, so applications that need one another can be added after they were made.
    Every request is kept in `requests`: what left the process, and where it went. Hosts in `down` do not answer; the
    names of those in `private` stand for addresses that the guarded transport never calls.
    """

    def __init__(self, apps: Mapping[str, App] | None = None) -> None:
        self.apps: dict[str, App] = dict(apps or {})
        self.requests: list[httpx.Request] = []
        self.down: set[str] = set()
        self.private: set[str] = set()

    def door(self, app: App, host: str, *, source: str = "127.0.0.1") -> httpx.AsyncBaseTransport:
        """The way in for those who use a party under test, from an address; what they ask is not in `requests`."""
        return httpx.ASGITransport(app, client=(source, 1234))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = host_of(request)
        if host in self.private:
            raise RejectedError("the host has an address that is not public")
        self.requests.append(request)
        if host in self.down or host not in self.apps:
            raise httpx.ConnectError(f"nobody answers at {host}", request=request)
        return await httpx.ASGITransport(self.apps[host]).handle_async_request(request)


def host_of(request: httpx.Request) -> str:
    """The `host:port` that a request is for."""
    return f"{request.url.host}:{request.url.port or (443 if request.url.scheme == 'https' else 80)}"
