"""kernel.openid4vci.dpop: what a DPoP proof is, and each way it can be wrong. RFC 9449 §4.2, §4.3; I-30, A-31."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from kernel import base64url
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid4vci import DpopProof, DpopProofError, create_dpop_proof, verify_dpop_proof
from kernel.web_urls import normalise_web_url
from tests.support.json_values import json_values, nearly

NOW = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
URL = "https://issuer.example/stmw/credential"
SIGNER = SoftwareSigner.generate()
TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
ES256 = frozenset({"ES256"})


def verify(proof: str, **changes: Any) -> DpopProof:
    expected: dict[str, Any] = {"method": "POST", "url": URL, "now": NOW, "access_token": TOKEN, "algorithms": ES256}
    return verify_dpop_proof(proof, **{**expected, **changes})


def proof(typ: str = "dpop+jwt", header: dict[str, Any] | None = None, **changes: Any) -> str:
    members = {
        "jti": "-BwC3ESc6acc2lTc",
        "htm": "POST",
        "htu": URL,
        "iat": AT,
        "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
        **changes,
    }
    payload = {name: value for name, value in members.items() if value is not ...}
    header = {"jwk": SIGNER.public_key.jwk} if header is None else header
    return sign_jwt(payload, signer=SIGNER, typ=typ, header=header)


def test_I30_a_proof_shows_the_key_for_one_request():
    raw = create_dpop_proof(signer=SIGNER, method="POST", url=URL, now=NOW, access_token=TOKEN, nonce="eyJ7S_zG")
    read = verify(raw)
    assert (read.thumbprint, read.key) == (SIGNER.public_key.thumbprint, SIGNER.public_key)
    assert (read.nonce, read.issued_at) == ("eyJ7S_zG", NOW)
    assert len(base64url.decode(read.jti)) == 16
    assert create_dpop_proof(signer=SIGNER, method="POST", url=URL, now=NOW) != raw


def test_I30_the_hash_of_the_access_token_is_that_of_the_rfc():
    """RFC 9449, figure 13: the token above, and its `ath`."""
    assert verify(proof()).jti == "-BwC3ESc6acc2lTc"
    payload = parse_jwt(create_dpop_proof(signer=SIGNER, method="POST", url=URL, now=NOW, access_token=TOKEN)).payload
    assert payload["ath"] == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def test_I30_at_the_token_endpoint_there_is_no_token_yet():
    assert verify(proof(ath=...), access_token=None).nonce is None


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "jwt"},
        {"typ": "openid4vci-proof+jwt"},
        {"header": {}},
        {"header": {"jwk": SIGNER.public_key.jwk | {"use": "enc"}}},
        {"header": {"jwk": SoftwareSigner.generate().public_key.jwk}},
        {"header": {"jwk": SIGNER.private_jwk()}},
        {"header": {"jwk": {"kty": "oct", "k": "AAAA"}}},
        {"header": {"kid": "did:jwk:x#0"}},
        {"jti": ...},
        {"jti": ""},
        {"jti": "a" * 1025},
        {"htm": ...},
        {"htm": "GET"},
        {"htm": "post"},
        {"htu": ...},
        {"htu": "https://issuer.example/stmw/deferred"},
        {"htu": "https://issuer.example/other/credential"},
        {"htu": "https://issuer.example:8443/stmw/credential"},
        {"htu": "https://evil.example/stmw/credential"},
        {"htu": "/stmw/credential"},
        {"iat": ...},
        {"iat": str(AT)},
        {"iat": AT - 361},
        {"iat": AT + 61},
        {"exp": AT - 60},
        {"nbf": AT + 61},
        {"ath": ...},
        {"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEp"},
        {"ath": 7},
        {"nonce": ""},
    ],
)
def test_I30_A31_a_proof_with_one_thing_missing_or_broken_is_refused(changes):
    with pytest.raises(DpopProofError) as caught:
        verify(proof(**changes))
    assert caught.value.code == "dpop_proof"


def test_A31_a_proof_is_refused_whose_algorithm_is_not_allowed():
    signer = SoftwareSigner.generate("Ed25519")
    raw = create_dpop_proof(signer=signer, method="POST", url=URL, now=NOW, access_token=TOKEN)
    with pytest.raises(DpopProofError):
        verify(raw)
    assert verify(raw, algorithms=frozenset({"Ed25519"})).key == signer.public_key


@pytest.mark.parametrize("raw", ["", "a.b", f"{proof()}, {proof()}", proof()[:-4], "a" * 20_000])
def test_A31_what_is_no_single_signed_token_is_refused(raw):
    with pytest.raises(DpopProofError):
        verify(raw)


@pytest.mark.parametrize("seconds", [-360, -300, 0, 60])
def test_I30_a_proof_is_good_until_its_age_and_the_leeway_have_passed(seconds):
    assert verify(proof(iat=AT + seconds)).issued_at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "spelling",
    [
        "https://issuer.example/stmw/credential?a=b",
        "https://issuer.example/stmw/credential#x",
        "HTTPS://ISSUER.example:443/stmw/credential",
        "https://issuer.example/stmw/./x/../credential",
        "https://issuer.example/stm%77/credential",
    ],
)
def test_I30_the_address_counts_and_not_its_spelling(spelling):
    assert verify(proof(htu=spelling))


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("https://a.example", "https://a.example/"),
        ("https://a.example/..", "https://a.example/"),
        ("https://a.example/b/.", "https://a.example/b/"),
        ("https://a.example/b/", "https://a.example/b/"),
        ("https://a.example/%2f%7Eb", "https://a.example/%2F~b"),
        ("http://localhost:80/a", "http://localhost/a"),
        ("http://[::1]:8000/a", "http://[::1]:8000/a"),
    ],
)
def test_I30_addresses_have_one_spelling(url, normal):
    assert normalise_web_url(url) == normal


@given(json_values() | nearly({"jti": "j", "htm": "POST", "htu": URL, "iat": AT, "ath": "a", "nonce": "n"}))
def test_A08_no_payload_makes_a_proof_fail_otherwise_than_said(value):
    payload = value if isinstance(value, dict) else {"jti": value}
    try:
        raw = sign_jwt(payload, signer=SIGNER, typ="dpop+jwt", header={"jwk": SIGNER.public_key.jwk})
    except UnicodeEncodeError:
        return
    try:
        verify(raw)
    except DpopProofError:
        return
