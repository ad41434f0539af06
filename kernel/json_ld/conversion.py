"""A JSON-LD document to RDF in one pass: expansion, flattening and toRdf of JSON-LD 1.1 API §5.1, §7.2 and §8.1.

Strict where the standard drops: whatever would not end up in a statement is an error, for it would not be signed
either. The base IRI is empty (K-63, K-64, A-19).
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from kernel.errors import MalformedError
from kernel.jcs import canonicalize_json
from kernel.json_ld.contexts import KEYWORDS, LANGUAGE_TAG, ActiveContext, ContextStore, Term, is_well_formed_iri
from kernel.json_ld.errors import JsonLdError, Reason
from kernel.rdf_canon import Quad, iri, literal

MAX_DEPTH: Final = 32
MAX_QUADS: Final = 20_000
# Different active contexts in one document: a badge has about twenty.
MAX_CONTEXTS: Final = 256

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XSD: Final = "http://www.w3.org/2001/XMLSchema#"
_RDF_TYPE, _RDF_FIRST, _RDF_REST, _RDF_NIL = (iri(_RDF + name) for name in ("type", "first", "rest", "nil"))
_JSON, _INTEGER, _DOUBLE, _BOOLEAN = f"{_RDF}JSON", f"{_XSD}integer", f"{_XSD}double", f"{_XSD}boolean"
_MAX_INTEGER: Final = 2**53 - 1
_IRI_TYPES: Final = ("@id", "@vocab")
_NO_DATATYPES: Final = (None, "@id", "@vocab", "@none")
# Called `id` and `type` in credentials, which readers look for by those names.
_ALIASED: Final = frozenset({"@id", "@type"})
_VALUE_MEMBERS: Final = frozenset({"@value", "@type", "@language", "@direction", "@index"})
_REGROUPING_KEYWORDS: Final = frozenset({"@included", "@nest", "@reverse"})

# The members of one JSON object: what a name expands to, the name, the value.
Members = list[tuple[str, str, Any]]


def convert(document: Any, contexts: ContextStore) -> list[Quad]:
    """Return the statements of a document, with blank nodes numbered as they were met."""
    conversion = Conversion(contexts)
    for element in document if isinstance(document, list) else [document]:
        conversion.convert_top(element)
    return conversion.quads


class Conversion:
    """One document on its way. `_graph` is the name of the graph that statements go to now."""

    def __init__(self, contexts: ContextStore) -> None:
        self.quads: list[Quad] = []
        self._contexts = contexts
        self._graph = ""
        self.top: str | None = None
        self._nodes = 0
        self._named: dict[str, str] = {}
        self._seen: set[ActiveContext] = set()

    def convert_top(self, element: Any) -> None:
        """§5.1 at the top: an object with `@graph` alone only groups what is in it."""
        self.top = None
        active, type_scoped, members = self._enter(self._contexts.initial, _require_object(element), None)
        if [member[0] for member in members] == ["@graph"]:
            self._free_nodes(members[0][2], active, 1)
        else:
            self.top = self._subject(active, members)
            self._free_node(active, type_scoped, members, 1)

    # What a JSON object means: its context, its names (§5.1 (7) to (13))

    def _enter(
        self, active: ActiveContext, element: dict[str, Any], term: Term | None
    ) -> tuple[ActiveContext, ActiveContext, Members]:
        if active.previous is not None and not _keeps_type_scope(active, element):
            active = active.previous
        if term is not None and term.has_context:
            active = self._derive(active, term.context, override_protected=True)
        if "@context" in element:
            active = self._derive(active, self._contexts.require_allowed(element["@context"]))
        type_scoped = active
        for name in sorted([name for name in element if active.means(name, "@type")]):
            active = self._enter_types(active, type_scoped, element[name])
        return active, type_scoped, self._expand_names(active, element)

    def _expand_names(self, active: ActiveContext, element: dict[str, Any]) -> Members:
        members: Members = []
        keywords = set()
        for name, value in element.items():
            expanded = self._expand_name(active, name)
            if expanded in KEYWORDS:
                if expanded == "@context":
                    continue
                if expanded in keywords and expanded != "@type" and expanded not in _REGROUPING_KEYWORDS:
                    raise JsonLdError(Reason.INVALID_VALUE, f"{expanded} twice")
                keywords.add(expanded)
            members.append((expanded, name, value))
        return members

    def _expand_name(self, active: ActiveContext, name: str) -> str:
        term = active.terms.get(name)
        if term is not None and term.unsupported is not None:
            raise JsonLdError(Reason.UNSUPPORTED, term.unsupported)
        expanded = active.expand(name, vocabulary=True) if term is None else term.iri
        if expanded is None or (":" not in expanded and expanded not in KEYWORDS):
            raise JsonLdError(Reason.UNDEFINED_TERM, name[:200])
        if term is None and ":" in name and not self._contexts.allow_iris_as_names:
            raise JsonLdError(Reason.IRI_AS_NAME, name[:200])
        return expanded

    def _enter_types(self, active: ActiveContext, type_scoped: ActiveContext, types: Any) -> ActiveContext:
        names = types if isinstance(types, list) else [types]
        for name in sorted(name for name in names if isinstance(name, str)):
            term = type_scoped.terms.get(name)
            if term is not None and term.has_context:
                active = self._derive(active, term.context, propagate=False)
        return active

    def _derive(
        self, active: ActiveContext, local: Any, *, override_protected: bool = False, propagate: bool = True
    ) -> ActiveContext:
        result = self._contexts.derive(active, local, override_protected=override_protected, propagate=propagate)
        self._seen.add(result)
        if len(self._seen) > MAX_CONTEXTS:
            raise JsonLdError(Reason.TOO_LARGE, "too many different contexts")
        return result

    # Nodes

    def _free_nodes(self, value: Any, active: ActiveContext, depth: int) -> None:
        """The nodes of a graph: each must say something, for nothing points to it."""
        _require_depth(depth)
        for element in value if isinstance(value, list) else [value]:
            if isinstance(element, list):
                self._free_nodes(element, active, depth + 1)
            else:
                self._free_node(*self._enter(active, _require_object(element), None), depth + 1)

    def _free_node(self, active: ActiveContext, type_scoped: ActiveContext, members: Members, depth: int) -> None:
        before = len(self.quads)
        if any(expanded in ("@value", "@list", "@set") for expanded, _, _ in members):
            raise JsonLdError(Reason.LOST, "a value that belongs to nothing")
        self._node(active, type_scoped, members, depth)
        if len(self.quads) == before:
            raise JsonLdError(Reason.LOST, "a node about which nothing is said")

    def _node(self, active: ActiveContext, type_scoped: ActiveContext, members: Members, depth: int) -> str:
        """Convert a node object and return its subject.

        What is said about the credential itself stands in the credential itself: a holder could otherwise move its
        status to a place where nobody looks for it, and the statements would still be the signed ones.
        """
        _require_depth(depth)
        if depth == 1 and self.top is not None:
            subject = self.top
        else:
            subject = self._subject(active, members)
            if subject == self.top and len(members) > 1:
                raise JsonLdError(Reason.REGROUPED, "the document's own node described inside it")
        for expanded, name, value in members:
            if expanded in _ALIASED and name == expanded and not self._contexts.allow_iris_as_names:
                raise JsonLdError(Reason.IRI_AS_NAME, name)
            if expanded not in KEYWORDS:
                self._property(subject, expanded, value, active, active.terms.get(name), depth)
            elif expanded == "@type":
                self._types(subject, type_scoped, value)
            elif expanded == "@graph":
                self._named_graph(subject, value, active, depth)
            elif expanded != "@id":
                _refuse_keyword(expanded)
        return subject

    def _subject(self, active: ActiveContext, members: Members) -> str:
        for expanded, _, value in members:
            if expanded == "@id":
                return self._reference(active.expand(_require_text(value, "@id"), vocabulary=False), value)
        return self._new_node()

    def _types(self, subject: str, type_scoped: ActiveContext, value: Any) -> None:
        for name in value if isinstance(value, list) else [value]:
            expanded = type_scoped.expand(_require_text(name, "@type"), vocabulary=True)
            self._add(subject, _RDF_TYPE, self._reference(expanded, name, Reason.UNDEFINED_TERM))

    def _named_graph(self, name: str, value: Any, active: ActiveContext, depth: int) -> None:
        outer, self._graph = self._graph, name
        self._free_nodes(value, active, depth)
        self._graph = outer

    def _property(
        self, subject: str, expanded: str, value: Any, active: ActiveContext, term: Term | None, depth: int
    ) -> None:
        if term is None:
            term = _PLAIN
        if expanded.startswith("_:"):
            raise JsonLdError(Reason.LOST, "a property named by a blank node")
        predicate = _predicate(expanded)
        for object_ in self._property_values(value, active, term, depth):
            self._add(subject, predicate, object_)

    # Values

    def _property_values(self, value: Any, active: ActiveContext, term: Term, depth: int) -> list[str]:
        """§5.1 (13.4) onwards: what the term's own type and containers make of the value."""
        if term.type == "@json":
            return [_json_literal(value)]
        if "@language" in term.containers and isinstance(value, dict):
            return list(self._language_map(value, active))
        if "@list" in term.containers:
            return self._list_container(value, active, term, depth)
        if "@graph" in term.containers:
            return self._graph_container(value, active, term, depth)
        return self._values(value, active, term, depth)

    def _values(self, value: Any, active: ActiveContext, term: Term, depth: int) -> list[str]:
        if isinstance(value, dict):
            return self._object(value, active, term, depth + 1)
        if isinstance(value, list):
            _require_depth(depth)
            return [object_ for element in value for object_ in self._values(element, active, term, depth + 1)]
        return [self._scalar(value, active, term)]

    def _object(self, element: dict[str, Any], active: ActiveContext, term: Term, depth: int) -> list[str]:
        active, type_scoped, members = self._enter(active, element, term)
        for expanded, _, value in members:
            if expanded == "@value":
                return [self._value_object(active, type_scoped, members)]
            if expanded in ("@list", "@set"):
                _require_alone(members)
                if expanded == "@list":
                    return [self._list(value, active, term, depth)]
                return self._values(value, active, term, depth)
        return [self._node(active, type_scoped, members, depth)]

    def _list_container(self, value: Any, active: ActiveContext, term: Term, depth: int) -> list[str]:
        if isinstance(value, dict) and any(active.means(name, "@list") for name in value):
            return self._object(value, active, term, depth + 1)
        return [self._list(value, active, term, depth)]

    def _list(self, value: Any, active: ActiveContext, term: Term, depth: int) -> str:
        """Write a list; arrays inside it are lists themselves. §8.1.2"""
        _require_depth(depth)
        objects: list[str] = []
        for element in value if isinstance(value, list) else [value]:
            if isinstance(element, list):
                objects.append(self._list(element, active, term, depth + 1))
            else:
                objects += self._values(element, active, term, depth + 1)
        following = _RDF_NIL
        for object_ in reversed(objects):
            node = self._new_node()
            self._add(node, _RDF_FIRST, object_)
            self._add(node, _RDF_REST, following)
            following = node
        return following

    def _graph_container(self, value: Any, active: ActiveContext, term: Term, depth: int) -> list[str]:
        """Each value becomes a graph of its own with a name of its own, as `proof` has it. §5.1 (13.12)"""
        _require_depth(depth)
        if isinstance(value, list):
            return [name for element in value for name in self._graph_container(element, active, term, depth + 1)]
        name = self._new_node()
        outer, self._graph = self._graph, name
        self._free_node(*self._enter(active, _require_object(value), term), depth + 1)
        self._graph = outer
        return [name]

    def _language_map(self, value: dict[str, Any], active: ActiveContext) -> Iterator[str]:
        """§5.1 (13.7)"""
        if active.direction is not None:
            raise JsonLdError(Reason.DIRECTION, active.direction)
        for language, texts in value.items():
            is_none = active.expand(language, vocabulary=True) == "@none"
            for text in texts if isinstance(texts, list) else [texts]:
                yield _text_literal(_require_text(text, "a language map"), None if is_none else language)

    def _scalar(self, value: Any, active: ActiveContext, term: Term) -> str:
        """§5.3 and §8.1.1"""
        if value is None:
            raise JsonLdError(Reason.NULL, "")
        if term.has_context:
            active = self._derive(active, term.context, override_protected=True)
        if not isinstance(value, str):
            return _native_literal(value, None if term.type in _NO_DATATYPES else term.type)
        if term.type in _IRI_TYPES:
            return self._reference(active.expand(value, vocabulary=term.type == "@vocab"), value)
        if term.type not in _NO_DATATYPES:
            return literal(value, datatype=str(term.type))
        if active.direction is not None:
            raise JsonLdError(Reason.DIRECTION, active.direction)
        return _text_literal(value, term.language if term.has_language else active.language)

    def _value_object(self, active: ActiveContext, type_scoped: ActiveContext, members: Members) -> str:
        """§5.1 (14) and §8.1.1"""
        parts = {expanded: value for expanded, _, value in members}
        if not parts.keys() <= _VALUE_MEMBERS or {"@type", "@language"} <= parts.keys():
            raise JsonLdError(Reason.INVALID_VALUE, "a value with other members")
        if "@index" in parts:
            raise JsonLdError(Reason.LOST, "@index")
        if "@direction" in parts:
            raise JsonLdError(Reason.DIRECTION, repr(parts["@direction"])[:20])
        value = parts["@value"]
        datatype = None
        if "@type" in parts:
            datatype = type_scoped.expand(_require_text(parts["@type"], "@type"), vocabulary=True)
            if datatype == "@json":
                return _json_literal(value)
            datatype = _iri_term(str(datatype))[1:-1]
        if value is None:
            raise JsonLdError(Reason.NULL, "@value")
        if "@language" in parts:
            return _text_literal(_require_text(value, "@value"), _require_text(parts["@language"], "@language"))
        if isinstance(value, str):
            return literal(value) if datatype is None else literal(value, datatype=datatype)
        return _native_literal(value, datatype)

    # Terms and statements

    def _reference(self, expanded: str | None, value: str, undefined: Reason = Reason.RELATIVE_IRI) -> str:
        """Return the term of a node that was named."""
        if expanded is not None and expanded.startswith("_:"):
            if expanded not in self._named:
                self._named[expanded] = self._new_node()
            return self._named[expanded]
        if expanded is None or ":" not in expanded:
            raise JsonLdError(undefined, value[:200])
        return _iri_term(expanded)

    def _new_node(self) -> str:
        self._nodes += 1
        return f"_:b{self._nodes}"

    def _add(self, subject: str, predicate: str, object_: str) -> None:
        self.quads.append((subject, predicate, object_, self._graph))
        if len(self.quads) > MAX_QUADS:
            raise JsonLdError(Reason.TOO_LARGE, "too many statements")


