"""The image that the Dockerfile makes, without a container engine: its steps, one by one, in a folder of their own.

Installing the packages asks the package index, which no other test does, so this runs in CI only.
"""

import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from cli.local import SERVICES
from cli.processes import choose_ports

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
    environment = clean_environment() | settings(ports, new_database)
    composed = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    with ExitStack() as stack:
        for name in SERVICES:
            command = [str(image / ".venv/bin/skillswallet"), *shlex.split(here(composed[name]["command"], ports))]
            log = stack.enter_context((tmp_path / f"{name}.log").open("wb"))
            service = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log)
            stack.callback(service.wait, 20)
            stack.callback(service.terminate)
        for name in SERVICES:
            _, python, *arguments = composed[name]["healthcheck"]["test"]
            program = [str(image / Path(python).relative_to("/app")), *(here(word, ports) for word in arguments)]
            assert becomes_healthy(program, tmp_path), (tmp_path / f"{name}.log").read_text()[-3000:]


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
