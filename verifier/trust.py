"""Which issuers we believe: what the sources of trust say of one verified credential (PROFILE.md section 10).

That a signature holds and that its maker is recognised are two answers (T-01). No list, or one that cannot be had,
leaves the answer open; it is never a yes.
"""

from kernel.errors import CredentialError, UndecidedError, UntrustedIssuerError
from kernel.report import Check
from kernel.trust_list import Outcome, Recognition


def check_issuer_recognised(recognition: Recognition) -> Check:
    """Whether this issuer and key were known, for this type of badge, when the badge was issued (T-04).

    Which of the five outcomes it was (T-06) stands in the evidence, with the list and the entry that say so.
    """
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
