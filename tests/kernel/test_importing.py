"""Whatever badge somebody brings: what it is, what it proves, and that no file makes us crash or hang. B-20 to B-22."""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernel.baking import bake
from kernel.data_integrity import add_base_proof, add_proof, derive_credential
from kernel.did import create_did_web_document, did_jwk, did_key, did_web_url
from kernel.elm import create_elm_credential
from kernel.endorsement import create_endorsement, sign_endorsement
from kernel.errors import CredentialError, MalformedError, TooLargeError
from kernel.importing import (
    IMPORT_CHECK_CODES,
    AddressRefusedError,
    Answer,
    AnswerKind,
    Container,
    ImportCheck,
    ImportReport,
    Kind,
    LookupKind,
    Securing,
    Verdict,
    judge,
    judge_endorsements,
    recognise,
)
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner, public_key_from
from kernel.microcredential import (
    Dates,
    Microcredential,
    create_microcredential_badge,
    missing_elements,
)
from kernel.open_badges import create_identity_object, parse_date_time
from kernel.report import Outcome
from kernel.sd_jwt import conceal
from kernel.status.bitstring_status_list import Bitstring, create_status_list_credential, sign_with_proof
from kernel.status.token_status_list import MINIMUM_SIZE, Status, StatusList, create_status_list_token
from tests.kernel.conftest import SHARED
from tests.support.badges import ISSUER, ISSUER_SIGNER, STATUS, issue_badge
from tests.support.certificates import create_authority, create_leaf
from tests.support.clock import NOW
from tests.support.effort import count_calls, not_hanging
from tests.support.full_badge import DESCRIPTIONS, RESULTS
from tests.support.imports import ASSERTION, BADGE_CLASS, EMAIL, PAGES, RSA_KEY, SIGNED, Round, found, sign_rs256
from tests.support.json_values import json_values, nearly
from tests.support.microcredentials import FULL, claims_of_another_issuer

ED25519 = SoftwareSigner.generate("Ed25519")
DID = did_key(ED25519.public_key.jwk)
METHOD = f"{DID}#{DID.removeprefix('did:key:')}"
WEB = "did:web:issuer.example"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


HEADER = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", bytes([0, 0, 0, 1, 0, 0, 0, 1, 8, 6, 0, 0, 0]))
PIXELS = _chunk(b"IDAT", zlib.compress(bytes(5))) + _chunk(b"IEND", b"")
PNG = HEADER + PIXELS
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>'


def badge(**changes: Any) -> dict[str, Any]:
    """Return an Open Badge 3.0 without proof, its issuer a did:key, with anything changed; None leaves out."""
    document = create_microcredential_badge(FULL)
    document["issuer"] = {**document["issuer"], "id": DID}
    document["validFrom"] = "2026-01-01T00:00:00Z"
    merged = {**document, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def sign(document: Mapping[str, Any], *, method: str = METHOD) -> dict[str, Any]:
    return add_proof(
        document,
        cryptosuite="eddsa-rdfc-2022",
        signer=ED25519,
        verification_method=method,
        proof_purpose="assertionMethod",
        created_at=NOW,
    )


def measured_badge() -> dict[str, Any]:
    """A badge with results of each kind: a level, one of some values, a number, a status."""
    unsigned = {name: value for name, value in SIGNED_BADGE.items() if name != "proof"}
    subject = unsigned["credentialSubject"]
    achievement = {**subject["achievement"], "resultDescription": DESCRIPTIONS}
    return sign({**unsigned, "credentialSubject": {**subject, "achievement": achievement, "result": RESULTS}})


def did_document(did: str = WEB, *signers: SoftwareSigner) -> Answer:
    keys = [(f"key-{number}", signer.public_key) for number, signer in enumerate(signers or (ED25519,), 1)]
    return found(create_did_web_document(did, keys))


SIGNED_BADGE = sign(badge())


# What it is


@pytest.mark.parametrize(
    ("content", "kind", "container", "securing"),
    [
        pytest.param(json.dumps(SIGNED_BADGE), Kind.OPEN_BADGE_3, Container.JSON, Securing.DATA_INTEGRITY, id="json"),
        pytest.param(
            b"\xef\xbb\xbf " + json.dumps(badge()).encode(), Kind.OPEN_BADGE_3, Container.JSON, Securing.NONE, id="bom"
        ),
        pytest.param(
            bake(PNG, json.dumps(SIGNED_BADGE)), Kind.OPEN_BADGE_3, Container.PICTURE, Securing.DATA_INTEGRITY, id="png"
        ),
        pytest.param(
            bake(SVG, json.dumps(SIGNED_BADGE)), Kind.OPEN_BADGE_3, Container.PICTURE, Securing.DATA_INTEGRITY, id="svg"
        ),
        pytest.param(
            bake(SVG, json.dumps(SIGNED_BADGE)).decode(),
            Kind.OPEN_BADGE_3,
            Container.PICTURE,
            Securing.DATA_INTEGRITY,
            id="svg as text",
        ),
        pytest.param(bake(PNG, SIGNED), Kind.OPEN_BADGE_2, Container.PICTURE, Securing.JWT, id="png with jws"),
        pytest.param(issue_badge("dc+sd-jwt"), Kind.SD_JWT_VC, Container.SD_JWT, Securing.SD_JWT, id="dc+sd-jwt"),
        pytest.param(issue_badge("vc+sd-jwt"), Kind.OPEN_BADGE_3, Container.SD_JWT, Securing.SD_JWT, id="vc+sd-jwt"),
        pytest.param(json.dumps(create_elm_credential(FULL)), Kind.ELM, Container.JSON, Securing.NONE, id="elm"),
        pytest.param(" https://badges.example/1 \n", Kind.ADDRESS, Container.ADDRESS, Securing.NONE, id="address"),
        pytest.param(
            json.dumps(badge(type=["VerifiableCredential", "EndorsementCredential"])),
            Kind.ENDORSEMENT,
            Container.JSON,
            Securing.NONE,
            id="endorsement",
        ),
        pytest.param(
            json.dumps(badge(type=["VerifiableCredential"], proof={"type": "Ed25519Signature2020"})),
            Kind.CREDENTIAL,
            Container.JSON,
            Securing.OTHER_PROOF,
            id="older proof",
        ),
        pytest.param(
            json.dumps({"type": ["VerifiablePresentation"], "verifiableCredential": [SIGNED_BADGE]}),
            Kind.OPEN_BADGE_3,
            Container.JSON,
            Securing.DATA_INTEGRITY,
            id="presentation with one",
        ),
        pytest.param(
            json.dumps({"type": "VerifiablePresentation", "verifiableCredential": SIGNED_BADGE}),
            Kind.OPEN_BADGE_3,
            Container.JSON,
            Securing.DATA_INTEGRITY,
            id="presentation of one",
        ),
    ],
)
def test_B22_it_is_recognised_by_its_content(
    content: bytes | str, kind: Kind, container: Container, securing: Securing
) -> None:
    imported = recognise(content)
    assert (imported.kind, imported.container, imported.securing) == (kind, container, securing)


def test_B22_a_picture_that_carries_only_an_address_is_a_hosted_badge() -> None:
    """Badges of before 2013 carry the address of their assertion in a tEXt chunk `openbadges`."""
    imported = recognise(HEADER + _chunk(b"tEXt", b"openbadges\0" + ASSERTION["id"].encode()) + PIXELS)
    assert (imported.kind, imported.securing, imported.document["id"]) == (
        Kind.OPEN_BADGE_2,
        Securing.HOSTED,
        ASSERTION["id"],
    )
    assert Round(imported, PAGES).report.verdict is Verdict.PROVEN


def test_K57_an_envelope_is_opened() -> None:
    raw = issue_badge("vc+sd-jwt")
    for text in (raw, sign_jwt(badge(), signer=ED25519, typ="vc+jwt")):
        media_type = "vc+sd-jwt" if "~" in text else "vc+jwt"
        envelope = {"type": "EnvelopedVerifiableCredential", "id": f"data:application/{media_type},{text}"}
        assert recognise(json.dumps(envelope)).kind is Kind.OPEN_BADGE_3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        "",
        "{}",
        "[]",
        "null",
        "hello",
        "a.b.c",
        "~",
        "a~b",
        "<html></html>",
        b"<html></html>",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xfe\x00",
        "\ud800",
        "<\ud800",
        "http://10.0.0.1/badge",
        "https://user@badges.example/",
        json.dumps({"type": "VerifiablePresentation", "verifiableCredential": []}),
        json.dumps({"type": "VerifiablePresentation", "verifiableCredential": [7]}),
        json.dumps({"type": "EnvelopedVerifiableCredential", "id": "data:text/html,x"}),
        json.dumps({"payload": "{", "signatures": []}),
        json.dumps(badge(type=["OpenBadgeCredential"])),
        json.dumps({**badge(), "@context": ["https://example.org/v3"]}),
        json.dumps({**badge(), "credentialSubject": {"verifiableCredential": [{}] * 21}}),
        "{" * 100_000,
        '{"a":' * 40 + "1" + "}" * 40,
        "x" * 4_000_000,
        "eyJhbGciOiJub25lIn0.e30.",
        "eyJhbGciOiJIUzI1NiJ9.e30.AA",
    ],
    ids=range(29),
)
def test_A08_what_is_no_badge_is_malformed(content: bytes | str) -> None:
    with pytest.raises(MalformedError):
        recognise(content)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({**badge(), "image": "x" * 600_000}),
        json.dumps({**badge(), "credentialSubject": {"verifiableCredential": [{}] * 21}}),
        '{"a":' * 40 + "1" + "}" * 40,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        json.dumps({"a": [0] * 10_001}),
        "x" * 4_000_000,
        f"{'x' * 600_000}.e30.AA",
        f"{'~' * 5000}",
        SVG + b" " * 4_000_000,
        PNG + b" " * 4_000_000,
        HEADER + _chunk(b"tIME", b"") * 10_000 + PIXELS,
    ],
    ids=range(11),
)
def test_K74_A08_what_is_too_much_for_us_is_not_called_no_badge(content: bytes | str) -> None:
    with pytest.raises(TooLargeError):
        recognise(content)


