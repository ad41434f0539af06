"""Every error has its word on the wire. I-64; OpenID4VCI 1.0 §6.3, §8.3.1, §11.3."""

from collections.abc import Iterator

import pytest

import issuer.app  # noqa: F401  loads every module that defines an error
from issuer.errors import ROWS, IssuerError, Place, wire_error
from kernel.errors import CredentialError, MalformedError, NonceError

TOKEN_CODES = {"invalid_request", "invalid_grant", "unsupported_grant_type", "invalid_token", "temporarily_unavailable"}
DPOP_CODES = {"invalid_dpop_proof", "use_dpop_nonce"}
CLIENT_CODES = {
    "invalid_client",
    "unauthorized_client",
    "invalid_client_attestation",
    "use_attestation_challenge",
    "use_fresh_attestation",
}
TOKEN_CODES |= DPOP_CODES | CLIENT_CODES
# At the pushed authorization request endpoint, which shares the column. RFC 9126 §2.3, RFC 9396 §5, RFC 8707 §2.
TOKEN_CODES |= {"invalid_scope", "invalid_authorization_details", "invalid_target", "unsupported_response_type"}
CREDENTIAL_CODES = DPOP_CODES | {
    "insufficient_scope",
    "invalid_credential_request",
    "unknown_credential_configuration",
    "unknown_credential_identifier",
    "invalid_proof",
    "invalid_nonce",
    "invalid_encryption_parameters",
    "invalid_transaction_id",
    "credential_request_denied",
    "invalid_token",
    "temporarily_unavailable",
}
NOTIFICATION_CODES = DPOP_CODES | {
    "insufficient_scope",
    "invalid_notification_id",
    "invalid_notification_request",
    "invalid_token",
    "temporarily_unavailable",
}


def subclasses(cls: type) -> Iterator[type]:
    yield cls
    for child in cls.__subclasses__():
        yield from subclasses(child)


# Finer errors of single kernel modules count as the nearest of these.
OURS = [cls for cls in subclasses(CredentialError) if cls.__module__ in {"kernel.errors", "issuer.errors"}]


@pytest.mark.parametrize("cls", OURS)
def test_I64_every_credential_error_has_its_own_row(cls: type[CredentialError]) -> None:
    assert cls in ROWS


@pytest.mark.parametrize("cls", ROWS)
def test_I64_every_row_uses_the_words_of_its_specification(cls: type[CredentialError]) -> None:
    allowed = {
        Place.TOKEN: TOKEN_CODES,
        Place.CREDENTIAL: CREDENTIAL_CODES,
        Place.NOTIFICATION: NOTIFICATION_CODES,
    }
    for place, codes in allowed.items():
        status, code = wire_error(cls("detail"), place)
        assert code in codes or (code is None and status == 401)


@pytest.mark.parametrize("cls", OURS)
def test_I64_sentences_are_fixed_printable_ascii_without_quotes(cls: type[CredentialError]) -> None:
    assert cls.sentence.isascii()
    assert cls.sentence.isprintable()
    assert not {'"', "\\"} & set(cls.sentence)


def test_I64_codes_are_unique() -> None:
    codes = [cls.code for cls in OURS]
    assert len(codes) == len(set(codes))


def test_I64_the_nearest_class_counts_for_an_error_of_tomorrow() -> None:
    class StaleNonceError(NonceError):
        code = "stale_nonce"

    assert wire_error(StaleNonceError(), Place.CREDENTIAL) == (400, "invalid_nonce")
    assert wire_error(MalformedError(), Place.CREDENTIAL) == (400, "invalid_credential_request")


def test_management_errors_have_a_status_and_a_code_each() -> None:
    kinds = [cls for cls in subclasses(IssuerError) if cls is not IssuerError]
    assert all(400 <= cls.status < 500 for cls in kinds)
    assert len({cls.code for cls in kinds}) == len(kinds)
