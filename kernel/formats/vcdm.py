"""The shape of a W3C Verifiable Credential, however it is secured: VCDM 2.0 §4, VC-JOSE-COSE §3; PROFILE.md K-55, K-66.

Members are read by their names. Where no JSON-LD processing takes place, nothing but the types is expanded.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import schemas
from kernel.errors import MalformedError
from kernel.json_ld import CREDENTIALS_V2, PINNED
from kernel.jwt import find_numeric_date
from kernel.open_badges import parse_date_time, read_many

CREDENTIALS_V1: Final = "https://www.w3.org/2018/credentials/v1"

_TYPED_MEMBERS: Final = ("credentialStatus", "credentialSchema", "evidence", "termsOfUse", "refreshService")
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s]+")
# The one type of VCDM 1.1 that is of use here; its context is read by nothing else and not among the pinned ones.
_V1_TERMS: Final = {"VerifiableCredential": f"{CREDENTIALS_V1.removesuffix('/v1')}#VerifiableCredential"}


def read_issuer(claims: Mapping[str, Any]) -> str:
    """Return the issuer that a credential names, which is text or an object with an `id`. VCDM 2.0 §4.7."""
    issuer = claims.get("issuer")
    return require_url(issuer.get("id") if isinstance(issuer, dict) else issuer, "issuer")


def expand_types(claims: Mapping[str, Any]) -> frozenset[str]:
    """Return the types by their short names, and by the IRIs that the pinned contexts in use give them. K-93.

    A short name that none of the credential's contexts defines has no IRI, whatever another context says.
    """
    short = {name for name in read_many(claims, "type") if isinstance(name, str)}
    urls = [context for context in read_many(claims, "@context") if isinstance(context, str)]
    terms = [_load_terms(url) for url in urls]
    return frozenset(short | {known[name] for known in terms for name in short & known.keys()})


def require_vcdm_shape(claims: Mapping[str, Any], *, context: str = CREDENTIALS_V2) -> None:
    """Raise MalformedError unless a credential has the members of the data model whose context comes first. K-55."""
    contexts = claims.get("@context")
    if not isinstance(contexts, list) or contexts[:1] != [context]:
        raise MalformedError("the first context is not that of the data model")
    if "VerifiableCredential" not in read_many(claims, "type"):
        raise MalformedError("not of the type VerifiableCredential")
    subjects = read_many(claims, "credentialSubject")
    if not subjects or not all(isinstance(subject, dict) and subject for subject in subjects):
        raise MalformedError("a credential without a subject")
    for described in (claims, *subjects):
        if "id" in described:
            require_url(described["id"], "id")
    for name in _TYPED_MEMBERS:
        for member in read_many(claims, name):
            _require_typed(member, name)


def require_jose_shape(claims: Mapping[str, Any], *, header: Mapping[str, Any], issuer: str) -> None:
    """Raise MalformedError unless header and claims of a JWT say nothing else than the credential. K-66.

    VC-JOSE-COSE §3.1.3, §3.2.1, §4.1.
    """
    if "vc" in claims or "vp" in claims:
        raise MalformedError("a VCDM payload inside another one")
    if header.get("cty", "vc") != "vc":
        raise MalformedError("a `cty` other than vc")
    same = {"iss": issuer, "jti": claims.get("id"), "sub": find_subject_id(claims)}
    for name, expected in same.items():
        if name in claims and claims[name] != expected:
            raise MalformedError(f"`{name}` says something else than the credential")


def find_subject_id(claims: Mapping[str, Any]) -> Any:
    """Return the identifier of the one subject, None when there are several or it has none."""
    subjects = read_many(claims, "credentialSubject")
    return subjects[0].get("id") if len(subjects) == 1 and isinstance(subjects[0], dict) else None


def read_validity(claims: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    """Return the narrowest reading of the dates that VCDM and JWT give. K-55, K-56."""
    valid_from, valid_until = (
        None if claims.get(name) is None else parse_date_time(claims[name]) for name in ("validFrom", "validUntil")
    )
    if valid_from is not None and valid_until is not None and valid_until < valid_from:
        raise MalformedError("a validity that ends before it begins")
    begins = [date for date in (valid_from, find_numeric_date(claims, "nbf")) if date is not None]
    ends = [date for date in (valid_until, find_numeric_date(claims, "exp")) if date is not None]
    return max(begins, default=None), min(ends, default=None)


def require_url(value: object, name: str) -> str:
    """Return a value that must be a single URL."""
    if not isinstance(value, str) or not _URL.fullmatch(value):
        raise MalformedError(f"`{name}` is no single URL")
    return value


def _load_terms(context: str) -> Mapping[str, str]:
    if context == CREDENTIALS_V1:
        return _V1_TERMS
    return _load_pinned_terms(context) if context in PINNED else {}


@lru_cache
def _load_pinned_terms(context: str) -> Mapping[str, str]:
    terms = schemas.load(PINNED[context][0])["@context"]
    return {name: term["@id"] for name, term in terms.items() if isinstance(term, dict) and "@id" in term}


def _require_typed(member: object, name: str) -> None:
    if not isinstance(member, dict) or not read_many(member, "type"):
        raise MalformedError(f"a `{name}` without a type")
    if "id" in member:
        require_url(member["id"], name)
