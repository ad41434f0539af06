"""From settings to a running service.

    def create_app(settings: IssuerSettings, *, transport=None, clock=utc_now) -> FastAPI:
        service = create_service(settings, name="issuer", transport=transport, clock=clock)
        return create_fastapi(service, title="Skillswallet issuer", routers=[api.router, web.router], pages=pages)

`transport` (`runtime.fetch.Transport`) replaces the network in tests; the rules of runtime.fetch hold all the same.
`routes` are plain Starlette routes of async functions beside FastAPI's, for protocol endpoints. They are tried first
and in their order, since walking past every page and management URL costs more than all else around a request; so their
paths must not match any of those. Neither shadows `/health`, `/ready`, `/static` and `/language`.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, TypeVar

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kernel.errors import CredentialError
from runtime.api_document import complete, operation_id
from runtime.clock import Clock, utc_now
from runtime.cross_origin import OpenToScripts
from runtime.database import Database
from runtime.errors import OAuthError, Problem, ProtocolRoute, log_refusal, own_refusal, problem_of, refusal_before
from runtime.fetch import Fetcher, Transport
from runtime.jitter import Jitter, random_part
from runtime.logging import configure_logging, get_logger
from runtime.middleware import RateLimit, Shell
from runtime.resolve import Resolver
from runtime.route_document import add_routes, find_operation
from runtime.service import Service
from runtime.settings import ServiceSettings
from runtime.trust_list_memory import DatabaseTrustListMemory, TrustListCopyMixin
from runtime.web.pages import Pages
from runtime.web.shell import shell_routes
from skills.search import SkillIndex

log = get_logger(__name__)

S = TypeVar("S", bound=ServiceSettings)
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

# Argon2id runs behind these: a flood of them would eat the machine before any account is locked.
_COSTLY: Final = RateLimit(("/sign-in", "/sign-up", "/api/sessions", "/api/accounts"), 120)
# Each file that is brought here may make us ask thirty-two addresses of its choice, and a stranger's question some.
_ASKING: Final = RateLimit(("/check", "/import", "/open/without-wallet"), 30)
# Anybody may register a product, and a product's server refreshes the tokens of all its people from one address.
_CONNECTING: Final = (RateLimit(("/oauth/register",), 60), RateLimit(("/oauth/token", "/oauth/revoke"), 600))


def create_service(
    settings: S,
    *,
    name: str,
    transport: Transport | None = None,
    clock: Clock = utc_now,
    jitter: Jitter = random_part,
    trust_list_copies: type[TrustListCopyMixin] | None = None,
) -> Service[S]:
    """Prepare what the service needs, and the log; nothing is asked of the network or the database yet.

    `trust_list_copies` is the table in which a service that uses the trust list keeps the newest one.
    """
    configure_logging(settings.log_level)
    fetch = Fetcher(settings.local_hosts, transport)
    database = Database(settings.database_url.get_secret_value())
    memory = None if trust_list_copies is None else DatabaseTrustListMemory(database, trust_list_copies)
    return Service(
        name=name,
        settings=settings,
        database=database,
        fetch=fetch,
        resolver=Resolver(
            fetch,
            trust_list=settings.trust_list,
            trust_list_signer=settings.trust_list_signer_jwk(),
            trust_list_memory=memory,
            federation_anchors=settings.federation_anchor_keys(),
            jitter=jitter,
        ),
        clock=clock,
        skills=SkillIndex.open(settings.skills_index),
        sealing_key=settings.sealing_key(),
        jitter=jitter,
    )


def create_fastapi(
    service: Service[S],
    *,
    title: str,
    routers: Sequence[APIRouter],
    routes: Sequence[Route] = (),
    pages: Pages | None = None,
    lifespan: Lifespan | None = None,
    large_bodies: Mapping[str, int] | None = None,
    open_to_scripts: OpenToScripts | None = None,
) -> FastAPI:
    """The ASGI application: routes, error shapes, security headers, limits, logs with a trace id.

    `pages` also makes failures of page requests into pages. `lifespan` runs while the service runs (workers).
    `large_bodies` lets some paths (regular expressions of whole ones) take more than 1 MiB, such as a picture's upload.
    `open_to_scripts` are the routes that wallets in browsers call.
    """
    shell = shell_routes(pages)
    app = _Service(
        title=title,
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=_running(service, lifespan),
        # Addresses are compared exactly (I-11), and such a redirect would go to whatever host the request names.
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    app.described_routes = [*routes, *_described(shell), *_described(r for each in routers for r in each.routes)]
    app.state.service = service
    app.state.text_packages = pages.packages if pages is not None else ()
    app.router.routes.extend(shell)
    for router in routers:
        # As they are: `include_router` would look at every parameter of every route again, once an application.
        app.router.routes.extend(router.routes)
    app.router.routes.extend(routes)
    in_routers = (route for router in routers for route in router.routes if isinstance(route, ProtocolRoute))
    _handle_errors(app, pages, [*routes, *in_routers])
    limits = _rate_limits(service.settings.requests_per_minute)
    is_https = service.settings.is_https

    def put_around(app_of_fastapi: ASGIApp) -> ASGIApp:
        inner = _RoutesFirst(app_of_fastapi, routes)
        app.shell = Shell(
            inner,
            is_https=is_https,
            rate_limits=limits,
            large_bodies=large_bodies,
            open_to_scripts=open_to_scripts,
        )
        return app.shell

    app.add_middleware(put_around)
    return app


def _described(routes: Iterable[BaseRoute]) -> list[Route]:
    return [route for route in routes if isinstance(route, Route) and find_operation(route) is not None]


class _Service(FastAPI):
    """FastAPI with our shell for its outermost layer.

    What FastAPI would put around it (a last catch, a limit of bodies, telemetry) the shell does itself or nobody here
    asked for, and a plain route is answered without passing any of it.
    """

    shell: ASGIApp
    described_routes: Sequence[Route] = ()

    def openapi(self) -> dict[str, Any]:
        """The document of the interface, with the refusals that there really are and the routes beside FastAPI's."""
        if self.openapi_schema is None:
            self.openapi_schema = add_routes(complete(super().openapi()), self.described_routes)
        return self.openapi_schema

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.shell(scope, receive, send)


