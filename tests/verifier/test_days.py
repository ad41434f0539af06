"""Decision 0007 as a verifier's report shows it: a day stands for its last moment."""

from datetime import timedelta

import pytest

from kernel.trust_list import ServiceState
from tests.support.clock import NOW
from tests.verifier.conftest import Stage

DAY = NOW.replace(hour=0) - timedelta(days=2)
LISTED = ServiceState("granted", DAY + timedelta(hours=9))
WITHDRAWN = ServiceState("withdrawn", DAY + timedelta(hours=15))


@pytest.mark.parametrize(
    ("issued_at", "states", "state"),
    [
        pytest.param(
            DAY + timedelta(hours=8), (LISTED,), "passed", id="its time is cut to the day, which was not over"
        ),
        pytest.param(DAY, (LISTED,), "passed", id="listed during the day of the badge"),
        pytest.param(DAY - timedelta(days=1), (LISTED,), "failed", id="listed the day after"),
        pytest.param(DAY, (WITHDRAWN, LISTED), "failed", id="withdrawn during the day of the badge"),
    ],
)
async def test_I61_T04_a_day_stands_for_its_last_moment(
    stage: Stage, issued_at: object, states: tuple[ServiceState, ...], state: str
) -> None:
    stage.write_trust_list(stage.issuer, sequence=2, states=states)
    _, result = await stage.ask_and_answer(stage.holding(issued_at=issued_at))
    [found] = [check for check in result["report"]["checks"] if check["code"] == "issuer_recognised"]
    assert found["outcome"] == state
