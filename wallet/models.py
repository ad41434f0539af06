"""The wallet's tables. Whatever tells something about a person is ciphertext or a keyed digest.

In the open stand only random identifiers, times, and the state of one-time things. `sealed` columns
are encrypted under the account's vault key (`wallet.vault`), which no column holds in the open.
"""

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from runtime.database import UtcDateTime, declarative_base
from runtime.guessing import GuessingSourceMixin
from runtime.trust_list_memory import TrustListCopyMixin


class Base(DeclarativeBase):
    """The wallet's own tables, with the constraint names of every service."""

    metadata = declarative_base().metadata


def _account() -> Mapped[str]:
    return mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), index=True)


class Account(Base):
    """One person's wallet. The name is kept as a digest under the service's key, and sealed for its owner."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VaultWrap(Base):
    """The vault key, wrapped by one secret of the person: a passphrase, a recovery code, later a passkey."""

    __tablename__ = "vault_wraps"
    __table_args__ = (UniqueConstraint("account_id", "kind", "label"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = _account()
    kind: Mapped[str] = mapped_column(String(32))
    label: Mapped[str] = mapped_column(String(128), default="")
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    wrapped_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class VaultSession(Base):
    """A signed-in browser or program. The vault key lies here encrypted under its token, which we do not keep."""

    __tablename__ = "vault_sessions"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[str] = _account()
    sealed_vault_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class SignInAttempt(Base):
    """One try to open an account, whether the account exists or not."""

    __tablename__ = "sign_in_attempts"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name_digest: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    tried_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Offer(Base):
    """A credential offer on its way.

    `state`: fetching, open, authorizing (the person is signing in with the issuer), redeeming (its code may have been
    sent), redeemed (a token came), deferred (the issuer is still preparing it), unchecked (badges came), received,
    failed, discarded. Until `busy_until` one request works on it and no other may. From `due_at` there is something
    to ask or tell the issuer.
    """

    __tablename__ = "offers"
    __table_args__ = (UniqueConstraint("account_id", "link_digest"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = _account()
    link_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    state: Mapped[str] = mapped_column(String(16))
    busy_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class PresentationRequest(Base):
    """A verifier's question. `state`: open, answering, answered, declined, failed. One answer each."""

    __tablename__ = "presentation_requests"
    __table_args__ = (
        UniqueConstraint("account_id", "link_digest"),
        UniqueConstraint("account_id", "request_digest"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = _account()
    link_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    request_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    state: Mapped[str] = mapped_column(String(16))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Credential(Base):
    """A badge as its owner sees it. Its signed forms hang below it."""

    __tablename__ = "credentials"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = _account()
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_image: Mapped[bytes | None] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class CredentialForm(Base):
    """One signed form of a badge, exactly as received."""

    __tablename__ = "credential_forms"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = _account()
    credential_id: Mapped[str] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"), index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class HolderKey(Base):
    """The private key of one signed form, and of no other (W-11). It goes when the form goes (W-30)."""

    __tablename__ = "holder_keys"

    form_id: Mapped[str] = mapped_column(ForeignKey("credential_forms.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = _account()
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class CredentialCopy(Base):
    """One of several copies of a signed form, with its key. Two verifiers never get the same one while others are left.

    `shown_to` is a digest that only the vault makes, of whoever got this copy; none: it is still unused.
    """

    __tablename__ = "credential_copies"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = _account()
    form_id: Mapped[str] = mapped_column(ForeignKey("credential_forms.id", ondelete="CASCADE"), index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    shown_to: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    shown_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Renewal(Base):
    """By what new copies of a badge can be had from its issuer. Until `busy_until` nobody asks for any."""

    __tablename__ = "renewals"

    credential_id: Mapped[str] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[str] = _account()
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    busy_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class HistoryEntry(Base):
    """What was received or shown, with whom and when. It stays when a badge is deleted (W-31)."""

    __tablename__ = "history_entries"
    __table_args__ = (Index("history_by_account", "account_id", "happened_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    happened_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ImportedBadge(Base):
    """A badge from elsewhere: its file as it came, and what was found out about it. It has no key and is never shown.

    Until its owner keeps it, it goes at `expires_at`. `connection_id`: it was fetched from there and waits for a word.
    One that a connected service brought while the vault was locked is sealed through the slot (`wallet.letterbox`); its
    `identity` is a digest of issuer and `id` under a key that only the vault and such a service have; `sealed_note`,
    under that key too, has what another delivery is compared with.
    """

    __tablename__ = "imported_badges"
    __table_args__ = (UniqueConstraint("account_id", "identity"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = _account()
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_file: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    connection_id: Mapped[str | None] = mapped_column(String(64), index=True)
    identity: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    sealed_note: Mapped[bytes | None] = mapped_column(LargeBinary)


class PlatformClient(Base):
    """This wallet as a client of one platform for badges: the same for everybody who uses this wallet.

    The platform is a digest under the service's key; its address, the client's name and its secret are sealed under it.
    The newest is used for whoever signs in there; those before it serve whoever signed in with them.
    """

    __tablename__ = "platform_clients"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    platform_digest: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class PlatformConnection(Base):
    """One person's way to their badges at one platform. Which platform, and its tokens, only the vault tells.

    `state_hash`: they are signing in there now. Until `busy_until` one request works on it and no other may. Until it
    stands, it goes at `expires_at`.
    """

    __tablename__ = "platform_connections"
    __table_args__ = (UniqueConstraint("account_id", "platform_digest"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = _account()
    platform_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    state_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    busy_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class ApiClient(Base):
    """A product that registered itself to be connected. What it says of itself tells nothing about a person.

    One that nobody ever connected goes after a day.
    """

    __tablename__ = "api_clients"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    registration: Mapped[str] = mapped_column(Text)
    registered_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class Connection(Base):
    """That a person let a product into a part of their wallet, until either ends it. Which product is ciphertext.

    `client_digest` is keyed by the service and by this row: it recognises the product that comes, and lists none.
    `reads`: badges may be read. `told_at` is when the history last told of that.
    """

    __tablename__ = "connections"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = _account()
    client_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    reads: Mapped[bool] = mapped_column(Boolean)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ConnectionToken(Base):
    """A code, access token or refresh token of a connection. What it opens is sealed under it, and it is not kept.

    Once spent it opens nothing, and stays known so that nobody can bring it again unnoticed.
    """

    __tablename__ = "connection_tokens"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    connection_id: Mapped[str] = mapped_column(ForeignKey("connections.id", ondelete="CASCADE"), index=True)
    account_id: Mapped[str] = _account()
    kind: Mapped[str] = mapped_column(String(16))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    spent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ShelvedBadge(Base):
    """A badge as connected services may read it, sealed to the slot of the shelf. It goes with the badge itself."""

    __tablename__ = "shelved_badges"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = _account()
    credential_id: Mapped[str | None] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"), unique=True)
    imported_id: Mapped[str | None] = mapped_column(ForeignKey("imported_badges.id", ondelete="CASCADE"), unique=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    shelved_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ApiProfile(Base):
    """What connected services may read and write about the person themselves, sealed to its slot."""

    __tablename__ = "api_profiles"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ApiCounter(GuessingSourceMixin, Base):
    """How often something was asked within an hour: registrations from one source, badges from one connection."""

    __tablename__ = "api_counters"


class SkillClaim(Base):
    """One skill that a person says they have, sealed. The digest is keyed by the vault: it tells that one is twice."""

    __tablename__ = "skill_claims"
    __table_args__ = (UniqueConstraint("account_id", "skill_digest"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = _account()
    skill_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TrustListCopy(TrustListCopyMixin, Base):
    """The newest trust list that this service believed: no older one is believed any more (PROFILE.md T-03)."""

    __tablename__ = "trust_list_copies"
