"""kernel.openid4vp.dc_api: asking through the browser. OpenID4VP 1.0 Appendix A; HAIP §5.2; V-08, W-49, W-55."""

import json
from typing import Any

import pytest

from kernel.errors import (
    AlgorithmNotAllowedError,
    AudienceError,
    CredentialError,
    ExpiredError,
    InvalidSignatureError,
    MalformedError,
    RejectedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.jwt import parse_jwt
from kernel.openid4vp import (
    AuthorizationRequest,
    ClientIdPrefix,
    EncryptedResponse,
    ErrorResponse,
    RequestSigner,
    VpTokenResponse,
    authorization_error_code,
    create_dc_api_error,
    create_dc_api_request,
    create_dc_api_response,
    create_response_form,
    decrypt_response,
    origin_of,
    parse_dc_api_request,
    parse_dc_api_response,
    read_unsigned_dc_api_sender,
    verify_signed_dc_api_request,
    verify_signed_dc_api_sender,
    verify_unsigned_dc_api_request,
)
from tests.support.requests import (
    ANCHORS,
    AT,
    CLIENT_ID,
    ENCRYPTION_JWK,
    KID,
    LEAF,
    NOW,
    ORIGIN,
    OTHER,
    PRIVATE_JWK,
    QUERY,
    VERIFIER,
    X509_HASH,
    parameters,
    signed,
)

BY_DID = RequestSigner(CLIENT_ID, VERIFIER, {"kid": KID})
BY_CERTIFICATE = RequestSigner(X509_HASH, LEAF.signer, {"x5c": [LEAF.x5c]})
VP_TOKEN = {"badge": ["eyJ.eyJ.x~"]}


def create(*signers: RequestSigner, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "signers": signers,
        "expected_origins": [ORIGIN + "/werkgever"],
        "response_mode": "dc_api.jwt",
        "nonce": "05qs59_3aPcGLRPgSOPWaQ",
        "dcql_query": QUERY,
        "client_metadata": parameters()["client_metadata"],
        "issued_at": NOW,
        "expires_at": NOW,
        "purpose": {"nl": "Sollicitatie"},
    }
    return create_dc_api_request(**{**values, **changes})


def verify(created: dict[str, Any], number: int = 0, **changes: Any) -> AuthorizationRequest:
    read = parse_dc_api_request(created["protocol"], created["data"])
    values = {"origin": ORIGIN, "now": NOW}
    if not read.candidates:
        return verify_unsigned_dc_api_request(read, **{**values, **changes})
    keys = {"key": VERIFIER.public_key, "anchors": ANCHORS}
    return verify_signed_dc_api_request(read.candidates[number], **{**values, **keys, **changes})


def changed(**changes: Any) -> dict[str, Any]:
    """A signed request with anything changed."""
    values = {"response_mode": "dc_api", "expected_origins": [ORIGIN], "response_uri": ..., "state": ..., **changes}
    return {"protocol": "openid4vp-v1-signed", "data": {"request": signed(**values)}}


def test_V08_W55_an_unsigned_request_names_nobody_and_is_bound_to_the_page():
    created = create()
    assert created["protocol"] == "openid4vp-v1-unsigned"
    assert created["data"].keys().isdisjoint({"client_id", "expected_origins", "state", "response_uri", "aud"})
    request = verify(created)
    assert (request.is_signed, request.prefix) == (False, ClientIdPrefix.ORIGIN)
    assert request.audience == request.client_id == f"origin:{ORIGIN}"
    assert (request.response_uri, request.state, request.response_mode) == ("", None, "dc_api.jwt")
    assert (request.purpose, request.expected_origins) == ({"nl": "Sollicitatie"}, ())
    assert "verifier_info" not in create(purpose=None)["data"]


def test_W55_what_an_unsigned_request_says_of_its_sender_does_not_count():
    created = create()
    created["data"] |= {"client_id": CLIENT_ID, "expected_origins": ["https://elsewhere.example"], "state": "s"}
    request = verify(created)
    assert (request.client_id, request.expected_origins, request.state) == (f"origin:{ORIGIN}", (), None)


@pytest.mark.parametrize("number", [0, 1])
def test_V08_W49_W55_a_signed_request_says_who_asks_and_is_answered_to_the_page(number):
    signer = (BY_DID, BY_CERTIFICATE)[number]
    created = create(signer)
    assert created["protocol"] == "openid4vp-v1-signed"
    assert parse_jwt(created["data"]["request"]).header["typ"] == "oauth-authz-req+jwt"
    request = verify(created)
    assert (request.client_id, request.is_signed) == (signer.client_id, True)
    assert request.audience == f"origin:{ORIGIN}"
    assert (request.expected_origins, request.purpose) == ((ORIGIN,), {"nl": "Sollicitatie"})


def test_V08_a_request_that_several_sign_is_one_for_each_of_them():
    created = create(BY_DID, BY_CERTIFICATE)
    assert created["protocol"] == "openid4vp-v1-multisigned"
    assert [verify(created, number).client_id for number in (0, 1)] == [CLIENT_ID, X509_HASH]
    assert verify(created, 1).purpose == {"nl": "Sollicitatie"}
    assert verify(create(BY_DID, BY_CERTIFICATE, purpose=None)).purpose == {}


def test_W55_of_several_signatures_one_that_holds_is_enough():
    """Mirrors MultiSignedOneInvalidSignature."""
    created = create(BY_DID, BY_CERTIFICATE)
    signatures = created["data"]["request"]["signatures"]
    signatures[0]["signature"] = signatures[1]["signature"]
    with pytest.raises(InvalidSignatureError):
        verify(created, 0)
    assert verify(created, 1).client_id == X509_HASH


def test_W55_signatures_of_clients_that_are_not_known_here_are_for_others():
    created = create(RequestSigner("x-new:somebody", VERIFIER, {}), BY_CERTIFICATE)
    assert [each.client_id.text for each in parse_dc_api_request(**created).candidates] == [X509_HASH]
    with pytest.raises(RejectedError):
        parse_dc_api_request(**create(*[RequestSigner("x-new:somebody", VERIFIER, {})] * 2))


def test_W55_A34_a_signed_request_from_another_page_is_a_replay():
    """Mirrors WrongExpectedOrigins."""
    for created in (create(BY_DID), create(BY_DID, BY_CERTIFICATE), changed(expected_origins=...)):
        with pytest.raises(RejectedError) as refusal:
            verify(created, origin="https://elsewhere.example")
        assert authorization_error_code(refusal.value) == "invalid_request"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"expected_origins": [ORIGIN + "/"]}, RejectedError),
        ({"expected_origins": []}, MalformedError),
        ({"response_mode": "direct_post"}, MalformedError),
        ({"nonce": ...}, MalformedError),
        ({"exp": AT - 61}, ExpiredError),
        ({"aud": "https://wallet.example"}, AudienceError),
        ({"aud": ["https://self-issued.me/v2"]}, AudienceError),
        ({"typ": "JWT"}, WrongTypeError),
        ({"signer": OTHER}, InvalidSignatureError),
        ({"client_id": ...}, MalformedError),
        ({"client_id": f"origin:{ORIGIN}"}, RejectedError),
        ({"client_id": f"redirect_uri:{ORIGIN}"}, RejectedError),
        ({"header": {"kid": "did:web:elsewhere.example#1"}}, UntrustedIssuerError),
        ({"transaction_data": ["e30"]}, RejectedError),
    ],
)
def test_W55_A34_a_signed_request_with_one_thing_wrong_is_refused(changes, error):
    assert verify(changed()).audience == f"origin:{ORIGIN}"
    assert verify(changed(aud=...)).client_id == CLIENT_ID
    with pytest.raises(error):
        verify(changed(**changes))


