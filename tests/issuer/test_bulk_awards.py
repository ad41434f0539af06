"""Awards in bulk: files as any other, revoked as any other; a run that ends anywhere goes on, nobody awarded twice."""

import asyncio
import csv
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select

from issuer import bulk_awards, store
from issuer.bulk_awards import BadLinesError, BulkRequest, FileLink, award_in_bulk, read_people
from issuer.bulk_signing import Person
from issuer.errors import ConflictError, InputError, NotFoundError
from issuer.models import AuditEntry, Award, AwardBatch, BadgeFile, BulkChunk, StatusEntry, StatusList
from kernel.formats import parse_credential
from kernel.importing import Verdict
from kernel.report import Outcome
from kernel.status.token_status_list import Status
from runtime.fetch import Fetcher
from runtime.importing import read_badge, resolve_report
from runtime.workers import WorkerLostError
from tests.conftest import NewDatabase
from tests.issuer.conftest import ORG, PUBLIC_URL, SLUG, Issuer, create_issuer
from tests.issuer.test_hsm import guarded  # noqa: F401  a fixture
from tests.issuer.test_securings import believe, find_status
from tests.issuer.test_status import TTL
from tests.support.clock import FixedClock
from tests.support.hosts import HostTransport

SECURINGS = ["eddsa-rdfc-2022", "sd-jwt", "ecdsa-sd-2023"]
FORMS = {"eddsa-rdfc-2022": ["png", "svg", "json"], "sd-jwt": ["sd-jwt"], "ecdsa-sd-2023": ["sd-json"]}
Report = Callable[[int, int], None]


class EndedError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_awards, "CHUNK", 3)


def people(count: int) -> list[Person]:
    return [Person("Sanne", "de Vries", f"s{number}@student.example", None) for number in range(count)]


def request(count: int = 7, **changes: Any) -> BulkRequest:
    values: dict[str, Any] = {"securing": "eddsa-rdfc-2022", "people": people(count), **changes}
    return BulkRequest(ORG, values.pop("achievement", SLUG), **values)


async def run(
    issuer: Issuer, wanted: BulkRequest, *, report: Report = lambda done, total: None, processes: int = 0
) -> Sequence[FileLink]:
    """A run, beside the event loop as the command is beside the service."""
    return await asyncio.to_thread(
        award_in_bulk, issuer.settings, wanted, actor="test", processes=processes, now=issuer.clock, report=report
    )


async def count(issuer: Issuer, table: Any, *conditions: Any) -> int:
    async with issuer.database.reading() as session:
        return int((await session.execute(select(func.count()).select_from(table).where(*conditions))).scalar_one())


async def require_once_each(issuer: Issuer, number: int) -> None:
    """Everybody has one award, one file and one place, and every award its entry in the trail."""
    async with issuer.database.reading() as session:
        awards = (await session.scalars(select(Award))).all()
        files = (await session.scalars(select(BadgeFile))).all()
        taken = (await session.scalars(select(StatusEntry).where(StatusEntry.award_id.is_not(None)))).all()
    assert len({award.email_hash for award in awards}) == len(awards) == number
    assert sorted(award.position for award in awards) == list(range(number))
    assert {file.award_id for file in files} == {award.id for award in awards} == {entry.award_id for entry in taken}
    assert len(files) == len(taken) == number
    assert {(file.status_list_id, file.status_index) for file in files} == {
        (entry.status_list_id, entry.status_index) for entry in taken
    }
    subjects = [str(award.id) for award in awards]
    assert await count(issuer, AuditEntry, AuditEntry.subject.in_(subjects)) == number
    assert await count(issuer, BulkChunk, BulkChunk.state == "waiting") == 0


@pytest.mark.parametrize("securing", SECURINGS)
async def test_B20_B08_I77_files_in_bulk_are_believed_by_strangers_and_revoked_with_their_award(
    any_issuer: Issuer, securing: str
) -> None:
    issuer = any_issuer
    links = await run(issuer, request(securing=securing))
    await require_once_each(issuer, 7)
    fetch = Fetcher(transport=HostTransport({"issuer.example:443": issuer.app}))
    for one in (links[0], links[6]):
        page = await issuer.client.get(one.link.removeprefix(PUBLIC_URL))
        assert page.status_code == 200
        form = FORMS[securing][-1]
        named = [each for each in ("png", "svg", "json", "jws", "sd-jwt", "sd-json") if f'/{each}"' in page.text]
        assert named == FORMS[securing]
        file = await issuer.client.get(f"{one.link.removeprefix(PUBLIC_URL)}/{form}")
        raw = file.text
        assert all(hidden not in raw for hidden in one.person[:3])
        report = await resolve_report(fetch, await read_badge(raw), now=issuer.clock(), email=one.person.email)
        assert Outcome.FAILED not in {check.outcome for check in report.checks}, report.checks
        assert report.verdict is Verdict.PROVEN
    [award] = [item for item in await list_awards(issuer) if item["person"]["email"] == links[6].person.email]
    assert award["state"] == "as_file"
    assert award["reference"] == links[6].reference
    assert (await issuer.change(award["id"], "revoke")).status_code == 200
    issuer.clock.advance(TTL + timedelta(seconds=1))
    report = await resolve_report(fetch, await read_badge(raw), now=issuer.clock(), email=links[6].person.email)
    assert report.verdict is Verdict.REFUTED


