"""Each way in which the journey can go wrong: it does, with its reason, and what is right stays right."""

import asyncio
import json
import re
from datetime import timedelta

import pytest

from cli.clients import ProblemError
from cli.trust_files import Entry
from kernel.did import did_web
from kernel.formats import StatusReference, parse_credential
from kernel.jwt import parse_jwt
from tests.flows.reports import failures, outcomes, passed
from tests.support.house import HRM, ISSUER, ORGANISATION, PRACTICE, SANNE, STATUS_TTL, describe

pytestmark = pytest.mark.over_http


async def answer_with(house, change):
    """Ask, let the stranger answer with something changed, and return what the wallet and the recruiter were told."""
    badge = await house.strange_badge()
    started = await house.ask()
    question = await house.stranger.read_question(started["link"])
    vp_token = change(house, question, badge)
    response = await house.stranger.post_answer(question, house.stranger.answer_form(question, vp_token))
    return response, await house.result(started)


async def test_for_comparison_the_stranger_is_accepted_when_honest(small_house):
    response, presentation = await answer_with(
        small_house, lambda house, question, badge: house.stranger.present(question, badge)
    )
    assert response.status_code == 200
    assert presentation["report"]["accepted"] is True


async def test_A12_changed_disclosure_is_refused(small_house):
    response, presentation = await answer_with(
        small_house,
        lambda house, question, badge: house.stranger.alter_disclosure(
            question, badge, house.stranger.present(question, badge), name="rocket scientist"
        ),
    )
    assert response.status_code == 400
    assert presentation["report"]["accepted"] is False
    assert "disclosure" in failures(presentation)


async def test_A16_presentation_for_another_audience_is_refused(small_house):
    response, presentation = await answer_with(
        small_house,
        lambda house, question, badge: house.stranger.present(question, badge, audience=house.practice.client_id),
    )
    assert response.status_code == 400
    assert failures(presentation) >= {"audience"}


async def test_A16_presentation_with_another_nonce_is_refused(small_house):
    response, presentation = await answer_with(
        small_house, lambda house, question, badge: house.stranger.present(question, badge, nonce="another")
    )
    assert response.status_code == 400
    assert failures(presentation) >= {"nonce"}


async def test_A17_presentation_signed_by_another_holder_is_refused(small_house):
    from cli.hostile import HeldBadge
    from kernel.keys import SoftwareSigner

    response, presentation = await answer_with(
        small_house,
        lambda house, question, badge: house.stranger.present(
            question, HeldBadge(badge.raw, SoftwareSigner.generate("ES256"))
        ),
    )
    assert response.status_code == 400
    assert failures(presentation) >= {"holder_binding"}


async def test_A16_presentation_that_was_relayed_by_another_verifier_is_refused(small_house):
    """The holder answered somebody else, who passes the answer on as its own."""
    house = small_house
    wallet = await house.new_wallet()
    await house.receive(wallet, await house.award())
    started = await house.ask()
    question = await house.stranger.read_question(started["link"])
    request = await wallet.open_request(house.practice.ask(question.dcql_query))
    await wallet.accept_request(request["id"])
    form = house.stranger.answer_form(question, house.practice.presented())
    response = await house.stranger.post_answer(question, form)
    assert response.status_code == 400
    assert failures(await house.result(started)) >= {"audience"}
    await wallet.close()


async def test_A37_same_presentation_twice_is_taken_once(house):
    badge = await house.strange_badge()
    started = await house.ask()
    question = await house.stranger.read_question(started["link"])
    form = house.stranger.answer_form(question, house.stranger.present(question, badge))
    codes = [(await house.stranger.post_answer(question, form)).status_code for _ in range(3)]
    assert codes == [200, 400, 400]
    assert (await house.result(started))["report"]["accepted"] is True


async def test_A37_same_presentation_eight_times_at_once_is_taken_once(house):
    badge = await house.strange_badge()
    started = await house.ask()
    question = await house.stranger.read_question(started["link"])
    form = house.stranger.answer_form(question, house.stranger.present(question, badge))
    responses = await asyncio.gather(*(house.stranger.post_answer(question, form) for _ in range(8)))
    assert sorted(response.status_code for response in responses) == [200, *[400] * 7]


