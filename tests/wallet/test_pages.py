"""The pages, through HTTP as a browser without JavaScript uses them."""

import io
import re
from html import unescape
from urllib.parse import quote

import httpx
import pytest
import segno
from PIL import Image

from kernel.openid4vp import ErrorResponse
from tests.support.badges import SKILLS, create_test_achievement, create_test_dataset
from tests.support.simulated_issuer import DC
from tests.wallet.conftest import PASSPHRASE, WALLET
from wallet.web import offer_pages, request_pages, routes, skill_pages
from wallet.web.words import is_web_address

FIRST = next(iter(SKILLS))
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.fixture
async def browser(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


async def open_link(browser, link):
    await browser.get("/scan")
    return await browser.follow(await browser.post("/scan", link=link))


async def receive(house, browser, **options):
    await open_link(browser, house.issuer.offer_link(**options))
    return await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))


def qr_picture(text: str) -> bytes:
    output = io.BytesIO()
    segno.make_qr(text).save(output, kind="png", scale=5, border=4)
    return output.getvalue()


async def test_whole_life_of_a_badge_on_the_pages(house, browser):
    await open_link(browser, house.issuer.offer_link(tx_code="493536"))
    offer_path = browser.answer.url.path
    page = unescape(browser.page)
    assert "issuer.example" in page
    assert "Skillsregio Rivierenland erkent" in page
    assert "De code staat in je e-mail" in page
    wrong = await browser.post(f"{offer_path}/accept", tx_code="000000")
    assert wrong.status_code == 400
    assert 'aria-invalid="true"' in wrong.text
    assert "Na een paar foute codes vervalt het aanbod." in wrong.text
    badge = await browser.follow(await browser.post(f"{offer_path}/accept", tx_code="493536"))
    assert "Echt, geldig en van een bekende uitgever" in badge.text
    assert "Adviseur Lerende Regio Maas en Waal" in (await browser.get("/badges")).text
    assert SKILLS[FIRST] in (await browser.get("/skills")).text

    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    request_path = browser.answer.url.path
    page = unescape(browser.page)
    assert "vraagt om 1 skill" in page
    assert page.index("Dit zien zij</h2>") < page.index(SKILLS[FIRST]) < page.index("Dit zien zij niet</h2>")
    assert page.index("Dit zien zij niet</h2>") < page.index("Je voornaam") < page.index("Goed om te weten</h2>")
    assert page.index("Niet delen") < page.index("Ja, dit delen")
    key = re.search(r'name="q0" value="([^"]+)"', browser.page)[1]
    answered = await browser.post(f"{request_path}/accept", q0=key)
    assert "Gedeeld met" in answered.text
    assert SKILLS[FIRST] in (await browser.get("/shared")).text
    assert "al beantwoord" in (await browser.get(request_path)).text


async def test_W52_browser_goes_back_to_the_verifier_by_a_page_that_says_so(house, browser):
    await receive(house, browser)
    house.verifier.redirect_uri = "https://verifier.example/bakker/done#response_code=abc"
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    answer = await browser.post(f"{browser.answer.url.path}/decline")
    assert answer.status_code == 200
    assert house.verifier.redirect_uri in unescape(answer.text)
    assert house.verifier.received == [ErrorResponse("access_denied", None, house.verifier.state)]


async def test_nothing_that_fits_is_told_kindly_and_only_here(house, browser):
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert "Je hebt nog geen badge die hierbij past" in browser.page
    assert "Ja, dit delen" not in browser.page
    assert house.verifier.received == []


