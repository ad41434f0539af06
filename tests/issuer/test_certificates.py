"""Known by certificates: the HAIP form of a badge, and signed metadata. HAIP 1.0 §4, §6.1; I-18, I-33, I-76, K-07."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from sqlalchemy import update

from issuer.configurations import SECURINGS
from issuer.models import AccessToken
from kernel.formats import FORMATS, parse_credential
from kernel.formats.credential import DC_SD_JWT
from kernel.jwt import parse_jwt
from kernel.keys import PublicKey, SoftwareSigner, parse_public_jwk
from kernel.openid4vci import (
    ByValue,
    create_dpop_proof,
    create_key_attestation,
    parse_credential_offer_link,
    verify_signed_metadata,
)
from kernel.x5c import verify_x5c
from runtime.tokens import hash_token
from tests.conftest import NewDatabase
from tests.issuer.conftest import BASE, IDENTIFIER, ORG, SLUG, Browser, Issuer, add_operator, create_issuer
from tests.support.certificates import Certified, create_authority, create_leaf
from tests.support.clock import NOW, FixedClock

AUTHORITY = create_authority(NOW)
ATTESTER = create_leaf(AUTHORITY, NOW)
HAIP = f"{SLUG}.haip"
DPOP = SoftwareSigner.generate()
HOLDER = SoftwareSigner.generate()
ES256 = frozenset({"ES256"})


@pytest.fixture
async def trusting(new_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Issuer]:
    certificates = tmp_path / "providers.pem"
    certificates.write_bytes(AUTHORITY.certificate.public_bytes(Encoding.PEM))
    made = await create_issuer(new_database("issuer"), clock, wallet_provider_certificates=certificates)
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


async def signing_key(issuer: Issuer) -> PublicKey:
    keys = (await issuer.api("GET", f"/organisations/{ORG}/signing-keys")).json()["signing_keys"]
    return next(parse_public_jwk(k["public_jwk"]) for k in keys if k["algorithm"] == "ES256" and not k["retired_at"])


def certify(
    key: Any, signed_by: Certified, *, name: str = "issuer.example", days: int = 30, subject: str = "Stichting"
) -> x509.Certificate:
    """A certificate for a key, by an authority."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(signed_by.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    )
    return builder.sign(signed_by.key, SHA256())


def pem(*certificates: x509.Certificate) -> str:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates).decode()


async def put(issuer: Issuer, text: str) -> httpx.Response:
    return await issuer.api("PUT", f"/organisations/{ORG}/certificates", json={"pem": text})


async def set_chain(issuer: Issuer) -> None:
    leaf = certify((await signing_key(issuer)).key, AUTHORITY)
    response = await put(issuer, pem(leaf))
    assert response.status_code == 200, response.text


async def metadata(issuer: Issuer, kind: str = "openid-credential-issuer", **headers: str) -> httpx.Response:
    return await issuer.client.get(f"/.well-known/{kind}/{ORG}", headers=headers)


async def configurations(issuer: Issuer) -> dict[str, Any]:
    return dict((await metadata(issuer)).json()["credential_configurations_supported"])


# What is told


@pytest.mark.parametrize(("language", "first"), [("nl", "nl-NL"), ("en", "en")])
async def test_I13_I16_I17_every_claim_of_every_configuration_has_a_name_in_dutch_and_in_english(
    trusting: Issuer, language: str, first: str
) -> None:
    """HAIP's among them, and for each achievement."""
    await set_chain(trusting)
    assert (await trusting.add_achievement(slug="tweede")).status_code == 201
    found = (await metadata(trusting, **{"Accept-Language": language})).json()["credential_configurations_supported"]
    assert {name.rpartition(".")[0] for name in found} == {SLUG, "tweede"}
    assert len(found) == 2 * (len(SECURINGS) + 1)
    for name, configuration in found.items():
        claims = configuration["credential_metadata"]["claims"]
        assert len({json.dumps(claim["path"]) for claim in claims}) == len(claims) > 5, name
        for display in (configuration["credential_metadata"]["display"], *(claim["display"] for claim in claims)):
            assert [each["locale"] for each in display] == sorted(["nl-NL", "en"], key=lambda locale: locale != first)
            assert all(each["name"].strip() for each in display), name
        for claim in claims:
            assert len({each["name"] for each in claim["display"]}) == 2, (name, claim["path"])


