"""kernel.openid4vp: who asks, what for, and what is answered. PROFILE.md V-01 to V-05, V-20 to V-26, W-40 to W-53."""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import openid4vp
from kernel.dcql import parse_dcql_query
from kernel.did import did_jwk
from kernel.errors import (
    AlgorithmNotAllowedError,
    AudienceError,
    CredentialError,
    ExpiredError,
    InvalidSignatureError,
    MalformedError,
    NonceError,
    NotYetValidError,
    QueryNotSatisfiedError,
    RejectedError,
    UndecidedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.jwe import encrypt_jwe
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner, parse_public_jwk
from kernel.openid4vp import (
    AuthorizationRequest,
    ClientIdPrefix,
    EncryptedResponse,
    ErrorResponse,
    RequestByReference,
    RequestByValue,
    RequestSender,
    UnsignedRequest,
    UnsupportedRequestError,
    VpTokenResponse,
    authorization_error_code,
    create_client_metadata,
    create_direct_post,
    create_direct_post_jwt,
    create_error_form,
    create_request_link,
    create_request_object,
    create_request_uri_form,
    create_response_form,
    decrypt_response,
    parse_authorization_request_link,
    parse_client_identifier,
    parse_client_metadata,
    parse_request_object,
    parse_request_uri_form,
    parse_response_form,
    parse_response_reply,
    parse_vp_token,
    verify_request_object,
    verify_request_sender,
    verify_unsigned_request,
)
from kernel.x5c import x509_hash
from tests.support.certificates import Certified, create_authority, create_leaf
from tests.support.json_values import json_values, nearly

NOW = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
VERIFIER = SoftwareSigner.generate()
OTHER = SoftwareSigner.generate()
DID = "did:web:verifier.skills.example:werkgever"
KID = f"{DID}#key-1"
CLIENT_ID = f"decentralized_identifier:{DID}"
RESPONSE_URI = "https://verifier.skills.example/werkgever/responses/mpel7V1-3FtIklF5"
QUERY = {"credentials": [{"id": "badge", "format": "dc+sd-jwt", "meta": {}, "claims": [{"path": ["achievement"]}]}]}
ENCRYPTION = SoftwareSigner.generate()
ENCRYPTION_JWK = {**ENCRYPTION.public_key.jwk, "kid": "e-1"}
PRIVATE_JWK = {**ENCRYPTION.private_jwk(), "kid": "e-1", "alg": "ECDH-ES"}

AUTHORITY = create_authority(NOW)
ANCHORS = [AUTHORITY.certificate]
LEAF = create_leaf(AUTHORITY, NOW, dns_names=["verifier.skills.example", "Other.example"])
X509_HASH = f"x509_hash:{x509_hash(LEAF.certificate)}"
X509_SAN_DNS = "x509_san_dns:verifier.skills.example"


def parameters(**changes: Any) -> dict[str, Any]:
    members = {
        "client_id": CLIENT_ID,
        "aud": "https://self-issued.me/v2",
        "response_type": "vp_token",
        "response_mode": "direct_post.jwt",
        "response_uri": RESPONSE_URI,
        "nonce": "05qs59_3aPcGLRPgSOPWaQ",
        "state": "zmgZNeOC1kYzqZ4tnu4LRg",
        "iat": AT,
        "exp": AT + 300,
        "dcql_query": QUERY,
        "client_metadata": create_client_metadata(encryption_key=ENCRYPTION_JWK, client_name="Werkgever"),
        **changes,
    }
    return {name: value for name, value in members.items() if value is not ...}


def signed(
    *,
    typ: str = "oauth-authz-req+jwt",
    signer: SoftwareSigner = VERIFIER,
    header: Mapping[str, Any] | None = None,
    **changes: Any,
) -> str:
    return sign_jwt(parameters(**changes), signer=signer, typ=typ, header={"kid": KID} if header is None else header)


def signed_by_certificate(client_id: str = X509_HASH, **changes: Any) -> str:
    expected: dict[str, Any] = {"signer": LEAF.signer, "header": {"x5c": [LEAF.x5c]}, "client_id": client_id}
    return signed(**{**expected, **changes})


def verify(raw: str, **changes: Any) -> AuthorizationRequest:
    expected = {"client_id": CLIENT_ID, "key": VERIFIER.public_key, "now": NOW, "wallet_nonce": None}
    return verify_request_object(raw, **{**expected, **changes})


def verify_by_certificate(raw: str, **changes: Any) -> AuthorizationRequest:
    return verify(raw, **{"client_id": X509_HASH, "key": None, "anchors": ANCHORS, **changes})


# Client identifiers


@pytest.mark.parametrize(
    "prefix",
    [
        "decentralized_identifier",
        "x509_hash",
        "x509_san_dns",
        "redirect_uri",
        "verifier_attestation",
        "openid_federation",
    ],
)
def test_W43_a_client_identifier_is_taken_apart_at_its_first_colon(prefix):
    read = parse_client_identifier(f"{prefix}:did:web:h.example")
    assert (read.prefix, read.value, read.text) == (prefix, "did:web:h.example", f"{prefix}:did:web:h.example")


@pytest.mark.parametrize(
    "client_id",
    [
        "https://verifier.skills.example",
        "did:web:verifier.skills.example",
        "web:verifier.skills.example",
        "origin:https://verifier.skills.example",
        "pre-registered",
        "verifier.skills.example",
        "x509_hash",
        "x509_hash:",
        "X509_HASH:x",
        " x509_hash:x",
        ":x",
    ],
)
def test_W43_A34_a_prefix_that_is_not_supported_or_none_is_refused_as_invalid_request(client_id):
    with pytest.raises(RejectedError) as refusal:
        parse_client_identifier(client_id)
    assert authorization_error_code(refusal.value) == "invalid_request"


@pytest.mark.parametrize("client_id", [None, "", 1, [], "x509_hash:é", "x509_hash:a\nb", "x509_hash:" + "x" * 5000])
def test_W43_a_client_identifier_that_is_no_plain_text_is_malformed(client_id):
    with pytest.raises(MalformedError):
        parse_client_identifier(client_id)


# Links

REQUEST_URI = "https://verifier.skills.example/werkgever/requests/gUZu481s9E16HEOJ"


@pytest.mark.parametrize("scheme", ["openid4vp://", "haip-vp://", "https://wallet.example/open"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_W40_V04_a_request_travels_by_reference(scheme, method):
    link = create_request_link(client_id=CLIENT_ID, request_uri=REQUEST_URI, request_uri_method=method, scheme=scheme)
    read = parse_authorization_request_link(f" {link}\n")
    assert read == RequestByReference(parse_client_identifier(CLIENT_ID), REQUEST_URI, method)


def test_W40_the_link_of_the_worked_example_is_written_and_read():
    link = (
        "openid4vp://?client_id=decentralized_identifier%3Adid%3Aweb%3Averifier.skills.example"
        "&request_uri=https%3A%2F%2Fverifier.skills.example%2Foid4vp%2Freq%2FgUZu481s9E16HEOJ&request_uri_method=post"
    )
    uri = "https://verifier.skills.example/oid4vp/req/gUZu481s9E16HEOJ"
    client_id = "decentralized_identifier:did:web:verifier.skills.example"
    assert create_request_link(client_id=client_id, request_uri=uri) == link
    assert parse_authorization_request_link(link) == RequestByReference(parse_client_identifier(client_id), uri, "post")


def link(scheme: str = "openid4vp://", **changes: Any) -> str:
    members = {"client_id": CLIENT_ID, "request_uri": REQUEST_URI, **changes}
    return f"{scheme}?" + "&".join(f"{name}={quote(str(v), safe='')}" for name, v in members.items() if v is not ...)


def test_W40_a_request_travels_by_value():
    read = parse_authorization_request_link(link(request_uri=..., request="a.b.c", nonce="ignored"))
    assert read == RequestByValue(parse_client_identifier(CLIENT_ID), "a.b.c")


def test_W40_parameters_beside_a_request_uri_do_not_count():
    read = parse_authorization_request_link(link(nonce="x", dcql_query="{", response_uri="https://attacker.example"))
    assert read == RequestByReference(parse_client_identifier(CLIENT_ID), REQUEST_URI, "get")


@pytest.mark.parametrize("method", ["GET", "POST", "put", ""])
def test_W53_a_request_uri_method_that_is_neither_get_nor_post_is_read_as_unknown(method):
    read = parse_authorization_request_link(link(request_uri_method=method))
    assert read == RequestByReference(parse_client_identifier(CLIENT_ID), REQUEST_URI, "unknown")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "openid4vp://",
        link(client_id=...),
        link(request="a.b.c"),
        link(request_uri=..., request_uri_method="post"),
        link(request_uri="http://verifier.skills.example/r"),
        link(request_uri="https://10.1.2.3/r"),
        link(request_uri="file:///etc/passwd"),
        link() + "&client_id=x509_hash%3Ax",
        link() + "&x=%FF",
        link() + "".join(f"&p{number}=" for number in range(70)),
        link() + "&x=" + "x" * 70_000,
        link("http://wallet.example/"),
        link("openid-credential-offer://"),
        link("javascript:"),
        link("https://[bad"),
    ],
)
def test_W40_A34_a_link_with_one_thing_missing_or_broken_is_malformed(text):
    with pytest.raises(MalformedError):
        parse_authorization_request_link(text)


# Signed requests


def test_V03_W41_a_created_request_is_verified_and_says_what_was_asked():
    raw = create_request_object(
        signer=VERIFIER,
        key_reference={"kid": KID},
        client_id=CLIENT_ID,
        response_mode="direct_post.jwt",
        response_uri=RESPONSE_URI,
        nonce="05qs59_3aPcGLRPgSOPWaQ",
        state="zmgZNeOC1kYzqZ4tnu4LRg",
        dcql_query=QUERY,
        client_metadata=create_client_metadata(encryption_key=ENCRYPTION_JWK, client_name="Werkgever"),
        issued_at=NOW,
        expires_at=NOW + timedelta(minutes=5),
        wallet_nonce="w-1",
        purpose={"nl": "Sollicitatie", "en": "Job application"},
    )
    unverified = parse_request_object(raw, client_id=CLIENT_ID)
    assert (unverified.did, unverified.key_id, unverified.x5c) == (DID, KID, ())
    request = verify_request_object(
        unverified, client_id=CLIENT_ID, key=VERIFIER.public_key, now=NOW, wallet_nonce="w-1"
    )
    assert (request.client_id, request.prefix) == (CLIENT_ID, ClientIdPrefix.DECENTRALIZED_IDENTIFIER)
    assert (request.nonce, request.state) == ("05qs59_3aPcGLRPgSOPWaQ", "zmgZNeOC1kYzqZ4tnu4LRg")
    assert (request.response_mode, request.response_uri) == ("direct_post.jwt", RESPONSE_URI)
    assert request.dcql_query == parse_dcql_query(QUERY)
    assert request.client_metadata.client_name == "Werkgever"
    assert request.expires_at == NOW + timedelta(minutes=5)
    assert (request.is_signed, request.key) == (True, VERIFIER.public_key)
    assert request.purpose == {"nl": "Sollicitatie", "en": "Job application"}
    assert parse_jwt(raw).header == {"alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": KID}


def create_plainly(**more):
    """A request of as few members as there may be, and of those that are given."""
    required = {
        "signer": VERIFIER,
        "key_reference": {"kid": KID},
        "client_id": CLIENT_ID,
        "response_mode": "direct_post",
        "response_uri": RESPONSE_URI,
        "nonce": "n",
        "state": "s",
        "dcql_query": QUERY,
        "client_metadata": create_client_metadata(encryption_key=None),
        "issued_at": NOW,
        "expires_at": NOW + timedelta(minutes=5),
    }
    return create_request_object(**required | more)


def test_V03_a_request_without_wallet_nonce_and_purpose_has_neither_member():
    raw = create_plainly()
    payload = parse_jwt(raw).payload
    assert {"wallet_nonce", "verifier_info", "redirect_uri", "iss"}.isdisjoint(payload)
    assert payload["aud"] == "https://self-issued.me/v2"
    assert verify(raw).purpose == {}


def test_V07_V23_a_request_says_why_and_which_code_the_screen_of_the_verifier_shows():
    request = verify(create_plainly(purpose={"nl": "Waarom"}, comparison_code="X7KD"))
    assert (request.purpose, request.comparison_code) == ({"nl": "Waarom"}, "X7KD")


def test_K94_V07_a_verifier_cannot_create_a_request_that_asks_for_a_claim_twice():
    twice = {"id": "a", "format": "dc+sd-jwt", "meta": {}, "claims": [{"path": ["x"]}, {"path": ["x"]}]}
    with pytest.raises(MalformedError):
        create_plainly(dcql_query={"credentials": [twice]})


def test_W41_the_worked_example_of_diip_is_verified(profile_vectors):
    example = profile_vectors["request_diip"]
    payload = example["payload"]
    request = verify(
        example["jwt"],
        client_id=payload["client_id"],
        key=parse_public_jwk(example["verifier_jwk"]),
        now=datetime.fromtimestamp(payload["iat"], UTC),
        wallet_nonce=payload["wallet_nonce"],
    )
    assert (request.nonce, request.response_uri) == (payload["nonce"], payload["response_uri"])
    assert request.dcql_query == parse_dcql_query(profile_vectors["dcql_basic"])


def test_W44_the_worked_example_of_haip_is_verified(profile_vectors):
    from cryptography import x509

    example = profile_vectors["request_haip"]
    payload = example["payload"]
    request = verify_by_certificate(
        example["jwt"],
        client_id=payload["client_id"],
        anchors=[x509.load_pem_x509_certificate(profile_vectors["sdjwtvc_haip"]["ca_pem"].encode())],
        now=datetime.fromtimestamp(payload["iat"], UTC),
    )
    assert request.prefix is ClientIdPrefix.X509_HASH
    assert request.client_metadata.select_encryption() == (payload["client_metadata"]["jwks"]["keys"][0], "A256GCM")


@pytest.mark.parametrize(
    ("raw", "changes", "error"),
    [
        (signed(typ="JWT"), {}, WrongTypeError),
        (signed(typ="dc+sd-jwt"), {}, WrongTypeError),
        (signed(signer=OTHER), {}, InvalidSignatureError),
        (signed(), {"key": OTHER.public_key}, InvalidSignatureError),
        (signed(), {"key": None}, UntrustedIssuerError),
        (signed(), {"algorithms": frozenset({"EdDSA"})}, AlgorithmNotAllowedError),
        (signed(client_id="decentralized_identifier:did:web:other.example"), {}, RejectedError),
        (signed(client_id=DID), {}, RejectedError),
        (signed(client_id=...), {}, MalformedError),
        (signed(), {"client_id": CLIENT_ID + ":x"}, RejectedError),
        (signed(), {"client_id": "https://verifier.skills.example"}, RejectedError),
        (signed(header={}), {}, MalformedError),
        (signed(header={"kid": "key-1"}), {}, UntrustedIssuerError),
        (signed(header={"kid": "did:web:other.example#key-1"}), {}, UntrustedIssuerError),
        (signed(header={"kid": DID + ".attacker.example#key-1"}), {}, UntrustedIssuerError),
        (signed(aud="https://other-wallet.example"), {}, AudienceError),
        (signed(aud=...), {}, AudienceError),
        (signed(aud="https://self-issued.me/v2/"), {}, AudienceError),
        (signed(aud=["https://self-issued.me/v2"]), {}, AudienceError),
        (signed(aud={}), {}, AudienceError),
        (signed(exp=AT - 60), {}, ExpiredError),
        (signed(exp="never"), {}, MalformedError),
        (signed(iat=AT + 61), {}, NotYetValidError),
        (signed(nbf=AT + 61), {}, NotYetValidError),
        (signed(), {"wallet_nonce": "w-1"}, NonceError),
        (signed(wallet_nonce="w-2"), {"wallet_nonce": "w-1"}, NonceError),
    ],
)
def test_W41_W42_A34_A09_a_request_of_the_wrong_kind_signer_client_audience_time_or_nonce_is_refused(
    raw, changes, error
):
    with pytest.raises(error) as refusal:
        verify(raw, **changes)
    assert authorization_error_code(refusal.value) == "invalid_request"


def test_W41_a_request_read_for_one_client_identifier_is_not_verified_for_another():
    unverified = parse_request_object(signed(), client_id=CLIENT_ID)
    with pytest.raises(RejectedError):
        verify_request_object(
            unverified, client_id=X509_HASH, key=VERIFIER.public_key, anchors=ANCHORS, now=NOW, wallet_nonce=None
        )
    parsed = parse_client_identifier(CLIENT_ID)
    assert (
        verify_request_object(
            unverified, client_id=parsed, key=VERIFIER.public_key, now=NOW, wallet_nonce=None
        ).client_id
        == CLIENT_ID
    )


def test_W41_a_wallet_may_be_addressed_by_its_own_identifier():
    raw = signed(aud="https://wallet.example")
    assert verify(raw, audiences=frozenset({"https://wallet.example"})).nonce == "05qs59_3aPcGLRPgSOPWaQ"


def test_W42_a_nonce_that_the_wallet_did_not_send_does_not_count():
    assert verify(signed(wallet_nonce="w-2")).nonce == "05qs59_3aPcGLRPgSOPWaQ"


def test_W43_A34_a_request_for_a_redirect_uri_client_cannot_be_signed():
    client_id = f"redirect_uri:{RESPONSE_URI}"
    with pytest.raises(RejectedError):
        parse_request_object(signed(client_id=client_id), client_id=client_id)


@pytest.mark.parametrize("raw", ["", "a.b", "a.b.c", "é.é.é", "eyJhbGciOiJub25lIn0.e30."])
def test_A01_W41_what_is_no_signed_token_is_refused(raw):
    with pytest.raises(CredentialError):
        verify(raw)


@pytest.mark.parametrize(
    "broken",
    [
        {"response_type": ...},
        {"response_type": "code"},
        {"response_type": "vp_token id_token"},
        {"response_mode": ...},
        {"response_mode": "fragment"},
        {"response_mode": "dc_api.jwt"},
        {"response_mode": []},
        {"redirect_uri": RESPONSE_URI},
        {"response_uri": ...},
        {"response_uri": 1},
        {"nonce": ...},
        {"nonce": ""},
        {"nonce": "a b"},
        {"nonce": "a+b/c="},
        {"nonce": "x" * 513},
        {"nonce": 1},
        {"state": "a b"},
        {"state": ""},
        {"state": None},
        {"dcql_query": ...},
        {"dcql_query": "{}"},
        {"dcql_query": {"credentials": []}},
        {"dcql_query": None},
        {"scope": "badge"},
        {"client_metadata": "x"},
        {"client_metadata": None},
        {"client_metadata": {"vp_formats_supported": []}},
        {"client_metadata": {"vp_formats_supported": {"dc+sd-jwt": []}}},
        {"client_metadata": {"vp_formats_supported": {"dc+sd-jwt": {"sd-jwt_alg_values": []}}}},
        {"client_metadata": {"vp_formats_supported": {"ldp_vc": {"cryptosuite_values": "ecdsa-sd-2023"}}}},
        {"client_metadata": {"jwks": []}},
        {"client_metadata": {"jwks": {}}},
        {"client_metadata": {"jwks": {"keys": []}}},
        {"client_metadata": {"encrypted_response_enc_values_supported": []}},
        {"client_metadata": {"client_name": 1}},
        {"verifier_info": []},
        {"verifier_info": ["x"]},
        {"verifier_info": [{"format": openid4vp.PURPOSE_FORMAT}]},
        {"verifier_info": [{"format": openid4vp.PURPOSE_FORMAT, "data": {"nl": 1}}]},
    ],
)
def test_W45_A38_a_request_with_one_parameter_missing_or_broken_is_an_invalid_request(broken):
    with pytest.raises(MalformedError) as refusal:
        verify(signed(**broken))
    assert authorization_error_code(refusal.value) == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scope": "badge", "dcql_query": ...}, "invalid_scope"),
        ({"transaction_data": ["eyJ0eXBlIjoieCJ9"]}, "invalid_transaction_data"),
        ({"transaction_data": []}, "invalid_transaction_data"),
    ],
)
def test_W45_W53_scopes_and_transaction_data_are_refused_with_their_own_codes(changes, code):
    with pytest.raises(UnsupportedRequestError) as refusal:
        verify(signed(**changes))
    assert authorization_error_code(refusal.value) == code


