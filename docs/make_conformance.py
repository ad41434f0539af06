"""Write docs/conformance.md: which requirement is shown by which test.

The requirement ids stand in the names of the tests (`test_K36_…`, `test_A16_…`); their list, with
priority and source, is docs/requirements.csv. A test may show a part alone: what is missing of such a
requirement is said in docs/partly.csv, the one place for it. `--check` exits with status 1 when the page is not
what the tests say, so that it cannot drift.
"""

import argparse
import ast
import csv
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"
REQUIREMENTS = ROOT / "docs" / "requirements.csv"
PARTLY = ROOT / "docs" / "partly.csv"
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


PLACES = ("issuer", "wallet", "verifier", "flows")


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


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def missing_parts(requirements: Iterable[dict[str, str]], shown: Mapping[str, object]) -> dict[str, str]:
    """What is missing of requirements that tests show in part; each has its own row, once, and a test."""
    rows = read_rows(PARTLY)
    missing = {row["id"]: row["missing"].strip() for row in rows}
    known = {requirement["id"] for requirement in requirements}
    if len(missing) != len(rows) or not all(missing.values()) or not missing.keys() <= known & shown.keys():
        raise ValueError("docs/partly.csv: a row twice, without words, or of no requirement that a test shows")
    return missing


def make_page() -> str:
    requirements = read_rows(REQUIREMENTS)
    shown = tests_by_requirement()
    partly = missing_parts(requirements, shown)
    lines = [
        "# Conformance",
        "",
        "Written by `python docs/make_conformance.py` from the names of the tests; `make check` fails when it drifts.",
        "*Open* means that no test carries the id yet: either it is not built, or nobody has shown it. *Partly* means",
        "that its tests show a part, and is followed by what is missing (docs/partly.csv).",
        "Priorities: M must, S should, X extra. After M: B base OpenID4VC, D DIIP, H HAIP, O Open Badges, W W3C test",
        "suites, P our own hard rule.",
        "",
    ]
    for letter, title in SECTIONS.items():
        rows = [row for row in requirements if row["id"].startswith(f"{letter}-")]
        tested = sum(1 for row in rows if row["id"] in shown)
        parts = sum(1 for row in rows if row["id"] in partly)
        in_part = f", {parts} of them in part" if parts else ""
        lines += [f"## {title}", "", f"{tested} of {len(rows)} shown by a test{in_part}.", ""]
        lines += ["| id | priority | source | status | tests |", "|---|---|---|---|---|"]
        for row in rows:
            tests = sorted(set(shown.get(row["id"], [])))
            status = ("tested" if tests else "open") if row["id"] not in partly else f"partly: {partly[row['id']]}"
            named = "<br>".join(f"`{test}`" for test in tests[:4])
            named += f"<br>and {len(tests) - 4} more" if tests[4:] else ""
            lines.append(f"| {row['id']} | {row['priority']} | {row['source']} | {status} | {named} |")
        lines.append("")
    attacks = [row["id"] for row in requirements if row["id"].startswith("A-")]
    return "\n".join([*lines, *_where_attacks_are_shown(attacks, shown)])


def _where_attacks_are_shown(attacks: list[str], shown: dict[str, list[str]]) -> list[str]:
    """How many tests show each attack at each service; `tests/test_simulators.py` says where each must be."""
    lines = [
        "## Where each attack is shown",
        "",
        "How many tests carry the id, by the service that is attacked; *flows* have all three in them. Who misbehaves",
        "there does so over HTTP (`tests/support/loopback.py`).",
        "",
        f"| id | {' | '.join(PLACES)} | elsewhere |",
        "|---|" + "---|" * (len(PLACES) + 1),
    ]
    for attack in attacks:
        places = [test.split("/")[1] for test in set(shown.get(attack, []))]
        elsewhere = sum(place not in PLACES for place in places)
        counts = [places.count(place) for place in PLACES]
        lines.append(f"| {attack} | {' | '.join(str(count or '') for count in [*counts, elsewhere])} |")
    return [*lines, ""]


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
