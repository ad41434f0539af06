"""RDFC-1.0 against the W3C's tests, against poison, and against its own promise: names of blank nodes do not matter."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.errors import MalformedError
from kernel.rdf_canon import HASHES, MAX_WORK, Quad, canonicalize, iri, is_blank, literal, relabel, serialize
from tests.support.nquads import parse_nquads

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "rdf-canon" / "tests"
MANIFEST = VECTORS / "manifest.jsonld"
P = iri("https://example.org/p")


class Counted:
    """What canonicalizing does, in numbers that no clock and no coverage changes: each hash, and the bytes it reads."""

    def __init__(self) -> None:
        self.hashes = self.bytes = 0

    def counting(self, hash_: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        def count(data: bytes) -> Any:
            self.hashes += 1
            self.bytes += len(data)
            return hash_(data)

        return count

    def require_bounded(self, quads: list[Quad]) -> None:
        """A step of the budget makes three hashes and one more at most, beside one for each node; none is long."""
        nodes = {term for quad in quads for term in quad if is_blank(term)}
        about = sum(len(serialize(quad)) * len({term for term in quad if is_blank(term)}) for quad in quads)
        assert self.hashes <= 4 * MAX_WORK + len(nodes)
        assert self.bytes <= 200 * 4 * MAX_WORK + about


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Counts every hash that RDFC-1.0 makes."""
    counted = Counted()
    for name, hash_ in HASHES.items():
        monkeypatch.setitem(HASHES, name, counted.counting(hash_))
    return counted


needs_vectors = pytest.mark.skipif(not MANIFEST.exists(), reason="../shared/vectors/rdf-canon is not there")


def entries(kind: str) -> list[Any]:
    manifest = json.loads(MANIFEST.read_bytes()) if MANIFEST.exists() else {"entries": []}
    return [pytest.param(entry, id=entry["id"][1:]) for entry in manifest["entries"] if entry["type"] == f"rdfc:{kind}"]


def read_dataset(entry: dict[str, str]) -> tuple[list[Quad], str]:
    quads = parse_nquads((VECTORS / entry["action"]).read_text())
    return quads, entry.get("hashAlgorithm", "sha256").lower()


@needs_vectors
def test_K60_all_published_tests_are_there() -> None:
    counts = [len(entries(kind)) for kind in ("RDFC10EvalTest", "RDFC10MapTest", "RDFC10NegativeEvalTest")]
    assert counts == [64, 21, 1]


@needs_vectors
@pytest.mark.parametrize("entry", entries("RDFC10EvalTest"))
def test_K60_canonical_form_is_the_published_one(entry: dict[str, str]) -> None:
    quads, hash_name = read_dataset(entry)
    assert canonicalize(quads, hash_name=hash_name).text == (VECTORS / entry["result"]).read_text()


@needs_vectors
@pytest.mark.parametrize("entry", entries("RDFC10MapTest"))
def test_K60_labels_are_the_published_ones(entry: dict[str, str]) -> None:
    quads, hash_name = read_dataset(entry)
    labels = {name[2:]: label[2:] for name, label in canonicalize(quads, hash_name=hash_name).labels.items()}
    assert labels == json.loads((VECTORS / entry["result"]).read_bytes())


@needs_vectors
@pytest.mark.parametrize("entry", entries("RDFC10NegativeEvalTest"))
def test_A21_published_poison_is_refused_within_the_budget(entry: dict[str, str], counted: Counted) -> None:
    quads, hash_name = read_dataset(entry)
    with pytest.raises(MalformedError):
        canonicalize(quads, hash_name=hash_name)
    counted.require_bounded(quads)


def clique(size: int) -> list[Quad]:
    return [(f"_:n{a}", P, f"_:n{b}", "") for a in range(size) for b in range(size) if a != b]


def star_of_twins(size: int) -> list[Quad]:
    """Every node looks like every other, through graphs whose names are nodes too."""
    return [
        (f"_:n{n}", P, f"_:n{(n + step) % size}", f"_:n{(n + 2 * step) % size}") for n in range(size) for step in (1, 3)
    ]


@pytest.mark.parametrize(
    "quads",
    [clique(8), clique(40), star_of_twins(400), [(f"_:{n}", P, f"_:{n ^ 1}", "") for n in range(3_000)]],
    ids=["clique", "large clique", "graph names", "three thousand twins"],
)
def test_A21_every_poison_ends_within_the_budget(quads: list[Quad], counted: Counted) -> None:
    with pytest.raises(MalformedError):
        canonicalize(quads)
    counted.require_bounded(quads)


def ring(size: int) -> list[Quad]:
    """Each node looks like every other, and the search goes from one to the next all around."""
    return [(f"_:n{n}", P, f"_:n{(n + 1) % size}", "") for n in range(size)]


def twin_paths(size: int) -> list[Quad]:
    """Two of a kind, to be told from one another at neither end."""
    return [(f"_:{name}{n}", P, f"_:{name}{n + 1}", "") for name in "ab" for n in range(size)]


@pytest.mark.parametrize("size", [200, 400, 3_000, 9_000])
@pytest.mark.parametrize("graph", [ring, twin_paths, star_of_twins])
def test_A21_a_graph_that_leads_ever_deeper_is_refused(
    graph: Callable[[int], list[Quad]], size: int, counted: Counted
) -> None:
    quads = graph(size)
    with pytest.raises(MalformedError):
        canonicalize(quads)
    counted.require_bounded(quads)


