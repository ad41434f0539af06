"""The newest form of a badge from elsewhere: asked for when its owner says so, and believed only by itself. B-13"""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from kernel.data_integrity import add_proof
from kernel.did import did_key
from kernel.importing import Answer, AnswerKind
from kernel.keys import SoftwareSigner
from kernel.open_badges import with_refresh_service
from tests.kernel.test_importing import badge, sign
from tests.support.badge_host import redirect, serve
from tests.support.clock import NOW

REFRESH = "https://refresh.example/badges/1"
HOST = "refresh.example:443"
LATER = {"validFrom": "2026-02-01T00:00:00Z"}
STRANGER = SoftwareSigner.generate("Ed25519")


def refreshable(address: str = REFRESH, **changes: Any) -> dict[str, Any]:
    return sign(with_refresh_service(badge(**changes), address))


def by_stranger() -> dict[str, Any]:
    did = did_key(STRANGER.public_key.jwk)
    return add_proof(
        {**badge(**LATER), "issuer": {"id": did, "type": ["Profile"], "name": "Iemand anders"}},
        cryptosuite="eddsa-rdfc-2022",
        signer=STRANGER,
        verification_method=f"{did}#{did.removeprefix('did:key:')}",
        proof_purpose="assertionMethod",
        created_at=NOW,
    )


def of(**changes: Any) -> dict[str, Any]:
    """A later badge whose subject says something else."""
    return refreshable(credentialSubject={**badge()["credentialSubject"], **changes}, **LATER)


ANOTHER_ACHIEVEMENT = {**badge()["credentialSubject"]["achievement"], "id": "urn:uuid:9"}


class Host:
    """Serves one badge at the address, and counts how often it was asked."""

    def __init__(self, house: Any) -> None:
        self.house = house
        self.asked = 0

    def put(self, document: Mapping[str, Any] | bytes, kind: AnswerKind = AnswerKind.FOUND) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        app = serve({REFRESH: Answer(kind, body)})

        async def counting(scope: Any, receive: Any, send: Any) -> None:
            self.asked += 1
            await app(scope, receive, send)

        self.house.transport.apps[HOST] = counting


@pytest.fixture
def host(house):
    host = Host(house)
    host.put(refreshable(**LATER))
    return host


@pytest.fixture
async def holder(house, host):
    return await house.new_holder()


async def bring(holder, document):
    file = b64encode(json.dumps(document).encode()).decode()
    answer = await holder.call("POST", "/imported-badges", {"file": file})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def file_of(holder, badge_id):
    return (await holder.call("GET", f"/imported-badges/{badge_id}/file")).json()


async def refresh(holder, badge_id):
    return await holder.call("POST", f"/imported-badges/{badge_id}/refresh")


async def test_B13_the_newest_form_takes_the_place_of_a_badge(holder, host):
    brought = await bring(holder, refreshable())
    assert (brought["refresh_host"], brought["refresh"]) == ("refresh.example", None)
    await holder.call("POST", f"/imported-badges/{brought['id']}/keep")
    answer = await refresh(holder, brought["id"])
    assert (answer.status_code, answer.json()["refresh"]) == (200, "replaced")
    assert (await file_of(holder, brought["id"]))["validFrom"] == LATER["validFrom"]
    assert answer.json()["is_kept"] is True
    # The newer one is the one that is asked about from now on.
    assert (await refresh(holder, brought["id"])).json()["refresh"] == "no_newer"
    assert host.asked == 2


async def test_B13_nobody_is_asked_until_the_person_says_so(house, holder, host):
    brought = await bring(holder, refreshable())
    await holder.call("POST", f"/imported-badges/{brought['id']}/keep")
    await holder.call("POST", f"/imported-badges/{brought['id']}/check")
    await holder.call("GET", f"/imported-badges/{brought['id']}")
    house.clock.advance(timedelta(minutes=5))
    await holder.call("GET", "/imported-badges")
    assert host.asked == 0


