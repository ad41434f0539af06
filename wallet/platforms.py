"""The platforms to which a person gave this wallet access: which there are, and how one ends it. W-20, B-42."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wallet import store
from wallet.models import PlatformConnection
from wallet.platform_access import (
    ConnectionRecord,
    Revocation,
    open_connection,
    release_access,
    revoke_access,
    take_access,
)
from wallet.settings import Wallet
from wallet.vault import Vault


@dataclass(frozen=True, slots=True)
class Connection:
    """A platform as its owner sees it. Without access, one has to sign in there again."""

    id: str
    host: str
    name: str
    base: str
    may_read: bool
    may_send: bool
    has_more: bool
    """The list there goes on."""
    connected_at: datetime
    fetched_at: datetime | None

    @property
    def has_access(self) -> bool:
        return self.may_read or self.may_send


async def find_connections(wallet: Wallet, vault: Vault) -> list[Connection]:
    """Those that stand, oldest first."""
    async with wallet.database.reading() as session:
        rows = await store.find_platform_connections(session, vault.account_id)
    return [_create(vault, row) for row in rows]


async def get_connection(wallet: Wallet, vault: Vault, connection_id: str) -> Connection:
    async with wallet.database.reading() as session:
        row = await store.get_platform_connection(session, vault.account_id, connection_id)
    return _create(vault, row)


async def disconnect(wallet: Wallet, vault: Vault, connection_id: str, now: datetime) -> Revocation:
    """Give the access back at the platform and forget it, whatever the platform answers; say what it confirmed.

    What was kept stays; what waits for a word goes.
    """
    access = await take_access(wallet, vault, connection_id, now)
    try:
        revocation = await revoke_access(access)
    except BaseException:
        await release_access(access)
        raise
    async with wallet.database.transaction() as session:
        await store.remove_platform_connection(session, vault.account_id, connection_id)
    await wallet.database.forget_erased()
    return revocation


async def export_connections(wallet: Wallet, vault: Vault) -> list[dict[str, Any]]:
    """For the export: where there is access, and to what. The tokens stay here: with them, anybody could go there."""
    return [
        {
            "platform": found.base,
            "connected_at": found.connected_at.isoformat(),
            "may_read": found.may_read,
            "may_send": found.may_send,
        }
        for found in await find_connections(wallet, vault)
    ]


def _create(vault: Vault, row: PlatformConnection) -> Connection:
    record: ConnectionRecord = open_connection(vault, row)
    platform = record.described()
    fetched_at = record.fetched_at
    return Connection(
        id=row.id,
        host=platform.host,
        name=platform.name,
        base=platform.base,
        may_read=record.may_read,
        may_send=record.may_send,
        has_more=record.listing is not None,
        connected_at=row.created_at,
        fetched_at=None if fetched_at is None else datetime.fromisoformat(fetched_at),
    )
