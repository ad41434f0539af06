"""Who is recognised, by the sources that this service was told to believe. PROFILE.md T-03, T-05 to T-07, T-10.

    found = await resolver.trust.recognise_credential(credential, now=now)

The sources in their order: the ecosystem's signed list, the lists that it points to, two steps far, and the federations
whose anchors are pinned. A withdrawal in any of them wins. The ecosystem's own list may withdraw anybody: without it
nobody is recognised, whatever the others say. Any other source that cannot be had takes nothing from those that can;
but where none of them knows a party, it stays open whether one does.
"""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography.x509 import Certificate

from kernel.errors import CredentialError, InvalidSignatureError, UndecidedError, UntrustedIssuerError
from kernel.federation import (
    CREDENTIAL_ISSUER,
    CREDENTIAL_VERIFIER,
    TrustChain,
    find_federation_entity,
    recognise_credential_issuer,
    recognise_entity,
)
from kernel.formats import VerifiedCredential, judged_at
from kernel.keys import PublicKey, parse_public_jwk
from kernel.open_badges import badge_view
from kernel.trust_list import (
    LIST_UNAVAILABLE,
    MAX_POINTERS,
    ListPointer,
    Outcome,
    Recognition,
    Service,
    TrustList,
    most_decisive,
    verify_trust_list,
)
from runtime.cache import Cache
from runtime.fair_shares import in_turns
from runtime.federation import CHAIN_AGE, FederationResolver
from runtime.fetch import Fetcher, FetchKind
from runtime.logging import get_logger

log = get_logger(__name__)

_TRUST_LIST_AGE: Final = timedelta(minutes=5)
_ISSUER_METADATA_AGE: Final = timedelta(minutes=1)
_TRUST_LIST_RETRY: Final = timedelta(seconds=30)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_FOREVER: Final = datetime.max.replace(tzinfo=UTC)
# T-06: pointers are followed two steps far. The ecosystem chose the lists that its own points to, and all of them are
# asked. Of those that strangers point to there are so many, or one of each stranger's; decision 0087.
_STEPS: Final = (MAX_POINTERS, 16)
_LISTS_KEPT: Final = 2 * MAX_POINTERS


@dataclass(frozen=True, slots=True)
class KeptTrustList:
    """The newest list that any process of this service has believed."""

    sequence: int
    raw: str


class TrustListMemory(Protocol):
    """Where a service keeps the newest trust list: its sequence must not go down with a restart (T-03, A-47)."""

    async def find(self, source: str) -> KeptTrustList | None:
        """What was kept of the list of this source."""

    async def keep(self, source: str, kept: KeptTrustList) -> None:
        """Keep it, unless a newer one is kept already."""


