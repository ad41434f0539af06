"""Open Badges 2.0: hosted and signed, what is asked for in which order, and each way it can be false. B-22, A-51."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed448, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kernel.importing import Answer, AnswerKind, Container, Kind, LookupKind, Securing, Verdict, recognise
from kernel.microcredential import Level, Workload
from tests.support.imports import (
    ASSERTION,
    BADGE_CLASS,
    EMAIL,
    HOST,
    ISSUER,
    KEY,
    OTHER_RSA_KEY,
    PAGES,
    REVOKED,
    SIGNED,
    SIGNED_ASSERTION,
    Round,
    found,
    sign_rs256,
    web,
)

HOSTED = json.dumps(ASSERTION)


def pages(*changed: dict[str, Any]) -> dict[str, Answer]:
    return {**PAGES, **web(*changed)}


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


# What it is


def test_B22_a_hosted_assertion_is_recognised() -> None:
    imported = recognise(HOSTED)
    assert (imported.kind, imported.container, imported.securing) == (
        Kind.OPEN_BADGE_2,
        Container.JSON,
        Securing.HOSTED,
    )
    assert imported.is_older_form
    assert imported.unverified_issuer is None


def test_B22_a_signed_assertion_is_recognised() -> None:
    imported = recognise(SIGNED)
    assert (imported.kind, imported.securing) == (Kind.OPEN_BADGE_2, Securing.JWT)


def test_B22_an_assertion_with_everything_in_it_shows_what_it_says_before_anything_is_fetched() -> None:
    imported = recognise(json.dumps({**ASSERTION, "badge": {**BADGE_CLASS, "issuer": ISSUER}}))
    assert imported.unverified_issuer == ISSUER["id"]
    content = imported.content
    assert content.title is not None
    assert content.title.text == "Problemen oplossen"
    assert content.workload == Workload(ects=2.5)
    assert content.level == Level(eqf=5)
    assert content.learning_outcomes[0].text == "Kan problemen oplossen."
    assert content.further_information.language == "nl_NL"
    assert content.further_information.evidence[0].url == "https://portfolio.example/1"
    assert content.dates is not None
    assert content.dates.valid_until is not None


# Hosted


def test_B22_a_hosted_badge_is_proven_by_what_its_issuer_publishes() -> None:
    result = Round(HOSTED, PAGES, email=EMAIL)
    assert result.report.verdict is Verdict.PROVEN
    assert result.ended("recipient") == ("passed", None)
    assert result.ended("issuer_key") == ("not_applicable", None)
    assert result.report.imported.content.title is not None
    assert result.report.imported.unverified_issuer == ISSUER["id"]
    assert [kind for _, kind in result.asked] == [
        LookupKind.ASSERTION,
        LookupKind.BADGE_CLASS,
        LookupKind.ISSUER_PROFILE,
    ]


def test_B22_a_badge_without_a_holders_key_says_that_anybody_could_show_it() -> None:
    assert Round(HOSTED, PAGES).report.is_bearer


def test_K74_a_hosted_badge_that_could_not_be_looked_up_is_unproven_and_never_proven() -> None:
    result = Round(HOSTED, {})
    assert result.report.verdict is Verdict.UNPROVEN
    assert result.ended("proof") == ("unknown", "undecided")
    assert result.ended("status") == ("unknown", "skipped")


@pytest.mark.parametrize("missing", [BADGE_CLASS["id"], ISSUER["id"]])
def test_K74_badge_class_and_issuer_are_needed_too(missing: str) -> None:
    result = Round(HOSTED, {url: answer for url, answer in PAGES.items() if url != missing})
    assert result.report.verdict is Verdict.UNPROVEN
    assert result.ended("issuer") == ("unknown", "undecided")


@pytest.mark.parametrize(
    "answer", [Answer(AnswerKind.GONE, b'{"revoked": true}'), found({"id": ASSERTION["id"], "revoked": True})]
)
def test_B22_a_hosted_badge_is_revoked_by_410_or_by_saying_so(answer: Answer) -> None:
    result = Round(HOSTED, {**PAGES, ASSERTION["id"]: answer})
    assert result.report.verdict is Verdict.REFUTED
    assert result.ended("status") == ("failed", "revoked")


def test_B22_a_hosted_badge_that_its_issuer_does_not_have_is_refuted() -> None:
    result = Round(HOSTED, {**PAGES, ASSERTION["id"]: Answer(AnswerKind.NOT_FOUND)})
    assert result.report.verdict is Verdict.REFUTED
    assert result.ended("proof") == ("failed", "not_hosted")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"recipient": {"type": "email", "identity": "mallory@x.example", "hashed": False}}, "signature"),
        ({"issuedOn": "2020-01-01T00:00:00Z"}, "signature"),
        ({"expires": "2099-01-01T00:00:00Z"}, "signature"),
        ({"badge": f"{HOST}/badges/2"}, "signature"),
    ],
)
def test_B22_a_file_that_says_something_else_than_its_issuer_is_refuted(change: dict[str, Any], reason: str) -> None:
    result = Round(json.dumps({**ASSERTION, **change}), PAGES)
    assert result.ended("proof") == ("failed", reason)


def test_B22_another_assertion_at_its_address_is_refuted() -> None:
    result = Round(HOSTED, {**PAGES, ASSERTION["id"]: found({**ASSERTION, "id": f"{HOST}/assertions/2"})})
    assert result.ended("proof") == ("failed", "issuer")


def test_B22_what_an_assertion_says_itself_about_its_issuer_is_never_believed() -> None:
    """Mallory hosts an assertion with a badge class and an issuer of her making inside, under the school's name."""
    mallory = "https://mallory.example/assertions/1"
    forged = {
        **ASSERTION,
        "id": mallory,
        "badge": {**BADGE_CLASS, "issuer": {**ISSUER, "verification": {"allowedOrigins": "mallory.example"}}},
    }
    result = Round(json.dumps(forged), {**PAGES, mallory: found(forged)})
    assert result.report.verdict is Verdict.REFUTED
    assert result.ended("issuer") == ("failed", "issuer")


