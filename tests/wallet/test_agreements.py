"""Agreeing to something with the same answer that shows a badge. OpenID4VP 1.0 §5.1, §8.4, B.3.3; W-54."""

import hashlib
import json
import re
from html import unescape

import pytest

from kernel import base64url
from kernel.jwt import parse_jwt
from kernel.openid4vp import ErrorResponse, verify_transaction_data
from kernel.sd_jwt import parse_sd_jwt
from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC, VC, WHOLE
from tests.wallet.test_pages import HOSTILE, open_link, receive

pytestmark = pytest.mark.over_http

FIRST, SECOND, *_ = SKILLS


@pytest.fixture
async def badge(house, holder):
    return await holder.receive(house.issuer.offer_link(configurations=[DC]))


def key_binding(raw):
    return parse_jwt(parse_sd_jwt(raw).key_binding_jwt).payload


async def test_W54_text_is_shown_before_and_its_hash_is_signed_as_it_came(house, holder, badge):
    raw = house.verifier.agree("Gegevens bewaren", "Bakker Bouw mag dit een jaar bewaren.")
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert asked["agreements"] == [{"title": "Gegevens bewaren", "text": "Bakker Bouw mag dit een jaar bewaren."}]
    assert house.verifier.received == []
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    signed = key_binding(house.verifier.received[-1].vp_token["skill_1"][0])
    assert signed["transaction_data_hashes"] == [base64url.encode(hashlib.sha256(raw.encode()).digest())]
    assert signed["transaction_data_hashes_alg"] == "sha-256"
    shown = house.verifier.verify("skill_1", house.issuer.signer.public_key)
    assert verify_transaction_data(house.verifier.agreements, "skill_1", shown.transaction_data)


async def test_W54_W31_history_keeps_what_was_agreed_to(house, holder, badge):
    house.verifier.agree("Gegevens bewaren", "Een jaar.")
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    [entry] = [entry for entry in await holder.history() if entry["kind"] == "shared"]
    assert entry["agreements"] == [{"title": "Gegevens bewaren", "text": "Een jaar."}]


async def test_W54_each_agreement_is_signed_by_one_badge_that_it_names_and_by_no_other(house, holder, badge):
    house.verifier.agree("Eerste", "Een.")
    house.verifier.agree("Tweede", "Twee.")
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST, SECOND)))
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    vp_token = house.verifier.received[-1].vp_token
    assert len(key_binding(vp_token["skill_1"][0])["transaction_data_hashes"]) == 2
    assert "transaction_data_hashes" not in key_binding(vp_token["skill_2"][0])


async def test_W54_without_anything_to_agree_to_nothing_is_hashed(house, holder, badge):
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert asked["agreements"] == []
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    signed = key_binding(house.verifier.received[-1].vp_token["skill_1"][0])
    assert not {"transaction_data_hashes", "transaction_data_hashes_alg"} & signed.keys()


async def test_W54_saying_no_signs_nothing(house, holder, badge):
    house.verifier.agree()
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    await holder.call("POST", f"/requests/{asked['id']}/decline", {})
    assert house.verifier.received == [ErrorResponse("access_denied", None, house.verifier.state)]


@pytest.mark.parametrize(
    "misbehaviour",
    [
        "with_transaction_data",
        "transaction_data_of_an_unknown_type",
        "transaction_data_for_no_query",
        "transaction_data_without_words",
        "transaction_data_with_more_than_is_shown",
        "transaction_data_that_reads_otherwise",
    ],
)
async def test_W54_W53_what_cannot_be_shown_in_plain_words_is_refused_and_told_when_the_person_wants(
    house, holder, badge, misbehaviour
):
    """UnknownTransactionDataType."""
    house.verifier.misbehave = misbehaviour
    answer = await holder.call("POST", "/requests", {"request": house.verifier.ask(house.verifier.skill_query(FIRST))})
    assert (answer.status_code, answer.json()["failure"]) == (400, "question_transaction")
    assert house.verifier.received == []
    await holder.call("POST", f"/requests/{answer.json()['request_id']}/decline", {})
    assert house.verifier.received == [ErrorResponse("invalid_transaction_data", None, house.verifier.state)]


async def test_W54_badge_in_a_format_without_a_place_for_it_cannot_carry_an_agreement(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[WHOLE]))
    house.verifier.agree()
    whole = house.verifier.skill_query(FIRST, query_format="ldp_vc")
    answer = await holder.call("POST", "/requests", {"request": house.verifier.ask(whole)})
    assert answer.json()["failure"] == "question_transaction"


