"""The sixteen elements as an Open Badge 3.0. OB 3.0 Appendix B; PROFILE.md E-20, S-01, S-03, B-14, B-15.

Only terms of the published context are written: what Open Badges has no member for stands in an alignment whose
`targetType` says what it is (`ext:…Alignment`, as edubadges does), so that each word of it is signed in every
securing.
"""

from datetime import datetime
from typing import Any

from kernel.microcredential.members import write_number, write_present
from kernel.microcredential.model import (
    GradingScheme,
    Learner,
    Microcredential,
    Organisation,
    Prerequisites,
    Skill,
)
from kernel.microcredential.vocabulary import (
    ASSESSMENT_TYPES,
    BRIN,
    ECTS,
    EQF,
    GRADE,
    ISCED_F,
    NLQF_LEVELS,
    OUTCOME,
    PARTICIPATION_TYPES,
)
from kernel.open_badges import CREDENTIALS_V2, OPEN_BADGES_3_0_3, format_date_time, skill_target_type


def create_microcredential_badge(microcredential: Microcredential) -> dict[str, Any]:
    """Return an Open Badges 3.0 credential, without proof, that says all of a microcredential. E-20, B-01 to B-09."""
    dates = microcredential.dates
    return write_present(
        {
            "@context": [CREDENTIALS_V2, OPEN_BADGES_3_0_3],
            "id": microcredential.id,
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "name": microcredential.title and microcredential.title.text,
            "issuer": create_issuer_profile(microcredential),
            "validFrom": dates and write_moment(dates.issued),
            "awardedDate": dates and write_moment(dates.achieved),
            "validUntil": dates and write_moment(dates.valid_until),
            "credentialSubject": _create_subject(microcredential),
            "evidence": create_evidence_items(microcredential),
        }
    )


def create_microcredential_achievement(microcredential: Microcredential) -> dict[str, Any]:
    """Return the Achievement of a microcredential: what is the same for everybody who earns it. B-04."""
    further, title = microcredential.further_information, microcredential.title
    body = microcredential.awarding_body
    return write_present(
        {
            "id": microcredential.achievement_id,
            "type": ["Achievement"],
            "achievementType": "MicroCredential",
            "name": title and title.text,
            "description": further.description,
            "inLanguage": further.language,
            "criteria": write_present({"id": further.criteria_url, "narrative": further.criteria}),
            "image": further.image and {"id": further.image, "type": "Image"},
            "creator": body and body.creator and _create_profile(body.creator),
            "creditsAvailable": microcredential.workload.ects,
            "fieldOfStudy": further.sector,
            "tag": list(further.tags),
            "alignment": _create_alignments(microcredential),
            "resultDescription": _create_result_descriptions(microcredential),
        }
    )


def create_issuer_profile(microcredential: Microcredential) -> dict[str, Any]:
    """Return the Profile of the body that awards, with its country and its registration."""
    body, country, brin = (
        microcredential.awarding_body,
        microcredential.country,
        microcredential.further_information.brin,
    )
    members = {
        "type": ["Profile"],
        **(_create_profile(body.issuer) if body else {}),
        "address": country and {"type": ["Address"], "addressCountryCode": country},
        "otherIdentifier": brin and [{"type": "IdentifierEntry", "identifier": brin, "identifierType": BRIN}],
        "parentOrg": body and body.on_behalf_of and _create_profile(body.on_behalf_of),
    }
    profile = write_present(members)
    return profile if len(profile) > 1 else {}


def create_evidence_items(microcredential: Microcredential) -> list[dict[str, Any]]:
    """Return the evidence as Open Badges writes it. B-09."""
    return [
        write_present(
            {
                "id": item.url,
                "type": ["Evidence"],
                "name": item.name,
                "description": item.description,
                "digestSRI": item.digest,
            }
        )
        for item in microcredential.further_information.evidence
    ]


def create_results(microcredential: Microcredential) -> list[dict[str, Any]]:
    """Return the grade as a Result. B-07."""
    grade = microcredential.grade
    if grade is None:
        return []
    description = part_of(microcredential.achievement_id, "grade") if grade.scheme else None
    return [write_present({"type": ["Result"], "resultDescription": description, "value": grade.value})]


