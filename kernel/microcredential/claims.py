"""The sixteen elements in the claims of an SD-JWT VC, and back. PROFILE.md E-20, S-09; SD-JWT VC §3.2.2.2.

The achievement stands there as in an Open Badge. What has a claim of its own in the table of E-20 stands in that
claim and is not said twice.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from kernel.microcredential.members import read_count, read_object, read_text, read_texts, write_present
from kernel.microcredential.model import Microcredential, QualityAssurance
from kernel.microcredential.reading import read_microcredential_badge
from kernel.microcredential.writing import (
    create_evidence_items,
    create_identity_objects,
    create_issuer_profile,
    create_microcredential_achievement,
    create_results,
    write_moment,
)
from kernel.open_badges import format_date_time
from kernel.sd_jwt import ClaimsPath

# The members of an Open Badge and of its subject, by the name of the claim.
_TOP: Final[Mapping[str, str]] = {
    "id": "id",
    "date_of_issuance": "validFrom",
    "awarded_at": "awardedDate",
    "date_of_expiry": "validUntil",
    "evidence": "evidence",
}
_SUBJECT: Final[Mapping[str, str]] = {
    "sub": "id",
    "learner_identification": "identifier",
    "given_name": "givenName",
    "family_name": "familyName",
    "birthdate": "dateOfBirth",
    "credits_earned": "creditsEarned",
    "creditsEarned": "creditsEarned",
    "identifier": "identifier",
    "result": "result",
    "achievement": "achievement",
}
# About the person, and what only some verifiers need to see: hidden unless the holder shows it.
_HIDDEN: Final = (
    *("id", "sub", "learner_identification", "given_name", "family_name", "birthdate"),
    *("evidence", "result"),
)


def create_microcredential_claims(microcredential: Microcredential) -> tuple[dict[str, Any], list[ClaimsPath]]:
    """Return the claims that say all of a microcredential, and the paths its holder may hide. E-20, S-09.

    `iss`, `iat`, `nbf`, `exp`, `vct`, `cnf` and `status` are the format's. Each skill can be
    hidden by itself, in the learning outcome that names it too; level, workload and the like cannot.
    """
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


def read_microcredential_claims(claims: Mapping[str, Any]) -> Microcredential:
    """Read the sixteen elements from the processed claims of an SD-JWT VC; what was not shown is absent.

    Read are the claims that `create_microcredential_claims` writes, and those of a badge as SD-JWT VC
    (`kernel.open_badges.create_sd_jwt_vc_claims`), whose dates may stand in `nbf`, `iat` and `exp` (E-20).
    """
    subject = {member: claims[name] for name, member in _SUBJECT.items() if name in claims}
    dates = {"validFrom": _read_moment(claims, "nbf", "iat"), "validUntil": _read_moment(claims, "exp")}
    badge = {**dates, **{member: claims[name] for name, member in _TOP.items() if name in claims}}
    issuer = read_object(claims, "awarding_body")
    achievement = read_object(claims, "achievement")
    creator = read_object(achievement, "creator")
    if not issuer and (read_text(creator, "id") or "") == claims.get("iss"):
        # The profile of the issuer stands for the creator, unless somebody else made it.
        issuer = creator
        subject["achievement"] = {name: value for name, value in achievement.items() if name != "creator"}
    issuer = issuer or _read_authority(claims)
    read = read_microcredential_badge({**badge, "issuer": issuer, "credentialSubject": subject})
    return replace(
        read,
        country=read.country or read_text(claims, "issuing_country"),
        assessment=read_texts(claims, "assessment_type") or read.assessment,
        participation=read_texts(claims, "participation_type") or read.participation,
        quality_assurance=_read_quality(read_object(claims, "quality_assurance")) or read.quality_assurance,
    )


def _read_moment(claims: Mapping[str, Any], *names: str) -> str | None:
    """The first of these NumericDates, as a badge writes it. RFC 7519 §2."""
    seconds = next((found for name in names if (found := read_count(claims, name)) is not None), None)
    try:
        return None if seconds is None else format_date_time(seconds)
    except (ValueError, OverflowError, OSError):
        return None


def _read_authority(claims: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": claims.get("issuing_authority"), "id": claims.get("iss")}


def _write_quality(quality: QualityAssurance) -> dict[str, Any]:
    return write_present(
        {"name": quality.name, "url": quality.url, "description": quality.description, "code": quality.code}
    )


def _read_quality(claim: Mapping[str, Any]) -> QualityAssurance | None:
    name, url, description, code = (read_text(claim, each) for each in ("name", "url", "description", "code"))
    return QualityAssurance(name, url, description, code) if name else None


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
