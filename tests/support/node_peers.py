"""Other people's implementations in JavaScript, as parties that really talk to ours over HTTP on this machine.

async with peers.meeting(house.transport) as call:      # from here on its requests reach our applications, by name
    received = await call("openid4vci_wallet", "receive", offer=link, tx_code="123456")
house.transport.apps["peer.example:443"] = peers.app    # and ours reach what it serves under that name

The scripts are in tests/interop/node; what they stand on is installed by `make node-peers`.
"""

import asyncio
import json
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.support.hosts import HostTransport

SCRIPTS = Path(__file__).resolve().parents[1] / "interop" / "node"
PATIENCE = 60.0

Call = Callable[..., Awaitable[Any]]


class PeerError(Exception):
    """What the other party says is wrong. `name` is the class of its error."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name


def find_node() -> str | None:
    """The interpreter, if that and the packages that were locked are here."""
    locked, installed = SCRIPTS / "package-lock.json", SCRIPTS / "node_modules" / ".installed"
    if not installed.exists() or installed.read_bytes() != locked.read_bytes():
        return None
    return shutil.which("node")


def locked_versions() -> dict[str, str]:
    """Which version of which package `make node-peers` installs."""
    packages = json.loads((SCRIPTS / "package-lock.json").read_text())["packages"]
    return {path.removeprefix("node_modules/"): package["version"] for path, package in packages.items() if path}


class NodePeers:
    """One Node process for a whole test run. What it prints is in `log`."""

    def __init__(self, node: str, log: Path) -> None:
        self.log = log
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [node, "serve.mjs"], cwd=SCRIPTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
        self._lock = threading.Lock()
        self._port = self._read()["port"]

    @asynccontextmanager
    async def meeting(self, transport: HostTransport) -> AsyncIterator[Call]:
        """Open a door to these applications: a port of this machine that serves each by its name."""
        server = uvicorn.Server(uvicorn.Config(_by_name(transport), port=0, lifespan="off", log_config=None))
        running = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - the server says it in no other way
            await asyncio.sleep(0.01)
        door = server.servers[0].sockets[0].getsockname()[1]

        async def call(party: str, does: str, **arguments: Any) -> Any:
            message = {"party": party, "does": does, "with": arguments, "door": door}
            return await asyncio.to_thread(self._call, message)

        yield call
        server.should_exit = True
        await running

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything that this process serves, as an application for `HostTransport`."""
        request = Request(scope, receive)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self._port}") as http:
            query = request.url.query
            answer = await http.request(
                request.method,
                request.url.path + (f"?{query}" if query else ""),
                headers={**request.headers, "host": request.url.netloc},
                content=await request.body(),
            )
        headers = {name: value for name, value in answer.headers.items() if name != "transfer-encoding"}
        await Response(answer.content, answer.status_code, headers)(scope, receive, send)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(PATIENCE)
        self._process.stdout.close()

    def call(self, party: str, does: str, /, **arguments: Any) -> Any:
        """Ask a party that needs nobody else."""
        return self._call({"party": party, "does": does, "with": arguments, "door": None})

    def _call(self, message: dict[str, Any]) -> Any:
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._read()
        if "error" in answer:
            raise PeerError(answer["error"]["name"], answer["error"]["message"])
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        alarm = threading.Timer(PATIENCE, self._process.kill)
        alarm.start()
        line = self._process.stdout.readline()
        alarm.cancel()
        if not line:
            raise PeerError("NoAnswer", self.log.read_text()[-2000:])
        return dict(json.loads(line))


def _by_name(transport: HostTransport) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        host = dict(scope["headers"])[b"host"].decode()
        await transport.apps[f"{host}:443"](scope, receive, send)

    return app