class TrustSources:
    """All sources of one service. `place` and `signer` are None where there is no ecosystem list."""

    def __init__(
        self,
        fetch: Fetcher,
        *,
        place: str | None,
        signer: dict[str, Any] | None,
        memory: TrustListMemory | None,
        federation: FederationResolver | None,
    ) -> None:
        self._fetch = fetch
        self._memory = memory
        self._own = None if place is None else _TrustListSource(fetch, place, (parse_public_jwk(signer),), memory)
        self._others: Cache[ListPointer, _TrustListSource] = Cache(_LISTS_KEPT)
        self._federation = federation

    async def resolve_lists(self, *, now: datetime) -> tuple[Sequence[TrustList], bool]:
        """Every list that is good now, the ecosystem's own first, and whether none of them is missing.

        Without the own list there is none at all: who it withdrew might stand on another.
        """
        placed, is_complete = await self._resolve_placed(now)
        return [trust_list for trust_list, _ in placed], is_complete

    async def resolve_list_addresses(self, credential: VerifiedCredential, *, now: datetime) -> frozenset[str]:
        """Where the lists stand that recognise its issuer, and those that lead there: `etsi_tl` of a DCQL query. K-97.

        None for an issuer that any of the lists has withdrawn, nor while the ecosystem's own cannot be had.
        """
        placed, _ = await self._resolve_placed(now)
        asked = _asked_of(credential, now)
        found = [(known.recognise(**asked, service="issuance").outcome, places) for known, places in placed]
        if any(outcome is Outcome.WITHDRAWN for outcome, _ in found):
            return frozenset()
        return frozenset().union(*(places for outcome, places in found if outcome is Outcome.RECOGNISED))

    async def _resolve_placed(self, now: datetime) -> tuple[list[tuple[TrustList, frozenset[str]]], bool]:
        """Every list with where it stands, and where those stand that lead to it."""
        own = None if self._own is None else await self._own.read(now)
        if self._own is None or own is None:
            return [], self._own is None
        level = [(own, frozenset({self._own.place}))]
        placed, is_complete = list(level), True
        known: set[ListPointer] = set()
        for most in _STEPS:
            above: dict[ListPointer, frozenset[str]] = {}
            for trust_list, places in level:
                for pointer in trust_list.pointers:
                    above[pointer] = above.get(pointer, frozenset()) | places
            unknown = [[each for each in trust_list.pointers if each not in known] for trust_list, _ in level]
            wanted = list(dict.fromkeys(in_turns(unknown)))
            new = wanted[: max(most, len(level))]
            known.update(new)
            found = await asyncio.gather(*(self._read(pointer, now) for pointer in new))
            level = [
                (trust_list, above[pointer] | {pointer.location})
                for pointer, trust_list in zip(new, found, strict=True)
                if trust_list is not None
            ]
            # One that there is no place for is missing as much as one that does not answer.
            is_complete = is_complete and len(level) == len(wanted)
            placed += level
        return placed, is_complete

    async def find_archive_keys(self, issuer: str, *, now: datetime) -> frozenset[str]:
        """The thumbprints of keys that may have signed the archive of an issuer, or UndecidedError. Decision 0009.

        The first list that has the issuer says it, the ecosystem's own before all: no other list vouches for an archive
        of somebody who stands on that one.
        """
        lists, is_complete = await self.resolve_lists(now=now)
        named = (trust_list.find_archive_keys(issuer) for trust_list in lists)
        found = next((keys for keys in named if keys is not None), None)
        if found is None and not (lists and is_complete):
            raise UndecidedError("no list that could name the key of an archive can be had")
        return found or frozenset()

    async def resolve_verifier_anchors(self, *, now: datetime) -> Sequence[Certificate]:
        """The certificates under which listed verifiers ask. T-05."""
        lists, _ = await self.resolve_lists(now=now)
        return [anchor for trust_list in lists for anchor in trust_list.verifier_anchors]

    async def resolve_authority_key_identifiers(self, types: Collection[str], *, now: datetime) -> frozenset[str]:
        """By which certificates the issuers of these types are known now: `aki` of a DCQL query. T-05.

        UndecidedError while the ecosystem's list cannot be had: it may have withdrawn whoever another one names.
        """
        lists, _ = await self.resolve_lists(now=now)
        if self._own is not None and not lists:
            raise UndecidedError("no trust list says whose certificates count")
        return frozenset().union(*(known.authority_key_identifiers(types, now) for known in lists))

    async def resolve_federation_path(self, credential: VerifiedCredential, *, now: datetime) -> frozenset[str]:
        """Its issuer and everybody above it in the federation that names its key; none for who is no member. T-07."""
        entity = find_federation_entity(credential.claims) or _address({credential.issuer})
        if self._federation is None or entity is None:
            return frozenset()
        try:
            chain = await self._federation.resolve_trust_chain(entity, now=now)
        except UntrustedIssuerError:
            return frozenset()
        found = recognise_credential_issuer(chain, key=credential.key, key_id=credential.key_id, types=credential.types)
        is_member = found.outcome is not Outcome.NOT_LISTED
        return frozenset((chain.subject, *chain.superiors)) if is_member else frozenset()

    async def resolve_trust_chain(self, entity: str, *, now: datetime, max_age: timedelta = CHAIN_AGE) -> TrustChain:
        """The chain of a member of a federation that is pinned here, or UntrustedIssuerError. T-07."""
        if self._federation is None:
            raise UntrustedIssuerError("no federation is pinned here")
        return await self._federation.resolve_trust_chain(entity, now=now, max_age=max_age)

    async def resolve_federated_verifier(self, entity: str, *, now: datetime) -> Mapping[str, Any]:
        """What its trust chain says of a verifier, or UntrustedIssuerError where nobody vouches for it as one. T-07."""
        chain = await self.resolve_trust_chain(entity, now=now)
        if CREDENTIAL_VERIFIER not in chain.metadata:
            raise UntrustedIssuerError("a member of a federation, and no verifier there")
        return chain.metadata[CREDENTIAL_VERIFIER]

    async def find_federated_issuer(self, entity: str, *, now: datetime) -> Mapping[str, Any] | None:
        """What the trust chain of an issuer says that it issues. None for who is no member, or cannot be looked up now.

        Newer than what recognition may go by: an issuer may have begun to issue something since.
        """
        try:
            chain = await self.resolve_trust_chain(entity, now=now, max_age=_ISSUER_METADATA_AGE)
        except CredentialError as exc:
            log.info("no_trust_chain", code=exc.code, reason=exc.detail)
            return None
        return chain.metadata.get(CREDENTIAL_ISSUER)

    async def recognise_credential(
        self, credential: VerifiedCredential, *, identifiers: Collection[str] = (), now: datetime
    ) -> Recognition:
        """Whether a credential's issuer was recognised for its kind when it was issued. T-04, T-06.

        `identifiers` are all the verified names of its issuer, where the caller knows more than the one it has.
        """
        asked = _asked_of(credential, now) | ({"identifiers": identifiers} if identifiers else {})
        return await self.recognise_issuer(
            **asked, key_id=credential.key_id, entity=find_federation_entity(credential.claims), now=now
        )

    async def recognise_issuer(
        self,
        *,
        identifiers: Collection[str],
        key: PublicKey | None,
        key_id: str | None,
        types: Collection[str],
        achievement_type: str | None,
        x5c: Sequence[str] = (),
        entity: str | None = None,
        at: datetime,
        now: datetime,
    ) -> Recognition:
        """The same for a badge of any other kind, issued `at`.

        `identifiers` and `key` are verified; `x5c` is what the signature covers of the key's certificates. `entity` is
        the member of a federation that the credential names, if any.
        """

        def ask(trust_list: TrustList) -> Recognition:
            return trust_list.recognise(
                identifiers=identifiers,
                key=key,
                service="issuance",
                types=types,
                achievement_type=achievement_type,
                at=at,
                x5c=x5c,
            )

        def ask_chain(chain: TrustChain) -> Recognition:
            if key is None:
                return Recognition(Outcome.NOT_LISTED)
            return recognise_credential_issuer(chain, key=key, key_id=key_id, types=types)

        return await self._recognise(ask, ask_chain, entity or _address(identifiers), now)

    async def recognise_party(
        self,
        *,
        identifiers: Collection[str],
        service: Service,
        now: datetime,
        key: PublicKey | None = None,
        x5c: Sequence[str] = (),
        at: datetime | None = None,
    ) -> Recognition:
        """Whether a party is recognised at all, for whatever type: who offers something, or asks for it. T-10.

        `at` is when it signed something, where that is not now (T-04).
        """

        def ask(trust_list: TrustList) -> Recognition:
            return trust_list.recognise_party(identifiers=identifiers, service=service, at=at or now, key=key, x5c=x5c)

        def ask_chain(chain: TrustChain) -> Recognition:
            role = CREDENTIAL_ISSUER if service == "issuance" else CREDENTIAL_VERIFIER
            return recognise_entity(chain, role=role)

        return await self._recognise(ask, ask_chain, _address(identifiers), now)

    async def _recognise(
        self,
        ask: Callable[[TrustList], Recognition],
        ask_chain: Callable[[TrustChain], Recognition],
        entity: str | None,
        now: datetime,
    ) -> Recognition:
        lists, is_complete = await self.resolve_lists(now=now)
        if self._own is not None and not lists:
            return LIST_UNAVAILABLE
        found = [ask(trust_list) for trust_list in lists]
        if self._federation is not None and entity is not None:
            try:
                found.append(ask_chain(await self._federation.resolve_trust_chain(entity, now=now)))
            except UndecidedError:
                is_complete = False
            except CredentialError as exc:
                log.info("no_trust_chain", code=exc.code, reason=exc.detail)
        best = most_decisive(found)
        if best is None:
            return Recognition(Outcome.NOT_LISTED) if is_complete and self._federation else LIST_UNAVAILABLE
        return LIST_UNAVAILABLE if best.outcome is Outcome.NOT_LISTED and not is_complete else best

    async def _read(self, pointer: ListPointer, now: datetime) -> TrustList | None:
        source = self._others.find(pointer, now)
        if source is None:
            source = _TrustListSource(self._fetch, pointer.location, pointer.keys, self._memory)
            self._others.put(pointer, source, _FOREVER)
        return await source.read(now)


