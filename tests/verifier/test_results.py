"""The results of a badge that was shown, in words on the page that staff of the verifier read. B-07, V-43."""

import pytest

from tests.support.badges import create_test_achievement
from tests.support.full_badge import DESCRIPTIONS, RESULTS
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
