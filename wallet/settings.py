"""What a wallet service can be told, from the environment (`WALLET_…`). Policy has defaults, with a reason."""

import json
from datetime import timedelta
from pathlib import Path

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import SettingsConfigDict

from kernel.errors import CredentialError
from kernel.jwt_vc_issuer import JwkSet
from kernel.keys import SoftwareSigner
from kernel.openid4vci import ISO_18045_BASIC
from runtime.service import Service
from runtime.settings import CommaSeparated, ServiceSettings, read_key_sets


class WalletSettings(ServiceSettings):
    """The wallet's settings."""

    model_config = SettingsConfigDict(env_prefix="WALLET_", frozen=True)

    session_lifetime: timedelta = timedelta(hours=12)
    """An unlocked vault is locked again at the latest after a working day."""

    session_idle_lifetime: timedelta = timedelta(hours=1)
    """An unlocked vault that nobody uses is locked; the page asks for the passphrase and goes on where it was."""

    sign_in_tries: int = 8
    """Tries of one visitor for one name in `sign_in_window`, also those at the same moment (A-52)."""

    sign_in_tries_of_name: int = 50
    """Tries of all strangers for one name in `sign_in_window`; from then on they come in turn."""

    sign_in_turn: timedelta = timedelta(seconds=20)
    """How far apart such turns are: with the window and both limits at most a hundred guesses in a quarter of an hour,
    from wherever. A browser that was let in before under the name does not wait."""

    sign_in_window: timedelta = timedelta(minutes=15)
    """How long tries are counted."""

    offer_lifetime: timedelta = timedelta(hours=24)
    """An offer that was opened and not accepted is forgotten; issuers' codes live shorter than this."""

    deferred_lifetime: timedelta = timedelta(days=60)
    """How long the wallet waits for a badge that an issuer is still preparing."""

    own_client_id: str | None = None
    """As whom this wallet speaks to authorization servers, the same for everybody who uses it (I-47); none: its
    `public_url`."""

    provider_key: SecretStr | None = None
    """Private JWK, as JSON, of whoever runs this wallet: with it the wallet says which wallet it is and how it keeps
    its keys (HAIP 1.0 §4.4.1, §4.5.1). Without it, issuers that ask for that give it nothing."""
    provider_certificates: Path | None = None
    """PEM file with the certificates of that key, its own first, without the authority; none: issuers know the key by
    its thumbprint."""
    key_storage: CommaSeparated = frozenset({ISO_18045_BASIC})
    """How well keys are kept here, in the words of OpenID4VCI 1.0 App. D.2. Issuers believe it: say no more than is
    so."""
    user_authentication: CommaSeparated = frozenset()
    """How well it is made certain here that keys are used by their holder alone, in the same words; none: nothing is
    said of it, and issuers that ask for it give nothing. A passphrase or a passkey opens a wallet: what attack that
    withstands is for whoever runs it to find out."""

    issuer_metadata_bytes: int = Field(default=8 * 1024 * 1024, ge=1024 * 1024, le=32 * 1024 * 1024)
    """How much is read of what an issuer says it gives, signed or not. A badge that is described in full, in six forms
    and two languages, takes some 17 KB, so that 8 MiB are a school with 350 of them, or 480 without a signature.
    Reading that takes a second or two, once for an offer and in a thread, and what is not offered is not kept; whoever
    sends more could hold up the wallet with it."""

    copies: int = Field(default=5, ge=1, le=50)
    """Copies of a badge that are asked of an issuer that gives several, so that two verifiers cannot tell from the copy
    that the same person was with both (W-13)."""

    request_lifetime: timedelta = timedelta(minutes=10)
    """W-58: a question is forgotten after its own `exp`, or after ten minutes."""

    status_patience: timedelta = timedelta(seconds=4)
    """How long a page waits for status lists before it says that a badge could not be checked now."""

    verifier_attesters: str | None = None
    """Who may declare which party asks, as JSON: each issuer of attestations with its JWK Set, pinned here (W-43)."""

    connection_lifetime: timedelta = timedelta(days=90)
    """A connected service that does not come back within this time has to ask again."""

    privacy_policy_url: str | None = None
    """What whoever runs this wallet does with data, for products that want to be connected; none: the wallet's page."""
    terms_of_service_url: str | None = None
    """By which rules products may be connected; none: the wallet's page."""

    expiry_warning: timedelta = timedelta(days=60)
    """From when a badge is shown as running out."""

    @property
    def client_id(self) -> str:
        """As whom the wallet speaks to authorization servers."""
        return self.own_client_id or self.public_url

    registrar_anchors: Path | None = None
    """Certificates (PEM) under which registrars say for what a verifier may ask (W-57); none: nobody's word counts.

    Apart from those of the list, under which verifiers themselves have certificates: nobody registers himself.
    """

    def verifier_attester_keys(self) -> dict[str, JwkSet]:
        """The pinned keys of each attester, by its name."""
        return read_key_sets(self.verifier_attesters)

    @field_validator("provider_key")
    @classmethod
    def _is_a_private_jwk(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            try:
                SoftwareSigner.from_jwk(json.loads(value.get_secret_value()))
            except (ValueError, CredentialError):
                raise ValueError("is not a private JWK") from None
        return value

    @field_validator("verifier_attesters")
    @classmethod
    def _are_attesters(cls, value: str | None) -> str | None:
        try:
            read_key_sets(value)
        except CredentialError as exc:
            raise ValueError("is not a JSON object of issuers, each with a JWK Set") from exc
        return value


Wallet = Service[WalletSettings]
"""A running wallet service: what the use cases work with."""
