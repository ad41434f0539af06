"""The Notification Endpoint: what a wallet did with its credentials. OpenID4VCI 1.0 §11; I-66."""

from datetime import datetime
from uuid import UUID

from issuer import store
from issuer.errors import UnknownNotificationError
from issuer.sender_constraint import PresentedToken, open_token, spend_dpop_proof
from issuer.settings import IssuerSettings
from kernel.openid4vci import parse_notification_request
from kernel.strict_json import parse_json_object
from runtime.database import Database, run_blocking
from runtime.tokens import hash_token

_MAX_BYTES = 16 * 1024


async def receive_notification(
    database: Database, settings: IssuerSettings, slug: str, presented: PresentedToken, body: bytes, *, now: datetime
) -> UUID:
    """Note an event; the same one again changes nothing. An id of somebody else's is as good as unknown (A-30).

    `event_description` is the wallet's own text about a person's device: it is not kept. Returns whose token it was.
    """
    async with database.transaction() as session:
        grants, proof = await run_blocking(session, open_token, settings, slug, presented, now)
        await run_blocking(session, spend_dpop_proof, proof)
        notification = parse_notification_request(parse_json_object(body, max_bytes=_MAX_BYTES))
        notification_hash = hash_token(notification.notification_id)
        award_ids = [grant.award_id for grant in grants]
        if not await store.keep_notification(session, notification_hash, award_ids, notification.event, now):
            raise UnknownNotificationError("not handed out under this award")
    return grants[0].organisation.id