def verify_sender(raw: str, **changes: Any) -> RequestSender:
    expected = {"client_id": CLIENT_ID, "key": VERIFIER.public_key, "now": NOW, "wallet_nonce": None}
    return verify_request_sender(raw, **{**expected, **changes})


@pytest.mark.parametrize("state", ["zmgZNeOC1kYzqZ4tnu4LRg", None])
def test_W53_sender_of_a_question_that_cannot_be_answered_can_be_told_so(state):
    broken = signed(transaction_data=["e30"], **({} if state else {"state": ...}))
    sender = verify_sender(broken)
    assert (sender.client_id, sender.response_uri, sender.state) == (CLIENT_ID, RESPONSE_URI, state)
    assert create_error_form(sender, "invalid_request") == {
        "error": "invalid_request",
        **({"state": state} if state else {}),
    }


@pytest.mark.parametrize("state", ["a b", "", 5, None, "x" * 513])
def test_W53_a_state_that_is_none_leaves_the_sender_certain_and_is_not_sent_back(state):
    assert verify_sender(signed(state=state)).state is None


@pytest.mark.parametrize("metadata", [None, [], 1, {"client_name": 5}, {"encrypted_response_enc_values_supported": []}])
def test_W53_metadata_that_cannot_be_read_leaves_the_sender_certain(metadata):
    sender = verify_sender(signed(client_metadata=metadata))
    assert (sender.response_uri, sender.client_name) == (RESPONSE_URI, None)
    assert sender.state == "zmgZNeOC1kYzqZ4tnu4LRg"