async def test_W54_way_that_cannot_carry_the_agreement_is_no_answer(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[WHOLE]))
    house.verifier.agree()
    sd = house.verifier.skill_query(FIRST)["credentials"][0]
    whole = house.verifier.skill_query(FIRST, query_format="ldp_vc")["credentials"][0] | {"id": "whole"}
    query = {"credentials": [sd, whole], "credential_sets": [{"options": [["skill_1"], ["whole"]]}]}
    asked = await holder.open_request(house.verifier.ask(query))
    assert not asked["answerable"]
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).json()["code"] == "no_match"
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(query))
    assert [way["parts"][0]["query_id"] for way in asked["questions"][0]["alternatives"]] == ["skill_1"]
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200


async def test_W54_nobody_agrees_by_showing_another_badge(house, holder, badge):
    """The agreement hangs on a badge that may be left out: without it there is nothing to sign with."""
    made = {"type": "urn:skillswallet:agreement", "credential_ids": ["skill_2"], "title": "T", "text": "X"}
    house.verifier.more = {"transaction_data": [base64url.encode(json.dumps(made).encode())]}
    query = house.verifier.skill_query(FIRST, SECOND) | {
        "credential_sets": [{"options": [["skill_1"]]}, {"options": [["skill_2"]], "required": False}]
    }
    asked = await holder.open_request(house.verifier.ask(query))
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert (answer.status_code, answer.json()["code"]) == (400, "choice")
    choices = {"q1": asked["questions"][1]["alternatives"][0]["key"]}
    await holder.call("POST", f"/requests/{asked['id']}/accept", {"choices": choices})
    vp_token = house.verifier.received[-1].vp_token
    assert "transaction_data_hashes" in key_binding(vp_token["skill_2"][0])
    assert "transaction_data_hashes" not in key_binding(vp_token["skill_1"][0])


async def test_W54_other_hash_is_used_where_the_verifier_wants_it(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[VC]))
    made = {
        "type": "urn:skillswallet:agreement",
        "credential_ids": ["skill_1"],
        "transaction_data_hashes_alg": ["sha-512"],
        "title": "T",
        "text": "X",
    }
    raw = base64url.encode(json.dumps(made).encode())
    house.verifier.more = {"transaction_data": [raw]}
    query = house.verifier.skill_query(FIRST, query_format="vc+sd-jwt")
    asked = await holder.open_request(house.verifier.ask(query))
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    signed = key_binding(house.verifier.received[-1].vp_token["skill_1"][0])
    assert signed["transaction_data_hashes_alg"] == "sha-512"
    assert signed["transaction_data_hashes"] == [base64url.encode(hashlib.sha512(raw.encode()).digest())]


async def test_W54_agreements_without_a_hash_in_common_are_refused_and_nothing_is_shown(house, holder, badge):
    def entry(algorithm):
        members = {"type": "urn:skillswallet:agreement", "credential_ids": ["skill_1"], "title": "T", "text": "X"}
        return base64url.encode(json.dumps({**members, "transaction_data_hashes_alg": [algorithm]}).encode())

    house.verifier.more = {"transaction_data": [entry("sha-256"), entry("sha-512")]}
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert answer.json()["failure"] == "question_transaction"
    assert house.verifier.received == [ErrorResponse("invalid_transaction_data", None, house.verifier.state)]


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_W54_A41_page_says_what_one_agrees_to_in_full_and_as_text(house, language):
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    await receive(house, browser, configurations=[DC])
    house.verifier.agree(HOSTILE, f"{HOSTILE}\nTweede regel. " + "Lang. " * 200 + "Het einde.")
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    page = " ".join(unescape(re.sub(r"<[^>]+>", " ", browser.page)).split())
    assert "<script>alert" not in browser.page
    assert {"nl": "vraagt je akkoord", "en": "asks for your agreement"}[language] in page
    assert {"nl": "Hier ga je mee akkoord", "en": "This is what you agree to"}[language] in page
    assert "Het einde." in page
    assert {"nl": "Ja, akkoord en dit delen", "en": "Yes, agree and share this"}[language] in page
    await browser.post(f"{browser.answer.url.path}/accept")
    history = (await browser.get("/shared")).text
    assert "<script>alert" not in history
    # A list stays one, however much was agreed to.
    assert re.search(r"<details><summary>(Akkoord met|Agreed to)[^<]*</summary><p class=\"text\"", history)
    assert "Het einde." in browser.page
