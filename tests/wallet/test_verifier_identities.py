"""How verifiers make known who they are, by each prefix that this wallet knows. OpenID4VP 1.0 §5.9.3; W-43, W-44."""

import json
from datetime import timedelta
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kernel.federation import MEDIA_TYPE
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid4vp import (
    ErrorResponse,
    create_client_metadata,
    create_unsigned_parameters,
    create_unsigned_request_link,
)
from tests.support.badges import SKILLS
from tests.support.clock import NOW
from tests.support.federation import ANCHOR, INTERMEDIATE, Federation, Member
from tests.support.simulated_issuer import DC

pytestmark = pytest.mark.over_http

FIRST = next(iter(SKILLS))
FEDERATION = Federation(NOW)
ATTESTER = SoftwareSigner.generate()
STRANGER = SoftwareSigner.generate()
ATTESTERS = {"https://register.example": {"keys": [{**ATTESTER.public_key.jwk, "kid": "a-1"}]}}


def unsigned_link(house, **changes):
    """A question that is its link; nobody signs it."""
    house.verifier.ask(house.verifier.skill_query(FIRST))
    parameters: dict[str, Any] = create_unsigned_parameters(
        response_mode="direct_post",
        response_uri=f"{house.verifier.base}/responses/1",
        nonce=house.verifier.nonce,
        state=house.verifier.state,
        dcql_query=house.verifier.skill_query(FIRST),
        client_metadata=create_client_metadata(encryption_key=None, client_name="Iemand"),
    )
    return create_unsigned_request_link({k: v for k, v in {**parameters, **changes}.items() if v is not None})


async def refusal(holder, link):
    answer = await holder.call("POST", "/requests", {"request": link})
    assert (answer.status_code, answer.json()["code"]) == (400, "request_refused")
    return answer.json()["failure"]


async def test_W43_W40_question_that_is_its_link_is_answered_to_the_address_that_is_its_name(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(unsigned_link(house))
    assert asked["verifier"]["is_signed"] is False
    assert asked["verifier"]["name"] == "verifier.example"
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    shown = house.verifier.received[-1]
    assert shown.state == house.verifier.state


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"response_uri": "https://elsewhere.example/responses/1"}, "sender_address"),
        ({"client_id": "redirect_uri:https://elsewhere.example/responses/1"}, "sender_address"),
        ({"client_id": "decentralized_identifier:did:web:verifier.example:bakker"}, "unsigned"),
        ({"nonce": None}, "question_parameters"),
        ({"dcql_query": "{}"}, "question_query"),
        ({"dcql_query": "no json"}, "question_query"),
        ({"dcql_query": None, "scope": "badge"}, "question_scope"),
        ({"scope": "badge"}, "question_parameters"),
        ({"response_type": "code"}, "question_parameters"),
        ({"response_mode": None}, "question_parameters"),
        ({"response_mode": "fragment"}, "question_parameters"),
        ({"redirect_uri": "https://verifier.example/bakker/back"}, "question_parameters"),
        ({"transaction_data": '["e30"]'}, "question_transaction"),
    ],
)
async def test_W43_W45_A34_A35_unsigned_question_with_something_wrong_is_refused(house, holder, changes, failure):
    """ResponseUriNotClientId, RedirectUriWithDirectPost, MissingNonce."""
    assert await refusal(holder, unsigned_link(house, **changes)) == failure
    assert house.verifier.received == []


async def test_W43_signed_question_under_the_prefix_for_unsigned_ones_is_refused(house, holder):
    house.verifier.prefix, house.verifier.name_after_prefix = "redirect_uri", f"{house.verifier.base}/responses/1"
    assert await refusal(holder, house.verifier.ask(house.verifier.skill_query(FIRST))) == "sender_address"


# --- an attester that the wallet trusts declares whose key it is


@pytest.fixture
def settings():
    anchors = {ANCHOR: {"keys": [FEDERATION.anchor.jwk]}}
    return {"verifier_attesters": json.dumps(ATTESTERS), "federation_anchors": json.dumps(anchors)}


def attestation(verifier, *, signer=ATTESTER, typ="verifier-attestation+jwt", kid="a-1", **changes):
    payload = {
        "iss": "https://register.example",
        "sub": "bakker-bouw",
        "exp": int((NOW + timedelta(days=1)).timestamp()),
        "cnf": {"jwk": verifier.signer.public_key.jwk},
        "redirect_uris": [f"{verifier.base}/responses/1"],
        **changes,
    }
    return sign_jwt({k: v for k, v in payload.items() if v is not ...}, signer=signer, typ=typ, header={"kid": kid})


