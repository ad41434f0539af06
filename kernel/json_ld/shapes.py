"""Badges of one achievement differ in their texts alone: what depends only on the shape of a document is done once.

A shape is everything but the texts: names, list lengths, types, contexts, numbers. Its statements are made once, from a
copy of the document with a mark in place of each text. The next document of that shape has its own texts put there, its
own blank nodes hashed, and all sorted. That gives the text of the general way (`to_rdf`, then `canonicalize`) where

  (1) every mark came out as a literal or an IRI of some statement; a text whose mark did not is part of the shape;
  (2) texts in place of IRIs are absolute, well-formed and neither terms nor compact IRIs, which no mark is either;
  (3) no two nodes have the same identifier, no two statements are equal, nothing else is named as the document is;
  (4) the first-degree hashes of all blank nodes differ.

Otherwise the general way is taken; it also gives every refusal. A shape is made when it is met for the second time, so
that a stranger's single document costs nothing extra, and the number and size of shapes kept is bounded.
"""

import hashlib
import itertools
import secrets
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from threading import Lock
from typing import Any, Final, NamedTuple

from kernel.errors import MalformedError
from kernel.json_ld.contexts import KEYWORDS, ContextStore, is_well_formed_iri
from kernel.json_ld.conversion import Conversion
from kernel.json_ld.errors import JsonLdError
from kernel.rdf_canon import HASHES, Quad, escape, escape_all, iri, is_blank

MAX_FAMILIES: Final = 256
MAX_VARIANTS: Final = 4
MAX_SEEN: Final = 4_096
MAX_KEY: Final = 4_000
MAX_TEMPLATES: Final = 64 * 1024
# Of a run whose texts move several nodes about, so many orders are kept; one that moves a single node has few.
MAX_ORDERS: Final = 64

# The same IRIs stand in all badges of an achievement; longer ones are data and stand in one.
MAX_REMEMBERED_IRI: Final = 256

# What these members say chooses types, contexts and languages: it belongs to the shape.
_WORDS: Final = frozenset({"type"}) | KEYWORDS - {"@id", "@value"}
_LIST, _WORD = 0, 1
_UNKNOWN: Final = object()

# What blank nodes are called in place of their canonical labels.
Rename = Callable[[Sequence[str]], Iterable[str]]

_Key = tuple[Any, ...]
# Of a line: fixed text, or the number of a text of the document. Blank nodes' labels are numbered from the back.
_Part = str | int
# The parts of some lines one after the other, out of all that a document has: its texts, what is fixed, its labels.
_Pick = Callable[[Sequence[str]], Any]


class _UnshapedError(Exception):
    """This document has to go the general way."""


class _Slot(NamedTuple):
    """Where a text of the document becomes a term, between a quotation mark or `<` and what closes that."""

    leaf: int
    opening: str
    closing: str


@dataclass(frozen=True, slots=True)
class _Block:
    """Lines that stay together, in groups: all as one where their order is known, one a line where texts decide it."""

    groups: tuple[tuple[_Pick, ...], ...]
    places: frozenset[int]

    def render(self, parts: Sequence[str], *, is_distinct: bool) -> str:
        text = ""
        for group in self.groups:
            lines = ["".join(pick(parts)) for pick in group]
            if is_distinct and len(set(lines)) != len(lines):
                raise _UnshapedError
            lines.sort()
            text += "".join(lines)
        return text


class _Blocks:
    """Blocks to fill in, all at once."""

    def __init__(self, blocks: Iterable[_Block]) -> None:
        self.all = tuple(blocks)
        # In most of them no text decides the order of anything.
        self._picks = [
            block.groups[0][0] if len(block.groups) == len(block.groups[0]) == 1 else None for block in self.all
        ]

    def render(self, parts: Sequence[str], *, are_distinct: bool = False) -> list[bytes]:
        """Return the lines of each block. Where they are to be distinct, equal ones would be a statement said twice.

        Their order as bytes is that of their characters.
        """
        return [
            ("".join(pick(parts)) if pick is not None else block.render(parts, is_distinct=are_distinct)).encode()
            for pick, block in zip(self._picks, self.all, strict=True)
        ]


