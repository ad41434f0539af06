"""The pages, as a browser without scripts meets them."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract
from jinja2.ext import babel_extract

from kernel.keys import SoftwareSigner
from kernel.trust_list import ServiceState
from runtime.web.language import read_catalogue
from tests.support.badges import SKILLS
from tests.support.clock import NOW
from tests.support.simulated_wallet import Misbehaviour
from tests.verifier.browser import PASSPHRASE, Browser, post_form, sign_in
from tests.verifier.conftest import SKILL_URIS, FewSkills, Stage
from tests.verifier.test_presentation_response import change_disclosure

WEB = Path(__file__).parents[2] / "verifier" / "web"
OFFICE = "/back-office/bakker"


async def make_question(browser: Browser, **changes: Any) -> str:
    page = await browser.get(f"{OFFICE}/questions/new")
    fields = {
        "title": "Adviseur, Tiel",
        "purpose": "Vacature adviseur",
        "skill_uri": list(SKILL_URIS[:2]),
        "skill_name": ["a", "b"],
        "skill_need": ["needed", "nice"],
        "retention_hours": "24",
        "action": "save",
    }
    saved = await post_form(browser, page, {**fields, **changes})
    assert saved.status_code == 303, saved.text
    location: str = saved.headers["location"]
    return location


async def ask(browser: Browser, question: str) -> str:
    page = await browser.get(question)
    asked = await post_form(browser, page, {}, action=f"{question}/ask")
    assert asked.status_code == 303
    location: str = asked.headers["location"]
    return location


async def test_an_operator_signs_in_makes_a_question_asks_it_and_reads_the_report(any_stage: Stage) -> None:
    browser = await sign_in(any_stage)
    answer_page = await ask(browser, await make_question(browser))
    waiting = await browser.get(answer_page)
    assert "Wacht tot een wallet de vraag opent" in waiting.text
    assert "Deze vraag blijft nog 5 minuten open" in waiting.text
    assert '<meta http-equiv="refresh" content="5">' in waiting.text
    code = re.search(r'class="big-code">(\w{4})<', waiting.text)
    assert code
    assert (await any_stage.holding().answer(browser.wallet_link(waiting))).status_code == 200
    report = await browser.get(answer_page)
    assert "<h1>Voldoet aan de eis</h1>" in report.text
    assert "welkom, niet nodig" in report.text
    assert "beoordeeld door Stichting Stimulering Techniek Maas en Waal" in report.text
    assert "8 controles, alle geslaagd" in report.text
    # The step that the text names is the one that can be taken.
    assert "nodig de kandidaat uit" in report.text
    assert re.search(r'href="mailto:\?subject=Uitnodiging[^"]*">Schrijf een uitnodiging</a>', report.text)
    assert "Opnieuw vragen" not in report.text
    assert "openid4vp:" not in report.text
    listed = await browser.get(f"{OFFICE}/answers")
    assert f"kandidaat {code[1]}" in listed.text


RELATIONS = {"skill_uri": [FewSkills.EXACT, FewSkills.CLOSE], "skill_name": ["Onderzoek", "Zoiets"]}


async def test_S05_a_question_says_what_counts_too_and_what_is_only_related(stage: Stage) -> None:
    browser = await sign_in(stage)
    page = (await browser.get(await make_question(browser, **RELATIONS))).text
    lines = dict(zip(("exact", "close"), page.partition("Dit vraagt u")[2].split("<li>")[1:3], strict=True))
    name = SKILLS[SKILL_URIS[1]]
    assert f'Telt ook, dezelfde skill in een andere lijst: <span lang="nl">{name}</span>' in lines["exact"]
    assert "Verwant" not in lines["exact"]
    assert f'Verwant, telt niet mee: <span lang="nl">{name}</span>' in lines["close"]
    assert "Telt ook" not in lines["close"]


async def test_S05_a_report_says_which_skill_was_shown_for_another(stage: Stage) -> None:
    """A whole badge shows what is related to the second, which is welcome and was not proven."""
    browser = await sign_in(stage)
    answer_page = await ask(browser, await make_question(browser, **RELATIONS))
    await stage.holding("ldp_vc").answer(browser.wallet_link(await browser.get(answer_page)))
    report = (await browser.get(answer_page)).text
    name = SKILLS[SKILL_URIS[1]]
    assert "<h1>Voldoet aan de eis</h1>" in report
    assert f"Getoond: {name}. Dat is dezelfde skill in een andere lijst." in report
    assert f"Wel getoond: {name}. Dat is verwant, niet dezelfde skill, en telt niet mee." in report
    browser.client.headers["accept-language"] = "en"
    assert "That is the same skill in another list." in (await browser.get(answer_page)).text


async def test_V40_the_report_says_in_plain_words_what_failed_and_what_to_do(stage: Stage) -> None:
    browser = await sign_in(stage)
    question = await make_question(browser)
    answer_page = await ask(browser, question)
    link = browser.wallet_link(await browser.get(answer_page))
    await stage.holding(expires_at=stage.clock() - timedelta(days=1)).answer(link)
    report = (await browser.get(answer_page)).text
    assert "Deze badge is verlopen." in report
    assert "Vraag de kandidaat of er een nieuwere badge is." in report
    assert "<h1>Voldoet niet: de badge telt niet mee</h1>" in report
    assert "stel dan dezelfde vraag opnieuw" in report
    assert "5 van de 8" in report or "6 van de 8" in report
    browser.client.headers["accept-language"] = "en"
    report = (await browser.get(answer_page)).text
    assert "This badge has expired." in report
    assert '<html lang="en">' in report


@pytest.mark.parametrize(
    ("misbehaviour", "happened"),
    [
        (Misbehaviour(nonce="another-nonce-aaaaaaaaa"), "Dit antwoord hoort bij een andere vraag."),
        (Misbehaviour(audience="https://else.example"), "Dit antwoord was voor iemand anders gemaakt."),
        (Misbehaviour(change_presentation=change_disclosure), "Er is iets in veranderd of bijgezet."),
    ],
    ids=["A17 nonce", "A16 audience", "A11 disclosure"],
)
async def test_V40_what_was_passed_on_or_changed_is_asked_again_and_not_of_another_badge(
    stage: Stage, misbehaviour: Misbehaviour, happened: str
) -> None:
    browser = await sign_in(stage)
    answer_page = await ask(browser, await make_question(browser))
    await stage.holding().answer(browser.wallet_link(await browser.get(answer_page)), misbehaviour)
    report = (await browser.get(answer_page)).text
    assert happened in report
    assert "Reken niet op dit antwoord" in report
    assert "een andere badge hiervoor" not in report
    assert "Vraag de uitgever" not in report


async def test_T01_the_page_gives_two_answers_for_a_badge_that_is_real_and_unrecognised(stage: Stage) -> None:
    stage.write_trust_list()
    browser = await sign_in(stage)
    answer_page = await ask(browser, await make_question(browser))
    await stage.holding().answer(browser.wallet_link(await browser.get(answer_page)))
    report = (await browser.get(answer_page)).text
    assert "Echt, maar niet van een erkende uitgever." in report
    assert "uitgever niet erkend" in report


UNKNOWN = "Nog niet bewezen: het kon niet worden nagekeken"
UNRECOGNISED = "Nog niet bewezen: de uitgever is niet erkend"
# What the list says, the first line, what the notice says of it, and what to do now.
RECOGNITIONS: dict[str, tuple[dict[str, Any], tuple[str, str, str]]] = {
    "recognised": ({}, ("Voldoet aan de eis", "Alles waarop dit rust, is echt.", "nodig de kandidaat uit")),
    "not for this type": (
        {"achievement_types": frozenset({"Diploma"})},
        (UNRECOGNISED, "We kennen deze uitgever, maar niet voor dit soort badge.", "Vertrouwt u deze uitgever zelf"),
    ),
    "withdrawn": (
        {"states": (ServiceState("withdrawn", NOW - timedelta(days=60)),)},
        (UNRECOGNISED, "De erkenning van deze uitgever is ingetrokken.", "Reken niet op deze badge."),
    ),
    "not listed": (
        {"key": SoftwareSigner.generate()},
        (UNRECOGNISED, "We kennen deze uitgever niet.", "Vertrouwt u deze uitgever zelf"),
    ),
    "list unavailable": (
        {"next_update": NOW + timedelta(hours=1)},
        (UNKNOWN, "Echt, maar of de uitgever erkend is, weten we niet.", "Stel dezelfde vraag over een paar minuten"),
    ),
}


@pytest.mark.parametrize("name", RECOGNITIONS)
async def test_T06_the_page_says_of_each_recognition_what_it_is_and_what_to_do(stage: Stage, name: str) -> None:
    changes, (first_line, notice, advice) = RECOGNITIONS[name]
    stage.write_trust_list(stage.issuer, sequence=2, **changes)
    stage.clock.advance(timedelta(hours=2))
    browser = await sign_in(stage)
    answer_page = await ask(browser, await make_question(browser))
    await stage.holding().answer(browser.wallet_link(await browser.get(answer_page)))
    report = (await browser.get(answer_page)).text
    assert f"<h1>{first_line}</h1>" in report
    assert notice in report
    assert advice in report
    assert ("niet van een erkende uitgever" in report) == (first_line == UNRECOGNISED)


async def test_V41_after_erasing_the_page_keeps_the_proof_and_says_so(stage: Stage) -> None:
    browser = await sign_in(stage)
    question = await make_question(browser, retention_hours="0")
    answer_page = await ask(browser, question)
    await stage.holding().answer(browser.wallet_link(await browser.get(answer_page)))
    report = (await browser.get(answer_page)).text
    assert "Voldoet aan de eis" in report
    assert "De gegevens zijn gewist op" in report
    assert "Adviseur Lerende Regio" not in report


async def test_V23_another_operators_browser_does_not_get_the_link(stage: Stage) -> None:
    browser = await sign_in(stage)
    answer_page = await ask(browser, await make_question(browser))
    colleague = await sign_in(stage, email="c@bakker.example")
    page = await colleague.get(answer_page)
    assert "openid4vp:" not in page.text
    assert "De code staat op het scherm waar de vraag is gesteld" in page.text


async def test_A52_another_relying_partys_office_is_a_page_that_is_not_there(stage: Stage) -> None:
    browser = await sign_in(stage)
    question = await make_question(browser)
    answer_page = await ask(browser, question)
    await stage.admin.post("/api/relying-parties", json={"slug": "ander", "name": "Ander"})
    stranger = await sign_in(stage, slug="ander", email="x@ander.example")
    for path in (f"{OFFICE}/questions", question, answer_page, f"{answer_page}/events", f"{OFFICE}/answers"):
        assert (await stranger.get(path)).status_code == 404, path
        moved = path.replace("/bakker/", "/ander/")
        if moved.count("/") > 3:
            assert (await stranger.get(moved)).status_code == 404, moved


async def test_A52_nobody_enters_the_office_without_signing_in(stage: Stage) -> None:
    browser = Browser(stage)
    for path in (f"{OFFICE}/questions", f"{OFFICE}/questions/new", f"{OFFICE}/answers"):
        page = await browser.get(path)
        assert (page.status_code, page.headers["location"]) == (303, f"/sign-in?next={path}")


async def test_A52_a_form_from_elsewhere_changes_nothing(stage: Stage) -> None:
    browser = await sign_in(stage)
    question = await make_question(browser)
    for path in (f"{question}/ask", f"{question}/archive", f"{OFFICE}/questions/new", "/sign-out", "/result"):
        assert (await browser.client.post(path, data={"response_code": "a"})).status_code == 403, path
    assert (await browser.get(question)).status_code == 200


async def test_A52_after_signing_out_the_office_is_closed(stage: Stage) -> None:
    browser = await sign_in(stage)
    page = await browser.get(f"{OFFICE}/questions")
    assert (await post_form(browser, page, {}, action="/sign-out")).status_code == 303
    assert (await browser.get(f"{OFFICE}/questions")).status_code == 303


async def test_A52_whoever_guesses_waits_and_a_browser_that_was_in_before_does_not(stage: Stage) -> None:
    colleague, stranger = await sign_in(stage), Browser(stage)
    page = await stranger.get("/sign-in")
    for passphrase in (*["wrong wrong wrong"] * 5, PASSPHRASE):
        answer = await post_form(stranger, page, {"email": "R@Bakker.example", "passphrase": passphrase})
        assert answer.status_code == 400
    await post_form(colleague, await colleague.get(f"{OFFICE}/questions"), {}, action="/sign-out")
    page = await colleague.get("/sign-in")
    answer = await post_form(colleague, page, {"email": "R@Bakker.example", "passphrase": PASSPHRASE})
    assert answer.status_code == 303


async def test_A54_a_wrong_passphrase_and_an_unknown_address_get_the_same_words(stage: Stage) -> None:
    await sign_in(stage)
    browser = Browser(stage)
    page = await browser.get("/sign-in")
    words = []
    for email, passphrase in (("r@bakker.example", "wrong wrong wrong"), ("nobody@bakker.example", PASSPHRASE)):
        refused = await post_form(browser, page, {"email": email, "passphrase": passphrase})
        assert refused.status_code == 400
        words.append(re.sub(r'value="[^"]*"', "", refused.text))
    assert words[0] == words[1]


async def test_signing_in_goes_only_to_pages_of_this_site(stage: Stage) -> None:
    await sign_in(stage)
    browser = Browser(stage)
    page = await browser.get("/sign-in?next=https://evil.example/")
    fields = {"email": "r@bakker.example", "passphrase": PASSPHRASE, "next": "//evil.example"}
    signed_in = await post_form(browser, page, fields)
    assert signed_in.headers["location"] == f"{OFFICE}/questions"


async def test_skills_are_searched_and_chosen_without_a_script(stage: Stage) -> None:
    browser = await sign_in(stage)
    page = await browser.get(f"{OFFICE}/questions/new")
    typed = {"title": "Adviseur", "purpose": "Vacature", "retention_hours": "72"}
    found = await post_form(browser, page, {**typed, "q": "adviseren", "action": "search"})
    assert 'name="add" value="' + SKILL_URIS[1] in found.text
    assert 'value="Adviseur"' in found.text
    chosen = await post_form(browser, found, {**typed, "add": [SKILL_URIS[1]], "action": "add"})
    assert f'name="skill_uri" value="{SKILL_URIS[1]}"' in chosen.text
    kept = {"skill_uri": [SKILL_URIS[1]], "skill_name": ["x"], "skill_need": ["needed"]}
    removed = await post_form(browser, chosen, {**typed, **kept, "action": f"remove:{SKILL_URIS[1]}"})
    assert f'name="skill_uri" value="{SKILL_URIS[1]}"' not in removed.text
    own = {"own_uri": "https://elsewhere.example/skill/1", "own_name": "lijmen"}
    added = await post_form(browser, chosen, {**typed, **kept, **own, "action": "add-own"})
    assert "lijmen" in added.text
    saved = await post_form(browser, chosen, {**typed, **kept, "action": "save"})
    assert "3 dagen" in (await browser.get(saved.headers["location"])).text


@pytest.mark.parametrize("missing", ["title", "purpose", "skill_uri"])
async def test_a_form_that_lacks_something_keeps_what_was_typed_and_says_what(stage: Stage, missing: str) -> None:
    browser = await sign_in(stage)
    page = await browser.get(f"{OFFICE}/questions/new")
    fields: dict[str, Any] = {
        "title": "Adviseur",
        "purpose": "Vacature adviseur",
        "skill_uri": [SKILL_URIS[0]],
        "skill_name": ["a"],
        "skill_need": ["needed"],
        "retention_hours": "24",
        "action": "save",
    }
    refused = await post_form(browser, page, {name: value for name, value in fields.items() if name != missing})
    assert refused.status_code == 400
    assert 'role="alert"' in refused.text
    assert ("Vacature adviseur" in refused.text) is (missing != "purpose")


async def test_A41_what_others_wrote_is_shown_as_text(stage: Stage) -> None:
    browser = await sign_in(stage)
    attack = "<script>alert(1)</script>"
    question = await make_question(browser, title=attack, purpose=attack)
    answer_page = await ask(browser, question)
    for path in (
        question,
        answer_page,
        f"{OFFICE}/questions",
        f"{OFFICE}/answers",
        question.replace("/back-office", "/ask").replace("/questions", ""),
    ):
        page = await browser.get(path)
        assert page.status_code == 200, path
        assert attack not in page.text, path


async def test_a_refusal_and_an_expiry_each_have_their_page(stage: Stage) -> None:
    browser = await sign_in(stage)
    question = await make_question(browser)
    refused_page, expired_page = await ask(browser, question), await ask(browser, question)
    await stage.holding().refuse(browser.wallet_link(await browser.get(refused_page)))
    assert "De kandidaat heeft niets gedeeld" in (await browser.get(refused_page)).text
    stage.clock.advance(timedelta(minutes=6))
    assert "Niemand heeft op tijd geantwoord" in (await browser.get(expired_page)).text


async def test_the_pages_run_no_inline_script(stage: Stage) -> None:
    browser = await sign_in(stage)
    answer_page = await ask(browser, await make_question(browser))
    await stage.holding().answer(
        browser.wallet_link(await browser.get(answer_page)), Misbehaviour(nonce="another-nonce-aaaaaa")
    )
    for path in ("/", "/sign-in", "/result", f"{OFFICE}/questions/new", f"{OFFICE}/answers", answer_page):
        page = await browser.get(path)
        assert page.status_code == 200, path
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=", page.text), path


def page_texts() -> set[str]:
    """Every Dutch sentence of the pages."""
    found: set[str] = set()
    for path in WEB.glob("templates/*.html"):
        with path.open("rb") as file:
            for _, _, message, _ in babel_extract(file, ("_",), [], {"encoding": "utf-8"}):
                found.add(message if isinstance(message, str) else message[0])
    for path in WEB.glob("*.py"):
        with path.open("rb") as file:
            found.update(message for _, message, _, _ in extract("python", file, {"_": None}))
    return found


def test_every_sentence_of_the_pages_has_its_english_and_nothing_else_has() -> None:
    english = {
        message.id: message.string for message in read_catalogue("verifier", "en") if message.id and message.string
    }
    assert page_texts() - english.keys() == set()
    assert english.keys() - page_texts() == set()
