"""The page about by what wallets know a relying party. V-04, W-43, A-52."""

from typing import Any

import pytest

from kernel.jwt import sign_jwt
from kernel.x5c import x509_hash
from tests.support.certificates import create_leaf
from tests.support.clock import NOW
from tests.support.federation import ANCHOR
from tests.verifier.browser import Browser, post_form, sign_in
from tests.verifier.conftest import Stage
from tests.verifier.test_pages import make_question
from tests.verifier.test_policies import ATTESTER, AUTHORITY, LEAF, attest, chain_pem, key_pem

HERE = "/back-office/bakker/identity"
GOOD = {"chain": chain_pem(LEAF.certificate), "key": key_pem(LEAF.key)}


async def test_V04_an_operator_hands_in_a_certificate_sees_it_and_takes_it_away(any_stage: Stage) -> None:
    operator = await sign_in(any_stage)
    page = await operator.get(HERE)
    assert "did:web:verifier.example:bakker" in page.text
    assert "nog geen" in page.text
    kept = await post_form(operator, page, GOOD, action=f"{HERE}/certificate")
    assert (kept.status_code, kept.headers["location"]) == (303, HERE)
    page = await operator.get(HERE)
    assert f"x509_hash:{x509_hash(LEAF.certificate)}" in page.text
    assert "BEGIN PRIVATE KEY-----\n" not in page.text
    assert "Vragen aan Europese wallets lukken dan niet meer" in page.text
    gone = await post_form(operator, page, {}, action=f"{HERE}/certificate/delete")
    assert gone.status_code == 303
    assert "Certificaat weghalen" not in (await operator.get(HERE)).text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chain": ""}, "Dit is geen certificaat."),
        ({"chain": chain_pem(AUTHORITY.certificate)}, "dat zichzelf ondertekent"),
        ({"key": ""}, "Dit is geen sleutel"),
        ({"key": key_pem(create_leaf(AUTHORITY, NOW).key)}, "Deze sleutel hoort niet bij het certificaat."),
        ({"chain": chain_pem(create_leaf(AUTHORITY, NOW).certificate)}, "voor een ander webadres"),
    ],
    ids=["no_chain", "anchor", "no_key", "other_key", "other_host"],
)
async def test_V04_what_is_wrong_with_a_certificate_is_said_at_the_field_and_the_key_is_not_shown_again(
    stage: Stage, changes: dict[str, Any], words: str
) -> None:
    operator = await sign_in(stage)
    page = await operator.get(HERE)
    refused = await post_form(operator, page, {**GOOD, **changes}, action=f"{HERE}/certificate")
    assert refused.status_code == 400
    assert words in refused.text
    secret = GOOD["key"].splitlines()[1]
    assert secret not in refused.text


async def test_W43_an_operator_hands_in_an_attestation(stage: Stage) -> None:
    operator = await sign_in(stage)
    page = await operator.get(HERE)
    refused = await post_form(operator, page, {"attestation": "x"}, action=f"{HERE}/attestation")
    assert refused.status_code == 400
    assert "Dit is geen verklaring" in refused.text
    assert (await attest(stage)).status_code == 200
    assert "verifier_attestation:bakker.example" in (await operator.get(HERE)).text


async def test_W43_a_good_attestation_may_be_pasted_on_the_page(stage: Stage) -> None:
    operator = await sign_in(stage)
    key = (await stage.api.get("/api/relying-parties/bakker")).json()["public_jwk"]
    claims = {
        "iss": "https://attester.example",
        "sub": "bakker",
        "exp": int(NOW.timestamp()) + 60,
        "cnf": {"jwk": key},
    }
    raw = sign_jwt(claims, signer=ATTESTER, typ="verifier-attestation+jwt")
    page = await operator.get(HERE)
    kept = await post_form(operator, page, {"attestation": raw}, action=f"{HERE}/attestation")
    assert kept.status_code == 303


