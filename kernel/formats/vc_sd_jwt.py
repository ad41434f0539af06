"""The format `vc+sd-jwt`: a W3C Verifiable Credential 2.0 secured as SD-JWT. VC-JOSE-COSE §3.2; VCDM 2.0; DIIP v5.

The payload is the credential itself, here an Open Badge 3.0. No JSON-LD processing takes place (VC-JOSE-COSE does
not ask for it): types are expanded through the pinned contexts, anything else is read by its name.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kernel.did import did_jwk
from kernel.errors import MalformedError
from kernel.formats.credential import (
    VC_SD_JWT,
    IssuerIdentity,
    UnverifiedCredential,
    VerifiedCredential,
    create_confirmation,
    cut_to_day,
    find_holder_key,
)
from kernel.formats.sd_jwt_format import SdJwtFormat
from kernel.formats.status_reference import (
    Statuses,
    StatusKind,
    create_credential_status,
    create_status_claim,
    find_statuses,
    require_kinds,
)
from kernel.formats.vcdm import expand_types, read_issuer, read_validity, require_jose_shape, require_vcdm_shape
from kernel.jwt import find_numeric_date
from kernel.keys import PublicKey, Signer
from kernel.open_badges import CredentialDataset, create_open_badge, format_date_time


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
        status: Statuses,
        issued_at: datetime,
        valid_from: datetime,
        expires_at: datetime | None,
        type_integrity: str | None = None,
    ) -> str:
        """Sign an Open Badge for one holder key. B-01 to B-04, K-66, K-67.

        `type_id` and `type_integrity` belong to SD-JWT VC and are not used. Dates are cut to the day as there (I-61).
        """
        require_kinds(status, StatusKind.TOKEN_STATUS_LIST, StatusKind.BITSTRING_STATUS_LIST)
        badge, disclosable = create_open_badge(dataset, issuer_id=issuer.id, subject_id=did_jwk(holder_key.jwk))
        claims = {
            **badge,
            "validFrom": format_date_time(cut_to_day(valid_from)),
            **({} if expires_at is None else {"validUntil": format_date_time(int(expires_at.timestamp()))}),
            **_create_terms(issuer.federation_entity),
            "iss": issuer.id,
            "iat": cut_to_day(issued_at),
            "cnf": create_confirmation(holder_key),
            **create_status_claim(status),
            **create_credential_status(status),
        }
        return self.sign_claims(claims, disclosable=disclosable, issuer=issuer, signer=signer, header={"cty": "vc"})

    def _read_issuer(self, payload: Mapping[str, Any], *, is_certified: bool) -> str:
        return read_issuer(payload)

    def _read_claims(
        self, credential: UnverifiedCredential, claims: dict[str, Any], key: PublicKey
    ) -> VerifiedCredential:
        require_jose_shape(claims, header=credential.header, issuer=credential.unverified_issuer)
        if not credential.x5c and credential.key_id is None:
            raise MalformedError("a credential that does not say which key signed it")
        require_vcdm_shape(claims)
        valid_from, expires_at = read_validity(claims)
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
            statuses=find_statuses(claims),
            key=key,
            key_id=credential.key_id,
            x5c=credential.x5c,
        )


def _create_terms(federation_entity: str | None) -> dict[str, Any]:
    """Name the federation's member that issues. DIIP v5 appendix B, "W3C VCDM Credentials"."""
    if federation_entity is None:
        return {}
    return {"termsOfUse": [{"type": "OpenIDFederation", "policyId": federation_entity}]}
