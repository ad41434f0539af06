"""How the wallet proves its keys: by token, by presentation, by attestation. OpenID4VCI 1.0 Appendix F; W-11, I-59."""

import pytest

from kernel.did import resolve_static_did
from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC, SECURINGS, SELECTIVE, VC, WHOLE

pytestmark = pytest.mark.over_http

SKILL = next(iter(SKILLS))
BY_TOKEN = {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}}
BY_ATTESTATION = {"attestation": {"proof_signing_alg_values_supported": ["ES256"]}}


def by_presentation(*cryptosuites: str, **more):
    return {"di_vp": {"proof_signing_alg_values_supported": list(cryptosuites), **more}}


async def show_first_skill(house, holder, configuration):
    """Show the badge to a verifier, who checks it, and return the key that it is bound to."""
    _, format_id = SECURINGS[configuration]
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(SKILL, query_format=format_id)))
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert answer.status_code == 200, answer.text
    return house.verifier.verify("skill_1", house.issuer.key_of(configuration), format_id).holder_key


@pytest.mark.parametrize(
    ("configuration", "cryptosuite"),
    [
        (DC, "ecdsa-rdfc-2019"),
        (VC, "ecdsa-jcs-2019"),
        (WHOLE, "eddsa-rdfc-2022"),
        (SELECTIVE, "eddsa-jcs-2022"),
    ],
)
async def test_W11_I59_keys_are_proven_by_presentations_and_the_badge_can_be_shown(
    house, holder, configuration, cryptosuite
):
    house.issuer.proof_types_supported = by_presentation(cryptosuite)
    await holder.receive(house.issuer.offer_link(configurations=[configuration]))
    [presentation] = house.issuer.proofs
    assert presentation["type"] == ["VerifiablePresentation"]
    assert "verifiableCredential" not in presentation
    [proof] = presentation["proof"]
    assert proof["cryptosuite"] == cryptosuite
    assert (proof["proofPurpose"], proof["domain"]) == ("authentication", house.issuer.identifier)
    assert presentation["holder"] == proof["verificationMethod"].partition("#")[0]
    shown_by = await show_first_skill(house, holder, configuration)
    assert shown_by.thumbprint == house.issuer.holder_keys[-1]


async def test_W11_W13_I60_every_copy_of_a_batch_has_a_presentation_by_its_own_key(house, holder):
    house.issuer.proof_types_supported = by_presentation("ecdsa-rdfc-2019")
    house.issuer.batch_size = 3
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    assert len(house.issuer.proofs) == 3
    assert len({presentation["holder"] for presentation in house.issuer.proofs}) == 3
    assert len({presentation["proof"][0]["challenge"] for presentation in house.issuer.proofs}) == 1
    assert len(set(house.issuer.holder_keys)) == 3


async def test_W10_presentation_for_a_stale_nonce_is_made_anew_once(house, holder):
    house.issuer.proof_types_supported = by_presentation("ecdsa-rdfc-2019")
    house.issuer.misbehave = "stale_nonce_once"
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    first, second = (presentation["proof"][0] for presentation in house.issuer.proofs)
    assert first["challenge"] != second["challenge"]


@pytest.mark.parametrize(
    ("methods", "method"), [(("did:key",), "did:key"), (("jwk",), "did:jwk"), (("did:jwk", "did:key"), "did:jwk")]
)
async def test_W11_key_is_named_by_a_did_method_that_the_issuer_binds_to(house, holder, methods, method):
    house.issuer.proof_types_supported = by_presentation("ecdsa-rdfc-2019")
    house.issuer.binding_methods = methods
    await holder.receive(house.issuer.offer_link(configurations=[WHOLE]))
    [presentation] = house.issuer.proofs
    assert presentation["holder"].startswith(f"{method}:")
    document = resolve_static_did(presentation["holder"])
    key = document.find_key(presentation["proof"][0]["verificationMethod"], relation="authentication")
    assert key.thumbprint == house.issuer.holder_keys[-1]


async def test_W11_token_names_its_key_by_did_key_where_the_issuer_binds_to_nothing_else(house, holder):
    house.issuer.binding_methods = ("did:key",)
    await holder.receive(house.issuer.offer_link(configurations=[WHOLE]))
    assert (await show_first_skill(house, holder, WHOLE)).thumbprint == house.issuer.holder_keys[-1]
    assert house.issuer.proof_types == ["jwt"]


@pytest.mark.parametrize(
    ("supported", "used"),
    [
        (BY_TOKEN | by_presentation("ecdsa-rdfc-2019"), "jwt"),
        (BY_ATTESTATION | by_presentation("ecdsa-rdfc-2019"), "di_vp"),
        (BY_ATTESTATION | by_presentation("eddsa-rdfc-2022"), "attestation"),
        (BY_ATTESTATION | by_presentation("ecdsa-rdfc-2019", key_attestations_required={}), "attestation"),
        ({"jwt": {"proof_signing_alg_values_supported": ["EdDSA"]}, **by_presentation("ecdsa-jcs-2019")}, "di_vp"),
    ],
)
async def test_W11_W12_keys_speak_for_themselves_wherever_they_may(house, holder, supported, used):
    house.issuer.proof_types_supported = supported
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    assert house.issuer.proof_types == [used]


@pytest.mark.parametrize(
    ("configuration", "supported"),
    [
        (DC, by_presentation("eddsa-rdfc-2022")),
        (WHOLE, by_presentation("bbs-2023")),
        (DC, by_presentation("ecdsa-rdfc-2019", key_attestations_required={})),
    ],
    ids=["a key that could not show the badge", "a cryptosuite that nobody here has", "an attestation without a place"],
)
async def test_W11_proof_that_cannot_be_made_is_known_before_anything_is_sent(house, holder, configuration, supported):
    house.issuer.proof_types_supported = supported
    link = house.issuer.offer_link(configurations=[configuration])
    answer = await holder.call("POST", "/offers", {"offer": link})
    assert (answer.status_code, answer.json()["code"]) == (400, "offer_not_supported")
    assert not [asked for asked in house.issuer.requests if asked.startswith("POST")]


async def test_W15_presentations_that_an_issuer_refuses_give_no_badge(house, holder):
    house.issuer.proof_types_supported = by_presentation("ecdsa-rdfc-2019")
    house.issuer.misbehave = "proofs_refused"
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    answer = await holder.accept(offer["id"])
    assert (answer.json()["failed_step"], answer.json()["answered"]) == ("credential", "invalid_proof")
    assert await holder.badges() == []


async def test_W15_badge_for_another_key_than_the_presentation_proved_is_refused(house, holder):
    house.issuer.proof_types_supported = by_presentation("ecdsa-rdfc-2019")
    house.issuer.misbehave = "bound_to_another_key"
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    answer = await holder.accept(offer["id"])
    assert answer.json()["code"] == "credential_refused"
    assert await holder.badges() == []
