"""All of the wallet's queries. Every read and write names the account, so that nobody reaches another's rows.

Nothing here opens what is sealed, and nothing commits: the caller's transaction does. What a person may
do once is done in one statement (`spend_offer`, `spend_request`): eight callers, one winner.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from runtime.guessing import take_try
from wallet.errors import (
    NameTakenError,
    NotFoundError,
    OfferBusyError,
    OfferExpiredError,
    OfferSpentError,
    PlatformBusyError,
    RequestAnsweredError,
    RequestExpiredError,
    SecretReplacedError,
    SignedOutError,
    SkillClaimedError,
    TooManyClaimsError,
    TooManyPlatformsError,
)
from wallet.models import (
    Account,
    ApiClient,
    ApiCounter,
    ApiProfile,
    Connection,
    ConnectionToken,
    Credential,
    CredentialCopy,
    CredentialForm,
    HistoryEntry,
    HolderKey,
    ImportedBadge,
    Offer,
    PlatformClient,
    PlatformConnection,
    PresentationRequest,
    Renewal,
    ShelvedBadge,
    SignInAttempt,
    SkillClaim,
    VaultSession,
    VaultWrap,
)

Session = AsyncSession

_ANSWERED_REQUEST_MEMORY = timedelta(days=30)
# Longer than all requests of one receipt together may take; after a crash the offer can be taken up again.
_OFFER_LEASE = timedelta(minutes=5)
_SPENDABLE = ("open", "authorizing", "redeemed", "unchecked", "deferred")
# A token came, badges came, or the issuer prepares them: none of it is forgotten before its owner heard of it.
_PROMISED = ("redeemed", "unchecked", "deferred")
_SETTLED = ("failed", "received", "deferred")
_BEGINNABLE = ("open", "authorizing", "redeeming", "failed")
# Longer than anything is counted by them.
_COUNTERS_REMEMBERED = timedelta(days=1)
# Longer than reading an offer with all its metadata may take.
_FETCH_LEASE = timedelta(minutes=2)
# Longer than all requests of one visit to a platform may take.
_PLATFORM_LEASE = timedelta(minutes=5)
# A registration that nobody of this wallet used for so long; whoever comes back registers anew.
_UNUSED_CLIENT_MEMORY = timedelta(days=400)


# --- accounts, wraps, sessions, attempts


async def add_account(session: Session, account: Account) -> None:
    """Keep a new account, or raise NameTakenError: the unique index decides, not a look beforehand."""
    session.add(account)
    try:
        await session.flush()
    except IntegrityError as exc:
        raise NameTakenError from exc


async def find_account_by_name_digest(session: Session, name_digest: bytes) -> Account | None:
    return await session.scalar(select(Account).where(Account.name_digest == name_digest))


async def get_account(session: Session, account_id: str) -> Account:
    """The account, or SignedOutError: its owner erased it meanwhile."""
    account = await session.get(Account, account_id)
    if account is None:
        raise SignedOutError("the account is gone")
    return account


async def remove_account(session: Session, account_id: str) -> None:
    """Erase an account, and with it every row of it; `runtime.database` has SQLite overwrite what is freed."""
    await _lock_account(session, account_id)
    await session.execute(delete(Account).where(Account.id == account_id))


async def _hold_account(session: Session, account_id: str) -> None:
    """Keep the account from being erased while something of it changes, or raise SignedOutError: it is gone.

    Every transaction that changes several rows of an account begins with this or with `_lock_account`: in another
    order two of them could wait for each other on PostgreSQL.
    """
    query = select(Account.id).where(Account.id == account_id).with_for_update(read=True, key_share=True)
    if await session.scalar(query) is None:
        raise SignedOutError("the account is gone")


async def _lock_account(session: Session, account_id: str) -> None:
    """The same, alone: others that change this account wait."""
    if await session.scalar(select(Account.id).where(Account.id == account_id).with_for_update()) is None:
        raise SignedOutError("the account is gone")


async def find_wraps(session: Session, account_id: str, kind: str) -> Sequence[VaultWrap]:
    found = await session.scalars(select(VaultWrap).where(VaultWrap.account_id == account_id, VaultWrap.kind == kind))
    return found.all()


async def get_wrap(session: Session, account_id: str, kind: str) -> VaultWrap:
    """The one wrap of this kind, which every account has; or SignedOutError: the account is gone."""
    found = await find_wraps(session, account_id, kind)
    if not found:
        raise SignedOutError("the account is gone")
    return found[0]


async def add_wrap(session: Session, wrap: VaultWrap) -> None:
    session.add(wrap)
    await session.flush()


async def hold_wrap(session: Session, account_id: str, wrap_id: str) -> None:
    """Keep a secret from being replaced while something is done in its name, or raise SecretReplacedError."""
    await _hold_account(session, account_id)
    if await session.get(VaultWrap, wrap_id) is None:
        raise SecretReplacedError


async def replace_wrap(session: Session, wrap_id: str, wrap: VaultWrap) -> None:
    """Put a new secret in the place of this one, or raise SecretReplacedError: somebody did before; one caller wins."""
    await _lock_account(session, wrap.account_id)
    old = delete(VaultWrap).where(VaultWrap.id == wrap_id, VaultWrap.account_id == wrap.account_id)
    if await session.scalar(old.returning(VaultWrap.id)) is None:
        raise SecretReplacedError
    await add_wrap(session, wrap)


async def replace_wraps(session: Session, wrap: VaultWrap) -> None:
    """Put one wrap in the place of all of its kind: the old secret no longer opens the vault."""
    await _lock_account(session, wrap.account_id)
    await session.execute(delete(VaultWrap).where(VaultWrap.account_id == wrap.account_id, VaultWrap.kind == wrap.kind))
    await add_wrap(session, wrap)


async def add_vault_session(session: Session, vault_session: VaultSession) -> None:
    session.add(vault_session)
    await session.flush()


async def find_vault_session(
    session: Session, token_hash: bytes, *, now: datetime, used_after: datetime
) -> VaultSession | None:
    """The live session of a token: neither past its end nor left unused too long."""
    return await session.scalar(
        select(VaultSession).where(
            VaultSession.token_hash == token_hash,
            VaultSession.expires_at > now,
            VaultSession.used_at > used_after,
        )
    )


async def touch_vault_session(session: Session, token_hash: bytes, now: datetime) -> None:
    await session.execute(update(VaultSession).where(VaultSession.token_hash == token_hash).values(used_at=now))


async def remove_vault_session(session: Session, token_hash: bytes) -> None:
    await session.execute(delete(VaultSession).where(VaultSession.token_hash == token_hash))


async def remove_vault_sessions(session: Session, account_id: str, *, except_hash: bytes | None = None) -> None:
    """End an account's sessions, all or all but one."""
    query = delete(VaultSession).where(VaultSession.account_id == account_id)
    if except_hash is not None:
        query = query.where(VaultSession.token_hash != except_hash)
    await session.execute(query)


