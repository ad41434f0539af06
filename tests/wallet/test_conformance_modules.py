"""The wallet modules of the OpenID Foundation's conformance suite for OpenID4VP 1.0, each as a test of our own.

The suite itself needs infrastructure that a laptop lacks. Each docstring names the module; what it does is told in
LESSONS.md §6, in the module's own summary, and in the sections of the specification that it names.
"""

import json
from urllib.parse import quote

import pytest

from kernel.jwe import decrypt_jwe
from kernel.keys import SoftwareSigner
from kernel.openid4vp import (
    ErrorResponse,
    create_client_metadata,
    create_unsigned_parameters,
    create_unsigned_request_link,
)
from kernel.sd_jwt import parse_sd_jwt
from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC

pytestmark = pytest.mark.over_http

FIRST, SECOND, *_ = SKILLS


@pytest.fixture(autouse=True)
async def badge(house, holder):
    return await holder.receive(house.issuer.offer_link(configurations=[DC]))


async def refused(holder, link):
    answer = await holder.call("POST", "/requests", {"request": link})
    assert answer.status_code == 400
    return answer.json()


async def accept(holder, link):
    asked = await holder.open_request(link)
    return await holder.call("POST", f"/requests/{asked['id']}/accept", {})


async def test_W40_W41_W51_W52_unusual_but_good_request_is_answered(house, holder):
    """AlternateHappyFlow: a long nonce and state, unknown parameters in and beside the request object, an `iss` that is
    not the client, parameters in another order, an encryption key without `use`, and a `redirect_uri` in the reply."""
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    key = {**house.verifier._encryption_key.public_key.jwk, "kid": "enc-1", "alg": "ECDH-ES"}
    house.verifier.nonce, house.verifier.state = "n" * 43, "s" * 64
    metadata = create_client_metadata(encryption_key=None) | {"jwks": {"keys": [key]}}
    house.verifier.more = {
        "iss": "https://somebody-else.example",
        "unknown": {"x": [1]},
        "client_metadata": metadata,
    }
    house.verifier.redirect_uri = "https://verifier.example/bakker/done#response_code=abc"
    scheme, _, query = link.partition("?")
    reordered = f"{scheme}?" + "&".join(["random=1", *reversed(query.split("&"))])
    answer = await accept(holder, reordered)
    assert answer.json() == {"redirect_uri": house.verifier.redirect_uri}
    assert house.verifier.received[-1].state == "s" * 64
    assert house.verifier.verify("skill_1", house.issuer.signer.public_key)


async def test_W43_address_that_the_client_identifier_says_need_not_be_said_again(house, holder):
    """AlternateHappyFlow, the variant of `redirect_uri`: without `response_uri` the identifier has the address."""
    house.verifier.ask(house.verifier.skill_query(FIRST))
    parameters = create_unsigned_parameters(
        response_mode="direct_post",
        response_uri=f"{house.verifier.base}/responses/1",
        nonce=house.verifier.nonce,
        state=house.verifier.state,
        dcql_query=house.verifier.skill_query(FIRST),
        client_metadata=create_client_metadata(encryption_key=None),
    )
    del parameters["response_uri"]
    assert (await accept(holder, create_unsigned_request_link(parameters))).status_code == 200
    assert len(house.verifier.received) == 1


async def test_W48_only_what_was_asked_leaves_although_the_badge_has_more(house, holder):
    """FewerClaimsThanAvailable."""
    query = house.verifier.skill_query(FIRST)
    query["credentials"][0]["claims"] = [{"path": ["given_name"]}]
    await accept(holder, house.verifier.ask(query))
    [raw] = house.verifier.received[-1].vp_token["skill_1"]
    assert [disclosure.name for disclosure in parse_sd_jwt(raw).disclosures] == ["given_name"]


async def test_W51_key_that_cannot_be_used_is_passed_over(house, holder):
    """IgnoresUnusableEncryptionKey: unknown kinds, other curves and signing keys stand before the one that works."""
    good = {**house.verifier._encryption_key.public_key.jwk, "kid": "enc-1", "alg": "ECDH-ES", "use": "enc"}
    unusable = [
        {"kty": "unknown", "kid": "u-1", "alg": "ECDH-ES", "use": "enc"},
        {"kty": "OKP", "crv": "X25519", "x": "AAAA", "kid": "u-2", "alg": "ECDH-ES", "use": "enc"},
        {**SoftwareSigner.generate().public_key.jwk, "kid": "u-3", "alg": "ES256", "use": "sig"},
        {**SoftwareSigner.generate().public_key.jwk, "kid": "u-4", "use": "enc"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "u-5", "alg": "RSA-OAEP-256", "use": "enc"},
    ]
    metadata = create_client_metadata(encryption_key=None) | {"jwks": {"keys": [*unusable, good]}}
    house.verifier.more = {"client_metadata": metadata}
    assert (await accept(holder, house.verifier.ask(house.verifier.skill_query(FIRST)))).status_code == 200
    private = {**house.verifier._encryption_key.private_jwk(), "alg": "ECDH-ES", "kid": "enc-1"}
    sent = house.verifier.raw_forms[-1]["response"]
    assert decrypt_jwe(sent, private_jwk=private, enc_values=frozenset({"A128GCM", "A256GCM"}))


