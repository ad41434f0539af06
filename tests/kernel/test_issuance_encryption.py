"""kernel.openid4vci: encrypted requests and responses, deferred requests, signed metadata. I-18, I-63, I-65, I-67."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given

from kernel import base64url
from kernel.errors import (
    AlgorithmNotAllowedError,
    CredentialError,
    ExpiredError,
    MalformedError,
    RejectedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.jwe import find_key_id
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner, public_key_from
from kernel.openid4vci import (
    DeferredCredentialRequest,
    DeferredIssuance,
    IssuerMetadata,
    ResponseEncryption,
    create_encryption_metadata,
    create_signed_metadata,
    decrypt_message,
    encrypt_message,
    parse_credential_request,
    parse_credential_response,
    parse_deferred_credential_request,
    parse_issuer_metadata,
    parse_response_encryption,
    verify_signed_metadata,
)
from tests.support.json_values import json_values, nearly

ISSUER = "https://issuer.example/stmw"
NOW = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)
ES256 = frozenset({"ES256"})


def encryption_key(kid: str) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    secret = base64url.encode(key.private_numbers().private_value.to_bytes(32))
    return {**public_key_from(key.public_key()).jwk, "alg": "ECDH-ES", "use": "enc", "kid": kid, "d": secret}


def public(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name != "d"}


KEY = encryption_key("req-enc-1")


def metadata(**changes: Any) -> dict[str, Any]:
    bare = {name: KEY[name] for name in ("kty", "crv", "x", "y", "kid")}
    members = {
        "credential_issuer": ISSUER,
        "credential_endpoint": f"{ISSUER}/credential",
        "credential_configurations_supported": {},
        **create_encryption_metadata([bare], is_required=False),
        **changes,
    }
    return {name: value for name, value in members.items() if value is not ...}


def read(**changes: Any) -> IssuerMetadata:
    return parse_issuer_metadata(metadata(**changes), credential_issuer=ISSUER)


def request_encryption(**changes: Any) -> dict[str, Any]:
    return {**metadata()["credential_request_encryption"], **changes}


def response_encryption(**changes: Any) -> dict[str, Any]:
    return {**metadata()["credential_response_encryption"], **changes}


# What an issuer says


def test_I12_I67_an_issuer_says_how_to_encrypt_and_a_wallet_chooses():
    found = read()
    assert found.credential_request_encryption is not None
    assert found.credential_response_encryption is not None
    assert found.credential_request_encryption.select() == ResponseEncryption(public(KEY), "A256GCM")
    assert found.credential_response_encryption.select() == "A256GCM"
    assert not found.credential_request_encryption.is_required
    assert not found.credential_response_encryption.is_required
    assert read(credential_request_encryption=...).credential_request_encryption is None
    assert read(credential_response_encryption=...).credential_response_encryption is None


def test_W15_a_wallet_passes_over_keys_and_ways_that_it_cannot_use():
    foreign = {"kty": "OKP", "crv": "X25519", "x": "AAAA", "alg": "ECDH-ES", "kid": "x"}
    other = {**public(encryption_key("other")), "alg": "ECDH-ES+A256KW"}
    signing = {**public(encryption_key("signing")), "use": "sig"}
    keys = {"keys": [foreign, other, signing, public(KEY)]}
    found = read(credential_request_encryption=request_encryption(jwks=keys)).credential_request_encryption
    assert found is not None
    assert found.select() == ResponseEncryption(public(KEY), "A256GCM")
    for changes in ({"jwks": {"keys": [foreign]}}, {"enc_values_supported": ["A128CBC-HS256"]}):
        found = read(credential_request_encryption=request_encryption(**changes)).credential_request_encryption
        assert found is not None
        assert found.select() is None
    for changes in ({"alg_values_supported": ["RSA-OAEP"]}, {"enc_values_supported": ["A128CBC-HS256"]}):
        said = read(credential_response_encryption=response_encryption(**changes)).credential_response_encryption
        assert said is not None
        assert said.select() is None


@pytest.mark.parametrize(
    "changes",
    [
        {"credential_request_encryption": []},
        {"credential_request_encryption": request_encryption(jwks={"keys": []})},
        {"credential_request_encryption": request_encryption(jwks={"keys": [{"kty": "EC"}]})},
        {"credential_request_encryption": request_encryption(jwks={"keys": [public(KEY), public(KEY)]})},
        {"credential_request_encryption": request_encryption(enc_values_supported=[])},
        {"credential_request_encryption": request_encryption(encryption_required="no")},
        {"credential_response_encryption": 1},
        {"credential_response_encryption": response_encryption(alg_values_supported=[])},
        {"credential_response_encryption": response_encryption(enc_values_supported=[1])},
        {"credential_response_encryption": response_encryption(encryption_required=None)},
    ],
)
def test_I12_metadata_about_encryption_with_one_thing_broken_is_malformed(changes):
    with pytest.raises(MalformedError):
        read(**changes)


# Messages


@pytest.mark.parametrize("enc", ["A128GCM", "A256GCM"])
def test_I67_a_message_comes_out_as_it_went_in(enc):
    members = {"credential_configuration_id": "badge", "proofs": {"jwt": ["a.b.c"]}}
    raw = encrypt_message(members, recipient=public(KEY), enc=enc)
    assert find_key_id(raw) == "req-enc-1"
    assert decrypt_message(raw, private_jwk=KEY) == members


def test_I67_A40_a_message_for_another_key_or_too_large_is_refused():
    raw = encrypt_message({"a": "b" * 1000}, recipient=public(KEY), enc="A256GCM")
    with pytest.raises(RejectedError):
        decrypt_message(raw, private_jwk=encryption_key("req-enc-1"))
    with pytest.raises(MalformedError):
        decrypt_message(raw, private_jwk=KEY, max_bytes=100)
    with pytest.raises(AlgorithmNotAllowedError):
        decrypt_message(raw, private_jwk=KEY, enc_values=frozenset({"A128GCM"}))
    for unreadable in (None, "a.b", "a" * 2_000_000):
        with pytest.raises(MalformedError):
            find_key_id(unreadable)


def encryption(**changes: Any) -> dict[str, Any]:
    members = {"jwk": public(KEY), "enc": "A256GCM", **changes}
    return {name: value for name, value in members.items() if value is not ...}


def test_I67_a_wallet_says_to_which_key_it_wants_its_response():
    wanted = parse_response_encryption(encryption())
    assert wanted.as_json() == encryption()
    assert parse_response_encryption(wanted.as_json()) == wanted
    unnamed = {name: value for name, value in public(KEY).items() if name not in ("kid", "use")}
    assert parse_response_encryption(encryption(jwk=unnamed)).jwk == unnamed


@pytest.mark.parametrize(
    "value",
    [
        None,
        encryption(jwk=...),
        encryption(jwk={}),
        encryption(jwk=KEY),
        encryption(jwk={**public(KEY), "alg": "ECDH-ES+A128KW"}),
        encryption(jwk={name: value for name, value in public(KEY).items() if name != "alg"}),
        encryption(jwk={**public(KEY), "use": "sig"}),
        encryption(jwk={**public(KEY), "kid": 7}),
        encryption(jwk={**public(KEY), "x": public(KEY)["y"]}),
        encryption(enc=...),
        encryption(enc="A128CBC-HS256"),
        encryption(zip="DEF"),
    ],
)
def test_I67_encryption_parameters_with_one_thing_wrong_are_refused(value):
    """Mirrors VCIIssuerFailOnUnsupportedEncryptionAlgorithm."""
    with pytest.raises((MalformedError, RejectedError)):
        parse_response_encryption(value)


# Deferred issuance


def test_I63_credentials_that_are_not_ready_have_an_id_to_ask_with():
    waiting = DeferredIssuance("G1ucyz6NAGpSMN6b2iP_ke", timedelta(days=1))
    assert waiting.as_json() == {"transaction_id": "G1ucyz6NAGpSMN6b2iP_ke", "interval": 86400}
    assert parse_credential_response(waiting.as_json()) == waiting
    assert "G1ucyz" not in repr(waiting)


@pytest.mark.parametrize("wanted", [None, {"jwk": public(KEY), "enc": "A256GCM"}])
def test_I65_a_deferred_request_is_read_as_it_was_written(wanted):
    request = DeferredCredentialRequest("G1ucyz6NAGpSMN6b2iP_ke", wanted)
    assert parse_deferred_credential_request({**request.as_json(), "unknown": 1}) == request
    assert "G1ucyz" not in repr(request)


@pytest.mark.parametrize(
    "value", [None, {}, {"transaction_id": ""}, {"transaction_id": "t", "credential_response_encryption": "x"}]
)
def test_I65_a_deferred_request_with_one_thing_missing_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_deferred_credential_request(value)


# Requests of earlier drafts


def test_a_request_of_draft_15_has_one_proof_where_that_is_accepted():
    old = {"credential_configuration_id": "badge", "proof": {"proof_type": "jwt", "jwt": "a.b.c"}}
    found = parse_credential_request(old, accepts_single_proof=True)
    assert (found.proof_type, found.proofs) == ("jwt", ("a.b.c",))
    assert parse_credential_request(old).proof_type is None
    assert parse_credential_request({"credential_configuration_id": "b"}, accepts_single_proof=True).proofs == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"proof": "a.b.c"},
        {"proof": {"proof_type": "ldp_vp", "jwt": "a.b.c"}},
        {"proof": {"proof_type": "jwt"}},
        {"proofs": {"jwt": ["a.b.c"]}},
    ],
)
def test_a_single_proof_with_one_thing_wrong_is_malformed(changes):
    old = {"credential_configuration_id": "badge", "proof": {"proof_type": "jwt", "jwt": "a.b.c"}, **changes}
    with pytest.raises(MalformedError):
        parse_credential_request(old, accepts_single_proof=True)


# Signed metadata

SIGNER = SoftwareSigner.generate()


def signed(**changes: Any) -> str:
    values: dict[str, Any] = {"signer": SIGNER, "header": {"kid": "did:web:issuer.example#1"}}
    values |= {"issued_at": NOW, "expires_at": NOW + timedelta(days=1), **changes}
    return create_signed_metadata(metadata(), **values)


def verify(raw: str, **changes: Any) -> Any:
    expected: dict[str, Any] = {"key": SIGNER.public_key, "algorithms": ES256, "credential_issuer": ISSUER, "now": NOW}
    return verify_signed_metadata(parse_jwt(raw), **{**expected, **changes})


def test_I18_signed_metadata_is_the_metadata():
    """Mirrors VCIIssuerMetadataSigned."""
    token = parse_jwt(signed())
    assert (token.header["typ"], token.payload["sub"]) == ("openidvci-issuer-metadata+jwt", ISSUER)
    assert "iss" not in token.payload
    assert verify(signed(attester="https://attester.example")) == metadata()


def resigned(typ: str = "openidvci-issuer-metadata+jwt", **changes: Any) -> str:
    payload = {**parse_jwt(signed()).payload, **changes}
    payload = {name: value for name, value in payload.items() if value is not ...}
    return sign_jwt(payload, signer=SIGNER, typ=typ)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"typ": "jwt"}, WrongTypeError),
        ({"sub": "https://issuer.example/other"}, UntrustedIssuerError),
        ({"sub": ...}, MalformedError),
        ({"iat": ...}, MalformedError),
        ({"exp": int(NOW.timestamp()) - 60}, ExpiredError),
    ],
)
def test_I18_A56_signed_metadata_with_one_thing_wrong_is_refused(changes, error):
    with pytest.raises(error):
        verify(resigned(**changes))


def test_I18_A56_metadata_signed_by_somebody_else_is_refused():
    with pytest.raises(RejectedError):
        verify(signed(signer=SoftwareSigner.generate()))


TOTAL = [
    (parse_response_encryption, encryption()),
    (parse_deferred_credential_request, {"transaction_id": "t", "credential_response_encryption": {}}),
    (lambda value: parse_issuer_metadata(value, credential_issuer=ISSUER), metadata()),
    (lambda value: parse_credential_request(value, accepts_single_proof=True),
     {"credential_configuration_id": "badge", "proof": {"proof_type": "jwt", "jwt": "a.b.c"}}),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(TOTAL)))
def test_A08_no_message_makes_a_parser_fail_otherwise_than_said(number):
    parse, valid = TOTAL[number]

    @given(json_values() | nearly(valid))
    def check(value: Any) -> None:
        with suppress(CredentialError):
            parse(value)

    check()
