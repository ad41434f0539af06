"""What one file may make us do, however its lookups follow on one another. A-42."""

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

from kernel.importing import Verdict, judge, recognise
from kernel.trust_list import Outcome, Recognition
from runtime.endorsements import resolve_endorsers
from runtime.fetch import Fetcher
from runtime.importing import read_badge, resolve_recognitions, resolve_report
from runtime.resolve import Resolver
from tests.kernel.test_importing import ACHIEVEMENT, badge, clr, endorsement, sign, small_badge
from tests.support.badge_host import serve
from tests.support.clock import NOW
from tests.support.hosts import HostTransport
from tests.support.imports import ASSERTION, PAGES


async def test_A42_once_the_time_is_over_there_is_no_other_round() -> None:
    """Each round checks every signature again: without connections, thirty-two of them would still take their time."""
    transport = HostTransport({"badges.example:443": serve(PAGES)})
    imported = await read_badge(json.dumps(ASSERTION))
    report = await resolve_report(Fetcher(transport=transport), imported, now=NOW, seconds=0)
    assert report.verdict is Verdict.UNPROVEN
    assert report.lookups
    assert transport.requests == []


class SlowTrust:
    """Sources of trust that answer once so many ask at the same moment."""

    def __init__(self, askers: int) -> None:
        self._together = asyncio.Barrier(askers)
        self.recognise_issuer = self.recognise_party = self._answer

    async def _answer(self, **_: Any) -> Recognition:
        async with asyncio.timeout(5):
            await self._together.wait()
        return Recognition(Outcome.NOT_LISTED)


async def test_A42_E02_slow_superiors_of_many_badges_in_one_file_are_waited_for_once() -> None:
    """A record may hold twenty badges, each of a party whose superiors take all the time there is."""
    record = sign(clr(*(sign(small_badge(f"urn:uuid:{number}")) for number in range(20))))
    report = judge(recognise(json.dumps(record)), {}, now=NOW)
    known = await resolve_recognitions(cast(Resolver, SimpleNamespace(trust=SlowTrust(20))), report, now=NOW)
    assert len(known) == 20


async def test_A42_A50_slow_superiors_of_many_endorsers_are_waited_for_once() -> None:
    document = sign(badge(endorsement=[endorsement(ACHIEVEMENT) for _ in range(5)]))
    report = judge(recognise(json.dumps(document)), {}, now=NOW)
    resolver = cast(Resolver, SimpleNamespace(trust=SlowTrust(5)))
    assert len(await resolve_endorsers(resolver, report.endorsements, now=NOW)) == 5
