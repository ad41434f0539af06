"""The consent page tells everything that an answer shows, in words that a hostile issuer cannot bend."""

import json
import re
from dataclasses import replace
from html import unescape
from threading import current_thread, main_thread

import pytest

from kernel.microcredential import create_microcredential_achievement
from kernel.openid4vp import VpTokenResponse
from kernel.type_metadata import create_integrity
from runtime.badge_facts import LEARNING_ELEMENTS
from runtime.import_texts import ELEMENTS
from runtime.web.language import load_catalogue
from tests.support.badges import SKILLS, create_test_achievement, create_test_dataset
from tests.support.full_badge import DESCRIPTIONS, LEARNING_OUTCOME
from tests.support.microcredentials import FULL
from tests.support.simulated_issuer import DC, VC
from tests.wallet.test_pages import HOSTILE, open_link, receive
from wallet import consent
from wallet.claims import LEARNING_LABELS, find_shown_facts

FIRST, SECOND, *_ = SKILLS


@pytest.fixture
async def browser(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


async def consent_page(house, browser, query=None):
    await receive(house, browser, configurations=[DC])
    await open_link(browser, house.verifier.ask(query or house.verifier.skill_query(FIRST)))
    assert browser.answer.status_code == 200
    return browser.page


def claims_query(house, *paths):
    query = house.verifier.skill_query(FIRST)
    query["credentials"][0]["claims"] += [{"path": list(path)} for path in paths]
    return query


@pytest.mark.parametrize("name", [HOSTILE, "100%", "%(x)s", "%s", "{{ 7*7 }}"])
async def test_A41_name_of_a_claim_is_text_and_never_markup_or_a_format(house, browser, name):
    house.issuer.planted_hidden = {name: "hidden value", f"{name}2": "shown value"}
    page = await consent_page(house, browser, claims_query(house, [f"{name}2"]))
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert name in text_of(page)
    shared = await browser.post(f"{browser.answer.url.path}/accept", q0="")
    assert shared.status_code in (200, 400)
    assert (await browser.get("/shared")).status_code == 200
    assert "<script>alert" not in browser.page


async def test_A41_name_of_a_shared_claim_is_text_in_the_history(house, holder):
    house.issuer.planted_hidden = {HOSTILE: "value", "100%": "value"}
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(claims_query(house, [HOSTILE], ["100%"])))
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    browser = house.new_browser()
    await browser.get("/sign-in")
    await browser.post("/sign-in", name=holder.name, passphrase=holder.passphrase, next="/shared")
    page = await browser.get("/shared")
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "100%" in text_of(page.text)


async def test_W47_claims_that_an_issuer_planted_in_the_open_are_told(house, browser):
    house.issuer.planted = {"bsn": "123456782", "home": {"street": "Dorpsstraat 1"}}
    page = text_of(await consent_page(house, browser))
    assert "123456782" in page
    assert "Dorpsstraat 1" in page
    assert "bsn" in page


async def test_W47_value_that_calls_itself_something_else_is_told_whole(house, browser):
    house.issuer.planted_hidden = {"hobby": {"name": "voetbal", "bsn": "123456782"}, "many": list(range(1000, 1020))}
    page = text_of(await consent_page(house, browser, claims_query(house, ["hobby"], ["many"])))
    assert "123456782" in page
    assert "1019" in page


async def test_W47_claim_that_calls_itself_a_skill_is_told_by_its_own_name(house, browser):
    house.issuer.planted_hidden = {"Skill": "123456782"}
    page = text_of(await consent_page(house, browser, claims_query(house, ["Skill"])))
    assert "123456782" in page
    assert "vraagt om 1 skill" in page


async def test_W47_every_way_tells_its_own_skills(house, browser):
    """A question without values opens all skills of the badge that is chosen, and these differ from badge to badge."""
    another = create_test_achievement(name="Tweede badge")
    another["id"] += "-2"
    another["alignment"] = [dict(another["alignment"][0], targetUrl="https://x.example/s", targetName="Andere skill")]
    await receive(house, browser, configurations=[DC])
    house.issuer.dataset = create_test_dataset(achievement=another)
    await receive(house, browser, configurations=[DC])
    query = house.verifier.skill_query(FIRST)
    query["credentials"][0]["claims"] = [{"path": ["achievement", "alignment", None]}]
    await open_link(browser, house.verifier.ask(query))
    for way in re.findall(r'<div class="alternative">.*?</ul>', browser.page, re.DOTALL):
        if "Tweede badge" in way:
            assert "Andere skill" in way
            break
    else:
        pytest.fail("the second badge is not offered")
    assert all(name in text_of(browser.page) for name in SKILLS.values())


