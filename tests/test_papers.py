"""What the documents say of the tests is so: each test that they name exists, and each table is one table."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
THREATS = ROOT / "docs" / "threat-model.md"
PAPERS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_HEADING = "## The tests that show it"
_IDS = re.compile(r"\b([A-Z])-(\d\d)(?: to [A-Z]-(\d\d))?")
_ROW = re.compile(r"^\| (.+) \| `(tests/[\w/]+\.py)::(test_\w+)` \|$", re.MULTILINE)


def named_attacks(text: str) -> set[str]:
    """Every id in a text; `A-11 to A-14` names four."""
    return {
        f"{letter}-{number:02}"
        for letter, first, last in _IDS.findall(text)
        for number in range(int(first), int(last or first) + 1)
    }


def functions_of(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_attack_of_the_threat_model_has_a_test_that_is_named_and_carries_its_id() -> None:
    attacks, _, table = THREATS.read_text(encoding="utf-8").partition(_HEADING)
    shown = {attack: (ROOT / path, test) for attack, path, test in _ROW.findall(table)}
    assert len(shown) == table.count("`tests/")
    assert named_attacks(attacks) == {attack for attack in shown if _IDS.fullmatch(attack)}
    for attack, (path, test) in shown.items():
        assert test in functions_of(path), f"{attack}: there is no {test} in {path}"
        assert not _IDS.fullmatch(attack) or attack.replace("-", "") in test.split("_"), (
            f"{test} does not show {attack}"
        )


def test_whoever_is_hostile_in_the_threat_model_has_an_attack_or_a_row_among_the_tests() -> None:
    attacks, _, table = THREATS.read_text(encoding="utf-8").partition(_HEADING)
    who = [line for line in attacks.splitlines() if line.startswith("| ") and not line.startswith("| who |")]
    assert len(who) > 10
    assert [line for line in who if not named_attacks(line) and f"\n| {line.split(' | ')[0][2:]} | " not in table] == []


@pytest.mark.parametrize("page", PAPERS, ids=[path.relative_to(ROOT).as_posix() for path in PAPERS])
def test_no_table_is_cut_in_two(page: Path) -> None:
    """Rows after an empty line belong to no table: a page shows them as text with strokes."""
    assert list(stray_rows(page.read_text(encoding="utf-8"))) == []


def stray_rows(text: str) -> Iterator[str]:
    """The first lines of what looks like a table without the line below its head that makes it one."""
    lines = ["", *re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL).splitlines(), ""]
    for before, line, after in zip(lines, lines[1:], lines[2:], strict=False):
        if line.startswith("|") and not before.startswith("|") and not re.fullmatch(r"\|[-:| ]+\|", after):
            yield line


@pytest.mark.parametrize(
    ("text", "stray"),
    [
        ("| a | b |\n|---|---|\n| 1 | 2 |\n", []),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\n| 3 | 4 |\n| 5 | 6 |\n", ["| 3 | 4 |"]),
        ("```\n| no | table |\n```\n", []),
    ],
)
def test_a_stray_row_is_seen(text: str, stray: list[str]) -> None:
    assert list(stray_rows(text)) == stray
