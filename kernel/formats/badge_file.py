"""A badge as a file: an Open Badge 3.0 that is bound to no key and names its recipient by a hashed identifier.

For the world of files and baked pictures, where nobody proves a key. One document is signed in both ways that Open
Badges 3.0 §8 has: one reader takes the JSON, another the JWS, and to both it is the same badge (B-23).
"""

from datetime import datetime
from typing import Any

from kernel.data_integrity import add_proof
from kernel.formats.credential import IssuerIdentity, cut_to_day
from kernel.formats.status_reference import Statuses, StatusKind, create_credential_status, require_kinds
from kernel.formats.vc_jwt import sign_open_badge_jwt
from kernel.keys import Signer
from kernel.open_badges import (
    CredentialDataset,
    create_open_badge,
    format_date_time,
    parse_date_time,
    with_credential_schema,
)
from kernel.strict_json import encode_json

__all__ = ["create_badge_file", "sign_badge_file", "sign_open_badge_jwt"]


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
    require_kinds(status, StatusKind.BITSTRING_STATUS_LIST)
    badge, _ = create_open_badge(dataset, issuer_id=issuer.id, subject_id=None)
    return with_credential_schema(
        {
            **badge,
            "validFrom": format_date_time(cut_to_day(valid_from)),
            **({} if expires_at is None else {"validUntil": format_date_time(int(expires_at.timestamp()))}),
            **create_credential_status(status),
        }
    )


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
