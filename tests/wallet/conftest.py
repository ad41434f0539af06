"""One wallet service on a real database, with a simulated issuer and verifier as the other parties."""

import json
import re
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from fastapi import FastAPI

from kernel import base64url
from kernel.keys import SoftwareSigner
from kernel.trust_list import ServiceState, TrustedEntity, TrustedService, create_trust_list, sign_trust_list
from runtime import encryption
from runtime.jitter import no_jitter
from tests.support.certificates import create_authority, create_leaf
from tests.support.clock import NOW, FixedClock
from tests.support.hosts import HostTransport
from tests.support.simulated_issuer import VCT, SimulatedIssuer
from tests.support.simulated_verifier import SimulatedVerifier
from wallet.app import create_app
from wallet.settings import WalletSettings

WALLET = "https://wallet.example"
PASSPHRASE = "paard batterij nietje juist"
OPEN_BADGE = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential"
CSRF = re.compile(r'name="csrf_token" value="([0-9a-f]+)"')
ONLY_WAY = re.compile(r'<input type="hidden" name="(q[0-9]+)" value="([^"]+)">')


@dataclass
class Holder:
    """Somebody who uses the API."""

    http: httpx.AsyncClient
    name: str
    passphrase: str = PASSPHRASE
    recovery_code: str = ""
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Accept-Language": "nl"} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.http.request(method, f"/api{path}", json=body, headers=self.headers)

    async def sign_up(self) -> None:
        made = await self.call("POST", "/accounts", {"name": self.name, "passphrase": self.passphrase})
        self.recovery_code = made.raise_for_status().json()["recovery_code"]
        await self.sign_in()

    async def sign_in(self) -> httpx.Response:
        answer = await self.call("POST", "/sessions", {"name": self.name, "passphrase": self.passphrase})
        self.token = answer.raise_for_status().json()["token"]
        return answer

    async def open_offer(self, link: str) -> dict[str, Any]:
        answer = await self.call("POST", "/offers", {"offer": link})
        return dict(answer.raise_for_status().json())

    async def accept(self, offer_id: str, **body: Any) -> httpx.Response:
        return await self.call("POST", f"/offers/{offer_id}/accept", body)

    async def begin(self, link: str, **body: Any) -> tuple[dict[str, Any], str]:
        """Open an offer and return it, with the address where its holder signs in."""
        offer = await self.open_offer(link)
        answer = await self.call("POST", f"/offers/{offer['id']}/authorization", body)
        return offer, str(answer.raise_for_status().json()["authorization_url"])

    async def come_back(self, url: str) -> httpx.Response:
        """Bring the wallet what the authorization server answered."""
        address, _, query = url.partition("?")
        answer = {"redirect_uri": address, **dict(parse_qsl(query))}
        return await self.call("POST", "/authorization-responses", answer)

    async def receive(self, link: str, tx_code: str | None = None) -> dict[str, Any]:
        offer = await self.open_offer(link)
        answer = await self.accept(offer["id"], **({"tx_code": tx_code} if tx_code else {}))
        badges = answer.raise_for_status().json()["credentials"]
        return dict(badges[0])

    async def badges(self) -> list[dict[str, Any]]:
        return list((await self.call("GET", "/credentials")).raise_for_status().json()["credentials"])

    async def history(self) -> list[dict[str, Any]]:
        return list((await self.call("GET", "/history")).raise_for_status().json()["history"])

    async def open_request(self, link: str) -> dict[str, Any]:
        answer = await self.call("POST", "/requests", {"request": link})
        return dict(answer.raise_for_status().json())


@dataclass
class Browser:
    """Somebody who uses the pages: keeps cookies, and submits the forms that it is shown."""

    http: httpx.AsyncClient
    page: str = ""
    answer: httpx.Response | None = None

    async def get(self, path: str) -> httpx.Response:
        return await self._keep(await self.http.get(path))

    async def post(self, path: str, *, files: Any = None, **fields: str) -> httpx.Response:
        token = CSRF.search(self.page)
        # Where there is nothing to choose, a browser sends what the page holds.
        held = dict(ONLY_WAY.findall(self.page)) if path.endswith("/accept") else {}
        form = {"csrf_token": token[1] if token else ""} | held | fields
        return await self._keep(await self.http.post(path, data=form, files=files))

    async def sign_up(self, name: str) -> None:
        await self.get("/sign-up")
        answer = await self.post("/sign-up", name=name, passphrase=PASSPHRASE, next="/badges")
        assert answer.status_code == 200

    async def follow(self, answer: httpx.Response) -> httpx.Response:
        return await self.get(answer.headers["location"])

    async def _keep(self, answer: httpx.Response) -> httpx.Response:
        if "text/html" in answer.headers.get("content-type", ""):
            self.page = answer.text
        self.answer = answer
        return answer


