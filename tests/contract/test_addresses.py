"""An address is itself and no other, and says by which methods it is there.

What ends in another slash is not there, and nobody is sent anywhere for it.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Mount, Route

from tests.conftest import NewDatabase
from tests.issuer.conftest import create_issuer
from tests.support.clock import FixedClock
from tests.verifier.conftest import MakeStage
from tests.wallet.conftest import create_house

STRANGE_HOST = {"Host": "evil.example"}


def addresses_beside(app: FastAPI) -> list[tuple[str, str]]:
    """Every address of a service with a slash too many, or too few, and a method that the address itself knows."""
    found: list[tuple[str, str]] = []
    for route in app.router.routes:
        if isinstance(route, Mount):
            found.append(("GET", route.path))
        elif isinstance(route, Route) and route.path != "/":
            path = re.sub(r"\{[^}]+\}", "1", route.path)
            found += [(method, f"{path}/") for method in sorted(route.methods or ())]
    return found


async def wrong_answers(app: FastAPI) -> list[str]:
    """Each answer that is anything but a 404 in the shape of a service: a page for a browser, otherwise a problem."""
    wrong: list[str] = []
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=app.state.service.settings.public_url) as client:
        for method, address in addresses_beside(app):
            for accept, shape in (("*/*", "application/problem+json"), ("text/html", "text/html")):
                answer = await client.request(method, address, headers={**STRANGE_HOST, "Accept": accept})
                expected = "application/problem+json" if address.startswith("/api/") else shape
                if (answer.status_code, answer.headers.get("content-type", "").partition(";")[0]) != (404, expected):
                    wrong.append(f"{method} {address}: {answer.status_code} {answer.headers}")
    return wrong


@pytest.fixture(params=["issuer", "wallet", "verifier"])
async def app(
    request: pytest.FixtureRequest,
    new_sqlite_database: NewDatabase,
    clock: FixedClock,
    make_stage: MakeStage,
    tmp_path: Path,
) -> AsyncIterator[FastAPI]:
    """Each service in turn."""
    url = new_sqlite_database(request.param)
    match request.param:
        case "issuer":
            issuer = await create_issuer(url, clock)
            yield issuer.app
            await issuer.client.aclose()
            await issuer.app.state.service.close()
        case "wallet":
            house = create_house(url, tmp_path)
            yield house.app
            await house.close()
        case _:
            yield (await make_stage(url)).app


async def test_I11_A28_A57_no_address_leads_to_the_host_that_a_request_names(app: FastAPI) -> None:
    """A redirect built from the Host header would send a code, in a body that goes along, to whoever named the host."""
    assert len(addresses_beside(app)) > 20
    assert await wrong_answers(app) == []


def methods_by_address(app: FastAPI) -> dict[str, set[str]]:
    """Every address of a service, with all methods of the routes that lead there."""
    routes = [route for route in app.router.routes if isinstance(route, Route)]
    return {
        path: set().union(*(other.methods or () for other in routes if other.path_regex.match(path)))
        for path in {re.sub(r"\{[^}]+\}", "1", route.path) for route in routes}
    }


async def test_V02_a_method_that_an_address_does_not_know_is_answered_with_all_that_it_knows(app: FastAPI) -> None:
    """RFC 9110 §15.5.6."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=app.state.service.settings.public_url) as client:
        for address, methods in {**methods_by_address(app), "/static/skillswallet.css": {"GET", "HEAD"}}.items():
            answer = await client.request("PROPFIND", address)
            assert (answer.status_code, answer.headers["allow"]) == (405, ", ".join(sorted(methods))), address
