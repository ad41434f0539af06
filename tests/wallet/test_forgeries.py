"""What an issuer, its status host and a verifier can forge, as the wallet meets it. PROFILE.md section 11.

The ways are those of `tests/support/forgeries.py`; each test ends with what is honest, so that it is the forging that
was refused.
"""

from datetime import timedelta

import pytest

from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner
from tests.support.badges import SKILLS
from tests.support.forgeries import (
    EVIL,
    SD_JWTS,
    TOKENS,
    in_credential,
    leading_deeper,
    off_its_curve,
    poisoned,
    with_remote_context,
)
from tests.support.simulated_issuer import DC, WHOLE
from tests.support.status_host import LIES, StatusHost

pytestmark = pytest.mark.over_http

FIRST, SECOND, *_ = SKILLS
CREDENTIALS = {attack: {name: in_credential(forge) for name, forge in ways.items()} for attack, ways in TOKENS.items()}


async def accept(house, holder, configuration=DC):
    offer = await holder.open_offer(house.issuer.offer_link(configurations=[configuration]))
    return await holder.accept(offer["id"])


async def assert_refused(house, holder, forge, configuration=DC):
    """Nothing is kept, and the issuer hears why."""
    house.issuer.forge = forge
    house.issuer.notifications.clear()
    answer = await accept(house, holder, configuration)
    assert (answer.status_code, answer.json()["code"]) == (502, "credential_refused")
    assert [event for _, event in house.issuer.notifications] == ["credential_failure"]
    assert await holder.badges() == []


def hosts_asked(house):
    return {request.url.host for request in house.transport.requests}


@pytest.mark.parametrize("attack", CREDENTIALS)
async def test_A01_A02_A03_A06_A07_A08_A09_a_forged_credential_is_not_kept(house, holder, attack):
    for forge in CREDENTIALS[attack].values():
        await assert_refused(house, holder, forge)
    assert EVIL not in hosts_asked(house)
    house.issuer.forge = None
    assert (await accept(house, holder)).status_code == 201


@pytest.mark.parametrize("attack", SD_JWTS)
async def test_A11_A12_A13_a_credential_with_a_forged_disclosure_is_not_kept(house, holder, attack):
    for forge in SD_JWTS[attack].values():
        await assert_refused(house, holder, forge)


@pytest.mark.parametrize("attack", [poisoned, leading_deeper])
async def test_A21_a_credential_that_is_made_to_exhaust_its_reader_is_not_kept(house, holder, attack):
    await assert_refused(house, holder, attack, WHOLE)
    house.issuer.forge = None
    assert (await accept(house, holder, WHOLE)).status_code == 201


async def test_A20_a_credential_with_a_context_elsewhere_is_not_kept_and_nobody_fetches_it(house, holder):
    await assert_refused(house, holder, with_remote_context, WHOLE)
    assert EVIL not in hosts_asked(house)


async def test_A10_a_key_that_is_no_longer_the_issuers_signs_nothing_once_its_document_is_read_anew(house, holder):
    assert (await accept(house, holder)).status_code == 201
    old, house.issuer.signer = house.issuer.signer, SoftwareSigner.generate()
    house.issuer.forge = in_credential(lambda token, _: _resign(token, old))
    house.clock.advance(timedelta(hours=1))
    await holder.sign_in()
    answer = await accept(house, holder)
    assert (answer.status_code, answer.json()["code"]) == (502, "credential_refused")
    house.issuer.forge = None
    assert (await accept(house, holder)).status_code == 201


def _resign(token, signer):
    read = parse_jwt(token)
    return sign_jwt(read.payload, signer=signer, typ=read.header["typ"], header={"kid": read.header["kid"]})


def without_assertion(document):
    return {**document, "assertionMethod": []}


def for_credentials_alone(document):
    """What is embedded in a relation may be used for that alone. DID Core 1.0 §5.3."""
    methods = document["verificationMethod"]
    return {**document, "verificationMethod": [], "authentication": [], "assertionMethod": methods}


