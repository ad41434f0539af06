"""JSON-LD to RDF: strict, bounded, over pinned contexts, and safe to use from many threads. JSON-LD 1.1 API.

`to_rdf` keeps everything a document says or refuses the document with a `Reason`; nothing is dropped and nothing is
fetched (PROFILE.md K-63, K-64, A-19 to A-21).
"""

from typing import Any

from kernel.json_ld.contexts import ContextStore
from kernel.json_ld.conversion import convert
from kernel.json_ld.errors import JsonLdError, Reason
from kernel.json_ld.pinned import CREDENTIALS_V2, DATA_INTEGRITY_V2, PINNED, pinned_contexts
from kernel.json_ld.skolemization import deskolemize, skolemize
from kernel.rdf_canon import Quad

__all__ = [
    "CREDENTIALS_V2",
    "DATA_INTEGRITY_V2",
    "PINNED",
    "ContextStore",
    "JsonLdError",
    "Reason",
    "deskolemize",
    "pinned_contexts",
    "skolemize",
    "to_rdf",
]


def to_rdf(document: Any, *, contexts: ContextStore | None = None) -> list[Quad]:
    """Return every statement of a document that `parse_json` read, or raise JsonLdError.

    Without `contexts`, those are the pinned ones. Terms with a feature that our processor does not know go to PyLD.
    """
    store = contexts or pinned_contexts()
    try:
        return convert(document, store)
    except JsonLdError as error:
        if error.reason is not Reason.UNSUPPORTED:
            raise
    # Few ever come this far, and PyLD brings a whole HTTP client with it.
    from kernel.json_ld.fallback import convert_with_pyld

    return convert_with_pyld(document, store)
