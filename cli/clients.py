"""The services' HTTP interfaces, as the command line calls them. One method a call; the answer is the JSON it gave."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

import httpx

from cli.language import language

TIMEOUT = httpx.Timeout(30.0, connect=5.0)


@dataclass(eq=False)
class ProblemError(Exception):
    """A service answered that it could not do what was asked. RFC 9457, with our trace id, step and hint."""

    status: int
    code: str
    title: str
    detail: str
    trace_id: str
    step: str
    hint: str
    body: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.status} {self.code}: {self.detail or self.title}"


class UnreachableError(Exception):
    """Nothing answered at this address."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address


class ServiceClient:
    """One service at one address, with the key or session token of whoever calls."""

    def __init__(
        self, address: str, *, key: str | None = None, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.address = address.rstrip("/")
        self.key = key
        self._http = httpx.AsyncClient(
            base_url=self.address, timeout=TIMEOUT, transport=transport, follow_redirects=False, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def call(self, method: str, path: str, json: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON of the answer, `None` for an empty one; anything from 400 up raises `ProblemError`."""
        response = await self.ask(method, path, json, headers)
        return response.json() if response.content else None

    async def ask(
        self, method: str, path: str, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The answer as it came; anything from 400 up raises `ProblemError`."""
        sent = {"Accept": "application/json", "Accept-Language": language(), **(headers or {})}
        if self.key is not None:
            sent["Authorization"] = f"Bearer {self.key}"
        try:
            response = await self._http.request(method, path, json=json, headers=sent)
        except httpx.TransportError as exc:
            raise UnreachableError(self.address) from exc
        if response.status_code >= 400:
            raise _problem(response)
        return response


class IssuerClient(ServiceClient):
    """The issuer's management API."""

    async def create_organisation(self, organisation: Mapping[str, Any]) -> Any:
        return await self.call("POST", "/api/organisations", dict(organisation))

    async def organisation(self, slug: str) -> Any:
        return await self.call("GET", f"/api/organisations/{quote(slug)}")

    async def create_operator(self, slug: str, *, email: str, name: str, passphrase: str) -> Any:
        body = {"email": email, "name": name, "passphrase": passphrase}
        return await self.call("POST", f"/api/organisations/{quote(slug)}/operators", body)

    async def create_achievement(self, slug: str, achievement: Mapping[str, Any]) -> Any:
        return await self.call("POST", f"/api/organisations/{quote(slug)}/achievements", dict(achievement))

    async def achievements(self, slug: str) -> Any:
        return await self.call("GET", f"/api/organisations/{quote(slug)}/achievements")

    async def award(
        self,
        slug: str,
        achievement: str,
        recipients: Sequence[Mapping[str, Any]],
        *,
        awarded_at: str | None = None,
        expires_at: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[dict[str, Any]]:
        body: dict[str, Any] = {"recipients": list(recipients)}
        body |= {"awarded_at": awarded_at} if awarded_at else {}
        body |= {"expires_at": expires_at} if expires_at else {}
        path = f"/api/organisations/{quote(slug)}/achievements/{quote(achievement)}/awards"
        answer = await self.call("POST", path, body, {"Idempotency-Key": idempotency_key or str(uuid.uuid4())})
        awards: list[dict[str, Any]] = answer["awards"]
        return awards

    async def awards(self, slug: str) -> Any:
        return await self.call("GET", f"/api/organisations/{quote(slug)}/awards")

    async def find_award(self, slug: str, award: str) -> Any:
        return await self.call("GET", f"/api/organisations/{quote(slug)}/awards/{quote(award)}")

    async def renew_offer(self, slug: str, award: str) -> Any:
        return await self.call("POST", f"/api/organisations/{quote(slug)}/awards/{quote(award)}/offer")

    async def change_status(self, slug: str, award: str, change: str, reason: str) -> Any:
        path = f"/api/organisations/{quote(slug)}/awards/{quote(award)}/{change}"
        return await self.call("POST", path, {"reason": reason})

    async def set_status_message(self, slug: str, award: str, message: str) -> Any:
        path = f"/api/organisations/{quote(slug)}/awards/{quote(award)}/message"
        return await self.call("PUT", path, {"message": message})

    async def set_identity_provider(self, slug: str, provider: Mapping[str, Any]) -> Any:
        return await self.call("PUT", f"/api/organisations/{quote(slug)}/identity-provider", dict(provider))

    async def remove_identity_provider(self, slug: str) -> None:
        await self.call("DELETE", f"/api/organisations/{quote(slug)}/identity-provider")

    async def signing_keys(self, slug: str) -> list[dict[str, Any]]:
        answer = await self.call("GET", f"/api/organisations/{quote(slug)}/signing-keys")
        keys: list[dict[str, Any]] = answer["signing_keys"]
        return keys

    async def rotate_signing_key(self, slug: str, algorithm: str) -> Any:
        return await self.call("POST", f"/api/organisations/{quote(slug)}/signing-keys", {"algorithm": algorithm})

    async def withdraw_signing_key(self, slug: str, fragment: str) -> None:
        await self.call("DELETE", f"/api/organisations/{quote(slug)}/signing-keys/{quote(fragment)}")

    async def set_certificates(self, slug: str, pem: str) -> Any:
        return await self.call("PUT", f"/api/organisations/{quote(slug)}/certificates", {"pem": pem})

    async def archive(self, slug: str) -> tuple[bytes, str]:
        """The archive, and the thumbprint of the key that signed it."""
        response = await self.ask("GET", f"/api/organisations/{quote(slug)}/archive")
        return response.content, response.headers["archive-signer-thumbprint"]

    async def skills(self, text: str, language: str) -> Any:
        return await self.call("GET", f"/api/skills?q={quote(text)}&language={language}")


class WalletClient(ServiceClient):
    """The wallet's API, for one signed-in holder."""

    async def create_account(self, name: str, passphrase: str) -> Any:
        return await self.call("POST", "/api/accounts", {"name": name, "passphrase": passphrase})

    async def sign_in(self, name: str, passphrase: str) -> str:
        answer = await self.call("POST", "/api/sessions", {"name": name, "passphrase": passphrase})
        token: str = answer["token"]
        self.key = token
        return token

    async def sign_out(self) -> None:
        await self.call("DELETE", "/api/sessions")
        self.key = None

    async def open_offer(self, offer: str) -> Any:
        return await self.call("POST", "/api/offers", {"offer": offer})

    async def accept_offer(
        self, offer_id: str, *, tx_code: str | None = None, configurations: Sequence[str] | None = None
    ) -> Any:
        body: dict[str, Any] = {}
        body |= {"tx_code": tx_code} if tx_code is not None else {}
        body |= {"credential_configuration_ids": list(configurations)} if configurations is not None else {}
        return await self.call("POST", f"/api/offers/{quote(offer_id)}/accept", body)

    async def credentials(self) -> Any:
        return await self.call("GET", "/api/credentials")

    async def credential(self, credential_id: str) -> Any:
        return await self.call("GET", f"/api/credentials/{quote(credential_id)}")

    async def delete_credential(self, credential_id: str) -> Any:
        return await self.call("DELETE", f"/api/credentials/{quote(credential_id)}")

    async def open_request(self, request: str) -> Any:
        return await self.call("POST", "/api/requests", {"request": request})

    async def accept_request(self, request_id: str, choices: Mapping[str, Any] | None = None) -> Any:
        body = {} if choices is None else {"choices": dict(choices)}
        return await self.call("POST", f"/api/requests/{quote(request_id)}/accept", body)

    async def decline_request(self, request_id: str) -> Any:
        return await self.call("POST", f"/api/requests/{quote(request_id)}/decline", {})

    async def history(self) -> Any:
        return await self.call("GET", "/api/history")

    async def export(self) -> Any:
        return await self.call("GET", "/api/export")

    async def erase_account(self, passphrase: str) -> Any:
        return await self.call("DELETE", "/api/account", {"passphrase": passphrase})


class VerifierClient(ServiceClient):
    """The verifier's API, for one relying party (or the deployment's administrator)."""

    async def create_relying_party(self, relying_party: Mapping[str, Any]) -> Any:
        return await self.call("POST", "/api/relying-parties", dict(relying_party))

    async def create_operator(self, slug: str, *, email: str, name: str, passphrase: str) -> Any:
        body = {"email": email, "name": name, "passphrase": passphrase}
        return await self.call("POST", f"/api/relying-parties/{quote(slug)}/operators", body)

    async def create_question(self, slug: str, question: Mapping[str, Any]) -> Any:
        return await self.call("POST", f"/api/relying-parties/{quote(slug)}/questions", dict(question))

    async def questions(self, slug: str) -> Any:
        return await self.call("GET", f"/api/relying-parties/{quote(slug)}/questions")

    async def start_presentation(self, slug: str, body: Mapping[str, Any]) -> Any:
        return await self.call("POST", f"/api/relying-parties/{quote(slug)}/presentations", dict(body))

    async def keep_certificate(self, slug: str, *, chain: str, key: str) -> Any:
        body = {"chain": chain, "key": key}
        return await self.call("PUT", f"/api/relying-parties/{quote(slug)}/certificate", body)

    async def keep_webhook(self, slug: str, url: str) -> Any:
        return await self.call("PUT", f"/api/relying-parties/{quote(slug)}/webhook", {"url": url})

    async def presentation(self, slug: str, presentation_id: str) -> Any:
        return await self.call("GET", f"/api/relying-parties/{quote(slug)}/presentations/{quote(presentation_id)}")


def _problem(response: httpx.Response) -> ProblemError:
    try:
        body = response.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}

    def text(*names: str) -> str:
        return next((str(body[name]) for name in names if body.get(name)), "")

    return ProblemError(
        status=response.status_code,
        code=text("code", "error", "type"),
        title=text("title", "error_description") or response.reason_phrase,
        detail=text("detail"),
        trace_id=text("trace_id") or response.headers.get("Trace-Id", ""),
        step=text("step"),
        hint=text("hint"),
        body=body,
    )
