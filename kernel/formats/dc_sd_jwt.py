"""The format `dc+sd-jwt`: SD-JWT VC. draft-ietf-oauth-sd-jwt-vc; OpenID4VC HAIP §6.1; DIIP v5."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kernel.errors import MalformedError
from kernel.formats.credential import (
    DC_SD_JWT,
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
    create_status_claim,
    find_status_claim,
    require_kinds,
)
from kernel.jwt import find_numeric_date
from kernel.keys import PublicKey, Signer
from kernel.open_badges import CredentialDataset, create_sd_jwt_vc_claims
from kernel.sd_jwt import ClaimsPath

# Attestations by somebody who is no qualified trust service provider. EUDI rulebook 1.5 §2, T-11.
_CATEGORY = "eaa:eu:non-qualified"


class DcSdJwt(SdJwtFormat):
    """SD-JWT VC, with an Open Badges achievement as its subject matter."""

    format_id = DC_SD_JWT
    # The second value is that of before November 2024 (K-45); the content decides, see get_content_format.
    typ_values = frozenset({DC_SD_JWT, VC_SD_JWT})
    # SD-JWT VC §2.2.2.3 (K-39), sub-claims included; the last two would make it another kind of credential.
    protected_claims = frozenset(
        {"iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status", "@context", "type"}
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
        """Sign a badge for one holder key. I-61, I-75, T-11.

        `iat` and `nbf` are cut to the day, so that copies made together cannot be told by their second; `exp` is
        kept as given. Salts, decoys and the holder key differ in each copy; the status index and the
        `credential_id` of the dataset are the caller's to vary.
        """
        claims, disclosable = self.create_claims(
            dataset,
            issuer=issuer,
            holder_key=holder_key,
            type_id=type_id,
            status=status,
            issued_at=issued_at,
            valid_from=valid_from,
            expires_at=expires_at,
            type_integrity=type_integrity,
        )
        return self.sign_claims(claims, disclosable=disclosable, issuer=issuer, signer=signer, header={})

    def create_claims(
        self,
        dataset: CredentialDataset,
        *,
        issuer: IssuerIdentity,
        holder_key: PublicKey | None,
        type_id: str,
        status: Statuses,
        issued_at: datetime,
        valid_from: datetime,
        expires_at: datetime | None,
        type_integrity: str | None,
    ) -> tuple[dict[str, Any], Sequence[ClaimsPath]]:
        """Return the claims of a badge for one holder key, or for none (a file), and the paths that may be hidden."""
        require_kinds(status, StatusKind.TOKEN_STATUS_LIST)
        badge, disclosable = create_sd_jwt_vc_claims(dataset)
        claims = {
            "iss": issuer.id,
            "iat": cut_to_day(issued_at),
            "nbf": cut_to_day(valid_from),
            **({} if expires_at is None else {"exp": int(expires_at.timestamp())}),
            "vct": type_id,
            **({} if issuer.federation_entity is None else {"fed": issuer.federation_entity}),
            **({} if type_integrity is None else {"vct#integrity": type_integrity}),
            **({} if holder_key is None else {"cnf": create_confirmation(holder_key)}),
            **create_status_claim(status),
            "issuing_authority": dataset.issuing_authority,
            "issuing_country": dataset.issuing_country,
            "category": _CATEGORY,
            **badge,
        }
        return claims, disclosable

    def _read_issuer(self, payload: Mapping[str, Any], *, is_certified: bool) -> str:
        if "iss" not in payload and is_certified:
            return ""
        issuer = payload.get("iss")
        if not isinstance(issuer, str) or not issuer:
            raise MalformedError("an SD-JWT VC that does not say who issued it")
        return issuer

    def _read_claims(
        self, credential: UnverifiedCredential, claims: dict[str, Any], key: PublicKey
    ) -> VerifiedCredential:
        vct = claims.get("vct")
        if not isinstance(vct, str) or not vct:
            raise MalformedError("an SD-JWT VC without `vct`")
        issued_at = find_numeric_date(claims, "iat")
        return VerifiedCredential(
            format=self.format_id,
            raw=credential.raw,
            issuer=credential.unverified_issuer,
            claims=claims,
            types=frozenset({vct}),
            holder_key=find_holder_key(claims),
            issued_at=issued_at,
            valid_from=find_numeric_date(claims, "nbf") or issued_at,
            expires_at=find_numeric_date(claims, "exp"),
            statuses=find_status_claim(claims),
            key=key,
            key_id=credential.key_id,
            x5c=credential.x5c,
            is_legacy=credential.is_legacy,
        )
