"""Issuers and verifiers that answer nonsense, at odd moments, or too much. Nothing breaks, hangs or is half done."""

import asyncio
import html
from datetime import timedelta
from urllib.parse import quote

import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response

from kernel.openid4vp import ErrorResponse
from runtime.fetch import AnsweredError, FetchKind
from tests.support.badges import SKILLS, create_test_achievement, create_test_dataset
from tests.support.simulated_issuer import DC
from wallet import consent, credential_request, issuance
from wallet.consent import Alternative, Part

pytestmark = pytest.mark.over_http

FIRST, SECOND, *_ = SKILLS


@pytest.fixture
async def badge(house, holder):
    return await holder.receive(house.issuer.offer_link(configurations=[DC]))


def intercept(house, path: str, *, answer=None, before=None, host: str = "issuer.example:443"):
    """Let a party answer this where the path has these words, or do something before it answers as it would."""
    inner = house.transport.apps[host]

    async def app(scope, receive, send):
        if path not in scope["path"] or (path == "/credential" and not scope["path"].endswith(path)):
            await inner(scope, receive, send)
            return
        if before is not None:
            await before()
        await (inner if answer is None else answer())(scope, receive, send)

    house.transport.apps[host] = app


NONSENSE = [
    lambda: Response(b"", media_type="application/json"),
    lambda: Response(b"[]", media_type="application/json"),
    lambda: Response(b"null", media_type="application/json"),
    lambda: Response(b'"x"', media_type="application/json"),
    lambda: Response(b"{" * 100_000, media_type="application/json"),
    lambda: Response(b"\xff\xfe", media_type="application/json"),
    lambda: Response(b"x" * 2_000_000, media_type="application/json"),
    lambda: Response(b"{}", media_type="text/html"),
    lambda: RedirectResponse("https://elsewhere.example/"),
    lambda: Response(status_code=404),
    lambda: Response(status_code=500),
    lambda: Response(status_code=204),
    lambda: Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"}),
    lambda: JSONResponse({"error": {"a": 1}}, status_code=400),
    lambda: JSONResponse({"error": "x" * 60_000}, status_code=400),
]


# By path, what is told of each nonsense above, and on whose side it was.
TOLD = {
    "/offers/": (
        "issuer",
        ["offer_unreadable"] * 9 + ["offer_gone"] + ["unreachable"] * 2 + ["offer_unreadable"] * 3,
    ),
    "/.well-known/openid-credential-issuer": (
        "issuer",
        ["issuer_unreadable"] * 8
        + ["issuer_absent"] * 2
        + ["unreachable"] * 2
        + ["issuer_unreadable"]
        + ["issuer_absent"] * 2,
    ),
    "/.well-known/oauth": (
        "authorization_server",
        ["server_unreadable"] * 10 + ["unreachable"] * 2 + ["server_unreadable"] * 3,
    ),
}


@pytest.mark.parametrize("path", TOLD)
async def test_W03_W04_W05_nonsense_before_consent_is_explained(house, holder, path):
    honest = house.transport.apps["issuer.example:443"]
    side, codes = TOLD[path]
    heard = []
    for answer in NONSENSE:
        house.transport.apps["issuer.example:443"] = honest
        intercept(house, path, answer=answer)
        said = (await holder.call("POST", "/offers", {"offer": house.issuer.offer_link()})).json()
        heard.append((said["code"], said["side"]))
        assert {"title", "hint", "trace_id", "failed_step", "rule"} <= said.keys()
    assert heard == [(code, side) for code in codes]


@pytest.mark.parametrize("path", ["/token", "/nonce", "/credential"])
async def test_W15_nonsense_after_consent_is_explained_and_nothing_is_kept(house, holder, path):
    honest = house.transport.apps["issuer.example:443"]
    for answer in NONSENSE:
        house.transport.apps["issuer.example:443"] = honest
        offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
        intercept(house, path, answer=answer)
        heard = await holder.accept(offer["id"])
        assert heard.status_code in (400, 409, 502, 503)
        assert {"code", "title", "hint", "trace_id"} <= heard.json().keys()
    assert await holder.badges() == []


@pytest.mark.parametrize("token", ["tök", "a\r\nX-Planted: 1", "a b", "\u0000", "x" * 60_000])
async def test_token_that_is_no_token_is_refused(house, holder, token):
    intercept(house, "/token", answer=lambda: JSONResponse({"access_token": token, "token_type": "Bearer"}))
    offer = await holder.open_offer(house.issuer.offer_link())
    heard = await holder.accept(offer["id"])
    assert (heard.status_code, heard.json()["code"]) == (502, "issuer_failed")
    assert all("x-planted" not in request.headers for request in house.transport.requests)


