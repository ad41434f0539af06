"""Embedded proofs: documents signed by what they say, in sets and chains, by one cryptosuite a file.

VC Data Integrity 1.0, Data Integrity EdDSA and ECDSA Cryptosuites 1.0; PROFILE.md K-55 to K-64, A-19 to A-21.
"""

from kernel.data_integrity.proof import UnverifiedProof, parse_proofs, without_proof
from kernel.data_integrity.verification import (
    ALWAYS_SHOWN,
    CRYPTOSUITES,
    SIGNING_CRYPTOSUITES,
    FindKey,
    SecuredCredential,
    SecuredPresentation,
    VerifiedProof,
    add_base_proof,
    add_proof,
    derive_credential,
    verify_credential,
    verify_holder,
    verify_presentation,
    verify_proofs,
    verify_signatures,
)

__all__ = [
    "ALWAYS_SHOWN",
    "CRYPTOSUITES",
    "SIGNING_CRYPTOSUITES",
    "FindKey",
    "SecuredCredential",
    "SecuredPresentation",
    "UnverifiedProof",
    "VerifiedProof",
    "add_base_proof",
    "add_proof",
    "derive_credential",
    "parse_proofs",
    "verify_credential",
    "verify_holder",
    "verify_presentation",
    "verify_proofs",
    "verify_signatures",
    "without_proof",
]
