"""Staff: people who work for an issuer or a verifier and sign in with a passphrase.

    class Operator(OperatorMixin, Base):
        __tablename__ = "operator"
        organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"))

    operator_id = await verify_operator(database, Operator, email, passphrase, now=now)     # or SignInError

A try is counted before the passphrase is looked at, in a transaction of its own, so that eight simultaneous guesses
are eight tries. After five the account rests for a quarter of an hour. An unknown address takes as long and gets the
same answer as a wrong passphrase (A-54). That a stranger can make an account rest is the price.
"""

import uuid
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import String, case, or_, update
from sqlalchemy.orm import Mapped, mapped_column

from runtime.database import Database, UtcDateTime
from runtime.encryption import (
    MAXIMUM_PASSPHRASE_LENGTH,
    MINIMUM_PASSPHRASE_LENGTH,
    hash_passphrase,
    verify_passphrase,
)
from runtime.errors import Problem

MAX_TRIES: Final = 5
LOCK_TIME: Final = timedelta(minutes=15)


class SignInError(Exception):
    """Not signed in. One class for every reason, so that the page cannot tell more than it should."""


class OperatorMixin:
    """The columns that every service's staff has; the service adds for whom they work."""

    id: Mapped[str] = mapped_column(String(36), primary_key=True, default=lambda: str(uuid.uuid4()))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """In the form of `normalise_email`."""
    name: Mapped[str] = mapped_column(String(200))
    passphrase_hash: Mapped[str] = mapped_column(String(200))
    failed_tries: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


M = TypeVar("M", bound=OperatorMixin)


def normalise_email(text: str) -> str:
    """How an address is stored and looked up.

    A letter outside ASCII never becomes one inside: the Kelvin sign is no k, and its mailbox somebody else's.
    """
    if text.isascii():
        return text.strip().lower()
    lowered = [(character, character.lower()) for character in text.strip()]
    return "".join(given if lower.isascii() and not given.isascii() else lower for given, lower in lowered)


async def hash_new_passphrase(passphrase: str) -> str:
    """The hash of a passphrase that somebody chooses, or a `Problem` when it is too short or too long.

    Length is the only rule, as NIST SP 800-63B §3.1.1.2 advises: no classes of characters, no forced change.
    """
    if not MINIMUM_PASSPHRASE_LENGTH <= len(passphrase) <= MAXIMUM_PASSPHRASE_LENGTH:
        raise Problem(
            400,
            "passphrase_length",
            f"A passphrase has {MINIMUM_PASSPHRASE_LENGTH} to {MAXIMUM_PASSPHRASE_LENGTH} characters.",
            fields={"passphrase": "length"},
        )
    return await hash_passphrase(passphrase)


async def verify_operator(database: Database, model: type[M], email: str, passphrase: str, *, now: datetime) -> str:
    """The id of the operator with this address and passphrase, or `SignInError`."""
    found = await _count_try(database, model, normalise_email(email), now)
    operator_id, stored = found or (None, None)
    if not await verify_passphrase(stored, passphrase) or operator_id is None:
        raise SignInError
    async with database.transaction() as session:
        await session.execute(
            update(model)
            .where(model.id == operator_id)
            .values(failed_tries=0, locked_until=None, last_signed_in_at=now)
        )
    return operator_id


async def _count_try(database: Database, model: type[M], email: str, now: datetime) -> tuple[str, str] | None:
    """Count one try and return what it is checked against; None for nobody, and for an account that rests."""
    tries = case((model.locked_until.is_not(None), 1), else_=model.failed_tries + 1)
    statement = (
        update(model)
        .where(model.email == email, or_(model.locked_until.is_(None), model.locked_until <= now))
        .values(failed_tries=tries, locked_until=case((tries >= MAX_TRIES, now + LOCK_TIME), else_=None))
        .returning(model.id, model.passphrase_hash)
    )
    async with database.transaction() as session:
        row = (await session.execute(statement)).one_or_none()
    return None if row is None else (row[0], row[1])
