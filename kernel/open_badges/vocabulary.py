"""The names that Open Badges 3.0 fixes: contexts, types, and what a person is called. OB 3.0 Appendix B."""

from collections.abc import Mapping
from typing import Final

import schemas

CREDENTIALS_V2: Final = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES_3_0_3: Final = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
OPEN_BADGES_EXTENSIONS: Final = "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json"
# The type of a badge, expanded as DCQL's `type_values` has it (K-93).
OPEN_BADGE_CREDENTIAL: Final = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential"
# The contexts that are pinned, and their files in `schemas`.
CONTEXTS: Final[Mapping[str, str]] = {
    CREDENTIALS_V2: "credentials-v2.json",
    OPEN_BADGES_3_0_3: "open-badges-3.0.3.json",
    OPEN_BADGES_EXTENSIONS: "open-badges-extensions.json",
}

# Open Badges 3.0 Appendix B; `ext:` values are allowed beside them (B-05).
ACHIEVEMENT_TYPES: Final = frozenset(
    schemas.load("achievement.schema.json")["$defs"]["AchievementType"]["anyOf"][0]["enum"]
)

# How a described result says that it is what somebody can do now, and no measure of how well.
LEARNING_OUTCOME: Final = "ext:LearningOutcome"

PERSON_MEMBERS: Final[Mapping[str, str]] = {
    "given_name": "givenName",
    "family_name": "familyName",
    "birthdate": "dateOfBirth",
    "email": "email",
}
