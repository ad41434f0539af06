"""The issuer's tables. Queries live in `store.py`.

Codes and tokens are kept as hashes; personal data, secrets, private keys and credentials are sealed.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from runtime.database import UtcDateTime, declarative_base
from runtime.guessing import GuessingSourceMixin
from runtime.trust_list_memory import TrustListCopyMixin
from runtime.web.browser_session import BrowserSessionMixin
from runtime.web.operators import OperatorMixin


class Base(declarative_base()):  # type: ignore[misc]  # made at run time, with our naming of constraints
    """What all tables of the issuer have in common."""

    __abstract__ = True


def _id() -> Mapped[uuid.UUID]:
    return mapped_column(Uuid, primary_key=True, default=uuid.uuid4)


class Organisation(Base):
    """One Credential Issuer: its own identifier, keys and status lists. I-81."""

    __tablename__ = "organisations"
    id: Mapped[uuid.UUID] = _id()
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(String(500))
    country: Mapped[str] = mapped_column(String(2))
    registration_number: Mapped[str | None] = mapped_column(String(50))
    offer_lifetime_seconds: Mapped[int | None]
    claims_retention_days: Mapped[int | None]
    claims_retention_ground: Mapped[str | None] = mapped_column(Text)
    is_federated: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Base64 of each certificate, leaf first, with a space between two: of the key that signs ES256 now, or none.
    certificate_chain: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SigningKey(Base):
    """A key of one organisation. A retired key still verifies what it signed, a withdrawn one nothing.

    What is sealed is the private JWK, or by what name a hardware security module knows the key.
    One key an algorithm signs, by the index. The rows stay, so that it can be told which key stood when; the private
    part of a key that signs no more does not.
    """

    __tablename__ = "signing_keys"
    __table_args__ = (
        UniqueConstraint("organisation_id", "fragment"),
        Index(
            "ix_signing_keys_signs_now",
            "organisation_id",
            "algorithm",
            unique=True,
            sqlite_where=text("retired_at IS NULL"),
            postgresql_where=text("retired_at IS NULL"),
        ),
    )
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    fragment: Mapped[str] = mapped_column(String(64))
    algorithm: Mapped[str] = mapped_column(String(16))
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSON)
    sealed_private_jwk: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DidDocument(Base):
    """What stood in the DID document of an organisation, from which moment on. Rows are added and never changed."""

    __tablename__ = "did_documents"
    __table_args__ = (UniqueConstraint("organisation_id", "version"),)
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    version: Mapped[int]
    document: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[datetime] = mapped_column(UtcDateTime)


class FederationMembership(Base):
    """The superiors of an organisation in OpenID Federations, and the key of its statements. None above: it left."""

    __tablename__ = "federation_memberships"
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"), unique=True)
    authority_hints: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSON)
    sealed_private_jwk: Mapped[bytes] = mapped_column(LargeBinary)
    next_public_jwk: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The key that will sign once the superiors name it, and the one that signed before: published beside the present
    one."""
    sealed_next_private_jwk: Mapped[bytes | None] = mapped_column(LargeBinary)
    previous_public_jwk: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ApiKey(Base):
    """A key to the management API, kept as a hash. Without organisation it is the operator's of the whole service.

    It may stand on the name of one member of an organisation's staff, and ends with their account.
    """

    __tablename__ = "api_keys"
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(100))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    operator_id: Mapped[str | None] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was last used, to the hour."""
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Operator(OperatorMixin, Base):
    """A member of an organisation's staff who signs in to its back office."""

    __tablename__ = "operators"
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))


class BrowserSession(BrowserSessionMixin, Base):
    """A signed-in browser."""

    __tablename__ = "browser_sessions"
    operator_id: Mapped[str] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))