async def test_W18_claims_are_called_as_the_type_says_then_as_the_issuer_says(house, browser):
    house.issuer.planted_hidden = {"cohort": "2026", "shirt": "XL", "email2": "x@y.example"}
    house.issuer.type_metadata = {
        "claims": [{"path": ["cohort"], "display": [{"locale": "nl", "label": "Lichting"}]}],
    }
    house.issuer.claim_descriptions = [
        {"path": ["cohort"], "display": [{"name": "Jaargroep", "locale": "nl"}]},
        {"path": ["shirt"], "display": [{"name": "Shirt size", "locale": "en"}, {"name": "Maat", "locale": "nl"}]},
        {"path": ["email"], "display": [{"name": "Lievelingskleur", "locale": "nl"}]},
    ]
    await receive(house, browser, configurations=[DC])
    link = house.verifier.ask(claims_query(house, ["cohort"], ["shirt"], ["email"]))
    await open_link(browser, link)
    page = text_of(browser.page)
    assert "Lichting" in page
    assert "Jaargroep" not in page
    assert "Maat" in page
    # What identifies a person keeps our own words, whatever its issuer calls it.
    assert "Je e-mailadres" in page
    assert "Lievelingskleur" not in page
    path = browser.answer.url.path
    browser.http.headers["Accept-Language"] = "en"
    assert "Shirt size" in text_of((await browser.get(path)).text)


def extended(name, label, **members):
    vct = f"https://issuer.example/vct/{name}"
    claims = [{"path": ["cohort"], "display": [{"locale": "nl", "label": label}]}] if label else []
    return json.dumps({"vct": vct, "claims": claims, **members}).encode()


def extending(name, document=None):
    integrity = {} if document is None else {"extends#integrity": create_integrity(document)}
    return {"extends": f"https://issuer.example/vct/{name}", **integrity}


async def shown_label(house, holder):
    house.issuer.planted_hidden = {"cohort": "2026"}
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(claims_query(house, ["cohort"])))
    [label] = {fact["label"] for fact in asked["share"][0]["shown"] if fact["path"] == ["cohort"]}
    return label


async def test_W18_K51_claims_are_called_as_the_types_say_that_the_type_extends(house, holder):
    far = extended("far", "Lichting")
    near = extended("near", "", **extending("far", far))
    house.issuer.extended_types = {"far": far, "near": near}
    house.issuer.type_metadata = extending("near", near)
    assert await shown_label(house, holder) == "Lichting"


async def test_W18_K51_nearest_type_that_says_something_counts(house, holder):
    house.issuer.extended_types = {
        "far": extended("far", "Ver"),
        "near": extended("near", "Dichtbij", **extending("far")),
    }
    house.issuer.type_metadata = extending("near")
    assert await shown_label(house, holder) == "Dichtbij"


async def test_W18_K50_K51_type_that_is_not_the_one_named_says_nothing(house, holder):
    house.issuer.extended_types = {"far": extended("far", "Gewisseld")}
    house.issuer.type_metadata = extending("far", extended("far", "Lichting"))
    assert await shown_label(house, holder) == "cohort"


@pytest.mark.parametrize("count", [1, 20])
async def test_W18_K51_A49_types_without_end_end(house, holder, count):
    house.issuer.extended_types = {
        f"t{number}": extended(f"t{number}", "", **extending(f"t{(number + 1) % count}")) for number in range(count)
    }
    house.issuer.type_metadata = extending("t0")
    assert await shown_label(house, holder) == "cohort"
    assert len([path for path in house.issuer.requests if "/vct/t" in path]) <= 5


async def test_W18_number_of_the_badge_is_called_so(house, holder):
    badge = await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(claims_query(house, ["id"])))
    [part] = asked["share"]
    assert part["credential_id"] == badge["id"]
    assert "Het nummer van deze badge" in [fact["label"] for fact in part["shown"]]


