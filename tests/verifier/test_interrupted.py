"""An answer whose check never ends holds up no other, and what it holds is erased in its time. V-41, A-53."""

from datetime import timedelta

import pytest

from tests.verifier.conftest import Stage
from verifier import presentation_response
from verifier.presentation_response import finish_interrupted
from verifier.retention import erase_what_has_passed


async def test_V41_A53_an_answer_that_cannot_be_finished_holds_up_no_other_and_is_erased(
    any_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die(*_args: object, **_named: object) -> None:
        raise RuntimeError("the process ends here")

    first, second = await any_stage.ask(), await any_stage.ask()
    with monkeypatch.context() as patch:
        patch.setattr(presentation_response, "verify_response", die)
        for started in (first, second):
            assert (await any_stage.holding().answer(started["link"])).status_code == 500
        any_stage.clock.advance(timedelta(minutes=2))
        # Both are tried, although the first one fails.
        assert await finish_interrupted(any_stage.service) == 0
    any_stage.clock.advance(timedelta(hours=25))
    assert (await erase_what_has_passed(any_stage.service)).received == 2
    assert await finish_interrupted(any_stage.service) == 2
    assert {(await any_stage.result(started))["state"] for started in (first, second)} == {"discarded"}
