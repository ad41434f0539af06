"""Questions that ask for a level: at least this one, by the addresses of EQF and NLQF. S-10, decision 0085."""

from typing import Any

import pytest

from kernel.dcql import parse_dcql_query, verify_own_query
from kernel.microcredential import Level, Microcredential, create_microcredential_achievement
from kernel.strict_json import MAX_BYTES, encode_json
from tests.support.badges import create_test_achievement
from tests.support.simulated_wallet import Misbehaviour, VpToken
from tests.verifier.browser import post_form, sign_in
from tests.verifier.conftest import SKILL_URIS, FewSkills, Stage
from tests.verifier.test_formats import ASKED
from tests.verifier.test_pages import OFFICE, ask, make_question
from verifier.questions import AskedSkill, create_dcql_query, create_requirements

FIRST, SECOND = ({"uri": uri} for uri in SKILL_URIS[:2])
PARTY = "/api/relying-parties/bakker"


def at_level(*skills: int, **level: Any) -> dict[str, Any]:
    """An achievement with some of the test badge's skills and a level; another level is another achievement."""
    plain = create_test_achievement()
    microcredential = Microcredential(id="urn:x", achievement_id=plain["id"], level=Level(**level))
    stated = create_microcredential_achievement(microcredential).get("alignment", [])
    chosen = [plain["alignment"][number] for number in skills or (0, 1)]
    named = "-".join(map(str, (*skills, *level.values())))
    return create_test_achievement(id=f"{plain['id']}-{named}", name=f"Badge {named}", alignment=[*chosen, *stated])


def requirement(result: dict[str, Any], name: str = "skill_1") -> dict[str, Any]:
    [found] = [each for each in result["report"]["requirements"] if each["id"] == name]
    return found


async def test_S10_a_level_is_a_query_beside_that_for_the_skill_and_names_every_higher_level() -> None:
    requirements = create_requirements([AskedSkill(SKILL_URIS[0], {"nl": "a"})], index=FewSkills(), minimum_level=7)
    query = create_dcql_query(requirements, vct_values=["a"], type_values=["b"])
    verify_own_query(parse_dcql_query(query))
    skills, levels = query["credentials"][::2], query["credentials"][1::2]
    suffixes = ("sd", "w3", "di", "jwt", "w1")
    assert [each["id"] for each in levels] == [f"skill_1_{suffix}_level" for suffix in suffixes]
    for skill, level in zip(skills, levels, strict=True):
        assert (level["format"], level["meta"]) == (skill["format"], skill["meta"])
        [of_skill], [of_level] = skill["claims"], level["claims"]
        assert of_level["path"] == of_skill["path"]
        assert {value for value in of_level["values"] if "/eqf/" in value} == {
            "http://data.europa.eu/snb/eqf/7",
            "http://data.europa.eu/snb/eqf/8",
        }
    both = [[f"skill_1_{suffix}", f"skill_1_{suffix}_level"] for suffix in suffixes]
    assert query["credential_sets"] == [{"options": both, "required": True}]


async def test_S10_a_question_for_many_broad_skills_at_a_level_still_fits_a_wallet() -> None:
    class Broad(FewSkills):
        def narrower(self, uri: str) -> list[str]:
            return [f"http://data.europa.eu/esco/skill/{number:036}" for number in range(5000)]

    for count in (1, 20):
        skills = [AskedSkill(f"http://data.europa.eu/esco/skill/{number}", {"nl": "x"}) for number in range(count)]
        requirements = create_requirements(skills, index=Broad(), minimum_level=1)
        query = create_dcql_query(requirements, vct_values=["a"], type_values=["b"])
        parse_dcql_query(query)
        assert len(encode_json(query)) * 4 / 3 < MAX_BYTES * 0.95


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt", "ldp_vc", "ldp_vc_sd", "vc+jwt", "jwt_vc_json"])
@pytest.mark.parametrize("level", [{"eqf": 5}, {"eqf": 8}, {"nlqf": "5"}, {"eqf": 6, "nlqf": "6"}])
async def test_S10_a_badge_of_that_level_or_a_higher_one_answers_in_every_format(
    stage: Stage, format_id: str, level: dict[str, Any]
) -> None:
    wallet = stage.holding(format_id, achievement=at_level(**level))
    _, result = await stage.ask_and_answer(wallet, **(ASKED | {"skills": [FIRST], "minimum_level": 5}))
    assert result["report"]["accepted"] is True
    assert requirement(result)["outcome"] == "met"
    assert requirement(result)["names"]["nl"].endswith(" (niveau 5 of hoger)")


@pytest.mark.parametrize("level", [{}, {"eqf": 4}, {"nlqf": "4+"}, {"nlqf": "Instroom"}])
async def test_S10_a_badge_of_a_lower_level_or_of_none_does_not(stage: Stage, level: dict[str, Any]) -> None:
    wallet = stage.holding(achievement=at_level(**level))
    _, result = await stage.ask_and_answer(wallet, skills=[FIRST], minimum_level=5)
    assert result["report"]["accepted"] is False
    assert requirement(result)["outcome"] == "not_shown"
    assert result["report"]["answer"]["nl"] == "De eis is nog niet bewezen"


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "ldp_vc"])
async def test_S10_the_level_of_another_badge_is_not_the_level_of_the_skill(stage: Stage, format_id: str) -> None:
    """DCQL lets a wallet answer for both with two badges."""
    wallet = stage.holding(format_id, achievement=at_level(0, eqf=3))
    wallet.held.extend(stage.holding(format_id, achievement=at_level(1, eqf=6)).held)
    wanted = [FIRST, SECOND | {"required": False}]
    _, result = await stage.ask_and_answer(wallet, skills=wanted, minimum_level=5, policy="openid4vp")
    assert result["report"]["accepted"] is False
    assert (requirement(result)["outcome"], requirement(result)["reason"]) == ("not_shown", "level_of_another_badge")
    assert requirement(result, "skill_2")["outcome"] == "met"


