"""What somebody can do, and how sure that is: one row a skill, with all its evidence (DOMAIN.md rows 1 and 2).

A pure function of the badges that are held; what people say of themselves (`wallet.claimed_skills`) is another kind and
stands beside it. How sure is derived from who said it: only a recognised issuer
lifts a skill to "assessed" or "certified", so nothing that a holder does alone can.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from wallet.credentials import Badge

SkillKind = Literal["attested", "claimed"]
"""Whose word it is that somebody can do something: an issuer's, on a badge, or their own. S-08

Nothing suggests skills here. Whatever will is a kind of its own: to name it here is to give it words and a mark
(`wallet.web.words.skill_kind_words`), since mypy and a test want those of every kind.
"""

# The achievement types of Open Badges 3.0 that stand for a formal qualification.
_CERTIFIED_TYPES = frozenset(
    {
        "Certificate",
        "Certification",
        "CertificateOfCompletion",
        "Degree",
        "Diploma",
        "License",
        "ApprenticeshipCertificate",
        "JourneymanCertificate",
        "MasterCertificate",
        "QualityAssuranceCredential",
    }
)
# A badge that could not be checked now keeps its row, without any claim about how sure it is.
_COUNTING = frozenset({"valid", "unknown"})
NOT_ESTABLISHED, ASSESSED, CERTIFIED = 0, 4, 5


@dataclass(frozen=True, slots=True)
class SkillSource:
    """One badge that shows a skill."""

    credential_id: str
    badge_name: str
    issuer_name: str
    awarded_at: datetime | None
    level: int


@dataclass(frozen=True, slots=True)
class SkillRow:
    """One skill, with the surest of its sources first."""

    kind: ClassVar[SkillKind] = "attested"
    uri: str
    name: str
    sources: tuple[SkillSource, ...]

    @property
    def level(self) -> int:
        return self.sources[0].level


@dataclass(frozen=True, slots=True)
class LapsedSkill:
    """A skill that a badge showed which no longer counts, with the badge: it says why."""

    uri: str
    name: str
    badge: Badge


def counts(badge: Badge) -> bool:
    """Whether a badge shows something now; one that lapsed still says that it once did."""
    return badge.state.kind in _COUNTING


def create_skills_profile(badges: Iterable[Badge]) -> list[SkillRow]:
    """Every skill once, from badges that hold now; the surest first, then by name."""
    names: dict[str, str] = {}
    sources: dict[str, list[SkillSource]] = {}
    for badge in badges:
        if not counts(badge):
            continue
        for skill in badge.view.skills:
            names.setdefault(skill.uri, skill.name)
            sources.setdefault(skill.uri, []).append(_source(badge))
    rows = [SkillRow(uri, names[uri], _surest_first(found)) for uri, found in sources.items()]
    return sorted(rows, key=lambda row: (-row.level, row.name.casefold(), row.uri))


def find_lapsed_skills(badges: Iterable[Badge]) -> list[LapsedSkill]:
    """What no longer counts, and is not gone without a word: each badge that lapsed, with every skill on it."""
    found = [
        LapsedSkill(skill.uri, skill.name, badge)
        for badge in badges
        if not counts(badge)
        for skill in badge.view.skills
    ]
    return sorted(found, key=lambda lapsed: (lapsed.name.casefold(), lapsed.uri, lapsed.badge.id))


def skill_json(row: SkillRow) -> dict[str, Any]:
    """One row as JSON, for the API."""
    return {
        "kind": row.kind,
        "uri": row.uri,
        "name": row.name,
        "level": row.level,
        "sources": [
            {
                "credential_id": source.credential_id,
                "badge_name": source.badge_name,
                "issuer_name": source.issuer_name,
                "awarded_at": None if source.awarded_at is None else source.awarded_at.isoformat(),
                "level": source.level,
            }
            for source in row.sources
        ],
    }


def _source(badge: Badge) -> SkillSource:
    return SkillSource(
        credential_id=badge.id,
        badge_name=badge.view.name,
        issuer_name=badge.view.issuer_name or badge.issuer_id,
        awarded_at=badge.view.awarded_at or badge.issued_at,
        level=_level(badge),
    )


def _level(badge: Badge) -> int:
    if badge.state.kind != "valid" or not badge.recognition.is_recognised:
        return NOT_ESTABLISHED
    return CERTIFIED if badge.view.achievement_type in _CERTIFIED_TYPES else ASSESSED


def _surest_first(found: list[SkillSource]) -> tuple[SkillSource, ...]:
    return tuple(sorted(found, key=lambda source: (-source.level, source.badge_name.casefold(), source.credential_id)))