class _PlainIris:
    """Which texts mean themselves wherever an IRI stands: absolute, no term, no prefix that a context could know."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._remembered = lru_cache(maxsize=4_096)(self.judge)

    def have(self, texts: Iterable[str]) -> bool:
        """Whether all of these are such; of the short ones what was found is remembered."""
        return all(self._remembered(text) if len(text) <= MAX_REMEMBERED_IRI else self.judge(text) for text in texts)

    def judge(self, text: str) -> bool:
        return is_well_formed_iri(text) and text not in self._names and text.partition(":")[0] not in self._names


@dataclass(frozen=True, slots=True)
class Shape:
    """The statements of all documents of one shape.

    `iris` are the texts that stand in place of IRIs, `subjects` all things with a name that something is said about.
    """

    fixed: tuple[str, ...]
    iris: tuple[int, ...]
    top: int | None
    subjects: tuple[int, ...]
    nodes: _Blocks
    blocks: _Blocks

    def fill(self, leaves: Sequence[str], plain_iris: _PlainIris, hash_name: str) -> bytes:
        """Return the canonical text of a document with these texts."""
        parts = self.parts(leaves, plain_iris)
        make_hash = HASHES[hash_name]
        parts += _label([make_hash(node).digest() for node in self.nodes.render(parts)])
        blocks = self.blocks.render(parts, are_distinct=True)
        blocks.sort()
        return b"".join(blocks)

    def parts(self, leaves: Sequence[str], plain_iris: _PlainIris) -> list[str]:
        """Return the parts of lines, all but the labels, with these texts in their places."""
        if not plain_iris.have([leaves[leaf] for leaf in self.iris]):
            raise _UnshapedError
        parts = [*escape_all(leaves), *self.fixed]
        self.require_own_names(parts)
        return parts

    def require_own_names(self, parts: Sequence[str]) -> None:
        """Refuse to go on where something else is named as the document is, or two nodes alike."""
        if self.top is not None and [parts[leaf] for leaf in self.iris].count(parts[self.top]) > 1:
            raise _UnshapedError
        if len({parts[subject] for subject in self.subjects}) != len(self.subjects):
            raise _UnshapedError


class FilledShape:
    """A shape in which most texts stand already, for many documents that differ in few: a run of awards.

    What depends on none of the texts that vary (hashes of blank nodes) is made once, here. So is what depends on them
    only through the order of the blank nodes, for each order that comes up.
    """

    def __init__(self, shape: Shape, leaves: Sequence[str], varying: Sequence[int], plain_iris: _PlainIris) -> None:
        self._shape = shape
        self._plain_iris = plain_iris
        self._parts = shape.parts(leaves, plain_iris)
        self._places = [(leaf, position, leaf in shape.iris) for position, leaf in enumerate(varying)]
        self._hashes = [_hash(node) for node in shape.nodes.render(self._parts)]
        self._nodes = [i for i, node in enumerate(shape.nodes.all) if not node.places.isdisjoint(varying)]
        self._node_blocks = _Blocks([shape.nodes.all[i] for i in self._nodes])
        self._standing = _Blocks([block for block in shape.blocks.all if block.places.isdisjoint(varying)])
        self._changing = _Blocks([block for block in shape.blocks.all if not block.places.isdisjoint(varying)])
        self._rendered: dict[tuple[str, ...], list[bytes]] = {}
        # Unlike the texts of any document, these come in runs: of a status list many, of anything else none twice.
        self._latest: dict[int, str] = {}

    def find_text(self, texts: Sequence[str]) -> bytes | None:
        """Return the canonical text with these texts in place, or None where it has to be made the general way."""
        try:
            return self._fill(texts)
        except (_UnshapedError, MalformedError):
            return None

    def _fill(self, texts: Sequence[str]) -> bytes:
        parts, hashes = list(self._parts), list(self._hashes)
        for leaf, position, is_iri in self._places:
            text = texts[position]
            if is_iri and text != self._latest.get(leaf):
                if not self._plain_iris.judge(text):
                    raise _UnshapedError
                self._latest[leaf] = text
            parts[leaf] = escape(text)
        self._shape.require_own_names(parts)
        for position, node in zip(self._nodes, self._node_blocks.render(parts), strict=True):
            hashes[position] = _hash(node)
        labels = _label(hashes)
        parts += labels
        blocks = self._render_standing(tuple(labels), parts) + self._changing.render(parts, are_distinct=True)
        blocks.sort()
        return b"".join(blocks)

    def _render_standing(self, labels: tuple[str, ...], parts: Sequence[str]) -> list[bytes]:
        rendered = self._rendered.get(labels)
        if rendered is None:
            if len(self._rendered) == MAX_ORDERS:
                self._rendered.clear()
            rendered = self._rendered[labels] = self._standing.render(parts, are_distinct=True)
        return rendered


class Stated(NamedTuple):
    """What a document says, and which of its statements are chosen."""

    quads: Sequence[Quad]
    chosen: frozenset[Quad] = frozenset()


class FilledLines:
    """The same for a proof over each statement of its own: the statements apart, their blank nodes named by others.

    `find_lines` gives them in the order of the quads that they were made of.
    """

    def __init__(self, shape: Shape, lines: Sequence[_Pick], texts: int, plain_iris: _PlainIris) -> None:
        self._shape = shape
        self._lines = lines
        self._plain_iris = plain_iris
        self._nodes = _Blocks([node for node in shape.nodes.all if node.places])
        standing = _Blocks([node for node in shape.nodes.all if not node.places])
        hashes = map(_hash, standing.render([*[""] * texts, *shape.fixed]))
        self._hashes = [None if node.places else next(hashes) for node in shape.nodes.all]

    def find_lines(self, texts: Sequence[str], rename: Rename) -> list[str] | None:
        """Return the statements with these texts in place, or None where they have to be made the general way."""
        try:
            parts = self._shape.parts(texts, self._plain_iris)
            hashes = map(_hash, self._nodes.render(parts))
            parts += rename(_label([known or next(hashes) for known in self._hashes]))
        except (_UnshapedError, MalformedError):
            return None
        lines = ["".join(line(parts)) for line in self._lines]
        return lines if len(set(lines)) == len(lines) else None


def _hash(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


def _label(hashes: Sequence[bytes]) -> list[str]:
    """Return the canonical labels of blank nodes with these hashes, which all have to differ."""
    labels = {digest: f"_:c14n{position}" for position, digest in enumerate(sorted(hashes))}
    if len(labels) != len(hashes):
        raise _UnshapedError
    return [labels[digest] for digest in hashes]


class _Family:
    """The shapes of one key: they differ in the texts that belong to the shape. None where there can be no shape."""

    __slots__ = ("fixed", "shapes", "used")

    def __init__(self) -> None:
        self.used = 0
        self.fixed: tuple[int, ...] = ()
        self.shapes: OrderedDict[tuple[str, ...], Any] = OrderedDict()


class _Marked(NamedTuple):
    """A document with marks in place of its texts, and what it says; how many texts, and those that stood there."""

    document: Mapping[str, Any]
    quads: Sequence[Quad]
    top: str | None
    size: int
    examples: Mapping[int, str]


_Make = Callable[[_Marked], Any]


class Shapes:
    """The shapes that were met, over one store of contexts. Safe to use from many threads."""

    def __init__(self, contexts: ContextStore) -> None:
        self._contexts = contexts
        self._plain_iris = _PlainIris(frozenset(_names(contexts.contexts)))
        self._mark = f"urn:mark-{secrets.token_hex(16)}:"
        self._lock = Lock()
        self._families: dict[_Key, _Family] = {}
        self._uses = itertools.count(1)
        self._seen: OrderedDict[int, None] = OrderedDict()

    def find_text(self, document: Mapping[str, Any], hash_name: str = "sha256") -> bytes | None:
        """Return the canonical text of a document, or None where it has to be made the general way."""
        try:
            key, leaves = _read(document)
            shape = self._find_shape(document, (None, key), leaves, self._make_shape)
            return None if shape is None else shape.fill(leaves, self._plain_iris, hash_name)
        except (_UnshapedError, MalformedError, TypeError, RecursionError):
            # Whatever is wrong with the document, the general way says it. TypeError: a key that cannot be one.
            return None

    def find_lines(
        self,
        document: Mapping[str, Any],
        rename: Rename,
        *,
        state: Callable[[Mapping[str, Any]], Stated],
        aspect: Hashable,
        reserved: tuple[str, ...] = (),
    ) -> list[tuple[str, bool]] | None:
        """Return the statements of a document apart and whether each is chosen, or None as `find_text` does.

        `state` makes them of a document of this shape, and `aspect` says which `state` it was. It may depend on nothing
        but the shape; a document with a text that begins with something `reserved` goes the general way.
        """

        def make(marked: _Marked) -> tuple[FilledLines, Sequence[bool]] | None:
            try:
                stated = state(marked.document)
            except MalformedError:
                return None
            lines = self._read_lines(stated.quads, marked.top, marked.size, marked.examples)
            return None if lines is None else (lines, [quad in stated.chosen for quad in stated.quads])

        try:
            key, leaves = _read(document)
            if reserved and any(text.startswith(reserved) for text in leaves):
                return None
            made = self._find_shape(document, (aspect, key), leaves, make)
        except (_UnshapedError, MalformedError, TypeError, RecursionError):
            return None
        lines = None if made is None else made[0].find_lines(leaves, rename)
        return None if lines is None else list(zip(lines, made[1], strict=True))

    def find_filled(self, document: Mapping[str, Any], paths: Sequence[Sequence[str]]) -> FilledShape | None:
        """Return the shape of a document with all texts in it but those at the paths; None where there is none."""
        try:
            _, leaves = _read(document)
            marked = _with_leaves(document, map(self.mark, range(len(leaves))))
            varying = [self._number(_resolve(marked, path)) for path in paths]
            fixed, shape = self._make(document, leaves, (), self._make_shape)
            if shape is None or not set(varying).isdisjoint(fixed):
                return None
            return FilledShape(shape, leaves, varying, self._plain_iris)
        except (_UnshapedError, MalformedError, TypeError, RecursionError):
            return None

    def mark(self, number: int) -> str:
        """Return what takes the place of a text, by its number: what no document of anybody else contains."""
        return f"{self._mark}{number}."

    def find_marked(self, quads: Sequence[Quad], top: str, examples: Sequence[str]) -> FilledLines | None:
        """Return the statements of a document that has marks in place of some texts; None where they have no shape.

        `top` is the identifier of the document, `examples` stand for the texts that will come.
        """
        return self._read_lines(quads, iri(top), len(examples), dict(enumerate(examples)))

    def _read_lines(
        self, quads: Sequence[Quad], top: str | None, size: int, examples: Mapping[int, str]
    ) -> FilledLines | None:
        reader = _Reader(self._mark, quads, size)
        if not all(reader.takes(number, text, self._plain_iris) for number, text in examples.items()):
            return None
        lines, shape = reader.lines(quads), reader.shape(quads, top)
        return None if shape is None else FilledLines(shape, lines, size, self._plain_iris)

    def _make_shape(self, marked: _Marked) -> Shape | None:
        return _Reader(self._mark, marked.quads, marked.size).shape(marked.quads, marked.top)

    def _number(self, text: Any) -> int:
        if not isinstance(text, str) or not text.startswith(self._mark):
            raise _UnshapedError
        return int(text[len(self._mark) : -1])

    def _find_shape(self, document: Mapping[str, Any], key: _Key, leaves: list[str], make: _Make) -> Any:
        """Return what was made of a document of this shape, once there was one before it."""
        with self._lock:
            family = self._families.get(key) or self._welcome(key)
            if family is None:
                return None
            family.used = next(self._uses)
            fixed = family.fixed
            shape = family.shapes.get(tuple([leaves[position] for position in fixed]), _UNKNOWN)
        if shape is not _UNKNOWN:
            return shape
        fixed, made = self._make(document, leaves, fixed, make)
        with self._lock:
            if fixed != family.fixed:
                family.fixed = fixed
                family.shapes.clear()
            _remember(family.shapes, tuple([leaves[position] for position in fixed]), made, MAX_VARIANTS)
        return made

    def _welcome(self, key: _Key) -> _Family | None:
        """Return a new family for a key that comes back; of one that comes for the first time remember that it did."""
        digest = hash(key)
        if digest not in self._seen:
            _remember(self._seen, digest, None, MAX_SEEN)
            return None
        if len(self._families) == MAX_FAMILIES:
            del self._families[min(self._families, key=lambda known: self._families[known].used)]
        family = self._families[key] = _Family()
        return family

    def _make(
        self, document: Mapping[str, Any], leaves: list[str], fixed: tuple[int, ...], make: _Make
    ) -> tuple[tuple[int, ...], Any]:
        """Make something of the shape of a document, taking texts into it until all others have their place."""
        while True:
            marks = [text if i in fixed else self.mark(i) for i, text in enumerate(leaves)]
            marked = _with_leaves(document, iter(marks))
            conversion = Conversion(self._contexts)
            try:
                conversion.convert_top(marked)
            except JsonLdError:
                return fixed, None
            quads = list(dict.fromkeys(conversion.quads))
            reader = _Reader(self._mark, quads, len(leaves))
            bound = {
                i for i in range(len(leaves)) if i not in fixed and not reader.takes(i, leaves[i], self._plain_iris)
            }
            if not bound:
                examples = {i: text for i, text in enumerate(leaves) if i not in fixed}
                return fixed, make(_Marked(marked, quads, conversion.top, len(leaves), examples))
            fixed = tuple(sorted({*fixed, *bound}))


class _Reader:
    """Finds marks in statements, and turns the statements into lines in which those of `count` texts have places."""

    def __init__(self, mark: str, quads: Sequence[Quad], count: int) -> None:
        self._mark = mark
        self._count = count
        self._slots: dict[str, _Slot] = {}
        self._spoilt: set[int] = set()
        for quad in quads:
            for position, term in enumerate(quad):
                self._read_term(term, is_type=position == 2 and quad[1].endswith("rdf-syntax-ns#type>"))
        self._nodes = list(dict.fromkeys(term for quad in quads for term in quad if is_blank(term)))
        self._labels = {node: place - len(self._nodes) for place, node in enumerate(self._nodes)}
        self._fixed: dict[str, int] = {}

    def _read_term(self, term: str, *, is_type: bool) -> None:
        if self._mark not in term:
            return
        opening, _, rest = term.partition(self._mark)
        number, _, closing = rest.partition(".")
        if (opening == "<" and closing == ">" and not is_type) or (opening == '"' and closing.startswith('"')):
            self._slots[term] = _Slot(int(number), opening, closing)
        else:
            self._spoilt.update(int(part.partition(".")[0]) for part in term.split(self._mark)[1:])

    def takes(self, leaf: int, text: str, plain_iris: _PlainIris) -> bool:
        """Whether a text has its place in some statement and could stand there."""
        slots = [slot for slot in self._slots.values() if slot.leaf == leaf]
        return (
            bool(slots)
            and leaf not in self._spoilt
            and all(slot.opening == '"' or plain_iris.have([text]) for slot in slots)
        )

    def shape(self, quads: Sequence[Quad], top: str | None) -> Shape | None:
        by_subject: dict[str, list[list[_Part]]] = {}
        for quad in quads:
            by_subject.setdefault(quad[0], []).append(self._line(quad))
        about_nodes = [self._about(node, quads) for node in self._nodes]
        all_lines = [line for lines in (*about_nodes, *by_subject.values()) for line in lines]
        if sum(len(part) for line in all_lines for part in line if isinstance(part, str)) > MAX_TEMPLATES:
            return None
        nodes = _Blocks(self._block(lines, skip=0) for lines in about_nodes)
        blocks = _Blocks(self._block(lines, skip=len(self._parts(term))) for term, lines in by_subject.items())
        return Shape(
            iris=tuple(slot.leaf for slot in self._slots.values() if slot.opening == "<"),
            top=self._slots[top].leaf if top in self._slots else None,
            subjects=tuple(self._name(subject) for subject in by_subject if not is_blank(subject)),
            nodes=nodes,
            blocks=blocks,
            fixed=tuple(self._fixed),
        )

    def lines(self, quads: Sequence[Quad]) -> list[_Pick]:
        """Every statement as a line of its own, of which a shape that is made later has the parts."""
        return [self._pick(self._line(quad)) for quad in quads]

    def _about(self, node: str, quads: Sequence[Quad]) -> list[list[_Part]]:
        """The lines that are hashed for a blank node. rdf-canon §4.6"""
        return [
            self._line(tuple("_:a" if term == node else "_:z" if is_blank(term) else term for term in quad))
            for quad in quads
            if node in quad
        ]

    def _line(self, quad: tuple[str, ...]) -> list[_Part]:
        """The parts of one line of N-Quads."""
        parts: list[_Part] = []
        for term in quad:
            if term:
                parts += [*self._parts(term), " "]
        return [*parts, ".\n"]

    def _parts(self, term: str) -> list[_Part]:
        if term in self._slots:
            leaf, opening, closing = self._slots[term]
            return [opening, leaf, closing]
        return [self._labels.get(term, term)]

    def _name(self, term: str) -> int:
        """The place of an IRI without its brackets."""
        return self._slots[term].leaf if term in self._slots else self._place(term[1:-1])

    def _block(self, lines: Sequence[list[_Part]], *, skip: int) -> _Block:
        """Return lines in order; `skip` parts at the front are the same in all of them.

        A line that goes on with a place stands in one group with all that begin as it does up to there.
        """
        beginnings = [(_beginning(line[skip:]), line) for line in lines]
        beginnings.sort(key=itemgetter(0))
        groups: list[tuple[_Pick, ...]] = []
        settled: list[_Part] = []
        while beginnings:
            first, line = beginnings[0]
            is_open = any(isinstance(part, int) for part in line[skip:])
            size = sum(beginning.startswith(first) for beginning, _ in beginnings) if is_open else 1
            group, beginnings = beginnings[:size], beginnings[size:]
            if size == 1:
                settled += line
                continue
            groups += [(self._pick(settled),)] if settled else []
            groups.append(tuple(self._pick(line) for _, line in group))
            settled = []
        groups += [(self._pick(settled),)] if settled else []
        return _Block(tuple(groups), frozenset(part for line in lines for part in line if isinstance(part, int)))

    def _pick(self, parts: Sequence[_Part]) -> _Pick:
        places: list[int] = []
        fixed = ""
        for part in parts:
            if isinstance(part, str):
                fixed += part
            else:
                places += [self._place(fixed), part]
                fixed = ""
        return itemgetter(*places, self._place(fixed))

    def _place(self, text: str) -> int:
        """Where a fixed text stands among all parts."""
        return self._count + self._fixed.setdefault(text, len(self._fixed))


def _beginning(parts: Sequence[_Part]) -> str:
    """The text of a line up to its first place; all labels of blank nodes begin alike."""
    fixed = ""
    for part in parts:
        if isinstance(part, int):
            return fixed + "_:" if part < 0 else fixed
        fixed += part
    return fixed


def _read(document: Mapping[str, Any]) -> tuple[_Key, list[str]]:
    """Return everything of a document but its texts, and its texts, level by level.

    In a key, names are an object, a number is a list; for each of their values there is None for a text, a class for an
    object or list that comes later, a tuple for anything else.
    """
    key: list[Any] = []
    leaves: list[str] = []
    waiting: list[Any] = [dict(document)]
    for value in waiting:
        is_object = type(value) is dict
        key.append(tuple(value) if is_object else len(value))
        for name, member in value.items() if is_object else enumerate(value):
            kind = type(member)
            if name in _WORDS:
                key.append((_LIST, *member) if kind is list else (_WORD, member))
            elif kind is str:
                key.append(None)
                leaves.append(member)
            elif kind is dict or kind is list:
                key.append(kind)
                waiting.append(member)
            else:
                key.append((kind, member))
    if len(key) > MAX_KEY:
        raise _UnshapedError
    return tuple(key), leaves


def _with_leaves(document: Mapping[str, Any], leaves: Iterator[str]) -> dict[str, Any]:
    """Return a document with its texts replaced, in the order in which `_read` takes them."""
    copy = dict(document)
    waiting: list[Any] = [copy]
    for value in waiting:
        for name, member in list(value.items() if type(value) is dict else enumerate(value)):
            kind = type(member)
            if name in _WORDS:
                continue
            if kind is str:
                value[name] = next(leaves)
            elif kind is dict or kind is list:
                value[name] = kind(member)
                waiting.append(value[name])
    return copy


def _resolve(value: Any, path: Sequence[str]) -> Any:
    """Return what stands at a path, of which each step is there."""
    for step in path:
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


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
