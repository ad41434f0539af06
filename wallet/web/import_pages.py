"""The pages for badges from elsewhere: bring one, see what it proves, keep it or not, take it out again."""

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from runtime.dependencies import NowDep
from runtime.import_texts import NOTHING_GIVEN, UNREAD
from runtime.web.badge_form import read_content, read_text
from runtime.web.forms import FormDep
from runtime.web.language import request_language, translator
from runtime.web.routes import PageRoute
from wallet import badge_files, credentials, importing, learner_record, refreshing
from wallet.errors import NoBadgeError, NothingChosenError, TooMuchChosenError
from wallet.web.routes import HolderDep, PagesDep, WalletDep, require_path, sentence_of

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(require_path)])

# Whatever is in the file, a browser only stores it.
_FILE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@router.get("/import")
async def import_page(request: Request, holder: HolderDep, pages: PagesDep) -> Response:
    return pages.render(request, "import.html", errors={}, text="")


@router.post("/import")
async def import_badge(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    language, content, text = request_language(request), await read_content(form), read_text(form, "text")
    if not content:
        errors = {"file": NOTHING_GIVEN.say(language)}
        return pages.render(request, "import.html", status=400, errors=errors, text=text)
    try:
        found = await importing.check_badge(wallet, holder.vault, content, language=language, now=now)
    except NoBadgeError as exc:
        errors = {"text" if isinstance(content, str) else "file": UNREAD[exc.code].say(language)}
        return pages.render(request, "import.html", status=exc.status, errors=errors, text=text)
    return _go(f"/imported/{found.id}") if found.id else pages.render(request, "imported.html", badge=found)


@router.get("/imported/{badge_id}")
async def imported(
    request: Request, badge_id: str, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    found = await importing.get_imported_badge(
        wallet, holder.vault, badge_id, language=request_language(request), now=now
    )
    return pages.render(request, "imported.html", badge=found)


@router.get("/imported/{badge_id}/file")
async def imported_file(badge_id: str, holder: HolderDep, wallet: WalletDep, now: NowDep) -> Response:
    return _download(await importing.get_imported_file(wallet, holder.vault, badge_id, now))


@router.post("/imported/{badge_id}/keep")
async def keep_imported(badge_id: str, holder: HolderDep, form: FormDep, wallet: WalletDep, now: NowDep) -> Response:
    await importing.keep_imported_badge(wallet, holder.vault, badge_id, now)
    return _go(f"/imported/{badge_id}")


@router.post("/imported/{badge_id}/check")
async def check_imported(badge_id: str, holder: HolderDep, form: FormDep, wallet: WalletDep, now: NowDep) -> Response:
    await importing.check_imported_badge(wallet, holder.vault, badge_id, now)
    return _go(f"/imported/{badge_id}")


@router.post("/imported/{badge_id}/refresh")
async def refresh_imported(badge_id: str, holder: HolderDep, form: FormDep, wallet: WalletDep, now: NowDep) -> Response:
    await refreshing.refresh_imported_badge(wallet, holder.vault, badge_id, now)
    return _go(f"/imported/{badge_id}")


@router.get("/imported/{badge_id}/delete")
async def delete_imported_page(
    request: Request, badge_id: str, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    found = await importing.get_imported_badge(
        wallet, holder.vault, badge_id, language=request_language(request), now=now
    )
    return pages.render(request, "delete_imported.html", badge=found)


@router.post("/imported/{badge_id}/delete")
async def delete_imported(badge_id: str, holder: HolderDep, form: FormDep, wallet: WalletDep, now: NowDep) -> Response:
    await importing.delete_imported_badge(wallet, holder.vault, badge_id, now)
    return _go("/badges")


@router.get("/badges/{credential_id}/file/{kind}")
async def badge_file(
    credential_id: str, kind: badge_files.BadgeFileKind, holder: HolderDep, wallet: WalletDep, now: NowDep
) -> Response:
    return _download(await badge_files.create_badge_file(wallet, holder.vault, credential_id, kind, now))


@router.get("/together")
async def together_page(
    request: Request, holder: HolderDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    badges = await credentials.find_badges(wallet, holder.vault, now)
    return pages.render(request, "together.html", badges=badges, chosen=(), title="", errors={})


@router.post("/together")
async def together(
    request: Request, holder: HolderDep, form: FormDep, wallet: WalletDep, pages: PagesDep, now: NowDep
) -> Response:
    chosen = [value for value in form.getlist("badge") if isinstance(value, str)]
    title = read_text(form, "title")[: learner_record.MAX_NAME]
    name = title or translator(request)("Mijn badges")
    try:
        file = await learner_record.create_record_file(wallet, holder.vault, chosen, name=name, now=now)
    except (NothingChosenError, TooMuchChosenError) as exc:
        badges = await credentials.find_badges(wallet, holder.vault, now)
        errors = {"badge": sentence_of(request, exc)}
        return pages.render(
            request, "together.html", status=exc.status, badges=badges, chosen=chosen, title=title, errors=errors
        )
    return _download(file)


def _download(file: badge_files.BadgeFile) -> Response:
    headers = {**_FILE_HEADERS, "Content-Disposition": f'attachment; filename="{file.name}"'}
    return Response(file.content, media_type=file.media_type, headers=headers)


def _go(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)