def create_identity_objects(learner: Learner) -> list[dict[str, Any]]:
    """Return the identifiers of a learner, hashed or not. B-08."""
    return [
        write_present(
            {
                "type": "IdentityObject",
                "identityHash": identifier.value,
                "identityType": identifier.kind,
                "salt": identifier.salt,
            }
        )
        | {"hashed": identifier.is_hashed}
        for identifier in learner.identifiers
    ]


def write_moment(moment: datetime | None) -> str | None:
    """Return a date and time as Open Badges writes it."""
    return None if moment is None else format_date_time(int(moment.timestamp()))


def part_of(identifier: str, name: str) -> str:
    """Return an identifier for a part of something that has one."""
    return f"{identifier}{'-' if '#' in identifier else '#'}{name}"


def _create_profile(organisation: Organisation) -> dict[str, Any]:
    return write_present(
        {"id": organisation.id, "type": ["Profile"], "name": organisation.name, "url": organisation.url}
    )


def _create_subject(microcredential: Microcredential) -> dict[str, Any]:
    learner = microcredential.learner
    person = write_present(
        {
            "givenName": learner.given_name,
            "familyName": learner.family_name,
            "dateOfBirth": learner.birth_date and learner.birth_date.isoformat(),
        }
    )
    return write_present(
        {
            "id": learner.id,
            "type": ["AchievementSubject", "Profile"] if person else ["AchievementSubject"],
            "identifier": create_identity_objects(learner),
            **person,
            "creditsEarned": microcredential.workload.ects_earned,
            "achievement": create_microcredential_achievement(microcredential),
            "result": create_results(microcredential),
        }
    )


def _create_alignments(microcredential: Microcredential) -> list[dict[str, Any]]:
    skills = [skill for outcome in microcredential.learning_outcomes for skill in outcome.skills]
    return [
        *(_create_skill(skill) for skill in dict.fromkeys(skills)),
        *(
            alignment
            for create in (
                _state_level,
                _state_workload,
                _state_types,
                _state_quality,
                _state_prerequisites,
                _state_supervision,
                _state_stackability,
                _state_further,
            )
            for alignment in create(microcredential)
        ),
    ]


def _create_skill(skill: Skill) -> dict[str, Any]:
    return write_present(
        {
            "type": ["Alignment"],
            "targetType": skill_target_type(skill.framework),
            "targetFramework": skill.framework,
            "targetName": skill.name,
            "targetUrl": skill.uri,
        }
    )


def _state(kind: str, name: str, url: str, **members: str | None) -> dict[str, Any]:
    """Return an alignment that says one thing about an achievement for which there is no member of its own."""
    return write_present(
        {"type": ["Alignment"], "targetType": f"ext:{kind}Alignment", "targetName": name, "targetUrl": url, **members}
    )


def _state_level(microcredential: Microcredential) -> list[dict[str, Any]]:
    level, stated = microcredential.level, []
    if level.eqf is not None:
        code = str(level.eqf)
        stated.append(_state("EQF", f"EQF level {code}", EQF + code, targetCode=code, targetFramework="EQF"))
    if level.nlqf is not None:
        url = NLQF_LEVELS.get(level.nlqf) or part_of(microcredential.achievement_id, "nlqf")
        stated.append(_state("NLQF", f"NLQF {level.nlqf}", url, targetCode=level.nlqf, targetFramework="NLQF"))
    if level.is_verified:
        url = part_of(microcredential.achievement_id, "level")
        stated.append(_state("LevelVerification", "Level verified", url, targetCode="verified"))
    return stated


def _state_workload(microcredential: Microcredential) -> list[dict[str, Any]]:
    workload, identifier = microcredential.workload, microcredential.achievement_id
    stated = []
    if workload.ects is not None:
        code = write_number(workload.ects)
        name = "European Credit Transfer System"
        stated.append(_state("ECTS", name, ECTS, targetCode=code, targetFramework="ECTS"))
    if workload.sbu is not None:
        stated.append(_state("SBU", "Studiebelastingsuren", part_of(identifier, "sbu"), targetCode=str(workload.sbu)))
    if workload.hours is not None:
        url, code = part_of(identifier, "time-investment"), write_number(workload.hours)
        stated.append(_state("TimeInvestment", "Hours", url, targetCode=code))
    return stated


