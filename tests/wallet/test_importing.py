"""A badge from elsewhere in the wallet: judged, kept only on its owner's word, never presented. Issue 3, item 6."""

import io
import json
import re
import zipfile
from base64 import b64encode
from datetime import timedelta
from html import unescape

import pytest

from kernel.baking import bake
from runtime.at_once import Turns
from tests.kernel.test_importing import PNG, SIGNED_BADGE
from tests.runtime.test_importing import HOSTILE
from tests.support.badge_host import serve
from tests.support.imports import ASSERTION, PAGES
from tests.wallet.conftest import PASSPHRASE
from wallet import importing

BAKED = bake(PNG, json.dumps(SIGNED_BADGE))
NAME = "Problemen oplossen in de praktijk"


@pytest.fixture
async def browser(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


async def bring(browser, file=b"", **fields):
    await browser.get("/import")
    answer = await browser.post("/import", files={"file": ("x", file)}, **fields)
    return await browser.follow(answer) if answer.status_code == 303 else answer


async def test_W30_a_badge_is_kept_unchanged_and_goes_again(house, browser):
    page = await bring(browser, BAKED)
    assert "Deze badge is echt en geldig" in page.text
    assert NAME not in (await browser.get("/badges")).text
    page = await bring(browser, BAKED)
    path = page.url.path
    page = await browser.follow(await browser.post(f"{path}/keep"))
    assert "niet delen met een scan" in page.text
    file = await browser.get(f"{path}/file")
    assert file.content == BAKED
    assert file.headers["content-disposition"].startswith("attachment")
    assert NAME in (await browser.get("/badges")).text
    assert "Gekregen van Hogeschool Voorbeeld" in (await browser.get("/shared")).text
    await browser.get(f"{path}/delete")
    await browser.post(f"{path}/delete")
    assert NAME not in (await browser.get("/badges")).text
    assert (await browser.get(f"{path}/file")).status_code == 404
    assert "Verwijderd, was van Hogeschool Voorbeeld" in (await browser.get("/shared")).text


async def test_W31_keeping_twice_is_written_down_once(browser):
    path = (await bring(browser, BAKED)).url.path
    token_page = browser.page
    await browser.post(f"{path}/keep")
    browser.page = token_page
    await browser.post(f"{path}/keep")
    assert (await browser.get("/shared")).text.count("Gekregen van") == 1


async def test_W30_what_was_not_kept_goes_within_the_hour(house, browser):
    path = (await bring(browser, BAKED)).url.path
    house.clock.advance(timedelta(hours=2))
    await browser.get("/sign-in")
    await browser.post("/sign-in", name="Sanne", passphrase=PASSPHRASE)
    assert (await browser.get(path)).status_code == 404


async def test_A19_a_refuted_badge_is_not_kept(browser):
    page = await bring(browser, json.dumps({**SIGNED_BADGE, "name": "Anders"}).encode())
    assert "Deze badge klopt niet" in page.text
    assert "/keep" not in page.text


async def test_K74_a_badge_that_cannot_be_proven_may_be_kept_and_says_so(browser):
    page = await bring(browser, text=json.dumps(ASSERTION))
    assert "konden nu niet nakijken" in page.text
    await browser.post(f"{page.url.path}/keep")
    assert "We konden nu niet nakijken" in unescape((await browser.get("/badges")).text)


async def test_B22_of_a_link_is_kept_what_stands_there(house, browser):
    house.transport.apps["badges.example:443"] = serve(PAGES)
    page = await bring(browser, text=ASSERTION["id"])
    assert "echt en geldig" in page.text
    file = await browser.get(f"{page.url.path}/file")
    assert json.loads(file.content) == ASSERTION


async def test_K81_a_link_that_cannot_be_opened_is_nothing_to_keep(browser):
    page = await bring(browser, text="https://badges.example/nowhere")
    assert "niet openen" in page.text
    assert "/keep" not in page.text


async def test_W30_the_export_has_it_as_it_came(browser):
    path = (await bring(browser, BAKED)).url.path
    await browser.post(f"{path}/keep")
    await browser.get("/me")
    answer = await browser.post("/me/export", export_passphrase="")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        [name] = [name for name in archive.namelist() if name.startswith("imported/")]
        assert archive.read(name) == BAKED
        assert name.endswith(".png")


async def test_A52_another_holder_does_not_see_it(house, browser):
    path = (await bring(browser, BAKED)).url.path
    other = house.new_browser()
    await other.sign_up("Mohammed")
    for page in (path, f"{path}/file", f"{path}/delete"):
        assert (await other.get(page)).status_code == 404


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "zeros"])
async def test_A43_a_hostile_file_is_no_badge(browser, name):
    content = HOSTILE[name]()
    page = await bring(browser, text=content) if isinstance(content, str) else await bring(browser, content)
    assert page.status_code == 400
    assert re.search(r'id="error-summary"', page.text)


