"""An answer to a question at a terminal: requirement by requirement, in words, with the badge that proves it.

What a check means is said by the verifier (`text` of each check in its API); here it is put in order.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.markup import escape

from cli.language import language, say
from runtime.badge_facts import shown_line
from verifier.answers import read_shown_skill
from verifier.report_texts import CHECK_TITLES

_SIGNS: Final = {"met": "[green]✓[/]", "refused": "[red]✗[/]", "not_shown": "[dim]–[/]"}
_CHECK_SIGNS: Final = {"failed": "[red]✗[/]", "unknown": "[yellow]?[/]"}
_UNSURE: Final = "[yellow]?[/]"


def answer_lines(report: Mapping[str, Any], shown: Mapping[str, Any] | None) -> Iterator[str]:
    """The answer to the whole question, then to each requirement; texts of strangers can command nothing."""
    colour = "green" if report["accepted"] else "yellow"
    yield f"[bold {colour}]{escape(report['answer'][language()])}[/]"
    presented = {f"{each['query_id']}/{each['position']}": each for each in report["presentations"]}
    believed = [(shown or {}).get(key, {}) for key, each in presented.items() if each["accepted"]]
    for requirement in report["requirements"]:
        yield from _requirement_lines(requirement, presented, shown or {})
        own = [(shown or {}).get(key, {}) for key in requirement["presentations"]]
        answers = read_shown_skill(requirement, own or believed)
        if answers is not None:
            yield f"  {escape(shown_line(answers.in_language(language())))}"
    for agreement in report.get("agreements", ()):
        yield from _agreement_lines(agreement)
    yield from _lines_of_the_whole(report)


def _requirement_lines(
    requirement: Mapping[str, Any], presented: Mapping[str, Mapping[str, Any]], shown: Mapping[str, Any]
) -> Iterator[str]:
    outcome = requirement["outcome"]
    name = shown_line(requirement["names"].get(language()) or next(iter(requirement["names"].values()), ""))
    wish = "" if requirement["required"] else say(" (mag, hoeft niet)", " (welcome, not needed)")
    yield f"\n{_SIGNS.get(outcome, _UNSURE)} [bold]{escape(name or requirement['uri'])}[/]{wish}: {_outcome(outcome)}"
    for key in requirement["presentations"]:
        yield from _badge_lines(shown.get(key), presented[key]["checks"])


def _badge_lines(badge: Mapping[str, Any] | None, checks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if badge is not None:
        issuer = badge.get("issuer_name") or badge.get("issuer") or "?"
        by = say("van", "by")
        yield f"  {escape(shown_line(badge.get('name') or '?'))}, {by} {escape(shown_line(issuer))}"
    for check in checks:
        if check["outcome"] in _CHECK_SIGNS:
            yield f"  {_check_line(check)}"
    held = [CHECK_TITLES[check["code"]].in_language(language()) for check in checks if check["outcome"] == "passed"]
    if held:
        yield f"  [dim]✓ {escape(' · '.join(held))}[/]"


def _check_line(check: Mapping[str, Any]) -> str:
    title = CHECK_TITLES[check["code"]].in_language(language())
    return f"{_CHECK_SIGNS[check['outcome']]} {escape(title)}: {escape(check['text'][language()])}"


def _outcome(outcome: str) -> str:
    return {
        "met": say("bewezen", "proven"),
        "unrecognised": say("echt, maar de uitgever is niet erkend", "authentic, but its issuer is not recognised"),
        "undecided": say("kon niet worden nagekeken", "could not be checked"),
        "refused": say("de badge telt niet mee", "the badge does not count"),
        "not_shown": say("hier is niets voor gedeeld", "nothing was shared for this"),
    }[outcome]


def _agreement_lines(agreement: Mapping[str, Any]) -> Iterator[str]:
    if agreement["agreed"]:
        sign, outcome = _SIGNS["met"], say("ondertekend", "signed")
    else:
        sign, outcome = _SIGNS["refused"], say("niet ondertekend", "not signed")
    yield f"\n{sign} [bold]{escape(shown_line(agreement['title']))}[/]: {outcome}"


def _lines_of_the_whole(report: Mapping[str, Any]) -> Iterator[str]:
    """Whose badges they are together, and what went wrong with the answer itself where no badge says it already."""
    if report.get("same_person"):
        yield f"\n{escape(report['same_person'][language()])}"
    told = {(check["code"], check["outcome"]) for presented in report["presentations"] for check in presented["checks"]}
    wrong = [
        check
        for check in report["checks"]
        if check["outcome"] in _CHECK_SIGNS and (check["code"], check["outcome"]) not in told
    ]
    if report["presentations"] and wrong:
        yield "\n" + say("Van het hele antwoord:", "Of the whole answer:")
        yield from (f"  {_check_line(check)}" for check in wrong)
