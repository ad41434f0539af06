"""Whatever previews or checks a link asks with HEAD: pages answer it, and nothing happens by it. RFC 9110 §9.3.2."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from runtime.database import migrate
from tests.test_architecture import SERVICES, create_app, create_settings, routes_of

# These go out to others, or have no end.
ONLY_GET = {
    "issuer": {
        "/{org}/authorize",
        "/{org}/authorize/{authorization_id}/provider",
        "/{org}/sign-in/callback",
    },
    "wallet": {"/callback/{server}", "/open", "/platforms/callback/{server}"},
    "verifier": {
        "/back-office/{slug}/answers/{request_id}/events",
        "/ask/{slug}/{question_id}/{request_id}/events",
    },
}


def pages_of(app: FastAPI) -> dict[str, set[str]]:
    return {
        route.path: route.methods
        for route in routes_of(app.router)
        if "GET" in route.methods and not route.include_in_schema
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_page_answers_head_but_those_that_do_something(service: str, tmp_path: Path) -> None:
    pages = pages_of(create_app(service, tmp_path))
    assert pages
    assert {path for path, methods in pages.items() if "HEAD" not in methods} == ONLY_GET[service]


@pytest.mark.parametrize("service", SERVICES)
async def test_the_answer_to_head_has_the_headers_of_get(service: str, tmp_path: Path) -> None:
    migrate(create_settings(service, tmp_path).database_url.get_secret_value(), service)
    app = create_app(service, tmp_path)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=f"https://{service}.example") as client:
        for path in ("/", "/sign-in"):
            got = await client.get(path, headers={"Accept": "text/html"})
            client.cookies.clear()
            headed = await client.head(path, headers={"Accept": "text/html"})
            client.cookies.clear()
            changing = {"trace-id", "content-length"}
            assert headed.status_code == got.status_code == 200
            assert headed.headers.keys() - changing == got.headers.keys() - changing
    await app.state.service.close()
