"""The ecosystem's signed list: who is recognised, for what, and since when. PROFILE.md section 10.

That a signature is valid and that its issuer is recognised are two answers (T-01); this package gives the second.
"""

from kernel.trust_list.reading import MAX_POINTERS, verify_trust_list
from kernel.trust_list.recognition import (
    LIST_UNAVAILABLE,
    ListPointer,
    Outcome,
    Recognition,
    Service,
    ServiceState,
    State,
    TrustedEntity,
    TrustedService,
    TrustList,
    most_decisive,
)
from kernel.trust_list.writing import create_trust_list, sign_trust_list

__all__ = [
    "LIST_UNAVAILABLE",
    "MAX_POINTERS",
    "ListPointer",
    "Outcome",
    "Recognition",
    "Service",
    "ServiceState",
    "State",
    "TrustList",
    "TrustedEntity",
    "TrustedService",
    "create_trust_list",
    "most_decisive",
    "sign_trust_list",
    "verify_trust_list",
]
