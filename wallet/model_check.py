"""That what calls itself an Open Badge is one, judged when a badge is received. Open Badges 3.0 §9.1; B-11, B-21.

Its issuer chose the words of that standard, so the standard's schema is what its holder may count on: a verifier that
checks it would refuse the badge later, where nobody can do anything about it any more.
"""

from collections.abc import Mapping
from typing import Any, Final

from kernel.formats import VerifiedCredential
from kernel.formats.credential import DC_SD_JWT
from kernel.open_badges import read_many, verify_open_badge
from kernel.report import Outcome

_TYPES: Final = ("OpenBadgeCredential", "AchievementCredential")


def is_open_badge(credential: VerifiedCredential) -> bool:
    """Whether it says of itself that it is an Open Badge; a skill badge in an SD-JWT VC has a model of its own."""
    types = read_many(find_document(credential), "type")
    return credential.format != DC_SD_JWT and any(name in _TYPES for name in types)


def verify_model(credential: VerifiedCredential) -> None:
    """Raise MalformedError for an Open Badge without all that one must have: schema and subject. B-11, B-21."""
    if is_open_badge(credential):
        verify_open_badge(find_document(credential))


def find_document(credential: VerifiedCredential) -> Mapping[str, Any]:
    """The credential itself; one of VCDM 1.1 stands in a claim of its JWT (K-69)."""
    document = credential.claims.get("vc", credential.claims)
    return document if isinstance(document, dict) else credential.claims


def list_checks(credential: VerifiedCredential) -> tuple[tuple[str, str], ...]:
    """Every check that a received credential has passed, and those for which it has nothing to check. W-15, B-21."""
    passed, nothing = Outcome.PASSED.value, Outcome.NOT_APPLICABLE.value
    return (
        *((code, passed) for code in ("proof", "validity", "issuer", "type", "holder_binding")),
        ("model", passed if is_open_badge(credential) else nothing),
        ("status", passed if credential.statuses else nothing),
    )