@pytest.mark.parametrize(
    "place",
    ["http://[", "//", "https://\u00e9.example/", "javascript:1", "?", "https://a:b/",
     pytest.param("\x7f", marks=pytest.mark.in_process)],
)  # fmt: skip
async def test_K85_status_list_that_redirects_to_nonsense_is_not_checked(house, holder, badge, place):
    def redirect():
        answer = Response(status_code=302)
        answer.raw_headers.append((b"location", place.encode("utf-8")))
        return answer

    intercept(house, "/status/", answer=redirect)
    house.clock.advance(timedelta(minutes=5))
    assert [found["state"] for found in await holder.badges()] == ["unknown"]


async def test_W04_not_found_is_told_by_its_type(house):
    fetch = house.app.state.service.fetch
    with pytest.raises(AnsweredError) as refusal:
        await fetch.get("https://issuer.example/nowhere", accept="application/json", kind=FetchKind.METADATA)
    assert refusal.value.status == 404


async def test_nothing_hangs_when_every_answer_is_slow(house, holder, monkeypatch):
    """Twenty forms at ten seconds for each answer would be minutes: the whole receipt has an end."""
    monkeypatch.setattr(credential_request, "RECEIPT_PATIENCE", timedelta(seconds=1))
    honest = house.transport.apps["issuer.example:443"]
    asked: list[str] = []

    async def never() -> None:
        asked.append("nonce")
        await asyncio.Event().wait()

    intercept(house, "/nonce", before=never)
    offer = await holder.open_offer(house.issuer.offer_link())
    heard = await holder.accept(offer["id"])
    assert heard.status_code == 503
    assert asked == ["nonce"]
    house.transport.apps["issuer.example:443"] = honest
    assert (await holder.accept(offer["id"])).status_code == 201


async def test_offer_that_is_being_opened_says_so(house, holder):
    """Tapping twice on a slow link is no used-up offer."""
    opened, answered = asyncio.Event(), asyncio.Event()

    async def wait():
        opened.set()
        await answered.wait()

    intercept(house, "/offers/", before=wait)
    link = house.issuer.offer_link()
    first = asyncio.create_task(holder.call("POST", "/offers", {"offer": link}))
    await opened.wait()
    second = await holder.call("POST", "/offers", {"offer": link})
    answered.set()
    assert (second.status_code, second.json()["code"]) == (409, "offer_busy")
    assert (await first).status_code == 201


@pytest.mark.in_process
async def test_offer_whose_opening_broke_off_can_be_opened_again(house, holder, monkeypatch):
    async def stop(*_args, **_more):
        raise asyncio.CancelledError

    link = house.issuer.offer_link()
    with monkeypatch.context() as patched:
        patched.setattr(issuance, "_resolve_record", stop)
        patched.setattr("wallet.store.remove_offer", stop)
        with pytest.raises(asyncio.CancelledError):
            await holder.call("POST", "/offers", {"offer": link})
    house.clock.advance(timedelta(minutes=3))
    assert (await holder.call("POST", "/offers", {"offer": link})).status_code == 201


# --- questions


async def test_K99_question_that_multiplies_out_is_answered_in_time(house, holder, monkeypatch):
    for number in range(5):
        achievement = create_test_achievement(name=f"Badge {number}")
        achievement["id"] += f"-{number}"
        # No badge answers all of it alone.
        achievement["alignment"] = achievement["alignment"][1:2] if number == 0 else achievement["alignment"][:1]
        house.issuer.dataset = create_test_dataset(achievement=achievement)
        await holder.receive(house.issuer.offer_link(configurations=[DC]))
    query = house.verifier.skill_query(*[FIRST] * 14, SECOND)
    query["credential_sets"] = [{"options": [[f"skill_{number}" for number in range(1, 16)]]}]
    ways: list[tuple[Part, ...]] = []

    class Counted(Alternative):
        def __init__(self, key: str, parts: tuple[Part, ...]) -> None:
            super().__init__(key, parts)
            ways.append(parts)

    monkeypatch.setattr(consent, "Alternative", Counted)
    asked = await holder.open_request(house.verifier.ask(query))
    assert asked["answerable"]
    # Four badges for each of fourteen queries are 268 million ways.
    assert 0 < len(ways) <= 250


@pytest.mark.parametrize("count", [513, 10_000])
async def test_A38_ten_thousand_queries_are_refused(house, holder, badge, count):
    query = house.verifier.skill_query(*[FIRST] * count)
    heard = await holder.call("POST", "/requests", {"request": house.verifier.ask(query)})
    assert (heard.status_code, heard.json()["code"]) == (400, "request_refused")


