"""Status: a random place in a list for every copy, and the three changes an award can undergo.

Copies in the securings that Token Status Lists are for have their places there, the others in Bitstring Status Lists;
one allocator gives all of them, and a change reaches all of them in one transaction. How the lists are made and served:
`issuer.status_lists`.
"""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from issuer import store
from issuer.configurations import configuration_securing
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import N_, ConflictError, InputError, NotFoundError, OnlyRevocableError, PersonUnknownError
from issuer.models import StatusList
from issuer.settings import IssuerSettings
from issuer.status_lists import PURPOSES, messages_uri, status_list_uri
from issuer.store import OpenStatusList, Session
from kernel.formats import StatusKind, StatusReference
from kernel.formats.credential import DC_SD_JWT, VC_JWT, VC_SD_JWT
from kernel.status.bitstring_status_list import MESSAGE
from kernel.status.messages import MESSAGES, StatusMessage
from kernel.status.messages import SIZE as MESSAGE_SIZE
from kernel.status.token_status_list import Status
from runtime.database import BlockingConnection, BlockingDatabase, run_blocking

# The securings whose status is kept in a Token Status List (K-70). An Open Badge in a JWT is none of them: who reads
# it looks for what Open Badges 3.0 names (B-12).
_TOKEN_SECURINGS: Final = frozenset({DC_SD_JWT, VC_SD_JWT, VC_JWT})
# One entry in 128 is given to nobody and set from the start, so that a list does not tell how many badges were
# withdrawn. TSL §13.4, K-77.
_DECOYS_IN = 128
# When this many draws in a row are all taken, the list is about 90 % full: open the next one.
_DRAWS = 12

_random = random.SystemRandom()

Change = Literal["approve", "revoke", "suspend", "reinstate"]

# The state that an award may come from, the state it goes to, and what its copies say from then on. I-78: revoked
# stays revoked.
_CHANGES: dict[Change, tuple[frozenset[str], str, Status]] = {
    "approve": (frozenset({"waiting"}), "valid", Status.VALID),
    "revoke": (frozenset({"valid", "suspended", "waiting"}), "revoked", Status.INVALID),
    "suspend": (frozenset({"valid"}), "suspended", Status.SUSPENDED),
    "reinstate": (frozenset({"suspended"}), "valid", Status.VALID),
}


@dataclass(frozen=True, slots=True)
class StatusPlace:
    """The place of one copy: in which list, and where."""

    status_list_id: UUID
    kind: StatusKind
    uri: str
    index: int
    has_messages: bool = False
    """Whether something can be told of the copy later, where its kind of list has messages at all."""

    @property
    def references(self) -> tuple[StatusReference, ...]:
        """What the copy says about it: one reference, or for a Bitstring Status List one for each purpose. BSL §2.1."""
        if self.kind is StatusKind.TOKEN_STATUS_LIST:
            return (StatusReference(self.uri, self.index),)
        return tuple(
            StatusReference(f"{self.uri}/{purpose}", self.index, self.kind, purpose=purpose, **self._means(purpose))
            for purpose in PURPOSES
            if purpose != MESSAGE or self.has_messages
        )

    def _means(self, purpose: str) -> dict[str, Any]:
        """What the issuer commits to when it issues: which messages there may be, and where they are explained."""
        if purpose != MESSAGE:
            return {}
        return {"size": MESSAGE_SIZE, "messages": MESSAGES, "references": (messages_uri(self.uri),)}


def status_kind(securing: str) -> StatusKind:
    """The kind of list that keeps the status of copies in a securing, named as in `ISSUABLE`. K-70, K-80.1, B-12."""
    return StatusKind.TOKEN_STATUS_LIST if securing in _TOKEN_SECURINGS else StatusKind.BITSTRING_STATUS_LIST


