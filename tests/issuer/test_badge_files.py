"""A badge as a file: made once from an award, in four forms, believed by a stranger, revoked with the award."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import func, select

from issuer.models import BadgeFile
from kernel.baking import parse_baked
from kernel.formats import parse_credential
from kernel.importing import Verdict
from kernel.open_badges import verify_recipient
from kernel.report import Outcome
from kernel.status.token_status_list import Status
from runtime.fetch import Fetcher
from runtime.importing import read_badge, resolve_report
from tests.issuer.conftest import ORG, PUBLIC_URL, SANNE, SLUG, Issuer, achievement
from tests.issuer.test_securings import believe, fetch_all, find_status
from tests.issuer.test_status import TTL
from tests.support.hosts import HostTransport

DRAWING = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><path d='M0 0h9v9z'/></svg>"
SVG = f"data:image/svg+xml,{quote(DRAWING)}"


async def make(issuer: Issuer, award: dict[str, Any]) -> httpx.Response:
    return await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/file")


async def get(issuer: Issuer, award: dict[str, Any], form: str) -> httpx.Response:
    return await issuer.api("GET", f"/organisations/{ORG}/awards/{award['id']}/file/{form}")


async def get_texts(issuer: Issuer, award: dict[str, Any]) -> list[str]:
    """The file in both forms that are text."""
    assert (await make(issuer, award)).status_code == 201
    return [(await get(issuer, award, form)).text for form in ("json", "jws")]


async def test_B20_B33_a_file_comes_in_the_forms_of_open_badges_with_their_types(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award = await issuer.award()
    made = await make(issuer, award)
    assert made.status_code == 201, made.text
    assert list(made.json()["files"]) == ["png", "svg", "json", "jws"]
    types = {
        "json": ("application/vc+ld+json", ".json"),
        "jws": ("text/plain; charset=utf-8", ".jws"),
        "png": ("image/png", ".png"),
        "svg": ("image/svg+xml", ".svg"),
    }
    for form, url in made.json()["files"].items():
        response = await issuer.client.get(url.removeprefix(PUBLIC_URL), headers=issuer.admin)
        assert response.headers["content-type"] == types[form][0]
        assert response.headers["content-disposition"].endswith(f'{types[form][1]}"')
        assert response.headers["cache-control"] == "no-store"


async def test_B08_B21_a_stranger_believes_the_file_and_checks_whose_it_is(issuer: Issuer) -> None:
    award = await issuer.award()
    fetch = Fetcher(transport=HostTransport({"issuer.example:443": issuer.app}))
    for raw in await get_texts(issuer, award):
        verified = await believe(issuer, raw)
        assert verified.holder_key is None
        assert await find_status(issuer, raw) is Status.VALID
        verify_recipient(verified.claims, identifier=SANNE["email"].upper())
        report = await resolve_report(fetch, await read_badge(raw), now=issuer.clock(), email=SANNE["email"])
        outcomes = {check.code: check.outcome for check in report.checks}
        assert Outcome.FAILED not in outcomes.values(), outcomes
        assert report.verdict is Verdict.PROVEN, outcomes


async def test_K22_each_text_of_a_file_names_its_key_in_the_form_that_its_readers_know(issuer: Issuer) -> None:
    texts = await get_texts(issuer, await issuer.award())
    named = [parse_credential(raw).key_id for raw in texts]
    assert [await issuer.method_type(kid) for kid in named] == ["Multikey", "JsonWebKey"]


async def test_B08_A51_a_file_has_no_name_and_no_address(issuer: Issuer) -> None:
    text = (await get_texts(issuer, await issuer.award()))[0]
    for hidden in SANNE.values():
        assert hidden not in text


@pytest.mark.parametrize(("form", "start"), [("png", b"\x89PNG"), ("svg", b"<svg")])
async def test_B30_B31_the_picture_carries_the_signed_json(issuer: Issuer, form: str, start: bytes) -> None:
    award = await issuer.award()
    raw, _ = await get_texts(issuer, award)
    picture = (await get(issuer, award, form)).content
    assert picture.startswith(start)
    assert parse_baked(picture).raw == raw
    await believe(issuer, parse_baked(picture).raw)


async def test_B32_art_that_is_a_drawing_is_baked_as_it_is_and_makes_no_photo(issuer: Issuer) -> None:
    changed = await issuer.api(
        "PUT",
        f"/organisations/{ORG}/achievements/{SLUG}",
        json=achievement(image=SVG),
        headers={"If-Match": '"1"'},
    )
    assert changed.status_code == 200, changed.text
    award = await issuer.award()
    assert list((await make(issuer, award)).json()["files"]) == ["svg", "json", "jws"]
    assert (await get(issuer, award, "png")).status_code == 404
    assert b"M0 0h9v9z" in (await get(issuer, award, "svg")).content


async def test_I62_a_file_is_signed_once_and_never_again(any_issuer: Issuer) -> None:
    award = await any_issuer.award()
    before = await get_texts(any_issuer, award)
    any_issuer.clock.advance(timedelta(days=2))
    assert await get_texts(any_issuer, award) == before


async def test_I62_eight_at_once_make_one_file(any_issuer: Issuer) -> None:
    award = await any_issuer.award()
    made = await asyncio.gather(*(make(any_issuer, award) for _ in range(8)))
    assert {response.status_code for response in made} == {201}
    async with any_issuer.database.reading() as session:
        assert (await session.execute(select(func.count(BadgeFile.id)))).scalar_one() == 1


async def test_I77_I78_revoking_the_award_revokes_the_file(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award = await issuer.award()
    raws = await get_texts(issuer, award)
    for change, expected in [
        ("suspend", Status.SUSPENDED),
        ("reinstate", Status.VALID),
        ("revoke", Status.INVALID),
    ]:
        assert (await issuer.change(award["id"], change)).status_code == 200
        issuer.clock.advance(TTL)
        assert [await find_status(issuer, raw) for raw in raws] == [expected] * 2
    assert (await make(issuer, award)).status_code == 409
    assert (await get(issuer, award, "json")).text == raws[0]


async def test_I68_an_invitation_that_replaces_revokes_the_file_too_and_another_can_be_made(issuer: Issuer) -> None:
    award = await issuer.award()
    old = await get_texts(issuer, award)
    await fetch_all(issuer, award)
    path = f"/organisations/{ORG}/awards/{award['id']}/offer"
    renewed = await issuer.api("POST", path, json={"revoke_earlier_copies": True})
    await issuer.fetch(renewed.json())
    issuer.clock.advance(TTL)
    assert await find_status(issuer, old[0]) is Status.INVALID
    assert (await get(issuer, award, "json")).status_code == 404
    new = await get_texts(issuer, award)
    assert await find_status(issuer, new[0]) is Status.VALID
    assert json.loads(new[0])["id"] != json.loads(old[0])["id"]


async def test_I80_the_file_goes_with_the_data_of_the_person(issuer: Issuer) -> None:
    award = await issuer.award()
    [raw, _] = await get_texts(issuer, award)
    assert (await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/drop-claims")).status_code == 200
    assert (await get(issuer, award, "json")).status_code == 404
    assert (await make(issuer, award)).status_code == 409
    assert (await issuer.change(award["id"], "revoke")).status_code == 200
    issuer.clock.advance(TTL)
    assert await find_status(issuer, raw) is Status.INVALID


async def test_A52_who_may_only_read_gets_no_file_and_another_organisation_finds_none(issuer: Issuer) -> None:
    award = await issuer.award()
    await make(issuer, award)
    body = {"name": "lezer", "scopes": ["awards:read"]}
    key = (await issuer.api("POST", f"/organisations/{ORG}/api-keys", json=body)).json()["api_key"]
    reader = {"Authorization": f"Bearer {key}"}
    path = f"/organisations/{ORG}/awards/{award['id']}/file"
    assert (await issuer.api("POST", path, headers=reader)).status_code == 403
    assert (await issuer.api("GET", f"{path}/json", headers=reader)).status_code == 403
    await issuer.add_organisation("ander")
    other = path.replace(f"/{ORG}/", "/ander/")
    assert (await issuer.api("POST", other)).status_code == 404
    assert (await issuer.api("GET", f"{other}/json")).status_code == 404


async def test_I62_before_it_was_made_there_is_no_file(issuer: Issuer) -> None:
    award = await issuer.award()
    for form in ("json", "jws", "png", "svg"):
        assert (await get(issuer, award, form)).status_code == 404


@pytest.mark.parametrize(
    ("workload", "earned", "stated"),
    [({"ects": 3}, 3, ["ECTS"]), ({"sbu": 240}, None, ["SBU"]), ({}, None, [])],
)
async def test_S07_credits_of_the_unit_are_what_is_earned_and_hours_of_mbo_are_no_credits(
    issuer: Issuer, workload: dict[str, Any], earned: int | None, stated: list[str]
) -> None:
    path, seen = f"/organisations/{ORG}/achievements/{SLUG}", {"If-Match": '"1"'}
    changed = await issuer.api("PUT", path, json=achievement(**workload), headers=seen)
    assert changed.status_code == 200, changed.text
    text, _ = await get_texts(issuer, await issuer.award())
    subject = json.loads(text)["credentialSubject"]
    assert (subject["achievement"].get("creditsAvailable"), subject.get("creditsEarned")) == (earned, earned)
    kinds = [each["targetType"] for each in subject["achievement"]["alignment"]]
    assert [each for each in kinds if each in ("ext:ECTSAlignment", "ext:SBUAlignment")] == [
        f"ext:{kind}Alignment" for kind in stated
    ]
