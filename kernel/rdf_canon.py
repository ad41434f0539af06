"""RDFC-1.0: one text for one RDF dataset, whatever its blank nodes were called, under a work budget. W3C rdf-canon.

A quad is four terms as canonical N-Quads writes them (`<iri>`, `"literal"`, `_:name`); the default graph is the empty
text. Whoever makes terms makes them with `iri` and `literal`, so that each is escaped once and never again.
Nearly all documents end at first-degree hashes. Only graphs made to look alike from everywhere need the search
over permutations, which has no bound of its own: a budget of steps stands in for one (§7.1, A-21).
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Final

from kernel.errors import MalformedError, TooLargeError

Quad = tuple[str, str, str, str]

# The W3C's hardest graphs that can be solved take 6,168 steps, a badge one or two hundred; these are spent in 0.02 s.
MAX_WORK: Final = 7_500
# How far the search may go from one look-alike to the next. The W3C's graphs go seven far; a document that goes further
# was made for that, and its verdict must not depend on how much of the stack its reader has used up already.
MAX_DEPTH: Final = 64

# The hashes that RDFC-1.0 may be run with; cryptosuites choose.
HASHES: Final = {"sha256": hashlib.sha256, "sha384": hashlib.sha384}

_SHORT_ESCAPES: Final = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_ESCAPES: Final = {
    **{code: f"\\u{code:04X}" for code in (*range(0x20), 0x7F, 0xFFFE, 0xFFFF)},
    **{ord(character): escape for character, escape in _SHORT_ESCAPES.items()},
}
_ESCAPED: Final = re.compile(r'[\x00-\x1f"\\\x7f\ud800-\udfff\ufffe\uffff]')
_must_escape: Final = _ESCAPED.search
_XSD_STRING: Final = "http://www.w3.org/2001/XMLSchema#string"


@dataclass(frozen=True, slots=True)
class CanonicalDataset:
    """The canonical form: sorted N-Quads lines with their line ends, and how each blank node is called in it."""

    lines: tuple[str, ...]
    labels: Mapping[str, str]

    @property
    def text(self) -> str:
        return "".join(self.lines)


def iri(value: str) -> str:
    """Return the term of an IRI that is known to be well-formed."""
    return f"<{value}>"


def literal(value: str, *, datatype: str = _XSD_STRING, language: str | None = None) -> str:
    """Return the term of a literal. Canonical N-Quads (rdf-canon §5): `xsd:string` goes without saying."""
    escaped = escape(value)
    if language is not None:
        return f'"{escaped}"@{language}'
    return f'"{escaped}"' if datatype == _XSD_STRING else f'"{escaped}"^^<{datatype}>'


def escape(value: str) -> str:
    """Return a text as it stands between the quotes of a literal."""
    if not _must_escape(value):
        return value
    escaped = value.translate(_ESCAPES)
    if any("\ud800" <= character <= "\udfff" for character in escaped):
        raise MalformedError("a text with a lone surrogate")
    return escaped


def escape_all(texts: Sequence[str]) -> list[str]:
    """Return several texts so. Most have nothing to escape, which is seen in all of them at once."""
    joined = "".join(texts)
    if joined.isprintable() and '"' not in joined and "\\" not in joined:
        return list(texts)
    return [escape(text) if _must_escape(text) else text for text in texts]


def is_blank(term: str) -> bool:
    """Whether a term is a blank node."""
    return term.startswith("_:")


def serialize(quad: Quad) -> str:
    """Return the canonical N-Quads line of a quad."""
    subject, predicate, object_, graph = quad
    return f"{subject} {predicate} {object_} {graph} .\n" if graph else f"{subject} {predicate} {object_} .\n"


def canonicalize(quads: Iterable[Quad], *, hash_name: str = "sha256", max_work: int = MAX_WORK) -> CanonicalDataset:
    """Return the canonical form of a dataset, or raise TooLargeError where that takes more work than allowed.

    Equal quads count once.
    """
    dataset = list(dict.fromkeys(quads))
    # The labels are complete: write them into the dataset, rdf-canon §4.4.3, steps 6 and 7.
    return relabel(dataset, label_canonically(dataset, hash_name=hash_name, max_work=max_work))


def label_canonically(quads: Iterable[Quad], *, hash_name: str = "sha256", max_work: int = MAX_WORK) -> dict[str, str]:
    """Return how each blank node is called in the canonical form, or raise as `canonicalize` does.

    rdf-canon §4.4.3; the numbers are its steps. Equal quads count once.
    """
    state = _State(list(dict.fromkeys(quads)), hash_name, max_work)
    # (3) and (4) Nodes that differ in what is said about them directly.
    nodes_by_hash = defaultdict(list)
    for node in state.quads_of:
        nodes_by_hash[state.first_degree_hash(node)].append(node)
    alike = []
    for digest in sorted(nodes_by_hash):
        if len(nodes_by_hash[digest]) == 1:
            state.canonical.issue(nodes_by_hash[digest][0])
        else:
            alike.append(nodes_by_hash[digest])
    # (5) The others, by what is said about their neighbours.
    for nodes in alike:
        _label_alike(state, nodes)
    return {node: f"_:{label}" for node, label in state.canonical.labels.items()}


def relabel(quads: Iterable[Quad], labels: Mapping[str, str]) -> CanonicalDataset:
    """Return the dataset in canonical order under labels that the caller chose for its blank nodes."""
    lines = [
        serialize((labels.get(subject, subject), predicate, labels.get(object_, object_), labels.get(graph, graph)))
        for subject, predicate, object_, graph in quads
    ]
    lines.sort()
    return CanonicalDataset(tuple(lines), labels)


class _Issuer:
    """Hands out labels in the order in which they are asked for. rdf-canon §4.5."""

    __slots__ = ("labels", "prefix")

    def __init__(self, prefix: str, labels: dict[str, str] | None = None) -> None:
        self.prefix = prefix
        self.labels = {} if labels is None else labels

    def issue(self, node: str) -> str:
        label = self.labels.get(node)
        if label is None:
            label = self.labels[node] = f"{self.prefix}{len(self.labels)}"
        return label

    def copy(self) -> "_Issuer":
        return _Issuer(self.prefix, dict(self.labels))


@dataclass(slots=True)
class _State:
    """What the algorithm keeps: quads of each blank node, hashes, labels, and the work that is left. §4.2."""

    quads: Sequence[Quad]
    hash_name: str
    work: int
    depth: int = 0
    quads_of: dict[str, list[Quad]] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    canonical: _Issuer = field(default_factory=lambda: _Issuer("c14n"))

    def __post_init__(self) -> None:
        for quad in self.quads:
            for term in (quad[0], quad[2], quad[3]):
                if term[:2] == "_:":
                    about = self.quads_of.setdefault(term, [])
                    if not about or about[-1] is not quad:
                        about.append(quad)

    def hash(self, text: str) -> str:
        return HASHES[self.hash_name](text.encode()).hexdigest()

    def spend(self, steps: int) -> None:
        self.work -= steps
        if self.work < 0:
            raise TooLargeError("a graph whose canonical form takes more work than allowed here")

    def first_degree_hash(self, node: str) -> str:
        """Hash what is said about a node, with itself called `a` and all others `z`. §4.6."""
        if node not in self.hashes:
            lines = sorted(
                serialize((_anonymous(subject, node), predicate, _anonymous(object_, node), _anonymous(graph, node)))
                for subject, predicate, object_, graph in self.quads_of[node]
            )
            self.hashes[node] = self.hash("".join(lines))
        return self.hashes[node]


def _anonymous(term: str, node: str) -> str:
    if term.startswith("_:"):
        return "_:a" if term == node else "_:z"
    return term


def _label_alike(state: _State, nodes: Sequence[str]) -> None:
    """Order nodes of the same first-degree hash by the hash of their surroundings, and label them so. §4.4.3 (5)."""
    results = []
    for node in nodes:
        if node not in state.canonical.labels:
            issuer = _Issuer("b")
            issuer.issue(node)
            results.append(_hash_n_degree(state, node, issuer))
    results.sort(key=lambda result: result[0])
    for _, issuer in results:
        for node in issuer.labels:
            state.canonical.issue(node)


def _related_hash(state: _State, related: str, quad: Quad, issuer: _Issuer, position: str) -> str:
    """Hash how a neighbour is connected. §4.7."""
    label = state.canonical.labels.get(related) or issuer.labels.get(related)
    name = f"_:{label}" if label else state.first_degree_hash(related)
    predicate = "" if position == "g" else quad[1]
    return state.hash(position + predicate + name)


def _neighbours(state: _State, node: str, issuer: _Issuer) -> dict[str, list[str]]:
    """Return the neighbours of a node by the hash of their connection. §4.8 (2) and (3)."""
    found: dict[str, list[str]] = defaultdict(list)
    for quad in state.quads_of[node]:
        state.spend(1)
        for position, term in (("s", quad[0]), ("o", quad[2]), ("g", quad[3])):
            if term != node and is_blank(term):
                found[_related_hash(state, term, quad, issuer, position)].append(term)
    return found


def _hash_n_degree(state: _State, node: str, issuer: _Issuer) -> tuple[str, _Issuer]:
    """Hash the surroundings of a node, over the smallest path through them. §4.8."""
    state.depth += 1
    if state.depth > MAX_DEPTH:
        raise TooLargeError("a graph whose canonical form takes deeper search than allowed here")
    neighbours = _neighbours(state, node, issuer)
    data = []
    for digest in sorted(neighbours):
        path, issuer = _smallest_path(state, neighbours[digest], issuer)
        data += [digest, path]
    state.depth -= 1
    return state.hash("".join(data)), issuer


def _smallest_path(state: _State, nodes: Sequence[str], issuer: _Issuer) -> tuple[str, _Issuer]:
    """Try every order of the neighbours that are connected alike. §4.8 (5.4)."""
    chosen: tuple[str, _Issuer] | None = None
    for order in permutations(nodes):
        state.spend(len(order))
        tried = _walk(state, order, issuer.copy(), chosen[0] if chosen else None)
        if tried is not None and (chosen is None or tried[0] < chosen[0]):
            chosen = tried
    assert chosen is not None  # noqa: S101 - there is at least one permutation, and the first is never cut short
    return chosen


def _walk(state: _State, order: Sequence[str], issuer: _Issuer, best: str | None) -> tuple[str, _Issuer] | None:
    """Follow one order; None as soon as its path can no longer be the smallest. §4.8 (5.4.1) to (5.4.5)."""
    path, unseen = "", []
    for node in order:
        canonical = state.canonical.labels.get(node)
        if canonical is None and node not in issuer.labels:
            unseen.append(node)
        path += f"_:{canonical or issuer.issue(node)}"
        if _is_beaten(path, best):
            return None
    for node in unseen:
        digest, result = _hash_n_degree(state, node, issuer)
        path += f"_:{issuer.issue(node)}<{digest}>"
        issuer = result
        if _is_beaten(path, best):
            return None
    return path, issuer


def _is_beaten(path: str, best: str | None) -> bool:
    return best is not None and len(path) >= len(best) and path > best
