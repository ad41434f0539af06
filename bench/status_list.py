"""One bit of a million changed, encoded and signed: the signature and one segment alone, ours, and openvc-core's.

One entry in fifty is set, at random. Ours packs the segment again that holds the bit, and the peer all of them.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from openvc.keys import Ed25519SigningKey, P256SigningKey
from openvc.proof.data_integrity import DataIntegrityProofSuite
from openvc.status.bitstring import new_bitstring, set_status_bit
from openvc.status.issue import build_status_list_credential, build_status_list_token
from openvc.status.token_status_list import new_status_list, set_status

from bench.measuring import Operation, repeated
from kernel.keys import SoftwareSigner
from kernel.status.bitstring_status_list import Bitstring, create_status_list_credential, sign_with_proof
from kernel.status.segments import SEGMENT_BYTES, pack_segment
from kernel.status.token_status_list import StatusList, create_status_list_token

SIZE = 1_000_000
ISSUER = "did:web:issuer.example"
URI = "https://issuer.example/status/1"
NOW = datetime.now(UTC)
LATER, TTL = NOW + timedelta(days=1), timedelta(minutes=15)
KID = f"{ISSUER}#1"
ES256, ED25519 = SoftwareSigner.generate("ES256"), SoftwareSigner.generate("Ed25519")
PEER_ES256 = P256SigningKey.from_jwk(ES256.private_jwk(), KID)
PEER_ED25519 = Ed25519SigningKey.from_jwk(ED25519.private_jwk(), KID)
PEER_SUITE = DataIntegrityProofSuite()

SET = random.Random(1).sample(range(SIZE), SIZE // 50)  # noqa: S311  (which entries are set is no secret)
SEGMENT = bytearray(SEGMENT_BYTES)
TOKEN_LIST, PEER_TOKEN_LIST = StatusList(1, SIZE), new_status_list(SIZE, bits=1)
BITSTRING, PEER_BITSTRING = Bitstring(SIZE), new_bitstring(SIZE)
for place in SET:
    TOKEN_LIST.set(place, 1)
    BITSTRING.set(place, 1)
    set_status(PEER_TOKEN_LIST, place, 1)
    set_status_bit(PEER_BITSTRING, place, 1)
    if place < 8 * SEGMENT_BYTES:
        SEGMENT[place // 8] |= 1 << place % 8

_changes = random.Random(2)  # noqa: S311


def somewhere() -> int:
    return _changes.randrange(SIZE)


def change_token_list() -> str:
    index = somewhere()
    TOKEN_LIST.set(index, 1 - TOKEN_LIST.get(index))
    return create_status_list_token(
        TOKEN_LIST, uri=URI, signer=ES256, key_reference={"kid": KID}, issued_at=NOW, expires_at=LATER, ttl=TTL
    )


def change_bitstring() -> str:
    index = somewhere()
    BITSTRING.set(index, 1 - BITSTRING.get(index))
    document = create_status_list_credential(
        BITSTRING.encode(),
        uri=URI,
        issuer=ISSUER,
        purpose="revocation",
        valid_from=NOW,
        valid_until=LATER,
        ttl=TTL,
    )
    return sign_with_proof(document, signer=ED25519, verification_method=KID, created_at=NOW)


def change_token_list_as_peer() -> str:
    set_status(PEER_TOKEN_LIST, somewhere(), 1)
    return build_status_list_token(
        uri=URI, status_list=PEER_TOKEN_LIST, bits=1, signing_key=PEER_ES256, issued_at=NOW, expires=LATER, ttl=900
    )


def change_bitstring_as_peer() -> dict[str, Any]:
    set_status_bit(PEER_BITSTRING, somewhere(), 1)
    document = build_status_list_credential(
        id=URI, issuer=ISSUER, bitstring=PEER_BITSTRING, valid_from=NOW, valid_until=LATER, ttl=900_000
    )
    return PEER_SUITE.add_proof(document, signing_key=PEER_ED25519, verification_method=KID, created=NOW)


def floor(signer: SoftwareSigner) -> Callable[[], object]:
    def sign_and_pack() -> object:
        return signer.sign(b"a hash would be here"), pack_segment(bytes(SEGMENT))

    return sign_and_pack


# A turn of the peer takes long enough as it is.
OPERATIONS = tuple(
    Operation(name, repeated(floor(signer)), repeated(ours), repeated(peer), floor_name, "openvc-core", 30, turns=12)
    for name, signer, floor_name, ours, peer in (
        (
            "Token Status List of 1,000,000: change one",
            ES256,
            "one ES256 signature and one segment",
            change_token_list,
            change_token_list_as_peer,
        ),
        (
            "Bitstring Status List of 1,000,000: change one",
            ED25519,
            "one Ed25519 signature and one segment",
            change_bitstring,
            change_bitstring_as_peer,
        ),
    )
)
