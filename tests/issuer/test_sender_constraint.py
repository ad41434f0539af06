"""Tokens that only the holder of a key may use, where they are used. RFC 9449; I-30, I-34, A-31."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from issuer.models import AccessToken
from kernel.keys import SoftwareSigner
from kernel.openid4vci import create_dpop_proof
from runtime.tokens import hash_token
from tests.issuer.conftest import IDENTIFIER, ORG, SD_JWT, Issuer

pytestmark = pytest.mark.over_http

KEY = SoftwareSigner.generate()
CREDENTIAL = f"{IDENTIFIER}/credential"


async def bound_token(issuer: Issuer, signer: SoftwareSigner = KEY) -> str:
    """An access token that was given to the holder of a key."""
    token = (await issuer.redeem(await issuer.award())).token
    async with issuer.database.transaction() as session:
        bind = update(AccessToken).where(AccessToken.token_hash == hash_token(token))
        await session.execute(bind.values(dpop_thumbprint=signer.public_key.thumbprint))
    return token


async def dpop_nonce(issuer: Issuer) -> str:
    return str((await issuer.client.post(f"/{ORG}/nonce")).headers["dpop-nonce"])


async def dpop_proof(issuer: Issuer, token: str, **changes: Any) -> str:
    values: dict[str, Any] = {"signer": KEY, "method": "POST", "url": CREDENTIAL, "access_token": token}
    values |= {"now": issuer.clock(), "nonce": await dpop_nonce(issuer), **changes}
    return create_dpop_proof(**values)


async def request(
    issuer: Issuer, token: str, *proofs: str, scheme: str = "DPoP", key_proof: str = ""
) -> httpx.Response:
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [key_proof or await issuer.proof()]}}
    headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", proof) for proof in proofs)]
    return await issuer.client.post(f"/{ORG}/credential", json=body, headers=headers)


async def test_I30_a_bound_token_buys_a_credential_for_whoever_holds_the_key(issuer: Issuer) -> None:
    """Mirrors VCIIssuerHappyFlow with sender_constrain=dpop."""
    token = await bound_token(issuer)
    response = await request(issuer, token, await dpop_proof(issuer, token))
    assert response.status_code == 200, response.text
    # The nonce for the next proof comes along, so that nobody has to ask for one.
    nonce = response.headers["dpop-nonce"]
    assert (await request(issuer, token, await dpop_proof(issuer, token, nonce=nonce))).status_code == 200


async def test_I30_the_scheme_is_read_without_regard_to_letters(issuer: Issuer) -> None:
    token = await bound_token(issuer)
    assert (await request(issuer, token, await dpop_proof(issuer, token), scheme="dpop")).status_code == 200


async def test_I30_A31_a_bound_token_as_bearer_is_refused(issuer: Issuer) -> None:
    token = await bound_token(issuer)
    for proofs in ([], [await dpop_proof(issuer, token)]):
        response = await request(issuer, token, *proofs, scheme="Bearer")
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
        assert response.headers["www-authenticate"] == 'Bearer error="invalid_token", DPoP algs="ES256"'


async def test_I30_a_bearer_token_as_bound_is_refused(issuer: Issuer) -> None:
    token = (await issuer.redeem(await issuer.award())).token
    response = await request(issuer, token, await dpop_proof(issuer, token))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
    assert response.headers["www-authenticate"] == 'DPoP error="invalid_token", algs="ES256"'


async def test_I30_A31_the_holder_of_another_key_is_refused(issuer: Issuer) -> None:
    token = await bound_token(issuer)
    response = await request(issuer, token, await dpop_proof(issuer, token, signer=SoftwareSigner.generate()))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "GET"},
        {"url": f"{IDENTIFIER}/notification"},
        {"url": "https://issuer.example/other/credential"},
        {"access_token": "another"},
        {"access_token": None},
        {"signer": SoftwareSigner.generate("Ed25519")},
    ],
)
async def test_I30_A31_a_proof_for_another_request_is_refused(issuer: Issuer, changes: dict[str, Any]) -> None:
    token = await bound_token(issuer)
    response = await request(issuer, token, await dpop_proof(issuer, token, **changes))
    assert (response.status_code, response.json()["error"]) == (401, "invalid_dpop_proof")
    assert response.headers["www-authenticate"] == 'DPoP error="invalid_dpop_proof", algs="ES256"'


async def test_I30_A31_no_proof_and_two_proofs_are_refused(issuer: Issuer) -> None:
    token = await bound_token(issuer)
    two = [await dpop_proof(issuer, token), await dpop_proof(issuer, token)]
    for proofs in ([], two, [", ".join(two)], ["nonsense"]):
        response = await request(issuer, token, *proofs)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_dpop_proof")


async def test_I30_a_proof_without_a_nonce_of_ours_gets_one(issuer: Issuer) -> None:
    token = await bound_token(issuer)
    c_nonce = await issuer.nonce()
    await issuer.add_organisation("other")
    foreign = str((await issuer.client.post("/other/nonce")).headers["dpop-nonce"])
    for nonce in (None, "AAAA", c_nonce, foreign):
        response = await request(issuer, token, await dpop_proof(issuer, token, nonce=nonce))
        assert (response.status_code, response.json()["error"]) == (401, "use_dpop_nonce")
        assert response.headers["www-authenticate"] == 'DPoP error="use_dpop_nonce", algs="ES256"'
    given = response.headers["dpop-nonce"]
    assert (await request(issuer, token, await dpop_proof(issuer, token, nonce=given))).status_code == 200


async def test_I30_a_nonce_ends_after_its_lifetime(issuer: Issuer) -> None:
    token, nonce = await bound_token(issuer), await dpop_nonce(issuer)
    issuer.clock.advance(issuer.settings.nonce_lifetime - timedelta(seconds=1))
    assert (await request(issuer, token, await dpop_proof(issuer, token, nonce=nonce))).status_code == 200
    issuer.clock.advance(timedelta(seconds=1))
    late = await dpop_proof(issuer, token, nonce=nonce)
    assert (await request(issuer, token, late)).json()["error"] in {"invalid_token", "use_dpop_nonce"}


async def test_I34_a_token_in_the_query_or_in_the_form_does_not_count(issuer: Issuer) -> None:
    """Mirrors VCIIssuerFailOnAccessTokenInQuery. RFC 6750 §2.3, OAuth 2.1."""
    token = (await issuer.redeem(await issuer.award())).token
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [await issuer.proof()]}, "access_token": token}
    for path in ("credential", "deferred", "notification"):
        response = await issuer.client.post(f"/{ORG}/{path}", params={"access_token": token}, json=body)
        assert (response.status_code, response.content) == (401, b"")
        assert response.headers["www-authenticate"] == 'Bearer, DPoP algs="ES256"'


async def test_I34_two_tokens_are_none(issuer: Issuer) -> None:
    token = (await issuer.redeem(await issuer.award())).token
    headers = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]
    assert (await issuer.client.post(f"/{ORG}/credential", json={}, headers=headers)).status_code == 401


async def test_A31_a_proof_counts_once(issuer: Issuer) -> None:
    token = await bound_token(issuer)
    proof = await dpop_proof(issuer, token)
    assert (await request(issuer, token, proof)).status_code == 200
    replayed = await request(issuer, token, proof)
    assert (replayed.status_code, replayed.json()["error"]) == (401, "invalid_dpop_proof")


async def test_A31_eight_uses_of_one_proof_are_one(any_issuer: Issuer) -> None:
    issuer = any_issuer
    token = await bound_token(issuer)
    proof = await dpop_proof(issuer, token)
    key_proofs = [await issuer.proof() for _ in range(8)]
    responses = await asyncio.gather(*[request(issuer, token, proof, key_proof=key) for key in key_proofs])
    assert sorted(response.status_code for response in responses) == [200] + [401] * 7
    assert {response.json()["error"] for response in responses if response.status_code == 401} == {"invalid_dpop_proof"}


async def test_I66_I30_a_notification_under_a_bound_token_needs_a_proof_too(issuer: Issuer) -> None:
    token = await bound_token(issuer)
    issued = (await request(issuer, token, await dpop_proof(issuer, token))).json()
    body = {"notification_id": issued["notification_id"], "event": "credential_accepted"}
    url = f"{IDENTIFIER}/notification"
    headers = {"Authorization": f"Bearer {token}"}
    refused = await issuer.client.post(f"/{ORG}/notification", json=body, headers=headers)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
    headers = {"Authorization": f"DPoP {token}", "DPoP": await dpop_proof(issuer, token, url=url)}
    noted = await issuer.client.post(f"/{ORG}/notification", json=body, headers=headers)
    assert noted.status_code == 204
    assert "dpop-nonce" in noted.headers
    assert (await issuer.client.post(f"/{ORG}/notification", json=body, headers=headers)).status_code == 401
