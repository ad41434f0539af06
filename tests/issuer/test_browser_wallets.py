"""A wallet that runs in a browser: which endpoints its scripts may call, and which no page's script may. A-52, I-64.

What a browser does with the answers is in the Fetch Standard §3.2: before a request with headers of its own it asks
with OPTIONS, and it shows a script an answer, or a header of one, only where that answer says so.
"""

import httpx
import pytest

from tests.issuer.conftest import BASE, ORG, SD_JWT, SLUG, Browser, Issuer

ORIGIN = "https://wallet-in-a-browser.example"
ENDPOINTS = ("par", "token", "nonce", "challenge", "credential", "deferred", "notification")
SENT = ("authorization", "content-type", "dpop", "oauth-client-attestation", "oauth-client-attestation-pop")
DOCUMENTS = (
    f"/.well-known/openid-credential-issuer/{ORG}",
    f"/.well-known/oauth-authorization-server/{ORG}",
    f"/{ORG}/did.json",
    f"/{ORG}/status",
    "/vct/skill-badge/1",
)
CLOSED = (
    *(
        "/",
        "/sign-in",
        BASE,
        f"{BASE}/achievements/{SLUG}/award",
        f"/{ORG}/authorize",
        f"/{ORG}/achievements/{SLUG}/image",
    ),
    *(f"/api/organisations/{ORG}", f"/api/organisations/{ORG}/awards", "/api/openapi.json", "/health", "/nothing-here"),
)


async def preflight(issuer: Issuer, path: str, method: str = "POST") -> httpx.Response:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": method}
    return await issuer.client.options(path, headers={**asked, "Access-Control-Request-Headers": ",".join(SENT)})


def listed(response: httpx.Response, name: str) -> set[str]:
    return {each.strip().lower() for each in response.headers.get(f"Access-Control-{name}", "").split(",")}


def assert_readable(response: httpx.Response) -> None:
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_I64_a_script_may_send_what_the_protocol_sends(issuer: Issuer, endpoint: str) -> None:
    answer = await preflight(issuer, f"/{ORG}/{endpoint}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert_readable(answer)
    assert listed(answer, "Allow-Methods") == {"post"}
    assert set(SENT) <= listed(answer, "Allow-Headers")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_I64_a_script_reads_every_refusal_with_what_it_needs_to_go_on(issuer: Issuer, endpoint: str) -> None:
    refused = await issuer.client.post(f"/{ORG}/{endpoint}", content=b"{", headers={"Origin": ORIGIN})
    assert_readable(refused)
    assert {
        "dpop-nonce",
        "oauth-client-attestation-challenge",
        "www-authenticate",
        "retry-after",
        "trace-id",
    } <= listed(refused, "Expose-Headers")
    too_large = await issuer.client.post(f"/{ORG}/{endpoint}", content=bytes(2 * 1024 * 1024))
    assert too_large.status_code == 413 or endpoint in ("nonce", "challenge")
    assert_readable(too_large)
    assert_readable(await issuer.client.get(f"/{ORG}/{endpoint}"))


async def test_I64_a_badge_is_received_from_a_page_of_another_origin(issuer: Issuer) -> None:
    issuer.client.headers["Origin"] = ORIGIN
    seen: list[httpx.Response] = []

    async def see(response: httpx.Response) -> None:
        if not response.request.url.path.startswith("/api/"):
            seen.append(response)

    issuer.client.event_hooks["response"].append(see)
    award = await issuer.award()
    assert await issuer.fetch(award, configuration=SD_JWT)
    assert {response.request.url.path.rpartition("/")[2] for response in seen} >= {"nonce", "token", "credential"}
    for response in seen:
        assert_readable(response)


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_I64_a_script_reads_what_is_published(issuer: Issuer, path: str) -> None:
    response = await issuer.client.get(path, headers={"Origin": ORIGIN})
    assert response.status_code == 200
    assert_readable(response)
    assert response.headers.get_list("Access-Control-Allow-Origin") == ["*"]


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_A52_no_script_of_another_page_calls_pages_or_the_management_api(
    browser: Browser, issuer: Issuer, path: str, method: str
) -> None:
    for client, headers in ((browser.client, {}), (issuer.client, issuer.admin)):
        asked = {"Origin": ORIGIN, "Access-Control-Request-Method": method}
        before = await client.options(path, headers=asked)
        sent = await client.request(method, path, headers={"Origin": ORIGIN, **headers})
        assert before.status_code >= 400
        for answer in (before, sent):
            assert not [name for name in answer.headers if name.startswith("access-control-")], answer.request.url


async def test_I64_options_without_a_question_is_a_wrong_method_as_it_was(issuer: Issuer) -> None:
    assert (await issuer.client.options(f"/{ORG}/token")).status_code == 405
