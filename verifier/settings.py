"""Everything an operator can set for a verifier: `VERIFIER_*` names, read once at start."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from kernel.open_badges import OPEN_BADGE_CREDENTIAL
from runtime.settings import CommaSeparated, ServiceSettings

W3C_VERIFIABLE_CREDENTIAL = "https://www.w3.org/2018/credentials#VerifiableCredential"


class VerifierSettings(ServiceSettings):
    """Settings of one verifier deployment. Policy has defaults with a reason; secrets and URLs have none."""

    model_config = SettingsConfigDict(env_prefix="VERIFIER_")

    badge_vct_values: CommaSeparated = Field(min_length=1)
    """The `vct` values that count as a skill badge (PROFILE.md K-93)."""

    badge_type_values: CommaSeparated = frozenset({W3C_VERIFIABLE_CREDENTIAL, OPEN_BADGE_CREDENTIAL})
    """The expanded types that a VCDM badge must carry, all of them (PROFILE.md K-93)."""

    wallet_url: str | None = None
    """Address of a web wallet that ask pages point to as well; none: only `openid4vp:` links."""

    admin_key: SecretStr | None = None
    """First API key of the deployment, with every scope; only its hash is stored, at start."""

    transaction_lifetime: timedelta = timedelta(minutes=5)
    """How long a question waits for an answer (PROFILE.md V-01)."""

    response_code_lifetime: timedelta = timedelta(minutes=5)
    """How long the holder's browser has to fetch a same-device result; after that the presentation is discarded."""

    retention_hours: int = Field(default=24, ge=0, le=24 * 30)
    """How long received claims are kept where a question does not say; 0 keeps none (PROFILE.md V-41)."""

    unanswered_retention: timedelta = timedelta(days=7)
    """How long one can still look up a request that nobody answered."""

    retention_interval: timedelta = timedelta(minutes=5)
    """How often claims whose time has passed are erased."""

    verification_lease: timedelta = timedelta(seconds=60)
    """After this a received answer whose check never ended (a process that died) is checked by another process."""

    verification_time_limit: timedelta = timedelta(seconds=8)
    """How long one answer may take to check, all its lookups together; wallets give up waiting after ten seconds."""

    webhook_interval: timedelta = timedelta(seconds=5)
    """How often each process looks for messages that relying parties are to be told (PROFILE.md V-43)."""

    live_poll_interval: timedelta = timedelta(seconds=1)
    """How often an open page's event stream looks at the database."""
