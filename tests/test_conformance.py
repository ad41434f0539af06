"""The page that says which requirement is shown by which test, and what is missing where tests show a part."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parents[1] / "docs" / "make_conformance.py"
SHOWN = {"W-20": ["a test"]}
REQUIREMENTS = [{"id": "W-20"}, {"id": "W-21"}]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_conformance", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_says_of_a_requirement_that_is_shown_in_part_what_is_missing(generator: ModuleType) -> None:
    page = generator.make_page()
    for row in generator.read_rows(generator.PARTLY):
        [line] = [line for line in page.splitlines() if line.startswith(f"| {row['id']} |")]
        assert f"| partly: {row['missing']} |" in line


@pytest.mark.parametrize(
    "rows",
    [
        "W-20,\n",
        "W-20,The half.\nW-20,The other half.\n",
        "W-21,No test shows any of it.\n",
        "W-99,Nobody asks for it.\n",
    ],
)
def test_a_part_that_is_missing_needs_words_a_test_and_a_requirement(
    generator: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: str
) -> None:
    table = tmp_path / "partly.csv"
    monkeypatch.setattr(generator, "PARTLY", table)
    table.write_text("id,missing\nW-20,The half.\n", encoding="utf-8")
    assert generator.missing_parts(REQUIREMENTS, SHOWN) == {"W-20": "The half."}
    table.write_text(f"id,missing\n{rows}", encoding="utf-8")
    with pytest.raises(ValueError, match=r"partly\.csv"):
        generator.missing_parts(REQUIREMENTS, SHOWN)
