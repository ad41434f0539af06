"""Receiving a badge: read the offer, let the person decide, get the badge, check it, keep it.

An offer is untrusted until its badge is verified. Nothing is asked of the issuer beyond its public metadata
before the person says yes (W-02). One-time values are sent once: the offer's state is taken in one statement
before its code leaves, and an answer that never came is not asked for again. The steps have files of their own:
`authorization` (signing in with the issuer), `access_token`, `credential_request`, `receipt` (checking, keeping,
telling), `deferred` (what is still being prepared).
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NoReturn

from kernel.errors import CredentialError, MalformedError, RejectedError, UndecidedError, UntrustedIssuerError
from kernel.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    MAX_CONFIGURATIONS,
    PRE_AUTHORIZED_CODE_GRANT,
    ByReference,
    ByValue,
    CredentialConfiguration,
    CredentialOffer,
    IssuerMetadata,
    parse_credential_offer,
    parse_credential_offer_link,
    parse_issuer_metadata,
)
from kernel.web_urls import parse_web_url
from runtime.fetch import AnsweredError, TooLargeAnswerError
from runtime.tokens import create_token
from wallet import store
from wallet.access_token import redeem_pre_authorized_code, require_tx_code
from wallet.accounts import SignedIn
from wallet.authorization import finish_authorization, may_sign_in
from wallet.claims import shown_name, shown_text
from wallet.configurations import choose_configurations, choose_display, configuration_name, find_supported, host_of
from wallet.credential_request import request_credentials
from wallet.deferred import request_deferred
from wallet.errors import (
    ISSUER_STEP,
    LINK_STEP,
    OFFER_STEP,
    SERVER_STEP,
    FailedStep,
    IssuerAbsentError,
    IssuerAddressError,
    IssuerMismatchError,
    IssuerTooLargeError,
    IssuerUnreadableError,
    LinkError,
    OfferBusyError,
    OfferExpiredError,
    OfferGoneError,
    OfferNotSupportedError,
    OfferUnreadableError,
    ServerUnreadableError,
    UnreachableError,
    UnsafeAddressError,
    WalletError,
    WalletNotKnownError,
)
from wallet.issuer_discovery import resolve_issuer_metadata, resolve_offer_json, resolve_server
from wallet.issuer_requests import create_client, is_anonymous
from wallet.links import is_about_an_offer
from wallet.lost_badges import LostBadge, list_lost, settle_ended_offers
from wallet.models import Offer
from wallet.offer_record import OfferRecord, Progress, narrow_metadata, open_record, seal_record
from wallet.receipt import ReceivedBadge, note_outcome, tell_outcome, verify_and_keep
from wallet.recognition import PartyRecognition, recognition_json, resolve_party_recognition, signers_of
from wallet.settings import Wallet
from wallet.vault import Vault

_GONE = (404, 410)
_UNFINISHED = ("authorizing", "redeeming", "redeemed", "unchecked")


@dataclass(frozen=True, slots=True)
class OfferedCredential:
    """One badge in one form, as the offer and its issuer's metadata describe it. Not verified."""

    configuration_id: str
    format: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class OfferPage:
    """What the person must know before saying yes: who, how sure that is, what, and which code is asked (W-02)."""

    id: str
    state: str
    credential_issuer: str
    host: str
    issuer_name: str
    recognition: PartyRecognition
    credentials: tuple[OfferedCredential, ...]
    grants: tuple[str, ...]
    """The ways to get it, the one that is proposed first."""
    code_host: str
    """Where a code goes that the person types."""
    sign_in_host: str
    """Where the person signs in."""
    tx_code: Mapping[str, Any] | None
    is_begun_here: bool
    """The person asked the issuer, and not the issuer the person."""
    expires_at: datetime
    lost: tuple[LostBadge, ...] = ()
    """What of it did not come."""

    @property
    def known_name(self) -> str:
        """What the list calls whoever offers, else their host: never what they call themselves."""
        return self.recognition.entity_name or self.host

    @property
    def names(self) -> tuple[str, ...]:
        """The badges, each once, however many forms it is offered in."""
        return tuple(dict.fromkeys(offered.name for offered in self.credentials))

    def find_names(self, search: str) -> tuple[str, ...]:
        """The badges in whose name, description or id each of these words is."""
        words = search.casefold().split()
        told = [(each.name, f"{each.name} {each.description} {each.configuration_id}") for each in self.credentials]
        return tuple(dict.fromkeys(name for name, text in told if all(word in text.casefold() for word in words)))

    @property
    def has_code(self) -> bool:
        return PRE_AUTHORIZED_CODE_GRANT in self.grants

    @property
    def has_sign_in(self) -> bool:
        return AUTHORIZATION_CODE_GRANT in self.grants


