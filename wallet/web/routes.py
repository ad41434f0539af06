"""The wallet's pages: one list of URLs. Routes decide nothing; they use the same use cases as the API.

All pages work without JavaScript except the camera. State changes only by POST with a form token (A-52), with
one exception: opening a link (`/open`) fetches what it points to, so that a tap on somebody's page leads
straight to the question what to do with it. It accepts, shares and tells nothing.
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.datastructures import UploadFile

from runtime.badge_facts import LEARNING_ELEMENTS, create_facts, create_outcomes
from runtime.dependencies import NowDep, get_service
from runtime.import_view import create_endorsement_line
from runtime.status_texts import message_text
from runtime.web.cookies import delete_session_cookie, session_token, set_session_cookie
from runtime.web.forms import FormDep
from runtime.web.language import request_language, translator
from runtime.web.pages import Pages, local_path
from runtime.web.routes import PageRoute, only_get
from runtime.web.visitors import Visitor, remember_browser, visitor_of
from wallet import (
    accounts,
    credentials,
    deferred,
    exporting,
    history,
    images,
    importing,
    issuance,
    lost_badges,
    presentation,
    refill,
    shelf,
)
from wallet.accounts import SignedIn
from wallet.badge_files import list_file_kinds
from wallet.claims import Fact, find_hidden_facts, find_shown_facts, label_text
from wallet.configurations import host_of
from wallet.errors import (
    AccountNameError,
    LinkError,
    LockedOutError,
    NameTakenError,
    PassphraseError,
    PictureError,
    QrCodeError,
    RecoveryCodeError,
    SignInError,
    WalletError,
)
from wallet.links import parse_link_kind, require_identifiers
from wallet.platform_badges import find_takers
from wallet.settings import Wallet
from wallet.skills_profile import counts, create_skills_profile
from wallet.web.words import badge_words, is_web_address, issuer_words, loss_words, lost_words


def require_path(request: Request) -> None:
    require_identifiers(request.path_params.values())


router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(require_path)])

# A picture from outside can do nothing: no script, no request, no cookie, an origin of its own.
_IMAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Disposition": "inline",
    "Cache-Control": "private, max-age=600",
}
_NAME_ERRORS = (NameTakenError, AccountNameError)


def get_wallet(request: Request) -> Wallet:
    wallet: Wallet = get_service(request)
    return wallet


def get_pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


WalletDep = Annotated[Wallet, Depends(get_wallet)]
PagesDep = Annotated[Pages, Depends(get_pages)]


async def find_holder(request: Request, wallet: WalletDep, now: NowDep) -> SignedIn | None:
    """Who is signed in with this browser, if anybody."""
    return await accounts.find_signed_in(wallet.database, wallet.settings, token=session_token(request), now=now)


async def get_holder(request: Request, wallet: WalletDep, now: NowDep) -> SignedIn:
    """Who is signed in with this browser, or the sign-in page."""
    return await accounts.get_signed_in(wallet.database, wallet.settings, token=session_token(request), now=now)


HolderDep = Annotated[SignedIn, Depends(get_holder)]
PerhapsHolderDep = Annotated[SignedIn | None, Depends(find_holder)]


# --- the door


@router.get("/")
async def front(request: Request, pages: PagesDep, holder: PerhapsHolderDep) -> Response:
    return go_to("/badges") if holder else pages.render(request, "front.html")


@router.get("/privacy")
async def privacy(request: Request, pages: PagesDep) -> Response:
    """For whoever wants to know, and for platforms at which this wallet registers (RFC 7591 §2)."""
    return pages.render(request, "privacy.html")


@router.get("/terms")
async def terms(request: Request, pages: PagesDep) -> Response:
    return pages.render(request, "terms.html")


@router.get("/manifest.webmanifest")
async def manifest(request: Request) -> Response:
    """What lets a phone install the wallet as an app."""
    _ = translator(request)
    icon = {"type": "image/png", "purpose": "any maskable"}
    content = {
        "name": "Skillswallet",
        "short_name": "Skillswallet",
        "description": _("Bewijs wat je kunt, en beslis zelf wie het ziet."),
        "lang": request_language(request),
        "id": "/",
        "start_url": "/badges",
        "scope": "/",
        "display": "standalone",
        "background_color": "#faf7f2",
        "theme_color": "#0b5f63",
        "icons": [
            {"src": "/static/wallet-192.png", "sizes": "192x192", **icon},
            {"src": "/static/wallet-512.png", "sizes": "512x512", **icon},
        ],
    }
    return JSONResponse(content, media_type="application/manifest+json")


@router.get("/sign-up")
async def sign_up_page(request: Request, pages: PagesDep, next: str = "/badges") -> Response:
    return pages.render(request, "sign_up.html", errors={}, name="", next=local_path(next))


@router.post("/sign-up")
async def sign_up(request: Request, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep) -> Response:
    name, passphrase, next_path = text_of(form, "name"), text_of(form, "passphrase"), local_path(text_of(form, "next"))
    try:
        made = await accounts.create_account(
            wallet.database, wallet.settings, name=name, passphrase=passphrase, now=now
        )
    except (*_NAME_ERRORS, PassphraseError) as exc:
        field = "name" if isinstance(exc, _NAME_ERRORS) else "passphrase"
        errors = {field: sentence_of(request, exc)}
        return pages.render(request, "sign_up.html", status=exc.status, errors=errors, name=name, next=next_path)
    response = _show_recovery_code(request, pages, made.recovery_code, next_path, token=made.signed_in.token)
    _remember(response, request, wallet, name)
    return response


@router.get("/sign-in")
async def sign_in_page(request: Request, pages: PagesDep, next: str = "/badges") -> Response:
    return pages.render(request, "sign_in.html", errors={}, name="", next=local_path(next))


@router.post("/sign-in")
async def sign_in(request: Request, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep) -> Response:
    name, next_path = text_of(form, "name"), local_path(text_of(form, "next"))
    try:
        signed_in = await accounts.sign_in(
            wallet.database,
            wallet.settings,
            name=name,
            passphrase=text_of(form, "passphrase"),
            visitor=_visitor(request, wallet, name),
            now=now,
        )
    except (SignInError, LockedOutError) as exc:
        errors = {"passphrase": sentence_of(request, exc)}
        return pages.render(request, "sign_in.html", status=exc.status, errors=errors, name=name, next=next_path)
    response = go_to("/badges" if next_path == "/" else next_path)
    set_session_cookie(response, request, signed_in.token)
    _remember(response, request, wallet, name)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, form: FormDep, wallet: WalletDep) -> Response:
    token = session_token(request)
    if token:
        await accounts.sign_out(wallet.database, token)
    return _leave(request)


@router.get("/recover")
async def recover_page(request: Request, pages: PagesDep) -> Response:
    return pages.render(request, "recover.html", errors={}, name="")


@router.post("/recover")
async def recover(request: Request, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep) -> Response:
    name = text_of(form, "name")
    try:
        made = await accounts.recover(
            wallet.database,
            wallet.settings,
            name=name,
            recovery_code=text_of(form, "recovery_code"),
            passphrase=text_of(form, "passphrase"),
            visitor=_visitor(request, wallet, name),
            now=now,
        )
    except (RecoveryCodeError, LockedOutError, PassphraseError) as exc:
        field = "passphrase" if isinstance(exc, PassphraseError) else "recovery_code"
        errors = {field: sentence_of(request, exc)}
        return pages.render(request, "recover.html", status=exc.status, errors=errors, name=name)
    response = _show_recovery_code(
        request, pages, made.recovery_code, "/badges", token=made.signed_in.token, is_recovered=True
    )
    _remember(response, request, wallet, name)
    return response


def _visitor(request: Request, wallet: Wallet, name: str) -> Visitor:
    return visitor_of(request, wallet.settings.visitor_key(), accounts.door_name(wallet.settings, name))


def _remember(response: Response, request: Request, wallet: Wallet, name: str) -> None:
    remember_browser(response, request, wallet.settings.visitor_key(), accounts.door_name(wallet.settings, name))


# --- badges


@router.get("/badges")
async def badges(request: Request, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep) -> Response:
    """Home. What an issuer was still preparing is asked for here, when it is due (W-14)."""
    _, language = translator(request), request_language(request)
    await deferred.resolve_due_offers(wallet, holder.vault, now)
    await refill.refill_copies(wallet, holder.vault, now)
    await shelf.fill_shelf(wallet, holder.vault, now)
    found = await credentials.find_badges(wallet, holder.vault, now)
    lost = await lost_badges.find_lost_badges(wallet, holder.vault, now, language=language)
    return pages.render(
        request,
        "badges.html",
        awaited=await deferred.find_awaited_badges(wallet, holder.vault, now, language=language),
        lost=[(badge, *lost_words(_, badge)) for badge in lost],
        unfinished=await issuance.find_unfinished_offers(wallet, holder.vault, now, language=language),
        imported=await importing.find_imported_badges(wallet, holder.vault, language),
        badges=[(badge, badge_words(_, badge, language)) for badge in found if counts(badge)],
        lapsed=[(badge, badge_words(_, badge, language)) for badge in found if not counts(badge)],
        expiring=[badge for badge in found if badge.state.is_expiring and badge.state.kind == "valid"],
        number_of_skills=len(create_skills_profile(found)),
    )


@router.get("/badges/{credential_id}")
async def badge(
    request: Request, credential_id: str, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    _, language = translator(request), request_language(request)
    found = await credentials.get_badge(wallet, holder.vault, credential_id, now)
    learning = credentials.read_learning(found)
    return pages.render(
        request,
        "badge.html",
        badge=found,
        words=badge_words(_, found, language),
        issuer_words=issuer_words(_, found.recognition, host_of(found.credential_issuer)),
        facts=_facts_of(found, language),
        learning=create_facts(learning, language, LEARNING_ELEMENTS),
        outcomes=create_outcomes(learning),
        file_kinds=list_file_kinds(found),
        send_to=await find_takers(wallet, holder.vault, found),
        endorsements=[create_endorsement_line(said, language) for said in found.receipt.endorsements],
        messages=[message_text(word).say(language) for word in found.state.messages],
        say=partial(label_text, _),
        web_address=is_web_address,
    )


@router.get("/badges/{credential_id}/image")
async def badge_image(credential_id: str, holder: HolderDep, wallet: WalletDep) -> Response:
    image = await credentials.get_badge_image(wallet, holder.vault, credential_id)
    return Response(image.content, media_type=image.media_type, headers=_IMAGE_HEADERS)


@router.get("/badges/{credential_id}/delete")
async def delete_badge_page(
    request: Request, credential_id: str, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    found = await credentials.get_badge(wallet, holder.vault, credential_id, now)
    return pages.render(request, "delete_badge.html", badge=found)


@router.post("/badges/{credential_id}/delete")
async def delete_badge(
    credential_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep, now: NowDep
) -> Response:
    await credentials.delete_badge(wallet, holder.vault, credential_id, now)
    return go_to("/badges")


# --- scanning and opening


@router.get("/scan")
async def scan_page(request: Request, holder: HolderDep, pages: PagesDep) -> Response:
    return pages.render(request, "scan.html", errors={}, link="", issuer="")


@router.post("/scan")
async def scan(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    """A pasted link, or a picture of a QR code."""
    link, picture = text_of(form, "link"), form.get("picture")
    try:
        if isinstance(picture, UploadFile) and picture.size:
            link = await _read_qr_code(picture)
        return await _open(request, wallet, holder, link, now)
    except (PictureError, QrCodeError) as exc:
        errors = {"picture": sentence_of(request, exc)}
    except LinkError as exc:
        errors = {"link": sentence_of(request, exc)}
    return pages.render(request, "scan.html", status=400, errors=errors, link=link, issuer="")


@router.post("/scan/frame")
async def scan_frame(holder: HolderDep, form: FormDep) -> Response:
    """One picture of the camera: the text of the QR code in it, or nothing yet. No frame is kept."""
    picture = form.get("picture")
    try:
        text = await _read_qr_code(picture) if isinstance(picture, UploadFile) else ""
    except (PictureError, QrCodeError):
        text = ""
    return JSONResponse({"text": text})


@router.get("/open")
@only_get
async def open_link(
    request: Request, link: str, holder: PerhapsHolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    """A universal link: an offer or a question from somebody's page. Without a session one signs in first."""
    if holder is None:
        here = f"{request.url.path}?{request.url.query}"
        return pages.render(
            request, "sign_in.html", errors={}, name="", next=local_path(here), question=_question_in(link)
        )
    return await _open(request, wallet, holder, link, now)


