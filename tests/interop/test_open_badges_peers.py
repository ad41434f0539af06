"""`openbadgeslib` as the other party: whole badges, badges in pictures, and endorsements, in both directions."""

import io
from collections.abc import Iterator

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from openbadgeslib.errors import LibOpenBadgesException
from openbadgeslib.ob3.credential import Achievement, Alignment, IdentityObject, Issuer, OpenBadgeCredential, Result
from openbadgeslib.ob3.ldp import OB3LdpSigner, OB3LdpVerifier
from openbadgeslib.ob3.verifier import OB3Verifier, verify_endorsement_jwt
from PIL import Image

from kernel.baking import CredentialForm, bake, parse_baked
from kernel.data_integrity import add_proof, verify_credential
from kernel.did import Relation, did_key, resolve_static_did
from kernel.endorsement import sign_endorsement
from kernel.keys import PublicKey, SoftwareSigner
from kernel.open_badges import badge_view, create_open_badge, parse_open_badge, verify_recipient
from kernel.strict_json import encode_json
from tests.support.clock import NOW
from tests.support.full_badge import create_full_dataset, create_test_endorsement

pytestmark = pytest.mark.usefixtures("machine_clock")
KEY = Ed25519PrivateKey.generate()
SIGNER = SoftwareSigner(KEY, "EdDSA")
ISSUER = did_key(SIGNER.public_key.jwk)
METHOD = f"{ISSUER}#{ISSUER.removeprefix('did:key:')}"
SUITES = frozenset({"eddsa-rdfc-2022"})
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z" fill="#0b5f63"/></svg>'


@pytest.fixture
def machine_clock() -> Iterator[None]:
    """The peer goes by the clock of the machine: it stands still, at the time of all tests."""
    with time_machine.travel(NOW, tick=False):
        yield


def create_png() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 64), "#0b5f63").save(target, "PNG")
    return target.getvalue()


ART = pytest.mark.parametrize(("art", "kind"), [(create_png(), "png"), (SVG, "svg")], ids=["png", "svg"])


def find_key(method: str, relation: Relation) -> PublicKey:
    return resolve_static_did(method.partition("#")[0]).find_key(method, relation=relation)


def create_signed_badge() -> str:
    """A badge with everything that Open Badges has, endorsements included, signed by us."""
    badge, _ = create_open_badge(create_full_dataset(), issuer_id=ISSUER, subject_id="did:web:holder.example")
    signed = add_proof(
        {**badge, "validFrom": "2026-05-28T00:00:00Z"},
        cryptosuite="eddsa-rdfc-2022",
        signer=SIGNER,
        verification_method=METHOD,
        proof_purpose="assertionMethod",
        created_at=NOW,
    )
    return encode_json(signed).decode()


@ART
def test_B30_B31_peer_takes_our_full_badge_out_of_our_picture_and_verifies_it(art: bytes, kind: str) -> None:
    credential = create_signed_badge()
    baked = bake(art, credential)
    take_out = OB3Verifier.extract_token_from_png if kind == "png" else OB3Verifier.extract_token_from_svg
    text = take_out(baked)
    assert text == credential
    read = OB3LdpVerifier.for_issuer_did(ISSUER).verify(text)
    assert read.achievement.name == "Adviseur Lerende Regio Maas en Waal"
    assert [result.value for result in read.results] == [None, "B", "7.5", None]
    assert read.identifiers == [IdentityObject.create("sanne@student.example", salt="7hT2")]


def test_K60_peer_refuses_our_badge_with_one_changed_byte() -> None:
    changed = create_signed_badge().replace("Adviseur Lerende", "Adviseur Lezende", 1)
    with pytest.raises(LibOpenBadgesException):
        OB3LdpVerifier.for_issuer_did(ISSUER).verify(changed)


def create_peers_badge() -> OpenBadgeCredential:
    return OpenBadgeCredential(
        issuer=Issuer(id=ISSUER, name="School", url="https://school.example"),
        recipient_id=None,
        achievement=Achievement(
            id="https://school.example/a",
            name="Lassen",
            description="Kan lassen.",
            criteria_narrative="Een proef.",
            alignments=[Alignment("lassen", "http://data.europa.eu/esco/skill/1", "ESCO")],
            tags=["metaal"],
        ),
        issuance_date=NOW,
        identifiers=[IdentityObject.create("sanne@student.example", salt="zout")],
        results=[Result(value="8")],
        credits_earned=2.5,
    )


@ART
def test_B30_B31_we_take_the_peers_badge_out_of_its_picture_and_verify_it(art: bytes, kind: str) -> None:
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    signer = OB3LdpSigner(pem, METHOD)
    baked = (signer.sign_into_png if kind == "png" else signer.sign_into_svg)(create_peers_badge(), art)
    found = parse_baked(baked)
    assert (found.form, found.version) == (CredentialForm.JSON, "3.0")
    badge = parse_open_badge(found.raw)
    verify_credential(badge, find_key=find_key, cryptosuites=SUITES, now=NOW)
    assert not verify_recipient(badge, identifier="Sanne@Student.example").is_weak
    shown = badge_view(badge, "ldp_vc")
    assert (shown.name, shown.issuer_name, shown.credits_earned, shown.tags) == ("Lassen", "School", 2.5, ("metaal",))
    assert [skill.framework for skill in shown.skills] == ["ESCO"]
    assert [result.value for result in shown.results] == ["8"]


def test_B09_peer_verifies_our_endorsement_and_refuses_it_changed() -> None:
    endorsement = create_test_endorsement(issuer={"id": ISSUER, "type": ["Profile"], "name": "Inspectie"})
    token = sign_endorsement(endorsement, signer=SIGNER, key_id=METHOD)
    said = verify_endorsement_jwt(token)
    assert (said["issuer"], said["endorses"]) == (ISSUER, endorsement["credentialSubject"]["id"])
    assert said["comment"] == "Deze badge is in orde."
    with pytest.raises(LibOpenBadgesException):
        verify_endorsement_jwt(token[:-6] + "AAAAAA")
