"""The vault of an account: one random key, under which everything the account holds is sealed.

Decision 5. The key is stored only wrapped: by a key that Argon2id makes from the passphrase, by the
printed recovery code, later by a passkey's PRF secret (`WrapKind` has its place). Every wrap lies under
the service's own encryption key as well, so that a stolen database cannot even be guessed at. While the
vault is unlocked, its key lies in the session row, encrypted under a key made from a token that exists
only in the browser's cookie or the program's bearer token. A copy of the database opens nothing.

Who can sign with a holder's keys: whoever has the running server's memory while that holder is signed in.
`docs/threat-model.md` says so plainly; `wallet.holder_keys` is the seam where a phone will hold them.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import Any, Literal

from runtime.encryption import SealError, SealingKey, derive_passphrase_key
from wallet.letterbox import LETTERBOX_KINDS, MARK, Letterbox, LetterboxKind, seal_context

WrapKind = Literal["passphrase", "recovery_code", "passkey_prf"]

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RECOVERY_CODE_LENGTH = 32  # 5 bits a character: 160 bits, so no slow hash is needed to protect it
_SESSION_LABEL = b"skillswallet vault session"


class WrongSecretError(Exception):
    """The secret does not open this wrap."""


@dataclass(frozen=True, slots=True)
class Vault:
    """An opened vault: the one way to seal and open what belongs to an account."""

    account_id: str
    key: bytes = field(repr=False)

    def seal(self, kind: str, identifier: str, content: Any) -> bytes:
        """Encrypt JSON content for one row; it opens only as that row of this account."""
        plaintext = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        return self.seal_bytes(kind, identifier, plaintext)

    def open(self, kind: str, identifier: str, sealed: bytes) -> Any:
        return json.loads(self.open_bytes(kind, identifier, sealed))

    def seal_bytes(self, kind: str, identifier: str, plaintext: bytes) -> bytes:
        return SealingKey(self.key).seal(plaintext, context=self._context(kind, identifier))

    def open_bytes(self, kind: str, identifier: str, sealed: bytes) -> bytes:
        """What the vault sealed itself, or what came through the slot of a kind that has one, while it was locked."""
        if sealed.startswith(MARK):
            return self._letterbox_of(kind).open_bytes(identifier, sealed)
        return SealingKey(self.key).open(sealed, context=self._context(kind, identifier))

    def letterbox(self, kind: LetterboxKind) -> Letterbox:
        """The key pair of one kind of row: what a connected service is given of it, opens nothing else (0080)."""
        return Letterbox(self.account_id, kind, self.derive(f"letterbox/{kind}"))

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, from which nobody gets back to the vault's key."""
        return SealingKey(self.key).derive(f"wallet/{purpose}")

    def digest(self, purpose: str, text: str) -> bytes:
        """A fingerprint that only this vault can make: equality without readability."""
        return hmac.digest(self.key, f"{purpose}\0{text}".encode(), "sha256")

    def _letterbox_of(self, kind: str) -> Letterbox:
        found = next((each for each in LETTERBOX_KINDS if each == kind), None)
        if found is None:
            raise SealError("nothing of this kind comes while the vault is locked")
        return self.letterbox(found)

    def _context(self, kind: str, identifier: str) -> str:
        return seal_context(kind, self.account_id, identifier)


def create_vault_key() -> bytes:
    return secrets.token_bytes(32)


def create_salt() -> bytes:
    return secrets.token_bytes(16)


def create_recovery_code() -> str:
    """A code to print: eight groups of four characters that cannot be mistaken for one another."""
    characters = "".join(secrets.choice(_CROCKFORD) for _ in range(_RECOVERY_CODE_LENGTH))
    return "-".join(characters[start : start + 4] for start in range(0, _RECOVERY_CODE_LENGTH, 4))


def parse_recovery_code(text: str) -> str:
    """The code as it was made, whatever case, spaces, dashes or look-alikes it was typed with."""
    typed = text.upper().translate(str.maketrans("ILO", "110"))
    return "".join(character for character in typed if character in _CROCKFORD)


async def wrap_with_passphrase(service_key: SealingKey, vault: Vault, passphrase: str, *, salt: bytes) -> bytes:
    return _wrap(service_key, SealingKey(await derive_passphrase_key(passphrase, salt)), "passphrase", vault)


async def unwrap_with_passphrase(
    service_key: SealingKey, account_id: str, wrapped: bytes, passphrase: str, *, salt: bytes
) -> Vault:
    wrapping_key = SealingKey(await derive_passphrase_key(passphrase, salt))
    return _unwrap(service_key, wrapping_key, "passphrase", account_id, wrapped)


def wrap_with_recovery_code(service_key: SealingKey, vault: Vault, code: str, *, salt: bytes) -> bytes:
    return _wrap(service_key, _recovery_key(code, salt), "recovery_code", vault)


def unwrap_with_recovery_code(
    service_key: SealingKey, account_id: str, wrapped: bytes, code: str, *, salt: bytes
) -> Vault:
    return _unwrap(service_key, _recovery_key(code, salt), "recovery_code", account_id, wrapped)


def seal_for_session(vault: Vault, token: str) -> bytes:
    """Encrypt the vault key under the token, which the caller hands out and forgets."""
    return _session_key(token).seal(vault.key, context=f"wallet:session:{vault.account_id}")


def open_from_session(account_id: str, sealed: bytes, token: str) -> Vault:
    return Vault(account_id, _session_key(token).open(sealed, context=f"wallet:session:{account_id}"))


def _session_key(token: str) -> SealingKey:
    return SealingKey(hmac.digest(_SESSION_LABEL, token.encode(), "sha256"))


def _recovery_key(code: str, salt: bytes) -> SealingKey:
    return SealingKey(hashlib.blake2b(parse_recovery_code(code).encode(), digest_size=32, salt=salt).digest())


def _wrap(service_key: SealingKey, wrapping_key: SealingKey, kind: WrapKind, vault: Vault) -> bytes:
    context = f"wallet:wrap:{kind}:{vault.account_id}"
    return service_key.seal(wrapping_key.seal(vault.key, context=context), context=context)


def _unwrap(
    service_key: SealingKey, wrapping_key: SealingKey, kind: WrapKind, account_id: str, wrapped: bytes
) -> Vault:
    context = f"wallet:wrap:{kind}:{account_id}"
    inner = service_key.open(wrapped, context=context)
    try:
        return Vault(account_id, wrapping_key.open(inner, context=context))
    except SealError as exc:
        raise WrongSecretError from exc
