"""A cookie in the wrong hands: planted before, taken after, or put beside the form of somebody else (A-52)."""

import asyncio
import re

import pytest

from tests.wallet.conftest import PASSPHRASE, Browser

SESSION, FORM = "__Host-wallet-session", "__Host-wallet-form"
NEW_PASSPHRASE = "andere vier losse woorden"


@pytest.fixture
async def sanne(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


def thief_with(house, **cookies) -> Browser:
    thief = house.new_browser()
    for name, value in cookies.items():
        thief.http.cookies.set({"session": SESSION, "form": FORM}[name], value)
    return thief


def cookies_of(browser: Browser) -> dict[str, str]:
    return {cookie.name: cookie.value for cookie in browser.http.cookies.jar}


async def is_in(browser: Browser) -> bool:
    return (await browser.http.get("/badges")).status_code == 200


@pytest.mark.parametrize("token", ["planted", "A" * 43, "", "x" * 5000, "%00"])
async def test_A52_token_that_was_planted_before_is_worth_nothing_after(house, token):
    """Session fixation: signing in makes a token of its own, whatever the browser brought."""
    browser = house.new_browser()
    browser.http.cookies.set(SESSION, token)
    await browser.sign_up("Sanne")
    assert cookies_of(browser)[SESSION] != token
    assert await is_in(browser)
    assert not await is_in(thief_with(house, session=token))


async def test_A52_signing_in_again_gives_another_token(house, sanne):
    first = cookies_of(sanne)[SESSION]
    await sanne.get("/sign-in")
    await sanne.post("/sign-in", name="Sanne", passphrase=PASSPHRASE, next="/")
    assert cookies_of(sanne)[SESSION] != first


async def test_A52_cookie_of_one_account_does_not_fit_the_form_of_another(house, sanne):
    other = house.new_browser()
    await other.sign_up("Ander")
    await other.get("/me")
    token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', other.page)[1]
    victim = cookies_of(sanne)
    for mixed in (
        {"session": victim[SESSION], "form": victim[FORM]},
        {"session": victim[SESSION], "form": cookies_of(other)[FORM]},
        {"session": victim[SESSION]},
    ):
        answer = await thief_with(house, **mixed).http.post(
            "/me/erase", data={"csrf_token": token, "passphrase": PASSPHRASE}
        )
        assert answer.status_code == 403
    assert await is_in(sanne)


async def test_A52_form_from_before_signing_in_does_not_fit_after(house):
    browser = house.new_browser()
    await browser.get("/sign-up")
    before = re.search(r'name="csrf_token" value="([0-9a-f]+)"', browser.page)[1]
    await browser.sign_up("Sanne")
    answer = await browser.http.post("/sign-out", data={"csrf_token": before})
    assert answer.status_code == 403
    assert await is_in(browser)


async def test_A52_cookie_is_dead_after_signing_out(house, sanne):
    taken = thief_with(house, session=cookies_of(sanne)[SESSION])
    assert await is_in(taken)
    await sanne.get("/me")
    await sanne.post("/sign-out")
    assert not await is_in(taken)


async def test_A52_cookie_is_dead_after_another_browser_changed_the_passphrase(house, sanne):
    taken = thief_with(house, session=cookies_of(sanne)[SESSION])
    owner = house.new_browser()
    await owner.get("/sign-in")
    await owner.post("/sign-in", name="Sanne", passphrase=PASSPHRASE, next="/")
    await owner.get("/me")
    answer = await owner.post("/me/passphrase", old=PASSPHRASE, new=NEW_PASSPHRASE)
    assert answer.status_code == 200
    assert await is_in(owner)
    assert not await is_in(taken)


async def test_A52_cookie_is_dead_after_recovery_and_after_erasing(house, sanne):
    recovery = await house.new_holder("Ander")
    for path, body in (
        ("/recovery", {"name": "Ander", "recovery_code": recovery.recovery_code, "passphrase": NEW_PASSPHRASE}),
        ("/account", {"passphrase": NEW_PASSPHRASE}),
    ):
        taken = recovery.token
        answer = await recovery.call("DELETE" if path == "/account" else "POST", path, body)
        assert answer.status_code in (201, 204)
        recovery.token = answer.json()["token"] if answer.status_code == 201 else taken
        refused = await recovery.http.get("/api/credentials", headers={"Authorization": f"Bearer {taken}"})
        assert refused.status_code == 401


async def test_A52_passphrase_cannot_be_guessed_from_inside_a_stolen_session(house, sanne):
    """Whoever has the cookie and not the passphrase can neither change it, nor erase, nor get a new code."""
    taken = Browser(sanne.http)
    codes = []
    for number in range(10):
        await taken.get("/me")
        answer = await taken.post("/me/passphrase", old=f"geraden woord {number}", new=NEW_PASSPHRASE)
        codes.append(answer.status_code)
    assert codes == [401] * 8 + [429] * 2
    for path, field in (("/me/erase", "passphrase"), ("/me/recovery-code", "code_passphrase")):
        await taken.get("/me")
        assert (await taken.post(path, **{field: PASSPHRASE})).status_code == 429


async def test_A52_browser_token_opens_no_other_door_than_the_browser_s_and_the_owner_s(house, sanne):
    """The bearer token and the cookie are of one kind, of one account: another account's addresses stay not found."""
    other = await house.new_holder("Ander")
    offer = await other.open_offer(house.issuer.offer_link())
    answers = await asyncio.gather(
        *(sanne.http.get(path) for path in (f"/offers/{offer['id']}", f"/requests/{offer['id']}", "/badges/x"))
    )
    assert [answer.status_code for answer in answers] == [404] * 3
