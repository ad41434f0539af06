"""DCQL: what a verifier may ask, what a wallet can answer, and whether what was shown answers it. OpenID4VP 1.0 §6."""

from kernel.dcql.answer import verify_answer, verify_credential_answer
from kernel.dcql.claims_path import ClaimsPath, ConcretePath, find_path, parse_claims_path, select_path
from kernel.dcql.matching import Answer, Authorities, Candidate, DcqlMatch, SetMatch, match
from kernel.dcql.query import (
    ClaimsQuery,
    CredentialQuery,
    CredentialSetQuery,
    DcqlQuery,
    QueryTooLargeError,
    TrustedAuthority,
    parse_dcql_query,
    verify_own_query,
)

__all__ = [
    "Answer",
    "Authorities",
    "Candidate",
    "ClaimsPath",
    "ClaimsQuery",
    "ConcretePath",
    "CredentialQuery",
    "CredentialSetQuery",
    "DcqlMatch",
    "DcqlQuery",
    "QueryTooLargeError",
    "SetMatch",
    "TrustedAuthority",
    "find_path",
    "match",
    "parse_claims_path",
    "parse_dcql_query",
    "select_path",
    "verify_answer",
    "verify_credential_answer",
    "verify_own_query",
]
