"""The page about others names the versions that were really tried."""

import re
from importlib.metadata import version
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "interop.md"
ROW = re.compile(r"^\| `([\w-]+)`[^|]*\| ([\d.]+) \|", re.MULTILINE)


def test_every_row_names_the_version_that_is_installed() -> None:
    rows = ROW.findall(PAGE.read_text())
    assert {"polaris-oid4vp", "openvc-core"} <= {name for name, _ in rows}
    assert [(name, said) for name, said in rows if said != version(name)] == []


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", PAGE.read_text())
    assert [path for path in named if not (PAGE.parents[1] / path).exists()] == []