def ask_attested(house, **changes):
    house.verifier.prefix, house.verifier.name_after_prefix = "verifier_attestation", "bakker-bouw"
    house.verifier.header = {"jwt": attestation(house.verifier, **changes)}
    return house.verifier.ask(house.verifier.skill_query(FIRST))


async def test_W43_verifier_whom_a_trusted_attester_declares_is_answered_and_the_page_says_who_vouches(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(ask_attested(house))
    assert asked["verifier"]["attester"] == "https://register.example"
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    assert house.verifier.verify("skill_1", house.issuer.signer.public_key)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://stranger.example"},
        {"signer": STRANGER},
        {"kid": "a-2"},
        {"typ": "jwt"},
        {"sub": "somebody-else"},
        {"exp": ...},
        {"exp": int((NOW - timedelta(days=1)).timestamp())},
        {"cnf": {"jwk": STRANGER.public_key.jwk}},
        {"cnf": ...},
        {"redirect_uris": ["https://verifier.example/bakker/responses"]},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_W43_A34_A35_verifier_whose_attestation_is_wrong_is_refused(house, holder, changes):
    failure = await refusal(holder, ask_attested(house, **changes))
    assert failure.startswith("sender_")
    assert house.verifier.received == []


async def test_W53_attested_verifier_hears_of_a_question_that_cannot_be_answered(house, holder):
    house.verifier.misbehave = "without_nonce"
    answer = await holder.call("POST", "/requests", {"request": ask_attested(house)})
    await holder.call("POST", f"/requests/{answer.json()['request_id']}/decline", {})
    assert house.verifier.received == [ErrorResponse("invalid_request", None, house.verifier.state)]


# --- a federation whose anchor is pinned says whose key it is


def superior(member, *below):
    """The host of a member that vouches for others."""

    async def configuration(_: Request) -> Response:
        return Response(member.configuration(NOW), media_type=MEDIA_TYPE)

    async def fetch(request: Request) -> Response:
        subject = next(each for each in below if each.entity == request.query_params["sub"])
        return Response(member.statement(subject, NOW), media_type=MEDIA_TYPE)

    return Starlette(routes=[Route("/.well-known/openid-federation", configuration), Route("/fetch", fetch)])


def ask_as_member(house, *, entity="https://verifier.example/bakker", role="openid_credential_verifier", **changes):
    verifier = house.verifier
    key = {**verifier.signer.public_key.jwk, "kid": "es256-1"}
    members = {"jwks": {"keys": [key]}, "client_name": "Bakker Bouw volgens de federatie", **changes}
    member = Member(entity, (INTERMEDIATE,), {role: members, "federation_entity": {"display_name": "Bakker"}})
    verifier.entity_configuration = lambda: member.configuration(NOW)
    verifier.prefix, verifier.name_after_prefix, verifier.header = "openid_federation", entity, {"kid": "es256-1"}
    verifier.response_mode = "direct_post"
    intermediate, anchor = FEDERATION.intermediate, FEDERATION.anchor
    house.transport.apps |= {
        "surf.skills.example:443": superior(intermediate, member),
        "federation.skills.example:443": superior(anchor, intermediate),
    }
    return verifier.ask(verifier.skill_query(FIRST))


async def test_W43_T07_T10_member_of_a_pinned_federation_is_recognised_and_answered(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(ask_as_member(house))
    assert asked["verifier"]["recognition"]["outcome"] == "recognised"
    assert asked["verifier"]["recognition"]["list_name"] == "Federatie Onderwijs"
    # What it says of itself in the request is ignored: only the chain counts.
    assert asked["verifier"]["own_name"] == "Bakker Bouw volgens de federatie"
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    assert house.verifier.verify("skill_1", house.issuer.signer.public_key)


@pytest.mark.parametrize(
    "changes",
    [
        {"entity": "https://elsewhere.example/bakker"},
        {"role": "openid_relying_party"},
        {"jwks": {"keys": [{**STRANGER.public_key.jwk, "kid": "es256-1"}]}},
        {"jwks": {"keys": []}},
        {"jwks": None},
    ],
)
async def test_W43_A34_who_is_no_member_or_signs_with_another_key_is_refused(house, holder, changes):
    answer = await holder.call("POST", "/requests", {"request": ask_as_member(house, **changes)})
    assert answer.status_code in (400, 503)
    assert answer.json()["failed_step"] == "sender"


async def test_W43_federation_that_is_not_pinned_vouches_for_nobody(house, holder):
    link = ask_as_member(house)
    house.app.state.service.resolver.trust._federation = None
    assert await refusal(holder, link) == "sender_federation"
