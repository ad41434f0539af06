"""What comes near to a question and is no answer to it: told to the person, sent to nobody. S-05."""

from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest

from kernel.status.token_status_list import Status
from skills.index import IndexSource, build_index_from
from skills.relations import SkillMatch
from skills.skill import Skill
from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC
from tests.wallet.conftest import create_house

FIRST, SECOND, THIRD, *_ = SKILLS
ELSEWHERE = "https://linkeddata.example/id/"
OLDER = f"{ELSEWHERE}older-address-of-same"


@pytest.fixture
async def house(new_sqlite_database, tmp_path: Path, wire):
    """With a table of relations, whose rows are made up."""
    index = tmp_path / "skills.sqlite3"
    relations = [
        SkillMatch(f"{ELSEWHERE}same", "exact", FIRST),
        SkillMatch(f"{ELSEWHERE}near", "close", FIRST),
        SkillMatch(f"{ELSEWHERE}near", "broad", SECOND),
        SkillMatch(f"{ELSEWHERE}far", "exact", f"{ELSEWHERE}near"),
    ]
    skills = [Skill(f"{ELSEWHERE}{name}", {"nl": f"elders {name}"}) for name in ("same", "near")]
    build_index_from(
        [IndexSource(skill, {}) for skill in skills], index, aliases=[(f"{ELSEWHERE}same", OLDER)], relations=relations
    )
    opened = create_house(new_sqlite_database("wallet"), tmp_path, transport=wire, skills_index=index)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        pytest.param([f"{ELSEWHERE}same"], {(FIRST, "exact")}, id="the same elsewhere"),
        pytest.param([OLDER], {(FIRST, "exact")}, id="under another address"),
        pytest.param([f"{ELSEWHERE}near"], {(FIRST, "related"), (SECOND, "related")}, id="close and broader"),
        pytest.param([f"{ELSEWHERE}same", f"{ELSEWHERE}near"], {(FIRST, "exact"), (SECOND, "related")}, id="both"),
        pytest.param([f"{ELSEWHERE}far"], set(), id="one step and no further"),
        pytest.param([f"{ELSEWHERE}unknown"], set(), id="nothing"),
    ],
)
async def test_S05_a_skill_that_is_the_same_or_related_elsewhere_answers_nothing_and_is_told_apart(
    house, holder, asked, near
):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    page = await holder.open_request(house.verifier.ask(house.verifier.skill_query(*asked)))
    assert {(each["uri"], each["match"]) for each in page["near"]} == near
    assert not page["answerable"]
    assert (await holder.call("POST", f"/requests/{page['id']}/accept", {})).status_code == 409
    assert house.verifier.received == []


async def test_S05_what_answers_a_question_is_not_said_to_be_near(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    query = house.verifier.skill_query(f"{ELSEWHERE}same")
    query["credentials"][0]["claims"][0]["values"].append(FIRST)
    page = await holder.open_request(house.verifier.ask(query))
    assert (page["answerable"], page["near"]) == (True, [])


async def test_S05_a_badge_that_does_not_count_is_near_to_nothing(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    house.issuer.status_list.set(house.issuer.last_index, Status.INVALID)
    house.clock.advance(timedelta(minutes=2))
    page = await holder.open_request(house.verifier.ask(house.verifier.skill_query(f"{ELSEWHERE}same")))
    assert page["near"] == []


async def test_S05_the_page_says_that_it_is_near_and_is_not_shared(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    for link in (
        house.issuer.offer_link(configurations=[DC]),
        house.verifier.ask(house.verifier.skill_query(f"{ELSEWHERE}same", f"{ELSEWHERE}near")),
    ):
        await browser.get("/scan")
        await browser.follow(await browser.post("/scan", link=link))
        if "/offers/" in str(browser.answer.url):
            await browser.post(f"{browser.answer.url.path}/accept")
    page = unescape(browser.page)
    near = page.partition("<h2>Dit komt in de buurt</h2>")[2]
    assert "Zij vroegen hier niet naar, dus we delen het niet." in near
    first, second = near.split("<li>")[1:3]
    assert SKILLS[FIRST] in first
    assert "Dezelfde skill, in een andere lijst" in first
    assert SKILLS[SECOND] in second
    assert "Verwant, niet dezelfde skill" in second
    assert "Ja, dit delen" not in page


@pytest.mark.parametrize(("claimed", "is_borne_out"), [("same", True), ("near", False)])
async def test_S05_S08_a_claim_is_borne_out_by_the_same_skill_of_another_list_and_by_no_related_one(
    house, claimed, is_borne_out
):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link(configurations=[DC])))
    await browser.post(f"{browser.answer.url.path}/accept")
    await browser.get("/skills/add")
    form = {"words": "elders", "searched": "elders", "choice": f"{ELSEWHERE}{claimed}", "action": "save"}
    page = await browser.follow(await browser.post("/skills/add", **form))
    assert f"elders {claimed}" in page.text
    assert ("Staat ook op een badge van je" in page.text) is is_borne_out
