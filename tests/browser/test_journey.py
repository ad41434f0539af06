"""From offer to shown result, and what must fail, as people meet it: on the pages, in a real browser."""

import io
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
import segno
from PIL import Image
from playwright.sync_api import Browser, expect

from cli.clients import IssuerClient
from tests.browser.conftest import SCHOOL, Person, Town, run

pytestmark = [pytest.mark.browser, pytest.mark.loopback, pytest.mark.slow]

PASSPHRASE = "vier losse woorden zonder zin"
HRM = "http://data.europa.eu/esco/skill/e437eba1-3e22-41f2-8703-741e94785cba"


def sign_in_staff(person: Person, town: Town) -> None:
    person.page.goto(town.url("issuer", "/sign-in"))
    person.look("sign-in")
    person.fill("E-mailadres", town.staff[0])
    person.fill("Wachtzin", town.staff[1])
    person.press("Inloggen")
    person.page.wait_for_url(re.compile("/back-office/maas-en-waal"))


def describe_badge(staff: Person, name: str) -> None:
    """Staff describe a badge with two skills out of ESCO, found by searching."""
    staff.follow("Nieuwe badge beschrijven")
    staff.fill("Naam van de badge", name)
    staff.fill("Wat deed iemand die deze badge heeft?", "Onderzocht HRM-processen bij een bedrijf in de regio.")
    staff.fill("Wat is nodig om hem te krijgen?", "Een adviesrapport, beoordeeld door twee mensen.")
    staff.page.locator("#achievement_type").select_option("Badge")
    for word, skill in (("personeelsbel", "personeelsbeleid"), ("interviews", "onderzoeksinterviews uitvoeren")):
        staff.fill("Zoek een skill", word)
        found = staff.page.locator("#found li").filter(has_text=skill)
        found.get_by_role("button").click()
        expect(staff.page.locator("#picked")).to_contain_text(skill)
    staff.look("describe")
    staff.press("Badge bewaren")
    expect(staff.page.get_by_role("heading", level=1)).to_have_text(name)
    staff.look("badge")


def award_list(staff: Person, lines: str) -> None:
    """Staff paste a list; the preview names the line that cannot go along."""
    staff.follow("Een lijst")
    staff.page.locator("#list").get_by_label("Plak hier de lijst").fill(lines)
    staff.look("award")
    staff.page.locator("#list").get_by_role("button", name="Voorbeeld bekijken").click()
    expect(staff.page.locator("main")).to_contain_text("1 regel kan niet mee")
    staff.look("preview")
    staff.press("Uitreiken aan 2 mensen")
    staff.look("awarded")


def read_offer(staff: Person, name: str) -> tuple[str, str]:
    """The link and the code of one person's invitation, as the page shows them."""
    staff.page.get_by_role("row").filter(has_text=name).get_by_role("link").first.click()
    link = staff.page.get_by_label("Link om te sturen").input_value()
    code = staff.page.locator(".big-code").inner_text().strip()
    staff.look("invitation")
    return link, code


def make_wallet(holder: Person, town: Town, name: str) -> None:
    holder.page.goto(town.url("wallet"))
    holder.look("front")
    holder.follow("Een wallet maken")
    holder.look("sign-up")
    holder.fill("Naam", name)
    holder.fill("Wachtzin", PASSPHRASE)
    holder.press("Wallet maken")
    assert "herstelcode" in holder.heading()
    holder.look("recovery-code")
    holder.follow("Ik heb hem bewaard")
    holder.look("empty")


def receive(holder: Person, link: str, code: str) -> None:
    """The holder opens the link, types the code wrong once, and then right."""
    holder.page.goto(link)
    holder.look("offer")
    assert "biedt je een badge aan" in holder.heading()
    wrong = "000000" if code != "000000" else "111111"
    holder.fill("Code", wrong)
    holder.press("Ja, bewaar in mijn wallet")
    expect(holder.page.locator("#error-summary")).to_contain_text("code")
    holder.look("wrong-code")
    holder.fill("Code", code)
    holder.press("Ja, bewaar in mijn wallet")
    expect(holder.page.locator("main")).to_contain_text("Echt, geldig en van een bekende uitgever")
    holder.look("received")


