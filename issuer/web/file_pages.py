"""The badge of an award as a file: made once by staff, and downloaded in the form that somebody can use."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from issuer import badge_files, elm_export
from issuer.badge_files import Download, FileForm
from issuer.web.pages import ServiceDep, SignedInDep
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


def _answer(file: Download) -> Response:
    return Response(file.content, media_type=file.media_type, headers=file.headers)
