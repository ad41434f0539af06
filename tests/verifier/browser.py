"""A browser without scripts: follows what is on the page, and submits forms with what they hold."""

import html
import re
from typing import Any

import httpx

from tests.verifier.conftest import VERIFIER, Stage

PASSPHRASE = "correct paard batterij"


class Browser:
    """One browser with cookies of its own."""

    def __init__(self, stage: Stage, language: str = "nl") -> None:
        self.client = httpx.AsyncClient(
            transport=stage.transport,
            base_url=VERIFIER,
            headers={"accept": "text/html", "accept-language": language},
        )

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    def wallet_link(self, page: httpx.Response) -> str:
        found = re.search(r'href="(openid4vp:[^"]+)"', page.text)
        assert found, page.text
        return html.unescape(found[1])


async def post_form(
    browser: Browser, page: httpx.Response, fields: dict[str, Any], *, action: str | None = None
) -> httpx.Response:
    """Submit to the page's own address (or another), with the page's CSRF token."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token, page.text
    return await browser.client.post(action or page.url.path, data={"csrf_token": token[1], **fields})


async def sign_in(stage: Stage, *, slug: str = "bakker", email: str = "r@bakker.example") -> Browser:
    """A signed-in operator."""
    created = await stage.admin.post(
        f"/api/relying-parties/{slug}/operators", json={"email": email, "name": "R. de Boer", "passphrase": PASSPHRASE}
    )
    assert created.status_code == 201, created.text
    browser = Browser(stage)
    page = await browser.get("/sign-in")
    signed_in = await post_form(browser, page, {"email": email, "passphrase": PASSPHRASE})
    assert signed_in.status_code == 303, signed_in.text
    return browser
