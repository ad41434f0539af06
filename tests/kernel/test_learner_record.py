"""Several badges in one file of their holder's making, read back badge by badge. PROFILE.md E-02."""

import copy
import json
from typing import Any

import pytest

from kernel.data_integrity import add_proof
from kernel.formats.credential import DC_SD_JWT, JWT_VC_JSON, LDP_VC, VC_JWT, VC_SD_JWT
from kernel.importing import Kind, Securing, Verdict, judge, recognise
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.learner_record import HeldCredential, create_learner_record
from tests.kernel.test_importing import ED25519, METHOD, SIGNED_BADGE, WEB, small_badge
from tests.support.badges import issue_badge
from tests.support.clock import NOW

SIGNER = SoftwareSigner.generate("Ed25519")
JSON = HeldCredential(LDP_VC, json.dumps(SIGNED_BADGE))
JWS = HeldCredential(
    VC_JWT, sign_jwt(small_badge("urn:uuid:one"), signer=ED25519, typ="vc+jwt", header={"kid": METHOD})
)


def record(*credentials: HeldCredential, **changes: Any) -> dict[str, Any]:
    return create_learner_record(credentials, **{"name": "Mijn badges", "signer": SIGNER, "created_at": NOW, **changes})


def judged(document: Any) -> Any:
    return judge(recognise(json.dumps(document)), {}, now=NOW)


def test_E02_a_record_is_read_back_badge_by_badge() -> None:
    report = judged(record(JSON, JWS))
    assert (report.imported.kind, report.verdict) == (Kind.CLR, Verdict.PROVEN)
    assert [part.verdict for part in report.parts] == [Verdict.PROVEN, Verdict.PROVEN]
    assert [part.imported.securing for part in report.parts] == [Securing.DATA_INTEGRITY, Securing.JWT]
    assert report.imported.content.title is not None
    assert report.imported.content.title.text == "Mijn badges"
    assert report.is_bearer


@pytest.mark.parametrize("format_id", [DC_SD_JWT, VC_SD_JWT, VC_JWT, JWT_VC_JSON])
def test_E02_a_badge_of_every_format_has_its_place(format_id: str) -> None:
    raw = issue_badge(format_id) if format_id != JWT_VC_JSON else older()
    [part] = recognise(json.dumps(record(HeldCredential(format_id, raw)))).parts
    assert part.token == raw


def older() -> str:
    claims = {"iss": WEB, "vc": {"@context": ["https://www.w3.org/2018/credentials/v1"], **small_credential()}}
    return sign_jwt(claims, signer=ED25519, typ="JWT", header={"kid": METHOD})


def small_credential() -> dict[str, Any]:
    return {
        "type": ["VerifiableCredential"],
        "issuanceDate": "2026-01-01T00:00:00Z",
        "credentialSubject": {"id": "x:y"},
    }


def test_A19_a_badge_that_is_taken_out_or_changed_is_seen() -> None:
    signed = record(JSON, JWS)
    without = copy.deepcopy(signed)
    without["credentialSubject"]["verifiableCredential"].pop()
    renamed = {**signed, "name": "Alle badges van Sanne"}
    for changed in (without, renamed):
        assert judged(changed).check("proof").reason == "signature"


def test_A50_a_forged_badge_inside_is_refuted_whoever_signed_the_record() -> None:
    forged = {**copy.deepcopy(SIGNED_BADGE), "name": "Doctor"}
    report = judged(record(HeldCredential(LDP_VC, json.dumps(forged)), JWS))
    assert report.check("proof").outcome == "passed"
    assert (report.verdict, report.check("contents").outcome) == (Verdict.REFUTED, "failed")
    assert [part.verdict for part in report.parts] == [Verdict.REFUTED, Verdict.PROVEN]


def test_E02_two_records_have_nothing_in_common_but_their_badges() -> None:
    one, other = record(JSON), record(JSON, signer=SoftwareSigner.generate("Ed25519"))
    assert one["id"] != other["id"]
    assert one["issuer"]["id"] != other["issuer"]["id"]
    assert "id" not in one["credentialSubject"]


def test_E02_twenty_badges_are_read_and_one_more_is_refused() -> None:
    assert judged(record(*[JWS] * 20)).verdict is Verdict.PROVEN
    with pytest.raises(Exception, match="more credentials"):
        recognise(json.dumps(record(*[JWS] * 21)))


def test_A50_a_record_cannot_speak_for_another_issuer() -> None:
    document = {**record(JSON), "issuer": {"id": WEB, "type": ["Profile"]}}
    document.pop("proof")
    method = f"{record(JSON)['issuer']['id']}#{record(JSON)['issuer']['id'].removeprefix('did:key:')}"
    forged = add_proof(
        document,
        cryptosuite="eddsa-rdfc-2022",
        signer=SIGNER,
        verification_method=method,
        proof_purpose="assertionMethod",
        created_at=NOW,
    )
    assert judged(forged).verdict is not Verdict.PROVEN
