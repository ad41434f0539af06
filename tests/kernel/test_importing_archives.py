"""What an issuer left behind fills in what it no longer answers, and nothing else. Decision 0009."""

import json
from datetime import timedelta
from typing import Any

import pytest

from kernel.archive import ArchivedFile, ArchivedKey, create_archive, parse_archive, verify_archive
from kernel.importing import (
    Answer,
    AnswerKind,
    ImportReport,
    IssuerArchive,
    Lookup,
    LookupKind,
    Verdict,
    judge,
    recognise,
)
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.report import Outcome
from kernel.status.bitstring_status_list import Bitstring, create_status_list_credential, sign_with_proof
from tests.kernel.test_importing import ED25519, WEB, badge, clr, did_document, sign, small_badge
from tests.support.clock import NOW

KID = f"{WEB}#key-1"
STATUS = "https://issuer.example/status/1"
ENTRY = {
    "id": f"{STATUS}#7",
    "type": "BitstringStatusListEntry",
    "statusPurpose": "revocation",
    "statusListIndex": "7",
    "statusListCredential": STATUS,
}


def left_behind(*files: ArchivedFile, did: str = WEB, is_last_word: bool = True) -> IssuerArchive:
    key = ArchivedKey(f"{did}#key-1", ED25519.public_key, NOW - timedelta(days=400), None, None)
    raw = create_archive(did=did, organisation={}, keys=[key], files=files, signer=ED25519, kid=key.kid, created_at=NOW)
    archive = verify_archive(parse_archive(raw), signer_thumbprints={ED25519.public_key.thumbprint})
    return IssuerArchive(archive, is_last_word)


def judged(archive: IssuerArchive | None, *, pages: dict[Lookup, Answer] | None = None, **changes: Any) -> ImportReport:
    issuer = {"id": WEB, "type": ["Profile"], "name": "School"}
    document = badge(**{"issuer": issuer, "credentialSchema": None, "evidence": None, **changes})
    raw = sign_jwt(document, signer=ED25519, typ="vc+jwt", header={"kid": KID})
    return judge(recognise(raw), pages or {}, now=NOW, left_behind=archive)


def test_K23_the_key_of_the_archive_proves_what_it_signed() -> None:
    report = judged(left_behind())
    assert (report.verdict, report.archived_at) == (Verdict.PROVEN, NOW)
    assert report.check("issuer_key").reason == "archived"
    assert report.as_json()["archived_at"] == NOW.isoformat()


def test_A01_the_archive_of_another_issuer_proves_nothing() -> None:
    report = judged(left_behind(did="did:web:other.example"))
    assert (report.verdict, report.archived_at) == (Verdict.UNPROVEN, None)


@pytest.mark.parametrize("kind", [AnswerKind.UNAVAILABLE, AnswerKind.NOT_FOUND, AnswerKind.GONE])
def test_K74_keys_that_are_nowhere_any_more_say_nothing_about_a_badge(kind: AnswerKind) -> None:
    lookup = Lookup("https://issuer.example/.well-known/did.json", LookupKind.DID_DOCUMENT)
    assert judged(None, pages={lookup: Answer(kind)}).verdict is Verdict.UNPROVEN
    assert judged(left_behind(), pages={lookup: Answer(kind)}).verdict is Verdict.PROVEN


def test_A46_what_the_issuer_publishes_counts_before_its_archive() -> None:
    lookup = Lookup("https://issuer.example/.well-known/did.json", LookupKind.DID_DOCUMENT)
    report = judged(left_behind(), pages={lookup: did_document(WEB, SoftwareSigner.generate("Ed25519"))})
    assert (report.verdict, report.archived_at) == (Verdict.REFUTED, None)


def test_A19_a_forged_badge_is_not_saved_by_an_archive() -> None:
    document = badge(issuer=WEB, evidence=None)
    raw = sign_jwt(document, signer=SoftwareSigner.generate("Ed25519"), typ="vc+jwt", header={"kid": KID})
    report = judge(recognise(raw), {}, now=NOW, left_behind=left_behind())
    assert report.verdict is Verdict.REFUTED


def test_K23_a_key_counts_for_its_own_time_only() -> None:
    before = judged(left_behind(), validFrom="2020-01-01T00:00:00Z")
    assert (before.verdict, before.check("issuer_key").outcome) == (Verdict.REFUTED, Outcome.FAILED)


def test_K23_a_proof_in_the_badge_is_checked_with_the_archive_too() -> None:
    document = badge(issuer={"id": WEB, "type": ["Profile"], "name": "School"})
    report = judge(recognise(json.dumps(sign(document, method=KID))), {}, now=NOW, left_behind=left_behind())
    assert (report.verdict, report.archived_at) == (Verdict.PROVEN, NOW)


def test_E01_a_badge_inside_a_record_is_checked_with_the_archive_too() -> None:
    inner = sign(small_badge("urn:uuid:inner", issuer=WEB), method=KID)
    report = judge(recognise(json.dumps(sign(clr(inner)))), {}, now=NOW, left_behind=left_behind())
    assert (report.verdict, report.archived_at, report.parts[0].archived_at) == (Verdict.PROVEN, NOW, NOW)


@pytest.mark.parametrize("archive", [None, left_behind(), left_behind(did="did:web:other.example")])
def test_K74_a_list_that_the_archive_does_not_have_leaves_it_open(archive: IssuerArchive | None) -> None:
    lookup = Lookup("https://issuer.example/.well-known/did.json", LookupKind.DID_DOCUMENT)
    report = judged(archive, pages={lookup: did_document()}, credentialStatus=[ENTRY])
    assert (report.verdict, report.check("status").outcome) == (Verdict.UNPROVEN, Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("is_last_word", "is_revoked", "ended"),
    [
        (True, False, (Verdict.PROVEN, "archived")),
        (True, True, (Verdict.REFUTED, "revoked")),
        (False, False, (Verdict.UNPROVEN, "archive_not_last")),
        (False, True, (Verdict.REFUTED, "revoked")),
    ],
)
def test_K74_an_archived_list_speaks_for_an_issuer_that_has_ended_and_only_against_a_badge_before(
    is_last_word: bool, is_revoked: bool, ended: tuple[Verdict, str]
) -> None:
    bits = Bitstring()
    bits.set(7, int(is_revoked))
    document = create_status_list_credential(
        bits.encode(),
        uri=STATUS,
        issuer=WEB,
        purpose="revocation",
        valid_from=NOW,
        valid_until=NOW + timedelta(days=1),
        ttl=timedelta(minutes=5),
    )
    content = sign_with_proof(document, signer=ED25519, verification_method=KID, created_at=NOW).encode()
    archive = left_behind(ArchivedFile("status_list", STATUS, "application/vc", content), is_last_word=is_last_word)
    report = judged(archive, credentialStatus=[ENTRY])
    assert (report.verdict, report.check("status").reason) == ended


def test_an_archive_has_the_keys_that_were_not_withdrawn_as_a_did_document() -> None:
    archive = left_behind().archive
    assert archive.did_document.find_key(KID, relation="assertionMethod") == ED25519.public_key
