"""The badge of an award as a file: made once by staff, and downloaded in the form that somebody can use."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from issuer import badge_files, elm_export
from issuer.badge_files import Download, FileForm
from issuer.credential_issuer import get_issuer
from issuer.store import AchievementRow
from issuer.web.pages import FILE_WORDS, PagesDep, ServiceDep, SignedInDep, _card
from runtime.dependencies import NowDep, SessionDep
from runtime.web.forms import FormDep
from runtime.web.routes import PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.post("/back-office/{org}/awards/{award_id}/file")
async def make_badge_file(
    award_id: UUID, staff: SignedInDep, _form: FormDep, service: ServiceDep, session: SessionDep, now: NowDep
) -> Response:
    """Make the file; pressed again, it stays what it was."""
    await badge_files.make_badge_file(session, service.settings, staff.issuer, award_id, actor=staff.actor, now=now)
    return RedirectResponse(f"/back-office/{staff.issuer.slug}/awards/{award_id}#file", status_code=303)


@router.get("/back-office/{org}/awards/{award_id}/file/{form}")
async def get_badge_file(
    award_id: UUID, form: FileForm, staff: SignedInDep, service: ServiceDep, session: SessionDep
) -> Response:
    """The file in one form."""
    return _answer(await badge_files.get_badge_file(session, service.settings, staff.issuer, award_id, form))


@router.get("/back-office/{org}/awards/{award_id}/elm")
async def get_elm_document(award_id: UUID, staff: SignedInDep, service: ServiceDep, session: SessionDep) -> Response:
    """The award for the organisation's own sealing service."""
    return _answer(await elm_export.create_elm_document(session, service.settings, staff.issuer, award_id))


@router.get("/{org}/files/{file_id}/{secret}")
async def shared_file_page(
    request: Request, org: str, file_id: UUID, secret: str, service: ServiceDep, session: SessionDep, pages: PagesDep
) -> Response:
    """The recipient's page: what the badge is, whether it counts, and the file to keep."""
    issuer = await get_issuer(session, service.settings, org)
    shared = await badge_files.get_shared_file(session, service.settings, issuer, file_id, secret)
    response = pages.render(
        request,
        "file_shared.html",
        issuer=issuer,
        card=_card(issuer, AchievementRow(shared.row.achievement, shared.row.version), request),
        award=shared.row.award,
        file=shared.view,
        file_words=FILE_WORDS,
    )
    # Who has the address has the file: it is kept by nobody in between, and found by no search engine.
    response.headers.update({"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"})
    return response


@router.get("/{org}/files/{file_id}/{secret}/{form}")
async def get_shared_file(
    org: str, file_id: UUID, secret: str, form: FileForm, service: ServiceDep, session: SessionDep
) -> Response:
    """The file in one form, for its recipient."""
    issuer = await get_issuer(session, service.settings, org)
    shared = await badge_files.get_shared_file(session, service.settings, issuer, file_id, secret)
    return _answer(await badge_files.get_badge_file(session, service.settings, issuer, shared.row.award.id, form))


def _answer(file: Download) -> Response:
    return Response(file.content, media_type=file.media_type, headers=file.headers)
