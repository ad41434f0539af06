"""An organisation as a member of OpenID Federations. OpenID Federation 1.0 §9; DIIP v5 appendix B; PROFILE.md T-07."""

import asyncio
from typing import Any

import pytest

from kernel.federation import (
    EntityStatement,
    find_federation_entity,
    parse_entity_statement,
    recognise_credential_issuer,
    verify_entity_configuration,
    verify_trust_chain,
)
from kernel.formats import VerifiedCredential
from kernel.jwt_vc_issuer import JwkSet
from kernel.trust_list import Outcome
from tests.issuer.conftest import IDENTIFIER, ORG, SD_JWT, VCDM, Issuer
from tests.support.federation import ANCHOR, Member

PLACE = f"/{ORG}/.well-known/openid-federation"
MEMBERSHIP = f"/organisations/{ORG}/federation"


async def join(issuer: Issuer, *hints: str) -> dict[str, Any]:
    response = await issuer.api("PUT", MEMBERSHIP, json={"authority_hints": list(hints or (ANCHOR,))})
    assert response.status_code == 200, response.text
    return dict(response.json())


async def configuration(issuer: Issuer) -> EntityStatement:
    response = await issuer.client.get(PLACE)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/entity-statement+jwt"
    return verify_entity_configuration(parse_entity_statement(response.text), entity=IDENTIFIER, now=issuer.clock())


async def received(issuer: Issuer, configuration_id: str) -> VerifiedCredential:
    (raw,) = await issuer.fetch(configuration=configuration_id)
    return await issuer.verify(raw)


async def test_T07_organisation_without_superiors_publishes_nothing(any_issuer: Issuer) -> None:
    assert (await any_issuer.client.get(PLACE)).status_code == 404
    assert (await any_issuer.api("GET", MEMBERSHIP)).status_code == 404
    assert (await any_issuer.api("DELETE", MEMBERSHIP)).status_code == 404


async def test_T07_member_says_who_it_is_what_it_issues_and_with_which_keys(any_issuer: Issuer) -> None:
    membership = await join(any_issuer)
    statement = await configuration(any_issuer)
    assert statement.authority_hints == (ANCHOR,)
    assert membership["entity"] == IDENTIFIER
    assert statement.keys.members == (membership["public_jwk"],)
    metadata = statement.metadata
    assert metadata["federation_entity"]["display_name"]
    published = (await any_issuer.client.get(f"/.well-known/openid-credential-issuer/{ORG}")).json()
    assert metadata["openid_credential_issuer"] == published
    assert all(jwk["kid"].startswith("did:web:") for jwk in metadata["vc_issuer"]["jwks"]["keys"])
    # The key of statements signs nothing else. OpenID Federation 1.0 §3.1.1.
    assert membership["public_jwk"]["x"] not in {jwk["x"] for jwk in metadata["vc_issuer"]["jwks"]["keys"]}


async def test_T07_K83_the_statement_of_a_member_with_a_hundred_badges_is_one_that_others_read(issuer: Issuer) -> None:
    """Decision 0062."""
    await join(issuer)
    description = {"nl": "Wat iemand kan en hoe dat bleek. " * 20, "en": "What somebody can do, and how we know. " * 20}
    for number in range(99):
        added = await issuer.add_achievement(slug=f"badge-{number}", description=description)
        assert added.status_code == 201
    statement = await configuration(issuer)
    assert len(statement.metadata["openid_credential_issuer"]["credential_configurations_supported"]) >= 600
    assert 1024 * 1024 < len(statement.token.raw) < 4 * 1024 * 1024


@pytest.mark.parametrize("configuration_id", [SD_JWT, VCDM])
async def test_T07_badge_of_a_member_is_recognised_up_to_the_anchor(issuer: Issuer, configuration_id: str) -> None:
    membership = await join(issuer)
    badge = await received(issuer, configuration_id)
    assert find_federation_entity(badge.claims) == IDENTIFIER
    now, anchor, leaf = issuer.clock(), Member(ANCHOR), Member(IDENTIFIER)
    chain = [
        (await issuer.client.get(PLACE)).text,
        anchor.statement(leaf, now, keys=[membership["public_jwk"]]),
        anchor.configuration(now),
    ]
    trusted = verify_trust_chain(chain, subject=IDENTIFIER, anchors={ANCHOR: JwkSet((anchor.jwk,))}, now=now)
    found = recognise_credential_issuer(trusted, key=badge.key, key_id=badge.key_id, types=badge.types)
    assert found.outcome is Outcome.RECOGNISED


async def test_T07_badge_of_no_member_names_no_federation(issuer: Issuer) -> None:
    for configuration_id in (SD_JWT, VCDM):
        assert find_federation_entity((await received(issuer, configuration_id)).claims) is None


async def test_T07_superiors_change_and_the_key_stays(any_issuer: Issuer) -> None:
    first = await join(any_issuer)
    second = await join(any_issuer, "https://other.example", ANCHOR, ANCHOR)
    assert second["authority_hints"] == ["https://other.example", ANCHOR]
    assert second["public_jwk"] == first["public_jwk"]
    assert (await any_issuer.api("GET", MEMBERSHIP)).json() == second


async def test_T07_who_leaves_publishes_nothing_and_is_named_no_more(any_issuer: Issuer) -> None:
    first = await join(any_issuer)
    assert (await any_issuer.api("DELETE", MEMBERSHIP)).status_code == 204
    assert (await any_issuer.client.get(PLACE)).status_code == 404
    assert find_federation_entity((await received(any_issuer, SD_JWT)).claims) is None
    assert (await join(any_issuer))["public_jwk"] == first["public_jwk"]


async def test_T07_eight_that_join_at_once_make_one_key(any_issuer: Issuer) -> None:
    joined = await asyncio.gather(*(join(any_issuer) for _ in range(8)))
    assert len({membership["public_jwk"]["kid"] for membership in joined}) == 1


async def test_T07_A53_those_who_join_and_leave_at_once_wait_for_one_another(any_issuer: Issuer) -> None:
    await join(any_issuer)
    hints = {"authority_hints": [ANCHOR]}
    joins = [any_issuer.api("PUT", MEMBERSHIP, json=hints) for _ in range(4)]
    leaves = [any_issuer.api("DELETE", MEMBERSHIP) for _ in range(4)]
    calls = [call for pair in zip(joins, leaves, strict=True) for call in pair]
    assert {answer.status_code for answer in await asyncio.gather(*calls)} <= {200, 204, 404}


@pytest.mark.parametrize(
    "hints",
    [[], ["http://federation.example"], ["https://h.example/#a"], ["h"], [7], [IDENTIFIER], ["https://h.example"] * 33],
)
async def test_T07_superior_that_cannot_be_one_is_refused(issuer: Issuer, hints: list[Any]) -> None:
    response = await issuer.api("PUT", MEMBERSHIP, json={"authority_hints": hints})
    assert response.status_code == 400
    assert (await issuer.client.get(PLACE)).status_code == 404


async def test_T07_A30_key_of_another_organisation_changes_nothing(issuer: Issuer) -> None:
    await issuer.add_organisation("andere")
    made = await issuer.api(
        "POST", "/organisations/andere/api-keys", json={"name": "x", "scopes": ["organisations:write"]}
    )
    headers = {"Authorization": f"Bearer {made.json()['api_key']}"}
    body = {"authority_hints": [ANCHOR]}
    response = await issuer.client.put(f"/api{MEMBERSHIP}", json=body, headers=headers)
    assert response.status_code == 404
