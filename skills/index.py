"""Build the read-only index file that `skills.search` reads.

One SQLite file. Every name of a skill is a *term*; terms are numbered in the order in which a search
would show them (preferred name first, then shorter, then by text), so that a search reads the best first and
stops. The same input gives the same bytes.
"""

import csv
import gzip
import os
import sqlite3
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from skills.folding import fold, trigrams
from skills.relations import SkillMatch, in_both_directions, read_relations
from skills.skill import ESCO_NOTICE, ESCO_RELEASE, ESCO_SKILL_PREFIX, Kind, Skill

FORMAT_VERSION = 3
LANGUAGES = ("nl", "en")

_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE skill (id INTEGER PRIMARY KEY, uri TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, label_nl TEXT, label_en TEXT,
    unofficial_nl INTEGER NOT NULL, description TEXT NOT NULL);
CREATE TABLE term (id INTEGER PRIMARY KEY, skill INTEGER NOT NULL, language TEXT NOT NULL, folded TEXT NOT NULL);
CREATE TABLE broader (child INTEGER NOT NULL, parent INTEGER NOT NULL, PRIMARY KEY (parent, child)) WITHOUT ROWID;
CREATE TABLE alias (uri TEXT NOT NULL, same TEXT NOT NULL, PRIMARY KEY (uri, same)) WITHOUT ROWID;
CREATE TABLE relation (uri TEXT NOT NULL, kind TEXT NOT NULL, other TEXT NOT NULL, other_name TEXT NOT NULL,
    PRIMARY KEY (uri, kind, other)) WITHOUT ROWID;
CREATE TABLE trigram (gram TEXT PRIMARY KEY, terms BLOB NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE words_nl USING fts5(text, content='', detail=none, columnsize=0, prefix='2 3 4');
CREATE VIRTUAL TABLE words_en USING fts5(text, content='', detail=none, columnsize=0, prefix='2 3 4');
"""


@dataclass(frozen=True, slots=True)
class IndexSource:
    """One skill on its way into the index, with the other names by which people may look for it."""

    skill: Skill
    other_names: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class IndexSummary:
    """How much went in."""

    skills: int
    names: int
    dutch_labels: int


@dataclass(frozen=True, slots=True)
class _Term:
    skill: int
    language: str
    is_preferred: bool
    folded: str


def build_index(data: Path, out: Path, *, aliases: Path | None = None, relations: Path | None = None) -> IndexSummary:
    """Build the index of all ESCO skills from the files of ESCO's own download, in English and where it is in Dutch.

    Or from a folder with `skills.csv.gz` and `broader_skill.csv.gz`, in which somebody put Dutch names of their own.
    `aliases` is a table of addresses that its source says name the same concept (`read_aliases`); `relations` one of
    how concepts of two taxonomies lie to each other (`read_relations`).
    """
    same = () if aliases is None else read_aliases(aliases)
    matches = () if relations is None else read_relations(relations)
    if (data / "skills_en.csv").is_file():
        sources, broader = _read_download(data), _read_broader_of_download(data)
    else:
        sources, broader = list(_read_skills(data / "skills.csv.gz")), _read_broader(data / "broader_skill.csv.gz")
    return build_index_from(sources, out, broader=broader, aliases=same, relations=matches)


def read_aliases(path: Path) -> list[tuple[str, str]]:
    """Read a CSV file with the columns `uri`, `same_as` and `source`, or raise ValueError. S-04.

    Each row is what somebody published: a row that does not say where is refused, and no address is made here.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows, start=2):
        if not all((row.get(name) or "").strip() for name in ("uri", "same_as", "source")):
            raise ValueError(f"{path}, line {number}: an alias needs uri, same_as and source")
    return [(row["uri"].strip(), row["same_as"].strip()) for row in rows]


