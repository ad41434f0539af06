"""A question that can be answered in several ways: the person chooses, and exactly that is sent. W-47, W-48."""

import re
from html import unescape

import pytest

from tests.support.badges import SKILLS, create_test_achievement, create_test_dataset
from tests.support.simulated_issuer import DC, VC, WHOLE
from tests.wallet.test_pages import open_link, receive

FIRST, SECOND, *_ = SKILLS
CLAIMS = [
    {"id": "skill", "path": ["achievement", "alignment", None, "targetUrl"], "values": [FIRST]},
    {"id": "given", "path": ["given_name"]},
    {"id": "family", "path": ["family_name"]},
]


def claim_sets_query(house, *sets):
    query = house.verifier.skill_query(FIRST)
    query["credentials"][0] |= {"claims": CLAIMS, "claim_sets": [list(names) for names in sets]}
    return query


async def receive_two(house, holder, **options):
    """Two badges of different achievements."""
    first = await holder.receive(house.issuer.offer_link(configurations=[DC]))
    achievement = create_test_achievement(name="Tweede badge")
    achievement["id"] += "-2"
    house.issuer.dataset = create_test_dataset(achievement=achievement)
    return first, await holder.receive(house.issuer.offer_link(configurations=[DC], **options))


async def accept(holder, asked, **choices):
    return await holder.call("POST", f"/requests/{asked['id']}/accept", {"choices": choices})


def shown_claims(house):
    return house.verifier.verify("skill_1", house.issuer.signer.public_key).credential.claims


async def test_W48_K95_first_claim_set_is_proposed_and_the_others_can_be_chosen(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    query = claim_sets_query(house, ["skill", "given", "family"], ["skill", "given"], ["skill"])
    asked = await holder.open_request(house.verifier.ask(query))
    [question] = asked["questions"]
    told = [{fact["label"] for fact in way["parts"][0]["shown"]} for way in question["alternatives"]]
    assert told == [{"Skill", "Je voornaam", "Je achternaam"}, {"Skill", "Je voornaam"}, {"Skill"}]
    assert asked["share"] == question["alternatives"][0]["parts"]
    assert (await accept(holder, asked, q0=question["alternatives"][2]["key"])).status_code == 200
    assert not {"given_name", "family_name"} & shown_claims(house).keys()


async def test_W48_claim_set_that_is_chosen_shows_exactly_one_combination(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    query = claim_sets_query(house, ["skill", "given"], ["skill", "family"])
    asked = await holder.open_request(house.verifier.ask(query))
    await accept(holder, asked, q0=asked["questions"][0]["alternatives"][1]["key"])
    assert "family_name" in shown_claims(house)
    assert "given_name" not in shown_claims(house)


async def test_K95_claim_set_that_the_badge_cannot_give_is_not_offered(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    query = claim_sets_query(house, ["skill", "given"], ["skill"])
    query["credentials"][0]["claims"] = [CLAIMS[0], {"id": "given", "path": ["shoe_size"]}]
    asked = await holder.open_request(house.verifier.ask(query))
    [way] = asked["questions"][0]["alternatives"]
    assert [fact["label"] for fact in way["parts"][0]["shown"]] == ["Skill"]


async def test_W47_options_that_tell_different_things_of_one_badge_are_a_choice(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC, VC]))
    full = house.verifier.skill_query(FIRST)["credentials"][0]
    full["claims"] = [*full["claims"], {"path": ["given_name"]}]
    less = house.verifier.skill_query(FIRST, query_format="vc+sd-jwt")["credentials"][0] | {"id": "less"}
    query = {"credentials": [full, less], "credential_sets": [{"options": [["skill_1"], ["less"]]}]}
    asked = await holder.open_request(house.verifier.ask(query))
    ways = asked["questions"][0]["alternatives"]
    assert [way["parts"][0]["query_id"] for way in ways] == ["skill_1", "less"]
    await accept(holder, asked, q0=ways[1]["key"])
    assert list(house.verifier.received[-1].vp_token) == ["less"]


async def test_W48_several_badges_are_shown_only_where_several_may_be_and_were_chosen(house, holder):
    await receive_two(house, holder)
    query = house.verifier.skill_query(FIRST, more={"multiple": True})
    asked = await holder.open_request(house.verifier.ask(query))
    [question] = asked["questions"]
    assert question["multiple"]
    keys = [way["key"] for way in question["alternatives"]]
    assert (await accept(holder, asked, q0=keys)).status_code == 200
    assert len(house.verifier.received[-1].vp_token["skill_1"]) == 2
    [entry] = [entry for entry in await holder.history() if entry["kind"] == "shared"]
    assert len(entry["badges"]) == 2


async def test_W48_one_badge_is_proposed_where_several_may_be_shown(house, holder):
    await receive_two(house, holder)
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST, more={"multiple": True})))
    assert len(asked["share"]) == 1
    await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert len(house.verifier.received[-1].vp_token["skill_1"]) == 1


