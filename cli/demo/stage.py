"""Everybody who plays in the demo, what they play with, and how the recruiter's report is read."""

import asyncio
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from cli.clients import IssuerClient, VerifierClient, WalletClient
from cli.hostile import HeldBadge, PracticeParty, StrangeWallet
from cli.language import say
from cli.local import Deployment
from cli.recipients import read_achievement
from cli.skills_commands import PROJECT
from cli.story import Story
from cli.verifier_commands import FINAL_STATES, all_checks
from kernel.formats import StatusReference
from kernel.keys import SoftwareSigner
from kernel.open_badges import CredentialDataset
from kernel.openid4vci import CredentialOffer

INPUT = PROJECT / "demo"
ACHIEVEMENT_TYPE = "Badge"
_PATIENCE_SECONDS = 20.0


@dataclass(slots=True)
class Student:
    """A student: their wallet, what was offered to them and what they hold."""

    person: dict[str, Any]
    award: dict[str, Any]
    wallet: WalletClient
    account: str = ""
    passphrase: str = field(default="", repr=False)
    credential_ids: list[str] = field(default_factory=list)
    copied_offer: CredentialOffer | None = None
    """What somebody else read behind the link before the student took the offer."""

    @property
    def name(self) -> str:
        return str(self.person["given_name"])


@dataclass(slots=True)
class Stage:
    """Everybody who plays, and what they play with."""

    story: Story
    deployment: Deployment
    described: dict[str, Any]
    issuer: IssuerClient
    verifier: VerifierClient
    practice: PracticeParty
    strange: StrangeWallet
    students: list[Student] = field(default_factory=list)
    question_id: str = ""

    @property
    def organisation(self) -> str:
        return str(self.described["organisation"]["slug"])

    @property
    def achievement(self) -> str:
        return str(self.described["achievement"]["slug"])

    @property
    def recruiter(self) -> str:
        return str(self.described["recruiter"]["slug"])

    async def close_wallets(self) -> None:
        """Let go of every student's connection."""
        for student in self.students:
            await student.wallet.close()

    async def ask(self, **more: Any) -> dict[str, Any]:
        """The recruiter asks the saved question once more."""
        body = {"question_id": self.question_id, **more}
        started: dict[str, Any] = await self.verifier.start_presentation(self.recruiter, body)
        return started

    async def outcome(self, presentation_id: str) -> dict[str, Any]:
        """What the recruiter gets to see, once it is final."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            presentation: dict[str, Any] = await self.verifier.presentation(self.recruiter, presentation_id)
            if presentation["state"] in FINAL_STATES or time.monotonic() > deadline:
                return presentation
            await asyncio.sleep(0.1)

    async def award_stranger(self, organisation: str = "", achievement: str = "") -> tuple[dict[str, Any], HeldBadge]:
        """A badge in the wallet of somebody who is going to cheat with it."""
        person = {"given_name": "Vos", "family_name": "Reinaerde", "email": "vos@student.example"}
        [award] = await self.issuer.award(organisation or self.organisation, achievement or self.achievement, [person])
        return award, await self.strange.receive(award["offer"]["link"], award["offer"]["tx_code"])


def practice_badge(
    stage: Stage, *, issued_at: datetime, expires_at: datetime | None, status: StatusReference | None = None
) -> HeldBadge:
    """A badge of the recognised practice school, with whatever dates and status are wanted."""
    holder = SoftwareSigner.generate("ES256")
    described = read_achievement(INPUT / "achievement.json")
    achievement = {
        "id": f"{stage.practice.identifier}/achievements/adviseur",
        "type": ["Achievement"],
        "achievementType": ACHIEVEMENT_TYPE,
        "name": described["name"]["nl"],
        "description": described["description"]["nl"],
        "criteria": {"narrative": described["criteria"]["nl"]},
        "alignment": [
            {"type": ["Alignment"], "targetName": skill["name"], "targetUrl": skill["uri"], "targetFramework": "ESCO"}
            for skill in described["skills"]
        ],
    }
    dataset = CredentialDataset(
        achievement=achievement,
        issuer_profile={"id": stage.practice.did, "type": ["Profile"], "name": "Oefenhogeschool"},
        person={},
        issuing_authority="Oefenhogeschool",
        credential_id=f"{stage.practice.identifier}/credentials/1",
        awarded_at=issued_at,
    )
    raw = stage.practice.issue(
        dataset,
        holder_key=holder.public_key,
        type_id=stage.deployment.badge_vct,
        issued_at=issued_at,
        expires_at=expires_at,
        status=status,
    )
    return HeldBadge(raw, holder)


async def check_refusal(
    stage: Stage,
    sentence: str,
    started: Mapping[str, Any],
    codes: set[str],
    *,
    passed: Collection[str] = (),
    outcome: str = "failed",
    answer: httpx.Response | None = None,
) -> None:
    """The recruiter must not accept it, for this reason, while these other checks hold."""
    presentation = await stage.outcome(started["id"])
    report = presentation.get("report") or {}
    ended = outcomes(report)
    reasons = {error for found, error in ended.values() if found == outcome and error}
    held = {code for code, (found, _) in ended.items() if found == "passed"}
    is_refused = not report.get("accepted", False) and bool(reasons & codes) and held.issuperset(passed)
    if answer is not None:
        is_refused = is_refused and answer.status_code == 400
    seen = ", ".join(sorted(reasons & codes or reasons)) or presentation["state"]
    stage.story.check(sentence, is_refused, seen)


def outcomes(report: Mapping[str, Any]) -> dict[str, tuple[str, str | None]]:
    """How each check ended over all shown badges; the worst counts."""
    worst_first = ("failed", "unknown", "passed", "not_applicable")
    found: dict[str, tuple[str, str | None]] = {}
    for check in all_checks(dict(report)) if report else []:
        known = found.get(check["code"])
        if known is None or worst_first.index(check["outcome"]) < worst_first.index(known[0]):
            found[check["code"]] = (check["outcome"], check.get("error_code"))
    return found


def label(skill: Mapping[str, Any]) -> str:
    labels = skill["labels"]
    return str(labels.get(say("nl", "en")) or next(iter(labels.values())))


def text(value: Any) -> str:
    return str(value.get(say("nl", "en")) or next(iter(value.values()))) if isinstance(value, dict) else str(value)
