"""Status lists: random places, published in steps, and three changes with a reason."""

import gzip
import random
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from issuer import status
from issuer.credential_issuer import get_issuer
from kernel.formats import parse_credential
from kernel.status.token_status_list import (
    Status,
    VerifiedStatusList,
    parse_status_list_token,
    verify_status_list_token,
)
from runtime.database import run_blocking
from tests.issuer.conftest import ES256, IDENTIFIER, ORG, SD_JWT, VCDM, Issuer

LIST = f"/{ORG}/status/1"
TTL = timedelta(minutes=15)


async def fetch_list(issuer: Issuer) -> VerifiedStatusList:
    """The published list, believed by the issuer's key."""
    raw = (await issuer.client.get(LIST)).text
    kid = parse_status_list_token(raw).header["kid"]
    key = await issuer.issuer_key(kid)
    return verify_status_list_token(raw, uri=IDENTIFIER + "/status/1", key=key, algorithms=ES256, now=issuer.clock())


def index_of(raw: str) -> int:
    return int(parse_credential(raw).payload["status"]["status_list"]["idx"])


async def test_K71_K76_the_list_is_signed_by_the_issuer_and_names_itself(issuer: Issuer) -> None:
    found = await fetch_list(issuer)
    assert found.ttl == TTL
    assert found.issued_at == issuer.clock()
    assert found.expires_at == issuer.clock() + timedelta(days=1)
    assert len(found.statuses) >= 131_072


async def test_K77_the_list_holds_decoys_so_that_nobody_counts_withdrawn_badges(issuer: Issuer) -> None:
    found = await fetch_list(issuer)
    values = [found.get(index) for index in range(len(found.statuses))]
    assert values.count(Status.INVALID) > 500
    assert values.count(Status.SUSPENDED) > 100


async def test_K77_A45_places_are_random_and_no_copy_shares_one(issuer: Issuer) -> None:
    raws = await issuer.fetch(copies=20)
    indexes = [index_of(raw) for raw in raws]
    assert len(set(indexes)) == 20
    assert sorted(indexes) != indexes
    assert max(indexes) - min(indexes) > 1000
    assert {parse_credential(raw).payload["status"]["status_list"]["uri"] for raw in raws} == {f"{IDENTIFIER}/status/1"}


async def test_K77_A53_a_place_once_given_is_never_given_again(any_issuer: Issuer) -> None:
    issuer = any_issuer
    [raw] = await issuer.fetch()
    async with issuer.database.reading() as session:
        found = await get_issuer(session, issuer.settings, ORG)
        listed = await run_blocking(
            session, status.store.find_open_status_list, found.organisation_id, "token_status_list"
        )
    assert listed is not None
    with pytest.raises(DBAPIError):
        async with issuer.database.transaction() as session:
            await session.execute(
                text("INSERT INTO status_entries (status_list_id, status_index, value) SELECT status_list_id, :i, 0 "
                     "FROM status_entries WHERE status_index = :i"),
                {"i": index_of(raw)},
            )  # fmt: skip
    async with issuer.database.transaction() as session:
        again = await run_blocking(
            session, status.store.take_status_index, listed.id, index_of(raw), award_id=uuid4(), offer_id=uuid4()
        )
    assert not again