@pytest.mark.parametrize(
    ("policy", "is_allowed"),
    [
        ({}, True),
        ({"allowedOrigins": "badges.example"}, True),
        ({"allowedOrigins": ["other.example", "badges.example"]}, True),
        ({"allowedOrigins": "https://Badges.example"}, True),
        ({"allowedOrigins": "other.example"}, False),
        ({"startsWith": f"{HOST}/assertions/"}, True),
        ({"startsWith": [f"{HOST}/x", f"{HOST}/assertions/"]}, True),
        ({"startsWith": f"{HOST}/other/", "allowedOrigins": "badges.example"}, False),
    ],
)
def test_B22_the_issuers_own_policy_says_where_his_assertions_are(policy: dict[str, Any], is_allowed: bool) -> None:
    result = Round(HOSTED, pages({**ISSUER, "verification": policy}))
    assert result.ended("issuer") == (("passed", None) if is_allowed else ("failed", "issuer"))


def test_B22_a_badge_class_that_names_no_issuer_or_calls_itself_otherwise_is_refuted() -> None:
    assert Round(HOSTED, pages(without(BADGE_CLASS, "issuer"))).ended("issuer") == ("failed", "malformed")
    other = {**PAGES, BADGE_CLASS["id"]: found({**BADGE_CLASS, "id": f"{HOST}/badges/2"})}
    assert Round(HOSTED, other).ended("issuer") == ("failed", "issuer")


def test_B22_an_address_that_is_no_url_is_refuted_and_not_raised() -> None:
    broken = {**ISSUER, "id": "https://[", "verification": {}}
    changed = {**PAGES, "https://[": found(broken), BADGE_CLASS["id"]: found({**BADGE_CLASS, "issuer": "https://["})}
    assert Round(HOSTED, changed).ended("issuer") == ("failed", "malformed")


@pytest.mark.parametrize(
    "identifier", ["data:text/plain,x", "file:///etc/passwd", "urn:uuid:1", "https://x/" + "a" * 2048]
)
def test_A42_what_is_not_of_the_web_is_never_asked_for(identifier: str) -> None:
    result = Round(json.dumps({**ASSERTION, "id": identifier}), PAGES)
    assert result.asked == []
    assert result.ended("proof") == ("unknown", "undecided")


