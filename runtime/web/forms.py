"""Forms that nobody else can submit for you (A-52).

Every form carries `{{ csrf_field() }}`; every POST of a page takes its form through here:

    @router.post("/sign-in")
    async def sign_in(request: Request, form: FormDep) -> Response:
        email = form["email"]

A script sends the same value in the header `X-CSRF-Token`, read from the field. The value is an HMAC over a cookie that
only this site can set (`__Host-`) and over the session, so a value fetched in another session fits neither.
"""

import hmac
import secrets
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Annotated, Final

from fastapi import Depends
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from runtime.errors import Problem
from runtime.service import Service
from runtime.web.cookies import cookie_name, session_token, set_cookie

CSRF_FIELD: Final = "csrf_token"
_HEADER: Final = "x-csrf-token"
_COOKIE: Final = "form"
_MAX_FIELDS: Final = 1000


def csrf_token(request: Request) -> str:
    """The value for the forms of this page; `Pages.render` sets the cookie that belongs to it."""
    seed = request.cookies.get(cookie_name(request, _COOKIE)) or _fresh_seed(request)
    return _mac(request, seed)


def set_csrf_cookie(response: Response, request: Request) -> None:
    """Send the cookie if this page made a new one."""
    seed = getattr(request.state, "csrf_seed", None)
    if seed is not None:
        set_cookie(response, request, _COOKIE, seed)


async def read_form(request: Request) -> FormData:
    """The submitted form, after checking that it was submitted from one of our own pages; else a 403."""
    form = await request.form(max_fields=_MAX_FIELDS)
    try:
        verify_csrf(request, form)
        _require_writable(form)
    except Problem:
        await form.close()
        raise
    return form


async def open_form(form: Annotated[FormData, Depends(read_form)]) -> AsyncIterator[FormData]:
    """The checked form for one request; temporary files of what was uploaded go when the request ends."""
    try:
        yield form
    finally:
        await form.close()


def verify_csrf(request: Request, form: FormData) -> None:
    """Refuse a POST that comes from another site, or whose token does not belong to this browser and session."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise _refusal()
    seed = request.cookies.get(cookie_name(request, _COOKIE))
    given = request.headers.get(_HEADER) or form.get(CSRF_FIELD)
    if not seed or not isinstance(given, str):
        raise _refusal()
    if not hmac.compare_digest(_mac(request, seed).encode(), given.encode()):
        raise _refusal()


def _require_writable(form: FormData) -> None:
    """PostgreSQL keeps no NUL in a text, and no keyboard makes one."""
    if any(isinstance(value, str) and "\x00" in value for value in form.values()):
        raise Problem(400, "malformed", "The input is not as described.")


async def verify_form(request: Request) -> None:
    """The same check, for a route that needs nothing from the form."""
    await (await read_form(request)).close()


FormDep = Annotated[FormData, Depends(open_form)]
CsrfDep = Annotated[None, Depends(verify_form)]


def _fresh_seed(request: Request) -> str:
    if not hasattr(request.state, "csrf_seed"):
        request.state.csrf_seed = secrets.token_urlsafe(32)
    return str(request.state.csrf_seed)


def _mac(request: Request, seed: str) -> str:
    service: Service = request.app.state.service  # type: ignore[type-arg]
    key = service.sealing_key.derive(f"{service.name}/csrf")
    message = f"{seed}!{session_token(request) or ''}"
    return hmac.new(key, message.encode(), sha256).hexdigest()


def _refusal() -> Problem:
    return Problem(403, "form_expired", "This form has expired. Go back, reload the page and try again.")
