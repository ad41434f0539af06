"""Lists with results: read by their headings, refused by line and column, and in bulk in everybody's own file. B-07."""

import asyncio
import json
from typing import Any

import pytest

from issuer import bulk_awards
from issuer.bulk_awards import BadLinesError, BulkRequest, find_achievement, read_people, read_usable_people
from issuer.errors import ConflictError, InputError
from issuer.list_columns import SAME_COLUMN
from issuer.recipients import TOO_MANY_IN_BULK, parse_recipients
from issuer.results import IMPOSSIBLE_VALUE, UNKNOWN_LEVEL, UNKNOWN_SKILL
from kernel.open_badges import badge_view
from tests.issuer.conftest import ORG, PUBLIC_URL, SKILLS, SLUG, Issuer
from tests.issuer.test_bulk_awards import FORMS, SECURINGS, run
from tests.issuer.test_results import describe, reached
from tests.issuer.test_securings import believe
from tests.support.measured import TEST

HEADINGS = "Voornaam;Achternaam;E-mail;Presentatie;Resultaat: verslag;Kennistoets;Stage;Eindcijfer;Toelichting;Klaar op"
SANNE = "Sanne;de Vries;sanne@student.example;goed;B;82,5;gehaald;8,5;Deed drie opdrachten.;28-5-2026"
JORIS = "Joris;Bakker;joris@student.example;2;A;100;niet gehaald;6;;"
NOOR = "Noor;Jansen;noor@student.example;;;;;;;"


def lines(*people: str) -> str:
    return "\n".join((HEADINGS, *people))


async def read(issuer: Issuer, text: str) -> Any:
    row = await asyncio.to_thread(find_achievement, issuer.settings, ORG, SLUG)
    return parse_recipients(text, row)


async def test_B07_a_teacher_writes_levels_values_and_states_in_words(issuer: Issuer) -> None:
    await describe(issuer)
    found = await read(issuer, lines(SANNE, JORIS, NOOR))
    assert not found.bad
    sanne, joris, noor = (line.recipient for line in found.good)
    assert [one.model_dump(exclude_defaults=True) for one in sanne.results] == [
        {"result_description": "presentatie", "achieved_level": "goed"},
        {"result_description": "verslag", "value": "B"},
        {"result_description": "toets", "value": "82.5"},
        {"result_description": "stage", "status": "Completed"},
    ]
    assert (sanne.grade, sanne.narrative) == ("8.5", "Deed drie opdrachten.")
    assert sanne.activity_end_date is not None
    assert sanne.activity_end_date.isoformat() == "2026-05-28T00:00:00+00:00"
    assert [(one.achieved_level, one.status) for one in joris.results if not one.value] == [
        ("voldoende", None),
        (None, "Failed"),
    ]
    assert (noor.results, noor.grade) == ([], None)


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("Joris;Bakker;joris@student.example;top;B", "Presentatie", UNKNOWN_LEVEL),
        ("Joris;Bakker;joris@student.example;Zeer Goed;B", "Presentatie", UNKNOWN_LEVEL),
        ("Joris;Bakker;joris@student.example;;E", "Resultaat: verslag", IMPOSSIBLE_VALUE),
        ("Joris;Bakker;joris@student.example;;B;101", "Kennistoets", IMPOSSIBLE_VALUE),
        ("Joris;Bakker;joris@student.example;;B;1;misschien", "Stage", "Deze stand kennen we niet."),
        ("Joris;Bakker;joris@student.example;;;;;11", "", IMPOSSIBLE_VALUE),
        ("Joris;Bakker;joris@student.example;;;;;;;gisteren", "", "Dit is geen dag."),
        ("Joris;Bakker;joris@student.example;;;;;;;31-2-2026", "", "Dit is geen dag."),
    ],
)
async def test_B07_a_wrong_result_is_named_by_its_line_and_column_and_the_others_go_on(
    issuer: Issuer, line: str, column: str, reason: str
) -> None:
    await describe(issuer)
    found = await read(issuer, lines(SANNE, line, NOOR))
    assert [one.number for one in found.good] == [2, 4]
    [bad] = found.bad
    assert (bad.number, bad.column) == (3, column)
    assert bad.reason.startswith(reason)