def test_A08_a_large_photo_is_no_badge_that_would_be_too_large() -> None:
    with pytest.raises(MalformedError) as refusal:
        recognise(b"\xff\xd8" + bytes(4_000_000))
    assert refusal.value.code == "malformed"


@pytest.mark.parametrize("address", ["http://issuer.example/1", "https://192.168.1.1/1"])
def test_A35_an_address_that_may_not_be_asked_is_called_that(address: str) -> None:
    with pytest.raises(AddressRefusedError):
        recognise(address)


def test_K74_what_is_too_large_at_an_address_was_not_checked() -> None:
    large = Answer(AnswerKind.FOUND, json.dumps({**SIGNED_BADGE, "image": "x" * 600_000}).encode())
    result = Round("https://issuer.example/1", {"https://issuer.example/1": large})
    assert result.ended("format") == ("unknown", "too_large")
    assert result.report.verdict is Verdict.UNPROVEN


# Open Badges 3.0


def test_B21_a_signed_badge_is_proven_check_by_check() -> None:
    result = Round(json.dumps(SIGNED_BADGE), {})
    assert result.asked == []
    assert result.report.verdict is Verdict.PROVEN
    assert result.ended("status") == ("not_applicable", "no_status")
    assert result.ended("holder_binding") == ("unknown", "not_shown_by_holder")
    assert [check["code"] for check in result.report.as_json()["checks"]] == list(IMPORT_CHECK_CODES)
    assert result.report.as_json()["verdict"] == "proven"


def test_A19_one_changed_word_refutes_a_badge() -> None:
    result = Round(json.dumps({**SIGNED_BADGE, "name": "Iets anders"}), {})
    assert result.report.verdict is Verdict.REFUTED
    assert result.ended("proof") == ("failed", "signature")


def test_B21_the_key_of_a_did_web_is_looked_up_first_and_nothing_else() -> None:
    document = sign(badge(issuer=WEB, credentialStatus=_bitstring_entry()), method=f"{WEB}#key-1")
    assert Round(json.dumps(document), {}).asked == [(did_web_url(WEB), LookupKind.DID_DOCUMENT)]
    known = Round(json.dumps(document), {did_web_url(WEB): did_document()})
    assert [kind for _, kind in known.asked] == [LookupKind.DID_DOCUMENT, LookupKind.STATUS_LIST_CREDENTIAL]


@pytest.mark.parametrize(
    ("issuer", "ended"),
    [
        ("did:ebsi:z2", ("unknown", "undecided")),
        ("did:web:issuer.example", ("unknown", "undecided")),
        ("did:web:10.0.0.1", ("failed", "malformed")),
        ("https://issuer.example/id", ("unknown", "undecided")),
    ],
)
def test_K74_a_key_that_cannot_be_had_leaves_the_badge_unproven(issuer: str, ended: tuple[str, str]) -> None:
    result = Round(json.dumps(sign(badge(issuer=issuer), method=f"{issuer}#key-1")), {})
    assert result.ended("issuer_key") == ended
    assert result.ended("proof") == ("unknown", "skipped")


def test_B20_the_keys_of_a_controller_with_an_address_are_read_there() -> None:
    issuer = "https://issuer.example/id"
    document = json.loads(did_document().body)
    document = json.loads(json.dumps(document).replace(WEB, issuer))
    result = Round(json.dumps(sign(badge(issuer=issuer), method=f"{issuer}#key-1")), {issuer: found(document)})
    assert result.report.verdict is Verdict.PROVEN


def test_A19_a_proof_by_somebody_else_than_the_issuer_is_refuted() -> None:
    result = Round(json.dumps(sign(badge(issuer="did:web:school.example"))), {})
    assert result.report.verdict is Verdict.REFUTED


def test_B15_a_badge_over_a_context_that_nobody_pinned_cannot_be_checked() -> None:
    extension = "https://raw.githubusercontent.com/educredentials/obv3-examples/contexts/educredential.json"
    document = {**SIGNED_BADGE, "@context": [*SIGNED_BADGE["@context"], extension]}
    result = Round(json.dumps(document), {})
    assert result.ended("proof") == ("unknown", "context_not_known")
    assert result.report.verdict is Verdict.UNPROVEN


def _too_much(**changes: Any) -> dict[str, Any]:
    """A badge whose proof need not hold: nobody gets as far as its signature."""
    return {**badge(), "proof": SIGNED_BADGE["proof"], **changes}


@pytest.mark.parametrize(
    "document",
    [
        _too_much(evidence=[{"type": ["Evidence"], "name": "stuk"}] * 5000),
        _too_much(evidence=[{"type": ["Evidence"], "name": str(number)} for number in range(9000)]),
        _too_much(proof=[{**SIGNED_BADGE["proof"][0], "id": f"urn:uuid:{number}"} for number in range(9)]),
    ],
    ids=["look-alikes", "statements", "proofs"],
)
def test_K74_A21_what_is_more_work_than_we_take_on_was_not_checked(document: dict[str, Any]) -> None:
    result = Round(json.dumps(document), {})
    assert result.ended("proof") == ("unknown", "too_large")
    assert result.report.verdict is Verdict.UNPROVEN


