"""Several applications behind real sockets: what `HostTransport` does in the process, over HTTP on this machine.

async with LoopbackTransport() as transport:
    transport.apps["issuer.example:443"] = issuer.app()
    app = create_app(settings, transport=transport)

Each name has a port of its own, where uvicorn serves it. Our services go there as they go anywhere, through the guard
that they have in production: a resolver of ours gives every name a public address, the guard checks it and connects to
it and to nothing else, and only below the guard does that address become a port of 127.0.0.1.
"""

import asyncio
import itertools
import socket
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx
import uvicorn

from runtime.fetch import GuardedTransport
from tests.support.hosts import App, HostTransport, host_of

_PRIVATE = "10.0.0.1"


class LoopbackTransport(HostTransport):
    """Serves each application from the first request to it until the end of the `async with`.

    Who answers is asked of `apps` at each request, so that a party can be replaced while it is served. What goes wrong
    inside one is raised at the end: what a simulator asserts must not turn into a 500 that somebody expects.
    """

    def __init__(self) -> None:
        super().__init__()
        self._parties: dict[str, _Party] = {}
        self._numbers = itertools.count(1)
        self._guarded = GuardedTransport(resolve=self._resolve, inner=_Handing(self._send_to_address))
        # It speaks no TLS, and reading the certificates of the world takes longer than most tests.
        self._sockets = httpx.AsyncHTTPTransport(
            verify=False, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._sockets.aclose()
        for party in self._parties.values():
            await party.stop()
        failures = [failure for party in self._parties.values() for failure in party.failures]
        if failures:
            raise failures[0]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if host_of(request) not in self.private:
            self.requests.append(request)
        return await self._guarded.handle_async_request(request)

    def door(self, app: App, host: str, *, source: str = "127.0.0.1") -> httpx.AsyncBaseTransport:
        """Whoever comes in over HTTP comes from this machine, whatever `source` says."""
        self.apps[host] = app
        return _Handing(lambda request: self._send(request, host))

    async def _resolve(self, name: str, port: int) -> Sequence[str]:
        host = f"{name}:{port}"
        if host in self.private:
            return [_PRIVATE]
        if host not in self.apps:
            raise socket.gaierror(f"nobody is called {name}")
        return [self._party(host).address]

    async def _send_to_address(self, request: httpx.Request) -> httpx.Response:
        [host] = [name for name, party in self._parties.items() if party.address == request.url.host]
        return await self._send(request, host)

    async def _send(self, request: httpx.Request, host: str) -> httpx.Response:
        port = await self._party(host).listen(is_up=host not in self.down)
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=port)
        content = await request.aread()
        return await self._sockets.handle_async_request(
            httpx.Request(request.method, url, headers=request.headers, content=content)
        )

    def _party(self, host: str) -> "_Party":
        if host not in self._parties:
            self._parties[host] = _Party(lambda: self.apps[host], f"11.0.0.{next(self._numbers)}")
        return self._parties[host]


class _Party:
    """One name: its address, and the socket behind it."""

    def __init__(self, find_app: Callable[[], App], address: str) -> None:
        self.address = address
        self.failures: list[BaseException] = []
        self._find_app = find_app
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None

    async def listen(self, *, is_up: bool) -> int:
        """The port. Who is down has one too, at which every connection is refused."""
        if self._server is not None and not is_up:
            await self.stop()
        if self._socket is None:
            self._socket = socket.socket()
            self._socket.bind(("127.0.0.1", 0))
        if self._server is None and is_up:
            self._server = await self._serve(self._socket)
        return int(self._socket.getsockname()[1])

    async def stop(self) -> None:
        """End at once what runs and what is open. uvicorn's own way waits for both, in tenths of seconds."""
        if self._server is not None:
            for listener in self._server.servers:
                listener.close()
            state = self._server.server_state
            for task in state.tasks:
                task.cancel()
            await asyncio.gather(*state.tasks, return_exceptions=True)
            for connection in state.connections:
                connection.transport.abort()
            while state.connections:  # noqa: ASYNC110 - the server says it in no other way
                await asyncio.sleep(0)
        if self._socket is not None:
            self._socket.close()
        self._server = self._socket = None

    async def _serve(self, listener: socket.socket) -> uvicorn.Server:
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            lifespan="off",
            ws="none",
            proxy_headers=False,
            log_config=None,
            access_log=False,
        )
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=[listener])
        return server

    async def _answer(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        try:
            await self._find_app()(scope, receive, send)
        except asyncio.CancelledError:
            raise
        except BaseException as failure:
            self.failures.append(failure)
            raise


class _Handing(httpx.AsyncBaseTransport):
    """A transport that is one function."""

    def __init__(self, send: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self._send = send

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._send(request)
