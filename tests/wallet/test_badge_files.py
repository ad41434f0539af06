"""A badge out of the wallet as a file that others can read, and that proves what its issuer signed."""

import io
import json
from urllib.parse import quote

import pytest
from PIL import Image

from kernel.baking import parse_baked
from kernel.formats import parse_credential
from tests.support.simulated_issuer import DC, JWT, OPEN_BADGE_JWT, SELECTIVE, WHOLE


async def receive_by_page(house, configuration):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get(f"/open?link={quote(house.issuer.offer_link(configurations=[configuration]))}")
    await browser.follow(browser.answer)
    page = await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))
    return browser, page.url.path


def picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (40, 40), "teal").save(written, "PNG")
    return written.getvalue()


@pytest.mark.parametrize("configuration", [WHOLE, SELECTIVE, JWT, OPEN_BADGE_JWT])
async def test_B30_E11_a_badge_leaves_as_signed_as_a_picture_and_as_elm(house, configuration):
    house.issuer.image = ("image/png", picture())
    browser, path = await receive_by_page(house, configuration)
    original = await browser.get(f"{path}/file/original")
    assert original.headers["content-disposition"].startswith("attachment")
    signed = parse_credential(original.text)
    assert signed.unverified_issuer == house.issuer.did
    baked = parse_baked((await browser.get(f"{path}/file/picture")).content)
    inside = parse_credential(baked.raw)
    assert inside.unverified_issuer == house.issuer.did
    assert (baked.raw == original.text) is (configuration != SELECTIVE)
    elm = json.loads((await browser.get(f"{path}/file/elm")).content)
    assert "EuropeanDigitalCredential" in json.dumps(elm)


async def test_B31_what_is_no_open_badge_has_no_picture(house):
    house.issuer.image = ("image/png", picture())
    browser, path = await receive_by_page(house, DC)
    assert "Plaatje met de badge erin" not in browser.page
    assert (await browser.get(f"{path}/file/picture")).status_code == 404
    assert "~" in (await browser.get(f"{path}/file/original")).text


async def test_A52_another_holder_gets_no_file_of_it(house):
    _, path = await receive_by_page(house, WHOLE)
    other = house.new_browser()
    await other.sign_up("Piet")
    assert (await other.get(f"{path}/file/original")).status_code == 404
