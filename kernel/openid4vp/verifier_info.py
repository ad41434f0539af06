"""What a verifier hands over about itself: attestations, and its reason for asking. OpenID4VP 1.0 §5.1, §5.11; W-57."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.dcql import DcqlQuery
from kernel.errors import MalformedError
from kernel.members import as_object, as_text, as_unique_texts, find_objects, get_text

# The format of the entry in which our verifier says why it asks (V-07).
PURPOSE_FORMAT: Final = "urn:skillswallet:purpose"


@dataclass(frozen=True, slots=True)
class VerifierInfo:
    """Something said about the verifier, which nobody has checked. Without `credential_ids` it is about all of them."""

    format: str
    data: str | Mapping[str, Any]
    credential_ids: tuple[str, ...] = ()


def parse_verifier_info(members: Mapping[str, Any], query: DcqlQuery) -> tuple[VerifierInfo, ...]:
    """Read `verifier_info` of a request, of whatever formats; none when there is none. §5.1."""
    return tuple(_parse_entry(entry, query) for entry in find_objects(members, "verifier_info"))


def create_purpose_info(purpose: Mapping[str, str]) -> dict[str, Any]:
    """Return the entry that tells, by language, why somebody asks. V-07."""
    return {"format": PURPOSE_FORMAT, "data": dict(purpose)}


def read_purpose(entries: Sequence[VerifierInfo]) -> dict[str, str]:
    """Return our own verifier's reason for asking, by language; information of other formats is ignored. §5.11."""
    for entry in entries:
        if entry.format == PURPOSE_FORMAT:
            texts = as_object(entry.data, "the purpose")
            return {language: get_text(texts, language) for language in texts}
    return {}


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
