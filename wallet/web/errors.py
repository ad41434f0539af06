"""How a failure of the wallet looks: problem details for programs, a page in plain words for people."""

from collections.abc import Callable
from typing import Any

from fastapi import Request, Response

from kernel.errors import CredentialError
from runtime.errors import Problem
from runtime.logging import get_logger
from runtime.web.language import translator
from runtime.web.pages import Pages
from wallet.errors import (
    CredentialRefusedError,
    LockedOutError,
    RequestRefusedError,
    SignedOutError,
    WalletError,
    explain,
)

log = get_logger(__name__)


def show_error(request: Request, error: WalletError) -> Response:
    """Answer a failed request in the shape that its sender reads."""
    log.info("refused", status=error.status, code=error.code, detail=error.detail)
    if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return problem(request, error).response()
    pages: Pages = request.app.state.pages
    if isinstance(error, SignedOutError):
        return pages.render(request, "sign_in.html", status=401, errors={}, name="", next=_come_back(request))
    cause = cause_of(error)
    return pages.render(
        request,
        "error.html",
        status=error.status,
        error=error,
        cause_code=cause.code if cause else "",
        cause_meaning=explain(cause).meaning if cause else "",
    )


def problem(request: Request, error: WalletError) -> Problem:
    """The same as problem details (RFC 9457), in the language that was asked for."""
    _: Callable[[str], str] = translator(request)
    cause = cause_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if isinstance(error, LockedOutError):
        wait = int((error.until - request.app.state.service.clock()).total_seconds())
        headers["Retry-After"] = str(max(wait, 1))
    kind = _RefusedRequestProblem if isinstance(error, RequestRefusedError) else Problem
    found = kind(
        error.status,
        error.code,
        f"{_(error.title)}. {_(explain(cause).meaning if cause else error.meaning)}",
        step=cause.code if cause else None,
        hint=_(error.advice),
        headers=headers,
    )
    if isinstance(found, _RefusedRequestProblem) and isinstance(error, RequestRefusedError):
        found.request_id = error.request_id
    return found


class _RefusedRequestProblem(Problem):
    """Names the question that may be declined at `/api/requests/{request_id}/decline`, so that its sender hears why."""

    request_id: str | None = None

    def body(self) -> dict[str, Any]:
        return super().body() | ({"request_id": self.request_id} if self.request_id else {})


def cause_of(error: WalletError) -> CredentialError | None:
    """The check that failed, when a check failed."""
    return error.cause if isinstance(error, CredentialRefusedError | RequestRefusedError) else None


def _come_back(request: Request) -> str:
    """Where to go on after signing in; a form that was lost is not sent again."""
    if request.method != "GET":
        return "/badges"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
