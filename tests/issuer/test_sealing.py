"""The key that everything at rest is sealed under is replaced: nothing is lost, and the old key opens nothing more."""

import secrets
from collections.abc import Sequence

import pytest
from sqlalchemy import text

from issuer import sealing
from issuer.app import create_app
from issuer.sealing import seal_everything_again
from issuer.settings import IssuerSettings
from issuer.store import SEALED, SealedValue, list_sealed
from kernel import base64url
from runtime.database import BlockingDatabase, Database
from runtime.encryption import SealError
from tests.conftest import NewDatabase
from tests.issuer.code_flow import CodeFlow
from tests.issuer.conftest import ORG, Issuer, create_client, create_issuer, recipient, settings_for
from tests.issuer.test_badge_files import make
from tests.issuer.test_bulk_awards import request, run
from tests.issuer.test_sign_in import CALLBACK, DESCRIPTION, SimulatedProvider, leave, set_provider
from tests.support.clock import FixedClock
from tests.support.hosts import HostTransport


def with_keys(issuer: Issuer, key: str, earlier: str | None) -> Issuer:
    """The same deployment, started with these encryption keys."""
    given = {**issuer.settings.model_dump(), "encryption_key": key, "earlier_encryption_key": earlier}
    app = create_app(IssuerSettings(**given), clock=issuer.clock)
    return Issuer(app, issuer.clock, create_client(app), issuer.admin)


async def close(issuer: Issuer) -> None:
    await issuer.client.aclose()
    await issuer.app.state.service.close()


async def test_everything_is_sealed_again_and_the_earlier_key_can_go(
    any_issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealing, "_AT_ONCE", 2)
    old = any_issuer.settings.encryption_key.get_secret_value()
    new = base64url.encode(secrets.token_bytes(32))
    response = await any_issuer.post_awards(recipients=[recipient(number) for number in range(1, 5)])
    fetched, waiting, *_ = response.json()["awards"]
    grant = await any_issuer.redeem(fetched)
    proofs = [await any_issuer.proof()]
    assert (await any_issuer.request(grant.token, proofs)).status_code == 200

    both = with_keys(any_issuer, new, old)
    assert (await both.get_award(fetched["id"]))["person"]["email"] == "student1@student.example"
    # Two keys, four people's claims, four offers (the spent one keeps its code), one copy.
    assert await seal_everything_again(both.database, both.settings) == 11
    assert await seal_everything_again(both.database, both.settings) == 0

    alone = with_keys(any_issuer, new, None)
    flow = CodeFlow.start(alone)
    await flow.begin()
    assert "Wil je deze badge ophalen?" in (await flow.sign_in("student1@student.example")).text
    assert (await alone.get_award(fetched["id"]))["person"]["email"] == "student1@student.example"
    [raw] = await alone.fetch(waiting)
    await alone.verify(raw)
    again = with_keys(any_issuer, old, None)
    with pytest.raises(SealError):
        await seal_everything_again(again.database, again.settings)
    for each in (both, alone, again):
        await close(each)


async def test_each_kind_of_sealed_value_that_people_bring_about_is_sealed_again(
    new_sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    """Signing in by link and at a provider, a federation, a file: each is read in its own context, or this raises."""
    transport = HostTransport()
    transport.apps = {"login.school.example:443": SimulatedProvider(clock)}
    issuer = await create_issuer(new_sqlite_database("issuer"), clock, transport=transport)
    award, fetched = (await issuer.post_awards(recipients=[recipient(1), recipient(2)])).json()["awards"]
    grant = await issuer.redeem(fetched)
    assert (await issuer.request(grant.token, [await issuer.proof()])).status_code == 200
    assert (await make(issuer, award)).status_code == 201
    assert len(await run(issuer, request(1, securing="sd-jwt"))) == 1
    hints = {"authority_hints": ["https://federation.example"]}
    assert (await issuer.api("PUT", f"/organisations/{ORG}/federation", json=hints)).status_code == 200
    rollover = f"/organisations/{ORG}/federation/key-rollover"
    assert (await issuer.api("POST", rollover, json={"step": "announce"})).status_code == 200
    for_a_link, signed_in = CodeFlow.start(issuer), CodeFlow.start(issuer)
    await for_a_link.begin()
    await for_a_link.submit("/email", email="student1@student.example")
    await signed_in.begin()
    await signed_in.sign_in("student2@student.example")
    assert (await set_provider(issuer)).status_code == 200
    await leave(CodeFlow.start(issuer))
    kinds = {kind: len(await read_sealed(issuer.database, kind)) for kind in SEALED}
    assert 0 not in kinds.values(), kinds

    new = base64url.encode(secrets.token_bytes(32))
    both = with_keys(issuer, new, issuer.settings.encryption_key.get_secret_value())
    assert await seal_everything_again(both.database, both.settings) == sum(kinds.values())
    alone = with_keys(issuer, new, None)
    for kind in SEALED:
        for value in await read_sealed(alone.database, kind):
            assert alone.settings.seal.open(value.sealed, context=f"issuer/{kind}/{value.context_id}")
    provider = await alone.api("GET", f"/organisations/{ORG}/identity-provider")
    assert (provider.status_code, provider.json()["redirect_uri"]) == (200, CALLBACK)
    assert DESCRIPTION["client_secret"] not in provider.text
    for each in (both, alone, issuer):
        await close(each)


async def read_sealed(database: Database, kind: str) -> Sequence[SealedValue]:
    def work(blocking: BlockingDatabase) -> Sequence[SealedValue]:
        with blocking.transaction() as connection:
            return list_sealed(connection, kind, after=None, limit=1000)

    return await database.run(work)


async def test_every_sealed_column_is_known_here(issuer: Issuer) -> None:
    async with issuer.database.reading() as session:
        rows = await session.execute(text("SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p"))
        columns = {(table, column) for table, column in rows if column.startswith("sealed_")}
    assert columns == {(each.values.class_.__tablename__, each.values.key) for each in SEALED.values()}


def test_an_earlier_key_that_is_none_stops_the_start() -> None:
    with pytest.raises(ValueError, match="earlier_encryption_key"):
        settings_for("sqlite:///x", earlier_encryption_key="kort")