async def test_A24_offer_redeemed_by_eight_wallets_at_once_is_won_by_one(house):
    award = await house.award()
    offer, tx_code = await house.stranger.read_offer(award["offer"]["link"]), award["offer"]["tx_code"]
    responses = await asyncio.gather(*(house.stranger.request_token(offer, tx_code) for _ in range(8)))
    assert sorted(response.status_code for response in responses) == [200, *[400] * 7]
    assert {response.json().get("error", "") for response in responses} == {"", "invalid_grant"}


async def test_A24_offer_redeemed_through_eight_wallet_accounts_at_once_makes_one_badge_at_most(house):
    """Across services: eight people in the wallet service hold the same link and code.

    A code that comes back is a code that was copied, so what the first bought with it is revoked if it had no badge
    yet (RFC 6749 §4.1.2). Nobody gets two, and a new offer puts things right.
    """
    award = await house.award()
    wallets = [await house.new_wallet() for _ in range(8)]

    async def redeem(wallet, award):
        try:
            await house.receive(wallet, award)
        except ProblemError as exc:
            return exc.status
        return 200

    results = await asyncio.gather(*(redeem(wallet, award) for wallet in wallets))
    held = [len((await wallet.credentials())["credentials"]) for wallet in wallets]
    assert sum(held) == results.count(200) <= 1
    assert all(status >= 400 for status in results if status != 200)
    if not sum(held):
        renewed = await house.issuer.renew_offer(ORGANISATION, award["id"])
        assert await redeem(wallets[0], {"offer": renewed.get("offer", renewed)}) == 200
    for wallet in wallets:
        await wallet.close()


async def test_A24_offer_that_was_taken_is_refused_to_a_second_wallet(house):
    award = await house.award()
    first, second = await house.new_wallet(), await house.new_wallet()
    await house.receive(first, award)
    with pytest.raises(ProblemError) as refused:
        await house.receive(second, award)
    assert 400 <= refused.value.status < 500
    assert (await second.credentials())["credentials"] == []
    await first.close()
    await second.close()


async def test_I28_A25_wrong_tx_code_five_times_ends_the_offer(house):
    award = await house.award()
    right = award["offer"]["tx_code"]
    wrong = str((int(right) + 1) % 10 ** len(right)).zfill(len(right))
    wallet = await house.new_wallet()
    offer = await wallet.open_offer(award["offer"]["link"])
    same_offer = await house.stranger.read_offer(award["offer"]["link"])
    for attempt in range(5):
        with pytest.raises(ProblemError) as refused:
            await wallet.accept_offer(offer["id"], tx_code=wrong)
        assert refused.value.status == 400
        if attempt == 0:
            assert refused.value.code == "tx_code"
    response = await house.stranger.request_token(same_offer, right)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    await wallet.close()


async def test_wrong_tx_code_once_does_not_end_the_offer(house):
    award = await house.award()
    right = award["offer"]["tx_code"]
    wrong = str((int(right) + 1) % 10 ** len(right)).zfill(len(right))
    wallet = await house.new_wallet()
    offer = await wallet.open_offer(award["offer"]["link"])
    with pytest.raises(ProblemError):
        await wallet.accept_offer(offer["id"], tx_code=wrong)
    accepted = await wallet.accept_offer(offer["id"], tx_code=right)
    assert len(accepted["credentials"]) == 1
    await wallet.close()


async def test_T01_unrecognised_issuer_is_genuine_and_not_recognised(small_house):
    house = small_house
    await house.issuer.create_organisation({"slug": "direct", "name": "Diploma Direct", "country": "NL"})
    await house.issuer.create_achievement("direct", describe())
    badge = await house.strange_badge("direct")
    started = await house.ask()
    await house.stranger.answer(started["link"], badge)
    presentation = await house.result(started)
    report = presentation["report"]
    assert (report["accepted"], report["valid"], report["recognised"]) == (False, True, False)
    assert outcomes(presentation)["issuer_recognised"] == ("failed", "issuer")
    assert passed(presentation) >= {"signature", "validity", "holder_binding", "status"}


