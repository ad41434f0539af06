"""Agreeing to something by showing a badge: asked, signed, checked and told. OpenID4VP 1.0 §8.4; W-54, V-24."""

import json
from typing import Any

import pytest

from kernel.openid4vp import create_agreement
from tests.support.simulated_wallet import Misbehaviour
from tests.verifier.browser import Browser, post_form, sign_in
from tests.verifier.conftest import SKILL_URIS, Stage
from tests.verifier.test_pages import OFFICE, ask, make_question

pytestmark = pytest.mark.over_http

PARTY = "/api/relying-parties/bakker"
AGREEMENT = {"title": "Regels van de cursus", "text": "Ik kom elke week.\nIk meld me af als ik ziek ben."}
TWO_SKILLS = [{"uri": SKILL_URIS[0]}, {"uri": SKILL_URIS[1], "required": False}]


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt"])
async def test_W54_V24_an_agreement_is_signed_with_the_badge_and_stands_in_the_report(
    any_stage: Stage, format_id: str
) -> None:
    wallet = any_stage.holding(format_id)
    reply, found = await any_stage.ask_and_answer(wallet, agreement=AGREEMENT)
    assert reply.status_code == 200
    (told,) = found["report"]["agreements"]
    assert (told["title"], told["text"], told["agreed"]) == (AGREEMENT["title"], AGREEMENT["text"], True)
    assert told["presentation"].startswith("skill_1_")
    assert found["report"]["accepted"]


async def test_W54_who_agrees_is_asked_for_badges_in_formats_that_can_carry_it(stage: Stage) -> None:
    started = await stage.ask(agreement=AGREEMENT, skills=TWO_SKILLS)
    request = await stage.wallet().read_request(started["link"])
    assert request.dcql_query.formats == {"dc+sd-jwt", "vc+sd-jwt"}
    (entry,) = request.transaction_data
    assert entry.credential_ids == ("skill_1_sd", "skill_1_w3", "skill_2_sd", "skill_2_w3")


async def test_W54_V24_who_shows_the_badge_without_signing_has_not_agreed(stage: Stage) -> None:
    reply, found = await stage.ask_and_answer(
        stage.holding(), Misbehaviour(agrees_to=lambda _: ()), agreement=AGREEMENT
    )
    assert reply.status_code == 200
    report = found["report"]
    assert (report["accepted"], report["agreements"][0]["agreed"]) == (False, False)
    query = next(check for check in report["checks"] if check["code"] == "query")
    assert (query["outcome"], query["error_code"]) == ("failed", "query")


OTHER = create_agreement(title="Iets anders", text="Ik betaal.", credential_ids=["skill_1_sd"])


@pytest.mark.parametrize(
    "misbehaviour",
    [
        Misbehaviour(agrees_to=lambda _: [OTHER]),
        Misbehaviour(agrees_to=lambda sent: [*sent, OTHER]),
        Misbehaviour(agrees_to=lambda sent: [*sent, *sent]),
        Misbehaviour(hash_algorithm="sha-512"),
    ],
    ids=["something_else", "something_more", "twice", "another_algorithm"],
)
async def test_W54_V24_an_agreement_with_one_thing_wrong_is_no_holder_binding(
    stage: Stage, misbehaviour: Misbehaviour
) -> None:
    reply, found = await stage.ask_and_answer(stage.holding(), misbehaviour, agreement=AGREEMENT)
    assert reply.status_code == 400
    assert not found["report"]["accepted"]
    binding = next(check for check in found["report"]["checks"] if check["code"] == "holder_binding")
    assert (binding["outcome"], binding["error_code"]) == ("failed", "holder_binding")
    assert not found["report"]["agreements"][0]["agreed"]


async def test_W54_who_was_asked_to_agree_to_nothing_signs_nothing(stage: Stage) -> None:
    reply, _ = await stage.ask_and_answer(stage.holding(), Misbehaviour(agrees_to=lambda _: [OTHER]))
    assert reply.status_code == 400