# The chain


async def test_I76_a_chain_of_the_signing_key_is_kept_and_shown(trusting: Issuer) -> None:
    await set_chain(trusting)
    shown = (await trusting.api("GET", f"/organisations/{ORG}/certificates")).json()["certificates"]
    assert [(each["subject"], each["issuer"]) for each in shown] == [("CN=Stichting", "CN=Authority")]
    assert (await trusting.api("DELETE", f"/organisations/{ORG}/certificates")).status_code == 204
    assert (await trusting.api("GET", f"/organisations/{ORG}/certificates")).json() == {"certificates": []}


async def test_I76_K07_a_chain_that_verifiers_would_refuse_is_refused_here(trusting: Issuer) -> None:
    key = (await signing_key(trusting)).key
    right = certify(key, AUTHORITY)
    other = ec.generate_private_key(ec.SECP256R1())
    own = Certified(right, other)
    wrong = [
        "no certificate",
        pem(certify(other.public_key(), AUTHORITY)),
        pem(certify(key, AUTHORITY, name="other.example")),
        pem(certify(key, AUTHORITY, days=0)),
        pem(certify(key, AUTHORITY, subject="Authority")),
        pem(right, AUTHORITY.certificate),
        pem(right, certify(other.public_key(), own)),
        pem(*[right] * 6),
    ]
    for text in wrong:
        response = await put(trusting, text)
        assert (response.status_code, list(response.json()["fields"])) == (400, ["pem"]), text
    assert HAIP not in await configurations(trusting)


async def test_I76_an_intermediate_goes_along(trusting: Issuer) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    between = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Between")]))
        .issuer_name(AUTHORITY.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=30))
        .add_extension(constraints, critical=True)
        .sign(AUTHORITY.key, SHA256())
    )
    leaf = certify((await signing_key(trusting)).key, Certified(between, key))
    assert (await put(trusting, pem(leaf, between))).status_code == 200


async def test_I76_a_new_key_has_no_certificates_yet(trusting: Issuer) -> None:
    await set_chain(trusting)
    assert HAIP in await configurations(trusting)
    path = f"/organisations/{ORG}/signing-keys"
    assert (await trusting.api("POST", path, json={"algorithm": "Ed25519"})).status_code == 201
    assert HAIP in await configurations(trusting)
    assert (await trusting.api("POST", path, json={"algorithm": "ES256"})).status_code == 201
    assert HAIP not in await configurations(trusting)


# The configuration


async def test_I13_I33_the_haip_configuration_says_what_it_demands(trusting: Issuer) -> None:
    await set_chain(trusting)
    haip = (await configurations(trusting))[HAIP]
    es256 = {"proof_signing_alg_values_supported": ["ES256"], "key_attestations_required": {}}
    assert haip["proof_types_supported"] == {"jwt": es256, "attestation": es256}
    assert haip["cryptographic_binding_methods_supported"] == ["jwk"]
    assert (haip["format"], haip["scope"]) == ("dc+sd-jwt", HAIP)
    assert {display["locale"] for display in haip["credential_metadata"]["display"]} == {"nl-NL", "en"}
    assert haip["credential_metadata"]["claims"]
    server = (await metadata(trusting, "oauth-authorization-server")).json()
    assert HAIP in server["scopes_supported"]
    assert "attest_jwt_client_auth" in server["token_endpoint_auth_methods_supported"]
    assert server["dpop_signing_alg_values_supported"] == ["ES256"]
    assert server["challenge_endpoint"] == f"{IDENTIFIER}/challenge"


async def test_I33_without_trusted_wallets_there_is_no_haip_configuration(issuer: Issuer) -> None:
    await set_chain(issuer)
    assert HAIP not in await configurations(issuer)
    server = (await metadata(issuer, "oauth-authorization-server")).json()
    assert server["token_endpoint_auth_methods_supported"] == ["none"]
    assert "challenge_endpoint" not in server


