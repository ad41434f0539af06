"""`openvc-core` at the other side of OpenID4VP: it answers our verifier, and it judges what our kernel answers.

What was tried, with which version and what result, stands in docs/interop.md.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openvc.errors import OpenvcError
from openvc.keys import P256KeyAgreementKey
from openvc.openid4vp import verify_encrypted_vp_response
from openvc.proof.sd_jwt import SdJwtVcProofSuite
from openvc.proof.vp_jwt import VpJwtProofSuite
from openvc.verify import default_resolver

from kernel.did import did_jwk
from kernel.formats import IssuerIdentity
from kernel.jwe import encrypt_jwe
from kernel.keys import SoftwareSigner
from kernel.openid4vp import (
    create_client_metadata,
    create_dc_api_request,
    create_dc_api_response,
    parse_dc_api_request,
    verify_unsigned_dc_api_request,
)
from kernel.strict_json import encode_json
from tests.interop.test_formats_with_others import PeerKey
from tests.support.badges import ISSUER_SIGNER, NONCE, VCT, issue_badge, present_badge
from tests.verifier.conftest import SKILL_URIS, VERIFIER, Stage

ONE_SKILL = [{"uri": SKILL_URIS[0]}]
QUERY = {
    "credentials": [
        {
            "id": "badge",
            "format": "dc+sd-jwt",
            "meta": {"vct_values": [VCT]},
            "claims": [{"path": ["achievement", "id"]}],
        }
    ]
}


@pytest.fixture
async def today(make_stage: Any, new_sqlite_database: Any) -> Stage:
    """A verifier by the machine's clock, which is the peer's."""
    stage: Stage = await make_stage(new_sqlite_database("verifier"))
    stage.clock.now = datetime.now(UTC)
    stage.write_trust_list(stage.issuer, next_update=stage.clock.now + timedelta(days=7))
    return stage


def present(format_id: str, raw: str, holder: SoftwareSigner, audience: str, nonce: str) -> str:
    """What the peer makes of our badge when it shows it."""
    if format_id == "dc+sd-jwt":
        key = PeerKey(holder, "holder")
        return SdJwtVcProofSuite().create_presentation(raw, holder_key=key, audience=audience, nonce=nonce)
    key = PeerKey(holder, f"{did_jwk(holder.public_key.jwk)}#0")
    return VpJwtProofSuite().sign([raw], holder_key=key, audience=audience, nonce=nonce)


@pytest.mark.parametrize(("format_id", "suffix"), [("dc+sd-jwt", "sd"), ("jwt_vc_json", "w1")])
async def test_V24_our_verifier_accepts_what_openvc_presents(today: Stage, format_id: str, suffix: str) -> None:
    raw, _ = today.issuer.issue(format_id, holder=today.holder)
    started = await today.ask(skills=ONE_SKILL)
    wallet = today.wallet()
    request = await wallet.read_request(started["link"])
    shown = present(format_id, raw, today.holder, request.client_id, request.nonce)
    plaintext = {"vp_token": {f"skill_1_{suffix}": [shown]}, "state": request.state}
    recipient, enc = request.client_metadata.select_encryption()
    reply = await wallet.post(request, {"response": encrypt_jwe(encode_json(plaintext), recipient=recipient, enc=enc)})
    assert reply.status_code == 200
    assert (await today.result(started))["report"]["accepted"]


async def test_V24_A16_our_verifier_refuses_what_openvc_presents_to_another(today: Stage) -> None:
    raw, _ = today.issuer.issue("dc+sd-jwt", holder=today.holder)
    started = await today.ask(skills=ONE_SKILL, response_mode="direct_post")
    wallet = today.wallet()
    request = await wallet.read_request(started["link"])
    shown = present("dc+sd-jwt", raw, today.holder, "x509_hash:another", request.nonce)
    form = {"vp_token": json.dumps({"skill_1_sd": [shown]}), "state": str(request.state)}
    assert (await wallet.post(request, form)).status_code == 400


def test_V08_W49_openvc_believes_what_is_answered_through_the_browser_to_this_page_alone() -> None:
    """Created, asked, answered and encrypted here; opened and judged by the peer."""
    now = datetime.now(UTC)
    transaction_key = P256KeyAgreementKey.generate("1")
    created = create_dc_api_request(
        response_mode="dc_api.jwt",
        nonce=NONCE,
        dcql_query=QUERY,
        client_metadata=create_client_metadata(encryption_key={**transaction_key.public_jwk(), "kid": "1"}),
        issued_at=now,
        expires_at=now + timedelta(minutes=5),
    )
    read = parse_dc_api_request(created["protocol"], created["data"])
    request = verify_unsigned_dc_api_request(read, origin=VERIFIER, now=now)
    identity = did_jwk(ISSUER_SIGNER.public_key.jwk)
    raw = issue_badge("dc+sd-jwt", issuer=IssuerIdentity(identity, f"{identity}#0"), status=None)
    shown = present_badge("dc+sd-jwt", raw, audience=request.audience, nonce=request.nonce, now=now)
    answer = create_dc_api_response(request, {"badge": [shown]})
    asked: dict[str, Any] = {"dcql_query": QUERY, "nonce": NONCE, "resolver": default_resolver()}
    assert verify_encrypted_vp_response(answer["response"], key=transaction_key, expected_origins=[VERIFIER], **asked)
    for audience in ({"expected_origins": ["https://elsewhere.example"]}, {"client_id": "x509_hash:another"}):
        with pytest.raises(OpenvcError):
            verify_encrypted_vp_response(answer["response"], key=transaction_key, **audience, **asked)
