"""Endorsements: given and taken back, received only when they hold, carried by badges in every securing."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kernel.data_integrity import add_proof
from kernel.formats import from_wire, parse_credential
from kernel.importing import Verdict
from kernel.keys import SoftwareSigner
from kernel.report import Outcome
from runtime.fetch import Fetcher
from runtime.importing import read_badge, resolve_report
from tests.conftest import NewDatabase
from tests.issuer.conftest import CONFIGURATIONS, IDENTIFIER, LDP, LDP_SD, ORG, SLUG, Issuer, achievement, create_issuer
from tests.issuer.test_securings import believe
from tests.issuer.test_status import TTL
from tests.support.clock import FixedClock
from tests.support.hosts import HostTransport

SUBJECT = f"{IDENTIFIER}/achievements/{SLUG}"
PATH = f"/organisations/{ORG}/achievements/{SLUG}/endorsements"
SAID = {"subject": SUBJECT, "name": "Aanbeveling van de HAN", "comment": "Wij nemen wie dit heeft graag aan."}


@pytest.fixture
async def issuer(new_database: NewDatabase, clock: FixedClock) -> AsyncIterator[Issuer]:
    """With the network of its own house: its fetcher finds what it publishes, and nobody else."""
    transport = HostTransport()
    made = await create_issuer(new_database("issuer"), clock, transport=transport)
    transport.apps["issuer.example:443"] = made.app
    await made.add_organisation("han", name="HAN University of Applied Sciences")
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


async def give(issuer: Issuer, **changes: Any) -> dict[str, Any]:
    response = await issuer.api("POST", "/organisations/han/endorsements", json={**SAID, **changes})
    assert response.status_code == 201, response.text
    return dict(response.json())


async def add(issuer: Issuer, document: Any) -> httpx.Response:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return await issuer.api("POST", PATH, content=content, headers={"Content-Type": "application/json"})


async def check(issuer: Issuer, content: bytes) -> Verdict:
    fetch = Fetcher(transport=HostTransport({"issuer.example:443": issuer.app}))
    return (await resolve_report(fetch, await read_badge(content), now=issuer.clock())).verdict


async def test_B09_an_endorsement_is_signed_believed_and_taken_back(issuer: Issuer) -> None:
    given = await give(issuer)
    raw = json.dumps(given["document"]).encode()
    assert given["document"]["credentialSubject"]["id"] == SUBJECT
    assert await check(issuer, raw) is Verdict.PROVEN
    path = f"/organisations/han/endorsements/{given['id']}/withdraw"
    withdrawn = await issuer.api("POST", path)
    assert withdrawn.status_code == 200
    assert withdrawn.json()["withdrawn_at"] is not None
    issuer.clock.advance(TTL)
    assert await check(issuer, raw) is Verdict.REFUTED
    assert (await issuer.api("POST", path)).status_code == 409
    listed = (await issuer.api("GET", "/organisations/han/endorsements")).json()["endorsements"]
    assert [(each["id"], each["document"]) for each in listed] == [(given["id"], given["document"])]


async def test_K22_an_endorsement_names_its_key_as_multikey(issuer: Issuer) -> None:
    [proof] = (await give(issuer))["document"]["proof"]
    assert await issuer.method_type(proof["verificationMethod"], "han") == "Multikey"


async def test_B09_A50_a_badge_carries_what_was_said_of_it_in_every_securing_but_one_and_a_reader_believes_it(
    issuer: Issuer,
) -> None:
    before = await issuer.award()
    added = await add(issuer, (await give(issuer))["document"])
    assert added.status_code == 201, added.text
    assert (added.json()["version"], added.headers["etag"]) == (2, '"2"')
    [said] = added.json()["endorsements"]
    assert (said["endorser_name"], said["comment"]) == ("HAN University of Applied Sciences", SAID["comment"])
    award = await issuer.award()
    grant, fetch = await issuer.redeem(award), Fetcher(transport=HostTransport({"issuer.example:443": issuer.app}))
    for configuration in CONFIGURATIONS:
        response = await issuer.request(grant.token, [await issuer.proof()], configuration=configuration)
        assert response.status_code == 200, (configuration, response.text)
        raw = from_wire(response.json()["credentials"][0]["credential"])
        await believe(issuer, raw)
        report = await resolve_report(fetch, await read_badge(raw), now=issuer.clock())
        carried = [] if configuration == LDP_SD else [("achievement", Outcome.PASSED)]
        assert [(each.endorsed, each.outcome) for each in report.endorsements] == carried, configuration
    made = await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/file")
    assert made.status_code == 201
    [old] = await issuer.fetch(before, configuration=LDP)
    assert "endorsement" not in parse_credential(old).payload["credentialSubject"]["achievement"]


async def test_B09_another_description_is_not_what_was_endorsed(issuer: Issuer) -> None:
    """Nobody's words are carried on to a text that they never saw."""
    await add(issuer, (await give(issuer))["document"])
    changed = await issuer.api(
        "PUT",
        f"/organisations/{ORG}/achievements/{SLUG}",
        json=achievement(criteria="Aanwezig zijn."),
        headers={"If-Match": '"2"'},
    )
    assert (changed.status_code, changed.json()["endorsements"]) == (200, [])


