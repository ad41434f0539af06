"""Every format of a badge at the real verifier, over HTTP: believed when good, refused with its reason when not."""

import json
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from kernel.data_integrity import add_proof
from kernel.did import did_jwk
from kernel.formats import FORMATS
from kernel.keys import SoftwareSigner
from kernel.status.token_status_list import Status
from kernel.strict_json import MAX_BYTES, encode_json
from skills.relations import RelatedSkill
from skills.skill import Skill
from tests.support.badges import create_test_achievement
from tests.support.full_badge import create_test_endorsement, sign_test_endorsement
from tests.support.hideable import sign_hideable
from tests.support.simulated_wallet import Misbehaviour, VpToken
from tests.verifier.conftest import SKILL_URIS, Stage
from tests.verifier.issuer_host import MESSAGES
from tests.verifier.test_presentation_response import check
from verifier.questions import AskedSkill, create_dcql_query, create_requirements

pytestmark = pytest.mark.over_http

MALLORY = SoftwareSigner.generate()
# In every format that we know, `vc+jwt` among them, which is asked for only where it is named.
ASKED: dict[str, Any] = {
    "skills": [{"uri": SKILL_URIS[0]}],
    "policy": "openid4vp",
    "formats": ["dc+sd-jwt", "vc+sd-jwt", "ldp_vc", "vc+jwt", "jwt_vc_json"],
}
QUERY_IDS = {
    "dc+sd-jwt": "skill_1_sd",
    "vc+sd-jwt": "skill_1_w3",
    "ldp_vc": "skill_1_di",
    "ldp_vc_sd": "skill_1_di",
    "vc+jwt": "skill_1_jwt",
    "open_badge_jwt": "skill_1_jwt",
    "jwt_vc_json": "skill_1_w1",
}
HIDES = ("dc+sd-jwt", "vc+sd-jwt", "ldp_vc_sd")
EACH = pytest.mark.parametrize("way", QUERY_IDS)
EMBEDDED = pytest.mark.parametrize("way", ["ldp_vc", "ldp_vc_sd"])
PRESENTED = pytest.mark.parametrize("way", [way for way in QUERY_IDS if "sd-jwt" not in way])


@EACH
async def test_V24_V28_a_badge_of_every_format_answers_the_question(stage: Stage, way: str) -> None:
    reply, result = await stage.ask_and_answer(stage.holding(way), **ASKED)
    assert reply.status_code == 200, reply.text
    assert result["report"]["accepted"], result["report"]
    (shown,) = result["report"]["presentations"]
    assert (shown["query_id"], shown["is_whole"]) == (QUERY_IDS[way], way not in HIDES)
    skills = {skill["uri"] for skill in result["shown"][f"{QUERY_IDS[way]}/0"]["skills"]}
    assert skills == ({SKILL_URIS[0]} if way in HIDES else set(SKILL_URIS))


