"""The format `jwt_vc_json`: a W3C Verifiable Credential 1.1 in the claim `vc` of a JWT. Read and shown, never issued.

VCDM 1.1 §6.3.1; OpenID4VCI 1.0 A.1.1; OpenID4VP 1.0 B.1.3.1; PROFILE.md K-69, W-50. Older badges of edubadges and of
pilots are of this kind.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from kernel.errors import MalformedError
from kernel.formats.credential import JWT_VC_JSON, UnverifiedCredential, VerifiedCredential
from kernel.formats.holder import find_bound_key
from kernel.formats.jwt_format import JWT, JwtFormat, as_secured_jwt, get_only_element, with_default_typ
from kernel.formats.status_reference import find_credential_status, find_status_claim
from kernel.formats.vcdm import (
    CREDENTIALS_V1,
    expand_types,
    read_issuer,
    read_validity,
    require_vcdm_shape,
)
from kernel.jwt import find_numeric_date, verify_jwt
from kernel.keys import PublicKey
from kernel.members import as_object, as_text
from kernel.open_badges import format_date_time, read_many

# The older names of the dates, and the JWT claims that stand for them.
_DATES: Final = {"issuanceDate": ("nbf", "validFrom"), "expirationDate": ("exp", "validUntil")}
# What the JWT itself says about the credential in it; whatever else stands there is shown with it, and is told.
_OF_THE_JWT: Final = frozenset({"vc", "iss", "sub", "jti", "iat", "nbf", "exp", "aud", "nonce", "cnf", "status"})


class JwtVcJson(JwtFormat):
    """VCDM 1.1 in a JWT."""

    format_id = JWT_VC_JSON
    presentation_header = MappingProxyType({"typ": JWT})

    def _find_enclosed(self, payload: Mapping[str, Any]) -> str | None:
        if "vp" not in payload:
            return None
        presentation = as_object(payload["vp"], "`vp`")
        if "vc" in payload or "VerifiablePresentation" not in read_many(presentation, "type"):
            raise MalformedError("a `vp` that is no presentation, or comes with a credential beside it")
        return as_text(get_only_element(presentation.get("verifiableCredential")), "a credential in a presentation")

    def _get_presentation(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        return as_object(payload.get("vp"), "`vp`")

    def _enclose(self, raw: str, holder: str) -> dict[str, Any]:
        presentation = {"@context": [CREDENTIALS_V1], "type": ["VerifiablePresentation"], "verifiableCredential": [raw]}
        return {"iss": holder, "vp": presentation}

    def _read_issuer(self, payload: Mapping[str, Any]) -> str:
        return read_issuer(self._decode(payload))

    def _decode(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return the credential, completed from the JWT claims that stand for members of it. VCDM 1.1 §6.3.1.

        Where both are there, identifiers have to agree; of dates the narrower reading counts later (K-56).
        """
        claims = dict(as_object(payload.get("vc"), "`vc`"))
        if "iss" in payload:
            claims.setdefault("issuer", payload["iss"])
            _require_same(payload["iss"], read_issuer(claims), "iss")
        if "jti" in payload:
            _require_same(payload["jti"], claims.setdefault("id", payload["jti"]), "jti")
        if "sub" in payload:
            claims["credentialSubject"] = _with_identifier(claims, payload["sub"])
        for name, (claim, _) in _DATES.items():
            date = find_numeric_date(payload, claim)
            if date is not None:
                claims.setdefault(name, format_date_time(int(date.timestamp())))
        return claims

    def _verify_issuer(
        self, credential: UnverifiedCredential, *, key: PublicKey, algorithms: frozenset[str], on_receipt: bool
    ) -> VerifiedCredential:
        jwt = with_default_typ(as_secured_jwt(credential))
        verify_jwt(jwt, key=key, typ=JWT, algorithms=algorithms)
        claims = self._decode(jwt.payload)
        require_vcdm_shape(claims, context=CREDENTIALS_V1)
        valid_from, expires_at = _read_validity(jwt.payload, claims)
        claims = {**{name: value for name, value in jwt.payload.items() if name not in _OF_THE_JWT}, **claims}
        return VerifiedCredential(
            format=self.format_id,
            raw=credential.raw,
            issuer=credential.unverified_issuer,
            claims=claims,
            types=expand_types(claims),
            holder_key=find_bound_key({**_only(jwt.payload, "cnf"), **claims}),
            issued_at=find_numeric_date(jwt.payload, "iat"),
            valid_from=valid_from,
            expires_at=expires_at,
            statuses=(*find_status_claim(jwt.payload), *find_credential_status(claims)),
            key=key,
            key_id=credential.key_id,
            x5c=credential.x5c,
        )


def _read_validity(payload: Mapping[str, Any], claims: Mapping[str, Any]) -> tuple[datetime, datetime | None]:
    """Return the narrowest reading of the dates of VCDM 1.1, of those of 2.0 beside them, and of the JWT. K-56"""
    older = {modern: claims[name] for name, (_, modern) in _DATES.items() if name in claims}
    begins, ends = zip(read_validity({**_only(payload, "nbf", "exp"), **older}), read_validity(claims), strict=True)
    known = [date for date in begins if date is not None]
    if not known:
        raise MalformedError("a credential that does not say from when on it is valid")
    return max(known), min((date for date in ends if date is not None), default=None)


def _only(payload: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: payload[name] for name in names if name in payload}


def _with_identifier(claims: Mapping[str, Any], identifier: Any) -> dict[str, Any]:
    subjects = read_many(claims, "credentialSubject")
    if len(subjects) != 1 or not isinstance(subjects[0], dict):
        raise MalformedError("a `sub` for several subjects, or for none")
    _require_same(identifier, subjects[0].get("id", identifier), "sub")
    return {"id": identifier, **subjects[0]}


def _require_same(claim: Any, member: Any, name: str) -> None:
    if claim != member:
        raise MalformedError(f"`{name}` says something else than the credential")