async def test_I01_I05_I33_it_is_offered_by_a_link_of_its_own_to_who_signs_in(trusting: Issuer) -> None:
    """HAIP 1.0 §4.2."""
    assert (await trusting.award())["offer"]["haip_link"] is None
    await set_chain(trusting)
    award = await trusting.award()
    link = award["offer"]["haip_link"]
    assert link.startswith("haip-vci://?credential_offer=")
    offered = parse_credential_offer_link(link)
    assert isinstance(offered, ByValue)
    assert offered.offer.as_json() == {
        "credential_issuer": IDENTIFIER,
        "credential_configuration_ids": [HAIP],
        "grants": {"authorization_code": (await trusting.offer(award))["grants"]["authorization_code"]},
    }
    assert offered.offer.authorization_code is not None
    assert offered.offer.authorization_code.issuer_state


async def test_I33_no_other_offer_and_no_pre_authorized_code_opens_it(trusting: Issuer) -> None:
    await set_chain(trusting)
    award = await trusting.award()
    assert HAIP not in (await trusting.offer(award))["credential_configuration_ids"]
    details = f'[{{"type":"openid_credential","credential_configuration_id":"{HAIP}"}}]'
    response = await trusting.post_token(
        await trusting.code(award), award["offer"]["tx_code"], authorization_details=details
    )
    assert (response.status_code, response.json()["error"]) == (400, "invalid_authorization_details")
    grant = await trusting.redeem(award)
    refused = await trusting.request(grant.token, [await trusting.proof()], configuration=HAIP)
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")


# The badge


async def granted(issuer: Issuer, *, thumbprint: str | None = DPOP.public_key.thumbprint) -> str:
    """An access token as the code flow gives it for the HAIP configuration."""
    token = (await issuer.redeem(await issuer.award())).token
    async with issuer.database.transaction() as session:
        named = update(AccessToken).where(AccessToken.token_hash == hash_token(token))
        await session.execute(named.values(configuration_ids=[HAIP], dpop_thumbprint=thumbprint, client_id="wallet"))
    return token


async def ask(issuer: Issuer, token: str, proofs: Sequence[str], *, kind: str = "jwt") -> httpx.Response:
    nonce = (await issuer.client.post(f"/{ORG}/nonce")).headers["dpop-nonce"]
    given: dict[str, Any] = {"signer": DPOP, "method": "POST", "url": f"{IDENTIFIER}/credential"}
    proof = create_dpop_proof(**given, access_token=token, nonce=nonce, now=issuer.clock())
    body = {"credential_configuration_id": HAIP, "proofs": {kind: list(proofs)}}
    headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
    return await issuer.client.post(f"/{ORG}/credential", json=body, headers=headers)


async def attestation(issuer: Issuer) -> str:
    return create_key_attestation(
        signer=ATTESTER.signer,
        keys=[HOLDER.public_key.jwk],
        issued_at=NOW,
        expires_at=NOW + timedelta(days=1),
        nonce=await issuer.nonce(),
        header={"x5c": [ATTESTER.x5c]},
    )


async def test_I76_a_haip_badge_is_known_by_its_certificates(trusting: Issuer) -> None:
    """Mirrors VCIIssuerHappyFlow of the HAIP plan."""
    await set_chain(trusting)
    proof = await trusting.proof(HOLDER, key_attestation=await attestation(trusting))
    response = await ask(trusting, await granted(trusting), [proof])
    assert response.status_code == 200, response.text
    unverified = parse_credential(response.json()["credentials"][0]["credential"])
    assert (unverified.format, unverified.key_id) == (DC_SD_JWT, None)
    chain = verify_x5c(
        list(unverified.x5c), anchors=[AUTHORITY.certificate], now=trusting.clock(), dns_name="issuer.example"
    )
    read = FORMATS[DC_SD_JWT].verify(unverified, key=chain.leaf_key, algorithms=ES256, now=trusting.clock())
    assert read.claims["iss"] == IDENTIFIER
    assert read.claims["cnf"]["jwk"]["x"] == HOLDER.public_key.jwk["x"]
    # The list in which its status stands is signed by the same certificate.
    place = read.claims["status"]["status_list"]
    token = parse_jwt((await trusting.client.get(place["uri"].removeprefix("https://issuer.example"))).text)
    assert token.header["x5c"] == list(unverified.x5c)
    assert token.header["kid"].startswith("did:web:issuer.example:")


