"""Credential offers: by value, by reference, without personal data, and for as long as they may stand open."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from kernel.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    PRE_AUTHORIZED_CODE_GRANT,
    ByReference,
    ByValue,
    parse_credential_offer,
    parse_credential_offer_link,
)
from tests.conftest import NewDatabase
from tests.issuer.conftest import CONFIGURATIONS, IDENTIFIER, ORG, SANNE, Issuer, create_issuer
from tests.support.clock import FixedClock


async def test_I01_the_link_has_exactly_one_parameter_and_points_to_the_offer(issuer: Issuer) -> None:
    award = await issuer.award()
    link = award["offer"]["link"]
    assert list(parse_qs(urlsplit(link).query)) == ["credential_offer_uri"]
    assert parse_credential_offer_link(link) == ByReference(award["offer"]["credential_offer_uri"])
    assert link.startswith("openid-credential-offer://?")


async def test_I01_the_same_offer_by_value_and_as_a_universal_link(issuer: Issuer) -> None:
    award = await issuer.award()
    by_value = parse_credential_offer_link(award["offer"]["by_value_link"])
    assert by_value == ByValue(parse_credential_offer(await issuer.offer(award)))
    wallet_link = award["offer"]["wallet_link"]
    assert wallet_link.startswith("https://wallet.example/open?link=")
    assert parse_qs(urlsplit(wallet_link).query)["link"] == [award["offer"]["link"]]


async def test_I02_I03_the_offer_names_every_securing_and_no_authorization_server(issuer: Issuer) -> None:
    offer = await issuer.offer(await issuer.award())
    assert offer["credential_issuer"] == IDENTIFIER
    assert offer["credential_configuration_ids"] == CONFIGURATIONS
    grant = offer["grants"][PRE_AUTHORIZED_CODE_GRANT]
    assert list(offer["grants"]) == [AUTHORIZATION_CODE_GRANT, PRE_AUTHORIZED_CODE_GRANT]
    assert list(offer["grants"][AUTHORIZATION_CODE_GRANT]) == ["issuer_state"]
    assert grant["tx_code"]["input_mode"] == "numeric"
    assert grant["tx_code"]["length"] == 6
    assert len(grant["tx_code"]["description"]) <= 300
    assert "authorization_server" not in grant


async def test_I04_the_reference_is_json_that_nobody_caches(issuer: Issuer) -> None:
    award = await issuer.award()
    response = await issuer.client.get(award["offer"]["credential_offer_uri"])
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"


async def test_I04_the_reference_is_gone_after_use(issuer: Issuer) -> None:
    award = await issuer.award()
    await issuer.redeem(award)
    response = await issuer.client.get(award["offer"]["credential_offer_uri"])
    assert response.status_code == 404


async def test_I04_the_reference_is_gone_after_expiry(issuer: Issuer) -> None:
    award = await issuer.award()
    issuer.clock.advance(timedelta(days=14))
    assert (await issuer.client.get(award["offer"]["credential_offer_uri"])).status_code == 404


async def test_I04_a_reference_of_another_organisation_is_unknown(issuer: Issuer) -> None:
    await issuer.add_organisation("ander")
    award = await issuer.award()
    foreign = award["offer"]["credential_offer_uri"].replace(f"/{ORG}/", "/ander/")
    assert (await issuer.client.get(foreign)).status_code == 404


async def test_I06_the_offer_carries_no_personal_data_and_no_tx_code(issuer: Issuer) -> None:
    award = await issuer.award()
    texts = json.dumps(await issuer.offer(award)) + award["offer"]["by_value_link"] + award["offer"]["link"]
    for secret in (*SANNE.values(), award["id"], award["offer"]["tx_code"]):
        assert secret not in texts


async def test_I07_codes_have_at_least_128_bits_and_differ(issuer: Issuer) -> None:
    codes = [await issuer.code(await issuer.award()) for _ in range(3)]
    assert len(set(codes)) == 3
    assert all(len(code) >= 22 for code in codes)


@pytest.mark.parametrize(
    ("body", "lifetime"),
    [
        ({"tx_code": False}, timedelta(minutes=10)),
        ({"tx_code": True}, timedelta(days=14)),
        ({"tx_code": True, "offer_valid_seconds": 3600}, timedelta(hours=1)),
        ({"tx_code": False, "offer_valid_seconds": 60}, timedelta(minutes=1)),
    ],
)
async def test_I07_an_offer_without_code_lives_ten_minutes_and_one_with_code_longer(
    issuer: Issuer, body: dict[str, object], lifetime: timedelta
) -> None:
    award = await issuer.award(**body)
    assert award["offer"]["expires_at"] == (issuer.clock() + lifetime).isoformat().replace("+00:00", "Z")
    issuer.clock.advance(lifetime - timedelta(seconds=1))
    await issuer.offer(award)
    issuer.clock.advance(timedelta(seconds=1))
    assert (await issuer.client.get(award["offer"]["credential_offer_uri"])).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"tx_code": False, "offer_valid_seconds": 601},
        {"offer_valid_seconds": 61 * 24 * 3600},
    ],
)
async def test_I07_no_request_may_leave_an_offer_open_for_longer(issuer: Issuer, body: dict[str, object]) -> None:
    response = await issuer.post_awards(**body)
    assert response.status_code == 400
    assert list(response.json()["fields"]) == ["offer_valid_seconds"]


async def test_I07_an_organisation_may_choose_its_own_lifetime(
    new_sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    issuer = await create_issuer(new_sqlite_database("issuer"), clock)
    await issuer.add_organisation("kort", offer_lifetime_seconds=7200)
    assert (await issuer.add_achievement("kort")).status_code == 201
    award = await issuer.award("kort")
    assert award["offer"]["expires_at"] == (clock() + timedelta(hours=2)).isoformat().replace("+00:00", "Z")
    await issuer.app.state.service.close()


async def test_a_new_offer_ends_the_one_before_it_and_its_tokens(issuer: Issuer) -> None:
    award = await issuer.award()
    token = (await issuer.redeem(award)).token
    renewed = (await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/offer")).json()
    again = (await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/offer")).json()
    assert (await issuer.client.get(renewed["offer"]["credential_offer_uri"])).status_code == 404
    assert (await issuer.request(token, [await issuer.proof()])).status_code == 401
    assert len(await issuer.fetch(again)) == 1
