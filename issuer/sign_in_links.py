"""One-time links: how somebody proves that an e-mail address is theirs where no OpenID Provider says so.

The link works once, for a quarter of an hour, and only in the browser that asked for it; for whoever reads mail
elsewhere it comes with six digits to type there. Whether an address is known makes no difference that anybody could
see: the same rows are written and the same words said (A-54). Without mail the organisation's staff hand the link over.
"""

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from issuer import store
from issuer.authorization import PendingAuthorization, sign_in
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import NotFoundError, SignInLinkError, TooManyCodesError, TooManySignInsError
from issuer.holders import Subject, list_own_awards
from issuer.models import SignInLink
from issuer.settings import IssuerSettings
from issuer.store import Session
from runtime.database import Database
from runtime.tokens import create_numeric_code, create_token, hash_token

_HOUR: Final = timedelta(hours=1)
_CODE_LENGTH: Final = 6
_EMAIL: Final = re.compile(r"[^@\s<>]{1,64}@[^@\s<>]+\.[^@\s<>]+")


@dataclass(frozen=True, slots=True)
class SignInSecrets:
    """What proves an address: the address of the page to open, or the digits to type."""

    email: str
    link: str
    code: str


@dataclass(frozen=True, slots=True)
class WaitingSignIn:
    """Somebody who waits for a link that staff hand over."""

    id: UUID
    email: str
    asked_at: datetime
    expires_at: datetime


def is_email(text: str) -> bool:
    """Whether a link could be sent to this."""
    return len(text) <= 254 and text.isprintable() and _EMAIL.fullmatch(text.strip()) is not None


async def create_sign_in_link(
    database: Database,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    pending: PendingAuthorization,
    email: str,
    *,
    source: str,
    now: datetime,
) -> SignInSecrets | None:
    """Make a link for this address; None when no award names it, or when staff hand it over. A-54.

    Tries are counted in transactions of their own: for each source, for each address, and for what one source may
    take of those, so that nobody can lock somebody else out by asking for them.
    """
    subject = Subject.of_email(email)
    await _count(database, settings, source=source, email=subject.value, now=now)
    token, code = create_token(32), create_numeric_code(_CODE_LENGTH)
    secrets = SignInSecrets(subject.value, issuer.endpoint(f"sign-in-link/{token}"), code)
    link_id = store.new_id()
    async with database.transaction() as session:
        is_known = bool(await list_own_awards(session, settings, issuer, subject))
        sealed = settings.seal.seal(json.dumps([secrets.link, code]).encode(), context=_secrets_context(link_id))
        link = SignInLink(
            id=link_id,
            organisation_id=issuer.organisation_id,
            authorization_id=pending.id,
            token_hash=hash_token(token),
            code_hash=_hash_code(settings, pending.id, code),
            sealed_subject=subject.seal(settings, context=_subject_context(link_id)),
            sealed_secrets=sealed if is_known and not settings.sends_mail else None,
            created_at=now,
            expires_at=now + settings.sign_in_link_lifetime,
        )
        await store.add_row(session, link)
    return secrets if is_known and settings.sends_mail else None


async def _count(database: Database, settings: IssuerSettings, *, source: str, email: str, now: datetime) -> None:
    limits = {
        _counter(settings, "source", source): settings.sign_in_links_per_source,
        _counter(settings, "address and source", f"{email}\n{source}"): settings.sign_in_links_per_address_and_source,
        _counter(settings, "address", email): settings.sign_in_links_per_address,
    }
    if not await _take_tries(database, limits, now=now):
        raise TooManySignInsError


async def _take_tries(database: Database, limits: Mapping[bytes, int], *, now: datetime) -> bool:
    """Take a try under each counter in turn; False where one has none left, and then none under those after it."""
    for counter, limit in limits.items():
        async with database.transaction() as session:
            if not await store.count_source_try(session, counter, limit=limit, since=now - _HOUR, now=now):
                return False
    return True


def _counter(settings: IssuerSettings, kind: str, value: str) -> bytes:
    """What tries are counted under: nobody's address is kept for it."""
    return hmac.digest(settings.source_key, f"sign-in {kind}\n{value}".encode(), "sha256")


async def has_sign_in_link(session: Session, pending: PendingAuthorization, *, now: datetime) -> bool:
    """Whether a link was asked for that may still be used."""
    return await store.has_sign_in_link(session, pending.id, now)


