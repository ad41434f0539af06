"""Judge an Open Badge 2.0: is it the assertion that its issuer publishes or signed, and does he stand by it?

IMS Final Release of 12 April 2018: hosted and signed verification, the issuer's `verification` policy (`startsWith`,
`allowedOrigins`, by default the host of his own identifier), revocation. B-21, B-22, A-51.

What stands embedded in an assertion about badge class and issuer is never believed: both are fetched from where they
say they are, since whoever writes an assertion can write anything beside it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from kernel.errors import (
    AlgorithmNotAllowedError,
    CredentialError,
    ExpiredError,
    InvalidSignatureError,
    MalformedError,
    NotYetValidError,
    RevokedError,
    UndecidedError,
    UntrustedIssuerError,
)
from kernel.importing.imported import Imported, Securing
from kernel.importing.lookups import AnswerKind, Library, LookupKind
from kernel.importing.open_badges_2 import create_identity, find_badge_class, find_identifier, parse_time
from kernel.importing.report import NO_STATUS, ImportCheck, Signer, failure
from kernel.jwt import LEEWAY, parse_jwt
from kernel.keys import PublicKey, public_key_from
from kernel.members import as_object, get_text
from kernel.microcredential.members import read_object, read_text, read_texts
from kernel.report import Outcome
from kernel.strict_json import parse_json_object

# RS256 is the format's own; ES256 is met as well. 2048 bits or more, which `kernel.keys` sees to.
_ALGORITHMS: Final = frozenset({"RS256", "ES256"})
_MAX_PEM: Final = 16 * 1024
_CLIMBS: Final = re.compile(r"[/\\](\.|%2e){1,2}([/\\?#]|$)|%2f|%5c", re.IGNORECASE)
# What a copy in a file may not say otherwise than the one that the issuer publishes.
_TELLING: Final = ("recipient", "issuedOn", "expires")


class OpenBadge2:
    """One assertion being judged: each step finds what the next one needs, and says how it ended."""

    def __init__(self, imported: Imported, library: Library, *, now: datetime) -> None:
        self.imported = imported
        self.assertion = imported.document
        self.badge_class: Mapping[str, Any] = {}
        self.issuer: Mapping[str, Any] = {}
        self._library = library
        self._now = now
        self._key: PublicKey | None = None
        self._is_proven = False

    def judge(self) -> list[ImportCheck]:
        """Return the checks that were made, in their order; the first one that did not pass is the last."""
        checks: list[ImportCheck] = []
        is_signed = self.imported.securing is Securing.JWT
        steps = (
            [("issuer", self._check_issuer), ("proof", self._check_signature)]
            if is_signed
            else [("proof", self._check_hosted), ("issuer", self._check_issuer)]
        )
        status = self._check_revocation_list if is_signed else self._check_not_withdrawn
        for code, step in (*steps, ("status", status), ("validity", self._check_validity)):
            try:
                checks.append(step())
            except CredentialError as error:
                return [*checks, failure("status" if isinstance(error, RevokedError) else code, error)]
            self._is_proven = len(checks) > 1
        return checks

    @property
    def assembled(self) -> dict[str, Any]:
        """Return the assertion with what was fetched about it in place of what it said itself."""
        issuer = self.issuer or read_object(self.badge_class, "issuer")
        badge_class = {**self.badge_class, **({"issuer": issuer} if issuer else {})}
        return {**self.assertion, **({"badge": badge_class} if badge_class else {})}

    @property
    def recipients(self) -> dict[str, Any]:
        """Return the assertion's recipient as an Open Badge 3.0 has it."""
        return {"credentialSubject": {"identifier": [create_identity(read_object(self.assertion, "recipient"))]}}

    @property
    def signer(self) -> Signer | None:
        """Return who was shown to have issued it: both the proof and the issuer's own word held."""
        if not self._is_proven:
            return None
        return Signer(get_text(self.issuer, "id"), self._key, frozenset(), None, self._find_issued_at())

    def _find_issued_at(self) -> datetime | None:
        try:
            return parse_time(self.assertion.get("issuedOn"))
        except MalformedError:
            return None

    def _check_hosted(self) -> ImportCheck:
        """The issuer publishes this very assertion at its own address. §6.1 of the release, hosted verification."""
        # (1) The assertion's own address, and what stands there.
        url = get_text(self.assertion, "id")
        answer = self._library.answer(url, LookupKind.ASSERTION)
        if answer.kind is AnswerKind.GONE:
            raise RevokedError("the issuer says that the assertion is gone")
        published = parse_json_object(self._library.get(url, LookupKind.ASSERTION))
        # (2) It is the same one. One that was withdrawn may have lost everything but that.
        if published.get("revoked") not in (None, False):
            raise RevokedError("the issuer says that the assertion is revoked")
        if published.get("id") != url:
            raise UntrustedIssuerError("another assertion stands at its address")
        if self._differs_from(published):
            raise InvalidSignatureError("the file says something else than what the issuer publishes")
        self.assertion = published
        return ImportCheck("proof", Outcome.PASSED, evidence={"url": url})

    def _differs_from(self, published: Mapping[str, Any]) -> bool:
        ours, theirs = find_badge_class(self.assertion), find_badge_class(published)
        changed = [name for name in _TELLING if name in self.assertion and self.assertion[name] != published.get(name)]
        return bool(changed) or (ours is not None and ours != theirs)

    def _check_issuer(self) -> ImportCheck:
        """Assertion, badge class and issuer belong together, by the issuer's own rules."""
        self.badge_class = self._fetch_named(find_badge_class(self.assertion), LookupKind.BADGE_CLASS)
        named = find_identifier(self.badge_class, "issuer")
        self.issuer = self._fetch_named(named, LookupKind.ISSUER_PROFILE)
        identifier = get_text(self.issuer, "id")
        if self.imported.securing is Securing.HOSTED and not _is_in_scope(self.issuer, get_text(self.assertion, "id")):
            raise UntrustedIssuerError("the issuer publishes no assertions at that address")
        return ImportCheck("issuer", Outcome.PASSED, evidence={"issuer": identifier})

    def _fetch_named(self, identifier: str | None, kind: LookupKind) -> Mapping[str, Any]:
        """Return what stands at an identifier and calls itself by it."""
        if identifier is None:
            raise MalformedError(f"the {kind.value} is not named")
        found = parse_json_object(self._library.get(identifier, kind))
        if found.get("id") != identifier:
            raise UntrustedIssuerError(f"another {kind.value} stands at its address")
        return found

    def _check_signature(self) -> ImportCheck:
        """The assertion is signed with a key that its issuer lists. §6.2 of the release, signed verification."""
        token = parse_jwt(self.imported.token)
        algorithm = token.header["alg"]
        if algorithm not in _ALGORITHMS:
            raise AlgorithmNotAllowedError("an algorithm that Open Badges 2.0 does not have")
        key_id = self._find_key_id(token.header)
        key = _read_key(self._fetch_key(key_id), owner=get_text(self.issuer, "id"))
        # Its tokens have no `typ`, so that `verify_jwt` would refuse all of them. That the payload is an assertion
        # and nothing else was seen when it was recognised.
        key.verify(algorithm, token.signing_input, token.signature)
        self._key = key
        return ImportCheck("proof", Outcome.PASSED, evidence={"key": key_id})

    def _find_key_id(self, header: Mapping[str, Any]) -> str:
        """Return which of the issuer's keys signed: named by the assertion or the header, or the only one there is."""
        listed = [each if isinstance(each, str) else read_text(as_object(each, "a key"), "id") for each in self._keys()]
        verification = read_object(self.assertion, "verification") or read_object(self.assertion, "verify")
        named = read_text(verification, "creator") or read_text(verification, "url") or read_text(header, "kid")
        key_id = named or (listed[0] if len(listed) == 1 else None)
        if key_id is None or key_id not in listed:
            raise UntrustedIssuerError("a key that the issuer does not list")
        return key_id

    def _keys(self) -> list[Any]:
        found = self.issuer.get("publicKey", [])
        return found if isinstance(found, list) else [found]

    def _fetch_key(self, key_id: str) -> Mapping[str, Any]:
        for each in self._keys():
            if isinstance(each, Mapping) and each.get("id") == key_id and "publicKeyPem" in each:
                return each
        return self._fetch_named(key_id, LookupKind.ISSUER_KEY)

    def _check_not_withdrawn(self) -> ImportCheck:
        """A hosted assertion that is withdrawn is gone or says so, which `_check_hosted` saw."""
        return ImportCheck("status", Outcome.PASSED, evidence={"url": self.assertion.get("id")})

    def _check_revocation_list(self) -> ImportCheck:
        """A signed assertion is withdrawn when the issuer's RevocationList names it."""
        if self.issuer.get("revocationList") is None:
            return ImportCheck("status", Outcome.NOT_APPLICABLE, NO_STATUS)
        url = find_identifier(self.issuer, "revocationList")
        if url is None:
            raise UndecidedError("a revocation list whose address cannot be read")
        revocations = self._fetch_named(url, LookupKind.REVOCATION_LIST)
        if revocations.get("issuer", self.issuer.get("id")) != self.issuer.get("id"):
            raise UntrustedIssuerError("a revocation list of another issuer")
        listed = revocations.get("revokedAssertions", [])
        if not isinstance(listed, list):
            raise UndecidedError("a revocation list that cannot be read")
        own = {self.assertion[name] for name in ("id", "uid") if isinstance(self.assertion.get(name), str)}
        if not own or any(_names(each, own) for each in listed):
            raise RevokedError("the issuer's revocation list names it")
        return ImportCheck("status", Outcome.PASSED, evidence={"url": url})

    def _check_validity(self) -> ImportCheck:
        if parse_time(self.assertion.get("issuedOn")) > self._now + LEEWAY:
            raise NotYetValidError("an assertion from the future")
        if "expires" in self.assertion and parse_time(self.assertion["expires"]) <= self._now - LEEWAY:
            raise ExpiredError("the assertion has expired")
        return ImportCheck("validity", Outcome.PASSED)


