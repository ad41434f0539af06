"""Signing in at the organisation's own OpenID Provider: a real one over real HTTP, and answers with one thing wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import select

from issuer.models import SignInLink
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.strict_json import encode_json
from runtime.clock import utc_now
from tests.conftest import NewDatabase
from tests.issuer.code_flow import CodeFlow
from tests.issuer.conftest import ORG, SANNE, Issuer, create_issuer, recipient
from tests.support.clock import FixedClock
from tests.support.hosts import HostTransport

PROVIDER = "https://login.school.example"
CALLBACK = f"https://issuer.example/{ORG}/sign-in/callback"
SIGNER, OTHER = SoftwareSigner.generate(), SoftwareSigner.generate()
DESCRIPTION = {"issuer": PROVIDER, "name": "SchoolLogin", "client_id": "badges", "client_secret": "s3cr3t/+"}


class SimulatedProvider:
    """An OpenID Provider as an ASGI application, that can be told to misbehave in one way."""

    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self.nonce = ""
        self.claims: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}
        self.signer = SIGNER
        self.token_status = 200
        self.redeemed: list[tuple[dict[str, str], str]] = []

    async def __call__(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        message = await receive()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        status, body = self._answer(scope["path"], message.get("body", b"").decode(), headers)
        start = {"type": "http.response.start", "status": status}
        await send({**start, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": encode_json(body)})

    def _answer(self, path: str, body: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if path == "/.well-known/openid-configuration":
            endpoints = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            members = {"issuer": PROVIDER, **{name: f"{PROVIDER}/{name}" for name in endpoints}}
            return 200, {**members, **self.metadata}
        if path == "/jwks_uri":
            return 200, {"keys": [{**SIGNER.public_key.jwk, "kid": "1"}]}
        form = {name: values[0] for name, values in parse_qs(body).items()}
        self.redeemed.append((form, headers.get("authorization", "")))
        now = self._clock()
        claims = {
            "iss": PROVIDER,
            "aud": "badges",
            "sub": "1",
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=5)).timestamp()),
            "nonce": self.nonce,
            "email": SANNE["email"],
            "email_verified": True,
            "student_number": "s123",
            **self.claims,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return self.token_status, {"id_token": sign_jwt(kept, signer=self.signer, typ="JWT", header={"kid": "1"})}


@pytest.fixture
def provider(clock: FixedClock) -> SimulatedProvider:
    return SimulatedProvider(clock)


@pytest.fixture
async def school(
    new_sqlite_database: NewDatabase, clock: FixedClock, provider: SimulatedProvider
) -> AsyncIterator[Issuer]:
    """An issuer whose people sign in at the simulated provider, on SQLite."""
    async with open_school(new_sqlite_database("issuer"), clock, provider) as made:
        yield made


@pytest.fixture
async def any_school(
    new_database: NewDatabase, clock: FixedClock, provider: SimulatedProvider
) -> AsyncIterator[Issuer]:
    """The same on SQLite and once more on PostgreSQL."""
    async with open_school(new_database("issuer"), clock, provider) as made:
        yield made


@asynccontextmanager
async def open_school(url: str, clock: FixedClock, provider: SimulatedProvider) -> AsyncIterator[Issuer]:
    transport = HostTransport()
    transport.apps = {"login.school.example:443": provider}
    made = await create_issuer(url, clock, transport=transport)
    assert (await set_provider(made)).status_code == 200
    await made.award()
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


async def set_provider(made: Issuer, /, **changes: Any) -> httpx.Response:
    body = {name: value for name, value in {**DESCRIPTION, **changes}.items() if value is not None}
    return await made.api("PUT", f"/organisations/{ORG}/identity-provider", json=body)


async def leave(flow: CodeFlow) -> dict[str, str]:
    """To the provider; what the browser takes there."""
    page = await flow.begin()
    assert "Inloggen bij" in page.text
    sent = await flow.browser.get(f"{page.request.url}/provider")
    assert sent.status_code == 303, sent.text
    return {name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()}


async def come_back(flow: CodeFlow, **query: str) -> httpx.Response:
    return await flow.follow(await flow.browser.get(f"/{ORG}/sign-in/callback", params=query))


async def sign_in(flow: CodeFlow, provider: SimulatedProvider) -> httpx.Response:
    """There and back."""
    taken = await leave(flow)
    provider.nonce = provider.nonce or taken["nonce"]
    return await come_back(flow, code="c", state=taken["state"])


def is_stopped(page: httpx.Response) -> bool:
    return page.status_code == 400 and "Inloggen lukte niet" in page.text


async def test_I25_whoever_the_provider_names_may_fetch_their_badge(
    school: Issuer, provider: SimulatedProvider
) -> None:
    flow = CodeFlow.start(school)
    assert "Wil je deze badge ophalen?" in (await sign_in(flow, provider)).text
    assert (await flow.exchange((await flow.agree())["code"])).status_code == 200
    [(form, authorization)] = provider.redeemed
    assert form["grant_type"] == "authorization_code"
    assert form["redirect_uri"] == CALLBACK
    assert len(form["code_verifier"]) == 43
    assert "client_secret" not in form
    # RFC 6749 §2.3.1: what is not a letter of a form is encoded before it goes into the header.
    assert authorization == "Basic YmFkZ2VzOnMzY3IzdCUyRiUyQg=="


async def test_the_browser_takes_state_nonce_and_challenge_to_the_provider(school: Issuer) -> None:
    taken = await leave(CodeFlow.start(school))
    assert taken["response_type"] == "code"
    assert taken["redirect_uri"] == CALLBACK
    assert taken["code_challenge_method"] == "S256"
    assert len(taken["state"]) >= 43
    assert len(taken["nonce"]) >= 43
    assert set(taken["scope"].split()) == {"openid", "email", "profile"}


async def test_the_secret_goes_where_the_provider_wants_it(school: Issuer, provider: SimulatedProvider) -> None:
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    await sign_in(CodeFlow.start(school), provider)
    [(form, authorization)] = provider.redeemed
    assert (form["client_secret"], form["client_id"], authorization) == (DESCRIPTION["client_secret"], "badges", "")


async def test_a_public_client_names_itself(school: Issuer, provider: SimulatedProvider) -> None:
    await school.api("DELETE", f"/organisations/{ORG}/identity-provider")
    await set_provider(school, client_secret=None)
    await sign_in(CodeFlow.start(school), provider)
    assert provider.redeemed[0][0]["client_id"] == "badges"
    assert provider.redeemed[0][1] == ""


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another"},
        {"iss": "https://login.evil.example"},
        {"exp": 1},
        {"email_verified": False},
        {"email_verified": None},
        {"email": None},
    ],
)
async def test_A27_an_id_token_with_one_thing_wrong_signs_nobody_in(
    school: Issuer, provider: SimulatedProvider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    flow = CodeFlow.start(school)
    assert is_stopped(await sign_in(flow, provider))


async def test_A01_an_id_token_of_another_key_signs_nobody_in(school: Issuer, provider: SimulatedProvider) -> None:
    provider.signer = OTHER
    assert is_stopped(await sign_in(CodeFlow.start(school), provider))


async def test_a_provider_that_refuses_signs_nobody_in(school: Issuer, provider: SimulatedProvider) -> None:
    provider.token_status = 400
    assert is_stopped(await sign_in(CodeFlow.start(school), provider))
    flow = CodeFlow.start(school)
    taken = await leave(flow)
    assert is_stopped(await come_back(flow, error="access_denied", state=taken["state"]))


async def test_A27_an_answer_of_another_sign_in_signs_nobody_in(school: Issuer, provider: SimulatedProvider) -> None:
    flow, attacker = CodeFlow.start(school), CodeFlow.start(school)
    await leave(flow)
    taken = await leave(attacker)
    provider.nonce = taken["nonce"]
    assert is_stopped(await come_back(flow, code="c", state=taken["state"]))
    assert provider.redeemed == []
    # Whatever came is the one answer there is.
    taken = await leave(attacker)
    assert is_stopped(await come_back(attacker, code="c", state="wrong"))
    assert is_stopped(await come_back(attacker, code="c", state=taken["state"]))


async def test_A27_an_answer_without_the_browser_it_belongs_to_is_refused(school: Issuer) -> None:
    taken = await leave(CodeFlow.start(school))
    page = await come_back(CodeFlow.start(school), code="c", state=taken["state"])
    assert page.status_code == 400
    assert "Begin opnieuw in je wallet" in page.text


@pytest.mark.parametrize(("iss", "is_good"), [(PROVIDER, True), ("https://login.evil.example", False), (None, False)])
async def test_A27_a_provider_that_promises_its_name_in_the_answer_gives_it(
    school: Issuer, provider: SimulatedProvider, iss: str | None, is_good: bool
) -> None:
    provider.metadata = {"authorization_response_iss_parameter_supported": True}
    flow = CodeFlow.start(school)
    taken = await leave(flow)
    provider.nonce = taken["nonce"]
    named = {} if iss is None else {"iss": iss}
    assert is_stopped(await come_back(flow, code="c", state=taken["state"], **named)) != is_good


async def test_A27_metadata_that_names_another_issuer_sends_nobody_anywhere(
    school: Issuer, provider: SimulatedProvider
) -> None:
    provider.metadata = {"issuer": "https://login.evil.example"}
    flow = CodeFlow.start(school)
    page = await flow.begin()
    assert is_stopped(await flow.browser.get(f"{page.request.url}/provider"))


async def test_a_claim_of_the_organisations_choice_finds_awards_by_their_reference(
    school: Issuer, provider: SimulatedProvider
) -> None:
    assert (await set_provider(school, subject_claim="student_number")).status_code == 200
    await school.award(recipients=[recipient(1, reference="s123")])
    provider.claims = {"email": None}
    assert "Wil je deze badge ophalen?" in (await sign_in(CodeFlow.start(school), provider)).text
    provider.claims, provider.nonce = {"student_number": None}, ""
    assert is_stopped(await sign_in(CodeFlow.start(school), provider))


async def test_whoever_failed_once_may_try_again(school: Issuer, provider: SimulatedProvider) -> None:
    flow = CodeFlow.start(school)
    provider.token_status = 400
    failed = await sign_in(flow, provider)
    again = failed.text.split('class="button main" href="')[1].split('"')[0]
    provider.token_status = 200
    page = await flow.follow(await flow.browser.get(again))
    sent = await flow.browser.get(f"{page.request.url}/provider")
    taken = {name: values[0] for name, values in parse_qs(urlsplit(sent.headers["location"]).query).items()}
    provider.nonce = taken["nonce"]
    assert "Wil je deze badge ophalen?" in (await come_back(flow, code="c", state=taken["state"])).text


async def test_A28_no_link_goes_round_the_provider(school: Issuer) -> None:
    flow = CodeFlow.start(school)
    await school.api("DELETE", f"/organisations/{ORG}/identity-provider")
    await flow.begin()
    await set_provider(school)
    assert "Inloggen bij" in (await flow.submit("/email", email=SANNE["email"])).text
    async with school.database.reading() as session:
        assert (await session.scalars(select(SignInLink))).all() == []


async def test_A28_of_eight_answers_of_a_provider_one_counts(any_school: Issuer, provider: SimulatedProvider) -> None:
    flow = CodeFlow.start(any_school)
    taken = await leave(flow)
    provider.nonce = taken["nonce"]
    query = {"code": "c", "state": taken["state"]}
    url = f"/{ORG}/sign-in/callback"
    responses = await asyncio.gather(*[flow.browser.get(url, params=query) for _ in range(8)])
    assert sorted(response.status_code for response in responses) == [303] + [400] * 7
    assert len(provider.redeemed) == 1


# The setting


async def test_I77_A53_those_who_set_and_remove_a_provider_at_once_wait_for_one_another(any_issuer: Issuer) -> None:
    path = f"/organisations/{ORG}/identity-provider"
    calls = [call for _ in range(8) for call in (set_provider(any_issuer), any_issuer.api("DELETE", path))]
    assert {answer.status_code for answer in await asyncio.gather(*calls)} <= {200, 204, 404}


async def test_I77_the_provider_is_set_shown_without_its_secret_and_taken_away(issuer: Issuer) -> None:
    path = f"/organisations/{ORG}/identity-provider"
    assert (await issuer.api("GET", path)).status_code == 404
    answer = (await set_provider(issuer)).json()
    assert answer["redirect_uri"] == CALLBACK
    assert answer["has_client_secret"] is True
    assert "s3cr3t" not in str((await issuer.api("GET", path)).json())
    kept = await set_provider(issuer, client_secret=None, name="Anders")
    assert (kept.json()["name"], kept.json()["has_client_secret"]) == ("Anders", True)
    moved = await set_provider(issuer, client_secret=None, issuer="https://login.ander.example")
    assert moved.json()["has_client_secret"] is False
    assert (await issuer.api("DELETE", path)).status_code == 204
    assert (await issuer.api("DELETE", path)).status_code == 404


@pytest.mark.parametrize("address", ["http://login.school.example", "https://127.0.0.1", "https://localhost", "login"])
async def test_A42_a_provider_is_a_public_https_address(issuer: Issuer, address: str) -> None:
    refused = await set_provider(issuer, issuer=address)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["issuer"])


# A real provider


@contextmanager
def real_provider() -> Iterator[str]:
    """`oidc-provider-mock` on a port of its own."""
    mock = pytest.importorskip("oidc_provider_mock")
    user = mock.User(sub="sanne", claims={"email": SANNE["email"], "email_verified": True})
    with mock.run_server_in_thread(user_claims=[user]) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.mark.loopback
@pytest.mark.filterwarnings("ignore")
async def test_I25_a_real_openid_provider_signs_the_person_in(new_sqlite_database: NewDatabase) -> None:
    clock = FixedClock(utc_now())
    with real_provider() as address:
        host = address.removeprefix("http://")
        issuer = await create_issuer(
            new_sqlite_database("issuer"), clock, allow_http_for_local_development=True, local_hosts=frozenset({host})
        )
        await issuer.award()
        assert (await set_provider(issuer, issuer=address)).status_code == 200
        flow = CodeFlow.start(issuer)
        page = await flow.begin()
        sent = await flow.browser.get(f"{page.request.url}/provider")
        async with httpx.AsyncClient() as browser:
            answered = await browser.post(sent.headers["location"], data={"sub": "sanne"})
        assert answered.status_code == 302, answered.text
        back = urlsplit(answered.headers["location"])
        assert f"{back.scheme}://{back.netloc}{back.path}" == CALLBACK
        page = await flow.follow(await flow.browser.get(f"{back.path}?{back.query}"))
        assert "Wil je deze badge ophalen?" in page.text
        assert (await flow.exchange((await flow.agree())["code"])).status_code == 200
        await issuer.client.aclose()
        await issuer.app.state.service.close()
