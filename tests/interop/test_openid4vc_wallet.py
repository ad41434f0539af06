"""A wallet on the OpenWallet Foundation's `@openid4vc` libraries, which Credo uses inside, at our issuer.

It runs in Node and talks HTTP. It judges by the machine's clock, so the issuer lives by that clock here. What it gets
is judged by `@sd-jwt/sd-jwt-vc`.
"""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from kernel.keys import SoftwareSigner
from tests.issuer.code_flow import CodeFlow
from tests.issuer.conftest import CONFIGURATIONS, SANNE, SD_JWT, Issuer, create_issuer
from tests.issuer.test_deferred import approve, award_by_somebody, needs_approval
from tests.support.certificates import create_authority, create_leaf
from tests.support.clock import FixedClock
from tests.support.hosts import HostTransport
from tests.support.node_peers import Call, NodePeers, PeerError

pytestmark = pytest.mark.loopback
WALLET, JUDGE = "openid4vci_wallet", "sd_jwt_vc"
TODAY = datetime.now(UTC).replace(microsecond=0)
AUTHORITY = create_authority(TODAY)
PROVIDER = create_leaf(AUTHORITY, TODAY)


@pytest.fixture
async def issuer(new_sqlite_database: Callable[[str | None], str], tmp_path: Path) -> AsyncIterator[Issuer]:
    """Knows the provider of the other wallet by its authority."""
    certificates = tmp_path / "providers.pem"
    certificates.write_bytes(AUTHORITY.certificate.public_bytes(Encoding.PEM))
    url, clock = new_sqlite_database("issuer"), FixedClock(datetime.now(UTC))
    made = await create_issuer(url, clock, wallet_provider_certificates=certificates)
    yield made
    await made.client.aclose()
    await made.app.state.service.close()


@pytest.fixture
async def call(node_peers: NodePeers, issuer: Issuer) -> AsyncIterator[Call]:
    async with node_peers.meeting(HostTransport({"issuer.example:443": issuer.app})) as call:
        yield call


