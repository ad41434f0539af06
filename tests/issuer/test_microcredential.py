"""The sixteen elements of a microcredential, by the API into each format and back, field by field. E-20 to E-22."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from kernel.elm import read_elm_credential
from kernel.formats import from_wire
from kernel.formats.credential import DC_SD_JWT, VerifiedCredential
from kernel.microcredential import (
    ELEMENTS,
    AwardingBody,
    Dates,
    EvidenceItem,
    FurtherInformation,
    Grade,
    GradingScheme,
    Learner,
    LearningOutcome,
    Level,
    Microcredential,
    Organisation,
    Prerequisites,
    QualityAssurance,
    Skill,
    Stackability,
    Supervision,
    Title,
    Translation,
    Workload,
    missing_elements,
    read_microcredential_badge,
    read_microcredential_claims,
)
from kernel.open_badges import badge_view
from tests.conftest import NewDatabase
from tests.issuer.conftest import CONFIGURATIONS, IDENTIFIER, ORG, PUBLIC_URL, SKILLS, Issuer, create_issuer, recipient
from tests.issuer.test_results import REACHED, reached
from tests.issuer.test_securings import believe
from tests.support.clock import FixedClock
from tests.support.measured import SAID, microcredential

SCHOOL, SLUG = "hogeschool", "advies-in-de-regio"
URI = f"{PUBLIC_URL}/{SCHOOL}/achievements/{SLUG}"
DID = f"did:web:issuer.example:{SCHOOL}"


# Of another list than ESCO and CompetentNL; no outcome names it.
SOLVING = {
    "uri": "https://www.onetonline.org/link/result/2.B.2.i",
    "name": "Complexe problemen oplossen",
    "framework": "ONET",
}


def skill(number: int) -> Skill:
    uri, name = SKILLS[number]
    return Skill(uri, name, "ESCO")


WHOLE = Microcredential(
    id="",
    achievement_id=URI,
    learner=Learner(given_name="Sanne", family_name="de Vries", birth_date=date(2001, 2, 3)),
    title=Title("Adviseur Lerende Regio", (Translation("en", "Learning Region Adviser"),)),
    country="BE",
    awarding_body=AwardingBody(
        Organisation("Hogeschool Voorbeeld", DID, "https://hogeschool.example"),
        Organisation("Lectoraat Praktijk", "https://lectoraat.example/id"),
        Organisation("Stichting Scholen", "https://stichting.example/id"),
    ),
    learning_outcomes=(
        LearningOutcome("Onderzoekt wat een bedrijf nodig heeft.", (skill(0), skill(1)), "zelfstandig"),
        LearningOutcome("Brengt een advies uit.", (skill(2),)),
        LearningOutcome("Werkt samen."),
        LearningOutcome(SKILLS[3][1], (skill(3),)),
        LearningOutcome(SOLVING["name"], (Skill(SOLVING["uri"], SOLVING["name"], SOLVING["framework"]),)),
    ),
    workload=Workload(ects=3.5, sbu=240, hours=97.5, ects_earned=3),
    level=Level(5, "4+", is_verified=True),
    assessment=("portfolio_assessment", "project_work"),
    participation=("blended", "volunteering"),
    quality_assurance=QualityAssurance("NVAO", "https://nvao.example/AV-4223", "Toets nieuwe opleiding", "AV-4223"),
    prerequisites=Prerequisites("Niveau 4 afgerond.", "https://school.example/toelating"),
    supervision=Supervision(is_supervised=True, place="onsite", identity_checked=True),
    grade=Grade("8.5", GradingScheme("Eindcijfer", "1", "10", "5.5", "https://school.example/cijfers")),
    stackability=Stackability("stackable", ("https://school.example/opleidingen/hbo-1",)),
    further_information=FurtherInformation(
        language="nl",
        description="Deed onderzoek en adviseerde bedrijven.",
        criteria="Een adviesrapport en een gesprek.\n\nWijze van beoordelen: Beoordeeld door twee mensen.\n\n"
        "Manier van meedoen: deels online, als vrijwilliger",
        criteria_url=f"{URI}#criteria",
        programmes=("34601", "25168"),
        brin="99XX",
        isced_f="0413",
        sector="Bedrijfskunde",
        tags=("praktijk", "advies"),
        teaching_languages=("nl", "en"),
        recheck_months=36,
        evidence=(
            EvidenceItem(
                "Portfolio",
                "https://portfolio.example/1",
                "Drie opdrachten",
                "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            ),
        ),
    ),
)


@pytest.fixture
async def school(issuer: Issuer) -> Issuer:
    """A school with a microcredential that says everything."""
    await issuer.add_organisation(
        SCHOOL,
        name="Hogeschool Voorbeeld",
        url="https://hogeschool.example",
        country="BE",
        registration_number="99XX",
    )
    skills = [*({"uri": uri, "name": name} for uri, name in SKILLS), SOLVING]
    response = await issuer.add_achievement(SCHOOL, slug=SLUG, **{**microcredential(SKILLS), "skills": skills})
    assert response.status_code == 201, response.text
    return issuer


async def award(school: Issuer) -> dict[str, Any]:
    path = f"/organisations/{SCHOOL}/achievements/{SLUG}/awards"
    response = await school.api("POST", path, json={"recipients": [recipient(**SAID)]})
    assert response.status_code == 201, response.text
    return dict(response.json()["awards"][0])


async def fetch(school: Issuer, given: dict[str, Any], suffix: str) -> VerifiedCredential:
    """The badge in one securing, as a wallet gets and believes it."""
    code = await school.code(given)
    token = (await school.post_token(code, given["offer"]["tx_code"], org=SCHOOL)).json()["access_token"]
    proof = await school.proof(audience=f"{PUBLIC_URL}/{SCHOOL}", nonce=await school.nonce(SCHOOL))
    body = {"credential_configuration_id": f"{SLUG}.{suffix}", "proofs": {"jwt": [proof]}}
    response = await school.post_credential(token, body, org=SCHOOL)
    assert response.status_code == 200, response.text
    return await believe(school, from_wire(response.json()["credentials"][0]["credential"]))


def read(credential: VerifiedCredential) -> Microcredential:
    if credential.format == DC_SD_JWT:
        return read_microcredential_claims(credential.claims)
    return read_microcredential_badge(credential.claims)


def require_same(found: Microcredential, *, but: Mapping[str, Any] | None = None) -> None:
    """Compare the sixteen elements one by one; a picture and the moment of issuing are of each copy."""
    assert found.dates is not None
    assert missing_elements(found) == ()
    wanted = replace(WHOLE, **(but or {}))
    picture = found.further_information.image
    assert (picture or "").startswith("data:image/")
    wanted = replace(wanted, further_information=replace(wanted.further_information, image=picture))
    learner = replace(found.learner, id=None, identifiers=())
    assert {name: getattr(replace(found, learner=learner), name) for name in ELEMENTS if name != "dates"} == {
        name: getattr(wanted, name) for name in ELEMENTS if name != "dates"
    }


def test_E20_the_example_says_something_of_each_of_the_sixteen_elements_and_leaves_nothing_of_them_empty() -> None:
    assert missing_elements(replace(WHOLE, dates=Dates(datetime(2026, 1, 1, tzinfo=UTC)))) == ()
    for element in (WHOLE.workload, WHOLE.level, WHOLE.supervision, WHOLE.quality_assurance, WHOLE.stackability):
        assert all(getattr(element, field.name) for field in fields(element))  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [configuration.rpartition(".")[2] for configuration in CONFIGURATIONS])
async def test_E20_E21_E22_B03_B04_each_of_the_sixteen_elements_comes_back_from_each_securing(
    school: Issuer, suffix: str
) -> None:
    given = await award(school)
    credential = await fetch(school, given, suffix)
    found = read(credential)
    require_same(found)
    assert found.dates is not None
    assert found.dates.issued.date() == school.clock().date()
    assert found.dates.achieved is not None
    assert found.dates.achieved.date() == datetime.fromisoformat(given["awarded_at"]).date()
    assert found.dates.valid_until == datetime.fromisoformat(given["expires_at"])


@pytest.mark.parametrize("suffix", [configuration.rpartition(".")[2] for configuration in CONFIGURATIONS])
async def test_B03_B04_B07_what_open_badges_has_beside_the_sixteen_is_in_each_securing(
    school: Issuer, suffix: str
) -> None:
    credential = await fetch(school, await award(school), suffix)
    shown = badge_view(credential.claims, credential.format)
    assert reached(shown.results) == REACHED
    assert shown.narrative == "Deed drie opdrachten voor bedrijven."
    assert (shown.role, shown.term, shown.license_number) == ("Adviseur", "Voorjaar 2026", "A-9320041")
    assert shown.activity_started_at == datetime(2026, 2, 1, tzinfo=UTC)
    assert shown.activity_ended_at == datetime(2026, 5, 28, 12, tzinfo=UTC)
    assert (shown.credits_available, shown.credits_earned) == (3.5, 3)
    assert (shown.specialization, shown.human_code) == ("HRM", "ALR-1")
    assert [(one.identifier_type, one.identifier) for one in shown.identifiers] == [("ext:Course", "ALR-2026")]
    assert [(one.id, one.language, one.version) for one in shown.related] == [("https://school.example/en", "en", "1")]
    assert shown.source is not None
    assert (shown.source.name, shown.source.id) == ("Examenbureau", "https://examen.example")
    assert shown.issuer_profile is not None
    assert (shown.issuer_profile.name, shown.issuer_profile.parent_name) == (
        "Hogeschool Voorbeeld",
        "Stichting Scholen",
    )
    assert shown.creator is not None
    assert shown.creator.name == "Lectoraat Praktijk"
    assert (shown.evidence[0].narrative, shown.evidence[0].genre, shown.evidence[0].audience) == (
        "Geschreven in het voorjaar.",
        "Rapport",
        "Bedrijven",
    )


async def test_E20_E21_the_file_says_the_same_of_everything_but_the_name(school: Issuer) -> None:
    given = await award(school)
    path = f"/organisations/{SCHOOL}/awards/{given['id']}/file"
    assert (await school.api("POST", path)).status_code == 201
    for form in ("json", "jws"):
        found = read(await believe(school, (await school.api("GET", f"{path}/{form}")).text))
        assert [identifier.is_hashed for identifier in found.learner.identifiers] == [True]
        require_same(found, but={"learner": Learner()})


async def test_E11_E20_E21_the_elm_document_says_all_sixteen(school: Issuer) -> None:
    given = await award(school)
    response = await school.api("GET", f"/organisations/{SCHOOL}/awards/{given['id']}/elm")
    assert response.status_code == 200, response.text
    found = read_elm_credential(response.json())
    require_same(found)
    assert found.dates is not None
    assert found.dates.valid_until == datetime.fromisoformat(given["expires_at"])


async def test_E22_an_older_description_stays_valid_and_is_changed_under_its_etag(
    new_sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    """What was described before there were results has none, and gets them in its next version."""
    issuer = await create_issuer(new_sqlite_database("issuer"), clock)
    path = f"/organisations/{ORG}/achievements/adviseur-lerende-regio"
    first = await issuer.api("GET", path)
    assert first.json()["result_descriptions"] == first.json()["learning_outcomes"] == []
    names = ("name", "description", "criteria", "skills", "slug")
    kept = {name: first.json()[name] for name in names}
    changed = {**kept, **microcredential(SKILLS), "assessment": "Beoordeeld door twee mensen."}
    second = await issuer.api("PUT", path, json=changed, headers={"If-Match": first.headers["ETag"]})
    assert (second.status_code, second.json()["version"]) == (200, 2), second.text
    again = await issuer.api("PUT", path, json=changed, headers={"If-Match": first.headers["ETag"]})
    assert again.status_code == 412
    answered = {name: value for name, value in second.json().items() if name in changed and name != "grading_scheme"}
    assert answered["learning_outcomes"][2] == {"text": {"nl": "Werkt samen.", "en": None}, "skills": [], "level": None}
    assert answered["related"] == changed["related"]
    assert IDENTIFIER in second.json()["url"]
    await issuer.client.aclose()
    await issuer.app.state.service.close()


@pytest.mark.parametrize("framework", ["ONET", "Skillslijst", "EQF", "ECTS", "Prerequisites"])
async def test_S01_S03_the_only_skill_of_a_badge_is_told_whatever_list_it_is_from(
    issuer: Issuer, framework: str
) -> None:
    """Also where somebody calls the list as something that a badge states of itself."""
    only = {**SOLVING, "uri": "https://skills.example/1", "framework": framework}
    await issuer.add_organisation(SCHOOL, name="Hogeschool Voorbeeld", country="NL")
    response = await issuer.add_achievement(
        SCHOOL, slug=SLUG, **{**microcredential(SKILLS), "skills": [only], "learning_outcomes": []}
    )
    assert response.status_code == 201, response.text
    given = await award(issuer)
    document = (await issuer.api("GET", f"/organisations/{SCHOOL}/awards/{given['id']}/elm")).json()
    told = (LearningOutcome(only["name"], (Skill(only["uri"], only["name"], framework),)),)
    assert read_elm_credential(document).learning_outcomes == told
    credential = await fetch(issuer, given, "dc-sd-jwt")
    assert read(credential).learning_outcomes == told
    assert [(shown.uri, shown.name) for shown in badge_view(credential.claims, credential.format).skills] == [
        (only["uri"], only["name"])
    ]
