"""Somebody fetches a badge by signing in: asks for a code, gets it from staff, agrees or not; on a phone and a desk."""

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import expect

from cli.clients import IssuerClient
from kernel.openid4vci import code_challenge, create_code_verifier
from tests.browser.conftest import SCHOOL, Person, Town, run

pytestmark = [pytest.mark.browser, pytest.mark.loopback, pytest.mark.slow]

SLUG = SCHOOL["slug"]
ACHIEVEMENT = {
    "name": {"nl": "Adviseur Lerende Regio", "en": "Learning Region Adviser"},
    "description": {"nl": "Deed onderzoek en adviseerde bedrijven.", "en": "Did research and advised companies."},
    "criteria": {"nl": "Een adviesrapport en een gesprek."},
    "achievement_type": "Badge",
    "skills": [{"uri": "https://skills.example/advies", "name": "adviseren", "framework": "Eigen"}],
}


async def award(town: Town, achievement: str, email: str, *, times: int = 1) -> None:
    """Describe a badge and award it."""
    address, key = town.deployment.address("issuer"), town.deployment.admin_keys["issuer"]
    person = {"given_name": "Sanne", "family_name": "Verhoeven", "email": email}
    async with IssuerClient(address, key=key) as issuer:
        await issuer.create_achievement(SLUG, {**ACHIEVEMENT, "slug": achievement})
        for _ in range(times):
            await issuer.award(SLUG, achievement, [person])


async def push(town: Town, achievement: str, redirect_uri: str) -> str:
    """Push a request as a wallet does; where the browser goes then."""
    issuer = f"{town.deployment.address('issuer')}/{SLUG}"
    form = {
        "response_type": "code",
        "client_id": "https://wallet.example",
        "redirect_uri": redirect_uri,
        "scope": f"{achievement}.dc-sd-jwt",
        "state": "xyz",
        "code_challenge": code_challenge(create_code_verifier()),
        "code_challenge_method": "S256",
    }
    async with httpx.AsyncClient() as client:
        pushed = (await client.post(f"{issuer}/par", data=form)).json()
    return f"{issuer}/authorize?{urlencode({'client_id': form['client_id'], 'request_uri': pushed['request_uri']})}"


def code_from_staff(town: Town, staff: Person) -> str:
    """What staff hand over."""
    staff.page.goto(town.url("issuer", f"/back-office/{SLUG}/sign-ins"))
    staff.look("waiting")
    staff.page.get_by_role("button", name="Toon de code").last.click()
    staff.look("shown")
    return staff.page.locator(".big-code").inner_text()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_I21_I25_somebody_signs_in_with_a_code_and_fetches_a_badge(
    town: Town, person: Callable[..., Person], size: str
) -> None:
    achievement, email = f"adviseur-{size}", f"sanne.{size}@student.example"
    back = town.url("wallet", "/health")
    run(award(town, achievement, email))
    staff, holder = person("sign-in-staff", size), person("sign-in-holder", size)
    staff.page.goto(town.url("issuer", "/sign-in"))
    staff.fill("E-mailadres", town.staff[0])
    staff.fill("Wachtzin", town.staff[1])
    staff.press("Inloggen")
    staff.page.wait_for_url(re.compile(f"/back-office/{SLUG}"))

    opened = run(push(town, achievement, back))
    holder.page.goto(opened)
    assert holder.heading() == "Laat zien dat jij het bent"
    holder.look("begin")
    holder.fill("E-mailadres", email)
    holder.press("Vraag een code")
    assert holder.heading() == "Vraag om je code"
    holder.look("code")
    holder.fill("Code van zes cijfers", "000000")
    holder.press("Verder")
    holder.look("wrong-code")
    holder.fill("Code van zes cijfers", code_from_staff(town, staff))
    holder.press("Verder")
    assert holder.heading() == "Wil je deze badge ophalen?"
    holder.look("consent")
    holder.page.get_by_text("Voor wie het precies wil weten").click()
    holder.look("consent-details")
    holder.press("Ja, ophalen")
    expect(holder.page).to_have_url(re.compile(re.escape(back)))
    answer = parse_qs(urlsplit(holder.page.url).query)
    assert answer.keys() == {"code", "state", "iss"}
    holder.page.goto(opened)
    assert holder.heading() == "Begin opnieuw in je wallet"
    holder.look("over")


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_I26_somebody_chooses_among_badges_or_says_no(town: Town, person: Callable[..., Person], size: str) -> None:
    achievement, email = f"keuze-{size}", f"noor.{size}@student.example"
    back = town.url("wallet", "/health")
    run(award(town, achievement, email, times=2))
    staff, holder = person("choice-staff", size), person("choice-holder", size)
    staff.page.goto(town.url("issuer", "/sign-in"))
    staff.fill("E-mailadres", town.staff[0])
    staff.fill("Wachtzin", town.staff[1])
    staff.press("Inloggen")
    staff.page.wait_for_url(re.compile(f"/back-office/{SLUG}"))
    holder.page.goto(run(push(town, achievement, back)))
    holder.fill("E-mailadres", email)
    holder.press("Vraag een code")
    staff.page.goto(town.url("issuer", f"/back-office/{SLUG}/sign-ins"))
    staff.page.get_by_role("button", name="Toon de code").last.click()
    link = staff.page.locator("#sign-in-link").input_value()
    other = person("choice-other", size)
    other.page.goto(link)
    assert other.heading() == "Open deze link in je andere browser"
    other.look("elsewhere")
    holder.page.goto(link)
    holder.look("link")
    holder.press("Verder")
    assert holder.heading() == "Welke badges wil je ophalen?"
    holder.look("consent")
    for box in holder.page.get_by_role("checkbox").all():
        box.uncheck()
    holder.press("Ja, ophalen")
    holder.look("nothing-chosen")
    holder.press("Niet ophalen")
    expect(holder.page).to_have_url(re.compile(re.escape(back)))
    assert parse_qs(urlsplit(holder.page.url).query)["error"] == ["access_denied"]


def test_I25_a_provider_that_does_not_answer_is_told_and_nothing_is_lost(
    town: Town, person: Callable[..., Person]
) -> None:
    run(award(town, "inloggen", "sam@student.example"))
    staff = person("provider-staff", "phone")
    staff.page.goto(town.url("issuer", "/sign-in"))
    staff.fill("E-mailadres", town.staff[0])
    staff.fill("Wachtzin", town.staff[1])
    staff.press("Inloggen")
    staff.page.wait_for_url(re.compile(f"/back-office/{SLUG}"))
    staff.follow("Codes")
    staff.follow("Mensen zelf laten inloggen")
    staff.look("none")
    staff.fill("Naam van de inlogdienst", "SchoolLogin")
    staff.fill("Adres van de inlogdienst", "https://localhost")
    staff.fill("client_id", "badges")
    staff.press("Opslaan")
    staff.look("wrong")
    staff.fill("Adres van de inlogdienst", "https://login.school.example")
    staff.press("Opslaan")
    staff.look("set")
    holder = person("provider-holder", "phone")
    holder.page.goto(run(push(town, "inloggen", town.url("wallet", "/health"))))
    holder.look("begin")
    holder.follow("Inloggen bij SchoolLogin")
    assert holder.heading() == "Inloggen lukte niet"
    holder.look("failed")
    staff.press("Weer met codes werken")
    assert staff.page.get_by_text("Mensen laten nu met een code zien").is_visible()
