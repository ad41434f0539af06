"""Files made to pass for somebody else's badge, or to make whoever looks at them stumble. K-57, K-83, A-43."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kernel import base64url
from kernel.errors import MalformedError
from kernel.importing import Lookup, LookupKind, Verdict, judge, recognise
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.report import Outcome
from tests.kernel.test_importing import ED25519, METHOD, badge, clr, sign, small_badge
from tests.support.clock import NOW
from tests.support.imports import (
    ASSERTION,
    BADGE_CLASS,
    KEY,
    PAGES,
    REVOKED,
    RSA_KEY,
    SIGNED,
    SIGNED_ASSERTION,
    Round,
    found,
)

ATTACKER = SoftwareSigner.generate("Ed25519")


def _genuine() -> str:
    return sign_jwt(badge(), signer=ED25519, typ="vc+jwt", header={"kid": METHOD})


def _presentation(content: dict[str, Any]) -> str:
    """Return a genuine badge in a presentation that calls itself a badge of the same issuer."""
    enveloped = {"id": f"data:application/vc+jwt,{_genuine()}", "type": "EnvelopedVerifiableCredential"}
    types = ["VerifiableCredential", "VerifiablePresentation", "OpenBadgeCredential"]
    outer = {**content, "type": types, "verifiableCredential": [enveloped]}
    return sign_jwt(outer, signer=ATTACKER, typ="vc+jwt", header={"kid": METHOD})


def test_K57_a_presentation_that_calls_itself_a_badge_is_none() -> None:
    """The signature that held would be that of the badge inside, and what is shown what stands around it."""
    with pytest.raises(MalformedError):
        recognise(_presentation(badge(name="Forged")))


def test_K57_what_was_recognised_is_what_has_to_be_signed() -> None:
    imported = replace(recognise(_genuine()), token=_presentation(badge()))
    check = judge(imported, {}, now=NOW).check("proof")
    assert (check.outcome, check.reason) == (Outcome.FAILED, "malformed")


def test_K83_what_was_fetched_by_the_rules_for_a_list_is_nobodys_key() -> None:
    """Only status lists may redirect: what an open redirect of the issuer leads to is not on the issuer's host."""
    url = "https://issuer.example/go?to=evil.example"
    header = {"kid": url}
    raw = sign_jwt(badge(issuer="https://issuer.example/1"), signer=ATTACKER, typ="JWT", header=header)
    answer = found(ATTACKER.public_key.jwk)
    fetched = {Lookup(url, LookupKind.STATUS_LIST_CREDENTIAL): answer}
    report = judge(recognise(raw), fetched, now=NOW)
    assert report.verdict is Verdict.UNPROVEN
    assert report.lookups == (Lookup(url, LookupKind.ISSUER_KEY),)


@pytest.mark.parametrize(
    ("issuer", "kid"),
    [
        ("https://issuer.example/1", "https://["),
        ("https://issuer.example/1", "https://issuer.example]/key"),
        ("https://[", "https://issuer.example/key"),
        ("https://issuer.example/1", "https://eve@issuer.example/key"),
    ],
)
def test_A43_addresses_that_are_none_refute_a_badge_and_nothing_more(issuer: str, kid: str) -> None:
    raw = sign_jwt(badge(issuer=issuer), signer=ED25519, typ="JWT", header={"kid": kid})
    report = judge(recognise(raw), {}, now=NOW)
    assert report.verdict is Verdict.REFUTED
    assert not report.lookups


