"""New copies of a badge when the old ones were all shown, with the refresh token of its issuer. W-13, I-32, I-68.

What an issuer needs for it (its metadata as read before consent, the key of the issuance, the refresh token) lies
sealed beside the badge and goes with it. It is asked for while its owner looks at the badges, never while something is
shown: the issuer learns that copies were used, and neither where nor when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from kernel.errors import CredentialError, WrongTypeError
from runtime.logging import get_logger
from wallet import store
from wallet.copies import seal_copies
from wallet.credential_request import Wanted, request_credential
from wallet.credentials import HeldForm, open_form
from wallet.errors import OfferRefusedError, WalletError
from wallet.history import HistoryRecord
from wallet.offer_record import OfferRecord, Progress, seal_renewal
from wallet.receipt import content_of, verify_received
from wallet.settings import Wallet
from wallet.vault import Vault

log = get_logger(__name__)

# An issuer that did not give any is asked again after this, and not at every look at the page.
_ASK_AGAIN = timedelta(hours=1)


@dataclass
class _RenewalProgress(Progress):
    """What is on its way for a badge that is held already: its row is the badge's, and not an offer's."""

    async def save(
        self, state: str, *, is_done: bool = True, history: Sequence[HistoryRecord] = (), **more: Any
    ) -> None:
        """Keep the newest refresh token before anything is done with what it gave: the one before may be void."""
        sealed = seal_renewal(self.vault, self.offer_id, self.record)
        async with self.wallet.database.transaction() as session:
            await store.set_renewal(session, self.vault.account_id, self.offer_id, sealed)


async def refill_copies(wallet: Wallet, vault: Vault, now: datetime) -> None:
    """Get new copies for every badge of which none is left unused. It never raises for an issuer."""
    async with wallet.database.reading() as session:
        dry = await store.find_dry_forms(session, vault.account_id, now)
    for row in dry:
        form = open_form(vault, row)
        try:
            await _refill(wallet, vault, form, now)
        except OfferRefusedError:
            async with wallet.database.transaction() as session:
                await store.remove_renewal(session, vault.account_id, form.credential_id)
        except (CredentialError, WalletError) as exc:
            log.info("copies not refilled", error_class=type(exc).__name__, detail=exc.detail)


async def _refill(wallet: Wallet, vault: Vault, form: HeldForm, now: datetime) -> None:
    async with wallet.database.transaction() as session:
        row = await store.take_renewal(session, vault.account_id, form.credential_id, now, until=now + _ASK_AGAIN)
    if row is None:
        return
    record = OfferRecord(**vault.open("renewal", row.credential_id, row.sealed))
    progress = _RenewalProgress(wallet, vault, form.credential_id, record, now)
    answer = await request_credential(progress, _wanted(record, form.configuration_id))
    if "raw" not in answer:
        return
    held = await verify_received(progress, answer)
    if content_of(held.credential) != content_of(form.credential):
        raise WrongTypeError("new copies that say something else than the badge")
    async with wallet.database.transaction() as session:
        # The badge may have been deleted while its issuer was asked.
        await store.hold_credential(session, vault.account_id, form.credential_id)
        await store.add_copies(session, seal_copies(vault, form.id, held.copies, is_refill=True))
        await store.set_renewal(
            session, vault.account_id, form.credential_id, seal_renewal(vault, form.credential_id, record)
        )
        await store.release_renewal(session, vault.account_id, form.credential_id)


def _wanted(record: OfferRecord, configuration_id: str) -> Wanted:
    identifiers: Sequence[str] = (record.token or {}).get("identifiers", {}).get(configuration_id, [])
    return Wanted(configuration_id, identifiers[0] if identifiers else None)