async def test_B07_a_column_for_a_result_that_the_badge_lacks_is_refused_and_an_unused_one_is_told(
    issuer: Issuer,
) -> None:
    await describe(issuer)
    with pytest.raises(InputError) as refused:
        await read(issuer, "email,given_name,family_name,resultaat: presentaie\na@b.example,A,B,goed")
    assert list(refused.value.fields) == ["people"]
    found = await read(issuer, "email,given_name,family_name,presentaie\na@b.example,A,B,goed")
    assert (found.unused, len(found.good)) == (["presentaie"], 1)


@pytest.mark.parametrize("securing", SECURINGS)
async def test_B07_E21_results_in_bulk_are_in_the_file_of_whom_they_are_of(issuer: Issuer, securing: str) -> None:
    await describe(issuer)
    row = await asyncio.to_thread(find_achievement, issuer.settings, ORG, SLUG)
    people = read_people(lines(SANNE, NOOR, JORIS, SANNE.replace("sanne@", "sanne2@")), row)
    links = await run(issuer, BulkRequest(ORG, SLUG, securing, people))
    shown = []
    for one in links:
        file = await issuer.client.get(f"{one.link.removeprefix(PUBLIC_URL)}/{FORMS[securing][-1]}")
        credential = await believe(issuer, file.text)
        shown.append(badge_view(credential.claims, credential.format))
    sanne, noor, joris, other = shown
    assert {name: value[:3] for name, value in reached(sanne.results).items()} == {
        "Eindcijfer": ("8.5", None, None),
        "Presentatie": (None, "Goed", None),
        "Adviesrapport": ("B", None, None),
        "Kennistoets": ("82.5", None, None),
        "Stage": (None, None, "Completed"),
    }
    assert (sanne.narrative, sanne.activity_ended_at is not None) == ("Deed drie opdrachten.", True)
    assert (noor.results, noor.narrative) == ((), None)
    assert reached(joris.results)["Presentatie"][1] == "Voldoende"
    assert (other.results, other.narrative) == (sanne.results, sanne.narrative)
    [award] = [
        one
        for one in (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"]
        if one["person"]["email"] == "joris@student.example"
    ]
    assert award["claims"]["result"][0]["value"] == "6"


async def test_B07_a_file_in_bulk_with_results_is_what_one_made_alone_is(issuer: Issuer) -> None:
    await describe(issuer)
    row = await asyncio.to_thread(find_achievement, issuer.settings, ORG, SLUG)
    found = parse_recipients(lines(SANNE), row)
    [one] = await run(issuer, BulkRequest(ORG, SLUG, "eddsa-rdfc-2022", read_people(lines(SANNE), row)))
    bulk = (await issuer.client.get(f"{one.link.removeprefix(PUBLIC_URL)}/json")).json()
    award = await issuer.award(recipients=[found.good[0].recipient.model_dump(mode="json", exclude_none=True)])
    await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/file")
    alone = (await issuer.api("GET", f"/organisations/{ORG}/awards/{award['id']}/file/json")).json()
    for badge in (bulk, alone):
        for name in ("id", "proof", "credentialStatus"):
            del badge[name]
        [identity] = badge["credentialSubject"]["identifier"]
        del identity["identityHash"], identity["salt"]
    assert bulk == alone


async def test_I77_wrong_lines_stop_a_run_in_bulk_unless_the_others_are_asked_for(issuer: Issuer) -> None:
    await describe(issuer)
    row = await asyncio.to_thread(find_achievement, issuer.settings, ORG, SLUG)
    text = lines(SANNE, "Joris;Bakker;joris@student.example;top", NOOR)
    with pytest.raises(BadLinesError) as refused:
        read_people(text, row)
    assert [(line.number, line.column) for line in refused.value.lines] == [(3, "Presentatie")]
    usable = read_usable_people(text, row)
    assert [person.email for person in usable.people] == ["sanne@student.example", "noor@student.example"]
    assert usable.bad == refused.value.lines
    assert len(await run(issuer, BulkRequest(ORG, SLUG, "sd-jwt", usable.people))) == 2


async def test_B07_a_list_read_over_another_version_awards_nobody(issuer: Issuer) -> None:
    await describe(issuer)
    row = await asyncio.to_thread(find_achievement, issuer.settings, ORG, SLUG)
    people = read_people(lines(SANNE), row)
    await describe(issuer, result_descriptions=[TEST])
    with pytest.raises(ConflictError):
        await run(issuer, BulkRequest(ORG, SLUG, "eddsa-rdfc-2022", people))
    assert (await issuer.api("GET", f"/organisations/{ORG}/awards")).json() == {"awards": []}


@pytest.mark.parametrize("heading", ["Skills: Kennistoets", "skill: toets"])
async def test_B07_a_list_says_which_skills_of_the_badge_somebody_showed_by_a_result(
    issuer: Issuer, heading: str
) -> None:
    await describe(issuer)
    (first, name), (second, _) = SKILLS[:2]
    people = (
        f"Voornaam\tAchternaam\tE-mail\t{heading}\tKennistoets",
        f"Sanne\tde Vries\tsanne@student.example\t{name.upper()} | {second}; {second}\t82,5",
        "Joris\tBakker\tjoris@student.example\t\t60",
        "Noor\tJansen\tnoor@student.example\tLassen\t60",
        "Els\tde Wit\tels@student.example\thttps://x.example/lassen\t60",
        f"Bo\tPost\tbo@student.example\t{name}\t",
    )
    found = await read(issuer, "\n".join(people))
    sanne, joris = (line.recipient for line in found.good)
    assert [one.model_dump(exclude_defaults=True) for one in sanne.results] == [
        {"result_description": "toets", "skills": [first, second], "value": "82.5"}
    ]
    assert joris.results[0].skills == []
    assert [(line.number, line.column, line.reason) for line in found.bad] == [
        (4, heading, UNKNOWN_SKILL),
        (5, heading, UNKNOWN_SKILL),
        (6, heading, "Geef een waarde, een niveau of een stand."),
    ]


@pytest.mark.parametrize("securing", SECURINGS)
async def test_B07_S09_a_run_in_bulk_carries_the_skills_of_a_result_in_each_securing(
    issuer: Issuer, securing: str
) -> None:
    await describe(issuer)
    people = (
        "Voornaam;Achternaam;E-mail;Kennistoets;Skills: Kennistoets",
        f"Sanne;de Vries;sanne@student.example;82,5;{SKILLS[1][0]}",
        "Joris;Bakker;joris@student.example;60;",
    )
    row = await asyncio.to_thread(find_achievement, issuer.settings, ORG, SLUG)
    request = BulkRequest(ORG, SLUG, securing, read_people("\n".join(people), row))
    links = await run(issuer, request)
    shown = []
    for link in links:
        raw = (await issuer.client.get(f"{link.link.removeprefix(PUBLIC_URL)}/{FORMS[securing][-1]}")).text
        credential = await believe(issuer, raw)
        [result] = badge_view(credential.claims, credential.format).results
        shown.append([skill.uri for skill in result.skills])
    assert shown == [[SKILLS[1][0]], []]


OTHERS = (
    "Voornaam;Achternaam;E-mail;Geboortedatum;Uitgereikt namens;Webadres uitgereikt namens;Source;source_url;Klas",
    "Sanne;de Vries;sanne@student.example;3-2-2001;Stichting Scholen;https://stichting.example;Bureau;"
    "https://examen.example;3B",
    "Joris;Bakker;joris@student.example;;;;;;",
)


async def test_B03_I77_a_list_names_for_whom_a_badge_is_and_who_assessed_it_and_bulk_carries_both(
    issuer: Issuer,
) -> None:
    row = await asyncio.to_thread(find_achievement, issuer.settings, ORG, SLUG)
    usable = read_usable_people("\n".join(OTHERS), row)
    assert (usable.bad, usable.unused) == ([], ["Klas"])
    links = await run(issuer, BulkRequest(ORG, SLUG, "eddsa-rdfc-2022", usable.people))
    sanne, joris = [(await issuer.client.get(f"{link.link.removeprefix(PUBLIC_URL)}/json")).json() for link in links]
    assert sanne["issuer"]["parentOrg"]["name"] == "Stichting Scholen"
    assert sanne["credentialSubject"]["source"]["url"] == "https://examen.example"
    assert "parentOrg" not in joris["issuer"]
    assert "source" not in joris["credentialSubject"]
    # No file says who somebody is; the award does, as one made alone.
    assert "2001" not in json.dumps(sanne["credentialSubject"])
    awards = (await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"]
    people = {award["person"]["email"]: award["person"].get("birthdate") for award in awards}
    assert people == {"sanne@student.example": "2001-02-03", "joris@student.example": None}
    again = await run(issuer, BulkRequest(ORG, SLUG, "eddsa-rdfc-2022", usable.people))
    assert [link.link for link in again] == [link.link for link in links]
    other = [person._replace(birth_date="2001-02-04") for person in usable.people]
    assert await run(issuer, BulkRequest(ORG, SLUG, "eddsa-rdfc-2022", other)) != links


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Sanne;de Vries;s@x.example;;Stichting", "Geef van deze organisatie"),
        ("Sanne;de Vries;s@x.example;;;https://stichting.example", "Geef van deze organisatie"),
        ("Sanne;de Vries;s@x.example;;;;Bureau;geen adres", "Geef van deze organisatie"),
        ("Sanne;de Vries;s@x.example;31-2-2001", "Dit is geen dag."),
        ("Sanne;de Vries;s@x.example;;;;;;3B;nog iets", "Deze regel heeft meer kolommen"),
    ],
)
async def test_B03_a_line_of_which_something_would_be_left_out_is_refused_with_why(
    issuer: Issuer, line: str, reason: str
) -> None:
    found = await read(issuer, "\n".join((OTHERS[0], line, OTHERS[2])))
    assert [one.recipient.given_name for one in found.good] == ["Joris"]
    assert found.bad[0].number == 2
    assert found.bad[0].reason.startswith(reason)


async def test_B03_a_line_without_headings_has_no_more_than_four_columns(issuer: Issuer) -> None:
    found = await read(issuer, "Sanne;de Vries;s@x.example;1234;\nJoris;Bakker;j@x.example;1235;3B")
    assert [line.number for line in found.good] == [1]
    assert found.bad[0].reason.startswith("Deze regel heeft meer kolommen")


async def test_B03_two_columns_that_say_the_same_are_refused(issuer: Issuer) -> None:
    with pytest.raises(InputError) as refused:
        await read(issuer, "Voornaam;Achternaam;E-mail;email\nSanne;de Vries;s@x.example;anders@x.example")
    assert refused.value.fields == {"people": SAME_COLUMN}


def test_I77_too_many_lines_are_told_by_the_limit_that_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError) as refused:
        parse_recipients("x\n" * 1001)
    assert "1000" in refused.value.fields["people"]
    monkeypatch.setattr(bulk_awards, "_MAX_PEOPLE", 3)
    with pytest.raises(InputError) as refused:
        read_people("x\n" * 4)
    assert refused.value.fields == {"people": TOO_MANY_IN_BULK}
    assert "1000" not in TOO_MANY_IN_BULK
