"""A document as `ecdsa-sd-2023` signs it: statement by statement, its blank nodes under names of the proof's own.

ECDSA §3.4 and §3.5. What pointers leave of a document depends on its shape alone, so where that was met before, the
statements are filled into it: `kernel.json_ld.shapes`, which also says when they have to be made the general way.
"""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from kernel import base64url
from kernel.data_integrity.canonical_form import pinned_shapes
from kernel.data_integrity.json_pointers import select
from kernel.errors import MalformedError
from kernel.json_ld import ContextStore, deskolemize, pinned_contexts, skolemize, to_rdf
from kernel.json_ld.shapes import Rename, Stated
from kernel.json_ld.skolemization import SKOLEM_PREFIX
from kernel.rdf_canon import Quad, label_canonically, relabel

# A text that begins so may be the name of a blank node, and a cut treats it as no other.
RESERVED: Final = ("_:", SKOLEM_PREFIX)


class Cut(NamedTuple):
    """The statements of a document in signed order: those that are always shown, and all others."""

    mandatory: Sequence[str]
    others: Sequence[str]


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A document in which every node has a name, and its statements. ECDSA §3.4"""

    skolemized: Mapping[str, Any]
    quads: Sequence[Quad]
    contexts: ContextStore

    def select(self, pointers: Sequence[str]) -> list[Quad]:
        """Return the statements that the pointers leave."""
        part = select(self.skolemized, pointers)
        return [] if part is None else deskolemize(to_rdf(part, contexts=self.contexts))


@dataclass(frozen=True, slots=True)
class GroupedDocument:
    """A document's statements in signed order, and the cut that pointers make through them. ECDSA §3.4.16."""

    named: NamedDocument
    labels: Mapping[str, str]
    lines: tuple[str, ...]

    def indexes(self, pointers: Sequence[str]) -> frozenset[int]:
        """Return the positions of the statements that the pointers leave."""
        return self.positions(self.named.select(pointers))

    def positions(self, quads: Sequence[Quad]) -> frozenset[int]:
        """Return where statements of a part stand in the whole."""
        lines = set(relabel(quads, self.labels).lines)
        found = frozenset(position for position, line in enumerate(self.lines) if line in lines)
        if len(found) != len(lines):
            raise MalformedError("a part of the document says something else than the whole")
        return found


def name_nodes(document: Mapping[str, Any], contexts: ContextStore) -> NamedDocument:
    """Return a document with a name for every node, as its statements have it too."""
    skolemized, quads = skolemize(document, contexts)
    return NamedDocument(skolemized, deskolemize(quads), contexts)


def group_document(document: Mapping[str, Any], hmac_key: bytes, contexts: ContextStore | None) -> GroupedDocument:
    """Return a document's statements under labels that only the holder of the key can make. ECDSA §3.4.16, §3.5.1"""
    named = name_nodes(document, contexts or pinned_contexts())
    canonical = label_canonically(named.quads)
    labels = dict(zip(canonical, hide_labels(hmac_key)(list(canonical.values())), strict=True))
    return GroupedDocument(named, labels, relabel(named.quads, labels).lines)


def cut_document(
    document: Mapping[str, Any], hmac_key: bytes, pointers: Sequence[str], contexts: ContextStore | None
) -> Cut:
    """Return the same as the cut that mandatory pointers make through it."""
    filled = None
    if contexts is None:
        filled = pinned_shapes().find_lines(
            document,
            hide_labels(hmac_key),
            state=lambda marked: state_cut(name_nodes(marked, pinned_contexts()), pointers),
            aspect=tuple(pointers),
            reserved=RESERVED,
        )
    if filled is None:
        grouped = group_document(document, hmac_key, contexts)
        return cut_lines(grouped.lines, grouped.indexes(pointers))
    return cut_marked(filled)


def state_cut(named: NamedDocument, pointers: Sequence[str]) -> Stated:
    """Return the statements of a document, those that the pointers leave as the chosen ones."""
    chosen = frozenset(named.select(pointers))
    if not chosen <= frozenset(named.quads):
        raise MalformedError("a part of the document says something else than the whole")
    return Stated(named.quads, chosen)


def cut_marked(lines: Iterable[tuple[str, bool]]) -> Cut:
    """Return statements in two, by what stands beside each: whether it is always shown."""
    ordered = sorted(lines)
    return Cut(
        [line for line, is_mandatory in ordered if is_mandatory],
        [line for line, is_mandatory in ordered if not is_mandatory],
    )


def cut_lines(lines: Sequence[str], mandatory: frozenset[int]) -> Cut:
    """Return statements in two, by the positions of those that are always shown."""
    return Cut(
        [line for position, line in enumerate(lines) if position in mandatory],
        [line for position, line in enumerate(lines) if position not in mandatory],
    )


def relabel_document(document: Mapping[str, Any], rename: Rename, contexts: ContextStore | None) -> Sequence[str]:
    """Return a document's statements in order under the names that somebody gives for its canonical labels."""
    filled = pinned_shapes().find_lines(document, rename, state=_state, aspect="whole") if contexts is None else None
    if filled is not None:
        return sorted([line for line, _ in filled])
    quads = list(dict.fromkeys(to_rdf(document, contexts=contexts)))
    canonical = label_canonically(quads)
    labels = dict(zip(canonical, rename(list(canonical.values())), strict=True))
    return relabel(quads, labels).lines


def hide_labels(hmac_key: bytes) -> Rename:
    """Return what makes blank nodes' names in the signed statements of their canonical labels. ECDSA §3.5.1"""
    return lambda labels: [name_digest(hmac.digest(hmac_key, label[2:].encode(), "sha256")) for label in labels]


def name_digest(digest: bytes) -> str:
    """Return a blank node's name in the signed statements."""
    return f"_:u{base64url.encode(digest)}"


def _state(marked: Mapping[str, Any]) -> Stated:
    return Stated(list(dict.fromkeys(to_rdf(marked))))
