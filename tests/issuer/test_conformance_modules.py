"""The issuer modules of the OpenID Foundation's conformance suite, by their names: one test each (LESSONS.md, 6).

Each test does over HTTP what a wallet does, and breaks one thing. What the module expects is that the issuer answers as
OpenID4VCI 1.0 says, or refuses with the error that it names. The counterparts are in `tests/wallet` and
`tests/verifier`, under the same name of a file.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid4vci import PRE_AUTHORIZED_CODE_GRANT, parse_issuer_metadata, verify_signed_metadata
from tests.conftest import NewDatabase
from tests.issuer.conftest import CONFIGURATIONS, ES256, IDENTIFIER, ORG, SD_JWT, Issuer, create_client, create_issuer
from tests.issuer.test_client_authentication import AUTHORITY, INSTANCE, WALLET, attestation, both, pop
from tests.issuer.test_key_proofs import HOLDER, SECOND
from tests.issuer.test_key_proofs import attestation as key_attestation
from tests.support.certificates import create_leaf
from tests.support.clock import NOW, FixedClock
from tests.support.hosts import HostTransport

pytestmark = pytest.mark.over_http

METADATA = f"/.well-known/openid-credential-issuer/{ORG}"


@pytest.fixture
async def trusting(
    new_sqlite_database: NewDatabase, clock: FixedClock, wire: HostTransport, tmp_path: Path
) -> AsyncIterator[Issuer]:
    """An issuer that trusts the wallet providers, and attesters of keys, below one authority."""
    certificates = tmp_path / "providers.pem"
    certificates.write_bytes(AUTHORITY.certificate.public_bytes(Encoding.PEM))
    made = await create_issuer(
        new_sqlite_database("issuer"), clock, wire=wire, wallet_provider_certificates=certificates
    )
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


async def request(issuer: Issuer, token: str, proofs: dict[str, Any] | None, **members: Any) -> httpx.Response:
    body = {"credential_configuration_id": SD_JWT, "proofs": proofs, **members}
    return await issuer.post_credential(token, {name: value for name, value in body.items() if value is not None})


async def refusal(issuer: Issuer, proofs: dict[str, Any] | None, **members: Any) -> Any:
    """The error of a credential request, which bought nothing."""
    award = await issuer.award()
    grant = await issuer.redeem(award)
    response = await request(issuer, grant.token, proofs, **members)
    assert response.status_code == 400
    assert response.headers["cache-control"] == "no-store"
    assert (await issuer.get_award(award["id"]))["state"] == "opened"
    return response.json()["error"]


async def test_I10_I12_metadata(issuer: Issuer) -> None:
    """VCIIssuerMetadata."""
    response = await issuer.client.get(METADATA)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    metadata = parse_issuer_metadata(response.json(), credential_issuer=IDENTIFIER)
    assert set(CONFIGURATIONS) <= set(metadata.credential_configurations)


async def test_I18_signed_metadata(issuer: Issuer) -> None:
    """VCIIssuerMetadataSigned."""
    response = await issuer.client.get(METADATA, headers={"Accept": "application/jwt"})
    assert response.headers["content-type"] == "application/jwt"
    token = parse_jwt(response.text)
    key = await issuer.issuer_key(token.header["kid"])
    signed = verify_signed_metadata(token, key=key, algorithms=ES256, credential_issuer=IDENTIFIER, now=issuer.clock())
    assert signed == (await issuer.client.get(METADATA)).json()


async def test_I57_happy_flow(issuer: Issuer) -> None:
    """VCIIssuerHappyFlow: offer, token, nonce, proof, credential, and the notification that it arrived."""
    award = await issuer.award()
    grant = await issuer.redeem(award)
    response = await request(issuer, grant.token, {"jwt": [await issuer.proof(HOLDER)]})
    issued = response.json()
    assert (await issuer.verify(issued["credentials"][0]["credential"])).holder_key == HOLDER.public_key
    told = await issuer.client.post(
        f"/{ORG}/notification",
        json={"notification_id": issued["notification_id"], "event": "credential_accepted"},
        headers={"Authorization": f"Bearer {grant.token}"},
    )
    assert told.status_code == 204
    assert (await issuer.get_award(award["id"]))["state"] == "received"


async def test_I57_I68_happy_flow_with_additional_requests(issuer: Issuer) -> None:
    """VCIIssuerHappyFlowAdditionalRequests: the same token buys again, each time by a new nonce and for a new key."""
    grant = await issuer.redeem(await issuer.award())
    for configuration in (SD_JWT, SD_JWT, CONFIGURATIONS[1]):
        signer = SoftwareSigner.generate()
        response = await request(
            issuer, grant.token, {"jwt": [await issuer.proof(signer)]}, credential_configuration_id=configuration
        )
        assert (await issuer.verify(response.json()["credentials"][0]["credential"])).holder_key == signer.public_key


async def test_I57_happy_flow_of_several_clients(issuer: Issuer) -> None:
    """VCIIssuerHappyFlowMultipleClients: each gets its own, and neither's token opens what the other was offered."""
    grants = [await issuer.redeem(await issuer.award()) for _ in range(2)]
    other = create_client(issuer.app, "198.51.100.9")
    first = await request(issuer, grants[0].token, {"jwt": [await issuer.proof(HOLDER)]})
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [await issuer.proof(SECOND)]}}
    second = await issuer.post_credential(grants[1].token, body, client=other)
    await other.aclose()
    keys = [(await issuer.verify(each.json()["credentials"][0]["credential"])).holder_key for each in (first, second)]
    assert keys == [HOLDER.public_key, SECOND.public_key]


