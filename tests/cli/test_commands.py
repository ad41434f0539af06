"""A person does everything from the command line, against three real services on this machine."""

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from cli.local import Deployment
from cli.main import app
from cli.processes import running, wait_until_ready
from cli.skills_commands import build_available_index
from kernel.x5c import x509_hash
from tests.support.certificates import create_authority, create_leaf

DEMO = Path(__file__).resolve().parents[2] / "demo"
ACHIEVEMENT = "adviseur-lerende-regio"
HRM = "http://data.europa.eu/esco/skill/e437eba1-3e22-41f2-8703-741e94785cba"
REPORTING = "http://data.europa.eu/esco/skill/c544a9f3-5945-4b54-afed-de0697852817"
PASSPHRASE = {"SKILLSWALLET_PASSPHRASE": "correct horse battery staple 7"}

pytestmark = [pytest.mark.slow, pytest.mark.loopback]


class Terminal:
    """Types commands and reads what comes back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runner = CliRunner()

    def __call__(self, *arguments: str, status: int = 0, typed: str = "", language: str = "en") -> str:
        environment = {**PASSPHRASE, "SKILLSWALLET_DATA": str(self.folder), "COLUMNS": "200"}
        result = self._runner.invoke(app, ["--language", language, *arguments], env=environment, input=typed)
        assert result.exit_code == status, f"{arguments}: {result.exit_code}\n{result.output}\n{result.exception!r}"
        return result.output


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    made = Deployment.create(tmp_path_factory.mktemp("house") / "deployment")
    build_available_index(made.skills_path, esco=Path("/none"))
    services = made.start()
    with running(services):
        wait_until_ready(services)
        yield made


@pytest.fixture(scope="module")
def terminal(deployment):
    return Terminal(deployment.folder)


@pytest.fixture(scope="module")
def organisation(terminal):
    """An organisation with the badge of the demo, on the signed list, and a recruiter with a question."""
    terminal("issuer", "organisation", "techniek", "--name", "Stichting Techniek")
    terminal("issuer", "achievement", "-o", "techniek", str(DEMO / "achievement.json"))
    issuer = Deployment.open(terminal.folder).address("issuer")
    did = f"did:web:{issuer.removeprefix('http://').replace(':', '%3A')}:techniek"
    readable, signer = terminal.folder / "trust-list.json", terminal.folder / "trust-list-signer.jwk"
    terminal("trust", "create", str(readable), "--operator", "Test", "--scheme", "https://trust.example")
    terminal(
        *("trust", "add", str(readable), "--name", "Stichting Techniek", "-i", did),
        *("--type", f"{issuer}/vct/skill-badge/1", "--achievement-type", "Badge", "--since", "2020-01-01"),
    )
    signed = str(terminal.folder / "trust-list.jwt")
    assert "number 1" in terminal("trust", "sign", str(readable), "--signer", str(signer), "--out", signed)
    assert "Stichting Techniek" in terminal("trust", "show", signed, "--signer", str(signer))
    terminal("verifier", "relying-party", "werkt", "--name", "Werkt")
    staff = ("--email", "recruiter@werkt.example", "--name", "Recruiter")
    assert "recruiter@werkt.example can sign in now" in terminal("verifier", "operator", "-r", "werkt", *staff)
    return "techniek"


def award(terminal) -> list[tuple[str, str, str]]:
    """Award to the three students: number, link and code of each."""
    said = terminal(
        *("issuer", "award", "-o", "techniek", "-a", ACHIEVEMENT, str(DEMO / "students.csv")),
        *("--evidence", str(DEMO / "adviesrapport.md"), "--evidence-name", "Adviesrapport"),
    )
    return re.findall(r"number: (\S+)\nlink: (\S+)\ncode: (\d+)", said)


def ask(terminal, question: str) -> tuple[str, str]:
    said = terminal("verifier", "ask", "-r", "werkt", question, "--no-wait")
    found = re.search(r"link: (\S+)\nnumber: (\S+)", said)
    assert found, said
    return found[1], found[2]


def test_a_person_makes_the_whole_journey_from_the_command_line(terminal, organisation):
    awards = award(terminal)
    assert len(awards) == 3
    number, link, code = awards[0]
    assert number in terminal("issuer", "awards", "-o", organisation)
    assert ACHIEVEMENT in terminal("issuer", "achievements", "-o", organisation)

    assert "recovery code" in terminal("wallet", "create", "--name", "sanne")
    offered = terminal("wallet", "receive", link, typed=f"y\n{code}\n")
    assert "Stichting Techniek" in offered
    assert "recognised" in offered
    assert "Kept: Adviseur Lerende Regio Maas en Waal" in offered
    # Six signed forms are one badge, offered and kept.
    assert offered.count("Adviser to the Learning Region") == 1
    assert offered.count("Kept: ") == 1
    badge = offered.split()[-1]
    assert "authentic, valid and from a known issuer" in terminal("wallet", "list")
    assert json.loads(terminal("wallet", "show", badge))["state"] == "valid"

    saved = terminal(
        *("verifier", "question", "-r", "werkt", "-s", HRM, "-s", REPORTING),
        *("--title", "HR", "--purpose", "Voor de vacature"),
    )
    question = saved.split()[-1]
    listed = terminal("verifier", "questions", "-r", "werkt")
    assert question in listed
    assert "from level" not in listed
    link, presentation = ask(terminal, question)
    consent = terminal("wallet", "answer", link, typed="y\n")
    assert "Voor de vacature" in consent
    assert "And not:" in consent
    assert "Verhoeven" not in consent
    held = terminal("verifier", "result", "-r", "werkt", presentation)
    assert "Yes: everything was checked and holds." in held
    assert "Meets 2 of the 2 requirements" in held
    assert len(re.findall(r"✓ .+: proven\n  Adviseur Lerende Regio Maas en Waal, by Stichting", held)) == 2
    assert "Werkt" in terminal("wallet", "history")

    assert "revoked" in terminal("issuer", "revoke", "-o", organisation, number, "--reason", "Vergissing")
    time.sleep(1.2)
    assert "revoked" in terminal("wallet", "list")

    exported = terminal.folder.parent / "export.json"
    terminal("wallet", "export", str(exported))
    assert exported.stat().st_mode & 0o077 == 0
    assert "Verhoeven" in exported.read_text()
    terminal("wallet", "delete", badge, "--yes")
    terminal("wallet", "erase", "--yes")
    assert "not signed in" in terminal("wallet", "list", status=1)


def test_S10_a_question_at_a_level_is_listed_with_it_and_not_met_by_a_badge_without(terminal, organisation):
    _, link, code = award(terminal)[1]
    terminal("wallet", "create", "--name", "mila")
    terminal("wallet", "receive", link, "--tx-code", code, "--yes")
    terminal(
        "verifier", "question", "-r", "werkt", "-s", HRM, "--title", "HR", "--purpose", "x", "--level", "9", status=2
    )
    saved = terminal(
        *("verifier", "question", "-r", "werkt", "-s", HRM, "--title", "HR", "--purpose", "Vacature", "--level", "5")
    )
    assert "from level 5" in " ".join(terminal("verifier", "questions", "-r", "werkt").split())
    link, _ = ask(terminal, saved.split()[-1])
    terminal("wallet", "answer", link, "--yes", status=1)


def test_an_answer_that_does_not_hold_is_told_by_requirement_and_is_no_yes(terminal, organisation):
    number, link, code = award(terminal)[1]
    terminal("wallet", "create", "--name", "noor")
    terminal("wallet", "receive", link, "--tx-code", code, "--yes")
    saved = terminal("verifier", "question", "-r", "werkt", "-s", HRM, "--title", "HR", "--purpose", "Vacature")
    terminal("issuer", "revoke", "-o", organisation, number, "--reason", "Vergissing")
    link, presentation = ask(terminal, saved.split()[-1])
    terminal("wallet", "answer", link, "--yes")
    told = terminal("verifier", "result", "-r", "werkt", presentation, status=1)
    assert "the badge does not count" in told
    assert "✗ Not revoked: " in told
    assert "Not everything that you asked is proven." in told
    assert "issuer_recognised" not in told


def test_a_holder_who_says_no_shares_nothing(terminal, organisation):
    _, link, code = award(terminal)[1]
    terminal("wallet", "create", "--name", "youssef")
    terminal("wallet", "receive", link, "--tx-code", code, "--yes")
    saved = terminal("verifier", "question", "-r", "werkt", "-s", HRM, "--title", "HR", "--purpose", "Vacature")
    link, presentation = ask(terminal, saved.split()[-1])
    assert "You shared nothing." in terminal("wallet", "answer", link, typed="n\n")
    assert "refused" in terminal("verifier", "result", "-r", "werkt", presentation)


def test_a_suspended_badge_comes_back_and_a_new_offer_replaces_the_old(terminal, organisation):
    number, old_link, _ = award(terminal)[2]
    assert "suspended" in terminal("issuer", "suspend", "-o", organisation, number, "--reason", "Onderzoek")
    assert "suspended" not in terminal("issuer", "reinstate", "-o", organisation, number, "--reason", "In orde")
    renewed = terminal("issuer", "offer", "-o", organisation, number)
    link = re.search(r"link: (\S+)", renewed)
    assert link
    assert link[1] != old_link


def test_a_wrong_code_is_said_plainly_with_a_trace_id(terminal, organisation):
    _, link, code = award(terminal)[0]
    terminal("wallet", "create", "--name", "femke")
    wrong = str((int(code) + 1) % 10 ** len(code)).zfill(len(code))
    said = terminal("wallet", "receive", link, "--tx-code", wrong, "--yes", status=1)
    assert "tx_code (400)" in said
    assert "trace id for the operator" in said
    said = terminal("wallet", "receive", link, "--tx-code", wrong, "--yes", status=1, language="nl")
    assert "Dit lukte niet" in said
    assert "volgnummer voor de beheerder" in said


def test_a_field_that_is_wrong_is_named(terminal, organisation):
    bad = terminal.folder.parent / "bad.json"
    bad.write_text(json.dumps({"slug": "x", "name": "X", "description": "X", "criteria": "X", "skills": []}))
    assert "skills" in terminal("issuer", "achievement", "-o", organisation, str(bad), status=1)


def test_a_stranger_with_another_key_may_not_award(terminal, organisation):
    said = terminal("issuer", "--key", "wrong", "awards", "-o", organisation, status=1)
    assert "401" in said


def test_people_sign_in_at_the_organisations_own_provider_from_then_on(terminal, organisation):
    said = terminal(
        *("issuer", "identity-provider", "-o", organisation, "https://login.school.example", "--name", "SchoolLogin"),
        *("--client-id", "badges"),
        typed="s3cr3t\n",
    )
    assert "People now sign in at SchoolLogin" in said
    assert f"/{organisation}/sign-in/callback" in said
    assert "s3cr3t" not in said
    assert "link or a code again" in terminal("issuer", "remove-identity-provider", "-o", organisation)


def test_V04_V43_a_party_hands_in_its_certificate_asks_european_wallets_and_is_told(terminal, organisation, tmp_path):
    now = datetime.now(UTC)
    host = urlsplit(Deployment.open(terminal.folder).address("verifier")).hostname
    leaf = create_leaf(create_authority(now), now, dns_names=[host])
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(leaf.certificate.public_bytes(Encoding.PEM))
    key.write_bytes(leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    party = ("-r", "werkt")
    said = terminal("verifier", "certificate", *party, "--chain", str(chain), "--key", str(key))
    assert f"x509_hash:{x509_hash(leaf.certificate)}" in said
    saved = terminal("verifier", "question", *party, "-s", HRM, "--title", "HR", "--purpose", "Vacature")
    question = saved.split()[-1]
    asked = terminal("verifier", "ask", *party, question, "--policy", "haip", "--no-wait")
    assert "haip-vp://?client_id=x509_hash" in asked
    assert "whsec_" in terminal("verifier", "webhook", *party, "https://hooks.werkt.example/x")
    terminal("verifier", "webhook", *party, "https://127.0.0.1/x", status=1)
