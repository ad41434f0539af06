"""Badges as files: bound to no key, about somebody who is named by a hash, signed in both ways of Open Badges 3.0."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kernel.errors import InvalidSignatureError, MalformedError, RejectedError
from kernel.formats import ALGORITHMS, FORMATS, StatusKind, StatusReference, VerifiedCredential, parse_credential
from kernel.formats.badge_file import (
    BadgeFileTemplate,
    SdJwtTemplate,
    SelectiveTemplate,
    WholeTemplate,
    create_badge_file,
    sign_badge_file,
    sign_open_badge_jwt,
)
from kernel.jwt import parse_jwt
from kernel.keys import SoftwareSigner
from kernel.open_badges import (
    OPEN_BADGES_EXTENSIONS,
    create_identity_object,
    verify_open_badge,
    verify_recipient,
)
from tests.conftest import NOW
from tests.support.badges import ISSUER, ISSUER_SIGNER, STATUS, create_test_dataset

ED25519 = SoftwareSigner.generate("Ed25519")
ENTRY = StatusReference("https://issuer.example/bsl/1", 7301, StatusKind.BITSTRING_STATUS_LIST, "revocation")
EMAIL = "sanne@student.example"
IDENTITY = create_identity_object(EMAIL, identity_type="emailAddress", salt="Kosher")


def create(**changes: Any) -> dict[str, Any]:
    dataset = replace(create_test_dataset(), person={}, subject={"identifier": [IDENTITY]})
    values: dict[str, Any] = {"issuer": ISSUER, "status": ENTRY, "valid_from": NOW, "expires_at": None}
    return create_badge_file(changes.pop("dataset", dataset), **{**values, **changes})


def sign(form: str, **changes: Any) -> str:
    if form == "jws":
        return sign_open_badge_jwt(create(**changes), issuer=ISSUER, signer=ISSUER_SIGNER)
    return sign_badge_file(create(**changes), issuer=ISSUER, signer=ED25519)


def verify(raw: str, **changes: Any) -> VerifiedCredential:
    read = parse_credential(raw)
    key = (ED25519 if read.format == "ldp_vc" else ISSUER_SIGNER).public_key
    values: dict[str, Any] = {"key": key, "algorithms": ALGORITHMS[read.format], "now": NOW}
    return FORMATS[read.format].verify(read, **{**values, **changes})


EACH = pytest.mark.parametrize("form", ["json", "jws"])


@EACH
def test_B08_B20_a_file_is_believed_and_bound_to_no_key(form: str) -> None:
    verified = verify(sign(form, expires_at=NOW + timedelta(days=30)))
    assert verified.holder_key is None
    assert verified.expires_at == (NOW + timedelta(days=30)).replace(microsecond=0)
    assert [reference.uri for reference in verified.statuses] == [ENTRY.uri]
    verify_open_badge(verified.claims)
    assert verify_recipient(verified.claims, identifier="Sanne@student.example").is_weak is False
    with pytest.raises(RejectedError):
        verify_recipient(verified.claims, identifier="ander@student.example")


@EACH
def test_B08_a_file_has_no_name_and_no_address_of_anybody(form: str) -> None:
    raw = sign(form)
    said = raw if form == "json" else json.dumps(parse_jwt(raw).payload)
    assert IDENTITY["identityHash"] in said
    for hidden in ("Sanne", "de Vries", EMAIL):
        assert hidden not in said


def test_B11_a_file_names_the_schema_and_the_context_that_defines_its_type() -> None:
    badge = create()
    assert badge["credentialSchema"][0]["type"] == "1EdTechJsonSchemaValidator2019"
    assert badge["@context"][-1] == OPEN_BADGES_EXTENSIONS


def test_B20_the_jws_of_a_badge_about_no_identifier_has_no_sub() -> None:
    payload = parse_jwt(sign("jws")).payload
    assert "sub" not in payload
    assert payload["jti"] == payload["id"]


def test_B23_both_forms_are_the_same_badge() -> None:
    as_json, as_jws = verify(sign("json")).claims, verify(sign("jws")).claims
    assert (as_json["issuer"]["id"], as_json["id"]) == (as_jws["issuer"]["id"], as_jws["id"])
    assert as_json["credentialSubject"] == as_jws["credentialSubject"]


def test_B03_a_badge_that_says_of_nobody_whom_it_is_about_is_not_made() -> None:
    with pytest.raises(MalformedError):
        create(dataset=replace(create_test_dataset(), person={}))


def test_B12_a_file_has_its_status_where_readers_of_open_badges_look() -> None:
    with pytest.raises(ValueError, match="cannot name"):
        create(status=STATUS)


def test_K60_a_file_with_one_changed_word_is_refused() -> None:
    changed = json.loads(sign("json"))
    changed["credentialSubject"]["identifier"][0]["salt"] = "Ander"
    with pytest.raises(InvalidSignatureError):
        verify(json.dumps(changed))


# Made in bulk


LISTED = [replace(ENTRY, purpose=purpose) for purpose in ("revocation", "suspension")]
TOKEN_ENTRY = StatusReference("https://issuer.example/status/1", 7)


def prepare(kind: type[BadgeFileTemplate], **changes: Any) -> BadgeFileTemplate:
    dataset = replace(create_test_dataset(), person={}, subject={"identifier": [IDENTITY]})
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "signer": ED25519 if kind is WholeTemplate else ISSUER_SIGNER,
        "status": LISTED,
        "valid_from": NOW,
        "expires_at": NOW + timedelta(days=30),
    }
    if kind is SdJwtTemplate:
        values |= {"status": TOKEN_ENTRY, "type_id": "https://issuer.example/vct", "type_integrity": "sha256-x"}
    return kind(changes.pop("dataset", dataset), **{**values, **changes})


OTHER = create_identity_object("piet@student.example", identity_type="emailAddress", salt="Zout")


@pytest.mark.parametrize("number_of_lists", [1, 2])
def test_B20_a_file_in_bulk_has_the_bytes_of_one_made_alone(number_of_lists: int) -> None:
    listed = LISTED if number_of_lists == 2 else ENTRY
    template = prepare(WholeTemplate, status=listed)
    others = [replace(entry, uri="https://issuer.example/bsl/2", index=9) for entry in LISTED[:number_of_lists]]
    raw = template.sign("urn:uuid:2", OTHER, others).decode()
    dataset = replace(create_test_dataset(), person={}, subject={"identifier": [OTHER]}, credential_id="urn:uuid:2")
    until = NOW + timedelta(days=30)
    assert raw == sign("json", dataset=dataset, status=others if number_of_lists == 2 else others[0], expires_at=until)


@pytest.mark.parametrize("kind", [WholeTemplate, SelectiveTemplate, SdJwtTemplate])
def test_B08_B20_a_file_in_bulk_is_believed_and_says_its_own_texts(kind: type[BadgeFileTemplate]) -> None:
    statuses = TOKEN_ENTRY if kind is SdJwtTemplate else LISTED
    raw = prepare(kind).sign("urn:uuid:2", OTHER, statuses).decode()
    read = parse_credential(raw)
    key = (ED25519 if kind is WholeTemplate else ISSUER_SIGNER).public_key
    verified = FORMATS[read.format].verify(read, key=key, algorithms=ALGORITHMS[read.format], now=NOW)
    assert verified.holder_key is None
    assert verified.claims["id"] == "urn:uuid:2"
    assert verified.expires_at == (NOW + timedelta(days=30)).replace(microsecond=0)
    claims = verified.claims if kind is SdJwtTemplate else verified.claims["credentialSubject"]
    assert claims["identifier"] == [OTHER]
    assert len(verified.statuses) == (1 if kind is SdJwtTemplate else 2)


@pytest.mark.parametrize("kind", [SelectiveTemplate, SdJwtTemplate])
def test_K61_S09_what_a_file_in_bulk_hides_is_what_a_copy_for_a_wallet_hides(kind: type[BadgeFileTemplate]) -> None:
    statuses = TOKEN_ENTRY if kind is SdJwtTemplate else LISTED
    raw = prepare(kind).sign("urn:uuid:2", OTHER, statuses).decode()
    hidden = FORMATS[parse_credential(raw).format].disclosable_paths(raw)
    about = () if kind is SdJwtTemplate else ("credentialSubject",)
    assert any(path[: len(about) + 1] == (*about, "identifier") for path in hidden)
    assert any(path[: len(about) + 2] == (*about, "achievement", "alignment") for path in hidden)
    assert not any("name" in path[-1:] and path[:-1] == (*about, "achievement") for path in hidden)


@pytest.mark.parametrize(("kind", "statuses"), [(WholeTemplate, TOKEN_ENTRY), (SdJwtTemplate, LISTED)])
def test_K70_B12_status_of_another_kind_has_no_place_in_a_file(kind: type[BadgeFileTemplate], statuses: Any) -> None:
    with pytest.raises(ValueError, match="kind"):
        prepare(kind, status=statuses)