async def test_I66_happy_flow_without_notification(issuer: Issuer) -> None:
    """VCIIssuerHappyFlowSkipNotification: nobody waits for it."""
    award = await issuer.award()
    grant = await issuer.redeem(award)
    assert (await request(issuer, grant.token, {"jwt": [await issuer.proof()]})).status_code == 200
    assert (await issuer.get_award(award["id"]))["state"] == "issued"


async def test_I60_batch_issuance(issuer: Issuer) -> None:
    """VCIIssuerBatchIssuance: one credential a proof, each bound to its key."""
    grant, nonce = await issuer.redeem(await issuer.award()), await issuer.nonce()
    proofs = [await issuer.proof(signer, nonce=nonce) for signer in (HOLDER, SECOND)]
    issued = (await request(issuer, grant.token, {"jwt": proofs})).json()["credentials"]
    keys = [(await issuer.verify(each["credential"])).holder_key for each in issued]
    assert keys == [HOLDER.public_key, SECOND.public_key]


async def test_I56_fail_on_invalid_nonce(issuer: Issuer) -> None:
    """VCIIssuerFailOnInvalidNonce."""
    assert await refusal(issuer, {"jwt": [await issuer.proof(nonce="Oba9Tyv6M2vwDDe-0Qiv2g")]}) == "invalid_nonce"


async def test_I58_fail_on_invalid_proof_signature(issuer: Issuer) -> None:
    """VCIIssuerFailOnInvalidProofSignature: signed by another key than the one in its header."""
    honest = parse_jwt(await issuer.proof(HOLDER))
    header = {"jwk": dict(HOLDER.public_key.jwk)}
    forged = sign_jwt(honest.payload, signer=SECOND, typ=honest.header["typ"], header=header)
    assert await refusal(issuer, {"jwt": [forged]}) == "invalid_proof"


async def test_I57_fail_on_missing_proof(issuer: Issuer) -> None:
    """VCIIssuerFailOnMissingProof."""
    assert await refusal(issuer, None) == "invalid_proof"


async def test_I57_fail_on_unknown_credential_configuration(issuer: Issuer) -> None:
    """VCIIssuerFailOnUnknownCredentialConfiguration."""
    error = await refusal(issuer, {"jwt": [await issuer.proof()]}, credential_configuration_id="unknown")
    assert error == "unknown_credential_configuration"


