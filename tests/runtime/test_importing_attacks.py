"""What one file may make us do, however its lookups follow on one another. A-42."""

import json

from kernel.importing import Verdict
from runtime.fetch import Fetcher
from runtime.importing import read_badge, resolve_report
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