@pytest.mark.parametrize("url", ["https://127.0.0.1/x", "http://localhost/x", "https://169.254.169.254/latest"])
def test_A42_private_hosts_are_part_of_the_plan_and_the_fetcher_refuses_them(url: str) -> None:
    result = Round(json.dumps({**ASSERTION, "id": url}), PAGES)
    assert result.asked == [(url, LookupKind.ASSERTION)]
    assert result.report.verdict is Verdict.UNPROVEN


# Times


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        ({"expires": "2026-05-28T11:58:00Z"}, ("failed", "expired")),
        ({"expires": "2026-05-28T11:59:30Z"}, ("passed", None)),
        ({"issuedOn": "2026-05-28T12:02:00Z"}, ("failed", "not_yet_valid")),
        ({"issuedOn": "2026-01-10"}, ("passed", None)),
        ({"issuedOn": "2026-01-10T10:00:00"}, ("passed", None)),
        ({"issuedOn": 1700000000}, ("passed", None)),
        ({"issuedOn": True}, ("failed", "malformed")),
        ({"issuedOn": -1}, ("failed", "malformed")),
        ({"issuedOn": "soon"}, ("failed", "malformed")),
        ({"expires": "2026-13-01T00:00:00Z"}, ("failed", "malformed")),
    ],
)
def test_A09_times_of_an_assertion_are_judged_to_the_minute(
    change: dict[str, Any], ended: tuple[str, str | None]
) -> None:
    changed = {**ASSERTION, **change}
    assert Round(json.dumps(changed), pages(changed)).ended("validity") == ended


# The recipient


def test_A51_a_badge_of_somebody_else_is_told_apart() -> None:
    assert Round(HOSTED, PAGES, email="mallory@x.example").ended("recipient") == ("failed", "rejected")
    assert Round(HOSTED, PAGES, email="Sanne@Student.example").ended("recipient") == ("passed", None)
    assert Round(HOSTED, PAGES).ended("recipient") == ("not_applicable", "not_asked")


def test_A51_a_hash_without_salt_is_pointed_out() -> None:
    weak = {**ASSERTION, "recipient": {"type": "email", "hashed": "true", "identity": UNSALTED}}
    assert Round(json.dumps(weak), pages(weak), email=EMAIL).ended("recipient") == ("passed", "weak_hash")


UNSALTED = "sha256$57abe79a137c76ff469bc3a7ad7663133dede919f53cab88402904fa5f2af08a"


# Signed


def test_B22_a_signed_badge_is_proven_by_the_key_that_its_issuer_lists() -> None:
    result = Round(SIGNED, PAGES, email=EMAIL)
    assert result.report.verdict is Verdict.PROVEN
    assert result.ended("issuer_key") == ("passed", None)
    assert [kind for _, kind in result.asked] == [
        LookupKind.BADGE_CLASS,
        LookupKind.ISSUER_PROFILE,
        LookupKind.ISSUER_KEY,
        LookupKind.REVOCATION_LIST,
    ]


@pytest.mark.parametrize("name", ["creator", "kid", "only", "embedded", "verify"])
def test_B22_the_key_is_named_by_the_assertion_or_the_header_or_is_the_only_one(name: str) -> None:
    assertion: dict[str, Any] = {
        **SIGNED_ASSERTION,
        "verification": {"type": "SignedBadge", **({"creator": KEY["id"]} if name == "creator" else {})},
    }
    if name == "verify":
        assertion = {**without(assertion, "verification"), "verify": {"type": "signed", "url": KEY["id"]}}
    token = sign_rs256(assertion, header={"kid": KEY["id"]} if name == "kid" else {})
    issuer = {**ISSUER, "publicKey": [KEY]} if name == "embedded" else ISSUER
    result = Round(token, pages(issuer))
    assert result.report.verdict is Verdict.PROVEN
    assert ((KEY["id"], LookupKind.ISSUER_KEY) in result.asked) is (name != "embedded")


@pytest.mark.parametrize(
    ("issuer", "reason"),
    [
        ({"publicKey": [f"{HOST}/keys/2"]}, "issuer"),
        ({"publicKey": []}, "issuer"),
        ({"publicKey": [7]}, "malformed"),
        ({"publicKey": {"id": f"{HOST}/keys/1"}}, None),
    ],
)
def test_A02_a_key_that_the_issuer_does_not_list_proves_nothing(issuer: dict[str, Any], reason: str | None) -> None:
    result = Round(SIGNED, pages({**ISSUER, **issuer}))
    assert result.ended("proof") == (("passed", None) if reason is None else ("failed", reason))


