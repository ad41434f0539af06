"""Large bodies are read for those who are signed in, on the forms that need them, and hold up nobody."""

from collections.abc import AsyncIterator

import httpx
import pytest

from issuer.web.pages import signed_in
from runtime.dependencies import open_session
from runtime.web.forms import open_form
from tests.issuer.conftest import BASE, ORG, SLUG, Browser, Issuer
from tests.test_architecture import calls, routes_of

MIB = 1024 * 1024
UPLOADS = [
    f"{BASE}/achievements/new",
    f"{BASE}/achievements/{SLUG}/change",
    f"{BASE}/achievements/{SLUG}/award/preview",
]


class Body:
    """A body that counts how much of it was read."""

    def __init__(self, megabytes: int) -> None:
        self.megabytes = megabytes
        self.read = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        yield b"--x\r\nContent-Disposition: form-data; name=file; filename=x\r\n\r\n"
        for _ in range(self.megabytes):
            self.read += 1
            yield b"x" * MIB
        yield b"\r\n--x--\r\n"


async def send(client: httpx.AsyncClient, path: str, megabytes: int, **headers: str) -> tuple[httpx.Response, Body]:
    body = Body(megabytes)
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Accept": "text/html", **headers}
    return await client.post(path, content=body.pieces(), headers=headers), body


@pytest.mark.parametrize("path", UPLOADS)
async def test_A52_nothing_that_a_stranger_uploads_is_read(issuer: Issuer, path: str) -> None:
    response, body = await send(issuer.client, path, 2)
    assert (response.status_code, response.headers["location"]) == (303, "/sign-in?next=/back-office")
    assert body.read == 0


@pytest.mark.parametrize(
    "path", [f"{BASE}/keys/es256-2026-1/withdraw", f"{BASE}/achievements/{SLUG}/award/previews", f"/{ORG}/token"]
)
async def test_A52_only_forms_with_a_file_take_large_bodies(browser: Browser, path: str) -> None:
    response, body = await send(browser.client, path, 3)
    assert response.status_code in {404, 413}
    assert body.read <= 2


async def test_A52_evidence_may_be_large_and_not_larger(browser: Browser) -> None:
    response, _ = await send(browser.client, UPLOADS[2], 19)
    assert response.status_code == 403, "read whole, and refused since it came from no form of ours"
    response, body = await send(browser.client, UPLOADS[2], 21, **{"Content-Length": str(21 * MIB)})
    assert (response.status_code, body.read) == (413, 0)


def test_A52_who_is_signed_in_is_known_before_a_form_is_read_and_no_transaction_waits_for_one(issuer: Issuer) -> None:
    for route in routes_of(issuer.app.router):
        order = [call for call in calls(route.dependant) if call in {signed_in, open_form, open_session}]
        if route.path.startswith("/back-office") and open_form in order:
            assert order[:2] == [signed_in, open_form], route.path