def test_W53_a_sender_is_called_what_it_calls_itself_where_the_rest_cannot_be_read():
    assert verify_sender(signed(client_metadata={"client_name": "Bakker", "jwks": 1})).client_name == "Bakker"


@pytest.mark.parametrize(
    ("raw", "changes"),
    [
        (signed(dcql_query=1, signer=OTHER), {}),
        (signed(dcql_query=1, client_id="decentralized_identifier:did:web:elsewhere.example"), {}),
        (signed(dcql_query=1, aud="https://elsewhere.example"), {}),
        (signed(dcql_query=1, exp=AT - 61), {}),
        (signed(dcql_query=1, wallet_nonce="w-2"), {"wallet_nonce": "w-1"}),
        (signed(dcql_query=1, response_uri="https://elsewhere.example/r"), {}),
        (signed(dcql_query=1, response_uri=...), {}),
    ],
)
def test_W53_A35_nobody_is_told_whose_request_is_not_its_own_or_leads_elsewhere(raw, changes):
    with pytest.raises(CredentialError):
        verify_sender(raw, **changes)


def test_W45_parameters_that_are_not_known_are_ignored():
    request = verify(signed(iss="https://attacker.example", x=1, expected_origins=1))
    assert (request.client_id, request.purpose, request.expected_origins) == (CLIENT_ID, {}, ())


