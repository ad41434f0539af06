"""What somebody reached, on the page of a badge: in words, with the level, the scale and what was needed. B-07."""

from html import unescape

import pytest

from tests.support.full_badge import create_full_dataset


def plain_achievement():
    full = create_full_dataset().achievement
    return {name: value for name, value in full.items() if name not in ("image", "endorsement")}


@pytest.mark.parametrize(("language", "needed"), [("nl", "nodig: Voldoende"), ("en", "needed: Voldoende")])
async def test_B07_results_and_what_an_award_says_are_on_the_page_of_a_badge(house, language, needed):
    house.issuer.dataset = create_full_dataset(achievement=plain_achievement(), endorsement=())
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link()))
    page = unescape((await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))).text)
    for words in ("Eindbeoordeling", "Goed: Niveau 3", needed, "7.5", "Deed drie opdrachten.", "Adviseur", "A-9320041"):
        assert words in page
