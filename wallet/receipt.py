"""What an issuer handed over: checked, then kept or refused, and the issuer hears which. W-15, W-16; VCI 1.0 §11.

What was received and could not be checked yet waits in the offer, and is no badge until every check has passed. Word to
the issuer that did not arrive is due until it does, or until the issuer says that it does not want it.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from kernel.errors import (
    CredentialError,
    HolderBindingError,
    MalformedError,
    RejectedError,
    RevokedError,
    SuspendedError,
    UndecidedError,
    UntrustedIssuerError,
    WrongTypeError,
)
from kernel.formats import ALGORITHMS, FORMATS, VerifiedCredential, parse_credential
from kernel.keys import SoftwareSigner
from kernel.open_badges import BadgeView, badge_view
from kernel.openid4vci import CredentialConfiguration
from kernel.status.token_status_list import Status
from kernel.type_metadata import TypeMetadata, find_extended, parse_type_metadata
from runtime.endorsements import resolve_endorsements
from runtime.fetch import FetchKind
from runtime.logging import get_logger
from runtime.tokens import create_token
from wallet import store
from wallet.claims import IssuerLabel, create_issuer_labels
from wallet.copies import Copy, seal_copies
from wallet.credentials import HeldForm, Receipt, create_view, resolve_issuer_recognition, seal_badge, seal_form
from wallet.errors import CHECK_STEP, CredentialRefusedError, NotCheckedYetError
from wallet.history import HistoryRecord, add_history_record
from wallet.holder_keys import seal_holder_key
from wallet.images import resolve_badge_image
from wallet.issuer_requests import post_to_issuer
from wallet.lost_badges import note_lost
from wallet.model_check import list_checks, verify_model
from wallet.offer_record import Progress, create_renewal, seal_record
from wallet.recognition import PartyRecognition
from wallet.settings import Wallet
from wallet.shelf import fill_shelf

log = get_logger(__name__)

# What claims are called is worth this wait and no more.
TYPES_PATIENCE = timedelta(seconds=10)
# Word to the issuer that did not arrive is tried again after this, and this often.
_TELL_AGAIN = timedelta(minutes=10)
_MOST_TELLINGS = 5


@dataclass(frozen=True, slots=True)
class ReceivedBadge:
    """A badge that was verified and kept."""

    id: str
    name: str
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """One form of a badge that passed every check, in as many copies as came, each with its own key."""

    configuration_id: str
    copies: tuple[Copy, ...]

    @property
    def credential(self) -> VerifiedCredential:
        """The copy that stands for the form in the wallet."""
        return self.copies[0].credential

    @property
    def holder_key(self) -> SoftwareSigner:
        return self.copies[0].holder_key


async def verify_and_keep(progress: Progress) -> list[ReceivedBadge]:
    """W-15, then one transaction that keeps everything; or nothing is kept, and the issuer hears why."""
    record = progress.record
    try:
        held = [await verify_received(progress, item) for item in record.received]
    except UndecidedError as exc:
        await progress.save("unchecked")
        raise NotCheckedYetError(exc.detail, step=CHECK_STEP) from exc
    except CredentialError as exc:
        note_outcome(progress, "credential_failure")
        more = _note_unsound(progress) if record.is_awaited else {}
        record.received, record.deferred = [], []
        await progress.save("failed", due_at=progress.now, **more)
        await tell_outcome(progress, "failed")
        raise CredentialRefusedError(exc) from exc
    badges = await _keep(progress, held)
    await tell_outcome(progress, state_after(progress))
    return badges


def _note_unsound(progress: Progress) -> dict[str, Any]:
    """What to save with it: nobody looks when a badge comes for which one waited, so it is told later."""
    record = progress.record
    said = note_lost(progress, [*record.received, *record.deferred], "unsound")
    return {"history": said, "expires_at": progress.remembered_until}


def state_after(progress: Progress) -> str:
    """An offer of which something is still being prepared is not over; one of which nothing came has failed."""
    if progress.record.deferred:
        return "deferred"
    return "received" if progress.record.is_kept else "failed"


def note_outcome(progress: Progress, event: str) -> None:
    """Write down what the issuer is to hear of what it handed over, before anybody tells it (§11.1)."""
    told = [item["notification_id"] for item in progress.record.received if item["notification_id"] is not None]
    if told and progress.metadata.notification_endpoint is not None and progress.record.token is not None:
        progress.record.outcome = {"event": event, "notification_ids": list(dict.fromkeys(told)), "tries": 0}


async def tell_outcome(progress: Progress, state: str) -> None:
    """Tell the issuer how it ended, and forget the access token when nothing is left to do with it. §11.

    Its answer changes nothing here. An error of the issuer's is final; silence is followed by another try.
    """
    outcome = progress.record.outcome
    if outcome is not None:
        outcome["tries"] += 1
        if await _tell(progress, outcome) or outcome["tries"] >= _MOST_TELLINGS:
            progress.record.outcome = outcome = None
    if outcome is None and not progress.record.deferred:
        progress.record.token, progress.record.asked = None, []
    moments = [datetime.fromisoformat(item["due_at"]) for item in progress.record.deferred]
    if outcome is not None:
        moments.append(progress.now + _TELL_AGAIN)
    await progress.save(state, due_at=min(moments, default=None))


async def _tell(progress: Progress, outcome: Mapping[str, Any]) -> bool:
    endpoint = progress.metadata.notification_endpoint
    if endpoint is None:
        return True
    is_told = True
    for notification_id in outcome["notification_ids"]:
        body = json.dumps({"notification_id": notification_id, "event": outcome["event"]}).encode()
        try:
            await post_to_issuer(progress, endpoint, body)
        except CredentialError as exc:
            is_told = is_told and not isinstance(exc, UndecidedError)
            log.info("notification not delivered", error_class=type(exc).__name__)
    return is_told


async def verify_received(progress: Progress, item: Mapping[str, Any]) -> Held:
    """Every copy on its own, and that they are copies of one another: what is shown later is any of them."""
    keys = {key.public_key.thumbprint: key for key in map(SoftwareSigner.from_jwk, item["holder_keys"])}
    copies: list[Copy] = []
    for raw in item["raw"]:
        credential = await _verify_copy(progress, item["configuration_id"], raw)
        # Bound to a key that was made for it, to no other, and to none that another copy has (§8.3, A-48).
        holder_key = keys.pop(credential.holder_key.thumbprint, None) if credential.holder_key else None
        if holder_key is None:
            raise HolderBindingError("bound to another key than the one proven, or two copies to one key")
        copies.append(Copy(credential, holder_key))
    if not copies:
        raise MalformedError("no credential in the answer")
    if any(content_of(copy.credential) != content_of(copies[0].credential) for copy in copies):
        raise WrongTypeError("copies that say different things")
    return Held(item["configuration_id"], tuple(copies))


def content_of(credential: VerifiedCredential) -> tuple[Any, ...]:
    """What every copy of one badge has in common, for whoever sees it and for whoever chooses what to show."""
    view = badge_view(credential.claims, credential.format)
    paths = FORMATS[credential.format].disclosable_paths(credential.raw)
    return credential.issuer, credential.types, replace(view, awarded_at=None), frozenset(paths)


async def _verify_copy(progress: Progress, configuration_id: str, raw: str) -> VerifiedCredential:
    """Everything that must hold before a credential is kept, but for its key. RFC 9901 §7.1; W-15."""
    configuration = progress.metadata.get_configuration(configuration_id)
    unverified = parse_credential(raw)
    # (1) The format that was promised.
    if unverified.format != configuration.format:
        raise WrongTypeError("another format than the configuration's")
    # (2) Signed by its issuer's key, disclosures and validity hold.
    resolver = progress.wallet.resolver
    key = await resolver.resolve_issuer_key(unverified, now=progress.now)
    credential = FORMATS[unverified.format].verify(
        unverified, key=key, algorithms=ALGORITHMS[unverified.format], now=progress.now
    )
    # (3) That issuer is the party the person said yes to.
    await _verify_issuer(progress, credential)
    # (4) The type that was promised.
    _verify_type(configuration, credential)
    # (5) An Open Badge, where it calls itself one.
    verify_model(credential)
    # (6) Not withdrawn.
    answer = await resolver.resolve_status(credential, now=progress.now)
    if answer is not None:
        _verify_status(answer.status)
    return credential


async def _verify_issuer(progress: Progress, credential: VerifiedCredential) -> None:
    """The signer is the host that made the offer, or one that the ecosystem's list recognises for this badge."""
    credential_issuer = progress.offer.credential_issuer
    if _is_same_party(credential.issuer, credential_issuer):
        return
    found = await resolve_issuer_recognition(
        progress.wallet, credential, credential_issuer=credential_issuer, now=progress.now
    )
    if not found.is_recognised:
        raise UntrustedIssuerError("signed by another party than the one that offered it")