@pytest.mark.parametrize(
    ("securing", "form"),
    [("eddsa-rdfc-2022", "Multikey"), ("sd-jwt", "JsonWebKey2020"), ("ecdsa-sd-2023", "Multikey")],
)
async def test_K22_a_file_in_bulk_names_its_key_in_the_form_that_its_readers_know(
    issuer: Issuer, securing: str, form: str
) -> None:
    [one] = await run(issuer, request(1, securing=securing))
    file = await issuer.client.get(f"{one.link.removeprefix(PUBLIC_URL)}/{FORMS[securing][-1]}")
    read = parse_credential(file.text)
    assert await issuer.method_type(read.key_id) == form
    await believe(issuer, file.text)


async def list_awards(issuer: Issuer) -> list[dict[str, Any]]:
    return list((await issuer.api("GET", f"/organisations/{ORG}/awards")).json()["awards"])


async def test_B20_a_file_in_bulk_is_what_one_made_alone_is_but_for_its_own_texts(issuer: Issuer) -> None:
    [one] = await run(issuer, request(1))
    bulk = (await issuer.client.get(f"{one.link.removeprefix(PUBLIC_URL)}/json")).json()
    award = await issuer.award()
    await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/file")
    alone = (await issuer.api("GET", f"/organisations/{ORG}/awards/{award['id']}/file/json")).json()
    for badge in (bulk, alone):
        del badge["id"], badge["proof"][0]["proofValue"]
        [identity] = badge["credentialSubject"]["identifier"]
        del identity["identityHash"], identity["salt"]
        for entry in badge["credentialStatus"]:
            del entry["id"], entry["statusListIndex"]
    assert list(bulk.items()) == list(alone.items())


async def test_A53_same_command_again_gives_the_same_links_and_awards_nobody(issuer: Issuer) -> None:
    first = await run(issuer, request())
    assert await run(issuer, request()) == first
    await require_once_each(issuer, 7)
    other = await run(issuer, request(8))
    assert len(other) == 8
    assert await count(issuer, Award) == 15


@pytest.mark.parametrize("ends_after", [0, 3, 6])
async def test_A53_run_that_ends_early_goes_on_and_awards_nobody_twice(any_issuer: Issuer, ends_after: int) -> None:
    def end(done: int, total: int) -> None:
        if done == ends_after:
            raise EndedError

    with pytest.raises(EndedError):
        await run(any_issuer, request(), report=end)
    assert await count(any_issuer, Award) == ends_after
    told: list[tuple[int, int]] = []
    assert len(await run(any_issuer, request(), report=lambda *progress: told.append(progress))) == 7
    assert told[0] == (ends_after, 7)
    assert told[-1] == (7, 7)
    await require_once_each(any_issuer, 7)


async def test_A53_two_runs_of_one_list_at_the_same_time_award_everybody_once(any_issuer: Issuer) -> None:
    both = await asyncio.gather(run(any_issuer, request(20)), run(any_issuer, request(20)))
    assert both[0] == both[1]
    await require_once_each(any_issuer, 20)


