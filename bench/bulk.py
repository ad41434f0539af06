"""Badges from a CSV file into the issuer's database, as `skillswallet issuer award-in-bulk` does it.

`make bench` measures whole runs of a hundred thousand, but for the slowest kind a tenth, told as if it had been all.
What it calls is the product's own: the list is read and checked, the run written down, worker processes sign and this
one writes. For each line there is an award with sealed claims and its audit entry, a random place in a status list, and
a signed file, sealed.
"""

import asyncio
import json
import os
import resource
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from uuid import UUID

from bench.credential_endpoint import ACHIEVEMENT, BADGE, DATABASE, ORG, create_settings
from issuer.achievements import create_achievement, parse_description
from issuer.bulk_awards import BulkRequest, award_in_bulk, read_people
from issuer.organisations import OrganisationDescription, create_organisation
from issuer.settings import IssuerSettings
from kernel.data_integrity.ecdsa_sd_2023 import parse_base_proof
from kernel.keys import SoftwareSigner
from runtime.clock import utc_now
from runtime.database import Database
from skills.search import SkillIndex

IN_FULL = 100_000
# The algorithm of each kind, and how many seconds a hundred thousand must not exceed on two cores.
KINDS = {"eddsa-rdfc-2022": ("Ed25519", 15), "sd-jwt": ("ES256", 15), "ecdsa-sd-2023": ("ES256", 150)}


async def _describe(settings: IssuerSettings) -> None:
    """An organisation and a badge, to award in bulk."""
    database = Database(settings.database_url.get_secret_value())
    organisation = OrganisationDescription(slug=ORG, name="Stichting Stimulering Techniek", url="https://stmw.example")
    actor, now = "bench", utc_now()
    async with database.transaction() as session:
        issuer = await create_organisation(session, settings, organisation, actor=actor, now=now)
        description = parse_description(ACHIEVEMENT)
        skills = SkillIndex.open(None)
        await create_achievement(session, issuer, description, skills=skills, actor=actor, now=now)
    await database.close()


def create_list(count: int) -> str:
    """A CSV file with so many people."""
    return "given_name,family_name,email\n" + "".join(f"Sanne,de Vries,s{i}@han.example\n" for i in range(count))


def award(kind: str, settings: IssuerSettings, text: str) -> int:
    """The run itself, from the text of the file to the last row; how many there are now."""
    request = BulkRequest(ORG, BADGE, kind, read_people(text))
    links = award_in_bulk(
        settings, request, actor="bench", processes=os.cpu_count() or 1, now=utc_now, report=lambda done, total: None
    )
    return len(links)


def measure(kind: str, count: int) -> tuple[str, bool]:
    """One run; its CPU time on two cores, as if it had been a hundred thousand, is what has to be small enough."""
    text = create_list(count)
    algorithm, must = KINDS[kind]
    with tempfile.TemporaryDirectory() as folder:
        settings = create_settings(folder)
        asyncio.run(_describe(settings))
        began, cpu = time.perf_counter(), _cpu()
        written = award(kind, settings, text)
        wall, cpu = time.perf_counter() - began, _cpu() - cpu
        signatures = _signatures(kind, settings, Path(folder) / DATABASE)
    if written != count:
        raise AssertionError(f"{written} of {count} were written")
    signer = SoftwareSigner.generate(algorithm)
    began = time.process_time()
    for _ in range(500):
        signer.sign(b"")
    floor = (time.process_time() - began) / 500
    of_all = IN_FULL / count
    on_two_cores = cpu / 2 * of_all
    is_met = on_two_cores <= must
    return (
        f"{kind}: {IN_FULL:,} badges from CSV into the database, measured with {count:,}\n"
        f"  floor: {signatures:3} signatures each, on two cores   {floor * signatures * IN_FULL / 2:8.1f} s\n"
        f"  ours, CPU time on two cores                {on_two_cores:8.1f} s   must {must}: "
        f"{'met' if is_met else 'NOT MET'}\n"
        f"  ours, by the clock, on {os.cpu_count()} cores            {wall * of_all:8.1f} s\n"
    ), is_met


def _signatures(kind: str, settings: IssuerSettings, path: Path) -> int:
    """How many signatures there are in one of the files."""
    if kind != "ecdsa-sd-2023":
        return 1
    with closing(sqlite3.connect(path)) as database:
        identifier, sealed = database.execute("SELECT id, sealed_json FROM badge_files").fetchone()
    [proof] = json.loads(settings.seal.open(sealed, context=f"issuer/badge-file-json/{UUID(identifier)}"))["proof"]
    return 1 + len(parse_base_proof(proof["proofValue"]).signatures)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(count: int | None) -> int:
    """Every kind, and what waits beside such a run; exit status 1 when one was too slow."""
    from bench import beside_bulk

    results = [*(measure(kind, count or IN_MAKE_BENCH[kind]) for kind in KINDS), beside_bulk.measure()]
    print("\n".join(text for text, _ in results))
    return 0 if all(is_met for _, is_met in results) else 1


# All of them, where that takes seconds; else so many that the start of a run does not pass for a part of each badge.
IN_MAKE_BENCH = {"eddsa-rdfc-2022": IN_FULL, "sd-jwt": IN_FULL, "ecdsa-sd-2023": 10_000}

if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else None))