@pytest.mark.parametrize("algorithm", [b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x7f"])
def test_A43_a_key_of_a_kind_that_nobody_knows_refutes_a_badge_and_nothing_more(algorithm: bytes) -> None:
    der = RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    unknown = base64.encodebytes(der.replace(algorithm[:-1] + b"\x01", algorithm)).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{unknown}-----END PUBLIC KEY-----\n"
    pages = {**PAGES, KEY["id"]: found({**KEY, "publicKeyPem": pem})}
    assert Round(SIGNED, pages).ended("proof") == ("failed", "malformed")


@pytest.mark.parametrize("claims", [{}, {"_sd": [1]}, {"_sd_alg": [1]}])
def test_A43_an_sd_jwt_whose_disclosures_cannot_be_read_is_no_badge(claims: dict[str, Any]) -> None:
    disclosure = base64url.encode(json.dumps(["salt", "name", "value"]).encode())
    payload = {"iss": "https://issuer.example", "vct": "urn:badge", **claims}
    raw = sign_jwt(payload, signer=ED25519, typ="dc+sd-jwt", header={"kid": METHOD})
    with pytest.raises(MalformedError):
        recognise(f"{raw}~{disclosure}~")


HOST = "https://badges.example"


@pytest.mark.parametrize(
    ("prefix", "url"),
    [
        (HOST, f"{HOST}.evil.example/assertions/1"),
        (f"{HOST}/assertions/", f"{HOST}/assertions/../eve/1"),
        (f"{HOST}/assertions/", f"{HOST}/assertions/%2E%2e/eve/1"),
        (f"{HOST}/assertions/", f"{HOST}/assertions/..%2Feve/1"),
    ],
)
def test_B22_an_address_that_only_begins_as_an_issuers_is_not_the_issuers(prefix: str, url: str) -> None:
    issuer = json.loads(PAGES[BADGE_CLASS["issuer"]].body)
    scoped = {**issuer, "verification": {"startsWith": prefix}}
    forged = {**ASSERTION, "id": url}
    pages = {**PAGES, issuer["id"]: found(scoped), url: found(forged)}
    result = Round(json.dumps(forged), pages)
    assert result.ended("issuer") == ("failed", "issuer")
    assert result.report.signer is None
    honest = {**PAGES, issuer["id"]: found(scoped)}
    assert Round(json.dumps(ASSERTION), honest).report.verdict is Verdict.PROVEN


@pytest.mark.parametrize("kind", ["OpenBadgeCredential", "EndorsementCredential", "EuropeanDigitalCredential"])
def test_A50_whatever_carries_a_refuted_credential_is_not_proven(kind: str) -> None:
    """What a record is called decides nothing: what it carries is shown below the same verdict."""
    tampered = {**sign(small_badge("urn:uuid:part")), "name": "Something else"}
    record = {**clr(tampered), "type": ["VerifiableCredential", kind]}
    raw = sign_jwt(record, signer=ED25519, typ="vc+jwt", header={"kid": METHOD})
    report = judge(recognise(raw), {}, now=NOW)
    assert report.check("proof").outcome is Outcome.PASSED
    assert report.verdict is Verdict.REFUTED


@pytest.mark.parametrize("word", ["true", 1, {"reason": "fraud"}])
def test_B22_whatever_is_not_false_is_a_withdrawal(word: object) -> None:
    pages = {**PAGES, ASSERTION["id"]: found({**ASSERTION, "revoked": word})}
    assert Round(json.dumps(ASSERTION), pages).ended("status") == ("failed", "revoked")


@pytest.mark.parametrize(
    ("listed", "ended"),
    [
        ({"id": REVOKED["id"]}, ("failed", "revoked")),
        ({"type": "RevocationList"}, ("unknown", "undecided")),
        ("", ("unknown", "undecided")),
        (None, ("not_applicable", "no_status")),
    ],
)
def test_B22_a_revocation_list_is_read_however_its_issuer_names_it(listed: object, ended: tuple[str, str]) -> None:
    issuer = {**json.loads(PAGES[BADGE_CLASS["issuer"]].body), "revocationList": listed}
    revoked = {**REVOKED, "revokedAssertions": [SIGNED_ASSERTION["id"]]}
    pages = {**PAGES, issuer["id"]: found(issuer), revoked["id"]: found(revoked)}
    assert Round(SIGNED, pages).ended("status") == ended
