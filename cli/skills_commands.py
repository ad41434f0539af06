"""`skillswallet skills …`: make the index of skills and search it."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from cli.language import language, say
from cli.local import DEFAULT_FOLDER
from cli.terminal import explained_errors, out, waiting
from skills.index import IndexSource, IndexSummary, build_index, build_index_from
from skills.search import SkillIndex
from skills.skill import ESCO_MODIFIED_NOTICE, ESCO_NOTICE, Skill

app = typer.Typer(no_args_is_help=True, help="Make the index of skills and search it.")

PROJECT = Path(__file__).resolve().parent.parent
ESCO_FILES = PROJECT.parent / "shared" / "data" / "esco"
DEMO_SKILLS = PROJECT / "demo" / "achievement.json"


@app.command("build")
def build(
    data: Annotated[
        Path, typer.Option(help="Folder with what ESCO's download page gives as CSV: English, and Dutch beside it.")
    ] = ESCO_FILES,
    to: Annotated[Path, typer.Option("--out", help="The index file.")] = DEFAULT_FOLDER / "skills.sqlite3",
    aliases: Annotated[Path | None, typer.Option(help="Addresses of the same skill: uri,same_as,source (CSV).")] = None,
    relations: Annotated[
        Path | None,
        typer.Option(help="Matches between taxonomies: uri,relation,other,source and perhaps name_nl (CSV)."),
    ] = None,
) -> None:
    """Make the index from the ESCO files."""
    with explained_errors(), waiting(say("Skills indexeren…", "Indexing the skills…")):
        summary = build_index(data, to, aliases=aliases, relations=relations)
    out.print(
        say(
            f"{summary.skills} skills, {summary.dutch_labels} met een Nederlandse naam, in {to}.",
            f"{summary.skills} skills, {summary.dutch_labels} with a Dutch name, in {to}.",
        )
    )
    out.print(f"[dim]{ESCO_NOTICE} {ESCO_MODIFIED_NOTICE[language()]}[/dim]")


@app.command("search")
def search(
    text: Annotated[str, typer.Argument(help="What to look for.")],
    index: Annotated[Path, typer.Option(help="The index file.")] = DEFAULT_FOLDER / "skills.sqlite3",
    limit: Annotated[int, typer.Option(min=1, max=100)] = 10,
) -> None:
    """Look a skill up, in Dutch or English."""
    with explained_errors():
        found = SkillIndex.open(index).search(text, language=language(), limit=limit)
    table = Table("skill", say("taal", "language"), "URI")
    for skill in found:
        table.add_row(skill.label(language()), skill.label_language(language()), skill.uri)
    out.print(table if found else say("Niets gevonden.", "Nothing found."))
    out.print(f"[dim]{ESCO_NOTICE} {ESCO_MODIFIED_NOTICE[language()]}[/dim]")


def build_available_index(out_path: Path, *, esco: Path = ESCO_FILES) -> tuple[IndexSummary, bool]:
    """The index of all ESCO skills where the files are at hand, else of the demo's own few; and which of the two."""
    if (esco / "skills.csv.gz").is_file():
        return build_index(esco, out_path), True
    described = json.loads(DEMO_SKILLS.read_text(encoding="utf-8"))["achievement"]["skills"]
    sources = [IndexSource(Skill(skill["uri"], skill["labels"]), {}) for skill in described]
    return build_index_from(sources, out_path), False


def renew_index(path: Path) -> None:
    """Make the index anew where it is of an older version than we read; one that we can read stays as it is."""
    try:
        SkillIndex.open(path).close()
    except (FileNotFoundError, ValueError):
        build_available_index(path)