def build_index_from(
    sources: Iterable[IndexSource],
    out: Path,
    *,
    broader: Iterable[tuple[str, str]] = (),
    aliases: Iterable[tuple[str, str]] = (),
    relations: Iterable[SkillMatch] = (),
) -> IndexSummary:
    """Build the index of exactly these skills; `broader` are pairs of URIs, narrower first.

    `aliases` are pairs of URIs of one concept, `relations` lie between two, whether the index has them or not.

    The file is written beside `out` and moved into place at the end: a reader never sees half an index.
    """
    ordered = sorted(sources, key=lambda source: source.skill.uri)
    terms = _terms(ordered)
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = out.with_name(f"{out.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    try:
        _write(unfinished, ordered, terms, broader, aliases, relations)
        unfinished.replace(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return IndexSummary(len(ordered), len(terms), sum("nl" in source.skill.labels for source in ordered))


def _read_skills(path: Path) -> Iterator[IndexSource]:
    for row in _read_csv(path):
        labels = {language: row[f"label_{language}"] for language in LANGUAGES if row[f"label_{language}"]}
        kind: Kind = "knowledge" if row["type"] == "K" else "skill"
        unofficial = frozenset({"nl"}) if row["label_nl_source"] == "project" else frozenset()
        skill = Skill(ESCO_SKILL_PREFIX + row["id"], labels, row["description_en"], kind, unofficial)
        yield IndexSource(skill, {language: _synonyms(row[f"alt_{language}"]) for language in LANGUAGES})


def _read_broader(path: Path) -> list[tuple[str, str]]:
    return [
        (ESCO_SKILL_PREFIX + row["child_id"], ESCO_SKILL_PREFIX + row["parent_id"])
        for row in _read_csv(path)
        if row["parent_kind"] == "S"
    ]


def _read_download(data: Path) -> list[IndexSource]:
    """One row a skill and language, named by its URI; alternative names stand on lines of their own."""
    rows = {language: _read_released(data / f"skills_{language}.csv") for language in LANGUAGES}
    return [
        IndexSource(
            Skill(
                uri,
                {language: rows[language][uri]["preferredLabel"] for language in LANGUAGES if uri in rows[language]},
                english["description"],
                "knowledge" if english["skillType"] == "knowledge" else "skill",
            ),
            {
                language: [name for name in rows[language][uri]["altLabels"].splitlines() if name.strip()]
                for language in LANGUAGES
                if uri in rows[language]
            },
        )
        for uri, english in rows["en"].items()
    ]


def _read_released(path: Path) -> dict[str, dict[str, str]]:
    """The skills of one language by URI; none where that language was not downloaded, or has no name for one."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["conceptUri"]: row for row in csv.DictReader(file) if row["preferredLabel"].strip()}


def _read_broader_of_download(data: Path) -> list[tuple[str, str]]:
    """Which skill lies below which; the groups above them are no skills."""
    with (data / "broaderRelationsSkillPillar_en.csv").open(encoding="utf-8-sig", newline="") as file:
        pairs = [(row["conceptUri"], row["broaderUri"]) for row in csv.DictReader(file)]
    return [pair for pair in pairs if all(uri.startswith(ESCO_SKILL_PREFIX) for uri in pair)]


def _read_csv(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _synonyms(cell: str) -> list[str]:
    return [name for name in cell.split("|") if name.strip()]


def _terms(sources: Sequence[IndexSource]) -> list[_Term]:
    """Every name once per skill and language, best first. The order is the ranking of equal matches."""
    terms: dict[tuple[int, str, str], _Term] = {}
    for number, source in enumerate(sources, start=1):
        for language in LANGUAGES:
            preferred = [source.skill.labels[language]] if language in source.skill.labels else []
            for position, name in enumerate(chain(preferred, source.other_names.get(language, ()))):
                folded = fold(name)
                is_preferred = bool(preferred) and position == 0
                if folded:
                    terms.setdefault((number, language, folded), _Term(number, language, is_preferred, folded))
    return sorted(terms.values(), key=lambda t: (not t.is_preferred, len(t.folded), t.folded, t.language, t.skill))


def _write(
    path: Path,
    sources: Sequence[IndexSource],
    terms: Sequence[_Term],
    broader: Iterable[tuple[str, str]],
    aliases: Iterable[tuple[str, str]],
    relations: Iterable[SkillMatch],
) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        _write_skills(connection, sources)
        _write_terms(connection, terms)
        _write_broader(connection, sources, broader)
        _write_aliases(connection, aliases)
        connection.executemany("INSERT INTO relation VALUES (?, ?, ?, ?)", in_both_directions(relations))
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        connection.execute("COMMIT")
    finally:
        connection.close()


def _write_skills(connection: sqlite3.Connection, sources: Sequence[IndexSource]) -> None:
    connection.executemany("INSERT INTO about VALUES (?, ?)", [("notice", ESCO_NOTICE), ("release", ESCO_RELEASE)])
    connection.executemany(
        "INSERT INTO skill VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            (
                number,
                source.skill.uri,
                source.skill.kind,
                source.skill.labels.get("nl"),
                source.skill.labels.get("en"),
                "nl" in source.skill.unofficial_labels,
                source.skill.description,
            )
            for number, source in enumerate(sources, start=1)
        ),
    )


def _write_terms(connection: sqlite3.Connection, terms: Sequence[_Term]) -> None:
    numbered = list(enumerate(terms, start=1))
    connection.executemany(
        "INSERT INTO term VALUES (?, ?, ?, ?)", ((number, t.skill, t.language, t.folded) for number, t in numbered)
    )
    connection.execute("CREATE INDEX term_by_text ON term (folded, language)")
    for language in LANGUAGES:
        connection.executemany(
            f"INSERT INTO words_{language} (rowid, text) VALUES (?, ?)",  # noqa: S608  (a constant of ours)
            ((number, term.folded) for number, term in numbered if term.language == language),
        )
        connection.execute(f"INSERT INTO words_{language} (words_{language}) VALUES ('optimize')")  # noqa: S608
    grams: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
    for number, term in numbered:
        for gram in trigrams(term.folded):
            grams[gram].append(number)
    connection.executemany(
        "INSERT INTO trigram VALUES (?, ?)", ((gram, grams[gram].tobytes()) for gram in sorted(grams))
    )


def _write_broader(
    connection: sqlite3.Connection, sources: Sequence[IndexSource], broader: Iterable[tuple[str, str]]
) -> None:
    number_of = {source.skill.uri: number for number, source in enumerate(sources, start=1)}
    pairs = {(number_of[child], number_of[parent]) for child, parent in broader if {child, parent} <= number_of.keys()}
    connection.executemany("INSERT INTO broader VALUES (?, ?)", sorted(pairs))


def _write_aliases(connection: sqlite3.Connection, aliases: Iterable[tuple[str, str]]) -> None:
    """Write each address with every other one of its concept: what is the same as the same is the same."""
    concepts: dict[str, set[str]] = {}
    for one, other in aliases:
        together = concepts.get(one, {one}) | concepts.get(other, {other})
        concepts.update(dict.fromkeys(together, together))
    pairs = sorted((uri, same) for uri, together in concepts.items() for same in together if same != uri)
    connection.executemany("INSERT INTO alias VALUES (?, ?)", pairs)
