"""How a service becomes connected, and stops being so: registration, consent, codes, tokens, revocation. B-41, B-42."""

import json
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from kernel.open_badges_api import (
    CREDENTIAL_READONLY,
    CREDENTIAL_UPSERT,
    OFFLINE_ACCESS,
    PROFILE_READONLY,
    SCOPES,
    ClientCredentials,
)
from tests.support.documented import documented
from tests.support.simulated_consumer import SimulatedConsumer, address_of, answer_of, decide
from tests.wallet.conftest import WALLET, create_house
from wallet.api_clients import REGISTRATIONS_AN_HOUR
from wallet.connections import CONNECTIONS_AT_MOST


@pytest.fixture
async def consumer(house):
    consumer = new_consumer(house)
    await consumer.register()
    return consumer


@pytest.fixture
async def browser(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


def new_consumer(house, host="portfolio.example", **more):
    return SimulatedConsumer(house.client(event_hooks={"response": [documented("wallet")]}, **more), host)


# --- registration


async def test_B42_a_product_registers_and_hears_its_secret_once(house):
    answer = await new_consumer(house).register()
    body = answer.json()
    assert answer.status_code == 201
    assert body["client_secret_expires_at"] == 0
    assert body["client_id_issued_at"] == int(house.clock().timestamp())
    assert body["redirect_uris"] == ["https://portfolio.example/back"]
    assert body["token_endpoint_auth_method"] == "client_secret_basic"
    assert house.transport.requests == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"redirect_uris": ["https://evil.example/back"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://portfolio.example/back"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://portfolio.example/back#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://10.0.0.1/back"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": ...}, "invalid_redirect_uri"),
        (
            {
                "client_uri": "http://localhost/",
                "redirect_uris": ["http://localhost/back"],
                "logo_uri": ...,
                "tos_uri": ...,
                "policy_uri": ...,
            },
            "invalid_redirect_uri",
        ),
        ({"logo_uri": "https://evil.example/logo.png"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "none"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"scope": "openid"}, "invalid_client_metadata"),
        ({"client_name": ...}, "invalid_client_metadata"),
        ({"client_name": "a" * 20_000}, "invalid_client_metadata"),
    ],
)
async def test_B42_a_registration_that_is_not_as_it_must_be_is_refused(house, change, error):
    answer = await new_consumer(house).register(**change)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize("body", ["", "[]", "{", '{"client_name": "a", "client_name": "b"}'])