@dataclass(frozen=True, slots=True)
class Receipt:
    """How taking an offer ended: the badges that are there, and whether more of it is being prepared."""

    offer_id: str
    badges: tuple[ReceivedBadge, ...]
    is_awaiting: bool


async def resolve_offer(wallet: Wallet, vault: Vault, text: str, now: datetime, *, language: str = "nl") -> OfferPage:
    """Read a link, a QR code's text or a pasted offer, and say who offers what. OpenID4VCI 1.0 §4.1, §12.2.

    The same link opened twice is the same offer: it is fetched once.
    """
    link_digest = vault.digest("offer link", text.strip())
    await settle_ended_offers(wallet, vault, now)
    async with wallet.database.reading() as session:
        known = await store.find_offer_by_link(session, vault.account_id, link_digest, now)
    if known is not None and known.state != "fetching":
        return _offer_page(wallet, vault, known, language)
    link = _parse_link(text)
    return await _resolve_row(wallet, vault, link_digest, partial(_read_offer, wallet, link), now, language)


async def resolve_issuer_offer(
    wallet: Wallet, vault: Vault, address: str, now: datetime, *, language: str = "nl"
) -> OfferPage:
    """What an issuer gives to whoever asks: the person has its address and no offer. OpenID4VCI 1.0 §3.2; W-08."""
    credential_issuer = _parse_issuer_address(address)
    link_digest = vault.digest("issuer", create_token(16))
    return await _resolve_row(
        wallet, vault, link_digest, partial(_read_issuer, wallet, credential_issuer), now, language
    )


async def get_offer(wallet: Wallet, vault: Vault, offer_id: str, now: datetime, *, language: str = "nl") -> OfferPage:
    await settle_ended_offers(wallet, vault, now)
    async with wallet.database.reading() as session:
        row = await store.get_offer(session, vault.account_id, offer_id)
    if row.state == "fetching":
        raise OfferBusyError
    if row.expires_at <= now:
        raise OfferExpiredError
    return _offer_page(wallet, vault, row, language)


async def find_unfinished_offers(wallet: Wallet, vault: Vault, now: datetime, *, language: str) -> list[OfferPage]:
    """Offers that were begun and broke off: the person can go on with them, or begin anew."""
    async with wallet.database.reading() as session:
        rows = await store.find_offers_in(session, vault.account_id, _UNFINISHED, now)
    idle = [row for row in rows if row.busy_until is None or row.busy_until <= now]
    pages = [_offer_page(wallet, vault, row, language) for row in idle]
    return [page for page in pages if page.state != "redeeming" or page.has_sign_in]


async def accept_offer(
    wallet: Wallet,
    vault: Vault,
    offer_id: str,
    *,
    tx_code: str | None,
    configuration_ids: Sequence[str] | None,
    now: datetime,
) -> Receipt:
    """Get what is offered, verify it fully, keep it, and tell the issuer. OpenID4VCI 1.0 §6, §7, §8, §11.

    An offer whose token was received, or whose badges wait unchecked, goes on from there: its one-time code is
    never sent again.
    """
    async with wallet.database.reading() as session:
        row = await store.get_offer(session, vault.account_id, offer_id)
        record = open_record(vault, row)
    if row.state in ("open", "authorizing"):
        require_tx_code(record, tx_code)
    async with wallet.database.transaction() as session:
        before = await store.spend_offer(session, vault.account_id, offer_id, now)
        record = open_record(vault, await store.get_offer(session, vault.account_id, offer_id))
    progress = Progress(wallet, vault, offer_id, record, now)
    if before in ("open", "authorizing"):
        await _redeem(progress, tx_code, configuration_ids)
    return await _go_on(progress, before)


