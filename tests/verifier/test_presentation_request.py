"""What is asked, and how the request object travels."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kernel import base64url
from kernel.dcql import parse_dcql_query
from kernel.formats import FORMATS
from kernel.jwt import parse_jwt
from tests.support.clock import NOW
from tests.verifier.conftest import SKILL_URIS, VERIFIER, FewSkills, Stage
from tests.verifier.issuer_host import VCT
from verifier.questions import AskedSkill, create_dcql_query, create_requirements

CLIENT_ID = "decentralized_identifier:did:web:verifier.example:bakker"


def payload(raw: str) -> dict[str, Any]:
    return dict(json.loads(base64url.decode(raw.split(".")[1])))


async def read(stage: Stage, **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    started = await stage.ask(**body)
    return started, payload((await stage.wallet().client.get(started["request_uri"])).text)


async def test_V02_V04_the_link_names_the_verifier_and_where_the_request_is(stage: Stage) -> None:
    started = await stage.ask()
    parts = urlsplit(started["link"])
    assert parts.scheme == "openid4vp"
    assert parse_qs(parts.query) == {
        "client_id": [CLIENT_ID],
        "request_uri": [started["request_uri"]],
        "request_uri_method": ["post"],
    }
    assert started["request_uri"].startswith(f"{VERIFIER}/bakker/requests/")


async def test_V03_V05_the_request_object_has_everything_and_no_redirect_uri(stage: Stage) -> None:
    _, claims = await read(stage)
    assert claims["client_id"] == CLIENT_ID
    assert claims["aud"] == "https://self-issued.me/v2"
    assert (claims["response_type"], claims["response_mode"]) == ("vp_token", "direct_post.jwt")
    assert claims["response_uri"].startswith(f"{VERIFIER}/bakker/responses/")
    assert (claims["iat"], claims["exp"]) == (int(NOW.timestamp()), int((NOW + timedelta(minutes=5)).timestamp()))
    assert "redirect_uri" not in claims
    metadata = claims["client_metadata"]
    assert set(metadata["vp_formats_supported"]) == {*FORMATS} - {"vc+jwt"}
    assert metadata["encrypted_response_enc_values_supported"] == ["A128GCM", "A256GCM"]
    (key,) = metadata["jwks"]["keys"]
    assert (key["use"], key["alg"], key["crv"]) == ("enc", "ECDH-ES", "P-256")
    assert key["kid"]
    assert "d" not in key


async def test_V06_a_peer_that_cannot_encrypt_gets_direct_post_without_a_key(stage: Stage) -> None:
    _, claims = await read(stage, response_mode="direct_post")
    assert claims["response_mode"] == "direct_post"
    assert "jwks" not in claims["client_metadata"]


async def test_V01_nonce_state_and_keys_are_fresh_for_every_transaction(stage: Stage) -> None:
    _, first = await read(stage)
    _, second = await read(stage)
    for name in ("nonce", "state", "response_uri"):
        assert first[name] != second[name]
        assert len(base64url.decode(first[name].rsplit("/", 1)[-1])) >= 16
    keys = [claims["client_metadata"]["jwks"]["keys"][0]["x"] for claims in (first, second)]
    assert keys[0] != keys[1]


async def test_V02_the_request_is_served_again_while_it_waits_and_never_afterwards(stage: Stage) -> None:
    """Mirrors RequestUriFetchedTwice."""
    started = await stage.ask()
    wallet = stage.holding()
    assert (await wallet.client.get(started["request_uri"])).status_code == 200
    assert (await wallet.client.get(started["request_uri"])).status_code == 200
    assert (await wallet.answer(started["link"], method="get")).status_code == 200
    gone = await wallet.client.get(started["request_uri"])
    assert (gone.status_code, gone.json()["error"]) == (404, "invalid_request_uri")


@pytest.mark.parametrize("body", ["wallet_nonce=&wallet_metadata=", "wallet_nonce=w-1&", "wallet_nonce=w-1&more", ""])
async def test_V02_a_form_with_nothing_behind_a_name_or_an_and_is_read(stage: Stage, body: str) -> None:
    """Both parameters are optional (§5.10), and one without a value counts as left out (RFC 6749 §3.1)."""
    started = await stage.ask()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = await stage.wallet().client.post(started["request_uri"], content=body, headers=headers)
    assert posted.status_code == 200
    expected = "w-1" if "w-1" in body else None
    assert payload(posted.text).get("wallet_nonce") == expected


async def test_V02_a_wallet_nonce_is_echoed_on_post_only(stage: Stage) -> None:
    started = await stage.ask()
    client = stage.wallet().client
    posted = await client.post(started["request_uri"], data={"wallet_nonce": "abc", "wallet_metadata": "{}"})
    assert payload(posted.text)["wallet_nonce"] == "abc"
    assert "wallet_nonce" not in payload((await client.get(started["request_uri"])).text)


@pytest.mark.parametrize("form", [{"wallet_nonce": "x" * 513}, {"wallet_nonce": ["a", "b"]}])
async def test_V02_a_wallet_nonce_that_cannot_be_is_400_and_never_422(stage: Stage, form: dict[str, Any]) -> None:
    started = await stage.ask()
    refused = await stage.wallet().client.post(started["request_uri"], data=form)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_V02_another_relying_partys_path_does_not_serve_the_request(stage: Stage) -> None:
    await stage.admin.post("/api/relying-parties", json={"slug": "ander", "name": "Ander"})
    started = await stage.ask()
    moved = started["request_uri"].replace("/bakker/", "/ander/")
    assert (await stage.wallet().client.get(moved)).status_code == 404


async def test_V07_V23_the_reason_claims_no_language_and_across_devices_the_code_goes_along(stage: Stage) -> None:
    started = await stage.ask()
    request = await stage.wallet().read_request(started["link"])
    assert (request.purpose, request.comparison_code) == ({"und": "Vacature adviseur"}, started["comparison_code"])
    same_device = await stage.ask(flow="same_device")
    request = await stage.wallet().read_request(same_device["link"])
    assert (request.purpose, request.comparison_code) == ({"und": "Vacature adviseur"}, "")


async def test_K21_the_did_document_lists_the_key_for_authentication(stage: Stage) -> None:
    document = (await stage.wallet().client.get("/bakker/did.json")).json()
    assert document["id"] == "did:web:verifier.example:bakker"
    assert document["authentication"] == [method["id"] for method in document["verificationMethod"]]
    # Wallets on Credo know the second only, and requests name that.
    assert [method["type"] for method in document["verificationMethod"]] == ["JsonWebKey", "JsonWebKey2020"]
    request = await stage.wallet().client.get((await stage.ask())["request_uri"])
    assert parse_jwt(request.text).header["kid"] == document["authentication"][1]
    assert (await stage.wallet().client.get("/nobody/did.json")).status_code == 404


def test_V07_S10_a_question_becomes_one_query_for_each_skill_and_format() -> None:
    skills = [
        AskedSkill(FewSkills.BROADER, {"nl": "denken"}),
        AskedSkill(SKILL_URIS[1], {"nl": "adviseren"}, required=False),
    ]
    requirements = create_requirements(skills, index=FewSkills())
    query = create_dcql_query(requirements, vct_values=[VCT], type_values=["urn:a", "urn:b"])
    parse_dcql_query(query)
    suffixes = ("sd", "w3", "di", "jwt", "w1")
    asked = [[f"skill_{number}_{suffix}" for suffix in suffixes] for number in (1, 2)]
    assert [each["id"] for each in query["credentials"]] == [*asked[0], *asked[1]]
    assert [each["format"] for each in query["credentials"][:5]] == list(FORMATS)
    first, second, *others = query["credentials"][:5]
    assert all((each["meta"], each["claims"]) == (second["meta"], second["claims"]) for each in others)
    assert first["meta"] == {"vct_values": [VCT]}
    assert second["meta"] == {"type_values": [["urn:a", "urn:b"]]}
    assert first["claims"] == [
        {"path": ["achievement", "alignment", None, "targetUrl"], "values": [FewSkills.BROADER, SKILL_URIS[0]]}
    ]
    assert second["claims"][0]["path"][:2] == ["credentialSubject", "achievement"]
    assert query["credential_sets"] == [
        {"options": [[each] for each in asked[0]], "required": True},
        {"options": [[each] for each in asked[1]], "required": False},
    ]
