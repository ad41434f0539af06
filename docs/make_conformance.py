"""Write docs/conformance.md: which requirement is shown by which test.

The requirement ids stand in the names of the tests (`test_K36_…`, `test_A16_…`); their list, with
priority and source, is docs/requirements.csv. `--check` exits with status 1 when the page is not
what the tests say, so that it cannot drift.
"""

import argparse
import ast
import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"
REQUIREMENTS = ROOT / "docs" / "requirements.csv"
REQUIREMENT_ID = re.compile(r"(?:^|_)([KIWVBESTA])(\d{2})(?:_(\d)(?=_|$))?(?=_|$)")
SECTIONS = {
    "K": "Kernel",
    "I": "Issuer",
    "W": "Wallet",
    "V": "Verifier",
    "B": "Open Badges 3.0",
    "E": "Microcredentials",
    "S": "Skills",
    "T": "Trust",
    "A": "Attacks",
}


def find_tests() -> Iterator[tuple[str, str]]:
    """Every test function of the suite, as (file, name)."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield path.relative_to(ROOT).as_posix(), node.name


def requirement_ids(test_name: str) -> list[str]:
    """The ids that a test name carries: `test_K36_A16_…` gives K-36 and A-16."""
    found = []
    for letter, number, part in REQUIREMENT_ID.findall(test_name):
        found.append(f"{letter}-{number}.{part}" if part else f"{letter}-{number}")
    return found


def tests_by_requirement() -> dict[str, list[str]]:
    shown: dict[str, list[str]] = defaultdict(list)
    for path, name in find_tests():
        for requirement in requirement_ids(name):
            shown[requirement].append(f"{path}::{name}")
    return shown


def make_page() -> str:
    with REQUIREMENTS.open(encoding="utf-8", newline="") as file:
        requirements = list(csv.DictReader(file))
    shown = tests_by_requirement()
    lines = [
        "# Conformance",
        "",
        "Written by `python docs/make_conformance.py` from the names of the tests; `make check` fails when it drifts.",
        "*Open* means that no test carries the id yet: either it is not built, or nobody has shown it.",
        "Priorities: M must, S should, X extra. After M: B base OpenID4VC, D DIIP, H HAIP, O Open Badges, W W3C test",
        "suites, P our own hard rule.",
        "",
    ]
    for letter, title in SECTIONS.items():
        rows = [row for row in requirements if row["id"].startswith(f"{letter}-")]
        tested = sum(1 for row in rows if row["id"] in shown)
        lines += [f"## {title}", "", f"{tested} of {len(rows)} shown by a test.", ""]
        lines += ["| id | priority | source | status | tests |", "|---|---|---|---|---|"]
        for row in rows:
            tests = sorted(set(shown.get(row["id"], [])))
            status = "tested" if tests else "open"
            named = "<br>".join(f"`{test}`" for test in tests[:4])
            named += f"<br>and {len(tests) - 4} more" if tests[4:] else ""
            lines.append(f"| {row['id']} | {row['priority']} | {row['source']} | {status} | {named} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    page = make_page()
    if not parser.parse_args().check:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page:
        return 0
    sys.stderr.write("docs/conformance.md is not what the tests say: run `make conformance`.\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