async def test_B42_what_is_no_registration_is_refused(house, body):
    answer = await house.client().post("/oauth/register", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


async def test_B42_a_registration_is_json(house):
    answer = await house.client().post("/oauth/register", data={"client_name": "a"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


async def test_B42_one_source_registers_so_often_and_no_more(house):
    consumer = new_consumer(house, source="198.51.100.7")
    for _ in range(REGISTRATIONS_AN_HOUR):
        assert (await consumer.register()).status_code == 201
    answer = await consumer.register()
    assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
    assert (await new_consumer(house, source="198.51.100.8").register()).status_code == 201
    house.clock.advance(timedelta(hours=1, seconds=1))
    assert (await consumer.register()).status_code == 201


async def test_B42_a_registration_that_nobody_connected_is_forgotten(house, browser):
    unused, used = new_consumer(house), new_consumer(house)
    await unused.register()
    await used.register()
    await used.connect(browser)
    house.clock.advance(timedelta(days=1, seconds=1))
    await new_consumer(house).register()
    assert (await used.refresh()).status_code == 200
    assert (await browser.get(unused.ask())).status_code == 400
    assert "Deze dienst kennen we niet" in browser.page


# --- the question, and the answer


async def test_B42_the_page_says_who_asks_by_its_host_and_what_it_may_do(consumer, browser):
    page = (await browser.get(consumer.ask())).text
    heading = page.partition("<h1>")[2].partition("</h1>")[0]
    assert "portfolio.example" in heading
    assert "Mijn portfolio" not in heading
    assert "De dienst noemt zich" in page
    for text in ("Je badges lezen", "Badges in je wallet zetten", "Je profiel lezen", "Je profiel veranderen"):
        assert text in page
    assert page.count('type="checkbox"') == len(SCOPES)


async def test_B42_the_page_speaks_english_too(house, consumer):
    browser = house.new_browser("en")
    await browser.sign_up("Anna")
    assert "wants to connect to your wallet" in (await browser.get(consumer.ask())).text


async def test_B42_the_page_says_which_badges_they_will_not_get(house, consumer, browser):
    """An SD-JWT VC has no form that the API can express."""
    await browser.get("/scan")
    offered = await browser.follow(await browser.post("/scan", link=house.issuer.offer_link()))
    await browser.post(f"{offered.url.path}/accept")
    await browser.get(consumer.ask([CREDENTIAL_READONLY]))
    assert "Niet:" in browser.page or "Nu 1 badge:" in browser.page


async def test_B42_who_is_not_signed_in_signs_in_first_and_comes_back(house, consumer):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    await browser.get("/me")
    await browser.post("/sign-out")
    page = await browser.get(consumer.ask())
    assert "Inloggen" in page.text
    assert unescape(page.text.partition('name="next" value="')[2].partition('"')[0]) == consumer.ask()


async def test_B42_the_answer_has_code_scope_state_and_issuer(consumer, browser):
    brought = await consumer.be_let_in(browser, [CREDENTIAL_READONLY, OFFLINE_ACCESS])
    assert brought.keys() == {"code", "scope", "state", "iss"}
    assert brought["scope"] == f"{CREDENTIAL_READONLY} {OFFLINE_ACCESS}"
    assert brought["state"] == "a-state-of-this-person"
    assert brought["iss"] == WALLET


async def test_B42_saying_no_tells_the_service_so_and_nothing_else(consumer, browser):
    await browser.get(consumer.ask())
    answer = await decide(browser, SCOPES, "no")
    assert address_of(answer).startswith("https://portfolio.example/back?")
    assert answer_of(answer) == {"error": "access_denied", "state": "a-state-of-this-person", "iss": WALLET}


async def test_B42_nothing_ticked_is_no_answer(consumer, browser):
    for chosen in ([], [OFFLINE_ACCESS]):
        await browser.get(consumer.ask())
        answer = await decide(browser, chosen)
        assert answer.status_code == 400
        assert "Er is niets aangevinkt" in answer.text


async def test_B42_nobody_is_granted_what_was_not_asked_for(consumer, browser):
    await browser.get(consumer.ask([CREDENTIAL_READONLY]))
    assert answer_of(await decide(browser, SCOPES))["scope"] == CREDENTIAL_READONLY


async def test_B42_nobody_asks_for_more_than_was_registered(house, browser):
    consumer = new_consumer(house)
    await consumer.register(scope=PROFILE_READONLY)
    assert (await consumer.be_let_in(browser))["scope"] == PROFILE_READONLY


@pytest.mark.parametrize(
    "change", [{"redirect_uri": "https://portfolio.example/back?x=1"}, {"redirect_uri": "https://evil.example/back"}]
)
async def test_B42_nobody_is_sent_to_an_address_that_was_not_registered(consumer, browser, change):
    page = await browser.get(consumer.ask(**change))
    assert page.status_code == 400
    assert "Hier sturen we je niet heen" in page.text
    assert change["redirect_uri"] not in unescape(page.text)


async def test_B42_an_address_that_is_there_twice_is_none(consumer, browser):
    page = await browser.get(f"{consumer.ask()}&redirect_uri=https://evil.example/back")
    assert page.status_code == 400
    assert "Hier sturen we je niet heen" in page.text


async def test_B42_a_service_that_nobody_knows_is_not_connected(consumer, browser):
    page = await browser.get(consumer.ask(client_id="somebody"))
    assert page.status_code == 400
    assert "Deze dienst kennen we niet" in page.text


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"state": ...}, "invalid_request"),
        ({"code_challenge": ...}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ...}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": OFFLINE_ACCESS}, "invalid_scope"),
    ],
)
async def test_B42_a_wrong_question_is_told_to_the_service_only_if_the_person_goes_back(
    consumer, browser, change, error
):
    page = await browser.get(consumer.ask(**change))
    assert page.status_code == 400
    assert "location" not in page.headers
    assert 'http-equiv="refresh"' not in page.text
    link = unescape(page.text.partition('<a class="button main" href="')[2].partition('"')[0])
    assert link.startswith("https://portfolio.example/back?")
    assert dict(parse_qsl(urlsplit(link).query))["error"] == error


