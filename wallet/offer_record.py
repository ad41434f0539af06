"""One credential offer on its way: what its row holds, sealed, and how far it is.

Every step leaves in the row what the next one needs, so that a process that dies can be followed by another one. What
may be sent once (a code, the verifier that belongs to it) is taken out of the row before it leaves.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from kernel.errors import CredentialError, UndecidedError
from kernel.openid4vci import (
    AUTHORIZATION_CODE_GRANT,
    MAX_CONFIGURATIONS,
    AuthorizationServerMetadata,
    CredentialOffer,
    IssuerMetadata,
    parse_authorization_server_metadata,
    parse_credential_offer,
    parse_issuer_metadata,
)
from wallet import store
from wallet.errors import FailedStep, IssuerFailedError, OfferSpentError, UnreachableError
from wallet.history import HistoryRecord, add_history_record
from wallet.models import Offer, Renewal
from wallet.settings import Wallet
from wallet.vault import Vault


@dataclass
class OfferRecord:
    """What an offer's row holds. The metadata is what was read before consent, whatever the issuer says later."""

    offer: dict[str, Any]
    metadata: dict[str, Any]
    server_metadata: dict[str, Any]
    recognition: dict[str, str]
    chosen: list[str] = field(default_factory=list)
    tries: int = 0
    token: dict[str, Any] | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)
    """What was asked for and not answered yet, with the keys that were proven: it is asked for again with the same."""
    received: list[dict[str, Any]] = field(default_factory=list)
    code_server_metadata: dict[str, Any] = field(default_factory=dict)
    """Of the authorization server for the code grant, where it is another one."""
    grant: str = ""
    """The grant that is used."""
    authorization: dict[str, Any] | None = None
    """While the person is at the authorization server: what its answer must fit to."""
    client: dict[str, Any] = field(default_factory=dict)
    """The key of this issuance towards the issuer's servers, and the nonces that they gave for it."""
    deferred: list[dict[str, Any]] = field(default_factory=list)
    """What the issuer is still preparing."""
    lost: list[dict[str, Any]] = field(default_factory=list)
    """What was on its way and will not come, and why."""
    is_awaited: bool = False
    """The person was told to wait, and so has to hear how it ended."""
    is_kept: bool = False
    """A badge of it is in the wallet."""
    outcome: dict[str, Any] | None = None
    """What the issuer has yet to hear of how it ended."""
    other_scopes: list[str] = field(default_factory=list)
    """Scopes of what the issuer gives besides: whoever asks by one of these asks for more than what was offered."""

    def parsed_offer(self) -> CredentialOffer:
        """What the offer says, or what stands for it where the person asked: everything that the issuer gives."""
        return parse_credential_offer(self.offer, most=MAX_CONFIGURATIONS)

    def issuer_metadata(self) -> IssuerMetadata:
        return self._issuer_metadata

    @cached_property
    def _issuer_metadata(self) -> IssuerMetadata:
        return parse_issuer_metadata(self.metadata, credential_issuer=self.metadata["credential_issuer"])

    def server(self, grant: str | None = None) -> AuthorizationServerMetadata:
        """The authorization server for a grant; without one, for the grant that is used."""
        is_code = (grant or self.grant) == AUTHORIZATION_CODE_GRANT
        members = (self.code_server_metadata if is_code else None) or self.server_metadata
        return parse_authorization_server_metadata(members, issuer=members["issuer"])


def narrow_metadata(metadata: Mapping[str, Any], configuration_ids: Collection[str]) -> dict[str, Any]:
    """An issuer's metadata without the configurations that nobody asks for: it may have a thousand times more."""
    name = "credential_configurations_supported"
    return {**metadata, name: {found: each for found, each in metadata[name].items() if found in configuration_ids}}


def seal_record(vault: Vault, offer_id: str, record: OfferRecord) -> bytes:
    return vault.seal("offer", offer_id, asdict(record))


def open_record(vault: Vault, row: Offer) -> OfferRecord:
    if row.state == "fetching":
        raise OfferSpentError
    return OfferRecord(**vault.open("offer", row.id, row.sealed))


def create_renewal(vault: Vault, credential_id: str, record: OfferRecord) -> Renewal | None:
    """The row by which a badge can be had again; None where its issuer gave no refresh token."""
    if record.token is None or record.token.get("refresh_token") is None:
        return None
    narrow = narrow_metadata(record.metadata, record.chosen)
    kept = replace(
        record, metadata=narrow, asked=[], received=[], deferred=[], lost=[], outcome=None, authorization=None
    )
    return Renewal(
        credential_id=credential_id, account_id=vault.account_id, sealed=seal_renewal(vault, credential_id, kept)
    )


def seal_renewal(vault: Vault, credential_id: str, record: OfferRecord) -> bytes:
    return vault.seal("renewal", credential_id, asdict(record))


@dataclass
class Progress:
    """One offer that one request works on."""

    wallet: Wallet
    vault: Vault
    offer_id: str
    record: OfferRecord
    now: datetime

    @property
    def offer(self) -> CredentialOffer:
        return self.record.parsed_offer()

    @property
    def metadata(self) -> IssuerMetadata:
        return self.record.issuer_metadata()

    @property
    def remembered_until(self) -> datetime:
        """Until when an offer is kept whose owner waits for a badge, or has yet to see what was lost."""
        return self.now + self.wallet.settings.deferred_lifetime

    async def save(
        self, state: str, *, is_done: bool = True, history: Sequence[HistoryRecord] = (), **more: Any
    ) -> None:
        """Note how far the offer is; `is_done` lets another request go on from there."""
        sealed = seal_record(self.vault, self.offer_id, self.record)
        async with self.wallet.database.transaction() as session:
            for line in history:
                await add_history_record(session, self.vault, line)
            await store.set_offer(
                session, self.vault.account_id, self.offer_id, state=state, sealed=sealed, is_done=is_done, **more
            )


@contextmanager
def step(failed: FailedStep) -> Iterator[None]:
    """Say of whatever goes wrong inside at which step it was, on whose side, and by which rule."""
    try:
        yield
    except UndecidedError as exc:
        raise UnreachableError(exc.detail, step=failed) from exc
    except CredentialError as exc:
        raise IssuerFailedError(f"{failed.code}: {exc.code}: {exc.detail}", step=failed) from exc
