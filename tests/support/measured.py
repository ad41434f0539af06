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


def measured(**changes: Any) -> dict[str, Any]:
    """What a description says of results, with anything changed."""
    return {"result_descriptions": [PRESENTATION, REPORT, TEST, PLACEMENT], "grading_scheme": GRADES, **changes}
