"""Related resources and their digests, and the W3C's names for problems."""

import base64
import hashlib
from typing import Any

import pytest

import schemas
from kernel import base64url
from kernel.data_integrity import problems
from kernel.data_integrity.problems import generation_problem_type, problem_type
from kernel.data_integrity.related_resource import MAX_RESOURCES, verify_related_resources
from kernel.errors import (
    AlgorithmNotAllowedError,
    AudienceError,
    CredentialError,
    ExpiredError,
    HolderBindingError,
    InvalidSignatureError,
    MalformedError,
    NonceError,
    RejectedError,
    RevokedError,
    UndecidedError,
)
from kernel.json_ld import CREDENTIALS_V2, PINNED, JsonLdError, Reason
from kernel.multikey import encode_base58btc

DATA = schemas.load_bytes(PINNED[CREDENTIALS_V2][0])
SHA256, SHA384 = hashlib.sha256(DATA).digest(), hashlib.sha384(DATA).digest()
SRI = "sha256-" + base64.b64encode(SHA256).decode()


def check(*entries: Any, **resources: bytes) -> None:
    verify_related_resources({"relatedResource": list(entries)}, resources={CREDENTIALS_V2: DATA, **resources})


@pytest.mark.parametrize(
    "digest",
    [
        {"digestSRI": SRI},
        {"digestMultibase": "u" + base64url.encode(b"\x12\x20" + SHA256)},
        {"digestMultibase": "z" + encode_base58btc(b"\x12\x20" + SHA256)},
        {"digestMultibase": "u" + base64url.encode(b"\x20\x30" + SHA384)},
        {"digestSRI": SRI, "digestMultibase": "u" + base64url.encode(b"\x12\x20" + SHA256)},
    ],
)
def test_K58_resource_with_its_digest_is_accepted(digest: dict[str, str]) -> None:
    check({"id": CREDENTIALS_V2, **digest})
    verify_related_resources({"relatedResource": {"id": CREDENTIALS_V2, **digest}}, resources={CREDENTIALS_V2: DATA})


def test_K58_credential_without_related_resources_needs_none() -> None:
    verify_related_resources({}, resources={})


@pytest.mark.parametrize(
    ("digest", "error"),
    [
        ({}, MalformedError),
        ({"digestSRI": "sha256-" + base64.b64encode(bytes(32)).decode()}, RejectedError),
        ({"digestMultibase": "u" + base64url.encode(b"\x12\x20" + bytes(32))}, InvalidSignatureError),
        ({"digestSRI": SRI, "digestMultibase": "u" + base64url.encode(b"\x12\x20" + bytes(32))}, InvalidSignatureError),
        ({"digestMultibase": "u" + base64url.encode(b"\x12\x20" + SHA256[:31])}, MalformedError),
        ({"digestMultibase": "u" + base64url.encode(b"\x16\x20" + SHA256)}, MalformedError),
        ({"digestMultibase": "f" + SHA256.hex()}, MalformedError),
        ({"digestMultibase": 1}, MalformedError),
    ],
)
def test_K58_resource_with_another_digest_or_none_is_refused(digest: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        check({"id": CREDENTIALS_V2, **digest})


def test_K58_list_of_resources_is_judged_as_a_whole() -> None:
    entry = {"id": CREDENTIALS_V2, "digestSRI": SRI}
    with pytest.raises(MalformedError):
        check(entry, entry)
    with pytest.raises(MalformedError):
        check(*({**entry, "id": f"https://a.example/{number}"} for number in range(MAX_RESOURCES + 1)))
    with pytest.raises(MalformedError):
        check("text")
    with pytest.raises(UndecidedError):
        check(entry, {**entry, "id": "https://a.example/elsewhere"})


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (JsonLdError(Reason.NULL, ""), problems.PROOF_TRANSFORMATION_ERROR),
        (MalformedError(), problems.MALFORMED_VALUE_ERROR),
        (InvalidSignatureError(), problems.PROOF_VERIFICATION_ERROR),
        (NonceError(), problems.INVALID_CHALLENGE_ERROR),
        (AudienceError(), problems.INVALID_DOMAIN_ERROR),
        (ExpiredError(), problems.RANGE_ERROR),
        (RevokedError(), problems.CRYPTOGRAPHIC_SECURITY_ERROR),
        (UndecidedError(), problems.CRYPTOGRAPHIC_SECURITY_ERROR),
    ],
)
def test_K59_every_error_has_its_problem_type(error: CredentialError, name: str) -> None:
    assert problem_type(error) == name
    assert name.startswith(("https://www.w3.org/TR/vc-data-model#", "https://w3id.org/security#"))


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (MalformedError(), problems.MALFORMED_VALUE_ERROR),
        (JsonLdError(Reason.NULL, ""), problems.PROOF_TRANSFORMATION_ERROR),
        (AlgorithmNotAllowedError(), problems.PROOF_GENERATION_ERROR),
        (HolderBindingError(), problems.PROOF_GENERATION_ERROR),
    ],
)
def test_K59_what_gets_no_proof_is_told_apart_from_what_does_not_verify(error: CredentialError, name: str) -> None:
    assert generation_problem_type(error) == name
