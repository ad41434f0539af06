"""`skillswallet inspect` with texts that are longer than any file's name. Issue 3, item 9."""

import pytest

from tests.cli.test_inspect import inspect


@pytest.mark.parametrize("text", ["a" * 300, "a." * 2000])
def test_A43_a_text_longer_than_a_name_of_a_file_is_looked_at_as_text(text: str) -> None:
    status, output = inspect(text)
    assert status == 1
    assert "Dit is geen badge" in output