async def test_A43_an_upload_that_is_too_large_is_not_received(browser):
    assert (await bring(browser, HOSTILE["zeros"]())).status_code == 413


async def test_B21_a_kept_badge_is_checked_again_on_request(house, browser):
    """An issuer that did not answer then may answer now, and a badge may have been withdrawn since."""
    browser_page = await bring(browser, json.dumps(ASSERTION).encode())
    path = browser_page.url.path
    browser_page = await browser.follow(await browser.post(f"{path}/keep"))
    assert "We konden nu niet nakijken" in browser_page.text
    assert '<button class="button main" type="submit">Opnieuw nakijken</button>' in browser_page.text
    house.transport.apps["badges.example:443"] = serve(PAGES)
    await browser.get(path)
    again = await browser.follow(await browser.post(f"{path}/check"))
    assert "Deze badge is echt en geldig" in again.text
    assert (await browser.get(f"{path}/file")).content == json.dumps(ASSERTION).encode()


async def test_A43_only_so_many_badges_wait_for_a_word_of_one_owner(house, browser, monkeypatch):
    """Of more than that the oldest go; what was kept stays."""
    monkeypatch.setattr(importing, "_WAITING_AT_MOST", 1)
    kept = (await bring(browser, BAKED)).url.path
    await browser.post(f"{kept}/keep")
    paths = []
    for _ in range(2):
        house.clock.advance(timedelta(minutes=1))
        paths.append((await bring(browser, BAKED)).url.path)
    assert [(await browser.get(path)).status_code for path in (kept, *paths)] == [200, 404, 200]


async def test_A42_so_many_badges_are_checked_at_once_and_no_more(browser, monkeypatch):
    monkeypatch.setattr(importing, "_TURNS", Turns(0))
    answer = await bring(browser, BAKED)
    assert answer.status_code == 429
    assert "Het is nu te druk" in answer.text


async def test_W20_the_api_checks_keeps_lists_and_deletes_badges_from_elsewhere(house):
    holder = await house.new_holder()
    brought = await holder.call("POST", "/imported-badges", {"file": b64encode(BAKED).decode()})
    assert brought.status_code == 201, brought.text
    badge = brought.json()
    assert (badge["verdict"], badge["name"], badge["is_kept"]) == ("proven", NAME, False)
    path = f"/imported-badges/{badge['id']}"
    assert (await holder.call("GET", "/imported-badges")).json() == {"imported_badges": []}
    assert (await holder.call("POST", f"{path}/keep")).json()["is_kept"]
    assert [each["id"] for each in (await holder.call("GET", "/imported-badges")).json()["imported_badges"]] == [
        badge["id"]
    ]
    house.clock.advance(timedelta(minutes=5))
    again = (await holder.call("POST", f"{path}/check")).json()
    assert again["checked_at"] > badge["checked_at"]
    assert (await holder.call("GET", path)).json() == again
    assert (await holder.call("GET", f"{path}/file")).content == BAKED
    other = await house.new_holder()
    assert (await other.call("GET", path)).status_code == 404
    assert (await holder.call("DELETE", path)).status_code == 204
    assert (await holder.call("GET", path)).status_code == 404


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        (json.dumps({**SIGNED_BADGE, "image": "x" * 600_000}), "badge_too_large", "te groot of te ingewikkeld"),
        ("https://192.168.1.1/x", "address_refused", "mag van hier niet worden geopend"),
    ],
)
async def test_K74_W20_what_was_not_looked_at_is_not_called_no_badge(house, browser, text, code, says):
    page = await bring(browser, text=text)
    assert page.status_code == 400
    assert says in page.text
    holder = await house.new_holder()
    answer = await holder.call("POST", "/imported-badges", {"text": text})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize(
    "body", [{}, {"text": "x", "file": "eA=="}, {"file": "???"}, {"text": "no badge"}, {"text": "x" * 700_001}]
)
async def test_W20_the_api_refuses_what_is_no_badge(house, body):
    holder = await house.new_holder()
    answer = await holder.call("POST", "/imported-badges", body)
    assert answer.status_code == 400
    assert answer.json()["code"] in ("no_badge", "malformed", "badge_too_large")


async def test_the_import_page_says_once_that_one_of_three_will_do(browser):
    page = (await browser.get("/import")).text
    assert page.count("één van deze drie") == 1
    assert "mag leeg blijven" not in page