def test_V26_without_holder_binding_a_request_has_a_state():
    unbound = {"credentials": [{**QUERY["credentials"][0], "require_cryptographic_holder_binding": False}]}
    with pytest.raises(MalformedError):
        verify(signed(state=..., dcql_query=unbound))
    assert verify(signed(dcql_query=unbound)).state == "zmgZNeOC1kYzqZ4tnu4LRg"
    assert verify(signed(state=...)).state is None


@pytest.mark.parametrize(("exp", "minutes"), [(AT + 60, 1), (AT + 3600, 10), (..., 10)])
def test_W58_a_request_is_forgotten_at_exp_or_after_ten_minutes(exp, minutes):
    assert verify(signed(exp=exp)).expires_at == NOW + timedelta(minutes=minutes)


# Where the answer goes


@pytest.mark.parametrize(
    "response_uri",
    [
        "https://attacker.example/r",
        "https://verifier.skills.example.attacker.example/r",
        "https://sub.verifier.skills.example/r",
        "https://verifier.skills.example:8443/r",
    ],
)
def test_W46_A35_an_answer_to_another_host_than_the_clients_is_refused(response_uri):
    with pytest.raises(RejectedError):
        verify(signed(response_uri=response_uri))
    with pytest.raises(RejectedError):
        verify_by_certificate(signed_by_certificate(response_uri=response_uri))


