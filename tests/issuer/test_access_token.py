"""The token endpoint: one code, one redemption, five tries."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy.exc import OperationalError

from kernel.openid4vci import PRE_AUTHORIZED_CODE_GRANT, parse_token_response
from tests.issuer.conftest import ORG, SD_JWT, VCDM, Issuer, create_client, recipient


def wrong(tx_code: str) -> str:
    """Another six digits."""
    return f"{(int(tx_code) + 1) % 1_000_000:06d}"


async def test_I27_I29_I31_a_code_with_its_tx_code_buys_a_short_bearer_token(issuer: Issuer) -> None:
    response = (await issuer.redeem(await issuer.award())).response
    token = parse_token_response(response.json())
    assert token.token_type == "Bearer"
    assert token.expires_in == timedelta(minutes=5)
    assert token.authorization_details == ()
    assert response.headers["cache-control"] == "no-store"


async def test_I29_asked_details_come_back_with_identifiers(issuer: Issuer) -> None:
    details = json.dumps([{"type": "openid_credential", "credential_configuration_id": VCDM}])
    token = parse_token_response(
        (await issuer.redeem(await issuer.award(), authorization_details=details)).response.json()
    )
    assert [detail.credential_configuration_id for detail in token.authorization_details] == [VCDM]
    assert token.authorization_details[0].credential_identifiers


async def test_I29_a_token_covers_offered_configurations_only(issuer: Issuer) -> None:
    award = await issuer.award()
    details = json.dumps([{"type": "openid_credential", "credential_configuration_id": "ander.dc-sd-jwt"}])
    code = await issuer.code(award)
    response = await issuer.post_token(code, award["offer"]["tx_code"], authorization_details=details)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_authorization_details")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"pre-authorized_code": None}, "invalid_request"),
        ({"pre-authorized_code": "onbekend"}, "invalid_grant"),
        ({"tx_code": None}, "invalid_request"),
        ({"tx_code": "wrong"}, "invalid_grant"),
        ({"authorization_details": "{"}, "invalid_authorization_details"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
        ({"authorization_details": '[{"type":"payment"}]'}, "invalid_authorization_details"),
    ],
)
async def test_I27_a_request_with_one_thing_wrong_gets_its_error(
    issuer: Issuer, change: dict[str, str | None], error: str
) -> None:
    award = await issuer.award()
    form = {
        "grant_type": PRE_AUTHORIZED_CODE_GRANT,
        "pre-authorized_code": await issuer.code(award),
        "tx_code": award["offer"]["tx_code"],
    }
    changed = {name: value for name, value in {**form, **change}.items() if value is not None}
    if changed.get("tx_code") == "wrong":
        changed["tx_code"] = wrong(form["tx_code"])
    response = await issuer.client.post(f"/{ORG}/token", data=changed)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert response.headers["cache-control"] == "no-store"
    assert (await issuer.client.post(f"/{ORG}/token", data=form)).status_code == 200


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"grant_type=a&grant_type=b", "application/x-www-form-urlencoded"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
        (b"{}", "application/json"),
        (b"", "application/x-www-form-urlencoded"),
        (b"a=b" * 30_000, "application/x-www-form-urlencoded"),
    ],
)
async def test_I27_what_is_no_form_is_an_invalid_request(issuer: Issuer, content: bytes, content_type: str) -> None:
    response = await issuer.client.post(f"/{ORG}/token", content=content, headers={"Content-Type": content_type})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_I27_a_tx_code_where_none_is_expected_is_an_invalid_request(issuer: Issuer) -> None:
    award = await issuer.award(tx_code=False)
    assert award["offer"]["tx_code"] is None
    code = await issuer.code(award)
    assert (await issuer.post_token(code, "123456")).json()["error"] == "invalid_request"
    assert (await issuer.post_token(code, None)).status_code == 200


async def test_I27_a_code_of_another_organisation_is_unknown(issuer: Issuer) -> None:
    await issuer.add_organisation("ander")
    award = await issuer.award()
    response = await issuer.post_token(await issuer.code(award), award["offer"]["tx_code"], org="ander")
    assert response.json()["error"] == "invalid_grant"


async def test_A24_a_code_is_refused_after_its_expiry(issuer: Issuer) -> None:
    award = await issuer.award()
    code = await issuer.code(award)
    issuer.clock.advance(timedelta(days=14))
    response = await issuer.post_token(code, award["offer"]["tx_code"])
    assert response.json()["error"] == "invalid_grant"


async def test_I07_A24_a_second_redemption_fails_and_revokes_what_the_first_bought(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award = await issuer.award()
    code = await issuer.code(award)
    token = (await issuer.post_token(code, award["offer"]["tx_code"])).json()["access_token"]
    second = await issuer.post_token(code, award["offer"]["tx_code"])
    assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
    refused = await issuer.request(token, [await issuer.proof()])
    assert refused.status_code == 401
    assert refused.json()["error"] == "invalid_token"


async def test_I28_A25_five_wrong_codes_end_the_offer_and_the_refusals_are_all_alike(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award = await issuer.award()
    code, tx_code = await issuer.code(award), award["offer"]["tx_code"]
    refusals = [await issuer.post_token(code, wrong(tx_code)) for _ in range(5)]
    refusals.append(await issuer.post_token(code, tx_code))
    assert {(refusal.status_code, refusal.text) for refusal in refusals} == {(400, refusals[0].text)}
    assert refusals[0].json()["error"] == "invalid_grant"
    assert (await issuer.get_award(award["id"]))["state"] == "offer_void"
    assert (await issuer.client.get(award["offer"]["credential_offer_uri"])).status_code == 404


async def test_I28_the_fifth_try_may_still_be_the_right_one(issuer: Issuer) -> None:
    award = await issuer.award()
    code, tx_code = await issuer.code(award), award["offer"]["tx_code"]
    for _ in range(4):
        await issuer.post_token(code, wrong(tx_code))
    assert (await issuer.post_token(code, tx_code)).status_code == 200


async def test_I28_A25_twenty_wrong_codes_an_hour_are_all_that_one_source_gets(any_issuer: Issuer) -> None:
    issuer = any_issuer
    response = await issuer.post_awards(recipients=[recipient(number) for number in range(1, 8)])
    awards = response.json()["awards"]
    codes = [await issuer.code(award) for award in awards]
    for award, code in zip(awards[:5], codes, strict=False):
        for _ in range(4):
            await issuer.post_token(code, wrong(award["offer"]["tx_code"]))
    victim, code = awards[6], codes[6]
    blocked = await issuer.post_token(code, victim["offer"]["tx_code"])
    assert blocked.json()["error"] == "invalid_grant"
    elsewhere = create_client(issuer.app, "198.51.100.7")
    other = await issuer.post_token(codes[5], awards[5]["offer"]["tx_code"], client=elsewhere)
    assert other.status_code == 200
    issuer.clock.advance(timedelta(hours=1))
    assert (await issuer.post_token(code, victim["offer"]["tx_code"])).status_code == 200
    await elsewhere.aclose()


async def test_I28_right_codes_do_not_count_as_guesses(issuer: Issuer) -> None:
    response = await issuer.post_awards(recipients=[recipient(number) for number in range(1, 26)])
    for award in response.json()["awards"]:
        assert (await issuer.post_token(await issuer.code(award), award["offer"]["tx_code"])).status_code == 200


async def test_A30_a_withdrawn_award_is_not_redeemed(issuer: Issuer) -> None:
    award = await issuer.award()
    code = await issuer.code(award)
    await issuer.change(award["id"], "revoke")
    assert (await issuer.post_token(code, award["offer"]["tx_code"])).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("end", ["&", "&more", "&&more="])
async def test_I27_a_form_with_nothing_behind_a_name_or_an_and_is_read(issuer: Issuer, end: str) -> None:
    award = await issuer.award()
    form = {"grant_type": PRE_AUTHORIZED_CODE_GRANT, "pre-authorized_code": await issuer.code(award)}
    body = urlencode({**form, "tx_code": award["offer"]["tx_code"]}) + end
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await issuer.client.post(f"/{ORG}/token", content=body, headers=headers)).status_code == 200


async def test_protocol_endpoints_ignore_cookies_and_take_no_token_from_the_query(issuer: Issuer) -> None:
    token = (await issuer.redeem(await issuer.award())).token
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [await issuer.proof()]}}
    response = await issuer.client.post(
        f"/{ORG}/credential?access_token={token}", json=body, headers={"Cookie": f"access_token={token}"}
    )
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer, DPoP algs="ES256"'
    assert not response.content


@pytest.mark.parametrize("tx_code", [None, "000000x", ""])
async def test_I07_A24_a_spent_code_without_its_tx_code_spoils_nothing(issuer: Issuer, tx_code: str | None) -> None:
    """Whoever has the link alone could otherwise take the token away from the holder who just bought it."""
    award = await issuer.award()
    code = await issuer.code(award)
    token = (await issuer.post_token(code, award["offer"]["tx_code"])).json()["access_token"]
    assert (await issuer.post_token(code, tx_code)).status_code == 400
    assert (await issuer.request(token, [await issuer.proof()])).status_code == 200


async def test_I07_I28_a_spent_code_with_its_tx_code_revokes_the_tokens_bought_with_it(issuer: Issuer) -> None:
    award = await issuer.award()
    code = await issuer.code(award)
    token = (await issuer.post_token(code, award["offer"]["tx_code"])).json()["access_token"]
    again = await issuer.post_token(code, award["offer"]["tx_code"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await issuer.request(token, [await issuer.proof()])).status_code == 401


async def test_I28_A25_the_tries_of_a_spent_offer_are_limited_too(issuer: Issuer) -> None:
    award = await issuer.award()
    code, tx_code = await issuer.code(award), award["offer"]["tx_code"]
    token = (await issuer.post_token(code, tx_code)).json()["access_token"]
    for _ in range(4):
        await issuer.post_token(code, wrong(tx_code))
    assert (await issuer.post_token(code, tx_code)).json()["error"] == "invalid_grant"
    assert (await issuer.request(token, [await issuer.proof()])).status_code == 200


async def test_I07_a_spent_offer_is_shown_to_nobody_any_more(issuer: Issuer) -> None:
    award = await issuer.award()
    await issuer.redeem(award)
    assert (await issuer.get_award(award["id"]))["offer"] is None
    assert (await issuer.client.get(award["offer"]["credential_offer_uri"])).status_code == 404


async def test_a_database_that_is_busy_for_too_long_is_no_mistake_and_costs_nothing(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's lock, held by another process, used to be answered with 500."""
    award = await issuer.award()
    code = await issuer.code(award)

    def busy(*_given: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    with monkeypatch.context() as patch:
        patch.setattr("issuer.access_token.hash_token", busy)
        response = await issuer.post_token(code, award["offer"]["tx_code"])
    assert (response.status_code, response.json()) == (503, {"error": "temporarily_unavailable"})
    assert int(response.headers["retry-after"]) > 0
    assert (await issuer.post_token(code, award["offer"]["tx_code"])).status_code == 200
