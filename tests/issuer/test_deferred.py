"""Badges that somebody else has to agree to first: asked for now, issued later. OpenID4VCI 1.0 §9; I-63, I-65, A-30."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
from sqlalchemy import func, select, update

from issuer.housekeeping import clean_up
from issuer.models import AccessToken, Credential, DeferredIssuance
from kernel.formats import from_wire
from kernel.keys import SoftwareSigner
from kernel.openid4vci import create_dpop_proof, decrypt_message, encrypt_message
from runtime.tokens import hash_token
from tests.issuer.conftest import IDENTIFIER, ORG, SD_JWT, SLUG, Issuer
from tests.issuer.test_request_encryption import KEY, public, recipient


async def needs_approval(issuer: Issuer) -> None:
    """The badge wants a second person from now on."""
    path = f"/organisations/{ORG}/achievements/{SLUG}"
    found = await issuer.api("GET", path)
    description = {name: value for name, value in found.json().items() if name in _MEMBERS and value is not None}
    changed = await issuer.api(
        "PUT", path, json={**description, "approval": "second_person"}, headers={"If-Match": found.headers["etag"]}
    )
    assert changed.status_code == 200, changed.text


_MEMBERS = {"slug", "name", "description", "criteria", "assessment", "achievement_type", "skills", "language"}


async def colleague(issuer: Issuer) -> dict[str, str]:
    """The headers of somebody else with the right to approve."""
    made = await issuer.api(
        "POST", f"/organisations/{ORG}/api-keys", json={"name": "collega", "scopes": ["awards:read", "status:write"]}
    )
    assert made.status_code == 201, made.text
    return {"Authorization": f"Bearer {made.json()['api_key']}"}


async def approve(issuer: Issuer, award: dict[str, Any], change: str = "approve") -> httpx.Response:
    path = f"/api/organisations/{ORG}/awards/{award['id']}/{change}"
    return await issuer.client.post(path, json={"reason": "Nagekeken"}, headers=await colleague(issuer))


async def begin(issuer: Issuer, copies: int = 2) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """An award that waits, a token for it, and the answer to a request."""
    await needs_approval(issuer)
    award = await issuer.award()
    token = (await issuer.redeem(award)).token
    nonce = await issuer.nonce()
    response = await issuer.request(token, [await issuer.proof(nonce=nonce) for _ in range(copies)])
    assert response.status_code == 202, response.text
    assert response.headers["cache-control"] == "no-store"
    return award, token, response.json()


async def ask_again(issuer: Issuer, token: str, transaction_id: str, *, org: str = ORG, **more: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    body = {"transaction_id": transaction_id, **more}
    return await issuer.client.post(f"/{org}/deferred", json=body, headers=headers)


def error_of(response: httpx.Response) -> Any:
    assert response.status_code == 400, response.text
    return response.json()["error"]


async def count(issuer: Issuer, model: Any) -> int:
    async with issuer.database.reading() as session:
        return int((await session.execute(select(func.count()).select_from(model))).scalar_one())


async def test_I63_I65_a_badge_that_waits_comes_once_somebody_else_has_agreed(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award, token, waiting = await begin(issuer)
    assert waiting.keys() == {"transaction_id", "interval"}
    assert waiting["interval"] == int(issuer.settings.deferred_interval.total_seconds())
    assert (await issuer.get_award(award["id"]))["state"] == "waiting"
    assert await count(issuer, Credential) == 0
    again = await ask_again(issuer, token, waiting["transaction_id"])
    assert (again.status_code, again.json()) == (202, waiting)
    assert (await approve(issuer, award)).status_code == 200
    issued = await ask_again(issuer, token, waiting["transaction_id"])
    assert issued.status_code == 200, issued.text
    assert len(issued.json()["credentials"]) == 2
    for entry in issued.json()["credentials"]:
        assert await issuer.verify(from_wire(entry["credential"]))
    assert issued.json()["notification_id"]
    # Nothing is issued twice: the transaction ended with what it bought.
    assert error_of(await ask_again(issuer, token, waiting["transaction_id"])) == "invalid_transaction_id"
    assert await count(issuer, Credential) == 2


async def test_I63_metadata_says_where_to_ask_again(issuer: Issuer) -> None:
    metadata = (await issuer.client.get(f"/.well-known/openid-credential-issuer/{ORG}")).json()
    assert metadata["deferred_credential_endpoint"] == f"{IDENTIFIER}/deferred"


async def test_I65_a_badge_that_was_declined_never_comes(issuer: Issuer) -> None:
    award, token, waiting = await begin(issuer)
    assert (await approve(issuer, award, "revoke")).status_code == 200
    assert error_of(await ask_again(issuer, token, waiting["transaction_id"])) == "credential_request_denied"
    assert (await issuer.get_award(award["id"]))["state"] == "revoked"


async def test_I63_whoever_awarded_cannot_approve_and_nobody_approves_twice(issuer: Issuer) -> None:
    award, _, _ = await begin(issuer)
    own = await issuer.change(award["id"], "approve")
    assert (own.status_code, (await issuer.get_award(award["id"]))["state"]) == (409, "waiting")
    assert (await issuer.change(award["id"], "suspend")).status_code == 409
    assert (await approve(issuer, award)).status_code == 200
    assert (await issuer.get_award(award["id"]))["state"] == "opened"
    assert (await approve(issuer, award)).status_code == 409


async def test_I65_A30_other_grants_and_other_organisations_know_nothing_of_it(issuer: Issuer) -> None:
    award, token, waiting = await begin(issuer)
    await issuer.add_organisation("other")
    assert (await issuer.add_achievement("other")).status_code == 201
    foreign = await issuer.award("other")
    code = (await issuer.offer(foreign))["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]
    elsewhere = await issuer.post_token(code["pre-authorized_code"], foreign["offer"]["tx_code"], org="other")
    neighbour = (await issuer.redeem(await issuer.award())).token
    assert (await approve(issuer, award)).status_code == 200
    refused = [
        await ask_again(issuer, neighbour, waiting["transaction_id"]),
        await ask_again(issuer, elsewhere.json()["access_token"], waiting["transaction_id"], org="other"),
        await ask_again(issuer, token, "unknown"),
    ]
    assert {error_of(response) for response in refused} == {"invalid_transaction_id"}
    assert len({response.text for response in refused}) == 1
    assert (await ask_again(issuer, token, waiting["transaction_id"], org="other")).status_code == 401
    assert (await ask_again(issuer, token, waiting["transaction_id"])).status_code == 200


async def test_I65_of_eight_who_ask_at_once_one_is_served(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award, token, waiting = await begin(issuer)
    assert (await approve(issuer, award)).status_code == 200
    responses = await asyncio.gather(*[ask_again(issuer, token, waiting["transaction_id"]) for _ in range(8)])
    assert sorted(response.status_code for response in responses) == [200] + [400] * 7
    assert {error_of(response) for response in responses if response.status_code == 400} == {"invalid_transaction_id"}
    assert await count(issuer, Credential) == 2


async def test_I65_a_request_with_one_thing_wrong_gets_its_error(issuer: Issuer) -> None:
    _, token, waiting = await begin(issuer)
    headers = {"Authorization": f"Bearer {token}"}
    for body in ({}, {"transaction_id": 7}, []):
        response = await issuer.client.post(f"/{ORG}/deferred", json=body, headers=headers)
        assert error_of(response) == "invalid_credential_request"
    assert (await issuer.client.post(f"/{ORG}/deferred", json=waiting)).status_code == 401
    issuer.clock.advance(timedelta(minutes=5))
    late = await ask_again(issuer, token, waiting["transaction_id"])
    assert (late.status_code, late.json()["error"]) == (401, "invalid_token")


async def test_A22_a_request_that_waits_spends_its_nonce_and_only_so_many_wait(issuer: Issuer) -> None:
    await needs_approval(issuer)
    token = (await issuer.redeem(await issuer.award())).token
    proof = await issuer.proof()
    assert (await issuer.request(token, [proof])).status_code == 202
    assert error_of(await issuer.request(token, [proof])) == "invalid_nonce"
    responses = [await issuer.request(token, [await issuer.proof()]) for _ in range(20)]
    assert [response.status_code for response in responses] == [202] * 19 + [400]
    assert error_of(responses[-1]) == "credential_request_denied"


async def test_I67_a_deferred_request_and_its_response_are_encrypted(issuer: Issuer) -> None:
    award, token, waiting = await begin(issuer)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/jwt"}

    async def ask() -> httpx.Response:
        wanted = {"jwk": public(KEY), "enc": "A256GCM"}
        members = {"transaction_id": waiting["transaction_id"], "credential_response_encryption": wanted}
        to = await recipient(issuer)
        content = encrypt_message(members, recipient=to.jwk, enc=to.enc)
        return await issuer.client.post(f"/{ORG}/deferred", content=content, headers=headers)

    still = await ask()
    assert (still.status_code, still.headers["content-type"]) == (202, "application/jwt")
    assert decrypt_message(still.text, private_jwk=KEY) == waiting
    in_the_open = await ask_again(
        issuer, token, waiting["transaction_id"], credential_response_encryption={"jwk": public(KEY), "enc": "A256GCM"}
    )
    assert error_of(in_the_open) == "invalid_encryption_parameters"
    assert (await approve(issuer, award)).status_code == 200
    issued = await ask()
    assert (issued.status_code, issued.headers["content-type"]) == (200, "application/jwt")
    assert len(decrypt_message(issued.text, private_jwk=KEY)["credentials"]) == 2


async def test_I30_I65_under_a_bound_token_a_proof_is_needed_here_too(issuer: Issuer) -> None:
    _, token, waiting = await begin(issuer)
    key = SoftwareSigner.generate()
    async with issuer.database.transaction() as session:
        bind = update(AccessToken).where(AccessToken.token_hash == hash_token(token))
        await session.execute(bind.values(dpop_thumbprint=key.public_key.thumbprint))
    assert (await ask_again(issuer, token, waiting["transaction_id"])).status_code == 401
    nonce = (await issuer.client.post(f"/{ORG}/nonce")).headers["dpop-nonce"]
    proof = create_dpop_proof(
        signer=key, method="POST", url=f"{IDENTIFIER}/deferred", now=issuer.clock(), access_token=token, nonce=nonce
    )
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    body = {"transaction_id": waiting["transaction_id"]}
    response = await issuer.client.post(f"/{ORG}/deferred", json=body, headers=headers)
    assert (response.status_code, "dpop-nonce" in response.headers) == (202, True)
    replayed = await issuer.client.post(f"/{ORG}/deferred", json=body, headers=headers)
    assert (replayed.status_code, replayed.json()["error"]) == (401, "invalid_dpop_proof")


async def test_I68_the_same_keys_get_the_same_bytes_at_the_credential_endpoint_afterwards(issuer: Issuer) -> None:
    await needs_approval(issuer)
    award = await issuer.award()
    token = (await issuer.redeem(award)).token
    signer = SoftwareSigner.generate()
    waiting = (await issuer.request(token, [await issuer.proof(signer)])).json()
    assert (await approve(issuer, award)).status_code == 200
    issued = (await ask_again(issuer, token, waiting["transaction_id"])).json()
    # A response that was lost on the way costs nothing.
    again = await issuer.request(token, [await issuer.proof(signer)])
    assert again.json()["credentials"] == issued["credentials"]


async def test_I80_what_waited_in_vain_is_removed(issuer: Issuer) -> None:
    await begin(issuer)
    await clean_up(issuer.database, issuer.settings, now=issuer.clock())
    assert await count(issuer, DeferredIssuance) == 1
    await clean_up(issuer.database, issuer.settings, now=issuer.clock.advance(timedelta(days=120)))
    assert await count(issuer, DeferredIssuance) == 0


async def test_I63_without_approval_a_badge_is_issued_at_once(issuer: Issuer) -> None:
    grant = await issuer.redeem(await issuer.award())
    assert (await issuer.request(grant.token, [await issuer.proof()], configuration=SD_JWT)).status_code == 200