async def test_W48_two_badges_for_a_query_that_takes_one_are_refused(house, holder):
    await receive_two(house, holder)
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    [question] = asked["questions"]
    assert not question["multiple"]
    answer = await accept(holder, asked, q0=[way["key"] for way in question["alternatives"]])
    assert (answer.status_code, answer.json()["code"]) == (400, "choice")
    assert house.verifier.received == []


async def test_W47_what_goes_along_unasked_is_marked(house, holder):
    house.issuer.planted = {"bsn": "123456782"}
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    extra = {fact["label"]: fact["is_extra"] for fact in asked["share"][0]["shown"]}
    assert extra == {"Skill": False, "bsn": True}


async def test_W47_of_a_whole_badge_everything_that_was_not_asked_is_marked(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[WHOLE]))
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST, query_format="ldp_vc")))
    assert [fact["value"] for fact in asked["share"][0]["shown"] if not fact["is_extra"]] == [SKILLS[FIRST]]
    query = house.verifier.skill_query(FIRST, query_format="ldp_vc")
    del query["credentials"][0]["claims"]
    asked = await holder.open_request(house.verifier.ask(query))
    assert not any(fact["is_extra"] for fact in asked["share"][0]["shown"])


# --- on the page


@pytest.fixture
async def browser(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


def text_of(page):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def keys_of(page, question="q0"):
    return re.findall(rf'name="{question}" value="([^"]+)"', page)


async def test_W47_page_names_how_the_ways_with_one_badge_differ(house, browser):
    await receive(house, browser, configurations=[DC])
    await open_link(browser, house.verifier.ask(claim_sets_query(house, ["skill", "given"], ["skill"])))
    page = text_of(browser.page)
    assert "met: Je voornaam" in page
    assert "verder niets" in page
    first, second = keys_of(browser.page)
    assert f'value="{first}" checked' in browser.page
    await browser.post(f"{browser.answer.url.path}/accept", q0=second)
    assert "given_name" not in shown_claims(house)


async def test_W47_more_than_three_ways_wait_behind_a_click(house, browser):
    for number in range(5):
        achievement = create_test_achievement(name=f"Badge {number}")
        achievement["id"] += f"-{number}"
        house.issuer.dataset = create_test_dataset(achievement=achievement)
        await receive(house, browser, configurations=[DC])
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert "Nog 2 mogelijkheden" in browser.page
    assert len(keys_of(browser.page)) == 5


async def test_W47_page_asks_again_where_nothing_was_chosen_of_what_must_be(house, browser):
    await receive(house, browser, configurations=[DC])
    achievement = create_test_achievement(name="Tweede badge")
    achievement["id"] += "-2"
    house.issuer.dataset = create_test_dataset(achievement=achievement)
    await receive(house, browser, configurations=[DC])
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST, more={"multiple": True})))
    assert 'type="checkbox"' in browser.page
    path = browser.answer.url.path
    answer = await browser.post(f"{path}/accept")
    assert answer.status_code == 400
    assert "Kies een van de badges op de pagina" in answer.text
    assert "Dit zien zij" in answer.text
    assert house.verifier.received == []
    both = await browser.http.post(
        f"{path}/accept",
        data={"csrf_token": re.search(r'csrf_token" value="(\w+)"', browser.page)[1], "q0": keys_of(browser.page)},
    )
    assert both.status_code == 200
    assert len(house.verifier.received[-1].vp_token["skill_1"]) == 2


async def test_W48_what_nobody_ticked_is_not_sent_after_the_page_changed(house, browser):
    """A badge that was chosen goes away; the page that says so ticks nothing, and sending that shares nothing."""
    for number in range(3):
        achievement = create_test_achievement(name=f"Badge {number}")
        achievement["id"] += f"-{number}"
        house.issuer.dataset = create_test_dataset(achievement=achievement)
        await receive(house, browser, configurations=[DC])
    await open_link(browser, house.verifier.ask(house.verifier.skill_query(FIRST)))
    path, *keys = browser.answer.url.path, *keys_of(browser.page)
    assert 'type="radio"' in browser.page
    gone = await browser.post(f"{path}/accept", q0=keys[0] + "x")
    assert gone.status_code == 400
    assert " checked" not in gone.text
    unticked = await browser.post(f"{path}/accept")
    assert unticked.status_code == 400
    assert house.verifier.received == []
    assert (await browser.post(f"{path}/accept", q0=keys[2])).status_code == 200


async def test_W47_skills_come_before_who_somebody_is_and_what_is_hidden_takes_one_line(house, browser):
    await receive(house, browser, configurations=[DC])
    query = house.verifier.skill_query(FIRST)
    query["credentials"][0]["claims"].insert(0, {"path": ["given_name"]})
    await open_link(browser, house.verifier.ask(query))
    page = text_of(browser.page)
    assert page.index("Dit zien zij") < page.index(SKILLS[FIRST]) < page.index("De badge zelf") < page.index("Sanne")
    hidden = page[page.index("Dit zien zij niet") : page.index("Goed om te weten")]
    assert "Je achternaam, je e-mailadres" in hidden
    assert "andere skills en je andere badges en skills" in hidden
