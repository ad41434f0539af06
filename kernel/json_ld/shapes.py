"""Badges of one achievement differ in their texts alone: what depends only on the shape of a document is done once.

A shape is everything but the texts: names, list lengths, types, contexts, numbers. Its statements are made once, from a
copy of the document with a mark in place of each text, and become templates. The next document of that shape fills them
in, hashes its own blank nodes and sorts. That gives the text of the general way (`to_rdf`, then `canonicalize`) where

  (1) every mark came out as a literal or an IRI of some statement; a text whose mark did not is part of the shape;
  (2) texts in place of IRIs are absolute, well-formed and neither terms nor compact IRIs, which no mark is either;
  (3) no two nodes have the same identifier, no two statements are equal, nothing else is named as the document is;
  (4) the first-degree hashes of all blank nodes differ.

Otherwise the general way is taken; it also gives every refusal. A shape is made when it is met for the second time, so
that a stranger's single document costs nothing extra, and the number and size of shapes kept is bounded.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from threading import Lock
from typing import Any, Final, NamedTuple

from kernel.errors import MalformedError
from kernel.json_ld.contexts import ContextStore, is_well_formed_iri
from kernel.json_ld.conversion import Conversion
from kernel.json_ld.errors import JsonLdError
from kernel.rdf_canon import HASHES, Quad, escape, is_blank, must_escape

MAX_FAMILIES: Final = 256
MAX_VARIANTS: Final = 4
MAX_SEEN: Final = 4_096
MAX_KEY: Final = 4_000
MAX_TEMPLATES: Final = 64 * 1024

# The same IRIs stand in all badges of an achievement; longer ones are data and stand in one.
MAX_REMEMBERED_IRI: Final = 256

_TEXT_MEMBERS: Final = frozenset({"@id", "@value"})
_LIST, _WORD = 0, 1
_UNKNOWN: Final = object()

# The parts of a template: fixed text, or the place of a term.
_Part = str | int
_Key = tuple[Any, ...]


class _UnshapedError(Exception):
    """This document has to go the general way."""


class _Slot(NamedTuple):
    """Where a text of the document becomes a term. `ending` closes a literal; an IRI has none."""

    leaf: int
    ending: str | None


@dataclass(frozen=True, slots=True)
class _Template:
    """Lines with places for terms."""

    text: str
    pick: Callable[[Sequence[str]], Any] | None
    places: frozenset[int] = frozenset()

    def render(self, terms: Sequence[str]) -> str:
        return self.text if self.pick is None else self.text % self.pick(terms)


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that stay together: one template where their order does not depend on the terms, else one a line."""

    templates: tuple[_Template, ...]

    @property
    def places(self) -> frozenset[int]:
        return frozenset(place for template in self.templates for place in template.places)

    def render(self, terms: Sequence[str]) -> str:
        if len(self.templates) == 1:
            return self.templates[0].render(terms)
        return "".join(sorted(template.render(terms) for template in self.templates))

    def render_distinct(self, terms: Sequence[str]) -> str:
        """The same, where equal lines would be one statement said twice."""
        if len(self.templates) == 1:
            return self.templates[0].render(terms)
        lines = {template.render(terms) for template in self.templates}
        if len(lines) != len(self.templates):
            raise _UnshapedError
        return "".join(sorted(lines))


@dataclass(frozen=True, slots=True)
class Shape:
    """The statements of all documents of one shape."""

    slots: tuple[_Slot, ...]
    top: int | None
    nodes: tuple[_Block, ...]
    subjects: tuple[_Part, ...]
    blocks: tuple[_Block, ...]

    def fill(self, leaves: Sequence[str], names: frozenset[str], hash_name: str) -> str:
        """Return the canonical text of a document with these texts."""
        terms = self.terms(leaves, names)
        make_hash = HASHES[hash_name]
        hashes = [make_hash(node.render(terms).encode()).hexdigest() for node in self.nodes]
        terms += self.labels(terms, hashes)
        return "".join(sorted(block.render_distinct(terms) for block in self.blocks))

    def labels(self, terms: Sequence[str], hashes: Sequence[str]) -> list[str]:
        """Return the canonical labels of the blank nodes, once it is clear that all nodes differ."""
        order = {digest: position for position, digest in enumerate(sorted(hashes))}
        labels = [f"_:c14n{order[digest]}" for digest in hashes]
        named = [*terms, *labels]
        subjects = {named[subject] if isinstance(subject, int) else subject for subject in self.subjects}
        if len(order) != len(hashes) or len(subjects) != len(self.subjects):
            raise _UnshapedError
        return labels

    def terms(self, leaves: Sequence[str], names: frozenset[str]) -> list[str]:
        """Return the terms that the texts become in their slots."""
        terms = []
        for leaf, ending in self.slots:
            text = leaves[leaf]
            if ending is not None:
                terms.append(f'"{escape(text) if must_escape(text) else text}{ending}')
            elif _is_plain_iri(text, names):
                terms.append(f"<{text}>")
            else:
                raise _UnshapedError
        self.require_own_name(terms)
        return terms

    def require_own_name(self, terms: Sequence[str]) -> None:
        """Refuse to go on where something else in the document is named as the document is."""
        if self.top is not None and terms.count(terms[self.top]) > 1:
            raise _UnshapedError


