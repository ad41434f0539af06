"""A form that comes in slowly, or never to its end, holds up nobody else."""

import asyncio
from collections.abc import AsyncIterator

import httpx

from tests.verifier.browser import sign_in
from tests.verifier.conftest import Stage
from tests.verifier.test_pages import ask, make_question


async def test_A52_nobody_waits_for_a_form_that_comes_in_slowly(any_stage: Stage) -> None:
    browser = await sign_in(any_stage)
    question = await make_question(browser)
    is_sending, may_end = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"title="
        is_sending.set()
        await may_end.wait()
        yield b"x"

    async def send_slowly() -> httpx.Response:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
        return await browser.client.post("/back-office/bakker/questions/new", content=pieces(), headers=headers)

    slow = asyncio.create_task(send_slowly())
    await is_sending.wait()
    async with asyncio.timeout(30):
        assert await ask(browser, question)
    assert not slow.done()
    may_end.set()
    assert (await slow).status_code == 403
