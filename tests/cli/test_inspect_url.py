"""`skillswallet inspect URL` over real HTTP, to a host on this machine: what it opens, and what it does not."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from kernel.baking import bake
from kernel.status.bitstring_status_list import MEDIA_TYPE
from runtime import fetch
from tests.cli.test_inspect import TEXT, Ecosystem, ecosystem, entry, inspect
from tests.kernel.test_importing import PNG

pytestmark = pytest.mark.loopback
__all__ = ["ecosystem"]

JSON = "application/ld+json"
OPENED = "Deze badge is echt en geldig"
NOT_OPENED = "We konden dit webadres nu niet openen"
ANSWERS = {
    "/badge": (200, JSON, TEXT.encode()),
    "/credential": (200, MEDIA_TYPE, TEXT.encode()),
    "/badge.png": (200, "image/png", bake(PNG, TEXT)),
    "/text": (200, "text/plain; charset=utf-8", TEXT.encode()),
    "/page": (200, "text/html", TEXT.encode()),
    "/untyped": (200, "", TEXT.encode()),
    "/large": (200, JSON, TEXT.encode() + b" " * 3 * 1024 * 1024),
    "/moved": (302, JSON, TEXT.encode()),
    "/broken": (503, JSON, TEXT.encode()),
    "/slow": (200, JSON, TEXT.encode()),
}


class BadgeHost(ThreadingHTTPServer):
    """Answers by path, notes what it was asked, and answers `/slow` only when the test is over."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[SimpleNamespace] = []
        self.is_over = threading.Event()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: BadgeHost

    def do_GET(self) -> None:
        self.server.asked.append(SimpleNamespace(path=self.path, headers=dict(self.headers.items())))
        if self.path == "/slow":
            self.server.is_over.wait(60)
        status, media_type, body = ANSWERS[self.path]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/badge")
        if media_type:
            self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # Whoever was sent too much hangs up.
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing on the terminal of the tests."""


@pytest.fixture
def host() -> Iterator[BadgeHost]:
    with BadgeHost() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.is_over.set()
        server.shutdown()
        thread.join()


def open_address(host: BadgeHost, path: str, *more: str) -> tuple[int, str]:
    return inspect(f"http://{host.place}{path}", "--allow-http-to", host.place, *more)


@pytest.mark.parametrize("path", ["/badge", "/credential", "/badge.png", "/text"])
def test_B21_a_badge_at_an_address_is_opened_and_believed(host: BadgeHost, path: str) -> None:
    status, output = open_address(host, path, "--any-issuer")
    assert (status, [asked.path for asked in host.asked]) == (0, [path])
    assert OPENED in output


def test_B21_programs_get_the_report_of_what_stood_there(host: BadgeHost) -> None:
    status, output = open_address(host, "/badge", "--any-issuer", "--json")
    report = json.loads(output)
    assert (status, report["verdict"]) == (0, "proven")
    assert {check["code"]: check["outcome"] for check in report["checks"]}["proof"] == "passed"


def test_T02_a_list_may_stand_at_an_address(
    host: BadgeHost, ecosystem: Ecosystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    ecosystem.sign(entry())
    place, signer = f"http://{host.place}/list", ecosystem.options[3]
    monkeypatch.setitem(ANSWERS, "/list", (200, "application/jwt", Path(ecosystem.options[1]).read_bytes()))
    assert open_address(host, "/badge", "--trust-list", place, "--trust-signer", signer)[0] == 0
    monkeypatch.setitem(ANSWERS, "/list", (503, "application/jwt", b""))
    assert open_address(host, "/badge", "--trust-list", place, "--trust-signer", signer)[0] == 2


def test_K83_the_address_is_asked_without_cookies_credentials_or_referrer(host: BadgeHost) -> None:
    open_address(host, "/badge")
    [asked] = host.asked
    names = {name.lower() for name in asked.headers}
    assert names.isdisjoint({"cookie", "authorization", "referer"})
    assert "application/ld+json" in asked.headers["Accept"]


@pytest.mark.parametrize(
    "path",
    ["/moved", "/page", "/untyped", "/large", "/broken"],
    ids=["redirect", "wrong-type", "no-type", "too-large", "server-error"],
)
def test_K82_K83_A42_what_the_rules_of_fetching_refuse_is_not_opened(host: BadgeHost, path: str) -> None:
    status, output = open_address(host, path)
    assert status == 2
    assert NOT_OPENED in output
    # One request: nobody was followed, and nothing was tried again.
    assert [asked.path for asked in host.asked] == [path]


def test_K83_an_address_that_does_not_answer_is_given_up(host: BadgeHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_TOTAL_SECONDS", 0.2)
    status, output = open_address(host, "/slow")
    assert status == 2
    assert NOT_OPENED in output


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_K81_K84_A42_this_machine_is_not_asked_unless_it_is_named(host: BadgeHost, scheme: str) -> None:
    for name in ("127.0.0.1", "localhost"):
        status, output = inspect(f"{scheme}://{name}:{host.server_port}/badge")
        assert status == 2
        assert NOT_OPENED in output
    # What is no address of the web at all is no badge either.
    for name in ("[::ffff:127.0.0.1]", "192.168.1.1", "2130706433"):
        assert inspect(f"{scheme}://{name}:{host.server_port}/badge")[0] in (1, 2)
    # Naming one port of it opens no other.
    assert inspect(f"{scheme}://{host.place}/badge", "--allow-http-to", "127.0.0.1:1")[0] == 2
    assert host.asked == []


def test_K85_the_reason_why_an_address_was_not_opened_is_for_no_stranger(host: BadgeHost) -> None:
    said = {open_address(host, path)[1].replace(path, "") for path in ("/moved", "/page", "/large", "/broken")}
    assert len(said) == 1
