"""Badges from a CSV file into the issuer's database: signed by worker processes, written a chunk at a time.

`python -m bench.bulk 100000` measures whole runs; `make bench` a smaller one, told as if it had been a hundred
thousand. The badges are bound to no holder key, as those in files are. The database is the issuer's own, migrated: for
each line an award with sealed claims, a random place in a status list, and the signed bytes, sealed. There is no such
command in the product yet (decision 0050 says why); this says what it could cost.
"""

import csv
import io
import multiprocessing
import os
import resource
import secrets
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.data_integrity import BASE_SIGNATURES, MANDATORY, NOW, SELECTIVE, WHOLE
from kernel.data_integrity import add_base_proof
from kernel.data_integrity.bulk import BulkTemplate
from kernel.jwt import sign_jwt
from kernel.sd_jwt import conceal
from kernel.strict_json import encode_json
from runtime.database import migrate, set_sqlite_pragmas
from runtime.encryption import SealingKey

Line = tuple[str, str, str, int]
"""Given name, family name, e-mail address, and the place in the status list."""

IN_FULL, CHUNK, STATUS_LIST = 100_000, 500, "https://issuer.example/status/1"
PLACES = [
    "/id",
    "/credentialSubject/id",
    "/credentialSubject/narrative",
    "/credentialStatus/id",
    "/credentialStatus/statusListIndex",
]
SEAL = SealingKey.generate()
TEMPLATE = BulkTemplate(
    WHOLE.next_badge(), pointers=PLACES, signer=WHOLE.signer, verification_method=WHOLE.method, created_at=NOW
)
HIDDEN: list[tuple[str | int, ...]] = [("given_name",), ("family_name",), ("email",)]


def sign_whole(line: Line) -> bytes:
    given_name, family_name, email, index = line
    texts = [f"urn:uuid:{uuid.uuid4()}", f"mailto:{email}", f"{given_name} {family_name}"]
    return TEMPLATE.sign([*texts, f"{STATUS_LIST}#{index}", str(index)])


def sign_sd_jwt(line: Line) -> bytes:
    given_name, family_name, email, index = line
    claims = {
        "iss": "did:web:issuer.example",
        "iat": int(NOW.timestamp()),
        "vct": "https://issuer.example/vct/skill-badge/1",
        "status": {"status_list": {"idx": index, "uri": STATUS_LIST}},
        "achievement": SELECTIVE.badge["credentialSubject"]["achievement"],
        "given_name": given_name,
        "family_name": family_name,
        "email": email,
    }
    payload, disclosures = conceal(claims, disclosable=HIDDEN)
    token = sign_jwt(payload, signer=SELECTIVE.signer, typ="dc+sd-jwt", header={"kid": SELECTIVE.method})
    return "~".join([token, *disclosures, ""]).encode()


def sign_selective(line: Line) -> bytes:
    given_name, family_name, email, index = line
    badge = {
        **SELECTIVE.badge,
        "id": f"urn:uuid:{uuid.uuid4()}",
        "credentialSubject": {
            **SELECTIVE.badge["credentialSubject"],
            "id": f"mailto:{email}",
            "narrative": f"{given_name} {family_name}",
        },
        "credentialStatus": {
            **SELECTIVE.badge["credentialStatus"],
            "id": f"{STATUS_LIST}#{index}",
            "statusListIndex": str(index),
        },
    }
    signed = add_base_proof(
        badge,
        signer=SELECTIVE.signer,
        verification_method=SELECTIVE.method,
        created_at=NOW,
        mandatory_pointers=MANDATORY,
    )
    return encode_json(signed)


# The way to sign, its key, the signatures in one badge, and how many seconds a hundred thousand must not exceed on two
# cores.
KINDS: dict[str, tuple[Callable[[Line], bytes], Any, int, int]] = {
    "eddsa-rdfc-2022": (sign_whole, WHOLE.signer, 1, 15),
    "SD-JWT": (sign_sd_jwt, SELECTIVE.signer, 1, 15),
    "ecdsa-sd-2023": (sign_selective, SELECTIVE.signer, BASE_SIGNATURES, 150),
}


