"""The demo as a program: it ends well, it can end badly, and it leaves nothing running."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from cli.demo.run import run_demo
from cli.hostile import StrangeWallet
from cli.language import choose_language
from cli.local import SERVICES, Deployment, Login
from cli.processes import is_free
from cli.story import Story

PROJECT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.slow, pytest.mark.loopback]


@pytest.fixture(autouse=True)
def english():
    choose_language("en")


@pytest.fixture
def few_skills(monkeypatch, tmp_path):
    """As on a fresh clone elsewhere: without the ESCO files."""
    from cli import skills_commands

    monkeypatch.setattr(skills_commands.build_available_index, "__kwdefaults__", {"esco": tmp_path})


def ports_of(folder: Path) -> list[int]:
    return list(Deployment.open(folder).ports.values())


def test_demo_ends_with_status_0_within_its_time_and_leaves_nothing_running(tmp_path):
    folder = tmp_path / "demo"
    began = time.monotonic()
    ran = subprocess.run(
        [sys.executable, "-m", "cli.main", "--language", "en", "demo", "--data", str(folder)],
        cwd=PROJECT, capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "checks went as they should." in ran.stdout
    assert time.monotonic() - began < 170
    assert all(is_free(port) for port in ports_of(folder))


def test_demo_ends_with_status_1_when_a_cheat_gets_through(monkeypatch, few_skills, tmp_path, capsys):
    """The cheat behaves well here, so the check that expects a refusal must notice; all others still hold."""
    monkeypatch.setattr(StrangeWallet, "alter_disclosure", lambda self, question, badge, vp_token, *, name: vp_token)
    assert run_demo(tmp_path / "demo") == 1
    said = capsys.readouterr().out
    assert "✗ A changed skill is noticed" in said
    assert len([line for line in said.splitlines() if "✗ " in line]) == 2, said
    assert "1 otherwise." in said
    assert all(is_free(port) for port in ports_of(tmp_path / "demo"))


def test_demo_that_is_stopped_half_way_stops_its_services(tmp_path):
    folder = tmp_path / "demo"
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "demo", "--data", str(folder)],
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if b"verifier: http" in line:
            break
    assert not all(is_free(port) for port in ports_of(folder))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 143
    assert all(is_free(port) for port in ports_of(folder))


def test_services_stop_by_themselves_when_whoever_started_them_is_killed(tmp_path):
    folder = tmp_path / "demo"
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "demo", "--data", str(folder)],
        cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if b"verifier: http" in line:
            break
    process.kill()
    process.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while not all(is_free(port) for port in ports_of(folder)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert all(is_free(port) for port in ports_of(folder))


def test_a_story_without_checks_has_not_held():
    from rich.console import Console

    assert not Story(Console(quiet=True)).all_held


def test_up_leaves_three_services_running_at_which_everybody_it_names_can_sign_in(tmp_path):
    folder = tmp_path / "demo"
    command = [sys.executable, "-m", "cli.main", "--language", "en", "up", "--data", str(folder)]
    # As at a terminal: what a shell runs in the background overlooks Ctrl-C, and so do its children.
    process = subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "The services are running" in line:
            break
    logins = Deployment.open(folder).logins
    assert {login.service for login in logins} == set(SERVICES)
    for login in logins:
        assert {login.address, login.passphrase} <= set(said.replace("passphrase: ", "\n").split())
        sign_in(login)
    # The addresses stand in every badge, so whoever starts a second one is told.
    again = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert again.returncode == 1, again.stdout + again.stderr
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert all(is_free(port) for port in ports_of(folder))


def sign_in(login: Login) -> None:
    """As a browser does, by the form at the door; whoever is not let in is sent back there."""
    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        assert browser.get(login.address).status_code == 200
        door = httpx.URL(login.address).copy_with(path="/sign-in")
        [token] = set(re.findall(r'name="csrf_token" value="([0-9a-f]+)"', browser.get(door).text))
        field = "name" if login.service == "wallet" else "email"
        form = {"csrf_token": token, field: login.name, "passphrase": login.passphrase}
        answer = browser.post(door, data=form)
        assert answer.status_code == 200, answer.text
        assert "/sign-in" not in str(answer.url)
