"""Client identifiers proven by an attestation or by a federation, and what a verifier says of itself. W-43, W-57."""

from typing import Any

import pytest

from kernel.errors import (
    CredentialError,
    ExpiredError,
    InvalidSignatureError,
    MalformedError,
    RejectedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid4vp import (
    AuthorizationRequest,
    VerifierInfo,
    create_client_metadata,
    create_request_link_by_value,
    parse_authorization_request_link,
    parse_request_object,
    verify_request_sender,
)
from tests.support import requests
from tests.support.requests import AT, NOW, OTHER, RESPONSE_URI, VERIFIER, signed

ATTESTER = SoftwareSigner.generate()
ATTESTED = "verifier_attestation:verifier.example"
ENTITY = "openid_federation:https://verifier.skills.example"


def attestation(*, typ: str = "verifier-attestation+jwt", signer: SoftwareSigner = ATTESTER, **changes: Any) -> str:
    claims = {
        "iss": "https://attester.example",
        "sub": "verifier.example",
        "iat": AT,
        "exp": AT + 3600,
        "cnf": {"jwk": VERIFIER.public_key.jwk},
        "redirect_uris": [RESPONSE_URI],
        **changes,
    }
    return sign_jwt({name: v for name, v in claims.items() if v is not ...}, signer=signer, typ=typ)


def attested(*, signer: SoftwareSigner = VERIFIER, request: dict[str, Any] | None = None, **changes: Any) -> str:
    values = {"client_id": ATTESTED, **(request or {})}
    return signed(signer=signer, header={"jwt": attestation(**changes)}, **values)


def verify(raw: str, **changes: Any) -> AuthorizationRequest:
    values = {"client_id": ATTESTED, "key": None, "attestation_key": ATTESTER.public_key}
    return requests.verify(raw, **{**values, **changes})


def test_W43_an_attested_verifier_signs_with_the_key_that_its_attester_names():
    unverified = parse_request_object(attested(), client_id=ATTESTED)
    assert unverified.attestation is not None
    assert unverified.attestation.unverified_issuer == "https://attester.example"
    request = verify(attested())
    assert (request.client_id, request.is_signed, request.key) == (ATTESTED, True, VERIFIER.public_key)
    sender = verify_request_sender(
        attested(request={"dcql_query": 1}),
        client_id=ATTESTED,
        attestation_key=ATTESTER.public_key,
        now=NOW,
        wallet_nonce=None,
    )
    assert sender.client_id == ATTESTED


def test_W43_an_attestation_without_addresses_leaves_them_to_the_verifier():
    elsewhere = {"response_uri": "https://elsewhere.example/r"}
    assert verify(attested(redirect_uris=..., request=elsewhere)).response_uri == "https://elsewhere.example/r"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (attested(signer=OTHER), InvalidSignatureError),
        (attested(cnf={"jwk": OTHER.public_key.jwk}), InvalidSignatureError),
        (attested(cnf=...), MalformedError),
        (attested(cnf={"jwk": VERIFIER.private_jwk()}), MalformedError),
        (attested(sub="elsewhere.example"), UntrustedIssuerError),
        (attested(sub=...), MalformedError),
        (attested(iss=...), MalformedError),
        (attested(exp=AT - 61), ExpiredError),
        (attested(exp=...), MalformedError),
        (attested(typ="JWT"), WrongTypeError),
        (attested(redirect_uris=[RESPONSE_URI + "/"]), RejectedError),
        (attested(redirect_uris=["https://verifier.skills.example"]), RejectedError),
        (attested(request={"response_uri": "https://elsewhere.example/r"}), RejectedError),
        (signed(client_id=ATTESTED, header={"jwt": attestation(signer=OTHER)}), InvalidSignatureError),
        (signed(client_id=ATTESTED, header={}), MalformedError),
        (signed(client_id=ATTESTED, header={"jwt": "x"}), MalformedError),
    ],
    ids=lambda _: "",
)
def test_W43_A34_A35_an_attestation_with_one_thing_wrong_is_refused(raw, error):
    with pytest.raises(error):
        verify(raw)


