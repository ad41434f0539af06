"""Whose recognition counts for a badge: that of whoever signed it, and nobody else's (T-04, A-47)."""

from datetime import timedelta

import pytest

from kernel.trust_list import ServiceState
from tests.support.clock import NOW
from tests.support.simulated_issuer import DC
from wallet.accounts import find_signed_in
from wallet.credentials import find_forms, resolve_issuer_recognition
from wallet.recognition import signers_of


async def received(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    service, now = house.app.state.service, house.clock()
    signed_in = await find_signed_in(service.database, service.settings, token=holder.token, now=now)
    async with service.database.reading() as session:
        [form] = await find_forms(session, signed_in.vault)
    return form.credential


@pytest.mark.parametrize(
    ("listed", "handed_out_by", "outcome"),
    [
        ("https://issuer.example/stmw", "https://issuer.example/stmw", "recognised"),
        ("did:web:issuer.example:stmw", "https://issuer.example/stmw", "recognised"),
        ("did:web:issuer.example:stmw", "https://elsewhere.example", "recognised"),
        ("https://elsewhere.example", "https://elsewhere.example", "not_listed"),
        ("https://issuer.example/other", "https://issuer.example/other", "not_listed"),
        ("did:web:issuer.example:other", "https://issuer.example/other", "not_listed"),
    ],
)
async def test_T04_A47_badge_is_recognised_by_its_signer_and_not_by_who_handed_it_out(
    house, holder, listed, handed_out_by, outcome
):
    credential = await received(house, holder)
    house.sign_trust_list(house.issuance(identifiers=frozenset({listed})))
    found = await resolve_issuer_recognition(
        house.app.state.service, credential, credential_issuer=handed_out_by, now=house.clock()
    )
    assert found.outcome == outcome


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        ((ServiceState("granted", NOW - HOUR),), "recognised"),
        ((ServiceState("granted", NOW + HOUR),), "not_listed"),
        ((ServiceState("withdrawn", NOW - HOUR), ServiceState("granted", NOW - 99 * HOUR)), "withdrawn"),
        ((ServiceState("withdrawn", NOW + HOUR), ServiceState("granted", NOW - 99 * HOUR)), "recognised"),
    ],
)
async def test_T04_I61_day_of_a_badge_stands_for_its_last_moment(house, holder, states, outcome):
    """Decision 0007, as the wallet's owner sees it: the badge says the day, the list says the hour."""
    credential = await received(house, holder)
    house.sign_trust_list(house.issuance(states=states))
    assert credential.issued_at == NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    assert [badge["recognition"]["outcome"] for badge in await holder.badges()] == [outcome]


def test_T04_address_without_a_did_web_signs_only_as_itself():
    assert signers_of("https://issuer.example/a:b") == ("https://issuer.example/a:b",)


async def test_T08_A42_list_that_a_badge_names_is_never_asked(house, holder):
    house.issuer.planted = {"trust_anchor": "https://lists.elsewhere.example/list.jwt"}
    house.sign_trust_list(house.issuance(identifiers=frozenset({"did:web:issuer.example:other"})))
    credential = await received(house, holder)
    assert credential.claims["trust_anchor"] == "https://lists.elsewhere.example/list.jwt"
    found = await resolve_issuer_recognition(
        house.app.state.service, credential, credential_issuer=house.issuer.identifier, now=house.clock()
    )
    assert found.outcome == "not_listed"
    assert "lists.elsewhere.example" not in {request.url.host for request in house.transport.requests}