def test_K64_a_word_that_no_context_knows_refutes_a_badge() -> None:
    assert Round(json.dumps({**SIGNED_BADGE, "motto": "x"}), {}).ended("proof") == ("failed", "malformed")


@pytest.mark.parametrize(
    ("document", "ended"),
    [
        (badge(), ("not_applicable", "no_proof")),
        ({**badge(), "proof": {"type": "Ed25519Signature2020"}}, ("unknown", "proof_not_supported")),
    ],
    ids=["none", "older"],
)
def test_K74_without_a_proof_that_can_be_checked_nothing_is_proven(
    document: dict[str, Any], ended: tuple[str, str]
) -> None:
    result = Round(json.dumps({**document, "credentialStatus": _bitstring_entry()}), {})
    assert result.ended("proof") == ended
    assert result.report.verdict is Verdict.UNPROVEN
    assert result.asked == []


def test_B21_a_badge_out_of_its_time_is_refuted() -> None:
    expired = Round(json.dumps(sign(badge(validUntil="2026-01-02T00:00:00Z"))), {})
    assert expired.ended("validity") == ("failed", "expired")
    early = Round(json.dumps(sign(badge(validFrom="2026-06-01T00:00:00Z"))), {})
    assert early.ended("validity") == ("failed", "not_yet_valid")
    assert {expired.report.verdict, early.report.verdict} == {Verdict.REFUTED}


def test_A51_the_recipient_of_a_badge_is_checked_where_an_address_is_given() -> None:
    subject = {
        **badge()["credentialSubject"],
        "identifier": [create_identity_object(EMAIL, identity_type="emailAddress", salt="a")],
    }
    text = json.dumps(sign(badge(credentialSubject=subject)))
    assert Round(text, {}, email=EMAIL).ended("recipient") == ("passed", None)
    assert Round(text, {}, email="mallory@x.example").ended("recipient") == ("failed", "rejected")
    nobody = {**subject, "id": "urn:uuid:1"}
    assert Round(json.dumps(sign(badge(credentialSubject=nobody))), {}).report.is_bearer


# Status


def _bitstring_entry() -> dict[str, Any]:
    return {
        "id": "https://issuer.example/status/1#7",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "7",
        "statusListCredential": "https://issuer.example/status/1",
    }


def _bitstring_list(*, is_revoked: bool) -> Answer:
    bits = Bitstring()
    if is_revoked:
        bits.set(7, 1)
    document = create_status_list_credential(
        bits.encode(),
        uri="https://issuer.example/status/1",
        issuer=DID,
        purpose="revocation",
        valid_from=NOW,
        valid_until=NOW + timedelta(days=1),
        ttl=timedelta(minutes=5),
    )
    raw = sign_with_proof(document, signer=ED25519, verification_method=METHOD, created_at=NOW)
    return Answer(AnswerKind.FOUND, raw.encode())


@pytest.mark.parametrize(("is_revoked", "verdict"), [(False, Verdict.PROVEN), (True, Verdict.REFUTED)])
def test_K80_1_the_bitstring_list_of_a_badge_is_read(is_revoked: bool, verdict: Verdict) -> None:
    text = json.dumps(sign(badge(credentialStatus=_bitstring_entry())))
    result = Round(text, {"https://issuer.example/status/1": _bitstring_list(is_revoked=is_revoked)})
    assert result.report.verdict is verdict


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        (Answer(AnswerKind.UNAVAILABLE), ("unknown", "undecided")),
        (Answer(AnswerKind.FOUND, b"\xff"), ("failed", "malformed")),
        (Answer(AnswerKind.FOUND, b"nothing"), ("failed", "malformed")),
    ],
)
def test_K74_a_status_list_that_cannot_be_read_is_no_good_news(answer: Answer, ended: tuple[str, str]) -> None:
    text = json.dumps(sign(badge(credentialStatus=_bitstring_entry())))
    result = Round(text, {"https://issuer.example/status/1": answer})
    assert result.ended("status") == ended
    assert result.report.verdict is not Verdict.PROVEN


MESSAGE_LIST = "https://issuer.example/status/2"


def message_badge(*entries: dict[str, Any]) -> str:
    """A badge whose issuer may tell something of it, beside the status entries given."""
    meanings = [{"status": "0x0", "message": "no_message"}, {"status": "0x1", "message": "under_review"}]
    others = [{"status": "0x2", "message": "X-17"}, {"status": "0x3", "message": "undefined"}]
    entry = {
        **_bitstring_entry(),
        "id": f"{MESSAGE_LIST}#7",
        "statusPurpose": "message",
        "statusListCredential": MESSAGE_LIST,
        "statusSize": 2,
        "statusMessage": [*meanings, *others],
    }
    return json.dumps(sign(badge(credentialStatus=[*entries, entry])))


def message_list(value: int) -> Answer:
    bits = Bitstring(2 * MINIMUM_SIZE)
    bits.set(7, value, size=2)
    document = create_status_list_credential(
        bits.encode(),
        uri=MESSAGE_LIST,
        issuer=DID,
        purpose="message",
        valid_from=NOW,
        valid_until=NOW + timedelta(days=1),
        ttl=timedelta(minutes=5),
    )
    raw = sign_with_proof(document, signer=ED25519, verification_method=METHOD, created_at=NOW)
    return Answer(AnswerKind.FOUND, raw.encode())


@pytest.mark.parametrize(("value", "told"), [(0, None), (1, ["under_review"]), (2, ["X-17"]), (3, ["undefined"])])
def test_K80_1_a_message_is_told_and_decides_nothing(value: int, told: list[str] | None) -> None:
    lists = {MESSAGE_LIST: message_list(value), "https://issuer.example/status/1": _bitstring_list(is_revoked=False)}
    result = Round(message_badge(_bitstring_entry()), lists)
    assert result.report.verdict is Verdict.PROVEN
    assert result.report.check("status").evidence.get("messages") == told
    revoked = {**lists, "https://issuer.example/status/1": _bitstring_list(is_revoked=True)}
    assert Round(message_badge(_bitstring_entry()), revoked).report.verdict is Verdict.REFUTED


@pytest.mark.parametrize("answer", [Answer(AnswerKind.UNAVAILABLE), Answer(AnswerKind.FOUND, b"nothing")])
def test_K80_1_a_list_of_messages_that_cannot_be_had_decides_nothing_either(answer: Answer) -> None:
    lists = {MESSAGE_LIST: answer, "https://issuer.example/status/1": _bitstring_list(is_revoked=False)}
    result = Round(message_badge(_bitstring_entry()), lists)
    assert result.ended("status") == ("passed", None)
    assert "messages" not in result.report.check("status").evidence
    assert result.report.check("status").evidence["has_unread_messages"] is True


def test_K80_1_a_badge_with_messages_alone_has_no_list_that_could_withdraw_it() -> None:
    result = Round(message_badge(), {MESSAGE_LIST: message_list(1)})
    assert result.ended("status") == ("not_applicable", "no_status")
    assert result.report.check("status").evidence["messages"] == ["under_review"]


