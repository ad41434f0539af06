"""`skillswallet demo`: one badge lives its whole life between three services, over HTTP, and whatever must fail, fails.

It plays the people: staff of an organisation, three students, a recruiter, and somebody who cheats. It uses the
services' public interfaces only, and looks at what went over the wire and what lies in the databases.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx

from cli.clients import IssuerClient, ProblemError, UnreachableError, VerifierClient
from cli.demo import journey, refusals
from cli.demo.stage import INPUT, Stage
from cli.hostile import PracticeParty, Server, StrangeWallet
from cli.language import language, say
from cli.local import Deployment, hold_folder
from cli.processes import running, wait_until_ready
from cli.skills_commands import build_available_index
from cli.story import Story
from cli.terminal import out, waiting
from kernel.errors import CredentialError
from runtime.clock import utc_now
from runtime.web.language import decimal
from skills.skill import ESCO_NOTICE

StopIssuer = Callable[[], Awaitable[None]]
JOURNEY = (
    journey.describe,
    journey.recognise,
    journey.award,
    journey.receive,
    journey.show,
    journey.look_at_the_bytes,
    journey.look_at_the_logs,
)


def run_demo(folder: Path) -> int:
    """Play it all; 0 when every check went as it should, else 1. The services are always stopped at the end."""
    with hold_folder(folder):
        return _run_demo(folder)


def _run_demo(folder: Path) -> int:
    began = time.monotonic()
    story = Story(out)
    out.rule(say("Eén badge, zijn hele leven", "One badge, its whole life"))
    deployment = _set_up(story, folder)
    services = deployment.start()
    with running(services):
        with waiting(say("De drie diensten starten…", "Starting the three services…")):
            wait_until_ready(services)
        for service in services:
            story.tell(f"{service.name}: {service.address}")
        ready = time.monotonic()
        issuer = next(service for service in services if service.name == "issuer")
        try:
            asyncio.run(play(story, deployment, lambda: asyncio.to_thread(issuer.stop)))
        finally:
            deployment.save()
        story.print_table()
        prepared, told = (decimal(round(took, 1), language()) for took in (ready - began, time.monotonic() - ready))
        out.print(
            f"[dim]{say('Voorbereiding', 'Preparation')} {prepared} s, "
            f"{say('het verhaal', 'the story')} {told} s. {ESCO_NOTICE}[/dim]"
        )
        out.print(
            say(
                "Zelf rondkijken? Start: make up (of skillswallet up)",
                "Want to look around? Run: make up (or skillswallet up)",
            )
        )
    return 0 if story.all_held else 1


def _set_up(story: Story, folder: Path) -> Deployment:
    story.step("0", say("Alles klaarzetten", "Getting ready"))
    deployment = Deployment.create(folder)
    story.tell(
        say(
            f"Map {deployment.folder}: instellingen om lokaal te proberen, met SQLite-bestanden, zelfgemaakte sleutels "
            "en http op dit apparaat alleen.",
            f"Folder {deployment.folder}: settings for trying things out, with SQLite files, secrets made on the spot "
            "and http on this machine only.",
        )
    )
    with waiting(say("Skills indexeren…", "Indexing the skills…")):
        summary, is_complete = build_available_index(deployment.skills_path)
    if is_complete:
        story.tell(
            say(
                f"{summary.skills} skills van ESCO zijn doorzoekbaar, {summary.dutch_labels} met een Nederlandse naam.",
                f"{summary.skills} ESCO skills can be searched, {summary.dutch_labels} of them with a Dutch name.",
            )
        )
    else:
        story.tell(
            say(
                f"De ESCO-bestanden zijn hier niet; alleen de {summary.skills} skills van deze demo zijn doorzoekbaar.",
                f"The ESCO files are not here; only the {summary.skills} skills of this demo can be searched.",
            )
        )
    return deployment


async def play(story: Story, deployment: Deployment, stop_issuer: StopIssuer | None = None) -> None:
    """Tell the whole story to services that run; without `stop_issuer` the issuer stays on to the end."""
    described = json.loads((INPUT / "achievement.json").read_text(encoding="utf-8"))
    practice = PracticeParty(deployment.address("practice"), "oefenhogeschool", clock=utc_now)
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30.0, trust_env=False))
        await stack.enter_async_context(Server(practice, deployment.ports["practice"]))
        stage = Stage(
            story,
            deployment,
            described,
            IssuerClient(deployment.address("issuer"), key=deployment.admin_keys["issuer"]),
            VerifierClient(deployment.address("verifier"), key=deployment.admin_keys["verifier"]),
            practice,
            StrangeWallet(http, clock=utc_now),
        )
        stack.push_async_callback(stage.issuer.close)
        stack.push_async_callback(stage.verifier.close)
        stack.push_async_callback(stage.close_wallets)
        for part in JOURNEY:
            if not await _went_through(story, part(stage)):
                return
        await _went_through(story, _fail_as_they_must(stage, stop_issuer))


async def _fail_as_they_must(stage: Stage, stop_issuer: StopIssuer | None) -> None:
    story = stage.story
    story.step("5", say("Wat niet mag, mislukt, met de reden", "What must fail, fails, with its reason"))
    award, badge = await stage.award_stranger()
    for refusal in refusals.OF_A_STRANGERS_BADGE:
        await _went_through(story, refusal(stage, badge))
    await _went_through(story, refusals.refuse_revoked(stage, award, badge))
    for other in refusals.OTHERS:
        await _went_through(story, other(stage))
    if stop_issuer is not None:
        await _went_through(story, refusals.leave_undecided(stage, stop_issuer))


async def _went_through(story: Story, part: Coroutine[Any, Any, None]) -> bool:
    """Play a part; what breaks in it is a check that failed, and the table at the end is still made."""
    try:
        await part
    except (ProblemError, UnreachableError, CredentialError, httpx.HTTPError, LookupError) as exc:
        story.check(
            say("Dit liep anders dan bedoeld", "This went otherwise than meant"), False, f"{type(exc).__name__}: {exc}"
        )
        return False
    return True
