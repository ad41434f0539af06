"""kernel.open_badges_api: what a host and a consumer say to one another. Open Badges 3.0 §6, §7; B-40 to B-43."""

from base64 import b64encode
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import CredentialError, MalformedError
from kernel.open_badges import verify_profile
from kernel.open_badges_api import (
    API_SCOPES,
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    MAX_LIMIT,
    OFFLINE_ACCESS,
    PROFILE_READONLY,
    PROFILE_UPDATE,
    SCOPES,
    ClientCredentials,
    ClientMetadataError,
    ClientRegistration,
    CodeMinor,
    CredentialsPage,
    PageRequest,
    RedirectUriError,
    RegisteredClient,
    RevocationRequest,
    ServiceDescription,
    StatusInfo,
    create_failure,
    create_link_header,
    create_service_description,
    find_api_url,
    known_scopes,
    parse_authorization_request,
    parse_client_credentials,
    parse_client_registration,
    parse_credentials_page,
    parse_link_header,
    parse_page_request,
    parse_registration_response,
    parse_revocation_request,
    parse_service_description,
    parse_status_info,
    sift_credentials_page,
)
from kernel.openid4vci import UnsupportedResponseTypeError
from tests.support.json_values import json_values, nearly

API = "https://wallet.example/ims/ob/v3p0"
JWS = "eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DESCRIPTION = ServiceDescription(
    title="Example wallet",
    version="3.0",
    terms_of_service="https://wallet.example/terms",
    privacy_policy_url="https://wallet.example/privacy",
    registration_url="https://wallet.example/oauth/register",
    authorization_url="https://wallet.example/oauth/authorize",
    token_url="https://wallet.example/oauth/token",
    refresh_url="https://wallet.example/oauth/refresh",
    scopes={CREDENTIAL_READONLY: "Read badges."},
    image="https://wallet.example/logo.png",
)
REGISTRATION = ClientRegistration(
    client_name="Portfolio",
    client_uri="https://portfolio.example/",
    redirect_uris=("https://portfolio.example/back", "https://portfolio.example/back2?x=1"),
    scopes=(CREDENTIAL_READONLY, OFFLINE_ACCESS),
    logo_uri="https://portfolio.example/logo.png",
    tos_uri="https://portfolio.example/terms",
    policy_uri="https://portfolio.example/privacy",
    software_id="c88b6ed8",
    software_version="4.0",
    contacts=("mail@portfolio.example",),
)
AUTHORIZATION = {
    "response_type": "code",
    "client_id": "c1",
    "redirect_uri": "https://portfolio.example/back",
    "scope": f"{CREDENTIAL_READONLY} {OFFLINE_ACCESS}",
    "state": "26357667",
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}


def without_absent(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ...}


def request(**changes: Any) -> dict[str, Any]:
    return without_absent({**REGISTRATION.as_json(), **changes})


# --- scopes


def test_B41_there_are_four_scopes_and_one_for_staying_connected():
    prefix = "https://purl.imsglobal.org/spec/ob/v3p0/scope/"
    assert {scope.removeprefix(prefix) for scope in API_SCOPES} == {
        "credential.readonly",
        "credential.upsert",
        "profile.readonly",
        "profile.update",
    }
    assert SCOPES[4:] == (OFFLINE_ACCESS,) == ("offline_access",)


def test_B41_unknown_scopes_are_left_out_and_order_counts_for_nothing():
    asked = ["openid", OFFLINE_ACCESS, PROFILE_UPDATE, CREDENTIAL_UPSERT, PROFILE_UPDATE]
    assert known_scopes(asked) == (CREDENTIAL_UPSERT, PROFILE_UPDATE, OFFLINE_ACCESS)


# --- status information


def test_B42_a_failure_says_what_and_who_says_so():
    failure = create_failure(CodeMinor.FORBIDDEN, "Not covered.", system="wallet")
    assert failure.as_json() == {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_description": "Not covered.",
        "imsx_codeMinor": {
            "imsx_codeMinorField": [{"imsx_codeMinorFieldName": "wallet", "imsx_codeMinorFieldValue": "forbidden"}]
        },
    }
    assert parse_status_info(failure.as_json()) == failure