async def test_I57_fail_on_unknown_credential_identifier(issuer: Issuer) -> None:
    """VCIIssuerFailOnUnknownCredentialIdentifier."""
    named = {"credential_configuration_id": None, "credential_identifier": "unknown"}
    assert await refusal(issuer, {"jwt": [await issuer.proof()]}, **named) == "unknown_credential_identifier"


async def test_I67_fail_on_unsupported_encryption_algorithm(issuer: Issuer) -> None:
    """VCIIssuerFailOnUnsupportedEncryptionAlgorithm."""
    key = {**SoftwareSigner.generate().public_key.jwk, "kid": "1", "alg": "RSA1_5", "use": "enc"}
    wanted = {"credential_response_encryption": {"jwk": key, "enc": "A256GCM"}}
    assert await refusal(issuer, {"jwt": [await issuer.proof()]}, **wanted) == "invalid_encryption_parameters"


async def test_I34_fail_on_access_token_in_query(issuer: Issuer) -> None:
    """VCIIssuerFailOnAccessTokenInQuery."""
    token = (await issuer.redeem(await issuer.award())).token
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [await issuer.proof()]}}
    response = await issuer.client.post(f"/{ORG}/credential", params={"access_token": token}, json=body)
    assert (response.status_code, response.content) == (401, b"")


async def test_I50_A33_fail_on_invalid_key_attestation_signature(trusting: Issuer) -> None:
    """VCIIssuerFailOnInvalidKeyAttestationSignature."""
    forged = await key_attestation(trusting, signer=SECOND, header={"x5c": [create_leaf(AUTHORITY, NOW).x5c]})
    proof = await trusting.proof(HOLDER, key_attestation=forged)
    assert await refusal(trusting, {"jwt": [proof]}) == "invalid_proof"


REFUSED = "invalid_client_attestation"
CLIENT_ATTESTATIONS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "invalid signature": ({"signer": create_leaf(AUTHORITY, NOW).signer}, {}, REFUSED),
    "expired": ({"expires_at": NOW - timedelta(hours=1)}, {}, "use_fresh_attestation"),
    "another sub": ({"client_id": "https://other.example"}, {}, REFUSED),
    "invalid signature of the proof": ({}, {"signer": SECOND}, REFUSED),
    "another audience of the proof": ({}, {"audience": "https://issuer.example/other"}, REFUSED),
}


async def exchange(issuer: Issuer, *headers: tuple[str, str]) -> httpx.Response:
    """An offer's code at the token endpoint, by a wallet that says who it is."""
    award = await issuer.award()
    form = {
        "grant_type": PRE_AUTHORIZED_CODE_GRANT,
        "pre-authorized_code": await issuer.code(award),
        "tx_code": award["offer"]["tx_code"],
        "client_id": WALLET,
    }
    return await issuer.client.post(f"/{ORG}/token", data=form, headers=list(headers))


@pytest.mark.parametrize("case", CLIENT_ATTESTATIONS)
async def test_I45_A33_fail_on_a_client_attestation_with_one_thing_wrong(trusting: Issuer, case: str) -> None:
    """Five of the six client-attestation cases, VCIIssuerFailOnInvalidClientAttestationSignature and its neighbours.

    Each beside a wallet whose attestation holds.
    """
    given, proven, error = CLIENT_ATTESTATIONS[case]
    refused = await exchange(trusting, *both(attestation(**given), await pop(trusting, **proven)))
    assert (refused.status_code, refused.json()["error"]) == (400, error)
    assert (await exchange(trusting, *both(attestation(), await pop(trusting)))).status_code == 200


async def test_I45_A33_fail_on_a_client_attestation_without_its_proof(trusting: Issuer) -> None:
    """The sixth: whoever shows an attestation also shows that it is theirs."""
    [given, _] = both(attestation(), await pop(trusting))
    refused = await exchange(trusting, given)
    assert (refused.status_code, refused.json()["error"]) == (400, REFUSED)
    assert INSTANCE.public_key.jwk["x"] not in refused.text
