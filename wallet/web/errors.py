"""How a failure of the wallet looks: problem details for programs, a page in plain words for people."""

from collections.abc import Callable
from dataclasses import dataclass
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
from wallet.failures import FAILURES, SIDES, STEPS, TITLES, Failure

log = get_logger(__name__)


def show_error(request: Request, error: WalletError) -> Response:
    """Answer a failed request in the shape that its sender reads."""
    log.info("refused", status=error.status, code=error.code, detail=error.detail)
    if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
        return problem(request, error).response()
    pages: Pages = request.app.state.pages
    if isinstance(error, SignedOutError):
        return pages.render(request, "sign_in.html", status=401, errors={}, name="", next=_come_back(request))
    cause, failure = cause_of(error), FAILURES.get(error.failure)
    return pages.render(
        request,
        "error.html",
        status=error.status,
        error=error,
        failure=_describe(translator(request), failure, error) if failure else None,
        cause_code=failure.code if failure else (cause.code if cause else ""),
        cause_meaning=explain(cause).meaning if cause and not failure else "",
    )


@dataclass(frozen=True, slots=True)
class _DescribedFailure:
    """A failure in the language of the page, with every step and how far it came: done, failed, or not begun."""

    title: str
    meaning: str
    advice: str
    repair: str
    side: str
    rule: str
    code: str
    steps: tuple[tuple[str, str], ...]


def _describe(_: Callable[[str], str], failure: Failure, error: WalletError) -> _DescribedFailure:
    order = list(STEPS)
    failed = order.index(failure.step)
    states = ["done" if number < failed else "failed" if number == failed else "" for number in range(len(order))]
    return _DescribedFailure(
        title=_(TITLES.get(failure.step, error.title)),
        meaning=_(failure.meaning),
        advice=_(failure.advice),
        repair=_(failure.repair),
        side=_(SIDES[failure.side]),
        rule=failure.rule,
        code=failure.code,
        steps=tuple((_(STEPS[step]), state) for step, state in zip(order, states, strict=True)),
    )


def problem(request: Request, error: WalletError) -> Problem:
    """The same as problem details (RFC 9457), in the language that was asked for."""
    _: Callable[[str], str] = translator(request)
    cause = cause_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    if isinstance(error, LockedOutError):
        wait = int((error.until - request.app.state.service.clock()).total_seconds())
        headers["Retry-After"] = str(max(wait, 1))
    failure = FAILURES.get(error.failure)
    meaning = failure.meaning if failure else explain(cause).meaning if cause else error.meaning
    found = _WalletProblem(
        error.status,
        error.code,
        f"{_(TITLES.get(failure.step, error.title) if failure else error.title)}. {_(meaning)}",
        step=cause.code if cause else error.step.code if error.step else None,
        hint=_(failure.advice if failure else error.advice),
        headers=headers,
    )
    if failure is not None:
        found.more = {"failed_step": failure.step, "side": failure.side, "rule": failure.rule, "failure": failure.code}
    if error.step is not None:
        found.more = {"failed_step": error.step.code, "side": error.step.side, "rule": error.step.rule}
    if error.answered:
        found.more["answered"] = error.answered
    if isinstance(error, RequestRefusedError) and error.request_id:
        found.more["request_id"] = error.request_id
    if isinstance(error, RequestRefusedError) and error.data:
        found.more["data"] = dict(error.data)
    return found


class _WalletProblem(Problem):
    """Says which step failed, on which side, by which rule, and with which error code of the other side.

    `request_id` names the question that may be declined at `/api/requests/{request_id}/decline`, so that its sender
    hears why. `data` goes back to the page that asked (W-55).
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.more: dict[str, Any] = {}

    def body(self) -> dict[str, Any]:
        return super().body() | self.more


def cause_of(error: WalletError) -> CredentialError | None:
    """The check that failed, when a check failed."""
    return error.cause if isinstance(error, CredentialRefusedError | RequestRefusedError) else None


def _come_back(request: Request) -> str:
    """Where to go on after signing in; a form that was lost is not sent again."""
    if request.method != "GET":
        return "/badges"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
