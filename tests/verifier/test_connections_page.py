"""The page where a relying party's administrator connects their own system. V-43, A-42, A-52."""

import base64
import html
import re
from typing import Any

import httpx
import pytest

from tests.verifier.browser import Browser, post_form, sign_in
from tests.verifier.conftest import Stage
from tests.verifier.test_webhooks import URL, Receiver
from verifier import store
from verifier.webhooks import deliver_webhooks, sign_message

HERE = "/back-office/bakker/connections"


def secret_of(page: httpx.Response) -> str:
    found = re.search(r"<code>(whsec_[^<]+)</code>", page.text)
    return html.unescape(found[1]) if found else ""


async def connect(stage: Stage) -> tuple[Browser, Receiver, httpx.Response]:
    """An administrator whose system is connected, and the page that says so."""
    receiver = Receiver()
    stage.transport.apps["hooks.bakker.example:443"] = receiver.app()
    operator = await sign_in(stage)
    page = await operator.get(HERE)
    assert "U hebt nog geen systeem gekoppeld." in page.text
    kept = await post_form(operator, page, {"url": URL}, action=f"{HERE}/webhook")
    assert kept.status_code == 200, kept.text
    return operator, receiver, kept


async def test_V43_an_administrator_connects_a_system_and_sees_its_secret_once(any_stage: Stage) -> None:
    operator, receiver, kept = await connect(any_stage)
    secret = secret_of(kept)
    page = await operator.get(HERE)
    assert URL in page.text
    assert "whsec_" not in page.text
    assert (await post_form(operator, page, {}, action=f"{HERE}/webhook/test")).status_code == 303
    ((headers, body),) = receiver.got
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    assert headers["webhook-signature"] == sign_message(raw, headers["webhook-id"], any_stage.clock(), body.decode())
    page = await operator.get(HERE)
    assert "Proefbericht</strong>" in page.text
    assert "aangekomen" in page.text


async def test_V43_a_new_secret_ends_the_one_before(stage: Stage) -> None:
    operator, receiver, kept = await connect(stage)
    renewed = await post_form(operator, kept, {"url": URL}, action=f"{HERE}/webhook")
    first, second = secret_of(kept), secret_of(renewed)
    assert first
    assert second not in ("", first)
    await post_form(operator, renewed, {}, action=f"{HERE}/webhook/test")
    ((headers, body),) = receiver.got
    signatures = [
        sign_message(base64.b64decode(each.removeprefix("whsec_")), headers["webhook-id"], stage.clock(), body.decode())
        for each in (first, second)
    ]
    assert [headers["webhook-signature"] == each for each in signatures] == [False, True]


async def test_V43_what_became_of_messages_is_told_in_words_and_no_code_is_shown_raw(stage: Stage) -> None:
    operator, receiver, _ = await connect(stage)
    await stage.ask_and_answer(stage.holding())
    page = await operator.get(HERE)
    assert "Er is een antwoord" in page.text
    assert "onderweg" in page.text
    receiver.status = 404
    await deliver_webhooks(stage.service)
    page = await operator.get(HERE)
    assert "uw systeem nam het niet aan (antwoord 404)" in page.text
    assert "We proberen het opnieuw:" in page.text
    assert "Het laatste bericht kwam niet aan." in page.text
    assert "in gebruik" not in page.text
    stage.transport.down = {"hooks.bakker.example:443"}
    await post_form(operator, page, {}, action=f"{HERE}/webhook/test")
    page = await operator.get(HERE)
    assert "niet te bereiken" in page.text
    assert not [word for word in ("presentation.", "webhook.test", "unreachable", "refused") if word in page.text]


async def test_V43_an_administrator_takes_the_connection_away(stage: Stage) -> None:
    operator, receiver, kept = await connect(stage)
    gone = await post_form(operator, kept, {}, action=f"{HERE}/webhook/delete")
    assert (gone.status_code, gone.headers["location"]) == (303, HERE)
    page = await operator.get(HERE)
    assert "U hebt nog geen systeem gekoppeld." in page.text
    assert (await post_form(operator, page, {}, action=f"{HERE}/webhook/test")).status_code == 404
    assert receiver.got == []


@pytest.mark.parametrize("url", ["", "http://hooks.bakker.example/x", "https://127.0.0.1/x", "https://a/" + "a" * 2000])
async def test_A42_an_address_that_may_not_be_called_is_explained_at_the_field(stage: Stage, url: str) -> None:
    operator = await sign_in(stage)
    page = await operator.get(HERE)
    refused = await post_form(operator, page, {"url": url}, action=f"{HERE}/webhook")
    assert refused.status_code == 400
    assert "Hier sturen we niets heen." in refused.text
    assert "whsec_" not in refused.text


async def test_A52_the_page_is_of_the_own_relying_party_and_its_forms_have_a_token(stage: Stage) -> None:
    made = await stage.admin.post("/api/relying-parties", json={"slug": "ander", "name": "Ander"})
    assert made.status_code == 201
    operator = await sign_in(stage)
    assert (await operator.get("/back-office/ander/connections")).status_code == 404
    for form, fields in (("webhook", {"url": URL}), ("webhook/test", {}), ("webhook/delete", {})):
        given: dict[str, Any] = {"csrf_token": "none", **fields}
        assert (await operator.client.post(f"{HERE}/{form}", data=given)).status_code == 403
    async with stage.service.database.reading() as session:
        party = await store.find_relying_party(session, "bakker")
        assert party is not None
        assert await store.find_webhook(session, party.id) is None


async def test_V43_the_page_says_in_english_too_that_the_browser_needs_no_setting(stage: Stage) -> None:
    operator = await sign_in(stage)
    operator.client.headers["accept-language"] = "en"
    page = await operator.get(HERE)
    assert "Asking through the browser" in page.text
    assert "There is nothing for you to set." in page.text