async def redeemed(issuer: Issuer, call: Call, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """An award, and the other wallet with an access token for it."""
    award = await issuer.award()
    return award, await redeem(call, award, **options)


async def redeem(call: Call, award: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The other wallet with an access token for this award."""
    opened = await call(WALLET, "open", offer=award["offer"]["link"], **options)
    await call(WALLET, "redeem", journey=opened["journey"], tx_code=award["offer"]["tx_code"])
    return opened


async def test_I02_I27_I55_I57_I62_I66_a_wallet_of_others_takes_every_securing(issuer: Issuer, call: Call) -> None:
    """The whole way: offer, metadata, pre-authorized code with transaction code, nonce, proof, credential, thanks."""
    award, opened = await redeemed(issuer, call)
    assert (opened["version"], opened["configurations"]) == ("V1", CONFIGURATIONS)
    for configuration in CONFIGURATIONS:
        answer = await call(WALLET, "ask", journey=opened["journey"], configuration=configuration)
        assert len(answer["credentials"]) == 1
    thanks = {"notification_id": answer["notification_id"], "event": "credential_accepted"}
    await call(WALLET, "tell", journey=opened["journey"], **thanks)
    assert (await issuer.get_award(award["id"]))["state"] == "received"


async def test_I27_a_wallet_of_others_is_refused_with_another_transaction_code(issuer: Issuer, call: Call) -> None:
    """The control: it does tell us the code that its person typed."""
    award = await issuer.award()
    opened = await call(WALLET, "open", offer=award["offer"]["link"])
    wrong = "".join(str((int(digit) + 1) % 10) for digit in award["offer"]["tx_code"])
    with pytest.raises(PeerError, match="invalid_grant"):
        await call(WALLET, "redeem", journey=opened["journey"], tx_code=wrong)


@pytest.mark.parametrize("configuration", [SD_JWT])
async def test_I60_K26_K70_others_believe_each_copy_of_a_batch_and_show_part_of_it(
    issuer: Issuer, call: Call, configuration: str
) -> None:
    _, opened = await redeemed(issuer, call)
    answer = await call(WALLET, "ask", journey=opened["journey"], configuration=configuration, copies=3)
    copies = [entry["credential"] for entry in answer["credentials"]]
    judged = [await call(JUDGE, "verify", credential=copy) for copy in copies]
    assert {verdict["payload"]["given_name"] for verdict in judged} == {"Sanne"}
    assert len({verdict["payload"]["status"]["status_list"]["idx"] for verdict in judged}) == 3
    shown = await call(
        JUDGE,
        "show",
        credential=copies[0],
        frame={"given_name": True},
        audience="https://verifier.example",
        nonce="n-1",
    )
    verdict = await call(JUDGE, "verifyPresentation", presentation=shown, nonce="n-1")
    assert verdict["payload"]["given_name"] == "Sanne"
    assert "family_name" not in verdict["payload"]


async def test_I77_K70_others_see_that_a_badge_was_revoked(issuer: Issuer, call: Call) -> None:
    award, opened = await redeemed(issuer, call)
    answer = await call(WALLET, "ask", journey=opened["journey"], configuration=SD_JWT)
    [entry] = answer["credentials"]
    assert (await issuer.change(award["id"], "revoke")).status_code == 200
    with pytest.raises(PeerError, match="Status is not valid"):
        await call(JUDGE, "verify", **entry)


async def test_K33_others_understand_what_the_type_says_of_itself(issuer: Issuer, call: Call) -> None:
    _, opened = await redeemed(issuer, call)
    answer = await call(WALLET, "ask", journey=opened["journey"], configuration=SD_JWT)
    [entry] = answer["credentials"]
    # It compares the digest in hexadecimal, where a digest of Subresource Integrity is written in Base64.
    with pytest.raises(PeerError, match="Integrity check"):
        await call(JUDGE, "verify", **entry, type_metadata=True)
    described = await call(JUDGE, "readType", vct=issuer.settings.badge_vct)
    assert [display["locale"] for display in described["display"]] == ["nl", "en"]


async def test_I63_I65_a_wallet_of_others_waits_for_a_badge(issuer: Issuer, call: Call) -> None:
    await needs_approval(issuer)
    award = await award_by_somebody(issuer)
    opened = await redeem(call, award)
    journey = opened["journey"]
    answer = await call(WALLET, "ask", journey=journey, configuration=SD_JWT)
    assert answer.keys() == {"transaction_id", "interval"}
    again = await call(WALLET, "askAgain", journey=journey, transaction_id=answer["transaction_id"])
    assert again == answer
    assert (await approve(issuer, award)).status_code == 200
    # Its check has `notification_id` the wrong way round, and refuses every answer that may be thanked for (§9.2).
    with pytest.raises(PeerError, match="notification_id"):
        await call(WALLET, "askAgain", journey=journey, transaction_id=answer["transaction_id"])


@pytest.mark.parametrize("dpop", [False, True])
async def test_I20_I21_I22_I24_I26_I30_I32_a_wallet_of_others_signs_its_person_in(
    issuer: Issuer, call: Call, dpop: bool
) -> None:
    award = await issuer.award()
    opened = await call(WALLET, "open", offer=award["offer"]["link"], dpop=dpop)
    journey = opened["journey"]
    scope = opened["described"][SD_JWT]["scope"]
    token = await come_back(issuer, call, journey, await call(WALLET, "push", journey=journey, scope=scope))
    assert token["token_type"] == ("DPoP" if dpop else "Bearer")
    answer = await call(WALLET, "ask", journey=journey, configuration=SD_JWT, copies=2)
    assert len(answer["credentials"]) == 2
    if dpop:
        await call(WALLET, "refresh", journey=journey)
        assert len((await call(WALLET, "ask", journey=journey, configuration=SD_JWT))["credentials"]) == 1


async def come_back(issuer: Issuer, call: Call, journey: int, url: str) -> Any:
    """The person goes where the wallet sends them, signs in, agrees, and comes back."""
    flow = CodeFlow.start(issuer)
    await flow.follow(await flow.browser.get(url))
    await flow.sign_in(SANNE["email"])
    agreed = await flow.submit("/agree")
    assert agreed.status_code == 303, agreed.text
    return await call(WALLET, "comeBack", journey=journey, url=agreed.headers["location"])


def provider(signer: SoftwareSigner = PROVIDER.signer) -> dict[str, Any]:
    return {"key": signer.private_jwk(), "x5c": [PROVIDER.x5c]}


@pytest.mark.parametrize("proof", ["attestation", "attested jwt"])
async def test_I45_I46_I50_a_wallet_of_others_is_vouched_for(issuer: Issuer, call: Call, proof: str) -> None:
    award = await issuer.award()
    opened = await call(WALLET, "open", offer=award["offer"]["link"], dpop=True, provider=provider())
    journey = opened["journey"]
    scope = opened["described"][SD_JWT]["scope"]
    await come_back(issuer, call, journey, await call(WALLET, "push", journey=journey, scope=scope))
    answer = await call(WALLET, "ask", journey=journey, configuration=SD_JWT, copies=2, proof=proof)
    assert len(answer["credentials"]) == 2


async def test_I46_a_wallet_of_others_that_fetches_no_challenge_is_told_to(issuer: Issuer, call: Call) -> None:
    award = await issuer.award()
    more = {"dpop": True, "provider": provider(), "helped": False}
    opened = await call(WALLET, "open", offer=award["offer"]["link"], **more)
    with pytest.raises(PeerError, match="use_attestation_challenge"):
        await call(WALLET, "push", journey=opened["journey"], scope=opened["described"][SD_JWT]["scope"])


async def test_I67_a_wallet_of_others_asks_and_is_answered_encrypted(issuer: Issuer, call: Call) -> None:
    _, opened = await redeemed(issuer, call, encrypted=True)
    answer = await call(WALLET, "ask", journey=opened["journey"], configuration=SD_JWT)
    assert len(answer["credentials"]) == 1


async def test_I67_a_wallet_of_others_that_asks_for_encryption_in_the_clear_is_refused(
    issuer: Issuer, call: Call
) -> None:
    _, opened = await redeemed(issuer, call, encrypted=True, helped=False)
    with pytest.raises(PeerError, match="invalid_encryption_parameters"):
        await call(WALLET, "ask", journey=opened["journey"], configuration=SD_JWT)


async def test_I50_a_key_attestation_of_others_under_the_type_of_draft_15_is_refused(
    issuer: Issuer, call: Call
) -> None:
    """`keyattestation+jwt` became `key-attestation+jwt` in 1.0 (Appendix D.1)."""
    award = await issuer.award()
    opened = await call(WALLET, "open", offer=award["offer"]["link"], provider=provider(), helped="challenge")
    await call(WALLET, "redeem", journey=opened["journey"], tx_code=award["offer"]["tx_code"])
    with pytest.raises(PeerError, match="invalid_proof"):
        await call(WALLET, "ask", journey=opened["journey"], configuration=SD_JWT, proof="attestation")
