"""A wallet and its holder's browser, who fetch a badge by signing in, and can do one step wrong."""

import json
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from kernel.openid4vci import code_challenge, create_code_verifier
from tests.issuer.conftest import ORG, SANNE, SD_JWT, Issuer, create_client

WALLET = "https://wallet.example"
REDIRECT = f"{WALLET}/cb"


def details(*configurations: str) -> str:
    """An `authorization_details` parameter for these configurations."""
    return json.dumps(
        [{"type": "openid_credential", "credential_configuration_id": identifier} for identifier in configurations]
    )


@dataclass
class CodeFlow:
    """One authorization, step by step. `browser` is the person's own, with its cookies."""

    issuer: Issuer
    browser: httpx.AsyncClient
    verifier: str = field(default_factory=create_code_verifier)
    page: httpx.Response | None = None

    @classmethod
    def start(cls, issuer: Issuer) -> "CodeFlow":
        """A wallet with a browser that has been nowhere yet."""
        return cls(issuer, create_client(issuer.app, "192.0.2.7"))

    def form(self, **changes: str | None) -> dict[str, str]:
        """A valid request to push, with anything changed; None leaves a parameter out."""
        values: dict[str, str | None] = {
            "response_type": "code",
            "client_id": WALLET,
            "redirect_uri": REDIRECT,
            "scope": SD_JWT,
            "state": "af0ifjsldkj",
            "code_challenge": code_challenge(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in values.items() if value is not None}

    async def push(
        self, *, org: str = ORG, headers: dict[str, str] | None = None, **changes: str | None
    ) -> httpx.Response:
        return await self.issuer.client.post(f"/{org}/par", data=self.form(**changes), headers=headers or {})

    async def open(self, request_uri: str, *, client_id: str = WALLET, org: str = ORG) -> httpx.Response:
        """The browser comes to the authorization endpoint, and follows to the page."""
        query = {"client_id": client_id, "request_uri": request_uri}
        response = await self.browser.get(f"/{org}/authorize", params=query)
        return await self.follow(response)

    async def begin(self, **changes: str | None) -> httpx.Response:
        """Push, and open in the browser."""
        pushed = await self.push(**changes)
        assert pushed.status_code == 201, pushed.text
        return await self.open(pushed.json()["request_uri"], client_id=changes.get("client_id") or WALLET)

    async def follow(self, response: httpx.Response) -> httpx.Response:
        """Where a redirect within the issuer leads; the page is kept, for its forms."""
        while response.status_code == 303 and response.headers["location"].startswith("/"):
            response = await self.browser.get(response.headers["location"])
        self.page = response
        return response

    async def submit(self, action: str, **fields: Any) -> httpx.Response:
        """Fill in the form of the page whose address ends so, and send it."""
        assert self.page is not None
        for found in re.finditer(r'<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>', self.page.text, re.DOTALL):
            if found[1].endswith(action):
                hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', found[2]))
                values = {name: unescape(value) for name, value in hidden.items()}
                return await self.follow(await self.browser.post(unescape(found[1]), data={**values, **fields}))
        raise AssertionError(f"no form {action} on this page: {self.page.text}")

    async def waiting_code(self) -> tuple[str, str]:
        """Link and code of the newest sign-in, as staff would be shown them."""
        from issuer import sign_in_links
        from issuer.credential_issuer import get_issuer

        settings, now = self.issuer.settings, self.issuer.clock()
        async with self.issuer.database.transaction() as session:
            org = await get_issuer(session, settings, ORG)
            waiting = await sign_in_links.list_waiting_sign_ins(session, settings, org, now=now)
            secrets = await sign_in_links.reveal_sign_in_link(
                session, settings, org, waiting[-1].id, actor="test", now=now
            )
        return secrets.link, secrets.code

    async def sign_in(self, email: str = SANNE["email"]) -> httpx.Response:
        """Ask for a code and type it; the page that comes then."""
        await self.submit("/email", email=email)
        _, code = await self.waiting_code()
        return await self.submit("/code", code=code)

    async def agree(self, **fields: Any) -> dict[str, str]:
        """Agree; the parameters that the wallet gets."""
        return answer(await self.submit("/agree", **fields))

    async def authorize(self, **changes: str | None) -> str:
        """The whole way to a code."""
        await self.begin(**changes)
        await self.sign_in()
        return (await self.agree())["code"]

    async def exchange(
        self, code: str | None, *, org: str = ORG, headers: dict[str, str] | None = None, **changes: str | None
    ) -> httpx.Response:
        values: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": self.verifier,
            "client_id": WALLET,
            **changes,
        }
        form = {name: value for name, value in values.items() if value is not None}
        return await self.issuer.client.post(f"/{org}/token", data=form, headers=headers or {})


def answer(response: httpx.Response) -> dict[str, str]:
    """The parameters of an authorization response that goes to the wallet."""
    assert response.status_code == 303, response.text
    location = response.headers["location"]
    assert location.startswith(f"{REDIRECT}?"), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
