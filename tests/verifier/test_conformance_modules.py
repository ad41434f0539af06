"""The verifier modules of the OpenID Foundation's conformance suite, by their names: one test each (LESSONS.md, 6).

Each test takes the honest answer of the simulated wallet and breaks one thing. What the module expects is that the
response is refused, or that it is accepted. The modules for client id prefixes, for requests by value and by signed
`request_uri`, and for the response modes are in `test_policies.py` and `test_presentation_request.py` as well.
"""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner
from tests.support.simulated_wallet import Misbehaviour
from tests.verifier.conftest import SKILL_URIS, Stage
from tests.verifier.test_policies import AUTHORITY, certify

pytestmark = pytest.mark.over_http


async def judge(
    stage: Stage, misbehaviour: Misbehaviour | None = None, **asked: Any
) -> tuple[httpx.Response, set[str]]:
    """The verifier's reply, and the codes of what went wrong."""
    reply, found = await stage.ask_and_answer(stage.holding(), misbehaviour, **asked)
    checks = [check for each in found["report"]["presentations"] for check in each["checks"]]
    assert found["report"]["accepted"] is (reply.status_code == 200)
    return reply, {check["error_code"] for check in checks if check["outcome"] == "failed"}


@pytest.mark.parametrize("response_mode", ["direct_post.jwt", "direct_post"])
async def test_V20_happy_flow(any_stage: Stage, response_mode: str) -> None:
    """VP1FinalVerifierHappyFlow, with direct_post and direct_post.jwt."""
    reply, problems = await judge(any_stage, response_mode=response_mode)
    assert (reply.status_code, problems) == (200, set())


async def test_K47_minimal_cnf_jwk(stage: Stage) -> None:
    """VP1FinalVerifierMinimalCnfJwk: the holder's key has the members that a key needs, and no others."""
    wallet = stage.wallet()
    raw, _ = stage.issuer.issue(holder=stage.holder)
    issued, _, disclosures = raw.partition("~")
    token = parse_jwt(issued)
    minimal = {name: stage.holder.public_key.jwk[name] for name in ("kty", "crv", "x", "y")}
    claims = {**token.payload, "cnf": {"jwk": minimal}}
    again = sign_jwt(claims, signer=stage.issuer.signer, typ="dc+sd-jwt", header={"kid": token.header["kid"]})
    wallet.keep(f"{again}~{disclosures}", stage.holder, stage.issuer.signer.public_key)
    reply, found = await stage.ask_and_answer(wallet)
    assert (reply.status_code, found["report"]["accepted"]) == (200, True)


async def test_V02_request_uri_fetched_twice(stage: Stage) -> None:
    """VP1FinalVerifierRequestUriFetchedTwice."""
    started = await stage.ask()
    wallet = stage.holding()
    await wallet.read_request(started["link"])
    assert (await wallet.answer(started["link"])).status_code == 200


async def test_V02_request_uri_method_post(stage: Stage) -> None:
    """VP1FinalVerifierRequestUriMethodPost: the nonce that the wallet posted comes back, signed."""
    started = await stage.ask()
    wallet = stage.holding()
    posted = await wallet.client.post(started["request_uri"], data={"wallet_nonce": "w-1", "wallet_metadata": "{}"})
    assert parse_jwt(posted.text).payload["wallet_nonce"] == "w-1"
    assert (await wallet.answer(started["link"], method="post")).status_code == 200


def alter_issuer_signature(raw: str) -> str:
    """Another signature by the same algorithm over the same content."""
    issued, _, rest = raw.partition("~")
    token = parse_jwt(issued)
    header = {name: value for name, value in token.header.items() if name not in ("alg", "typ")}
    forged = sign_jwt(token.payload, signer=SoftwareSigner.generate(), typ=token.header["typ"], header=header)
    return f"{forged}~{rest}"


def with_binding(change: dict[str, Any], holder: SoftwareSigner | None = None) -> Misbehaviour:
    """A Key Binding JWT with members changed; signed by the holder, or by somebody else."""

    def rewrite(raw: str) -> str:
        shown, _, bound = raw.rpartition("~")
        payload = {**parse_jwt(bound).payload, **change}
        return f"{shown}~{sign_jwt(payload, signer=holder or SoftwareSigner.generate(), typ='kb+jwt')}"

    return Misbehaviour(change_presentation=rewrite)


async def test_V24_invalid_credential_signature(stage: Stage) -> None:
    """VP1FinalVerifierInvalidCredentialSignature."""
    reply, problems = await judge(stage, Misbehaviour(change_presentation=alter_issuer_signature))
    assert (reply.status_code, problems) == (400, {"signature"})


