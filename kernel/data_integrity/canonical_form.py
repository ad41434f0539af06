"""The one text of a document that the RDF cryptosuites sign: JSON-LD to RDF, then RDFC-1.0."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from kernel.json_ld import ContextStore, pinned_contexts, to_rdf
from kernel.json_ld.shapes import Shapes
from kernel.rdf_canon import canonicalize


def canonical_text(
    document: Mapping[str, Any], contexts: ContextStore | None = None, hash_name: str = "sha256"
) -> bytes:
    """Return the canonical N-Quads of a document, over pinned contexts unless told otherwise, or raise MalformedError.

    Over the pinned contexts, documents of a shape that was met before are filled into it: `kernel.json_ld.shapes`.
    """
    text = pinned_shapes().find_text(document, hash_name) if contexts is None else None
    return general_canonical_text(document, contexts, hash_name) if text is None else text


def general_canonical_text(
    document: Mapping[str, Any], contexts: ContextStore | None = None, hash_name: str = "sha256"
) -> bytes:
    """Return the same text without looking at what was met before."""
    return canonicalize(to_rdf(document, contexts=contexts), hash_name=hash_name).text.encode()


@lru_cache(maxsize=1)
def pinned_shapes() -> Shapes:
    """Return the shapes of this process over the pinned contexts: what one way of signing learned, the others know."""
    return Shapes(pinned_contexts())
