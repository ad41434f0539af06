"""What others say of a badge, each judged in its own right, with what has to be fetched for it. B-09, A-50."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.x509 import Certificate

from kernel.data_integrity import CRYPTOSUITES
from kernel.endorsement import EndorsementPolicy, check_endorsements
from kernel.formats.status_reference import find_statuses
from kernel.importing.keys import Keys
from kernel.importing.lookups import Library, Lookup, Material
from kernel.importing.statuses import SIGNATURE_ALGORITHMS, Statuses
from kernel.microcredential.members import read_object, read_text
from kernel.open_badges import Endorsement


@dataclass(frozen=True, slots=True)
class EndorsementReport:
    """What was found about each, and what is still to be fetched before that is the last word."""

    endorsements: tuple[Endorsement, ...]
    lookups: tuple[Lookup, ...] = ()


def judge_endorsements(
    claims: Mapping[str, Any], format: str, material: Material, *, now: datetime, anchors: Sequence[Certificate] = ()
) -> EndorsementReport:
    """Judge what others say of a badge that was verified itself; as `judge`, to be repeated with what was fetched."""
    library = Library(material)
    return EndorsementReport(read_endorsements(claims, format, library, now=now, anchors=anchors), library.missing)


def read_endorsements(
    claims: Mapping[str, Any], format: str, library: Library, *, now: datetime, anchors: Sequence[Certificate] = ()
) -> tuple[Endorsement, ...]:
    """Return each endorsement with how its own signature, time, subject and status ended."""
    keys = Keys(library, now=now, anchors=anchors)
    statuses = Statuses(library, keys, now=now)

    def verify_status(endorsement: Mapping[str, Any]) -> None:
        issuer = read_text(endorsement, "issuer") or read_text(read_object(endorsement, "issuer"), "id") or ""
        statuses.require_good(find_statuses(endorsement), issuer, read_text(endorsement, "id"))

    policy = EndorsementPolicy(
        find_key=keys.find,
        verify_status=verify_status,
        cryptosuites=frozenset(CRYPTOSUITES),
        algorithms=SIGNATURE_ALGORITHMS,
        now=now,
    )
    return check_endorsements(claims, format, policy=policy)
