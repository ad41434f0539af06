"""Looking up who vouches for a party: the trust chains of OpenID Federation 1.0 §9, §10.1. PROFILE.md T-07.

    chain = await federation.resolve_trust_chain("https://issuer.example/school", now=now)

Upwards from the party, by the superiors that each names, to one of the anchors that are pinned in the settings. What
strangers write decides where we look, so there is a limit to how far and how often (A-42), and only the guarded fetcher
looks. `UntrustedIssuerError`: no chain leads to an anchor. `UndecidedError`: one that might could not be looked up now,
or was not looked up for that limit.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import quote

from kernel.errors import CredentialError, RejectedError, UndecidedError, UntrustedIssuerError
from kernel.federation import (
    FEDERATION_ENTITY,
    MAX_SUPERIORS,
    MEDIA_TYPE,
    EntityStatement,
    TrustChain,
    entity_configuration_url,
    parse_entity_statement,
    verify_entity_configuration,
    verify_trust_chain,
)
from kernel.jwt_vc_issuer import JwkSet
from kernel.web_urls import web_url
from runtime.cache import Cache
from runtime.fair_shares import in_turns
from runtime.fetch import Fetcher, FetchKind
from runtime.logging import get_logger

log = get_logger(__name__)

# A chain that was left, or a key that was withdrawn, is seen within the hour, whatever `exp` a statement has.
CHAIN_AGE: Final = timedelta(hours=1)
_REFUSAL_AGE: Final = timedelta(minutes=1)
_CHAINS_KEPT: Final = 512
# Superiors at each level above one party: of two of whom one names a crowd, the other has four more. Decision 0087.
_MAX_AT_ONE_LEVEL: Final = 8
# And for so long in all: whoever names a crowd of slow superiors keeps nobody waiting for each of them.
_MAX_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class _KeptChain:
    chain: TrustChain
    resolved_at: datetime


class FederationResolver:
    """Finds trust chains and keeps them as long as they are good. `anchors`: the pinned keys by Entity Identifier."""

    def __init__(self, fetch: Fetcher, anchors: Mapping[str, JwkSet]) -> None:
        self._fetch = fetch
        self._anchors = anchors
        self._chains: Cache[str, _KeptChain] = Cache(_CHAINS_KEPT)
        self._refusals: Cache[str, str] = Cache(_CHAINS_KEPT)
        self._given_up: Cache[str, str] = Cache(_CHAINS_KEPT)
        self._under_way: dict[str, asyncio.Task[TrustChain]] = {}

    async def resolve_trust_chain(self, entity: str, *, now: datetime, max_age: timedelta = CHAIN_AGE) -> TrustChain:
        """The chain from this party to an anchor, checked whole; the shortest one that holds. §10.1, §10.3.

        One that was looked up within `max_age`, or is still good while no newer one can be had.
        """
        kept = self._chains.find(entity, now)
        if kept is not None and now - kept.resolved_at < max_age:
            return kept.chain
        refusal = self._refusals.find(entity, now)
        if refusal is not None:
            raise UntrustedIssuerError(refusal)
        try:
            chain = await self._climb_together(entity, now)
        except UndecidedError:
            if kept is not None:
                return kept.chain
            raise
        except CredentialError as exc:
            # Of no federation, or of one that nobody here knows.
            self._refusals.put(entity, exc.detail, now + _REFUSAL_AGE)
            raise UntrustedIssuerError(exc.detail) from exc
        self._chains.put(entity, _KeptChain(chain, now), min(chain.expires_at, now + CHAIN_AGE))
        return chain

    async def _climb_together(self, entity: str, now: datetime) -> TrustChain:
        """Look once, however many ask about one party at the same moment: a file may name it twenty times."""
        climb = self._under_way.get(entity)
        if climb is None:
            climb = asyncio.create_task(self._climb(entity, now))
            self._under_way[entity] = climb
            climb.add_done_callback(lambda _: self._under_way.pop(entity))
        # Whoever gives up waiting takes it from nobody else.
        return await asyncio.shield(climb)

    async def _climb(self, entity: str, now: datetime) -> TrustChain:
        """Look for a chain within our limits of time and number; what went beyond them is not begun again at once."""
        given_up = self._given_up.find(entity, now)
        if given_up is not None:
            raise UndecidedError(given_up)
        try:
            async with asyncio.timeout(_MAX_SECONDS):
                return await _Climb(self._fetch, self._anchors, now).climb(entity)
        except (TimeoutError, _CrowdError):
            reason = "more superiors than are looked up for one party, or slower ones"
            self._given_up.put(entity, reason, now + _REFUSAL_AGE)
            raise UndecidedError(reason) from None


class _CrowdError(UndecidedError):
    """Some superiors were not looked up, since there are too many of them."""


class _Step(NamedTuple):
    """How far one way up has come: who is there, the statements from the party up to there, and who was met."""

    configuration: EntityStatement
    path: tuple[str, ...]
    met: tuple[str, ...]


class _Climb:
    """One look for a chain, level by level, so that the shortest is found first."""

    def __init__(self, fetch: Fetcher, anchors: Mapping[str, JwkSet], now: datetime) -> None:
        self._fetch = fetch
        self._anchors = anchors
        self._now = now
        self._undecided: UndecidedError | None = None
        self._is_crowd = False

    async def climb(self, entity: str) -> TrustChain:
        """Follow every superior of every level up, at most four; on one way nobody is met twice.

        On another they may be: who vouches for one of two superiors need not vouch for the other.
        """
        own = await self._configuration(entity)
        if entity in self._anchors:
            return self._verified([own.token.raw], entity)
        level = [_Step(own, (own.token.raw,), (entity,))]
        for _ in range(MAX_SUPERIORS):
            above: list[_Step] = []
            for below, superior in self._superiors(level):
                step = await self._find_step(below, superior)
                if step is None:
                    continue
                if superior in self._anchors:
                    chain = self._find_verified([*step.path, step.configuration.token.raw], entity)
                    if chain is not None:
                        return chain
                else:
                    above.append(step)
            level = above
        if self._is_crowd:
            raise _CrowdError("more superiors than are looked up at one level")
        if self._undecided is not None:
            raise self._undecided
        raise UntrustedIssuerError("no trust chain leads to an anchor that is known here")

    def _superiors(self, level: Sequence[_Step]) -> Sequence[tuple[_Step, str]]:
        """Whom to ask next above each of these, in turns; who is left out leaves it open whether a chain is there."""
        named = [(below, self._hints(below)) for below in level]
        wanted = _share([[(below, hint) for hint in hints] for below, hints in named if hints])
        self._is_crowd = self._is_crowd or len(wanted) > _MAX_AT_ONE_LEVEL
        return wanted[:_MAX_AT_ONE_LEVEL]

    def _hints(self, below: _Step) -> Sequence[str]:
        """Whom one names above itself; an anchor among them is the shortest way there is."""
        hints = [hint for hint in dict.fromkeys(below.configuration.authority_hints) if hint not in below.met]
        return sorted(hints, key=lambda hint: hint not in self._anchors)

    async def _find_step(self, below: _Step, superior: str) -> _Step | None:
        """What a superior says of itself, and the path with what it says of the one below; None if it says nothing."""
        try:
            configuration = await self._configuration(superior)
            statement = await self._statement(configuration, below.configuration.subject)
        except UndecidedError as exc:
            self._undecided = exc
            return None
        except CredentialError as exc:
            log.info("federation_superior_left_out", code=exc.code, reason=exc.detail)
            return None
        return _Step(configuration, (*below.path, statement), (*below.met, superior))

    async def _configuration(self, entity: str) -> EntityStatement:
        raw = await self._get(entity_configuration_url(entity))
        return verify_entity_configuration(parse_entity_statement(raw), entity=entity, now=self._now)

    async def _statement(self, superior: EntityStatement, subject: str) -> str:
        """The Subordinate Statement, from the fetch endpoint that the superior names. §8.1."""
        endpoint = web_url(
            superior.metadata.get(FEDERATION_ENTITY, {}).get("federation_fetch_endpoint"), "the fetch endpoint"
        )
        raw = await self._get(f"{endpoint}{'&' if '?' in endpoint else '?'}sub={quote(subject, safe='')}")
        statement = parse_entity_statement(raw)
        if (statement.issuer, statement.subject) != (superior.subject, subject):
            raise RejectedError("a subordinate statement about somebody else")
        return raw

    async def _get(self, url: str) -> str:
        return (await self._fetch.get(url, accept=MEDIA_TYPE, kind=FetchKind.ENTITY_STATEMENT)).text()

    def _find_verified(self, chain: Sequence[str], subject: str) -> TrustChain | None:
        try:
            return self._verified(chain, subject)
        except CredentialError as exc:
            log.info("federation_chain_refused", code=exc.code, reason=exc.detail)
            return None

    def _verified(self, chain: Sequence[str], subject: str) -> TrustChain:
        return verify_trust_chain(chain, subject=subject, anchors=self._anchors, now=self._now)


def _share(wanted: Sequence[Sequence[tuple[_Step, str]]], fork: int = 0) -> Sequence[tuple[_Step, str]]:
    """Take turns at every fork on the way up: a crowd above one superior gets no more than what is above another.

    `wanted` are those above each, all of them at the same level.
    """
    if len(wanted) < 2:
        return in_turns(wanted)
    branches: dict[str, list[Sequence[tuple[_Step, str]]]] = {}
    for above in wanted:
        branches.setdefault(above[0][0].met[fork], []).append(above)
    return in_turns([_share(branch, fork + 1) for branch in branches.values()])
