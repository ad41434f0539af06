"""The pages of a verifier's question: who asks, what they would see, and the answer, once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from fastapi import APIRouter, Depends, Request, Response
from starlette.datastructures import FormData

from runtime.dependencies import NowDep
from runtime.web.forms import FormDep
from runtime.web.language import request_language, translator
from runtime.web.pages import Pages
from runtime.web.routes import PageRoute
from wallet import presentation
from wallet.accounts import SignedIn
from wallet.claims import choose_text, label_text
from wallet.errors import ChoiceError
from wallet.settings import Wallet
from wallet.web.routes import HolderDep, PagesDep, WalletDep, require_path, text_of
from wallet.web.words import badge_words, facts_in_words, hidden_words, verifier_words

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(require_path)])


@router.get("/requests/{request_id}")
async def question(
    request: Request, request_id: str, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    return await _show_request(request, wallet, pages, holder, request_id, now)


@router.post("/requests/{request_id}/accept")
async def accept_request(
    request: Request, request_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    page = await presentation.get_request(wallet, holder.vault, request_id, now)
    # What nobody ticked is not sent; that too is a choice, and never one for the first way.
    choices = {asked.id: _texts(form, asked.id) for asked in page.questions}
    try:
        sent = await presentation.accept_request(
            wallet, holder.vault, request_id, choices, now, language=request_language(request)
        )
    except ChoiceError as exc:
        return await _show_request(request, wallet, pages, holder, request_id, now, error=exc, chosen=choices)
    return _after_answer(request, pages, page.verifier_name, sent, shared=True)


@router.post("/requests/{request_id}/decline")
async def decline_request(
    request: Request, request_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    name = await presentation.get_verifier_name(wallet, holder.vault, request_id, now)
    sent = await presentation.decline_request(wallet, holder.vault, request_id, now)
    return _after_answer(request, pages, name, sent, shared=False)


@router.post("/open/without-wallet")
async def decline_without_wallet(
    request: Request, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    """Somebody who was sent here by a question, and does not sign in."""
    name, sent = await presentation.decline_without_wallet(wallet, text_of(form, "link"), now)
    return _after_answer(request, pages, name, sent, shared=False, has_wallet=False)


async def _show_request(
    request: Request,
    wallet: Wallet,
    pages: Pages,
    holder: SignedIn,
    request_id: str,
    now: datetime,
    *,
    error: ChoiceError | None = None,
    chosen: Mapping[str, Sequence[str]] | None = None,
) -> Response:
    _, language = translator(request), request_language(request)
    page = await presentation.get_request(wallet, holder.vault, request_id, now, language=language)
    return pages.render(
        request,
        "request.html",
        status=error.status if error else 200,
        page=page,
        recognition=verifier_words(_, page.recognition, page.host, is_signed=page.is_signed),
        purpose=choose_text(page.purpose, language),
        registered_purpose=choose_text(page.registration.purpose if page.registration else {}, language),
        hidden=hidden_words(_, page),
        badge_words=lambda found: badge_words(_, found, language),
        say=partial(label_text, _),
        spoken=partial(facts_in_words, _),
        choice_error=f"{_(error.title)}. {_(error.meaning)} {_(error.advice)}" if error else "",
        chosen=chosen or {},
    )


def _texts(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]


def _after_answer(
    request: Request,
    pages: Pages,
    verifier_name: str,
    sent: presentation.Sent,
    *,
    shared: bool,
    has_wallet: bool = True,
) -> Response:
    """Back to where the person came from, when the verifier says where that is (W-52); else a last word here."""
    if sent.redirect_uri is not None:
        return pages.leave(request, sent.redirect_uri, name=verifier_name)
    return pages.render(
        request, "answered.html", verifier_name=verifier_name, sent=sent, shared=shared, has_wallet=has_wallet
    )
