"""What others say of a badge: judged in its own right when it is received, and shown with whether it counts."""

from datetime import timedelta
from urllib.parse import quote

import pytest

from kernel.trust_list import ServiceState, TrustedService
from tests.support.clock import NOW
from tests.support.full_badge import ENDORSER, create_full_dataset, create_test_endorsement, sign_test_endorsement
from tests.support.simulated_issuer import VC, WHOLE

COMMENT = "Deze badge is in orde."


async def receive(house, holder, configuration=WHOLE, **dataset):
    house.issuer.dataset = create_full_dataset(**dataset)
    badge = await holder.receive(house.issuer.offer_link(configurations=[configuration]))
    [held] = await holder.badges()
    assert held["id"] == badge["id"]
    return held


def recognise_endorser(house):
    """The endorser is on the list too."""
    endorser = TrustedService(
        name="inspectie",
        service="issuance",
        states=(ServiceState("granted", NOW - timedelta(days=365)),),
        identifiers=frozenset({ENDORSER}),
        credential_types=frozenset({"EndorsementCredential"}),
    )
    house.sign_trust_list(house.issuance(), house.verification(), endorser)


@pytest.mark.parametrize("configuration", [WHOLE, VC])
async def test_B09_A50_endorsement_of_somebody_on_the_list_counts(house, holder, configuration):
    recognise_endorser(house)
    held = await receive(house, holder, configuration)
    assert {said["endorsed"] for said in held["endorsements"]} >= {"achievement"}
    for said in held["endorsements"]:
        assert (said["outcome"], said["recognition"], said["counts"]) == ("passed", "recognised", True)
        assert (said["endorser"], said["comment"]) == (ENDORSER, COMMENT)
    assert {"code": "model", "outcome": "passed"} in held["receipt_checks"]


async def test_B09_endorsement_of_a_stranger_is_shown_and_does_not_count(house, holder):
    held = await receive(house, holder)
    assert {(said["outcome"], said["counts"]) for said in held["endorsements"]} == {("passed", False)}
    assert {said["recognition"] for said in held["endorsements"]} == {"not_listed"}


async def test_A50_endorsement_of_another_badge_or_by_another_key_says_nothing(house, holder):
    """Its words are nobody's: they are not kept."""
    recognise_endorser(house)
    forged = {**sign_test_endorsement(create_test_endorsement()), "name": "Veranderd"}
    stolen = sign_test_endorsement(create_test_endorsement("urn:uuid:another"))
    achievement = {**create_full_dataset().achievement, "endorsement": [forged]}
    held = await receive(house, holder, achievement=achievement, endorsement=[])
    first = [said for said in held["endorsements"] if said["endorsed"] == "achievement" and said["reason"]]
    assert [(said["outcome"], said["reason"], said["comment"], said["counts"]) for said in first] == [
        ("failed", "signature", None, False)
    ]
    assert stolen["credentialSubject"]["id"] not in str(held["endorsements"])


@pytest.mark.parametrize(
    ("language", "counting", "stranger"),
    [
        ("nl", "wordt erkend door", "We kennen deze aanbeveler niet. Daarom telt de aanbeveling niet mee."),
        ("en", "is recognised by", "We do not know this endorser. So the endorsement does not count."),
    ],
)
async def test_B09_page_tells_who_endorses_and_whether_that_counts(house, language, counting, stranger):
    browser = house.new_browser(language)
    await browser.sign_up(f"sanne-{language}")
    house.issuer.dataset = create_full_dataset()
    for number in range(2):
        if number:
            recognise_endorser(house)
            house.clock.advance(timedelta(minutes=6))
        await browser.get(f"/open?link={quote(house.issuer.offer_link(configurations=[WHOLE]))}")
        await browser.follow(browser.answer)
        offer = browser.answer.url.path
        answer = await browser.post(f"{offer}/accept")
        await browser.follow(answer)
        assert COMMENT in browser.page
        assert (stranger if number == 0 else counting) in browser.page
