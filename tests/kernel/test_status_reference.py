"""kernel.formats.status_reference: where a status is kept. Token Status List §6; Bitstring Status List 1.0 §2.1."""

import contextlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from kernel.errors import CredentialError, MalformedError
from kernel.formats import StatusKind, StatusReference
from kernel.formats.status_reference import (
    MAX_ENTRIES,
    create_credential_status,
    create_status_claim,
    find_credential_status,
    find_status_claim,
    find_statuses,
    require_kinds,
)
from tests.support.json_values import json_values

LIST = "https://status.skills.example/bsl/7"
ENTRY: dict[str, Any] = {
    "id": f"{LIST}#7301",
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "7301",
    "statusListCredential": LIST,
}
REVOCATION = StatusReference(LIST, 7301, StatusKind.BITSTRING_STATUS_LIST, "revocation")
SUSPENSION = StatusReference(f"{LIST}1", 4, StatusKind.BITSTRING_STATUS_LIST, "suspension")
TOKEN = StatusReference("https://status.skills.example/tsl/7", 19)
MESSAGE = StatusReference(
    f"{LIST}2",
    9,
    StatusKind.BITSTRING_STATUS_LIST,
    "message",
    size=2,
    messages=((0, "ok"), (1, "renew"), (2, "moved"), (3, "undefined")),
    references=("https://issuer.example/messages",),
)


def find(entry: Any) -> tuple[StatusReference, ...]:
    return find_credential_status({"credentialStatus": entry})


def test_K80_1_an_entry_says_which_list_which_place_and_what_for() -> None:
    assert find(ENTRY) == find([ENTRY]) == (REVOCATION,)
    assert find({name: value for name, value in ENTRY.items() if name != "id"}) == (REVOCATION,)
    assert find({**ENTRY, "type": ["BitstringStatusListEntry"]}) == (REVOCATION,)
    assert find_credential_status({}) == ()


def test_K80_1_what_is_written_is_read_back_of_one_entry_and_of_several() -> None:
    assert create_credential_status(REVOCATION) == {"credentialStatus": ENTRY}
    several = create_credential_status([REVOCATION, SUSPENSION, MESSAGE])
    assert find_credential_status(several) == (REVOCATION, SUSPENSION, MESSAGE)
    assert several["credentialStatus"][2]["statusMessage"][3] == {"status": "0x3", "message": "undefined"}
    assert several["credentialStatus"][2]["statusSize"] == 2
    assert several["credentialStatus"][2]["statusReference"] == "https://issuer.example/messages"
    explained = replace(MESSAGE, references=("https://issuer.example/messages", "urn:uuid:1", "https://é.example/ü#1"))
    assert find_credential_status(create_credential_status(explained)) == (explained,)
    assert create_credential_status(None) == create_credential_status([TOKEN]) == {}


def test_K70_the_token_status_list_has_one_place_only() -> None:
    assert create_status_claim([REVOCATION, TOKEN]) == {"status": {"status_list": {"idx": 19, "uri": TOKEN.uri}}}
    assert create_status_claim([REVOCATION]) == {}
    assert find_status_claim(create_status_claim(TOKEN)) == (TOKEN,)
    with pytest.raises(ValueError, match="too many"):
        create_status_claim([TOKEN, TOKEN])


def test_a_credential_with_both_kinds_names_both() -> None:
    claims = {**create_credential_status(REVOCATION), **create_status_claim(TOKEN)}
    assert find_statuses(claims) == (TOKEN, REVOCATION)


def test_a_format_refuses_a_kind_that_it_cannot_name() -> None:
    require_kinds([TOKEN, REVOCATION], StatusKind.TOKEN_STATUS_LIST, StatusKind.BITSTRING_STATUS_LIST)
    require_kinds(None)
    with pytest.raises(ValueError, match="kind"):
        require_kinds([TOKEN, REVOCATION], StatusKind.TOKEN_STATUS_LIST)


def test_B12_an_entry_of_the_older_kind_is_known_as_one() -> None:
    found = find({"id": LIST, "type": "1EdTechRevocationList"})
    assert found == (StatusReference(LIST, 0, StatusKind.REVOCATION_LIST),)


@pytest.mark.parametrize("kind", ["StatusList2021Entry", "Other", None, ["Other"]])
def test_B12_an_entry_of_another_type_is_of_unknown_kind_and_never_ignored(kind: Any) -> None:
    assert find({"id": LIST, "type": kind}) == (StatusReference(LIST, 0, StatusKind.UNKNOWN),)
    assert find([{"type": kind}, ENTRY]) == (StatusReference("", 0, StatusKind.UNKNOWN), REVOCATION)


@pytest.mark.parametrize(
    "change",
    [
        {"statusListIndex": 7301},
        {"statusListIndex": "-1"},
        {"statusListIndex": "1.0"},
        {"statusListIndex": "0x10"},
        {"statusListIndex": " 1"},
        {"statusListIndex": "١٢"},
        {"statusListIndex": "9" * 19},
        {"statusListIndex": None},
        {"statusListCredential": None},
        {"statusListCredential": ""},
        {"statusListCredential": [LIST]},
        {"statusPurpose": None},
        {"statusPurpose": ["revocation"]},
        {"id": LIST},
        {"statusSize": 0},
        {"statusSize": "1"},
        {"statusSize": True},
        {"statusSize": 9},
        {"statusSize": 2},
        {"statusMessage": []},
        {"statusMessage": [{"status": "0x0", "message": "only one"}]},
        {"statusMessage": [{"status": "0x0", "message": "a"}, {"status": "0x0", "message": "b"}]},
        {"statusMessage": [{"status": "0x0", "message": "a"}, {"status": "0x2", "message": "b"}]},
        {"statusMessage": [{"status": "0x0", "message": "a"}, {"status": "1", "message": "b"}]},
        {"statusMessage": [{"status": "0x0", "message": "a"}, {"status": "0x1"}]},
        {"statusMessage": [{"status": "0x0", "message": "a"}, "0x1"]},
        {"statusMessage": {"status": "0x0", "message": "a"}},
        {"statusReference": None},
        {"statusReference": []},
        {"statusReference": "no url"},
        {"statusReference": "https:"},
        {"statusReference": f"{LIST} and more"},
        {"statusReference": f"{LIST}\n"},
        {"statusReference": f"{LIST}\u2028https://elsewhere.example/"},
        {"statusReference": f"{LIST}\u0085"},
        {"statusReference": f"{LIST}\u00a0"},
        {"statusReference": [LIST, "no url"]},
        {"statusReference": [LIST] * (MAX_ENTRIES + 1)},
        {"statusReference": {"id": LIST}},
    ],
    ids=str,
)
def test_K80_1_an_entry_with_one_thing_broken_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CredentialError) as refusal:
        find({**ENTRY, **change})
    assert refusal.value.code == "malformed"


@pytest.mark.parametrize(
    "value", [None, [], "text", ["text"], [None], [ENTRY] * (MAX_ENTRIES + 1)], ids=lambda v: str(v)[:20]
)
def test_K80_1_a_credential_status_of_another_shape_is_refused(value: Any) -> None:
    with pytest.raises(CredentialError) as refusal:
        find(value)
    assert refusal.value.code == "malformed"


@given(json_values())
def test_reading_a_status_never_fails_otherwise(value: Any) -> None:
    for claims in ({"credentialStatus": value}, {"status": value}, {"status": {"status_list": value}}):
        with contextlib.suppress(MalformedError):
            find_statuses(claims)