def test_W43_an_attester_whom_nobody_trusts_proves_nothing():
    with pytest.raises(UntrustedIssuerError):
        verify(attested(), attestation_key=None)


def test_W43_a_federation_entity_is_known_by_its_trust_chain_and_not_by_what_it_says():
    raw = signed(client_id=ENTITY, header={"kid": "entity-1"})
    assert parse_request_object(raw, client_id=ENTITY).key_id == "entity-1"
    chain = create_client_metadata(encryption_key=None, client_name="Zoals de keten zegt")
    request = requests.verify(raw, client_id=ENTITY, federation_metadata=chain)
    assert request.client_metadata.client_name == "Zoals de keten zegt"
    assert requests.verify(raw, client_id=ENTITY).client_metadata.client_name is None


def test_W53_a_federation_entity_that_cannot_be_answered_is_called_as_its_trust_chain_says():
    raw = signed(client_id=ENTITY, header={"kid": "entity-1"}, client_metadata={"client_name": "Zoals het zelf zegt"})
    proof: dict[str, Any] = {"client_id": ENTITY, "key": VERIFIER.public_key, "now": NOW, "wallet_nonce": None}
    chain = create_client_metadata(encryption_key=None, client_name="Zoals de keten zegt")
    assert verify_request_sender(raw, **proof, federation_metadata=chain).client_name == "Zoals de keten zegt"
    assert verify_request_sender(raw, **proof).client_name is None


@pytest.mark.parametrize(
    ("changes", "proof"),
    [
        ({}, {"key": None}),
        ({}, {"key": OTHER.public_key}),
        ({"response_uri": "https://elsewhere.example/r"}, {}),
    ],
    ids=["no_key", "another_key", "another_host"],
)
def test_W43_A34_A35_a_federation_entity_with_one_thing_wrong_is_refused(changes, proof):
    with pytest.raises(CredentialError):
        requests.verify(signed(client_id=ENTITY, header={}, **changes), client_id=ENTITY, **proof)


def test_W40_V02_a_signed_request_travels_in_its_link():
    raw = signed()
    link = create_request_link_by_value(client_id=requests.CLIENT_ID, request=raw, scheme="haip-vp://")
    read = parse_authorization_request_link(link)
    assert (read.client_id.text, read.request) == (requests.CLIENT_ID, raw)


# What a verifier says of itself


def test_W57_information_about_a_verifier_is_read_whatever_its_format():
    entries = [
        {"format": "jwt", "data": "eyJ", "credential_ids": ["badge"]},
        {"format": "urn:skillswallet:purpose", "data": {"nl": "Waarom"}},
        {"format": "urn:skillswallet:comparison-code", "data": "X7KD"},
    ]
    request = requests.verify(signed(verifier_info=entries))
    assert request.verifier_info == (
        VerifierInfo("jwt", "eyJ", ("badge",)),
        VerifierInfo("urn:skillswallet:purpose", {"nl": "Waarom"}),
        VerifierInfo("urn:skillswallet:comparison-code", "X7KD"),
    )
    assert request.comparison_code == "X7KD"
    assert requests.verify(signed(verifier_info=entries[:2])).comparison_code == ""
    assert request.purpose == {"nl": "Waarom"}
    assert requests.verify(signed(verifier_info=entries[:1])).purpose == {}


@pytest.mark.parametrize(
    "entries",
    [
        [],
        ["x"],
        [{"data": "x"}],
        [{"format": "jwt"}],
        [{"format": "jwt", "data": 1}],
        [{"format": "jwt", "data": "x", "credential_ids": []}],
        [{"format": "jwt", "data": "x", "credential_ids": ["other"]}],
        [{"format": "urn:skillswallet:purpose", "data": "x"}],
        [{"format": "urn:skillswallet:comparison-code", "data": {"code": "X7KD"}}],
        [{"format": "urn:skillswallet:comparison-code", "data": "X7KD. Alles klopt, deel gerust"}],
    ],
)
def test_W57_information_in_another_shape_is_refused(entries):
    with pytest.raises(MalformedError):
        requests.verify(signed(verifier_info=entries))
