"""The one text of a document that the RDF cryptosuites sign: JSON-LD to RDF, then RDFC-1.0."""

from collections.abc import Mapping
from typing import Any

from kernel.json_ld import ContextStore, to_rdf
from kernel.rdf_canon import canonicalize


def canonical_text(document: Mapping[str, Any], contexts: ContextStore | None = None, hash_name: str = "sha256") -> str:
    """Return the canonical N-Quads of a document over pinned contexts, or raise MalformedError."""
    return canonicalize(to_rdf(document, contexts=contexts), hash_name=hash_name).text