async def test_universal_link_leads_through_sign_in_to_the_offer(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get("/me")
    await browser.post("/sign-out")
    path = f"/open?link={quote(house.issuer.offer_link(), safe='')}"
    first = await browser.get(path)
    assert first.status_code == 200
    assert house.issuer.requests == []
    here = unescape(re.search(r'name="next" value="([^"]+)"', browser.page)[1])
    signed_in = await browser.post("/sign-in", name="sanne", passphrase=PASSPHRASE, next=here)
    opened = await browser.follow(signed_in)
    assert re.fullmatch(r"/offers/[\w-]+", opened.headers["location"])


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_A28_sign_in_leads_nowhere_else(house, path):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get("/sign-in")
    answer = await browser.post("/sign-in", name="Sanne", passphrase=PASSPHRASE, next=path)
    assert answer.headers["location"] == "/badges"


async def test_qr_code_in_an_uploaded_picture_is_read(house, browser):
    await browser.get("/scan")
    files = {"picture": ("photo.png", qr_picture(house.issuer.offer_link()), "image/png")}
    answer = await browser.post("/scan", files=files, link="")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/offers/")


@pytest.mark.parametrize("content", [b"no picture", b"", b"\x89PNG\r\n\x1a\n" + b"\0" * 500])
async def test_A43_upload_that_is_no_picture_is_refused_kindly(house, browser, content):
    await browser.get("/scan")
    answer = await browser.post("/scan", files={"picture": ("x.png", content, "image/png")}, link="")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


async def test_picture_without_a_code_says_so(house, browser):
    output = io.BytesIO()
    Image.new("RGB", (300, 300), "white").save(output, "PNG")
    await browser.get("/scan")
    answer = await browser.post("/scan", files={"picture": ("x.png", output.getvalue(), "image/png")}, link="")
    assert (answer.status_code, "We zien geen QR-code" in answer.text) == (400, True)


async def test_camera_frame_answers_with_the_code_or_nothing(house, browser):
    await browser.get("/scan")
    link = house.issuer.offer_link()
    for content, text in ((qr_picture(link), link), (b"no picture", "")):
        answer = await browser.post("/scan/frame", files={"picture": ("frame.jpg", content, "image/jpeg")})
        assert answer.json() == {"text": text}
    assert house.issuer.requests == []


POSTS = [
    "/sign-up",
    "/sign-in",
    "/sign-out",
    "/recover",
    "/badges/x/delete",
    "/scan",
    "/scan/frame",
    "/awaited",
    "/issuers",
    "/offers/x/accept",
    "/offers/x/forget",
    "/offers/x/sign-in",
    "/offers/x/discard",
    "/requests/x/accept",
    "/requests/x/decline",
    "/open/without-wallet",
    "/shared/x/delete",
    "/skills/add",
    "/skills/x",
    "/skills/x/remove",
    "/me/passphrase",
    "/me/recovery-code",
    "/me/export",
    "/me/erase",
]


def test_every_post_of_the_pages_is_in_the_list_below(house):
    routers = (routes.router, offer_pages.router, request_pages.router, skill_pages.router)
    paths = [route.path for router in routers for route in router.routes if "POST" in route.methods]
    assert sorted(re.sub(r"\{\w+\}", "x", path) for path in paths) == sorted(POSTS)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}])
async def test_A52_form_of_another_site_changes_nothing(house, browser, path, headers):
    await browser.get("/me")
    token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', browser.page)[1]
    form = {"csrf_token": token} if headers else {"csrf_token": "0" * 64}
    answer = await browser.http.post(path, data={**form, "name": "Sanne", "passphrase": PASSPHRASE}, headers=headers)
    assert answer.status_code == 403
    assert (await browser.get("/badges")).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/badges",
        "/badges/x",
        "/skills",
        "/skills/add",
        "/skills/x",
        "/scan",
        "/offers/x",
        "/requests/x",
        "/shared",
        "/me",
    ],
)
async def test_A52_every_page_of_the_vault_asks_to_sign_in_and_comes_back(house, path):
    browser = house.new_browser()
    answer = await browser.get(path)
    assert answer.status_code == 401
    assert f'name="next" value="{path}"' in answer.text


async def test_A52_pages_cannot_be_framed_and_are_not_kept(house, browser):
    answer = await browser.get("/badges")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in answer.headers


async def test_session_cookie_is_for_this_host_only_and_unreadable(house):
    browser = house.new_browser()
    await browser.get("/sign-up")
    answer = await browser.post("/sign-up", name="Sanne", passphrase=PASSPHRASE, next="/badges")
    cookies = answer.headers.get_list("set-cookie")
    [cookie] = [cookie for cookie in cookies if cookie.startswith("__Host-wallet-session=")]
    assert {"httponly", "secure", "samesite=lax", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}


async def test_A41_text_of_a_badge_is_shown_as_text(house, browser):
    achievement = create_test_achievement(name=HOSTILE, description=HOSTILE, image=None)
    achievement["criteria"] = {"narrative": f"[x](javascript:alert(1)) {HOSTILE}"}
    achievement["alignment"][0]["targetName"] = HOSTILE
    house.issuer.dataset = create_test_dataset(achievement=achievement)
    page = await receive(house, browser, configurations=[DC])
    assert page.status_code == 200
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    for text in (page.text, browser.page, (await browser.get("/badges")).text, (await browser.get("/skills")).text):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert 'href="javascript:' not in text


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x", "http://x.example", "", None]
)
def test_A41_only_web_addresses_become_links(url):
    assert not is_web_address(url)
    assert is_web_address("https://school.example/criteria")


async def test_recovery_code_is_shown_once(house):
    browser = house.new_browser()
    await browser.get("/sign-up")
    answer = await browser.post("/sign-up", name="Sanne", passphrase=PASSPHRASE, next="/badges")
    groups = re.findall(r"<span>([0-9A-Z]{4})</span>", answer.text)
    assert len(groups) == 8
    await browser.get("/me")
    await browser.post("/sign-out")
    await browser.get("/recover")
    recovered = await browser.post(
        "/recover", name="Sanne", recovery_code=" ".join(groups).lower(), passphrase="een nieuwe lange wachtzin"
    )
    assert recovered.status_code == 200
    assert len(re.findall(r"<span>[0-9A-Z]{4}</span>", recovered.text)) == 8
    assert (await browser.get("/badges")).status_code == 200


