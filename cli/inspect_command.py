"""`skillswallet inspect FILE|URL|TEXT`: what is this credential, who issued it, and can it be believed?

Exit status: 0 believed, 1 refuted or no badge, 2 could not be checked.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

import typer
from rich.markup import escape
from rich.padding import Padding

from cli.language import language, say
from cli.terminal import fail, out
from kernel.errors import MalformedError
from kernel.importing import ImportReport, Verdict
from kernel.report import Outcome
from runtime import import_texts as texts
from runtime.clock import utc_now
from runtime.fetch import Fetcher
from runtime.import_view import CheckLine, ImportView, create_view
from runtime.importing import MAX_UPLOAD_BYTES, read_badge, resolve_report
from runtime.logging import configure_logging

_STATUSES: Final = {Verdict.PROVEN: 0, Verdict.REFUTED: 1, Verdict.UNPROVEN: 2}
_COLOURS: Final = {"good": "green", "bad": "red", "warn": "yellow", "": "dim"}
_SIGNS: Final = {"check": "✓", "stop": "✗", "question": "?", "info": "-"}


def inspect(subject: str, *, email: str | None, local_hosts: list[str], as_json: bool) -> int:
    """Judge one file, address or text, print what was found, and return the exit status."""
    configure_logging("error")
    content = _read_subject(subject)
    try:
        report = asyncio.run(_judge(content, email=email, local_hosts=local_hosts))
    except MalformedError as exc:
        fail(texts.NO_BADGE.say(language()), facts={say("code", "code"): exc.code})
    if as_json:
        typer.echo(escaped(json.dumps(report.as_json(), ensure_ascii=False, indent=2)))
    else:
        _print(create_view(report, language()))
    return _find_status(report)


def escaped(text: str) -> str:
    """JSON in which nothing can command a terminal: what is not printable is written by its number. RFC 8259 §7.

    Direction marks would show another text than a program reads; the line breaks are the document's own.
    """
    return "".join(letter if letter.isprintable() or letter == "\n" else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    return json.dumps(letter)[1:-1]


def _find_status(report: ImportReport) -> int:
    """A badge of somebody else than the person who was asked for is no yes either."""
    is_of_another = report.check("recipient").outcome is Outcome.FAILED
    return _STATUSES[Verdict.REFUTED] if is_of_another else _STATUSES[report.verdict]


def _read_subject(subject: str) -> bytes | str:
    """The bytes of a file or of standard input, or the text itself; never more of them than a badge has."""
    if subject == "-":
        return sys.stdin.buffer.read(MAX_UPLOAD_BYTES + 1)
    if _is_file(subject):
        with Path(subject).open("rb") as file:
            return file.read(MAX_UPLOAD_BYTES + 1)
    return subject


def _is_file(subject: str) -> bool:
    """A text may be longer than any name, which the system refuses even to look for."""
    try:
        return Path(subject).is_file()
    except OSError:
        return False


async def _judge(content: bytes | str, *, email: str | None, local_hosts: list[str]) -> ImportReport:
    imported = await read_badge(content)
    fetch = Fetcher(local_hosts=frozenset(local_hosts))
    try:
        return await resolve_report(fetch, imported, now=utc_now(), email=email)
    finally:
        await fetch.close()


def _print(view: ImportView) -> None:
    out.print(f"[bold {_COLOURS[view.kind]}]{escape(view.title)}[/]")
    for sentence in (view.why, view.advice, *view.messages):
        if sentence:
            out.print(escape(sentence))
    _print_content(view)
    out.print(f"\n[bold]{say('Zo is het nagekeken', 'How it was checked')}[/]")
    for check in view.checks:
        _print_check(check)
    for remark in view.remarks:
        out.print(f"\n[dim]{escape(remark)}[/]")
    for part in view.parts:
        out.print(f"\n[bold]{say('Hierin zit', 'Inside it')}: {escape(part.name or part.what)}[/]")
        out.print(f"[{_COLOURS[part.kind]}]{escape(part.title)}[/]")


def _print_content(view: ImportView) -> None:
    out.print(f"\n[bold]{escape(view.name or view.what)}[/]")
    out.print(f"[dim]{escape(view.what)}[/]")
    if view.issuer:
        out.print(f"{say('Uitgever', 'Issuer')}: {escape(view.issuer)}")
    for fact in view.facts:
        out.print(f"{escape(fact.label)}: {escape('; '.join(map(_in_one_line, fact.lines)))}")
    for said in view.endorsements:
        out.print(
            f"[{_COLOURS[said.kind]}]{_SIGNS[said.symbol]}[/] {escape(said.text)} {escape(_in_one_line(said.comment))}"
        )


def _in_one_line(text: str) -> str:
    """What strangers wrote begins no line: it could pass for one of ours."""
    return " ".join(text.split())


def _print_check(check: CheckLine) -> None:
    sign = f"[{_COLOURS[check.kind]}]{_SIGNS[check.symbol]}[/]"
    out.print(f"{sign} {escape(check.title)}: {escape(check.outcome)}")
    out.print(Padding(f"[dim]{escape(check.text)}[/]", (0, 0, 0, 2)))