async def test_I50_an_attestation_alone_buys_a_haip_badge_too(trusting: Issuer) -> None:
    await set_chain(trusting)
    response = await ask(trusting, await granted(trusting), [await attestation(trusting)], kind="attestation")
    assert response.status_code == 200, response.text


async def test_I33_I50_without_attested_keys_or_a_bound_token_there_is_no_haip_badge(trusting: Issuer) -> None:
    await set_chain(trusting)
    token = await granted(trusting)
    assert (await ask(trusting, token, [await trusting.proof(HOLDER)])).json()["error"] == "invalid_proof"
    unbound = await granted(trusting, thumbprint=None)
    proof = await trusting.proof(HOLDER, key_attestation=await attestation(trusting))
    refused = await trusting.request(unbound, [proof], configuration=HAIP)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")


async def test_I76_a_key_that_was_replaced_meanwhile_signs_no_haip_badge(trusting: Issuer) -> None:
    await set_chain(trusting)
    token = await granted(trusting)
    await trusting.api("POST", f"/organisations/{ORG}/signing-keys", json={"algorithm": "ES256"})
    proof = await trusting.proof(HOLDER, key_attestation=await attestation(trusting))
    assert (await ask(trusting, token, [proof])).json()["error"] == "credential_request_denied"


# Signed metadata


@pytest.mark.parametrize("is_certified", [False, True])
async def test_I18_metadata_is_signed_for_whoever_asks(trusting: Issuer, is_certified: bool) -> None:
    """Mirrors VCIIssuerMetadataSigned."""
    if is_certified:
        await set_chain(trusting)
    response = await metadata(trusting, accept="application/jwt, application/json;q=0.5")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/jwt")
    token = parse_jwt(response.text)
    if is_certified:
        key = verify_x5c(token.header["x5c"], anchors=[AUTHORITY.certificate], now=trusting.clock()).leaf_key
    else:
        key = await trusting.issuer_key(token.header["kid"])
    signed = verify_signed_metadata(
        token, key=key, algorithms=ES256, credential_issuer=IDENTIFIER, now=trusting.clock()
    )
    plain = await metadata(trusting, accept="application/json")
    assert signed == plain.json()
    assert (await metadata(trusting, accept="*/*")).headers["content-type"] == "application/json"
    assert "Accept" in plain.headers["vary"]


async def test_I78_an_award_with_a_haip_copy_is_revoked_and_never_suspended(trusting: Issuer) -> None:
    await set_chain(trusting)
    award = await trusting.award()
    token = (await trusting.redeem(award)).token
    async with trusting.database.transaction() as session:
        named = update(AccessToken).where(AccessToken.token_hash == hash_token(token))
        thumbprint = DPOP.public_key.thumbprint
        await session.execute(named.values(configuration_ids=[HAIP], dpop_thumbprint=thumbprint, client_id="wallet"))
    assert (await trusting.change(award["id"], "suspend")).status_code == 200
    assert (await trusting.change(award["id"], "reinstate")).status_code == 200
    proof = await trusting.proof(HOLDER, key_attestation=await attestation(trusting))
    assert (await ask(trusting, token, [proof])).status_code == 200
    refused = await trusting.change(award["id"], "suspend")
    assert (refused.status_code, refused.json()["code"]) == (409, "only_revocable")
    assert (await trusting.get_award(award["id"]))["state"] == "issued"
    # Nor is it offered to staff, who are told why; other badges have the button.
    await add_operator(trusting)
    browser = Browser(trusting)
    await browser.sign_in()
    other = await trusting.award()
    seen = {}
    for each in (award, other):
        await browser.get(f"{BASE}/awards/{each['id']}")
        may_suspend = f"{BASE}/awards/{each['id']}/suspend" in browser.page
        seen[each["id"]] = (may_suspend, "staat in een EUDI-wallet" in browser.page)
    assert seen == {award["id"]: (False, True), other["id"]: (True, False)}
    await browser.client.aclose()
    assert (await trusting.change(award["id"], "revoke")).json()["state"] == "revoked"
