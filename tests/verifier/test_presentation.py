"""From question to report, honestly, in every mode."""

import pytest

from kernel.report import CHECK_CODES
from tests.verifier.conftest import Stage


def outcomes(report: dict) -> dict[str, str]:
    return {check["code"]: check["outcome"] for check in report["checks"]}


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt"])
@pytest.mark.parametrize("response_mode", ["direct_post.jwt", "direct_post"])
async def test_V20_V24_V40_an_honest_answer_is_accepted_with_every_check_passed(
    any_stage: Stage, format_id: str, response_mode: str
) -> None:
    reply, result = await any_stage.ask_and_answer(any_stage.holding(format_id), response_mode=response_mode)
    assert (reply.status_code, reply.json()) == (200, {})
    assert result["state"] == "settled"
    report = result["report"]
    assert report["accepted"] is True
    assert outcomes(report) == dict.fromkeys(CHECK_CODES, "passed")
    assert [each["outcome"] for each in report["requirements"]] == ["met", "met"]
    assert report["answer"]["nl"] == "Voldoet aan 2 van de 2 eisen"
