"""What can be wrong with a status, in the words of the W3C: problem types as full URLs. BSL §3.5; PROFILE.md K-80.3."""

from typing import Final

from kernel.data_integrity.problems import MALFORMED_VALUE_ERROR, RANGE_ERROR
from kernel.errors import CredentialError, MalformedError, RejectedError, UndecidedError

_STATUS: Final = "https://www.w3.org/ns/credentials/status-list#"
STATUS_RETRIEVAL_ERROR: Final = f"{_STATUS}STATUS_RETRIEVAL_ERROR"
STATUS_VERIFICATION_ERROR: Final = f"{_STATUS}STATUS_VERIFICATION_ERROR"
STATUS_LIST_LENGTH_ERROR: Final = f"{_STATUS}STATUS_LIST_LENGTH_ERROR"


class StatusIndexError(RejectedError):
    """The status index lies outside the list."""


class StatusListLengthError(RejectedError):
    """The list has so few entries that asking for it tells who is asked about."""


_TYPES: Final[dict[type[CredentialError], str]] = {
    UndecidedError: STATUS_RETRIEVAL_ERROR,
    MalformedError: MALFORMED_VALUE_ERROR,
    StatusIndexError: RANGE_ERROR,
    StatusListLengthError: STATUS_LIST_LENGTH_ERROR,
    CredentialError: STATUS_VERIFICATION_ERROR,
}


def status_problem_type(error: CredentialError) -> str:
    """Return the URL of the kind of problem with a status; the nearest base class decides."""
    return next(_TYPES[kind] for kind in type(error).__mro__ if kind in _TYPES)
