"""Believe, or not: what was shown, check by check, in the order that PROFILE.md V-24 fixes.

For every presentation: format → issuer key → signature and disclosures → validity → holder binding → status →
recognised issuer → query. Every check always appears in the report: passed, failed, unknown (it could not be asked,
or an earlier one did not pass) or not applicable. Nothing that a credential names is fetched before its signature
holds, except the issuer's key, and that only by the mechanism that policy fixed beforehand (PROFILE.md K-04, K-26).

"Valid" and "recognised" are two answers (PROFILE.md T-01). A status list that cannot be reached is never a yes (K-74).
"""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from kernel.dcql import Authorities, CredentialQuery, DcqlQuery, verify_answer, verify_credential_answer
from kernel.errors import (
    CredentialError,
    HiddenStatusError,
    QueryNotSatisfiedError,
    RejectedError,
    RevokedError,
    SuspendedError,
    UndecidedError,
    WrongTypeError,
)
from kernel.formats import (
    ALGORITHMS,
    FORMATS,
    UnverifiedCredential,
    VerifiedCredential,
    parse_credential,
    verify_validity,
)
from kernel.keys import PublicKey
from kernel.open_badges import badge_view
from kernel.openid4vp import TransactionData, verify_transaction_data
from kernel.report import CHECK_CODES, Check, Outcome, VerificationReport
from kernel.status.token_status_list import Status
from kernel.trust_list import LIST_UNAVAILABLE
from runtime.resolve import Resolver
from verifier.questions import counterpart_id
from verifier.trust import check_issuer_recognised

# An honest did:jwk of a P-256 key has some 250 characters, its key identifier two more.
_MAX_IDENTIFIER = 500
VALIDITY_CODES = frozenset(CHECK_CODES) - {"issuer_recognised", "query"}
"""The checks that make "valid"; recognition is the other answer, and the query is about our question, not the badge."""

AT_ONCE = 4
"""So many presentations of one response are looked up side by side: a slow host holds up its own badge alone, and one
response cannot take all connections of this process."""

T = TypeVar("T")

SKIPPED = "skipped"
"""The error code of a check that was not run because one before it did not pass."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What we asked, and what an answer must therefore be bound to."""

    query: DcqlQuery
    audience: str
    nonce: str
    transaction_data: tuple[TransactionData, ...] = ()

    def credential_query(self, query_id: str) -> CredentialQuery:
        """The part of the question that a presentation was given as the answer to."""
        wanted = self.query.find(query_id)
        if wanted is None:
            raise QueryNotSatisfiedError("an answer to a question that was not asked")
        return wanted


@dataclass(frozen=True, slots=True)
class CheckedPresentation:
    """One presentation and what was found. `credential` is there only when its signature holds.

    `is_whole`: the badge is of a kind of which nothing can be hidden, so that more was shown than was asked for.
    """

    query_id: str
    position: int
    report: VerificationReport
    credential: VerifiedCredential | None
    is_whole: bool = False
    agreed: tuple[TransactionData, ...] = ()
    """What the holder agreed to with this very presentation (OpenID4VP 1.0 §8.4)."""
    authorities: Authorities = field(default=Authorities())
    """Who stands above its issuer, where the question asks for that."""

    def error_codes(self) -> frozenset[str]:
        return frozenset(check.error_code for check in self.report.checks if check.error_code is not None)


@dataclass(frozen=True, slots=True)
class CheckedResponse:
    """Everything that was shown, the part of it that is believed, and whether that answers the question."""

    presentations: tuple[CheckedPresentation, ...]
    believed: tuple[CheckedPresentation, ...]
    report: VerificationReport

    def agreed_to(self, entry: TransactionData) -> CheckedPresentation | None:
        """The presentation that is believed and with which the holder agreed to this; None when there is none."""
        return next((each for each in self.believed if entry in each.agreed), None)

    def holder_numbers(self) -> dict[tuple[str, int], int]:
        """Number the holder keys of what was believed: equal numbers, one key, so one person (PROFILE.md V-29)."""
        numbers: dict[str, int] = {}
        return {
            (each.query_id, each.position): numbers.setdefault(key.thumbprint, len(numbers) + 1)
            for each in self.presentations
            if (key := _proven_holder_key(each)) is not None
        }


