"""Tokens bound to a key, wallets that somebody vouches for, encrypted requests: what HAIP's issuers ask of a wallet."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette

from kernel.jwt import parse_jwt
from kernel.openid4vci import PRE_AUTHORIZED_CODE_GRANT
from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC, VC
from tests.support.simulated_verifier import SimulatedVerifier
from tests.wallet.test_hostile_parties import intercept
from wallet.models import CredentialCopy

pytestmark = pytest.mark.over_http

FIRST, *_ = SKILLS

CODE = ("authorization_code",)
ATTESTED = {"jwt": {"proof_signing_alg_values_supported": ["ES256"], "key_attestations_required": {}}}
BY_ATTESTATION = {"attestation": {"proof_signing_alg_values_supported": ["ES256"], "key_attestations_required": {}}}


@pytest.fixture
def bound(house):
    house.issuer.binds = True
    return house


async def take(house, holder, **more):
    """Receive a badge by signing in, and return the wallet's last answer."""
    _, url = await holder.begin(house.issuer.offer_link(**{"grants": CODE, "configurations": [DC], **more}))
    return await holder.come_back(await house.visit(url))


# --- DPoP


@pytest.mark.parametrize("wants_nonces", [False, True])
async def test_W09_token_is_bound_to_a_key_and_every_request_proves_it(bound, holder, wants_nonces):
    bound.issuer.wants_nonces = wants_nonces
    assert (await take(bound, holder)).status_code == 201
    assert bound.issuer.pushed[-1].dpop_jkt is not None
    assert bound.issuer.notifications[-1][1] == "credential_accepted"


@pytest.mark.parametrize("wants_nonces", [False, True])
async def test_W09_token_of_a_pre_authorized_code_is_bound_too(bound, holder, wants_nonces):
    bound.issuer.wants_nonces = wants_nonces
    await holder.receive(bound.issuer.offer_link(configurations=[DC]))
    posts = [line for line in bound.issuer.requests if line == "POST /token"]
    assert len(posts) == (2 if wants_nonces else 1)


async def test_W09_every_issuance_has_a_key_of_its_own(bound, holder):
    for _ in range(2):
        assert (await take(bound, holder)).status_code == 201
    keys = {pushed.dpop_jkt for pushed in bound.issuer.pushed}
    assert len(keys) == 2
    assert keys.isdisjoint(bound.issuer.holder_keys)


async def test_W09_nonce_that_is_never_right_is_tried_once_more_and_no_further(bound, holder):
    bound.issuer.wants_nonces = True
    offer = await holder.open_offer(bound.issuer.offer_link(configurations=[DC]))
    bound.issuer.misbehave = "token_nonce_loop"
    answer = await holder.accept(offer["id"])
    assert (answer.json()["code"], answer.json()["failed_step"]) == ("issuer_failed", "token")
    assert answer.json()["answered"] == "use_dpop_nonce"
    assert bound.issuer.requests.count("POST /token") == 2


async def test_W09_nonce_of_the_issuer_that_is_never_right_is_tried_once_more_and_no_further(bound, holder):
    bound.issuer.wants_nonces = True
    offer = await holder.open_offer(bound.issuer.offer_link(configurations=[DC]))
    bound.issuer.misbehave = "credential_nonce_loop"
    assert (await holder.accept(offer["id"])).json()["failed_step"] == "credential"
    assert bound.issuer.requests.count("POST /credential") == 2


async def test_A31_bearer_token_from_a_server_that_binds_tokens_is_refused(bound, holder):
    offer = await holder.open_offer(bound.issuer.offer_link(configurations=[DC]))
    bound.issuer.misbehave = "bearer_instead"
    assert (await holder.accept(offer["id"])).json()["code"] == "issuer_failed"
    assert "POST /credential" not in bound.issuer.requests


