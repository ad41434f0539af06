"""How a failure looks from outside, in the two shapes there are.

Protocol endpoints answer OAuth errors. Raise one, or let the service's table turn kernel errors into one:

    router = APIRouter(route_class=oauth_route(malformed="invalid_request", table=TOKEN_ERRORS))
    raise OAuthError(400, "invalid_grant")

`table` maps kernel error classes to `(status, error)`; the nearest base class counts. A body that FastAPI cannot read
becomes `malformed`: protocol endpoints never answer 422.

Pages and management JSON answer problem details (RFC 9457) with a trace id:

    raise Problem(409, "slug_taken", "This slug is already in use.", hint="Choose another one.")

Three kinds of failure stay apart: theirs (4xx), the world's (`UndecidedError`, 503), ours (anything else, 500).
Descriptions are fixed sentences of ours; the detail of an exception goes to the log alone.
"""

import secrets
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from kernel.errors import CredentialError, UndecidedError
from runtime.logging import get_logger, trace_id

log = get_logger(__name__)

# No letters or digits that people confuse when reading a code aloud.
_TRACE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_TRACE_CHARACTERS: Final = (_TRACE_ALPHABET * 9)[:256].encode()
_TRACE_LENGTH: Final = 10
_made_ahead: Final[list[str]] = []
RETRY_SECONDS: Final = "30"

F = TypeVar("F", bound=Callable[..., Any])
_REFUSES_AS: Final = "refuses_as"

ErrorTable = Mapping[type[CredentialError], tuple[int, str]]


def create_trace_id() -> str:
    """Ten characters a person can quote to a helper: they find the request in the log and say nothing else."""
    try:
        return _made_ahead.pop()
    except IndexError:
        # Many at once: who asks the operating system gives the interpreter away meanwhile, and each request that has
        # only just come would then wait for the thread of the database.
        characters = secrets.token_bytes(64 * _TRACE_LENGTH).translate(_TRACE_CHARACTERS).decode()
        made = [characters[begin : begin + _TRACE_LENGTH] for begin in range(0, len(characters), _TRACE_LENGTH)]
        _made_ahead.extend(made[1:])
        return made[0]


class OAuthError(Exception):
    """An error of an OAuth or OpenID endpoint: `{"error": …, "error_description": …}` (RFC 6749 §5.2).

    `description`, when given, is a fixed sentence of printable ASCII without `"` and `\\`.
    """

    def __init__(
        self, status: int, error: str | None, description: str = "", *, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        """None for a 401 without any error code: the request carried no credentials at all (RFC 6750 §3.1)."""
        self.description = description
        self.headers = dict(headers or {})

    def response(self) -> Response:
        """The wire form; errors are never cached."""
        headers = {"Cache-Control": "no-store"} | self.headers
        if self.status == 401 and "WWW-Authenticate" not in self.headers:
            headers["WWW-Authenticate"] = "Bearer" if self.error is None else f'Bearer error="{self.error}"'
        if self.error is None:
            return Response(status_code=self.status, headers=headers)
        content = {"error": self.error} | ({"error_description": self.description} if self.description else {})
        return JSONResponse(content, status_code=self.status, headers=headers)


OwnRefusal = Callable[["Problem"], Response | None]


class Problem(Exception):  # noqa: N818  (RFC 9457 calls it a problem)
    """A refusal for people and for management clients (RFC 9457).

    `code` is stable and for programs; `title` is one fixed sentence; `step` names the step of a flow that failed and
    `hint` what can be done about it; `fields` names the members of the input that are wrong, and how.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        *,
        step: str | None = None,
        hint: str | None = None,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.title = title
        self.step = step
        self.hint = hint
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The problem details, with the trace id of the current request."""
        members = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "trace_id": trace_id.get(),
            "step": self.step,
            "hint": self.hint,
            "fields": self.fields or None,
        }
        return {name: value for name, value in members.items() if value is not None}

    def response(self) -> JSONResponse:
        """The wire form."""
        return JSONResponse(
            self.body(),
            status_code=self.status,
            headers={"Cache-Control": "no-store"} | self.headers,
            media_type="application/problem+json",
        )


# RFC 6749 §5.2 has no word of its own for these three; their status says what they are (RFC 9110 §15.5, RFC 6585 §4).
BEFORE_A_PROTOCOL_ENDPOINT: Final = {
    405: ("invalid_request", "This endpoint does not know this method."),
    413: ("invalid_request", "The request is larger than this endpoint reads."),
    429: ("temporarily_unavailable", "Too many requests; wait a minute."),
}


