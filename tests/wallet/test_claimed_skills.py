"""What people say of themselves that they can do: theirs alone, and never taken for what an issuer attests. S-08."""

import asyncio
import io
import json
import zipfile
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import func, select

from kernel.open_badges_api import CREDENTIAL_READONLY, OFFLINE_ACCESS, PROFILE_READONLY
from skills.index import IndexSource, build_index_from
from skills.skill import ESCO_NOTICE, Skill
from tests.support.badges import SKILLS
from tests.support.simulated_consumer import SimulatedConsumer
from tests.support.simulated_issuer import DC
from tests.wallet.conftest import PASSPHRASE, create_house
from tests.wallet.test_hostile_names import TURNED, own_isolates_only
from wallet.claimed_skills import MAX_CLAIMS
from wallet.models import SkillClaim
from wallet.skills_profile import SkillKind
from wallet.web.words import skill_kind_words

ON_THE_BADGE, *_ = SKILLS
BRICKS, GARDENS = "http://data.europa.eu/esco/skill/bricks", "http://data.europa.eu/esco/skill/gardens"
LISTED = (
    Skill(BRICKS, {"nl": "metselen", "en": "lay bricks"}, "Join bricks to make walls."),
    Skill(GARDENS, {"en": "lay out gardens"}),
    Skill(ON_THE_BADGE, {"nl": SKILLS[ON_THE_BADGE]}),
)
LEARNED = "Thuis bij opa in de schuur"
OWN = "bruidstaarten bakken"


@pytest.fixture
async def house(new_database, tmp_path: Path, wire):
    """On both databases, with a list of three skills."""
    index = tmp_path / "skills.sqlite3"
    build_index_from([IndexSource(skill, {}) for skill in LISTED], index)
    opened = create_house(new_database("wallet"), tmp_path, transport=wire, skills_index=index)
    yield opened
    await opened.close()


@pytest.fixture
async def bare_house(new_sqlite_database, tmp_path: Path, wire):
    """Without any list of skills."""
    opened = create_house(new_sqlite_database("wallet"), tmp_path, transport=wire)
    yield opened
    await opened.close()


@pytest.fixture
async def browser(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


async def claim(holder, **body):
    answer = await holder.call("POST", "/skills", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def skills_of(holder):
    return (await holder.call("GET", "/skills")).raise_for_status().json()["skills"]


async def write_down(browser, words, choice="own", learned=""):
    """Look something up and keep what was chosen, as a person does on the page."""
    await browser.get("/skills/add")
    await browser.post("/skills/add", words=words, searched="", action="search")
    return await browser.post("/skills/add", words=words, searched=words, choice=choice, learned=learned, action="save")


# --- three kinds, always visibly different


def test_S08_every_kind_has_words_and_a_mark_of_its_own():
    kinds = get_args(SkillKind)
    words = [skill_kind_words(lambda text: text, kind) for kind in kinds]
    assert len({each.text for each in words}) == len({each.symbol for each in words}) == len(kinds) == 2
    with pytest.raises(AssertionError):
        skill_kind_words(lambda text: text, "suggested")


async def test_S08_the_page_and_the_api_say_of_each_skill_whose_word_it_is(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    await claim(holder, uri=BRICKS, learned=LEARNED)
    found = await skills_of(holder)
    assert {skill["kind"] for skill in found if skill["uri"] in SKILLS} == {"attested"}
    [own] = [skill for skill in found if skill["uri"] == BRICKS]
    assert (own["kind"], own["name"], own["learned"]) == ("claimed", "metselen", LEARNED)
    assert "level" not in own
    browser = house.new_browser()
    await browser.get("/sign-in")
    await browser.post("/sign-in", name=holder.name, passphrase=PASSPHRASE, next="/skills")
    page = unescape((await browser.get("/skills")).text)
    attested, claimed = page.split('<div class="card claimed">')
    assert SKILLS[ON_THE_BADGE] in attested
    assert "metselen" not in attested
    assert SKILLS[ON_THE_BADGE] not in claimed
    # A screen reader hears of every row whose word it is, and the eye sees a mark beside the words.
    assert attested.count('role="img" aria-label="Van een uitgever"') == len(SKILLS)
    assert claimed.count('role="img" aria-label="Dit zeg je zelf"') == 1
    assert "Een werkgever kan het niet controleren en krijgt het niet te zien" in attested
    assert 'aria-label="zelf gezegd, 1 van 5"' in claimed


async def test_S08_a_claim_lifts_nothing_that_a_badge_shows(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    before = await skills_of(holder)
    await claim(holder, uri=ON_THE_BADGE)
    after = await skills_of(holder)
    assert [skill for skill in after if skill["kind"] == "attested"] == before
    assert len(after) == len(before) + 1


async def test_S08_a_claim_that_a_badge_bears_out_says_so_on_the_page(house, browser):
    await write_down(browser, SKILLS[ON_THE_BADGE], ON_THE_BADGE)
    assert "Staat ook op een badge van je" not in (await browser.get("/skills")).text
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=house.issuer.offer_link(configurations=[DC])))
    await browser.post(f"{browser.answer.url.path}/accept")
    assert "Staat ook op een badge van je" in (await browser.get("/skills")).text


# --- never to anybody else


@pytest.mark.parametrize("required", [True, False])
async def test_S08_a_claim_answers_no_question(house, holder, required):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    await claim(holder, uri=BRICKS)
    query = house.verifier.skill_query(BRICKS)
    query["credential_sets"] = [{"options": [[query["credentials"][0]["id"]]], "required": required}]
    asked = await holder.open_request(house.verifier.ask(query))
    assert [question["alternatives"] for question in asked["questions"]] == [[]]
    assert not asked["answerable"]
    answer = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert answer.status_code == 409
    assert house.verifier.received == []


async def test_S08_a_claim_goes_along_with_nothing_that_leaves_the_wallet(house, holder):
    """Claimed first; then a badge is taken, asked for, shown, put in a file: none of it tells the claim."""
    await claim(holder, uri=BRICKS, learned=LEARNED)
    await claim(holder, words=OWN)
    house.verifier.response_mode = "direct_post"
    badge = await holder.receive(house.issuer.offer_link(configurations=[DC]))
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(ON_THE_BADGE)))
    sent = await holder.call("POST", f"/requests/{asked['id']}/accept", {})
    assert sent.status_code == 200
    file = await holder.call("POST", "/learner-record", {"credential_ids": [badge["id"]], "name": "Alles"})
    left = [request.url.path.encode() + request.content for request in house.transport.requests]
    shown = json.dumps([asked, await holder.history(), badge]).encode()
    received = repr(house.verifier.received).encode()
    assert received != b"[]"
    for secret in (BRICKS, "metselen", LEARNED, OWN):
        assert not [content for content in (*left, shown, received, file.content) if secret.encode() in content]


