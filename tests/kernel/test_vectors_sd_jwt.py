"""Published SD-JWTs, and the worked examples of the profile: every signature holds, every digest is the same."""

import json
from base64 import b64decode
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.x509 import load_pem_x509_certificate

from kernel.errors import CredentialError
from kernel.formats import FORMATS, parse_credential, verify_validity
from kernel.jwt import sign_jwt, verify_jwt
from kernel.keys import PublicKey, SoftwareSigner, parse_public_jwk
from kernel.open_badges import badge_view
from kernel.sd_jwt import (
    conceal,
    disclosable_paths,
    parse_disclosure,
    parse_sd_jwt,
    present,
    reveal,
    verify_key_binding_jwt,
)
from kernel.type_metadata import create_integrity, find_claim, parse_type_metadata
from kernel.x5c import verify_x5c
from tests.support.sd_jwt_examples import SHARED, VECTORS, Example, load_examples, needs_vectors

ES256 = frozenset({"ES256"})
NONE = frozenset[str]()
# Of the settings.yml that all published examples share.
PUBLISHED_ISSUER = {
    "kty": "EC",
    "crv": "P-256",
    "x": "b28d4MwZMjw8-00CG4xfnn9SLMVMM19SlqZpVb_uNtQ",
    "y": "Xv5zWwuoaTgdS6hV43yI6gBwTnjukmFQQnJ_kCxzqk8",
}
PUBLISHED_HOLDER = {
    "kty": "EC",
    "crv": "P-256",
    "x": "TCAER19Zvu3OHF4j4W4vfSVoHIP1ILilDls7vCeGemc",
    "y": "ZxjiWWbZMQGHVWKVQ4hbSIirsVfuecCE6t4jT9F2HZQ",
}


# RFC 9901, its examples described in YAML


@needs_vectors
def test_all_published_examples_are_here() -> None:
    assert len(load_examples()) == 15


@needs_vectors
@pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.name)
def test_K31_K32_K35_example_of_rfc_9901_is_concealed_presented_and_revealed(example: Example) -> None:
    """RFC 9901 §5, §6, Appendix A: flat, structured, recursive, arrays, decoys."""
    signer = SoftwareSigner.generate()
    payload, disclosures = conceal(
        example.claims, disclosable=sorted(example.hidden, key=str), decoys=3 if example.add_decoys else 0
    )
    token = sign_jwt(payload, signer=signer, typ="example+sd-jwt")
    raw = "~".join([token, *disclosures, ""])
    assert set(disclosable_paths(raw)) == example.hidden
    assert len(disclosures) == len(example.hidden)
    full = parse_sd_jwt(raw)
    assert reveal(full.issuer_jwt.payload, full.disclosures, protected=NONE) == example.claims
    shown = parse_sd_jwt(present(raw, disclose=example.shown))
    verify_jwt(shown.issuer_jwt, key=signer.public_key, typ="example+sd-jwt", algorithms=ES256)
    assert reveal(shown.issuer_jwt.payload, shown.disclosures, protected=NONE) == example.result


# OpenID4VP 1.0, an SD-JWT that is published with all its signatures


@pytest.fixture
def published() -> dict[str, Any]:
    folder = VECTORS / "openid4vp" / "1.0" / "examples" / "sd_jwt_vcld" / "01"
    if not folder.is_dir():
        pytest.skip("../shared/vectors is not there")
    texts = {path.stem: "".join(path.read_text("ascii").split()) for path in folder.glob("*.txt")}
    return {**texts, **{path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}}


def test_K30_published_sd_jwt_of_openid4vp_verifies_and_reveals_its_claims(published: dict[str, Any]) -> None:
    sd_jwt = parse_sd_jwt(published["sd_jwt_issuance"])
    verify_jwt(sd_jwt.issuer_jwt, key=parse_public_jwk(PUBLISHED_ISSUER), typ="dc+sd-jwt", algorithms=ES256)
    assert sd_jwt.issuer_jwt.payload == published["sd_jwt_payload"]
    claims = reveal(sd_jwt.issuer_jwt.payload, sd_jwt.disclosures, protected=NONE)
    assert claims["ld"] == published["user_claims"]["ld"]


def test_K31_published_disclosures_have_the_published_digests(published: dict[str, Any]) -> None:
    digests = {
        disclosure.name: disclosure.digest for disclosure in parse_sd_jwt(published["sd_jwt_issuance"]).disclosures
    }
    assert digests == {
        "givenName": "NTDVsbVAwS9AnUVq-_YG_wv0yGD0bv2JstX-AmvN65I",
        "familyName": "6BJdQrO24ejTTMsFI-wGiJJmGrbseWc5IwCCp4NAJ0k",
        "birthDate": "ts0pyPntLjD0_NcgNOI3hd_2WjbZw21p2LfqhOC0b-U",
    }


def test_K36_published_presentation_of_openid4vp_verifies_and_is_what_we_choose(
    published: dict[str, Any],
) -> None:
    sd_jwt = parse_sd_jwt(published["sd_jwt_presentation"])
    claims = reveal(sd_jwt.issuer_jwt.payload, sd_jwt.disclosures, protected=NONE)
    assert claims == published["verified_contents"]
    payload = published["kb_jwt_payload"]
    verify_key_binding_jwt(
        sd_jwt,
        key=parse_public_jwk(PUBLISHED_HOLDER),
        audience=payload["aud"],
        nonce=payload["nonce"],
        now=datetime.fromtimestamp(payload["iat"], UTC),
        algorithms=ES256,
    )
    ours = present(published["sd_jwt_issuance"], disclose=[("ld", "credentialSubject", "givenName")])
    assert ours == sd_jwt.presented


