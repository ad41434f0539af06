"""Look up skills in the index file: by what people type, by URI, by what is narrower, by what is the same elsewhere.

The order of the answers: exact, starts with, contains every word (as a beginning), then, only where those give too
little, contains as part of a compound word, then resembles. Within each: the language of the page, preferred names,
shorter ones. The same question always gets the same answer.
"""

import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any, Self, get_args

from skills.folding import fold, trigrams
from skills.index import FORMAT_VERSION
from skills.relations import MatchKind, RelatedSkill
from skills.skill import Kind, Language, Skill

MAX_TEXT = 200
MAX_WORDS = 12
FEW_HITS = 3
"""With fewer good hits than this, the insides of compound words are looked at too; with none, misspellings."""

_LAST_CHARACTER = "\U0010ffff"
_RAREST_TRIGRAMS = 10
_CANDIDATES = 300
_RESEMBLES = 0.6
"""The share of the typed trigrams that a name must have to be offered for a misspelling."""


class SkillIndex:
    """The skills of one index file, or none. Safe to share between threads."""

    def __init__(self, connection: sqlite3.Connection | None) -> None:
        self._connection = connection
        self._lock = Lock()

    @classmethod
    def open(cls, path: Path | None) -> Self:
        """Open the file read-only. Without a path: an empty index, which answers every question with nothing."""
        if path is None:
            return cls(None)
        if not path.is_file():
            raise FileNotFoundError(f"There is no skills index at {path}; make one with: skillswallet skills build")
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found != FORMAT_VERSION:
            connection.close()
            raise ValueError(f"The skills index at {path} has format {found}, not {FORMAT_VERSION}; build it again")
        return cls(connection)

    def close(self) -> None:
        """Let go of the file. The index is empty from then on."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def available(self) -> bool:
        """Whether there is a taxonomy to search at all."""
        return self._connection is not None

    def search(self, text: str, *, language: Language, limit: int = 10) -> list[Skill]:
        """The skills that fit what was typed so far, best first; nothing for less than two characters."""
        typed = " ".join(fold(text[:MAX_TEXT]).split()[:MAX_WORDS])
        if len(typed) < 2 or limit < 1:
            return []
        with self._lock:
            if self._connection is None:
                return []
            return [self._skill(number) for number in self._find(typed, language, limit)]

    def get(self, uri: str) -> Skill | None:
        """The skill with exactly this URI."""
        with self._lock:
            number = self._number(uri)
            return None if number is None else self._skill(number)

    def narrower(self, uri: str) -> list[str]:
        """The URIs of all skills below this one, at any depth, without itself, in a fixed order."""
        with self._lock:
            number = self._number(uri)
            if number is None:
                return []
            rows = self._rows(
                "WITH RECURSIVE below(id) AS (SELECT child FROM broader WHERE parent = ?1"
                " UNION SELECT child FROM broader JOIN below ON parent = below.id)"
                " SELECT uri FROM skill WHERE id IN below AND id != ?1 ORDER BY uri",
                number,
            )
            return [row[0] for row in rows]

    def with_aliases(self, uris: Iterable[str]) -> list[str]:
        """These URIs, each followed by the others under which its concept was published, each once. S-04."""
        with self._lock:
            same: dict[str, list[str]] = {}
            for uri, other in self._rows("SELECT uri, same FROM alias ORDER BY uri, same"):
                same.setdefault(uri, []).append(other)
        return list(dict.fromkeys(each for uri in uris for each in (uri, *same.get(uri, ()))))

    def with_exact_matches(self, uris: Iterable[str]) -> list[str]:
        """These URIs, each followed by those that are published as exactly the same skill elsewhere, each once. S-05.

        One step and no further: what is the same as the same is for its publisher to say.
        """
        own = self.with_aliases(uris)
        statement = "SELECT other FROM relation WHERE uri = ? AND kind = 'exact' ORDER BY other"
        with self._lock:
            same = [(uri, *(row[0] for row in self._rows(statement, uri))) for uri in own]
        return self.with_aliases(each for group in same for each in group)

    def related(self, uri: str) -> list[RelatedSkill]:
        """The skills of other taxonomies to which this one has a published relation, exact matches first. S-05."""
        rank = {kind: number for number, kind in enumerate(get_args(MatchKind))}
        with self._lock:
            rows = self._rows("SELECT kind, other, other_name FROM relation WHERE uri = ? ORDER BY other", uri)
            found = [RelatedSkill(kind, self._named(other, name)) for kind, other, name in rows]
        return sorted(found, key=lambda each: rank[each.kind])

    def _named(self, uri: str, name: str) -> Skill:
        """A skill of the index, or one of another taxonomy by the Dutch name that came with it, if any did."""
        number = self._number(uri)
        return Skill(uri, {"nl": name or uri}) if number is None else self._skill(number)

    def _find(self, typed: str, language: Language, limit: int) -> list[int]:
        other = "en" if language == "nl" else "nl"
        found: dict[int, None] = {}
        for terms in self._good_matches(typed, language, other, limit):
            found.update(dict.fromkeys(terms))
            if len(found) >= limit:
                return list(found)[:limit]
        if len(found) < FEW_HITS:
            found.update(dict.fromkeys(self._within(typed, language)))
        if not found:
            found.update(dict.fromkeys(self._resembling(typed, language)))
        return list(found)[:limit]

    def _good_matches(self, typed: str, language: str, other: str, limit: int) -> Iterator[Iterable[int]]:
        yield self._equal(typed, language)
        yield self._equal(typed, other)
        yield self._starting(typed, language, limit)
        yield self._starting(typed, other, limit)
        yield self._with_words(typed, language, limit)
        yield self._with_words(typed, other, limit)

    def _equal(self, typed: str, language: str) -> Iterator[int]:
        rows = self._rows("SELECT skill FROM term WHERE folded = ? AND language = ? ORDER BY id", typed, language)
        return (row[0] for row in rows)

    def _starting(self, typed: str, language: str, limit: int) -> Iterator[int]:
        rows = self._rows(
            "SELECT skill FROM (SELECT id, skill FROM term WHERE folded >= ? AND folded < ? AND language = ?"
            " ORDER BY id) GROUP BY skill ORDER BY min(id) LIMIT ?",
            typed,
            typed + _LAST_CHARACTER,
            language,
            limit,
        )
        return (row[0] for row in rows)

    def _with_words(self, typed: str, language: str, limit: int) -> Iterator[int]:
        """Names in which each typed word begins a word. Terms are numbered by rank, so the first read are the best."""
        query = " ".join(f'"{word}"*' for word in typed.split())
        rows = self._rows(
            f"SELECT skill FROM (SELECT rowid AS number FROM words_{language} WHERE words_{language} MATCH ?"  # noqa: S608
            " ORDER BY rowid LIMIT ?) JOIN term ON term.id = number ORDER BY number",
            query,
            max(_CANDIDATES, limit * 8),
        )
        return (row[0] for row in rows)

    def _within(self, typed: str, language: str) -> list[int]:
        """Names that hold the typed text inside a word: "schrijn" in "buitenschrijnwerk"."""
        inner = sorted({typed[i : i + 3] for i in range(len(typed) - 2)})
        shared = self._shared_trigrams(inner)
        complete = min(len(inner), _RAREST_TRIGRAMS)
        terms = (
            self._term(number) for number in sorted(n for n, count in shared.items() if count == complete)[:_CANDIDATES]
        )
        fitting = sorted(
            (spoken != language, number, skill) for number, skill, spoken, folded in terms if typed in folded
        )
        return [row[-1] for row in fitting]

    def _resembling(self, typed: str, language: str) -> list[int]:
        """Names that share most of the typed trigrams: what remains of a misspelt word."""
        grams = trigrams(typed)
        enough = max(2, round(_RESEMBLES * min(len(grams), _RAREST_TRIGRAMS)) - 1)
        likely = [(-count, number) for number, count in self._shared_trigrams(grams).items() if count >= enough]
        scored = []
        for number, skill, spoken, folded in (self._term(number) for _, number in sorted(likely)[:_CANDIDATES]):
            theirs = trigrams(folded)
            common = len(set(theirs).intersection(grams))
            if common >= _RESEMBLES * len(grams):
                likeness = common / (len(theirs) + len(grams))
                scored.append((-common, spoken != language, -likeness, number, skill))
        return [row[-1] for row in sorted(scored)]

    def _term(self, number: int) -> tuple[int, int, str, str]:
        term: tuple[int, int, str, str] = self._rows(
            "SELECT id, skill, language, folded FROM term WHERE id = ?", number
        )[0]
        return term

    def _shared_trigrams(self, grams: list[str]) -> Counter[int]:
        marks = ",".join("?" * len(grams))
        rows = self._rows(
            f"SELECT terms FROM trigram WHERE gram IN ({marks}) ORDER BY length(terms), gram LIMIT ?",  # noqa: S608
            *grams,
            _RAREST_TRIGRAMS,
        )
        shared: Counter[int] = Counter()
        for (packed,) in rows:
            shared.update(array("I", packed))
        return shared

    def _number(self, uri: str) -> int | None:
        rows = self._rows("SELECT id FROM skill WHERE uri = ?", uri)
        return rows[0][0] if rows else None

    def _skill(self, number: int) -> Skill:
        row = self._rows(
            "SELECT uri, label_nl, label_en, description, kind, unofficial_nl FROM skill WHERE id = ?", number
        )[0]
        labels = {language: label for language, label in (("nl", row[1]), ("en", row[2])) if label}
        kind: Kind = "knowledge" if row[4] == "knowledge" else "skill"
        return Skill(row[0], labels, row[3], kind, frozenset({"nl"}) if row[5] else frozenset())

    def _rows(self, statement: str, *values: str | int) -> list[Any]:
        if self._connection is None:
            return []
        with closing(self._connection.execute(statement, values)) as cursor:
            return cursor.fetchall()
