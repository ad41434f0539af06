"""From settings to a running wallet."""

from fastapi import FastAPI, Request, Response

from runtime.app import create_fastapi, create_service
from runtime.clock import Clock, utc_now
from runtime.fetch import Transport
from runtime.importing import MAX_UPLOAD_BYTES
from runtime.jitter import Jitter, random_part
from runtime.web.pages import Pages
from wallet import api, host_api
from wallet.errors import WalletError
from wallet.images import MAXIMUM_PICTURE_BYTES
from wallet.models import TrustListCopy
from wallet.settings import WalletSettings
from wallet.web import (
    connection_pages,
    errors,
    import_pages,
    offer_pages,
    platform_pages,
    request_pages,
    routes,
    skill_pages,
)

_FORM_OVERHEAD = 64 * 1024


def create_app(
    settings: WalletSettings,
    *,
    transport: Transport | None = None,
    clock: Clock = utc_now,
    jitter: Jitter = random_part,
) -> FastAPI:
    """The wallet as an ASGI application. `transport`, `clock` and `jitter` are handed in by tests."""
    service = create_service(
        settings,
        name="wallet",
        transport=transport,
        clock=clock,
        jitter=jitter,
        trust_list_copies=TrustListCopy,
    )
    pages = Pages("wallet")
    app = create_fastapi(
        service,
        title="Skillswallet wallet",
        routers=[
            api.router,
            routes.router,
            skill_pages.router,
            offer_pages.router,
            request_pages.router,
            import_pages.router,
            platform_pages.router,
            connection_pages.router,
        ],
        routes=host_api.host_routes,
        pages=pages,
        large_bodies={
            "/import": MAX_UPLOAD_BYTES + _FORM_OVERHEAD,
            "/scan(/frame)?": MAXIMUM_PICTURE_BYTES + _FORM_OVERHEAD,
        },
    )
    app.state.pages = pages

    async def explain(request: Request, error: Exception) -> Response:
        if not isinstance(error, WalletError):
            raise error
        return errors.show_error(request, error)

    app.add_exception_handler(WalletError, explain)
    return app