def make_question(recruiter: Person, town: Town, title: str) -> None:
    recruiter.page.goto(town.url("verifier", "/sign-in"))
    recruiter.look("sign-in")
    recruiter.fill("E-mailadres", town.recruiter[0])
    recruiter.fill("Wachtzin", town.recruiter[1])
    recruiter.press("Inloggen")
    recruiter.page.wait_for_url(re.compile("/back-office/bakker-bouw"))
    recruiter.look("questions")
    recruiter.follow("Nieuwe vraag")
    recruiter.fill("Naam van de vraag", title)
    recruiter.fill("Waarvoor vraagt u dit?", "Om te kijken of u past bij deze vacature.")
    recruiter.page.locator("#q").press_sequentially("personeelsbel", delay=20)
    recruiter.press("Toevoegen: personeelsbeleid")
    expect(recruiter.page.locator("[data-picked]")).to_contain_text("personeelsbeleid")
    recruiter.look("new-question")
    recruiter.press("Vraag bewaren")
    assert recruiter.heading() == title
    recruiter.look("question")


def ask_on_screen(recruiter: Person) -> tuple[str, str]:
    """Ask now: the link behind the QR code and the four characters to compare."""
    recruiter.press("Nu vragen, hier op het scherm")
    expect(recruiter.page.locator(".big-code")).to_be_visible()
    recruiter.look("ask")
    recruiter.page.get_by_text("De wallet staat op dit apparaat").click()
    link = recruiter.page.get_by_role("link", name="Open de webwallet").get_attribute("href")
    assert link
    return link, recruiter.page.locator(".big-code").inner_text().strip()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_W02_W47_V23_V40_one_badge_lives_its_whole_life_on_the_pages(
    town: Town, person: Callable[..., Person], size: str
) -> None:
    """Described, awarded, received, shown, checked, revoked and refused, as people meet it."""
    badge, school, holder, recruiter = (
        f"Adviseur {size}",
        *(person(name, size) for name in ("staff", "holder", "recruiter")),
    )
    sign_in_staff(school, town)
    describe_badge(school, badge)
    award_list(school, "Sanne\tJansen\ts.jansen@student.example\nMo\tEl Idrissi\tm@student.example\nzonder adres")
    link, code = read_offer(school, "Jansen")

    make_wallet(holder, town, f"sanne-{size}")
    receive(holder, link, code)
    holder.page.goto(town.url("wallet", "/badges"))
    holder.look("badges")
    holder.page.get_by_role("link").filter(has_text=badge).first.click()
    assert holder.heading() == badge

    make_question(recruiter, town, f"HR-adviseur {size}")
    request, comparison = ask_on_screen(recruiter)
    holder.page.goto(request)
    assert "Bakker Bouw vraagt om 1 skill" in holder.heading()
    expect(holder.page.locator("main")).to_contain_text(comparison)
    expect(holder.page.locator("main")).to_contain_text("Dit zien zij niet")
    holder.look("consent")
    holder.press("Ja, dit delen")
    expect(holder.page.get_by_role("heading", level=1)).to_contain_text("Gedeeld met Bakker Bouw")
    holder.look("shared")

    # The recruiter's page learns it by itself.
    expect(recruiter.page.get_by_role("heading", level=1)).to_contain_text("Voldoet aan de eis", timeout=20_000)
    body = recruiter.page.content()
    assert "Jansen" not in body
    assert "student.example" not in body
    recruiter.look("report")

    # Once more: the same request is spent.
    holder.page.goto(request)
    assert "Ja, dit delen" not in holder.page.content()

    # Revoked: the holder sees it, and the recruiter is told.
    school.page.get_by_role("link", name="Intrekken").click()
    school.look("revoke")
    school.fill("Waarom?", "Per vergissing uitgereikt")
    school.page.locator("main form").get_by_role("button").first.click()
    expect(school.page.locator("main")).to_contain_text("ingetrokken")
    recruiter.press("Dezelfde vraag aan een ander")
    expect(recruiter.page.locator(".big-code")).to_be_visible()
    recruiter.page.get_by_text("De wallet staat op dit apparaat").click()
    again = recruiter.page.get_by_role("link", name="Open de webwallet").get_attribute("href")
    holder.page.wait_for_timeout(1_500)
    holder.page.goto(str(again))
    holder.look("consent-revoked")
    holder.press("Ja, dit delen")
    expect(recruiter.page.locator("main")).to_contain_text("ingetrokken", timeout=20_000)
    recruiter.look("report-revoked")
    for path in ("/badges", "/skills", "/scan", "/shared", "/me"):
        holder.page.goto(town.url("wallet", path))
        holder.look(path.strip("/") + "-after")


def test_W01_a_qr_code_is_read_from_a_picture_without_javascript(
    town: Town, person: Callable[..., Person], tmp_path: Path
) -> None:
    """W-01: the picture is decoded by the wallet itself; nothing needs a script."""
    holder = person("no-script", "phone", java_script_enabled=False)
    make_wallet_at_once(holder, town, "zonder-script")
    picture = tmp_path / "offer.png"
    segno.make(run(create_offer_link(town))).save(str(picture), scale=6)
    holder.page.goto(town.url("wallet", "/scan"))
    holder.page.get_by_label("Foto met de QR-code").set_input_files(picture)
    holder.press("Code lezen")
    expect(holder.page.get_by_role("heading", level=1)).to_contain_text("biedt je een badge aan")


