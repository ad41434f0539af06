"""Encrypted credential requests and responses. OpenID4VCI 1.0 §8.2, §10; I-12, I-67, A-32."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from kernel import base64url
from kernel.formats import from_wire
from kernel.keys import public_key_from
from kernel.openid4vci import decrypt_message, encrypt_message, parse_issuer_metadata
from tests.conftest import NewDatabase
from tests.issuer.conftest import IDENTIFIER, ORG, SD_JWT, Issuer, create_issuer
from tests.support.clock import FixedClock

pytestmark = pytest.mark.over_http


def response_key(**changes: Any) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    secret = base64url.encode(key.private_numbers().private_value.to_bytes(32))
    return {**public_key_from(key.public_key()).jwk, "alg": "ECDH-ES", "kid": "resp-1", "d": secret, **changes}


def public(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name != "d"}


KEY = response_key()


@pytest.fixture
async def strict(new_sqlite_database: NewDatabase, clock: FixedClock) -> AsyncIterator[Issuer]:
    """An issuer that wants everything encrypted."""
    made = await create_issuer(new_sqlite_database("issuer"), clock, encryption_required=True)
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


async def recipient(issuer: Issuer, org: str = ORG) -> Any:
    value = (await issuer.client.get(f"/.well-known/openid-credential-issuer/{org}")).json()
    metadata = parse_issuer_metadata(value, credential_issuer=IDENTIFIER.replace(ORG, org))
    assert metadata.credential_request_encryption is not None
    return metadata.credential_request_encryption.select()


async def body(issuer: Issuer, **changes: Any) -> dict[str, Any]:
    members = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [await issuer.proof()]}}
    members["credential_response_encryption"] = {"jwk": public(KEY), "enc": "A256GCM"}
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


async def post(issuer: Issuer, token: str, content: str, *, org: str = ORG) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/jwt"}
    return await issuer.client.post(f"/{org}/credential", content=content, headers=headers)


async def encrypted(issuer: Issuer, members: dict[str, Any], **changes: Any) -> str:
    to = changes.pop("to", None) or await recipient(issuer)
    return encrypt_message(members, recipient=to.jwk, enc=changes.get("enc", to.enc))


async def token(issuer: Issuer) -> str:
    return (await issuer.redeem(await issuer.award())).token


async def test_I67_a_request_and_its_response_are_encrypted(issuer: Issuer) -> None:
    response = await post(issuer, await token(issuer), await encrypted(issuer, await body(issuer)))
    assert (response.status_code, response.headers["content-type"]) == (200, "application/jwt")
    assert response.headers["cache-control"] == "no-store"
    members = decrypt_message(response.text, private_jwk=KEY, enc_values=frozenset({"A256GCM"}))
    assert await issuer.verify(from_wire(members["credentials"][0]["credential"]))
    assert members["notification_id"]


async def test_I67_the_response_is_encrypted_as_it_was_asked_for(issuer: Issuer) -> None:
    key = response_key(kid="another")
    wanted = {"jwk": public(key), "enc": "A128GCM"}
    content = await encrypted(issuer, await body(issuer, credential_response_encryption=wanted), enc="A128GCM")
    response = await post(issuer, await token(issuer), content)
    assert decrypt_message(response.text, private_jwk=key, enc_values=frozenset({"A128GCM"}))["credentials"]


async def test_I67_a_request_may_be_encrypted_and_its_response_not(issuer: Issuer) -> None:
    content = await encrypted(issuer, await body(issuer, credential_response_encryption=None))
    response = await post(issuer, await token(issuer), content)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")


async def test_I67_A32_a_key_for_the_response_in_the_open_is_refused(issuer: Issuer) -> None:
    response = await issuer.post_credential(await token(issuer), await body(issuer))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_encryption_parameters")


@pytest.mark.parametrize(
    "wanted",
    [
        {"jwk": {}, "enc": "A256GCM"},
        {"jwk": public(KEY), "enc": "A128CBC-HS256"},
        {"jwk": public(KEY)},
        {"jwk": {**public(KEY), "alg": "ECDH-ES+A256KW"}, "enc": "A256GCM"},
        {"jwk": {**public(KEY), "x": public(KEY)["y"]}, "enc": "A256GCM"},
        {"jwk": KEY, "enc": "A256GCM"},
        {"jwk": public(KEY), "enc": "A256GCM", "zip": "DEF"},
    ],
)
async def test_I67_parameters_that_are_not_offered_are_refused_in_the_open(issuer: Issuer, wanted: Any) -> None:
    """Mirrors VCIIssuerFailOnUnsupportedEncryptionAlgorithm. Errors are never encrypted (§8.3.1.2)."""
    content = await encrypted(issuer, await body(issuer, credential_response_encryption=wanted))
    response = await post(issuer, await token(issuer), content)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_encryption_parameters")
    assert response.headers["content-type"] == "application/json"


async def test_I67_an_error_in_an_encrypted_request_is_told_in_the_open(issuer: Issuer) -> None:
    content = await encrypted(issuer, await body(issuer, proofs={"jwt": ["a.b.c"]}))
    response = await post(issuer, await token(issuer), content)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_proof")
    assert response.headers["content-type"] == "application/json"


async def test_I67_A40_what_was_encrypted_for_somebody_else_is_refused(issuer: Issuer) -> None:
    await issuer.add_organisation("other")
    given, to = await body(issuer), await recipient(issuer)
    foreign = await encrypted(issuer, given, to=await recipient(issuer, "other"))
    ours = await encrypted(issuer, given, to=to)
    unnamed = encrypt_message(given, recipient={**to.jwk, "kid": "none"}, enc="A256GCM")
    for content in ("", "a.b.c.d.e", "é", foreign, unnamed, ours[:-4] + "AAAA"):
        response = await post(issuer, await token(issuer), content)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_encryption_parameters")


async def test_I12_keys_are_replaced_by_the_calendar_and_the_one_before_still_opens(issuer: Issuer) -> None:
    first = await recipient(issuer)
    assert (await recipient(issuer)).jwk == first.jwk
    assert "d" not in first.jwk
    issuer.clock.advance(timedelta(days=30))
    second = await recipient(issuer)
    assert second.jwk["kid"] != first.jwk["kid"]
    content = await encrypted(issuer, await body(issuer), to=first)
    assert (await post(issuer, await token(issuer), content)).status_code == 200
    issuer.clock.advance(timedelta(days=30))
    content = await encrypted(issuer, await body(issuer), to=first)
    refused = await post(issuer, await token(issuer), content)
    assert refused.json()["error"] == "invalid_encryption_parameters"


async def test_I12_an_issuer_that_wants_everything_encrypted_says_so_and_takes_nothing_else(strict: Issuer) -> None:
    value = (await strict.client.get(f"/.well-known/openid-credential-issuer/{ORG}")).json()
    assert value["credential_request_encryption"]["encryption_required"] is True
    assert value["credential_response_encryption"]["encryption_required"] is True
    given = await token(strict)
    plain = await body(strict, credential_response_encryption=None)
    half = await encrypted(strict, plain)
    for response in (await strict.post_credential(given, plain), await post(strict, given, half)):
        assert (response.status_code, response.json()["error"]) == (400, "invalid_encryption_parameters")
    assert (await post(strict, given, await encrypted(strict, await body(strict)))).status_code == 200


async def test_I66_a_notification_is_not_encrypted(issuer: Issuer) -> None:
    headers = {"Authorization": f"Bearer {await token(issuer)}", "Content-Type": "application/jwt"}
    response = await issuer.client.post(f"/{ORG}/notification", content="a.b.c.d.e", headers=headers)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_notification_request")
