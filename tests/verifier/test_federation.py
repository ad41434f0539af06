"""A relying party as a member of OpenID Federations. OpenID Federation 1.0 §9; DIIP v5 appendix B; T-07, V-04."""

import asyncio
import json
from typing import Any

import pytest

from kernel import base64url
from kernel.errors import CredentialError
from kernel.federation import (
    EntityStatement,
    TrustChain,
    parse_entity_statement,
    recognise_entity,
    verify_entity_configuration,
    verify_trust_chain,
)
from kernel.jwt_vc_issuer import read_jwk_set
from kernel.trust_list import Outcome
from tests.support.federation import ANCHOR, Member
from tests.verifier.conftest import VERIFIER, Stage

ENTITY = f"{VERIFIER}/bakker"
CLIENT_ID = f"openid_federation:{ENTITY}"
PLACE = "/bakker/.well-known/openid-federation"
MEMBERSHIP = "/api/relying-parties/bakker/federation"
ROLE = "openid_credential_verifier"
AS_MEMBER = {"client_id_prefix": "openid_federation"}


async def join(stage: Stage, *hints: str) -> dict[str, Any]:
    response = await stage.api.put(MEMBERSHIP, json={"authority_hints": list(hints or (ANCHOR,))})
    assert response.status_code == 200, response.text
    return dict(response.json())


async def configuration(stage: Stage) -> EntityStatement:
    response = await stage.browser.get(PLACE)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/entity-statement+jwt"
    return verify_entity_configuration(parse_entity_statement(response.text), entity=ENTITY, now=stage.clock())


async def chain(stage: Stage, **about: Any) -> TrustChain:
    """What a wallet learns that has pinned the anchor, with what the anchor says of the member."""
    membership = (await stage.api.get(MEMBERSHIP)).json()
    now, anchor, leaf = stage.clock(), Member(ANCHOR), Member(ENTITY)
    statements = [
        (await stage.browser.get(PLACE)).text,
        anchor.statement(leaf, now, keys=[membership["public_jwk"]], claims=about),
        anchor.configuration(now),
    ]
    return verify_trust_chain(statements, subject=ENTITY, anchors={ANCHOR: anchor.keys}, now=now)


async def test_T07_relying_party_without_superiors_publishes_nothing(any_stage: Stage) -> None:
    assert (await any_stage.browser.get(PLACE)).status_code == 404
    assert (await any_stage.api.get(MEMBERSHIP)).status_code == 404
    assert (await any_stage.api.delete(MEMBERSHIP)).status_code == 404
    assert (await any_stage.browser.get("/nobody/.well-known/openid-federation")).status_code == 404


async def test_T07_V05_member_says_who_it_is_how_it_signs_and_what_it_reads(any_stage: Stage) -> None:
    membership = await join(any_stage)
    statement = await configuration(any_stage)
    assert statement.authority_hints == (ANCHOR,)
    assert (membership["entity"], membership["client_id"]) == (ENTITY, CLIENT_ID)
    assert membership["entity_configuration"] == f"{VERIFIER}{PLACE}"
    assert statement.keys.members == (membership["public_jwk"],)
    assert statement.metadata["federation_entity"]["display_name"] == "Bakker Bouw"
    published = statement.metadata[ROLE]
    signing, encryption = published["jwks"]["keys"]
    party = (await any_stage.api.get("/api/relying-parties/bakker")).json()
    assert {**party["public_jwk"], "kid": party["key_id"], "alg": "ES256", "use": "sig"} == signing
    assert (encryption["use"], encryption["alg"], "d" in encryption) == ("enc", "ECDH-ES", False)
    assert published["encrypted_response_enc_values_supported"] == ["A128GCM", "A256GCM"]
    assert {"dc+sd-jwt", "vc+sd-jwt", "ldp_vc"} <= published["vp_formats_supported"].keys()
    # The key of statements does nothing else. OpenID Federation 1.0 §3.1.1.
    assert membership["public_jwk"]["x"] not in {signing["x"], encryption["x"]}


@pytest.mark.parametrize("asked", [{"policy": "diip"}, {"policy": "openid4vp", "request_by": "value"}])
@pytest.mark.parametrize("response_mode", ["direct_post.jwt", "direct_post"])
async def test_W43_V04_T07_member_asks_under_its_entity_identifier_and_is_answered(
    stage: Stage, asked: dict[str, Any], response_mode: str
) -> None:
    await join(stage)
    started = await stage.ask(**AS_MEMBER, response_mode=response_mode, **asked)
    assert started["client_id"] == CLIENT_ID
    wallet = stage.holding()
    wallet.chains = {ENTITY: await chain(stage)}
    request = await wallet.read_request(started["link"])
    assert request.response_uri.startswith(f"{ENTITY}/responses/")
    assert (await wallet.answer(started["link"])).status_code == 200
    assert (await stage.result(started))["report"]["accepted"]


async def test_W43_V04_T07_member_asks_through_the_browser(stage: Stage) -> None:
    await join(stage)
    started = await stage.ask(**AS_MEMBER, policy="openid4vp")
    wallet = stage.holding()
    wallet.chains = {ENTITY: await chain(stage)}
    request = await wallet.read_browser_request(started["digital"]["requests"], started["digital"]["origin"])
    data = wallet.answer_browser(request)
    answer = await stage.api.post(
        f"/api/relying-parties/bakker/presentations/{started['id']}/browser-answer", json={"data": data}
    )
    assert answer.json()["report"]["accepted"]


