"""The verifier service, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from runtime.app import create_fastapi, create_service
from runtime.archives import MAX_ARCHIVE_UPLOAD
from runtime.clock import Clock, utc_now
from runtime.fetch import Transport
from runtime.importing import MAX_UPLOAD_BYTES
from runtime.jitter import Jitter, random_part
from runtime.logging import get_logger
from runtime.service import Service
from runtime.web.pages import Pages
from skills.search import SkillIndex
from verifier import api
from verifier.checking import Checks
from verifier.errors import SignInNeededError, VerifierError
from verifier.models import TrustListCopy
from verifier.presentation_response import finish_interrupted
from verifier.relying_parties import keep_admin_key
from verifier.retention import erase_what_has_passed
from verifier.settings import VerifierSettings
from verifier.web.check_page import create_check_router
from verifier.web.connections_page import create_connections_router
from verifier.web.identity_page import create_identity_router
from verifier.web.pages import create_router
from verifier.webhooks import deliver_webhooks

log = get_logger(__name__)

# Several badges with their pictures, encrypted: more than the shell's 1 MiB. Paths of response endpoints begin with the
# relying party's name, so the limit is that of the whole service.
MAX_RESPONSE_BYTES = 4 * 1024 * 1024
_FORM_OVERHEAD = 64 * 1024


def create_app(
    settings: VerifierSettings,
    *,
    transport: Transport | None = None,
    clock: Clock = utc_now,
    jitter: Jitter = random_part,
    skills: SkillIndex | None = None,
) -> FastAPI:
    """The application. `transport`, `clock`, `jitter` and `skills` are handed in by tests."""
    service = create_service(
        settings,
        name="verifier",
        transport=transport,
        clock=clock,
        jitter=jitter,
        trust_list_copies=TrustListCopy,
    )
    if skills is not None:
        service = replace(service, skills=skills)
    pages = Pages("verifier")
    checks = Checks()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with service.database.transaction() as session:
            await keep_admin_key(session, settings, now=clock())
        stop = asyncio.Event()
        workers = [asyncio.create_task(_work(service, stop)), asyncio.create_task(_tell(service, stop))]
        try:
            yield
        finally:
            # Not cancelled: a round that has begun ends its transaction before the database is closed.
            stop.set()
            await asyncio.gather(*workers)

    app = create_fastapi(
        service,
        title="Skillswallet verifier",
        routers=[
            api.management,
            create_router(pages),
            create_check_router(pages, checks),
            create_identity_router(pages),
            create_connections_router(pages),
            api.protocol,
        ],
        routes=api.protocol_routes,
        pages=pages,
        lifespan=lifespan,
        large_bodies={
            "(/api)?/check": MAX_UPLOAD_BYTES + MAX_ARCHIVE_UPLOAD + _FORM_OVERHEAD,
            "/[^/]+/responses/[^/]+": MAX_RESPONSE_BYTES,
            "/ask/[^/]+/[^/]+/[^/]+/browser-answer": MAX_RESPONSE_BYTES,
            "/api/relying-parties/[^/]+/presentations/[^/]+/browser-answer": MAX_RESPONSE_BYTES,
        },
    )

    app.state.checks = checks

    async def answer_refusal(request: Request, error: Exception) -> Response:
        if not isinstance(error, VerifierError):
            raise error
        if isinstance(error, SignInNeededError):
            return RedirectResponse(f"/sign-in?next={quote(request.url.path)}", status_code=303)
        show = request.app.state.show_problem
        response: Response = show(request, api.problem_of(error))
        return response

    app.add_exception_handler(VerifierError, answer_refusal)
    return app


async def _work(service: Service[VerifierSettings], stop: asyncio.Event) -> None:
    """Every few minutes: forget what has passed, finish what broke off. A failure is logged and tried again."""
    while not stop.is_set():
        try:
            erased = await erase_what_has_passed(service)
            finished = await finish_interrupted(service)
            log.info("worked", erased=erased.received, discarded=erased.uncollected, finished=finished)
        except Exception:
            log.exception("work_failed")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), service.settings.retention_interval.total_seconds())


async def _tell(service: Service[VerifierSettings], stop: asyncio.Event) -> None:
    """Every few seconds: send what relying parties are to be told."""
    while not stop.is_set():
        try:
            await deliver_webhooks(service)
        except Exception:
            log.exception("webhooks_failed")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), service.settings.webhook_interval.total_seconds())