@pytest.mark.parametrize(
    ("protocol", "data"),
    [
        ("openid4vp", {}),
        ("openid4vp-v1-unsigned", "x"),
        ("openid4vp-v1-signed", {}),
        ("openid4vp-v1-multisigned", {}),
        ("openid4vp-v1-multisigned", {"request": "x"}),
        ("openid4vp-v1-multisigned", {"request": {"signatures": []}}),
        ("openid4vp-v1-multisigned", {"request": {"payload": "e30", "signatures": []}}),
        ("openid4vp-v1-multisigned", {"request": {"payload": "e30", "signatures": [1]}}),
        ("openid4vp-v1-multisigned", {"request": {"payload": "e30", "signatures": [{"protected": "e30"}]}}),
    ],
)
def test_W55_what_is_no_request_of_this_protocol_is_refused(protocol, data):
    with pytest.raises(CredentialError):
        parse_dc_api_request(protocol, data)


def test_W55_who_asks_is_said_by_each_signature_and_not_in_what_all_sign():
    token = signed(client_id=CLIENT_ID, header={"kid": KID, "client_id": CLIENT_ID}).split(".")
    request = {"payload": token[1], "signatures": [{"protected": token[0], "signature": token[2]}]}
    with pytest.raises(RejectedError):
        parse_dc_api_request("openid4vp-v1-multisigned", {"request": request})


