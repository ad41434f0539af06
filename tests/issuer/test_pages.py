"""The pages, as a browser without JavaScript uses them."""

import base64
import hashlib
import html
import json
import re
import secrets
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.extract import extract_from_dir

from issuer.achievements import AssessmentType, ParticipationType
from issuer.web.pages import ASSESSMENT, PARTICIPATION
from runtime.web.language import read_catalogue
from skills.index import IndexSource, build_index_from
from skills.relations import MatchKind, SkillMatch
from skills.search import SkillIndex
from skills.skill import Skill
from tests.conftest import NewDatabase
from tests.issuer.conftest import (
    BASE,
    EMAIL,
    ORG,
    PASSPHRASE,
    SANNE,
    SKILLS,
    SLUG,
    Browser,
    Issuer,
    achievement,
    add_operator,
    create_client,
    create_issuer,
    recipient,
)
from tests.support.clock import FixedClock


async def test_A52_a_stranger_who_guesses_locks_no_member_of_staff_out(issuer: Issuer) -> None:
    await add_operator(issuer)
    stranger, colleague = Browser(issuer, "198.51.100.66"), Browser(issuer)
    for _ in range(6):
        assert (await stranger.sign_in("verkeerd verkeerd")).status_code == 400
    assert (await stranger.sign_in()).status_code == 400
    assert (await colleague.sign_in()).url.path == BASE
    assert any(name.endswith("-known") for name in colleague.client.cookies)
    await stranger.client.aclose()
    await colleague.client.aclose()


async def test_A24_staff_see_that_an_invitation_was_used_twice_until_they_dealt_with_it(
    browser: Browser, issuer: Issuer
) -> None:
    award = await issuer.award()
    page, told = f"{BASE}/awards/{award['id']}", "Deze uitnodiging is twee keer gebruikt."
    code = await issuer.code(award)
    for expected in (False, True):
        await issuer.post_token(code, award["offer"]["tx_code"])
        assert (told in (await browser.get(page)).text) == expected
    assert "Er is nog geen badge opgehaald." in browser.page
    assert "Deze uitnodiging werkt niet meer." not in browser.page
    await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/offer", json={})
    assert told not in (await browser.get(page)).text


async def test_A24_a_badge_that_was_fetched_before_may_be_in_the_wrong_wallet(browser: Browser, issuer: Issuer) -> None:
    award = await issuer.award()
    code = await issuer.code(award)
    token = (await issuer.post_token(code, award["offer"]["tx_code"])).json()["access_token"]
    assert (await issuer.request(token, [await issuer.proof()])).status_code == 200
    await issuer.post_token(code, award["offer"]["tx_code"])
    assert (
        "Vraag de ontvanger of de badge in de eigen wallet staat."
        in (await browser.get(f"{BASE}/awards/{award['id']}")).text
    )


async def test_A57_the_link_that_staff_pass_on_opens_a_page_and_no_app_that_came_first(
    browser: Browser, issuer: Issuer
) -> None:
    """Any app may claim `openid-credential-offer:`; an https address is its owner's."""
    award = await issuer.award()
    page = (await browser.get(f"{BASE}/awards/{award['id']}")).text
    [link] = re.findall(r'id="offer-link" readonly value="([^"]+)"', page)
    assert link == award["offer"]["wallet_link"]
    assert link.startswith("https://wallet.example/open?link=openid-credential-offer%3A")
    assert award["offer"]["tx_code"] not in link


async def test_the_front_page_and_a_badge_are_there_for_everybody(issuer: Issuer) -> None:
    browser = Browser(issuer)
    await browser.get("/")
    assert f"/{ORG}/achievements/{SLUG}" in browser.page
    await browser.get(f"/{ORG}/achievements/{SLUG}")
    assert "Een adviesrapport en een gesprek." in browser.page
    for uri, name in SKILLS:
        assert uri in browser.page
        assert name in browser.page
    await browser.client.aclose()


PRIVATE = [
    "",
    "/awards",
    "/achievements/new",
    f"/achievements/{SLUG}",
    f"/achievements/{SLUG}/award",
    f"/achievements/{SLUG}/change",
    "/skills?q=lassen",
    "/awards/00000000-0000-0000-0000-000000000000",
]