class _RoutesFirst:
    """Takes the plain routes before FastAPI looks at anything; its layers cost more than such a route itself.

    Whatever matches none of them in full, a wrong method for example, goes the usual way.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        self._app = app
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for route in self._routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                request = Request(scope, receive)
                response = await _answer(route, request)
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _answer(route: Route, request: Request) -> Response:
    """What the route answers; its exceptions are answered by the app's handlers, as everywhere."""
    try:
        response: Response = await route.endpoint(request)
    except Exception as exc:
        handlers = request.app.exception_handlers
        handler = next((handlers[kind] for kind in type(exc).__mro__ if kind in handlers), None)
        if handler is None:
            raise
        response = await handler(request, exc)
    return response


def _running(service: Service[S], inner: Lifespan | None) -> Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log.info("started", service=service.name, public_url=service.settings.public_url)
        if service.settings.allow_http_for_local_development:
            log.warning("http_is_allowed_for_local_development", local_hosts=sorted(service.settings.local_hosts))
        try:
            if inner is None:
                yield
            else:
                async with inner(app):
                    yield
        finally:
            await service.close()

    return lifespan


def _rate_limits(per_minute: int) -> tuple[RateLimit, ...]:
    if per_minute == 0:
        return ()
    return (RateLimit(("/health", "/ready"), 6000), _COSTLY, _ASKING, *_CONNECTING, RateLimit(("/",), per_minute))


def _handle_errors(app: FastAPI, pages: Pages | None, protocol: Sequence[Route]) -> None:
    def show(request: Request, problem: Problem) -> Response:
        # A protocol endpoint answers programs, perhaps in a shape of its own: no page, and no cookie with one.
        found = next((route for route in protocol if route.matches(request.scope)[0] is not Match.NONE), None)
        if found is not None:
            return own_refusal(found.endpoint, problem) or (refusal_before(problem) or problem).response()
        if pages is not None and _wants_page(request):
            return pages.problem(request, problem)
        return problem.response()

    async def oauth_error(_request: Request, error: Exception) -> Response:
        if not isinstance(error, OAuthError):
            raise error
        log_refusal(error, error.status, error.error)
        return error.response()

    async def other_error(request: Request, error: Exception) -> Response:
        problem = problem_of(error)
        if problem.status == 405:
            problem.headers |= _allow(request)
        log_refusal(error, problem.status, problem.code)
        return show(request, problem)

    app.state.show_problem = show
    app.add_exception_handler(OAuthError, oauth_error)
    for kind in (Problem, CredentialError, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, other_error)


def _allow(request: Request) -> dict[str, str]:
    """Every method of an address, whose routes each know their own. RFC 9110 §10.2.1."""
    routes = [route for route in request.app.router.routes if isinstance(route, Route)]
    found = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    methods = sorted({method for route in found for method in route.methods or ()})
    return {"Allow": ", ".join(methods)} if methods else {}


def _wants_page(request: Request) -> bool:
    """A browser's navigation; protocol and management clients never ask for HTML."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
