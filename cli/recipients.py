"""Who gets a badge: a CSV file with one person a line, and the files that prove what they did."""

import base64
import csv
import hashlib
import io
import json
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.language import say
from runtime.spreadsheets import decode_list, find_separator

COLUMNS = ("given_name", "family_name", "email")


class UnreadableInputError(Exception):
    """The file is not as described; the sentence says where."""

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.hint = hint


def read_recipients(path: Path) -> list[dict[str, Any]]:
    """The people in a CSV file with the columns given_name, family_name and email, each of them filled."""
    rows = [{column: (row[column] or "").strip() for column in COLUMNS} for row in _read_rows(path)]
    for number, row in enumerate(rows, start=2):
        empty = [column for column in COLUMNS if not row[column]]
        if empty:
            raise UnreadableInputError(
                say(
                    f"{path.name}, regel {number}: {empty[0]} is leeg.",
                    f"{path.name}, line {number}: {empty[0]} is empty.",
                )
            )
    return [dict(row) for row in rows]


def read_text(path: Path) -> str:
    """What stands in a text file that a spreadsheet may have saved, or UnreadableInputError."""
    try:
        return decode_list(path.read_bytes())
    except UnicodeDecodeError as exc:
        raise UnreadableInputError(
            say(f"{path.name} is geen UTF-8.", f"{path.name} is no UTF-8."),
            hint=say("In Excel: Opslaan als, en dan CSV UTF-8.", "In Excel: Save as, and then CSV UTF-8."),
        ) from exc


def _read_rows(path: Path) -> list[dict[str, str | None]]:
    first, line_end, rest = read_text(path).partition("\n")
    separator = find_separator(first)
    text = first + line_end + rest if separator is None else rest
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator or ",")
    try:
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or [])]
        if missing:
            raise UnreadableInputError(
                say(f"In {path.name} ontbreekt de kolom {missing[0]}.", f"{path.name} lacks the column {missing[0]}.")
            )
        return list(reader)
    except csv.Error as exc:  # a cell longer than any name
        raise UnreadableInputError(
            say(f"{path.name} is geen goede CSV.", f"{path.name} is no proper CSV."),
            hint=say(f"Zie regel {reader.line_num + 1}.", f"See line {reader.line_num + 1}."),
        ) from exc


def evidence_of(path: Path, *, name: str, description: str) -> dict[str, str]:
    """Evidence that names a file by the digest of exactly these bytes; the file itself stays where it is."""
    digest = base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
    return {"name": name, "description": description, "digest": f"sha256-{digest}"}


def read_achievement(path: Path) -> dict[str, Any]:
    """The description of an achievement, as the management API takes it.

    `image_file` becomes a data URL; a skill's `labels` become its one `name`, Dutch where there is one.
    """
    described = json.loads(path.read_text(encoding="utf-8"))
    achievement: dict[str, Any] = dict(described.get("achievement", described))
    image = achievement.pop("image_file", None)
    if image is not None:
        achievement["image"] = data_url(path.parent / image)
    achievement["skills"] = [_skill(skill) for skill in achievement.get("skills", [])]
    return achievement


def data_url(path: Path) -> str:
    """A picture as a data URL."""
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"


def _skill(skill: Mapping[str, Any]) -> dict[str, str]:
    labels = skill.get("labels", {})
    name = skill.get("name") or labels.get("nl") or labels.get("en") or skill["uri"]
    return {"uri": skill["uri"], "name": name, "framework": skill.get("framework", "ESCO")}