async def test_A52_the_answer_cannot_be_given_from_elsewhere(consumer, browser):
    await browser.get(consumer.ask())
    browser.page = browser.page.replace('name="csrf_token"', 'name="x"')
    assert (await decide(browser, SCOPES)).status_code == 403


async def test_B42_a_changed_form_is_judged_like_the_question(consumer, browser):
    await browser.get(consumer.ask())
    evil = urlsplit(consumer.ask(redirect_uri="https://evil.example/back")).query
    answer = await browser.post("/oauth/authorize", request=evil, decision="yes", scope=list(SCOPES))
    assert "Hier sturen we je niet heen" in answer.text


async def test_B42_a_wallet_bears_so_many_connections(consumer, browser):
    for _ in range(CONNECTIONS_AT_MOST):
        await consumer.be_let_in(browser)
    await browser.get(consumer.ask())
    answer = await decide(browser, SCOPES)
    assert answer.status_code == 409
    assert "Er zijn al te veel diensten verbonden" in answer.text


# --- codes and tokens


async def test_B42_a_code_works_once_and_its_second_use_ends_the_connection(consumer, browser):
    code = (await consumer.be_let_in(browser))["code"]
    consumer.tokens = (await consumer.redeem(code)).json()
    again = await consumer.redeem(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await consumer.read()).status_code == 401
    assert (await consumer.refresh()).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code_verifier": "a" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": ...}, "invalid_request"),
        ({"redirect_uri": "https://portfolio.example/other"}, "invalid_grant"),
        ({"redirect_uri": ...}, "invalid_request"),
        ({"code": "a" * 43}, "invalid_grant"),
        ({"code": ...}, "invalid_request"),
        ({"client_id": "somebody"}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ...}, "invalid_request"),
        (
            {"grant_type": "urn:ietf:params:oauth:grant-type:pre-authorized_code", "pre-authorized_code": "x"},
            "unsupported_grant_type",
        ),
    ],
)
async def test_B42_a_code_is_worth_nothing_without_all_that_belongs_to_it(consumer, browser, change, error):
    code = (await consumer.be_let_in(browser))["code"]
    answer = await consumer.redeem(code, **change)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await consumer.redeem(code)).status_code == 200


async def test_B42_a_code_lives_two_minutes(house, consumer, browser):
    code = (await consumer.be_let_in(browser))["code"]
    house.clock.advance(timedelta(minutes=2))
    assert (await consumer.redeem(code)).json()["error"] == "invalid_grant"


async def test_B42_a_client_shows_its_secret_and_in_one_way_only(consumer, browser):
    code = (await consumer.be_let_in(browser))["code"]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": consumer.redirect_uri,
        "code_verifier": consumer.verifier,
        "client_id": consumer.client_id,
        "client_secret": consumer.client_secret,
    }
    wrong = [
        "",
        ClientCredentials(consumer.client_id, "wrong").as_header(),
        ClientCredentials("somebody", consumer.client_secret).as_header(),
        f"Bearer {consumer.client_secret}",
    ]
    for authorization in wrong:
        answer = await consumer.post_form("/oauth/token", form, authorization=authorization)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
    assert (await consumer.redeem(code)).status_code == 200