def remade(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Misbehaviour:
    """Change the JSON of a presentation."""
    return Misbehaviour(change_presentation=lambda raw: encode_json(change(json.loads(raw))).decode())


def with_proof(**changes: Any) -> Misbehaviour:
    return remade(lambda shown: {**shown, "proof": {**shown["proof"], **changes}})


def with_credential(**changes: Any) -> Misbehaviour:
    def change(shown: dict[str, Any]) -> dict[str, Any]:
        return {**shown, "verifiableCredential": [{**shown["verifiableCredential"][0], **changes}]}

    return remade(change)


def alone(shown: dict[str, Any]) -> dict[str, Any]:
    return dict(shown["verifiableCredential"][0])


def twice(shown: dict[str, Any]) -> dict[str, Any]:
    return {**shown, "verifiableCredential": shown["verifiableCredential"] * 2}


def without_proof(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if name != "proof"}


FORGERIES = {
    "A16 another challenge": (Misbehaviour(nonce="fremd-nonce-aaaaaaaaaa"), "holder_binding", "nonce"),
    "A16 another domain": (Misbehaviour(audience="https://else.example"), "holder_binding", "audience"),
    "W49 A16 our id without its prefix": (
        Misbehaviour(audience="did:web:verifier.example:bakker"),
        "holder_binding",
        "audience",
    ),
    "A16 challenge changed afterwards": (with_proof(challenge="x"), "holder_binding", None),
    "V27 made to assert and not to authenticate": (
        with_proof(proofPurpose="assertionMethod"),
        "holder_binding",
        None,
    ),
    "A15 credential alone": (remade(alone), "holder_binding", "holder_binding"),
    "A15 presentation that nobody signed": (remade(without_proof), "holder_binding", None),
    "V27 two credentials in one": (remade(twice), "format", "malformed"),
    "V27 no credential": (remade(lambda shown: {**shown, "verifiableCredential": []}), "format", "malformed"),
    "A20 another name on the badge": (with_credential(name="Directeur"), "signature", "signature"),
    "A19 a term that no context defines": (with_credential(extra="x"), "signature", None),
    "K68 both kinds at once": (with_credential(vct="https://issuer.example/vct/1"), "signature", None),
}


@pytest.mark.parametrize("name", FORGERIES)
@EMBEDDED
async def test_V24_V27_A15_A16_A19_A20_a_forged_presentation_with_a_proof_is_refused(
    stage: Stage, name: str, way: str
) -> None:
    misbehaviour, code, error_code = FORGERIES[name]
    reply, result = await stage.ask_and_answer(stage.holding(way), misbehaviour, **ASKED)
    assert reply.status_code == 400, reply.text
    outcome, found = check(result, code, "skill_1_di")
    assert (outcome, found) == ("failed", error_code or found)
    assert result["report"]["accepted"] is False
    assert {each["outcome"] for each in result["report"]["requirements"]} == {"refused"}


@PRESENTED
@pytest.mark.parametrize("changed", ["nonce", "audience"])
async def test_V25_W49_a_presentation_for_another_question_or_verifier_is_refused(
    stage: Stage, way: str, changed: str
) -> None:
    wrong = Misbehaviour(**{changed: "https://else.example/something"})
    reply, result = await stage.ask_and_answer(stage.holding(way), wrong, **ASKED)
    assert reply.status_code == 400
    assert check(result, "holder_binding", QUERY_IDS[way]) == ("failed", changed)


@EMBEDDED
async def test_V27_A17_a_badge_in_somebody_elses_presentation_is_refused(stage: Stage, way: str) -> None:
    """Mallory signs a presentation of her own around a badge that she saw."""
    wallet = stage.holding(way)
    started = await stage.ask(SKILL_URIS[0])
    request = await wallet.read_request(started["link"])

    def steal(vp_token: VpToken) -> VpToken:
        shown = json.loads(vp_token["skill_1_di"][0])
        identifier = did_jwk(MALLORY.public_key.jwk)
        bare = {**without_proof(shown), "holder": identifier}
        signed = add_proof(
            bare,
            cryptosuite="ecdsa-rdfc-2019",
            signer=MALLORY,
            verification_method=f"{identifier}#0",
            proof_purpose="authentication",
            created_at=stage.clock(),
            challenge=request.nonce,
            domain=request.client_id,
        )
        return {"skill_1_di": [encode_json(signed).decode()]}

    reply = await wallet.post(request, wallet.create_form(request, Misbehaviour(change_vp_token=steal)))
    assert reply.status_code == 400
    assert check(await stage.result(started), "holder_binding", "skill_1_di") == ("failed", "holder_binding")


@EACH
async def test_K10_K55_an_expired_badge_does_not_count_in_any_format(stage: Stage, way: str) -> None:
    past = stage.clock() - timedelta(days=1)
    _, result = await stage.ask_and_answer(stage.holding(way, expires_at=past), **ASKED)
    assert check(result, "validity", QUERY_IDS[way]) == ("failed", "expired")


@EACH
async def test_K70_K80_1_a_withdrawn_badge_does_not_count_in_any_format(stage: Stage, way: str) -> None:
    wallet = stage.holding(way)
    stage.issuer.set_status(stage.badge_index, Status.INVALID)
    stage.issuer.bitstrings["revocation"].set(stage.badge_index, 1)
    _, result = await stage.ask_and_answer(wallet, **ASKED)
    assert check(result, "status", QUERY_IDS[way]) == ("failed", "revoked")


@EACH
async def test_K70_K80_1_a_suspended_badge_does_not_count_in_any_format(stage: Stage, way: str) -> None:
    wallet = stage.holding(way)
    stage.issuer.set_status(stage.badge_index, Status.SUSPENDED)
    stage.issuer.bitstrings["suspension"].set(stage.badge_index, 1)
    _, result = await stage.ask_and_answer(wallet, **ASKED)
    assert check(result, "status", QUERY_IDS[way]) == ("failed", "suspended")


@EACH
async def test_K74_a_list_that_cannot_be_had_is_never_a_yes_in_any_format(stage: Stage, way: str) -> None:
    stage.issuer.status_is_down = True
    _, result = await stage.ask_and_answer(stage.holding(way), **ASKED)
    assert check(result, "status", QUERY_IDS[way]) == ("unknown", "undecided")
    assert result["report"]["accepted"] is False


@pytest.mark.parametrize("shown", [False, True], ids=["left out", "one of two shown"])
async def test_A13_K73_a_status_that_could_be_left_out_is_never_a_yes(stage: Stage, shown: bool) -> None:
    """A careless issuer lets holders hide it; whoever has a withdrawn badge then does just that."""
    wallet = stage.holding("ldp_vc_sd")
    hideable = sign_hideable(wallet.held[0].raw, stage.issuer.signer)

    def show(raw: str) -> str:
        presentation = json.loads(raw)
        parts = FORMATS["ldp_vc"].disclosable_paths(hideable)
        paths = [path for path in parts if path[0] != "credentialStatus" or (shown and path[1] == 0)]
        credential = FORMATS["ldp_vc"].present_unbound(hideable, disclose=paths)
        again = {**without_proof(presentation), "verifiableCredential": [json.loads(credential)]}
        proof = presentation["proof"]
        signed = add_proof(
            again,
            cryptosuite=proof["cryptosuite"],
            signer=stage.holder,
            verification_method=proof["verificationMethod"],
            proof_purpose="authentication",
            created_at=stage.clock(),
            challenge=proof["challenge"],
            domain=proof["domain"],
        )
        return encode_json(signed).decode()

    _, result = await stage.ask_and_answer(wallet, Misbehaviour(change_presentation=show), **ASKED)
    assert check(result, "signature", "skill_1_di") == ("passed", None)
    assert check(result, "status", "skill_1_di") == ("unknown", "status_hidden")
    assert result["report"]["accepted"] is False
    assert result["report"]["valid"] is False


async def test_B09_A50_what_others_say_of_a_badge_is_reported_with_whether_it_counts(stage: Stage) -> None:
    good = sign_test_endorsement(create_test_endorsement())
    other = sign_test_endorsement(create_test_endorsement(id="urn:uuid:another-endorsement"))
    forged = {**other, "name": "Veranderd"}
    wallet = stage.holding("ldp_vc", achievement=create_test_achievement(endorsement=[good, forged]))
    _, result = await stage.ask_and_answer(wallet, **ASKED)
    assert result["report"]["accepted"]
    found = result["shown"]["skill_1_di/0"]["endorsements"]
    assert [(said["outcome"], said["reason"], said["counts"]) for said in found] == [
        ("passed", None, False),
        ("failed", "signature", False),
    ]
    assert [said["comment"] for said in found] == ["Deze badge is in orde.", None]


@EMBEDDED
async def test_K80_1_V40_a_message_of_the_issuer_stands_in_the_report_of_a_badge_that_counts(
    stage: Stage, way: str
) -> None:
    wallet = stage.holding(way)
    stage.issuer.bitstrings["message"].set(stage.badge_index, 1)
    _, result = await stage.ask_and_answer(wallet, **ASKED)
    assert check(result, "status", "skill_1_di") == ("passed", None)
    (shown,) = result["report"]["presentations"]
    (status,) = [each for each in shown["checks"] if each["code"] == "status"]
    assert status["evidence"]["messages"] == [MESSAGES[1][1]]
    assert result["report"]["accepted"]
    assert result["report"]["requirements"][0]["outcome"] == "met"


@pytest.mark.parametrize(
    ("way", "claimed"), [("ldp_vc", "skill_1_w3"), ("vc+jwt", "skill_1_di"), ("vc+jwt", "skill_1_w1")]
)
async def test_K68_A49_the_content_decides_what_it_is_and_not_the_question_it_is_sent_for(
    stage: Stage, way: str, claimed: str
) -> None:
    moved = Misbehaviour(change_vp_token=lambda vp_token: {claimed: vp_token[QUERY_IDS[way]]})
    _, result = await stage.ask_and_answer(stage.holding(way), moved, **ASKED)
    assert check(result, "format", claimed) == ("failed", "type")


@EMBEDDED
async def test_A20_the_signature_of_a_key_that_is_not_the_issuers_is_refused(stage: Stage, way: str) -> None:
    stranger = SoftwareSigner.generate("Ed25519" if way == "ldp_vc" else "ES256")
    _, result = await stage.ask_and_answer(stage.holding(way, signer=stranger), **ASKED)
    assert check(result, "signature", "skill_1_di") == ("failed", "signature")


async def test_S10_a_question_for_many_broad_skills_still_fits_a_wallet(stage: Stage) -> None:
    class Broad:
        def narrower(self, uri: str) -> list[str]:
            return [f"http://data.europa.eu/esco/skill/{number:036}" for number in range(5000)]

        def with_aliases(self, uris: Iterable[str]) -> list[str]:
            return list(uris)

        with_exact_matches = with_aliases

        def related(self, uri: str) -> list[RelatedSkill]:
            return [RelatedSkill("close", Skill(f"{uri}/{number}", {"nl": "x"})) for number in range(5000)]

    for count in (1, 20):
        skills = [AskedSkill(f"http://data.europa.eu/esco/skill/{number}", {"nl": "x"}) for number in range(count)]
        query = create_dcql_query(create_requirements(skills, index=Broad()), vct_values=["a"], type_values=["b"])
        assert len(encode_json(query)) * 4 / 3 < MAX_BYTES * 0.95
