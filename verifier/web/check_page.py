"""The public page on which anybody checks a badge: a file, a photo, a text or a link in; a report out; nothing kept."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from runtime.archives import MAX_ARCHIVE_UPLOAD
from runtime.dependencies import NowDep, get_service
from runtime.import_texts import NO_ARCHIVE, NOTHING_GIVEN, UNREAD
from runtime.import_view import create_view
from runtime.middleware import source_of
from runtime.service import Service
from runtime.web.badge_form import read_content, read_file, read_text
from runtime.web.forms import FormDep
from runtime.web.language import request_language
from runtime.web.pages import Pages
from runtime.web.routes import PageRoute
from verifier.checking import Checks
from verifier.errors import NoArchiveError, NoBadgeError
from verifier.settings import VerifierSettings

ServiceDep = Annotated[Service[VerifierSettings], Depends(get_service)]


def create_check_router(pages: Pages, checks: Checks) -> APIRouter:
    """The two routes of the page; `checks` counts how many are under way in this process."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)

    @router.get("/check", name="check_page")
    async def check_page(request: Request) -> Response:
        return pages.render(request, "check.html", errors={}, text="", email="")

    @router.post("/check", name="check_badge")
    async def check_badge(request: Request, form: FormDep, service: ServiceDep, now: NowDep) -> Response:
        language, email = request_language(request), read_text(form, "email")
        content = await read_content(form)
        given = {"text": read_text(form, "text"), "email": email}
        if not content:
            errors = {"file": NOTHING_GIVEN.say(language)}
            return pages.render(request, "check.html", status=400, errors=errors, **given)
        try:
            archive = await read_file(form, "archive", MAX_ARCHIVE_UPLOAD)
            checked = await checks.check_badge(
                service, content, email=email or None, archive=archive, source=source_of(request.scope), now=now
            )
        except NoArchiveError as exc:
            errors = {"archive": NO_ARCHIVE.say(language)}
            return pages.render(request, "check.html", status=exc.status, errors=errors, **given)
        except NoBadgeError as exc:
            errors = {"text" if isinstance(content, str) else "file": UNREAD[exc.code].say(language)}
            return pages.render(request, "check.html", status=exc.status, errors=errors, **given)
        view = create_view(
            checked.report, language, checked.recognition, checked.endorsements, checked.archive, checked.parts
        )
        return pages.render(request, "checked.html", view=view, checked_at=now)

    return router
