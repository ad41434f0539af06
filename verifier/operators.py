"""The people of a relying party: who may sign in, and who is at this browser.

Signing in, its counting of tries and its lock-out are the shell's (`runtime.web.operators`); here stands for which
relying party somebody works, so that nobody ever sees another's questions or answers (PROFILE.md A-52).
"""

from dataclasses import dataclass
from datetime import datetime

from runtime.database import Database
from runtime.web.browser_session import end_session, find_session, start_session
from runtime.web.operators import hash_new_passphrase, normalise_email, verify_operator
from runtime.web.visitors import Visitor
from verifier import store
from verifier.errors import InputError, OperatorExistsError
from verifier.models import BrowserSession, GuessingSource, Operator, RelyingParty
from verifier.store import Session


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An operator at a browser, and for whom they work."""

    session_id: str
    operator: Operator
    relying_party: RelyingParty


async def create_operator(database: Database, relying_party_id: str, *, email: str, name: str, passphrase: str) -> str:
    """Let somebody sign in for a relying party. The passphrase is hashed outside any transaction: that takes time."""
    email = normalise_email(email)
    if "@" not in email or len(email) > 254:
        raise InputError(fields={"email": "pattern"})
    operator = Operator(
        email=email, name=name, passphrase_hash=await hash_new_passphrase(passphrase), relying_party_id=relying_party_id
    )
    async with database.transaction() as session:
        if not await store.add_row_unless_taken(session, operator):
            raise OperatorExistsError
    return operator.id


async def sign_in(
    database: Database, *, email: str, passphrase: str, visitor: Visitor, earlier_token: str | None, now: datetime
) -> tuple[str, str]:
    """A fresh session's token and the slug of the relying party, or `SignInError`. The earlier session ends."""
    operator_id = await verify_operator(database, Operator, GuessingSource, email, passphrase, visitor=visitor, now=now)
    async with database.transaction() as session:
        operator = await store.get_operator(session, operator_id)
        relying_party = await store.get_relying_party(session, operator.relying_party_id)
        await end_session(session, BrowserSession, earlier_token)
        token = await start_session(session, BrowserSession, now=now, operator_id=operator_id)
    return token, relying_party.slug


async def sign_out(session: Session, token: str | None) -> None:
    await end_session(session, BrowserSession, token)


async def find_signed_in(session: Session, token: str | None, *, now: datetime) -> SignedIn | None:
    """Who is signed in at this browser; None for nobody, and for a candidate."""
    found = await find_session(session, BrowserSession, token, now=now)
    if found is None or found.operator_id is None:
        return None
    operator = await store.get_operator(session, found.operator_id)
    relying_party = await store.get_relying_party(session, operator.relying_party_id)
    return SignedIn(found.id, operator, relying_party)


async def find_browser(session: Session, token: str | None, *, now: datetime) -> str | None:
    """The id of this browser's session, whoever sits at it."""
    found = await find_session(session, BrowserSession, token, now=now)
    return None if found is None else found.id


async def start_browser(session: Session, *, now: datetime) -> tuple[str, str]:
    """A session for a candidate, who signs in nowhere: its id, and the token for the cookie."""
    token = await start_session(session, BrowserSession, now=now)
    found = await find_session(session, BrowserSession, token, now=now)
    if found is None:
        raise RuntimeError("a session that was just begun is not there")
    return found.id, token