async def test_W58_saying_no_to_a_question_that_is_over_is_explained(house, holder, badge):
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    house.clock.advance(timedelta(minutes=11))
    await holder.open_request(house.verifier.ask(house.verifier.skill_query(SECOND)))
    heard = await holder.call("POST", f"/requests/{asked['id']}/decline")
    assert (heard.status_code, heard.json()["code"]) == (404, "not_found")


async def test_W58_question_that_was_answered_is_over_when_its_time_is(house, holder, badge):
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert (await holder.call("POST", f"/requests/{asked['id']}/decline")).status_code == 200
    house.clock.advance(timedelta(minutes=11))
    await holder.open_request(house.verifier.ask(house.verifier.skill_query(SECOND)))
    heard = await holder.call("POST", f"/requests/{asked['id']}/decline")
    assert (heard.status_code, heard.json()["code"]) == (410, "request_expired")


async def test_W31_history_deleted_while_an_answer_is_on_its_way_stays_deleted(house, holder, badge):
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))

    async def delete_first():
        [entry] = [entry for entry in await holder.history() if entry["kind"] == "shared"]
        assert (await holder.call("DELETE", f"/history/{entry['id']}")).status_code == 204

    intercept(house, "/responses/", before=delete_first, host="verifier.example:443")
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    assert [entry["kind"] for entry in await holder.history()] == ["received"]
    assert (await holder.call("GET", f"/requests/{asked['id']}")).json()["state"] == "answered"


async def test_account_erased_while_an_answer_is_on_its_way_leaves_nothing(house, holder, badge):
    asked = await holder.open_request(house.verifier.ask(house.verifier.skill_query(FIRST)))

    async def erase_first():
        assert (await holder.call("DELETE", "/account", {"passphrase": holder.passphrase})).status_code == 204

    intercept(house, "/responses/", before=erase_first, host="verifier.example:443")
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    assert (await holder.call("GET", "/history")).status_code == 401


async def test_account_erased_while_a_badge_comes_in_is_explained(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))

    async def erase_first():
        assert (await holder.call("DELETE", "/account", {"passphrase": holder.passphrase})).status_code == 204

    intercept(house, "/credential", before=erase_first)
    heard = await holder.accept(offer["id"])
    assert (heard.status_code, heard.json()["code"]) == (401, "signed_out")


# --- what the verifier hears (W-53)


@pytest.mark.parametrize(
    ("misbehaviour", "code"),
    [("with_transaction_data", "invalid_transaction_data"), ("same_query_id_twice", "invalid_request"),
     ("path_of_another_type", "invalid_request"), ("with_redirect_uri", "invalid_request"),
     ("asks_by_scope", "invalid_scope")],
)  # fmt: skip
async def test_W53_error_goes_to_the_verifier_only_after_the_person_acted(house, holder, badge, misbehaviour, code):
    house.verifier.misbehave = misbehaviour
    heard = await holder.call("POST", "/requests", {"request": house.verifier.ask(house.verifier.skill_query(FIRST))})
    assert (heard.status_code, heard.json()["code"]) == (400, "request_refused")
    assert house.verifier.received == []
    report = heard.json()["request_id"]
    assert (await holder.call("POST", f"/requests/{report}/decline")).status_code == 200
    [answer] = house.verifier.received
    assert isinstance(answer, ErrorResponse)
    assert (answer.error, answer.state) == (code, house.verifier.state)
    assert (await holder.call("POST", f"/requests/{report}/decline")).json()["code"] == "request_answered"
    assert {entry["kind"] for entry in await holder.history()} == {"declined", "received"}


@pytest.mark.parametrize("method", ["PUT", "GET", ""])
async def test_W53_a_way_to_fetch_that_does_not_exist_is_told_only_when_the_person_wants(house, holder, badge, method):
    """The request object is fetched by GET, since it alone says whom to tell."""
    link = house.verifier.ask(house.verifier.skill_query(FIRST), method="get") + f"&request_uri_method={method}"
    heard = await holder.call("POST", "/requests", {"request": link})
    assert (heard.status_code, heard.json()["failure"]) == (400, "request_uri_method")
    assert (house.verifier.requests, house.verifier.received) == (["GET /requests", "GET /did.json"], [])
    assert (await holder.call("POST", f"/requests/{heard.json()['request_id']}/decline")).status_code == 200
    [answer] = house.verifier.received
    assert (answer.error, answer.state) == ("invalid_request_uri_method", house.verifier.state)


async def test_W53_A35_a_way_to_fetch_that_does_not_exist_is_told_to_nobody_who_cannot_prove_to_ask(house, holder):
    house.verifier.misbehave = "signed_by_another_key"
    link = house.verifier.ask(house.verifier.skill_query(FIRST), method="get") + "&request_uri_method=PUT"
    heard = await holder.call("POST", "/requests", {"request": link})
    assert (heard.json()["failure"], "request_id" in heard.json()) == ("sender_signature", False)
    assert house.verifier.received == []


