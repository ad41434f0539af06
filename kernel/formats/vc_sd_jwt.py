"""The format `vc+sd-jwt`: a W3C Verifiable Credential 2.0 secured as SD-JWT. VC-JOSE-COSE §3.2; VCDM 2.0; DIIP v5.

The payload is the credential itself, here an Open Badge 3.0. No JSON-LD processing takes place (VC-JOSE-COSE does
not ask for it): types are expanded through the pinned contexts, anything else is read by its name.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import schemas
from kernel.did import did_jwk
from kernel.errors import MalformedError, UndecidedError
from kernel.formats.credential import (
    VC_SD_JWT,
    IssuerIdentity,
    StatusReference,
    UnverifiedCredential,
    VerifiedCredential,
    create_confirmation,
    create_status_claim,
    cut_to_day,
    find_holder_key,
    find_status_reference,
)
from kernel.formats.sd_jwt_format import SdJwtFormat
from kernel.jwt import find_numeric_date
from kernel.keys import PublicKey, Signer
from kernel.open_badges import (
    CONTEXTS,
    CREDENTIALS_V2,
    CredentialDataset,
    create_open_badge,
    format_date_time,
    parse_date_time,
    read_many,
)

_TYPED_MEMBERS: Final = ("credentialStatus", "credentialSchema", "evidence", "termsOfUse", "refreshService")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")


class VcSdJwt(SdJwtFormat):
    """VCDM 2.0 with an Open Badges 3.0 payload."""

    format_id = VC_SD_JWT
    typ_values = frozenset({VC_SD_JWT})
    # VC-JOSE-COSE §3.2.1 (K-67), and the JWT claims that decide about validity and holder (RFC 9901 §9.7).
    protected_claims = frozenset(
        {"@context", "type", "issuer", "credentialStatus", "credentialSchema", "relatedResource"}
        | {"validFrom", "validUntil", "status", "cnf", "iss", "nbf", "exp", "vct", "vc", "vp"}
    )

    def issue(
        self,
        dataset: CredentialDataset,
        *,
        issuer: IssuerIdentity,
        signer: Signer,
        holder_key: PublicKey,
        type_id: str,
        status: StatusReference | None,
        issued_at: datetime,
        valid_from: datetime,
        expires_at: datetime | None,
        type_integrity: str | None = None,
    ) -> str:
        """Sign an Open Badge for one holder key. B-01 to B-04, K-66, K-67.

        `type_id` and `type_integrity` belong to SD-JWT VC and are not used. Dates are cut to the day as there (I-61).
        """
        badge, disclosable = create_open_badge(dataset, issuer_id=issuer.id, subject_id=did_jwk(holder_key.jwk))
        claims = {
            **badge,
            "validFrom": format_date_time(cut_to_day(valid_from)),
            **({} if expires_at is None else {"validUntil": format_date_time(int(expires_at.timestamp()))}),
            "iss": issuer.id,
            "iat": cut_to_day(issued_at),
            "cnf": create_confirmation(holder_key),
            **create_status_claim(status),
        }
        return self._sign(claims, disclosable=disclosable, issuer=issuer, signer=signer, header={"cty": "vc"})

    def _read_issuer(self, payload: Mapping[str, Any], *, is_certified: bool) -> str:
        issuer = payload.get("issuer")
        identifier = issuer.get("id") if isinstance(issuer, dict) else issuer
        return _require_url(identifier, "issuer")

    def _read_claims(
        self, credential: UnverifiedCredential, claims: dict[str, Any], key: PublicKey
    ) -> VerifiedCredential:
        _require_jose_shape(credential, claims)
        _require_vcdm_shape(claims)
        if "credentialStatus" in claims:
            raise UndecidedError("a `credentialStatus` of a kind that cannot be checked here yet")
        valid_from, expires_at = _read_validity(claims)
        return VerifiedCredential(
            format=self.format_id,
            raw=credential.raw,
            issuer=credential.unverified_issuer,
            claims=claims,
            types=expand_types(claims),
            holder_key=find_holder_key(claims),
            issued_at=find_numeric_date(claims, "iat"),
            valid_from=valid_from,
            expires_at=expires_at,
            status=find_status_reference(claims),
            key=key,
            key_id=credential.key_id,
        )


def expand_types(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the types by their short names, and by the IRIs that the pinned contexts in use give them. K-93.

    A short name that none of the credential's contexts defines has no IRI, whatever another context says.
    """
    short = {name for name in read_many(claims, "type") if isinstance(name, str)}
    urls = [context for context in read_many(claims, "@context") if isinstance(context, str)]
    terms = [_load_terms(url) for url in urls if url in CONTEXTS]
    return frozenset(short | {known[name] for known in terms for name in short & known.keys()})


