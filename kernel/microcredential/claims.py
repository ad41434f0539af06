"""The sixteen elements out of the claims of an SD-JWT VC, ours or another issuer's. E-20; SD-JWT VC §3.2.2.2.

The achievement stands there as in an Open Badge. Ours says the kinds of assessment and participation and the quality
assurance in its alignments (decision 0083); another issuer's may say them in claims of their own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from kernel.microcredential.members import read_count, read_object, read_text, read_texts
from kernel.microcredential.model import Microcredential, QualityAssurance
from kernel.microcredential.reading import read_microcredential_badge
from kernel.open_badges import format_date_time
from kernel.open_badges.view import DC_SD_JWT

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


def read_microcredential_claims(claims: Mapping[str, Any]) -> Microcredential:
    """Read the sixteen elements from the processed claims of an SD-JWT VC; what was not shown is absent.

    Read are the claims in the table of E-20, and those of a badge as SD-JWT VC
    (`kernel.open_badges.create_sd_jwt_vc_claims`), whose dates may stand in `nbf`, `iat` and `exp`.
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


def read_microcredential(claims: Mapping[str, Any], format: str) -> Microcredential:
    """Read the processed claims of a badge of any format. VCDM 1.1 has its credential in the claim `vc` (K-69)."""
    if format == DC_SD_JWT:
        return read_microcredential_claims(claims)
    return read_microcredential_badge(read_object(claims, "vc") or claims)


def _read_moment(claims: Mapping[str, Any], *names: str) -> str | None:
    """The first of these NumericDates, as a badge writes it. RFC 7519 §2."""
    seconds = next((found for name in names if (found := read_count(claims, name)) is not None), None)
    try:
        return None if seconds is None else format_date_time(seconds)
    except (ValueError, OverflowError, OSError):
        return None


def _read_authority(claims: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": claims.get("issuing_authority"), "id": claims.get("iss")}


def _read_quality(claim: Mapping[str, Any]) -> QualityAssurance | None:
    name, url, description, code = (read_text(claim, each) for each in ("name", "url", "description", "code"))
    return QualityAssurance(name, url, description, code) if name else None
