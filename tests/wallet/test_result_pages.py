"""What somebody reached, on the page of a badge: in words, with the level, the scale and what was needed. B-07."""

from html import unescape

import pytest

from kernel.microcredential import create_microcredential_achievement
from tests.support.full_badge import create_full_dataset
from tests.support.microcredentials import FULL


def plain_achievement():
    full = create_full_dataset().achievement
    return {name: value for name, value in full.items() if name not in ("image", "endorsement")}


@pytest.mark.parametrize(
    ("language", "needed", "grade"), [("nl", "nodig: Voldoende", "7,5"), ("en", "needed: Voldoende", "7.5")]
)
async def test_B07_results_and_what_an_award_says_are_on_the_page_of_a_badge(house, language, needed, grade):
    house.issuer.dataset = create_full_dataset(achievement=plain_achievement(), endorsement=())
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link()))
    page = unescape((await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))).text)
    for words in ("Eindbeoordeling", "Goed: Niveau 3", needed, grade, "Deed drie opdrachten.", "Adviseur", "A-9320041"):
        assert words in page


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        (
            "nl",
            ("beoordeling van een portfolio", "na 36 maanden", "Management en bestuur", "Engels", "3,5 studiepunten"),
        ),
        (
            "en",
            ("assessment of a portfolio", "after 36 months", "Management and administration", "Dutch", "3.5 credits"),
        ),
    ],
)
async def test_E20_level_workload_and_quality_are_told_in_words_and_not_in_codes(house, language, expected):
    achievement = create_microcredential_achievement(FULL)
    house.issuer.dataset = create_full_dataset(achievement=achievement, result=(), endorsement=())
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link()))
    page = unescape((await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))).text)
    for words in expected:
        assert words in page
    for code in ("portfolio_assessment", ">36<", ">nl<", ">0413<"):
        assert code not in page


@pytest.mark.parametrize(
    ("language", "heading", "level"),
    [("nl", "Wat je nu kunt", "niveau: zelfstandig"), ("en", "What you can do now", "level: zelfstandig")],
)
async def test_E20_learning_outcomes_stand_on_the_page_of_a_badge(house, language, heading, level):
    """Mandatory in Annex I: each as the issuer wrote it, with its level and the skills that show it."""
    house.issuer.dataset = create_full_dataset(
        achievement=create_microcredential_achievement(FULL), result=(), endorsement=()
    )
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link()))
    page = unescape((await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))).text)
    outcomes = page.partition(f"<h2>{heading}</h2>")[2].partition("</ul>")[0]
    for outcome in FULL.learning_outcomes:
        assert outcome.text in outcomes
        assert all(skill.name in outcomes for skill in outcome.skills)
    assert level in outcomes


async def test_E20_skills_alone_are_no_learning_outcomes(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link()))
    page = (await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))).text
    assert "<h2>Skills</h2>" in page
    assert "Wat je nu kunt" not in page