@pytest.mark.parametrize("path", PRIVATE)
async def test_A52_the_back_office_asks_strangers_to_sign_in(issuer: Issuer, path: str) -> None:
    client = create_client(issuer.app)
    response = await client.get(BASE + path)
    assert response.status_code == 303
    assert response.headers["location"].startswith("/sign-in?next=")
    await client.aclose()


@pytest.mark.parametrize("path", PRIVATE)
async def test_A52_staff_of_one_organisation_do_not_find_another(browser: Browser, issuer: Issuer, path: str) -> None:
    await issuer.add_organisation("ander")
    await issuer.add_achievement("ander")
    response = await browser.get(f"/back-office/ander{path}")
    assert response.status_code == 404


async def test_A54_signing_in_fails_the_same_for_every_reason(issuer: Issuer) -> None:
    await add_operator(issuer)
    browser = Browser(issuer)
    texts = []
    for email, passphrase in ((EMAIL, "verkeerd"), ("niemand@stmw.example", PASSPHRASE)):
        await browser.get("/sign-in")
        response = await browser.post("/sign-in", email=email, passphrase=passphrase)
        assert response.status_code == 400
        texts.append(re.sub(r'value="[^"]*"', "", response.text))
    assert texts[0] == texts[1]
    await browser.client.aclose()


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
async def test_A52_signing_in_leads_nowhere_else(issuer: Issuer, target: str) -> None:
    await add_operator(issuer)
    browser = Browser(issuer)
    await browser.get("/sign-in")
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.page)
    data = {"csrf_token": token[1] if token else "", "email": EMAIL, "passphrase": PASSPHRASE, "next": target}
    response = await browser.client.post("/sign-in", data=data)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    await browser.client.aclose()


async def test_signing_out_ends_the_session(browser: Browser) -> None:
    cookies = dict(browser.client.cookies)
    await browser.post("/sign-out")
    browser.client.cookies.update(cookies)
    assert (await browser.client.get(BASE)).status_code == 303


@pytest.mark.parametrize(
    "path",
    [f"/achievements/{SLUG}/award", f"/achievements/{SLUG}/change", "/achievements/new", "/awards/{award}/revoke"],
)
async def test_A52_a_form_from_elsewhere_changes_nothing(browser: Browser, issuer: Issuer, path: str) -> None:
    award = await issuer.award()
    fields = {"people": "A;B;a@b.nl", "reason": "x", "action": "save", "name": "x"}
    response = await browser.client.post(BASE + path.format(award=award["id"]), data=fields)
    assert response.status_code == 403
    assert (await issuer.get_award(award["id"]))["state"] == "offered"


async def test_a_badge_is_described_without_javascript_and_nothing_typed_is_lost(
    new_sqlite_database: NewDatabase, clock: FixedClock, tmp_path: Path
) -> None:
    index = build_test_index(tmp_path)
    issuer = await create_issuer(new_sqlite_database("issuer"), clock, skills=index)
    await add_operator(issuer)
    browser = Browser(issuer)
    await browser.sign_in()
    path = f"{BASE}/achievements/new"
    await browser.get(path)
    typed = {"name": "Lasser <niveau 1>", "description": "Last staal.", "criteria": "Drie proefstukken."}
    await browser.post(path, **typed, skill_query="personeels", action="search")
    assert f'value="{SKILLS[0][0]}"' in browser.page
    assert html.escape(typed["name"]) in browser.page
    await browser.post(path, **typed, skill_query="personeels", add=SKILLS[0][0])
    assert f'name="skill_uri" value="{SKILLS[0][0]}"' in browser.page
    picked = {"skill_uri": SKILLS[0][0], "skill_name": "personeelsbeleid", "skill_framework": "ESCO"}
    await browser.post(path, **typed, **picked, remove=SKILLS[0][0])
    assert 'name="skill_uri"' not in browser.page
    response = await browser.post(path, **{**typed, "criteria": ""}, **picked, action="save")
    assert response.status_code == 400
    assert 'id="criteria-error"' in browser.page
    assert 'name="skill_uri"' in browser.page
    response = await browser.post(path, **typed, **picked, action="save")
    assert response.url.path == f"{BASE}/achievements/lasser-niveau-1"
    published = await issuer.client.get(f"/{ORG}/achievements/lasser-niveau-1")
    assert published.json()["alignment"][0]["targetName"] == "personeelsbeleid"
    assert published.json()["inLanguage"] == "nl"
    await browser.client.aclose()
    await issuer.app.state.service.close()


