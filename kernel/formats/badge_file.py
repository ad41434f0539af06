"""A badge as a file: an Open Badge 3.0 that is bound to no key and names its recipient by a hashed identifier.

For the world of files and baked pictures, where nobody proves a key. One document is signed in both ways that Open
Badges 3.0 §8 has: one reader takes the JSON, another the JWS, and to both it is the same badge (B-23).

For many people at once there is a template for each securing: what is the same for all is made once, and each file says
what it would say had it been made alone. Two of them can be shown in part: `ecdsa-sd-2023`, and `dc+sd-jwt`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from kernel.data_integrity import add_proof
from kernel.data_integrity.bulk import BulkTemplate, SelectiveBulkTemplate
from kernel.formats.credential import IssuerIdentity, cut_to_day
from kernel.formats.dc_sd_jwt import DcSdJwt
from kernel.formats.ldp_vc import mandatory_pointers
from kernel.formats.sd_jwt_format import pad_with_decoys
from kernel.formats.status_reference import (
    Statuses,
    StatusKind,
    as_sequence,
    create_credential_status,
    create_status_claim,
    entry_texts,
    require_kinds,
)
from kernel.formats.vc_jwt import sign_open_badge_jwt
from kernel.keys import Signer
from kernel.open_badges import (
    CredentialDataset,
    create_open_badge,
    format_date_time,
    parse_date_time,
    with_credential_schema,
)
from kernel.sd_jwt import ClaimsPath, ConcealTemplate
from kernel.strict_json import encode_json

__all__ = [
    "BadgeFileTemplate",
    "SdJwtTemplate",
    "SelectiveTemplate",
    "WholeTemplate",
    "create_badge_file",
    "sign_badge_file",
    "sign_open_badge_jwt",
]


def create_badge_file(
    dataset: CredentialDataset,
    *,
    issuer: IssuerIdentity,
    status: Statuses,
    valid_from: datetime,
    expires_at: datetime | None,
) -> dict[str, Any]:
    """Return the unsigned badge of a file, which names the schema of 1EdTech. B-01 to B-04, B-08, B-11, B-12.

    Its first day is the one that `valid_from` is in. Sign it with `sign_badge_file` and with `sign_open_badge_jwt`.
    """
    return _create(dataset, issuer, status, valid_from, expires_at)[0]


def sign_badge_file(badge: dict[str, Any], *, issuer: IssuerIdentity, signer: Signer) -> str:
    """Return the JSON of a badge with the embedded proof that 1EdTech certifies, by an Ed25519 key. B-20."""
    signed = add_proof(
        badge,
        cryptosuite="eddsa-rdfc-2022",
        signer=signer,
        verification_method=issuer.kid,
        proof_purpose="assertionMethod",
        created_at=parse_date_time(badge["validFrom"]),
    )
    return encode_json(signed).decode()


class BadgeFileTemplate(ABC):
    """A badge with places for whoever gets it: the identifier of the copy, the hashed person, the place of its status.

    `dataset` and `status` are an example: its identifier and the only `identifier` of its subject are not used again.
    """

    @abstractmethod
    def sign(self, credential_id: str, identity: Mapping[str, Any], status: Statuses) -> bytes:
        """Return one file. `status` is as that of the example, of any list."""


class _EmbeddedTemplate(BadgeFileTemplate):
    """A document with its proof inside."""

    def __init__(
        self,
        dataset: CredentialDataset,
        *,
        issuer: IssuerIdentity,
        signer: Signer,
        status: Statuses,
        valid_from: datetime,
        expires_at: datetime | None,
    ) -> None:
        badge, hidden = _create(dataset, issuer, status, valid_from, expires_at)
        self._template = self._secure(
            badge,
            hidden,
            pointers=_places(badge),
            signer=signer,
            verification_method=issuer.kid,
            created_at=parse_date_time(badge["validFrom"]),
        )

    @abstractmethod
    def _secure(
        self, badge: dict[str, Any], hidden: Sequence[ClaimsPath], **signing: Any
    ) -> BulkTemplate | SelectiveBulkTemplate:
        """Make the template of a badge, of which so much may be hidden; `signing` is what both kinds take."""

    def sign(self, credential_id: str, identity: Mapping[str, Any], status: Statuses) -> bytes:
        texts = [credential_id, identity["identityHash"], identity["salt"]]
        for reference in as_sequence(status):
            texts += entry_texts(reference)
        return self._template.sign(texts)


class WholeTemplate(_EmbeddedTemplate):
    """`eddsa-rdfc-2022`: the bytes that `sign_badge_file` gives."""

    def _secure(self, badge: dict[str, Any], hidden: Sequence[ClaimsPath], **signing: Any) -> BulkTemplate:
        return BulkTemplate(badge, **signing)


class SelectiveTemplate(_EmbeddedTemplate):
    """`ecdsa-sd-2023`: always shown is what a copy for a wallet always shows. K-61."""

    def _secure(self, badge: dict[str, Any], hidden: Sequence[ClaimsPath], **signing: Any) -> SelectiveBulkTemplate:
        return SelectiveBulkTemplate(badge, mandatory_pointers=mandatory_pointers(badge, hidden), **signing)


class SdJwtTemplate(BadgeFileTemplate):
    """`dc+sd-jwt` without a holder key: with salts and decoys of its own for each, as always. K-33."""

    def __init__(
        self,
        dataset: CredentialDataset,
        *,
        issuer: IssuerIdentity,
        signer: Signer,
        status: Statuses,
        valid_from: datetime,
        expires_at: datetime | None,
        type_id: str,
        type_integrity: str,
    ) -> None:
        self._format, self._issuer, self._signer = DcSdJwt(), issuer, signer
        claims, disclosable = self._format.create_claims(
            dataset,
            issuer=issuer,
            holder_key=None,
            type_id=type_id,
            status=status,
            issued_at=valid_from,
            valid_from=valid_from,
            expires_at=expires_at,
            type_integrity=type_integrity,
        )
        self._template = ConcealTemplate(claims, disclosable=disclosable, decoys=pad_with_decoys)

    def sign(self, credential_id: str, identity: Mapping[str, Any], status: Statuses) -> bytes:
        payload, disclosures = self._template.fill(
            {"id": credential_id, "identifier": [identity], **create_status_claim(status)}
        )
        signed = self._format.sign_concealed(payload, disclosures, issuer=self._issuer, signer=self._signer, header={})
        return signed.encode()


# The members of a status entry that `entry_texts` gives, in its order.
_OF_STATUS: Final = ("id", "statusListIndex", "statusListCredential")


def _create(
    dataset: CredentialDataset,
    issuer: IssuerIdentity,
    status: Statuses,
    valid_from: datetime,
    expires_at: datetime | None,
) -> tuple[dict[str, Any], Sequence[ClaimsPath]]:
    """The unsigned badge, and what could be hidden of it."""
    require_kinds(status, StatusKind.BITSTRING_STATUS_LIST)
    badge, hidden = create_open_badge(dataset, issuer_id=issuer.id, subject_id=None)
    document = {
        **badge,
        "validFrom": format_date_time(cut_to_day(valid_from)),
        **({} if expires_at is None else {"validUntil": format_date_time(int(expires_at.timestamp()))}),
        **create_credential_status(status),
    }
    return with_credential_schema(document), hidden


def _places(badge: Mapping[str, Any]) -> list[str]:
    """JSON pointers to what differs between two copies of a badge."""
    identity = "/credentialSubject/identifier/0"
    status = badge["credentialStatus"]
    entries = (
        [f"/credentialStatus/{n}" for n in range(len(status))] if isinstance(status, list) else ["/credentialStatus"]
    )
    return [
        "/id",
        f"{identity}/identityHash",
        f"{identity}/salt",
        *(f"{e}/{name}" for e in entries for name in _OF_STATUS),
    ]