async def test_A31_token_of_a_type_that_was_not_asked_for_is_refused(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    house.issuer.misbehave = "token_bound_to_a_key"
    assert (await holder.accept(offer["id"])).json()["code"] == "issuer_failed"


async def test_A56_offered_dpop_is_remembered_from_before_consent(bound, holder):
    """An issuer, or whoever stands between, cannot take the binding away after the person said yes."""
    offer = await holder.open_offer(bound.issuer.offer_link(configurations=[DC]))
    bound.issuer.binds = False
    assert (await holder.accept(offer["id"])).json()["code"] == "issuer_failed"
    assert "POST /credential" not in bound.issuer.requests


# --- the wallet's attestation


@pytest.fixture
def attested(house):
    house.issuer.binds, house.issuer.wants_attestation = True, True
    house.issuer.server_members = {"pre-authorized_grant_anonymous_access_supported": None}
    return house


@pytest.mark.parametrize("way", ["attest_jwt_client_auth", "attest_jwt_client_auth_dpop"])
async def test_I45_I48_W12_wallet_says_which_wallet_it_is_at_par_and_token_endpoint(attested, holder, way):
    attested.issuer.attestation_ways = (way,)
    assert (await take(attested, holder)).status_code == 201
    par, token = attested.issuer.client_headers
    for headers in (par, token):
        assert "oauth-client-attestation" in headers
        assert ("oauth-client-attestation-pop" in headers) is (way == "attest_jwt_client_auth")
    assert attested.issuer.pushed[0].client_id == "https://wallet.example"


async def test_I47_attestations_of_two_people_differ_in_nothing_but_their_key(attested, holder):
    await take(attested, holder)
    await take(attested, await attested.new_holder("Ander"))
    payloads = [
        dict(parse_jwt(headers["oauth-client-attestation"]).payload) for headers in attested.issuer.client_headers[::2]
    ]
    keys = [json.dumps(payload.pop("cnf")) for payload in payloads]
    assert payloads[0] == payloads[1]
    assert keys[0] != keys[1]
    assert payloads[0]["sub"] == "https://wallet.example"


async def test_A33_attestation_and_tokens_have_one_key(attested, holder):
    await take(attested, holder)
    attestation = parse_jwt(attested.issuer.client_headers[0]["oauth-client-attestation"])
    proof = parse_jwt(attested.issuer.client_headers[0]["dpop"])
    assert attestation.payload["cnf"]["jwk"] == proof.header["jwk"]


@pytest.mark.parametrize("way", ["attest_jwt_client_auth", "attest_jwt_client_auth_dpop"])
async def test_I46_challenge_that_is_never_right_is_tried_once_more_and_no_further(attested, holder, way):
    attested.issuer.attestation_ways = (way,)
    offer = await holder.open_offer(attested.issuer.offer_link(grants=CODE, configurations=[DC]))
    attested.issuer.misbehave = "challenge_loop"
    answer = await holder.call("POST", f"/offers/{offer['id']}/authorization", {})
    assert (answer.json()["failed_step"], answer.json()["answered"]) == ("par", "use_attestation_challenge")
    assert attested.issuer.requests.count("POST /par") == 2


async def test_I46_challenge_endpoint_that_breaks_is_explained_and_nothing_is_spent(attested, holder):
    offer = await holder.open_offer(attested.issuer.offer_link(grants=CODE, configurations=[DC]))
    attested.issuer.misbehave = "challenge_breaks"
    answer = await holder.call("POST", f"/offers/{offer['id']}/authorization", {})
    assert (answer.status_code, answer.json()["failed_step"]) == (503, "challenge")
    attested.issuer.misbehave = ""
    assert (await holder.call("POST", f"/offers/{offer['id']}/authorization", {})).status_code == 201


@pytest.mark.parametrize("misbehaviour", ["", "wallet_refused"])
async def test_W12_wallet_that_a_server_does_not_take_is_told_so(attested, holder, misbehaviour):
    """Since it trusts no provider of wallets, or for no reason that it tells."""
    attested.issuer.misbehave = misbehaviour
    if not misbehaviour:
        attested.issuer.anchors.clear()
    offer = await holder.open_offer(attested.issuer.offer_link(grants=CODE, configurations=[DC]))
    answer = await holder.call("POST", f"/offers/{offer['id']}/authorization", {})
    assert (answer.status_code, answer.json()["code"]) == (502, "wallet_not_known")
    assert answer.json()["answered"] == "invalid_client_attestation"


async def test_I47_anonymous_access_stays_anonymous(attested, holder):
    attested.issuer.server_members = {"pre-authorized_grant_anonymous_access_supported": True}
    attested.issuer.wants_attestation = False
    attested.issuer.server_members["token_endpoint_auth_methods_supported"] = ["attest_jwt_client_auth", "none"]
    await holder.receive(attested.issuer.offer_link(configurations=[DC]))
    [form] = attested.issuer.token_forms
    assert form["grant_type"] == PRE_AUTHORIZED_CODE_GRANT
    assert "client_id" not in form
    assert "oauth-client-attestation" not in attested.issuer.client_headers[0]


async def test_I33_pre_authorized_code_is_redeemed_with_an_attestation_where_it_must(attested, holder):
    await holder.receive(attested.issuer.offer_link(configurations=[DC]))
    [form] = attested.issuer.token_forms
    assert form["client_id"] == "https://wallet.example"
    assert "oauth-client-attestation" in attested.issuer.client_headers[0]


# --- key attestations


@pytest.mark.parametrize(("supported", "used"), [(ATTESTED, "jwt"), (BY_ATTESTATION, "attestation")])
@pytest.mark.parametrize("batch_size", [1, 4])
async def test_W12_keys_are_vouched_for_in_both_proof_types(house, holder, supported, used, batch_size):
    house.issuer.proof_types_supported = supported
    house.issuer.batch_size = batch_size
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    assert house.issuer.proof_types == [used]
    assert len(set(house.issuer.holder_keys)) == batch_size


async def test_W12_plain_proof_is_preferred_where_nobody_asks_for_more(house, holder):
    house.issuer.proof_types_supported |= BY_ATTESTATION
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    assert house.issuer.proof_types == ["jwt"]


async def test_W12_stronger_storage_than_ours_is_not_claimed(house, holder):
    house.issuer.proof_types_supported = {
        "jwt": {
            "proof_signing_alg_values_supported": ["ES256"],
            "key_attestations_required": {"key_storage": ["iso_18045_high"]},
        }
    }
    answer = await holder.call("POST", "/offers", {"offer": house.issuer.offer_link(configurations=[DC])})
    assert (answer.status_code, answer.json()["code"]) == (400, "offer_not_supported")


# --- encryption


@pytest.mark.parametrize("encrypts", ["offered", "required"])
@pytest.mark.parametrize("prepares", [0, 1])
async def test_W17_request_and_answer_are_encrypted_where_the_issuer_can(house, holder, encrypts, prepares):
    house.issuer.encrypts, house.issuer.prepares = encrypts, prepares
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    answer = await holder.accept(offer["id"])
    assert answer.status_code == 201
    if prepares:
        house.clock.advance(timedelta(minutes=1))
        assert len((await holder.call("POST", "/awaited")).json()["credentials"]) == 1
    wanted = [envelope["jwk"]["kid"] for envelope in house.issuer.envelopes]
    assert len(set(wanted)) == len(wanted) == 1 + prepares
    sent = [request for request in house.transport.requests if request.url.path.endswith(("/credential", "/deferred"))]
    assert {request.headers["content-type"] for request in sent} == {"application/jwt"}


@pytest.mark.parametrize("misbehaviour", ["answer_in_the_open", "encrypted_to_another_key", "encrypted_in_another_way"])
async def test_A32_A40_answer_that_is_not_encrypted_as_asked_is_refused(house, holder, misbehaviour):
    house.issuer.encrypts = "required"
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    house.issuer.misbehave = misbehaviour
    answer = await holder.accept(offer["id"])
    assert (answer.status_code, answer.json()["code"], answer.json()["failed_step"]) == (
        502,
        "issuer_failed",
        "credential",
    )
    assert await holder.badges() == []


async def test_W17_encryption_that_the_wallet_cannot_do_is_said_to_be_so(house, holder):
    house.issuer.metadata_members = {
        "credential_response_encryption": {
            "alg_values_supported": ["RSA-OAEP-256"],
            "enc_values_supported": ["A256GCM"],
            "encryption_required": True,
        }
    }
    answer = await holder.call("POST", "/offers", {"offer": house.issuer.offer_link(configurations=[DC])})
    assert (answer.status_code, answer.json()["code"]) == (400, "offer_not_supported")


# --- several copies


async def test_W13_several_copies_come_each_with_a_key_of_its_own(house, holder):
    house.issuer.batch_size = 20
    badge = await holder.receive(house.issuer.offer_link(configurations=[DC, VC]))
    assert badge["formats"] == ["dc+sd-jwt", "vc+sd-jwt"]
    assert len(await holder.badges()) == 1
    assert len(house.issuer.holder_keys) == len(set(house.issuer.holder_keys)) == 10


@pytest.mark.parametrize("encrypts", ["no", "required"])
async def test_W13_K86_limit_is_that_of_each_copy_and_not_of_all_together(house, holder, encrypts):
    house.issuer.batch_size, house.issuer.encrypts = 5, encrypts
    house.issuer.planted_hidden = {"essay": "x" * 200_000}
    badge = await holder.receive(house.issuer.offer_link(configurations=[DC, VC]))
    assert badge["formats"] == ["dc+sd-jwt", "vc+sd-jwt"]
    assert len(set(house.issuer.holder_keys)) == 10


async def test_W13_W14_K86_limit_of_what_was_awaited_is_that_of_each_copy_too(house, holder):
    house.issuer.batch_size, house.issuer.misbehave = 5, "deferred"
    house.issuer.planted_hidden = {"essay": "x" * 200_000}
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    await holder.accept(offer["id"])
    house.issuer.misbehave = None
    for _ in range(2):
        house.clock.advance(timedelta(minutes=2))
        await holder.call("POST", "/awaited")
    assert len(await holder.badges()) == 1


async def test_W13_K86_answer_that_is_larger_than_all_copies_may_be_is_refused(house, holder):
    house.issuer.batch_size = 2
    house.issuer.planted_hidden = {f"essay{number}": "x" * 600_000 for number in range(3)}
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    assert (await holder.accept(offer["id"])).status_code == 502
    assert await holder.badges() == []


async def test_W13_each_verifier_gets_a_copy_of_its_own_and_the_same_one_again(house, holder):
    house.issuer.batch_size = 3
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    verifiers = {slug: SimulatedVerifier(house.clock, slug=slug) for slug in ("a", "b", "c")}
    shown = [await _show(house, holder, verifiers[slug]) for slug in ("a", "b", "a", "c", "b")]
    first, second, again, third, second_again = shown
    assert (first, second) == (again, second_again)
    assert len({first, second, third}) == 3


@pytest.mark.parametrize(
    ("misbehaviour", "check"), [("two_copies_to_one_key", "holder_binding"), ("copies_that_differ", "type")]
)
async def test_W15_copies_that_are_no_copies_are_refused(house, holder, misbehaviour, check):
    house.issuer.batch_size = 3
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    house.issuer.misbehave = misbehaviour
    answer = await holder.accept(offer["id"])
    assert (answer.json()["code"], answer.json()["step"]) == ("credential_refused", check)
    assert await holder.badges() == []


async def test_W13_fewer_copies_than_asked_are_kept(house, holder):
    house.issuer.batch_size = 4
    house.issuer.misbehave = "fewer_copies"
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    assert len(await holder.badges()) == 1


async def _show(house, holder, verifier: SimulatedVerifier) -> str:
    """Show the badge to this verifier, and return the key that the copy was bound to."""
    house.transport.apps["verifier.example:443"] = verifier.app()
    house.clock.advance(timedelta(seconds=1))
    asked = await holder.open_request(verifier.ask(verifier.skill_query(FIRST)))
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert answer.status_code == 200
    [presented] = verifier.received[-1].vp_token["skill_1"]
    return str(parse_jwt(presented.partition("~")[0]).payload["cnf"]["jwk"]["x"])


async def _ask_at_once(house, holder, slugs) -> list[str]:
    """Answer a question of each of these at the same moment, and return the key that each copy was bound to."""
    verifiers = [SimulatedVerifier(house.clock, slug=slug) for slug in slugs]
    routes = [route for verifier in verifiers for route in verifier.app().routes]
    house.transport.apps["verifier.example:443"] = Starlette(routes=routes)
    asked = [await holder.open_request(verifier.ask(verifier.skill_query(FIRST))) for verifier in verifiers]
    answers = await asyncio.gather(*(holder.call("POST", f"/requests/{one['id']}/accept", {}) for one in asked))
    assert [answer.status_code for answer in answers] == [200] * len(slugs)
    shown = [presented for verifier in verifiers for one in verifier.received for presented in one.vp_token["skill_1"]]
    return [str(parse_jwt(presented.partition("~")[0]).payload["cnf"]["jwk"]["x"]) for presented in shown]


async def test_W13_A48_no_copy_goes_to_two_verifiers_that_ask_at_the_same_moment(house_twice):
    holder = await house_twice.new_holder()
    house_twice.issuer.batch_size = 5
    await holder.receive(house_twice.issuer.offer_link(configurations=[DC]))
    shown = await _ask_at_once(house_twice, holder, ["a1", "b1", "c1", "d1", "e1"])
    assert len(set(shown)) == 5


async def test_W13_when_the_stock_ends_eight_at_the_same_moment_are_all_answered(house_twice):
    holder = await house_twice.new_holder()
    house_twice.issuer.batch_size = 3
    await holder.receive(house_twice.issuer.offer_link(configurations=[DC]))
    shown = await _ask_at_once(house_twice, holder, [f"v{number}" for number in range(8)])
    assert (len(shown), len(set(shown))) == (8, 3)


async def test_W13_W58_question_answered_eight_times_at_once_uses_one_copy(house_twice):
    house, holder = house_twice, await house_twice.new_holder()
    house.issuer.batch_size = 5
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    verifier = SimulatedVerifier(house.clock, slug="a")
    house.transport.apps["verifier.example:443"] = verifier.app()
    asked = await holder.open_request(verifier.ask(verifier.skill_query(FIRST)))
    answers = await asyncio.gather(*(holder.call("POST", f"/requests/{asked['id']}/accept", {}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    async with house.app.state.service.database.reading() as session:
        used = await session.scalar(select(func.count()).where(CredentialCopy.shown_to.is_not(None)))
    assert used == 1


async def test_W13_question_that_was_declined_uses_no_copy(house, holder):
    house.issuer.batch_size = 2
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    for action in ("decline", "accept"):
        await holder.call("POST", f"/requests/{asked['id']}/{action}", {})
    async with house.app.state.service.database.reading() as session:
        assert await session.scalar(select(func.count()).where(CredentialCopy.shown_to.is_not(None))) == 0


async def test_W13_I32_new_copies_come_when_all_were_shown_and_never_while_one_is_left(house, holder):
    house.issuer.batch_size, house.issuer.refreshes, house.issuer.binds = 2, True, True
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    verifiers = {slug: SimulatedVerifier(house.clock, slug=slug) for slug in ("a", "b", "c", "d")}
    house.clock.advance(timedelta(minutes=10))
    first = await _show(house, holder, verifiers["a"])
    await holder.call("POST", "/awaited")
    assert len(house.issuer.holder_keys) == 2
    second = await _show(house, holder, verifiers["b"])
    await holder.call("POST", "/awaited")
    assert len(house.issuer.holder_keys) == 4
    assert house.issuer.token_forms[-1]["grant_type"] == "refresh_token"
    third, fourth = [await _show(house, holder, verifiers[slug]) for slug in ("c", "d")]
    assert len({first, second, third, fourth}) == 4
    assert len(await holder.badges()) == 1


async def test_W13_issuer_that_gives_no_more_is_asked_once_and_the_badge_can_still_be_shown(house, holder):
    house.issuer.batch_size, house.issuer.refreshes = 2, True
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    verifiers = {slug: SimulatedVerifier(house.clock, slug=slug) for slug in ("a", "b", "c")}
    first, _ = [await _show(house, holder, verifiers[slug]) for slug in ("a", "b")]
    house.issuer.misbehave = "refresh_refused"
    house.clock.advance(timedelta(minutes=10))
    for _ in range(3):
        await holder.call("POST", "/awaited")
    assert [form["grant_type"] for form in house.issuer.token_forms].count("refresh_token") == 1
    assert await _show(house, holder, verifiers["c"]) == first


async def test_W13_W31_badge_that_is_deleted_while_new_copies_come_is_gone(house_twice):
    house, holder = house_twice, await house_twice.new_holder()
    house.issuer.batch_size, house.issuer.refreshes = 2, True
    badge = await holder.receive(house.issuer.offer_link(configurations=[DC]))
    for slug in ("a", "b"):
        await _show(house, holder, SimulatedVerifier(house.clock, slug=slug))
    house.clock.advance(timedelta(minutes=10))

    async def delete_first():
        assert (await holder.call("DELETE", f"/credentials/{badge['id']}")).status_code == 204

    intercept(house, "/credential", before=delete_first)
    assert (await holder.call("POST", "/awaited")).status_code == 200
    assert await holder.badges() == []
    async with house.app.state.service.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(CredentialCopy)) == 0


async def test_W13_new_copies_that_say_something_else_are_not_taken(house, holder):
    house.issuer.batch_size, house.issuer.refreshes = 2, True
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    verifiers = {slug: SimulatedVerifier(house.clock, slug=slug) for slug in ("a", "b", "c")}
    first, _ = [await _show(house, holder, verifiers[slug]) for slug in ("a", "b")]
    achievement = {**house.issuer.dataset.achievement, "name": "Something else"}
    house.issuer.dataset = replace(house.issuer.dataset, achievement=achievement)
    house.clock.advance(timedelta(minutes=10))
    await holder.call("POST", "/awaited")
    assert await _show(house, holder, verifiers["c"]) == first
