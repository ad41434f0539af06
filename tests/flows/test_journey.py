"""The fourteen steps of ARCHITECTURE section 5, across the three services, on both databases."""

import json

import pytest

from cli.hostile import count_disclosures, readable_parts
from kernel.sd_jwt import parse_sd_jwt
from tests.flows.reports import outcomes
from tests.support.house import HRM, ISSUER, RECRUITER, REPORTING, SANNE, SKILLS, VERIFIER, WALLET


async def test_a_badge_lives_its_whole_life(house):
    award = await house.award()
    assert award["offer"]["tx_code"] not in award["offer"]["link"]
    wallet = await house.new_wallet()

    # Resolve and consent: who offers what, and is that issuer recognised?
    offer = await wallet.open_offer(award["offer"]["link"])
    assert offer["credential_issuer"] == f"{ISSUER}/techniek"
    assert offer["recognition"]["outcome"] == "recognised"
    assert offer["tx_code"]["length"] == len(award["offer"]["tx_code"])
    before = len(house.transport.requests)
    accepted = await wallet.accept_offer(offer["id"], tx_code=award["offer"]["tx_code"])
    asked = [request.url.path for request in house.transport.requests[before:] if request.url.host.startswith("issuer")]
    for step in ("/techniek/token", "/techniek/nonce", "/techniek/credential"):
        assert step in asked

    # Keep: verified and valid.
    credential = await wallet.credential(accepted["credentials"][0]["id"])
    assert credential["state"] == "valid"

    # Ask, choose, show, believe.
    started = await house.ask()
    request = await wallet.open_request(started["link"])
    assert request["answerable"]
    assert request["verifier"]["recognition"]["outcome"] == "recognised"
    shown = json.dumps([share["shown"] for share in request["share"]])
    assert not any(value in shown for value in SANNE.values())
    await wallet.accept_request(request["id"])
    presentation = await house.result(started)
    assert presentation["state"] == "settled"
    assert presentation["report"]["accepted"] is True
    assert {code: outcome for code, (outcome, _) in outcomes(presentation).items()} == dict.fromkeys(
        ("format", "issuer_key", "signature", "validity", "holder_binding", "status", "issuer_recognised", "query"),
        "passed",
    )

    # The history keeps what was shown to whom, also when the badge is gone.
    await wallet.delete_credential(credential["id"])
    [told] = [entry for entry in (await wallet.history())["history"] if entry["kind"] == "shared"]
    assert told["party_id"] == f"decentralized_identifier:did:web:verifier.skills.example:{RECRUITER}"
    assert told["outcome"] != ""
    assert SKILLS[HRM] in json.dumps(told["claims"])
    await wallet.close()


async def test_W47_no_byte_that_the_wallet_sends_contains_a_name_or_address(house):
    """The wallet's answer is sent unencrypted here, to a party that writes it down; everything in it is decoded."""
    wallet = await house.new_wallet()
    await house.receive(wallet, await house.award())
    question = await house.stranger.read_question((await house.ask())["link"])
    request = await wallet.open_request(house.practice.ask(question.dcql_query))
    assert request["verifier"]["recognition"]["outcome"] == "not_listed"
    await wallet.accept_request(request["id"])

    sent = house.practice.received[-1]
    said = readable_parts(sent).casefold()
    assert "stichting techniek" in said
    assert not [value for value in SANNE.values() if value.casefold() in said]
    shown = [raw for answers in house.practice.presented().values() for raw in answers]
    disclosed = [item.value["targetUrl"] for raw in shown for item in parse_sd_jwt(raw).disclosures]
    assert sorted(disclosed) == sorted([HRM, REPORTING])
    assert count_disclosures(sent) == 2
    await wallet.close()


