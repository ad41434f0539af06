"""What a badge says of the learning, in words of both languages. E-20, S-06."""

from dataclasses import replace

import pytest

from kernel.microcredential import (
    FurtherInformation,
    Level,
    Microcredential,
    QualityAssurance,
    Stackability,
    Supervision,
    Title,
    Translation,
)
from kernel.open_badges import Result, Skill
from runtime import isced_f
from runtime.badge_facts import LEARNING_ELEMENTS, create_facts
from runtime.web.language import written_number
from tests.support.microcredentials import EMPTY, FULL

DUTCH = {
    "Niveau": ("EQF 5", "NLQF 4+", "bevestigd door een ander dan de uitgever"),
    "Hoeveel werk het was": ("3,5 studiepunten (ECTS)", "240 uur studiebelasting (SBU)", "97,5 uur"),
    "Hoe het is beoordeeld": ("beoordeling van een portfolio", "verslag of werkstuk", "beoordeling op maat"),
    "Hoe iemand meedeed": ("deels online", "vrijwilligerswerk"),
    "Toezicht bij de beoordeling": ("met toezicht", "op locatie", "er is niet nagekeken wie meedeed"),
    "Wie op de kwaliteit let": ("NVAO (AV-4223)", "Toets nieuwe opleiding"),
    "Wat eerst nodig was": ("Niveau 4 afgerond.", "https://issuer.example/toelating"),
    "Op zichzelf of deel van meer": ("telt mee voor iets groters", "https://issuer.example/programmes/hbo-1"),
    "Taal van het onderwijs": ("Nederlands", "Engels"),
    "Vakgebied": ("Zorg", "Management en bestuur (ISCED-F 0413)"),
    "Hoort bij opleiding": ("34601", "25168"),
    "Opnieuw laten zien": ("na 36 maanden",),
    "Naam in andere talen": ("Solving problems in practice (Engels)",),
}
ENGLISH = {
    "Level": ("EQF 5", "NLQF 4+", "confirmed by somebody else than the issuer"),
    "How much work it was": ("3.5 credits (ECTS)", "240 hours of study load (SBU)", "97.5 hours"),
    "How it was assessed": ("assessment of a portfolio", "report or paper", "personalised assessment"),
    "How somebody took part": ("partly online", "volunteering"),
    "Supervision of the assessment": ("supervised", "on site", "it was not checked who took part"),
    "Who watches over the quality": ("NVAO (AV-4223)", "Toets nieuwe opleiding"),
    "What was needed first": ("Niveau 4 afgerond.", "https://issuer.example/toelating"),
    "On its own or part of more": ("counts towards something larger", "https://issuer.example/programmes/hbo-1"),
    "Language of teaching": ("Dutch", "English"),
    "Field of study": ("Zorg", "Management and administration (ISCED-F 0413)"),
    "Belongs to programme": ("34601", "25168"),
    "To be shown again": ("after 36 months",),
    "Name in other languages": ("Solving problems in practice (English)",),
}
JOINED, TAUGHT_IN = "Bedrijfskunde, bestuur en recht", "Taal van het onderwijs"


def said(content: Microcredential, language: str = "nl") -> dict[str, tuple[str, ...]]:
    return {fact.label: fact.lines for fact in create_facts(content, language, LEARNING_ELEMENTS)}


@pytest.mark.parametrize(("language", "expected"), [("nl", DUTCH), ("en", ENGLISH)])
def test_E20_each_element_is_said_in_words_of_the_language(language: str, expected: dict[str, tuple[str, ...]]) -> None:
    assert said(FULL, language) == expected


def test_E20_what_is_not_there_is_not_said() -> None:
    assert said(EMPTY) == {}
    assert {fact.element for fact in create_facts(EMPTY, "nl")} == set()


@pytest.mark.parametrize(
    ("changes", "label", "lines"),
    [
        ({"level": Level(is_verified=True)}, "Niveau", None),
        ({"supervision": Supervision(place="online")}, "Toezicht bij de beoordeling", ("online",)),
        ({"stackability": Stackability("standalone")}, "Op zichzelf of deel van meer", ("staat op zichzelf",)),
        ({"quality_assurance": QualityAssurance("NVAO")}, "Wie op de kwaliteit let", ("NVAO",)),
        ({"further_information": FurtherInformation(recheck_months=1)}, "Opnieuw laten zien", ("na 1 maand",)),
        ({"further_information": FurtherInformation(isced_f="0488")}, "Vakgebied", (f"{JOINED} (ISCED-F 0488)",)),
        ({"further_information": FurtherInformation(isced_f="9999")}, "Vakgebied", ("ISCED-F 9999",)),
        ({"further_information": FurtherInformation(teaching_languages=("EN", "zz"))}, TAUGHT_IN, ("Engels", "zz")),
        ({"title": Title("x", (Translation("fy", "Advys"),))}, "Naam in andere talen", ("Advys (Fries)",)),
    ],
)  # fmt: skip
def test_E20_S06_an_element_is_said_as_far_as_it_is_known(
    changes: dict[str, object], label: str, lines: tuple[str, ...] | None
) -> None:
    assert said(replace(EMPTY, **changes)).get(label) == lines  # type: ignore[arg-type]


