"""A page that asks through the browser itself, in real Chromium with a wallet behind `navigator.credentials`. V-08.

No wallet registers with a headless browser, so `navigator.credentials.get` and `DigitalCredential` are put in by the
test, as Chrome has them; behind them stands the simulated wallet. The verifier runs for real, on a port.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.async_api import Page, async_playwright, expect

from tests.browser.conftest import ARTEFACTS, SIZES, SWITCHES, free_ports
from tests.conftest import NewDatabase
from tests.support.badges import SKILLS
from tests.verifier.browser import PASSPHRASE
from tests.verifier.conftest import MakeStage, Stage

QUESTION = {
    "title": "Adviseur, Tiel",
    "purpose": "U solliciteert als adviseur.",
    "skills": [{"uri": next(iter(SKILLS))}],
    "agreement": {"title": "Regels van het gesprek", "text": "Ik kom zelf.\nIk meld me af als ik ziek ben."},
}
FAKE = """
globalThis.DigitalCredential = class {
  static userAgentAllowsProtocol(name) { return name.startsWith("openid4vp-v1-"); }
};
navigator.credentials.get = async ({ digital }) => {
  const data = await globalThis.askWallet(digital.requests);
  if (data === null) throw new DOMException("nobody chose", "NotAllowedError");
  return { type: "digital", protocol: digital.requests[0].protocol, data };
};
"""


@pytest.fixture
async def served(make_stage: MakeStage, new_sqlite_database: NewDatabase) -> AsyncIterator[tuple[Stage, str]]:
    """The verifier on a port of this machine."""
    (port,) = free_ports(1)
    origin = f"http://localhost:{port}"
    stage: Stage = await make_stage(
        new_sqlite_database("verifier"), public_url=origin, allow_http_for_local_development=True
    )
    stage.transport.apps[f"localhost:{port}"] = stage.app
    server = uvicorn.Server(uvicorn.Config(stage.app, host="127.0.0.1", port=port, lifespan="off", log_config=None))
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - the server says it in no other way
        await asyncio.sleep(0.05)
    yield stage, origin
    server.should_exit = True
    await running


async def look(page: Page, size: str, name: str) -> None:
    await page.screenshot(path=ARTEFACTS / size / f"digital-{name}.png", full_page=True)
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize(("size", "flow"), [("phone", "Op dit apparaat"), ("desktop", "Op een ander apparaat")])
async def test_V08_a_candidate_answers_through_the_browser_and_stays_on_the_page(
    served: tuple[Stage, str], chromium: str, size: str, flow: str
) -> None:
    stage, origin = served
    created = await stage.api.post("/api/relying-parties/bakker/questions", json=QUESTION)
    wallet = stage.holding()
    answers = iter([False, True])

    async def ask_wallet(requests: list[dict[str, Any]]) -> dict[str, Any] | None:
        if not next(answers):
            return None
        return wallet.answer_browser(await wallet.read_browser_request(requests, origin))

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        width, height = SIZES[size]
        context = await browser.new_context(viewport={"width": width, "height": height}, locale="nl-NL")
        await context.expose_function("askWallet", ask_wallet)
        await context.add_init_script(FAKE)
        page = await context.new_page()
        await page.goto(origin + urlsplit(created.json()["ask_url"]).path)
        await look(page, size, "question")
        await page.get_by_role("button", name=flow, exact=True).click()
        choose = page.get_by_role("button", name="Kies een wallet")
        await expect(choose).to_be_visible()
        await look(page, size, "waiting")
        await choose.click()
        await expect(page.get_by_text("Er is niets gedeeld.")).to_be_visible()
        await choose.click()
        await expect(page.get_by_role("heading", level=1, name="Voldoet aan de eis")).to_be_visible()
        await look(page, size, "answered")
        await browser.close()


async def test_V08_a_browser_that_cannot_ask_shows_the_other_ways_alone(
    served: tuple[Stage, str], chromium: str
) -> None:
    stage, origin = served
    created = await stage.api.post("/api/relying-parties/bakker/questions", json=QUESTION)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        page = await browser.new_page(locale="nl-NL")
        await page.add_init_script("delete globalThis.DigitalCredential;")
        await page.goto(origin + urlsplit(created.json()["ask_url"]).path)
        await page.get_by_role("button", name="Op een ander apparaat", exact=True).click()
        await expect(page.get_by_text("Scan deze code met de wallet op de telefoon.")).to_be_visible()
        await expect(page.get_by_role("button", name="Kies een wallet")).to_be_hidden()
        await browser.close()


async def test_V04_an_operator_sees_by_what_wallets_know_the_party(served: tuple[Stage, str], chromium: str) -> None:
    stage, origin = served
    operator = {"email": "r@bakker.example", "name": "R. de Boer", "passphrase": PASSPHRASE}
    await stage.admin.post("/api/relying-parties/bakker/operators", json=operator)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(SWITCHES))
        for size, (width, height) in SIZES.items():
            context = await browser.new_context(viewport={"width": width, "height": height}, locale="nl-NL")
            page = await context.new_page()
            await page.goto(f"{origin}/sign-in?next=/back-office/bakker/identity")
            await page.get_by_label("E-mailadres").fill(operator["email"])
            await page.get_by_label("Wachtzin").fill(PASSPHRASE)
            await page.get_by_role("button", name="Inloggen").click()
            await expect(page.get_by_role("heading", level=1, name="Zo kennen wallets u")).to_be_visible()
            await page.get_by_text("Ik heb een certificaat").click()
            await page.get_by_role("button", name="Certificaat bewaren").click()
            await expect(page.locator("#error-summary, .error").first).to_be_visible()
            await look(page, size, "identity")
            await page.goto(f"{origin}/back-office/bakker/questions/new")
            await page.get_by_text("Meer keuzes").click()
            await look(page, size, "new-question")
        await browser.close()
