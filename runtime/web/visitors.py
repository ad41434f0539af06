"""Who tries to sign in: a browser that did so before under this name, or else a source on the network.

    visitor = visitor_of(request, settings.visitor_key(), name)
    …                                                                  # count the try under visitor.counter
    remember_browser(response, request, settings.visitor_key(), name)  # it worked

Tries are counted for each visitor of a name, so that nobody locks out somebody else. What all strangers together try
under one name is slowed down as well; a browser that was let in before stands beside that queue. Its cookie says
nothing but that, holds for this name alone, and opens nothing.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from kernel import base64url
from runtime.middleware import source_of
from runtime.tokens import create_token
from runtime.web.cookies import cookie_name, set_cookie

_PURPOSE: Final = "known"
_KEPT: Final = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Under what this visitor's tries for this name are counted, and whether it was let in before."""

    counter: bytes
    is_known: bool


def visitor_of(request: Request, key: bytes, name: str) -> Visitor:
    """Who asks to come in under this name, which is given in the one form that it is looked up by."""
    browser = _known_browser(request, key, name)
    label = f"source {source_of(request.scope)}" if browser is None else f"browser {browser}"
    return Visitor(hmac.digest(key, f"{name}\n{label}".encode(), "sha256"), browser is not None)


def remember_browser(response: Response, request: Request, key: bytes, name: str) -> None:
    """Know this browser again: it was let in under this name."""
    browser = _known_browser(request, key, name) or create_token(16)
    set_cookie(
        response, request, _PURPOSE, f"{browser}.{_proof(key, name, browser)}", max_age=int(_KEPT.total_seconds())
    )


def _known_browser(request: Request, key: bytes, name: str) -> str | None:
    browser, _, proof = request.cookies.get(cookie_name(request, _PURPOSE), "").partition(".")
    return browser if hmac.compare_digest(proof.encode(), _proof(key, name, browser).encode()) else None


def _proof(key: bytes, name: str, browser: str) -> str:
    return base64url.encode(hmac.digest(key, f"known browser\n{name}\n{browser}".encode(), "sha256"))