async def add_sign_in_attempt(session: Session, attempt: SignInAttempt) -> None:
    session.add(attempt)
    await session.flush()


async def count_sign_in_attempts(session: Session, name_digest: bytes, *, since: datetime) -> tuple[int, datetime]:
    """How often this name was tried since then, and when the first of those tries was."""
    row = (
        await session.execute(
            select(func.count(), func.min(SignInAttempt.tried_at)).where(
                SignInAttempt.name_digest == name_digest, SignInAttempt.tried_at > since
            )
        )
    ).one()
    return int(row[0]), row[1] or since


async def remove_sign_in_attempt(session: Session, attempt_id: str) -> None:
    await session.execute(delete(SignInAttempt).where(SignInAttempt.id == attempt_id))


async def remove_sign_in_attempts(session: Session, name_digest: bytes) -> None:
    await session.execute(delete(SignInAttempt).where(SignInAttempt.name_digest == name_digest))


async def remove_expired(session: Session, *, now: datetime, attempts_before: datetime) -> None:
    """Forget what has had its time: sessions, attempts, offers and questions (W-58)."""
    await session.execute(delete(VaultSession).where(VaultSession.expires_at <= now))
    await session.execute(delete(SignInAttempt).where(SignInAttempt.tried_at <= attempts_before))
    await session.execute(delete(Offer).where(Offer.expires_at <= now, Offer.state.not_in(_PROMISED)))
    await forget_requests(session, now=now)
    await session.execute(delete(ImportedBadge).where(ImportedBadge.expires_at <= now))
    await session.execute(delete(PlatformConnection).where(PlatformConnection.expires_at <= now))
    await session.execute(delete(PlatformClient).where(PlatformClient.used_at <= now - _UNUSED_CLIENT_MEMORY))
    await remove_ended_connections(session, now)
    await session.execute(delete(ApiCounter).where(ApiCounter.counted_since <= now - _COUNTERS_REMEMBERED))


# --- offers


async def add_offer(session: Session, offer: Offer) -> None:
    """Keep a new offer, or raise OfferBusyError: the same link is being opened in this account at this moment."""
    await _hold_account(session, offer.account_id)
    session.add(offer)
    try:
        await session.flush()
    except IntegrityError as exc:
        raise OfferBusyError from exc


async def remove_offer(session: Session, account_id: str, offer_id: str) -> None:
    await session.execute(delete(Offer).where(Offer.id == offer_id, Offer.account_id == account_id))


async def find_offer_by_link(session: Session, account_id: str, link_digest: bytes, now: datetime) -> Offer | None:
    return await session.scalar(
        select(Offer).where(Offer.account_id == account_id, Offer.link_digest == link_digest, Offer.expires_at > now)
    )


async def remove_expired_offer_link(session: Session, account_id: str, link_digest: bytes, now: datetime) -> None:
    """Make room for the link again: its offer is over, or opening it broke off without a word."""
    broke_off = and_(Offer.state == "fetching", Offer.created_at <= now - _FETCH_LEASE)
    await session.execute(
        delete(Offer).where(
            Offer.account_id == account_id, Offer.link_digest == link_digest, or_(Offer.expires_at <= now, broke_off)
        )
    )


async def get_offer(session: Session, account_id: str, offer_id: str) -> Offer:
    offer = await session.scalar(select(Offer).where(Offer.id == offer_id, Offer.account_id == account_id))
    if offer is None:
        raise NotFoundError("offer")
    return offer


async def spend_offer(session: Session, account_id: str, offer_id: str, now: datetime) -> str:
    """Take an offer for one request and return the state it was in; one caller wins (OpenID4VCI 1.0 §13.6.3).

    An open offer becomes `redeeming` for good before its code is sent: a crash leaves it spent, not open.
    """
    return await _take_offer(
        session, account_id, offer_id, now, _SPENDABLE, becomes={"open": "redeeming", "authorizing": "redeeming"}
    )


async def begin_offer(session: Session, account_id: str, offer_id: str, now: datetime) -> None:
    """Take an offer to sign in for it, which may be done as often as the person likes; one caller at a time.

    A pre-authorized code that is spent or lost is no hindrance: signing in brings another.
    """
    await _take_offer(session, account_id, offer_id, now, _BEGINNABLE)


async def _take_offer(
    session: Session,
    account_id: str,
    offer_id: str,
    now: datetime,
    states: Sequence[str],
    *,
    becomes: Mapping[str, str] | None = None,
) -> str:
    offer = await get_offer(session, account_id, offer_id)
    if offer.expires_at <= now:
        raise OfferExpiredError
    before = offer.state
    taken = (Offer.id == offer_id, Offer.account_id == account_id, Offer.state == before, Offer.state.in_(states))
    if not await _lease_offer(session, *taken, now=now, state=(becomes or {}).get(before, before)):
        raise OfferBusyError if before in states else OfferSpentError
    return before


async def _lease_offer(session: Session, *found: ColumnElement[bool], now: datetime, **values: object) -> bool:
    """Take an offer of which all this holds, to work on it for a while; False when another request does."""
    taken = update(Offer).where(*found, _is_idle(Offer, now)).values(busy_until=now + _OFFER_LEASE, **values)
    return await session.scalar(taken.returning(Offer.id)) is not None


def _is_idle(table: type[Offer | Renewal], now: datetime) -> ColumnElement[bool]:
    """Nobody works on it, or whoever did has had their time."""
    return or_(table.busy_until.is_(None), table.busy_until <= now)


async def find_offer_by_state(session: Session, account_id: str, state_hash: bytes, now: datetime) -> Offer | None:
    """The offer for which the person went to sign in with this `state`."""
    return await session.scalar(
        select(Offer).where(Offer.account_id == account_id, Offer.state_hash == state_hash, Offer.expires_at > now)
    )


async def spend_authorization(
    session: Session, account_id: str, offer_id: str, state_hash: bytes, now: datetime
) -> None:
    """Use up the `state` of an authorization, or raise OfferBusyError: its answer came before; one caller wins."""
    won = await session.scalar(
        update(Offer)
        .where(
            Offer.id == offer_id,
            Offer.account_id == account_id,
            Offer.state == "authorizing",
            Offer.state_hash == state_hash,
        )
        .values(state="redeeming", state_hash=None, busy_until=now + _OFFER_LEASE)
        .returning(Offer.id)
    )
    if won is None:
        raise OfferBusyError


