"""What holders sent goes in time; what was checked stays. V-41, A-55."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from runtime.database import Database, run_blocking
from tests.conftest import NewDatabase
from tests.verifier.conftest import PERSON, MakeStage, Stage
from verifier import store
from verifier.presentation_response import finish_interrupted
from verifier.retention import erase_what_has_passed

BADGE = "Adviseur Lerende Regio Maas en Waal"


async def sealed_received(stage: Stage, request_id: str) -> bytes | None:
    async with stage.service.database.reading() as session:
        query = text("SELECT sealed_received FROM presentation_requests WHERE id = :id")
        found = await session.scalar(query, {"id": request_id})
        return None if found is None else bytes(found)


PERSON_PATHS = frozenset({("given_name",), ("family_name",), ("email",)})


async def test_V41_after_24_hours_the_claims_are_gone_and_the_checks_remain(any_stage: Stage) -> None:
    started = await any_stage.ask()
    await any_stage.holding().answer(started["link"])
    before = await any_stage.result(started)
    assert before["shown"]["skill_1_sd/0"]["name"] == BADGE
    any_stage.clock.advance(timedelta(hours=24))
    assert (await erase_what_has_passed(any_stage.service)).received == 1
    after = await any_stage.result(started)
    assert after["shown"] is None
    assert BADGE not in str(after)
    assert after["report"]["checks"] == before["report"]["checks"]
    assert after["report"]["accepted"] is True
    assert await sealed_received(any_stage, started["id"]) is None


async def test_V41_what_is_past_its_time_is_not_shown_even_before_it_is_erased(stage: Stage) -> None:
    started = await stage.ask()
    await stage.holding().answer(started["link"])
    stage.clock.advance(timedelta(hours=24))
    assert (await stage.result(started))["shown"] is None


async def test_V41_erased_bytes_are_nowhere_in_the_database_files(make_stage: MakeStage, sqlite_databases: Any) -> None:
    """Every byte of the file and its log is searched, for the ciphertext before and after."""
    url = sqlite_databases.create("verifier")
    stage: Stage = await make_stage(url)
    started = await stage.ask()
    wallet = stage.holding()
    wallet.also_disclose = PERSON_PATHS
    await wallet.answer(started["link"])
    assert (await stage.result(started))["shown"]["skill_1_sd/0"]["person"]["email"] == "sanne@student.example"
    sealed = await sealed_received(stage, started["id"])
    assert sealed is not None
    path = Path(url.removeprefix("sqlite:///"))
    # Neither in the open nor after: names, badge, presentation.
    for secret in (*PERSON, BADGE, wallet.held[0].raw[:60]):
        assert secret.encode() not in every_byte(path), secret
    assert sealed[40:80] in every_byte(path)
    stage.clock.advance(timedelta(hours=25))
    await erase_what_has_passed(stage.service)
    assert sealed[40:80] not in every_byte(path)


def every_byte(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


async def test_V41_with_zero_retention_nothing_is_kept_but_the_report(any_stage: Stage) -> None:
    started = await any_stage.ask(retention_hours=0)
    await any_stage.holding().answer(started["link"])
    result = await any_stage.result(started)
    assert (result["report"]["accepted"], result["shown"]) == (True, None)
    assert await sealed_received(any_stage, started["id"]) is None


async def test_V41_the_report_itself_holds_no_claim_of_the_holder(stage: Stage) -> None:
    started = await stage.ask()
    wallet = stage.holding()
    wallet.also_disclose = PERSON_PATHS
    await wallet.answer(started["link"])
    result = await stage.result(started)
    assert result["shown"]["skill_1_sd/0"]["person"]["given_name"] == "Sanne"
    for secret in (*PERSON, BADGE):
        assert secret not in str(result["report"])


async def test_V01_the_secrets_of_a_transaction_go_with_its_answer_or_its_time(any_stage: Stage) -> None:
    answered, forgotten = await any_stage.ask(), await any_stage.ask()
    await any_stage.holding().answer(answered["link"])
    any_stage.clock.advance(timedelta(minutes=6))
    assert (await erase_what_has_passed(any_stage.service)).exchanges == 1
    async with any_stage.service.database.reading() as session:
        left = await session.scalar(
            text("SELECT count(*) FROM presentation_requests WHERE sealed_exchange IS NOT NULL")
        )
    assert left == 0
    assert (await any_stage.result(forgotten))["state"] == "expired"
    any_stage.clock.advance(timedelta(days=7))
    assert (await erase_what_has_passed(any_stage.service)).unanswered == 1
    listed = (await any_stage.api.get("/api/relying-parties/bakker/presentations")).json()["presentations"]
    assert [each["id"] for each in listed] == [answered["id"]]


async def test_A53_an_answer_whose_check_broke_off_is_checked_by_another_process(
    any_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = await any_stage.ask()
    wallet = any_stage.holding()
    request = await wallet.read_request(started["link"])

    async def die(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patch:
        patch.setattr("verifier.presentation_response.verify_response", die)
        with pytest.raises(asyncio.CancelledError):
            await wallet.post(request, wallet.create_form(request))
    assert (await any_stage.result(started))["state"] == "received"
    assert await finish_interrupted(any_stage.service) == 0
    any_stage.clock.advance(timedelta(minutes=10))
    assert await finish_interrupted(any_stage.service) == 1
    result = await any_stage.result(started)
    assert (result["state"], result["report"]["accepted"]) == ("settled", True)
    assert await finish_interrupted(any_stage.service) == 0


async def test_V20_a_settled_answer_is_not_settled_again(new_database: NewDatabase, make_stage: MakeStage) -> None:
    stage: Stage = await make_stage(new_database("verifier"))
    started = await stage.ask()
    await stage.holding().answer(started["link"])
    database: Database = stage.service.database
    async with database.transaction() as session:
        again = await run_blocking(
            session,
            store.settle,
            started["id"],
            stage.clock(),
            report={},
            sealed_received=None,
            erase_at=None,
            released_at=None,
            response_code_hash=None,
        )
    assert again is False
    assert (await stage.result(started))["report"]["accepted"] is True


async def test_A55_no_log_line_holds_a_claim_a_token_or_a_secret(
    stage: Stage, capfd: pytest.CaptureFixture[str]
) -> None:
    started = await stage.ask()
    wallet = stage.holding()
    wallet.also_disclose = PERSON_PATHS
    await wallet.answer(started["link"])
    written = "".join(capfd.readouterr())
    assert "presentation_settled" in written
    secret = started["request_uri"].rsplit("/", 1)[1]
    for forbidden in (*PERSON, BADGE, secret, stage.api_key, "eyJ"):
        assert forbidden not in written, forbidden
