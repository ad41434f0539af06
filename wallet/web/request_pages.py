"""The pages of a verifier's question: who asks, what they would see, and the answer, once."""

from functools import partial

from fastapi import APIRouter, Depends, Request, Response

from runtime.dependencies import NowDep
from runtime.web.forms import FormDep
from runtime.web.language import request_language, translator
from runtime.web.pages import Pages
from runtime.web.routes import PageRoute
from wallet import presentation
from wallet.claims import label_text
from wallet.web.routes import HolderDep, PagesDep, WalletDep, require_path
from wallet.web.words import badge_words, verifier_words

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(require_path)])


@router.get("/requests/{request_id}")
async def question(
    request: Request, request_id: str, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    _, language = translator(request), request_language(request)
    page = await presentation.get_request(wallet, holder.vault, request_id, now, language=language)
    recognition = verifier_words(_, page.recognition, page.host, is_signed=page.is_signed)
    purpose = page.purpose.get(language) or next(iter(page.purpose.values()), "")
    return pages.render(
        request,
        "request.html",
        page=page,
        recognition=recognition,
        purpose=purpose,
        badge_words=lambda found: badge_words(_, found, language),
        say=partial(label_text, _),
    )


@router.post("/requests/{request_id}/accept")
async def accept_request(
    request: Request, request_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    page = await presentation.get_request(wallet, holder.vault, request_id, now)
    choices = {asked.id: str(form[asked.id]) for asked in page.questions if asked.id in form}
    redirect_uri = await presentation.accept_request(
        wallet, holder.vault, request_id, choices, now, language=request_language(request)
    )
    return _after_answer(request, pages, page.verifier_name, redirect_uri, shared=True)


@router.post("/requests/{request_id}/decline")
async def decline_request(
    request: Request, request_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    name = await presentation.get_verifier_name(wallet, holder.vault, request_id, now)
    redirect_uri = await presentation.decline_request(wallet, holder.vault, request_id, now)
    return _after_answer(request, pages, name, redirect_uri, shared=False)


def _after_answer(
    request: Request, pages: Pages, verifier_name: str, redirect_uri: str | None, *, shared: bool
) -> Response:
    """Back to where the person came from, when the verifier says where that is (W-52); else a last word here."""
    if redirect_uri is not None:
        return pages.leave(request, redirect_uri, name=verifier_name)
    return pages.render(request, "answered.html", verifier_name=verifier_name, shared=shared)
