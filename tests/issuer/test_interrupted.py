"""The process ends at any step of issuing: afterwards either side goes on or starts over. A-53; I-07, I-56, I-61, I-66.

A nonce or a challenge costs no row, so there is nothing to end in; each test fetches its nonces before the end and
uses them after it.
"""

import zlib
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from issuer.app import create_app
from issuer.models import Award, BadgeFile, Credential, Offer, StatusEntry
from kernel import base64url
from kernel.formats import from_wire, parse_credential
from kernel.jwt import parse_jwt
from kernel.keys import SoftwareSigner
from kernel.status.token_status_list import Status
from tests.issuer.code_flow import CodeFlow
from tests.issuer.conftest import ORG, PUBLIC_URL, Grant, Issuer, create_client
from tests.issuer.test_badge_files import make
from tests.issuer.test_deferred import add_person, ask_again, change, key_of, needs_approval, post_award
from tests.issuer.test_federation import MEMBERSHIP, configuration, join
from tests.issuer.test_notification import notify
from tests.issuer.test_refresh_token import code_of, fetch, proof, refresh
from tests.support.steps import Steps


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps.watch(monkeypatch)


async def restart(issuer: Issuer) -> None:
    """Another process takes over, with the same settings on the same database."""
    await issuer.client.aclose()
    await issuer.app.state.service.close()
    issuer.app = create_app(issuer.settings, clock=issuer.clock)
    issuer.client = create_client(issuer.app)


async def kept(issuer: Issuer, award_id: str) -> list[Credential]:
    """Every credential that the issuer believes it gave out for an award."""
    async with issuer.database.reading() as session:
        rows = await session.scalars(select(Credential))
        return [row for row in rows if str(row.award_id) == award_id]


async def given_out(issuer: Issuer, award_id: str) -> list[tuple[UUID, int, bytes | None]]:
    """The same as what must not change: which copies there are, their places and their bytes."""
    return [(row.id, row.status_index, row.sealed_credential) for row in await kept(issuer, award_id)]


async def receive(issuer: Issuer, award: dict[str, Any], token: str, signer: SoftwareSigner) -> str:
    """What a wallet does that goes on: the same key, a fresh nonce."""
    response = await issuer.request(token, [await issuer.proof(signer)])
    assert response.status_code == 200, response.text
    assert len(await kept(issuer, award["id"])) == 1
    return from_wire(response.json()["credentials"][0]["credential"])