async def test_K77_a_full_list_is_closed_and_the_next_one_opened(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = index_of((await issuer.fetch())[0])

    class Unlucky(random.SystemRandom):
        draws = 0

        def randrange(self, *limits: int) -> int:
            self.draws += 1
            return taken if self.draws <= 12 else super().randrange(*limits)

    monkeypatch.setattr(status, "_random", Unlucky())
    [raw] = await issuer.fetch()
    assert parse_credential(raw).payload["status"]["status_list"]["uri"] == f"{IDENTIFIER}/status/2"
    assert (await issuer.client.get(f"/{ORG}/status/2")).status_code == 200
    assert (await issuer.client.get(LIST)).status_code == 200


@pytest.mark.parametrize(("change", "value"), [("revoke", Status.INVALID), ("suspend", Status.SUSPENDED)])
async def test_I77_a_change_reaches_every_copy_in_both_formats_within_the_ttl(
    any_issuer: Issuer, change: str, value: Status
) -> None:
    issuer = any_issuer
    award = await issuer.award()
    grant = await issuer.redeem(award)
    raws = []
    for configuration in (SD_JWT, VCDM):
        nonce = await issuer.nonce()
        proofs = [await issuer.proof(nonce=nonce) for _ in range(2)]
        response = await issuer.request(grant.token, proofs, configuration=configuration)
        raws += [entry["credential"] for entry in response.json()["credentials"]]
    before = await fetch_list(issuer)
    assert [before.get(index_of(raw)) for raw in raws] == [Status.VALID] * 4
    assert (await issuer.change(award["id"], change)).json()["state"] == {"revoke": "revoked", "suspend": "suspended"}[
        change
    ]
    issuer.clock.advance(TTL)
    after = await fetch_list(issuer)
    assert [after.get(index_of(raw)) for raw in raws] == [value] * 4


async def test_I78_suspension_ends_and_revocation_does_not(issuer: Issuer) -> None:
    award = await issuer.award()
    [raw] = await issuer.fetch(award)
    assert (await issuer.change(award["id"], "suspend")).status_code == 200
    assert (await issuer.change(award["id"], "reinstate")).status_code == 200
    issuer.clock.advance(TTL)
    assert (await fetch_list(issuer)).get(index_of(raw)) is Status.VALID
    assert (await issuer.change(award["id"], "revoke")).status_code == 200
    for change in ("reinstate", "suspend", "revoke"):
        assert (await issuer.change(award["id"], change)).status_code == 409
    issuer.clock.advance(TTL)
    assert (await fetch_list(issuer)).get(index_of(raw)) is Status.INVALID


async def test_I68_a_renewed_offer_revokes_earlier_copies_when_asked(issuer: Issuer) -> None:
    award = await issuer.award()
    [old] = await issuer.fetch(award)
    body = {"revoke_earlier_copies": True}
    renewed = (await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/offer", json=body)).json()
    [new] = await issuer.fetch(renewed)
    issuer.clock.advance(TTL)
    found = await fetch_list(issuer)
    assert (found.get(index_of(old)), found.get(index_of(new))) == (Status.INVALID, Status.VALID)
    assert (await issuer.change(award["id"], "suspend")).status_code == 200
    assert (await issuer.change(award["id"], "reinstate")).status_code == 200
    issuer.clock.advance(TTL)
    assert (await fetch_list(issuer)).get(index_of(old)) is Status.INVALID


async def test_I77_many_changes_cost_one_signature_a_step(issuer: Issuer) -> None:
    awards = [await issuer.award() for _ in range(3)]
    for award in awards:
        await issuer.fetch(award)
    first = (await issuer.client.get(LIST)).text
    for award in awards:
        await issuer.change(award["id"], "revoke")
    issuer.clock.advance(TTL - timedelta(seconds=1))
    assert (await issuer.client.get(LIST)).text == first
    issuer.clock.advance(timedelta(seconds=1))
    second = (await issuer.client.get(LIST)).text
    assert second != first
    issuer.clock.advance(TTL)
    assert (await issuer.client.get(LIST)).text == second


async def test_I79_an_unchanged_list_is_signed_anew_before_half_its_life_is_over(issuer: Issuer) -> None:
    first = (await issuer.client.get(LIST)).text
    issuer.clock.advance(timedelta(hours=12) - timedelta(seconds=1))
    assert (await issuer.client.get(LIST)).text == first
    issuer.clock.advance(timedelta(seconds=1))
    assert (await fetch_list(issuer)).issued_at == issuer.clock()


async def test_K78_the_endpoint_is_open_compressed_and_cacheable(issuer: Issuer) -> None:
    plain = await issuer.client.get(LIST, headers={"Accept-Encoding": "identity"})
    assert plain.headers["content-type"] == "application/statuslist+jwt"
    assert plain.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in plain.headers
    assert plain.headers["cache-control"] == f"public, max-age={int(TTL.total_seconds())}"
    async with issuer.client.stream("GET", LIST, headers={"Accept-Encoding": "gzip"}) as response:
        packed = b"".join([part async for part in response.aiter_raw()])
        assert response.headers["content-encoding"] == "gzip"
        assert response.headers["vary"] == "Accept, Accept-Encoding"
    assert gzip.decompress(packed).decode() == plain.text
    again = await issuer.client.get(
        LIST, headers={"If-None-Match": plain.headers["etag"], "Accept-Encoding": "identity"}
    )
    assert again.status_code == 304
    assert not again.content


async def test_K75_the_cache_lives_no_longer_than_what_is_left_of_the_step(issuer: Issuer) -> None:
    await issuer.client.get(LIST)
    issuer.clock.advance(timedelta(minutes=10))
    assert (await issuer.client.get(LIST)).headers["cache-control"] == "public, max-age=300"


async def test_K78_aggregation_and_history(issuer: Issuer) -> None:
    assert (await issuer.client.get(f"/{ORG}/status")).json() == {"status_lists": [f"{IDENTIFIER}/status/1"]}
    assert (await issuer.client.get(f"{LIST}?time=1")).status_code == 501


@pytest.mark.parametrize("path", [f"/{ORG}/status/2", "/onbekend/status/1", f"/{ORG}/status/x"])
async def test_an_unknown_list_is_not_found(issuer: Issuer, path: str) -> None:
    assert (await issuer.client.get(path)).status_code == 404


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
async def test_I77_a_change_needs_a_reason(issuer: Issuer, reason: str) -> None:
    award = await issuer.award()
    assert (await issuer.change(award["id"], "revoke", reason)).status_code == 400
    assert (await issuer.get_award(award["id"]))["state"] == "offered"


async def test_I77_every_change_is_written_down_and_nothing_can_be_wiped_out(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award = await issuer.award()
    await issuer.change(award["id"], "suspend", "Rapport wordt nagekeken")
    await issuer.change(award["id"], "reinstate", "In orde")
    await issuer.change(award["id"], "revoke", "Op eigen verzoek")
    async with issuer.database.reading() as session:
        found = await session.execute(
            text("SELECT action, reason, actor FROM audit_entries WHERE subject = :award ORDER BY id"),
            {"award": award["id"]},
        )
        rows = [tuple(row) for row in found]
    assert rows == [
        ("award.create", None, "api key admin"),
        ("award.suspend", "Rapport wordt nagekeken", "api key admin"),
        ("award.reinstate", "In orde", "api key admin"),
        ("award.revoke", "Op eigen verzoek", "api key admin"),
    ]
    for statement in ("UPDATE audit_entries SET reason = 'anders'", "DELETE FROM audit_entries"):
        with pytest.raises(DBAPIError, match="append-only"):
            async with issuer.database.transaction() as session:
                await session.execute(text(statement))


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (None, 200),
        ("", 200),
        ("*/*", 200),
        ("application/*;q=0.1", 200),
        ("application/statuslist+cwt, application/statuslist+jwt;q=0.5", 200),
        ("application/json", 200),
        ("application/statuslist+cwt", 406),
        ("application/statuslist+cwt, application/statuslist+jwt;q=0", 406),
        ("application/statuslist+jwt;q=0.0, */*", 406),
    ],
)
async def test_K78_a_list_is_not_given_to_who_cannot_read_its_form(
    issuer: Issuer, accept: str | None, status: int
) -> None:
    """Token Status List §8.1; RFC 9110 §15.5.7."""
    await issuer.award()
    [address] = (await issuer.client.get(f"/{ORG}/status")).json()["status_lists"][:1]
    del issuer.client.headers["accept"]
    response = await issuer.client.get(address, headers={} if accept is None else {"Accept": accept})
    assert response.status_code == status
    assert "Accept" in response.headers["vary"]
