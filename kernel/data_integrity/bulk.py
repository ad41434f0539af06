"""Sign many credentials that differ in a few texts: a name, an identifier, a date. PERFORMANCE.md, "What follows" 2.

Per credential only the texts, the hashes that depend on them and the signatures are made. Each says byte for byte what
`add_proof` and `add_base_proof` sign, which also take over where a text would change more than itself.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from json.encoder import encode_basestring
from secrets import token_bytes, token_hex
from typing import Any, ClassVar

from kernel.data_integrity import ecdsa_sd_2023, eddsa_rdfc_2022
from kernel.data_integrity.canonical_form import canonical_text, pinned_shapes
from kernel.data_integrity.cryptosuite import encode_signature
from kernel.data_integrity.ecdsa_sd_2023 import HMAC_KEY_BYTES, seal_base_proof
from kernel.data_integrity.json_pointers import parse_pointer
from kernel.data_integrity.proof import create_options
from kernel.data_integrity.statements import RESERVED, cut_marked, hide_labels, name_nodes, state_cut
from kernel.data_integrity.verification import add_always_shown, add_base_proof, add_proof
from kernel.errors import MalformedError
from kernel.json_ld import pinned_contexts
from kernel.json_ld.shapes import FilledLines
from kernel.keys import Signer, SoftwareSigner
from kernel.strict_json import encode_json


class _Template(ABC):
    """One credential with places for texts, to be signed again and again by one key at one time."""

    cryptosuite: ClassVar[str]

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
        self._examples = [_find(self._document, path) for path in self._paths]
        if not all(isinstance(text, str) for text in self._examples):
            raise MalformedError("a pointer to something else than a text")
        options = create_options(
            cryptosuite=self.cryptosuite,
            verification_method=verification_method,
            proof_purpose="assertionMethod",
            created_at=created_at,
        )
        self._options_hash = sha256(canonical_text({**options, "@context": document["@context"]})).digest()
        self._parts, self._places = self._split(example)
        self._prepare()

    def sign(self, texts: Sequence[str]) -> bytes:
        """Return the JSON text of the credential with these texts at the pointers, signed."""
        if len(texts) != len(self._paths):
            raise ValueError("another number of texts than of pointers")
        value = self._find_proof(texts)
        if value is None:
            return encode_json(self._add_proof(self._with(texts)))
        parts = list(self._parts)
        for place, number in self._places:
            parts[place] = (encode_basestring(texts[number]) if number < len(texts) else f'"{value}"').encode()
        return b"".join(parts)

    @abstractmethod
    def _prepare(self) -> None:
        """Make once what no text at the pointers changes."""

    @abstractmethod
    def _add_proof(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Sign one credential the general way."""

    @abstractmethod
    def _find_proof(self, texts: Sequence[str]) -> str | None:
        """Return the `proofValue` with these texts in place, or None where it has to be made the general way."""

    def _with(self, texts: Sequence[str]) -> dict[str, Any]:
        document = self._document
        for path, text in zip(self._paths, texts, strict=True):
            document = _replace(document, path, text)
        return document

    def _split(self, example: dict[str, Any]) -> tuple[list[bytes], list[tuple[int, int]]]:
        """Cut the JSON text of a signed example at its places; also which text each takes, the last the signature."""
        mark = token_hex(16)
        marked: dict[str, Any] = {**self._with([f"{mark}{number}" for number in range(len(self._paths))])}
        marked["proof"] = [{**example["proof"][0], "proofValue": f"{mark}{len(self._paths)}"}]
        first, *others = encode_json(marked).split(f'"{mark}'.encode())
        parts, places = [first], []
        for other in others:
            number, _, rest = other.partition(b'"')
            places.append((len(parts), int(number)))
            parts += [b"", rest]
        return parts, places


class BulkTemplate(_Template):
    """Signed whole, with `eddsa-rdfc-2022`."""

    cryptosuite = eddsa_rdfc_2022.SUITE.name

    def _prepare(self) -> None:
        self._shape = pinned_shapes().find_filled(self._document, self._paths)

    def _add_proof(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return add_proof(
            document,
            cryptosuite=self.cryptosuite,
            signer=self._signer,
            verification_method=self._verification_method,
            proof_purpose="assertionMethod",
            created_at=self._created_at,
        )

    def _find_proof(self, texts: Sequence[str]) -> str | None:
        canonical = None if self._shape is None else self._shape.find_text(texts)
        if canonical is None:
            return None
        return encode_signature(self._signer.sign(self._options_hash + sha256(canonical).digest()))


class SelectiveBulkTemplate(_Template):
    """Signed statement by statement, with `ecdsa-sd-2023`: with keys of its own for each credential, as always."""

    cryptosuite = ecdsa_sd_2023.NAME

    def __init__(
        self,
        document: Mapping[str, Any],
        *,
        pointers: Sequence[str],
        mandatory_pointers: Sequence[str],
        signer: Signer,
        verification_method: str,
        created_at: datetime,
    ) -> None:
        """To the mandatory pointers come those that no holder may hide, as in `add_base_proof`."""
        self._mandatory_pointers = add_always_shown(document, mandatory_pointers)
        super().__init__(
            document, pointers=pointers, signer=signer, verification_method=verification_method, created_at=created_at
        )

    def _prepare(self) -> None:
        self._lines, self._mandatory = self._group()

    def _add_proof(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return add_base_proof(
            document,
            signer=self._signer,
            verification_method=self._verification_method,
            created_at=self._created_at,
            mandatory_pointers=self._mandatory_pointers,
        )

    def _group(self) -> tuple[FilledLines | None, Sequence[bool]]:
        """Return the statements, and which of them are always shown: pointers cut by names, which no text changes."""
        marked = self._with([pinned_shapes().mark(number) for number in range(len(self._paths))])
        try:
            named = name_nodes(marked, pinned_contexts())
            stated = state_cut(named, self._mandatory_pointers)
        except MalformedError:
            return None, ()
        top = named.skolemized.get("id", named.skolemized.get("@id"))
        lines = pinned_shapes().find_marked(stated.quads, top, self._examples)
        return lines, [quad in stated.chosen for quad in stated.quads]

    def _find_proof(self, texts: Sequence[str]) -> str | None:
        if self._lines is None or any(text.startswith(RESERVED) for text in texts):
            return None
        hmac_key = token_bytes(HMAC_KEY_BYTES)
        lines = self._lines.find_lines(texts, hide_labels(hmac_key))
        if lines is None:
            return None
        return seal_base_proof(
            cut_marked(zip(lines, self._mandatory, strict=True)),
            options_hash=self._options_hash,
            signer=self._signer,
            proof_signer=SoftwareSigner.generate("ES256"),
            hmac_key=hmac_key,
            mandatory_pointers=self._mandatory_pointers,
        )


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
