"""Which Dutch sentences a package speaks, and which of them have no English yet.

    python -m runtime.web.catalogue wallet        # prints what is missing, ready to paste into wallet/web/locale/en.po

A sentence is whatever stands in `_("…")`, `gettext("…")`, `ngettext("…", "…", n)` or `{% trans %}`, in templates and in
code. `N_("…")` marks one in code that is translated later.
"""

import sys
from collections.abc import Iterator
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import write_po

from runtime.folders import package_folder
from runtime.web.language import read_catalogue

_METHODS: Final = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.svg", "jinja2")]
_OPTIONS: Final = {"**/templates/**.html": {"silent": "false", "extensions": "jinja2.ext.loopcontrols"}}
_KEYWORDS: Final = DEFAULT_KEYWORDS | {"N_": None}


def extract_messages(package: str) -> Catalog:
    """Every sentence of a package, with the places where it stands."""
    folder = package_folder(package)
    catalogue = Catalog()
    for name, line, message, _comments, context in extract_from_dir(
        folder, _METHODS, _OPTIONS, keywords=_KEYWORDS, strip_comment_tags=True
    ):
        catalogue.add(message, locations=[(f"{package}/{name}", line)], context=context)
    return catalogue


def find_untranslated(packages: tuple[str, ...], language: str = "en") -> Catalog:
    """The sentences of the last package that neither it nor a package before it has in this language."""
    known = {message.id for package in packages for message in read_catalogue(package, language) if message.string}
    missing = Catalog(locale=language)
    for message in extract_messages(packages[-1]):
        if message.id and message.id not in known:
            missing.add(message.id, locations=message.locations, context=message.context)
    return missing


def find_unused(package: str, language: str = "en") -> Iterator[str]:
    """Translations of sentences that the package does not say any more."""
    used = {message.id for message in extract_messages(package)}
    for message in read_catalogue(package, language):
        if message.id and message.id not in used:
            yield str(message.id)


def main(arguments: list[str]) -> None:
    """Print what is missing, in the form of a `.po` file."""
    for package in arguments:
        write_po(sys.stdout.buffer, find_untranslated(("runtime", package)), omit_header=True, width=120)


if __name__ == "__main__":
    main(sys.argv[1:])
