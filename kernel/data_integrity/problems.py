"""What went wrong, in the words of the W3C: problem types as full URLs. VCDM 2.0 §7.2; DI 1.0 §4.7; PROFILE.md K-59.

`PARSING_ERROR` is for whoever reads the bytes: only there it is known that they were no JSON.
"""

from collections.abc import Mapping
from typing import Final

from kernel.errors import (
    AlgorithmNotAllowedError,
    AudienceError,
    CredentialError,
    ExpiredError,
    HolderBindingError,
    InvalidSignatureError,
    MalformedError,
    NonceError,
    NotYetValidError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.json_ld import JsonLdError

_VCDM: Final = "https://www.w3.org/TR/vc-data-model#"
_DATA_INTEGRITY: Final = "https://w3id.org/security#"

PARSING_ERROR: Final = f"{_VCDM}PARSING_ERROR"
CRYPTOGRAPHIC_SECURITY_ERROR: Final = f"{_VCDM}CRYPTOGRAPHIC_SECURITY_ERROR"
MALFORMED_VALUE_ERROR: Final = f"{_VCDM}MALFORMED_VALUE_ERROR"
RANGE_ERROR: Final = f"{_VCDM}RANGE_ERROR"
PROOF_GENERATION_ERROR: Final = f"{_DATA_INTEGRITY}PROOF_GENERATION_ERROR"
PROOF_VERIFICATION_ERROR: Final = f"{_DATA_INTEGRITY}PROOF_VERIFICATION_ERROR"
PROOF_TRANSFORMATION_ERROR: Final = f"{_DATA_INTEGRITY}PROOF_TRANSFORMATION_ERROR"
INVALID_DOMAIN_ERROR: Final = f"{_DATA_INTEGRITY}INVALID_DOMAIN_ERROR"
INVALID_CHALLENGE_ERROR: Final = f"{_DATA_INTEGRITY}INVALID_CHALLENGE_ERROR"

_TYPES: Final[Mapping[type[CredentialError], str]] = {
    JsonLdError: PROOF_TRANSFORMATION_ERROR,
    MalformedError: MALFORMED_VALUE_ERROR,
    NonceError: INVALID_CHALLENGE_ERROR,
    AudienceError: INVALID_DOMAIN_ERROR,
    InvalidSignatureError: PROOF_VERIFICATION_ERROR,
    AlgorithmNotAllowedError: PROOF_VERIFICATION_ERROR,
    WrongTypeError: PROOF_VERIFICATION_ERROR,
    UntrustedIssuerError: PROOF_VERIFICATION_ERROR,
    HolderBindingError: PROOF_VERIFICATION_ERROR,
    ExpiredError: RANGE_ERROR,
    NotYetValidError: RANGE_ERROR,
    CredentialError: CRYPTOGRAPHIC_SECURITY_ERROR,
}


def problem_type(error: CredentialError) -> str:
    """Return the URL of the kind of problem; the nearest base class decides."""
    return next(_TYPES[kind] for kind in type(error).__mro__ if kind in _TYPES)


def generation_problem_type(error: CredentialError) -> str:
    """Return the same where a proof was to be made: what can be read and is refused all the same gets none. DI §4.7"""
    return problem_type(error) if isinstance(error, MalformedError) else PROOF_GENERATION_ERROR
