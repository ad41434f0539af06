"""Judge a Verifiable Credential in a file: Open Badges 3.0, CLR 2.0, SD-JWT VC, and others. B-20, B-21, K-60, K-66.

VCDM 2.0 with Data Integrity or as a JWT, SD-JWT, and VCDM 1.1 as a JWT. Older embedded proofs and seals are named and
not checked.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from kernel.data_integrity import CRYPTOSUITES, verify_credential
from kernel.did import DidDocument, Relation, did_web_url, parse_did_document, resolve_static_did
from kernel.endorsement import EndorsementPolicy, check_endorsements
from kernel.errors import (
    CredentialError,
    ExpiredError,
    MalformedError,
    NotYetValidError,
    RevokedError,
    SuspendedError,
    UndecidedError,
    UntrustedIssuerError,
)
from kernel.formats import FORMATS, VerifiedCredential, parse_credential, verify_validity
from kernel.formats.credential import LDP_VC
from kernel.formats.ldp_vc import may_hide_status
from kernel.formats.sd_jwt_format import get_content_format
from kernel.formats.status_reference import StatusKind, StatusReference, find_statuses
from kernel.formats.vcdm import expand_types, read_validity, require_vcdm_shape
from kernel.importing.imported import Imported, Kind, Securing
from kernel.importing.lookups import Library, LookupKind
from kernel.importing.recognition import CREDENTIALS_V1
from kernel.importing.report import (
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
from kernel.json_ld import JsonLdError, Reason
from kernel.jwt import LEEWAY, UnverifiedJwt, parse_jwt
from kernel.jwt_vc_issuer import jwt_vc_issuer_url, parse_jwk_set, parse_jwt_vc_issuer_metadata
from kernel.keys import PublicKey, parse_public_jwk
from kernel.microcredential.members import read_object, read_objects, read_text
from kernel.open_badges import Endorsement, badge_view
from kernel.report import Outcome
from kernel.status.bitstring_status_list import verify_status_list_credential
from kernel.status.token_status_list import Status, parse_status_list_token, verify_status_list_token
from kernel.strict_json import parse_json_object
from kernel.web_urls import host_of, web_url

_ALGORITHMS: Final = frozenset({"ES256", "ES384", "Ed25519", "EdDSA", "RS256"})
_STATUS_LISTS: Final[Mapping[StatusKind, LookupKind]] = {
    StatusKind.TOKEN_STATUS_LIST: LookupKind.STATUS_LIST,
    StatusKind.BITSTRING_STATUS_LIST: LookupKind.STATUS_LIST_CREDENTIAL,
}
# What keeps our processor from telling what was signed, and is no fault that anybody could name in the badge.
_NOT_CHECKED: Final[Mapping[Reason, str]] = {
    Reason.UNPINNED_CONTEXT: CONTEXT_NOT_KNOWN,
    Reason.UNSUPPORTED: CONTEXT_NOT_KNOWN,
    Reason.REGROUPED: PROOF_NOT_SUPPORTED,
    Reason.TOO_LARGE: PROOF_NOT_SUPPORTED,
}


class ImportedCredential:
    """One credential being judged: each step finds what the next one needs, and says how it ended."""

    def __init__(self, imported: Imported, library: Library, *, now: datetime) -> None:
        self.imported = imported
        self.document = imported.document
        self._keys = Keys(library)
        self._library = library
        self._now = now
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
            if code == "proof":
                checks.append(ImportCheck("issuer_key", Outcome.PASSED, evidence={"key": self._keys.used}))
        return checks

    def check_endorsements(self) -> tuple[Endorsement, ...]:
        """Check what others say of it, each in its own right and about the thing that it stands on. B-09, A-50.

        Only for what was proven itself; endorsements of credentials inside it are not looked at.
        """
        if self.signer is None:
            return ()
        policy = EndorsementPolicy(
            find_key=Keys(self._library).find,
            verify_status=self._verify_endorsement_status,
            cryptosuites=frozenset(CRYPTOSUITES),
            algorithms=_ALGORITHMS,
            now=self._now,
        )
        return check_endorsements(*self._content, policy=policy)

    @property
    def _content(self) -> tuple[Mapping[str, Any], str]:
        """What was verified, and the format whose members it has."""
        if self._verified is not None:
            return self._verified.claims, self._verified.format
        return self.document, LDP_VC

    def _verify_endorsement_status(self, endorsement: Mapping[str, Any]) -> None:
        issuer = read_text(endorsement, "issuer") or read_text(read_object(endorsement, "issuer"), "id") or ""
        self._require_good_statuses(find_statuses(endorsement), issuer)

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
        verified = FORMATS[credential.format].verify_signature(credential, key=key, algorithms=_ALGORITHMS)
        self._verified = verified
        issued_at = verified.issued_at or verified.valid_from
        self.signer = self._create_signer(verified.issuer, key, verified.types, issued_at)
        return ImportCheck("proof", Outcome.PASSED, evidence={"algorithm": credential.algorithm})

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
            self._require_good_statuses(references, self._issuer)
        if self._may_hide_status:
            return ImportCheck("status", Outcome.UNKNOWN, STATUS_HIDDEN)
        if not references:
            return ImportCheck("status", Outcome.NOT_APPLICABLE, NO_STATUS)
        return ImportCheck("status", Outcome.PASSED, evidence={"lists": [each.uri for each in references]})

    def _require_good_statuses(self, references: tuple[StatusReference, ...], issuer: str) -> None:
        """Look each place up, and raise for the first that has it withdrawn, on hold, or not known."""
        # All lists at once: one after another, a file with many of them would take as many rounds.
        for kind, lookup in _STATUS_LISTS.items():
            self._library.expect([each.uri for each in references if each.kind is kind], lookup)
        for reference in references:
            _require_good(self._read_status(reference, issuer))

    def _read_status(self, reference: StatusReference, issuer: str) -> Status:
        if reference.kind is StatusKind.UNKNOWN:
            raise UndecidedError("a status of a kind that is not read here")
        raw = _decode(self._library.get(reference.uri, _STATUS_LISTS[reference.kind]))
        if reference.kind is StatusKind.TOKEN_STATUS_LIST:
            token = parse_status_list_token(raw)
            key = self._keys.find_for_token(token, issuer)
            listed = verify_status_list_token(token, uri=reference.uri, key=key, algorithms=_ALGORITHMS, now=self._now)
            return listed.get(reference.index)
        listing = verify_status_list_credential(
            raw,
            uri=reference.uri,
            issuer=issuer,
            find_key=self._keys.find,
            cryptosuites=frozenset(CRYPTOSUITES),
            algorithms=_ALGORITHMS,
            now=self._now,
        )
        return listing.get(
            reference.index, purpose=reference.purpose, size=reference.size, messages=reference.messages
        ).status


class Keys:
    """The keys of issuers, by the mechanism that their identifier has: DIDs, JWT VC Issuer Metadata, a JWK's address.

    Certificate chains need anchors, which whoever looks at an imported file does not have: undecided.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self.used: str | None = None
        self.error: CredentialError | None = None

    def find(self, kid: str, relation: Relation) -> PublicKey:
        """Return the key with this DID URL, if its controller lists it for this purpose. K-23, A-02, A-04."""
        try:
            self.used = kid
            return self._resolve(kid.partition("#")[0]).find_key(kid, relation=relation)
        except CredentialError as error:
            self.error = error
            raise

    def find_for_token(self, token: UnverifiedJwt, issuer: str) -> PublicKey:
        """Return the key that a token says it was signed with, provided that it is the issuer's. B-20, K-25, K-66."""
        try:
            return self._find_for_token(token, issuer)
        except CredentialError as error:
            self.error = error
            raise

    def _find_for_token(self, token: UnverifiedJwt, issuer: str) -> PublicKey:
        kid = read_text(token.header, "kid")
        self.used = kid
        if issuer.startswith("did:"):
            return self._find_in_did(kid, issuer, token.header)
        if "x5c" in token.header:
            raise UndecidedError("a certificate chain, for which there is no anchor here")
        if kid is not None and kid.startswith("https://") and "vct" not in token.payload:
            return self._find_at_address(kid, issuer)
        return self._find_in_metadata(kid, issuer)

    def _find_in_did(self, kid: str | None, issuer: str, header: Mapping[str, Any]) -> PublicKey:
        """Return the key of a DID; a `kid` may be its fragment alone."""
        document = self._resolve(issuer)
        kid = kid or _find_method(document, header)
        if kid.startswith("did:") and kid.partition("#")[0] != issuer:
            raise UntrustedIssuerError("a key of somebody else than the issuer")
        self.used = kid if kid.startswith("did:") else f"{issuer}#{kid.removeprefix('#')}"
        return document.find_key(self.used, relation="assertionMethod")

    def _resolve(self, did: str) -> DidDocument:
        """Return the document of a DID, or of a controller that has an address of its own."""
        if did.startswith(("did:jwk:", "did:key:")):
            return resolve_static_did(did)
        if did.startswith("https://"):
            return parse_did_document(self._library.get(did, LookupKind.ISSUER_KEY), did=did)
        if not did.startswith("did:web:"):
            raise UndecidedError("an identifier whose keys cannot be looked up here")
        return parse_did_document(self._library.get(did_web_url(did), LookupKind.DID_DOCUMENT), did=did)

    def _find_at_address(self, kid: str, issuer: str) -> PublicKey:
        """Return the JWK that stands at a `kid`, on the issuer's own host only. Open Badges 3.0 §8.2; B-20."""
        web_url(kid, "`kid`", fragment=True)
        if not issuer.startswith("https://") or host_of(kid) != host_of(web_url(issuer, "`issuer`", fragment=True)):
            raise UntrustedIssuerError("a key on another host than the issuer's")
        return parse_public_jwk(parse_json_object(self._library.get(kid, LookupKind.ISSUER_KEY)))

    def _find_in_metadata(self, kid: str | None, issuer: str) -> PublicKey:
        """Return the key that an https issuer lists in his metadata. SD-JWT VC §4; K-25."""
        raw = self._library.get(jwt_vc_issuer_url(issuer), LookupKind.ISSUER_METADATA)
        metadata = parse_jwt_vc_issuer_metadata(raw, issuer=issuer)
        if metadata.jwks is not None:
            return metadata.jwks.find_key(kid)
        return parse_jwk_set(self._library.get(metadata.jwks_uri or "", LookupKind.ISSUER_KEY)).find_key(kid)


def _find_method(document: DidDocument, header: Mapping[str, Any]) -> str:
    """Return which key signed a token that does not say so: the one in its header, if it is listed, or the only one.

    A key in a header proves nothing by itself (A-02); Open Badges has it there all the same (B-20).
    """
    methods = read_objects(document.raw, "verificationMethod")
    found = [identifier for each in methods if (identifier := read_text(each, "id"))]
    if "jwk" in header:
        wanted = parse_public_jwk(header["jwk"])
        found = [identifier for identifier in found if _is_key(document, identifier, wanted)]
    if len(found) != 1:
        raise UntrustedIssuerError("a token that does not say which of several keys signed it")
    return found[0]


def _is_key(document: DidDocument, identifier: str, wanted: PublicKey) -> bool:
    try:
        return document.find_key(identifier, relation="assertionMethod") == wanted
    except CredentialError:
        return False


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


def _require_good(status: Status) -> None:
    if status is Status.SUSPENDED:
        raise SuspendedError("the status list has it on hold")
    if status is Status.APPLICATION_SPECIFIC:
        raise UndecidedError("a status whose meaning only its issuer knows")
    if status is not Status.VALID:
        raise RevokedError("the status list has it withdrawn")


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise MalformedError("a status list that is no text") from exc