@dataclass
class House:
    """The wallet and the parties around it. `transport.requests` has what the wallet sent."""

    app: FastAPI
    settings: WalletSettings
    clock: FixedClock
    transport: HostTransport
    issuer: SimulatedIssuer
    verifier: SimulatedVerifier
    database_url: str
    trust_file: Path
    trust_signer: SoftwareSigner
    _clients: list[httpx.AsyncClient] = field(default_factory=list)
    _count: int = 0

    def client(self, *, source: str = "192.0.2.1", **more: Any) -> httpx.AsyncClient:
        """Somebody's client, at an address of its own where the test is in one process."""
        door = self.transport.door(self.app, "wallet.example:443", source=source)
        self._clients.append(httpx.AsyncClient(transport=door, base_url=WALLET, **more))
        return self._clients[-1]

    async def new_holder(self, name: str = "") -> Holder:
        self._count += 1
        holder = Holder(self.client(), name or f"holder-{self._count}")
        await holder.sign_up()
        return holder

    async def visit(self, url: str) -> str:
        """Go to an issuer's page as a browser does, say yes there, and return where it sends the browser back to."""
        async with httpx.AsyncClient(transport=self.transport) as http:
            answer = await http.get(url)
        assert answer.status_code == 303
        return str(answer.headers["location"])

    def new_browser(self, language: str = "nl") -> Browser:
        return Browser(self.client(headers={"Accept": "text/html", "Accept-Language": language}))

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()
        await self.app.state.service.close()

    def sign_trust_list(self, *services: TrustedService, valid_for: timedelta = timedelta(days=7)) -> None:
        """Replace the ecosystem's list by one with these services of one entity."""
        listed = services or (self.issuance(), self.verification())
        payload = create_trust_list(
            scheme="https://trust.example",
            operator_names={"nl": "Skillsregio Rivierenland"},
            territory="NL",
            sequence=1,
            issued_at=self.clock() - timedelta(days=1),
            next_update=self.clock() + valid_for,
            entities=[TrustedEntity(names={"nl": f"Partij {s.name}"}, services=(s,)) for s in listed],
        )
        self.trust_file.write_text(sign_trust_list(payload, signer=self.trust_signer, header={"kid": "trust-1"}))

    def issuance(self, **changes: Any) -> TrustedService:
        values: dict[str, Any] = {
            "name": "uitgifte",
            "service": "issuance",
            "states": (ServiceState("granted", NOW - timedelta(days=365)),),
            "identifiers": frozenset({self.issuer.did}),
            "credential_types": frozenset({VCT, OPEN_BADGE}),
            "achievement_types": frozenset({"Badge"}),
        }
        return TrustedService(**{**values, **changes})

    def verification(self, **changes: Any) -> TrustedService:
        values: dict[str, Any] = {
            "name": "werkgever",
            "service": "verification",
            "states": (ServiceState("granted", NOW - timedelta(days=365)),),
            "identifiers": frozenset({f"did:web:{self.verifier.host}:{self.verifier.slug}"}),
        }
        return TrustedService(**{**values, **changes})


def create_house(
    url: str, folder: Path, *, now: datetime = NOW, transport: HostTransport | None = None, **settings: Any
) -> House:
    """Everybody in one process, at one moment; the wallet's provider has a key under an authority of its own."""
    authority = create_authority(now)
    leaf = create_leaf(authority, now)
    certificates = folder / "provider.pem"
    certificates.write_bytes(leaf.certificate.public_bytes(Encoding.PEM))
    provider = {
        "provider_key": json.dumps(dict(leaf.signer.private_jwk())),
        "provider_certificates": certificates,
    }
    clock, transport, trust_signer = FixedClock(now), transport or HostTransport(), SoftwareSigner.generate()
    issuer, verifier = SimulatedIssuer(clock), SimulatedVerifier(clock)
    transport.apps |= {"issuer.example:443": issuer.app(), "verifier.example:443": verifier.app()}
    trust_file = folder / "trust.jwt"
    made = WalletSettings(
        public_url=WALLET,
        database_url=url,
        encryption_key=base64url.encode(secrets.token_bytes(32)),
        trust_list=str(trust_file),
        trust_list_signer=json.dumps(trust_signer.public_key.jwk),
        **provider | settings,
    )
    app = create_app(made, transport=transport, clock=clock, jitter=no_jitter)
    issuer.anchors.append(authority.certificate)
    house = House(app, made, clock, transport, issuer, verifier, url, trust_file, trust_signer)
    house.sign_trust_list()
    return house


@pytest.fixture
def settings() -> dict[str, Any]:
    """What a module sets besides; it overrides this fixture."""
    return {}


@pytest.fixture
async def house(
    new_sqlite_database: Callable[[str | None], str], tmp_path: Path, wire: HostTransport, settings: dict[str, Any]
) -> AsyncIterator[House]:
    """On SQLite alone: for what the kind of database cannot change."""
    opened = create_house(new_sqlite_database("wallet"), tmp_path, transport=wire, **settings)
    yield opened
    await opened.close()


@pytest.fixture
async def house_twice(
    new_database: Callable[[str | None], str], tmp_path: Path, wire: HostTransport
) -> AsyncIterator[House]:
    """On both databases: for what several callers do at once."""
    opened = create_house(new_database("wallet"), tmp_path, transport=wire)
    yield opened
    await opened.close()


@pytest.fixture
def cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that sign in again and again: what a passphrase costs is not what they are about."""
    monkeypatch.setattr(encryption, "_ARGON2_MEMORY_KIB", 64)
    monkeypatch.setattr(encryption, "_ARGON2_PASSES", 1)


@pytest.fixture
async def holder(house: House) -> Holder:
    return await house.new_holder("Sanne")
