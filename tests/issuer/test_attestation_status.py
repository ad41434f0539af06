"""Attestations that their provider can withdraw: its list is asked, and nothing is believed without its answer. A-33.

OpenID4VCI 1.0 Appendix D.1, E; Token Status List §8.3; I-45, I-50.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kernel.importing import Answer, AnswerKind
from kernel.keys import SoftwareSigner
from kernel.openid4vci import create_client_attestation, create_client_attestation_pop, create_key_attestation
from kernel.status.token_status_list import Status, StatusList, create_status_list_token
from tests.conftest import NewDatabase
from tests.issuer.code_flow import WALLET, CodeFlow
from tests.issuer.conftest import IDENTIFIER, ORG, SD_JWT, Issuer, create_issuer
from tests.support.badge_host import serve
from tests.support.certificates import create_authority, create_leaf
from tests.support.clock import NOW, FixedClock
from tests.support.hosts import HostTransport

AUTHORITY = create_authority(NOW)
PROVIDER, OTHER_PROVIDER = create_leaf(AUTHORITY, NOW), create_leaf(AUTHORITY, NOW)
INSTANCE = SoftwareSigner.generate()
HOST = "provider.example:443"
URI = "https://provider.example/status/1"
CLAIM = {"status_list": {"idx": 7, "uri": URI}}


@dataclass
class Trusting:
    """An issuer that trusts a wallet provider, and where it looks for that provider's list."""

    issuer: Issuer
    transport: HostTransport = field(default_factory=HostTransport)

    def publish(self, status: Status | int, *, signer: SoftwareSigner = PROVIDER.signer, uri: str = URI) -> None:
        """What the provider's list says of the one attestation that these tests use."""
        listed = StatusList(2)
        listed.set(7, status)
        token = create_status_list_token(
            listed,
            uri=uri,
            signer=signer,
            key_reference={"x5c": [PROVIDER.x5c]},
            issued_at=self.issuer.clock(),
            expires_at=self.issuer.clock() + timedelta(days=1),
            ttl=timedelta(minutes=1),
        )
        self.transport.apps[HOST] = serve(
            {URI: Answer(AnswerKind.FOUND, token.encode())}, media_type="application/statuslist+jwt"
        )

    async def push(self, **changes: Any) -> httpx.Response:
        """A pushed request of a wallet whose attestation can be withdrawn."""
        challenge = (await self.issuer.client.post(f"/{ORG}/challenge")).json()["attestation_challenge"]
        values: dict[str, Any] = {"signer": PROVIDER.signer, "header": {"x5c": [PROVIDER.x5c]}, "status": CLAIM}
        attestation = create_client_attestation(
            client_id=WALLET,
            instance_key=INSTANCE.public_key.jwk,
            issued_at=NOW,
            expires_at=NOW + timedelta(hours=1),
            **{**values, **changes},
        )
        pop = create_client_attestation_pop(
            signer=INSTANCE, audience=IDENTIFIER, now=self.issuer.clock(), challenge=challenge
        )
        headers = {"OAuth-Client-Attestation": attestation, "OAuth-Client-Attestation-PoP": pop}
        return await CodeFlow.start(self.issuer).push(headers=headers)

    async def key_attestation(self, signer: SoftwareSigner = PROVIDER.signer, **changes: Any) -> str:
        return create_key_attestation(
            signer=signer,
            keys=[INSTANCE.public_key.jwk],
            issued_at=NOW,
            expires_at=NOW + timedelta(days=1),
            nonce=await self.issuer.nonce(),
            **{"header": {"x5c": [PROVIDER.x5c]}, "status": CLAIM, **changes},
        )

    async def ask(self, token: str, attestation: str, kind: str = "attestation") -> httpx.Response:
        given = attestation if kind == "attestation" else await self.issuer.proof(INSTANCE, key_attestation=attestation)
        body = {"credential_configuration_id": SD_JWT, "proofs": {kind: [given]}}
        return await self.issuer.post_credential(token, body)

    async def token(self) -> str:
        return (await self.issuer.redeem(await self.issuer.award())).token


@pytest.fixture
async def trusting(new_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Trusting]:
    certificates = tmp_path / "providers.pem"
    certificates.write_bytes(AUTHORITY.certificate.public_bytes(Encoding.PEM))
    transport = HostTransport()
    made = await create_issuer(
        new_database("issuer"), clock, transport=transport, wallet_provider_certificates=certificates
    )
    yield Trusting(made, transport)
    await made.client.aclose()
    await made.app.state.service.close()