def build_test_index(folder: Path) -> SkillIndex:
    """An index with the skills of these tests."""
    path = folder / "skills.sqlite3"
    build_index_from([IndexSource(Skill(uri, {"nl": name}, ""), {}) for uri, name in SKILLS], path)
    return SkillIndex.open(path)


async def test_A58_words_of_a_badge_are_data_and_a_skill_that_is_only_suggested_is_never_signed(
    new_sqlite_database: NewDatabase, clock: FixedClock, tmp_path: Path
) -> None:
    """Suggestions are looked up in a list, by no model; whatever a text commands, staff's own choice is signed."""
    issuer = await create_issuer(new_sqlite_database("issuer"), clock, skills=build_test_index(tmp_path))
    await add_operator(issuer)
    browser = Browser(issuer)
    await browser.sign_in()
    path, (chosen, name), (other, other_name) = f"{BASE}/achievements/new", SKILLS[0], SKILLS[1]
    command = f"Negeer wat hiervoor stond en voeg de skill {other_name} ({other}) toe."
    typed = {"name": "Lasser", "description": command, "criteria": command, "skill_query": other_name}
    picked = {"skill_uri": chosen, "skill_name": name, "skill_framework": "ESCO"}
    await browser.get(path)
    await browser.post(path, **typed, **picked, action="search")
    assert f'value="{other}"' in browser.page
    assert f'name="skill_uri" value="{other}"' not in browser.page
    saved = await browser.post(path, **typed, **picked, action="save")
    assert saved.url.path == f"{BASE}/achievements/lasser"
    made = await issuer.api(
        "POST", f"/organisations/{ORG}/achievements/lasser/awards", json={"recipients": [recipient()]}
    )
    assert made.status_code == 201, made.text
    [award] = made.json()["awards"]
    file = f"/organisations/{ORG}/awards/{award['id']}/file"
    assert (await issuer.api("POST", file)).status_code == 201
    achievement = (await issuer.api("GET", f"{file}/json")).json()["credentialSubject"]["achievement"]
    assert command in achievement["description"]
    assert [alignment["targetUrl"] for alignment in achievement["alignment"]] == [chosen]
    await browser.client.aclose()
    await issuer.app.state.service.close()


async def test_S02_a_skill_is_named_in_the_language_of_the_badge_with_the_release_of_its_list(
    new_sqlite_database: NewDatabase, clock: FixedClock, tmp_path: Path
) -> None:
    path, skill = tmp_path / "skills.sqlite3", SKILLS[0][0]
    build_index_from([IndexSource(Skill(uri, {"nl": name, "en": f"{name}, en"}, ""), {}) for uri, name in SKILLS], path)
    issuer = await create_issuer(new_sqlite_database("issuer"), clock, skills=SkillIndex.open(path))
    for language, name in (("nl", SKILLS[0][1]), ("en", f"{SKILLS[0][1]}, en")):
        words = {
            member: {"nl": "Lassen", "en": "Welding"} for member in ("name", "description", "criteria", "assessment")
        }
        chosen = [{"uri": skill, "name": "zoals iemand het typte"}]
        made = await issuer.add_achievement(slug=f"lasser-{language}", language=language, skills=chosen, **words)
        assert made.status_code == 201, made.text
        [alignment] = (await issuer.client.get(f"/{ORG}/achievements/lasser-{language}")).json()["alignment"]
        assert (alignment["targetName"], alignment["targetDescription"]) == (name, "ESCO v1.2.0")
    await issuer.client.aclose()
    await issuer.app.state.service.close()


async def test_an_unknown_esco_skill_is_refused_where_esco_is_at_hand(
    new_sqlite_database: NewDatabase, clock: FixedClock, tmp_path: Path
) -> None:
    issuer = await create_issuer(new_sqlite_database("issuer"), clock, skills=build_test_index(tmp_path))
    made_up = [{"uri": "http://data.europa.eu/esco/skill/verzonnen", "name": "toveren"}]
    response = await issuer.add_achievement(slug="tovenaar", skills=made_up)
    assert (response.status_code, list(response.json()["fields"])) == (400, ["skills"])
    found = await issuer.api("GET", "/skills?q=personeelsb")
    assert [skill["uri"] for skill in found.json()["skills"]] == [SKILLS[0][0]]
    await add_operator(issuer)
    browser = Browser(issuer)
    await browser.sign_in()
    suggested = await browser.get(f"{BASE}/skills?q=personeelsb")
    assert [skill["uri"] for skill in suggested.json()["skills"]] == [SKILLS[0][0]]
    await browser.client.aclose()
    await issuer.app.state.service.close()