async def test_A53_process_killed_in_the_middle_is_taken_up_where_it_was(
    new_database: NewDatabase, clock: FixedClock, tmp_path: Path
) -> None:
    issuer = await create_issuer(new_database("issuer"), clock)
    number = 4_000
    (tmp_path / "list.csv").write_text(
        "given_name,family_name,email\n" + "".join(f"Sanne,de Vries,s{n}@student.example\n" for n in range(number))
    )
    settings = issuer.settings
    environment = {
        **os.environ,
        "ISSUER_PUBLIC_URL": settings.public_url,
        "ISSUER_DATABASE_URL": settings.database_url.get_secret_value(),
        "ISSUER_ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
        "ISSUER_BADGE_VCT": settings.badge_vct,
    }
    command = [sys.executable, "-m", "cli.main", "issuer", "award-in-bulk", "-o", ORG, "-a", SLUG, "--processes", "2"]
    command += [str(tmp_path / "list.csv"), str(tmp_path / "links.csv")]
    with subprocess.Popen(  # noqa: ASYNC220  its end is not waited for
        command, env=environment, stderr=subprocess.DEVNULL
    ) as process:
        while not await count(issuer, BulkChunk, BulkChunk.state == "written"):
            assert process.poll() is None, "it was over before it could be killed"
            await asyncio.sleep(0.02)
        workers = children(process.pid)
        process.kill()
    assert len(workers) == 2
    done = await count(issuer, Award)
    assert 0 < done < number
    # Nobody told the workers; that the other side is gone does.
    await asyncio.to_thread(wait_until_gone, workers)
    assert await count(issuer, Award) == done
    assert not (tmp_path / "links.csv").exists()
    await asyncio.to_thread(subprocess.run, command, env=environment, check=True, capture_output=True)
    await require_once_each(issuer, number)
    with (tmp_path / "links.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["email"] for row in rows] == [f"s{n}@student.example" for n in range(number)]
    page = await issuer.client.get(rows[-1]["link"].removeprefix(PUBLIC_URL))
    assert page.status_code == 200
    assert (tmp_path / "links.csv").stat().st_mode & 0o077 == 0
    await issuer.client.aclose()
    await issuer.app.state.service.close()


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until_gone(processes: Sequence[int]) -> None:
    until = time.monotonic() + 20
    while any(is_running(process) for process in processes):
        assert time.monotonic() < until, "a worker outlives the process that it works for"
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_A53_worker_that_is_killed_ends_the_run_which_can_go_on(any_issuer: Issuer) -> None:
    def kill(done: int, total: int) -> None:
        for child in multiprocessing.active_children():
            child.kill()

    with pytest.raises(WorkerLostError):
        await run(any_issuer, request(40), report=kill, processes=2)
    assert len(await run(any_issuer, request(40), processes=2)) == 40
    await require_once_each(any_issuer, 40)


async def test_K77_A53_place_that_somebody_took_meanwhile_is_drawn_again(
    any_issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if every place had been free when they were drawn: one in 128 is a decoy's."""
    read, answers = store.list_taken_places, iter([set[int]()])
    monkeypatch.setattr(store, "list_taken_places", lambda *given: next(answers, None) or read(*given))
    monkeypatch.setattr(bulk_awards, "CHUNK", 1_500)
    written: list[int] = []
    await run(any_issuer, request(3_000), report=lambda done, total: written.append(done))
    assert next(answers, None) is None
    await require_once_each(any_issuer, 3_000)


async def test_I79_K77_list_that_is_nearly_full_is_closed_and_another_opened(issuer: Issuer) -> None:
    await run(issuer, request(1))
    size = issuer.settings.status_list_size
    async with issuer.database.transaction() as session:
        [full] = (await session.scalars(select(StatusList).where(StatusList.kind == "bitstring_status_list"))).all()
        await session.execute(delete(StatusEntry).where(StatusEntry.award_id.is_(None)))
        here = set(await session.scalars(select(StatusEntry.status_index)))
        free = [index for index in range(size) if index not in here][: int(0.9 * size) - 5]
        rows = [{"status_list_id": full.id, "status_index": index, "value": 0} for index in free]
        await session.execute(insert(StatusEntry), rows)
    await run(issuer, request(7))
    async with issuer.database.reading() as session:
        lists = (await session.scalars(select(StatusList).where(StatusList.kind == "bitstring_status_list"))).all()
        used = (await session.scalars(select(BadgeFile.status_list_id).distinct())).all()
    assert [made.closed_at is None for made in sorted(lists, key=lambda made: made.number)] == [False, True]
    assert {made.id for made in lists} == set(used)


def test_I77_every_line_that_names_nobody_is_reported_before_anything_is_signed() -> None:
    with pytest.raises(BadLinesError) as caught:
        read_people("voornaam;achternaam;e-mail\nA;B;c\nA;;d@e.nl\nA;B;d@e.nl\nA;B;D@e.nl\n")
    assert [line.number for line in caught.value.lines] == [2, 3, 5]
    assert read_people('A,B,c@d.nl,123\n"E, F",G,h@i.nl\n') == [
        Person("A", "B", "c@d.nl", "123"),
        Person("E, F", "G", "h@i.nl", None),
    ]


def test_I77_a_list_that_names_nobody_is_refused() -> None:
    for text in ("", "\ufeff\n \n", "voornaam;achternaam;e-mail\n"):
        with pytest.raises(InputError) as caught:
            read_people(text)
        assert "people" in caught.value.fields


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("A\u202e", "Er staat een teken in dat niemand kan zien."),
        ("A\x00", "Er staat een teken in dat niemand kan zien."),
        ("A" * 201, "De naam is te lang."),
        (" ", "De voornaam ontbreekt."),
    ],
)
def test_I77_A41_a_line_is_told_what_is_wrong_with_its_name(name: str, reason: str) -> None:
    with pytest.raises(BadLinesError) as caught:
        read_people(f"{name};B;c@d.nl\n")
    assert [line.reason for line in caught.value.lines] == [reason]


