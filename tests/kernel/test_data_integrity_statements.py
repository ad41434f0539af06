"""The statements of a document by its shape and the general way: the same, cut alike, or no quick way at all."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random
from typing import Any

import pytest

from kernel.data_integrity import statements
from kernel.data_integrity.json_pointers import MAX_POINTERS
from kernel.data_integrity.statements import cut_document, cut_lines, group_document, relabel_document
from kernel.errors import InvalidSignatureError, MalformedError
from kernel.json_ld import pinned_contexts, shapes, to_rdf
from kernel.json_ld.shapes import Shapes
from kernel.rdf_canon import label_canonically
from tests.kernel.test_json_ld_shapes import ACHIEVEMENT, BADGE, NOT_QUICK, changed, mutated
from tests.support.random_badges import random_badge

# `SKILLSWALLET_FUZZ=10000 pytest …` for the long run; a share of it each time.
BADGES = int(os.environ.get("SKILLSWALLET_FUZZ", "240")) // 8
KEY = bytes(range(32))
POINTERS = ["/issuer", "/credentialSubject/achievement/alignment/1", "/name"]


class Counting(Shapes):
    """Shapes that count how often the quick way was taken."""

    def __init__(self) -> None:
        super().__init__(pinned_contexts())
        self.quick = 0

    def find_lines(self, *arguments: Any, **named: Any) -> list[tuple[str, bool]] | None:
        found = super().find_lines(*arguments, **named)
        self.quick += found is not None
        return found


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Counting:
    known = Counting()
    monkeypatch.setattr(statements, "pinned_shapes", lambda: known)
    return known


def outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (MalformedError, TypeError) as error:
        return type(error)


def cut(document: Mapping[str, Any], pointers: Sequence[str]) -> Any:
    return outcome(lambda: tuple(map(list, cut_document(document, KEY, pointers, None))))


def cut_generally(document: Mapping[str, Any], pointers: Sequence[str]) -> Any:
    def work() -> Any:
        grouped = group_document(document, KEY, None)
        return tuple(map(list, cut_lines(grouped.lines, grouped.indexes(pointers))))

    return outcome(work)


def relabelled(document: Mapping[str, Any]) -> Any:
    return outcome(lambda: list(relabel_document(document, rename, None)))


def relabelled_generally(document: Mapping[str, Any]) -> Any:
    return outcome(lambda: list(relabel_document(document, rename, pinned_contexts())))


def rename(labels: Sequence[str]) -> list[str]:
    """Names that put the nodes in another order."""
    return [f"_:u{1_000_000 - int(label[6:])}" for label in labels]


def pointers_of(value: Any, path: str = "") -> Iterator[str]:
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        if name != "@context":
            yield from pointers_of(member, f"{path}/{name}")


@pytest.mark.parametrize("part", range(8))
def test_A21_generated_and_mutated_badges_are_cut_alike_both_ways(known: Counting, part: int) -> None:
    ways: Counter[str] = Counter()
    for seed in range(part * BADGES // 8, (part + 1) * BADGES // 8):
        random = Random(seed)
        badge = random_badge(random)
        found = list(pointers_of(badge))
        pointers = random.sample(found[1:], min(random.randrange(6), len(found) - 1))
        for document in (badge, badge, *(mutated(badge, random) for _ in range(4)), badge):
            expected = cut_generally(document, pointers)
            assert cut(document, pointers) == expected
            assert relabelled(document) == relabelled_generally(document)
            ways["cut" if isinstance(expected, tuple) else "refused"] += 1
    assert known.quick > 2 * ways["cut"] / 10
    assert ways["refused"] > 0


def test_K61_badge_of_a_known_shape_takes_the_quick_way(known: Counting) -> None:
    for number in range(5):
        badge = changed(["name"], f'Badge "{number}"\n')
        assert cut(badge, POINTERS) == cut_generally(badge, POINTERS)
        assert relabelled(badge) == relabelled_generally(badge)
    assert known.quick == 8


def test_K61_each_choice_of_pointers_has_its_own_cut(known: Counting) -> None:
    choices = [POINTERS, POINTERS[:1], [], ["/credentialSubject"], [""]]
    cuts = [[cut(BADGE, pointers) for pointers in choices] for _ in range(3)]
    assert cuts == [[cut_generally(BADGE, pointers) for pointers in choices]] * 3
    assert len({len(mandatory) for mandatory, _ in cuts[0]}) == len(choices)
    assert known.quick == 10


@pytest.mark.parametrize("name", sorted(NOT_QUICK))
def test_A19_badge_that_breaks_its_shape_is_cut_the_general_way(known: Counting, name: str) -> None:
    document = NOT_QUICK[name]
    for _ in range(3):
        cut(BADGE, POINTERS), relabelled(BADGE)
    for _ in range(3):
        assert cut(document, POINTERS) == cut_generally(document, POINTERS)
        assert relabelled(document) == relabelled_generally(document)


@pytest.mark.parametrize("text", ["_:b0", "urn:bnid:0", "urn:bnid:x"])
@pytest.mark.parametrize("path", [["name"], ["id"], ["issuer", "id"], [*ACHIEVEMENT, "alignment", 0, "targetUrl"]])
def test_A19_text_that_may_name_a_node_is_cut_the_general_way(known: Counting, path: list[Any], text: str) -> None:
    for _ in range(3):
        cut(BADGE, POINTERS)
    quick, document = known.quick, changed(path, text)
    for _ in range(3):
        assert cut(document, POINTERS) == cut_generally(document, POINTERS)
    assert known.quick == quick


@pytest.mark.parametrize(
    "pointers",
    [["/nothing"], ["name"], ["/credentialSubject/achievement/tag/2"], ["/name/0"], ["/name"] * (MAX_POINTERS + 1)],
    ids=["nothing", "no pointer", "end of a list", "into a text", "too many"],
)
def test_K61_pointers_that_cut_nothing_are_refused_each_time(known: Counting, pointers: list[str]) -> None:
    assert [cut(BADGE, pointers) for _ in range(4)] == [MalformedError] * 4
    assert known.quick == 0


def test_K61_piece_of_a_list_is_refused_each_time(known: Counting) -> None:
    described = {"id": "urn:r", "type": "ResultDescription", "allowedValue": ["1", "2"]}
    pointers = ["/credentialSubject/achievement/resultDescription/allowedValue/0"]
    for values in (["1", "2"], ["1", "1"], ["2", "3"], ["3", "3"]):
        document = changed([*ACHIEVEMENT, "tag"], [])
        document["credentialSubject"]["achievement"]["resultDescription"] = {**described, "allowedValue": values}
        assert cut(document, pointers) == cut_generally(document, pointers) == MalformedError
    assert known.quick == 0


def test_K61_document_too_large_for_a_shape_is_cut_the_general_way(
    known: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "MAX_TEMPLATES", 100)
    assert [cut(BADGE, POINTERS) for _ in range(3)] == [cut_generally(BADGE, POINTERS)] * 3
    assert known.quick == 0


def test_K61_names_that_are_refused_are_so_both_ways(known: Counting) -> None:
    """They come from a proof, and what is wrong with that is no reason to try again the general way."""
    nodes = len(label_canonically(to_rdf(BADGE)))

    def refuse(labels: Sequence[str]) -> list[str]:
        assert len(labels) == nodes
        raise InvalidSignatureError("other labels")

    for _ in range(4):
        with pytest.raises(InvalidSignatureError):
            relabel_document(BADGE, refuse, None)


def test_A08_no_text_of_a_document_is_kept_with_its_shape(known: Counting) -> None:
    """Beside what belongs to the shape: types and contexts."""
    badge = changed(["name"], "Only once in this process: Zoë 7f3a")
    for _ in range(4):
        cut(badge, POINTERS), relabelled(badge)
    assert known.quick == 6
    assert "7f3a" not in repr(kept(known))


def kept(known: Shapes) -> list[Any]:
    """Everything that is reachable from the shapes that were met."""
    found: list[Any] = []
    waiting: list[Any] = [known._families, known._seen]
    seen: set[int] = set()
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, type) or callable(value):
            continue
        seen.add(id(value))
        found.append(value) if isinstance(value, str) else None
        if isinstance(value, Mapping):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, (list, tuple, set, frozenset)):
            waiting += list(value)
        else:
            names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
            waiting += [getattr(value, name) for name in (*names, *getattr(value, "__dict__", {}))]
    return found