@pytest.mark.parametrize(
    "response_uri",
    [
        "http://verifier.skills.example/r",
        "https://192.0.2.7/r",
        "https://user@verifier.skills.example/r",
        "https://verifier.skills.example/r#fragment",
        "/r",
    ],
)
def test_W46_A35_an_answer_over_http_or_to_an_address_is_refused(response_uri):
    with pytest.raises(MalformedError):
        verify(signed(response_uri=response_uri))


def test_W46_a_did_web_on_another_port_is_another_host():
    did = "did:web:localhost%3A8103:werkgever"
    client_id = f"decentralized_identifier:{did}"
    header = {"kid": f"{did}#key-1"}
    good = signed(client_id=client_id, header=header, response_uri="http://localhost:8103/werkgever/r")
    assert verify(good, client_id=client_id).response_uri == "http://localhost:8103/werkgever/r"
    with pytest.raises(RejectedError):
        verify(signed(client_id=client_id, header=header, response_uri="http://localhost:8101/r"), client_id=client_id)


def test_W44_W46_the_key_of_a_did_jwk_is_its_own_and_names_no_host():
    did = did_jwk(VERIFIER.public_key.jwk)
    client_id = f"decentralized_identifier:{did}"
    raw = signed(client_id=client_id, header={"kid": f"{did}#0"}, response_uri="https://anywhere.example/r")
    assert verify(raw, client_id=client_id).response_uri == "https://anywhere.example/r"


# Certificates


@pytest.mark.parametrize(
    "response_uri", [RESPONSE_URI, "https://other.example/r", "https://verifier.skills.example:443/r"]
)
def test_W44_a_request_of_an_x509_hash_client_is_verified(response_uri):
    raw = signed_by_certificate(response_uri=response_uri)
    unverified = parse_request_object(raw, client_id=X509_HASH)
    assert (unverified.did, unverified.key_id, unverified.x5c) == (None, None, (LEAF.x5c,))
    request = verify_by_certificate(raw)
    assert (request.prefix, request.response_uri) == (ClientIdPrefix.X509_HASH, response_uri)


def test_W43_a_request_of_an_x509_san_dns_client_is_verified():
    request = verify_by_certificate(signed_by_certificate(X509_SAN_DNS), client_id=X509_SAN_DNS)
    assert request.prefix is ClientIdPrefix.X509_SAN_DNS


NAMELESS = create_leaf(AUTHORITY, NOW)
OTHER_AUTHORITY = create_authority(NOW)


@pytest.mark.parametrize(
    ("client_id", "changes", "error"),
    [
        (X509_HASH, {"header": {}}, MalformedError),
        (X509_HASH, {"header": {"x5c": []}}, MalformedError),
        (X509_HASH, {"header": {"x5c": LEAF.x5c}}, MalformedError),
        (X509_HASH, {"header": {"x5c": ["MII"]}}, MalformedError),
        (X509_HASH, {"header": {"x5c": [LEAF.x5c, AUTHORITY.x5c]}}, UntrustedIssuerError),
        (X509_HASH, {"header": {"x5c": [AUTHORITY.x5c]}}, UntrustedIssuerError),
        (X509_HASH, {"header": {"x5c": [NAMELESS.x5c]}, "signer": NAMELESS.signer}, UntrustedIssuerError),
        (X509_HASH, {"signer": NAMELESS.signer}, InvalidSignatureError),
        (X509_HASH + "x", {}, UntrustedIssuerError),
        ("x509_san_dns:attacker.example", {}, UntrustedIssuerError),
        ("x509_san_dns:skills.example", {}, UntrustedIssuerError),
        (X509_SAN_DNS, {"response_uri": "https://other.example/r"}, RejectedError),
    ],
    ids=range(12),  # fresh certificates in the names would differ between the processes of a parallel run
)
def test_W43_W46_A34_A35_a_certificate_that_is_not_the_clients_is_refused(client_id, changes, error):
    with pytest.raises(error):
        verify_by_certificate(signed_by_certificate(client_id, **changes), client_id=client_id)


def verify_by_leaf(leaf: Certified, response_uri: str, prefix: str = "") -> AuthorizationRequest:
    client_id = prefix or f"x509_hash:{x509_hash(leaf.certificate)}"
    changes = {"header": {"x5c": [leaf.x5c]}, "signer": leaf.signer, "response_uri": response_uri}
    return verify_by_certificate(signed_by_certificate(client_id, **changes), client_id=client_id)


WILDCARD = create_leaf(AUTHORITY, NOW, dns_names=["*.Verifier.example", "*.example"])


def test_W44_W46_a_certificate_that_names_no_host_binds_its_client_to_none():
    """The anchor vouches for who signed, and who signed says where the answer goes. Decision 0088."""
    assert verify_by_leaf(NAMELESS, "https://anywhere.example/r").response_uri == "https://anywhere.example/r"


@pytest.mark.parametrize("host", ["api.verifier.example", "API.verifier.example:443"])
def test_W44_W46_a_wildcard_of_a_certificate_stands_for_one_label(host):
    assert verify_by_leaf(WILDCARD, f"https://{host}/r").prefix is ClientIdPrefix.X509_HASH


@pytest.mark.parametrize(
    "host",
    ["verifier.example", "a.b.verifier.example", "api.verifier.example:8443", "apiverifier.example", "other.example"],
)
def test_W46_A35_a_wildcard_of_a_certificate_stands_for_nothing_else(host):
    with pytest.raises(RejectedError):
        verify_by_leaf(WILDCARD, f"https://{host}/r")