def test_W01_a_qr_code_held_before_the_camera_opens_the_offer(
    town: Town, launch: Callable[..., Browser], tmp_path: Path
) -> None:
    """The camera is Chromium's own stand-in, which plays a film of the code."""
    film = tmp_path / "offer.y4m"
    write_film(film, run(create_offer_link(town)))
    browser = launch(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    )
    try:
        page = browser.new_context(locale="nl-NL", permissions=["camera"]).new_page()
        holder = Person("camera", "phone", page.context, page)
        make_wallet_at_once(holder, town, "met-camera")
        page.goto(town.url("wallet", "/scan"))
        holder.press("Camera gebruiken")
        expect(page.get_by_role("heading", level=1)).to_contain_text("biedt je een badge aan", timeout=20_000)
        # On the page for badges from elsewhere it reads the same code, which is of no badge.
        page.goto(town.url("wallet", "/import"))
        holder.press("Camera gebruiken")
        expect(page.locator("#error-summary")).to_be_visible(timeout=20_000)
        expect(page.locator("[name=text]")).to_have_value(re.compile("offer"))
    finally:
        browser.close()


def write_film(path: Path, text: str) -> None:
    """A few frames of one grey picture, as YUV4MPEG2 with 4:2:0 sampling."""
    side = 720
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="png", scale=8, border=4)
    picture = Image.open(drawn).convert("L")
    frame = Image.new("L", (side, side), 255)
    picture.thumbnail((side - 40, side - 40), Image.Resampling.NEAREST)
    frame.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    body = b"FRAME\n" + frame.tobytes() + bytes([128]) * (side * side // 2)
    path.write_bytes(f"YUV4MPEG2 W{side} H{side} F10:1 Ip A1:1 C420jpeg\n".encode() + body * 5)


async def create_offer_link(town: Town) -> str:
    described = {
        "slug": f"veilig-werken-{secrets.token_hex(3)}",
        "name": {"nl": "Veilig werken"},
        "description": {"nl": "Werkt veilig op de bouwplaats."},
        "criteria": {"nl": "Een toets en een dag meelopen."},
        "achievement_type": "Badge",
        "skills": [{"uri": HRM, "name": "personeelsbeleid", "framework": "ESCO"}],
    }
    person = {"given_name": "Ali", "family_name": "Demir", "email": "ali@student.example"}
    async with IssuerClient(town.url("issuer", ""), key=town.deployment.admin_keys["issuer"]) as issuer:
        await issuer.create_achievement(SCHOOL["slug"], described)
        [award] = await issuer.award(SCHOOL["slug"], described["slug"], [person])
    return str(award["offer"]["link"])


def make_wallet_at_once(holder: Person, town: Town, name: str) -> None:
    holder.page.goto(town.url("wallet", "/sign-up"))
    holder.fill("Naam", name)
    holder.fill("Wachtzin", PASSPHRASE)
    holder.press("Wallet maken")


@pytest.mark.parametrize("service", ["issuer", "wallet", "verifier"])
def test_pages_speak_english_and_fit_at_twice_the_text_size(
    town: Town, person: Callable[..., Person], service: str
) -> None:
    visitor = person(f"visitor-{service}", "phone", locale="en-GB")
    for path in ("/", "/sign-in"):
        visitor.page.goto(town.url(service, path))
        assert visitor.page.evaluate("document.documentElement.lang") == "en"
        visitor.page.set_viewport_size({"width": 640, "height": 800})
        visitor.page.evaluate("document.documentElement.style.fontSize = '200%'")
        visitor.look("twice-" + (path.strip("/") or "front"))


@pytest.mark.parametrize("service", ["issuer", "wallet", "verifier"])
def test_a_keyboard_reaches_the_main_action_from_the_top(
    town: Town, person: Callable[..., Person], service: str
) -> None:
    visitor = person(f"keyboard-{service}", "desktop")
    visitor.page.goto(town.url(service))
    reached = []
    for _ in range(12):
        visitor.page.keyboard.press("Tab")
        reached.append(visitor.page.evaluate("document.activeElement.className || document.activeElement.tagName"))
    assert any("main" in name for name in reached), reached


def test_an_unknown_page_says_what_to_do_and_gives_a_code_to_quote(town: Town, person: Callable[..., Person]) -> None:
    visitor = person("lost", "phone")
    for service in ("issuer", "wallet", "verifier"):
        visitor.page.goto(town.url(service, "/no-such-page"))
        visitor.look(f"lost-{service}")
