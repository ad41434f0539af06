"""Accounts: sign up, sign in with lock-out, recover, change the passphrase, erase everything.

There is no stored hash of a passphrase: whoever opens the vault is the owner. Names are personal, so the
database holds only their digest under the service's key. An account that does not exist costs a stranger
the same time and gives the same answer as a wrong passphrase (A-54).
"""

import hmac
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from unicodedata import normalize

from runtime.database import Database
from runtime.encryption import MAXIMUM_PASSPHRASE_LENGTH, MINIMUM_PASSPHRASE_LENGTH, SealError
from runtime.tokens import create_token, hash_token
from runtime.web.visitors import Visitor
from wallet import store
from wallet.errors import (
    AccountNameError,
    InTurnError,
    LockedOutError,
    PassphraseError,
    RecoveryCodeError,
    SignedOutError,
    SignInError,
)
from wallet.models import Account, SignInAttempt, VaultSession, VaultWrap
from wallet.settings import WalletSettings
from wallet.vault import (
    Vault,
    WrapKind,
    WrongSecretError,
    create_recovery_code,
    create_salt,
    create_vault_key,
    open_from_session,
    seal_for_session,
    unwrap_with_passphrase,
    unwrap_with_recovery_code,
    wrap_with_passphrase,
    wrap_with_recovery_code,
)

_TOUCH_EVERY = timedelta(minutes=1)

