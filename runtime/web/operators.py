"""Staff: people who work for an issuer or a verifier and sign in with a passphrase.

    class Operator(OperatorMixin, Base):
        __tablename__ = "operator"
        organisation_id: Mapped[str] = mapped_column(ForeignKey("organisation.id"))

    operator_id = await verify_operator(
        database, Operator, GuessingSource, email, passphrase, visitor=visitor, now=now
    )                                                                                       # or SignInError

A try is counted before the passphrase is looked at, in a transaction of its own, so that eight simultaneous guesses
are eight tries. After five a visitor rests for a quarter of an hour, and nobody else does. After fifty wrong tries
from everywhere strangers come in turn, one every twenty seconds; a browser that was let in before does not wait. An
unknown address takes as long and gets the same answer as a wrong passphrase (A-54). Decision 0072.
"""

import uuid
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import Select, String, case, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.dml import ReturningUpdate

from runtime.database import Database, UtcDateTime
from runtime.encryption import (
    MAXIMUM_PASSPHRASE_LENGTH,
    MINIMUM_PASSPHRASE_LENGTH,
    hash_passphrase,
    verify_passphrase,
)
from runtime.errors import Problem
from runtime.guessing import GuessingSourceMixin, forget_tries, take_try
from runtime.web.visitors import Visitor

MAX_TRIES: Final = 5
LOCK_TIME: Final = timedelta(minutes=15)
TRIES_OF_NAME: Final = 50
TURN: Final = timedelta(seconds=20)
# Nothing is counted for longer.
_SWEPT_AFTER: Final = timedelta(days=1)


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
    """Of strangers, since somebody was last let in."""
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """For strangers, who come in turn by now."""
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


async def verify_operator(
    database: Database,
    model: type[M],
    sources: type[GuessingSourceMixin],
    email: str,
    passphrase: str,
    *,
    visitor: Visitor,
    now: datetime,
) -> str:
    """The id of the operator with this address and passphrase, or `SignInError`. A-52, A-54."""
    found = await _count_try(database, model, sources, normalise_email(email), visitor, now)
    operator_id, stored = found or (None, None)
    if not await verify_passphrase(stored, passphrase) or operator_id is None:
        raise SignInError
    async with database.transaction() as session:
        await session.execute(
            update(model)
            .where(model.id == operator_id)
            .values(failed_tries=0, locked_until=None, last_signed_in_at=now)
        )
        await forget_tries(session, sources, visitor.counter, before=now - _SWEPT_AFTER)
    return operator_id


async def _count_try(
    database: Database,
    model: type[M],
    sources: type[GuessingSourceMixin],
    email: str,
    visitor: Visitor,
    now: datetime,
) -> tuple[str, str] | None:
    """Count one try and return what it is checked against; None for nobody, and for a visitor who rests or waits."""
    async with database.transaction() as session:
        if not await take_try(session, sources, visitor.counter, limit=MAX_TRIES, since=now - LOCK_TIME, now=now):
            return None
        statement = _known(model, email) if visitor.is_known else _in_turn(model, email, now)
        return next(((row[0], row[1]) for row in await session.execute(statement)), None)


def _known(model: type[M], email: str) -> Select[str, str]:
    return select(model.id, model.passphrase_hash).where(model.email == email)


def _in_turn(model: type[M], email: str, now: datetime) -> ReturningUpdate[str, str]:
    """Count a stranger, and once there were too many let in one at a time: of simultaneous strangers one wins."""
    tries = model.failed_tries + 1
    return (
        update(model)
        .where(model.email == email, or_(model.locked_until.is_(None), model.locked_until <= now))
        .values(failed_tries=tries, locked_until=case((tries >= TRIES_OF_NAME, now + TURN), else_=None))
        .returning(model.id, model.passphrase_hash)
    )
