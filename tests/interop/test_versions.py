"""The page about others names the versions that were really tried."""

import re
from importlib.metadata import version
from pathlib import Path

from tests.support.node_peers import locked_versions

PAGE = Path(__file__).resolve().parents[2] / "docs" / "interop.md"
ROW = re.compile(r"^\| `(@?[\w/-]+)`[^|]*\| ([\w.-]+) \|", re.MULTILINE)


def test_every_row_names_the_version_that_is_installed() -> None:
    rows = ROW.findall(PAGE.read_text())
    assert {"polaris-oid4vp", "openvc-core", "@openid4vc/openid4vci"} <= {name for name, _ in rows}
    locked = locked_versions()
    assert [(name, said) for name, said in rows if said != (locked.get(name) or version(name))] == []


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", PAGE.read_text())
    assert [path for path in named if not (PAGE.parents[1] / path).exists()] == []