async def test_I77_what_cannot_be_awarded_is_refused_before_anything_is_written(issuer: Issuer) -> None:
    await issuer.add_achievement(slug="met-twee", approval="second_person")
    refused: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"achievement": "met-twee"}, ConflictError),
        ({"achievement": "geen"}, NotFoundError),
        ({"expires_at": issuer.clock() - timedelta(days=1)}, InputError),
        ({"awarded_at": issuer.clock() + timedelta(days=2)}, InputError),
    ]
    for changes, error in refused:
        with pytest.raises(error):
            await run(issuer, request(**changes))
    with pytest.raises(NotFoundError):
        await run(issuer, BulkRequest("geen", SLUG, "sd-jwt", people(1)))
    assert await count(issuer, AwardBatch) == 0


async def test_I77_reference_term_and_dates_are_those_of_any_award(issuer: Issuer) -> None:
    await issuer.add_achievement(slug="met-termijn", validity_days=30)
    named = [Person("Sanne", "de Vries", "Sanne@Student.example", "s-123")]
    [one] = await run(issuer, request(achievement="met-termijn", people=named))
    assert one.reference == "s-123"
    [award] = await list_awards(issuer)
    assert award["expires_at"] == (issuer.clock().date() + timedelta(days=31)).isoformat() + "T00:00:00Z"
    raw = (await issuer.client.get(f"{one.link.removeprefix(PUBLIC_URL)}/json")).json()
    assert raw["validUntil"] == award["expires_at"]


async def test_I75_key_that_is_replaced_meanwhile_signs_no_more_and_the_run_goes_on_with_the_new_one(
    issuer: Issuer,
) -> None:
    loop = asyncio.get_running_loop()

    def rotate(done: int, total: int) -> None:
        if done == 3:
            asyncio.run_coroutine_threadsafe(
                issuer.api("POST", f"/organisations/{ORG}/signing-keys", json={"algorithm": "Ed25519"}), loop
            ).result()

    with pytest.raises(ConflictError):
        await run(issuer, request(), report=rotate)
    assert await count(issuer, Award) == 3
    links = await run(issuer, request())
    await require_once_each(issuer, 7)
    for one in links:
        await believe(issuer, (await issuer.client.get(f"{one.link.removeprefix(PUBLIC_URL)}/json")).text)


async def test_K12_keys_in_a_module_sign_in_the_one_process(guarded: Issuer) -> None:  # noqa: F811
    links = await run(guarded, request(4), processes=2)
    raw = (await guarded.client.get(f"{links[3].link.removeprefix(PUBLIC_URL)}/json")).text
    assert await find_status(guarded, raw) is Status.VALID


@pytest.mark.parametrize("securing", SECURINGS)
async def test_I80_files_in_bulk_are_forgotten_with_the_claims_of_their_award(issuer: Issuer, securing: str) -> None:
    [one, *_] = await run(issuer, request(2, securing=securing))
    path = one.link.removeprefix(PUBLIC_URL)
    assert (await issuer.client.get(path)).status_code == 200
    [award] = [item for item in await list_awards(issuer) if item["reference"] == one.reference]
    dropped = await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/drop-claims")
    assert dropped.status_code == 200, dropped.text
    assert (await issuer.client.get(path)).status_code == 404
    assert (await issuer.client.get(f"{path}/{FORMS[securing][-1]}")).status_code == 404


@pytest.mark.parametrize(
    ("securing", "form"), [("sd-jwt", "json"), ("ecdsa-sd-2023", "png"), ("eddsa-rdfc-2022", "jws")]
)
async def test_B33_form_that_a_file_was_not_made_in_is_not_there(issuer: Issuer, securing: str, form: str) -> None:
    [one] = await run(issuer, request(1, securing=securing))
    assert (await issuer.client.get(f"{one.link.removeprefix(PUBLIC_URL)}/{form}")).status_code == 404


async def test_S09_sd_jwt_in_bulk_hides_each_skill_by_itself_and_names_no_holder_key(issuer: Issuer) -> None:
    links = await run(issuer, request(2, securing="sd-jwt"))
    answers = [await issuer.client.get(f"{one.link.removeprefix(PUBLIC_URL)}/sd-jwt") for one in links]
    assert answers[0].headers["content-type"] == "application/dc+sd-jwt"
    assert answers[0].headers["content-disposition"].endswith('.sd-jwt"')
    tokens = [answer.text.split("~") for answer in answers]
    assert set(tokens[0][1:-1]).isdisjoint(tokens[1][1:-1])
    verified = await believe(issuer, answers[0].text)
    assert verified.holder_key is None
    assert len(verified.claims["achievement"]["alignment"]) == 4
