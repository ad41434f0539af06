"""Whatever badge somebody brings, judged with what the world says of it: the one driver for pages and command line.

    imported = await read_badge(content)                    # MalformedError: no badge, or `unread_code` says why else
    report = await resolve_report(fetch, imported, now=now)

The kernel says what it needs next and never fetches; here that is fetched by the guarded fetcher, side by side, within
one time and one size for the whole file. What could not be had in that time was not checked, which is never a yes.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, Protocol, TypeVar

from cryptography.x509 import Certificate

from kernel.errors import CredentialError, MalformedError, TooLargeError
from kernel.formats import judged_when_issued
from kernel.importing import (
    AddressRefusedError,
    Answer,
    AnswerKind,
    Imported,
    ImportReport,
    IssuerArchive,
    Lookup,
    LookupKind,
    judge,
    recognise,
)
from kernel.trust_list import Recognition
from runtime.fetch import AnsweredError, Fetcher, FetchKind
from runtime.logging import get_logger
from runtime.pictures import MAX_PICTURE_BYTES, NoQrCodeError, UnreadablePictureError, read_qr_code
from runtime.resolve import Resolver

log = get_logger(__name__)

MAX_UPLOAD_BYTES: Final = MAX_PICTURE_BYTES
"""No file of a badge is larger, and no photo of a QR code either."""

# All addresses of one file together; a person waits for it.
_TOTAL_SECONDS: Final = 20.0
_MAX_TOTAL_BYTES: Final = 16 * 1024 * 1024
_AT_ONCE: Final = 4

_DOCUMENT: Final = "application/ld+json, application/json;q=0.9"
_SHOWN: Final = (
    "application/ld+json, application/json;q=0.9, application/vc;q=0.9, application/vc+jwt;q=0.8, "
    "application/dc+sd-jwt;q=0.8, application/vc+sd-jwt;q=0.8, application/jwt;q=0.8, image/png;q=0.7, "
    "image/svg+xml;q=0.7, text/plain;q=0.1"
)
_RULES: Final[Mapping[LookupKind, tuple[FetchKind, str]]] = {
    LookupKind.SHOWN_ADDRESS: (FetchKind.SHOWN_BADGE, _SHOWN),
    LookupKind.ASSERTION: (FetchKind.BADGE_DOCUMENT, _DOCUMENT),
    LookupKind.BADGE_CLASS: (FetchKind.BADGE_DOCUMENT, _DOCUMENT),
    LookupKind.ISSUER_PROFILE: (FetchKind.BADGE_DOCUMENT, _DOCUMENT),
    LookupKind.REVOCATION_LIST: (FetchKind.BADGE_DOCUMENT, _DOCUMENT),
    LookupKind.ISSUER_KEY: (FetchKind.BADGE_DOCUMENT, "application/json, application/ld+json"),
    LookupKind.DID_DOCUMENT: (FetchKind.DID_DOCUMENT, "application/json"),
    LookupKind.ISSUER_METADATA: (FetchKind.METADATA, "application/json"),
    LookupKind.STATUS_LIST: (FetchKind.STATUS_LIST, "application/statuslist+jwt"),
    LookupKind.STATUS_LIST_CREDENTIAL: (
        FetchKind.STATUS_LIST_CREDENTIAL,
        "application/vc, application/vc+jwt;q=0.9, application/ld+json;q=0.5, application/json;q=0.5",
    ),
}
_UNAVAILABLE: Final = Answer(AnswerKind.UNAVAILABLE)
_ANSWERED: Final = {404: AnswerKind.NOT_FOUND, 410: AnswerKind.GONE}


async def read_badge(content: bytes | str) -> Imported:
    """Say what this is, or raise MalformedError; a picture without a badge inside may show the QR code of one."""
    if len(content) > MAX_UPLOAD_BYTES:
        raise TooLargeError("more than is read of a file")
    try:
        return await asyncio.to_thread(recognise, content)
    except MalformedError as refusal:
        if isinstance(content, str):
            raise
        try:
            text = await read_qr_code(content)
        except (UnreadablePictureError, NoQrCodeError):
            raise refusal from None
    return await asyncio.to_thread(recognise, text)


def unread_code(error: MalformedError) -> str:
    """Why it was not read as a badge, as pages and APIs call it: what nobody looked at is not called no badge."""
    if isinstance(error, TooLargeError):
        return "badge_too_large"
    return "address_refused" if isinstance(error, AddressRefusedError) else "no_badge"


async def resolve_address(fetch: Fetcher, imported: Imported) -> bytes | None:
    """Return what stands at an address that somebody brought, for whoever keeps files; None where nothing was had."""
    answer = await _fetch(fetch, Lookup(str(imported.document["id"]), LookupKind.SHOWN_ADDRESS))
    return answer.body if answer.kind is AnswerKind.FOUND else None


class _Judgement(Protocol):
    """What was found so far, and what else to fetch."""

    @property
    def lookups(self) -> tuple[Lookup, ...]: ...


J = TypeVar("J", bound=_Judgement)


async def resolve_report(
    fetch: Fetcher,
    imported: Imported,
    *,
    now: datetime,
    email: str | None = None,
    anchors: Sequence[Certificate] = (),
    left_behind: IssuerArchive | None = None,
    seconds: float = _TOTAL_SECONDS,
) -> ImportReport:
    """Judge a badge with all that can be fetched for it in this time; raises nothing."""
    return await judge_with_lookups(
        fetch,
        lambda material: judge(imported, material, now=now, email=email, anchors=anchors, left_behind=left_behind),
        seconds=seconds,
    )


async def judge_with_lookups(
    fetch: Fetcher, judge: Callable[[Mapping[Lookup, Answer]], J], *, seconds: float = _TOTAL_SECONDS
) -> J:
    """Judge, fetch what the judgement lacks, and judge again, until it lacks nothing or the time is over."""
    material: dict[Lookup, Answer] = {}
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + seconds
    found = await asyncio.to_thread(judge, material)
    # Nor is there another round after that time: each of them makes every signature's check again.
    while found.lookups and loop.time() < ends_at:
        material |= await _fetch_all(fetch, found.lookups, material, ends_at)
        found = await asyncio.to_thread(judge, material)
    return found


async def resolve_recognition(resolver: Resolver, report: ImportReport, *, now: datetime) -> Recognition | None:
    """Say what the sources of trust have about whoever signed it, or None where nobody was shown to have. T-01, T-04.

    Valid and recognised are two answers. Sources that cannot be had leave the second one open.
    """
    signer = report.signer
    if signer is None:
        return None
    return await resolver.trust.recognise_issuer(
        identifiers={signer.issuer},
        key=signer.key,
        key_id=None,
        types=signer.types,
        achievement_type=signer.achievement_type,
        at=judged_when_issued(signer.issued_at or now, now),
        now=now,
    )


async def resolve_recognitions(
    resolver: Resolver, report: ImportReport, *, now: datetime
) -> tuple[Recognition | None, ...]:
    """The same for each of the credentials inside: whoever put them together does not speak for their issuers.

    Side by side, since each of them may name a party whose superiors are slow.
    """
    return tuple(await asyncio.gather(*(resolve_recognition(resolver, part, now=now) for part in report.parts)))


async def _fetch_all(
    fetch: Fetcher, lookups: Sequence[Lookup], material: Mapping[Lookup, Answer], ends_at: float
) -> dict[Lookup, Answer]:
    """Return an answer for each lookup; what the time or the size did not suffice for is unavailable."""
    found = dict.fromkeys(lookups, _UNAVAILABLE)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def take(lookup: Lookup) -> None:
        async with turns:
            if sum(len(answer.body) for answer in (*material.values(), *found.values())) < _MAX_TOTAL_BYTES:
                found[lookup] = await _fetch(fetch, lookup)

    with suppress(TimeoutError):
        async with asyncio.timeout_at(ends_at):
            await asyncio.gather(*(take(lookup) for lookup in lookups))
    return found


async def _fetch(fetch: Fetcher, lookup: Lookup) -> Answer:
    kind, accept = _RULES[lookup.kind]
    try:
        return Answer(AnswerKind.FOUND, (await fetch.get(lookup.url, accept=accept, kind=kind)).body)
    except AnsweredError as exc:
        return Answer(_ANSWERED.get(exc.status, AnswerKind.UNAVAILABLE))
    except CredentialError as exc:
        # Without the host: whose badge somebody has is nobody's business.
        log.info("import_lookup_failed", kind=lookup.kind.value, code=exc.code)
        return _UNAVAILABLE
