"""The management API reads JSON in one way, and answers all that it was told (A-52)."""

import pytest

from issuer.api_keys import ALL_SCOPES
from tests.issuer.conftest import ORG, SLUG, Issuer, achievement
from tests.support.gates import JSON, UNREADABLE, guarded_operations


@pytest.mark.parametrize(
    "body",
    [
        b'{"slug": "nieuw", "slug": "ander", "name": "Nieuw"}',
        b'{"slug": "nieuw", "name": "Nieuw", "name": "Ander"}',
        b'{"slug": "nieuw", "name": NaN}',
        b'{"slug": "nieuw", "name": "Nieuw"} x',
        b'{"slug": "nieuw", "name": "\\u0000"}',
        b'{"slug": "nieuw", "name": "\\ud800"}',
        b"\xff",
        b"[" * 1000,
    ],
)
async def test_A52_body_with_two_readings_is_refused(issuer: Issuer, body: bytes) -> None:
    refused = await issuer.api("POST", "/organisations", content=body, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")
    assert refused.json()["code"] == "malformed"


async def test_E20_achievement_answers_everything_that_it_was_told(issuer: Issuer) -> None:
    told = {
        "ects": 5.0,
        "eqf_level": 6,
        "participation_type": "blended",
        "quality_assurance": {"name": "NVAO", "url": "https://nvao.example", "description": "Toets", "code": "AV-1"},
    }
    made = await issuer.api("POST", f"/organisations/{ORG}/achievements", json=achievement(slug="vol", **told))
    assert made.status_code == 201, made.text
    for path in ("vol", SLUG):
        answer = (await issuer.api("GET", f"/organisations/{ORG}/achievements/{path}")).json()
        assert {name: answer[name] for name in told} == (told if path == "vol" else dict.fromkeys(told))


async def test_I04_looking_whether_an_offer_is_there_does_not_open_it(issuer: Issuer) -> None:
    award = await issuer.award()
    uri = award["offer"]["credential_offer_uri"]
    head = await issuer.client.head(uri)
    assert (head.status_code, head.content) == (200, b"")
    assert (await issuer.get_award(award["id"]))["state"] == award["state"]
    assert (await issuer.client.get(uri)).status_code == 200
    assert (await issuer.get_award(award["id"]))["state"] != award["state"]
    assert (await issuer.client.head(f"{uri}x")).status_code == 404


async def test_A52_whoever_may_not_do_something_is_told_so_before_their_body_is_read(issuer: Issuer) -> None:
    """Every operation of the document: 401 without a key and 403 without its scope, whatever the body is."""
    keys = {}
    for missing in sorted(ALL_SCOPES):
        body = {"name": "bijna alles", "scopes": sorted(ALL_SCOPES - {missing})}
        made = await issuer.api("POST", f"/organisations/{ORG}/api-keys", json=body)
        keys[missing] = {"Authorization": f"Bearer {made.json()['api_key']}"}
    operations = list(guarded_operations(issuer.app.openapi(), org=ORG, slug=SLUG))
    scopes = {scope for _, _, scope in operations}
    assert scopes == {*ALL_SCOPES, None}
    for method, path, scope in operations:
        stranger = await issuer.client.request(method, path, content=UNREADABLE, headers=JSON)
        assert (stranger.status_code, stranger.json()["code"]) == (401, "api_key"), path
        if scope is not None:
            refused = await issuer.client.request(method, path, content=UNREADABLE, headers={**JSON, **keys[scope]})
            assert (refused.status_code, refused.json()["code"]) == (403, "scope"), (method, path)
