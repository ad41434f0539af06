"""Open Badges 2.0: assertions, as a file or an address, and what they are about. IMS Final Release, April 2018; B-22.

Read for people to look at: the assertion with its badge class and issuer, as far as they are there, in the one model
of all badges. `kernel.importing.open_badges_2_proof` judges them.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from kernel.errors import MalformedError
from kernel.importing.imported import Container, Imported, Kind, Securing
from kernel.microcredential import Microcredential, read_microcredential_badge
from kernel.microcredential.members import read_object, read_objects, read_text, read_texts, write_present
from kernel.microcredential.writing import write_moment
from kernel.open_badges import parse_date_time

CONTEXTS: Final = frozenset({"https://w3id.org/openbadges/v2", "https://w3id.org/openbadges/v1"})

_NO_ZONE: Final = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?)?", re.ASCII)
_LATEST: Final = 253402300799
# What edubadges adds to a badge class: the extension's name, and the member of ours that it becomes.
_EXTENSIONS: Final[Mapping[str, str]] = {
    "ECTS": "ECTS",
    "StudyLoad": "SBU",
    "TimeInvestment": "timeInvestment",
    "LearningOutcome": "learningOutcome",
    "EducationProgramIdentifier": "educationProgramIdentifier",
}


def is_assertion(document: Mapping[str, Any]) -> bool:
    """Whether a document is an assertion of Open Badges 2.0 or 1.1, going by its context and what it has."""
    if not CONTEXTS.isdisjoint(read_texts(document, "@context")):
        return "recipient" in document or "badge" in document or document.get("revoked") is True
    return "Assertion" in read_texts(document, "type") and "recipient" in document


def create_hosted(url: str) -> Imported:
    """Return a badge of which only the address is known, as older pictures have it. B-22."""
    content = Microcredential(url, "")
    return Imported(Kind.OPEN_BADGE_2, Container.PICTURE, Securing.HOSTED, {"id": url}, content, None)


def find_identifier(value: Mapping[str, Any], name: str) -> str | None:
    """Return what a member names, by its identifier alone or as an object that has it; else None."""
    return read_text(value, name) or read_text(read_object(value, name), "id")


def find_badge_class(assertion: Mapping[str, Any]) -> str | None:
    """Return the identifier of the badge class, whether it is named or stands in the assertion."""
    return find_identifier(assertion, "badge")


def find_issuer(assertion: Mapping[str, Any]) -> str | None:
    """Return the issuer that the embedded badge class names; None when only the address of the class is there."""
    return find_identifier(read_object(assertion, "badge"), "issuer")


def parse_time(value: object) -> datetime:
    """Read a date as Open Badges 2.0 has it: ISO 8601, where no zone is UTC; or, in 1.1, seconds since 1970."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LATEST:
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, str) and _NO_ZONE.fullmatch(value):
        return parse_date_time(f"{value}Z" if "T" in value else f"{value}T00:00:00Z")
    return parse_date_time(value)


def create_identity(recipient: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipient as an IdentityObject of Open Badges 3.0, which says the same under other names."""
    return write_present(
        {
            "type": "IdentityObject",
            "identityHash": read_text(recipient, "identity"),
            "identityType": read_text(recipient, "type"),
            "salt": read_text(recipient, "salt"),
        }
    ) | {"hashed": recipient.get("hashed") in (True, "true")}


def read_assertion(assertion: Mapping[str, Any]) -> Microcredential:
    """Read an assertion, with the badge class and issuer that stand in it, into the one model; nothing raises."""
    badge_class = read_object(assertion, "badge")
    issuer = read_object(badge_class, "issuer")
    subject = {
        "identifier": [create_identity(recipient) for recipient in read_objects(assertion, "recipient")],
        "achievement": _as_achievement(badge_class, find_badge_class(assertion)),
    }
    return read_microcredential_badge(
        {
            "id": read_text(assertion, "id"),
            "issuer": {**issuer, "address": {"addressCountryCode": _read_extension(issuer, "InstitutionCountry")}},
            "validFrom": _rewrite_time(assertion, "issuedOn"),
            "validUntil": _rewrite_time(assertion, "expires"),
            "credentialSubject": subject,
            "evidence": [
                {"id": each} if isinstance(each, str) else each
                for name in ("evidence",)
                for each in _as_list(assertion.get(name))
            ],
        }
    )


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _as_achievement(badge_class: Mapping[str, Any], identifier: str | None) -> dict[str, Any]:
    criteria = read_text(badge_class, "criteria")
    own = {ours: _read_extension(badge_class, theirs) for theirs, ours in _EXTENSIONS.items()}
    eqf, language = _read_extension(badge_class, "EQF"), _read_extension(badge_class, "Language")
    alignment = [each for each in _as_list(badge_class.get("alignment")) if isinstance(each, dict)]
    return {
        **{name: badge_class.get(name) for name in ("name", "description", "image")},
        **own,
        "id": identifier,
        "criteria": {"id": criteria} if criteria else read_object(badge_class, "criteria"),
        "tag": badge_class.get("tags"),
        "inLanguage": language if language is not None else read_text(badge_class, "@language"),
        "alignment": [*alignment, *([] if eqf is None else [{"targetType": "ext:EQF", "targetCode": eqf}])],
    }


def _read_extension(value: Mapping[str, Any], name: str) -> Any:
    return read_object(value, f"extensions:{name}Extension").get(name)


def _rewrite_time(assertion: Mapping[str, Any], name: str) -> str | None:
    try:
        return write_moment(parse_time(assertion.get(name)))
    except MalformedError:
        return None