async def test_W43_answers_to_a_member_are_encrypted_to_what_the_chain_names(stage: Stage) -> None:
    """What the request says of itself is not read, so it may not name another key than the published one."""
    await join(stage)
    started = await stage.ask(**AS_MEMBER)
    wallet = stage.holding()
    wallet.chains = {ENTITY: await chain(stage)}
    request = await wallet.read_request(started["link"])
    published = (await chain(stage)).metadata[ROLE]["jwks"]["keys"][1]
    assert request.client_metadata.select_encryption()[0] == published
    raw = (await wallet.client.get(started["request_uri"])).text
    payload = json.loads(base64url.decode(raw.split(".")[1]))
    assert payload["client_metadata"]["jwks"]["keys"] == [published]


async def test_T07_T10_member_is_recognised_in_the_role_that_its_superiors_leave_it(stage: Stage) -> None:
    await join(stage)
    assert recognise_entity(await chain(stage), role=ROLE).outcome is Outcome.RECOGNISED
    stripped = await chain(stage, constraints={"allowed_entity_types": ["openid_credential_issuer"]})
    assert recognise_entity(stripped, role=ROLE).outcome is Outcome.NOT_FOR_THIS_TYPE


async def test_T07_key_that_the_chain_does_not_name_asks_for_nobody(stage: Stage) -> None:
    """A superior that names another key for the member's requests has the last word. OpenID Federation 1.0 §6.1.4.2."""
    await join(stage)
    other = {
        "keys": [{**Member(ENTITY).jwk, "kid": (await stage.api.get("/api/relying-parties/bakker")).json()["key_id"]}]
    }
    replaced = await chain(stage, metadata={ROLE: {"jwks": other}})
    assert read_jwk_set(replaced.metadata[ROLE]["jwks"]).members == tuple(other["keys"])
    started = await stage.ask(**AS_MEMBER)
    wallet = stage.holding()
    wallet.chains = {ENTITY: replaced}
    with pytest.raises(CredentialError):
        await wallet.read_request(started["link"])


async def test_V04_who_is_no_member_does_not_ask_as_one(stage: Stage) -> None:
    body = {"purpose": "Vacature", "skills": [{"uri": "https://skills.example/1"}], **AS_MEMBER}
    refused = await stage.api.post("/api/relying-parties/bakker/presentations", json=body)
    assert (refused.status_code, refused.json()["fields"]) == (400, {"client_id_prefix": "no_federation"})
    refused = await stage.api.post("/api/relying-parties/bakker/presentations", json={**body, "policy": "haip"})
    assert (refused.status_code, refused.json()["fields"]) == (400, {"client_id_prefix": "policy"})


async def test_T07_superiors_change_and_the_keys_stay(any_stage: Stage) -> None:
    first, before = await join(any_stage), await configuration(any_stage)
    second = await join(any_stage, "https://other.example", ANCHOR, ANCHOR)
    assert second["authority_hints"] == ["https://other.example", ANCHOR]
    assert second["public_jwk"] == first["public_jwk"]
    assert (await configuration(any_stage)).metadata == before.metadata
    assert (await any_stage.api.get(MEMBERSHIP)).json() == second


async def test_T07_who_leaves_publishes_nothing_and_asks_no_more(any_stage: Stage) -> None:
    first = await join(any_stage)
    started = await any_stage.ask(**AS_MEMBER)
    assert (await any_stage.api.delete(MEMBERSHIP)).status_code == 204
    assert (await any_stage.browser.get(PLACE)).status_code == 404
    assert (await any_stage.api.get(started["request_uri"])).status_code == 404
    assert (await join(any_stage))["public_jwk"] == first["public_jwk"]


async def test_T07_eight_that_join_at_once_make_one_key(any_stage: Stage) -> None:
    joined = await asyncio.gather(*(join(any_stage) for _ in range(8)))
    assert len({membership["public_jwk"]["kid"] for membership in joined}) == 1


async def test_T07_A53_those_who_join_and_leave_at_once_wait_for_one_another(any_stage: Stage) -> None:
    await join(any_stage)
    hints = {"authority_hints": [ANCHOR]}
    joins = [any_stage.api.put(MEMBERSHIP, json=hints) for _ in range(4)]
    leaves = [any_stage.api.delete(MEMBERSHIP) for _ in range(4)]
    calls = [call for pair in zip(joins, leaves, strict=True) for call in pair]
    assert {answer.status_code for answer in await asyncio.gather(*calls)} <= {200, 204, 404}


@pytest.mark.parametrize(
    "hints",
    [[], ["http://federation.example"], ["https://h.example/#a"], ["h"], [7], [ENTITY], ["https://h.example"] * 33],
)
async def test_T07_superior_that_cannot_be_one_is_refused(stage: Stage, hints: list[Any]) -> None:
    assert (await stage.api.put(MEMBERSHIP, json={"authority_hints": hints})).status_code == 400
    assert (await stage.browser.get(PLACE)).status_code == 404


async def test_T07_A30_key_of_another_relying_party_changes_nothing(stage: Stage) -> None:
    made = await stage.admin.post("/api/relying-parties", json={"slug": "slager", "name": "Slager"})
    other = stage.client({"authorization": f"Bearer {made.json()['api_key']}"})
    assert (await other.put(MEMBERSHIP, json={"authority_hints": [ANCHOR]})).status_code == 404
    assert (await other.get(MEMBERSHIP)).status_code == 404
    await join(stage)
    assert (await other.delete(MEMBERSHIP)).status_code == 404
    assert (await stage.browser.get(PLACE)).status_code == 200