@lru_cache
def _load_terms(context: str) -> Mapping[str, str]:
    terms = schemas.load(CONTEXTS[context])["@context"]
    return {name: term["@id"] for name, term in terms.items() if isinstance(term, dict) and "@id" in term}


def _require_jose_shape(credential: UnverifiedCredential, claims: Mapping[str, Any]) -> None:
    """VC-JOSE-COSE §3.1.3, §3.2.1, §4.1; K-66."""
    if "vc" in claims or "vp" in claims:
        raise MalformedError("a VCDM payload inside another one")
    if credential.header.get("cty", "vc") != "vc":
        raise MalformedError("a `cty` other than vc")
    if not credential.x5c and credential.key_id is None:
        raise MalformedError("a credential that does not say which key signed it")
    subject = claims.get("credentialSubject")
    same = {
        "iss": credential.unverified_issuer,
        "jti": claims.get("id"),
        "sub": subject.get("id") if isinstance(subject, dict) else None,
    }
    for name, expected in same.items():
        if name in claims and claims[name] != expected:
            raise MalformedError(f"`{name}` says something else than the credential")


def _require_vcdm_shape(claims: Mapping[str, Any]) -> None:
    """VCDM 2.0 §4; K-55."""
    contexts = claims["@context"]
    if not isinstance(contexts, list) or contexts[:1] != [CREDENTIALS_V2]:
        raise MalformedError("the first context is not that of VCDM 2.0")
    if "VerifiableCredential" not in read_many(claims, "type"):
        raise MalformedError("not of the type VerifiableCredential")
    subjects = read_many(claims, "credentialSubject")
    if not subjects or not all(isinstance(subject, dict) and subject for subject in subjects):
        raise MalformedError("a credential without a subject")
    for described in (claims, *subjects):
        if "id" in described:
            _require_url(described["id"], "id")
    for name in _TYPED_MEMBERS:
        for member in read_many(claims, name):
            _require_typed(member, name)


def _require_typed(member: object, name: str) -> None:
    if not isinstance(member, dict) or not read_many(member, "type"):
        raise MalformedError(f"a `{name}` without a type")
    if "id" in member:
        _require_url(member["id"], name)


def _require_url(value: object, name: str) -> str:
    if not isinstance(value, str) or not _URL.fullmatch(value):
        raise MalformedError(f"`{name}` is no single URL")
    return value


def _read_validity(claims: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    """Return the narrowest reading of the dates that VCDM and JWT give. K-55, K-56."""
    valid_from, valid_until = (
        None if claims.get(name) is None else parse_date_time(claims[name]) for name in ("validFrom", "validUntil")
    )
    if valid_from is not None and valid_until is not None and valid_until < valid_from:
        raise MalformedError("a validity that ends before it begins")
    begins = [date for date in (valid_from, find_numeric_date(claims, "nbf")) if date is not None]
    ends = [date for date in (valid_until, find_numeric_date(claims, "exp")) if date is not None]
    return max(begins, default=None), min(ends, default=None)