async def verify_response(
    resolver: Resolver,
    vp_token: Mapping[str, Sequence[str]],
    *,
    asked: Asked,
    received_at: datetime,
    now: datetime,
    time_limit: timedelta,
) -> CheckedResponse:
    """Check every presentation, leave out what fails, and judge what remains by the question. V-24, V-25.

    After `time_limit` nothing more is waited for: what could not be looked up by then is undecided (K-74).
    """
    lookups = _Lookups(resolver, asyncio.get_running_loop().time() + time_limit.total_seconds())
    turns = asyncio.Semaphore(AT_ONCE)

    async def check(raw: str, query_id: str, position: int) -> CheckedPresentation:
        async with turns:
            return await verify_presentation(
                lookups, raw, query_id=query_id, position=position, asked=asked, received_at=received_at, now=now
            )

    waiting = [
        check(raw, query_id, position) for query_id, raws in vp_token.items() for position, raw in enumerate(raws)
    ]
    # A single one, which most are, needs no task beside this one.
    found = (await waiting[0],) if len(waiting) == 1 else tuple(await asyncio.gather(*waiting))
    presentations = tuple(_judge_level(each, found, asked) for each in found)
    # One answer to another question spoils the whole response: somebody is replaying (OpenID4VP 1.0 §14.1.2).
    is_replayed = any("nonce" in each.error_codes() for each in presentations)
    believed = () if is_replayed else tuple(each for each in presentations if each.report.accepted)
    query_check = _check_answer(asked, presentations, believed, is_replayed=is_replayed)
    return CheckedResponse(presentations, believed, _overall_report(presentations, believed, query_check))


