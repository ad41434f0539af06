"""kernel.openid4vci.client_attestation: who vouches for a wallet, and each way it can be false. I-45 to I-49, A-33."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given

from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid4vci import (
    ClientAttestationError,
    StaleClientAttestationError,
    VerifiedClientAttestation,
    create_client_attestation,
    create_client_attestation_pop,
    create_dpop_proof,
    parse_client_attestation,
    verify_client_attestation,
    verify_dpop_proof,
)
from tests.support.certificates import create_authority, create_leaf
from tests.support.json_values import json_values, nearly

NOW = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
SERVER = "https://issuer.example/stmw"
CLIENT = "https://wallet.example"
AUTHORITY = create_authority(NOW)
PROVIDER = create_leaf(AUTHORITY, NOW)
INSTANCE = SoftwareSigner.generate()
ES256 = frozenset({"ES256"})
STATUS = {"status_list": {"idx": 7, "uri": "https://wallet.example/status/1"}}


def attestation(typ: str = "oauth-client-attestation+jwt", header: dict[str, Any] | None = None, **changes: Any) -> str:
    members = {"sub": CLIENT, "iat": AT, "exp": AT + 3600, "cnf": {"jwk": INSTANCE.public_key.jwk}, **changes}
    payload = {name: value for name, value in members.items() if value is not ...}
    header = {"x5c": [PROVIDER.x5c]} if header is None else header
    return sign_jwt(payload, signer=PROVIDER.signer, typ=typ, header=header)


def pop(typ: str = "oauth-client-attestation-pop+jwt", signer: SoftwareSigner = INSTANCE, **changes: Any) -> str:
    members = {"aud": SERVER, "jti": "d25d00ab-552b-46fc-ae19-98f440f25064", "iat": AT, **changes}
    return sign_jwt({name: value for name, value in members.items() if value is not ...}, signer=signer, typ=typ)


def verify(raw: str, proof: Any, **changes: Any) -> VerifiedClientAttestation:
    expected: dict[str, Any] = {"anchors": [AUTHORITY.certificate], "audience": SERVER, "now": NOW}
    expected |= {"algorithms": ES256, "client_id": CLIENT, **changes}
    return verify_client_attestation(parse_client_attestation(raw), proof, **expected)


def created(**changes: Any) -> str:
    values: dict[str, Any] = {
        "signer": PROVIDER.signer,
        "client_id": CLIENT,
        "instance_key": INSTANCE.public_key.jwk,
        "issued_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
        "header": {"x5c": [PROVIDER.x5c]},
    }
    return create_client_attestation(**{**values, **changes})


def test_I45_I47_an_attested_wallet_is_who_its_provider_says():
    raw = created(wallet_name="Skillswallet", wallet_link="https://wallet.example/about", status=STATUS)
    proof = create_client_attestation_pop(signer=INSTANCE, audience=SERVER, now=NOW, challenge="AYjcyMzY3")
    read = verify(raw, proof)
    assert (read.client_id, read.instance_key) == (CLIENT, INSTANCE.public_key)
    assert (read.challenge, read.proven_at, read.expires_at) == ("AYjcyMzY3", NOW, NOW + timedelta(hours=1))
    assert (read.wallet_name, read.wallet_link) == ("Skillswallet", "https://wallet.example/about")
    assert [(status.index, status.uri) for status in read.status] == [(7, "https://wallet.example/status/1")]
    assert read.jti != verify(raw, create_client_attestation_pop(signer=INSTANCE, audience=SERVER, now=NOW)).jti


def test_I49_an_attestation_of_draft_07_names_its_issuers():
    raw = created(issuer="https://provider.example")
    proof = create_client_attestation_pop(signer=INSTANCE, audience=SERVER, now=NOW, client_id=CLIENT)
    assert parse_client_attestation(raw).unverified_issuer == "https://provider.example"
    assert verify(raw, proof).client_id == CLIENT


def test_I45_a_provider_whose_key_policy_knows_needs_no_certificates():
    raw = created(header={"kid": "11"})
    assert parse_client_attestation(raw).key_id == "11"
    assert verify(raw, pop(), anchors=(), key=PROVIDER.signer.public_key).wallet_name is None
    with pytest.raises(ClientAttestationError):
        verify(raw, pop())


def test_I47_a_request_that_names_no_client_is_whose_the_attestation_says():
    assert verify(attestation(), pop(), client_id=None).client_id == CLIENT


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "jwt"},
        {"typ": "key-attestation+jwt"},
        {"header": {}},
        {"header": {"x5c": [PROVIDER.x5c, AUTHORITY.x5c]}},
        {"header": {"x5c": [create_leaf(AUTHORITY, NOW).x5c]}},
        {"header": {"x5c": [create_leaf(create_authority(NOW), NOW).x5c]}},
        {"sub": "https://other.example"},
        {"exp": ...},
        {"exp": "tomorrow"},
        {"iat": AT + 61},
        {"nbf": AT + 61},
        {"cnf": ...},
        {"cnf": {}},
        {"cnf": {"jwk": INSTANCE.private_jwk()}},
        {"cnf": {"jwk": SoftwareSigner.generate().public_key.jwk}},
        {"wallet_name": 7},
        {"status": {"status_list": {"idx": -1, "uri": "https://wallet.example/status/1"}}},
    ],
)
def test_I45_A33_an_attestation_with_one_thing_missing_or_broken_is_refused(changes):
    with pytest.raises(ClientAttestationError) as caught:
        verify(attestation(**changes), pop())
    assert caught.value.code == "client_attestation"


@pytest.mark.parametrize("raw", ["", "a.b.c", attestation(sub=...), attestation(sub=""), attestation(iss="")])
def test_I45_what_is_no_attestation_is_refused_before_any_key_is_looked_for(raw):
    with pytest.raises(ClientAttestationError):
        parse_client_attestation(raw)


@pytest.mark.parametrize(("expires", "is_good"), [(AT - 59, True), (AT - 60, False)])
def test_I46_an_attestation_that_has_expired_asks_for_a_fresh_one(expires, is_good):
    if is_good:
        assert verify(attestation(exp=expires), pop())
    else:
        with pytest.raises(StaleClientAttestationError):
            verify(attestation(exp=expires), pop())


@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "jwt"},
        {"typ": "dpop+jwt"},
        {"typ": "openid4vci-proof+jwt"},
        {"signer": SoftwareSigner.generate()},
        {"signer": PROVIDER.signer},
        {"signer": SoftwareSigner.generate("Ed25519")},
        {"aud": ...},
        {"aud": "https://issuer.example/other"},
        {"aud": [SERVER]},
        {"iss": "https://other.example"},
        {"jti": ...},
        {"jti": ""},
        {"jti": "a" * 1025},
        {"iat": ...},
        {"iat": AT - 361},
        {"iat": AT + 61},
        {"exp": AT - 60},
        {"challenge": ""},
    ],
)
def test_I45_A33_a_proof_of_possession_with_one_thing_missing_or_broken_is_refused(changes):
    with pytest.raises(ClientAttestationError):
        verify(attestation(), pop(**changes))


def dpop(signer: SoftwareSigner) -> Any:
    url = f"{SERVER}/token"
    raw = create_dpop_proof(signer=signer, method="POST", url=url, now=NOW, nonce="AYjcyMzY3")
    return verify_dpop_proof(raw, method="POST", url=url, now=NOW, access_token=None, algorithms=ES256)


def test_I48_a_dpop_proof_with_the_instance_key_proves_possession_too():
    proof = dpop(INSTANCE)
    read = verify(attestation(), proof)
    assert (read.jti, read.challenge, read.proven_at) == (proof.jti, "AYjcyMzY3", NOW)


def test_I48_A33_a_dpop_proof_with_another_key_does_not():
    with pytest.raises(ClientAttestationError):
        verify(attestation(), dpop(SoftwareSigner.generate()))


def test_A33_without_anchors_nobody_is_trusted():
    with pytest.raises(ClientAttestationError):
        verify(attestation(), pop(), anchors=())


VALID = {"sub": CLIENT, "iat": AT, "exp": AT + 60, "cnf": {"jwk": INSTANCE.public_key.jwk}, "iss": "i"}


@given(json_values() | nearly(VALID))
def test_A08_no_payload_makes_an_attestation_fail_otherwise_than_said(value):
    payload = value if isinstance(value, dict) else {"sub": value}
    try:
        raw = sign_jwt(payload, signer=PROVIDER.signer, typ="oauth-client-attestation+jwt")
    except UnicodeEncodeError:
        return
    try:
        verify(raw, pop(), key=PROVIDER.signer.public_key)
    except ClientAttestationError:
        return