def test_A21_what_is_refused_does_not_depend_on_how_deep_its_reader_stands() -> None:
    """Half of the stack may be used up where a credential is read."""

    def deeper(steps: int, size: int) -> tuple[str, ...]:
        return deeper(steps - 1, size) if steps else canonicalize(ring(size)).lines

    steps = sys.getrecursionlimit() // 2
    assert deeper(steps, 40) == canonicalize(ring(40)).lines
    with pytest.raises(MalformedError):
        deeper(steps, 400)


def test_A21_without_the_budget_the_same_poison_takes_far_more_work(counted: Counted) -> None:
    """What is counted is what the budget bounds: given ten times as much, ten times as much is done."""
    with pytest.raises(MalformedError):
        canonicalize(clique(8), max_work=10 * MAX_WORK)
    with pytest.raises(AssertionError):
        counted.require_bounded(clique(8))


def test_A21_the_budget_is_the_callers_to_narrow() -> None:
    circle = [("_:a", P, "_:b", ""), ("_:b", P, "_:a", "")]
    assert canonicalize(circle, max_work=MAX_WORK).lines == canonicalize(circle).lines
    with pytest.raises(MalformedError):
        canonicalize(circle, max_work=3)


def test_PERFORMANCE9_control_characters_are_escaped_as_the_standard_demands() -> None:
    every = "".join(map(chr, range(0x20))) + '"\\\x7f\x80é€🌃\ufffd\ufffe\uffff'
    assert literal(every) == (
        '"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\b\\t\\n\\u000B\\f\\r\\u000E\\u000F'
        "\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015\\u0016\\u0017\\u0018\\u0019\\u001A\\u001B\\u001C\\u001D\\u001E\\u001F"
        '\\"\\\\\\u007F\x80é€🌃\ufffd\\uFFFE\\uFFFF"'
    )


def test_A08_a_lone_surrogate_is_no_text() -> None:
    with pytest.raises(MalformedError):
        literal("a\ud800")


def test_K60_literals_name_their_type_or_language_and_strings_neither() -> None:
    assert literal("a") == literal("a", datatype="http://www.w3.org/2001/XMLSchema#string") == '"a"'
    assert literal("1", datatype="urn:t") == '"1"^^<urn:t>'
    assert literal("a", language="nl") == '"a"@nl'


def test_K60_equal_quads_count_once() -> None:
    quad = ("_:x", P, literal("a"), "")
    assert canonicalize([quad, quad]).lines == ('_:c14n0 <https://example.org/p> "a" .\n',)


def test_K60_a_node_named_on_the_way_to_another_is_not_named_again() -> None:
    """Either pair: whichever half comes first names the other half as it looks around. RDFC-1.0 §4.4.3 (5.2.1)."""
    pairs = [("_:a", P, "_:b", ""), ("_:c", P, "_:d", "")]
    canonical = canonicalize(pairs)
    assert sorted(canonical.labels.values()) == ["_:c14n0", "_:c14n1", "_:c14n2", "_:c14n3"]
    assert canonical.lines == (f"_:c14n0 {P} _:c14n1 .\n", f"_:c14n2 {P} _:c14n3 .\n")


def test_K61_relabel_orders_lines_under_the_labels_given() -> None:
    quads = [("_:a", P, "_:b", ""), ("_:b", P, literal("x"), "_:a")]
    assert relabel(quads, {"_:a": "_:2", "_:b": "_:1"}).lines == (f'_:1 {P} "x" _:2 .\n', f"_:2 {P} _:1 .\n")


nodes = st.sampled_from(["_:a", "_:b", "_:c", "_:d", "_:e", iri("urn:x")])
quads_strategy = st.lists(
    st.tuples(
        nodes,
        st.sampled_from([P, iri("urn:q")]),
        st.one_of(nodes, st.sampled_from([literal("1"), literal("2")])),
        st.sampled_from(["", "_:a", "_:f", iri("urn:g")]),
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(quads=quads_strategy, order=st.randoms(use_true_random=False))
def test_K60_names_and_order_do_not_change_the_canonical_form(quads: list[Quad], order: Any) -> None:
    names = [f"_:{letter}" for letter in "abcdef"]
    renamed = order.sample([f"_:n{number}" for number in range(50)], len(names))
    table = dict(zip(names, renamed, strict=True))
    other = [tuple(table.get(term, term) for term in quad) for quad in quads]
    order.shuffle(other)
    assert canonicalize(quads, max_work=10**6).lines == canonicalize(other, max_work=10**6).lines


@settings(max_examples=100, deadline=None)
@given(quads=quads_strategy)
def test_K60_labels_lead_from_the_dataset_to_its_canonical_form(quads: list[Quad]) -> None:
    canonical = canonicalize(quads, max_work=10**6)
    assert set(canonical.labels) == {term for quad in quads for term in quad if is_blank(term)}
    assert relabel(set(quads), canonical.labels).lines == canonical.lines
    assert set(canonicalize(parse_nquads(canonical.text), max_work=10**6).lines) == set(canonical.lines)
    assert all(serialize(quad) in canonical.lines for quad in parse_nquads(canonical.text))