def test_B42_what_is_not_there_is_a_status_and_no_error():
    assert create_failure(CodeMinor.NOT_FOUND, "No such profile.", system="wallet").severity == "status"


def test_B42_a_status_needs_neither_description_nor_minor_codes():
    status = StatusInfo("success", "status")
    assert status.as_json() == {"imsx_codeMajor": "success", "imsx_severity": "status"}
    assert parse_status_info(status.as_json()) == status


def test_B42_a_minor_code_of_another_vocabulary_is_unknown():
    failure = create_failure(CodeMinor.FORBIDDEN, "No.", system="host").as_json()
    failure["imsx_codeMinor"]["imsx_codeMinorField"][0]["imsx_codeMinorFieldValue"] = "unauthorisedrequest"
    assert parse_status_info(failure).code_minor == (("host", CodeMinor.UNKNOWN),)


@pytest.mark.parametrize(
    "change",
    [
        {"imsx_codeMajor": ...},
        {"imsx_codeMajor": "maybe"},
        {"imsx_severity": ...},
        {"imsx_severity": "fatal"},
        {"imsx_codeMinor": []},
        {"imsx_codeMinor": {"imsx_codeMinorField": []}},
        {"imsx_codeMinor": {"imsx_codeMinorField": [{"imsx_codeMinorFieldName": "host"}]}},
        {"imsx_description": 1},
    ],
)
def test_B42_a_broken_status_is_malformed(change: dict[str, Any]):
    status = create_failure(CodeMinor.UNKNOWN, "No.", system="host").as_json()
    with pytest.raises(MalformedError):
        parse_status_info(without_absent({**status, **change}))


# --- discovery


def test_B40_a_host_describes_itself_and_is_read_back():
    document = create_service_description(DESCRIPTION, api_url=API)
    assert document["openapi"].startswith("3.0.")
    assert document["servers"] == [{"url": API}]
    assert document["info"]["x-imssf-privacyPolicyUrl"] == DESCRIPTION.privacy_policy_url
    scheme = document["components"]["securitySchemes"]["OAuth2ACG"]
    assert scheme["type"] == "oauth2"
    assert scheme["x-imssf-registrationUrl"] == DESCRIPTION.registration_url
    assert parse_service_description(document) == DESCRIPTION


def test_B40_each_endpoint_names_the_scope_that_it_needs():
    paths = create_service_description(DESCRIPTION, api_url=API)["paths"]
    needed = {
        (path, method): operation["security"]
        for path, operations in paths.items()
        for method, operation in operations.items()
    }
    assert needed == {
        ("/discovery", "get"): [],
        ("/credentials", "get"): [{"OAuth2ACG": [CREDENTIAL_READONLY]}],
        ("/credentials", "post"): [{"OAuth2ACG": [CREDENTIAL_UPSERT]}],
        ("/profile", "get"): [{"OAuth2ACG": [PROFILE_READONLY]}],
        ("/profile", "put"): [{"OAuth2ACG": [PROFILE_UPDATE]}],
    }