async def test_W47_what_a_free_choice_would_show_is_not_said_to_stay_hidden(house, browser):
    query = house.verifier.skill_query(FIRST, SECOND)
    query["credentials"][1]["claims"] += [{"path": ["given_name"]}]
    query["credential_sets"] = [{"options": [["skill_1"]]}, {"options": [["skill_2"]], "required": False}]
    page = text_of(await consent_page(house, browser, query))
    hidden = page.partition("Dit zien zij niet")[2].partition("Goed om te weten")[0].lower()
    assert "je achternaam" in hidden
    assert "je voornaam" not in hidden
    assert SKILLS[SECOND].lower() not in hidden


def microcredential(**members):
    """A badge that says in alignments what Annex I asks for, and in the open what nobody may hide."""
    achievement = create_test_achievement(resultDescription=[LEARNING_OUTCOME, DESCRIPTIONS[2]], **members)
    said = replace(FULL, achievement_id=achievement["id"], learning_outcomes=())
    stated = create_microcredential_achievement(said)["alignment"]
    return {**achievement, "alignment": [*achievement["alignment"], *stated]}


def told_about(part, side, label):
    return [fact["value"] for fact in part[side] if fact["label"] == label]


@pytest.fixture
async def asked(house, holder):
    house.issuer.dataset = create_test_dataset(
        achievement=microcredential(creditsAvailable=2.5, tag=["lassen", "metaal"], version="2")
    )
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    question = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    [part] = question["share"]
    return part


async def test_W47_what_stands_open_in_the_achievement_is_told_as_going_along_unasked(asked):
    extra = {fact["label"]: fact["value"] for fact in asked["shown"] if fact["is_extra"]}
    assert extra["Studiepunten"] == "2,5"
    assert extra["Trefwoorden"] == "lassen, metaal"
    assert extra["Versie"] == "2"
    assert extra["Hoe een resultaat is gemeten"] == "Cijfer · op een schaal van 1 tot 10 · nodig: 5.5"


@pytest.mark.parametrize("securing", [DC, VC])
async def test_W47_S09_every_text_that_is_sent_is_told_or_named_with_the_badge(house, holder, securing):
    """Whatever an achievement has: no text that the verifier can read stands on no page."""
    extra = {
        "creditsAvailable": 2.5,
        "tag": ["avondklas"],
        "version": "tweede",
        "fieldOfStudy": "metaaltechniek",
        "specialization": "roestvast staal",
        "humanCode": "LAS-7",
        "otherIdentifier": [{"type": "IdentifierEntry", "identifier": "crebo-25268", "identifierType": "identifier"}],
        "related": [{"id": "https://issuer.example/ander", "type": ["Related"], "inLanguage": "fy"}],
    }
    house.issuer.dataset = create_test_dataset(achievement=microcredential(**extra))
    await holder.receive(house.issuer.offer_link(configurations=[securing]))
    path = ["achievement", "alignment", None, "targetUrl"]
    query = house.verifier.skill_query(FIRST)
    if securing == VC:
        query["credentials"][0] |= {"format": "vc+sd-jwt", "meta": {"type_values": [["VerifiableCredential"]]}}
        path.insert(0, "credentialSubject")
    query["credentials"][0]["claims"] = [{"path": path, "values": [FIRST]}]
    asked = await holder.open_request(house.verifier.ask(query))
    told = json.dumps(asked["share"][0]["shown"], ensure_ascii=False)
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    query_format = query["credentials"][0]["format"]
    claims = house.verifier.verify("skill_1", house.issuer.signer.public_key, query_format).credential.claims
    achievement = claims.get("credentialSubject", claims)["achievement"]
    named = {"id", "type", "achievementType", "name", "description", "criteria", "image", "creator", "inLanguage"}
    assert {*extra, "resultDescription", "alignment"} <= achievement.keys()
    for name in achievement.keys() - named - {"alignment", "resultDescription", "creditsAvailable"}:
        texts = re.findall(r'"([^"]{3,})"', json.dumps(achievement[name]))
        structure = {"identifier", "identifierType", "type", "IdentifierEntry", "Related", "inLanguage"}
        assert all(text in told for text in texts if text not in structure), name
    assert [each["name"] for each in achievement["resultDescription"]] == ["Cijfer"]
    assert "Cijfer" in told


async def test_S09_learning_outcome_that_would_tell_a_hidden_skill_stays_hidden_with_it(asked):
    assert told_about(asked, "hidden", "Wat iemand nu kan") == [
        "De deelnemer last TIG. · nodig: zelfstandig · TIG-lassen"
    ]
    assert "TIG" not in json.dumps(asked["shown"])


