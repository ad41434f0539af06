"""kernel.openid4vci: offers, metadata, key proofs and messages. PROFILE.md I-01 to I-13, I-55 to I-66, W-01 to W-05."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import openid4vci
from kernel.did import did_jwk, did_key
from kernel.errors import (
    AlgorithmNotAllowedError,
    AudienceError,
    CredentialError,
    ExpiredError,
    HolderBindingError,
    InvalidSignatureError,
    MalformedError,
    NotYetValidError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid4vci import (
    AuthorizationCodeGrant,
    AuthorizationDetailsError,
    ByReference,
    ByValue,
    CredentialOffer,
    CredentialRequest,
    DeferredIssuance,
    ErrorResponse,
    IssuedCredentials,
    IssuerMetadata,
    KeyProof,
    NotificationRequest,
    PreAuthorizedCodeGrant,
    PreAuthorizedTokenRequest,
    TxCode,
    appended_well_known_url,
    create_key_proof,
    create_offer_link,
    parse_authorization_details,
    parse_authorization_server_metadata,
    parse_credential_offer,
    parse_credential_offer_link,
    parse_credential_request,
    parse_credential_response,
    parse_error_response,
    parse_issuer_metadata,
    parse_nonce_response,
    parse_notification_request,
    parse_token_request,
    parse_token_response,
    select_authorization_server,
    verify_key_proof,
    well_known_url,
)
from tests.support.json_values import json_values, nearly

ISSUER = "https://issuer.skills.example/stichting"
PRE_AUTHORIZED = "urn:ietf:params:oauth:grant-type:pre-authorized_code"
NOW = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
HOLDER = SoftwareSigner.generate()
ES256 = frozenset({"ES256"})


def without_absent(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not ...}


# Credential offers


def grant(**changes: Any) -> dict[str, Any]:
    code = {"pre-authorized_code": "6t4eEmjijjWktxxpQmDAIk2k1l_9tDXlCBNG_qQTWog", "tx_code": {"length": 6}}
    return {PRE_AUTHORIZED: without_absent({**code, **changes})}


def offer(**changes: Any) -> dict[str, Any]:
    members = {"credential_issuer": ISSUER, "credential_configuration_ids": ["badge.dc-sd-jwt"], "grants": grant()}
    return without_absent({**members, **changes})


def test_I02_an_offer_with_both_grants_is_read_and_written_back():
    value = offer(
        grants={
            "authorization_code": {"issuer_state": "s", "authorization_server": "https://as.example"},
            **grant(
                tx_code={"input_mode": "text", "length": 4, "description": "Zie de brief"},
                authorization_server="https://as.example/2",
            ),
        }
    )
    read = parse_credential_offer(value)
    assert read == CredentialOffer(
        credential_issuer=ISSUER,
        credential_configuration_ids=("badge.dc-sd-jwt",),
        authorization_code=AuthorizationCodeGrant("s", "https://as.example"),
        pre_authorized_code=PreAuthorizedCodeGrant(
            "6t4eEmjijjWktxxpQmDAIk2k1l_9tDXlCBNG_qQTWog", TxCode("text", 4, "Zie de brief"), "https://as.example/2"
        ),
    )
    assert read.as_json() == value
    assert read.authorization_server == "https://as.example/2"


def test_I02_an_offer_without_grants_leaves_them_to_the_metadata():
    read = parse_credential_offer(offer(grants=...))
    assert (read.authorization_code, read.pre_authorized_code, read.authorization_server) == (None, None, None)
    assert read.as_json() == offer(grants=...)
    assert parse_credential_offer(offer(grants={"other": 1})) == read


def test_I02_an_empty_tx_code_is_a_numeric_one_of_any_length_and_none_is_none():
    read = parse_credential_offer(offer(grants=grant(tx_code={})))
    assert read.pre_authorized_code is not None
    assert read.pre_authorized_code.tx_code == TxCode("numeric", None, None)
    assert read.as_json()["grants"][PRE_AUTHORIZED]["tx_code"] == {"input_mode": "numeric"}
    unprotected = parse_credential_offer(offer(grants=grant(tx_code=...)))
    assert unprotected.pre_authorized_code is not None
    assert unprotected.pre_authorized_code.tx_code is None
    assert unprotected.as_json() == offer(grants=grant(tx_code=...))


def test_W01_members_that_are_not_defined_are_ignored():
    value = offer(x=1, grants=grant(x=1, tx_code={"length": 6, "x": 1}))
    assert parse_credential_offer(value) == parse_credential_offer(offer())


def test_A55_a_pre_authorized_code_does_not_show_in_text_forms():
    assert "6t4eEmjijj" not in repr(parse_credential_offer(offer()))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "offer",
        offer(credential_issuer=...),
        offer(credential_issuer="http://issuer.skills.example"),
        offer(credential_issuer="https://issuer.skills.example?x=1"),
        offer(credential_issuer="https://issuer.skills.example#x"),
        offer(credential_issuer="https://user@issuer.skills.example"),
        offer(credential_issuer="https://"),
        offer(credential_issuer="https://10.0.0.1/x"),
        offer(credential_issuer="https://[::ffff:10.0.0.1]/x"),
        offer(credential_issuer="https://0x7f000001/"),
        offer(credential_issuer="https://2130706433/"),
        offer(credential_issuer="https://issuer.skills.example:port/"),
        offer(credential_issuer="https://issuer .example/"),
        offer(credential_issuer="https://issuér.example/"),
        offer(credential_issuer="https://h.example/" + "x" * 2048),
        offer(credential_issuer="//issuer.skills.example"),
        offer(credential_issuer=7),
        offer(credential_configuration_ids=...),
        offer(credential_configuration_ids=[]),
        offer(credential_configuration_ids="badge"),
        offer(credential_configuration_ids=["a", "a"]),
        offer(credential_configuration_ids=[1]),
        offer(credential_configuration_ids=[""]),
        offer(credential_configuration_ids=[str(number) for number in range(101)]),
        offer(grants=[]),
        offer(grants=None),
        offer(grants={PRE_AUTHORIZED: "code"}),
        offer(grants={"authorization_code": []}),
        offer(grants={"authorization_code": {"issuer_state": 1}}),
        offer(grants={"authorization_code": {"authorization_server": "as"}}),
        offer(grants=grant(**{"pre-authorized_code": ...})),
        offer(grants=grant(**{"pre-authorized_code": ""})),
        offer(grants=grant(**{"pre-authorized_code": 1})),
        offer(grants=grant(tx_code=[])),
        offer(grants=grant(tx_code=None)),
        offer(grants=grant(tx_code={"input_mode": "voice"})),
        offer(grants=grant(tx_code={"input_mode": []})),
        offer(grants=grant(tx_code={"length": 0})),
        offer(grants=grant(tx_code={"length": 65})),
        offer(grants=grant(tx_code={"length": "6"})),
        offer(grants=grant(tx_code={"length": True})),
        offer(grants=grant(tx_code={"description": "x" * 301})),
        offer(grants=grant(tx_code={"description": 1})),
        offer(grants=grant(authorization_server="http://as.example")),
    ],
)
def test_I02_W01_an_offer_with_one_thing_missing_or_broken_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_credential_offer(value)


@pytest.mark.parametrize("issuer", ["http://localhost:8101/stichting", "http://127.0.0.1:8101/x", "http://[::1]:1/x"])
def test_I10_plain_http_is_read_for_this_machine_only(issuer):
    assert parse_credential_offer(offer(credential_issuer=issuer)).credential_issuer == issuer


def test_I02_a_description_of_300_characters_is_read():
    value = offer(grants=grant(tx_code={"description": "é" * 300}))
    assert parse_credential_offer(value).as_json()["grants"][PRE_AUTHORIZED]["tx_code"]["description"] == "é" * 300


# Offer links


@pytest.mark.parametrize("scheme", ["openid-credential-offer://", "haip-vci://", "https://wallet.example/open"])
def test_I01_W01_an_offer_travels_by_value_in_a_link(scheme):
    read = parse_credential_offer(offer())
    link = create_offer_link(read, scheme=scheme)
    assert link.startswith(scheme + "?credential_offer=%7B")
    assert parse_credential_offer_link(link) == ByValue(read)


@pytest.mark.parametrize("scheme", ["openid-credential-offer://", "haip-vci://", "https://wallet.example/open"])
def test_I01_W01_an_offer_travels_by_reference_in_a_link(scheme):
    uri = "https://issuer.skills.example/stichting/offers/Gk2bQpV0r7c3T9xA?x=1&y=2"
    link = create_offer_link(uri, scheme=scheme)
    assert parse_credential_offer_link(f"  {link}\n") == ByReference(uri)


def test_I01_the_links_of_the_worked_example_are_written_and_read(profile_vectors):
    read = parse_credential_offer(profile_vectors["offer"])
    assert create_offer_link(read) == profile_vectors["offer_uri_by_value"]
    assert parse_credential_offer_link(profile_vectors["offer_uri_by_value"]) == ByValue(read)
    assert read.as_json() == profile_vectors["offer"]


def test_W01_other_parameters_of_a_link_are_ignored():
    assert parse_credential_offer_link(create_offer_link(f"{ISSUER}/offers/1") + "&utm=x") == ByReference(
        f"{ISSUER}/offers/1"
    )


@pytest.mark.parametrize(
    "link",
    [
        "",
        "openid-credential-offer://",
        "openid-credential-offer://?x=1",
        "openid-credential-offer://?credential_offer=",
        "openid-credential-offer://?credential_offer=%7B",
        "openid-credential-offer://?credential_offer=[]",
        "openid-credential-offer://?credential_offer=%7B%22a%22%3A1%2C%22a%22%3A1%7D",
        "openid-credential-offer://?credential_offer_uri=",
        "openid-credential-offer://?credential_offer_uri=http%3A%2F%2Fissuer.example%2Fo",
        "openid-credential-offer://?credential_offer_uri=file%3A%2F%2F%2Fetc%2Fpasswd",
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2F169.254.169.254%2F",
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fh.example&credential_offer=%7B%7D",
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fh.example&credential_offer_uri=https%3A%2F%2Fi",
        "openid-credential-offer://?credential_offer=%FF",
        "openid-credential-offer://?" + "&".join(f"p{number}=1" for number in range(40)),
        "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fh.example&x=" + "x" * 70_000,
        "http://wallet.example/?credential_offer_uri=https%3A%2F%2Fh.example",
        "javascript:alert(1)?credential_offer_uri=https%3A%2F%2Fh.example",
        "openid4vp://?credential_offer_uri=https%3A%2F%2Fh.example",
        "https://[bad?credential_offer_uri=https%3A%2F%2Fh.example",
        "https://h.example:x/?credential_offer_uri=https%3A%2F%2Fh.example",
        "{}",
    ],
)
def test_I01_W01_a_link_with_both_or_neither_parameter_or_another_scheme_is_malformed(link):
    with pytest.raises(MalformedError):
        parse_credential_offer_link(link)


# Metadata


@pytest.mark.parametrize(
    ("identifier", "inserted", "appended"),
    [
        (
            "https://h.example/t",
            "https://h.example/.well-known/openid-credential-issuer/t",
            "https://h.example/t/.well-known/openid-credential-issuer",
        ),
        (
            "https://h.example",
            "https://h.example/.well-known/openid-credential-issuer",
            "https://h.example/.well-known/openid-credential-issuer",
        ),
        (
            "https://h.example:8443/a/b/",
            "https://h.example:8443/.well-known/openid-credential-issuer/a/b",
            "https://h.example:8443/a/b/.well-known/openid-credential-issuer",
        ),
    ],
)
def test_I10_W04_metadata_lies_between_host_and_path_or_as_before_after_the_path(identifier, inserted, appended):
    assert well_known_url(identifier, openid4vci.CREDENTIAL_ISSUER) == inserted
    assert appended_well_known_url(identifier, openid4vci.CREDENTIAL_ISSUER) == appended


@pytest.mark.parametrize("identifier", ["http://h.example", "https://h.example?x", "https://h.example#x", "h.example"])
def test_I10_an_identifier_that_is_no_plain_https_url_has_no_metadata(identifier):
    for url in (well_known_url, appended_well_known_url):
        with pytest.raises(MalformedError):
            url(identifier, openid4vci.AUTHORIZATION_SERVER)


def configuration(**changes: Any) -> dict[str, Any]:
    members = {
        "format": "dc+sd-jwt",
        "scope": "badge",
        "vct": "https://types.skills.example/vct/skill-badge/1",
        "credential_signing_alg_values_supported": ["ES256"],
        "cryptographic_binding_methods_supported": ["jwk", "did:jwk"],
        "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
        "credential_metadata": {
            "display": [
                {
                    "name": "Vaardigheidsbadge",
                    "locale": "nl",
                    "description": "Wat je kunt",
                    "logo": {"uri": "data:image/png;base64,AAAA", "alt_text": "Een medaille"},
                    "background_image": {"uri": "https://issuer.skills.example/achtergrond.png"},
                    "background_color": "#fff",
                    "text_color": "#000",
                }
            ],
            "claims": [{"path": ["achievement", "alignment", None], "mandatory": True, "display": [{"name": "Skill"}]}],
        },
    }
    return without_absent({**members, **changes})


def metadata(**changes: Any) -> dict[str, Any]:
    members = {
        "credential_issuer": ISSUER,
        "credential_endpoint": f"{ISSUER}/credential",
        "nonce_endpoint": f"{ISSUER}/nonce",
        "batch_credential_issuance": {"batch_size": 10},
        "display": [{"name": "Stichting", "locale": "nl"}],
        "credential_configurations_supported": {"badge.dc-sd-jwt": configuration()},
    }
    return without_absent({**members, **changes})


def read_metadata(**changes: Any) -> IssuerMetadata:
    return parse_issuer_metadata(metadata(**changes), credential_issuer=ISSUER)


def with_configuration(**changes: Any) -> dict[str, Any]:
    return metadata(credential_configurations_supported={"badge": configuration(**changes)})


def test_I12_I13_metadata_says_where_and_what():
    read = read_metadata(notification_endpoint=f"{ISSUER}/notification")
    found = read.get_configuration("badge.dc-sd-jwt")
    assert (read.credential_endpoint, read.nonce_endpoint) == (f"{ISSUER}/credential", f"{ISSUER}/nonce")
    assert (read.deferred_credential_endpoint, read.notification_endpoint) == (None, f"{ISSUER}/notification")
    assert (read.batch_size, read.display[0].name, read.authorization_servers) == (10, "Stichting", ())
    assert (found.id, found.format, found.scope) == ("badge.dc-sd-jwt", "dc+sd-jwt", "badge")
    assert found.vct == "https://types.skills.example/vct/skill-badge/1"
    assert found.binding_methods == {"jwk", "did:jwk"}
    assert found.proof_types["jwt"].algorithms == ES256
    assert found.display[0].logo == openid4vci.Image("data:image/png;base64,AAAA", "Een medaille")
    assert found.claims[0].path == ("achievement", "alignment", None)
    assert (found.claims[0].mandatory, found.claims[0].display[0].name) == (True, "Skill")


def test_I12_metadata_without_the_optional_members_has_none_of_them():
    bare = configuration(
        cryptographic_binding_methods_supported=...,
        proof_types_supported=...,
        credential_metadata=...,
        credential_signing_alg_values_supported=...,
        scope=...,
    )
    read = read_metadata(
        nonce_endpoint=...,
        batch_credential_issuance=...,
        display=...,
        credential_configurations_supported={"badge": bare},
    )
    found = read.get_configuration("badge")
    assert (read.batch_size, read.nonce_endpoint, read.display) == (1, None, ())
    assert (found.binding_methods, found.proof_types, found.display, found.claims) == (frozenset(), {}, (), ())


@pytest.mark.parametrize("credential_format", ["vc+sd-jwt", "ldp_vc", "jwt_vc_json"])
def test_I14_w3c_formats_have_the_types_of_their_definition(credential_format):
    definition = {"type": ["VerifiableCredential", "OpenBadgeCredential"]}
    value = with_configuration(format=credential_format, vct=..., credential_definition=definition)
    found = parse_issuer_metadata(value, credential_issuer=ISSUER).get_configuration("badge")
    assert (found.types, found.vct) == (("VerifiableCredential", "OpenBadgeCredential"), None)


def test_I13_a_format_that_is_not_known_is_read_past():
    value = with_configuration(
        format="mso_mdoc",
        proof_types_supported=...,
        credential_signing_alg_values_supported=[-7],
        cryptographic_binding_methods_supported=["cose_key"],
    )
    found = parse_issuer_metadata(value, credential_issuer=ISSUER).get_configuration("badge")
    assert (found.vct, found.types, found.signing_algorithms) == (None, (), {-7})


def test_W04_metadata_of_another_issuer_is_refused():
    for other in (ISSUER + "/", ISSUER.upper(), "https://attacker.example"):
        with pytest.raises(UntrustedIssuerError):
            parse_issuer_metadata(metadata(), credential_issuer=other)


def test_W01_a_configuration_that_the_issuer_does_not_have_is_refused():
    with pytest.raises(MalformedError):
        read_metadata().get_configuration("other")


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        metadata(credential_issuer=...),
        metadata(credential_issuer=None),
        metadata(credential_endpoint=...),
        metadata(credential_endpoint=None),
        metadata(credential_endpoint="http://issuer.skills.example/credential"),
        metadata(nonce_endpoint="nonce"),
        metadata(notification_endpoint="https://127.0.0.2/"),
        metadata(deferred_credential_endpoint=1),
        metadata(authorization_servers=[]),
        metadata(authorization_servers="https://as.example"),
        metadata(authorization_servers=["as"]),
        metadata(batch_credential_issuance={}),
        metadata(batch_credential_issuance={"batch_size": 1}),
        metadata(batch_credential_issuance=[]),
        metadata(credential_request_encryption=[]),
        metadata(credential_response_encryption="ECDH-ES"),
        metadata(display=[]),
        metadata(display=["Stichting"]),
        metadata(display=[{"name": 1}]),
        metadata(credential_configurations_supported=...),
        metadata(credential_configurations_supported=[]),
        metadata(credential_configurations_supported={str(number): configuration() for number in range(10_001)}),
    ],
)
def test_I10_I12_I13_I14_metadata_with_one_thing_missing_or_broken_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_issuer_metadata(value, credential_issuer=ISSUER)


@pytest.mark.parametrize(
    "odd",
    [
        [],
        None,
        configuration(credential_metadata=[]),
        configuration(format=...),
        configuration(scope=1),
        configuration(vct=...),
        configuration(vct=[]),
        configuration(proof_types_supported=...),
        configuration(cryptographic_binding_methods_supported=...),
        configuration(cryptographic_binding_methods_supported=[]),
        configuration(proof_types_supported={"jwt": {}}),
        configuration(proof_types_supported={"jwt": {"proof_signing_alg_values_supported": []}}),
        configuration(proof_types_supported={"jwt": []}),
        configuration(credential_signing_alg_values_supported=[]),
        configuration(credential_signing_alg_values_supported=[1.5]),
        configuration(credential_metadata={"claims": [{}]}),
        configuration(credential_metadata={"claims": [{"path": [True]}]}),
        configuration(credential_metadata={"claims": [{"path": ["a"], "mandatory": "yes"}]}),
        configuration(format="vc+sd-jwt", credential_definition={"type": ["VerifiableCredential"]}),
        configuration(format="vc+sd-jwt", vct=...),
        configuration(format="ldp_vc", credential_definition={}),
        configuration(format="ldp_vc", credential_definition={"type": [1]}),
    ],
)
def test_I10_I12_I13_I14_W04_configuration_that_cannot_be_read_spoils_no_other(odd):
    """Who is not offered it never hears of it; who is, hears why."""
    read = read_metadata(credential_configurations_supported={"badge": configuration(), "odd": odd})
    assert read.get_configuration("badge") == read.credential_configurations["badge"]
    assert set(read.credential_configurations) == {"badge"}
    with pytest.raises(MalformedError) as caught:
        read.get_configuration("odd")
    assert caught.value.detail == read.unreadable["odd"]


def test_W04_configuration_without_a_name_is_passed_over():
    read = read_metadata(credential_configurations_supported={"": configuration(), "badge": configuration()})
    assert (set(read.credential_configurations), set(read.unreadable)) == ({"badge"}, {""})


def test_W04_null_says_that_there_is_none():
    """As issuers write whose library leaves nothing out."""
    odd = configuration(scope=None, credential_metadata=None)
    read = read_metadata(
        nonce_endpoint=None,
        deferred_credential_endpoint=None,
        notification_endpoint=None,
        authorization_servers=None,
        batch_credential_issuance=None,
        credential_request_encryption=None,
        credential_response_encryption=None,
        display=[{"name": "Stichting", "locale": None, "logo": None}],
        credential_configurations_supported={"badge": odd},
    )
    assert read == read_metadata(
        nonce_endpoint=...,
        batch_credential_issuance=...,
        display=[{"name": "Stichting"}],
        credential_configurations_supported={"badge": configuration(scope=..., credential_metadata=...)},
    )


@pytest.mark.parametrize(
    "image",
    [
        {},
        [],
        {"uri": 1},
        {"uri": ""},
        {"uri": "ipfs://bafy/logo.png"},
        {"uri": "javascript:alert(1)"},
        {"uri": "http://h.example/logo.png"},
        {"uri": "https://h.example/logo.png", "alt_text": 1},
    ],
)
def test_W04_W18_picture_that_may_not_be_shown_is_none(image):
    of_issuer = read_metadata(display=[{"name": "x", "logo": image, "background_image": image}]).display[0]
    assert (of_issuer.name, of_issuer.logo, of_issuer.background_image) == ("x", None, None)
    described = {"display": [{"name": "x", "logo": image}]}
    found = parse_issuer_metadata(with_configuration(credential_metadata=described), credential_issuer=ISSUER)
    assert found.get_configuration("badge").display[0].logo is None


def server(**changes: Any) -> dict[str, Any]:
    members = {
        "issuer": ISSUER,
        "token_endpoint": f"{ISSUER}/token",
        "grant_types_supported": [PRE_AUTHORIZED],
        "pre-authorized_grant_anonymous_access_supported": True,
    }
    return without_absent({**members, **changes})


def test_W05_metadata_of_an_authorization_server_is_read():
    read = parse_authorization_server_metadata(server(), issuer=ISSUER)
    assert (read.token_endpoint, read.grant_types) == (f"{ISSUER}/token", {PRE_AUTHORIZED})
    assert (read.is_anonymous_access_supported, read.is_iss_parameter_supported) == (True, False)
    assert (read.authorization_endpoint, read.require_pushed_authorization_requests) == (None, False)


def test_W05_the_worked_example_of_an_authorization_server_is_read(profile_vectors):
    example = profile_vectors["as_metadata"]
    read = parse_authorization_server_metadata(example, issuer=example["issuer"])
    assert read.pushed_authorization_request_endpoint == example["pushed_authorization_request_endpoint"]
    assert (read.code_challenge_methods, read.dpop_algorithms) == ({"S256"}, {"ES256"})
    assert read.token_endpoint_auth_methods == {"attest_jwt_client_auth", "none"}
    assert read.challenge_endpoint == example["challenge_endpoint"]
    assert (read.client_attestation_algorithms, read.client_attestation_pop_algorithms) == ({"ES256"}, {"ES256"})


def test_W05_metadata_of_another_authorization_server_is_refused():
    with pytest.raises(UntrustedIssuerError):
        parse_authorization_server_metadata(server(), issuer="https://as.example")


@pytest.mark.parametrize(
    "value",
    [
        None,
        server(issuer=...),
        server(issuer=1),
        server(token_endpoint=...),
        server(token_endpoint="http://as.example/token"),
        server(authorization_endpoint="as"),
        server(grant_types_supported=[]),
        server(grant_types_supported=PRE_AUTHORIZED),
        server(**{"pre-authorized_grant_anonymous_access_supported": "true"}),
    ],
)
def test_W05_authorization_server_metadata_with_one_thing_missing_or_broken_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_authorization_server_metadata(value, issuer=ISSUER)


@pytest.mark.parametrize(
    ("listed", "offered", "used"),
    [
        (..., ..., ISSUER),
        (["https://as.example", "https://as2.example"], ..., "https://as.example"),
        (["https://as.example", "https://as2.example"], "https://as2.example", "https://as2.example"),
    ],
)
def test_W05_the_authorization_server_is_the_one_offered_or_listed_or_the_issuer(listed, offered, used):
    made = parse_credential_offer(offer(grants=grant(authorization_server=offered)))
    assert select_authorization_server(read_metadata(authorization_servers=listed), made) == used


@pytest.mark.parametrize("listed", [..., ["https://as.example"]])
def test_I03_W05_A27_an_offered_server_that_the_issuer_does_not_list_stops_everything(listed):
    made = parse_credential_offer(offer(grants=grant(authorization_server="https://attacker.example")))
    with pytest.raises(UntrustedIssuerError):
        select_authorization_server(read_metadata(authorization_servers=listed), made)


# Key proofs

DID_URL = did_jwk(HOLDER.public_key.jwk) + "#0"


def proof(
    *, typ: str = "openid4vci-proof+jwt", signer: SoftwareSigner = HOLDER, header: Any = None, **changes: Any
) -> str:
    payload = without_absent({"aud": ISSUER, "iat": AT, "nonce": "Oba9Tyv6M2vwDDe-0Qiv2g", **changes})
    return sign_jwt(
        payload, signer=signer, typ=typ, header={"jwk": HOLDER.public_key.jwk} if header is None else header
    )


def verify(raw: str, **changes: Any) -> KeyProof:
    return verify_key_proof(raw, **{"audience": ISSUER, "algorithms": ES256, "now": NOW, **changes})


@pytest.mark.parametrize("key_id", [None, DID_URL])
@pytest.mark.parametrize("client_id", [None, "wallet-7"])
def test_I58_a_created_key_proof_is_verified_and_gives_key_and_nonce(key_id, client_id):
    raw = create_key_proof(signer=HOLDER, audience=ISSUER, nonce="n-1", now=NOW, key_id=key_id, client_id=client_id)
    assert verify(raw, client_id=client_id) == KeyProof(HOLDER.public_key, "n-1", key_id)
    header = parse_jwt(raw).header
    assert header["typ"] == "openid4vci-proof+jwt"
    assert ("jwk" in header, "kid" in header) == (key_id is None, key_id is not None)


def test_I58_the_worked_example_of_a_key_proof_is_verified(profile_vectors):
    example = profile_vectors["key_proof"]
    found = verify(
        example["jwt"], audience=example["payload"]["aud"], now=datetime.fromtimestamp(example["payload"]["iat"], UTC)
    )
    assert (found.nonce, found.key_id) == (example["payload"]["nonce"], example["header"]["kid"])
    assert found.holder_key.jwk == example["holder_jwk"]


def test_I58_a_did_key_names_the_holder_key_too():
    did = did_key(HOLDER.public_key.jwk)
    found = verify(proof(header={"kid": f"{did}#{did.removeprefix('did:key:')}"}))
    assert found.holder_key == HOLDER.public_key


OTHER = SoftwareSigner.generate()


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (proof(typ="JWT"), WrongTypeError),
        (proof(typ="kb+jwt"), WrongTypeError),
        (proof(signer=OTHER), InvalidSignatureError),
        (proof(header={}), MalformedError),
        (proof(header={"jwk": HOLDER.public_key.jwk, "kid": DID_URL}), MalformedError),
        (proof(header={"jwk": HOLDER.public_key.jwk, "x5c": ["MII"]}), MalformedError),
        (proof(header={"x5c": ["MII"]}), HolderBindingError),
        (proof(header={"jwk": HOLDER.private_jwk()}), MalformedError),
        (proof(header={"jwk": {"kty": "oct", "k": "AAAA"}}), MalformedError),
        (proof(header={"kid": "key-1"}), MalformedError),
        (proof(header={"kid": "did:web:holder.example#key-1"}), MalformedError),
        (proof(header={"kid": 1}), MalformedError),
        (proof(header={"kid": DID_URL.removesuffix("#0")}), UntrustedIssuerError),
        (proof(header={"kid": DID_URL.replace("#0", "#1")}), UntrustedIssuerError),
        (proof(header={"kid": did_jwk(OTHER.public_key.jwk) + "#0"}), InvalidSignatureError),
        (proof(aud="https://other.example"), AudienceError),
        (proof(aud=ISSUER + "/"), AudienceError),
        (proof(aud=[ISSUER]), MalformedError),
        (proof(aud=...), MalformedError),
        (proof(iss="wallet-7"), AudienceError),
        (proof(iss=did_jwk(OTHER.public_key.jwk)), AudienceError),
        (proof(iss=1), MalformedError),
        (proof(nonce=...), MalformedError),
        (proof(nonce=""), MalformedError),
        (proof(nonce=1), MalformedError),
        (proof(iat=...), MalformedError),
        (proof(iat="now"), MalformedError),
        (proof(iat=-1), MalformedError),
        (proof(iat=AT + 61), NotYetValidError),
        (proof(iat=AT - 361), ExpiredError),
        (proof(exp=AT - 60), ExpiredError),
        (proof(exp="never"), MalformedError),
        (proof(nbf=AT + 61), NotYetValidError),
        (proof() + "A", CredentialError),
        ("", MalformedError),
    ],
)
def test_I58_A09_A23_a_key_proof_with_one_thing_wrong_is_refused(raw, error):
    with pytest.raises(error):
        verify(raw)


@pytest.mark.parametrize("iat", [AT + 60, AT - 360])
def test_I58_A09_a_key_proof_holds_to_the_last_second(iat):
    assert verify(proof(iat=iat)).nonce == "Oba9Tyv6M2vwDDe-0Qiv2g"


def test_W10_I56_a_proof_without_a_nonce_is_for_issuers_that_give_none_and_refused_by_those_that_do():
    raw = create_key_proof(signer=HOLDER, audience=ISSUER, nonce=None, now=NOW)
    assert "nonce" not in parse_jwt(raw).payload
    with pytest.raises(MalformedError):
        verify_key_proof(raw, audience=ISSUER, algorithms=ES256, now=NOW)


def test_I58_an_algorithm_that_the_metadata_does_not_offer_is_refused():
    with pytest.raises(AlgorithmNotAllowedError):
        verify(proof(), algorithms=frozenset({"EdDSA"}))


def test_I58_a_diip_wallet_may_name_the_did_of_its_key_as_iss_when_access_is_anonymous():
    did = DID_URL.removesuffix("#0")
    assert verify(proof(header={"kid": DID_URL}, iss=did)).key_id == DID_URL
    with pytest.raises(AudienceError):
        verify(proof(header={"kid": DID_URL}, iss=did), client_id="wallet-7")
    with pytest.raises(AudienceError):
        verify(proof(iss=did))


def test_I58_A23_a_proof_made_for_another_client_is_refused_and_one_that_names_none_is_not():
    with pytest.raises(AudienceError):
        verify(proof(iss="wallet-8"), client_id="wallet-7")
    assert verify(proof(iss=...), client_id="wallet-7").holder_key == HOLDER.public_key


# Messages


def test_I27_a_token_request_with_a_pre_authorized_code_is_read():
    details = '[{"type":"openid_credential","credential_configuration_id":"badge"}]'
    form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": "code", "tx_code": "123456", "client_id": "w"}
    read = parse_token_request({**form, "authorization_details": details, "x": "y"})
    assert isinstance(read, PreAuthorizedTokenRequest)
    assert (read.pre_authorized_code, read.tx_code, read.client_id) == ("code", "123456", "w")
    assert read.authorization_details[0].credential_configuration_id == "badge"
    assert "123456" not in repr(read)
    assert read.as_form() == {**form, "authorization_details": details}
    bare = parse_token_request(form)
    assert isinstance(bare, PreAuthorizedTokenRequest)
    assert bare.authorization_details == ()
    assert bare.as_form() == form


@pytest.mark.parametrize(
    "changes",
    [
        {"grant_type": ...},
        {"pre-authorized_code": ...},
        {"pre-authorized_code": ""},
        {"tx_code": ""},
    ],
)
def test_I27_a_token_request_with_one_thing_missing_or_broken_is_malformed(changes):
    form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": "code", "tx_code": "1"}
    with pytest.raises(MalformedError):
        parse_token_request(without_absent({**form, **changes}))


@pytest.mark.parametrize("details", ["{", "{}", "[]", '[{"type":"other"}]', '[{"type":"openid_credential"}]'])
def test_I23_details_of_a_token_request_that_cannot_be_read_have_their_own_refusal(details):
    form = {"grant_type": PRE_AUTHORIZED, "pre-authorized_code": "code", "authorization_details": details}
    with pytest.raises(AuthorizationDetailsError):
        parse_token_request(form)


def token_response(**changes: Any) -> dict[str, Any]:
    return without_absent({"access_token": "sda5G2f", "token_type": "Bearer", "expires_in": 300, **changes})


def test_I29_a_token_response_is_read():
    granted = {
        "type": "openid_credential",
        "credential_configuration_id": "badge",
        "credential_identifiers": ["badge-1", "badge-2"],
        "claims": [{"path": ["achievement", None]}],
        "locations": [ISSUER],
    }
    read = parse_token_response(token_response(token_type="DPoP", authorization_details=[granted]))
    assert (read.access_token, read.token_type, read.expires_in) == ("sda5G2f", "DPoP", timedelta(seconds=300))
    [detail] = read.authorization_details
    assert detail.credential_identifiers == ("badge-1", "badge-2")
    assert (detail.claims, detail.locations) == ((("achievement", None),), (ISSUER,))
    assert "sda5G2f" not in repr(read)


def test_I29_a_token_response_without_details_is_good_for_what_was_offered():
    read = parse_token_response(token_response(token_type="bearer", expires_in=...))
    assert (read.token_type, read.expires_in, read.authorization_details) == ("Bearer", None, ())


DETAIL = {"type": "openid_credential", "credential_configuration_id": "badge", "credential_identifiers": ["b"]}


@pytest.mark.parametrize(
    "value",
    [
        None,
        token_response(access_token=...),
        token_response(access_token=""),
        token_response(token_type=...),
        token_response(token_type="mac"),
        token_response(expires_in="300"),
        token_response(expires_in=0),
        token_response(authorization_details=[]),
        token_response(authorization_details={}),
        token_response(authorization_details=[{**DETAIL, "type": "payment"}]),
        token_response(authorization_details=[{**DETAIL, "credential_identifiers": []}]),
        token_response(authorization_details=[{**DETAIL, "credential_identifiers": ["b", "b"]}]),
        token_response(authorization_details=[{**DETAIL, "credential_configuration_id": 1}]),
        token_response(authorization_details=[{**DETAIL, "claims": [{"path": []}]}]),
        token_response(authorization_details=[{**DETAIL, "locations": "here"}]),
        token_response(authorization_details=[{"type": "openid_credential", "credential_configuration_id": "badge"}]),
    ],
)
def test_I29_a_token_response_with_one_thing_missing_or_broken_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_token_response(value)


def test_I55_a_nonce_response_gives_the_nonce():
    assert parse_nonce_response({"c_nonce": "Oba9", "x": 1}) == "Oba9"


@pytest.mark.parametrize("value", [None, {}, {"c_nonce": ""}, {"c_nonce": 1}, []])
def test_I55_a_nonce_response_without_a_nonce_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_nonce_response(value)


def request(**changes: Any) -> dict[str, Any]:
    return without_absent({"credential_configuration_id": "badge", "proofs": {"jwt": ["a.b.c", "d.e.f"]}, **changes})


def test_I57_a_credential_request_is_read_and_written_back():
    read = parse_credential_request(request(x=1))
    assert read == CredentialRequest("badge", None, "jwt", ("a.b.c", "d.e.f"), None)
    assert read.as_json() == request()
    other = request(
        credential_configuration_id=...,
        credential_identifier="badge-1",
        proofs={"di_vp": [{"holder": "did:example:1"}]},
        credential_response_encryption={"enc": "A256GCM"},
    )
    assert parse_credential_request(other).as_json() == other


def test_I57_a_credential_request_without_proofs_is_a_shape_that_the_issuer_judges():
    read = parse_credential_request(request(proofs=...))
    assert (read.proof_type, read.proofs) == (None, ())
    assert read.as_json() == request(proofs=...)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        request(credential_configuration_id=...),
        request(credential_identifier="badge-1"),
        request(credential_configuration_id=""),
        request(credential_configuration_id=1),
        request(proofs=[]),
        request(proofs={}),
        request(proofs={"jwt": ["a.b.c"], "attestation": ["d.e.f"]}),
        request(proofs={"jwt": []}),
        request(proofs={"jwt": "a.b.c"}),
        request(proofs={"jwt": [1]}),
        request(proofs={"jwt": [""]}),
        request(proofs={"jwt": ["a.b.c"] * 101}),
        request(proofs={"di_vp": ["a.b.c"]}),
        request(proofs={"": ["a.b.c"]}),
        request(credential_response_encryption="A256GCM"),
    ],
)
def test_I57_A22_a_credential_request_with_one_thing_missing_or_broken_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_credential_request(value)


def test_I62_issued_credentials_are_read_and_written_unchanged():
    value = {"credentials": [{"credential": "a.b.c~d~"}, {"credential": {"@context": []}}], "notification_id": "n-1"}
    read = parse_credential_response(value)
    assert read == IssuedCredentials(("a.b.c~d~", {"@context": []}), "n-1")
    assert isinstance(read, IssuedCredentials)
    assert read.as_json() == value
    assert IssuedCredentials(("a.b.c~",)).as_json() == {"credentials": [{"credential": "a.b.c~"}]}
    assert "a.b.c" not in repr(read)


def test_I63_credentials_that_come_later_have_an_id_and_an_interval():
    read = parse_credential_response({"transaction_id": "t-1", "interval": 3600})
    assert read == DeferredIssuance("t-1", timedelta(hours=1))


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"credentials": []},
        {"credentials": ["a.b.c"]},
        {"credentials": [{}]},
        {"credentials": [{"credential": ""}]},
        {"credentials": [{"credential": 1}]},
        {"credentials": [{"credential": "a"}], "transaction_id": "t", "interval": 1},
        {"credentials": [{"credential": "a"}], "notification_id": 1},
        {"transaction_id": "t"},
        {"transaction_id": "", "interval": 1},
        {"transaction_id": "t", "interval": 0},
        {"transaction_id": "t", "interval": "1"},
    ],
)
def test_I62_I63_a_credential_response_with_one_thing_missing_or_broken_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_credential_response(value)


def test_I64_an_error_response_is_read_as_it_is():
    read = parse_error_response({"error": "invalid_nonce", "error_description": "c_nonce expired"})
    assert read == ErrorResponse("invalid_nonce", "c_nonce expired")
    assert read.error == openid4vci.INVALID_NONCE
    assert parse_error_response({"error": "x"}).error_description is None


@pytest.mark.parametrize("value", [None, {}, {"error": 1}, {"error": "x", "error_description": []}])
def test_I64_an_error_response_without_a_code_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_error_response(value)


@pytest.mark.parametrize("event", ["credential_accepted", "credential_failure", "credential_deleted"])
def test_I66_a_notification_is_read(event):
    value = {"notification_id": "n-1", "event": event, "event_description": "ok", "x": 1}
    assert parse_notification_request(value) == NotificationRequest("n-1", event, "ok")


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"event": "credential_accepted"},
        {"notification_id": "n"},
        {"notification_id": "n", "event": "credential_eaten"},
        {"notification_id": "n", "event": []},
        {"notification_id": "", "event": "credential_accepted"},
        {"notification_id": "n", "event": "credential_accepted", "event_description": 1},
    ],
)
def test_I66_a_notification_with_one_thing_missing_or_broken_is_malformed(value):
    with pytest.raises(MalformedError):
        parse_notification_request(value)


# Anything at all

TOTAL = [
    (parse_credential_offer, offer(grants={"authorization_code": {"issuer_state": "s"}, **grant()})),
    (lambda value: parse_issuer_metadata(value, credential_issuer=ISSUER), metadata()),
    (lambda value: parse_authorization_server_metadata(value, issuer=ISSUER), server()),
    (parse_authorization_details, [DETAIL]),
    (parse_token_response, token_response(authorization_details=[DETAIL])),
    (parse_nonce_response, {"c_nonce": "n"}),
    (parse_credential_request, request()),
    (parse_credential_response, {"credentials": [{"credential": "a"}], "notification_id": "n"}),
    (parse_error_response, {"error": "x", "error_description": "y"}),
    (parse_notification_request, {"notification_id": "n", "event": "credential_accepted"}),
]


@pytest.mark.parametrize("number", range(len(TOTAL)))
@given(data=st.data())
def test_A08_no_message_makes_a_parser_fail_otherwise_than_said(number, data):
    parse, valid = TOTAL[number]
    value = data.draw(json_values() | nearly(valid))
    with suppress(MalformedError, UntrustedIssuerError):
        parse(value)


@given(
    st.text(max_size=60)
    | st.sampled_from(["openid-credential-offer://?credential_offer=", "https://h.example?"]).flatmap(
        lambda head: st.text(max_size=40).map(lambda tail: head + tail)
    )
)
def test_A08_no_link_makes_reading_fail_otherwise_than_said(link):
    with suppress(MalformedError):
        parse_credential_offer_link(link)


@given(json_values() | nearly({"aud": ISSUER, "iat": AT, "nonce": "n", "iss": "w", "exp": AT}))
def test_A08_no_payload_makes_a_key_proof_fail_otherwise_than_said(value):
    payload = value if isinstance(value, dict) else {"nonce": value}
    try:
        raw = sign_jwt(payload, signer=HOLDER, typ="openid4vci-proof+jwt", header={"jwk": HOLDER.public_key.jwk})
    except UnicodeEncodeError:
        return
    try:
        assert verify(raw).holder_key == HOLDER.public_key
    except CredentialError:
        return


@given(json_values(6), st.sampled_from(["kid", "x5c", "typ", "jwk"]))
def test_A08_A02_no_header_makes_a_key_proof_fail_otherwise_than_said(value, name):
    try:
        raw = proof(header={name: value})
    except UnicodeEncodeError:
        return
    with pytest.raises(CredentialError):
        verify(raw)
