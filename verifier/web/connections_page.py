"""The page where a relying party connects its own system: a webhook, and asking through the browser. V-43."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from runtime.dependencies import NowDep, SessionDep
from runtime.web.forms import FormDep
from runtime.web.language import translator
from runtime.web.pages import Pages
from runtime.web.routes import PageRoute
from verifier import store, webhooks
from verifier.errors import InputError
from verifier.models import WebhookDelivery
from verifier.operators import SignedIn
from verifier.web.pages import ServiceDep, SignedInDep, form_text

_MAX_URL = 2000


def create_connections_router(pages: Pages) -> APIRouter:
    """The page and its forms."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)

    @router.get("/back-office/{slug}/connections", name="connections_page")
    async def connections_page(request: Request, slug: str, signed_in: SignedInDep, session: SessionDep) -> Response:
        return await _render(pages, request, signed_in, session)

    @router.post("/back-office/{slug}/connections/webhook", name="keep_webhook_page")
    async def keep_webhook(
        request: Request,
        slug: str,
        signed_in: SignedInDep,
        form: FormDep,
        session: SessionDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        """The address, or the same with a new secret; that is shown on this page and never again."""
        url = form_text(form, "url")
        try:
            if len(url) > _MAX_URL:
                raise InputError(fields={"url": "not_allowed"})
            secret = await webhooks.keep_webhook(session, service.settings, signed_in.relying_party, url=url, now=now)
        except InputError:
            _ = translator(request)
            words = _(
                "Hier sturen we niets heen. Vul een webadres in dat met https:// begint en op internet te bereiken is."
            )
            return await _render(pages, request, signed_in, session, errors={"url": words}, url=url)
        return await _render(pages, request, signed_in, session, secret=secret)

    @router.post("/back-office/{slug}/connections/webhook/test", name="test_webhook_page")
    async def test_webhook(slug: str, signed_in: SignedInDep, form: FormDep, service: ServiceDep) -> Response:
        await webhooks.send_test_message(service, signed_in.relying_party)
        return RedirectResponse(f"/back-office/{slug}/connections#deliveries", status_code=303)

    @router.post("/back-office/{slug}/connections/webhook/delete", name="delete_webhook_page")
    async def delete_webhook(slug: str, signed_in: SignedInDep, form: FormDep, session: SessionDep) -> Response:
        await store.delete_webhook(session, signed_in.relying_party.id)
        return RedirectResponse(f"/back-office/{slug}/connections", status_code=303)

    return router


async def _render(
    pages: Pages,
    request: Request,
    signed_in: SignedIn,
    session: Any,
    *,
    errors: dict[str, str] | None = None,
    url: str = "",
    secret: str = "",
) -> Response:
    webhook = await store.find_webhook(session, signed_in.relying_party.id)
    deliveries = await store.list_deliveries(session, signed_in.relying_party.id, limit=webhooks.DELIVERIES_SHOWN)
    return pages.render(
        request,
        "connections.html",
        status=400 if errors else 200,
        signed_in=signed_in,
        webhook=webhook,
        url=url or ("" if webhook is None else webhook.url),
        secret=secret,
        errors=errors or {},
        deliveries=[_words(request, each) for each in deliveries],
    )


def _words(request: Request, delivery: WebhookDelivery) -> dict[str, Any]:
    """A message in plain words: what it told, what became of it, and what happens next."""
    _ = translator(request)
    about = {
        "presentation.settled": _("Er is een antwoord"),
        "presentation.refused": _("Iemand antwoordde niet"),
        webhooks.TEST: _("Proefbericht"),
    }
    outcomes = {
        None: ("", "clock", _("onderweg")),
        "arrived": ("good", "", _("aangekomen")),
        "refused": ("bad", "", _("uw systeem nam het niet aan (antwoord %(status)s)") % {"status": delivery.status}),
        "unreachable": ("bad", "", _("uw systeem was niet te bereiken, of kon het even niet aan")),
        "not_allowed": ("bad", "", _("dit adres verwijst door, of we mogen er niets heen sturen")),
        "removed": ("", "info", _("niet meer verstuurd")),
    }
    next_try: datetime | None = delivery.due_at if delivery.ended_at is None and delivery.outcome is not None else None
    kind, symbol, words = outcomes[delivery.outcome]
    title = about.get(delivery.kind, _("Er veranderde iets"))
    return {"title": title, "at": delivery.created_at, "kind": kind, "symbol": symbol, "words": words, "next": next_try}