async def test_V04_with_a_certificate_a_question_may_be_for_european_wallets(stage: Stage) -> None:
    operator = await sign_in(stage)
    form = await operator.get("/back-office/bakker/questions/new")
    assert "Welke wallets vraagt u?" not in form.text
    page = await operator.get(HERE)
    await post_form(operator, page, GOOD, action=f"{HERE}/certificate")
    form = await operator.get("/back-office/bakker/questions/new")
    assert "Welke wallets vraagt u?" in form.text
    question = await make_question(operator, policy="haip")
    shown = await operator.get(question)
    assert "Deze vraag is voor Europese wallets" in shown.text
    asked = await post_form(operator, shown, {}, action=f"{question}/ask")
    assert "haip-vp://?client_id=x509_hash" in (await operator.get(asked.headers["location"])).text


async def test_A52_nobody_else_sees_or_changes_by_what_a_party_is_known(stage: Stage) -> None:
    stranger = Browser(stage)
    assert (await stranger.get(HERE)).status_code == 303
    await stage.admin.post("/api/relying-parties", json={"slug": "ander", "name": "Ander"})
    other = await sign_in(stage, slug="ander", email="x@ander.example")
    assert (await other.get(HERE)).status_code == 404
    page = await other.get("/back-office/ander/identity")
    assert (await post_form(other, page, GOOD, action=f"{HERE}/certificate")).status_code == 404
    assert (await post_form(other, page, {}, action=f"{HERE}/certificate/delete")).status_code == 404


async def test_T07_an_operator_joins_a_federation_sees_its_key_and_leaves(any_stage: Stage) -> None:
    operator = await sign_in(any_stage)
    page = await operator.get(HERE)
    two = f"{ANCHOR}\r\n\r\n  https://other.example"
    joined = await post_form(operator, page, {"authority_hints": two}, action=f"{HERE}/federation")
    assert (joined.status_code, joined.headers["location"]) == (303, HERE)
    page = await operator.get(HERE)
    assert "openid_federation:https://verifier.example/bakker" in page.text
    membership = (await any_stage.api.get("/api/relying-parties/bakker/federation")).json()
    assert membership["authority_hints"] == [ANCHOR, "https://other.example"]
    assert membership["public_jwk"]["x"] in page.text
    for _ in range(2):
        left = await post_form(operator, page, {}, action=f"{HERE}/federation/delete")
        assert left.status_code == 303
    assert "Uit de groep gaan" not in (await operator.get(HERE)).text
    assert (await any_stage.browser.get("/bakker/.well-known/openid-federation")).status_code == 404


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Vul een webadres in"),
        ("federatie.example", "Vul een webadres in"),
        ("https://verifier.example/bakker", "Dit is uw eigen adres."),
    ],
)
async def test_T07_what_is_wrong_with_who_vouches_is_said_at_the_field(stage: Stage, typed: str, words: str) -> None:
    operator = await sign_in(stage)
    page = await operator.get(HERE)
    refused = await post_form(operator, page, {"authority_hints": typed}, action=f"{HERE}/federation")
    assert refused.status_code == 400
    assert words in refused.text
    assert typed in refused.text


async def test_K97_whose_badges_count_is_chosen_on_the_page_and_where_nobody_is_recognised_it_says_so(
    stage: Stage,
) -> None:
    operator = await sign_in(stage)
    await post_form(operator, await operator.get(HERE), GOOD, action=f"{HERE}/certificate")
    form = await operator.get("/back-office/bakker/questions/new")
    assert form.text.count('type="radio" name="policy"') == 3
    question = await make_question(operator, policy="haip-listed")
    shown = await operator.get(question)
    assert "alleen badges van erkende uitgevers" in shown.text
    asked = await post_form(operator, shown, {}, action=f"{question}/ask")
    assert asked.status_code == 409
    assert "Deze vraag kan nu niet worden gesteld" in asked.text
    candidate, link = Browser(stage), question.replace("/back-office/bakker/questions", "/ask/bakker")
    refused = await post_form(candidate, await candidate.get(link), {"way": "cross_device"}, action=link)
    assert (refused.status_code, "op dit moment is niemand zo erkend" in refused.text) == (409, True)