def _is_in_scope(issuer: Mapping[str, Any], url: str) -> bool:
    """Whether an issuer publishes assertions at this address: by prefix, by origin, or else on his own host."""
    policy = read_object(issuer, "verification")
    prefixes, origins = read_texts(policy, "startsWith"), read_texts(policy, "allowedOrigins")
    if prefixes:
        # A prefix that ends within a host's name, or a path that climbs out of it, would be anybody's.
        return not _CLIMBS.search(url) and any(_begins_with(url, prefix) for prefix in prefixes)
    allowed = {_authority(each) if "//" in each else each.lower() for each in origins}
    return _authority(url) in (allowed or {_authority(get_text(issuer, "id"))})


def _begins_with(url: str, prefix: str) -> bool:
    return url.startswith(prefix) and _authority(url) == _authority(prefix)


def _authority(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError as exc:
        raise MalformedError("an identifier that is no URL") from exc


def _names(entry: object, own: set[str]) -> bool:
    """Whether an entry of a revocation list is this assertion: by identifier, or an object that has it."""
    if isinstance(entry, Mapping):
        return any(isinstance(entry.get(name), str) and entry[name] in own for name in ("id", "uid"))
    return isinstance(entry, str) and entry in own


def _read_key(document: Mapping[str, Any], *, owner: str) -> PublicKey:
    """Return the key of a CryptographicKey document, which must name its owner."""
    if document.get("owner") != owner:
        raise UntrustedIssuerError("a key of another owner")
    pem = get_text(document, "publicKeyPem")
    if len(pem) > _MAX_PEM:
        raise MalformedError("a key that is too large")
    try:
        return public_key_from(load_pem_public_key(pem.encode("utf-8")))
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise MalformedError("a public key that cannot be read") from exc
