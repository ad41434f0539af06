"""Independent implementations as the other party, in both directions: `sd-jwt` (the reference) and `openvc-core`.

Their opinion counts where they accept; what they should refuse and do not is tested in tests/kernel.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jwcrypto.jwk import JWK
from openvc.keys import P256SigningKey
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.verifier import SDJWTVerifier

from kernel.errors import CredentialError
from kernel.formats import FORMATS, parse_credential
from kernel.jwt import sign_jwt
from kernel.sd_jwt import (
    conceal,
    create_key_binding_jwt,
    parse_sd_jwt,
    present,
    reveal,
    verify_key_binding_jwt,
)
from tests.support.badges import (
    AUDIENCE,
    ES256,
    HOLDER_SIGNER,
    ISSUER,
    ISSUER_SIGNER,
    NONCE,
    VCT,
    issue_badge,
    present_badge,
)
from tests.support.sd_jwt_examples import Example, Hidden, load_examples, needs_vectors

ISSUER_JWK = JWK(**ISSUER_SIGNER.private_jwk())
HOLDER_JWK = JWK(**HOLDER_SIGNER.private_jwk())
SUITE = SdJwtVcProofSuite()
PEER_ISSUER = P256SigningKey.from_jwk(ISSUER_SIGNER.private_jwk(), ISSUER.kid)
PEER_HOLDER = P256SigningKey.from_jwk(HOLDER_SIGNER.private_jwk(), "holder")
# The others read the machine's clock, so what they judge is issued and presented now.
TODAY = datetime.now(UTC)
OTHER_ISSUER = {"iss": "https://issuer.example", "iat": int(TODAY.timestamp())}
NONE = frozenset[str]()

every_example = pytest.mark.parametrize("example", load_examples(), ids=lambda example: example.name)


def mark(value: Any) -> Any:
    """Write the marks of an example as the reference implementation wants them."""
    if isinstance(value, Hidden):
        return SDObj(mark(value.value))
    if isinstance(value, dict):
        return {mark(name): mark(member) for name, member in value.items()}
    return [mark(element) for element in value] if isinstance(value, list) else value


def issue_ours(example: Example, *, decoys: int) -> str:
    claims = {**OTHER_ISSUER, **example.claims, "cnf": {"jwk": HOLDER_SIGNER.public_key.jwk}}
    payload, disclosures = conceal(claims, disclosable=sorted(example.hidden, key=str), decoys=decoys)
    token = sign_jwt(payload, signer=ISSUER_SIGNER, typ="dc+sd-jwt")
    return "~".join([token, *disclosures, ""])


def issue_theirs(example: Example) -> str:
    return SDJWTIssuer(
        mark({**OTHER_ISSUER, **example.marked}),
        ISSUER_JWK,
        JWK(**HOLDER_SIGNER.public_key.jwk),
        add_decoy_claims=True,
        extra_header_parameters={"typ": "dc+sd-jwt"},
    ).sd_jwt_issuance


def verify_theirs(presented: str) -> dict[str, Any]:
    claims: dict[str, Any] = SDJWTVerifier(
        presented, lambda issuer, header: JWK(**ISSUER_SIGNER.public_key.jwk), AUDIENCE, NONCE
    ).get_verified_payload()
    return claims


def strip(claims: dict[str, Any], example: Example) -> dict[str, Any]:
    """Leave out what this test added to the example."""
    added = {"iss", "iat", "cnf"} - example.claims.keys()
    return {name: value for name, value in claims.items() if name not in added} | (
        {"cnf": example.claims["cnf"]} if "cnf" in example.claims else {}
    )


@needs_vectors
@every_example
def test_K31_sd_jwt_package_verifies_what_we_issue_and_present(example: Example) -> None:
    shown = present(issue_ours(example, decoys=2), disclose=example.shown)
    binding = create_key_binding_jwt(shown, signer=HOLDER_SIGNER, audience=AUDIENCE, nonce=NONCE, now=TODAY)
    assert strip(verify_theirs(shown + binding), example) == example.result


@needs_vectors
@every_example
def test_K31_sd_jwt_package_presents_what_we_issue_and_we_verify_it(example: Example) -> None:
    # Without decoys: that holder counts them as array elements when it looks for the ones it was told to show.
    holder = SDJWTHolder(issue_ours(example, decoys=0))
    holder.create_presentation(example.choice, NONCE, AUDIENCE, HOLDER_JWK)
    sd_jwt = parse_sd_jwt(holder.sd_jwt_presentation)
    verify_key_binding_jwt(
        sd_jwt, key=HOLDER_SIGNER.public_key, audience=AUDIENCE, nonce=NONCE, now=datetime.now(UTC), algorithms=ES256
    )
    assert strip(reveal(sd_jwt.issuer_jwt.payload, sd_jwt.disclosures, protected=NONE), example) == example.result


@needs_vectors
@every_example
def test_K34_we_present_and_verify_what_the_sd_jwt_package_issues(example: Example) -> None:
    shown = parse_sd_jwt(present(issue_theirs(example), disclose=example.shown))
    assert strip(reveal(shown.issuer_jwt.payload, shown.disclosures, protected=NONE), example) == example.result


# openvc-core, which knows SD-JWT VC and VCDM


def issue_with_openvc(suite: SdJwtVcProofSuite = SUITE, **claims: Any) -> str:
    person = {"given_name": "Sanne", "family_name": "de Vries", "skills": ["adviseren", "onderzoeken"]}
    return suite.issue(
        {"iss": ISSUER.id, **person, **claims},
        signing_key=PEER_ISSUER,
        disclosable=["given_name", "family_name", "skills"],
        holder_jwk=HOLDER_SIGNER.public_key.jwk,
        vct=VCT,
        expires_in_s=3600,
        decoys=3,
    )


@pytest.mark.parametrize("hash_name", ["sha-256", "sha-384", "sha-512"])
def test_K45_we_receive_present_and_verify_what_openvc_issues(hash_name: str) -> None:
    raw = issue_with_openvc(SdJwtVcProofSuite(hash_name=hash_name))
    credential = parse_credential(raw)
    assert (credential.unverified_issuer, credential.key_id) == (ISSUER.id, ISSUER.kid)
    now = datetime.now(UTC)
    verified = FORMATS["dc+sd-jwt"].verify(credential, key=ISSUER_SIGNER.public_key, algorithms=ES256, now=now)
    assert verified.claims["family_name"] == "de Vries"
    presented = present_badge("dc+sd-jwt", raw, disclose=[("skills",)], now=now)
    shown = FORMATS["dc+sd-jwt"].verify_presentation(
        presented, key=ISSUER_SIGNER.public_key, algorithms=ES256, audience=AUDIENCE, nonce=NONCE, now=now
    )
    assert shown.credential.claims["skills"] == ["adviseren", "onderzoeken"]
    assert "given_name" not in shown.credential.claims
    assert verify_with_openvc(presented).key_bound


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt"])
def test_K45_K66_openvc_verifies_the_badge_that_we_issue_and_show(format_id: str) -> None:
    raw = issue_badge(format_id, issued_at=TODAY, valid_from=TODAY, expires_at=TODAY + timedelta(days=9), status=None)
    skill = next(path for path in FORMATS[format_id].disclosable_paths(raw) if path[-2:] == ("alignment", 1))
    theirs = verify_with_openvc(present_badge(format_id, raw, disclose=[skill], now=datetime.now(UTC)))
    assert theirs.key_bound
    now = datetime.now(UTC)
    ours = FORMATS[format_id].verify_presentation(
        present_badge(format_id, raw, disclose=[skill], now=now),
        key=ISSUER_SIGNER.public_key,
        algorithms=ES256,
        audience=AUDIENCE,
        nonce=NONCE,
        now=now,
    )
    assert dict(theirs.claims) == ours.credential.claims
    assert "Sanne" not in json.dumps(theirs.claims)


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt"])
def test_K36_we_verify_the_key_binding_that_openvc_makes(format_id: str) -> None:
    raw = issue_badge(format_id, issued_at=TODAY, valid_from=TODAY, expires_at=TODAY + timedelta(days=9))
    presented = SUITE.create_presentation(raw, holder_key=PEER_HOLDER, audience=AUDIENCE, nonce=NONCE)
    expectations: dict[str, Any] = {"key": ISSUER_SIGNER.public_key, "algorithms": ES256, "now": datetime.now(UTC)}
    FORMATS[format_id].verify_presentation(presented, audience=AUDIENCE, nonce=NONCE, **expectations)
    with pytest.raises(CredentialError) as refusal:
        FORMATS[format_id].verify_presentation(presented, audience="https://other.example", nonce=NONCE, **expectations)
    assert refusal.value.code == "audience"


def verify_with_openvc(presented: str) -> Any:
    return SUITE.verify(
        presented,
        public_key_jwk=ISSUER_SIGNER.public_key.jwk,
        audience=AUDIENCE,
        nonce=NONCE,
        require_key_binding=True,
    )