@pytest.mark.parametrize(
    "misbehaviour",
    ["signed_by_another_key", "another_client_id_inside", "another_wallet_nonce", "another_audience", "another_typ",
     "answer_to_another_party", "answer_over_http", "expired"],
)  # fmt: skip
async def test_W53_A35_nobody_is_told_anything_whose_request_is_not_its_own(house, holder, badge, misbehaviour):
    house.verifier.misbehave = misbehaviour
    heard = await holder.call("POST", "/requests", {"request": house.verifier.ask(house.verifier.skill_query(FIRST))})
    assert heard.json()["code"] == "request_refused"
    assert "request_id" not in heard.json()
    assert house.verifier.received == []


async def test_W53_A39_formats_that_are_not_held_are_told_only_when_the_person_says_no(house, holder, badge):
    query = {"credentials": [{"id": "a", "format": "mso_mdoc", "meta": {"doctype_value": "org.x"}}]}
    asked = await holder.open_request(house.verifier.ask(query))
    assert house.verifier.received == []
    assert (await holder.call("POST", f"/requests/{asked['id']}/decline")).status_code == 200
    [answer] = house.verifier.received
    assert (answer.error, answer.state) == ("vp_formats_not_supported", house.verifier.state)


async def come_without_wallet(house, link):
    """Somebody whom a verifier's page sent here, and who goes back."""
    browser = house.new_browser()
    page = await browser.get(f"/open?link={quote(link, safe='')}")
    assert 'action="/open/without-wallet"' in page.text
    return await browser.post("/open/without-wallet", link=link)


@pytest.mark.parametrize("back", [None, "https://verifier.example/bakker/back#response_code=x"])
async def test_W53_who_opens_no_wallet_lets_the_verifier_know_and_goes_back(house, back):
    house.verifier.redirect_uri = back
    answer = await come_without_wallet(house, house.verifier.ask(house.verifier.skill_query(FIRST)))
    [heard] = house.verifier.received
    assert (heard.error, heard.state) == ("wallet_unavailable", house.verifier.state)
    assert (back or "verifier.example weet dat je hier geen wallet opende.") in html.unescape(answer.text)
    assert "/badges" not in answer.text


@pytest.mark.parametrize("misbehaviour", ["signed_by_another_key", "answer_to_another_party", "expired"])
async def test_W53_A35_who_cannot_prove_to_ask_is_told_nothing_by_those_without_wallet(house, misbehaviour):
    house.verifier.misbehave = misbehaviour
    answer = await come_without_wallet(house, house.verifier.ask(house.verifier.skill_query(FIRST)))
    assert (answer.status_code, house.verifier.received) == (400, [])


async def test_W53_A42_a_question_that_nobody_signed_is_not_answered_for_those_without_wallet(house):
    link = (
        "openid4vp://?client_id=redirect_uri%3Ahttps%3A%2F%2Fverifier.example%2Fbakker%2Fresponses%2F1"
        "&response_type=vp_token&response_mode=direct_post&nonce=n-0S6_WzA2Mj-0S6_WzA2Mj"
        "&response_uri=https%3A%2F%2Fverifier.example%2Fbakker%2Fresponses%2F1"
        "&dcql_query=%7B%22credentials%22%3A%5B%7B%22id%22%3A%22a%22%2C%22format%22%3A%22dc%2Bsd-jwt%22%2C"
        "%22meta%22%3A%7B%22vct_values%22%3A%5B%22x%22%5D%7D%7D%5D%7D"
    )
    answer = await come_without_wallet(house, link)
    assert (answer.status_code, house.verifier.requests) == (400, [])


async def test_W53_an_offer_is_no_question_to_go_back_from(house):
    browser = house.new_browser()
    link = house.issuer.offer_link()
    page = await browser.get(f"/open?link={quote(link, safe='')}")
    assert "without-wallet" not in page.text
    assert (await browser.post("/open/without-wallet", link=link)).status_code == 400


@pytest.mark.parametrize("odd", ["%00", "%E2%80%AE", "a" * 65, "..%2f..", "%20"])
async def test_A52_address_that_can_be_nobodys_is_not_found_on_either_database(house_twice, odd):
    holder = await house_twice.new_holder()
    for method, path in [
        ("GET", f"/credentials/{odd}"),
        ("DELETE", f"/history/{odd}"),
        ("GET", f"/offers/{odd}"),
        ("POST", f"/requests/{odd}/decline"),
    ]:
        assert (await holder.call(method, path)).status_code == 404