@pytest.mark.parametrize(
    ("offered", "outcome"),
    [
        pytest.param(refreshable(), "no_newer", id="the same"),
        pytest.param(refreshable(validFrom="2025-12-31T00:00:00Z"), "no_newer", id="older"),
        pytest.param(refreshable(id="urn:uuid:7e4b0d5a-0000-4000-8000-000000000000", **LATER), "another", id="id"),
        pytest.param(by_stranger(), "another", id="issuer"),
        pytest.param(of(id="did:jwk:other"), "another", id="recipient"),
        pytest.param(of(achievement=ANOTHER_ACHIEVEMENT), "another", id="achievement"),
        pytest.param({**refreshable(**LATER), "name": "Anders"}, "not_proven", id="changed"),
        pytest.param({**refreshable(**LATER), "proof": []}, "not_proven", id="unsigned"),
        pytest.param(refreshable(**LATER, validUntil="2026-02-02T00:00:00Z"), "not_proven", id="expired"),
        pytest.param(b"<html></html>", "no_badge", id="page"),
        pytest.param(b"https://other.example/badge", "no_badge", id="address"),
    ],
)
async def test_B13_whatever_else_comes_from_there_changes_nothing(holder, host, offered, outcome):
    held = refreshable()
    brought = await bring(holder, held)
    host.put(offered)
    answer = await refresh(holder, brought["id"])
    assert (answer.status_code, answer.json()["refresh"]) == (200, outcome)
    assert await file_of(holder, brought["id"]) == held
    assert answer.json()["verdict"] == "proven"


@pytest.mark.parametrize("kind", [AnswerKind.NOT_FOUND, AnswerKind.UNAVAILABLE])
async def test_B13_an_address_that_does_not_answer_changes_nothing(holder, host, kind):
    brought = await bring(holder, refreshable())
    host.put(refreshable(**LATER), kind)
    assert (await refresh(holder, brought["id"])).json()["refresh"] == "unreachable"


@pytest.mark.parametrize("location", ["https://127.0.0.1/", REFRESH])
async def test_A42_K82_the_address_leads_nowhere_else(house, holder, location):
    brought = await bring(holder, refreshable())
    house.transport.apps[HOST] = redirect(location)
    assert (await refresh(holder, brought["id"])).json()["refresh"] == "unreachable"


@pytest.mark.parametrize("address", ["https://127.0.0.1/badges/1", "https://refresh.example:8443/badges/1"])
async def test_A42_K81_an_address_that_nobody_may_call_is_not_called(holder, host, address):
    brought = await bring(holder, refreshable(address))
    answer = (await refresh(holder, brought["id"])).json()
    assert answer.get("refresh") != "replaced"
    assert await file_of(holder, brought["id"]) == refreshable(address)
    assert host.asked == 0


async def test_B13_a_badge_that_has_expired_since_may_have_a_newer_form(house, holder):
    brought = await bring(holder, refreshable(validUntil="2026-05-28T12:05:00Z"))
    house.clock.advance(timedelta(minutes=10))
    answer = await refresh(holder, brought["id"])
    assert (answer.status_code, answer.json()["refresh"]) == (200, "replaced")


async def test_B13_A42_a_badge_without_an_address_or_a_good_signature_asks_nobody(holder, host):
    for document in (sign(badge()), {**refreshable(), "proof": []}):
        brought = await bring(holder, document)
        assert brought["refresh_host"] is None
        answer = await refresh(holder, brought["id"])
        assert (answer.status_code, answer.json()["code"]) == (409, "no_refresh")
    assert host.asked == 0


async def test_A52_nobody_refreshes_the_badge_of_another(house, holder, host):
    brought = await bring(holder, refreshable())
    other = await house.new_holder("Piet")
    assert (await refresh(other, brought["id"])).status_code == 404
    assert host.asked == 0


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_B13_the_page_says_who_will_see_it_and_what_came_of_it(house, host, language):
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    await browser.get("/import")
    file = json.dumps(refreshable()).encode()
    page = await browser.follow(await browser.post("/import", files={"file": ("x", file)}))
    assert "refresh.example" in page.text
    assert {"nl": "dan ziet de uitgever", "en": "the issuer sees"}[language] in page.text
    path = page.url.path
    page = await browser.follow(await browser.post(f"{path}/refresh"))
    assert {"nl": "Die staat nu hier.", "en": "It is here now."}[language] in unescape(page.text)
    host.put(sign(badge()))
    page = await browser.follow(await browser.post(f"{path}/refresh"))
    said = {"nl": "geen nieuwere vorm van deze badge", "en": "no newer form of this badge"}
    assert said[language] in unescape(page.text)
