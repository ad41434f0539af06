"""Encryption at rest, and passphrases.

Sealing. `SealingKey` is the deployment's key (setting `encryption_key`) or any other 32 random bytes, such
as a vault key. Every use names a context; what was sealed in one context or for one row opens in no other:

    key = SealingKey(settings.encryption_key_bytes())
    row.private_key = key.seal(jwk_bytes, context=f"issuer/signing-key/{row.id}")
    jwk_bytes = key.open(row.private_key, context=f"issuer/signing-key/{row.id}")

Passphrases. `await hash_passphrase(text)` to store, `await verify_passphrase(hash, text)` to sign in,
`await derive_passphrase_key(text, salt)` to wrap a key. All three run Argon2id in a thread, a few at a time.
"""

import asyncio
import hmac
import os
import secrets
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

T = TypeVar("T")

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_SALT_BYTES: Final = 16

# OWASP's second recommended setting: 19 MiB, two passes. About 25 ms of CPU here, where the library's default of
# 64 MiB costs ten times that: an attacker with the hashes pays the same price per guess as in every other service
# that follows OWASP, and a sign-in form cannot be used to exhaust the machine.
_ARGON2_MEMORY_KIB: Final = 19 * 1024
_ARGON2_PASSES: Final = 2
_ARGON2_LANES: Final = 1
# Each computation holds 19 MiB and a core; the rest waits its turn.
_ARGON2_AT_ONCE: Final = 2

MINIMUM_PASSPHRASE_LENGTH: Final = 12
# Longer input is no safer and lets a stranger make us hash megabytes.
MAXIMUM_PASSPHRASE_LENGTH: Final = 256


class SealError(Exception):
    """The sealed bytes were altered, cut, made with another key, or belong to another context."""


class SealingKey:
    """AES-256-GCM under a key that HKDF-SHA-256 derives freshly for every sealed value.

    Layout: version byte, 16 bytes salt, 12 bytes nonce, ciphertext with tag. Since the salt enters the key, one
    master key never comes near the limit that NIST SP 800-38D §8.3 sets for random nonces. The context is HKDF's
    `info` (RFC 5869 §3.2) and the version byte is authenticated.
    """

    __slots__ = ("_earlier", "_master")

    def __init__(self, master: bytes, *, earlier: "SealingKey | None" = None) -> None:
        """With `earlier`, what that key sealed opens too, until all of it was sealed again."""
        if len(master) != 32:
            raise ValueError("a sealing key is 32 bytes")
        self._master = master
        self._earlier = earlier

    def __repr__(self) -> str:
        return "SealingKey(…)"

    @classmethod
    def generate(cls) -> "SealingKey":
        """A fresh random key, for one session or one vault."""
        return cls(secrets.token_bytes(32))

    @property
    def raw(self) -> bytes:
        """The 32 bytes themselves, for wrapping this key under another."""
        return self._master

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt so that only the same key and the same context open it."""
        random = os.urandom(_SALT_BYTES + _NONCE_BYTES)
        salt, nonce = random[:_SALT_BYTES], random[_SALT_BYTES:]
        return _VERSION + random + self._cipher(salt, context).encrypt(nonce, plaintext, _VERSION)

    def open(self, sealed: bytes, *, context: str) -> bytes:
        """The plaintext, or `SealError`; the reason for a refusal is not told, so that it teaches nothing."""
        try:
            return self._open(sealed, context)
        except SealError:
            if self._earlier is None:
                raise
            return self._earlier.open(sealed, context=context)

    def seal_again(self, sealed: bytes, *, context: str) -> bytes | None:
        """The same under this key where the earlier one sealed it, None where it is already; or `SealError`."""
        try:
            self._open(sealed, context)
        except SealError:
            return self.seal(self.open(sealed, context=context), context=context)
        return None

    def _open(self, sealed: bytes, context: str) -> bytes:
        if sealed[:1] != _VERSION or len(sealed) < 1 + _SALT_BYTES + _NONCE_BYTES + 16:
            raise SealError("not a sealed value of a known version")
        salt, rest = sealed[1 : 1 + _SALT_BYTES], sealed[1 + _SALT_BYTES :]
        try:
            return self._cipher(salt, context).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _VERSION)
        except InvalidTag as exc:
            raise SealError("wrong key, wrong context or altered bytes") from exc

    def derive(self, context: str) -> bytes:
        """32 bytes that belong to this key and context, for a purpose other than sealing (an HMAC key)."""
        return HKDF(SHA256(), 32, salt=None, info=b"skillswallet/derive/" + context.encode()).derive(self._master)

    def _cipher(self, salt: bytes, context: str) -> AESGCM:
        # HKDF written out: 32 bytes are one round of it, and the library's costs several times that. RFC 5869 §2.
        key = hmac.digest(salt, self._master, "sha256")
        return AESGCM(hmac.digest(key, b"skillswallet/seal/" + context.encode() + b"\x01", "sha256"))


_hasher = PasswordHasher(
    time_cost=_ARGON2_PASSES, memory_cost=_ARGON2_MEMORY_KIB, parallelism=_ARGON2_LANES, type=Type.ID
)
# A hash of nothing anybody knows, to spend the same time on an account that does not exist.
_ABSENT: Final = _hasher.hash(secrets.token_urlsafe(32))
# One semaphore an event loop: a semaphore belongs to the loop that first waits on it.
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def hash_passphrase(passphrase: str) -> str:
    """The Argon2id hash to store, with its salt and parameters (RFC 9106, PHC string)."""
    return await _in_turn(partial(_hasher.hash, _bounded(passphrase)))


async def verify_passphrase(stored: str | None, passphrase: str) -> bool:
    """Whether this is the passphrase that `stored` was made from.

    The one check here that answers with a bool: a wrong passphrase is an everyday event and the caller counts it.
    `None` for `stored` (no such account) takes the same time and answers False, so that nobody learns who has an
    account (A-54).
    """
    if len(passphrase) > MAXIMUM_PASSPHRASE_LENGTH:
        return False
    return await _in_turn(partial(_matches, stored or _ABSENT, passphrase)) and stored is not None


async def derive_passphrase_key(passphrase: str, salt: bytes) -> bytes:
    """32 bytes from a passphrase and at least 16 bytes of stored salt, to wrap a key with."""
    if len(salt) < 16:
        raise ValueError("a salt has at least 16 bytes")
    return await _in_turn(
        partial(
            hash_secret_raw,
            _bounded(passphrase).encode(),
            salt,
            time_cost=_ARGON2_PASSES,
            memory_cost=_ARGON2_MEMORY_KIB,
            parallelism=_ARGON2_LANES,
            hash_len=32,
            type=Type.ID,
        )
    )


def _bounded(passphrase: str) -> str:
    if not passphrase or len(passphrase) > MAXIMUM_PASSPHRASE_LENGTH:
        raise ValueError(f"a passphrase has 1 to {MAXIMUM_PASSPHRASE_LENGTH} characters")
    return passphrase


def _matches(stored: str, passphrase: str) -> bool:
    try:
        return _hasher.verify(stored, passphrase)
    except (VerificationError, InvalidHashError):
        return False


async def _in_turn(work: Callable[[], T]) -> T:
    loop = asyncio.get_running_loop()
    async with _turns.setdefault(loop, asyncio.Semaphore(_ARGON2_AT_ONCE)):
        return await asyncio.to_thread(work)
