"""Theirs, the world's, ours: three kinds of failure in two shapes, over HTTP."""

import re
from typing import Annotated

import pytest
from fastapi import APIRouter, Form
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kernel.errors import (
    CredentialError,
    ExpiredError,
    HolderBindingError,
    MalformedError,
    NonceError,
    RejectedError,
    UndecidedError,
)
from runtime.dependencies import SessionDep, get_service
from runtime.errors import OAuthError, Problem, create_trace_id, oauth_route
from tests.runtime.conftest import browse

TABLE = {NonceError: (400, "invalid_nonce"), RejectedError: (400, "invalid_proof")}


class Body(BaseModel):
    number: int


def failing(error: Exception, route_class=None) -> APIRouter:
    router = APIRouter(**({"route_class": route_class} if route_class else {}))

    @router.post("/fail")
    async def fail(body: Body) -> None:
        raise error

    return router


SECRET = "sanne@student.example"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OAuthError(400, "invalid_grant"), 400, "invalid_grant"),
        (NonceError(SECRET), 400, "invalid_nonce"),
        (HolderBindingError(SECRET), 400, "invalid_proof"),
        (ExpiredError(SECRET), 400, "invalid_proof"),
        (MalformedError(SECRET), 400, "invalid_request"),
        (UndecidedError(SECRET), 503, "temporarily_unavailable"),
    ],
)
async def test_a_protocol_endpoint_answers_with_the_word_of_its_table(make_app, error, status, code):
    router = failing(error, oauth_route(malformed="invalid_request", table=TABLE))
    async with browse(make_app(routers=[router])) as client:
        response = await client.post("/fail", json={"number": 1})
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert response.headers["cache-control"] == "no-store"
    assert SECRET not in response.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"number": "x"}', b'{"number": null}', b"{}", b"\xff"])
async def test_a_protocol_endpoint_never_answers_422(make_app, body: bytes):
    router = failing(RuntimeError(), oauth_route(malformed="invalid_credential_request"))
    async with browse(make_app(routers=[router])) as client:
        response = await client.post("/fail", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()) == (400, {"error": "invalid_credential_request"})


async def test_a_protocol_endpoint_reads_forms_too(make_app):
    router = APIRouter(route_class=oauth_route(malformed="invalid_request"))

    @router.post("/token")
    async def token(grant_type: Annotated[str, Form()]) -> dict[str, str]:
        return {"grant_type": grant_type}

    async with browse(make_app(routers=[router])) as client:
        assert (await client.post("/token", data={"grant_type": "x"})).json() == {"grant_type": "x"}
        assert (await client.post("/token", data={})).json() == {"error": "invalid_request"}


@pytest.mark.parametrize("error", [error.sentence for error in (CredentialError, *CredentialError.__subclasses__())])
def test_a_description_is_printable_ascii_without_quotes_and_backslashes(error: str):
    """OpenID4VCI 1.0 §8.3.1.2, RFC 6749 §5.2."""
    assert re.fullmatch(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+", error)


@pytest.mark.parametrize(
    ("error", "challenge"),
    [(OAuthError(401, None), "Bearer"), (OAuthError(401, "invalid_token"), 'Bearer error="invalid_token"')],
)
async def test_a_401_carries_its_challenge(make_app, error: OAuthError, challenge: str):
    """RFC 6750 §3: no error code where the request carried no credentials."""
    async with browse(make_app(routers=[failing(error)])) as client:
        response = await client.post("/fail", json={"number": 1})
    assert response.headers["www-authenticate"] == challenge
    assert bool(response.content) is (error.error is not None)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Problem(409, "slug_taken", "Taken."), 409, "slug_taken"),
        (NonceError(SECRET), 400, "nonce"),
        (UndecidedError(SECRET), 503, "undecided"),
        (RuntimeError(SECRET), 500, "server_error"),
        (OperationalError(SECRET, {}, Exception("database is locked")), 503, "busy"),
        (PoolTimeoutError(SECRET), 503, "busy"),
        (KeyError(SECRET), 500, "server_error"),
        (ValueError(SECRET), 500, "server_error"),
    ],
)
async def test_elsewhere_a_failure_is_a_problem_with_a_trace_id(make_app, error, status, code):
    """RFC 9457. Our own mistakes are 500 and never dressed as somebody else's."""
    async with browse(make_app(routers=[failing(error)])) as client:
        response = await client.post("/fail", json={"number": 1})
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["trace_id"] == response.headers["trace-id"]
    assert SECRET not in response.text


