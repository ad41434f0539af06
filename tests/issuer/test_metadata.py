"""What the issuer publishes about itself."""

import base64
from collections.abc import Sequence
from typing import Any

import pytest

from issuer.configurations import verify_claims_descriptions
from kernel.did import did_web
from kernel.formats import parse_credential
from kernel.open_badges import CREDENTIALS_V2, OPEN_BADGES_3_0_3
from kernel.openid4vci import parse_authorization_server_metadata, parse_issuer_metadata, well_known_url
from kernel.type_metadata import parse_type_metadata
from tests.issuer.conftest import (
    CONFIGURATIONS,
    IDENTIFIER,
    LDP,
    LDP_SD,
    OPEN_BADGE_JWT,
    ORG,
    PUBLIC_URL,
    SD_JWT,
    SLUG,
    VC_JWT,
    VCDM,
    Issuer,
    achievement,
)

INSERTED = f"/.well-known/openid-credential-issuer/{ORG}"
APPENDED = f"/{ORG}/.well-known/openid-credential-issuer"


@pytest.mark.parametrize("path", [INSERTED, APPENDED])
async def test_I10_I11_metadata_stands_at_both_addresses_and_names_this_issuer(issuer: Issuer, path: str) -> None:
    response = await issuer.client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json()["credential_issuer"] == IDENTIFIER
    parse_issuer_metadata(response.json(), credential_issuer=IDENTIFIER)
    assert well_known_url(IDENTIFIER, "openid-credential-issuer") == PUBLIC_URL + INSERTED


async def test_I12_metadata_offers_what_there_is_and_nothing_else(issuer: Issuer) -> None:
    """Mirrors VCIIssuerMetadata."""
    metadata = (await issuer.client.get(INSERTED)).json()
    assert metadata.keys() == {
        "credential_issuer",
        "credential_endpoint",
        "nonce_endpoint",
        "notification_endpoint",
        "batch_credential_issuance",
        "credential_request_encryption",
        "credential_response_encryption",
        "deferred_credential_endpoint",
        "display",
        "credential_configurations_supported",
    }
    assert metadata["batch_credential_issuance"]["batch_size"] >= 2


async def test_I13_I14_I15_each_configuration_has_the_members_of_its_format(issuer: Issuer) -> None:
    configurations = (await issuer.client.get(INSERTED)).json()["credential_configurations_supported"]
    assert list(configurations) == CONFIGURATIONS
    assert configurations[SD_JWT]["vct"] == f"{PUBLIC_URL}/vct/skill-badge/1"
    assert "credential_definition" not in configurations[SD_JWT]
    for name in (VCDM, LDP, LDP_SD, VC_JWT, OPEN_BADGE_JWT):
        assert configurations[name]["credential_definition"] == {
            "@context": [CREDENTIALS_V2, OPEN_BADGES_3_0_3],
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
        }
        assert "vct" not in configurations[name]
    for configuration in configurations.values():
        assert configuration["scope"]
        assert "ES256" in configuration["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"]
        assert "did:jwk" in configuration["cryptographic_binding_methods_supported"]


@pytest.mark.parametrize(
    ("configuration", "format_id", "signing_value", "binding_methods"),
    [
        (SD_JWT, "dc+sd-jwt", "ES256", ["jwk", "did:jwk", "did:key"]),
        (VCDM, "vc+sd-jwt", "ES256", ["jwk", "did:jwk", "did:key"]),
        (LDP, "ldp_vc", "eddsa-rdfc-2022", ["did:jwk"]),
        (LDP_SD, "ldp_vc", "ecdsa-sd-2023", ["did:jwk"]),
        (VC_JWT, "vc+jwt", "ES256", ["did:jwk"]),
        (OPEN_BADGE_JWT, "vc+jwt", "ES256", ["did:jwk"]),
    ],
)
async def test_I13_each_configuration_says_how_it_is_signed_and_to_what_it_is_bound(
    issuer: Issuer, configuration: str, format_id: str, signing_value: str, binding_methods: list[str]
) -> None:
    """OpenID4VCI 1.0 A.1.2.2: for `ldp_vc` the name of the cryptosuite."""
    described = (await issuer.client.get(INSERTED)).json()["credential_configurations_supported"][configuration]
    assert described["format"] == format_id
    assert described["credential_signing_alg_values_supported"] == [signing_value]
    assert described["cryptographic_binding_methods_supported"] == binding_methods


async def test_I12_metadata_of_fifty_achievements_is_no_more_than_a_wallet_reads(issuer: Issuer) -> None:
    for number in range(49):
        assert (await issuer.add_achievement(slug=f"badge-{number}")).status_code == 201
    response = await issuer.client.get(INSERTED)
    assert len(response.json()["credential_configurations_supported"]) == 50 * len(CONFIGURATIONS)
    assert len(response.content) < 1024 * 1024