async def complete_authorization(
    wallet: Wallet, holder: SignedIn, response: Mapping[str, str], now: datetime, *, redirect_uri: str
) -> Receipt:
    """Go on where the person went to sign in with the issuer: its answer came, in the browser that began."""
    progress = await finish_authorization(wallet, holder, response, now, redirect_uri=redirect_uri)
    return await _go_on(progress, "redeemed")


async def discard_offer(wallet: Wallet, vault: Vault, offer_id: str, now: datetime) -> None:
    """Say no. An issuer that already handed over a badge hears that it was not kept (§11.1, `credential_deleted`)."""
    async with wallet.database.transaction() as session:
        await store.spend_offer(session, vault.account_id, offer_id, now)
        record = open_record(vault, await store.get_offer(session, vault.account_id, offer_id))
    progress = Progress(wallet, vault, offer_id, record, now)
    note_outcome(progress, "credential_deleted")
    record.received, record.deferred, record.authorization = [], [], None
    await progress.save("discarded", is_done=False, due_at=now)
    await tell_outcome(progress, "discarded")


async def _redeem(progress: Progress, tx_code: str | None, configuration_ids: Sequence[str] | None) -> None:
    record = progress.record
    record.grant, record.authorization = PRE_AUTHORIZED_CODE_GRANT, None
    record.chosen = choose_configurations(progress.wallet.settings, record, configuration_ids)
    server = record.server()
    try:
        create_client(progress, server, is_anonymous=is_anonymous(server))
    except WalletNotKnownError:
        await progress.save("open")
        raise
    await redeem_pre_authorized_code(progress, tx_code)


async def _go_on(progress: Progress, state: str) -> Receipt:
    """From the token to the badge, from wherever this offer was."""
    if state in ("open", "authorizing", "redeemed"):
        await request_credentials(progress)
    elif state == "deferred":
        await request_deferred(progress)
    badges = await verify_and_keep(progress) if progress.record.received else []
    return Receipt(progress.offer_id, tuple(badges), bool(progress.record.deferred))


# --- reading the offer and its issuer's metadata


_Read = Callable[[], Awaitable[tuple[dict[str, Any], dict[str, Any]]]]


async def _resolve_row(
    wallet: Wallet, vault: Vault, link_digest: bytes, read: _Read, now: datetime, language: str
) -> OfferPage:
    """One row for one link, made before anything is fetched; it goes again when there is nothing to keep."""
    row = Offer(
        id=create_token(16),
        account_id=vault.account_id,
        link_digest=link_digest,
        state="fetching",
        sealed=b"",
        created_at=now,
        expires_at=now + wallet.settings.offer_lifetime,
    )
    async with wallet.database.transaction() as session:
        await store.remove_expired_offer_link(session, vault.account_id, link_digest, now)
        await store.add_offer(session, row)
    try:
        record = await _resolve_record(wallet, read, now)
    except BaseException:
        async with wallet.database.transaction() as session:
            await store.remove_offer(session, vault.account_id, row.id)
        raise
    row.state, row.sealed = "open", seal_record(vault, row.id, record)
    async with wallet.database.transaction() as session:
        await store.set_offer(session, vault.account_id, row.id, state=row.state, sealed=row.sealed)
    return _offer_page(wallet, vault, row, language)


def _parse_link(text: str) -> ByReference | ByValue:
    """What a link says; one that is about an offer, and says nothing that can be read, is not simply unknown."""
    try:
        return parse_credential_offer_link(text.strip())
    except MalformedError as exc:
        if is_about_an_offer(text):
            raise OfferUnreadableError(exc.detail, step=OFFER_STEP) from exc
        raise LinkError(exc.detail, step=LINK_STEP) from exc