def test_W55_a_signed_request_is_not_read_as_one_that_nobody_signed():
    read = parse_dc_api_request(**create(BY_DID))
    with pytest.raises(RejectedError):
        verify_unsigned_dc_api_request(read, origin=ORIGIN, now=NOW)


def test_V26_over_the_browser_no_state_is_needed_without_holder_binding():
    unbound = {"credentials": [{**QUERY["credentials"][0], "require_cryptographic_holder_binding": False}]}
    assert verify(create(dcql_query=unbound)).state is None


# Answers


def test_W55_V08_an_answer_goes_back_in_the_clear_or_encrypted_as_asked():
    in_the_clear = create_dc_api_response(verify(create(response_mode="dc_api")), VP_TOKEN)
    assert parse_dc_api_response(in_the_clear) == VpTokenResponse(VP_TOKEN, None)
    encrypted = parse_dc_api_response(json.loads(json.dumps(create_dc_api_response(verify(create()), VP_TOKEN))))
    assert isinstance(encrypted, EncryptedResponse)
    assert decrypt_response(encrypted, private_jwk=PRIVATE_JWK) == VpTokenResponse(VP_TOKEN, None)


def test_W51_W55_what_cannot_be_encrypted_is_not_answered():
    request = verify(create(client_metadata={"jwks": {"keys": [{**ENCRYPTION_JWK, "use": "sig"}]}}))
    with pytest.raises(AlgorithmNotAllowedError):
        create_dc_api_response(request, VP_TOKEN)


def test_W55_a_refusal_is_a_code_and_nothing_else():
    assert create_dc_api_error("access_denied") == {"error": "access_denied"}
    assert parse_dc_api_response({"error": "access_denied", "state": "x"}) == ErrorResponse("access_denied", None, None)


def test_W55_an_answer_through_the_browser_is_no_form():
    with pytest.raises(ValueError, match="no form"):
        create_response_form(verify(create()), VP_TOKEN)


@pytest.mark.parametrize(
    "value",
    [None, {}, {"vp_token": {}, "error": "x"}, {"vp_token": "x"}, {"response": 1}, {"response": ""}, {"error": 1}],
)
def test_V20_V08_what_is_no_answer_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_dc_api_response(value)


@pytest.mark.parametrize("url", ["https://Verifier.example/a?b", "https://verifier.example"])
def test_W49_an_origin_has_no_path_and_no_slash(url):
    assert origin_of(url) == "https://verifier.example"


def test_A42_an_origin_is_no_number_and_no_other_scheme():
    for url in ("ftp://verifier.example", "https://127.0.0.2", "verifier.example"):
        with pytest.raises(MalformedError):
            origin_of(url)


@pytest.mark.parametrize("broken", [{"dcql_query": 1}, {"scope": "badge"}, {"client_metadata": 1}, {"nonce": ...}])
def test_W53_W55_sender_of_a_bad_question_from_its_own_page_is_certain(broken):
    (candidate,) = parse_dc_api_request("openid4vp-v1-signed", changed(**broken)["data"]).candidates
    sender = verify_signed_dc_api_sender(candidate, origin=ORIGIN, key=VERIFIER.public_key, now=NOW)
    assert (sender.client_id, sender.origin, sender.response_uri, sender.state) == (CLIENT_ID, ORIGIN, "", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": OTHER},
        {"exp": AT - 61},
        {"aud": "https://wallet.example"},
        {"expected_origins": ["https://elsewhere.example"]},
        {"expected_origins": ...},
    ],
)
def test_W53_W55_no_page_is_told_of_the_question_of_another(changes):
    (candidate,) = parse_dc_api_request("openid4vp-v1-signed", changed(dcql_query=1, **changes)["data"]).candidates
    with pytest.raises(CredentialError):
        verify_signed_dc_api_sender(candidate, origin=ORIGIN, key=VERIFIER.public_key, now=NOW)


@pytest.mark.parametrize(("metadata", "name"), [({"client_name": "Bakker"}, "Bakker"), (1, None)])
def test_W55_whoever_asks_unsigned_is_the_page(metadata, name):
    request = parse_dc_api_request("openid4vp-v1-unsigned", {"client_metadata": metadata, "client_id": CLIENT_ID})
    sender = read_unsigned_dc_api_sender(request, origin=ORIGIN)
    assert (sender.client_id, sender.origin, sender.client_name) == (f"origin:{ORIGIN}", ORIGIN, name)