def test_W43_A35_no_x509_san_dns_client_goes_by_a_wildcard():
    with pytest.raises(RejectedError):
        verify_by_leaf(WILDCARD, "https://api.verifier.example/r", "x509_san_dns:*.verifier.example")
    with pytest.raises(UntrustedIssuerError):
        verify_by_leaf(WILDCARD, "https://api.verifier.example/r", "x509_san_dns:api.verifier.example")


def test_W43_A05_a_chain_to_an_anchor_that_nobody_configured_is_refused():
    for anchors in ([], [OTHER_AUTHORITY.certificate]):
        with pytest.raises(UntrustedIssuerError):
            verify_by_certificate(signed_by_certificate(), anchors=anchors)


# Unsigned requests


def unsigned(**changes: Any) -> UnsignedRequest:
    members = {
        "client_id": f"redirect_uri:{RESPONSE_URI}",
        "response_type": "vp_token",
        "response_mode": "direct_post",
        "response_uri": RESPONSE_URI,
        "nonce": "n-0S6_WzA2Mj",
        "dcql_query": json.dumps(QUERY),
        "client_metadata": "{}",
        **changes,
    }
    read = parse_authorization_request_link(link(request_uri=..., **members))
    assert isinstance(read, UnsignedRequest)
    return read


def test_W43_a_redirect_uri_client_is_known_by_where_the_answer_goes():
    request = verify_unsigned_request(unsigned(), now=NOW)
    assert (request.client_id, request.is_signed, request.key) == (f"redirect_uri:{RESPONSE_URI}", False, None)
    assert (request.dcql_query, request.expires_at) == (parse_dcql_query(QUERY), NOW + timedelta(minutes=10))


@pytest.mark.parametrize(
    "client_id",
    [CLIENT_ID, X509_HASH, X509_SAN_DNS, f"x509_san_dns:{RESPONSE_URI}"],
    ids=["did", "x509_hash", "x509_san_dns", "url"],
)
def test_W43_A34_an_unsigned_request_for_a_prefix_that_demands_a_signature_is_refused(client_id):
    with pytest.raises(RejectedError):
        verify_unsigned_request(unsigned(client_id=client_id), now=NOW)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_uri": "https://attacker.example/r"}, RejectedError),
        ({"response_uri": RESPONSE_URI + "?x"}, RejectedError),
        ({"dcql_query": "{"}, MalformedError),
        ({"dcql_query": ...}, MalformedError),
        ({"nonce": ...}, MalformedError),
        ({"client_metadata": "x"}, MalformedError),
        ({"transaction_data": "[]"}, UnsupportedRequestError),
    ],
)
def test_W43_W45_an_unsigned_request_with_one_thing_wrong_is_refused(changes, error):
    with pytest.raises(error):
        verify_unsigned_request(unsigned(**changes), now=NOW)


# Metadata


def test_V05_client_metadata_names_formats_algorithms_and_the_key_of_this_transaction():
    metadata = create_client_metadata(encryption_key=ENCRYPTION_JWK, client_name="Werkgever")
    assert metadata["vp_formats_supported"]["dc+sd-jwt"] == {
        "sd-jwt_alg_values": ["ES256"],
        "kb-jwt_alg_values": ["ES256"],
    }
    assert metadata["vp_formats_supported"]["vc+sd-jwt"] == {"alg_values": ["ES256"]}
    [key] = metadata["jwks"]["keys"]
    assert (key["kid"], key["alg"], key["use"]) == ("e-1", "ECDH-ES", "enc")
    assert metadata["encrypted_response_enc_values_supported"] == ["A128GCM", "A256GCM"]
    assert create_client_metadata(encryption_key=None).keys() == {"vp_formats_supported"}


def test_W42_W56_what_a_wallet_says_of_itself_is_the_same_for_everybody():
    first, second = create_request_uri_form("w-1"), create_request_uri_form("w-2")
    assert first["wallet_metadata"] == second["wallet_metadata"]
    metadata = json.loads(first["wallet_metadata"])
    assert metadata["client_id_prefixes_supported"] == [
        "decentralized_identifier",
        "x509_hash",
        "x509_san_dns",
        "redirect_uri",
        "verifier_attestation",
        "openid_federation",
    ]
    assert metadata["response_types_supported"] == ["vp_token"]


def test_V02_W42_a_verifier_reads_the_nonce_of_a_wallet_that_posts():
    assert parse_request_uri_form(create_request_uri_form("w-1")) == "w-1"
    assert parse_request_uri_form([("wallet_metadata", "{}")]) is None


def test_V02_a_parameter_without_a_value_counts_as_left_out():
    """RFC 6749 §3.1."""
    assert parse_request_uri_form({"wallet_nonce": "", "wallet_metadata": ""}) is None


@pytest.mark.parametrize("form", [{"wallet_nonce": "x" * 513}, [("wallet_nonce", "a")] * 2, [("wallet_nonce", "")] * 2])
def test_V02_a_wallet_nonce_that_is_too_long_or_given_twice_is_malformed(form):
    with pytest.raises(MalformedError):
        parse_request_uri_form(form)


P256 = {**OTHER.public_key.jwk, "alg": "ECDH-ES"}
NOT_ON_THE_CURVE = {**P256, "y": P256["x"]}


