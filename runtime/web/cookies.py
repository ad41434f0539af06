"""Cookies as this project sets them: for this host only, unreadable for scripts, named for their service.

The service's name is part of the cookie's, since cookies do not tell ports apart and a laptop runs all three services
on one host. On https the `__Host-` prefix makes the browser refuse one that a neighbouring subdomain tried to plant.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

_SESSION: Final = "session"


def cookie_name(request: Request, purpose: str) -> str:
    """`__Host-wallet-session` on https, `wallet-session` on a laptop."""
    service = request.app.state.service
    return f"{'__Host-' if service.settings.is_https else ''}{service.name}-{purpose}"


def set_cookie(response: Response, request: Request, purpose: str, value: str, *, max_age: int | None = None) -> None:
    """Without `max_age` the browser forgets it when it closes."""
    response.set_cookie(
        cookie_name(request, purpose),
        value,
        max_age=max_age,
        secure=request.app.state.service.settings.is_https,
        httponly=True,
        samesite="lax",
    )


def delete_cookie(response: Response, request: Request, purpose: str) -> None:
    response.delete_cookie(
        cookie_name(request, purpose), secure=request.app.state.service.settings.is_https, httponly=True, samesite="lax"
    )


def session_token(request: Request) -> str | None:
    """The browser session's token, as it came."""
    return request.cookies.get(cookie_name(request, _SESSION))


def set_session_cookie(response: Response, request: Request, token: str) -> None:
    """Give the browser the token that `start_session` or `renew_session` made."""
    set_cookie(response, request, _SESSION, token)


def delete_session_cookie(response: Response, request: Request) -> None:
    delete_cookie(response, request, _SESSION)
