"""Read the sixteen elements of an Open Badge 3.0, whoever wrote it. OB 3.0 Appendix B; PROFILE.md E-20, S-03.

Read is what `kernel.microcredential.writing` writes, and the members of edubadges' own extension (B-15).
"""

from collections.abc import Mapping
from typing import Any, Final

from kernel.microcredential.members import (
    JsonObject,
    read_count,
    read_day,
    read_flag,
    read_moment,
    read_number,
    read_object,
    read_objects,
    read_text,
    read_texts,
)
from kernel.microcredential.model import (
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
)
from kernel.microcredential.vocabulary import (
    ASSESSMENT_TYPES,
    BRIN,
    EQF,
    GRADE,
    ISCED_F,
    NLQF_LEVELS,
    OUTCOME,
    PARTICIPATION_TYPES,
)
from kernel.microcredential.writing import part_of
from kernel.open_badges import SKILL, find_alignment_kind

_EQF_LEVELS: Final = {str(level): f"{EQF}{level}" for level in range(1, 9)}
# The code of a published concept, by its address.
_CODES: Final[Mapping[str, str]] = {
    url: code
    for known in (NLQF_LEVELS, ASSESSMENT_TYPES, PARTICIPATION_TYPES, _EQF_LEVELS)
    for code, url in known.items()
}


def read_microcredential_badge(badge: Mapping[str, Any]) -> Microcredential:
    """Read the sixteen elements of an Open Badge 3.0, ours, edubadges' or a stranger's; nothing in it is believed.

    What cannot be read is absent, and nothing raises.
    """
    subject, issuer = read_object(badge, "credentialSubject"), read_object(badge, "issuer")
    achievement = read_object(subject, "achievement")
    stated = _group_by_kind(achievement)
    identifier = read_text(achievement, "id") or ""
    return Microcredential(
        id=read_text(badge, "id") or "",
        achievement_id=identifier,
        learner=_read_learner(subject),
        title=_read_title(achievement, stated),
        country=read_text(read_object(issuer, "address"), "addressCountryCode"),
        awarding_body=_read_awarding_body(issuer, achievement),
        dates=_read_dates(badge),
        learning_outcomes=_read_outcomes(achievement),
        workload=_read_workload(subject, achievement, stated),
        level=_read_level(stated),
        assessment=_read_codes(stated, "AssessmentType") or _split(achievement, "assessmentType"),
        participation=_read_codes(stated, "ParticipationType") or _split(achievement, "participationType"),
        quality_assurance=_read_quality(stated, part_of(identifier, "quality-assurance")),
        prerequisites=_read_prerequisites(stated, part_of(identifier, "prerequisites")),
        supervision=_read_supervision(achievement, stated),
        grade=_read_grade(subject, achievement),
        stackability=_read_stackability(stated),
        further_information=_read_further(badge, issuer, achievement, stated),
    )


_Stated = Mapping[str, list[JsonObject]]


def _group_by_kind(achievement: JsonObject) -> _Stated:
    """Return the alignments by what they are about. S-03."""
    stated: dict[str, list[JsonObject]] = {}
    for alignment in read_objects(achievement, "alignment"):
        stated.setdefault(find_alignment_kind(alignment), []).append(alignment)
    return stated


def _first(stated: _Stated, kind: str) -> JsonObject:
    return next(iter(stated.get(kind, ())), {})


def _read_codes(stated: _Stated, kind: str) -> tuple[str, ...]:
    return tuple(code for alignment in stated.get(kind, ()) if (code := _read_code(alignment)))


def _read_code(alignment: JsonObject) -> str | None:
    """Return the code that stands there, or else the one of the published concept at the address."""
    url = read_text(alignment, "targetUrl") or ""
    field = url.removeprefix(ISCED_F) if url.startswith(ISCED_F) else None
    return read_text(alignment, "targetCode") or _CODES.get(url) or field


def _split(achievement: JsonObject, name: str) -> tuple[str, ...]:
    """Return the codes that edubadges joins with commas."""
    return tuple(code for text in read_texts(achievement, name) for part in text.split(",") if (code := part.strip()))


def _read_learner(subject: JsonObject) -> Learner:
    return Learner(
        id=read_text(subject, "id"),
        identifiers=tuple(
            Identifier(read_text(each, "identityType") or "", value, read_text(each, "salt"))
            for each in read_objects(subject, "identifier")
            if (value := read_text(each, "identityHash"))
        ),
        given_name=read_text(subject, "givenName"),
        family_name=read_text(subject, "familyName"),
        birth_date=read_day(subject, "dateOfBirth"),
    )


