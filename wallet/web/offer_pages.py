"""The pages of receiving: what somebody offers, the code or the sign-in that it takes, and coming back from there."""

from collections.abc import Mapping
from datetime import datetime

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from runtime.dependencies import NowDep
from runtime.web.forms import FormDep
from runtime.web.language import request_language, translator
from runtime.web.pages import Pages
from runtime.web.routes import PageRoute, only_get
from wallet import authorization, deferred, issuance, lost_badges
from wallet.accounts import SignedIn
from wallet.errors import (
    AUTHORIZATION_STEP,
    ForeignResponseError,
    IssuerAddressError,
    IssuerDataError,
    LockedResponseError,
    OfferNotSupportedError,
    TxCodeError,
)
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
from wallet.web.words import issuer_words, lost_words

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(require_path)])

# As many badges as a person can look through; beyond that they search.
_MOST_SHOWN = 50
_MOST_TYPED = 100


@router.get("/offers/{offer_id}")
async def offer(
    request: Request, offer_id: str, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    return await _show_offer(request, wallet, pages, holder, offer_id, now, errors={})


@router.post("/offers/{offer_id}/accept")
async def accept_offer(
    request: Request, offer_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    _ = translator(request)
    try:
        receipt = await issuance.accept_offer(
            wallet, holder.vault, offer_id, tx_code=text_of(form, "tx_code"), configuration_ids=None, now=now
        )
    except TxCodeError as exc:
        # That a few wrong codes end the offer is worth knowing before the next one.
        errors = {"tx_code": " ".join([f"{_(exc.title)}.", _(exc.meaning), _(exc.advice)])}
        return await _show_offer(request, wallet, pages, holder, offer_id, now, errors=errors)
    return _after_receipt(receipt)


@router.post("/offers/{offer_id}/sign-in")
async def sign_in_for_offer(
    request: Request, offer_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    """Send the browser to where the person signs in. It comes back to `/callback/…`."""
    page = await issuance.get_offer(wallet, holder.vault, offer_id, now, language=request_language(request))
    chosen = None
    if page.is_begun_here:
        wanted = text_of(form, "badge")
        chosen = [offered.configuration_id for offered in page.credentials if offered.name == wanted]
        if not chosen:
            _ = translator(request)
            errors = {"badge-1": _("Kies eerst een badge.")}
            return await _show_offer(request, wallet, pages, holder, offer_id, now, errors=errors)
    url = await authorization.begin_authorization(wallet, holder, offer_id, configuration_ids=chosen, now=now)
    return pages.render(request, "to_issuer.html", url=url, page=page)


@router.get(f"{authorization.CALLBACK_PATH}/{{server}}")
@only_get
async def callback(request: Request, server: str, holder: PerhapsHolderDep, wallet: WalletDep, now: NowDep) -> Response:
    """Back from an authorization server, at its own address. Only `state` says that we asked (A-27 to A-29)."""
    given = request.query_params.multi_items()
    if len({name for name, _ in given}) != len(given):
        raise ForeignResponseError("a parameter twice", step=AUTHORIZATION_STEP)
    if holder is None:
        raise LockedResponseError("locked", step=AUTHORIZATION_STEP)
    redirect_uri = f"{wallet.settings.public_url}{authorization.CALLBACK_PATH}/{server}"
    receipt = await issuance.complete_authorization(wallet, holder, dict(given), now, redirect_uri=redirect_uri)
    return _after_receipt(receipt)


@router.post("/offers/{offer_id}/discard")
async def discard_offer(offer_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep, now: NowDep) -> Response:
    await issuance.discard_offer(wallet, holder.vault, offer_id, now)
    return go_to("/badges")


@router.post("/awaited")
async def ask_for_awaited(
    request: Request, form: FormDep, holder: HolderDep, wallet: WalletDep, now: NowDep
) -> Response:
    """Ask for what is due while the page is open, and say whether what it shows is still so."""
    language = request_language(request)
    before = await deferred.find_awaited_badges(wallet, holder.vault, now, language=language)
    await deferred.resolve_due_offers(wallet, holder.vault, now)
    after = await deferred.find_awaited_badges(wallet, holder.vault, now, language=language)
    return JSONResponse({"changed": len(before) != len(after)})


@router.post("/offers/{offer_id}/forget")
async def forget_offer(offer_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep, now: NowDep) -> Response:
    await lost_badges.forget_lost_badges(wallet, holder.vault, offer_id, now)
    return go_to("/badges")


@router.post("/issuers")
async def open_issuer(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    """What an issuer gives to whoever asks, from the address that the person typed."""
    typed = text_of(form, "issuer")
    try:
        page = await issuance.resolve_issuer_offer(wallet, holder.vault, typed, now, language=request_language(request))
    except (IssuerAddressError, IssuerDataError, OfferNotSupportedError) as exc:
        errors = {"issuer": sentence_of(request, exc)}
        return pages.render(request, "scan.html", status=400, errors=errors, link="", issuer=typed)
    return go_to(f"/offers/{page.id}")


def _after_receipt(receipt: issuance.Receipt) -> Response:
    """To the badge when it is one; home when they are several, or when it is still being prepared."""
    if len(receipt.badges) == 1 and not receipt.is_awaiting:
        return go_to(f"/badges/{receipt.badges[0].id}")
    return go_to("/badges")


async def _show_offer(
    request: Request,
    wallet: Wallet,
    pages: Pages,
    holder: SignedIn,
    offer_id: str,
    now: datetime,
    *,
    errors: Mapping[str, str],
) -> Response:
    page = await issuance.get_offer(wallet, holder.vault, offer_id, now, language=request_language(request))
    _ = translator(request)
    return pages.render(
        request,
        "offer.html",
        status=400 if errors else 200,
        page=page,
        search=request.query_params.get("search", "")[:_MOST_TYPED],
        most_shown=_MOST_SHOWN,
        recognition=issuer_words(_, page.recognition, page.host),
        lost=[lost_words(_, lost) for lost in page.lost],
        errors=errors,
    )