def test_A13_K73_a_part_of_a_badge_that_left_out_its_status_is_not_proven() -> None:
    """As a file it may be all that somebody wants us to see of a withdrawn badge."""
    signed = add_base_proof(
        badge(issuer=ISSUER.id, id="urn:uuid:1"),
        signer=ISSUER_SIGNER,
        verification_method=ISSUER.kid,
        created_at=NOW,
        mandatory_pointers=[],
    )
    derived = derive_credential(signed, pointers=["/credentialSubject"])
    place = {"https://issuer.example/stmw/did.json": ISSUER_DOCUMENT}
    result = Round(json.dumps(derived), place)
    assert result.ended("proof")[0] == "passed"
    assert result.ended("status") == ("unknown", "status_hidden")
    assert result.report.verdict is Verdict.UNPROVEN
    assert Round(json.dumps(signed), place).ended("status") == ("not_applicable", "no_status")


REVOCATIONS = "https://issuer.example/revocations"
REVOCATION_ENTRY = {"id": REVOCATIONS, "type": "1EdTechRevocationList"}


@pytest.mark.parametrize(
    ("listed", "ended"),
    [
        ({"revokedCredential": []}, ("passed", None)),
        ({"revokedCredentials": [{"id": "urn:uuid:another"}]}, ("passed", None)),
        ({"revokedCredential": [{"id": "urn:uuid:1", "revoked": False}]}, ("passed", None)),
        ({"issuer": DID, "revokedCredential": [{"id": "urn:uuid:1"}]}, ("failed", "revoked")),
        ({"issuer": {"id": DID}, "revokedCredentials": ["urn:uuid:1"]}, ("failed", "revoked")),
        ({"revokedCredential": {"id": "urn:uuid:1", "revoked": True}}, ("failed", "revoked")),
        ({"issuer": "did:web:another.example", "revokedCredential": []}, ("unknown", "undecided")),
        ({}, ("failed", "malformed")),
        ({"revokedCredential": [7]}, ("failed", "malformed")),
    ],
)
def test_B12_a_revocation_list_of_1EdTech_names_what_was_withdrawn(
    listed: dict[str, Any], ended: tuple[str, str | None]
) -> None:
    raw = sign_jwt(
        badge(id="urn:uuid:1", credentialStatus=REVOCATION_ENTRY), signer=ED25519, typ="vc+jwt", header={"kid": METHOD}
    )
    assert Round(raw, {REVOCATIONS: found({"id": REVOCATIONS, **listed})}).ended("status") == ended
    assert Round(raw, {}).ended("status") == ("unknown", "undecided")


def test_B12_a_revocation_list_cannot_name_a_credential_without_a_name() -> None:
    raw = sign_jwt(
        badge(id=None, credentialStatus=REVOCATION_ENTRY), signer=ED25519, typ="vc+jwt", header={"kid": METHOD}
    )
    listed = {REVOCATIONS: found({"revokedCredential": []})}
    assert Round(raw, listed).ended("status") == ("unknown", "undecided")


def test_B12_a_status_of_an_unknown_kind_leaves_the_badge_unproven() -> None:
    entry = {"id": "https://issuer.example/revocations", "type": "StatusList2021Entry"}
    raw = sign_jwt(badge(credentialStatus=entry), signer=ED25519, typ="vc+jwt", header={"kid": METHOD})
    result = Round(raw, {})
    assert result.ended("status") == ("unknown", "undecided")
    assert result.report.verdict is Verdict.UNPROVEN


# SD-JWT


ISSUER_DOCUMENT = found(create_did_web_document(ISSUER.id, [("es256-1", ISSUER_SIGNER.public_key)]))


def _token_status_list(status: Status | int, *, kid: str = ISSUER.kid) -> Answer:
    listed = StatusList(4)
    listed.set(STATUS.index, status)
    token = create_status_list_token(
        listed,
        uri=STATUS.uri,
        signer=ISSUER_SIGNER,
        key_reference={"kid": kid},
        issued_at=NOW,
        expires_at=NOW + timedelta(days=1),
        ttl=timedelta(minutes=5),
    )
    return Answer(AnswerKind.FOUND, token.encode())


@pytest.mark.parametrize("format_id", ["dc+sd-jwt", "vc+sd-jwt"])
@pytest.mark.parametrize(
    ("status", "ended"),
    [
        (Status.VALID, ("passed", None)),
        (Status.INVALID, ("failed", "revoked")),
        (Status.SUSPENDED, ("failed", "suspended")),
        (3, ("unknown", "undecided")),
        (4, ("failed", "revoked")),
    ],
)
def test_K73_an_sd_jwt_is_proven_and_its_status_list_read(
    format_id: str, status: Status | int, ended: tuple[str, str | None]
) -> None:
    result = Round(
        issue_badge(format_id), {did_web_url(ISSUER.id): ISSUER_DOCUMENT, STATUS.uri: _token_status_list(status)}
    )
    assert result.ended("proof") == ("passed", None)
    assert result.ended("status") == ended
    assert (result.report.verdict is Verdict.PROVEN) is (ended[0] == "passed")
    assert result.ended("holder_binding") == ("unknown", "not_shown_by_holder")


def test_A46_a_status_list_signed_with_somebody_elses_key_is_no_good_news() -> None:
    answer = _token_status_list(Status.VALID, kid="did:web:mallory.example#1")
    result = Round(issue_badge("dc+sd-jwt"), {did_web_url(ISSUER.id): ISSUER_DOCUMENT, STATUS.uri: answer})
    assert result.ended("status") == ("failed", "issuer")


def test_A12_an_sd_jwt_with_a_changed_signature_is_refuted() -> None:
    raw = issue_badge("dc+sd-jwt")
    position = raw.index("~") - 20
    changed = raw[:position] + ("A" if raw[position] != "A" else "B") + raw[position + 1 :]
    result = Round(changed, {did_web_url(ISSUER.id): ISSUER_DOCUMENT})
    assert result.ended("proof") == ("failed", "signature")


def test_K25_the_keys_of_an_https_issuer_stand_in_its_metadata() -> None:
    issuer = "https://issuer.example/tenant"
    raw = issue_badge("dc+sd-jwt", issuer=replace(ISSUER, id=issuer, kid="k1"), status=None)
    jwks = {"keys": [{**ISSUER_SIGNER.public_key.jwk, "kid": "k1"}]}
    url = "https://issuer.example/.well-known/jwt-vc-issuer/tenant"
    assert Round(raw, {url: found({"issuer": issuer, "jwks": jwks})}).report.verdict is Verdict.PROVEN
    apart = {url: found({"issuer": issuer, "jwks_uri": "https://issuer.example/keys"})}
    assert Round(raw, {**apart, "https://issuer.example/keys": found(jwks)}).report.verdict is Verdict.PROVEN
    assert Round(raw, apart).ended("issuer_key") == ("unknown", "undecided")


def test_A05_a_certificate_chain_without_an_anchor_leaves_it_unproven() -> None:
    raw = issue_badge("dc+sd-jwt", issuer=replace(ISSUER, id="https://issuer.example", x5c=("AAAA",)), status=None)
    assert Round(raw, {}).ended("issuer_key") == ("unknown", "undecided")


