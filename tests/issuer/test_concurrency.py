"""One-time things under eight simultaneous callers, on both databases."""

import asyncio
from collections.abc import Awaitable

import httpx
from sqlalchemy import select

from issuer.configurations import SECURINGS
from issuer.models import Credential, Offer
from kernel.formats import parse_credential
from kernel.keys import SoftwareSigner
from tests.issuer.conftest import ORG, SLUG, Issuer, achievement, recipient

EIGHT = range(8)


async def at_once(calls: list[Awaitable[httpx.Response]]) -> list[httpx.Response]:
    return list(await asyncio.gather(*calls))


async def test_I07_A24_of_eight_redemptions_one_wins_what_is_worth_nothing(any_issuer: Issuer) -> None:
    """Two had the code: whether they came one after the other or together, nobody knows whose the token is."""
    issuer = any_issuer
    award = await issuer.award()
    code = await issuer.code(award)
    responses = await at_once([issuer.post_token(code, award["offer"]["tx_code"]) for _ in EIGHT])
    assert sorted(response.status_code for response in responses) == [200] + [400] * 7
    assert {response.json()["error"] for response in responses if response.status_code == 400} == {"invalid_grant"}
    [won] = [response for response in responses if response.status_code == 200]
    late = await issuer.request(won.json()["access_token"], [await issuer.proof()])
    assert (late.status_code, late.json()["error"]) == (401, "invalid_token")


async def test_I56_A22_of_eight_uses_of_one_nonce_one_wins(any_issuer: Issuer) -> None:
    issuer = any_issuer
    grant = await issuer.redeem(await issuer.award())
    nonce = await issuer.nonce()
    proofs = [await issuer.proof(nonce=nonce) for _ in EIGHT]
    responses = await at_once([issuer.request(grant.token, [proof]) for proof in proofs])
    assert sorted(response.status_code for response in responses) == [200] + [400] * 7
    assert {response.json()["error"] for response in responses if response.status_code == 400} == {"invalid_nonce"}


async def test_I28_A25_eight_simultaneous_guesses_are_five_tries(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award = await issuer.award()
    code, right = await issuer.code(award), award["offer"]["tx_code"]
    wrong = [f"{(int(right) + number) % 1_000_000:06d}" for number in range(1, 9)]
    responses = await at_once([issuer.post_token(code, guess) for guess in wrong])
    assert {response.status_code for response in responses} == {400}
    assert (await issuer.post_token(code, right)).json()["error"] == "invalid_grant"
    assert (await issuer.get_award(award["id"]))["state"] == "offer_void"


async def test_K77_A53_eight_simultaneous_batches_share_no_place(any_issuer: Issuer) -> None:
    issuer = any_issuer
    response = await issuer.post_awards(recipients=[recipient(number) for number in range(1, 9)])
    grants = [await issuer.redeem(award) for award in response.json()["awards"]]
    batches = []
    for _ in grants:
        nonce = await issuer.nonce()
        batches.append([await issuer.proof(nonce=nonce) for _ in range(3)])
    responses = await at_once(
        [issuer.request(grant.token, proofs) for grant, proofs in zip(grants, batches, strict=True)]
    )
    raws = [entry["credential"] for response in responses for entry in response.json()["credentials"]]
    places = [parse_credential(raw).payload["status"]["status_list"]["idx"] for raw in raws]
    assert len(set(places)) == len(places) == 24


async def test_I60_simultaneous_requests_do_not_exceed_the_copies_of_an_offer(any_issuer: Issuer) -> None:
    issuer = any_issuer
    grant = await issuer.redeem(await issuer.award())
    batches = []
    size, securings = issuer.settings.batch_size, len(SECURINGS)
    for _ in range(securings + 2):
        nonce = await issuer.nonce()
        batches.append([await issuer.proof(nonce=nonce) for _ in range(size)])
    responses = await at_once([issuer.request(grant.token, proofs) for proofs in batches])
    assert sorted(response.status_code for response in responses) == [200] * securings + [400, 400]


async def test_I61_A53_eight_requests_for_one_key_are_given_one_copy_and_one_name(any_issuer: Issuer) -> None:
    """A wallet that gave up waiting asks again while its first question is still being answered."""
    issuer, signer = any_issuer, SoftwareSigner.generate()
    grant = await issuer.redeem(await issuer.award())
    proofs = [await issuer.proof(signer) for _ in EIGHT]
    responses = await at_once([issuer.request(grant.token, [proof]) for proof in proofs])
    assert {response.status_code for response in responses} == {200}
    assert len({response.text for response in responses}) == 1
    async with issuer.database.reading() as session:
        assert len((await session.scalars(select(Credential))).all()) == 1
        assert [offer.copies for offer in await session.scalars(select(Offer))] == [1]


async def test_I60_A53_the_last_copies_asked_for_twice_at_once_are_given_to_both(any_issuer: Issuer) -> None:
    """Whoever comes second must not hear that all were handed out: they were handed out to it."""
    issuer = any_issuer
    grant = await issuer.redeem(await issuer.award())
    for _ in range(len(SECURINGS) - 1):
        assert (await issuer.request(grant.token, await batch(issuer, issuer.settings.batch_size))).status_code == 200
    signers = [SoftwareSigner.generate() for _ in range(issuer.settings.batch_size)]
    proofs = []
    for _ in range(2):
        nonce = await issuer.nonce()
        proofs.append([await issuer.proof(signer, nonce=nonce) for signer in signers])
    first, second = await at_once([issuer.request(grant.token, each) for each in proofs])
    assert (first.status_code, first.json()) == (200, second.json())
    assert (await issuer.request(grant.token, await batch(issuer, 1))).status_code == 400


async def batch(issuer: Issuer, count: int) -> list[str]:
    nonce = await issuer.nonce()
    return [await issuer.proof(nonce=nonce) for _ in range(count)]


async def test_I77_of_eight_revocations_one_wins(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award = await issuer.award()
    responses = await at_once([issuer.change(award["id"], "revoke") for _ in EIGHT])
    assert sorted(response.status_code for response in responses) == [200] + [409] * 7


async def test_idempotency_holds_when_eight_send_the_same_at_once(any_issuer: Issuer) -> None:
    issuer = any_issuer
    responses = await at_once([issuer.post_awards(key="bulk-1") for _ in EIGHT])
    assert {response.status_code for response in responses} == {201}
    assert len({response.json()["awards"][0]["id"] for response in responses}) == 1
    listed = (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"]
    assert len(listed) == 1


async def test_a_list_is_signed_once_when_eight_ask_at_once(any_issuer: Issuer) -> None:
    issuer = any_issuer
    responses = await at_once([issuer.client.get(f"/{ORG}/status/1") for _ in EIGHT])
    assert len({response.text for response in responses}) == 1


async def test_two_editors_at_once_make_one_version(any_issuer: Issuer) -> None:
    issuer = any_issuer
    path = f"/organisations/{ORG}/achievements/{SLUG}"
    seen = {"If-Match": '"1"'}
    responses = await at_once([issuer.api("PUT", path, json=achievement(), headers=seen) for _ in EIGHT])
    assert sorted(response.status_code for response in responses) == [200, *[412] * (len(EIGHT) - 1)]
    assert (await issuer.api("GET", path)).headers["etag"] == '"2"'
