"""Results: described with the achievement, given with the award, and the same in every securing. B-07, E-21."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from kernel import base64url
from kernel.open_badges import Result, badge_view
from kernel.sd_jwt import disclosable_paths, parse_sd_jwt, present, reveal
from tests.issuer.conftest import CONFIGURATIONS, ORG, SKILLS, SLUG, Issuer, achievement, recipient
from tests.issuer.test_securings import believe
from tests.support.measured import GRADES, PRESENTATION, REPORT, RESULTS, TEST, measured, with_skills

CONTENT = {**achievement(), **measured()}
REACHED = {
    "Eindcijfer": ("8.5", None, None, "5.5"),
    "Presentatie": (None, "Goed", None, "Voldoende"),
    "Adviesrapport": ("B", None, None, "C"),
    "Kennistoets": ("82.5", None, None, None),
    "Stage": (None, None, "Completed", None),
}


async def describe(issuer: Issuer, **changes: Any) -> None:
    """The badge of the fixture, from now on with results."""
    path = f"/organisations/{ORG}/achievements/{SLUG}"
    etag = (await issuer.api("GET", path)).headers["ETag"]
    response = await issuer.api("PUT", path, json={**CONTENT, **changes}, headers={"If-Match": etag})
    assert response.status_code == 200, response.text


def reached(results: tuple[Result, ...]) -> Mapping[str | None, tuple[str | None, ...]]:
    return {one.name: (one.value, one.level, one.status, one.required) for one in results}


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
async def test_B07_E21_results_and_grade_are_in_the_badge_of_each_securing(
    any_issuer: Issuer, configuration: str
) -> None:
    issuer = any_issuer
    await describe(issuer)
    award = await issuer.award(recipients=[recipient(results=RESULTS, grade="8.5")])
    [raw] = await issuer.fetch(award, configuration=configuration)
    credential = await believe(issuer, raw)
    assert reached(badge_view(credential.claims, credential.format).results) == REACHED


async def test_B07_results_are_in_both_texts_of_a_file(issuer: Issuer) -> None:
    await describe(issuer)
    award = await issuer.award(recipients=[recipient(results=RESULTS, grade="8.5")])
    await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/file")
    for form in ("json", "jws"):
        raw = (await issuer.api("GET", f"/organisations/{ORG}/awards/{award['id']}/file/{form}")).text
        credential = await believe(issuer, raw)
        assert reached(badge_view(credential.claims, credential.format).results) == REACHED


async def test_B07_staff_read_back_what_they_gave(issuer: Issuer) -> None:
    await describe(issuer)
    award = await issuer.award(recipients=[recipient(results=RESULTS, grade="8.5", role="Adviseur")])
    read = await issuer.get_award(award["id"])
    assert read["claims"]["subject"] == {"role": "Adviseur"}
    assert [result.get("value") for result in read["claims"]["result"]] == ["8.5", None, "B", "82.5", None]
    described = (await issuer.api("GET", f"/organisations/{ORG}/achievements/{SLUG}")).json()
    assert described["grading_scheme"] == GRADES
    assert described["result_descriptions"][1]["allowed_values"] == REPORT["allowed_values"]
    await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/drop-claims")
    assert (await issuer.get_award(award["id"]))["claims"] == {}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"results": [{"result_description": "onbekend", "value": "1"}]}, "results.0.result_description"),
        ({"results": [RESULTS[1], RESULTS[1]]}, "results.1.result_description"),
        ({"results": [{"result_description": "presentatie", "achieved_level": "top"}]}, "results.0.achieved_level"),
        ({"results": [{"result_description": "toets", "achieved_level": "goed"}]}, "results.0.achieved_level"),
        ({"results": [{"result_description": "verslag", "value": "E"}]}, "results.0.value"),
        ({"results": [{"result_description": "toets", "value": "100.5"}]}, "results.0.value"),
        ({"results": [{"result_description": "toets", "value": "-1"}]}, "results.0.value"),
        ({"results": [{"result_description": "toets", "value": "veel"}]}, "results.0.value"),
        ({"results": [{"result_description": "stage"}]}, "results.0.status"),
        ({"results": [{"result_description": "toets"}]}, "results.0.value"),
        ({"results": [{**RESULTS[2], "skills": ["https://x.example/"]}]}, "results.0.skills.0"),
        ({"grade": "11"}, "grade"),
        ({"activity_start_date": "2026-02-02", "activity_end_date": "2026-02-01"}, "activity_end_date"),
    ],
)
async def test_B07_a_result_that_the_badge_does_not_describe_is_refused_by_the_path_of_its_field(
    issuer: Issuer, given: dict[str, Any], field: str
) -> None:
    await describe(issuer)
    response = await issuer.post_awards(recipients=[recipient(1), recipient(2, **given)])
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert list(response.json()["fields"]) == [f"recipients.1.{field}"]
    assert (await issuer.api("GET", f"/organisations/{ORG}/awards")).json() == {"awards": []}


async def test_E21_a_grade_of_a_badge_without_grades_is_refused(issuer: Issuer) -> None:
    response = await issuer.post_awards(recipients=[recipient(grade="8")])
    assert (response.status_code, list(response.json()["fields"])) == (400, ["recipients.0.grade"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tags": ["goed", "om\u202edraai"]}, "tags"),
        ({"part_of": ["https://x.example/\u202e"]}, "part_of"),
        ({"result_descriptions": [{**REPORT, "allowed_values": ["A\u0007"]}]}, "result_descriptions.0.allowed_values"),
        ({"result_descriptions": [TEST, TEST]}, "result_descriptions.1.id"),
        ({"result_descriptions": [{**PRESENTATION, "required_level": "top"}]}, "result_descriptions.0.required_level"),
        ({"result_descriptions": [{**REPORT, "required_value": "E"}]}, "result_descriptions.0.required_value"),
        ({"result_descriptions": [{**TEST, "value_min": "101"}]}, "result_descriptions.0.value_max"),
        ({"result_descriptions": [{**TEST, "skills": ["https://x.example/"]}]}, "result_descriptions.0.skills.0"),
        (
            {"result_descriptions": [with_skills("goed", SKILLS[0][0], "https://x.example/")]},
            "result_descriptions.0.rubric_criterion_levels.2.skills.1",
        ),
        ({"grading_scheme": {**GRADES, "required": "11"}}, "grading_scheme.required"),
        ({"grading_scheme": {**GRADES, "minimum": "11"}}, "grading_scheme.maximum"),
        (
            {"learning_outcomes": [{"text": "Adviseren", "skills": ["https://x.example/"]}]},
            "learning_outcomes.0.skills.0",
        ),
        (
            {
                "result_descriptions": [
                    {**PRESENTATION, "rubric_criterion_levels": [PRESENTATION["rubric_criterion_levels"][1]] * 2}
                ]
            },
            "result_descriptions.0.rubric_criterion_levels.1.id",
        ),
    ],
)
async def test_B07_a_description_that_does_not_fit_together_is_refused_by_the_path_of_its_field(
    issuer: Issuer, changes: dict[str, Any], field: str
) -> None:
    response = await issuer.add_achievement(**{**measured(), "slug": "ander", **changes})
    assert (response.status_code, list(response.json()["fields"])) == (400, [field])


async def test_S09_what_a_result_says_of_a_skill_is_hidden_with_the_skill(issuer: Issuer) -> None:
    uri = SKILLS[0][0]
    await describe(issuer, result_descriptions=[{**TEST, "skills": [uri]}])
    for configuration in CONFIGURATIONS[:2]:
        [raw] = await issuer.fetch(await issuer.award(), configuration=configuration)
        assert uri.encode() not in base64url.decode(raw.split(".")[1])
        assert str((await believe(issuer, raw)).claims).count(uri) == 2


async def award_with_skills(issuer: Issuer) -> dict[str, Any]:
    """Somebody on a level that shows one skill, by a test that showed another."""
    await describe(issuer, result_descriptions=[with_skills("goed", SKILLS[0][0]), TEST])
    results = [RESULTS[0], {**RESULTS[2], "skills": [SKILLS[1][0]]}]
    return await issuer.award(recipients=[recipient(results=results)])


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
async def test_B07_S01_skills_of_a_level_and_of_one_result_are_in_the_badge_of_each_securing(
    any_issuer: Issuer, configuration: str
) -> None:
    award = await award_with_skills(any_issuer)
    [raw] = await any_issuer.fetch(award, configuration=configuration)
    credential = await believe(any_issuer, raw)
    shown = badge_view(credential.claims, credential.format)
    aligned = {skill.uri: skill for skill in shown.skills}
    assert [list(result.skills) for result in shown.results] == [[aligned[SKILLS[0][0]]], [aligned[SKILLS[1][0]]]]


@pytest.mark.parametrize("configuration", CONFIGURATIONS[:2])
async def test_S09_each_skill_of_a_level_and_of_a_result_can_be_hidden_by_itself(
    issuer: Issuer, configuration: str
) -> None:
    """Also when the results themselves are shown: else they would tell what was hidden."""
    [raw] = await issuer.fetch(await award_with_skills(issuer), configuration=configuration)
    hidden = disclosable_paths(raw)
    result = next(path for path in hidden if path[-1] == "result")
    shown = present(raw, disclose=[result])
    read = parse_sd_jwt(shown)
    told = reveal(read.issuer_jwt.payload, read.disclosures, protected=frozenset())
    text = json.dumps(told)
    assert "82.5" in text
    for uri, _ in SKILLS:
        assert uri not in text
    of_level = [path for path in hidden if "rubricCriterionLevel" in path]
    of_result = [path for path in hidden if path[: len(result)] == result and "alignment" in path]
    assert [hidden[path]["targetUrl"] for path in (*of_level, *of_result)] == [SKILLS[0][0], SKILLS[1][0]]


async def test_B07_a_level_is_no_skill_that_a_result_could_name(issuer: Issuer) -> None:
    """What an alignment states of workload or level is nobody's skill."""
    await describe(issuer, ects=3, result_descriptions=[TEST])
    stated = "http://data.europa.eu/snb/education-credit/6fcec5c5af"
    response = await issuer.post_awards(recipients=[recipient(results=[{**RESULTS[2], "skills": [stated]}])])
    assert list(response.json()["fields"]) == ["recipients.0.results.0.skills.0"]
