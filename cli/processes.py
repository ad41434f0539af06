"""Start the three services as three processes, wait until they are ready, and always stop them again."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx

HOST = "127.0.0.1"
START_SECONDS = 60.0
STOP_SECONDS = 5.0


class NotReadyError(Exception):
    """A service did not come up; `log` is where it says why."""

    def __init__(self, name: str, log: Path) -> None:
        super().__init__(name)
        self.name = name
        self.log = log

    def last_lines(self, count: int = 12) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:]) if self.log.exists() else ""


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """One running service."""

    name: str
    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def stop(self) -> None:
        """Ask it to stop; after a few seconds, make it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def choose_ports(wanted: Sequence[int]) -> list[int]:
    """The wanted ports; another free one for each that is taken."""
    chosen: list[int] = []
    for port in wanted:
        while not _claim(port):
            with socket.socket() as probe:
                probe.bind((HOST, 0))
                port = probe.getsockname()[1]
        chosen.append(port)
    return chosen


# Open while this process lives, so that two that choose before either listens choose differently.
_claims: list[socket.socket] = []


def _claim(port: int) -> bool:
    """Whether the port is free and not chosen by anybody else; the sign of that is its UDP twin, which nobody uses."""
    claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        claim.bind((HOST, port))
    except OSError:
        claim.close()
        return False
    if not is_free(port):
        claim.close()
        return False
    _claims.append(claim)
    return True


def start_service(name: str, *, port: int, environment: Mapping[str, str], log: Path) -> ServiceProcess:
    """Start one service on a loopback port. It stops by itself when this process is gone, however that ended."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(_PREFIXES)}
    command = [
        sys.executable,
        "-m",
        "cli.main",
        "serve",
        name,
        "--port",
        str(port),
        "--migrate",
        "--until-stdin-closes",
    ]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  (our own command)
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**inherited, **environment, "PYTHONUNBUFFERED": "1"},
            cwd=Path(__file__).resolve().parent.parent,
            start_new_session=True,
        )
    return ServiceProcess(name, process, f"http://localhost:{port}", log)


def wait_until_ready(services: Sequence[ServiceProcess]) -> None:
    """Return when every service says it is ready; raise NotReadyError for the first that ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    for service in services:
        while not _is_ready(service):
            if service.process.poll() is not None or time.monotonic() > deadline:
                raise NotReadyError(service.name, service.log)
            time.sleep(0.1)


@contextmanager
def running(services: Sequence[ServiceProcess]) -> Iterator[None]:
    """Stop them all at the end, also when this process is asked to stop."""
    before = signal.signal(signal.SIGTERM, _exit_in_order)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        for service in services:
            service.process.terminate() if service.process.poll() is None else None
        for service in services:
            service.stop()


def stop_when_stdin_closes() -> None:
    """In a service process: end in an orderly way when whoever started it is gone."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True, name="watch-stdin").start()


def _is_ready(service: ServiceProcess) -> bool:
    try:
        return httpx.get(f"{service.address}/ready", timeout=2.0, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _exit_in_order(signal_number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signal_number)


_PREFIXES = ("ISSUER_", "WALLET_", "VERIFIER_")
