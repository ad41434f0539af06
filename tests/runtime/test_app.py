"""What stands around every request: limits, headers, health, static files."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from sqlalchemy import text

from runtime.database import Database
from runtime.jitter import random_part
from runtime.middleware import RateLimit, Shell
from runtime.revisions import earlier_revisions, head_revision
from runtime.web.images import image_response
from tests.runtime.conftest import browse, create_sample_app


def test_W32_a_service_waits_a_random_part_longer_unless_a_test_says_otherwise(make_app):
    assert make_app().state.service.jitter is random_part


async def test_health_and_readiness(make_app):
    async with browse(make_app()) as client:
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert (await client.get("/ready")).json() == {"status": "ok"}


async def test_a_service_without_its_database_lives_and_is_not_ready(make_app, monkeypatch: pytest.MonkeyPatch):
    async def fail(_database: Database) -> bool:
        raise OSError("nobody answers")

    monkeypatch.setattr(Database, "is_ready", fail)
    async with browse(make_app()) as client:
        assert (await client.get("/health")).status_code == 200
        response = await client.get("/ready")
    assert (response.status_code, response.json()["code"]) == (503, "database")


@pytest.mark.parametrize(
    ("revision", "status"),
    [(None, 503), ("0001", 503), ("0002", 200), ("9999", 200)],
    ids=["empty", "old", "ok", "newer"],
)
async def test_a_service_whose_database_misses_migrations_is_not_ready(
    new_database, clock, monkeypatch: pytest.MonkeyPatch, revision, status
):
    """One that is further than this code belongs to a deployment under way, whose older processes still answer."""
    monkeypatch.setattr("runtime.web.shell.earlier_revisions", lambda _package: frozenset({None, "0001"}))
    url = new_database(None)
    app = create_sample_app(url, clock)
    if revision is not None:
        async with app.state.service.database.transaction() as session:
            await session.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
            await session.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})
    async with browse(app) as client:
        response = await client.get("/ready")
    assert response.status_code == status
    if status == 503:
        assert response.json()["code"] == "migrations"


@pytest.mark.parametrize("package", ["issuer", "wallet", "verifier"])
def test_readiness_knows_the_revisions_of_every_service(package):
    assert None in earlier_revisions(package)
    assert head_revision(package) not in earlier_revisions(package)


async def test_K84_local_hosts_are_shown_in_the_log_at_the_start_and_all_is_closed_at_the_end(make_app, capfd):
    ran = []

    @asynccontextmanager
    async def worker(app: FastAPI) -> AsyncIterator[None]:
        ran.append("begin")
        yield
        ran.append("end")

    app = make_app(public_url="http://localhost:8101", lifespan=worker)
    async with app.router.lifespan_context(app):
        assert ran == ["begin"]
        assert await app.state.service.database.is_ready()
    assert ran == ["begin", "end"]
    assert app.state.service.fetch._client.is_closed
    log = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["event"] for line in log] == ["started", "http_is_allowed_for_local_development"]
    assert log[1]["local_hosts"] == ["localhost:8102"]


async def test_K84_in_production_nothing_is_said_about_local_hosts(make_app, capfd):
    app = make_app()
    async with app.router.lifespan_context(app):
        pass
    assert "local" not in capfd.readouterr().err


HTTPS_ONLY = "strict-transport-security"


async def test_A52_every_answer_carries_the_security_headers(make_app):
    async with browse(make_app()) as client:
        for path in ("/health", "/nothing", "/static/skillswallet.css"):
            headers = (await client.get(path)).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert HTTPS_ONLY in headers
            assert "access-control-allow-origin" not in headers


async def test_http_on_a_laptop_promises_no_https(make_app):
    async with browse(make_app(public_url="http://localhost:8101")) as client:
        assert HTTPS_ONLY not in (await client.get("/health")).headers


async def test_answers_are_not_stored_unless_their_route_says_so(make_app):
    async with browse(make_app()) as client:
        assert (await client.get("/health")).headers["cache-control"] == "no-store"
        assert (await client.get("/static/skillswallet.css")).headers["cache-control"] == "no-cache"
        assert "immutable" in (await client.get("/static/skillswallet.css?v=1")).headers["cache-control"]


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/", "/static/nothing.css"])
async def test_no_other_file_is_served(make_app, path: str):
    async with browse(make_app()) as client:
        assert (await client.get(path)).status_code == 404


def measuring() -> APIRouter:
    router = APIRouter()

    @router.post("/measure")
    @router.post("/large/measure")
    async def measure(request: Request) -> int:
        return len(await request.body())

    return router


@pytest.mark.parametrize(("path", "limit"), [("/measure", 1024 * 1024), ("/large/measure", 3 * 1024 * 1024)])
async def test_a_body_has_a_limit_whether_it_says_its_size_or_not(make_app, path: str, limit: int):
    async def chunks(size: int):
        for _ in range(size // 65536):
            yield b"x" * 65536
        yield b"x" * (size % 65536)

    app = make_app(routers=[measuring()], large_bodies={"/large/.+": 3 * 1024 * 1024})
    async with browse(app) as client:
        assert (await client.post(path, content=b"x" * limit)).json() == limit
        assert (await client.post(path, content=b"x" * (limit + 1))).status_code == 413
        assert (await client.post(path, content=chunks(limit))).json() == limit
        assert (await client.post(path, content=chunks(limit + 1))).status_code == 413


@pytest.mark.parametrize("declared", ["-1", "x", "1e3", ""])
async def test_a_body_of_a_nonsensical_size_is_refused(make_app, declared: str):
    async with browse(make_app(routers=[measuring()])) as client:
        response = await client.post("/measure", content=b"", headers={"content-length": declared})
    assert response.status_code == 413


class Ticking:
    """A stopwatch that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def answer_ok(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def statuses(shell: Shell, path: str, times: int, client: str = "192.0.2.1") -> list[int]:
    transport = httpx.ASGITransport(shell, client=(client, 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://sample.example") as browser:
        return [(await browser.get(path)).status_code for _ in range(times)]


async def test_a_flood_from_one_address_is_slowed_and_others_are_not():
    watch = Ticking()
    limits = (RateLimit(("/sign-in",), 2), RateLimit(("/",), 3))
    shell = Shell(answer_ok, rate_limits=limits, monotonic=watch)
    assert await statuses(shell, "/a", 4) == [200, 200, 200, 429]
    assert await statuses(shell, "/sign-in", 3) == [200, 200, 429]
    assert await statuses(shell, "/a", 1, client="192.0.2.2") == [200]
    watch.seconds = 20
    assert await statuses(shell, "/a", 2) == [200, 429]
    watch.seconds = 1000
    assert await statuses(shell, "/a", 4) == [200, 200, 200, 429]


async def test_limits_are_on_unless_switched_off(make_app):
    async with browse(make_app(requests_per_minute=2)) as client:
        assert [(await client.get("/nothing")).status_code for _ in range(3)] == [404, 404, 429]
        assert [(await client.get("/health")).status_code for _ in range(3)] == [200, 200, 200]
    async with browse(make_app(requests_per_minute=0)) as client:
        assert [(await client.get("/nothing")).status_code for _ in range(3)] == [404, 404, 404]


async def test_a_limited_request_is_told_when_to_come_back(make_app):
    async with browse(make_app(requests_per_minute=1)) as client:
        await client.get("/nothing")
        response = await client.get("/nothing")
    assert response.headers["retry-after"] == "60"
    assert response.json()["code"] == "too_many_requests"


async def test_A41_a_picture_from_outside_can_be_nothing_but_a_picture(make_app):
    router = APIRouter()

    @router.get("/image")
    async def image():
        return image_response(b"<svg><script>alert(1)</script></svg>", "image/svg+xml", max_age=60)

    async with browse(make_app(routers=[router])) as client:
        headers = (await client.get("/image")).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "sandbox" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "private, max-age=60"
    assert "set-cookie" not in headers


@pytest.mark.parametrize("media_type", ["text/html", "image/svg+xml; charset=x", "application/pdf", ""])
def test_A41_nothing_else_is_served_as_a_picture(media_type: str):
    with pytest.raises(ValueError, match="not a picture"):
        image_response(b"x", media_type)
