"""Type metadata of SD-JWT VCs: exact bytes, both languages, chains that end."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import CredentialError
from kernel.formats import FORMATS
from kernel.sd_jwt import ClaimsPath
from kernel.type_metadata import (
    MAX_EXTENDS,
    TypeMetadata,
    create_integrity,
    create_skill_badge_type,
    find_claim,
    find_display,
    find_extended,
    find_label,
    parse_type_metadata,
    verify_integrity,
)
from tests.support.badges import VCT, issue_badge
from tests.support.full_badge import LEARNING_OUTCOME, create_full_dataset

DOCUMENT = create_skill_badge_type(VCT)


def document(vct: str = VCT, **members: Any) -> bytes:
    return json.dumps({"vct": vct, **members}).encode()


# Ours


def test_K49_our_type_says_its_name_in_dutch_and_english() -> None:
    metadata = parse_type_metadata(DOCUMENT, vct=VCT, integrity=create_integrity(DOCUMENT))
    names = [display.name for language in ("nl", "en") if (display := find_display(metadata, language))]
    assert names == ["Vaardigheidsbadge", "Skill badge"]
    for claim in metadata.claims:
        assert {label.locale for label in claim.labels} == {"nl", "en"}


def test_K49_the_same_deployment_always_serves_the_same_bytes() -> None:
    assert create_skill_badge_type(VCT) == DOCUMENT
    assert create_skill_badge_type("https://other.example/vct") != DOCUMENT


def test_K49_T11_our_type_says_truly_what_is_hidden_and_what_is_there() -> None:
    """Every disclosable path of a real badge is `always`, every open member that is described is `never`.

    Of the described results only the learning outcomes are hidden: that one is `allowed`.
    """
    metadata = parse_type_metadata(DOCUMENT, vct=VCT)
    full = create_full_dataset()
    described_results = [*full.achievement["resultDescription"], LEARNING_OUTCOME]
    dataset = replace(full, achievement={**full.achievement, "resultDescription": described_results})
    raw = issue_badge("dc+sd-jwt", dataset=dataset)
    hidden = FORMATS["dc+sd-jwt"].disclosable_paths(raw)
    described = {path: find_claim([metadata], path) for path in hidden}
    sometimes = {path for path, claim in described.items() if claim is not None and claim.sd == "allowed"}
    assert sometimes == {("achievement", "resultDescription", len(described_results) - 1)}
    assert all(claim is not None and claim.sd == "always" for path, claim in described.items() if path not in sometimes)
    payload: Any = FORMATS["dc+sd-jwt"].parse(raw).payload
    for claim in metadata.claims:
        if claim.sd == "never":
            value = payload
            for step in claim.path:
                value = value[step]
        else:
            assert any(find_claim([metadata], path) == claim for path in hidden)


# Integrity


def sri(algorithm: str, data: bytes) -> str:
    return f"{algorithm}-{base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


@pytest.mark.parametrize(
    "integrity",
    [
        sri("sha256", b"x"),
        sri("sha384", b"x"),
        sri("sha512", b"x"),
        sri("sha256", b"x") + "?ct=json",
        f"{sri('sha256', b'another')} {sri('sha256', b'x')}",
        f"{sri('sha256', b'another')} {sri('sha512', b'x')}",
        f"md5-AAAA {sri('sha256', b'x')}",
    ],
)
def test_K50_bytes_that_fit_are_accepted(integrity: str) -> None:
    verify_integrity(b"x", integrity=integrity)


@pytest.mark.parametrize(
    ("integrity", "code"),
    [
        (sri("sha256", b"y"), "rejected"),
        (sri("sha256", b"x ")[:-4] + "AAA=", "rejected"),
        (f"{sri('sha256', b'x')} {sri('sha512', b'another')}", "rejected"),
        ("", "malformed"),
        ("md5-AAAA", "malformed"),
        ("sha256", "rejected"),
        ("sha256-", "rejected"),
        ("sha256-***", "malformed"),
        ("sha256-\u00e9", "malformed"),
        (hashlib.sha256(b"x").hexdigest(), "malformed"),
    ],
)
def test_K50_bytes_that_do_not_fit_are_refused(integrity: str, code: str) -> None:
    with pytest.raises(CredentialError) as refusal:
        verify_integrity(b"x", integrity=integrity)
    assert refusal.value.code == code


def test_K50_one_changed_byte_is_noticed() -> None:
    integrity = create_integrity(DOCUMENT)
    parse_type_metadata(DOCUMENT, vct=VCT, integrity=integrity)
    with pytest.raises(CredentialError) as refusal:
        parse_type_metadata(DOCUMENT.replace(b"\n", b" ", 1), vct=VCT, integrity=integrity)
    assert refusal.value.code == "rejected"


# Reading others


def test_K49_document_of_another_type_is_refused() -> None:
    with pytest.raises(CredentialError) as refusal:
        parse_type_metadata(document("https://other.example/vct"), vct=VCT)
    assert refusal.value.code == "rejected"


def test_K49_everything_that_a_document_may_say_is_read() -> None:
    metadata = parse_type_metadata(
        document(
            name="Badge",
            description="Een badge",
            extends="https://parent.example/vct",
            **{"extends#integrity": "sha256-AAAA"},
            display=[
                {
                    "locale": "nl-NL",
                    "name": "Badge",
                    "description": "Een badge",
                    "rendering": {
                        "simple": {
                            "logo": {"uri": "https://x.example/logo.svg"},
                            "background_color": "#12355b",
                            "text_color": "white; background: url(https://evil.example)",
                        },
                        "svg_templates": [{"uri": "https://x.example/t.svg"}],
                    },
                }
            ],
            claims=[
                {
                    "path": ["a", None, 0],
                    "display": [{"lang": "nl", "label": "A", "description": "Eerste"}],
                    "mandatory": True,
                    "sd": "never",
                    "svg_id": "a",
                },
                {"path": ["b"]},
            ],
        ),
        vct=VCT,
    )
    assert (metadata.extends, metadata.extends_integrity) == ("https://parent.example/vct", "sha256-AAAA")
    [display] = metadata.displays
    assert (display.background_color, display.text_color) == ("#12355b", None)
    assert display.logo_uri == "https://x.example/logo.svg"
    first, second = metadata.claims
    assert (first.path, first.is_mandatory, first.sd, first.svg_id) == (("a", None, 0), True, "never", "a")
    assert (second.labels, second.is_mandatory, second.sd) == ((), False, "allowed")


def test_K49_lang_is_read_as_the_old_name_of_locale() -> None:
    metadata = parse_type_metadata(
        document(claims=[{"path": ["a"], "display": [{"lang": "nl", "label": "A"}]}]), vct=VCT
    )
    assert metadata.claims[0].labels[0].locale == "nl"


@pytest.mark.parametrize(
    "members",
    [
        {"name": 1},
        {"extends": ["x"]},
        {"display": {}},
        {"display": ["x"]},
        {"display": [{"name": "x"}]},
        {"display": [{"locale": "nl"}]},
        {"display": [{"locale": "nl", "name": "x", "rendering": "simple"}]},
        {"display": [{"locale": "nl", "name": "x", "rendering": {"simple": []}}]},
        {"display": [{"locale": "nl", "name": "x", "rendering": {"simple": {"text_color": 1}}}]},
        {"claims": [{}]},
        {"claims": [{"path": []}]},
        {"claims": [{"path": "a"}]},
        {"claims": [{"path": [-1]}]},
        {"claims": [{"path": [True]}]},
        {"claims": [{"path": [1.5]}]},
        {"claims": [{"path": ["a"], "sd": "sometimes"}]},
        {"claims": [{"path": ["a"], "sd": ["always"]}]},
        {"claims": [{"path": ["a"], "mandatory": "yes"}]},
        {"claims": [{"path": ["a"], "display": [{"locale": "nl"}]}]},
    ],
)
def test_K49_document_with_one_thing_broken_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(CredentialError) as refusal:
        parse_type_metadata(document(**members), vct=VCT)
    assert refusal.value.code == "malformed"


@given(st.binary(max_size=60))
def test_K49_no_bytes_make_the_parser_raise_anything_but_a_credential_error(raw: bytes) -> None:
    for text in (raw, b'{"vct":"v","claims":' + raw + b"}"):
        try:
            parse_type_metadata(text, vct="v")
        except CredentialError:
            continue


# Finding


def test_K49_a_concrete_claim_is_found_by_index_before_null_and_by_the_nearest_type() -> None:
    near = parse_type_metadata(
        document(claims=[{"path": ["a", None], "svg_id": "each"}, {"path": ["a", 0], "svg_id": "first"}]), vct=VCT
    )
    far = parse_type_metadata(
        document(claims=[{"path": ["a", None], "svg_id": "far"}, {"path": ["b"], "svg_id": "b"}]), vct=VCT
    )
    found: dict[ClaimsPath, str | None] = {}
    for path in [("a", 0), ("a", 1), ("b",), ("a",), ("a", "x")]:
        claim = find_claim([near, far], path)
        found[path] = claim.svg_id if claim else None
    assert found == {("a", 0): "first", ("a", 1): "each", ("b",): "b", ("a",): None, ("a", "x"): None}


def test_K49_label_is_found_by_language_else_the_first_else_none() -> None:
    display = [{"locale": "en", "label": "Skill"}, {"locale": "nl-NL", "label": "Vaardigheid"}]
    metadata = parse_type_metadata(document(claims=[{"path": ["a"], "display": display}, {"path": ["b"]}]), vct=VCT)
    labelled, bare = metadata.claims
    labels = [find_label(labelled, language) for language in ("nl", "en", "de")]
    assert [label.label for label in labels if label] == ["Vaardigheid", "Skill", "Skill"]
    assert find_label(bare, "nl") is None
    assert find_display(metadata, "nl") is None


# Chains


def chain_of(length: int) -> dict[str, bytes]:
    """Return types 0, 1, … of which each extends the next, with integrity."""
    documents: dict[str, bytes] = {}
    parent: dict[str, str] = {}
    for number in reversed(range(length)):
        documents[f"v{number}"] = document(f"v{number}", name=str(number), **parent)
        parent = {"extends": f"v{number}", "extends#integrity": create_integrity(documents[f"v{number}"])}
    return documents


def resolve_type(vct: str, *, integrity: str | None, get_document: Callable[[str], bytes]) -> list[TypeMetadata]:
    """What a reader does that has the documents at hand."""
    chain = [parse_type_metadata(get_document(vct), vct=vct, integrity=integrity)]
    while (wanted := find_extended(chain)) is not None:
        chain.append(parse_type_metadata(get_document(wanted[0]), vct=wanted[0], integrity=wanted[1]))
    return chain


def test_K51_a_chain_of_five_extensions_is_followed_nearest_first() -> None:
    documents = chain_of(MAX_EXTENDS + 1)
    chain = resolve_type("v0", integrity=create_integrity(documents["v0"]), get_document=documents.__getitem__)
    assert [metadata.name for metadata in chain] == ["0", "1", "2", "3", "4", "5"]


def test_K51_a_longer_chain_is_refused_before_it_is_fetched() -> None:
    documents = chain_of(MAX_EXTENDS + 2)
    asked = []

    def get_document(vct: str) -> bytes:
        asked.append(vct)
        return documents[vct]

    with pytest.raises(CredentialError) as refusal:
        resolve_type("v0", integrity=None, get_document=get_document)
    assert refusal.value.code == "rejected"
    assert asked == [f"v{number}" for number in range(MAX_EXTENDS + 1)]


@pytest.mark.parametrize("loop", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "b"}])
def test_K51_A49_a_loop_is_refused(loop: dict[str, str]) -> None:
    with pytest.raises(CredentialError) as refusal:
        resolve_type("a", integrity=None, get_document=lambda vct: document(vct, extends=loop[vct]))
    assert refusal.value.code == "rejected"


def test_K50_a_parent_with_other_bytes_is_refused() -> None:
    documents = {**chain_of(2), "v1": document("v1", name="swapped")}
    with pytest.raises(CredentialError) as refusal:
        resolve_type("v0", integrity=None, get_document=documents.__getitem__)
    assert refusal.value.code == "rejected"
