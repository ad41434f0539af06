"""Which key proofs buy a credential: token, presentation, attestation. OpenID4VCI 1.0 App. D, F; I-50, I-58, I-59."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import update

from issuer.models import AccessToken
from kernel.did import did_jwk
from kernel.formats import from_wire, parse_credential
from kernel.keys import SoftwareSigner
from kernel.openid4vci import create_di_vp_proof, create_key_attestation, create_key_proof
from runtime.tokens import hash_token
from tests.conftest import NewDatabase
from tests.issuer.conftest import IDENTIFIER, LDP, ORG, SD_JWT, Issuer, create_issuer, settings_for
from tests.support.certificates import create_authority, create_leaf
from tests.support.clock import NOW, FixedClock

AUTHORITY = create_authority(NOW)
ATTESTER = create_leaf(AUTHORITY, NOW)
HOLDER, SECOND = SoftwareSigner.generate(), SoftwareSigner.generate()
EDWARDS = SoftwareSigner.generate("Ed25519")


@pytest.fixture
async def trusting(new_sqlite_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Issuer]:
    """An issuer that trusts a wallet provider, and speaks with wallets of earlier drafts in one securing."""
    certificates = tmp_path / "providers.pem"
    certificates.write_bytes(AUTHORITY.certificate.public_bytes(Encoding.PEM))
    made = await create_issuer(
        new_sqlite_database("issuer"),
        clock,
        wallet_provider_certificates=certificates,
        legacy_securings=frozenset({"dc+sd-jwt"}),
    )
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


async def token(issuer: Issuer) -> str:
    return (await issuer.redeem(await issuer.award())).token


async def ask(issuer: Issuer, proofs: dict[str, Any], configuration: str = SD_JWT) -> httpx.Response:
    body = {"credential_configuration_id": configuration, "proofs": proofs}
    return await issuer.post_credential(await token(issuer), body)


def error_of(response: httpx.Response) -> Any:
    assert response.status_code == 400, response.text
    return response.json()["error"]


def presentation(nonce: str, signer: SoftwareSigner = HOLDER, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"signer": signer, "key_id": f"{did_jwk(signer.public_key.jwk)}#0", "nonce": nonce}
    values |= {"audience": IDENTIFIER, "now": NOW, "cryptosuite": "ecdsa-rdfc-2019", **changes}
    return create_di_vp_proof(**values)


async def attestation(issuer: Issuer, **changes: Any) -> str:
    values: dict[str, Any] = {
        "signer": ATTESTER.signer,
        "keys": [HOLDER.public_key.jwk, SECOND.public_key.jwk],
        "issued_at": NOW,
        "expires_at": NOW + timedelta(days=1),
        "nonce": await issuer.nonce(),
        "header": {"x5c": [ATTESTER.x5c]},
    }
    return create_key_attestation(**{**values, **changes})


async def types(issuer: Issuer, configuration: str) -> Any:
    metadata = (await issuer.client.get(f"/.well-known/openid-credential-issuer/{ORG}")).json()
    return metadata["credential_configurations_supported"][configuration]["proof_types_supported"]


async def test_I13_metadata_names_what_is_accepted_and_no_more(issuer: Issuer, trusting: Issuer) -> None:
    es256 = {"proof_signing_alg_values_supported": ["ES256"]}
    suites = {"proof_signing_alg_values_supported": ["ecdsa-jcs-2019", "ecdsa-rdfc-2019"]}
    assert await types(issuer, SD_JWT) == {"jwt": es256, "di_vp": suites}
    assert await types(trusting, SD_JWT) == {"jwt": es256, "di_vp": suites, "attestation": es256}
    either = await types(issuer, LDP)
    assert either["jwt"] == {"proof_signing_alg_values_supported": ["ES256", "Ed25519", "EdDSA"]}
    assert "eddsa-rdfc-2022" in either["di_vp"]["proof_signing_alg_values_supported"]


async def test_I13_I59_a_deployment_may_take_presentations_alone(
    new_sqlite_database: NewDatabase, clock: FixedClock
) -> None:
    made = await create_issuer(new_sqlite_database("issuer"), clock, proof_types=frozenset({"di_vp"}))
    assert list(await types(made, SD_JWT)) == list(await types(made, LDP)) == ["di_vp"]
    refused = await ask(made, {"jwt": [await made.proof()]})
    assert error_of(refused) == "invalid_proof"
    assert (await ask(made, {"di_vp": [presentation(await made.nonce())]})).status_code == 200
    await made.client.aclose()
    await made.app.state.service.close()


@pytest.mark.parametrize("given", ["", "jwt,cwt", "attestation"])
def test_I13_proof_types_that_nobody_can_make_stop_the_start(given: str) -> None:
    with pytest.raises(ValueError, match=r"proof_types|names none"):
        settings_for("sqlite:///x", proof_types=given)


async def test_I59_a_presentation_buys_a_credential_for_its_key(issuer: Issuer) -> None:
    nonce = await issuer.nonce()
    response = await ask(issuer, {"di_vp": [presentation(nonce), presentation(nonce, SECOND)]})
    assert response.status_code == 200, response.text
    bound = [parse_credential(entry["credential"]).payload["cnf"]["jwk"] for entry in response.json()["credentials"]]
    assert [(key["x"], key["y"]) for key in bound] == [
        (signer.public_key.jwk["x"], signer.public_key.jwk["y"]) for signer in (HOLDER, SECOND)
    ]


async def test_I59_a_badge_file_may_be_bound_to_a_key_of_the_other_kind(issuer: Issuer) -> None:
    proof = presentation(await issuer.nonce(), EDWARDS, cryptosuite="eddsa-rdfc-2022")
    response = await ask(issuer, {"di_vp": [proof]}, LDP)
    assert response.status_code == 200, response.text
    credential = await issuer.verify(from_wire(response.json()["credentials"][0]["credential"]))
    assert credential.claims["credentialSubject"]["id"] == did_jwk(EDWARDS.public_key.jwk)
    by_token = create_key_proof(
        signer=EDWARDS,
        audience=IDENTIFIER,
        nonce=await issuer.nonce(),
        now=NOW,
        key_id=proof["proof"][0]["verificationMethod"],
    )
    assert (await ask(issuer, {"jwt": [by_token]}, LDP)).status_code == 200
    assert error_of(await ask(issuer, {"jwt": [by_token]})) == "invalid_proof"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"audience": "https://issuer.example/other"}, "invalid_proof"),
        ({"now": NOW - timedelta(minutes=7)}, "invalid_proof"),
        ({"signer": EDWARDS, "cryptosuite": "eddsa-rdfc-2022"}, "invalid_proof"),
        ({"nonce": "AAAA"}, "invalid_nonce"),
    ],
)
async def test_I59_A23_a_presentation_with_one_thing_wrong_gets_its_error(
    issuer: Issuer, changes: dict[str, Any], error: str
) -> None:
    signer = changes.get("signer", HOLDER)
    values = {"nonce": await issuer.nonce(), "key_id": f"{did_jwk(signer.public_key.jwk)}#0", **changes}
    assert error_of(await ask(issuer, {"di_vp": [presentation(**values)]})) == error


async def test_A22_a_presentation_counts_once(issuer: Issuer) -> None:
    proof = presentation(await issuer.nonce())
    assert (await ask(issuer, {"di_vp": [proof]})).status_code == 200
    assert error_of(await ask(issuer, {"di_vp": [proof]})) == "invalid_nonce"


async def test_I50_an_attestation_buys_a_credential_for_every_key_in_it(trusting: Issuer) -> None:
    response = await ask(trusting, {"attestation": [await attestation(trusting)]})
    assert response.status_code == 200, response.text
    assert len(response.json()["credentials"]) == 2


async def test_I50_an_attestation_in_a_proof_does_so_too(trusting: Issuer) -> None:
    given = await attestation(trusting)
    proof = await trusting.proof(HOLDER, key_attestation=given)
    response = await ask(trusting, {"jwt": [proof]})
    assert response.status_code == 200, response.text
    assert len(response.json()["credentials"]) == 2
    # Both nonces were spent: the attestation is no good for another proof.
    again = await trusting.proof(HOLDER, key_attestation=given)
    assert error_of(await ask(trusting, {"jwt": [again]})) == "invalid_nonce"


async def test_I50_an_attestation_in_a_proof_may_have_been_made_before_and_serve_again(trusting: Issuer) -> None:
    """Without a nonce of its own; the proof that goes with it is fresh each time. Appendix F.1."""
    given = await attestation(trusting, nonce=None)
    for _ in range(2):
        response = await ask(trusting, {"jwt": [await trusting.proof(HOLDER, key_attestation=given)]})
        assert response.status_code == 200, response.text
        assert len(response.json()["credentials"]) == 2
    stale = await trusting.proof(HOLDER, key_attestation=given, nonce="AAAA")
    assert error_of(await ask(trusting, {"jwt": [stale]})) == "invalid_nonce"


async def test_I50_A33_an_attestation_that_is_the_proof_is_fresh(trusting: Issuer) -> None:
    """No key signs here, so only its nonce shows that it was made for this. Appendix F.3."""
    for nonce, error in ((None, "invalid_proof"), ("AAAA", "invalid_nonce")):
        given = await attestation(trusting, nonce=nonce)
        assert error_of(await ask(trusting, {"attestation": [given]})) == error
    given = await attestation(trusting)
    assert (await ask(trusting, {"attestation": [given]})).status_code == 200
    assert error_of(await ask(trusting, {"attestation": [given]})) == "invalid_nonce"


async def test_I50_where_nobody_is_trusted_attestations_count_for_nothing(issuer: Issuer) -> None:
    assert error_of(await ask(issuer, {"attestation": [await attestation(issuer)]})) == "invalid_proof"
    proof = await issuer.proof(HOLDER, key_attestation=await attestation(issuer))
    response = await ask(issuer, {"jwt": [proof]})
    assert len(response.json()["credentials"]) == 1


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"signer": create_leaf(AUTHORITY, NOW).signer}, "invalid_proof"),
        ({"header": {"x5c": [create_leaf(create_authority(NOW), NOW).x5c]}}, "invalid_proof"),
        ({"expires_at": NOW - timedelta(hours=1)}, "invalid_proof"),
        ({"keys": [SECOND.public_key.jwk]}, "invalid_proof"),
        ({"keys": [HOLDER.public_key.jwk, EDWARDS.public_key.jwk]}, "invalid_proof"),
        ({"nonce": "AAAA"}, "invalid_nonce"),
    ],
)
async def test_I50_A33_an_attestation_with_one_thing_wrong_gets_its_error(
    trusting: Issuer, changes: dict[str, Any], error: str
) -> None:
    """Mirrors VCIIssuerFailOnInvalidKeyAttestationSignature."""
    proof = await trusting.proof(HOLDER, key_attestation=await attestation(trusting, **changes))
    assert error_of(await ask(trusting, {"jwt": [proof]})) == error


async def test_A33_two_attestations_are_not_one(trusting: Issuer) -> None:
    both = [await attestation(trusting), await attestation(trusting, keys=[EDWARDS.public_key.jwk])]
    assert error_of(await ask(trusting, {"attestation": both})) == "invalid_proof"


async def test_I60_more_attested_keys_than_a_batch_has_are_refused(trusting: Issuer) -> None:
    keys = [SoftwareSigner.generate().public_key.jwk for _ in range(trusting.settings.batch_size + 1)]
    given = await attestation(trusting, keys=keys)
    assert error_of(await ask(trusting, {"attestation": [given]})) == "invalid_proof"


async def test_I60_one_wrong_proof_among_many_issues_nothing(issuer: Issuer) -> None:
    award = await issuer.award()
    grant = await issuer.redeem(award)
    nonce = await issuer.nonce()
    proofs = [await issuer.proof(nonce=nonce) for _ in range(2)]
    wrong = await issuer.proof(nonce=nonce, audience="https://issuer.example/other")
    assert error_of(await issuer.request(grant.token, [*proofs, wrong])) == "invalid_proof"
    assert (await issuer.get_award(award["id"]))["state"] == "opened"
    # Nothing was spent either.
    assert (await issuer.request(grant.token, proofs)).status_code == 200


@pytest.mark.parametrize(("iss", "status"), [("wallet-7", 200), (None, 200), ("wallet-8", 400)])
async def test_I58_A23_a_proof_is_of_the_client_that_the_token_was_given_to(
    issuer: Issuer, iss: str | None, status: int
) -> None:
    given = await token(issuer)
    async with issuer.database.transaction() as session:
        named = update(AccessToken).where(AccessToken.token_hash == hash_token(given)).values(client_id="wallet-7")
        await session.execute(named)
    response = await issuer.request(given, [await issuer.proof(client_id=iss)])
    assert response.status_code == status


async def test_a_wallet_of_draft_15_gets_its_badge_where_that_is_allowed(trusting: Issuer, issuer: Issuer) -> None:
    """DIIP v4 (PROFILE.md, section 6): one `proof` where OpenID4VCI 1.0 has `proofs`."""

    async def old(asked: Issuer, configuration: str) -> httpx.Response:
        proof = {"proof_type": "jwt", "jwt": await asked.proof()}
        body = {"credential_configuration_id": configuration, "proof": proof}
        return await asked.post_credential(await token(asked), body)

    assert (await old(trusting, SD_JWT)).status_code == 200
    assert error_of(await old(trusting, LDP)) == "invalid_credential_request"
    assert error_of(await old(issuer, SD_JWT)) == "invalid_proof"
