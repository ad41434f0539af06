"""What every cryptosuite has: a name, and how it checks one proof; and the two ways in which plain suites sign.

VC Data Integrity 1.0 §3 and §4. A suite sees one proof at a time and judges nothing but the signature; who may sign,
when, for whom and in which order is judged in `kernel.data_integrity.verification`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kernel.data_integrity.canonical_form import canonical_text
from kernel.errors import AlgorithmNotAllowedError, InvalidSignatureError, MalformedError
from kernel.jcs import canonicalize_json
from kernel.json_ld import ContextStore
from kernel.keys import PublicKey, Signer
from kernel.multikey import decode_base58btc, encode_base58btc
from kernel.rdf_canon import HASHES

# JOSE's name of each algorithm, with its hash and the length of its signatures.
_HASHES: Final = {"Ed25519": "sha256", "EdDSA": "sha256", "ES256": "sha256", "ES384": "sha384"}
_SIGNATURE_BYTES: Final = {"Ed25519": 64, "EdDSA": 64, "ES256": 64, "ES384": 96}

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Transformed:
    """The exact texts that are hashed: of the proof's options and of the document without its proof."""

    options: bytes
    document: bytes


class Cryptosuite(Protocol):
    """One way to secure a document, as the one who checks sees it."""

    @property
    def name(self) -> str: ...

    def verify(
        self, document: Document, options: Document, value: str, *, key: PublicKey, contexts: ContextStore | None
    ) -> tuple[str, ...]:
        """Raise unless the `proofValue` fits the document, the options and the key.

        Returned are the statements that whoever shows the document may leave out: none where all is signed as one.
        """


@dataclass(frozen=True, slots=True)
class RdfcCryptosuite:
    """Signs the RDFC-1.0 forms of options and document. EDDSA §3.2, ECDSA §3.2."""

    name: str
    algorithms: tuple[str, ...]

    def transform(
        self, document: Document, options: Document, *, algorithm: str, contexts: ContextStore | None
    ) -> Transformed:
        """The options are read under the document's own contexts, whatever they bring along. EDDSA §3.2.5

        On P-384 the canonical form itself is made with SHA-384 too: its blank nodes are ordered by those hashes.
        """
        options = {**options, "@context": document.get("@context")}
        name = _HASHES[algorithm]
        return Transformed(canonical_text(options, contexts, name), canonical_text(document, contexts, name))

    def sign(self, document: Document, options: Document, *, signer: Signer, contexts: ContextStore | None) -> str:
        """Return the `proofValue` of a document without proof under these options."""
        algorithm = find_algorithm(self.algorithms, signer.public_key)
        transformed = self.transform(document, options, algorithm=algorithm, contexts=contexts)
        return encode_signature(signer.sign(hash_data(transformed, algorithm)))

    def verify(
        self, document: Document, options: Document, value: str, *, key: PublicKey, contexts: ContextStore | None
    ) -> tuple[str, ...]:
        algorithm = find_algorithm(self.algorithms, key)
        signature = decode_signature(value, algorithm)
        transformed = self.transform(document, options, algorithm=algorithm, contexts=contexts)
        key.verify(algorithm, hash_data(transformed, algorithm), signature)
        return ()


@dataclass(frozen=True, slots=True)
class JcsCryptosuite:
    """Signs the JCS forms of options and document: every member as it stands. EDDSA §3.3, ECDSA §3.3."""

    name: str
    algorithms: tuple[str, ...]

    def transform(self, document: Document, options: Document) -> Transformed:
        return Transformed(canonicalize_json(dict(options)).encode(), canonicalize_json(dict(document)).encode())

    def sign(self, document: Document, options: Document, *, signer: Signer, contexts: ContextStore | None) -> str:
        """The document's contexts are signed with the options too; `sign` and `verify` agree on that through them."""
        algorithm = find_algorithm(self.algorithms, signer.public_key)
        return encode_signature(signer.sign(hash_data(self.transform(document, options), algorithm)))

    def verify(
        self, document: Document, options: Document, value: str, *, key: PublicKey, contexts: ContextStore | None
    ) -> tuple[str, ...]:
        """EDDSA §3.3.2: contexts added after signing are cut off again; the signed ones must come first, in order."""
        algorithm = find_algorithm(self.algorithms, key)
        signature = decode_signature(value, algorithm)
        if "@context" in options:
            _require_leading_contexts(document.get("@context"), options["@context"])
            document = {**document, "@context": options["@context"]}
        key.verify(algorithm, hash_data(self.transform(document, options), algorithm), signature)
        return ()


def find_algorithm(algorithms: tuple[str, ...], key: PublicKey) -> str:
    """Return the algorithm of a suite that fits the key; a suite never takes a key of another kind."""
    for algorithm in algorithms:
        if algorithm in key.algorithms:
            return algorithm
    raise AlgorithmNotAllowedError("the key does not fit the cryptosuite")


def hash_data(transformed: Transformed, algorithm: str) -> bytes:
    """Return what is signed: the hash of the options, then that of the document. EDDSA §3.2.4, ECDSA §3.2.4."""
    make_hash = HASHES[_HASHES[algorithm]]
    return make_hash(transformed.options).digest() + make_hash(transformed.document).digest()


def encode_signature(signature: bytes) -> str:
    """Return a signature as multibase base58btc, `z…`."""
    return "z" + encode_base58btc(signature)


def decode_signature(value: str, algorithm: str) -> bytes:
    """Return the signature in a `proofValue` that has exactly the suite's encoding and length. K-62."""
    if not value.startswith("z"):
        raise MalformedError("a `proofValue` that is not base58btc")
    signature = decode_base58btc(value[1:])
    if len(signature) != _SIGNATURE_BYTES[algorithm]:
        raise InvalidSignatureError("a signature of another length")
    return signature


def _require_leading_contexts(present: Any, signed: Any) -> None:
    present, signed = (value if isinstance(value, list) else [value] for value in (present, signed))
    if present[: len(signed)] != signed:
        raise InvalidSignatureError("other contexts than those that were signed")
