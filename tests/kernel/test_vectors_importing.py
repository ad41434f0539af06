"""Badges that others signed, brought to us: the worked examples of the profile, and those that 1EdTech published."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from kernel.importing import Answer, AnswerKind, Kind, LookupKind, Material, Verdict, judge, recognise
from kernel.importing.report import ImportReport
from kernel.microcredential import Workload, missing_elements
from kernel.report import Outcome
from tests.kernel.conftest import SHARED
from tests.support.imports import found

SIGNED_AT = datetime(2026, 11, 21, 13, tzinfo=UTC)
LISTS = {"tsl": "https://status.skills.example/tsl/7", "bsl": "https://status.skills.example/bsl/7"}
DID_ADDRESS = "https://issuer.skills.example/hogeschool/did.json"
ONE_EDTECH = SHARED / "data" / "credentials" / "1edtech" / "examples"
EXAMPLES = [
    "Achievement_Alignment.json",
    "Basic_OpenBadgeCredential.json",
    "Complete_OpenBadgeCredential.json",
    "EndorsementCredential.json",
    "Skill_Assertion.json",
]


def look_up_all(content: str, pages: Mapping[str, Answer], now: datetime) -> tuple[ImportReport, list[LookupKind]]:
    material: Material = {}
    asked: list[LookupKind] = []
    report = judge(recognise(content), material, now=now)
    while report.lookups:
        asked += [lookup.kind for lookup in report.lookups]
        unavailable = Answer(AnswerKind.UNAVAILABLE)
        material = {**material, **{each: pages.get(each.url, unavailable) for each in report.lookups}}
        report = judge(recognise(content), material, now=now)
    return report, asked


@pytest.fixture
def pages(profile_vectors: dict[str, Any]) -> dict[str, Answer]:
    return {
        DID_ADDRESS: found(profile_vectors["did_document"]),
        LISTS["tsl"]: Answer(AnswerKind.FOUND, profile_vectors["tsl"]["jwt"].encode()),
        LISTS["bsl"]: found(profile_vectors["bsl"]["signed"]),
    }


def content_of(profile_vectors: dict[str, Any], name: str) -> str:
    example = profile_vectors[name]
    if name == "ob3_ldp":
        return json.dumps(example["signed"])
    text: str = next(value for value in example.values() if isinstance(value, str) and "~" in value)
    return text


def test_B21_the_worked_example_of_an_open_badge_as_sd_jwt_is_proven(
    profile_vectors: dict[str, Any], pages: dict[str, Answer]
) -> None:
    report, asked = look_up_all(content_of(profile_vectors, "vcsdjwt"), pages, SIGNED_AT)
    assert report.imported.kind is Kind.OPEN_BADGE_3
    assert report.verdict is Verdict.PROVEN
    assert asked == [LookupKind.DID_DOCUMENT, LookupKind.STATUS_LIST]


def test_K73_the_worked_example_of_an_sd_jwt_vc_is_revoked_in_the_worked_status_list(
    profile_vectors: dict[str, Any], pages: dict[str, Answer]
) -> None:
    report, _ = look_up_all(content_of(profile_vectors, "sdjwtvc"), pages, SIGNED_AT)
    assert report.check("proof").outcome is Outcome.PASSED
    assert (report.check("status").outcome, report.check("status").reason) == (Outcome.FAILED, "revoked")


def test_K64_the_worked_example_of_an_embedded_proof_names_a_type_that_no_context_of_its_own_defines(
    profile_vectors: dict[str, Any], pages: dict[str, Answer]
) -> None:
    """`1EdTechJsonSchemaValidator2019` is in 1EdTech's context of extensions, which the example does not name."""
    report, _ = look_up_all(content_of(profile_vectors, "ob3_ldp"), pages, SIGNED_AT)
    assert (report.check("proof").outcome, report.check("proof").reason) == (Outcome.FAILED, "malformed")