@pytest.mark.parametrize(
    ("keys", "enc_values", "chosen"),
    [
        ([{**P256, "kid": "a"}, {**P256, "kid": "b"}], ["A128GCM", "A256GCM"], ("a", "A256GCM")),
        ([{**P256, "kid": "a"}], ..., ("a", "A128GCM")),
        ([{**P256, "kid": "a"}], ["A128CBC-HS256", "A128GCM"], ("a", "A128GCM")),
        ([{**P256, "use": "sig"}, {**P256, "kid": "b", "use": "enc"}], ["A128GCM"], ("b", "A128GCM")),
        ([{"kty": "OKP", "crv": "X25519", "alg": "ECDH-ES"}, {**P256, "kid": "b"}], ["A256GCM"], ("b", "A256GCM")),
        (
            [{**P256, "alg": "ECDH-ES+A128KW"}, {**P256, "crv": "P-384"}, {**P256, "kid": "c"}],
            ["A256GCM"],
            ("c", "A256GCM"),
        ),
        *(
            ([unusable, {**P256, "kid": "b", "use": "enc"}], ["A256GCM"], ("b", "A256GCM"))
            for unusable in (
                {**NOT_ON_THE_CURVE, "use": "enc"},
                {**P256, "x": P256["x"][:20]},
                {**P256, "y": 7},
                {**P256, "d": P256["x"]},
                {**P256, "kid": 7},
                {**P256, "kid": None},
                {**P256, "alg": ["ECDH-ES"]},
                {**P256, "use": ["enc"]},
                "no key",
                None,
            )
        ),
    ],
)
def test_W51_the_key_and_encryption_are_chosen_by_algorithm_use_and_preference(keys, enc_values, chosen):
    members = {"jwks": {"keys": keys}, "encrypted_response_enc_values_supported": enc_values}
    metadata = parse_client_metadata({name: value for name, value in members.items() if value is not ...})
    key, enc = metadata.select_encryption()
    assert (key["kid"], enc) == chosen


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"jwks": {"keys": [OTHER.public_key.jwk]}},
        {"jwks": {"keys": [{**P256, "use": "sig"}]}},
        {"jwks": {"keys": [NOT_ON_THE_CURVE]}},
        {"jwks": {"keys": [{}] * 32 + [P256]}},
        {"jwks": {"keys": [P256]}, "encrypted_response_enc_values_supported": ["A128CBC-HS256"]},
    ],
)
def test_W51_a_verifier_without_a_usable_key_gets_an_error_and_never_the_data(metadata):
    request = verify(signed(client_metadata=metadata))
    with pytest.raises(AlgorithmNotAllowedError):
        create_response_form(request, {"badge": ["presentation"]})


# Responses

VP_TOKEN = {"badge": ["eyJ0eXAi~eyJhbGci"]}


def test_W51_V20_an_encrypted_response_is_opened_by_the_key_of_its_transaction():
    form = create_response_form(verify(signed()), VP_TOKEN)
    assert form.keys() == {"response"}
    encrypted = parse_response_form(form)
    assert isinstance(encrypted, EncryptedResponse)
    opened = decrypt_response(encrypted, private_jwk=PRIVATE_JWK)
    assert opened == VpTokenResponse(VP_TOKEN, "zmgZNeOC1kYzqZ4tnu4LRg")
    assert "eyJ0eXAi" not in repr(opened)


def test_W51_V20_a_response_in_the_clear_has_token_and_state():
    request = verify(signed(response_mode="direct_post"))
    form = create_response_form(request, VP_TOKEN)
    assert form == create_direct_post(request, VP_TOKEN)
    assert parse_response_form(form) == VpTokenResponse(VP_TOKEN, "zmgZNeOC1kYzqZ4tnu4LRg")
    assert parse_response_form(list(form.items())) == parse_response_form(form)


def test_W51_a_request_without_state_gets_a_response_without():
    request = verify(signed(state=...))
    assert create_direct_post(request, VP_TOKEN).keys() == {"vp_token"}
    encrypted = parse_response_form(create_direct_post_jwt(request, VP_TOKEN))
    assert isinstance(encrypted, EncryptedResponse)
    assert decrypt_response(encrypted, private_jwk=PRIVATE_JWK) == VpTokenResponse(VP_TOKEN, None)


def test_W53_A39_a_refusal_says_a_code_and_the_state_and_nothing_else():
    form = create_error_form(verify(signed()), openid4vp.ACCESS_DENIED)
    assert form == {"error": "access_denied", "state": "zmgZNeOC1kYzqZ4tnu4LRg"}
    assert parse_response_form(form) == ErrorResponse("access_denied", None, "zmgZNeOC1kYzqZ4tnu4LRg")


def test_V20_a_refusal_may_come_encrypted():
    plaintext = json.dumps({"error": "access_denied", "error_description": "no", "state": "s"}).encode()
    encrypted = encrypt_jwe(plaintext, recipient={**ENCRYPTION_JWK, "alg": "ECDH-ES"})
    assert decrypt_response(EncryptedResponse(encrypted), private_jwk=PRIVATE_JWK) == ErrorResponse(
        "access_denied", "no", "s"
    )


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"state": "s"},
        {"vp_token": "{}", "response": "a.b.c.d.e"},
        {"vp_token": "{}", "error": "access_denied"},
        {"vp_token": "[]"},
        {"vp_token": "{"},
        {"vp_token": '{"a":["x"],"a":["y"]}'},
        {"vp_token": '{"a":["x"]}', "state": ""},
        {"error": ""},
        [("vp_token", "{}"), ("vp_token", "{}")],
        [("vp_token", "{}"), ("state", "a"), ("state", "b")],
        {"response": 1},
    ],
)
def test_V20_a_response_with_none_or_several_of_its_kinds_or_anything_twice_is_malformed(form):
    with pytest.raises(MalformedError):
        parse_response_form(form)


@pytest.mark.parametrize(
    "plaintext",
    [
        b" ",
        b"[]",
        b"{}",
        b'{"vp_token":[]}',
        b'{"vp_token":{},"state":1}',
        b'{"error":1}',
        b'{"vp_token":{},"error":"access_denied"}',
        b"\xff",
    ],
)
def test_V24_A40_a_response_with_anything_else_inside_is_malformed(plaintext):
    encrypted = encrypt_jwe(plaintext, recipient={**ENCRYPTION_JWK, "alg": "ECDH-ES"})
    with pytest.raises(MalformedError):
        decrypt_response(EncryptedResponse(encrypted), private_jwk=PRIVATE_JWK)


