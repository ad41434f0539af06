"""Badges fetched from a platform, and sent there: listed, judged, chosen, kept. Open Badges 3.0 §6.2, §6.4; W-20, B-23.

A visit reads a bounded part of the platform's list; a longer one goes on with the next visit. What was read waits,
sealed, for its owner's word. Each badge is judged as any badge from elsewhere is (`wallet.importing`): that a platform
has it proves nothing. A process that ends anywhere leaves what it had read, and the place in the list where it was.
"""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from kernel.errors import CredentialError, MalformedError, TooLargeError, UndecidedError
from kernel.importing import Verdict, recognise
from kernel.open_badges import is_newer, verify_replacement
from kernel.open_badges_api import (
    PageRequest,
    parse_link_header,
    parse_status_info,
    sift_credentials_page,
)
from kernel.strict_json import MAX_BYTES, encode_json, parse_json
from runtime.fetch import AnsweredError, FetchedResponse, FetchKind, UnreadableAnswerError
from runtime.tokens import create_token
from wallet import importing, store
from wallet.badge_files import find_open_badge_text, is_sendable
from wallet.credentials import Badge, HeldForm, find_forms, get_badge
from wallet.errors import (
    BADGES_STEP,
    UPSERT_STEP,
    BadgeNotTakenError,
    BadgeUnconfirmedError,
    NothingChosenError,
    PlatformFailedError,
    PlatformScopeError,
    TooManyChecksError,
    TooMuchWaitingError,
    UnreachableError,
    UnsendableBadgeError,
    WalletError,
)
from wallet.history import HistoryOutcome, HistoryRecord, add_history_record, set_history_outcome
from wallet.model_check import find_document
from wallet.models import ImportedBadge
from wallet.platform_access import Access, call_platform, release_access, require_token, take_access
from wallet.platforms import Connection, find_connections
from wallet.settings import Wallet
from wallet.vault import Vault

_PAGE_LIMIT: Final = 50
_PAGES_A_VISIT: Final = 10
_BADGES_A_VISIT: Final = 200
_BYTES_A_VISIT: Final = 12 * 1024 * 1024
_WAITING_AT_MOST: Final = 500
# Of all platforms of one person together.
_WAITING_BYTES: Final = 24 * 1024 * 1024
# A list is asked for from a little before the last time: clocks differ, and what was listed before is known.
_OVERLAP: Final = timedelta(days=1)
# Those that nobody chose are forgotten after that.
_DECISION_TIME: Final = timedelta(days=30)
_JUDGED_AT_ONCE: Final = 4
# A person waits for it; what is left is for the next press.
_JUDGING_SECONDS: Final = 20.0


class Standing(StrEnum):
    """How a fetched badge stands to what is in the wallet."""

    NEW = "new"
    CHANGED = "changed"
    """A newer form of one that was added from elsewhere; keeping it replaces that one (B-23)."""
    HERE = "here"
    REFUSED = "refused"
    """It is no badge, or does not hold."""
    UNCHECKED = "unchecked"
    """It waits to be judged."""