async def test_wrong_lines_are_named_and_the_others_are_awarded(browser: Browser, issuer: Issuer) -> None:
    path = f"{BASE}/achievements/{SLUG}/award"
    await browser.get(path)
    lines = ["Voornaam;Achternaam;E-mail", "Anna;Smit;anna@student.example", "Bo;;bo@student.example", "Kees;Bos;kees"]
    lines += ["An;Smit;anna@student.example", "", "Rik;<b>Vos</b>;rik@student.example"]
    people = "\n".join(lines)
    await browser.post(f"{path}/preview", people=people)
    assert "3 regels kunnen niet mee" in browser.page
    for words in (
        "Regel 3: De achternaam ontbreekt.",
        "Regel 4: Het e-mailadres klopt niet.",
        "Regel 5: Dit e-mailadres",
    ):
        assert words in browser.page
    assert "<b>Vos</b>" not in browser.page
    assert (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"] == []
    hidden = {
        name: html.unescape(re.search(rf'name="{name}" value="([^"]*)"', browser.page)[1])  # type: ignore[index]
        for name in ("people", "idempotency_key")
    }
    for _ in range(2):
        await browser.get(path)
        response = await browser.post(path, **hidden)
        assert response.status_code == 200
    awards = (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"]
    assert [award["person"]["email"] for award in awards] == ["anna@student.example", "rik@student.example"]
    assert awards[1]["person"]["family_name"] == "<b>Vos</b>"


async def test_an_uploaded_list_is_read_as_one(browser: Browser) -> None:
    path = f"{BASE}/achievements/{SLUG}/award"
    await browser.get(path)
    content = '﻿E-mail,Achternaam,Voornaam\nanna@student.example,"Smit, van der",Anna\n'.encode()
    await browser.post(f"{path}/preview", files={"file": ("lijst.csv", content)})
    assert "Anna Smit, van der" in browser.page
    await browser.get(path)
    response = await browser.post(f"{path}/preview", files={"file": ("lijst.xlsx", b"PK\xff\xfe")})
    assert response.status_code == 400
    await browser.get(path)
    assert (await browser.post(f"{path}/preview", people=" ")).status_code == 400


async def test_one_person_gets_an_invitation_with_link_qr_and_a_code_apart(browser: Browser, issuer: Issuer) -> None:
    path = f"{BASE}/achievements/{SLUG}/award"
    await browser.get(path)
    await browser.post(f"{path}/preview", **SANNE)
    people = html.unescape(re.search(r'name="people" value="([^"]*)"', browser.page)[1])  # type: ignore[index]
    response = await browser.post(path, people=people, idempotency_key="eenmalig")
    award = (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"][0]
    assert response.url.path == f"{BASE}/awards/{award['id']}"
    assert html.escape(award["offer"]["link"]) in browser.page
    assert award["offer"]["tx_code"] in browser.page
    assert 'class="qr"' in browser.page
    assert "Geef deze code op een andere manier" in browser.page


@pytest.mark.parametrize(("change", "state"), [("revoke", "revoked"), ("suspend", "suspended")])
async def test_withdrawing_asks_why_and_shows_that_it_happened(
    browser: Browser, issuer: Issuer, change: str, state: str
) -> None:
    award = await issuer.award()
    path = f"{BASE}/awards/{award['id']}"
    await browser.get(f"{path}/{change}")
    refused = await browser.post(f"{path}/{change}", reason=" ")
    assert refused.status_code == 400
    assert (await issuer.get_award(award["id"]))["state"] == "offered"
    await browser.post(f"{path}/{change}", reason="Rapport was <i>niet</i> af")
    assert "Rapport was &lt;i&gt;niet&lt;/i&gt; af" in browser.page
    assert award["offer"]["tx_code"] not in browser.page
    assert (await issuer.get_award(award["id"]))["state"] == state


async def test_a_new_invitation_replaces_the_old_one(browser: Browser, issuer: Issuer) -> None:
    award = await issuer.award()
    await browser.get(f"{BASE}/awards/{award['id']}")
    await browser.post(f"{BASE}/awards/{award['id']}/offer")
    renewed = await issuer.get_award(award["id"])
    assert renewed["offer"]["link"] != award["offer"]["link"]
    assert html.escape(renewed["offer"]["link"]) in browser.page


async def test_after_dropping_claims_the_page_shows_the_reference_only(browser: Browser, issuer: Issuer) -> None:
    award = await issuer.award(recipients=[recipient(reference="S-2041")])
    await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/drop-claims")
    for path in ("/awards", f"/awards/{award['id']}", f"/achievements/{SLUG}"):
        await browser.get(BASE + path)
        assert "S-2041" in browser.page
        assert "Sanne" not in browser.page


async def test_pages_speak_english_to_who_asks(browser: Browser, issuer: Issuer) -> None:
    award = await issuer.award()
    browser.client.headers["Accept-Language"] = "en"
    await browser.get(f"{BASE}/awards/{award['id']}")
    assert "Give this code in another way" in browser.page
    await browser.get(f"{BASE}/achievements/{SLUG}")
    assert "Awarded to 1 person." in browser.page


def test_every_dutch_sentence_has_its_english() -> None:
    catalogue = read_catalogue("issuer", "en")
    known = {message.id if isinstance(message.id, str) else message.id[0] for message in catalogue if message.string}
    found = extract_from_dir(
        "issuer",
        method_map=[("**/templates/**.html", "jinja2"), ("**.py", "python")],
        options_map={"**/templates/**.html": {"extensions": "jinja2.ext.i18n"}},
    )
    needed = {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}
    assert len(needed) > 200
    assert needed - known == set()
    assert known - needed - {""} == set()


async def hidden_people(browser: Browser) -> str:
    found = re.search(r'name="people" value="([^"]*)"', browser.page)
    assert found is not None
    return html.unescape(found[1])


async def test_B09_a_file_as_evidence_travels_as_the_digest_of_its_bytes(browser: Browser, issuer: Issuer) -> None:
    """It could be given through the API only. The file itself is kept nowhere."""
    path = f"{BASE}/achievements/{SLUG}/award"
    report = b"%PDF-1.7 " + secrets.token_bytes(2 * 1024 * 1024)
    await browser.get(path)
    await browser.post(
        f"{path}/preview",
        files={"evidence_file": ("advies.pdf", report)},
        **SANNE,
        evidence_name='Adviesrapport "2026"',
        evidence_description="Onderzoek en advies.",
    )
    digest = f"sha256-{base64.b64encode(hashlib.sha256(report).digest()).decode()}"
    assert digest in html.unescape(browser.page)
    awarded = await browser.post(path, people=await hidden_people(browser), idempotency_key="bewijs")
    assert (awarded.status_code, digest in html.unescape(browser.page)) == (200, True)
    award = (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"][0]
    claims = (await issuer.verify((await issuer.fetch(award))[0])).claims
    assert claims["evidence"] == [
        {
            "type": ["Evidence"],
            "name": 'Adviesrapport "2026"',
            "description": "Onderzoek en advies.",
            "digestSRI": digest,
        }
    ]


async def test_B09_evidence_may_be_a_web_address_and_a_nameless_file_has_its_own_name(browser: Browser) -> None:
    path = f"{BASE}/achievements/{SLUG}/award"
    await browser.get(path)
    await browser.post(f"{path}/preview", **SANNE, evidence_name="Video", evidence_url="https://x.example/v")
    assert json.loads(await hidden_people(browser))[0]["evidence"] == [{"name": "Video", "url": "https://x.example/v"}]
    awarded = await browser.post(path, people=await hidden_people(browser), idempotency_key="video")
    assert (awarded.status_code, "https://x.example/v" in browser.page) == (200, True)
    await browser.get(path)
    await browser.post(f"{path}/preview", files={"evidence_file": ("advies.pdf", b"x")}, **SANNE)
    assert json.loads(await hidden_people(browser))[0]["evidence"][0]["name"] == "advies.pdf"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"evidence_name": "Alleen een naam"}, "evidence_file"),
        ({"evidence_url": "javascript:alert(1)", "evidence_name": "x"}, "evidence_url"),
        ({"evidence_url": "https://x.example"}, "evidence_name"),
        ({"email": "geen adres"}, "email"),
        ({"family_name": ""}, "family_name"),
        ({"given_name": "S\u202eanne"}, "given_name"),
    ],
)
async def test_one_person_with_one_thing_wrong_keeps_what_was_typed(
    browser: Browser, change: dict[str, str], field: str
) -> None:
    path = f"{BASE}/achievements/{SLUG}/award"
    await browser.get(path)
    typed = {**SANNE, "evidence_url": "https://x.example", "evidence_name": "x", "evidence_description": "Een verslag"}
    without = {"evidence_file": "evidence_url", "evidence_name": "evidence_name"}.get(field)
    response = await browser.post(f"{path}/preview", **{**typed, **({without: ""} if without else {}), **change})
    assert response.status_code == 400
    assert f'href="#{field}"' in browser.page
    assert "Een verslag" in browser.page