def test_A40_the_key_of_another_transaction_opens_nothing():
    encrypted = parse_response_form(create_response_form(verify(signed()), VP_TOKEN))
    assert isinstance(encrypted, EncryptedResponse)
    other = {**SoftwareSigner.generate().private_jwk(), "kid": "e-1", "alg": "ECDH-ES"}
    with pytest.raises(CredentialError):
        decrypt_response(encrypted, private_jwk=other)
    with pytest.raises(CredentialError):
        decrypt_response(encrypted, private_jwk=PRIVATE_JWK, enc_values=frozenset({"A128GCM"}))


def vp_query(**changes: Any) -> Any:
    return parse_dcql_query({"credentials": [{**QUERY["credentials"][0], **changes}]})


def test_V24_a_vp_token_gives_the_presentations_of_each_query():
    assert parse_vp_token({"badge": ["a"]}, vp_query()) == {"badge": ["a"]}
    assert parse_vp_token({"badge": ["a", "b"]}, vp_query(multiple=True)) == {"badge": ["a", "b"]}
    assert parse_vp_token({}, vp_query()) == {}


def test_W50_a_presentation_with_a_proof_travels_as_an_object_and_is_text_on_both_sides():
    text = '{"type":["VerifiablePresentation"]}'
    form = create_direct_post(verify(signed()), {"badge": [text, "a.b.c"]})
    sent = json.loads(form["vp_token"])
    assert sent == {"badge": [{"type": ["VerifiablePresentation"]}, "a.b.c"]}
    assert parse_vp_token(sent, vp_query(multiple=True)) == {"badge": [text, "a.b.c"]}


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, MalformedError),
        ([], MalformedError),
        ("a", MalformedError),
        ({"badge": "a"}, MalformedError),
        ({"badge": []}, MalformedError),
        ({"badge": [1]}, MalformedError),
        ({"badge": [""]}, MalformedError),
        ({"badge": [{"type": float("nan")}]}, MalformedError),
        ({"badge": ["a", "b"]}, QueryNotSatisfiedError),
        ({"other": ["a"]}, QueryNotSatisfiedError),
        ({"badge": ["a"], "other": ["a"]}, QueryNotSatisfiedError),
    ],
)
def test_V24_a_vp_token_of_another_shape_or_to_another_question_is_refused(value, error):
    with pytest.raises(error):
        parse_vp_token(value, vp_query())


def test_V24_more_presentations_than_anybody_asks_for_are_refused():
    query = parse_dcql_query(
        {"credentials": [{**QUERY["credentials"][0], "id": name, "multiple": True} for name in ("a", "b")]}
    )
    with pytest.raises(MalformedError):
        parse_vp_token({"a": ["x"] * 60, "b": ["x"] * 60}, query)
    with pytest.raises(MalformedError):
        parse_vp_token({"a": ["x"] * 101}, query)


def test_W52_the_verifiers_reply_says_where_the_browser_goes_on():
    uri = "https://verifier.skills.example/done#response_code=dYHg1JP2qz_FJcTc4qX4NQ"
    assert parse_response_reply({"redirect_uri": uri, "x": 1}) == uri
    assert parse_response_reply({}) is None


@pytest.mark.parametrize(
    "reply", [None, [], {"redirect_uri": 1}, {"redirect_uri": "javascript:alert(1)"}, {"redirect_uri": "/done"}]
)
def test_W52_A41_a_reply_that_leads_anywhere_but_to_a_web_page_is_malformed(reply):
    with pytest.raises(MalformedError):
        parse_response_reply(reply)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (QueryNotSatisfiedError(), "access_denied"),
        (UndecidedError(), "wallet_unavailable"),
        (MalformedError(), "invalid_request"),
        (InvalidSignatureError(), "invalid_request"),
        (UnsupportedRequestError("invalid_scope"), "invalid_scope"),
    ],
)
def test_W53_each_error_has_the_code_that_the_protocol_gives_it(error, code):
    assert authorization_error_code(error) == code


# Anything at all


@given(json_values() | nearly(parameters(verifier_info=[{"format": openid4vp.PURPOSE_FORMAT, "data": {"nl": "x"}}])))
def test_A08_A38_no_payload_makes_a_request_fail_otherwise_than_said(value):
    try:
        raw = sign_jwt(
            value if isinstance(value, dict) else {"client_id": value},
            signer=VERIFIER,
            typ="oauth-authz-req+jwt",
            header={"kid": KID},
        )
    except UnicodeEncodeError:
        return
    try:
        request = verify(raw)
    except CredentialError:
        return
    assert request.response_uri.startswith("https://verifier.skills.example")


@given(st.text(max_size=40).map(lambda text: f"openid4vp://?{text}") | st.text(max_size=60))
def test_A08_no_link_makes_reading_fail_otherwise_than_said(text):
    with suppress(CredentialError):
        parse_authorization_request_link(text)


@given(st.dictionaries(st.sampled_from(["vp_token", "response", "error", "state", "x"]), st.text(max_size=20)))
def test_A08_no_form_makes_reading_fail_otherwise_than_said(form):
    with suppress(MalformedError):
        parse_response_form(form)


@given(json_values() | nearly({"badge": ["a"], "other": ["b"]}))
def test_A08_no_vp_token_makes_reading_fail_otherwise_than_said(value):
    with suppress(MalformedError, QueryNotSatisfiedError):
        parse_vp_token(value, vp_query())
    with suppress(MalformedError):
        parse_response_reply(value)
    with suppress(MalformedError):
        parse_client_metadata(value)


def test_W40_a_created_link_is_an_ordinary_query():
    created = create_request_link(client_id=CLIENT_ID, request_uri=REQUEST_URI)
    assert parse_qs(urlsplit(created).query) == {
        "client_id": [CLIENT_ID],
        "request_uri": [REQUEST_URI],
        "request_uri_method": ["post"],
    }


@given(json_values(6), st.sampled_from(["kid", "x5c", "typ", "jwk"]), st.sampled_from([CLIENT_ID, X509_HASH]))
def test_A08_A02_no_header_makes_a_request_fail_otherwise_than_said(value, name, client_id):
    try:
        raw = signed(header={"kid": KID, name: value}, client_id=client_id)
    except UnicodeEncodeError:
        return
    with suppress(CredentialError):
        assert verify(raw, client_id=client_id, anchors=ANCHORS).client_id == CLIENT_ID
