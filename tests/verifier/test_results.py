"""The results of a badge that was shown, in words on the page that staff of the verifier read. B-07, V-43."""

import pytest

from kernel.microcredential import create_microcredential_achievement
from tests.support.badges import create_test_achievement
from tests.support.full_badge import DESCRIPTIONS, RESULTS
from tests.support.microcredentials import FULL
from tests.verifier.browser import sign_in
from tests.verifier.conftest import Stage
from tests.verifier.test_pages import ask, make_question


@pytest.mark.parametrize("format_id", ["ldp_vc", "vc+sd-jwt"])
async def test_B07_V43_staff_read_the_results_that_were_shown_and_no_others(stage: Stage, format_id: str) -> None:
    browser = await sign_in(stage)
    answer_page = await ask(browser, await make_question(browser))
    achievement = create_test_achievement(resultDescription=DESCRIPTIONS)
    wallet = stage.holding(format_id, achievement=achievement, result=RESULTS)
    await wallet.answer(browser.wallet_link(await browser.get(answer_page)))
    page = (await browser.get(answer_page)).text
    is_whole = format_id == "ldp_vc"
    for words in ("Eindbeoordeling", "Goed: Niveau 3", "nodig: Voldoende", "op een schaal van 1 tot 10"):
        assert (words in page) is is_whole


@pytest.mark.parametrize("format_id", ["ldp_vc", "dc+sd-jwt"])
async def test_E20_V43_staff_read_level_workload_and_quality_that_were_shown_in_their_language(
    stage: Stage, format_id: str
) -> None:
    browser = await sign_in(stage)
    answer_page = await ask(browser, await make_question(browser))
    aligned = create_microcredential_achievement(FULL)["alignment"]
    skills = create_test_achievement()["alignment"]
    wallet = stage.holding(format_id, achievement=create_test_achievement(alignment=[*skills, *aligned]))
    await wallet.answer(browser.wallet_link(await browser.get(answer_page)))
    is_whole = format_id == "ldp_vc"
    page = (await browser.get(answer_page)).text
    for words in ("beoordeling van een portfolio", "na 36 maanden", "Management en bestuur (ISCED-F 0413)", "97,5 uur"):
        assert (words in page) is is_whole
    assert "portfolio_assessment" not in page
    page = (await browser.client.get(answer_page, headers={"Accept-Language": "en"})).text
    for words in ("assessment of a portfolio", "97.5 hours"):
        assert (words in page) is is_whole
