"""A microcredential with results from the issuer into the wallet, and what the verifier is told of it. B-07, E-20."""

import pytest

from issuer.configurations import SECURINGS
from tests.support.house import ORGANISATION, SANNE, SKILLS, describe
from tests.support.measured import SAID, microcredential

SLUG = "advies-in-de-regio"
REACHED = {
    "Eindcijfer": ("8.5", None, None),
    "Presentatie": (None, "Goed", None),
    "Adviesrapport": ("B", None, None),
    "Kennistoets": ("82.5", None, None),
    "Stage": (None, None, "Completed"),
}


def reached(results):
    return {one["name"]: (one["value"], one["level"], one["status"]) for one in results}


async def receive(house, wallet, suffix: str):
    """The badge in one securing, as the wallet shows it to its holder."""
    description = describe(SLUG, assessment="Portfolio en gesprek.", **microcredential(list(SKILLS.items())))
    await house.issuer.create_achievement(ORGANISATION, description)
    [award] = await house.issuer.award(ORGANISATION, SLUG, [{**SANNE, **SAID}])
    offer = await wallet.open_offer(award["offer"]["link"])
    chosen = [each["configuration_id"] for each in offer["credentials"]]
    chosen = [each for each in chosen if each.endswith(f".{suffix}")]
    await wallet.accept_offer(offer["id"], tx_code=award["offer"]["tx_code"], configurations=chosen)
    [badge] = (await wallet.credentials())["credentials"]
    return await wallet.credential(badge["id"])


@pytest.mark.parametrize("suffix", [securing.suffix for securing in SECURINGS])
async def test_B07_E20_a_wallet_shows_the_results_of_a_microcredential_in_each_securing(small_house, suffix):
    wallet = await small_house.new_wallet()
    badge = await receive(small_house, wallet, suffix)
    assert reached(badge["results"]) == REACHED
    [presentation] = [one for one in badge["results"] if one["name"] == "Presentatie"]
    assert (presentation["level_description"], presentation["required"]) == ("Overtuigt de klant.", "Voldoende")
    [grade] = [one for one in badge["results"] if one["name"] == "Eindcijfer"]
    assert (grade["lowest"], grade["highest"], grade["required"]) == ("1", "10", "5.5")
    assert (badge["narrative"], badge["credits_earned"]) == ("Deed drie opdrachten voor bedrijven.", 3)
    assert badge["source"]["name"] == "Examenbureau"
    assert badge["creator"]["name"] == "Lectoraat Praktijk"
    assert badge["issuer_profile"]["parent_name"] == "Stichting Scholen"
    assert badge["person"]["birthdate"] == "2001-02-03"
    await wallet.close()


async def test_B07_V43_a_verifier_is_told_the_results_of_a_badge_that_is_shown_whole(small_house):
    wallet = await small_house.new_wallet()
    await receive(small_house, wallet, "ldp-vc")
    started = await small_house.ask()
    request = await wallet.open_request(started["link"])
    await wallet.accept_request(request["id"])
    [shown] = {str(each): each for each in (await small_house.result(started))["shown"].values()}.values()
    assert reached(shown["results"]) == REACHED
    await wallet.close()
