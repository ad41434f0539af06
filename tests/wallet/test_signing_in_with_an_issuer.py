"""The authorization code flow from the wallet's side: there, back, and everything that may come back instead."""

import asyncio
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from kernel.openid4vci import code_challenge
from tests.support.simulated_issuer import DC, VC, SimulatedIssuer
from tests.wallet.conftest import PASSPHRASE
from wallet.authorization import callback_uri

pytestmark = pytest.mark.over_http

BOTH = ("authorization_code", "pre-authorized_code")
CODE = ("authorization_code",)


def link(house, **more):
    return house.issuer.offer_link(**{"grants": CODE, "configurations": [DC], **more})


def second_issuer(house):
    """Another organisation with an authorization server of its own."""
    made = SimulatedIssuer(house.clock, host="hostile.example")
    house.transport.apps["hostile.example:443"] = made.app()
    return made


async def test_W08_person_signs_in_with_the_issuer_and_receives_the_badge(house, holder):
    offer, url = await holder.begin(link(house, issuer_state="state-of-the-issuer"))
    assert offer["grants"] == ["authorization_code"]
    assert not house.issuer.token_forms
    answer = await holder.come_back(await house.visit(url))
    assert answer.status_code == 201
    [badge] = answer.json()["credentials"]
    assert badge["name"] == "Adviseur Lerende Regio Maas en Waal"
    assert [held["id"] for held in await holder.badges()] == [badge["id"]]
    assert [event for _, event in house.issuer.notifications] == ["credential_accepted"]


async def test_W08_request_is_pushed_with_S256_state_details_and_the_issuers_state(house, holder):
    _, url = await holder.begin(link(house, issuer_state="state-of-the-issuer"))
    [pushed] = house.issuer.pushed
    assert parse_qs(urlsplit(url).query).keys() == {"client_id", "request_uri"}
    assert pushed.client_id == "https://wallet.example"
    assert pushed.redirect_uri == callback_uri(house.settings, house.issuer.identifier)
    assert pushed.issuer_state == "state-of-the-issuer"
    assert len(pushed.state or "") >= 43
    assert [detail.credential_configuration_id for detail in pushed.authorization_details] == [DC]
    assert pushed.scopes == ()
    await holder.come_back(await house.visit(url))
    [form] = house.issuer.token_forms
    assert code_challenge(form["code_verifier"]) == pushed.code_challenge


async def test_W08_scope_is_used_where_the_server_does_not_know_authorization_details(house, holder):
    house.issuer.server_members = {"authorization_details_types_supported": None}
    _, url = await holder.begin(link(house))
    [pushed] = house.issuer.pushed
    assert (pushed.scopes, pushed.authorization_details) == ((DC,), ())
    assert (await holder.come_back(await house.visit(url))).status_code == 201


def ask_as_haip_does(house):
    """HAIP §4.3, §4.4.1: a wallet attests which one it is, and its tokens are bound to its key."""
    house.issuer.wants_attestation, house.issuer.binds = True, True
    house.issuer.server_members = {"pre-authorized_grant_anonymous_access_supported": None}


async def test_W08_scope_is_used_under_haip_whatever_else_the_server_knows(house, holder):
    """HAIP 1.0 §4.2, §4.3: the `scope` parameter MUST be used."""
    ask_as_haip_does(house)
    _, url = await holder.begin(link(house))
    [pushed] = house.issuer.pushed
    assert (pushed.scopes, pushed.authorization_details) == ((DC,), ())
    answer = await holder.come_back(await house.visit(url))
    assert [badge["formats"] for badge in answer.json()["credentials"]] == [["dc+sd-jwt"]]


@pytest.mark.parametrize("scope", [None, DC])
async def test_W08_scope_that_does_not_say_what_was_chosen_is_not_used_under_haip(house, holder, scope):
    """No scope, or one that stands for something besides: the server would give more than the person wants."""
    ask_as_haip_does(house)
    plain = {"format": "dc+sd-jwt", "vct": "https://issuer.example/vct/other"}
    house.issuer.more_configurations = {"other": plain | ({"scope": scope} if scope else {})}
    if scope is None:
        house.issuer.without_scope = True
    await holder.begin(link(house))
    [pushed] = house.issuer.pushed
    assert pushed.scopes == ()
    assert [detail.credential_configuration_id for detail in pushed.authorization_details] == [DC]