@pytest.mark.parametrize(
    ("named", "ended"),
    [("https://school.example", ("passed", None)), ("https://another.example", ("failed", "issuer"))],
)
def test_K26_a_chain_to_a_known_anchor_proves_the_name_that_its_leaf_has(
    named: str, ended: tuple[str, str | None]
) -> None:
    authority = create_authority(NOW)
    leaf = create_leaf(authority, NOW, dns_names=["school.example"])
    issuer = replace(ISSUER, id=named, x5c=(leaf.x5c,))
    raw = issue_badge("dc+sd-jwt", issuer=issuer, signer=leaf.signer, status=None)
    result = Round(raw, {}, anchors=[authority.certificate])
    assert result.ended("issuer_key") == ended
    is_proven = ended == ("passed", None)
    assert (result.report.verdict is Verdict.PROVEN) is is_proven
    if is_proven:
        assert result.report.check("issuer_key").evidence["certificate"] == "CN=Leaf"
        assert result.report.signer is not None
        assert result.report.signer.issuer == named


def test_K26_A05_a_chain_to_another_anchor_proves_nothing() -> None:
    leaf = create_leaf(create_authority(NOW), NOW, dns_names=["school.example"])
    issuer = replace(ISSUER, id="https://school.example", x5c=(leaf.x5c,))
    raw = issue_badge("dc+sd-jwt", issuer=issuer, signer=leaf.signer, status=None)
    assert Round(raw, {}, anchors=[create_authority(NOW).certificate]).ended("issuer_key") == ("failed", "issuer")


# JWT


def test_K66_a_vcdm_2_jwt_is_proven() -> None:
    raw = sign_jwt(badge(), signer=ED25519, typ="vc+jwt", header={"kid": METHOD})
    assert Round(raw, {}).report.verdict is Verdict.PROVEN


@pytest.mark.parametrize("kid", [METHOD.partition("#")[2], "#" + METHOD.partition("#")[2]], ids=["name", "#"])
def test_K23_a_kid_may_leave_out_the_issuers_did(kid: str) -> None:
    raw = sign_jwt(badge(), signer=ED25519, typ="vc+jwt", header={"kid": kid})
    assert Round(raw, {}).report.verdict is Verdict.PROVEN


def test_K69_a_jwt_of_vcdm_1_1_may_leave_out_the_key_where_there_is_only_one() -> None:
    payload = {"iss": DID, "nbf": int(NOW.timestamp()) - 60, "vc": _v1()}
    assert Round(sign_jwt(payload, signer=ED25519, typ="JWT"), {}).report.verdict is Verdict.PROVEN