def test_A02_two_keys_and_none_named_is_no_proof() -> None:
    token = sign_rs256(without(SIGNED_ASSERTION, "verification"))
    assert Round(token, pages({**ISSUER, "publicKey": [KEY["id"], f"{HOST}/keys/2"]})).ended("proof") == (
        "failed",
        "issuer",
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"owner": f"{HOST}/issuers/2"}, "issuer"),
        ({"id": f"{HOST}/keys/2"}, "issuer"),
        ({"publicKeyPem": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}, "malformed"),
        ({"publicKeyPem": "A" * 20_000}, "malformed"),
        ({"publicKeyPem": 7}, "malformed"),
    ],
)
def test_A02_a_key_of_another_owner_or_none_at_all_proves_nothing(change: dict[str, Any], reason: str) -> None:
    assert Round(SIGNED, {**PAGES, KEY["id"]: found({**KEY, **change})}).ended("proof") == ("failed", reason)


def _pem(public_key: Any) -> str:
    pem: bytes = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode()


WRONG_KEYS: dict[str, Callable[[], str]] = {
    "another key": lambda: _pem(OTHER_RSA_KEY.public_key()),
    "1024 bits": lambda: _pem(rsa.generate_private_key(65537, 1024).public_key()),
    "another kind": lambda: _pem(ed448.Ed448PrivateKey.generate().public_key()),
}


@pytest.mark.parametrize("name", WRONG_KEYS)
def test_B20_another_key_a_short_one_or_one_of_another_kind_proves_nothing(name: str) -> None:
    result = Round(SIGNED, pages({**KEY, "publicKeyPem": WRONG_KEYS[name]()}))
    assert result.report.verdict is Verdict.REFUTED
    assert result.ended("proof")[0] == "failed"


def test_A01_an_algorithm_that_open_badges_2_does_not_have_is_refused() -> None:
    other = sign_rs256(SIGNED_ASSERTION, header={"alg": "ES384"})
    assert Round(other, PAGES).ended("proof") == ("failed", "algorithm")


@pytest.mark.parametrize(
    ("entry", "is_revoked"),
    [
        (SIGNED_ASSERTION["id"], True),
        ({"id": SIGNED_ASSERTION["id"], "revocationReason": "fraude"}, True),
        ({"uid": SIGNED_ASSERTION["id"]}, True),
        ("urn:uuid:2", False),
        ({"id": 7}, False),
        (7, False),
    ],
)
def test_B22_a_signed_badge_is_revoked_when_the_list_names_it(entry: Any, is_revoked: bool) -> None:
    result = Round(SIGNED, pages({**REVOKED, "revokedAssertions": [entry]}))
    assert result.ended("status") == (("failed", "revoked") if is_revoked else ("passed", None))


def test_A46_a_revocation_list_of_another_issuer_or_one_that_cannot_be_read_is_no_good_news() -> None:
    assert Round(SIGNED, pages({**REVOKED, "issuer": "https://x.example"})).ended("status") == ("failed", "issuer")
    assert Round(SIGNED, pages({**REVOKED, "revokedAssertions": "none"})).ended("status") == ("unknown", "undecided")
    absent = {url: answer for url, answer in PAGES.items() if url != REVOKED["id"]}
    assert Round(SIGNED, absent).report.verdict is Verdict.UNPROVEN


def test_A46_an_assertion_without_an_identifier_cannot_be_shown_not_to_be_revoked() -> None:
    token = sign_rs256({name: value for name, value in SIGNED_ASSERTION.items() if name != "id"})
    assert Round(token, PAGES).ended("status") == ("failed", "revoked")


def test_B22_an_issuer_without_a_revocation_list_cannot_revoke() -> None:
    result = Round(SIGNED, pages(without(ISSUER, "revocationList")))
    assert result.ended("status") == ("not_applicable", "no_status")
    assert result.report.verdict is Verdict.PROVEN


def test_B22_one_changed_character_of_a_signed_badge_refutes_it() -> None:
    header, payload, signature = SIGNED.split(".")
    changed = "A" if signature[10] != "A" else "B"
    result = Round(f"{header}.{payload}.{signature[:10]}{changed}{signature[11:]}", PAGES)
    assert result.ended("proof") == ("failed", "signature")
