"""The pages for badges at another platform: give access, fetch, choose what to keep, send one there, end the access."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from runtime.dependencies import NowDep
from runtime.web.forms import FormDep
from runtime.web.language import request_language
from runtime.web.pages import Pages
from runtime.web.routes import PageRoute, only_get
from wallet import credentials, platform_access, platform_badges, platforms
from wallet.accounts import SignedIn
from wallet.badge_files import is_sendable
from wallet.errors import (
    PLATFORM_SIGN_IN_STEP,
    LockedPlatformResponseError,
    NothingChosenError,
    PlatformAddressError,
    PlatformResponseError,
    TooManyChecksError,
    UnsendableBadgeError,
    WalletError,
)
from wallet.platform_badges import Sent, Standing
from wallet.platform_discovery import PLATFORM_CALLBACK_PATH
from wallet.settings import Wallet
from wallet.web.routes import (
    HolderDep,
    PagesDep,
    PerhapsHolderDep,
    WalletDep,
    go_to,
    require_path,
    sentence_of,
    text_of,
)

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(require_path)])

# What a page says of what was just done; of anything else in its address it says nothing.
_NUMBERS = Query(ge=0, le=10_000)


@router.get("/platforms")
async def platforms_page(request: Request, holder: HolderDep, wallet: WalletDep, pages: PagesDep) -> Response:
    return await _show_platforms(request, wallet, pages, holder, errors={})


@router.post("/platforms")
async def connect(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    """Send the browser to where the person signs in. It comes back to `/platforms/callback/…`."""
    typed, may_send = text_of(form, "address"), bool(text_of(form, "may_send"))
    try:
        page = await platform_access.begin_connection(wallet, holder, typed, may_send=may_send, now=now)
    except PlatformAddressError as exc:
        errors = {"address": sentence_of(request, exc)}
        return await _show_platforms(request, wallet, pages, holder, errors=errors, typed=typed, may_send=may_send)
    return pages.render(request, "to_platform.html", page=page)


@router.get(f"{PLATFORM_CALLBACK_PATH}/{{server}}")
@only_get
async def come_back(
    request: Request, server: str, holder: PerhapsHolderDep, wallet: WalletDep, now: NowDep
) -> Response:
    """Back from a platform, at its own address. Only `state` says that we asked (A-27 to A-29)."""
    given = request.query_params.multi_items()
    if len({name for name, _ in given}) != len(given):
        raise PlatformResponseError("a parameter twice", step=PLATFORM_SIGN_IN_STEP)
    if holder is None:
        raise LockedPlatformResponseError("locked", step=PLATFORM_SIGN_IN_STEP)
    redirect_uri = f"{wallet.settings.public_url}{PLATFORM_CALLBACK_PATH}/{server}"
    found = await platform_access.finish_connection(wallet, holder, dict(given), now, redirect_uri=redirect_uri)
    if (await platforms.get_connection(wallet, holder.vault, found)).may_read:
        await platform_badges.fetch_badges(wallet, holder.vault, found, now)
    return go_to(f"/platforms/{found}")


@router.get("/platforms/{connection_id}")
async def platform(
    request: Request,
    connection_id: str,
    holder: HolderDep,
    wallet: WalletDep,
    pages: PagesDep,
    now: NowDep,
    kept: Annotated[int, _NUMBERS] = 0,
    replaced: Annotated[int, _NUMBERS] = 0,
) -> Response:
    done = {"kept": kept, "replaced": replaced} if kept or replaced else {}
    return await _show_platform(request, wallet, pages, holder, connection_id, now, errors={}, done=done)


@router.post("/platforms/{connection_id}/fetch")
async def fetch(connection_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep, now: NowDep) -> Response:
    is_everything = bool(text_of(form, "everything"))
    await platform_badges.fetch_badges(wallet, holder.vault, connection_id, now, is_everything=is_everything)
    return go_to(f"/platforms/{connection_id}")


@router.post("/platforms/{connection_id}/check")
async def check(
    request: Request,
    connection_id: str,
    form: FormDep,
    holder: HolderDep,
    wallet: WalletDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    try:
        await platform_badges.check_fetched_badges(wallet, holder.vault, connection_id, now)
    except TooManyChecksError as exc:
        return await _show_refused(request, wallet, pages, holder, connection_id, now, {"check": exc})
    return go_to(f"/platforms/{connection_id}")


@router.post("/platforms/{connection_id}/keep")
async def keep(
    request: Request,
    connection_id: str,
    form: FormDep,
    holder: HolderDep,
    wallet: WalletDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    chosen = [value for value in form.getlist("badge") if isinstance(value, str)]
    try:
        kept = await platform_badges.keep_fetched_badges(wallet, holder.vault, connection_id, chosen, now)
    except NothingChosenError as exc:
        return await _show_refused(request, wallet, pages, holder, connection_id, now, {"badge": exc})
    return go_to(f"/platforms/{connection_id}?kept={kept.kept}&replaced={kept.replaced}")


@router.post("/platforms/{connection_id}/drop")
async def drop(connection_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep, now: NowDep) -> Response:
    await platform_badges.drop_fetched_badges(wallet, holder.vault, connection_id, now)
    return go_to(f"/platforms/{connection_id}")


@router.get("/platforms/{connection_id}/disconnect")
async def disconnect_page(
    request: Request, connection_id: str, holder: HolderDep, wallet: WalletDep, pages: PagesDep
) -> Response:
    found = await platforms.get_connection(wallet, holder.vault, connection_id)
    return pages.render(request, "disconnect_platform.html", platform=found)


@router.post("/platforms/{connection_id}/disconnect")
async def disconnect(
    request: Request,
    connection_id: str,
    form: FormDep,
    holder: HolderDep,
    wallet: WalletDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    found = await platforms.get_connection(wallet, holder.vault, connection_id)
    revocation = await platforms.disconnect(wallet, holder.vault, connection_id, now)
    return pages.render(request, "disconnected.html", platform=found, revocation=revocation)


@router.get("/badges/{credential_id}/send/{connection_id}")
async def send_page(
    request: Request,
    credential_id: str,
    connection_id: str,
    holder: HolderDep,
    wallet: WalletDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    badge = await credentials.get_badge(wallet, holder.vault, credential_id, now)
    found = await platforms.get_connection(wallet, holder.vault, connection_id)
    if not is_sendable(badge):
        raise UnsendableBadgeError
    return pages.render(request, "send_badge.html", badge=badge, platform=found)


@router.post("/badges/{credential_id}/send/{connection_id}")
async def send(
    request: Request,
    credential_id: str,
    connection_id: str,
    form: FormDep,
    holder: HolderDep,
    wallet: WalletDep,
    pages: PagesDep,
    now: NowDep,
) -> Response:
    found = await platforms.get_connection(wallet, holder.vault, connection_id)
    sent = await platform_badges.send_badge(wallet, holder.vault, connection_id, credential_id, now)
    badge = await credentials.get_badge(wallet, holder.vault, credential_id, now)
    return pages.render(request, "badge_sent.html", badge=badge, platform=found, is_new=sent is Sent.CREATED)


async def _show_platforms(
    request: Request,
    wallet: Wallet,
    pages: Pages,
    holder: SignedIn,
    *,
    errors: Mapping[str, str],
    typed: str = "",
    may_send: bool = False,
) -> Response:
    return pages.render(
        request,
        "platforms.html",
        status=400 if errors else 200,
        platforms=await platforms.find_connections(wallet, holder.vault),
        errors=errors,
        typed=typed,
        may_send=may_send,
    )


async def _show_refused(
    request: Request,
    wallet: Wallet,
    pages: Pages,
    holder: SignedIn,
    connection_id: str,
    now: datetime,
    refused: Mapping[str, WalletError],
) -> Response:
    """The page of the platform once more, with what could not be done beside the button for it."""
    errors = {name: sentence_of(request, error) for name, error in refused.items()}
    return await _show_platform(request, wallet, pages, holder, connection_id, now, errors=errors, done={})


async def _show_platform(
    request: Request,
    wallet: Wallet,
    pages: Pages,
    holder: SignedIn,
    connection_id: str,
    now: datetime,
    *,
    errors: Mapping[str, str],
    done: Mapping[str, int],
) -> Response:
    language = request_language(request)
    found = await platform_badges.find_fetched_badges(wallet, holder.vault, connection_id, language=language, now=now)
    by_standing = {each.value: [badge for badge in found if badge.standing is each] for each in Standing}
    return pages.render(
        request,
        "platform.html",
        status=400 if errors else 200,
        platform=await platforms.get_connection(wallet, holder.vault, connection_id),
        badges=by_standing,
        errors=errors,
        done=done,
    )
