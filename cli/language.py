"""The language of the command line: Dutch or English, chosen by `--language`, else by `LANG`, else English.

Both wordings stand side by side where they are said, so that neither can be forgotten.
"""

import os
from typing import Literal, cast

Language = Literal["nl", "en"]

_chosen: list[Language] = []


def choose_language(language: str | None) -> Language:
    """Fix the language for this run."""
    _chosen[:] = [cast(Language, language) if language in {"nl", "en"} else _language_of_the_environment()]
    return _chosen[0]


def language() -> Language:
    """The language of this run."""
    return _chosen[0] if _chosen else _language_of_the_environment()


def say(nl: str, en: str) -> str:
    """The wording in the language of this run."""
    return nl if language() == "nl" else en


def _language_of_the_environment() -> Language:
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "nl" if spoken.lower().startswith("nl") else "en"