def open_badge_claims(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the payload of an Open Badge in a JWT: the badge, and what it says a second time. B-20."""
    dates = {name: parse_date_time(document[member]) for name, member in (("nbf", "validFrom"), ("exp", "validUntil"))}
    issuer, subject = document["issuer"], document["credentialSubject"]
    return {
        **document,
        "iss": issuer["id"] if isinstance(issuer, dict) else issuer,
        "jti": document["id"],
        "sub": subject["id"],
        **{name: int(date.timestamp()) for name, date in dates.items()},
    }


def test_B20_a_key_in_the_header_counts_when_the_issuer_lists_it() -> None:
    jwk = ED25519.public_key.jwk
    raw = sign_jwt(open_badge_claims(badge(issuer=WEB)), signer=ED25519, typ="JWT", header={"jwk": jwk})
    two = did_document(WEB, SoftwareSigner.generate(), ED25519)
    assert Round(raw, {did_web_url(WEB): two}).report.verdict is Verdict.PROVEN
    other = did_document(WEB, SoftwareSigner.generate())
    assert Round(raw, {did_web_url(WEB): other}).ended("issuer_key") == ("failed", "issuer")
    unusable = json.loads(two.body)
    unusable["verificationMethod"][0]["type"] = "Unknown"
    assert Round(raw, {did_web_url(WEB): found(unusable)}).report.verdict is Verdict.PROVEN


def test_B20_K22_a_key_in_the_header_that_the_issuer_lists_in_two_forms_is_one_key() -> None:
    signer = SoftwareSigner.generate()
    raw = sign_jwt(
        open_badge_claims(badge(issuer=WEB)), signer=signer, typ="JWT", header={"jwk": signer.public_key.jwk}
    )
    listed = create_did_web_document(WEB, [("es256", signer.public_key)], multikeys=[signer.public_key])
    assert Round(raw, {did_web_url(WEB): found(listed)}).report.verdict is Verdict.PROVEN


def test_B20_a_jwt_without_a_type_is_one_of_open_badges() -> None:
    raw = sign_rs256(open_badge_claims(badge(issuer="https://issuer.example/1")), header={"kid": RSA_JWK_PAGE})
    assert Round(raw, {RSA_JWK_PAGE: found(_rsa_jwk())}).report.verdict is Verdict.PROVEN


def test_K57_somebodys_presentation_is_no_file_to_import() -> None:
    presentation = {"vp": {"type": ["VerifiablePresentation"], "verifiableCredential": [_v1_jwt(_v1())]}}
    with pytest.raises(MalformedError):
        recognise(sign_jwt(presentation, signer=ED25519, typ="JWT", header={"kid": METHOD}))


def test_A02_a_kid_of_another_did_or_none_where_there_are_several_proves_nothing() -> None:
    other = sign_jwt(badge(issuer="did:web:school.example"), signer=ED25519, typ="JWT", header={"kid": METHOD})
    pages = {did_web_url("did:web:school.example"): did_document("did:web:school.example")}
    assert Round(other, pages).ended("issuer_key") == ("failed", "issuer")
    unnamed = sign_jwt(badge(issuer=WEB), signer=ED25519, typ="JWT")
    two = {did_web_url(WEB): did_document(WEB, ED25519, SoftwareSigner.generate())}
    assert Round(unnamed, two).ended("issuer_key") == ("failed", "issuer")


def test_A03_a_jwt_of_another_type_is_refuted() -> None:
    raw = sign_jwt(badge(), signer=ED25519, typ="kb+jwt", header={"kid": METHOD})
    assert Round(raw, {}).ended("proof") == ("failed", "type")


def test_B20_claims_that_say_something_else_than_the_badge_refute_it() -> None:
    raw = sign_jwt({**badge(), "jti": "urn:uuid:2"}, signer=ED25519, typ="JWT", header={"kid": METHOD})
    assert Round(raw, {}).ended("proof") == ("failed", "malformed")


def test_B20_the_narrower_of_two_validities_counts() -> None:
    raw = sign_jwt({**badge(), "exp": int(NOW.timestamp()) - 120}, signer=ED25519, typ="vc+jwt", header={"kid": METHOD})
    assert Round(raw, {}).ended("validity") == ("failed", "expired")


RSA_JWK_PAGE = "https://issuer.example/keys/1"


def test_B20_an_open_badge_with_rs256_and_the_address_of_its_key_is_proven() -> None:
    claims = open_badge_claims(badge(issuer="https://issuer.example/1"))
    raw = sign_rs256(claims, header={"typ": "JWT", "kid": RSA_JWK_PAGE})
    pages = {RSA_JWK_PAGE: found(_rsa_jwk())}
    assert Round(raw, pages).report.verdict is Verdict.PROVEN


@pytest.mark.parametrize("kid", ["https://mallory.example/keys/1", "https://issuer.example:444/keys/1"])
def test_A02_a_key_on_another_host_than_the_issuers_is_never_fetched(kid: str) -> None:
    raw = sign_rs256(badge(issuer="https://issuer.example/1"), header={"typ": "JWT", "kid": kid})
    result = Round(raw, {kid: found(_rsa_jwk())})
    assert result.asked == []
    assert result.ended("issuer_key") == ("failed", "issuer")


def _rsa_jwk() -> dict[str, Any]:
    return public_key_from(RSA_KEY.public_key()).jwk


def _v1(**changes: Any) -> dict[str, Any]:
    return {
        "@context": [
            "https://www.w3.org/2018/credentials/v1",
            "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json",
        ],
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuanceDate": "2026-01-01T00:00:00Z",
        "credentialSubject": {"id": did_jwk(ISSUER_SIGNER.public_key.jwk), "achievement": {"name": "PO"}},
        **changes,
    }


def _v1_jwt(credential: dict[str, Any], **claims: Any) -> str:
    payload = {"iss": DID, "jti": "urn:uuid:1", "nbf": int(NOW.timestamp()) - 60, "vc": credential, **claims}
    return sign_jwt(payload, signer=ED25519, typ="JWT", header={"kid": METHOD})


def test_K69_a_jwt_of_vcdm_1_1_is_proven_and_said_to_be_of_an_older_form() -> None:
    result = Round(_v1_jwt(_v1()), {})
    assert result.report.verdict is Verdict.PROVEN
    assert result.report.imported.is_older_form
    assert result.report.imported.content.title is not None


@pytest.mark.parametrize(
    ("credential", "claims", "ended"),
    [
        (_v1(issuer="did:web:school.example"), {"iss": DID}, ("proof", ("failed", "malformed"))),
        (_v1(id="urn:uuid:2"), {}, ("proof", ("failed", "malformed"))),
        (_v1(), {"sub": "did:web:mallory.example"}, ("proof", ("failed", "malformed"))),
        (_v1(issuanceDate="yesterday"), {}, ("proof", ("failed", "malformed"))),
        (_v1(expirationDate="2026-02-01T00:00:00Z"), {}, ("validity", ("failed", "expired"))),
        (_v1(), {"nbf": 1, "exp": 2_000_000_000}, ("validity", ("passed", None))),
        (_v1(issuanceDate="1970-01-01T00:00:00Z"), {"nbf": 1, "exp": 2}, ("validity", ("failed", "expired"))),
        (_v1(credentialSubject={}), {}, ("format", ("failed", "malformed"))),
    ],
    ids=["issuer", "id", "subject", "issued", "expired", "good", "exp", "shape"],
)
def test_K69_the_claims_of_a_jwt_of_vcdm_1_1_are_judged_with_the_credential_in_it(
    credential: dict[str, Any], claims: dict[str, Any], ended: tuple[str, tuple[str, str | None]]
) -> None:
    assert Round(_v1_jwt(credential, **claims), {}).ended(ended[0]) == ended[1]


def test_K66_a_credential_that_nobody_says_to_have_issued_is_refuted() -> None:
    raw = sign_jwt(badge(issuer=7), signer=ED25519, typ="vc+jwt", header={"kid": METHOD})
    assert Round(raw, {}).ended("proof") == ("failed", "malformed")


def test_K69_a_credential_of_vcdm_1_1_without_dates_or_issuer_is_read() -> None:
    credential = {name: value for name, value in _v1().items() if name != "issuanceDate"}
    payload = {"vc": credential}
    result = Round(sign_jwt(payload, signer=ED25519, typ="JWT", header={"kid": METHOD}), {})
    assert result.ended("proof") == ("failed", "malformed")
    assert Round(_v1_jwt(credential), {}).report.verdict is Verdict.PROVEN


# CLR and what is inside


def small_badge(identifier: str, **changes: Any) -> dict[str, Any]:
    achievement = {"id": f"{identifier}#achievement", "type": ["Achievement"], "name": "PO"}
    subject = {"id": f"{identifier}#learner", "type": ["AchievementSubject"], "achievement": achievement}
    return badge(**{"id": identifier, "evidence": None, "issuer": DID, "credentialSubject": subject, **changes})


def clr(*parts: Any) -> dict[str, Any]:
    subject = {
        "id": "urn:uuid:learner",
        "type": ["ClrSubject"],
        "verifiableCredential": list(parts),
    }
    contexts = [
        badge()["@context"][0],
        "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json",
        badge()["@context"][1],
    ]
    types = ["VerifiableCredential", "ClrCredential"]
    return small_badge("urn:uuid:record", **{"@context": contexts}, type=types, credentialSubject=subject)


def test_E01_each_credential_in_a_record_has_to_stand_for_itself() -> None:
    good = sign(small_badge("urn:uuid:good"))
    expired = sign(small_badge("urn:uuid:part", validUntil="2026-01-02T00:00:00Z"))
    unknown = sign(small_badge("urn:uuid:part", issuer=WEB), method=f"{WEB}#key-1")
    for part, ended, verdict in (
        (sign(small_badge("urn:uuid:part")), ("passed", None), Verdict.PROVEN),
        (expired, ("failed", "rejected"), Verdict.REFUTED),
        (unknown, ("unknown", "undecided"), Verdict.UNPROVEN),
    ):
        result = Round(json.dumps(sign(clr(good, part))), {})
        assert result.ended("proof") == ("passed", None)
        assert result.ended("contents") == ended
        assert result.report.verdict is verdict
        assert [each.verdict for each in result.report.parts] == [Verdict.PROVEN, verdict]


def test_E01_a_record_may_hold_jwts_and_envelopes() -> None:
    jwt = sign_jwt(badge(), signer=ED25519, typ="vc+jwt", header={"kid": METHOD})
    envelope = {"type": ["EnvelopedVerifiableCredential"], "id": f"data:application/vc+jwt,{jwt}"}
    imported = recognise(json.dumps(clr(jwt, envelope, issue_badge("vc+sd-jwt"))))
    assert [part.securing for part in imported.parts] == [Securing.JWT, Securing.JWT, Securing.SD_JWT]


def test_E01_a_record_without_achievements_of_its_own_shows_its_name() -> None:
    content = recognise(json.dumps(clr(small_badge("urn:uuid:part")))).content
    assert content.title is not None
    assert content.title.text == "Problemen oplossen in de praktijk"
    assert recognise(json.dumps({**clr(), "name": None})).content.title is None


def test_K80_1_all_lists_that_a_badge_names_are_asked_for_at_once() -> None:
    other = {**_bitstring_entry(), "id": "urn:x:1", "statusListCredential": "https://issuer.example/status/2"}
    text = json.dumps(sign(badge(credentialStatus=[_bitstring_entry(), other])))
    assert len(judge(recognise(text), {}, now=NOW).lookups) == 2
    one = {"https://issuer.example/status/1": _bitstring_list(is_revoked=False)}
    assert Round(text, one).ended("status") == ("unknown", "undecided")


ACHIEVEMENT: str = badge()["credentialSubject"]["achievement"]["id"]


def endorsement(about: str, **changes: Any) -> dict[str, Any]:
    """Return an endorsement by the issuer's neighbour, of the thing with this identifier."""
    neighbour = SoftwareSigner.generate("Ed25519")
    did = did_key(neighbour.public_key.jwk)
    document = create_endorsement(
        endorsement_id="urn:uuid:00000000-0000-4000-8000-00000000000e",
        issuer_profile={"id": did, "type": ["Profile"], "name": "Brancheraad"},
        subject_id=about,
        name="Aanbeveling",
        comment="Wij bevelen dit aan.",
        valid_from=NOW - timedelta(days=1),
    )
    return add_proof(
        {**document, **changes},
        cryptosuite="eddsa-rdfc-2022",
        signer=neighbour,
        verification_method=f"{did}#{did.removeprefix('did:key:')}",
        proof_purpose="assertionMethod",
        created_at=NOW,
    )


GOOD_ENDORSEMENT = endorsement(ACHIEVEMENT)


@pytest.mark.parametrize(
    ("said", "ended"),
    [
        (GOOD_ENDORSEMENT, ("passed", None)),
        (endorsement("urn:uuid:another"), ("failed", "rejected")),
        ({**GOOD_ENDORSEMENT, "name": "Veranderd"}, ("failed", "signature")),
    ],
    ids=["about-it", "about-another", "changed"],
)
def test_A50_an_endorsement_counts_where_it_is_about_the_badge_that_it_stands_on(
    said: dict[str, Any], ended: tuple[str, str | None]
) -> None:
    report = Round(json.dumps(sign(badge(endorsement=[said]))), {}).report
    assert [(each.outcome.value, each.error_code) for each in report.endorsements] == [ended]
    assert report.verdict is Verdict.PROVEN
    assert report.as_json()["endorsements"][0]["outcome"] == ended[0]


def test_A50_B09_what_others_say_of_a_badge_is_judged_apart_from_it() -> None:
    """By a holder or a verifier, who judged the badge itself before."""
    claims = badge(endorsement=[GOOD_ENDORSEMENT])
    [judged] = judge_endorsements(claims, "ldp_vc", {}, now=NOW).endorsements
    assert judged.outcome is Outcome.PASSED
    assert judged.endorser_key is not None
    stranger = sign_endorsement(
        {key: value for key, value in GOOD_ENDORSEMENT.items() if key != "proof"} | {"issuer": WEB},
        signer=ED25519,
        key_id=f"{WEB}#key-1",
    )
    asked = judge_endorsements(badge(endorsementJwt=[stranger]), "ldp_vc", {}, now=NOW)
    assert [each.outcome for each in asked.endorsements] == [Outcome.UNKNOWN]
    [lookup] = asked.lookups
    answered = judge_endorsements(badge(endorsementJwt=[stranger]), "ldp_vc", {lookup: did_document()}, now=NOW)
    assert [each.outcome for each in answered.endorsements] == [Outcome.PASSED]
    assert answered.lookups == ()


def test_A50_endorsements_prove_nothing_about_a_badge_that_nobody_signed() -> None:
    result = Round(json.dumps(badge(endorsement=[endorsement(ACHIEVEMENT)])), {})
    assert result.report.endorsements == ()
    assert result.report.verdict is Verdict.UNPROVEN


@pytest.mark.parametrize(
    ("issuer", "is_revoked", "ended"),
    [
        (DID, False, ("passed", None)),
        (DID, True, ("failed", "revoked")),
        ({"id": DID, "type": ["Profile"]}, True, ("failed", "revoked")),
    ],
    ids=["good", "revoked", "revoked-object"],
)
def test_K80_1_an_endorsement_that_its_issuer_withdrew_does_not_count(
    issuer: Any, is_revoked: bool, ended: tuple[str, str | None]
) -> None:
    document = {**endorsement(ACHIEVEMENT), "issuer": issuer, "credentialStatus": _bitstring_entry()}
    withdrawn = sign({name: value for name, value in document.items() if name != "proof"})
    lists = {"https://issuer.example/status/1": _bitstring_list(is_revoked=is_revoked)}
    result = Round(json.dumps(sign(badge(endorsement=[withdrawn]))), lists)
    [said] = result.report.endorsements
    assert (said.outcome.value, said.error_code) == ended
    assert result.report.verdict is Verdict.PROVEN


def test_A50_the_list_of_another_issuer_says_nothing_about_an_endorsement() -> None:
    entry = {"credentialStatus": _bitstring_entry()}
    lists = {"https://issuer.example/status/1": _bitstring_list(is_revoked=False)}
    result = Round(json.dumps(sign(badge(endorsement=[endorsement(ACHIEVEMENT, **entry)]))), lists)
    assert result.report.endorsements[0].outcome is not Outcome.PASSED


def test_B09_endorsements_of_an_sd_jwt_are_checked_too() -> None:
    assert Round(issue_badge("vc+sd-jwt"), {}).report.endorsements == ()


def test_T04_what_a_trust_list_is_asked_about_is_there_once_the_proof_held() -> None:
    signer = Round(json.dumps(SIGNED_BADGE), {}).report.signer
    assert signer is not None
    assert signer.issuer == DID
    assert signer.key == ED25519.public_key
    assert "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential" in signer.types
    assert signer.issued_at == parse_date_time("2026-01-01T00:00:00Z")
    assert Round(json.dumps(badge()), {}).report.signer is None
    hosted = Round(json.dumps(ASSERTION), PAGES).report.signer
    assert hosted is not None
    assert hosted.key is None
    assert Round(json.dumps(ASSERTION), {}).report.signer is None


# A microcredential, signed and brought back


@pytest.mark.parametrize("cryptosuite", ["eddsa-rdfc-2022", "eddsa-jcs-2022"])
def test_E20_every_element_comes_back_out_of_a_signed_badge(cryptosuite: str) -> None:
    document = create_microcredential_badge(_issued_by(DID))
    signed = add_proof(
        document,
        cryptosuite=cryptosuite,
        signer=ED25519,
        verification_method=METHOD,
        proof_purpose="assertionMethod",
        created_at=NOW,
    )
    result = Round(bake(PNG, json.dumps(signed)), {})
    assert result.report.verdict is Verdict.PROVEN
    assert result.report.imported.content == _issued_by(DID)


def test_E20_every_element_comes_back_out_of_an_sd_jwt_vc() -> None:
    microcredential = _issued_by(ISSUER.id)
    claims, hidden = claims_of_another_issuer(microcredential)
    own = {"iss": ISSUER.id, "iat": int(NOW.timestamp()), "vct": "https://issuer.example/vct/1"}
    payload, disclosures = conceal({**claims, **own}, disclosable=hidden)
    token = sign_jwt(payload, signer=ISSUER_SIGNER, typ="dc+sd-jwt", header={"kid": ISSUER.kid})
    pages = {did_web_url(ISSUER.id): ISSUER_DOCUMENT}
    result = Round("~".join([token, *disclosures, ""]), pages)
    assert result.report.verdict is Verdict.PROVEN
    assert result.report.imported.content == microcredential
    shown = Round(f"{token}~", pages).report.imported.content
    assert (shown.title, shown.level) == (microcredential.title, microcredential.level)
    assert missing_elements(shown) == ("learner",)
    assert (shown.learner.given_name, shown.grade, shown.further_information.evidence) == (None, None, ())
    assert [outcome.skills for outcome in shown.learning_outcomes] == [(), (), ()]


def _issued_by(identifier: str) -> Microcredential:
    """Return the full microcredential, by this issuer and valid now."""
    assert FULL.awarding_body is not None
    issuer = replace(FULL.awarding_body.issuer, id=identifier)
    dates = Dates(NOW - timedelta(days=1), NOW - timedelta(days=2), NOW + timedelta(days=1))
    return replace(FULL, awarding_body=replace(FULL.awarding_body, issuer=issuer), dates=dates)


# ELM


def test_E10_an_unsigned_elm_document_shows_its_content_and_proves_nothing() -> None:
    result = Round(json.dumps(create_elm_credential(FULL)), {})
    assert result.report.imported.content == FULL
    assert result.ended("proof") == ("not_applicable", "no_proof")
    assert result.report.verdict is Verdict.UNPROVEN


def test_E10_a_seal_is_said_not_to_be_checked() -> None:
    sealed = {
        "payload": json.dumps(create_elm_credential(FULL)),
        "signatures": [{"protected": "e30", "signature": "AA"}],
    }
    result = Round(json.dumps(sealed), {})
    assert result.report.imported.content == FULL
    assert result.ended("proof") == ("unknown", "seal_not_checked")
    assert result.report.verdict is Verdict.UNPROVEN


ELM = SHARED / "data" / "credentials" / "elm"


@pytest.mark.skipif(not ELM.exists(), reason="../shared/data/credentials/elm is not there")
@pytest.mark.parametrize("name", ["Sample-MC-Annex1-signed.jsonld.gz", "Sample-CertOfPart-signed.jsonld.gz"])
def test_E10_published_sealed_samples_are_recognised(name: str) -> None:
    result = Round(gzip.decompress((ELM / name).read_bytes()), {})
    assert (result.report.imported.kind, result.report.imported.securing) == (Kind.ELM, Securing.SEAL)
    assert result.ended("proof") == ("unknown", "seal_not_checked")


# An address


def test_B22_what_stands_at_an_address_is_judged() -> None:
    result = Round("https://badges.example/shown", {"https://badges.example/shown": found(SIGNED_BADGE)})
    assert result.asked == [("https://badges.example/shown", LookupKind.SHOWN_ADDRESS)]
    assert result.report.imported.kind is Kind.OPEN_BADGE_3
    assert result.report.verdict is Verdict.PROVEN


def test_B22_the_address_of_a_hosted_assertion_is_enough() -> None:
    result = Round(ASSERTION["id"], PAGES)
    assert result.report.verdict is Verdict.PROVEN
    assert result.report.imported.content.title is not None
    assert result.report.imported.content.title.text == BADGE_CLASS["name"]


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        (Answer(AnswerKind.UNAVAILABLE), ("unknown", "undecided")),
        (Answer(AnswerKind.NOT_FOUND), ("failed", "not_hosted")),
        (Answer(AnswerKind.FOUND, b"<html></html>"), ("failed", "malformed")),
        (Answer(AnswerKind.FOUND, b"https://badges.example/other"), ("failed", "malformed")),
    ],
)
def test_B22_an_address_with_no_badge_leads_nowhere(answer: Answer, ended: tuple[str, str]) -> None:
    result = Round("https://badges.example/shown", {"https://badges.example/shown": answer})
    assert result.ended("format") == ended
    assert len(result.asked) == 1
    assert result.report.verdict is not Verdict.PROVEN


