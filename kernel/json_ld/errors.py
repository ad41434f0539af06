"""Why a document is not turned into RDF: a closed list of reasons, for logs, reports and tests."""

from enum import StrEnum
from typing import Final

from kernel.errors import MalformedError


class Reason(StrEnum):
    """What is wrong with a document, or what would be lost on the way from JSON to the signed statements."""

    UNPINNED_CONTEXT = "context that is not pinned"
    INLINE_CONTEXT = "context inside the document that is not on the list"
    INVALID_CONTEXT = "context that is not valid JSON-LD"
    BASE_OR_IMPORT = "context with @base or @import"
    PROTECTED_TERM = "protected term defined again"
    UNDEFINED_TERM = "term that no context defines"
    IRI_AS_NAME = "IRI or keyword where a term belongs"
    REGROUPED = "statements in a place where nobody looks for them"
    RELATIVE_IRI = "relative IRI"
    INVALID_IRI = "IRI that is not well-formed"
    INVALID_VALUE = "value that is not valid JSON-LD"
    NULL = "null"
    NUMBER = "number that changes on its way"
    LOST = "value that no statement would carry"
    DIRECTION = "text direction, which no statement would carry"
    UNSUPPORTED = "feature of a context that is not supported"
    TOO_LARGE = "document that is larger, deeper or more varied than allowed"


class JsonLdError(MalformedError):
    """The document cannot be turned into RDF without loss; `reason` says why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason.value}: {detail}")
        self.reason: Final = reason