def test_A41_what_a_stranger_wrote_there_commands_nothing_and_ends() -> None:
    quality = QualityAssurance("NVAO\x1b[31m", description="x" * 9999)
    [(_, (name, description))] = said(replace(EMPTY, quality_assurance=quality)).items()
    assert name == "NVAO[31m"
    assert len(description) < 2100
    programmes = FurtherInformation(programmes=tuple(str(number) for number in range(99)))
    [(_, lines)] = said(replace(EMPTY, further_information=programmes)).items()
    assert len(lines) == 20


@pytest.mark.parametrize(
    ("code", "dutch", "english"),
    [
        ("04", "Bedrijfskunde, bestuur en recht", "Business, administration and law"),
        ("042", "Recht", "Law"),
        ("0421", "Recht", "Law"),
        ("1014", "Sport", "Sports"),
        ("0919", "Gezondheidszorg", "Health"),
    ],
)
def test_E20_a_field_of_ISCED_F_is_told_by_its_name_or_that_of_the_field_above(
    code: str, dutch: str, english: str
) -> None:
    assert isced_f.find_field_name(code, "nl") == dutch
    assert isced_f.find_field_name(code, "en") == english


@pytest.mark.parametrize("code", ["", "4", "0", "11", "0413a", "04130", "٠٤١٣", "https://example.org/0413"])
def test_E20_what_is_no_code_of_ISCED_F_has_no_name(code: str) -> None:
    assert isced_f.find_field_name(code, "nl") is None


@pytest.mark.parametrize(
    ("result", "dutch", "english"),
    [
        (Result(None, "8", None, None, None), "Resultaat: 8", "Result: 8"),
        (Result("Toets", "82.5", None, None, None, lowest="0.5"), "Toets: 82,5", "Toets: 82.5"),
        (Result("Stage", None, None, "OnHold", None), "Stage: uitgesteld", "Stage: on hold"),
        (Result("Stage", None, None, "Elsewhere", None), "Stage: Elsewhere", "Stage: Elsewhere"),
        (
            Result(
                "Rubriek",
                "9",
                "Goed",
                "Completed",
                "Voldoende",
                skills=(Skill("u:1", "a", None), Skill("u:2", "b", None)),
            ),
            "Rubriek: Goed · 9 · gehaald (nodig: Voldoende, laat zien: a, b)",
            "Rubriek: Goed · 9 · passed (needed: Voldoende, shows: a, b)",
        ),
        (
            Result("Cijfer", "7.5", None, None, "5.5", lowest="1", highest="10"),
            "Cijfer: 7,5 (op een schaal van 1 tot 10, nodig: 5,5)",
            "Cijfer: 7.5 (on a scale from 1 to 10, needed: 5.5)",
        ),
    ],
)
def test_B07_a_result_is_said_in_one_line(result: Result, dutch: str, english: str) -> None:
    for language, line in (("nl", dutch), ("en", english)):
        facts = create_facts(FULL, language, results=[result])
        assert [fact.lines for fact in facts if fact.element in ("grade", "results")] == [(line,)]


def test_E21_without_results_the_grade_is_said_with_what_it_means() -> None:
    [grade] = create_facts(FULL, "nl", ["grade"])
    assert grade.lines == ("8,5", "Cijfer", "op een schaal van 1 tot 10", "nodig: 6")


@pytest.mark.parametrize(
    ("text", "dutch"),
    [("7.5", "7,5"), ("-0.25", "-0,25"), ("10", "10"), ("1.2.3", "1.2.3"), ("A.B", "A.B"), ("", ""), ("7.", "7.")],
)
def test_a_text_that_is_a_number_is_written_as_people_write_it(text: str, dutch: str) -> None:
    assert (written_number(text, "nl"), written_number(text, "en")) == (dutch, text)
