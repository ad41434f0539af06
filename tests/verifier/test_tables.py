"""What must be complete: words for every code, an answer for every error, migrations for every table."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.errors import CredentialError
from kernel.report import CHECK_CODES, Outcome
from kernel.trust_list import Outcome as TrustOutcome
from runtime.migrations import find_drift
from tests.conftest import NewDatabase
from verifier import errors, report_texts
from verifier.models import Base
from verifier.report_texts import answer_text, check_text, next_step_text

KERNEL = "kernel.errors"


def subclasses(base: type[CredentialError]) -> Iterator[type[CredentialError]]:
    yield base
    for each in base.__subclasses__():
        yield from subclasses(each)


def test_every_error_of_the_kernel_has_its_own_row_in_the_table() -> None:
    classes = {each for each in subclasses(CredentialError) if each.__module__ == KERNEL}
    assert classes == set(errors.RESPONSE_ANSWERS)


def test_a_kernel_error_is_answered_with_400_or_processed_and_never_422() -> None:
    assert {answer.status for answer in errors.RESPONSE_ANSWERS.values()} == {200, 400}


def test_descriptions_are_printable_ascii_without_quotes_or_backslashes() -> None:
    for answer in errors.RESPONSE_ANSWERS.values():
        text = answer.description or ""
        assert text.isascii()
        assert not set(text) & set('"\\')


@pytest.mark.parametrize("code", CHECK_CODES)
def test_V40_every_check_has_words_for_every_outcome_in_two_languages(code: str) -> None:
    assert report_texts.CHECK_TITLES[code]
    for outcome in Outcome:
        text = check_text(code, outcome.value, "skipped" if outcome in (Outcome.FAILED, Outcome.UNKNOWN) else None)
        assert text.nl
        assert text.en
        assert text.nl != text.en


def test_V40_every_error_code_and_trust_outcome_has_what_happened_what_it_means_and_what_to_do() -> None:
    codes = {each.code for each in subclasses(CredentialError) if each.__module__ == KERNEL}
    outcomes = {each.value for each in TrustOutcome} - {TrustOutcome.RECOGNISED.value}
    assert codes | outcomes | {report_texts.LEFT_OUT, report_texts.OTHER_BADGE} == set(report_texts.FAILURES)
    for failure in report_texts.FAILURES.values():
        for text in (failure.happened, failure.means, failure.do):
            assert text.nl.endswith(".")
            assert text.en.endswith(".")


def test_V40_nobody_who_checks_is_sent_to_an_issuer_for_somebody_elses_badge() -> None:
    for failure in report_texts.FAILURES.values():
        assert "Vraag de uitgever om" not in failure.in_language("nl")


def test_V40_what_is_wrong_with_the_answer_is_not_mended_by_another_badge() -> None:
    steps = {code: next_step_text(code).nl for code in report_texts.FAILURES}
    about_the_answer = {code for code, step in steps.items() if "een andere badge hiervoor" not in step}
    assert about_the_answer == {"audience", "nonce", "holder_binding", "disclosure", "signature"}
    assert all(steps[code].startswith("Reken niet op dit antwoord") for code in about_the_answer)


def test_words_for_people_hold_no_jargon() -> None:
    jargon = ("credential", "presentatie", "did:", "verifier", "claim", "token", "nonce")
    for failure in report_texts.FAILURES.values():
        assert not [word for word in jargon if word in failure.in_language("nl").lower()]


@pytest.mark.parametrize(
    ("counts", "nl"),
    [
        ((2, 2, 0, 0, 0), "Voldoet aan 2 van de 2 eisen"),
        ((3, 4, 0, 0, 0), "Voldoet aan 3 van de 4 eisen, 1 is nog niet bewezen"),
        ((1, 5, 1, 1, 1), "Voldoet aan 1 van de 5 eisen, bij 1 telt de badge niet mee, bij 1 is de "
                          "uitgever niet erkend, 1 kon niet worden nagekeken, 1 is nog niet bewezen"),
        ((1, 1, 0, 0, 0), "Voldoet aan de eis"),
        ((0, 1, 0, 0, 0), "De eis is nog niet bewezen"),
        ((0, 1, 1, 0, 0), "Voldoet niet: de badge telt niet mee"),
        ((0, 1, 0, 1, 0), "Nog niet bewezen: het kon niet worden nagekeken"),
        ((0, 1, 0, 0, 1), "Nog niet bewezen: de uitgever is niet erkend"),
    ],
)  # fmt: skip
def test_the_first_line_answers_the_question(counts: tuple[int, int, int, int, int], nl: str) -> None:
    met, required, refused, undecided, unrecognised = counts
    text = answer_text(met=met, required=required, refused=refused, undecided=undecided, unrecognised=unrecognised)
    assert text.nl == nl


def test_the_migrations_make_exactly_the_tables_of_the_models(new_database: NewDatabase) -> None:
    assert find_drift(new_database("verifier"), Base.metadata) == []


def test_use_cases_import_no_framework_and_only_the_store_speaks_sql() -> None:
    for path in (Path(errors.__file__).parent).glob("*.py"):
        names = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
            )
        }
        if path.stem not in ("app", "api"):
            assert not names & {"fastapi", "starlette", "jinja2", "httpx"}, path
        if path.stem not in ("store", "models"):
            assert "sqlalchemy" not in names, path
