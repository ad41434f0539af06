"""A name for every unnamed node of a document, so that parts of it can be told apart from the whole. ECDSA §3.4.

Selective disclosure cuts a document by JSON pointers and asks which statements are left. Nodes without identifier get
one of the form `urn:bnid:…` before the cut and lose it afterwards; the cells of lists, which JSON cannot name, are
named by where they hang.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from kernel.json_ld.contexts import ActiveContext, ContextStore, Term
from kernel.json_ld.conversion import Conversion, Members
from kernel.json_ld.errors import JsonLdError, Reason
from kernel.rdf_canon import Quad, iri, is_blank

SKOLEM_PREFIX: Final = "urn:bnid:"


def skolemize(document: Mapping[str, Any], contexts: ContextStore) -> tuple[dict[str, Any], list[Quad]]:
    """Return a copy of the document in which every node has an `id`, and its statements."""
    fresh = _copy(dict(document), {})
    conversion = _Skolemization(contexts)
    conversion.convert_top(fresh)
    if any(is_blank(quad[3]) for quad in conversion.quads):
        raise JsonLdError(Reason.UNSUPPORTED, "a graph without a name cannot be disclosed in part")
    named: dict[str, Any] = _copy(fresh, conversion.names)
    return named, conversion.quads


def deskolemize(quads: Iterable[Quad]) -> list[Quad]:
    """Return the statements of a skolemized document with blank nodes in place of the identifiers, each once."""
    unique = list(dict.fromkeys(quads))
    names = _BlankNames(_name_cells(unique))
    return list(dict.fromkeys([(names[s], predicate, names[o], names[graph]) for s, predicate, o, graph in unique]))


class _Skolemization(Conversion):
    """A conversion that remembers which JSON object each unnamed node was."""

    def __init__(self, contexts: ContextStore) -> None:
        super().__init__(contexts)
        self.names: dict[int, str] = {}
        self._elements: dict[int, tuple[Members, dict[str, Any]]] = {}

    def _enter(
        self, active: ActiveContext, element: dict[str, Any], term: Term | None
    ) -> tuple[ActiveContext, ActiveContext, Members]:
        result = super()._enter(active, element, term)
        self._elements[id(result[2])] = (result[2], element)
        return result

    def _subject(self, active: ActiveContext, members: Members) -> str:
        if any(expanded == "@id" for expanded, _, _ in members):
            subject = super()._subject(active, members)
            if is_blank(subject) or subject.startswith(f"<{SKOLEM_PREFIX}"):
                raise JsonLdError(Reason.REGROUPED, "an identifier that only this document knows")
            return subject
        name = f"{SKOLEM_PREFIX}{len(self.names)}"
        self.names[id(self._elements[id(members)][1])] = name
        return iri(name)


def _copy(value: Any, names: Mapping[int, str]) -> Any:
    """Return a copy in which no object occurs twice, with the names given to objects of the original."""
    if isinstance(value, list):
        return [_copy(element, names) for element in value]
    if isinstance(value, dict):
        members = {name: member if name == "@context" else _copy(member, names) for name, member in value.items()}
        return {"id": names[id(value)], **members} if id(value) in names else members
    return value


class _BlankNames(dict[str, str]):
    """What each term becomes; all but the cells of lists are looked at when they are met first."""

    def __missing__(self, term: str) -> str:
        self[term] = f"_:{term[len(SKOLEM_PREFIX) + 1 : -1]}" if term.startswith(f"<{SKOLEM_PREFIX}") else term
        return self[term]


def _name_cells(quads: Iterable[Quad]) -> dict[str, str]:
    """Name each list cell after the node, property and place that lead to it, from the heads of lists onwards."""
    links: dict[str, list[tuple[str, str]]] = {}
    for subject, predicate, object_, _ in quads:
        if is_blank(object_):
            links.setdefault(subject, []).append((predicate, object_))
    cells: dict[str, str] = {}
    waiting = [subject for subject in links if not is_blank(subject)]
    while waiting:
        subject = waiting.pop()
        for place, (predicate, cell) in enumerate(links.get(subject, ())):
            text = f"{cells.get(subject, subject)} {predicate} {place}"
            cells[cell] = f"_:list{hashlib.sha256(text.encode()).hexdigest()}"
            waiting.append(cell)
    return cells
