"""The notification endpoint. OpenID4VCI 1.0 §11."""

from typing import Any

import httpx
import pytest

from kernel.keys import SoftwareSigner
from tests.issuer.conftest import ORG, Issuer


async def fetch(issuer: Issuer, award: dict[str, Any]) -> tuple[str, str]:
    """An access token, and the notification_id of what it fetched."""
    grant = await issuer.redeem(award)
    response = await issuer.request(grant.token, [await issuer.proof()])
    return grant.token, str(response.json()["notification_id"])


async def notify(issuer: Issuer, token: str, body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await issuer.client.post(f"/{ORG}/notification", json=body, headers=headers)


async def test_I66_an_accepted_credential_is_in_the_wallet_however_often_it_is_told(issuer: Issuer) -> None:
    award = await issuer.award()
    token, notification_id = await fetch(issuer, award)
    assert (await issuer.get_award(award["id"]))["state"] == "issued"
    for _ in range(2):
        response = await notify(issuer, token, {"notification_id": notification_id, "event": "credential_accepted"})
        assert response.status_code == 204
        assert not response.content
    assert (await issuer.get_award(award["id"]))["state"] == "received"


@pytest.mark.parametrize("event", ["credential_failure", "credential_deleted"])
async def test_I66_other_events_are_heard(issuer: Issuer, event: str) -> None:
    award = await issuer.award()
    token, notification_id = await fetch(issuer, award)
    body = {"notification_id": notification_id, "event": event, "event_description": "Could not store it"}
    assert (await notify(issuer, token, body)).status_code == 204
    assert (await issuer.get_award(award["id"]))["state"] == "issued"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"notification_id": "onbekend"}, "invalid_notification_id"),
        ({"notification_id": None}, "invalid_notification_request"),
        ({"notification_id": 7}, "invalid_notification_request"),
        ({"event": "credential_lost"}, "invalid_notification_request"),
        ({"event": None}, "invalid_notification_request"),
    ],
)
async def test_I66_a_notification_with_one_thing_wrong_gets_its_error(
    issuer: Issuer, change: dict[str, Any], error: str
) -> None:
    token, notification_id = await fetch(issuer, await issuer.award())
    body = {"notification_id": notification_id, "event": "credential_accepted", **change}
    response = await notify(issuer, token, {name: value for name, value in body.items() if value is not None})
    assert (response.status_code, response.json()["error"]) == (400, error)


async def test_A30_an_id_of_another_award_is_as_good_as_unknown(issuer: Issuer) -> None:
    mine, theirs = await issuer.award(), await issuer.award()
    token, _ = await fetch(issuer, mine)
    _, foreign = await fetch(issuer, theirs)
    response = await notify(issuer, token, {"notification_id": foreign, "event": "credential_accepted"})
    assert response.json()["error"] == "invalid_notification_id"
    assert (await issuer.get_award(theirs["id"]))["state"] == "issued"


async def test_I66_a_token_is_needed(issuer: Issuer) -> None:
    body = {"notification_id": "x", "event": "credential_accepted"}
    assert (await issuer.client.post(f"/{ORG}/notification", json=body)).status_code == 401
    assert (await notify(issuer, "onbekend", body)).json()["error"] == "invalid_token"


async def test_I66_an_answer_that_is_given_again_names_an_id_that_counts(issuer: Issuer) -> None:
    """Whichever of the two arrived: both are about the same copies."""
    award, signer = await issuer.award(), SoftwareSigner.generate()
    token = (await issuer.redeem(award)).token
    first, again = [(await issuer.request(token, [await issuer.proof(signer)])).json() for _ in range(2)]
    assert first == again
    body = {"notification_id": again["notification_id"], "event": "credential_accepted"}
    assert (await notify(issuer, token, body)).status_code == 204
    assert (await issuer.get_award(award["id"]))["state"] == "received"


async def test_I66_copies_that_go_out_once_more_beside_new_ones_have_the_name_of_that_answer(issuer: Issuer) -> None:
    award, signer = await issuer.award(), SoftwareSigner.generate()
    token = (await issuer.redeem(award)).token
    nonce = await issuer.nonce()
    proofs = [await issuer.proof(signer, nonce=nonce), await issuer.proof(nonce=nonce)]
    both = (await issuer.request(token, proofs)).json()["notification_id"]
    one = (await issuer.request(token, [await issuer.proof(signer)])).json()["notification_id"]
    assert one != both
    for told in (one, both):
        body = {"notification_id": told, "event": "credential_accepted"}
        assert (await notify(issuer, token, body)).status_code == 204
