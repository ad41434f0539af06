"""The verifier as it runs: real app, real database, an issuer and a trust list behind their hosts, a fixed clock."""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import FastAPI

from kernel import base64url
from kernel.keys import SoftwareSigner
from runtime.jitter import no_jitter
from runtime.service import Service
from skills.relations import MatchKind, RelatedSkill
from skills.search import SkillIndex
from skills.skill import Skill
from tests.conftest import NewDatabase, NewWire
from tests.support.badges import SKILLS
from tests.support.clock import FixedClock
from tests.support.documented import documented
from tests.support.hosts import HostTransport
from tests.support.simulated_wallet import Misbehaviour, SimulatedWallet
from tests.verifier.issuer_host import VCT, IssuerHost, create_list
from verifier.app import create_app
from verifier.settings import VerifierSettings

ADMIN_KEY = "a-key-of-the-deployment-that-is-long-enough"
VERIFIER = "https://verifier.example"
SKILL_URIS = tuple(SKILLS)
PERSON = ("Sanne", "de Vries", "sanne@student.example")


class FewSkills(SkillIndex):
    """A taxonomy of the test badge's skills, in which the first one lies below a broader one."""

    BROADER = "http://data.europa.eu/esco/skill/broader"
    ALIAS = "https://linkeddata.example/id/another-address/1"
    EXACT = "https://linkeddata.example/id/exactly-the-second/1"
    CLOSE = "https://linkeddata.example/id/close-to-the-second/1"
    RELATED: ClassVar[dict[str, tuple[MatchKind, ...]]] = {EXACT: ("exact",), CLOSE: ("close", "broad", "narrow")}

    def __init__(self) -> None:
        super().__init__(None)
        names = {**SKILLS, self.BROADER: "denken"}
        self._skills = {
            uri: Skill(uri, {"nl": name, "en": f"{name} (en)"} if uri != SKILL_URIS[2] else {"en": "doing research"})
            for uri, name in names.items()
        }

    @property
    def available(self) -> bool:
        return True

    def search(self, text: str, *, language: Any, limit: int = 10) -> list[Skill]:
        return [skill for skill in self._skills.values() if text.lower() in skill.label(language).lower()][:limit]

    def get(self, uri: str) -> Skill | None:
        return self._skills.get(uri)

    def narrower(self, uri: str) -> list[str]:
        return [SKILL_URIS[0]] if uri == self.BROADER else []

    def with_aliases(self, uris: Iterable[str]) -> list[str]:
        return [each for uri in uris for each in ((uri, SKILL_URIS[0]) if uri == self.ALIAS else (uri,))]

    def with_exact_matches(self, uris: Iterable[str]) -> list[str]:
        found = (
            (uri, *(each.skill.uri for each in self.related(uri) if each.kind == "exact"))
            for uri in self.with_aliases(uris)
        )
        return list(dict.fromkeys(each for group in found for each in group))

    def related(self, uri: str) -> list[RelatedSkill]:
        return [RelatedSkill(kind, self._skills[SKILL_URIS[1]]) for kind in self.RELATED.get(uri, ())]


