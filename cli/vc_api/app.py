"""The URLs of the VC API: each cryptosuite under its own name, and what the W3C's suites have to be told about them."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import ASGIApp

from cli.vc_api.checking import Checker
from cli.vc_api.requests import Members, get_object, get_options
from cli.vc_api.securing import SuiteKey, derive
from kernel.data_integrity.ecdsa_sd_2023 import NAME as ECDSA_SD_2023
from kernel.data_integrity.problems import PARSING_ERROR, generation_problem_type, problem_type
from kernel.errors import CredentialError
from kernel.members import as_object
from kernel.strict_json import encode_json, parse_json
from runtime.clock import Clock, utc_now
from runtime.errors import Problem, log_refusal, problem_of
from runtime.logging import get_logger
from runtime.middleware import Shell

log = get_logger(__name__)

# From a request's body to the body of the answer.
Answer = Callable[[Members], object]
# From what is wrong to the W3C's name for it (K-59).
ProblemType = Callable[[CredentialError], str]


class Refusal(Exception):  # noqa: N818  what is wrong, and which kind of problem that is here
    """A request that is refused."""

    def __init__(self, error: CredentialError, problem_type: str) -> None:
        super().__init__(problem_type)
        self.error = error
        self.problem_type = problem_type


_VERIFIED = {"verified": True, "warnings": [], "errors": []}


def create_app(cryptosuites: Sequence[str], *, clock: Clock = utc_now) -> ASGIApp:
    """Return the VC API for these cryptosuites; the log says that it is on."""
    log.warning("vc_api_for_tests_is_on", cryptosuites=list(cryptosuites))
    keys = [key for cryptosuite in cryptosuites for key in SuiteKey.generate(cryptosuite)]
    checker = Checker(frozenset(cryptosuites))
    handlers: dict[Any, Any] = dict.fromkeys((Refusal, Problem, HTTPException), _refuse)
    suites = [Mount(f"/{key.path}", Router(_suite_routes(key, checker, clock), redirect_slashes=False)) for key in keys]
    described = Route("/", lambda request: _json(_implementation(str(request.base_url), keys)), methods=["GET"])
    app = Starlette(routes=[described, *suites], exception_handlers=handlers)
    app.router.redirect_slashes = False
    return Shell(app, is_https=False)


def _suite_routes(key: SuiteKey, checker: Checker, clock: Clock) -> list[BaseRoute]:
    def issue(body: Members) -> object:
        return key.issue(get_object(body, "credential"), options=get_options(body), now=clock())

    def verify(body: Members) -> object:
        checker.verify_credential(get_object(body, "verifiableCredential"), options=get_options(body), now=clock())
        return _VERIFIED

    def derive_verified(body: Members) -> object:
        credential = get_object(body, "verifiableCredential")
        checker.verify_credential(credential, options={}, now=clock(), on_receipt=True)
        return derive(credential, options=get_options(body))

    def present(body: Members) -> object:
        presentation = key.present(get_object(body, "presentation"), options=get_options(body), now=clock())
        return {"verifiablePresentation": presentation}

    def verify_presentation(body: Members) -> object:
        presentation = get_object(body, "verifiablePresentation")
        checker.verify_presentation(presentation, options=get_options(body), now=clock())
        return _VERIFIED

    return [
        _post("/credentials/issue", issue, 201, generation_problem_type),
        _post("/credentials/verify", verify, 200),
        _post("/credentials/derive", derive_verified, 201),
        _post("/presentations", present, 201, generation_problem_type),
        _post("/presentations/verify", verify_presentation, 200),
    ]


def _post(path: str, answer: Answer, status: int, kind: ProblemType = problem_type) -> Route:
    async def respond(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Problem(415, "unsupported_media_type", "Send application/json.")
        body = _refusing(parse_json, await request.body(), kind=lambda _: PARSING_ERROR)
        return _json(_refusing(lambda value: answer(as_object(value, "the body")), body, kind=kind), status)

    return Route(path, respond, methods=["POST"])


def _refusing(answer: Callable[[Any], Any], value: Any, *, kind: ProblemType) -> Any:
    """Return what is answered to a value, or raise the refusal that names the kind of problem."""
    try:
        return answer(value)
    except CredentialError as exc:
        raise Refusal(exc, kind(exc)) from exc


def _refuse(_request: Request, error: Exception) -> Response:
    """Everything that does not verify is a 400, also what could not be checked: nothing was verified then."""
    cause = error.error if isinstance(error, Refusal) else error
    kind = {"type": error.problem_type} if isinstance(error, Refusal) else {}
    problem = Problem(400, cause.code, cause.sentence) if isinstance(cause, CredentialError) else problem_of(cause)
    log_refusal(cause, problem.status, problem.code)
    return _json({"verified": False, "errors": [{**problem.body(), **kind}]}, problem.status)


def _json(content: object, status: int = 200) -> Response:
    return Response(encode_json(content), status, media_type="application/json")


def _implementation(base_url: str, keys: Sequence[SuiteKey]) -> dict[str, Any]:
    """Describe the endpoints as `vc-test-suite-implementations` has it, for the suites' `localConfig`."""
    wholes = [key for key in keys if key.cryptosuite != ECDSA_SD_2023]
    selective = [key for key in keys if key.cryptosuite == ECDSA_SD_2023]
    return {
        "name": "Skillswallet",
        "implementation": "Skillswallet",
        "issuers": [_endpoint(base_url, key, "credentials/issue") for key in keys],
        "verifiers": [_endpoint(base_url, key, "credentials/verify") for key in keys],
        "vcHolders": [_endpoint(base_url, key, "credentials/derive") for key in selective],
        "vpVerifiers": [_endpoint(base_url, key, "presentations/verify") for key in wholes],
    }


def _endpoint(base_url: str, key: SuiteKey, path: str) -> dict[str, Any]:
    return {
        "id": key.did,
        "endpoint": f"{base_url}{key.path}/{path}",
        "tags": ["vc2.0", key.cryptosuite],
        "supports": {"vc": ["2.0"]},
        **({"supportedEcdsaKeyTypes": [key.curve]} if key.curve.startswith("P-") else {}),
    }