class FilledShape:
    """A shape in which most texts stand already, for many documents that differ in few: a run of awards.

    What depends on none of the texts that vary (terms, hashes of blank nodes, lines) is made once, here.
    """

    def __init__(self, shape: Shape, leaves: Sequence[str], varying: Sequence[int], names: frozenset[str]) -> None:
        self._shape = shape
        self._names = names
        self._terms = shape.terms(leaves, names)
        self._slots = [
            (place, varying.index(leaf), ending) for place, (leaf, ending) in enumerate(shape.slots) if leaf in varying
        ]
        places = {place for place, _, _ in self._slots}
        self._hashes = [hashlib.sha256(node.render(self._terms).encode()).hexdigest() for node in shape.nodes]
        self._nodes = [(i, node) for i, node in enumerate(shape.nodes) if not places.isdisjoint(node.places)]
        places.update(range(len(shape.slots), len(shape.slots) + len(shape.nodes)))
        self._standing = [
            block.render_distinct(self._terms) for block in shape.blocks if places.isdisjoint(block.places)
        ]
        self._blocks = [block for block in shape.blocks if not places.isdisjoint(block.places)]

    def find_text(self, texts: Sequence[str]) -> str | None:
        """Return the canonical text with these texts in place, or None where it has to be made the general way."""
        try:
            return self._fill(texts)
        except (_UnshapedError, MalformedError):
            return None

    def _fill(self, texts: Sequence[str]) -> str:
        terms, hashes = list(self._terms), list(self._hashes)
        for place, position, ending in self._slots:
            text = texts[position]
            if ending is None and not _is_plain_iri(text, self._names):
                raise _UnshapedError
            terms[place] = f"<{text}>" if ending is None else f'"{escape(text)}{ending}'
        self._shape.require_own_name(terms)
        for position, node in self._nodes:
            hashes[position] = hashlib.sha256(node.render(terms).encode()).hexdigest()
        terms += self._shape.labels(terms, hashes)
        return "".join(sorted([*self._standing, *(block.render_distinct(terms) for block in self._blocks)]))


class _Family:
    """The shapes of one key: they differ in the texts that belong to the shape. None where there can be no shape."""

    __slots__ = ("fixed", "shapes")

    def __init__(self) -> None:
        self.fixed: tuple[int, ...] = ()
        self.shapes: OrderedDict[tuple[str, ...], Shape | None] = OrderedDict()


