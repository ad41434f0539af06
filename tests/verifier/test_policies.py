"""As whom a verifier asks, and by which rules: DIIP, HAIP, and all that OpenID4VP itself allows. V-04, V-05, W-43."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kernel import base64url
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner, parse_public_jwk
from kernel.x5c import x509_hash
from tests.support.certificates import Certified, create_authority, create_leaf
from tests.support.clock import NOW
from tests.verifier.conftest import Stage
from verifier import store
from verifier.presentation_request import open_exchange, request_uri

PARTY = "/api/relying-parties/bakker"
AUTHORITY = create_authority(NOW)
LEAF = create_leaf(AUTHORITY, NOW, dns_names=["verifier.example"])
ATTESTER = SoftwareSigner.generate()


def chain_pem(*certificates: x509.Certificate) -> str:
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in certificates)


def key_pem(key: Any) -> str:
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


async def certify(stage: Stage, leaf: Certified = LEAF, **changes: Any) -> Any:
    body = {"chain": chain_pem(leaf.certificate), "key": key_pem(leaf.key), **changes}
    return await stage.api.put(f"{PARTY}/certificate", json=body)


async def attest(stage: Stage, *, typ: str = "verifier-attestation+jwt", **changes: Any) -> Any:
    key = (await stage.api.get(PARTY)).json()["public_jwk"]
    claims = {
        "iss": "https://attester.example",
        "sub": "bakker.example",
        "exp": int((NOW + timedelta(days=1)).timestamp()),
        "cnf": {"jwk": key},
        **changes,
    }
    body = {name: value for name, value in claims.items() if value is not ...}
    return await stage.api.put(f"{PARTY}/attestation", json={"attestation": sign_jwt(body, signer=ATTESTER, typ=typ)})


def payload(raw: str) -> dict[str, Any]:
    return dict(json.loads(base64url.decode(raw.split(".")[1])))


async def test_V04_V05_haip_asks_with_a_certificate_for_one_format_and_only_encrypted(any_stage: Stage) -> None:
    """Mirrors the verifier module for client id prefix x509_hash."""
    stage = any_stage
    assert (await certify(stage)).status_code == 200
    started = await stage.ask(policy="haip")
    assert started["client_id"] == f"x509_hash:{x509_hash(LEAF.certificate)}"
    assert started["link"].startswith("haip-vp://?client_id=x509_hash%3A")
    wallet = stage.holding()
    wallet.anchors = [AUTHORITY.certificate]
    raw = (await wallet.client.get(started["request_uri"])).text
    header = json.loads(base64url.decode(raw.split(".")[0]))
    assert header["x5c"] == [LEAF.x5c]
    claims = payload(raw)
    assert claims["client_metadata"]["vp_formats_supported"].keys() == {"dc+sd-jwt"}
    assert {each["format"] for each in claims["dcql_query"]["credentials"]} == {"dc+sd-jwt"}
    assert claims["response_mode"] == "direct_post.jwt"
    reply = await wallet.answer(started["link"])
    assert reply.status_code == 200
    found = (await stage.result(started))["report"]
    assert found["accepted"]
    binding = next(check for check in found["checks"] if check["code"] == "holder_binding")
    assert binding["evidence"]["audience"] == started["client_id"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"policy": "haip", "response_mode": "direct_post"}, "response_mode"),
        ({"policy": "haip", "client_id_prefix": "decentralized_identifier"}, "client_id_prefix"),
        ({"policy": "haip", "request_by": "value"}, "request_by"),
        ({"policy": "diip", "client_id_prefix": "x509_hash"}, "client_id_prefix"),
        ({"policy": "diip", "request_by": "value"}, "request_by"),
        ({"policy": "openid4vp", "client_id_prefix": "verifier_attestation"}, "client_id_prefix"),
        ({"policy": "openid4vp", "client_id_prefix": "x509_san_dns"}, "policy"),
        ({"policy": "haip"}, "policy"),
        ({"policy": "eidas"}, "policy"),
        ({"client_id_prefix": "openid_federation"}, "client_id_prefix"),
        ({"policy": "diip", "formats": ["vc+jwt"]}, "formats"),
        ({"policy": "openid4vp", "formats": ["mso_mdoc"]}, "formats"),
        ({"policy": "openid4vp", "formats": []}, "formats"),
        ({"formats": ["ldp_vc"], "agreement": {"title": "Bewaren", "text": "Een jaar lang."}}, "formats"),
    ],
)
async def test_V04_what_a_policy_does_not_allow_or_a_party_cannot_prove_is_not_asked(
    stage: Stage, asked: dict[str, Any], field: str
) -> None:
    body = {"purpose": "Vacature", "skills": [{"uri": "https://skills.example/1"}], **asked}
    refused = await stage.api.post(f"{PARTY}/presentations", json=body)
    assert refused.status_code in (400, 422)
    assert field in json.dumps(refused.json())


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        (None, {"dc+sd-jwt", "vc+sd-jwt", "ldp_vc", "jwt_vc_json"}),
        (["vc+jwt", "ldp_vc", "ldp_vc"], {"vc+jwt", "ldp_vc"}),
    ],
)
async def test_V04_V05_no_question_names_vc_jwt_unless_the_relying_party_does(
    stage: Stage, named: list[str] | None, asked: set[str]
) -> None:
    """OpenID4VP 1.0 Appendix B has no format of that name. Decision 0071."""
    started = await stage.ask(policy="openid4vp", **({} if named is None else {"formats": named}))
    claims = payload((await stage.api.get(started["request_uri"])).text)
    queries = claims["dcql_query"]["credentials"]
    assert {each["format"] for each in queries} == asked == claims["client_metadata"]["vp_formats_supported"].keys()
    assert len(queries) == len(asked) * 2


async def test_W43_V04_a_party_is_asked_for_by_the_name_in_its_certificate(stage: Stage) -> None:
    """Mirrors the verifier module for client id prefix x509_san_dns."""
    await certify(stage)
    started = await stage.ask(policy="openid4vp", client_id_prefix="x509_san_dns")
    assert started["client_id"] == "x509_san_dns:verifier.example"
    wallet = stage.holding("vc+sd-jwt")
    wallet.anchors = [AUTHORITY.certificate]
    assert (await wallet.answer(started["link"])).status_code == 200
    assert (await stage.result(started))["report"]["accepted"]


async def test_W43_V04_a_party_may_be_proven_by_its_attester(stage: Stage) -> None:
    assert (await attest(stage)).json()["attestation"]["client_id"] == "verifier_attestation:bakker.example"
    started = await stage.ask(policy="openid4vp", client_id_prefix="verifier_attestation")
    wallet = stage.holding()
    wallet.attesters = {"https://attester.example": ATTESTER.public_key}
    assert (await wallet.answer(started["link"])).status_code == 200
    assert (await stage.result(started))["report"]["accepted"]


async def test_W43_V04_whoever_gets_the_answer_may_ask_without_a_signature(stage: Stage) -> None:
    """Mirrors the verifier module for client id prefix redirect_uri."""
    started = await stage.ask(policy="openid4vp", client_id_prefix="redirect_uri")
    assert started["request_uri"] is None
    parameters = parse_qs(urlsplit(started["link"]).query)
    assert parameters["client_id"] == [f"redirect_uri:{parameters['response_uri'][0]}"] == [started["client_id"]]
    wallet = stage.holding()
    assert (await wallet.answer(started["link"])).status_code == 200
    assert (await stage.result(started))["report"]["accepted"]


async def test_V02_a_signed_request_may_travel_in_its_link(stage: Stage) -> None:
    """Mirrors the verifier module for a request by value."""
    started = await stage.ask(policy="openid4vp", request_by="value")
    query = parse_qs(urlsplit(started["link"]).query)
    assert query.keys() == {"client_id", "request"}
    assert "wallet_nonce" not in payload(query["request"][0])
    assert (await stage.holding().answer(started["link"])).status_code == 200
    assert (await stage.result(started))["report"]["accepted"]


async def test_V02_a_request_that_travels_in_its_link_is_served_nowhere(stage: Stage) -> None:
    started = await stage.ask(policy="openid4vp", request_by="value")
    async with stage.service.database.transaction() as session:
        party = await store.find_relying_party(session, "bakker")
        assert party is not None
        row = await store.find_presentation_request(session, party.id, started["id"])
        assert row is not None
        uri = request_uri(stage.service.settings, "bakker", open_exchange(stage.service.sealing_key, row))
    assert (await stage.client().get(uri)).status_code == 404


async def test_V02_a_party_may_ask_to_be_fetched_by_get_alone(stage: Stage) -> None:
    started = await stage.ask(request_by="get")
    assert "request_uri_method" not in started["link"]
    assert (await stage.holding().answer(started["link"])).status_code == 200


# Certificates


async def test_V04_A53_those_who_change_and_remove_a_certificate_at_once_wait_for_one_another(
    any_stage: Stage,
) -> None:
    calls = [call for _ in range(8) for call in (certify(any_stage), any_stage.api.delete(f"{PARTY}/certificate"))]
    assert {answer.status_code for answer in await asyncio.gather(*calls)} <= {200, 204, 404}


async def test_V04_a_certificate_and_its_key_are_kept_sealed_and_shown_without_the_key(any_stage: Stage) -> None:
    stage = any_stage
    kept = (await certify(stage)).json()["certificate"]
    assert kept["client_ids"] == [f"x509_hash:{x509_hash(LEAF.certificate)}", "x509_san_dns:verifier.example"]
    assert kept == (await stage.api.get(PARTY)).json()["certificate"]
    async with stage.service.database.reading() as session:
        party = await store.find_relying_party(session, "bakker")
        assert party is not None
        row = await store.find_certificate(session, party.id)
    assert row is not None
    secret = LEAF.signer.private_jwk()["d"]
    assert secret.encode() not in row.sealed_private_jwk


async def test_V04_a_new_certificate_replaces_the_old_and_ends_what_was_asked_as_the_old(stage: Stage) -> None:
    await certify(stage)
    started = await stage.ask(policy="haip")
    await certify(stage, create_leaf(AUTHORITY, NOW, dns_names=["verifier.example"]))
    assert (await stage.client().get(started["request_uri"])).status_code == 404


async def test_V04_a_certificate_can_be_taken_away(stage: Stage) -> None:
    await certify(stage)
    assert (await stage.api.delete(f"{PARTY}/certificate")).status_code == 204
    assert (await stage.api.delete(f"{PARTY}/certificate")).status_code == 404
    assert (await stage.api.get(PARTY)).json()["certificate"] is None


async def test_V04_with_a_certificate_that_has_ended_nothing_is_asked(stage: Stage) -> None:
    await certify(stage)
    stage.clock.now = NOW + timedelta(days=31)
    body = {"purpose": "Vacature", "skills": [{"uri": "https://skills.example/1"}], "policy": "haip"}
    refused = await stage.api.post(f"{PARTY}/presentations", json=body)
    assert (refused.status_code, refused.json()["fields"]) == (400, {"policy": "certificate_expired"})


def _chains() -> Sequence[tuple[str, dict[str, Any], dict[str, str]]]:
    other = create_leaf(AUTHORITY, NOW, dns_names=["verifier.example"])
    stranger = create_authority(NOW)
    return (
        ("no_certificate", {"chain": "nothing"}, {"chain": "malformed"}),
        ("no_ascii", {"chain": "é"}, {"chain": "malformed"}),
        ("anchor_too", {"chain": chain_pem(LEAF.certificate, AUTHORITY.certificate)}, {"chain": "self_signed"}),
        ("self_signed", {"chain": chain_pem(AUTHORITY.certificate)}, {"chain": "self_signed"}),
        ("twice", {"chain": chain_pem(LEAF.certificate, other.certificate)}, {"chain": "order"}),
        ("no_key", {"key": "nothing"}, {"key": "malformed"}),
        ("other_key", {"key": key_pem(other.key)}, {"key": "other_key"}),
        ("other_curve", {"key": key_pem(ec.generate_private_key(ec.SECP384R1()))}, {"key": "not_p256"}),
        ("other_kind", {"key": key_pem(ed25519.Ed25519PrivateKey.generate())}, {"key": "not_p256"}),
        (
            "other_host",
            {"chain": chain_pem(create_leaf(stranger, NOW, dns_names=["elsewhere.example"]).certificate)},
            {"chain": "other_host"},
        ),
        ("no_host", {"chain": chain_pem(create_leaf(stranger, NOW).certificate)}, {"chain": "other_host"}),
        (
            "ended",
            {"chain": chain_pem(create_leaf(AUTHORITY, NOW - timedelta(days=61)).certificate)},
            {"chain": "expired"},
        ),
    )


CHAINS = _chains()


@pytest.mark.parametrize(("body", "fields"), [each[1:] for each in CHAINS], ids=[each[0] for each in CHAINS])
async def test_V04_A05_a_chain_or_key_with_one_thing_wrong_is_not_kept(
    stage: Stage, body: dict[str, Any], fields: dict[str, str]
) -> None:
    refused = await certify(stage, **body)
    assert (refused.status_code, refused.json()["fields"]) == (400, fields)
    assert (await stage.api.get(PARTY)).json()["certificate"] is None


# Attestations


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cnf": {"jwk": SoftwareSigner.generate().public_key.jwk}}, "other_key"),
        ({"cnf": ...}, "malformed"),
        ({"sub": ...}, "malformed"),
        ({"iss": ...}, "malformed"),
        ({"exp": ...}, "malformed"),
        ({"exp": int(NOW.timestamp())}, "expired"),
        ({"typ": "JWT"}, "malformed"),
    ],
    ids=["other_key", "no_key", "no_subject", "no_issuer", "no_end", "ended", "other_type"],
)
async def test_W43_an_attestation_with_one_thing_wrong_is_not_kept(
    stage: Stage, changes: dict[str, Any], reason: str
) -> None:
    refused = await attest(stage, **changes)
    assert (refused.status_code, refused.json()["fields"]) == (400, {"attestation": reason})


async def test_W43_with_an_attestation_that_has_ended_nothing_is_asked(stage: Stage) -> None:
    await attest(stage)
    stage.clock.now = NOW + timedelta(days=2)
    body = {"purpose": "Vacature", "skills": [{"uri": "https://skills.example/1"}], "policy": "openid4vp"}
    refused = await stage.api.post(f"{PARTY}/presentations", json={**body, "client_id_prefix": "verifier_attestation"})
    assert (refused.status_code, refused.json()["fields"]) == (400, {"client_id_prefix": "attestation_expired"})


async def test_A52_the_certificate_and_attestation_of_another_party_are_out_of_reach(stage: Stage) -> None:
    created = await stage.admin.post("/api/relying-parties", json={"slug": "ander", "name": "Ander"})
    other = stage.client({"authorization": f"Bearer {created.json()['api_key']}"})
    body = {"chain": chain_pem(LEAF.certificate), "key": key_pem(LEAF.key)}
    assert (await other.put(f"{PARTY}/certificate", json=body)).status_code == 404
    assert (await other.put(f"{PARTY}/attestation", json={"attestation": "x"})).status_code == 404
    assert (await other.delete(f"{PARTY}/certificate")).status_code == 404
    assert parse_public_jwk((await stage.api.get(PARTY)).json()["public_jwk"])


async def test_K97_authorities_are_asked_for_only_where_somebody_is_believed(any_stage: Stage) -> None:
    """Without certificates on the list and without federation there is nobody to name, whichever policy names them."""
    stage = any_stage
    await certify(stage)
    body = {"purpose": "Vacature", "skills": [{"uri": "https://skills.example/1"}], "trusted_authorities": True}
    for policy in ("diip", "haip", "openid4vp"):
        refused = await stage.api.post(f"{PARTY}/presentations", json={**body, "policy": policy})
        assert (refused.status_code, refused.json()["fields"]) == (400, {"trusted_authorities": "none"})