# The report


def test_K74_a_report_without_checks_proves_nothing() -> None:
    imported = recognise(json.dumps(SIGNED_BADGE))
    assert ImportReport(imported, ()).verdict is Verdict.UNPROVEN
    all_but_proof = tuple(
        ImportCheck(code, Outcome.NOT_APPLICABLE if code == "proof" else Outcome.PASSED) for code in IMPORT_CHECK_CODES
    )
    assert ImportReport(imported, all_but_proof).verdict is Verdict.UNPROVEN


def test_A42_a_file_cannot_make_us_ask_for_more_than_so_many_addresses() -> None:
    """A record of twenty badges, each with a status in eight lists."""
    parts = []
    for number in range(20):
        lists = [f"https://h{number}.example/{position}" for position in range(8)]
        entries = [{**_bitstring_entry(), "id": f"{uri}#7", "statusListCredential": uri} for uri in lists]
        document = small_badge(f"urn:uuid:{number}", credentialStatus=entries)
        parts.append(sign_jwt(document, signer=ED25519, typ="vc+jwt", header={"kid": METHOD}))
    result = Round(json.dumps(clr(*parts)), {})
    assert len(result.asked) == 32
    assert result.report.lookups == ()
    assert result.report.verdict is Verdict.UNPROVEN


def test_A43_a_file_holds_twenty_credentials_at_most_however_deep() -> None:
    parts = [small_badge("urn:uuid:part")] * 10
    assert len(recognise(json.dumps(clr(clr(*parts)))).parts) == 1
    for record in (clr(*parts, *parts, parts[0]), clr(clr(*parts), clr(*parts))):
        with pytest.raises(MalformedError):
            recognise(json.dumps(record))