@pytest.mark.parametrize(
    "agreement",
    [
        {"title": "", "text": "t"},
        {"title": "T"},
        {"title": "T" * 201, "text": "t"},
        {"text": "t" * 4001},
        {"title": "T\u202e", "text": "t"},
        {"title": "T", "text": "12\u206634"},
    ],
)
async def test_W54_an_agreement_that_nobody_could_read_is_not_asked(stage: Stage, agreement: dict[str, Any]) -> None:
    body = {"purpose": "Cursus", "skills": [{"uri": SKILL_URIS[0]}], "agreement": agreement}
    refused = await stage.api.post(f"{PARTY}/presentations", json=body)
    assert refused.status_code == 400
    assert "agreement" in json.dumps(refused.json())


async def test_W54_V07_a_saved_question_carries_its_agreement_to_every_candidate(any_stage: Stage) -> None:
    operator = await sign_in(any_stage)
    question = await make_question(
        operator,
        agreement_title=AGREEMENT["title"],
        agreement_text=AGREEMENT["text"].replace("\n", "\r\n"),
        skill_need=["needed", "nice"],
    )
    page = await operator.get(question)
    assert "Hiermee gaat de kandidaat akkoord" in page.text
    candidate = Browser(any_stage)
    path = question.replace("/back-office/", "/ask/").replace("/questions", "")
    asked = await candidate.get(path)
    assert "Hiermee gaat u akkoord als u deelt" in asked.text
    assert "Ik meld me af als ik ziek ben." in asked.text
    answer = await ask(operator, question)
    waiting = await operator.get(answer)
    assert (await any_stage.holding().answer(operator.wallet_link(waiting))).status_code == 200
    report = await operator.get(answer)
    assert "Regels van de cursus" in report.text
    assert "Ondertekend met dezelfde sleutel" in report.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"agreement_title": "T"}, "Schrijf waarmee de kandidaat akkoord gaat"),
        ({"agreement_text": "t"}, "Geef de tekst een titel"),
        ({"agreement_title": "T\u202e", "agreement_text": "t"}, "onzichtbare tekens"),
        ({"agreement_title": "T", "agreement_text": "t\u2066"}, "onzichtbare tekens"),
    ],
)
async def test_W54_half_an_agreement_is_not_saved(stage: Stage, fields: dict[str, str], words: str) -> None:
    operator = await sign_in(stage)
    page = await operator.get(f"{OFFICE}/questions/new")
    saved = await post_form(
        operator,
        page,
        {
            "title": "t",
            "purpose": "p",
            "skill_uri": [SKILL_URIS[0]],
            "skill_name": ["a"],
            "skill_need": ["needed"],
            "retention_hours": "24",
            "action": "save",
            **fields,
        },
    )
    assert saved.status_code == 400
    assert words in saved.text


async def test_V23_a_question_may_be_for_the_candidates_own_device_alone(stage: Stage) -> None:
    operator = await sign_in(stage)
    question = await make_question(operator, same_device_only="1")
    page = await operator.get(question)
    assert "Nu vragen, hier op het scherm" not in page.text
    assert (await post_form(operator, page, {}, action=f"{question}/ask")).status_code == 404
    path = question.replace("/back-office/", "/ask/").replace("/questions", "")
    candidate = Browser(stage)
    asked = await candidate.get(path)
    assert "Op een ander apparaat" not in asked.text
    begun = await post_form(candidate, asked, {"flow": "cross_device"})
    waiting = await candidate.get(begun.headers["location"])
    assert "big-code" not in waiting.text
    body = {"question_id": question.rpartition("/")[2]}
    refused = await stage.api.post(f"{PARTY}/presentations", json=body)
    assert (refused.status_code, refused.json()["fields"]) == (400, {"flow": "same_device_only"})
    assert (await stage.api.post(f"{PARTY}/presentations", json={**body, "flow": "same_device"})).status_code == 201
