"""Keys by algorithm: published in the right form, one of each that signs, replaced and withdrawn under load."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from issuer import signing_keys, store
from issuer.credential_issuer import get_issuer
from issuer.did_documents import ALGORITHMS, Algorithm, KeyForm
from issuer.signing_keys import ActiveKey
from kernel.did import did_web, json_web_key_2020_url, multikey_url
from kernel.keys import parse_public_jwk
from tests.issuer.conftest import IDENTIFIER, ORG, Issuer, named_kids

EIGHT = range(8)
DID = did_web(IDENTIFIER)


async def document(issuer: Issuer) -> dict[str, Any]:
    return dict((await issuer.client.get(f"/{ORG}/did.json")).json())


async def names(issuer: Issuer) -> list[str]:
    return named_kids(await document(issuer))


async def organisation_id(issuer: Issuer) -> UUID:
    async with issuer.database.reading() as session:
        organisation = await store.find_organisation(session, ORG)
    assert organisation is not None
    return organisation.id


async def signer(issuer: Issuer, algorithm: Algorithm) -> ActiveKey:
    owner = await organisation_id(issuer)

    def work(database: Any) -> ActiveKey:
        with database.transaction() as connection:
            return signing_keys.get_signer(connection, issuer.settings, owner, algorithm, now=issuer.clock())

    return await issuer.database.run(work)


@pytest.mark.parametrize(
    ("algorithm", "asked", "form"),
    [
        ("ES256", "Multikey", "Multikey"),
        ("ES256", "JsonWebKey", "JsonWebKey"),
        ("ES256", "JsonWebKey2020", "JsonWebKey2020"),
        ("Ed25519", "Multikey", "Multikey"),
        ("Ed25519", "JsonWebKey", "Multikey"),
    ],
)
async def test_K22_a_key_is_named_in_the_form_in_which_it_is_looked_for(
    issuer: Issuer, algorithm: Algorithm, asked: KeyForm, form: str
) -> None:
    key = await signer(issuer, algorithm)
    async with issuer.database.reading() as session:
        found = await get_issuer(session, issuer.settings, ORG)
    kid = signing_keys.key_id(found, key, asked)
    assert await issuer.method_type(kid) == form
    assert await issuer.issuer_key(kid) == key.signer.public_key


async def rotate(issuer: Issuer, algorithm: str = "ES256") -> str:
    response = await issuer.api("POST", f"/organisations/{ORG}/signing-keys", json={"algorithm": algorithm})
    assert response.status_code == 201, response.text
    return str(response.json()["kid"])


async def count_active(issuer: Issuer) -> dict[str, int]:
    statement = "SELECT algorithm, count(*) FROM signing_keys WHERE retired_at IS NULL GROUP BY algorithm"
    async with issuer.database.reading() as session:
        return {row[0]: row[1] for row in await session.execute(text(statement))}


async def test_K22_K23_each_key_stands_in_the_did_document_in_the_form_its_use_expects(issuer: Issuer) -> None:
    published = await document(issuer)
    jose, edwards, same_as_jose, older = published["verificationMethod"]
    assert jose["id"] == f"{DID}#es256-2026-1"
    assert (jose["type"], jose["publicKeyJwk"]["alg"], jose["publicKeyJwk"]["crv"]) == ("JsonWebKey", "ES256", "P-256")
    assert (edwards["id"], edwards["type"]) == (f"{DID}#ed25519-2026-1", "Multikey")
    assert edwards["publicKeyMultibase"].startswith("z6Mk")
    assert same_as_jose == {
        "id": multikey_url(DID, parse_public_jwk(jose["publicKeyJwk"])),
        "type": "Multikey",
        "controller": DID,
        "publicKeyMultibase": same_as_jose["id"].removeprefix(f"{DID}#"),
    }
    assert older["id"] == json_web_key_2020_url(DID, parse_public_jwk(jose["publicKeyJwk"]))
    assert (older["type"], older["publicKeyJwk"]["x"]) == ("JsonWebKey2020", jose["publicKeyJwk"]["x"])
    assert published["assertionMethod"] == [jose["id"], edwards["id"], same_as_jose["id"], older["id"]]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_K22_every_method_of_the_did_document_is_read_as_its_key(issuer: Issuer, algorithm: Algorithm) -> None:
    await rotate(issuer, algorithm)
    keys = [await issuer.issuer_key(method) for method in (await document(issuer))["assertionMethod"]]
    assert len(keys) == 4 + (3 if algorithm == "ES256" else 1)
    assert len(set(keys)) == 3


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_K12_the_signer_of_each_algorithm_signs_with_the_published_key(
    issuer: Issuer, algorithm: Algorithm
) -> None:
    active = await signer(issuer, algorithm)
    key = await issuer.issuer_key(f"{DID}#{active.fragment}")
    key.verify(algorithm, b"data", active.signer.sign(b"data"))
    assert (await signer(issuer, algorithm)).signer is active.signer


async def test_an_organisation_older_than_an_algorithm_gets_one_key_when_eight_ask(any_issuer: Issuer) -> None:
    issuer = any_issuer
    async with issuer.database.transaction() as session:
        await session.execute(text("DELETE FROM signing_keys WHERE algorithm = 'Ed25519'"))
    assert await names(issuer) == [f"{DID}#es256-2026-1"]
    made = await asyncio.gather(*(signer(issuer, "Ed25519") for _ in EIGHT))
    assert len({active.signer.public_key for active in made}) == 1
    assert await issuer.issuer_key(f"{DID}#{made[0].fragment}") == made[0].signer.public_key


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_eight_rotations_at_once_leave_one_signing_key_an_algorithm(any_issuer: Issuer, algorithm: str) -> None:
    issuer = any_issuer
    [before] = await issuer.fetch()
    kids = await asyncio.gather(*(rotate(issuer, algorithm) for _ in EIGHT))
    assert len(set(kids)) == 8
    assert await count_active(issuer) == {"ES256": 1, "Ed25519": 1}
    methods = await names(issuer)
    assert set(kids) < set(methods)
    assert len(methods) == 10
    await issuer.verify(before)
    [after] = await issuer.fetch()
    assert (await issuer.signing_kid(after) in kids) is (algorithm == "ES256")
    await issuer.verify(after)


async def test_the_private_part_of_a_key_that_signs_no_more_is_gone(issuer: Issuer) -> None:
    await rotate(issuer)
    async with issuer.database.reading() as session:
        keys = await store.list_signing_keys(session, await organisation_id(issuer))
    assert {key.fragment for key in keys if key.sealed_private_jwk is None} == {"es256-2026-1"}


async def test_K23_A10_a_withdrawn_key_leaves_the_document_for_good_and_its_name_is_not_given_again(
    issuer: Issuer,
) -> None:
    kid = await rotate(issuer, "Ed25519")
    path = f"/organisations/{ORG}/signing-keys/ed25519-2026-1"
    assert (await issuer.api("DELETE", path)).status_code == 204
    assert (await issuer.api("DELETE", path)).status_code == 404
    assert await names(issuer) == [f"{DID}#es256-2026-1", kid]
    assert await rotate(issuer, "Ed25519") == f"{DID}#ed25519-2026-3"


async def test_only_known_algorithms_can_be_rotated(issuer: Issuer) -> None:
    response = await issuer.api("POST", f"/organisations/{ORG}/signing-keys", json={"algorithm": "RS256"})
    assert response.status_code == 400
    assert await count_active(issuer) == {"ES256": 1, "Ed25519": 1}


# What stood when


async def document_at(issuer: Issuer, moment: str) -> httpx.Response:
    return await issuer.client.get(f"/{ORG}/did.json", params={"versionTime": moment})


async def test_K21_what_stood_in_the_did_document_can_be_asked_for(any_issuer: Issuer) -> None:
    issuer = any_issuer
    first = await document(issuer)
    made, moments = issuer.clock(), []
    for _ in range(2):
        issuer.clock.advance(timedelta(days=1))
        await rotate(issuer)
        moments.append(issuer.clock())
    issuer.clock.advance(timedelta(days=1))
    await issuer.api("DELETE", f"/organisations/{ORG}/signing-keys/es256-2026-1")
    versions = [named_kids(first)]
    for moment in moments:
        response = await document_at(issuer, f"{moment:%Y-%m-%dT%H:%M:%SZ}")
        assert response.headers["content-type"] == "application/did+json"
        versions.append(named_kids(response.json()))
    assert (await document_at(issuer, f"{made:%Y-%m-%dT%H:%M:%SZ}")).json() == first
    assert [len(each) for each in versions] == [2, 3, 4]
    now = (await document_at(issuer, "2030-01-01T00:00:00Z")).json()
    assert now == await document(issuer)
    assert f"{DID}#es256-2026-1" not in now["assertionMethod"]


async def test_an_organisation_from_before_the_record_has_its_first_document_on_it(issuer: Issuer) -> None:
    made, first = issuer.clock(), await document(issuer)
    async with issuer.database.transaction() as session:
        await session.execute(text("DELETE FROM did_documents"))
    assert (await document_at(issuer, f"{made:%Y-%m-%dT%H:%M:%SZ}")).json() == first
    issuer.clock.advance(timedelta(days=1))
    await rotate(issuer)
    assert (await document_at(issuer, f"{made:%Y-%m-%dT%H:%M:%SZ}")).json() == first


@pytest.mark.parametrize(
    ("moment", "status"), [("2020-01-01T00:00:00Z", 404), ("gisteren", 400), ("2026-05-28", 400), ("", 400)]
)
async def test_a_time_before_the_first_key_or_no_time_at_all_has_no_document(
    issuer: Issuer, moment: str, status: int
) -> None:
    assert (await document_at(issuer, moment)).status_code == status


async def test_the_keys_of_an_organisation_are_listed_with_their_lives(issuer: Issuer) -> None:
    await rotate(issuer)
    await issuer.api("DELETE", f"/organisations/{ORG}/signing-keys/es256-2026-1")
    keys = (await issuer.api("GET", f"/organisations/{ORG}/signing-keys")).json()["signing_keys"]
    told = [(key["kid"].partition("#")[2], bool(key["retired_at"]), bool(key["withdrawn_at"])) for key in keys]
    assert told == [("es256-2026-2", False, False), ("es256-2026-1", True, True), ("ed25519-2026-1", False, False)]
