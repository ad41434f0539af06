"""Each service against its own OpenAPI document: schemathesis makes requests of it, valid ones and broken ones.

No answer is a failure of ours (5xx), and none is one that the document does not name: its status, its content type,
its shape. The requests are the same in each run. Organisation, key and session are real, so they get past the door,
and every second request is about things that exist. The protocol's endpoints are among them; access tokens are not,
so what those open is held against the document by the tests of each service (`tests/support/documented.py`).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conftest import NewDatabase
from tests.issuer.conftest import ORG, SLUG, create_issuer
from tests.support.clock import FixedClock
from tests.support.documented import documented
from tests.verifier.conftest import ADMIN_KEY, VERIFIER, MakeStage
from tests.wallet.conftest import WALLET, create_house

DOCUMENTS = Path(__file__).parents[2] / "openapi"
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 4


def create_cases(operation: Any, mode: GenerationMode) -> list[Any]:
    """A few requests of one operation, the same each time."""
    cases: list[Any] = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        cases.append(case)

    try:
        collect()
    except (schemathesis.errors.SchemathesisError, Unsatisfiable):
        # Nothing about this operation can be wrong.
        assert mode is GenerationMode.NEGATIVE
    return cases


async def wrong_answers(
    service: str, app: FastAPI, base: str, key: str, known: Mapping[str, str], last: frozenset[str] = frozenset()
) -> tuple[list[str], set[int]]:
    """Every answer that the document does not describe; and which statuses came at all."""
    document = json.loads((DOCUMENTS / f"{service}.json").read_text())
    schema = schemathesis.openapi.from_dict(document)
    operations = [found.ok() for found in schema.get_all_operations()]
    operations.sort(key=lambda each: each.label in last)
    wrong, statuses = [], set()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        for operation in operations:
            for mode in GenerationMode:
                for number, case in enumerate(create_cases(operation, mode)):
                    if number % 2 == 0:
                        case.path_parameters = {
                            name: known.get(name, value) for name, value in (case.path_parameters or {}).items()
                        }
                    headers = {"Authorization": f"Bearer {key}"}
                    sent = requests.Request(
                        **_plain(case.as_transport_kwargs(base_url=base, headers=headers))
                    ).prepare()
                    response = await client.request(
                        str(sent.method), str(sent.url), headers=dict(sent.headers), content=sent.body
                    )
                    statuses.add(response.status_code)
                    try:
                        case.validate_response(response, checks=_checks(operation, response))
                    except BaseExceptionGroup as found:
                        wrong += [f"{operation.label}: {type(each).__name__}: {each}\n{response.text[:300]}"
                                  for each in found.exceptions]  # fmt: skip
    return wrong, statuses


@schemathesis.serializer("application/jwt")
def _as_text(_context: Any, value: Any) -> bytes:
    return str(value).encode()


def _checks(operation: Any, response: httpx.Response) -> list[Any]:
    """What to hold an answer against."""
    documented = operation.definition.raw["responses"]
    if response.status_code == 501 and "501" in documented:
        # No failure: what is asked for is not offered, and the status list specifications want this status for it.
        return CHECKS[1:]
    has_challenge = "WWW-Authenticate" in documented.get("401", {}).get("headers", {})
    if response.status_code == 401 and has_challenge and not response.content:
        # A request without any token gets the challenge alone. RFC 6750 §3.1.
        return CHECKS[:2]
    return CHECKS


def _plain(given: Mapping[str, Any]) -> dict[str, Any]:
    """What `requests` needs to know of a request."""
    names = ("method", "url", "headers", "params", "json", "data", "files", "cookies")
    return {name: given[name] for name in names if given.get(name) is not None}


async def test_issuer_answers_as_its_document_says(new_sqlite_database: NewDatabase, clock: FixedClock) -> None:
    issuer = await create_issuer(new_sqlite_database("issuer"), clock)
    award = await issuer.award()
    lists = (await issuer.client.get(f"/{ORG}/status")).json()["status_lists"]
    known = {
        "org": ORG,
        "slug": SLUG,
        "award_id": award["id"],
        "secret": award["offer"]["credential_offer_uri"].rpartition("/")[2],
        "number": lists[0].rpartition("/")[2],
        "purpose": "revocation",
    }
    key = issuer.admin["Authorization"].removeprefix("Bearer ")
    wrong, statuses = await wrong_answers("issuer", issuer.app, "https://issuer.example", key, known)
    await issuer.client.aclose()
    await issuer.app.state.service.close()
    assert not wrong, "\n".join(wrong)
    assert {200, 201, 400, 401, 404, 501} <= statuses


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (httpx.Response(418, json={}), "status 418"),
        (httpx.Response(400, text="no"), "media type text/plain"),
        (httpx.Response(400, json={"error": "invalid_proof"}), "invalid_proof"),
        (httpx.Response(200, json={"access_token": "t", "token_type": "DPoP"}), "expires_in"),
        (httpx.Response(503, json={"error": "temporarily_unavailable"}), "no Retry-After"),
    ],
)
async def test_I64_an_answer_that_the_document_does_not_know_is_seen(answer: httpx.Response, mistake: str) -> None:
    answer.request = httpx.Request("POST", "https://issuer.example/stmw/token")
    with pytest.raises(AssertionError, match=mistake):
        await documented("issuer")(answer)


async def test_wallet_answers_as_its_document_says(new_sqlite_database: NewDatabase, tmp_path: Path) -> None:
    house = create_house(new_sqlite_database("wallet"), tmp_path)
    holder = await house.new_holder("Sanne")
    badge = await holder.receive(house.issuer.offer_link())
    ends_session = frozenset({"DELETE /api/sessions", "DELETE /api/account"})
    known = {"credential_id": badge["id"]}
    wrong, statuses = await wrong_answers("wallet", house.app, WALLET, holder.token, known, ends_session)
    await house.close()
    assert not wrong, "\n".join(wrong)
    assert {200, 204, 400, 401, 404} <= statuses


async def test_verifier_answers_as_its_document_says(make_stage: MakeStage, new_sqlite_database: NewDatabase) -> None:
    stage = await make_stage(new_sqlite_database("verifier"))
    started = await stage.ask()
    known = {
        "slug": "bakker",
        "request_id": started["id"],
        "secret": started["request_uri"].rpartition("/")[2],
    }
    wrong, statuses = await wrong_answers("verifier", stage.app, VERIFIER, ADMIN_KEY, known)
    assert not wrong, "\n".join(wrong)
    # Whether a question or a key is made (201) hangs on the texts that were made up: other tests make them.
    assert {200, 400, 401, 404} <= statuses
