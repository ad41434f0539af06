"""Keys and wallets that a grant is bound to, from the pushed request to the last refresh. I-30 to I-33, I-47."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from issuer import configurations
from issuer.policies import HAIP
from kernel.keys import SoftwareSigner
from kernel.openid4vci import (
    PRE_AUTHORIZED_CODE_GRANT,
    create_client_attestation,
    create_client_attestation_pop,
    create_dpop_proof,
)
from tests.conftest import NewDatabase
from tests.issuer.code_flow import WALLET, CodeFlow, details
from tests.issuer.conftest import IDENTIFIER, ORG, SD_JWT, VCDM, Issuer, create_issuer
from tests.support.certificates import create_authority, create_leaf
from tests.support.clock import NOW, FixedClock

KEY, OTHER = SoftwareSigner.generate(), SoftwareSigner.generate()
AUTHORITY = create_authority(NOW)
PROVIDER = create_leaf(AUTHORITY, NOW)
INSTANCE = SoftwareSigner.generate()


@pytest.fixture
async def trusting(new_sqlite_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Issuer]:
    """An issuer that knows a wallet provider."""
    path = tmp_path / "providers.pem"
    path.write_bytes(AUTHORITY.certificate.public_bytes(Encoding.PEM))
    made = await create_issuer(new_sqlite_database("issuer"), clock, wallet_provider_certificates=path)
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


@pytest.fixture
def haip(monkeypatch: pytest.MonkeyPatch) -> None:
    """One configuration follows HAIP."""
    first, *others = configurations.SECURINGS
    changed = replace(first, policy=HAIP)
    monkeypatch.setattr(configurations, "SECURINGS", (changed, *others))
    by_suffix = {securing.suffix: securing for securing in configurations.SECURINGS}
    monkeypatch.setattr(configurations, "_BY_SUFFIX", by_suffix)


async def proof(issuer: Issuer, endpoint: str, signer: SoftwareSigner = KEY, **changes: Any) -> dict[str, str]:
    """The header of a request that proves a key."""
    nonce = (await issuer.client.post(f"/{ORG}/nonce")).headers["dpop-nonce"]
    values: dict[str, Any] = {"method": "POST", "url": f"{IDENTIFIER}/{endpoint}", "nonce": nonce, **changes}
    return {"DPoP": create_dpop_proof(signer=signer, now=issuer.clock(), **values)}


async def vouched(issuer: Issuer, instance: SoftwareSigner = INSTANCE, client_id: str = WALLET) -> dict[str, str]:
    """The headers of a request of a wallet whose provider is known."""
    challenge = (await issuer.client.post(f"/{ORG}/challenge")).json()["attestation_challenge"]
    attestation = create_client_attestation(
        signer=PROVIDER.signer,
        client_id=client_id,
        instance_key=instance.public_key.jwk,
        issued_at=NOW,
        expires_at=NOW + timedelta(days=365),
        header={"x5c": [PROVIDER.x5c]},
        wallet_name="Skillswallet",
    )
    pop = create_client_attestation_pop(signer=instance, audience=IDENTIFIER, now=issuer.clock(), challenge=challenge)
    return {"OAuth-Client-Attestation": attestation, "OAuth-Client-Attestation-PoP": pop}


async def code_of(flow: CodeFlow, *, headers: dict[str, str] | None = None, **changes: str | None) -> str:
    """The way to a code, with these headers on the pushed request."""
    pushed = await flow.push(headers=headers, **changes)
    assert pushed.status_code == 201, pushed.text
    await flow.open(pushed.json()["request_uri"])
    await flow.sign_in()
    return (await flow.agree())["code"]


async def refresh(issuer: Issuer, token: str, *, headers: dict[str, str], **changes: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": WALLET, **changes}
    return await issuer.client.post(f"/{ORG}/token", data=form, headers=headers)


async def bound(issuer: Issuer) -> dict[str, Any]:
    """A token response to a wallet that proved a key."""
    await issuer.award()
    flow = CodeFlow.start(issuer)
    response = await flow.exchange(await code_of(flow), headers=await proof(issuer, "token"))
    assert response.status_code == 200, response.text
    return dict(response.json())


async def fetch(issuer: Issuer, token: str, signer: SoftwareSigner = KEY) -> httpx.Response:
    headers = await proof(issuer, "credential", signer, access_token=token)
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [await issuer.proof()]}}
    headers["Authorization"] = f"DPoP {token}"
    return await issuer.client.post(f"/{ORG}/credential", json=body, headers=headers)


# Keys


async def test_I30_a_code_redeemed_with_a_proof_buys_a_token_of_that_key(issuer: Issuer) -> None:
    """Mirrors VCIIssuerHappyFlow with sender_constrain=dpop."""
    members = await bound(issuer)
    assert members["token_type"] == "DPoP"
    assert (await fetch(issuer, members["access_token"])).status_code == 200
    assert (await fetch(issuer, members["access_token"], OTHER)).status_code == 401
    assert (await issuer.request(members["access_token"], [await issuer.proof()])).status_code == 401


async def test_I30_A28_a_code_belongs_to_the_key_that_was_pushed(issuer: Issuer) -> None:
    await issuer.award()
    for pushed in ({"dpop_jkt": KEY.public_key.thumbprint}, {}):
        flow = CodeFlow.start(issuer)
        headers = {} if pushed else await proof(issuer, "par")
        code = await code_of(flow, headers=headers, **pushed)
        for given in ({}, await proof(issuer, "token", OTHER)):
            refused = await flow.exchange(code, headers=given)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
        taken = await flow.exchange(code, headers=await proof(issuer, "token"))
        assert taken.json()["token_type"] == "DPoP"
        assert taken.headers["dpop-nonce"]


async def test_I30_a_pushed_proof_of_another_key_than_dpop_jkt_is_refused(issuer: Issuer) -> None:
    headers = await proof(issuer, "par", OTHER)
    response = await CodeFlow.start(issuer).push(headers=headers, dpop_jkt=KEY.public_key.thumbprint)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"nonce": None}, "use_dpop_nonce"),
        ({"nonce": "old"}, "use_dpop_nonce"),
        ({"method": "GET"}, "invalid_dpop_proof"),
        ({"url": f"{IDENTIFIER}/credential"}, "invalid_dpop_proof"),
    ],
)
async def test_I30_A31_a_wrong_proof_at_the_token_endpoint_spends_nothing(
    issuer: Issuer, change: dict[str, Any], error: str
) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    code = await code_of(flow)
    refused = await flow.exchange(code, headers=await proof(issuer, "token", **change))
    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert ("dpop-nonce" in refused.headers) == (error == "use_dpop_nonce")
    assert (await flow.exchange(code, headers=await proof(issuer, "token"))).status_code == 200


async def test_I30_A31_a_proof_counts_once_at_the_token_endpoint(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    headers = await proof(issuer, "token")
    assert (await flow.exchange("unknown", headers=headers)).json()["error"] == "invalid_grant"
    assert (await flow.exchange(await code_of(flow), headers=headers)).json()["error"] == "invalid_dpop_proof"


async def test_I30_a_pre_authorized_code_buys_a_bound_token_too(issuer: Issuer) -> None:
    award = await issuer.award()
    form = {"grant_type": PRE_AUTHORIZED_CODE_GRANT, "pre-authorized_code": await issuer.code(award)}
    form["tx_code"] = award["offer"]["tx_code"]
    response = await issuer.client.post(f"/{ORG}/token", data=form, headers=await proof(issuer, "token"))
    assert response.json()["token_type"] == "DPoP"
    assert "refresh_token" not in response.json()
    assert (await fetch(issuer, response.json()["access_token"])).status_code == 200


# Refresh tokens


async def test_I32_a_refresh_token_buys_new_copies_and_is_followed_by_the_next(any_issuer: Issuer) -> None:
    issuer = any_issuer
    members = await bound(issuer)
    assert (await fetch(issuer, members["access_token"])).status_code == 200
    for _ in range(2):
        issuer.clock.advance(timedelta(days=30))
        response = await refresh(issuer, members["refresh_token"], headers=await proof(issuer, "token"))
        assert response.status_code == 200, response.text
        assert response.json()["refresh_token"] != members["refresh_token"]
        members = response.json()
        assert (await fetch(issuer, members["access_token"])).status_code == 200


async def test_I32_only_who_is_bound_to_a_key_gets_a_refresh_token(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    assert "refresh_token" not in (await flow.exchange(await flow.authorize())).json()


async def test_I32_A31_a_refresh_token_in_other_hands_is_refused_and_not_spent(issuer: Issuer) -> None:
    token = (await bound(issuer))["refresh_token"]
    for headers in ({}, await proof(issuer, "token", OTHER)):
        refused = await refresh(issuer, token, headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
    for change in ({"client_id": "https://ander.example"}, {"refresh_token": "unknown"}):
        refused = await refresh(issuer, token, **{"headers": await proof(issuer, "token"), **change})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    refused = await refresh(issuer, token, headers=await proof(issuer, "token"), scope="iets-anders")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    narrowed = await refresh(issuer, token, headers=await proof(issuer, "token"), scope=SD_JWT)
    assert narrowed.status_code == 200


async def test_I23_I32_what_was_left_out_for_the_code_does_not_come_back_with_a_refresh(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    code = await code_of(flow, scope=None, authorization_details=details(SD_JWT, VCDM))
    narrow = await flow.exchange(code, headers=await proof(issuer, "token"), authorization_details=details(VCDM))
    token = narrow.json()["refresh_token"]
    refused = await refresh(issuer, token, headers=await proof(issuer, "token"), scope=SD_JWT)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    renewed = (await refresh(issuer, token, headers=await proof(issuer, "token"))).json()
    assert [detail["credential_configuration_id"] for detail in renewed["authorization_details"]] == [VCDM]


async def test_I32_an_old_refresh_token_ends_the_whole_family(any_issuer: Issuer) -> None:
    issuer = any_issuer
    first = (await bound(issuer))["refresh_token"]
    second = (await refresh(issuer, first, headers=await proof(issuer, "token"))).json()
    refused = await refresh(issuer, first, headers=await proof(issuer, "token"))
    assert refused.json()["error"] == "invalid_grant"
    refused = await refresh(issuer, second["refresh_token"], headers=await proof(issuer, "token"))
    assert refused.json()["error"] == "invalid_grant"
    assert (await fetch(issuer, second["access_token"])).status_code == 401


async def test_I32_a_refresh_token_ends_after_ninety_days(issuer: Issuer) -> None:
    token = (await bound(issuer))["refresh_token"]
    issuer.clock.advance(timedelta(days=90))
    assert (await refresh(issuer, token, headers=await proof(issuer, "token"))).json()["error"] == "invalid_grant"


async def test_I32_of_eight_uses_of_a_refresh_token_one_wins_and_the_family_ends(any_issuer: Issuer) -> None:
    """RFC 9700 §4.14.2: two had it, and which of them is the thief nobody can tell, however close they came."""
    issuer = any_issuer
    token = (await bound(issuer))["refresh_token"]
    headers = [await proof(issuer, "token") for _ in range(8)]
    responses = await asyncio.gather(*[refresh(issuer, token, headers=given) for given in headers])
    assert sorted(response.status_code for response in responses) == [200] + [400] * 7
    assert {response.json()["error"] for response in responses if response.status_code == 400} == {"invalid_grant"}
    [won] = [response.json() for response in responses if response.status_code == 200]
    assert (await fetch(issuer, won["access_token"])).status_code == 401
    late = await refresh(issuer, won["refresh_token"], headers=await proof(issuer, "token"))
    assert late.json()["error"] == "invalid_grant"


async def test_I32_an_award_is_fetched_anew_so_many_times_a_day_and_no_more(issuer: Issuer) -> None:
    object.__setattr__(issuer.settings, "reissues_per_day", 2)
    members = await bound(issuer)
    for number in range(2):
        assert (await fetch(issuer, members["access_token"])).status_code == 200
        response = await refresh(issuer, members["refresh_token"], headers=await proof(issuer, "token"))
        assert (response.status_code == 200) == (number == 0)
        members = response.json() if number == 0 else members
    assert response.json()["error"] == "invalid_grant"
    issuer.clock.advance(timedelta(days=1))
    again = await refresh(issuer, members["refresh_token"], headers=await proof(issuer, "token"))
    assert again.status_code == 200


async def test_I32_nothing_is_refreshed_of_an_award_that_was_revoked(issuer: Issuer) -> None:
    award = await issuer.award()
    flow = CodeFlow.start(issuer)
    response = await flow.exchange(await code_of(flow), headers=await proof(issuer, "token"))
    await issuer.change(award["id"], "revoke")
    members = (await refresh(issuer, response.json()["refresh_token"], headers=await proof(issuer, "token"))).json()
    assert (await fetch(issuer, members["access_token"])).json()["error"] == "credential_request_denied"


# Wallets


async def test_I33_I47_a_wallet_that_is_vouched_for_is_named_to_the_person(trusting: Issuer) -> None:
    issuer = trusting
    await issuer.award()
    flow = CodeFlow.start(issuer)
    pushed = await flow.push(headers=await vouched(issuer))
    await flow.open(pushed.json()["request_uri"])
    page = await flow.sign_in()
    assert "Je haalt op met" in page.text
    assert "Skillswallet" in page.text
    code = (await flow.agree())["code"]
    refused = await flow.exchange(code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client")
    refused = await flow.exchange(code, headers=await vouched(issuer, SoftwareSigner.generate()))
    assert refused.json()["error"] == "invalid_client"
    taken = await flow.exchange(code, headers=await vouched(issuer))
    assert taken.status_code == 200
    again = await refresh(issuer, taken.json()["refresh_token"], headers=await vouched(issuer))
    assert again.status_code == 200


async def test_I47_another_client_id_than_the_attested_one_is_refused(trusting: Issuer) -> None:
    headers = await vouched(trusting, client_id="https://ander.example")
    response = await CodeFlow.start(trusting).push(headers=headers)
    assert response.json()["error"] == "invalid_client_attestation"


@pytest.mark.usefixtures("haip")
async def test_I33_haip_wants_to_know_the_wallet_and_binds_its_tokens(trusting: Issuer) -> None:
    issuer = trusting
    await issuer.award()
    flow = CodeFlow.start(issuer)
    refused = await flow.push()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client")
    code = await code_of(flow, headers=await vouched(issuer))
    refused = await flow.exchange(code, headers=await vouched(issuer))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
    headers = {**await vouched(issuer), **await proof(issuer, "token")}
    assert (await flow.exchange(code, headers=headers)).json()["token_type"] == "DPoP"


@pytest.mark.usefixtures("haip")
async def test_I33_haip_gives_nothing_by_a_pre_authorized_code(trusting: Issuer) -> None:
    issuer = trusting
    grant = await issuer.redeem(await issuer.award())
    refused = await issuer.request(grant.token, [await issuer.proof()], configuration=SD_JWT)
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
