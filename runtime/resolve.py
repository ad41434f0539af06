"""What must be looked up elsewhere before a credential can be believed: issuer keys, status, the trust list.

    key = await resolver.resolve_issuer_key(unverified, now=now)        # before the signature is checked
    verified = FORMATS[unverified.format].verify(unverified, key=key, …)
    answer = await resolver.resolve_status(verified, now=now)           # only for a verified credential
    trust = await resolver.resolve_trust_list(now=now)                  # None: not configured, or not available now

One `Resolver` a process. Its caches hold public documents only, are bounded, and never outlive what their documents
allow. `UndecidedError` means that it could not be looked up now, which is never a yes (K-74).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from cryptography.x509 import Certificate

from kernel.did import DidDocument, Relation, did_web_url, parse_did_document, resolve_static_did
from kernel.errors import CredentialError, UndecidedError, UntrustedIssuerError
from kernel.formats import UnverifiedCredential, VerifiedCredential
from kernel.jwt import UnverifiedJwt
from kernel.keys import PublicKey, parse_public_jwk
from kernel.status.token_status_list import (
    Status,
    VerifiedStatusList,
    parse_status_list_token,
    verify_status_list_token,
)
from kernel.trust_list import TrustList, verify_trust_list
from kernel.web_urls import host_of
from kernel.x5c import verify_x5c
from runtime.fetch import Fetcher, FetchKind
from runtime.logging import get_logger

log = get_logger(__name__)

STATUS_LIST_MEDIA_TYPE: Final = "application/statuslist+jwt"
# K-27: DID documents at most one hour.
_DID_AGE: Final = timedelta(hours=1)
# A revocation is seen within a day, whatever `ttl` an issuer writes.
_MAX_STATUS_AGE: Final = timedelta(days=1)
_TRUST_LIST_AGE: Final = timedelta(minutes=5)
_STATUS_ALGORITHMS: Final = frozenset({"ES256", "ES384", "Ed25519", "EdDSA"})

_FOREVER: Final = datetime.max.replace(tzinfo=UTC)

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class StatusAnswer:
    """What the issuer's list says about one credential, and how fresh that is."""

    status: Status
    checked_at: datetime
    list_uri: str
    issued_at: datetime


