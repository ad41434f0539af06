"""Which issuers we believe: the ecosystem's signed list, asked about one verified credential (PROFILE.md section 10).

That a signature holds and that its maker is recognised are two answers (T-01). No list, or one that cannot be had,
leaves the answer open; it is never a yes.
"""

from datetime import datetime

from kernel.formats import VerifiedCredential
from kernel.open_badges import badge_view
from kernel.report import Check, Outcome
from kernel.trust_list import Outcome as TrustOutcome
from kernel.trust_list import Recognition, TrustList

OUTCOMES = {
    TrustOutcome.RECOGNISED: (Outcome.PASSED, None),
    TrustOutcome.NOT_FOR_THIS_TYPE: (Outcome.FAILED, "not_for_this_type"),
    TrustOutcome.WITHDRAWN: (Outcome.FAILED, "withdrawn"),
    TrustOutcome.NOT_LISTED: (Outcome.FAILED, "not_listed"),
    TrustOutcome.LIST_UNAVAILABLE: (Outcome.UNKNOWN, "list_unavailable"),
}


def check_issuer_recognised(trust_list: TrustList | None, credential: VerifiedCredential, *, now: datetime) -> Check:
    """Whether the list knew this issuer and key, for this type of badge, when the badge was issued (T-04)."""
    if trust_list is None:
        return Check("issuer_recognised", *OUTCOMES[TrustOutcome.LIST_UNAVAILABLE], {})
    recognition = trust_list.recognise(
        identifiers={credential.issuer},
        key=credential.key,
        service="issuance",
        types=credential.types,
        achievement_type=badge_view(credential.claims, credential.format).achievement_type,
        at=credential.issued_at or credential.valid_from or now,
    )
    return Check("issuer_recognised", *OUTCOMES[recognition.outcome], _evidence(recognition))


def _evidence(recognition: Recognition) -> dict[str, str]:
    found = {
        "list": recognition.list_name,
        "entity": recognition.entity_name,
        "since": recognition.since.isoformat() if recognition.since is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}
