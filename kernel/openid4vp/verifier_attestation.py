"""Verifier attestations: a party that the wallet trusts says whose key signs a request. OpenID4VP 1.0 §12; W-43."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from kernel.errors import UntrustedIssuerError
from kernel.formats.credential import read_key_reference
from kernel.jwt import UnverifiedJwt, get_numeric_date, parse_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, parse_public_jwk
from kernel.members import as_object, find_texts, get_text

VERIFIER_ATTESTATION_TYP: Final = "verifier-attestation+jwt"


@dataclass(frozen=True, slots=True)
class UnverifiedAttestation:
    """An attestation that was read, and what it says about where the key of its issuer would be found."""

    token: UnverifiedJwt
    unverified_issuer: str
    key_id: str | None
    x5c: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VerifiedAttestation:
    """Whose key it is, and where answers to that party may go; anywhere, when `redirect_uris` is empty."""

    issuer: str
    subject: str
    key: PublicKey
    redirect_uris: tuple[str, ...]


def parse_verifier_attestation(raw: object) -> UnverifiedAttestation:
    """Read the `jwt` header of a request object. §12."""
    token = parse_jwt(raw)
    key_id, x5c = read_key_reference(token.header)
    return UnverifiedAttestation(token, get_text(token.payload, "iss"), key_id, x5c)


def verify_verifier_attestation(
    attestation: UnverifiedAttestation, *, key: PublicKey | None, now: datetime, algorithms: frozenset[str]
) -> VerifiedAttestation:
    """Check an attestation with the key of an issuer that the caller trusts for it; None: it trusts no such party."""
    if key is None:
        raise UntrustedIssuerError("nobody here trusts the issuer of the verifier's attestation")
    token = verify_jwt(attestation.token, key=key, typ=VERIFIER_ATTESTATION_TYP, algorithms=algorithms)
    get_numeric_date(token.payload, "exp")
    verify_times(token.payload, now=now)
    confirmation = as_object(token.payload.get("cnf"), "'cnf'")
    return VerifiedAttestation(
        issuer=attestation.unverified_issuer,
        subject=get_text(token.payload, "sub"),
        key=parse_public_jwk(confirmation.get("jwk")),
        redirect_uris=find_texts(token.payload, "redirect_uris"),
    )