async def test_I16_displays_and_claims_contradict_nothing(issuer: Issuer) -> None:
    metadata = (await issuer.client.get(INSERTED)).json()
    for configuration in metadata["credential_configurations_supported"].values():
        details = configuration["credential_metadata"]
        locales = [display["locale"] for display in details["display"]]
        assert sorted(locales) == ["en", "nl-NL"]
        paths = [tuple(claim["path"]) for claim in details["claims"]]
        assert len(paths) == len(set(paths))


def described(*path: str | int | None, locales: Sequence[str] = ("nl-NL", "en")) -> dict[str, Any]:
    return {"path": list(path), "display": [{"name": "x", "locale": locale} for locale in locales]}


GOOD_CLAIMS = [described("achievement", "name"), described("achievement", "alignment", None), described("email")]


@pytest.mark.parametrize(
    "added",
    [
        described("email"),
        described("achievement", "alignment", 0),
        described("achievement", "alignment", "targetName"),
        described("achievement", 0),
        described(None),
        described("other", locales=("nl-NL", "nl-NL")),
    ],
)
def test_I16_claims_that_repeat_or_contradict_others_are_refused(added: dict[str, Any]) -> None:
    verify_claims_descriptions(GOOD_CLAIMS)
    with pytest.raises(ValueError, match=r"twice|below"):
        verify_claims_descriptions([*GOOD_CLAIMS, added])


@pytest.mark.parametrize(("asked", "language", "first"), [("nl", "nl", "nl-NL"), ("en-GB,nl;q=0.5", "en", "en")])
async def test_I17_the_asked_language_comes_first(issuer: Issuer, asked: str, language: str, first: str) -> None:
    response = await issuer.client.get(INSERTED, headers={"Accept-Language": asked})
    assert response.headers["content-language"] == language
    details = response.json()["credential_configurations_supported"][SD_JWT]["credential_metadata"]
    assert details["display"][0]["locale"] == first


async def test_I19_A48_the_picture_is_a_png_at_an_address_that_is_the_same_for_everybody(issuer: Issuer) -> None:
    metadata = (await issuer.client.get(INSERTED)).json()
    configurations = metadata["credential_configurations_supported"].values()
    displays = [display for each in configurations for display in each["credential_metadata"]["display"]]
    [address] = {display["logo"]["uri"] for display in displays}
    response = await issuer.client.get(address)
    assert (response.status_code, response.headers["content-type"]) == (200, "image/png")


async def test_I19_the_picture_is_a_png_also_where_the_art_is_a_drawing(issuer: Issuer) -> None:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
    image = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    assert (await issuer.add_achievement(slug="getekend", image=image)).status_code == 201
    configurations = (await issuer.client.get(INSERTED)).json()["credential_configurations_supported"]
    displays = [each["credential_metadata"]["display"] for each in configurations.values()]
    for address in {display["logo"]["uri"] for each in displays for display in each}:
        response = await issuer.client.get(address)
        assert (response.status_code, response.headers["content-type"]) == (200, "image/png")
        assert response.content.startswith(b"\x89PNG")
        assert response.headers["content-security-policy"] == "default-src 'none'"


async def test_I20_I26_the_authorization_server_wants_requests_pushed_and_challenged(issuer: Issuer) -> None:
    response = await issuer.client.get(f"/.well-known/oauth-authorization-server/{ORG}")
    metadata = parse_authorization_server_metadata(response.json(), issuer=IDENTIFIER)
    assert metadata.token_endpoint == f"{IDENTIFIER}/token"
    assert response.json()["pre-authorized_grant_anonymous_access_supported"] is True
    members = response.json()
    assert members["authorization_endpoint"] == f"{IDENTIFIER}/authorize"
    assert members["pushed_authorization_request_endpoint"] == f"{IDENTIFIER}/par"
    assert members["require_pushed_authorization_requests"] is True
    assert members["authorization_response_iss_parameter_supported"] is True
    assert members["code_challenge_methods_supported"] == ["S256"]
    # Where this is left out, it means query and fragment. RFC 8414 §2.
    assert members["response_modes_supported"] == ["query"]
    assert "authorization_code" in members["grant_types_supported"]
    assert (await issuer.client.get(f"/{ORG}/.well-known/oauth-authorization-server")).json() == response.json()


def empty_arrays(document: Any, path: str = "") -> list[str]:
    """Where in a document there is an array of nothing."""
    members = document.items() if isinstance(document, dict) else enumerate(document)
    deeper = [(f"{path}/{name}", member) for name, member in members if isinstance(member, dict | list)]
    return [name for name, member in deeper if member == []] + [
        found for name, member in deeper for found in empty_arrays(member, name)
    ]