def with_keys(change):
    def changed(document):
        methods = [
            {**method, "publicKeyJwk": change(method["publicKeyJwk"])}
            if method.get("publicKeyJwk", {}).get("crv") == "P-256"
            else method
            for method in document["verificationMethod"]
        ]
        return {**document, "verificationMethod": methods}

    return changed


KEYS = {
    "A04": without_assertion,
    "A06": with_keys(off_its_curve),
    "A07": with_keys(lambda jwk: {**jwk, "d": jwk["x"]}),
}


@pytest.mark.parametrize("attack", KEYS)
async def test_A04_A06_A07_a_credential_by_a_key_that_may_not_sign_it_is_not_kept(house, holder, attack):
    """The issuer's DID document names the key for another purpose, off its curve, or with its private part."""
    house.issuer.change_did_document = KEYS[attack]
    await assert_refused(house, holder, None)
    house.issuer.change_did_document = None
    house.clock.advance(timedelta(hours=1))
    await holder.sign_in()
    assert (await accept(house, holder)).status_code == 201


@pytest.mark.parametrize("attack", TOKENS)
async def test_A01_A02_A03_A06_A07_A08_A09_A46_a_forged_status_list_makes_no_badge_valid(house, holder, attack):
    for forge in TOKENS[attack].values():
        house.issuer.forge_list = forge
        answer = await accept(house, holder)
        assert answer.status_code in (502, 503), answer.text
        assert await holder.badges() == []
    assert EVIL not in hosts_asked(house)
    house.issuer.forge_list = None
    assert (await accept(house, holder)).status_code == 201


@pytest.mark.parametrize("way", LIES)
async def test_W32_K42_A46_a_host_that_lies_about_a_list_makes_no_badge_valid(house, holder, way):
    """An older list that still holds, too: what it says is what was so before (the newest one that was seen counts)."""
    house.issuer.forge_list = host = StatusHost(way)
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    for is_lying, state in ((False, "valid"), (True, "unknown"), (False, "valid")):
        house.clock.advance(timedelta(minutes=5))
        host.is_lying = is_lying
        assert [badge["state"] for badge in await holder.badges()] == [state]


async def open_request(house, holder, query=None):
    asked = query or house.verifier.skill_query(FIRST)
    return await holder.call("POST", "/requests", {"request": house.verifier.ask(asked)})


@pytest.mark.parametrize("attack", TOKENS)
async def test_A01_A02_A03_A06_A07_A08_A09_A34_a_forged_question_is_not_shown_and_nobody_is_told(house, holder, attack):
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    for forge in TOKENS[attack].values():
        house.verifier.forge = forge
        answer = await open_request(house, holder)
        assert (answer.status_code, answer.json()["code"]) == (400, "request_refused")
        assert "request_id" not in answer.json()
    assert house.verifier.received == []
    assert EVIL not in hosts_asked(house)
    house.verifier.forge = None
    assert (await open_request(house, holder)).status_code == 201


@pytest.mark.parametrize("attack", ["A04", "A06", "A07"])
async def test_A04_A06_A07_a_question_by_a_key_that_may_not_sign_it_is_not_shown(house, holder, attack):
    house.verifier.change_did_document = for_credentials_alone if attack == "A04" else KEYS[attack]
    answer = await open_request(house, holder)
    assert (answer.status_code, answer.json()["code"]) == (400, "request_refused")
    assert house.verifier.received == []


@pytest.mark.parametrize("index", range(4))
async def test_A14_a_place_in_a_list_is_counted_in_the_whole_list_and_only_that_element_is_shown(house, holder, index):
    """Elements that are kept back, and decoys between them, shift nothing."""
    await holder.receive(house.issuer.offer_link(configurations=[DC]))
    query = house.verifier.skill_query(FIRST)
    query["credentials"][0]["claims"] = [{"path": ["achievement", "alignment", index, "targetUrl"]}]
    asked = (await open_request(house, holder, query)).json()
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    shown = house.verifier.verify("skill_1", house.issuer.signer.public_key)
    assert [each["targetUrl"] for each in shown.credential.claims["achievement"]["alignment"]] == [list(SKILLS)[index]]
