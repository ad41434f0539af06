"""A product that people connect to their wallet by the Open Badges API: registers, asks, reads and brings badges.

An honest one; each test changes what it says in one place.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from kernel.open_badges_api import SCOPES, ClientCredentials
from kernel.openid4vci import code_challenge, create_code_verifier

BASE = "/ims/ob/v3p0"
_LEAVE = re.compile(r'http-equiv="refresh" content="0;url=([^"]+)"')
_REQUEST = re.compile(r'name="request" value="([^"]+)"')


@dataclass
class SimulatedConsumer:
    """What it knows: itself, and the tokens of the last person who said yes."""

    http: httpx.AsyncClient
    host: str = "portfolio.example"
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    verifier: str = field(default_factory=create_code_verifier, repr=False)
    tokens: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def redirect_uri(self) -> str:
        return f"https://{self.host}/back"

    def registration(self, **changes: Any) -> dict[str, Any]:
        members = {
            "client_name": "Mijn portfolio",
            "client_uri": f"https://{self.host}/",
            "logo_uri": f"https://{self.host}/logo.png",
            "tos_uri": f"https://{self.host}/terms",
            "policy_uri": f"https://{self.host}/privacy",
            "software_id": "portfolio",
            "software_version": "1",
            "redirect_uris": [self.redirect_uri],
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "scope": " ".join(SCOPES),
        }
        return {name: value for name, value in (members | changes).items() if value is not ...}

    async def register(self, **changes: Any) -> httpx.Response:
        answer = await self.http.post("/oauth/register", json=self.registration(**changes))
        if answer.status_code == 201:
            self.client_id, self.client_secret = answer.json()["client_id"], answer.json()["client_secret"]
        return answer

    def ask(self, scopes: Iterable[str] = SCOPES, **changes: Any) -> str:
        """The path to which it sends somebody's browser."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(scopes),
            "state": "a-state-of-this-person",
            "code_challenge": code_challenge(self.verifier),
            "code_challenge_method": "S256",
        } | changes
        return f"/oauth/authorize?{urlencode({name: value for name, value in query.items() if value is not ...})}"

    async def be_let_in(self, browser: Any, chosen: Iterable[str] = SCOPES, **changes: Any) -> dict[str, str]:
        """Let somebody say yes, and return what their browser brings back."""
        page = await browser.get(self.ask(**changes))
        assert page.status_code == 200, page.text
        return answer_of(await decide(browser, chosen))

    async def connect(self, browser: Any, chosen: Iterable[str] = SCOPES, **changes: Any) -> dict[str, Any]:
        """All of it, to the tokens."""
        brought = await self.be_let_in(browser, chosen, **changes)
        answer = await self.redeem(brought["code"])
        assert answer.status_code == 200, answer.text
        self.tokens = answer.json()
        return self.tokens

    async def redeem(self, code: str, /, **changes: Any) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
        }
        return await self.post_form("/oauth/token", form | changes)

    async def refresh(self, token: str = "", **changes: Any) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token or self.tokens["refresh_token"]}
        return await self.post_form("/oauth/token", form | changes)

    async def revoke(self, token: str, **changes: Any) -> httpx.Response:
        return await self.post_form("/oauth/revoke", {"token": token} | changes)

    async def post_form(self, path: str, form: dict[str, Any], *, authorization: str | None = None) -> httpx.Response:
        if authorization is None:
            authorization = ClientCredentials(self.client_id, self.client_secret).as_header()
        headers = {"Authorization": authorization} if authorization else {}
        fields = {name: value for name, value in form.items() if value is not ...}
        return await self.http.post(path, data=fields, headers=headers)

    async def call(self, method: str, path: str, *, token: str | None = None, **more: Any) -> httpx.Response:
        headers = {**more.pop("headers", {})}
        token = self.tokens.get("access_token", "") if token is None else token
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return await self.http.request(method, f"{BASE}{path}", headers=headers, **more)

    async def bring(self, badge: bytes | str, media_type: str = "application/vc+ld+json") -> httpx.Response:
        return await self.call("POST", "/credentials", content=badge, headers={"Content-Type": media_type})

    async def read(self, **query: Any) -> httpx.Response:
        return await self.call("GET", "/credentials", params=query)


async def decide(browser: Any, chosen: Iterable[str], decision: str = "yes") -> httpx.Response:
    """Press a button on the page that the browser shows."""
    asked = _REQUEST.search(browser.page)
    assert asked is not None, browser.page
    answer: httpx.Response = await browser.post(
        "/oauth/authorize", request=unescape(asked[1]), decision=decision, scope=list(chosen)
    )
    return answer


def address_of(answer: httpx.Response) -> str:
    """Where a page sends the browser on to."""
    found = _LEAVE.search(answer.text)
    assert found is not None, answer.text
    return unescape(found[1])


def answer_of(answer: httpx.Response) -> dict[str, str]:
    """What a browser that is sent on brings to the consumer."""
    return dict(parse_qsl(urlsplit(address_of(answer)).query))