def test_K46_published_sd_jwt_vcld_verifies_as_sd_jwt_vc(published: dict[str, Any]) -> None:
    """SD-JWT VCLD (OpenID4VP B.3.7) is an SD-JWT VC with a claim `ld`; its published key has no `kid`."""
    payload = published["kb_jwt_payload"]
    shown = FORMATS["dc+sd-jwt"].verify_presentation(
        published["sd_jwt_presentation"],
        key=parse_public_jwk(PUBLISHED_ISSUER),
        algorithms=ES256,
        audience=payload["aud"],
        nonce=payload["nonce"],
        now=datetime.fromtimestamp(payload["iat"], UTC),
    )
    assert shown.credential.types == {"https://credentials.example.com/example_credential"}


# The worked examples of the profile: 14, 18, 19


@pytest.fixture(scope="module")
def profile() -> dict[str, Any]:
    path = SHARED / "design" / "profile_vectors.json"
    if not path.is_file():
        pytest.skip("../shared/design/profile_vectors.json is not there")
    vectors: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return vectors


@pytest.fixture
def issuer_key(profile: dict[str, Any]) -> PublicKey:
    return parse_public_jwk(profile["did_document"]["verificationMethod"][0]["publicKeyJwk"])


PROFILE_NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "format_id"), [("sdjwtvc", "dc+sd-jwt"), ("sdjwtvc_haip", "dc+sd-jwt"), ("vcsdjwt", "vc+sd-jwt")]
)
def test_K45_K66_worked_example_verifies(
    profile: dict[str, Any], issuer_key: PublicKey, name: str, format_id: str
) -> None:
    credential = parse_credential(profile[name]["issued"])
    assert credential.format == format_id
    assert credential.payload == profile[name]["payload"]
    verified = FORMATS[format_id].verify(credential, key=issuer_key, algorithms=ES256, now=PROFILE_NOW)
    assert verified.holder_key == parse_public_jwk(profile["key_proof"]["holder_jwk"])
    assert verified.expires_at == datetime(2031, 11, 21, 12, 0, tzinfo=UTC)
    view = badge_view(verified.claims, format_id)
    assert (view.name, view.issuer_name) == ("Problemen oplossen in de praktijk", "Hogeschool Voorbeeld")
    assert [skill.framework for skill in view.skills] == ["ESCO", "CompetentNL"]
    assert [stated.framework for stated in view.statements] == ["EQF", "NLQF", "ECTS"]


def test_K31_digests_of_worked_example_are_recomputed(profile: dict[str, Any]) -> None:
    listed = profile["sdjwtvc"]["disclosures"]
    assert len(listed) >= 5
    assert [parse_disclosure(entry["disclosure"]).digest for entry in listed] == [entry["digest"] for entry in listed]
    assert [entry["disclosure"] for entry in listed] == profile["sdjwtvc"]["issued"].split("~")[1:-1]


def test_K26_haip_example_is_signed_by_the_key_of_its_certificate(profile: dict[str, Any]) -> None:
    credential = parse_credential(profile["sdjwtvc_haip"]["issued"])
    assert (credential.key_id, credential.unverified_issuer) == (None, "https://issuer.skills.example/hogeschool")
    anchor = load_pem_x509_certificate(profile["sdjwtvc_haip"]["ca_pem"].encode("ascii"))
    chain = verify_x5c(credential.x5c, anchors=[anchor], now=PROFILE_NOW)
    FORMATS["dc+sd-jwt"].verify(credential, key=chain.leaf_key, algorithms=ES256, now=PROFILE_NOW)


def test_K50_type_metadata_of_worked_example_has_the_hash_that_the_credential_names(profile: dict[str, Any]) -> None:
    document = b64decode(profile["sdjwtvc"]["type_metadata_bytes_b64"])
    payload = profile["sdjwtvc"]["payload"]
    assert create_integrity(document) == payload["vct#integrity"]
    metadata = parse_type_metadata(document, vct=payload["vct"], integrity=payload["vct#integrity"])
    assert metadata.name == "Skill badge"
    claim = find_claim([metadata], ("achievement", "alignment", 3))
    assert claim is not None
    assert (claim.sd, claim.labels[0].label) == ("always", "Vaardigheid")


def test_K36_worked_presentation_verifies(profile: dict[str, Any], issuer_key: PublicKey) -> None:
    """Example 14: one skill, and no identity."""
    request = profile["request_diip"]["payload"]
    expectations: dict[str, Any] = {
        "key": issuer_key,
        "algorithms": ES256,
        "audience": request["client_id"],
        "nonce": request["nonce"],
        "now": PROFILE_NOW,
    }
    raw = profile["presentation_sdjwt"]["sd_jwt_kb"]
    shown = FORMATS["dc+sd-jwt"].verify_presentation(raw, **expectations)
    verify_validity(shown.credential, now=PROFILE_NOW)
    view = badge_view(shown.credential.claims, "dc+sd-jwt")
    assert [skill.uri for skill in view.skills] == [
        "http://data.europa.eu/esco/skill/03b9b491-fc9b-4868-914a-bf7cd47b5041"
    ]
    assert view.person == {}
    with pytest.raises(CredentialError) as refusal:
        FORMATS["dc+sd-jwt"].verify_presentation(raw, **{**expectations, "nonce": "another"})
    assert refusal.value.code == "nonce"
    ours = present(profile["sdjwtvc"]["issued"], disclose=[("achievement", "alignment", 0)])
    assert ours == parse_sd_jwt(raw).presented
