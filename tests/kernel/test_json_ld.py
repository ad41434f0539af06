"""JSON-LD to RDF: the W3C's tests, two other implementations, and everything that would be lost in silence."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pyoxigraph
import pytest

from kernel.errors import MalformedError
from kernel.json_ld import CREDENTIALS_V2, PINNED, ContextStore, JsonLdError, Reason, pinned, pinned_contexts, to_rdf
from kernel.json_ld.conversion import MAX_CONTEXTS, MAX_DEPTH, MAX_QUADS, convert
from kernel.json_ld.fallback import MAX_LEAVES, convert_with_pyld
from kernel.rdf_canon import canonicalize
from tests.support.effort import count_calls
from tests.support.nquads import parse_nquads
from tests.support.random_badges import CONTEXT, random_badge

VECTORS = Path(__file__).parents[3] / "shared" / "vectors" / "json-ld-api" / "tests"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MANIFEST = VECTORS / "toRdf-manifest.jsonld"

# What the published tests want and a signature cannot carry, or nobody should sign; each with how often it is met.
REFUSALS = {
    Reason.BASE_OR_IMPORT: 48,
    Reason.LOST: 23,
    Reason.REGROUPED: 20,
    Reason.RELATIVE_IRI: 18,
    Reason.UNDEFINED_TERM: 12,
    Reason.DIRECTION: 6,
    Reason.NULL: 5,
    Reason.INVALID_IRI: 5,
    Reason.INVALID_VALUE: 1,
}


def entries() -> list[dict[str, Any]]:
    """The published tests for JSON-LD 1.1 whose input is there."""
    manifest = json.loads(MANIFEST.read_bytes()) if MANIFEST.exists() else {"sequence": []}
    return [
        entry
        for entry in manifest["sequence"]
        if "json-ld-1.0" not in entry.get("option", {}).values() and (VECTORS / entry["input"]).exists()
    ]


def inline_contexts(value: Any) -> Iterator[Any]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        if name == "@context":
            yield from (context for context in (child if isinstance(child, list) else [child]))
        else:
            yield from inline_contexts(child)


def store_for(*documents: Any, **remote: Any) -> ContextStore:
    allowed = [context for context in inline_contexts(list(documents)) if not isinstance(context, str)]
    return ContextStore(remote, allowed_inline=allowed, allow_iris_as_names=True)


@pytest.fixture(scope="module")
def remote_contexts() -> dict[str, Any]:
    return {path.name: json.loads(path.read_bytes()) for path in (VECTORS / "toRdf").glob("*context*.jsonld")}


# PyLD warns about names that look like keywords, which some of these contexts are there to have.
@pytest.mark.filterwarnings("ignore:values beginning with:SyntaxWarning")
@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["@id"][1:]) for entry in entries()])
def test_K64_published_test_passes_or_is_refused_for_a_named_reason(
    entry: dict[str, Any], remote_contexts: dict[str, Any]
) -> None:
    document = json.loads((VECTORS / entry["input"]).read_bytes())
    must_fail = "jld:NegativeEvaluationTest" in entry["@type"]
    try:
        quads = to_rdf(document, contexts=store_for(document, **remote_contexts))
    except JsonLdError as error:
        refused = error.reason
    else:
        refused = None
    if refused is not None:
        assert must_fail or refused in REFUSALS
        return
    assert not must_fail
    if "expect" in entry:
        expected = parse_nquads((VECTORS / entry["expect"]).read_text())
        assert canonicalize(quads).lines == canonicalize(expected).lines


@pytest.mark.filterwarnings("ignore:values beginning with:SyntaxWarning")
@pytest.mark.skipif(not MANIFEST.exists(), reason="../shared/vectors/json-ld-api is not there")
def test_K64_refusals_of_published_tests_are_counted(remote_contexts: dict[str, Any]) -> None:
    refused: dict[Reason, int] = {}
    passed = 0
    for entry in entries():
        if "jld:NegativeEvaluationTest" in entry["@type"]:
            continue
        document = json.loads((VECTORS / entry["input"]).read_bytes())
        try:
            to_rdf(document, contexts=store_for(document, **remote_contexts))
            passed += 1
        except JsonLdError as error:
            refused[error.reason] = refused.get(error.reason, 0) + 1
    assert refused == REFUSALS
    assert passed == 217


# Two other implementations


def with_inline_contexts(badge: dict[str, Any]) -> dict[str, Any]:
    """The same badge with its contexts written into it, for a reader that looks nothing up."""
    contexts = [pinned_contexts().contexts[url]["@context"] for url in CONTEXT]
    endorsements = [{**endorsement, "@context": contexts} for endorsement in badge.get("endorsement", [])]
    return {**badge, "@context": contexts, **({"endorsement": endorsements} if endorsements else {})}


def canonical_lines_by_pyoxigraph(badge: dict[str, Any]) -> list[str]:
    text = json.dumps(with_inline_contexts(badge))
    dataset = pyoxigraph.Dataset(pyoxigraph.parse(text, format=pyoxigraph.RdfFormat.JSON_LD))
    dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.RDFC_1_0)
    return sorted(pyoxigraph.serialize([quad], format=pyoxigraph.RdfFormat.N_QUADS).decode() for quad in dataset)


@pytest.mark.parametrize("seed", range(40))
def test_K60_generated_badges_read_alike_by_three_implementations(seed: int) -> None:
    """PyLD expands and flattens by itself here; it does not write, for it does not escape as RDFC-1.0 demands."""
    badge = random_badge(Random(seed))
    lines = canonicalize(to_rdf(badge)).lines
    assert lines == canonicalize(convert_with_pyld(badge, pinned_contexts())).lines
    assert list(lines) == canonical_lines_by_pyoxigraph(badge)


def test_K60_threads_share_contexts_and_agree() -> None:
    badges = [random_badge(Random(seed)) for seed in range(20)]
    store = ContextStore(pinned_contexts().contexts)
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda badge: to_rdf(badge, contexts=store), badges * 4))
    assert results == [to_rdf(badge) for badge in badges] * 4


# Nothing is lost in silence


def badge(**changes: Any) -> dict[str, Any]:
    members: dict[str, Any] = {
        "@context": list(CONTEXT),
        "id": "urn:uuid:1",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": "did:web:issuer.example",
        "validFrom": "2026-11-21T12:00:00Z",
        "credentialSubject": {"id": "did:example:a", "type": ["AchievementSubject"], "role": "maker"},
    }
    return {**members, **changes}


REFUSED: dict[str, tuple[Any, Reason]] = {
    "unpinned context": (badge(**{"@context": [CREDENTIALS_V2, "https://evil.example/v1"]}), Reason.UNPINNED_CONTEXT),
    "inline context": (badge(**{"@context": [*CONTEXT, {"issuer": "urn:x"}]}), Reason.INLINE_CONTEXT),
    "inline null": (badge(**{"@context": [*CONTEXT, None]}), Reason.INLINE_CONTEXT),
    "inline context inside": (badge(issuer={"@context": {}, "id": "urn:x", "type": "Profile"}), Reason.INLINE_CONTEXT),
    "context that redefines": (
        badge(**{"@context": [*CONTEXT, "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json"]}),
        Reason.PROTECTED_TERM,
    ),
    "undefined member": (badge(colour="red"), Reason.UNDEFINED_TERM),
    "undefined member inside": (badge(credentialSubject={"colour": "red"}), Reason.UNDEFINED_TERM),
    "member of another type": (badge(credentialSubject={"id": "urn:x", "role": "maker"}), Reason.UNDEFINED_TERM),
    "undefined type": (badge(type=["VerifiableCredential", "Diploma"]), Reason.UNDEFINED_TERM),
    "keyword that is none": (badge(**{"@colour": "red"}), Reason.UNDEFINED_TERM),
    "relative identifier": (badge(id="1"), Reason.RELATIVE_IRI),
    "empty identifier": (badge(id=""), Reason.RELATIVE_IRI),
    "identifier like a keyword": (badge(id="@colour"), Reason.RELATIVE_IRI),
    "identifier like a scheme": (badge(id="1a:b"), Reason.INVALID_IRI),
    "relative reference": (badge(issuer="issuer"), Reason.RELATIVE_IRI),
    "ill-formed reference": (badge(issuer="https://a b"), Reason.INVALID_IRI),
    "ill-formed percent": (badge(issuer="https://a/%zz"), Reason.INVALID_IRI),
    "surrogate in a reference": (badge(issuer="https://a/\ud800"), Reason.INVALID_IRI),
    "IRI as name": (badge(**{"https://schema.org/name": "x"}), Reason.IRI_AS_NAME),
    "keyword for id": ({**{k: v for k, v in badge().items() if k != "id"}, "@id": "urn:x"}, Reason.IRI_AS_NAME),
    "keyword for type": (badge(issuer={"id": "urn:x", "@type": "Profile"}), Reason.IRI_AS_NAME),
    "keyword for type beside it": (badge(**{"@type": "OpenBadgeCredential"}), Reason.IRI_AS_NAME),
    "prefix in a name": (badge(**{"xsd:name": "x"}), Reason.IRI_AS_NAME),
    "null": (badge(name=None), Reason.NULL),
    "null in a list": (badge(name=["x", None]), Reason.NULL),
    "null value": (badge(name={"@value": None}), Reason.NULL),
    "null identifier": (badge(id=None), Reason.NULL),
    "null type": (badge(type=["VerifiableCredential", None]), Reason.NULL),
    "null for a node": (badge(proof=None), Reason.NULL),
    "number as identifier": (badge(id=1), Reason.INVALID_VALUE),
    "number as type": (badge(type=["VerifiableCredential", 1]), Reason.INVALID_VALUE),
    "text as proof": (badge(proof="x"), Reason.LOST),
    "index": (badge(**{"@index": "x"}), Reason.LOST),
    "index of a value": (badge(name={"@value": "x", "@index": "y"}), Reason.LOST),
    "index of a set": (badge(name={"@set": ["x"], "@index": "y"}), Reason.LOST),
    "language alone": (badge(name={"@language": "nl"}), Reason.LOST),
    "set with others": (badge(name={"@set": ["x"], "@id": "urn:y"}), Reason.INVALID_VALUE),
    "value with others": (badge(name={"@value": "x", "@id": "urn:y"}), Reason.INVALID_VALUE),
    "value with type and language": (
        badge(name={"@value": "x", "@type": "urn:t", "@language": "nl"}),
        Reason.INVALID_VALUE,
    ),
    "value of an undefined type": (badge(name={"@value": "x", "@type": "t"}), Reason.RELATIVE_IRI),
    "value that is no value": (badge(name={"@value": ["x"]}), Reason.INVALID_VALUE),
    "number with language": (badge(name={"@value": 1, "@language": "nl"}), Reason.INVALID_VALUE),
    "language that is none": (badge(name={"@value": "x", "@language": "n l"}), Reason.INVALID_VALUE),
    "direction": (badge(name={"@value": "x", "@direction": "rtl"}), Reason.DIRECTION),
    "keyword in a node": (badge(**{"@container": "@set"}), Reason.INVALID_VALUE),
    "identifier twice": (badge(**{"@id": "urn:uuid:1"}), Reason.INVALID_VALUE),
    "reverse": (badge(**{"@reverse": {"issuer": "urn:x"}}), Reason.REGROUPED),
    "included": (badge(**{"@included": [{"id": "urn:uuid:1", "name": "x"}]}), Reason.REGROUPED),
    "nest": (badge(**{"@nest": {"name": "x"}}), Reason.REGROUPED),
    "credential described inside": (badge(issuer={"id": "urn:uuid:1", "name": "x"}), Reason.REGROUPED),
    "large integer": (badge(credentialSubject={"type": "AchievementSubject", "creditsEarned": 2**53}), Reason.NUMBER),
    "digits lost": (badge(credentialSubject={"type": "Related", "version": 0.1 + 0.2}), Reason.NUMBER),
    "infinity": (badge(credentialSubject={"type": "Related", "version": float("inf")}), Reason.NUMBER),
    "number in JSON": (badge(type=["VerifiableCredential", "JsonSchema"], jsonSchema={"a": 2**60}), Reason.NUMBER),
    "nothing said": ({"@context": CREDENTIALS_V2, "id": "urn:x"}, Reason.LOST),
    "nothing at all": ({}, Reason.LOST),
    "no object": ("x", Reason.LOST),
    "null document": (None, Reason.NULL),
    "top-level value": ({"@value": "x"}, Reason.LOST),
    "top-level set": ({"@set": []}, Reason.LOST),
    "context of another kind": (badge(**{"@context": 1}), Reason.INLINE_CONTEXT),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_A19_whatever_would_not_be_signed_as_it_stands_is_refused(name: str) -> None:
    document, reason = REFUSED[name]
    with pytest.raises(JsonLdError) as refusal:
        to_rdf(document)
    assert refusal.value.reason is reason


def test_K64_the_badge_that_the_refusals_start_from_is_accepted() -> None:
    assert len(to_rdf(badge())) == 7


@pytest.mark.parametrize(
    "same",
    [
        badge(evidence=[]),
        badge(type=["OpenBadgeCredential", "VerifiableCredential"]),
        badge(issuer=["did:web:issuer.example"]),
        badge(issuer={"@set": [{"id": "did:web:issuer.example"}]}),
        [badge()],
        {"@graph": badge()},
        {"@graph": [[badge()]]},
    ],
    ids=["empty array", "order of types", "array of one", "set", "array at the top", "graph", "nested arrays"],
)
def test_B10_other_spellings_of_the_same_statements_are_the_same(same: Any) -> None:
    assert sorted(to_rdf(same)) == sorted(to_rdf(badge()))


def test_K64_empty_list_is_a_statement() -> None:
    description = {"id": "urn:r", "type": "ResultDescription", "allowedValue": []}
    quads = to_rdf(badge(credentialSubject=description))
    assert any(quad[2].endswith("rdf-syntax-ns#nil>") for quad in quads)
    assert len(to_rdf(badge(credentialSubject={**description, "allowedValue": {"@list": ["x"]}}))) == len(quads) + 2


def test_K64_blank_nodes_keep_their_identity_and_not_their_names() -> None:
    named = badge(issuer={"id": "_:x", "type": "Profile"}, evidence=["_:x"])
    assert len(canonicalize(to_rdf(named)).labels) == 1


@pytest.mark.parametrize(
    "member", sorted(["credentialStatus", "validUntil", "refreshService", "termsOfUse", "evidence"])
)
def test_A19_no_two_terms_of_pinned_contexts_name_what_verifiers_look_for(member: str) -> None:
    """Renaming such a member would keep the signature and hide the member from whoever reads it by name."""
    iri = pinned_contexts().contexts[CREDENTIALS_V2]["@context"]["VerifiableCredential"]["@context"][member]["@id"]
    names = {name for document in pinned_contexts().contexts.values() for name, term in terms(document) if term == iri}
    assert names == {member}


def terms(value: Any) -> Iterator[tuple[str, str]]:
    for name, definition in value.items() if isinstance(value, dict) else ():
        if isinstance(definition, dict):
            if "@id" in definition and not name.startswith("@"):
                yield name, definition["@id"]
            yield from terms(definition)
        elif isinstance(definition, str) and not name.startswith("@"):
            yield name, definition


@pytest.mark.parametrize("url", sorted(PINNED))
def test_K65_pinned_contexts_use_no_feature_that_regroups_statements(url: str) -> None:
    text = json.dumps(pinned_contexts().contexts[url])
    assert not any(keyword in text for keyword in ("@reverse", "@nest", "@included", "@import", "@base"))


def test_K65_file_with_other_bytes_than_its_pin_is_our_own_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PINNED, CREDENTIALS_V2, ("credentials-v2.json", "0" * 64))  # type: ignore[arg-type]
    pinned.pinned_contexts.cache_clear()
    with pytest.raises(RuntimeError):
        pinned_contexts()
    monkeypatch.undo()
    pinned.pinned_contexts.cache_clear()
    assert pinned_contexts().contexts.keys() == PINNED.keys()


# Limits


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {"id": "did:example:a", "type": "Profile"}
    for _ in range(depth):
        document = {"type": "Profile", "parentOrg": document}
    return document


def arrays(depth: int, innermost: str = "[]") -> Any:
    return json.loads("[" * depth + innermost + "]" * depth)


# Documents that are too large, and as many times larger as one likes.
TOO_LARGE: dict[str, Callable[[int], dict[str, Any]]] = {
    "deep objects": lambda times: badge(issuer=nested(MAX_DEPTH * times)),
    "deep arrays": lambda times: badge(name=arrays(40 * times, '"x"')),
    "deep graphs": lambda times: {"@graph": arrays(40 * times)},
    "deep proofs": lambda times: badge(proof=arrays(40 * times)),
    "deep lists": lambda times: badge(
        credentialSubject={"type": "ResultDescription", "allowedValue": arrays(40 * times)}
    ),
    "many statements": lambda times: badge(name=[str(number) for number in range(MAX_QUADS * times)]),
}
BOMBS = {
    **{name: create(1) for name, create in TOO_LARGE.items()},
    "many contexts": badge(
        issuer=[
            {"type": ["Profile", "Address"], "parentOrg": {"type": [first, second]}}
            for first in ("Profile", "Image", "Result", "Related", "Alignment", "Evidence", "Address", "Achievement")
            for second in ("AchievementSubject", "GeoCoordinates", "IdentifierEntry", "IdentityObject", "Image")
        ]
        * 3
    ),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_A21_document_beyond_the_limits_is_refused_however_far_beyond_it_is(name: str) -> None:
    """One four times as deep costs no more, and one four times as long at most as many times more."""

    def refuse(times: int) -> int:
        document = TOO_LARGE[name](times)

        def read() -> None:
            with pytest.raises(JsonLdError) as refusal:
                to_rdf(document)
            assert refusal.value.reason is Reason.TOO_LARGE

        return count_calls(read)

    refuse(1)
    assert refuse(4) < (5 if name == "many statements" else 1.2) * refuse(1)


def test_A21_too_many_different_contexts_are_refused() -> None:
    """Each combination of types is a context of its own, which costs more to make than a statement."""
    contexts = {f"urn:c{number}": {"@context": {f"t{number}": "urn:t"}} for number in range(MAX_CONTEXTS + 1)}
    document = {"@graph": [{"@context": url, f"t{number}": "x"} for number, url in enumerate(contexts)]}
    with pytest.raises(JsonLdError) as refusal:
        to_rdf(document, contexts=ContextStore(contexts))
    assert refusal.value.reason is Reason.TOO_LARGE
    assert len(to_rdf({"@graph": document["@graph"][1:]}, contexts=ContextStore(contexts))) == MAX_CONTEXTS


def test_A21_store_forgets_contexts_rather_than_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kernel.json_ld.contexts._MAX_DERIVED", 1)
    store = ContextStore(pinned_contexts().contexts)
    assert sorted(to_rdf(badge(), contexts=store)) == sorted(to_rdf(badge()))
    assert len(store._derived) == 1


# Contexts that are none

BAD_CONTEXTS: dict[str, Any] = {
    "text": {"a": 1},
    "unknown member": {"a": {"@id": "urn:a", "@colour": "red"}},
    "iri that is none": {"a": {"@id": "b"}},
    "iri of another kind": {"a": {"@id": 1}},
    "no iri": {"a": {}},
    "alias of context": {"a": "@context"},
    "type that is none": {"a": {"@id": "urn:a", "@type": "b"}},
    "type of another kind": {"a": {"@id": "urn:a", "@type": 1}},
    "container": {"a": {"@id": "urn:a", "@container": "@colour"}},
    "empty container": {"a": {"@id": "urn:a", "@container": []}},
    "containers together": {"a": {"@id": "urn:a", "@container": ["@list", "@set"]}},
    "language and id": {"a": {"@id": "urn:a", "@container": ["@language", "@id"]}},
    "graph and language": {"a": {"@id": "urn:a", "@container": ["@graph", "@language"]}},
    "prefix flag": {"a": {"@id": "urn:a", "@prefix": "x"}},
    "prefix with colon": {"a:b": {"@id": "urn:a", "@prefix": True}},
    "prefix with colon that means itself": {"a:b": {"@id": "a:b", "@prefix": True}},
    "prefix of a keyword": {"a": {"@id": "@type", "@prefix": True}},
    "protected": {"a": {"@id": "urn:a", "@protected": "x"}},
    "language": {"a": {"@id": "urn:a", "@language": "n l"}},
    "default language": {"@language": 1},
    "direction": {"@direction": "up"},
    "version": {"@version": 1.0},
    "version flag": {"@version": True},
    "vocabulary": {"@vocab": 1},
    "relative vocabulary": {"@vocab": "x"},
    "propagate": {"@propagate": "x"},
    "keyword": {"@id": "urn:a"},
    "empty name": {"": "urn:a"},
    "type redefined": {"@type": {"@id": "urn:a"}},
    "type as text": {"@type": "urn:a"},
    "type as nothing": {"@type": {}},
    "itself": {"a": "b:x", "b": "a:x"},
    "looks like another": {"a:b": {"@id": "urn:c"}, "a": "urn:a#"},
    "reverse of another kind": {"a": {"@reverse": 1}},
    "reverse with id": {"a": {"@reverse": "urn:a", "@id": "urn:b"}},
    "reverse with container": {"a": {"@reverse": "urn:a", "@container": "@list"}},
}


@pytest.mark.parametrize("name", sorted(BAD_CONTEXTS))
def test_K63_context_that_is_none_is_refused(name: str) -> None:
    document = {"@context": BAD_CONTEXTS[name], "@id": "urn:x", "@type": "urn:t"}
    with pytest.raises(JsonLdError) as refusal:
        to_rdf(document, contexts=store_for(document))
    assert refusal.value.reason is Reason.INVALID_CONTEXT


@pytest.mark.parametrize(
    ("contexts", "reason"),
    [
        ({"urn:c": {"a": "urn:a"}}, Reason.INVALID_CONTEXT),
        ({"urn:c": []}, Reason.INVALID_CONTEXT),
        ({"urn:c": {"@context": "urn:c"}}, Reason.INVALID_CONTEXT),
        ({"urn:c": {"@context": 1}}, Reason.INVALID_CONTEXT),
        ({"urn:c": {"@context": "urn:d"}}, Reason.UNPINNED_CONTEXT),
        ({"urn:c": {"@context": [{"@protected": True, "a": "urn:a"}, None]}}, Reason.PROTECTED_TERM),
        ({"urn:c": {"@context": [{"@protected": True, "a": "urn:a"}, {"a": "urn:b"}]}}, Reason.PROTECTED_TERM),
    ],
)
def test_K63_pinned_document_that_is_no_context_is_refused(contexts: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(JsonLdError) as refusal:
        to_rdf({"@context": "urn:c", "@id": "urn:x", "@type": "urn:t"}, contexts=ContextStore(contexts))
    assert refusal.value.reason is reason


def lines_of(document: Any, **remote: Any) -> list[str]:
    return list(canonicalize(to_rdf(document, contexts=store_for(document, **remote))).lines)


MEANINGS: list[tuple[Any, dict[str, Any], list[str]]] = [
    ({"@vocab": "urn:v:"}, {"a": "x"}, ['<urn:v:a> "x"']),
    ({"@vocab": None, "a": "urn:a"}, {"a": "x"}, ['<urn:a> "x"']),
    ({"@language": "nl", "a": "urn:a"}, {"a": "x"}, ['<urn:a> "x"@nl']),
    ({"@language": "nl", "a": {"@id": "urn:a", "@language": None}}, {"a": "x"}, ['<urn:a> "x"']),
    ({"@direction": None, "a": "urn:a"}, {"a": "x"}, ['<urn:a> "x"']),
    ({"a": {"@id": "urn:a", "@type": "@none"}}, {"a": "x"}, ['<urn:a> "x"']),
    ({"a": {"@id": "urn:a", "@type": "urn:t"}}, {"a": 1.0}, ['<urn:a> "1"^^<urn:t>']),
    ({"p": "urn:p#", "a": "p:a"}, {"a": {"@id": "p:b"}}, ["<urn:p#a> <urn:p#b>"]),
    ({"p": {"@id": "urn:p", "@prefix": True}, "p:a": {"@type": "@id"}}, {"p:a": "p:b"}, ["<urn:pa> <urn:pb>"]),
    ({"p:a": {"@type": "@id"}}, {"p:a": "urn:b"}, ["<p:a> <urn:b>"]),
    ({"a": None, "b": "urn:b"}, {"b": "x"}, ['<urn:b> "x"']),
    ({"@colour": "urn:c", "b": "urn:b", "c": "@colour"}, {"b": "x"}, ['<urn:b> "x"']),
    ({"@type": {"@container": "@set"}, "b": "urn:b"}, {"b": "x"}, ['<urn:b> "x"']),
    (
        {"a": {"@id": "urn:a", "@container": ["@language", "@set"]}},
        {"a": {"nl": ["x"], "@none": "y"}},
        ['<urn:a> "x"@nl', '<urn:a> "y"'],
    ),
    ({"http://e/a": {"@id": "http://e/a", "@language": "nl"}}, {"http://e/a": "x"}, ['<http://e/a> "x"@nl']),
    ([{"@protected": True, "a": "urn:a"}, {"@protected": True, "a": "urn:a"}], {"a": "x"}, ['<urn:a> "x"']),
    ([{"a": "urn:a"}, None, {"b": "urn:b"}], {"b": "x"}, ['<urn:b> "x"']),
    ({"v": "@value", "a": "urn:a"}, {"a": {"v": 2.5, "@type": "urn:t"}}, ['<urn:a> "2.5E0"^^<urn:t>']),
    ({"j": {"@id": "urn:j", "@type": "@json"}}, {"j": None}, [f'<urn:j> "null"^^<{RDF}JSON>']),
    ({"j": "urn:j"}, {"j": {"@value": [True], "@type": "@json"}}, [f'<urn:j> "[true]"^^<{RDF}JSON>']),
    ({"a": "urn:a"}, {"a": {"@value": "x", "@type": "urn:t"}}, ['<urn:a> "x"^^<urn:t>']),
    ({"@language": "nl", "a": "urn:a"}, {"a": {"@value": "x"}}, ['<urn:a> "x"']),
    ({"@vocab": "urn:v:", "a": {"@type": "@id"}}, {"a": "urn:b"}, ["<urn:v:a> <urn:b>"]),
    ({"@vocab": "urn:v:"}, {"@type": "@1"}, [f"<{RDF}type> <urn:v:@1>"]),
    ({"p": "urn:p#", "p:a": {"@id": "urn:p#a", "@type": "@id"}}, {"p:a": "urn:b"}, ["<urn:p#a> <urn:b>"]),
    ({"a": {"@reverse": "urn:a", "@container": "@set"}, "b": "urn:b"}, {"b": "x"}, ['<urn:b> "x"']),
    ({"a": {"@id": "urn:a", "@direction": "rtl"}, "b": "urn:b"}, {"b": "x"}, ['<urn:b> "x"']),
]


@pytest.mark.parametrize(("context", "members", "lines"), MEANINGS)
def test_K63_contexts_mean_what_json_ld_says(context: Any, members: dict[str, Any], lines: list[str]) -> None:
    assert lines_of({"@context": context, "@id": "urn:x", **members}) == [f"<urn:x> {line} .\n" for line in lines]


def test_K63_null_context_of_a_type_reaches_to_the_next_node_and_no_further() -> None:
    context = {"T": {"@id": "urn:T", "@context": None}, "p": "urn:p"}
    document = {"@context": context, "@id": "urn:x", "@type": "T", "urn:q": {"@id": "urn:y", "p": "z"}}
    assert lines_of(document) == [
        f"<urn:x> <{RDF}type> <urn:T> .\n",
        "<urn:x> <urn:q> <urn:y> .\n",
        '<urn:y> <urn:p> "z" .\n',
    ]
    with pytest.raises(JsonLdError) as refusal:
        lines_of({**document, "p": "z"})
    assert refusal.value.reason is Reason.UNDEFINED_TERM


def test_K63_named_graph_holds_what_stands_in_it_and_nothing_else() -> None:
    inside = {"@id": "urn:y", "p": "z"}
    document = {"@context": {"p": "urn:p"}, "@id": "urn:x", "@graph": [inside], "p": "x"}
    assert lines_of(document) == ['<urn:x> <urn:p> "x" .\n', '<urn:y> <urn:p> "z" <urn:x> .\n']


NOT_SIGNED: dict[str, tuple[dict[str, Any], Any, Reason]] = {
    "default direction": ({"@direction": "rtl", "a": "urn:a"}, "x", Reason.DIRECTION),
    "default direction of a language map": (
        {"@direction": "rtl", "a": {"@id": "urn:a", "@container": "@language"}},
        {"ar": "x"},
        Reason.DIRECTION,
    ),
    "property that is a blank node": ({"a": "_:b"}, "x", Reason.LOST),
    "base": ({"@base": "https://e.example/", "a": "urn:a"}, "x", Reason.BASE_OR_IMPORT),
    "import": ({"@import": "https://e.example/c", "a": "urn:a"}, "x", Reason.BASE_OR_IMPORT),
}


@pytest.mark.parametrize("name", sorted(NOT_SIGNED))
def test_A19_what_a_context_would_keep_from_being_signed_is_refused(name: str) -> None:
    context, value, reason = NOT_SIGNED[name]
    document = {"@context": context, "@id": "urn:x", "a": value}
    with pytest.raises(JsonLdError) as refusal:
        to_rdf(document, contexts=store_for(document))
    assert refusal.value.reason is reason


# The fallback

MAPS = {"p": {"@id": "urn:p", "@container": "@id"}, "n": "urn:n"}
WITH_MAP = {"@context": MAPS, "@id": "urn:x", "p": {"urn:y": {"n": "z"}}}


def test_K63_pyld_reads_terms_that_our_processor_does_not_know() -> None:
    with pytest.raises(JsonLdError) as refusal:
        convert(WITH_MAP, store_for(WITH_MAP))
    assert refusal.value.reason is Reason.UNSUPPORTED
    assert lines_of(WITH_MAP) == ["<urn:x> <urn:p> <urn:y> .\n", '<urn:y> <urn:n> "z" .\n']


FALLBACK_REFUSED: dict[str, tuple[dict[str, Any], Reason]] = {
    "null": ({"n": None}, Reason.NULL),
    "undefined": ({"m": "x"}, Reason.UNDEFINED_TERM),
    "relative": ({"n": {"@id": "y"}}, Reason.RELATIVE_IRI),
    "ill-formed": ({"n": {"@id": "urn:a b"}}, Reason.INVALID_IRI),
    "index": ({"n": {"@value": "x", "@index": "y"}}, Reason.LOST),
    "reference like a keyword": ({"p": [], "n": {"@id": "@colour"}}, Reason.RELATIVE_IRI),
    "language alone": ({"n": {"@language": "nl"}}, Reason.LOST),
    "reverse": ({"@reverse": {"n": {"@id": "urn:z"}}}, Reason.REGROUPED),
    "graph that says nothing": ({"@graph": [{"@id": "urn:z"}]}, Reason.LOST),
    "JSON literal": ({"n": {"@value": {"a": 1}, "@type": "@json"}}, Reason.UNSUPPORTED),
    "not JSON-LD": ({"n": {"@value": "x", "@type": "urn:t", "@language": "nl"}}, Reason.INVALID_VALUE),
    "too large": ({"n": ["x"] * MAX_LEAVES}, Reason.TOO_LARGE),
    "inline context": ({"n": {"@context": {"n": "urn:m"}, "n": "x"}}, Reason.INLINE_CONTEXT),
}


@pytest.mark.parametrize("name", sorted(FALLBACK_REFUSED))
def test_A19_the_fallback_loses_nothing_either(name: str) -> None:
    members, reason = FALLBACK_REFUSED[name]
    with pytest.raises(JsonLdError) as refusal:
        convert_with_pyld({**WITH_MAP, **members}, store_for(WITH_MAP))
    assert refusal.value.reason is reason


def test_A19_the_fallback_counts_what_comes_out() -> None:
    """An object with nothing but a language is dropped in silence, here under another name for that keyword."""
    document = {"@context": {"l": "@language", "n": "urn:n"}, "@id": "urn:x", "n": ["x", {"l": "nl"}]}
    with pytest.raises(JsonLdError) as refusal:
        convert_with_pyld(document, store_for(document))
    assert refusal.value.reason is Reason.LOST


def test_A19_the_fallback_wants_terms_for_names_too() -> None:
    store = ContextStore({"urn:c": {"@context": MAPS}})
    for name in ("urn:q", "@id", "@type"):
        with pytest.raises(JsonLdError) as refusal:
            convert_with_pyld({"@context": "urn:c", "n": "x", name: "urn:x"}, store)
        assert refusal.value.reason is Reason.IRI_AS_NAME


def test_A20_the_fallback_fetches_nothing() -> None:
    document = {"@context": "https://evil.example/v1", "p": {"n": "z"}}
    with pytest.raises(JsonLdError) as refusal:
        convert_with_pyld(document, ContextStore({}))
    assert refusal.value.reason is Reason.UNPINNED_CONTEXT


def test_A20_the_fallback_keeps_nothing_from_one_store_to_the_next() -> None:
    document = {"@context": "https://e.example/c", "p": {"urn:y": {"n": "z"}}}
    for meaning in ("urn:one", "urn:two"):
        store = ContextStore({"https://e.example/c": {"@context": {**MAPS, "n": meaning}}}, allow_iris_as_names=True)
        assert ("urn:y", meaning) in {(quad[0][1:-1], quad[1][1:-1]) for quad in to_rdf(document, contexts=store)}


def test_K63_the_fallback_reads_named_graphs_and_blank_nodes() -> None:
    graph = {"@id": "urn:g", "@graph": [{"@id": "_:a", "n": {"@value": "z", "@language": "nl"}}]}
    document = {**WITH_MAP, "n": ["x", 1, True, graph]}
    store = store_for(document)
    text = canonicalize(convert_with_pyld(document, store)).text
    assert '_:c14n0 <urn:n> "z"@nl <urn:g> .\n' in text


def test_K63_every_refusal_is_a_malformed_document() -> None:
    assert issubclass(JsonLdError, MalformedError)
    assert JsonLdError(Reason.NULL, "x").code == "malformed"
