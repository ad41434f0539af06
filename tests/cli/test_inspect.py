"""`skillswallet inspect`: one badge at a terminal, and what its exit status says. Issue 3, item 9."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.inspect_command import escaped
from cli.main import app
from kernel.baking import bake
from tests.kernel.test_importing import PNG, SIGNED_BADGE

TEXT = json.dumps(SIGNED_BADGE)


def inspect(*arguments: str, typed: bytes = b"", language: str = "nl") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["-l", language, "inspect", *arguments], input=typed, env={"COLUMNS": "200"})
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("language", "says"),
    [("nl", "Deze badge is echt en geldig"), ("en", "This badge is authentic and valid")],
)
def test_a_badge_that_holds_is_believed(tmp_path: Path, language: str, says: str) -> None:
    path = tmp_path / "badge.png"
    path.write_bytes(bake(PNG, TEXT))
    for arguments, typed in ((str(path),), b""), ((TEXT,), b""), (("-",), TEXT.encode()):
        status, output = inspect(*arguments, typed=typed, language=language)
        assert status == 0
        assert says in output


@pytest.mark.parametrize(
    ("subject", "status", "says"),
    [
        (json.dumps({**SIGNED_BADGE, "name": "Iets anders"}), 1, "Deze badge klopt niet"),
        (json.dumps({**SIGNED_BADGE, "proof": []}), 2, "Niemand heeft deze badge ondertekend"),
        ("dit is geen badge", 1, "Dit is geen badge"),
        ("https://127.0.0.1/badge", 2, "We konden dit webadres nu niet openen"),
        ("x" * 5000, 1, "Dit is geen badge"),
    ],
    ids=["changed", "unsigned", "sentence", "private-address", "long"],
)
def test_the_exit_status_tells_refuted_from_not_checked(subject: str, status: int, says: str) -> None:
    found, output = inspect(subject)
    assert found == status
    assert says in output


def test_A51_a_badge_of_another_than_was_asked_for_is_no_yes() -> None:
    status, output = inspect(TEXT, "--email", "someone@else.example")
    assert status == 1
    assert "niet aan dit e-mailadres" in output


def test_programs_get_the_report_and_nothing_else() -> None:
    status, output = inspect("https://127.0.0.1/badge", "--json")
    assert status == 2
    assert json.loads(output)["verdict"] == "unproven"


def test_A43_a_file_that_is_too_large_is_read_no_further(tmp_path: Path) -> None:
    path = tmp_path / "zeros"
    path.write_bytes(bytes(20_000_000))
    assert inspect(str(path))[0] == 1


def test_A43_json_for_programs_commands_no_terminal() -> None:
    """Direction marks and escapes would show another text than a program reads. Trojan Source, CVE-2021-42574."""
    said = {"name": "a\u202eb\x1b[2J\u2066c é \u2028"}
    shown = escaped(json.dumps(said, ensure_ascii=False, indent=2))
    assert json.loads(shown) == said
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert "é" in shown