async def test_V24_A16_invalid_kb_jwt_audience(stage: Stage) -> None:
    """VP1FinalVerifierInvalidKbJwtAud."""
    reply, problems = await judge(stage, Misbehaviour(audience="x509_hash:somebody-else"))
    assert (reply.status_code, problems) == (400, {"audience"})


async def test_V25_A16_invalid_kb_jwt_nonce(stage: Stage) -> None:
    """VP1FinalVerifierInvalidKbJwtNonce."""
    reply, problems = await judge(stage, Misbehaviour(nonce="another-nonce"))
    assert (reply.status_code, problems) == (400, {"nonce"})


async def test_V24_A15_invalid_kb_jwt_signature(stage: Stage) -> None:
    """VP1FinalVerifierInvalidKbJwtSignature."""
    reply, problems = await judge(stage, Misbehaviour(signer=SoftwareSigner.generate()))
    assert (reply.status_code, problems) == (400, {"holder_binding"})


async def test_V24_A16_invalid_sd_hash(stage: Stage) -> None:
    """VP1FinalVerifierInvalidSdHash."""
    misbehaviour = with_binding({"sd_hash": "kd8YIowqL2n2kT-enC3ebgxfVa4bNx14aJ2T6eWGwtE"}, stage.holder)
    reply, problems = await judge(stage, misbehaviour)
    assert (reply.status_code, problems) == (400, {"holder_binding"})


@pytest.mark.parametrize("age", [timedelta(minutes=7), -timedelta(minutes=2)], ids=["past", "future"])
async def test_V24_A16_kb_jwt_issued_in_the_past_or_the_future(stage: Stage, age: timedelta) -> None:
    """VP1FinalVerifierKbJwtIatInPast, VP1FinalVerifierKbJwtIatInFuture."""
    reply, problems = await judge(stage, Misbehaviour(age=age))
    assert (reply.status_code, problems) == (400, {"holder_binding"})


@pytest.mark.parametrize("prefix", ["redirect_uri", "x509_san_dns", "x509_hash"])
@pytest.mark.parametrize("response_mode", ["direct_post.jwt", "direct_post"])
async def test_V04_client_id_prefixes_with_both_response_modes(stage: Stage, prefix: str, response_mode: str) -> None:
    """The happy flow under the variants client_id_prefix and response_mode."""
    await certify(stage)
    wallet = stage.holding()
    wallet.anchors = [AUTHORITY.certificate]
    reply, found = await stage.ask_and_answer(
        wallet, policy="openid4vp", client_id_prefix=prefix, response_mode=response_mode
    )
    assert (reply.status_code, found["report"]["accepted"]) == (200, True)


@pytest.mark.parametrize("request_by", ["value", "get", "post"])
async def test_V02_request_methods(stage: Stage, request_by: str) -> None:
    """The happy flow under the variants of request_method: by value, and by signed request_uri."""
    reply, found = await stage.ask_and_answer(stage.holding(), policy="openid4vp", request_by=request_by)
    assert (reply.status_code, found["report"]["accepted"]) == (200, True)


# What the suite leaves to the verifier's own word


async def test_V30_what_was_shown_is_handed_out_with_the_issuer_who_said_it(any_stage: Stage) -> None:
    """OpenID4VP 1.0 §14.4: an identifier means nothing without who gave it, so no claim leaves without its issuer."""
    wallet = any_stage.holding()
    wallet.also_disclose = frozenset({("email",)})
    _, found = await any_stage.ask_and_answer(wallet, skills=[{"uri": SKILL_URIS[0]}])
    (shown,) = found["shown"].values()
    assert shown["person"] == {"email": "sanne@student.example"}
    assert shown["issuer"] == any_stage.issuer.did
    (presentation,) = found["report"]["presentations"]
    evidence = {name: value for check in presentation["checks"] for name, value in check["evidence"].items()}
    assert evidence["issuer"] == any_stage.issuer.did


async def test_V26_a_presentation_without_binding_is_refused_where_binding_was_asked(stage: Stage) -> None:
    """Every question of ours asks for it; a wallet that leaves it out has not proven whose badge it is."""
    stripped = Misbehaviour(change_presentation=lambda raw: raw.rpartition("~")[0] + "~")
    reply, problems = await judge(stage, stripped)
    assert (reply.status_code, problems) == (400, {"holder_binding"})


async def test_V01_the_secrets_of_eight_transactions_are_all_different(any_stage: Stage) -> None:
    started = await asyncio.gather(*(any_stage.ask() for _ in range(8)))
    wallet = any_stage.wallet()
    requests = [await wallet.read_request(each["link"]) for each in started]
    keys = [request.client_metadata.encryption_keys[0]["x"] for request in requests]
    for values in (keys, [each.nonce for each in requests], [each.state for each in requests]):
        assert len(set(values)) == 8
