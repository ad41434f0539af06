"""Showing a badge, through HTTP on the real wallet: what is checked, what is shown first, and what is sent."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from kernel.openid4vp import ErrorResponse, VpTokenResponse
from kernel.sd_jwt import parse_sd_jwt
from kernel.status.token_status_list import Status
from tests.support.badges import SKILLS
from tests.support.clock import NOW
from tests.support.simulated_issuer import DC, VC
from tests.wallet.test_pages import open_link, receive

pytestmark = pytest.mark.over_http

FIRST, SECOND, THIRD, FOURTH = SKILLS
PERSON = ("Sanne", "de Vries", "sanne@student.example")


@pytest.fixture
async def badge(house, holder):
    return await holder.receive(house.issuer.offer_link())


async def share(house, holder, query, **choices):
    asked = await holder.open_request(house.verifier.ask(query))
    return await holder.call("POST", f"/requests/{asked['id']}/accept", {"choices": choices} if choices else {})


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("scheme", ["openid4vp://", "haip-vp://", "https://wallet.example/open"])
async def test_W40_request_is_read_by_get_and_by_post_from_every_kind_of_link(house, holder, badge, method, scheme):
    asked = await holder.open_request(
        house.verifier.ask(house.verifier.skill_query(FIRST), method=method, scheme=scheme)
    )
    assert asked["answerable"]
    assert f"{method.upper()} /requests" in house.verifier.requests


async def test_W40_request_is_read_by_value(house, holder, badge):
    asked = await holder.open_request(house.verifier.ask_by_value(house.verifier.skill_query(FIRST)))
    assert asked["verifier"]["client_id"] == house.verifier.client_id


async def test_W42_post_carries_the_same_metadata_for_everybody_and_a_fresh_nonce(house, holder):
    other = await house.new_holder()
    for person in (holder, other):
        await person.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    first, second = house.verifier.wallet_forms
    assert first["wallet_metadata"] == second["wallet_metadata"]
    assert first["wallet_nonce"] != second["wallet_nonce"]


async def test_W44_request_of_a_did_jwk_client_is_read(house, holder, badge):
    house.verifier.did_method = "jwk"
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert asked["verifier"]["recognition"]["outcome"] == "not_listed"
    assert asked["verifier"]["host"] == "verifier.example"


@pytest.mark.parametrize("unlisted", [("authentication",), ("authentication", "assertionMethod")])
async def test_W43_W44_did_document_need_not_say_what_a_verifiers_key_is_for(house, holder, badge, unlisted):
    def without(document):
        return {name: value for name, value in document.items() if name not in unlisted}

    house.verifier.change_did_document = without
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert asked["verifier"]["is_signed"]


@pytest.mark.parametrize(
    "misbehaviour",
    [
        "another_wallet_nonce",
        "no_wallet_nonce",
        "another_client_id_inside",
        "signed_by_another_key",
        "another_typ",
        "expired",
        "another_audience",
        "answer_to_another_party",
        "answer_over_http",
        "with_redirect_uri",
        "with_transaction_data",
        "without_nonce",
        "same_query_id_twice",
        "path_of_another_type",
        "request_of_another_type",
    ],
)
async def test_W41_W43_W45_W46_A34_A35_A38_bad_request_is_refused_and_nothing_is_sent(
    house, holder, badge, misbehaviour
):
    house.verifier.misbehave = misbehaviour
    answer = await holder.call("POST", "/requests", {"request": house.verifier.ask(house.verifier.skill_query(FIRST))})
    assert (answer.status_code, answer.json()["code"]) == (400, "request_refused")
    assert "POST /responses" not in house.verifier.requests


async def test_W41_a_request_may_be_made_for_whoever_fetches_it_where_it_was_fetched(house, holder):
    """Verifiers on Credo write their `request_uri` in `aud`. The same request, fetched anywhere else, is refused."""
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    house.verifier.more = {"aud": parse_qs(urlsplit(link).query)["request_uri"][0]}
    answer = await holder.call("POST", "/requests", {"request": link})
    assert answer.status_code == 201, answer.text
    elsewhere = house.verifier.ask(house.verifier.skill_query(FIRST))
    answer = await holder.call("POST", "/requests", {"request": elsewhere})
    assert (answer.status_code, answer.json()["code"]) == (400, "request_refused")
    answer = await holder.call(
        "POST", "/requests", {"request": house.verifier.ask_by_value(house.verifier.skill_query(FIRST))}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "request_refused")


@pytest.mark.parametrize(
    "client_id",
    [
        "did:web:verifier.example:bakker",
        "https://verifier.example/bakker",
        "origin:https://verifier.example",
        "unknown:x",
        "verifier.example",
        "redirect_uri:https://verifier.example/bakker/responses/1",
        "decentralized_identifier:did:web:elsewhere.example",
    ],
)
async def test_W43_A34_other_client_id_outside_is_refused(house, holder, client_id):
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    link = link.replace(quote(house.verifier.client_id, safe=""), quote(client_id, safe=""))
    answer = await holder.call("POST", "/requests", {"request": link})
    assert answer.status_code == 400
    assert answer.json()["code"] == "request_refused"


async def test_A34_unsigned_request_for_a_signed_prefix_is_refused(house, holder):
    query = quote(json.dumps(house.verifier.skill_query(FIRST)))
    link = (
        f"openid4vp://?client_id={house.verifier.client_id}&response_type=vp_token&response_mode=direct_post"
        f"&response_uri=https%3A%2F%2Fverifier.example%2Fbakker%2Fresponses%2F1&nonce=abc&dcql_query={query}"
    )
    answer = await holder.call("POST", "/requests", {"request": link})
    assert answer.json()["code"] == "request_refused"


@pytest.mark.parametrize(
    "uri", ["https://127.0.0.1/r", "https://[::1]/r", "https://10.0.0.1/r", "http://verifier.example/r"]
)
async def test_A42_request_uri_cannot_point_the_wallet_into_a_network(house, holder, uri):
    link = f"openid4vp://?client_id={quote(house.verifier.client_id)}&request_uri={quote(uri, safe='')}"
    assert (await holder.call("POST", "/requests", {"request": link})).status_code == 400
    assert house.transport.requests == []


async def test_W47_page_says_who_asks_why_what_is_shown_and_what_is_not(house, holder, badge):
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert asked["verifier"]["name"] == "Partij werkgever"
    assert asked["verifier"]["recognition"]["outcome"] == "recognised"
    assert asked["purpose"] == "Voor de vacature metselaar."
    [part] = asked["share"]
    assert (part["credential_id"], part["name"]) == (badge["id"], badge["name"])
    assert [fact["value"] for fact in part["shown"]] == [SKILLS[FIRST]]
    hidden = {fact["label"] for fact in part["hidden"]}
    assert {"Je voornaam", "Je achternaam", "Je e-mailadres", "Het bewijs bij de badge"} <= hidden
    assert {fact["value"] for fact in part["hidden"] if fact["label"] == "Skill"} == set(SKILLS.values()) - {
        SKILLS[FIRST]
    }
    assert "POST /responses" not in house.verifier.requests


@pytest.mark.parametrize("query_format", ["dc+sd-jwt", "vc+sd-jwt"])
@pytest.mark.parametrize("mode", ["direct_post", "direct_post.jwt"])
async def test_W48_W49_W50_W51_exactly_what_was_asked_is_shown_bound_to_this_question(
    house, holder, badge, query_format, mode
):
    house.verifier.response_mode = mode
    query = house.verifier.skill_query(FIRST, query_format=query_format)
    assert (await share(house, holder, query)).status_code == 200
    answer = house.verifier.received[-1]
    assert isinstance(answer, VpTokenResponse)
    assert answer.state == house.verifier.state
    assert ("vp_token" in house.verifier.raw_forms[-1]) == (mode == "direct_post")
    assert list(answer.vp_token) == ["skill_1"]
    shown = house.verifier.verify("skill_1", house.issuer.signer.public_key, query_format)
    [disclosure] = parse_sd_jwt(shown.credential.raw).disclosures
    assert disclosure.value["targetUrl"] == FIRST
    said = json.dumps(shown.credential.claims)
    assert not any(value in said for value in PERSON)


async def test_W48_a_name_is_shown_only_when_it_was_asked(house, holder, badge):
    query = house.verifier.skill_query(FIRST)
    query["credentials"][0]["claims"].append({"path": ["given_name"]})
    asked = await holder.open_request(house.verifier.ask(query))
    assert ("Je voornaam", "Sanne") in {(fact["label"], fact["value"]) for fact in asked["share"][0]["shown"]}
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    claims = house.verifier.verify("skill_1", house.issuer.signer.public_key).credential.claims
    assert claims["given_name"] == "Sanne"
    assert "family_name" not in claims


async def test_W50_without_binding_wanted_the_credential_goes_alone(house, holder, badge):
    query = house.verifier.skill_query(FIRST, more={"require_cryptographic_holder_binding": False})
    await share(house, holder, query)
    raw = house.verifier.received[-1].vp_token["skill_1"][0]
    assert parse_sd_jwt(raw).key_binding_jwt is None
    assert len(parse_sd_jwt(raw).disclosures) == 1


@pytest.mark.parametrize("misbehaviour", ["unusable_encryption_key", "encryption_key_off_the_curve"])
async def test_W51_answer_that_cannot_be_encrypted_is_an_error_and_never_the_data(house, holder, badge, misbehaviour):
    house.verifier.misbehave = misbehaviour
    answer = await share(house, holder, house.verifier.skill_query(FIRST))
    assert (answer.json()["code"], answer.json()["failure"]) == ("request_refused", "answer_encryption")
    assert house.verifier.received == [ErrorResponse("invalid_request", None, house.verifier.state)]


async def test_W51_unusable_encryption_keys_are_passed_over_for_one_that_can_be_used(house, holder, badge):
    """IgnoresUnusableEncryptionKey."""
    house.verifier.misbehave = "unusable_encryption_keys_first"
    assert (await share(house, holder, house.verifier.skill_query(FIRST))).status_code == 200
    assert house.verifier.raw_forms[-1].keys() == {"response"}
    assert house.verifier.verify("skill_1", house.issuer.signer.public_key).holder_key


async def test_W52_where_the_verifier_wants_the_browser_to_go_on_is_returned(house, holder, badge):
    house.verifier.redirect_uri = "https://verifier.example/bakker/done#response_code=abc"
    answer = await share(house, holder, house.verifier.skill_query(FIRST))
    assert answer.json() == {"redirect_uri": house.verifier.redirect_uri}


async def test_W52_address_that_is_no_web_address_is_not_opened(house, holder, badge):
    house.verifier.redirect_uri = "javascript:alert(1)"
    answer = await share(house, holder, house.verifier.skill_query(FIRST))
    assert (answer.status_code, answer.json()) == (200, {})
    [entry] = [entry for entry in await holder.history() if entry["kind"] == "shared"]
    assert entry["outcome"] == "confirmed"


@pytest.mark.parametrize(
    "redirect_uri", ["javascript:alert(1)", "http://verifier.example/done", "https://a@b.example/", 7]
)
async def test_W52_page_says_that_it_was_taken_also_where_the_way_back_cannot_be_used(house, redirect_uri):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await receive(house, browser, configurations=[DC])
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    house.verifier.redirect_uri = redirect_uri
    answer = await browser.post(f"{browser.answer.url.path}/accept")
    assert answer.status_code == 200
    assert "Zij hebben je antwoord ontvangen" in answer.text
    assert "Dat openen we niet" in answer.text
    assert str(redirect_uri) not in answer.text or redirect_uri == 7


UNREADABLE = ("answers_with_nonsense", "answers_with_a_page", "answers_with_a_list", "answers_at_length")


async def outcome(holder):
    [entry] = [entry for entry in await holder.history() if entry["kind"] == "shared"]
    return entry["outcome"]


@pytest.mark.parametrize("misbehaviour", [*UNREADABLE, "answers_accepted"])
async def test_W52_answer_that_was_taken_with_a_reply_that_nobody_can_read_was_delivered(
    house, holder, badge, misbehaviour
):
    house.verifier.misbehave = misbehaviour
    answer = await share(house, holder, house.verifier.skill_query(FIRST))
    assert (answer.status_code, answer.json()) == (200, {"is_reply_unread": True})
    assert await outcome(holder) == "delivered"
    assert len(house.verifier.received) == 1


async def test_W52_answer_that_was_taken_without_a_word_is_confirmed(house, holder, badge):
    house.verifier.misbehave = "answers_with_nothing"
    answer = await share(house, holder, house.verifier.skill_query(FIRST))
    assert (answer.status_code, answer.json()) == (200, {})
    assert await outcome(holder) == "confirmed"


@pytest.mark.parametrize(
    ("language", "said", "line"),
    [
        ("nl", "Je antwoord is afgegeven.", "hun bericht terug konden we niet lezen"),
        ("en", "Your answer was delivered.", "we could not read their reply"),
    ],
)
async def test_W52_W31_page_and_history_say_that_an_answer_was_delivered(house, language, said, line):
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    await receive(house, browser, configurations=[DC])
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    house.verifier.misbehave = "answers_with_a_page"
    answer = await browser.post(f"{browser.answer.url.path}/accept")
    assert answer.status_code == 200
    assert said in answer.text
    assert line in (await browser.get("/shared")).text


async def test_W46_answer_to_an_address_that_is_never_called_was_not_sent(house, holder, badge):
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    house.transport.private.add("verifier.example:443")
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert (answer.status_code, answer.json()["code"], answer.json()["failure"]) == (502, "unsent", "delivery_address")
    assert await outcome(holder) == "unsent"
    assert house.verifier.received == []


async def test_W52_saying_no_is_told_also_where_the_way_back_cannot_be_used(house, holder, badge):
    house.verifier.redirect_uri = "javascript:alert(1)"
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    answer = await holder.call("POST", f"/requests/{asked['id']}/decline", {})
    assert (answer.status_code, answer.json()) == (200, {})


async def test_W53_A39_nothing_that_fits_is_told_to_the_person_and_not_to_the_verifier(house, holder, badge):
    query = house.verifier.skill_query("http://data.europa.eu/esco/skill/unknown")
    asked = await holder.open_request(house.verifier.ask(query))
    assert asked["answerable"] is False
    assert asked["share"] == []
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_match")
    assert house.verifier.received == []
    await holder.call("POST", f"/requests/{asked['id']}/decline", {})
    assert house.verifier.received == [ErrorResponse("access_denied", None, house.verifier.state)]


UNREADABLE_FORMATS = (
    {"mso_mdoc": {}},
    {"dc+sd-jwt": {"sd-jwt_alg_values": ["ES512"], "kb-jwt_alg_values": ["EdDSA"]}},
    {"dc+sd-jwt": {"sd-jwt_alg_values": ["ES512"]}},
    {"dc+sd-jwt": {"kb-jwt_alg_values": ["EdDSA"]}},
    {"vc+sd-jwt": {"alg_values": ["ES256"]}},
)


def say_formats(house, formats):
    house.verifier.response_mode = "direct_post"
    house.verifier.more = {"client_metadata": {} if formats is None else {"vp_formats_supported": formats}}


@pytest.mark.parametrize("formats", UNREADABLE_FORMATS)
@pytest.mark.parametrize("is_held", [True, False])
async def test_W53_A39_what_the_verifier_says_it_cannot_read_is_not_shown_and_it_hears_so_afterwards(
    house, holder, formats, is_held
):
    """§8.5, §11.1, B.3.4. Whatever this person holds, it hears the same."""
    if is_held:
        await holder.receive(house.issuer.offer_link())
    say_formats(house, formats)
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert (asked["answerable"], asked["has_common_format"], asked["share"]) == (False, False, [])
    refused = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert (refused.json()["code"], house.verifier.received) == ("no_match", [])
    await holder.call("POST", f"/requests/{asked['id']}/decline", {})
    assert house.verifier.received == [ErrorResponse("vp_formats_not_supported", None, house.verifier.state)]


@pytest.mark.parametrize(
    "formats", [None, {"dc+sd-jwt": {}}, {"dc+sd-jwt": {"sd-jwt_alg_values": ["ES512", "ES256"]}, "x": {"y": 1}}]
)
async def test_W53_W48_what_the_verifier_reads_or_says_nothing_of_is_shown(house, holder, badge, formats):
    say_formats(house, formats)
    assert (await share(house, holder, house.verifier.skill_query(FIRST))).status_code == 200
    assert house.verifier.verify("skill_1", house.issuer.signer.public_key).holder_key


async def test_W53_a_badge_is_offered_in_the_format_that_the_verifier_reads(house, holder, badge):
    sd = house.verifier.skill_query(FIRST)["credentials"][0] | {"id": "skill_1_sd"}
    w3 = house.verifier.skill_query(FIRST, query_format="vc+sd-jwt")["credentials"][0] | {"id": "skill_1_w3"}
    say_formats(house, {"vc+sd-jwt": {"alg_values": ["ES256"]}})
    query = {"credentials": [sd, w3], "credential_sets": [{"options": [["skill_1_sd"], ["skill_1_w3"]]}]}
    await share(house, holder, query)
    assert list(house.verifier.received[-1].vp_token) == ["skill_1_w3"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("nl", "Zij kunnen badges uit deze wallet niet lezen"), ("en", "They cannot read badges from this wallet")],
)
async def test_W53_page_says_in_plain_words_that_they_cannot_read_badges_from_here(house, language, words):
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    say_formats(house, {"mso_mdoc": {}})
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert words in browser.page
    await browser.post(f"{browser.answer.url.path}/decline")
    assert house.verifier.received == [ErrorResponse("vp_formats_not_supported", None, house.verifier.state)]


async def test_W53_A39_declining_and_not_holding_look_the_same_to_the_verifier(house, holder, badge):
    await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))  # its DID document is known now
    traffic = []
    for uri in (FIRST, "http://data.europa.eu/esco/skill/unknown"):
        house.transport.requests.clear()
        asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(uri)))
        await holder.call("POST", f"/requests/{asked['id']}/decline", {})
        form = house.verifier.raw_forms[-1]
        sent = [(r.method, r.url.host) for r in house.transport.requests if r.url.host == house.verifier.host]
        traffic.append((sent, sorted(form)))
        assert form["error"] == "access_denied"
    assert traffic[0] == traffic[1]


async def test_A39_matching_looks_up_the_same_lists_whatever_is_asked(house, holder, badge):
    looked_up = []
    for uri in (FIRST, "http://data.europa.eu/esco/skill/unknown"):
        house.clock.advance(timedelta(minutes=2))
        house.issuer.requests.clear()
        await holder.open_request(house.verifier.ask(house.verifier.skill_query(uri)))
        looked_up.append(sorted(house.issuer.requests))
    assert looked_up[0] == looked_up[1] != []


async def test_W58_request_is_answered_once(house, holder, badge):
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    asked = await holder.open_request(link)
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    again = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert (again.status_code, again.json()["code"]) == (409, "request_answered")
    declined = await holder.call("POST", f"/requests/{asked['id']}/decline", {})
    assert declined.json()["code"] == "request_answered"
    assert len(house.verifier.received) == 1


async def test_W58_same_question_by_another_link_is_not_answered_again(house, holder, badge):
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    asked = await holder.open_request(link)
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    answer = await holder.call("POST", "/requests", {"request": f"{link}&x=1"})
    assert answer.json()["code"] == "request_answered"


async def test_W58_request_accepted_eight_times_at_once_is_answered_once(house_twice):
    house = house_twice
    holder = await house.new_holder()
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    answers = await asyncio.gather(*(holder.call("POST", f"/requests/{asked['id']}/accept", {}) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    assert len(house.verifier.received) == 1


async def test_W58_request_is_forgotten_after_its_end(house, holder, badge):
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    house.clock.advance(timedelta(minutes=5, seconds=1))
    for action in ("accept", "decline"):
        answer = await holder.call("POST", f"/requests/{asked['id']}/{action}", {})
        assert (answer.status_code, answer.json()["code"]) == (410, "request_expired")
    assert house.verifier.received == []


@pytest.mark.parametrize(
    ("misbehaviour", "code", "outcome"),
    [
        ("refuses_answers", "verifier_refused", "refused"),
        ("refuses_with_a_page", "verifier_refused", "refused"),
        ("redirects_answers", "verifier_refused", "refused"),
        ("breaks_on_answers", "unconfirmed", "unconfirmed"),
    ],
)
async def test_W46_answer_that_was_not_taken_is_not_sent_again_and_stands_in_the_history(
    house, holder, badge, misbehaviour, code, outcome
):
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    house.verifier.misbehave = misbehaviour
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).json()["code"] == code
    house.verifier.misbehave = ""
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).json()["code"] == "request_answered"
    [entry] = [entry for entry in await holder.history() if entry["kind"] == "shared"]
    assert entry["outcome"] == outcome
    assert len(house.verifier.raw_forms) == 1


async def test_W47_person_chooses_among_badges_that_fit(house, holder, badge):
    other = {**house.issuer.dataset.achievement, "name": "Adviseur Lerende Regio Rivierenland"}
    house.issuer.dataset = replace(house.issuer.dataset, achievement=other)
    second = await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    [question] = asked["questions"]
    by_badge = {way["parts"][0]["credential_id"]: way["key"] for way in question["alternatives"]}
    assert set(by_badge) == {badge["id"], second["id"]}
    answer = await holder.call(
        "POST", f"/requests/{asked['id']}/accept", {"choices": {question["id"]: by_badge[second["id"]]}}
    )
    assert answer.status_code == 200
    shown = house.verifier.verify("skill_1", house.issuer.signer.public_key)
    assert shown.holder_key.thumbprint == house.issuer.holder_keys[-1]


@pytest.mark.parametrize("choices", [{"q0": "skill_1:unknown"}, {"q9": "x"}, {"q0": ""}])
async def test_choice_that_was_not_on_the_page_is_refused(house, holder, badge, choices):
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {"choices": choices})
    assert (answer.status_code, answer.json()["code"]) == (400, "choice")
    assert house.verifier.received == []


async def test_W48_optional_set_is_shown_only_when_it_is_chosen(house, holder, badge):
    query = house.verifier.skill_query(FIRST, SECOND) | {
        "credential_sets": [{"options": [["skill_1"]]}, {"options": [["skill_2"]], "required": False}]
    }
    await share(house, holder, query)
    assert list(house.verifier.received[-1].vp_token) == ["skill_1"]
    asked = await holder.open_request(house.verifier.ask(query))
    optional = asked["questions"][1]
    assert optional["required"] is False
    choices = {optional["id"]: optional["alternatives"][0]["key"]}
    await holder.call("POST", f"/requests/{asked['id']}/accept", {"choices": choices})
    assert sorted(house.verifier.received[-1].vp_token) == ["skill_1", "skill_2"]


async def test_W48_either_format_answers_and_the_same_badge_is_offered_once(house, holder, badge):
    sd = house.verifier.skill_query(FIRST)["credentials"][0] | {"id": "skill_1_sd"}
    w3 = house.verifier.skill_query(FIRST, query_format="vc+sd-jwt")["credentials"][0] | {"id": "skill_1_w3"}
    query = {"credentials": [sd, w3], "credential_sets": [{"options": [["skill_1_sd"], ["skill_1_w3"]]}]}
    asked = await holder.open_request(house.verifier.ask(query))
    assert len(asked["questions"][0]["alternatives"]) == 1
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert list(house.verifier.received[-1].vp_token) == ["skill_1_sd"]


async def test_badge_that_still_holds_comes_before_one_that_was_revoked(house, holder):
    revoked = await holder.receive(house.issuer.offer_link(configurations=[VC]))
    house.issuer.status_list.set(house.issuer.last_index, Status.INVALID)
    house.clock.advance(timedelta(minutes=2))
    valid = await holder.receive(house.issuer.offer_link(configurations=[VC]))
    query = house.verifier.skill_query(FIRST, query_format="vc+sd-jwt")
    asked = await holder.open_request(house.verifier.ask(query))
    ways = asked["questions"][0]["alternatives"]
    assert [way["parts"][0]["credential_id"] for way in ways] == [valid["id"], revoked["id"]]
    assert [way["parts"][0]["state"] for way in ways] == ["valid", "revoked"]


@pytest.mark.parametrize(
    ("make", "outcome"),
    [
        (lambda house: house.sign_trust_list(house.issuance()), "not_listed"),
        (
            lambda house: house.sign_trust_list(
                house.verification(states=(type(house.issuance().states[0])("withdrawn", NOW - timedelta(days=9)),))
            ),
            "withdrawn",
        ),
        (lambda house: house.trust_file.unlink(), "list_unavailable"),
    ],
)
async def test_T10_unknown_verifier_is_marked_and_not_blocked(house, holder, make, outcome):
    make(house)
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert asked["verifier"]["recognition"]["outcome"] == outcome


async def test_W31_history_says_what_was_shown_to_whom_and_outlives_the_badge(house, holder, badge):
    await share(house, holder, house.verifier.skill_query(FIRST))
    await holder.call("DELETE", f"/credentials/{badge['id']}")
    kinds = {entry["kind"]: entry for entry in await holder.history()}
    assert set(kinds) == {"received", "shared", "deleted"}
    shared = kinds["shared"]
    assert shared["party_id"] == house.verifier.client_id
    assert shared["party_own_name"] == "Bakker Bouw"
    assert [claim["value"] for claim in shared["claims"]] == [SKILLS[FIRST]]
    assert shared["outcome"] == "confirmed"
    await holder.call("DELETE", f"/history/{shared['id']}")
    assert {entry["kind"] for entry in await holder.history()} == {"received", "deleted"}


async def test_A52_nobody_reaches_the_question_of_another_account(house, holder, badge):
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    other = await house.new_holder()
    for method, path in (("GET", ""), ("POST", "/accept"), ("POST", "/decline")):
        answer = await other.call(method, f"/requests/{asked['id']}{path}", {} if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_K97_badge_answers_a_question_for_issuers_on_a_list_that_the_wallet_believes(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))

    async def is_answerable(*places: str) -> bool:
        query = house.verifier.skill_query(next(iter(SKILLS)))
        query["credentials"][0]["trusted_authorities"] = [{"type": "etsi_tl", "values": list(places)}]
        return bool((await holder.open_request(house.verifier.ask(query)))["answerable"])

    ours = str(house.trust_file)
    assert await is_answerable("https://other.example/list", ours)
    assert not await is_answerable("https://other.example/list")
    house.sign_trust_list(house.verification())
    house.clock.advance(timedelta(minutes=6))
    assert not await is_answerable(ours)
