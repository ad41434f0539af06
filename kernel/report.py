"""The verdict about a presentation, as a value: named checks that passed, failed, were not done, or do not apply.

PROFILE.md V-40, T-01. Acceptance is never the default: it takes a list of required checks, and each of them
must have run and passed. "Could not be checked" is an outcome of its own and never counts as passed (K-74).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

from kernel.errors import CredentialError, UndecidedError

# In the order in which they are made: nothing later can be believed when something earlier failed.
CHECK_CODES: Final = (
    "format",
    "issuer_key",
    "signature",
    "validity",
    "holder_binding",
    "status",
    "issuer_recognised",
    "query",
)


class Outcome(StrEnum):
    """How one check ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True, slots=True)
class Check:
    """One check that was made, why it failed if it did (`CredentialError.code`), and what it was judged on."""

    code: str
    outcome: Outcome
    error_code: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.code not in CHECK_CODES:
            raise ValueError(f"{self.code!r} is not a check")
        if (self.error_code is None) is (self.outcome in (Outcome.FAILED, Outcome.UNKNOWN)):
            raise ValueError("a check that did not pass says why, and only such a check")

    @classmethod
    def passed(cls, code: str, **evidence: Any) -> Self:
        """Return a check that was made and held."""
        return cls(code, Outcome.PASSED, None, evidence)

    @classmethod
    def failed(cls, code: str, error: CredentialError, **evidence: Any) -> Self:
        """Return a check that did not hold; what could not be decided is unknown, not failed (K-74)."""
        outcome = Outcome.UNKNOWN if isinstance(error, UndecidedError) else Outcome.FAILED
        return cls(code, outcome, error.code, evidence)

    @classmethod
    def not_applicable(cls, code: str, **evidence: Any) -> Self:
        """Return a check for which there was nothing to check."""
        return cls(code, Outcome.NOT_APPLICABLE, None, evidence)

    def as_json(self) -> dict[str, Any]:
        """Return the check as it is stored and sent."""
        return {
            "code": self.code,
            "outcome": self.outcome.value,
            "error_code": self.error_code,
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """All checks of one presentation, or of a response as a whole, and which of them policy requires.

    A presentation that failed is discarded, and the query is judged on what is left (OpenID4VP 1.0 §8.6); so a
    response has a report for each presentation and one about all of it.
    """

    checks: tuple[Check, ...]
    required: frozenset[str]

    def __post_init__(self) -> None:
        if not self.required.issubset(CHECK_CODES):
            raise ValueError("a check is required that does not exist")

    @property
    def accepted(self) -> bool:
        """Whether every required check was made and passed; without checks or requirements nothing is accepted."""
        return bool(self.required) and all(self.outcome(code) is Outcome.PASSED for code in self.required)

    def outcome(self, code: str) -> Outcome:
        """Return how a check ended, the worst when it was made more than once, UNKNOWN when it was never made."""
        outcomes = {check.outcome for check in self.checks if check.code == code}
        return next((outcome for outcome in _WORST_FIRST if outcome in outcomes), Outcome.UNKNOWN)

    def first_problem(self) -> Check | None:
        """Return the first check that failed, or else the first that could not be made, required ones before others."""
        problems = [check for check in self.checks if check.error_code is not None]
        problems.sort(key=lambda check: (check.code not in self.required, check.outcome is Outcome.UNKNOWN))
        return problems[0] if problems else None

    def as_json(self) -> dict[str, Any]:
        """Return the report as it is stored and sent."""
        return {
            "accepted": self.accepted,
            "required": [code for code in CHECK_CODES if code in self.required],
            "checks": [check.as_json() for check in self.checks],
        }


_WORST_FIRST: Final = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE, Outcome.PASSED)
