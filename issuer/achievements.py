"""Achievements: what can be awarded, described once, in versions that never change afterwards.

Which claims of a badge a holder can hide is fixed by the formats: every alignment by itself, evidence, result
and everything about the person; never the achievement's name, criteria or picture.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote_to_bytes
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from issuer import store
from issuer.configurations import configuration_ids
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import N_, ChangedMeanwhileError, ConflictError, InputError, NotFoundError
from issuer.images import BadgeImage, clean_image, draw_default_image
from issuer.input import STORED, Input, Localised, LocalisedText, Organisation, ShortText, WebAddress
from issuer.models import Achievement, AchievementVersion
from issuer.results import (
    UNKNOWN_SKILL,
    GradingScheme,
    ResultDescription,
    create_result_descriptions,
    find_description_problems,
    find_grading_problems,
)
from issuer.store import AchievementRow, Session
from kernel.microcredential import (
    AwardingBody,
    Dates,
    FurtherInformation,
    Grade,
    Learner,
    LearningOutcome,
    Level,
    Microcredential,
    Prerequisites,
    Skill,
    Stackability,
    Supervision,
    Title,
    Translation,
    Workload,
    create_microcredential_achievement,
    find_warnings,
)
from kernel.microcredential import GradingScheme as GradingSchemeElement
from kernel.microcredential import Organisation as OrganisationElement
from kernel.microcredential import QualityAssurance as QualityAssuranceElement
from kernel.microcredential import missing_elements as missing_kernel_elements
from kernel.microcredential.vocabulary import SURF_SPELLINGS
from kernel.open_badges import (
    ACHIEVEMENT_TYPES,
    create_alignment,
    skill_target_type,
    verify_achievement,
    without_absent,
)
from kernel.open_badges import create_achievement as create_achievement_object
from skills.search import SkillIndex

_ESCO = "http://data.europa.eu/esco/"
_DATA_URL = re.compile(r"data:(image/(?:png|svg\+xml))(;base64)?,(.*)", re.DOTALL)

__all__ = [
    "AchievementDescription",
    "LocalisedText",
    "SkillReference",
    "achievement_image_uri",
    "achievement_logo_uri",
    "achievement_uri",
    "change_achievement",
    "change_endorsements",
    "configuration_ids",
    "create_achievement",
    "description_of",
    "get_achievement",
    "image_data_url",
    "input_problems",
    "list_achievements",
    "logo_of",
    "missing_elements",
    "parse_description",
    "parse_image",
    "warnings_about",
]


class SkillReference(Input):
    """A skill of a published framework that the achievement attests. S-01."""

    model_config = ConfigDict(extra="ignore")

    uri: WebAddress
    name: str = Field(min_length=1, max_length=300)
    framework: str = Field(default="ESCO", pattern=r"^[A-Za-z0-9._-]{1,40}$")


class QualityAssurance(Input):
    """Who watches over the quality of this learning."""

    name: str = Field(min_length=1, max_length=200)
    url: WebAddress
    description: str | None = Field(default=None, min_length=1, max_length=2000)
    code: ShortText | None = None


class OutcomeDescription(Input):
    """What somebody can do afterwards, which of the skills that is, and on which level of mastery. E-20, S-06."""

    text: Localised
    skills: list[WebAddress] = Field(default_factory=list, max_length=50)
    level: ShortText | None = None


class OtherIdentifier(Input):
    """A number by which the achievement is known elsewhere. B-04."""

    identifier: ShortText
    identifier_type: Annotated[str, StringConstraints(pattern=r"^ext:[A-Za-z0-9._-]{1,60}$")]


class RelatedAchievement(Input):
    """Another edition of the same achievement: in another language, or an earlier version. B-04."""

    id: WebAddress
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$")] | None = None
    version: ShortText | None = None


AssessmentType = Literal[
    "written_exam",
    "oral_exam",
    "report_paper",
    "portfolio_assessment",
    "professional_product",
    "behavioural_assessment",
    "peer_assessment",
    "continuous_evaluation",
    "group_performance",
    "attendance",
    "project_work",
    "peer_review",
    "quiz",
    "problem_based_learning",
    "development_report",
    "personalized_assessment",
    "testing",
    "skill_application",
    "recognition_of_prior_learning",
]
ParticipationType = Literal[
    "online",
    "onsite",
    "blended",
    "onsite_or_blended",
    "work_experience",
    "volunteering",
    "personalised",
    "project_based",
    "research",
]


def _as_our_code(value: object) -> object:
    """What SURF spells otherwise, by its code here; anything else as it came."""
    return SURF_SPELLINGS.get(value, value) if isinstance(value, str) else value


_Assessment = Annotated[AssessmentType, BeforeValidator(_as_our_code)]
_Participation = Annotated[ParticipationType, BeforeValidator(_as_our_code)]
_LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
NlqfLevel = Literal["Instroom", "1", "2", "3", "4", "4+", "5", "6", "7", "8"]


class AchievementDescription(Input):
    """What an achievement says, from the API or from the page."""

    slug: Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$")]
    name: Localised
    description: Localised
    criteria: Localised
    assessment: Localised | None = None
    achievement_type: Annotated[str, StringConstraints(pattern=r"^(?:ext:[A-Za-z0-9._-]+|[A-Za-z]+)$")] = "Badge"
    image: str | None = Field(default=None, max_length=800_000)
    skills: list[SkillReference] = Field(min_length=1, max_length=50)
    validity_days: int | None = Field(default=None, ge=1, le=36500)
    language: Literal["nl", "en"] = "nl"
    ects: float | None = Field(default=None, gt=0, le=240, multiple_of=0.5)
    sbu: int | None = Field(default=None, ge=1, le=10_000)
    eqf_level: int | None = Field(default=None, ge=1, le=8)
    nlqf_level: NlqfLevel | None = None
    assessment_type: _Assessment | list[_Assessment] | None = None
    participation_type: _Participation | list[_Participation] | None = None
    quality_assurance: QualityAssurance | None = None
    prerequisites: Localised | None = None
    supervision: Literal["onsite", "online", "unsupervised"] | None = None
    identity_checked: bool | None = None
    approval: Literal["second_person"] | None = None
    """Whether an award waits until somebody else than whoever made it has approved it (I-63)."""
    status_messages: bool = False
    """Whether its badges have a place through which something can be told of them later (K-80.1), where their status
    is in a Bitstring Status List. There are readers of Open Badges that take no badge with one (decision 0052)."""
    stackability: Literal["standalone", "stackable"] | None = None
    part_of: list[WebAddress] = Field(default_factory=list, max_length=20)
    prerequisites_url: WebAddress | None = None
    level_verified: bool = False
    """Whether somebody else than the organisation has confirmed the level."""
    hours: float | None = Field(default=None, gt=0, le=100_000, allow_inf_nan=False)
    learning_outcomes: list[OutcomeDescription] = Field(default_factory=list, max_length=50)
    grading_scheme: GradingScheme | None = None
    result_descriptions: list[ResultDescription] = Field(default_factory=list, max_length=50)
    creator: Organisation | None = None
    """Who made the programme, where that is another organisation."""
    tags: list[ShortText] = Field(default_factory=list, max_length=50)
    field_of_study: ShortText | None = None
    specialization: ShortText | None = None
    human_code: ShortText | None = None
    isced_f: Annotated[str, StringConstraints(pattern=r"^[0-9]{2,4}$")] | None = None
    programmes: list[ShortText] = Field(default_factory=list, max_length=20)
    """Codes of the programmes that it belongs to: CROHO, crebo, RIO."""
    teaching_languages: list[_LanguageTag] = Field(default_factory=list, max_length=20)
    recheck_months: int | None = Field(default=None, ge=1, le=1200)
    """After how long somebody shows again that they still can."""
    other_identifiers: list[OtherIdentifier] = Field(default_factory=list, max_length=20)
    related: list[RelatedAchievement] = Field(default_factory=list, max_length=20)

    @model_validator(mode="after")
    def _says_nothing_twice(self) -> "AchievementDescription":
        if self.achievement_type not in ACHIEVEMENT_TYPES and not self.achievement_type.startswith("ext:"):
            raise ValueError("achievement_type is not one of Open Badges 3.0")
        if len({skill.uri for skill in self.skills}) != len(self.skills):
            raise ValueError("a skill is named twice")
        return self

    @property
    def needs_approval(self) -> bool:
        """Whether awards of it wait for a second person."""
        return self.approval == "second_person"


def parse_description(value: Mapping[str, Any]) -> AchievementDescription:
    """Read a description, or raise InputError that names each field."""
    try:
        return AchievementDescription.model_validate(value)
    except ValidationError as exc:
        raise InputError(fields=input_problems(exc)) from exc


def input_problems(error: ValidationError) -> dict[str, str]:
    """For each field, what is wrong with it, without what was filled in."""
    return {
        ".".join(map(str, problem["loc"])) or "skills": _PROBLEMS.get(problem["type"], _PROBLEM)
        for problem in error.errors(include_input=False, include_url=False, include_context=False)
    }


_PROBLEM = N_("Dit kunnen we niet gebruiken.")
_PROBLEMS = {
    "missing": N_("Dit is nog leeg."),
    "string_too_short": N_("Dit is nog leeg."),
    "too_short": N_("Kies er ten minste een."),
    "string_too_long": N_("Dit is te lang."),
    "too_long": N_("Dit zijn er te veel."),
    "invisible_character": N_("Hierin staat een teken dat niemand kan zien."),
    "string_pattern_mismatch": N_("Dit heeft niet de goede vorm."),
    "int_parsing": N_("Vul hier een getal in."),
    "float_parsing": N_("Vul hier een getal in."),
    "value_error": N_("Een skill staat er twee keer in, of dit soort prestatie bestaat niet."),
}


async def create_achievement(
    session: Session,
    issuer: CredentialIssuer,
    description: AchievementDescription,
    *,
    skills: SkillIndex,
    actor: str,
    now: datetime,
) -> AchievementRow:
    """Add an achievement as version 1, or raise ConflictError when its slug is taken."""
    _check(description, skills)
    image = _image(description, issuer)
    badge = _open_badges_achievement(issuer, description, image, version=1, skills=skills)
    row = Achievement(organisation_id=issuer.organisation_id, slug=description.slug, current_version=1, created_at=now)
    if not await store.add_achievement(session, row):
        raise ConflictError(N_("Er is al een badge met deze naam in het webadres."))
    version = await _add_version(session, row.id, 1, description, badge, image, now)
    await store.add_audit(session, issuer.organisation_id, actor, "achievement.create", row.slug, None, now)
    return AchievementRow(row, version)


async def change_achievement(
    session: Session,
    issuer: CredentialIssuer,
    description: AchievementDescription,
    *,
    from_version: int,
    skills: SkillIndex,
    actor: str,
    now: datetime,
) -> AchievementRow:
    """Add the version after `from_version`, or raise ChangedMeanwhileError when that is not the newest any more.

    What was awarded before keeps the version that it was awarded in.
    """
    _check(description, skills)
    current = await get_achievement(session, issuer, description.slug)
    if current.version.version != from_version:
        raise ChangedMeanwhileError
    number = from_version + 1
    kept = BadgeImage(current.version.image, current.version.image_type)
    image = kept if description.image is None else _image(description, issuer)
    badge = _open_badges_achievement(issuer, description, image, version=number, skills=skills)
    if not await store.advance_achievement(session, current.achievement.id, from_version):
        raise ChangedMeanwhileError
    row = current.achievement
    version = await _add_version(session, row.id, number, description, badge, image, now)
    await store.add_audit(session, issuer.organisation_id, actor, f"achievement.version.{number}", row.slug, None, now)
    return AchievementRow(row, version)


async def change_endorsements(
    session: Session,
    issuer: CredentialIssuer,
    slug: str,
    endorsements: Sequence[Mapping[str, Any]],
    *,
    from_version: int,
    actor: str,
    now: datetime,
) -> AchievementRow:
    """Add a version that says the same, with what others say of it; badges awarded from now on carry that. B-09.

    Another description would not be what they spoke for, so `change_achievement` leaves their words out.
    """
    current = await get_achievement(session, issuer, slug)
    if current.version.version != from_version or not await store.advance_achievement(
        session, current.achievement.id, from_version
    ):
        raise ChangedMeanwhileError
    number = from_version + 1
    said = {name: value for name, value in current.version.achievement.items() if name != "endorsement"}
    badge = {**said, "version": str(number), **({"endorsement": list(endorsements)} if endorsements else {})}
    verify_achievement(badge)
    image = BadgeImage(current.version.image, current.version.image_type)
    version = await _add_version(session, current.achievement.id, number, description_of(current), badge, image, now)
    await store.add_audit(session, issuer.organisation_id, actor, f"achievement.version.{number}", slug, None, now)
    return AchievementRow(current.achievement, version)


async def _add_version(
    session: Session,
    achievement_id: UUID,
    number: int,
    description: AchievementDescription,
    badge: Mapping[str, Any],
    image: BadgeImage,
    now: datetime,
) -> AchievementVersion:
    version = AchievementVersion(
        achievement_id=achievement_id,
        version=number,
        description=description.model_dump(mode="json", exclude={"slug", "image"}, exclude_none=True),
        achievement=dict(badge),
        image=image.content,
        image_type=image.media_type,
        created_at=now,
    )
    await store.add_row(session, version)
    return version


async def get_achievement(
    session: Session, issuer: CredentialIssuer, slug: str, version: int | None = None
) -> AchievementRow:
    """An achievement in its newest or in a named version, or NotFoundError."""
    found = await store.find_achievement(session, issuer.organisation_id, slug, version)
    if found is None:
        raise NotFoundError(N_("Deze badge kennen we niet."))
    return found


async def list_achievements(session: Session, issuer: CredentialIssuer) -> Sequence[AchievementRow]:
    """Every achievement of an organisation in its newest version."""
    return await store.list_achievements(session, issuer.organisation_id)


# The last segment of the page that describes a new achievement.
_RESERVED_SLUG = "new"


def _check(description: AchievementDescription, skills: SkillIndex) -> None:
    if description.slug == _RESERVED_SLUG:
        raise InputError(fields={"slug": N_("Deze naam is van de dienst zelf. Kies een andere.")})
    missing = missing_elements(description)
    if missing:
        raise InputError(N_("Voor een microcredential ontbreekt nog iets."), fields=missing)
    problems = _find_misfits(description)
    if problems:
        raise InputError(fields=problems)
    unknown = [
        skill.uri for skill in description.skills if skill.uri.startswith(_ESCO) and not _is_known(skill, skills)
    ]
    if unknown:
        raise InputError(fields={"skills": N_("Een van deze skills staat niet in ESCO.")})


def _find_misfits(description: AchievementDescription) -> dict[str, str]:
    """What names something that is not in the description, by field. B-07."""
    skills = [skill.uri for skill in description.skills]
    outcomes = {
        f"learning_outcomes.{number}.skills.{place}": UNKNOWN_SKILL
        for number, outcome in enumerate(description.learning_outcomes)
        for place, skill in enumerate(outcome.skills)
        if skill not in skills
    }
    return {
        **outcomes,
        **find_grading_problems(description.grading_scheme),
        **find_description_problems(description.result_descriptions, skills),
    }


def _is_known(skill: SkillReference, skills: SkillIndex) -> bool:
    """Whether ESCO has the concept. Without an index nobody can say, and the address is taken as given."""
    return not skills.available or skills.get(skill.uri) is not None


# The field that each mandatory element is asked in, and the question. Learner and dates come with the award, country
# and awarding body with the organisation; title and learning outcomes every badge has.
_ELEMENTS = {
    "assessment": ("assessment", N_("Hoe wordt er beoordeeld?")),
    "workload": ("ects", N_("Hoeveel studiepunten (ECTS) is het, of hoeveel studiebelastingsuren (SBU)?")),
    "level": ("eqf_level", N_("Welk EQF-niveau heeft het, of welk NLQF-niveau?")),
    "participation": ("participation_type", N_("Hoe doet iemand mee: op locatie, online, op het werk?")),
    "quality_assurance": ("quality_assurance", N_("Wie bewaakt de kwaliteit?")),
}
_WARNINGS = {
    "workload_unusual": N_(
        "Een microcredential heeft meestal 3 tot 30 studiepunten, of 240 studiebelastingsuren of meer."
    ),
    "workload_twice": N_("U noemt studiepunten en studiebelastingsuren. Meestal is het een van beide."),
}


def missing_elements(description: AchievementDescription) -> dict[str, str]:
    """For each mandatory element of a microcredential that this description lacks, the field and the question.

    Council Recommendation 2022/C 243/02, Annex I; E-20, E-22. How it is assessed is asked in words: its kind says less.
    """
    if description.achievement_type != "MicroCredential":
        return {}
    missing = set(missing_kernel_elements(_microcredential(description))) - {"assessment"}
    missing |= {"assessment"} if description.assessment is None else set()
    return dict(question for element, question in _ELEMENTS.items() if element in missing)


def warnings_about(description: AchievementDescription) -> Sequence[str]:
    """What is allowed and still unusual. E-22."""
    if description.achievement_type != "MicroCredential":
        return []
    found = find_warnings(_microcredential(description))
    return [sentence for code, sentence in _WARNINGS.items() if code in found]


_AT_THE_AWARD = Dates(datetime.fromtimestamp(0, UTC))


def _microcredential(description: AchievementDescription, achievement_id: str = "") -> Microcredential:
    """What a description says, element by element; what only the award can say stands in for itself."""
    quality, supervision, before = description.quality_assurance, description.supervision, description.prerequisites
    language, creator = description.language, description.creator
    return Microcredential(
        id="",
        achievement_id=achievement_id,
        learner=Learner(id="at the award"),
        title=Title(description.name.best(language), _translations(description)),
        country="at the award",
        awarding_body=AwardingBody(
            OrganisationElement("at the award"),
            None if creator is None else OrganisationElement(creator.name, creator.identifier, creator.url),
        ),
        dates=_AT_THE_AWARD,
        learning_outcomes=tuple(
            LearningOutcome(skill.name, (Skill(skill.uri, skill.name, skill.framework),))
            for skill in description.skills
        ),
        workload=Workload(ects=description.ects, sbu=description.sbu, hours=description.hours),
        level=Level(eqf=description.eqf_level, nlqf=description.nlqf_level, is_verified=description.level_verified),
        assessment=_each(description.assessment_type),
        participation=_each(description.participation_type),
        quality_assurance=None if quality is None else QualityAssuranceElement(**quality.model_dump()),
        prerequisites=Prerequisites(None if before is None else before.best(language), description.prerequisites_url),
        supervision=Supervision(
            is_supervised=None if supervision is None else supervision != "unsupervised",
            place=None if supervision == "unsupervised" else supervision,
            identity_checked=description.identity_checked,
        ),
        stackability=Stackability(description.stackability, tuple(description.part_of)),
        further_information=FurtherInformation(
            language=language,
            programmes=tuple(description.programmes),
            isced_f=description.isced_f,
            sector=description.field_of_study,
            tags=tuple(description.tags),
            teaching_languages=tuple(description.teaching_languages),
            recheck_months=description.recheck_months,
        ),
    )


def _each(codes: str | Sequence[str] | None) -> tuple[str, ...]:
    return () if codes is None else (codes,) if isinstance(codes, str) else tuple(dict.fromkeys(codes))


def _translations(description: AchievementDescription) -> tuple[Translation, ...]:
    """The title in the other language, which a microcredential carries; of a badge a page shows it. E-20."""
    other = "nl" if description.language == "en" else "en"
    is_there = description.name.language(other) == other and description.name.language(description.language) != other
    if description.achievement_type != "MicroCredential" or not is_there:
        return ()
    return (Translation(other, description.name.best(other)),)


def _image(description: AchievementDescription, issuer: CredentialIssuer) -> BadgeImage:
    if description.image is None:
        return _drawn_image(issuer, description.slug)
    return parse_image(description.image)


def _drawn_image(issuer: CredentialIssuer, slug: str) -> BadgeImage:
    return draw_default_image(f"{issuer.slug}/{slug}")


def parse_image(data_url: str) -> BadgeImage:
    """Clean art from a data: URL, or InputError."""
    found = _DATA_URL.fullmatch(data_url)
    if found is None:
        raise InputError(fields={"image": N_("Geef een PNG of SVG, als data:-adres.")})
    try:
        encoded = found[3]
        content = base64.b64decode(encoded, validate=True) if found[2] else unquote_to_bytes(encoded)
    except binascii.Error as exc:
        raise InputError(fields={"image": N_("Dit data:-adres kunnen we niet lezen.")}) from exc
    return clean_image(content)


# What a version looks like to others


def description_of(row: AchievementRow) -> AchievementDescription:
    """The description that a version was made from, without its image."""
    stored = {**row.version.description, "slug": row.achievement.slug}
    return AchievementDescription.model_validate(stored, context=STORED)


def achievement_uri(issuer: CredentialIssuer, slug: str) -> str:
    """The identifier of an achievement, which is also its public page."""
    return issuer.endpoint(f"achievements/{slug}")


def achievement_image_uri(issuer: CredentialIssuer, row: AchievementRow) -> str:
    """Where the art of one version is served, the same for everybody."""
    return f"{achievement_uri(issuer, row.achievement.slug)}/image?version={row.version.version}"


def achievement_logo_uri(issuer: CredentialIssuer, row: AchievementRow) -> str:
    """Where `logo_of` one version is served."""
    return f"{achievement_uri(issuer, row.achievement.slug)}/logo?version={row.version.version}"


def logo_of(issuer: CredentialIssuer, row: AchievementRow) -> BadgeImage:
    """The art as a PNG, which every wallet shows: where it is an SVG, what is drawn for achievements without. I-19.

    An SVG is not made into pixels here: a small one may ask for endless work (masks within masks).
    """
    art = BadgeImage(row.version.image, row.version.image_type)
    return art if art.media_type == "image/png" else _drawn_image(issuer, row.achievement.slug)


def image_data_url(image: BadgeImage) -> str:
    """Clean art as a data: URL."""
    return f"data:{image.media_type};base64,{base64.b64encode(image.content).decode()}"


def _open_badges_achievement(
    issuer: CredentialIssuer,
    description: AchievementDescription,
    image: BadgeImage,
    *,
    version: int,
    skills: SkillIndex,
) -> dict[str, Any]:
    """The Open Badges 3.0 Achievement of a version. B-04, B-06, S-01, S-02, S-07."""
    language = description.language
    uri = achievement_uri(issuer, description.slug)
    stated = create_microcredential_achievement(replace(_microcredential(description, uri), learning_outcomes=()))
    skill_alignments = {skill.uri: _skill_alignment(skill, language, skills) for skill in description.skills}
    return create_achievement_object(
        achievement_id=uri,
        name=description.name.best(language),
        description=description.description.best(language),
        criteria_narrative=_narrative(description, language),
        criteria_url=f"{uri}#criteria",
        achievement_type=description.achievement_type,
        alignments=[*skill_alignments.values(), *stated.get("alignment", ())],
        image=image_data_url(image),
        language=language,
        version=str(version),
        tags=description.tags,
        result_descriptions=[
            *_result_descriptions(description, skill_alignments, uri),
            *create_result_descriptions(description.result_descriptions, skill_alignments, uri=uri, language=language),
        ],
        details={
            **{name: stated[name] for name in ("creator", "creditsAvailable", "fieldOfStudy") if name in stated},
            "humanCode": description.human_code,
            "specialization": description.specialization,
            "otherIdentifier": [
                {"type": "IdentifierEntry", "identifier": one.identifier, "identifierType": one.identifier_type}
                for one in description.other_identifiers
            ],
            "related": [
                without_absent({"id": one.id, "type": ["Related"], "inLanguage": one.language, "version": one.version})
                for one in description.related
            ],
        },
    )


def _result_descriptions(
    description: AchievementDescription, alignments: Mapping[str, Mapping[str, Any]], uri: str
) -> Sequence[Mapping[str, Any]]:
    """The learning outcomes with the skills they are, and what a grade means. E-20, E-21."""
    language, scheme = description.language, description.grading_scheme
    outcomes = tuple(
        LearningOutcome(
            outcome.text.best(language),
            tuple(
                Skill(skill, alignments[skill]["targetName"], alignments[skill]["targetFramework"])
                for skill in outcome.skills
            ),
            outcome.level,
        )
        for outcome in description.learning_outcomes
    )
    described = Microcredential(
        id="",
        achievement_id=uri,
        learning_outcomes=outcomes,
        grade=None if scheme is None else _grade(scheme, language),
    )
    found: Sequence[Mapping[str, Any]] = create_microcredential_achievement(described).get("resultDescription", ())
    return found


def _grade(scheme: GradingScheme, language: str) -> Grade:
    """A grade that nobody has yet: only what it means is written of it."""
    name, url = scheme.name.best(language), scheme.url
    return Grade("at the award", GradingSchemeElement(name, scheme.minimum, scheme.maximum, scheme.required, url))


# In a badge's own language, which is not that of whoever reads a page.
_PARTICIPATION = {
    "onsite": {"nl": "op locatie", "en": "on site"},
    "online": {"nl": "online", "en": "online"},
    "blended": {"nl": "deels online", "en": "partly online"},
    "work_experience": {"nl": "op het werk", "en": "at work"},
    "onsite_or_blended": {"nl": "op locatie of deels online", "en": "on site or partly online"},
    "volunteering": {"nl": "als vrijwilliger", "en": "as a volunteer"},
    "personalised": {"nl": "met activiteiten op maat", "en": "by personalised activities"},
    "project_based": {"nl": "in een project", "en": "in a project"},
    "research": {"nl": "met onderzoek", "en": "by research"},
}


def _narrative(description: AchievementDescription, language: str) -> str:
    """What is needed, how it is assessed and how one takes part, for people: programs read the alignments. E-20."""
    parts = [description.criteria.best(language)]
    if description.assessment is not None:
        heading = "Assessment" if language == "en" else "Wijze van beoordelen"
        parts.append(f"{heading}: {description.assessment.best(language)}")
    if description.participation_type is not None:
        heading = "Form of participation" if language == "en" else "Manier van meedoen"
        words = ", ".join(_PARTICIPATION[code][language] for code in _each(description.participation_type))
        parts.append(f"{heading}: {words}")
    return "\n\n".join(parts)


def _skill_alignment(skill: SkillReference, language: str, skills: SkillIndex) -> dict[str, Any]:
    """The alignment with a skill: in the framework's own words where the index has it."""
    known = skills.get(skill.uri)
    if known is not None:
        return {**known.alignment(language), "type": ["Alignment"]}
    code = skill.uri.rpartition("/")[2] if skill.framework in {"ESCO", "CompetentNL"} else None
    return _alignment(skill.framework, skill.uri, skill.name, code=code)


def _alignment(framework: str, uri: str, name: str, *, code: str | None = None) -> dict[str, Any]:
    return create_alignment(
        target_url=uri,
        target_name=name,
        target_framework=framework,
        target_code=code,
        target_type=skill_target_type(framework),
    )