async def release_offer(session: Session, account_id: str, offer_id: str) -> None:
    """Let another request work on the offer."""
    await session.execute(
        update(Offer).where(Offer.id == offer_id, Offer.account_id == account_id).values(busy_until=None)
    )


async def take_settled_offer(session: Session, account_id: str, offer_id: str, now: datetime) -> str:
    """Take an offer of which something may have been lost, to forget that, and return its state; one caller wins."""
    return await _take_offer(session, account_id, offer_id, now, _SETTLED)


async def find_ended_offers(session: Session, account_id: str, now: datetime) -> Sequence[Offer]:
    """Offers of which something was promised, and whose time is over."""
    found = await session.scalars(
        select(Offer).where(
            Offer.account_id == account_id,
            Offer.state.in_(_PROMISED),
            Offer.expires_at <= now,
            _is_idle(Offer, now),
        )
    )
    return found.all()


async def take_ended_offer(session: Session, account_id: str, offer: Offer, now: datetime) -> bool:
    """Take an offer whose time is over, as it was found; False when another request did. One caller wins."""
    as_found = (Offer.id == offer.id, Offer.account_id == account_id, Offer.state == offer.state)
    return await _lease_offer(session, *as_found, Offer.expires_at <= now, now=now)


async def find_due_offers(session: Session, account_id: str, now: datetime) -> Sequence[Offer]:
    """Those of which something is due: a badge that was still being prepared, or word to the issuer."""
    found = await session.scalars(
        select(Offer)
        .where(
            Offer.account_id == account_id,
            Offer.due_at <= now,
            Offer.expires_at > now,
            _is_idle(Offer, now),
        )
        .order_by(Offer.due_at)
    )
    return found.all()


async def find_offers_in(session: Session, account_id: str, states: Sequence[str], now: datetime) -> Sequence[Offer]:
    found = await session.scalars(
        select(Offer)
        .where(Offer.account_id == account_id, Offer.state.in_(states), Offer.expires_at > now)
        .order_by(Offer.created_at.desc(), Offer.id)
    )
    return found.all()


async def take_due_offer(session: Session, account_id: str, offer_id: str, now: datetime) -> bool:
    """Take an offer of which something is due; False when another request did. One caller wins."""
    return await _lease_offer(
        session, Offer.id == offer_id, Offer.account_id == account_id, Offer.due_at <= now, now=now
    )


async def set_offer(
    session: Session,
    account_id: str,
    offer_id: str,
    *,
    state: str,
    sealed: bytes,
    is_done: bool = True,
    due_at: datetime | None = None,
    **more: object,
) -> None:
    """Note how far an offer is; `is_done` lets another request go on from there."""
    values: dict[str, object] = {"state": state, "sealed": sealed, "due_at": due_at, **more}
    if is_done:
        values["busy_until"] = None
    await session.execute(update(Offer).where(Offer.id == offer_id, Offer.account_id == account_id).values(**values))


# --- credentials


async def add_credential(session: Session, credential: Credential) -> None:
    await _hold_account(session, credential.account_id)
    session.add(credential)
    await session.flush()


async def add_credential_form(session: Session, form: CredentialForm, key: HolderKey) -> None:
    session.add(form)
    await session.flush()
    session.add(key)
    await session.flush()


async def add_copies(session: Session, copies: Sequence[CredentialCopy]) -> None:
    session.add_all(copies)
    await session.flush()


async def take_copy(
    session: Session, account_id: str, form_id: str, shown_to: bytes, now: datetime
) -> CredentialCopy | None:
    """The copy for this verifier: the one it got before, else an unused one, else the one used longest ago.

    None for a form of which there are no copies. Two callers never take the same unused copy for two verifiers, nor two
    copies for one: the transaction has the account for itself (`spend_request`).
    """
    mine = (CredentialCopy.account_id == account_id, CredentialCopy.form_id == form_id)
    known = await session.scalar(select(CredentialCopy).where(*mine, CredentialCopy.shown_to == shown_to).limit(1))
    if known is not None:
        return known
    unused = select(CredentialCopy.id).where(*mine, CredentialCopy.shown_to.is_(None)).order_by(CredentialCopy.id)
    taken: CredentialCopy | None = await session.scalar(
        update(CredentialCopy)
        .where(CredentialCopy.id == unused.limit(1).scalar_subquery(), CredentialCopy.shown_to.is_(None))
        .values(shown_to=shown_to, shown_at=now)
        .returning(CredentialCopy)
    )
    if taken is not None:
        return taken
    oldest = select(CredentialCopy.id).where(*mine).order_by(CredentialCopy.shown_at, CredentialCopy.id).limit(1)
    again: CredentialCopy | None = await session.scalar(
        update(CredentialCopy)
        .where(CredentialCopy.id == oldest.scalar_subquery())
        .values(shown_at=now)
        .returning(CredentialCopy)
    )
    return again


async def find_copies(session: Session, account_id: str) -> Sequence[CredentialCopy]:
    found = await session.scalars(
        select(CredentialCopy).where(CredentialCopy.account_id == account_id).order_by(CredentialCopy.id)
    )
    return found.all()


async def find_dry_forms(session: Session, account_id: str, now: datetime) -> Sequence[CredentialForm]:
    """Those that came in several copies, of which none is unused, and of which the issuer gives more."""
    copies = select(CredentialCopy.id).where(CredentialCopy.form_id == CredentialForm.id)
    renewable = select(Renewal.credential_id).where(Renewal.account_id == account_id, _is_idle(Renewal, now))
    found = await session.scalars(
        select(CredentialForm).where(
            CredentialForm.account_id == account_id,
            CredentialForm.credential_id.in_(renewable),
            copies.exists(),
            ~copies.where(CredentialCopy.shown_to.is_(None)).exists(),
        )
    )
    return found.all()


async def add_renewal(session: Session, renewal: Renewal) -> None:
    session.add(renewal)
    await session.flush()


async def take_renewal(
    session: Session, account_id: str, credential_id: str, now: datetime, *, until: datetime
) -> Renewal | None:
    """Take the right to ask for more, or None when another request has it; one caller wins."""
    taken: Renewal | None = await session.scalar(
        update(Renewal)
        .where(
            Renewal.credential_id == credential_id,
            Renewal.account_id == account_id,
            _is_idle(Renewal, now),
        )
        .values(busy_until=until)
        .returning(Renewal)
    )
    return taken