async def _keep(progress: Progress, held: Sequence[Held]) -> list[ReceivedBadge]:
    wallet, vault, now = progress.wallet, progress.vault, progress.now
    groups = _group_by_achievement(held)
    credential_issuer = progress.offer.credential_issuer
    images = [await resolve_badge_image(wallet.fetch, _view(group).image) for group in groups]
    recognition = [
        await resolve_issuer_recognition(wallet, group[0].credential, credential_issuer=credential_issuer, now=now)
        for group in groups
    ]
    found_labels = {item.configuration_id: await _resolve_labels(progress, item) for item in held}
    receipts = [await _resolve_receipt(progress, group[0].credential) for group in groups]
    note_outcome(progress, "credential_accepted")
    progress.record.received, progress.record.is_kept = [], True
    badges = []
    async with wallet.database.transaction() as session:
        for group, image, recognised, found in zip(groups, images, recognition, receipts, strict=True):
            credential_id = create_token(16)
            row = seal_badge(
                vault, credential_id, credential_issuer=credential_issuer, image=image, receipt=found, now=now
            )
            await store.add_credential(session, row)
            for item in group:
                form = HeldForm(
                    create_token(16),
                    credential_id,
                    item.configuration_id,
                    item.credential,
                    found_labels[item.configuration_id],
                )
                await store.add_credential_form(
                    session, seal_form(vault, form), seal_holder_key(vault, form.id, item.holder_key)
                )
                await store.add_copies(session, seal_copies(vault, form.id, item.copies))
            await add_history_record(session, vault, _receipt(group, recognised, now))
            formats = tuple(item.credential.format for item in group)
            badges.append(ReceivedBadge(credential_id, _view(group).name, formats))
        renewal = create_renewal(vault, credential_id, progress.record) if len(groups) == 1 else None
        if renewal is not None:
            await store.add_renewal(session, renewal)
        sealed = seal_record(vault, progress.offer_id, progress.record)
        await store.set_offer(
            session, vault.account_id, progress.offer_id, state=state_after(progress), sealed=sealed, due_at=now,
            is_done=False,
        )  # fmt: skip
    await fill_shelf(wallet, vault, now)
    return badges