@dataclass
class Stage:
    """Everything that a test of the verifier plays with."""

    clock: FixedClock
    issuer: IssuerHost
    transport: HostTransport
    trust_file: Path
    trust_signer: SoftwareSigner
    app: FastAPI
    browser: httpx.AsyncClient
    admin: httpx.AsyncClient
    holder: SoftwareSigner = field(default_factory=SoftwareSigner.generate)
    api_key: str = ""
    badge_index: int = 0

    @property
    def service(self) -> Service[VerifierSettings]:
        return self.app.state.service

    @property
    def api(self) -> httpx.AsyncClient:
        return self.client({"authorization": f"Bearer {self.api_key}"})

    def client(self, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
        """A fresh client, with cookies of its own, which takes no answer that the OpenAPI document does not know."""
        hooks = {"response": [documented("verifier")]}
        return httpx.AsyncClient(transport=self.transport, base_url=VERIFIER, headers=headers, event_hooks=hooks)

    def wallet(self) -> SimulatedWallet:
        return SimulatedWallet(self.client(), self.clock)

    def holding(self, format_id: str = "dc+sd-jwt", **badge: Any) -> SimulatedWallet:
        """A wallet that holds one badge, a good one unless told otherwise."""
        wallet = self.wallet()
        issuer: IssuerHost = badge.pop("issuer", self.issuer)
        raw, self.badge_index = issuer.issue(format_id, holder=self.holder, **badge)
        signer: SoftwareSigner | None = badge.get("signer")
        wallet.keep(raw, self.holder, signer.public_key if signer else issuer.key_of(format_id))
        return wallet

    def write_trust_list(self, *issuers: IssuerHost, **changes: Any) -> None:
        self.trust_file.write_text(create_list(*issuers, signer=self.trust_signer, **changes))

    async def ask(self, *uris: str, **body: Any) -> dict[str, Any]:
        """Ask for these skills through the API."""
        skills = body.pop("skills", None) or [{"uri": uri} for uri in (uris or SKILL_URIS[:2])]
        response = await self.api.post(
            "/api/relying-parties/bakker/presentations",
            json={"purpose": "Vacature adviseur", "skills": skills, **body},
        )
        assert response.status_code == 201, response.text
        started: dict[str, Any] = response.json()
        return started

    async def result(self, started: dict[str, Any]) -> dict[str, Any]:
        response = await self.api.get(f"/api/relying-parties/bakker/presentations/{started['id']}")
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    async def ask_and_answer(
        self, wallet: SimulatedWallet, misbehaviour: Misbehaviour | None = None, **body: Any
    ) -> tuple[httpx.Response, dict[str, Any]]:
        """The whole way: ask, answer, look."""
        started = await self.ask(**body)
        reply = await wallet.answer(started["link"], misbehaviour or Misbehaviour())
        return reply, await self.result(started)


MakeStage = Callable[..., Any]


@pytest.fixture
async def make_stage(tmp_path: Path, new_wire: NewWire) -> AsyncIterator[MakeStage]:
    """Builds stages on a database of the test's choice; all are shut down after it."""
    async with AsyncExitStack() as stack:

        async def make(database_url: str, **settings: Any) -> Stage:
            clock = FixedClock()
            issuer = IssuerHost(clock)
            wire = await new_wire()
            wire.apps["issuer.example:443"] = issuer.app()
            trust_signer = SoftwareSigner.generate()
            trust_file = tmp_path / "trust.jwt"
            app = create_app(
                create_settings(database_url, trust_file, trust_signer, **settings),
                transport=wire,
                clock=clock,
                jitter=no_jitter,
                skills=FewSkills(),
            )
            wire.apps["verifier.example:443"] = app
            stage = Stage(
                clock,
                issuer,
                wire,
                trust_file,
                trust_signer,
                app,
                browser=httpx.AsyncClient(transport=wire, base_url=VERIFIER, headers={"accept": "text/html"}),
                admin=httpx.AsyncClient(
                    transport=wire, base_url=VERIFIER, headers={"authorization": f"Bearer {ADMIN_KEY}"}
                ),
            )
            stage.write_trust_list(issuer)
            await stack.enter_async_context(app.router.lifespan_context(app))
            created = await stage.admin.post("/api/relying-parties", json={"slug": "bakker", "name": "Bakker Bouw"})
            assert created.status_code == 201, created.text
            stage.api_key = created.json()["api_key"]
            return stage

        yield make


def create_settings(
    database_url: str, trust_file: Path, trust_signer: SoftwareSigner, **changes: Any
) -> VerifierSettings:
    values: dict[str, Any] = {
        "public_url": VERIFIER,
        "database_url": database_url,
        "encryption_key": base64url.encode(secrets.token_bytes(32)),
        "badge_vct_values": VCT,
        "admin_key": ADMIN_KEY,
        "trust_list": str(trust_file),
        "trust_list_signer": json.dumps(trust_signer.public_key.jwk),
        # Messages go out when a test says so: a worker that wakes meanwhile would take a step that is counted.
        "webhook_interval": timedelta(days=1),
    }
    return VerifierSettings(**{**values, **changes})


@pytest.fixture
async def stage(make_stage: MakeStage, new_sqlite_database: NewDatabase) -> Stage:
    """One verifier on SQLite, with one relying party."""
    made: Stage = await make_stage(new_sqlite_database("verifier"))
    return made


@pytest.fixture
async def any_stage(make_stage: MakeStage, new_database: NewDatabase) -> Stage:
    """The same on SQLite and again on PostgreSQL."""
    made: Stage = await make_stage(new_database("verifier"))
    return made
