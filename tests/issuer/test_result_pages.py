"""Results on the pages of the back office: described, given to a person and to a list, and kept when others change."""

from html import unescape
from html.parser import HTMLParser
from typing import Any
from uuid import UUID

import pytest

from tests.issuer.conftest import BASE, ORG, SANNE, SKILLS, SLUG, Browser, Issuer
from tests.issuer.test_results import describe
from tests.support.measured import REPORT, RESULTS, microcredential, with_skills

CHANGE, AWARD = f"{BASE}/achievements/{SLUG}/change", f"{BASE}/achievements/{SLUG}/award"


class Form(HTMLParser):
    """The fields of the form for an achievement, as a browser would send them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.unticked: dict[str, list[str]] = {}
        self._inside, self._text, self._select = False, "", ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = of.get("id") == "achievement"
        elif self._inside and tag == "input" and of.get("type") == "checkbox" and "checked" not in of:
            self.unticked.setdefault(of["name"], []).append(of["value"])
        elif self._inside and tag == "input" and of.get("type") != "file":
            self.fields.setdefault(of["name"], []).append(of.get("value", ""))
        elif self._inside and tag == "textarea":
            self._text = of["name"]
            self.fields.setdefault(of["name"], []).append("")
        elif self._inside and tag == "select":
            self._select = of["name"]
            self.fields.setdefault(of["name"], []).append("")
        elif self._inside and tag == "option" and "selected" in of:
            self.fields[self._select][-1] = of["value"]

    def handle_endtag(self, tag: str) -> None:
        self._text = "" if tag == "textarea" else self._text

    def handle_data(self, data: str) -> None:
        if self._text:
            self.fields[self._text][-1] += data


async def described(issuer: Issuer, slug: str = SLUG) -> dict[str, Any]:
    return dict((await issuer.api("GET", f"/organisations/{ORG}/achievements/{slug}")).json())


async def test_E20_E21_B07_saving_the_form_as_it_is_loses_nothing_that_the_api_said(
    browser: Browser,
    issuer: Issuer,
) -> None:
    await describe(issuer, **microcredential(SKILLS))
    before = await described(issuer)
    await browser.get(CHANGE)
    fields = Form(browser.page).fields
    response = await browser.post(CHANGE, **{**fields, "action": "save"})
    assert response.url.path == f"{BASE}/achievements/{SLUG}", response.text
    after = await described(issuer)
    changing = {"version", "image_url"}
    assert after["version"] == before["version"] + 1
    assert {name: after[name] for name in after.keys() - changing} == {
        name: before[name] for name in before.keys() - changing
    }


async def test_B07_a_teacher_describes_a_grade_and_parts_without_a_script(
    browser: Browser,
    issuer: Issuer,
) -> None:
    await browser.get(CHANGE)
    fields: dict[str, Any] = Form(browser.page).fields
    fields |= {"outcomes": "Onderzoekt.\r\n\r\nAdviseert.", "grade_name": "Eindcijfer"}
    fields |= {"grade_minimum": "1", "grade_maximum": "10", "grade_required": "5,5"}
    await browser.post(CHANGE, **{**fields, "action": "add_result"})
    assert browser.page.count('name="result_name"') == 1
    fields = Form(browser.page).fields
    fields |= {"result_name": ["Presentatie"], "result_kind": ["levels"], "result_required": ["goed"]}
    fields |= {"result_choices": ["Onvoldoende\r\nVoldoende\r\nGoed"]}
    await browser.post(CHANGE, **{**fields, "action": "add_result"})
    fields = Form(browser.page).fields
    assert fields["result_choices"] == ["Onvoldoende\r\nVoldoende\r\nGoed", ""]
    fields["result_name"][1], fields["result_kind"][1] = "Toets", "number"
    fields["result_minimum"][1], fields["result_maximum"][1] = "0", "100"
    response = await browser.post(CHANGE, **{**fields, "action": "save"})
    assert response.url.path == f"{BASE}/achievements/{SLUG}", response.text
    found = await described(issuer)
    assert [outcome["text"]["nl"] for outcome in found["learning_outcomes"]] == ["Onderzoekt.", "Adviseert."]
    assert (found["grading_scheme"]["name"]["nl"], found["grading_scheme"]["required"]) == ("Eindcijfer", "5.5")
    presentation, test = found["result_descriptions"]
    assert [level["name"]["nl"] for level in presentation["rubric_criterion_levels"]] == [
        "Onvoldoende",
        "Voldoende",
        "Goed",
    ]
    assert presentation["required_level"] == presentation["rubric_criterion_levels"][2]["id"]
    assert (test["result_type"], test["value_min"], test["value_max"]) == ("RawScore", "0", "100")


async def test_B07_S09_a_teacher_says_which_level_shows_which_skill(
    browser: Browser,
    issuer: Issuer,
) -> None:
    first, second = (uri for uri, _ in SKILLS[:2])
    await describe(issuer, result_descriptions=[REPORT, with_skills("goed", first)])
    await browser.get(CHANGE)
    form = Form(browser.page)
    assert form.fields["level_skill"] == [f"1|{first}|Goed"]
    assert len(form.unticked["level_skill"]) == 3 * len(SKILLS) - 1
    fields: dict[str, Any] = form.fields
    # The part before it goes, and its boxes are still its own.
    fields["result_name"][0] = ""
    fields["level_skill"] = [f"1|{second}|Goed", f"1|{second}|Voldoende", "1|https://x.example/|Goed", "9|x", "2|x|y"]
    response = await browser.post(CHANGE, **{**fields, "action": "save"})
    assert response.url.path == f"{BASE}/achievements/{SLUG}", response.text
    [described_now] = (await described(issuer))["result_descriptions"]
    levels = {level["id"]: level["skills"] for level in described_now["rubric_criterion_levels"]}
    assert levels == {"onvoldoende": [], "voldoende": [second], "goed": [second]}


async def test_B07_a_part_that_does_not_fit_is_refused_beside_it_and_keeps_what_was_typed(
    browser: Browser,
    issuer: Issuer,
) -> None:
    await describe(issuer)
    await browser.get(CHANGE)
    fields: dict[str, Any] = Form(browser.page).fields
    fields["result_required"][0] = "Uitmuntend"
    response = await browser.post(CHANGE, **{**fields, "action": "save"})
    assert response.status_code == 400
    assert 'href="#result_0"' in browser.page
    assert "Dit niveau hoort niet bij dit resultaat." in browser.page
    assert "Uitmuntend" in browser.page


@pytest.fixture
async def measuring(browser: Browser, issuer: Issuer) -> Browser:
    """A browser at the page to award a badge that measures something."""
    await describe(issuer)
    await browser.get(AWARD)
    return browser


async def test_B07_E21_a_person_gets_a_grade_and_results_and_staff_see_them_in_words(
    measuring: Browser, issuer: Issuer
) -> None:
    filled = {"grade": "8,5", "result-presentatie": "goed", "result-verslag": "B", "result-toets": "82,5"}
    about = {"narrative": "Deed drie opdrachten.", "role": "Adviseur", "on_behalf_of_name": "Stichting"}
    about |= {"on_behalf_of_url": "https://stichting.example", "activity_start_date": "2026-02-01"}
    await measuring.post(f"{AWARD}/preview", **SANNE, **filled, **about, **{"result-stage": "Completed"})
    assert "Goed: Overtuigt de klant." in measuring.page
    assert "op een schaal van 1 tot 10" in measuring.page
    people = Form(measuring.page.replace('method="post"', 'id="achievement"')).fields["people"][0]
    key = Form(measuring.page.replace('method="post"', 'id="achievement"')).fields["idempotency_key"][0]
    response = await measuring.post(AWARD, people=unescape(people), idempotency_key=key)
    award_id = UUID(response.url.path.rpartition("/")[2])
    for words in ("8,5", "Goed: Overtuigt de klant.", "82,5", "gehaald", "Deed drie opdrachten."):
        assert words in measuring.page
    claims = (await issuer.get_award(str(award_id)))["claims"]
    assert [one.get("value") for one in claims["result"]] == ["8.5", None, "B", "82.5", None]
    assert claims["subject"]["activityStartDate"] == "2026-02-01T00:00:00Z"
    assert claims["parentOrg"]["name"] == "Stichting"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"grade": "11"}, "grade"),
        ({"result-toets": "101"}, "result-toets"),
        ({"result-presentatie": "top"}, "result-presentatie"),
        ({"activity_end_date": "2026-01-01", "activity_start_date": "2026-02-01"}, "activity_end_date"),
        ({"on_behalf_of_name": "Stichting"}, "on_behalf_of_url"),
    ],
)
async def test_B07_what_does_not_fit_is_refused_beside_its_field(
    measuring: Browser, changes: dict[str, str], field: str
) -> None:
    response = await measuring.post(f"{AWARD}/preview", **{**SANNE, **changes})
    assert response.status_code == 400
    assert f'href="#{field}"' in measuring.page
    assert f'id="{field}-error"' in measuring.page
    assert all(value in measuring.page for value in changes.values() if not field.startswith("result-presentatie"))


async def test_B07_S09_staff_say_which_skills_one_persons_result_showed(browser: Browser, issuer: Issuer) -> None:
    always, *others = (uri for uri, _ in SKILLS)
    await describe(issuer, result_descriptions=[{**REPORT, "skills": [always]}])
    await browser.get(AWARD)
    assert f'value="{always}"' not in browser.page
    filled = {f"result-{REPORT['id']}": "B", f"skills-{REPORT['id']}": others[:2]}
    await browser.post(f"{AWARD}/preview", **SANNE, **filled)
    assert f"laat zien: {SKILLS[1][1]}, {SKILLS[2][1]}" in browser.page
    fields = Form(browser.page.replace('method="post"', 'id="achievement"')).fields
    response = await browser.post(AWARD, people=fields["people"][0], idempotency_key=fields["idempotency_key"][0])
    [result] = (await issuer.get_award(response.url.path.rpartition("/")[2]))["claims"]["result"]
    assert [skill["targetUrl"] for skill in result["alignment"]] == others[:2]


@pytest.mark.parametrize(("value", "skill"), [("", SKILLS[1][0]), ("B", "https://elsewhere.example/skill")])
async def test_B07_S09_skills_without_a_result_and_skills_of_no_badge_are_refused_beside_the_result(
    measuring: Browser, value: str, skill: str
) -> None:
    filled = {"result-verslag": value, "skills-verslag": [skill]}
    response = await measuring.post(f"{AWARD}/preview", **SANNE, **filled)
    assert response.status_code == 400
    assert 'id="result-verslag-error"' in measuring.page
    assert (f'value="{skill}" checked' in measuring.page) is not value


async def test_B07_a_list_names_the_line_and_the_column_that_are_wrong_and_awards_the_others(
    measuring: Browser, issuer: Issuer
) -> None:
    people = (
        "Voornaam;Achternaam;E-mail;Presentatie;Eindcijfer;Klas\n"
        "Sanne;de Vries;sanne@student.example;goed;8,5;3B\nJoris;Bakker;joris@student.example;top;7;3B"
    )
    await measuring.post(f"{AWARD}/preview", people=people)
    assert "Regel 3, Presentatie" in measuring.page
    assert "Met deze kolommen doen we niets:" in measuring.page
    fields = Form(measuring.page.replace('method="post"', 'id="achievement"')).fields
    await measuring.post(AWARD, people=fields["people"][0], idempotency_key=fields["idempotency_key"][0])
    [award] = (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"]
    assert award["claims"]["result"][1]["achievedLevel"].endswith("#result-presentatie.goed")
    assert len(RESULTS) > len(award["claims"]["result"]) == 2


async def test_E20_the_page_of_an_award_tells_level_workload_and_quality_in_words(
    browser: Browser,
    issuer: Issuer,
) -> None:
    await describe(issuer, **microcredential(SKILLS))
    award = await issuer.award()
    page = unescape((await browser.get(f"{BASE}/awards/{award['id']}")).text)
    for words in ("Niveau, omvang en kwaliteit", "beoordeling van een portfolio", "na 36 maanden", "3,5 studiepunten"):
        assert words in page
    assert "portfolio_assessment" not in page


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("nl", ("Wat iemand daarna kan", "Onderzoekt wat een bedrijf nodig heeft.", "Hoeveel uur het kost", "97,5")),
        ("en", ("What somebody can do afterwards", "Finds out what a company needs.", "How many hours", "97.5")),
    ],
)
async def test_E20_everybody_reads_what_somebody_can_do_afterwards_and_how_long_it_takes(
    browser: Browser,
    issuer: Issuer,
    language: str,
    expected: tuple[str, ...],
) -> None:
    await describe(issuer, **microcredential(SKILLS))
    headers = {"accept": "text/html", "accept-language": language}
    page = unescape((await browser.client.get(f"/{ORG}/achievements/{SLUG}", headers=headers)).text)
    for words in (*expected, "Brengt een advies uit.", "Werkt samen.", "zelfstandig"):
        assert words in page
    outcomes = page.partition('class="outcomes"')[2].partition("</ul>")[0]
    assert [name in outcomes for _, name in SKILLS[:3]] == [True, True, True]


@pytest.mark.parametrize(
    ("language", "numbers"), [("nl", ("3,5", "5,5", "12345,25")), ("en", ("3.5", "5.5", "12345.25"))]
)
async def test_the_form_has_its_numbers_as_its_reader_writes_them_and_saves_the_same(
    browser: Browser,
    issuer: Issuer,
    language: str,
    numbers: tuple[str, ...],
) -> None:
    await describe(issuer, **microcredential(SKILLS, hours=12345.25))
    before = await described(issuer)
    browser.client.headers["Accept-Language"] = language
    await browser.get(CHANGE)
    fields = Form(browser.page).fields
    assert (fields["ects"], fields["grade_required"], fields["hours"]) == tuple([number] for number in numbers)
    await browser.post(CHANGE, **{**fields, "action": "save"})
    after = await described(issuer)
    assert after["version"] == before["version"] + 1
    for name in ("ects", "hours", "grading_scheme", "result_descriptions"):
        assert after[name] == before[name]
    public = (await browser.get(f"/{ORG}/achievements/{SLUG}")).text
    assert f"<dd>{numbers[0]}</dd>" in public
