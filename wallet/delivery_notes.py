"""What is noted of a badge that a connected service brought, so that the next one can be compared with it. B-23, B-43.

Whoever may bring badges may read none: which badge it is, how new, and whether it is shown to be its issuer's stands in
a note of its own, under a key that the vault and such services have and the database has not. Decision 0080.
"""

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from kernel.importing import Verdict
from kernel.strict_json import encode_json, parse_json_object
from runtime.encryption import SealingKey
from wallet.shelf import ShelfBadge, is_authentic, is_by_somebody
from wallet.vault import Vault

_CONTEXT: Final = "wallet:imported_note"


@dataclass(frozen=True, slots=True)
class DeliveryNote:
    """A badge as far as another delivery needs to know of it.

    `is_by_somebody`: it is authentic, and of more than a key that anybody makes. `valid_from` is UTC and sorts as text.
    `subjects` is a digest, under the note's key, of who received it and what for.
    """

    is_authentic: bool
    is_proven: bool
    is_by_somebody: bool
    valid_from: str
    subjects: str
    digest: str

    def is_changed_by(self, brought: "DeliveryNote") -> bool:
        """Whether the badge that is brought is another, or the same bytes that now count for more."""
        return self.digest != brought.digest or (brought.is_authentic and not self.is_authentic)

    def may_be_replaced_by(self, brought: "DeliveryNote") -> bool:
        """Whether the badge that is brought may take this one's place; its issuer and `id` are the same. B-23

        What is shown to be its issuer's gives way only to a newer form of the same achievement for the same recipient,
        and what is proven only to what is. A form of the same badge with parts left out is not newer.
        """
        if not self.is_authentic:
            return True
        is_newer_form = (
            brought.is_authentic and brought.subjects == self.subjects and brought.valid_from > self.valid_from
        )
        return is_newer_form and (brought.is_proven or not self.is_proven)

    def renewed_by(self, found_now: "DeliveryNote", *, is_refuted: bool) -> "DeliveryNote":
        """What to note after another check of the same file: what could not be asked now was not found to be untrue."""
        is_proven = found_now.is_proven or (self.is_proven and not is_refuted)
        return replace(found_now, is_proven=is_proven)


def identity_key(vault: Vault) -> bytes:
    """The key of notes and identities, which a token that may bring badges carries."""
    return vault.derive("badge-identity")


def create_note(key: bytes, badge: ShelfBadge, found: Mapping[str, Any], file: bytes) -> DeliveryNote:
    return DeliveryNote(
        is_authentic=is_authentic(found),
        is_proven=found["report"]["verdict"] == Verdict.PROVEN.value,
        is_by_somebody=is_by_somebody(badge, found),
        valid_from=_iso(badge.valid_from),
        subjects=hmac.digest(key, f"subjects\0{badge.subjects}".encode(), "sha256").hex(),
        digest=sha256(file).hexdigest(),
    )


def digest_identity(key: bytes, badge: ShelfBadge) -> bytes:
    """Issuer and `id` of a badge: equality without readability. B-23"""
    return hmac.digest(key, f"{badge.issuer}\0{badge.identifier}".encode(), "sha256")


def seal_note(key: bytes, identity: bytes, note: DeliveryNote) -> bytes:
    return SealingKey(key).seal(encode_json(asdict(note)), context=f"{_CONTEXT}:{identity.hex()}")


def open_note(key: bytes, identity: bytes, sealed: bytes) -> DeliveryNote:
    return DeliveryNote(**parse_json_object(SealingKey(key).open(sealed, context=f"{_CONTEXT}:{identity.hex()}")))


def _iso(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat(timespec="microseconds")