def test_B40_every_schema_that_is_referred_to_is_there():
    document = create_service_description(replace(DESCRIPTION, image=None), api_url=API)
    assert "x-imssf-image" not in document["info"]
    referred = {value for name, value in _members(document) if name == "$ref"}
    assert referred == {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def _members(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, list):
        return [found for element in value for found in _members(element)]
    if not isinstance(value, dict):
        return []
    return [(name, member) for name, member in value.items()] + _members(list(value.values()))


def test_B40_a_host_that_says_little_can_be_connected_to():
    document = create_service_description(DESCRIPTION, api_url=API)
    flow = document["components"]["securitySchemes"]["OAuth2ACG"]["flows"]["authorizationCode"]
    del flow["refreshUrl"], document["info"]
    found = parse_service_description(document)
    assert (found.title, found.version, found.terms_of_service, found.privacy_policy_url) == ("", "", "", "")
    assert found.image is None
    assert found.refresh_url == found.token_url == DESCRIPTION.token_url


@pytest.mark.parametrize(
    "path",
    [
        ("components",),
        ("components", "securitySchemes"),
        ("components", "securitySchemes", "OAuth2ACG"),
        ("components", "securitySchemes", "OAuth2ACG", "x-imssf-registrationUrl"),
        ("components", "securitySchemes", "OAuth2ACG", "flows"),
        ("components", "securitySchemes", "OAuth2ACG", "flows", "authorizationCode"),
        ("components", "securitySchemes", "OAuth2ACG", "flows", "authorizationCode", "authorizationUrl"),
        ("components", "securitySchemes", "OAuth2ACG", "flows", "authorizationCode", "tokenUrl"),
        ("components", "securitySchemes", "OAuth2ACG", "flows", "authorizationCode", "scopes"),
    ],
)
def test_B40_a_description_without_what_a_consumer_needs_is_malformed(path: tuple[str, ...]):
    document = create_service_description(DESCRIPTION, api_url=API)
    place: Any = document
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    with pytest.raises(MalformedError):
        parse_service_description(document)


@pytest.mark.parametrize("scopes", [{"a": 1}, {str(number): "" for number in range(101)}])
def test_B40_scopes_that_nobody_can_read_are_malformed(scopes: dict[str, Any]):
    document = create_service_description(DESCRIPTION, api_url=API)
    document["components"]["securitySchemes"]["OAuth2ACG"]["flows"]["authorizationCode"]["scopes"] = scopes
    with pytest.raises(MalformedError):
        parse_service_description(document)


@pytest.mark.parametrize("url", ["http://wallet.example/token", "wallet.example/token", "https://10.0.0.1/token", 7])
def test_B40_an_endpoint_that_is_no_https_address_is_malformed(url: Any):
    document = create_service_description(DESCRIPTION, api_url=API)
    document["components"]["securitySchemes"]["OAuth2ACG"]["flows"]["authorizationCode"]["tokenUrl"] = url
    with pytest.raises(MalformedError):
        parse_service_description(document)


def test_B40_the_endpoints_lie_beside_the_discovery_document():
    assert find_api_url(f"{API}/discovery") == API
    assert find_api_url(f"https://h.example/tenant{'/ims/ob/v3p0'}/discovery") == "https://h.example/tenant/ims/ob/v3p0"


@pytest.mark.parametrize(
    "url", [API, f"{API}/discovery?x=1", "https://h.example/discovery", "http://h.example/ims/ob/v3p0/discovery"]
)
def test_B40_another_address_is_none_of_a_discovery_document(url: str):
    with pytest.raises(MalformedError):
        find_api_url(url)


# --- registration


def test_B42_a_registration_is_read_as_it_was_written():
    assert parse_client_registration(REGISTRATION.as_json()) == REGISTRATION
    assert REGISTRATION.host == "portfolio.example"


def test_B42_a_registration_needs_only_name_address_redirect_uri_and_scope():
    least = {
        "client_name": " Portfolio ",
        "client_uri": "https://portfolio.example/",
        "redirect_uris": ["https://portfolio.example/back"],
        "scope": CREDENTIAL_UPSERT,
    }
    found = parse_client_registration(least)
    assert found.client_name == "Portfolio"
    assert found.grant_types == ("authorization_code",)
    assert parse_client_registration(found.as_json()) == found


@pytest.mark.parametrize(
    "uris",
    [
        ...,
        [],
        "https://portfolio.example/back",
        ["https://portfolio.example/back", "https://portfolio.example/back"],
        ["https://other.example/back"],
        ["https://portfolio.example:8443/back"],
        ["https://portfolio.example/back", "https://portfolio.example.evil.example/back"],
        ["https://portfolio.example/back#part"],
        ["http://portfolio.example/back"],
        ["app.portfolio:/back"],
        ["javascript:alert(1)"],
        ["https://me@portfolio.example/back"],
        [f"https://portfolio.example/{number}" for number in range(11)],
    ],
)
def test_B42_redirect_uris_are_https_and_all_on_the_clients_host(uris: Any):
    with pytest.raises(RedirectUriError):
        parse_client_registration(request(redirect_uris=uris))


@pytest.mark.parametrize(
    "change",
    [
        {"client_uri": ...},
        {"client_uri": "portfolio.example"},
        {"logo_uri": "https://other.example/logo.png"},
        {"tos_uri": "https://other.example/terms"},
        {"policy_uri": "http://portfolio.example/privacy"},
        {"token_endpoint_auth_method": "none"},
        {"token_endpoint_auth_method": "client_secret_post"},
        {"response_types": ["token"]},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["refresh_token"]},
        {"scope": ...},
        {"scope": "openid"},
        {"client_name": "a" * 201},
        {"client_name": "a\u202eb"},
        {"client_name": "  "},
        {"software_id": "\n"},
    ],
)
def test_B42_metadata_that_is_not_allowed_is_refused(change: dict[str, Any]):
    with pytest.raises(ClientMetadataError):
        parse_client_registration(request(**change))


