"""A badge and the archive of its issuer, on a machine without network, years later."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

import cli.issuer_commands
from cli.archived import judge_with_archive, read_file
from cli.main import app
from issuer.credential_issuer import get_issuer
from issuer.signing_keys import get_signer
from issuer.status import open_status_list
from issuer.status_lists import PURPOSES
from kernel.archive import VerifiedArchive, parse_archive, verify_archive
from kernel.errors import MalformedError, UntrustedIssuerError
from kernel.formats import FORMATS, IssuerIdentity, StatusKind, StatusReference
from kernel.importing import ImportReport, Verdict
from kernel.keys import SoftwareSigner
from kernel.report import Outcome
from runtime.database import run_blocking
from tests.issuer.conftest import LDP_SD, ORG, VCDM, Issuer, create_issuer
from tests.support.badges import create_test_dataset, issue_badge
from tests.support.clock import FixedClock

DAY = timedelta(days=1)


@pytest.fixture
async def issuer(new_sqlite_database, clock: FixedClock):
    made = await create_issuer(new_sqlite_database("issuer"), clock)
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


async def archive_of(issuer: Issuer) -> tuple[bytes, str]:
    response = await issuer.api("GET", f"/organisations/{ORG}/archive")
    assert response.status_code == 200, response.text
    return response.content, response.headers["archive-signer-thumbprint"]


async def read_archive(issuer: Issuer) -> VerifiedArchive:
    content, thumbprint = await archive_of(issuer)
    return verify_archive(parse_archive(content), signer_thumbprints={thumbprint})


async def rotate(issuer: Issuer, algorithm: str = "ES256") -> None:
    response = await issuer.api("POST", f"/organisations/{ORG}/signing-keys", json={"algorithm": algorithm})
    assert response.status_code == 201


@pytest.mark.parametrize("configuration", [None, VCDM, LDP_SD])
async def test_a_badge_is_believed_by_the_archive_alone(
    issuer: Issuer, configuration: str | None, tmp_path: Path
) -> None:
    named = {} if configuration is None else {"configuration": configuration}
    [before] = await issuer.fetch(**named)
    issuer.clock.advance(DAY)
    await rotate(issuer)
    [after] = await issuer.fetch(**named)
    issuer.clock.advance(DAY)
    archive = await read_archive(issuer)
    for raw in (before, after):
        if configuration == LDP_SD:
            raw = FORMATS["ldp_vc"].present_unbound(raw, disclose=())
        report = judged(raw, archive, tmp_path, now=issuer.clock() + 400 * DAY)
        assert report.verdict is Verdict.PROVEN
        assert report.signer is not None
        assert (report.signer.issuer, report.archived_at) == (archive.did, issuer.clock())
        assert {report.check(code).reason for code in ("issuer_key", "status")} == {"archived"}


@pytest.mark.parametrize(("change", "code"), [("revoke", "revoked"), ("suspend", "suspended")])
async def test_A10_a_badge_that_was_withdrawn_stays_so(issuer: Issuer, change: str, code: str, tmp_path: Path) -> None:
    award = await issuer.award()
    [raw] = await issuer.fetch(award)
    await issuer.change(award["id"], change)
    refused(raw, await read_archive(issuer), code, issuer, tmp_path)


async def test_A10_what_a_withdrawn_key_signed_is_not_believed(issuer: Issuer, tmp_path: Path) -> None:
    [raw] = await issuer.fetch()
    await rotate(issuer)
    await issuer.api("DELETE", f"/organisations/{ORG}/signing-keys/es256-2026-1")
    refused(raw, await read_archive(issuer), "issuer", issuer, tmp_path)


async def test_a_badge_issued_after_the_archive_was_made_is_not_decided(issuer: Issuer, tmp_path: Path) -> None:
    archive = await read_archive(issuer)
    issuer.clock.advance(2 * DAY)
    [raw] = await issuer.fetch()
    refused(raw, archive, "undecided", issuer, tmp_path)


async def test_a_badge_whose_time_is_over_or_that_was_changed_is_refused(issuer: Issuer, tmp_path: Path) -> None:
    expires_at = (issuer.clock() + 30 * DAY).isoformat()
    [raw] = await issuer.fetch(await issuer.award(expires_at=expires_at))
    archive = await read_archive(issuer)
    head, _, rest = raw.partition("~")
    broken = head[:-8] + ("A" if head[-8] != "A" else "B") + head[-7:]
    refused(f"{broken}~{rest}", archive, "signature", issuer, tmp_path)
    issuer.clock.advance(40 * DAY)
    refused(raw, archive, "expired", issuer, tmp_path)


async def test_a_badge_of_another_organisation_is_not_in_this_archive(issuer: Issuer, tmp_path: Path) -> None:
    [raw] = await issuer.fetch()
    await issuer.add_organisation("ander")
    response = await issuer.api("GET", "/organisations/ander/archive")
    archive = verify_archive(
        parse_archive(response.content), signer_thumbprints={response.headers["archive-signer-thumbprint"]}
    )
    with pytest.raises(UntrustedIssuerError):
        judged(raw, archive, tmp_path, now=issuer.clock())


def judged(raw: str, archive: VerifiedArchive, folder: Path, *, now: datetime) -> ImportReport:
    (folder / "badge").write_text(raw + "\n")
    return judge_with_archive(folder / "badge", archive, now=now)


def refused(raw: str, archive: VerifiedArchive, code: str, issuer: Issuer, folder: Path) -> None:
    report = judged(raw, archive, folder, now=issuer.clock())
    assert report.verdict is not Verdict.PROVEN
    assert code in {check.reason for check in report.checks if check.outcome in (Outcome.FAILED, Outcome.UNKNOWN)}


async def test_the_command_says_in_plain_words_what_it_found(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [raw] = await issuer.fetch()
    content, thumbprint = await archive_of(issuer)
    (tmp_path / "school.archive").write_bytes(content)
    (tmp_path / "badge.txt").write_text(raw + "\n")
    monkeypatch.setattr(cli.issuer_commands, "utc_now", issuer.clock)
    files = [str(tmp_path / "school.archive"), str(tmp_path / "badge.txt")]
    good = run(*files, "--signer", thumbprint)
    assert (good.exit_code, "Genuine, issued by Organisatie stmw" in good.output) == (0, True)
    assert "when the archive was made" in good.output
    other = run(*files, "--signer", SoftwareSigner.generate("Ed25519").public_key.thumbprint)
    assert (other.exit_code, "code: issuer" in other.output) == (1, True)


def run(*arguments: str) -> Any:
    given = ["--language", "en", "issuer", "check-archived", *arguments]
    return CliRunner().invoke(app, given, env={"COLUMNS": "200"})


@pytest.mark.parametrize(("value", "code"), [(None, None), (1, "revoked"), (2, "suspended")])
async def test_a_badge_with_an_embedded_proof_is_judged_by_its_own_kind_of_list(
    issuer: Issuer, value: int | None, code: str | None, tmp_path: Path
) -> None:
    raw = await issue_with_proof(issuer, value=value)
    archive = await read_archive(issuer)
    if code is not None:
        refused(raw, archive, code, issuer, tmp_path)
        return
    assert judged(raw, archive, tmp_path, now=issuer.clock()).check("status").reason == "archived"


async def issue_with_proof(issuer: Issuer, *, value: int | None) -> str:
    """A badge in a fresh Bitstring Status List of this issuer, where a decoy has this value, or at a free place."""
    settings, now, kind = issuer.settings, issuer.clock(), StatusKind.BITSTRING_STATUS_LIST
    async with issuer.database.transaction() as session:
        owner = await get_issuer(session, settings, ORG)
        await run_blocking(session, open_status_list, settings, owner.organisation_id, number=2, now=now, kind=kind)
        key = await run_blocking(session, get_signer, settings, owner.organisation_id, "Ed25519", now=now)
        decoys = {row[0]: row[1] for row in await session.execute(text(DECOYS))}
    index = next(place for place in range(settings.status_list_size) if decoys.get(place) == value)
    statuses = [
        StatusReference(f"{owner.identifier}/status/2/{purpose}", index, kind, purpose=purpose) for purpose in PURPOSES
    ]
    return issue_badge(
        "ldp_vc",
        dataset=create_test_dataset(issuer_profile={"id": owner.did, "type": ["Profile"], "name": owner.name}),
        issuer=IssuerIdentity(owner.did, owner.verification_method(key.fragment)),
        signer=key.signer,
        status=statuses,
        issued_at=now,
        valid_from=now,
    )


DECOYS = "SELECT status_index, value FROM status_entries JOIN status_lists ON id = status_list_id WHERE number = 2"


def test_A43_a_file_beyond_its_limit_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(b"x" * 9)
    assert read_file(path, 9) == b"x" * 9
    with pytest.raises(MalformedError):
        read_file(path, 8)
