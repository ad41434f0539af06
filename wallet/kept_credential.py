"""What was found when a credential was verified at its receipt, as it lies sealed beside the signed bytes.

Whoever can open the vault is its owner, and what is sealed there was written by this wallet after every check of W-15.
So a signature is checked once, and a badge is opened by reading. What can change since (validity, status, recognition)
is judged anew whenever it is shown.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from kernel.formats import StatusKind, StatusReference, VerifiedCredential, parse_credential
from kernel.keys import PublicKey, parse_public_jwk

_DATES = ("issued_at", "valid_from", "expires_at")


def write_kept_credential(credential: VerifiedCredential) -> dict[str, Any]:
    """All of a verified credential as JSON, to be sealed."""
    return {
        "format": credential.format,
        "raw": credential.raw,
        "issuer": credential.issuer,
        "claims": credential.claims,
        "types": sorted(credential.types),
        "holder_key": credential.holder_key.jwk if credential.holder_key else None,
        **{name: _iso(getattr(credential, name)) for name in _DATES},
        "statuses": [asdict(status) for status in credential.statuses],
        "issuer_key": credential.key.jwk,
        "key_id": credential.key_id,
        "is_legacy": credential.is_legacy,
        "x5c": list(credential.x5c),
    }


def read_kept_credential(content: Mapping[str, Any]) -> VerifiedCredential:
    """The credential as it was verified; only for what came out of the vault of its owner."""
    return VerifiedCredential(
        format=content["format"],
        raw=content["raw"],
        issuer=content["issuer"],
        claims=content["claims"],
        types=frozenset(content["types"]),
        holder_key=_find_key(content["holder_key"]),
        issued_at=_moment(content["issued_at"]),
        valid_from=_moment(content["valid_from"]),
        expires_at=_moment(content["expires_at"]),
        statuses=tuple(_read_status(status) for status in content["statuses"]),
        key=parse_public_jwk(content["issuer_key"]),
        key_id=content["key_id"],
        is_legacy=content["is_legacy"],
        # What was kept before chains were has them in its signed bytes.
        x5c=tuple(content["x5c"]) if "x5c" in content else parse_credential(content["raw"]).x5c,
    )


def _read_status(status: Mapping[str, Any]) -> StatusReference:
    messages = tuple((value, text) for value, text in status["messages"])
    return StatusReference(**{**status, "kind": StatusKind(status["kind"]), "messages": messages})


def _find_key(jwk: Mapping[str, Any] | None) -> PublicKey | None:
    return None if jwk is None else parse_public_jwk(jwk)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