async def test_B42_another_clients_code_is_worth_nothing_and_ends_nothing(house, consumer, browser):
    other = new_consumer(house, "evil.example")
    await other.register()
    code = (await consumer.be_let_in(browser))["code"]
    other.verifier = consumer.verifier
    assert (await other.redeem(code, redirect_uri=consumer.redirect_uri)).json()["error"] == "invalid_grant"
    consumer.tokens = (await consumer.redeem(code)).json()
    assert (await other.refresh(consumer.tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await consumer.refresh()).status_code == 200


async def test_B42_a_form_has_each_parameter_once(consumer):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in ("grant_type=refresh_token&grant_type=refresh_token", "a=%00", "x=" + "a" * 20_000):
        answer = await consumer.http.post("/oauth/token", content=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = await consumer.http.post("/oauth/token", json={"grant_type": "refresh_token"})
    assert answer.json()["error"] == "invalid_request"


async def test_B42_a_refresh_token_is_replaced_by_each_use(consumer, browser):
    tokens = await consumer.connect(browser)
    answer = await consumer.refresh()
    assert answer.json()["refresh_token"] != tokens["refresh_token"]
    assert answer.json()["scope"] == tokens["scope"]
    consumer.tokens = answer.json()
    assert (await consumer.read()).status_code == 200
    assert (await consumer.refresh()).status_code == 200


async def test_B42_a_refresh_token_that_comes_back_ends_everything(consumer, browser):
    first = await consumer.connect(browser)
    consumer.tokens = (await consumer.refresh()).json()
    assert (await consumer.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await consumer.read()).status_code == 401
    assert (await consumer.call("GET", "/credentials", token=first["access_token"])).status_code == 401
    assert (await consumer.refresh()).json()["error"] == "invalid_grant"
    assert "portfolio.example" not in (await browser.get("/connections")).text


async def test_B42_fewer_permissions_can_be_asked_for_and_never_more(consumer, browser):
    await consumer.connect(browser, [CREDENTIAL_READONLY, PROFILE_READONLY, OFFLINE_ACCESS])
    more = await consumer.refresh(scope=f"{CREDENTIAL_READONLY} {CREDENTIAL_UPSERT}")
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")
    assert (await consumer.refresh(scope="openid")).json()["error"] == "invalid_scope"
    less = (await consumer.refresh(scope=PROFILE_READONLY)).json()
    assert less["scope"] == PROFILE_READONLY
    consumer.tokens = less
    assert (await consumer.read()).status_code == 403
    assert (await consumer.call("GET", "/profile")).status_code == 200
    consumer.tokens = (await consumer.refresh()).json()
    assert (await consumer.read()).status_code == 200


async def test_B42_a_connection_that_nobody_uses_ends_by_itself(house, consumer, browser):
    await consumer.connect(browser)
    house.clock.advance(house.settings.connection_lifetime)
    assert (await consumer.refresh()).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_B42_tokens_open_only_what_they_are_for(consumer, browser, kind):
    """A refresh token is no access token, and the other way round."""
    tokens = await consumer.connect(browser)
    if kind == "access_token":
        assert (await consumer.refresh(tokens["access_token"])).json()["error"] == "invalid_grant"
    else:
        assert (await consumer.call("GET", "/credentials", token=tokens["refresh_token"])).status_code == 401


# --- the end


async def test_B42_revoking_an_access_token_ends_that_alone(consumer, browser):
    tokens = await consumer.connect(browser)
    assert (await consumer.revoke(tokens["access_token"], token_type_hint="access_token")).status_code == 200
    assert (await consumer.read()).status_code == 401
    assert (await consumer.refresh()).status_code == 200


async def test_B42_revoking_a_refresh_token_ends_the_connection(consumer, browser):
    tokens = await consumer.connect(browser)
    assert (await consumer.revoke(tokens["refresh_token"], token_type_hint="access_token")).status_code == 200
    assert (await consumer.read()).status_code == 401
    assert (await consumer.refresh()).json()["error"] == "invalid_grant"
    assert "portfolio.example" not in (await browser.get("/connections")).text


async def test_B42_revoking_what_is_unknown_or_anothers_does_nothing(house, consumer, browser):
    other = new_consumer(house, "evil.example")
    await other.register()
    tokens = await consumer.connect(browser)
    for token in ("a" * 43, tokens["refresh_token"], tokens["access_token"]):
        assert (await other.revoke(token)).status_code == 200
    assert (await consumer.read()).status_code == 200
    assert (await consumer.refresh()).status_code == 200


async def test_B42_only_a_client_revokes_and_says_what(consumer):
    answer = await consumer.post_form("/oauth/revoke", {"token": "x"}, authorization="")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await consumer.post_form("/oauth/revoke", {"x": "y"})).json()["error"] == "invalid_request"


async def test_B42_its_owner_sees_each_connection_and_ends_it(house, consumer, browser):
    await consumer.connect(browser, [CREDENTIAL_READONLY, OFFLINE_ACCESS])
    page = (await browser.get("/connections")).text
    assert "portfolio.example" in page
    assert "Je badges lezen" in page
    assert "Badges in je wallet zetten" not in page
    path = "/connections/" + page.partition('action="/connections/')[2].partition('"')[0]
    assert (await browser.post(path)).status_code == 303
    assert "Er is geen enkele dienst verbonden" in (await browser.get("/connections")).text
    assert (await consumer.read()).status_code == 401
    assert (await consumer.refresh()).json()["error"] == "invalid_grant"


async def test_A52_nobody_sees_or_ends_the_connection_of_another(house, consumer, browser):
    await consumer.connect(browser)
    page = (await browser.get("/connections")).text
    path = "/connections/" + page.partition('action="/connections/')[2].partition('"')[0]
    stranger = house.new_browser()
    await stranger.sign_up("Kim")
    assert "portfolio.example" not in (await stranger.get("/connections")).text
    assert (await stranger.post(path)).status_code == 404
    assert (await consumer.read()).status_code == 200


async def test_B42_programs_of_its_owner_list_and_end_connections_too(house, consumer):
    holder = await house.new_holder("Sanne")
    browser = house.new_browser()
    await browser.get("/sign-in")
    await browser.post("/sign-in", name="Sanne", passphrase=holder.passphrase)
    await consumer.connect(browser, [PROFILE_READONLY])
    [found] = (await holder.call("GET", "/connections")).json()["connections"]
    assert (found["host"], found["name"], found["scopes"]) == (
        "portfolio.example",
        "Mijn portfolio",
        [PROFILE_READONLY],
    )
    exported = (await holder.call("GET", "/export")).json()
    assert exported["connections"] == [found]
    assert exported["profile"]["name"] == "Sanne"
    assert (await holder.call("DELETE", f"/connections/{found['id']}")).status_code == 204
    assert (await holder.call("DELETE", f"/connections/{found['id']}")).status_code == 404
    assert (await consumer.call("GET", "/profile")).status_code == 401


async def test_B40_the_profile_can_be_begun_anew_by_its_owner(consumer, browser):
    await consumer.connect(browser)
    profile = (await consumer.call("GET", "/profile")).json()
    await consumer.call("PUT", "/profile", json={**profile, "email": "sanne@portfolio.example"})
    page = (await browser.get("/connections")).text
    assert "sanne@portfolio.example" in page
    assert (await browser.post("/connections/profile", name="  Sanne   V. ")).status_code == 303
    assert (await consumer.call("GET", "/profile")).json() == {**profile, "name": "Sanne V."}
    assert (await browser.post("/connections/profile", name=" ")).status_code == 400
    assert "Deze naam kan niet" in browser.page


async def test_W30_everything_goes_with_the_account(house, consumer, browser):
    await consumer.connect(browser)
    await browser.get("/me/erase")
    await browser.post("/me/erase", passphrase="paard batterij nietje juist")
    assert (await consumer.read()).status_code == 401
    assert (await consumer.refresh()).json()["error"] == "invalid_grant"


async def test_B42_a_product_on_this_machine_is_registered_where_that_was_named(new_sqlite_database, tmp_path):
    house = create_house(
        new_sqlite_database("wallet"),
        tmp_path,
        allow_http_for_local_development=True,
        local_hosts=frozenset({"localhost:8000"}),
    )
    local = {
        "client_uri": "http://localhost:8000/",
        "redirect_uris": ["http://localhost:8000/back"],
        "logo_uri": ...,
        "tos_uri": ...,
        "policy_uri": ...,
    }
    answer = await new_consumer(house).register(**local)
    assert answer.status_code == 201, answer.text
    assert json.loads(answer.text)["redirect_uris"] == ["http://localhost:8000/back"]
    await house.close()
