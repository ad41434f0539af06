"""Staff make the file of a badge and download it, in Dutch and in English."""

from collections.abc import AsyncIterator

import pytest

from kernel.baking import parse_baked
from tests.issuer.conftest import ORG, SLUG, Issuer
from tests.issuer.test_pages import BASE, Browser, add_operator
from tests.issuer.test_securings import believe


@pytest.fixture
async def browser(issuer: Issuer) -> AsyncIterator[Browser]:
    await add_operator(issuer)
    made = Browser(issuer)
    await made.sign_in()
    yield made
    await made.client.aclose()


async def test_B30_staff_make_a_file_and_download_a_picture_that_can_be_checked(
    browser: Browser, issuer: Issuer
) -> None:
    page = f"{BASE}/awards/{(await issuer.award())['id']}"
    await browser.get(page)
    assert "Bestand maken" in browser.page
    await browser.post(f"{page}/file")
    assert "Plaatje (PNG)" in browser.page
    assert "Bestand van de badge gemaakt" in browser.page
    assert "Bestand maken" not in browser.page
    picture = await browser.client.get(f"{page}/file/png")
    assert picture.headers["content-disposition"].startswith(f'attachment; filename="{SLUG}-')
    await believe(issuer, parse_baked(picture.content).raw)
    elm = await browser.client.get(f"{page}/elm")
    assert elm.headers["content-type"] == "application/ld+json"


async def test_I78_of_a_suspended_badge_no_file_is_made_but_what_was_made_stays_in_sight(
    browser: Browser, issuer: Issuer
) -> None:
    without, made = await issuer.award(), await issuer.award()
    await issuer.api("POST", f"/organisations/{ORG}/awards/{made['id']}/file")
    for award in (without, made):
        await issuer.change(award["id"], "suspend")
    await browser.get(f"{BASE}/awards/{without['id']}")
    assert "De badge als bestand" not in browser.page
    await browser.get(f"{BASE}/awards/{made['id']}")
    assert "Plaatje (PNG)" in browser.page
    assert "ELM" not in browser.page


async def test_the_words_about_files_are_there_in_english(browser: Browser, issuer: Issuer) -> None:
    browser.client.headers["Accept-Language"] = "en"
    page = f"{BASE}/awards/{(await issuer.award())['id']}"
    await browser.get(page)
    await browser.post(f"{page}/file")
    for words in ("Picture (PNG)", "The badge as a file", "Download the ELM file"):
        assert words in browser.page
