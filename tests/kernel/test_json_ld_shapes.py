"""The quick way by shapes and the general way: the same text for the same documents, or no quick way at all."""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from kernel.data_integrity.canonical_form import canonical_text, general_canonical_text
from kernel.errors import MalformedError
from kernel.json_ld import ContextStore, pinned_contexts, shapes
from kernel.json_ld.shapes import Shapes
from tests.support.random_badges import CONTEXT, random_badge, random_iri, random_text

# `SKILLSWALLET_FUZZ=10000 pytest …` for the long run; a share of it each time.
BADGES = int(os.environ.get("SKILLSWALLET_FUZZ", "240")) // 4

BADGE: dict[str, Any] = {
    "@context": list(CONTEXT),
    "id": "urn:uuid:1",
    "type": ["VerifiableCredential", "OpenBadgeCredential"],
    "issuer": {"id": "did:web:issuer.example", "type": ["Profile"], "name": "Hogeschool"},
    "name": "Problemen oplossen",
    "validFrom": "2026-05-28T12:00:00Z",
    "credentialSubject": {
        "id": "did:example:holder",
        "type": ["AchievementSubject"],
        "achievement": {
            "id": "https://issuer.example/a",
            "type": ["Achievement"],
            "tag": ["een", "twee"],
            "creditsAvailable": 3,
            "alignment": [
                {"type": ["Alignment"], "targetName": "een", "targetUrl": "https://skills.example/1"},
                {"type": ["Alignment"], "targetName": "twee", "targetUrl": "https://skills.example/2"},
            ],
        },
    },
}


def met(*documents: dict[str, Any]) -> Shapes:
    """Shapes that have met these documents often enough to know them."""
    known = Shapes(pinned_contexts())
    for document in documents:
        for _ in range(4):
            known.find_text(document)
    return known


def general(document: dict[str, Any]) -> str | None:
    try:
        return general_canonical_text(document)
    except MalformedError:
        return None


