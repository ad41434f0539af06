"""The Open Badges 3.0 model: achievements and all that stands beside them, and how a badge is read. OB 3.0 §B.

An achievement is described once. From one `CredentialDataset` come the claims of an SD-JWT VC and the document of a
VCDM 2.0 credential, each with the claims paths that its holder may keep hidden; `badge_view` reads both back alike.
"""

from kernel.open_badges.alignments import (
    HIGHEST_LEVEL,
    SKILL,
    STATED_KINDS,
    find_alignment_kind,
    find_level_urls,
    skill_target_type,
)
from kernel.open_badges.checking import (
    parse_open_badge,
    verify_achievement,
    verify_endorsement_shape,
    verify_open_badge,
    verify_profile,
    verify_result,
)
from kernel.open_badges.dates import format_date_time, parse_date_time
from kernel.open_badges.description import create_achievement, create_alignment, create_evidence, without_absent
from kernel.open_badges.identity import (
    VerifiedIdentity,
    create_identity_object,
    verify_identity_object,
    verify_recipient,
)
from kernel.open_badges.reading import read_many
from kernel.open_badges.refresh import describe_subjects, find_refresh_service, is_newer, verify_replacement
from kernel.open_badges.view import (
    BadgeView,
    EndorsedThing,
    Endorsement,
    Evidence,
    Identifier,
    Profile,
    Related,
    Result,
    Skill,
    badge_view,
)
from kernel.open_badges.vocabulary import (
    ACHIEVEMENT_TYPES,
    CONTEXTS,
    CREDENTIALS_V2,
    LEARNING_OUTCOME,
    OPEN_BADGE_CREDENTIAL,
    OPEN_BADGES_3_0_3,
    OPEN_BADGES_EXTENSIONS,
    PERSON_MEMBERS,
)
from kernel.open_badges.writing import (
    CredentialDataset,
    create_open_badge,
    create_sd_jwt_vc_claims,
    verify_dataset,
    with_credential_schema,
    with_refresh_service,
)

__all__ = [
    "ACHIEVEMENT_TYPES",
    "CONTEXTS",
    "CREDENTIALS_V2",
    "HIGHEST_LEVEL",
    "LEARNING_OUTCOME",
    "OPEN_BADGES_3_0_3",
    "OPEN_BADGES_EXTENSIONS",
    "OPEN_BADGE_CREDENTIAL",
    "PERSON_MEMBERS",
    "SKILL",
    "STATED_KINDS",
    "BadgeView",
    "CredentialDataset",
    "EndorsedThing",
    "Endorsement",
    "Evidence",
    "Identifier",
    "Profile",
    "Related",
    "Result",
    "Skill",
    "VerifiedIdentity",
    "badge_view",
    "create_achievement",
    "create_alignment",
    "create_evidence",
    "create_identity_object",
    "create_open_badge",
    "create_sd_jwt_vc_claims",
    "describe_subjects",
    "find_alignment_kind",
    "find_level_urls",
    "find_refresh_service",
    "format_date_time",
    "is_newer",
    "parse_date_time",
    "parse_open_badge",
    "read_many",
    "skill_target_type",
    "verify_achievement",
    "verify_dataset",
    "verify_endorsement_shape",
    "verify_identity_object",
    "verify_open_badge",
    "verify_profile",
    "verify_recipient",
    "verify_replacement",
    "verify_result",
    "with_credential_schema",
    "with_refresh_service",
    "without_absent",
]