async def test_S08_a_connected_service_reads_no_claim(house):
    consumer = SimulatedConsumer(house.client())
    await consumer.register()
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await write_down(browser, OWN, learned=LEARNED)
    await consumer.connect(browser, (CREDENTIAL_READONLY, PROFILE_READONLY, OFFLINE_ACCESS))
    read = [await consumer.read(), await consumer.call("GET", "/profile")]
    assert [answer.status_code for answer in read] == [200, 200]
    assert not [answer for answer in read if OWN in answer.text or LEARNED in answer.text]


# --- kept for its owner alone


async def test_S08_W30_claims_lie_encrypted_and_go_along_in_the_export(house, holder):
    listed = await claim(holder, uri=BRICKS, learned=LEARNED)
    house.clock.advance(timedelta(seconds=1))
    own = await claim(holder, words=OWN)
    async with house.app.state.service.database.reading() as session:
        rows = (await session.scalars(select(SkillClaim))).all()
    stored = b"".join(row.sealed + row.skill_digest for row in rows)
    assert len(rows) == 2
    assert not [text for text in (BRICKS, "metselen", LEARNED, OWN, "bricks") if text.encode() in stored]
    exported = (await holder.call("GET", "/export")).json()["claimed_skills"]
    assert exported == [
        {
            "kind": "claimed",
            "id": listed["id"],
            "uri": BRICKS,
            "names": {"nl": "metselen", "en": "lay bricks"},
            "words": "",
            "learned": LEARNED,
            "claimed_at": listed["claimed_at"],
        },
        {
            "kind": "claimed",
            "id": own["id"],
            "uri": None,
            "names": {},
            "words": OWN,
            "learned": "",
            "claimed_at": own["claimed_at"],
        },
    ]


async def test_S08_the_file_for_people_has_what_they_claimed(house, browser):
    await write_down(browser, OWN)
    await browser.get("/me")
    answer = await browser.post("/me/export", export_passphrase="")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert [claim["words"] for claim in json.loads(archive.read("wallet.json"))["claimed_skills"]] == [OWN]


async def test_S08_W30_claims_are_erased_with_the_account(house, holder):
    await claim(holder, words=OWN)
    other = await house.new_holder()
    await claim(other, words=OWN)
    assert (await holder.call("DELETE", "/account", {"passphrase": PASSPHRASE})).status_code == 204
    async with house.app.state.service.database.reading() as session:
        assert await session.scalar(select(func.count()).select_from(SkillClaim)) == 1
    assert len(await skills_of(other)) == 1


