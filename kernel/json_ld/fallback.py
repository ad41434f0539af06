"""PyLD, for documents over pinned contexts whose terms use a feature that our own processor does not know.

Under the same rules: only the store's contexts, nothing dropped, no relative IRI, bounded size. PyLD itself drops in
silence, so whatever it could drop is refused before (null, names of members that are IRIs) or found missing after.
Its own writing of N-Quads is not used: it does not escape as RDFC-1.0 demands (PERFORMANCE.md 9).
"""

from collections.abc import Iterator
from typing import Any, Final

from pyld import jsonld  # type: ignore[import-untyped]

from kernel.json_ld.contexts import KEYWORDS, ContextStore, is_well_formed_iri
from kernel.json_ld.errors import JsonLdError, Reason
from kernel.rdf_canon import Quad, iri, literal

# PyLD takes a hundred times our time.
MAX_LEAVES: Final = 2_000
# PyLD resolves against a base of its own when there is none; against this one, what was relative shows.
_BASE: Final = "relative://refused/"
_LOST: Final = frozenset({"@index", "@direction"})
_REGROUPING: Final = ("@included", "@nest", "@reverse")


def convert_with_pyld(document: Any, contexts: ContextStore) -> list[Quad]:
    """Return the statements of a document, or raise JsonLdError where anything of it would be lost."""
    leaves = _require_readable(document, contexts)
    options = {
        "base": _BASE,
        "documentLoader": _Loader(contexts),
        "keepFreeFloatingNodes": True,
        "processingMode": "json-ld-1.1",
    }
    try:
        expanded = jsonld.expand(document, options, on_property_dropped=_refuse_dropped)
        if sum(1 for _ in _inspect(expanded)) < leaves:
            raise JsonLdError(Reason.LOST, "a value that expansion drops")
        _require_said(expanded)
        dataset = jsonld.to_rdf(expanded, options)
    except (jsonld.JsonLdError, ValueError, RecursionError) as exc:
        raise _original(exc) from exc
    return [_quad(quad, name) for name, quads in dataset.items() for quad in quads]


class _Loader:
    """Hands PyLD the store's documents and nothing else, without the tag by which it would keep them for all stores."""

    def __init__(self, contexts: ContextStore) -> None:
        self._contexts = contexts

    def __call__(self, url: str, options: dict[str, Any]) -> dict[str, Any]:
        document = {"@context": self._contexts.load(url)}
        return {"contentType": "application/ld+json", "contextUrl": None, "documentUrl": url, "document": document}


def _refuse_dropped(name: object) -> None:
    raise JsonLdError(Reason.UNDEFINED_TERM, str(name)[:200])


def _original(exc: BaseException) -> JsonLdError:
    """Find our own refusal inside what PyLD wrapped around it."""
    cause: BaseException | None = exc
    while cause is not None and not isinstance(cause, JsonLdError):
        cause = cause.__cause__ or cause.__context__
    return cause or JsonLdError(Reason.INVALID_VALUE, f"{type(exc).__name__}")


def _require_readable(document: Any, contexts: ContextStore) -> int:
    """Count the leaves of a document that has nothing in it which PyLD would drop without a word."""
    leaves = 0
    for name, value in _walk(document, contexts):
        if value is None:
            raise JsonLdError(Reason.NULL, "")
        if name in _REGROUPING:
            raise JsonLdError(Reason.REGROUPED, str(name))
        if name is not None and (":" in name or name in ("@id", "@type")) and not contexts.allow_iris_as_names:
            raise JsonLdError(Reason.IRI_AS_NAME, name[:200])
        if isinstance(value, dict) and "@language" in value and "@value" not in value:
            raise JsonLdError(Reason.LOST, "a language without a text")
        leaves += not isinstance(value, dict | list)
        if leaves > MAX_LEAVES:
            raise JsonLdError(Reason.TOO_LARGE, "too many values")
    return leaves


def _walk(value: Any, contexts: ContextStore) -> Iterator[tuple[str | None, Any]]:
    """Yield every value below this one with the name it has, contexts left out once they are allowed."""
    for name, child in value.items() if isinstance(value, dict) else ((None, child) for child in value):
        if name == "@context":
            contexts.require_allowed(child)
            continue
        yield name, child
        if isinstance(child, dict | list):
            yield from _walk(child, contexts)


def _inspect(value: Any) -> Iterator[Any]:
    """Yield the leaves of an expanded document, whose IRIs all have to be good."""
    if isinstance(value, list):
        for element in value:
            yield from _inspect(element)
    elif isinstance(value, dict):
        if not _LOST.isdisjoint(value):
            raise JsonLdError(Reason.LOST, "@index or @direction")
        if value.get("@type") == "@json":
            raise JsonLdError(Reason.UNSUPPORTED, "a JSON literal beside other features")
        for name, member in value.items():
            yield from _inspect_member(name, member)
    else:
        yield value


def _inspect_member(name: str, member: Any) -> Iterator[Any]:
    if name in ("@id", "@type"):
        for reference in member if isinstance(member, list) else [member]:
            _require_iri(reference)
            yield reference
        return
    if name not in KEYWORDS:
        _require_iri(name)
    yield from _inspect(member)


def _require_iri(value: Any) -> None:
    if not isinstance(value, str) or value.startswith("relative:"):
        raise JsonLdError(Reason.RELATIVE_IRI, str(value)[:200])
    if not (value.startswith("_:") or is_well_formed_iri(value)):
        raise JsonLdError(Reason.INVALID_IRI, value[:200])


def _require_said(expanded: Any) -> None:
    """Refuse nodes and values at the top, or in a graph, that would become no statement."""
    for element in expanded:
        if "@value" in element or "@list" in element or element.keys() <= {"@id"}:
            raise JsonLdError(Reason.LOST, "a value or node about which nothing is said")
        _require_graphs_said(element)


def _require_graphs_said(value: Any) -> None:
    if isinstance(value, list):
        for element in value:
            _require_graphs_said(element)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name == "@graph":
                _require_said(member)
            else:
                _require_graphs_said(member)


def _quad(quad: dict[str, Any], graph: str) -> Quad:
    subject, predicate, object_ = (_term(quad[position]) for position in ("subject", "predicate", "object"))
    return subject, predicate, object_, "" if graph == "@default" else _name(graph)


def _term(node: dict[str, Any]) -> str:
    if node["type"] != "literal":
        return _name(node["value"])
    return literal(node["value"], datatype=node["datatype"], language=node.get("language"))


def _name(value: str) -> str:
    return value if value.startswith("_:") else iri(value)
