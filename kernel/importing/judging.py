"""Judge an imported thing with what could be fetched for it. PROFILE.md B-21, B-22, A-50, A-51, K-74; issue 3.

    imported = recognise(content)
    report = judge(imported, {}, now=now)
    while report.lookups:
        material |= {lookup: … for lookup in report.lookups}      # the guarded fetcher's work, each answer kept
        report = judge(imported, material, now=now)

The loop ends: what was asked once, however it ended, is not asked again, and there is a limit to all of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography.x509 import Certificate

from kernel.errors import CredentialError
from kernel.importing.archives import IssuerArchive
from kernel.importing.credentials import ImportedCredential
from kernel.importing.imported import Imported, Kind, Securing
from kernel.importing.lookups import Library, LookupKind, Material
from kernel.importing.open_badges_2 import read_assertion
from kernel.importing.open_badges_2_proof import OpenBadge2
from kernel.importing.recognition import recognise
from kernel.importing.report import (
    BEARER,
    NOT_ASKED,
    NOT_SHOWN_BY_HOLDER,
    WEAK_HASH,
    ImportCheck,
    ImportReport,
    Verdict,
    failure,
)
from kernel.microcredential.members import read_object, read_objects, read_text
from kernel.open_badges import verify_recipient
from kernel.report import Outcome


def judge(
    imported: Imported,
    material: Material,
    *,
    now: datetime,
    email: str | None = None,
    anchors: Sequence[Certificate] = (),
    left_behind: IssuerArchive | None = None,
) -> ImportReport:
    """Make every check that can be made with what was fetched, and say what else to fetch. B-21.

    `material` has the answer to each lookup so far, by its lookup. With `email`, the badge is also checked to have
    been given to whoever has that address. `anchors` are where certificate chains may end. `left_behind` answers what
    the issuer no longer does. Raises nothing: what a hostile file breaks is a check that failed.
    """
    library, asked = Library(material), _Asked(now, email, tuple(anchors), left_behind)
    is_address = imported.kind is Kind.ADDRESS
    report = _judge_address(imported, library, asked) if is_address else _judge(imported, library, asked)
    return replace(report, lookups=library.missing)


@dataclass(frozen=True, slots=True)
class _Asked:
    """When it is judged, whether it is somebody's, where certificate chains may end, and what its issuer left."""

    now: datetime
    email: str | None
    anchors: tuple[Certificate, ...]
    left_behind: IssuerArchive | None


def _judge_address(imported: Imported, library: Library, asked: _Asked) -> ImportReport:
    """Judge what stands at an address; an address there leads nowhere."""
    try:
        found = recognise(library.get(str(imported.document["id"]), LookupKind.SHOWN_ADDRESS))
    except CredentialError as error:
        return ImportReport(imported, (failure("format", error),))
    if found.kind is Kind.ADDRESS:
        return ImportReport(imported, (ImportCheck("format", Outcome.FAILED, "malformed"),))
    return _judge(found, library, asked)


def _judge(imported: Imported, library: Library, asked: _Asked, *, is_part: bool = False) -> ImportReport:
    if imported.kind is Kind.OPEN_BADGE_2:
        return _judge_open_badge_2(imported, library, asked)
    credential = ImportedCredential(
        imported, library, now=asked.now, anchors=asked.anchors, left_behind=asked.left_behind
    )
    checks = credential.judge()
    parts = tuple(_judge(part, library, replace(asked, email=None), is_part=True) for part in imported.parts)
    return ImportReport(
        imported,
        (
            *checks,
            ImportCheck("issuer", Outcome.NOT_APPLICABLE),
            _check_recipient(imported.document, asked.email),
            _check_holder_binding(imported),
            _check_contents(parts),
        ),
        parts=parts,
        signer=credential.signer,
        # Those of what is inside a record are left out: twenty times sixteen signatures is more than one file is worth.
        endorsements=() if is_part else credential.check_endorsements(),
        archived_at=credential.archived_at or next((part.archived_at for part in parts if part.archived_at), None),
    )


def _judge_open_badge_2(imported: Imported, library: Library, asked: _Asked) -> ImportReport:
    badge = OpenBadge2(imported, library, now=asked.now)
    checks = badge.judge()
    seen = badge.assembled
    return ImportReport(
        replace(
            imported,
            document=seen,
            content=read_assertion(seen),
            unverified_issuer=read_text(badge.issuer, "id") or imported.unverified_issuer,
        ),
        (
            ImportCheck("format", Outcome.PASSED),
            # A hosted badge has no key: that the issuer's own host has it is the proof.
            *([ImportCheck("issuer_key", Outcome.NOT_APPLICABLE)] if imported.securing is Securing.HOSTED else []),
            *([ImportCheck("issuer_key", Outcome.PASSED)] if _has_passed(imported, checks) else []),
            *checks,
            _check_recipient(badge.recipients, asked.email),
            ImportCheck("holder_binding", Outcome.NOT_APPLICABLE, BEARER),
            ImportCheck("contents", Outcome.NOT_APPLICABLE),
        ),
        signer=badge.signer,
    )


def _has_passed(imported: Imported, checks: list[ImportCheck]) -> bool:
    is_proven = any(check.code == "proof" and check.outcome is Outcome.PASSED for check in checks)
    return is_proven and imported.securing is Securing.JWT


def _check_recipient(document: object, email: str | None) -> ImportCheck:
    """Whether it was given to whoever has this address. B-08, A-51: a weak hash is good enough to see, and said."""
    members = document if isinstance(document, dict) else {}
    if email is None or not read_objects(read_object(members, "credentialSubject"), "identifier"):
        return ImportCheck("recipient", Outcome.NOT_APPLICABLE, NOT_ASKED)
    try:
        identity = verify_recipient(members, identifier=email)
    except CredentialError as error:
        return failure("recipient", error)
    return ImportCheck("recipient", Outcome.PASSED, WEAK_HASH if identity.is_weak else None)


def _check_holder_binding(imported: Imported) -> ImportCheck:
    """A file is no presentation. One that names no key of its holder is good in anybody's hand, and says so."""
    subject = read_object(imported.document, "credentialSubject")
    names_key = "cnf" in imported.document or (read_text(subject, "id") or "").startswith("did:")
    if not names_key:
        return ImportCheck("holder_binding", Outcome.NOT_APPLICABLE, BEARER)
    return ImportCheck("holder_binding", Outcome.UNKNOWN, NOT_SHOWN_BY_HOLDER)


def _check_contents(parts: tuple[ImportReport, ...]) -> ImportCheck:
    """Each credential inside has to stand for itself; the one around it proves none of them. A-50, E-01."""
    if not parts:
        return ImportCheck("contents", Outcome.NOT_APPLICABLE)
    verdicts = {part.verdict for part in parts}
    if Verdict.REFUTED in verdicts:
        return ImportCheck("contents", Outcome.FAILED, "rejected")
    if Verdict.UNPROVEN in verdicts:
        return ImportCheck("contents", Outcome.UNKNOWN, "undecided")
    return ImportCheck("contents", Outcome.PASSED)
