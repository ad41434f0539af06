"""JWT VC Issuer Metadata: from an https `iss` to its keys, and to nobody else's. SD-JWT VC §4; K-25."""

import json
from typing import Any

import pytest

from kernel.errors import CredentialError, MalformedError, UntrustedIssuerError
from kernel.jwt_vc_issuer import jwt_vc_issuer_url, parse_jwk_set, parse_jwt_vc_issuer_metadata
from kernel.keys import SoftwareSigner

ISSUER = "https://issuer.example/stmw"
SIGNER = SoftwareSigner.generate()
JWK = {"kid": "es256-1", "use": "sig", "alg": "ES256", **SIGNER.public_key.jwk}


def metadata(**changes: Any) -> bytes:
    members = {"issuer": ISSUER, "jwks": {"keys": [JWK]}, **changes}
    return json.dumps({name: value for name, value in members.items() if value is not None}).encode()


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        (ISSUER, "https://issuer.example/.well-known/jwt-vc-issuer/stmw"),
        ("https://issuer.example/stmw/", "https://issuer.example/.well-known/jwt-vc-issuer/stmw"),
        ("https://issuer.example", "https://issuer.example/.well-known/jwt-vc-issuer"),
        ("https://issuer.example/", "https://issuer.example/.well-known/jwt-vc-issuer"),
        ("https://issuer.example:8443/a/b", "https://issuer.example:8443/.well-known/jwt-vc-issuer/a/b"),
    ],
)
def test_K25_metadata_stands_before_the_path_of_the_issuer(issuer: str, url: str) -> None:
    assert jwt_vc_issuer_url(issuer) == url


@pytest.mark.parametrize("issuer", ["http://issuer.example", "https://issuer.example/?a", "stmw", "https://10.0.0.1/"])
def test_K25_an_issuer_that_is_no_https_url_has_no_metadata(issuer: str) -> None:
    with pytest.raises(MalformedError):
        jwt_vc_issuer_url(issuer)


def test_K25_the_key_is_the_one_that_kid_names() -> None:
    found = parse_jwt_vc_issuer_metadata(metadata(), issuer=ISSUER)
    assert found.jwks is not None
    assert found.jwks.find_key("es256-1") == SIGNER.public_key
    assert found.jwks_uri is None


def test_K25_keys_may_stand_at_an_address_of_their_own() -> None:
    raw = metadata(jwks=None, jwks_uri="https://keys.example/stmw.json")
    found = parse_jwt_vc_issuer_metadata(raw, issuer=ISSUER)
    assert (found.jwks, found.jwks_uri) == (None, "https://keys.example/stmw.json")
    assert parse_jwk_set(json.dumps({"keys": [JWK]}).encode()).find_key("es256-1") == SIGNER.public_key


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": None},
        {"issuer": "https://issuer.example/stmw/"},
        {"issuer": "https://other.example/stmw"},
        {"jwks": None},
        {"jwks_uri": "https://keys.example/stmw.json"},
        {"jwks": None, "jwks_uri": "http://keys.example/stmw.json"},
        {"jwks": None, "jwks_uri": 5},
        {"jwks": []},
        {"jwks": {"keys": {}}},
        {"jwks": {"keys": ["key"]}},
        {"jwks": {"keys": [JWK] * 101}},
    ],
)
def test_K25_metadata_with_one_thing_wrong_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        parse_jwt_vc_issuer_metadata(metadata(**changes), issuer=ISSUER)


@pytest.mark.parametrize("kid", [None, 5, "", "es256-2", "ES256-1"])
def test_K25_a_kid_that_the_metadata_does_not_have_is_nobodys_key(kid: object) -> None:
    found = parse_jwt_vc_issuer_metadata(metadata(), issuer=ISSUER)
    assert found.jwks is not None
    with pytest.raises(UntrustedIssuerError):
        found.jwks.find_key(kid)


@pytest.mark.parametrize(
    "keys",
    [[JWK, JWK], [{**JWK, "use": "enc"}], [{**JWK, "d": "AAAA"}], [{"kid": "es256-1", "kty": "oct", "k": "AAAA"}]],
    ids=["two of one name", "for encryption", "private", "symmetric"],
)
def test_K25_A04_a_key_that_is_not_one_public_signing_key_is_refused(keys: list[dict[str, Any]]) -> None:
    with pytest.raises(CredentialError):
        parse_jwk_set(json.dumps({"keys": keys}).encode()).find_key("es256-1")
