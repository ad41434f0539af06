"""Pages rendered by the server, alike in all three services.

    pages = Pages("wallet")                     # wallet/web/templates, wallet/web/static, wallet/web/locale/en.po
    return pages.render(request, "badges.html", badges=badges)

Templates begin with `{% extends "base.html" %}` and `{% import "parts.html" as parts %}`, and have at hand: `_()`,
`csrf_field()`, `static("camera.js")`, `session_token(request)`, `language`, `request`, `trace_id`, the filters `day`,
`moment` and `iso` for times, `decimal` for a number and `number` for a text that may be one, and the tests that Jinja
brings. Blocks of base.html: `title`, `nav`, `main`, `places`, `head`, `scripts`.
There is no inline script or style: the content security policy refuses both.
"""

from collections.abc import Callable
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from fastapi.responses import HTMLResponse
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from runtime.errors import Problem
from runtime.folders import package_folder
from runtime.logging import trace_id
from runtime.web import language as languages
from runtime.web.bidi import isolate, without_commands
from runtime.web.cookies import session_token
from runtime.web.forms import CSRF_FIELD, csrf_token, set_csrf_cookie
from runtime.web.problems import problem_words

_SHELL: Final = "runtime"


class Pages:
    """The templates, static files and texts of one service, on top of the shell's."""

    def __init__(self, package: str) -> None:
        self.packages: Final = (_SHELL,) if package == _SHELL else (_SHELL, package)
        self.static_folders = _static_folders(self.packages)
        self._environments = {language: _environment(self.packages, language) for language in languages.LANGUAGES}

    def render(self, request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """The page in the language of the request, with the cookie that its forms need."""
        language = languages.request_language(request)
        text = self._environments[language].get_template(template).render(
            request=request, language=language, trace_id=trace_id.get(), **context
        )  # fmt: skip
        response = HTMLResponse(text, status_code=status, headers={"Vary": "Accept-Language, Cookie"})
        set_csrf_cookie(response, request)
        return response

    def problem(self, request: Request, problem: Problem) -> Response:
        """A failure as a page: what happened, what can be done, and the code that finds it in the log."""
        response = self.render(request, "problem.html", status=problem.status, problem=problem)
        response.headers.update(problem.headers)
        return response

    def leave(self, request: Request, url: str, *, name: str) -> HTMLResponse:
        """Send the browser to another site after a form: by a page that forwards, and that says where to.

        A redirect would be stopped: `form-action 'self'` holds for the redirects of a form too.
        """
        if not url.startswith(("https://", "http://")):
            raise ValueError("only web addresses are left to")
        return self.render(request, "leave.html", url=url, name=name)


def local_path(text: str) -> str:
    """A path on this site, or `/`: what may be redirected to when it came from a form or a query."""
    if not text.startswith("/") or text.startswith(("//", "/\\")) or any(ord(letter) < 0x21 for letter in text):
        return "/"
    return text


def _static_folders(packages: tuple[str, ...]) -> list[Path]:
    return [folder / "static" for folder in _web_folders(packages) if (folder / "static").is_dir()]


def _web_folders(packages: tuple[str, ...]) -> list[Path]:
    """Where a service's own pages are, and then the shell's."""
    return [package_folder(name) / "web" for name in reversed(packages)]


@cache
def _environment(packages: tuple[str, ...], language: str) -> Environment:
    """The templates of a service in a language; compiled once a process, since applications do not differ in them."""
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder / "templates") for folder in _web_folders(packages)]),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.loopcontrols"],
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=without_commands,
    )
    catalogue = languages.load_catalogue(packages, language)
    environment.install_gettext_translations(catalogue, newstyle=True)  # type: ignore[attr-defined]
    for name in ("gettext", "ngettext"):
        environment.globals[name] = _isolating(environment.globals[name])
    environment.filters["day"] = lambda value: languages.day(value, language)
    environment.filters["moment"] = lambda value: languages.moment(value, language)
    environment.filters["decimal"] = lambda value: languages.decimal(value, language)
    environment.filters["number"] = lambda text: languages.written_number(text, language)
    environment.filters["iso"] = languages.iso
    environment.globals["csrf_field"] = _csrf_field
    environment.globals["languages"] = languages.LANGUAGES
    environment.globals["here"] = _here
    environment.globals["session_token"] = session_token
    environment.globals["problem_words"] = partial(problem_words, catalogue.gettext)
    environment.globals["static"] = _static_address(_static_folders(packages))
    return environment


def _isolating(translate: Any) -> Callable[..., str]:
    """The same sentence with each text that is filled in kept apart from it; see `runtime.web.bidi`."""

    @pass_context
    def translated(context: Context, *texts: Any, **values: Any) -> str:
        translation: str = translate(context, *texts, **{name: isolate(value) for name, value in values.items()})
        return translation

    return translated


@pass_context
def _csrf_field(context: Context) -> Markup:
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, csrf_token(context["request"]))


def _here(request: Request) -> str:
    """The page to come back to after switching the language; a page shown after a POST has no address to return to."""
    if request.method != "GET":
        return "/"
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _static_address(folders: list[Path]) -> Any:
    @cache
    def address(name: str) -> str:
        for folder in folders:
            path = folder / name
            if path.is_file():
                return f"/static/{name}?v={sha256(path.read_bytes()).hexdigest()[:12]}"
        raise FileNotFoundError(name)

    return address
