"""An issuer whose keys are in a security module: badges as ever, and none at all while the module is away."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from issuer.app import create_app
from issuer.settings import IssuerSettings
from kernel.formats import parse_credential
from tests.conftest import NewDatabase
from tests.issuer.conftest import ORG, SD_JWT, Issuer, create_client, create_issuer, settings_for
from tests.support.clock import FixedClock
from tests.support.softhsm import SoftHsm


@pytest.fixture
async def guarded(new_sqlite_database: NewDatabase, clock: FixedClock, softhsm: SoftHsm) -> AsyncIterator[Issuer]:
    issuer = await create_issuer(new_sqlite_database("issuer"), clock, **softhsm.settings("issuer"))
    yield issuer
    await close(issuer)


async def close(issuer: Issuer) -> None:
    if issuer.settings.hsm is not None:
        issuer.settings.hsm.close()
    await issuer.client.aclose()
    await issuer.app.state.service.close()


def with_other_settings(issuer: Issuer, **changes: Any) -> Issuer:
    """The same deployment, started again with something changed."""
    settings = IssuerSettings(**{**issuer.settings.model_dump(), **changes})
    app = create_app(settings, clock=issuer.clock)
    return Issuer(app, issuer.clock, create_client(app), issuer.admin)


async def test_K12_badges_and_status_lists_are_signed_in_the_module(guarded: Issuer) -> None:
    [raw] = await guarded.fetch()
    await guarded.verify(raw)
    assert (await guarded.client.get(f"/{ORG}/status/1")).status_code == 200


async def test_keys_from_before_the_module_go_on_until_they_are_replaced(issuer: Issuer, softhsm: SoftHsm) -> None:
    [before] = await issuer.fetch()
    moved = with_other_settings(issuer, **softhsm.settings("issuer"))
    [still] = await moved.fetch()
    rotated = await moved.api("POST", f"/organisations/{ORG}/signing-keys")
    [after] = await moved.fetch()
    assert parse_credential(still).key_id == parse_credential(before).key_id
    assert await moved.signing_kid(after) == rotated.json()["kid"]
    for raw in (before, still, after):
        await moved.verify(raw)
    await close(moved)


@pytest.mark.parametrize(
    "trouble",
    [
        {"hsm_pin": "000000"},
        {"hsm_module": "/nowhere.so"},
        {"hsm_module": None, "hsm_token": None, "hsm_pin": None},
    ],
    ids=["locked", "away", "no longer configured"],
)
async def test_a_module_that_is_away_gives_503_and_nothing_is_issued_or_lost(
    guarded: Issuer, trouble: dict[str, Any]
) -> None:
    award = await guarded.award()
    grant = await guarded.redeem(award)
    proofs = [await guarded.proof()]
    assert guarded.settings.hsm is not None
    guarded.settings.hsm.close()
    away = with_other_settings(guarded, **trouble)
    refused = await away.request(grant.token, proofs)
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert "security module" in refused.json()["error_description"]
    assert (await away.get_award(award["id"]))["state"] == "opened"
    await close(away)
    response = await guarded.request(grant.token, proofs)
    assert response.status_code == 200
    await guarded.verify(response.json()["credentials"][0]["credential"])


async def test_a_rotation_that_the_module_cannot_do_leaves_the_key_that_signs(guarded: Issuer) -> None:
    assert guarded.settings.hsm is not None
    guarded.settings.hsm.close()
    away = with_other_settings(guarded, hsm_pin="000000")
    refused = await away.api("POST", f"/organisations/{ORG}/signing-keys")
    assert (refused.status_code, refused.json()["code"]) == (503, "hsm_unavailable")
    await close(away)
    [raw] = await guarded.fetch(configuration=SD_JWT)
    assert (await guarded.signing_kid(raw)).endswith("#es256-2026-1")


@pytest.mark.parametrize("left_out", ["hsm_module", "hsm_token", "hsm_pin"])
def test_half_a_module_stops_the_start(softhsm: SoftHsm, left_out: str) -> None:
    given = {name: value for name, value in softhsm.settings("issuer").items() if name != left_out}
    with pytest.raises(ValueError, match="go together"):
        settings_for("sqlite:///x", **given)