async def test_wrong_input_is_named_by_field_and_never_repeated(make_app):
    async with browse(make_app(routers=[failing(RuntimeError())])) as client:
        response = await client.post("/fail", json={"number": SECRET})
    assert (response.status_code, response.json()["fields"]) == (400, {"number": "int_parsing"})
    assert SECRET not in response.text


async def test_a_problem_carries_step_and_hint():
    body = Problem(
        400, "tx_code", "Wrong.", step="token", hint="Look in your mail.", fields={"tx_code": "wrong"}
    ).body()
    assert (body["step"], body["hint"], body["fields"]) == ("token", "Look in your mail.", {"tx_code": "wrong"})


@pytest.mark.parametrize(("path", "accept"), [("/nothing", "application/json"), ("/api/nothing", "text/html")])
async def test_an_unknown_address_is_a_problem_for_programs(make_app, path: str, accept: str):
    async with browse(make_app()) as client:
        response = await client.get(path, headers={"accept": accept})
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_an_unknown_address_is_a_page_for_people(make_app):
    async with browse(make_app(), accept="text/html") as client:
        response = await client.get("/nothing")
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert response.headers["trace-id"] in response.text


async def test_our_own_mistake_is_a_page_for_people_that_blames_nobody(make_app):
    async with browse(make_app(routers=[failing(RuntimeError(SECRET))]), accept="text/html") as client:
        response = await client.post("/fail", json={"number": 1})
    assert response.status_code == 500
    assert "Er ging iets mis bij ons" in response.text
    assert SECRET not in response.text


async def test_each_request_has_its_own_trace_id_and_a_client_cannot_choose_it(make_app):
    async with browse(make_app()) as client:
        first = await client.get("/health", headers={"trace-id": "CHOSEN"})
        second = await client.get("/health")
    assert re.fullmatch(r"[2-9A-HJKMNP-Z]{10}", first.headers["trace-id"])
    assert first.headers["trace-id"] != second.headers["trace-id"]


async def test_the_transaction_commits_before_the_response_leaves(make_app):
    """A commit that fails is answered with 500: with FastAPI's default scope it would have been a 200."""
    router = APIRouter()

    @router.post("/write")
    async def write(session: SessionDep) -> dict[str, bool]:
        await session.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        await session.execute(
            text("CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)")
        )
        await session.execute(text("INSERT INTO child VALUES (1)"))
        return {"written": True}

    async with browse(make_app(routers=[router])) as client:
        response = await client.post("/write")
    assert response.status_code == 500


async def test_a_request_that_raises_writes_nothing(make_app):
    router = APIRouter()

    @router.post("/write")
    async def write(session: SessionDep) -> None:
        await session.execute(text("CREATE TABLE written (id INTEGER)"))
        raise NonceError

    app = make_app(routers=[router])
    async with browse(app) as client:
        assert (await client.post("/write")).status_code == 400
        async with app.state.service.database.reading() as session:
            assert await session.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'written'")) == 0


async def test_a_plain_route_has_the_same_pieces_at_hand(make_app):
    async def nonce(request: Request) -> Response:
        async with get_service(request).database.transaction() as session:
            return Response(str(await session.scalar(text("SELECT 1"))))

    async def refuse(request: Request) -> Response:
        raise OAuthError(400, "invalid_request")

    routes = [Route("/nonce", nonce, methods=["POST"]), Route("/refuse", refuse, methods=["POST"])]
    async with browse(make_app(routes=routes)) as client:
        assert (await client.post("/nonce")).text == "1"
        assert (await client.post("/refuse")).json() == {"error": "invalid_request"}


def test_A55_trace_ids_are_all_different_and_can_be_read_aloud():
    made = [create_trace_id() for _ in range(1000)]
    assert len(set(made)) == 1000
    assert all(re.fullmatch("[2-9A-HJKMNP-TV-Z]{10}", trace_id) for trace_id in made)
