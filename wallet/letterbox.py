"""What somebody may put into a vault, or read out of a part of it, while it is locked. Decision 0080.

Each kind of row has a key pair of its own, made from the vault's key. Whoever has the public half, the slot, can put
rows of that kind in and read none; whoever has the private half, the letterbox, can read those that were put in, and
nothing else of the vault. Neither half lies in the database in the open: they go out inside the tokens of connected
services (`wallet.connections`), and nowhere else. So what is opened here was put in by somebody to whom this person
gave that right, or by the vault itself.

A row is sealed to the slot as HPKE does it (RFC 9180 §4.1, base mode): X25519 with a fresh key, HKDF-SHA-256 over both
public keys, then the seal that everything at rest has, under the context of its row.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runtime.encryption import SealError, SealingKey

LetterboxKind = Literal["imported_badge", "imported_file", "history", "shelf", "profile"]
"""The rows that somebody may put in while the vault is locked; of any other kind there is no letterbox."""
LETTERBOX_KINDS: Final[tuple[LetterboxKind, ...]] = ("imported_badge", "imported_file", "history", "shelf", "profile")

# Never the first byte of what the vault seals itself (`runtime.encryption`).
MARK: Final = b"\x02"
_KEY_BYTES: Final = 32


def seal_context(kind: str, account_id: str, identifier: str) -> str:
    """What a sealed row is: it opens only as that row of this account."""
    return f"wallet:{kind}:{account_id}:{identifier}"


@dataclass(frozen=True, slots=True)
class Slot:
    """The way in: what is sealed here, only the vault opens, and whoever was given the letterbox."""

    account_id: str
    kind: LetterboxKind
    public_key: bytes = field(repr=False)

    def seal(self, identifier: str, content: Any) -> bytes:
        """Encrypt JSON content for one row."""
        return self.seal_bytes(identifier, json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())

    def seal_bytes(self, identifier: str, plaintext: bytes) -> bytes:
        fresh = X25519PrivateKey.generate()
        encapsulated = fresh.public_key().public_bytes_raw()
        shared = fresh.exchange(X25519PublicKey.from_public_bytes(self.public_key))
        key = _derive(shared, encapsulated, self.public_key)
        context = seal_context(self.kind, self.account_id, identifier)
        return MARK + encapsulated + key.seal(plaintext, context=context)


@dataclass(frozen=True, slots=True)
class Letterbox:
    """The way out for rows of one kind: it opens what came through its slot, and nothing else of the vault."""

    account_id: str
    kind: LetterboxKind
    private_key: bytes = field(repr=False)

    @property
    def slot(self) -> Slot:
        return Slot(self.account_id, self.kind, self._key().public_key().public_bytes_raw())

    def open(self, identifier: str, sealed: bytes) -> Any:
        return json.loads(self.open_bytes(identifier, sealed))

    def open_bytes(self, identifier: str, sealed: bytes) -> bytes:
        """The plaintext, or SealError for what was not put through this slot as that row."""
        if sealed[:1] != MARK or len(sealed) <= 1 + _KEY_BYTES:
            raise SealError("not put through a slot")
        encapsulated, rest = sealed[1 : 1 + _KEY_BYTES], sealed[1 + _KEY_BYTES :]
        private_key = self._key()
        try:
            shared = private_key.exchange(X25519PublicKey.from_public_bytes(encapsulated))
        except ValueError as exc:
            raise SealError("a public key that leads to no secret") from exc
        key = _derive(shared, encapsulated, private_key.public_key().public_bytes_raw())
        return key.open(rest, context=seal_context(self.kind, self.account_id, identifier))

    def _key(self) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(self.private_key)


def _derive(shared: bytes, encapsulated: bytes, public_key: bytes) -> SealingKey:
    info = b"skillswallet/letterbox/" + encapsulated + public_key
    return SealingKey(HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(shared))
