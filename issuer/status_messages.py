"""Tell something of an award beside its status: one of a few messages, which never makes a badge invalid. K-80.1

The message stands in the Bitstring Status List of that purpose, for every copy that names one; a Token Status List has
no room beside the status itself (decision 0052).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from issuer import store
from issuer.errors import N_, ConflictError, NotFoundError
from issuer.store import Session
from kernel.status.messages import StatusMessage
from runtime.database import run_blocking
from runtime.status_texts import message_text

# A revoked badge counts no more, and of one that waits there is no copy to tell anything of.
_TELLABLE: Final = ("valid", "suspended")


def takes_messages(description: Mapping[str, Any]) -> bool:
    """Whether badges of this version of an achievement have a place for messages."""
    return bool(description.get("status_messages"))


async def set_status_message(
    session: Session,
    organisation_id: UUID,
    award_id: UUID,
    message: StatusMessage,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Set what is told of an award, of every copy of it and of those to come, in this one transaction. I-77

    `StatusMessage.NONE` takes it back. Of a badge that is issued without messages nobody would hear one: ConflictError.
    """
    row = await store.find_award(session, organisation_id, award_id)
    if row is None:
        raise NotFoundError(N_("Deze uitreiking kennen we niet."))
    if not takes_messages(row.version.description):
        raise ConflictError(N_("Deze badge heeft geen plaats voor meldingen. Dat kiest u als u de badge beschrijft."))
    value = message.value_in_list
    # The award is locked by its change: no copy is issued, and nobody else tells anything, between this and the end.
    if not await store.set_award_message(session, organisation_id, award_id, allowed_in=_TELLABLE, value=value):
        raise ConflictError(N_("Bij een badge die wacht of is ingetrokken kunt u niets melden."))
    await run_blocking(session, store.set_message_of_copies, award_id, value)
    await store.add_audit(session, organisation_id, actor, "award.message", str(award_id), message.value, now)


def describe_messages() -> Sequence[Mapping[str, Any]]:
    """What each value of a list means, for whoever follows `statusReference`. Bitstring Status List §2.1"""
    return [
        {"status": hex(message.value_in_list), "message": message.value, **_meaning(message)}
        for message in StatusMessage
    ]


def _meaning(message: StatusMessage) -> Mapping[str, Any]:
    if message is StatusMessage.NONE:
        return {}
    meaning = message_text(message.value)
    return {"meaning": {"nl": meaning.nl, "en": meaning.en}}