class Shapes:
    """The shapes that were met, over one store of contexts. Safe to use from many threads."""

    def __init__(self, contexts: ContextStore) -> None:
        self._contexts = contexts
        self._names = frozenset(_names(contexts.contexts))
        self._mark = f"urn:mark-{secrets.token_hex(16)}:"
        self._lock = Lock()
        self._families: OrderedDict[_Key, _Family] = OrderedDict()
        self._seen: OrderedDict[int, None] = OrderedDict()

    def find_text(self, document: Mapping[str, Any], hash_name: str = "sha256") -> str | None:
        """Return the canonical text of a document, or None where it has to be made the general way."""
        try:
            key, leaves = _read(document)
            shape = self._find_shape(document, key, leaves)
            return None if shape is None else shape.fill(leaves, self._names, hash_name)
        except (_UnshapedError, MalformedError, TypeError, RecursionError):
            # Whatever is wrong with the document, the general way says it. TypeError: a key that cannot be one.
            return None

    def find_filled(self, document: Mapping[str, Any], paths: Sequence[Sequence[str]]) -> FilledShape | None:
        """Return the shape of a document with all texts in it but those at the paths; None where there is none."""
        try:
            _, leaves = _read(document)
            marks = (f"{self._mark}{number}." for number in range(len(leaves)))
            marked = _with_leaves(document, marks)
            varying = [self._number(_resolve(marked, path)) for path in paths]
            fixed, shape = self._make(document, leaves, ())
            if shape is None or not set(varying).isdisjoint(fixed):
                return None
            return FilledShape(shape, leaves, varying, self._names)
        except (_UnshapedError, MalformedError, TypeError, RecursionError):
            return None

    def _number(self, text: Any) -> int:
        if not isinstance(text, str) or not text.startswith(self._mark):
            raise _UnshapedError
        return int(text[len(self._mark) : -1])

    def _find_shape(self, document: Mapping[str, Any], key: _Key, leaves: list[str]) -> Shape | None:
        with self._lock:
            family = self._families.get(key) or self._welcome(key)
            if family is None:
                return None
            self._families.move_to_end(key)
            shape = family.shapes.get(tuple(leaves[position] for position in family.fixed), _UNKNOWN)
            fixed = family.fixed
        if isinstance(shape, Shape) or shape is None:
            return shape
        fixed, made = self._make(document, leaves, fixed)
        with self._lock:
            if fixed != family.fixed:
                family.fixed = fixed
                family.shapes.clear()
            _remember(family.shapes, tuple(leaves[position] for position in fixed), made, MAX_VARIANTS)
        return made

    def _welcome(self, key: _Key) -> _Family | None:
        """Return a new family for a key that comes back; of one that comes for the first time remember that it did."""
        digest = hash(key)
        if digest not in self._seen:
            _remember(self._seen, digest, None, MAX_SEEN)
            return None
        family = _Family()
        _remember(self._families, key, family, MAX_FAMILIES)
        return family

    def _make(
        self, document: Mapping[str, Any], leaves: list[str], fixed: tuple[int, ...]
    ) -> tuple[tuple[int, ...], Shape | None]:
        """Make the shape of a document, taking texts into it until all others have their place."""
        while True:
            marked = [text if i in fixed else f"{self._mark}{i}." for i, text in enumerate(leaves)]
            conversion = Conversion(self._contexts)
            try:
                conversion.convert_top(_with_leaves(document, iter(marked)))
            except JsonLdError:
                return fixed, None
            quads = list(dict.fromkeys(conversion.quads))
            reader = _Reader(self._mark, quads)
            bound = {i for i in range(len(leaves)) if i not in fixed and not reader.takes(i, leaves[i], self._names)}
            if not bound:
                return fixed, reader.shape(quads, conversion.top)
            fixed = tuple(sorted({*fixed, *bound}))


class _Reader:
    """Finds marks in statements and turns the statements into templates."""

    def __init__(self, mark: str, quads: Sequence[Quad]) -> None:
        self._mark = mark
        self._slots: dict[str, _Slot] = {}
        self._spoilt: set[int] = set()
        for quad in quads:
            for position, term in enumerate(quad):
                self._read_term(term, is_type=position == 2 and quad[1].endswith("rdf-syntax-ns#type>"))
        self._nodes = list(dict.fromkeys(term for quad in quads for term in quad if is_blank(term)))
        terms = [*self._slots, *self._nodes]
        self._places = {term: place for place, term in enumerate(terms)}
        self._quotes = [term[0] for term in terms]

    def _read_term(self, term: str, *, is_type: bool) -> None:
        if self._mark not in term:
            return
        quote, _, rest = term.partition(self._mark)
        number, _, ending = rest.partition(".")
        if quote == "<" and ending == ">" and not is_type:
            self._slots[term] = _Slot(int(number), None)
        elif quote == '"' and ending.startswith('"'):
            self._slots[term] = _Slot(int(number), ending)
        else:
            self._spoilt.update(int(part.partition(".")[0]) for part in term.split(self._mark)[1:])

    def takes(self, leaf: int, text: str, names: frozenset[str]) -> bool:
        """Whether a text has its place in some statement and could stand there."""
        slots = [slot for slot in self._slots.values() if slot.leaf == leaf]
        return (
            bool(slots)
            and leaf not in self._spoilt
            and all(slot.ending is not None or _is_plain_iri(text, names) for slot in slots)
        )

    def shape(self, quads: Sequence[Quad], top: str | None) -> Shape | None:
        nodes = tuple(self._node_block(node, quads) for node in self._nodes)
        by_subject: dict[str, list[list[_Part]]] = {}
        for quad in quads:
            by_subject.setdefault(quad[0], []).append(self._line(quad))
        blocks = tuple(_make_block(lines, self._quotes, skip=1) for lines in by_subject.values())
        subjects = tuple(map(self._part, by_subject))
        size = sum(len(template.text) for block in (*nodes, *blocks) for template in block.templates)
        if size > MAX_TEMPLATES:
            return None
        place = self._places[top] if top in self._slots else None
        return Shape(tuple(self._slots.values()), place, nodes, subjects, blocks)

    def _node_block(self, node: str, quads: Sequence[Quad]) -> _Block:
        """The lines that are hashed for a blank node. rdf-canon §4.6"""
        lines = [
            self._line(tuple("_:a" if term == node else "_:z" if is_blank(term) else term for term in quad))
            for quad in quads
            if node in quad
        ]
        return _make_block(lines, self._quotes, skip=0)

    def _line(self, quad: tuple[str, ...]) -> list[_Part]:
        """The parts of one line of N-Quads."""
        parts: list[_Part] = []
        for term in quad:
            if term:
                parts += [self._part(term), " "]
        return [*parts, ".\n"]

    def _part(self, term: str) -> _Part:
        return self._places.get(term, term)