async def test_S03_what_is_said_of_level_and_workload_is_no_skill_and_in_words(asked):
    skills = {fact["value"] for side in ("shown", "hidden") for fact in asked[side] if fact["kind"] == "skill"}
    assert skills == set(SKILLS.values())
    assert told_about(asked, "hidden", "Niveau") == ["EQF 5", "NLQF 4+", "bevestigd door een ander dan de uitgever"]
    assert told_about(asked, "hidden", "Hoeveel werk het was") == [
        "3,5 studiepunten (ECTS)", "240 uur studiebelasting (SBU)", "97,5 uur"
    ]  # fmt: skip
    assert told_about(asked, "hidden", "Wie op de kwaliteit let") == ["NVAO (AV-4223), Toets nieuwe opleiding"]
    assert told_about(asked, "hidden", "Taal van het onderwijs") == ["Nederlands", "Engels"]
    assert "targetType" not in json.dumps([asked["shown"], asked["hidden"]])


async def test_W47_levels_of_a_rubric_are_told_in_words(house, holder):
    achievement = create_test_achievement(resultDescription=DESCRIPTIONS[:1])
    house.issuer.dataset = create_test_dataset(achievement=achievement)
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    [part] = (await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST))))["share"]
    [measured] = told_about(part, "shown", "Hoe een resultaat is gemeten")
    assert measured.startswith("Eindbeoordeling · Onvoldoende (")
    assert "Goed (Niveau 3; niveau 3; punten: 30)" in measured
    assert measured.endswith(" · nodig: Voldoende")


async def test_W47_what_the_badge_says_of_itself_is_named_once_and_told_one_click_away(house, browser):
    house.issuer.dataset = create_test_dataset(achievement=microcredential(creditsAvailable=2.5, tag=["avondklas"]))
    house.issuer.planted = {"bsn": "123456782"}
    page = await consent_page(house, browser)
    named, _, told = page.partition("Wat verder open op de badge staat")[2].partition("<details>")
    assert "Studiepunten, Hoe een resultaat is gemeten, Trefwoorden" in text_of(named)
    assert "Niet gevraagd, gaat altijd mee" in named
    assert "avondklas" in told.partition("</details>")[0]
    # What is said of the person needs no click.
    assert "123456782" in page.partition("<details>")[0]


async def test_S03_page_counts_skills_and_names_the_rest_once(house, browser):
    house.issuer.dataset = create_test_dataset(achievement=microcredential())
    page = text_of(await consent_page(house, browser))
    hidden = page.partition("Dit zien zij niet")[2].partition("Goed om te weten")[0]
    assert f"en {len(SKILLS) - 1} andere skills" in hidden or f"{len(SKILLS) - 1} andere skills en" in hidden
    assert hidden.count("iveau, omvang en kwaliteit") == 1
    assert "NVAO" not in hidden


async def test_W47_what_an_issuer_writes_beside_a_level_is_told(house, holder):
    level = {
        "type": ["Alignment"],
        "targetType": "ext:EQFAlignment",
        "targetName": "123456782",
        "targetUrl": "http://data.europa.eu/snb/eqf/5",
        "targetCode": "5",
    }
    skill = create_test_achievement()["alignment"][0]
    house.issuer.dataset = create_test_dataset(achievement=create_test_achievement(alignment=[skill, level]))
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    query = house.verifier.skill_query(skill["targetUrl"])
    query["credentials"][0]["claims"] = [{"path": ["achievement", "alignment", 1]}]
    [part] = (await holder.open_request(house.verifier.ask(query)))["share"]
    assert told_about(part, "shown", "Niveau") == ["EQF 5 · 123456782"]


def test_S03_elements_are_called_as_on_every_other_page():
    english = load_catalogue(("wallet",), "en")
    assert {element: (label, english.gettext(label)) for element, label in LEARNING_LABELS.items()} == {
        element: (ELEMENTS[element].nl, ELEMENTS[element].en) for element in LEARNING_ELEMENTS
    }


async def test_W47_badge_that_was_received_twice_is_offered_once(house, holder):
    """The same award in two offers: no person could tell the two ways apart."""
    for _ in range(2):
        await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    [question] = asked["questions"]
    assert len(question["alternatives"]) == 1