async def test_T06_wallet_says_of_an_unlisted_issuer_that_it_is_not_listed(small_house):
    house = small_house
    await house.issuer.create_organisation({"slug": "direct", "name": "Diploma Direct", "country": "NL"})
    await house.issuer.create_achievement("direct", describe())
    wallet = await house.new_wallet()
    offer = await wallet.open_offer((await house.award(organisation="direct"))["offer"]["link"])
    assert offer["recognition"]["outcome"] == "not_listed"
    await wallet.close()


@pytest.mark.parametrize(
    ("change", "wallet_outcome"),
    [
        pytest.param("withdrawn", "withdrawn", id="withdrawn"),
        pytest.param("other type", "recognised", id="not for this type"),
        pytest.param("expired", "list_unavailable", id="list ran out"),
    ],
)
async def test_T06_what_the_list_says_decides_and_validity_is_another_answer(small_house, change, wallet_outcome):
    house = small_house
    badge = await house.strange_badge()
    did = did_web(f"{ISSUER}/{ORGANISATION}")
    long_ago = house.clock() - timedelta(days=1000)
    _, *others = house.entries()
    match change:
        case "withdrawn":
            house.sign_trust_list(Entry("T", (did,), "issuance", long_ago, "withdrawn", ("x",)), *others)
        case "other type":
            house.sign_trust_list(Entry("T", (did,), "issuance", long_ago, "granted", ("x",)), *others)
        case "expired":
            house.sign_trust_list(*house.entries(), valid_for=timedelta(seconds=10))
            house.clock.advance(timedelta(seconds=30))
    started = await house.ask()
    await house.stranger.answer(started["link"], badge)
    presentation = await house.result(started)
    assert presentation["report"]["accepted"] is False
    assert presentation["report"]["valid"] is True
    assert outcomes(presentation)["issuer_recognised"][0] == ("unknown" if change == "expired" else "failed")
    wallet = await house.new_wallet()
    offer = await wallet.open_offer((await house.award())["offer"]["link"])
    assert offer["recognition"]["outcome"] == wallet_outcome
    await wallet.close()


async def test_revoked_badge_is_refused_once_the_old_list_has_run_out(house):
    award = await house.award()
    badge = await house.stranger.receive(award["offer"]["link"], award["offer"]["tx_code"])
    await house.issuer.change_status(ORGANISATION, award["id"], "revoke", "Vergissing")
    house.clock.advance(STATUS_TTL + timedelta(seconds=1))
    started = await house.ask()
    await house.stranger.answer(started["link"], badge)
    presentation = await house.result(started)
    assert presentation["report"]["accepted"] is False
    assert outcomes(presentation)["status"] == ("failed", "revoked")
    assert passed(presentation) >= {"signature", "issuer_recognised"}


async def test_suspended_badge_is_refused_and_good_again_after_it_was_reinstated(small_house):
    house = small_house
    award = await house.award()
    badge = await house.stranger.receive(award["offer"]["link"], award["offer"]["tx_code"])
    accepted = []
    for change in ("suspend", "reinstate"):
        await house.issuer.change_status(ORGANISATION, award["id"], change, "Onderzoek")
        house.clock.advance(STATUS_TTL + timedelta(seconds=1))
        started = await house.ask()
        await house.stranger.answer(started["link"], badge)
        presentation = await house.result(started)
        accepted.append((presentation["report"]["accepted"], outcomes(presentation)["status"]))
    assert accepted == [(False, ("failed", "suspended")), (True, ("passed", None))]


