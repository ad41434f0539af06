"""A load balancer without a plan: every connection goes to a backend chosen at random."""

import asyncio
import random
from contextlib import suppress


class Balancer:
    """Listens on one port of this machine and passes each request on to one of several others.

    Backends are told to close after each answer, so that no connection carries two requests to the same one.
    `counts` tells how many requests each backend got.
    """

    def __init__(self, port: int, backends: list[int], *, seed: int) -> None:
        self.port = port
        self.counts = dict.fromkeys(backends, 0)
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "Balancer":
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        backend = self._random.choice(list(self.counts))
        self.counts[backend] += 1
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", backend)
        except OSError:
            writer.close()
            return
        head = await reader.read(65536)
        far_writer.write(head.replace(b"Connection: keep-alive", b"Connection: close", 1))
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    with suppress(OSError):
        writer.close()
