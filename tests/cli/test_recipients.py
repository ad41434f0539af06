"""Lists of people at the terminal, as spreadsheets save them."""

from pathlib import Path

import pytest

from cli.recipients import read_recipients

SANNE = {"given_name": "Sanne", "family_name": "de Vries", "email": "s@x.example"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("first", ["", "sep=;\r\n"], ids=["plain", "separator"])
def test_a_list_of_people_is_read_as_a_spreadsheet_saves_it(tmp_path: Path, encoding: str, first: str) -> None:
    mark = ";" if first else ","
    lines = [mark.join(SANNE), mark.join(SANNE.values())]
    path = tmp_path / "people.csv"
    path.write_bytes((first + "\r\n".join(lines)).encode(encoding))
    assert read_recipients(path) == [SANNE]
