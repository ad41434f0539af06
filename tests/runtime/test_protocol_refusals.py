"""What a protocol endpoint answers to a request that never came to it: an OAuth error (RFC 6749 §5.2)."""

import re

import httpx
import pytest
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from runtime.errors import oauth_route
from runtime.web.pages import Pages
from tests.runtime.conftest import browse

protocol = APIRouter(route_class=oauth_route(malformed="invalid_request"))
management = APIRouter()


@protocol.post("/{slug}/responses")
async def respond(slug: str, request: Request) -> Response:
    return PlainTextResponse(await request.body())


@management.post("/api/things")
async def things(request: Request) -> Response:
    return PlainTextResponse(await request.body())


async def token(request: Request) -> Response:
    return PlainTextResponse(await request.body())


def make(make_app, **settings):
    routes = [Route("/{org}/token", token, methods=["POST"])]
    return make_app(routers=[protocol, management], routes=routes, pages=Pages("runtime"), **settings)


def assert_oauth_error(answer: httpx.Response, status: int, error: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == error
    # RFC 6749 §5.2: printable ASCII without quotation mark and backslash.
    assert re.fullmatch(r"[\x20\x21\x23-\x5B\x5D-\x7E]+", answer.json()["error_description"])
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/stmw/token", "/stmw/responses"])
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
async def test_wrong_method_and_too_large_a_body_are_oauth_errors(make_app, path, accept):
    async with browse(make(make_app)) as client:
        for method in ("GET", "PUT", "DELETE"):
            refused = await client.request(method, path, headers={"Accept": accept})
            assert_oauth_error(refused, 405, "invalid_request")
            assert refused.headers["allow"] == "POST"
        big = b"x" * (1024 * 1024 + 1)
        assert_oauth_error(await client.post(path, content=big, headers={"Accept": accept}), 413, "invalid_request")

        async def chunks():
            yield big

        assert_oauth_error(await client.post(path, content=chunks()), 413, "invalid_request")
        assert (await client.post(path, content=b"fits")).text == "fits"


@pytest.mark.parametrize("path", ["/stmw/token", "/stmw/responses"])
async def test_A52_too_many_requests_are_an_oauth_error_with_a_time_to_return(make_app, path):
    async with browse(make(make_app, requests_per_minute=1)) as client:
        await client.post(path)
        refused = await client.post(path)
    assert_oauth_error(refused, 429, "temporarily_unavailable")
    assert refused.headers["retry-after"] == "60"


async def test_management_and_pages_keep_their_own_shapes(make_app):
    async with browse(make(make_app)) as client:
        refused = await client.get("/api/things")
        assert (refused.status_code, refused.headers["content-type"]) == (405, "application/problem+json")
        page = await client.get("/nothing", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
