"""The keys of issuers of imported things, by the mechanism that their identifier has. K-23 to K-26, K-66; B-20."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography.x509 import Certificate

from kernel.archive import VerifiedArchive
from kernel.did import DidDocument, Relation, did_web_url, parse_did_document, resolve_static_did
from kernel.errors import CredentialError, UndecidedError, UntrustedIssuerError
from kernel.importing.lookups import Library, LookupKind
from kernel.jwt import UnverifiedJwt
from kernel.jwt_vc_issuer import jwt_vc_issuer_url, parse_jwk_set, parse_jwt_vc_issuer_metadata
from kernel.keys import PublicKey, parse_public_jwk
from kernel.microcredential.members import read_objects, read_text
from kernel.open_badges import read_many
from kernel.strict_json import parse_json_object
from kernel.web_urls import host_of, web_url
from kernel.x5c import verify_x5c


class Keys:
    """The keys of issuers, by the mechanism that their identifier has: DIDs, JWT VC Issuer Metadata, a JWK's address.

    Certificate chains need anchors; without any, as where nobody runs a service, they are undecided (K-26). What an
    issuer still publishes counts; its archive answers where nobody else does. `archived` are the keys from there.
    """

    def __init__(
        self,
        library: Library,
        *,
        now: datetime,
        anchors: Sequence[Certificate] = (),
        archive: VerifiedArchive | None = None,
    ) -> None:
        self._library = library
        self._now = now
        self._anchors = anchors
        self._left_behind = None if archive is None else archive.did_document
        self.archived: list[str] = []
        self.certificate: str | None = None
        self.used: str | None = None
        self.error: CredentialError | None = None

    def find(self, kid: str, relation: Relation) -> PublicKey:
        """Return the key with this DID URL, if its controller lists it for this purpose. K-23, A-02, A-04."""
        try:
            self.used = kid
            return self._find_in(self._resolve(kid.partition("#")[0]), kid, relation)
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
            return self._find_in_chain(token.header["x5c"], issuer)
        if kid is not None and kid.startswith("https://") and "vct" not in token.payload:
            return self._find_at_address(kid, issuer)
        return self._find_in_metadata(kid, issuer)

    def _find_in_chain(self, x5c: object, issuer: str) -> PublicKey:
        """Return the key of a chain that ends in an anchor of ours, for the name that the issuer gives itself. K-26"""
        chain = [certificate for certificate in read_many({"x5c": x5c}, "x5c") if isinstance(certificate, str)]
        if not self._anchors:
            raise UndecidedError("a certificate chain, for which there is no anchor here")
        name = host_of(web_url(issuer, "`iss`", fragment=True)) if issuer else None
        verified = verify_x5c(chain, anchors=self._anchors, now=self._now, dns_name=name)
        self.certificate = verified.leaf.subject.rfc4514_string()
        return verified.leaf_key

    def _find_in_did(self, kid: str | None, issuer: str, header: Mapping[str, Any]) -> PublicKey:
        """Return the key of a DID; a `kid` may be its fragment alone."""
        document = self._resolve(issuer)
        kid = kid or _find_method(document, header)
        if kid.startswith("did:") and kid.partition("#")[0] != issuer:
            raise UntrustedIssuerError("a key of somebody else than the issuer")
        self.used = kid if kid.startswith("did:") else f"{issuer}#{kid.removeprefix('#')}"
        return self._find_in(document, self.used, "assertionMethod")

    def _find_in(self, document: DidDocument, kid: str, relation: Relation) -> PublicKey:
        key = document.find_key(kid, relation=relation)
        if document is self._left_behind:
            self.archived.append(kid)
        return key

    def _resolve(self, did: str) -> DidDocument:
        """Return what the issuer publishes, or where that cannot be had, what it left behind."""
        try:
            return self._resolve_published(did)
        except UndecidedError:
            if self._left_behind is None or self._left_behind.did != did:
                raise
            return self._left_behind

    def _resolve_published(self, did: str) -> DidDocument:
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
        # A key that stands there in two forms (K-22) is one key: either name will do.
        wanted = parse_public_jwk(header["jwk"])
        found = [identifier for identifier in found if _is_key(document, identifier, wanted)][:1]
    if len(found) != 1:
        raise UntrustedIssuerError("a token that does not say which of several keys signed it")
    return found[0]


def _is_key(document: DidDocument, identifier: str, wanted: PublicKey) -> bool:
    try:
        return document.find_key(identifier, relation="assertionMethod") == wanted
    except CredentialError:
        return False
