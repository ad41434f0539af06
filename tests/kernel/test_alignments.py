"""What an alignment is about: a skill, or something else that it says of the learning. S-01, S-03."""

from typing import Any

import pytest

from kernel.open_badges import (
    HIGHEST_LEVEL,
    SKILL,
    STATED_KINDS,
    badge_view,
    find_alignment_kind,
    find_level_urls,
    skill_target_type,
)
from kernel.open_badges.alignments import NLQF_LEVELS

EQF = "http://data.europa.eu/snb/eqf/5"
ECTS = "http://data.europa.eu/snb/education-credit/6fcec5c5af"
ESCO = "http://data.europa.eu/esco/skill/03b9b491-fc9b-4868-914a-bf7cd47b5041"
COMPETENT_NL = "https://linkeddata.competentnl.nl/id/human-capability/53E033E58A"
ELSEWHERE = "https://school.example/concepts/1"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (EQF, "EQF"),
        ("https://data.europa.eu/snb/eqf/5", "EQF"),
        ("http://data.europa.eu/snb/qdr/c_18c9e9fe", "NLQF"),
        (ECTS, "ECTS"),
        ("http://data.europa.eu/snb/assessment/b1b68f6735", "AssessmentType"),
        ("http://data.europa.eu/snb/learning-assessment/e92d221e4d", "ParticipationType"),
        ("http://data.europa.eu/snb/isced-f/0413", "ISCEDF"),
        (ESCO, SKILL),
        (COMPETENT_NL, SKILL),
        ("https://www.onetonline.org/find/descriptor/result/2.B.3.g", SKILL),
    ],
)
@pytest.mark.parametrize("target_type", [None, "CFItem", "ext:ESCOAlignment", "ext:NLQF", "ext:ECTSAlignment"])
def test_S03_the_beginning_of_the_address_comes_first(url: str, kind: str, target_type: str | None) -> None:
    alignment = {"targetUrl": url, "targetFramework": "ECTS", "targetType": target_type}
    assert find_alignment_kind(alignment) == kind


@pytest.mark.parametrize(
    ("target_type", "kind"),
    [
        ("ext:EQF", "EQF"),
        ("ext:EQFAlignment", "EQF"),
        (["Alignment", "ext:EQF"], "EQF"),
        ("ext:ESCO", SKILL),
        ("ext:CompetentNLAlignment", SKILL),
        ("ext:SchoolAlignment", SKILL),
        (["CFItem", "ext:ESCO"], SKILL),
    ],
)
@pytest.mark.parametrize("framework", [None, "ECTS"])
def test_S03_the_type_comes_second(target_type: object, kind: str, framework: str | None) -> None:
    alignment = {"targetUrl": ELSEWHERE, "targetType": target_type, "targetFramework": framework}
    assert find_alignment_kind(alignment) == kind


@pytest.mark.parametrize(
    ("framework", "kind"),
    [("EQF", "EQF"), ("nlqf", "NLQF"), ("European Qualifications Framework", "EQF"), ("ECTS", "ECTS"), ("ESCO", SKILL)],
)
@pytest.mark.parametrize("target_type", [None, "CFItem", "ceasn:Competency"])
def test_S03_the_name_comes_last(framework: str, kind: str, target_type: str | None) -> None:
    alignment = {"targetUrl": ELSEWHERE, "targetType": target_type, "targetFramework": framework}
    assert find_alignment_kind(alignment) == kind


@pytest.mark.parametrize("url", [EQF, ECTS, ESCO, ELSEWHERE])
@pytest.mark.parametrize("kind", ["Prerequisites", "PartOf", "QualityAssurance"])
def test_S03_what_is_at_the_address_of_something_else_is_not_said_of_the_badge(kind: str, url: str) -> None:
    """Somebody has to have that level or skill before: the badge does not show it."""
    alignment = {"targetUrl": url, "targetType": f"ext:{kind}Alignment", "targetFramework": "EQF"}
    assert find_alignment_kind(alignment) == kind


@pytest.mark.parametrize(
    "alignment",
    [
        {},
        {"targetName": "Solving"},
        {"targetType": 3, "targetUrl": ["x"]},
        {"targetUrl": "http://data.europa.eu/snb/qdr/level-of-another-country"},
    ],
)
def test_S03_what_nobody_knows_is_a_skill(alignment: dict[str, Any]) -> None:
    assert find_alignment_kind(alignment) == SKILL


@pytest.mark.parametrize("framework", [None, "", "ESCO", "two words", *sorted(STATED_KINDS)])
def test_S01_the_type_of_a_skill_is_never_one_of_what_is_stated(framework: str | None) -> None:
    assert find_alignment_kind({"targetUrl": ELSEWHERE, "targetType": skill_target_type(framework)}) == SKILL
    assert skill_target_type("ESCO") == "ext:ESCOAlignment"


def test_S03_a_badge_is_shown_with_its_skills_and_with_what_is_stated_apart() -> None:
    alignments = [{"targetUrl": url, "targetName": url[-4:]} for url in (EQF, ESCO, ELSEWHERE)]
    level = {"id": "urn:l", "type": ["RubricCriterionLevel"], "name": "Goed", "alignment": alignments}
    description = {"id": "urn:r", "rubricCriterionLevel": [level]}
    subject = {
        "achievement": {"name": "x", "alignment": alignments, "resultDescription": [description]},
        "result": [{"resultDescription": "urn:r", "achievedLevel": "urn:l"}],
    }
    view = badge_view({"credentialSubject": subject}, "ldp_vc")
    assert [skill.uri for skill in view.skills] == [ESCO, ELSEWHERE]
    assert [stated.uri for stated in view.statements] == [EQF]
    assert [skill.uri for skill in view.results[0].skills] == [ESCO, ELSEWHERE]


def test_S10_a_level_and_every_higher_one_by_the_addresses_of_both_frameworks() -> None:
    assert find_level_urls(HIGHEST_LEVEL) == ("http://data.europa.eu/snb/eqf/8", NLQF_LEVELS["8"])
    assert find_level_urls(5)[0] == EQF
    fourth, fifth = set(find_level_urls(4)), set(find_level_urls(5))
    assert fifth < fourth
    assert fourth - fifth == {"http://data.europa.eu/snb/eqf/4", NLQF_LEVELS["4"], NLQF_LEVELS["4+"]}
    assert NLQF_LEVELS["Instroom"] not in find_level_urls(1)
    assert all(find_alignment_kind({"targetUrl": url}) in ("EQF", "NLQF") for url in find_level_urls(1))