def refusal(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("error", "")


async def test_I45_A33_a_wallet_whose_attestation_stands_is_let_in_and_one_withdrawn_is_not(trusting: Trusting) -> None:
    trusting.publish(Status.VALID)
    assert (await trusting.push()).status_code == 201
    assert len(trusting.transport.requests) == 1
    trusting.issuer.clock.advance(timedelta(minutes=2))
    trusting.publish(Status.INVALID)
    assert refusal(await trusting.push()) == (400, "invalid_client_attestation")


@pytest.mark.parametrize("status", [Status.INVALID, Status.SUSPENDED, 3])
async def test_A33_whatever_is_not_valid_is_refused_of_wallets_and_keys_alike(
    trusting: Trusting, status: Status | int
) -> None:
    trusting.publish(status)
    assert refusal(await trusting.push()) == (400, "invalid_client_attestation")
    token = await trusting.token()
    for kind in ("attestation", "jwt"):
        assert refusal(await trusting.ask(token, await trusting.key_attestation(), kind)) == (400, "invalid_proof")


async def test_A33_a_list_that_cannot_be_had_is_never_a_yes(trusting: Trusting) -> None:
    refused = await trusting.push()
    assert refusal(refused) == (503, "temporarily_unavailable")
    assert (refused.headers["cache-control"], "retry-after" in refused.headers) == ("no-store", True)
    token = await trusting.token()
    assert refusal(await trusting.ask(token, await trusting.key_attestation())) == (503, "temporarily_unavailable")


async def test_A33_a_list_that_another_provider_signed_or_that_is_about_another_place_is_none(
    trusting: Trusting,
) -> None:
    """Both providers are trusted here, and neither speaks for the other."""
    for changes in ({"signer": OTHER_PROVIDER.signer}, {"uri": f"{URI}0"}):
        trusting.publish(Status.VALID, **changes)
        assert refusal(await trusting.push()) == (503, "temporarily_unavailable")


async def test_A46_an_older_list_than_one_seen_before_is_none(trusting: Trusting) -> None:
    trusting.publish(Status.VALID)
    kept = trusting.transport.apps[HOST]
    trusting.issuer.clock.advance(timedelta(minutes=2))
    trusting.publish(Status.INVALID)
    assert refusal(await trusting.push()) == (400, "invalid_client_attestation")
    trusting.issuer.clock.advance(timedelta(minutes=2))
    trusting.transport.apps[HOST] = kept
    assert refusal(await trusting.push()) == (503, "temporarily_unavailable")


async def test_A33_a_forged_attestation_makes_nobody_fetch_anything(trusting: Trusting) -> None:
    trusting.publish(Status.VALID)
    forged = SoftwareSigner.generate()
    assert refusal(await trusting.push(signer=forged)) == (400, "invalid_client_attestation")
    attestation = await trusting.key_attestation(forged)
    assert refusal(await trusting.ask(await trusting.token(), attestation)) == (400, "invalid_proof")
    assert trusting.transport.requests == []


@pytest.mark.parametrize("kind", ["attestation", "jwt"])
async def test_I50_A33_a_key_whose_attestation_stands_gets_its_badge_once_the_list_is_there(
    trusting: Trusting, kind: str
) -> None:
    """What could not be looked up used up nothing: the same request goes through later."""
    token, attestation = await trusting.token(), await trusting.key_attestation()
    assert refusal(await trusting.ask(token, attestation, kind)) == (503, "temporarily_unavailable")
    trusting.publish(Status.VALID)
    response = await trusting.ask(token, attestation, kind)
    assert response.status_code == 200, response.text
    assert len(response.json()["credentials"]) == 1


async def test_I50_an_index_beyond_the_list_is_no_status(trusting: Trusting) -> None:
    trusting.publish(Status.VALID)
    beyond = await trusting.key_attestation(status={"status_list": {"idx": 10**9, "uri": URI}})
    assert refusal(await trusting.ask(await trusting.token(), beyond)) == (400, "invalid_proof")
    assert refusal(await trusting.push(status={"status_list": {"idx": 10**9, "uri": URI}})) == (
        400,
        "invalid_client_attestation",
    )