@pytest.mark.parametrize(
    "change", [{"client_name": ...}, {"contacts": "me"}, {"scope": "a  b"}, {"response_types": []}]
)
def test_B42_a_broken_registration_is_malformed(change: dict[str, Any]):
    with pytest.raises(MalformedError):
        parse_client_registration(request(**change))


def test_B42_plain_http_is_read_on_loopback_only():
    local = request(
        client_uri="http://localhost:8000/",
        redirect_uris=["http://localhost:8000/back"],
        logo_uri=...,
        tos_uri=...,
        policy_uri=...,
    )
    assert parse_client_registration(local).host == "localhost:8000"


def test_B42_an_answer_to_a_registration_is_read_as_it_was_written():
    client = RegisteredClient("c1", "s1", REGISTRATION, NOW, NOW + timedelta(days=90))
    assert "s1" not in repr(client)
    assert parse_registration_response(client.as_json(), registration=REGISTRATION) == client


def test_B42_a_secret_that_does_not_expire_is_written_as_zero():
    client = RegisteredClient("c1", "s1", REGISTRATION)
    assert client.as_json()["client_secret_expires_at"] == 0
    assert "client_id_issued_at" not in client.as_json()
    assert parse_registration_response(client.as_json(), registration=REGISTRATION) == client


def test_B42_hosts_may_leave_out_what_they_registered_and_grant_less():
    answer = {"client_id": "c1", "client_secret": "s1", "logo_uri": None, "scope": CREDENTIAL_READONLY}
    client = parse_registration_response(answer, registration=REGISTRATION)
    assert client.registration == replace(REGISTRATION, scopes=(CREDENTIAL_READONLY,))


@pytest.mark.parametrize(
    "change",
    [
        {"client_id": ...},
        {"client_secret": ...},
        {"client_secret_expires_at": "never"},
        {"redirect_uris": ["https://other.example/back"]},
        {"redirect_uris": ["https://portfolio.example/elsewhere"]},
    ],
)
def test_B42_an_answer_that_lacks_something_or_sends_people_elsewhere_is_malformed(change: dict[str, Any]):
    answer = RegisteredClient("c1", "s1", REGISTRATION).as_json()
    with pytest.raises(MalformedError):
        parse_registration_response(without_absent({**answer, **change}), registration=REGISTRATION)


# --- authorization, client credentials, revocation


def test_B42_an_authorization_request_is_read():
    found = parse_authorization_request(AUTHORIZATION)
    assert found.as_form() == AUTHORIZATION


@pytest.mark.parametrize(
    "change",
    [
        {"state": ...},
        {"state": ""},
        {"state": "a" * 1025},
        {"code_challenge": ...},
        {"code_challenge": "short"},
        {"code_challenge_method": ...},
        {"code_challenge_method": "plain"},
        {"redirect_uri": ...},
        {"redirect_uri": "app.portfolio:/back"},
        {"redirect_uri": "https://portfolio.example/back#x"},
        {"client_id": ...},
        {"scope": "a  b"},
        {"request_uri": "urn:x"},
    ],
)
def test_B42_an_authorization_request_without_pkce_or_state_is_malformed(change: dict[str, Any]):
    with pytest.raises(MalformedError):
        parse_authorization_request(without_absent({**AUTHORIZATION, **change}))