async def test_W47_badges_that_differ_in_what_the_page_says_are_both_offered(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    house.issuer.dataset = create_test_dataset(achievement=create_test_achievement(tag=["avond"]))
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    [question] = asked["questions"]
    assert len(question["alternatives"]) == 2


LEVEL = {"type": ["Alignment"], "targetName": "EQF level 5", "targetUrl": "http://data.europa.eu/snb/eqf/5"}


async def hold(house, holder, name, *alignments):
    """One badge of an achievement of its own."""
    achievement = create_test_achievement(name=name, alignment=list(alignments))
    house.issuer.dataset = create_test_dataset(achievement={**achievement, "id": f"{achievement['id']}-{name}"})
    await holder.receive(house.issuer.offer_link(configurations=[DC]))


async def test_S10_badge_that_answers_for_a_skill_and_its_level_is_shown_with_no_other(house, holder):
    skill = create_test_achievement()["alignment"][0]
    for name, alignments in (("level", [LEVEL]), ("skill", [skill]), ("both", [skill, LEVEL])):
        await hold(house, holder, name, *alignments)
    query = house.verifier.skill_query(FIRST, LEVEL["targetUrl"])
    query["credential_sets"] = [{"options": [["skill_1", "skill_2"]]}]
    [question] = (await holder.open_request(house.verifier.ask(query)))["questions"]
    ways = [[part["name"] for part in way["parts"]] for way in question["alternatives"]]
    assert ways == [["both", "both"], ["skill", "level"]]


async def test_W48_badge_that_is_shown_anyway_is_proposed_for_the_next_question_too(house, holder):
    skill = create_test_achievement()["alignment"][0]
    for name, alignments in (("other", [LEVEL]), ("both", [skill, LEVEL])):
        await hold(house, holder, name, *alignments)
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST, LEVEL["targetUrl"])))
    assert [part["name"] for part in asked["share"]] == ["both", "both"]
    assert len(asked["questions"][1]["alternatives"]) == 2


def many_queries(house, count, *sets):
    """A question of so many queries, and of sets that name them by number."""
    [asked] = house.verifier.skill_query(FIRST)["credentials"]
    query = {"credentials": [asked | {"id": f"q{number}"} for number in range(count)]}
    options = [[[f"q{name}" for name in names] for names in each] for each in sets]
    return query | {"credential_sets": [{"options": each} for each in options]}


async def test_A43_what_a_badge_shows_is_told_once_however_many_queries_ask_it_and_not_on_the_event_loop(
    house, holder, monkeypatch
):
    told = []

    def find(*claims, **where):
        told.append(current_thread() is main_thread())
        return find_shown_facts(*claims, **where)

    monkeypatch.setattr(consent, "find_shown_facts", find)
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    by_one, together = [[name] for name in range(128)], [range(name, name + 64) for name in range(8)]
    asked = await holder.open_request(house.verifier.ask(many_queries(house, 128, by_one, together)))
    assert [len(way["parts"]) for question in asked["questions"] for way in question["alternatives"]] == [1, 64]
    assert told == [False]


async def test_A43_question_of_which_nobody_could_choose_is_refused(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    link = house.verifier.ask(many_queries(house, 12, *[[range(12)] * 5] * 20))
    refused = (await holder.call("POST", "/requests", {"request": link})).json()
    assert (refused["code"], refused["failure"]) == ("request_refused", "question_size")
    await holder.call("POST", f"/requests/{refused['request_id']}/decline", {})
    assert [error.error for error in house.verifier.received] == ["invalid_request"]


async def test_A43_W47_page_names_so_many_badges_and_a_few_for_each_question(house, holder, monkeypatch):
    skill = create_test_achievement()["alignment"][0]
    for name in ("one", "two", "three"):
        await hold(house, holder, name, skill)
    for most, ways in ((4, 2), (2, 2), (1000, 3)):
        monkeypatch.setattr(consent, "_MAX_ON_A_PAGE", most)
        monkeypatch.setattr(consent, "_FEW", 2)
        asked = await holder.open_request(house.verifier.ask(many_queries(house, 2, [[0]], [[1]])))
        assert [len(question["alternatives"]) for question in asked["questions"]] == [ways, ways]


async def test_W48_what_was_told_is_what_was_sent(house, holder):
    house.issuer.planted_hidden = {"hobby": {"name": "voetbal"}, "secret": "blijft hier"}
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(claims_query(house, ["hobby"])))
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    answer = house.verifier.received[-1]
    assert isinstance(answer, VpTokenResponse)
    shown = house.verifier.verify("skill_1", house.issuer.signer.public_key).credential.claims
    assert "secret" not in shown
    assert shown["hobby"] == {"name": "voetbal"}