def sign_chunk(task: tuple[str, Sequence[Line]]) -> list[tuple[str, bytes, bytes, str, int]]:
    """In a worker: for each line an award and its sealed claims, and the credential, sealed as well."""
    kind, lines = task
    sign = KINDS[kind][0]
    rows = []
    for line in lines:
        award, file = uuid.uuid4(), uuid.uuid4()
        person = {"given_name": line[0], "family_name": line[1], "email": line[2]}
        claims = SEAL.seal(encode_json({"person": person, "evidence": []}), context=f"issuer/award/{award}")
        credential = SEAL.seal(sign(line), context=f"issuer/badge-file/{file}")
        rows.append((award.hex, claims, credential, file.hex, line[3]))
    return rows


def issue_all(kind: str, people: str, database: sqlite3.Connection, workers: int) -> int:
    """Read the file, have it signed, and write what comes back, a transaction a chunk."""
    organisation, version, batch, status_list = (uuid.uuid4().hex for _ in range(4))
    now = NOW.strftime("%Y-%m-%d %H:%M:%S.%f")
    count = 0
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for rows in pool.imap(sign_chunk, ((kind, chunk) for chunk in _chunks(people))):
            database.execute("BEGIN IMMEDIATE")
            database.executemany(
                "INSERT INTO awards (id, organisation_id, achievement_version_id, batch_id, position, reference,"
                " sealed_claims, awarded_at, status, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'valid', ?)",
                [
                    (award, organisation, version, batch, count + number, award[:8], claims, now, now)
                    for number, (award, claims, *_) in enumerate(rows)
                ],
            )
            database.executemany(
                "INSERT INTO status_entries (status_list_id, status_index, value, award_id) VALUES (?, ?, 0, ?)",
                [(status_list, index, award) for award, _, _, _, index in rows],
            )
            database.executemany(
                "INSERT INTO badge_files (id, award_id, number, status_list_id, status_index, sealed_json, created_at)"
                " VALUES (?, ?, 1, ?, ?, ?, ?)",
                [(file, award, status_list, index, credential, now) for award, _, credential, file, index in rows],
            )
            database.execute("COMMIT")
            count += len(rows)
        # Waited for, so that their CPU time counts.
        pool.close()
        pool.join()
    return count


def _chunks(people: str) -> Iterator[list[Line]]:
    reader = csv.DictReader(io.StringIO(people))
    # Drawn once for the whole run, so that no place is tried twice; a list is never filled beyond half.
    lines = list(reader)
    places = secrets.SystemRandom().sample(range(max(2 * len(lines), 131_072)), len(lines))
    for start in range(0, len(lines), CHUNK):
        yield [
            (line["given_name"], line["family_name"], line["email"], place)
            for line, place in zip(lines[start : start + CHUNK], places[start : start + CHUNK], strict=True)
        ]


def measure(kind: str, count: int) -> tuple[str, bool]:
    """One run; its CPU time on two cores, as if it had been a hundred thousand, is what has to be small enough."""
    people = "given_name,family_name,email\n" + "".join(f"Sanne,de Vries,s{i}@han.example\n" for i in range(count))
    _, signer, signatures, must = KINDS[kind]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "issuer.sqlite3"
        migrate(f"sqlite:///{path}", "issuer")
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            set_sqlite_pragmas(database)
            # The rows around these, an organisation and a badge, are not what is measured.
            database.execute("PRAGMA foreign_keys=OFF")
            began, cpu = time.perf_counter(), _cpu()
            written = issue_all(kind, people, database, workers=os.cpu_count() or 1)
            wall, cpu = time.perf_counter() - began, _cpu() - cpu
    if written != count:
        raise AssertionError(f"{written} of {count} were written")
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


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(count: int) -> int:
    """Every kind, and exit status 1 when one was too slow."""
    results = [measure(kind, count) for kind in KINDS]
    print("\n".join(text for text, _ in results))
    return 0 if all(is_met for _, is_met in results) else 1


IN_MAKE_BENCH = 2_000

if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else IN_MAKE_BENCH))