async def test_wallet_shows_that_a_badge_was_revoked(small_house):
    house = small_house
    award, wallet = await house.award(), await house.new_wallet()
    [credential] = await house.receive(wallet, award)
    await house.issuer.change_status(ORGANISATION, award["id"], "revoke", "Vergissing")
    house.clock.advance(STATUS_TTL + timedelta(seconds=1))
    assert (await wallet.credential(credential["id"]))["state"] == "revoked"
    await wallet.close()


async def test_K46_expired_badge_is_refused(small_house):
    house = small_house
    now = house.clock()
    badge = house.practice_badge(issued_at=now - timedelta(days=400), expires_at=now - timedelta(days=35))
    started = await house.ask()
    await house.stranger.answer(started["link"], badge)
    presentation = await house.result(started)
    assert presentation["report"]["accepted"] is False
    assert outcomes(presentation)["validity"] == ("failed", "expired")
    assert passed(presentation) >= {"signature", "issuer_recognised", "holder_binding"}


async def test_K46_badge_from_the_future_is_refused(small_house):
    house = small_house
    badge = house.practice_badge(issued_at=house.clock() + timedelta(days=2))
    started = await house.ask()
    await house.stranger.answer(started["link"], badge)
    presentation = await house.result(started)
    assert presentation["report"]["accepted"] is False
    assert outcomes(presentation)["validity"] == ("failed", "not_yet_valid")


async def test_K74_status_list_that_cannot_be_reached_is_unknown_and_never_valid(house):
    wallet = await house.new_wallet()
    [credential] = await house.receive(wallet, await house.award())
    before = await house.ask()
    await wallet.accept_request((await wallet.open_request(before["link"]))["id"])
    assert (await house.result(before))["report"]["accepted"] is True
    first = await house.ask()
    house.transport.down.add("issuer.skills.example:443")
    house.clock.advance(STATUS_TTL + timedelta(seconds=1))
    assert (await wallet.credential(credential["id"]))["state"] == "unknown"
    request = await wallet.open_request(first["link"])
    await wallet.accept_request(request["id"])
    presentation = await house.result(first)
    assert presentation["report"]["accepted"] is False
    assert presentation["report"]["valid"] is False
    assert outcomes(presentation)["status"] == ("unknown", "undecided")
    await wallet.close()


@pytest.mark.parametrize("uri", [f"{PRACTICE}/oefenhogeschool/nothing", "https://nobody.skills.example/1"])
async def test_K74_status_list_that_is_not_there_is_unknown(small_house, uri):
    house = small_house
    badge = house.practice_badge(status=StatusReference(uri, 7))
    started = await house.ask()
    await house.stranger.answer(started["link"], badge)
    presentation = await house.result(started)
    assert presentation["report"]["accepted"] is False
    assert outcomes(presentation)["status"] == ("unknown", "undecided")


async def test_issuer_that_cannot_be_reached_leaves_its_key_unknown(small_house):
    """Nobody has seen this issuer before, so there is no document to fall back on."""
    house = small_house
    badge = await house.strange_badge()
    house.transport.down.add("issuer.skills.example:443")
    started = await house.ask()
    await house.stranger.answer(started["link"], badge)
    presentation = await house.result(started)
    assert presentation["report"]["accepted"] is False
    assert outcomes(presentation)["issuer_key"] == ("unknown", "undecided")


async def test_question_that_ran_out_is_not_answered_any_more(small_house):
    house = small_house
    badge = await house.strange_badge()
    started = await house.ask()
    question = await house.stranger.read_question(started["link"])
    form = house.stranger.answer_form(question, house.stranger.present(question, badge))
    house.clock.advance(timedelta(minutes=6))
    assert (await house.stranger.post_answer(question, form)).status_code == 400
    assert (await house.result(started))["state"] == "expired"


async def test_A18_half_an_answer_does_not_satisfy_the_question(small_house):
    """Two skills were required and one is shown: the badge is fine, the question is not answered."""
    response, presentation = await answer_with(
        small_house,
        lambda house, question, badge: dict(list(house.stranger.present(question, badge).items())[:1]),
    )
    assert response.status_code == 200
    assert presentation["report"]["accepted"] is False
    assert failures(presentation) == {"query"}