def test_B42_there_is_no_other_response_type_than_code():
    with pytest.raises(UnsupportedResponseTypeError):
        parse_authorization_request({**AUTHORIZATION, "response_type": "token"})


@pytest.mark.parametrize("secret", ["af7aa0d679778e12", "a:b+c %é"])
def test_B42_client_credentials_are_read_as_they_were_written(secret: str):
    credentials = ClientCredentials("4ad36680810420ed", secret)
    assert parse_client_credentials(credentials.as_header()) == credentials
    assert secret not in repr(credentials)


def test_B42_the_scheme_is_read_in_any_case():
    assert parse_client_credentials("bAsIc YTpi") == ClientCredentials("a", "b")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer YTpi",
        "Basic",
        "Basic ***",
        f"Basic {b64encode(b'ab').decode()}",
        f"Basic {b64encode(b':b').decode()}",
        f"Basic {b64encode(b'a:').decode()}",
        f"Basic {b64encode(bytes([255, 58, 97])).decode()}",
        f"Basic {b64encode(b'%ff:b').decode()}",
        f"Basic {'YTpi' * 1000}",
    ],
)
def test_B42_broken_client_credentials_are_malformed(header: str):
    with pytest.raises(MalformedError):
        parse_client_credentials(header)


@pytest.mark.parametrize("revocation", [RevocationRequest("t1"), RevocationRequest("t1", "refresh_token")])
def test_B42_a_revocation_is_read_as_it_was_written(revocation: RevocationRequest):
    assert parse_revocation_request(revocation.as_form()) == revocation


def test_B42_a_revocation_without_a_token_is_malformed():
    with pytest.raises(MalformedError):
        parse_revocation_request({"token_type_hint": "access_token"})


# --- badges a page at a time


def test_B40_a_page_is_asked_for_as_it_is_read():
    page = PageRequest(20, 40, NOW)
    assert page.as_query() == {"limit": "20", "offset": "40", "since": "2026-03-01T12:00:00Z"}
    assert parse_page_request(page.as_query()) == page
    assert parse_page_request({}) == PageRequest(MAX_LIMIT, 0, None)


def test_B43_more_than_a_hundred_are_never_given():
    assert parse_page_request({"limit": "5000"}).limit == MAX_LIMIT == 100


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "٣"},
        {"limit": ""},
        {"limit": "99999999"},
        {"offset": "-1"},
        {"offset": "1.5"},
        {"offset": "1000001"},
        {"since": "yesterday"},
        {"since": "2026-03-01T12:00:00"},
    ],
)
def test_B43_a_page_that_cannot_be_is_malformed(query: dict[str, str]):
    with pytest.raises(MalformedError):
        parse_page_request(query)


def test_B40_a_page_of_badges_is_read_as_it_was_written():
    page = CredentialsPage(({"id": "urn:x"},), (JWS,))
    assert page.as_json() == {"credential": [{"id": "urn:x"}], "compactJwsString": [JWS]}
    assert parse_credentials_page(page.as_json()) == page
    assert CredentialsPage().as_json() == {"credential": [], "compactJwsString": []}


@pytest.mark.parametrize("answer", [{}, {"credential": None, "compactJwsString": []}])
def test_B40_a_page_without_badges_is_empty(answer: dict[str, Any]):
    assert parse_credentials_page(answer) == CredentialsPage()


def test_B40_the_member_as_the_specifications_own_example_spells_it_is_read():
    assert parse_credentials_page({"compactJwsStrings": [JWS]}).compact_jws == (JWS,)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"credential": {}},
        {"credential": ["urn:x"]},
        {"credential": [{}] * 1001},
        {"compactJwsString": [1]},
        {"compactJwsString": ["a.b"]},
        {"compactJwsString": [f"{JWS}~"]},
        {"compactJwsString": [f"{JWS}{'a' * 512 * 1024}"]},
    ],
)
def test_B40_a_broken_page_is_malformed(answer: Any):
    with pytest.raises(MalformedError):
        parse_credentials_page(answer)