def _make_block(lines: Sequence[list[_Part]], quotes: Sequence[str], *, skip: int) -> _Block:
    """Return lines as one template if their order is known; `skip` parts at the front are the same in all of them."""
    beginnings = [(_beginning(line[skip:], quotes), line) for line in lines]
    beginnings.sort(key=itemgetter(0))
    for (first, line), (second, _) in pairwise(beginnings):
        if second.startswith(first) and any(isinstance(part, int) for part in line[skip:]):
            return _Block(tuple(_make_template(line) for line in lines))
    return _Block((_make_template([part for _, line in beginnings for part in line]),))


def _beginning(parts: Sequence[_Part], quotes: Sequence[str]) -> str:
    """The text of a line up to its first place, with the first character of the term there."""
    fixed = ""
    for part in parts:
        if isinstance(part, int):
            return fixed + quotes[part]
        fixed += part
    return fixed


def _make_template(parts: Sequence[_Part]) -> _Template:
    places = [part for part in parts if isinstance(part, int)]
    if not places:
        return _Template("".join(map(str, parts)), None)
    text = "".join("%s" if isinstance(part, int) else part.replace("%", "%%") for part in parts)
    return _Template(text, itemgetter(*places), frozenset(places))


def _read(document: Mapping[str, Any]) -> tuple[_Key, list[str]]:
    """Return everything of a document but its texts, and its texts in the order in which they stand."""
    key: list[Any] = []
    leaves: list[str] = []
    _read_value(dict(document), key, leaves)
    if len(key) > MAX_KEY:
        raise _UnshapedError
    return tuple(key), leaves


def _read_value(value: Any, key: list[Any], leaves: list[str]) -> None:
    """Add one value. In a key, None is a text, a tuple of names an object, a number a list, another tuple a value."""
    kind = type(value)
    if kind is str:
        key.append(None)
        leaves.append(value)
    elif kind is dict:
        key.append(tuple(value))
        for name, member in value.items():
            if name == "type" or (name[:1] == "@" and name not in _TEXT_MEMBERS):
                key.append((_LIST, *member) if type(member) is list else (_WORD, member))
            elif type(member) is str:
                key.append(None)
                leaves.append(member)
            else:
                _read_value(member, key, leaves)
    elif kind is list:
        key.append(len(value))
        for element in value:
            _read_value(element, key, leaves)
    else:
        key.append((kind, value))


def _with_leaves(value: Any, leaves: Any) -> Any:
    """Return a value with its texts replaced, in the order in which `_read` took them."""
    if isinstance(value, str):
        return next(leaves)
    if isinstance(value, Mapping):
        return {
            name: member
            if name == "type" or (name[:1] == "@" and name not in _TEXT_MEMBERS)
            else _with_leaves(member, leaves)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [_with_leaves(element, leaves) for element in value]
    return value


def _resolve(value: Any, path: Sequence[str]) -> Any:
    """Return what stands at a path, of which each step is there."""
    for step in path:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _is_plain_iri(text: str, names: frozenset[str]) -> bool:
    """Whether a text means itself wherever an IRI stands: absolute, no term, no prefix that a context could know."""
    return _is_short_plain_iri(text, names) if len(text) <= MAX_REMEMBERED_IRI else _judge_iri(text, names)


def _judge_iri(text: str, names: frozenset[str]) -> bool:
    return is_well_formed_iri(text) and text not in names and text.partition(":")[0] not in names


_is_short_plain_iri = lru_cache(maxsize=4_096)(_judge_iri)


def _names(value: Any) -> list[str]:
    """Return every name that any of the contexts defines."""
    if isinstance(value, Mapping):
        return [found for name, member in value.items() for found in (name, *_names(member))]
    if isinstance(value, list):
        return [found for element in value for found in _names(element)]
    return []


def _remember(memory: OrderedDict[Any, Any], key: Any, value: Any, limit: int) -> None:
    memory[key] = value
    memory.move_to_end(key)
    if len(memory) > limit:
        memory.popitem(last=False)
