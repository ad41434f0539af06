"""The real issuer on a real database, with an organisation and a badge, and an honest wallet that can misbehave."""

import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from issuer.api_keys import create_admin_key
from issuer.app import create_app
from issuer.settings import IssuerSettings
from kernel import base64url
from kernel.did import DidDocument, parse_did_document
from kernel.formats import ALGORITHMS, FORMATS, VerifiedCredential, from_wire, parse_credential
from kernel.keys import PublicKey, SoftwareSigner
from kernel.openid4vci import PRE_AUTHORIZED_CODE_GRANT, create_key_proof
from runtime.database import Database
from skills.search import SkillIndex
from tests.conftest import NewDatabase
from tests.support.clock import FixedClock
from tests.support.documented import documented
from tests.support.hosts import HostTransport
from tests.support.loopback import LoopbackTransport

PUBLIC_URL = "https://issuer.example"
ORG = "stmw"
SLUG = "adviseur-lerende-regio"
IDENTIFIER = f"{PUBLIC_URL}/{ORG}"
BASE = f"/back-office/{ORG}"
EMAIL, PASSPHRASE = "staf@stmw.example", "een lange wachtzin"
SD_JWT, VCDM = f"{SLUG}.dc-sd-jwt", f"{SLUG}.vc-sd-jwt"
LDP, LDP_SD = f"{SLUG}.ldp-vc", f"{SLUG}.ldp-vc-sd"
VC_JWT, OPEN_BADGE_JWT = f"{SLUG}.vc-jwt", f"{SLUG}.open-badge-jwt"
CONFIGURATIONS = [SD_JWT, VCDM, LDP, LDP_SD, VC_JWT, OPEN_BADGE_JWT]
ES256 = frozenset({"ES256"})
SKILLS = [
    ("http://data.europa.eu/esco/skill/e437eba1-3e22-41f2-8703-741e94785cba", "personeelsbeleid"),
    ("http://data.europa.eu/esco/skill/896563fc-6255-4419-89c2-ffed30159ad6", "onderzoeksinterviews uitvoeren"),
    ("http://data.europa.eu/esco/skill/56042303-972b-41be-9310-58467599ff7e", "bedrijfsprocessen analyseren"),
    ("http://data.europa.eu/esco/skill/c544a9f3-5945-4b54-afed-de0697852817", "analyseresultaten rapporteren"),
]
SANNE = {"given_name": "Sanne", "family_name": "de Vries", "email": "sanne@student.example"}
PNG = base64url.decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk-M9QDwADhgGAWjR9awAAAABJRU5ErkJggg")


def achievement(**changes: Any) -> dict[str, Any]:
    """A valid description of an achievement, with anything changed; None leaves a member out."""
    description: dict[str, Any] = {
        "slug": SLUG,
        "name": {"nl": "Adviseur Lerende Regio", "en": "Learning Region Adviser"},
        "description": {"nl": "Deed onderzoek en adviseerde bedrijven.", "en": "Did research and advised companies."},
        "criteria": {"nl": "Een adviesrapport en een gesprek."},
        "assessment": {"nl": "Beoordeeld door twee mensen."},
        "achievement_type": "Badge",
        "skills": [{"uri": uri, "name": name, "framework": "ESCO"} for uri, name in SKILLS],
    }
    return {name: value for name, value in {**description, **changes}.items() if value is not None}


def recipient(number: int = 0, **changes: Any) -> dict[str, Any]:
    """Somebody to award to."""
    return {**SANNE, "email": f"student{number}@student.example" if number else SANNE["email"], **changes}


def settings_for(database_url: str, **changes: Any) -> IssuerSettings:
    """Complete settings of an issuer in production form."""
    values: dict[str, Any] = {
        "public_url": PUBLIC_URL,
        "database_url": database_url,
        "encryption_key": base64url.encode(secrets.token_bytes(32)),
        "badge_vct": f"{PUBLIC_URL}/vct/skill-badge/1",
        "wallet_url": "https://wallet.example",
        "requests_per_minute": 0,
    }
    return IssuerSettings(**{**values, **changes})


