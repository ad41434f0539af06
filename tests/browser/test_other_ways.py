"""The whole journey for who has no script, and for who has no mouse: from a sign-up to an answer that counts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from cli.clients import IssuerClient, VerifierClient
from tests.browser.conftest import RECRUITER, SCHOOL, Person, Town, run

pytestmark = [pytest.mark.browser, pytest.mark.loopback, pytest.mark.slow]

PASSPHRASE = "vier losse woorden zonder zin"
HRM = "http://data.europa.eu/esco/skill/e437eba1-3e22-41f2-8703-741e94785cba"

FOCUSED = """() => {
  const e = document.activeElement;
  const ring = getComputedStyle(e).outlineStyle;
  return { words: (e.innerText || e.getAttribute('aria-label') || e.name || '').trim(), name: e.name ?? '', ring };
}"""


def test_all_of_it_without_javascript(town: Town, person: Callable[..., Person]) -> None:
    """Described, awarded, received, asked, shown and judged, with nothing but forms and links."""
    staff, holder, recruiter = (
        person(name, "phone", java_script_enabled=False) for name in ("staff", "holder", "recruiter")
    )
    sign_in(staff, town, "issuer", town.staff)
    staff.follow("Nieuwe badge beschrijven")
    staff.fill("Naam van de badge", "Zonder script")
    staff.fill("Wat deed iemand die deze badge heeft?", "Onderzocht HRM-processen bij een bedrijf in de regio.")
    staff.fill("Wat is nodig om hem te krijgen?", "Een adviesrapport, beoordeeld door twee mensen.")
    staff.fill("Zoek een skill", "personeelsbel")
    staff.page.locator(".searching").get_by_role("button").click()
    staff.page.locator("#found").get_by_role("button").first.click()
    expect(staff.page.locator("#picked")).to_contain_text("personeelsbeleid")
    staff.press("Badge bewaren")
    staff.follow("Een persoon")
    for name, text in (("Voornaam", "Sanne"), ("Achternaam", "Jansen"), ("E-mailadres", "sanne@student.example")):
        staff.fill(name, text)
    staff.page.locator("#one").get_by_role("button").click()
    staff.press("Uitreiken aan 1 persoon")
    link = staff.page.get_by_label("Link om te sturen").input_value()
    code = staff.page.locator(".big-code").inner_text().strip()

    holder.page.goto(town.url("wallet", "/sign-up"))
    holder.fill("Naam", "zonder-script")
    holder.fill("Wachtzin", PASSPHRASE)
    holder.press("Wallet maken")
    holder.follow("Ik heb hem bewaard")
    holder.page.goto(link)
    holder.fill("Code", code)
    holder.press("Ja, bewaar in mijn wallet")
    assert holder.heading() == "Zonder script"

    sign_in(recruiter, town, "verifier", town.recruiter)
    recruiter.follow("Nieuwe vraag")
    recruiter.fill("Naam van de vraag", "Zonder script")
    recruiter.fill("Waarvoor vraagt u dit?", "Om te kijken of u past bij deze vacature.")
    recruiter.fill("Zoek een skill", "personeelsbel")
    recruiter.press("Zoeken")
    recruiter.page.get_by_label("personeelsbeleid").first.check()
    recruiter.press("Vraag bewaren")
    recruiter.press("Nu vragen, hier op het scherm")
    recruiter.page.get_by_text("De wallet staat op dit apparaat").click()
    holder.page.goto(str(recruiter.page.get_by_role("link", name="Open de webwallet").get_attribute("href")))
    holder.press("Ja, dit delen")
    expect(holder.page.get_by_role("heading", level=1)).to_contain_text("Gedeeld met Bakker Bouw")
    # The page loads itself again every five seconds.
    expect(recruiter.page.get_by_role("heading", level=1)).to_have_text("Voldoet aan de eis", timeout=60_000)


@pytest.mark.parametrize(
    ("service", "page", "script"),
    [("issuer", "Nieuwe badge beschrijven", "skills.js"), ("verifier", "Nieuwe vraag", "skill-search.js")],
)
def test_what_is_typed_before_the_script_came_is_searched(
    town: Town, person: Callable[..., Person], service: str, page: str, script: str
) -> None:
    """On a slow line the page is there before its script: skills are suggested all the same."""
    staff = person("early", "desktop")
    held: list[Route] = []
    staff.page.route(f"**/{script}*", lambda route: held.append(route))
    sign_in(staff, town, service, town.staff if service == "issuer" else town.recruiter)
    staff.follow(page)
    staff.fill("Zoek een skill", "personeelsbel")
    staff.page.wait_for_timeout(300)
    assert staff.page.get_by_text("personeelsbeleid").count() == 0
    [waiting] = held
    waiting.continue_()
    expect(staff.page.get_by_text("personeelsbeleid").first).to_be_visible()


def test_a_badge_is_received_and_shown_with_the_keyboard_alone(town: Town, person: Callable[..., Person]) -> None:
    """WCAG 2.2 §2.1.1, §2.4.7: every step is reached with Tab, and where one is can be seen."""
    holder = person("keys", "desktop")
    offer, question = run(prepare(town))
    page = holder.page
    page.goto(town.url("wallet"))
    go(page, "Een wallet maken")
    write(page, "name", "toetsenbord")
    write(page, "passphrase", PASSPHRASE)
    go(page, "Wallet maken")
    go(page, "Ik heb hem bewaard")
    expect(page).to_have_url(re.compile("/badges"))

    page.goto(offer["wallet_link"])
    write(page, "tx_code", "000000" if offer["tx_code"] != "000000" else "111111")
    go(page, "Ja, bewaar in mijn wallet")
    expect(page.locator("#error-summary")).to_be_focused()
    go(page, "Deze code klopt niet")
    expect(page.locator("[name=tx_code]")).to_be_focused()
    page.keyboard.type(offer["tx_code"])
    go(page, "Ja, bewaar in mijn wallet")
    expect(page.get_by_role("heading", level=1)).to_have_text("Met toetsen")

    page.goto(town.url("verifier", f"/ask/{RECRUITER['slug']}/{question}"))
    go(page, "Op dit apparaat")
    go(page, "Open de webwallet")
    go(page, "Ja, dit delen")
    expect(page.get_by_role("heading", level=1)).to_have_text("Voldoet aan de eis", timeout=60_000)


async def prepare(town: Town) -> tuple[dict[str, str], str]:
    """One offer and one question that fit each other."""
    described = {
        "slug": "met-toetsen",
        "name": {"nl": "Met toetsen"},
        "description": {"nl": "Werkt zonder muis."},
        "criteria": {"nl": "Een dag meelopen."},
        "achievement_type": "Badge",
        "skills": [{"uri": HRM, "name": "personeelsbeleid", "framework": "ESCO"}],
    }
    someone = {"given_name": "Ali", "family_name": "Demir", "email": "ali@student.example"}
    asked = {"title": "Met toetsen", "purpose": "Om te kijken of u past.", "skills": [{"uri": HRM}]}
    keys = town.deployment.admin_keys
    async with IssuerClient(town.url("issuer", ""), key=keys["issuer"]) as issuer:
        await issuer.create_achievement(SCHOOL["slug"], described)
        [award] = await issuer.award(SCHOOL["slug"], "met-toetsen", [someone])
    async with VerifierClient(town.url("verifier", ""), key=keys["verifier"]) as verifier:
        question = await verifier.create_question(RECRUITER["slug"], asked)
    return award["offer"], str(question["id"])


def sign_in(person: Person, town: Town, service: str, account: tuple[str, str]) -> None:
    person.page.goto(town.url(service, "/sign-in"))
    person.fill("E-mailadres", account[0])
    person.fill("Wachtzin", account[1])
    person.press("Inloggen")


def reach(page: Page, words: str) -> None:
    """Press Tab until this is focused: what stands on it, or the name of a field."""
    passed = []
    for _ in range(60):
        focused = page.evaluate(FOCUSED)
        passed.append(focused["words"])
        if words in (focused["words"], focused["name"]):
            assert focused["ring"] not in ("none", ""), f"nothing shows that {words} is focused"
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{words} is not reached: {passed}")


def go(page: Page, words: str) -> None:
    reach(page, words)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def write(page: Page, name: str, text: str) -> None:
    reach(page, name)
    page.keyboard.type(text)
