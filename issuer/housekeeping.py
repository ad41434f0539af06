"""What is over is removed: spent nonces, old tokens and requests, secrets of ended offers, old claims. I-80."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from issuer import store
from issuer.awards import drop_expired_claims, open_claims
from issuer.credential_issuer import list_issuers
from issuer.holders import hash_email
from issuer.settings import IssuerSettings
from runtime.clock import Clock
from runtime.database import BlockingDatabase, Database
from runtime.logging import get_logger

log = get_logger(__name__)

_INTERVAL = timedelta(minutes=30)
# Longer than any offer, and with it any grant, can be of use.
_DEFERRED_KEPT = timedelta(days=120)
_AT_ONCE = 500


async def clean_up(database: Database, settings: IssuerSettings, *, now: datetime) -> None:
    """Remove everything that has run out. Any number of processes may do this at the same time.

    What fails is logged, and keeps nothing else from being cleaned: nothing of another kind or organisation.
    """
    with _by_itself("expired"):
        async with database.transaction() as session:
            await store.delete_expired(
                session, now, guesses_before=now - timedelta(hours=1), deferred_before=now - _DEFERRED_KEPT
            )
    async with database.reading() as session:
        issuers = await list_issuers(session, settings)
    for issuer in issuers:
        with _by_itself("claims", organisation=issuer.slug):
            async with database.transaction() as session:
                await drop_expired_claims(session, settings, issuer, now=now)
    with _by_itself("addresses"):
        await hash_addresses(database, settings)


@contextmanager
def _by_itself(task: str, **of: str) -> Iterator[None]:
    """A failure here is logged and goes no further."""
    try:
        yield
    except Exception:
        log.exception("clean_up_failed", task=task, **of)


async def hash_addresses(database: Database, settings: IssuerSettings) -> None:
    """Let awards from before people could sign in be found by their address, a few at a time."""

    def work(blocking: BlockingDatabase) -> int:
        with blocking.transaction() as connection:
            rows = store.list_unhashed_awards(connection, _AT_ONCE)
            for award_id, sealed in rows:
                email = open_claims(settings, award_id, sealed)["person"]["email"]
                store.set_email_hash(connection, award_id, hash_email(settings, email))
        return len(rows)

    while await database.run(work) == _AT_ONCE:
        pass


async def clean_up_forever(database: Database, settings: IssuerSettings, clock: Clock) -> None:
    """Clean up every half hour for as long as the service runs; what failed is tried again in the next round."""
    while True:
        await asyncio.sleep(_INTERVAL.total_seconds())
        try:
            await clean_up(database, settings, now=clock())
        except Exception:
            log.exception("clean_up_failed", task="all")
