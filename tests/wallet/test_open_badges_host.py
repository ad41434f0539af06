"""The wallet as Host of the Open Badges API: what connected services find, read and bring. B-40 to B-43, B-52, W-20."""

import json
from datetime import timedelta

import pytest

from kernel.open_badges_api import (
    API_SCOPES,
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    OFFLINE_ACCESS,
    PROFILE_READONLY,
    PROFILE_UPDATE,
    SCOPES,
    parse_credentials_page,
    parse_link_header,
    parse_service_description,
    parse_status_info,
)
from tests.kernel.test_importing import SIGNED_BADGE, badge, sign
from tests.support.documented import documented
from tests.support.simulated_consumer import BASE, SimulatedConsumer

BADGE = json.dumps(SIGNED_BADGE)
NAME = "Problemen oplossen in de praktijk"


@pytest.fixture
async def consumer(house):
    consumer = SimulatedConsumer(house.client(event_hooks={"response": [documented("wallet")]}))
    await consumer.register()
    return consumer


@pytest.fixture
async def browser(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


def numbered(number: int, **changes):
    return json.dumps(sign(badge(id=f"urn:uuid:00000000-0000-4000-8000-{number:012}", **changes)))


async def test_B40_discovery_is_open_and_leads_everywhere(consumer):
    answer = await consumer.call("GET", "/discovery", token="")
    found = parse_service_description(answer.json())
    assert found.registration_url == "https://wallet.example/oauth/register"
    assert found.authorization_url == "https://wallet.example/oauth/authorize"
    assert found.token_url == found.refresh_url == "https://wallet.example/oauth/token"
    assert set(found.scopes) == set(SCOPES)
    for url in (found.privacy_policy_url, found.terms_of_service):
        page = await consumer.http.get(url, headers={"Accept": "text/html"})
        assert "Een dienst verbinden met deze wallet" in page.text


async def test_B42_the_authorization_server_describes_itself(consumer):
    found = (await consumer.http.get("/.well-known/oauth-authorization-server")).json()
    assert found["issuer"] == "https://wallet.example"
    assert found["revocation_endpoint"] == "https://wallet.example/oauth/revoke"
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["response_modes_supported"] == ["query"]


async def test_B52_what_was_brought_is_read_back_as_it_was_signed(consumer, browser):
    await consumer.connect(browser)
    answer = await consumer.bring(BADGE)
    assert (answer.status_code, answer.text) == (201, BADGE)
    read = await consumer.read()
    assert read.headers["X-Total-Count"] == "1"
    assert BADGE.encode() in read.content
    assert parse_credentials_page(read.json()).credentials == (SIGNED_BADGE,)


async def test_W20_its_owner_finds_it_among_her_badges_and_reads_who_brought_it(consumer, browser):
    await consumer.connect(browser)
    await consumer.bring(BADGE)
    home = await browser.get("/badges")
    assert NAME in home.text
    path = home.text.partition('href="/imported/')[2].partition('"')[0]
    page = await browser.get(f"/imported/{path}")
    assert "Deze badge is echt en geldig" in page.text
    assert "portfolio.example" in page.text
    history = (await browser.get("/shared")).text
    assert "Gebracht door" in history
    assert "portfolio.example" in history


async def test_B40_pages_follow_one_another(house, consumer, browser):
    await consumer.connect(browser)
    for number in range(5):
        house.clock.advance(timedelta(seconds=1))
        assert (await consumer.bring(numbered(number))).status_code == 201
    first = await consumer.read(limit=2)
    assert first.headers["X-Total-Count"] == "5"
    seen = [each["id"] for each in first.json()["credential"]]
    links = parse_link_header(first.headers["Link"])
    while "next" in links:
        page = await consumer.http.get(
            links["next"], headers={"Authorization": f"Bearer {consumer.tokens['access_token']}"}
        )
        seen += [each["id"] for each in page.json()["credential"]]
        links = parse_link_header(page.headers["Link"])
    assert seen == [f"urn:uuid:00000000-0000-4000-8000-{number:012}" for number in range(5)]
    assert "prev" in links


async def test_B40_since_leaves_out_what_was_issued_before(consumer, browser):
    await consumer.connect(browser)
    await consumer.bring(numbered(1, validFrom="2026-01-01T00:00:00Z"))
    await consumer.bring(numbered(2, validFrom="2026-02-01T00:00:00Z"))
    read = await consumer.read(since="2026-01-15T00:00:00Z")
    assert [each["validFrom"] for each in read.json()["credential"]] == ["2026-02-01T00:00:00Z"]
    assert read.headers["X-Total-Count"] == "1"


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "x"}, {"offset": "-1"}, {"since": "now"}, {"limit": ["1", "2"]}]
)
async def test_B43_a_page_that_cannot_be_is_refused(consumer, browser, query):
    await consumer.connect(browser)
    answer = await consumer.read(**query)
    assert answer.status_code == 400
    assert parse_status_info(answer.json()).code_minor[0][1] == "invalid_query_parameter"


async def test_B43_a_huge_page_has_a_hundred_at_most(consumer, browser):
    await consumer.connect(browser)
    await consumer.bring(BADGE)
    assert "limit=100" in (await consumer.read(limit=9999999)).headers["Link"]


