"""What every test stands on: a fixed time, no network, and real databases of two kinds.

def test_x(now): …                                  NOW, 28 May 2026 at noon UTC
async def test_y(new_database):                     runs on SQLite and again on PostgreSQL
    database = Database(new_database("issuer"))     a fresh database, migrated; ask as often as you need
@pytest.mark.loopback                               this test may open connections to this machine
@pytest.mark.over_http                              its parties talk over real HTTP on this machine (fixture `wire`)
"""

import ipaddress
import os
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support.clock import NOW, FixedClock
from tests.support.databases import PostgresDatabases, SqliteDatabases, postgres_url
from tests.support.hosts import HostTransport
from tests.support.loopback import LoopbackTransport
from tests.support.node_peers import NodePeers, find_node
from tests.support.softhsm import SoftHsm, create_softhsm, find_module

NewDatabase = Callable[[str | None], str]
NewWire = Callable[[], Awaitable[HostTransport]]

# How long one example takes says more about the machine than about the code; what must be fast has its own test.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Keep fresh certificates out of the names of tests: parallel processes must collect the same."""
    return argname if isinstance(val, str) and val.lower().startswith("x509_hash:") else None


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(autouse=True)
def blocked_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The suite runs offline, and fails where something tries to go out (ARCHITECTURE section 7).

    libpq makes its own connections: a PostgreSQL server is reached where `tests.support.databases` found one.
    """
    may_use_loopback = any(request.node.get_closest_marker(name) for name in ("loopback", "over_http"))
    connect = socket.socket.connect
    getaddrinfo = socket.getaddrinfo

    def is_allowed(host: object) -> bool:
        return may_use_loopback and _is_loopback(str(host))

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not is_allowed(address[0]):
            raise AssertionError(f"a test tried to connect to {address[0]}")
        connect(self, address)

    def guarded_getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        if not is_allowed(host.decode() if isinstance(host, bytes) else host):
            raise AssertionError(f"a test tried to resolve {host}")
        return getaddrinfo(host, *arguments, **named)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


@pytest.fixture
async def new_wire(request: pytest.FixtureRequest) -> AsyncIterator[NewWire]:
    """Makes what parties are connected by: the process, or HTTP on this machine where the test says `over_http`."""
    over_http, in_process = (request.node.get_closest_marker(name) for name in ("over_http", "in_process"))
    async with AsyncExitStack() as stack:

        async def create() -> HostTransport:
            if over_http is None or in_process is not None:
                return HostTransport()
            return await stack.enter_async_context(LoopbackTransport())

        yield create


@pytest.fixture
async def wire(new_wire: NewWire) -> HostTransport:
    """What connects the parties of a test that has each of them once."""
    return await new_wire()


@pytest.fixture(scope="session")
def sqlite_databases(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture(scope="session")
def postgres_databases() -> Iterator[PostgresDatabases]:
    server = postgres_url()
    if server is None:
        _skip_or_fail("no PostgreSQL server answers (TEST_POSTGRES_URL)")
    databases = PostgresDatabases(str(server))
    yield databases
    databases.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest) -> Iterator[NewDatabase]:
    """Makes fresh databases; the test runs once a kind. `None` for the package: an empty one."""
    databases = request.getfixturevalue("sqlite_databases" if request.param == "sqlite" else "postgres_databases")
    made: list[str] = []

    def create(package: str | None) -> str:
        made.append(databases.create(package))
        return made[-1]

    yield create
    for url in made:
        databases.drop(url)


@pytest.fixture
def new_sqlite_database(sqlite_databases: SqliteDatabases) -> NewDatabase:
    """The same on SQLite alone, for tests that the kind of database cannot change."""
    return sqlite_databases.create


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser for playwright: `launch(executable_path=chromium, args=["--no-sandbox"])`."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        _skip_or_fail("no chromium on this machine (make chromium)")
    return str(found)


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> SoftHsm:
    """A security module with a token named `issuer`."""
    module = find_module()
    if module is None:
        _skip_or_fail("no SoftHSM on this machine (make softhsm), or no python-pkcs11 (skillswallet[hsm])")
    return create_softhsm(Path(str(module)), tmp_path_factory.mktemp("softhsm"), "issuer")


@pytest.fixture(scope="session")
def node_peers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodePeers]:
    """The parties of tests/interop/node, in one process; for tests that may use `loopback`."""
    node = find_node()
    if node is None:
        _skip_or_fail("no Node.js on this machine, or not the packages of tests/interop/node (make node-peers)")
    peers = NodePeers(str(node), tmp_path_factory.mktemp("node") / "log")
    yield peers
    peers.close()


def _skip_or_fail(reason: str) -> None:
    """Skipping is for laptops; in CI (CI=true) what cannot run has failed."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The same for the published vectors and data, which are skipped in many ways, before and while a test runs."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple) and must_not_be_skipped(report.longrepr[2], os.environ):
        report.outcome = "failed"
        report.longrepr = f"in CI this has failed: {report.longrepr[2]}"
    return report


def must_not_be_skipped(reason: str, environment: Mapping[str, str]) -> bool:
    """Whether published vectors are wanted that are not there: in CI, unless it was seen that there are none at all.

    A list of vectors that came out empty is as good as vectors that are not there.
    """
    is_wanted = bool(environment.get("CI")) and environment.get("PUBLISHED_VECTORS") != "absent"
    return is_wanted and ("../shared" in reason or "got empty parameter set" in reason)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
