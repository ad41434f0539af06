"""More of what counts once, from eight sides at the same moment, on both databases. A-53."""

import asyncio

from sqlalchemy import select

from issuer.models import ApiKey, Credential, Offer, StatusEntry
from tests.issuer.conftest import ORG, Issuer
from tests.issuer.test_deferred import add_person, change, key_of, needs_approval, post_award
from tests.issuer.test_federation import MEMBERSHIP, configuration, join
from tests.issuer.test_notification import fetch, notify

EIGHT = range(8)


async def test_I63_A53_of_eight_approvals_one_counts(any_issuer: Issuer) -> None:
    await needs_approval(any_issuer)
    first, second = [await key_of(any_issuer, await add_person(any_issuer)) for _ in range(2)]
    award = (await post_award(any_issuer, first)).json()["awards"][0]
    answers = await asyncio.gather(*(change(any_issuer, award, second) for _ in EIGHT))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


async def test_I63_A53_approving_and_declining_at_once_end_in_one_of_the_two(any_issuer: Issuer) -> None:
    """What was declined is never issued, however close the approval was."""
    await needs_approval(any_issuer)
    first, second = [await key_of(any_issuer, await add_person(any_issuer)) for _ in range(2)]
    award = (await post_award(any_issuer, first)).json()["awards"][0]
    changes = ["approve", "revoke"] * 4
    answers = await asyncio.gather(*(change(any_issuer, award, second, what) for what in changes))
    by_change = {what: [a.status_code for a, w in zip(answers, changes, strict=True) if w == what] for what in changes}
    assert by_change["approve"].count(200) <= 1
    assert by_change["revoke"].count(200) == 1
    assert (await any_issuer.get_award(award["id"]))["state"] == "revoked"


async def test_I66_A53_eight_notifications_at_once_are_one(any_issuer: Issuer) -> None:
    award = await any_issuer.award()
    token, notification_id = await fetch(any_issuer, award)
    body = {"notification_id": notification_id, "event": "credential_accepted"}
    answers = await asyncio.gather(*(notify(any_issuer, token, body) for _ in EIGHT))
    assert {answer.status_code for answer in answers} == {204}
    assert (await any_issuer.get_award(award["id"]))["state"] == "received"


async def test_I07_A53_of_eight_new_offers_at_once_one_is_open(any_issuer: Issuer) -> None:
    """Each voids the one before: two that can be redeemed would be two badges."""
    award = await any_issuer.award()
    path = f"/organisations/{ORG}/awards/{award['id']}/offer"
    answers = await asyncio.gather(*(any_issuer.api("POST", path, json={}) for _ in EIGHT))
    assert {answer.status_code for answer in answers} <= {201, 409}
    offers = [answer.json() for answer in answers if answer.status_code == 201]
    assert offers
    async with any_issuer.database.reading() as session:
        rows = (await session.scalars(select(Offer))).all()
    assert [row.voided_at for row in rows].count(None) == 1
    assert len({row.number for row in rows}) == len(rows) == len(offers) + 1


async def test_I77_A53_a_badge_fetched_and_revoked_at_once_is_not_in_a_wallet_as_valid(any_issuer: Issuer) -> None:
    """Either nothing was issued, or what was issued is revoked in its list."""
    award = await any_issuer.award()
    token = (await any_issuer.redeem(award)).token
    proofs = [await any_issuer.proof() for _ in range(4)]
    answers = await asyncio.gather(
        *(any_issuer.request(token, [proof]) for proof in proofs), any_issuer.change(award["id"], "revoke")
    )
    assert answers[-1].status_code == 200
    assert {answer.status_code for answer in answers[:-1]} <= {200, 400, 401}
    async with any_issuer.database.reading() as session:
        issued = (await session.scalars(select(Credential))).all()
        entries = {entry.value for entry in await session.scalars(select(StatusEntry)) if entry.award_id is not None}
    assert len(issued) == sum(answer.status_code == 200 for answer in answers[:-1])
    assert entries <= {1}


async def test_A52_eight_keys_made_at_once_are_eight_keys_and_withdrawn_once_each(any_issuer: Issuer) -> None:
    path = f"/organisations/{ORG}/api-keys"
    body = {"name": "sleutel", "scopes": ["awards:read"]}
    made = await asyncio.gather(*(any_issuer.api("POST", path, json=body) for _ in EIGHT))
    assert {answer.status_code for answer in made} == {201}
    assert len({answer.json()["api_key"] for answer in made}) == 8
    known = made[0].json()["id"]
    gone = await asyncio.gather(*(any_issuer.api("DELETE", f"{path}/{known}") for _ in EIGHT))
    assert {answer.status_code for answer in gone} <= {204, 404}
    async with any_issuer.database.reading() as session:
        keys = [row for row in await session.scalars(select(ApiKey)) if row.organisation_id is not None]
    assert len([key for key in keys if key.revoked_at is None]) == 7


async def test_T07_A53_eight_that_announce_a_key_at_once_announce_one(any_issuer: Issuer) -> None:
    await join(any_issuer)
    path = f"{MEMBERSHIP}/key-rollover"
    answers = await asyncio.gather(*(any_issuer.api("POST", path, json={"step": "announce"}) for _ in EIGHT))
    assert {answer.status_code for answer in answers} == {200}
    assert len((await configuration(any_issuer)).keys.members) == 2
    used = await asyncio.gather(*(any_issuer.api("POST", path, json={"step": "use"}) for _ in EIGHT))
    assert sorted(answer.status_code for answer in used) == [200] + [409] * 7
