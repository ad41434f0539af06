"""A microcredential as a value: the sixteen elements of the European standard, whatever file they came in.

Council Recommendation of 16 June 2022, 2022/C 243/02, Annex I: eleven mandatory elements, and optional ones "where
relevant"; PROFILE.md E-20, E-21. Each element is one field of `Microcredential`, and nothing of it may be absent
from the class: what a reader did not find stays empty, and `missing_elements` says so.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

# The elements in the order of Annex I; these names are the codes under which pages keep their words.
MANDATORY_ELEMENTS: Final = (
    "learner",
    "title",
    "country",
    "awarding_body",
    "dates",
    "learning_outcomes",
    "workload",
    "level",
    "assessment",
    "participation",
    "quality_assurance",
)
OPTIONAL_ELEMENTS: Final = ("prerequisites", "supervision", "grade", "stackability", "further_information")
ELEMENTS: Final = MANDATORY_ELEMENTS + OPTIONAL_ELEMENTS


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier of a learner; with a `salt` or a `sha256$` value it is a hash of one. OB 3.0 IdentityObject."""

    kind: str
    value: str = field(repr=False)
    salt: str | None = None

    @property
    def is_hashed(self) -> bool:
        return self.value.startswith(("sha256$", "md5$"))


@dataclass(frozen=True, slots=True)
class Learner:
    """Who learned it: by key, by identifier, by name."""

    id: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    given_name: str | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)
    birth_date: date | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Translation:
    """A text in another language than that of the microcredential."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class Title:
    """What it is called."""

    text: str
    translations: tuple[Translation, ...] = ()


@dataclass(frozen=True, slots=True)
class Organisation:
    """A school, an employer, a body that awards."""

    name: str
    id: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class AwardingBody:
    """Who awards it, who made the programme, and on whose behalf."""

    issuer: Organisation
    creator: Organisation | None = None
    on_behalf_of: Organisation | None = None


@dataclass(frozen=True, slots=True)
class Dates:
    """When it was issued, when it was achieved, and until when it counts; aware, to the second."""

    issued: datetime
    achieved: datetime | None = None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Skill:
    """A concept of a published framework, by its URI as published. S-01."""

    uri: str
    name: str
    framework: str | None = None


@dataclass(frozen=True, slots=True)
class LearningOutcome:
    """What somebody can do now, which skills that is, and on which level of mastery (S-06)."""

    text: str
    skills: tuple[Skill, ...] = ()
    level: str | None = None


@dataclass(frozen=True, slots=True)
class Workload:
    """How much work it was: ECTS credits, or hours of study load (SBU, Dutch vocational education), and hours spent."""

    ects: float | None = None
    sbu: int | None = None
    hours: float | None = None
    ects_earned: float | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """The level of the learning (never of mastery): EQF 1 to 8, NLQF `Instroom`, 1 to 8 and 4+."""

    eqf: int | None = None
    nlqf: str | None = None
    is_verified: bool = False


@dataclass(frozen=True, slots=True)
class QualityAssurance:
    """Who watches over the quality, and by which decision."""

    name: str
    url: str | None = None
    description: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Prerequisites:
    """What one had to know or have before."""

    text: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Supervision:
    """Whether somebody watched the assessment, where (`onsite`, `online`), and whether the learner's identity was
    checked; None where nobody says."""

    is_supervised: bool | None = None
    place: str | None = None
    identity_checked: bool | None = None


@dataclass(frozen=True, slots=True)
class GradingScheme:
    """What a grade means."""

    name: str
    minimum: str | None = None
    maximum: str | None = None
    required: str | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Grade:
    """The grade that was achieved, as text: scales differ."""

    value: str
    scheme: GradingScheme | None = None


@dataclass(frozen=True, slots=True)
class Stackability:
    """Whether it stands alone (`standalone`) or adds up to more (`stackable`), and to what."""

    kind: str | None = None
    part_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """Something that shows it; `digest` is a Subresource Integrity value. B-09."""

    name: str
    url: str | None = None
    description: str | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class FurtherInformation:
    """Everything else that Annex I leaves to the issuer."""

    language: str = "nl"
    description: str | None = None
    criteria: str | None = None
    criteria_url: str | None = None
    image: str | None = None
    programmes: tuple[str, ...] = ()
    brin: str | None = None
    isced_f: str | None = None
    sector: str | None = None
    tags: tuple[str, ...] = ()
    teaching_languages: tuple[str, ...] = ()
    recheck_months: int | None = None
    evidence: tuple[EvidenceItem, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Microcredential:
    """The sixteen elements, and by what the credential and its achievement are known."""

    id: str
    achievement_id: str
    learner: Learner = field(default=Learner(), repr=False)
    title: Title | None = None
    country: str | None = None
    awarding_body: AwardingBody | None = None
    dates: Dates | None = None
    learning_outcomes: tuple[LearningOutcome, ...] = ()
    workload: Workload = Workload()
    level: Level = Level()
    assessment: tuple[str, ...] = ()
    participation: tuple[str, ...] = ()
    quality_assurance: QualityAssurance | None = None
    prerequisites: Prerequisites = Prerequisites()
    supervision: Supervision = Supervision()
    grade: Grade | None = None
    stackability: Stackability = Stackability()
    further_information: FurtherInformation = FurtherInformation()


def missing_elements(microcredential: Microcredential) -> tuple[str, ...]:
    """Name each mandatory element that is not there, in the order of Annex I. E-20, E-22.

    A flag that a level was verified is no level, and credits earned say nothing about what the course weighs.
    """
    there = {
        "learner": microcredential.learner != Learner(),
        "title": microcredential.title is not None,
        "country": microcredential.country is not None,
        "awarding_body": microcredential.awarding_body is not None,
        "dates": microcredential.dates is not None,
        "learning_outcomes": bool(microcredential.learning_outcomes),
        "workload": _has_any(
            microcredential.workload.ects, microcredential.workload.sbu, microcredential.workload.hours
        ),
        "level": _has_any(microcredential.level.eqf, microcredential.level.nlqf),
        "assessment": bool(microcredential.assessment),
        "participation": bool(microcredential.participation),
        "quality_assurance": microcredential.quality_assurance is not None,
    }
    return tuple(element for element in MANDATORY_ELEMENTS if not there[element])


def find_warnings(microcredential: Microcredential) -> tuple[str, ...]:
    """Name what edubadges would not take for a microcredential, without refusing it. E-22.

    `workload_unusual`: not 3 to 30 ECTS in steps of a half, and not 240 SBU or more. `workload_twice`: both are
    given. `level_not_verified`: a level that only its issuer states (S-06).
    """
    workload, level = microcredential.workload, microcredential.level
    found = {
        "workload_unusual": not (_is_usual_ects(workload.ects) and (workload.sbu is None or workload.sbu >= 240)),
        "workload_twice": workload.ects is not None and workload.sbu is not None,
        "level_not_verified": _has_any(level.eqf, level.nlqf) and not level.is_verified,
    }
    return tuple(code for code, is_so in found.items() if is_so)


def _has_any(*values: object) -> bool:
    return any(value is not None for value in values)


def _is_usual_ects(ects: float | None) -> bool:
    return ects is None or (3 <= ects <= 30 and float(ects * 2).is_integer())
