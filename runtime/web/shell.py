"""The routes that every service has: /health, /ready, /static and the language switch."""

from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from runtime.errors import Problem
from runtime.revisions import earlier_revisions
from runtime.route_document import Answer, Operation, described, problem_refusal
from runtime.service import Service
from runtime.web.forms import read_form
from runtime.web.language import LANGUAGES, set_language_cookie
from runtime.web.pages import Pages, local_path

_YEAR: Final = 365 * 24 * 3600


def shell_routes(pages: Pages | None) -> list[BaseRoute]:
    """The shared routes; those of pages only where there are pages."""
    routes: list[BaseRoute] = [Route("/health", _health), Route("/ready", _ready)]
    if pages is not None:
        routes.append(Mount("/static", _Static(pages.static_folders), name="static"))
        routes.append(Route("/language", _switch_language, methods=["POST"]))
    return routes


_OK: Final = Answer("Yes.", {"application/json": {"type": "object", "properties": {"status": {"const": "ok"}}}})
_TOO_MANY: Final = {429: problem_refusal("too_many_requests")}


@described(Operation(answers={200: _OK, **_TOO_MANY}))
async def _health(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"status": "ok"})


@described(Operation(answers={200: _OK, 503: problem_refusal("database", "migrations"), **_TOO_MANY}))
async def _ready(request: Request) -> Response:
    """The database answers too, and has every table that this code needs: send requests here."""
    service: Service = request.app.state.service  # type: ignore[type-arg]
    try:
        await service.database.is_ready()
        revision = await service.database.find_revision()
    except Exception as exc:
        raise Problem(503, "database", "The database does not answer.") from exc
    if revision in earlier_revisions(service.name):
        raise Problem(503, "migrations", "The database misses migrations.", hint="Run the migrations, then try again.")
    return JSONResponse({"status": "ok"})


async def _switch_language(request: Request) -> Response:
    """Remember the language, and go back to where the person was."""
    form = await read_form(request)
    language = str(form.get("language", ""))
    if language not in LANGUAGES:
        raise Problem(400, "malformed", "This language is not offered.")
    response = RedirectResponse(local_path(str(form.get("next", "/"))), status_code=303)
    set_language_cookie(response, request, language)
    return response


class _Static(StaticFiles):
    """Files of the shell and of the service; an address with a version (`?v=`) never changes its content."""

    def __init__(self, folders: list[Path]) -> None:
        super().__init__(directory=folders[0])
        self.all_directories = list(folders)

    async def get_response(self, path: str, scope: Scope) -> Response:
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = await super().get_response(path, scope)
        versioned = scope.get("query_string", b"").startswith(b"v=")
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable" if versioned else "no-cache"
        return response