_PLAIN: Final = Term(None)


def _keeps_type_scope(active: ActiveContext, element: dict[str, Any]) -> bool:
    """Whether a type-scoped context goes on into this object: only into values and bare references. §5.1 (7)"""
    if len(element) == 1:
        [name] = element
        return active.means(name, "@id") or active.means(name, "@value")
    return any(active.means(name, "@value") for name in element)


def _require_object(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise JsonLdError(Reason.NULL if value is None else Reason.LOST, "where a node belongs")


def _require_text(value: Any, what: str) -> str:
    if isinstance(value, str):
        return value
    raise JsonLdError(Reason.NULL if value is None else Reason.INVALID_VALUE, f"{what} without text")


def _require_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise JsonLdError(Reason.TOO_LARGE, "too deep")


def _require_alone(members: Members) -> None:
    if len(members) > 1:
        has_index = any(expanded == "@index" for expanded, _, _ in members)
        raise JsonLdError(Reason.LOST if has_index else Reason.INVALID_VALUE, "a list or set with other members")


def _refuse_keyword(expanded: str) -> None:
    if expanded in _REGROUPING_KEYWORDS:
        raise JsonLdError(Reason.REGROUPED, expanded)
    raise JsonLdError(Reason.LOST if expanded in ("@index", "@language") else Reason.INVALID_VALUE, expanded)


def _iri_term(value: str) -> str:
    if is_well_formed_iri(value):
        return iri(value)
    raise JsonLdError(Reason.INVALID_IRI if ":" in value else Reason.RELATIVE_IRI, value[:200])


# The same few IRIs, all from contexts, or at least from names of members.
_predicate = lru_cache(maxsize=1_024)(_iri_term)


def _text_literal(value: str, language: str | None) -> str:
    if language is not None and not LANGUAGE_TAG.fullmatch(language):
        raise JsonLdError(Reason.INVALID_VALUE, f"{language[:50]!r} is no language")
    return literal(value, language=language)


def _json_literal(value: Any) -> str:
    try:
        return literal(canonicalize_json(value), datatype=_JSON)
    except MalformedError as exc:
        raise JsonLdError(Reason.NUMBER, "inside a JSON literal") from exc


def _native_literal(value: Any, datatype: str | None) -> str:
    """Write true, false and numbers as XML Schema does, where that keeps every digit. §8.6"""
    if isinstance(value, bool):
        return literal("true" if value else "false", datatype=datatype or _BOOLEAN)
    if not isinstance(value, int | float):
        raise JsonLdError(Reason.INVALID_VALUE, "a value that is none")
    if isinstance(value, int) and abs(value) > _MAX_INTEGER:
        raise JsonLdError(Reason.NUMBER, "an integer that some readers cannot hold")
    if datatype == _DOUBLE or (isinstance(value, float) and (not value.is_integer() or abs(value) >= 1e21)):
        return literal(_double(float(value)), datatype=datatype or _DOUBLE)
    return literal(str(int(value)), datatype=datatype or _INTEGER)


def _double(value: float) -> str:
    """The canonical form of an xsd:double as JSON-LD writes it: at most sixteen digits."""
    if not math.isfinite(value):
        raise JsonLdError(Reason.NUMBER, "not a number")
    mantissa, _, exponent = f"{value:.15E}".partition("E")
    mantissa = mantissa.rstrip("0")
    text = f"{mantissa}0E{int(exponent)}" if mantissa.endswith(".") else f"{mantissa}E{int(exponent)}"
    if float(text) != value:
        raise JsonLdError(Reason.NUMBER, "more digits than the signed form keeps")
    return text
