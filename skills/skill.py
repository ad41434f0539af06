"""What a skill is: a concept of a published taxonomy, with its names in the languages that we speak.

A skill is identified by its URI, exactly as published; nothing here ever builds or repairs one (S-01).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Language = Literal["nl", "en"]
Kind = Literal["skill", "knowledge"]

ESCO_SKILL_PREFIX = "http://data.europa.eu/esco/skill/"
ESCO_RELEASE = "ESCO v1.2.0"

ESCO_NOTICE = "This service uses the ESCO classification of the European Commission."
"""The sentence that the Commission asks to be shown, word for word, wherever ESCO is shown."""

ESCO_MODIFIED_NOTICE: Mapping[str, str] = {
    "en": (
        "The ESCO data were adapted: some Dutch names are our own and unofficial, "
        "others are missing and shown in English."
    ),
    "nl": (
        "De ESCO-gegevens zijn bewerkt: sommige Nederlandse namen zijn van ons en niet officieel; "
        "ontbreekt er een, dan staat er de Engelse."
    ),
}

_OTHER: Mapping[str, Language] = {"nl": "en", "en": "nl"}


@dataclass(frozen=True, slots=True)
class Skill:
    """One concept. `labels` holds at least one language; a missing one falls back to the other and says so."""

    uri: str
    labels: Mapping[str, str]
    description: str = ""
    kind: Kind = "skill"
    unofficial_labels: frozenset[str] = field(default=frozenset())

    def label(self, language: str) -> str:
        """The name in this language, or in the other one where this language has none."""
        return self.labels[self.label_language(language)]

    def label_language(self, language: str) -> str:
        """The language that `label(language)` really answers in, for the `lang` attribute of a page."""
        if language in self.labels:
            return language
        return _OTHER.get(language, "en") if _OTHER.get(language, "en") in self.labels else next(iter(self.labels))

    def alignment(self, language: str) -> dict[str, str]:
        """This skill as an Open Badges 3.0 Alignment. S-01, S-02.

        `targetName` is in the language asked for where it exists; the release stands in `targetDescription`.
        """
        alignment = {"type": "Alignment", "targetName": self.label(language), "targetUrl": self.uri}
        if self.uri.startswith(ESCO_SKILL_PREFIX):
            alignment["targetCode"] = self.uri.removeprefix(ESCO_SKILL_PREFIX)
            alignment["targetFramework"] = "ESCO"
            alignment["targetType"] = "ext:ESCOAlignment"
            alignment["targetDescription"] = ESCO_RELEASE
        return alignment
