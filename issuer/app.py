"""The issuer: `create_app(settings)` makes the ASGI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from fastapi import FastAPI, Request, Response

from issuer import api
from issuer.api_keys import keep_admin_key
from issuer.errors import AuthorizationOverError, IssuerError, NotFoundError
from issuer.housekeeping import clean_up_forever
from issuer.models import TrustListCopy
from issuer.settings import IssuerSettings
from issuer.web import authorization_pages, connection_pages, endorsement_pages, file_pages, key_pages
from issuer.web import pages as web
from runtime.app import create_fastapi, create_service
from runtime.clock import Clock, utc_now
from runtime.errors import Problem, log_refusal
from runtime.fetch import Transport
from runtime.web.language import load_catalogue
from runtime.web.pages import Pages
from skills.search import SkillIndex

# Only these forms are larger than others: a picture twice, as kept and as chosen anew; a piece of evidence, which is
# read for its digest and not kept; a list of people, in the words of a form.
_LARGE_BODIES = {
    r"/back-office/[^/]+/achievements/(new|[^/]+/change)": 3 * 1024 * 1024,
    r"/back-office/[^/]+/achievements/[^/]+/award/preview": 20 * 1024 * 1024,
    r"/back-office/[^/]+/achievements/[^/]+/award": 8 * 1024 * 1024,
}


def create_app(
    settings: IssuerSettings,
    *,
    transport: Transport | None = None,
    clock: Clock = utc_now,
    skills: SkillIndex | None = None,
) -> FastAPI:
    """The issuer with these settings; `skills` replaces the index that the settings name."""
    service = create_service(settings, name="issuer", transport=transport, clock=clock, trust_list_copies=TrustListCopy)
    if skills is not None:
        service = replace(service, skills=skills)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await keep_admin_key(service.database, settings, now=clock())
        cleaning = asyncio.create_task(clean_up_forever(service.database, settings, clock))
        try:
            yield
        finally:
            cleaning.cancel()
            with suppress(asyncio.CancelledError):
                await cleaning
            if settings.hsm is not None:
                settings.hsm.close()

    pages = Pages("issuer")
    app = create_fastapi(
        service,
        title="Skillswallet issuer",
        routers=[
            api.router,
            file_pages.router,
            endorsement_pages.router,
            web.router,
            key_pages.router,
            connection_pages.router,
            authorization_pages.router,
        ],
        routes=api.protocol_routes,
        pages=pages,
        lifespan=lifespan,
        large_bodies=_LARGE_BODIES,
        open_to_scripts=api.open_to_scripts,
    )
    app.state.pages = pages
    app.add_exception_handler(IssuerError, _issuer_error)
    app.add_exception_handler(web.SignInNeeded, web.send_to_sign_in)
    app.add_exception_handler(AuthorizationOverError, authorization_pages.show_stopped)
    return app


def _page_before(request: Request) -> str:
    """The page with the button that was pressed: what stands above its address; of keys there is only the list."""
    before = request.url.path.rpartition("/")[0]
    return before.rpartition("/")[0] if before.rpartition("/")[0].endswith("/keys") else before


async def _issuer_error(request: Request, error: Exception) -> Response:
    """A request that cannot be done: to staff a page with the reason, to programs problem details in English."""
    if not isinstance(error, IssuerError):
        raise error
    english = load_catalogue(request.app.state.text_packages, "en").gettext
    fields = {name: english(sentence) for name, sentence in error.fields.items()}
    problem = Problem(error.status, error.code, english(error.sentence), fields=fields)
    log_refusal(error, problem.status, problem.code)
    if not isinstance(error, NotFoundError) and request.url.path.startswith("/back-office/"):
        pages: Pages = request.app.state.pages
        return pages.render(request, "refused.html", status=error.status, back=_page_before(request), error=error)
    response: Response = request.app.state.show_problem(request, problem)
    return response
