"""Which issuers we believe: the ecosystem's signed list, asked about one verified credential (PROFILE.md section 10).

That a signature holds and that its maker is recognised are two answers (T-01). No list, or one that cannot be had,
leaves the answer open; it is never a yes.
"""

from datetime import datetime

from kernel.errors import CredentialError, UndecidedError, UntrustedIssuerError
from kernel.formats import VerifiedCredential, judged_at
from kernel.open_badges import badge_view
from kernel.report import Check
from kernel.trust_list import Outcome, Recognition, TrustList


def check_issuer_recognised(trust_list: TrustList | None, credential: VerifiedCredential, *, now: datetime) -> Check:
    """Whether the list knew this issuer and key, for this type of badge, when the badge was issued (T-04).

    Which of the five outcomes it was (T-06) stands in the evidence, with the list and the entry that say so.
    """
    if trust_list is None:
        recognition = Recognition(Outcome.LIST_UNAVAILABLE)
    else:
        recognition = trust_list.recognise(
            identifiers={credential.issuer},
            key=credential.key,
            service="issuance",
            types=credential.types,
            achievement_type=badge_view(credential.claims, credential.format).achievement_type,
            at=judged_at(credential, now),
        )
    match recognition.outcome:
        case Outcome.RECOGNISED:
            return Check.passed("issuer_recognised", **_evidence(recognition))
        case Outcome.LIST_UNAVAILABLE:
            error: CredentialError = UndecidedError("no trust list")
        case _:
            error = UntrustedIssuerError(recognition.outcome.value)
    return Check.failed("issuer_recognised", error, **_evidence(recognition))


def _evidence(recognition: Recognition) -> dict[str, str]:
    found = {
        "recognition": recognition.outcome.value,
        "list": recognition.list_name,
        "entity": recognition.entity_name,
        "since": recognition.since.isoformat() if recognition.since is not None else None,
    }
    return {name: value for name, value in found.items() if value is not None}
