"""Readers of messages that have no property test beside their other tests: nothing makes them end unforeseen.

A08: each is given any JSON, and a valid message in which one place was changed or taken out.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url
from kernel.dcql import parse_dcql_query
from kernel.errors import CredentialError
from kernel.federation.constraints import parse_constraints
from kernel.jwe import parse_recipient
from kernel.jwt_vc_issuer import parse_jwk_set, parse_jwt_vc_issuer_metadata
from kernel.keys import SoftwareSigner
from kernel.openid4vci.authorization import parse_redirect_uri
from kernel.openid4vci.scopes import parse_scopes
from kernel.openid4vp.dc_api import parse_dc_api_request, parse_dc_api_response
from kernel.openid4vp.transaction_data import AGREEMENT, parse_transaction_data
from kernel.openid4vp.verifier_attestation import parse_verifier_attestation
from kernel.openid4vp.verifier_info import parse_verifier_info, read_comparison_code, read_purpose
from kernel.openid_connect import parse_provider_metadata
from tests.support.json_values import json_values, nearly

ISSUER: Final = "https://issuer.example"
JWK: Final = {**SoftwareSigner.generate().public_key.jwk, "kid": "1", "use": "enc", "alg": "ECDH-ES"}
QUERY: Final = parse_dcql_query(
    {"credentials": [{"id": "badge", "format": "dc+sd-jwt", "meta": {"vct_values": ["x"]}}]}
)


def _token(header: Any, payload: Any) -> str:
    """A JWT with a signature of nobody."""
    return ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, payload, "signature"))


def _transaction_data(value: Any) -> object:
    texts = [base64url.encode(json.dumps(entry).encode()) for entry in value] if isinstance(value, list) else value
    return parse_transaction_data(texts, known_types={AGREEMENT}, query=QUERY)


def _verifier_info(value: Any) -> object:
    entries = parse_verifier_info({"verifier_info": value}, QUERY)
    return read_purpose(entries), read_comparison_code(entries)


def _signed(value: Any) -> str:
    return _token(value.get("header"), value.get("payload")) if isinstance(value, dict) else value


def _redirect_uri(value: Any) -> object:
    return parse_redirect_uri(value.get("uri") if isinstance(value, dict) else value)


def _dc_api_signed(value: Any) -> object:
    return parse_dc_api_request("openid4vp-v1-signed", {"request": _signed(value)})


SIGNED: Final = {"header": {"alg": "ES256", "typ": "jwt", "kid": "k", "x5c": ["MA=="]}, "payload": {"iss": ISSUER}}
CLIENT: Final = "did:web:verifier.example"
CLIENT_ID: Final = f"decentralized_identifier:{CLIENT}"
ASKED: Final = {
    "header": {"alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": f"{CLIENT}#1"},
    "payload": {"client_id": CLIENT_ID, "nonce": "n"},
}
PROTECTED: Final = {"alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": f"{CLIENT}#1", "client_id": CLIENT_ID}
SIGNATURE: Final = {"protected": base64url.encode(json.dumps(PROTECTED).encode()), "signature": "AA"}
READERS: Final[dict[str, tuple[Callable[[Any], object], Any]]] = {
    "transaction data": (
        _transaction_data,
        [{"type": AGREEMENT, "credential_ids": ["badge"], "title": "T", "text": "Tekst"}],
    ),
    "verifier info": (
        _verifier_info,
        [
            {"format": "urn:skillswallet:purpose", "data": {"nl": "Waarom"}, "credential_ids": ["badge"]},
            {"format": "urn:skillswallet:comparison-code", "data": "X7KD"},
        ],
    ),
    "verifier attestation": (lambda value: parse_verifier_attestation(_signed(value)), SIGNED),
    "DC API response": (parse_dc_api_response, {"vp_token": {"badge": ["x"]}}),
    "unsigned DC API request": (
        lambda value: parse_dc_api_request("openid4vp-v1-unsigned", value),
        {"nonce": "n", "dcql_query": {}, "response_mode": "dc_api"},
    ),
    "signed DC API request": (_dc_api_signed, ASKED),
    "multisigned DC API request": (
        lambda value: parse_dc_api_request("openid4vp-v1-multisigned", value),
        {"request": {"payload": base64url.encode(b'{"nonce":"n"}'), "signatures": [SIGNATURE]}},
    ),
    "metadata of an OpenID Provider": (
        lambda value: parse_provider_metadata(value, issuer=ISSUER),
        {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/a",
            "token_endpoint": f"{ISSUER}/t",
            "jwks_uri": f"{ISSUER}/k",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        },
    ),
    "metadata of a JWT VC issuer": (
        lambda value: parse_jwt_vc_issuer_metadata(json.dumps(value).encode(), issuer=ISSUER),
        {"issuer": ISSUER, "jwks": {"keys": [JWK]}},
    ),
    "JWK Set": (lambda value: parse_jwk_set(json.dumps(value).encode()), {"keys": [JWK, JWK]}),
    "key to encrypt to": (parse_recipient, JWK),
    "redirect URI": (_redirect_uri, {"uri": f"{ISSUER}/back?x=1"}),
    "scopes": (parse_scopes, {"scope": "one two"}),
    "constraints": (
        parse_constraints,
        {
            "max_path_length": 2,
            "naming_constraints": {"permitted": [".example"], "excluded": ["x.example"]},
            "allowed_entity_types": ["openid_relying_party"],
        },
    ),
}
# Of an object, where what calls the reader has made sure that it is one.
OBJECTS_ONLY: Final = frozenset({"scopes"})


@pytest.mark.parametrize("name", READERS)
def test_A08_valid_messages_are_read(name: str) -> None:
    """So that what is changed in them is not refused for another reason."""
    read, valid = READERS[name]
    assert read(valid)


@pytest.mark.parametrize("name", READERS)
@given(data=st.data())
def test_A08_no_message_makes_its_reader_raise_anything_but_a_credential_error(name: str, data: st.DataObject) -> None:
    read, valid = READERS[name]
    anything = json_values() if name not in OBJECTS_ONLY else st.dictionaries(st.just("scope"), json_values())
    with suppress(CredentialError):
        read(data.draw(anything | nearly(valid)))
