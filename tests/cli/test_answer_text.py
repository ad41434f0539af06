"""`skillswallet verifier ask`: an answer told requirement by requirement, in words. T-01, V-41."""

import copy
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from cli.answer_text import answer_lines
from cli.language import choose_language
from cli.verifier_commands import all_checks
from kernel.report import CHECK_CODES
from tests.support.badges import SKILLS
from tests.verifier.conftest import SKILL_URIS, FewSkills, Stage, any_stage, make_stage, stage

__all__ = ["any_stage", "make_stage", "stage"]


@pytest.fixture(autouse=True)
def in_dutch() -> Iterator[None]:
    choose_language("nl")
    yield
    choose_language("en")


def told(result: dict[str, Any]) -> str:
    """As it is printed, on a terminal without colours."""
    printed = StringIO()
    console = Console(file=printed, width=200, highlight=False, emoji=False)
    for line in answer_lines(result["report"], result["shown"]):
        console.print(line)
    return printed.getvalue()


async def test_T01_each_requirement_is_told_with_the_badge_that_proves_it(stage: Stage) -> None:
    _, result = await stage.ask_and_answer(stage.holding())
    said = told(result)
    assert said.startswith("Voldoet aan 2 van de 2 eisen\n")
    for requirement in result["report"]["requirements"]:
        assert f"✓ {requirement['names']['nl']}: bewezen\n" in said
    assert said.count("Adviseur Lerende Regio Maas en Waal, van Stichting Stimulering Techniek") == 2
    assert said.count("✓ Leesbaar · Sleutel van de uitgever gevonden · Echt en niet gewijzigd") == 2
    # Words alone: no code of a check is for people.
    assert not [code for code in CHECK_CODES if "_" in code and code in said]


async def test_one_requirement_that_is_met_is_told_beside_one_that_is_not(stage: Stage) -> None:
    """Nothing was shared for the second, and that is no failure of the first."""
    body = {"skills": [{"uri": SKILL_URIS[0]}, {"uri": "http://data.europa.eu/esco/skill/other", "required": False}]}
    _, result = await stage.ask_and_answer(stage.holding(), **body)
    said = told(result)
    assert ": bewezen\n" in said
    assert "(mag, hoeft niet): hier is niets voor gedeeld" in said


async def test_S05_an_answer_by_the_same_skill_of_another_list_is_told_as_that(stage: Stage) -> None:
    wanted = [{"uri": FewSkills.EXACT, "name": "Onderzoek"}, {"uri": SKILL_URIS[0]}]
    _, result = await stage.ask_and_answer(stage.holding(), skills=wanted)
    said = told(result)
    assert said.count("Dat is dezelfde skill in een andere lijst.") == 1
    assert f"Getoond: {SKILLS[SKILL_URIS[1]]}." in said


async def test_T01_an_issuer_that_is_on_no_list_is_told_as_that(stage: Stage) -> None:
    stage.write_trust_list(sequence=2)
    _, result = await stage.ask_and_answer(stage.holding())
    said = told(result)
    assert said.count("echt, maar de uitgever is niet erkend") == 2
    assert "✗ Uitgever erkend: " in said
    assert ": bewezen" not in said


async def test_T06_what_could_not_be_checked_is_no_yes(stage: Stage) -> None:
    stage.trust_file.unlink()
    _, result = await stage.ask_and_answer(stage.holding())
    said = told(result)
    assert said.count("kon niet worden nagekeken\n") >= 2
    assert "? Uitgever erkend: " in said


async def test_what_went_wrong_with_the_whole_answer_is_told_once(stage: Stage) -> None:
    _, result = await stage.ask_and_answer(stage.holding())
    broken = copy.deepcopy(result)
    [check] = [check for check in broken["report"]["checks"] if check["code"] == "query"]
    check |= {"outcome": "failed", "text": {"nl": "Het past niet.", "en": "It does not fit."}}
    broken["report"]["accepted"] = False
    said = told(broken)
    assert "Van het hele antwoord:\n  ✗ Past bij uw vraag: Het past niet.\n" in said
    for each in all_checks(broken["report"]):
        if each["code"] == "query":
            each |= {"outcome": "failed", "text": {"nl": "Het past niet.", "en": "It does not fit."}}
    assert "Van het hele antwoord" not in told(broken)


async def test_A41_names_of_strangers_are_printed_as_they_stand(stage: Stage) -> None:
    _, result = await stage.ask_and_answer(stage.holding())
    for badge in result["shown"].values():
        badge["name"] = "[bold]x[/] \x1b[2J\nJa"
    said = told(result)
    assert "[bold]x[/] [2J Ja, van" in said
    assert "\x1b" not in said


async def test_an_answer_whose_claims_were_erased_is_told_without_them(stage: Stage) -> None:
    _, result = await stage.ask_and_answer(stage.holding())
    said = told({**result, "shown": None})
    assert said.count(": bewezen\n") == 2
    assert "Adviseur" not in said
