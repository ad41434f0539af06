"""Replace the key that everything at rest is sealed under: seal again what the one before it sealed.

The services start with the new key as `encryption_key` and the one before as `earlier_encryption_key`, so that
everything opens; this then brings what is old under the new key, in steps that hold up nobody, and may be run again
after it broke off. Once it says that nothing is left, the earlier key can go.
"""

from typing import Final
from uuid import UUID

from issuer import store
from issuer.awards import open_claims
from issuer.holders import hash_email
from issuer.settings import IssuerSettings
from issuer.store import SealedValue
from runtime.database import BlockingDatabase, Database

_AT_ONCE: Final = 500


async def seal_everything_again(database: Database, settings: IssuerSettings) -> int:
    """Seal under the new key whatever the earlier one sealed, and say how much that was; or raise SealError."""
    return sum([await _seal_kind_again(database, settings, kind) for kind in store.SEALED])


async def _seal_kind_again(database: Database, settings: IssuerSettings, kind: str) -> int:
    done, after = 0, None
    while True:
        changed, last = await _seal_step_again(database, settings, kind, after)
        done += changed
        if last is None:
            return done
        after = last


async def _seal_step_again(
    database: Database, settings: IssuerSettings, kind: str, after: UUID | None
) -> tuple[int, UUID | None]:
    """One step in a transaction of its own: how many were sealed again, and where the next step begins."""

    def work(blocking: BlockingDatabase) -> tuple[int, UUID | None]:
        with blocking.transaction() as connection:
            values = store.list_sealed(connection, kind, after=after, limit=_AT_ONCE)
            renewed = [(value, sealed) for value in values if (sealed := _seal_again(settings, kind, value))]
            for value, sealed in renewed:
                store.replace_sealed(connection, kind, value, sealed)
                if kind == "award":
                    # The hash that it is found by was made with the earlier key too.
                    email = open_claims(settings, value.row_id, sealed)["person"]["email"]
                    store.set_email_hash(connection, value.row_id, hash_email(settings, email))
        return len(renewed), values[-1].row_id if values else None

    return await database.run(work)


def _seal_again(settings: IssuerSettings, kind: str, value: SealedValue) -> bytes | None:
    return settings.seal.seal_again(value.sealed, context=f"issuer/{kind}/{value.context_id}")
