"""CSV files as spreadsheets have them: how they are read, and what of other people they would run. A-44."""

import codecs
import re
from typing import Final

# What begins a formula in one of the usual spreadsheets, also after spaces or quotes (OWASP, CSV injection). A text
# begins a cell, and so does a line in it. To a spreadsheet that separates by semicolons, as Dutch ones do, or by tabs,
# our quotes are letters in the middle of a cell, and whatever follows its separator begins one too.
_CELL: Final = re.compile(r"""(^|[;\t\r\n])(?=(?:[^\S\t\r\n]|[\x00"])*[=+\-@|%\uff1d\uff0b\uff0d\uff20])""")
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATOR_LINE: Final = re.compile(r'"?sep=([\t;,|])"?\s*', re.IGNORECASE)
_INVISIBLE_START: Final = ("\t", "\r", "\n")


def safe_cell(text: str) -> str:
    """A text of which no spreadsheet takes any part for a formula, whatever it separates cells by. A-44."""
    marked = _CELL.sub(r"\1'", text)
    return f"'{marked}" if marked.startswith(_INVISIBLE_START) else marked


def decode_list(content: bytes) -> str:
    """The text of a list that a spreadsheet saved, or UnicodeDecodeError: UTF-8, or UTF-16 that says so itself."""
    return content.decode("utf-16" if content.startswith(_UTF_16) else "utf-8-sig")


def find_separator(line: str) -> str | None:
    """The separator that the first line of a list names (`sep=;`), as Excel reads and writes it; None in any other."""
    found = _SEPARATOR_LINE.fullmatch(line)
    return None if found is None else found[1]
