"""An imported badge as a person reads it: the verdict and what to do now, what it says, and check by check why.

Nothing here judges: it puts a report into words. What the badge itself says is in the words of `runtime.badge_facts`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from kernel.errors import TooLargeError
from kernel.formats.credential import DC_SD_JWT, LDP_VC
from kernel.importing import IMPORT_CHECK_CODES, ImportReport, Kind
from kernel.importing import Verdict as Verdicts
from kernel.importing.report import SKIPPED
from kernel.microcredential import find_warnings, missing_elements
from kernel.open_badges import Result, badge_view
from kernel.report import Outcome
from kernel.trust_list import Outcome as Recognised
from kernel.trust_list import Recognition
from runtime import import_texts as texts
from runtime.archives import ArchiveOutcome
from runtime.badge_facts import Fact, create_facts, shown_line, shown_text
from runtime.endorsements import JudgedEndorsement
from runtime.status_texts import message_text
from runtime.web.language import day

# The kinds that say more of results than a grade, and the format by which they are read.
_FORMATS: Final[Mapping[Kind, str]] = {Kind.OPEN_BADGE_3: LDP_VC, Kind.SD_JWT_VC: DC_SD_JWT}
_SYMBOLS: Final[Mapping[Outcome, tuple[str, str]]] = {
    Outcome.PASSED: ("good", "check"),
    Outcome.FAILED: ("bad", "stop"),
    Outcome.UNKNOWN: ("warn", "question"),
    Outcome.NOT_APPLICABLE: ("", "info"),
}


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One check: what was asked, how it ended, and what that means."""

    code: str
    kind: str
    symbol: str
    title: str
    outcome: str
    text: str


@dataclass(frozen=True, slots=True)
class EndorsementLine:
    """What somebody else said of it, and whether it is sure that they did."""

    kind: str
    symbol: str
    text: str
    comment: str
    standing: str = ""


@dataclass(frozen=True, slots=True)
class ImportView:
    """A report in one language. Plain texts only, so that it can be kept as it was shown (`dataclasses.asdict`)."""

    verdict: str
    kind: str
    symbol: str
    title: str
    why: str
    advice: str
    what: str
    is_bearer: bool
    name: str
    issuer: str
    facts: tuple[Fact, ...]
    checks: tuple[CheckLine, ...]
    endorsements: tuple[EndorsementLine, ...]
    parts: tuple["ImportView", ...]
    remarks: tuple[str, ...]
    technical: tuple[tuple[str, str], ...]
    archive: str = ""
    messages: tuple[str, ...] = ()


def create_view(
    report: ImportReport,
    language: str,
    recognition: Recognition | None = None,
    endorsements: Sequence[JudgedEndorsement] = (),
    archive: ArchiveOutcome | None = None,
    parts: Sequence[Recognition | None] = (),
) -> ImportView:
    """Put a report into words; `recognition` is what a trust list says of its signer, where there is one to ask.

    `endorsements` are those of the report with what that list says of each endorser; without a list, the report's own.
    `archive` is what became of an archive that somebody gave with it, and `parts` what the list says of whoever signed
    each of the credentials inside.
    """
    judged = endorsements or [JudgedEndorsement(each, None) for each in report.endorsements]
    known = parts or [None] * len(report.parts)
    inside = tuple(create_view(part, language, each) for part, each in zip(report.parts, known, strict=True))
    verdict = _find_verdict(report, recognition, known)
    content = report.imported.content
    return ImportView(
        verdict=report.verdict.value,
        kind=verdict.kind,
        symbol=verdict.symbol,
        title=verdict.title.say(language).format(**_count(inside)),
        why=_find_least_inside(report, inside)
        or _find_why(report, language)
        or _say_issuer(report, recognition, language),
        advice=verdict.advice.say(language),
        what=texts.KINDS[report.imported.kind].say(language),
        is_bearer=report.is_bearer,
        name=shown_line(content.title.text) if content.title is not None else "",
        issuer=_issuer_name(report),
        facts=create_facts(content, language, results=_find_results(report)),
        checks=tuple(_create_check(report, code, language) for code in _find_made(report)),
        endorsements=tuple(create_endorsement_line(each.as_json(), language) for each in judged),
        parts=inside,
        remarks=tuple(_create_remarks(report, language)),
        technical=tuple(_create_technical(report, recognition, language)),
        archive="" if archive is None else _say_archive(archive, report.archived_at, language),
        messages=tuple(_say_messages(report, language)),
    )


def _find_messages(report: ImportReport) -> Sequence[str]:
    """What the issuer's lists tell beside the badge, each thing once; nothing of that touches the verdict."""
    return list(dict.fromkeys(report.check("status").evidence.get("messages", ())))