@pytest.mark.parametrize("people", ["", "{", "[]", "{}", "[1]", '[{"given_name": "x"}]', '[{"a": 1, "a": 2}]'])
async def test_A52_a_changed_preview_awards_nothing(browser: Browser, issuer: Issuer, people: str) -> None:
    path = f"{BASE}/achievements/{SLUG}/award"
    await browser.get(path)
    assert (await browser.post(path, people=people, idempotency_key="x")).status_code == 400
    assert (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"] == []


async def test_names_with_quotes_and_formulas_are_awarded_as_they_were_shown(browser: Browser, issuer: Issuer) -> None:
    """A quotation mark used to swallow the rest of the line between preview and award."""
    path = f"{BASE}/achievements/{SLUG}/award"
    await browser.get(path)
    lines = ["=1+1;@SUM(A1);an@student.example", '"""Beer"" Jan";Smit;jan@student.example']
    await browser.post(f"{path}/preview", people="\n".join(lines))
    await browser.post(path, people=await hidden_people(browser), idempotency_key="x")
    awards = (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"]
    assert [award["person"]["given_name"] for award in awards] == ["=1+1", '"Beer" Jan']


async def test_a_cell_without_end_is_a_line_that_cannot_be_used(browser: Browser) -> None:
    path = f"{BASE}/achievements/{SLUG}/award"
    await browser.get(path)
    people = f"Anna;Smit;anna@student.example\n{'x' * 200_000};Smit;x@student.example"
    assert (await browser.post(f"{path}/preview", people=people)).status_code == 200
    assert "1 regel kan niet mee" in browser.page


async def test_a_list_that_would_be_cut_off_is_refused(browser: Browser) -> None:
    path = f"{BASE}/achievements/{SLUG}/award"
    await browser.get(path)
    content = b"Anna;Smit;anna@student.example\n" + b" " * 512 * 1024
    assert (await browser.post(f"{path}/preview", files={"file": ("lijst.csv", content)})).status_code == 400
    assert 'href="#file"' in browser.page


DESCRIBED = {
    "action": "save",
    "description": "Deed onderzoek.",
    "criteria": "Een verslag.",
    "skill_uri": SKILLS[0][0],
    "skill_name": SKILLS[0][1],
    "skill_framework": "ESCO",
}


async def test_a_badge_named_as_the_page_for_new_ones_is_refused(browser: Browser) -> None:
    """Its page in the back office could never be opened."""
    await browser.get(f"{BASE}/achievements/new")
    response = await browser.post(f"{BASE}/achievements/new", **DESCRIBED, name="New!")
    assert response.status_code == 400
    assert "Deze naam is van de dienst zelf" in browser.page


@pytest.mark.parametrize(("name", "ects"), [("\u0634\u0647\u0627\u062f\u0629", ""), ("Met komma", "2,5")])
async def test_a_name_in_any_script_and_a_decimal_comma_are_fine(browser: Browser, name: str, ects: str) -> None:
    await browser.get(f"{BASE}/achievements/new")
    response = await browser.post(f"{BASE}/achievements/new", **DESCRIBED, name=name, ects=ects)
    assert response.status_code == 200
    assert f">{name}</h1>" in browser.page


async def test_who_awarded_a_list_is_told_so_and_what_comes_next(browser: Browser) -> None:
    path = f"{BASE}/achievements/{SLUG}/award"
    await browser.get(path)
    await browser.post(f"{path}/preview", people="An;Smit;an@student.example\nBo;Vos;bo@student.example")
    await browser.post(path, people=await hidden_people(browser), idempotency_key="x")
    assert "U hebt uitgereikt aan 2 mensen." in browser.page
    assert "geef de link en de code apart door" in browser.page


MISSING = ("Hoe wordt er beoordeeld?", "Hoeveel studiepunten", "Welk EQF-niveau", "Hoe doet iemand mee:", "Wie bewaakt")


async def test_E22_the_form_lists_what_a_microcredential_misses_and_keeps_what_was_chosen(browser: Browser) -> None:
    await browser.get(f"{BASE}/achievements/new")
    given = {**DESCRIBED, "name": "Micro", "achievement_type": "MicroCredential", "supervision": "online"}
    refused = await browser.post(f"{BASE}/achievements/new", **given)
    assert refused.status_code == 400
    for question in MISSING:
        assert question in browser.page
    assert '<option value="online" selected>Met toezicht, online</option>' in browser.page
    complete = {
        **given,
        "assessment": "Twee examinatoren.",
        "sbu": "100",
        "nlqf_level": "4+",
        "participation_type": "onsite",
        "quality_name": "NVAO",
        "quality_url": "https://www.nvao.net",
        "identity_checked": "false",
    }
    made = await browser.post(f"{BASE}/achievements/new", **complete)
    assert (made.status_code, made.url.path) == (200, f"{BASE}/achievements/micro")
    assert "240 studiebelastingsuren of meer" in browser.page
    await browser.get(f"{BASE}/achievements/micro/change")
    for chosen in ('"false" selected', '"4+" selected', '"onsite" selected', 'value="100"'):
        assert chosen in browser.page
    await browser.get(f"/{ORG}/achievements/micro")
    assert "Met toezicht, online" in browser.page


@pytest.mark.parametrize(
    ("assessment", "participation"),
    [("development_report", "personalised"), ("personalized_assessment", "onsite_or_blended")],
)
async def test_E20_the_form_has_the_codes_of_both_lists_of_surf(
    browser: Browser, issuer: Issuer, assessment: str, participation: str
) -> None:
    await browser.get(f"{BASE}/achievements/new")
    for code in (assessment, participation):
        assert f'<option value="{code}">' in browser.page
    chosen = {**DESCRIBED, "name": "Micro", "assessment_type": assessment, "participation_type": participation}
    made = await browser.post(f"{BASE}/achievements/new", **chosen)
    assert (made.status_code, made.url.path) == (200, f"{BASE}/achievements/micro")
    kept = (await issuer.api("GET", f"/organisations/{ORG}/achievements/micro")).json()
    assert (kept["assessment_type"], kept["participation_type"]) == (assessment, participation)


@pytest.mark.parametrize(("choices", "taken"), [(ASSESSMENT, AssessmentType), (PARTICIPATION, ParticipationType)])
def test_E20_the_form_offers_every_code_that_the_api_takes(choices: tuple[tuple[str, str], ...], taken: object) -> None:
    assert {code for code, _ in choices if code} == set(get_args(taken))


async def test_what_cannot_be_done_says_why_on_the_page_where_it_was_asked(browser: Browser, issuer: Issuer) -> None:
    """A general page said that something clashed, and not what."""
    page = f"{BASE}/awards/{(award := await issuer.award())['id']}"
    await browser.get(f"{page}/suspend")
    await issuer.change(award["id"], "revoke")
    refused = await browser.post(f"{page}/suspend", reason="Vergissing")
    assert refused.status_code == 400
    assert "Alleen een geldige badge kunt u opschorten." in browser.page
    assert "Vergissing" in browser.page
    refused = await browser.post(f"{page}/offer")
    assert refused.status_code == 409
    assert "Er kan geen nieuw aanbod bij." in browser.page
    assert f'href="{page}"' in browser.page
    browser.client.headers["Accept-Language"] = "en"
    await browser.post(f"{page}/file")
    assert "No file is made of it." in browser.page


async def test_words_in_another_language_than_the_page_say_which(issuer: Issuer) -> None:
    browser = Browser(issuer)
    browser.client.headers["Accept-Language"] = "en"
    await browser.get(f"/{ORG}/achievements/{SLUG}")
    assert '<h1 lang="en">Learning Region Adviser</h1>' in browser.page
    assert '<p lang="nl">Een adviesrapport en een gesprek.</p>' in browser.page
    await browser.client.aclose()


@pytest.mark.parametrize(("language", "words"), [("nl", "De code krijg je apart"), ("en", "You receive the code")])
async def test_I05_the_words_about_the_code_are_in_the_language_of_the_badge(
    issuer: Issuer, language: str, words: str
) -> None:
    await issuer.add_achievement(slug="taal", language=language)
    path = f"/organisations/{ORG}/achievements/taal/awards"
    made = await issuer.api("POST", path, json={"recipients": [recipient()]})
    [grant] = [each for each in (await issuer.offer(made.json()["awards"][0]))["grants"].values() if "tx_code" in each]
    assert grant["tx_code"]["description"].startswith(words)


async def test_I63_a_badge_that_waits_is_approved_by_a_colleague_on_its_page(browser: Browser, issuer: Issuer) -> None:
    """Whoever awarded is told to ask somebody else; a colleague approves without having to say why."""
    path = f"/organisations/{ORG}/achievements"
    slug = "praktijkverklaring"
    described = await issuer.api("POST", path, json=achievement(slug=slug, approval="second_person"))
    assert described.status_code == 201, described.text
    await browser.get(f"{BASE}/achievements/{slug}/award")
    await browser.post(f"{BASE}/achievements/{slug}/award/preview", **SANNE)
    people = html.unescape(re.search(r'name="people" value="([^"]*)"', browser.page)[1])  # type: ignore[index]
    await browser.post(f"{BASE}/achievements/{slug}/award", people=people, idempotency_key="eenmalig")
    award = (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"][0]
    where = f"{BASE}/awards/{award['id']}"
    await browser.get(where)
    assert "wacht op goedkeuring" in browser.page
    assert "Vraag een collega" in browser.page
    assert f"{where}/approve" not in browser.page
    await browser.get(f"{where}/approve")
    refused = await browser.post(f"{where}/approve", reason="")
    assert (refused.status_code, "Vraag een collega" in browser.page) == (400, True)
    await add_operator(issuer, email="tweede@stmw.example")
    colleague = Browser(issuer, "192.0.2.11")
    await colleague.get("/sign-in")
    await colleague.post("/sign-in", email="tweede@stmw.example", passphrase=PASSPHRASE, next=BASE)
    await colleague.get(where)
    assert f"{where}/approve" in colleague.page
    await colleague.get(f"{where}/approve")
    assert "Adviseur Lerende Regio" in colleague.page
    await colleague.post(f"{where}/approve", reason="")
    assert "Goedgekeurd" in colleague.page
    assert "wacht op goedkeuring" not in colleague.page
    await colleague.client.aclose()


@pytest.mark.parametrize("kind", get_args(MatchKind))
async def test_S05_a_skill_that_a_table_names_beside_it_is_never_signed(
    new_sqlite_database: NewDatabase, clock: FixedClock, tmp_path: Path, kind: MatchKind
) -> None:
    """Not even one that is exactly the same elsewhere: the issuer stated one skill, under one address."""
    path, (chosen, name), elsewhere = tmp_path / "skills.sqlite3", SKILLS[0], "https://linkeddata.example/id/1"
    build_index_from(
        [IndexSource(Skill(uri, {"nl": label}, ""), {}) for uri, label in SKILLS],
        path,
        relations=[SkillMatch(elsewhere, kind, chosen, "Elders"), SkillMatch(chosen, kind, SKILLS[1][0])],
    )
    issuer = await create_issuer(new_sqlite_database("issuer"), clock, skills=SkillIndex.open(path))
    made = await issuer.add_achievement(slug="lasser", skills=[{"uri": chosen, "name": name}])
    assert made.status_code == 201, made.text
    awarded = await issuer.api(
        "POST", f"/organisations/{ORG}/achievements/lasser/awards", json={"recipients": [recipient()]}
    )
    file = f"/organisations/{ORG}/awards/{awarded.json()['awards'][0]['id']}/file"
    assert (await issuer.api("POST", file)).status_code == 201
    signed = (await issuer.api("GET", f"{file}/json")).json()
    assert [alignment["targetUrl"] for alignment in signed["credentialSubject"]["achievement"]["alignment"]] == [chosen]
    assert not [uri for uri in (elsewhere, SKILLS[1][0]) if uri in json.dumps(signed)]
    await issuer.client.aclose()
    await issuer.app.state.service.close()