async def test_S10_two_copies_of_one_badge_show_the_skill_and_its_level(stage: Stage) -> None:
    wallet, achievement = stage.wallet(), at_level(0, eqf=6)
    copies = [stage.holding(achievement=achievement).held[0] for _ in range(2)]
    started = await stage.ask(skills=[FIRST], minimum_level=5)
    wallet.held.append(copies[0])
    request = await wallet.read_request(started["link"])
    of_skill = wallet.create_vp_token(request)
    wallet.held[:] = [copies[1]]
    mixed = wallet.create_vp_token(request) | {"skill_1_sd": of_skill["skill_1_sd"]}
    await wallet.post(request, wallet.create_form(request, Misbehaviour(change_vp_token=lambda _: mixed)))
    assert (await stage.result(started))["report"]["accepted"] is True


@pytest.mark.parametrize("left_out", ["skill_1_sd", "skill_1_sd_level"])
async def test_S10_a_skill_without_its_level_and_a_level_without_its_skill_prove_nothing(
    stage: Stage, left_out: str
) -> None:
    def without(vp_token: VpToken) -> VpToken:
        return {query_id: shown for query_id, shown in vp_token.items() if query_id != left_out}

    wallet = stage.holding(achievement=at_level(eqf=6))
    _, result = await stage.ask_and_answer(
        wallet, Misbehaviour(change_vp_token=without), skills=[FIRST], minimum_level=5
    )
    assert result["report"]["accepted"] is False
    assert requirement(result)["outcome"] == "not_shown"


async def test_S10_the_level_is_hidden_from_whoever_does_not_ask(stage: Stage) -> None:
    wallet = stage.holding(achievement=at_level(eqf=6))
    _, result = await stage.ask_and_answer(wallet, skills=[FIRST])
    assert all(not shown["learning"]["nl"] for shown in result["shown"].values())
    _, result = await stage.ask_and_answer(wallet, skills=[FIRST], minimum_level=6)
    assert any("EQF 6" in str(shown["learning"]["nl"]) for shown in result["shown"].values())


async def test_S10_a_saved_question_keeps_its_level(stage: Stage) -> None:
    body = {"title": "Adviseur", "purpose": "Vacature", "skills": [FIRST], "minimum_level": 6}
    saved = (await stage.api.post(f"{PARTY}/questions", json=body)).json()
    assert saved["minimum_level"] == 6
    started = await stage.api.post(f"{PARTY}/presentations", json={"question_id": saved["id"]})
    await stage.holding(achievement=at_level(eqf=6)).answer(started.json()["link"])
    assert requirement(await stage.result(started.json()))["outcome"] == "met"
    with_another = {"question_id": saved["id"], "minimum_level": 2}
    assert (await stage.api.post(f"{PARTY}/presentations", json=with_another)).status_code == 400


@pytest.mark.parametrize("level", [0, 9, -1, "hoog", 5.5])
async def test_S10_a_level_that_does_not_exist_is_refused(stage: Stage, level: object) -> None:
    body = {"title": "Adviseur", "purpose": "Vacature", "skills": [FIRST], "minimum_level": level}
    refused = await stage.api.post(f"{PARTY}/questions", json=body)
    assert refused.status_code == 400
    assert "minimum_level" in refused.json()["fields"]


async def test_S10_staff_choose_a_level_and_read_it_in_question_report_and_file(any_stage: Stage) -> None:
    browser = await sign_in(any_stage)
    question = await make_question(browser, minimum_level="5")
    asked_there = question.replace("/back-office/", "/ask/").replace("/questions/", "/")
    answer_page = await ask(browser, question)
    await any_stage.holding(achievement=at_level(eqf=7)).answer(browser.wallet_link(await browser.get(answer_page)))
    for path in (question, f"{OFFICE}/questions", asked_there, answer_page, f"{answer_page}/export/csv"):
        assert "(niveau 5 of hoger)" in (await browser.get(path)).text


async def test_S10_what_a_badge_says_is_told_once_however_often_it_was_shown(stage: Stage) -> None:
    browser = await sign_in(stage)
    answer_page = await ask(browser, await make_question(browser, minimum_level="5"))
    wallet = stage.holding("ldp_vc", achievement=at_level(eqf=7))
    await wallet.answer(browser.wallet_link(await browser.get(answer_page)))
    assert (await browser.get(answer_page)).text.count("EQF 7") == 1


@pytest.mark.parametrize("typed", ["", "0", "9", "hoog"])
async def test_S10_no_level_unless_one_of_the_page_was_chosen(stage: Stage, typed: str) -> None:
    browser = await sign_in(stage)
    question = await make_question(browser, minimum_level=typed)
    assert "(niveau " not in (await browser.get(question)).text


async def test_S10_the_form_keeps_the_level_that_was_chosen(stage: Stage) -> None:
    browser = await sign_in(stage)
    page = await browser.get(f"{OFFICE}/questions/new")
    shown = await post_form(browser, page, {"minimum_level": "6", "q": "adviseren", "action": "search"})
    assert '<option value="6" selected>' in shown.text