async def test_W08_server_without_pushed_requests_gets_the_request_from_the_browser(house, holder):
    house.issuer.server_members = {
        "pushed_authorization_request_endpoint": None,
        "require_pushed_authorization_requests": None,
    }
    _, url = await holder.begin(link(house))
    assert {"code_challenge", "state", "redirect_uri"} <= parse_qs(urlsplit(url).query).keys()
    assert (await holder.come_back(await house.visit(url))).status_code == 201


async def test_W08_server_that_demands_pushed_requests_and_takes_none_is_refused(house, holder):
    house.issuer.server_members = {"pushed_authorization_request_endpoint": None}
    offer = await holder.open_offer(link(house))
    answer = await holder.call("POST", f"/offers/{offer['id']}/authorization", {})
    assert (answer.status_code, answer.json()["code"]) == (502, "issuer_failed")


async def test_W07_offer_with_both_grants_can_be_taken_either_way(house, holder):
    offer = await holder.open_offer(link(house, grants=BOTH, tx_code="493536"))
    assert offer["grants"] == ["urn:ietf:params:oauth:grant-type:pre-authorized_code", "authorization_code"]
    assert (await holder.accept(offer["id"], tx_code="493536")).status_code == 201
    _, url = await holder.begin(link(house, grants=BOTH, tx_code="493536"))
    assert (await holder.come_back(await house.visit(url))).status_code == 201


async def test_W07_code_can_still_be_typed_after_signing_in_was_begun(house, holder):
    offer, url = await holder.begin(link(house, grants=BOTH, tx_code="493536"))
    assert (await holder.accept(offer["id"], tx_code="493536")).status_code == 201
    assert (await holder.come_back(await house.visit(url))).json()["code"] == "foreign_authorization_response"


async def test_W05_offer_without_grants_is_one_to_sign_in_for(house, holder):
    offer, url = await holder.begin(link(house, grants=()))
    assert offer["grants"] == ["authorization_code"]
    assert (await holder.come_back(await house.visit(url))).status_code == 201


