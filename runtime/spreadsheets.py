"""Texts of other people in a CSV file: what a spreadsheet would run gets an apostrophe before it. A-44."""

import re
from typing import Final

# What begins a formula in one of the usual spreadsheets, also after spaces or quotes (OWASP, CSV injection). A text
# begins a cell, and so does a line in it. To a spreadsheet that separates by semicolons, as Dutch ones do, or by tabs,
# our quotes are letters in the middle of a cell, and whatever follows its separator begins one too.
_CELL: Final = re.compile(r"""(^|[;\t\r\n])(?=(?:[^\S\t\r\n]|[\x00"])*[=+\-@|%\uff1d\uff0b\uff0d\uff20])""")
_INVISIBLE_START: Final = ("\t", "\r", "\n")


def safe_cell(text: str) -> str:
    """A text of which no spreadsheet takes any part for a formula, whatever it separates cells by. A-44."""
    marked = _CELL.sub(r"\1'", text)
    return f"'{marked}" if marked.startswith(_INVISIBLE_START) else marked
