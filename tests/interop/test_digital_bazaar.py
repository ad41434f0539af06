"""Digital Bazaar's libraries as issuer, holder and verifier of embedded proofs, in both directions, on full badges.

They run in Node, look nothing up but what is handed to them here, and judge by the time that they are told.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from kernel.data_integrity import add_base_proof, derive_credential, verify_credential
from kernel.did import did_jwk, parse_did_document, resolve_static_did
from kernel.errors import CredentialError, UntrustedIssuerError
from kernel.formats import ALGORITHMS, FORMATS, from_wire, parse_credential, to_wire
from kernel.keys import SoftwareSigner
from kernel.open_badges import create_open_badge
from tests.support.badges import AUDIENCE, HOLDER_SIGNER, NONCE, create_test_achievement, create_test_dataset
from tests.support.clock import NOW
from tests.support.digital_bazaar import (
    DID_CONTEXT,
    ED25519,
    ES256,
    TIME,
    DigitalBazaar,
    Document,
    did_of,
    find_key,
    method_of,
    sign,
)
from tests.support.full_badge import DESCRIPTIONS, PROFILE, RESULTS, SUBJECT, create_full_dataset
from tests.support.node_peers import PeerError

SIGNERS = {
    "ecdsa-jcs-2019": ES256,
    "ecdsa-rdfc-2019": ES256,
    "eddsa-jcs-2022": ED25519,
    "eddsa-rdfc-2022": ED25519,
}
SUITES = frozenset(SIGNERS) | {"ecdsa-sd-2023"}
TIMES = {"validFrom": TIME, "validUntil": "2031-05-28T12:00:00Z"}


def full_badge(issuer_id: str, subject_id: str = "did:example:holder") -> Document:
    """Every member that a badge can have, the endorsements with their own proofs among them."""
    dataset = create_full_dataset(issuer_profile={**PROFILE, "id": issuer_id})
    badge, _ = create_open_badge(dataset, issuer_id=issuer_id, subject_id=subject_id)
    return {**badge, **TIMES}


def issue(suite: str) -> Document:
    signer = SIGNERS[suite]
    return sign(full_badge(did_of(signer)), suite, signer)


def issue_as_peer(peer: DigitalBazaar, curve: str, form: str, subject_id: str = "did:example:holder") -> Document:
    suite = f"eddsa-{form}-2022" if curve == "Ed25519" else f"ecdsa-{form}-2019"
    key = peer.ask("createKey", curve=curve)
    badge = full_badge(key["did"], subject_id)
    signed: Document = peer.ask("issue", credential=badge, cryptosuite=suite, method=key["method"], now=TIME)
    return signed


def verify_ours(document: Mapping[str, Any], *, on_receipt: bool = False) -> None:
    verify_credential(document, find_key=find_key, cryptosuites=SUITES, now=NOW, on_receipt=on_receipt)


def changed_by_one(document: Document) -> dict[str, Document]:
    """The document with one character changed: in what it says, in what its proof says, and in the signature."""
    proofs = document["proof"]
    [proof] = proofs if isinstance(proofs, list) else [proofs]
    value = proof["proofValue"]
    # The tenth character is a part of the signature in each of the suites.
    other = "3" if value[9] == "2" else "2"
    achievement = document["credentialSubject"]["achievement"]
    subject = {**document["credentialSubject"], "achievement": {**achievement, "name": achievement["name"] + "."}}
    return {
        "content": {**document, "credentialSubject": subject},
        "time": {**document, "proof": {**proof, "created": TIME.replace("00Z", "01Z")}},
        "signature": {**document, "proof": {**proof, "proofValue": value[:9] + other + value[10:]}},
    }


# Signed whole


@pytest.mark.parametrize("suite", sorted(SIGNERS))
def test_K60_K61_a_full_badge_that_we_sign_they_believe(digital_bazaar: DigitalBazaar, suite: str) -> None:
    digital_bazaar.verify(issue(suite))


@pytest.mark.parametrize("curve", ["Ed25519", "P-256", "P-384"])
@pytest.mark.parametrize("form", ["rdfc", "jcs"])
def test_K60_K61_a_full_badge_that_they_sign_we_believe(digital_bazaar: DigitalBazaar, curve: str, form: str) -> None:
    verify_ours(issue_as_peer(digital_bazaar, curve, form))


@pytest.mark.parametrize("what", ["content", "time", "signature"])
@pytest.mark.parametrize("suite", sorted(SIGNERS))
def test_K60_K61_one_changed_character_is_refused_by_both(digital_bazaar: DigitalBazaar, suite: str, what: str) -> None:
    changed = changed_by_one(issue(suite))[what]
    with pytest.raises(CredentialError):
        verify_ours(changed)
    with pytest.raises(PeerError, match="Invalid signature"):
        digital_bazaar.verify(changed)


def test_K23_a_key_that_its_document_lists_for_something_else_is_refused_by_both(
    digital_bazaar: DigitalBazaar,
) -> None:
    signer = SoftwareSigner.generate("Ed25519")
    did = did_of(signer)
    document = {"@context": [DID_CONTEXT], **resolve_static_did(did).raw, "assertionMethod": []}
    digital_bazaar.publish({did: document})
    signed = sign(full_badge(did), "eddsa-rdfc-2022", signer)
    with pytest.raises(PeerError, match="not authorized by controller"):
        digital_bazaar.verify(signed)
    listed = parse_did_document(document, did=did)
    with pytest.raises(UntrustedIssuerError):
        verify_credential(
            signed,
            find_key=lambda url, relation: listed.find_key(url, relation=relation),
            cryptosuites=SUITES,
            now=NOW,
        )


# Signed so that its holder can hide parts

MANDATORY = [
    *(f"/{name}" for name in ("type", "issuer", "validFrom", "validUntil", "id", "name")),
    *(f"/credentialSubject/{name}" for name in ("id", "type")),
    *(f"/credentialSubject/achievement/{name}" for name in ("id", "name", "criteria", "image", "tag")),
]
SHOWN = ["/evidence", "/credentialSubject/result/0/value", "/credentialSubject/achievement/alignment/1"]


def selective_badge(issuer_id: str) -> Document:
    """A badge without what theirs cannot derive from: lists in order, and a place on the map (docs/interop.md)."""
    profile: Document = {**PROFILE, "id": issuer_id}
    profile["address"] = {name: value for name, value in profile["address"].items() if name != "geo"}
    dataset = create_test_dataset(
        achievement=create_test_achievement(resultDescription=DESCRIPTIONS[2:], version="2", tag=["HRM", "regio"]),
        issuer_profile=profile,
        result=RESULTS[2:],
        subject={name: SUBJECT[name] for name in ("creditsEarned", "narrative", "role", "source", "term")},
    )
    badge, _ = create_open_badge(dataset, issuer_id=issuer_id, subject_id="did:example:holder")
    return {**badge, **TIMES}


def issue_selective(peer: DigitalBazaar) -> Document:
    return add_base_proof(
        selective_badge(did_of(ES256)),
        signer=ES256,
        verification_method=method_of(ES256),
        created_at=NOW,
        mandatory_pointers=MANDATORY,
    )


def issue_selective_as_peer(peer: DigitalBazaar) -> Document:
    key = peer.ask("createKey", curve="P-256")
    signed: Document = peer.ask(
        "issue",
        credential=selective_badge(key["did"]),
        cryptosuite="ecdsa-sd-2023",
        method=key["method"],
        now=TIME,
        mandatory=MANDATORY,
    )
    return signed


def derive(peer: DigitalBazaar, base: Document) -> Document:
    return derive_credential(base, pointers=SHOWN)


def derive_as_peer(peer: DigitalBazaar, base: Document) -> Document:
    derived: Document = peer.ask("derive", credential=base, show=SHOWN)
    return derived


ISSUERS, HOLDERS = [issue_selective, issue_selective_as_peer], [derive, derive_as_peer]


@pytest.mark.parametrize("issuer", ISSUERS)
@pytest.mark.parametrize("holder", HOLDERS)
def test_K61_issuer_and_holder_may_each_be_theirs_and_both_verifiers_believe(
    digital_bazaar: DigitalBazaar, issuer: Any, holder: Any
) -> None:
    shown = holder(digital_bazaar, issuer(digital_bazaar))
    digital_bazaar.verify(shown)
    verify_ours(shown)
    achievement = shown["credentialSubject"]["achievement"]
    assert {"id", "type", "name", "criteria", "image", "tag", "alignment"} == set(achievement)
    assert len(achievement["alignment"]) == 1
    assert set(shown["credentialSubject"]) == {"id", "type", "achievement", "result"}
    assert set(shown["credentialSubject"]["result"][0]) == {"type", "value"}


@pytest.mark.parametrize("what", ["content", "time", "signature"])
@pytest.mark.parametrize("holder", HOLDERS)
def test_K61_one_changed_character_of_what_is_shown_is_refused_by_both(
    digital_bazaar: DigitalBazaar, holder: Any, what: str
) -> None:
    changed = changed_by_one(holder(digital_bazaar, issue_selective(digital_bazaar)))[what]
    with pytest.raises(CredentialError):
        verify_ours(changed)
    with pytest.raises(PeerError, match="Refused"):
        digital_bazaar.verify(changed)


@pytest.mark.parametrize("holder", HOLDERS)
def test_K61_what_must_be_shown_cannot_be_taken_out(digital_bazaar: DigitalBazaar, holder: Any) -> None:
    shown = holder(digital_bazaar, issue_selective(digital_bazaar))
    cut = {name: value for name, value in shown.items() if name != "validUntil"}
    with pytest.raises(CredentialError):
        verify_ours(cut)
    with pytest.raises(PeerError, match="Refused"):
        digital_bazaar.verify(cut)


@pytest.mark.parametrize("issuer", ISSUERS)
def test_K61_a_base_proof_is_for_its_holder_alone(digital_bazaar: DigitalBazaar, issuer: Any) -> None:
    base = issuer(digital_bazaar)
    verify_ours(base, on_receipt=True)
    with pytest.raises(CredentialError):
        verify_ours(base)
    with pytest.raises(PeerError, match="Refused"):
        digital_bazaar.verify(base)


@pytest.mark.parametrize("without", [["geo"], ["rubricCriterionLevel", "allowedValue"]])
def test_K61_where_they_cannot_derive_they_still_verify_what_we_did(
    digital_bazaar: DigitalBazaar, without: list[str]
) -> None:
    """A place on the map or lists in order, each alone; docs/interop.md says why."""
    document = {name: value for name, value in full_badge(did_of(ES256)).items() if name != "endorsement"}
    base = add_base_proof(
        leave_out(document, ["endorsement", *without]),
        signer=ES256,
        verification_method=method_of(ES256),
        created_at=NOW,
        mandatory_pointers=MANDATORY,
    )
    with pytest.raises(PeerError, match=r"Safe mode|@set.*@list"):
        digital_bazaar.ask("derive", credential=base, show=["/evidence"])
    shown = derive_credential(base, pointers=["/credentialSubject/achievement/resultDescription"])
    digital_bazaar.verify(shown)
    verify_ours(shown)


def leave_out(value: Any, names: list[str]) -> Any:
    if isinstance(value, list):
        return [leave_out(element, names) for element in value]
    if isinstance(value, dict):
        return {name: leave_out(member, names) for name, member in value.items() if name not in names}
    return value


# Shown to somebody


def verify_shown(raw: Document, key: SoftwareSigner, *, nonce: str = NONCE, audience: str = AUDIENCE) -> Any:
    presented = parse_credential(from_wire(raw))
    return FORMATS["ldp_vc"].verify_presentation(
        presented, key=key.public_key, algorithms=ALGORITHMS["ldp_vc"], audience=audience, nonce=nonce, now=NOW
    )


def verify_shown_as_peer(peer: DigitalBazaar, shown: Document, *, nonce: str = NONCE, audience: str = AUDIENCE) -> None:
    peer.ask("verifyPresentation", presentation=shown, challenge=nonce, domain=audience, now=TIME)


def present(peer: DigitalBazaar) -> Document:
    """By our holder, whose identifier is a did:jwk: a `JsonWebKey` by that method, which theirs read as a Multikey.

    They may (ECDSA §2.1: lossless key transformation), and do it by themselves for Ed25519 only.
    """
    did = did_jwk(HOLDER_SIGNER.public_key.jwk)
    [as_multikey] = resolve_static_did(did_of(HOLDER_SIGNER)).raw["verificationMethod"]
    document = resolve_static_did(did).raw
    method = {**as_multikey, "id": f"{did}#0", "controller": did}
    peer.publish({did: {"@context": [DID_CONTEXT], **document, "verificationMethod": [method]}})
    raw = from_wire(sign(full_badge(did_of(ED25519), did), "eddsa-rdfc-2022", ED25519))
    shown: Any = to_wire(
        FORMATS["ldp_vc"].present(
            raw, disclose=(), holder_signer=HOLDER_SIGNER, audience=AUDIENCE, nonce=NONCE, now=NOW
        )
    )
    return dict(shown)


def present_with_ed25519(peer: DigitalBazaar) -> Document:
    """By our holder with another kind of key, whose document theirs read as it is."""
    holder = SoftwareSigner.generate("Ed25519")
    did = did_jwk(holder.public_key.jwk)
    peer.publish_did(resolve_static_did(did))
    raw = from_wire(sign(full_badge(did_of(ED25519), did), "eddsa-rdfc-2022", ED25519))
    shown: Any = to_wire(
        FORMATS["ldp_vc"].present(raw, disclose=(), holder_signer=holder, audience=AUDIENCE, nonce=NONCE, now=NOW)
    )
    return dict(shown)


def present_as_peer(peer: DigitalBazaar) -> Document:
    key = peer.ask("createKey", curve="P-256")
    return _present_as_peer(peer, key, "ecdsa-rdfc-2019")


def present_as_peer_with_ed25519(peer: DigitalBazaar) -> Document:
    key = peer.ask("createKey", curve="Ed25519")
    return _present_as_peer(peer, key, "eddsa-rdfc-2022")


def _present_as_peer(peer: DigitalBazaar, key: Mapping[str, str], suite: str) -> Document:
    shown: Document = peer.ask(
        "present",
        credential=sign(full_badge(did_of(ED25519), key["did"]), "eddsa-rdfc-2022", ED25519),
        cryptosuite=suite,
        method=key["method"],
        holder=key["did"],
        challenge=NONCE,
        domain=AUDIENCE,
        now=TIME,
    )
    return shown


PRESENTERS = [present, present_with_ed25519, present_as_peer, present_as_peer_with_ed25519]


@pytest.mark.parametrize("holder", PRESENTERS)
def test_K57_W50_V27_a_presentation_of_either_side_is_believed_by_both(
    digital_bazaar: DigitalBazaar, holder: Any
) -> None:
    shown = holder(digital_bazaar)
    verify_shown_as_peer(digital_bazaar, shown)
    assert verify_shown(shown, ED25519).credential.issuer == did_of(ED25519)


@pytest.mark.parametrize("changed", [{"nonce": "another"}, {"audience": "https://elsewhere.example"}])
@pytest.mark.parametrize("holder", PRESENTERS)
def test_K57_A17_a_presentation_for_another_transaction_is_refused_by_both(
    digital_bazaar: DigitalBazaar, holder: Any, changed: dict[str, str]
) -> None:
    shown = holder(digital_bazaar)
    with pytest.raises(CredentialError):
        verify_shown(shown, ED25519, **changed)
    with pytest.raises(PeerError, match=r"challenge|domain"):
        verify_shown_as_peer(digital_bazaar, shown, **changed)


@pytest.mark.parametrize("part", ["holder", "badge"])
@pytest.mark.parametrize("holder", PRESENTERS)
def test_K57_one_changed_character_in_a_presentation_is_refused_by_both(
    digital_bazaar: DigitalBazaar, holder: Any, part: str
) -> None:
    shown = holder(digital_bazaar)
    if part == "holder":
        shown = {**shown, "id": "urn:uuid:3978344f-8596-4c3a-a978-8fcaba3903c5"}
    else:
        [badge] = shown["verifiableCredential"]
        shown = {**shown, "verifiableCredential": [changed_by_one(badge)["content"]]}
    with pytest.raises(CredentialError):
        verify_shown(shown, ED25519)
    with pytest.raises(PeerError, match="Invalid signature"):
        verify_shown_as_peer(digital_bazaar, shown)