class Achievement(Base):
    """Something that can be awarded. What it says stands in its versions."""

    __tablename__ = "achievements"
    __table_args__ = (UniqueConstraint("organisation_id", "slug"),)
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    slug: Mapped[str] = mapped_column(String(63))
    current_version: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AchievementVersion(Base):
    """One wording of an achievement, never changed after it was made.

    `description` is what staff wrote; `achievement` is the Open Badges Achievement that credentials carry.
    """

    __tablename__ = "achievement_versions"
    __table_args__ = (UniqueConstraint("achievement_id", "version"),)
    id: Mapped[uuid.UUID] = _id()
    achievement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievements.id"))
    version: Mapped[int]
    description: Mapped[dict[str, Any]] = mapped_column(JSON)
    achievement: Mapped[dict[str, Any]] = mapped_column(JSON)
    image: Mapped[bytes] = mapped_column(LargeBinary)
    image_type: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AwardBatch(Base):
    """One request to award, with the Idempotency-Key under which a repetition finds it."""

    __tablename__ = "award_batches"
    __table_args__ = (UniqueConstraint("organisation_id", "idempotency_key"),)
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    idempotency_key: Mapped[str | None] = mapped_column(String(200))
    request_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BulkRun(Base):
    """A batch that is awarded as files by worker processes, a chunk at a time: everything that its files share."""

    __tablename__ = "bulk_runs"
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("award_batches.id"), primary_key=True)
    achievement_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievement_versions.id"))
    securing: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(120))
    awarded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BulkChunk(Base):
    """Consecutive people of a run. Its state changes in the transaction that writes their awards: all, or none."""

    __tablename__ = "bulk_chunks"
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("bulk_runs.batch_id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    first: Mapped[int]
    size: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Award(Base):
    """An achievement awarded to one person. It keeps the version that it was awarded in."""

    __tablename__ = "awards"
    __table_args__ = (
        Index("ix_awards_organisation_created", "organisation_id", "created_at"),
        Index("ix_awards_organisation_reference", "organisation_id", "reference"),
        Index("ix_awards_batch_position", "batch_id", "position"),
    )
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    achievement_version_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("achievement_versions.id"), index=True)
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("award_batches.id"))
    position: Mapped[int]
    reference: Mapped[str] = mapped_column(String(100))
    # A keyed hash, by which a person who signed in with the address finds the award; gone with the claims.
    email_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True)
    sealed_claims: Mapped[bytes | None] = mapped_column(LargeBinary)
    awarded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # The person who awarded, as the audit names staff; another person approves what has to wait (status `waiting`).
    # NULL where a key did that stands on nobody's name.
    awarded_by: Mapped[str | None] = mapped_column(String(120))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    status: Mapped[str] = mapped_column(String(10), default="valid")
    status_reason: Mapped[str | None] = mapped_column(Text)
    status_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # What the issuer tells of it beside its status: a value of `kernel.status.messages`.
    message: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    issued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    claims_dropped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Offer(Base):
    """A Credential Offer: hashes to find it by, and its secrets sealed for as long as it is open."""

    __tablename__ = "offers"
    __table_args__ = (UniqueConstraint("award_id", "number"),)
    id: Mapped[uuid.UUID] = _id()
    award_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("awards.id"))
    number: Mapped[int]
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    reference_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    issuer_state_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), index=True, unique=True)
    sealed_secrets: Mapped[bytes | None] = mapped_column(LargeBinary)
    has_tx_code: Mapped[bool]
    tx_code_tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    revokes_earlier_copies: Mapped[bool] = mapped_column(default=False)
    copies: Mapped[int] = mapped_column(SmallInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    spent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class IdentityProvider(Base):
    """The OpenID Provider at which an organisation's people sign in. Without one they get a one-time link."""

    __tablename__ = "identity_providers"
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid, unique=True, default=uuid.uuid4)
    issuer: Mapped[str] = mapped_column(String(500))
    name: Mapped[str] = mapped_column(String(200))
    client_id: Mapped[str] = mapped_column(String(500))
    sealed_client_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    subject_claim: Mapped[str] = mapped_column(String(100))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Authorization(Base):
    """One authorization request through its whole life: pushed, opened in a browser, signed in, decided, redeemed.

    Its `browser_hash` is of the cookie of the one browser that goes on with it. `requested` is what a wallet asked
    for; `granted`, what the person agreed to: for each award its configurations.
    """

    __tablename__ = "authorizations"
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    request_uri_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    client_id: Mapped[str] = mapped_column(Text)
    client_name: Mapped[str | None] = mapped_column(String(200))
    client_thumbprint: Mapped[str | None] = mapped_column(String(43))
    dpop_thumbprint: Mapped[str | None] = mapped_column(String(43))
    redirect_uri: Mapped[str] = mapped_column(Text)
    state: Mapped[str | None] = mapped_column(Text)
    code_challenge: Mapped[str] = mapped_column(String(43))
    issuer_state_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    requested: Mapped[list[str]] = mapped_column(JSON)
    uses_details: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    browser_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    sealed_sign_in: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_subject: Mapped[bytes | None] = mapped_column(LargeBinary)
    signed_in_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    granted: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    code_expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    code_spent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SignInLink(Base):
    """A one-time link, with a code to type instead, by which somebody proves that an e-mail address is theirs.

    It opens one authorization only, in the browser that began it. What is sealed is for staff to hand over where no
    mail is sent, and is gone once they saw it.
    """

    __tablename__ = "sign_in_links"
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    authorization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("authorizations.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    sealed_subject: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_secrets: Mapped[bytes | None] = mapped_column(LargeBinary)
    tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    spent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RefreshToken(Base):
    """One of the refresh tokens that followed one another under an authorization; an old one that returns ends all."""

    __tablename__ = "refresh_tokens"
    id: Mapped[uuid.UUID] = _id()
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    authorization_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("authorizations.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    spent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AccessToken(Base):
    """What a redeemed offer buys: issuance of this award's configurations, for five minutes.

    A token that covers several awards has a row for each. With `dpop_thumbprint` only whoever holds that key may use it
    (RFC 9449). `configuration_ids` are those that it is good for when it has no identifiers; None: all that a
    pre-authorized code opens.
    """

    __tablename__ = "access_tokens"
    __table_args__ = (UniqueConstraint("token_hash", "award_id"),)
    id: Mapped[uuid.UUID] = _id()
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    offer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offers.id"), index=True)
    award_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("awards.id"))
    credential_identifiers: Mapped[dict[str, str]] = mapped_column(JSON)
    configuration_ids: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    dpop_thumbprint: Mapped[str | None] = mapped_column(String(43))
    client_id: Mapped[str | None] = mapped_column(Text)
    authorization_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("authorizations.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DeferredIssuance(Base):
    """What a wallet asked for, and proved, while its award was waiting. It is issued once. OpenID4VCI 1.0 §9.

    `spent_at` is when it was answered first; the same bytes may leave again after that.
    """

    __tablename__ = "deferred_issuances"
    id: Mapped[uuid.UUID] = _id()
    transaction_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    offer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offers.id"), index=True)
    award_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("awards.id"))
    configuration_id: Mapped[str] = mapped_column(String(80))
    holder_keys: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    spent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SpentNonce(Base):
    """Something that counts once, and did: a `c_nonce`, or the `jti` of a proof of possession.

    What this service hands out are sealed values, which need no row until they are used.
    """

    __tablename__ = "spent_nonces"
    nonce_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class GuessingSource(GuessingSourceMixin, Base):
    """How many codes came wrong from one address in the running hour, and how often staff's passphrases did."""

    __tablename__ = "guessing_sources"


class StatusList(Base):
    """A status list of one organisation: for Token Status Lists or for Bitstring Status Lists, never for both.

    `revision` counts its changes.
    """

    __tablename__ = "status_lists"
    __table_args__ = (UniqueConstraint("organisation_id", "number"),)
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    number: Mapped[int]
    # The default is that of the lists from before there were two kinds.
    kind: Mapped[str] = mapped_column(String(24), server_default=text("'token_status_list'"))
    size: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revision: Mapped[int] = mapped_column(default=0)


class StatusSegment(Base):
    """A part of a list, packed, for one purpose. It is here only as long as none of its entries changed since."""

    __tablename__ = "status_segments"
    status_list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("status_lists.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(12), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    length: Mapped[int]
    deflated: Mapped[bytes] = mapped_column(LargeBinary)
    adler32: Mapped[int] = mapped_column(BigInteger)
    crc32: Mapped[int] = mapped_column(BigInteger)


class StatusPublication(Base):
    """A list as it is served now: for one purpose, in one media type, and which revision of it that is."""

    __tablename__ = "status_publications"
    status_list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("status_lists.id"), primary_key=True)
    purpose: Mapped[str] = mapped_column(String(12), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(40), primary_key=True)
    document: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_revision: Mapped[int]


class StatusEntry(Base):
    """A place in a list that was given away once, to a copy of an award or (without award) to a decoy."""

    __tablename__ = "status_entries"
    status_list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("status_lists.id"), primary_key=True)
    status_index: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(SmallInteger, default=0)
    # What the issuer tells of it in a list of messages: a value of `kernel.status.messages`.
    message: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    award_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("awards.id"), index=True)
    offer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("offers.id"))