async def spend_sign_in_link(
    session: Session, settings: IssuerSettings, pending: PendingAuthorization, token: str, *, now: datetime
) -> str:
    """Sign in with a link, once, in the browser that asked for it; the browser's new secret, or SignInLinkError."""
    link = await store.spend_sign_in_link(session, hash_token(token), pending.id, now)
    if link is None:
        raise SignInLinkError
    return await _sign_in(session, settings, pending, link, now)


async def spend_sign_in_code(
    database: Database,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    pending: PendingAuthorization,
    code: str,
    *,
    source: str,
    now: datetime,
) -> str:
    """Sign in with the digits that came with a link, or raise SignInLinkError or TooManyCodesError. A-25.

    A try is counted before it is compared, in transactions of their own: for its source and for the organisation, so
    that many links are no more tries, and for the link, which five end. A right code is no guess, and is given back.
    """
    counters = await _count_code_try(database, settings, issuer, source=source, now=now)
    renewed = await _spend_code(database, settings, pending, code, now)
    async with database.transaction() as session:
        for counter in counters:
            await store.give_back_source_try(session, counter)
    return renewed


async def _count_code_try(
    database: Database, settings: IssuerSettings, issuer: CredentialIssuer, *, source: str, now: datetime
) -> Sequence[bytes]:
    """Take a try of the source, and then one of the organisation: whoever has none left uses up nobody else's."""
    organisation = str(issuer.organisation_id)
    limits = {
        _counter(settings, "code source", source): settings.sign_in_code_tries_per_source,
        _counter(settings, "code organisation", organisation): settings.sign_in_code_tries_per_organisation,
    }
    if not await _take_tries(database, limits, now=now):
        raise TooManyCodesError
    return list(limits)


async def _spend_code(
    database: Database, settings: IssuerSettings, pending: PendingAuthorization, code: str, now: datetime
) -> str:
    given = _hash_code(settings, pending.id, "".join(code.split()))
    async with database.transaction() as session:
        links = await store.count_sign_in_tries(session, pending.id, limit=settings.sign_in_code_tries, now=now)
    right = [link for link in links if hmac.compare_digest(link.code_hash, given)]
    if not right:
        raise SignInLinkError
    async with database.transaction() as session:
        link = await store.spend_sign_in_link(session, right[0].token_hash, pending.id, now)
        if link is None:
            raise SignInLinkError
        return await _sign_in(session, settings, pending, link, now)


async def _sign_in(
    session: Session, settings: IssuerSettings, pending: PendingAuthorization, link: SignInLink, now: datetime
) -> str:
    subject = Subject.unseal(settings, link.sealed_subject, context=_subject_context(link.id))
    return await sign_in(session, settings, pending.id, subject, now=now)


async def list_waiting_sign_ins(
    session: Session, settings: IssuerSettings, issuer: CredentialIssuer, *, now: datetime
) -> Sequence[WaitingSignIn]:
    """Who waits for staff to hand over a link, the longest first."""
    return [
        WaitingSignIn(
            link.id,
            Subject.unseal(settings, link.sealed_subject, context=_subject_context(link.id)).value,
            link.created_at,
            link.expires_at,
        )
        for link in await store.list_waiting_sign_in_links(session, issuer.organisation_id, now)
    ]


async def reveal_sign_in_link(
    session: Session,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    link_id: UUID,
    *,
    actor: str,
    now: datetime,
) -> SignInSecrets:
    """The link and code of somebody who waits, for the one member of staff who is first; then they are gone."""
    found = await store.take_sign_in_secrets(session, issuer.organisation_id, link_id, now)
    if found is None:
        raise NotFoundError
    link, sealed = found
    address, code = json.loads(settings.seal.open(sealed, context=_secrets_context(link.id)))
    subject = Subject.unseal(settings, link.sealed_subject, context=_subject_context(link.id))
    await store.add_audit(session, issuer.organisation_id, actor, "sign_in.reveal", str(link.id), None, now)
    return SignInSecrets(subject.value, address, code)


def _hash_code(settings: IssuerSettings, authorization_id: UUID, code: str) -> bytes:
    return hmac.digest(settings.sign_in_code_key, f"{authorization_id}\n{code}".encode(), "sha256")


def _subject_context(link_id: UUID) -> str:
    return f"issuer/sign-in-link-subject/{link_id}"


def _secrets_context(link_id: UUID) -> str:
    return f"issuer/sign-in-link-secrets/{link_id}"