# --- history


@router.get("/shared")
async def shared(request: Request, holder: HolderDep, wallet: WalletDep, pages: PagesDep) -> Response:
    records = await history.find_history(wallet.database, holder.vault)
    _ = translator(request)
    return pages.render(
        request, "shared.html", records=records, say=partial(label_text, _), loss_words=partial(loss_words, _)
    )


@router.post("/shared/{entry_id}/delete")
async def delete_history_entry(entry_id: str, form: FormDep, holder: HolderDep, wallet: WalletDep) -> Response:
    await history.delete_history_record(wallet.database, holder.vault, entry_id)
    return go_to("/shared")


# --- me


@router.get("/me")
async def me(request: Request, holder: HolderDep, wallet: WalletDep, pages: PagesDep) -> Response:
    return await _show_me(request, wallet, pages, holder, errors={})


@router.post("/me/passphrase")
async def change_passphrase(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    try:
        await accounts.change_passphrase(
            wallet.database, wallet.settings, holder, old=text_of(form, "old"), new=text_of(form, "new"), now=now
        )
    except (SignInError, LockedOutError, PassphraseError) as exc:
        field = "new" if isinstance(exc, PassphraseError) else "old"
        errors = {field: _passphrase_sentence(request, exc)}
        return await _show_me(request, wallet, pages, holder, errors=errors, status=exc.status)
    return await _show_me(request, wallet, pages, holder, errors={}, done="passphrase")


@router.post("/me/recovery-code")
async def replace_recovery_code(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    try:
        code = await accounts.replace_recovery_code(
            wallet.database, wallet.settings, holder.vault, passphrase=text_of(form, "code_passphrase"), now=now
        )
    except (SignInError, LockedOutError) as exc:
        errors = {"code_passphrase": _passphrase_sentence(request, exc)}
        return await _show_me(request, wallet, pages, holder, errors=errors, status=exc.status)
    return _show_recovery_code(request, pages, code, "/me")


@router.post("/me/export")
async def export(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    try:
        content = await exporting.create_export(
            wallet, holder.vault, passphrase=text_of(form, "export_passphrase") or None, now=now
        )
    except PassphraseError as exc:
        errors = {"export_passphrase": sentence_of(request, exc)}
        return await _show_me(request, wallet, pages, holder, errors=errors, status=exc.status)
    headers = {"Content-Disposition": f'attachment; filename="skillswallet-{now:%Y-%m-%d}.zip"'}
    return Response(exporting.create_archive(content), media_type="application/zip", headers=headers)


@router.get("/me/erase")
async def erase_page(request: Request, holder: HolderDep, pages: PagesDep) -> Response:
    return pages.render(request, "erase.html", errors={})


@router.post("/me/erase")
async def erase(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    try:
        await accounts.erase_account(
            wallet.database, wallet.settings, holder.vault, passphrase=text_of(form, "passphrase"), now=now
        )
    except (SignInError, LockedOutError) as exc:
        errors = {"passphrase": _passphrase_sentence(request, exc)}
        return pages.render(request, "erase.html", status=exc.status, errors=errors)
    return _leave(request)


# --- what several routes do


def _question_in(link: str) -> str:
    """The link of a question; nothing for an offer, or for what is no link of ours."""
    try:
        return link if parse_link_kind(link) == "request" else ""
    except LinkError:
        return ""


async def _open(request: Request, wallet: Wallet, holder: SignedIn, link: str, now: Any) -> Response:
    """Lead to the page where the person decides."""
    if parse_link_kind(link) == "offer":
        page = await issuance.resolve_offer(wallet, holder.vault, link, now, language=request_language(request))
        return go_to(f"/offers/{page.id}")
    asked = await presentation.resolve_request(wallet, holder.vault, link, now, language=request_language(request))
    return go_to(f"/requests/{asked.id}")


def _facts_of(found: credentials.Badge, language: str) -> dict[str, tuple[Fact, ...]]:
    """What a badge says of its owner: what can be kept back, and what cannot."""
    form = found.forms[0]
    where: dict[str, Any] = {
        "disclosable": form.disclosable_paths(),
        "opened": frozenset(),
        "labels": form.labels,
        "language": language,
    }
    claims = form.credential.claims
    return {
        "hidden": tuple(fact for fact in find_hidden_facts(claims, **where) if not fact.is_skill),
        "open": tuple(fact for fact in find_shown_facts(claims, **where) if not fact.is_skill),
    }


async def _read_qr_code(picture: UploadFile) -> str:
    return await images.read_qr_code(await picture.read(images.MAXIMUM_PICTURE_BYTES + 1))


async def _show_me(
    request: Request,
    wallet: Wallet,
    pages: Pages,
    holder: SignedIn,
    *,
    errors: Mapping[str, str],
    status: int = 200,
    done: str = "",
) -> Response:
    name = await accounts.get_account_name(wallet.database, holder.vault)
    return pages.render(request, "me.html", status=status, name=name, errors=errors, done=done)


def _show_recovery_code(
    request: Request,
    pages: Pages,
    code: str,
    next_path: str,
    *,
    token: str | None = None,
    is_recovered: bool = False,
) -> Response:
    """The one page that shows the code; reloading it does not bring it back.

    `is_recovered`: an old code led here, so that it says what somebody else who had it may have connected.
    """
    response = pages.render(request, "recovery_code.html", code=code, next=next_path, is_recovered=is_recovered)
    if token is not None:
        set_session_cookie(response, request, token)
    return response


def _leave(request: Request) -> Response:
    response = go_to("/")
    delete_session_cookie(response, request)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def go_to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)


def text_of(form: Mapping[str, Any], name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def sentence_of(request: Request, error: WalletError) -> str:
    """What stands beside the field: what is wrong, and what to do about it."""
    _ = translator(request)
    return f"{_(error.title)}. {_(error.advice)}"


def _passphrase_sentence(request: Request, error: WalletError) -> str:
    """The same where only the passphrase was asked, of somebody whose name is known."""
    if isinstance(error, SignInError):
        _ = translator(request)
        return _("Deze wachtzin klopt niet. Typ hem precies zoals bij het inloggen.")
    return sentence_of(request, error)
