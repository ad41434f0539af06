"""Reading a verifier's report in a test: how each check ended, the worst over all shown badges."""

from typing import Any

WORST_FIRST = ("failed", "unknown", "passed", "not_applicable")


def outcomes(presentation: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    report = presentation["report"]
    checks = [check for part in report["presentations"] for check in part["checks"]] + report["checks"]
    found: dict[str, tuple[str, str | None]] = {}
    for check in checks:
        known = found.get(check["code"])
        if known is None or WORST_FIRST.index(check["outcome"]) < WORST_FIRST.index(known[0]):
            found[check["code"]] = (check["outcome"], check["error_code"])
    return found


def failures(presentation: dict[str, Any]) -> set[str | None]:
    """The codes of everything that failed."""
    return {error for outcome, error in outcomes(presentation).values() if outcome == "failed"}


def passed(presentation: dict[str, Any]) -> set[str]:
    return {code for code, (outcome, _) in outcomes(presentation).items() if outcome == "passed"}