class Credential(Base):
    """One signed copy, as it left. The bytes are sealed and never made again."""

    __tablename__ = "credentials"
    __table_args__ = (
        UniqueConstraint("offer_id", "configuration_id", "holder_thumbprint"),
        UniqueConstraint("status_list_id", "status_index"),
    )
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"))
    award_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("awards.id"), index=True)
    offer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offers.id"))
    configuration_id: Mapped[str] = mapped_column(String(80))
    holder_thumbprint: Mapped[str] = mapped_column(String(43))
    status_list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("status_lists.id"))
    status_index: Mapped[int]
    sealed_credential: Mapped[bytes | None] = mapped_column(LargeBinary)
    notification_hash: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    notification_event: Mapped[str | None] = mapped_column(String(32))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BadgeFile(Base):
    """A badge of an award as a file. The bytes are sealed and never made again.

    Made alone it is signed in both ways of Open Badges; made in bulk in one way, which `securing` names.
    `number` counts those of one award: there is a next one only after the one before it was revoked on its own.
    """

    __tablename__ = "badge_files"
    __table_args__ = (
        UniqueConstraint("award_id", "number"),
        Index("ix_badge_files_created_award", "created_at", "award_id"),
    )
    id: Mapped[uuid.UUID] = _id()
    award_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("awards.id"))
    number: Mapped[int]
    status_list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("status_lists.id"))
    status_index: Mapped[int]
    sealed_json: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_jws: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed_sd_jwt: Mapped[bytes | None] = mapped_column(LargeBinary)
    securing: Mapped[str] = mapped_column(String(20), server_default=text("'ldp_vc'"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class GivenEndorsement(Base):
    """What an organisation said of somebody else's badge, as it was signed. The text is public and never changes."""

    __tablename__ = "given_endorsements"
    id: Mapped[uuid.UUID] = _id()
    organisation_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("organisations.id"), index=True)
    subject: Mapped[str] = mapped_column(String(500))
    name: Mapped[str] = mapped_column(String(200))
    comment: Mapped[str] = mapped_column(Text)
    document: Mapped[str] = mapped_column(Text)
    status_list_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("status_lists.id"))
    status_index: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AuditEntry(Base):
    """Who did what, when and why. The database refuses to change or delete a row."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_organisation_subject", "organisation_id", "subject"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    organisation_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("organisations.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(120))
    action: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str | None] = mapped_column(Text)


class TrustListCopy(TrustListCopyMixin, Base):
    """The newest trust list that this service believed: no older one is believed any more (PROFILE.md T-03)."""

    __tablename__ = "trust_list_copies"
