"""What must fail, fails, and for its own reason: a cheat, a thief, a stranger, time, and an issuer that is silent."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from cli.clients import ProblemError
from cli.demo.stage import INPUT, Stage, check_refusal, practice_badge
from cli.hostile import HeldBadge
from cli.language import say
from cli.recipients import read_achievement
from cli.wallet_commands import state_text
from kernel.formats import StatusReference
from runtime.clock import utc_now

STATUS_SECONDS = 1.1
"""As long as a wallet or verifier may keep a status list here: `ISSUER_STATUS_LIST_TTL` of the demo, and a little."""


async def accept_an_honest_stranger(stage: Stage, badge: HeldBadge) -> None:
    """Otherwise what follows would prove nothing: the same wallet, behaving well, is accepted."""
    started = await stage.ask()
    await stage.strange.answer(started["link"], badge)
    report = (await stage.outcome(started["id"])).get("report") or {}
    stage.story.check(
        say(
            "Ter vergelijking: eerlijk gebruikt wordt deze badge aanvaard",
            "For comparison: used honestly, this badge is accepted",
        ),
        bool(report.get("accepted")),
    )


async def refuse_changed_disclosure(stage: Stage, badge: HeldBadge) -> None:
    started = await stage.ask()
    question = await stage.strange.read_question(started["link"])
    honest = stage.strange.present(question, badge)
    altered = stage.strange.alter_disclosure(question, badge, honest, name="raketgeleerde / rocket scientist")
    answer = await stage.strange.post_answer(question, stage.strange.answer_form(question, altered))
    await check_refusal(
        stage,
        say("Een veranderde skill wordt herkend", "A changed skill is noticed"),
        started,
        {"disclosure"},
        answer=answer,
    )


async def refuse_the_same_twice(stage: Stage, badge: HeldBadge) -> None:
    started = await stage.ask()
    question = await stage.strange.read_question(started["link"])
    form = stage.strange.answer_form(question, stage.strange.present(question, badge))
    first = await stage.strange.post_answer(question, form)
    second = await stage.strange.post_answer(question, form)
    stage.story.check(
        say("Dezelfde presentatie nog eens wordt geweigerd", "The same presentation once more is refused"),
        (first.status_code, second.status_code) == (200, 400),
        f"{first.status_code}, {second.status_code} {second.json().get('error', '')}",
    )
    later = await stage.ask()
    new_question = await stage.strange.read_question(later["link"])
    old_answer = stage.strange.present(new_question, badge, nonce=question.nonce)
    answer = await stage.strange.post_answer(new_question, stage.strange.answer_form(new_question, old_answer))
    await check_refusal(
        stage,
        say("Ook bij een volgende vraag helpt die presentatie niet", "Nor does it help with a later question"),
        later,
        {"nonce"},
        answer=answer,
    )


async def refuse_what_was_made_for_another(stage: Stage, badge: HeldBadge) -> None:
    """The party that writes everything down passes the answer on to the recruiter, as if it were its own."""
    started = await stage.ask()
    question = await stage.strange.read_question(started["link"])
    student, practice = stage.students[0], stage.practice
    request = await student.wallet.open_request(practice.ask(question.dcql_query))
    await student.wallet.accept_request(request["id"])
    stolen = practice.presented()
    answer = await stage.strange.post_answer(question, stage.strange.answer_form(question, stolen))
    await check_refusal(
        stage,
        say(
            "Een presentatie die voor een ander was, wordt geweigerd", "A presentation made for someone else is refused"
        ),
        started,
        {"audience"},
        answer=answer,
    )


async def refuse_wrong_codes(stage: Stage) -> None:
    story, student = stage.story, stage.students[-1]
    person = {**student.person, "given_name": f"{student.name} (2)"}
    [award] = await stage.issuer.award(stage.organisation, stage.achievement, [person])
    right = str(award["offer"]["tx_code"])
    wrong = str((int(right) + 1) % 10 ** len(right)).zfill(len(right))
    copied = await stage.strange.read_offer(award["offer"]["link"])
    offer = await student.wallet.open_offer(award["offer"]["link"])
    seen = []
    for _ in range(5):
        try:
            await student.wallet.accept_offer(offer["id"], tx_code=wrong)
            seen.append("200")
        except ProblemError as exc:
            seen.append(exc.code)
    story.check(
        say("Vijf keer een verkeerde code: vijf keer nee", "A wrong code five times: five times no"),
        "200" not in seen and seen[0] == "tx_code",
        ", ".join(seen),
    )
    raw = await stage.strange.request_token(copied, right)
    story.check(
        say("Daarna helpt ook de goede code niet meer", "After that the right code does not help either"),
        raw.status_code == 400 and raw.json().get("error") == "invalid_grant",
        f"{raw.status_code} {raw.json().get('error', '')}",
    )


async def refuse_a_second_redemption(stage: Stage) -> None:
    student = stage.students[0]
    if student.copied_offer is None:
        raise LookupError("nobody copied the offer")
    raw = await stage.strange.request_token(student.copied_offer, student.award["offer"]["tx_code"])
    stage.story.check(
        say("Een aanbod dat al is aangenomen, is op", "An offer that was taken is used up"),
        raw.status_code == 400 and raw.json().get("error") == "invalid_grant",
        f"{raw.status_code} {raw.json().get('error', '')}",
    )


async def refuse_unrecognised_issuer(stage: Stage) -> None:
    story, unknown = stage.story, stage.described["unrecognised_organisation"]
    await stage.issuer.create_organisation(unknown)
    await stage.issuer.create_achievement(unknown["slug"], read_achievement(INPUT / "achievement.json"))
    _, badge = await stage.award_stranger(unknown["slug"])
    started = await stage.ask()
    await stage.strange.answer(started["link"], badge)
    await check_refusal(
        stage,
        say(
            f"Een badge van {unknown['name']}: echt, maar niet erkend",
            f"A badge of {unknown['name']}: genuine, not recognised",
        ),
        started,
        {"issuer"},
        passed={"signature", "validity", "holder_binding"},
    )
    story.tell(say("  (echt en erkend zijn twee antwoorden)", "  (genuine and recognised are two answers)"))


async def refuse_revoked(stage: Stage, award: Mapping[str, Any], badge: HeldBadge) -> None:
    story, student = stage.story, stage.students[1]
    reason = say("Rapport bleek van een ander", "The report turned out to be somebody else's")
    for number in (award["id"], student.award["id"]):
        await stage.issuer.change_status(stage.organisation, number, "revoke", reason)
    await asyncio.sleep(STATUS_SECONDS)
    started = await stage.ask()
    await stage.strange.answer(started["link"], badge)
    await check_refusal(
        stage,
        say("Een ingetrokken badge wordt niet aanvaard", "A revoked badge is not accepted"),
        started,
        {"revoked"},
        passed={"signature"},
    )
    state = (await student.wallet.credential(student.credential_ids[0]))["state"]
    story.check(
        say(f"{student.name} ziet in de wallet: ingetrokken", f"{student.name} sees in the wallet: revoked"),
        state == "revoked",
        state_text(state),
    )


async def refuse_expired(stage: Stage) -> None:
    now = utc_now()
    badge = practice_badge(stage, issued_at=now - timedelta(days=400), expires_at=now - timedelta(days=35))
    started = await stage.ask()
    await stage.strange.answer(started["link"], badge)
    await check_refusal(
        stage,
        say("Een verlopen badge wordt niet aanvaard", "An expired badge is not accepted"),
        started,
        {"expired"},
        passed={"signature", "issuer_recognised"},
    )


async def leave_a_missing_list_undecided(stage: Stage) -> None:
    dead = StatusReference(f"{stage.practice.identifier}/nothing-here", 7)
    badge = practice_badge(stage, issued_at=utc_now() - timedelta(days=1), expires_at=None, status=dead)
    started = await stage.ask()
    await stage.strange.answer(started["link"], badge)
    await check_refusal(
        stage,
        say(
            "Een statuslijst die er niet is: niet na te kijken", "A status list that is not there: could not be checked"
        ),
        started,
        {"undecided"},
        passed={"signature", "validity", "issuer_recognised"},
        outcome="unknown",
    )


async def leave_undecided(stage: Stage, stop_issuer: Callable[[], Awaitable[None]]) -> None:
    """The issuer is switched off: what cannot be checked is not valid, and not invalid either."""
    story, student = stage.story, stage.students[2]
    await stop_issuer()
    story.tell(say("De dienst van de uitgever gaat nu uit.", "The issuer's service is switched off now."))
    await asyncio.sleep(STATUS_SECONDS)
    started = await stage.ask()
    request = await student.wallet.open_request(started["link"])
    await student.wallet.accept_request(request["id"])
    await check_refusal(
        stage,
        say(
            "De uitgever antwoordt niet: “kon niet worden nagekeken”, nooit “geldig”",
            "The issuer does not answer: “could not be checked”, never “valid”",
        ),
        started,
        {"undecided"},
        passed={"signature", "holder_binding"},
        outcome="unknown",
    )
    state = (await student.wallet.credential(student.credential_ids[0]))["state"]
    story.check(
        say(f"Ook {student.name} ziet: kon niet worden nagekeken", f"{student.name} too sees: could not be checked"),
        state == "unknown",
        state_text(state),
    )


OF_A_STRANGERS_BADGE = (
    accept_an_honest_stranger,
    refuse_changed_disclosure,
    refuse_the_same_twice,
    refuse_what_was_made_for_another,
)
OTHERS = (
    refuse_wrong_codes,
    refuse_a_second_redemption,
    refuse_unrecognised_issuer,
    refuse_expired,
    leave_a_missing_list_undecided,
)
