"""An answer that leaves one service and never reaches the other: nothing is lost with it, and nothing issued twice."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cli.clients import IssuerClient, WalletClient
from issuer.models import Credential
from tests.support.house import ISSUER, ORGANISATION, SANNE, WALLET, House, describe

ISSUER_HOST = "issuer.skills.example:443"
LEASE = timedelta(minutes=6)
PASSPHRASE = "paard batterij nietje juist"


class EndOfProcess(BaseException):
    """Nothing of ours catches this, as nothing catches a power cut."""


@dataclass
class Line:
    """Between wallet and issuer. It breaks once, under the first answer of 200 from one endpoint."""

    inner: Callable[..., Any]
    breaks_at: str
    answered: list[str] = field(default_factory=list)
    """Which endpoints answered by 200, whether or not anybody heard it."""

    @classmethod
    def cut(cls, house: House, endpoint: str) -> "Line":
        apps = house.transport.apps
        line = apps[ISSUER_HOST] = cls(apps[ISSUER_HOST], endpoint)
        return line

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        endpoint = scope["path"].rpartition("/")[2]
        messages: list[Any] = []

        async def hold(message: Any) -> None:
            messages.append(message)

        await self.inner(scope, receive, hold)
        if messages[0]["status"] == 200:
            self.answered.append(endpoint)
            if self.answered.count(self.breaks_at) == 1 and endpoint == self.breaks_at:
                raise EndOfProcess
        for message in messages:
            await send(message)

    async def issued(self, like: Iterable[Any] = ()) -> set[Any]:
        """Every copy that the issuer believes it gave out, with its place; or those in the form of these alone."""
        async with self.inner.state.service.database.reading() as session:  # type: ignore[attr-defined]
            kept = select(
                Credential.configuration_id, Credential.id, Credential.status_index, Credential.sealed_credential
            )
            rows = (await session.execute(kept)).all()
        forms = {copy.configuration_id for copy in like}
        assert rows
        return {row for row in rows if not forms or row.configuration_id in forms}


@pytest.fixture
async def colleague(house: House) -> IssuerClient:
    """Somebody else of the school, by a key on their own name; and the badge waits for such a one."""
    await house.issuer.create_achievement(ORGANISATION, describe("gezien", approval="second_person"))
    return await member_of_staff(house)


async def member_of_staff(house: House) -> IssuerClient:
    email = f"{secrets.token_hex(4)}@techniek.example"
    person = await house.issuer.create_operator(
        ORGANISATION, email=email, name="Anneke", passphrase=secrets.token_hex(9)
    )
    made = await house.issuer.call(
        "POST",
        f"/api/organisations/{ORGANISATION}/api-keys",
        {"name": "sleutel", "scopes": ["awards:write", "awards:read", "status:write"], "operator": person["id"]},
    )
    return IssuerClient(ISSUER, key=made["api_key"], transport=house.transport)


async def new_wallet(house: House) -> WalletClient:
    wallet = WalletClient(WALLET, transport=house.transport)
    await wallet.create_account("sanne", PASSPHRASE)
    await wallet.sign_in("sanne", PASSPHRASE)
    return wallet


async def pass_time(house: House, wallet: WalletClient, time: timedelta) -> None:
    """Its owner comes back later, and signs in."""
    house.clock.advance(time)
    await wallet.sign_in("sanne", PASSPHRASE)


async def test_W14_I65_A53_badge_whose_answer_was_lost_comes_the_next_day_as_it_was_issued(
    house: House, colleague: IssuerClient
) -> None:
    [award] = await (await member_of_staff(house)).award(ORGANISATION, "gezien", [SANNE])
    wallet = await new_wallet(house)
    assert await house.receive(wallet, award) == []
    await pass_time(house, wallet, timedelta(hours=20))
    await colleague.change_status(ORGANISATION, award["id"], "approve", "Nagekeken")
    line = Line.cut(house, "deferred")
    with pytest.raises(EndOfProcess):
        await wallet.call("POST", "/api/awaited")
    lost = await line.issued()
    await pass_time(house, wallet, timedelta(hours=20))
    [badge] = (await wallet.call("POST", "/api/awaited"))["credentials"]
    assert badge["name"] == "Adviseur Lerende Regio"
    assert "credential" not in line.answered
    assert await line.issued(lost) == lost
    assert (await house.issuer.find_award(ORGANISATION, award["id"]))["state"] == "received"


async def test_W07_I61_A53_badge_whose_answer_was_lost_is_given_again_as_it_was_issued(house: House) -> None:
    award, wallet = await house.award(), await new_wallet(house)
    offer = await wallet.open_offer(award["offer"]["link"])
    line = Line.cut(house, "credential")
    with pytest.raises(EndOfProcess):
        await wallet.accept_offer(offer["id"], tx_code=award["offer"]["tx_code"])
    lost = await line.issued()
    await pass_time(house, wallet, LEASE)
    accepted = await wallet.accept_offer(offer["id"], tx_code=award["offer"]["tx_code"])
    assert [badge["name"] for badge in accepted["credentials"]] == ["Adviseur Lerende Regio"]
    assert line.answered.count("token") == 1
    assert await line.issued(lost) == lost
    assert (await house.issuer.find_award(ORGANISATION, award["id"]))["state"] == "received"
