"""What needs no services: languages, files, settings folders, and errors in plain words."""

import json
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.language import choose_language, say
from cli.local import Deployment, FolderInUseError, NoDeploymentError, create_passphrase, hold_folder
from cli.main import app
from cli.processes import choose_ports, is_free
from cli.recipients import UnreadableInputError, evidence_of, read_achievement, read_recipients
from cli.skills_commands import build_available_index, renew_index
from cli.trust_files import Entry, add_entry, create_list, create_signer, end_entry, read_list, sign_list
from cli.wallet_commands import standing_text
from issuer.settings import IssuerSettings
from kernel.errors import InvalidSignatureError, MalformedError
from kernel.keys import SoftwareSigner
from kernel.trust_list import Outcome
from skills.search import SkillIndex
from verifier.settings import VerifierSettings
from wallet.settings import WalletSettings

DEMO = Path(__file__).resolve().parents[2] / "demo"
NOW = datetime(2026, 5, 28, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def english():
    choose_language("en")
    yield
    choose_language("en")


def invoke(*arguments: str, **environment: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200", **environment})
    return result.exit_code, result.output


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({"LANG": "nl_NL.UTF-8"}, "nl", id="Dutch"),
        pytest.param({"LANG": "de_DE.UTF-8"}, "en", id="another"),
        pytest.param({"LANG": "nl_NL.UTF-8", "LC_ALL": "en_GB.UTF-8"}, "en", id="LC_ALL wins"),
        pytest.param({}, "en", id="none"),
    ],
)
def test_language_follows_the_environment(monkeypatch, environment, expected):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert choose_language(None) == expected
    assert say("ja", "yes") == {"nl": "ja", "en": "yes"}[expected]


def test_unknown_language_and_service_are_refused():
    assert invoke("--language", "de", "migrate", "issuer")[0] == 2
    assert invoke("migrate", "bank")[0] == 2


def test_service_without_settings_says_which_are_missing(monkeypatch):
    for name in IssuerSettings.environment_names():
        monkeypatch.delenv(name, raising=False)
    status, said = invoke("serve", "issuer")
    assert status == 1
    assert "ISSUER_PUBLIC_URL is missing" in said
    assert "ISSUER_ENCRYPTION_KEY is missing" in said


def test_service_that_is_not_there_is_said_plainly(tmp_path):
    status, said = invoke("verifier", "--data", str(tmp_path), "--url", "http://127.0.0.1:9", "questions", "-r", "x")
    assert status == 1
    assert "Nothing answers at http://127.0.0.1:9." in said
    assert "skillswallet up" in said


test_service_that_is_not_there_is_said_plainly = pytest.mark.loopback(test_service_that_is_not_there_is_said_plainly)


def test_deployment_settings_start_each_service_and_are_for_their_owner_only(tmp_path):
    made = Deployment.create(tmp_path / "house")
    for name, settings in (("issuer", IssuerSettings), ("wallet", WalletSettings), ("verifier", VerifierSettings)):
        read = settings.from_environment(made.environment(name))
        assert read.public_url == made.address(name)
        assert read.allow_http_for_local_development
        assert read.trust_list_signer_jwk() == dict(made.trust_list_signer().public_key.jwk)
        assert stat.S_IMODE((made.folder / f"{name}.env").stat().st_mode) == 0o600
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700
    keys = {made.environment(name)[f"{name.upper()}_ENCRYPTION_KEY"] for name in ("issuer", "wallet", "verifier")}
    assert len(keys) == 3


def test_deployment_is_the_same_when_opened_again(tmp_path):
    made = Deployment.create(tmp_path / "house")
    made.api_keys["verifier/x"] = "key"
    made.save()
    assert Deployment.open(tmp_path / "house") == made


def test_new_deployment_erases_an_earlier_one_and_nothing_else(tmp_path):
    first = Deployment.create(tmp_path / "house")
    second = Deployment.create(tmp_path / "house")
    assert first.admin_keys != second.admin_keys
    (tmp_path / "house" / "thesis.txt").write_text("years of work")
    with pytest.raises(FolderInUseError):
        Deployment.create(tmp_path / "house")
    assert (tmp_path / "house" / "thesis.txt").read_text() == "years of work"


def test_folder_that_was_never_ours_is_left_alone(tmp_path):
    (tmp_path / "issuer.env").write_text("mine")
    with pytest.raises(FolderInUseError):
        Deployment.create(tmp_path)
    assert (tmp_path / "issuer.env").read_text() == "mine"
    status, said = invoke("demo", "--data", str(tmp_path))
    assert status == 1
    assert "--data" in said


def test_folder_of_running_services_is_not_erased(tmp_path):
    Deployment.create(tmp_path / "house")
    with hold_folder(tmp_path / "house"):
        status, said = invoke("demo", "--data", str(tmp_path / "house"))
    assert status == 1
    assert "still running" in said
    assert Deployment.open(tmp_path / "house")
    with hold_folder(tmp_path / "house"):
        Deployment.create(tmp_path / "house")


def test_folder_without_deployment_is_no_deployment(tmp_path):
    with pytest.raises(NoDeploymentError):
        Deployment.open(tmp_path)


