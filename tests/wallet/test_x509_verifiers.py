"""Requests of verifiers that are known by a certificate: real chains, made here. OpenID4VP 1.0 §5.9.3; W-43, W-44."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kernel.jwt import parse_jwt, sign_jwt
from kernel.trust_list import ServiceState
from kernel.x5c import x509_hash
from tests.support.badges import SKILLS
from tests.support.certificates import create_authority, create_leaf
from tests.support.clock import NOW
from tests.support.simulated_issuer import DC

FIRST = next(iter(SKILLS))
AUTHORITY = create_authority(NOW)
LEAF = create_leaf(AUTHORITY, NOW, dns_names=["verifier.example"])
OTHER_NAME = create_leaf(AUTHORITY, NOW, dns_names=["elsewhere.example"])
OTHER_AUTHORITY = create_authority(NOW)
STRANGER = create_leaf(OTHER_AUTHORITY, NOW, dns_names=["verifier.example"])
EXPIRED = create_leaf(AUTHORITY, NOW - timedelta(days=40), dns_names=["verifier.example"])
BELOW_A_LEAF = create_leaf(LEAF, NOW, dns_names=["verifier.example"])
REGISTRAR_AUTHORITY = create_authority(NOW)
REGISTRAR = create_leaf(REGISTRAR_AUTHORITY, NOW)
SAN, HASH = "x509_san_dns:verifier.example", f"x509_hash:{x509_hash(LEAF.certificate)}"


@pytest.fixture
def settings(tmp_path):
    anchors = tmp_path / "registrars.pem"
    anchors.write_bytes(REGISTRAR_AUTHORITY.certificate.public_bytes(Encoding.PEM))
    return {"registrar_anchors": anchors}


@pytest.fixture
async def badge(house, holder):
    house.sign_trust_list(house.issuance(), house.verification(certificates=(AUTHORITY.certificate,)))
    return await holder.receive(house.issuer.offer_link(configurations=[DC]))


def link(house, client_id, *, leaf=LEAF, chain=None, **changes):
    """A question by value, signed by a certificate."""
    house.verifier.ask(house.verifier.skill_query(FIRST))
    payload = dict(parse_jwt(house.verifier.request_object(None)).payload) | {"client_id": client_id} | changes
    header = {"x5c": [leaf.x5c] if chain is None else chain}
    raw = sign_jwt(payload, signer=leaf.signer, typ="oauth-authz-req+jwt", header=header)
    return f"openid4vp://?client_id={quote(client_id, safe='')}&request={raw}"


@pytest.mark.parametrize("client_id", [SAN, HASH])
async def test_W43_W44_verifier_with_a_certificate_under_a_listed_anchor_is_answered(house, holder, badge, client_id):
    asked = await holder.open_request(link(house, client_id))
    assert asked["verifier"]["host"] == "verifier.example"
    assert asked["verifier"]["is_signed"]
    assert (await holder.call("POST", f"/requests/{asked['id']}/accept", {})).status_code == 200
    assert len(house.verifier.received) == 1


@pytest.mark.parametrize("dns_names", [(), ["*.example"], ["*.verifier.example"]])
async def test_W44_W46_organisation_without_a_host_in_its_certificate_is_answered(house, holder, badge, dns_names):
    """One that has names is answered under these alone; `verifier.example` is below neither of the two."""
    leaf = create_leaf(AUTHORITY, NOW, dns_names=dns_names)
    question = link(house, f"x509_hash:{x509_hash(leaf.certificate)}", leaf=leaf)
    heard = await holder.call("POST", "/requests", {"request": question})
    assert heard.status_code == (400 if dns_names else 201)
    if not dns_names:
        assert (await holder.call("POST", f"/requests/{heard.json()['id']}/accept", {})).status_code == 200
        assert len(house.verifier.received) == 1


@pytest.mark.parametrize(
    ("client_id", "changes"),
    [
        (SAN, {"leaf": OTHER_NAME}),
        (SAN, {"leaf": STRANGER}),
        (SAN, {"leaf": EXPIRED}),
        (SAN, {"leaf": BELOW_A_LEAF, "chain": [BELOW_A_LEAF.x5c, LEAF.x5c]}),
        (SAN, {"leaf": BELOW_A_LEAF, "chain": [BELOW_A_LEAF.x5c, LEAF.x5c, AUTHORITY.x5c]}),
        (SAN, {"leaf": STRANGER, "chain": [STRANGER.x5c, OTHER_AUTHORITY.x5c]}),
        (SAN, {"chain": []}),
        (SAN, {"chain": ["AAAA"]}),
        (SAN, {"chain": [LEAF.x5c, AUTHORITY.x5c, LEAF.x5c]}),
        (SAN, {"chain": [OTHER_NAME.x5c]}),
        (SAN, {"response_uri": "https://elsewhere.example/responses/1"}),
        ("x509_san_dns:example", {}),
        ("x509_san_dns:*.example", {}),
        (HASH, {"leaf": OTHER_NAME}),
        (HASH, {"leaf": STRANGER}),
        (HASH, {"response_uri": "https://elsewhere.example/responses/1"}),
        ("x509_hash:AAAA", {}),
        (HASH.swapcase(), {}),
    ],
)  # fmt: skip
async def test_W43_A05_A34_A35_certificate_that_proves_somebody_else_is_refused(
    house, holder, badge, client_id, changes
):
    heard = await holder.call("POST", "/requests", {"request": link(house, client_id, **changes)})
    assert (heard.status_code, heard.json()["code"]) == (400, "request_refused")
    assert "POST /responses" not in house.verifier.requests


async def test_W43_certificate_without_a_list_of_anchors_proves_nothing(house, holder):
    heard = await holder.call("POST", "/requests", {"request": link(house, SAN)})
    assert heard.json()["code"] == "request_refused"


async def test_W43_certificate_under_an_anchor_of_issuers_proves_no_verifier(house, holder):
    house.sign_trust_list(house.issuance(certificates=(AUTHORITY.certificate,)), house.verification())
    heard = await holder.call("POST", "/requests", {"request": link(house, SAN)})
    assert heard.json()["code"] == "request_refused"


OWN = {"identifiers": frozenset(), "certificates": (LEAF.certificate,)}


@pytest.mark.parametrize("client_id", [SAN, HASH])
@pytest.mark.parametrize("identifiers", [frozenset(), frozenset({"did:web:verifier.example:bakker"})])
async def test_T05_T10_verifier_whose_own_certificate_is_listed_is_recognised(house, holder, client_id, identifiers):
    house.sign_trust_list(house.issuance(), house.verification(**OWN | {"identifiers": identifiers}))
    asked = await holder.open_request(link(house, client_id))
    assert asked["verifier"]["recognition"]["outcome"] == "recognised"
    assert asked["verifier"]["recognition"]["entity_name"] == "Partij werkgever"


@pytest.mark.parametrize("identifier", [SAN, SAN.partition(":")[2], HASH])
async def test_T05_T10_verifier_whose_identifier_and_authority_are_listed_is_recognised(house, holder, identifier):
    client_id = HASH if identifier == HASH else SAN
    listed = house.verification(identifiers=frozenset({identifier}), name="zelf")
    authority = house.verification(identifiers=frozenset(), certificates=(AUTHORITY.certificate,), name="gezag")
    house.sign_trust_list(listed, authority)
    asked = await holder.open_request(link(house, client_id))
    assert asked["verifier"]["recognition"]["entity_name"] == "Partij zelf"


async def test_T05_T10_verifier_under_a_listed_authority_is_not_listed_itself(house, holder):
    listed = house.verification(identifiers=frozenset(), certificates=(AUTHORITY.certificate,))
    house.sign_trust_list(house.issuance(), listed)
    asked = await holder.open_request(link(house, SAN))
    assert asked["verifier"]["recognition"]["outcome"] == "not_listed"


async def test_A47_verifier_with_a_listed_name_and_another_certificate_is_not_recognised(house, holder):
    pinned = house.verification(identifiers=frozenset({SAN}), certificates=(LEAF.certificate,))
    authority = house.verification(identifiers=frozenset(), certificates=(AUTHORITY.certificate,))
    house.sign_trust_list(pinned, authority)
    same_name = create_leaf(AUTHORITY, NOW, dns_names=["verifier.example"])
    asked = await holder.open_request(link(house, SAN, leaf=same_name))
    assert asked["verifier"]["recognition"]["outcome"] == "not_listed"


async def test_T10_withdrawn_certificate_says_so(house, holder):
    withdrawn = (ServiceState("withdrawn", NOW - timedelta(days=1)), ServiceState("granted", NOW - timedelta(days=9)))
    house.sign_trust_list(house.issuance(), house.verification(**OWN, states=withdrawn))
    asked = await holder.open_request(link(house, SAN))
    assert asked["verifier"]["recognition"]["outcome"] == "withdrawn"


def registered(client_id, *, registrar=REGISTRAR, **changes):
    """An entry of `verifier_info` with what a registrar certifies."""
    payload = {
        "sub": client_id,
        "name": "Bakker Bouw B.V.",
        "purpose": [{"lang": "nl", "value": "Nagaan welke skills een sollicitant heeft"}],
        "exp": int((NOW + timedelta(days=90)).timestamp()),
        **changes,
    }
    raw = sign_jwt(payload, signer=registrar.signer, typ="rc-wrp+jwt", header={"x5c": [registrar.x5c]})
    return {"format": "registration_cert", "data": raw}


async def test_W57_registered_purpose_and_name_are_shown_with_who_certifies_them(house, holder, badge):
    unknown = {"format": "something_else", "data": {"x": 1}}
    asked = await holder.open_request(link(house, HASH, verifier_info=[unknown, registered(HASH)]))
    assert asked["verifier"]["registration"] == {
        "name": "Bakker Bouw B.V.",
        "purpose": {"nl": "Nagaan welke skills een sollicitant heeft"},
        "registrar": "Leaf",
    }
    browser = house.new_browser()
    await browser.get("/sign-in")
    await browser.post("/sign-in", name=holder.name, passphrase=holder.passphrase, next="/badges")
    page = await browser.get(f"/requests/{asked['id']}")
    assert "Nagaan welke skills een sollicitant heeft" in page.text
    assert "Zo staan zij ingeschreven bij Leaf" in page.text


NUMBER = "NTRNL-12345678"
NUMBERED = create_leaf(AUTHORITY, NOW, dns_names=["verifier.example"], number=NUMBER)


@pytest.mark.parametrize("client_id", [SAN, f"x509_hash:{x509_hash(NUMBERED.certificate)}"])
async def test_W57_registration_is_about_the_organisation_whose_number_the_certificate_bears(
    house, holder, badge, client_id
):
    """ETSI TS 119 475: `sub` is the number of the organisation, which its access certificate has in its subject."""
    asked = await holder.open_request(link(house, client_id, leaf=NUMBERED, verifier_info=[registered(NUMBER)]))
    assert asked["verifier"]["registration"]["name"] == "Bakker Bouw B.V."


async def test_W57_registration_of_another_number_or_of_nobodys_is_passed_over(house, holder, badge):
    another = link(house, SAN, leaf=NUMBERED, verifier_info=[registered("NTRNL-87654321")])
    assert (await holder.open_request(another))["verifier"]["registration"] is None
    numberless = link(house, SAN, verifier_info=[registered(NUMBER)])
    assert (await holder.open_request(numberless))["verifier"]["registration"] is None


@pytest.mark.parametrize(
    "info",
    [
        registered("x509_hash:somebody-else"),
        registered(HASH, exp=1),
        registered(HASH, registrar=create_leaf(create_authority(NOW), NOW)),
        registered(HASH, registrar=LEAF),
        {"format": "registration_cert", "data": "no.jwt.at-all"},
        {"format": "registration_cert", "data": {"x": 1}},
        {"format": "jwt", "data": registered(HASH)["data"]},
    ],
    ids=["another_party", "expired", "another_registrar", "itself", "unreadable", "object", "another_format"],
)
async def test_W57_registration_that_does_not_hold_is_passed_over(house, holder, badge, info):
    asked = await holder.open_request(link(house, HASH, verifier_info=[info]))
    assert asked["verifier"]["registration"] is None
    assert asked["answerable"]
