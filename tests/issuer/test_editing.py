"""Two people change one badge: nobody's work disappears unseen."""

import re

import pytest

from tests.issuer.conftest import BASE, ORG, SKILLS, SLUG, Browser, Issuer, achievement

PATH = f"/organisations/{ORG}/achievements/{SLUG}"
FORM = f"{BASE}/achievements/{SLUG}/change"
TYPED = {
    "name": "Adviseur <nieuw>",
    "description": "Adviseert.",
    "criteria": "Een gesprek.",
    "skill_uri": SKILLS[0][0],
    "skill_name": SKILLS[0][1],
    "skill_framework": "ESCO",
    "action": "save",
}


async def test_a_change_names_the_version_that_it_was_made_from(issuer: Issuer) -> None:
    read = await issuer.api("GET", PATH)
    assert read.headers["etag"] == '"1"'
    first = await issuer.api("PUT", PATH, json=achievement(), headers={"If-Match": read.headers["etag"]})
    assert (first.status_code, first.headers["etag"], first.json()["version"]) == (200, '"2"', 2)
    second = await issuer.api("PUT", PATH, json=achievement(), headers={"If-Match": read.headers["etag"]})
    assert (second.status_code, second.json()["code"]) == (412, "changed_meanwhile")
    assert (await issuer.api("GET", PATH)).json()["version"] == 2


@pytest.mark.parametrize("if_match", [None, "*", '"1", "2"'])
async def test_a_change_that_names_no_one_version_is_asked_to(issuer: Issuer, if_match: str | None) -> None:
    headers = {} if if_match is None else {"If-Match": if_match}
    response = await issuer.api("PUT", PATH, json=achievement(), headers=headers)
    assert (response.status_code, response.json()["code"]) == (428, "version_missing")
    assert "If-Match" in response.json()["title"]


@pytest.mark.parametrize("if_match", ['W/"1"', "1", '"0"', '"01"', '""', f'"{9**99}"', '"9999999999"'])
async def test_a_tag_that_is_not_of_the_newest_version_changes_nothing(issuer: Issuer, if_match: str) -> None:
    response = await issuer.api("PUT", PATH, json=achievement(), headers={"If-Match": if_match})
    assert (response.status_code, response.json()["code"]) == (412, "changed_meanwhile")
    assert (await issuer.api("GET", PATH)).json()["version"] == 1


async def test_the_second_of_two_editors_is_told_and_loses_nothing(browser: Browser, issuer: Issuer) -> None:
    await browser.get(FORM)
    await issuer.api("PUT", PATH, json=achievement(), headers={"If-Match": '"1"'})
    response = await browser.post(FORM, **TYPED, from_version="1")
    assert response.status_code == 412
    assert "Iemand anders wijzigde deze badge terwijl u bezig was." in browser.page
    assert 'value="Adviseur &lt;nieuw&gt;"' in browser.page
    found = re.search(r'name="from_version" value="(\d+)"', browser.page)
    assert found is not None
    saved = await browser.post(FORM, **TYPED, from_version=found[1])
    assert saved.url.path == f"{BASE}/achievements/{SLUG}"
    assert (await issuer.api("GET", PATH)).json()["version"] == 3


async def test_whoever_searches_a_skill_hears_of_the_other_editor_too(browser: Browser, issuer: Issuer) -> None:
    await browser.get(FORM)
    await issuer.api("PUT", PATH, json=achievement(), headers={"If-Match": '"1"'})
    response = await browser.post(FORM, **{**TYPED, "action": "search"}, from_version="1")
    assert response.status_code == 412
    assert "Iemand anders wijzigde deze badge" in browser.page
