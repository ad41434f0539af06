"""A record of several badges in one file, in the shape of a CLR 2.0, put together by whoever holds them. E-01, E-02.

The badges are in it as their issuers signed them, and each is to be verified on its own: the signature around them
proves that nothing was taken out or put in since, and nothing about any of them (A-50).
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kernel.data_integrity import add_proof
from kernel.did import did_key, multikey_url
from kernel.formats.credential import DC_SD_JWT, JWT_VC_JSON, LDP_VC, VC_JWT, VC_SD_JWT
from kernel.keys import Signer
from kernel.open_badges import format_date_time
from kernel.strict_json import parse_json_object

_CONTEXTS: Final = (
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
)
# `dc+sd-jwt` is no credential of VCDM 2.0, but readers that know it find it where they look for those that are.
_MEDIA_TYPES: Final[Mapping[str, str]] = {
    VC_JWT: "application/vc+jwt",
    VC_SD_JWT: "application/vc+sd-jwt",
    DC_SD_JWT: "application/dc+sd-jwt",
    JWT_VC_JSON: "application/jwt",
}


@dataclass(frozen=True, slots=True)
class HeldCredential:
    """One badge as it was signed, and in which format."""

    format: str
    raw: str


def create_learner_record(
    credentials: Sequence[HeldCredential], *, name: str, signer: Signer, created_at: datetime
) -> dict[str, Any]:
    """Return the signed record; the Ed25519 key is its issuer, by its did:key, and need not be anybody's otherwise.

    `partial`: nobody who holds badges can promise that these are all (CLR 2.0).
    """
    did = did_key(signer.public_key.jwk)
    record = {
        "@context": list(_CONTEXTS),
        "id": f"urn:uuid:{uuid.uuid4()}",
        "type": ["VerifiableCredential", "ClrCredential"],
        "name": name,
        "issuer": {"id": did, "type": ["Profile"]},
        "validFrom": format_date_time(int(created_at.timestamp())),
        "partial": True,
        "credentialSubject": {
            "type": ["ClrSubject"],
            "verifiableCredential": [_create_part(credential) for credential in credentials],
        },
    }
    return add_proof(
        record,
        cryptosuite="eddsa-rdfc-2022",
        signer=signer,
        verification_method=multikey_url(did, signer.public_key),
        proof_purpose="assertionMethod",
        created_at=created_at,
    )


def _create_part(credential: HeldCredential) -> dict[str, Any]:
    """What has its proof inside stands there as it is, what has it around in an envelope. VCDM 2.0 §4.13"""
    if credential.format == LDP_VC:
        return parse_json_object(credential.raw)
    return {
        "@context": _CONTEXTS[0],
        "id": f"data:{_MEDIA_TYPES[credential.format]},{credential.raw}",
        "type": "EnvelopedVerifiableCredential",
    }
