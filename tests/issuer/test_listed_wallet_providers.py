"""Wallet providers on the ecosystem's trust list, fetched over HTTP: each outcome, for wallets and for keys.

PROFILE.md T-02 to T-06, I-45, I-50; decision 0013.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from issuer.app import create_app
from issuer.settings import IssuerSettings
from kernel.importing import Answer, AnswerKind
from kernel.keys import SoftwareSigner
from kernel.openid4vci import create_client_attestation, create_client_attestation_pop, create_key_attestation
from kernel.trust_list import (
    ListPointer,
    ServiceState,
    TrustedEntity,
    TrustedService,
    create_trust_list,
    sign_trust_list,
)
from tests.conftest import NewDatabase
from tests.issuer.code_flow import WALLET, CodeFlow
from tests.issuer.conftest import (
    IDENTIFIER,
    ORG,
    PUBLIC_URL,
    SD_JWT,
    VCDM,
    Issuer,
    create_client,
    create_issuer,
    settings_for,
)
from tests.support.badge_host import serve
from tests.support.certificates import create_authority, create_leaf
from tests.support.clock import NOW, FixedClock
from tests.support.hosts import HostTransport

AUTHORITY, OWN_AUTHORITY = create_authority(NOW), create_authority(NOW)
PROVIDER, SECOND, OWN = create_leaf(AUTHORITY, NOW), create_leaf(AUTHORITY, NOW), create_leaf(OWN_AUTHORITY, NOW)
KEYED = SoftwareSigner.generate()
INSTANCE = SoftwareSigner.generate()
OPERATOR, OTHER_OPERATOR = SoftwareSigner.generate(), SoftwareSigner.generate()
LIST, OTHER_LIST = "https://list.example/list.jwt", "https://other.example/list.jwt"
HOST, OTHER_HOST = "list.example:443", "other.example:443"
VCT = f"{PUBLIC_URL}/vct/skill-badge/1"
LONG_AGO = NOW - timedelta(days=300)
UNKNOWN = (400, "invalid_client_attestation")
OPEN = (503, "temporarily_unavailable")
KINDS = ("attestation", "jwt")

LISTED = TrustedService("Wallet", "wallet-provision", (ServiceState("granted", LONG_AGO),))
BY_AUTHORITY = replace(LISTED, certificates=(AUTHORITY.certificate,))
BY_LEAF = replace(LISTED, certificates=(PROVIDER.certificate,))
BY_KEY = replace(LISTED, keys=(KEYED.public_key,))
WITHDRAWN = (ServiceState("withdrawn", NOW - timedelta(days=1)), *LISTED.states)


@dataclass
class Ecosystem:
    """An issuer that goes by the list, and the host of the list."""

    issuer: Issuer
    transport: HostTransport
    sequence: int = 0

    def publish(self, *services: TrustedService, at: str = LIST, **changes: Any) -> None:
        """The list with exactly these services; a later one has a higher number."""
        self.sequence += 1
        payload = create_trust_list(
            scheme="https://trust.example",
            operator_names={"nl": "Ecosysteem"},
            territory="NL",
            sequence=self.sequence,
            issued_at=self.issuer.clock(),
            next_update=self.issuer.clock() + timedelta(days=1),
            entities=[TrustedEntity({"nl": "Aanbieder"}, services)] if services else [],
            **changes,
        )
        signer = OPERATOR if at == LIST else OTHER_OPERATOR
        raw = sign_trust_list(payload, signer=signer, header={"kid": "operator"})
        pages = {at: Answer(AnswerKind.FOUND, raw.encode())}
        self.transport.apps[HOST if at == LIST else OTHER_HOST] = serve(pages, media_type="application/jwt")
        self.issuer.clock.advance(timedelta(minutes=6))

    async def push(self, signer: SoftwareSigner = PROVIDER.signer, **header: Any) -> tuple[int, str]:
        """A pushed authorization request of a wallet with an attestation."""
        now = self.issuer.clock()
        challenge = (await self.issuer.client.post(f"/{ORG}/challenge")).json()["attestation_challenge"]
        attestation = create_client_attestation(
            signer=signer,
            client_id=WALLET,
            instance_key=INSTANCE.public_key.jwk,
            issued_at=now,
            expires_at=now + timedelta(hours=1),
            header=header or {"x5c": [PROVIDER.x5c]},
        )
        pop = create_client_attestation_pop(signer=INSTANCE, audience=IDENTIFIER, now=now, challenge=challenge)
        headers = {"OAuth-Client-Attestation": attestation, "OAuth-Client-Attestation-PoP": pop}
        return outcome(await CodeFlow.start(self.issuer).push(headers=headers))

    async def ask(
        self,
        kind: str,
        configuration: str = SD_JWT,
        *,
        signer: SoftwareSigner = PROVIDER.signer,
        **header: Any,
    ) -> tuple[int, str]:
        """A credential request with a key attestation, as a proof of its own or inside one."""
        now = self.issuer.clock()
        attestation = create_key_attestation(
            signer=signer,
            keys=[INSTANCE.public_key.jwk],
            issued_at=now,
            expires_at=now + timedelta(hours=1),
            nonce=await self.issuer.nonce(),
            header=header or {"x5c": [PROVIDER.x5c]},
        )
        given = attestation if kind == "attestation" else await self.issuer.proof(INSTANCE, key_attestation=attestation)
        body = {"credential_configuration_id": configuration, "proofs": {kind: [given]}}
        token = (await self.issuer.redeem(await self.issuer.award())).token
        return outcome(await self.issuer.post_credential(token, body))


def outcome(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("error", "")


@pytest.fixture
async def ecosystem(new_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Ecosystem]:
    """An issuer with the list, and one authority of its own besides."""
    own, transport = tmp_path / "own.pem", HostTransport()
    own.write_bytes(OWN_AUTHORITY.certificate.public_bytes(Encoding.PEM))
    made = await create_issuer(
        new_database("issuer"),
        clock,
        transport=transport,
        wallet_provider_certificates=own,
        **from_list(),
    )
    yield Ecosystem(made, transport)
    await made.client.aclose()
    await made.app.state.service.close()


def from_list() -> dict[str, Any]:
    return {
        "listed_wallet_providers": True,
        "trust_list": LIST,
        "trust_list_signer": json.dumps(OPERATOR.public_key.jwk),
    }


@pytest.mark.parametrize("service", [BY_AUTHORITY, BY_LEAF])
async def test_T05_I45_I50_a_listed_wallet_provider_vouches_for_wallets_and_keys(
    ecosystem: Ecosystem, service: TrustedService
) -> None:
    ecosystem.publish(service)
    assert await ecosystem.push() == (201, "")
    for kind in KINDS:
        assert await ecosystem.ask(kind) == (200, "")
    second = {"signer": SECOND.signer, "x5c": [SECOND.x5c]}
    expected = (201, "") if service is BY_AUTHORITY else UNKNOWN
    assert await ecosystem.push(**second) == expected


async def test_T05_a_wallet_provider_without_certificates_is_known_by_its_key(ecosystem: Ecosystem) -> None:
    ecosystem.publish(BY_KEY)
    kid = {"kid": KEYED.public_key.thumbprint}
    assert await ecosystem.push(KEYED, **kid) == (201, "")
    assert await ecosystem.ask("attestation", signer=KEYED, **kid) == (200, "")
    assert await ecosystem.push(SoftwareSigner.generate(), **kid) == UNKNOWN


async def test_T06_a_wallet_provider_that_nobody_lists_is_refused(ecosystem: Ecosystem) -> None:
    ecosystem.publish()
    assert await ecosystem.push() == UNKNOWN
    for kind in KINDS:
        assert await ecosystem.ask(kind) == (400, "invalid_proof")


@pytest.mark.parametrize("withdrawn", [BY_AUTHORITY, BY_LEAF])
async def test_T04_T06_a_withdrawn_wallet_provider_is_refused(ecosystem: Ecosystem, withdrawn: TrustedService) -> None:
    """Also where another entry, of the authority that certified it, still holds."""
    ecosystem.publish(BY_AUTHORITY)
    assert await ecosystem.push() == (201, "")
    ecosystem.publish(BY_AUTHORITY, replace(withdrawn, states=WITHDRAWN))
    assert await ecosystem.push() == UNKNOWN
    for kind in KINDS:
        assert await ecosystem.ask(kind) == (400, "invalid_proof")


async def test_T06_the_list_withdraws_also_whom_the_settings_name(ecosystem: Ecosystem) -> None:
    own = {"signer": OWN.signer, "x5c": [OWN.x5c]}
    ecosystem.publish()
    assert await ecosystem.push(**own) == (201, "")
    ecosystem.publish(replace(LISTED, certificates=(OWN_AUTHORITY.certificate,), states=WITHDRAWN))
    assert await ecosystem.push(**own) == UNKNOWN
    assert await ecosystem.ask("jwt", **own) == (400, "invalid_proof")


async def test_T04_a_wallet_provider_is_recognised_from_the_day_that_the_list_says(ecosystem: Ecosystem) -> None:
    soon = (ServiceState("granted", ecosystem.issuer.clock() + timedelta(hours=2)),)
    ecosystem.publish(replace(BY_AUTHORITY, states=soon))
    assert await ecosystem.push() == UNKNOWN
    ecosystem.issuer.clock.advance(timedelta(hours=2))
    assert await ecosystem.push() == (201, "")


async def test_T04_key_attestations_count_for_the_types_that_the_list_names(ecosystem: Ecosystem) -> None:
    ecosystem.publish(replace(BY_AUTHORITY, credential_types=frozenset({VCT})))
    for kind in KINDS:
        assert await ecosystem.ask(kind, SD_JWT) == (200, "")
        assert await ecosystem.ask(kind, VCDM) == (400, "invalid_proof")
    assert await ecosystem.push() == (201, "")


@pytest.mark.parametrize("kind", ["issuance", "verification"])
async def test_T05_who_may_certify_issuers_or_verifiers_may_not_by_that_vouch_for_wallets(
    ecosystem: Ecosystem, kind: Any
) -> None:
    ecosystem.publish(replace(BY_AUTHORITY, service=kind))
    assert await ecosystem.push() == UNKNOWN
    assert await ecosystem.ask("attestation") == (400, "invalid_proof")


async def test_T03_while_the_list_cannot_be_had_nobody_is_refused_and_nobody_let_in(ecosystem: Ecosystem) -> None:
    own = {"signer": OWN.signer, "x5c": [OWN.x5c]}
    for given in (own, {}):
        assert await ecosystem.push(**given) == OPEN
        assert await ecosystem.ask("attestation", **given) == OPEN
    token = (await ecosystem.issuer.redeem(await ecosystem.issuer.award())).token
    plain = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [await ecosystem.issuer.proof(INSTANCE)]}}
    assert outcome(await ecosystem.issuer.post_credential(token, plain)) == (200, "")


async def test_T03_the_last_good_list_holds_until_its_next_update(ecosystem: Ecosystem) -> None:
    ecosystem.publish(BY_AUTHORITY)
    assert await ecosystem.push() == (201, "")
    ecosystem.transport.down.add(HOST)
    ecosystem.issuer.clock.advance(timedelta(hours=20))
    assert await ecosystem.push() == (201, "")
    ecosystem.issuer.clock.advance(timedelta(hours=5))
    assert await ecosystem.push() == OPEN


async def test_T06_a_provider_that_another_list_may_know_stays_open_and_one_withdrawn_is_no(
    ecosystem: Ecosystem,
) -> None:
    pointer = ListPointer(OTHER_LIST, (OTHER_OPERATOR.public_key,))
    ecosystem.publish(replace(BY_LEAF, states=WITHDRAWN), pointers=[pointer])
    second = {"signer": SECOND.signer, "x5c": [SECOND.x5c]}
    assert await ecosystem.push(**second) == OPEN
    assert await ecosystem.ask("jwt", **second) == OPEN
    assert await ecosystem.push() == UNKNOWN
    assert await ecosystem.push(SECOND.signer, x5c=[PROVIDER.x5c]) == UNKNOWN
    ecosystem.publish(BY_AUTHORITY, at=OTHER_LIST)
    assert await ecosystem.push(**second) == (201, "")
    assert await ecosystem.push() == UNKNOWN


async def test_T03_A47_no_restart_lets_an_older_list_in(new_database: NewDatabase, clock: FixedClock) -> None:
    url, transport = new_database("issuer"), HostTransport()
    first = await create_issuer(url, clock, transport=transport, **from_list())
    before = Ecosystem(first, transport)
    before.publish(BY_AUTHORITY)
    granted = transport.apps[HOST]
    before.publish(replace(BY_AUTHORITY, states=WITHDRAWN))
    assert await before.push() == UNKNOWN
    await first.client.aclose()
    await first.app.state.service.close()
    transport.apps[HOST] = granted
    app = create_app(first.settings, clock=clock, transport=transport)
    again = Issuer(app, clock, create_client(app), first.admin)
    # The older one is no good list, and the newer one is known from before.
    assert await Ecosystem(again, transport).push() == UNKNOWN
    await again.client.aclose()
    await app.state.service.close()


async def test_I48_metadata_says_that_wallets_may_be_authenticated_and_keys_attested(ecosystem: Ecosystem) -> None:
    server = (await ecosystem.issuer.client.get(f"/.well-known/oauth-authorization-server/{ORG}")).json()
    assert "attest_jwt_client_auth" in server["token_endpoint_auth_methods_supported"]
    offered = (await ecosystem.issuer.client.get(f"/.well-known/openid-credential-issuer/{ORG}")).json()
    assert "attestation" in offered["credential_configurations_supported"][SD_JWT]["proof_types_supported"]


def test_wallet_providers_on_a_list_need_a_list() -> None:
    with pytest.raises(ValueError, match="listed_wallet_providers needs trust_list"):
        settings_for("sqlite:////x", listed_wallet_providers=True)
    assert isinstance(settings_for("sqlite:////x", **from_list()), IssuerSettings)
