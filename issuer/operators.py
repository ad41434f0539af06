"""Operators: an organisation's staff, who sign in to its back office. The passphrase rules are runtime's."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from issuer import store
from issuer.credential_issuer import CredentialIssuer, credential_issuer, get_issuer
from issuer.errors import N_, ConflictError
from issuer.input import Input
from issuer.models import BrowserSession, GuessingSource, Operator
from issuer.settings import IssuerSettings
from issuer.store import Session
from runtime.database import Database
from runtime.web.browser_session import end_session, find_session, start_session
from runtime.web.operators import SignInError, hash_new_passphrase, normalise_email, verify_operator
from runtime.web.visitors import Visitor

__all__ = [
    "OperatorDescription",
    "SignInError",
    "SignedIn",
    "create_operator",
    "find_signed_in",
    "operator_actor",
    "sign_in",
    "sign_out",
]


class OperatorDescription(Input):
    """A new member of staff."""

    email: Annotated[str, StringConstraints(pattern=r"^[^@\s<>]+@[^@\s<>]+$", max_length=254)]
    name: str = Field(min_length=1, max_length=200)
    passphrase: str = Field(max_length=1000, repr=False)


def operator_actor(operator_id: str) -> str:
    """How a member of staff is named in the audit: by an identifier that says nothing without the operator's row."""
    return f"operator {operator_id}"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in, and for which organisation they work."""

    operator_id: str
    name: str
    issuer: CredentialIssuer

    @property
    def actor(self) -> str:
        """How the audit names this person."""
        return operator_actor(self.operator_id)


async def create_operator(
    database: Database,
    settings: IssuerSettings,
    slug: str,
    description: OperatorDescription,
    *,
    actor: str,
    now: datetime,
) -> str:
    """Add an operator and return their identifier; hashing the passphrase happens outside the transaction."""
    passphrase_hash = await hash_new_passphrase(description.passphrase)
    async with database.transaction() as session:
        issuer = await get_issuer(session, settings, slug)
        operator = Operator(
            id=str(store.new_id()),
            organisation_id=issuer.organisation_id,
            email=normalise_email(description.email),
            name=description.name,
            passphrase_hash=passphrase_hash,
        )
        if not await store.add_operator(session, operator):
            raise ConflictError(N_("Er is al iemand met dit e-mailadres."))
        await store.add_audit(session, issuer.organisation_id, actor, "operator.create", operator.id, None, now)
    return operator.id


async def sign_in(database: Database, email: str, passphrase: str, *, visitor: Visitor, now: datetime) -> str:
    """Start a browser session and return its token, or raise SignInError."""
    operator_id = await verify_operator(database, Operator, GuessingSource, email, passphrase, visitor=visitor, now=now)
    async with database.transaction() as session:
        return await start_session(session, BrowserSession, now=now, operator_id=operator_id)


async def find_signed_in(
    session: Session, settings: IssuerSettings, token: str | None, *, now: datetime
) -> SignedIn | None:
    """Who is signed in with this browser session."""
    browser = await find_session(session, BrowserSession, token, now=now)
    found = None if browser is None else await store.find_operator(session, browser.operator_id)
    if found is None:
        return None
    operator, organisation = found
    return SignedIn(operator.id, operator.name, credential_issuer(organisation, settings))


async def sign_out(session: Session, token: str | None) -> None:
    """End a browser session."""
    await end_session(session, BrowserSession, token)
