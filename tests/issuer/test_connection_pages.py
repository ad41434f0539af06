"""The page on which an organisation connects its own system: keys that can do no more than whoever made them."""

import html
import re
from datetime import timedelta

import pytest

from tests.issuer.conftest import BASE, ORG, PASSPHRASE, Browser, Issuer, add_operator
from tests.issuer.test_deferred import needs_approval, post_award

HERE = f"{BASE}/connections"
KEYS = f"{HERE}/api-keys"


async def make_key(browser: Browser, *scopes: str, name: str = "ons lms") -> dict[str, str]:
    """The header that a system sends with the key which the page shows once."""
    await browser.get(HERE)
    response = await browser.post(KEYS, name=name, scopes=list(scopes))
    assert response.status_code == 200, response.text
    found = re.search(r'id="api-key"[^>]* value="(swi_[^"]+)"', browser.page)
    assert found
    return {"Authorization": f"Bearer {html.unescape(found[1])}"}


def revoke_path(page: str) -> str:
    found = re.search(rf'href="({KEYS}/[^"]+/revoke)"', page)
    assert found
    return found[1]


async def test_A52_a_key_is_shown_once_and_does_what_was_ticked_and_no_more(browser: Browser, issuer: Issuer) -> None:
    key = await make_key(browser, "awards:read")
    assert (await issuer.api("GET", f"/organisations/{ORG}", headers=key)).status_code == 200
    body = {"name": "meer", "scopes": ["awards:read"]}
    assert (await issuer.api("POST", f"/organisations/{ORG}/api-keys", json=body, headers=key)).status_code == 403
    await browser.get(HERE)
    assert "swi_" not in browser.page.replace("Bearer swi_…", "")
    assert "ons lms" in browser.page
    assert "Uitreikingen en badges lezen" in browser.page
    assert "op naam van Anneke Bos" in browser.page


async def test_A52_the_page_gives_no_right_that_staff_do_not_have(browser: Browser, issuer: Issuer) -> None:
    key = await make_key(browser, "organisations:write", "awards:read")
    body = {"name": "meer", "scopes": ["awards:read"]}
    assert (await issuer.api("POST", f"/organisations/{ORG}/api-keys", json=body, headers=key)).status_code == 403
    await browser.post(KEYS, name="alles", scopes="organisations:write")
    assert "Kies minstens één ding dat het systeem mag." in browser.page


async def test_I63_whoever_awards_by_a_key_of_their_own_cannot_approve_it_on_the_page(
    browser: Browser, issuer: Issuer
) -> None:
    key = await make_key(browser, "awards:write", "awards:read")
    await needs_approval(issuer)
    awarded = await post_award(issuer, key)
    assert awarded.status_code == 201, awarded.text
    approve = f"{BASE}/awards/{awarded.json()['awards'][0]['id']}/approve"
    await browser.get(approve)
    await browser.post(approve, reason="")
    assert "U reikte deze badge zelf uit" in browser.page


async def test_a_key_tells_to_the_hour_when_it_was_used(browser: Browser, issuer: Issuer) -> None:
    key = await make_key(browser, "awards:read")
    await browser.get(HERE)
    assert "nog niet gebruikt" in browser.page
    for days in (0, 2):
        issuer.clock.advance(timedelta(days=days))
        await issuer.api("GET", f"/organisations/{ORG}", headers=key)
    issuer.clock.advance(timedelta(minutes=59))
    await issuer.api("GET", f"/organisations/{ORG}", headers=key)
    await browser.sign_in()
    await browser.get(HERE)
    assert "laatst gebruikt op" in browser.page
    assert f'datetime="{(issuer.clock() - timedelta(minutes=59)).strftime("%Y-%m-%dT%H:%M")}' in browser.page


async def test_A52_a_withdrawn_key_opens_nothing_and_stays_in_sight(browser: Browser, issuer: Issuer) -> None:
    key = await make_key(browser, "awards:read")
    path = revoke_path(browser.page)
    await browser.get(path)
    assert "Het systeem kan dan meteen niets meer." in browser.page
    assert (await browser.post(path)).url.path == HERE
    assert "Ingetrokken sleutels" in browser.page
    assert (await issuer.api("GET", f"/organisations/{ORG}", headers=key)).status_code == 401
    assert (await browser.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "", "scopes": "awards:read"}, "Schrijf op welk systeem de sleutel krijgt."),
        ({"name": "lms"}, "Kies minstens één ding dat het systeem mag."),
        ({"name": "lms", "scopes": "everything"}, "Kies minstens één ding dat het systeem mag."),
    ],
)
async def test_what_is_missing_is_said_at_its_field_and_the_rest_is_kept(
    browser: Browser, fields: dict[str, str], words: str
) -> None:
    await browser.get(HERE)
    assert (await browser.post(KEYS, **fields)).status_code == 400
    assert words in browser.page
    assert "swi_" not in browser.page.replace("Bearer swi_…", "")
    assert 'value="lms"' in browser.page or 'id="scopes" type="checkbox" name="scopes" value="awards:read" checked' in (
        browser.page
    )


async def test_A52_the_keys_of_another_organisation_are_not_there(browser: Browser, issuer: Issuer) -> None:
    await make_key(browser, "awards:read")
    path = revoke_path(browser.page)
    await issuer.add_organisation("ander")
    await add_operator(issuer, org="ander", email="x@ander.example")
    stranger = Browser(issuer)
    assert (await stranger.get(HERE)).url.path == "/sign-in"
    await stranger.post("/sign-in", email="x@ander.example", passphrase=PASSPHRASE, next="/")
    assert (await stranger.get(HERE)).status_code == 404
    await stranger.get("/back-office/ander/connections")
    assert "ons lms" not in stranger.page
    other = path.replace(f"/{ORG}/", "/ander/")
    assert (await stranger.get(other)).status_code == 404
    await stranger.get("/back-office/ander/connections")
    assert (await stranger.post(other)).status_code == 404
    await stranger.client.aclose()


async def test_A52_a_form_from_elsewhere_makes_and_withdraws_nothing(browser: Browser) -> None:
    await make_key(browser, "awards:read")
    path = revoke_path(browser.page)
    browser.page = ""
    assert (await browser.post(KEYS, name="x", scopes="awards:read")).status_code == 403
    browser.page = ""
    assert (await browser.post(path)).status_code == 403
    await browser.get(path)
    assert "Nee, laat zo" in browser.page


async def test_the_page_speaks_english(browser: Browser) -> None:
    browser.client.headers["accept-language"] = "en"
    await make_key(browser, "awards:write", "status:write")
    assert "Put this key into your system now" in browser.page
    assert "Approve, suspend and revoke badges" in browser.page