# Tries are counted apart: to sign in (without a word here), to recover, and to prove who is signed in already.
_RECOVERING = b"recovery"
_SIGNED_IN = b"signed in"
# Whoever is signed in is one visitor, and all strangers together are one more.
_INSIDE = Visitor(b"inside", is_known=True)
_STRANGERS = Visitor(b"strangers", is_known=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An opened vault together with the token of its session, which is handed out and not kept."""

    vault: Vault
    token: str


@dataclass(frozen=True, slots=True)
class _Wrap:
    id: str
    account_id: str
    salt: bytes
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class _Opened:
    """A vault, and the wrap that a secret opened. What is done in the secret's name needs that wrap to be there yet."""

    vault: Vault
    wrap_id: str


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What a sign-up gives: an open session, and the recovery code that is shown this once."""

    signed_in: SignedIn
    recovery_code: str


async def create_account(
    database: Database, settings: WalletSettings, *, name: str, passphrase: str, now: datetime
) -> NewAccount:
    """Make a wallet with a fresh vault key, wrapped by the passphrase and by a fresh recovery code."""
    shown_name = _checked_name(name)
    _check_passphrase(passphrase)
    vault = Vault(create_token(), create_vault_key())
    code = create_recovery_code()
    account = Account(
        id=vault.account_id,
        name_digest=_name_digest(settings, name),
        sealed=vault.seal("account", vault.account_id, {"name": shown_name}),
        created_at=now,
    )
    wraps = [
        await _create_passphrase_wrap(settings, vault, passphrase, now),
        _create_recovery_wrap(settings, vault, code, now),
    ]
    async with database.transaction() as session:
        await store.add_account(session, account)
        for wrap in wraps:
            await store.add_wrap(session, wrap)
        signed_in = await _start_session(session, settings, vault, now)
    return NewAccount(signed_in, code)


def door_name(settings: WalletSettings, name: str) -> str:
    """The one form of a name under which visitors try it, which says nothing of the name."""
    return _name_digest(settings, name).hex()


async def sign_in(
    database: Database, settings: WalletSettings, *, name: str, passphrase: str, visitor: Visitor, now: datetime
) -> SignedIn:
    """Open the vault with name and passphrase, or raise SignInError, or LockedOutError after too many tries."""
    name_digest = _name_digest(settings, name)
    async with _counted_try(database, settings, name_digest, visitor, now):
        opened = await _open_with_passphrase(database, settings, name_digest, passphrase)
    async with database.transaction() as session:
        await store.remove_expired(session, now=now, attempts_before=now - settings.sign_in_window)
    async with database.transaction() as session:
        await store.hold_wrap(session, opened.vault.account_id, opened.wrap_id)
        return await _start_session(session, settings, opened.vault, now)


async def find_signed_in(
    database: Database, settings: WalletSettings, *, token: str | None, now: datetime
) -> SignedIn | None:
    """The opened vault of a session token, or None when there is no such live session."""
    if not token:
        return None
    token_hash = hash_token(token)
    async with database.reading() as session:
        found = await store.find_vault_session(
            session, token_hash, now=now, used_after=now - settings.session_idle_lifetime
        )
    if found is None:
        return None
    if now - found.used_at >= _TOUCH_EVERY:
        async with database.transaction() as session:
            await store.touch_vault_session(session, token_hash, now)
    return SignedIn(open_from_session(found.account_id, found.sealed_vault_key, token), token)


async def get_signed_in(database: Database, settings: WalletSettings, *, token: str | None, now: datetime) -> SignedIn:
    signed_in = await find_signed_in(database, settings, token=token, now=now)
    if signed_in is None:
        raise SignedOutError
    return signed_in


async def sign_out(database: Database, token: str) -> None:
    """End the session: the vault key that lay in it is gone with its row."""
    async with database.transaction() as session:
        await store.remove_vault_session(session, hash_token(token))


async def get_account_name(database: Database, vault: Vault) -> str:
    async with database.reading() as session:
        account = await store.get_account(session, vault.account_id)
    return str(vault.open("account", account.id, account.sealed)["name"])


async def recover(
    database: Database,
    settings: WalletSettings,
    *,
    name: str,
    recovery_code: str,
    passphrase: str,
    visitor: Visitor,
    now: datetime,
) -> NewAccount:
    """Open the vault with the recovery code, which one caller can, and set a new passphrase; the code is replaced."""
    _check_passphrase(passphrase)
    name_digest = _name_digest(settings, name)
    async with _counted_try(database, settings, name_digest + _RECOVERING, visitor, now):
        opened = await _open_with_recovery_code(database, settings, name_digest, recovery_code)
    vault, code = opened.vault, create_recovery_code()
    passphrase_wrap = await _create_passphrase_wrap(settings, vault, passphrase, now)
    async with database.transaction() as session:
        await store.replace_wrap(session, opened.wrap_id, _create_recovery_wrap(settings, vault, code, now))
        await store.replace_wraps(session, passphrase_wrap)
        await store.remove_vault_sessions(session, vault.account_id)
        await store.remove_sign_in_attempts(session, _digest_of_tries(name_digest, visitor))
        signed_in = await _start_session(session, settings, vault, now)
    return NewAccount(signed_in, code)


async def change_passphrase(
    database: Database, settings: WalletSettings, signed_in: SignedIn, *, old: str, new: str, now: datetime
) -> None:
    """Replace the passphrase; the old one and every other session no longer open the vault."""
    _check_passphrase(new)
    opened = await _verify_passphrase_of(database, settings, signed_in.vault, old, now)
    wrap = await _create_passphrase_wrap(settings, signed_in.vault, new, now)
    async with database.transaction() as session:
        await store.replace_wrap(session, opened.wrap_id, wrap)
        await store.remove_vault_sessions(session, signed_in.vault.account_id, except_hash=hash_token(signed_in.token))


async def replace_recovery_code(
    database: Database, settings: WalletSettings, vault: Vault, *, passphrase: str, now: datetime
) -> str:
    """Make a new recovery code, shown this once; the one before no longer works.

    What is replaced is the code that was there when this began: of two at the same moment only one shows a code, and
    that one works.
    """
    async with database.reading() as session:
        before = await store.get_wrap(session, vault.account_id, "recovery_code")
    await _verify_passphrase_of(database, settings, vault, passphrase, now)
    code = create_recovery_code()
    async with database.transaction() as session:
        await store.replace_wrap(session, before.id, _create_recovery_wrap(settings, vault, code, now))
    return code


async def erase_account(
    database: Database, settings: WalletSettings, vault: Vault, *, passphrase: str, now: datetime
) -> None:
    """Remove the account and everything it held; nothing of it stays in the database (DOMAIN.md row 20)."""
    await _verify_passphrase_of(database, settings, vault, passphrase, now)
    async with database.transaction() as session:
        account = await store.get_account(session, vault.account_id)
        for kind, visitor in ((b"", _STRANGERS), (_RECOVERING, _STRANGERS), (_SIGNED_IN, _INSIDE)):
            await store.remove_sign_in_attempts(session, _digest_of_tries(account.name_digest + kind, visitor))
        await store.remove_account(session, vault.account_id)
    await database.forget_erased()


async def _verify_passphrase_of(
    database: Database, settings: WalletSettings, vault: Vault, passphrase: str, now: datetime
) -> _Opened:
    """Ask the owner's passphrase again before something that cannot be undone, or raise SignInError.

    Counted apart from signing in: whoever tries at the door under this name locks nobody up who is inside.
    """
    async with database.reading() as session:
        name_digest = (await store.get_account(session, vault.account_id)).name_digest
    async with _counted_try(database, settings, name_digest + _SIGNED_IN, _INSIDE, now):
        return await _open_with_passphrase(database, settings, name_digest, passphrase)


def _digest_of_tries(name_digest: bytes, visitor: Visitor) -> bytes:
    """Under what tries are counted: not the name's own digest, which says that there is such an account."""
    return hmac.digest(name_digest, b"tries" + visitor.counter, "sha256")


@asynccontextmanager
async def _counted_try(
    database: Database, settings: WalletSettings, name_digest: bytes, visitor: Visitor, now: datetime
) -> AsyncIterator[None]:
    """Count a try before it is made, in a transaction of its own, so that simultaneous guesses all count.

    Each visitor has so many, and nobody else's are taken from them; strangers come in turn when together they were
    many (decision 0072). A refused try is not counted again: waiting helps. A good one was no guess.
    """
    own = _new_attempt(name_digest, visitor, now)
    of_strangers = None if visitor.is_known else _new_attempt(name_digest, _STRANGERS, now)
    attempts = [own] if of_strangers is None else [own, of_strangers]
    async with database.transaction() as session:
        for attempt in attempts:
            await store.add_sign_in_attempt(session, attempt)
    async with database.transaction() as session:
        refusal = await _find_refusal(session, settings, own, of_strangers, now)
        for attempt in attempts if refusal is not None else ():
            await store.remove_sign_in_attempt(session, attempt.id)
    if refusal is not None:
        raise refusal
    yield
    async with database.transaction() as session:
        await store.remove_sign_in_attempts(session, own.name_digest)
        if of_strangers is not None:
            await store.remove_sign_in_attempt(session, of_strangers.id)


def _new_attempt(name_digest: bytes, visitor: Visitor, now: datetime) -> SignInAttempt:
    return SignInAttempt(id=create_token(16), name_digest=_digest_of_tries(name_digest, visitor), tried_at=now)


async def _find_refusal(
    session: store.Session,
    settings: WalletSettings,
    own: SignInAttempt,
    of_strangers: SignInAttempt | None,
    now: datetime,
) -> LockedOutError | None:
    """Why this try is not made, with all that stands beside it: too many of one visitor, or not a stranger's turn."""
    since = now - settings.sign_in_window
    tries, first = await store.count_sign_in_attempts(session, own.name_digest, since=since)
    if tries > settings.sign_in_tries:
        return LockedOutError(first + settings.sign_in_window)
    if of_strangers is None:
        return None
    digest = of_strangers.name_digest
    tries, _ = await store.count_sign_in_attempts(session, digest, since=since)
    in_turn, _ = await store.count_sign_in_attempts(session, digest, since=now - settings.sign_in_turn)
    is_crowded = tries > settings.sign_in_tries_of_name and in_turn > 1
    return InTurnError(now + settings.sign_in_turn) if is_crowded else None


async def _open_with_passphrase(
    database: Database, settings: WalletSettings, name_digest: bytes, passphrase: str
) -> _Opened:
    wrap = await _find_wrap(database, name_digest, "passphrase")
    # Measured as it is compared: composing may make a text longer.
    typed = normalize("NFC", passphrase)
    if not 1 <= len(typed) <= MAXIMUM_PASSPHRASE_LENGTH:
        raise SignInError
    try:
        vault = await unwrap_with_passphrase(
            settings.sealing_key(), wrap.account_id, wrap.wrapped_key, typed, salt=wrap.salt
        )
    except (WrongSecretError, SealError) as exc:
        raise SignInError from exc
    return _Opened(vault, wrap.id)


async def _open_with_recovery_code(
    database: Database, settings: WalletSettings, name_digest: bytes, recovery_code: str
) -> _Opened:
    wrap = await _find_wrap(database, name_digest, "recovery_code")
    try:
        vault = unwrap_with_recovery_code(
            settings.sealing_key(), wrap.account_id, wrap.wrapped_key, recovery_code, salt=wrap.salt
        )
    except (WrongSecretError, SealError) as exc:
        raise RecoveryCodeError from exc
    return _Opened(vault, wrap.id)


async def _find_wrap(database: Database, name_digest: bytes, kind: WrapKind) -> _Wrap:
    """The account's wrap; for an account that does not exist one of the same shape that nothing opens (A-54)."""
    async with database.reading() as session:
        account = await store.find_account_by_name_digest(session, name_digest)
        found = await store.find_wraps(session, account.id, kind) if account else []
    if not found:
        return _Wrap("", "", name_digest[:16], secrets.token_bytes(150))
    return _Wrap(found[0].id, found[0].account_id, found[0].salt, found[0].wrapped_key)


async def _start_session(session: store.Session, settings: WalletSettings, vault: Vault, now: datetime) -> SignedIn:
    token = create_token()
    await store.add_vault_session(
        session,
        VaultSession(
            token_hash=hash_token(token),
            account_id=vault.account_id,
            sealed_vault_key=seal_for_session(vault, token),
            created_at=now,
            used_at=now,
            expires_at=now + settings.session_lifetime,
        ),
    )
    return SignedIn(vault, token)


async def _create_passphrase_wrap(settings: WalletSettings, vault: Vault, passphrase: str, now: datetime) -> VaultWrap:
    salt = create_salt()
    wrapped = await wrap_with_passphrase(settings.sealing_key(), vault, normalize("NFC", passphrase), salt=salt)
    return _wrap_row(vault, "passphrase", salt, wrapped, now)


def _create_recovery_wrap(settings: WalletSettings, vault: Vault, code: str, now: datetime) -> VaultWrap:
    salt = create_salt()
    return _wrap_row(
        vault, "recovery_code", salt, wrap_with_recovery_code(settings.sealing_key(), vault, code, salt=salt), now
    )


def _wrap_row(vault: Vault, kind: WrapKind, salt: bytes, wrapped: bytes, now: datetime) -> VaultWrap:
    return VaultWrap(
        id=secrets.token_urlsafe(16),
        account_id=vault.account_id,
        kind=kind,
        salt=salt,
        wrapped_key=wrapped,
        created_at=now,
    )


def _name_digest(settings: WalletSettings, name: str) -> bytes:
    key = settings.sealing_key().derive("wallet/account-name")
    return hmac.digest(key, normalize("NFKC", name).strip().casefold().encode(), "sha256")


def _checked_name(name: str) -> str:
    shown = " ".join(name.split())
    if not 2 <= len(shown) <= 100 or not shown.isprintable():
        raise AccountNameError
    return shown


def _check_passphrase(passphrase: str) -> None:
    typed = normalize("NFC", passphrase)
    if not MINIMUM_PASSPHRASE_LENGTH <= len(typed) <= MAXIMUM_PASSPHRASE_LENGTH:
        raise PassphraseError
    if len(set(passphrase.casefold())) < 5:
        raise PassphraseError
