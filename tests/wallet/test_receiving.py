"""Receiving a badge, through HTTP on the real wallet: what is shown first, what is checked, what is refused."""

import asyncio
import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from kernel.formats import parse_credential
from tests.support.clock import NOW
from tests.support.simulated_issuer import DC, VC

pytestmark = pytest.mark.over_http


@pytest.mark.parametrize("by", ["value", "reference"])
@pytest.mark.parametrize("scheme", ["openid-credential-offer://", "haip-vci://", "https://wallet.example/open"])
async def test_W01_offer_is_read_by_value_and_by_reference_from_every_kind_of_link(house, holder, by, scheme):
    offer = await holder.open_offer(f" {house.issuer.offer_link(by=by, scheme=scheme)}\n")
    assert offer["credential_issuer"] == house.issuer.identifier
    assert {entry["configuration_id"] for entry in offer["credentials"]} == {DC, VC}


@pytest.mark.parametrize(
    "link",
    [
        "",
        "hallo",
        "openid-credential-offer://",
        "openid4vp://?client_id=decentralized_identifier%3Adid%3Aweb%3Av.example",
        "javascript:alert(1)",
    ],
)
async def test_W01_text_that_is_no_offer_is_refused_and_nobody_else_blamed(house, holder, link):
    answer = await holder.call("POST", "/offers", {"offer": link})
    assert (answer.status_code, answer.json()["code"], answer.json()["side"]) == (400, "link", "you")
    assert house.transport.requests == []


@pytest.mark.parametrize(
    "query",
    [
        "credential_offer=%7B%7D&credential_offer_uri=https%3A%2F%2Fissuer.example%2Fo",
        "credential_offer=%7B%22credential_issuer%22%3A1%7D",
        "credential_offer=%7B%22credential_iss",
        "credential_offer_uri=issuer.example",
    ],
)
async def test_W01_link_to_an_offer_that_cannot_be_read_is_refused(house, holder, query):
    answer = await holder.call("POST", "/offers", {"offer": f"openid-credential-offer://?{query}"})
    assert (answer.status_code, answer.json()["code"], answer.json()["side"]) == (400, "offer_unreadable", "issuer")
    assert house.transport.requests == []


@pytest.mark.parametrize(
    ("typed", "said", "side"),
    [
        ("hello", "Deze code of link kennen we niet", "Jouw kant: wat er geplakt of gescand is"),
        ("openid-credential-offer://?credential_offer=%7B", "Dit aanbod is niet te lezen", "De uitgever"),
    ],
)
async def test_W01_page_of_a_link_says_truly_what_is_wrong_with_it(house, typed, said, side):
    browser = house.new_browser()
    await browser.sign_up("Kim")
    page = await browser.get(f"/open?link={quote(typed, safe='')}")
    assert (page.status_code, said in page.text, f"<dd>{side}</dd>" in page.text) == (400, True, True)


@pytest.mark.parametrize("status", [404, 410])
async def test_W03_offer_that_its_issuer_no_longer_has_is_said_to_be_used_or_over(house, holder, status):
    """Somebody opens the link of an offer that was redeemed: the commonest failure of all."""
    link = house.issuer.offer_link(configurations=[DC])
    await holder.receive(link)
    house.issuer.misbehave = "offer_gone" if status == 410 else "offer_not_found"
    other = await house.new_holder()
    answer = await other.call("POST", "/offers", {"offer": link})
    body = answer.json()
    assert (answer.status_code, body["code"], body["failed_step"]) == (410, "offer_gone", "offer")
    assert body["title"].startswith("Dit aanbod is gebruikt of verlopen. ")
    browser = house.new_browser("en")
    await browser.sign_up("Kim")
    page = await browser.get(f"/open?link={quote(link, safe='')}")
    assert (page.status_code, "This offer was used or has expired" in page.text) == (410, True)


