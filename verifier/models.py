"""The verifier's tables. What others sent us and every secret lie sealed; what is looked up by secret, by its hash."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from runtime.database import UtcDateTime, declarative_base
from runtime.guessing import GuessingSourceMixin
from runtime.tokens import create_token
from runtime.trust_list_memory import TrustListCopyMixin
from runtime.web.browser_session import BrowserSessionMixin
from runtime.web.operators import OperatorMixin


class Base(DeclarativeBase):
    """The verifier's own tables, with the constraint names of every service."""

    metadata = declarative_base().metadata


class RelyingParty(Base):
    """An organisation that asks: its own identifier, key and people. Nothing is shared between two of them."""

    __tablename__ = "relying_parties"

    id: Mapped[str] = mapped_column(String(43), primary_key=True)
    slug: Mapped[str] = mapped_column(String(63), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str | None] = mapped_column(String(500))
    country: Mapped[str | None] = mapped_column(String(2))
    registration_number: Mapped[str | None] = mapped_column(String(100))
    key_name: Mapped[str] = mapped_column(String(43))
    public_jwk: Mapped[dict[str, Any]] = mapped_column(JSON)
    sealed_private_jwk: Mapped[bytes] = mapped_column(LargeBinary)
    attestation: Mapped[str | None] = mapped_column(Text)
    """What an attester says about this party's key, as it came (OpenID4VP 1.0 §12)."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ClientCertificate(Base):
    """The certificate of a relying party, with the key that belongs to it (HAIP §5)."""

    __tablename__ = "client_certificates"

    relying_party_id: Mapped[str] = mapped_column(ForeignKey("relying_parties.id"), primary_key=True)
    x5c: Mapped[list[str]] = mapped_column(JSON)
    subject: Mapped[str] = mapped_column(String(300))
    sealed_private_jwk: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FederationMembership(Base):
    """The superiors of a relying party in OpenID Federations, and its keys there. None above: it left."""

    __tablename__ = "federation_memberships"

    relying_party_id: Mapped[str] = mapped_column(ForeignKey("relying_parties.id"), primary_key=True)
    authority_hints: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    sealed_private_jwks: Mapped[bytes] = mapped_column(LargeBinary)
    """The key that signs its statements and the one that wallets encrypt their answers to; while the former is being
    replaced also the next one, or of the one before the public part."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ApiKey(Base):
    """A key to the management API; without a relying party it belongs to the deployment itself."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(43), primary_key=True)
    relying_party_id: Mapped[str | None] = mapped_column(ForeignKey("relying_parties.id"))
    name: Mapped[str] = mapped_column(String(100))
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Operator(OperatorMixin, Base):
    """Somebody who asks questions for one relying party."""

    __tablename__ = "operators"

    relying_party_id: Mapped[str] = mapped_column(ForeignKey("relying_parties.id"))


class GuessingSource(GuessingSourceMixin, Base):
    """How often somebody tried a passphrase, for each visitor and name."""

    __tablename__ = "guessing_sources"


class BrowserSession(BrowserSessionMixin, Base):
    """A browser: of a signed-in operator, or of a candidate who answers a question.

    The id stays when the token is renewed, so that what this browser began remains its own.
    """

    __tablename__ = "browser_sessions"

    id: Mapped[str] = mapped_column(String(43), unique=True, default=lambda: create_token(16))
    operator_id: Mapped[str | None] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))


class Question(Base):
    """A saved question: which skills, at which level, and what for (PROFILE.md V-07)."""

    __tablename__ = "questions"

    id: Mapped[str] = mapped_column(String(43), primary_key=True)
    relying_party_id: Mapped[str] = mapped_column(ForeignKey("relying_parties.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    purpose: Mapped[str] = mapped_column(Text)
    skills: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    minimum_level: Mapped[int | None]
    """At which level of the EQF or higher a badge with a skill has to stand, where that is asked (PROFILE.md S-10)."""
    retention_hours: Mapped[int]
    policy: Mapped[str] = mapped_column(String(20), default="diip")
    agreement: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """What the candidate agrees to by answering: a title and a text."""
    same_device_only: Mapped[bool] = mapped_column(default=False)
    """Asked on the candidate's own device alone, where nobody else can be made to answer (PROFILE.md V-23)."""
    trusted_authorities: Mapped[bool] = mapped_column(default=False)
    """Only badges under authorities that we believe are asked for; which those are is looked up at each asking."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PresentationRequest(Base):
    """One asking of a question: the Authorization Request, its one answer, and what was found.

    `state` is the lock: waiting → fetched → received → settled, or refused, or discarded. Whoever moves it, owns the
    step. That its time has passed is not stored but seen from `expires_at`.
    """

    __tablename__ = "presentation_requests"

    id: Mapped[str] = mapped_column(String(43), primary_key=True)
    relying_party_id: Mapped[str] = mapped_column(ForeignKey("relying_parties.id"))
    question_id: Mapped[str | None] = mapped_column(ForeignKey("questions.id"))
    browser_session_id: Mapped[str | None] = mapped_column(String(43))

    title: Mapped[str] = mapped_column(String(200))
    purpose: Mapped[str] = mapped_column(Text)
    requirements: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    dcql_query: Mapped[dict[str, Any]] = mapped_column(JSON)
    policy: Mapped[str] = mapped_column(String(20))
    client_id: Mapped[str] = mapped_column(Text)
    """As whom we asked: what an answer that was posted is bound to."""
    request_by: Mapped[str] = mapped_column(String(10))
    origin: Mapped[str] = mapped_column(String(500))
    """The page that may ask through the browser: what an answer that came that way is bound to."""
    transaction_data: Mapped[list[str]] = mapped_column(JSON, default=list)
    flow: Mapped[str] = mapped_column(String(20))
    response_mode: Mapped[str] = mapped_column(String(20))
    return_uri: Mapped[str | None] = mapped_column(String(2000))
    comparison_code: Mapped[str] = mapped_column(String(10))
    retention_hours: Mapped[int]

    request_secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    response_secret_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    state_hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_exchange: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Link secrets, nonce, state and the private key that opens the response; gone once there is an answer."""

    state: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    leased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When somebody last took on the checking of a received answer."""
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the result was let go to those who asked: at once across devices, else by session and response code."""

    response_code_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    wallet_error: Mapped[str | None] = mapped_column(String(40))
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """What was checked and found; no claim of the holder is in it, so it may stay."""

    sealed_received: Mapped[bytes | None] = mapped_column(LargeBinary)
    """What the holder sent, and the claims read from it; erased when its time has passed."""
    erase_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("ix_presentation_requests_relying_party", "relying_party_id", "created_at"),
        Index("ix_presentation_requests_erase", "erase_at"),
        Index("ix_presentation_requests_state", "state", "leased_at"),
    )


