"""What is over is removed: spent nonces, old tokens, secrets of ended offers, claims past their retention. I-80."""

import asyncio
from datetime import datetime, timedelta

from issuer import store
from issuer.awards import drop_expired_claims
from issuer.credential_issuer import list_issuers
from issuer.settings import IssuerSettings
from runtime.clock import Clock
from runtime.database import Database
from runtime.logging import get_logger

log = get_logger(__name__)

_INTERVAL = timedelta(minutes=30)


async def clean_up(database: Database, settings: IssuerSettings, *, now: datetime) -> None:
    """Remove everything that has run out. Any number of processes may do this at the same time."""
    async with database.transaction() as session:
        await store.delete_expired(session, now, guesses_before=now - timedelta(hours=1))
    async with database.reading() as session:
        issuers = await list_issuers(session, settings)
    for issuer in issuers:
        async with database.transaction() as session:
            await drop_expired_claims(session, settings, issuer, now=now)


async def clean_up_forever(database: Database, settings: IssuerSettings, clock: Clock) -> None:
    """Clean up every half hour for as long as the service runs; a failure is logged and the next round tries again."""
    while True:
        await asyncio.sleep(_INTERVAL.total_seconds())
        try:
            await clean_up(database, settings, now=clock())
        except Exception:
            log.exception("clean_up_failed")
