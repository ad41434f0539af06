"""kernel.report: verdicts are values, and acceptance is never the default. PROFILE.md V-40, K-74, T-01."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import RevokedError, UndecidedError
from kernel.report import CHECK_CODES, Check, Outcome, VerificationReport

ALL = frozenset(CHECK_CODES)


def check(code: str, outcome: Outcome = Outcome.PASSED) -> Check:
    return Check(code, outcome, "revoked" if outcome in (Outcome.FAILED, Outcome.UNKNOWN) else None)


def report(*without: str, required: frozenset[str] = ALL, **outcomes: Outcome) -> VerificationReport:
    checks = [check(code, outcomes.get(code, Outcome.PASSED)) for code in CHECK_CODES if code not in without]
    return VerificationReport(tuple(checks), required)


def test_V40_when_every_required_check_passed_the_presentation_is_accepted():
    assert report().accepted


@pytest.mark.parametrize("required", [frozenset(), ALL, frozenset({"signature"})])
def test_V40_an_empty_report_is_never_accepted(required):
    assert not VerificationReport((), required).accepted


def test_V40_checks_that_nobody_required_accept_nothing():
    assert not report(required=frozenset()).accepted


@pytest.mark.parametrize("code", CHECK_CODES)
def test_V40_a_required_check_that_was_not_made_is_not_accepted(code):
    assert not report(code).accepted
    assert report(code).outcome(code) is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("code", "outcome"),
    list(itertools.product(CHECK_CODES, [Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_APPLICABLE])),
)
def test_V40_K74_a_required_check_that_failed_is_unknown_or_does_not_apply_is_not_accepted(code, outcome):
    assert not report(**{code: outcome}).accepted
    assert report(required=ALL - {code}, **{code: outcome}).accepted


def test_V40_the_worst_of_a_check_made_twice_counts():
    twice = (*report().checks, check("status", Outcome.UNKNOWN))
    assert not VerificationReport(twice, ALL).accepted
    assert VerificationReport((*twice, check("status", Outcome.FAILED)), ALL).outcome("status") is Outcome.FAILED


def test_T01_a_valid_signature_and_a_recognised_issuer_are_two_checks():
    unrecognised = report(issuer_recognised=Outcome.FAILED)
    assert unrecognised.outcome("signature") is Outcome.PASSED
    assert not unrecognised.accepted


def test_V40_checks_say_what_they_were_judged_on():
    passed = Check.passed("status", list_uri="https://s.example/1")
    assert (passed.outcome, passed.error_code, passed.evidence) == (
        Outcome.PASSED,
        None,
        {"list_uri": "https://s.example/1"},
    )
    assert Check.not_applicable("status").outcome is Outcome.NOT_APPLICABLE


def test_V40_K74_a_failure_carries_its_code_and_what_could_not_be_decided_is_unknown():
    failed = Check.failed("status", RevokedError("detail for the log"), index=7)
    assert (failed.outcome, failed.error_code, failed.evidence) == (Outcome.FAILED, "revoked", {"index": 7})
    undecided = Check.failed("status", UndecidedError())
    assert (undecided.outcome, undecided.error_code) == (Outcome.UNKNOWN, "undecided")


@pytest.mark.parametrize(
    "arguments",
    [
        ("taste", Outcome.PASSED, None),
        ("status", Outcome.FAILED, None),
        ("status", Outcome.UNKNOWN, None),
        ("status", Outcome.PASSED, "revoked"),
        ("status", Outcome.NOT_APPLICABLE, "revoked"),
    ],
)
def test_V40_a_check_of_another_name_or_without_its_reason_is_our_own_mistake(arguments):
    with pytest.raises(ValueError, match="check"):
        Check(*arguments)


def test_V40_requiring_a_check_that_does_not_exist_is_our_own_mistake():
    with pytest.raises(ValueError, match="required"):
        VerificationReport((), frozenset({"taste"}))


def test_V40_the_first_problem_is_a_failure_of_a_required_check_before_all_others():
    assert report().first_problem() is None
    mixed = report(
        required=ALL - {"format"}, format=Outcome.FAILED, validity=Outcome.UNKNOWN, issuer_recognised=Outcome.FAILED
    )
    found = mixed.first_problem()
    assert found is not None
    assert found.code == "issuer_recognised"


def test_V40_a_report_is_json_in_the_order_of_the_checks():
    stored = json.loads(json.dumps(report(status=Outcome.FAILED).as_json()))
    assert stored["accepted"] is False
    assert stored["required"] == list(CHECK_CODES)
    assert stored["checks"][5] == {"code": "status", "outcome": "failed", "error_code": "revoked", "evidence": {}}


@given(
    st.sets(st.sampled_from(CHECK_CODES)), st.lists(st.tuples(st.sampled_from(CHECK_CODES), st.sampled_from(Outcome)))
)
def test_V40_nothing_is_accepted_unless_all_that_is_required_passed(required, made):
    judged = VerificationReport(tuple(check(code, outcome) for code, outcome in made), frozenset(required))
    passed = {code for code, outcome in made if outcome is Outcome.PASSED}
    others = {code for code, outcome in made if outcome is not Outcome.PASSED}
    assert judged.accepted == (bool(required) and required <= passed and not required & others)