def test_B40_what_is_no_badge_is_set_apart_and_hides_no_other():
    answer = {"credential": ["urn:x", {"id": "urn:x"}, None], "compactJwsString": ["a.b", JWS, 1]}
    page, others = sift_credentials_page(answer)
    assert page == CredentialsPage(({"id": "urn:x"},), (JWS,))
    assert others == ("urn:x", None, "a.b", 1)
    assert sift_credentials_page({}) == (CredentialsPage(), ())


@pytest.mark.parametrize("answer", [[], {"credential": {}}, {"credential": [{}] * 1001}, {"compactJwsString": "a.b.c"}])
def test_B40_what_is_no_page_has_nothing_to_set_apart(answer: Any):
    with pytest.raises(MalformedError):
        sift_credentials_page(answer)


@pytest.mark.parametrize(
    ("offset", "total", "offsets"),
    [
        (0, 0, {"first": 0, "last": 0}),
        (0, 10, {"first": 0, "last": 0}),
        (0, 11, {"first": 0, "last": 10, "next": 10}),
        (10, 35, {"first": 0, "last": 30, "next": 20, "prev": 0}),
        (5, 35, {"first": 0, "last": 30, "next": 15, "prev": 0}),
        (30, 35, {"first": 0, "last": 30, "prev": 20}),
        (900, 35, {"first": 0, "last": 30, "prev": 890}),
    ],
)
def test_B40_the_header_names_the_pages_that_there_are(offset: int, total: int, offsets: dict[str, int]):
    header = create_link_header(f"{API}/credentials", PageRequest(10, offset, NOW), total)
    queries = {relation: dict(parse_qsl(urlsplit(url).query)) for relation, url in parse_link_header(header).items()}
    assert {relation: int(query["offset"]) for relation, query in queries.items()} == offsets
    assert {(query["limit"], query["since"]) for query in queries.values()} == {("10", "2026-03-01T12:00:00Z")}


def test_B40_a_header_is_read_in_any_of_its_spellings():
    header = (
        '<https://h.example/a?x=1,2>; title="a, b"; rel="next first", <https://h.example/b>;REL=prev,'
        '<https://h.example/c>; rel="next", </relative>; rel="last", <https://h.example/d>'
    )
    assert parse_link_header(header) == {
        "next": "https://h.example/a?x=1,2",
        "first": "https://h.example/a?x=1,2",
        "prev": "https://h.example/b",
    }
    assert parse_link_header("") == {}


def test_B40_a_header_that_is_too_long_is_malformed():
    with pytest.raises(MalformedError):
        parse_link_header("<https://h.example/>; rel=next, " * 1000)


# --- profiles


def test_B40_a_profile_by_anybody_is_one():
    verify_profile({"id": "urn:uuid:1", "type": ["Profile"], "name": "Sanne", "phone": "111-222-3333"})


@pytest.mark.parametrize(
    "profile", [{"type": ["Profile"]}, {"id": "urn:uuid:1"}, {"id": "urn:uuid:1", "type": "Person"}]
)
def test_B40_what_is_no_profile_is_malformed(profile: dict[str, Any]):
    with pytest.raises(MalformedError):
        verify_profile(profile)


# --- whatever comes


@given(st.one_of(json_values(), nearly(create_service_description(DESCRIPTION, api_url=API))))
def test_B40_any_description_is_read_or_malformed(value: Any):
    with suppress(CredentialError):
        parse_service_description(value)


@given(st.one_of(json_values(), nearly(REGISTRATION.as_json())))
def test_B42_any_registration_is_read_or_refused(value: Any):
    with suppress(CredentialError):
        assert parse_client_registration(value).host


@given(st.one_of(json_values(), nearly({"credential": [{"id": "urn:x"}], "compactJwsString": [JWS]})))
def test_B40_any_page_is_read_or_malformed(value: Any):
    with suppress(CredentialError):
        parse_credentials_page(value)
    with suppress(CredentialError):
        sift_credentials_page(value)


@given(st.text(max_size=80))
def test_B42_any_header_is_read_or_malformed(text: str):
    with suppress(CredentialError):
        parse_client_credentials(text)
    with suppress(CredentialError):
        parse_client_credentials(f"Basic {text}")
    parse_link_header(text)
