"""What the wallet holds that comes near to a question which it cannot answer, by what publishers say. S-05.

Told to the person alone. A question is answered with the skills that it names and no others, whatever a table says of
them (OpenID4VP 1.0 §6.4.1): one that is the same in another list is for whoever asks to ask for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.dcql import CredentialQuery, DcqlQuery
from skills.search import SkillIndex
from wallet.credentials import Badge
from wallet.skills_profile import counts

_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class NearSkill:
    """A skill on a badge that lies near to one that is asked for; `is_same`: exactly the same, in another list."""

    uri: str
    name: str
    badge_id: str
    badge_name: str
    is_same: bool


def find_near_skills(query: DcqlQuery, badges: Iterable[Badge], index: SkillIndex) -> tuple[NearSkill, ...]:
    """The skills on badges that count, which lie near to one that is asked for and that none of them shows."""
    held = [badge for badge in badges if counts(badge)]
    shown = {skill.uri for badge in held for skill in badge.view.skills}
    wanted: set[object] = set()
    for asked in map(_asked_skills, query.credentials):
        if not asked & shown:
            wanted |= asked
    near = {found.uri: found for badge in reversed(held) for found in _near(badge, wanted, index)} if wanted else {}
    return tuple(sorted(near.values(), key=lambda each: (not each.is_same, each.name.casefold(), each.uri))[:_SHOWN])


def near_json(near: NearSkill) -> dict[str, Any]:
    """For the API."""
    return {
        "uri": near.uri,
        "name": near.name,
        "credential_id": near.badge_id,
        "match": "exact" if near.is_same else "related",
    }


def _asked_skills(query: CredentialQuery) -> set[object]:
    """The addresses of skills that will do for one credential query."""
    return {value for claim in query.claims if claim.path[-1] == "targetUrl" for value in claim.values}


def _near(badge: Badge, wanted: set[object], index: SkillIndex) -> Sequence[NearSkill]:
    found = []
    for skill in badge.view.skills:
        related = [each for uri in index.with_aliases([skill.uri]) for each in index.related(uri)]
        kinds = {each.kind for each in related if wanted.intersection(index.with_aliases([each.skill.uri]))}
        if kinds and skill.uri not in wanted:
            found.append(NearSkill(skill.uri, skill.name, badge.id, badge.view.name, "exact" in kinds))
    return found
