"""Bulk signing gives what signing one by one gives, byte for byte, and leaves to it what it cannot do itself."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel.data_integrity import add_proof, bulk, verify_credential
from kernel.data_integrity.bulk import BulkTemplate
from kernel.errors import MalformedError
from kernel.json_ld import shapes
from kernel.keys import SoftwareSigner
from kernel.strict_json import encode_json
from tests.kernel.test_json_ld_shapes import BADGE
from tests.support.clock import NOW

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
    assert bulk.CRYPTOSUITE == "eddsa-rdfc-2022"