async def test_S08_A52_nobody_reaches_what_another_claimed(house, holder):
    other = await house.new_holder()
    own = await claim(holder, words=OWN, learned=LEARNED)
    assert await skills_of(other) == []
    for method, body in (("PUT", {"learned": "x"}), ("DELETE", None)):
        for claim_id in (own["id"], "bestaat-niet"):
            refused = await other.call(method, f"/skills/{claim_id}", body)
            assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    browser = house.new_browser()
    await browser.sign_up("Iemand anders")
    await browser.get("/skills/add")
    refused = [await browser.post(f"/skills/{own['id']}{rest}", learned="x") for rest in ("", "/remove")]
    refused.append(await browser.get(f"/skills/{own['id']}"))
    assert [answer.status_code for answer in refused] == [404] * 3
    assert OWN not in "".join(answer.text for answer in refused)
    assert [skill["learned"] for skill in await skills_of(holder)] == [LEARNED]


async def test_S08_A52_locked_vault_tells_and_takes_nothing(house, holder):
    own = await claim(holder, words=OWN)
    await holder.call("DELETE", "/sessions")
    calls = [
        ("GET", "/skills", None),
        ("GET", "/skills/list?q=me", None),
        ("POST", "/skills", {"words": "zingen"}),
        ("PUT", f"/skills/{own['id']}", {"learned": "x"}),
        ("DELETE", f"/skills/{own['id']}", None),
    ]
    for method, path, body in calls:
        refused = await holder.call(method, path, body)
        assert (refused.status_code, refused.json()["code"]) == (401, "signed_out"), path
    await holder.sign_in()
    assert [skill["name"] for skill in await skills_of(holder)] == [OWN]


# --- saying it, and saying it no longer


async def test_S08_a_person_finds_a_skill_says_where_they_learned_it_and_takes_it_back(house, browser):
    assert "/skills/add" in (await browser.get("/skills")).text
    await browser.get("/skills/add")
    found = unescape((await browser.post("/skills/add", words="lay", searched="", action="search")).text)
    assert f'value="{BRICKS}"' in found
    assert '<label for="skill-2" lang="en">lay out gardens</label>' in found
    assert ESCO_NOTICE in found
    done = await browser.post(
        "/skills/add", words="lay", searched="lay", choice=BRICKS, learned=f"{LEARNED}\r\n", action="save"
    )
    page = await browser.follow(done)
    assert "metselen" in page.text
    assert LEARNED in page.text
    path = page.text.split('href="/skills/')[-2].split('"')[0]
    assert LEARNED in (await browser.get(f"/skills/{path}")).text
    await browser.follow(await browser.post(f"/skills/{path}", learned="Op school"))
    assert "Op school" in browser.page
    assert LEARNED not in browser.page
    await browser.get(f"/skills/{path}")
    await browser.follow(await browser.post(f"/skills/{path}/remove"))
    assert "metselen" not in browser.page


async def test_S08_what_the_list_does_not_have_is_said_in_own_words(house, browser):
    await browser.get("/skills/add")
    page = (await browser.post("/skills/add", words=OWN, searched="", action="search")).text
    assert "<h1>Deze skill staat niet in de lijst</h1>" in page
    assert 'value="own" checked' in page
    page = await browser.follow(await write_down(browser, OWN))
    assert OWN in page.text


async def test_S08_words_changed_after_the_search_are_looked_up_before_anything_is_kept(house, browser):
    await write_down(browser, "lay", BRICKS)
    await browser.get("/skills/add")
    again = await browser.post("/skills/add", words="gardens", searched="lay", choice=BRICKS, action="save")
    assert again.status_code == 200
    assert f'value="{GARDENS}"' in again.text
    assert "lay out gardens" not in (await browser.get("/skills")).text


async def test_S08_without_a_list_the_page_says_so_and_takes_own_words(bare_house):
    browser = bare_house.new_browser()
    await browser.sign_up("Sanne")
    page = (await browser.get("/skills/add")).text
    assert "Deze wallet heeft geen lijst van skills." in page
    assert ESCO_NOTICE not in page
    done = await browser.post("/skills/add", words=OWN, learned=LEARNED, action="save")
    assert OWN in (await browser.follow(done)).text
    holder = await bare_house.new_holder()
    assert (await holder.call("GET", "/skills/list?q=me")).json() == {"available": False, "skills": []}
    refused = await holder.call("POST", "/skills", {"uri": BRICKS})
    assert (refused.status_code, refused.json()["code"]) == (400, "unknown_skill")


