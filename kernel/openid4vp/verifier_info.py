"""What a verifier hands over about itself: attestations, and its reason for asking. OpenID4VP 1.0 §5.1, §5.11; W-57."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.dcql import DcqlQuery
from kernel.errors import MalformedError
from kernel.members import as_object, as_text, as_unique_texts, find_objects, get_text

# The format of the entry in which our verifier says why it asks (V-07).
PURPOSE_FORMAT: Final = "urn:skillswallet:purpose"
# The format of the entry with the code that stands on the screen from which somebody asks (V-23).
COMPARISON_FORMAT: Final = "urn:skillswallet:comparison-code"
# The language of a text of which nobody said in which it is. BCP 47 (RFC 5646 §4.1)
UNDETERMINED: Final = "und"

_COMPARISON_CODE: Final = re.compile(r"[0-9A-Z]{2,10}")


@dataclass(frozen=True, slots=True)
class VerifierInfo:
    """Something said about the verifier, which nobody has checked. Without `credential_ids` it is about all of them."""

    format: str
    data: str | Mapping[str, Any]
    credential_ids: tuple[str, ...] = ()


def parse_verifier_info(members: Mapping[str, Any], query: DcqlQuery) -> tuple[VerifierInfo, ...]:
    """Read `verifier_info` of a request, of whatever formats; none when there is none. §5.1."""
    return tuple(_parse_entry(entry, query) for entry in find_objects(members, "verifier_info"))


def create_verifier_info(purpose: Mapping[str, str] | None, comparison_code: str = "") -> dict[str, Any]:
    """Return the member `verifier_info` that tells, by language, why somebody asks, and which code their screen shows.

    Nothing where there is nothing to tell. V-07, V-23.
    """
    entries: list[dict[str, Any]] = [{"format": PURPOSE_FORMAT, "data": dict(purpose)}] if purpose else []
    if comparison_code:
        entries.append({"format": COMPARISON_FORMAT, "data": comparison_code})
    return {"verifier_info": entries} if entries else {}


def read_purpose(entries: Sequence[VerifierInfo]) -> dict[str, str]:
    """Return our own verifier's reason for asking, by language; information of other formats is ignored. §5.11."""
    for entry in entries:
        if entry.format == PURPOSE_FORMAT:
            texts = as_object(entry.data, "the purpose")
            return {language: get_text(texts, language) for language in texts}
    return {}


def read_comparison_code(entries: Sequence[VerifierInfo]) -> str:
    """Return the code that a holder can compare with the screen from which our own verifier asks; "" without one."""
    for entry in entries:
        if entry.format == COMPARISON_FORMAT:
            if not isinstance(entry.data, str) or not _COMPARISON_CODE.fullmatch(entry.data):
                raise MalformedError("a code to compare that is no short code")
            return entry.data
    return ""


def _parse_entry(entry: Mapping[str, Any], query: DcqlQuery) -> VerifierInfo:
    data = entry.get("data")
    credential_ids = as_unique_texts(entry["credential_ids"], "'credential_ids'") if "credential_ids" in entry else ()
    if any(query.find(query_id) is None for query_id in credential_ids):
        raise MalformedError("information about a credential that is not asked for")
    return VerifierInfo(
        get_text(entry, "format"),
        data if isinstance(data, Mapping) else as_text(data, "'data'"),
        credential_ids,
    )
