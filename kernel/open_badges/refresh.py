"""Which badge takes the place of which. Open Badges 3.0 §9.1 and §10; PROFILE.md B-13, B-23."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from kernel.errors import CredentialError, MalformedError, RejectedError
from kernel.open_badges.dates import parse_date_time
from kernel.open_badges.reading import read_many, read_object, read_objects, read_text
from kernel.web_urls import web_url

_REFRESH_TYPE: Final = "1EdTechCredentialRefresh"


def find_refresh_service(badge: Mapping[str, Any]) -> str | None:
    """Return the https address at which the badge's newest form can be had, None when it names none. B-13.

    It is for a badge whose proof holds, and what comes from there is verified afresh and by `verify_replacement`.
    """
    services = [each for each in read_objects(badge, "refreshService") if _REFRESH_TYPE in read_many(each, "type")]
    try:
        return web_url(services[0].get("id"), "`refreshService`") if services else None
    except CredentialError:
        return None


def verify_replacement(held: Mapping[str, Any], offered: Mapping[str, Any]) -> None:
    """Raise unless a badge is a newer form of one that is held: same issuer and `id`, later `validFrom`. B-13, B-23.

    It is of the same achievement too, and of the same recipient: by `id`, or by identifiers that say it in the same
    way, since of two hashes with different salts nobody can tell whether they are one person's. Both are verified
    badges. Nothing less may take the place of what somebody holds.
    """
    if _identify(held) != _identify(offered):
        raise RejectedError("another badge than the one that is held")
    if describe_subjects(held) != describe_subjects(offered):
        raise RejectedError("of another person or for another achievement than the badge that is held")
    if not is_newer(held, offered):
        raise RejectedError("no newer than the badge that is held")


def is_newer(held: Mapping[str, Any], offered: Mapping[str, Any]) -> bool:
    """Whether the second of two verified badges came into force after the first."""
    return _valid_from(offered) > _valid_from(held)


def _identify(badge: Mapping[str, Any]) -> tuple[str, str]:
    issuer = read_text(badge, "issuer") or read_text(read_object(badge, "issuer"), "id")
    identifier = read_text(badge, "id")
    if issuer is None or identifier is None:
        raise MalformedError("a badge that does not say which one it is")
    return issuer, identifier


def describe_subjects(badge: Mapping[str, Any]) -> list[tuple[object, list[object], object]]:
    """Return who received a badge and what for; where subjects say neither, that is the same in two badges. B-23"""
    return [
        (subject.get("id"), read_many(subject, "identifier"), read_object(subject, "achievement").get("id"))
        for subject in read_objects(badge, "credentialSubject")
    ]


def _valid_from(badge: Mapping[str, Any]) -> datetime:
    return parse_date_time(badge.get("validFrom", badge.get("issuanceDate")))
