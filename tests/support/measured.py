"""An achievement that measures what somebody reached, and what somebody reached: inputs of the API."""

from typing import Any, Final

PRESENTATION: Final = {
    "id": "presentatie",
    "name": {"nl": "Presentatie", "en": "Presentation"},
    "result_type": "RubricCriterionLevel",
    "required_level": "voldoende",
    "rubric_criterion_levels": [
        {"id": "onvoldoende", "name": "Onvoldoende", "level": "1", "points": "0"},
        {"id": "voldoende", "name": "Voldoende", "level": "2", "points": "6"},
        {"id": "goed", "name": "Goed", "level": "3", "points": "8.5", "description": {"nl": "Overtuigt de klant."}},
    ],
}
REPORT: Final = {
    "id": "verslag",
    "name": "Adviesrapport",
    "result_type": "LetterGrade",
    "allowed_values": ["D", "C", "B", "A"],
    "required_value": "C",
}
TEST: Final = {"id": "toets", "name": "Kennistoets", "result_type": "Percent", "value_min": "0", "value_max": "100"}
PLACEMENT: Final = {"id": "stage", "name": "Stage", "result_type": "Status"}
GRADES: Final = {
    "name": {"nl": "Eindcijfer", "en": "Final grade"},
    "minimum": "1",
    "maximum": "10",
    "required": "5.5",
    "url": "https://school.example/cijfers",
}
RESULTS: Final = [
    {"result_description": "presentatie", "achieved_level": "goed"},
    {"result_description": "verslag", "value": "B"},
    {"result_description": "toets", "value": "82.5"},
    {"result_description": "stage", "status": "Completed"},
]


def with_skills(level: str, *skills: str) -> dict[str, Any]:
    """The presentation, of which one level shows these skills."""
    levels = [
        {**one, "skills": list(skills)} if one["id"] == level else one
        for one in PRESENTATION["rubric_criterion_levels"]  # type: ignore[attr-defined]
    ]
    return {**PRESENTATION, "rubric_criterion_levels": levels}


def measured(**changes: Any) -> dict[str, Any]:
    """What a description says of results, with anything changed."""
    return {"result_descriptions": [PRESENTATION, REPORT, TEST, PLACEMENT], "grading_scheme": GRADES, **changes}


def microcredential(skills: list[tuple[str, str]], **changes: Any) -> dict[str, Any]:
    """What a description says of the sixteen elements beside name, criteria and skills, with anything changed."""
    return {
        **measured(),
        "achievement_type": "MicroCredential",
        "language": "nl",
        "validity_days": 1825,
        "learning_outcomes": [
            {
                "text": {"nl": "Onderzoekt wat een bedrijf nodig heeft.", "en": "Finds out what a company needs."},
                "skills": [uri for uri, _ in skills[:2]],
                "level": "zelfstandig",
            },
            {"text": "Brengt een advies uit.", "skills": [skills[2][0]]},
            {"text": "Werkt samen."},
        ],
        "ects": 3.5,
        "sbu": 240,
        "hours": 97.5,
        "eqf_level": 5,
        "nlqf_level": "4+",
        "level_verified": True,
        "assessment_type": ["portfolio_assessment", "project_work"],
        "participation_type": ["blended", "volunteering"],
        "quality_assurance": {
            "name": "NVAO",
            "url": "https://nvao.example/AV-4223",
            "description": "Toets nieuwe opleiding",
            "code": "AV-4223",
        },
        "prerequisites": {"nl": "Niveau 4 afgerond."},
        "prerequisites_url": "https://school.example/toelating",
        "supervision": "onsite",
        "identity_checked": True,
        "stackability": "stackable",
        "part_of": ["https://school.example/opleidingen/hbo-1"],
        "creator": {"name": "Lectoraat Praktijk", "id": "https://lectoraat.example/id"},
        "tags": ["praktijk", "advies"],
        "field_of_study": "Bedrijfskunde",
        "specialization": "HRM",
        "human_code": "ALR-1",
        "isced_f": "0413",
        "programmes": ["34601", "25168"],
        "teaching_languages": ["nl", "en"],
        "recheck_months": 36,
        "other_identifiers": [{"identifier": "ALR-2026", "identifier_type": "ext:Course"}],
        "related": [{"id": "https://school.example/en", "language": "en", "version": "1"}],
        **changes,
    }


SAID: Final = {
    "birth_date": "2001-02-03",
    "results": RESULTS,
    "grade": "8.5",
    "narrative": "Deed drie opdrachten voor bedrijven.",
    "activity_start_date": "2026-02-01",
    "activity_end_date": "2026-05-28T12:00:00Z",
    "credits_earned": 3,
    "license_number": "A-9320041",
    "role": "Adviseur",
    "term": "Voorjaar 2026",
    "source": {"name": "Examenbureau", "url": "https://examen.example"},
    "on_behalf_of": {"name": "Stichting Scholen", "id": "https://stichting.example/id"},
    "evidence": [
        {
            "name": "Portfolio",
            "url": "https://portfolio.example/1",
            "description": "Drie opdrachten",
            "digest": "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            "narrative": "Geschreven in het voorjaar.",
            "genre": "Rapport",
            "audience": "Bedrijven",
        }
    ],
}
