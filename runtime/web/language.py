"""Dutch first, then English.

The Dutch sentence in a template or in code is the message itself; its English stands in `<package>/web/locale/en.po`.
In templates `{{ _("Delen") }}`; in code a page's own function:

    _ = translator(request)
    _("Deze code klopt niet. Je kunt het nog %(left)d keer proberen.") % {"left": left}
"""

import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_datetime
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from starlette.requests import Request
from starlette.responses import Response

from runtime.folders import package_folder

LANGUAGES: Final = {"nl": "Nederlands", "en": "English"}
SOURCE_LANGUAGE: Final = "nl"
_COOKIE: Final = "language"
_DECIMAL: Final = re.compile(r"-?[0-9]+\.[0-9]+")
_YEAR: Final = 365 * 24 * 3600
_ZONE: Final = ZoneInfo("Europe/Amsterdam")


def request_language(request: Request) -> str:
    """What the person chose, else what the browser prefers of what we have, else Dutch."""
    chosen = request.cookies.get(_COOKIE)
    if chosen in LANGUAGES:
        return chosen
    for language in _accepted(request.headers.get("accept-language", "")):
        if language in LANGUAGES:
            return language
    return SOURCE_LANGUAGE


def set_language_cookie(response: Response, request: Request, language: str) -> None:
    """Keep the choice for a year; it is readable by nobody else and says nothing about the person."""
    secure = request.app.state.service.settings.is_https
    response.set_cookie(_COOKIE, language, max_age=_YEAR, secure=secure, httponly=True, samesite="lax")


@cache
def load_catalogue(packages: tuple[str, ...], language: str) -> NullTranslations:
    """The texts of these packages in one language; later packages complete earlier ones."""
    if language == SOURCE_LANGUAGE:
        return NullTranslations()
    merged = Catalog(locale=language)
    for package in packages:
        for message in read_catalogue(package, language):
            if message.id and message.string:
                merged.add(message.id, message.string, context=message.context)
    buffer = io.BytesIO()
    write_mo(buffer, merged)
    buffer.seek(0)
    return GNUTranslations(buffer)


def read_catalogue(package: str, language: str) -> Catalog:
    """The `.po` file of one package as it stands, empty when there is none."""
    path = package_folder(package) / "web" / "locale" / f"{language}.po"
    return _read_po(path, language) if path.exists() else Catalog(locale=language)


def translator(request: Request) -> Callable[[str], str]:
    """`_` for code that answers one request."""
    packages: tuple[str, ...] = request.app.state.text_packages
    return load_catalogue(packages, request_language(request)).gettext


def day(value: date | datetime, language: str) -> str:
    """`28 mei 2026`, `28 May 2026`: the day in the Netherlands."""
    local = _local(value).date() if isinstance(value, datetime) else value
    return format_date(local, format="d MMMM y", locale=language)


def moment(value: datetime, language: str) -> str:
    """`28 mei 2026 om 14:06`: day and time in the Netherlands."""
    local = _local(value)
    middle = "'om'" if language == "nl" else "'at'"
    return format_datetime(local, format=f"d MMMM y {middle} HH:mm", locale=language, tzinfo=local.tzinfo)


def _local(value: datetime) -> datetime:
    """The last moment of the year 9999, by which some issuers mean "for ever", is no moment in the Netherlands."""
    try:
        return value.astimezone(_ZONE)
    except OverflowError:
        return value.astimezone(UTC)


def decimal(value: float, language: str) -> str:
    """`2,5`, `2.5`: a number as people write it."""
    return format_decimal(value, format="0.######", locale=language)


def written_number(text: str, language: str) -> str:
    """`7,5` for `7.5` in Dutch: a number as programs write it, for people; what is no number stays as it is."""
    return text.replace(".", ",") if language == "nl" and _DECIMAL.fullmatch(text) else text


def country(code: str, language: str) -> str:
    """`Nederland` for `NL`; what is no code of a country stays as it is."""
    return str(Locale(language).territories.get(code, code))


def language_name(code: str, language: str) -> str:
    """`Engels` for `en`; what is no code of a language stays as it is."""
    return str(Locale(language).languages.get(code.lower(), code))


def iso(value: datetime) -> str:
    """For `<time datetime>`."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read_po(path: Path, language: str) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _accepted(header: str) -> list[str]:
    """Primary language tags in order of preference (RFC 9110 §12.5.4)."""
    weighed = []
    for number, part in enumerate(header[:200].split(",")):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighed.append((-float(weight or 1), number, tag.partition("-")[0].lower()))
        except ValueError:
            continue
    return [language for _, _, language in sorted(weighed)]
