"""`ecdsa-sd-2023`: selective disclosure, one statement at a time. ECDSA §3.4 to §3.6; PROFILE.md K-61.

The issuer makes a base proof: one signature over what is always shown (the mandatory pointers), and one by a key made
for this credential alone over each other statement. The holder derives from it a proof about the part that is shown. A
base proof opens everything and is for the holder only; who verifies accepts derived proofs.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kernel import base64url
from kernel.data_integrity.canonical_form import canonical_text
from kernel.data_integrity.cryptosuite import Document, find_algorithm
from kernel.data_integrity.json_pointers import select
from kernel.data_integrity.statements import (
    Cut,
    GroupedDocument,
    cut_document,
    cut_lines,
    group_document,
    name_digest,
    relabel_document,
)
from kernel.errors import InvalidSignatureError, MalformedError
from kernel.json_ld import ContextStore
from kernel.keys import PublicKey, Signer, SoftwareSigner, public_key_from
from kernel.multikey import P256_PUBLIC_KEY, encode_varint
from kernel.rdf_canon import Quad, label_canonically

NAME: Final = "ecdsa-sd-2023"
HMAC_KEY_BYTES: Final = 32

_ALGORITHM: Final = ("ES256",)
_BASE_HEADER: Final = b"\xd9\x5d\x00"
_DERIVED_HEADER: Final = b"\xd9\x5d\x01"
_KEY_PREFIX: Final = encode_varint(P256_PUBLIC_KEY)
_SIGNATURE_BYTES: Final = 64
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class BaseProof:
    """What a base proof contains. ECDSA §3.5.2 (serializeBaseProofValue)."""

    signature: bytes
    public_key: bytes
    hmac_key: bytes
    signatures: tuple[bytes, ...]
    mandatory_pointers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DerivedProof:
    """What a derived proof contains. ECDSA §3.5.7 (serializeDerivedProofValue)."""

    signature: bytes
    public_key: bytes
    signatures: tuple[bytes, ...]
    labels: Mapping[int, bytes]
    mandatory_indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EcdsaSd2023:
    """Checks derived proofs, and base proofs where a holder receives them from the issuer."""

    accepts_base_proof: bool
    name: str = NAME

    def verify(
        self, document: Document, options: Document, value: str, *, key: PublicKey, contexts: ContextStore | None
    ) -> tuple[str, ...]:
        """Raise unless the proof fits. ECDSA §3.6.8"""
        find_algorithm(_ALGORITHM, key)
        if self.accepts_base_proof and is_base_proof(value):
            return verify_base_proof(document, options, parse_base_proof(value), key=key, contexts=contexts)
        return verify_derived_proof(document, options, parse_derived_proof(value), key=key, contexts=contexts)


SUITE: Final = EcdsaSd2023(accepts_base_proof=False)
RECEIVING_SUITE: Final = EcdsaSd2023(accepts_base_proof=True)


def create_base_proof(
    document: Document,
    options: Document,
    *,
    signer: Signer,
    mandatory_pointers: Sequence[str],
    contexts: ContextStore | None = None,
    proof_signer: Signer | None = None,
    hmac_key: bytes | None = None,
) -> str:
    """Return the `proofValue` of a base proof. ECDSA §3.6.1 to §3.6.5.

    The key of the proof and that of the labels are made afresh; they are arguments so that published vectors repeat.
    """
    find_algorithm(_ALGORITHM, signer.public_key)
    proof_signer = proof_signer or SoftwareSigner.generate("ES256")
    hmac_key = hmac_key or secrets.token_bytes(HMAC_KEY_BYTES)
    return seal_base_proof(
        cut_document(document, hmac_key, mandatory_pointers, contexts),
        options_hash=_hash_options(document, options, contexts),
        signer=signer,
        proof_signer=proof_signer,
        hmac_key=hmac_key,
        mandatory_pointers=mandatory_pointers,
    )


def seal_base_proof(
    cut: Cut,
    *,
    options_hash: bytes,
    signer: Signer,
    proof_signer: Signer,
    hmac_key: bytes,
    mandatory_pointers: Sequence[str],
) -> str:
    """Return the same for statements that are labelled and cut already, and options that were hashed. §3.6.5"""
    public_key = encode_public_key(proof_signer.public_key)
    return encode_base_proof(
        BaseProof(
            signer.sign(_join_hashes(options_hash, public_key, cut.mandatory)),
            public_key,
            hmac_key,
            tuple([proof_signer.sign(line.encode()) for line in cut.others]),
            tuple(mandatory_pointers),
        )
    )


def derive_proof(
    document: Document, base: BaseProof, *, pointers: Sequence[str], contexts: ContextStore | None = None
) -> tuple[dict[str, Any], str]:
    """Return the part of a document that is shown, and the `proofValue` of the proof about it. ECDSA §3.6.6 and §3.6.7.

    What the issuer made mandatory is always shown too.
    """
    grouped = group_document(document, base.hmac_key, contexts)
    combined_pointers = [*base.mandatory_pointers, *pointers]
    mandatory, selective = grouped.indexes(base.mandatory_pointers), grouped.indexes(pointers)
    shown_quads = grouped.named.select(combined_pointers)
    combined = sorted(grouped.positions(shown_quads))
    signed = [position for position in range(len(grouped.lines)) if position not in mandatory]
    if len(signed) != len(base.signatures):
        raise MalformedError("a base proof with another number of signatures than statements")
    shown = select(document, combined_pointers)
    if shown is None:
        raise MalformedError("nothing is shown")
    derived = DerivedProof(
        base.signature,
        base.public_key,
        tuple(signature for position, signature in zip(signed, base.signatures, strict=True) if position in selective),
        _labels_for_verifier(grouped, shown_quads),
        tuple(place for place, position in enumerate(combined) if position in mandatory),
    )
    return shown, encode_derived_proof(derived)


def verify_derived_proof(
    document: Document, options: Document, proof: DerivedProof, *, key: PublicKey, contexts: ContextStore | None = None
) -> tuple[str, ...]:
    """Raise unless what is shown was signed; return the statements that need not have been shown. ECDSA §3.6.8"""

    def rename(labels: Sequence[str]) -> list[str]:
        if sorted(proof.labels) != list(range(len(labels))):
            raise InvalidSignatureError("a derived proof with other labels than the document has nodes")
        return [name_digest(proof.labels[int(label[6:])]) for label in labels]

    lines = relabel_document(document, rename, contexts)
    mandatory = frozenset(proof.mandatory_indexes)
    if not mandatory <= set(range(len(lines))):
        raise InvalidSignatureError("a derived proof about statements that are not there")
    return _verify_signatures(document, options, proof, cut_lines(lines, mandatory), key=key, contexts=contexts)


def verify_base_proof(
    document: Document, options: Document, proof: BaseProof, *, key: PublicKey, contexts: ContextStore | None = None
) -> tuple[str, ...]:
    """Raise unless a base proof covers every statement of the document, so that any of them can be shown later.

    Returned are the statements that can also be left out.
    """
    cut = cut_document(document, proof.hmac_key, proof.mandatory_pointers, contexts)
    return _verify_signatures(document, options, proof, cut, key=key, contexts=contexts)


def signed_data(
    document: Document, options: Document, public_key: bytes, mandatory: Sequence[str], contexts: ContextStore | None
) -> bytes:
    """Return what the issuer's own key signs. ECDSA §3.5.5 and §3.6.5 (serializeSignData)."""
    return _join_hashes(_hash_options(document, options, contexts), public_key, mandatory)