async def set_renewal(session: Session, account_id: str, credential_id: str, sealed: bytes) -> None:
    mine = (Renewal.credential_id == credential_id, Renewal.account_id == account_id)
    await session.execute(update(Renewal).where(*mine).values(sealed=sealed))


async def release_renewal(session: Session, account_id: str, credential_id: str) -> None:
    mine = (Renewal.credential_id == credential_id, Renewal.account_id == account_id)
    await session.execute(update(Renewal).where(*mine).values(busy_until=None))


async def remove_renewal(session: Session, account_id: str, credential_id: str) -> None:
    mine = (Renewal.credential_id == credential_id, Renewal.account_id == account_id)
    await session.execute(delete(Renewal).where(*mine))


async def find_credentials(session: Session, account_id: str) -> Sequence[Credential]:
    found = await session.scalars(
        select(Credential).where(Credential.account_id == account_id).order_by(Credential.received_at.desc())
    )
    return found.all()


async def get_credential(session: Session, account_id: str, credential_id: str) -> Credential:
    credential = await session.scalar(
        select(Credential).where(Credential.id == credential_id, Credential.account_id == account_id)
    )
    if credential is None:
        raise NotFoundError("credential")
    return credential


async def hold_credential(session: Session, account_id: str, credential_id: str) -> None:
    """Keep a badge from being deleted while something is added to it, or raise NotFoundError: it is gone."""
    await _hold_account(session, account_id)
    mine = (Credential.id == credential_id, Credential.account_id == account_id)
    held = select(Credential.id).where(*mine).with_for_update(read=True, key_share=True)
    if await session.scalar(held) is None:
        raise NotFoundError("credential")


async def find_forms(session: Session, account_id: str, credential_id: str | None = None) -> Sequence[CredentialForm]:
    query = select(CredentialForm).where(CredentialForm.account_id == account_id)
    if credential_id is not None:
        query = query.where(CredentialForm.credential_id == credential_id)
    return (await session.scalars(query.order_by(CredentialForm.id))).all()


async def remove_credential(session: Session, account_id: str, credential_id: str) -> None:
    """Delete a badge, and with it its forms and their keys (W-30), or raise NotFoundError: one caller wins."""
    await _hold_account(session, account_id)
    badge = delete(Credential).where(Credential.id == credential_id, Credential.account_id == account_id)
    if await session.scalar(badge.returning(Credential.id)) is None:
        raise NotFoundError("credential")


async def get_holder_key(session: Session, account_id: str, form_id: str) -> HolderKey:
    key = await session.scalar(
        select(HolderKey).where(HolderKey.form_id == form_id, HolderKey.account_id == account_id)
    )
    if key is None:
        raise NotFoundError("holder key")
    return key


async def find_holder_keys(session: Session, account_id: str) -> Sequence[HolderKey]:
    return (await session.scalars(select(HolderKey).where(HolderKey.account_id == account_id))).all()


# --- badges from elsewhere


async def add_imported_badge(session: Session, badge: ImportedBadge, *, waiting_at_most: int) -> None:
    """Let it wait for its owner's word; of more than so many that wait, the oldest go."""
    await _hold_account(session, badge.account_id)
    waiting = await session.scalars(
        select(ImportedBadge.id)
        .where(
            ImportedBadge.account_id == badge.account_id,
            ImportedBadge.expires_at.is_not(None),
            ImportedBadge.connection_id.is_(None),
        )
        .order_by(ImportedBadge.received_at.desc(), ImportedBadge.id)
        .offset(waiting_at_most - 1)
    )
    await session.execute(delete(ImportedBadge).where(ImportedBadge.id.in_(waiting.all())))
    session.add(badge)
    await session.flush()


async def replace_imported_findings(
    session: Session,
    account_id: str,
    badge_id: str,
    sealed: bytes,
    sealed_file: bytes | None = None,
    sealed_note: bytes | None = None,
    *,
    judged_file: bytes | None = None,
) -> None:
    """Put what was found now in the place of what was found before, or raise NotFoundError: it went meanwhile.

    With a file, that too takes the place of the one before. What connected services read of it is made anew. Where
    `judged_file` is no longer there as it was sealed, a connected service replaced it meanwhile, and what was found
    about it is of no use any more.
    """
    await _hold_account(session, account_id)
    values = {
        "sealed": sealed,
        **({} if sealed_file is None else {"sealed_file": sealed_file}),
        **({} if sealed_note is None else {"sealed_note": sealed_note}),
    }
    is_same = true() if judged_file is None else ImportedBadge.sealed_file == judged_file
    found = await session.scalar(
        update(ImportedBadge)
        .where(ImportedBadge.id == badge_id, ImportedBadge.account_id == account_id, is_same)
        .values(**values)
        .returning(ImportedBadge.id)
    )
    if found is None:
        raise NotFoundError("imported badge")
    if sealed_file is not None or judged_file is not None:
        await session.execute(delete(ShelvedBadge).where(ShelvedBadge.imported_id == badge_id))


async def find_imported_badges(session: Session, account_id: str) -> Sequence[ImportedBadge]:
    """Those that were kept, newest first."""
    found = await session.scalars(
        select(ImportedBadge)
        .where(ImportedBadge.account_id == account_id, ImportedBadge.expires_at.is_(None))
        .order_by(ImportedBadge.received_at.desc(), ImportedBadge.id)
    )
    return found.all()


async def get_imported_badge(session: Session, account_id: str, badge_id: str, now: datetime) -> ImportedBadge:
    badge = await session.scalar(
        select(ImportedBadge).where(
            ImportedBadge.id == badge_id,
            ImportedBadge.account_id == account_id,
            or_(ImportedBadge.expires_at.is_(None), ImportedBadge.expires_at > now),
        )
    )
    if badge is None:
        raise NotFoundError("imported badge")
    return badge


async def keep_imported_badge(session: Session, account_id: str, badge_id: str, now: datetime) -> bool:
    """Keep a badge that waits for its owner's word; False where it is kept already. One caller wins."""
    await _hold_account(session, account_id)
    kept = await session.scalar(
        update(ImportedBadge)
        .where(
            ImportedBadge.id == badge_id,
            ImportedBadge.account_id == account_id,
            ImportedBadge.expires_at > now,
        )
        .values(expires_at=None, connection_id=None)
        .returning(ImportedBadge.id)
    )
    return kept is not None