def _parse_issuer_address(text: str) -> str:
    """An issuer's identifier, as people write addresses: with or without https:// and a slash at the end."""
    typed = text.strip().removesuffix("/")
    address = typed if "://" in typed else f"https://{typed}"
    try:
        parse_web_url(address, "the issuer", query=False)
    except MalformedError as exc:
        raise IssuerAddressError(exc.detail, step=ISSUER_STEP) from exc
    return address


async def _read_offer(wallet: Wallet, link: ByReference | ByValue) -> tuple[dict[str, Any], dict[str, Any]]:
    """An offer, and the metadata of the issuer that it names."""
    with _reading(OFFER_STEP, _OFFER_ERRORS):
        offer_json = await _fetch_offer(wallet, link)
        offer = parse_credential_offer(offer_json)
    with _reading(ISSUER_STEP, _ISSUER_ERRORS):
        return offer_json, await resolve_issuer_metadata(wallet, offer.credential_issuer)


async def _fetch_offer(wallet: Wallet, link: ByReference | ByValue) -> dict[str, Any]:
    try:
        return await resolve_offer_json(wallet, link)
    except AnsweredError as exc:
        if exc.status in _GONE:
            raise OfferGoneError(exc.detail, step=OFFER_STEP) from exc
        raise


async def _read_issuer(wallet: Wallet, credential_issuer: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An issuer's metadata, and with it everything that it gives as if it were offered, without any grant."""
    with _reading(ISSUER_STEP, _ADDRESS_ERRORS):
        metadata_json = await resolve_issuer_metadata(wallet, credential_issuer)
        metadata = await asyncio.to_thread(parse_issuer_metadata, metadata_json, credential_issuer=credential_issuer)
    offered = list(metadata.credential_configurations)
    if not offered:
        raise OfferNotSupportedError("no configuration that can be read", step=ISSUER_STEP)
    return {"credential_issuer": credential_issuer, "credential_configuration_ids": offered}, metadata_json


async def _resolve_record(wallet: Wallet, read: _Read, now: datetime) -> OfferRecord:
    """The offer, its issuer's metadata and authorization servers, each checked against the one before."""
    offer_json, metadata_json = await read()
    offer = parse_credential_offer(offer_json, most=MAX_CONFIGURATIONS)
    with _reading(ISSUER_STEP, _ISSUER_ERRORS):
        metadata = await asyncio.to_thread(
            parse_issuer_metadata, metadata_json, credential_issuer=offer.credential_issuer
        )
    with _reading(SERVER_STEP, _SERVER_ERRORS):
        servers = await _resolve_servers(wallet, metadata, offer)
    offered = frozenset(offer.credential_configuration_ids)
    besides = [each for name, each in metadata.credential_configurations.items() if name not in offered]
    record = OfferRecord(
        dict(offer_json),
        narrow_metadata(metadata_json, offered),
        servers.get(PRE_AUTHORIZED_CODE_GRANT) or servers[AUTHORIZATION_CODE_GRANT],
        {},
        code_server_metadata=servers.get(AUTHORIZATION_CODE_GRANT, {}),
        other_scopes=sorted({each.scope for each in besides if each.scope is not None}),
    )
    if not find_supported(wallet.settings, record):
        _raise_unsupported(metadata, offered)
    recognition = await resolve_party_recognition(
        wallet.resolver,
        identifiers=signers_of(offer.credential_issuer),
        service="issuance",
        now=now,
    )
    record.recognition = recognition_json(recognition)
    return record


def _raise_unsupported(metadata: IssuerMetadata, offered: Collection[str]) -> NoReturn:
    """Nothing that is offered can be had: since it cannot be read, or since it is of a kind that is not held here."""
    reasons = [reason for name, reason in metadata.unreadable.items() if name in offered]
    if reasons:
        raise IssuerUnreadableError(f"what is offered cannot be read: {reasons[0]}", step=ISSUER_STEP)
    raise OfferNotSupportedError("no configuration that this wallet can hold", step=ISSUER_STEP)


async def _resolve_servers(
    wallet: Wallet, metadata: IssuerMetadata, offer: CredentialOffer
) -> dict[str, dict[str, Any]]:
    """By grant that is offered and can be used, its server's metadata. Without grants one signs in (§4.1.1)."""
    named: dict[str, str | None] = {}
    if offer.pre_authorized_code is not None:
        named[PRE_AUTHORIZED_CODE_GRANT] = offer.pre_authorized_code.authorization_server
    if offer.authorization_code is not None or not named:
        grant = offer.authorization_code
        named[AUTHORIZATION_CODE_GRANT] = grant.authorization_server if grant else None
    found = {name: await resolve_server(wallet, metadata, grant=name, named=server) for name, server in named.items()}
    servers = {name: content for name, content in found.items() if content is not None}
    if not servers:
        raise OfferNotSupportedError("no authorization server takes a grant of this offer", step=SERVER_STEP)
    return servers


_Errors = Mapping[type[CredentialError], type[WalletError]]

# By what went wrong at a step: the nearest class of it that stands here says what the person is told.
_OFFER_ERRORS: _Errors = {
    AnsweredError: OfferUnreadableError,
    RejectedError: UnsafeAddressError,
    CredentialError: OfferUnreadableError,
}
_ISSUER_ERRORS: _Errors = {
    AnsweredError: IssuerAbsentError,
    TooLargeAnswerError: IssuerTooLargeError,
    UntrustedIssuerError: IssuerMismatchError,
    RejectedError: UnsafeAddressError,
    CredentialError: IssuerUnreadableError,
}
_ADDRESS_ERRORS: _Errors = {
    **_ISSUER_ERRORS,
    AnsweredError: IssuerAddressError,
    UntrustedIssuerError: IssuerAddressError,
    RejectedError: IssuerAddressError,
}
_SERVER_ERRORS: _Errors = {CredentialError: ServerUnreadableError}


@contextmanager
def _reading(failed: FailedStep, errors: _Errors) -> Iterator[None]:
    """Say of what cannot be read before consent what it was, and on whose side."""
    try:
        yield
    except UndecidedError as exc:
        raise UnreachableError(exc.detail, step=failed) from exc
    except CredentialError as exc:
        told = next(errors[kind] for kind in type(exc).__mro__ if kind in errors)
        raise told(f"{exc.code}: {exc.detail}", step=failed) from exc


# --- what is offered


def _offer_page(wallet: Wallet, vault: Vault, row: Offer, language: str) -> OfferPage:
    record = open_record(vault, row)
    offer, metadata = record.parsed_offer(), record.issuer_metadata()
    issuer = choose_display(metadata.display, language)
    tx_code = offer.pre_authorized_code.tx_code if offer.pre_authorized_code else None
    grants = _grants_of(record)
    return OfferPage(
        id=row.id,
        state=row.state,
        credential_issuer=offer.credential_issuer,
        host=host_of(offer.credential_issuer),
        issuer_name=shown_name((issuer.name if issuer else None) or ""),
        recognition=PartyRecognition(**record.recognition),
        credentials=tuple(
            _offered(metadata.get_configuration(name), language) for name in find_supported(wallet.settings, record)
        ),
        grants=grants,
        code_host=host_of(record.server(PRE_AUTHORIZED_CODE_GRANT).token_endpoint),
        sign_in_host=host_of(record.server(AUTHORIZATION_CODE_GRANT).authorization_endpoint or ""),
        tx_code=tx_code.as_json() if tx_code else None,
        is_begun_here=offer.pre_authorized_code is None and offer.authorization_code is None,
        expires_at=row.expires_at,
        lost=tuple(list_lost(row, record, language)),
    )


def _grants_of(record: OfferRecord) -> tuple[str, ...]:
    """The ways to get it. The pre-authorized code comes first: its issuer knows the person already; decision 0032."""
    code = (PRE_AUTHORIZED_CODE_GRANT,) if record.parsed_offer().pre_authorized_code is not None else ()
    return (*code, AUTHORIZATION_CODE_GRANT) if may_sign_in(record) else code


def _offered(configuration: CredentialConfiguration, language: str) -> OfferedCredential:
    display = choose_display(configuration.display, language)
    return OfferedCredential(
        configuration_id=configuration.id,
        format=configuration.format,
        name=configuration_name(configuration, language),
        description=shown_text((display.description if display else None) or ""),
    )