class Webhook(Base):
    """Where a relying party wants to be told what happens; the secret signs each message."""

    __tablename__ = "webhooks"

    relying_party_id: Mapped[str] = mapped_column(ForeignKey("relying_parties.id"), primary_key=True)
    url: Mapped[str] = mapped_column(String(2000))
    sealed_secret: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class WebhookDelivery(Base):
    """A message that goes out until it has arrived or was tried often enough, and what became of it.

    It names a transaction and its state, nothing of a holder. `outcome` and `status` are of the last try; with
    `ended_at` there is no other, and a week later the row is gone.
    """

    __tablename__ = "webhook_deliveries"

    id: Mapped[str] = mapped_column(String(43), primary_key=True)
    relying_party_id: Mapped[str] = mapped_column(ForeignKey("relying_parties.id"))
    body: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    """When it may be sent: also the lock of whoever is sending it."""
    outcome: Mapped[str | None] = mapped_column(String(20))
    status: Mapped[int | None]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def kind(self) -> str:
        """What it tells, as its body names it."""
        kind: str = json.loads(self.body)["type"]
        return kind


class TrustListCopy(TrustListCopyMixin, Base):
    """The newest trust list that this service believed: no older one is believed any more (PROFILE.md T-03)."""

    __tablename__ = "trust_list_copies"