async def test_I20_what_there_is_none_of_is_left_out_and_no_empty_array(issuer: Issuer) -> None:
    """RFC 8414 §3.2: claims with zero elements MUST be omitted from the response."""
    await issuer.add_organisation("nieuw")
    names = ("openid-credential-issuer", "oauth-authorization-server", "jwt-vc-issuer")
    for org in ("nieuw", ORG):
        documents = {name: (await issuer.client.get(f"/.well-known/{name}/{org}")).json() for name in names}
        assert {name: empty_arrays(document) for name, document in documents.items()} == {name: [] for name in names}
        assert ("scopes_supported" in documents["oauth-authorization-server"]) == (org == ORG)


async def test_K21_K23_credentials_are_signed_with_a_key_of_the_did_document(issuer: Issuer) -> None:
    [raw] = await issuer.fetch()
    credential = await issuer.verify(raw)
    assert credential.issuer == did_web(IDENTIFIER)
    assert str(credential.key_id).startswith(f"{did_web(IDENTIFIER)}#")


async def test_K25_the_same_keys_stand_in_the_jwt_vc_issuer_metadata(issuer: Issuer) -> None:
    answer = (await issuer.client.get(f"/.well-known/jwt-vc-issuer/{ORG}")).json()
    document = (await issuer.client.get(f"/{ORG}/did.json")).json()
    assert answer["issuer"] == IDENTIFIER
    published = {key["x"] for key in answer["jwks"]["keys"]}
    assert published == {
        method["publicKeyJwk"]["x"] for method in document["verificationMethod"] if method["type"] == "JsonWebKey"
    }


async def test_K49_K50_the_type_is_served_byte_for_byte_as_credentials_name_it(issuer: Issuer) -> None:
    [raw] = await issuer.fetch()
    payload = parse_credential(raw).payload
    response = await issuer.client.get(payload["vct"])
    assert response.headers["content-type"] == "application/json"
    parse_type_metadata(response.content, vct=payload["vct"], integrity=payload["vct#integrity"])


async def test_I81_organisations_share_neither_identifier_nor_key_nor_list(issuer: Issuer) -> None:
    other = await issuer.add_organisation("ander")
    await issuer.add_achievement("ander")
    mine = (await issuer.client.get(f"/{ORG}/did.json")).json()
    theirs = (await issuer.client.get("/ander/did.json")).json()
    assert mine["id"] != theirs["id"] == other["did"]
    keys = [document["verificationMethod"][0]["publicKeyJwk"]["x"] for document in (mine, theirs)]
    assert keys[0] != keys[1]
    assert (await issuer.client.get("/ander/status")).json() == {"status_lists": [f"{PUBLIC_URL}/ander/status/1"]}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", INSERTED), ("GET", f"/{ORG}/did.json"), ("POST", f"/{ORG}/token"), ("POST", f"/{ORG}/nonce")],
)
async def test_an_unknown_organisation_is_not_found(issuer: Issuer, method: str, path: str) -> None:
    content = {"data": {"grant_type": "x"}} if path.endswith("token") else {}
    assert (await issuer.client.request(method, path.replace(ORG, "onbekend"), **content)).status_code == 404


async def test_editing_makes_a_version_and_an_award_keeps_its_own(issuer: Issuer) -> None:
    award = await issuer.award()
    changed = achievement(name={"nl": "Senior adviseur"}, skills=achievement()["skills"][:2])
    response = await issuer.api(
        "PUT", f"/organisations/{ORG}/achievements/{SLUG}", json=changed, headers={"If-Match": '"1"'}
    )
    assert response.json()["version"] == 2
    [raw] = await issuer.fetch(award)
    claims = (await issuer.verify(raw)).claims
    assert claims["achievement"]["version"] == "1"
    assert len(claims["achievement"]["alignment"]) == 4
    [raw] = await issuer.fetch()
    claims = (await issuer.verify(raw)).claims
    assert (claims["achievement"]["version"], claims["achievement"]["name"]) == ("2", "Senior adviseur")


async def test_rotating_the_key_keeps_old_badges_verifiable_until_it_is_withdrawn(issuer: Issuer) -> None:
    [old] = await issuer.fetch()
    first = (await issuer.signing_kid(old)).partition("#")[2]
    refused = await issuer.api("DELETE", f"/organisations/{ORG}/signing-keys/{first}")
    assert refused.status_code == 409
    rotated = await issuer.api("POST", f"/organisations/{ORG}/signing-keys")
    [new] = await issuer.fetch()
    assert await issuer.signing_kid(new) == rotated.json()["kid"] != await issuer.signing_kid(old)
    await issuer.verify(old)
    assert (await issuer.api("DELETE", f"/organisations/{ORG}/signing-keys/{first}")).status_code == 204
    kids = [method["id"] for method in (await issuer.client.get(f"/{ORG}/did.json")).json()["verificationMethod"]]
    assert kids[:2] == [rotated.json()["kid"], f"{did_web(IDENTIFIER)}#ed25519-2026-1"]
    # The one that signs twice more, in the two other forms; the withdrawn one not at all.
    assert [await issuer.issuer_key(kid) for kid in kids[2:]] == [await issuer.issuer_key(kids[0])] * 2
