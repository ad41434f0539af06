"""Start-up and memory at rest: each service as `skillswallet` starts it, beside an empty application on uvicorn.

A start lasts from the start of the process to the first answer of `/ready`; of several the fastest counts, by the clock
and in CPU time, and the databases were migrated before. Memory is what the process has a while after that answer:
resident (RSS), and with what it shares with other processes divided among them (PSS). Both are the kernel's own
figures, which only Linux has.
"""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cli.local import SERVICES, Deployment
from cli.processes import HOST, START_SECONDS, ServiceProcess, choose_ports
from cli.skills_commands import build_available_index

STARTS, REST_SECONDS = 2, 1.0
_PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Start:
    """One start, in seconds, and what the process then has, in MiB."""

    wall: float
    cpu: float
    rss: float
    pss: float


def measure() -> str:
    """Start each a few times, and say in a few lines how long it took and what they weigh."""
    if not (_PROC / "self/smaps_rollup").exists():
        return "Start-up and memory at rest: not measured, for lack of Linux's /proc\n"
    with tempfile.TemporaryDirectory() as folder:
        deployment = Deployment.create(Path(folder) / "deployment")
        build_available_index(deployment.skills_path)
        starts = {"empty FastAPI": lambda: _start_empty(Path(folder) / "empty.log")}
        starts |= {name: _starter(deployment, name) for name in SERVICES}
        found = {name: _best(start) for name, start in starts.items()}
    floor = found["empty FastAPI"]
    lines = [
        "Start-up to the first answer, and memory a second later (times that of the floor)",
        "                          wall           CPU            RSS              PSS",
    ]
    return "\n".join([*lines, *(_line(name, each, floor) for name, each in found.items()), ""])


def _starter(deployment: Deployment, name: str) -> Callable[[], ServiceProcess]:
    return lambda: deployment.start([name])[0]


def _start_empty(log: Path) -> ServiceProcess:
    (port,) = choose_ports((8100,))
    command = [sys.executable, "-m", "uvicorn", "bench.empty:app", "--port", str(port), "--no-access-log"]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  (our own command)
            [*command, "--log-level", "warning"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).resolve().parent.parent,
        )
    return ServiceProcess("empty FastAPI", process, f"http://localhost:{port}", log)


def _best(start: Callable[[], ServiceProcess]) -> Start:
    """The best of several; one before them migrates the database and compiles what is imported."""
    found = [_measure(start) for _ in range(STARTS + 1)][1:]
    return Start(
        *(min(getattr(each, name) for each in found) for name in ("wall", "cpu")),
        *(max(getattr(each, name) for each in found) for name in ("rss", "pss")),
    )


def _measure(start: Callable[[], ServiceProcess]) -> Start:
    began = time.perf_counter()
    service = start()
    try:
        _wait(service)
        wall, cpu = time.perf_counter() - began, _cpu(service.process.pid)
        time.sleep(REST_SECONDS)
        return Start(wall, cpu, _memory(service.process.pid, "Rss"), _memory(service.process.pid, "Pss"))
    finally:
        service.stop()


def _wait(service: ServiceProcess) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(int(service.address.rpartition(":")[2])):
        if service.process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(service.log.read_text(errors="replace"))
        time.sleep(0.01)


def _is_ready(port: int) -> bool:
    """Asked by the simplest client there is, since asking takes time of the same machine."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def _cpu(pid: int) -> float:
    """Of all its threads so far, user and system; proc(5), /proc/pid/stat, fields 14 and 15."""
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _memory(pid: int, name: str) -> float:
    lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    (kilobytes,) = (int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
    return kilobytes / 1024


def _line(name: str, found: Start, floor: Start) -> str:
    return (
        f"  {name:14} {found.wall:8.2f} s ({found.wall / floor.wall:4.1f}) {found.cpu:6.2f} s"
        f" ({found.cpu / floor.cpu:4.1f}) {found.rss:6.0f} MiB ({found.rss / floor.rss:4.1f})"
        f" {found.pss:6.0f} MiB ({found.pss / floor.pss:4.1f})"
    )


if __name__ == "__main__":
    print(measure())
