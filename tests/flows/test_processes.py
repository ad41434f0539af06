"""Two real processes of each service on one PostgreSQL: no request may depend on which of them answers."""

import asyncio
import os
from pathlib import Path

import pytest
from rich.console import Console

from cli.demo.run import play
from cli.local import SERVICES, Deployment
from cli.processes import choose_ports, running, start_service, wait_until_ready
from cli.skills_commands import build_available_index
from cli.story import Story
from tests.support.balancer import Balancer

SEED = int(os.environ.get("SKILLSWALLET_TEST_SEED", "20260528"))


@pytest.fixture
def postgres_databases_of_services(postgres_databases):
    urls = {name: postgres_databases.create(name) for name in SERVICES}
    yield urls
    for url in urls.values():
        postgres_databases.drop(url)


@pytest.mark.slow
@pytest.mark.loopback
async def test_two_processes_of_each_service_pass_the_whole_story_with_requests_spread_at_random(
    postgres_databases_of_services, tmp_path
):
    deployment = Deployment.create(tmp_path / "deployment")
    build_available_index(deployment.skills_path, esco=Path("/none"))
    backends = choose_ports([8200 + n for n in range(6)])
    pairs = {name: backends[2 * n : 2 * n + 2] for n, name in enumerate(SERVICES)}
    processes = [
        start_service(
            name,
            port=port,
            environment={
                **deployment.environment(name),
                f"{name.upper()}_DATABASE_URL": postgres_databases_of_services[name],
            },
            log=tmp_path / f"{name}-{port}.log",
        )
        for name, ports in pairs.items()
        for port in ports
    ]
    with running(processes):
        await asyncio.to_thread(wait_until_ready, processes)
        balancers = [Balancer(deployment.ports[name], pairs[name], seed=SEED + n) for n, name in enumerate(SERVICES)]
        async with balancers[0], balancers[1], balancers[2]:
            story = Story(Console(quiet=True))
            await play(story, deployment)
    assert [checked for checked in story.checked if not checked.is_so] == []
    assert len(story.checked) > 35
    assert all(count > 3 for balancer in balancers for count in balancer.counts.values())
