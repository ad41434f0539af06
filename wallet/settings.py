"""What a wallet service can be told, from the environment (`WALLET_…`). Policy has defaults, with a reason."""

from datetime import timedelta

from pydantic_settings import SettingsConfigDict

from runtime.service import Service
from runtime.settings import ServiceSettings


class WalletSettings(ServiceSettings):
    """The wallet's settings."""

    model_config = SettingsConfigDict(env_prefix="WALLET_", frozen=True)

    session_lifetime: timedelta = timedelta(hours=12)
    """An unlocked vault is locked again at the latest after a working day."""

    session_idle_lifetime: timedelta = timedelta(hours=1)
    """An unlocked vault that nobody uses is locked; the page asks for the passphrase and goes on where it was."""

    sign_in_tries: int = 8
    """Tries for one name in `sign_in_window`, also those at the same moment (A-52)."""

    sign_in_window: timedelta = timedelta(minutes=15)
    """How long tries are counted."""

    offer_lifetime: timedelta = timedelta(hours=24)
    """An offer that was opened and not accepted is forgotten; issuers' codes live shorter than this."""

    request_lifetime: timedelta = timedelta(minutes=10)
    """W-58: a question is forgotten after its own `exp`, or after ten minutes."""

    status_patience: timedelta = timedelta(seconds=4)
    """How long a page waits for status lists before it says that a badge could not be checked now."""

    expiry_warning: timedelta = timedelta(days=60)
    """From when a badge is shown as running out."""


Wallet = Service[WalletSettings]
"""A running wallet service: what the use cases work with."""