async def remove_imported_badge(session: Session, account_id: str, badge_id: str) -> None:
    """Delete a badge from elsewhere, or raise NotFoundError: one caller wins."""
    await _hold_account(session, account_id)
    badge = delete(ImportedBadge).where(ImportedBadge.id == badge_id, ImportedBadge.account_id == account_id)
    if await session.scalar(badge.returning(ImportedBadge.id)) is None:
        raise NotFoundError("imported badge")


# --- platforms


async def find_platform_clients(session: Session, platform_digest: bytes) -> Sequence[PlatformClient]:
    """The registrations at a platform, newest first."""
    found = await session.scalars(
        select(PlatformClient)
        .where(PlatformClient.platform_digest == platform_digest)
        .order_by(PlatformClient.registered_at.desc(), PlatformClient.id)
    )
    return found.all()


async def add_platform_client(session: Session, client: PlatformClient) -> None:
    session.add(client)
    await session.flush()


async def touch_platform_client(session: Session, client_id: str, now: datetime) -> None:
    await session.execute(update(PlatformClient).where(PlatformClient.id == client_id).values(used_at=now))


async def remove_platform_client(session: Session, client_id: str) -> None:
    """Forget a registration that the platform does not know any more."""
    await session.execute(delete(PlatformClient).where(PlatformClient.id == client_id))


async def add_platform_connection(session: Session, connection: PlatformConnection, *, at_most: int) -> None:
    """Keep a new connection, or raise TooManyPlatformsError, or PlatformBusyError: there is one to this platform."""
    await _lock_account(session, connection.account_id)
    held = select(func.count()).where(PlatformConnection.account_id == connection.account_id)
    if (await session.scalar(held) or 0) >= at_most:
        raise TooManyPlatformsError
    session.add(connection)
    try:
        await session.flush()
    except IntegrityError as exc:
        raise PlatformBusyError from exc


async def find_platform_connections(session: Session, account_id: str) -> Sequence[PlatformConnection]:
    """Those that stand, oldest first."""
    found = await session.scalars(
        select(PlatformConnection)
        .where(PlatformConnection.account_id == account_id, PlatformConnection.expires_at.is_(None))
        .order_by(PlatformConnection.created_at, PlatformConnection.id)
    )
    return found.all()


async def find_connection_to(session: Session, account_id: str, platform_digest: bytes) -> PlatformConnection | None:
    return await session.scalar(
        select(PlatformConnection).where(
            PlatformConnection.account_id == account_id, PlatformConnection.platform_digest == platform_digest
        )
    )


async def get_platform_connection(session: Session, account_id: str, connection_id: str) -> PlatformConnection:
    """A connection that stands, or NotFoundError."""
    connection = await session.scalar(
        select(PlatformConnection).where(
            PlatformConnection.id == connection_id,
            PlatformConnection.account_id == account_id,
            PlatformConnection.expires_at.is_(None),
        )
    )
    if connection is None:
        raise NotFoundError("platform connection")
    return connection


async def find_connection_by_state(session: Session, account_id: str, state_hash: bytes) -> PlatformConnection | None:
    """The connection for which the person went to sign in with this `state`."""
    return await session.scalar(
        select(PlatformConnection).where(
            PlatformConnection.account_id == account_id, PlatformConnection.state_hash == state_hash
        )
    )


async def spend_platform_state(
    session: Session, account_id: str, connection_id: str, state_hash: bytes, now: datetime
) -> PlatformConnection:
    """Use up the `state` of a sign-in and take its connection, as it is then; one caller wins.

    PlatformBusyError where its answer came before, and where another request works with the connection: it may have
    got another token, and the state stays for when it is done.
    """
    won = await session.scalar(
        update(PlatformConnection)
        .where(
            PlatformConnection.id == connection_id,
            PlatformConnection.account_id == account_id,
            PlatformConnection.state_hash == state_hash,
            or_(PlatformConnection.busy_until.is_(None), PlatformConnection.busy_until <= now),
        )
        .values(state_hash=None, busy_until=now + _PLATFORM_LEASE)
        .returning(PlatformConnection.id)
    )
    if won is None:
        raise PlatformBusyError
    return await _read_platform_connection(session, connection_id)


async def _read_platform_connection(session: Session, connection_id: str) -> PlatformConnection:
    """A connection that was claimed in this transaction, as it is then, whatever was read of it before."""
    return await session.get_one(PlatformConnection, connection_id, populate_existing=True)


async def take_platform_connection(
    session: Session, account_id: str, connection_id: str, now: datetime
) -> PlatformConnection:
    """Take a connection to work with it for a while, or raise PlatformBusyError: another request does."""
    await get_platform_connection(session, account_id, connection_id)
    return await claim_platform_connection(session, account_id, connection_id, now, busy_until=now + _PLATFORM_LEASE)


async def claim_platform_connection(
    session: Session, account_id: str, connection_id: str, now: datetime, *, busy_until: datetime | None = None
) -> PlatformConnection:
    """Be the only one who changes a connection in this transaction, or until then; else raise PlatformBusyError.

    Returned is the connection as it is then: what was read of it before may be of yesterday.
    """
    taken = (
        update(PlatformConnection)
        .where(
            PlatformConnection.id == connection_id,
            PlatformConnection.account_id == account_id,
            or_(PlatformConnection.busy_until.is_(None), PlatformConnection.busy_until <= now),
        )
        .values(busy_until=busy_until)
        .returning(PlatformConnection.id)
    )
    if await session.scalar(taken) is None:
        raise PlatformBusyError
    return await _read_platform_connection(session, connection_id)


async def set_platform_connection(session: Session, account_id: str, connection_id: str, **values: object) -> None:
    """Write down how far it is, or raise NotFoundError: its owner disconnected meanwhile."""
    found = await session.scalar(
        update(PlatformConnection)
        .where(PlatformConnection.id == connection_id, PlatformConnection.account_id == account_id)
        .values(**values)
        .returning(PlatformConnection.id)
    )
    if found is None:
        raise NotFoundError("platform connection")


async def release_platform_connection(session: Session, account_id: str, connection_id: str) -> None:
    await session.execute(
        update(PlatformConnection)
        .where(PlatformConnection.id == connection_id, PlatformConnection.account_id == account_id)
        .values(busy_until=None)
    )


async def remove_platform_connection(session: Session, account_id: str, connection_id: str) -> None:
    """Forget a connection with what waits from there; what was kept stays."""
    await _hold_account(session, account_id)
    await session.execute(
        delete(ImportedBadge).where(
            ImportedBadge.account_id == account_id, ImportedBadge.connection_id == connection_id
        )
    )
    await session.execute(
        delete(PlatformConnection).where(
            PlatformConnection.id == connection_id, PlatformConnection.account_id == account_id
        )
    )


