"""An award as a document of the European Learning Model: all that the badge says, for a seal that is not ours."""

from typing import Any

import httpx

from kernel.elm import read_elm_credential
from tests.issuer.conftest import ORG, SANNE, SKILLS, Issuer, create_client


async def get(issuer: Issuer, award: dict[str, Any], org: str = ORG) -> httpx.Response:
    return await issuer.api("GET", f"/organisations/{org}/awards/{award['id']}/elm")


async def test_E11_an_award_is_exported_with_its_learner_and_skills(any_issuer: Issuer) -> None:
    award = await any_issuer.award()
    response = await get(any_issuer, award)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/ld+json"
    assert response.headers["content-disposition"].endswith('.jsonld"')
    read = read_elm_credential(response.json())
    assert (read.learner.given_name, read.learner.family_name) == ("Sanne", "de Vries")
    assert read.title is not None
    assert read.title.text == "Adviseur Lerende Regio"
    assert {skill.uri for outcome in read.learning_outcomes for skill in outcome.skills} == {uri for uri, _ in SKILLS}
    assert "proof" not in response.json()
    assert (await get(any_issuer, award)).content == response.content


async def test_E11_what_was_withdrawn_or_forgotten_is_not_exported(issuer: Issuer) -> None:
    suspended, forgotten = await issuer.award(), await issuer.award()
    await issuer.change(suspended["id"], "suspend")
    assert (await get(issuer, suspended)).status_code == 409
    await issuer.api("POST", f"/organisations/{ORG}/awards/{forgotten['id']}/drop-claims")
    response = await get(issuer, forgotten)
    assert response.status_code == 409
    assert SANNE["email"] not in response.text


async def test_A52_another_organisation_finds_nothing_to_export(issuer: Issuer) -> None:
    award = await issuer.award()
    await issuer.add_organisation("ander")
    assert (await get(issuer, award, "ander")).status_code == 404
    stranger = create_client(issuer.app)
    assert (await stranger.get(f"/api/organisations/{ORG}/awards/{award['id']}/elm")).status_code == 401
    await stranger.aclose()
