"""Lists as spreadsheets save them."""

import pytest

from runtime.spreadsheets import decode_list, find_separator


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_list_is_read_as_its_beginning_says(encoding: str) -> None:
    assert decode_list("Zoë;Çelik".encode(encoding)) == "Zoë;Çelik"
    assert decode_list(b"\xfe\xff" + "Zoë".encode("utf-16-be")) == "Zoë"


@pytest.mark.parametrize("content", ["Zoë".encode("latin-1"), b"\xff\xfea"])
def test_what_says_nothing_of_itself_is_not_guessed(content: bytes) -> None:
    with pytest.raises(UnicodeDecodeError):
        decode_list(content)


@pytest.mark.parametrize(
    ("line", "separator"),
    [("sep=;", ";"), ("SEP=,", ","), ('"sep=\t"', "\t"), ("sep=|\r", "|"), ("sep=x", None), ("Sep;de Vries", None)],
)
def test_a_line_that_names_the_separator_is_known(line: str, separator: str | None) -> None:
    assert find_separator(line) == separator
