"""`openbadgeslib` as the other party for Open Badges that are JWTs, in both directions. Open Badges 3.0 §8.2; B-20."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from openbadgeslib.errors import LibOpenBadgesException
from openbadgeslib.ob3.credential import Achievement, Issuer, OpenBadgeCredential
from openbadgeslib.ob3.signer import OB3Signer
from openbadgeslib.ob3.verifier import OB3Verifier

from kernel.did import did_jwk, did_key
from kernel.errors import CredentialError
from kernel.formats import ALGORITHMS, FORMATS, ISSUABLE, IssuerIdentity, parse_credential
from kernel.keys import SoftwareSigner, public_key_from
from kernel.open_badges import badge_view
from tests.support.badges import HOLDER_SIGNER, NOW, VCT, create_test_dataset

pytestmark = pytest.mark.usefixtures("machine_clock")
ES256_KEY, RSA_KEY = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
SIGNER = SoftwareSigner(ES256_KEY, "ES256")
ISSUER = did_key(SIGNER.public_key.jwk)
METHOD = f"{ISSUER}#{ISSUER.removeprefix('did:key:')}"
HOLDER_DID = did_jwk(HOLDER_SIGNER.public_key.jwk)
KEYS = {"ES256": ES256_KEY, "RS256": RSA_KEY}


@pytest.fixture
def machine_clock() -> Iterator[None]:
    """The peer goes by the clock of the machine: it stands still, at the time of all tests."""
    with time_machine.travel(NOW, tick=False):
        yield


def issue() -> str:
    return ISSUABLE["open_badge_jwt"].issue(
        create_test_dataset(),
        issuer=IssuerIdentity(ISSUER, METHOD),
        signer=SIGNER,
        holder_key=HOLDER_SIGNER.public_key,
        type_id=VCT,
        status=None,
        issued_at=NOW,
        valid_from=NOW,
        expires_at=NOW + timedelta(days=365),
    )


def test_B20_the_peer_believes_our_badge_and_no_changed_one() -> None:
    verifier = OB3Verifier.for_issuer_did(ISSUER)
    raw = issue()
    read = verifier.verify(raw, expected_recipient=HOLDER_DID)
    assert read.achievement.name == "Adviseur Lerende Regio Maas en Waal"
    assert read.expiration_date == NOW + timedelta(days=365)
    header, payload, signature = raw.split(".")
    with pytest.raises(LibOpenBadgesException):
        verifier.verify(f"{header}.{payload[:-8]}AAAAAAAA.{signature}")


@pytest.mark.parametrize("algorithm", sorted(KEYS))
def test_B20_we_believe_the_badge_of_the_peer_and_no_changed_one(algorithm: str) -> None:
    key = KEYS[algorithm]
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    badge = OpenBadgeCredential(
        issuer=Issuer(id=ISSUER, name="School", url="https://school.example"),
        recipient_id=HOLDER_DID,
        achievement=Achievement(
            id="https://school.example/a", name="Lassen", description="Kan lassen.", criteria_narrative="Een proef."
        ),
        issuance_date=NOW,
        expiration_date=NOW + timedelta(days=9),
    )
    credential = parse_credential(OB3Signer(pem, algorithm).sign(badge))
    form, public_key = FORMATS[credential.format], public_key_from(key.public_key())
    # Its header has the key and no `kid`: whose key it is has to be known from the issuer.
    assert (credential.format, credential.key_id, credential.algorithm) == ("vc+jwt", None, algorithm)
    verified = form.verify(credential, key=public_key, algorithms=ALGORITHMS["vc+jwt"], now=NOW)
    assert (verified.issuer, verified.holder_key) == (ISSUER, HOLDER_SIGNER.public_key)
    assert badge_view(verified.claims, verified.format).name == "Lassen"
    header, payload, signature = credential.raw.split(".")
    changed = f"{header}.{payload}.{signature[:-8]}AAAAAAAA"
    with pytest.raises(CredentialError):
        form.verify(parse_credential(changed), key=public_key, algorithms=ALGORITHMS["vc+jwt"], now=NOW)