async def test_W02_offer_is_shown_with_host_name_and_recognition_before_any_token_request(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link(tx_code="493536"))
    assert offer["host"] == "issuer.example"
    assert offer["issuer_name"] == "Stichting Stimulering Techniek Maas en Waal"
    assert offer["recognition"]["outcome"] == "recognised"
    assert [entry["name"] for entry in offer["credentials"]] == ["Adviseur Lerende Regio"] * 2
    assert not any("token" in line for line in house.issuer.requests)
    assert await holder.badges() == []


@pytest.mark.parametrize(
    ("make", "outcome"),
    [
        (lambda house: house.sign_trust_list(), "recognised"),
        (lambda house: house.sign_trust_list(house.verification()), "not_listed"),
        (
            lambda house: house.sign_trust_list(
                house.issuance(states=(type(house.issuance().states[0])("withdrawn", NOW - timedelta(days=9)),))
            ),
            "withdrawn",
        ),
        (lambda house: house.trust_file.unlink(), "list_unavailable"),
        (lambda house: house.trust_file.write_text("no list"), "list_unavailable"),
    ],
)
async def test_T06_T10_wallet_marks_the_issuer_of_an_offer_and_never_blocks_it(house, holder, make, outcome):
    make(house)
    offer = await holder.open_offer(house.issuer.offer_link())
    assert offer["recognition"]["outcome"] == outcome
    assert (await holder.accept(offer["id"])).status_code == 201


async def test_T06_issuer_known_for_another_type_is_said_to_be_so_on_the_badge(house, holder):
    house.sign_trust_list(house.issuance(achievement_types=frozenset({"Diploma"})))
    badge = await holder.receive(house.issuer.offer_link())
    assert (badge["state"], badge["recognition"]["outcome"]) == ("valid", "not_for_this_type")


async def test_W03_offer_is_fetched_once_and_only_as_json(house, holder):
    link = house.issuer.offer_link()
    first, second = await holder.open_offer(link), await holder.open_offer(link)
    assert first["id"] == second["id"]
    assert sum("/offers/" in line for line in house.issuer.requests) == 1
    house.issuer.misbehave = "offer_of_another_type"
    answer = await holder.call("POST", "/offers", {"offer": house.issuer.offer_link()})
    assert answer.status_code == 400


async def test_W03_offer_opened_eight_times_at_once_is_fetched_once(house_twice):
    holder = await house_twice.new_holder()
    link = house_twice.issuer.offer_link()
    answers = await asyncio.gather(*(holder.call("POST", "/offers", {"offer": link}) for _ in range(8)))
    assert sum("/offers/" in line for line in house_twice.issuer.requests) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert 201 in {answer.status_code for answer in answers}


async def test_W04_appended_metadata_is_read_only_after_a_404(house, holder):
    house.issuer.misbehave = "only_appended_metadata"
    assert (await holder.open_offer(house.issuer.offer_link()))["credential_issuer"] == house.issuer.identifier
    assert "GET /.well-known/openid-credential-issuer" in house.issuer.requests
    house.issuer.misbehave = "metadata_breaks"
    house.issuer.requests.clear()
    answer = await holder.call("POST", "/offers", {"offer": house.issuer.offer_link()})
    assert (answer.status_code, answer.json()["code"]) == (503, "unreachable")
    assert len([line for line in house.issuer.requests if "credential-issuer" in line]) == 1


@pytest.mark.parametrize(
    ("misbehaviour", "status", "code", "side"),
    [
        ("metadata_of_another_issuer", 502, "issuer_mismatch", "issuer"),
        ("server_metadata_of_another_server", 502, "server_unreadable", "authorization_server"),
        ("unlisted_authorization_server", 400, "foreign_server", "authorization_server"),
    ],
)
async def test_W04_W05_metadata_of_another_party_stops_the_offer(house, holder, misbehaviour, status, code, side):
    house.issuer.misbehave = misbehaviour
    answer = await holder.call("POST", "/offers", {"offer": house.issuer.offer_link()})
    assert (answer.status_code, answer.json()["code"], answer.json()["side"]) == (status, code, side)
    assert not any("token" in line for line in house.issuer.requests)


