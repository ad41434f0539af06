"""Microcredentials for tests: one with every element, a strategy that makes any, and claims as others write them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from hypothesis import strategies as st

from kernel.microcredential import (
    AwardingBody,
    Dates,
    EvidenceItem,
    FurtherInformation,
    Grade,
    GradingScheme,
    Identifier,
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
    create_microcredential_achievement,
)
from kernel.microcredential.members import write_present
from kernel.microcredential.writing import (
    create_evidence_items,
    create_identity_objects,
    create_issuer_profile,
    create_results,
    write_moment,
)
from kernel.sd_jwt import ClaimsPath

PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg=="
HOLDER = (
    "did:jwk:eyJrdHkiOiJFQyIsImNydiI6IlAtMjU2IiwieCI6InFPQVhEUlVlM0xPR0EyV29zbm13d2ZMeWRJcXJlenl2Q2JVaEdCTERYOUkiLCJ5"
    "IjoiWUozWEtQZW52T293T25VeHZaaUgyb2NLUUQ2R182WFhHRmRUaVZ5dkxEUSJ9"
)
FULL = Microcredential(
    id="urn:uuid:7f0c2a1e-6d0b-4c1f-9a53-2f6f2d1b8e10",
    achievement_id="https://issuer.example/hogeschool/achievements/po-1",
    learner=Learner(
        id=HOLDER,
        identifiers=(
            Identifier(
                "emailAddress", "sha256$b5809d8a92f8858436d7e6b87c12ebc0ae1eac4baecc2c0b913aee2c922ef399", "Kosher"
            ),
            Identifier("studentId", "1234567"),
        ),
        given_name="Sanne",
        family_name="de Vries",
        birth_date=date(2001, 2, 3),
    ),
    title=Title("Problemen oplossen in de praktijk", (Translation("en", "Solving problems in practice"),)),
    country="NL",
    awarding_body=AwardingBody(
        issuer=Organisation(
            "Hogeschool Voorbeeld", "did:web:issuer.example:hogeschool", "https://www.hogeschool.example"
        ),
        creator=Organisation("Lectoraat Praktijk", "https://lectoraat.example/id"),
        on_behalf_of=Organisation("Stichting Scholen", None, "https://stichting.example"),
    ),
    dates=Dates(
        issued=datetime(2026, 11, 21, 12, tzinfo=UTC),
        achieved=datetime(2026, 11, 20, tzinfo=UTC),
        valid_until=datetime(2031, 11, 21, 12, tzinfo=UTC),
    ),
    learning_outcomes=(
        LearningOutcome(
            "De deelnemer lost een open probleem methodisch op.",
            (
                Skill(
                    "https://linkeddata.competentnl.nl/id/humancapability/53E033E58A",
                    "Problemen oplossen",
                    "CompetentNL",
                ),
                Skill(
                    "http://data.europa.eu/esco/skill/03b9b491-fc9b-4868-914a-bf7cd47b5041",
                    "oplossingen creëren",
                    "ESCO",
                ),
            ),
            "zelfstandig",
        ),
        LearningOutcome("De deelnemer overlegt.", (Skill("https://skills.example/1", "overleggen", "ECTS"),)),
        LearningOutcome("De deelnemer werkt samen."),
    ),
    workload=Workload(ects=3.5, sbu=240, hours=97.5, ects_earned=3),
    level=Level(eqf=5, nlqf="4+", is_verified=True),
    assessment=("portfolio_assessment", "report_paper", "personalized_assessment"),
    participation=("blended", "volunteering"),
    quality_assurance=QualityAssurance("NVAO", "https://nvao.example/AV-4223", "Toets nieuwe opleiding", "AV-4223"),
    prerequisites=Prerequisites("Niveau 4 afgerond.", "https://issuer.example/toelating"),
    supervision=Supervision(is_supervised=True, place="onsite", identity_checked=False),
    grade=Grade("8.5", GradingScheme("Cijfer", "1", "10", "6", "https://issuer.example/cijfers")),
    stackability=Stackability("stackable", ("https://issuer.example/programmes/hbo-1",)),
    further_information=FurtherInformation(
        language="nl",
        description="Open praktijkproblemen oplossen.",
        criteria="Portfolio en gesprek.",
        criteria_url="https://issuer.example/criteria",
        image=PICTURE,
        programmes=("34601", "25168"),
        brin="99XX",
        isced_f="0413",
        sector="Zorg",
        tags=("praktijk", "probleem"),
        teaching_languages=("nl", "en"),
        recheck_months=36,
        evidence=(
            EvidenceItem(
                "Portfolio",
                "https://portfolio.example/1",
                "Drie opdrachten",
                "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            ),
            EvidenceItem("Verslag"),
        ),
    ),
)
EMPTY = Microcredential(id=FULL.id, achievement_id=FULL.achievement_id)

_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
_urls = st.integers(0, 99).map(lambda number: f"https://example.org/{number}")
_languages = st.sampled_from(["nl", "en", "en-GB", "de", "fy", "tlh"])
_codes = st.lists(
    st.sampled_from(["online", "onsite", "quiz", "report_paper", "volunteering", "anders"]), max_size=3
).map(tuple)
_moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(
    lambda each: each.replace(microsecond=0, tzinfo=UTC)
)
_quarters = st.none() | st.integers(0, 400).map(lambda quarters: quarters / 4)


def _optional(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.none() | strategy


def _several(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


_organisations = st.builds(Organisation, _texts, _optional(_urls), _optional(_urls))
# A URI is one concept: it has one name and one framework.
_skills = st.integers(0, 5).map(
    lambda number: Skill(
        ("http://data.europa.eu/esco/skill/", "https://skills.example/")[number % 2] + str(number),
        f"skill {number}",
        ("ESCO", None, "vrij en blij")[number % 3],
    )
)
_outcomes = st.builds(LearningOutcome, _texts, st.lists(_skills, max_size=3, unique=True).map(tuple), _optional(_texts))
_further = st.builds(
    FurtherInformation,
    language=_languages,
    description=_optional(_texts),
    criteria=_optional(_texts),
    criteria_url=_optional(_urls),
    image=_optional(_urls | st.sampled_from([PICTURE, "data:image/webp;base64,UklGRg=="])),
    programmes=_several(_texts),
    brin=_optional(_texts),
    isced_f=_optional(st.sampled_from(["0413", "003"])),
    sector=_optional(_texts),
    tags=_several(_texts),
    teaching_languages=_several(_languages),
    recheck_months=_optional(st.integers(1, 120)),
    evidence=_several(st.builds(EvidenceItem, _texts, _optional(_urls), _optional(_texts), _optional(_texts))),
)
MICROCREDENTIALS = st.builds(
    Microcredential,
    id=st.just(FULL.id),
    achievement_id=st.sampled_from([FULL.achievement_id, "urn:uuid:1#2"]),
    learner=st.builds(
        Learner,
        _optional(_urls),
        _several(st.builds(Identifier, _texts, _texts, _optional(_texts))),
        _optional(_texts),
        _optional(_texts),
        _optional(st.dates(date(1900, 1, 1), date(2100, 1, 1))),
    ),
    title=_optional(st.builds(Title, _texts, _several(st.builds(Translation, _languages, _texts)))),
    country=_optional(st.sampled_from(["NL", "BE", "SR"])),
    awarding_body=_optional(
        st.builds(AwardingBody, _organisations, _optional(_organisations), _optional(_organisations))
    ),
    dates=_optional(st.builds(Dates, _moments, _optional(_moments), _optional(_moments))),
    learning_outcomes=_several(_outcomes),
    workload=st.builds(Workload, _quarters, _optional(st.integers(0, 9999)), _quarters, _quarters),
    level=st.builds(
        Level, _optional(st.integers(1, 8)), _optional(st.sampled_from(["Instroom", "4+", "8", "x"])), st.booleans()
    ),
    assessment=_codes,
    participation=_codes,
    quality_assurance=_optional(
        st.builds(QualityAssurance, _texts, _optional(_urls), _optional(_texts), _optional(_texts))
    ),
    prerequisites=st.builds(Prerequisites, _optional(_texts), _optional(_urls)),
    supervision=st.builds(
        Supervision,
        _optional(st.booleans()),
        _optional(st.sampled_from(["onsite", "online"])),
        _optional(st.booleans()),
    ),
    grade=_optional(
        st.builds(
            Grade,
            _texts,
            _optional(st.builds(GradingScheme, _texts, *[_optional(_texts)] * 3, _optional(_urls))),
        )
    ),
    stackability=st.builds(Stackability, _optional(st.sampled_from(["standalone", "stackable"])), _several(_urls)),
    further_information=_further,
)

# The claims of another issuer

# About the person, and what only some verifiers need to see.
_HIDDEN: Final = (
    *("id", "sub", "learner_identification", "given_name", "family_name", "birthdate"),
    *("evidence", "result"),
)


def claims_of_another_issuer(microcredential: Microcredential) -> tuple[dict[str, Any], list[ClaimsPath]]:
    """A microcredential with the claims in the table of E-20, which our issuer does not write (decision 0083)."""
    learner, dates, quality = microcredential.learner, microcredential.dates, microcredential.quality_assurance
    body = microcredential.awarding_body
    without_own_claims = replace(microcredential, assessment=(), participation=(), quality_assurance=None)
    achievement = create_microcredential_achievement(without_own_claims)
    claims = write_present(
        {
            "id": microcredential.id,
            "sub": learner.id,
            "learner_identification": create_identity_objects(learner),
            "given_name": learner.given_name,
            "family_name": learner.family_name,
            "birthdate": learner.birth_date and learner.birth_date.isoformat(),
            "issuing_country": microcredential.country,
            "issuing_authority": body and body.issuer.name,
            "awarding_body": create_issuer_profile(microcredential),
            "date_of_issuance": dates and write_moment(dates.issued),
            "awarded_at": dates and write_moment(dates.achieved),
            "date_of_expiry": dates and write_moment(dates.valid_until),
            "achievement": achievement,
            "credits_earned": microcredential.workload.ects_earned,
            "assessment_type": list(microcredential.assessment),
            "participation_type": list(microcredential.participation),
            "quality_assurance": quality and _write_quality(quality),
            "result": create_results(microcredential),
            "evidence": create_evidence_items(microcredential),
        }
    )
    hidden: list[ClaimsPath] = [(name,) for name in _HIDDEN if name in claims]
    return claims, [*hidden, *_skill_paths(microcredential, achievement)]


def _write_quality(quality: QualityAssurance) -> dict[str, Any]:
    return write_present(
        {"name": quality.name, "url": quality.url, "description": quality.description, "code": quality.code}
    )


def _skill_paths(microcredential: Microcredential, achievement: Mapping[str, Any]) -> list[ClaimsPath]:
    """Return the paths of the skills, one by one; what alignments say of level and workload stays in the open."""
    skills = {skill.uri for outcome in microcredential.learning_outcomes for skill in outcome.skills}
    return [
        (*parent, "alignment", position)
        for parent, described in (
            (("achievement",), achievement),
            *(
                (("achievement", "resultDescription", number), each)
                for number, each in enumerate(achievement.get("resultDescription", []))
            ),
        )
        for position, alignment in enumerate(described.get("alignment", []))
        if alignment["targetUrl"] in skills
    ]
