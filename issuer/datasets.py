"""What one badge says of one person, from what is kept of its award: the same in every securing. I-60, B-02 to B-09."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from issuer.credential_issuer import CredentialIssuer
from kernel.open_badges import CredentialDataset

# How Dutch registers number: schools four characters (and two for a location), companies eight digits.
_REGISTERS: Final = {"ext:BRIN": re.compile(r"[0-9]{2}[A-Z]{2}([0-9]{2})?"), "ext:KvK": re.compile(r"[0-9]{8}")}


def create_dataset(
    issuer: CredentialIssuer,
    achievement: Mapping[str, Any],
    claims: Mapping[str, Any],
    *,
    person: Mapping[str, str],
    identifiers: Sequence[Mapping[str, Any]] = (),
    awarded_at: datetime,
    credential_id: str,
) -> CredentialDataset:
    """A badge with these `claims` of its award, which says so much of the person. Whoever meets it earns all credits.

    S-07: another number of credits is said by the award itself.
    """
    profile, parent = issuer_profile(issuer), claims.get("parentOrg")
    identifier = {"identifier": list(identifiers)} if identifiers else {}
    return CredentialDataset(
        achievement=achievement,
        issuer_profile=profile if parent is None else {**profile, "parentOrg": parent},
        person=person,
        subject={**identifier, **_earned_credits(achievement), **claims.get("subject", {})},
        evidence=claims.get("evidence", ()),
        result=claims.get("result", ()),
        awarded_at=awarded_at,
        issuing_authority=issuer.name,
        issuing_country=issuer.country,
        credential_id=credential_id,
    )


def _earned_credits(achievement: Mapping[str, Any]) -> dict[str, Any]:
    return {"creditsEarned": achievement["creditsAvailable"]} if "creditsAvailable" in achievement else {}


def issuer_profile(issuer: CredentialIssuer) -> dict[str, Any]:
    """The organisation as an Open Badges Profile. B-02, T-12."""
    profile: dict[str, Any] = {
        "id": issuer.did,
        "type": ["Profile"],
        "name": issuer.name,
        "address": {"type": ["Address"], "addressCountryCode": issuer.country},
    }
    if issuer.url is not None:
        profile["url"] = issuer.url
    if issuer.registration_number is not None:
        profile["otherIdentifier"] = [
            {
                "type": "IdentifierEntry",
                "identifier": issuer.registration_number,
                "identifierType": _identifier_type(issuer.registration_number),
            }
        ]
    return profile


def _identifier_type(number: str) -> str:
    """The register that a number is from, as far as its form tells. T-12."""
    return next((name for name, form in _REGISTERS.items() if form.fullmatch(number)), "ext:RegistrationNumber")
