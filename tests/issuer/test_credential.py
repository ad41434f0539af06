"""The nonce and credential endpoints."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from kernel.did import did_jwk
from kernel.formats import FORMATS, parse_credential
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid4vci import parse_credential_response
from tests.conftest import NewDatabase
from tests.issuer.conftest import (
    CONFIGURATIONS,
    IDENTIFIER,
    ORG,
    SANNE,
    SD_JWT,
    SKILLS,
    VCDM,
    Issuer,
    achievement,
    create_client,
    create_issuer,
    recipient,
)
from tests.support.clock import FixedClock

pytestmark = pytest.mark.over_http

TYP = "openid4vci-proof+jwt"


async def test_I55_I56_the_nonce_endpoint_is_open_and_every_nonce_is_new(issuer: Issuer) -> None:
    responses = [await issuer.client.post(f"/{ORG}/nonce") for _ in range(3)]
    assert {response.status_code for response in responses} == {200}
    assert {response.headers["cache-control"] for response in responses} == {"no-store"}
    assert len({response.json()["c_nonce"] for response in responses}) == 3


@pytest.mark.parametrize("configuration", [SD_JWT, VCDM])
async def test_I57_I62_a_proven_key_gets_a_credential_that_verifies(issuer: Issuer, configuration: str) -> None:
    """Mirrors VCIIssuerHappyFlow."""
    grant = await issuer.redeem(await issuer.award())
    signer = SoftwareSigner.generate()
    response = await issuer.request(grant.token, [await issuer.proof(signer)], configuration=configuration)
    assert response.headers["cache-control"] == "no-store"
    issued = parse_credential_response(response.json())
    [raw] = issued.credentials
    credential = await issuer.verify(str(raw))
    assert credential.holder_key == signer.public_key
    assert issued.notification_id


async def test_I75_the_diip_form_has_did_kid_cnf_and_status(issuer: Issuer) -> None:
    grant = await issuer.redeem(await issuer.award())
    signer = SoftwareSigner.generate()
    response = await issuer.request(grant.token, [await issuer.proof(signer)])
    payload = parse_credential(response.json()["credentials"][0]["credential"]).payload
    assert payload["iss"] == f"did:web:issuer.example:{ORG}"
    assert payload["cnf"]["jwk"] == signer.public_key.jwk
    assert payload["cnf"]["kid"] == f"{did_jwk(signer.public_key.jwk)}#0"
    assert payload["status"]["status_list"]["uri"] == f"{IDENTIFIER}/status/1"


@pytest.mark.parametrize("configuration", [SD_JWT, VCDM])
async def test_S09_every_skill_and_all_that_is_personal_can_be_hidden(issuer: Issuer, configuration: str) -> None:
    evidence = [{"name": "Adviesrapport", "digest": "sha256-Cm0zRQVfVsuAW3kcQ4IFATejYPVM4ANEHwPG2WaaSqo="}]
    award = await issuer.award(recipients=[recipient(evidence=evidence)])
    [raw] = await issuer.fetch(award, configuration=configuration)
    open_part = json.dumps(parse_credential(raw).payload, ensure_ascii=False)
    for hidden in (*SANNE.values(), "Adviesrapport", *(uri for uri, _ in SKILLS)):
        assert hidden not in open_part
    paths = FORMATS[parse_credential(raw).format].disclosable_paths(raw)
    assert sum("alignment" in path for path in paths) == len(SKILLS)
    claims = (await issuer.verify(raw)).claims
    subject = claims if configuration == SD_JWT else claims["credentialSubject"]
    assert {skill["targetUrl"] for skill in subject["achievement"]["alignment"]} == {uri for uri, _ in SKILLS}


async def test_I61_copies_of_a_batch_have_nothing_unique_in_common(issuer: Issuer) -> None:
    """Mirrors VCIIssuerBatchIssuance."""
    raws = await issuer.fetch(copies=4)
    payloads = [parse_credential(raw).payload for raw in raws]
    assert len({payload["status"]["status_list"]["idx"] for payload in payloads}) == 4
    assert len({payload["cnf"]["kid"] for payload in payloads}) == 4
    digests = [digest for payload in payloads for digest in payload["_sd"]]
    assert len(digests) == len(set(digests))
    salts = [disclosure for raw in raws for disclosure in raw.split("~")[1:]]
    assert len(salts) - salts.count("") == len(set(salts)) - 1
    for payload in payloads:
        assert payload["iat"] % 86_400 == payload["nbf"] % 86_400 == 0
        assert "jti" not in payload


async def test_I61_copies_as_open_badges_have_ids_of_their_own(issuer: Issuer) -> None:
    raws = await issuer.fetch(copies=3, configuration=VCDM)
    assert len({parse_credential(raw).payload["id"] for raw in raws}) == 3


async def test_expiry_is_the_end_of_a_day_for_everybody_or_what_was_asked(issuer: Issuer) -> None:
    await issuer.api(
        "PUT",
        f"/organisations/{ORG}/achievements/adviseur-lerende-regio",
        json=achievement(validity_days=30),
        headers={"If-Match": '"1"'},
    )
    [raw] = await issuer.fetch()
    assert parse_credential(raw).payload["exp"] % 86_400 == 0
    asked = issuer.clock() + timedelta(hours=5)
    [raw] = await issuer.fetch(await issuer.award(expires_at=asked.isoformat()))
    assert parse_credential(raw).payload["exp"] == int(asked.timestamp())


# Proofs


async def sign_proof(issuer: Issuer, *, header: dict[str, Any] | None = None, typ: str = TYP, **claims: Any) -> str:
    """A valid proof with one thing changed; None leaves a claim out."""
    signer = SoftwareSigner.generate()
    payload = {"aud": IDENTIFIER, "iat": int(issuer.clock().timestamp()), "nonce": await issuer.nonce(), **claims}
    members = {name: value for name, value in payload.items() if value is not None}
    return sign_jwt(members, signer=signer, typ=typ, header=header or {"jwk": signer.public_key.jwk})


BROKEN: dict[str, dict[str, Any]] = {
    "other_audience": {"aud": "https://other.example/stmw"},
    "audience_of_another_organisation": {"aud": "https://issuer.example/ander"},
    "no_audience": {"aud": None},
    "no_iat": {"iat": None},
    "iat_as_text": {"iat": "now"},
    "no_nonce": {"nonce": None},
    "nonce_as_number": {"nonce": 7},
    "client_in_anonymous_flow": {"iss": "some-client"},
    "other_typ": {"typ": "jwt"},
    "two_keys_named": {"header": {"jwk": SoftwareSigner.generate().public_key.jwk, "kid": "did:jwk:abc#0"}},
    "no_key": {"header": {"kty": "EC"}},
    "key_of_somebody_else": {"header": {"jwk": SoftwareSigner.generate().public_key.jwk}},
    "private_key_inside": {"header": {"jwk": SoftwareSigner.generate().private_jwk()}},
    "kid_behind_the_network": {"header": {"kid": "did:web:wallet.example#1"}},
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
async def test_I58_A02_A03_A07_A23_a_proof_with_one_thing_broken_is_an_invalid_proof(
    issuer: Issuer, change: dict[str, Any]
) -> None:
    """Mirrors VCIIssuerFailOnInvalidProofSignature and its neighbours."""
    grant = await issuer.redeem(await issuer.award())
    response = await issuer.request(grant.token, [await sign_proof(issuer, **change)])
    assert (response.status_code, response.json()["error"]) == (400, "invalid_proof")
    assert (await issuer.request(grant.token, [await sign_proof(issuer)])).status_code == 200


@pytest.mark.parametrize("age", [timedelta(minutes=7), -timedelta(minutes=2)])
async def test_I58_a_proof_from_the_past_or_the_future_is_refused(issuer: Issuer, age: timedelta) -> None:
    grant = await issuer.redeem(await issuer.award())
    proof = await sign_proof(issuer, iat=int((issuer.clock() - age).timestamp()))
    assert (await issuer.request(grant.token, [proof])).json()["error"] == "invalid_proof"


async def test_I58_a_changed_proof_is_refused(issuer: Issuer) -> None:
    grant = await issuer.redeem(await issuer.award())
    head, payload, signature = (await issuer.proof()).split(".")
    changed = f"{head}.{payload}.{signature[:-2]}{'A' if signature[-2] != 'A' else 'B'}{signature[-1]}"
    assert (await issuer.request(grant.token, [changed])).json()["error"] == "invalid_proof"


async def test_I58_the_did_of_the_key_is_accepted_as_issuer_of_the_proof(issuer: Issuer) -> None:
    grant = await issuer.redeem(await issuer.award())
    signer = SoftwareSigner.generate()
    did = did_jwk(signer.public_key.jwk)
    proof = await issuer.proof(signer, key_id=f"{did}#0", client_id=did)
    assert (await issuer.request(grant.token, [proof])).status_code == 200


NONCES: dict[str, Callable[[str], str]] = {
    "invented": lambda _nonce: "Oba9Tyv6M2vwDDe-0Qiv2g",
    "changed": lambda nonce: ("A" if nonce[5] != "A" else "B").join((nonce[:5], nonce[6:])),
    "cut": lambda nonce: nonce[:-1],
    "no_base64url": lambda _nonce: "+/==",
}


@pytest.mark.parametrize("change", NONCES.values(), ids=NONCES)
async def test_I56_a_nonce_that_was_not_handed_out_is_invalid(issuer: Issuer, change: Callable[[str], str]) -> None:
    """Mirrors VCIIssuerFailOnInvalidNonce. OpenID4VCI 1.0 §8.3.1.2."""
    grant = await issuer.redeem(await issuer.award())
    proof = await issuer.proof(nonce=change(await issuer.nonce()))
    response = await issuer.request(grant.token, [proof])
    assert (response.status_code, response.json()["error"]) == (400, "invalid_nonce")


async def test_A22_a_nonce_is_used_once(any_issuer: Issuer) -> None:
    issuer = any_issuer
    grant = await issuer.redeem(await issuer.award())
    nonce = await issuer.nonce()
    assert (await issuer.request(grant.token, [await issuer.proof(nonce=nonce)])).status_code == 200
    again = await issuer.request(grant.token, [await issuer.proof(nonce=nonce)])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_nonce")


async def test_A22_a_nonce_expires_at_five_minutes_sharp(issuer: Issuer) -> None:
    first, second = await issuer.nonce(), await issuer.nonce()
    issuer.clock.advance(timedelta(minutes=5) - timedelta(seconds=1))
    grant = await issuer.redeem(await issuer.award())
    assert (await issuer.request(grant.token, [await issuer.proof(nonce=first)])).status_code == 200
    issuer.clock.advance(timedelta(seconds=1))
    late = await issuer.request(grant.token, [await issuer.proof(nonce=second)])
    assert late.json()["error"] == "invalid_nonce"


async def test_A22_a_nonce_of_another_organisation_is_invalid(issuer: Issuer) -> None:
    await issuer.add_organisation("ander")
    grant = await issuer.redeem(await issuer.award())
    proof = await issuer.proof(nonce=await issuer.nonce("ander"))
    assert (await issuer.request(grant.token, [proof])).json()["error"] == "invalid_nonce"


async def test_a_bad_request_burns_no_nonce(issuer: Issuer) -> None:
    grant = await issuer.redeem(await issuer.award())
    nonce = await issuer.nonce()
    good = await issuer.proof(nonce=nonce)
    broken = await sign_proof(issuer, aud="https://other.example", nonce=nonce)
    assert (await issuer.request(grant.token, [good, broken])).json()["error"] == "invalid_proof"
    assert (await issuer.request(grant.token, [good])).status_code == 200


# Requests


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "invalid_credential_request"),
        ([], "invalid_credential_request"),
        ({"credential_configuration_id": 7}, "invalid_credential_request"),
        (
            {"credential_configuration_id": SD_JWT, "credential_identifier": "x", "proofs": {"jwt": ["a"]}},
            "invalid_credential_request",
        ),
        ({"credential_configuration_id": SD_JWT, "proofs": {}}, "invalid_credential_request"),
        ({"credential_configuration_id": SD_JWT, "proofs": {"jwt": []}}, "invalid_credential_request"),
        ({"credential_configuration_id": SD_JWT}, "invalid_proof"),
        ({"credential_configuration_id": SD_JWT, "proofs": {"di_vp": [{}]}}, "invalid_proof"),
        ({"credential_configuration_id": SD_JWT, "proofs": {"jwt": ["geen.jwt"]}}, "invalid_proof"),
        (
            {"credential_configuration_id": "ander.dc-sd-jwt", "proofs": {"jwt": ["a"]}},
            "unknown_credential_configuration",
        ),
        ({"credential_identifier": "onbekend", "proofs": {"jwt": ["a"]}}, "unknown_credential_identifier"),
        (
            {
                "credential_configuration_id": SD_JWT,
                "proofs": {"jwt": ["a"]},
                "credential_response_encryption": {"jwk": {}, "enc": "A256GCM"},
            },
            "invalid_encryption_parameters",
        ),
    ],
)
async def test_I57_I64_a_request_with_one_thing_wrong_gets_its_error(issuer: Issuer, body: Any, error: str) -> None:
    """Mirrors VCIIssuerFailOnMissingProof, VCIIssuerFailOnUnknownCredentialConfiguration,
    VCIIssuerFailOnUnknownCredentialIdentifier and VCIIssuerFailOnUnsupportedEncryptionAlgorithm.
    """
    grant = await issuer.redeem(await issuer.award())
    response = await issuer.post_credential(grant.token, body)
    assert (response.status_code, response.json()["error"]) == (400, error)
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("content", "content_type", "error"),
    [
        (b"{", "application/json", "invalid_credential_request"),
        (b'{"a":1,"a":2}', "application/json", "invalid_credential_request"),
        (b"[" * 200, "application/json", "invalid_credential_request"),
        (b"\xff", "application/json", "invalid_credential_request"),
        (b"{}", "text/plain", "invalid_credential_request"),
        (b"eyJ.eyJ.eyJ", "application/jwt", "invalid_encryption_parameters"),
    ],
)
async def test_I64_A08_a_body_that_cannot_be_read_is_never_a_422(
    issuer: Issuer, content: bytes, content_type: str, error: str
) -> None:
    grant = await issuer.redeem(await issuer.award())
    headers = {"Authorization": f"Bearer {grant.token}", "Content-Type": content_type}
    response = await issuer.client.post(f"/{ORG}/credential", content=content, headers=headers)
    assert (response.status_code, response.json()["error"]) == (400, error)


async def test_I57_unknown_members_are_ignored(issuer: Issuer) -> None:
    grant = await issuer.redeem(await issuer.award())
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [await issuer.proof()]}, "format": "mso_mdoc"}
    assert (await issuer.post_credential(grant.token, body)).status_code == 200


async def test_I34_a_token_is_refused_when_unknown_expired_or_of_another_organisation(issuer: Issuer) -> None:
    await issuer.add_organisation("ander")
    token = (await issuer.redeem(await issuer.award())).token
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [await issuer.proof()]}}
    unknown = await issuer.post_credential("onbekend", body)
    foreign = await issuer.post_credential(token, body, org="ander")
    issuer.clock.advance(timedelta(minutes=5))
    expired = await issuer.post_credential(token, body)
    for refused in (unknown, foreign, expired):
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
        assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token", DPoP algs="ES256"'
    assert unknown.text == foreign.text == expired.text


@pytest.mark.parametrize(
    "authorization",
    # A client of ours sends no header that ends in white space.
    ["", "Basic abc", *(pytest.param(text, marks=pytest.mark.in_process) for text in ("DPoP ", "Bearer   ")), "Bearer"],
)
async def test_I34_no_bearer_token_is_a_bare_challenge(issuer: Issuer, authorization: str) -> None:
    response = await issuer.client.post(f"/{ORG}/credential", json={}, headers={"Authorization": authorization})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer, DPoP algs="ES256"'
    assert not response.content


async def test_I34_A30_a_token_for_another_achievement_is_told_apart_from_a_configuration_that_nobody_published(
    any_issuer: Issuer,
) -> None:
    """OpenID4VCI 1.0 §8.3.1.1, RFC 6750 §3.1: what is published is no secret, so nothing is given away by the 403."""
    issuer = any_issuer
    await issuer.add_organisation("school")
    assert (await issuer.add_achievement(slug="ander")).status_code == 201
    assert (await issuer.add_achievement("school", slug="geheim")).status_code == 201
    token = (await issuer.redeem(await issuer.award())).token

    async def refusal(configuration: str) -> tuple[int, str, str]:
        refused = await issuer.request(token, [await issuer.proof()], configuration=configuration)
        return refused.status_code, refused.json()["error"], refused.headers.get("www-authenticate", "")

    challenge = 'Bearer error="insufficient_scope", DPoP algs="ES256"'
    assert await refusal("ander.dc-sd-jwt") == (403, "insufficient_scope", challenge)
    for unpublished in ("niets.dc-sd-jwt", "geheim.dc-sd-jwt", "ander.haip", "ander.", "ander"):
        assert await refusal(unpublished) == (400, "unknown_credential_configuration", "")


async def test_A30_an_identifier_is_due_once_the_token_came_with_some_and_is_nobody_elses(issuer: Issuer) -> None:
    details = json.dumps([{"type": "openid_credential", "credential_configuration_id": SD_JWT}])
    mine = await issuer.redeem(await issuer.award(), authorization_details=details)
    other = await issuer.redeem(await issuer.award(), authorization_details=details)
    identifiers = [
        grant.response.json()["authorization_details"][0]["credential_identifiers"][0] for grant in (mine, other)
    ]

    async def ask(**named: str) -> dict[str, Any]:
        return dict(
            (await issuer.post_credential(mine.token, {**named, "proofs": {"jwt": [await issuer.proof()]}})).json()
        )

    assert (await ask(credential_configuration_id=SD_JWT))["error"] == "invalid_credential_request"
    assert (await ask(credential_identifier=identifiers[1]))["error"] == "unknown_credential_identifier"
    assert "credentials" in await ask(credential_identifier=identifiers[0])


async def test_A30_a_narrowed_token_covers_nothing_more(issuer: Issuer) -> None:
    details = json.dumps([{"type": "openid_credential", "credential_configuration_id": SD_JWT}])
    grant = await issuer.redeem(await issuer.award(), authorization_details=details)
    response = await issuer.request(grant.token, [await issuer.proof()], configuration=VCDM)
    assert response.json()["error"] == "invalid_credential_request"


async def test_I60_one_key_twice_in_a_batch_is_refused_and_nothing_is_issued(issuer: Issuer) -> None:
    award = await issuer.award()
    grant = await issuer.redeem(award)
    signer, nonce = SoftwareSigner.generate(), await issuer.nonce()
    proofs = [await issuer.proof(signer, nonce=nonce) for _ in range(2)]
    assert (await issuer.request(grant.token, proofs)).json()["error"] == "invalid_proof"
    assert (await issuer.get_award(award["id"]))["state"] == "opened"


async def test_I60_a_batch_is_no_larger_than_announced(issuer: Issuer) -> None:
    grant = await issuer.redeem(await issuer.award())
    nonce = await issuer.nonce()
    proofs = [await issuer.proof(nonce=nonce) for _ in range(21)]
    assert (await issuer.request(grant.token, proofs)).json()["error"] == "invalid_proof"
    assert len((await issuer.request(grant.token, proofs[:20])).json()["credentials"]) == 20


async def test_I68_the_same_key_gets_the_same_bytes_again(any_issuer: Issuer) -> None:
    issuer = any_issuer
    grant = await issuer.redeem(await issuer.award())
    signer = SoftwareSigner.generate()
    first = await issuer.request(grant.token, [await issuer.proof(signer)])
    other = SoftwareSigner.generate()
    nonce = await issuer.nonce()
    both = [await issuer.proof(signer, nonce=nonce), await issuer.proof(other, nonce=nonce)]
    second = await issuer.request(grant.token, both)
    assert second.json()["credentials"][0] == first.json()["credentials"][0]
    assert second.json()["credentials"][1] != first.json()["credentials"][0]


async def test_I68_copies_run_out(new_sqlite_database: NewDatabase, clock: FixedClock) -> None:
    issuer = await create_issuer(new_sqlite_database("issuer"), clock, batch_size=2)
    grant = await issuer.redeem(await issuer.award())
    for configuration in CONFIGURATIONS:
        nonce = await issuer.nonce()
        proofs = [await issuer.proof(nonce=nonce) for _ in range(2)]
        assert (await issuer.request(grant.token, proofs, configuration=configuration)).status_code == 200
    refused = await issuer.request(grant.token, [await issuer.proof()])
    assert refused.json()["error"] == "credential_request_denied"
    await issuer.client.aclose()
    await issuer.app.state.service.close()


async def test_I69_nothing_that_the_wallet_says_enters_the_credential_but_its_key(issuer: Issuer) -> None:
    grant = await issuer.redeem(await issuer.award())
    proof = await sign_proof(issuer, given_name="Mallory", email="mallory@evil.example")
    body = {
        "credential_configuration_id": SD_JWT,
        "proofs": {"jwt": [proof]},
        "claims": {"given_name": "Mallory"},
        "given_name": "Mallory",
    }
    response = await issuer.post_credential(grant.token, body)
    claims = (await issuer.verify(response.json()["credentials"][0]["credential"])).claims
    assert claims["given_name"] == SANNE["given_name"]
    assert "allory" not in json.dumps(claims)


@pytest.mark.parametrize("change", ["suspend", "revoke"])
async def test_a_withdrawn_award_is_not_issued(issuer: Issuer, change: str) -> None:
    award = await issuer.award()
    grant = await issuer.redeem(award)
    await issuer.change(award["id"], change)
    response = await issuer.request(grant.token, [await issuer.proof()])
    if change == "suspend":
        assert (response.status_code, response.json()["error"]) == (400, "credential_request_denied")
    else:
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")


# What is kept


async def test_signed_bytes_and_personal_data_lie_sealed(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award = await issuer.award()
    [raw] = await issuer.fetch(award)
    async with issuer.database.reading() as session:
        found = [
            str([bytes(cell) if isinstance(cell, memoryview) else cell for cell in row])
            for table in ("awards", "offers", "credentials", "access_tokens", "audit_entries", "award_batches")
            for row in await session.execute(text(f"SELECT * FROM {table}"))
        ]
    everything = "\n".join(found)
    assert len(found) > 5
    for secret in (*SANNE.values(), raw[:60], raw.split("~")[1]):
        assert secret not in everything


async def test_I80_dropping_claims_forgets_the_person_and_keeps_what_revoking_needs(any_issuer: Issuer) -> None:
    issuer = any_issuer
    award = await issuer.award()
    grant = await issuer.redeem(award)
    assert (await issuer.request(grant.token, [await issuer.proof()])).status_code == 200
    response = await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/drop-claims")
    assert response.json() == {"dropped": 1}
    kept = await issuer.get_award(award["id"])
    assert kept["person"] is None
    assert kept["reference"]
    refused = await issuer.request(grant.token, [await issuer.proof()])
    assert refused.json()["error"] == "credential_request_denied"
    renew = await issuer.api("POST", f"/organisations/{ORG}/awards/{award['id']}/offer")
    assert renew.status_code == 409
    assert (await issuer.change(award["id"], "revoke")).status_code == 200


async def test_two_clients_with_one_token_share_its_copies(issuer: Issuer) -> None:
    grant = await issuer.redeem(await issuer.award())
    elsewhere = create_client(issuer.app, "198.51.100.9")
    body = {"credential_configuration_id": SD_JWT, "proofs": {"jwt": [await issuer.proof()]}}
    assert (await issuer.post_credential(grant.token, body, client=elsewhere)).status_code == 200
    await elsewhere.aclose()
