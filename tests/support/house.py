"""The three services in one process, wired to each other, with a signed trust list and people who use them.

async with open_house(new_database, tmp_path) as house:
    badge = await house.award()                      # an offer for one person
    student = await house.new_wallet("sanne")        # the wallet service's own client
    stranger = house.stranger                        # a wallet on the kernel that can misbehave
"""

import itertools
import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from cli.clients import IssuerClient, VerifierClient, WalletClient
from cli.hostile import HeldBadge, PracticeParty, StrangeWallet
from cli.trust_files import Entry, add_entry, create_list, sign_list
from issuer.api_keys import create_admin_key
from issuer.app import create_app as create_issuer
from issuer.settings import IssuerSettings
from kernel import base64url
from kernel.did import did_web
from kernel.formats import StatusReference
from kernel.keys import SoftwareSigner
from kernel.open_badges import CredentialDataset
from runtime.database import Database
from runtime.jitter import no_jitter
from tests.support.clock import FixedClock
from tests.support.hosts import HostTransport
from verifier.app import create_app as create_verifier
from verifier.settings import VerifierSettings
from wallet.app import create_app as create_wallet
from wallet.settings import WalletSettings

ISSUER = "https://issuer.skills.example"
WALLET = "https://wallet.skills.example"
VERIFIER = "https://verifier.skills.example"
PRACTICE = "https://practice.skills.example"
VCT = f"{ISSUER}/vct/skill-badge/1"
OPEN_BADGE = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential"
ORGANISATION, ACHIEVEMENT, RECRUITER = "techniek", "adviseur", "werkt"

ESCO = "http://data.europa.eu/esco/skill/"
HRM = f"{ESCO}e437eba1-3e22-41f2-8703-741e94785cba"
REPORTING = f"{ESCO}c544a9f3-5945-4b54-afed-de0697852817"
INTERVIEWS = f"{ESCO}896563fc-6255-4419-89c2-ffed30159ad6"
PROCESSES = f"{ESCO}56042303-972b-41be-9310-58467599ff7e"
SKILLS = {HRM: "personeelsbeleid", REPORTING: "rapporteren", INTERVIEWS: "interviewen", PROCESSES: "processen"}

SANNE = {"given_name": "Sanne", "family_name": "Verhoeven", "email": "sanne.verhoeven@student.example"}
STATUS_TTL = timedelta(seconds=60)

NewDatabase = Callable[[str | None], str]


def describe(slug: str = ACHIEVEMENT, **more: Any) -> dict[str, Any]:
    """An achievement as the management API takes it."""
    return {
        "slug": slug,
        "name": {"nl": "Adviseur Lerende Regio", "en": "Adviser to the Learning Region"},
        "description": {"nl": "Onderzocht HRM-processen en adviseerde erover."},
        "criteria": {"nl": "Vijf gesprekken, een rapport, een advies."},
        "achievement_type": "Badge",
        "skills": [{"uri": uri, "name": name, "framework": "ESCO"} for uri, name in SKILLS.items()],
        **more,
    }


