"""Published examples of OpenID4VCI 1.0 and OpenID4VP 1.0, and the worked examples of the profile, end to end.

Files are read from ../shared/vectors as their publishers ship them; some of those are JSON with elisions or line
breaks for print, which are put right here first, and some show forms that are refused on purpose.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kernel.dcql import Candidate, match, parse_dcql_query, verify_answer, verify_own_query
from kernel.errors import MalformedError, QueryNotSatisfiedError
from kernel.formats import FORMATS, parse_credential
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner, parse_public_jwk
from kernel.openid4vci import (
    IssuedCredentials,
    parse_authorization_details,
    parse_authorization_server_metadata,
    parse_credential_offer,
    parse_credential_request,
    parse_credential_response,
    parse_issuer_metadata,
)
from kernel.openid4vp import (
    EncryptedResponse,
    VpTokenResponse,
    decrypt_response,
    parse_client_metadata,
    parse_vp_token,
    verify_request_object,
)
from kernel.sd_jwt import present

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
OPENID4VCI = VECTORS / "openid4vci" / "1.0" / "examples"
OPENID4VP = VECTORS / "openid4vp" / "1.0" / "examples"
EXAMPLE_ISSUER = "https://credential-issuer.example.com"
ES256 = frozenset({"ES256"})


def text_of(path: Path) -> str:
    if not path.exists():
        pytest.skip(f"../shared/vectors/{path.relative_to(VECTORS)} is not there")
    return path.read_text()


def json_of(path: Path) -> Any:
    """The JSON of an example, without HTTP head and without the line breaks inside its texts."""
    text = text_of(path)
    text = text[min(found for found in (text.find("{"), text.find("[")) if found >= 0) :]
    unwrapped = re.sub(r'"[^"]*"', lambda found: re.sub(r"\n\s*", "", found[0]), text)
    return json.loads(unwrapped)


# OpenID4VCI 1.0


@pytest.mark.parametrize(
    "name",
    [
        "credential_offer_authz_code.txt",
        "credential_offer_by_reference.json",
        "credential_offer_multiple_credentials.json",
        "credential_offer_pre-authz_code.json",
    ],
)
def test_I02_published_offers_are_read(name):
    value = json_of(OPENID4VCI / name)
    read = parse_credential_offer(value)
    assert (read.credential_issuer, list(read.credential_configuration_ids)) == (
        EXAMPLE_ISSUER,
        value["credential_configuration_ids"],
    )
    written = read.as_json()["grants"]
    for kind, grant in value["grants"].items():
        for member, content in grant.items():
            assert written[kind][member] == (content | {"input_mode": "numeric"} if member == "tx_code" else content)


def test_I12_published_issuer_metadata_is_read():
    value = json_of(OPENID4VCI / "credential_issuer_metadata_sd_jwt_long.json")
    read = parse_issuer_metadata(value, credential_issuer=EXAMPLE_ISSUER)
    assert (read.batch_size, read.authorization_servers) == (10, ("https://server.example.com",))
    found = read.get_configuration("SD_JWT_VC_example_in_OpenID4VCI")
    assert (found.vct, found.binding_methods) == ("SD_JWT_VC_example_in_OpenID4VCI", {"jwk"})
    assert found.proof_types["jwt"].key_attestations_required == {
        "key_storage": ["iso_18045_moderate"],
        "user_authentication": ["iso_18045_moderate"],
    }


def test_I18_the_payload_of_published_signed_metadata_is_metadata():
    raw = re.sub(r"\s", "", text_of(OPENID4VCI / "credential_issuer_metadata_sd_jwt_jwt.txt"))
    read = parse_issuer_metadata(parse_jwt(raw).payload, credential_issuer=EXAMPLE_ISSUER)
    assert read.credential_endpoint == f"{EXAMPLE_ISSUER}/credential"


@pytest.mark.parametrize(
    ("name", "configuration_id", "credential_format"),
    [
        ("credential_metadata_jwt_vc_json.json", "UniversityDegreeCredential", "jwt_vc_json"),
        ("credential_metadata_ldp_vc.json", "UniversityDegree_LDP_VC", "ldp_vc"),
        ("credential_metadata_mso_mdoc.json", "org.iso.18013.5.1.mDL", "mso_mdoc"),
        ("credential_metadata_sd_jwt_vc.json", "SD_JWT_VC_example_in_OpenID4VCI", "dc+sd-jwt"),
    ],
)
def test_I13_published_configurations_of_every_format_are_read(name, configuration_id, credential_format):
    value = {
        "credential_issuer": EXAMPLE_ISSUER,
        "credential_endpoint": f"{EXAMPLE_ISSUER}/credential",
        **json_of(OPENID4VCI / name),
    }
    found = parse_issuer_metadata(value, credential_issuer=EXAMPLE_ISSUER).get_configuration(configuration_id)
    published = value["credential_configurations_supported"][configuration_id]["credential_metadata"]
    assert found.format == credential_format
    assert [claim.path for claim in found.claims] == [tuple(claim["path"]) for claim in published["claims"]]
    assert [shown.name for shown in found.display] == [shown["name"] for shown in published["display"]]


@pytest.mark.parametrize(
    "name",
    [
        "authorization_details.json",
        "authorization_details_jwt_vc_json.json",
        "authorization_details_ldp_vc.json",
        "authorization_details_mso_doc.json",
        "authorization_details_multiple_credentials.json",
        "authorization_details_sd_jwt_vc.json",
        "authorization_details_with_as.json",
    ],
)
def test_I23_published_authorization_details_are_read(name):
    value = json_of(OPENID4VCI / name)
    read = parse_authorization_details(value)
    assert [detail.credential_configuration_id for detail in read] == [
        detail["credential_configuration_id"] for detail in value
    ]
    assert [list(detail.locations) for detail in read] == [detail.get("locations", []) for detail in value]


@pytest.mark.parametrize(
    "name",
    [
        "credential_response_jwt_vc_json.txt",
        "credential_response_ldp_vc.txt",
        "credential_response_mso_mdoc.txt",
        "credential_response_sd_jwt_vc.txt",
    ],
)
def test_I62_published_credential_responses_are_read_unchanged(name):
    value = json_of(OPENID4VCI / name)
    read = parse_credential_response(value)
    assert isinstance(read, IssuedCredentials)
    assert read.as_json() == value


def test_I57_a_published_request_of_an_earlier_draft_is_refused():
    """It names a format instead of a configuration, as drafts did."""
    with pytest.raises(MalformedError):
        parse_credential_request(json_of(OPENID4VCI / "credential_request_iso_mdl.json"))


def test_W05_W04_the_worked_metadata_of_the_profile_is_read(profile_vectors):
    value = profile_vectors["issuer_metadata"]
    read = parse_issuer_metadata(value, credential_issuer=value["credential_issuer"])
    assert {found.format for found in read.credential_configurations.values()} == {
        "dc+sd-jwt",
        "vc+sd-jwt",
        "ldp_vc",
    }
    server = parse_authorization_server_metadata(profile_vectors["as_metadata"], issuer=value["credential_issuer"])
    assert server.token_endpoint == f"{value['credential_issuer']}/token"


# OpenID4VP 1.0

QUERIES = [
    "query_lang/claims_alternatives.json",
    "query_lang/complex_mdoc.json",
    "query_lang/credentials_alternatives.json",
    "query_lang/multi_credentials.json",
    "query_lang/simple.json",
    "query_lang/simple_mdoc.json",
    "query_lang/value_matching_simple.json",
    "request/dcql_jwt_vc.json",
    "request/dcql_ldp_vc.json",
]


@pytest.mark.parametrize("name", QUERIES)
def test_K91_published_queries_are_read_and_are_fit_to_be_sent(name):
    value = json_of(OPENID4VP / name)
    read = parse_dcql_query(value)
    verify_own_query(read)
    assert [asked.id for asked in read.credentials] == [asked["id"] for asked in value["credentials"]]
    assert [claim.path for asked in read.credentials for claim in asked.claims] == [
        tuple(claim["path"]) for asked in value["credentials"] for claim in asked["claims"]
    ]


PERSON = {
    "family_name": "Doe",
    "given_name": "John",
    "address": {"street_address": "42 Market Street", "locality": "Milliways"},
    "postal_code": "90210",
    "locality": "Milliways",
    "date_of_birth": "1952-03-11",
}


def held(credential_id: str, vct: str, claims: dict[str, Any]) -> Candidate:
    return Candidate(
        id=credential_id,
        format="dc+sd-jwt",
        types=frozenset({vct}),
        claims=claims,
        disclosable=frozenset((name,) for name in claims) | {("address", "street_address")},
    )


IDENTITY = "https://credentials.example.com/identity_credential"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("simple", {"family_name", "given_name", "address", ("address", "street_address")}),
        (
            "value_matching_simple",
            {"family_name", "given_name", "address", ("address", "street_address"), "postal_code"},
        ),
        ("claims_alternatives", {"family_name", "postal_code", "date_of_birth"}),
    ],
)
def test_K95_published_queries_open_what_they_say_of_a_published_person(name, shown):
    query = parse_dcql_query(json_of(OPENID4VP / "query_lang" / f"{name}.json"))
    [answer] = match(query, [held("c", IDENTITY, PERSON)]).first_choice().values()
    assert answer.opened == {path if isinstance(path, tuple) else (path,) for path in shown}


def test_K94_the_published_value_query_is_not_answered_by_another_value():
    query = parse_dcql_query(json_of(OPENID4VP / "query_lang" / "value_matching_simple.json"))
    assert not match(query, [held("c", IDENTITY, {**PERSON, "postal_code": "90212"})]).satisfiable


def test_K96_the_published_alternatives_are_answered_by_the_first_that_is_held():
    query = parse_dcql_query(json_of(OPENID4VP / "query_lang" / "credentials_alternatives.json"))
    reduced = held("r1", "https://credentials.example.com/reduced_identity_credential", PERSON)
    residence = held("r2", "https://cred.example/residence_credential", {**PERSON, "region": "Betelgeuse"})
    rewards = held("n", "https://company.example/company_rewards", {"rewards_number": "1"})
    found = match(query, [reduced, residence, rewards])
    assert found.first_choice().keys() == {"pid_reduced_cred_1", "pid_reduced_cred_2"}
    assert found.sets[1].options == (("nice_to_have",),)
    assert match(query, [reduced, residence, held("p", IDENTITY, PERSON)]).first_choice().keys() == {"pid"}
    assert not match(query, [reduced, rewards]).satisfiable


@pytest.mark.parametrize(
    ("name", "formats"),
    [
        ("mso_mdoc_verifier_metadata.json", {"mso_mdoc"}),
        ("sd_jwt_vc_verifier_metadata.json", {"dc+sd-jwt"}),
        ("w3c_jwt_verifier_metadata.json", {"jwt_vc_json"}),
        ("w3c_ldp_verifier_metadata.json", {"ldp_vc"}),
    ],
)
def test_V05_published_client_metadata_is_read(name, formats):
    assert parse_client_metadata(json_of(OPENID4VP / "client_metadata" / name)).vp_formats.keys() == formats


@pytest.mark.parametrize(
    "name",
    [
        "request/request_object_client_id_did.json",
        "digital_credentials_api/signed_request_payload.json",
        "digital_credentials_api/signed_request_payload_compact.json",
    ],
)
def test_W45_published_requests_for_response_modes_that_are_not_supported_are_refused(name):
    """One answers by redirect, two over the Digital Credentials API; here answers are posted only."""
    question = '{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{}}]}'
    text = re.sub(r"\{\s*\.\.\.\s*\}", question, text_of(OPENID4VP / name))
    signer = SoftwareSigner.generate()
    client_id = "decentralized_identifier:did:example:123"
    payload = {**json.loads(text), "client_id": client_id, "aud": "https://self-issued.me/v2"}
    raw = sign_jwt(payload, signer=signer, typ="oauth-authz-req+jwt", header={"kid": "did:example:123#1"})
    with pytest.raises(MalformedError):
        verify_request_object(
            raw, client_id=client_id, key=signer.public_key, now=datetime(2026, 5, 28, tzinfo=UTC), wallet_nonce=None
        )


# OpenID4VP 1.0 §8.3: the key that is published with the example message.
PUBLISHED_KEY = {
    "kty": "EC",
    "kid": "ac",
    "use": "enc",
    "crv": "P-256",
    "alg": "ECDH-ES",
    "x": "YO4epjifD-KWeq1sL2tNmm36BhXnkJ0He-WqMYrp9Fk",
    "y": "Hekpm0zfK7C-YccH5iBjcIXgf6YdUvNUac_0At55Okk",
    "d": "Et-3ce0omz8_TuZ96Df9lp0GAaaDoUnDe6X-CRO7Aww",
}
PUBLISHED_RESPONSE = (
    "eyJhbGciOiJFQ0RILUVTIiwiZW5jIjoiQTEyOEdDTSIsImtpZCI6ImFjIiwiZXBrIjp7Imt"
    "0eSI6IkVDIiwieCI6Im5ubVZwbTNWM2piaGNhZlFhUkJrU1ZOSGx3Wkh3dC05ck9wSnVmeVlJdWsiLCJ5I"
    "joicjRmakRxd0p5czlxVU9QLV9iM21SNVNaRy0tQ3dPMm1pYzVWU05UWU45ZyIsImNydiI6IlAtMjU2In1"
    "9..uAYcHRUSSn2X0WPX.yVzlGSYG4qbg0bq18JcUiDRw56yVnbKR8E7S7YlEtzT00RqE3Pw5oTpUG3hdLN"
    "4taHZ9gC1kwak8JOnJgQ.1wR024_3-qtAlx1oFIUpQQ"
)


def test_V24_the_published_encrypted_response_is_opened_and_read():
    opened = decrypt_response(EncryptedResponse(PUBLISHED_RESPONSE), private_jwk=PUBLISHED_KEY)
    assert isinstance(opened, VpTokenResponse)
    query = parse_dcql_query({"credentials": [{"id": "example_credential_id", "format": "dc+sd-jwt", "meta": {}}]})
    assert parse_vp_token(opened.vp_token, query) == {"example_credential_id": ["eyJhb...YMetA"]}


# The worked examples of the profile, from held credential to satisfied question

ESCO_SKILL = "http://data.europa.eu/esco/skill/03b9b491-fc9b-4868-914a-bf7cd47b5041"
NOW = datetime.fromtimestamp(1795262420, UTC)
AUDIENCE = "decentralized_identifier:did:web:verifier.skills.example"
NONCE = "05qs59_3aPcGLRPgSOPWaQ"


def test_K98_K99_the_worked_question_is_answered_with_the_one_skill_and_nothing_else(profile_vectors):
    raw = profile_vectors["sdjwtvc"]["issued"]
    issuer_key = parse_public_jwk(profile_vectors["sdjwtvc"]["issuer_jwk"])
    badge = FORMATS["dc+sd-jwt"]
    credential = badge.verify(parse_credential(raw), key=issuer_key, algorithms=ES256, now=NOW)
    query = parse_dcql_query(profile_vectors["dcql_basic"])
    disclosable = badge.disclosable_paths(raw)
    candidate = Candidate(
        id="held",
        format=credential.format,
        types=credential.types,
        claims=credential.claims,
        disclosable=disclosable.keys(),
    )
    answer = match(query, [candidate]).first_choice()["badge"]
    assert answer.opened == {("achievement", "alignment", 0)}
    shown = badge.verify(
        parse_credential(present(raw, disclose=answer.disclose)), key=issuer_key, algorithms=ES256, now=NOW
    )
    assert [alignment["targetUrl"] for alignment in shown.claims["achievement"]["alignment"]] == [ESCO_SKILL]
    assert {"given_name", "family_name", "email", "birthdate", "evidence", "result", "id"}.isdisjoint(shown.claims)
    verify_answer(query, {"badge": [shown]})
    nothing = badge.verify(parse_credential(present(raw, disclose=())), key=issuer_key, algorithms=ES256, now=NOW)
    with pytest.raises(QueryNotSatisfiedError):
        verify_answer(query, {"badge": [nothing]})


def test_V24_K99_the_worked_presentation_answers_the_worked_question(profile_vectors):
    presentation = FORMATS["dc+sd-jwt"].verify_presentation(
        profile_vectors["presentation_sdjwt"]["sd_jwt_kb"],
        key=parse_public_jwk(profile_vectors["sdjwtvc"]["issuer_jwk"]),
        algorithms=ES256,
        audience=AUDIENCE,
        nonce=NONCE,
        now=NOW,
    )
    verify_answer(parse_dcql_query(profile_vectors["dcql_basic"]), {"badge": [presentation.credential]})


def test_K93_K96_the_worked_alternatives_are_answered_by_the_w3c_form_of_the_badge(profile_vectors):
    raw = profile_vectors["vcsdjwt"]["issued"]
    issuer_key = parse_public_jwk(profile_vectors["sdjwtvc"]["issuer_jwk"])
    credential = FORMATS["vc+sd-jwt"].verify(parse_credential(raw), key=issuer_key, algorithms=ES256, now=NOW)
    query = parse_dcql_query(profile_vectors["dcql_advanced"])
    candidate = Candidate(
        id="held",
        format=credential.format,
        types=credential.types,
        claims=credential.claims,
        disclosable=FORMATS["vc+sd-jwt"].disclosable_paths(raw).keys(),
    )
    found = match(query, [candidate])
    assert [wanted.options for wanted in found.sets] == [(("badge_w3",),), ()]
    [(query_id, answer)] = found.first_choice().items()
    assert (query_id, answer.opened) == ("badge_w3", frozenset())
    verify_answer(query, {"badge_w3": [credential]})
