"""Microcredentials: the sixteen elements of the European standard, in Open Badges and back, and out of SD-JWT claims.

`kernel.elm` writes and reads them as a European Learning Model document. PROFILE.md E-20 to E-22.
"""

from kernel.microcredential.claims import read_microcredential, read_microcredential_claims
from kernel.microcredential.model import (
    ELEMENTS,
    MANDATORY_ELEMENTS,
    OPTIONAL_ELEMENTS,
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
    find_warnings,
    missing_elements,
)
from kernel.microcredential.reading import read_microcredential_badge
from kernel.microcredential.vocabulary import GRADE, OUTCOME
from kernel.microcredential.writing import create_microcredential_achievement, create_microcredential_badge

__all__ = [
    "ELEMENTS",
    "GRADE",
    "MANDATORY_ELEMENTS",
    "OPTIONAL_ELEMENTS",
    "OUTCOME",
    "AwardingBody",
    "Dates",
    "EvidenceItem",
    "FurtherInformation",
    "Grade",
    "GradingScheme",
    "Identifier",
    "Learner",
    "LearningOutcome",
    "Level",
    "Microcredential",
    "Organisation",
    "Prerequisites",
    "QualityAssurance",
    "Skill",
    "Stackability",
    "Supervision",
    "Title",
    "Translation",
    "Workload",
    "create_microcredential_achievement",
    "create_microcredential_badge",
    "find_warnings",
    "missing_elements",
    "read_microcredential",
    "read_microcredential_badge",
    "read_microcredential_claims",
]
