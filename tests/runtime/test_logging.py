"""What reaches the log, and above all what does not."""

import io
import json
import logging

import pytest
import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import text

from kernel.errors import NonceError
from runtime.dependencies import SessionDep
from runtime.logging import configure_logging, get_logger, redact_text, trace_id
from tests.runtime.conftest import browse

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJzYW5uZSJ9.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
RANDOM = "q1T-fV0k3yq0n7wWJr3m5vYx8Zc2Lh4Ea6Sd9Gb1Ku0"
PERSON = "sanne.jansen@student.example"


@pytest.fixture
def log() -> io.StringIO:
    """Everything that the process logs."""
    stream = io.StringIO()
    configure_logging("debug", stream=stream)
    return stream


@pytest.fixture(autouse=True)
def log_as_before():
    yield
    configure_logging("info")


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_the_trace_id(log: io.StringIO):
    token = trace_id.set("7MM2QV6PEF")
    get_logger("issuer.credential").info("credential_issued", status_index=7)
    trace_id.reset(token)
    (line,) = lines(log)
    assert line["event"] == "credential_issued"
    assert line["status_index"] == 7
    assert line["trace_id"] == "7MM2QV6PEF"
    assert line["logger"] == "issuer.credential"
    assert line["level"] == "info"


@pytest.mark.parametrize(
    "secret",
    [
        JWT,
        f"{JWT}~WyJzYWx0IiwgImEiLCAxXQ~",
        RANDOM,
        PERSON,
        "did:jwk:eyJrdHkiOiJFQyJ9",
        "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169",
        "Sanne.Jansen+badge@Student.Example",
    ],
)
@pytest.mark.parametrize(
    "form",
    ["{}", "refused: {}", "https://v.example/r?state={}&x=1", "('{}',)", '{{"a": "{}"}}', "a={};b", "<{}>"],
)
def test_A55_secrets_and_persons_are_taken_out_of_every_text(secret: str, form: str):
    assert secret not in redact_text(form.format(secret))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer abc.def", "Authorization: Bearer [token]"),
        ("dpop abc", "dpop [token]"),
        ("/result?response_code=1234&x=y", "/result?response_code=[value]&x=y"),
        ("?pre-authorized_code=12&tx_code=493536", "?pre-authorized_code=[value]&tx_code=[value]"),
    ],
)
def test_A55_short_secrets_are_known_by_what_stands_before_them(text: str, left: str):
    assert redact_text(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "credential_issued",
        "http_is_allowed_for_local_development",
        "ab3e1d6c-17a1-4f9e-8d0e-0d6a1d4b2f10",
        "did:web:localhost%3A8101:stmw",
        "the DID document has no such key in assertionMethod",
        "https://issuer.example/school/achievements/adviseur",
    ],
)
def test_what_helps_a_helper_stays_readable(text: str):
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "token", "access_token", "api_key", "passphrase", "tx_code", "pre_authorized_code", "c_nonce", "proof",
        "email", "given_name", "family_name", "name", "claims", "disclosures", "credential", "vp_token",
        "authorization", "cookie", "set-cookie", "private_key", "recipients", "sub", "birth_date",
    ],
)  # fmt: skip
def test_A55_members_named_like_a_secret_or_a_person_are_dropped(log: io.StringIO, name: str):
    get_logger("x").info("e", **{name: "short"}, nested={"list": [{name: "short"}]})
    assert "short" not in log.getvalue()


def test_A55_other_objects_are_named_by_their_class_only(log: io.StringIO):
    class Person(BaseModel):
        name: str

    get_logger("x").info("e", who=Person(name="Sanne Jansen"), raw=b"Sanne Jansen", many=(Person(name="Sanne Jansen"),))
    assert "Sanne" not in log.getvalue()
    assert lines(log)[0]["who"] == "[Person]"


def test_A55_a_traceback_tells_where_and_what_class_and_not_what_was_in_it(log: io.StringIO):
    try:
        int(f"Sanne Jansen {PERSON}")
    except ValueError:
        get_logger("x").exception("unexpected")
    (line,) = lines(log)
    assert line["error_class"] == "builtins.ValueError"
    assert "test_logging.py" in str(line["trace"])
    assert "Sanne" not in log.getvalue()


def test_the_detail_of_our_own_errors_is_told_redacted(log: io.StringIO):
    get_logger("x").warning("refused", exc_info=NonceError(f"spent before, by {PERSON}"))
    (line,) = lines(log)
    assert line["error_code"] == "nonce"
    assert line["detail"] == "spent before, by [email]"


@pytest.mark.parametrize("library", ["uvicorn.error", "sqlalchemy.engine", "asyncio", "httpx"])
def test_A55_libraries_pass_the_same_net(log: io.StringIO, library: str):
    logging.getLogger(library).warning("went wrong for %s with %s", PERSON, JWT)
    assert lines(log)[0]["logger"] == library
    assert PERSON not in log.getvalue()
    assert JWT not in log.getvalue()


def test_A55_libraries_do_not_log_urls_or_statements_on_any_level(log: io.StringIO):
    logging.getLogger("httpx").info("GET https://v.example/secret")
    logging.getLogger("uvicorn.access").info("GET /offers/secret")
    logging.getLogger("sqlalchemy.engine.Engine").info("INSERT … secret")
    assert log.getvalue() == ""


def test_a_bound_value_is_redacted_too(log: io.StringIO):
    with structlog.contextvars.bound_contextvars(holder=PERSON):
        get_logger("x").info("e")
    assert PERSON not in log.getvalue()


def test_configuring_twice_writes_once(log: io.StringIO):
    second = io.StringIO()
    configure_logging("debug", stream=second)
    get_logger("x").info("e")
    assert (len(lines(log)), len(lines(second))) == (0, 1)


async def test_A55_no_request_leaves_a_secret_in_the_log(make_app, log: io.StringIO):
    """One request with a secret in every place there is, through success, refusal and crash."""
    router = APIRouter()

    @router.post("/offers/{secret}")
    async def offers(secret: str, request: Request) -> dict[str, str]:
        await request.body()
        return {"token": secret}

    @router.post("/refused/{secret}")
    async def refused(secret: str) -> None:
        raise NonceError(f"nonce {secret}")

    @router.post("/crash/{secret}")
    async def crash(secret: str, session: SessionDep) -> None:
        await session.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": secret})

    app = make_app(routers=[router])
    configure_logging("debug", stream=log)
    async with browse(app) as client:
        for place in ("offers", "refused", "crash", "unknown"):
            for secret in (RANDOM, JWT, PERSON):
                await client.post(
                    f"/{place}/{secret}?code={secret}",
                    json={"email": PERSON, "proof": JWT},
                    headers={
                        "authorization": f"Bearer {RANDOM}",
                        "cookie": f"sample-session={RANDOM}",
                        "referer": PERSON,
                    },
                )
    written = log.getvalue()
    assert len(lines(log)) >= 12
    for secret in (RANDOM, JWT, PERSON, "sanne"):
        assert secret not in written
    assert {line["route"] for line in lines(log) if line["event"] == "request"} == {
        "/offers/{secret}", "/refused/{secret}", "/crash/{secret}", "-",
    }  # fmt: skip
