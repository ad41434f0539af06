"""Endpoints that scripts of any page may call. Fetch Standard §3.2 (CORS).

A wallet that runs in a browser speaks to an issuer from a page of its own. Whoever calls such an endpoint shows what it
may do in the request itself, a token or a code; no cookie means anything there, and browsers are never told to send one
(`Access-Control-Allow-Credentials` is absent). No page of ours is among them, and nothing that a cookie opens.
"""

from collections.abc import Sequence

from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Scope

# Browsers forget sooner: Chromium after two hours.
_REMEMBERED_SECONDS = 7200

Headers = list[tuple[bytes, bytes]]


class OpenToScripts:
    """Some routes, with the request headers that they take and the headers of their answers that a script may read."""

    def __init__(self, routes: Sequence[Route], *, takes: Sequence[str], shows: Sequence[str]) -> None:
        self._routes = tuple((route.path_regex, ", ".join(sorted(route.methods or ()))) for route in routes)
        self._takes = ", ".join(takes)
        self.headers: Headers = [
            (b"access-control-allow-origin", b"*"),
            (b"access-control-expose-headers", ", ".join(shows).encode()),
        ]

    def find_methods(self, path: str) -> str | None:
        """With which methods scripts may call this path; None where they may not."""
        return next((methods for regex, methods in self._routes if regex.match(path)), None)

    def answer_preflight(self, scope: Scope, methods: str) -> Response | None:
        """The answer to a browser that asks before it sends; None for a request that is no such question."""
        asked = {name for name, _ in scope["headers"]}
        if scope["method"] != "OPTIONS" or b"access-control-request-method" not in asked:
            return None
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Methods": methods,
                "Access-Control-Allow-Headers": self._takes,
                "Access-Control-Max-Age": str(_REMEMBERED_SECONDS),
            },
        )
