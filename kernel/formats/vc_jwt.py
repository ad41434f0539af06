"""The format `vc+jwt`: a W3C Verifiable Credential 2.0 that is the payload of a JWT, here an Open Badge 3.0.

Issued in two flavours, told apart by `typ`: as VC-JOSE-COSE §3.1.1 wants it (`vc+jwt`), and as Open Badges 3.0 §8.2
does (`JWT`, with the credential's identifiers and dates a second time as JWT claims; B-20). Presented as `vp+jwt`.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from kernel.did import did_jwk
from kernel.errors import MalformedError, UntrustedIssuerError
from kernel.formats.credential import (
    VC_JWT,
    IssuerIdentity,
    UnverifiedCredential,
    VerifiedCredential,
    create_confirmation,
    cut_to_day,
)
from kernel.formats.holder import find_bound_key
from kernel.formats.jwt_format import JWT, JwtFormat, as_secured_jwt, get_only_element, with_default_typ
from kernel.formats.status_reference import (
    Statuses,
    StatusKind,
    create_credential_status,
    create_status_claim,
    find_statuses,
    require_kinds,
)
from kernel.formats.vcdm import (
    expand_types,
    find_subject_id,
    read_issuer,
    read_validity,
    require_jose_shape,
    require_vcdm_shape,
)
from kernel.jwt import find_numeric_date, get_numeric_date, sign_jwt, verify_jwt
from kernel.keys import PublicKey, Signer, parse_public_jwk
from kernel.members import as_object, as_text
from kernel.open_badges import (
    CREDENTIALS_V2,
    CredentialDataset,
    create_open_badge,
    format_date_time,
    parse_date_time,
    read_many,
)

_TYP_VALUES: Final = frozenset({VC_JWT, JWT})
_DATA_URL: Final = "data:application/vc+jwt,"
# Open Badges 3.0 §8.2.1: no others are allowed.
_OPEN_BADGE_HEADER: Final = frozenset({"alg", "kid", "jwk", "typ"})
_DATES: Final = {"nbf": "validFrom", "exp": "validUntil"}


class VcJwt(JwtFormat):
    """VCDM 2.0 in a JWT. `is_open_badge` decides how a credential is issued, and nothing about what is read."""

    format_id = VC_JWT
    presentation_header = MappingProxyType({"typ": "vp+jwt", "cty": "vp"})

    def __init__(self, *, is_open_badge: bool = False) -> None:
        self._is_open_badge = is_open_badge

    def issue(
        self,
        dataset: CredentialDataset,
        *,
        issuer: IssuerIdentity,
        signer: Signer,
        holder_key: PublicKey,
        type_id: str,
        status: Statuses,
        issued_at: datetime,
        valid_from: datetime,
        expires_at: datetime | None,
        type_integrity: str | None = None,
    ) -> str:
        """Sign an Open Badge about the did:jwk of one holder key, everything in the open. B-01 to B-04, B-20, K-66.

        `type_id` and `type_integrity` belong to SD-JWT VC and are not used. Dates are cut to the day (I-61).
        """
        require_kinds(status, StatusKind.TOKEN_STATUS_LIST, StatusKind.BITSTRING_STATUS_LIST)
        badge, _ = create_open_badge(dataset, issuer_id=issuer.id, subject_id=did_jwk(holder_key.jwk))
        claims = {
            **badge,
            "validFrom": format_date_time(cut_to_day(valid_from)),
            **({} if expires_at is None else {"validUntil": format_date_time(int(expires_at.timestamp()))}),
            **create_credential_status(status),
            **create_status_claim(status),
        }
        if self._is_open_badge:
            return sign_open_badge_jwt(claims, issuer=issuer, signer=signer)
        claims = {**claims, "iss": issuer.id, "iat": cut_to_day(issued_at), "cnf": create_confirmation(holder_key)}
        key_reference = {"x5c": list(issuer.x5c)} if issuer.x5c else {"kid": issuer.kid}
        return sign_jwt(claims, signer=signer, typ=VC_JWT, header={"cty": "vc", **key_reference})

    def _find_enclosed(self, payload: Mapping[str, Any]) -> str | None:
        """Return the credential in a presentation: enveloped, as a `data:` URL. VCDM 2.0 §4.13; K-57."""
        if "VerifiablePresentation" not in read_many(payload, "type"):
            return None
        enveloped = as_object(get_only_element(payload.get("verifiableCredential")), "an enveloped credential")
        if "EnvelopedVerifiableCredential" not in read_many(enveloped, "type"):
            raise MalformedError("a credential in a `vp+jwt` that is not enveloped")
        media_type, comma, credential = as_text(enveloped.get("id"), "an enveloped credential").partition(",")
        if media_type + comma != _DATA_URL:
            raise MalformedError("an enveloped credential of another kind")
        return credential

    def _enclose(self, raw: str, holder: str) -> dict[str, Any]:
        enveloped = {"@context": CREDENTIALS_V2, "id": _DATA_URL + raw, "type": "EnvelopedVerifiableCredential"}
        return {
            "@context": [CREDENTIALS_V2],
            "type": ["VerifiablePresentation"],
            "holder": holder,
            "verifiableCredential": [enveloped],
        }

    def _get_presentation(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return payload

    def _read_issuer(self, payload: Mapping[str, Any]) -> str:
        return read_issuer(payload)

    def _decode(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        return dict(payload)

    def _verify_issuer(
        self, credential: UnverifiedCredential, *, key: PublicKey, algorithms: frozenset[str], on_receipt: bool
    ) -> VerifiedCredential:
        jwt = with_default_typ(as_secured_jwt(credential))
        verify_jwt(jwt, key=key, typ=_TYP_VALUES, algorithms=algorithms)
        claims = self._decode(jwt.payload)
        require_jose_shape(claims, header=jwt.header, issuer=credential.unverified_issuer)
        require_vcdm_shape(claims)
        _require_key_reference(jwt.header, key)
        if jwt.header["typ"] == JWT:
            _require_open_badge_jwt(jwt.header, claims)
        valid_from, expires_at = read_validity(claims)
        return VerifiedCredential(
            format=self.format_id,
            raw=credential.raw,
            issuer=credential.unverified_issuer,
            claims=claims,
            types=expand_types(claims),
            holder_key=find_bound_key(claims),
            issued_at=find_numeric_date(claims, "iat"),
            valid_from=valid_from,
            expires_at=expires_at,
            statuses=find_statuses(claims),
            key=key,
            key_id=credential.key_id,
            x5c=credential.x5c,
        )


def sign_open_badge_jwt(badge: Mapping[str, Any], *, issuer: IssuerIdentity, signer: Signer) -> str:
    """Return an Open Badge as the compact JWS of Open Badges 3.0 §8.2. B-20."""
    claims = {**badge, "iss": issuer.id, **_repeat(badge)}
    return sign_jwt(claims, signer=signer, typ=JWT, header=_open_badge_header(issuer, signer))


def _repeat(claims: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an Open Badge says a second time as JWT claims, `sub` where there is one. Open Badges 3.0 §8.2.2."""
    dates = {
        name: int(parse_date_time(claims[member]).timestamp()) for name, member in _DATES.items() if member in claims
    }
    subject = find_subject_id(claims)
    return {"jti": claims["id"], **({} if subject is None else {"sub": subject}), **dates}


