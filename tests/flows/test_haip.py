"""HAIP 1.0 from end to end: our issuer, our wallet and our verifier, over HTTP between all parties.

The organisation signs with a certificate (I-76). The wallet pushes its request, proves its key and shows what its
provider attests of itself and of its keys (I-33, I-45, I-50); the issuer knows that provider by the ecosystem's list
alone. The verifier asks by its certificate, names the authorities that it believes (`aki`), and gets an encrypted
answer. Each test changes one thing.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cli.clients import ProblemError, WalletClient
from cli.trust_files import Entry
from kernel import base64url
from kernel.jwt import parse_jwt
from kernel.keys import parse_public_jwk
from kernel.x5c import x509_hash
from tests.conftest import NewDatabase
from tests.flows.reports import outcomes
from tests.flows.test_signing_in import Browser
from tests.support.certificates import Certified, create_authority, create_leaf
from tests.support.clock import NOW
from tests.support.house import (
    ACHIEVEMENT,
    HRM,
    ISSUER,
    ORGANISATION,
    RECRUITER,
    REPORTING,
    SKILLS,
    VCT,
    House,
    open_house,
)

HAIP = f"{ACHIEVEMENT}.haip"
LONG_AGO = NOW - timedelta(days=300)
ISSUERS, VERIFIERS, WALLETS, OTHERS = (create_authority(NOW) for _ in range(4))
PROVIDER = create_leaf(WALLETS, NOW)
CLIENT = create_leaf(VERIFIERS, NOW, dns_names=["verifier.skills.example"])
SCHOOL = Entry(
    "Techniek",
    (f"{ISSUER}/{ORGANISATION}",),
    "issuance",
    LONG_AGO,
    credential_types=(VCT,),
    achievement_types=("Badge",),
    certificates=(ISSUERS.certificate,),
)
RECRUITERS = Entry("Werkt", (), "verification", LONG_AGO, certificates=(CLIENT.certificate,))
PROVIDERS = Entry("Skillswallet", (), "wallet-provision", LONG_AGO, certificates=(WALLETS.certificate,))
LISTED = (SCHOOL, RECRUITERS, PROVIDERS)
ALL = ("format", "issuer_key", "signature", "validity", "holder_binding", "status", "issuer_recognised", "query")


@dataclass
class Ecosystem:
    house: House
    question_id: str

    async def fetch_badge(self) -> tuple[WalletClient, dict[str, Any]]:
        """Sign in with the issuer, in a new wallet, for the badge in its HAIP form; what the wallet then has."""
        await self.house.award()
        wallet, browser = await self.house.new_wallet(), Browser(self.house)
        offer = await wallet.call("POST", "/api/issuers", {"issuer": f"{ISSUER}/{ORGANISATION}"})
        begun = await wallet.call(
            "POST", f"/api/offers/{offer['id']}/authorization", {"credential_configuration_ids": [HAIP]}
        )
        answer = await browser.sign_in_and_agree(begun["authorization_url"])
        receipt = await wallet.call("POST", "/api/authorization-responses", answer)
        await browser.http.aclose()
        [badge] = receipt["credentials"]
        return wallet, badge

    async def ask(self) -> dict[str, Any]:
        return await self.house.ask(question_id=self.question_id)


@pytest.fixture
async def ecosystem(new_database: NewDatabase, tmp_path: Path) -> AsyncIterator[Ecosystem]:
    chain = tmp_path / "provider.pem"
    chain.write_bytes(PROVIDER.certificate.public_bytes(Encoding.PEM))
    provider = {"provider_key": json.dumps(PROVIDER.signer.private_jwk()), "provider_certificates": chain}
    listed = {"listed_wallet_providers": True}
    async with open_house(new_database, tmp_path, issuer_settings=listed, wallet_settings=provider) as house:
        house.sign_trust_list(*LISTED)
        await certify_school(house, ISSUERS)
        await certify_recruiter(house)
        skills = [{"uri": uri, "name": SKILLS[uri], "required": True} for uri in (HRM, REPORTING)]
        question = {"title": "HR", "purpose": "Voor de vacature.", "skills": skills}
        asked = await house.verifier.create_question(
            RECRUITER, {**question, "policy": "haip", "trusted_authorities": True}
        )
        assert asked["trusted_authorities"] is True
        yield Ecosystem(house, asked["id"])


async def certify_school(house: House, authority: Certified) -> None:
    """A certificate for the key that the organisation signs badges with."""
    keys = await house.issuer.signing_keys(ORGANISATION)
    key = next(parse_public_jwk(each["public_jwk"]) for each in keys if each["algorithm"] == "ES256").key
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Stichting Techniek")]))
        .issuer_name(authority.certificate.subject)
        .public_key(key)  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=29))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("issuer.skills.example")]), critical=False)
        .add_extension(identifier, critical=False)
        .sign(authority.key, SHA256())
    )
    await house.issuer.set_certificates(ORGANISATION, leaf.public_bytes(Encoding.PEM).decode())


async def certify_recruiter(house: House) -> None:
    key = CLIENT.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    chain = CLIENT.certificate.public_bytes(Encoding.PEM).decode()
    await house.verifier.keep_certificate(RECRUITER, chain=chain, key=key)


def key_identifier(authority: Certified) -> str:
    return base64url.encode(x509.SubjectKeyIdentifier.from_public_key(authority.key.public_key()).digest)


def requests_to(house: House, path: str) -> list[Any]:
    return [request for request in house.transport.requests if request.url.path.endswith(path)]


async def test_I01_I05_I33_W01_a_badge_is_fetched_by_the_offer_for_wallets_under_haip(ecosystem: Ecosystem) -> None:
    """HAIP 1.0 §4.2. The offer names the award, so there is nothing to choose, and no code to type."""
    house = ecosystem.house
    award = await house.award()
    wallet, browser = await house.new_wallet(), Browser(house)
    offer = await wallet.call("POST", "/api/offers", {"offer": award["offer"]["haip_link"]})
    begun = await wallet.call(
        "POST", f"/api/offers/{offer['id']}/authorization", {"credential_configuration_ids": [HAIP]}
    )
    answer = await browser.sign_in_and_agree(begun["authorization_url"])
    receipt = await wallet.call("POST", "/api/authorization-responses", answer)
    await browser.http.aclose()
    [badge] = receipt["credentials"]
    assert (badge["state"], badge["formats"]) == ("valid", ["dc+sd-jwt"])
    # Either link uses up the one offer.
    with pytest.raises(ProblemError):
        await (await house.new_wallet()).call("POST", "/api/offers", {"offer": award["offer"]["link"]})


async def test_I33_I76_T05_V04_a_badge_makes_the_whole_way_under_haip(ecosystem: Ecosystem) -> None:
    house = ecosystem.house
    wallet, badge = await ecosystem.fetch_badge()
    assert (badge["state"], badge["recognition"]["outcome"], badge["formats"]) == ("valid", "recognised", ["dc+sd-jwt"])

    # What the wallet proved of itself and its keys. HAIP §4.3, §4.4.1, §4.5.1.
    pushed = requests_to(house, "/par")[-1]
    token_request = requests_to(house, "/token")[-1]
    for request in (pushed, token_request):
        assert parse_jwt(request.headers["oauth-client-attestation"]).header["x5c"] == [PROVIDER.x5c]
        assert "oauth-client-attestation-pop" in request.headers
        assert parse_jwt(request.headers["dpop"]).header["typ"] == "dpop+jwt"
    form = dict(parse_qsl(pushed.content.decode()))
    assert form["code_challenge_method"] == "S256"
    assert "code_verifier" in dict(parse_qsl(token_request.content.decode()))

    started = await ecosystem.ask()
    link = parse_qs(urlsplit(started["link"]).query)
    assert started["link"].startswith("haip-vp:")
    assert link["client_id"] == [f"x509_hash:{x509_hash(CLIENT.certificate)}"]
    question = await wallet.open_request(started["link"])
    assert question["answerable"]
    assert question["verifier"]["recognition"]["outcome"] == "recognised"
    await wallet.accept_request(question["id"])

    # What was asked, and how it was answered. HAIP §5.
    [answered] = [request for request in house.transport.requests if "/responses/" in request.url.path]
    assert list(dict(parse_qsl(answered.content.decode()))) == ["response"]
    presentation = await house.result(started)
    assert {code: outcome for code, (outcome, _) in outcomes(presentation).items()} == dict.fromkeys(ALL, "passed")
    assert presentation["report"]["accepted"] is True
    await wallet.close()


async def test_T05_K97_the_question_names_the_authorities_that_the_list_has_now(ecosystem: Ecosystem) -> None:
    house = ecosystem.house
    started = await ecosystem.ask()
    stranger = await house.stranger.read_question(started["link"])
    named = [entry["trusted_authorities"] for entry in stranger.dcql_query["credentials"]]
    assert named == [[{"type": "aki", "values": [key_identifier(ISSUERS)]}]] * 2
    other = replace(SCHOOL, name="Ander", certificates=(OTHERS.certificate,))
    house.sign_trust_list(*LISTED, other)
    again = await house.stranger.read_question((await ecosystem.ask())["link"])
    [first, _] = again.dcql_query["credentials"]
    assert first["trusted_authorities"][0]["values"] == sorted(map(key_identifier, (ISSUERS, OTHERS)))


async def test_K97_the_wallet_proposes_no_badge_of_another_authority(ecosystem: Ecosystem) -> None:
    """The same badge, the same skills; only who certified its issuer is not whom the verifier believes."""
    wallet, _ = await ecosystem.fetch_badge()
    ecosystem.house.sign_trust_list(replace(SCHOOL, certificates=(OTHERS.certificate,)), RECRUITERS, PROVIDERS)
    started = await ecosystem.ask()
    question = await wallet.open_request(started["link"])
    assert question["answerable"] is False
    plain = await ecosystem.house.ask(policy="haip")
    assert (await wallet.open_request(plain["link"]))["answerable"] is True
    await wallet.close()


async def test_V28_an_authority_that_the_wallet_did_not_mind_is_found_out_here(ecosystem: Ecosystem) -> None:
    """A badge whose chain ends elsewhere, shown all the same by a wallet that filters nothing."""
    house = ecosystem.house
    wallet, _ = await ecosystem.fetch_badge()
    started = await ecosystem.ask()
    question = await wallet.open_request(started["link"])
    house.sign_trust_list(SCHOOL, RECRUITERS, PROVIDERS, replace(SCHOOL, certificates=(OTHERS.certificate,)))
    await wallet.accept_request(question["id"])
    assert outcomes(await house.result(started))["query"] == ("passed", None)
    # Now nobody on the list is certified by whom this badge names: its key has no way to an anchor.
    started = await ecosystem.ask()
    question = await wallet.open_request(started["link"])
    house.sign_trust_list(RECRUITERS, PROVIDERS, replace(SCHOOL, certificates=(OTHERS.certificate,)))
    await wallet.accept_request(question["id"])
    presentation = await house.result(started)
    assert presentation["report"]["accepted"] is False
    assert outcomes(presentation)["issuer_key"][0] == "failed"
    await wallet.close()


async def test_T06_a_school_that_was_withdrawn_is_not_asked_for_and_its_badge_not_believed(
    ecosystem: Ecosystem,
) -> None:
    house = ecosystem.house
    wallet, _ = await ecosystem.fetch_badge()
    started = await ecosystem.ask()
    question = await wallet.open_request(started["link"])
    gone = replace(SCHOOL, state="withdrawn", since=NOW - timedelta(days=10))
    house.sign_trust_list(gone, RECRUITERS, PROVIDERS)
    await wallet.accept_request(question["id"])
    presentation = await house.result(started)
    assert presentation["report"]["accepted"] is False
    assert outcomes(presentation)["issuer_recognised"] == ("failed", "issuer")
    with pytest.raises(ProblemError) as caught:
        await ecosystem.ask()
    assert (caught.value.status, caught.value.body["fields"]) == (400, {"trusted_authorities": "none"})
    await wallet.close()


async def test_T06_without_the_list_nothing_is_asked_by_it(ecosystem: Ecosystem) -> None:
    house = ecosystem.house
    house.sign_trust_list(*LISTED, valid_for=timedelta(minutes=10))
    await ecosystem.ask()
    house.clock.advance(timedelta(minutes=11))
    with pytest.raises(ProblemError) as caught:
        await ecosystem.ask()
    assert caught.value.status == 503
    assert (await house.ask())["link"]


async def test_I45_T06_a_wallet_whose_provider_was_withdrawn_gets_no_badge(ecosystem: Ecosystem) -> None:
    house = ecosystem.house
    gone = replace(PROVIDERS, state="withdrawn", since=NOW - timedelta(days=1))
    house.sign_trust_list(SCHOOL, RECRUITERS, gone)
    with pytest.raises(ProblemError):
        await ecosystem.fetch_badge()
    assert not requests_to(house, "/token")


async def test_T05_a_verifier_whose_certificate_nobody_lists_is_not_answered(ecosystem: Ecosystem) -> None:
    house = ecosystem.house
    wallet, _ = await ecosystem.fetch_badge()
    started = await ecosystem.ask()
    house.sign_trust_list(SCHOOL, PROVIDERS)
    with pytest.raises(ProblemError):
        await wallet.open_request(started["link"])
    assert not [request for request in house.transport.requests if "/responses/" in request.url.path]
    await wallet.close()
