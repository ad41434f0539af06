"""Applications in process, past any server, on the event loop that the server would bring; nothing else is measured.

The requests of a turn are all under way together, as at a server that has enough to do for "per second and core" to
mean something: a thread that always finds work is not woken for each.
"""

import asyncio
import gc
import itertools
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping, Sequence
from contextlib import closing, contextmanager, redirect_stderr
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn

from bench.measuring import Turn

TURNS, REQUESTS_A_TURN, WARM_UP = 15, 8, 16

Message = MutableMapping[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Loop = asyncio.Runner
"""What requests are sent on."""


class Clock:
    """A clock that hardly moves, so that what was made beforehand is fresh when its turn comes, however late."""

    def __init__(self) -> None:
        self._began = datetime.now(UTC)
        self._asked = itertools.count()

    def __call__(self) -> datetime:
        return self._began + timedelta(milliseconds=next(self._asked))


@dataclass(frozen=True, slots=True)
class Request:
    """A POST that can be sent once to each application's database."""

    url: str
    headers: Sequence[tuple[bytes, bytes]]
    body: bytes

    async def send(self, app: Application) -> bytes:
        """Hand it to an application as a server would, and return the answer's body."""
        answered: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": self.body, "more_body": False}

        async def send(message: Message) -> None:
            answered.append(message)

        await app(self._scope(), receive, send)
        body: bytes = answered[-1]["body"]
        if answered[0]["status"] != 200:
            raise AssertionError(body)
        return body

    def _scope(self) -> dict[str, Any]:
        host, _, path = self.url.removeprefix("https://").partition("/")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": f"/{path}",
            "raw_path": f"/{path}".encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", host.encode()),
                *self.headers,
                (b"content-length", str(len(self.body)).encode()),
            ],
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 8101),
            "state": {},
        }


@contextmanager
def loop() -> Iterator[Loop]:
    """The event loop that `skillswallet serve` runs on."""
    with asyncio.Runner(loop_factory=uvicorn.Config("").get_loop_factory()) as runner:
        yield runner


@contextmanager
def unlogged() -> Iterator[None]:
    """A service's log lines are part of its work, not of this report."""
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        yield


def settled_copy(path: Path) -> Path:
    """A copy of a database for the bare application, once all is prepared; as `skillswallet serve` does at its start.

    What stands in memory by then is put out of the garbage collector's way; both applications profit.
    """
    gc.collect()
    gc.freeze()
    copy = path.with_name("bare.sqlite3")
    with closing(sqlite3.connect(path)) as original, closing(sqlite3.connect(copy)) as made:
        original.backup(made)
    return copy


def turn_of(application: Application, requests: Iterable[Request], runner: Loop) -> Turn:
    """The turn that sends so many of the requests that are left, at once; a few are used up here, to warm up."""
    waiting = iter(requests)

    async def send(repeats: int) -> None:
        await asyncio.gather(*(request.send(application) for request in itertools.islice(waiting, repeats)))

    def turn(repeats: int) -> None:
        with unlogged():
            runner.run(send(repeats))

    turn(WARM_UP)
    return turn


async def answer_json(send: Any, answer: bytes) -> None:
    """What a bare application answers with."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


def header(scope: Any, wanted: bytes) -> bytes | None:
    """A header field as it came, or None."""
    return next((value for name, value in scope["headers"] if name == wanted), None)
