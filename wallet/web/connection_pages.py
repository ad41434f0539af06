"""The pages for connected services: may this one in, which ones are in, and how that ends. B-42; decision 0080."""

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from kernel.open_badges_api import (
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    OFFLINE_ACCESS,
    PROFILE_READONLY,
    PROFILE_UPDATE,
)
from runtime.dependencies import NowDep
from runtime.web.forms import FormDep
from runtime.web.language import translator
from runtime.web.pages import local_path
from runtime.web.routes import PageRoute
from wallet import connections, credentials, importing, open_badges_api, shelf
from wallet.accounts import SignedIn
from wallet.badge_files import find_open_badge
from wallet.connections import ABOUT_PATH, AUTHORIZE_PATH, ConsentRequest
from wallet.errors import NoPermissionChosenError, ProfileNameError, ServiceRequestError
from wallet.settings import Wallet
from wallet.web.routes import (
    HolderDep,
    PagesDep,
    PerhapsHolderDep,
    WalletDep,
    require_path,
    sentence_of,
    text_of,
)

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(require_path)])


def _(text: str) -> str:
    """Marks a text for the catalogue; the page translates it."""
    return text


# What each permission means to a person: what it lets them do, and what to know of it.
_PERMISSIONS: dict[str, tuple[str, str]] = {
    CREDENTIAL_READONLY: (
        _("Je badges lezen"),
        _("Alles wat op je badges staat, ook op badges die je later krijgt. Wie ze heeft gelezen, kan ze doorgeven."),
    ),
    CREDENTIAL_UPSERT: (
        _("Badges in je wallet zetten"),
        _("We kijken elke badge na. Klopt er iets niet, dan staat dat erbij."),
    ),
    PROFILE_READONLY: (_("Je profiel lezen"), ""),
    PROFILE_UPDATE: (_("Je profiel veranderen"), _("Andere diensten die je profiel lezen, zien dat dan ook.")),
    OFFLINE_ACCESS: (
        _("Verbonden blijven"),
        _("Ook als je niet ingelogd bent, tot je de verbinding verbreekt. Zonder dit vinkje duurt het één uur."),
    ),
}


@router.get(AUTHORIZE_PATH)
async def authorize_page(
    request: Request, holder: PerhapsHolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    """Where a service sends somebody to be connected. Open Badges 3.0 §7.1.2.1

    Whether the question itself can be answered is said before anybody signs in for it.
    """
    query = _once(request.query_params.multi_items())
    try:
        asked = await connections.read_consent_request(wallet, query)
    except ServiceRequestError as exc:
        return pages.render(request, "connect_refused.html", status=exc.status, error=exc)
    if holder is None:
        here = f"{request.url.path}?{request.url.query}"
        return pages.render(request, "sign_in.html", errors={}, name="", next=local_path(here))
    return await _consent_page(request, wallet, pages, holder, asked, query, now)


@router.post(AUTHORIZE_PATH)
async def authorize(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    """Yes, with the permissions that are ticked, or no. The question is read anew: the form only carried it."""
    query = _once(parse_qsl(text_of(form, "request"), keep_blank_values=True))
    try:
        asked = await connections.read_consent_request(wallet, query)
    except ServiceRequestError as exc:
        return pages.render(request, "connect_refused.html", status=exc.status, error=exc)
    if text_of(form, "decision") != "yes":
        return pages.leave(request, connections.decline(wallet, asked), name=asked.service.host)
    chosen = [value for value in form.getlist("scope") if isinstance(value, str)]
    try:
        url = await connections.consent(
            wallet, holder.vault, asked, chosen, profile_id=open_badges_api.find_profile_id(holder.vault), now=now
        )
    except NoPermissionChosenError as exc:
        errors = {"scope": sentence_of(request, exc)}
        return await _consent_page(request, wallet, pages, holder, asked, query, now, chosen=chosen, errors=errors)
    if {PROFILE_READONLY, PROFILE_UPDATE} & {*chosen}:
        await open_badges_api.keep_profile(wallet, holder.vault, now)
    await shelf.fill_shelf(wallet, holder.vault, now)
    return pages.leave(request, url, name=asked.service.host)


@router.get("/connections")
async def connections_page(
    request: Request, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    return await _connections_page(request, wallet, pages, holder, now)


@router.post("/connections/{connection_id}/end")
async def end_connection(connection_id: str, holder: HolderDep, form: FormDep, wallet: WalletDep) -> Response:
    await connections.end_connection(wallet, holder.vault, connection_id)
    return RedirectResponse("/connections", status_code=303)


@router.post("/connections/profile")
async def replace_profile(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    try:
        await open_badges_api.replace_profile(wallet, holder.vault, text_of(form, "name"), now)
    except ProfileNameError as exc:
        errors = {"name": sentence_of(request, exc)}
        return await _connections_page(request, wallet, pages, holder, now, errors=errors, status=exc.status)
    return RedirectResponse("/connections", status_code=303)


@router.get(ABOUT_PATH)
async def about_page(request: Request, pages: PagesDep) -> Response:
    """What happens to data, and by which rules: what a product's makers read before they register it."""
    return pages.render(request, "about_connecting.html")


def _once(pairs: list[tuple[str, str]]) -> Mapping[str, str]:
    """The parameters that are there once; one that is there twice counts as missing. RFC 6749 §3.1"""
    times = Counter(name for name, _value in pairs)
    return {name: value for name, value in pairs if times[name] == 1}


async def _consent_page(
    request: Request,
    wallet: Wallet,
    pages: PagesDep,
    holder: SignedIn,
    asked: ConsentRequest,
    query: Mapping[str, str],
    now: NowDep,
    *,
    chosen: list[str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> Response:
    held: dict[str, Any] = {"readable": [], "unreadable": []}
    if CREDENTIAL_READONLY in asked.scopes:
        found = await credentials.find_badges(wallet, holder.vault, now)
        for badge in found:
            held["readable" if find_open_badge(badge.forms) else "unreadable"].append(badge.view.name)
        held["readable"] += await importing.find_shareable_names(wallet, holder.vault)
    return pages.render(
        request,
        "connect.html",
        status=400 if errors else 200,
        service=asked.service,
        permissions=_describe(request, asked.scopes),
        chosen=asked.scopes if chosen is None else chosen,
        asks_for_badges=CREDENTIAL_READONLY in asked.scopes,
        profile=await open_badges_api.find_own_profile(wallet, holder.vault)
        if {PROFILE_READONLY, PROFILE_UPDATE} & {*asked.scopes}
        else None,
        query=urlencode(query),
        errors=errors or {},
        **held,
    )


def _describe(request: Request, scopes: tuple[str, ...]) -> list[tuple[str, str, str]]:
    say = translator(request)
    return [(scope, say(text), say(hint) if hint else "") for scope in scopes for text, hint in [_PERMISSIONS[scope]]]


async def _connections_page(
    request: Request,
    wallet: Wallet,
    pages: PagesDep,
    holder: SignedIn,
    now: NowDep,
    *,
    errors: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    found = await connections.find_connections(wallet, holder.vault, now)
    return pages.render(
        request,
        "connections.html",
        status=status,
        connections=[(each, _describe(request, each.scopes)) for each in found],
        profile=await open_badges_api.find_own_profile(wallet, holder.vault),
        shows_profile=any({PROFILE_READONLY, PROFILE_UPDATE} & {*each.scopes} for each in found),
        errors=errors or {},
    )
