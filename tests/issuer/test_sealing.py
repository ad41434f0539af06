"""The key that everything at rest is sealed under is replaced: nothing is lost, and the old key opens nothing more."""

import secrets

import pytest
from sqlalchemy import text

from issuer import sealing
from issuer.app import create_app
from issuer.sealing import seal_everything_again
from issuer.settings import IssuerSettings
from issuer.store import SEALED
from kernel import base64url
from runtime.encryption import SealError
from tests.issuer.code_flow import CodeFlow
from tests.issuer.conftest import Issuer, create_client, recipient, settings_for


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


async def test_every_sealed_column_is_known_here(issuer: Issuer) -> None:
    async with issuer.database.reading() as session:
        rows = await session.execute(text("SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p"))
        columns = {(table, column) for table, column in rows if column.startswith("sealed_")}
    assert columns == {(each.values.class_.__tablename__, each.values.key) for each in SEALED.values()}


def test_an_earlier_key_that_is_none_stops_the_start() -> None:
    with pytest.raises(ValueError, match="earlier_encryption_key"):
        settings_for("sqlite:///x", earlier_encryption_key="kort")
