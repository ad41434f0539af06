"""Who is signed in, in this browser: server-side sessions behind a cookie that holds nothing but a random token.

    class OperatorSession(BrowserSessionMixin, Base):
        __tablename__ = "operator_session"
        operator_id: Mapped[str] = mapped_column(ForeignKey("operator.id", ondelete="CASCADE"))

    token = await start_session(session, OperatorSession, now=now, operator_id=operator.id)
    set_session_cookie(response, request, token)                              # runtime.web.cookies

    found = await find_session(session, OperatorSession, session_token(request), now=now)
    token = await renew_session(session, found, now=now)                      # at a change of rights
    await end_session(session, OperatorSession, session_token(request))       # sign out

Signing in always starts a new session: the token that a stranger may have planted before is worth nothing after
(session fixation). Only the hash of the token is stored.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from sqlalchemy import LargeBinary, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from runtime.database import UtcDateTime
from runtime.tokens import create_token, hash_token

# A working day, and half an hour without a click on a machine that others may use too.
SESSION_LIFETIME: Final = timedelta(hours=12)
IDLE_LIFETIME: Final = timedelta(minutes=30)
# Reading a page should not write each time: the moment last seen is kept this coarsely.
_SEEN_STEP: Final = timedelta(minutes=1)


class BrowserSessionMixin:
    """The columns that every kind of browser session has; the service adds whose it is."""

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


M = TypeVar("M", bound=BrowserSessionMixin)


async def start_session(
    session: AsyncSession, model: type[M], *, now: datetime, lifetime: timedelta = SESSION_LIFETIME, **columns: Any
) -> str:
    """Begin a session and return its token, which is stored nowhere; expired ones are swept out on the way."""
    await session.execute(delete(model).where(model.expires_at <= now))
    token = create_token()
    columns |= {"started_at": now, "last_seen_at": now, "expires_at": now + lifetime}
    create: Callable[..., M] = model  # the service's class takes its own columns too
    session.add(create(token_hash=hash_token(token), **columns))
    await session.flush()
    return token


async def find_session(
    session: AsyncSession, model: type[M], token: str | None, *, now: datetime, idle: timedelta = IDLE_LIFETIME
) -> M | None:
    """The live session of this token; None when there is none, when it ended, or when it was idle for too long."""
    if not token:
        return None
    found = await session.scalar(
        select(model).where(
            model.token_hash == hash_token(token), model.expires_at > now, model.last_seen_at > now - idle
        )
    )
    if found is not None and now - found.last_seen_at >= _SEEN_STEP:
        found.last_seen_at = now
    return found


async def renew_session(session: AsyncSession, found: BrowserSessionMixin, *, now: datetime) -> str:
    """Give a session a new token; the old one opens nothing any more."""
    token = create_token()
    found.token_hash = hash_token(token)
    found.last_seen_at = now
    await session.flush()
    return token


async def end_session(session: AsyncSession, model: type[M], token: str | None) -> None:
    """Forget the session of this token, if there is one."""
    if token:
        await session.execute(delete(model).where(model.token_hash == hash_token(token)))
