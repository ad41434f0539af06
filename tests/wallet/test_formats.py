"""Every format of a badge, received, held and shown, through HTTP on the real wallet."""

import json
from datetime import timedelta

import pytest

from kernel.formats import FORMATS
from runtime.status_texts import message_text
from tests.support.badges import SKILLS
from tests.support.simulated_issuer import (
    DC,
    JWT,
    MESSAGES,
    OPEN_BADGE_JWT,
    SECURINGS,
    SELECTIVE,
    VC,
    WHOLE,
)

pytestmark = pytest.mark.over_http

FIRST, *OTHERS = SKILLS
PERSON = ("Sanne", "de Vries", "sanne@student.example")
HIDES = (DC, VC, SELECTIVE)
EACH = pytest.mark.parametrize("configuration", SECURINGS)
OBJECTS = pytest.mark.parametrize("configuration", [WHOLE, SELECTIVE])


async def ask(house, holder, format_id, **more):
    return await holder.open_request(
        house.verifier.ask(house.verifier.skill_query(FIRST, query_format=format_id, **more))
    )


async def show(house, holder, format_id, **more):
    """Say yes to a question for the first skill, in this format; what stood on the page."""
    asked = await ask(house, holder, format_id, **more)
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert answer.status_code == 200, answer.text
    return asked


@EACH
async def test_W15_W50_I62_badge_of_every_format_is_received_and_shown(house, holder, configuration):
    _, format_id = SECURINGS[configuration]
    badge = await holder.receive(house.issuer.offer_link(configurations=[configuration]))
    assert badge["formats"] == [format_id]
    [held] = await holder.badges()
    assert (held["state"], held["recognition"]["outcome"]) == ("valid", "recognised")
    assert len(held["skills"]) == len(SKILLS)
    asked = await show(house, holder, format_id)
    shown = house.verifier.verify("skill_1", house.issuer.key_of(configuration), format_id)
    assert shown.holder_key.thumbprint == house.issuer.holder_keys[-1]
    [part] = asked["share"]
    skills = {fact["value"] for fact in part["shown"] if fact["label"] == "Skill"}
    said = json.dumps(shown.credential.claims, ensure_ascii=False)
    if configuration in HIDES:
        assert not part["is_whole"]
        assert skills == {SKILLS[FIRST]}
        assert not any(uri in said for uri in OTHERS)
    else:
        assert part["is_whole"]
        assert part["hidden"] == []
        assert skills == set(SKILLS.values())
        assert {"Je voornaam", "Je achternaam", "Het bewijs bij de badge"} <= {fact["label"] for fact in part["shown"]}


@pytest.mark.parametrize("mode", ["direct_post", "direct_post.jwt"])
@OBJECTS
async def test_W50_W51_presentation_with_a_proof_is_an_object_for_this_verifier_and_this_question(
    house, holder, configuration, mode
):
    house.verifier.response_mode = mode
    await holder.receive(house.issuer.offer_link(configurations=[configuration]))
    await show(house, holder, "ldp_vc")
    [presentation] = house.verifier.received[-1].vp_token["skill_1"]
    assert presentation["type"] == ["VerifiablePresentation"]
    [credential] = presentation["verifiableCredential"]
    assert presentation["holder"] == credential["credentialSubject"]["id"]
    proof = presentation["proof"]
    assert (proof["challenge"], proof["domain"]) == (house.verifier.nonce, house.verifier.client_id)
    assert proof["proofPurpose"] == "authentication"


async def test_W48_no_byte_that_is_sent_holds_what_a_selective_proof_hides(house, holder):
    house.verifier.response_mode = "direct_post"
    await holder.receive(house.issuer.offer_link(configurations=[SELECTIVE]))
    await show(house, holder, "ldp_vc")
    [sent] = [r.content.decode() for r in house.transport.requests if "/responses/" in r.url.path]
    assert FIRST.rpartition("/")[2] in sent
    hidden = (*PERSON, "rapport.pdf", *(uri.rpartition("/")[2] for uri in OTHERS), b"Sanne".hex())
    assert [value for value in hidden if value in sent] == []