async def _resolve_receipt(progress: Progress, credential: VerifiedCredential) -> Receipt:
    """Every check that it passed, and what others say of it, each judged in its own right. B-09, B-21, A-50."""
    wallet = progress.wallet
    said = await resolve_endorsements(
        wallet.fetch, wallet.resolver, credential.claims, credential.format, now=progress.now
    )
    return Receipt(list_checks(credential), tuple(each.as_json() for each in said))


async def _resolve_labels(progress: Progress, item: Held) -> tuple[IssuerLabel, ...]:
    """What the claims are called: asked once, at receipt. Without an answer our own words will do. W-18, A-48."""
    types = await resolve_types(progress.wallet, item.credential)
    return create_issuer_labels(types, progress.metadata.get_configuration(item.configuration_id).claims)


def _is_same_party(issuer: str, credential_issuer: str) -> bool:
    """Whether a credential's issuer speaks from the host that the person saw: its URL, or a did:web of that host."""
    if issuer == credential_issuer:
        return True
    host = urlsplit(credential_issuer).netloc.lower().replace(":", "%3a")
    return issuer.lower() == f"did:web:{host}" or issuer.lower().startswith(f"did:web:{host}:")


def _verify_status(status: Status) -> None:
    """Raise unless the issuer's list says no worse than something to read: that stands on the badge's page."""
    match status:
        case Status.INVALID:
            raise RevokedError
        case Status.SUSPENDED:
            raise SuspendedError
        case Status.UNASSIGNED:
            raise RejectedError("a status value that nobody knows")


def _verify_type(configuration: CredentialConfiguration, credential: VerifiedCredential) -> None:
    """W-15: `vct`, or every type of the credential definition, as the configuration promised."""
    promised = {configuration.vct} if configuration.vct else set(configuration.types)
    if not promised <= credential.types:
        raise WrongTypeError("another type than the configuration's")


_Group = list[Held]


def _group_by_achievement(held: Iterable[Held]) -> list[_Group]:
    """Forms of one achievement from one issuer are one badge."""
    groups: dict[tuple[str, str], _Group] = {}
    for item in held:
        achievement = badge_view(item.credential.claims, item.credential.format).achievement_id
        groups.setdefault((item.credential.issuer, achievement or item.configuration_id), []).append(item)
    return list(groups.values())


def _view(group: _Group) -> BadgeView:
    return create_view(group[0].credential)


def _receipt(group: _Group, recognition: PartyRecognition, now: datetime) -> HistoryRecord:
    view = _view(group)
    return HistoryRecord(
        kind="received",
        party_name=view.issuer_name or group[0].credential.issuer,
        party_id=group[0].credential.issuer,
        recognition=recognition.outcome,
        happened_at=now,
        badges=(view.name,),
    )


async def resolve_types(wallet: Wallet, credential: VerifiedCredential) -> list[TypeMetadata]:
    """The type of a credential and those that it extends, the nearest first, as far as they can be had and hold. K-51.

    They are words and nothing else: what is missing or not what its integrity value names costs only its labels.
    """
    vct, integrity = credential.claims.get("vct"), credential.claims.get("vct#integrity")
    wanted = (vct, integrity if isinstance(integrity, str) else None) if isinstance(vct, str) else None
    chain: list[TypeMetadata] = []
    try:
        async with asyncio.timeout(TYPES_PATIENCE.total_seconds()):
            while wanted is not None and wanted[0].startswith(("https://", "http://")):
                chain.append(await _resolve_type(wallet, *wanted))
                wanted = find_extended(chain)
    except (CredentialError, TimeoutError) as exc:
        log.info("no type metadata", error_class=type(exc).__name__)
    return chain


async def _resolve_type(wallet: Wallet, vct: str, integrity: str | None) -> TypeMetadata:
    response = await wallet.fetch.get(vct, accept="application/json", kind=FetchKind.METADATA)
    return parse_type_metadata(response.body, vct=vct, integrity=integrity)