def test_A05_the_worked_example_of_haip_has_a_certificate_chain_for_which_there_is_no_anchor(
    profile_vectors: dict[str, Any], pages: dict[str, Answer]
) -> None:
    report, asked = look_up_all(content_of(profile_vectors, "sdjwtvc_haip"), pages, SIGNED_AT)
    assert (report.check("issuer_key").outcome, report.verdict) == (Outcome.UNKNOWN, Verdict.UNPROVEN)
    assert asked == []


def test_K74_the_worked_examples_are_unproven_when_nothing_can_be_looked_up(profile_vectors: dict[str, Any]) -> None:
    report, _ = look_up_all(content_of(profile_vectors, "ob3_ldp"), {}, SIGNED_AT)
    assert report.verdict is Verdict.UNPROVEN


def test_E20_the_worked_example_is_read_as_a_microcredential(profile_vectors: dict[str, Any]) -> None:
    """It has no country, no kind of assessment or participation and no quality assurance where others look for them."""
    content = recognise(content_of(profile_vectors, "ob3_ldp")).content
    assert content.workload == Workload(ects=3.0, ects_earned=3.0)
    assert (content.level.eqf, content.level.nlqf) == (5, "5")
    assert missing_elements(content) == ("country", "assessment", "participation", "quality_assurance")


@pytest.mark.skipif(not ONE_EDTECH.exists(), reason="../shared/data/credentials/1edtech is not there")
@pytest.mark.parametrize("name", EXAMPLES)
def test_B51_the_published_examples_of_1edtech_are_recognised_and_shown(name: str) -> None:
    imported = recognise((ONE_EDTECH / name).read_bytes())
    assert imported.kind is (Kind.ENDORSEMENT if name.startswith("Endorsement") else Kind.OPEN_BADGE_3)
    assert imported.content.title is not None
    assert imported.content.awarding_body is not None
    assert imported.content.dates is not None


@pytest.mark.skipif(not ONE_EDTECH.exists(), reason="../shared/data/credentials/1edtech is not there")
@pytest.mark.parametrize(
    ("name", "ended"),
    [
        (
            "Achievement_Alignment.json",
            {"proof": (Outcome.PASSED, None), "status": (Outcome.NOT_APPLICABLE, "no_status")},
        ),
        ("Basic_OpenBadgeCredential.json", {"proof": (Outcome.PASSED, None)}),
        ("Skill_Assertion.json", {"proof": (Outcome.PASSED, None)}),
        # Its status is a `1EdTechRevocationList`, which nobody publishes here.
        ("EndorsementCredential.json", {"proof": (Outcome.PASSED, None), "status": (Outcome.UNKNOWN, "undecided")}),
        # It describes its own node a second time inside itself.
        ("Complete_OpenBadgeCredential.json", {"proof": (Outcome.UNKNOWN, "proof_not_supported")}),
    ],
)
def test_B20_the_examples_of_1edtech_are_proven_by_the_key_that_their_issuer_lists(
    name: str, ended: Mapping[str, tuple[Outcome, str | None]]
) -> None:
    """The fragment of each `verificationMethod` is the key; the issuer's document that lists it is ours."""
    document = json.loads((ONE_EDTECH / name).read_bytes())
    [proof] = document["proof"]
    controller, _, key = proof["verificationMethod"].partition("#")
    method = {
        "id": proof["verificationMethod"],
        "type": "Multikey",
        "controller": controller,
        "publicKeyMultibase": key,
    }
    listed = {"id": controller, "verificationMethod": [method], "assertionMethod": [method["id"]]}
    report, asked = look_up_all(json.dumps(document), {controller: found(listed)}, SIGNED_AT)
    has_list = name == "EndorsementCredential.json"
    assert asked == [LookupKind.ISSUER_KEY, *([LookupKind.REVOCATION_LIST] if has_list else [])]
    assert {code: (report.check(code).outcome, report.check(code).reason) for code in ended} == ended
    unlisted = {controller: found({**listed, "assertionMethod": []})}
    refused, _ = look_up_all(json.dumps(document), unlisted, SIGNED_AT)
    assert refused.check("issuer_key").outcome is Outcome.FAILED