def _read_title(achievement: JsonObject, stated: _Stated) -> Title | None:
    text = read_text(achievement, "name")
    translations = tuple(
        Translation(language, translated)
        for each in stated.get("Translation", ())
        if (language := read_text(each, "targetCode")) and (translated := read_text(each, "targetName"))
    )
    return Title(text, translations) if text else None


def _read_organisation(profile: JsonObject) -> Organisation | None:
    name = read_text(profile, "name")
    return Organisation(name, read_text(profile, "id"), read_text(profile, "url")) if name else None


def _read_awarding_body(issuer: JsonObject, achievement: JsonObject) -> AwardingBody | None:
    organisation = _read_organisation(issuer)
    if organisation is None:
        return None
    creator, parent = read_object(achievement, "creator"), read_object(issuer, "parentOrg")
    return AwardingBody(organisation, _read_organisation(creator), _read_organisation(parent))


def _read_dates(badge: JsonObject) -> Dates | None:
    issued, achieved = read_moment(badge, "validFrom"), read_moment(badge, "awardedDate")
    begins = issued or achieved
    return Dates(begins, achieved, read_moment(badge, "validUntil")) if begins else None


def _read_outcomes(achievement: JsonObject) -> tuple[LearningOutcome, ...]:
    """Return what is described as an outcome, or else edubadges' text; a skill that none of them names is one too."""
    described = tuple(
        LearningOutcome(text, _read_skills(each), read_text(each, "requiredValue"))
        for each in read_objects(achievement, "resultDescription")
        if each.get("resultType") == OUTCOME and (text := read_text(each, "name"))
    )
    skills = _read_skills(achievement)
    if not described and (text := _read_outcome_of_edubadges(achievement)):
        return (LearningOutcome(text, skills),)
    named = {skill.uri for outcome in described for skill in outcome.skills}
    return (*described, *(LearningOutcome(skill.name, (skill,)) for skill in skills if skill.uri not in named))


def _read_outcome_of_edubadges(achievement: JsonObject) -> str | None:
    """Return what was learned: in Open Badges 2.0 an extension, in 3.0 nothing but the description (E-20)."""
    is_described = "EducredentialAchievement" in read_texts(achievement, "type")
    return read_text(achievement, "learningOutcome") or (
        read_text(achievement, "description") if is_described else None
    )


def _read_skills(parent: JsonObject) -> tuple[Skill, ...]:
    return tuple(
        Skill(uri, read_text(each, "targetName") or uri, read_text(each, "targetFramework"))
        for each in read_objects(parent, "alignment")
        if (uri := read_text(each, "targetUrl")) and find_alignment_kind(each) == SKILL
    )


def _read_workload(subject: JsonObject, achievement: JsonObject, stated: _Stated) -> Workload:
    def read(kind: str, *own: str) -> float | None:
        found = [read_number(_first(stated, kind), "targetCode"), *(read_number(achievement, name) for name in own)]
        return next((number for number in found if number is not None), None)

    sbu = read("SBU", "SBU")
    # Open Badges does not say which credits are available; they are ECTS where an alignment says so (S-07).
    return Workload(
        ects=read("ECTS", "ECTS", *(("creditsAvailable",) if "ECTS" in stated else ())),
        sbu=None if sbu is None else int(sbu),
        hours=read("TimeInvestment", "timeInvestment"),
        ects_earned=read_number(subject, "creditsEarned"),
    )


def _read_level(stated: _Stated) -> Level:
    eqf = read_count(_read_level_code(stated, "EQF"), "code")
    return Level(
        eqf=eqf if eqf in range(1, 9) else None,
        nlqf=read_text(_read_level_code(stated, "NLQF"), "code"),
        is_verified=_read_codes(stated, "LevelVerification") == ("verified",),
    )


def _read_level_code(stated: _Stated, kind: str) -> JsonObject:
    """Return the level of the published concept at the address, or else the code that stands there. S-01."""
    found = _first(stated, kind)
    return {"code": _CODES.get(read_text(found, "targetUrl") or "") or found.get("targetCode")}


def _read_url(alignment: JsonObject, placeholder: str) -> str | None:
    url = read_text(alignment, "targetUrl")
    return None if url == placeholder else url


