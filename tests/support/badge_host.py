"""Hosts on which badges of others stand: documents by path, and hosts that misbehave in one way."""

from collections.abc import Mapping
from typing import Any

from kernel.importing import Answer, AnswerKind
from tests.support.hosts import App

_STATUSES = {AnswerKind.FOUND: 200, AnswerKind.NOT_FOUND: 404, AnswerKind.GONE: 410, AnswerKind.UNAVAILABLE: 503}


def serve(pages: Mapping[str, Answer], *, media_type: str = "application/ld+json") -> App:
    """An application that answers each address as the mapping says, and 404 otherwise."""

    async def app(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        host = dict(scope["headers"])[b"host"].decode()
        answer = pages.get(f"https://{host}{scope['path']}", Answer(AnswerKind.NOT_FOUND))
        headers = [(b"content-type", media_type.encode())]
        await send({"type": "http.response.start", "status": _STATUSES[answer.kind], "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    return app


def redirect(location: str) -> App:
    """An application that always sends on to another address, for instance its own."""

    async def app(scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        headers = [(b"location", location.encode())]
        await send({"type": "http.response.start", "status": 302, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return app
