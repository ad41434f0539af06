"""Our wallet signs in with our issuer: two services that agree on nothing beforehand but OpenID4VCI."""

import re
from html import unescape
from urllib.parse import parse_qsl

import httpx
import pytest

from issuer import sign_in_links
from issuer.credential_issuer import get_issuer
from tests.support.house import ISSUER, ORGANISATION, SANNE, WALLET


class Browser:
    """The person's own: follows redirects within the issuer, and fills in the form of the page."""

    def __init__(self, house) -> None:
        self.house = house
        self.http = httpx.AsyncClient(transport=house.transport, base_url=ISSUER)
        self.page: httpx.Response | None = None

    async def follow(self, response: httpx.Response) -> httpx.Response:
        while response.status_code == 303 and response.headers["location"].startswith("/"):
            response = await self.http.get(response.headers["location"])
        self.page = response
        return response

    async def submit(self, action: str, **fields: str) -> httpx.Response:
        for found in re.finditer(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', self.page.text, re.DOTALL):
            if found[1].endswith(action):
                hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', found[2]))
                values = {name: unescape(value) for name, value in hidden.items()}
                return await self.follow(await self.http.post(unescape(found[1]), data={**values, **fields}))
        raise AssertionError(f"no form {action} on this page: {self.page.text}")

    async def sign_in_and_agree(self, url: str) -> dict[str, str]:
        await self.follow(await self.http.get(url))
        await self.submit("/email", email=SANNE["email"])
        await self.submit("/code", code=await self._code())
        answer = await self.submit("/agree")
        address, _, query = answer.headers["location"].partition("?")
        assert address.startswith(f"{WALLET}/callback/")
        return {"redirect_uri": address, **dict(parse_qsl(query))}

    async def _code(self) -> str:
        """The code of the newest sign-in, as staff would be shown it."""
        service = self.house.transport.apps["issuer.skills.example:443"].state.service
        settings, now = service.settings, self.house.clock()
        async with service.database.transaction() as session:
            org = await get_issuer(session, settings, ORGANISATION)
            waiting = await sign_in_links.list_waiting_sign_ins(session, settings, org, now=now)
            secrets = await sign_in_links.reveal_sign_in_link(
                session, settings, org, waiting[-1].id, actor="test", now=now
            )
        return secrets.code


@pytest.mark.parametrize("how", ["offer", "address"])
async def test_W08_I21_badge_is_fetched_by_signing_in_with_the_issuer(small_house, how):
    house = small_house
    award = await house.award()
    wallet, browser = await house.new_wallet(), Browser(small_house)
    if how == "offer":
        offer = await wallet.open_offer(award["offer"]["link"])
        assert offer["grants"][-1] == "authorization_code"
    else:
        offer = await wallet.call("POST", "/api/issuers", {"issuer": f"issuer.skills.example/{ORGANISATION}"})
    wanted = [entry["configuration_id"] for entry in offer["credentials"] if entry["format"].endswith("sd-jwt")]
    begun = await wallet.call(
        "POST", f"/api/offers/{offer['id']}/authorization", {"credential_configuration_ids": wanted}
    )
    answer = await browser.sign_in_and_agree(begun["authorization_url"])
    assert answer["iss"] == f"{ISSUER}/{ORGANISATION}"
    receipt = await wallet.call("POST", "/api/authorization-responses", answer)
    assert receipt["is_awaiting"] is False
    [badge] = receipt["credentials"]
    assert (badge["state"], badge["recognition"]["outcome"]) == ("valid", "recognised")
    assert sorted(badge["formats"]) == ["dc+sd-jwt", "vc+sd-jwt"]
    await browser.http.aclose()
    await wallet.close()