async def test_sign_up_keeps_what_was_typed_and_names_what_is_wrong(house):
    browser = house.new_browser()
    await browser.get("/sign-up")
    answer = await browser.post("/sign-up", name="Sanne", passphrase="kort", next="/badges")
    assert answer.status_code == 400
    assert 'value="Sanne"' in answer.text
    assert "te makkelijk te raden" in answer.text
    assert "kort" not in answer.text


async def test_erasing_asks_the_passphrase_and_leaves_nobody_signed_in(house, browser):
    await browser.get("/me/erase")
    assert (await browser.post("/me/erase", passphrase="verkeerd")).status_code == 401
    gone = await browser.post("/me/erase", passphrase=PASSPHRASE)
    assert gone.status_code == 303
    assert gone.headers["clear-site-data"] == '"cache"'
    assert (await browser.get("/badges")).status_code == 401
    await browser.get("/sign-in")
    assert (await browser.post("/sign-in", name="Sanne", passphrase=PASSPHRASE, next="/")).status_code == 401


async def test_pages_speak_english_to_whoever_asks_for_it(house):
    browser = house.new_browser(language="en-GB,en;q=0.9")
    await browser.get("/sign-up")
    assert '<html lang="en">' in browser.page
    assert "Make a wallet" in browser.page
    answer = await browser.http.post("/api/offers", json={"offer": "x"}, headers={"Accept": "application/json"})
    assert answer.json()["title"].startswith("You are not signed in")


async def test_wallet_installs_as_an_app(house):
    browser = house.new_browser()
    manifest = await browser.get("/manifest.webmanifest")
    assert manifest.headers["content-type"] == "application/manifest+json"
    for icon in manifest.json()["icons"]:
        answer = await browser.http.get(icon["src"])
        width = int(icon["sizes"].split("x")[0])
        assert Image.open(io.BytesIO(answer.content)).size == (width, width)


async def test_failure_is_a_page_with_a_code_to_quote(house, browser):
    house.verifier.misbehave = "signed_by_another_key"
    answer = await browser.get(f"/open?link={quote(house.verifier.ask(house.verifier.skill_query(FIRST)), safe='')}")
    assert answer.status_code == 400
    assert answer.headers["trace-id"] in answer.text
    assert "signature" in answer.text
    assert "Traceback" not in answer.text


async def test_unknown_page_is_a_page(house):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url=WALLET) as http:
        answer = await http.get("/nothing", headers={"Accept": "text/html"})
    assert (answer.status_code, "text/html" in answer.headers["content-type"]) == (404, True)


@pytest.mark.parametrize("path", ["/nergens", "/badges/00000000-0000-7000-8000-000000000000"])
async def test_page_that_is_not_there_keeps_the_menu_of_whoever_is_signed_in(house, browser, path):
    lost = await browser.get(path)
    assert lost.status_code == 404
    assert lost.text.count('href="/badges"') >= 2
    assert lost.text.count("<nav") == 2
    assert "<nav" not in (await house.new_browser().get("/nergens")).text


@pytest.mark.parametrize(
    ("language", "named"),
    [("nl", "nl"), ("en", "en"), ("de-CH", "de-CH"), ("und", ""), ('x" onclick="', ""), ("-", "")],
)
async def test_W47_purpose_is_read_aloud_in_its_own_language_and_in_none_where_nobody_said(
    house, browser, language, named
):
    house.verifier.purpose = {language: "Wir prüfen, ob Sie mauern können."}
    await receive(house, browser, configurations=[DC])
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert re.search(r"<p class=\"text\"([^>]*)>Wir prüfen", unescape(browser.page))[1] == f' lang="{named}" dir="auto"'
    await browser.post(f"{browser.answer.url.path}/accept")
    await browser.get("/shared")
    assert re.search(r"<span([^>]*)>Wir prüfen", unescape(browser.page))[1] == f' lang="{named}" dir="auto"'


async def test_V23_W47_code_on_their_screen_is_there_to_compare(house, browser):
    await receive(house, browser, configurations=[DC])
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert "Op hun scherm" not in browser.page
    house.verifier.comparison_code = "X7KD"
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert "Op hun scherm staat de code: <strong>X7KD</strong>" in browser.page


async def test_A26_who_offers_at_which_address_and_whether_they_are_known_stand_before_the_code(house, browser):
    """A look-alike that asks for another service's code: its address is there to see, and the code goes only there."""
    house.issuer.name = "Uw bank"
    house.sign_trust_list(house.verification())
    before = len(house.issuer.requests)
    await open_link(browser, house.issuer.offer_link(tx_code="493536"))
    page = unescape(browser.page)
    field = page.index('name="tx_code"')
    assert "We kennen deze uitgever niet" in page[:field]
    assert "issuer.example" in page[page.index("Internetadres") : field]
    assert "Deze code gaat alleen naar issuer.example." in page
    assert not [each for each in house.issuer.requests[before:] if each.startswith("POST")]
