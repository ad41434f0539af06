"""Wallets that their provider vouches for. OpenID4VCI 1.0 Appendix E; I-33, I-45 to I-49, A-33.

The six client-attestation cases of the OpenID Foundation's issuer plan are here: invalid signature, expired, wrong
`sub`, wrong audience of the proof of possession, its invalid signature, and a proof without attestation.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from starlette.datastructures import Headers

from issuer import client_authentication
from issuer.client_authentication import ClientInstance
from issuer.clients import Client, verify_same_client
from issuer.credential_issuer import get_issuer
from issuer.errors import AttestationChallengeError, ClientAuthenticationError, UnauthorizedClientError
from issuer.models import Authorization
from issuer.policies import DIIP, HAIP, OPEN, require_grant
from kernel.errors import CredentialError
from kernel.keys import SoftwareSigner
from kernel.openid4vci import (
    PRE_AUTHORIZED_CODE_GRANT,
    ClientAttestationError,
    DpopProofError,
    StaleClientAttestationError,
    create_client_attestation,
    create_client_attestation_pop,
    create_dpop_proof,
    verify_dpop_proof,
)
from kernel.strict_json import encode_json
from tests.conftest import NewDatabase
from tests.issuer.code_flow import CodeFlow
from tests.issuer.conftest import IDENTIFIER, ORG, Issuer, create_issuer
from tests.support.certificates import create_authority, create_leaf
from tests.support.clock import NOW, FixedClock

AUTHORITY = create_authority(NOW)
PROVIDER = create_leaf(AUTHORITY, NOW)
STRANGER = create_leaf(create_authority(NOW), NOW)
EXPIRED = create_leaf(AUTHORITY, NOW - timedelta(days=40))
BELOW_A_LEAF = create_leaf(PROVIDER, NOW)
KNOWN = SoftwareSigner.generate()
INSTANCE = SoftwareSigner.generate()
WALLET = "https://wallet.example"


@pytest.fixture
async def trusting(new_database: NewDatabase, clock: FixedClock, tmp_path: Path) -> AsyncIterator[Issuer]:
    """An issuer that knows two wallet providers: one by its authority, one by its key."""
    certificates, keys = tmp_path / "providers.pem", tmp_path / "providers.json"
    certificates.write_bytes(AUTHORITY.certificate.public_bytes(Encoding.PEM))
    keys.write_bytes(encode_json({"keys": [{**KNOWN.public_key.jwk, "kid": "11"}]}))
    made = await create_issuer(
        new_database("issuer"), clock, wallet_provider_certificates=certificates, wallet_provider_keys=keys
    )
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


def attestation(**changes: Any) -> str:
    values: dict[str, Any] = {
        "signer": PROVIDER.signer,
        "client_id": WALLET,
        "instance_key": INSTANCE.public_key.jwk,
        "issued_at": NOW,
        "expires_at": NOW + timedelta(hours=1),
        "header": {"x5c": [PROVIDER.x5c]},
        "wallet_name": "Skillswallet",
    }
    return create_client_attestation(**{**values, **changes})


async def challenge(issuer: Issuer, org: str = ORG) -> str:
    response = await issuer.client.post(f"/{org}/challenge")
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    return str(response.json()["attestation_challenge"])


async def pop(issuer: Issuer, **changes: Any) -> str:
    values: dict[str, Any] = {"signer": INSTANCE, "audience": IDENTIFIER, "now": issuer.clock(), **changes}
    if "challenge" not in values:
        values["challenge"] = await challenge(issuer)
    return create_client_attestation_pop(**values)


async def authenticate(issuer: Issuer, *headers: tuple[str, str], **changes: Any) -> ClientInstance | None:
    async with issuer.database.reading() as session:
        credential_issuer = await get_issuer(session, issuer.settings, ORG)
    fields = Headers(raw=[(name.lower().encode(), value.encode()) for name, value in headers])
    asked: dict[str, Any] = {"client_id": WALLET, "now": issuer.clock(), **changes}
    return await client_authentication.authenticate_client(
        issuer.database, issuer.settings, issuer.app.state.service.resolver, credential_issuer, fields, **asked
    )


def both(given: str, proof: str) -> list[tuple[str, str]]:
    return [("OAuth-Client-Attestation", given), ("OAuth-Client-Attestation-PoP", proof)]


async def test_I45_I47_a_wallet_of_a_known_provider_is_authenticated(trusting: Issuer) -> None:
    known = await authenticate(trusting, *both(attestation(), await pop(trusting)))
    assert known is not None
    assert (known.client_id, known.wallet_name) == (WALLET, "Skillswallet")
    assert known.thumbprint == INSTANCE.public_key.thumbprint


async def test_I45_a_wallet_whose_provider_is_known_by_its_key_is_authenticated(trusting: Issuer) -> None:
    given = attestation(signer=KNOWN, header={"kid": "11"})
    assert await authenticate(trusting, *both(given, await pop(trusting)))
    for header in ({"kid": "12"}, {}):
        with pytest.raises(ClientAttestationError):
            await authenticate(trusting, *both(attestation(signer=KNOWN, header=header), await pop(trusting)))


async def test_I49_the_issuers_that_draft_07_wants_are_accepted(trusting: Issuer) -> None:
    given = attestation(issuer="https://provider.example")
    assert await authenticate(trusting, *both(given, await pop(trusting, client_id=WALLET)))


async def test_I33_a_request_without_attestation_comes_from_nobody_known(trusting: Issuer) -> None:
    assert await authenticate(trusting) is None


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"signer": create_leaf(AUTHORITY, NOW).signer}, ClientAttestationError),
        ({"header": {"x5c": [create_leaf(create_authority(NOW), NOW).x5c]}}, ClientAttestationError),
        ({"signer": STRANGER.signer, "header": {"x5c": [STRANGER.x5c]}}, ClientAttestationError),
        ({"signer": EXPIRED.signer, "header": {"x5c": [EXPIRED.x5c]}}, ClientAttestationError),
        ({"signer": BELOW_A_LEAF.signer, "header": {"x5c": [BELOW_A_LEAF.x5c, PROVIDER.x5c]}}, ClientAttestationError),
        ({"expires_at": NOW - timedelta(hours=1)}, StaleClientAttestationError),
        ({"client_id": "https://other.example"}, ClientAttestationError),
        ({"instance_key": SoftwareSigner.generate().public_key.jwk}, ClientAttestationError),
    ],
)
async def test_A05_A33_an_attestation_with_one_thing_wrong_is_refused(
    trusting: Issuer, given: dict[str, Any], error: type[CredentialError]
) -> None:
    """Mirrors VCIIssuerFailOnInvalidClientAttestationSignature, …Expired, …Sub and …Cnf."""
    with pytest.raises(error):
        await authenticate(trusting, *both(attestation(**given), await pop(trusting)))


@pytest.mark.parametrize(
    "changes",
    [
        {"signer": SoftwareSigner.generate()},
        {"audience": "https://issuer.example/other"},
        {"client_id": "https://other.example"},
        {"now": NOW - timedelta(minutes=7)},
        {"now": NOW + timedelta(minutes=2)},
    ],
)
async def test_A33_a_proof_of_possession_with_one_thing_wrong_is_refused(
    trusting: Issuer, changes: dict[str, Any]
) -> None:
    """Mirrors VCIIssuerFailOnInvalidClientAttestationPopSignature and …PopAud."""
    with pytest.raises(ClientAttestationError):
        await authenticate(trusting, *both(attestation(), await pop(trusting, **changes)))


async def test_I46_a_proof_needs_a_challenge_of_this_issuer_and_gets_one(trusting: Issuer) -> None:
    await trusting.add_organisation("other")
    for used in (None, "AAAA", await trusting.nonce(), await challenge(trusting, "other")):
        with pytest.raises(AttestationChallengeError) as caught:
            await authenticate(trusting, *both(attestation(), await pop(trusting, challenge=used)))
    fresh = caught.value.headers["OAuth-Client-Attestation-Challenge"]
    assert await authenticate(trusting, *both(attestation(), await pop(trusting, challenge=fresh)))


async def test_A33_a_challenge_ends_after_its_lifetime(trusting: Issuer) -> None:
    used = await challenge(trusting)
    trusting.clock.advance(trusting.settings.nonce_lifetime)
    with pytest.raises(AttestationChallengeError):
        await authenticate(trusting, *both(attestation(), await pop(trusting, challenge=used)))


async def test_A33_one_header_without_the_other_or_twice_is_refused(trusting: Issuer) -> None:
    given, proof = both(attestation(), await pop(trusting))
    for headers in ([given], [proof], [given, given, proof], [given, proof, proof]):
        with pytest.raises(ClientAttestationError):
            await authenticate(trusting, *headers)


async def test_A33_of_eight_uses_of_one_proof_of_possession_one_counts(trusting: Issuer) -> None:
    headers = both(attestation(), await pop(trusting))
    results = await asyncio.gather(*[authenticate(trusting, *headers) for _ in range(8)], return_exceptions=True)
    assert sum(isinstance(result, ClientInstance) for result in results) == 1
    assert sum(isinstance(result, ClientAttestationError) for result in results) == 7


async def test_I48_a_dpop_proof_with_the_instance_key_authenticates_too(trusting: Issuer) -> None:
    url = f"{IDENTIFIER}/token"

    async def proof(signer: SoftwareSigner) -> Any:
        nonce, now = await challenge(trusting), trusting.clock()
        raw = create_dpop_proof(signer=signer, method="POST", url=url, now=now, nonce=nonce)
        algorithms = frozenset({"ES256"})
        return verify_dpop_proof(raw, method="POST", url=url, now=now, access_token=None, algorithms=algorithms)

    given = both(attestation(), "")[0]
    known = await authenticate(trusting, given, dpop_proof=await proof(INSTANCE))
    assert known is not None
    assert known.client_id == WALLET
    with pytest.raises(ClientAttestationError):
        await authenticate(trusting, given, dpop_proof=await proof(SoftwareSigner.generate()))


async def test_A33_an_issuer_that_knows_no_provider_trusts_no_wallet(issuer: Issuer) -> None:
    for given in (attestation(), attestation(signer=KNOWN, header={"kid": "11"})):
        with pytest.raises(ClientAttestationError):
            await authenticate(issuer, *both(given, await pop(issuer)))


async def test_a_file_of_keys_that_is_none_is_said_to_be_none(issuer: Issuer, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"keys": [{"kty": "EC"}]}')
    object.__setattr__(issuer.settings, "wallet_provider_keys", path)
    with pytest.raises(ValueError, match="wallet_provider_keys"):
        await authenticate(issuer, *both(attestation(header={"kid": "1"}), await pop(issuer)))


def asked(**changes: bool) -> dict[str, bool]:
    return {"is_code_grant": True, "is_client_authenticated": True, "is_sender_constrained": True, **changes}


def test_I33_haip_asks_for_code_client_and_key_and_the_others_for_nothing() -> None:
    require_grant([HAIP, DIIP, OPEN], **asked())
    require_grant([DIIP, OPEN], **dict.fromkeys(asked(), False))
    for missing, error in (
        ("is_code_grant", UnauthorizedClientError),
        ("is_client_authenticated", ClientAuthenticationError),
        ("is_sender_constrained", DpopProofError),
    ):
        with pytest.raises(error):
            require_grant([DIIP, HAIP], **asked(**{missing: False}))


async def test_I33_a_wallet_that_authenticates_need_not_name_itself_for_its_code(trusting: Issuer) -> None:
    """RFC 6749 §4.1.3 asks for `client_id` only of clients that do not authenticate."""
    flow = CodeFlow.start(trusting)

    async def headers(client_id: str = WALLET) -> dict[str, str]:
        return dict(both(attestation(client_id=client_id), await pop(trusting)))

    await trusting.award()
    pushed = await flow.push(headers=await headers())
    await flow.open(pushed.json()["request_uri"])
    await flow.sign_in()
    code = (await flow.agree())["code"]
    unnamed = await flow.exchange(code, client_id=None)
    assert unnamed.json()["error"] == "invalid_grant"
    another = await flow.exchange(code, client_id=None, headers=await headers(client_id="https://other.example"))
    assert another.json()["error"] == "invalid_grant"
    taken = await flow.exchange(code, client_id=None, headers=await headers())
    assert taken.status_code == 200, taken.text


async def test_I32_I47_what_one_wallet_was_given_is_not_anothers_with_the_same_key() -> None:
    """A refresh names no client_id: only the attestation says which product asks."""
    bound = Authorization(client_id=WALLET, client_thumbprint=INSTANCE.public_key.thumbprint, dpop_thumbprint=None)
    verify_same_client(bound, Client(ClientInstance(WALLET, INSTANCE.public_key)))
    other = Client(ClientInstance("https://other.example", INSTANCE.public_key))
    for refused in (other, Client(ClientInstance(WALLET, KNOWN.public_key)), Client()):
        with pytest.raises(ClientAuthenticationError):
            verify_same_client(bound, refused)


@pytest.mark.parametrize("endpoint", ["par", "token"])
async def test_I48_a_client_that_shows_a_secret_is_told_that_nobody_has_one_here(issuer: Issuer, endpoint: str) -> None:
    """RFC 6749 §5.2: 401, and the scheme that was tried."""
    award = await issuer.award()
    forms = {
        "par": CodeFlow.start(issuer).form(),
        "token": {
            "grant_type": PRE_AUTHORIZED_CODE_GRANT,
            "pre-authorized_code": await issuer.code(award),
            "tx_code": award["offer"]["tx_code"],
        },
    }
    post = partial(issuer.client.post, f"/{ORG}/{endpoint}", data=forms[endpoint])
    refused = await post(auth=("wallet", "secret"))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.headers["www-authenticate"].startswith("Basic ")
    assert (await post()).status_code < 300
