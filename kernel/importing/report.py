"""The verdict about an imported thing: named checks, each passed, failed, unknown or not applicable, and why.

As `kernel.report`, but for a file instead of a presentation: nobody proved to hold it, and it may be of forms that are
never presented. "Could not be checked" never counts as proven (K-74); a check that is not in the report is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from kernel.errors import CredentialError, TooLargeError, UndecidedError
from kernel.importing.imported import Imported
from kernel.importing.lookups import Lookup
from kernel.keys import PublicKey
from kernel.open_badges import Endorsement
from kernel.report import Outcome

# In the order of B-21: nothing later can be believed when something earlier failed.
IMPORT_CHECK_CODES: Final = (
    "format",
    "issuer_key",
    "proof",
    "issuer",
    "validity",
    "status",
    "recipient",
    "holder_binding",
    "contents",
)
_PROVING: Final = ("format", "issuer_key", "proof", "issuer", "validity", "status")

# Reasons that no error has: what a check had nothing to go by, or was not made on purpose.
NO_PROOF: Final = "no_proof"
SEAL_NOT_CHECKED: Final = "seal_not_checked"
PROOF_NOT_SUPPORTED: Final = "proof_not_supported"
CONTEXT_NOT_KNOWN: Final = "context_not_known"
SKIPPED: Final = "skipped"
NO_STATUS: Final = "no_status"
STATUS_HIDDEN: Final = "status_hidden"
NOT_ASKED: Final = "not_asked"
BEARER: Final = "bearer"
NOT_SHOWN_BY_HOLDER: Final = "not_shown_by_holder"
WEAK_HASH: Final = "weak_hash"
ARCHIVED: Final = "archived"
ARCHIVE_NOT_LAST: Final = "archive_not_last"
# Every reason that a report can give and that is no error's `code`; a page has words for each.
REASONS: Final = frozenset(
    {NO_PROOF, SEAL_NOT_CHECKED, PROOF_NOT_SUPPORTED, CONTEXT_NOT_KNOWN, SKIPPED, NO_STATUS, NOT_ASKED, BEARER}
    | {NOT_SHOWN_BY_HOLDER, WEAK_HASH, STATUS_HIDDEN, ARCHIVED, ARCHIVE_NOT_LAST}
)


class Verdict(StrEnum):
    """All checks together: `UNPROVEN` is what could not be checked, and says neither yes nor no."""

    PROVEN = "proven"
    UNPROVEN = "unproven"
    REFUTED = "refuted"


@dataclass(frozen=True, slots=True)
class ImportCheck:
    """One check, why it ended so (an error's `code`, or one of the reasons above), and what it was judged on."""

    code: str
    outcome: Outcome
    reason: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the check as it is stored and sent."""
        return {
            "code": self.code,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "evidence": dict(self.evidence),
        }


def failure(code: str, error: CredentialError, **evidence: Any) -> ImportCheck:
    """Return a check that did not hold; what could not be decided is unknown, not failed (K-74).

    Nor is it a fault of a badge that we take on no more work than this.
    """
    outcome = Outcome.UNKNOWN if isinstance(error, UndecidedError | TooLargeError) else Outcome.FAILED
    return ImportCheck(code, outcome, error.code, evidence)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who was shown to have issued it, and of what kind it is: what a trust list can be asked about. T-04.

    `key` is None for a badge that its issuer hosts: its address is all that speaks for it.
    """

    issuer: str
    key: PublicKey | None
    types: frozenset[str]
    achievement_type: str | None
    issued_at: datetime | None


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was found about one imported thing, and what is still to be fetched before more can be said.

    `imported` is what was judged in the end: for an address, what stands there; for a hosted badge, what its issuer
    publishes. `parts` are the reports of the credentials inside it, in their order. `signer` is there once the proof
    held, and `endorsements` only then: what others say of it counts as little as itself before that (A-50).
    `archived_at` is when the archive was made that keys or status came from, None where the issuer itself answered.
    """

    imported: Imported
    checks: tuple[ImportCheck, ...]
    lookups: tuple[Lookup, ...] = ()
    parts: tuple["ImportReport", ...] = ()
    signer: Signer | None = None
    endorsements: tuple[Endorsement, ...] = ()
    archived_at: datetime | None = None

    def check(self, code: str) -> ImportCheck:
        """Return a check by its code; one that was not made is unknown."""
        return next((check for check in self.checks if check.code == code), ImportCheck(code, Outcome.UNKNOWN, SKIPPED))

    @property
    def verdict(self) -> Verdict:
        """Return whether its issuer said this and still stands by it; who holds it is another question.

        The proof itself must have passed: there is nothing for which no proof is needed.
        """
        required = (*_PROVING, "contents") if self.parts else _PROVING
        outcomes = {self.check(code).outcome for code in required}
        if Outcome.FAILED in outcomes:
            return Verdict.REFUTED
        if Outcome.UNKNOWN in outcomes or self.check("proof").outcome is not Outcome.PASSED:
            return Verdict.UNPROVEN
        return Verdict.PROVEN

    @property
    def is_bearer(self) -> bool:
        """Whether anybody who has the file could show it as his own."""
        return self.check("holder_binding").reason == BEARER

    def as_json(self) -> dict[str, Any]:
        """Return the report as it is stored and sent."""
        return {
            "kind": self.imported.kind.value,
            "container": self.imported.container.value,
            "securing": self.imported.securing.value,
            "is_older_form": self.imported.is_older_form,
            "is_bearer": self.is_bearer,
            "verdict": self.verdict.value,
            "archived_at": None if self.archived_at is None else self.archived_at.isoformat(),
            "checks": [self.check(code).as_json() for code in IMPORT_CHECK_CODES],
            "lookups": [{"url": lookup.url, "kind": lookup.kind.value} for lookup in self.lookups],
            "parts": [part.as_json() for part in self.parts],
            "endorsements": [_endorsement_json(endorsement) for endorsement in self.endorsements],
        }


def _endorsement_json(endorsement: Endorsement) -> dict[str, Any]:
    return {
        "endorser": endorsement.endorser_id,
        "endorsed": endorsement.endorsed,
        "outcome": endorsement.outcome.value,
        "reason": endorsement.error_code,
    }
