"""What a wallet can forge, as the issuer meets it. PROFILE.md section 11.

The ways are those of `tests/support/forgeries.py`. Each test ends with what is honest, by the same nonce where there is
one: a forged proof buys nothing and spends nothing.
"""

from typing import Any

import httpx
import pytest

from kernel.data_integrity import add_proof, without_proof
from kernel.keys import SoftwareSigner
from tests.issuer.conftest import IDENTIFIER, SD_JWT, Grant, Issuer
from tests.issuer.test_key_proofs import HOLDER, presentation
from tests.issuer.test_sender_constraint import KEY, bound_token, dpop_nonce, dpop_proof, request
from tests.support.forgeries import BROUGHT, TOKENS

pytestmark = pytest.mark.over_http

PROOFS = {attack: {name: forge for name, forge in ways.items() if name != BROUGHT} for attack, ways in TOKENS.items()}


@pytest.mark.parametrize("attack", PROOFS)
async def test_A01_A02_A03_A06_A07_A08_A09_a_forged_key_proof_buys_nothing_and_spends_nothing(
    issuer: Issuer, attack: str
) -> None:
    award = await issuer.award()
    grant, nonce, signer = await issuer.redeem(award), await issuer.nonce(), SoftwareSigner.generate()
    honest = await issuer.proof(signer, nonce=nonce)
    for name, forge in PROOFS[attack].items():
        response = await issuer.request(grant.token, [forge(honest, signer)])
        assert (response.status_code, response.json()["error"]) == (400, "invalid_proof"), name
    assert (await issuer.get_award(award["id"]))["state"] == "opened"
    assert (await issuer.request(grant.token, [honest])).status_code == 200


@pytest.mark.parametrize("attack", PROOFS)
async def test_A01_A02_A03_A06_A07_A08_A09_A31_a_forged_proof_of_possession_opens_nothing(
    issuer: Issuer, attack: str
) -> None:
    token = await bound_token(issuer)
    nonce = await dpop_nonce(issuer)
    for name, forge in PROOFS[attack].items():
        proof = forge(await dpop_proof(issuer, token, nonce=nonce), KEY)
        response = await request(issuer, token, proof)
        assert response.status_code == 401, name
        assert 'error="invalid_dpop_proof"' in response.headers["www-authenticate"], name
    assert (await request(issuer, token, await dpop_proof(issuer, token, nonce=nonce))).status_code == 200


def poisoned(proof: dict[str, Any]) -> dict[str, Any]:
    """Blank nodes that each point at all others, in the presentation that is the proof."""
    names = [f"_:n{number}" for number in range(12)]
    nodes = [
        {"id": name, "type": ["VerifiablePresentation"], "verifiableCredential": [{"id": other} for other in names]}
        for name in names
    ]
    return {**proof, "verifiableCredential": nodes}


async def test_A21_a_presentation_that_is_made_to_exhaust_its_reader_is_an_invalid_proof(issuer: Issuer) -> None:
    grant = await issuer.redeem(await issuer.award())
    honest = presentation(await issuer.nonce())
    response = await ask(issuer, grant, poisoned(honest))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_proof")
    assert (await ask(issuer, grant, honest)).status_code == 200


@pytest.mark.parametrize(("purpose", "status"), [("assertionMethod", 400), ("authentication", 200)])
async def test_A04_a_presentation_by_a_key_in_another_role_is_an_invalid_proof(
    issuer: Issuer, purpose: str, status: int
) -> None:
    """Signed by the holder's key as a claim, and not to show who asks."""
    grant, nonce = await issuer.redeem(await issuer.award()), await issuer.nonce()
    honest = presentation(nonce)
    signed = add_proof(
        without_proof(honest),
        cryptosuite="ecdsa-rdfc-2019",
        signer=HOLDER,
        verification_method=honest["holder"] + "#0",
        proof_purpose=purpose,
        created_at=issuer.clock(),
        challenge=nonce,
        domain=IDENTIFIER,
    )
    response = await ask(issuer, grant, dict(signed))
    assert (response.status_code, response.json().get("error")) == (status, None if status == 200 else "invalid_proof")


async def ask(issuer: Issuer, grant: Grant, proof: dict[str, Any]) -> httpx.Response:
    body = {"credential_configuration_id": SD_JWT, "proofs": {"di_vp": [proof]}}
    return await issuer.post_credential(grant.token, body)