@dataclass
class House:
    """Everything in one place. `transport.requests` has every request that any party made."""

    clock: FixedClock
    transport: HostTransport
    folder: Path
    signer: SoftwareSigner
    issuer: IssuerClient
    verifier: VerifierClient
    practice: PracticeParty
    stranger: StrangeWallet
    http: httpx.AsyncClient
    question_id: str = ""
    _names: Any = field(default_factory=itertools.count)

    async def award(
        self, person: dict[str, Any] | None = None, organisation: str = ORGANISATION, **more: Any
    ) -> dict[str, Any]:
        """Award the badge to one person; the award with its offer."""
        [award] = await self.issuer.award(organisation, ACHIEVEMENT, [person or SANNE], **more)
        return award

    async def new_wallet(self, name: str = "") -> WalletClient:
        """A new account in the wallet service, signed in."""
        wallet = WalletClient(WALLET, transport=self.transport)
        name, passphrase = name or f"student-{next(self._names)}", secrets.token_urlsafe(20)
        await wallet.create_account(name, passphrase)
        await wallet.sign_in(name, passphrase)
        return wallet

    async def receive(self, wallet: WalletClient, award: dict[str, Any]) -> list[dict[str, Any]]:
        """Open an offer and take it."""
        offer = await wallet.open_offer(award["offer"]["link"])
        accepted = await wallet.accept_offer(offer["id"], tx_code=award["offer"]["tx_code"])
        credentials: list[dict[str, Any]] = accepted["credentials"]
        return credentials

    async def strange_badge(self, organisation: str = ORGANISATION) -> HeldBadge:
        """A genuine badge in the hands of the stranger."""
        offer = (await self.award(organisation=organisation))["offer"]
        return await self.stranger.receive(offer["link"], offer["tx_code"])

    async def ask(self, **more: Any) -> dict[str, Any]:
        """The recruiter asks the saved question."""
        started: dict[str, Any] = await self.verifier.start_presentation(
            RECRUITER, {"question_id": self.question_id, **more}
        )
        return started

    async def ask_to_agree(self) -> dict[str, Any]:
        """The recruiter asks a question whose answer is an agreement too."""
        question = {"title": "HR-adviseur", "purpose": "Voor de vacature.", "skills": [{"uri": HRM, "required": True}]}
        agreement = {"title": "Bewaren", "text": "Een jaar lang."}
        made = await self.verifier.create_question(RECRUITER, {**question, "agreement": agreement})
        return await self.ask(question_id=made["id"])

    async def result(self, started: dict[str, Any]) -> dict[str, Any]:
        """What the recruiter sees."""
        presentation: dict[str, Any] = await self.verifier.presentation(RECRUITER, started["id"])
        return presentation

    def practice_badge(
        self,
        *,
        issued_at: datetime | None = None,
        expires_at: datetime | None = None,
        status: StatusReference | None = None,
    ) -> HeldBadge:
        """A badge that the recognised practice school signed, as good or bad as wanted."""
        holder = SoftwareSigner.generate("ES256")
        now = self.clock()
        dataset = CredentialDataset(
            achievement={
                "id": f"{PRACTICE}/achievements/1",
                "type": ["Achievement"],
                "achievementType": "Badge",
                "name": "Adviseur",
                "description": "Adviseert.",
                "criteria": {"narrative": "Een advies."},
                "alignment": [
                    {"type": ["Alignment"], "targetName": name, "targetUrl": uri} for uri, name in SKILLS.items()
                ],
            },
            issuer_profile={"id": self.practice.did, "type": ["Profile"], "name": "Oefenhogeschool"},
            person={},
            issuing_authority="Oefenhogeschool",
            credential_id=f"{PRACTICE}/credentials/1",
            awarded_at=issued_at or now,
        )
        raw = self.practice.issue(
            dataset,
            holder_key=holder.public_key,
            type_id=VCT,
            issued_at=issued_at or now,
            expires_at=expires_at,
            status=status,
        )
        return HeldBadge(raw, holder)

    def sign_trust_list(self, *entries: Entry, valid_for: timedelta = timedelta(days=30)) -> None:
        """Make and sign the list anew, with exactly these entries."""
        readable = self.folder / "trust-list.json"
        readable.unlink(missing_ok=True)
        create_list(readable, operator="Test", scheme="https://trust.skills.example", territory="NL", now=self.clock())
        for entry in entries:
            add_entry(readable, entry)
        sign_list(readable, self.folder / "trust-list.jwt", signer=self.signer, valid_for=valid_for, now=self.clock())

    def entries(self) -> list[Entry]:
        """Who is on the list to begin with: the organisation, the practice school, the recruiter."""
        since = self.clock() - timedelta(days=1000)
        issued = {"credential_types": (VCT, OPEN_BADGE), "achievement_types": ("Badge",)}
        return [
            Entry("Techniek", (did_web(f"{ISSUER}/{ORGANISATION}"),), "issuance", since, **issued),  # type: ignore[arg-type]
            Entry("Oefenhogeschool", (self.practice.did,), "issuance", since, **issued),  # type: ignore[arg-type]
            Entry("Werkt", (did_web(f"{VERIFIER}/{RECRUITER}"),), "verification", since),
        ]