def with_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Return a value with some of its texts changed, those that choose types and contexts among them at times."""
    if isinstance(value, dict):
        return {name: with_texts(member, change) for name, member in value.items()}
    if isinstance(value, list):
        return [with_texts(element, change) for element in value]
    return change(value) if isinstance(value, str) else value


def mutated(value: Any, random: Random) -> Any:
    """Return a badge with texts exchanged, and now and then a member, an element or a number changed."""
    others = (random_text, random_iri, lambda _: random.choice(["name", "_:b0", "xsd:x", "@id", "Profile", "urn:x"]))

    def change(text: str) -> str:
        if text in CONTEXT or random.random() < 0.85:
            return text
        return str(random.choice(others)(random))

    badge = with_texts(value, change)
    return with_structure(badge, random) if random.random() < 0.4 else badge


def with_structure(value: Any, random: Random) -> Any:
    if isinstance(value, dict):
        members = list(value.items())
        if members and random.random() < 0.05:
            members.pop(random.randrange(len(members)))
        if random.random() < 0.05:
            members.append(random.choice([("name", "x"), ("colour", "x"), ("id", "urn:uuid:1"), ("@index", "x")]))
        return {name: member if name == "@context" else with_structure(member, random) for name, member in members}
    if isinstance(value, list):
        elements = [with_structure(element, random) for element in value]
        return elements + elements[:1] if random.random() < 0.05 else elements
    if random.random() < 0.02:
        return random.choice([None, True, 1, 2.5, [], {}])
    return value


@pytest.mark.parametrize("part", range(8))
def test_A21_generated_and_mutated_badges_have_one_text_both_ways(part: int) -> None:
    known = Shapes(pinned_contexts())
    ways: Counter[str] = Counter()
    for seed in range(part * BADGES // 8, (part + 1) * BADGES // 8):
        random = Random(seed)
        badge = random_badge(random)
        for document in (badge, badge, *(mutated(badge, random) for _ in range(4)), badge):
            quick, slow = known.find_text(document), general(document)
            assert quick is None or quick == slow
            ways["quick" if quick else "general" if slow else "refused"] += 1
    assert ways["quick"] > ways.total() / 10
    assert ways["refused"] > 0


def test_K60_badge_of_a_known_shape_takes_the_quick_way() -> None:
    known = met(BADGE)
    other = with_texts(BADGE, lambda text: text.replace("Problemen", 'Meer "problemen"\n'))
    assert known.find_text(other) == general(other)
    assert canonical_text(other) == canonical_text(other) == general(other)


def test_K60_shape_is_made_when_it_is_met_again() -> None:
    known = Shapes(pinned_contexts())
    assert known.find_text(BADGE) is None
    assert known.find_text(BADGE) == general(BADGE)


def test_K61_shapes_know_both_hashes() -> None:
    assert met(BADGE).find_text(BADGE, "sha384") == general_canonical_text(BADGE, hash_name="sha384")


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    def change(document: Any, steps: list[Any]) -> Any:
        if not steps:
            return value
        if isinstance(document, list):
            return [change(child, steps[1:]) if i == steps[0] else child for i, child in enumerate(document)]
        return {name: change(child, steps[1:]) if name == steps[0] else child for name, child in document.items()}

    result: dict[str, Any] = change(BADGE, path)
    return result


ACHIEVEMENT = ["credentialSubject", "achievement"]
ALIGNMENT = {"type": ["Alignment"], "targetName": "een", "targetUrl": "https://skills.example/1"}
NOT_QUICK = {
    "relative IRI": changed(["id"], "x"),
    "blank identifier": changed(["id"], "_:b1"),
    "term for an IRI": changed(["issuer", "id"], "name"),
    "prefix of a context": changed(["issuer", "id"], "id:x"),
    "ill-formed IRI": changed(["id"], "urn:a b"),
    "long IRI that is ill-formed": changed(["id"], "urn:" + "a" * 300 + " "),
    "surrogate": changed(["name"], "\ud800"),
    "document described inside": changed(["issuer", "id"], "urn:uuid:1"),
    "two nodes of one name": changed([*ACHIEVEMENT, "id"], "did:web:issuer.example"),
    "equal statements": changed([*ACHIEVEMENT, "tag"], ["een", "een"]),
    "nodes that look alike": changed([*ACHIEVEMENT, "alignment"], [ALIGNMENT] * 2),
    "undefined type": changed(["type"], ["VerifiableCredential", "Diploma"]),
    "type that is a number": changed(["type"], ["VerifiableCredential", 1]),
    "type that is an object": changed(["type"], [{}]),
    "one context less": changed(["@context"], CONTEXT[:1]),
    "inline context": changed(["@context"], [*CONTEXT, {}]),
    "other number": changed([*ACHIEVEMENT, "creditsAvailable"], 2.5),
    "truth for a number": changed([*ACHIEVEMENT, "creditsAvailable"], True),
    "null": changed(["name"], None),
    "not a number": changed([*ACHIEVEMENT, "creditsAvailable"], float("nan")),
    "name that is no text": {**BADGE, 1: "x"},
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(NOT_QUICK))
def test_A19_badge_that_breaks_its_shape_goes_the_general_way(name: str) -> None:
    document = NOT_QUICK[name]
    known = met(BADGE)
    assert known.find_text(document) is None
    for _ in range(3):
        quick = known.find_text(document)
        assert quick is None or quick == general(document)


def test_K60_numbers_and_truths_belong_to_the_shape() -> None:
    documents = [changed([*ACHIEVEMENT, "creditsAvailable"], value) for value in (3, 3.0, 2.5, True, False, 1, 0)]
    known = met(*documents)
    assert [known.find_text(document) for document in documents] == [general(document) for document in documents]


def test_K60_texts_that_choose_a_term_belong_to_the_shape() -> None:
    """`proofPurpose` is read as a name of the vocabulary: another purpose is another shape, an IRI a third one."""
    options = {
        "@context": list(CONTEXT),
        "type": "DataIntegrityProof",
        "proofPurpose": "assertionMethod",
        "verificationMethod": "did:web:issuer.example#1",
    }
    documents = [{**options, "proofPurpose": value} for value in ("assertionMethod", "authentication", "urn:x")]
    known = met(*documents)
    texts = [known.find_text(document) for document in documents]
    assert texts == [general(document) for document in documents]
    assert len(set(texts)) == 3
    assert known.find_text({**options, "proofPurpose": "nothing"}) is None


def test_K60_texts_inside_json_belong_to_the_shape() -> None:
    schema = {"type": "object", "title": "a"}
    document = {
        "@context": CONTEXT[:1],
        "id": "urn:x",
        "type": ["VerifiableCredential", "JsonSchema"],
        "jsonSchema": schema,
    }
    other = {**document, "jsonSchema": {**schema, "title": "b"}}
    known = met(document, other)
    assert known.find_text(document) == general(document)
    assert known.find_text(other) == general(other)


def test_K60_objects_and_lists_of_values_have_shapes_too() -> None:
    document = changed(["name"], {"@value": "x", "@language": "nl"})
    description = {"id": "urn:r", "type": "ResultDescription", "allowedValue": ["1", "2"], "name": "100 %"}
    document = {**document, "credentialSubject": {"type": "AchievementSubject", "source": "urn:s"}}
    listed = {**document, "credentialSubject": description}
    known = met(document, listed)
    assert known.find_text(document) == general(document)
    assert known.find_text(listed) == general(listed)


def test_K60_values_of_one_member_are_sorted_for_each_document() -> None:
    subjects = [{"type": "AchievementSubject", "role": list(roles)} for roles in ("ab", "ba", "zb")]
    documents = [{**BADGE, "credentialSubject": subject} for subject in subjects]
    known = met(documents[0])
    assert [known.find_text(document) for document in documents] == [general(document) for document in documents]


def test_K60_document_without_identifier_has_a_shape() -> None:
    document = {name: value for name, value in BADGE.items() if name != "id"}
    assert met(document).find_text(document) == general(document)


def test_A21_document_too_large_for_a_shape_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    many = changed([*ACHIEVEMENT, "tag"], [str(number) for number in range(shapes.MAX_KEY)])
    assert met(many).find_text(many) is None
    monkeypatch.setattr(shapes, "MAX_TEMPLATES", 100)
    assert met(BADGE).find_text(BADGE) is None


def test_A21_only_so_many_shapes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_FAMILIES", 2)
    monkeypatch.setattr(shapes, "MAX_SEEN", 3)
    monkeypatch.setattr(shapes, "MAX_VARIANTS", 1)
    documents = [changed([*ACHIEVEMENT, "tag"], list("abcdef"[:number])) for number in range(1, 6)]
    known = met(*documents)
    assert len(known._families) == 2
    assert len(known._seen) == 3
    assert known.find_text(documents[-1]) == general(documents[-1])


def test_A08_endless_depth_is_left_to_the_general_way() -> None:
    deep: Any = "x"
    for _ in range(20_000):
        deep = [deep]
    assert Shapes(pinned_contexts()).find_text({"name": deep}) is None


def test_K60_context_that_defines_urn_as_a_prefix_leaves_no_quick_way() -> None:
    """The marks are URNs: where that is a prefix, they would not mean themselves."""
    contexts = ContextStore(
        {"https://e.example/c": {"@context": [{"urn": "https://e.example/#", "id": "@id", "a": "urn:a"}]}}
    )
    document = {"@context": "https://e.example/c", "id": "https://e.example/x", "a": "x"}
    known = Shapes(contexts)
    texts = [known.find_text(document) for _ in range(4)]
    expected = general_canonical_text(document, contexts)
    assert all(text in (None, expected) for text in texts)


def test_K60_threads_share_shapes() -> None:
    badges = [with_texts(BADGE, lambda text, n=n: f"{text} {n}" if " " in text else text) for n in range(40)]  # type: ignore[misc]
    known = Shapes(pinned_contexts())
    with ThreadPoolExecutor(8) as threads:
        texts = list(threads.map(known.find_text, badges * 3))
    expected = [general(badge) for badge in badges] * 3
    assert all(text in (None, right) for text, right in zip(texts, expected, strict=True))
    assert texts[-1] == expected[-1]
