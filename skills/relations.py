"""How a concept of one taxonomy lies to one of another, as its publisher says: a relation with a type. S-05.

Only an exact match stands for the same skill. Whatever is close, broader or narrower elsewhere is related, and proves
nothing. A relation is never made here: nothing follows from two of them together.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from skills.skill import Skill

MatchKind = Literal["exact", "close", "broad", "narrow"]
"""What the other concept is to this one; `broad`: the other is the broader of the two. SKOS Reference §10"""

_INVERSE: Final[dict[MatchKind, MatchKind]] = {
    "exact": "exact",
    "close": "close",
    "broad": "narrow",
    "narrow": "broad",
}
_KINDS: Final = {f"{kind}Match{end}": kind for kind in get_args(MatchKind) for end in ("", "ESCO")}
_NEEDED: Final = ("uri", "relation", "other", "source")


@dataclass(frozen=True, slots=True)
class SkillMatch:
    """One relation as it was published: `other` is a match of this kind of `uri`, which is called `name_nl`."""

    uri: str
    kind: MatchKind
    other: str
    name_nl: str = ""


@dataclass(frozen=True, slots=True)
class RelatedSkill:
    """A skill of another taxonomy, and what it is to the one that was asked about."""

    kind: MatchKind
    skill: Skill


def read_relations(path: Path) -> list[SkillMatch]:
    """Read a CSV file with the columns `uri`, `relation`, `other`, `source` and perhaps `name_nl`, or raise ValueError.

    `relation` is a mapping property of SKOS or of CompetentNL (`exactMatch`, `cnlo:closeMatchESCO`), with any prefix.
    Each row is what somebody published: one that does not say where is refused.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return [_read_row(row, f"{path}, line {number}") for number, row in enumerate(rows, start=2)]


def _read_row(row: dict[str, str], where: str) -> SkillMatch:
    values = {name: (row.get(name) or "").strip() for name in (*_NEEDED, "name_nl")}
    if not all(values[name] for name in _NEEDED):
        raise ValueError(f"{where}: a relation needs {', '.join(_NEEDED)}")
    kind = _KINDS.get(re.split("[:/#]", values["relation"])[-1])
    if kind is None:
        raise ValueError(f"{where}: {values['relation']} is none of {', '.join(sorted(_KINDS))}")
    if values["uri"] == values["other"]:
        raise ValueError(f"{where}: a relation is between two concepts")
    return SkillMatch(values["uri"], kind, values["other"], values["name_nl"])


def in_both_directions(matches: Iterable[SkillMatch]) -> list[tuple[str, MatchKind, str, str]]:
    """Each relation from either side, once: address, kind, address of the other, Dutch name of the other if given."""
    found: dict[tuple[str, MatchKind, str], str] = {}
    for match in matches:
        found.setdefault((match.uri, match.kind, match.other), "")
        back = (match.other, _INVERSE[match.kind], match.uri)
        found[back] = found.get(back) or match.name_nl
    return sorted((*key, name) for key, name in found.items())
