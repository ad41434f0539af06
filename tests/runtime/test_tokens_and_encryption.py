"""Random values, sealing and passphrases."""

import asyncio
import re

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from runtime import encryption
from runtime.encryption import SealError, SealingKey, derive_passphrase_key, hash_passphrase, verify_passphrase
from runtime.tokens import create_numeric_code, create_token, hash_token

KEY = SealingKey(bytes(range(32)))


def test_a_token_is_url_safe_long_and_never_the_same():
    tokens = {create_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"[\w-]{43}", token) for token in tokens)


def test_a_token_can_stand_on_a_command_line(monkeypatch):
    drawn = iter(["-YJUZRI0ceteKdhS6XvzGg", "YJUZRI0ceteKdhS6XvzGg-"])
    monkeypatch.setattr("secrets.token_urlsafe", lambda nbytes: next(drawn))
    assert create_token(16) == "YJUZRI0ceteKdhS6XvzGg-"


def test_a_token_with_fewer_than_128_random_bits_is_not_made():
    with pytest.raises(ValueError, match="128"):
        create_token(15)


def test_the_hash_of_a_token_is_sha256():
    assert hash_token("abc").hex().startswith("ba7816bf8f01cfea")


def test_a_numeric_code_keeps_its_length_with_leading_zeros():
    codes = {create_numeric_code(2) for _ in range(2000)}
    assert codes == {f"{number:02d}" for number in range(100)}


@pytest.mark.parametrize("plaintext", [b"", b"a private key", bytes(100_000)])
def test_what_was_sealed_opens_with_the_same_key_and_context(plaintext: bytes):
    sealed = KEY.seal(plaintext, context="issuer/signing-key/1")
    assert KEY.open(sealed, context="issuer/signing-key/1") == plaintext
    assert not plaintext or plaintext not in sealed


def test_sealing_twice_gives_different_bytes():
    assert KEY.seal(b"x", context="c") != KEY.seal(b"x", context="c")


SEALED = KEY.seal(b"a private key", context="c")


@pytest.mark.parametrize(
    ("key", "sealed", "context"),
    [
        pytest.param(SealingKey(bytes(32)), SEALED, "c", id="other key"),
        pytest.param(KEY, SEALED, "d", id="other context"),
        pytest.param(KEY, b"\x02" + SEALED[1:], "c", id="other version"),
        pytest.param(KEY, SEALED[:-1], "c", id="cut"),
        pytest.param(KEY, SEALED + b"\0", "c", id="longer"),
        pytest.param(KEY, b"", "c", id="empty"),
        *(
            pytest.param(KEY, SEALED[:at] + bytes([SEALED[at] ^ 1]) + SEALED[at + 1 :], "c", id=f"bit at {at}")
            for at in (1, 17, 30, -1 + len(SEALED))
        ),
    ],
)
def test_a_sealed_value_opens_only_as_it_was_sealed(key: SealingKey, sealed: bytes, context: str):
    with pytest.raises(SealError):
        key.open(sealed, context=context)


def test_a_sealing_key_shows_nothing_of_itself():
    assert repr(KEY) == "SealingKey(…)"


def test_derived_keys_differ_by_context():
    assert KEY.derive("a") != KEY.derive("b")
    assert KEY.derive("a") == KEY.derive("a")


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_sealing_key_is_32_bytes(length: int):
    with pytest.raises(ValueError, match="32 bytes"):
        SealingKey(bytes(length))


async def test_a_passphrase_is_stored_as_argon2id_and_only_it_matches():
    stored = await hash_passphrase("correct horse battery")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await verify_passphrase(stored, "correct horse battery")
    assert not await verify_passphrase(stored, "correct horse battery ")
    assert not await verify_passphrase(stored, "")
    assert not await verify_passphrase(stored, "x" * 10_000)


async def test_A54_an_absent_account_costs_the_same_computation_and_is_never_right(monkeypatch: pytest.MonkeyPatch):
    computed = []
    matches = encryption._matches
    monkeypatch.setattr(encryption, "_matches", lambda *given: computed.append(given) or matches(*given))
    assert not await verify_passphrase(None, "correct horse battery")
    assert len(computed) == 1
    assert computed[0][0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_damaged_hash_matches_nothing():
    assert not await verify_passphrase("$argon2id$nonsense", "x")


async def test_a_passphrase_key_depends_on_passphrase_and_salt():
    key = await derive_passphrase_key("correct horse battery", bytes(16))
    assert len(key) == 32
    assert key == await derive_passphrase_key("correct horse battery", bytes(16))
    assert key != await derive_passphrase_key("correct horse batterY", bytes(16))
    assert key != await derive_passphrase_key("correct horse battery", bytes(15) + b"\1")
    with pytest.raises(ValueError, match="16 bytes"):
        await derive_passphrase_key("correct horse battery", bytes(15))


async def test_no_more_than_two_passphrases_are_computed_at_once(monkeypatch: pytest.MonkeyPatch):
    running, most = 0, 0

    async def counted(work):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.01)
        running -= 1
        return work()

    monkeypatch.setattr(encryption.asyncio, "to_thread", counted)
    await asyncio.gather(*(verify_passphrase(None, "x") for _ in range(6)))
    assert most == 2


def test_A55_key_of_a_sealed_value_is_that_of_HKDF():
    """RFC 5869, written out for the one length that is used here: what the library derives opens it too."""
    master = bytes(range(32))
    sealed = SealingKey(master).seal(b"secret", context="a/b")
    info = b"skillswallet/seal/a/b"
    key = HKDF(SHA256(), 32, salt=sealed[1:17], info=info).derive(master)
    assert AESGCM(key).decrypt(sealed[17:29], sealed[29:], sealed[:1]) == b"secret"
