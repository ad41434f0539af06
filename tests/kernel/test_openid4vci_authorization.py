"""kernel.openid4vci: PKCE, authorization requests and responses, token requests. PROFILE.md I-21 to I-29, W-06."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import CredentialError, MalformedError, RejectedError, UntrustedIssuerError
from kernel.openid4vci import (
    AuthorizationCodeTokenRequest,
    AuthorizationDeniedError,
    AuthorizationDetail,
    AuthorizationDetailsError,
    AuthorizationRequestParameters,
    PushedAuthorizationResponse,
    RefreshTokenRequest,
    TokenResponse,
    UnsupportedGrantError,
    UnsupportedResponseTypeError,
    code_challenge,
    create_authorization_response_url,
    create_authorization_url,
    create_code_verifier,
    create_direct_authorization_url,
    parse_authorization_response,
    parse_pushed_authorization_request,
    parse_pushed_authorization_response,
    parse_token_request,
    parse_token_response,
    verify_code_verifier,
)
from tests.support.json_values import json_values, nearly

# RFC 7636, Appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
SERVER = "https://issuer.example/stmw"
DETAIL = AuthorizationDetail("badge.dc-sd-jwt", claims=(("achievement", None, "name"),), locations=(SERVER,))
PARAMETERS = AuthorizationRequestParameters(
    client_id="https://wallet.example",
    redirect_uri="https://wallet.example/callback",
    code_challenge=CHALLENGE,
    state="Zk1",
    scopes=("badge.haip", "badge.diip"),
    authorization_details=(DETAIL,),
    issuer_state="aOFwEY1hKxCDLZkYAcM_-S",
    resource=(SERVER,),
    dpop_jkt=CHALLENGE,
)


def without_absent(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ...}


def form(**changes: Any) -> dict[str, Any]:
    return without_absent({**PARAMETERS.as_form(), **changes})


# PKCE


def test_I22_the_challenge_is_that_of_the_rfc():
    assert code_challenge(VERIFIER) == CHALLENGE
    verify_code_verifier(VERIFIER, code_challenge=CHALLENGE)


def test_I22_a_fresh_verifier_fits_its_challenge_and_no_other():
    first, second = create_code_verifier(), create_code_verifier()
    verify_code_verifier(first, code_challenge=code_challenge(first))
    with pytest.raises(RejectedError):
        verify_code_verifier(second, code_challenge=code_challenge(first))


@pytest.mark.parametrize(
    "verifier", ["", "a" * 42, "a" * 129, VERIFIER[:-1] + "é", VERIFIER[:-1] + "=", CHALLENGE + "\n"]
)
def test_I22_what_has_not_the_shape_of_a_verifier_is_malformed(verifier):
    with pytest.raises(MalformedError):
        verify_code_verifier(verifier, code_challenge=CHALLENGE)


def test_I22_A28_the_plain_challenge_is_not_its_own_verifier():
    with pytest.raises(RejectedError):
        verify_code_verifier(CHALLENGE, code_challenge=CHALLENGE)


# Pushed authorization requests


def test_I21_a_pushed_request_is_read_as_it_was_written():
    assert parse_pushed_authorization_request({**form(), "unknown": "x"}, resource=[SERVER]) == PARAMETERS


def test_I21_a_pushed_request_may_ask_for_little():
    little = AuthorizationRequestParameters("w", "eu.wallet:/callback", CHALLENGE)
    assert parse_pushed_authorization_request(little.as_form()) == little
    assert set(little.as_form()) == {
        "response_type",
        "client_id",
        "redirect_uri",
        "code_challenge",
        "code_challenge_method",
    }


def test_I24_a_scope_that_is_named_twice_counts_once():
    assert parse_pushed_authorization_request(form(scope="a b a")).scopes == ("a", "b")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": ...},
        {"client_id": ""},
        {"response_type": ...},
        {"redirect_uri": ...},
        {"redirect_uri": "/callback"},
        {"redirect_uri": "https://wallet.example/callback#x"},
        {"redirect_uri": "http://wallet.example/callback"},
        {"redirect_uri": "https:///callback"},
        {"redirect_uri": "https://user@wallet.example/"},
        {"redirect_uri": "JavaScript:alert(1)"},
        {"redirect_uri": "data:text/html,x"},
        {"redirect_uri": "app:/a\\b"},
        {"redirect_uri": "app:/a b"},
        {"redirect_uri": "app:/" + "a" * 3000},
        {"code_challenge": ...},
        {"code_challenge": "short"},
        {"code_challenge": CHALLENGE + "AAAA"},
        {"code_challenge": "é" * 43},
        {"code_challenge_method": ...},
        {"code_challenge_method": "plain"},
        {"response_mode": "fragment"},
        {"response_mode": "form_post"},
        {"state": ""},
        {"scope": ""},
        {"scope": "a  b"},
        {"scope": 'a"b'},
        {"scope": " ".join(map(str, range(101)))},
        {"issuer_state": ""},
        {"dpop_jkt": "x"},
        {"dpop_jkt": "AAAA"},
        {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
        {"request": "e30.e30.e30"},
    ],
)
def test_I21_I22_A28_a_pushed_request_with_one_thing_missing_or_broken_is_malformed(changes):
    with pytest.raises(MalformedError):
        parse_pushed_authorization_request(form(**changes))


@pytest.mark.parametrize("details", ["[", "{}", '[{"type":"payment"}]'])
def test_I23_details_that_cannot_be_read_have_their_own_refusal(details):
    """RFC 9396 §5: invalid_authorization_details, not invalid_request."""
    with pytest.raises(AuthorizationDetailsError):
        parse_pushed_authorization_request(form(authorization_details=details))


def test_I20_the_response_mode_that_there_is_may_be_named():
    assert parse_pushed_authorization_request(form(response_mode="query")) == parse_pushed_authorization_request(form())


@pytest.mark.parametrize("response_type", ["token", "code id_token"])
def test_I20_another_response_type_has_its_own_refusal(response_type):
    with pytest.raises(UnsupportedResponseTypeError):
        parse_pushed_authorization_request(form(response_type=response_type))


def test_I21_the_answer_to_a_pushed_request_is_read_as_it_was_written():
    answer = PushedAuthorizationResponse("urn:ietf:params:oauth:request_uri:ydnSxL6X", timedelta(seconds=60))
    assert answer.as_json() == {"request_uri": "urn:ietf:params:oauth:request_uri:ydnSxL6X", "expires_in": 60}
    assert parse_pushed_authorization_response(answer.as_json()) == answer
    assert "ydnSxL6X" not in repr(answer)


@pytest.mark.parametrize(
    "value", [None, {"expires_in": 60}, {"request_uri": "u"}, {"request_uri": "u", "expires_in": 0}]
)
def test_I21_an_answer_to_a_pushed_request_with_one_thing_missing_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_pushed_authorization_response(value)


def query_of(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, strict_parsing=True))


def test_I21_the_browser_takes_nothing_but_client_id_and_request_uri():
    url = create_authorization_url(f"{SERVER}/authorize", client_id="https://w.example", request_uri="urn:x:1")
    assert url.startswith(f"{SERVER}/authorize?")
    assert query_of(url) == {"client_id": "https://w.example", "request_uri": "urn:x:1"}


def test_W06_a_server_that_takes_no_pushed_requests_gets_all_in_the_query():
    url = create_direct_authorization_url("https://as.example/authorize?tenant=7", PARAMETERS)
    assert query_of(url) == {"tenant": "7", **PARAMETERS.as_form()}


# Authorization responses


def read(url: str, **changes: Any) -> str:
    expected: dict[str, Any] = {"issuer": SERVER, "is_iss_expected": True, "state": "Zk1", **changes}
    return parse_authorization_response(query_of(url), **expected)


def answer(issuer: str = SERVER, state: str | None = "Zk1", **members: str) -> str:
    return create_authorization_response_url(
        "https://wallet.example/callback?a=b", issuer=issuer, state=state, answer=members
    )


def test_I26_W06_the_code_comes_back_with_state_and_iss():
    url = answer(code="SplxlOBe")
    assert query_of(url) == {"a": "b", "code": "SplxlOBe", "state": "Zk1", "iss": SERVER}
    assert read(url) == "SplxlOBe"
    assert parse_authorization_response({"code": "c", "state": "s"}, issuer="", is_iss_expected=False, state="s") == "c"


@pytest.mark.parametrize(
    "redirect_uri", ["nl.wallet.app:/cb", "https://wallet.example/cb?", "https://wallet.example/cb?a=b&"]
)
def test_I26_the_answer_is_a_query_of_its_own_whatever_the_redirect_uri_ends_in(redirect_uri):
    url = create_authorization_response_url(redirect_uri, issuer=SERVER, state="Zk1", answer={"code": "c"})
    assert url.startswith(redirect_uri)
    assert query_of(url).items() >= {"code": "c", "state": "Zk1", "iss": SERVER}.items()


def test_I26_a_client_without_state_gets_none_back():
    assert "state" not in query_of(answer(state=None, code="c"))


@pytest.mark.parametrize("state", [None, "Zk2", "é"])
def test_A28_a_response_to_another_request_is_refused(state):
    with pytest.raises(RejectedError) as caught:
        read(answer(state=state, code="c"))
    assert caught.value.code == "rejected"


@pytest.mark.parametrize("is_iss_expected", [True, False])
@pytest.mark.parametrize("members", [{"code": "c"}, {"error": "access_denied"}])
def test_A27_a_response_of_another_server_is_refused(members, is_iss_expected):
    with pytest.raises(UntrustedIssuerError):
        read(answer(issuer="https://evil.example", **members), is_iss_expected=is_iss_expected)


def test_A27_a_response_without_the_iss_that_was_promised_is_refused():
    with pytest.raises(UntrustedIssuerError):
        parse_authorization_response({"code": "c", "state": "s"}, issuer=SERVER, is_iss_expected=True, state="s")


def test_I26_an_error_says_which_and_why():
    with pytest.raises(AuthorizationDeniedError) as caught:
        read(answer(error="access_denied", error_description="The person said no."))
    assert (caught.value.error, caught.value.error_description) == ("access_denied", "The person said no.")
    with pytest.raises(AuthorizationDeniedError) as caught:
        read(answer(error="server_error"))
    assert caught.value.error_description is None


@pytest.mark.parametrize("members", [{}, {"code": "c", "error": "access_denied"}])
def test_I26_a_response_has_either_a_code_or_an_error(members):
    with pytest.raises(MalformedError):
        read(answer(**members))


# Token requests and responses


CODE_REQUEST = AuthorizationCodeTokenRequest("SplxlOBe", "https://wallet.example/callback", VERIFIER, "w", (DETAIL,))


def test_I26_a_token_request_with_a_code_is_read_as_it_was_written():
    assert parse_token_request({**CODE_REQUEST.as_form(), "unknown": "x"}) == CODE_REQUEST
    assert "SplxlOBe" not in repr(CODE_REQUEST)
    assert VERIFIER not in repr(CODE_REQUEST)


@pytest.mark.parametrize("name", ["grant_type", "code", "redirect_uri", "code_verifier"])
@pytest.mark.parametrize("value", [..., ""])
def test_I22_I26_a_token_request_with_a_code_and_one_thing_missing_is_malformed(name, value):
    with pytest.raises(MalformedError):
        parse_token_request(without_absent({**CODE_REQUEST.as_form(), name: value}))


@pytest.mark.parametrize("scopes", [(), ("badge.haip",)])
def test_I32_a_token_request_with_a_refresh_token_is_read_as_it_was_written(scopes):
    request = RefreshTokenRequest("tGzv3JOkF0XG5Qx2TlKWIA", "w", scopes)
    assert parse_token_request(request.as_form()) == request
    assert "tGzv3J" not in repr(request)
    with pytest.raises(MalformedError):
        parse_token_request({"grant_type": "refresh_token"})


@pytest.mark.parametrize("grant", ["client_credentials", "password", "urn:ietf:params:oauth:grant-type:device_code"])
def test_I27_a_token_request_with_another_grant_has_its_own_refusal(grant):
    with pytest.raises(UnsupportedGrantError):
        parse_token_request({**CODE_REQUEST.as_form(), "grant_type": grant})


def test_I29_I32_a_token_response_is_read_as_it_was_written():
    granted = AuthorizationDetail("badge.dc-sd-jwt", credential_identifiers=("badge-1",))
    response = TokenResponse("sda5G2f", "DPoP", timedelta(minutes=5), (granted,), "8xLOxBtZp8", ("badge.haip",))
    assert parse_token_response(response.as_json()) == response
    assert "8xLOxBtZp8" not in repr(response)
    bare = TokenResponse("sda5G2f", "Bearer")
    assert bare.as_json() == {"access_token": "sda5G2f", "token_type": "Bearer"}


TOTAL = [
    (parse_pushed_authorization_request, PARAMETERS.as_form()),
    (parse_token_request, CODE_REQUEST.as_form()),
    (parse_token_request, RefreshTokenRequest("r", "w", ("a",)).as_form()),
    (parse_pushed_authorization_response, {"request_uri": "u", "expires_in": 60}),
]


@pytest.mark.parametrize("number", range(len(TOTAL)))
@given(data=st.data())
def test_A08_no_message_makes_a_parser_fail_otherwise_than_said(number, data):
    parse, valid = TOTAL[number]
    value = data.draw(nearly(valid) if number < 3 else json_values() | nearly(valid))
    with suppress(CredentialError):
        parse(value if isinstance(value, dict) or number == 3 else {})