def _asked_of(credential: VerifiedCredential, now: datetime) -> dict[str, Any]:
    """What every list is asked about the issuer of a credential."""
    return {
        "identifiers": {credential.issuer},
        "key": credential.key,
        "types": credential.types,
        "achievement_type": badge_view(credential.claims, credential.format).achievement_type,
        "x5c": credential.x5c,
        "at": judged_at(credential, now),
    }


def _address(identifiers: Collection[str]) -> str | None:
    """The identifier that may be that of a member of a federation, which are all addresses."""
    return next((identifier for identifier in sorted(identifiers) if identifier.startswith("https://")), None)


class _TrustListSource:
    """One list at one place, with the last good copy of it.

    A new list must be at least as new as any that a process of this service has believed before; `memory` remembers
    across restarts and processes. While one caller asks for a newer list, others go on with the copy there is.
    """

    def __init__(
        self, fetch: Fetcher, place: str, signers: Sequence[PublicKey], memory: TrustListMemory | None
    ) -> None:
        self._fetch = fetch
        self.place = place
        self._signers = signers
        # Another place or another pinned signer is another list, with a sequence of its own.
        names = "\n".join((place, *(signer.thumbprint for signer in signers)))
        self._source = hashlib.sha256(names.encode()).hexdigest()
        self._memory = memory
        self._raw = ""
        self._good: TrustList | None = None
        self._sequence: int | None = None
        self._recall_at = self._look_again_at = _NEVER
        self._one_at_a_time = asyncio.Lock()

    async def read(self, now: datetime) -> TrustList | None:
        if not (self._one_at_a_time.locked() and self._find_good(now)):
            async with self._one_at_a_time:
                await self._recall(now)
                await self._refresh(now)
        return self._find_good(now)

    def _find_good(self, now: datetime) -> TrustList | None:
        return self._good if self._good is not None and now < self._good.next_update else None

    async def _recall(self, now: datetime) -> None:
        """Take over what another process, or this service before its restart, believed last."""
        if self._memory is None or now < self._recall_at:
            return
        kept = await self._memory.find(self._source)
        self._recall_at = now + _TRUST_LIST_AGE
        if kept is None or (self._sequence is not None and kept.sequence <= self._sequence):
            return
        self._sequence, self._good, self._raw = kept.sequence, None, ""
        try:
            self._good = self._verified(kept.raw, now, None)
            self._raw = kept.raw
        except CredentialError as exc:
            # It has expired since: its sequence still counts.
            log.info("kept_trust_list_not_used", code=exc.code)

    async def _refresh(self, now: datetime) -> None:
        if now < self._look_again_at:
            return
        try:
            await self._take_newer(now)
        except (CredentialError, OSError) as exc:
            log.warning("trust_list_not_refreshed", exc_info=exc)

    async def _take_newer(self, now: datetime) -> None:
        raw = await self._load(now)
        if raw == self._raw:
            return
        good = self._verified(raw, now, self._sequence)
        if self._memory is not None and good.sequence != self._sequence:
            await self._memory.keep(self._source, KeptTrustList(good.sequence, raw))
        self._good, self._sequence, self._raw = good, good.sequence, raw

    def _verified(self, raw: str, now: datetime, previous: int | None) -> TrustList:
        """By any of the keys that are pinned for it."""
        for signer in self._signers[:-1]:
            try:
                return verify_trust_list(raw, signer_key=signer, now=now, previous_sequence=previous)
            except InvalidSignatureError:
                continue
        return verify_trust_list(raw, signer_key=self._signers[-1], now=now, previous_sequence=previous)

    async def _load(self, now: datetime) -> str:
        """A file is read every time, a URL every five minutes; one that did not answer, sooner."""
        if not self.place.startswith(("https://", "http://")):
            return (await asyncio.to_thread(Path(self.place).read_text, "ascii")).strip()
        self._look_again_at = now + _TRUST_LIST_RETRY
        answer = await self._fetch.get(self.place, accept="application/jwt", kind=FetchKind.TRUST_LIST)
        self._look_again_at = now + _TRUST_LIST_AGE
        return answer.text()