@dataclass(frozen=True, slots=True)
class FetchedBadge:
    """One badge of a platform's list. `view` is a `runtime.import_view.ImportView`; empty where there is none."""

    id: str
    standing: Standing
    view: Mapping[str, Any]
    refusal: str = ""
    """`no_badge`, `too_large`, `refuted`; of one that says that it is one that is here: `another`, `unproven`."""
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of those that were chosen."""

    kept: int = 0
    replaced: int = 0


class Sent(StrEnum):
    """What a platform did with a badge that it took. §6.2.3"""

    CREATED = "created"
    REPLACED = "replaced"


async def fetch_badges(
    wallet: Wallet, vault: Vault, connection_id: str, now: datetime, *, is_everything: bool = False
) -> None:
    """Read the platform's list, from where the last visit stopped or what came since, and judge what can be judged now.

    `is_everything`: the whole list from its beginning, as if it had never been read.
    """
    access = await take_access(wallet, vault, connection_id, now)
    try:
        if not access.record.may_read:
            raise PlatformScopeError("not allowed to read", step=BADGES_STEP)
        await _read_list(access, is_everything=is_everything)
    finally:
        await release_access(access)
    with suppress(TooManyChecksError):
        await check_fetched_badges(wallet, vault, connection_id, now)


async def check_fetched_badges(wallet: Wallet, vault: Vault, connection_id: str, now: datetime) -> None:
    """Judge those that were fetched and not judged, as many as fit in the time that a person waits for a page.

    Some are judged in any case, so that every press brings one further.
    TooManyChecksError where the process has no turn for the first of them.
    """
    async with wallet.database.reading() as session:
        await store.get_platform_connection(session, vault.account_id, connection_id)
        headers = await store.find_fetched_headers(session, vault.account_id, connection_id, now)
    opened = await asyncio.to_thread(_open_headers, vault, headers)
    waiting = [header for header in opened if "views" not in header.content and not header.content.get("refusal")]
    ends_at = asyncio.get_running_loop().time() + _JUDGING_SECONDS
    while waiting:
        batch, waiting = waiting[:_JUDGED_AT_ONCE], waiting[_JUDGED_AT_ONCE:]
        await asyncio.gather(*(_judge(wallet, vault, header, now) for header in batch))
        if asyncio.get_running_loop().time() >= ends_at:
            break


async def find_fetched_badges(
    wallet: Wallet, vault: Vault, connection_id: str, *, language: str, now: datetime
) -> list[FetchedBadge]:
    """What waits from a platform, in its order, each beside what is in the wallet now; else NotFoundError."""
    async with wallet.database.reading() as session:
        await store.get_platform_connection(session, vault.account_id, connection_id)
        rows = await store.find_fetched_badges(session, vault.account_id, connection_id, now)
        forms = await find_forms(session, vault) if rows else []
    files = await importing.find_imported_files(wallet, vault) if rows else []
    return await asyncio.to_thread(_compare_all, vault, rows, files, forms, language)


async def keep_fetched_badges(
    wallet: Wallet, vault: Vault, connection_id: str, chosen: Sequence[str], now: datetime
) -> Kept:
    """Keep those that were chosen and may be, each on its own: whoever ends on the way leaves the others waiting.

    A newer form takes the place of the one that is here. Those of the list that are here already go from it.
    NothingChosenError where none of them is in the list.
    """
    found = await find_fetched_badges(wallet, vault, connection_id, language="nl", now=now)
    wanted = [badge for badge in found if badge.id in chosen and badge.standing in (Standing.NEW, Standing.CHANGED)]
    if not wanted:
        raise NothingChosenError
    for badge in wanted:
        if badge.standing is Standing.NEW:
            await importing.keep_imported_badge(wallet, vault, badge.id, now)
        else:
            await _replace(wallet, vault, badge, now)
    replaced = [badge.id for badge in wanted if badge.standing is Standing.CHANGED]
    gone = [*replaced, *(badge.id for badge in found if badge.standing is Standing.HERE)]
    async with wallet.database.transaction() as session:
        await store.replace_fetched_badges(session, vault.account_id, connection_id, (), gone=gone)
    return Kept(kept=len(wanted) - len(replaced), replaced=len(replaced))


async def drop_fetched_badges(wallet: Wallet, vault: Vault, connection_id: str, now: datetime) -> None:
    """Forget what waits from a platform; the platform has it still."""
    async with wallet.database.transaction() as session:
        await store.get_platform_connection(session, vault.account_id, connection_id)
        headers = await store.find_fetched_headers(session, vault.account_id, connection_id, now)
        gone = [badge_id for badge_id, _ in headers]
        await store.replace_fetched_badges(session, vault.account_id, connection_id, (), gone=gone)


async def find_takers(wallet: Wallet, vault: Vault, badge: Badge) -> list[Connection]:
    """The platforms to which its owner may send this badge: none where it is no Open Badge."""
    if not is_sendable(badge):
        return []
    return [found for found in await find_connections(wallet, vault) if found.may_send]


async def send_badge(wallet: Wallet, vault: Vault, connection_id: str, badge_id: str, now: datetime) -> Sent:
    """Send a badge as its issuer signed it, and say what the platform did with it. §6.2.3; B-40.

    The history has it before it leaves, so that a crash cannot hide that it was shown. A platform that gets the same
    badge twice has it once (§6.2.3), so that one may try again where no word came back.
    """
    badge = await get_badge(wallet, vault, badge_id, now)
    signed = await asyncio.to_thread(find_open_badge_text, badge)
    if signed is None or len(signed.content) > MAX_BYTES:
        raise UnsendableBadgeError
    access = await take_access(wallet, vault, connection_id, now)
    try:
        if not access.record.may_send:
            raise PlatformScopeError("not allowed to send", step=UPSERT_STEP)
        await require_token(access)
        return await _send(access, signed.content, signed.media_type, badge.view.name)
    finally:
        await release_access(access)


@dataclass(frozen=True, slots=True)
class _Header:
    """What is known of a row that waits, opened; its file stays closed."""

    id: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Waiting(_Header):
    """A row that waits, opened."""

    file: bytes


@dataclass(frozen=True, slots=True)
class _Held:
    """What is in the wallet, by issuer and `id` (B-23): badges from elsewhere, and those that issuers gave it.

    One that only says whose it is, counts as none: whoever puts a forgery into a wallet would keep the true one out.
    `digests`: the files of all that were kept, whatever they are.
    """

    digests: frozenset[str]
    imported: Mapping[tuple[str, str], tuple[str, Mapping[str, Any]]]
    received: Mapping[tuple[str, str], Mapping[str, Any]]


# --- the list


async def _read_list(access: Access, *, is_everything: bool) -> None:
    listing = None if is_everything else access.record.listing
    if listing is None:
        listing = {"next": _first_page(access, is_everything=is_everything), "begun_at": access.now.isoformat()}
    seen: set[str] = set()
    read = bytes_read = 0
    for _ in range(_PAGES_A_VISIT):
        url = str(listing["next"])
        if url in seen:
            raise PlatformFailedError("a page that leads to itself", step=BADGES_STEP)
        seen.add(url)
        response = await _get_page(access, url)
        badges = _parse_page(response)
        following = _find_next(access, response)
        if following is not None and not badges:
            raise PlatformFailedError("an empty page that leads to another", step=BADGES_STEP)
        read, bytes_read = read + len(badges), bytes_read + len(response.body)
        await _keep_page(access, badges, listing | {"next": following})
        if following is None:
            return
        listing["next"] = following
        if read >= _BADGES_A_VISIT or bytes_read >= _BYTES_A_VISIT:
            return


def _first_page(access: Access, *, is_everything: bool) -> str:
    fetched_at = access.record.fetched_at
    since = None if fetched_at is None or is_everything else datetime.fromisoformat(fetched_at) - _OVERLAP
    query = urlencode(PageRequest(_PAGE_LIMIT, 0, since).as_query())
    return f"{_credentials_url(access)}?{query}"


def _credentials_url(access: Access) -> str:
    return f"{access.platform.api_url}/credentials"


async def _get_page(access: Access, url: str) -> FetchedResponse:
    async def send(headers: Mapping[str, str]) -> FetchedResponse:
        return await access.wallet.fetch.get_answer(
            url, accept="application/json", kind=FetchKind.BADGES, headers=headers
        )

    try:
        response = await call_platform(access, send, failed=BADGES_STEP)
    except UndecidedError as exc:
        raise UnreachableError(exc.detail, step=BADGES_STEP) from exc
    except CredentialError as exc:
        raise PlatformFailedError(f"badges: {exc.code}: {exc.detail}", step=BADGES_STEP) from exc
    if response.status != 200:
        raise PlatformFailedError(f"badges: status {response.status}", step=BADGES_STEP, answered=_minor_of(response))
    return response


def _parse_page(response: FetchedResponse) -> list[bytes]:
    """The badges of a page as files, and as such, too, what stands among them and is none: it is shown, with that."""
    try:
        page, others = sift_credentials_page(parse_json(response.body, max_bytes=len(response.body)))
    except CredentialError as exc:
        raise PlatformFailedError(f"badges: {exc.code}: {exc.detail}", step=BADGES_STEP) from exc
    documents = [encode_json(document) for document in (*page.credentials, *others)]
    return [*documents, *(jws.encode() for jws in page.compact_jws)]


def _find_next(access: Access, response: FetchedResponse) -> str | None:
    """The page after this one, which lies where this one lay: the token goes nowhere else. §6.4"""
    try:
        following = parse_link_header(response.headers.get("link", "")).get("next")
    except CredentialError as exc:
        raise PlatformFailedError(f"paging: {exc.detail}", step=BADGES_STEP) from exc
    if following is None:
        return None
    here, there = urlsplit(_credentials_url(access)), urlsplit(following)
    if (here.netloc.lower(), here.path) != (there.netloc.lower(), there.path):
        raise PlatformFailedError("a next page that lies elsewhere", step=BADGES_STEP)
    return following


async def _keep_page(access: Access, badges: Sequence[bytes], listing: dict[str, Any]) -> None:
    """Write down what a page had and where the list goes on, in one transaction: neither is there alone."""
    vault, now = access.vault, access.now
    if listing["next"] is None:
        access.record.listing, access.record.fetched_at = None, listing["begun_at"]
    else:
        access.record.listing = listing
    async with access.wallet.database.transaction() as session:
        headers = await store.find_fetched_headers(session, vault.account_id, access.connection_id, now)
        made = await asyncio.to_thread(_seal_new, access, badges, headers)
        await store.replace_fetched_badges(session, vault.account_id, access.connection_id, made, gone=())
        waiting_bytes = await store.measure_fetched_badges(session, vault.account_id, now)
        if len(headers) + len(made) > _WAITING_AT_MOST or waiting_bytes > _WAITING_BYTES:
            raise TooMuchWaitingError
        await access.write(session)


def _seal_new(access: Access, badges: Sequence[bytes], headers: Sequence[tuple[str, bytes]]) -> list[ImportedBadge]:
    """The rows of those of a page that do not wait already."""
    opened = _open_headers(access.vault, headers)
    known = {header.content["digest"] for header in opened}
    first = opened[-1].content["position"] + 1 if opened else 0
    made: list[ImportedBadge] = []
    for position, badge in enumerate(badges, start=first):
        digest = hashlib.sha256(badge).hexdigest()
        if digest not in known:
            known.add(digest)
            made.append(_seal_waiting(access, badge, digest, position))
    return made


def _seal_waiting(access: Access, badge: bytes, digest: str, position: int) -> ImportedBadge:
    badge_id, vault = create_token(16), access.vault
    is_too_large = len(badge) > MAX_BYTES
    content = {"digest": digest, "position": position} | ({"refusal": "too_large"} if is_too_large else {})
    return ImportedBadge(
        id=badge_id,
        account_id=vault.account_id,
        sealed=vault.seal("imported_badge", badge_id, content),
        sealed_file=vault.seal_bytes("imported_file", badge_id, b"" if is_too_large else badge),
        received_at=access.now,
        expires_at=access.now + _DECISION_TIME,
        connection_id=access.connection_id,
    )


def _open_headers(vault: Vault, headers: Sequence[tuple[str, bytes]]) -> list[_Header]:
    """In the order of the platform."""
    opened = [_Header(badge_id, vault.open("imported_badge", badge_id, sealed)) for badge_id, sealed in headers]
    return sorted(opened, key=_place)


def _in_order(vault: Vault, rows: Sequence[ImportedBadge]) -> list[_Waiting]:
    return sorted((_open_waiting(vault, row) for row in rows), key=_place)


def _place(header: _Header) -> tuple[int, str]:
    return header.content["position"], header.id


def _open_waiting(vault: Vault, row: ImportedBadge) -> _Waiting:
    content = vault.open("imported_badge", row.id, row.sealed)
    return _Waiting(row.id, content, vault.open_bytes("imported_file", row.id, row.sealed_file))


async def _find_waiting(wallet: Wallet, vault: Vault, badge_id: str, now: datetime) -> _Waiting:
    async with wallet.database.reading() as session:
        row = await store.get_imported_badge(session, vault.account_id, badge_id, now)
    return await asyncio.to_thread(_open_waiting, vault, row)


# --- what each of them is


async def _judge(wallet: Wallet, vault: Vault, header: _Header, now: datetime) -> None:
    waits = await _find_waiting(wallet, vault, header.id, now)
    own = {"digest": waits.content["digest"], "position": waits.content["position"]}
    try:
        imported = await asyncio.to_thread(recognise, waits.file)
    except MalformedError as exc:
        found: dict[str, Any] = {"refusal": "too_large" if isinstance(exc, TooLargeError) else "no_badge"}
    else:
        with importing.take_turn():
            report, found = await importing.judge_badge(wallet, imported, waits.file, now)
        if report.verdict is Verdict.REFUTED:
            found["refusal"] = "refuted"
    async with wallet.database.transaction() as session:
        sealed = vault.seal("imported_badge", waits.id, found | own)
        await store.replace_imported_findings(session, vault.account_id, waits.id, sealed)


def _compare_all(
    vault: Vault,
    rows: Sequence[ImportedBadge],
    files: Sequence[importing.ImportedFile],
    forms: Sequence[HeldForm],
    language: str,
) -> list[FetchedBadge]:
    held = _find_held(files, forms)
    return [_create_fetched(held, waits, language) for waits in _in_order(vault, rows)]


def _find_held(files: Sequence[importing.ImportedFile], forms: Sequence[HeldForm]) -> _Held:
    imported: dict[tuple[str, str], tuple[str, Mapping[str, Any]]] = {}
    for kept in files:
        with suppress(MalformedError):
            if kept.is_authentic:
                document = recognise(kept.file).document
                imported.setdefault(_identify(document), (kept.id, document))
    documents = [find_document(form.credential) for form in forms]
    digests = frozenset(hashlib.sha256(kept.file).hexdigest() for kept in files)
    return _Held(digests, imported, {_identify(document): document for document in documents})


def _identify(document: Mapping[str, Any]) -> tuple[str, str]:
    """B-23. One that names neither is like no other."""
    issuer = document.get("issuer")
    named = issuer.get("id") if isinstance(issuer, Mapping) else issuer
    return str(named or create_token(16)), str(document.get("id") or create_token(16))


def _create_fetched(held: _Held, waits: _Waiting, language: str) -> FetchedBadge:
    refusal = str(waits.content.get("refusal", ""))
    view = waits.content["views"][language] if "views" in waits.content else {}
    if refusal:
        return FetchedBadge(waits.id, Standing.REFUSED, view, refusal)
    if not view:
        return FetchedBadge(waits.id, Standing.UNCHECKED, view)
    if waits.content["digest"] in held.digests:
        return FetchedBadge(waits.id, Standing.HERE, view)
    document = recognise(waits.file).document
    return _compare(held, waits.id, document, view)


def _compare(held: _Held, badge_id: str, document: Mapping[str, Any], view: Mapping[str, Any]) -> FetchedBadge:
    """B-23: the same where issuer and `id` are. Only a proven badge takes the place of another, and only of its own."""
    same = held.imported.get(_identify(document))
    received = held.received.get(_identify(document))
    if same is None:
        is_here = received is not None and not _is_newer(received, document)
        return FetchedBadge(badge_id, Standing.HERE if is_here else Standing.NEW, view)
    if not _is_newer(same[1], document):
        return FetchedBadge(badge_id, Standing.HERE, view)
    try:
        verify_replacement(same[1], document)
    except CredentialError:
        return FetchedBadge(badge_id, Standing.REFUSED, view, "another")
    if view["verdict"] != Verdict.PROVEN.value:
        return FetchedBadge(badge_id, Standing.REFUSED, view, "unproven")
    return FetchedBadge(badge_id, Standing.CHANGED, view, replaces=same[0])


def _is_newer(held: Mapping[str, Any], offered: Mapping[str, Any]) -> bool:
    try:
        return is_newer(held, offered)
    except CredentialError:
        return False


async def _replace(wallet: Wallet, vault: Vault, badge: FetchedBadge, now: datetime) -> None:
    waits = await _find_waiting(wallet, vault, badge.id, now)
    found = {name: value for name, value in waits.content.items() if name not in ("digest", "position")}
    imported = await asyncio.to_thread(recognise, waits.file)
    await importing.replace_imported_badge(wallet, vault, badge.replaces, imported, found, waits.file, now)


# --- the other way


async def _send(access: Access, content: bytes, media_type: str, name: str) -> Sent:
    record = _record(access, name)
    async with access.wallet.database.transaction() as session:
        await add_history_record(session, access.vault, record)

    async def send(headers: Mapping[str, str]) -> FetchedResponse:
        accept = "text/plain" if media_type == "text/plain" else "application/json, application/vc+ld+json"
        return await access.wallet.fetch.post_json(
            _credentials_url(access),
            content,
            headers={**headers, "Content-Type": media_type, "Accept": accept},
            kind=FetchKind.BADGES,
        )

    outcome: HistoryOutcome = "sending"
    try:
        sent = _read_sent(await call_platform(access, send, failed=UPSERT_STEP))
        outcome = "confirmed"
    except UndecidedError as exc:
        outcome = "unconfirmed"
        raise BadgeUnconfirmedError(exc.detail, step=UPSERT_STEP) from exc
    except UnreadableAnswerError as exc:
        # It arrived, and the status says how it was taken.
        if exc.status not in (200, 201):
            outcome = "refused"
            raise BadgeNotTakenError(f"status {exc.status}", step=UPSERT_STEP) from exc
        outcome, sent = "delivered", _of_status(exc.status)
    except AnsweredError as exc:
        outcome = "refused"
        raise BadgeNotTakenError(f"status {exc.status}", step=UPSERT_STEP) from exc
    except CredentialError as exc:
        outcome = "unsent"
        raise PlatformFailedError(f"upsert: {exc.code}: {exc.detail}", step=UPSERT_STEP) from exc
    except WalletError:
        outcome = "refused"
        raise
    finally:
        async with access.wallet.database.transaction() as session:
            await set_history_outcome(session, access.vault, record.id, outcome)
    return sent


def _read_sent(response: FetchedResponse) -> Sent:
    if response.status in (200, 201, 304):
        return _of_status(response.status)
    raise BadgeNotTakenError(f"status {response.status}", step=UPSERT_STEP, answered=_minor_of(response))


def _of_status(status: int) -> Sent:
    """304: it is there, as it was sent."""
    return Sent.CREATED if status == 201 else Sent.REPLACED


def _record(access: Access, name: str) -> HistoryRecord:
    platform = access.platform
    return HistoryRecord(
        kind="shared",
        party_name=platform.host,
        party_own_name=platform.name,
        party_id=platform.api_url,
        recognition="",
        happened_at=access.now,
        badges=(name,) if name else (),
        outcome="sending",
    )


def _minor_of(response: FetchedResponse) -> str:
    """The platform's own word for why not, where it gave one of the vocabulary. §B.3.6"""
    with suppress(CredentialError):
        for _, minor in parse_status_info(parse_json(response.body)).code_minor:
            return minor.value
    return ""
