"""The Notification Endpoint: what a wallet did with its credentials. OpenID4VCI 1.0 §11; I-66."""

from datetime import datetime

from issuer import store
from issuer.errors import AccessTokenError, UnknownNotificationError
from kernel.openid4vci import parse_notification_request
from kernel.strict_json import parse_json_object
from runtime.database import Database
from runtime.tokens import hash_token

_MAX_BYTES = 16 * 1024


async def receive_notification(database: Database, slug: str, access_token: str, body: bytes, *, now: datetime) -> None:
    """Note an event; the same one again changes nothing. An id of somebody else's is as good as unknown (A-30).

    `event_description` is the wallet's own text about a person's device: it is not kept.
    """
    async with database.transaction() as session:
        award_ids = await store.list_awards_of_token(session, hash_token(access_token), slug, now)
        if not award_ids:
            raise AccessTokenError("unknown, expired, revoked, or another organisation's")
        notification = parse_notification_request(parse_json_object(body, max_bytes=_MAX_BYTES))
        notification_hash = hash_token(notification.notification_id)
        if not await store.keep_notification(session, notification_hash, award_ids, notification.event, now):
            raise UnknownNotificationError("not handed out under this award")
