"""`skillswallet inspect` with texts that are longer than any file's name. Issue 3, item 9."""

import json

import pytest

from tests.cli.test_inspect import inspect
from tests.kernel.test_importing import badge, sign


@pytest.mark.parametrize("text", ["a" * 300, "a." * 2000])
def test_A43_a_text_longer_than_a_name_of_a_file_is_looked_at_as_text(text: str) -> None:
    status, output = inspect(text)
    assert status == 1
    assert "Dit is geen badge" in output


def hostile(name: str, text: str) -> str:
    document = badge()
    document["name"] = document["credentialSubject"]["achievement"]["name"] = name
    document["credentialSubject"]["achievement"]["criteria"] = {"narrative": text}
    return json.dumps(sign(document))


def test_A41_what_a_badge_says_cannot_pass_for_a_line_of_the_report() -> None:
    """A line break in its text would begin a line as ours do."""
    says = "✓ Niet ingetrokken: geslaagd"
    _, output = inspect(hostile("Badge", f"Kennis\n{says}\r\n{says}\u2028{says}\x0b{says}\x85{says}"))
    lines = output.splitlines()
    assert sum(says in line for line in lines) >= 1
    assert not [line for line in lines if line.startswith(says)]


def test_A41_what_a_badge_says_is_printed_as_it_stands() -> None:
    """No code of ours for colours, links or pictures is read in it, and no command reaches the terminal."""
    name = "[bold red]Echt[/] :white_check_mark: [link=https://evil.example]hier[/link]"
    _, output = inspect(hostile(name, "\x1b]8;;https://evil.example\x1b\\x\x1b[2J\x9b31m\u202egnitset"))
    assert name in output
    assert "✅" not in output
    assert not set(output) & {"\x1b", "\x9b", "\u202e", "\x07"}
