"""Each failure of presenting names its step, its side, its rule and what to do, in both languages."""

import re
from html import unescape
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from kernel import errors as kernel_errors
from tests.support.badges import SKILLS
from tests.support.simulated_issuer import DC
from tests.wallet.test_pages import open_link, receive
from wallet.errors import EXPLANATIONS
from wallet.failures import _OF_SENDER, FAILURES, SIDES, STEPS, TITLES, sender_failure

pytestmark = pytest.mark.over_http

FIRST = next(iter(SKILLS))


def text_of(page):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
async def badge(house, holder):
    return await holder.receive(house.issuer.offer_link(configurations=[DC]))


MISBEHAVIOURS = {
    "another_wallet_nonce": "sender_nonce",
    "no_wallet_nonce": "sender_nonce",
    "another_client_id_inside": "sender_identity",
    "signed_by_another_key": "sender_signature",
    "another_typ": "sender_type",
    "expired": "sender_time",
    "another_audience": "sender_audience",
    "answer_to_another_party": "sender_address",
    "with_redirect_uri": "question_parameters",
    "without_nonce": "question_parameters",
    "same_query_id_twice": "question_query",
    "path_of_another_type": "question_query",
    "request_of_another_type": "fetch_content",
    "asks_by_scope": "question_scope",
}


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
async def test_W41_W45_each_refused_question_says_which_step_failed_and_by_which_rule(
    house, holder, badge, misbehaviour
):
    house.verifier.misbehave = misbehaviour
    answer = await holder.call("POST", "/requests", {"request": house.verifier.ask(house.verifier.skill_query(FIRST))})
    failure = FAILURES[MISBEHAVIOURS[misbehaviour]]
    body = answer.json()
    assert (body["failure"], body["failed_step"], body["rule"]) == (failure.code, failure.step, failure.rule)
    assert body["side"] == "verifier"
    assert body["hint"] == failure.advice
    assert failure.meaning in body["title"]


BAD_METADATA = (None, [], {"client_name": 5}, {"encrypted_response_enc_values_supported": []}, {"jwks": {"keys": 5}})


@pytest.mark.parametrize(
    ("more", "is_state_sent"),
    [
        *(({"client_metadata": metadata}, True) for metadata in BAD_METADATA),
        *(({"state": state}, False) for state in ("a b", 5, "", None)),
    ],
)
async def test_W53_a_proven_sender_of_a_bad_question_is_no_stranger_and_hears_what_is_wrong(
    house, holder, badge, more, is_state_sent
):
    house.verifier.more = more
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    body = (await holder.call("POST", "/requests", {"request": link})).json()
    assert (body["failure"], body["failed_step"]) == ("question_parameters", "question")
    assert {"§5.1", "§5.3"} <= set(body["rule"].replace(",", "").split())
    assert house.verifier.received == []
    assert (await holder.call("POST", f"/requests/{body['request_id']}/decline")).status_code == 200
    [heard] = house.verifier.received
    assert (heard.error, heard.state) == ("invalid_request", house.verifier.state if is_state_sent else None)


async def test_W53_who_asks_where_the_question_was_fetched_hears_what_is_wrong_too(house, holder, badge):
    """Verifiers on Credo write their `request_uri` in `aud` (decision 0054)."""
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    house.verifier.more = {"aud": parse_qs(urlsplit(link).query)["request_uri"][0], "dcql_query": 1}
    body = (await holder.call("POST", "/requests", {"request": link})).json()
    assert body["failure"] == "question_query"
    assert body["request_id"]


@pytest.mark.parametrize(("language", "button"), [("nl", "Laat het hun weten"), ("en", "Let them know")])
async def test_W53_page_of_a_bad_question_of_a_proven_sender_offers_to_let_them_know(house, language, button):
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    house.verifier.more = {"client_metadata": None}
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    page = text_of((await browser.get(f"/open?link={quote(link, safe='')}")).text)
    assert button in page
    assert "client_metadata" in page
    assert not any(words in page for words in ("vertrouwen we niet", "do not trust"))


async def test_A35_answer_over_http_is_refused_at_the_step_where_the_sender_is_checked(house, holder, badge):
    house.verifier.misbehave = "answer_over_http"
    answer = await holder.call("POST", "/requests", {"request": house.verifier.ask(house.verifier.skill_query(FIRST))})
    assert answer.json()["failed_step"] == "sender"


