"""`skillswallet inspect FILE|URL|TEXT`: what is this credential, who issued it, and can it be believed?

Exit status: 0 believed: authentic, valid, and from an issuer that the trust list recognises; 1 refuted, from an issuer
that lost its recognition, or no badge; 2 could not be checked (too large for us, an address that may not be opened, no
such file), or nobody says that its issuer is known. Anybody can sign under any name, so without a list nothing is
believed, unless the caller says that any issuer will do. T-01, T-02.
"""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import typer
from rich.markup import escape
from rich.padding import Padding

from cli.language import language, say
from cli.terminal import fail, out
from kernel.errors import CredentialError, MalformedError
from kernel.importing import Verdict
from kernel.keys import parse_public_jwk, public_part
from kernel.report import Outcome
from kernel.trust_list import Outcome as Recognised
from kernel.trust_list import Recognition
from runtime import import_texts as texts
from runtime.badge_facts import shown_line
from runtime.checked_badge import CheckedBadge, resolve_checked_badge
from runtime.clock import utc_now
from runtime.fetch import Fetcher
from runtime.import_view import CheckLine, ImportView, create_view
from runtime.importing import MAX_UPLOAD_BYTES, read_badge, unread_code
from runtime.logging import configure_logging
from runtime.resolve import Resolver

BELIEVED, REFUTED, UNKNOWN = 0, 1, 2
_STATUSES: Final = {Verdict.REFUTED: REFUTED, Verdict.UNPROVEN: UNKNOWN}
_UNREAD: Final = {"no_badge": REFUTED}
_LONGEST_ENDING: Final = 6
_STATUS_COLOURS: Final = {BELIEVED: "green", REFUTED: "red", UNKNOWN: "yellow"}
_COLOURS: Final = {"good": "green", "bad": "red", "warn": "yellow", "": "dim"}
_SIGNS: Final = {"check": "✓", "stop": "✗", "question": "?", "info": "-", "half": "?"}


@dataclass(frozen=True, slots=True)
class TrustListOption:
    """The ecosystem's list by which an issuer is recognised, and the public key that must have signed it (T-03)."""

    place: str
    signer: dict[str, Any]


def inspect(
    subject: str,
    *,
    email: str | None,
    local_hosts: list[str],
    trust_list: TrustListOption | None,
    any_issuer: bool,
    as_json: bool,
) -> int:
    """Judge one file, address or text, print what was found, and return the exit status."""
    configure_logging("error")
    content = _read_subject(subject)
    try:
        checked = asyncio.run(_judge(content, email=email, local_hosts=local_hosts, trust_list=trust_list))
    except MalformedError as exc:
        _fail_unread(subject, exc)
    status = _find_status(checked, any_issuer=any_issuer)
    if as_json:
        found = {**checked.as_json(), "recognition_asked": trust_list is not None}
        typer.echo(escaped(json.dumps(found, ensure_ascii=False, indent=2)))
    else:
        _print(checked, status, is_asked=trust_list is not None)
    return status


def read_trust_list_option(place: str | None, signer: str | None) -> TrustListOption | None:
    """The list that was named, if any; typer.BadParameter for half of it, or for what is no list or key at all."""
    if place is None and signer is None:
        return None
    if place is None or signer is None:
        raise typer.BadParameter(
            say("deze twee horen bij elkaar", "these two go together"), param_hint="--trust-list, --trust-signer"
        )
    if not place.startswith(("https://", "http://")) and not _is_file(place):
        raise typer.BadParameter(
            say(f"dit bestand is er niet: {place}", f"there is no such file: {place}"), param_hint="--trust-list"
        )
    return TrustListOption(place, _read_signer(signer))


def _read_signer(text: str) -> dict[str, Any]:
    """A JWK, or the file with it; of a private key, the public part."""
    try:
        members = json.loads(Path(text).read_text("utf-8") if _is_file(text) else text)
        return parse_public_jwk(public_part(members) if isinstance(members, dict) else members).jwk
    except (ValueError, CredentialError) as exc:
        raise typer.BadParameter(
            say("dit is geen JWK, en geen bestand met een JWK", "this is no JWK, and no file with a JWK"),
            param_hint="--trust-signer",
        ) from exc


