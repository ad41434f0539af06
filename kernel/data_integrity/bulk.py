"""Sign many credentials that differ in a few texts: a name, an identifier, a date. PERFORMANCE.md, "What follows" 2.

Per credential only the texts, the hashes that depend on them and the signature are made. Each comes out byte for byte
as `add_proof` makes it, which also takes over where a text would change more than itself.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring
from secrets import token_hex
from typing import Any, Final

from kernel.data_integrity.canonical_form import canonical_text
from kernel.data_integrity.cryptosuite import encode_signature
from kernel.data_integrity.json_pointers import parse_pointer
from kernel.data_integrity.proof import create_options
from kernel.data_integrity.verification import add_proof
from kernel.errors import MalformedError
from kernel.json_ld import pinned_contexts
from kernel.json_ld.shapes import Shapes
from kernel.keys import Signer
from kernel.strict_json import encode_json

CRYPTOSUITE: Final = "eddsa-rdfc-2022"


class BulkTemplate:
    """One credential with places for texts, to be signed again and again by one key at one time."""

    def __init__(
        self,
        document: Mapping[str, Any],
        *,
        pointers: Sequence[str],
        signer: Signer,
        verification_method: str,
        created_at: datetime,
    ) -> None:
        """The document is a complete credential: what stands at the pointers is an example of what comes there."""
        self._document = dict(document)
        self._paths = [parse_pointer(pointer) for pointer in pointers]
        self._signer = signer
        self._verification_method = verification_method
        self._created_at = created_at
        # Signing it once refuses whatever cannot be signed, and gives the proof to write.
        example = self._add_proof(self._document)
        if not all(isinstance(_find(self._document, path), str) for path in self._paths):
            raise MalformedError("a pointer to something else than a text")
        self._shape = _shapes().find_filled(self._document, self._paths)
        options = create_options(
            cryptosuite=CRYPTOSUITE,
            verification_method=verification_method,
            proof_purpose="assertionMethod",
            created_at=created_at,
        )
        self._options_hash = sha256(canonical_text({**options, "@context": document["@context"]}).encode()).digest()
        self._parts = self._split(example)

    def sign(self, texts: Sequence[str]) -> bytes:
        """Return the JSON text of the credential with these texts at the pointers, signed."""
        if len(texts) != len(self._paths):
            raise ValueError("another number of texts than of pointers")
        canonical = None if self._shape is None else self._shape.find_text(texts)
        if canonical is None:
            return encode_json(self._add_proof(self._with(texts)))
        signature = self._signer.sign(self._options_hash + sha256(canonical.encode()).digest())
        places = [*map(encode_basestring, texts), f'"{encode_signature(signature)}"']
        return "".join(part if isinstance(part, str) else places[part] for part in self._parts).encode()

    def _with(self, texts: Sequence[str]) -> dict[str, Any]:
        document = self._document
        for path, text in zip(self._paths, texts, strict=True):
            document = _replace(document, path, text)
        return document

    def _add_proof(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return add_proof(
            document,
            cryptosuite=CRYPTOSUITE,
            signer=self._signer,
            verification_method=self._verification_method,
            proof_purpose="assertionMethod",
            created_at=self._created_at,
        )

    def _split(self, example: dict[str, Any]) -> list[str | int]:
        """Cut the JSON text of a signed example at its places, the last of which is the signature's."""
        mark = token_hex(16)
        marked: dict[str, Any] = {**self._with([f"{mark}{number}" for number in range(len(self._paths))])}
        marked["proof"] = [{**example["proof"][0], "proofValue": f"{mark}{len(self._paths)}"}]
        first, *others = encode_json(marked).decode().split(f'"{mark}')
        parts: list[str | int] = [first]
        for other in others:
            number, _, rest = other.partition('"')
            parts += [int(number), rest]
        return parts


@lru_cache(maxsize=1)
def _shapes() -> Shapes:
    return Shapes(pinned_contexts())


def _find(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            raise MalformedError("a pointer to nothing")
    return value


def _replace(value: Any, path: Sequence[str], text: str) -> Any:
    """Return a copy of a value with a text at a path that is there."""
    if not path:
        return text
    if isinstance(value, list):
        return [_replace(child, path[1:], text) if str(i) == path[0] else child for i, child in enumerate(value)]
    return {name: _replace(child, path[1:], text) if name == path[0] else child for name, child in value.items()}