# Whatever comes

_VALID: dict[str, Callable[[], Any]] = {
    "badge": lambda: SIGNED_BADGE,
    "record": lambda: clr(SIGNED_BADGE),
    "assertion": lambda: {**ASSERTION, "badge": BADGE_CLASS},
    "elm": lambda: create_elm_credential(FULL),
    "sealed": lambda: {"payload": "{}", "signatures": []},
    "version 1.1": lambda: _v1(issuer=DID),
}


def _judge_whatever(content: bytes | str, pages: Mapping[str, Answer]) -> None:
    try:
        result = Round(content, pages, email=EMAIL)
    except CredentialError:
        return
    assert result.report.verdict in Verdict
    json.dumps(result.report.as_json())


@pytest.mark.parametrize("name", _VALID)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_A08_no_file_makes_the_engine_raise_anything_but_its_own_errors(name: str, data: st.DataObject) -> None:
    document = data.draw(nearly(_VALID[name]()))
    _judge_whatever(json.dumps(document), PAGES)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(page=json_values(), url=st.sampled_from(sorted(PAGES)))
def test_A08_no_answer_makes_the_engine_raise(page: Any, url: str) -> None:
    pages = {**PAGES, url: found(page)}
    for content in (json.dumps(ASSERTION), SIGNED):
        _judge_whatever(content, pages)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), url=st.sampled_from(sorted(PAGES)))
def test_A08_no_answer_that_is_nearly_right_makes_the_engine_raise(data: st.DataObject, url: str) -> None:
    page = data.draw(nearly(json.loads(PAGES[url].body)))
    for content in (json.dumps(ASSERTION), SIGNED):
        _judge_whatever(content, {**PAGES, url: found(page)})


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200) | st.text(max_size=200) | st.text("ey.~{}<svg>", max_size=60))
def test_A08_no_bytes_make_the_engine_raise(content: bytes | str) -> None:
    _judge_whatever(content, {})


@pytest.mark.parametrize(
    "create",
    [
        lambda size: '{"@context":' + "[" * 8 * size + "]" * 8 * size + ',"type":"Assertion","recipient":{}}',
        lambda size: json.dumps({**ASSERTION, "badge": {str(number): number for number in range(2500 * size)}}),
        lambda size: json.dumps(badge(tag=["x" * 100] * 1000 * size)),
        lambda size: "eyJ" + "~" * 25_000 * size,
        lambda size: "https://x.example/" + "a" * 25_000 * size,
        lambda size: "<svg " + "a='1' " * 5_000 * size + ">",
        lambda size: "<!DOCTYPE svg [<!ENTITY a '" + "b" * 1000 + "'>]><svg>" + "&a;" * 2_500 * size + "</svg>",
    ],
    ids=["nested", "wide", "long", "tildes", "address", "attributes", "entities"],
)
def test_A43_a_bomb_costs_no_more_than_as_much_as_it_is_long(create: Callable[[int], str]) -> None:
    """Beside what each badge costs, which is here a thousand calls at least."""
    small, large = create(1), create(4)
    _judge_whatever(small, {})
    with not_hanging():
        assert (
            count_calls(lambda: _judge_whatever(large, {})) < 5 * count_calls(lambda: _judge_whatever(small, {})) + 1000
        )


def test_A08_a_judgement_keeps_what_was_judged_apart_from_what_was_fetched() -> None:
    imported = recognise(json.dumps(ASSERTION))
    judge(imported, PAGES, now=NOW)
    assert imported.document["badge"] == BADGE_CLASS["id"]
