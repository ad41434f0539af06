"""Bulk signing gives what signing one by one gives, byte for byte, and leaves to it what it cannot do itself."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.data_integrity import add_base_proof, add_proof, derive_credential, verify_credential, without_proof
from kernel.data_integrity.bulk import BulkTemplate, SelectiveBulkTemplate
from kernel.data_integrity.canonical_form import canonical_text
from kernel.data_integrity.ecdsa_sd_2023 import parse_base_proof
from kernel.data_integrity.statements import group_document
from kernel.errors import MalformedError
from kernel.json_ld import pinned_contexts, shapes
from kernel.keys import SoftwareSigner
from kernel.strict_json import encode_json
from tests.kernel.test_json_ld_shapes import BADGE
from tests.support.clock import NOW
from tests.support.random_badges import random_badge, random_iri

SIGNER = SoftwareSigner.generate("Ed25519")
METHOD = "did:web:issuer.example#1"
POINTERS = ["/id", "/credentialSubject/id", "/credentialSubject/identifier/0/identityHash", "/name"]
IDENTITY = {"type": "IdentityObject", "hashed": True, "identityHash": "sha256$0", "identityType": "emailAddress"}
DOCUMENT: dict[str, Any] = {**BADGE, "credentialSubject": {**BADGE["credentialSubject"], "identifier": [IDENTITY]}}


def template(document: dict[str, Any] = DOCUMENT, pointers: list[str] = POINTERS) -> BulkTemplate:
    return BulkTemplate(document, pointers=pointers, signer=SIGNER, verification_method=METHOD, created_at=NOW)


def filled(texts: list[str]) -> dict[str, Any]:
    identifier, subject_id, identity_hash, name = texts
    subject = {
        **DOCUMENT["credentialSubject"],
        "id": subject_id,
        "identifier": [{**IDENTITY, "identityHash": identity_hash}],
    }
    return {**DOCUMENT, "id": identifier, "name": name, "credentialSubject": subject}


def signed_alone(texts: list[str]) -> bytes:
    return encode_json(
        add_proof(
            filled(texts),
            cryptosuite="eddsa-rdfc-2022",
            signer=SIGNER,
            verification_method=METHOD,
            proof_purpose="assertionMethod",
            created_at=NOW,
        )
    )


GOOD = ["urn:uuid:2", "did:example:sanne", "sha256$1", "Sanne"]


def test_K60_bulk_signing_gives_the_bytes_of_signing_alone() -> None:
    many = template()
    for number in range(5):
        texts = [f"urn:uuid:{number}", f"did:example:{number}", f"sha256${number}", f'"Badge"\n{number} \x01é🌃']
        raw = many.sign(texts)
        assert raw == signed_alone(texts)
        verify_credential(
            json.loads(raw), find_key=lambda *_: SIGNER.public_key, cryptosuites=frozenset({"eddsa-rdfc-2022"}), now=NOW
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=4, max_size=4))
def test_K60_no_text_makes_a_difference_between_the_two_ways(texts: list[str]) -> None:
    texts = [f"urn:uuid:{texts[0]}", f"did:example:{texts[1]}", *texts[2:]]
    try:
        alone = signed_alone(texts)
    except MalformedError:
        with pytest.raises(MalformedError):
            TEMPLATE.sign(texts)
    else:
        assert TEMPLATE.sign(texts) == alone


TEMPLATE = template()


@pytest.mark.parametrize(
    ("position", "text"),
    [(0, "https://issuer.example/a"), (1, "did:web:issuer.example"), (1, "_:b0")],
    ids=["named as another node", "subject named as the issuer", "blank subject"],
)
def test_A19_text_that_changes_more_than_itself_is_signed_alone(position: int, text: str) -> None:
    texts = [text if i == position else good for i, good in enumerate(GOOD)]
    try:
        alone = signed_alone(texts)
    except MalformedError:
        with pytest.raises(MalformedError):
            TEMPLATE.sign(texts)
    else:
        assert TEMPLATE.sign(texts) == alone


def test_A21_nodes_that_come_to_look_alike_are_signed_alone() -> None:
    twins = {**DOCUMENT["credentialSubject"], "identifier": [IDENTITY, {**IDENTITY, "identityHash": "sha256$1"}]}
    many = template({**DOCUMENT, "credentialSubject": twins}, ["/credentialSubject/identifier/0/identityHash"])
    raw = many.sign(["sha256$1"])
    assert json.loads(raw)["credentialSubject"]["identifier"][0]["identityHash"] == "sha256$1"


@pytest.mark.parametrize("text", ["x", "", "a b:", "name", "@id", "\ud800"])
def test_A19_identifier_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        TEMPLATE.sign([text, *GOOD[1:]])


@pytest.mark.parametrize(
    "pointer",
    ["/x", "/type/x", "/type/9", "/credentialSubject", "/credentialSubject/identifier/0/hashed", "name", "/name/0"],
)
def test_K60_pointer_to_no_text_is_refused(pointer: str) -> None:
    with pytest.raises(MalformedError):
        template(pointers=[pointer])


def test_K60_types_and_contexts_vary_the_slow_way() -> None:
    many = template(pointers=["/type/1"])
    assert json.loads(many.sign(["AchievementCredential"]))["type"][1] == "AchievementCredential"
    with pytest.raises(MalformedError):
        many.sign(["Diploma"])


def test_K60_text_that_belongs_to_the_shape_varies_the_slow_way() -> None:
    schema = {**DOCUMENT, "type": ["VerifiableCredential", "JsonSchema"], "jsonSchema": {"title": "a"}}
    many = template(schema, ["/jsonSchema/title"])
    assert json.loads(many.sign(["b"]))["jsonSchema"] == {"title": "b"}


def test_A21_document_without_a_shape_is_signed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_TEMPLATES", 10)
    assert template().sign(GOOD) == signed_alone(GOOD)
    monkeypatch.setattr(shapes, "MAX_KEY", 1)
    assert template().sign(GOOD) == signed_alone(GOOD)


def test_K60_every_place_needs_its_text() -> None:
    with pytest.raises(ValueError, match="number"):
        TEMPLATE.sign(GOOD[:3])


def test_K64_document_that_cannot_be_signed_is_no_template() -> None:
    with pytest.raises(MalformedError):
        template({**DOCUMENT, "colour": "red"})


# With `ecdsa-sd-2023` no two signings are alike: keys of the proof and signatures are fresh. What they are made over is
# compared: who verifies makes every statement of the document anew, the general way, and wants a signature for each.

P256 = SoftwareSigner.generate("ES256")
MANDATORY = ["/name", "/credentialSubject/achievement/id"]


def selective(
    document: dict[str, Any] = DOCUMENT, pointers: list[str] = POINTERS, mandatory: list[str] = MANDATORY
) -> SelectiveBulkTemplate:
    return SelectiveBulkTemplate(
        document,
        pointers=pointers,
        mandatory_pointers=mandatory,
        signer=P256,
        verification_method=METHOD,
        created_at=NOW,
    )


def require_as_alone(raw: bytes, document: dict[str, Any], mandatory: list[str] = MANDATORY) -> None:
    """The same text but for what is fresh, every signature good, and as many always shown."""
    signed = json.loads(raw)
    alone = add_base_proof(
        document, signer=P256, verification_method=METHOD, created_at=NOW, mandatory_pointers=mandatory
    )
    proofs = [parse_base_proof(each["proof"][0].pop("proofValue")) for each in (signed, alone)]
    assert encode_json(signed) == encode_json(alone)
    assert proofs[0].mandatory_pointers == proofs[1].mandatory_pointers
    assert len(proofs[0].signatures) == len(proofs[1].signatures)
    assert proofs[0].hmac_key != proofs[1].hmac_key
    assert proofs[0].public_key != proofs[1].public_key
    received = json.loads(raw)
    verify_selective(received, on_receipt=True)
    verify_selective(derive_credential(received, pointers=["/credentialSubject/identifier"]))
    grouped = group_document(without_proof(received), proofs[0].hmac_key, None)
    assert len(grouped.lines) - len(grouped.indexes(proofs[0].mandatory_pointers)) == len(proofs[0].signatures)


def verify_selective(document: dict[str, Any], *, on_receipt: bool = False) -> None:
    verify_credential(
        document,
        find_key=lambda *_: P256.public_key,
        cryptosuites=frozenset({"ecdsa-sd-2023"}),
        now=NOW,
        on_receipt=on_receipt,
        # Given contexts, every statement is made the general way.
        contexts=pinned_contexts(),
    )


def test_K61_selective_bulk_signing_signs_what_is_signed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    many = selective()
    # From here on the general way is not there.
    monkeypatch.setattr(SelectiveBulkTemplate, "_add_proof", None)
    for number in range(5):
        texts = [f"urn:uuid:{number}", f"did:example:{number}", f"sha256${number}", f'"Badge"\n{number} \x01é🌃']
        require_as_alone(many.sign(texts), filled(texts))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=20), min_size=4, max_size=4))
def test_K61_no_text_makes_a_difference_between_the_two_selective_ways(texts: list[str]) -> None:
    texts = [f"urn:uuid:{texts[0]}", f"did:example:{texts[1]}", *texts[2:]]
    try:
        signed_alone(texts)
    except MalformedError:
        with pytest.raises(MalformedError):
            SELECTIVE.sign(texts)
    else:
        require_as_alone(SELECTIVE.sign(texts), filled(texts))


SELECTIVE = selective()


@pytest.mark.parametrize("seed", range(12))
def test_K61_selective_bulk_signing_of_generated_badges(seed: int) -> None:
    random = Random(seed)
    badge = {**random_badge(random), "issuer": "did:web:issuer.example"}
    achievement = badge["credentialSubject"]["achievement"]
    try:
        many = selective(badge, ["/id"], ["/credentialSubject/achievement/type"])
    except MalformedError:
        with pytest.raises(MalformedError):
            add_base_proof(badge, signer=P256, verification_method=METHOD, created_at=NOW, mandatory_pointers=[])
        return
    for identifier in ("urn:uuid:1", random_iri(random), achievement["id"]):
        try:
            raw = many.sign([identifier])
        except MalformedError:
            with pytest.raises(MalformedError):
                canonical_text({**badge, "id": identifier})
        else:
            signed = json.loads(raw)
            verify_selective({**signed}, on_receipt=True)
            assert without_proof(signed) == {**badge, "id": identifier}


@pytest.mark.parametrize(
    "texts",
    [
        ["https://issuer.example/a", *GOOD[1:]],
        [GOOD[0], "did:web:issuer.example", *GOOD[2:]],
        [GOOD[0], "_:b0", *GOOD[2:]],
        ["urn:bnid:0", *GOOD[1:]],
        [GOOD[0], "urn:bnid:0", *GOOD[2:]],
        ["", *GOOD[1:]],
        [*GOOD[:3], "\ud800"],
    ],
    ids=["as another node", "subject as the issuer", "blank", "our own name", "subject so", "none", "no text"],
)
def test_A19_text_that_changes_more_than_itself_is_signed_alone_selectively(texts: list[str]) -> None:
    try:
        add_base_proof(
            filled(texts), signer=P256, verification_method=METHOD, created_at=NOW, mandatory_pointers=MANDATORY
        )
    except MalformedError:
        with pytest.raises(MalformedError):
            SELECTIVE.sign(texts)
    else:
        require_as_alone(SELECTIVE.sign(texts), filled(texts))


def test_A21_selective_statements_that_come_to_be_equal_are_signed_alone() -> None:
    twins = {**DOCUMENT["credentialSubject"], "identifier": [IDENTITY, {**IDENTITY, "identityHash": "sha256$1"}]}
    document = {**DOCUMENT, "credentialSubject": twins}
    many = selective(document, ["/credentialSubject/identifier/0/identityHash"])
    alike = {**twins, "identifier": [{**IDENTITY, "identityHash": "sha256$1"}] * 2}
    require_as_alone(many.sign(["sha256$1"]), {**document, "credentialSubject": alike})
    achievement = {**DOCUMENT["credentialSubject"]["achievement"], "tag": ["een", "twee"]}
    document = {**DOCUMENT, "credentialSubject": {**DOCUMENT["credentialSubject"], "achievement": achievement}}
    many = selective(document, ["/credentialSubject/achievement/tag/0"])
    same = {**achievement, "tag": ["twee", "twee"]}
    subject = {**DOCUMENT["credentialSubject"], "achievement": same}
    require_as_alone(many.sign(["twee"]), {**document, "credentialSubject": subject})


def test_K61_types_vary_the_slow_way_selectively() -> None:
    many = selective(pointers=["/type/1"])
    require_as_alone(
        many.sign(["AchievementCredential"]), {**DOCUMENT, "type": ["VerifiableCredential", "AchievementCredential"]}
    )
    with pytest.raises(MalformedError):
        many.sign(["Diploma"])


def test_K61_contexts_vary_the_slow_way_selectively() -> None:
    many = selective(pointers=["/@context/1"])
    require_as_alone(many.sign([DOCUMENT["@context"][1]]), DOCUMENT)
    with pytest.raises(MalformedError):
        many.sign(["https://unknown.example/context"])


def test_K61_text_that_belongs_to_the_shape_varies_the_slow_way_selectively() -> None:
    schema = {**DOCUMENT, "type": ["VerifiableCredential", "JsonSchema"], "jsonSchema": {"title": "a"}}
    many = selective(schema, ["/jsonSchema/title"], [])
    require_as_alone(many.sign(["b"]), {**schema, "jsonSchema": {"title": "b"}}, [])


def test_A21_document_without_a_shape_is_signed_alone_selectively(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_TEMPLATES", 10)
    require_as_alone(selective().sign(GOOD), filled(GOOD))


def test_A21_only_so_many_orders_of_the_nodes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MAX_ORDERS", 1)
    many = template()
    for number in range(30):
        texts = [*GOOD[:2], f"sha256${number}", GOOD[3]]
        assert many.sign(texts) == signed_alone(texts)
