"""The VC API for the W3C's suites, over HTTP: what it signs verifies, and each request that it must refuse. V-44."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from cli.main import app as command_line
from cli.vc_api.app import create_app
from cli.vc_api.contexts import EXAMPLES_V2
from kernel.data_integrity import CRYPTOSUITES
from kernel.data_integrity.ecdsa_sd_2023 import NAME as ECDSA_SD_2023
from kernel.json_ld import CREDENTIALS_V2, JsonLdError, to_rdf
from kernel.multikey import decode_base58btc
from kernel.strict_json import MAX_BYTES
from tests.support.clock import NOW, FixedClock

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
SUITES = sorted(CRYPTOSUITES)
WHOLE = [suite for suite in SUITES if suite != ECDSA_SD_2023]
RDFC = "eddsa-rdfc-2022"
JSON = {"Content-Type": "application/json"}
PROOF_ALONE = {"checks": ["proof"]}
CREDENTIAL: dict[str, Any] = {
    "@context": [CREDENTIALS_V2, EXAMPLES_V2],
    "id": "urn:uuid:7f0c2a1e-6d0b-4c1f-9a53-2f6f2d1b8e10",
    "type": ["VerifiableCredential", "ExampleAlumniCredential"],
    "validFrom": "2026-01-01T00:00:00Z",
    "credentialSubject": {"id": "did:example:alice", "alumniOf": "Hogeschool", "grade": {"value": "8"}},
}
PRESENTATION: dict[str, Any] = {"@context": [CREDENTIALS_V2], "type": ["VerifiablePresentation"]}
BINDING = {"challenge": "05qs59_3aPcGLRPgSOPWaQ", "domain": "verifier.example"}


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW + timedelta(days=365))


@pytest.fixture
async def api(clock: FixedClock) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=create_app(SUITES, clock=clock))
    async with httpx.AsyncClient(transport=transport, base_url="http://vc-api.example") as client:
        yield client


async def issue(api: httpx.AsyncClient, suite: str = RDFC, **options: Any) -> dict[str, Any]:
    response = await api.post(f"/{suite}/credentials/issue", json={"credential": CREDENTIAL, "options": options})
    assert response.status_code == 201, response.text
    issued: dict[str, Any] = response.json()
    return issued


async def verify(api: httpx.AsyncClient, credential: object, suite: str = RDFC, **options: Any) -> httpx.Response:
    body = {"verifiableCredential": credential, "options": options}
    return await api.post(f"/{suite}/credentials/verify", json=body)


async def derive(api: httpx.AsyncClient, credential: object, *pointers: str) -> httpx.Response:
    body = {"verifiableCredential": credential, "options": {"selectivePointers": list(pointers)}}
    return await api.post(f"/{ECDSA_SD_2023}/credentials/derive", json=body)


async def present(api: httpx.AsyncClient, credentials: list[Any], **changes: Any) -> dict[str, Any]:
    presentation = {**PRESENTATION, "verifiableCredential": credentials, **changes}
    body = {"presentation": presentation, "options": BINDING}
    response = await api.post(f"/{RDFC}/presentations", json=body)
    assert response.status_code == 201, response.text
    presented: dict[str, Any] = response.json()["verifiablePresentation"]
    return presented


async def verify_presentation(api: httpx.AsyncClient, presentation: object, **options: Any) -> httpx.Response:
    body = {"verifiablePresentation": presentation, "options": options}
    return await api.post(f"/{RDFC}/presentations/verify", json=body)


def refused(response: httpx.Response, code: str, status: int = 400) -> None:
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json"), response.text
    assert [error["code"] for error in response.json()["errors"]] == [code]
    assert response.json()["verified"] is False


def with_proof(credential: dict[str, Any], **changes: Any) -> dict[str, Any]:
    [proof] = credential["proof"]
    changed = {name: value for name, value in {**proof, **changes}.items() if value is not None}
    return {**credential, "proof": [changed]}


@pytest.mark.parametrize("suite", ["ecdsa-rdfc-2019", "ecdsa-jcs-2019"])
async def test_V44_K61_keys_on_p384_sign_the_suites_that_know_them(api: httpx.AsyncClient, suite: str) -> None:
    issued = await issue(api, f"{suite}-p384")
    [proof] = issued["proof"]
    assert proof["cryptosuite"] == suite
    # A Multikey on P-384 begins so, and r and s of 48 bytes each are a signature. Controlled Identifiers 1.0 §2.2.2.
    assert issued["issuer"].startswith("did:key:z82")
    assert len(decode_base58btc(proof["proofValue"][1:])) == 96
    for path in (suite, f"{suite}-p384"):
        assert (await verify(api, issued, path)).status_code == 200
    changed = {**issued, "validFrom": "2026-01-02T00:00:00Z"}
    refused(await verify(api, changed, suite), "signature")


async def test_V44_K61_no_other_suite_has_a_key_on_p384(api: httpx.AsyncClient) -> None:
    described = (await api.get("/")).json()["issuers"]
    curves = {each["endpoint"].split("/")[3]: each.get("supportedEcdsaKeyTypes") for each in described}
    on_p384 = {"ecdsa-rdfc-2019-p384": ["P-384"], "ecdsa-jcs-2019-p384": ["P-384"]}
    on_p256 = {name: ["P-256"] for name in ("ecdsa-rdfc-2019", "ecdsa-jcs-2019", ECDSA_SD_2023)}
    assert curves == {**on_p384, **on_p256, "eddsa-rdfc-2022": None, "eddsa-jcs-2022": None}
    missing = await api.post(f"/{ECDSA_SD_2023}-p384/credentials/issue", json={"credential": CREDENTIAL})
    assert missing.status_code == 404


@pytest.mark.parametrize("suite", WHOLE)
async def test_V44_what_is_issued_is_bare_and_verifies(api: httpx.AsyncClient, suite: str) -> None:
    issued = await issue(api, suite)
    assert issued["proof"][0]["cryptosuite"] == suite
    assert {**CREDENTIAL, "issuer": issued["issuer"], "proof": issued["proof"]} == issued
    for options in ({}, PROOF_ALONE):
        response = await verify(api, issued, suite, **options)
        assert (response.status_code, response.json()) == (200, {"verified": True, "warnings": [], "errors": []})


async def test_V44_base_proof_is_for_deriving_and_what_is_derived_verifies(api: httpx.AsyncClient) -> None:
    base = await issue(api, ECDSA_SD_2023, mandatoryPointers=["/credentialSubject/id"])
    refused(await verify(api, base, ECDSA_SD_2023), "malformed")
    response = await derive(api, base, "/credentialSubject/grade")
    assert response.status_code == 201
    assert response.json()["credentialSubject"] == {"id": "did:example:alice", "grade": {"value": "8"}}
    assert (await verify(api, response.json(), ECDSA_SD_2023)).status_code == 200


async def test_V44_deriving_refuses_pointers_to_nothing_and_base_proofs_that_do_not_hold(
    api: httpx.AsyncClient,
) -> None:
    base = await issue(api, ECDSA_SD_2023, mandatoryPointers=["/credentialSubject/id"])
    refused(await derive(api, base, "/nothing"), "malformed")
    subject = {**base["credentialSubject"], "alumniOf": "elsewhere"}
    refused(await derive(api, {**base, "credentialSubject": subject}), "signature")
    body = {"credential": CREDENTIAL, "options": {"mandatoryPointers": ["/nothing"]}}
    refused(await api.post(f"/{ECDSA_SD_2023}/credentials/issue", json=body), "malformed")
    body = {"credential": CREDENTIAL, "options": {"mandatoryPointers": "/id"}}
    refused(await api.post(f"/{ECDSA_SD_2023}/credentials/issue", json=body), "malformed")


async def test_V44_issuer_is_the_key_whoever_was_named(api: httpx.AsyncClient) -> None:
    named = {"id": "https://university.example", "name": "Hogeschool"}
    body = {"credential": {**CREDENTIAL, "issuer": named}}
    issued = (await api.post(f"/{RDFC}/credentials/issue", json=body)).json()
    assert issued["issuer"] == {"id": issued["proof"][0]["verificationMethod"].partition("#")[0], "name": "Hogeschool"}
    assert (await verify(api, issued)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"@context": [EXAMPLES_V2]},
        {"@context": [CREDENTIALS_V2, "https://elsewhere.example/context"]},
        {"type": ["Alumni"]},
        {"issuer": "nobody"},
        {"id": "no url"},
        {"credentialSubject": {}},
        {"credentialStatus": {"id": "https://issuer.example/1"}},
        {"validFrom": "yesterday"},
        {"_:b": "x"},
    ],
    ids=lambda change: "-".join(change),
)
async def test_V44_what_is_no_credential_is_not_issued(api: httpx.AsyncClient, change: dict[str, Any]) -> None:
    body = {"credential": {**CREDENTIAL, **change}}
    refused(await api.post(f"/{RDFC}/credentials/issue", json=body), "malformed")


@pytest.mark.skipif(not VECTORS.exists(), reason="../shared/vectors is not there")
@pytest.mark.parametrize(
    ("suite", "path"),
    [
        (RDFC, "vc-di-eddsa/TestVectors/eddsa-rdfc-2022/signedDataInt.json"),
        (RDFC, "vc-di-eddsa/TestVectors/eddsa-rdfc-2022/employ/signedDataInt.json"),
        (RDFC, "vc-di-eddsa/TestVectors/proof-set-chain/signedProofSet2.json"),
        (RDFC, "vc-di-eddsa/TestVectors/proof-set-chain/signedProofChain2.json"),
        ("eddsa-jcs-2022", "vc-di-eddsa/TestVectors/eddsa-jcs-2022/signedJCS.json"),
        ("ecdsa-rdfc-2019", "vc-di-ecdsa/TestVectors/ecdsa-rdfc-2019-p256/signedECDSAP256.json"),
        ("ecdsa-rdfc-2019", "vc-di-ecdsa/TestVectors/ecdsa-rdfc-2019-p384/employ/signedECDSAP384.json"),
        ("ecdsa-jcs-2019", "vc-di-ecdsa/TestVectors/ecdsa-jcs-2019-p256/signedJCSECDSAP256.json"),
        ("ecdsa-jcs-2019", "vc-di-ecdsa/TestVectors/ecdsa-jcs-2019-p384/signedJCSECDSAP384.json"),
        (ECDSA_SD_2023, "vc-di-ecdsa/TestVectors/ecdsa-sd-2023/employ/derivedRevealDocument.json"),
        (ECDSA_SD_2023, "vc-di-ecdsa/TestVectors/ecdsa-sd-2023/prc/derivedRevealDocument.json"),
    ],
)
async def test_V44_published_vector_verifies_and_is_not_its_issuers_word(
    api: httpx.AsyncClient, suite: str, path: str
) -> None:
    published = json.loads((VECTORS / path).read_bytes())
    assert (await verify(api, published, suite, **PROOF_ALONE)).status_code == 200
    refused(await verify(api, published, suite), "issuer")
    changed = {**published, "validFrom": "2020-01-01T00:00:00Z"}
    refused(await verify(api, changed, suite, **PROOF_ALONE), "signature")


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "content": (lambda vc: {**vc, "validFrom": "2026-01-02T00:00:00Z"}, "signature"),
    "proof value": (lambda vc: with_proof(vc, proofValue=f"z{'2' * 86}"), "signature"),
    "proof value without base": (lambda vc: with_proof(vc, proofValue=vc["proof"][0]["proofValue"][1:]), "malformed"),
    "no proof value": (lambda vc: with_proof(vc, proofValue=None), "malformed"),
    "created": (lambda vc: with_proof(vc, created="2026-05-28T12:00:01Z"), "signature"),
    "created without offset": (lambda vc: with_proof(vc, created="2026-05-28T12:00:00"), "malformed"),
    "no proof purpose": (lambda vc: with_proof(vc, proofPurpose=None), "malformed"),
    "other proof purpose": (lambda vc: with_proof(vc, proofPurpose="authentication"), "type"),
    "no verification method": (lambda vc: with_proof(vc, verificationMethod=None), "malformed"),
    "verification method elsewhere": (lambda vc: with_proof(vc, verificationMethod="did:web:a.example#1"), "issuer"),
    "no type of proof": (lambda vc: with_proof(vc, type=None), "malformed"),
    "unknown cryptosuite": (lambda vc: with_proof(vc, cryptosuite="eddsa-rdfc-2099"), "algorithm"),
    "no cryptosuite": (lambda vc: with_proof(vc, cryptosuite=None), "malformed"),
    "no proof": (lambda vc: {name: value for name, value in vc.items() if name != "proof"}, "malformed"),
    "proof that is null": (lambda vc: {**vc, "proof": None}, "malformed"),
    "proof of somebody unknown": (
        lambda vc: {**vc, "proof": [*vc["proof"], {**vc["proof"][0], "verificationMethod": "did:web:a.example#1"}]},
        "issuer",
    ),
    "wrong context": (lambda vc: {**vc, "@context": [CREDENTIALS_V2, "https://elsewhere.example/"]}, "malformed"),
    "context that adds": (
        lambda vc: {**vc, "@context": [CREDENTIALS_V2, "https://www.w3.org/ns/credentials/undefined-terms/v2"]},
        "signature",
    ),
    "inline context": (lambda vc: {**vc, "@context": [*vc["@context"], {"alumniOf": "urn:x"}]}, "malformed"),
    "first context": (lambda vc: {**vc, "@context": vc["@context"][::-1]}, "malformed"),
    "text": (lambda vc: "credential", "malformed"),
    "nothing": (lambda vc: None, "malformed"),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_V44_A19_what_does_not_verify_is_a_400_with_its_reason(api: httpx.AsyncClient, name: str) -> None:
    change, code = BROKEN[name]
    refused(await verify(api, change(await issue(api))), code)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"expectedProofPurpose": "authentication"}, "type"),
        ({"expectedProofPurpose": "keyAgreement"}, "malformed"),
        ({"challenge": "abc"}, "nonce"),
        ({"domain": "verifier.example"}, "audience"),
        ({"domain": 1}, "malformed"),
        ({"checks": ["proof", "credentialStatus"]}, "malformed"),
        ({"checks": "proof"}, "malformed"),
    ],
)
async def test_V44_expectation_that_is_not_met_or_not_known_is_refused(
    api: httpx.AsyncClient, options: dict[str, Any], code: str
) -> None:
    refused(await verify(api, await issue(api), **options), code)


async def test_V44_proof_from_the_future_is_refused(api: httpx.AsyncClient, clock: FixedClock) -> None:
    issued = await issue(api)
    clock.advance(-timedelta(days=1))
    refused(await verify(api, issued), "not_yet_valid")


async def test_V44_suite_verifies_only_what_was_switched_on(clock: FixedClock, api: httpx.AsyncClient) -> None:
    issued = await issue(api, "eddsa-jcs-2022")
    transport = httpx.ASGITransport(app=create_app([RDFC], clock=clock))
    async with httpx.AsyncClient(transport=transport, base_url="http://vc-api.example") as other:
        refused(await verify(other, issued), "algorithm")
        refused(await other.post("/eddsa-jcs-2022/credentials/issue", json={}), "not_found", 404)


async def test_V44_presentation_is_signed_and_verifies_with_its_credentials(api: httpx.AsyncClient) -> None:
    presented = await present(api, [await issue(api), await issue(api, "ecdsa-jcs-2019")])
    for options in (BINDING, {}):
        assert (await verify_presentation(api, presented, **options)).status_code == 200
    refused(await verify_presentation(api, presented, challenge="other"), "nonce")
    refused(await verify_presentation(api, presented, domain="other.example"), "audience")
    refused(await verify_presentation(api, {**presented, "id": "urn:uuid:2"}), "signature")
    refused(await verify_presentation(api, {**presented, "id": 2}), "malformed")
    refused(await verify_presentation(api, {**presented, "type": "Other"}), "malformed")
    refused(await verify_presentation(api, {**presented, "@context": CREDENTIALS_V2}), "malformed")
    refused(await verify_presentation(api, {**presented, "holder": {"name": "Sanne"}}), "malformed")
    refused(await verify_presentation(api, {**presented, "holder": "did:example:acme"}), "signature")
    unsigned = {name: value for name, value in presented.items() if name != "proof"}
    refused(await verify_presentation(api, unsigned), "malformed")


async def test_V44_A50_presentation_does_not_vouch_for_a_credential_in_it(api: httpx.AsyncClient) -> None:
    changed = {**await issue(api), "validFrom": "2026-01-02T00:00:00Z"}
    refused(await verify_presentation(api, await present(api, [changed])), "signature")


async def test_V44_credential_without_a_proof_is_its_holders_own_word(api: httpx.AsyncClient) -> None:
    holder = (await issue(api))["issuer"]
    own = {**CREDENTIAL, "issuer": holder}
    assert (await verify_presentation(api, await present(api, [own]))).status_code == 200
    refused(await verify_presentation(api, await present(api, [{**own, "issuer": "did:example:b"}])), "holder_binding")


async def test_V44_key_presents_for_its_own_did_and_signs_whole(api: httpx.AsyncClient) -> None:
    body = {"presentation": {**PRESENTATION, "holder": "did:example:alice"}}
    refused(await api.post(f"/{RDFC}/presentations", json=body), "holder_binding")
    body = {"presentation": PRESENTATION}
    refused(await api.post(f"/{ECDSA_SD_2023}/presentations", json=body), "algorithm")


VCDM, SECURITY = "https://www.w3.org/TR/vc-data-model#", "https://w3id.org/security#"


def problem(response: httpx.Response) -> str:
    assert response.status_code == 400, response.text
    [error] = response.json()["errors"]
    assert error["title"]
    return str(error["type"])


async def test_K59_each_refusal_has_the_problem_type_of_the_w3c(api: httpx.AsyncClient, clock: FixedClock) -> None:
    """VCDM 2.0 §7.2; Data Integrity 1.0 §4.7."""
    issued = await issue(api)
    changed = {**issued, "validFrom": "2026-01-02T00:00:00Z"}
    assert problem(await verify(api, changed)) == f"{SECURITY}PROOF_VERIFICATION_ERROR"
    assert problem(await verify(api, issued, challenge="another")) == f"{SECURITY}INVALID_CHALLENGE_ERROR"
    assert problem(await verify(api, issued, domain="another.example")) == f"{SECURITY}INVALID_DOMAIN_ERROR"
    lost = {**issued, "@context": [CREDENTIALS_V2, "https://elsewhere.example/context"]}
    assert problem(await verify(api, lost)) == f"{SECURITY}PROOF_TRANSFORMATION_ERROR"
    assert problem(await verify(api, with_proof(issued, proofValue=None))) == f"{VCDM}MALFORMED_VALUE_ERROR"
    assert problem(await verify(api, {**issued, "validFrom": "soon"})) == f"{VCDM}MALFORMED_VALUE_ERROR"
    clock.advance(-timedelta(days=1))
    assert problem(await verify(api, issued)) == f"{VCDM}RANGE_ERROR"


async def test_K59_what_cannot_be_parsed_or_gets_no_proof_has_its_own_problem_type(api: httpx.AsyncClient) -> None:
    for path in PATHS:
        broken = await api.post(f"/{RDFC}{path}", content=b'{"a":1,', headers=JSON)
        assert problem(broken) == f"{VCDM}PARSING_ERROR"
        no_object = await api.post(f"/{RDFC}{path}", content=b"null", headers=JSON)
        assert problem(no_object) == f"{VCDM}MALFORMED_VALUE_ERROR"
    body: dict[str, Any] = {"presentation": {**PRESENTATION, "holder": "did:example:alice"}}
    assert problem(await api.post(f"/{RDFC}/presentations", json=body)) == f"{SECURITY}PROOF_GENERATION_ERROR"
    body = {"presentation": PRESENTATION}
    assert problem(await api.post(f"/{ECDSA_SD_2023}/presentations", json=body)) == f"{SECURITY}PROOF_GENERATION_ERROR"
    body = {"credential": {**CREDENTIAL, "type": []}}
    assert problem(await api.post(f"/{RDFC}/credentials/issue", json=body)) == f"{VCDM}MALFORMED_VALUE_ERROR"


PATHS = [
    "/credentials/issue",
    "/credentials/verify",
    "/credentials/derive",
    "/presentations",
    "/presentations/verify",
]


@pytest.mark.parametrize("path", PATHS)
async def test_V44_no_body_no_object_and_no_json_are_refused(api: httpx.AsyncClient, path: str) -> None:
    for content in (b"", b"null", b"[]", b"{}", b'{"credential":1}', b'{"a":1,"a":2}', b"\xff", b'{"options":[]}'):
        refused(await api.post(f"/{RDFC}{path}", content=content, headers=JSON), "malformed")


@pytest.mark.parametrize("path", PATHS)
async def test_V44_other_content_types_and_methods_are_refused(api: httpx.AsyncClient, path: str) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded", ""):
        response = await api.post(f"/{RDFC}{path}", content=b"{}", headers={"Content-Type": content_type})
        refused(response, "unsupported_media_type", 415)
    refused(await api.get(f"/{RDFC}{path}"), "method_not_allowed", 405)


@pytest.mark.parametrize("path", PATHS)
async def test_V44_huge_body_is_refused_declared_or_not(api: httpx.AsyncClient, path: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * MAX_BYTES

    refused(await api.post(f"/{RDFC}{path}", content=endless(), headers=JSON), "too_large", 413)
    response = await api.post(f"/{RDFC}{path}", content=b" " * 2**21, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


async def test_V44_suites_are_told_where_everything_is(api: httpx.AsyncClient) -> None:
    described = (await api.get("/")).json()
    issuers = {issuer["endpoint"]: issuer["id"] for issuer in described["issuers"]}
    assert issuers[f"http://vc-api.example/{RDFC}/credentials/issue"] == (await issue(api))["issuer"]
    assert [len(described[kind]) for kind in ("issuers", "verifiers", "vcHolders", "vpVerifiers")] == [7, 7, 1, 6]


async def test_V44_an_address_with_a_slash_too_many_is_not_there(api: httpx.AsyncClient) -> None:
    for path in (f"/{RDFC}/", f"/{RDFC}/credentials/issue/"):
        assert (await api.post(path, json={}, headers={"Host": "evil.example"})).status_code == 404


@pytest.mark.parametrize("setting", ["", "false", "perhaps", None])
def test_V44_is_off_unless_it_is_switched_on_by_name(setting: str | None) -> None:
    result = CliRunner().invoke(command_line, ["vc-api"], env={"VC_API_ENABLED_FOR_TESTS": setting})
    assert result.exit_code == 1
    assert "VC_API_ENABLED_FOR_TESTS" in result.output


def test_V44_cryptosuite_that_nobody_knows_does_not_start() -> None:
    assert CliRunner().invoke(command_line, ["vc-api", "--suite", "rot13"]).exit_code == 2


def test_V44_is_served_once_it_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """What uvicorn would serve; that it listens is its own affair."""
    served: list[Any] = []
    monkeypatch.setattr("uvicorn.run", lambda app, **options: served.append((app, options["host"])))
    result = CliRunner().invoke(command_line, ["vc-api", "--suite", RDFC], env={"VC_API_ENABLED_FOR_TESTS": "true"})
    assert (result.exit_code, [host for _, host in served]) == (0, ["127.0.0.1"])


def test_V44_log_warns_that_it_is_on(capsys: pytest.CaptureFixture[str]) -> None:
    create_app([RDFC])
    assert "vc_api_for_tests_is_on" in "".join(capsys.readouterr())


def test_V44_contexts_of_examples_are_pinned_here_alone() -> None:
    with pytest.raises(JsonLdError):
        to_rdf(CREDENTIAL)