_CALLS = [
    (CREDENTIAL_READONLY, "GET", "/credentials", {}),
    (CREDENTIAL_UPSERT, "POST", "/credentials", {"content": BADGE, "headers": {"Content-Type": "application/json"}}),
    (PROFILE_READONLY, "GET", "/profile", {}),
    (PROFILE_UPDATE, "PUT", "/profile", {"json": {"type": ["Profile"], "name": "Sanne"}}),
]


@pytest.mark.parametrize(("scope", "method", "path", "more"), _CALLS)
async def test_B41_each_call_needs_its_own_scope(consumer, browser, scope, method, path, more):
    await consumer.connect(browser, [each for each in API_SCOPES if each != scope])
    answer = await consumer.call(method, path, **more)
    assert answer.status_code == 403
    assert parse_status_info(answer.json()).code_minor[0][1] == "forbidden"
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="insufficient_scope"'
    await consumer.connect(browser, [scope, PROFILE_READONLY])
    assert (await consumer.call(method, path, **more)).status_code in (200, 201)


@pytest.mark.parametrize(("scope", "method", "path", "more"), _CALLS)
async def test_B42_no_call_works_without_a_token_or_with_an_invented_one(consumer, scope, method, path, more):
    without = await consumer.call(method, path, token="", **more)
    assert (without.status_code, without.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert parse_status_info(without.json()).code_minor[0][1] == "unauthorizedrequest"
    invented = await consumer.call(method, path, token="a" * 43, **more)
    assert (invented.status_code, invented.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')


async def test_B42_a_token_in_the_address_is_none(consumer, browser):
    tokens = await consumer.connect(browser)
    answer = await consumer.call("GET", "/credentials", token="", params={"access_token": tokens["access_token"]})
    assert answer.status_code == 401


async def test_B42_an_access_token_lives_an_hour(house, consumer, browser):
    tokens = await consumer.connect(browser)
    assert tokens["expires_in"] == 3600
    house.clock.advance(timedelta(seconds=3599))
    assert (await consumer.read()).status_code == 200
    house.clock.advance(timedelta(seconds=2))
    assert (await consumer.read()).status_code == 401


async def test_B40_the_profile_has_one_identifier_and_what_services_wrote(consumer, browser):
    await consumer.connect(browser)
    found = (await consumer.call("GET", "/profile")).json()
    assert found["name"] == "Sanne"
    assert found["id"].startswith("urn:uuid:")
    changed = {**found, "phone": "111-222-3333"}
    answer = await consumer.call("PUT", "/profile", json=changed)
    assert (answer.status_code, answer.json()) == (200, changed)
    assert (await consumer.call("GET", "/profile")).json() == changed
    without_id = {"type": ["Profile"], "name": "S."}
    assert (await consumer.call("PUT", "/profile", json=without_id)).json()["id"] == found["id"]


async def test_B40_the_profile_of_somebody_else_is_not_found(consumer, browser):
    await consumer.connect(browser)
    answer = await consumer.call("PUT", "/profile", json={"id": "urn:uuid:1", "type": ["Profile"]})
    assert answer.status_code == 404
    assert parse_status_info(answer.json()).code_minor[0][1] == "not_found"


@pytest.mark.parametrize(
    "body", ["[]", "{", '{"type": ["Person"]}', json.dumps({"type": ["Profile"], "name": "a" * 65536}), '"x"']
)
async def test_B40_what_is_no_profile_is_refused(consumer, browser, body):
    await consumer.connect(browser)
    answer = await consumer.call("PUT", "/profile", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert parse_status_info(answer.json()).code_minor[0][1] == "invalid_data"


async def test_B40_a_profile_of_another_media_type_is_refused(consumer, browser):
    await consumer.connect(browser)
    answer = await consumer.call("PUT", "/profile", content="{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/credentials"), ("POST", "/profile"), ("PUT", "/discovery"), ("PATCH", "/profile")]
)
async def test_B40_another_method_is_refused_in_the_same_form(consumer, method, path):
    answer = await consumer.call(method, path)
    assert answer.status_code == 405
    assert parse_status_info(answer.json()).code_minor[0][1] == "not_allowed"


async def test_B43_what_is_far_too_large_is_refused_in_the_same_form(consumer, browser):
    await consumer.connect(browser)
    answer = await consumer.bring("a" * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert parse_status_info(answer.json()).code_minor[0][1] == "invalid_data"


async def test_B41_permissions_that_were_switched_off_are_not_granted(consumer, browser):
    tokens = await consumer.connect(browser, [PROFILE_READONLY])
    assert tokens["scope"] == PROFILE_READONLY
    assert "refresh_token" not in tokens
    assert (await consumer.read()).status_code == 403


async def test_B41_offline_access_brings_a_refresh_token(consumer, browser):
    tokens = await consumer.connect(browser, [CREDENTIAL_READONLY, OFFLINE_ACCESS])
    assert tokens["scope"].split() == [CREDENTIAL_READONLY, OFFLINE_ACCESS]
    assert tokens["refresh_token"]


async def test_B40_the_base_path_is_the_specifications():
    assert BASE == "/ims/ob/v3p0"