def _say_messages(report: ImportReport, language: str) -> Iterator[str]:
    yield from (message_text(word).say(language) for word in _find_messages(report))
    if report.check("status").evidence.get("has_unread_messages"):
        yield texts.UNREAD_MESSAGES.say(language)


# The verdict


def _find_verdict(
    report: ImportReport, recognition: Recognition | None, parts: Sequence[Recognition | None]
) -> texts.Verdict:
    if report.parts and _find_decisive(report) in (None, "contents"):
        return texts.RECORDS[_find_least(report, parts)]
    reason = _find_reason(report)
    if report.imported.kind is Kind.ADDRESS:
        return _find_verdict_there(report, reason)
    if report.verdict is Verdicts.REFUTED:
        return texts.REFUTED.get(reason or "", texts.REFUTED_OTHERWISE)
    if report.verdict is Verdicts.UNPROVEN:
        return texts.UNPROVEN.get(reason or "", texts.UNPROVEN_OTHERWISE)
    if report.check("recipient").outcome is Outcome.FAILED:
        return texts.NOT_THIS_PERSON
    if report.archived_at is not None and recognition is not None and recognition.outcome is Recognised.RECOGNISED:
        return texts.PROVEN_BY_ARCHIVE
    return texts.PROVEN[None if recognition is None else recognition.outcome]


def _find_verdict_there(report: ImportReport, reason: str | None) -> texts.Verdict:
    """Return what is to be said of an address at which nothing was read as a badge."""
    if report.verdict is Verdicts.REFUTED:
        return texts.NO_BADGE_THERE
    return texts.TOO_LARGE_THERE if reason == TooLargeError.code else texts.ADDRESS_NOT_OPENED


def _find_least(report: ImportReport, parts: Sequence[Recognition | None]) -> str:
    """Return what is to be said of a record: it is as good as the least of what is in it."""
    verdicts = {part.verdict for part in report.parts}
    for verdict in (Verdicts.REFUTED, Verdicts.UNPROVEN):
        if verdict in verdicts:
            return verdict.value
    outcomes = {None if known is None else known.outcome for known in parts}
    if outcomes == {Recognised.RECOGNISED}:
        return "known"
    return "valid" if outcomes == {None} else "not_all_known"


def _find_least_inside(report: ImportReport, inside: Sequence[ImportView]) -> str:
    """Return which credential of a record does not hold, or could not be checked, where that decides."""
    if _find_decisive(report) != "contents":
        return ""
    least = next(part for part, judged in zip(inside, report.parts, strict=True) if judged.verdict is report.verdict)
    return f"{least.name or least.what}: {least.title}."


def _count(inside: Sequence[ImportView]) -> dict[str, int]:
    verdicts = [part.verdict for part in inside]
    return {"all": len(inside), **{verdict.value: verdicts.count(verdict.value) for verdict in Verdicts}}


def _find_decisive(report: ImportReport) -> str | None:
    """Return the first check that failed or, where none did, that was not made; its reason is why."""
    checks = [report.check(code) for code in IMPORT_CHECK_CODES if code != "holder_binding"]
    for outcome in (Outcome.FAILED, Outcome.UNKNOWN):
        found = [check.code for check in checks if check.outcome is outcome and check.reason != SKIPPED]
        if found:
            return found[0]
    return None if report.check("proof").outcome is Outcome.PASSED else "proof"


def _say_issuer(report: ImportReport, recognition: Recognition | None, language: str) -> str:
    """Anybody can sign under any name: only a list or a federation says who it is. Of a record, each badge says it."""
    if report.parts and (recognition is None or recognition.outcome is not Recognised.RECOGNISED):
        return texts.RECORD_BY_ANYBODY.say(language)
    if recognition is not None and recognition.outcome is Recognised.RECOGNISED:
        names = {"name": shown_line(recognition.entity_name or ""), "list": shown_line(recognition.list_name or "")}
        return texts.RECOGNISED_ISSUER.say(language).format(**names)
    name = _issuer_name(report)
    return (texts.SELF_NAMED_ISSUER if name else texts.NAMELESS_ISSUER).say(language).format(name=name)


def _say_archive(archive: ArchiveOutcome, archived_at: datetime | None, language: str) -> str:
    if archived_at is not None:
        return texts.ARCHIVE_USED[archive].say(language).format(date=day(archived_at, language))
    return texts.ARCHIVE_NOT_USED.get(archive, texts.ARCHIVE_NOT_NEEDED).say(language)