async def test_A53_process_that_ends_at_any_step_of_awarding_awards_once_when_asked_again(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended = any_issuer, 0, True
    while ended:
        number += 1
        key = f"cohort-{number}"
        ended = await steps.ends_at(number, lambda key=key: issuer.post_awards(key=key))
        await restart(issuer)
        assert (await issuer.post_awards(key=key)).status_code == 201
        async with issuer.database.reading() as session:
            assert len((await session.scalars(select(Award))).all()) == number
    assert number > 3


async def test_A53_I07_process_that_ends_at_any_step_of_redeeming_a_code_leaves_it_unspent_or_spent_for_good(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended, outcomes = any_issuer, 0, True, set()
    while ended:
        number += 1
        award, signer = await issuer.award(), SoftwareSigner.generate()
        code, tx_code = await issuer.code(award), award["offer"]["tx_code"]
        ended = await steps.ends_at(number, lambda code=code, tx_code=tx_code: issuer.post_token(code, tx_code))
        await restart(issuer)
        again = await issuer.post_token(code, tx_code)
        outcomes.add(again.status_code)
        if again.status_code == 200:
            # Nothing was bought: the wallet goes on with the same code.
            grant = Grant(again)
        else:
            # The token may have been on its way; nobody gets a second one, and staff offer the award anew.
            assert again.json()["error"] == "invalid_grant"
            offered = await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/offer", json={})
            assert offered.status_code == 201, offered.text
            grant = await issuer.redeem(offered.json())
        await receive(issuer, award, grant.token, signer)
        assert (await issuer.get_award(award["id"]))["state"] == "issued"
    assert outcomes == {200, 400}
    assert number > 8


async def test_A53_I56_I61_process_that_ends_at_any_step_of_issuing_issues_once_to_the_same_key(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended, outcomes = any_issuer, 0, True, set()
    while ended:
        number += 1
        award, signer = await issuer.award(), SoftwareSigner.generate()
        token, key_proof = (await issuer.redeem(award)).token, await issuer.proof(signer)
        ended = await steps.ends_at(number, lambda token=token, key_proof=key_proof: issuer.request(token, [key_proof]))
        before = await given_out(issuer, award["id"])
        await restart(issuer)
        # The nonce was spent together with what it bought, or not at all.
        again = await issuer.request(token, [key_proof])
        outcomes.add(again.status_code)
        assert again.status_code == 200 or again.json()["error"] == "invalid_nonce"
        assert (again.status_code == 200) == (not before)
        raw = await receive(issuer, award, token, signer)
        after = await given_out(issuer, award["id"])
        assert not before or before == after
        # And what was issued can be taken back.
        assert parse_credential(raw).payload["status"]["status_list"]["idx"] == after[0][1]
        assert (await issuer.change(award["id"], "revoke")).status_code == 200
    assert outcomes == {200, 400}
    assert number > 3


async def test_A53_I66_process_that_ends_at_any_step_of_a_notification_hears_it_when_told_again(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended = any_issuer, 0, True
    while ended:
        number += 1
        award = await issuer.award()
        token = (await issuer.redeem(award)).token
        issued = (await issuer.request(token, [await issuer.proof()])).json()

        async def tell(token: str = token, told: str = issued["notification_id"]) -> httpx.Response:
            body = {"notification_id": told, "event": "credential_accepted"}
            return await issuer.client.post(
                f"/{ORG}/notification", json=body, headers={"Authorization": f"Bearer {token}"}
            )

        ended = await steps.ends_at(number, tell)
        await restart(issuer)
        assert (await tell()).status_code == 204
        assert (await issuer.get_award(award["id"]))["state"] == "received"
    assert number > 3


async def test_A53_I28_process_that_ends_at_any_step_of_signing_in_lets_the_person_start_over(
    any_issuer: Issuer, steps: Steps
) -> None:
    """From the pushed request to the code: whatever broke off, another try from the start brings the badge."""
    issuer, number, ended = any_issuer, 0, True
    award = await issuer.award()
    while ended:
        number += 1

        async def authorize() -> None:
            assert await code_of(CodeFlow.start(issuer))

        ended = await steps.ends_at(number, authorize)
        await restart(issuer)
        # The same person does not ask for codes all day.
        issuer.clock.advance(issuer.settings.access_token_lifetime * 12)
    flow = CodeFlow.start(issuer)
    token = Grant(await flow.exchange(await code_of(flow))).token
    await receive(issuer, award, token, SoftwareSigner.generate())
    assert number > 12


async def test_A53_I24_process_that_ends_at_any_step_of_redeeming_an_authorization_code_gives_one_token_or_none(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended, outcomes = any_issuer, 0, True, set()
    await issuer.award()
    while ended:
        number += 1
        flow = CodeFlow.start(issuer)
        code = await code_of(flow)
        headers = await proof(issuer, "token")
        ended = await steps.ends_at(
            number, lambda flow=flow, code=code, headers=headers: flow.exchange(code, headers=headers)
        )
        await restart(issuer)
        again = await flow.exchange(code, headers=await proof(issuer, "token"))
        outcomes.add(again.status_code)
        if again.status_code == 200:
            assert (await fetch(issuer, again.json()["access_token"])).status_code == 200
        else:
            # It may have been on its way. The person signs in once more.
            assert again.json()["error"] == "invalid_grant"
        issuer.clock.advance(issuer.settings.access_token_lifetime * 12)
    assert outcomes == {200, 400}
    assert number > 5


async def test_A53_I32_process_that_ends_at_any_step_of_refreshing_gives_one_token_or_none(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended, outcomes = any_issuer, 0, True, set()
    await issuer.award()
    while ended:
        number += 1
        flow = CodeFlow.start(issuer)
        bought = await flow.exchange(await code_of(flow), headers=await proof(issuer, "token"))
        token, headers = bought.json()["refresh_token"], await proof(issuer, "token")
        ended = await steps.ends_at(
            number, lambda token=token, headers=headers: refresh(issuer, token, headers=headers)
        )
        await restart(issuer)
        again = await refresh(issuer, token, headers=await proof(issuer, "token"))
        outcomes.add(again.status_code)
        if again.status_code == 200:
            assert (await fetch(issuer, again.json()["access_token"])).status_code == 200
        else:
            # Two may hold the next one now, so neither keeps it. The person signs in once more.
            assert again.json()["error"] == "invalid_grant"
        issuer.clock.advance(issuer.settings.access_token_lifetime * 12)
    assert outcomes == {200, 400}
    assert number > 5


async def test_A53_I63_process_that_ends_at_any_step_of_approving_approves_once_when_asked_again(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended = any_issuer, 0, True
    await needs_approval(issuer)
    first, second = [await key_of(issuer, await add_person(issuer)) for _ in range(2)]
    while ended:
        number += 1
        award = (await post_award(issuer, first)).json()["awards"][0]
        ended = await steps.ends_at(number, lambda award=award: change(issuer, award, second))
        await restart(issuer)
        state = (await issuer.get_award(award["id"]))["state"]
        assert (await change(issuer, award, second)).status_code == (200 if state == "waiting" else 409)
        assert (await issuer.get_award(award["id"]))["state"] == "offered"
    assert number > 3


async def test_A53_I65_process_that_ends_at_any_step_of_a_deferred_answer_issues_once_and_answers_again(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended, kept_before = any_issuer, 0, True, set()
    await needs_approval(issuer)
    first, second = [await key_of(issuer, await add_person(issuer)) for _ in range(2)]
    while ended:
        number += 1
        award = (await post_award(issuer, first)).json()["awards"][0]
        token = (await issuer.redeem(award)).token
        transaction_id = (await issuer.request(token, [await issuer.proof()])).json()["transaction_id"]
        assert (await change(issuer, award, second)).status_code == 200
        ended = await steps.ends_at(
            number, lambda token=token, transaction_id=transaction_id: ask_again(issuer, token, transaction_id)
        )
        before = await given_out(issuer, award["id"])
        await restart(issuer)
        answers = [await ask_again(issuer, token, transaction_id) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        after = await given_out(issuer, award["id"])
        assert len(after) == 1
        assert not before or before == after
        kept_before.add(bool(before))
        told = {"notification_id": answers[0].json()["notification_id"], "event": "credential_accepted"}
        assert (await notify(issuer, token, told)).status_code == 204
        assert (await ask_again(issuer, token, transaction_id)).json()["error"] == "invalid_transaction_id"
    assert kept_before == {False, True}
    assert number > 3


async def test_A53_I77_process_that_ends_at_any_step_of_revoking_and_publishing_publishes_it(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended = any_issuer, 0, True
    while ended:
        number += 1
        award = await issuer.award()
        token = (await issuer.redeem(award)).token
        (entry,) = (await issuer.request(token, [await issuer.proof()])).json()["credentials"]
        place = parse_credential(from_wire(entry["credential"])).payload["status"]["status_list"]
        path = place["uri"].removeprefix(PUBLIC_URL)

        async def revoke_and_publish(award_id: str = award["id"], path: str = path) -> None:
            await issuer.change(award_id, "revoke")
            # Nothing newer is served before a step is over.
            issuer.clock.advance(issuer.settings.status_list_ttl)
            await issuer.client.get(path)

        ended = await steps.ends_at(number, revoke_and_publish)
        await restart(issuer)
        assert (await issuer.change(award["id"], "revoke")).status_code in (200, 409)
        issuer.clock.advance(issuer.settings.status_list_ttl)
        published = await issuer.client.get(path)
        assert published.status_code == 200
        assert entry_of(published.text, place["idx"]) == Status.INVALID.value_in_list
        # Asked again it is the same document: it was signed once.
        assert (await issuer.client.get(path)).text == published.text
    assert number > 6


def entry_of(token: str, index: int) -> int:
    """What a published Token Status List says at a place."""
    packed = parse_jwt(token).payload["status_list"]
    entries, bits = zlib.decompress(base64url.decode(packed["lst"])), packed["bits"]
    return entries[index * bits // 8] >> (index * bits % 8) & (1 << bits) - 1


async def test_A53_T07_process_that_ends_at_any_step_of_joining_a_federation_or_rolling_a_key_leaves_one_that_signs(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended = any_issuer, 0, True

    async def join_and_roll() -> None:
        await join(issuer)
        for step in ("announce", "use", "retire"):
            await issuer.api("POST", f"{MEMBERSHIP}/key-rollover", json={"step": step})

    while ended:
        number += 1
        ended = await steps.ends_at(number, join_and_roll)
        await restart(issuer)
        await join(issuer)
        # What is published verifies with the keys that it names, whichever of them signs.
        statement = await configuration(issuer)
        assert (await issuer.api("GET", MEMBERSHIP)).json()["public_jwk"] in statement.keys.members
        assert (await issuer.api("DELETE", MEMBERSHIP)).status_code == 204
    assert number > 6


async def test_A53_I07_process_that_ends_at_any_step_of_offering_anew_leaves_one_offer_that_opens(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended = any_issuer, 0, True
    while ended:
        number += 1
        award = await issuer.award()
        path = f"/organisations/{ORG}/awards/{award['id']}/offer"
        ended = await steps.ends_at(number, lambda path=path: issuer.api("POST", path, json={}))
        await restart(issuer)
        again = await issuer.api("POST", path, json={})
        assert again.status_code == 201, again.text
        async with issuer.database.reading() as session:
            offers = [row for row in await session.scalars(select(Offer)) if str(row.award_id) == award["id"]]
        assert [offer.voided_at for offer in offers].count(None) == 1
        assert len({offer.number for offer in offers}) == len(offers)
        await receive(issuer, award, (await issuer.redeem(again.json())).token, SoftwareSigner.generate())
    assert number > 3


async def test_A53_I62_process_that_ends_at_any_step_of_making_a_file_makes_one(
    any_issuer: Issuer, steps: Steps
) -> None:
    issuer, number, ended = any_issuer, 0, True
    while ended:
        number += 1
        award = await issuer.award()
        ended = await steps.ends_at(number, lambda award=award: make(issuer, award))
        await restart(issuer)
        assert (await make(issuer, award)).status_code == 201
        async with issuer.database.reading() as session:
            assert len((await session.scalars(select(BadgeFile))).all()) == number
            taken = [row for row in await session.scalars(select(StatusEntry)) if row.award_id is not None]
        assert len(taken) == number
    assert number > 3