async def test_B09_an_endorsement_can_be_left_out_again(issuer: Issuer) -> None:
    document = (await give(issuer))["document"]
    await add(issuer, document)
    removed = await issuer.api("DELETE", PATH, params={"id": document["id"]})
    assert (removed.status_code, removed.json()["version"], removed.json()["endorsements"]) == (200, 3, [])
    assert (await issuer.api("DELETE", PATH, params={"id": document["id"]})).status_code == 404


def _without_proof(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != "proof"}


def _signed_by_nobody(document: dict[str, Any]) -> dict[str, Any]:
    return add_proof(
        _without_proof(document),
        cryptosuite="eddsa-rdfc-2022",
        signer=SoftwareSigner.generate("Ed25519"),
        verification_method=document["proof"][0]["verificationMethod"],
        proof_purpose="assertionMethod",
        created_at=FixedClock()(),
    )


BREAKS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another comment": lambda each: each["credentialSubject"].update(endorsementComment="Veel beter."),
    "about another badge": lambda each: each["credentialSubject"].update(id=f"{SUBJECT}-2"),
    "no proof": _without_proof,
    "another key": _signed_by_nobody,
    "no subject": lambda each: each.update(credentialSubject="x"),
    "no issuer": lambda each: each.update(issuer="did:web:issuer.example:han"),
    "a badge": lambda each: each.update(type=["VerifiableCredential", "OpenBadgeCredential"]),
    "no JSON": lambda _each: b"niets",
    "huge": lambda each: each.update(description="x" * 20_000),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_A50_what_does_not_hold_gets_into_no_badge(issuer: Issuer, name: str) -> None:
    document = (await give(issuer))["document"]
    refused = await add(issuer, BREAKS[name](document) or document)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["endorsement"])
    assert (await issuer.api("GET", PATH.removesuffix("/endorsements"))).json()["version"] == 1


async def test_A50_what_was_withdrawn_or_has_run_out_gets_into_no_badge(issuer: Issuer) -> None:
    withdrawn = await give(issuer)
    await issuer.api("POST", f"/organisations/han/endorsements/{withdrawn['id']}/withdraw")
    expires_at = (issuer.clock() + timedelta(hours=1)).isoformat()
    expired = await give(issuer, expires_at=expires_at)
    issuer.clock.advance(timedelta(hours=2))
    for given in (withdrawn, expired):
        assert (await add(issuer, given["document"])).status_code == 400


async def test_A50_the_same_words_twice_more_than_five_and_praise_of_oneself_are_refused(issuer: Issuer) -> None:
    first = (await give(issuer))["document"]
    assert (await add(issuer, first)).status_code == 201
    assert (await add(issuer, first)).status_code == 400
    for _ in range(4):
        assert (await add(issuer, (await give(issuer))["document"])).status_code == 201
    assert (await add(issuer, (await give(issuer))["document"])).status_code == 400
    own = await issuer.api("POST", f"/organisations/{ORG}/endorsements", json=SAID)
    assert (own.status_code, list(own.json()["fields"])) == (400, ["subject"])


async def test_K74_what_could_not_be_checked_is_not_believed(new_database: NewDatabase, clock: FixedClock) -> None:
    made = await create_issuer(new_database("issuer"), clock, transport=HostTransport())
    await made.add_organisation("han")
    refused = await add(made, (await give(made))["document"])
    assert refused.status_code == 400
    assert "could not check" in refused.json()["fields"]["endorsement"]
    await made.client.aclose()
    await made.app.state.service.close()


async def test_A52_who_may_not_describe_may_not_endorse(issuer: Issuer) -> None:
    body = {"name": "lezer", "scopes": ["awards:read", "awards:write"]}
    key = (await issuer.api("POST", f"/organisations/{ORG}/api-keys", json=body)).json()["api_key"]
    reader = {"Authorization": f"Bearer {key}"}
    assert (await issuer.api("POST", PATH, json={}, headers=reader)).status_code == 403
    assert (await issuer.api("DELETE", PATH, params={"id": "x"}, headers=reader)).status_code == 403
    assert (await issuer.api("GET", "/organisations/han/endorsements", headers=reader)).status_code in {403, 404}
    given = await give(issuer)
    other = f"/organisations/{ORG}/endorsements/{given['id']}/withdraw"
    assert (await issuer.api("POST", other)).status_code == 404