def _find_reason(report: ImportReport) -> str | None:
    code = _find_decisive(report)
    return None if code is None else report.check(code).reason


def _find_why(report: ImportReport, language: str) -> str:
    code = _find_decisive(report)
    return "" if code is None else _say_check(report, code, language)


def _say_check(report: ImportReport, code: str, language: str) -> str:
    check = report.check(code)
    return texts.check_text(code, check.outcome, check.reason).say(language)


def _find_made(report: ImportReport) -> list[str]:
    """The checks that were made; those that an earlier one made pointless are told of in one sentence."""
    return [code for code in IMPORT_CHECK_CODES if report.check(code).reason != SKIPPED]


def _create_check(report: ImportReport, code: str, language: str) -> CheckLine:
    outcome = report.check(code).outcome
    return CheckLine(
        code,
        *_SYMBOLS[outcome],
        texts.CHECK_TITLES[code].say(language),
        texts.OUTCOMES[outcome].say(language),
        _say_check(report, code, language),
    )


def create_endorsement_line(said: Mapping[str, Any], language: str) -> EndorsementLine:
    """Put what was kept of an endorsement (`JudgedEndorsement.as_json`) into words; only one that counts looks good."""
    outcome = Outcome(said["outcome"])
    kind, symbol = _SYMBOLS[outcome]
    if outcome is Outcome.PASSED and not said["counts"]:
        kind, symbol = "warn", "half"
    who = shown_line(said["entity"] or said["endorser_name"] or said["endorser"] or "?")
    about = texts.ENDORSED[said["endorsed"]].say(language)
    return EndorsementLine(
        kind,
        symbol,
        texts.ENDORSEMENTS[outcome].say(language).format(who=who, about=about),
        shown_text(said["comment"] or ""),
        _say_standing(said, language),
    )


def _say_standing(said: Mapping[str, Any], language: str) -> str:
    """Whether the endorser is known, or why nothing is known of the endorsement at all."""
    if said["outcome"] == Outcome.PASSED:
        recognition = said["recognition"]
        names = {"list": shown_line(said["list"] or "")}
        return "" if recognition is None else texts.ENDORSERS[Recognised(recognition)].say(language).format(**names)
    return texts.REASON_TEXTS[said["reason"]].say(language)


# What it says


def _find_results(report: ImportReport) -> Sequence[Result]:
    """All that a badge of Open Badges 3.0, or one as SD-JWT VC, says of what somebody reached."""
    format_id = _FORMATS.get(report.imported.kind)
    return () if format_id is None else badge_view(report.imported.document, format_id).results


def _issuer_name(report: ImportReport) -> str:
    """Its name, else its address; a DID tells a reader nothing and stands among the technical data."""
    body = report.imported.content.awarding_body
    name = (body.issuer.name if body is not None else "") or report.imported.unverified_issuer or ""
    return "" if name.startswith("did:") else shown_line(name)


def _create_remarks(report: ImportReport, language: str) -> Iterator[str]:
    """What a microcredential should have and this lacks; of records and endorsements nobody expects it."""
    if report.imported.kind in (Kind.OPEN_BADGE_3, Kind.ELM, Kind.SD_JWT_VC):
        missing = [
            texts.ELEMENTS[element].say(language).lower() for element in missing_elements(report.imported.content)
        ]
        if missing:
            yield texts.MISSING.say(language).format(elements=", ".join(missing))
        yield from (texts.WARNINGS[code].say(language) for code in find_warnings(report.imported.content))
    if len(_find_made(report)) < len(IMPORT_CHECK_CODES):
        yield texts.REASON_TEXTS[SKIPPED].say(language)
    if report.imported.is_older_form:
        yield texts.OLDER_FORM.say(language)


def _create_technical(
    report: ImportReport, recognition: Recognition | None, language: str
) -> Iterator[tuple[str, str]]:
    imported = report.imported
    yield "container", texts.CONTAINERS[imported.container].say(language)
    yield "securing", texts.SECURINGS[imported.securing].say(language)
    if imported.unverified_issuer:
        yield "issuer", shown_line(imported.unverified_issuer)
    if imported.content.id:
        yield "id", shown_line(imported.content.id)
    if recognition is not None:
        yield "trust_list", shown_line(f"{recognition.outcome.value} {recognition.list_name or ''}")
    for check in report.checks:
        yield (
            check.code,
            shown_line(" ".join([check.outcome.value, check.reason or "", *_say_evidence(check.evidence)])),
        )


def _say_evidence(evidence: Mapping[str, Any]) -> list[str]:
    values = [each for value in evidence.values() for each in (value if isinstance(value, list) else [value])]
    return [str(value) for value in values if value is not None]