def open_status_list(
    connection: BlockingConnection,
    settings: IssuerSettings,
    organisation_id: UUID,
    *,
    number: int,
    now: datetime,
    kind: StatusKind = StatusKind.TOKEN_STATUS_LIST,
) -> bool:
    """Open a list with its decoys; False when another process opened it first. K-77, TSL §13.4."""
    size = settings.status_list_size
    row = StatusList(organisation_id=organisation_id, number=number, kind=kind, size=size, created_at=now)
    if not store.add_status_list(connection, row):
        return False
    decoys = _sample(list(range(size)), size // _DECOYS_IN)
    values = _random.choices(
        [Status.INVALID.value_in_list, Status.SUSPENDED.value_in_list], weights=[4, 1], k=len(decoys)
    )
    messages = _random.choices([message.value_in_list for message in StatusMessage], k=len(decoys))
    store.add_decoys(connection, row.id, decoys, values, messages)
    return True


def allocate_status_places(
    connection: BlockingConnection,
    settings: IssuerSettings,
    issuer: CredentialIssuer,
    *,
    award_id: UUID | None,
    offer_id: UUID | None,
    count: int,
    now: datetime,
    kind: StatusKind = StatusKind.TOKEN_STATUS_LIST,
    message: int | None = None,
) -> Sequence[StatusPlace]:
    """A random place of its own for each of `count` copies, never given before or again. K-77, K-80.4, A-45, A-53.

    `message` is what is told of the award already, by its value in a list; None where copies get no place for one.
    Only one kind of list has messages.
    """
    has_messages = message is not None
    value = message if message is not None and kind is StatusKind.BITSTRING_STATUS_LIST else 0
    places: list[StatusPlace] = []
    while len(places) < count:
        status_list = _get_open_list(connection, settings, issuer.organisation_id, kind, now)
        uri = status_list_uri(issuer, status_list.number)
        draws = 0
        while len(places) < count and draws < _DRAWS:
            index = _random.randrange(status_list.size)
            if store.take_status_index(
                connection, status_list.id, index, award_id=award_id, offer_id=offer_id, message=value
            ):
                places.append(StatusPlace(status_list.id, kind, uri, index, has_messages))
                draws = 0
            else:
                draws += 1
        if draws == _DRAWS:
            store.close_status_list(connection, status_list.id, now)
    if value:
        store.note_changes(connection, [(place.status_list_id, place.index) for place in places])
    return places


# A list is as good as full at this share, at which single draws often miss.
_FULL: Final = 0.9


class Deck:
    """Places of a whole list, drawn at once and dealt in the order in which they fell: random ones, for a run in bulk.

    Nothing is taken by drawing. Whoever writes takes its places in its own transaction, and shuffles when one was gone.
    """

    def __init__(self, settings: IssuerSettings, issuer: CredentialIssuer, kind: StatusKind, *, needed: int) -> None:
        self._settings = settings
        self._issuer = issuer
        self._kind = kind
        self._needed = needed
        self._list: OpenStatusList | None = None
        self._places: list[int] = []

    def deal(self, database: BlockingDatabase, count: int, now: datetime) -> tuple[OpenStatusList, Sequence[int]]:
        """That many places of one list; another list is opened when this one has not as many left. K-77, K-80.4"""
        while self._list is None or len(self._places) < count:
            with database.transaction() as connection:
                self._list = _get_open_list(connection, self._settings, self._issuer.organisation_id, self._kind, now)
                self._places = _draw(connection, self._list, max(self._needed, count))
                if len(self._places) < count:
                    store.close_status_list(connection, self._list.id, now)
        dealt = self._places[-count:]
        del self._places[-count:]
        self._needed -= count
        return self._list, dealt

    def shuffle(self) -> None:
        """Draw anew from what is left by then."""
        self._list = None


def _draw(connection: BlockingConnection, status_list: OpenStatusList, count: int) -> list[int]:
    """So many random places of those that are free, or all until the list is full."""
    taken = store.list_taken_places(connection, status_list.id)
    free = [index for index in range(status_list.size) if index not in taken]
    return _sample(free, max(0, min(count, int(_FULL * status_list.size) - len(taken))))


def _sample(places: list[int], count: int) -> list[int]:
    """So many random ones: the beginning of a shuffle of the list, at an eighth of the time of `random.sample`.

    Sixty-four random bits a place, so that no place is likelier than another by more than one part in 2^40.
    """
    for number, random_bits in enumerate(memoryview(os.urandom(8 * count)).cast("Q")):
        other = number + random_bits % (len(places) - number)
        places[number], places[other] = places[other], places[number]
    return places[:count]


def _get_open_list(
    connection: BlockingConnection, settings: IssuerSettings, organisation_id: UUID, kind: StatusKind, now: datetime
) -> OpenStatusList:
    found = store.find_open_status_list(connection, organisation_id, kind)
    while found is None:
        numbers = (number for number, _ in store.list_status_lists(connection, organisation_id))
        number = max(numbers, default=0) + 1
        open_status_list(connection, settings, organisation_id, number=number, now=now, kind=kind)
        found = store.find_open_status_list(connection, organisation_id, kind)
    return found


async def change_status(
    session: Session,
    organisation_id: UUID,
    award_id: UUID,
    change: Change,
    *,
    reason: str,
    actor: str,
    person: str | None,
    now: datetime,
) -> None:
    """Approve, revoke, suspend or reinstate an award: every copy of it, in this one transaction. I-77, I-78.

    An award with a copy that may never be suspended can only be revoked. One that waits is approved by another person
    than the one who made it, by whatever way they come; to decline it is to revoke it.
    """
    reason = reason.strip()
    if not (1 if change != "approve" else 0) <= len(reason) <= 500:
        raise InputError(fields={"reason": N_("Schrijf in het kort waarom (hooguit 500 tekens).")})
    row = await store.find_award(session, organisation_id, award_id)
    if row is None:
        raise NotFoundError(N_("Deze uitreiking kennen we niet."))
    if change == "approve":
        _require_second_person(row.award.awarded_by, person)
    was_waiting = row.award.status == "waiting"
    allowed_from, to, value = _CHANGES[change]
    if not await store.change_award_status(session, award_id, allowed_from=allowed_from, to=to, reason=reason, now=now):
        raise ConflictError(_IMPOSSIBLE[change])
    # After the award was changed, and locked with it: no copy is issued between this and the end.
    if change == "suspend" and not await may_be_suspended(session, award_id):
        raise OnlyRevocableError
    await run_blocking(session, store.set_status_of_copies, award_id, value.value_in_list)
    if change == "revoke":
        # A wallet that still waits asks once more with its token, and is told that nothing will come (VCI §9.3).
        await store.void_offers(session, award_id, now, with_tokens=not was_waiting)
    await store.add_audit(session, organisation_id, actor, f"award.{change}", str(award_id), reason, now)


async def may_be_suspended(session: Session, award_id: UUID) -> bool:
    """Whether no copy of an award was issued under a policy that knows revocation alone, as HAIP does. I-78."""
    issued = await store.list_issued_configurations(session, award_id)
    return all(configuration_securing(identifier).policy.may_suspend for identifier in issued)


def _require_second_person(first: str | None, second: str | None) -> None:
    """Raise unless two people are known who are not the same. I-63."""
    if second is None:
        raise PersonUnknownError
    if first is None:
        raise ConflictError(N_("Het is niet bekend wie deze badge uitreikte. Wijs hem af en reik hem opnieuw uit."))
    if first == second:
        raise ConflictError(N_("U reikte deze badge zelf uit. Vraag een collega om hem goed te keuren."))


_IMPOSSIBLE: dict[Change, str] = {
    "approve": N_("Deze badge wacht niet op goedkeuring."),
    "revoke": N_("Deze badge is al ingetrokken. Dat blijft zo."),
    "suspend": N_("Alleen een geldige badge kunt u opschorten."),
    "reinstate": N_("Alleen een opgeschorte badge kunt u herstellen. Ingetrokken blijft ingetrokken."),
}
