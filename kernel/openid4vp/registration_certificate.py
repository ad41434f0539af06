"""What a registrar says of a verifier: under which name, and for what purpose, it may ask. OpenID4VP 1.0 §5.11; W-57.

A registration certificate is a JWT (`rc-wrp+jwt`, ETSI TS 119 475) that travels in `verifier_info` as
`registration_cert` (ETSI TS 119 472-2). It counts only for the party that sent the request.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from kernel.errors import UntrustedIssuerError
from kernel.jwt import get_numeric_date, parse_jwt, verify_jwt, verify_times
from kernel.members import find_objects, get_text
from kernel.x5c import verify_x5c

REGISTRATION_FORMAT: Final = "registration_cert"
REGISTRATION_TYP: Final = "rc-wrp+jwt"
ALGORITHMS: Final = frozenset({"ES256"})


@dataclass(frozen=True, slots=True)
class Registration:
    """A verifier as a registrar knows it; `purpose` by language."""

    name: str
    purpose: Mapping[str, str]
    registrar: str


def verify_registration_certificate(
    raw: object, *, anchors: Sequence[x509.Certificate], subjects: Collection[str], now: datetime
) -> Registration:
    """Check a registration certificate up to an anchor, for a party that is known by one of these names.

    (1) The registrar's chain, type and signature. (2) Its time. (3) Whom it is about.
    """
    token = parse_jwt(raw)
    chain = verify_x5c(token.header.get("x5c"), anchors=anchors, now=now)
    verified = verify_jwt(token, key=chain.leaf_key, typ=REGISTRATION_TYP, algorithms=ALGORITHMS)
    get_numeric_date(verified.payload, "exp")
    verify_times(verified.payload, now=now)
    if get_text(verified.payload, "sub") not in subjects:
        raise UntrustedIssuerError("the registration certificate is about another party")
    return Registration(
        get_text(verified.payload, "name"), _read_purpose(verified.payload), _common_name(chain.leaf.subject)
    )


def organization_identifiers(leaf: x509.Certificate) -> frozenset[str]:
    """Return the registration numbers under which a certificate names its holder. ETSI EN 319 412-1 §5.1.4."""
    found = leaf.subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
    return frozenset(str(attribute.value) for attribute in found)


def _read_purpose(members: Mapping[str, Any]) -> dict[str, str]:
    """The purpose by language; what a text is called differs between editions of the specification."""
    entries = find_objects(members, "purpose")
    return {
        get_text(entry, "lang").partition("-")[0].lower(): get_text(entry, "value" if "value" in entry else "content")
        for entry in entries
    }


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()