def refusal_before(problem: Problem) -> OAuthError | None:
    """What a refusal is at a protocol endpoint that the request did not come to: wrong method, too large, too many."""
    if problem.status not in BEFORE_A_PROTOCOL_ENDPOINT:
        return None
    error, description = BEFORE_A_PROTOCOL_ENDPOINT[problem.status]
    return OAuthError(problem.status, error, description, headers=problem.headers)


def problem_of(error: Exception) -> Problem:
    """What any exception becomes on a page or a management endpoint; only a `Problem` tells more than its class."""
    match error:
        case Problem():
            return error
        case UndecidedError():
            return Problem(503, error.code, error.sentence, headers={"Retry-After": RETRY_SECONDS})
        case CredentialError():
            return Problem(400, error.code, error.sentence)
        case _ if is_database_away(error):
            return Problem(
                503, "busy", "This cannot be done right now. Try again soon.", headers={"Retry-After": RETRY_SECONDS}
            )
        case RequestValidationError() if any(problem["type"] == "json_invalid" for problem in error.errors()):
            return Problem(400, "malformed", "The body is not JSON that can be read in one way.")
        case RequestValidationError():
            return Problem(400, "malformed", "The input is not as described.", fields=_wrong_fields(error))
        case HTTPException():
            return Problem(error.status_code, _code_of(error.status_code), HTTPStatus(error.status_code).phrase,
                           headers=error.headers)  # fmt: skip
        case _:
            return Problem(500, "server_error", "Something went wrong on our side.")


def oauth_error_of(error: Exception, *, malformed: str, table: ErrorTable) -> OAuthError:
    """What an exception becomes on a protocol endpoint."""
    match error:
        case OAuthError():
            return error
        case UndecidedError() if UndecidedError not in table:
            return OAuthError(503, "temporarily_unavailable", headers={"Retry-After": RETRY_SECONDS})
        case CredentialError():
            status, code = _row(table, type(error)) or (400, malformed)
            return OAuthError(status, code, error.sentence)
        case RequestValidationError() | HTTPException(status_code=400):
            return OAuthError(400, malformed)
        case HTTPException():
            raise error
        case _:
            return unexpected_oauth_error(error)


def unexpected_oauth_error(error: Exception) -> OAuthError:
    """What a failure that nobody foresaw becomes on a protocol endpoint: try again, or our mistake."""
    if is_database_away(error):
        return OAuthError(503, "temporarily_unavailable", headers={"Retry-After": RETRY_SECONDS})
    return OAuthError(500, "server_error")


def is_database_away(error: Exception) -> bool:
    """Whether the database was locked for too long, or could not be reached: another try may well succeed."""
    return isinstance(error, OperationalError | PoolTimeoutError)


def refuses_as(refuse: OwnRefusal) -> Callable[[F], F]:
    """Says of a protocol endpoint, beside its handler, in which shape it refuses what never came to it.

    `refuse` returns None for what has no shape of its own there.
    """

    def mark(endpoint: F) -> F:
        setattr(endpoint, _REFUSES_AS, refuse)
        return endpoint

    return mark


def own_refusal(endpoint: object, problem: Problem) -> Response | None:
    """The refusal in the endpoint's own shape, None where it has none for this."""
    refuse: OwnRefusal | None = getattr(endpoint, _REFUSES_AS, None)
    return None if refuse is None else refuse(problem)


class ProtocolRoute(APIRoute):
    """A route that answers OAuth errors, as `oauth_route` makes them."""


def oauth_route(*, malformed: str, table: ErrorTable | None = None) -> type[APIRoute]:
    """A route class whose every failure is an OAuth error; see the head of this file."""

    class OAuthRoute(ProtocolRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handler = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    return await handler(request)
                except (OAuthError, CredentialError, RequestValidationError, HTTPException) as exc:
                    error = oauth_error_of(exc, malformed=malformed, table=table or {})
                    log_refusal(exc, error.status, error.error)
                    return error.response()

            return answer

    return OAuthRoute


def log_refusal(error: Exception, status: int, code: str | None) -> None:
    """One line a refusal, so that a trace id quoted by a person leads to the reason."""
    detail = error.detail if isinstance(error, CredentialError) else None
    log.info("refused", status=status, code=code, error_class=type(error).__name__, detail=detail)


def _row(table: ErrorTable, error: type[CredentialError]) -> tuple[int, str] | None:
    for base in error.__mro__:
        if base in table:
            return table[base]
    return None


def _wrong_fields(error: RequestValidationError) -> dict[str, str]:
    """Which members are wrong and of which kind the mistake is; never the value that was sent."""
    return {".".join(str(part) for part in problem["loc"][1:]): str(problem["type"]) for problem in error.errors()}


def _code_of(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
