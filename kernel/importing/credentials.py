"""Judge a Verifiable Credential in a file: Open Badges 3.0, CLR 2.0, SD-JWT VC, and others. B-20, B-21, K-60, K-66.

VCDM 2.0 with Data Integrity or as a JWT, SD-JWT, and VCDM 1.1 as a JWT. Older embedded proofs and seals are named and
not checked.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cryptography.x509 import Certificate

from kernel.data_integrity import CRYPTOSUITES, verify_credential
from kernel.errors import (
    CredentialError,
    ExpiredError,
    MalformedError,
    NotYetValidError,
    TooLargeError,
)
from kernel.formats import FORMATS, VerifiedCredential, parse_credential, verify_validity
from kernel.formats.credential import LDP_VC
from kernel.formats.ldp_vc import may_hide_status
from kernel.formats.sd_jwt_format import get_content_format
from kernel.formats.status_reference import find_statuses
from kernel.formats.vcdm import expand_types, read_validity, require_vcdm_shape
from kernel.importing.archives import IssuerArchive
from kernel.importing.endorsements import read_endorsements
from kernel.importing.imported import Imported, Kind, Securing
from kernel.importing.keys import Keys
from kernel.importing.lookups import Library
from kernel.importing.recognition import CREDENTIALS_V1
from kernel.importing.report import (
    ARCHIVE_NOT_LAST,
    ARCHIVED,
    CONTEXT_NOT_KNOWN,
    NO_PROOF,
    NO_STATUS,
    PROOF_NOT_SUPPORTED,
    SEAL_NOT_CHECKED,
    STATUS_HIDDEN,
    ImportCheck,
    Signer,
    failure,
)
from kernel.importing.statuses import SIGNATURE_ALGORITHMS, Statuses
from kernel.json_ld import JsonLdError, Reason
from kernel.jwt import LEEWAY, parse_jwt
from kernel.keys import PublicKey
from kernel.microcredential.members import read_text
from kernel.open_badges import Endorsement, badge_view
from kernel.report import Outcome
from kernel.status.bitstring_status_list import MESSAGE

# What keeps our processor from telling what was signed, and is no fault that anybody could name in the badge.
_NOT_CHECKED: Final[Mapping[Reason, str]] = {
    Reason.UNPINNED_CONTEXT: CONTEXT_NOT_KNOWN,
    Reason.UNSUPPORTED: CONTEXT_NOT_KNOWN,
    Reason.REGROUPED: PROOF_NOT_SUPPORTED,
    Reason.TOO_LARGE: TooLargeError.code,
}


class ImportedCredential:
    """One credential being judged: each step finds what the next one needs, and says how it ended."""

    def __init__(
        self,
        imported: Imported,
        library: Library,
        *,
        now: datetime,
        anchors: Sequence[Certificate] = (),
        left_behind: IssuerArchive | None = None,
    ) -> None:
        self.imported = imported
        self.document = imported.document
        archive = None if left_behind is None else left_behind.archive
        self._left_behind = left_behind
        self._keys = Keys(library, now=now, anchors=anchors, archive=archive)
        self._statuses = Statuses(library, self._keys, now=now, archive=archive)
        self._library = library
        self._now = now
        self._anchors = anchors
        # Empty where only a certificate chain says it (HAIP).
        self._issuer = imported.unverified_issuer or ""
        self._verified: VerifiedCredential | None = None
        self._may_hide_status = False
        self.signer: Signer | None = None

    def judge(self) -> list[ImportCheck]:
        """Return the checks that were made, in their order; the first one that did not pass is the last."""
        checks: list[ImportCheck] = []
        for code, step in (
            ("format", self._check_format),
            ("proof", self._check_proof),
            ("issuer_key", self._check_key),
            ("validity", self._check_validity),
            ("status", self._check_status),
        ):
            try:
                checks.append(step())
            except JsonLdError as error:
                return [*checks, _judge_json_ld(error)]
            except CredentialError as error:
                is_about_key = code == "proof" and self._keys.error is error
                return [*checks, failure("issuer_key" if is_about_key else code, error)]
            if code == "proof" and checks[-1].outcome is not Outcome.PASSED:
                return checks
        return checks

    @property
    def archived_at(self) -> datetime | None:
        """When the archive was made that keys or status came from."""
        is_archived = bool(self._keys.archived) or self._statuses.is_archived
        return self._left_behind.archive.created_at if self._left_behind is not None and is_archived else None

    def check_endorsements(self) -> tuple[Endorsement, ...]:
        """Check what others say of it, each in its own right and about the thing that it stands on. B-09, A-50.

        Only for what was proven itself; endorsements of credentials inside it are not looked at.
        """
        if self.signer is None:
            return ()
        return read_endorsements(*self._content, self._library, now=self._now, anchors=self._anchors)

    @property
    def _content(self) -> tuple[Mapping[str, Any], str]:
        """What was verified, and the format whose members it has."""
        if self._verified is not None:
            return self._verified.claims, self._verified.format
        return self.document, LDP_VC

    def _check_format(self) -> ImportCheck:
        if self.imported.kind is Kind.SD_JWT_VC:
            get_content_format(self.document)
        elif self.imported.data_model == "2.0":
            require_vcdm_shape(self.document)
        else:
            require_vcdm_shape(self.document, context=CREDENTIALS_V1)
        return ImportCheck("format", Outcome.PASSED)

    def _check_proof(self) -> ImportCheck:
        """Go by what secures it; what is not secured at all was said by nobody."""
        if self.imported.securing is Securing.NONE:
            return ImportCheck("proof", Outcome.NOT_APPLICABLE, NO_PROOF)
        if self.imported.securing is Securing.SEAL:
            return ImportCheck("proof", Outcome.UNKNOWN, SEAL_NOT_CHECKED)
        if self.imported.securing is Securing.DATA_INTEGRITY and self.imported.data_model == "2.0":
            return self._check_embedded()
        if self.imported.token is not None:
            return self._check_token(self.imported.token)
        return ImportCheck("proof", Outcome.UNKNOWN, PROOF_NOT_SUPPORTED)

    def _check_embedded(self) -> ImportCheck:
        secured = verify_credential(
            self.document,
            find_key=self._keys.find,
            cryptosuites=frozenset(CRYPTOSUITES),
            now=self._now,
            on_receipt=True,
        )
        suites = [held.proof.cryptosuite for held in secured.proofs]
        self._may_hide_status = may_hide_status(self.document, secured.proofs)
        types, issued_at = expand_types(self.document), read_validity(self.document)[0]
        self.signer = self._create_signer(secured.issuer, secured.proofs[0].key, types, issued_at)
        return ImportCheck("proof", Outcome.PASSED, evidence={"cryptosuites": suites})

    def _check_token(self, raw: str) -> ImportCheck:
        """As its format checks it: signature and type, disclosures, claims that agree with the credential. B-20, K-66.

        Strictly now what was read loosely before: nothing that decides about the credential may be hidden (A-13).
        """
        credential = parse_credential(raw)
        if credential.presentation is not None:
            raise MalformedError("a presentation: what was recognised is not what its issuer signed")
        token = parse_jwt(raw.partition("~")[0])
        key = self._keys.find_for_token(token, self._issuer)
        verified = FORMATS[credential.format].verify_signature(credential, key=key, algorithms=SIGNATURE_ALGORITHMS)
        self._verified = verified
        issued_at = verified.issued_at or verified.valid_from
        self.signer = self._create_signer(verified.issuer, key, verified.types, issued_at)
        return ImportCheck("proof", Outcome.PASSED, evidence={"algorithm": credential.algorithm})

    def _check_key(self) -> ImportCheck:
        """A key that the issuer left behind counts for what was signed in its time. Decision 0009.

        It is known only now when that was: before the proof held, anybody could have written the date.
        """
        evidence = {"key": self._keys.used, "certificate": self._keys.certificate}
        if self._left_behind is None or not self._keys.archived:
            return ImportCheck("issuer_key", Outcome.PASSED, evidence=evidence)
        archive = self._left_behind.archive
        signed_at = (self.signer.issued_at if self.signer is not None else None) or archive.created_at
        for kid in self._keys.archived:
            archive.find_key(kid, signed_at=signed_at)
        return ImportCheck("issuer_key", Outcome.PASSED, ARCHIVED, evidence)

    def _create_signer(self, issuer: str, key: PublicKey, types: frozenset[str], issued_at: datetime | None) -> Signer:
        return Signer(issuer, key, types, badge_view(*self._content).achievement_type, issued_at)

    def _check_validity(self) -> ImportCheck:
        if self._verified is not None:
            verify_validity(self._verified, now=self._now)
        else:
            _verify_dates(*read_validity(self.document), now=self._now)
        return ImportCheck("validity", Outcome.PASSED)

    def _check_status(self) -> ImportCheck:
        """Every list that it names must have it as good; what names none cannot be withdrawn. K-74, K-80.1."""
        references = find_statuses(self.document) if self._verified is None else self._verified.statuses
        if references:
            self._statuses.require_good(references, self._issuer, read_text(self.document, "id"))
        if self._may_hide_status:
            return ImportCheck("status", Outcome.UNKNOWN, STATUS_HIDDEN)
        told = self._tell_messages()
        if all(each.purpose == MESSAGE for each in references):
            return ImportCheck("status", Outcome.NOT_APPLICABLE, NO_STATUS, told)
        evidence = {"lists": [each.uri for each in references], **told}
        if self._left_behind is None or not self._statuses.is_archived:
            return ImportCheck("status", Outcome.PASSED, evidence=evidence)
        if not self._left_behind.is_last_word:
            return ImportCheck("status", Outcome.UNKNOWN, ARCHIVE_NOT_LAST, evidence)
        return ImportCheck("status", Outcome.PASSED, ARCHIVED, evidence)

    def _tell_messages(self) -> dict[str, Any]:
        """What lists tell beside it, and whether one could not be read: neither touches a verdict. Decision 0052."""
        told: dict[str, Any] = {"messages": self._statuses.messages} if self._statuses.messages else {}
        return told | ({"has_unread_messages": True} if self._statuses.has_unread_messages else {})


def _judge_json_ld(error: JsonLdError) -> ImportCheck:
    """A context that nobody pinned says nothing about the badge: what it means cannot be known here (K-63, B-15)."""
    if error.reason in _NOT_CHECKED:
        return ImportCheck("proof", Outcome.UNKNOWN, _NOT_CHECKED[error.reason])
    return failure("proof", error)


def _verify_dates(begins: datetime | None, ends: datetime | None, *, now: datetime) -> None:
    if begins is not None and now + LEEWAY < begins:
        raise NotYetValidError("the credential's validity lies ahead")
    if ends is not None and now - LEEWAY >= ends:
        raise ExpiredError("the end of the credential's validity has passed")
