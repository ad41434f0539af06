"""What must be looked up elsewhere before a credential can be believed: issuer keys, status, the trust list.

    key = await resolver.resolve_issuer_key(unverified, now=now)        # before the signature is checked
    verified = FORMATS[unverified.format].verify(unverified, key=key, …)
    answer = await resolver.resolve_status(verified, now=now)           # only for a verified credential
    found = await resolver.trust.recognise_credential(verified, now=now)   # one of the five outcomes of T-06

One `Resolver` a process. Its caches hold public documents only, are bounded, and never outlive what their documents
allow. `UndecidedError` means that it could not be looked up now, which is never a yes (K-74).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from cryptography.x509 import Certificate

from kernel.data_integrity import SIGNING_CRYPTOSUITES, FindKey
from kernel.dcql import Authorities
from kernel.did import DidDocument, Relation, did_web_url, parse_did_document, resolve_static_did
from kernel.errors import CredentialError, UndecidedError, UntrustedIssuerError
from kernel.formats import StatusKind, StatusReference, UnverifiedCredential, VerifiedCredential
from kernel.formats.credential import DC_SD_JWT, LDP_VC
from kernel.jwt import UnverifiedJwt
from kernel.jwt_vc_issuer import JwkSet, jwt_vc_issuer_url, parse_jwk_set, parse_jwt_vc_issuer_metadata
from kernel.keys import PublicKey
from kernel.status.bitstring_status_list import (
    MESSAGE,
    VerifiedBitstringStatusList,
    parse_status_list_credential,
    verify_status_list_credential,
)
from kernel.status.token_status_list import (
    Status,
    VerifiedStatusList,
    parse_status_list_token,
    verify_status_list_token,
)
from kernel.web_urls import host_of
from kernel.x5c import verify_x5c
from runtime.cache import Cache
from runtime.federation import FederationResolver
from runtime.fetch import Fetcher, FetchKind
from runtime.jitter import Jitter, no_jitter
from runtime.trust import TrustListMemory, TrustSources

STATUS_LIST_MEDIA_TYPE: Final = "application/statuslist+jwt"
_KEY_SET_TYPES: Final = "application/jwk-set+json, application/json"
# K-27: DID documents at most one hour; the same for the keys in an issuer's metadata.
_DID_AGE: Final = timedelta(hours=1)
# A list is asked for again up to this part of its time too early.
_JITTER_IN = 10
# A revocation is seen within a day, whatever `ttl` an issuer writes.
_MAX_STATUS_AGE: Final = timedelta(days=1)
# Bytes of lists of each kind that are kept: two thousand ordinary ones, or sixteen of those that are meant to fill us.
_LISTS_KEPT: Final = 64 * 1024 * 1024
# Whichever the issuer has; the one that the credential has is asked for first, since both are secured alike. BSL §3.6.
_EMBEDDED_FIRST: Final = "application/vc, application/vc+jwt;q=0.9, application/ld+json;q=0.5, application/json;q=0.5"
_JWT_FIRST: Final = "application/vc+jwt, application/vc;q=0.9, application/ld+json;q=0.5, application/json;q=0.5"
_STATUS_ALGORITHMS: Final = frozenset({"ES256", "ES384", "Ed25519", "EdDSA"})

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)

# What a credential is when its lists disagree; what is not here is worse than valid, and nobody knows how.
_SEVERITY: Final = {Status.VALID: 0, Status.SUSPENDED: 2, Status.INVALID: 3}

L = TypeVar("L", VerifiedStatusList, VerifiedBitstringStatusList)


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """What the issuer's lists say about one credential, and how fresh that is.

    `messages`: the word for each message that a list has for it, empty where nobody gives one. They say nothing about
    whether the credential holds; what they mean to people is in `runtime.status_texts`.
    """

    status: Status
    checked_at: datetime
    list_uri: str
    issued_at: datetime
    messages: tuple[str, ...] = ()


class Resolver:
    """Looks things up through the guarded fetcher, and remembers them as long as it may.

    `anchors`: certificates that issuers' `x5c` chains may end in; none means that X.509 is not accepted (K-26).
    `trust_list`: URL or file of the ecosystem list, with the `trust_list_signer` that is pinned for it (T-03), and
    where a service has a database for it, the `trust_list_memory` in which the newest one outlives the process.
    `federation_anchors`: the pinned keys of OpenID Federations, by Entity Identifier (T-07). `trust` says who is
    recognised by these. `jitter`: how much earlier than it must a process that lives long asks for a list again (W-32).
    """

    def __init__(
        self,
        fetch: Fetcher,
        *,
        trust_list: str | None = None,
        trust_list_signer: dict[str, Any] | None = None,
        trust_list_memory: TrustListMemory | None = None,
        anchors: Sequence[Certificate] = (),
        federation_anchors: Mapping[str, JwkSet] | None = None,
        jitter: Jitter = no_jitter,
    ) -> None:
        self._fetch = fetch
        self._jitter = jitter
        self._anchors = tuple(anchors)
        self._documents: Cache[str, DidDocument] = Cache(512)
        self._key_sets: Cache[str, JwkSet] = Cache(512)
        self._token_lists: Cache[tuple[str, str], VerifiedStatusList] = Cache(_LISTS_KEPT)
        self._bitstrings: Cache[tuple[str, str], VerifiedBitstringStatusList] = Cache(_LISTS_KEPT)
        self._newest_lists: Cache[tuple[str, str, bool], datetime] = Cache(4096)
        self.trust = TrustSources(
            fetch,
            place=trust_list,
            signer=trust_list_signer,
            memory=trust_list_memory,
            federation=FederationResolver(fetch, federation_anchors) if federation_anchors else None,
        )

    async def resolve_issuer_key(self, credential: UnverifiedCredential, *, now: datetime) -> PublicKey:
        """The key that this credential must be signed with, by the one mechanism that its issuer identifier calls for.

        1. A DID means its document and `kid`; a chain to one of our anchors beside it must name the same key.
        2. An `x5c` chain decides where policy knows X.509, which is to say: has anchors; for the issuer's host name.
        3. An SD-JWT VC whose `iss` is an https address has its keys in its metadata there, chosen by `kid` (K-25).

        Policy chooses before anything is fetched, and a mechanism that failed is never replaced by another (K-26).
        """
        issuer = credential.unverified_issuer
        anchors = await self.resolve_anchors(now=now) if credential.x5c else ()
        if issuer.startswith("did:"):
            key = await self._did_key(issuer, credential.key_id, now)
            if anchors and verify_x5c(credential.x5c, anchors=anchors, now=now).leaf_key != key:
                raise UntrustedIssuerError("the DID document and the certificate chain name different keys")
            return key
        if anchors:
            return verify_x5c(credential.x5c, anchors=anchors, now=now, dns_name=_host(issuer)).leaf_key
        if not credential.x5c and _has_metadata(credential.format, issuer):
            return await self._metadata_key(issuer, credential.key_id, now)
        raise UntrustedIssuerError("no way to this issuer's key that policy allows")

    async def resolve_did(self, did: str, *, now: datetime) -> DidDocument:
        """The DID's document: computed for did:jwk and did:key, fetched for did:web and kept at most an hour."""
        return self._documents.find(did, now) or await self._read_did(did, now)

    async def resolve_did_key(self, did: str, kid: str, *, now: datetime) -> PublicKey:
        """The key `kid` in the document of this DID, whatever it is used for: a verifier's for its requests.

        OpenID4VP 1.0 §5.9.3: `kid` says which one of `verificationMethod`, and no relation is asked for.
        """
        return await self._find_key(did, now, lambda document: document.find_listed_key(kid))

    async def resolve_status(self, credential: VerifiedCredential, *, now: datetime) -> StatusAnswer | None:
        """What the status lists say now: the worst of what they say; None for a credential that names none.

        Every place that it names is looked up (K-80.1). Any failure to get a good list is `UndecidedError`, unless
        another list says that the credential is not valid; an index beyond a list is refused (K-73, K-74). Nothing
        hangs on a message, and so nothing on having its list.
        """
        answers, undecided = [], None
        for reference in credential.statuses:
            try:
                answers.append(await self._find_status(credential, reference, now))
            except CredentialError as exc:
                if reference.purpose == MESSAGE:
                    continue
                if not isinstance(exc, UndecidedError):
                    raise
                undecided = exc
        worst = max(answers, key=lambda answer: _SEVERITY.get(answer.status, 1), default=None)
        if undecided is not None and (worst is None or worst.status is Status.VALID):
            raise undecided
        if worst is None:
            return None
        return replace(worst, messages=tuple(message for answer in answers for message in answer.messages))

    async def resolve_attestation_status(
        self, statuses: Sequence[StatusReference], *, key: PublicKey, now: datetime
    ) -> Status:
        """What the lists say that an attestation names, the worst of it; or UndecidedError, when one cannot be had.

        `key` is the one that the attestation was signed with, and its list too: no name in an attestation says whose
        other key may speak for it (Token Status List §11.3).
        """
        answers = []
        for reference in statuses:
            if reference.kind is not StatusKind.TOKEN_STATUS_LIST:
                raise UndecidedError("a status of a kind that attestations do not have")
            read = partial(self._read_token_list, partial(_same_key, key), reference.uri, now)
            place = (f"attester {key.thumbprint}", reference.uri)
            token_list = await self._get_list(self._token_lists, read, place, False, now)
            answers.append(token_list.get(reference.index))
        return max(answers, key=lambda status: _SEVERITY.get(status, 1), default=Status.VALID)

    async def _did_key(self, did: str, kid: str | None, now: datetime) -> PublicKey:
        if kid is None:
            raise UntrustedIssuerError("the credential does not say which key of its issuer signed it")
        return await self._find_key(did, now, lambda document: document.find_key(kid, relation="assertionMethod"))

    async def _metadata_key(self, issuer: str, kid: str | None, now: datetime) -> PublicKey:
        """K-25; a kept key set that does not know the key is fetched afresh, once, as with DID documents (K-27)."""
        kept = self._key_sets.find(issuer, now)
        if kept is not None:
            try:
                return kept.find_key(kid)
            except UntrustedIssuerError:
                pass
        return (await self._read_key_set(issuer, now)).find_key(kid)

    async def _read_key_set(self, issuer: str, now: datetime) -> JwkSet:
        answer = await self._fetch.get(jwt_vc_issuer_url(issuer), accept="application/json", kind=FetchKind.METADATA)
        metadata = parse_jwt_vc_issuer_metadata(answer.body, issuer=issuer)
        key_set = metadata.jwks
        if key_set is None:
            uri = str(metadata.jwks_uri)
            key_set = parse_jwk_set((await self._fetch.get(uri, accept=_KEY_SET_TYPES, kind=FetchKind.KEY_SET)).body)
        self._key_sets.put(issuer, key_set, now + _DID_AGE)
        return key_set

    async def _find_key(self, did: str, now: datetime, find: Callable[[DidDocument], PublicKey]) -> PublicKey:
        """K-27: a kept document that does not know the key is fetched afresh, once."""
        kept = self._documents.find(did, now)
        if kept is not None:
            try:
                return find(kept)
            except UntrustedIssuerError:
                pass
        return find(await self._read_did(did, now))

    async def _read_did(self, did: str, now: datetime) -> DidDocument:
        if not did.startswith("did:web:"):
            return resolve_static_did(did)
        answer = await self._fetch.get(did_web_url(did), accept="application/json", kind=FetchKind.DID_DOCUMENT)
        document = parse_did_document(answer.body, did=did)
        self._documents.put(did, document, now + _DID_AGE)
        return document

    async def resolve_authorities(self, credential: VerifiedCredential, *, now: datetime) -> Authorities:
        """By what a question may have asked for its issuer, as far as that is verified. OpenID4VP 1.0 §6.1.1; K-99.

        A chain counts up to one of our anchors and for the key that signed. UndecidedError: a federation that cannot be
        asked now.
        """
        anchors = await self.resolve_anchors(now=now) if credential.x5c else ()
        chain = verify_x5c(credential.x5c, anchors=anchors, now=now) if anchors else None
        is_its_own = chain is not None and chain.leaf_key == credential.key
        return Authorities(
            key_identifiers=chain.authority_key_identifiers if chain is not None and is_its_own else frozenset(),
            federation_entities=await self.trust.resolve_federation_path(credential, now=now),
        )

    async def resolve_anchors(self, *, now: datetime) -> tuple[Certificate, ...]:
        """Where chains may end: the configured anchors and those of the ecosystem's lists (T-05)."""
        lists, _ = await self.trust.resolve_lists(now=now)
        return self._anchors + tuple(anchor for trust_list in lists for anchor in trust_list.anchors)

    async def _find_status(
        self, credential: VerifiedCredential, reference: StatusReference, now: datetime
    ) -> StatusAnswer:
        place, is_embedded = (credential.issuer, reference.uri), credential.format == LDP_VC
        if reference.kind is StatusKind.TOKEN_STATUS_LIST:
            find_key = partial(self._status_key, credential, now)
            read_token = partial(self._read_token_list, find_key, reference.uri, now)
            token_list = await self._get_list(self._token_lists, read_token, place, is_embedded, now)
            status = token_list.get(reference.index)
            return StatusAnswer(status, now, reference.uri, token_list.issued_at)
        if reference.kind is StatusKind.BITSTRING_STATUS_LIST:
            read_bitstring = partial(self._read_bitstring, credential, reference.uri, now)
            bitstring = await self._get_list(self._bitstrings, read_bitstring, place, is_embedded, now)
            entry = bitstring.get(
                reference.index, purpose=reference.purpose, size=reference.size, messages=reference.messages
            )
            messages = (entry.message or "",) if reference.purpose == MESSAGE and entry.value else ()
            return StatusAnswer(entry.status, now, reference.uri, bitstring.issued_at, messages)
        raise UndecidedError("a status of a kind that is not read here")

    async def _get_list(
        self,
        lists: Cache[tuple[str, str], L],
        read: Callable[[datetime | None], Awaitable[L]],
        place: tuple[str, str],
        is_embedded: bool,
        now: datetime,
    ) -> L:
        """The list that is kept, or a new one; one older than was seen before is no good list either (A-46).

        `place` is whose list, and where. An issuer signs each form of a list at its own times, so what was seen before
        counts form by form.
        """
        asked = (*place, is_embedded)
        known = lists.find(place, now)
        if known is not None:
            return known
        try:
            found = await read(self._newest_lists.find(asked, now))
        except UndecidedError:
            raise
        except CredentialError as exc:
            raise UndecidedError(f"no good status list: {exc.code}: {exc.detail}") from exc
        until = min(found.fresh_until(now), now + _MAX_STATUS_AGE)
        # Not all who fetched it when it changed come back at once; and none keeps it longer than it may (K-75).
        until -= self._jitter((until - now) / _JITTER_IN)
        lists.put(place, found, until, weight=found.byte_length)
        self._newest_lists.put(asked, found.issued_at, _FOREVER)
        return found

    async def _read_token_list(
        self,
        find_key: Callable[[UnverifiedJwt], Awaitable[PublicKey]],
        uri: str,
        now: datetime,
        previously_issued_at: datetime | None,
    ) -> VerifiedStatusList:
        answer = await self._fetch.get(uri, accept=STATUS_LIST_MEDIA_TYPE, kind=FetchKind.STATUS_LIST)
        token = parse_status_list_token(answer.text())
        return verify_status_list_token(
            token,
            uri=uri,
            key=await find_key(token),
            algorithms=_STATUS_ALGORITHMS,
            now=now,
            previously_issued_at=previously_issued_at,
        )

    async def _read_bitstring(
        self, credential: VerifiedCredential, uri: str, now: datetime, previously_issued_at: datetime | None
    ) -> VerifiedBitstringStatusList:
        """K-80.3. Only an issuer with a DID has such lists here: nothing else says which keys may sign a credential."""
        if not credential.issuer.startswith("did:"):
            raise UntrustedIssuerError("a status list credential of an issuer without a DID")
        accept = _EMBEDDED_FIRST if credential.format == LDP_VC else _JWT_FIRST
        answer = await self._fetch.get(uri, accept=accept, kind=FetchKind.STATUS_LIST_CREDENTIAL)
        unverified = parse_status_list_credential(answer.body)
        methods = unverified.verification_methods
        keys = {url: await self._did_key(credential.issuer, url, now) for url in methods if _is_of(url, credential)}
        return verify_status_list_credential(
            unverified,
            uri=uri,
            issuer=credential.issuer,
            find_key=_finder(keys),
            cryptosuites=frozenset(SIGNING_CRYPTOSUITES),
            algorithms=_STATUS_ALGORITHMS,
            now=now,
            previously_issued_at=previously_issued_at,
        )

    async def _status_key(self, credential: VerifiedCredential, now: datetime, token: UnverifiedJwt) -> PublicKey:
        """A status list is signed by the issuer of the credential, and found the way that its key was (K-76)."""
        kid, x5c = token.header.get("kid"), token.header.get("x5c", ())
        if credential.issuer.startswith("did:"):
            return await self._did_key(credential.issuer, kid, now)
        if not x5c and _has_metadata(credential.format, credential.issuer):
            # The metadata speaks for the list only where it speaks for the credential too.
            if await self._metadata_key(credential.issuer, credential.key_id, now) != credential.key:
                raise UntrustedIssuerError("the issuer's metadata has another key for the credential")
            return await self._metadata_key(credential.issuer, kid, now)
        key = verify_x5c(
            x5c, anchors=await self.resolve_anchors(now=now), now=now, dns_name=_host(credential.issuer)
        ).leaf_key
        # Without a name that both certificates carry, only the same key shows that it is the same issuer.
        if not credential.issuer and key != credential.key:
            raise UntrustedIssuerError("the status list is signed by another certificate than the credential")
        return key


async def _same_key(key: PublicKey, _token: UnverifiedJwt) -> PublicKey:
    return key


def _is_of(url: str, credential: VerifiedCredential) -> bool:
    return url.partition("#")[0] == credential.issuer


def _finder(keys: Mapping[str, PublicKey]) -> FindKey:
    """What was looked up before, for those who cannot wait; all of it in the relation for credentials."""

    def find_key(url: str, relation: Relation) -> PublicKey:
        if url not in keys or relation != "assertionMethod":
            raise UntrustedIssuerError("a key of another than the issuer")
        return keys[url]

    return find_key


def _has_metadata(format_id: str, issuer: str) -> bool:
    """JWT VC Issuer Metadata is defined for SD-JWT VC, and for issuers that are https addresses."""
    return format_id == DC_SD_JWT and issuer.startswith("https://")


def _host(issuer: str) -> str | None:
    """The name that a certificate has to carry; nobody checked before that the issuer's is a URL at all."""
    try:
        return host_of(issuer) if issuer else None
    except ValueError as exc:
        raise UntrustedIssuerError("an issuer with a certificate whose name is no web address") from exc
