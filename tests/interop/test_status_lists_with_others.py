"""Status lists of others read by us, and ours by them: `openvc-core`; Digital Bazaar for Bitstring Status Lists."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from openvc.keys import Ed25519SigningKey, P256SigningKey
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.status.bitstring import new_bitstring, set_status_bit
from openvc.status.issue import build_status_list_credential, build_status_list_token, verify_status_list_token
from openvc.status.status_list import check_credential_status
from openvc.status.token_status_list import check_token_status, new_status_list, set_status

from kernel.errors import CredentialError
from kernel.formats.status_reference import StatusKind, StatusReference, create_credential_status, create_status_claim
from kernel.keys import SoftwareSigner
from kernel.status import token_status_list
from kernel.status.bitstring_status_list import (
    Bitstring,
    create_status_list_credential,
    sign_with_proof,
    verify_status_list_credential,
)
from kernel.status.token_status_list import MINIMUM_SIZE, Status, StatusList, create_status_list_token
from tests.support.clock import NOW
from tests.support.digital_bazaar import ED25519 as EDWARDS
from tests.support.digital_bazaar import TIME, DigitalBazaar, did_of, find_key, method_of
from tests.support.node_peers import PeerError

ISSUER = "did:web:issuer.example"
KID = f"{ISSUER}#1"
URI = "https://issuer.example/status/1"
ES256, ED25519 = SoftwareSigner.generate("ES256"), SoftwareSigner.generate("Ed25519")
PEER_ES256 = P256SigningKey.from_jwk(ES256.private_jwk(), KID)
PEER_ED25519 = Ed25519SigningKey.from_jwk(ED25519.private_jwk(), KID)
SUITE = DataIntegrityProofSuite()
TOMORROW, TTL = NOW + timedelta(days=1), timedelta(minutes=15)
# One in each of many segments, and neighbours.
SET = [0, 7, 8, 16_383, 16_384, 48_213, 131_071]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_K72_our_token_status_list_is_read_by_the_other(bits: int) -> None:
    made = StatusList(bits, MINIMUM_SIZE)
    for index in SET:
        made.set(index, Status.INVALID)
    raw = create_status_list_token(
        made, uri=URI, signer=ES256, key_reference={"kid": KID}, issued_at=NOW, expires_at=TOMORROW, ttl=TTL
    )

    def resolve(uri: str) -> dict[str, Any]:
        found: dict[str, Any] = verify_status_list_token(
            raw, public_key_jwk=ES256.public_key.jwk, expected_uri=uri, now=NOW
        )
        return found

    for index in [*SET, 1, 48_212]:
        claims = create_status_claim(StatusReference(URI, index))
        found = check_token_status(claims, resolve_status_list_token=resolve)
        assert found is not None
        assert found.revoked is (index in SET)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_K72_the_others_token_status_list_is_read_by_us(bits: int) -> None:
    made = new_status_list(MINIMUM_SIZE, bits=bits)
    for index in SET:
        set_status(made, index, 1, bits=bits)
    raw = build_status_list_token(
        uri=URI, status_list=made, bits=bits, signing_key=PEER_ES256, issued_at=NOW, expires=TOMORROW, ttl=900
    )
    found = token_status_list.verify_status_list_token(
        raw, uri=URI, key=ES256.public_key, algorithms=frozenset({"ES256"}), now=NOW
    )
    assert [index for index in range(MINIMUM_SIZE) if found.get(index) is Status.INVALID] == SET


def test_K80_2_our_bitstring_is_read_by_the_other() -> None:
    made = Bitstring()
    for index in SET:
        made.set(index, 1)
    document = create_status_list_credential(
        made.encode(),
        uri=URI,
        issuer=ISSUER,
        purpose="revocation",
        valid_from=NOW,
        valid_until=TOMORROW,
        ttl=TTL,
    )
    secured = json.loads(sign_with_proof(document, signer=ED25519, verification_method=KID, created_at=NOW))

    def resolve(uri: str) -> dict[str, Any]:
        verified = SUITE.verify(secured, public_key_jwk=ED25519.public_key.jwk, now=NOW)
        return dict(verified.credential)

    for index in [*SET, 1, 48_212]:
        reference = StatusReference(URI, index, StatusKind.BITSTRING_STATUS_LIST, purpose="revocation")
        found = check_credential_status(create_credential_status(reference), resolve_status_list=resolve)
        assert found.revoked is (index in SET)


def test_K80_2_the_others_bitstring_is_read_by_us() -> None:
    made = new_bitstring(MINIMUM_SIZE)
    for index in SET:
        set_status_bit(made, index, 1)
    document = build_status_list_credential(
        id=URI, issuer=ISSUER, bitstring=made, valid_from=NOW, valid_until=TOMORROW, ttl=900_000
    )
    secured = SUITE.add_proof(document, signing_key=PEER_ED25519, verification_method=KID, created=NOW)
    found = verify_status_list_credential(
        json.dumps(secured),
        uri=URI,
        issuer=ISSUER,
        find_key=lambda url, relation: ED25519.public_key,
        cryptosuites=frozenset({"eddsa-rdfc-2022"}),
        algorithms=frozenset(),
        now=NOW,
    )
    assert [index for index in range(MINIMUM_SIZE) if found.entries.get(index)] == SET


def test_K80_2_our_bitstring_is_read_by_digital_bazaar(digital_bazaar: DigitalBazaar) -> None:
    """It judges lists by the machine's clock."""
    now = datetime.now(UTC)
    made = Bitstring()
    for index in SET:
        made.set(index, 1)
    document = create_status_list_credential(
        made.encode(),
        uri=URI,
        issuer=did_of(EDWARDS),
        purpose="revocation",
        valid_from=now,
        valid_until=now + timedelta(days=1),
        ttl=TTL,
    )
    secured = json.loads(
        sign_with_proof(document, signer=EDWARDS, verification_method=method_of(EDWARDS), created_at=now)
    )
    digital_bazaar.publish({URI: secured})
    for index in [*SET, 1, 48_212]:
        reference = StatusReference(URI, index, StatusKind.BITSTRING_STATUS_LIST, purpose="revocation")
        credential = {"issuer": did_of(EDWARDS), **create_credential_status(reference)}
        assert digital_bazaar.ask("status", credential=credential) == {"revocation": index in SET}
    digital_bazaar.publish({URI: {**secured, "validUntil": "2099-01-01T00:00:00Z"}})
    with pytest.raises(PeerError, match="not verified"):
        digital_bazaar.ask("status", credential=credential)


@pytest.mark.parametrize(("curve", "suite"), [("Ed25519", "eddsa-rdfc-2022"), ("P-256", "ecdsa-rdfc-2019")])
def test_K80_2_a_bitstring_of_digital_bazaar_is_read_by_us(
    digital_bazaar: DigitalBazaar, curve: str, suite: str
) -> None:
    key = digital_bazaar.ask("createKey", curve=curve)
    secured = digital_bazaar.ask(
        "createStatusList",
        id=URI,
        length=MINIMUM_SIZE,
        set=SET,
        statusPurpose="revocation",
        issuer=key["did"],
        cryptosuite=suite,
        method=key["method"],
        validFrom=TIME,
    )

    def read(document: dict[str, Any]) -> Any:
        return verify_status_list_credential(
            json.dumps(document),
            uri=URI,
            issuer=key["did"],
            find_key=find_key,
            cryptosuites=frozenset({suite}),
            algorithms=frozenset(),
            now=NOW,
        )

    found = read(secured)
    assert [index for index in range(MINIMUM_SIZE) if found.entries.get(index)] == SET
    with pytest.raises(CredentialError):
        read({**secured, "validUntil": "2099-01-01T00:00:00Z"})