def escaped(text: str) -> str:
    """JSON in which nothing can command a terminal: what is not printable is written by its number. RFC 8259 §7.

    Direction marks would show another text than a program reads; the line breaks are the document's own.
    """
    return "".join(letter if letter.isprintable() or letter == "\n" else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    return json.dumps(letter)[1:-1]


def _find_status(checked: CheckedBadge, *, any_issuer: bool) -> int:
    """A badge of somebody else than the person who was asked for is no yes, nor is one of an issuer nobody knows."""
    report = checked.report
    if report.check("recipient").outcome is Outcome.FAILED or checked.has_any(Recognised.WITHDRAWN):
        return REFUTED
    if report.verdict is not Verdict.PROVEN:
        return _STATUSES[report.verdict]
    return BELIEVED if any_issuer or checked.has_only(Recognised.RECOGNISED) else UNKNOWN


def _fail_unread(subject: str, error: MalformedError) -> NoReturn:
    """End with why nothing was read as a badge; only what was looked at, and is none, is a no."""
    code = unread_code(error)
    if code == "no_badge" and _names_a_file(subject):
        fail(
            say("Er is geen bestand met deze naam.", "There is no file of this name."),
            hint=say("Controleer de naam en de map.", "Check the name and the folder."),
            facts={say("gevraagd", "asked for"): shown_line(subject)},
            status=UNKNOWN,
        )
    fail(texts.UNREAD[code].say(language()), facts={say("code", "code"): code}, status=_UNREAD.get(code, UNKNOWN))


def _names_a_file(subject: str) -> bool:
    """Whether a text that is no badge was meant as a file that is not there: it has folders in it, or an ending."""
    if not subject.isprintable() or subject.startswith(("{", "<", "eyJ")) or _is_file(subject) or subject == "-":
        return False
    ending = Path(subject).suffix[1:]
    return "/" in subject or (ending.isalnum() and len(ending) <= _LONGEST_ENDING)


def _read_subject(subject: str) -> bytes | str:
    """The bytes of a file or of standard input, or the text itself; never more of them than a badge has."""
    if _is_folder(subject):
        fail(
            say("Dit is een map, geen bestand.", "This is a folder and no file."),
            hint=say("Kies het bestand van de badge.", "Choose the file of the badge."),
            status=UNKNOWN,
        )
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


def _is_folder(subject: str) -> bool:
    try:
        return Path(subject).is_dir()
    except OSError:
        return False


async def _judge(
    content: bytes | str, *, email: str | None, local_hosts: list[str], trust_list: TrustListOption | None
) -> CheckedBadge:
    imported = await read_badge(content)
    fetch = Fetcher(local_hosts=frozenset(local_hosts))
    resolver = None
    if trust_list is not None:
        resolver = Resolver(fetch, trust_list=trust_list.place, trust_list_signer=trust_list.signer)
    try:
        return await resolve_checked_badge(fetch, resolver, imported, email=email, left_behind=None, now=utc_now())
    finally:
        await fetch.close()


def _print(checked: CheckedBadge, status: int, *, is_asked: bool) -> None:
    view = create_view(
        checked.report, language(), checked.recognition, checked.endorsements, checked.archive, checked.parts
    )
    out.print(f"[bold {_STATUS_COLOURS[status]}]{escape(view.title)}[/]")
    for sentence in (view.why, view.advice, *view.messages):
        if sentence:
            out.print(escape(sentence))
    asked = say("Is de uitgever erkend?", "Is the issuer recognised?")
    out.print(f"\n[bold]{asked}[/] {escape(_say_recognition(checked, is_asked=is_asked))}")
    _print_content(view)
    out.print(f"\n[bold]{say('Zo is het nagekeken', 'How it was checked')}[/]")
    for check in view.checks:
        _print_check(check)
    for remark in view.remarks:
        out.print(f"\n[dim]{escape(remark)}[/]")
    for part, known in zip(view.parts, checked.parts, strict=True):
        out.print(f"\n[bold]{say('Hierin zit', 'Inside it')}: {escape(part.name or part.what)}[/]")
        out.print(f"[{_COLOURS[part.kind]}]{escape(part.title)}[/]")
        if is_asked:
            out.print(f"{asked} {escape(_say_one(known))}")


def _say_recognition(checked: CheckedBadge, *, is_asked: bool) -> str:
    """The second answer, in one sentence and always: valid and recognised are two. T-01."""
    if not is_asked:
        return say(
            "Niet gevraagd: er is geen lijst gegeven (--trust-list en --trust-signer).",
            "Not asked: no list was given (--trust-list and --trust-signer).",
        )
    if checked.parts:
        return say("Zie hieronder, per badge.", "See below, for each badge.")
    return _say_one(checked.recognition)


def _say_one(known: Recognition | None) -> str:
    if known is None:
        return say("Niet gevraagd: het is niet zeker wie hem ondertekende.", "Not asked: it is not sure who signed it.")
    names = f"{shown_line(known.list_name or '?')}: {shown_line(known.entity_name or '?')}"
    return {
        Recognised.RECOGNISED: say(f"Ja ({names}).", f"Yes ({names})."),
        Recognised.NOT_FOR_THIS_TYPE: say(
            f"Niet voor dit soort badges ({names}).", f"Not for badges of this kind ({names})."
        ),
        Recognised.WITHDRAWN: say(f"Nee, niet meer ({names}).", f"No, no longer ({names})."),
        Recognised.NOT_LISTED: say("Nee: hij staat niet op de lijst.", "No: it is not on the list."),
        Recognised.LIST_UNAVAILABLE: say(
            "Kon niet worden nagekeken: de lijst is er niet, is verlopen of is door een ander ondertekend.",
            "Could not be checked: the list is not there, has expired or was signed by somebody else.",
        ),
    }[known.outcome]


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