@pytest.mark.loopback
def test_ports_that_are_taken_are_replaced_by_others():
    import socket

    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        taken = busy.getsockname()[1]
        assert not is_free(taken)
        chosen = choose_ports([taken, taken])
    assert taken not in chosen
    assert len(set(chosen)) == 2


@pytest.mark.loopback
def test_a_port_is_chosen_once_also_before_anybody_listens_there():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        wanted = probe.getsockname()[1]
    [first] = choose_ports([wanted])
    assert is_free(first)
    assert choose_ports([first]) != [first]


def test_passphrases_differ_and_are_long():
    made = {create_passphrase() for _ in range(100)}
    assert len(made) == 100
    assert all(len(passphrase) == 29 for passphrase in made)


def test_recipients_of_the_demo_are_three_invented_students():
    people = read_recipients(DEMO / "students.csv")
    assert len(people) == 3
    assert all(person["email"].endswith(".example") for person in people)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param("given_name,email\nA,a@b.example\n", "family_name", id="a column is missing"),
        pytest.param("given_name,family_name,email\nA,,a@b.example\n", "line 2", id="a cell is empty"),
        pytest.param("given_name,family_name,email\nA,B\n", "line 2", id="a line is short"),
        pytest.param("", "given_name", id="nothing in it"),
    ],
)
def test_recipients_that_are_not_as_described_are_refused(tmp_path, content, complaint):
    path = tmp_path / "people.csv"
    path.write_text(content)
    with pytest.raises(UnreadableInputError, match=complaint):
        read_recipients(path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"given_name,family_name,email\nAndr\xe9,B,a@b.example\n", "no UTF-8", id="Latin 1"),
        pytest.param("given_name,family_name,email\n".encode("utf-16-le"), "lacks the column", id="UTF-16 unmarked"),
        pytest.param(
            b'given_name,family_name,email\n"' + b"A" * 200_000 + b'",B,a@b.example\n', "CSV", id="a huge cell"
        ),
        pytest.param(b'"' + b"A" * 200_000 + b'"\n', "CSV", id="a huge heading"),
    ],
)
def test_recipients_in_a_file_that_cannot_be_read_are_refused_in_words(tmp_path, content, complaint):
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableInputError, match=complaint):
        read_recipients(path)