@EACH
async def test_W50_V26_without_binding_wanted_the_credential_goes_alone(house, holder, configuration):
    _, format_id = SECURINGS[configuration]
    await holder.receive(house.issuer.offer_link(configurations=[configuration]))
    await show(house, holder, format_id, more={"require_cryptographic_holder_binding": False})
    [sent] = house.verifier.received[-1].vp_token["skill_1"]
    handler = FORMATS[format_id]
    unverified = handler.parse(json.dumps(sent) if isinstance(sent, dict) else sent)
    key = house.issuer.key_of(configuration)
    claims = handler.verify_signature(unverified, key=key, algorithms=frozenset({"ES256", "Ed25519"})).claims
    assert unverified.presentation is None
    assert (PERSON[0] in json.dumps(claims)) is (configuration not in HIDES)


async def test_every_form_of_one_achievement_is_one_badge_and_nothing_is_shown_twice(house, holder):
    badge = await holder.receive(house.issuer.offer_link(configurations=list(SECURINGS)))
    assert badge["formats"] == ["dc+sd-jwt", "vc+sd-jwt", "ldp_vc", "ldp_vc", "vc+jwt", "vc+jwt"]
    assert [held["id"] for held in await holder.badges()] == [badge["id"]]
    assert len({*house.issuer.holder_keys}) == len(SECURINGS)
    asked = await ask(house, holder, "ldp_vc")
    [question] = asked["questions"]
    [way] = question["alternatives"]
    assert not way["parts"][0]["is_whole"]


async def test_W48_where_several_formats_will_do_the_one_that_hides_most_is_shown(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[JWT, WHOLE, VC]))
    queries = [
        {**house.verifier.skill_query(FIRST, query_format=name)["credentials"][0], "id": name.replace("+", "_")}
        for name in ("vc+jwt", "ldp_vc", "vc+sd-jwt", "dc+sd-jwt")
    ]
    options = [[query["id"]] for query in queries]
    query = {"credentials": queries, "credential_sets": [{"options": options}]}
    asked = await holder.open_request(house.verifier.ask(query))
    [part] = asked["share"]
    assert (part["query_id"], part["is_whole"]) == ("vc_sd-jwt", False)


@pytest.mark.parametrize(
    ("misbehaviour", "check"),
    [
        ("changed_value", "signature"),
        ("signed_by_another_key", "signature"),
        ("another_purpose", "type"),
        ("bound_to_another_key", "holder_binding"),
        ("inside_a_presentation", "holder_binding"),
        ("another_format", "type"),
        ("expired", "expired"),
        ("not_yet_valid", "not_yet_valid"),
        ("revoked", "revoked"),
        ("suspended", "suspended"),
    ],
)
@OBJECTS
async def test_W15_W16_bad_credential_with_a_proof_is_not_kept(house, holder, configuration, misbehaviour, check):
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[configuration]))
    house.issuer.misbehave = misbehaviour
    answer = await holder.accept(offer["id"])
    assert (answer.status_code, answer.json()["code"]) == (502, "credential_refused")
    assert answer.json().get("step") == check
    assert await holder.badges() == []
    assert [event for _, event in house.issuer.notifications] == ["credential_failure"]


@pytest.mark.parametrize("misbehaviour", ["hideable_status", "hideable_end"])
async def test_A13_K38_badge_whose_status_or_end_could_be_hidden_is_refused_and_the_issuer_hears_it(
    house, holder, misbehaviour
):
    """Nobody who checks it could tell what was left out, so nobody would believe it."""
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[SELECTIVE]))
    house.issuer.misbehave = misbehaviour
    answer = await holder.accept(offer["id"])
    assert (answer.status_code, answer.json()["code"], answer.json()["step"]) == (502, "credential_refused", "hideable")
    assert await holder.badges() == []
    assert [event for _, event in house.issuer.notifications] == ["credential_failure"]


@pytest.mark.parametrize("misbehaviour", ["no_achievement", "nameless_achievement"])
@pytest.mark.parametrize("configuration", [WHOLE, JWT])
async def test_B11_B21_what_calls_itself_an_open_badge_and_is_none_is_refused(
    house, holder, configuration, misbehaviour
):
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[configuration]))
    house.issuer.misbehave = misbehaviour
    answer = await holder.accept(offer["id"])
    assert (answer.status_code, answer.json()["step"]) == (502, "malformed")
    assert await holder.badges() == []
    assert [event for _, event in house.issuer.notifications] == ["credential_failure"]


async def test_W15_credential_with_a_proof_of_another_party_is_refused(house, holder):
    other = type(house.issuer)(house.clock, host="other.example", slug="school")
    other.ed25519_signer = house.issuer.ed25519_signer
    house.transport.apps["other.example:443"] = other.app()
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[WHOLE]))
    house.issuer.misbehave = "signed_by_another_party"
    answer = await holder.accept(offer["id"])
    assert (answer.json()["code"], answer.json()["step"]) == ("credential_refused", "issuer")


