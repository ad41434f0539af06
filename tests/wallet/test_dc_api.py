"""A question that a page asks through the browser, handed over by an app or extension. OpenID4VP 1.0 A; W-55."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from kernel.formats import ALGORITHMS, FORMATS
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid4vp import (
    RequestSigner,
    create_client_metadata,
    create_dc_api_request,
    decrypt_response,
    parse_dc_api_response,
)
from runtime.tokens import create_token
from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC

FIRST = next(iter(SKILLS))
ORIGIN = "https://verifier.example"
ENCRYPTION = SoftwareSigner.generate()


@pytest.fixture
async def badge(house, holder):
    return await holder.receive(house.issuer.offer_link(configurations=[DC]))


def signer_of(house, **changes):
    verifier = house.verifier
    values = {
        "client_id": verifier.client_id,
        "signer": verifier.signer,
        "key_reference": {"kid": f"{verifier.did}#es256-1"},
    }
    return RequestSigner(**{**values, **changes})


def question(house, *signers, origins=(ORIGIN,), mode="dc_api.jwt", nonce="", **more) -> dict[str, Any]:
    key = {**ENCRYPTION.public_key.jwk, "kid": "e-1"}
    return create_dc_api_request(
        signers=signers,
        expected_origins=origins,
        response_mode=mode,
        nonce=nonce or create_token(16),
        dcql_query=house.verifier.skill_query(FIRST),
        client_metadata=create_client_metadata(encryption_key=key, client_name="Bakker Bouw"),
        issued_at=house.clock(),
        expires_at=house.clock() + timedelta(minutes=5),
        **more,
    )


async def hand_over(holder, asked, origin=ORIGIN):
    return await holder.call("POST", "/dc-requests", {"origin": origin, **asked})


async def accept(holder, opened):
    return await holder.call("POST", f"/requests/{opened.json()['id']}/accept", {})


def shown(house, data, nonce):
    answer = parse_dc_api_response(data)
    if "response" in data:
        answer = decrypt_response(answer, private_jwk={**ENCRYPTION.private_jwk(), "alg": "ECDH-ES", "kid": "e-1"})
    return FORMATS["dc+sd-jwt"].verify_presentation(
        answer.vp_token["skill_1"][0],
        key=house.issuer.signer.public_key,
        algorithms=ALGORITHMS["dc+sd-jwt"],
        audience=f"origin:{ORIGIN}",
        nonce=nonce,
        now=house.clock(),
    )


@pytest.mark.parametrize("mode", ["dc_api", "dc_api.jwt"])
@pytest.mark.parametrize("signatures", [0, 1, 2])
async def test_W55_W49_answer_goes_back_to_the_page_and_is_made_for_its_origin(house, holder, badge, mode, signatures):
    asked = question(house, *[signer_of(house)] * signatures, mode=mode, nonce="abc123")
    opened = await hand_over(holder, asked)
    assert opened.status_code == 201, opened.text
    page = opened.json()
    assert page["verifier"]["host"] == "verifier.example"
    assert page["verifier"]["is_signed"] is bool(signatures)
    assert page["verifier"]["recognition"]["outcome"] == ("recognised" if signatures else "not_listed")
    answer = await accept(holder, opened)
    assert ("response" in answer.json()["data"]) is (mode == "dc_api.jwt")
    assert shown(house, answer.json()["data"], "abc123").holder_key
    assert house.verifier.received == []


async def test_W55_saying_no_goes_back_to_the_page_as_a_code_and_nothing_else(house, holder, badge):
    opened = await hand_over(holder, question(house, signer_of(house)))
    answer = await holder.call("POST", f"/requests/{opened.json()['id']}/decline", {})
    assert answer.json() == {"data": {"error": "access_denied"}}


@pytest.mark.parametrize(
    ("origins", "failure"), [(["https://elsewhere.example"], "sender_origin"), ([], "question_parameters")]
)
async def test_W55_signed_question_on_another_page_is_refused(house, holder, badge, origins, failure):
    """WrongExpectedOrigins."""
    refused = await hand_over(holder, question(house, signer_of(house), origins=origins))
    assert (refused.status_code, refused.json()["failure"]) == (400, failure)


async def test_W55_one_signature_of_several_that_holds_is_enough(house, holder, badge):
    """MultiSignedOneInvalidSignature: the first signature is invalid, the second holds."""
    bad = signer_of(house, signer=SoftwareSigner.generate())
    opened = await hand_over(holder, question(house, bad, signer_of(house), nonce="abc123"))
    assert opened.status_code == 201
    assert shown(house, (await accept(holder, opened)).json()["data"], "abc123")


async def test_W55_no_signature_that_holds_is_refused(house, holder, badge):
    bad = signer_of(house, signer=SoftwareSigner.generate())
    refused = await hand_over(holder, question(house, bad, bad))
    assert (refused.json()["code"], refused.json()["failure"]) == ("request_refused", "sender_signature")


@pytest.mark.parametrize("origin", ["https://verifier.example/", "http://verifier.example", "verifier.example", "null"])
async def test_W55_origin_is_as_browsers_write_it(house, holder, badge, origin):
    refused = await hand_over(holder, question(house, signer_of(house)), origin=origin)
    assert (refused.status_code, refused.json()["code"]) == (400, "request_refused")
    assert (refused.json()["failure"], refused.json()["rule"]) == ("page_origin", "OpenID4VP 1.0 A.2")


@pytest.mark.parametrize(
    ("client_id", "failure", "rule"),
    [
        ("redirect_uri:https://verifier.example", "page_client_id", "OpenID4VP 1.0 §5.9.3"),
        ("origin:https://verifier.example", "page_client_id", "OpenID4VP 1.0 §5.9.3"),
        ("did:web:verifier.example", "page_client_id", "OpenID4VP 1.0 §5.9.3"),
        ("decentralized_identifier:did:web:elsewhere.example", "sender_proof", "OpenID4VP 1.0 §5.9.3"),
        (None, "page_request", "OpenID4VP 1.0 A.3"),
    ],
)
async def test_W55_A34_who_signs_under_no_name_of_a_signer_is_told_so_and_not_of_a_link(
    house, holder, badge, client_id, failure, rule
):
    refused = await hand_over(holder, change(house, client_id=client_id))
    body = refused.json()
    assert (refused.status_code, body["failure"], body["rule"]) == (400, failure, rule)
    assert "link" not in body["title"]
    assert "request_id" not in body


def change(house, **members):
    """A signed question with these members instead, None for left out."""
    asked = question(house, signer_of(house))
    payload = {**parse_jwt(asked["data"]["request"]).payload, **members}
    payload = {name: value for name, value in payload.items() if value is not None}
    header = {"kid": f"{house.verifier.did}#es256-1"}
    signed = sign_jwt(payload, signer=house.verifier.signer, typ="oauth-authz-req+jwt", header=header)
    return {**asked, "data": {"request": signed}}


def unsigned(house, **members):
    asked = question(house)
    data = {name: value for name, value in {**asked["data"], **members}.items() if value is not None}
    return {**asked, "data": data}


@pytest.mark.parametrize("make", [change, unsigned])
@pytest.mark.parametrize(
    ("members", "failure", "error"),
    [
        ({"dcql_query": {"credentials": []}}, "question_query", "invalid_request"),
        ({"dcql_query": None, "scope": "com.example.diploma"}, "question_scope", "invalid_scope"),
        ({"client_metadata": 5}, "question_parameters", "invalid_request"),
    ],
)
async def test_W53_W55_page_of_a_bad_question_hears_what_is_wrong_after_the_person_acted(
    house, holder, badge, make, members, failure, error
):
    """Named as for the same question over `direct_post`."""
    refused = await hand_over(holder, make(house, **members))
    body = refused.json()
    assert (refused.status_code, body["failure"], "data" in body) == (400, failure, False)
    told = await holder.call("POST", f"/requests/{body['request_id']}/decline", {})
    assert told.json() == {"data": {"error": error}}
    [entry] = [entry for entry in await holder.history() if entry["kind"] == "declined"]
    assert entry["party_name"] == "verifier.example"
    assert house.verifier.received == []


async def test_W53_W55_of_several_signers_one_that_is_certain_hears_what_is_wrong(house, holder, badge):
    bad = signer_of(house, signer=SoftwareSigner.generate())
    asked = question(house, bad, signer_of(house), nonce="abc123")
    signatures = [change_payload(house, each, dcql_query=1) for each in (bad, signer_of(house), bad)]
    parts = [each.split(".") for each in signatures]
    data = {"payload": parts[0][1], "signatures": [{"protected": head, "signature": tail} for head, _, tail in parts]}
    body = (await hand_over(holder, {**asked, "data": {"request": data}})).json()
    assert body["failure"] == "question_query"
    told = await holder.call("POST", f"/requests/{body['request_id']}/decline", {})
    assert told.json() == {"data": {"error": "invalid_request"}}


def change_payload(house, by, **members):
    """What several sign, with these members instead, signed by one of them."""
    asked = question(house, by, by, nonce="abc123")
    listed = asked["data"]["request"]
    payload = parse_jwt(
        f"{listed['signatures'][0]['protected']}.{listed['payload']}.{listed['signatures'][0]['signature']}"
    )
    header = {**by.key_reference, "client_id": by.client_id}
    return sign_jwt({**payload.payload, **members}, signer=by.signer, typ="oauth-authz-req+jwt", header=header)


@pytest.mark.parametrize("make", [change, unsigned])
async def test_W51_W55_page_that_gave_no_usable_key_hears_an_error_and_never_the_data(house, holder, badge, make):
    opened = await hand_over(holder, make(house, client_metadata=create_client_metadata(encryption_key=None)))
    assert opened.status_code == 201
    refused = await accept(holder, opened)
    assert (refused.status_code, refused.json()["failure"]) == (400, "answer_encryption")
    assert refused.json()["data"] == {"error": "invalid_request"}


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        ({"protocol": "openid4vp-v2"}, "page_protocol"),
        ({"protocol": "openid4vp-v1-signed"}, "page_request"),
        ({"data": {}}, "question_query"),
        ({"data": {"response_mode": "direct_post"}}, "question_parameters"),
    ],
)
async def test_W55_question_that_is_no_question_is_refused(house, holder, badge, change, failure):
    asked = question(house)
    changed = {**asked, **change}
    if "response_mode" in change.get("data", {}):
        changed["data"] = {**asked["data"], **change["data"]}
    refused = await hand_over(holder, changed)
    assert (refused.status_code, refused.json()["failure"]) == (400, failure)


async def test_W58_page_is_answered_once_by_eight_at_the_same_time(house_twice):
    house = house_twice
    holder = await house.new_holder()
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    opened = await hand_over(holder, question(house, signer_of(house)))
    answers = await asyncio.gather(*(accept(holder, opened) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7


async def test_W31_what_went_to_a_page_stands_in_the_history(house, holder, badge):
    await accept(holder, await hand_over(holder, question(house)))
    [entry] = [entry for entry in await holder.history() if entry["kind"] == "shared"]
    assert entry["party_id"] == f"origin:{ORIGIN}"
    assert entry["outcome"] == "unconfirmed"
