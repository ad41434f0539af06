"""How long a credential request waits while a hundred thousand badges are awarded beside it: its 99th percentile.

The issuer runs in this process, the command in another, on one SQLite file: the worst case, since that has one writer.
Requests come one after another at a steady pace, first alone and then beside the run, which is then ended.
By the clock, and so the figure is of this machine with whatever else it is doing; it says something where the machine
does nothing else.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.asgi import Application, Clock, Request, loop, unlogged
from bench.bulk import create_list
from bench.credential_endpoint import BADGE, ORG, create_settings, redeem_offers
from issuer.app import create_app
from issuer.settings import IssuerSettings

REQUESTS, PACE, WARM_UP = 300, 0.02, 20
PEOPLE = 100_000
MUST = 3


def measure() -> tuple[str, bool]:
    """The ratio of the two percentiles, which must not be above three."""
    with tempfile.TemporaryDirectory() as folder:
        settings = create_settings(folder)
        with loop() as runner, unlogged():
            clock = Clock()
            app = create_app(settings, clock=clock)
            requests, _ = runner.run(redeem_offers(app, clock, bearer=WARM_UP + 2 * REQUESTS, dpop=0))
            runner.run(_send(app, requests[:WARM_UP]))
            alone = _percentile(runner.run(_send(app, requests[WARM_UP : WARM_UP + REQUESTS])))
            with closing(_Run(settings, Path(folder))):
                beside = _percentile(runner.run(_send(app, requests[WARM_UP + REQUESTS :])))
            runner.run(app.state.service.close())
    is_met = beside <= MUST * alone
    return (
        f"Credential endpoint beside such a run, 99th percentile of {REQUESTS} requests on SQLite\n"
        f"  alone {1000 * alone:7.1f} ms, beside {1000 * beside:7.1f} ms: {beside / alone:.1f} times   must {MUST}: "
        f"{'met' if is_met else 'NOT MET'}\n"
    ), is_met


async def _send(app: Application, requests: Iterable[Request]) -> list[float]:
    """What each took, from the moment at which it was due."""
    took, due = [], time.perf_counter()
    for request in requests:
        due = max(due + PACE, time.perf_counter())
        await asyncio.sleep(due - time.perf_counter())
        await request.send(app)
        took.append(time.perf_counter() - due)
    return took


def _percentile(took: list[float]) -> float:
    return sorted(took)[len(took) * 99 // 100]


class _Run:
    """The command, from when it awards until it is ended."""

    def __init__(self, settings: IssuerSettings, folder: Path) -> None:
        (folder / "list.csv").write_text(create_list(PEOPLE))
        given: dict[str, Any] = {name: getattr(settings, name) for name in ("public_url", "badge_vct")}
        given |= {name: getattr(settings, name).get_secret_value() for name in ("database_url", "encryption_key")}
        command = [sys.executable, "-m", "cli.main", "issuer", "award-in-bulk", "-o", ORG, "-a", BADGE]
        self._process = subprocess.Popen(  # noqa: S603  our own command
            [*command, str(folder / "list.csv"), str(folder / "links.csv")],
            env={**os.environ, **{f"ISSUER_{name.upper()}": value for name, value in given.items()}},
            stderr=subprocess.PIPE,
            text=True,
        )
        # Its second line says that something was written.
        for _ in range(2):
            self._process.stderr.readline()  # type: ignore[union-attr]  # it is a pipe

    def close(self) -> None:
        if self._process.poll() is not None:
            raise AssertionError("the run was over before it was measured beside")
        self._process.kill()
        self._process.communicate()


if __name__ == "__main__":
    text, is_met = measure()
    print(text)
    sys.exit(0 if is_met else 1)
