"""Names that strangers choose: they turn no words of ours around, and no page grows without end by them (A-41)."""

import re
from html import unescape

import pytest

from tests.support.badges import SKILLS, create_test_achievement, create_test_dataset
from tests.support.simulated_issuer import DC
from wallet.recognition import PartyRecognition
from wallet.web.words import issuer_words

FIRST = next(iter(SKILLS))
OVERRIDE, ISOLATE, CLOSE = "\u202e", "\u2067", "\u2069"
COMMANDS = "".join(map(chr, [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
TURNED = f"{OVERRIDE}{ISOLATE}School{CLOSE}{CLOSE}\u2068"
HEBREW = "בית ספר"


def own_isolates_only(page: str) -> bool:
    """No command is left but pairs that open and close around one name."""
    return not re.search(f"[{COMMANDS}]", re.sub(f"\u2068[^{COMMANDS}]*\u2069", "", unescape(page)))


@pytest.fixture
async def browser(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


async def open_link(browser, link):
    await browser.get("/scan")
    return await browser.follow(await browser.post("/scan", link=link))


async def see_everything(house, browser, name):
    """Offer, badge, list, skills, question and history, where every name from outside is this one."""
    house.issuer.name = house.verifier.name = name
    achievement = create_test_achievement(name=name, description=name, criteria={"narrative": name})
    for alignment in achievement["alignment"]:
        alignment["targetName"] = name
    house.issuer.dataset = create_test_dataset(
        achievement=achievement, issuing_authority=name, person={"given_name": name, "family_name": name}
    )
    house.verifier.purpose = {"nl": name}
    seen = [await open_link(browser, house.issuer.offer_link(configurations=[DC]))]
    seen.append(await browser.follow(await browser.post(f"{browser.answer.url.path}/accept")))
    seen += [await browser.get(path) for path in ("/badges", "/skills", "/shared", "/me", "/")]
    seen.append(await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST))))
    path = browser.answer.url.path
    house.verifier.redirect_uri = "https://verifier.example/done"
    key = re.search(r'name="q0" value="([^"]+)"', browser.page)[1]
    seen.append(await browser.post(f"{path}/accept", q0=key))
    seen += [await browser.get(path) for path in ("/shared", path)]
    assert {answer.status_code for answer in seen} <= {200, 303}
    return [answer.text for answer in seen]


async def test_A41_name_that_commands_a_direction_commands_nothing(house, browser):
    pages = await see_everything(house, browser, TURNED)
    assert any("School" in page for page in pages)
    assert [page for page in pages if not own_isolates_only(page)] == []


async def test_A41_name_from_right_to_left_keeps_to_its_own_place_in_a_sentence(house, browser):
    pages = await see_everything(house, browser, HEBREW)
    assert all(own_isolates_only(page) for page in pages)
    assert any(f"van \u2068{HEBREW}\u2069" in unescape(page) for page in pages)
    listed = PartyRecognition("recognised", list_name=HEBREW, entity_name=f"{TURNED} {HEBREW}")
    words = issuer_words(lambda text: text, listed, "issuer.example")
    assert words.text == f"\u2068{HEBREW}\u2069 erkent \u2068School {HEBREW}\u2069 als uitgever."


async def test_A41_endless_names_make_no_endless_pages(house, browser):
    pages = await see_everything(house, browser, "x" * 20_000)
    assert "x" * 200 in pages[0]
    # The badge's own page has the whole text of what was asked for it.
    assert max(len(page) for number, page in enumerate(pages) if number != 1) < 60_000
