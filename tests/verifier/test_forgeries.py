"""What an issuer, its status host and a wallet can forge, as the verifier meets it. PROFILE.md section 11.

The ways are those of `tests/support/forgeries.py`. What is forged of a credential is bound by its holder as it should
be afterwards, so that it is the forging that is found and not a binding that no longer fits.
"""

import json
from datetime import timedelta
from typing import Any

import pytest

from kernel import base64url
from kernel.jwt import parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner
from tests.support.badges import SKILLS
from tests.support.forgeries import (
    EVIL,
    MALLORY,
    SD_JWTS,
    TOKENS,
    Forge,
    in_credential,
    leading_deeper,
    off_its_curve,
    poisoned,
    with_remote_context,
)
from tests.support.simulated_wallet import Misbehaviour
from tests.support.status_host import LIES, StatusHost, StatusMisbehaviour
from tests.verifier.conftest import Stage
from tests.verifier.test_hostile_credentials import outcomes, show

pytestmark = pytest.mark.over_http

CREDENTIALS = {attack: {name: in_credential(forge) for name, forge in ways.items()} for attack, ways in TOKENS.items()}
FIRST, *_ = SKILLS
SECURED = {"format", "issuer_key", "signature"}
"""The checks that ask who signed what; nothing of a credential is believed before they passed."""


def failed(result: dict[str, Any]) -> set[str]:
    return {code for code, (outcome, _) in outcomes(result).items() if outcome == "failed"}


def hosts_asked(stage: Stage) -> set[str]:
    return {request.url.host for request in stage.transport.requests}


async def assert_refused(stage: Stage, forge: Forge) -> None:
    raw, _ = stage.issuer.issue(holder=stage.holder)
    reply, result = await show(stage, forge(raw, stage.issuer.signer))
    assert result["report"]["accepted"] is False
    [why] = failed(result) & SECURED
    # That no key of the issuer is called so, is told to the relying party and not to the sender.
    assert reply.status_code == (200 if why == "issuer_key" else 400)
    assert outcomes(result)["status"] == ("unknown", "skipped")


@pytest.mark.parametrize("attack", [attack for attack in CREDENTIALS if attack != "A09"])
async def test_A01_A02_A03_A06_A07_A08_a_forged_credential_is_refused(stage: Stage, attack: str) -> None:
    for forge in CREDENTIALS[attack].values():
        await assert_refused(stage, forge)
    assert EVIL not in hosts_asked(stage)
    assert not [path for path in stage.issuer.fetched if "status" in path]
    raw, _ = stage.issuer.issue(holder=stage.holder)
    reply, _ = await show(stage, raw)
    assert reply.status_code == 200


@pytest.mark.parametrize("way", CREDENTIALS["A09"])
async def test_A09_a_credential_of_a_date_that_is_none_or_ahead_is_never_accepted(stage: Stage, way: str) -> None:
    """Its issuer signed it, so that it is the date that is found."""
    raw, _ = stage.issuer.issue(holder=stage.holder)
    _, result = await show(stage, CREDENTIALS["A09"][way](raw, stage.issuer.signer))
    assert result["report"]["accepted"] is False
    assert failed(result) & (SECURED | {"validity"})


@pytest.mark.parametrize("attack", SD_JWTS)
async def test_A11_A12_A13_a_credential_with_a_forged_disclosure_is_refused(stage: Stage, attack: str) -> None:
    for forge in SD_JWTS[attack].values():
        await assert_refused(stage, forge)


@pytest.mark.parametrize("attack", TOKENS)
async def test_A01_A02_A03_A06_A07_A08_A09_A15_a_forged_key_binding_is_refused(stage: Stage, attack: str) -> None:
    for name, forge in TOKENS[attack].items():

        def change(presented: str, forge: Forge = forge) -> str:
            shown, _, binding = presented.rpartition("~")
            return f"{shown}~{forge(binding, stage.holder)}"

        reply, result = await stage.ask_and_answer(stage.holding(), Misbehaviour(change_presentation=change))
        assert reply.status_code == 400, name
        assert result["report"]["accepted"] is False, name
    reply, _ = await stage.ask_and_answer(stage.holding())
    assert reply.status_code == 200


@pytest.mark.parametrize("attack", TOKENS)
async def test_A01_A02_A03_A06_A07_A08_A09_A46_a_forged_status_list_makes_no_badge_valid(
    stage: Stage, attack: str
) -> None:
    for name, forge in TOKENS[attack].items():
        stage.issuer.forge_list = forge
        _, result = await stage.ask_and_answer(stage.holding())
        assert result["report"]["accepted"] is False, name
        assert outcomes_of_first(result)["status"][0] in ("failed", "unknown"), name
    assert EVIL not in hosts_asked(stage)
    stage.issuer.forge_list = None
    _, result = await stage.ask_and_answer(stage.holding())
    assert result["report"]["accepted"] is True