def test_recipients_survive_a_byte_order_mark_and_spaces(tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("﻿given_name,family_name,email\n Zoë , de Vries ,zoe@b.example\n", encoding="utf-8")
    assert read_recipients(path) == [{"given_name": "Zoë", "family_name": "de Vries", "email": "zoe@b.example"}]


def test_B09_evidence_carries_the_digest_of_exactly_these_bytes(tmp_path):
    path = tmp_path / "report.txt"
    path.write_bytes(b"abc")
    evidence = evidence_of(path, name="Report", description="")
    assert evidence["digest"] == "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="


def test_achievement_of_the_demo_has_real_skills_and_its_picture():
    achievement = read_achievement(DEMO / "achievement.json")
    assert len(achievement["skills"]) >= 4
    assert achievement["image"].startswith("data:image/svg+xml;base64,")
    assert all(skill["uri"].startswith("http://data.europa.eu/esco/skill/") for skill in achievement["skills"])


def test_skills_of_the_demo_are_named_as_esco_names_them(tmp_path):
    esco = DEMO.parents[1] / "shared" / "data" / "esco"
    if not esco.is_dir():
        pytest.skip("../shared/data/esco is not there")
    summary, is_complete = build_available_index(tmp_path / "index", esco=esco)
    assert is_complete
    assert summary.skills > 13_000
    index = SkillIndex.open(tmp_path / "index")
    for skill in json.loads((DEMO / "achievement.json").read_text())["achievement"]["skills"]:
        found = index.get(skill["uri"])
        assert found is not None
        assert dict(found.labels) == skill["labels"]


def test_without_the_esco_files_the_demos_own_skills_are_searchable(tmp_path):
    summary, is_complete = build_available_index(tmp_path / "index", esco=tmp_path)
    assert not is_complete
    assert summary.skills == 6
    found = SkillIndex.open(tmp_path / "index").search("personeelsb", language="nl")
    assert [skill.label("nl") for skill in found] == ["personeelsbeleid"]


def test_up_makes_an_index_of_an_older_version_anew_and_leaves_a_readable_one(tmp_path, monkeypatch):
    monkeypatch.setattr("cli.skills_commands.build_available_index", partial(build_available_index, esco=tmp_path))
    path = tmp_path / "index"
    with closing(sqlite3.connect(path)) as older:
        older.execute("PRAGMA user_version = 1")
    renew_index(path)
    made = path.read_bytes()
    assert len(SkillIndex.open(path).search("personeelsb", language="nl")) == 1
    monkeypatch.delattr("cli.skills_commands.build_available_index")
    renew_index(path)
    assert path.read_bytes() == made


def test_skills_command_shows_the_notice_and_says_which_language(tmp_path):
    build_available_index(tmp_path / "index", esco=tmp_path)
    status, said = invoke("-l", "nl", "skills", "search", "advise on pers", "--index", str(tmp_path / "index"))
    assert status == 0
    assert "advise on personnel management" in said
    assert "This service uses the ESCO classification of the European Commission." in said


class TestTrustList:
    """T-02 to T-04, as files."""

    @pytest.fixture
    def files(self, tmp_path):
        readable, signed, key = tmp_path / "list.json", tmp_path / "list.jwt", tmp_path / "key.jwk"
        create_list(readable, operator="Test", scheme="https://trust.example", territory="NL", now=NOW)
        return readable, signed, create_signer(key)

    def test_T02_who_was_added_is_recognised_for_that_and_nothing_else(self, files):
        readable, signed, signer = files
        since = NOW - timedelta(days=1)
        add_entry(readable, Entry("School", ("did:web:a.example",), "issuance", since, credential_types=("badge",)))
        made = sign_list(readable, signed, signer=signer, valid_for=timedelta(days=1), now=NOW)
        assert made == read_list(signed, signer_jwk=signer.public_key.jwk, now=NOW)

        def outcome(did, types, at=NOW):
            return made.recognise(
                identifiers={did}, key=None, service="issuance", types=types, achievement_type=None, at=at
            ).outcome

        assert outcome("did:web:a.example", {"badge"}) is Outcome.RECOGNISED
        assert outcome("did:web:a.example", {"diploma"}) is Outcome.NOT_FOR_THIS_TYPE
        assert outcome("did:web:b.example", {"badge"}) is Outcome.NOT_LISTED
        assert outcome("did:web:a.example", {"badge"}, NOW - timedelta(days=2)) is Outcome.NOT_LISTED

    def test_T03_each_signed_list_has_a_higher_number(self, files):
        readable, signed, signer = files
        numbers = [
            sign_list(readable, signed, signer=signer, valid_for=timedelta(days=1), now=NOW).sequence for _ in range(3)
        ]
        assert numbers == [1, 2, 3]

    def test_T03_another_signer_is_refused(self, files):
        readable, signed, signer = files
        sign_list(readable, signed, signer=signer, valid_for=timedelta(days=1), now=NOW)
        with pytest.raises(InvalidSignatureError):
            read_list(signed, signer_jwk=SoftwareSigner.generate("ES256").public_key.jwk, now=NOW)

    def test_neither_list_nor_key_is_overwritten(self, files, tmp_path):
        with pytest.raises(FileExistsError):
            create_list(files[0], operator="X", scheme="https://x.example", territory="NL", now=NOW)
        with pytest.raises(FileExistsError):
            create_signer(tmp_path / "key.jwk")
        assert stat.S_IMODE((tmp_path / "key.jwk").stat().st_mode) == 0o600
        status, said = invoke("trust", "create", str(files[0]), "--operator", "X", "--scheme", "https://x.example")
        assert status == 1
        assert "there already" in said


def test_T04_an_issuer_that_is_gone_keeps_its_history_and_names_its_archive(tmp_path: Path) -> None:
    readable, signed, did = tmp_path / "list.json", tmp_path / "list.jwt", "did:web:a.example"
    signer = create_signer(tmp_path / "key.json")
    create_list(readable, operator="Regio", scheme="https://list.example", territory="NL", now=NOW)
    issuing = Entry("School", (did,), "issuance", NOW - timedelta(days=9), credential_types=("badge",))
    add_entry(readable, issuing)
    add_entry(readable, replace(issuing, service="verification"))
    end_entry(readable, did, archive_keys=["A" * 43], since=NOW - timedelta(days=1))
    trust_list = sign_list(readable, signed, signer=signer, valid_for=timedelta(days=1), now=NOW)
    assert trust_list.find_archive_keys(did) == {"A" * 43}
    asked = {"identifiers": {did}, "key": None, "types": {"badge"}, "achievement_type": None}
    for days, outcome in ((2, "recognised"), (0, "withdrawn")):
        at = NOW - timedelta(days=days)
        assert trust_list.recognise(**asked, service="issuance", at=at).outcome == outcome
    for identifier, key in (("did:web:b.example", "A" * 43), (did, "short")):
        with pytest.raises(MalformedError):
            end_entry(readable, identifier, archive_keys=[key], since=NOW)


@pytest.mark.parametrize(
    ("state", "recognition", "says"),
    [
        ("valid", "recognised", "authentic, valid and from a known issuer"),
        ("valid", "not_for_this_type", "the issuer is not recognised for this kind of badge"),
        ("valid", "withdrawn", "the issuer is no longer recognised"),
        ("valid", "list_unavailable", "whether the issuer is known could not be checked"),
        ("valid", "not_listed", "we do not know the issuer"),
        ("revoked", "recognised", "revoked"),
        ("not_yet_valid", "recognised", "not valid yet"),
        ("unknown", "recognised", "could not be checked"),
    ],
)
def test_T01_a_badge_in_the_list_is_told_with_both_answers(state: str, recognition: str, says: str) -> None:
    said = standing_text({"state": state, "recognition": {"outcome": recognition}})
    assert said.endswith(says)
    assert said == says or "valid" in said