async def find_fetched_badges(
    session: Session, account_id: str, connection_id: str, now: datetime
) -> Sequence[ImportedBadge]:
    """What was fetched from a platform and waits for its owner's word, in the order of the platform."""
    found = await session.scalars(
        select(ImportedBadge)
        .where(
            ImportedBadge.account_id == account_id,
            ImportedBadge.connection_id == connection_id,
            ImportedBadge.expires_at > now,
        )
        .order_by(ImportedBadge.received_at, ImportedBadge.id)
    )
    return found.all()


async def find_fetched_headers(
    session: Session, account_id: str, connection_id: str, now: datetime
) -> Sequence[tuple[str, bytes]]:
    """Of what waits from a platform, which it is and what is known of it, sealed; their files are not read."""
    found = await session.execute(
        select(ImportedBadge.id, ImportedBadge.sealed).where(
            ImportedBadge.account_id == account_id,
            ImportedBadge.connection_id == connection_id,
            ImportedBadge.expires_at > now,
        )
    )
    return [(badge_id, sealed) for badge_id, sealed in found]


async def measure_fetched_badges(session: Session, account_id: str, now: datetime) -> int:
    """How many bytes the files have that wait from all platforms of one account."""
    size = select(func.coalesce(func.sum(func.length(ImportedBadge.sealed_file)), 0)).where(
        ImportedBadge.account_id == account_id,
        ImportedBadge.connection_id.is_not(None),
        ImportedBadge.expires_at > now,
    )
    return int(await session.scalar(size) or 0)


async def replace_fetched_badges(
    session: Session, account_id: str, connection_id: str, badges: Sequence[ImportedBadge], *, gone: Sequence[str]
) -> None:
    """Let what was fetched now wait for its owner's word; what waited before and is named as gone goes.

    Others who let something wait for this person wait until the transaction ends, so that it can be measured.
    """
    await _lock_account(session, account_id)
    await session.execute(
        delete(ImportedBadge).where(
            ImportedBadge.account_id == account_id,
            ImportedBadge.connection_id == connection_id,
            ImportedBadge.id.in_(gone),
        )
    )
    session.add_all(badges)
    await session.flush()


# --- requests


async def add_request(session: Session, request: PresentationRequest) -> None:
    """Keep a question, or raise RequestAnsweredError: the same request object came in before (W-58)."""
    await _hold_account(session, request.account_id)
    session.add(request)
    try:
        await session.flush()
    except IntegrityError as exc:
        raise RequestAnsweredError from exc


async def forget_requests(session: Session, *, now: datetime) -> None:
    """Drop what expired questions said. Of an answered one its digest stays for a while, or it could come again."""
    expired = PresentationRequest.expires_at <= now
    await session.execute(delete(PresentationRequest).where(expired, PresentationRequest.state == "open"))
    await session.execute(
        delete(PresentationRequest).where(PresentationRequest.expires_at <= now - _ANSWERED_REQUEST_MEMORY)
    )
    await session.execute(
        update(PresentationRequest).where(expired, PresentationRequest.sealed != b"").values(sealed=b"")
    )


async def find_request_by_link(
    session: Session, account_id: str, link_digest: bytes, now: datetime
) -> PresentationRequest | None:
    return await session.scalar(
        select(PresentationRequest).where(
            PresentationRequest.account_id == account_id,
            PresentationRequest.link_digest == link_digest,
            PresentationRequest.expires_at > now,
        )
    )


async def get_request(session: Session, account_id: str, request_id: str) -> PresentationRequest:
    request = await session.scalar(
        select(PresentationRequest).where(
            PresentationRequest.id == request_id, PresentationRequest.account_id == account_id
        )
    )
    if request is None:
        raise NotFoundError("request")
    return request


async def spend_request(session: Session, account_id: str, request_id: str, now: datetime) -> None:
    """Take a question for answering, or raise; one caller wins, and it is answered once (W-58).

    Answers of one account wait for one another: each takes copies of badges, in an order of its own.
    """
    await _lock_account(session, account_id)
    won = await session.scalar(
        update(PresentationRequest)
        .where(
            PresentationRequest.id == request_id,
            PresentationRequest.account_id == account_id,
            PresentationRequest.state == "open",
            PresentationRequest.expires_at > now,
        )
        .values(state="answering")
        .returning(PresentationRequest.id)
    )
    if won is not None:
        return
    request = await get_request(session, account_id, request_id)
    raise RequestExpiredError if request.state == "open" else RequestAnsweredError


async def set_request_state(session: Session, account_id: str, request_id: str, state: str) -> None:
    await session.execute(
        update(PresentationRequest)
        .where(PresentationRequest.id == request_id, PresentationRequest.account_id == account_id)
        .values(state=state)
    )


# --- history


async def add_history_entry(session: Session, entry: HistoryEntry) -> None:
    await _hold_account(session, entry.account_id)
    session.add(entry)
    await session.flush()


async def find_history_entries(session: Session, account_id: str) -> Sequence[HistoryEntry]:
    found = await session.scalars(
        select(HistoryEntry)
        .where(HistoryEntry.account_id == account_id)
        .order_by(HistoryEntry.happened_at.desc(), HistoryEntry.id)
    )
    return found.all()


async def find_history_entry(session: Session, account_id: str, entry_id: str) -> HistoryEntry | None:
    return await session.scalar(
        select(HistoryEntry).where(HistoryEntry.id == entry_id, HistoryEntry.account_id == account_id)
    )


async def set_history_entry(session: Session, account_id: str, entry_id: str, sealed: bytes) -> None:
    await session.execute(
        update(HistoryEntry)
        .where(HistoryEntry.id == entry_id, HistoryEntry.account_id == account_id)
        .values(sealed=sealed)
    )


async def remove_history_entry(session: Session, account_id: str, entry_id: str) -> None:
    removed = await session.scalar(
        delete(HistoryEntry)
        .where(HistoryEntry.id == entry_id, HistoryEntry.account_id == account_id)
        .returning(HistoryEntry.id)
    )
    if removed is None:
        raise NotFoundError("history entry")


# --- what people say of themselves


