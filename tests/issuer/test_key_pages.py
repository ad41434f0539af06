"""The keys page: for an organisation's own staff, with nothing that happens by one press too many."""

import pytest

from kernel.archive import parse_archive
from tests.issuer.conftest import BASE, ORG, Browser, Issuer, add_operator

KEYS = f"{BASE}/keys"


async def fragments(issuer: Issuer) -> list[str]:
    keys = (await issuer.api("GET", f"/organisations/{ORG}/signing-keys")).json()["signing_keys"]
    return [key["kid"].partition("#")[2] for key in keys]


@pytest.mark.parametrize("path", ["", "/archive", "/es256-2026-1/replace", "/es256-2026-1/withdraw"])
async def test_A52_strangers_sign_in_first_and_other_organisations_find_nothing(issuer: Issuer, path: str) -> None:
    stranger = Browser(issuer)
    assert (await stranger.get(KEYS + path)).url.path == "/sign-in"
    await issuer.add_organisation("ander")
    await add_operator(issuer, org="ander")
    await stranger.sign_in()
    assert (await stranger.get(KEYS + path)).status_code == 404
    await stranger.client.aclose()


async def test_a_key_is_replaced_once_from_a_page_that_was_left_open(browser: Browser, issuer: Issuer) -> None:
    await browser.get(f"{KEYS}/ed25519-2026-1/replace")
    for _ in range(2):
        assert (await browser.post(f"{KEYS}/ed25519-2026-1/replace")).url.path == KEYS
    assert await fragments(issuer) == ["es256-2026-1", "ed25519-2026-2", "ed25519-2026-1"]
    assert "vervangen, telt nog" in browser.page


async def test_the_key_that_signs_is_not_taken_back(browser: Browser) -> None:
    await browser.get(f"{KEYS}/es256-2026-1/withdraw")
    assert (await browser.post(f"{KEYS}/es256-2026-1/withdraw")).status_code == 409


async def test_a_key_that_was_taken_back_or_never_was_has_no_page(browser: Browser) -> None:
    await browser.get(f"{KEYS}/es256-2026-1/replace")
    await browser.post(f"{KEYS}/es256-2026-1/replace")
    await browser.post(f"{KEYS}/es256-2026-1/withdraw")
    await browser.get(KEYS)
    assert "ingetrokken" in browser.page
    for path in ("es256-2026-1/replace", "es256-2026-1/withdraw", "unknown/replace"):
        assert (await browser.get(f"{KEYS}/{path}")).status_code == 404


async def test_a_change_without_the_token_of_the_page_is_refused(browser: Browser, issuer: Issuer) -> None:
    before = await fragments(issuer)
    browser.page = ""
    assert (await browser.post(f"{KEYS}/es256-2026-1/replace")).status_code == 403
    assert await fragments(issuer) == before


async def test_staff_fetch_the_archive_as_a_file(browser: Browser) -> None:
    response = await browser.client.get(f"{KEYS}/archive")
    assert response.headers["content-disposition"].startswith(f'attachment; filename="{ORG}-')
    assert parse_archive(response.content).manifest.payload["iss"] == f"did:web:issuer.example:{ORG}"