class _Cache(Generic[K, V]):
    """The newest `size` values, each until its own end; the clock is the caller's."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[K, tuple[V, datetime]] = OrderedDict()

    def find(self, key: K, now: datetime) -> V | None:
        value, until = self._values.get(key, (None, now))
        return value if now < until else None

    def put(self, key: K, value: V, until: datetime) -> None:
        self._values.pop(key, None)
        self._values[key] = (value, until)
        while len(self._values) > self._size:
            self._values.popitem(last=False)


class Resolver:
    """Looks things up through the guarded fetcher, and remembers them as long as it may.

    `anchors`: certificates that issuers' `x5c` chains may end in; none means that X.509 is not accepted (K-26).
    `trust_list`: URL or file of the ecosystem list, with the `trust_list_signer` that is pinned for it (T-03).
    """

    def __init__(
        self,
        fetch: Fetcher,
        *,
        trust_list: str | None = None,
        trust_list_signer: dict[str, Any] | None = None,
        anchors: Sequence[Certificate] = (),
    ) -> None:
        self._fetch = fetch
        self._anchors = tuple(anchors)
        self._documents: _Cache[str, DidDocument] = _Cache(512)
        self._status_lists: _Cache[tuple[str, str], VerifiedStatusList] = _Cache(128)
        self._newest_lists: _Cache[tuple[str, str], datetime] = _Cache(4096)
        self._trust = None if trust_list is None else _TrustListSource(fetch, trust_list, trust_list_signer)

    async def resolve_issuer_key(self, credential: UnverifiedCredential, *, now: datetime) -> PublicKey:
        """The key that this credential must be signed with, by the one mechanism its issuer identifier calls for.

        A DID means its document and `kid`. Otherwise an `x5c` chain to a configured or listed anchor decides, for the
        host name of the issuer where there is one. Where both could be used they must agree, and a mechanism that
        failed is never replaced by the other (K-26).
        """
        issuer = credential.unverified_issuer
        anchors = await self._anchors_at(now) if credential.x5c else ()
        if issuer.startswith("did:"):
            key = await self._did_key(issuer, credential.key_id, now)
            if anchors and verify_x5c(credential.x5c, anchors=anchors, now=now).leaf_key != key:
                raise UntrustedIssuerError("the DID document and the certificate chain name different keys")
            return key
        if not anchors:
            raise UntrustedIssuerError("no way to this issuer's key that policy allows")
        return verify_x5c(credential.x5c, anchors=anchors, now=now, dns_name=_host(issuer)).leaf_key

    async def resolve_did(self, did: str, *, now: datetime) -> DidDocument:
        """The DID's document: computed for did:jwk and did:key, fetched for did:web and kept at most an hour."""
        return self._documents.find(did, now) or await self._read_did(did, now)

    async def resolve_did_key(self, did: str, kid: str, *, now: datetime) -> PublicKey:
        """The key `kid` that the DID uses for `authentication`: a verifier's key for its requests."""
        return await self._find_key(did, kid, now, relation="authentication")

    async def resolve_status(self, credential: VerifiedCredential, *, now: datetime) -> StatusAnswer | None:
        """What the status list says now; None for a credential that names no list.

        Any failure to get a good list is `UndecidedError`; an index beyond the list is refused (K-73, K-74).
        """
        if credential.status is None:
            return None
        uri = credential.status.uri
        known = self._status_lists.find((credential.issuer, uri), now)
        status_list = known or await self._read_status_list(credential, uri, now)
        return StatusAnswer(status_list.get(credential.status.index), now, uri, status_list.issued_at)

    async def resolve_trust_list(self, *, now: datetime) -> TrustList | None:
        """The newest good list, or the last good one until its `NextUpdate`; None when there is neither (T-03)."""
        return None if self._trust is None else await self._trust.read(now)

    async def _did_key(self, did: str, kid: str | None, now: datetime) -> PublicKey:
        if kid is None:
            raise UntrustedIssuerError("the credential does not say which key of its issuer signed it")
        return await self._find_key(did, kid, now, relation="assertionMethod")

    async def _find_key(self, did: str, kid: str, now: datetime, *, relation: Relation) -> PublicKey:
        """K-27: a kept document that does not know the key is fetched afresh, once."""
        kept = self._documents.find(did, now)
        if kept is not None:
            try:
                return kept.find_key(kid, relation=relation)
            except UntrustedIssuerError:
                pass
        return (await self._read_did(did, now)).find_key(kid, relation=relation)

    async def _read_did(self, did: str, now: datetime) -> DidDocument:
        if not did.startswith("did:web:"):
            return resolve_static_did(did)
        answer = await self._fetch.get(did_web_url(did), accept="application/json", kind=FetchKind.DID_DOCUMENT)
        document = parse_did_document(answer.body, did=did)
        self._documents.put(did, document, now + _DID_AGE)
        return document

    async def _anchors_at(self, now: datetime) -> tuple[Certificate, ...]:
        """Where chains may end: the configured anchors and those of the ecosystem list (T-05)."""
        trust_list = await self.resolve_trust_list(now=now)
        return self._anchors + (() if trust_list is None else trust_list.anchors)

    async def _read_status_list(self, credential: VerifiedCredential, uri: str, now: datetime) -> VerifiedStatusList:
        """Fetch and verify; a list older than one that was seen before is no good list either (A-46)."""
        place = (credential.issuer, uri)
        try:
            answer = await self._fetch.get(uri, accept=STATUS_LIST_MEDIA_TYPE, kind=FetchKind.STATUS_LIST)
            token = parse_status_list_token(answer.text())
            status_list = verify_status_list_token(
                token,
                uri=uri,
                key=await self._status_key(credential, token, now),
                algorithms=_STATUS_ALGORITHMS,
                now=now,
                previously_issued_at=self._newest_lists.find(place, now),
            )
        except UndecidedError:
            raise
        except CredentialError as exc:
            raise UndecidedError(f"no good status list: {exc.code}: {exc.detail}") from exc
        self._status_lists.put(place, status_list, min(status_list.fresh_until(now), now + _MAX_STATUS_AGE))
        self._newest_lists.put(place, status_list.issued_at, _FOREVER)
        return status_list

    async def _status_key(self, credential: VerifiedCredential, token: UnverifiedJwt, now: datetime) -> PublicKey:
        """A status list is signed by the issuer of the credential: by its DID, or by the certificate chain (K-76)."""
        kid, x5c = token.header.get("kid"), token.header.get("x5c", ())
        if credential.issuer.startswith("did:"):
            return await self._did_key(credential.issuer, kid, now)
        key = verify_x5c(x5c, anchors=await self._anchors_at(now), now=now, dns_name=_host(credential.issuer)).leaf_key
        # Without a name that both certificates carry, only the same key shows that it is the same issuer.
        if not credential.issuer and key != credential.key:
            raise UntrustedIssuerError("the status list is signed by another certificate than the credential")
        return key


def _host(issuer: str) -> str | None:
    return host_of(issuer) if issuer else None


class _TrustListSource:
    """One list at one place, with the last good copy of it.

    The copy and its sequence number live as long as the process. After a restart an older list can be played again
    only until its own `NextUpdate`.
    """

    def __init__(self, fetch: Fetcher, place: str, signer: dict[str, Any] | None) -> None:
        self._fetch = fetch
        self._place = place
        self._signer = parse_public_jwk(signer)
        self._raw = ""
        self._good: TrustList | None = None
        self._look_again_at: datetime | None = None

    async def read(self, now: datetime) -> TrustList | None:
        if self._look_again_at is None or now >= self._look_again_at:
            try:
                await self._refresh(now)
            except (CredentialError, OSError) as exc:
                log.warning("trust_list_not_refreshed", exc_info=exc)
        if self._good is None or now >= self._good.next_update:
            return None
        return self._good

    async def _refresh(self, now: datetime) -> None:
        raw = await self._load(now)
        if raw == self._raw:
            return
        previous = None if self._good is None else self._good.sequence
        self._good = verify_trust_list(raw, signer_key=self._signer, now=now, previous_sequence=previous)
        self._raw = raw

    async def _load(self, now: datetime) -> str:
        """A file is read every time, a URL every five minutes."""
        if not self._place.startswith(("https://", "http://")):
            return (await asyncio.to_thread(Path(self._place).read_text, "ascii")).strip()
        self._look_again_at = now + _TRUST_LIST_AGE
        return (await self._fetch.get(self._place, accept="application/jwt", kind=FetchKind.TRUST_LIST)).text()
