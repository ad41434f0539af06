"""Status: a random place in a list for every copy, and the three changes an award can undergo.

Copies in the securings that Token Status Lists are for have their places there, the others in Bitstring Status Lists;
one allocator gives all of them, and a change reaches all of them in one transaction. How the lists are made and served:
`issuer.status_lists`.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from issuer import store
from issuer.configurations import configuration_securing
from issuer.credential_issuer import CredentialIssuer
from issuer.errors import N_, ConflictError, InputError, NotFoundError
from issuer.models import StatusList
from issuer.settings import IssuerSettings
from issuer.status_lists import PURPOSES, status_list_uri
from issuer.store import OpenStatusList, Session
from kernel.formats import StatusKind, StatusReference
from kernel.formats.credential import DC_SD_JWT, VC_JWT, VC_SD_JWT
from kernel.status.token_status_list import Status
from runtime.database import BlockingConnection, run_blocking

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

    @property
    def references(self) -> tuple[StatusReference, ...]:
        """What the copy says about it: one reference, or for a Bitstring Status List one for each purpose. BSL §2.1."""
        if self.kind is StatusKind.TOKEN_STATUS_LIST:
            return (StatusReference(self.uri, self.index),)
        return tuple(
            StatusReference(f"{self.uri}/{purpose}", self.index, self.kind, purpose=purpose) for purpose in PURPOSES
        )


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
    decoys = _random.sample(range(size), size // _DECOYS_IN)
    values = _random.choices(
        [Status.INVALID.value_in_list, Status.SUSPENDED.value_in_list], weights=[4, 1], k=len(decoys)
    )
    store.add_decoys(connection, row.id, decoys, values)
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
) -> Sequence[StatusPlace]:
    """A random place of its own for each of `count` copies, never given before or again. K-77, K-80.4, A-45, A-53."""
    places: list[StatusPlace] = []
    while len(places) < count:
        status_list = _get_open_list(connection, settings, issuer.organisation_id, kind, now)
        uri = status_list_uri(issuer, status_list.number)
        draws = 0
        while len(places) < count and draws < _DRAWS:
            index = _random.randrange(status_list.size)
            if store.take_status_index(connection, status_list.id, index, award_id=award_id, offer_id=offer_id):
                places.append(StatusPlace(status_list.id, kind, uri, index))
                draws = 0
            else:
                draws += 1
        if draws == _DRAWS:
            store.close_status_list(connection, status_list.id, now)
    return places


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
    session: Session, organisation_id: UUID, award_id: UUID, change: Change, *, reason: str, actor: str, now: datetime
) -> None:
    """Approve, revoke, suspend or reinstate an award: every copy of it, in this one transaction. I-77, I-78.

    An award with a copy that may never be suspended can only be revoked. One that waits is approved by somebody else
    than whoever made it; to decline it is to revoke it.
    """
    reason = reason.strip()
    if not (1 if change != "approve" else 0) <= len(reason) <= 500:
        raise InputError(fields={"reason": N_("Schrijf in het kort waarom (hooguit 500 tekens).")})
    row = await store.find_award(session, organisation_id, award_id)
    if row is None:
        raise NotFoundError(N_("Deze uitreiking kennen we niet."))
    if change == "approve" and row.award.awarded_by == actor:
        raise ConflictError(N_("U reikte deze badge zelf uit. Vraag een collega om hem goed te keuren."))
    was_waiting = row.award.status == "waiting"
    allowed_from, to, value = _CHANGES[change]
    if not await store.change_award_status(session, award_id, allowed_from=allowed_from, to=to, reason=reason, now=now):
        raise ConflictError(_IMPOSSIBLE[change])
    if change == "suspend":
        # After the award was changed, and locked with it: no copy is issued between this and the end.
        for identifier in await store.list_issued_configurations(session, award_id):
            if not configuration_securing(identifier).policy.may_suspend:
                raise ConflictError(_ONLY_REVOKED)
    await run_blocking(session, store.set_status_of_copies, award_id, value.value_in_list)
    if change == "revoke":
        # A wallet that still waits asks once more with its token, and is told that nothing will come (VCI §9.3).
        await store.void_offers(session, award_id, now, with_tokens=not was_waiting)
    await store.add_audit(session, organisation_id, actor, f"award.{change}", str(award_id), reason, now)


_ONLY_REVOKED: Final = N_("Deze badge staat in een EUDI-wallet. U kunt hem alleen intrekken, niet opschorten.")
_IMPOSSIBLE: dict[Change, str] = {
    "approve": N_("Deze badge wacht niet op goedkeuring."),
    "revoke": N_("Deze badge is al ingetrokken. Dat blijft zo."),
    "suspend": N_("Alleen een geldige badge kunt u opschorten."),
    "reinstate": N_("Alleen een opgeschorte badge kunt u herstellen. Ingetrokken blijft ingetrokken."),
}