@pytest.mark.parametrize(
    "members",
    [
        {"authorization_endpoint": None},
        {"grant_types_supported": ["urn:ietf:params:oauth:grant-type:pre-authorized_code"]},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
async def test_A28_server_that_cannot_do_the_code_flow_safely_is_not_used(house, holder, members):
    house.issuer.server_members = members
    answer = await holder.call("POST", "/offers", {"offer": link(house)})
    assert (answer.status_code, answer.json()["code"]) == (400, "offer_not_supported")
    offer = await holder.open_offer(link(house, grants=BOTH))
    assert offer["grants"] == ["urn:ietf:params:oauth:grant-type:pre-authorized_code"]


@pytest.mark.parametrize(
    ("misbehaviour", "code"),
    [
        ("another_iss", "mixed_up_server"),
        ("missing_iss", "mixed_up_server"),
        ("access_denied", "authorization_refused"),
        ("another_state", "foreign_authorization_response"),
        ("code_and_error", "foreign_authorization_response"),
    ],
)
async def test_A27_A28_answer_that_is_not_the_servers_yes_is_not_used_and_one_may_begin_again(
    house, holder, misbehaviour, code
):
    offer, url = await holder.begin(link(house))
    house.issuer.misbehave = misbehaviour
    answer = await holder.come_back(await house.visit(url))
    assert answer.json()["code"] == code
    assert answer.json()["step"] == "authorization"
    assert house.issuer.token_forms == []
    house.issuer.misbehave = ""
    again = await holder.call("POST", f"/offers/{offer['id']}/authorization", {})
    back = await house.visit(again.json()["authorization_url"])
    assert (await holder.come_back(back)).status_code == 201


async def test_W08_missing_iss_is_no_reason_where_the_server_does_not_promise_it(house, holder):
    house.issuer.server_members = {"authorization_response_iss_parameter_supported": None}
    house.issuer.misbehave = "missing_iss"
    _, url = await holder.begin(link(house))
    assert (await holder.come_back(await house.visit(url))).status_code == 201


async def test_A28_answer_with_another_state_is_not_used(house, holder):
    _, url = await holder.begin(link(house))
    honest = await house.visit(url)
    planted = re.sub(r"state=[^&]+", "state=another", honest)
    assert (await holder.come_back(planted)).json()["code"] == "foreign_authorization_response"
    assert house.issuer.token_forms == []
    assert (await holder.come_back(honest)).status_code == 201


async def test_A28_answer_is_used_once(house, holder):
    _, url = await holder.begin(link(house))
    back = await house.visit(url)
    assert (await holder.come_back(back)).status_code == 201
    assert (await holder.come_back(back)).json()["code"] == "foreign_authorization_response"
    assert len(house.issuer.token_forms) == 1


async def test_A28_answer_that_comes_eight_times_at_once_is_used_once(house_twice):
    holder = await house_twice.new_holder()
    _, url = await holder.begin(link(house_twice))
    back = await house_twice.visit(url)
    answers = await asyncio.gather(*(holder.come_back(back) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers)[:1] == [201]
    assert [answer.status_code for answer in answers].count(201) == 1
    assert len(house_twice.issuer.token_forms) == 1
    assert len(await holder.badges()) == 1


async def test_A29_answer_that_somebody_else_began_is_not_used(house, holder):
    """The victim follows a link with the attacker's answer: the attacker's badge does not end up with the victim."""
    attacker = await house.new_holder("Aanvaller")
    _, url = await attacker.begin(link(house))
    back = await house.visit(url)
    assert (await holder.come_back(back)).json()["code"] == "foreign_authorization_response"
    assert await holder.badges() == []
    assert house.issuer.token_forms == []


async def test_A29_answer_that_another_session_of_the_same_person_began_is_not_used(house, holder):
    _, url = await holder.begin(link(house))
    back = await house.visit(url)
    before = holder.token
    await holder.sign_in()
    assert (await holder.come_back(back)).json()["code"] == "foreign_authorization_response"
    holder.token = before
    assert (await holder.come_back(back)).status_code == 201


@pytest.mark.parametrize(
    ("misbehaviour", "status", "code"),
    [("par_refused", 502, "issuer_failed"), ("par_breaks", 503, "unreachable"), ("par_forgets", 502, "issuer_failed")],
)
async def test_W08_refused_pushed_request_is_explained_and_one_may_try_again(house, holder, misbehaviour, status, code):
    offer = await holder.open_offer(link(house))
    house.issuer.misbehave = misbehaviour
    answer = await holder.call("POST", f"/offers/{offer['id']}/authorization", {})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "<b>" not in answer.text
    house.issuer.misbehave = ""
    assert (await holder.call("POST", f"/offers/{offer['id']}/authorization", {})).status_code == 201


@pytest.mark.parametrize(
    ("misbehaviour", "code"), [("code_refused", "offer_refused"), ("token_breaks", "issuer_failed")]
)
async def test_A28_code_that_was_not_taken_is_never_sent_again_but_one_may_sign_in_anew(
    house, holder, misbehaviour, code
):
    offer, url = await holder.begin(link(house))
    house.issuer.misbehave = misbehaviour
    assert (await holder.come_back(await house.visit(url))).json()["code"] == code
    house.issuer.misbehave = ""
    again = await holder.call("POST", f"/offers/{offer['id']}/authorization", {})
    assert (await holder.come_back(await house.visit(again.json()["authorization_url"]))).status_code == 201
    codes = [form["code"] for form in house.issuer.token_forms]
    assert len(codes) == len(set(codes)) == 2


async def test_W05_A27_token_is_asked_where_the_metadata_said_before_consent(house, holder):
    """An issuer, or whoever took its host over meanwhile, cannot move an issuance that is on its way."""
    _, url = await holder.begin(link(house))
    house.issuer.misbehave = "another_token_endpoint"
    assert (await holder.come_back(await house.visit(url))).status_code == 201
    assert [line for line in house.issuer.requests if "token" in line] == ["POST /token"]


async def test_W05_server_of_the_code_grant_may_be_another_one(house, holder):
    other = SimulatedIssuer(house.clock, host="login.example", slug="stmw")
    house.transport.apps["login.example:443"] = other.app()
    house.issuer.metadata_members = {"authorization_servers": [house.issuer.identifier, other.identifier]}
    house.issuer.server_members = {"authorization_endpoint": None}
    _, url = await holder.begin(link(house))
    assert url.startswith("https://login.example/stmw/authorize")
    [detail] = other.pushed[0].authorization_details
    assert detail.locations == (house.issuer.identifier,)


async def test_W08_only_the_wanted_configuration_is_asked_for(house, holder):
    _, url = await holder.begin(link(house, configurations=[DC, VC]), credential_configuration_ids=[VC])
    assert [detail.credential_configuration_id for detail in house.issuer.pushed[0].authorization_details] == [VC]
    [badge] = (await holder.come_back(await house.visit(url))).json()["credentials"]
    assert badge["formats"] == ["vc+sd-jwt"]


async def test_W08_offer_is_forgotten_after_a_day_and_its_answer_with_it(house, holder):
    _, url = await holder.begin(link(house))
    back = await house.visit(url)
    house.clock.advance(timedelta(minutes=50))
    assert (await holder.come_back(back)).status_code == 201
    _, url = await holder.begin(link(house))
    back = await house.visit(url)
    house.clock.advance(timedelta(hours=25))
    await holder.sign_in()
    assert (await holder.come_back(back)).json()["code"] == "foreign_authorization_response"


# --- pages


@pytest.fixture
async def sanne(house):
    browser = house.new_browser()
    await browser.sign_up("Sanne")
    return browser


async def _sent_away(browser, offer_link, **fields) -> str:
    """Press the button to sign in, and return where the page sends the browser."""
    await browser.get("/scan")
    await browser.follow(await browser.post("/scan", link=offer_link))
    offer = str(browser.answer.request.url.path)
    answer = await browser.post(f"{offer}/sign-in", **fields)
    assert answer.status_code == 200
    return re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', browser.page)[1].replace("&amp;", "&")


async def test_W08_browser_goes_to_the_issuer_and_comes_back_with_the_badge(house, sanne):
    back = await house.visit(await _sent_away(sanne, link(house)))
    answer = await sanne.get(back.removeprefix("https://wallet.example"))
    assert answer.status_code == 303
    await sanne.follow(answer)
    assert "Adviseur Lerende Regio Maas en Waal" in sanne.page


async def test_W02_page_says_where_one_will_sign_in_before_one_goes_there(house, sanne):
    await sanne.get("/scan")
    await sanne.follow(await sanne.post("/scan", link=link(house)))
    assert "Inloggen bij \u2068issuer.example" in sanne.page or "issuer.example" in sanne.page
    assert house.issuer.pushed == []


async def test_A29_answer_in_a_browser_where_nobody_is_signed_in_is_explained_and_not_used(house, sanne):
    back = await house.visit(await _sent_away(sanne, link(house)))
    answer = await house.new_browser().get(back.removeprefix("https://wallet.example"))
    assert answer.status_code == 400
    assert "op slot" in answer.text
    assert '<a class="button main" href="/sign-in">Wallet openen</a>' in answer.text
    assert house.issuer.token_forms == []


async def test_A29_answer_in_another_browser_of_the_same_person_is_explained_and_not_used(house, sanne):
    back = await house.visit(await _sent_away(sanne, link(house)))
    other = house.new_browser()
    await other.get("/sign-in")
    await other.post("/sign-in", name="Sanne", passphrase=PASSPHRASE, next="/")
    answer = await other.get(back.removeprefix("https://wallet.example"))
    assert answer.status_code == 400
    assert "hoort niet bij iets wat je hier begon" in answer.text
    assert house.issuer.token_forms == []
    await other.get("/badges")
    assert "Ga verder" in other.page


@pytest.mark.parametrize("query", ["", "?code=a", "?state=%00", "?state=a&state=b", "?error=access_denied&state=x"])
async def test_A28_callback_with_nonsense_is_explained(house, sanne, query):
    address = callback_uri(house.settings, house.issuer.identifier).removeprefix("https://wallet.example")
    answer = await sanne.get(f"{address}{query}")
    assert answer.status_code in (400, 404)
    assert house.issuer.token_forms == []


async def test_A27_two_servers_that_do_not_say_who_they_are_have_addresses_of_their_own(house, holder):
    other = second_issuer(house)
    for each in (house.issuer, other):
        each.server_members = {"authorization_response_iss_parameter_supported": None}
        each.misbehave = "missing_iss"
    _, first = await holder.begin(link(house))
    _, second = await holder.begin(other.offer_link(grants=CODE, configurations=[DC]))
    assert house.issuer.pushed[0].redirect_uri != other.pushed[0].redirect_uri
    assert (await holder.come_back(await house.visit(second))).status_code == 201
    assert (await holder.come_back(await house.visit(first))).status_code == 201


@pytest.mark.parametrize("sent_to", ["the honest server's address", "the hostile server's address"])
async def test_A27_code_of_an_honest_server_never_goes_to_a_hostile_one_that_mixes_them_up(house, holder, sent_to):
    """RFC 9700 §4.4: whoever began at the hostile server is sent on to the honest one, or the other way round."""
    hostile = second_issuer(house)
    for each in (house.issuer, hostile):
        each.server_members = {"authorization_response_iss_parameter_supported": None}
        each.misbehave = "missing_iss"
    is_begun_there = sent_to == "the honest server's address"
    began, other = (hostile, house.issuer) if is_begun_there else (house.issuer, hostile)
    await holder.begin(began.offer_link(grants=CODE, configurations=[DC]))
    [asked] = began.pushed
    elsewhere = {"redirect_uri": callback_uri(house.settings, other.identifier)}
    query = urlencode(asked.as_form() | elsewhere)
    back = await house.visit(f"{house.issuer.identifier}/authorize?{query}")
    answer = await holder.come_back(back)
    assert (answer.status_code, answer.json()["code"]) == (400, "mixed_up_server")
    assert hostile.token_forms == house.issuer.token_forms == []
    assert (await holder.come_back(back)).json()["code"] == "foreign_authorization_response"


async def test_A27_I47_address_of_a_server_is_the_same_for_everybody(house):
    for name in ("Sanne", "Ander"):
        await (await house.new_holder(name)).begin(link(house))
    assert len({asked.redirect_uri for asked in house.issuer.pushed}) == 1


async def test_A28_callback_answers_no_preview(house, sanne):
    back = await house.visit(await _sent_away(sanne, link(house)))
    answer = await sanne.http.head(back.removeprefix("https://wallet.example"))
    assert answer.status_code == 405
    assert house.issuer.token_forms == []


async def test_W08_person_gets_a_badge_from_an_issuers_address(house, sanne):
    await sanne.get("/scan")
    await sanne.follow(await sanne.post("/issuers", issuer="issuer.example/stmw/"))
    assert "Welke badge wil je?" in sanne.page
    offer = str(sanne.answer.request.url.path)
    refused = await sanne.post(f"{offer}/sign-in")
    assert refused.status_code == 400
    answer = await sanne.post(f"{offer}/sign-in", badge="Adviseur Lerende Regio")
    url = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', answer.text)[1].replace("&amp;", "&")
    assert house.issuer.pushed[0].issuer_state is None
    answer = await sanne.get((await house.visit(url)).removeprefix("https://wallet.example"))
    assert answer.status_code == 303
    await sanne.follow(answer)
    assert "Adviseur" in sanne.page


@pytest.mark.parametrize("address", ["", "hallo", "elsewhere.example", "https://issuer.example/x?y=1", "javascript:1"])
async def test_W08_address_that_is_no_issuers_is_explained_beside_the_field(house, sanne, address):
    await sanne.get("/scan")
    answer = await sanne.post("/issuers", issuer=address)
    assert answer.status_code in (400, 503)
