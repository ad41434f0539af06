"""`skillswallet inspect`: one badge at a terminal, and what its exit status says. Issue 3, item 9."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.inspect_command import escaped
from cli.main import app
from cli.trust_files import Entry, add_entry, create_list, create_signer, sign_list
from kernel.baking import bake
from kernel.keys import SoftwareSigner
from kernel.trust_list import State
from runtime.clock import utc_now
from tests.kernel.test_importing import PNG, SIGNED_BADGE, clr, measured_badge, sign, small_badge

TEXT = json.dumps(SIGNED_BADGE)


def inspect(
    *arguments: str, typed: bytes = b"", language: str = "nl", environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    environment = {"COLUMNS": "200", **(environment or {})}
    result = CliRunner().invoke(app, ["-l", language, "inspect", *arguments], input=typed, env=environment)
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("language", "says"),
    [("nl", "Deze badge is echt en geldig"), ("en", "This badge is authentic and valid")],
)
def test_a_badge_that_holds_is_believed(tmp_path: Path, language: str, says: str) -> None:
    path = tmp_path / "badge.png"
    path.write_bytes(bake(PNG, TEXT))
    for arguments, typed in ((str(path),), b""), ((TEXT,), b""), (("-",), TEXT.encode()):
        status, output = inspect(*arguments, "--any-issuer", typed=typed, language=language)
        assert status == 0
        assert says in output


@pytest.mark.parametrize(
    ("subject", "status", "says"),
    [
        (json.dumps({**SIGNED_BADGE, "name": "Iets anders"}), 1, "Deze badge klopt niet"),
        (json.dumps({**SIGNED_BADGE, "proof": []}), 2, "Niemand heeft deze badge ondertekend"),
        ("dit is geen badge", 1, "Dit is geen badge"),
        ("https://127.0.0.1/badge", 2, "We konden dit webadres nu niet openen"),
        ("x" * 5000, 1, "Dit is geen badge"),
        (json.dumps({**SIGNED_BADGE, "image": "x" * 600_000}), 2, "te groot of te ingewikkeld"),
        (
            json.dumps(clr(*[small_badge(f"urn:uuid:{number}") for number in range(21)])),
            2,
            "te groot of te ingewikkeld",
        ),
        ("https://192.168.1.1/x", 2, "mag van hier niet worden geopend"),
        ("map/badge.png", 2, "Er is geen bestand met deze naam"),
        ("badge.png", 2, "Er is geen bestand met deze naam"),
        (str(Path(__file__).parent), 2, "Dit is een map"),
    ],
    ids=[
        "changed",
        "unsigned",
        "sentence",
        "private-address",
        "long",
        "large",
        "many",
        "refused-address",
        "no-file-in-folder",
        "no-file",
        "folder",
    ],
)
def test_the_exit_status_tells_refuted_from_not_checked(subject: str, status: int, says: str) -> None:
    found, output = inspect(subject)
    assert found == status
    assert says in output


def test_A51_a_badge_of_another_than_was_asked_for_is_no_yes() -> None:
    status, output = inspect(TEXT, "--email", "someone@else.example")
    assert status == 1
    assert "niet aan dit e-mailadres" in output


def test_programs_get_the_report_and_nothing_else() -> None:
    status, output = inspect("https://127.0.0.1/badge", "--json")
    assert status == 2
    assert json.loads(output)["verdict"] == "unproven"


def test_A43_a_file_that_is_too_large_is_read_no_further(tmp_path: Path) -> None:
    path = tmp_path / "zeros"
    path.write_bytes(bytes(20_000_000))
    status, output = inspect(str(path))
    assert status == 2
    assert "te groot" in output


def test_A43_json_for_programs_commands_no_terminal() -> None:
    """Direction marks and escapes would show another text than a program reads. Trojan Source, CVE-2021-42574."""
    said = {"name": "a\u202eb\x1b[2J\u2066c é \u2028"}
    shown = escaped(json.dumps(said, ensure_ascii=False, indent=2))
    assert json.loads(shown) == said
    assert all(letter.isprintable() or letter == "\n" for letter in shown)
    assert "é" in shown


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "nl",
            ("Eindbeoordeling: Goed: Niveau 3 (nodig: Voldoende", "7,5 (op een schaal van 1 tot 10", "Stand: gehaald"),
        ),
        ("en", ("Eindbeoordeling: Goed: Niveau 3 (needed: Voldoende", "7.5 (on a scale from 1 to 10", "Stand: passed")),
    ],
)
def test_B07_every_result_is_told_and_not_the_grade_alone(language: str, said: tuple[str, ...]) -> None:
    _, output = inspect(json.dumps(measured_badge()), language=language)
    for words in said:
        assert words in " ".join(output.split())


ISSUER = SIGNED_BADGE["issuer"]["id"]
DAY = timedelta(days=1)


@dataclass
class Ecosystem:
    """Who keeps a list of recognised parties, in a folder."""

    folder: Path
    signer: SoftwareSigner

    @property
    def options(self) -> tuple[str, ...]:
        return ("--trust-list", str(self.folder / "list.jwt"), "--trust-signer", str(self.folder / "signer.jwk"))

    def sign(self, *entries: Entry, valid_for: timedelta = DAY) -> None:
        readable = self.folder / "list.json"
        readable.unlink(missing_ok=True)
        create_list(readable, operator="Keurhuis", scheme="https://trust.example", territory="NL", now=utc_now())
        for entry in entries:
            add_entry(readable, entry)
        sign_list(readable, self.folder / "list.jwt", signer=self.signer, valid_for=valid_for, now=utc_now())


@pytest.fixture
def ecosystem(tmp_path: Path) -> Ecosystem:
    return Ecosystem(tmp_path, create_signer(tmp_path / "signer.jwk"))


def entry(
    identifier: str = ISSUER, *, state: State = "granted", types: tuple[str, ...] = ("OpenBadgeCredential",)
) -> Entry:
    return Entry(
        name="Hogeschool",
        identifiers=(identifier,),
        service="issuance",
        since=utc_now() - 3650 * DAY,
        state=state,
        credential_types=types,
    )


def test_T01_without_a_list_nobody_says_who_the_issuer_is_and_that_is_no_yes() -> None:
    """Anybody makes a key and calls himself a university."""
    for language, says in ("nl", "Niet gevraagd: er is geen lijst gegeven"), ("en", "Not asked: no list was given"):
        status, output = inspect(TEXT, language=language)
        assert status == 2
        assert says in output
        status, output = inspect(TEXT, "--any-issuer", language=language)
        assert status == 0
        assert says in output


@pytest.mark.parametrize(
    ("entries", "status", "says"),
    [
        ([entry()], 0, "Ja (Keurhuis: Hogeschool)"),
        ([], 2, "Nee: hij staat niet op de lijst"),
        ([entry("did:web:other.example")], 2, "Nee: hij staat niet op de lijst"),
        ([entry(types=("https://types.example/diploma",))], 2, "Niet voor dit soort badges (Keurhuis: Hogeschool)"),
        ([entry(state="withdrawn")], 1, "Nee, niet meer (Keurhuis: Hogeschool)"),
    ],
    ids=["recognised", "empty", "other", "other-type", "withdrawn"],
)
def test_T01_T02_a_list_says_whether_the_issuer_is_recognised(
    ecosystem: Ecosystem, entries: list[Entry], status: int, says: str
) -> None:
    ecosystem.sign(*entries)
    found, output = inspect(TEXT, *ecosystem.options)
    assert found == status
    assert says in output
    # Whoever takes any issuer still hears the answer, and a withdrawal stays a no.
    found, output = inspect(TEXT, "--any-issuer", *ecosystem.options)
    assert found == (1 if status == 1 else 0)
    assert says in output


def test_T03_a_list_of_another_signer_or_that_is_none_recognises_nobody(ecosystem: Ecosystem, tmp_path: Path) -> None:
    ecosystem.sign(entry())
    create_signer(tmp_path / "other.jwk")
    status, output = inspect(TEXT, *ecosystem.options[:2], "--trust-signer", str(tmp_path / "other.jwk"))
    assert status == 2
    assert "Kon niet worden nagekeken" in output
    (tmp_path / "list.jwt").write_text("nothing")
    assert inspect(TEXT, *ecosystem.options)[0] == 2


def test_T01_a_badge_that_does_not_hold_is_a_no_whoever_is_on_the_list(ecosystem: Ecosystem) -> None:
    ecosystem.sign(entry())
    changed = json.dumps({**SIGNED_BADGE, "name": "Iets anders"})
    status, output = inspect(changed, *ecosystem.options)
    assert status == 1
    assert "Niet gevraagd: het is niet zeker wie hem ondertekende" in output


def test_T01_a_record_is_believed_when_the_issuer_of_each_badge_in_it_is_recognised(ecosystem: Ecosystem) -> None:
    """Who put them together does not speak for those who issued them."""
    record = json.dumps(sign(clr(SIGNED_BADGE)))
    ecosystem.sign(entry())
    status, output = inspect(record, *ecosystem.options)
    assert status == 0
    assert "Ja (Keurhuis: Hogeschool)" in output
    ecosystem.sign()
    assert inspect(record, *ecosystem.options)[0] == 2
    assert inspect(record)[0] == 2


def test_T01_programs_get_both_answers(ecosystem: Ecosystem) -> None:
    status, output = inspect(TEXT, "--json")
    found = json.loads(output)
    assert (status, found["verdict"], found["recognition"], found["recognition_asked"]) == (2, "proven", None, False)
    ecosystem.sign(entry())
    status, output = inspect(TEXT, "--json", *ecosystem.options)
    found = json.loads(output)
    assert (status, found["verdict"], found["recognition_asked"]) == (0, "proven", True)
    assert found["recognition"] == {"outcome": "recognised", "list_name": "Keurhuis", "entity_name": "Hogeschool"}


def test_T02_the_list_may_stand_in_the_environment_and_the_key_in_the_text(ecosystem: Ecosystem) -> None:
    ecosystem.sign(entry())
    place, key = ecosystem.options[1], json.dumps(ecosystem.signer.public_key.jwk)
    named = {"SKILLSWALLET_TRUST_LIST": place, "SKILLSWALLET_TRUST_SIGNER": key}
    assert inspect(TEXT, environment=named)[0] == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--trust-list", "https://trust.example/list"), "these two go together"),
        (("--trust-signer", "{}"), "these two go together"),
        (("--trust-list", "/none/list.jwt", "--trust-signer", "{}"), "there is no such file"),
        (("--trust-list", "https://trust.example/list", "--trust-signer", "key"), "this is no JWK"),
        (("--trust-list", "https://trust.example/list", "--trust-signer", "[]"), "this is no JWK"),
        (("--trust-list", "https://trust.example/list", "--trust-signer", '{"kty": "EC"}'), "this is no JWK"),
    ],
)
def test_T03_half_a_list_is_refused_before_anything_is_judged(options: tuple[str, ...], says: str) -> None:
    status, output = inspect(TEXT, *options, language="en")
    assert status == 2
    assert says in output
    assert "How it was checked" not in output


def test_the_exit_status_is_told_in_the_help() -> None:
    _, output = inspect("--help")
    assert all(f"Exit status {status}" in output for status in (0, 1, 2))