@asynccontextmanager
async def open_house(
    new_database: NewDatabase,
    folder: Path,
    *,
    federation_anchors: dict[str, Any] | None = None,
    clock: FixedClock | None = None,
    wire: HostTransport | None = None,
    issuer_settings: dict[str, Any] | None = None,
    wallet_settings: dict[str, Any] | None = None,
) -> AsyncIterator[House]:
    """Start the three services, describe a badge, save a question, sign the list."""
    clock, transport = clock or FixedClock(), wire or HostTransport()
    signer = SoftwareSigner.generate("ES256")
    shared = {
        "trust_list": str(folder / "trust-list.jwt"),
        "trust_list_signer": json.dumps(dict(signer.public_key.jwk)),
        "federation_anchors": json.dumps(federation_anchors) if federation_anchors is not None else None,
    }
    databases = {name: new_database(name) for name in ("issuer", "wallet", "verifier")}
    admin_key = await _create_issuer_key(databases["issuer"], clock)
    verifier_key = secrets.token_urlsafe(32)
    apps = {
        ISSUER: create_issuer(
            IssuerSettings(
                public_url=ISSUER,
                database_url=databases["issuer"],
                encryption_key=_new_key(),
                badge_vct=VCT,
                status_list_ttl=STATUS_TTL,
                **shared,
                **(issuer_settings or {}),
            ),
            transport=transport,
            clock=clock,
        ),
        WALLET: create_wallet(
            WalletSettings(
                public_url=WALLET,
                database_url=databases["wallet"],
                encryption_key=_new_key(),
                **shared,
                **(wallet_settings or {}),
            ),
            transport=transport,
            clock=clock,
            jitter=no_jitter,
        ),
        VERIFIER: create_verifier(
            VerifierSettings(
                public_url=VERIFIER,
                database_url=databases["verifier"],
                encryption_key=_new_key(),
                badge_vct_values=VCT,
                admin_key=verifier_key,
                **shared,
            ),
            transport=transport,
            clock=clock,
            jitter=no_jitter,
        ),
    }
    practice = PracticeParty(PRACTICE, "oefenhogeschool", clock=clock)
    transport.apps |= {f"{httpx.URL(url).host}:443": app for url, app in {**apps, PRACTICE: practice}.items()}
    async with AsyncExitStack() as stack:
        for app in apps.values():
            await stack.enter_async_context(app.router.lifespan_context(app))
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport))
        house = House(
            clock,
            transport,
            folder,
            signer,
            IssuerClient(ISSUER, key=admin_key, transport=transport),
            VerifierClient(VERIFIER, key=verifier_key, transport=transport),
            practice,
            StrangeWallet(http, clock=clock),
            http,
        )
        await _furnish(house)
        yield house


async def _furnish(house: House) -> None:
    await house.issuer.create_organisation({"slug": ORGANISATION, "name": "Stichting Techniek", "country": "NL"})
    await house.issuer.create_achievement(ORGANISATION, describe())
    created = await house.verifier.create_relying_party({"slug": RECRUITER, "name": "Rivierenland Werkt"})
    house.verifier.key = created["api_key"]
    skills = [{"uri": uri, "name": SKILLS[uri], "required": True} for uri in (HRM, REPORTING)]
    question = await house.verifier.create_question(
        RECRUITER, {"title": "HR-adviseur", "purpose": "Voor de vacature.", "skills": skills}
    )
    house.question_id = question["id"]
    house.sign_trust_list(*house.entries())


async def _create_issuer_key(url: str, clock: FixedClock) -> str:
    database = Database(url)
    try:
        return await create_admin_key(database, now=clock())
    finally:
        await database.close()


def _new_key() -> str:
    return base64url.encode(secrets.token_bytes(32))