async def test_V20_presentations_of_one_badge_carry_the_same_answer_in_clear_and_encrypted(house):
    """`direct_post` and `direct_post.jwt` (OpenID4VP 1.0 §8.2, §8.3) end in the same report."""
    wallet = await house.new_wallet()
    await house.receive(wallet, await house.award())
    for mode in ("direct_post", "direct_post.jwt"):
        started = await house.ask(response_mode=mode)
        before = len(house.transport.requests)
        request = await wallet.open_request(started["link"])
        await wallet.accept_request(request["id"])
        posted = [r for r in house.transport.requests[before:] if "/responses/" in r.url.path]
        assert len(posted) == 1
        assert (b"vp_token=" in posted[0].content) == (mode == "direct_post")
        assert (await house.result(started))["report"]["accepted"] is True
    await wallet.close()


async def test_V22_A36_same_device_result_is_only_for_the_browser_that_asked(house):
    """V-20 to V-27: the wallet gets a redirect with a response code; until it is used nobody sees a result."""
    wallet = await house.new_wallet()
    await house.receive(wallet, await house.award())
    started = await house.ask(flow="same_device")
    request = await wallet.open_request(started["link"])
    answer = await wallet.accept_request(request["id"])
    assert answer["redirect_uri"].startswith(f"{VERIFIER}/result")
    assert "response_code=" in answer["redirect_uri"]
    presentation = await house.result(started)
    assert presentation["state"] == "received"
    assert not presentation.get("report")
    await wallet.close()


async def test_the_services_never_talk_behind_the_holders_back(house):
    """The verifier never calls the wallet, the issuer calls nobody, and only the wallet and verifier read status."""
    wallet = await house.new_wallet()
    house.transport.requests.clear()
    await house.receive(wallet, await house.award())
    started = await house.ask()
    request = await wallet.open_request(started["link"])
    await wallet.accept_request(request["id"])
    called = {(request.url.host, request.url.path) for request in house.transport.requests}
    ours = {(WALLET.removeprefix("https://"), path) for host, path in called if host in WALLET}
    assert all(path.startswith("/api/") for _, path in ours)
    status = [r for r in house.transport.requests if "/status/" in r.url.path]
    assert status
    assert all(r.method == "GET" and not r.url.query for r in status)
    await wallet.close()


@pytest.mark.parametrize("configuration", ["dc-sd-jwt", "vc-sd-jwt"])
async def test_each_format_alone_makes_the_whole_journey(small_house, configuration):
    house = small_house
    wallet = await house.new_wallet()
    award = await house.award()
    offer = await wallet.open_offer(award["offer"]["link"])
    chosen = [
        one["configuration_id"] for one in offer["credentials"] if one["configuration_id"].endswith(configuration)
    ]
    assert len(chosen) == 1
    await wallet.accept_offer(offer["id"], tx_code=award["offer"]["tx_code"], configurations=chosen)
    started = await house.ask()
    request = await wallet.open_request(started["link"])
    await wallet.accept_request(request["id"])
    assert (await house.result(started))["report"]["accepted"] is True
    await wallet.close()


async def test_eight_students_at_once_each_get_their_own_badge(house):
    import asyncio

    people = [{**SANNE, "given_name": f"Student {n}", "email": f"s{n}@student.example"} for n in range(8)]
    awards = await house.issuer.award("techniek", "adviseur", people)
    assert len({award["offer"]["tx_code"] for award in awards}) > 1

    async def live(award):
        badge = await house.stranger.receive(award["offer"]["link"], award["offer"]["tx_code"])
        started = await house.ask()
        response = await house.stranger.answer(started["link"], badge)
        return response.status_code, (await house.result(started))["report"]["accepted"]

    assert await asyncio.gather(*map(live, awards)) == [(200, True)] * 8


async def test_the_recruiter_is_told_who_may_not_see_what(house):
    """Another relying party's key does not open this one's presentations; it looks as if they did not exist."""
    from cli.clients import ProblemError, VerifierClient

    started = await house.ask()
    admin = VerifierClient(VERIFIER, key="wrong", transport=house.transport)
    with pytest.raises(ProblemError) as refused:
        await admin.presentation(RECRUITER, started["id"])
    assert refused.value.status == 401
    await admin.close()