async def test_W07_tx_code_is_asked_with_its_description_and_shape(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link(tx_code="493536"))
    assert offer["tx_code"] == {"input_mode": "numeric", "length": 6, "description": "De code staat in je e-mail"}
    for code in (None, "", "abcdef"):
        answer = await holder.accept(offer["id"], **({"tx_code": code} if code is not None else {}))
        assert (answer.status_code, answer.json()["code"]) == (400, "tx_code")
    assert house.issuer.sent_codes == []


async def test_W07_wrong_tx_code_can_be_tried_again_and_a_right_one_receives_the_badge(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link(tx_code="493536"))
    wrong = await holder.accept(offer["id"], tx_code="000000")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "tx_code")
    assert (await holder.accept(offer["id"], tx_code="493536")).status_code == 201


async def test_spent_code_without_tx_code_ends_the_offer(house, holder):
    link = house.issuer.offer_link(by="value")
    await holder.receive(link)
    other = await house.new_holder()
    offer = await other.open_offer(link)
    answer = await other.accept(offer["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "offer_refused")
    assert (await other.accept(offer["id"])).json()["code"] == "offer_spent"


async def test_one_time_code_is_never_sent_twice_when_no_answer_came(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link())
    house.issuer.misbehave = "token_breaks"
    assert (await holder.accept(offer["id"])).json()["code"] == "issuer_failed"
    house.issuer.misbehave = ""
    assert (await holder.accept(offer["id"])).json()["code"] == "offer_spent"
    assert house.issuer.requests.count("POST /token") == 1


async def test_offer_accepted_eight_times_at_once_is_redeemed_once(house_twice):
    holder = await house_twice.new_holder()
    offer = await holder.open_offer(house_twice.issuer.offer_link())
    answers = await asyncio.gather(*(holder.accept(offer["id"]) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert len(house_twice.issuer.sent_codes) == 1
    assert len(await holder.badges()) == 1


async def test_W10_invalid_nonce_is_answered_by_a_fresh_one_once(house, holder):
    house.issuer.misbehave = "stale_nonce_once"
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    assert house.issuer.requests.count("POST /nonce") == 2
    house.issuer.misbehave = "stale_nonces"
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    house.issuer.requests.clear()
    assert (await holder.accept(offer["id"])).json()["code"] == "issuer_failed"
    assert house.issuer.requests.count("POST /credential") == 2


async def test_W10_issuer_without_a_nonce_endpoint_gets_a_proof_without_a_nonce(house, holder):
    """The endpoint is optional (OpenID4VCI 1.0 §12.2.4); the simulator refuses a proof with a nonce (F.1)."""
    house.issuer.metadata_members = {"nonce_endpoint": None}
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    assert "POST /nonce" not in house.issuer.requests


async def test_W10_nonce_that_is_wanted_and_given_nowhere_is_said_to_be_so(house, holder):
    house.issuer.metadata_members = {"nonce_endpoint": None}
    house.issuer.misbehave = "nonce_nobody_gives"
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    answer = await holder.accept(offer["id"])
    body = answer.json()
    assert (answer.status_code, body["code"], body["failed_step"]) == (502, "no_nonce", "nonce")
    assert body["answered"] == "invalid_nonce"
    assert house.issuer.requests.count("POST /credential") == 1


async def test_W11_every_credential_has_a_key_of_its_own(house, holder):
    await holder.receive(house.issuer.offer_link())
    await holder.receive(house.issuer.offer_link())
    assert len(house.issuer.holder_keys) == 4
    assert len(set(house.issuer.holder_keys)) == 4


async def test_both_forms_of_one_achievement_are_one_badge(house, holder):
    badge = await holder.receive(house.issuer.offer_link())
    assert badge["formats"] == ["dc+sd-jwt", "vc+sd-jwt"]
    assert [held["id"] for held in await holder.badges()] == [badge["id"]]
    assert badge["name"] == "Adviseur Lerende Regio Maas en Waal"
    assert len(badge["skills"]) == 4


async def test_only_the_wanted_configuration_is_received(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link())
    answer = await holder.accept(offer["id"], credential_configuration_ids=[VC])
    assert answer.json()["credentials"][0]["formats"] == ["vc+sd-jwt"]


async def test_offer_of_formats_that_the_wallet_does_not_hold_is_said_to_be_so(house, holder):
    answer = await holder.call("POST", "/offers", {"offer": house.issuer.offer_link(configurations=["adviseur.mdoc"])})
    assert (answer.status_code, answer.json()["code"]) == (400, "offer_not_supported")


@pytest.mark.parametrize(
    ("misbehaviour", "check"),
    [
        ("changed_disclosure", "disclosure"),
        ("signed_by_another_key", "signature"),
        ("bound_to_another_key", "holder_binding"),
        ("bound_to_no_key", "holder_binding"),
        ("another_type", "type"),
        ("another_format", "type"),
        ("expired", "expired"),
        ("not_yet_valid", "not_yet_valid"),
        ("revoked", "revoked"),
        ("suspended", "suspended"),
        ("not_a_credential", "malformed"),
        ("with_key_binding", "malformed"),
    ],
)
async def test_W15_W16_A12_A15_A17_A49_bad_credential_is_not_kept_and_the_issuer_hears_it(
    house, holder, misbehaviour, check
):
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    house.issuer.misbehave = misbehaviour
    answer = await holder.accept(offer["id"])
    assert (answer.status_code, answer.json()["code"]) == (502, "credential_refused")
    if check != "malformed":
        assert answer.json()["step"] == check
    assert await holder.badges() == []
    assert await holder.history() == []
    assert [event for _, event in house.issuer.notifications] == ["credential_failure"]


async def test_W15_credential_of_another_party_than_the_one_that_offered_is_refused(house, holder):
    other = type(house.issuer)(house.clock, host="other.example", slug="school", signer=house.issuer.signer)
    house.transport.apps["other.example:443"] = other.app()
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    house.issuer.misbehave = "signed_by_another_party"
    answer = await holder.accept(offer["id"])
    assert (answer.json()["code"], answer.json()["step"]) == ("credential_refused", "issuer")
    assert await holder.badges() == []


async def test_W15_what_cannot_be_checked_waits_and_is_no_badge_until_it_was(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC], tx_code="493536"))
    routes = house.transport.apps["issuer.example:443"].router.routes
    status = next(route for route in routes if route.path.endswith("/status/1"))
    routes.remove(status)
    answer = await holder.accept(offer["id"], tx_code="493536")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_checked_yet")
    assert await holder.badges() == []
    assert house.issuer.notifications == []
    routes.append(status)
    before = len(house.issuer.sent_codes), len(house.issuer.holder_keys)
    assert (await holder.accept(offer["id"])).status_code == 201
    assert (len(house.issuer.sent_codes), len(house.issuer.holder_keys)) == before
    assert len(await holder.badges()) == 1


async def test_W16_issuer_hears_that_a_badge_was_accepted(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    assert [event for _, event in house.issuer.notifications] == ["credential_accepted"]


async def test_W16_issuer_hears_when_an_unchecked_badge_is_turned_down(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    routes = house.transport.apps["issuer.example:443"].router.routes
    routes.remove(next(route for route in routes if route.path.endswith("/status/1")))
    await holder.accept(offer["id"])
    assert (await holder.call("DELETE", f"/offers/{offer['id']}")).status_code == 204
    assert [event for _, event in house.issuer.notifications] == ["credential_deleted"]
    assert (await holder.accept(offer["id"])).json()["code"] == "offer_spent"


async def test_refusal_of_the_issuer_is_told_and_keeps_nothing(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    house.issuer.misbehave = "denied"
    assert (await holder.accept(offer["id"])).json()["code"] == "issuer_failed"
    assert await holder.badges() == []


async def test_W15_credential_whose_answer_breaks_off_is_not_kept_and_is_fetched_again(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    house.issuer.misbehave = "answer_cut_off"
    answer = await holder.accept(offer["id"])
    assert (answer.status_code, answer.json()["code"]) == (503, "unreachable")
    assert await holder.badges() == []
    house.issuer.misbehave = ""
    assert (await holder.accept(offer["id"])).status_code == 201
    assert house.issuer.requests.count("POST /token") == 1


async def test_offer_is_forgotten_after_a_day(house, holder):
    offer = await holder.open_offer(house.issuer.offer_link())
    house.clock.advance(timedelta(hours=25))
    await holder.sign_in()
    assert (await holder.call("GET", f"/offers/{offer['id']}")).status_code in (404, 410)


@pytest.mark.parametrize(
    "uri",
    [
        "http://issuer.example/o",
        "https://127.0.0.1/o",
        "https://[::1]/o",
        "https://2130706433/o",
        "https://169.254.169.254/latest/meta-data",
        "https://localhost/o",
        "https://issuer.example:8443/o",
        "file:///etc/passwd",
    ],
)
async def test_A42_offer_cannot_point_the_wallet_into_a_network(house, holder, uri):
    link = f"openid-credential-offer://?credential_offer_uri={uri}"
    answer = await holder.call("POST", "/offers", {"offer": link})
    assert answer.status_code == 400
    assert house.transport.requests == []


async def test_signed_bytes_are_kept_as_they_came(house, holder):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    export = (await holder.call("GET", "/export")).json()
    [form] = export["credentials"][0]["forms"]
    parsed = parse_credential(form["raw"])
    assert parsed.payload["vct"] == "https://issuer.example/vct/skill-badge/1"
    assert json.dumps(export).count(form["raw"]) == 1


async def test_W06_signed_metadata_of_a_recognised_issuer_is_used(house, holder):
    house.issuer.signs_metadata = "well"
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    assert offer["issuer_name"] == "Ondertekend"
    assert (await holder.accept(offer["id"])).status_code == 201


@pytest.mark.parametrize("signed", ["for another issuer", "by a stranger", "expired", "as another type"])
async def test_W06_other_signed_metadata_is_passed_over_for_what_is_said_in_the_open(house, holder, signed):
    house.issuer.signs_metadata = signed
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    assert offer["issuer_name"] == "Stichting Stimulering Techniek Maas en Waal"


@pytest.mark.parametrize("signed", ["refused", "of a web page", "too large"])
async def test_W06_signed_metadata_that_does_not_come_is_passed_over(house, holder, signed):
    """Neither an issuer that refuses to be asked for it, nor one whose signature makes it too large, is lost."""
    house.issuer.signs_metadata = signed
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    assert offer["issuer_name"] == "Stichting Stimulering Techniek Maas en Waal"
    asked = [
        request.headers["accept"] for request in house.transport.requests if "credential-issuer" in request.url.path
    ]
    assert [accept.partition(",")[0] for accept in asked] == ["application/jwt", "application/json"]


ODD = {
    "draft": {"format": "vc+sd-jwt", "vct": "https://issuer.example/vct/old"},
    "no_format": {"scope": "x"},
    "no_object": [],
    "no_proofs": {"format": "dc+sd-jwt", "vct": "x", "cryptographic_binding_methods_supported": ["jwk"]},
}


@pytest.mark.parametrize("odd", ODD)
async def test_W04_odd_configuration_that_nobody_offers_spoils_nothing(house, holder, odd):
    house.issuer.more_configurations = {"odd": ODD[odd]}
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC, "odd"]))
    assert [entry["configuration_id"] for entry in offer["credentials"]] == [DC]
    assert (await holder.accept(offer["id"])).status_code == 201


@pytest.mark.parametrize("odd", ODD)
async def test_W04_odd_configuration_that_is_offered_alone_is_refused_as_the_issuers_mistake(house, holder, odd):
    house.issuer.more_configurations = {"odd": ODD[odd]}
    answer = await holder.call("POST", "/offers", {"offer": house.issuer.offer_link(configurations=["odd"])})
    body = answer.json()
    assert (answer.status_code, body["code"], body["side"]) == (502, "issuer_unreadable", "issuer")


@pytest.mark.parametrize(
    "members",
    [
        {"display": [{"name": "x", "logo": {"uri": "http://issuer.example/logo.png"}}]},
        {"display": [{"name": "x", "logo": {"uri": "ipfs://bafy/logo.png"}}]},
        {"deferred_credential_endpoint": None, "notification_endpoint": None, "batch_credential_issuance": None},
    ],
)
async def test_W04_picture_that_may_not_be_shown_and_null_spoil_nothing(house, holder, members):
    house.issuer.metadata_members = members
    await holder.receive(house.issuer.offer_link(configurations=[DC]))


def described(number, securing):
    """A badge described in full, in two languages, as issuers describe some 17 KB of it in six forms."""
    texts = {"nl": f"Vakbekwaam monteur {number}", "en": f"Skilled mechanic {number}"}
    return {
        **SIMPLE[securing],
        "scope": f"badge-{number}.{securing}",
        "cryptographic_binding_methods_supported": ["did:jwk", "jwk"],
        "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
        "credential_metadata": {
            "display": [{"name": text, "locale": locale, "description": "d" * 200} for locale, text in texts.items()],
            "claims": [
                {
                    "path": ["credentialSubject", "achievement", f"claim_{claim}"],
                    "display": [{"name": f"{text} {claim}", "locale": locale} for locale, text in texts.items()],
                }
                for claim in range(14)
            ],
        },
    }


SIMPLE = {
    "dc-sd-jwt": {"format": "dc+sd-jwt", "vct": "https://issuer.example/vct/skill-badge/1"},
    **{
        f"w3c-{number}": {"format": "ldp_vc", "credential_definition": {"type": ["VerifiableCredential", "x"]}}
        for number in range(5)
    },
}
MANY = {f"badge-{n}.{securing}": described(n, securing) for n in range(200) for securing in SIMPLE}


@pytest.mark.parametrize("signed", ["", "well"])
async def test_I12_K83_issuer_with_two_hundred_full_badges_can_offer_one(house, holder, signed):
    house.issuer.more_configurations = MANY
    house.issuer.signs_metadata = signed
    assert 2_000_000 < len(json.dumps(MANY)) < house.settings.issuer_metadata_bytes
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    assert offer["issuer_name"] == ("Ondertekend" if signed else house.issuer.name)
    assert (await holder.accept(offer["id"])).status_code == 201


async def test_W08_badge_beyond_the_hundredth_is_found_at_an_issuer_that_is_asked(house, holder):
    house.issuer.more_configurations = MANY
    asked = await holder.call("POST", "/issuers", {"issuer": house.issuer.identifier})
    offered = {entry["configuration_id"] for entry in asked.json()["credentials"]}
    assert "badge-199.dc-sd-jwt" in offered
    browser = house.new_browser()
    await browser.get("/sign-in")
    await browser.post("/sign-in", name=holder.name, passphrase=holder.passphrase, next="/badges")
    path = f"/offers/{asked.json()['id']}"
    first = (await browser.get(path)).text
    assert ("Je ziet er 50 van 201." in first, "monteur 199" in first) == (True, False)
    found = (await browser.get(f"{path}?search=MONTEUR+199")).text
    assert (found.count('type="radio"'), 'value="Vakbekwaam monteur 199"' in found) == (1, True)
    assert "We vonden geen badge met deze woorden." in (await browser.get(f"{path}?search=kapper")).text
    to_issuer = await browser.post(f"{path}/sign-in", badge="Vakbekwaam monteur 199")
    assert to_issuer.status_code == 200
    [pushed] = house.issuer.pushed
    chosen = {detail.credential_configuration_id for detail in pushed.authorization_details}
    assert "badge-199.dc-sd-jwt" in chosen


async def test_K83_issuer_that_says_more_than_is_read_is_told_apart(house, holder):
    house.issuer.metadata_members = {"padding": ["x" * 1_000_000] * 9}
    answer = await holder.call("POST", "/offers", {"offer": house.issuer.offer_link(configurations=[DC])})
    assert (answer.status_code, answer.json()["code"]) == (502, "issuer_too_large")


async def test_W06_signed_metadata_of_an_issuer_that_nobody_recognises_is_passed_over(house, holder):
    house.sign_trust_list(house.verification())
    house.issuer.signs_metadata = "well"
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[DC]))
    assert offer["issuer_name"] == "Stichting Stimulering Techniek Maas en Waal"
