"""The authorization code flow: pushed, opened, signed in, agreed to, redeemed; and every way to be refused."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update

from issuer.housekeeping import clean_up
from issuer.models import AccessToken, Authorization, Award, RefreshToken, SignInLink
from kernel.openid4vci import AUTHORIZATION_CODE_GRANT, PRE_AUTHORIZED_CODE_GRANT, parse_token_response
from tests.issuer.code_flow import REDIRECT, CodeFlow, answer, details
from tests.issuer.conftest import (
    IDENTIFIER,
    OPEN_BADGE_JWT,
    ORG,
    SANNE,
    SD_JWT,
    VCDM,
    Issuer,
    from_wire,
    recipient,
)

EIGHT = range(8)


# The way that works


async def test_I21_I26_a_badge_is_fetched_by_signing_in_and_agreeing(any_issuer: Issuer) -> None:
    """Mirrors VCIIssuerHappyFlow with the authorization code grant, started by the wallet."""
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    await issuer.award()
    page = await flow.begin()
    assert "Laat zien dat jij het bent" in page.text
    consent = await flow.sign_in()
    assert "Adviseur Lerende Regio" in consent.text
    assert "Sanne de Vries" in consent.text
    given = await flow.agree()
    assert (given["state"], given["iss"]) == ("af0ifjsldkj", IDENTIFIER)
    response = await flow.exchange(given["code"])
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    token = parse_token_response(response.json())
    assert (token.token_type, token.expires_in) == ("Bearer", timedelta(minutes=5))
    assert (token.authorization_details, token.refresh_token) == ((), None)
    issued = await issuer.request(token.access_token, [await issuer.proof()])
    assert issued.status_code == 200, issued.text
    assert await issuer.verify(from_wire(issued.json()["credentials"][0]["credential"]))


async def test_I23_I29_details_come_back_with_an_identifier_for_each(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    code = await flow.authorize(scope=None, authorization_details=details(SD_JWT, VCDM))
    token = parse_token_response((await flow.exchange(code)).json())
    granted = {detail.credential_configuration_id: detail for detail in token.authorization_details}
    assert granted.keys() == {SD_JWT, VCDM}
    [identifier] = granted[VCDM].credential_identifiers
    body = {"credential_identifier": identifier, "proofs": {"jwt": [await issuer.proof()]}}
    assert (await issuer.post_credential(token.access_token, body)).status_code == 200


async def test_I23_fewer_configurations_may_be_asked_for_at_the_token_endpoint(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    code = await flow.authorize(scope=None, authorization_details=details(SD_JWT, VCDM))
    refused = await flow.exchange(code, authorization_details=details(OPEN_BADGE_JWT))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_authorization_details")
    token = parse_token_response((await flow.exchange(code, authorization_details=details(VCDM))).json())
    assert [detail.credential_configuration_id for detail in token.authorization_details] == [VCDM]


async def test_I24_details_win_over_a_scope_for_the_same_and_unknown_scopes_count_for_nothing(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    code = await flow.authorize(
        scope=f"openid {SD_JWT} iets-anders", authorization_details=details(SD_JWT), resource=IDENTIFIER
    )
    token = parse_token_response((await flow.exchange(code)).json())
    assert [detail.credential_configuration_id for detail in token.authorization_details] == [SD_JWT]


async def test_I24_I34_a_scope_covers_its_own_configuration_only(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    token = parse_token_response((await flow.exchange(await flow.authorize())).json())
    refused = await issuer.request(token.access_token, [await issuer.proof()], configuration=VCDM)
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    assert refused.headers["www-authenticate"] == 'Bearer error="insufficient_scope", DPoP algs="ES256"'


async def test_I29_two_awards_of_one_badge_are_told_apart_by_identifiers(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    first, second = await issuer.award(), await issuer.award()
    page = await flow.begin()
    page = await flow.sign_in()
    assert page.text.count('type="checkbox"') == 2
    given = await flow.agree(award=[first["id"], second["id"]])
    token = parse_token_response((await flow.exchange(given["code"])).json())
    [detail] = token.authorization_details
    assert len(detail.credential_identifiers) == 2
    for identifier in detail.credential_identifiers:
        body = {"credential_identifier": identifier, "proofs": {"jwt": [await issuer.proof()]}}
        assert (await issuer.post_credential(token.access_token, body)).status_code == 200
    states = [(await issuer.get_award(award["id"]))["state"] for award in (first, second)]
    assert states == ["issued", "issued"]


async def test_I29_only_the_award_that_was_chosen_is_granted(issuer: Issuer) -> None:
    first, second = await issuer.award(), await issuer.award()
    flow = CodeFlow.start(issuer)
    await flow.begin()
    await flow.sign_in()
    assert "Kies minstens één badge" in (await flow.submit("/agree")).text
    given = await flow.agree(award=second["id"])
    token = parse_token_response((await flow.exchange(given["code"])).json())
    await issuer.request(token.access_token, [await issuer.proof()])
    assert (await issuer.get_award(first["id"]))["state"] == "offered"
    assert (await issuer.get_award(second["id"]))["state"] == "issued"


async def test_I02_I05_an_offer_has_both_grants_and_either_uses_it_up(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    award = await issuer.award()
    offer = await issuer.offer(award)
    state = offer["grants"][AUTHORIZATION_CODE_GRANT]["issuer_state"]
    pre_authorized = await issuer.code(award)
    code = await flow.authorize(issuer_state=state)
    assert (await flow.exchange(code)).status_code == 200
    refused = await issuer.post_token(pre_authorized, award["offer"]["tx_code"])
    assert refused.json()["error"] == "invalid_grant"
    assert (await issuer.client.get(award["offer"]["credential_offer_uri"])).status_code == 404


async def test_I68_a_badge_is_fetched_once_more_by_signing_in_again(issuer: Issuer) -> None:
    await issuer.award()
    for _ in range(2):
        flow = CodeFlow.start(issuer)
        token = parse_token_response((await flow.exchange(await flow.authorize())).json())
        assert (await issuer.request(token.access_token, [await issuer.proof()])).status_code == 200


async def test_I26_whoever_says_no_sends_the_wallet_away_with_access_denied(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    await flow.begin()
    page = await flow.sign_in()
    given = answer(await flow.submit("/refuse"))
    assert given == {"error": "access_denied", "state": "af0ifjsldkj", "iss": IDENTIFIER}
    assert (await flow.browser.get(str(page.request.url))).status_code == 400


# What is pushed


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_mode": "form_post"}, "invalid_request"),
        ({"client_id": None}, "invalid_request"),
        ({"client_id": "x" * 3000}, "invalid_request"),
        ({"client_id": "a\x00"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "http://wallet.example/cb"}, "invalid_request"),
        ({"redirect_uri": "javascript:alert(1)"}, "invalid_request"),
        ({"redirect_uri": "http://localhost/cb"}, "invalid_request"),
        ({"redirect_uri": "wallet://cb"}, "invalid_request"),
        ({"redirect_uri": f"{REDIRECT}#fragment"}, "invalid_request"),
        ({"redirect_uri": "https://a@wallet.example/cb"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": "a  b"}, "invalid_request"),
        ({"authorization_details": "["}, "invalid_authorization_details"),
        ({"authorization_details": details("ander.dc-sd-jwt")}, "invalid_authorization_details"),
        ({"authorization_details": details(SD_JWT)[:-2] + ',"locations":["https://ander.example"]}]'},
         "invalid_authorization_details"),
        ({"resource": "https://ander.example"}, "invalid_target"),
        ({"dpop_jkt": "short"}, "invalid_request"),
    ],
)  # fmt: skip
async def test_I21_I22_I23_I24_A28_a_request_with_one_thing_wrong_is_not_taken(
    issuer: Issuer, change: dict[str, str | None], error: str
) -> None:
    response = await CodeFlow.start(issuer).push(**change)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert response.headers["cache-control"] == "no-store"


async def test_I21_a_parameter_that_is_there_twice_is_refused(issuer: Issuer) -> None:
    flow = CodeFlow.start(issuer)
    content = "&".join(f"{name}={value}" for name, value in [*flow.form().items(), ("state", "b")])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await issuer.client.post(f"/{ORG}/par", content=content, headers=headers)
    assert response.json()["error"] == "invalid_request"


@pytest.mark.parametrize("times", [1, 2, 5])
async def test_I24_the_issuer_may_be_named_more_than_once_as_the_resource(issuer: Issuer, times: int) -> None:
    """RFC 8707 §2."""
    flow = CodeFlow.start(issuer)
    pushed = await issuer.client.post(f"/{ORG}/par", data={**flow.form(), "resource": [IDENTIFIER] * times})
    assert pushed.status_code == 201, pushed.text
    award = await issuer.award()
    redeemed = {"grant_type": PRE_AUTHORIZED_CODE_GRANT, "pre-authorized_code": await issuer.code(award)}
    form = {**redeemed, "tx_code": award["offer"]["tx_code"], "resource": [IDENTIFIER] * times}
    assert (await issuer.client.post(f"/{ORG}/token", data=form)).status_code == 200


@pytest.mark.parametrize(
    "other", ["https://ander.example", f"{IDENTIFIER}/", f"{IDENTIFIER}#x", "issuer", "urn:x", "https://issuer.example"]
)
@pytest.mark.parametrize("is_alone", [True, False])
async def test_I24_another_resource_is_refused_even_beside_the_issuer_and_spends_nothing(
    issuer: Issuer, other: str, is_alone: bool
) -> None:
    """RFC 8707 §2: `invalid_target` for what is invalid, unknown or malformed."""
    resources = [other] if is_alone else [IDENTIFIER, other]
    flow, award = CodeFlow.start(issuer), await issuer.award()
    redeemed = {"grant_type": PRE_AUTHORIZED_CODE_GRANT, "pre-authorized_code": await issuer.code(award)}
    token_form = {**redeemed, "tx_code": award["offer"]["tx_code"]}
    for endpoint, form in (("par", flow.form()), ("token", token_form)):
        refused = await issuer.client.post(f"/{ORG}/{endpoint}", data={**form, "resource": resources})
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_target")
    assert (await issuer.client.post(f"/{ORG}/token", data=token_form)).status_code == 200


@pytest.mark.parametrize(
    "name", ["state", "authorization_details", "issuer_state", "resource", "dpop_jkt", "request", "x"]
)
async def test_I21_a_parameter_without_a_value_counts_as_left_out(issuer: Issuer, name: str) -> None:
    """RFC 6749 §3.1."""
    assert (await CodeFlow.start(issuer).push(**{name: ""})).status_code == 201


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "code_challenge", "response_type", "scope"])
async def test_I21_a_parameter_that_is_needed_and_has_no_value_is_missing(issuer: Issuer, name: str) -> None:
    assert (await CodeFlow.start(issuer).push(**{name: ""})).status_code == 400


@pytest.mark.parametrize(
    "redirect_uri", ["nl.wallet.app:/cb", "nl.wallet.app://cb?x=1", "https://wallet.example:8443/cb"]
)
async def test_I21_wallet_apps_come_back_by_their_own_scheme(issuer: Issuer, redirect_uri: str) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    await flow.begin(redirect_uri=redirect_uri)
    page = await flow.sign_in()
    scheme = urlsplit(redirect_uri).scheme
    assert f"form-action 'self' {scheme}:;" in page.headers["content-security-policy"]
    sent = await flow.submit("/agree")
    assert sent.headers["location"].startswith(redirect_uri + ("&" if "?" in redirect_uri else "?") + "code=")


async def test_I21_the_answer_to_a_pushed_request_is_created_and_short_lived(issuer: Issuer) -> None:
    response = await CodeFlow.start(issuer).push()
    assert response.status_code == 201
    assert response.json()["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert response.json()["expires_in"] == 60


# What is opened


async def is_refused(flow: CodeFlow, request_uri: str, **more: str) -> bool:
    """Whether the browser is told on our own page, and sent nowhere."""
    response = await flow.open(request_uri, **more)
    return response.status_code == 400 and "Begin opnieuw in je wallet" in response.text


async def test_I21_A28_request_uri_is_used_once(issuer: Issuer) -> None:
    flow = CodeFlow.start(issuer)
    request_uri = (await flow.push()).json()["request_uri"]
    assert not await is_refused(flow, request_uri)
    assert await is_refused(flow, request_uri)
    assert await is_refused(CodeFlow.start(issuer), request_uri)


async def test_I21_A28_a_request_uri_of_another_client_is_refused_and_not_spoilt(issuer: Issuer) -> None:
    flow = CodeFlow.start(issuer)
    request_uri = (await flow.push()).json()["request_uri"]
    assert await is_refused(flow, request_uri, client_id="https://ander.example")
    assert not await is_refused(flow, request_uri)


async def test_I21_A28_a_request_uri_of_another_organisation_is_refused(issuer: Issuer) -> None:
    await issuer.add_organisation("ander")
    flow = CodeFlow.start(issuer)
    request_uri = (await flow.push()).json()["request_uri"]
    assert await is_refused(flow, request_uri, org="ander")


async def test_I21_a_request_uri_lives_a_minute(issuer: Issuer) -> None:
    flow = CodeFlow.start(issuer)
    request_uri = (await flow.push()).json()["request_uri"]
    issuer.clock.advance(timedelta(seconds=60))
    assert await is_refused(flow, request_uri)


async def test_I21_A28_a_request_that_was_not_pushed_is_refused_and_goes_nowhere(issuer: Issuer) -> None:
    flow = CodeFlow.start(issuer)
    response = await flow.browser.get(f"/{ORG}/authorize", params=flow.form())
    assert response.status_code == 400
    assert "location" not in response.headers
    assert await is_refused(flow, "https://ander.example/request")


async def test_I21_A28_of_eight_browsers_with_one_request_uri_one_goes_on(any_issuer: Issuer) -> None:
    request_uri = (await CodeFlow.start(any_issuer).push()).json()["request_uri"]
    flows = [CodeFlow.start(any_issuer) for _ in EIGHT]
    responses = await asyncio.gather(*[flow.open(request_uri) for flow in flows])
    assert sorted(response.status_code for response in responses) == [200] + [400] * 7


async def test_A52_the_pages_of_one_browser_are_closed_to_another(issuer: Issuer) -> None:
    await issuer.award()
    flow, other = CodeFlow.start(issuer), CodeFlow.start(issuer)
    await flow.begin()
    page = await flow.sign_in()
    url = str(page.request.url)
    assert (await other.browser.get(url)).status_code == 400
    await other.begin()
    assert (await other.browser.get(url)).status_code == 400
    cookie = next(name for name in flow.browser.cookies if name.endswith("issuer-authorization"))
    assert cookie.startswith("__Host-")
    assert page.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


async def test_A52_agreeing_needs_a_form_of_our_own(issuer: Issuer) -> None:
    award = await issuer.award()
    flow = CodeFlow.start(issuer)
    await flow.begin()
    page = await flow.sign_in()
    response = await flow.browser.post(f"{page.request.url}/agree", data={"award": award["id"]})
    assert response.status_code == 403


async def test_A36_the_browsers_secret_changes_when_somebody_signs_in(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    await flow.begin()
    planted = {name: value for name, value in flow.browser.cookies.items() if "authorization" in name}
    page = await flow.sign_in()
    thief = CodeFlow.start(issuer)
    for name, value in planted.items():
        thief.browser.cookies.set(name, value)
    assert (await thief.browser.get(str(page.request.url))).status_code == 400


async def test_I26_an_authorization_that_takes_too_long_is_over(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    await flow.begin()
    page = await flow.sign_in()
    issuer.clock.advance(timedelta(minutes=30))
    assert (await flow.browser.get(str(page.request.url))).status_code == 400


# Whose badge it is


async def test_I25_A29_an_invitation_for_somebody_else_gives_nothing(issuer: Issuer) -> None:
    mallory = await issuer.award(recipients=[recipient(given_name="Mallory", email="mallory@student.example")])
    await issuer.award()
    state = (await issuer.offer(mallory))["grants"][AUTHORIZATION_CODE_GRANT]["issuer_state"]
    flow = CodeFlow.start(issuer)
    await flow.begin(issuer_state=state)
    page = await flow.sign_in()
    assert "Deze uitnodiging is niet voor jou" in page.text
    assert "Mallory" not in page.text
    assert answer(await flow.submit("/refuse"))["error"] == "access_denied"


async def test_I25_A29_an_invitation_picks_out_its_award_and_no_other(issuer: Issuer) -> None:
    first, second = await issuer.award(), await issuer.award()
    state = (await issuer.offer(second))["grants"][AUTHORIZATION_CODE_GRANT]["issuer_state"]
    flow = CodeFlow.start(issuer)
    await flow.begin(issuer_state=state)
    page = await flow.sign_in()
    assert first["id"] not in page.text
    assert second["id"] in page.text
    refused = await flow.submit("/agree", award=first["id"])
    assert "Kies minstens één badge" in refused.text


@pytest.mark.parametrize("state", ["unknown", "spent", "foreign"])
async def test_I25_an_invitation_that_is_over_gives_nothing(issuer: Issuer, state: str) -> None:
    award = await issuer.award()
    given = (await issuer.offer(award))["grants"][AUTHORIZATION_CODE_GRANT]["issuer_state"]
    if state == "spent":
        await issuer.redeem(award)
    if state == "foreign":
        await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/offer", json={})
    flow = CodeFlow.start(issuer)
    await flow.begin(issuer_state="onbekend" if state == "unknown" else given)
    assert "Deze uitnodiging is niet voor jou" in (await flow.sign_in()).text


@pytest.mark.parametrize("change", ["revoke", "suspend", "drop-claims"])
async def test_I25_what_was_withdrawn_is_not_offered(issuer: Issuer, change: str) -> None:
    award = await issuer.award()
    await issuer.award(recipients=[recipient(email="ander@student.example")])
    flow = CodeFlow.start(issuer)
    await flow.begin()
    page = await flow.sign_in()
    assert award["id"] in page.text
    await issuer.change(award["id"], change)
    assert "Er staat geen badge voor je klaar" in (await flow.browser.get(str(page.request.url))).text


async def test_A52_an_award_of_somebody_else_cannot_be_agreed_to(issuer: Issuer) -> None:
    await issuer.award()
    other = await issuer.award(recipients=[recipient(email="ander@student.example")])
    flow = CodeFlow.start(issuer)
    await flow.begin()
    await flow.sign_in()
    assert "Kies minstens één badge" in (await flow.submit("/agree", award=other["id"])).text


# The code


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"code": "onbekend"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"redirect_uri": f"{REDIRECT}/"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"code_verifier": "a" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"client_id": "https://ander.example"}, "invalid_grant"),
        ({"client_id": None}, "invalid_grant"),
    ],
)
async def test_I22_I26_A28_A57_a_code_in_other_hands_is_refused_and_not_spent(
    issuer: Issuer, change: dict[str, str | None], error: str
) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    code = await flow.authorize()
    response = await flow.exchange(**{"code": code, **change})
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert (await flow.exchange(code)).status_code == 200


async def test_I26_A28_a_code_that_comes_back_revokes_what_it_bought(any_issuer: Issuer) -> None:
    """Mirrors the code-reuse module of FAPI 2.0."""
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    await issuer.award()
    code = await flow.authorize()
    token = (await flow.exchange(code)).json()["access_token"]
    refused = await flow.exchange(code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (await issuer.request(token, [await issuer.proof()])).status_code == 401


async def test_I26_a_code_lives_a_minute(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    code = await flow.authorize()
    issuer.clock.advance(timedelta(seconds=60))
    assert (await flow.exchange(code)).json()["error"] == "invalid_grant"


async def test_I26_a_code_of_another_organisation_is_unknown(issuer: Issuer) -> None:
    await issuer.add_organisation("ander")
    await issuer.award()
    flow = CodeFlow.start(issuer)
    code = await flow.authorize()
    assert (await flow.exchange(code, org="ander")).json()["error"] == "invalid_grant"


async def test_I26_A28_of_eight_redemptions_one_wins_what_is_worth_nothing(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    await issuer.award()
    code = await flow.authorize()
    responses = await asyncio.gather(*[flow.exchange(code) for _ in EIGHT])
    assert sorted(response.status_code for response in responses) == [200] + [400] * 7
    assert {response.json()["error"] for response in responses if response.status_code == 400} == {"invalid_grant"}
    [won] = [response for response in responses if response.status_code == 200]
    late = await issuer.request(won.json()["access_token"], [await issuer.proof()])
    assert (late.status_code, late.json()["error"]) == (401, "invalid_token")


async def test_I26_of_eight_decisions_one_counts(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    award = await issuer.award()
    await flow.begin()
    page = await flow.sign_in()
    form = {"award": award["id"], "csrf_token": page.text.split('name="csrf_token" value="')[1].split('"')[0]}
    url = str(page.request.url)
    responses = await asyncio.gather(*[flow.browser.post(f"{url}/agree", data=form) for _ in EIGHT])
    assert sorted(response.status_code for response in responses) == [303] + [400] * 7


async def test_A30_a_token_opens_nothing_at_another_organisation(issuer: Issuer) -> None:
    await issuer.add_organisation("ander")
    await issuer.award()
    flow = CodeFlow.start(issuer)
    token = (await flow.exchange(await flow.authorize())).json()["access_token"]
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [await issuer.proof()]}}
    assert (await issuer.post_credential(token, body, org="ander")).status_code == 401


async def test_A55_nothing_of_the_person_stands_in_an_address(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    await flow.begin()
    page = await flow.sign_in()
    sent = await flow.submit("/agree")
    for url in (str(page.request.url), sent.headers["location"]):
        assert SANNE["email"] not in url
        assert "Sanne" not in url
    assert sent.headers["referrer-policy"] == "no-referrer"


# What is over


async def test_I80_what_is_over_is_removed_and_earlier_awards_are_found_by_their_address(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    await issuer.award()
    async with issuer.database.transaction() as session:
        await session.execute(update(Award).values(email_hash=None))
    await flow.begin()
    await clean_up(issuer.database, issuer.settings, now=issuer.clock())
    assert "Wil je deze badge ophalen?" in (await flow.sign_in()).text
    await flow.exchange((await flow.agree())["code"])
    await CodeFlow.start(issuer).push()
    issuer.clock.advance(timedelta(hours=1))
    await clean_up(issuer.database, issuer.settings, now=issuer.clock())
    async with issuer.database.reading() as session:
        for model in (Authorization, SignInLink, RefreshToken, AccessToken):
            assert (await session.scalars(select(model))).all() == [], model