def _open_badge_header(issuer: IssuerIdentity, signer: Signer) -> dict[str, Any]:
    """Only a `kid` that is a web address has to be understood, so another comes with its key. Open Badges §8.2.1"""
    if issuer.kid.startswith("https://"):
        return {"kid": issuer.kid}
    return {"kid": issuer.kid, "jwk": signer.public_key.jwk}


def _require_key_reference(header: Mapping[str, Any], key: PublicKey) -> None:
    """A credential says which key signed it; a key in its header must be the one found for its issuer. K-04, B-20"""
    if header.keys().isdisjoint({"kid", "x5c", "jwk"}):
        raise MalformedError("a credential that does not say which key signed it")
    if "jwk" in header and parse_public_jwk(header["jwk"]) != key:
        raise UntrustedIssuerError("the header names another key than the issuer has")


def _require_open_badge_jwt(header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """Raise MalformedError unless header and claims are those of an Open Badge in a JWT. Open Badges 3.0 §8.2.4."""
    if not header.keys() <= _OPEN_BADGE_HEADER:
        raise MalformedError("a header member that no Open Badge has")
    required = {"iss", "jti", "nbf"} | ({"sub"} if find_subject_id(claims) is not None else set())
    required |= {name for name, member in _DATES.items() if member in claims}
    if not claims.keys() >= required:
        raise MalformedError("an Open Badge without one of its JWT claims")
    for name, member in _DATES.items():
        if name in claims and not _is_same_second(get_numeric_date(claims, name), claims.get(member)):
            raise MalformedError(f"`{name}` says something else than the credential")


def _is_same_second(date: datetime, text: Any) -> bool:
    return int(date.timestamp()) == int(parse_date_time(text).timestamp())