def _state_types(microcredential: Microcredential) -> list[dict[str, Any]]:
    return [
        _state(kind, code, known.get(code) or part_of(microcredential.achievement_id, name), targetCode=code)
        for kind, name, known, codes in (
            ("AssessmentType", "assessment", ASSESSMENT_TYPES, microcredential.assessment),
            ("ParticipationType", "participation", PARTICIPATION_TYPES, microcredential.participation),
        )
        for code in codes
    ]


def _state_quality(microcredential: Microcredential) -> list[dict[str, Any]]:
    quality = microcredential.quality_assurance
    if quality is None:
        return []
    url = quality.url or part_of(microcredential.achievement_id, "quality-assurance")
    return [
        _state("QualityAssurance", quality.name, url, targetCode=quality.code, targetDescription=quality.description)
    ]


def _state_prerequisites(microcredential: Microcredential) -> list[dict[str, Any]]:
    prerequisites = microcredential.prerequisites
    if prerequisites == Prerequisites():
        return []
    url = prerequisites.url or part_of(microcredential.achievement_id, "prerequisites")
    return [_state("Prerequisites", "Prerequisites", url, targetDescription=prerequisites.text)]


def _state_supervision(microcredential: Microcredential) -> list[dict[str, Any]]:
    supervision, identifier = microcredential.supervision, microcredential.achievement_id
    stated = []
    if supervision.is_supervised is not None:
        code = "supervised" if supervision.is_supervised else "unsupervised"
        stated.append(_state("Supervision", code, part_of(identifier, "supervision"), targetCode=code))
    if supervision.place is not None:
        url = part_of(identifier, "assessment-place")
        stated.append(_state("AssessmentPlace", supervision.place, url, targetCode=supervision.place))
    if supervision.identity_checked is not None:
        code = "checked" if supervision.identity_checked else "unchecked"
        stated.append(_state("IdentityCheck", f"Identity {code}", part_of(identifier, "identity"), targetCode=code))
    return stated


def _state_stackability(microcredential: Microcredential) -> list[dict[str, Any]]:
    stackability, stated = microcredential.stackability, []
    if stackability.kind is not None:
        url = part_of(microcredential.achievement_id, "stackability")
        stated.append(_state("Stackability", stackability.kind, url, targetCode=stackability.kind))
    return [*stated, *(_state("PartOf", url, url) for url in stackability.part_of)]


def _state_further(microcredential: Microcredential) -> list[dict[str, Any]]:
    further, identifier = microcredential.further_information, microcredential.achievement_id
    translations = microcredential.title.translations if microcredential.title else ()
    stated = [_state("Translation", each.text, identifier, targetCode=each.language) for each in translations]
    for kind, name, codes in (
        ("EducationProgramme", "programme", further.programmes),
        ("LanguageOfInstruction", "language", further.teaching_languages),
        ("Recheck", "recheck", () if further.recheck_months is None else (str(further.recheck_months),)),
    ):
        stated += [_state(kind, code, part_of(identifier, name), targetCode=code) for code in codes]
    if further.isced_f is not None:
        stated.append(_state("ISCEDF", further.isced_f, ISCED_F + further.isced_f, targetCode=further.isced_f))
    return stated


def _create_result_descriptions(microcredential: Microcredential) -> list[dict[str, Any]]:
    identifier, grade = microcredential.achievement_id, microcredential.grade
    described = [
        write_present(
            {
                "id": part_of(identifier, f"outcome-{number}"),
                "type": ["ResultDescription"],
                "name": outcome.text,
                "resultType": OUTCOME,
                "requiredValue": outcome.level,
                "alignment": [_create_skill(skill) for skill in outcome.skills],
            }
        )
        for number, outcome in enumerate(microcredential.learning_outcomes, 1)
    ]
    if grade is not None and grade.scheme is not None:
        described.append(_create_grading_scheme(grade.scheme, identifier))
    return described


def _create_grading_scheme(scheme: GradingScheme, identifier: str) -> dict[str, Any]:
    return write_present(
        {
            "id": part_of(identifier, "grade"),
            "type": ["ResultDescription"],
            "name": scheme.name,
            "resultType": GRADE,
            "valueMin": scheme.minimum,
            "valueMax": scheme.maximum,
            "requiredValue": scheme.required,
            "alignment": [_state("GradingTable", scheme.name, scheme.url)] if scheme.url else [],
        }
    )