@pytest.mark.parametrize(
    ("prefix", "failure"),
    [
        ("invalid", "client_id"),
        ("origin", "client_id"),
        ("Decentralized_identifier", "client_id"),
        ("did", "client_id_draft"),
        ("https", "client_id_draft"),
        ("x509_san_uri", "client_id_draft"),
    ],
)
async def test_W43_A34_client_identifier_with_an_unknown_prefix_is_refused(house, holder, prefix, failure):
    """InvalidClientIdPrefix; those of drafts are known as such."""
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    wrong = quote(f"{prefix}:{house.verifier.did}", safe="")
    body = await refused(holder, link.replace(quote(house.verifier.client_id, safe=""), wrong))
    assert (body["failure"], house.verifier.requests) == (failure, [])


async def test_W41_request_object_with_an_invalid_signature_is_refused(house, holder):
    """InvalidRequestObjectSignature."""
    house.verifier.misbehave = "signed_by_another_key"
    body = await refused(holder, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert body["failure"] == "sender_signature"
    assert "request_id" not in body


async def test_W41_A34_request_object_of_another_client_than_the_link_is_refused(house, holder):
    """MismatchedClientIdInRequestObject."""
    house.verifier.misbehave = "another_client_id_inside"
    body = await refused(holder, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert body["failure"] == "sender_identity"


async def test_W45_request_without_a_nonce_is_refused(house, holder):
    """MissingNonce."""
    house.verifier.misbehave = "without_nonce"
    body = await refused(holder, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert body["failure"] == "question_parameters"
    await holder.call("POST", f"/requests/{body['request_id']}/decline", {})
    assert house.verifier.received == [ErrorResponse("invalid_request", None, house.verifier.state)]


async def test_W48_K95_query_without_claims_gets_what_cannot_be_kept_back_and_no_more(house, holder):
    """NoClaimsInDcqlQuery."""
    query = house.verifier.skill_query(FIRST)
    del query["credentials"][0]["claims"]
    await accept(holder, house.verifier.ask(query))
    [raw] = house.verifier.received[-1].vp_token["skill_1"]
    assert parse_sd_jwt(raw).disclosures == ()
    assert parse_sd_jwt(raw).key_binding_jwt


@pytest.mark.parametrize("is_held", [True, False])
async def test_W48_K96_optional_set_may_be_left_out_whether_it_is_held_or_not(house, holder, is_held):
    """OptionalCredentialSet."""
    query = house.verifier.skill_query(FIRST, SECOND if is_held else "http://data.europa.eu/esco/skill/unknown")
    query["credential_sets"] = [{"options": [["skill_1"]]}, {"options": [["skill_2"]], "required": False}]
    assert (await accept(holder, house.verifier.ask(query))).status_code == 200
    assert list(house.verifier.received[-1].vp_token) == ["skill_1"]


async def test_W45_redirect_uri_beside_a_mode_that_posts_is_refused(house, holder):
    """RedirectUriWithDirectPost."""
    house.verifier.misbehave = "with_redirect_uri"
    body = await refused(holder, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert body["failure"] == "question_parameters"
    await holder.call("POST", f"/requests/{body['request_id']}/decline", {})
    assert house.verifier.received == [ErrorResponse("invalid_request", None, house.verifier.state)]


async def test_W42_request_is_fetched_by_post_with_metadata_and_a_nonce_that_comes_back(house, holder):
    """RequestUriMethodPost."""
    link = house.verifier.ask(house.verifier.skill_query(FIRST), method="post")
    assert (await accept(holder, link)).status_code == 200
    assert house.verifier.requests[0] == "POST /requests"
    [form] = house.verifier.wallet_forms
    assert len(form["wallet_nonce"]) >= 22
    assert json.loads(form["wallet_metadata"])["vp_formats_supported"]["dc+sd-jwt"]


async def test_W48_W53_K96_required_credential_that_is_not_held_means_nothing_at_all_is_shown(house, holder):
    """RequiredNonMatchingCredential."""
    query = house.verifier.skill_query(FIRST, "http://data.europa.eu/esco/skill/unknown")
    asked = await holder.open_request(house.verifier.ask(query))
    assert (asked["answerable"], asked["share"]) == (False, [])
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).json()["code"] == "no_match"
    assert house.verifier.received == []
    await holder.call("POST", f"/requests/{asked['id']}/decline", {})
    assert house.verifier.received == [ErrorResponse("access_denied", None, house.verifier.state)]


async def test_W43_A35_answer_to_an_address_that_is_not_the_client_is_refused(house, holder):
    """ResponseUriNotClientId."""
    house.verifier.misbehave = "answer_to_another_party"
    body = await refused(holder, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert body["failure"] == "sender_address"


async def test_W54_transaction_data_of_an_unknown_type_is_refused(house, holder):
    """UnknownTransactionDataType."""
    house.verifier.misbehave = "transaction_data_of_an_unknown_type"
    body = await refused(holder, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert body["failure"] == "question_transaction"
    await holder.call("POST", f"/requests/{body['request_id']}/decline", {})
    assert house.verifier.received == [ErrorResponse("invalid_transaction_data", None, house.verifier.state)]