async def add_skill_claim(session: Session, claim: SkillClaim, *, at_most: int) -> None:
    """Keep a new claim, or raise TooManyClaimsError, or SkillClaimedError: the same stands there already."""
    await _lock_account(session, claim.account_id)
    held = select(func.count()).where(SkillClaim.account_id == claim.account_id)
    if (await session.scalar(held) or 0) >= at_most:
        raise TooManyClaimsError
    session.add(claim)
    try:
        await session.flush()
    except IntegrityError as exc:
        raise SkillClaimedError from exc


async def find_skill_claims(session: Session, account_id: str) -> Sequence[SkillClaim]:
    query = select(SkillClaim).where(SkillClaim.account_id == account_id)
    return (await session.scalars(query.order_by(SkillClaim.claimed_at, SkillClaim.id))).all()


async def get_skill_claim(session: Session, account_id: str, claim_id: str) -> SkillClaim:
    query = select(SkillClaim).where(SkillClaim.id == claim_id, SkillClaim.account_id == account_id)
    found = await session.scalar(query)
    if found is None:
        raise NotFoundError("skill claim")
    return found


async def set_skill_claim(session: Session, account_id: str, claim_id: str, sealed: bytes) -> None:
    """Say it otherwise, unless it was taken away meanwhile."""
    changed = await session.scalar(
        update(SkillClaim)
        .where(SkillClaim.id == claim_id, SkillClaim.account_id == account_id)
        .values(sealed=sealed)
        .returning(SkillClaim.id)
    )
    if changed is None:
        raise NotFoundError("skill claim")


async def remove_skill_claim(session: Session, account_id: str, claim_id: str) -> None:
    removed = await session.scalar(
        delete(SkillClaim)
        .where(SkillClaim.id == claim_id, SkillClaim.account_id == account_id)
        .returning(SkillClaim.id)
    )
    if removed is None:
        raise NotFoundError("skill claim")


# --- connected services


async def add_api_client(session: Session, client: ApiClient) -> None:
    session.add(client)
    await session.flush()


async def find_api_client(session: Session, client_id: str) -> ApiClient | None:
    return await session.get(ApiClient, client_id)


async def touch_api_client(session: Session, client_id: str, now: datetime, *, unless_since: datetime) -> None:
    """Note that a product is in use, unless that was noted lately."""
    is_old = or_(ApiClient.used_at.is_(None), ApiClient.used_at < unless_since)
    await session.execute(update(ApiClient).where(ApiClient.id == client_id, is_old).values(used_at=now))


async def remove_unused_api_clients(session: Session, *, registered_before: datetime, used_before: datetime) -> None:
    """Forget products that nobody connected, or that came no more for long."""
    is_unused = and_(ApiClient.used_at.is_(None), ApiClient.registered_at < registered_before)
    await session.execute(delete(ApiClient).where(or_(is_unused, ApiClient.used_at < used_before)))


async def count_api_use(session: Session, counter: bytes, *, limit: int, since: datetime, now: datetime) -> bool:
    """Take one of so many uses; False when none is left."""
    return await take_try(session, ApiCounter, counter, limit=limit, since=since, now=now)


async def add_connection(
    session: Session, connection: Connection, code: ConnectionToken, *, at_most: int, now: datetime
) -> bool:
    """Keep a connection with the code by which it begins; False where the account has as many as it may have."""
    await _lock_account(session, connection.account_id)
    await remove_ended_connections(session, now, account_id=connection.account_id)
    held = select(func.count()).select_from(Connection).where(Connection.account_id == connection.account_id)
    if (await session.scalar(held) or 0) >= at_most:
        return False
    session.add(connection)
    await session.flush()
    session.add(code)
    await session.flush()
    return True


async def find_connections(session: Session, account_id: str, now: datetime) -> Sequence[Connection]:
    """Those that have a token which still opens something, newest first."""
    found = await session.scalars(
        select(Connection)
        .where(Connection.account_id == account_id, _is_live(now))
        .order_by(Connection.created_at.desc(), Connection.id)
    )
    return found.all()


async def find_latest_expiries(session: Session, account_id: str, now: datetime) -> Mapping[str, datetime]:
    """Until when each connection lasts if it is not used again."""
    rows = await session.execute(
        select(ConnectionToken.connection_id, func.max(ConnectionToken.expires_at))
        .where(
            ConnectionToken.account_id == account_id,
            ConnectionToken.spent_at.is_(None),
            ConnectionToken.expires_at > now,
        )
        .group_by(ConnectionToken.connection_id)
    )
    return dict(list(rows.all()))


async def has_reader(session: Session, account_id: str, now: datetime) -> bool:
    """Whether anybody may read badges of this account."""
    found = select(Connection.id).where(Connection.account_id == account_id, Connection.reads, _is_live(now))
    return await session.scalar(found.limit(1)) is not None


async def find_connection(session: Session, connection_id: str) -> Connection | None:
    return await session.get(Connection, connection_id)


async def remove_connection(session: Session, connection_id: str, *, account_id: str | None = None) -> bool:
    """End a connection with all its tokens; False where there is none, or it is another account's."""
    gone = delete(Connection).where(Connection.id == connection_id)
    if account_id is not None:
        gone = gone.where(Connection.account_id == account_id)
    return await session.scalar(gone.returning(Connection.id)) is not None


async def remove_ended_connections(session: Session, now: datetime, *, account_id: str | None = None) -> None:
    """Forget connections that nothing opens any more, and tokens that have had their time."""
    ended = delete(Connection).where(~_is_live(now))
    await session.execute(ended if account_id is None else ended.where(Connection.account_id == account_id))
    await session.execute(delete(ConnectionToken).where(ConnectionToken.expires_at <= now))


async def find_connection_token(session: Session, token_hash: bytes) -> tuple[ConnectionToken, Connection] | None:
    """A token and its connection, whatever has become of either."""
    found = await session.execute(
        select(ConnectionToken, Connection)
        .join(Connection, Connection.id == ConnectionToken.connection_id)
        .where(ConnectionToken.token_hash == token_hash)
    )
    row = found.one_or_none()
    return None if row is None else (row[0], row[1])


async def spend_connection_token(session: Session, token_hash: bytes, now: datetime, *, known_until: datetime) -> bool:
    """Use up a code or refresh token; one caller wins. What it opened is gone with it."""
    spent = await session.scalar(
        update(ConnectionToken)
        .where(
            ConnectionToken.token_hash == token_hash,
            ConnectionToken.spent_at.is_(None),
            ConnectionToken.expires_at > now,
        )
        .values(spent_at=now, sealed=b"", expires_at=known_until)
        .returning(ConnectionToken.token_hash)
    )
    return spent is not None