async def test_S08_a_listed_skill_is_named_in_the_language_of_the_reader(house, holder):
    await claim(holder, uri=BRICKS)
    house.clock.advance(timedelta(seconds=1))
    await claim(holder, uri=GARDENS)
    assert [(s["name"], s["language"]) for s in await skills_of(holder)] == [
        ("metselen", "nl"),
        ("lay out gardens", "en"),
    ]
    answer = await holder.http.request("GET", "/api/skills", headers=holder.headers | {"Accept-Language": "en"})
    assert [skill["name"] for skill in answer.json()["skills"]] == ["lay bricks", "lay out gardens"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"words": "x"}, "skill_words"),
        ({"words": "x" * 121}, "skill_words"),
        ({"words": " \t\n "}, "skill_words"),
        ({"words": "\u200b\u200d\u202e!?"}, "skill_words"),
        ({"words": OWN, "learned": "x" * 501}, "learned"),
        ({"words": OWN, "uri": BRICKS}, "malformed"),
        ({}, "malformed"),
        ({"uri": f"{BRICKS} "}, "unknown_skill"),
        ({"uri": "javascript:alert(1)"}, "unknown_skill"),
        ({"words": OWN, "kind": "attested"}, "malformed"),
        ({"words": OWN, "level": 5}, "malformed"),
    ],
)
async def test_S08_A52_claims_are_refused_that_are_none(house, holder, body, code):
    refused = await holder.call("POST", "/skills", body)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert await skills_of(holder) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"words": "", "action": "search"}, "words"),
        ({"words": "!!", "choice": "own", "action": "save"}, "words"),
        ({"words": OWN, "choice": "", "action": "save"}, "choice"),
        ({"words": OWN, "choice": "http://elsewhere.example/skill", "action": "save"}, "choice"),
        ({"words": OWN, "choice": "own", "learned": "x" * 501, "action": "save"}, "learned"),
    ],
)
async def test_S08_the_form_says_beside_the_field_what_is_wrong_and_keeps_what_was_typed(house, browser, fields, field):
    await browser.get("/skills/add")
    answer = await browser.post("/skills/add", searched=fields["words"], **fields)
    assert answer.status_code == 400
    assert f'<a href="#{field}">' in answer.text
    assert f'id="{field}-error"' in answer.text
    assert f'value="{fields["words"]}"' in answer.text
    assert fields.get("learned", "") in answer.text
    assert "<h1>" in (await browser.get("/skills")).text


async def test_S08_the_same_is_said_once_however_it_is_written_and_by_however_many_at_once(house, holder):
    tries = [{"words": f" {OWN.upper()}\n"}, {"words": OWN}, {"words": OWN.replace(" ", "  ")}] * 2
    answers = await asyncio.gather(*(holder.call("POST", "/skills", body) for body in tries))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    await claim(holder, uri=BRICKS)
    again = await holder.call("POST", "/skills", {"uri": BRICKS})
    assert (again.status_code, again.json()["code"]) == (409, "skill_claimed")
    # Words that look like the address of a skill are words.
    await claim(holder, words=BRICKS)


async def test_S08_A52_a_person_claims_so_many_skills_and_no_more(house, holder, monkeypatch):
    assert MAX_CLAIMS == 200
    monkeypatch.setattr("wallet.claimed_skills.MAX_CLAIMS", 3)
    answers = await asyncio.gather(*(holder.call("POST", "/skills", {"words": f"skill {n}"}) for n in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 3
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"too_many_claims"}
    first = (await skills_of(holder))[0]
    await holder.call("DELETE", f"/skills/{first['id']}")
    await claim(holder, words="weer plek")


async def test_S08_A41_hostile_words_are_shown_as_words(house, browser):
    hostile = '"><script>alert(1)</script><img src=x>'
    await write_down(browser, hostile, learned=hostile)
    page = (await browser.get("/skills")).text
    path = page.split('href="/skills/')[1].split('"')[0]
    for text in (page, (await browser.get(f"/skills/{path}")).text):
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert hostile in unescape(text)


async def test_S08_A41_words_that_command_a_direction_are_kept_without(house, holder):
    made = await claim(holder, words=f"Koken {TURNED}\x07", learned=f"a\r\nb\u202e{TURNED}")
    assert (made["name"], made["learned"]) == ("Koken School", "a b School")
    browser = house.new_browser()
    await browser.get("/sign-in")
    await browser.post("/sign-in", name=holder.name, passphrase=PASSPHRASE, next="/skills")
    assert own_isolates_only((await browser.get("/skills")).text)