@pytest.mark.parametrize("way", LIES)
async def test_V28_K42_A46_a_host_that_lies_about_a_list_makes_no_badge_valid(
    stage: Stage, way: StatusMisbehaviour
) -> None:
    """An older list that still holds, too: what it says is what was so before (the newest one that was seen counts)."""
    stage.issuer.forge_list = host = StatusHost(way)
    await stage.ask_and_answer(stage.holding())
    for is_lying in (False, True, False):
        stage.clock.advance(timedelta(hours=1))
        host.is_lying = is_lying
        _, result = await stage.ask_and_answer(stage.holding())
        assert outcomes_of_first(result)["status"][0] in (("failed", "unknown") if is_lying else ("passed",))
        assert result["report"]["accepted"] is not is_lying


def outcomes_of_first(result: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    first, *_ = result["report"]["presentations"]
    return {check["code"]: (check["outcome"], check["error_code"]) for check in first["checks"]}


@pytest.mark.parametrize("attack", [with_remote_context, poisoned, leading_deeper], ids=["A20", "A21", "A21 deep"])
async def test_A20_A21_a_document_that_sends_its_reader_elsewhere_or_exhausts_it_is_refused(
    stage: Stage, attack: Forge
) -> None:
    def change(presented: str) -> str:
        shown = json.loads(presented)
        [credential] = shown["verifiableCredential"]
        forged = json.loads(attack(json.dumps(credential), MALLORY))
        return json.dumps({**shown, "verifiableCredential": [forged]})

    reply, result = await stage.ask_and_answer(
        stage.holding("ldp_vc"), Misbehaviour(change_presentation=change), skills=[{"uri": FIRST}], policy="openid4vp"
    )
    assert reply.status_code == 400
    assert result["report"]["accepted"] is False
    assert EVIL not in hosts_asked(stage)


def with_keys(change: Any) -> Any:
    def changed(document: dict[str, Any]) -> dict[str, Any]:
        methods = [
            {**method, "publicKeyJwk": change(method["publicKeyJwk"])}
            if method.get("publicKeyJwk", {}).get("crv") == "P-256"
            else method
            for method in document["verificationMethod"]
        ]
        return {**document, "verificationMethod": methods}

    return changed


KEYS = {
    "A04": lambda document: {**document, "assertionMethod": []},
    "A06": with_keys(off_its_curve),
    "A07": with_keys(lambda jwk: {**jwk, "d": jwk["x"]}),
}


@pytest.mark.parametrize("attack", KEYS)
async def test_A04_A06_A07_a_credential_by_a_key_that_may_not_sign_it_is_refused(stage: Stage, attack: str) -> None:
    """The issuer's DID document names the key for another purpose, off its curve, or with its private part."""
    stage.issuer.change_did_document = KEYS[attack]
    _, result = await stage.ask_and_answer(stage.holding())
    assert result["report"]["accepted"] is False
    assert outcomes_of_first(result)["issuer_key"][0] in ("failed", "unknown")


@pytest.mark.parametrize("change", [off_its_curve, lambda jwk: {**jwk, "d": jwk["x"]}], ids=["A06", "A07"])
async def test_A06_A07_a_holder_key_that_is_none_binds_nothing(stage: Stage, change: Any) -> None:
    raw, _ = stage.issuer.issue(holder=stage.holder)
    reply, result = await show(stage, _with_holder_key(raw, change, stage.issuer.signer))
    assert reply.status_code == 400
    assert result["report"]["accepted"] is False


def _with_holder_key(raw: str, change: Any, signer: SoftwareSigner) -> str:
    token, _, disclosures = raw.partition("~")
    read = parse_jwt(token)
    confirmation = {"jwk": change(read.payload["cnf"]["jwk"])}
    header = {"kid": read.header["kid"]}
    again = sign_jwt({**read.payload, "cnf": confirmation}, signer=signer, typ=read.header["typ"], header=header)
    return f"{again}~{disclosures}"


async def test_A06_an_answer_encrypted_with_a_point_off_the_curve_is_not_read(stage: Stage) -> None:
    started = await stage.ask(response_mode="direct_post.jwt")
    wallet = stage.holding()

    def bend(form: dict[str, str]) -> dict[str, str]:
        protected, *rest = form["response"].split(".")
        header = json.loads(base64url.decode(protected))
        bent = {**header, "epk": off_its_curve(header["epk"])}
        return {"response": ".".join([base64url.encode(json.dumps(bent).encode()), *rest])}

    refused = await wallet.answer(started["link"], Misbehaviour(change_form=bend))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert (await wallet.answer(started["link"])).status_code == 200


@pytest.mark.parametrize("index", range(4))
async def test_A14_the_skill_that_was_shown_is_the_one_that_counts_wherever_it_stands(stage: Stage, index: int) -> None:
    """One element of four, the others kept back: none moves into its place."""
    uri = list(SKILLS)[index]
    _, result = await stage.ask_and_answer(stage.holding(), skills=[{"uri": uri}])
    assert result["report"]["accepted"] is True
    assert [skill["uri"] for skill in result["shown"]["skill_1_sd/0"]["skills"]] == [uri]