def _hash_options(document: Document, options: Document, contexts: ContextStore | None) -> bytes:
    return hashlib.sha256(canonical_text({**options, "@context": document.get("@context")}, contexts)).digest()


def _join_hashes(options_hash: bytes, public_key: bytes, mandatory: Sequence[str]) -> bytes:
    return options_hash + public_key + hashlib.sha256("".join(mandatory).encode()).digest()


def encode_base_proof(proof: BaseProof) -> str:
    """Return the `proofValue` of a base proof."""
    components = [
        proof.signature,
        proof.public_key,
        proof.hmac_key,
        list(proof.signatures),
        list(proof.mandatory_pointers),
    ]
    return "u" + base64url.encode(_BASE_HEADER + cbor2.dumps(components))


def encode_derived_proof(proof: DerivedProof) -> str:
    """Return the `proofValue` of a derived proof."""
    components = [
        proof.signature,
        proof.public_key,
        list(proof.signatures),
        dict(proof.labels),
        list(proof.mandatory_indexes),
    ]
    return "u" + base64url.encode(_DERIVED_HEADER + cbor2.dumps(components))


def is_base_proof(value: str) -> bool:
    """Whether a `proofValue` says that it is a base proof; what is no base64url raises MalformedError."""
    return _decode(value).startswith(_BASE_HEADER)