async def test_W11_credential_that_is_secured_in_an_unknown_way_is_not_asked_for(house, holder):
    link = house.issuer.offer_link(configurations=["adviseur.unknown-suite"])
    answer = await holder.call("POST", "/offers", {"offer": link})
    assert (answer.status_code, answer.json()["code"]) == (400, "offer_not_supported")
    offer = await holder.open_offer(house.issuer.offer_link(configurations=["adviseur.unknown-suite", OPEN_BADGE_JWT]))
    assert [each["configuration_id"] for each in offer["credentials"]] == [OPEN_BADGE_JWT]


async def test_K80_1_message_of_the_issuer_stands_beside_a_badge_that_counts(house, holder):
    house.issuer.misbehave = "told_something"
    badge = await holder.receive(house.issuer.offer_link(configurations=[WHOLE]))
    assert badge["state"] == "valid"
    [told] = badge["status_messages"]
    assert told["message"] == MESSAGES[1][1]
    assert told["meaning"] == {"nl": message_text("under_review").nl, "en": message_text("under_review").en}


async def test_K80_1_message_that_nobody_here_knows_has_an_unknown_meaning_and_the_badge_counts(house, holder):
    house.issuer.messages = ((0, "-"), (1, "X-17"))
    house.issuer.misbehave = "told_something"
    badge = await holder.receive(house.issuer.offer_link(configurations=[WHOLE]))
    assert badge["state"] == "valid"
    [told] = badge["status_messages"]
    assert told["message"] == "X-17"
    assert told["meaning"]["nl"] == message_text("something else").nl


async def test_K80_1_list_of_messages_that_cannot_be_had_leaves_the_badge_as_it_is(house, holder):
    house.issuer.misbehave = "told_something"
    await holder.receive(house.issuer.offer_link(configurations=[WHOLE]))
    house.issuer.lists_down = {"message"}
    house.clock.advance(timedelta(minutes=2))
    [badge] = await holder.badges()
    assert (badge["state"], badge["status_messages"]) == ("valid", [])
    house.issuer.lists_down = {"message", "suspension"}
    house.clock.advance(timedelta(minutes=2))
    [badge] = await holder.badges()
    assert badge["state"] == "unknown"


@pytest.mark.parametrize("purpose", ["revocation", "suspension"])
async def test_K80_1_badge_that_is_withdrawn_in_one_of_its_lists_says_so(house, holder, purpose):
    await holder.receive(house.issuer.offer_link(configurations=[WHOLE, DC]))
    house.issuer.bitstrings[purpose].set(house.issuer.last_index, 1)
    house.issuer.bitstrings[purpose].set(house.issuer.last_index - 1, 1)
    house.clock.advance(timedelta(minutes=2))
    [badge] = await holder.badges()
    assert badge["state"] == {"revocation": "revoked", "suspension": "suspended"}[purpose]


async def test_badge_is_opened_without_another_look_at_its_signature(house, holder, monkeypatch):
    await holder.receive(house.issuer.offer_link(configurations=list(SECURINGS)))
    before = await holder.badges()
    for handler in FORMATS.values():
        monkeypatch.setattr(type(handler), "verify", None)
        monkeypatch.setattr(type(handler), "verify_signature", None)
    assert await holder.badges() == before


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_W47_page_says_that_a_badge_can_only_be_shown_whole(house, language):
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    for configuration in (WHOLE, SELECTIVE):
        await browser.get("/scan")
        await browser.follow(await browser.post("/scan", link=house.issuer.offer_link(configurations=[configuration])))
        await browser.post(f"{browser.answer.url.path}/accept")
        await browser.get("/scan")
        question = house.verifier.ask(house.verifier.skill_query(FIRST, query_format="ldp_vc"))
        page = await browser.follow(await browser.post("/scan", link=question))
        words = {"nl": "alleen in zijn geheel laten zien", "en": "can only show this badge whole"}[language]
        assert words in page.text
        assert {"nl": "vraagt om 1 skill", "en": "asks for 1 skill"}[language] in page.text


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_K80_1_page_says_what_the_message_of_the_issuer_means(house, language):
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    house.issuer.misbehave = "told_something"
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link(configurations=[WHOLE])))
    page = await browser.follow(await browser.post(f"{browser.answer.url.path}/accept"))
    assert message_text(MESSAGES[1][1]).say(language) in page.text
    assert MESSAGES[1][1] not in page.text