def _read_quality(stated: _Stated, placeholder: str) -> QualityAssurance | None:
    found = _first(stated, "QualityAssurance")
    name = read_text(found, "targetName")
    description, code = read_text(found, "targetDescription"), read_text(found, "targetCode")
    return QualityAssurance(name, _read_url(found, placeholder), description, code) if name else None


def _read_prerequisites(stated: _Stated, placeholder: str) -> Prerequisites:
    found = _first(stated, "Prerequisites")
    return Prerequisites(read_text(found, "targetDescription"), _read_url(found, placeholder))


def _read_supervision(achievement: JsonObject, stated: _Stated) -> Supervision:
    words = (read_text(achievement, "supervisionType") or "").lower()
    kind, place, identity = (
        read_text(_first(stated, kind), "targetCode") for kind in ("Supervision", "AssessmentPlace", "IdentityCheck")
    )
    return Supervision(
        is_supervised=kind == "supervised" if kind else ("unsupervised" not in words if words else None),
        place=place or next((word for word in ("onsite", "online") if word in words), None),
        identity_checked=identity == "checked" if identity else read_flag(achievement, "identityChecked"),
    )


def _read_grade(subject: JsonObject, achievement: JsonObject) -> Grade | None:
    """Return what is called a grade; else the first result with a value that is no learning outcome."""
    described = {read_text(each, "id"): each for each in read_objects(achievement, "resultDescription")}
    found = [
        (value, described.get(read_text(result, "resultDescription"), {}))
        for result in read_objects(subject, "result")
        if (value := read_text(result, "value"))
    ]
    grades = [each for each in found if each[1].get("resultType") == GRADE]
    others = [each for each in found if each[1].get("resultType") != OUTCOME]
    return next((Grade(value, _read_scheme(description)) for value, description in (*grades, *others)), None)


def _read_scheme(description: JsonObject) -> GradingScheme | None:
    name = read_text(description, "name")
    if name is None:
        return None
    minimum, maximum, required = (read_text(description, each) for each in ("valueMin", "valueMax", "requiredValue"))
    url = read_text(read_object(description, "alignment"), "targetUrl")
    return GradingScheme(name, minimum, maximum, required, url)


def _read_stackability(stated: _Stated) -> Stackability:
    wholes = (read_text(each, "targetUrl") for each in stated.get("PartOf", ()))
    return Stackability(
        kind=read_text(_first(stated, "Stackability"), "targetCode"), part_of=tuple(url for url in wholes if url)
    )


def _read_further(
    badge: JsonObject, issuer: JsonObject, achievement: JsonObject, stated: _Stated
) -> FurtherInformation:
    criteria = read_object(achievement, "criteria")
    brins = (
        read_text(entry, "identifier")
        for entry in read_objects(issuer, "otherIdentifier")
        if entry.get("identifierType") == BRIN
    )
    return FurtherInformation(
        language=read_text(achievement, "inLanguage") or "nl",
        description=read_text(achievement, "description"),
        criteria=read_text(criteria, "narrative"),
        criteria_url=read_text(criteria, "id"),
        image=read_text(read_object(achievement, "image"), "id") or read_text(achievement, "image"),
        programmes=_read_codes(stated, "EducationProgramme") or _read_programmes(achievement),
        brin=next(brins, None),
        isced_f=next(iter(_read_codes(stated, "ISCEDF")), None),
        sector=read_text(achievement, "fieldOfStudy"),
        tags=read_texts(achievement, "tag"),
        teaching_languages=_read_codes(stated, "LanguageOfInstruction"),
        recheck_months=read_count(_first(stated, "Recheck"), "targetCode"),
        evidence=tuple(_read_evidence(each) for each in read_objects(badge, "evidence")),
    )


def _read_programmes(achievement: JsonObject) -> tuple[str, ...]:
    """Return edubadges' `educationProgramIdentifier`: a number, a text, or several."""
    found = achievement.get("educationProgramIdentifier", [])
    return tuple(
        str(each)
        for each in (found if isinstance(found, list) else [found])
        if isinstance(each, int | str) and not isinstance(each, bool)
    )


def _read_evidence(evidence: JsonObject) -> EvidenceItem:
    name, url, narrative, digest = (read_text(evidence, each) for each in ("name", "id", "narrative", "digestSRI"))
    return EvidenceItem(name or "", url, read_text(evidence, "description") or narrative, digest)