@pytest.mark.parametrize(
    ("link", "code"),
    [
        ("openid4vp://?client_id=unknown%3Ax&request_uri=https%3A%2F%2Fverifier.example%2Fr", "client_id"),
        ("openid4vp://?client_id=did%3Aweb%3Ax.example&request_uri=https%3A%2F%2Fx.example%2Fr", "client_id_draft"),
        (
            "openid4vp://?client_id=did%3Aweb%3Ax.example&client_id_scheme=did&request_uri=https%3A%2F%2Fx.example%2Fr",
            "client_id_draft",
        ),
        ("openid4vp://?client_id=https%3A%2F%2Fx.example&request=e30", "client_id_draft"),
        ("openid4vp://?client_id=origin%3Ahttps%3A%2F%2Fx.example&request=e30", "client_id"),
        ("openid4vp://?client_id=decentralized_identifier%3Adid%3Aweb%3Ax.example&response_type=vp_token", "unsigned"),
        (
            "openid4vp://?client_id=decentralized_identifier%3Adid%3Aweb%3Ax.example"
            "&request_uri=https%3A%2F%2F127.0.0.1%2Fr",
            "fetch_address",
        ),
        (
            "openid4vp://?client_id=decentralized_identifier%3Adid%3Aweb%3Averifier.example%3Abakker"
            "&request_uri=https%3A%2F%2Fverifier.example%2Fgone",
            "fetch_gone",
        ),
        ("openid4vp://?client_id=decentralized_identifier%3Adid%3Aweb%3Ax.example&request=no.jwt", "sender_content"),
    ],
)
async def test_W40_W43_bad_link_says_which_step_failed(house, holder, link, code):
    answer = await holder.call("POST", "/requests", {"request": link})
    assert (answer.status_code, answer.json()["failure"]) == (400, code)


async def test_verifier_that_is_silent_is_no_bad_verifier(house, holder, badge):
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    house.transport.down.add("verifier.example:443")
    body = (await holder.call("POST", "/requests", {"request": link})).json()
    assert (body["status"], body["failure"], body["side"]) == (503, "fetch_silent", "connection")
    by_value = house.verifier.ask_by_value(house.verifier.skill_query(FIRST))
    body = (await holder.call("POST", "/requests", {"request": by_value})).json()
    assert (body["status"], body["failure"], body["side"]) == (503, "sender_silent", "connection")


@pytest.mark.parametrize(
    ("misbehaviour", "code"),
    [
        ("refuses_answers", "delivery_refused"),
        ("breaks_on_answers", "delivery_silent"),
        ("unusable_encryption_key", "answer_encryption"),
    ],
)
async def test_W51_W46_answer_that_fails_says_where(house, holder, badge, misbehaviour, code):
    house.verifier.misbehave = misbehaviour
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert answer.json()["failure"] == code


async def test_failure_that_can_be_told_says_the_same_when_it_is_opened_again(house, holder, badge):
    house.verifier.misbehave = "without_nonce"
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    first, again = [(await holder.call("POST", "/requests", {"request": link})).json() for _ in range(2)]
    assert first["request_id"]
    assert {**first, "trace_id": ""} == {**again, "trace_id": "", "step": first["step"]}


@pytest.mark.parametrize("language", ["nl", "en"])
async def test_page_of_a_failure_shows_the_steps_the_rule_and_a_code_to_quote(house, language):
    browser = house.new_browser(language)
    await browser.sign_up("Sanne")
    house.verifier.misbehave = "signed_by_another_key"
    link = house.verifier.ask(house.verifier.skill_query(FIRST))
    answer = await browser.get(f"/open?link={quote(link, safe='')}")
    page = text_of(answer.text)
    words = {
        "nl": ("De vraag ophalen", "hier ging het mis", "Er is niets gedeeld", "Wat zij kunnen doen"),
        "en": ("Fetching the question", "this is where it went wrong", "Nothing was shared", "What they can do"),
    }[language]
    assert [word for word in words if word not in page] == []
    assert "OpenID4VP 1.0 §5.9.3" in page
    assert "sender_signature" in page
    assert answer.headers["trace-id"] in page
    assert answer.text.count('class="done"') == 2
    assert answer.text.count('class="failed"') == 1


async def test_page_says_that_what_was_sent_was_sent(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await receive(house, browser, configurations=[DC])
    house.verifier.misbehave = "refuses_answers"
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    page = text_of((await browser.post(f"{browser.answer.url.path}/accept")).text)
    assert "Wat je wilde delen is wel verstuurd" in page
    assert "Er is niets gedeeld" not in page


def test_every_failure_has_its_words_in_english_too(house):
    from runtime.web.language import load_catalogue

    english = load_catalogue(("runtime", "wallet"), "en").gettext
    texts = [*STEPS.values(), *SIDES.values(), *TITLES.values()]
    texts += [text for failure in FAILURES.values() for text in (failure.meaning, failure.advice, failure.repair)]
    assert [text for text in texts if english(text) == text] == []


def test_every_error_of_the_kernel_is_a_failure_of_the_sender():
    for kind in EXPLANATIONS:
        assert sender_failure(kind("x"), "", "").code in FAILURES
    assert set(_OF_SENDER.values()) <= set(FAILURES)
    assert kernel_errors.CredentialError in _OF_SENDER