async def test_wallet_without_a_fitting_badge_tells_the_verifier_nothing(small_house):
    house = small_house
    wallet = await house.new_wallet()
    started = await house.ask()
    request = await wallet.open_request(started["link"])
    assert request["answerable"] is False
    assert (await house.result(started))["state"] in {"waiting", "fetched"}
    await wallet.close()


async def test_holder_who_declines_shows_nothing(small_house):
    house = small_house
    wallet = await house.new_wallet()
    await house.receive(wallet, await house.award())
    started = await house.ask()
    request = await wallet.open_request(started["link"])
    before = len(house.transport.requests)
    await wallet.decline_request(request["id"])
    sent = b"".join(r.content for r in house.transport.requests[before:])
    assert b"vp_token" not in sent
    assert HRM.encode() not in sent
    assert (await house.result(started))["state"] == "refused"
    await wallet.close()


async def test_A25_wrong_tx_code_eight_times_at_once_is_counted_eight_times_and_ends_the_offer(house):
    """The counter is one statement: parallel guesses do not share a try."""
    award = await house.award()
    right = award["offer"]["tx_code"]
    offer = await house.stranger.read_offer(award["offer"]["link"])
    guesses = [str((int(right) + n) % 10 ** len(right)).zfill(len(right)) for n in range(1, 9)]
    responses = await asyncio.gather(*(house.stranger.request_token(offer, guess) for guess in guesses))
    assert {(response.status_code, response.json()["error"]) for response in responses} == {(400, "invalid_grant")}
    late = await house.stranger.request_token(offer, right)
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")


async def test_A55_no_log_line_of_the_whole_journey_holds_a_name_address_code_or_token(small_house, capfd, caplog):
    house = small_house
    award, wallet = await house.award(), await house.new_wallet()
    await house.receive(wallet, award)
    started = await house.ask()
    await wallet.accept_request((await wallet.open_request(started["link"]))["id"])
    with pytest.raises(ProblemError):
        await house.receive(await house.new_wallet(), award)
    written = "".join([*capfd.readouterr(), caplog.text])
    assert "presentation_settled" in written
    secrets = [*SANNE.values(), award["offer"]["tx_code"], wallet.key, house.verifier.key, house.issuer.key]
    secrets += [award["offer"]["link"].rpartition("%2F")[2], started["link"].rpartition("%2F")[2].partition("&")[0]]
    assert not [secret for secret in secrets if re.search(rf"\b{re.escape(secret)}\b", written)]
    await wallet.close()


async def test_A57_links_hold_no_secret_that_opens_anything_alone(small_house):
    """The offer's link without the code buys nothing; the question's link without a badge answers nothing."""
    offer = (await small_house.award())["offer"]
    response = await small_house.stranger.request_token(await small_house.stranger.read_offer(offer["link"]), None)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_A45_the_status_list_is_fetched_by_its_own_address_and_says_nothing_about_whom(small_house):
    house = small_house
    first, second = await house.strange_badge(), await house.strange_badge()
    uris, indexes = set(), []
    for badge in (first, second):
        reference = parse_credential(badge.raw).payload["status"]["status_list"]
        uris.add(reference["uri"])
        indexes.append(reference["idx"])
    assert len(uris) == 1
    assert abs(indexes[0] - indexes[1]) != 1


async def test_A48_two_badges_of_one_person_share_no_key_and_no_identifier(small_house):
    house = small_house
    wallet = await house.new_wallet()
    for _ in range(2):
        await house.receive(wallet, await house.award())
    exported = await wallet.export()
    forms = [form for badge in exported["credentials"] for form in badge["forms"] if form["format"] == "dc+sd-jwt"]
    signed = [parse_jwt(form["raw"].partition("~")[0]).payload for form in forms]
    assert len(signed) >= 2
    for claim in ("cnf", "status"):
        assert len({json.dumps(claims[claim], sort_keys=True) for claims in signed}) == len(signed)
    assert not any("jti" in claims or "sub" in claims for claims in signed)
    await wallet.close()
