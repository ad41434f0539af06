"""The three services as processes, and people in front of real browsers.

A deployment with SQLite files runs for the whole module; each person gets a browser context of their own. Whatever a
person looks at is kept as a picture in test-artefacts/browser and judged by axe-core.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from cli.clients import IssuerClient, VerifierClient
from cli.local import Deployment, create_passphrase
from cli.processes import HOST, ServiceProcess, running, wait_until_ready
from cli.skills_commands import build_available_index
from cli.trust_files import Entry, add_entry, create_list, sign_list
from kernel.did import did_web
from runtime.clock import utc_now

T = TypeVar("T")

ARTEFACTS = Path(__file__).resolve().parents[2] / "test-artefacts" / "browser"
SIZES = {"phone": (390, 844), "desktop": (1280, 800)}
SWITCHES = ("--no-sandbox", "--disable-background-networking", "--disable-gpu")
SCHOOL = {"slug": "maas-en-waal", "name": "Stichting Stimulering Techniek Maas en Waal", "country": "NL"}
RECRUITER = {"slug": "bakker-bouw", "name": "Bakker Bouw"}


@dataclass(frozen=True)
class Town:
    """What runs, and with which names and passphrases staff can sign in."""

    deployment: Deployment
    staff: tuple[str, str]
    recruiter: tuple[str, str]
    processes: tuple[ServiceProcess, ...]

    def stop(self, service: str) -> None:
        """Make one service silent for the rest of the module."""
        next(process for process in self.processes if process.name == service).stop()

    def url(self, service: str, path: str = "/") -> str:
        return self.deployment.address(service) + path


@dataclass
class Person:
    """Somebody in front of a browser."""

    name: str
    size: str
    context: BrowserContext
    page: Page

    def look(self, title: str) -> None:
        """Keep a picture of the page and judge it: language, width, names, contrast, order."""
        folder = ARTEFACTS / self.size
        folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=folder / f"{self.name}-{title}.png", full_page=True)
        assert_fits(self.page)
        assert_accessible(self.page, f"{self.name}-{title} ({self.size})")

    def press(self, text: str) -> None:
        self.page.get_by_role("button", name=text, exact=True).click()

    def follow(self, text: str) -> None:
        self.page.get_by_role("link", name=text).first.click()

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label).first.fill(text)

    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()


def assert_fits(page: Page) -> None:
    """Nothing sticks out to the right, the page says its language and has one first heading."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url
    assert page.evaluate("document.documentElement.lang") in {"nl", "en"}
    assert page.get_by_role("heading", level=1).count() == 1, page.url


def assert_accessible(page: Page, where: str) -> None:
    found = Axe().run(page).response["violations"]
    grave = [
        (violation["id"], violation["nodes"][0]["html"][:200])
        for violation in found
        if violation["impact"] in {"serious", "critical"}
    ]
    assert grave == [], where


@pytest.fixture(scope="module")
def launch(chromium: str) -> Iterator[Callable[..., Browser]]:
    """Start Chromium, with more switches where a test needs them."""
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:

        def start(*switches: str) -> Browser:
            return playwright.chromium.launch(executable_path=chromium, args=[*SWITCHES, *switches])

        yield start


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    browser = launch()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    deployment = Deployment.create(tmp_path_factory.mktemp("town") / "deployment")
    deployment.ports = dict(zip(deployment.ports, free_ports(len(deployment.ports)), strict=True))
    deployment.write_settings()
    build_available_index(deployment.skills_path, esco=Path("/none"))
    staff = ("medewerker@school.example", create_passphrase())
    recruiter = ("recruiter@bakkerbouw.example", create_passphrase())
    sign_trust_list(deployment)
    processes = deployment.start()
    with running(processes):
        wait_until_ready(processes)
        run(open_offices(deployment, staff, recruiter))
        yield Town(deployment, staff, recruiter, tuple(processes))


def free_ports(number: int) -> list[int]:
    """Ports that nobody prefers, so that towns in parallel processes do not choose the same ones."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(number)]
        return [probe.getsockname()[1] for probe in probes]


@pytest.fixture
def person(browser: Browser) -> Iterator[Callable[..., Person]]:
    """Make somebody with a browser of their own: `person("holder", "phone")`."""
    contexts: list[BrowserContext] = []

    def make(name: str, size: str, **options: object) -> Person:
        width, height = SIZES[size]
        settings = {"locale": "nl-NL", "viewport": {"width": width, "height": height}, **options}
        context = browser.new_context(**settings)
        context.set_default_timeout(30_000)
        contexts.append(context)
        return Person(name, size, context, context.new_page())

    yield make
    for context in contexts:
        context.close()


@contextmanager
def serving(app: Any, port: int) -> Iterator[None]:
    """A party of the test itself, on a port of this machine that the services may call."""
    config = uvicorn.Config(app, host=HOST, port=port, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    with ThreadPoolExecutor(1) as thread:
        served = thread.submit(server.run)
        try:
            while not server.started:
                time.sleep(0.02)
            yield
        finally:
            server.should_exit = True
            served.result()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Do asynchronous work in a thread of its own: playwright keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def sign_trust_list(deployment: Deployment) -> None:
    readable = deployment.folder / "trust-list.json"
    school = f"{deployment.address('issuer')}/{SCHOOL['slug']}"
    recruiter = f"{deployment.address('verifier')}/{RECRUITER['slug']}"
    since, now = utc_now() - timedelta(days=365), utc_now()
    create_list(readable, operator="Skillsregio", scheme="https://trust.skills.example", territory="NL", now=now)
    types = (deployment.badge_vct, "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential")
    identifiers = (did_web(school), school)
    add_entry(
        readable,
        Entry(SCHOOL["name"], identifiers, "issuance", since, credential_types=types, achievement_types=("Badge",)),
    )
    add_entry(readable, Entry(RECRUITER["name"], (did_web(recruiter),), "verification", since))
    signer = deployment.trust_list_signer()
    sign_list(readable, deployment.trust_list_path, signer=signer, valid_for=timedelta(days=1), now=now)


async def open_offices(deployment: Deployment, staff: tuple[str, str], recruiter: tuple[str, str]) -> None:
    async with IssuerClient(deployment.address("issuer"), key=deployment.admin_keys["issuer"]) as issuer:
        await issuer.create_organisation(SCHOOL)
        await issuer.create_operator(SCHOOL["slug"], email=staff[0], name="M. Smit", passphrase=staff[1])
    async with VerifierClient(deployment.address("verifier"), key=deployment.admin_keys["verifier"]) as verifier:
        await verifier.create_relying_party(RECRUITER)
        await verifier.create_operator(RECRUITER["slug"], email=recruiter[0], name="A. Bakker", passphrase=recruiter[1])