@dataclass(frozen=True, slots=True)
class _Lookups:
    """What must be asked of others, and until when (by the event loop's clock) we wait for them."""

    resolver: Resolver
    until: float

    async def in_time(self, lookup: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout_at(self.until):
                return await lookup
        except TimeoutError:
            raise UndecidedError("no time was left to look it up") from None


async def verify_presentation(
    lookups: _Lookups,
    raw: str,
    *,
    query_id: str,
    position: int,
    asked: Asked,
    received_at: datetime,
    now: datetime,
) -> CheckedPresentation:
    """Run all eight checks on one presentation; what depends on a check that did not pass is not run."""
    checks = _Checks()
    credential: VerifiedCredential | None = None
    is_whole = False
    agreed: tuple[TransactionData, ...] = ()
    authorities = Authorities()
    with suppress(_EndedError):
        wanted = asked.credential_query(query_id)
        unverified = _check_format(checks, raw, wanted.format)
        is_whole = not unverified.is_selective
        key = await _check_issuer_key(checks, lookups, unverified, now)
        credential = _check_signature(checks, unverified, key)
        _check_validity(checks, credential, now)
        agreed = _check_holder_binding(checks, unverified, credential, asked, query_id, received_at)
        await _check_status(checks, lookups, credential, now)
        await _check_issuer_recognised(checks, lookups, credential, now)
        authorities = await _check_query(checks, lookups, credential, wanted, now)
    return CheckedPresentation(query_id, position, checks.report(), credential, is_whole, agreed, authorities)


# --- the eight checks of one presentation ---


def _check_format(checks: "_Checks", raw: str, expected_format: str) -> UnverifiedCredential:
    with checks.step("format", ends=True) as evidence:
        credential = parse_credential(raw)
        if credential.format != expected_format:
            raise WrongTypeError(f"asked for {expected_format}, got {credential.format}")
        evidence["format"] = credential.format
    return credential


async def _check_issuer_key(
    checks: "_Checks", lookups: _Lookups, credential: UnverifiedCredential, now: datetime
) -> PublicKey:
    with checks.step("issuer_key", ends=True) as evidence:
        key = await lookups.in_time(lookups.resolver.resolve_issuer_key(credential, now=now))
        evidence["issuer"] = shortened(credential.unverified_issuer)
        evidence["key_id"] = shortened(credential.key_id)
    return key


def shortened(identifier: str | None) -> str | None:
    """An identifier as a report keeps it: a did:jwk may be as long as its sender likes, and nobody reads it whole."""
    if identifier is None or len(identifier) <= _MAX_IDENTIFIER:
        return identifier
    return f"{identifier[:_MAX_IDENTIFIER]}…"


def _check_signature(checks: "_Checks", credential: UnverifiedCredential, key: PublicKey) -> VerifiedCredential:
    with checks.step("signature", ends=True) as evidence:
        verified = FORMATS[credential.format].verify_signature(
            credential, key=key, algorithms=ALGORITHMS[credential.format]
        )
        evidence["algorithm"] = credential.algorithm
    return verified


def _check_validity(checks: "_Checks", credential: VerifiedCredential, now: datetime) -> None:
    with checks.step("validity"):
        verify_validity(credential, now=now)


def _check_holder_binding(
    checks: "_Checks",
    presented: UnverifiedCredential,
    credential: VerifiedCredential,
    asked: Asked,
    query_id: str,
    received_at: datetime,
) -> tuple[TransactionData, ...]:
    """That we want key binding is our policy, decided before the message was seen (RFC 9901 §7.3; K-37).

    Its age is judged by when the answer came in, so that a check that is finished later finds the same. Returned is
    what the holder agreed to with the same signature; agreeing to anything else than we sent is no binding (§8.4).
    """
    agreed: tuple[TransactionData, ...] = ()
    with checks.step("holder_binding") as evidence:
        bound = FORMATS[credential.format].verify_holder_binding(
            presented,
            credential,
            algorithms=ALGORITHMS[credential.format],
            audience=asked.audience,
            nonce=asked.nonce,
            now=received_at,
        )
        agreed = verify_transaction_data(asked.transaction_data, query_id, bound.transaction_data)
        evidence["audience"] = asked.audience
        if agreed:
            evidence["transaction_data_hashes"] = list(bound.transaction_data.hashes)
    return agreed


async def _check_status(checks: "_Checks", lookups: _Lookups, credential: VerifiedCredential, now: datetime) -> None:
    """Fetched only for a credential that is authentic, in its time and the presenter's own (K-73)."""
    unmet = checks.first_unmet("signature", "validity", "holder_binding")
    if unmet is not None:
        checks.skip("status", after=unmet)
        return
    if not credential.statuses and not credential.may_hide_status:
        checks.add(Check.not_applicable("status"))
        return
    with checks.step("status") as evidence:
        if not credential.statuses:
            raise HiddenStatusError("nothing was shown that tells of a status")
        answer = await lookups.in_time(lookups.resolver.resolve_status(credential, now=now))
        if answer is None:
            raise UndecidedError("no answer about the status")
        evidence["list"] = answer.list_uri
        evidence["checked_at"] = answer.checked_at.isoformat()
        evidence["list_issued_at"] = answer.issued_at.isoformat()
        if answer.messages:
            evidence["messages"] = [shortened(message) for message in answer.messages]
        _require_valid(answer.status)
        if credential.may_hide_status:
            raise HiddenStatusError("another status may have been left out")


def _require_valid(status: Status) -> None:
    """Only VALID is valid; a value that we do not know is not (K-72, K-73)."""
    match status:
        case Status.VALID:
            return
        case Status.INVALID:
            raise RevokedError("status INVALID")
        case Status.SUSPENDED:
            raise SuspendedError("status SUSPENDED")
        case _:
            raise RejectedError("a status value that is not VALID")


async def _check_issuer_recognised(
    checks: "_Checks", lookups: _Lookups, credential: VerifiedCredential, now: datetime
) -> None:
    try:
        recognition = await lookups.in_time(lookups.resolver.trust.recognise_credential(credential, now=now))
    except UndecidedError:
        recognition = LIST_UNAVAILABLE
    checks.add(check_issuer_recognised(recognition))


async def _check_query(
    checks: "_Checks",
    lookups: _Lookups,
    credential: VerifiedCredential,
    wanted: CredentialQuery,
    now: datetime,
) -> Authorities:
    """Judged on what was disclosed and verified, never on what the wallet says it matched (V-28, K-99, A-18)."""
    authorities = Authorities()
    with checks.step("query"):
        if wanted.trusted_authorities:
            authorities = await lookups.in_time(lookups.resolver.resolve_authorities(credential, now=now))
        verify_credential_answer(wanted, credential, authorities=lambda _: authorities)
    return authorities


# --- the response as a whole ---


def _judge_level(each: CheckedPresentation, others: Sequence[CheckedPresentation], asked: Asked) -> CheckedPresentation:
    """A skill counts with the level of its own badge, and a level with a skill; DCQL cannot say so (decision 0085)."""
    wanted = counterpart_id(each.query_id)
    if asked.query.find(wanted) is None or each.credential is None or not each.report.accepted:
        return each
    achievement = _achievement_of(each.credential)
    beside = (other.credential for other in others if other.query_id == wanted and other.report.accepted)
    if any(credential is not None and _achievement_of(credential) == achievement for credential in beside):
        return each
    failed = Check.failed("query", QueryNotSatisfiedError("skill and level of two badges"), level_of_another_badge=True)
    return replace(each, report=_report([*each.report.checks[:-1], failed]))


def _achievement_of(credential: VerifiedCredential) -> tuple[str, str]:
    """Skills and level are the achievement's: two badges of one achievement, or two copies of a badge, are one here."""
    badge = badge_view(credential.claims, credential.format)
    return credential.issuer, badge.achievement_id or badge.name or credential.raw


def _check_answer(
    asked: Asked,
    presentations: Sequence[CheckedPresentation],
    believed: Sequence[CheckedPresentation],
    *,
    is_replayed: bool,
) -> Check:
    """Whether what is believed answers the question, and whether what was to be agreed to was agreed to (§8.4)."""
    shown: dict[str, list[VerifiedCredential]] = {}
    authorities: dict[str, Authorities] = {}
    for each in believed:
        if each.credential is not None:
            shown.setdefault(each.query_id, []).append(each.credential)
            authorities[each.credential.raw] = each.authorities
    if presentations and not shown:
        return _query_not_run(presentations, is_replayed=is_replayed)
    left_out = len(presentations) - len(believed)
    checks = _Checks()
    with checks.step("query") as evidence:
        if left_out:
            evidence["left_out"] = left_out
        if not shown:
            raise QueryNotSatisfiedError("nothing was shown")
        verify_answer(asked.query, shown, authorities=lambda credential: authorities[credential.raw])
        if not all(any(entry in each.agreed for each in believed) for entry in asked.transaction_data):
            raise QueryNotSatisfiedError("the holder did not agree to what was asked")
    return checks.get("query")


def _query_not_run(presentations: Sequence[CheckedPresentation], *, is_replayed: bool) -> Check:
    """Of what is not believed, nobody asks whether it answers the question: the reason stands at another check."""
    problems = [problem for each in presentations if (problem := each.report.first_problem()) is not None]
    about_query = next((problem for problem in problems if problem.code == "query"), None)
    if about_query is not None:
        return about_query
    evidence: dict[str, Any] = {"discarded": "all"} if is_replayed else {}
    if problems:
        evidence["skipped_after"] = problems[0].code
    return Check("query", Outcome.UNKNOWN, SKIPPED, evidence)


def _overall_report(
    presentations: Sequence[CheckedPresentation], believed: Sequence[CheckedPresentation], query_check: Check
) -> VerificationReport:
    """One line a check for the whole response.

    When what remained answers the question, the lines speak of that; a presentation that was left out keeps its own
    report. When it does not, the lines speak of everything that was shown, so that the reader sees what went wrong.
    """
    counted = believed if query_check.outcome is Outcome.PASSED else presentations
    checks = [_worst(code, [each.report for each in counted]) for code in CHECK_CODES[:-1]]
    return _report([*checks, query_check])


_SEVERITY = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.PASSED, Outcome.NOT_APPLICABLE)