def parse_base_proof(value: str) -> BaseProof:
    """Read a base proof, or raise MalformedError."""
    signature, public_key, hmac_key, signatures, pointers = _parse(value, _BASE_HEADER)
    if not isinstance(pointers, list) or not all(isinstance(pointer, str) for pointer in pointers):
        raise MalformedError("a base proof without pointers")
    return BaseProof(
        _bytes(signature, _SIGNATURE_BYTES),
        _bytes(public_key, 35),
        _bytes(hmac_key, HMAC_KEY_BYTES),
        _signatures(signatures),
        tuple(pointers),
    )


def parse_derived_proof(value: str) -> DerivedProof:
    """Read a derived proof, or raise MalformedError."""
    signature, public_key, signatures, labels, indexes = _parse(value, _DERIVED_HEADER)
    if not isinstance(labels, dict) or not isinstance(indexes, list):
        raise MalformedError("a derived proof without labels or indexes")
    numbers = [*labels, *indexes]
    if not all(type(number) is int and number >= 0 for number in numbers):
        raise MalformedError("a derived proof with labels or indexes that are no numbers")
    if sorted(set(indexes)) != indexes or len(set(labels.values())) != len(labels):
        raise MalformedError("a derived proof with an index or label twice")
    return DerivedProof(
        _bytes(signature, _SIGNATURE_BYTES),
        _bytes(public_key, 35),
        _signatures(signatures),
        {number: _bytes(label, _DIGEST_BYTES) for number, label in labels.items()},
        tuple(indexes),
    )


def encode_public_key(key: PublicKey) -> bytes:
    """Return a key on P-256 as multicodec, the form in which a proof carries it."""
    assert isinstance(key.key, ec.EllipticCurvePublicKey)  # noqa: S101 - made by our own signer for ES256
    return _KEY_PREFIX + key.key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def decode_public_key(data: bytes) -> PublicKey:
    """Return the key that a proof carries."""
    if not data.startswith(_KEY_PREFIX):
        raise MalformedError("a proof key on another curve")
    try:
        return public_key_from(ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data[len(_KEY_PREFIX) :]))
    except ValueError as exc:
        raise MalformedError("a proof key that is not a point") from exc


def _verify_signatures(
    document: Document,
    options: Document,
    proof: BaseProof | DerivedProof,
    cut: Cut,
    *,
    key: PublicKey,
    contexts: ContextStore | None,
) -> tuple[str, ...]:
    # (1) The issuer's signature binds the options, the proof's own key and what is mandatory.
    signed = signed_data(document, options, proof.public_key, cut.mandatory, contexts)
    key.verify("ES256", signed, proof.signature)
    # (2) One signature by the proof's key for each statement that is left.
    if len(cut.others) != len(proof.signatures):
        raise InvalidSignatureError("another number of signatures than of statements")
    proof_key = decode_public_key(proof.public_key)
    for line, signature in zip(cut.others, proof.signatures, strict=True):
        proof_key.verify("ES256", line.encode(), signature)
    return tuple(cut.others)


def _labels_for_verifier(grouped: GroupedDocument, quads: Sequence[Quad]) -> dict[int, bytes]:
    """Return how the nodes of what is shown are called in the signed statements, by their canonical numbers."""
    canonical = label_canonically(quads)
    labels = {int(label[6:]): base64url.decode(grouped.labels[node][3:]) for node, label in canonical.items()}
    return dict(sorted(labels.items()))


def _decode(value: str) -> bytes:
    if not value.startswith("u"):
        raise MalformedError("a `proofValue` that is not base64url")
    return base64url.decode(value[1:])


def _parse(value: str, header: bytes) -> list[Any]:
    """Return the five components after the header; only one encoding of them is accepted."""
    data = _decode(value)
    if not data.startswith(header):
        raise MalformedError("a proof of another kind")
    try:
        components = cbor2.loads(data[len(header) :])
        is_canonical = cbor2.dumps(components) == data[len(header) :]
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError) as exc:
        raise MalformedError("a proof that is not CBOR") from exc
    if not is_canonical or not isinstance(components, list) or len(components) != 5:
        raise MalformedError("a proof that does not have its five components")
    return components


def _bytes(value: Any, size: int) -> bytes:
    if not isinstance(value, bytes) or len(value) != size:
        raise MalformedError("a component of a proof with another length")
    return value


def _signatures(value: Any) -> tuple[bytes, ...]:
    if not isinstance(value, list):
        raise MalformedError("a proof without signatures")
    return tuple(_bytes(signature, _SIGNATURE_BYTES) for signature in value)
