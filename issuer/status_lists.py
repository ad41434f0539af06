"""Status lists as they are served: packed in segments, signed once a step, in the form that is asked for.

The rows of the entries are the truth; the list is made from them. A change unpacks the segments that it touches, and
publishing packs those again and no others. A changed list is signed anew at most once per `ttl` step, and in any case
before half its lifetime is over (I-77, I-79), so many revocations cost one signature.

A Token Status List says everything in one document. Of a Bitstring Status List there are three, one for each purpose,
and each of them with an embedded proof or as a JWT. Messages have one of their own, since they change nothing about
what counts; a Token Status List has none (decision 0052).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from issuer import signing_keys, store
from issuer.credential_issuer import CredentialIssuer, credential_issuer
from issuer.did_documents import Algorithm
from issuer.errors import NotFoundError
from issuer.input import LARGEST_NUMBER
from issuer.settings import IssuerSettings
from issuer.signing_keys import ActiveKey
from issuer.store import SEGMENT_ENTRIES, ServedList, Session
from kernel.formats import StatusKind
from kernel.status import bitstring_status_list, token_status_list
from kernel.status.bitstring_status_list import (
    MESSAGE,
    REVOCATION,
    SUSPENSION,
    Bitstring,
    create_status_list_credential,
    encode_segments,
    sign_as_jwt,
    sign_with_proof,
)
from kernel.status.messages import MESSAGES
from kernel.status.messages import SIZE as MESSAGE_SIZE
from kernel.status.segments import PackedSegment, pack_segment
from kernel.status.token_status_list import PackedStatusList, Status, StatusList, create_status_list_token
from runtime.database import BlockingConnection, Database, run_blocking
from runtime.tokens import hash_token

PURPOSES: Final = (REVOCATION, SUSPENSION, MESSAGE)
# Two bits: VALID, INVALID and SUSPENDED fit. TSL §7.1.
_BITS: Final = 2
# What is revoked stays in the list of suspensions too. The two lists are signed, and kept by others, at times of their
# own: who got the new one of suspensions and has the old one of revocations would else find a suspended badge valid.
_STATUSES_OF_PURPOSE: Final = {
    REVOCATION: frozenset({Status.INVALID.value_in_list}),
    SUSPENSION: frozenset({Status.INVALID.value_in_list, Status.SUSPENDED.value_in_list}),
}


@dataclass(frozen=True, slots=True)
class ListForm:
    """One of the documents that a list is served as, and with what it is signed: as the credentials are. BSL §3.6."""

    kind: StatusKind
    purpose: str
    media_type: str
    algorithm: Algorithm


TOKEN: Final = ListForm(StatusKind.TOKEN_STATUS_LIST, "all", token_status_list.MEDIA_TYPE, "ES256")


def bitstring_form(purpose: str, *, as_jwt: bool) -> ListForm:
    """A Bitstring Status List for one of the purposes, as a JWT or with an embedded proof; else NotFoundError."""
    if purpose not in PURPOSES:
        raise NotFoundError
    if as_jwt:
        return ListForm(StatusKind.BITSTRING_STATUS_LIST, purpose, bitstring_status_list.JWT_MEDIA_TYPE, "ES256")
    return ListForm(StatusKind.BITSTRING_STATUS_LIST, purpose, bitstring_status_list.MEDIA_TYPE, "Ed25519")


@dataclass(frozen=True, slots=True)
class ServedStatusList:
    """A signed list as it goes out, and until when nothing newer will, though something may have changed."""

    document: str
    etag: str
    fresh_for: timedelta
    is_latest: bool


def status_list_uri(issuer: CredentialIssuer, number: int) -> str:
    """The address of a list, the same for all who are in it; a Bitstring Status List has a purpose behind it."""
    return issuer.endpoint(f"status/{number}")


def bitstring_uri(issuer: CredentialIssuer, number: int, purpose: str) -> str:
    """The address of a Bitstring Status List for one purpose."""
    return f"{status_list_uri(issuer, number)}/{purpose}"


def messages_uri(list_uri: str) -> str:
    """Where the messages of a list are explained: one address for all lists of an organisation. BSL §2.1"""
    return f"{list_uri.rpartition('/')[0]}/messages"


async def list_status_list_uris(session: Session, issuer: CredentialIssuer) -> Sequence[str]:
    """The addresses of all Token Status Lists of this issuer. TSL §9, K-78."""
    lists = await run_blocking(session, store.list_status_lists, issuer.organisation_id)
    return [status_list_uri(issuer, number) for number, kind in lists if kind == TOKEN.kind]


async def get_status_list(
    database: Database, settings: IssuerSettings, slug: str, number: int, form: ListForm, *, now: datetime
) -> ServedStatusList:
    """The list as it is published now, signed again only when its step is over. TSL §8, BSL §3.1; I-77, I-79."""
    if number > LARGEST_NUMBER:
        raise NotFoundError
    async with database.reading() as session:
        found = await run_blocking(session, _get_list, slug, number, form)
    served = _find_served(found, settings, now)
    if served is not None:
        return served
    async with database.transaction() as session:
        return await run_blocking(session, _publish, settings, slug, found, form, now)


def _get_list(connection: BlockingConnection, slug: str, number: int, form: ListForm) -> ServedList:
    found = store.find_status_list(connection, slug, number, form.purpose, form.media_type)
    if found is None or found.kind != form.kind:
        raise NotFoundError
    return found


def _find_served(found: ServedList, settings: IssuerSettings, now: datetime) -> ServedStatusList | None:
    """What to serve, unless the list must be signed: never yet, changed and a step old, or half its life gone."""
    if found.document is None or found.signed_at is None:
        return None
    age, step = now - found.signed_at, settings.status_list_ttl
    is_changed = found.revision != found.signed_revision and age >= step
    if is_changed or age >= settings.status_list_lifetime / 2:
        return None
    etag = hash_token(found.document).hex()[:32]
    return ServedStatusList(found.document, etag, step - age % step, found.revision == found.signed_revision)


def _publish(
    connection: BlockingConnection,
    settings: IssuerSettings,
    slug: str,
    known: ServedList,
    form: ListForm,
    now: datetime,
) -> ServedStatusList:
    """Pack and sign. Of those who come at once one does so, and the others find it done."""
    store.lock_status_list(connection, known.id)
    found = _get_list(connection, slug, known.number, form)
    served = _find_served(found, settings, now)
    if served is not None:
        return served
    segments = _pack(connection, found, form.purpose)
    issuer = credential_issuer(found.organisation, settings)
    key = signing_keys.get_signer(connection, settings, issuer.organisation_id, form.algorithm, now=now)
    sign = _sign_token if form == TOKEN else _sign_bitstring
    document = sign(segments, key, settings, issuer, found.number, form, now)
    store.publish_status_list(
        connection,
        {
            "status_list_id": found.id,
            "purpose": form.purpose,
            "media_type": form.media_type,
            "document": document,
            "signed_at": now,
            "signed_revision": found.revision,
        },
    )
    return ServedStatusList(document, hash_token(document).hex()[:32], settings.status_list_ttl, is_latest=True)


def _pack(connection: BlockingConnection, found: ServedList, purpose: str) -> Sequence[PackedSegment]:
    """All segments of a list; those that did not change since they were packed are taken as they are."""
    kept = store.list_segments(connection, found.id, purpose)
    segments = {number: PackedSegment(*values) for number, values in kept.items()}
    numbers = range(-(-found.size // SEGMENT_ENTRIES))
    fresh = {n: _pack_segment(connection, found, purpose, n) for n in numbers if n not in segments}
    if fresh:
        store.add_segments(connection, [_segment_row(found, purpose, n, fresh[n]) for n in fresh])
    return [fresh[number] if number in fresh else segments[number] for number in numbers]


def _pack_segment(connection: BlockingConnection, found: ServedList, purpose: str, number: int) -> PackedSegment:
    first = number * SEGMENT_ENTRIES
    length = min(SEGMENT_ENTRIES, found.size - first)
    if purpose == MESSAGE:
        return _pack_bits(store.list_messages(connection, found.id, first, first + length), first, length, MESSAGE_SIZE)
    entries = store.list_set_entries(connection, found.id, first, first + length)
    if purpose != TOKEN.purpose:
        listed = [(index, 1) for index, value in entries if value in _STATUSES_OF_PURPOSE[purpose]]
        return _pack_bits(listed, first, length, 1)
    part = StatusList(_BITS, length)
    for index, value in entries:
        part.set(index - first, value)
    return pack_segment(bytes(part))


def _pack_bits(entries: Sequence[tuple[int, int]], first: int, length: int, size: int) -> PackedSegment:
    part = Bitstring(size * length)
    for index, value in entries:
        part.set(index - first, value, size)
    return pack_segment(bytes(part))


def _segment_row(found: ServedList, purpose: str, number: int, segment: PackedSegment) -> dict[str, object]:
    return {
        "status_list_id": found.id,
        "purpose": purpose,
        "number": number,
        "length": segment.length,
        "deflated": segment.deflated,
        "adler32": segment.adler32,
        "crc32": segment.crc32,
    }


def _sign_token(
    segments: Sequence[PackedSegment],
    key: ActiveKey,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    number: int,
    form: ListForm,
    now: datetime,
) -> str:
    return create_status_list_token(
        PackedStatusList(_BITS, segments),
        uri=status_list_uri(issuer, number),
        signer=key.signer,
        # For those who know the key by its DID, and for those who know it by its certificates: one list serves both.
        key_reference={"kid": signing_keys.key_id(issuer, key, "JsonWebKey2020"), **_certificates(issuer)},
        issued_at=now,
        expires_at=now + settings.status_list_lifetime,
        ttl=settings.status_list_ttl,
        aggregation_uri=issuer.endpoint("status"),
    )


def _certificates(issuer: CredentialIssuer) -> dict[str, list[str]]:
    return {"x5c": list(issuer.certificate_chain)} if issuer.certificate_chain else {}


def _sign_bitstring(
    segments: Sequence[PackedSegment],
    key: ActiveKey,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    number: int,
    form: ListForm,
    now: datetime,
) -> str:
    is_embedded = form.media_type == bitstring_status_list.MEDIA_TYPE
    credential = create_status_list_credential(
        encode_segments(segments),
        uri=bitstring_uri(issuer, number, form.purpose),
        issuer=issuer.did,
        purpose=form.purpose,
        valid_from=now,
        valid_until=now + settings.status_list_lifetime,
        ttl=settings.status_list_ttl,
        # §2.2. The context has no terms for it in a list, so only the JWT has it; each entry has it anyway.
        size=MESSAGE_SIZE,
        messages=MESSAGES if form.purpose == MESSAGE and not is_embedded else (),
    )
    method = signing_keys.key_id(issuer, key, "Multikey" if is_embedded else "JsonWebKey")
    if not is_embedded:
        return sign_as_jwt(credential, signer=key.signer, verification_method=method)
    return sign_with_proof(credential, signer=key.signer, verification_method=method, created_at=now)
