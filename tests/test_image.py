"""The image that the Dockerfile makes, without a container engine: its steps, one by one, in a folder of their own.

Installing the packages asks the package index, which no other test does, so this runs in CI only.
"""

import json
import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from cli.local import SERVICES
from cli.processes import choose_ports
from kernel.keys import parse_public_jwk
from kernel.trust_list import Outcome, verify_trust_list
from runtime.clock import utc_now
from tests.skills.test_search import write_download

PORTS = ("8101", "8102", "8103")
ROOT = Path(__file__).resolve().parent.parent
ENGINE_ONLY = ("FROM", "WORKDIR", "USER", "ENV", "EXPOSE", "ENTRYPOINT", "CMD")
ENGINE_ONLY += ("COPY --from", "RUN apt-get", "RUN useradd")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.loopback,
    pytest.mark.skipif("CI" not in os.environ, reason="asks the package index; CI runs it"),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that becomes /app: what the Dockerfile copies, and what its `make install` adds."""
    app = tmp_path_factory.mktemp("image") / "app"
    app.mkdir()
    for step in steps():
        if step.startswith("COPY "):
            *sources, target = shlex.split(step)[1:]
            for source in sources:
                copy(ROOT / source, app / target)
        else:
            run([re.sub(r"^PYTHON=.*", f"PYTHON={sys.executable}", word) for word in shlex.split(step)[1:]], app)
    return app


def steps() -> list[str]:
    lines = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text()).splitlines()
    found = [line for line in lines if line and not line.startswith(("#", *ENGINE_ONLY))]
    assert found, "nothing of the Dockerfile would be run"
    assert all(step.startswith(("COPY ", "RUN make ")) for step in found), found
    return found


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    else:
        shutil.copy(source, target)


def run(command: list[str], folder: Path) -> str:
    ran = subprocess.run(command, cwd=folder, env=clean_environment(), capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    return ran.stdout


def clean_environment() -> dict[str, str]:
    """As in a fresh container: nothing that leads back to this project or its virtual environment."""
    leading_back = {"PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS"}
    return {name: value for name, value in os.environ.items() if name not in leading_back} | {"LC_ALL": "C.UTF-8"}


def test_the_command_of_the_image_says_what_it_can_do(image: Path, tmp_path: Path) -> None:
    [entry] = re.findall(r'^ENTRYPOINT \["/app/(.+)"\]$', (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    said = run([str(image / entry), "--help"], tmp_path)
    assert all(command in said for command in ("serve", "migrate", "issuer", "wallet", "verifier"))


def test_the_main_job_runs_in_what_was_copied(image: Path) -> None:
    assert "checks went as they should." in run(["make", "demo"], image)


def test_the_three_services_start_as_compose_starts_them_and_find_themselves_healthy(
    image: Path, tmp_path: Path, new_database: Callable[[str | None], str]
) -> None:
    """On SQLite and on PostgreSQL, with `.env.example` filled in as it asks."""
    ports = dict(zip(PORTS, map(str, choose_ports([*map(int, PORTS)])), strict=True))
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    with services(image, tmp_path, settings(ports, new_database), ports, composed):
        pass


def test_what_the_readme_says_to_do_after_compose_makes_a_deployment_with_skills_and_recognised_parties(
    image: Path, tmp_path: Path, new_database: Callable[[str | None], str]
) -> None:
    """Each `docker compose run --rm tools …` of the README, with folders in the place of the volumes."""
    ports = dict(zip(PORTS, map(str, choose_ports([*map(int, PORTS)])), strict=True))
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    places = {"/data": tmp_path / "data", "/keys": tmp_path / "keys", "/here": tmp_path / "here"}
    assert {volume.split(":")[1] for volume in composed["tools"]["volumes"]} == set(places)
    assert all(composed[name]["volumes"] == ["data:/data:ro"] for name in SERVICES)
    for place in places.values():
        place.mkdir()
    (tmp_path / "here" / "esco").mkdir()
    write_download(tmp_path / "here" / "esco")
    told = settings(ports, new_database)
    own = {name: moved(filled(value, told), places) for name, value in composed["tools"]["environment"].items()}
    own |= {f"SKILLSWALLET_{name.upper()}_URL": told[f"{name.upper()}_PUBLIC_URL"] for name in SERVICES}
    own["SKILLSWALLET_PASSPHRASE"] = "correct horse battery staple 7"
    readme = (ROOT / "README.md").read_text()
    commands = re.findall(r"^docker compose run --rm tools (.+)$", readme, re.MULTILINE)
    program = str(image / ".venv/bin/skillswallet")
    with services(image, tmp_path, told, ports, composed):
        for command in commands:
            words = [moved(here(word, ports), places) for word in shlex.split(command)]
            ran = subprocess.run(
                [program, *words],
                cwd=tmp_path,
                env=clean_environment() | own,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert ran.returncode == 0, f"{command}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}"
    assert {"organisation", "relying-party", "build", "sign"} <= {command.split()[1] for command in commands}
    signer = json.loads((tmp_path / "keys" / "trust-signer.jwk").read_text())
    said = dict(re.findall(r"^ISSUER_(SKILLS_INDEX|TRUST_LIST|TRUST_LIST_SIGNER)=(.+)$", readme, re.MULTILINE))
    said["TRUST_LIST_SIGNER"] = json.dumps({name: value for name, value in signer.items() if name != "d"})
    more = {f"{name.upper()}_{key}": moved(value, places) for name in SERVICES for key, value in said.items()}
    assert len(more) == 9
    with services(image, tmp_path, told | more, ports, composed):
        asked = httpx.get(
            f"{told['ISSUER_PUBLIC_URL']}/api/skills",
            params={"q": "personeelsbeleid", "language": "nl"},
            headers={"Authorization": f"Bearer {told['ISSUER_ADMIN_KEY']}"},
            trust_env=False,
        )
        assert "personeelsbeleid" in asked.text, asked.text
    listed = verify_trust_list(
        (tmp_path / "data" / "trust-list.jwt").read_text().strip(),
        signer_key=parse_public_jwk(json.loads(said["TRUST_LIST_SIGNER"])),
        now=utc_now(),
        previous_sequence=None,
    )
    did = f"did:web:localhost%3A{ports['8101']}:school"
    found = listed.recognise_party(identifiers={did}, service="issuance", at=utc_now())
    assert found.outcome is Outcome.RECOGNISED


@contextmanager
def services(
    image: Path, folder: Path, told: dict[str, str], ports: dict[str, str], composed: dict[str, Any]
) -> Iterator[None]:
    """The three services with these settings, healthy, by the commands of compose.yaml."""
    with ExitStack() as stack:
        for name in SERVICES:
            command = [str(image / ".venv/bin/skillswallet"), *shlex.split(here(composed[name]["command"], ports))]
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            service = subprocess.Popen(command, cwd=folder, env=clean_environment() | told, stdout=log, stderr=log)
            stack.callback(service.wait, 20)
            stack.callback(service.terminate)
        for name in SERVICES:
            _, python, *arguments = composed[name]["healthcheck"]["test"]
            program = [str(image / Path(python).relative_to("/app")), *(here(word, ports) for word in arguments)]
            assert becomes_healthy(program, folder), (folder / f"{name}.log").read_text()[-3000:]
        yield


def moved(text: str, places: dict[str, Path]) -> str:
    """The same with a folder of this machine in the place of a volume."""
    return next((f"{path}{text.removeprefix(place)}" for place, path in places.items() if text.startswith(place)), text)


def filled(text: str, told: dict[str, str]) -> str:
    """`${NAME:-}` as compose fills it in from .env."""
    return re.sub(r"\$\{(\w+):-\}", lambda name: told[name[1]], text)


def settings(ports: dict[str, str], new_database: Callable[[str | None], str]) -> dict[str, str]:
    lines = re.findall(r"^([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    filled = {name: here(value, ports) or secrets.token_urlsafe(32) for name, value in lines}
    return filled | {f"{service.upper()}_DATABASE_URL": new_database(None) for service in SERVICES}


def here(text: str, ports: dict[str, str]) -> str:
    """The same with ports that are free on this machine."""
    return re.sub("|".join(ports), lambda port: ports[port[0]], text)


def becomes_healthy(program: list[str], folder: Path) -> bool:
    deadline = time.monotonic() + 150
    while subprocess.run(program, cwd=folder, env=clean_environment(), capture_output=True, timeout=30).returncode:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True
