"""A badge from elsewhere in the wallet: judged, kept only on its owner's word, never presented. Issue 3, item 6."""

import io
import json
import re
import zipfile
from datetime import timedelta
from html import unescape

import pytest

from kernel.baking import bake
from tests.kernel.test_importing import PNG, SIGNED_BADGE
from tests.runtime.test_importing import HOSTILE
from tests.support.badge_host import serve
from tests.support.imports import ASSERTION, PAGES
from tests.wallet.conftest import PASSPHRASE

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