def create_client(
    app: FastAPI, host: str = "192.0.2.1", *, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """A client at its own address, which takes no answer that the OpenAPI document does not know."""
    transport = transport or httpx.ASGITransport(app, raise_app_exceptions=False, client=(host, 1234))
    return httpx.AsyncClient(transport=transport, base_url=PUBLIC_URL, event_hooks={"response": [documented("issuer")]})


@dataclass
class Grant:
    """An access token, and what came with it."""

    response: httpx.Response

    @property
    def token(self) -> str:
        return str(self.response.json()["access_token"])


@dataclass
class Issuer:
    """The application under test, with the hands of its management and of a wallet."""

    app: FastAPI
    clock: FixedClock
    client: httpx.AsyncClient
    admin: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        database: Database = self.app.state.service.database
        return database

    @property
    def settings(self) -> IssuerSettings:
        settings: IssuerSettings = self.app.state.service.settings
        return settings

    # Management

    async def api(self, method: str, path: str, **given: Any) -> httpx.Response:
        headers = {**self.admin, **given.pop("headers", {})}
        return await self.client.request(method, f"/api{path}", headers=headers, **given)

    async def add_organisation(self, slug: str = ORG, **changes: Any) -> dict[str, Any]:
        body = {"slug": slug, "name": f"Organisatie {slug}", "url": "https://stmw.example", **changes}
        response = await self.api("POST", "/organisations", json=body)
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def add_achievement(self, org: str = ORG, **changes: Any) -> httpx.Response:
        return await self.api("POST", f"/organisations/{org}/achievements", json=achievement(**changes))

    async def post_awards(self, org: str = ORG, *, key: str | None = None, **body: Any) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        body = {"recipients": [recipient()], **body}
        return await self.api("POST", f"/organisations/{org}/achievements/{SLUG}/awards", json=body, headers=headers)

    async def award(self, org: str = ORG, **body: Any) -> dict[str, Any]:
        """One award, with its offer."""
        response = await self.post_awards(org, **body)
        assert response.status_code == 201, response.text
        return dict(response.json()["awards"][0])

    async def get_award(self, award_id: str) -> dict[str, Any]:
        return dict((await self.api("GET", f"/organisations/{ORG}/awards/{award_id}")).json())

    async def change(self, award_id: str, change: str, reason: str = "Vergissing") -> httpx.Response:
        return await self.api("POST", f"/organisations/{ORG}/awards/{award_id}/{change}", json={"reason": reason})

    # A wallet

    async def offer(self, award: dict[str, Any]) -> dict[str, Any]:
        response = await self.client.get(award["offer"]["credential_offer_uri"])
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def code(self, award: dict[str, Any]) -> str:
        return str((await self.offer(award))["grants"][PRE_AUTHORIZED_CODE_GRANT]["pre-authorized_code"])

    async def post_token(
        self, code: str, tx_code: str | None, *, org: str = ORG, client: httpx.AsyncClient | None = None, **more: str
    ) -> httpx.Response:
        form = {"grant_type": PRE_AUTHORIZED_CODE_GRANT, "pre-authorized_code": code, **more}
        form |= {} if tx_code is None else {"tx_code": tx_code}
        return await (client or self.client).post(f"/{org}/token", data=form)

    async def redeem(self, award: dict[str, Any], **more: str) -> Grant:
        response = await self.post_token(await self.code(award), award["offer"]["tx_code"], **more)
        assert response.status_code == 200, response.text
        return Grant(response)

    async def nonce(self, org: str = ORG) -> str:
        return str((await self.client.post(f"/{org}/nonce")).json()["c_nonce"])

    async def proof(self, signer: SoftwareSigner | None = None, **changes: Any) -> str:
        values: dict[str, Any] = {"audience": IDENTIFIER, "nonce": None, "now": self.clock(), **changes}
        if values["nonce"] is None:
            values["nonce"] = await self.nonce()
        return create_key_proof(signer=signer or SoftwareSigner.generate(), **values)

    async def post_credential(
        self, token: str, body: Any, *, org: str = ORG, client: httpx.AsyncClient | None = None, **headers: str
    ) -> httpx.Response:
        sent = {"Authorization": f"Bearer {token}", **headers}
        return await (client or self.client).post(f"/{org}/credential", json=body, headers=sent)

    async def request(self, token: str, proofs: Sequence[str], *, configuration: str = SD_JWT) -> httpx.Response:
        body = {"credential_configuration_id": configuration, "proofs": {"jwt": list(proofs)}}
        return await self.post_credential(token, body)

    async def fetch(
        self, award: dict[str, Any] | None = None, *, copies: int = 1, configuration: str = SD_JWT
    ) -> list[str]:
        """Receive an award as a wallet does, in several copies."""
        grant = await self.redeem(award or await self.award())
        nonce = await self.nonce()
        proofs = [await self.proof(nonce=nonce) for _ in range(copies)]
        response = await self.request(grant.token, proofs, configuration=configuration)
        assert response.status_code == 200, response.text
        return [from_wire(entry["credential"]) for entry in response.json()["credentials"]]

    async def did_document(self, org: str = ORG) -> DidDocument:
        response = await self.client.get(f"/{org}/did.json")
        return parse_did_document(response.content, did=f"did:web:issuer.example:{org}")

    async def issuer_key(self, kid: str) -> PublicKey:
        return (await self.did_document()).find_key(kid, relation="assertionMethod")

    async def method_type(self, kid: str | None, org: str = ORG) -> str:
        """The form in which the DID document has a key under this name."""
        [method] = [each for each in (await self.did_document(org)).raw["verificationMethod"] if each["id"] == kid]
        return str(method["type"])

    async def signing_kid(self, raw: str) -> str:
        """Of the key that signed a credential, the name by which staff know it."""
        document = await self.did_document()
        key = document.find_key(str(parse_credential(raw).key_id), relation="assertionMethod")
        kids = named_kids(document.raw)
        return next(kid for kid in kids if document.find_key(kid, relation="assertionMethod") == key)

    async def verify(self, raw: str) -> VerifiedCredential:
        """Believe a credential only by the issuer's published key."""
        credential = parse_credential(raw)
        key = await self.issuer_key(str(credential.key_id))
        algorithms = ALGORITHMS[credential.format]
        return FORMATS[credential.format].verify(credential, key=key, algorithms=algorithms, now=self.clock())


class Browser:
    """A browser that follows links and fills in forms, and nothing else."""

    def __init__(self, issuer: Issuer, host: str = "192.0.2.10") -> None:
        self.client = create_client(issuer.app, host)
        self.client.headers["Accept"] = "text/html"
        self.page = ""

    async def get(self, path: str) -> httpx.Response:
        response = await self.client.get(path, follow_redirects=True)
        self.page = response.text
        return response

    async def post(
        self, path: str, files: dict[str, tuple[str, bytes]] | None = None, **fields: object
    ) -> httpx.Response:
        """Send a form with the token of the page in sight."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.page)
        data = {"csrf_token": found[1] if found else "", **fields}
        response = await self.client.post(path, data=data, files=files, follow_redirects=True)
        self.page = response.text
        return response

    async def sign_in(self, passphrase: str = PASSPHRASE) -> httpx.Response:
        await self.get("/sign-in")
        return await self.post("/sign-in", email=EMAIL, passphrase=passphrase, next=BASE)


async def add_operator(issuer: Issuer, org: str = ORG, email: str = EMAIL) -> None:
    body = {"email": email, "name": "Anneke Bos", "passphrase": PASSPHRASE}
    response = await issuer.api("POST", f"/organisations/{org}/operators", json=body)
    assert response.status_code == 201, response.text


def named_kids(did_document: Mapping[str, Any]) -> list[str]:
    """Each key once, by the name that we gave it: `algorithm-year-number`."""
    return [kid for kid in did_document["assertionMethod"] if re.search(r"#[a-z0-9]+-\d{4}-\d+$", kid)]


async def create_issuer(
    url: str,
    clock: FixedClock,
    *,
    skills: SkillIndex | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    wire: HostTransport | None = None,
    described: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Issuer:
    """An issuer with one organisation and one badge, perhaps `described` otherwise; reached by the wire, if any."""
    app = create_app(settings_for(url, **changes), clock=clock, skills=skills, transport=transport)
    key = await create_admin_key(app.state.service.database, now=clock())
    client = create_client(app, transport=wire and wire.door(app, "issuer.example:443"))
    issuer = Issuer(app, clock, client, {"Authorization": f"Bearer {key}"})
    await issuer.add_organisation()
    assert (await issuer.add_achievement(**(described or {}))).status_code == 201
    return issuer


@pytest.fixture
def issuer_changes() -> dict[str, Any]:
    """What a module's issuer is set to otherwise."""
    return {}


@pytest.fixture
def described() -> dict[str, Any]:
    """What a module's badge says otherwise."""
    return {}


@pytest.fixture
async def issuer(
    new_sqlite_database: NewDatabase,
    clock: FixedClock,
    wire: HostTransport,
    issuer_changes: dict[str, Any],
    described: dict[str, Any],
) -> AsyncIterator[Issuer]:
    """On SQLite, for what the kind of database cannot change."""
    served = wire if isinstance(wire, LoopbackTransport) else None
    made = await create_issuer(new_sqlite_database("issuer"), clock, wire=served, described=described, **issuer_changes)
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


@pytest.fixture
async def any_issuer(
    new_database: NewDatabase, clock: FixedClock, issuer_changes: dict[str, Any], described: dict[str, Any]
) -> AsyncIterator[Issuer]:
    """On SQLite and once more on PostgreSQL, for what depends on transactions."""
    made = await create_issuer(new_database("issuer"), clock, described=described, **issuer_changes)
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


@pytest.fixture
async def browser(issuer: Issuer) -> AsyncIterator[Browser]:
    """Signed in at the back office."""
    await add_operator(issuer)
    made = Browser(issuer)
    assert (await made.sign_in()).url.path == BASE
    yield made
    await made.client.aclose()