def _worst(code: str, reports: Sequence[VerificationReport]) -> Check:
    found = [check for report in reports for check in report.checks if check.code == code]
    if not found:
        return Check(code, Outcome.UNKNOWN, SKIPPED)
    return min(found, key=lambda check: _SEVERITY.index(check.outcome))


def _report(checks: Sequence[Check]) -> VerificationReport:
    """Every check is required, but one that does not apply cannot be."""
    inapplicable = {check.code for check in checks if check.outcome is Outcome.NOT_APPLICABLE}
    return VerificationReport(tuple(checks), required=frozenset(CHECK_CODES) - inapplicable)


def _proven_holder_key(each: CheckedPresentation) -> PublicKey | None:
    proven = any(check.code == "holder_binding" and check.outcome is Outcome.PASSED for check in each.report.checks)
    return each.credential.holder_key if proven and each.credential is not None else None


# --- the list that is being filled ---


class _EndedError(Exception):
    """A check did not pass on which all later ones depend."""


@dataclass(slots=True)
class _Checks:
    """The checks so far. What was never added is reported as skipped, so that no check can be forgotten."""

    found: dict[str, Check] = field(default_factory=dict)

    @contextmanager
    def step(self, code: str, *, ends: bool = False) -> Iterator[dict[str, Any]]:
        """Run one check: passed if the block ends, else failed or unknown by the kind of error."""
        evidence: dict[str, Any] = {}
        try:
            yield evidence
        except CredentialError as exc:
            self.add(Check.failed(code, exc, **evidence))
            if ends:
                raise _EndedError from exc
        else:
            self.add(Check.passed(code, **evidence))

    def add(self, check: Check) -> None:
        self.found[check.code] = check

    def get(self, code: str) -> Check:
        return self.found[code]

    def skip(self, code: str, *, after: str) -> None:
        self.add(Check(code, Outcome.UNKNOWN, SKIPPED, {"skipped_after": after}))

    def first_unmet(self, *codes: str) -> str | None:
        return next((code for code in codes if self.found[code].outcome is not Outcome.PASSED), None)

    def report(self) -> VerificationReport:
        ended_by = next((code for code in reversed(CHECK_CODES) if code in self.found), "format")
        for code in CHECK_CODES:
            if code not in self.found:
                self.skip(code, after=ended_by)
        return _report([self.found[code] for code in CHECK_CODES])
