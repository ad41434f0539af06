"""What an employer takes along: one answer as JSON, CSV or PDF, or all of them as CSV. V-43.

Text in a badge is somebody else's. In a CSV a cell that a spreadsheet would run gets an apostrophe before it; in a PDF
text is written as numbers, so that nothing in it can end the text; JSON is escaped by its encoder (A-44). What has been
erased is in no export either.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from textwrap import wrap
from typing import Any, Final, Literal

from runtime.spreadsheets import safe_cell
from verifier.answers import Answer, RequirementLine
from verifier.errors import UnknownError
from verifier.models import PresentationRequest, RelyingParty
from verifier.report_texts import Text

ExportFormat = Literal["json", "csv", "pdf"]
Language = Literal["nl", "en"]

MEDIA_TYPES: Final = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "pdf": "application/pdf",
}

_LINES_A_PAGE: Final = 58
_CHARACTERS_A_LINE: Final = 92

_OUTCOMES: Final = {
    "met": Text("voldoet", "meets it"),
    "unrecognised": Text("uitgever niet erkend", "issuer not recognised"),
    "undecided": Text("niet nagekeken", "not checked"),
    "refused": Text("telt niet mee", "does not count"),
    "not_shown": Text("niet getoond", "not shown"),
}
_COLUMNS: Final = (
    Text("nummer", "number"),
    Text("vraag", "question"),
    Text("nagekeken op", "checked at"),
    Text("alles bewezen", "all proven"),
    Text("skill", "skill"),
    Text("adres van de skill", "address of the skill"),
    Text("nodig", "needed"),
    Text("uitkomst", "outcome"),
    Text("door", "by"),
    Text("badge", "badge"),
    Text("geldig tot", "valid until"),
    Text("melding van de uitgever", "message from the issuer"),
    Text("getoonde skill", "skill shown"),
)
_YES, _NO = Text("ja", "yes"), Text("nee", "no")


@dataclass(frozen=True, slots=True)
class Exported:
    """A file to hand out."""

    name: str
    media_type: str
    content: bytes

    def headers(self) -> dict[str, str]:
        """Saved, not shown: whatever a badge said, no browser makes a page of it."""
        return {
            "Content-Disposition": f'attachment; filename="{self.name}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }


def export_answer(
    request: PresentationRequest,
    answer: Answer | None,
    result: dict[str, Any],
    relying_party: RelyingParty,
    *,
    export_format: ExportFormat,
    language: Language,
) -> Exported:
    """One answer as a file; UnknownError where there is nothing to see yet."""
    if answer is None:
        raise UnknownError
    match export_format:
        case "json":
            content = json.dumps(result, ensure_ascii=True, indent=2).encode("ascii")
        case "csv":
            content = _create_csv([(request, answer)], language)
        case "pdf":
            content = create_pdf(_lines(request, answer, relying_party, language))
    return Exported(f"answer-{request.comparison_code}.{export_format}", MEDIA_TYPES[export_format], content)


def export_answers(answers: Iterable[tuple[PresentationRequest, Answer | None]], *, language: Language) -> Exported:
    """All answers that there are, one line for each skill that was asked for."""
    there = [(request, answer) for request, answer in answers if answer is not None]
    return Exported("answers.csv", MEDIA_TYPES["csv"], _create_csv(there, language))


def _create_csv(answers: Iterable[tuple[PresentationRequest, Answer]], language: Language) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow([column.in_language(language) for column in _COLUMNS])
    for request, answer in answers:
        for line in answer.requirements:
            writer.writerow([safe_cell(cell) for cell in _cells(request, answer, line, language)])
    # The mark at the beginning tells Excel that this is UTF-8.
    return file.getvalue().encode("utf-8-sig")


def _cells(request: PresentationRequest, answer: Answer, line: RequirementLine, language: Language) -> list[str]:
    return [
        request.id,
        request.title,
        answer.checked_at.isoformat(),
        (_YES if answer.accepted else _NO).in_language(language),
        line.names.get(language) or next(iter(line.names.values()), line.uri),
        line.uri,
        (_YES if line.required else _NO).in_language(language),
        _OUTCOMES[line.outcome].in_language(language),
        line.by or "",
        line.badge_name or "",
        _day(line.expires_at),
        " ".join(line.message_lines(language)),
        "" if line.shown_skill is None else line.shown_skill.in_language(language),
    ]


def _lines(
    request: PresentationRequest, answer: Answer, relying_party: RelyingParty, language: Language
) -> list[tuple[str, bool]]:
    """The report as lines, with whether each is a heading."""

    def say(nl: str, en: str) -> str:
        return nl if language == "nl" else en

    lines = [
        (request.title, True),
        (answer.first_line.in_language(language), True),
        (f"{say('Gevraagd door', 'Asked by')}: {relying_party.name}", False),
        (f"{say('Waarvoor', 'What for')}: {request.purpose}", False),
        (f"{say('Nagekeken op', 'Checked at')}: {answer.checked_at.isoformat(timespec='minutes')}", False),
        (f"{say('Kandidaat', 'Candidate')}: {request.comparison_code}", False),
        ("", False),
        (say("Eisen", "Requirements"), True),
    ]
    for line in answer.requirements:
        name = line.names.get(language) or next(iter(line.names.values()), line.uri)
        lines.append((f"- {name}: {_OUTCOMES[line.outcome].in_language(language)}", False))
        shown = "" if line.shown_skill is None else line.shown_skill.in_language(language)
        details = [line.by, line.badge_name, shown, _day(line.expires_at), *line.message_lines(language)]
        lines += [(f"  {text}", False) for text in details if text]
    for agreement in answer.agreements:
        signed = say("ondertekend", "signed") if agreement.agreed else say("niet ondertekend", "not signed")
        lines += [("", False), (f"{agreement.title}: {signed}", True), (agreement.text, False)]
    lines += [("", False), (say("Controles", "Checks"), True)]
    for check in answer.checks:
        lines.append((f"- {check.title.in_language(language)}: {check.text.in_language(language)}", False))
    return lines


def create_pdf(lines: Sequence[tuple[str, bool]]) -> bytes:
    """A plain PDF 1.4 of text lines in Helvetica, A4. Every text is a hexadecimal string: no content can end it. A-44

    Characters outside of Windows-1252, which the standard fonts have, become question marks.
    """
    wrapped = [
        (part, is_heading)
        for text, is_heading in lines
        for paragraph in (text.splitlines() or [""])
        for part in (wrap(paragraph, _CHARACTERS_A_LINE) or [""])
    ]
    pages = [wrapped[start : start + _LINES_A_PAGE] for start in range(0, len(wrapped), _LINES_A_PAGE)]
    first_page = 5
    kids = " ".join(f"{first_page + 2 * number} 0 R" for number in range(len(pages)))
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode("ascii"),
        font.format("Helvetica").encode("ascii"),
        font.format("Helvetica-Bold").encode("ascii"),
    ]
    for number, page in enumerate(pages):
        content = _page_content(page)
        objects.append(
            (
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
                "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> "
                f"/Contents {first_page + 2 * number + 1} 0 R >>"
            ).encode("ascii")
        )
        objects.append(f"<< /Length {len(content)} >>\nstream\n".encode("ascii") + content + b"\nendstream")
    return _assemble(objects)


def _page_content(page: Sequence[tuple[str, bool]]) -> bytes:
    shown = ["BT 50 800 Td 13 TL"]
    for text, is_heading in page:
        font = "/F2 12" if is_heading else "/F1 10"
        shown.append(f"{font} Tf <{text.encode('cp1252', 'replace').hex()}> Tj T*")
    return "\n".join([*shown, "ET"]).encode("ascii")


def _assemble(objects: Sequence[bytes]) -> bytes:
    file = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(file))
        file += f"{number} 0 obj\n".encode("ascii") + content + b"\nendobj\n"
    start = len(file)
    file += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode("ascii")
    file += b"".join(f"{place:010d} 00000 n \n".encode("ascii") for place in places)
    file += f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n".encode("ascii")
    return bytes(file)


def _day(moment: datetime | None) -> str:
    return "" if moment is None else moment.date().isoformat()