async def add_connection_tokens(session: Session, tokens: Sequence[ConnectionToken]) -> None:
    session.add_all(tokens)
    await session.flush()


async def remove_connection_token(session: Session, token_hash: bytes) -> None:
    await session.execute(delete(ConnectionToken).where(ConnectionToken.token_hash == token_hash))


async def touch_connection(session: Session, connection_id: str, now: datetime, *, unless_since: datetime) -> None:
    """Note when a connection was last used, unless that was noted a moment ago."""
    is_old = or_(Connection.used_at.is_(None), Connection.used_at < unless_since)
    await session.execute(update(Connection).where(Connection.id == connection_id, is_old).values(used_at=now))


async def take_telling(session: Session, connection_id: str, now: datetime, *, told_before: datetime) -> bool:
    """Whether it is time to write into the history that this connection read; one caller wins."""
    is_due = or_(Connection.told_at.is_(None), Connection.told_at < told_before)
    told = update(Connection).where(Connection.id == connection_id, is_due).values(told_at=now)
    return await session.scalar(told.returning(Connection.id)) is not None


def _is_live(now: datetime) -> ColumnElement[bool]:
    return (
        select(ConnectionToken.token_hash)
        .where(
            ConnectionToken.connection_id == Connection.id,
            ConnectionToken.spent_at.is_(None),
            ConnectionToken.expires_at > now,
        )
        .exists()
    )


# --- what connected services read and bring


async def find_shelf(session: Session, account_id: str) -> Sequence[ShelvedBadge]:
    """Every badge as it may be read, in the order in which they came there."""
    found = await session.scalars(
        select(ShelvedBadge)
        .where(ShelvedBadge.account_id == account_id)
        .order_by(ShelvedBadge.shelved_at, ShelvedBadge.id)
    )
    return found.all()


async def find_unshelved_forms(session: Session, account_id: str) -> Sequence[CredentialForm]:
    """The signed forms of badges that are not on the shelf."""
    shelved = select(ShelvedBadge.id).where(ShelvedBadge.credential_id == CredentialForm.credential_id)
    found = await session.scalars(
        select(CredentialForm)
        .where(CredentialForm.account_id == account_id, ~shelved.exists())
        .order_by(CredentialForm.id)
    )
    return found.all()


async def find_unshelved_imported(session: Session, account_id: str) -> Sequence[ImportedBadge]:
    """The badges from elsewhere that were kept and are not on the shelf."""
    shelved = select(ShelvedBadge.id).where(ShelvedBadge.imported_id == ImportedBadge.id)
    found = await session.scalars(
        select(ImportedBadge)
        .where(ImportedBadge.account_id == account_id, ImportedBadge.expires_at.is_(None), ~shelved.exists())
        .order_by(ImportedBadge.received_at, ImportedBadge.id)
    )
    return found.all()


async def shelve(session: Session, badges: Sequence[ShelvedBadge]) -> None:
    """Put badges on the shelf, of those that are still held; one that somebody else put there meanwhile stays."""
    for badge in badges:
        await _hold_account(session, badge.account_id)
        held = _held(badge).with_for_update(read=True, key_share=True)
        if await session.scalar(held) is None:
            continue
        is_there = or_(
            and_(ShelvedBadge.credential_id == badge.credential_id, ShelvedBadge.credential_id.is_not(None)),
            and_(ShelvedBadge.imported_id == badge.imported_id, ShelvedBadge.imported_id.is_not(None)),
        )
        if await session.scalar(select(ShelvedBadge.id).where(is_there)) is None:
            session.add(badge)
            await session.flush()


def _held(badge: ShelvedBadge) -> Select[Any]:
    if badge.credential_id is not None:
        return select(Credential.id).where(Credential.id == badge.credential_id)
    return select(ImportedBadge.id).where(ImportedBadge.id == badge.imported_id)


async def lock_deliveries(session: Session, account_id: str) -> None:
    """Bring badges into this account one at a time, or raise SignedOutError: it is gone."""
    await _lock_account(session, account_id)


async def find_delivery(session: Session, account_id: str, identity: bytes) -> ImportedBadge | None:
    """The badge that was brought before under this issuer and `id`."""
    return await session.scalar(
        select(ImportedBadge).where(ImportedBadge.account_id == account_id, ImportedBadge.identity == identity)
    )


async def find_delivery_notes(session: Session, account_id: str) -> Sequence[tuple[bytes, bytes]]:
    """The identity and the note of each badge that a connected service brought."""
    found = await session.execute(
        select(ImportedBadge.identity, ImportedBadge.sealed_note).where(ImportedBadge.account_id == account_id)
    )
    return [(identity, note) for identity, note in found.all() if identity is not None and note is not None]


async def sum_delivery_bytes(session: Session, account_id: str, *, without: str | None) -> int:
    """How much the badges that connected services brought take, as they are kept; without one of them."""
    size = func.length(ImportedBadge.sealed) + func.length(ImportedBadge.sealed_file)
    brought = select(func.sum(size)).where(ImportedBadge.account_id == account_id, ImportedBadge.identity.is_not(None))
    return int(await session.scalar(brought if without is None else brought.where(ImportedBadge.id != without)) or 0)


async def add_delivery(session: Session, badge: ImportedBadge) -> None:
    session.add(badge)
    await session.flush()


async def replace_delivery(
    session: Session, badge_id: str, *, sealed: bytes, sealed_file: bytes, sealed_note: bytes, now: datetime
) -> datetime:
    """Put what was brought now in the place of what was brought before; the shelf has neither until it is put there.

    Return its place on the shelf: since when the one before stood there, or now.
    """
    values = {"sealed": sealed, "sealed_file": sealed_file, "sealed_note": sealed_note, "received_at": now}
    await session.execute(update(ImportedBadge).where(ImportedBadge.id == badge_id).values(**values))
    gone = delete(ShelvedBadge).where(ShelvedBadge.imported_id == badge_id)
    return await session.scalar(gone.returning(ShelvedBadge.shelved_at)) or now


async def find_api_profile(session: Session, account_id: str) -> ApiProfile | None:
    return await session.get(ApiProfile, account_id)


async def set_api_profile(session: Session, profile: ApiProfile, *, is_first: bool = False) -> None:
    """Keep a profile in the place of the one before; with `is_first` only where there is none."""
    await _lock_account(session, profile.account_id)
    held = await session.get(ApiProfile, profile.account_id)
    if held is None:
        session.add(profile)
    elif not is_first:
        held.sealed, held.changed_at = profile.sealed, profile.changed_at
    await session.flush()
